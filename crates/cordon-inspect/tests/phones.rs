//! Telephone numbers country by country: as they are written at home, with the country's code, and what is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

use std::sync::LazyLock;

use cordon_core::{Channel, Score};
use cordon_inspect::Engine;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

/// A line of the corpus: country, number at home, whether it needs no word, number with its code.
fn lines() -> impl Iterator<Item = (&'static str, &'static str, bool, &'static str)> {
    include_str!("../corpus/phones.tsv").lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [country, home, alone, abroad] = fields[..] else { panic!("{line}") };
        (country, home, alone == "yes", abroad)
    })
}

/// Whether all of a number in a text is found at 0.5 or more.
fn found(text: &str, number: &str) -> bool {
    let start = text.find(number).unwrap();
    ENGINE.inspect(Channel::User, text).iter().any(|f| {
        f.category.as_str() == "pii/phone"
            && f.score >= Score::percent(50)
            && f.span.start <= start
            && f.span.end == start + number.len()
    })
}

/// Fails with every line that does not hold.
fn check(test: impl Fn(&str, bool, &str) -> Result<(), String>) {
    let failed: Vec<String> = lines()
        .filter_map(|(country, home, alone, abroad)| {
            test(home, alone, abroad).err().map(|text| format!("{country}: {text}"))
        })
        .collect();
    assert!(failed.is_empty(), "{} fail:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn numbers_are_found_as_their_country_writes_them() {
    assert!(lines().count() >= 60);
    check(|home, alone, _| {
        let named = format!("tel: {home}, thanks");
        let bare = format!("Maria wrote {home} on the wall.");
        match (found(&named, home), found(&bare, home)) {
            (false, _) => Err(named),
            (true, without) if without != alone => Err(bare),
            _ => Ok(()),
        }
    });
}

#[test]
fn numbers_with_a_country_code_are_found_alone() {
    check(|_, _, abroad| {
        let text = format!("Maria wrote {abroad} on the wall.");
        found(&text, abroad).then_some(()).ok_or(text)
    });
}

#[test]
fn the_same_digits_in_other_groups_or_none_are_no_numbers() {
    check(|home, _, abroad| {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let (home, abroad) = (digits(home), digits(abroad));
        let (head, tail) = home.split_at(home.len() - 1);
        for text in [
            format!("row {home} of the file"),
            format!("row {head} {tail} of the file"),
            format!("row {abroad} of the file"),
            format!("row +{abroad}0000 of the file"),
            format!("version {}.{}.{}", &home[..2], &home[2..4], &home[4..]),
            format!("part {}/{}", &home[..4], &home[4..]),
        ] {
            let raised = ENGINE.inspect(Channel::User, &text);
            if raised.iter().any(|f| f.category.as_str() == "pii/phone" && f.score >= Score::percent(50)) {
                return Err(text);
            }
        }
        Ok(())
    });
}

#[test]
fn an_extension_belongs_to_its_number_wherever_chunks_end() {
    for extension in [
        " ext. 89",
        " ext 4021",
        ", ext. 7",
        " x89",
        " x 123",
        " extension 12",
        " (ext. 55)",
        ";ext=902",
        " #12",
        " Durchwahl 17",
        " poste 204",
        " interno 12",
        " доб. 123",
        " 内線123",
        " ramal: 33",
    ] {
        for number in ["(212) 555-0147", "+1 212 555 0147", "212-555-0147", "+44 20 7946 0958"] {
            let whole = format!("{number}{extension}");
            for text in [
                format!("Call me at {whole} tomorrow."),
                format!("Call {whole}"),
                format!("tel: {whole}, or write"),
            ] {
                assert!(found(&text, &whole), "{text}");
                let mut scanner = ENGINE.scanner(Channel::User, &[]);
                let mut cut: Vec<_> =
                    text.chars().flat_map(|c| scanner.push(&c.to_string()).findings).collect();
                cut.append(&mut scanner.finish().findings);
                cut.sort_by(|a, b| (a.span, &a.category, a.detector).cmp(&(b.span, &b.category, b.detector)));
                assert_eq!(cut, ENGINE.inspect(Channel::User, &text), "{text}");
            }
        }
    }
    // What stands behind a number and is no extension is not the number's.
    for behind in [
        " ext",
        " x",
        " extra 12",
        " #tag",
        " int main",
        " x 555-0148",
        " #12a",
        " ext. 12.5",
        " twelve times",
    ] {
        let number = "(212) 555-0147";
        assert!(found(&format!("Call {number}{behind}"), number), "{behind}");
    }
}

#[test]
fn a_difference_is_no_number_unless_a_word_says_so() {
    for text in ["x = 555 - 123 - 4567", "total = 212 - 555 - 0147;"] {
        let raised = ENGINE.inspect(Channel::User, text);
        assert!(
            !raised.iter().any(|f| f.category.as_str() == "pii/phone" && f.score >= Score::percent(50)),
            "{text}"
        );
    }
    assert!(found("phone = 212 - 555 - 0147", "212 - 555 - 0147"));
    assert!(found("call 212 - 555 - 0147", "212 - 555 - 0147"));
}

#[test]
fn everyday_words_name_a_number() {
    for (text, number) in [
        ("Για ραντεβού στο κινητό 6945 218 731", "6945 218 731"),
        ("有事请打 13817264951", "13817264951"),
        ("有问题致电 13817264951", "13817264951"),
        ("Huoltomies: puh. 040 8271 564", "040 8271 564"),
        ("the guest left a bag, reach her at 9183 4628 please", "9183 4628"),
    ] {
        assert!(found(text, number), "{text}");
    }
}
