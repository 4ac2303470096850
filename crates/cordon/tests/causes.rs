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
use tables::{Desk, golden};

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
    // Nor do profiles see anything.
    let profile = saved(&desk, &was, "was.profile", &[]);
    let ran = desk.run(&["causes", "--reference", &profile, "--current", &is]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("no segment stands out"), "{}", ran.out);
    // Rows that are there twice are one observation each.
    let twice = |text: String| {
        let (head, rows) = text.split_once('\n').unwrap();
        let rows = rows.lines().flat_map(|row| [row, "\n", row, "\n"]);
        [head, "\n"].into_iter().chain(rows).collect::<String>()
    };
    let (was2, is2) = (
        desk.write("was2.csv", twice(requests(0..1_000, 300, 0))),
        desk.write("is2.csv", twice(requests(10_000..11_000, 300, 0))),
    );
    let ran = desk.run(&["causes", "--reference", &was2, "--current", &is2]);
    assert!(ran.code == 0 && ran.out.contains("1000 of them are copies of others"), "{}{}", ran.out, ran.err);
    // Too few rows: nothing is claimed.
    let few = desk.write("few.csv", "x,y\n1,2\n2,3\n");
    let ran = desk.run(&["causes", "--reference", &few, "--current", &few, "--prediction", "y"]);
    assert!(ran.code == 2 && ran.out.contains("cannot be said"), "{} {}{}", ran.code, ran.out, ran.err);
    let ran = desk.run(&["causes", "--reference", &few, "--current", &few]);
    assert!(ran.code == 2 && ran.err.contains("what changed cannot be said"), "{} {}", ran.code, ran.err);
}

