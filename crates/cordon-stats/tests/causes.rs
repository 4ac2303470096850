//! What changed, by column and by segment: right as often as stated, silent where nothing happened.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use cordon_stats::causes::{Columns, Cut, Found, Rows, Search, Within, segments, separation, worst};
use cordon_stats::drift::{Points, Reach, classifier};
use cordon_stats::interval::{Level, Unknown};
use cordon_stats::profile::{Cell, Profile};
use cordon_stats::random::Random;

const NAMES: [&str; 4] = ["city", "plan", "amount", "noise"];

type Row = ([Cell<'static>; 4], f64);

/// Rows whose city and amount can be shifted, and whose outcome can be worse for one city with one plan.
fn table(rows: usize, graz: f64, shift: f64, worse: f64, random: &mut Random) -> Vec<Row> {
    (0..rows)
        .map(|_| {
            let city = if random.chance(graz) { "Graz" } else { ["Linz", "Wels"][random.below(2)] };
            let plan = ["free", "paid"][random.below(2)];
            let cells = [
                Cell::Text(city),
                Cell::Text(plan),
                Cell::Decimal(random.normal() + shift),
                Cell::Decimal(random.unit()),
            ];
            let rate = if city == "Wels" && plan == "free" { 0.1 + worse } else { 0.1 };
            (cells, f64::from(u8::from(random.chance(rate))))
        })
        .collect()
}

fn coded(was: &[Row], is: &[Row]) -> (Columns, Rows, Rows) {
    let profile = |rows: &[Row]| {
        let mut profile = Profile::new(&NAMES);
        rows.iter().for_each(|(cells, _)| profile.add(cells));
        profile
    };
    let columns = Columns::of(&profile(was), &profile(is), &[]);
    let sample = |rows: &[Row]| {
        let (mut sample, mut codes) = (Rows::new(columns.len(), Rows::USUAL, 1), Vec::new());
        for (cells, outcome) in rows {
            columns.encode(cells.iter().copied(), &mut codes);
            assert!(sample.push(&codes, *outcome));
        }
        sample
    };
    let (reference, current) = (sample(was), sample(is));
    (columns, reference, current)
}

fn named(found: &Found) -> Vec<(&str, &str)> {
    let parts = found.segment.parts.iter().map(|part| match &part.within {
        Within::Reach(Reach::Category(label)) => (part.column.as_str(), label.as_str()),
        _ => (part.column.as_str(), ""),
    });
    parts.collect()
}

#[test]
fn columns_that_moved_come_first_and_add_up() {
    let mut random = Random::new(4);
    let (was, is) = (table(2_000, 0.3, 0.0, 0.0, &mut random), table(1_500, 0.5, 0.8, 0.0, &mut random));
    let (columns, reference, current) = coded(&was, &is);
    let got = separation(&columns, &reference, &current, Level::P95).unwrap();
    assert!(got.classified.p_value.at_most(1e-9) && got.classified.auc.low > 0.65, "{got:?}");
    assert_eq!([&got.columns[0].column, &got.columns[1].column], ["amount", "city"]);
    assert!(got.columns[1].contribution.low > 0.0 && got.columns[2].contribution.value < 0.05);
    let sum: f64 = got.columns.iter().map(|cause| cause.contribution.value).sum();
    assert!((sum - got.distance.value).abs() < 1e-9);
}

/// On equal tables the test is significant at most as often as stated, whatever the classifier learnt by heart.
#[test]
fn equal_tables_are_told_apart_as_rarely_as_stated() {
    let (mut random, runs) = (Random::new(9), 200);
    let (mut rejected, mut points_rejected) = (0, 0);
    for _ in 0..runs {
        let (was, is) = (table(120, 0.3, 0.0, 0.0, &mut random), table(90, 0.3, 0.0, 0.0, &mut random));
        let (columns, reference, current) = coded(&was, &is);
        let got = separation(&columns, &reference, &current, Level::P95).unwrap();
        rejected += i32::from(got.classified.p_value.at_most(0.05));
        let mut points =
            |count: usize| Points::new((0..count * 8).map(|_| random.normal()).collect(), 8).unwrap();
        let (reference, current) = (points(80), points(60));
        let got = classifier(&reference, &current, Level::P95).unwrap();
        points_rejected += i32::from(got.p_value.at_most(0.05));
    }
    // 5 % of 200 and three standard deviations.
    assert!(rejected <= 19 && points_rejected <= 19, "{rejected} and {points_rejected}");
}

#[test]
fn points_whose_centre_moved_are_told_apart() {
    let mut random = Random::new(2);
    let mut points = |count: usize, shift: f64| {
        let values = (0..count).flat_map(|_| {
            (0..16).map(|at| random.normal() + if at == 3 { shift } else { 0.0 }).collect::<Vec<_>>()
        });
        Points::new(values.collect(), 16).unwrap()
    };
    let (reference, current) = (points(300, 0.0), points(300, 1.0));
    let got = classifier(&reference, &current, Level::P95).unwrap();
    assert!(got.p_value.at_most(1e-9) && got.auc.low > 0.6 && got.auc.high < 0.9, "{got:?}");
    assert_eq!(got, classifier(&reference, &current, Level::P95).unwrap());
    let few = points(30, 0.0);
    assert_eq!(classifier(&few, &few, Level::P95), Err(Unknown::TooFew { n: 30, needed: 40 }));
}

#[test]
fn the_segment_that_errs_is_found_with_its_size() {
    let mut random = Random::new(6);
    let rows = table(6_000, 0.3, 0.0, 0.3, &mut random);
    let (columns, _, current) = coded(&rows, &rows);
    let got = worst(&columns, &current, &Search::Everywhere, Level::P95).unwrap();
    assert_eq!(named(&got[0]), [("city", "Wels"), ("plan", "free")]);
    // A rate of 0.4 in 17.5 % of the rows, of 0.1 elsewhere.
    assert!(got[0].effect.low > 0.15 && got[0].effect.low < 0.3 && 0.3 < got[0].effect.high, "{:?}", got[0]);
    assert!(got[0].support[1].low < 0.175 && 0.175 < got[0].support[1].high);
    assert!(got[0].p_adjusted < 1e-9);
    // Asked only there.
    let city = columns.names().position(|name| name == "city").unwrap();
    let got = worst(&columns, &current, &Search::Within(vec![Cut::One(city)]), Level::P95).unwrap();
    assert_eq!(named(&got[0]), [("city", "Wels")]);
}

/// Nothing is worse anywhere: the share of runs that confirm any segment is at most the stated one.
#[test]
fn segments_of_even_data_are_confirmed_as_rarely_as_stated() {
    let (mut random, runs) = (Random::new(21), 200);
    let (mut of_worst, mut of_change) = (0, 0);
    for _ in 0..runs {
        let (was, is) = (table(600, 0.3, 0.0, 0.0, &mut random), table(600, 0.3, 0.0, 0.0, &mut random));
        let (columns, reference, current) = coded(&was, &is);
        let any = |found: &[Found]| i32::from(found.iter().any(|one| one.p_adjusted <= 0.05));
        of_worst += any(&worst(&columns, &current, &Search::Everywhere, Level::P95).unwrap());
        let changed = segments(&columns, &reference, &current, &Search::Everywhere, Level::P95).unwrap();
        of_change += any(&changed);
    }
    // 5 % of 200 and three standard deviations.
    assert!(of_worst <= 19 && of_change <= 19, "{of_worst} and {of_change}");
}

#[test]
fn the_segment_that_moved_is_found_and_so_is_one_that_grew() {
    let mut random = Random::new(7);
    let (was, is) = (table(4_000, 0.3, 0.0, 0.0, &mut random), table(4_000, 0.3, 0.0, 0.4, &mut random));
    let (columns, reference, current) = coded(&was, &is);
    let got = segments(&columns, &reference, &current, &Search::Everywhere, Level::P95).unwrap();
    assert_eq!(named(&got[0]), [("city", "Wels"), ("plan", "free")], "{got:?}");
    // A share of 0.175 with 0.4 more, measured from the middle; its rows behave otherwise, its size is the same.
    assert!(got[0].effect.low > 0.03 && got[0].effect.high < 0.11, "{:?}", got[0]);
    assert!(got[0].by_size.unwrap().abs() < 0.02);
    // Without an outcome the sizes count.
    let grown: Vec<Row> =
        table(4_000, 0.6, 0.0, 0.0, &mut random).into_iter().map(|(c, _)| (c, 1.0)).collect();
    let was: Vec<Row> = was.into_iter().map(|(cells, _)| (cells, 1.0)).collect();
    let (columns, reference, current) = coded(&was, &grown);
    let got = segments(&columns, &reference, &current, &Search::Everywhere, Level::P95).unwrap();
    assert_eq!(named(&got[0]), [("city", "Graz")]);
    assert!(got[0].effect.low < 0.3 && 0.3 < got[0].effect.high, "{:?}", got[0]);
}

/// Rows that are there twice are one observation each: what was fitted on one copy must not be asked about the other.
#[test]
fn copies_of_rows_raise_no_alarm() {
    let mut random = Random::new(31);
    let twice = |rows: Vec<Row>| rows.into_iter().flat_map(|row| [row, row]).collect::<Vec<_>>();
    let (mut alarms, mut confirmed, runs) = (0, 0, 40);
    for _ in 0..runs {
        let was = twice(table(300, 0.3, 0.0, 0.0, &mut random));
        let is = twice(table(300, 0.3, 0.0, 0.0, &mut random));
        let (columns, mut was, mut is) = coded(&was, &is);
        let left_out = Rows::leave_out_copies(&mut was, &mut is);
        assert!(left_out[0] > 200 && left_out[1] > 200, "{left_out:?}");
        let found = separation(&columns, &was, &is, Level::P95).unwrap();
        alarms += u32::from(found.classified.p_value.at_most(0.05));
        let found = segments(&columns, &was, &is, &Search::Everywhere, Level::P95).unwrap();
        confirmed += u32::from(found.iter().any(|one| one.p_adjusted <= 0.05));
    }
    assert!(alarms <= 6 && confirmed <= 6, "{alarms} and {confirmed} of {runs}");
    // Few values: equal rows, none of them a copy.
    let few = |random: &mut Random| -> Vec<Row> {
        let rows = table(600, 0.3, 0.0, 0.0, random).into_iter();
        rows.map(|([city, plan, ..], outcome)| ([city, plan, Cell::Missing, Cell::Missing], outcome))
            .collect()
    };
    let (_, mut was, mut is) = coded(&few(&mut random), &few(&mut random));
    assert_eq!(Rows::leave_out_copies(&mut was, &mut is), [0, 0]);
    assert_eq!((was.len(), is.len()), (600, 600));
}
