use super::segments::{Change, enough};
use super::sums::Sums;
use super::{Cause, Columns, Found, Part, Segment, larger};
use crate::drift;
use crate::fdr;
use crate::interval::{Estimate, Level, Mean, Proportion, Unknown};

/// A column by itself: what it tells, whatever the others do.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The column, and what a classifier that takes the columns as independent has of it: the mean of its log odds over the current data,
    /// less that over the reference. Columns that move together have all of it each.
    pub cause: Cause,
    /// Of its values, its missing ones and their kinds, corrected for all columns (Holm).
    pub p_adjusted: f64,
}

/// How each column moved by itself, from profiles alone: what moved furthest first.
///
/// A column's contribution is Jeffreys' divergence of its pieces, Σ (q − p) ln(q/p), half a row added to each: what [`super::separation`] would
/// give it, were the columns independent. What chance alone adds is taken off, and the interval holds the chance of first and second order, as
/// that of [`drift::ColumnDrift::jensen_shannon_interval`].
pub fn moved(columns: &Columns, level: Level) -> Vec<Moved> {
    let p_values: Vec<f64> = (0..columns.len()).map(|at| columns.p_value(at)).collect();
    let moved = adjusted(&p_values).into_iter().enumerate().map(|(at, p_adjusted)| {
        let contribution = jeffreys(columns.counts(at), level);
        let cause = Cause { column: columns.name(at).to_owned(), contribution, alone: columns.alone(at) };
        Moved { cause, p_adjusted }
    });
    let mut moved: Vec<Moved> = moved.collect();
    moved.sort_by(|a, b| larger(&a.cause, &b.cause));
    moved
}

/// The pieces of all columns that grew or shrank, from profiles alone: the largest change of a share first. Nothing was searched, so the
/// p-values are corrected for every piece there is.
///
/// # Errors
/// [`Unknown::TooFew`] where a side has no row.
pub fn pieces(columns: &Columns, level: Level) -> Result<Vec<Found>, Unknown> {
    let pieces = (0..columns.len()).flat_map(|at| {
        let counts = columns.counts(at).iter().zip(0_u8..);
        counts.filter(|((was, is), _)| was + is > 0).filter_map(move |((was, is), code)| {
            let within = columns.within(at, code)?.clone();
            let part = Part { column: columns.name(at).to_owned(), within };
            Some((Segment { parts: vec![part] }, [*was, *is]))
        })
    });
    grown(&pieces.collect::<Vec<_>>(), columns.rows(), level)
}

/// Which segments grew or shrank, of which nothing is known but how many rows they have: the largest change of a share first. `all` are the
/// rows of both sides.
///
/// # Errors
/// [`Unknown::TooFew`] where a side has no row.
pub fn grown(segments: &[(Segment, [u64; 2])], all: [u64; 2], level: Level) -> Result<Vec<Found>, Unknown> {
    let each = level.each_of(segments.len());
    let found = segments.iter().map(|(segment, counts)| {
        let rate = |side: usize| {
            let (count, all) = (counts.get(side).copied(), all.get(side).copied());
            let (count, all) = (count.unwrap_or(0), all.unwrap_or(0));
            Proportion::of_parts(count, all.saturating_sub(count))
        };
        let effect = rate(1).minus(rate(0), each)?;
        Ok(Found {
            segment: segment.clone(),
            support: [rate(0).wilson(each)?, rate(1).wilson(each)?],
            means: counts.map(|count| (count > 0).then_some(1.0)),
            effect,
            by_size: Some(effect.value),
            beyond_size: effect,
            p_adjusted: drift::shares((counts[0], all[0]), (counts[1], all[1])).upper_bound(),
        })
    });
    Ok(corrected(found.collect::<Result<_, Unknown>>()?))
}

/// Which segments moved the mean of an outcome, of which count, mean and variance are known in each and over all rows: as
/// [`super::segments()`], but for the search. The p-values are corrected for every segment there is.
///
/// # Errors
/// [`Unknown::TooFew`] below 60 rows on a side, [`Unknown::NotFinite`] where a variance is beyond a double.
pub fn movers(
    segments: &[(Segment, [Mean; 2])],
    all: &[Mean; 2],
    level: Level,
) -> Result<Vec<Found>, Unknown> {
    for side in all {
        enough(side.n())?;
    }
    // Around the mean of the reference: nothing cancels, and nothing depends on where zero is.
    let origin = all[0].value().unwrap_or(0.0);
    let change = Change::of(all.each_ref().map(|side| around(side, origin)));
    let each = level.each_of(segments.len());
    let found = segments.iter().map(|(segment, cells)| {
        let one = change.found(&cells.each_ref().map(|cell| around(cell, origin)), each)?;
        if !(one.effect.low.is_finite() && one.beyond_size.low.is_finite()) {
            return Err(Unknown::NotFinite);
        }
        Ok(Found { segment: segment.clone(), means: cells.each_ref().map(Mean::value), ..one })
    });
    Ok(corrected(found.collect::<Result<_, Unknown>>()?))
}

/// As sums around an origin.
fn around(mean: &Mean, origin: f64) -> Sums {
    let (Some(value), count) = (mean.value(), mean.n() as f64) else { return Sums::default() };
    let apart = value - origin;
    let squares = mean.variance().unwrap_or(0.0) * (count - 1.0) + apart * apart * count;
    Sums { count, sum: apart * count, squares }
}

/// By Holm. What is not a p-value cannot be corrected, and is no evidence.
fn adjusted(p_values: &[f64]) -> Vec<f64> {
    fdr::holm(p_values).unwrap_or_else(|_| vec![1.0; p_values.len()])
}

