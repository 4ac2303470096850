//! `profile`, `drift` and `quality` as people use them: exit codes, answers, odd files.
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
use tables::{Desk, golden, near};

/// A table of a few columns; `shift` moves one of them.
fn table(rows: u32, shift: f64) -> String {
    let mut text = String::from("x,y,city,when\n");
    for i in 0..rows {
        let noise = f64::from(i.wrapping_mul(2_654_435_761) % 10_007) / 10_007.0;
        let other = f64::from(i.wrapping_mul(40_503) % 9_973) / 9_973.0;
        let city = ["Graz", "Linz", "Wels"][(i % 3) as usize];
        text.push_str(&format!("{},{other},{city},2026-11-{:02}\n", noise + shift, i % 28 + 1));
    }
    text
}

#[test]
fn drift_of_the_golden_data_agrees_with_other_libraries() {
    let (Some(reference), Some(current), Some(values)) =
        (golden("drift_ref.csv"), golden("drift_cur.csv"), golden("drift.json"))
    else {
        return;
    };
    let values: Value = serde_json::from_str(&std::fs::read_to_string(values).unwrap()).unwrap();
    let desk = Desk::new();
    let ran = desk.run(&["drift", "--reference", &reference, "--current", &current, "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let answer = ran.json();
    assert_eq!((&answer["reference"]["rows"], &answer["current"]["rows"]), (&2000.into(), &1500.into()));
    for column in answer["columns"].as_array().unwrap() {
        let name = column["column"].as_str().unwrap();
        let (change, want) = (&column["change"], &values[name]);
        if name == "cat" {
            assert_eq!(column["drifted"], true);
            near("psi", &change["population_stability_index"], want["psi"].as_f64().unwrap());
            near("js", &change["jensen_shannon_distance_base2"], want["js_distance_base2"].as_f64().unwrap());
            near("chi2", &change["chi_squared"]["statistic"], want["chi2"].as_f64().unwrap());
        } else {
            let numbers = &change["numbers"];
            near("ks", &numbers["kolmogorov_smirnov_at_least"], want["ks_asymp"]["stat"].as_f64().unwrap());
            near("ks p", &numbers["kolmogorov_smirnov_p"]["value"], want["ks_asymp"]["p"].as_f64().unwrap());
            near("wasserstein", &numbers["wasserstein"], want["wasserstein1"].as_f64().unwrap());
        }
    }
    // A saved profile stands for its data, and nothing drifts from itself.
    let profile = desk.folder.path().join("ref.profile").display().to_string();
    assert_eq!(desk.run(&["profile", &reference, "--output", &profile]).code, 0);
    let saved = desk.run(&["drift", "--reference", &profile, "--current", &current, "--json"]).json();
    assert_eq!(saved["columns"], answer["columns"]);
    let same = desk.run(&["drift", "--reference", &profile, "--current", &reference]);
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);
    assert!(same.out.starts_with("0 of 6 columns drifted"), "{}", same.out);
}

#[test]
fn what_moved_is_named_and_the_rest_is_not() {
    let desk = Desk::new();
    let (was, is) = (desk.write("was.csv", table(4_000, 0.0)), desk.write("is.csv", table(3_000, 0.4)));
    let ran = desk.run(&["drift", "--reference", &was, "--current", &is]);
    assert_eq!(ran.code, 1);
    let drifted: Vec<&str> = ran.out.lines().filter(|line| line.contains(" drift ")).collect();
    assert!(drifted.len() == 1 && drifted[0].starts_with("x "), "{}", ran.out);
    // A larger effect is asked for: silent. The same in every format.
    assert_eq!(desk.run(&["drift", "--reference", &was, "--current", &is, "--effect", "0.9"]).code, 0);
    let lines: String = table(3_000, 0.4)
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!(
                "{{\"x\":{},\"y\":{},\"city\":\"{}\",\"when\":\"{}\"}}\n",
                cells[0], cells[1], cells[2], cells[3]
            )
        })
        .collect();
    let json_lines = desk.write("is.jsonl", lines);
    let of = |file: &str| {
        let mut answer = desk.run(&["drift", "--reference", &was, "--current", file, "--json"]).json();
        let mut columns = answer["columns"].take();
        columns.as_array_mut().unwrap().sort_by_key(|column| column["column"].to_string());
        columns
    };
    assert_eq!(of(&is), of(&json_lines));
}

