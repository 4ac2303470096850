//! Lists, weighted rows, the rows that it takes, like people, thresholds that are applied and weights: against values worked by hand.
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
use tables::{Desk, near};

fn metric<'a>(metrics: &'a Value, name: &str) -> &'a Value {
    let all = metrics.as_array().unwrap_or_else(|| panic!("{metrics}"));
    all.iter().find(|one| one["metric"] == name).unwrap_or_else(|| panic!("{name} in {metrics}"))
}

#[test]
fn lists_are_measured_query_by_query() {
    let desk = Desk::new();
    // Query b has its best entry second; c is perfect; of d nothing is relevant; e has two of one score.
    let rows = [
        "b,3,0", "b,2,2", "b,1,1", "c,0.9,1", "c,0.1,0", "d,1,0", "d,2,0", "e,5,1", "e,5,0", ",1,1", "b,,1",
        "c,1,-1",
    ];
    let run = |rows: &[&str], more: &[&str]| {
        let file = desk.write("hits.csv", "search,score,relevance\n".to_owned() + &rows.join("\n") + "\n");
        let base = [
            "performance",
            &file,
            "--task",
            "ranking",
            "--query",
            "search",
            "--prediction",
            "score",
            "--label",
            "relevance",
        ];
        desk.run(&[&base[..], more].concat())
    };
    let ran = run(&rows, &["--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let answer = ran.json();
    assert_eq!(
        answer["ranking"],
        serde_json::json!({"depth": 10, "queries": 3, "queries_without_relevant": 1, "tied": 2, "without_query": 1})
    );
    assert_eq!((&answer["without_prediction"], &answer["without_label"]), (&1.into(), &1.into()));
    let lg = f64::log2;
    let ndcg = [(2.0 / lg(3.0) + 1.0 / lg(4.0)) / (2.0 + 1.0 / lg(3.0)), 1.0, 1.0 / lg(3.0)];
    let by_hand = [
        ("ndcg", ndcg),
        ("mean_average_precision", [(0.5 + 2.0 / 3.0) / 2.0, 1.0, 0.5]),
        ("mean_reciprocal_rank", [0.5, 1.0, 0.5]),
        ("precision_at_depth", [2.0 / 3.0, 0.5, 0.5]),
        ("recall_at_depth", [1.0, 1.0, 1.0]),
    ];
    for (name, each) in by_hand {
        let told = metric(&answer["metrics"], name);
        let mean = each.iter().sum::<f64>() / 3.0;
        near(name, &told["value"], mean);
        // Student's interval of three queries: t is 4.302653 at two degrees of freedom; a share stays one.
        let variance = each.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2.0;
        let half = 4.302_652_729_749_46 * (variance / 3.0).sqrt();
        assert!((told["low"].as_f64().unwrap() - (mean - half).max(0.0)).abs() < 1e-9, "{told}");
        assert!((told["high"].as_f64().unwrap() - (mean + half).min(1.0)).abs() < 1e-9, "{told}");
    }
    // The order of the table says nothing.
    let mut turned = rows;
    turned.reverse();
    assert_eq!(run(&turned, &["--json"]).json()["metrics"], answer["metrics"]);
    // Cut after the first, only c has found something.
    let first = run(&rows, &["--json", "--depth", "1"]).json();
    near("first", &metric(&first["metrics"], "precision_at_depth")["value"], 1.0 / 3.0);
    let text = run(&rows, &[]);
    assert!(
        text.out
            .contains("of 3 queries, lists cut after 10; 1 queries that nothing is relevant to are left out"),
        "{}",
        text.out
    );
    let page = run(&rows, &["--html", "page.html", "--at-least", "ndcg=0.9"]);
    assert!(
        page.code == 0 && page.out.contains("ndcg: 0.9 lies inside its interval; about "),
        "{}",
        page.out
    );
    assert!(std::fs::read_to_string(desk.folder.path().join("page.html")).unwrap().contains("NDCG"));
    // What cannot be is refused with a way out.
    assert!(run(&["a,x,y"], &[]).err.contains("no row of"));
    let file = desk.write("hits.csv", "search,score,relevance\na,1,1\n");
    let base = ["performance", &file, "--prediction", "score", "--label", "relevance"];
    for (arguments, said) in [
        (&["--task", "ranking"][..], "--query COLUMN"),
        (&["--task", "numbers", "--query", "search"], "--task ranking"),
        (
            &["--task", "ranking", "--query", "search", "--threshold", "0.5"],
            "--threshold says nothing about lists",
        ),
        (&["--task", "ranking", "--query", "search", "--against", "score"], "lists are not compared"),
        (&["--task", "ranking", "--query", "absent"], "no column `absent`"),
    ] {
        let ran = desk.run(&[&base[..], arguments].concat());
        assert!(ran.code == 2 && ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

/// Labelled: 40 of the north decided yes, 30 rightly, and 60 of the south decided no, 45 rightly. Now there are 10 and 90.
#[test]
fn labelled_rows_are_weighted_as_inputs_are_now() {
    let desk = Desk::new();
    let table = |rows: Vec<String>| "place,score,y\n".to_owned() + &rows.concat();
    let of = |place: &str, score: f64, label: &str| format!("{place},{score},{label}\n");
    let bit = |is: bool| if is { "1" } else { "0" };
    let known = (0..40).map(|row| of("north", 0.7 + f64::from(row) / 1e3, bit(row < 30)));
    let known = known.chain((0..60).map(|row| of("south", 0.2 + f64::from(row) / 1e3, bit(row < 15))));
    let known = desk.write("known.csv", table(known.collect()));
    let now = |labels: bool| {
        let row = move |row: u32| match row {
            0..10 => of("north", 0.71, if labels { bit(row < 7) } else { "" }),
            _ => of("south", 0.21, if labels { bit(row < 30) } else { "" }),
        };
        (0..100).map(row)
    };
    let run = |rows: Vec<String>, more: &[&str]| {
        let file = desk.write("now.csv", table(rows));
        let base = [
            "performance",
            &file,
            "--prediction",
            "score",
            "--threshold",
            "0.5",
            "--label",
            "y",
            "--reference",
            &known,
        ];
        let ran = desk.run(&[&base[..], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran
    };
    let by = ["--weigh-by", "place", "--json"];
    let blind = run(now(false).collect(), &by).json();
    let weighed = &blind["weighed"];
    assert_eq!((&weighed["weighed_by"], &weighed["uncovered"]), (&serde_json::json!(["place"]), &0.0.into()));
    near("effective", &weighed["effective_rows"], 10_000.0 / 137.5);
    for (name, want) in [
        ("accuracy", 0.75),
        ("precision", 0.75),
        ("recall", 0.25),
        ("specificity", 67.5 / 70.0),
        ("f1", 15.0 / 40.0),
    ] {
        let told = metric(&weighed["metrics"], name);
        near(name, &told["value"], want);
        assert!(told.get("realised").is_none() && told["low"].as_f64() < Some(want), "{told}");
    }
    // With labels the realised one stands beside: 7 hits, 3 wrong, 70 rightly refused, 20 missed.
    let labelled = run(now(true).collect(), &by).json();
    let accuracy = metric(&labelled["weighed"]["metrics"], "accuracy");
    near("realised", &accuracy["realised"], 0.77);
    assert!((accuracy["error"].as_f64().unwrap() - (0.75 - 0.77)).abs() < 1e-12, "{accuracy}");
    assert!(metric(&labelled["expected"], "accuracy")["error"].is_number());
    // A place that nobody labelled is left out and said, in every form.
    let more: Vec<String> = now(false).chain((0..25).map(|_| of("west", 0.6, ""))).collect();
    let told = run(more.clone(), &by).json();
    near("uncovered", &told["weighed"]["uncovered"], 0.2);
    near("accuracy", &metric(&told["weighed"]["metrics"], "accuracy")["value"], 0.75);
    let text = run(more, &["--weigh-by", "place"]).out;
    assert!(text.contains("Labelled rows weighted by place, as these rows are distributed: as good as 73 rows; 20.0 % of the rows are like no labelled one"), "{text}");
    // By the score where no column is named; too few labelled rows say so.
    let by_score = run(now(false).collect(), &["--json"]).json();
    assert_eq!(by_score["weighed"]["weighed_by"], serde_json::json!(["score"]));
    let few: Vec<String> = (0..20).map(|row| of("north", 0.6, bit(row < 10))).collect();
    let few = desk.write("few.csv", table(few));
    let file = desk.write("now.csv", table(now(false).collect()));
    let base =
        ["performance", &file, "--prediction", "score", "--threshold", "0.5", "--label", "y", "--weigh-by"];
    let ran = desk.run(&[&base[..], &["place", "--reference", &few, "--json"]].concat());
    assert!(ran.json()["weighed"]["unknown"].as_str().unwrap().contains("too few"), "{}", ran.out);
    assert_eq!(desk.run(&[&base[..], &["absent", "--reference", &few]].concat()).code, 2);
    assert_eq!(desk.run(&[&base[..], &["place"]].concat()).code, 2);
}

#[test]
fn limits_within_an_interval_say_how_many_rows_it_takes() {
    let desk = Desk::new();
    // 100 rows of which 70 are right.
    let rows: String = (0..100)
        .map(|row| format!("{},{}\n", row % 2, if row < 70 { row % 2 } else { 1 - row % 2 }))
        .collect();
    let file = desk.write("few.csv", "y,said\n".to_owned() + &rows);
    let run = |more: &[&str]| {
        let base = ["performance", &file, "--label", "y", "--prediction", "said"];
        desk.run(&[&base[..], more].concat())
    };
    let ran = run(&["--at-least", "accuracy=0.75", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let answer = ran.json();
    let (open, accuracy) = (&answer["open"][0], metric(&answer["metrics"], "accuracy"));
    assert_eq!((&open["metric"], &open["rows"]), (&"accuracy".into(), &100.into()));
    // Wilson's interval reaches so far up; (1.96 + 0.8416) / 1.96 of that is to be 0.05.
    let half = accuracy["high"].as_f64().unwrap() - 0.7;
    let want = (100.0 * (2.801_585_218 / 1.959_963_985 * half / 0.05_f64).powi(2)).ceil();
    assert_eq!(open["rows_needed"].as_f64(), Some(want), "{open}");
    // The power of a coin needs fewer; what is broken or holds for certain needs none.
    let coin = run(&["--at-least", "accuracy=0.75", "--json", "--power", "0.5"]).json();
    assert!(coin["open"][0]["rows_needed"].as_u64() < open["rows_needed"].as_u64());
    assert!(run(&["--at-least", "accuracy=0.5", "--json"]).json().get("open").is_none());
    assert_eq!(run(&["--at-least", "accuracy=0.9"]).code, 1);
    // Beforehand, of every metric.
    let planned = run(&["--rows-needed", "0.05", "--json"]).json();
    let accuracy = metric(&planned["metrics"], "accuracy");
    let half = (accuracy["high"].as_f64().unwrap() - 0.7).max(0.7 - accuracy["low"].as_f64().unwrap());
    let want = (100.0 * (2.801_585_218 / 1.959_963_985 * half / 0.05_f64).powi(2)).ceil();
    assert_eq!(accuracy["rows_needed"].as_f64(), Some(want));
    assert!(run(&["--rows-needed", "0.05"]).out.contains("ROWS NEEDED"));
    assert_eq!(run(&["--rows-needed", "-1"]).code, 2);
}

/// A hundred people in a row, scored a little higher each, but for the one at 50.
#[test]
fn like_people_who_are_scored_otherwise_are_found() {
    let desk = Desk::new();
    let row = |at: u32| {
        let score = if at == 50 { 0.9 } else { f64::from(at) / 1e3 };
        format!("{at},{score},{},{}\n", at % 2, if at.is_multiple_of(2) { "f" } else { "m" })
    };
    let file =
        desk.write("people.csv", "income,score,y,sex\n".to_owned() + &(0..100).map(row).collect::<String>());
    let run = |more: &[&str]| {
        let base = [
            "fairness",
            &file,
            "--label",
            "y",
            "--prediction",
            "score",
            "--threshold",
            "0.05",
            "--group",
            "sex",
        ];
        desk.run(&[&base[..], more].concat())
    };
    let ran = run(&["--similar", "income", "--json"]);
    assert_eq!(ran.code, 2, "a gap is undecided: {}", ran.err);
    let individual = &ran.json()["individual"];
    assert_eq!((&individual["people"], &individual["of"]), (&100.into(), &100.into()));
    // Neighbours are one apart, the next one where both are as near: those at 49 and at 50 stand beside a score that is far off.
    near("violations", &individual["violations"]["value"], 0.02);
    near("across", &individual["across_groups"]["value"], 0.02);
    assert_eq!(individual["across_groups"]["n"], 100);
    let worst = individual["worst"].as_array().unwrap();
    assert_eq!(
        (worst.len(), &worst[0]["rows"], &worst[1]["rows"]),
        (2, &serde_json::json!([50, 51]), &serde_json::json!([51, 52]))
    );
    assert_eq!(worst[0]["scores"], serde_json::json!([0.049, 0.9]));
    assert_eq!(worst[0]["groups"], serde_json::json!([["m"], ["f"]]));
    // The deviation of 0 to 99 is 29.011; 0.851 over 1/29.011 is 24.69.
    near("distance", &worst[0]["distance"], 1.0 / (833.25_f64 * 100.0 / 99.0).sqrt());
    let of = |lipschitz: &str| run(&["--similar", "income", "--lipschitz", lipschitz, "--json"]).json();
    near("just", &of("24.65")["individual"]["violations"]["value"], 0.01);
    near("none", &of("24.7")["individual"]["violations"]["value"], 0.0);
    let text = run(&["--similar", "income", "--html", "page.html"]);
    assert!(
        text.out.contains("By income, all 100: 0.020 (") && text.out.contains("50 and 51"),
        "{}",
        text.out
    );
    assert!(std::fs::read_to_string(desk.folder.path().join("page.html")).unwrap().contains("Like people"));
    let refused = run(&["--similar", "sex"]);
    assert!(refused.code == 2 && refused.err.contains("tells groups apart"), "{}", refused.err);
    assert_eq!(
        (run(&["--similar", "absent"]).code, run(&["--similar", "income", "--lipschitz", "-1"]).code),
        (2, 2)
    );
    // Of many a sample, the same each time; words and missing values are no numbers.
    let row = |at: u32| {
        let income = if at.is_multiple_of(9) { String::new() } else { (at % 83).to_string() };
        format!("{income},{},0.{},{},{}\n", ["a", "b", "c"][(at % 3) as usize], at % 10, at % 2, at % 5)
    };
    let many = desk
        .write("many.csv", "income,job,score,y,sex\n".to_owned() + &(0..2_500).map(row).collect::<String>());
    let base = [
        "fairness",
        &many,
        "--label",
        "y",
        "--prediction",
        "y",
        "--score",
        "score",
        "--group",
        "sex",
        "--json",
    ];
    let sampled = || desk.run(&[&base[..], &["--similar", "income", "--similar", "job"]].concat());
    let first = sampled();
    assert_eq!(
        (&first.json()["individual"]["people"], &first.json()["individual"]["of"]),
        (&2_000.into(), &2_500.into())
    );
    assert_eq!(first.out, sampled().out);
}

/// People of two groups whose scores mean different things.
fn applicants(rows: u64) -> String {
    let mut random = cordon_stats::random::Random::new(5);
    let row = |id: u64| {
        let (is_f, label) = (random.chance(0.4), random.chance(0.5));
        let score = 0.6 * random.unit() + if label { 0.3 } else { 0.0 } + if is_f { 0.0 } else { 0.1 };
        format!("a{id},{score},{},{}\n", u8::from(label), if is_f { "f" } else { "m" })
    };
    "id,score,y,sex\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

#[test]
fn thresholds_are_applied_row_by_row_with_their_reasons() {
    let desk = Desk::new();
    let text = applicants(2_000);
    let file = desk.write("applicants.csv", &text);
    let base =
        ["fairness", &file, "--label", "y", "--prediction", "score", "--threshold", "0.5", "--group", "sex"];
    let made =
        desk.run(&[&base[..], &["--repair", "equalized-odds", "--policy", "fair.json", "--json"]].concat());
    assert!(made.code < 2, "{}", made.err);
    let repair = &made.json()["repair"];
    let decide = |file: &str, more: &[&str]| {
        desk.run(&[&["decide", file, "--policy", "fair.json"][..], more].concat())
    };
    let by_lot = decide(&file, &[]);
    assert!(by_lot.code == 2 && by_lot.err.contains("--seed TEXT"), "{}", by_lot.err);
    let seeded = ["--id", "id", "--seed", "s1", "--json"];
    let ran = decide(&file, &seeded);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("2000 rows: ") && ran.err.contains(" 0 not decided; made to have the recall"),
        "{}",
        ran.err
    );
    let decisions: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(decisions.len(), 2_000);
    // Each decision follows from its probability and its lot, and says why.
    for one in &decisions {
        let (p, is_yes) = (one["probability"].as_f64().unwrap(), one["decision"] == true);
        match one["lot"].as_f64() {
            Some(lot) => assert!((lot < p) == is_yes && p > 0.0 && p < 1.0, "{one}"),
            None => assert!((p > 0.5) == is_yes && !(1e-9..=1.0 - 1e-9).contains(&p), "{one}"),
        }
        let reason = one["reason"].as_str().unwrap();
        assert!(
            reason.starts_with("score is ") && reason.contains("the lot") == one["lot"].is_number(),
            "{reason}"
        );
    }
    // The groups have the rates that were promised, as far as lots go.
    let labels: Vec<bool> = text.lines().skip(1).map(|line| line.split(',').nth(2) == Some("1")).collect();
    for rule in repair["rules"].as_array().unwrap() {
        let of_group =
            || decisions.iter().zip(&labels).filter(|(one, _)| one["group"]["sex"] == rule["group"][0]);
        for (is_positive, promised) in [(true, &rule["recall"]), (false, &rule["false_positive_rate"])] {
            let of = || of_group().filter(|(_, label)| **label == is_positive);
            let share = of().filter(|(one, _)| one["decision"] == true).count() as f64 / of().count() as f64;
            assert!((share - promised.as_f64().unwrap()).abs() < 0.06, "{share} {promised}");
        }
    }
    // Another order, the same decisions; another seed, other lots alone.
    let mut turned: Vec<&str> = text.lines().skip(1).collect();
    turned.reverse();
    let turned = desk.write("turned.csv", "id,score,y,sex\n".to_owned() + &turned.join("\n") + "\n");
    let decided = |ran: &tables::Ran| -> std::collections::BTreeMap<String, bool> {
        let lines = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|one| (one["id"].as_str().unwrap().to_owned(), one["decision"] == true)).collect()
    };
    assert_eq!(decided(&decide(&turned, &seeded)), decided(&ran));
    let other = decided(&decide(&file, &["--id", "id", "--seed", "s2", "--json"]));
    let moved: Vec<_> =
        decided(&ran).into_iter().filter(|(id, yes)| other[id] != *yes).map(|(id, _)| id).collect();
    assert!(!moved.is_empty(), "lots are drawn");
    assert!(
        decisions
            .iter()
            .filter(|one| moved.contains(&one["id"].as_str().unwrap().to_owned()))
            .all(|one| one["lot"].is_number())
    );
    // As CSV, into a file; what has no rule or no score is not decided, and that is said.
    let odd = desk.write("odd.csv", "id,score,sex\n1,0.99,f\n2,,m\n3,0.5,x\n\"4,\"\"5\",0.01,m\n");
    let csv = decide(&odd, &["--id", "id", "--seed", "s1", "--output", "out.csv"]);
    assert!(
        csv.code == 1 && csv.err.contains("4 rows: ") && csv.err.contains(" 2 not decided"),
        "{}",
        csv.err
    );
    let written = std::fs::read_to_string(desk.folder.path().join("out.csv")).unwrap();
    assert!(
        written.starts_with("row,id,sex,score,probability,lot,decision,reason\n1,1,f,0.99,"),
        "{written}"
    );
    assert!(
        written.contains("\n2,2,m,,,,,no score\n3,3,x,0.5,,,,no rule for this group\n4,\"4,\"\"5\",m,0.01,"),
        "{written}"
    );
    assert_eq!(decide(&odd, &["--id", "id", "--seed", "s1", "--output", &odd]).code, 2);
    assert_eq!(decide(&file, &["--id", "id", "--seed", "s1", "--score", "absent"]).code, 2);
    // A policy that was changed into something that decides nothing is refused.
    let policy = std::fs::read_to_string(desk.folder.path().join("fair.json")).unwrap();
    for (was, is) in [
        ("\"version\": 1", "\"version\": 9"),
        ("\"version\": 1", "\"version\": 1, \"more\": 1"),
        ("\"weight\": ", "\"weight\": 1"),
        ("\"above\": \"", "\"above\": \"x"),
        ("\"m\"", "\"f\""),
        ("\"sex\"", "\"sex\", \"age\""),
        ("{", ""),
    ] {
        assert!(policy.contains(was), "{was} in {policy}");
        desk.write("changed.json", policy.replacen(was, is, 1));
        let ran = desk.run(&["decide", &file, "--policy", "changed.json", "--id", "id", "--seed", "s"]);
        assert!(ran.code == 2 && ran.err.contains("holds no thresholds"), "{was}: {}", ran.err);
    }
}

#[test]
fn weights_make_label_and_group_independent() {
    let desk = Desk::new();
    let mut text = String::from("y,p,g\n");
    // Of 60 a are 40 positive, of 40 b are 10.
    for (group, positives, rows) in [("a", 40, 60), ("b,c", 10, 40)] {
        (0..rows).for_each(|row| {
            text.push_str(&format!("{},{},\"{group}\"\n", u8::from(row < positives), row % 2));
        });
    }
    let file = desk.write("train.csv", text);
    let ran = desk.run(&[
        "fairness",
        &file,
        "--label",
        "y",
        "--prediction",
        "p",
        "--group",
        "g",
        "--weights",
        "weights.csv",
    ]);
    assert_eq!(ran.code, 2, "a gap is undecided: {}", ran.err);
    let written = std::fs::read_to_string(desk.folder.path().join("weights.csv")).unwrap();
    let weight = |group: f64, label: f64, both: f64| (group * label / (100.0 * both)).to_string();
    let want = format!(
        "g,label,weight\na,1,{}\na,0,{}\n\"b,c\",1,{}\n\"b,c\",0,{}\n",
        weight(60.0, 50.0, 40.0),
        weight(60.0, 50.0, 20.0),
        weight(40.0, 50.0, 10.0),
        weight(40.0, 50.0, 30.0)
    );
    assert_eq!(written, want);
    // Kish: 100² over the squares of 0.75 forty times, 1.5 twenty times, 2 ten times and 2/3 thirty times, in hundredths of rows.
    let effective = 100.0 / (40.0 * 0.5625 + 20.0 * 2.25 + 40.0 + 30.0 * 4.0 / 9.0);
    assert!(ran.out.contains(&format!("as much as {:.1} % of them", 100.0 * effective)), "{}", ran.out);
}

#[test]
fn gaps_that_are_undecided_say_how_many_rows_it_takes() {
    let desk = Desk::new();
    // 40 of 100 of the one group are selected and 45 of 100 of the other: 0.889, and four fifths lie inside the interval.
    let mut text = String::from("y,p,g\n");
    for (group, selected) in [("a", 40), ("b", 45)] {
        (0..100).for_each(|row| text.push_str(&format!("1,{},{group}\n", u8::from(row < selected))));
    }
    let file = desk.write("few.csv", text);
    let run = |more: &[&str]| {
        desk.run(
            &[&["fairness", &file, "--label", "y", "--prediction", "p", "--group", "g"][..], more].concat(),
        )
    };
    let ran = run(&["--json"]);
    assert_eq!(ran.code, 2, "undecided is no pass: {}", ran.err);
    let answer = ran.json();
    let gap = answer["groupings"][0]["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|gap| gap["rate"] == "selection_rate")
        .unwrap();
    assert_eq!(gap["verdict"], "undecided");
    let (value, low) = (gap["ratio"]["value"].as_f64().unwrap(), gap["ratio"]["low"].as_f64().unwrap());
    let n = gap["ratio"]["n"].as_f64().unwrap();
    let want = (n * (2.801_585_218 / 1.959_963_985 * (value - low) / (value - 0.8)).powi(2)).ceil();
    assert!((gap["rows_needed"].as_f64().unwrap() - want).abs() <= 1.0, "{gap} {want}");
    let said = format!("selection_rate: about {} rows of these two groups", gap["rows_needed"]);
    assert!(run(&[]).out.contains(&said), "{}", run(&[]).out);
    // What is decided needs none.
    let decided = run(&["--limit", "0.1", "--json"]).json();
    assert!(
        decided["groupings"][0]["gaps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|gap| gap.get("rows_needed").is_none())
    );
}
