//! False alarms on data that never changes: tests repeated at a fixed level against tests made for being looked at.

use cordon_stats::Sample;
use cordon_stats::distribution::normal;
use cordon_stats::drift;
use cordon_stats::fdr::{benjamini_hochberg, e_benjamini_hochberg, holm};
use cordon_stats::profile::{Cell, Profile};
use cordon_stats::random::Random;
use cordon_stats::sequential::{Arm, Arms, BoundedTest, Direction, Events, RateTest, Standing};

#[path = "peers.rs"]
mod peers;

use peers::nannyml_bins;

/// The error that everything here states.
pub(crate) const STATED: f64 = 0.05;

/// A share of runs with at least one false alarm.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) what: &'static str,
    pub(crate) test: &'static str,
    /// The test is repeated at a fixed level, as dashboards do; the others are anytime-valid.
    pub(crate) repeated: bool,
    pub(crate) alarms: u32,
    pub(crate) runs: u32,
}

impl Line {
    pub(crate) fn share(&self) -> f64 {
        f64::from(self.alarms) / f64::from(self.runs)
    }
}

/// Every scenario, `runs` times.
pub(crate) fn simulate(runs: u32, seed: u64) -> Vec<Line> {
    let mut random = Random::new(seed);
    let mut lines = Vec::new();
    scenario(&mut lines, runs, "an error rate of 10 %, looked at after every 50 of 2,000 calls", || {
        rate(&mut random)
    });
    let mut random = Random::new(seed + 1);
    scenario(&mut lines, runs, "a mean score, looked at after every 25 of 1,000 calls", || mean(&mut random));
    let mut random = Random::new(seed + 2);
    scenario(&mut lines, runs, "an equal canary with 10 % of 4,000 calls, looked at after every 40", || {
        canary(&mut random)
    });
    let mut random = Random::new(seed + 3);
    scenario(&mut lines, runs, "a dashboard of 20 columns, 30 windows of 100 rows", || {
        dashboard(&mut random)
    });
    lines
}

/// What a look at one window says by the published defaults of two libraries, and by `cordon drift`: 20 columns that never change,
/// against a reference of 2,000 rows.
pub(crate) fn defaults(runs: u32, seed: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    for (window, what) in [
        (50, "20 columns, one window of 50 rows, looked at once"),
        (200, "20 columns, one window of 200 rows, looked at once"),
    ] {
        let mut random = Random::new(seed);
        scenario(&mut lines, runs, what, || one_window(window, &mut random));
    }
    lines
}

/// Evidently 0.7, more than 1,000 reference rows: the Wasserstein distance over the reference's deviation is at least 0.1. NannyML 0.13:
/// the Jensen-Shannon distance (base 2) on Doane's bins of the reference is above 0.1. Both definitions agree with the libraries on
/// the golden data (`tests/drift.rs`).
fn one_window(window: usize, random: &mut Random) -> Outcome<3> {
    let (mut wasserstein, mut distance, mut p_values, mut large) = (false, false, Vec::new(), Vec::new());
    for _ in 0..20 {
        let mut draw = |rows: usize| -> Vec<f64> { (0..rows).map(|_| random.normal()).collect() };
        let (reference, current) = (draw(2_000), draw(window));
        let profile = |values: &[f64]| {
            let mut profile = Profile::new(&["x"]);
            values.iter().for_each(|value| profile.add(&[Cell::Decimal(*value)]));
            profile
        };
        let (was, is) = (profile(&reference), profile(&current));
        let compared = drift::column(was.column("x").unwrap(), is.column("x").unwrap()).unwrap();
        p_values.push(compared.test.map_or(1.0, |test| test.p_value.upper_bound()));
        large.push(compared.binned.jensen_shannon_distance_bits() >= 0.1);
        let (reference, current) = (Sample::new(reference).unwrap(), Sample::new(current).unwrap());
        let n = reference.len() as f64;
        let deviation = (reference.variance() * (n - 1.0) / n).sqrt();
        wasserstein |= drift::wasserstein(&reference, &current) / deviation >= 0.1;
        let binned = nannyml_bins(&reference, &current);
        distance |= binned.jensen_shannon_distance_bits() > 0.1;
    }
    // The missing values of each column are tested too, and never change.
    p_values.extend([1.0; 20]);
    let adjusted = holm(&p_values).unwrap();
    let drifted = adjusted.iter().zip(&large).any(|(p, large)| *p <= STATED && *large);
    [
        ("Evidently's default, Wasserstein at 0.1", true, wasserstein),
        ("NannyML's default, Jensen-Shannon at 0.1", true, distance),
        ("cordon drift", false, drifted),
    ]
}

