//! What each single obfuscation costs in recall: attacks of the shared data, and personal data and secrets made here.
//!
//! `cargo test -p cordon-inspect --test obfuscations -- --nocapture` prints the table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "test code"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cordon_core::{Category, Channel, Score};
use cordon_inspect::Engine;
use cordon_inspect::obfuscate::{Family, Obfuscation};
use cordon_testkit::corpus;

/// Points of recall that one obfuscation may cost; a cipher may lose case, spaces and what is not ASCII, and costs more.
const ALLOWED: f64 = 3.0;
const ALLOWED_OF_CIPHER: f64 = 16.0;
/// Texts taken from each source, evenly over the file.
const PER_SOURCE: usize = 24;
/// Longer texts take long without optimisation and show nothing else.
const LONGEST: usize = 1500;

/// A text, and the family of categories that is in it.
struct Sample {
    text: String,
    channel: Channel,
    family: &'static str,
    /// A category of the family that does not count.
    without: Option<&'static str>,
    /// The score from which on it counts.
    percent: u32,
}

impl Sample {
    fn is_found(&self, engine: &Engine, text: &str) -> bool {
        let family = Category::known(self.family);
        engine.inspect(self.channel, text).iter().any(|finding| {
            let (start, end) = (finding.span.start, finding.span.end);
            assert!(start < end && end <= text.len(), "{finding:?}");
            assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{finding:?}");
            finding.score >= Score::percent(self.percent)
                && family.covers(&finding.category)
                && self.without != Some(finding.category.as_str())
        })
    }
}

/// What an obfuscation hides: in points of all texts, and of those that are found as they are.
struct Lost {
    points: f64,
    relative: f64,
}

/// What each obfuscation hides of the texts that are found as they are.
fn lost(engine: &Engine, samples: &[Sample], values: bool) -> BTreeMap<Obfuscation, Lost> {
    let found: Vec<&Sample> = samples.iter().filter(|sample| sample.is_found(engine, &sample.text)).collect();
    eprintln!("{} of {} found as they are", found.len(), samples.len());
    assert!(found.len() * 5 > samples.len(), "too few are found to say anything");
    let mut rates = BTreeMap::new();
    for obfuscation in Obfuscation::ALL.iter().filter(|o| !values || o.keeps_values()) {
        let hidden = (0..)
            .zip(&found)
            .filter(|(seed, sample)| !sample.is_found(engine, &obfuscation.apply(&sample.text, *seed)));
        let hidden: Vec<_> = hidden.collect();
        let percent = |of: usize| hidden.len() as f64 * 100.0 / of as f64;
        let lost = Lost { points: percent(samples.len()), relative: percent(found.len()) };
        rates.insert(*obfuscation, lost);
        if std::env::var("CORDON_SHOW").is_ok_and(|name| name == obfuscation.name()) {
            for (seed, sample) in hidden.iter().take(8) {
                let text: String = obfuscation.apply(&sample.text, *seed).chars().take(300).collect();
                eprintln!(
                    "{}: {:?}\n  {text:?}",
                    sample.family,
                    sample.text.chars().take(200).collect::<String>()
                );
            }
        }
    }
    rates
}

fn check(name: &str, rates: &BTreeMap<Obfuscation, Lost>) {
    let mut table = String::new();
    for (obfuscation, Lost { points, relative }) in rates {
        writeln!(
            table,
            "{name} {:<24} {points:5.1} points, {relative:5.1} % of what is found",
            obfuscation.name()
        )
        .unwrap();
    }
    eprintln!("{table}");
    let allowed =
        |way: &Obfuscation| if way.family() == Family::Cipher { ALLOWED_OF_CIPHER } else { ALLOWED };
    let over: Vec<_> =
        rates.iter().filter(|(way, lost)| lost.points > allowed(way)).map(|(way, _)| way).collect();
    assert!(over.is_empty(), "more points of recall lost than allowed: {over:?}");
}

