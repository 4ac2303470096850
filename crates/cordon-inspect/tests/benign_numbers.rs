//! Numbers, codes and lines of business and technology that look like identifiers. None of them may raise anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

use cordon_core::{Channel, Score};
use cordon_inspect::Engine;

/// The lines of the corpus.
fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("../corpus/benign_numbers.txt").lines().filter(|line| !line.starts_with("# "))
}

fn shown(engine: &Engine, text: &str) -> Vec<String> {
    let found = engine.inspect(Channel::Document, text);
    found.iter().map(|f| format!("{} {} `{}`", f.category, f.score, &text[f.span.range()])).collect()
}

#[test]
fn no_line_raises_anything() {
    let engine = Engine::builtin();
    assert!(lines().count() >= 120);
    let raised: Vec<String> = lines()
        .map(|line| (line, shown(&engine, line)))
        .filter(|(_, found)| !found.is_empty())
        .map(|(line, found)| format!("{line}\n    {found:?}"))
        .collect();
    assert!(raised.is_empty(), "{} lines raise something:\n{}", raised.len(), raised.join("\n"));
}

/// Groups of an account number look like cards and telephone numbers: its check digits say what it is.
#[test]
fn account_numbers_are_nothing_else() {
    // ISO 13616: country, and digits behind the check digits.
    const COUNTRIES: [(&str, usize); 4] = [("DE", 18), ("AT", 16), ("BE", 12), ("ES", 20)];
    let engine = Engine::builtin();
    let mut draw = 1_u64;
    let mut wrong = Vec::new();
    for round in 0..1_000 {
        let (country, digits) = COUNTRIES[round % COUNTRIES.len()];
        let account: String = (0..digits)
            .map(|_| {
                draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'0' + u8::try_from(draw >> 33 & 0xff).unwrap() % 10)
            })
            .collect();
        let checked = |check: u64| {
            let moved = format!("{account}{country}{check:02}");
            moved.bytes().fold(0_u64, |rest, byte| match byte {
                b'0'..=b'9' => (rest * 10 + u64::from(byte - b'0')) % 97,
                _ => (rest * 100 + u64::from(byte - b'A') + 10) % 97,
            }) == 1
        };
        let check = (0..97).map(|check| check + 2).find(|check| checked(*check)).unwrap();
        let plain = format!("{country}{check:02}{account}");
        let groups: Vec<&str> =
            plain.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect();
        let text = format!("Please pay to {} by Friday.", groups.join(" "));
        let found = engine.inspect(Channel::Document, &text);
        if found.iter().map(|f| f.category.as_str()).ne(["pii/iban"]) {
            wrong.push(format!("{text}: {:?}", shown(&engine, &text)));
        }
    }
    assert!(wrong.is_empty(), "{} of 1,000 are something else:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn numbers_of_parcels_are_no_telephones() {
    let engine = Engine::builtin();
    for text in [
        "Tracking: 1Z 999 AA1 01 2345 6784",
        "UPS tracking number 1Z 999 AA1 01 2345 6784",
        "1Z999AA10123456784",
    ] {
        assert_eq!(shown(&engine, text), [""; 0], "{text}");
    }
    assert!(!shown(&engine, "Call 01 2345 6784, my telephone number").is_empty());
}

#[test]
fn four_numbers_are_no_address_behind_words_for_versions_and_sections() {
    let engine = Engine::builtin();
    let found = |text: &str| {
        let found = engine.inspect(Channel::Document, text);
        found.iter().any(|f| f.category.as_str() == "pii/ip" && f.score >= Score::percent(50))
    };
    for text in [
        "Firmware 3.12.4.118 fixes the darkness of the label.",
        "fw 12.0.33.7 is out",
        "3.2.1.4 Torque limits",
        "netmask = 255.255.255.0",
        "listen on 0.0.0.0",
    ] {
        assert!(!found(text), "{text}");
    }
    for text in ["ping 1.1.1.1", "the server at 9.9.9.9", "login from 8.8.4.4", "seen: 81.2.69.142"] {
        assert!(found(text), "{text}");
    }
}
