use super::{Alternative, Points, mann_whitney};
use crate::interval::{Estimate, Level, Unknown, delong};
use crate::linear::{self, Answer, Dense, Design};
use crate::{PValue, Sample};

/// Rows that a half of needs twice over.
const FEWEST: usize = 40;
/// Prior precision of a coefficient: what a few rows have cannot dominate.
const RIDGE: f64 = 1.0;

/// How well a classifier tells the rows of two tables apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Classified {
    /// The chance that a row of the current data looks more like current data than one of the reference does: 0.5 where
    /// nothing tells them apart.
    pub auc: Estimate,
    /// Could chance explain it?
    pub p_value: PValue,
}

/// A classifier two-sample test of points: can a linear classifier tell where a point comes from?
///
/// A logistic regression with a ridge on the standardised coordinates is fitted on every second point of each side and asked about
/// the others, then the other way round, so that what it learnt by heart counts for nothing. Two Mann–Whitney tests of its
/// scores on points that it had not seen give the p-value (twice the smaller: their dependence does not matter), which is
/// right whatever the classifier is worth (Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017; Kim, Ramdas, Singh and
/// Wasserman, "Classification accuracy as a proxy for two-sample testing", 2021).
///
/// Sees a shift of the centre in any direction, with more power in many dimensions than [`super::mmd`]; blind to a change of
/// spread or shape alone. Takes time for points × dimension²; a few thousand points say enough.
///
/// # Errors
/// [`Unknown::TooFew`] below 40 points on a side; [`Unknown::NotFinite`] where the dimensions differ or coordinates are too large;
/// [`Unknown::Constant`] where no coordinate varies.
pub fn classifier(reference: &Points, current: &Points, level: Level) -> Result<Classified, Unknown> {
    let dimension = reference.dimension();
    if dimension != current.dimension() {
        return Err(Unknown::NotFinite);
    }
    let all = || reference.rows().chain(current.rows());
    let n = (reference.len() + current.len()) as f64;
    let mut moments = vec![(0.0, 0.0); dimension];
    for point in all() {
        moments.iter_mut().zip(point).for_each(|((sum, _), x)| *sum += x / n);
    }
    for point in all() {
        moments.iter_mut().zip(point).for_each(|((mean, squares), x)| *squares += (x - *mean).powi(2) / n);
    }
    let scaled = |point: &[f64]| -> Vec<f64> {
        let coordinates = point.iter().zip(&moments);
        coordinates
            .map(|(x, (mean, squares))| if *squares > 0.0 { (x - mean) / squares.sqrt() } else { 0.0 })
            .collect()
    };
    let points: Vec<Vec<f64>> = all().map(scaled).collect();
    let design = Dense::new(points.iter().map(Vec::as_slice), dimension);
    cross_fitted(&design, [reference.len(), current.len()], level, |row, _, weights| design.dot(row, weights))
}

/// Fits on every second row of each table, asks about the others, and the other way round. `score` says what the coefficients
/// make of a row (its number among all, the reference's first, and whether it is of the current data).
pub(crate) fn cross_fitted(
    design: &impl Design,
    [was, is]: [usize; 2],
    level: Level,
    mut score: impl FnMut(usize, bool, &[f64]) -> f64,
) -> Result<Classified, Unknown> {
    let n = was.min(is);
    if n < FEWEST {
        return Err(Unknown::TooFew { n: n as u64, needed: FEWEST as u64 });
    }
    // Both tables weigh the same, so that scores do not depend on their sizes.
    let weight = |is_current: bool| (was + is) as f64 / (2.0 * if is_current { is } else { was } as f64);
    let of_half = |half: usize| {
        let place = move |row: usize| if row < was { row } else { row - was };
        (0..was + is).filter(move |row| place(*row) % 2 == half).map(move |row| (row, row >= was))
    };
    let mut areas = Vec::new();
    let mut least = 1.0_f64;
    for half in [0, 1] {
        let answers: Vec<Answer> = of_half(half).map(|(row, yes)| (row, yes, weight(yes))).collect();
        let weights = linear::logistic(design, &answers, RIDGE).ok_or(Unknown::NotFinite)?;
        let asked = of_half(1 - half).map(|(row, is_current)| (score(row, is_current, &weights), is_current));
        let (scores, labels): (Vec<f64>, Vec<bool>) = asked.unzip();
        areas.push(delong(&scores, &labels, level)?);
        least = least.min(larger(&scores, &labels)?.upper_bound());
    }
    Ok(Classified { auc: averaged(&areas), p_value: PValue::of((2.0 * least).min(1.0)) })
}

/// Are the scores of current rows larger than those of the reference?
fn larger(scores: &[f64], labels: &[bool]) -> Result<PValue, Unknown> {
    let of = |wanted: bool| {
        let own = scores.iter().zip(labels).filter(|(_, label)| **label == wanted);
        Sample::new(own.map(|(score, _)| *score).collect()).map_err(|_| Unknown::NotFinite)
    };
    let tested = mann_whitney(&of(false)?, &of(true)?, Alternative::CurrentLarger);
    Ok(tested.map_err(|_| Unknown::Constant)?.p_value)
}

/// The mean of two areas of different rows.
fn averaged(areas: &[Estimate]) -> Estimate {
    let count = areas.len().max(1) as f64;
    let value = areas.iter().map(|area| area.value).sum::<f64>() / count;
    let spread = |of: fn(&Estimate) -> f64| areas.iter().map(|a| of(a).powi(2)).sum::<f64>().sqrt() / count;
    Estimate {
        value,
        low: (value - spread(|a| a.value - a.low)).max(0.0),
        high: (value + spread(|a| a.high - a.value)).min(1.0),
        n: areas.iter().map(|area| area.n).sum(),
    }
}