#[test]
fn reports_fit_into_pull_requests_and_ci() {
    let desk = Desk::new();
    let was = desk.write("was.csv", "a|b,<c>\n".to_owned() + &"1,x\n".repeat(40));
    let is = desk.write("is.csv", "a|b,<c>\n".to_owned() + &"2,x\n".repeat(40));
    let of =
        |form: &str| desk.run(&["drift", "--reference", &was, "--current", &is, "--delimiter", ",", form]);
    let markdown = of("--md");
    assert_eq!(markdown.code, 1, "{}", markdown.err);
    assert!(markdown.out.starts_with("**cordon drift**: 1 of 2 columns drifted"), "{}", markdown.out);
    assert!(markdown.out.contains("\n| a\\|b | integer | drift | 1.0000 |"), "{}", markdown.out);
    let junit = of("--junit");
    assert_eq!(junit.code, 1);
    assert!(
        junit.out.contains("<testsuite name=\"cordon drift\" tests=\"2\" failures=\"1\">"),
        "{}",
        junit.out
    );
    assert!(junit.out.contains("name=\"&lt;c&gt;\"/>"), "{}", junit.out);
    assert_eq!(desk.run(&["quality", &was, "--reference", &is, "--junit"]).code, 1);
    assert_eq!(desk.run(&["quality", &was, "--md", "--json"]).code, 2);
}

