//! Pages of the statistics commands: one file that needs no other, that nothing in the data can write into, the same for the same data.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

#[path = "support/tables.rs"]
mod tables;

use std::collections::BTreeSet;

use proptest::prelude::*;
use tables::{Desk, golden};

/// A tag as it stands in a page: its name with `/` before it where it ends something, and its attributes.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

/// The tags of a page, read strictly: what a browser would have to guess at is an error.
fn tags(page: &str) -> Vec<Tag> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    let (mut found, mut open): (Vec<Tag>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "`>` in text: {:?}", &rest[..start]);
        rest = &rest[start + 1..];
        let mut tag = Tag { name: String::new(), attributes: Vec::new() };
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '/')).expect("an end of the name");
        tag.name = rest[..end].to_owned();
        assert!(!tag.name.is_empty(), "a `<` that begins no tag: {:?}", &rest[..rest.len().min(40)]);
        rest = &rest[end..];
        let mut is_closed = false;
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix("/>") {
                (rest, is_closed) = (after, true);
                break;
            }
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let end = rest.find(['=', '>', ' ']).expect("an end of the attribute");
            let name = rest[..end].to_owned();
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "attribute {name:?}");
            rest = &rest[end..];
            let Some(value) = rest.strip_prefix("=\"") else {
                tag.attributes.push((name, String::new()));
                continue;
            };
            let end = value.find('"').expect("an end of the value");
            assert!(!value[..end].contains('<'), "`<` in an attribute: {:?}", &value[..end]);
            tag.attributes.push((name, value[..end].to_owned()));
            rest = &value[end + 1..];
        }
        if let Some(name) = tag.name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "tags are nested");
        } else if !is_closed && !["meta", "br", "link"].contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        if tag.name == "style" {
            rest = &rest[rest.find("</style>").expect("an end of the style")..];
        }
        found.push(tag);
    }
    assert_eq!(open, Vec::<String>::new(), "everything ends");
    found
}