/// Attacks of the shared data, the same number of each source; none where the data is not here.
fn attacks(percent: u32, without: Option<&'static str>) -> Vec<Sample> {
    let mut samples = Vec::new();
    for name in corpus::guard_files().unwrap_or_default() {
        let attacks: Vec<_> = corpus::guard(&name)
            .unwrap()
            .into_iter()
            .filter(|case| case.label == "attack" && case.kind != "harmful_request")
            .filter(|case| (16..=LONGEST).contains(&case.text.len()))
            .collect();
        let step = (attacks.len() / PER_SOURCE).max(1);
        samples.extend(attacks.into_iter().step_by(step).take(PER_SOURCE).map(|case| Sample {
            text: case.text,
            channel: case.channel,
            family: "prompt_injection",
            without,
            percent,
        }));
    }
    samples
}

/// What phrases say, which is sure enough to block.
#[test]
fn attacks_are_found_under_each_obfuscation() {
    let samples = attacks(80, None);
    if !samples.is_empty() {
        check("attacks", &lost(&Engine::builtin(), &samples, false));
    }
}

/// What phrases and the model say, from the lowest score at which a guard asks. Suffixes that were searched for token by token do not count:
/// written otherwise they are other tokens, and attack nothing.
#[test]
fn suspicions_are_found_under_each_obfuscation() {
    let samples = attacks(30, Some("prompt_injection/suffix"));
    if !samples.is_empty() {
        check("suspicions", &lost(&Engine::builtin(), &samples, false));
    }
}

/// Numbers that look random, the same in every run (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of(&mut self, alphabet: &str, count: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..count).map(|_| alphabet[(self.next() % alphabet.len() as u64) as usize]).collect()
    }
}

