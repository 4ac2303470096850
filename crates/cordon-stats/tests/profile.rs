//! The laws of profiles: order and cuts do not matter, counts are exact, estimates keep their stated errors, bytes are one form.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::collections::BTreeMap;

use cordon_stats::Sample;
use cordon_stats::drift::profiled_clouds;
use cordon_stats::profile::{
    Categories, Cell, Cloud, Distinct, Kind, Parts, Profile, ProfileError, Quantiles, Resolution, Saved,
};
use cordon_stats::random::Random;
use proptest::prelude::*;
use support::{columns, near, numbers};

/// One value that owns its text.
#[derive(Debug, Clone)]
enum Owned {
    Boolean(bool),
    Date(f64),
    Decimal(f64),
    Integer(i64),
    Missing,
    Text(String),
}

impl Owned {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Boolean(value) => Cell::Boolean(*value),
            Self::Date(value) => Cell::Date(*value),
            Self::Decimal(value) => Cell::Decimal(*value),
            Self::Integer(value) => Cell::Integer(*value),
            Self::Missing => Cell::Missing,
            Self::Text(value) => Cell::Text(value),
        }
    }
}

fn value() -> impl Strategy<Value = Owned> {
    prop_oneof![
        any::<bool>().prop_map(Owned::Boolean),
        (-1e10..1e10_f64).prop_map(Owned::Date),
        any::<f64>().prop_map(Owned::Decimal),
        any::<i64>().prop_map(Owned::Integer),
        Just(Owned::Missing),
        "\\PC{0,3}".prop_map(Owned::Text),
        "[a-z]{70}".prop_map(Owned::Text),
    ]
}

fn profile(rows: &[Owned]) -> Profile {
    let mut profile = Profile::new(&["value"]);
    rows.iter().for_each(|row| profile.add(&[row.cell()]));
    profile
}

