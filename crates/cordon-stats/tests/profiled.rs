//! Drift and quality from profiles: the same numbers as from the samples, and what is wrong is named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon_stats::drift::{self, ColumnDrift, Method, Reach, kolmogorov_smirnov, wasserstein};
use cordon_stats::profile::{Cell, Kind, Profile};
use cordon_stats::quality::{self, Defect, What};
use cordon_stats::random::Random;
use cordon_stats::{InputError, Sample};
use support::{columns, exact, golden, near, number, numbers};

fn profile<'a>(cells: impl IntoIterator<Item = Cell<'a>>) -> Profile {
    let mut profile = Profile::new(&["value"]);
    cells.into_iter().for_each(|cell| profile.add(&[cell]));
    profile
}

fn decimals(values: &[f64]) -> Profile {
    profile(values.iter().map(|value| Cell::Decimal(*value)))
}

fn compared(reference: &Profile, current: &Profile) -> ColumnDrift {
    drift::column(reference.column("value").unwrap(), current.column("value").unwrap()).unwrap()
}

fn draws(seed: u64, count: usize, shift: f64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.normal() + shift).collect()
}

#[test]
fn bounds_hold_the_exact_statistics() {
    for (seed, count, shift) in [(1, 3_000, 0.0), (2, 40_000, 0.3), (3, 90_000, -2.0), (4, 500, 0.1)] {
        let (left, right) = (draws(seed, count, 0.0), draws(seed + 100, count / 2, shift));
        let drift = compared(&decimals(&left), &decimals(&right));
        let numeric = drift.numeric.unwrap();
        let (left, right) = (Sample::new(left).unwrap(), Sample::new(right).unwrap());
        let tested = kolmogorov_smirnov(&left, &right, Method::Asymptotic);
        assert!(
            numeric.smirnov <= tested.statistic + 1e-12 && tested.statistic <= numeric.smirnov_most + 1e-12
        );
        assert!(numeric.smirnov_p.upper_bound() >= tested.p_value.upper_bound() * (1.0 - 1e-9));
        let distance = wasserstein(&left, &right);
        assert!((numeric.wasserstein - distance).abs() <= numeric.wasserstein_error);
        assert!((numeric.wasserstein - distance).abs() < 0.01, "{} {distance}", numeric.wasserstein);
        // Every bin's count is exact, and the reference's deciles are about deciles.
        for bin in &drift.bins {
            let Reach::Numbers(low, high) = bin.reach else { panic!("bins of numbers") };
            let inside = |sample: &Sample| {
                sample.values().partition_point(|value| *value < high)
                    - sample.values().partition_point(|value| *value < low)
            };
            assert_eq!((bin.reference, bin.current), (inside(&left) as u64, inside(&right) as u64));
        }
        assert!((10..=12).contains(&drift.bins.len()), "{}", drift.bins.len());
    }
}

#[test]
fn exact_profiles_agree_with_the_reference_values() {
    let (Some(golden), Some(reference), Some(current)) =
        (golden("drift.json"), columns("drift_ref.csv"), columns("drift_cur.csv"))
    else {
        return;
    };
    for name in ["x_norm", "x_lognorm", "x_unif", "x_ties", "x_int"] {
        let drift = compared(&decimals(&numbers(&reference[name])), &decimals(&numbers(&current[name])));
        let numeric = drift.numeric.unwrap();
        exact("ks", numeric.smirnov, number(&golden[name]["ks_asymp"]["stat"]));
        assert_eq!(numeric.smirnov, numeric.smirnov_most);
        exact("ks p", numeric.smirnov_p.upper_bound(), number(&golden[name]["ks_asymp"]["p"]));
        exact("wasserstein", numeric.wasserstein, number(&golden[name]["wasserstein1"]));
    }
    let texts = |column: &[String]| profile(column.iter().map(|text| Cell::Text(text)));
    let drift = compared(&texts(&reference["cat"]), &texts(&current["cat"]));
    let want = &golden["cat"];
    exact("psi", drift.population_stability_index(), number(&want["psi"]));
    exact("js", drift.binned.jensen_shannon_distance_bits(), number(&want["js_distance_base2"]));
    exact("hellinger", drift.binned.hellinger(), number(&want["hellinger"]));
    exact("chi2", drift.test.unwrap().statistic, number(&want["chi2"]));
}

#[test]
fn unchanged_data_is_rarely_flagged() {
    // 400 pairs of windows of 300 from one law: at 5 %, 20 are expected; 40 would be four standard deviations more.
    let flagged = (0..400)
        .filter(|seed| {
            let drift =
                compared(&decimals(&draws(*seed, 2_000, 0.0)), &decimals(&draws(seed + 9_000, 300, 0.0)));
            drift.test.unwrap().p_value.at_most(0.05)
        })
        .count();
    assert!((4..=38).contains(&flagged), "{flagged} of 400");
}

fn products(names: std::ops::Range<u32>, times: u32) -> Profile {
    let names: Vec<String> = names.map(|name| format!("product {name}")).collect();
    profile((0..times).flat_map(|_| names.iter().map(|name| Cell::Text(name))))
}

