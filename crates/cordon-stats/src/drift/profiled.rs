use crate::PValue;
use crate::input::InputError;
use crate::profile::{ColumnProfile, Interval, Numbers, Quantiles, Texts};
use crate::sample::sum_of;

use super::smirnov::one_sample;
use super::{Binned, Contingency, FisherExact, ZeroShare, chi_squared, fisher_exact};

/// How one column of the current data differs from that of the reference, from their profiles alone.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDrift {
    /// The bins or categories with their exact counts.
    pub bins: Vec<Bin>,
    /// The same as shares, for every distance.
    pub binned: Binned,
    /// The chi-squared test of these counts, where neighbouring cells that expect fewer than five on either side are put together
    /// first. Where fewer than two are left, Fisher's exact test of the most frequent cell against all the others. None when there
    /// is one cell alone: nothing can differ.
    pub test: Option<Contingency>,
    /// What only numbers have.
    pub numeric: Option<Numeric>,
}

/// A bin or a category and how often it occurs on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Bin {
    /// What falls into it.
    pub reach: Reach,
    /// Its count in the reference.
    pub reference: u64,
    /// Its count in the current data.
    pub current: u64,
}

/// What falls into a bin.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    /// A category.
    Category(String),
    /// Numbers from the first, below the second.
    Numbers(f64, f64),
    /// Every category that is not kept by name.
    Others,
    /// One number.
    Value(f64),
}

/// Comparisons of two columns of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numeric {
    /// Kolmogorov–Smirnov's D is at least this; exactly this where `smirnov_most` is the same.
    pub smirnov: f64,
    /// D is at most this.
    pub smirnov_most: f64,
    /// Its asymptotic p-value, for the lower bound of D: never smaller than that of D itself.
    pub smirnov_p: PValue,
    /// The Wasserstein-1 distance, in the unit of the column.
    pub wasserstein: f64,
    /// How far off it can be.
    pub wasserstein_error: f64,
    /// The difference of the means, current less reference, in standard deviations of the reference. NaN where it has none.
    pub mean_shift: f64,
    /// Its standard error (Glass's Δ: Hedges and Olkin, "Statistical Methods for Meta-Analysis", 1985; the deviations of both
    /// sides need not be the same).
    pub mean_shift_error: f64,
}

/// Up to this many different values on both sides together, each is a bin of its own.
const SINGLE_VALUES: usize = 32;
/// Otherwise this many bins of about equal share of the reference, and one on each side of its range.
const QUANTILE_BINS: u32 = 10;
/// The chi-squared law is trusted where each cell expects this many.
pub(super) const EXPECTED: f64 = 5.0;

/// Compares a column of the current data with that of the reference: numbers where the reference has numbers, categories else.
///
/// Bins of numbers are frozen by the reference: its deciles on the intervals that both profiles share, and a bin on each
/// side for what lies outside its range. All counts are exact, so equal data gives equal bits.
///
/// # Errors
/// When one side has no value of the kind that is compared.
pub fn column(reference: &ColumnProfile, current: &ColumnProfile) -> Result<ColumnDrift, InputError> {
    if !is_numeric(reference) {
        let (Some(left), Some(right)) = (reference.texts(), current.texts()) else {
            return Err(nothing(if reference.texts().is_none() {
                "the reference"
            } else {
                "the current data"
            }));
        };
        let rows = left.categories().beside(right.categories());
        let reach =
            |label: Option<&str>| label.map_or(Reach::Others, |label| Reach::Category(label.to_owned()));
        let bins = rows.into_iter().map(|row| Bin {
            reach: reach(row.label),
            reference: row.counts.0,
            current: row.counts.1,
        });
        return compared(bins.collect(), None);
    }
    let (Some(left), Some(right)) = (reference.numbers(), current.numbers()) else {
        return Err(nothing("the current data"));
    };
    let (reference, current) = aligned(left.quantiles(), right.quantiles());
    let union = merged(&reference, &current);
    let exact = left.quantiles().is_exact() && right.quantiles().is_exact();
    let numeric = Some(numbers(&union, exact, left, right));
    if let Some(bins) = single_values(&union, exact) {
        return compared(bins, numeric);
    }
    let bins = quantile_bins(&union, left);
    let test = by_reference(&bins);
    Ok(ColumnDrift { test, ..compared(bins, numeric)? })
}

