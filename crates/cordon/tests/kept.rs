//! What profiles keep beside columns: segments, seasons and points. A profile answers as its table does.
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
use tables::{Desk, Ran};

/// From 0 to 1, the same for the same number.
fn noise(i: u32) -> f64 {
    f64::from(i.wrapping_mul(2_654_435_761).rotate_left(13) % 10_007) / 10_007.0
}

/// A row an hour for so many days from a Monday on; on weekends amounts are higher and most come from the web. `shift` moves amounts.
fn weeks(first_day: u32, days: u32, a_day: u32, shift: f64) -> String {
    let mut text = String::from("sent,amount,channel,note\n");
    for i in 0..days * a_day {
        let day = first_day + i / a_day;
        let is_weekend = day % 7 >= 5;
        let seed = day * 7_919 + i;
        let amount = noise(seed) + if is_weekend { 0.8 } else { 0.0 } + shift;
        let from_web = noise(seed + 500_000) < if is_weekend { 0.9 } else { 0.3 };
        let channel = if from_web { "web" } else { "shop" };
        let note = if is_weekend && i % 2 == 0 { "" } else { "x" };
        // The second of March 2026 was a Monday.
        text.push_str(&format!("2026-03-{:02}T{:02}:30:00Z,{amount},{channel},{note}\n", day + 2, i % 24));
    }
    text
}

fn save(desk: &Desk, file: &str, name: &str, more: &[&str]) -> String {
    let path = desk.folder.path().join(name).display().to_string();
    let ran = desk.run(&[&["profile", file, "--output", &path, "--json"], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    path
}

fn drift(desk: &Desk, reference: &str, current: &str, more: &[&str]) -> Ran {
    desk.run(&[&["drift", "--reference", reference, "--current", current, "--json"], more].concat())
}

/// The answer without the names of files and of what was left out of them.
fn statistics(ran: &Ran) -> Value {
    let mut answer = ran.json();
    for side in ["reference", "current"] {
        answer[side].as_object_mut().unwrap().remove("file");
    }
    answer
}

/// Twelve columns of amounts and seven of words: what stands for them coarsely is a few kilobytes, and finds the column that moved.
#[test]
fn a_coarse_profile_is_a_few_kilobytes() {
    let desk = Desk::new();
    let table = |name: &str, first: u32, shift: f64| {
        let row = |i: u32| {
            let amounts = (0..12).map(|c| {
                let shift = if c == 4 { shift } else { 0.0 };
                format!("{:.2}", (5.0 * noise(first + i * 12 + c) + f64::from(c) / 3.0 + shift).exp())
            });
            let words = (0..7).map(|c| {
                format!("word {:.0}", noise(first + i * 7 + c + 9).powi(2) * f64::from(20 * (c + 1)))
            });
            amounts.chain(words).collect::<Vec<_>>().join(",") + "\n"
        };
        let names: Vec<String> = (0..19).map(|c| format!("c{c}")).collect();
        desk.write(name, names.join(",") + "\n" + &(0..6_000).map(row).collect::<String>())
    };
    let (was, is) = (table("was.csv", 0, 0.0), table("is.csv", 80_000, 0.4));
    let (fine, coarse) =
        (save(&desk, &was, "fine.profile", &[]), save(&desk, &was, "coarse.profile", &["--coarse"]));
    let size = |path: &str| std::fs::metadata(path).unwrap().len();
    assert!(size(&coarse) < 7_000 && size(&coarse) * 2 < size(&fine), "{} {}", size(&coarse), size(&fine));
    // A fine one is made coarse as the table is, and stays what it is.
    let again = save(&desk, &fine, "again.profile", &["--coarse"]);
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&coarse).unwrap());
    let still = save(&desk, &coarse, "still.profile", &[]);
    assert_eq!(std::fs::read(&still).unwrap(), std::fs::read(&coarse).unwrap());
    for reference in [&fine, &coarse] {
        let found = drift(&desk, reference, &is, &[]).json();
        let columns = found["columns"].as_array().unwrap();
        let moved: Vec<&Value> = columns.iter().filter(|column| column["drifted"] == true).collect();
        assert_eq!((moved.len(), &moved[0]["column"]), (1, &"c4".into()), "{reference}");
        let shift = moved[0]["change"]["numbers"]["mean_shift_in_deviations"].as_f64().unwrap();
        assert!((0.3..0.6).contains(&shift), "{shift}");
    }
}