/// What every page keeps, whatever it is of.
fn keeps_its_word(page: &str) -> Vec<Tag> {
    let tags = tags(page);
    let (mut ids, mut links) = (BTreeSet::new(), Vec::new());
    for tag in &tags {
        assert!(
            !["script", "iframe", "object", "embed", "link", "img", "form", "base", "image", "use"]
                .contains(&tag.name.as_str()),
            "{tag:?}"
        );
        for (name, value) in &tag.attributes {
            assert!(
                !name.starts_with("on") && !["src", "style", "srcset", "action"].contains(&name.as_str()),
                "{tag:?}"
            );
            match name.as_str() {
                "id" => assert!(ids.insert(value.clone()), "the id `{value}` is there twice"),
                "href" => links.push(
                    value.strip_prefix('#').unwrap_or_else(|| panic!("a link out: {tag:?}")).to_owned(),
                ),
                _ => {}
            }
        }
    }
    for link in links {
        assert!(ids.contains(&link), "`#{link}` leads nowhere");
    }
    for outside in ["http:", "https:", "//cdn", "url(", "@import", "javascript:"] {
        let style = &page[page.find("<style>").unwrap()..page.find("</style>").unwrap()];
        assert!(!style.contains(outside), "`{outside}` in the style");
    }
    let policy = tags.iter().flat_map(|tag| &tag.attributes).find(|(_, value)| value.contains("default-src"));
    let policy = &policy.expect("a policy").1;
    assert!(
        policy.starts_with("default-src &#39;none&#39;; style-src &#39;sha256-")
            || policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    tags
}

/// A page that a command writes, beside its exit code.
fn page(desk: &Desk, arguments: &[&str]) -> (i32, String) {
    let file = desk.folder.path().join("page.html");
    let ran = desk.run(&[arguments, &["--html", "page.html"]].concat());
    assert!(
        !ran.err.contains("panicked") && (ran.code < 2 || ran.err.contains("cannot be decided")),
        "{arguments:?}: {}{}",
        ran.out,
        ran.err
    );
    (ran.code, std::fs::read_to_string(file).unwrap())
}

/// Rows of people who ask for a loan; `shift` moves their income.
fn loans(rows: u32, shift: f64) -> String {
    let mut text = String::from("id,day,income,country,sex,score,approved,repaid\n");
    for i in 0..rows {
        let noise = f64::from(i.wrapping_mul(2_654_435_761) % 10_007) / 10_007.0;
        let other = f64::from(i.wrapping_mul(40_503) % 9_973) / 9_973.0;
        let (country, sex) = (["AT", "DE", "CH"][(i % 3) as usize], ["f", "m"][(i % 2) as usize]);
        let approved = u8::from(other > if sex == "f" { 0.7 } else { 0.3 });
        let repaid = u8::from(noise < other);
        let income = 1_000.0 + 3_000.0 * (noise + shift);
        text.push_str(&format!(
            "{i},2026-11-{:02},{income:.2},{country},{sex},{other},{approved},{repaid}\n",
            i % 28 + 1
        ));
    }
    text
}

#[test]
fn every_command_writes_a_page_that_needs_nothing_else() {
    let desk = Desk::new();
    let was = desk.write("was.csv", loans(1_500, 0.0));
    let is = desk.write("is.csv", loans(1_200, 0.3));
    let labels: String =
        "id,repaid\n".to_owned() + &(0..750).map(|i| format!("{i},{}\n", i % 2)).collect::<String>();
    let labels = desk.write("labels.csv", labels);
    let points = [("p.csv", 0), ("q.csv", 1)].map(|(name, shift)| {
        let row = |i: u32| format!("{},{},{}\n", i * 7 % 11 + shift * 4, i * 5 % 13, i % 17);
        desk.write(name, "e_0,e_1,e_2\n".to_owned() + &(0..600).map(row).collect::<String>())
    });
    let saved = desk.folder.path().join("p.profile").display().to_string();
    assert_eq!(desk.run(&["profile", &points[0], "--output", &saved, "--embedding", "e"]).code, 0);
    let kept = desk.folder.path().join("kept.profile").display().to_string();
    assert_eq!(desk.run(&["profile", &was, "--output", &kept, "--by", "country"]).code, 0);
    let rate =
        |day: u32| format!("2026-10-{:02},{:.4}\n", day + 1, 0.02 + f64::from(day * 7 + day % 3) / 9_000.0);
    let daily = "day,rate\n".to_owned() + &(0..28).map(rate).collect::<String>();
    let daily = desk.write("daily.csv", daily);
    let scores = ["--prediction", "score", "--threshold", "0.5", "--label", "repaid"];
    let cases: [(Vec<&str>, i32, &[&str]); 19] = [
        (vec!["profile", &was], 0, &["1 500 rows in 8 columns", "<svg", "2026-11-01 to 2026-11-28 (day)"]),
        (
            vec!["drift", "--reference", &was, "--current", &is],
            1,
            &["drifted", "income: mean up by", "id=\"term-js\"", "of 8 columns"],
        ),
        (vec!["drift", "--reference", &was, "--current", &was], 0, &["Nothing drifted"]),
        (vec!["drift", "--reference", &was, "--current", &is, "--by", "country"], 1, &["income in AT"]),
        (
            vec!["drift", "--reference", &was, "--current", &is, "--season", "day-of-week", "--time", "day"],
            1,
            &[
                "Each season is compared with itself",
                "income",
                "2026-11-01 to 2026-11-28 (day)",
                "id=\"term-js\"",
            ],
        ),
        (
            vec!["causes", "--reference", &kept, "--current", &is, "--ignore", "id"],
            1,
            &["Columns moved", "A saved profile has no rows", "income moved", "id=\"term-separation\""],
        ),
        (
            vec![
                "causes",
                "--reference",
                &kept,
                "--current",
                &is,
                "--prediction",
                "income",
                "--by",
                "country",
            ],
            1,
            &["The mean of income changed", "Segments that moved income", "How income moved"],
        ),
        (
            vec!["forecast", &daily, "--time", "day", "--value", "rate", "--at-most", "0.06"],
            1,
            &["will be crossed at", "rate over time", "id=\"course\"", "id=\"term-trend\""],
        ),
        (
            vec!["causes", "--reference", &was, "--current", &is, "--ignore", "id"],
            1,
            &["The tables can be told apart", "Log odds, by column", "id=\"term-separation\""],
        ),
        (
            vec![
                "causes",
                "--reference",
                &was,
                "--current",
                &is,
                "--prediction",
                "income",
                "--by",
                "country",
            ],
            1,
            &["The mean of income changed", "What moved it, by column"],
        ),
        (vec!["quality", &is, "--reference", &was], 1, &["breach", "above what the reference has"]),
        (
            [&["performance", &was][..], &scores, &["--at-least", "recall=0.99"]].concat(),
            1,
            &["One limit is broken", "id=\"roc\"", "id=\"calibration\""],
        ),
        (
            [&["performance", &was][..], &scores, &["--reference", &is]].concat(),
            0,
            &["Expected without labels", "realised"],
        ),
        (
            [&["performance", &was][..], &scores, &["--labels", &labels, "--id", "id"]].concat(),
            0,
            &["Labels that have come", "50.0 %"],
        ),
        (
            vec!["performance", &was, "--label", "repaid", "--prediction", "repaid", "--against", "score"],
            0,
            &["It is not worse by more than 0", "Mean loss, row by row", "id=\"difference\""],
        ),
        (
            [&["performance", &is][..], &scores, &["--compare", &was, "--margin", "0.2"]].concat(),
            0,
            &["is.csv against", "both must be in an order", "id=\"term-loss_difference\""],
        ),
        (
            vec!["drift", "--reference", &points[0], "--current", &points[1], "--embedding", "e"],
            1,
            &["e drifted", "Along the line between the centres", "Numbers of a point"],
        ),
        (
            vec!["drift", "--reference", &saved, "--current", &points[1], "--embedding", "e"],
            1,
            &["e drifted", "All points are compared", "Along a direction"],
        ),
        (
            [
                &["fairness", &was, "--label", "repaid", "--prediction", "score", "--threshold", "0.5"][..],
                &["--group", "sex", "--group", "country", "--repair", "equal-opportunity"],
            ]
            .concat(),
            // Some gaps are undecided, which is no pass.
            2,
            &["Selection rate by sex and country", "80.0 % of the highest", "what equality costs"],
        ),
    ];
    for (arguments, code, told) in cases {
        let (ran, text) = page(&desk, &arguments);
        assert_eq!(ran, code, "{arguments:?}");
        let plain = text.replace('\u{202f}', " ");
        for told in told {
            assert!(plain.contains(told), "{arguments:?} does not say `{told}`");
        }
        let tags = keeps_its_word(&text);
        assert!(tags.iter().any(|tag| tag.name == "svg"), "{arguments:?} draws nothing");
        assert!(text.len() < 1 << 20, "{arguments:?}: {} bytes", text.len());
        // The other forms are of the same report.
        let markdown = desk.run(&[&arguments[..], &["--md"]].concat());
        assert_eq!((markdown.code, markdown.out.contains("\n| ")), (code, true), "{}", markdown.out);
        let junit = desk.run(&[&arguments[..], &["--junit"]].concat());
        let cases = junit.out.matches("<testcase ").count();
        let is_suite =
            junit.out.contains(&format!("tests=\"{cases}\"")) && junit.out.ends_with("</testsuite>\n");
        assert!(junit.code == code && is_suite, "{arguments:?}: {}", junit.out);
        assert!(code == 0 || junit.out.contains("<failure "), "{arguments:?}: {}", junit.out);
        // The same data gives the same bytes, and a date only where one is given.
        assert_eq!(page(&desk, &arguments).1, text, "{arguments:?}");
        let dated = page(&desk, &[&arguments[..], &["--dated", "on <Monday>"]].concat()).1;
        assert!(dated.contains("on &lt;Monday&gt;") && !text.contains("Monday"));
    }
    // Beside JSON too; and where it cannot be written, that is what is said.
    let beside =
        desk.run(&["drift", "--reference", &was, "--current", &is, "--json", "--html", "beside.html"]);
    assert_eq!((beside.code, beside.json()["drifted"].as_u64() > Some(0)), (1, true));
    assert!(desk.folder.path().join("beside.html").exists());
    let nowhere = desk.run(&["quality", &was, "--html", "no/such/folder/page.html"]);
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.err.contains("`no/such/folder/page.html` cannot be written"), "{}", nowhere.err);
}