/// Is a column compared as numbers? By what most of the reference's values are.
pub(super) fn is_numeric(reference: &ColumnProfile) -> bool {
    match (reference.numbers(), reference.texts()) {
        (Some(numbers), Some(texts)) => numbers.count() >= texts.count(),
        (numbers, _) => numbers.is_some(),
    }
}

/// A bin for each value, where all are known and there are few.
pub(super) fn single_values(union: &[Both], exact: bool) -> Option<Vec<Bin>> {
    let bin =
        |both: &Both| Bin { reach: Reach::Value(both.low), reference: both.counts.0, current: both.counts.1 };
    (exact && union.len() <= SINGLE_VALUES).then(|| union.iter().map(bin).collect())
}

/// The test on bins that the reference froze, neighbouring ones put together until each expects enough on both sides. By the
/// reference's counts alone: these bins hold about the same share of it, so the total of a bin would tell what the current data
/// has in it, and a choice by totals would be a choice by the outcome.
fn by_reference(bins: &[Bin]) -> Option<Contingency> {
    let sum = |of: fn(&Bin) -> u64| bins.iter().map(of).sum::<u64>() as f64;
    let (left, right) = (sum(|bin| bin.reference), sum(|bin| bin.current));
    let expects = |reference: u64| reference as f64 * (right / left).min(1.0) >= EXPECTED;
    let mut cells: Vec<(u64, u64)> = Vec::new();
    let mut open = (0, 0);
    for bin in bins {
        open = (open.0 + bin.reference, open.1 + bin.current);
        if expects(open.0) {
            cells.push(std::mem::take(&mut open));
        }
    }
    match cells.last_mut() {
        Some(last) => *last = (last.0 + open.0, last.1 + open.1),
        None => cells.push(open),
    }
    let (left, right): (Vec<u64>, Vec<u64>) = cells.into_iter().unzip();
    chi_squared(&left, &right).ok()
}

/// Of what kind the values of a column are, on both sides, and whether that changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kinds {
    /// Finite numbers, dates among them, of the reference and of the current data.
    pub numbers: (u64, u64),
    /// Texts, booleans among them.
    pub texts: (u64, u64),
    /// NaN and infinities.
    pub not_finite: (u64, u64),
    /// The test of these counts. None when all values of both sides are of one kind, or a side has no value.
    pub test: Option<Contingency>,
}

impl Kinds {
    /// Of a column of both sides. `column` compares the values of one kind; this is what became of the others.
    pub fn of(reference: &ColumnProfile, current: &ColumnProfile) -> Self {
        let [left, right] = [reference, current].map(count_of_kinds);
        let [numbers, texts, not_finite] = [(left[0], right[0]), (left[1], right[1]), (left[2], right[2])];
        Self { numbers, texts, not_finite, test: tested(&[numbers, texts, not_finite]) }
    }

    /// The total variation distance of the shares: how many values of a hundred, as a share, are of another kind. 0 where a side
    /// has no value.
    pub fn total_variation(&self) -> f64 {
        let (left, right): (Vec<u64>, Vec<u64>) =
            [self.numbers, self.texts, self.not_finite].into_iter().unzip();
        Binned::new(&left, &right).map_or(0.0, |binned| binned.total_variation())
    }
}

/// Finite numbers, texts, NaN and infinities.
pub(super) fn count_of_kinds(column: &ColumnProfile) -> [u64; 3] {
    let numbers = column.numbers().map_or(0, Numbers::count);
    let texts = column.texts().map_or(0, Texts::count);
    [numbers, texts, column.not_numbers() + column.infinite()]
}