fn merged(parts: &[&Profile]) -> Profile {
    let mut whole = Profile::new(&["value"]);
    parts.iter().for_each(|part| whole.merge(part).unwrap());
    whole
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Many different numbers and texts, so that the histogram loses bits and categories are left out on the way.
    #[test]
    fn merging_is_associative_and_commutative(
        rows in prop::collection::vec(value(), 0..400),
        seeds in prop::array::uniform3(0_u64..1_000),
        sizes in prop::array::uniform3(0_usize..1_800),
    ) {
        let parts: Vec<Vec<Owned>> = seeds.iter().zip(sizes).enumerate().map(|(i, (seed, size))| {
            let mut random = Random::new(*seed);
            let mut part: Vec<Owned> = rows.iter().skip(i * 100).take(100).cloned().collect();
            part.extend((0..size).map(|_| Owned::Decimal(random.normal() * 10_f64.powi(i32::try_from(i).unwrap()))));
            part.extend((0..size).map(|_| Owned::Text(random.below(3_000).to_string())));
            part
        }).collect();
        let [a, b, c] = [profile(&parts[0]), profile(&parts[1]), profile(&parts[2])];
        let whole = profile(&parts.concat());
        let mut mixed = parts.concat();
        Random::new(seeds[0]).shuffle(&mut mixed);
        for other in [
            profile(&mixed),
            merged(&[&a, &b, &c]),
            merged(&[&c, &a, &b]),
            merged(&[&a, &merged(&[&b, &c])]),
            merged(&[&merged(&[&c, &b]), &a]),
        ] {
            prop_assert_eq!(&whole.to_bytes(), &other.to_bytes());
            prop_assert!(whole == other);
        }
        prop_assert_eq!(whole.rows(), a.rows() + b.rows() + c.rows());
    }

    #[test]
    fn bytes_give_the_profile_back(rows in prop::collection::vec(value(), 0..200)) {
        let profile = profile(&rows);
        let bytes = profile.to_bytes();
        let read = Profile::from_bytes(&bytes).unwrap();
        prop_assert!(read == profile);
        prop_assert_eq!(read.to_bytes(), bytes);
    }

    #[test]
    fn damaged_bytes_are_refused(
        rows in prop::collection::vec(value(), 0..60),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = profile(&rows).to_bytes();
        let mut flipped = bytes.clone();
        let at = at.index(bytes.len());
        flipped[at] ^= 1 << bit;
        prop_assert!(Profile::from_bytes(&flipped).is_err());
        prop_assert!(Profile::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
    }

    /// Bytes with a right check sum and anything inside: refused or read, never a failure, and what is read merges.
    #[test]
    fn invented_bytes_do_no_harm(body in prop::collection::vec(any::<u8>(), 0..300), keep in 0_usize..60) {
        let mut bytes = profile(&[Owned::Integer(3), Owned::Text("x".into()), Owned::Decimal(0.5)]).to_bytes();
        bytes.truncate(bytes.len() - 8);
        bytes.truncate(16 + keep);
        bytes.extend(body);
        let sum = fnv(&bytes);
        bytes.extend(sum.to_le_bytes());
        if let Ok(mut read) = Profile::from_bytes(&bytes) {
            let copy = read.clone();
            read.merge(&copy).unwrap();
            let _ = read.columns().map(|(_, column)| column.distinct()).sum::<f64>();
        }
    }

    #[test]
    fn sums_do_not_round(values in prop::collection::vec(-1e15..1e15_f64, 2..300)) {
        let rows: Vec<Owned> = values.iter().map(|value| Owned::Decimal(*value)).collect();
        let profile = profile(&rows);
        let numbers = profile.column("value").unwrap().numbers().unwrap();
        let sample = Sample::new(values).unwrap();
        near("mean", numbers.mean(), sample.mean(), 1e-12);
        near("variance", numbers.variance(), sample.variance(), 1e-11);
    }
}

/// The check sum of a profile, written anew: FNV-1a and the finaliser of SplitMix64.
fn fnv(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[test]
fn a_large_offset_does_not_cancel() {
    // The variance of 0, 1, 2 … 999 about a billion: textbook formulas in doubles lose every digit.
    let rows: Vec<Owned> = (0..1_000).map(|i| Owned::Decimal(1e9 + f64::from(i))).collect();
    let profile = profile(&rows);
    let numbers = profile.column("value").unwrap().numbers().unwrap();
    near("variance", numbers.variance(), 1_000.0 * 1_001.0 / 12.0, 1e-14);
    assert_eq!(numbers.mean(), 1e9 + 499.5);
    // Extremes of the range, and what cancels.
    let rows = [f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, 5e-323].map(Owned::Decimal);
    let profile = self::profile(&rows);
    assert_eq!(profile.column("value").unwrap().numbers().unwrap().mean() * 5.0, 5e-323);
}

#[test]
fn quantiles_keep_their_error() {
    for (name, make) in [
        ("normal", (|random: &mut Random| random.normal()) as fn(&mut Random) -> f64),
        ("lognormal", |random| (2.0 * random.normal()).exp()),
        ("uniform about a billion", |random| 1e9 + random.unit()),
        ("a lattice", |random| (random.unit() * 1e4).round() / 100.0),
    ] {
        let mut random = Random::new(7);
        let values: Vec<f64> = (0..200_000).map(|_| make(&mut random)).collect();
        let mut sketch = Quantiles::default();
        values.iter().for_each(|value| sketch.add(*value));
        let error = sketch.rank_error();
        assert!(error < 0.006, "{name}: {error}");
        assert!(sketch.intervals().len() <= Quantiles::MOST);
        let sample = Sample::new(values).unwrap();
        let n = sample.len() as f64;
        for p in [0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999] {
            let got = sketch.quantile(p);
            let below = sample.values().partition_point(|value| *value < got) as f64 / n;
            let at_most = sample.values().partition_point(|value| *value <= got) as f64 / n;
            let off = (below - p).max(p - at_most).max(0.0);
            assert!(off <= error + 1e-9, "{name}: the {p}-quantile is off by {off}, stated {error}");
        }
        // Every interval's count is exact.
        for interval in sketch.intervals() {
            let inside = sample.values().partition_point(|value| *value < interval.high)
                - sample.values().partition_point(|value| *value < interval.low);
            assert_eq!(inside as u64, interval.count, "{name}");
        }
    }
}

#[test]
fn quantiles_are_between_the_smallest_and_the_largest() {
    let mut profile = Profile::new(&["value"]);
    let mut random = Random::new(12);
    for i in 0..5_200 {
        // One in twenty-six is cut at either end, which is a value in the middle of an interval of its profile.
        let value = if i % 26 == 0 {
            100.0
        } else if i % 26 == 1 {
            10.1
        } else {
            10.1 + 40.0 * random.unit()
        };
        profile.add(&[Cell::Decimal(value)]);
    }
    let numbers = profile.column("value").unwrap().numbers().unwrap();
    assert!(!numbers.quantiles().is_exact());
    assert_eq!((numbers.quantile(0.001), numbers.quantile(0.999)), (10.1, 100.0));
}

#[test]
fn a_deviation_beyond_a_double_is_not_zero() {
    let mut profile = Profile::new(&["value"]);
    [1e200, 2e200, 3e200].into_iter().for_each(|value| profile.add(&[Cell::Decimal(value)]));
    assert!(profile.column("value").unwrap().numbers().unwrap().variance().is_nan());
}

#[test]
fn few_values_stay_exact() {
    let mut sketch = Quantiles::default();
    (0..50_000).for_each(|i| sketch.add(f64::from(i % 2_000) / 7.0));
    assert!(sketch.is_exact());
    assert_eq!((sketch.distinct(), sketch.rank_error()), (Some(2_000), 0.0));
    assert_eq!(sketch.quantile(0.5), 999.0 / 7.0);
}

#[test]
fn distinct_counts_keep_their_error() {
    for distinct in [3_000_u32, 50_000, 400_000] {
        let mut numbers = Profile::new(&["value"]);
        let mut texts = Profile::new(&["value"]);
        for i in 0..distinct {
            numbers.add(&[Cell::Decimal(f64::from(i) * 1.1)]);
            texts.add(&[Cell::Text(&i.to_string())]);
        }
        let want = f64::from(distinct);
        near("numbers", numbers.column("value").unwrap().distinct(), want, 3.0 * Distinct::STANDARD_ERROR);
        near("texts", texts.column("value").unwrap().distinct(), want, 3.0 * 0.031);
    }
}

#[test]
fn categories_compare_exactly_on_what_both_keep() {
    let (mut few, mut many) = (Categories::default(), Categories::default());
    (0..500).for_each(|i| few.add(&format!("c{}", i % 50)));
    (0..90_000).for_each(|i| many.add(&format!("c{}", i % 9_000)));
    assert!(few.is_exact() && !many.is_exact());
    let rows = few.beside(&many);
    let (left, right) = rows.iter().fold((0, 0), |sum, row| (sum.0 + row.counts.0, sum.1 + row.counts.1));
    assert_eq!((left, right), (500, 90_000));
    for row in rows.iter().filter(|row| row.label.is_some()) {
        assert_eq!(row.counts.1, 10);
    }
    assert_eq!(many.most_frequent().len(), Categories::MOST);
}

#[test]
fn kinds_and_odd_values_are_counted() {
    let of = |rows: &[Owned]| profile(rows).column("value").unwrap().kind();
    assert_eq!(of(&[]), Kind::Empty);
    assert_eq!(of(&[Owned::Missing]), Kind::Empty);
    assert_eq!(of(&[Owned::Integer(1), Owned::Decimal(0.5)]), Kind::Decimal);
    assert_eq!(of(&[Owned::Integer(1), Owned::Text("x".into())]), Kind::Mixed);
    assert_eq!(of(&[Owned::Boolean(true), Owned::Text("x".into())]), Kind::Text);
    let odd = profile(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0].map(Owned::Decimal));
    let column = odd.column("value").unwrap();
    assert_eq!((column.present(), column.not_numbers(), column.infinite()), (5, 1, 2));
    assert_eq!((column.numbers().unwrap().zero(), column.distinct()), (2, 1.0));
}

/// A table with two parts and points, as it is saved.
fn saved(rows: usize) -> Saved {
    let mut random = Random::new(6);
    let mut cloud = Cloud::new(3).unwrap();
    let (mut whole, mut sizes) = (Profile::new(&["x"]), Profile::new(&["by"]));
    let mut profiles = BTreeMap::new();
    for row in 0..rows {
        let cell = [Cell::Decimal(random.normal())];
        let part = ["a", "b"][row % 2];
        whole.add(&cell);
        sizes.add(&[Cell::Text(part)]);
        profiles.entry(part.to_owned()).or_insert_with(|| Profile::new(&["x"])).add(&cell);
        cloud.add(&[random.normal(), 1.0, -0.5]);
    }
    let parts = Some(Parts { by: "by".to_owned(), sizes, profiles, rows_beyond: 0 });
    Saved { whole, parts, clouds: BTreeMap::from([("e".to_owned(), cloud)]) }
}

#[test]
fn parts_and_points_are_read_as_they_were_written() {
    let saved = saved(300);
    let bytes = saved.to_bytes();
    assert_eq!(Saved::from_bytes(&bytes).unwrap(), saved);
    // Who knows profiles alone reads that of all rows.
    assert_eq!(Profile::from_bytes(&bytes).unwrap(), saved.whole);
    // Parts that do not add up to the table, and anything with a byte that is another one or not there.
    let mut wrong = saved.clone();
    wrong.parts.as_mut().unwrap().rows_beyond = 1;
    assert_eq!(Saved::from_bytes(&wrong.to_bytes()), Err(ProfileError::Damaged));
    assert!(Saved::from_bytes(&bytes[..bytes.len() / 2]).is_err());
}

/// With a right check sum: refused or read, never a failure, and what is read is compared.
#[test]
fn parts_and_points_that_are_invented_do_no_harm() {
    let bytes = saved(6).to_bytes();
    let body = &bytes[..bytes.len() - 8];
    for at in 16..body.len() {
        let mut other = body.to_vec();
        other[at] ^= 1 << (at % 8);
        let sum = fnv(&other);
        other.extend(sum.to_le_bytes());
        if let Ok(read) = Saved::from_bytes(&other) {
            for cloud in read.clouds.values() {
                let _any = profiled_clouds(cloud, cloud);
            }
        }
    }
}

/// What earlier versions wrote is what would be written now, but for its form.
#[test]
fn earlier_versions_are_read() {
    let cells = |i: u32| {
        let amount =
            if i.is_multiple_of(9) { Cell::Missing } else { Cell::Decimal(f64::from(i) * 1.25 - 7.0) };
        [amount, Cell::Text(if i.is_multiple_of(3) { "Linz" } else { "Graz" })]
    };
    let mut whole = Profile::new(&["amount", "city"]);
    (0..40).for_each(|i| whole.add(&cells(i)));
    let first = Saved::from_bytes(include_bytes!("data/version-1.profile")).unwrap();
    let second = Saved::from_bytes(include_bytes!("data/version-2.profile")).unwrap();
    for read in [&first, &second] {
        let column = |profile: &Profile, name: &str| profile.column(name).unwrap().clone();
        assert_eq!(column(&read.whole, "city"), column(&whole, "city"));
        let [old, new] =
            [&read.whole, &whole].map(|profile| column(profile, "amount").numbers().unwrap().clone());
        assert_eq!((old.range(), old.mean(), old.quantiles()), (new.range(), new.mean(), new.quantiles()));
        assert_eq!(&Saved::from_bytes(&read.to_bytes()).unwrap(), read);
    }
    assert_eq!(first.parts, None);
    let parts = second.parts.unwrap();
    assert_eq!(
        (parts.by.as_str(), parts.profiles["Linz"].rows(), parts.profiles["Graz"].rows()),
        ("city", 14, 26)
    );
}

/// A table of twenty columns as it comes: what it takes to stand for it.
#[test]
fn a_profile_takes_kilobytes() {
    let names: Vec<String> = (0..20).map(|at| format!("column_{at}")).collect();
    let seasons = 24;
    let mut random = Random::new(31);
    let mut whole = Profile::new(&names);
    let mut parts: Vec<Profile> = (0..seasons).map(|_| Profile::at(Resolution::Coarse, &names)).collect();
    let mut sizes = Profile::new(&["season"]);
    let mut texts: Vec<String> = vec![String::new(); names.len()];
    for row in 0..8_000_usize {
        for (at, text) in texts.iter_mut().enumerate() {
            text.clear();
            match at % 4 {
                0 => text.push_str(["card", "cash", "transfer"][random.below(3)]),
                _ => text.push_str(&format!("city {}", random.below(60))),
            }
        }
        let cells: Vec<Cell<'_>> = (0..names.len())
            .map(|at| match at {
                0..8 => Cell::Decimal(random.normal() * 10.0 + 50.0),
                8..12 => {
                    let most = random.below(90) + 1;
                    Cell::Integer(i64::try_from(random.below(most)).unwrap())
                }
                12..14 => Cell::Boolean(random.chance(0.3)),
                _ => Cell::Text(&texts[at]),
            })
            .collect();
        whole.add(&cells);
        parts[row % seasons].add(&cells);
        sizes.add(&[Cell::Text(&(row % seasons).to_string())]);
    }
    let alone = Saved::of(whole.clone());
    assert!(alone.to_bytes().len() < 30_000, "{}", alone.to_bytes().len());
    let profiles = parts.into_iter().enumerate().map(|(at, part)| (at.to_string(), part)).collect();
    let parts = Parts { by: "season".to_owned(), sizes, profiles, rows_beyond: 0 };
    let saved = Saved { parts: Some(parts), ..alone };
    let bytes = saved.to_bytes();
    assert_eq!(Saved::from_bytes(&bytes).unwrap(), saved);
    assert!(bytes.len() < 120_000, "{}", bytes.len());
}

/// Coarse profiles are the same whatever the order, and so is what they are together with others.
#[test]
fn coarse_profiles_merge_in_any_order() {
    let mut random = Random::new(8);
    let rows: Vec<[Owned; 2]> = (0..4_000)
        .map(|_| [Owned::Decimal(random.normal()), Owned::Text(random.below(700).to_string())])
        .collect();
    let of = |resolution: Resolution, rows: &[[Owned; 2]]| {
        let mut profile = Profile::at(resolution, &["x", "name"]);
        rows.iter().for_each(|row| profile.add(&row.each_ref().map(Owned::cell)));
        profile
    };
    let whole = of(Resolution::Coarse, &rows);
    let (first, second) = rows.split_at(1_500);
    for (a, b) in [(Resolution::Coarse, Resolution::Coarse), (Resolution::Fine, Resolution::Coarse)] {
        let (a, b) = (of(a, first), of(b, second));
        for (left, right) in [(&a, &b), (&b, &a)] {
            let mut both = left.clone();
            both.merge(right).unwrap();
            assert!(both == whole);
            assert_eq!(Profile::from_bytes(&both.to_bytes()).unwrap(), whole);
        }
    }
    let numbers = whole.column("x").unwrap().numbers().unwrap();
    assert!(numbers.quantiles().intervals().len() <= 256 && numbers.quantiles().rank_error() < 0.05);
    assert!(numbers.distinct() <= 256.0 && whole.different_rows() == 4_000.0);
}

#[test]
fn a_later_version_is_named() {
    let mut bytes = Profile::new(&["value"]).to_bytes();
    bytes[15] = 9;
    assert_eq!(Profile::from_bytes(&bytes), Err(ProfileError::Version { found: 9 }));
    assert_eq!(Profile::from_bytes(b"a,b\n1,2\n"), Err(ProfileError::NotAProfile));
}

#[test]
fn profiles_of_the_reference_data_agree_with_scipy() {
    let Some(table) = columns("drift_ref.csv") else { return };
    for name in ["x_norm", "x_lognorm", "x_unif", "x_ties", "x_int"] {
        let values = numbers(&table[name]);
        let rows: Vec<Owned> = values.iter().map(|value| Owned::Decimal(*value)).collect();
        let profile = profile(&rows);
        let numbers = profile.column("value").unwrap().numbers().unwrap();
        let sample = Sample::new(values).unwrap();
        near("mean", numbers.mean(), sample.mean(), 1e-12);
        near("variance", numbers.variance(), sample.variance(), 1e-12);
        assert_eq!(numbers.range(), sample.range());
        assert!(profile.to_bytes().len() < 40_000);
    }
}

#[test]
fn a_profile_of_more_columns_than_tables_have_is_refused() {
    let columns = |count: u32| {
        let names: Vec<String> = (0..count).map(|name| name.to_string()).collect();
        Profile::from_bytes(&Profile::new(&names).to_bytes()).map(|profile| profile.columns().len())
    };
    assert_eq!(columns(4_096), Ok(4_096));
    assert_eq!(columns(4_097), Err(ProfileError::Damaged));
}