#[test]
fn rare_categories_that_were_all_replaced_are_found() {
    let drift = compared(&products(0..250, 8), &products(250..500, 8));
    assert!(drift.test.unwrap().p_value.at_most(1e-200), "{:?}", drift.test);
}

#[test]
fn names_that_never_repeat_are_no_evidence() {
    let drift = compared(&products(0..1_000, 1), &products(1_000..2_000, 1));
    assert!(!drift.test.unwrap().p_value.at_most(0.05), "{:?}", drift.test);
}

#[test]
fn a_handful_of_rows_has_a_test() {
    // A constant of 1,000 rows, and five rows of another: one table in C(1005, 5).
    let drift = compared(&products(0..1, 1_000), &products(1..2, 5));
    near("p", drift.test.unwrap().p_value.upper_bound() / 1.182_166_748e-13, 1.0, 1e-6);
}

#[test]
fn many_rare_categories_are_rarely_flagged() {
    // Up to 1,000 categories with a heavy tail; 5 % of 400 are 20.
    let draw = |seed: u64, rows: u32| {
        let mut random = Random::new(seed);
        let names: Vec<String> =
            (0..rows).map(|_| (1.0 / random.unit().max(1e-3)).floor().to_string()).collect();
        profile(names.iter().map(|name| Cell::Text(name)))
    };
    let flagged = (0..400)
        .filter(|seed| {
            compared(&draw(*seed, 2_000), &draw(seed + 9_000, 300)).test.unwrap().p_value.at_most(0.05)
        })
        .count();
    assert!((4..=38).contains(&flagged), "{flagged} of 400");
}

#[test]
fn values_outside_of_the_reference_have_bins() {
    let drift = compared(&decimals(&draws(1, 5_000, 0.0)), &decimals(&draws(2, 5_000, 50.0)));
    let last = drift.bins.last().unwrap();
    assert_eq!((last.reference, last.current), (0, 5_000));
    assert!(drift.test.unwrap().p_value.at_most(1e-300));
    near("shift", drift.numeric.unwrap().mean_shift, 50.0, 0.05);
    // One value that was never there.
    let few = |values: &[i64]| profile(values.iter().map(|value| Cell::Integer(*value)));
    let drift = compared(&few(&[0, 1, 0, 1]), &few(&[0, 2, 0, 2]));
    assert_eq!(drift.bins.len(), 3);
    assert_eq!(drift.bins[2].reach, Reach::Value(2.0));
}

#[test]
fn a_side_without_values_is_an_error() {
    let (empty, some) = (profile([Cell::Missing]), decimals(&[1.0]));
    let (empty, some) = (empty.column("value").unwrap(), some.column("value").unwrap());
    let nothing = |what| Err(InputError::TooFew { what, got: 0, need: 1 });
    assert_eq!(drift::column(some, empty), nothing("the current data"));
    assert_eq!(drift::column(empty, some), nothing("the reference"));
    // Texts now where numbers were: nothing to compare, and quality says that the kind changed.
    let texts = profile([Cell::Text("a")]);
    assert_eq!(drift::column(some, texts.column("value").unwrap()), nothing("the current data"));
    // A constant against itself is no evidence and no failure.
    let drift = drift::column(some, some).unwrap();
    assert_eq!((drift.test, drift.numeric.unwrap().smirnov), (None, 0.0));
}

#[test]
fn the_share_of_missing_values_is_tested() {
    assert!(!drift::shares((0, 1_000), (0, 1_000)).at_most(0.5));
    assert!(!drift::shares((5, 100), (1, 20)).at_most(0.5));
    assert!(drift::shares((0, 1_000), (8, 50)).at_most(1e-6));
    assert!(drift::shares((10, 1_000), (300, 1_000)).at_most(1e-60));
}

#[test]
fn defects_are_named() {
    let what = |defects: Vec<Defect>| defects.into_iter().map(|defect| defect.what).collect::<Vec<_>>();
    assert_eq!(what(quality::inspect(&Profile::new(&["value"]))), [What::Empty]);
    assert_eq!(what(quality::inspect(&profile([Cell::Missing]))), [What::EverythingMissing]);
    assert_eq!(
        what(quality::inspect(&decimals(&[4.0, 4.0]))),
        [What::Duplicates { rows: 1, is_exact: false }, What::Constant]
    );
    let odd = profile([Cell::Decimal(f64::NAN), Cell::Integer(3), Cell::Text(" "), Cell::Text("x")]);
    assert_eq!(
        what(quality::inspect(&odd)),
        [
            What::MixedKinds { numbers: 2, texts: 2 },
            What::NotFinite { not_numbers: 1, infinite: 0 },
            What::Blank { rows: 1 }
        ]
    );
}