/// Has the share of something, such as missing values, changed? How many had it and how many there were, on both sides. Fisher's
/// exact test where counts are small, Pearson's else.
pub fn shares(reference: (u64, u64), current: (u64, u64)) -> PValue {
    let [top, bottom] = [reference, current].map(|(with, all)| [with, all.saturating_sub(with)]);
    match chi_squared(&top, &bottom) {
        Ok(test) if test.smallest_expected >= EXPECTED => test.p_value,
        Ok(_) => {
            let FisherExact { p_value, .. } = fisher_exact(top, bottom);
            p_value
        }
        // All or none on both sides: nothing changed.
        Err(_) => PValue::of(1.0),
    }
}

pub(super) fn nothing(what: &'static str) -> InputError {
    InputError::TooFew { what, got: 0, need: 1 }
}

fn compared(bins: Vec<Bin>, numeric: Option<Numeric>) -> Result<ColumnDrift, InputError> {
    let (left, right): (Vec<u64>, Vec<u64>) = bins.iter().map(|bin| (bin.reference, bin.current)).unzip();
    let binned = Binned::new(&left, &right)?;
    let cells: Vec<(u64, u64)> = left.into_iter().zip(right).collect();
    Ok(ColumnDrift { binned, test: tested(&cells), numeric, bins })
}

/// The test of the counts. Which cells are put together depends on the totals of the cells and on an order that no side chooses
/// (values, or hashes of categories), so the level is that of the test.
fn tested(cells: &[(u64, u64)]) -> Option<Contingency> {
    let of = |cells: &[(u64, u64)]| {
        let (left, right): (Vec<u64>, Vec<u64>) = cells.iter().copied().unzip();
        chi_squared(&left, &right).ok()
    };
    of(&pooled(cells)).or_else(|| {
        let total = |(left, right): (u64, u64)| left.saturating_add(right);
        let most =
            cells.iter().copied().reduce(|most, cell| if total(cell) > total(most) { cell } else { most })?;
        let (left, right) = whole(cells);
        let rest = (left.saturating_sub(most.0), right.saturating_sub(most.1));
        let approximate = of(&[most, rest])?;
        let p_value = fisher_exact([most.0, rest.0], [most.1, rest.1]).p_value;
        Some(Contingency { p_value, ..approximate })
    })
}

fn whole(cells: &[(u64, u64)]) -> (u64, u64) {
    cells.iter().fold((0, 0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1))
}

/// The counts where each cell expects enough on both sides: those that expect too few are put together with the next ones of
/// their like, and what is left in the end with the last.
fn pooled(cells: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let (left, right) = whole(cells);
    let smaller = left.min(right) as f64 / (left as f64 + right as f64);
    let expects = |cell: (u64, u64)| (cell.0 + cell.1) as f64 * smaller >= EXPECTED;
    let (mut large, mut together) = (Vec::new(), Vec::new());
    let mut open = (0, 0);
    for cell in cells.iter().copied() {
        if expects(cell) {
            large.push(cell);
            continue;
        }
        open = (open.0 + cell.0, open.1 + cell.1);
        if expects(open) {
            together.push(std::mem::take(&mut open));
        }
    }
    if open != (0, 0) {
        let last = together.last_mut().or_else(|| large.iter_mut().min_by_key(|cell| cell.0 + cell.1));
        match last {
            Some(cell) => *cell = (cell.0 + open.0, cell.1 + open.1),
            None => together.push(open),
        }
    }
    large.append(&mut together);
    large
}

/// An interval with its counts on both sides.
pub(super) struct Both {
    low: f64,
    high: f64,
    counts: (u64, u64),
}

/// The intervals of both at the coarser resolution of the two.
pub(super) fn aligned(left: &Quantiles, right: &Quantiles) -> (Vec<Interval>, Vec<Interval>) {
    let dropped = left.dropped().max(right.dropped());
    let at = |quantiles: &Quantiles| {
        let mut copy = quantiles.clone();
        copy.coarsen(dropped);
        copy.intervals()
    };
    (at(left), at(right))
}