/// Corrected together, the largest first.
pub(super) fn corrected(mut found: Vec<Found>) -> Vec<Found> {
    let p_values: Vec<f64> = found.iter().map(|one| one.p_adjusted).collect();
    for (one, adjusted) in found.iter_mut().zip(adjusted(&p_values)) {
        one.p_adjusted = adjusted;
    }
    found.sort_by(|a, b| b.beyond_size.value.abs().total_cmp(&a.beyond_size.value.abs()));
    found
}

/// Σ (q − p) ln(q/p) of counts, less what chance adds, and its interval; never below zero.
fn jeffreys(counts: &[(u64, u64)], level: Level) -> Estimate {
    const PRIOR: f64 = 0.5;
    let seen: Vec<(f64, f64)> = counts
        .iter()
        .filter(|(was, is)| was + is > 0)
        .map(|(was, is)| (*was as f64 + PRIOR, *is as f64 + PRIOR))
        .collect();
    let (m, n) = seen.iter().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
    let rows = counts.iter().map(|(was, is)| was + is).sum();
    if seen.len() < 2 {
        return Estimate { value: 0.0, low: 0.0, high: 0.0, n: rows };
    }
    let (mut divergence, mut means, mut squares) = (0.0, [0.0; 2], [0.0; 2]);
    for (was, is) in seen.iter().map(|(was, is)| (was / m, is / n)) {
        let log = (is / was).ln();
        divergence += (is - was) * log;
        // How it moves with either share.
        let slopes = [1.0 - log - is / was, 1.0 + log - was / is];
        for (((mean, square), slope), share) in means.iter_mut().zip(&mut squares).zip(slopes).zip([was, is])
        {
            *mean += share * slope;
            *square += share * slope * slope;
        }
    }
    let chance = (seen.len() as f64 - 1.0) * (1.0 / m + 1.0 / n);
    let first =
        (squares[0] - means[0] * means[0]).max(0.0) / m + (squares[1] - means[1] * means[1]).max(0.0) / n;
    let second = 2.0 * chance * (1.0 / m + 1.0 / n);
    let half = level.z() * (first + second).sqrt();
    let value = divergence - chance;
    Estimate { value: value.max(0.0), low: (value - half).max(0.0), high: (value + half).max(0.0), n: rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Cell, Profile};
    use crate::random::Random;

    /// Over the stated share of repetitions the interval holds the divergence of the populations, and what nothing changed in is not told.
    #[test]
    fn the_interval_of_a_contribution_covers() {
        let mut random = Random::new(17);
        for tilt in [0.0, 0.3] {
            let shares: Vec<f64> =
                (0..8_u8).map(|i| (1.0 + tilt * (f64::from(i) - 3.5) / 3.5) / 8.0).collect();
            let truth: f64 = shares.iter().map(|q| (q - 0.125) * (q / 0.125).ln()).sum();
            let (runs, mut covered, mut told) = (600, 0, 0);
            for _ in 0..runs {
                let mut counts = [(0_u64, 0_u64); 8];
                (0..2_000).for_each(|_| counts[random.below(8)].0 += 1);
                for _ in 0..1_200 {
                    let mut left = random.unit();
                    let at = shares.iter().position(|share| {
                        left -= share;
                        left < 0.0
                    });
                    counts[at.unwrap_or(7)].1 += 1;
                }
                let of = jeffreys(&counts, Level::P95);
                covered += i32::from(of.low <= truth && truth <= of.high);
                told += i32::from(of.low > 0.0);
            }
            assert!(covered >= 555, "tilt {tilt}: {covered} of {runs}");
            assert!(if tilt == 0.0 { told < 45 } else { told > 400 }, "tilt {tilt}: told {told} of {runs}");
        }
    }

    /// What profiles keep gives what the rows give.
    #[test]
    fn movers_are_those_of_the_rows() {
        let mut random = Random::new(3);
        let mut cells = [[Mean::default(); 2]; 3];
        let mut profiles = [Profile::new(&["city"]), Profile::new(&["city"])];
        for side in [0, 1] {
            for _ in 0..2_000 {
                let city = random.below(3);
                let gain = if city == 2 && side == 1 { 2.0 } else { 0.0 };
                cells[city][side].push(1e6 + random.normal() + gain);
                profiles[side].add(&[Cell::Text(["Graz", "Linz", "Wels"][city])]);
            }
        }
        let all = [0, 1].map(|side: usize| {
            let mut all = Mean::default();
            cells.iter().for_each(|cell| all.merge(&cell[side]));
            all
        });
        let segments: Vec<_> = cells.into_iter().map(|cell| (Segment { parts: Vec::new() }, cell)).collect();
        let found = movers(&segments, &all, Level::P95).unwrap();
        let sum: f64 = found.iter().map(|one| one.effect.value).sum();
        assert!((sum - (all[1].value().unwrap() - all[0].value().unwrap())).abs() < 1e-6);
        assert!(found[0].p_adjusted < 1e-6 && found[0].beyond_size.low > 0.0, "{found:?}");
        assert!((found[0].means[1].unwrap() - found[0].means[0].unwrap() - 2.0).abs() < 0.3);
        // Nothing grew.
        let columns = Columns::of(&profiles[0], &profiles[1], &[]);
        assert!(pieces(&columns, Level::P95).unwrap().iter().all(|one| one.p_adjusted > 0.01));
        assert!(moved(&columns, Level::P95).iter().all(|one| one.p_adjusted > 0.01));
        assert!(grown(&[], [0, 0], Level::P95).unwrap().is_empty());
    }
}
