//! How many of the columns that are named are named by chance, by each correction: columns of which some changed, with one factor behind all.

use cordon_stats::drift;
use cordon_stats::fdr::Correction;
use cordon_stats::profile::{Cell, Profile};
use cordon_stats::random::Random;

/// The level at which each correction is asked.
pub(crate) const LEVEL: f64 = 0.1;
const COLUMNS: usize = 40;
/// The first ones changed.
const CHANGED: usize = 10;

/// What a correction named, on average.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) correction: Option<Correction>,
    pub(crate) effect: f64,
    /// False ones among those that are named, as a share; 0 where none is.
    pub(crate) false_share: f64,
    /// Runs with any false one.
    pub(crate) any: f64,
    /// Of the columns that changed, those that were named.
    pub(crate) power: f64,
}

/// Every correction and none, whatever the size of a change and with the effect of `cordon drift`.
pub(crate) fn discoveries(runs: u32, seed: u64) -> Vec<Found> {
    let corrections = [
        None,
        Some(Correction::Holm),
        Some(Correction::BenjaminiHochberg),
        Some(Correction::BenjaminiYekutieli),
    ];
    let mut found: Vec<Found> = [0.0, 0.1]
        .into_iter()
        .flat_map(|effect| {
            corrections.map(|correction| Found { correction, effect, false_share: 0.0, any: 0.0, power: 0.0 })
        })
        .collect();
    let mut random = Random::new(seed);
    for _ in 0..runs {
        let tests = look(&mut random);
        for one in &mut found {
            let (wrong, right) = named(one, &tests);
            let share = 1.0 / f64::from(runs);
            one.false_share += share * wrong as f64 / (wrong + right).max(1) as f64;
            one.any += share * f64::from(u8::from(wrong > 0));
            one.power += share * right as f64 / CHANGED as f64;
        }
    }
    found
}

/// Of each column the p-values and sizes of its two tests: of values and of missing values.
type Tests = Vec<[(f64, f64); 2]>;

/// 1,000 rows of the reference and 300 of now; one factor moves all columns of a row.
fn look(random: &mut Random) -> Tests {
    let mut side = |rows: u32, is_now: bool| {
        let names: Vec<String> = (0..COLUMNS).map(|column| format!("c{column}")).collect();
        let mut profile = Profile::new(&names);
        for _ in 0..rows {
            let factor = random.normal();
            let cells: Vec<Cell<'_>> = (0..COLUMNS)
                .map(|column| {
                    let moved = if is_now && column < CHANGED { 0.4 } else { 0.0 };
                    let is_missing = random.chance(0.05);
                    let value = 0.6 * factor + 0.8 * random.normal() + moved;
                    if is_missing { Cell::Missing } else { Cell::Decimal(value) }
                })
                .collect();
            profile.add(&cells);
        }
        profile
    };
    let (was, is) = (side(1_000, false), side(300, true));
    was.columns()
        .map(|(name, was)| {
            let is = is.column(name).unwrap();
            let compared = drift::column(was, is).unwrap();
            let missing = drift::shares((was.missing(), was.rows()), (is.missing(), is.rows()));
            let rate = |missing: u64, rows: u64| missing as f64 / rows as f64;
            [
                (
                    compared.test.unwrap().p_value.upper_bound(),
                    compared.binned.jensen_shannon_distance_bits(),
                ),
                (
                    missing.upper_bound(),
                    (rate(was.missing(), was.rows()) - rate(is.missing(), is.rows())).abs(),
                ),
            ]
        })
        .collect()
}

/// Columns that did not change and columns that did, which are named: as `cordon drift` decides it.
fn named(how: &Found, tests: &Tests) -> (usize, usize) {
    let is_of_discoveries = how.correction.is_some_and(Correction::is_of_discoveries);
    let claims: Vec<Vec<f64>> = tests
        .iter()
        .map(|tests| {
            let evidence =
                |(p, size): &(f64, f64)| if is_of_discoveries && *size < how.effect { 1.0 } else { *p };
            tests.iter().map(evidence).collect()
        })
        .collect();
    let adjusted = how.correction.map_or_else(|| claims.clone(), |by| by.of_claims(&claims).unwrap());
    let is_named = |column: &usize| {
        let tests = adjusted[*column].iter().zip(&tests[*column]);
        tests.clone().any(|(p, (_, size))| *p <= LEVEL && *size >= how.effect)
    };
    ((CHANGED..COLUMNS).filter(is_named).count(), (0..CHANGED).filter(is_named).count())
}