#[test]
fn what_comes_back_each_week_is_no_drift_by_season() {
    let desk = Desk::new();
    let month = desk.write("month.csv", weeks(0, 28, 96, 0.0));
    let days = desk.write("days.csv", weeks(24, 4, 96, 0.0));
    let moved = desk.write("moved.csv", weeks(24, 4, 96, 0.4));
    for season in ["day-of-week", "hour-of-week", "hour-of-day"] {
        let by: &[&str] = &["--season", season, "--time", "sent"];
        let ran = drift(&desk, &month, &days, by);
        // By the hour of the day alone the weekend is still a surprise.
        assert_eq!(ran.code, i32::from(season == "hour-of-day"), "{season}: {} {}", ran.out, ran.err);
        let answer = drift(&desk, &month, &moved, by).json();
        let amount = answer["columns"].as_array().unwrap().iter().find(|column| column["column"] == "amount");
        assert_eq!(amount.unwrap()["drifted"], true, "{season}");
        // A profile of seasons stands for the table.
        let saved = save(&desk, &month, "month.profile", by);
        assert_eq!(statistics(&drift(&desk, &saved, &days, by)), statistics(&ran), "{season}");
    }
    let plain = drift(&desk, &month, &days, &[]);
    assert_eq!(plain.code, 1);
    let drifted = plain.json()["drifted"].as_u64();
    assert!(drifted >= Some(3), "{drifted:?}");
    // Rows of seasons that the reference lacks are counted and said.
    let monday = desk.write("monday.csv", weeks(0, 1, 200, 0.0));
    let ran = desk.run(&[
        "drift",
        "--reference",
        &monday,
        "--current",
        &month,
        "--season",
        "day-of-week",
        "--time",
        "sent",
    ]);
    assert!(ran.err.contains("rows without a season that the reference has are left out: 0"), "{}", ran.err);
    assert!(ran.out.contains("season by season"), "{}", ran.out);
    let none = drift(&desk, &month, &days, &["--season", "day-of-week", "--time", "channel"]);
    assert_eq!((none.code, none.err.contains("has no date or time")), (2, true), "{}", none.err);
}

#[test]
fn segments_of_a_profile_answer_as_those_of_its_table() {
    let desk = Desk::new();
    let was = desk.write("was.csv", weeks(0, 14, 60, 0.0));
    let is = desk.write("is.csv", weeks(14, 7, 60, 0.3));
    let by: &[&str] = &["--by", "channel"];
    let kept = [save(&desk, &was, "was.profile", by), save(&desk, &is, "is.profile", by)];
    let of_tables = drift(&desk, &was, &is, by);
    assert_eq!(of_tables.code, 1, "{}", of_tables.err);
    let of_profiles = drift(&desk, &kept[0], &kept[1], by);
    assert_eq!(statistics(&of_profiles), statistics(&of_tables));
    assert_eq!(statistics(&drift(&desk, &kept[0], &is, by)), statistics(&of_tables));
    // Without segments it stands for the table too, and says what it keeps.
    assert_eq!(statistics(&drift(&desk, &kept[0], &is, &[])), statistics(&drift(&desk, &was, &is, &[])));
    let told = desk.run(&["profile", &kept[0], "--json"]).json();
    assert_eq!(told["segments"]["by"], "channel");
    let rows = &told["segments"]["rows"];
    assert_eq!(rows["web"].as_u64().unwrap() + rows["shop"].as_u64().unwrap(), 840);
    // A copy of it keeps the same.
    let copy = save(&desk, &kept[0], "copy.profile", &[]);
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&kept[0]).unwrap());
    for (profile, more, told) in [
        (&save(&desk, &was, "plain.profile", &[]), by, "does not keep its rows apart by `channel`; help:"),
        (
            &kept[0],
            &["--by", "note"][..],
            "apart by `note`, but by `channel`; help: make it with `cordon profile FILE --by note",
        ),
        (&kept[0], &["--season", "day-of-week", "--time", "sent"][..], "by `day-of-week of sent`, but"),
        (&kept[0], &["--embedding", "vector"][..], "keeps no points of `vector`; help:"),
    ] {
        let ran = drift(&desk, profile, &is, more);
        assert!(ran.code == 2 && ran.err.contains(told), "{more:?}: {}", ran.err);
    }
    let nowhere = desk.run(&["profile", &was, "--by", "channel"]);
    assert!(nowhere.code == 2 && nowhere.err.contains("name it with --output"), "{}", nowhere.err);
}