#[test]
fn a_saved_profile_draws_what_its_table_draws() {
    let desk = Desk::new();
    let was = desk.write("was.csv", loans(3_000, 0.0));
    let is = desk.write("is.csv", loans(2_000, 0.3));
    assert_eq!(desk.run(&["profile", &was, "--output", "was.profile"]).code, 0);
    let drawn = |text: &str| -> String {
        let from = text.find("<section id=\"part-0\"").unwrap();
        text[from..text.find("<section id=\"made\"").unwrap()].to_owned()
    };
    let of = |command: &[&str]| {
        [&was[..], "was.profile"].map(|reference| page(&desk, &[command, &[reference]].concat()))
    };
    let [table, profile] = of(&["quality", &is, "--reference"]);
    assert_eq!((table.0, drawn(&table.1)), (profile.0, drawn(&profile.1)));
    // A profile does not keep what columns do together, and its page says so.
    let [table, profile] = of(&["drift", "--current", &is, "--reference"]);
    let part = |text: &str, title: &str| -> String {
        let from = text.find(&format!("<h2>{title}</h2>")).unwrap();
        text[from..from + text[from..].find("</section>").unwrap()].to_owned()
    };
    for title in ["Columns, the most changed first", "Reference against current"] {
        assert_eq!((table.0, part(&table.1, title)), (profile.0, part(&profile.1, title)));
    }
    assert!(
        table.1.contains("<h2>Columns that move together</h2>") && table.1.contains("id=\"correlations\"")
    );
    assert!(
        profile.1.contains("correlations are not compared: a profile")
            && !profile.1.contains("id=\"correlations\"")
    );
    assert_eq!(drawn(&page(&desk, &["profile", &was]).1), drawn(&page(&desk, &["profile", "was.profile"]).1));
    let by = desk.run(&["drift", "--reference", "was.profile", "--current", &is, "--by", "country"]);
    assert_eq!(by.code, 2, "{}", by.out);
    assert!(by.err.contains("help: make it with `cordon profile FILE --by country"), "{}", by.err);
}