/// What a look at 190 pairs of columns says that rise and fall together as they always did, with far values that come together too: by the
/// textbook's test of two correlations, and by `cordon drift`.
pub(crate) fn pairs(runs: u32, seed: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut random = Random::new(seed);
    let what = "correlations of 20 columns with far values, 500 rows against 1,000, looked at once";
    scenario(&mut lines, runs, what, || together(&mut random));
    lines
}

fn together(random: &mut Random) -> Outcome<3> {
    const COLUMNS: usize = 20;
    let mut draw = |rows: usize| {
        let mut columns: Vec<Vec<f64>> = (0..COLUMNS).map(|_| Vec::with_capacity(rows)).collect();
        for _ in 0..rows {
            // Student's t with two degrees of freedom in every column, and one factor behind all; some are rounded.
            let (factor, scale) = (random.normal(), (-random.unit().ln()).sqrt().recip());
            for (at, column) in columns.iter_mut().enumerate() {
                let value = scale * (0.6 * factor + 0.8 * random.normal());
                column.push(if at % 4 == 3 { value.round() } else { value });
            }
        }
        columns
    };
    let (was, is) = (draw(1_000), draw(500));
    let [left, right] =
        [&was, &is].map(|side| side.iter().map(|column| Some(column.as_slice())).collect::<Vec<_>>());
    let found = drift::correlations(&left, &right);
    let p_values: Vec<f64> = found.pairs.iter().map(|pair| pair.p_value.upper_bound()).collect();
    let adjusted = holm(&p_values).unwrap();
    let pairs = found.pairs.len() as f64;
    let fisher = found.pairs.iter().any(|pair| {
        let (first, second) = pair.columns;
        let [was, is] = [&was, &is].map(|side| pearson(&side[first], &side[second]).atanh());
        normal::two_sided((was - is) / (1.0_f64 / 997.0 + 1.0 / 497.0).sqrt()) * pairs <= STATED
    });
    let by_rank = adjusted.iter().any(|p| *p <= STATED);
    // Pairs have a fifth of the level, and a change below 0.1 is too small.
    let named =
        found.pairs.iter().zip(&adjusted).any(|(pair, p)| p / 0.2 <= STATED && pair.change().abs() >= 0.1);
    [
        ("Fisher's z of Pearson's correlations, Bonferroni", true, fisher),
        ("rank correlations, Holm, any size", false, by_rank),
        ("cordon drift", false, named),
    ]
}

fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (a, b) = (mean(x), mean(y));
    let sum = |of: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(x, y)| of(x - a, y - b)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