fn saved(desk: &Desk, table: &str, name: &str, more: &[&str]) -> String {
    let path = desk.folder.path().join(name).display().to_string();
    let ran = desk.run(&[&["profile", table, "--output", &path], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    path
}

/// Without rows: columns one by one, segments that profiles keep, and what they moved; the same from profiles on one side or on both.
#[test]
fn profiles_tell_what_moved_and_in_which_segments() {
    let desk = Desk::new();
    let was = desk.write("was.csv", requests(0..4_000, 300, 0));
    let is = desk.write("is.csv", requests(10_000..13_000, 600, 0));
    let kept = [("was", &was), ("is", &is)]
        .map(|(name, table)| saved(&desk, table, &format!("{name}.profile"), &["--by", "city"]));
    let run = |reference: &str, current: &str, more: &[&str]| {
        desk.run(
            &[&["causes", "--reference", reference, "--current", current, "--ignore", "y"], more].concat(),
        )
    };
    let answer = |reference: &str, current: &str, more: &[&str]| {
        let ran = run(reference, current, &[more, &["--json"]].concat());
        assert_eq!(ran.code, 1, "{more:?}: {}", ran.err);
        let mut answer = ran.json();
        for side in ["reference", "current"] {
            answer[side].as_object_mut().unwrap().remove("file");
        }
        answer
    };
    for more in [
        &["--ignore", "score"][..],
        &["--ignore", "score", "--by", "city"],
        &["--prediction", "score", "--by", "city"],
        &["--prediction", "score", "--by", "city", "--threshold", "0.5"],
    ] {
        let first = answer(&kept[0], &is, more);
        assert_eq!(first["from"], "profiles");
        assert_eq!(answer(&kept[0], &kept[1], more), first, "{more:?}");
        assert_eq!(answer(&was, &kept[1], more), first, "{more:?}");
        assert_eq!(list(&first, "columns")[0]["column"], "city", "{more:?}");
        let segment = &list(&first, "segments")[0];
        assert_eq!(segment["segment"][0]["value"], "Graz", "{more:?}");
        assert!(number(&segment["p_adjusted"]) < 1e-6);
        if more.contains(&"--prediction") {
            // The change is that of the rows, and the segments of a column add up to it.
            let of_rows = answer(&was, &is, more);
            let of = |answer: &Value| number(&answer["change"]["change"]["value"]);
            assert!((of(&first) - of(&of_rows)).abs() < 1e-12, "{more:?}");
            let sum: f64 = list(&first, "segments").iter().map(|one| number(&one["effect"]["value"])).sum();
            assert!((sum - of(&first)).abs() < 1e-9, "{more:?}: {sum}");
        }
    }
    let ran = run(&kept[0], &is, &["--prediction", "score", "--by", "city"]);
    assert!(ran.out.contains("Segments that moved score") && ran.out.contains("city = Graz"), "{}", ran.out);
    for (more, told) in [
        (&["--prediction", "score", "--label", "y"][..], "has no rows: what moved the error"),
        (&["--prediction", "score"], "keeps them (`cordon profile FILE --output NAME --by COLUMN`)"),
        (&["--text", "plan"], "words and languages are counted in rows; help: name the tables themselves"),
        (&["--by", "city", "--by", "plan"], "it is apart by one --by; help:"),
        (&["--by", "plan"], "apart by `plan`, but by `city`; help: make it with"),
        (&["--prediction", "nowhere", "--by", "city"], "has no column `nowhere`"),
        (&["--prediction", "amount", "--threshold", "500.5", "--by", "city"], "help: name the table itself"),
    ] {
        let ran = run(&kept[0], &is, more);
        assert!(ran.code == 2 && ran.err.contains(told), "{more:?}: {} {}", ran.code, ran.err);
    }
}

/// People and credits as they are: every second row against the others is no change, and a group that is left out is named.
#[test]
fn halves_of_public_data_are_alike() {
    let (Some(adult), Some(german)) = (golden("adult_first8000.csv"), golden("german_credit.csv")) else {
        return;
    };
    let desk = Desk::new();
    let halves = |name: &str, path: &str, keep: fn(&str) -> bool| {
        let text = std::fs::read_to_string(path).unwrap();
        let (header, rows) = text.split_once('\n').unwrap();
        [0, 1].map(|half| {
            let kept = rows.lines().skip(half).step_by(2).filter(|row| half == 0 || keep(row));
            let table: String = std::iter::once(header).chain(kept).flat_map(|line| [line, "\n"]).collect();
            desk.write(&format!("{name}{half}.csv"), table)
        })
    };
    for (name, path) in [("adult", &adult), ("german", &german)] {
        let [was, is] = halves(name, path, |_| true);
        let ran = desk.run(&["causes", "--reference", &was, "--current", &is]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let ran = desk.run(&["drift", "--reference", &was, "--current", &is]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
    let [was, is] = halves("men", &adult, |row| !row.contains(",Female,"));
    let answer = desk.run(&["causes", "--reference", &was, "--current", &is, "--json"]).json();
    assert_eq!(list(&answer["separation"], "columns")[0]["column"], "sex");
}

#[test]
fn texts_are_compared_by_language_and_words() {
    let desk = Desk::new();
    let texts = |rows: std::ops::Range<u64>, german: u64, refund: u64| {
        let mut text = String::from("id,question\n");
        for row in rows {
            let question = if draw(row, 1) < german {
                "wo ist das Geld und wie geht es"
            } else {
                "what is the fee of my card"
            };
            let more = if draw(row, 2) < refund { " refund" } else { "" };
            text.push_str(&format!("a{row},{question} {}{more}\n", draw(row, 3)));
        }
        text
    };
    let was = desk.write("was.csv", texts(0..800, 100, 20));
    let is = desk.write("is.csv", texts(5_000..5_800, 400, 300));
    let tables = ["causes", "--reference", &was, "--current", &is, "--text", "question"];
    let answer = desk.run(&[&tables[..], &["--json"]].concat()).json();
    let columns = list(&answer["separation"], "columns");
    let of = |name: &str| columns.iter().find(|one| one["column"] == name).unwrap();
    assert!(number(&of("question: language")["jensen_shannon_distance_base2"]) > 0.2, "{columns:?}");
    let words: Vec<&str> =
        list(&answer["words"][0], "words").iter().map(|one| one["word"].as_str().unwrap()).collect();
    assert!(words.contains(&"refund") && words.contains(&"geld") && words.contains(&"fee"), "{words:?}");
    let ran = desk.run(&tables);
    assert!(ran.code == 1 && ran.out.contains("refund"), "{}{}", ran.out, ran.err);
    let ran = desk.run(&["causes", "--reference", &was, "--current", &is, "--text", "nowhere"]);
    assert!(ran.code == 2 && ran.err.contains("no column `nowhere`"), "{}", ran.err);
}

#[test]
fn embeddings_are_compared_in_lists_and_in_columns() {
    let desk = Desk::new();
    let at = |row: u64, place: u64, shift: f64| {
        (0..12).map(|k| draw(row, place * 12 + k) as f64 / 1_000.0).sum::<f64>() - 6.0 + shift
    };
    let lists = |rows: std::ops::Range<u64>, shift: f64| {
        let line = |row: u64| {
            let values: Vec<String> = (0..4).map(|place| format!("{:.4}", at(row, place, shift))).collect();
            format!("{{\"text\":\"t{row}\",\"vector\":[{}]}}\n", values.join(","))
        };
        rows.map(line).collect::<String>()
    };
    let wide = |rows: std::ops::Range<u64>, shift: f64| {
        let line = |row: u64| {
            let values: Vec<String> = (0..4).map(|place| format!("{:.4}", at(row, place, shift))).collect();
            values.join(",") + "\n"
        };
        String::from("e_0,e_1,e_2,e_3\n") + &rows.map(line).collect::<String>()
    };
    let was = desk.write("was.jsonl", lists(0..200, 0.0));
    let same = desk.write("same.jsonl", lists(1_000..1_200, 0.0));
    let moved = desk.write("moved.jsonl", lists(2_000..2_200, 1.0));
    let run = |is: &str, name: &str| {
        desk.run(&["drift", "--reference", &was, "--current", is, "--embedding", name, "--json"])
    };
    let ran = run(&same, "vector");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let ran = run(&moved, "vector");
    assert_eq!((ran.code, &ran.json()["dimension"]), (1, &4.into()), "{}{}", ran.out, ran.err);
    let by = |is: &str, more: &[&str]| {
        desk.run(&[&["drift", "--reference", &was, "--current", is, "--embedding", "vector"], more].concat())
    };
    // Chance does not explain it, and yet it may not matter; a strict level needs more permutations.
    let little = desk.write("little.jsonl", lists(3_000..3_200, 0.4));
    assert_eq!(by(&little, &[]).code, 1);
    let ran = by(&little, &["--effect", "0.9"]);
    assert!(ran.code == 0 && ran.out.contains("did not drift"), "{}", ran.out);
    // Few points, for that takes a while.
    let few =
        (desk.write("few.jsonl", lists(0..40, 0.0)), desk.write("moved-few.jsonl", lists(2_000..2_040, 2.0)));
    let by_few = |more: &[&str]| {
        desk.run(
            &[&["drift", "--reference", &few.0, "--current", &few.1, "--embedding", "vector"], more].concat(),
        )
    };
    assert_eq!(by_few(&["--level", "0.001", "--json"]).json()["permutations"], 5_999);
    let ran = by_few(&["--level", "0.00001"]);
    assert!(ran.code == 1 && ran.out.contains("its p-value is never below 0.0001"), "{}", ran.out);
    // Points that are there twice are one point each.
    let twice = |text: String| text.lines().flat_map(|line| [line, "\n", line, "\n"]).collect::<String>();
    let (was_twice, twice) = (
        desk.write("was2.jsonl", twice(lists(0..200, 0.0))),
        desk.write("is2.jsonl", twice(lists(1_000..1_200, 0.0))),
    );
    let ran = desk.run(&["drift", "--reference", &was_twice, "--current", &twice, "--embedding", "vector"]);
    assert!(ran.code == 0 && ran.out.contains("left out: 200 of the reference, 200 now"), "{}", ran.out);
    // The same points in columns.
    let (was_wide, moved_wide) =
        (desk.write("was.csv", wide(0..200, 0.0)), desk.write("moved.csv", wide(2_000..2_200, 1.0)));
    let columns = desk.run(&[
        "drift",
        "--reference",
        &was_wide,
        "--current",
        &moved_wide,
        "--embedding",
        "e",
        "--json",
    ]);
    assert_eq!(columns.json()["mmd"], run(&moved, "vector").json()["mmd"]);
    let ran = run(&same, "nothing");
    assert!(ran.code == 2 && ran.err.contains("neither a column `nothing` of lists"), "{}", ran.err);
    let ran = run(&same, "text");
    assert!(ran.code == 2 && ran.err.contains("cannot be compared"), "{}", ran.err);
}

#[test]
fn a_crossing_is_foreseen_where_there_is_a_trend() {
    let desk = Desk::new();
    let days = |slope: f64| {
        let mut text = String::from("day,rate\n");
        for day in 0..28_u32 {
            let noise = draw(u64::from(day), 1) as f64 / 100_000.0;
            text.push_str(&format!("2026-10-{:02},{}\n", day + 1, 0.02 + slope * f64::from(day) + noise));
        }
        text
    };
    let (rising, flat) = (desk.write("rising.csv", days(0.001)), desk.write("flat.csv", days(0.0)));
    let run = |file: &str, more: &[&str]| {
        desk.run(&[&["forecast", file, "--time", "day", "--value", "rate"], more].concat())
    };
    let ran = run(&rising, &["--at-most", "0.06", "--json"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let crossing = &ran.json()["crossing"];
    assert_eq!(crossing["answer"], "expected");
    let expected = crossing["expected"].as_str().unwrap();
    assert!(("2026-11-02".."2026-11-12").contains(&expected), "{crossing}");
    assert_eq!(run(&rising, &["--at-least", "0.01", "--json"]).json()["crossing"]["answer"], "away");
    assert_eq!(run(&rising, &["--at-most", "0.03"]).code, 1);
    let ran = run(&flat, &["--at-most", "0.06", "--every", "week"]);
    assert!(ran.code == 2 && ran.out.contains("cannot be said"), "{}", ran.out);
    let once = desk.write("once.csv", "day,rate\n".to_owned() + &"2026-10-01,0.5\n".repeat(9));
    let ran = run(&once, &["--at-most", "0.06"]);
    assert!(ran.code == 2 && ran.err.contains("all values are of one time"), "{}", ran.err);
    let ran = run(&flat, &["--at-most", "0.06"]);
    assert!(ran.code == 0 && ran.out.contains("No trend is told from chance"), "{}", ran.out);
    assert_eq!(run(&flat, &[]).code, 2);
}

#[test]
fn comparisons_say_when_they_knew() {
    let desk = Desk::new();
    let table = |rows: std::ops::Range<u64>, errs: [u64; 2]| {
        let mut text = String::from("y,new,old\n");
        for row in rows {
            let y = draw(row, 1) < 500;
            let said = |at: u64, errs: u64| u8::from(y ^ (draw(row, at) < errs));
            text.push_str(&format!("{},{},{}\n", u8::from(y), said(2, errs[0]), said(3, errs[1])));
        }
        text
    };
    let both = desk.write("both.csv", table(0..4_000, [250, 100]));
    let run = |more: &[&str]| {
        desk.run(&[&["performance", &both, "--label", "y", "--prediction", "new", "--json"], more].concat())
    };
    let ran = run(&["--against", "old"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let answer = ran.json();
    assert_eq!(answer["standing"], "worse");
    assert!(answer["decided_at"].as_u64().unwrap() < 2_000, "{answer}");
    let difference = &answer["difference"];
    assert!(number(&difference["low"]) < 0.15 && 0.15 < number(&difference["high"]), "{difference}");
    // Another period.
    let before = desk.write("before.csv", table(10_000..14_000, [100, 100]));
    assert_eq!(run(&["--compare", &before]).json()["standing"], "worse");
    let same = desk.write("same.csv", table(20_000..24_000, [250, 100]));
    let ran = run(&["--compare", &same, "--margin", "0.2"]);
    assert_eq!((ran.code, &ran.json()["standing"]), (0, &"not_worse".into()), "{}", ran.out);
    let numbers = desk.write("numbers.csv", "y,new,old\n1.5,1.6,1.7\n2.5,2.4,2.3\n0.5,0.4,0.3\n");
    let of_numbers = ["performance", &numbers, "--label", "y", "--prediction", "new", "--against", "old"];
    let ran = desk.run(&of_numbers);
    assert!(ran.code == 2 && ran.err.contains("--largest-error"), "{}", ran.err);
    let ran = desk.run(&[&of_numbers[..], &["--largest-error", "1"]].concat());
    assert!(ran.code == 0 && ran.out.contains("Neither is shown"), "{}{}", ran.out, ran.err);
}

#[test]
fn old_data_and_pairs_of_segments_are_told() {
    let desk = Desk::new();
    let old = desk.write("old.csv", "when,x\n2020-01-01,1\n2020-01-02,2\n");
    let ran = desk.run(&["quality", &old, "--time", "when", "--fresh", "36h"]);
    assert!(ran.code == 1 && ran.out.contains("stale"), "{}{}", ran.out, ran.err);
    assert_eq!(desk.run(&["quality", &old, "--time", "when", "--fresh", "100000d"]).code, 0);
    for (more, said) in [
        (["--time", "x", "--fresh", "1h"], "with dates or times"),
        (["--time", "when", "--fresh", "soon"], "an age such as"),
    ] {
        let ran = desk.run(&[&["quality", &old][..], &more].concat());
        assert!(ran.code == 2 && ran.err.contains(said), "{}", ran.err);
    }
    let was = desk.write("was.csv", requests(0..2_000, 300, 0));
    let is = desk.write("is.csv", requests(10_000..12_000, 300, 0));
    let answer =
        desk.run(&["drift", "--reference", &was, "--current", &is, "--by", "city, plan", "--json"]).json();
    let segments: std::collections::BTreeSet<&str> =
        list(&answer, "columns").iter().filter_map(|one| one["segment"].as_str()).collect();
    assert!(segments.contains("Graz, free") && segments.contains("Wels, paid"), "{segments:?}");
}