#[test]
fn thousands_of_columns_make_a_page_that_is_read() {
    let desk = Desk::new();
    let wide = |shift: usize| -> String {
        let names: Vec<String> = (0..3_000).map(|i| format!("column_{i}_{}", "x".repeat(300))).collect();
        let row = |at: usize| {
            (0..3_000).map(|i| ((at * 7 + i) % 97 + shift).to_string()).collect::<Vec<_>>().join(",")
        };
        names.join(",") + "\n" + &(0..30).map(|at| row(at) + "\n").collect::<String>()
    };
    let (was, is) = (desk.write("was.csv", wide(0)), desk.write("is.csv", wide(500)));
    let (code, text) = page(&desk, &["drift", "--reference", &was, "--current", &is]);
    assert_eq!(code, 1);
    assert!(text.len() < 2 << 20, "{} bytes", text.len());
    keeps_its_word(&text);
    let plain = text.replace('\u{202f}', "");
    assert!(plain.contains("2600 more rows are left out here") && plain.contains("2952 more are not drawn"));
}

#[test]
fn golden_data_has_pages() {
    let names =
        ["drift_ref.csv", "drift_cur.csv", "fair_german.csv", "german_credit.csv", "adult_first8000.csv"];
    let desk = Desk::new();
    for name in names {
        let Some(file) = golden(name) else { return };
        keeps_its_word(&page(&desk, &["profile", &file]).1);
        keeps_its_word(&page(&desk, &["quality", &file]).1);
    }
    let (Some(reference), Some(current)) = (golden("drift_ref.csv"), golden("drift_cur.csv")) else { return };
    let (code, text) = page(&desk, &["drift", "--reference", &reference, "--current", &current]);
    assert_eq!(code, 1);
    keeps_its_word(&text);
}