/// What a look at 100,000 rows against as many says of 20 columns: where nothing changed, and where every mean moved by 0.02 deviations,
/// which nobody cares about. Counts in 16 cells stand for the rows; D of Kolmogorov and Smirnov is then at least what it is here.
pub(crate) fn large(runs: u32, seed: u64) -> Vec<Line> {
    const ROWS: u64 = 100_000;
    let mut lines = Vec::new();
    for (shift, what) in [
        (0.0, "20 columns, one window of 100,000 rows that nothing changed in"),
        (0.02, "20 columns, one window of 100,000 rows, every mean moved by a harmless 0.02 deviations"),
    ] {
        let mut random = Random::new(seed);
        scenario(&mut lines, runs, what, || {
            let (mut smirnov, mut p_values, mut large) = (false, Vec::new(), Vec::new());
            for _ in 0..20 {
                let mut side = |shift: f64| {
                    let mut counts = Vec::with_capacity(16);
                    split(ROWS, -f64::INFINITY, f64::INFINITY, shift, &mut random, &mut counts);
                    counts
                };
                let (was, is) = (side(0.0), side(shift));
                let (mut apart, mut most) = (0.0, 0.0_f64);
                for (was, is) in was.iter().zip(&is) {
                    apart += (*was as f64 - *is as f64) / ROWS as f64;
                    most = most.max(f64::abs(apart));
                }
                // The limit law's 5 % point.
                smirnov |= most * (ROWS as f64 / 2.0).sqrt() > 1.358_1;
                p_values.push(drift::chi_squared(&was, &is).unwrap().p_value.upper_bound());
                let binned = drift::Binned::new(&was, &is).unwrap();
                large.push(binned.jensen_shannon_distance_bits() >= 0.1);
            }
            let adjusted = holm(&p_values).unwrap();
            let drifted = adjusted.iter().zip(&large).any(|(p, large)| *p <= STATED && *large);
            [("Kolmogorov-Smirnov at 5 % for each column", true, smirnov), ("cordon drift", false, drifted)]
        });
    }
    lines
}

/// How many of so many normal numbers about `shift` fall into each of the cells between two ends, of equal share about zero: halves
/// of halves, down to a sixteenth.
fn split(rows: u64, low: f64, high: f64, shift: f64, random: &mut Random, counts: &mut Vec<u64>) {
    let below = |at: f64| normal::upper(-at);
    let width = below(high) - below(low);
    if width < 0.07 {
        counts.push(rows);
        return;
    }
    let middle = normal::quantile(f64::midpoint(below(low), below(high)));
    let share = (below(middle - shift) - below(low - shift)) / (below(high - shift) - below(low - shift));
    let left = binomial(rows, share, random);
    split(left, low, middle, shift, random, counts);
    split(rows - left, middle, high, shift, random, counts);
}

/// A binomial number, 64 tosses at once: a bit is set with the probability whose binary digits choose between and and or.
fn binomial(tosses: u64, p: f64, random: &mut Random) -> u64 {
    const DIGITS: u32 = 16;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "16 digits of a probability")]
    let digits = (p * f64::from(1_u32 << DIGITS)).round() as u64;
    let first = digits.trailing_zeros().min(DIGITS);
    let mut count = 0;
    let mut left = tosses;
    while left > 0 {
        let mut word = 0_u64;
        for digit in first..DIGITS {
            let bits = random.bits();
            word = if digits >> digit & 1 == 1 { word | bits } else { word & bits };
        }
        let taken = left.min(64);
        count += u64::from((word >> (64 - taken)).count_ones());
        left -= taken;
    }
    count
}

