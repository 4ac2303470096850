use super::rows::OneHot;
use super::{Cause, Columns, Rows, ranked};
use crate::interval::{Estimate, Level, Mean, Proportion, Unknown};
use crate::linear::{Design as _, LeastSquares};

/// Pieces that fewer rows of the reference have say nothing about the outcome: they count as never seen.
const FEWEST_IN_PIECE: u64 = 10;
/// Rows of the reference for each number that is fitted.
const ROWS_FOR_EACH: u64 = 5;

/// Why the mean of an outcome moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The mean outcome in the reference and in the current data.
    pub means: [Estimate; 2],
    /// The second less the first.
    pub change: Estimate,
    /// What the shift of each column contributes to the change: the largest first.
    pub columns: Vec<Cause>,
    /// The rest of the change: the same inputs have another outcome now, or what moved is in no column or only in how columns
    /// act together. With the columns it adds up to the change.
    pub unexplained: Estimate,
    /// The share of the variance of the outcome in the reference that the columns explain, one by one and added up (R²,
    /// adjusted). Where it is small the columns have little to say about this outcome.
    pub explained_variance: f64,
    /// The share of current rows with a value that the reference hardly knew. What they did is in the rest.
    pub unseen: Estimate,
}

/// Splits the change of a mean into what each column's shift contributes and what is left.
///
/// The decomposition of Oaxaca (1973) and Blinder (1973) with the coefficients of the reference: the outcome is fitted on the
/// reference as a sum of functions of single columns (a value for each piece), and a column contributes the mean of its function
/// over the current rows less that over the reference. What an additive function gives here are its Shapley values
/// exactly, so that no order of the columns is preferred and none is sampled. The intervals hold the chance of both samples and
/// of the fit (Jann, "The Blinder–Oaxaca decomposition for linear regression models", 2008; heteroskedasticity as White,
/// 1980).
///
/// Misleads where the outcome depends on columns together and not one by one: then the explained variance is small, and the rest is
/// large. Columns that move together share a contribution.
///
/// # Errors
/// [`Unknown::TooFew`] where the reference has fewer than five rows for each number that is fitted, or a side fewer than two;
/// [`Unknown::Constant`] where the outcome of the reference does not vary.
pub fn attribution(
    columns: &Columns,
    reference: &Rows,
    current: &Rows,
    level: Level,
) -> Result<Attribution, Unknown> {
    let width = columns.width();
    let design = OneHot { tables: [reference, current], starts: columns.starts(), width };
    let (was, is) = (reference.len(), current.len());
    let shares = |rows: std::ops::Range<usize>| {
        let mut counts = vec![0.0; width];
        rows.for_each(|row| design.add(row, 1.0, &mut counts));
        counts
    };
    let (counts_was, counts_is) = (shares(0..was), shares(was..was + is));
    let known: Vec<bool> = counts_was.iter().map(|count| *count >= FEWEST_IN_PIECE as f64).collect();
    // Of each column one piece follows from the others.
    let fitted = known.iter().filter(|known| **known).count().saturating_sub(columns.len()).max(1) as u64;
    let needed = fitted * ROWS_FOR_EACH;
    if (was as u64) < needed.max(2) || is < 2 {
        let n = if is < 2 { is } else { was };
        return Err(Unknown::TooFew { n: n as u64, needed: if is < 2 { 2 } else { needed } });
    }
    let means = [reference, current].map(|rows| rows.outcomes().iter().copied().collect::<Mean>());
    let [mean_was, mean_is] = &means;
    let variance = mean_was.variance().unwrap_or(0.0);
    if variance <= 0.0 {
        return Err(Unknown::Constant);
    }
    let ridge = |place: usize| match known.get(place) {
        // Too few rows to learn from: held at zero.
        Some(false) => 1e9 * was as f64,
        _ if place == 0 => 1e-10,
        _ => 1e-4,
    };
    let fit =
        LeastSquares::fit(&design, 0..was, |row| reference.outcome(row), ridge).ok_or(Unknown::NotFinite)?;
    let weights = centred(columns, &fit.coefficients, &counts_was);
    // Not one column's function sums to anything but zero over the reference, so the constant is the mean.
    let constant = mean_was.value().unwrap_or(0.0);
    let predicted = |row: usize| constant + design.dot(row, &weights);
    let residual = |row: usize| {
        let outcome = if row < was { reference.outcome(row) } else { current.outcome(row - was) };
        outcome - predicted(row)
    };
    let shift: Vec<f64> =
        counts_was.iter().zip(&counts_is).map(|(a, b)| b / is as f64 - a / was as f64).collect();
    // One direction for each column, and one for what the rest depends on: all of the shift.
    let mut directions: Vec<Vec<f64>> = (0..columns.len())
        .map(|at| {
            let (from, pieces) = (columns.starts().get(at).copied().unwrap_or(width), columns.pieces(at));
            let own = |(place, value): (usize, &f64)| {
                if (from..from + pieces).contains(&place) { *value } else { 0.0 }
            };
            shift.iter().enumerate().map(own).collect()
        })
        .collect();
    directions.push(shift.clone());
    let of_fit = spread_of_fit(&design, &fit, &directions, was, fitted, residual);
    let z = level.z();
    let estimate = |value: f64, variance: f64| Estimate {
        value,
        low: value - z * variance.max(0.0).sqrt(),
        high: value + z * variance.max(0.0).sqrt(),
        n: (was + is) as u64,
    };
    let mut causes = Vec::with_capacity(columns.len());
    for (at, (own, of_fit)) in columns.split(&weights).zip(&of_fit).enumerate() {
        let part = |rows: &Rows| -> Mean {
            let parts = (0..rows.len()).filter_map(|row| rows.codes(row).get(at));
            parts.map(|code| own.get(usize::from(*code)).copied().unwrap_or(0.0)).collect()
        };
        let (a, b) = (part(reference), part(current));
        let value = b.value().unwrap_or(0.0) - a.value().unwrap_or(0.0);
        let chance = |mean: &Mean| mean.variance().unwrap_or(0.0) / mean.n() as f64;
        causes.push(Cause {
            column: columns.name(at).to_owned(),
            contribution: estimate(value, chance(&a) + chance(&b) + of_fit),
            alone: columns.alone(at),
        });
    }
    let left: [Mean; 2] = [(0..was).map(residual).collect(), (was..was + is).map(residual).collect()];
    let [left_was, left_is] = &left;
    let rest = left_is.value().unwrap_or(0.0) - left_was.value().unwrap_or(0.0);
    let chance = |mean: &Mean| mean.variance().unwrap_or(0.0) / mean.n() as f64;
    let rest_variance = chance(left_was) + chance(left_is) + of_fit.last().copied().unwrap_or(0.0);
    // 1 for a piece that is not known: the product with a row counts them.
    let unknown: Vec<f64> = known.iter().map(|known| f64::from(u8::from(!known))).collect();
    let unseen = (was..was + is).filter(|row| design.dot(*row, &unknown) > 0.0).count() as u64;
    let share = (left_was.variance().unwrap_or(0.0) * (was as f64 - 1.0)
        / (was as f64 - fitted as f64).max(1.0))
        / variance;
    Ok(Attribution {
        means: [mean_was.student(level)?, mean_is.student(level)?],
        change: mean_is.minus(mean_was, level)?,
        columns: ranked(causes),
        unexplained: estimate(rest, rest_variance),
        explained_variance: (1.0 - share).clamp(0.0, 1.0),
        unseen: Proportion::of_parts(unseen, (is as u64).saturating_sub(unseen)).wilson(level)?,
    })
}