#[test]
fn changes_against_a_reference_are_named() {
    let mut reference = Profile::new(&["age", "city", "gone", "code"]);
    let mut current = Profile::new(&["age", "city", "code", "new"]);
    let mut random = Random::new(5);
    for i in 0..4_000_i64 {
        let city = ["Graz", "Linz", "Wels"][random.below(3)];
        reference.add(&[Cell::Integer(i % 90), Cell::Text(city), Cell::Integer(i), Cell::Integer(i)]);
        let age = if i % 4 == 0 { Cell::Missing } else { Cell::Integer(i % 95) };
        let city = if i % 100 == 0 { "Atlantis" } else { city };
        let code = i.to_string() + "x";
        current.add(&[age, Cell::Text(city), Cell::Text(&code), Cell::Decimal(i as f64 / 7.0)]);
    }
    let of = |column: &str| {
        let defects = quality::compare(&reference, &current, 0.05, 0.01);
        let here = defects.into_iter().filter(|defect| defect.column.as_deref() == Some(column));
        here.map(|defect| defect.what).collect::<Vec<_>>()
    };
    let [
        What::MissingRate { from: 0.0, to: 0.25, p_value },
        What::OutOfRange { below: 0, above, is_exact: true, .. },
    ] = of("age")[..]
    else {
        panic!("{:?}", of("age"))
    };
    assert!(p_value.at_most(1e-200));
    assert_eq!(above, (0..4_000).filter(|i| i % 4 != 0 && i % 95 > 89).count() as u64);
    assert!(
        matches!(of("city")[..], [What::NewCategories { rows: 40, categories: 1, p_value }] if p_value.at_most(1e-9))
    );
    assert_eq!(of("gone"), [What::ColumnGone]);
    assert_eq!(of("new"), [What::ColumnNew]);
    let [What::KindChanged { from: Kind::Integer, to: Kind::Text, p_value }] = of("code")[..] else {
        panic!("{:?}", of("code"))
    };
    assert!(p_value.at_most(1e-300));
    assert!(quality::compare(&reference, &reference, 0.05, 0.0).iter().all(|defect| defect.column.is_none()));
}

/// Two tables of one law: values past the reference's range and categories that it lacks are by chance.
#[test]
fn what_chance_does_is_said_to_be_chance() {
    let draw = |seed: u64| {
        let mut random = Random::new(seed);
        let mut profile = Profile::new(&["value", "name", "kind"]);
        for _ in 0..1_000 {
            let (value, name) = (random.normal(), (1.0 / random.unit().max(1e-3)).floor().to_string());
            let kind = if random.chance(0.001) { Cell::Decimal(0.5) } else { Cell::Integer(1) };
            profile.add(&[Cell::Decimal(value), Cell::Text(&name), kind]);
        }
        profile
    };
    let (mut told, mut real) = (0, 0);
    for seed in 0..200 {
        for defect in quality::compare(&draw(seed), &draw(seed + 1_000), 0.05, 0.01) {
            told += u32::from(defect.by_chance);
            let is_change = matches!(
                defect.what,
                What::OutOfRange { .. } | What::NewCategories { .. } | What::KindChanged { .. }
            );
            real += u32::from(is_change && !defect.by_chance);
        }
    }
    assert!(told > 300 && real <= 16, "{told} told, {real} called real");
}

#[test]
fn categories_that_were_all_replaced_are_no_chance() {
    let defects = quality::compare(&products(0..250, 8), &products(250..500, 8), 0.05, 0.01);
    let new =
        defects.iter().find(|defect| matches!(defect.what, What::NewCategories { rows: 2_000, .. })).unwrap();
    assert!(!new.by_chance, "{new:?}");
}

#[test]
fn what_is_old_or_ahead_of_the_clock_is_told() {
    let mut profile = Profile::new(&["when", "value"]);
    for second in [1_000.0, 5_000.0] {
        profile.add(&[Cell::Date(second), Cell::Decimal(second)]);
    }
    let what = |now: f64| -> Vec<What> {
        let defects = quality::freshness(&profile, "when", now, 600.0).unwrap();
        defects.into_iter().map(|defect| defect.what).collect()
    };
    assert_eq!(what(5_600.0), []);
    assert_eq!(what(5_601.0), [What::Stale { age: 601.0, most: 600.0 }]);
    assert_eq!(what(4_990.0), [What::Future { ahead: 10.0 }]);
    assert_eq!(quality::freshness(&profile, "value", 0.0, 1.0), None);
    assert_eq!(quality::freshness(&profile, "nowhere", 0.0, 1.0), None);
}

#[test]
fn codes_that_are_written_otherwise_are_told() {
    let of = |separator: char| {
        let mut profile = Profile::new(&["code"]);
        for row in 0..400_u32 {
            let text = format!("AT{separator}{}", row % 90);
            profile.add(&[Cell::Text(&text)]);
        }
        profile
    };
    let formats = |current: &Profile| {
        let defects = quality::compare(&of('-'), current, 0.05, 0.01);
        let told = defects.into_iter().filter(|defect| matches!(defect.what, What::NewFormats { .. }));
        told.map(|defect| (defect.what, defect.by_chance)).collect::<Vec<_>>()
    };
    assert_eq!(formats(&of('-')), []);
    let told = formats(&of('/'));
    let [(What::NewFormats { rows: 400, format, .. }, false)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(format, "a/9");
}