/// Tests of one scenario that ever alarmed, with whether they are repeated at a fixed level.
type Outcome<const TESTS: usize> = [(&'static str, bool, bool); TESTS];

fn scenario<const TESTS: usize>(
    lines: &mut Vec<Line>,
    runs: u32,
    what: &'static str,
    mut run: impl FnMut() -> Outcome<TESTS>,
) {
    let first = lines.len();
    for _ in 0..runs {
        for (at, (test, repeated, alarmed)) in run().into_iter().enumerate() {
            if lines.len() == first + at {
                lines.push(Line { what, test, repeated, alarms: 0, runs });
            }
            lines[first + at].alarms += u32::from(alarmed);
        }
    }
}

/// One-sided normal test of a rate.
fn rate_p(hits: f64, n: f64, null: f64) -> f64 {
    normal::upper((hits - n * null) / (n * null * (1.0 - null)).sqrt())
}

fn rate(random: &mut Random) -> Outcome<2> {
    let mut test = RateTest::new(0.1, Direction::Up).unwrap();
    let (mut hits, mut fixed, mut sequential) = (0_u32, false, false);
    for call in 1..=2000_u32 {
        let failed = random.chance(0.1);
        hits += u32::from(failed);
        test.push(failed);
        if call % 50 == 0 {
            fixed |= rate_p(f64::from(hits), f64::from(call), 0.1) < STATED;
            sequential |= test.alarms(STATED);
        }
    }
    [("z-test repeated", true, fixed), ("beta-binomial mixture", false, sequential)]
}

fn mean(random: &mut Random) -> Outcome<2> {
    let mut test = BoundedTest::new(0.5, Direction::Both).unwrap();
    let (mut sum, mut squares, mut fixed, mut sequential) = (0.0, 0.0, false, false);
    for call in 1..=1000_u32 {
        let score = random.unit();
        sum += score;
        squares += score * score;
        test.push(score).unwrap();
        if call % 25 == 0 {
            let n = f64::from(call);
            let deviation = ((squares - sum * sum / n) / (n - 1.0)).sqrt();
            fixed |= normal::two_sided((sum / n - 0.5) / (deviation / n.sqrt())) < STATED;
            sequential |= test.alarms(STATED);
        }
    }
    [("mean test repeated", true, fixed), ("betting", false, sequential)]
}

fn canary(random: &mut Random) -> Outcome<3> {
    let mut arms = Arms::new(0.0, STATED).unwrap();
    let mut events = Events::new(0.1, 1.0, STATED).unwrap();
    let (mut calls, mut failures) = ([0.0_f64; 2], [0.0_f64; 2]);
    let (mut fixed, mut bets, mut counts) = (false, false, false);
    for call in 1..=4000_u32 {
        let (arm, at) = if random.chance(0.1) { (Arm::Canary, 0) } else { (Arm::Live, 1) };
        let failed = random.chance(0.05);
        calls[at] += 1.0;
        failures[at] += f64::from(u8::from(failed));
        arms.push(arm, f64::from(u8::from(failed))).unwrap();
        if failed {
            events.push(arm);
        }
        if call % 40 == 0 {
            let pooled = (failures[0] + failures[1]) / f64::from(call);
            let deviation = (pooled * (1.0 - pooled) * (1.0 / calls[0] + 1.0 / calls[1])).sqrt();
            fixed |= normal::upper((failures[0] / calls[0] - failures[1] / calls[1]) / deviation) < STATED;
            bets |= arms.standing() == Standing::Worse;
            counts |= events.standing() == Standing::Worse;
        }
    }
    [
        ("two-proportion z-test repeated", true, fixed),
        ("betting on differences", false, bets),
        ("events of a known split", false, counts),
    ]
}

fn dashboard(random: &mut Random) -> Outcome<3> {
    let mut columns = vec![RateTest::new(0.3, Direction::Both).unwrap(); 20];
    let (mut raw, mut adjusted, mut sequential) = (false, false, false);
    for _ in 0..30 {
        let mut p_values = Vec::with_capacity(columns.len());
        for column in &mut columns {
            let hits = (0..100).filter(|_| random.chance(0.3)).count() as u64;
            column.add(hits, 100);
            let z = (hits as f64 - 30.0) / 21.0_f64.sqrt();
            p_values.push(normal::two_sided(z));
        }
        raw |= p_values.iter().any(|p| *p < STATED);
        adjusted |= benjamini_hochberg(&p_values).unwrap().iter().any(|p| *p < STATED);
        let e_values: Vec<f64> = columns.iter().map(|column| column.log_e().exp()).collect();
        sequential |= e_benjamini_hochberg(&e_values, STATED).unwrap().contains(&true);
    }
    [
        ("z-test of each window and column", true, raw),
        ("the same, Benjamini-Hochberg in each window", true, adjusted),
        ("e-values over time, e-BH over columns", false, sequential),
    ]
}
