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
