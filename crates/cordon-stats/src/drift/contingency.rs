use crate::PValue;
use crate::distribution::{chi_squared as law, hypergeometric};
use crate::input::{self, InputError};
use crate::sample::sum_of;

/// A test of counts in categories, reference against current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contingency {
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom: categories that occur at all, less one.
    pub df: u32,
    /// From the chi-squared law: trust it where [`Contingency::smallest_expected`] is about 5 or more.
    pub p_value: PValue,
    /// The smallest expected count of a cell.
    pub smallest_expected: f64,
    /// Cramér's V without bias correction, √(χ²/n) for two rows: how strong the difference is, between 0 and 1, whatever n.
    pub cramers_v: f64,
}

/// Pearson's chi-squared test of homogeneity, without continuity correction. Categories that occur on neither side do not
/// count; one that is new is a category like any other: its expected count comes from both sides.
///
/// # Errors
/// When the lists differ in length, a side counts nothing, or fewer than two categories occur.
pub fn chi_squared(reference: &[u64], current: &[u64]) -> Result<Contingency, InputError> {
    table(reference, current, |observed, expected| (observed - expected) * (observed - expected) / expected)
}

/// The likelihood-ratio test G = 2 Σ O ln(O/E), without continuity correction. Both sides may differ in size.
///
/// # Errors
/// As [`chi_squared`].
pub fn g_test(reference: &[u64], current: &[u64]) -> Result<Contingency, InputError> {
    table(
        reference,
        current,
        |observed, expected| {
            if observed == 0.0 { 0.0 } else { 2.0 * observed * (observed / expected).ln() }
        },
    )
}

/// Pearson's test of a 2 × 2 table with Yates' continuity correction: each |O − E| is less by ½, and not below 0.
///
/// # Errors
/// As [`chi_squared`].
pub fn yates(reference: [u64; 2], current: [u64; 2]) -> Result<Contingency, InputError> {
    table(&reference, &current, |observed, expected| {
        let difference = ((observed - expected).abs() - 0.5).max(0.0);
        difference * difference / expected
    })
}

fn table(
    reference: &[u64],
    current: &[u64],
    cell: impl Fn(f64, f64) -> f64,
) -> Result<Contingency, InputError> {
    input::same_length(reference, "reference", current, "current")?;
    let rows = [whole(reference, "reference")?, whole(current, "current")?];
    let n: f64 = rows.iter().sum();
    let occurring =
        || reference.iter().zip(current).map(|(r, c)| (*r as f64, *c as f64)).filter(|(r, c)| r + c > 0.0);
    let categories = occurring().count();
    input::at_least(categories, 2, "the set of categories")?;
    let mut smallest_expected = f64::INFINITY;
    let [left, right] = rows;
    let mut against = |term: &dyn Fn(f64, f64) -> f64| {
        sum_of(occurring().flat_map(|(r, c)| {
            let expected = ((r + c) * left / n, (r + c) * right / n);
            smallest_expected = smallest_expected.min(expected.0).min(expected.1);
            [term(r, expected.0), term(c, expected.1)]
        }))
    };
    let statistic = against(&cell);
    let pearson = against(&|observed, expected| (observed - expected) * (observed - expected) / expected);
    let df = u32::try_from(categories - 1).unwrap_or(u32::MAX);
    Ok(Contingency {
        statistic,
        df,
        p_value: PValue::of(law::upper(statistic, f64::from(df))),
        smallest_expected,
        cramers_v: (pearson / n).sqrt(),
    })
}

/// How many there are in all.
pub(super) fn whole(counts: &[u64], what: &'static str) -> Result<f64, InputError> {
    let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    input::at_least(usize::try_from(total).unwrap_or(usize::MAX), 1, what)?;
    Ok(total as f64)
}

/// Fisher's exact test of a 2 × 2 table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FisherExact {
    /// The sample odds ratio a d / (b c); infinite or NaN where a product is zero.
    pub odds_ratio: f64,
    /// Two-sided: every table with the same margins that is no more probable than this one.
    pub p_value: PValue,
}

/// Fisher's exact test of the table of `reference` above `current`. Exact for every size; takes time in the deviation of the
/// smallest margin.
pub fn fisher_exact(reference: [u64; 2], current: [u64; 2]) -> FisherExact {
    let [a, b] = reference;
    let [c, d] = current;
    let odds_ratio = (a as f64 * d as f64) / (b as f64 * c as f64);
    let (marked, drawn, plain) = (a.saturating_add(b), a.saturating_add(c), c.saturating_add(d));
    let (least, most) = (drawn.saturating_sub(plain), marked.min(drawn));
    let mass = |k: u64| hypergeometric::mass(k, marked, plain, drawn);
    // Tables as probable as this one but for rounding belong to it, as R has it.
    let bound = mass(a) * (1.0 + 1e-7);
    // From the most probable table on masses fall to both sides.
    let (rows, columns) = (u128::from(marked) + 1, u128::from(drawn) + 1);
    let mode = rows.saturating_mul(columns) / (u128::from(marked) + u128::from(plain) + 2);
    let mode = u64::try_from(mode).unwrap_or(u64::MAX).min(most).max(least);
    let extreme = if mass(mode) <= bound {
        1.0
    } else {
        let above = first(mode, most, |k| mass(k) <= bound);
        let below = first(0, mode - least, |steps| mass(mode - steps) <= bound);
        tail(above.into_iter().flat_map(|from| from..=most).map(mass))
            + tail(below.into_iter().flat_map(|from| from..=mode - least).map(|steps| mass(mode - steps)))
    };
    FisherExact { odds_ratio, p_value: PValue::of(extreme) }
}

/// The first number from `low` to `high` from which on something is true.
fn first(low: u64, high: u64, is_true: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut beyond) = (low, high.saturating_add(1));
    while low < beyond {
        let middle = low + (beyond - low) / 2;
        if is_true(middle) {
            beyond = middle;
        } else {
            low = middle + 1;
        }
    }
    (low <= high).then_some(low)
}

/// The sum of terms that fall, up to those that no longer change it.
fn tail(terms: impl Iterator<Item = f64>) -> f64 {
    let mut sum = 0.0;
    for term in terms {
        sum += term;
        if term <= sum * 1e-18 {
            break;
        }
    }
    sum
}