/// The functions of the columns, each of mean zero over the reference; a piece that was never seen does what the column does on
/// average. The constant is left out.
fn centred(columns: &Columns, coefficients: &[f64], counts: &[f64]) -> Vec<f64> {
    let mut weights = vec![0.0];
    for (own, counts) in columns.split(coefficients).zip(columns.split(counts)) {
        let is_known = |count: f64| count >= FEWEST_IN_PIECE as f64;
        let (mut sum, mut rows) = (0.0, 0.0);
        for (weight, count) in own.iter().zip(counts).filter(|(_, count)| is_known(**count)) {
            sum += weight * count;
            rows += count;
        }
        let mean = if rows > 0.0 { sum / rows } else { 0.0 };
        weights.extend(
            own.iter().zip(counts).map(|(weight, count)| if is_known(*count) { weight - mean } else { 0.0 }),
        );
    }
    weights
}

/// The variance of the fitted coefficients along each direction: White's, with the divisor n − fitted.
fn spread_of_fit(
    design: &OneHot<'_>,
    fit: &LeastSquares,
    directions: &[Vec<f64>],
    rows: usize,
    fitted: u64,
    residual: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let solved: Vec<Vec<f64>> = directions.iter().map(|direction| fit.normal.solve(direction)).collect();
    let mut sums = vec![0.0; directions.len()];
    for row in 0..rows {
        let left = residual(row);
        for (sum, solved) in sums.iter_mut().zip(&solved) {
            let lever = design.dot(row, solved) * left;
            *sum += lever * lever;
        }
    }
    let correction = rows as f64 / (rows as f64 - fitted as f64).max(1.0);
    sums.into_iter().map(|sum| sum * correction).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Cell, Profile};
    use crate::random::Random;

    /// Two categories and a number; the outcome is `2 [a is y] + x` and noise, so that the truth is known.
    fn table(
        rows: usize,
        share_of_y: f64,
        x_shift: f64,
        offset: f64,
        random: &mut Random,
    ) -> Vec<([Cell<'static>; 3], f64)> {
        (0..rows)
            .map(|_| {
                let y = random.chance(share_of_y);
                let x = f64::from(u8::try_from(random.below(4)).unwrap())
                    * if random.chance(x_shift) { 0.0 } else { 1.0 };
                let other = random.below(5) as i64;
                let outcome = 2.0 * f64::from(u8::from(y)) + x + offset + 0.5 * random.normal();
                ([Cell::Text(if y { "y" } else { "n" }), Cell::Decimal(x), Cell::Integer(other)], outcome)
            })
            .collect()
    }

    fn attributed(was: &[([Cell<'static>; 3], f64)], is: &[([Cell<'static>; 3], f64)]) -> Attribution {
        let profile = |rows: &[([Cell<'static>; 3], f64)]| {
            let mut profile = Profile::new(&["a", "x", "other"]);
            rows.iter().for_each(|(cells, _)| profile.add(cells));
            profile
        };
        let columns = Columns::of(&profile(was), &profile(is), &[]);
        let coded = |rows: &[([Cell<'static>; 3], f64)]| {
            let mut sample = Rows::new(columns.len(), Rows::USUAL, 1);
            let mut codes = Vec::new();
            for (cells, outcome) in rows {
                columns.encode(cells.iter().copied(), &mut codes);
                assert!(sample.push(&codes, *outcome));
            }
            sample
        };
        attribution(&columns, &coded(was), &coded(is), Level::P95).unwrap()
    }

    /// The parts add up, the truth is inside the intervals as often as stated, and a column that did not move, or a changed
    /// relation, is told from one that moved.
    #[test]
    fn contributions_are_right_as_often_as_stated() {
        let (mut random, runs) = (Random::new(12), 200);
        let mut inside = [0; 4];
        for _ in 0..runs {
            let was = table(500, 0.3, 0.2, 0.0, &mut random);
            let is = table(400, 0.5, 0.6, 0.7, &mut random);
            let got = attributed(&was, &is);
            let sum: f64 = got.columns.iter().map(|cause| cause.contribution.value).sum();
            assert!((sum + got.unexplained.value - got.change.value).abs() < 1e-6, "{got:?}");
            let of = |name: &str| got.columns.iter().find(|cause| cause.column == name).unwrap().contribution;
            // The mean of x is 1.5 (1 - shift).
            let truths = [(of("a"), 0.4), (of("x"), -0.6), (of("other"), 0.0), (got.unexplained, 0.7)];
            for (count, (estimate, truth)) in inside.iter_mut().zip(truths) {
                *count += i32::from(estimate.low <= truth && truth <= estimate.high);
            }
            assert!(got.explained_variance > 0.5 && got.unseen.value == 0.0, "{got:?}");
        }
        // 95 % of 200, three standard deviations of a count down.
        assert!(inside.iter().all(|count| *count >= 180), "{inside:?}");
    }

    #[test]
    fn what_the_reference_never_saw_is_not_guessed() {
        let mut random = Random::new(3);
        let was = table(600, 0.0, 0.2, 0.0, &mut random);
        let is = table(600, 0.5, 0.2, 0.0, &mut random);
        let got = attributed(&was, &is);
        assert!((0.4..0.6).contains(&got.unseen.value), "{got:?}");
        assert!((0.8..1.2).contains(&got.unexplained.value), "{got:?}");
    }
}
