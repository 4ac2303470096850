//! Rows in the order of their scores: what the metrics of ranking are computed from, in two passes.

use super::Isotonic;
use super::isotonic::Place;
use crate::interval::Unknown;
use crate::sample::{key, value};

/// Rows of one score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tie {
    /// Where the score lies on the map that the probabilities are of.
    pub(super) place: Place,
    pub(super) rows: f64,
    /// Positive labels expected, and their variance.
    pub(super) positives: f64,
    pub(super) variance: f64,
}

/// Ties from the highest score down, with the sums of the first pass.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    ties: Vec<Tie>,
    rows: f64,
    positives: f64,
    negatives: f64,
    /// Pairs of a positive and a negative row that are in order, ties counted half.
    pairs: f64,
    /// The sum of each positive times the precision at its threshold.
    precision: f64,
    /// The sum of positives over the rows at their threshold or above.
    by_rows: f64,
}

/// Value and variance of a metric.
pub(super) type Measured = Result<(f64, f64), Unknown>;

/// A row with its calibrated probability.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) score: f64,
    pub(super) p: f64,
    pub(super) decision: bool,
}

impl Row {
    pub(super) fn variance(&self) -> f64 {
        self.p * (1.0 - self.p)
    }
}

/// Rows whose probabilities stand beside them, ranked.
pub(super) fn of_rows(rows: &mut [Row]) -> Result<Ranking, Unknown> {
    if rows.is_empty() {
        return Err(Unknown::Empty);
    }
    if rows.iter().any(|row| !row.score.is_finite()) {
        return Err(Unknown::NotFinite);
    }
    if rows.iter().any(|row| !(0.0..=1.0).contains(&row.p)) {
        return Err(Unknown::NotAProbability);
    }
    // As integers: they are compared without a branch. -0 and 0 are one score.
    rows.sort_unstable_by_key(|row| key(row.score + 0.0));
    let mut ranking = Ranking::default();
    for tie in rows.chunk_by(|a, b| a.score == b.score).rev() {
        ranking.push(Tie {
            place: Place::default(),
            rows: tie.len() as f64,
            positives: tie.iter().map(|row| row.p).sum(),
            variance: tie.iter().map(Row::variance).sum(),
        });
    }
    Ok(ranking)
}

/// Rows whose probabilities a map says, ranked; each tie is given with how many of its rows were decided positive.
pub(super) fn by_map(
    map: &Isotonic,
    scores: &[f64],
    decisions: &[bool],
    mut on_tie: impl FnMut(&Tie, f64),
) -> Result<Ranking, Unknown> {
    // By decision, so that only the scores themselves are sorted: as integers, without a branch. -0 and 0 are one score.
    let [mut chosen, mut others] = [Vec::new(), Vec::new()];
    for (score, decision) in scores.iter().zip(decisions) {
        if !score.is_finite() {
            return Err(Unknown::NotFinite);
        }
        if *decision { &mut chosen } else { &mut others }.push(key(score + 0.0));
    }
    if chosen.is_empty() && others.is_empty() {
        return Err(Unknown::Empty);
    }
    chosen.sort_unstable();
    others.sort_unstable();
    let mut ranking = Ranking { ties: Vec::with_capacity(chosen.len() + others.len()), ..Ranking::default() };
    let (mut chosen, mut others) = (chosen.as_slice(), others.as_slice());
    let mut walk = map.descend();
    while let Some(next) = chosen.last().max(others.last()).copied() {
        let (place, p) = walk.down_to(value(next));
        let of_chosen = taken(&mut chosen, next);
        let rows = of_chosen + taken(&mut others, next);
        let tie = Tie { place, rows, positives: rows * p, variance: rows * p * (1.0 - p) };
        on_tie(&tie, of_chosen);
        ranking.push(tie);
    }
    Ok(ranking)
}

/// How many of the last ones are this one; they are taken away.
fn taken(rest: &mut &[u64], key: u64) -> f64 {
    let mut count = 0_u32;
    while let Some((last, before)) = rest.split_last()
        && *last == key
    {
        count += 1;
        *rest = before;
    }
    f64::from(count)
}

impl Ranking {
    fn push(&mut self, tie: Tie) {
        let negatives = tie.rows - tie.positives;
        self.pairs += negatives * (self.positives + tie.positives / 2.0);
        self.rows += tie.rows;
        self.positives += tie.positives;
        self.negatives += negatives;
        let share = tie.positives / self.rows;
        self.precision += self.positives * share;
        self.by_rows += share;
        self.ties.push(tie);
    }

    /// Expected area under the ROC curve, with ties counted half, and expected average precision. The variance is that of the
    /// labels and, where there is one, of the map.
    pub(super) fn measured(&self, map: Option<&Isotonic>) -> [Measured; 2] {
        if self.positives <= 0.0 {
            return [Err(Unknown::OneClass); 2];
        }
        let pairs = self.positives * self.negatives;
        let (area, precision) = (self.pairs / pairs, self.precision / self.positives);
        let of_class_sizes = area / self.negatives - area / self.positives;
        let mut factors = map.map(Isotonic::factors).unwrap_or_default();
        let mut variances = [0.0; 2];
        let (mut above, mut below) = (0.0, self.negatives);
        let (mut rows, mut hits, mut later) = (0.0, 0.0, self.by_rows);
        for tie in &self.ties {
            // If one label of the tie turns from negative to positive, it gains the negatives below it, no longer loses to the
            // positives above it, and the classes change their sizes.
            let negatives = tie.rows - tie.positives;
            below -= negatives;
            let gained = below - above + (negatives - tie.positives) / 2.0;
            above += tie.positives;
            // And what it adds to the precision at its own threshold, and at each below it.
            rows += tie.rows;
            hits += tie.positives;
            let share = 1.0 / rows;
            let slopes =
                [gained / pairs + of_class_sizes, (hits * share + later - precision) / self.positives];
            later -= tie.positives * share;
            for (sum, slope) in variances.iter_mut().zip(slopes) {
                *sum += slope * slope * tie.variance;
            }
            tie.place.add(slopes.map(|slope| slope * tie.rows), &mut factors);
        }
        if let Some(map) = map {
            let [of_area, of_precision, _] = map.variances_of(&factors);
            variances = [variances[0] + of_area, variances[1] + of_precision];
        }
        let [of_area, of_precision] = variances;
        let area = if self.negatives > 0.0 { Ok((area, of_area)) } else { Err(Unknown::OneClass) };
        [area, Ok((precision, of_precision))]
    }
}