/// Rows with a point of eight numbers, as a list and as columns.
fn points(rows: u32, shift: f64) -> [String; 2] {
    let mut lists = String::new();
    let mut columns = "id,e_0,e_1,e_2,e_3,e_4,e_5,e_6,e_7\n".to_owned();
    for i in 0..rows {
        let point: Vec<String> = (0..8)
            .map(|at| noise(i * 8 + at) + noise(i * 8 + at + 700_001) + if at == 3 { shift } else { 0.0 })
            .map(|value| value.to_string())
            .collect();
        let point = point.join(",");
        lists.push_str(&if i % 100 == 0 {
            "{\"id\":1,\"e\":null}\n".to_owned()
        } else {
            format!("{{\"id\":1,\"e\":[{point}]}}\n")
        });
        columns.push_str(&if i % 100 == 0 { "1,,,,,,,,\n".to_owned() } else { format!("1,{point}\n") });
    }
    [lists, columns]
}

#[test]
fn points_of_a_profile_are_compared_by_all_of_them() {
    let desk = Desk::new();
    let [lists, columns] = points(4_000, 0.0);
    let was = [desk.write("was.jsonl", lists), desk.write("was.csv", columns)];
    let saved = was.each_ref().map(|file| {
        save(&desk, file, &format!("{}.profile", file.rsplit('/').next().unwrap()), &["--embedding", "e"])
    });
    let told = desk.run(&["profile", &saved[0], "--json"]).json()["embeddings"]["e"].clone();
    assert_eq!(
        (&told["points"], &told["without"], &told["dimension"]),
        (&3_960.into(), &40.into(), &8.into())
    );
    let by: &[&str] = &["--embedding", "e"];
    for (shift, code) in [(0.0, 0), (0.3, 1)] {
        let [lists, columns] = points(3_000, shift);
        let is = [desk.write("is.jsonl", lists), desk.write("is.csv", columns)];
        let first = drift(&desk, &saved[0], &is[0], by);
        assert_eq!(first.code, code, "{shift}: {} {}", first.out, first.err);
        // In whatever form the points are.
        assert_eq!(statistics(&drift(&desk, &saved[1], &is[1], by)), statistics(&first));
        let kept = save(&desk, &is[1], "is.profile", by);
        assert_eq!(statistics(&drift(&desk, &saved[0], &kept, by)), statistics(&first));
        let answer = first.json();
        assert_eq!(
            (&answer["current"]["points"], &answer["current"]["without"]),
            (&2_970.into(), &30.into())
        );
        if code == 1 {
            assert_eq!(answer["coordinate"], 3);
            assert!(answer["coordinate_p"]["value"].as_f64() < Some(1e-6));
        }
    }
    let other = desk.write("other.csv", "e_0,e_1\n1,2\n3,4\n2,2\n");
    let ran = drift(&desk, &saved[0], &other, by);
    assert!(ran.code == 2 && ran.err.contains("cannot be compared"), "{}", ran.err);
}

/// A file that is too large to be a profile is refused by its length, not read.
#[test]
fn a_profile_beyond_any_profile_is_refused() {
    use std::io::Write as _;
    let desk = Desk::new();
    let path = desk.folder.path().join("huge.profile");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"cordon profile\n").unwrap();
    file.set_len((512 << 20) + 1).unwrap();
    let ran = desk.run(&["profile", &path.display().to_string()]);
    assert!(ran.code == 2 && ran.err.contains("is larger than 512 MiB, which no profile is"), "{}", ran.err);
}