/// Intervals of both, ascending; where they are the same, once.
pub(super) fn merged(left: &[Interval], right: &[Interval]) -> Vec<Both> {
    let mut union: Vec<Both> =
        left.iter().map(|i| Both { low: i.low, high: i.high, counts: (i.count, 0) }).collect();
    union.extend(right.iter().map(|i| Both { low: i.low, high: i.high, counts: (0, i.count) }));
    union.sort_by(|a, b| a.low.total_cmp(&b.low));
    union.dedup_by(|later, earlier| {
        let same = later.low == earlier.low;
        if same {
            earlier.counts = (earlier.counts.0 + later.counts.0, earlier.counts.1 + later.counts.1);
        }
        same
    });
    union
}

/// Bins of about equal share of the reference, and one on each side of what it saw.
pub(super) fn quantile_bins(union: &[Both], reference: &Numbers) -> Vec<Bin> {
    let share = reference.count() as f64 / f64::from(QUANTILE_BINS);
    let mut seen = 0_u64;
    let mut last_number = None;
    let mut bins: Vec<Bin> = Vec::new();
    for both in union {
        // 0 below the reference, 1 to 10 inside, 11 above.
        let number = if seen == 0 && both.counts.0 == 0 {
            0.0
        } else if seen == reference.count() {
            f64::from(QUANTILE_BINS) + 1.0
        } else {
            1.0 + (seen as f64 / share).floor()
        };
        seen += both.counts.0;
        match bins.last_mut().filter(|_| last_number == Some(number)) {
            Some(bin) => {
                bin.reference += both.counts.0;
                bin.current += both.counts.1;
            }
            None => {
                if let Some(Bin { reach: Reach::Numbers(_, high), .. }) = bins.last_mut() {
                    *high = both.low;
                }
                let low = if bins.is_empty() { f64::NEG_INFINITY } else { both.low };
                let reach = Reach::Numbers(low, f64::INFINITY);
                bins.push(Bin { reach, reference: both.counts.0, current: both.counts.1 });
            }
        }
        last_number = Some(number);
    }
    bins
}

fn numbers(union: &[Both], exact: bool, reference: &Numbers, current: &Numbers) -> Numeric {
    let (m, n) = (reference.count() as f64, current.count() as f64);
    let ends = (reference.range().0.min(current.range().0), reference.range().1.max(current.range().1));
    let (mut smirnov, mut most) = (0.0_f64, 0.0_f64);
    let mut before = (0.0, 0.0);
    let mut steps: Vec<(f64, f64)> = Vec::with_capacity(union.len());
    let mut spread = Vec::with_capacity(union.len());
    let mut seen = (0_u64, 0_u64);
    for both in union {
        seen = (seen.0 + both.counts.0, seen.1 + both.counts.1);
        let after = (seen.0 as f64 / m, seen.1 as f64 / n);
        smirnov = smirnov.max((after.0 - after.1).abs());
        // Inside an interval one side can be at its end while the other is still at its start.
        most = most.max((after.0 - before.1).abs()).max((before.0 - after.1).abs());
        let (low, high) = (both.low.max(ends.0), both.high.min(ends.1));
        let width = if exact { 0.0 } else { high - low };
        steps.push((low + width / 2.0, after.0 - after.1));
        spread.push(width / 2.0 * (after.0 - before.0 + after.1 - before.1));
        before = after;
    }
    let moved = steps.iter().zip(steps.iter().skip(1)).map(|(here, next)| here.1.abs() * (next.0 - here.0));
    let wasserstein = sum_of(moved);
    let mean_shift = (current.mean() - reference.mean()) / reference.variance().sqrt();
    let variance =
        1.0 / m + current.variance() / reference.variance() / n + mean_shift * mean_shift / (2.0 * m);
    Numeric {
        smirnov,
        smirnov_most: if exact { smirnov } else { most.max(smirnov) },
        smirnov_p: PValue::of(one_sample(reference.count(), current.count(), smirnov)),
        wasserstein,
        wasserstein_error: spread.iter().sum(),
        mean_shift,
        mean_shift_error: variance.sqrt(),
    }
}

impl ColumnDrift {
    /// The population stability index with the usual stand-in for zero, 1e-4.
    pub fn population_stability_index(&self) -> f64 {
        self.binned.population_stability_index(ZeroShare::USUAL)
    }
}
