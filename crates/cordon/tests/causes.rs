//! `causes` as people use it: what moved is named first, what did not is silent, what cannot be said is said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

#[path = "support/tables.rs"]
mod tables;

use serde_json::Value;
use tables::Desk;

/// A draw below 1,000 that depends on both numbers alone.
fn draw(row: u64, of: u64) -> u64 {
    let mut bits = (row * 64 + of).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (bits >> 20) % 1_000
}

/// Requests; `graz` is the share of one city in thousandths, `errs` how often one plan in another city is predicted wrongly.
fn requests(rows: std::ops::Range<u64>, graz: u64, errs: u64) -> String {
    let mut text = String::from("id,city,plan,amount,score,y\n");
    for row in rows {
        let city =
            if draw(row, 1) < graz { "Graz" } else { ["Linz", "Wels"][usize::from(draw(row, 2) < 500)] };
        let plan = ["free", "paid"][usize::from(draw(row, 3) < 500)];
        let score = if city == "Graz" { 700 } else { 300 } + draw(row, 4) / 10;
        let mut y = draw(row, 5) < score;
        if city == "Wels" && plan == "free" && draw(row, 6) < errs {
            y = score < 500;
        }
        text.push_str(&format!("u{row}x,{city},{plan},{},0.{score},{}\n", draw(row, 7), u8::from(y)));
    }
    text
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("{key} of {value}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn what_moved_predictions_is_named_first() {
    let desk = Desk::new();
    let was = desk.write("was.csv", requests(0..4_000, 300, 0));
    let is = desk.write("is.csv", requests(10_000..13_000, 600, 0));
    let tables = ["causes", "--reference", &was, "--current", &is, "--ignore", "y"];
    let ran = desk.run(&[&tables[..], &["--prediction", "score", "--json"]].concat());
    assert_eq!(ran.code, 1, "{}", ran.err);
    let answer = ran.json();
    let change = &answer["change"];
    let city = &list(change, "columns")[0];
    assert_eq!(city["column"], "city");
    // 30 % more of 0.4 more.
    let of_city = &city["contribution"];
    assert!(number(&of_city["low"]) < 0.12 && 0.12 < number(&of_city["high"]), "{of_city}");
    let sum: f64 = list(change, "columns").iter().map(|one| number(&one["contribution"]["value"])).sum();
    let whole = number(&change["change"]["value"]);
    assert!((sum + number(&change["unexplained"]["value"]) - whole).abs() < 1e-9);
    assert!(number(&change["explained_variance"]) > 0.9);
    assert_eq!(list(&answer, "not_looked_at")[0]["column"], "id");
    // The tables themselves, for people.
    let ran = desk.run(&[&tables[..], &["--ignore", "score"]].concat());
    assert_eq!(ran.code, 1, "{}", ran.err);
    let first = ran.out.lines().skip_while(|line| !line.starts_with("COLUMN")).nth(1).unwrap();
    assert!(first.starts_with("city "), "{}", ran.out);
    assert!(ran.out.contains("city = Graz"), "{}", ran.out);
}

#[test]
fn the_segment_that_errs_now_is_found() {
    let desk = Desk::new();
    let was = desk.write("was.csv", requests(0..4_000, 300, 0));
    let is = desk.write("is.csv", requests(10_000..14_000, 300, 700));
    let tables = ["causes", "--reference", &was, "--current", &is, "--ignore", "id"];
    let error = ["--prediction", "score", "--threshold", "0.5", "--label", "y", "--json"];
    let answer = desk.run(&[&tables[..], &error].concat()).json();
    assert_eq!(answer["explained"], "error");
    for found in ["segments", "worst"] {
        let first = &list(&answer, found)[0];
        let conditions: Vec<&Value> = list(first, "segment").iter().map(|part| &part["value"]).collect();
        assert_eq!(conditions, ["Wels", "free"], "{found}: {first}");
        assert!(number(&first["p_adjusted"]) < 0.001);
    }
    // No column moved: it is in the rest.
    let change = &answer["change"];
    assert!(number(&change["unexplained"]["low"]) > 0.0, "{change}");
    let by = desk.run(&[&tables[..], &error, &["--by", "plan,city"]].concat()).json();
    assert_eq!(list(&by["segments"][0], "segment").len(), 2);
}

#[test]
fn equal_tables_are_silent_and_odd_ones_have_a_message() {
    let desk = Desk::new();
    let was = desk.write("was.csv", requests(0..2_000, 300, 0));
    let is = desk.write("is.csv", requests(10_000..12_000, 300, 0));
    let run = |more: &[&str]| desk.run(&[&["causes", "--reference", &was, "--current", &is], more].concat());
    let same = run(&[]);
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);
    assert!(same.out.contains("no segment stands out"), "{}", same.out);
    for (more, said) in [
        (vec!["--prediction", "nowhere"], "has no column `nowhere`"),
        (vec!["--prediction", "city"], "no row of"),
        (vec!["--by", "id"], "nearly every row has a text of its own"),
        (vec!["--by", "city,nowhere"], "no such column is in both tables"),
        (vec!["--label", "y"], "--prediction"),
    ] {
        let ran = run(&more);
        assert!(ran.code == 2 && ran.err.contains(said), "{more:?}: {} {}", ran.code, ran.err);
    }
    let profile = desk.folder.path().join("was.profile").display().to_string();
    assert_eq!(desk.run(&["profile", &was, "--output", &profile]).code, 0);
    let ran = desk.run(&["causes", "--reference", &profile, "--current", &is]);
    assert!(ran.code == 2 && ran.err.contains("a saved profile, which has no rows"), "{}", ran.err);
    // Too few rows: nothing is claimed.
    let few = desk.write("few.csv", "x,y\n1,2\n2,3\n");
    let ran = desk.run(&["causes", "--reference", &few, "--current", &few, "--prediction", "y"]);
    assert!(ran.code == 0 && ran.out.contains("cannot be said"), "{} {}{}", ran.code, ran.out, ran.err);
}