const DIGITS: &str = "0123456789";
const SMALL: &str = "abcdefghijklmnopqrstuvwxyz";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A number whose last digit makes its Luhn sum right.
fn luhn(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| match (u32::from(b - b'0'), i % 2) {
            (d, 0) => d * 2 / 10 + d * 2 % 10,
            (d, _) => d,
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A token of GitHub's form: its last six characters are the CRC-32 (ISO 3309) of those before them, in base 62.
fn github(draw: &mut Draw) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let text = draw.of(ALNUM, 30);
    let sum = !text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    let digit = |place: u32| char::from(DIGITS[(sum / 62_u32.pow(place) % 62) as usize]);
    format!("ghp_{text}{}", (0..6).rev().map(digit).collect::<String>())
}

/// One made-up value of each kind in a sentence.
fn values(draw: &mut Draw) -> Vec<(&'static str, String)> {
    let account = draw.of(DIGITS, 18);
    // ISO 13616: the check digits make the number 1 modulo 97; DE is 1314.
    let rest =
        format!("{account}131400").bytes().fold(0_u32, |rest, b| (rest * 10 + u32::from(b - b'0')) % 97);
    let card = luhn(&format!("4{}", draw.of(DIGITS, 14)));
    let grouped =
        card.as_bytes().chunks(4).map(|g| std::str::from_utf8(g).unwrap()).collect::<Vec<_>>().join(" ");
    let mail = format!("{}.{}@{}.com", draw.of(SMALL, 5), draw.of(SMALL, 6), draw.of(SMALL, 7));
    let ssn = format!("{}-{}-{}", 100 + draw.next() % 500, 10 + draw.next() % 80, 1000 + draw.next() % 8000);
    let phone = format!("+49 30 {}", 1_000_000 + draw.next() % 8_000_000);
    let ip = format!("203.0.{}.{}", draw.next() % 200, 1 + draw.next() % 200);
    vec![
        ("pii/card", format!("Please charge my credit card {card} for the order.")),
        ("pii/card", format!("The card number is {grouped}, thank you.")),
        ("pii/iban", format!("Send the money to IBAN DE{:02}{account} today.", 98 - rest)),
        ("pii/email", format!("You can write to {mail} about it.")),
        ("pii/ssn", format!("His SSN is {ssn} as he told us.")),
        ("pii/phone", format!("Call me at {phone} after lunch.")),
        ("pii/ip", format!("The server answers at {ip} only.")),
        (
            "secret/aws_key",
            format!("The access key is AKIA{} for now.", draw.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        ),
        ("secret/github_token", format!("Use the token {} to clone.", github(draw))),
        ("secret/cordon_key", format!("Our key is ck_{}_{} now.", draw.of(SMALL, 8), draw.of(ALNUM, 43))),
    ]
}

#[test]
fn personal_data_and_secrets_are_found_under_each_obfuscation() {
    let engine = Engine::builtin();
    let mut draw = Draw(11);
    let samples: Vec<Sample> = (0..12)
        .flat_map(|_| values(&mut draw))
        .map(|(family, text)| Sample { text, channel: Channel::User, family, without: None, percent: 50 })
        .collect();
    check("values", &lost(&engine, &samples, true));
}

/// Where letters are written one by one, the finding covers the value as it is written, and no more than that and what
/// stands directly beside it.
#[test]
fn values_are_covered_as_they_are_written() {
    let engine = Engine::builtin();
    let letters = [
        Obfuscation::FullWidth,
        Obfuscation::MathAlphabet,
        Obfuscation::Circled,
        Obfuscation::Confusables,
        Obfuscation::ZeroWidth,
        Obfuscation::VariationSelectors,
        Obfuscation::CombiningMarks,
        Obfuscation::ControlCharacters,
        Obfuscation::Percent,
        Obfuscation::HtmlHex,
        Obfuscation::EscapeUnicode,
        Obfuscation::EscapeOctal,
    ];
    let mut draw = Draw(12);
    let key = github(&mut draw);
    for obfuscation in letters {
        for seed in 0..8 {
            let (before, after) =
                (obfuscation.apply("the key is ", seed), obfuscation.apply(" as said", seed));
            let value = obfuscation.apply(&key, seed);
            let text = format!("{before}{value}{after}");
            let (start, end) = (before.len(), before.len() + value.len());
            let findings = engine.inspect(Channel::User, &text);
            let found = findings.iter().find(|f| f.category.as_str() == "secret/github_token");
            let span = found.unwrap_or_else(|| panic!("{obfuscation:?} {text:?}: {findings:?}")).span;
            // What nothing shows at the end of the value may stay.
            let rest = text[span.end.min(end)..end].trim_end_matches(|c: char| !c.is_alphanumeric());
            assert!(
                span.start == start && span.end <= end && rest.is_empty(),
                "{obfuscation:?}: {span:?} {text:?}"
            );
        }
    }
}

/// In an encoded text the finding covers the groups of characters that hold the value, and no others.
#[test]
fn values_in_encoded_texts_are_covered_by_their_groups() {
    let engine = Engine::builtin();
    let key = github(&mut Draw(13));
    // Bytes of a group, and characters that they become.
    for (obfuscation, bytes, characters) in [
        (Obfuscation::Base64, 3, 4),
        (Obfuscation::Base64Url, 3, 4),
        (Obfuscation::Base32, 5, 8),
        (Obfuscation::Hex, 1, 2),
    ] {
        for shift in 0..16 {
            let before = format!("{}the key is ", "x".repeat(shift));
            let text = obfuscation.apply(&format!("{before}{key} as said above"), 0);
            let findings = engine.inspect(Channel::User, &text);
            let found = findings.iter().find(|f| f.category.as_str() == "secret/github_token");
            let span = found.unwrap_or_else(|| panic!("{obfuscation:?} {shift}: {findings:?}")).span;
            let start = before.len() / bytes * characters;
            let end = (before.len() + key.len()).div_ceil(bytes) * characters;
            assert_eq!((span.start, span.end), (start, end), "{obfuscation:?} {shift}");
        }
    }
}