#[test]
fn segments_are_compared_by_themselves() {
    let desk = Desk::new();
    let was = desk.write("was.csv", table(6_000, 0.0));
    let moved: String = table(6_000, 0.0)
        .lines()
        .map(|line| if line.contains("Linz") { format!("3{line}\n") } else { format!("{line}\n") })
        .collect();
    let is = desk.write("is.csv", moved);
    let ran = desk.run(&["drift", "--reference", &was, "--current", &is, "--by", "city", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let answer = ran.json();
    let drifted: Vec<(&str, &str)> = answer["columns"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|column| column["drifted"] == true)
        .map(|column| (column["segment"].as_str().unwrap(), column["column"].as_str().unwrap()))
        .collect();
    assert_eq!(drifted, [("Linz", "x")]);
    let ran = desk.run(&["drift", "--reference", &was, "--current", &is, "--by", "nobody"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("has no column `nobody`"), "{}", ran.err);
}

/// `drift` of two tables of one column `a`.
fn drift_of(desk: &Desk, was: &[String], is: &[String]) -> tables::Ran {
    let file = |name: &str, lines: &[String]| desk.write(name, format!("a,b\n{}\n", lines.join("\n")));
    let (was, is) = (file("was.csv", was), file("is.csv", is));
    desk.run(&["drift", "--reference", &was, "--current", &is])
}

fn numbers(count: u32, odd: &str, every: u32) -> Vec<String> {
    let cell = |i: u32| if i % every == 1 { odd.to_owned() } else { (i % 500).to_string() };
    (0..count).map(|i| format!("{},1", cell(i))).collect()
}

#[test]
fn values_that_become_another_kind_are_drift() {
    let desk = Desk::new();
    let was = numbers(3_000, "7", 3);
    for odd in ["ERR", "NaN", "inf"] {
        let ran = drift_of(&desk, &was, &numbers(3_000, odd, 3));
        assert_eq!(ran.code, 1, "{odd}: {}", ran.out);
        assert!(ran.out.contains("a: 33.3 % of the values are of another kind now"), "{odd}: {}", ran.out);
    }
    assert_eq!(drift_of(&desk, &numbers(3_000, "ERR", 3), &numbers(3_000, "ERR", 3)).code, 0);
}

#[test]
fn a_column_of_names_that_all_differ_is_said_to_be_compared_by_nobody() {
    let desk = Desk::new();
    let side = |name: &str, from: u32| {
        let rows = (from..from + 400).map(|row| format!("key-{row},{}\n", ["a", "b"][row as usize % 2]));
        desk.write(name, format!("id,kind\n{}", rows.collect::<String>()))
    };
    let (was, is) = (side("was.csv", 0), side("is.csv", 1_000));
    let said = desk.run(&["drift", "--reference", &was, "--current", &is]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("id: hardly any of its values is on both sides"), "{}", said.out);
    assert!(!said.out.contains("kind: hardly"), "{}", said.out);
}

#[test]
fn a_value_that_was_rare_and_is_gone_is_no_drift() {
    let desk = Desk::new();
    let rare = |seen: bool| -> Vec<String> {
        (0..1_000).map(|i| if seen && i == 7 { "a note,1".to_owned() } else { ",1".to_owned() }).collect()
    };
    assert_eq!(drift_of(&desk, &rare(true), &rare(false)).code, 0);
    assert_eq!(drift_of(&desk, &rare(false), &rare(true)).code, 0);
    // Two rows of another kind than two others are no evidence either; a table without a row is.
    let two = |cell: &str| vec![format!("{cell},1"); 2];
    assert_eq!(drift_of(&desk, &two("1"), &two("x")).code, 0);
    assert_eq!(drift_of(&desk, &two("1"), &[]).code, 1);
}

#[test]
fn segments_in_another_order_are_no_drift() {
    let desk = Desk::new();
    let mut rows: Vec<String> = (0..3_000).map(|i| format!("{},segment {}", i % 7, i % 30)).collect();
    let was = desk.write("was.csv", format!("x,by\n{}\n", rows.join("\n")));
    rows.reverse();
    // One row of a segment that was not there.
    let is = desk.write("is.csv", format!("x,by\n{}\n1,new\n", rows.join("\n")));
    let ran = desk.run(&["drift", "--reference", &was, "--current", &is, "--by", "by"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.starts_with("0 of 25 columns drifted"), "{}", ran.out);
    assert!(ran.err.contains("600 of the reference, 601 of the current data"), "{}", ran.err);
}

#[test]
fn segments_that_come_in_other_shares_are_drift() {
    let desk = Desk::new();
    let file = |name: &str, every: u32| {
        let by = |i: u32| if i.is_multiple_of(every) { "rare" } else { "usual" };
        let rows: String = (0..2_000).map(|i| format!("{},{}\n", i % 7, by(i))).collect();
        desk.write(name, format!("x,by\n{rows}"))
    };
    let (was, is) = (file("was.csv", 20), file("is.csv", 3_000));
    let ran = desk.run(&["drift", "--reference", &was, "--current", &is, "--by", "by"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(
        ran.out.lines().any(|line| line.starts_with("(all)  ") && line.contains(" drift ")),
        "{}",
        ran.out
    );
}

/// Three columns of numbers, of which the second follows the first by `follows`, some far away; and texts.
fn pairs(rows: u64, follows: f64, seed: u64) -> String {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut text = String::from("load,delay,other,city\n");
    for _ in 0..rows {
        let (load, noise, other) = (draw(), draw(), draw());
        // The share of each value is the same whatever follows what.
        let delay = if draw() < follows { load } else { noise };
        text.push_str(&format!("{load},{},{other},Graz\n", 1.0 / (1.0 - delay)));
    }
    text
}

#[test]
fn columns_that_no_longer_move_together_are_named_though_neither_changed() {
    let desk = Desk::new();
    let was = desk.write("was.csv", pairs(3_000, 0.9, 1));
    let (same, apart) =
        (desk.write("same.csv", pairs(2_000, 0.9, 2)), desk.write("apart.csv", pairs(2_000, 0.2, 3)));
    let of =
        |current: &str, form: &str| desk.run(&["drift", "--reference", &was, "--current", current, form]);
    let silent = of(&same, "--json");
    assert_eq!((silent.code, &silent.json()["correlations"]["changed"]), (0, &0.into()), "{}", silent.out);
    let found = of(&apart, "--json");
    let answer = found.json();
    assert_eq!((found.code, &answer["drifted"]), (1, &0.into()), "{}", found.out);
    let correlations = &answer["correlations"];
    assert_eq!(
        (&correlations["changed"], &correlations["rows"]),
        (&1.into(), &serde_json::json!([3000, 2000]))
    );
    assert_eq!(correlations["columns"], serde_json::json!(["load", "delay", "other"]));
    let pairs = correlations["pairs"].as_array().unwrap();
    let changed: Vec<&Value> = pairs.iter().filter(|pair| pair["changed"] == true).collect();
    assert_eq!((pairs.len(), &changed[0]["columns"]), (3, &serde_json::json!(["load", "delay"])));
    assert!(
        changed[0]["change"].as_f64().unwrap() < -0.5 && changed[0]["interval"][1].as_f64().unwrap() < -0.5
    );
    let text = desk.run(&["drift", "--reference", &was, "--current", &apart]);
    assert!(
        text.out.starts_with("0 of 4 columns drifted, 1 of 3 pairs of them are correlated otherwise"),
        "{}",
        text.out
    );
    let junit = of(&apart, "--junit");
    assert!(
        junit.out.contains("name=\"load with delay\"><failure message=\"rank correlation 0.9"),
        "{}",
        junit.out
    );
    assert!(of(&apart, "--md").out.contains("| load | delay | drift | 0.9"), "{}", of(&apart, "--md").out);
    // What is too small to matter is silent, and a profile says that it does not know.
    assert_eq!(desk.run(&["drift", "--reference", &was, "--current", &apart, "--effect", "0.9"]).code, 0);
    let profile = desk.folder.path().join("was.profile").display().to_string();
    assert_eq!(desk.run(&["profile", &was, "--output", &profile]).code, 0);
    let kept = desk.run(&["drift", "--reference", &profile, "--current", &apart]);
    assert!(kept.code == 0 && kept.out.contains("correlations are not compared: a profile"), "{}", kept.out);
    let parted = desk.run(&["drift", "--reference", &was, "--current", &apart, "--by", "city", "--json"]);
    assert!(parted.json()["correlations"]["not_compared"].as_str().unwrap().contains("by segment"));
}

/// 30 columns of which a few moved by little more than matters: their share, and not any false alarm, is bounded.
#[test]
fn a_share_of_false_discoveries_names_more_than_no_false_alarm_at_all() {
    let desk = Desk::new();
    let side = |rows: u64, shift: f64, seed: u64| {
        let names: Vec<String> = (0..30).map(|column| format!("c{column}")).collect();
        let mut random = cordon_stats::random::Random::new(seed);
        let mut text = names.join(",") + "\n";
        for _ in 0..rows {
            let row: Vec<String> = (0..30)
                .map(|column| (random.normal() + if column < 8 { shift } else { 0.0 }).to_string())
                .collect();
            text.push_str(&(row.join(",") + "\n"));
        }
        text
    };
    let was = desk.write("was.csv", side(1_000, 0.0, 1));
    let is = desk.write("is.csv", side(150, 0.4, 2));
    let of = |arguments: &[&str]| {
        desk.run(&[&["drift", "--reference", &was, "--current", &is, "--json"], arguments].concat()).json()
    };
    let drifted = |answer: &Value| -> Vec<u32> {
        let columns = answer["columns"].as_array().unwrap().iter();
        let named = columns.filter(|column| column["drifted"] == true);
        named
            .map(|column| column["column"].as_str().unwrap().strip_prefix('c').unwrap().parse().unwrap())
            .collect()
    };
    let (holm, bh, by) = (of(&[]), of(&["--correction", "bh"]), of(&["--correction", "by"]));
    assert_eq!(
        (&holm["correction"], &bh["correction"], &by["correction"]),
        (&"holm".into(), &"benjamini-hochberg".into(), &"benjamini-yekutieli".into())
    );
    assert_eq!(of(&["--correction", "holm"]), holm);
    let [few, more, strict] = [&holm, &bh, &by].map(drifted);
    assert!(few.len() < more.len() && strict.len() <= more.len(), "{few:?} {more:?} {strict:?}");
    assert!(more.iter().filter(|column| **column >= 8).count() <= 1, "{more:?}");
    let text = desk.run(&["drift", "--reference", &was, "--current", &is, "--correction", "bh"]);
    assert!(text.out.contains("5.0 % of what is named by chance (Benjamini-Hochberg)"), "{}", text.out);
    let refused = ["drift", "--reference", &was, "--current", &is, "--correction", "bh", "--embedding", "c"];
    assert_eq!(desk.run(&refused).code, 2);
}

/// What is said to be needed is what the planned test needs, and with so many rows nothing is said to be missing.
#[test]
fn too_few_rows_say_how_many_it_takes() {
    let desk = Desk::new();
    let rows = |count: u64, seed: u64| {
        let mut random = cordon_stats::random::Random::new(seed);
        let rows: Vec<String> = (0..count)
            .map(|_| format!("{},{}\n", random.unit(), if random.chance(0.4) { "a" } else { "b" }))
            .collect();
        "x,kind\n".to_owned() + &rows.concat()
    };
    let (was, few, many) = (
        desk.write("was.csv", rows(4_000, 1)),
        desk.write("few.csv", rows(120, 2)),
        desk.write("many.csv", rows(900, 3)),
    );
    let planned = desk.run(&["drift", "--reference", &was, "--rows-needed", "--json"]);
    assert_eq!(planned.code, 0, "{}", planned.err);
    let planned = planned.json();
    // Four tests: of values and of missing values. By hand: the noncentrality of nine degrees of freedom at 0.05/4 and 80 %, and of one.
    assert_eq!(planned["tests"], 4);
    let plan = cordon_stats::sequential::power::Plan::new(0.05 / 4.0, 0.8).unwrap();
    for (at, cells) in [(0, 10), (1, 2)] {
        let column = &planned["columns"][at];
        assert_eq!(column["rows_needed"]["current"], plan.distance(0.1, cells, 4_000).unwrap().unwrap());
        assert_eq!(column["rows_needed"]["both"], plan.distance_both(0.1, cells).unwrap().unwrap());
        // Against a reference of 4,000: n m / (n + m) is half of what both need.
        let (n, both) = (
            column["rows_needed"]["current"].as_f64().unwrap(),
            column["rows_needed"]["both"].as_f64().unwrap(),
        );
        assert!((n * 4_000.0 / (n + 4_000.0) - both / 2.0).abs() < 1.0, "{column}");
    }
    // (z at 0.00625 + z at 0.2)² = 3.3393² over 8 ln 2 / 100, twice: 402 or 403 rows for two categories.
    assert_eq!(planned["columns"][1]["rows_needed"]["both"], 403);
    let compared = |file: &str| desk.run(&["drift", "--reference", &was, "--current", file, "--json"]).json();
    let short = compared(&few);
    assert_eq!(short["columns"][0]["rows_needed"], planned["columns"][0]["rows_needed"]);
    assert_eq!(compared(&many)["columns"][0].get("rows_needed"), None);
    let text = desk.run(&["drift", "--reference", &was, "--current", &few]);
    let said = format!(
        "takes {} of them with a value (in x, which has 120)",
        planned["columns"][0]["rows_needed"]["current"]
    );
    assert!(
        text.out.contains("2 of 2 columns that did not drift have too few rows") && text.out.contains(&said),
        "{}",
        text.out
    );
    assert!(!desk.run(&["drift", "--reference", &was, "--current", &many]).out.contains("too few rows"));
    // A reference that is itself too small says so, in every form; a smaller change needs more.
    let small = desk.run(&["drift", "--reference", &few, "--rows-needed", "--html", "page.html"]);
    assert!(small.out.starts_with("the reference is too small for some columns"), "{}", small.out);
    assert!(
        std::fs::read_to_string(desk.folder.path().join("page.html"))
            .unwrap()
            .contains("The reference is too small for 2 columns")
    );
    let smaller =
        desk.run(&["drift", "--reference", &was, "--rows-needed", "--json", "--effect", "0.05"]).json();
    assert!(smaller["columns"][1]["rows_needed"]["both"].as_u64().unwrap() > 4 * 400);
    assert_eq!(desk.run(&["drift", "--reference", &was]).code, 2);
}

#[test]
fn quality_names_what_is_broken() {
    let desk = Desk::new();
    let was = desk.write("was.csv", "id,age,city\n1,30,Graz\n2,40,Linz\n3,50,Graz\n");
    let is = desk.write("is.csv", "id,age,town\n4,35,Graz\n5,NaN,Graz\n6,900,Graz\n");
    let ran = desk.run(&["quality", &is, "--reference", &was, "--json"]);
    assert_eq!(ran.code, 1);
    let answer = ran.json();
    let defects: Vec<(String, String)> = answer["defects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (row["column"].as_str().unwrap_or("").to_owned(), row["defect"].as_str().unwrap().to_owned())
        })
        .collect();
    for expected in
        [("age", "not finite"), ("age", "range"), ("city", "gone"), ("town", "new"), ("town", "constant")]
    {
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert!(defects.contains(&expected), "{expected:?} in {defects:?}");
    }
    let clean = desk.run(&["quality", &was]);
    assert_eq!((clean.code, clean.out.contains("nothing is wrong")), (0, true), "{}", clean.out);
}

/// A few copies among many rows are counted, not estimated.
#[test]
fn rows_that_repeat_are_counted() {
    let desk = Desk::new();
    let file = desk.write("copies.csv", table(1_000, 0.0) + &table(7, 0.0).replace("x,y,city,when\n", ""));
    let ran = desk.run(&["quality", &file, "--json"]);
    let defects = ran.json()["defects"].clone();
    assert_eq!(
        (ran.code, &defects[0]["defect"], &defects[0]["detail"]),
        (0, &"duplicates".into(), &"7 rows repeat another one".into()),
        "{defects}"
    );
    let profile = desk.folder.path().join("copies.profile").display().to_string();
    assert_eq!(desk.run(&["profile", &file, "--output", &profile]).code, 0);
    assert!(
        desk.run(&["quality", &profile]).out.contains("nothing is wrong"),
        "of a profile they are estimated"
    );
    let long = desk.write("long.csv", "a\n9007199254740993\n9007199254740992\n");
    assert!(desk.run(&["quality", &long]).err.contains("1 whole numbers have more digits"));
}

#[test]
fn odd_files_have_a_message_and_never_a_panic() {
    let desk = Desk::new();
    let categories: String = (0..10_000).map(|i| format!("c{i},1e400,-9223372036854775808\n")).collect();
    let cases: Vec<(&str, Vec<u8>, i32, &str)> = vec![
        ("empty.csv", Vec::new(), 2, "is empty"),
        ("header.csv", b"a,b\n".to_vec(), 0, "0 rows, 2 columns"),
        ("one.csv", b"a,b\n1,x\n".to_vec(), 0, "1 rows, 2 columns"),
        ("missing.csv", b"a,b\n,\n,\nNA,null\n".to_vec(), 0, "100.0 %"),
        ("mixed.csv", b"a\n1\nx\ntrue\n2026-01-01\n".to_vec(), 0, "mixed"),
        ("ragged.csv", b"a,b\n1\n1,2,3\n".to_vec(), 0, "fewer cells than the header"),
        ("wide.csv", format!("a,b,c\n{categories}").into_bytes(), 0, "10000 rows"),
        ("utf16.csv", b"\xff\xfea\0,\0b\0".to_vec(), 2, "UTF-16"),
        ("broken.parquet", b"PAR1 this is none PAR1".to_vec(), 2, "not a Parquet file"),
        ("broken.jsonl", b"{\"a\": 1".to_vec(), 2, "no line is a JSON object"),
        ("cut.profile", b"cordon profile\n\x01\x05".to_vec(), 2, "damaged or cut"),
        ("table.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), 2, "gunzip -c"),
        ("table.zst", b"\x28\xb5\x2f\xfd\x24\x01".to_vec(), 2, "zstd -dc"),
        ("table.xlsx", b"PK\x03\x04\x14\0".to_vec(), 2, "save the sheet as CSV"),
        ("table.xls", b"\xd0\xcf\x11\xe0\xa1\xb1".to_vec(), 2, "save the sheet as CSV"),
        ("table.db", b"SQLite format 3\0\x10".to_vec(), 2, "sqlite3 -header -csv"),
        ("table.npy", b"\x93NUMPY\x01\0".to_vec(), 2, "NumPy array"),
        ("table.bin", b"a,b\n1,\0\n".to_vec(), 2, "bytes of zero"),
        ("page.csv", b"\n<!DOCTYPE html><html>".to_vec(), 2, "is a page"),
        ("array.json", b"[{\"a\": 1, \"b\": \"},\"},\n {\"a\": 2}]\n".to_vec(), 0, "2 rows, 2 columns"),
        ("none.json", b"[]".to_vec(), 2, "no element of its array"),
        ("cut.json", b"[{\"a\": 1}, {\"a\":".to_vec(), 2, "ends within its array"),
        ("quote.csv", b"a,b\n1,2\n\"2,3\n4,5\n".to_vec(), 2, "a quote in row 3"),
        ("nan.csv", b"a\n1\nNaN\ninf\n-inf\n".to_vec(), 0, "a: 1 NaN and 2 infinite in no mean"),
    ];
    for (name, content, code, told) in cases {
        let file = desk.write(name, content);
        let ran = desk.run(&["profile", &file]);
        assert_eq!(ran.code, code, "{name}: {}{}", ran.out, ran.err);
        let all = ran.out + &ran.err;
        assert!(all.contains(told) && !all.contains("panicked"), "{name}: {all}");
        // The other commands meet the same files.
        for arguments in [vec!["quality", &file], vec!["drift", "--reference", &file, "--current", &file]] {
            let ran = desk.run(&arguments);
            assert!(!ran.err.contains("panicked") && ran.code < 3, "{arguments:?}: {}", ran.err);
            assert!(
                (ran.code == 2) == (code == 2) || (arguments[0] == "drift" && code != 2),
                "{arguments:?}: {}{}",
                ran.out,
                ran.err
            );
        }
    }
    assert_eq!(desk.run(&["profile", "nothing-here.csv"]).code, 2);
    assert_eq!(desk.run(&["drift", "--refrence", "a"]).code, 2);
    assert_eq!(desk.run(&["quality"]).code, 2);
}

#[test]
fn columns_that_come_and_go_are_said() {
    let desk = Desk::new();
    let was = desk.write("was.jsonl", "{\"a\": 1, \"b\": 2}\n{\"a\": 2, \"b\": 3}\n");
    let is = desk.write("is.jsonl", "{\"a\": 1, \"c\": 2}\n{\"a\": 2, \"c\": 3}\n");
    let ran = desk.run(&["drift", "--reference", &was, "--current", &is]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("b: not compared, it is gone"), "{}", ran.out);
    assert!(ran.out.contains("c: not compared, the reference does not have it"), "{}", ran.out);
}
