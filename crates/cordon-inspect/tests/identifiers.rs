//! Every type of identifier: a value that a word names, the same without the word, and a near miss.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use cordon_core::{Category, Channel, Finding, Score};
use cordon_inspect::Engine;
use serde_json::Value;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

/// One line of the corpus. Values are specimens of those who issue them or made up with the right check digits.
struct Line {
    category: String,
    value: String,
    named: String,
    near: Option<String>,
}

fn lines() -> Vec<Line> {
    let field = |line: &Value, key: &str| line[key].as_str().map(str::to_owned);
    include_str!("../corpus/identifiers.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect(line))
        .map(|line| Line {
            category: field(&line, "category").unwrap(),
            value: field(&line, "value").unwrap(),
            named: field(&line, "named").unwrap(),
            near: field(&line, "near"),
        })
        .collect()
}

fn seen(text: &str) -> Vec<Finding> {
    ENGINE.inspect(Channel::User, text)
}

fn shown(text: &str) -> Vec<String> {
    seen(text).iter().map(|f| format!("{} {} `{}`", f.category, f.score, &text[f.span.range()])).collect()
}

/// Fails with every line that does not hold.
fn check(test: impl Fn(&Line) -> Result<(), String>) {
    let failed: Vec<String> = lines()
        .iter()
        .filter_map(|line| test(line).err().map(|error| format!("{} {}: {error}", line.category, line.value)))
        .collect();
    assert!(failed.is_empty(), "{} lines fail:\n{}", failed.len(), failed.join("\n"));
}

fn holds(text: &str, line: &Line, percent: u32) -> bool {
    seen(text).iter().any(|f| {
        f.category.as_str() == line.category
            && text[f.span.range()] == line.value
            && f.score >= Score::percent(percent)
    })
}

#[test]
fn a_named_value_is_found_whole() {
    check(|line| {
        let text = format!("We have on file {}, as of today.", line.named);
        holds(&text, line, 45).then_some(()).ok_or_else(|| format!("{:?}", shown(&text)))
    });
}

#[test]
fn a_named_value_is_found_in_json_and_in_a_table() {
    check(|line| {
        let (name, value) = line.named.rsplit_once(": ").unwrap();
        for text in [format!("{{\"{name}\":\"{value}\",\"x\":1}}"), format!("| {name} | {value} |\n")] {
            if !holds(&text, line, 45) {
                return Err(format!("in {text}: {:?}", shown(&text)));
            }
        }
        Ok(())
    });
}

#[test]
fn a_near_miss_is_not_that_type() {
    check(|line| {
        let Some(near) = &line.near else { return Ok(()) };
        let text = format!("We have on file {near}, as of today.");
        let found = seen(&text).iter().any(|f| f.category.as_str() == line.category);
        (!found).then_some(()).ok_or_else(|| format!("{:?}", shown(&text)))
    });
}

/// What is written in a way that nothing else is may be found without a word; plain digits never.
#[test]
fn plain_digits_that_nothing_names_raise_nothing() {
    check(|line| {
        let digits = line.value.bytes().all(|b| b.is_ascii_digit());
        // Numbers that carry two check digits or an issuer's prefix and a date are named by themselves.
        let strong =
            ["pii/social_id/fr_nir", "pii/national_id/lu_matricule", "pii/national_id/ae_emirates_id"];
        if !digits || strong.contains(&line.category.as_str()) || line.category.ends_with("tessera_sanitaria")
        {
            return Ok(());
        }
        let text = format!("The item {} was moved to the shelf.", line.value);
        let found =
            seen(&text).iter().any(|f| f.category.as_str() == line.category && f.score >= Score::percent(50));
        (!found).then_some(()).ok_or_else(|| format!("{:?}", shown(&text)))
    });
}

/// Decimal numbers, times and serial numbers have digits and separators, too.
#[test]
fn numbers_of_other_kinds_raise_nothing() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut failed = Vec::new();
    for _ in 0..2_000 {
        let decimals = u32::try_from(next(10) + 5).unwrap();
        let whole = next(2_000);
        let fraction = next(10_u64.pow(decimals));
        let (day, clock) = (240_101 + next(12) * 100 + next(28), next(240_000));
        for number in [
            format!("{whole}.{fraction:0width$}", width = decimals as usize),
            format!("-{whole}.{fraction}"),
            format!("{day}-{clock:06}"),
            format!("INV-{day}-{:03}", next(1_000)),
            format!("{:05}-{:05}", next(90_000) + 10_000, next(100_000)),
        ] {
            let text = format!("The score of the run was {number} in the end.");
            failed.extend(
                seen(&text)
                    .iter()
                    .filter(|f| f.score >= Score::percent(50))
                    .map(|f| format!("{number}: {} {}", f.category, f.score)),
            );
        }
    }
    assert!(failed.is_empty(), "{} of 10,000:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn zero_width_and_full_width_change_nothing() {
    check(|line| {
        let wide = |c: char| match c {
            '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
            _ => c,
        };
        let (name, value) = line.named.rsplit_once(": ").unwrap();
        let texts = [
            (
                format!("{name}: {}", value.chars().map(wide).collect::<String>()),
                value.chars().map(wide).collect(),
            ),
            {
                let joined: Vec<String> = value.chars().map(String::from).collect();
                let split = joined.join("\u{200b}");
                (format!("{name}: {split}"), split)
            },
        ];
        for (text, written) in texts {
            let covered = seen(&text)
                .iter()
                .any(|f| f.category.as_str() == line.category && text[f.span.range()] == written);
            if !covered {
                return Err(format!("in {text}: {:?}", shown(&text)));
            }
        }
        Ok(())
    });
}

#[test]
fn every_type_has_a_line_and_there_are_sixty_in_twenty_five_countries() {
    let lines = lines();
    let tested: BTreeSet<&str> = lines.iter().map(|line| line.category.as_str()).collect();
    let elsewhere = ["pii/card", "pii/iban", "pii/email", "pii/ip", "pii/crypto"].map(Category::known);
    let elsewhere = [&elsewhere[..], &Engine::NAMES].concat();
    let pii = Category::known("pii");
    let promised: BTreeSet<&str> = ENGINE
        .detectors()
        .iter()
        .flat_map(|detector| &detector.categories)
        .filter(|category| pii.covers(category))
        .filter(|category| !elsewhere.contains(category))
        .map(Category::as_str)
        .collect();
    let untested: Vec<_> = promised.difference(&tested).collect();
    assert!(untested.is_empty(), "{untested:?}");
    let country = |category: &str| {
        category.rsplit('/').next().and_then(|leaf| leaf.split_once('_')).map(|(c, _)| c.to_owned())
    };
    let countries: BTreeSet<String> =
        promised.iter().filter_map(|c| country(c)).filter(|c| c.len() == 2).collect();
    assert!(promised.len() >= 60 && countries.len() >= 25, "{} types, {countries:?}", promised.len());
}

#[test]
fn ordinary_numbers_raise_nothing() {
    for text in [
        "order 4500123456 was packed at 2024-01-15T10:22:31Z by line 7 of hall 12",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 fixes 12345 of 67890 cases",
        "id 550e8400-e29b-41d4-a716-446655440000, ts 1700000000000, n=123456789",
        "The invoice 2024-000123456 over 1,234,567.89 EUR is due on 31.12.2024.",
        "ISBN 978-3-16-148410-0 costs 24.99 and has 1,024 pages",
        "[0.1234, 0.5678, 0.9101, -0.1121, 3.14159265]",
        "Version 10.15.7 (19H2026) build 22621.1992 of 2023-07-11",
        "rows 1 to 1000000, offset 987654321, limit 50",
        "tracking number 1Z999AA10123456784 and 9400110898825022579493",
        "SELECT * FROM t WHERE a = 123456789 AND b IN (11111111, 22222222)",
        "The match ended 3-2 in 1998, 60 000 saw it in Paris",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "temperature 23.5, humidity 45.2, pressure 1013.25 at station 10384",
        "ZAR 12345678 and EUR 98765432, ratio 1:1000, 16:9",
    ] {
        let found: Vec<String> = seen(text)
            .iter()
            .filter(|f| Category::known("pii").covers(&f.category) && f.score >= Score::percent(50))
            .map(|f| format!("{} {} `{}`", f.category, f.score, &text[f.span.range()]))
            .collect();
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}