/// Long reads are watched on a terminal, and only there: `script` gives the program one.
#[test]
fn progress_is_for_terminals() {
    let desk = Desk::new();
    let row = format!("{}\n", "x".repeat(4_000));
    let file = desk.write("big.csv", "text\n".to_owned() + &row.repeat(4_400));
    let ran = desk.run(&["profile", &file]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let command = format!("{} profile {file}", env!("CARGO_BIN_EXE_cordon"));
    let script = std::process::Command::new("script").args(["-qec", &command, "/dev/null"]).output();
    let Ok(script) = script else {
        println!("skipped: `script` of util-linux is not installed");
        return;
    };
    let seen = String::from_utf8_lossy(&script.stdout).into_owned();
    assert!(seen.contains(" 50 %  big.csv") && seen.contains("100 %  big.csv"), "{seen:?}");
    assert!(seen.contains("\u{1b}[K") && seen.contains("4400 rows, 1 columns"), "{seen:?}");
}

/// Two tables in JSON lines whose columns and categories have these names, and how the page about their drift is built: the tags
/// with the names of their attributes, without what data says.
fn built(names: &[String], categories: &[String]) -> Vec<(String, Vec<String>)> {
    let desk = Desk::new();
    let table = |shift: usize| -> String {
        let line = |at: usize| {
            let mut row = serde_json::Map::new();
            for (column, name) in names.iter().enumerate() {
                let value = if column == 0 {
                    serde_json::Value::from(((at * (column + 3)) % 50 + shift) as u64)
                } else {
                    categories[(at / (column + 1) + shift) % categories.len()].clone().into()
                };
                row.insert(name.clone(), value);
            }
            serde_json::Value::from(row).to_string() + "\n"
        };
        (0..120).map(line).collect()
    };
    let (was, is) = (desk.write("was.jsonl", table(0)), desk.write("is.jsonl", table(1)));
    let text = page(&desk, &["drift", "--reference", &was, "--current", &is]).1;
    for c in ['\u{202e}', '\u{2066}', '\u{0}', '\u{1b}'] {
        assert!(!text.contains(c), "{c:?} is on the page");
    }
    let tags = keeps_its_word(&text);
    tags.into_iter()
        .map(|tag| (tag.name, tag.attributes.into_iter().map(|(name, _)| name).collect()))
        .collect()
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("<script>alert(1)</script>".to_owned()),
        Just("\"><img src=x onerror=alert(1)>".to_owned()),
        Just("' onload='alert(1)".to_owned()),
        Just("</title></style></svg>".to_owned()),
        Just("<!--".to_owned()),
        Just("]]>".to_owned()),
        Just("&lt;b&gt;&#x3c;".to_owned()),
        Just("javascript:alert(1)".to_owned()),
        Just("\u{202e}evil\u{2066}\u{0}\u{1b}[31m".to_owned()),
        "\\PC{0,12}",
    ];
    prop::collection::vec(pieces, 1..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_name_changes_how_a_page_is_built(
        names in prop::collection::vec(hostile(), 3), categories in prop::collection::vec(hostile(), 4),
    ) {
        // Different from each other, and never a number, a date or nothing.
        let marked = |texts: &[String]| -> Vec<String> { texts.iter().enumerate().map(|(at, text)| format!("n{at}{text}")).collect() };
        let harmless = |count: usize| -> Vec<String> { (0..count).map(|at| format!("n{at}")).collect() };
        prop_assert_eq!(built(&marked(&names), &marked(&categories)), built(&harmless(3), &harmless(4)));
    }
}
