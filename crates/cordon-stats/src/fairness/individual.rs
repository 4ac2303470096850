//! Whether like people are treated alike.

use crate::PValue;
use crate::interval::{Proportion, Unknown};
use crate::random::Random;

/// Decisions for the same people with a protected attribute changed (and nothing else): a counterfactual flip is a
/// decision that changed with it (Kusner et al., "Counterfactual fairness", 2017, in its simplest form). Merges.
///
/// What follows from the attribute in the real world (a name, a school) is not changed with it unless the caller does so:
/// no flips are no proof of fairness.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flips {
    gained: u64,
    lost: u64,
    same: u64,
}

impl Flips {
    /// One person: the decision as it was, and with the attribute changed.
    pub const fn push(&mut self, original: bool, changed: bool) {
        let count = match (original, changed) {
            (false, true) => &mut self.gained,
            (true, false) => &mut self.lost,
            _ => &mut self.same,
        };
        *count = count.saturating_add(1);
    }

    /// Both sets of people as one.
    pub const fn merge(&mut self, other: &Self) {
        self.gained = self.gained.saturating_add(other.gained);
        self.lost = self.lost.saturating_add(other.lost);
        self.same = self.same.saturating_add(other.same);
    }

    /// Share of people whose decision changed.
    #[must_use]
    pub const fn rate(&self) -> Proportion {
        Proportion::of_parts(self.gained.saturating_add(self.lost), self.same)
    }

    /// Of those, the share that was selected only with the attribute changed: one half where flips are noise.
    #[must_use]
    pub const fn gained(&self) -> Proportion {
        Proportion::of_parts(self.gained, self.lost)
    }

    /// Exact two-sided test that flips go either way equally often. `None` without flips.
    #[must_use]
    pub fn direction(&self) -> Option<PValue> {
        self.gained().against_half()
    }
}

/// How often scores differ more than people do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lipschitz {
    /// Pairs whose scores differ by more than the constant times their distance.
    pub violations: Proportion,
    /// Largest ratio of the difference of scores to the distance; infinite for equal people with different scores.
    pub largest: f64,
    /// Rows of that pair.
    pub worst: (usize, usize),
}

/// Fairness through awareness (Dwork et al., 2012): people at a distance `d` may differ by at most `constant * d` in
/// their scores. `pairs` pairs are drawn with `seed`, so that the cost is bounded and the answer repeatable; the interval
/// of the share is Wilson's (pairs share people, which makes it somewhat too narrow for few rows).
///
/// `rows` hold features as numbers of comparable scale (standardise them first; leave the protected ones out). The
/// distance is Euclidean: it, not the formula, decides what "alike" means.
///
/// # Errors
/// [`Unknown::TooFew`] below two rows, [`Unknown::NotFinite`] on a value that is no number or rows of different lengths.
pub fn lipschitz(
    rows: &[&[f64]],
    scores: &[f64],
    constant: f64,
    pairs: u32,
    seed: u64,
) -> Result<Lipschitz, Unknown> {
    let n = rows.len().min(scores.len());
    if n < 2 {
        return Err(Unknown::TooFew { n: n as u64, needed: 2 });
    }
    let width = rows.first().map_or(0, |row| row.len());
    let numbers = |row: &&[f64]| row.len() == width && row.iter().all(|value| value.is_finite());
    if !(rows.iter().take(n).all(numbers) && scores.iter().take(n).all(|score| score.is_finite())) {
        return Err(Unknown::NotFinite);
    }
    let mut random = Random::new(seed);
    let (mut violations, mut largest, mut worst) = (0_u64, 0.0_f64, (0, 0));
    for _ in 0..pairs {
        let first = random.below(n);
        // Another row, each equally often.
        let second = (first + 1 + random.below(n - 1)) % n;
        let (Some(a), Some(b), Some(x), Some(y)) =
            (rows.get(first), rows.get(second), scores.get(first), scores.get(second))
        else {
            continue;
        };
        let distance = a.iter().zip(*b).map(|(p, q)| (p - q) * (p - q)).sum::<f64>().sqrt();
        let difference = (x - y).abs();
        violations += u64::from(difference > constant * distance);
        let ratio = if difference == 0.0 { 0.0 } else { difference / distance };
        if ratio > largest {
            (largest, worst) = (ratio, (first, second));
        }
    }
    let violations = Proportion::of_parts(violations, u64::from(pairs).saturating_sub(violations));
    Ok(Lipschitz { violations, largest, worst })
}

/// A person and the one who is most like them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbours {
    /// The person, and the one who is most like them.
    pub rows: (usize, usize),
    /// How far they are apart.
    pub distance: f64,
    /// The difference of their scores, without its sign.
    pub difference: f64,
}

impl Neighbours {
    /// Do their scores differ by more than `constant` times their distance?
    #[must_use]
    pub fn exceeds(&self, constant: f64) -> bool {
        self.difference > constant * self.distance
    }

    /// The lower row first: the same for both who are most like each other.
    #[must_use]
    pub fn in_order(&self) -> (usize, usize) {
        (self.rows.0.min(self.rows.1), self.rows.0.max(self.rows.1))
    }
}

/// Each person beside the one who is most like them. Of pairs that are drawn at random ([`lipschitz`]) hardly any are alike where
/// there are several features; of these all are as much alike as the data has it. The share that exceeds a constant has Wilson's
/// interval over people; those who share a neighbour make it somewhat too narrow.
///
/// `distance` is that of two rows, by whatever makes people alike for this purpose (the protected attribute is none of it). Of several who are
/// as near, the next one in the order of the rows is taken, the first after the last: shuffle or sample them first. Takes time in the
/// square of the rows. A distance that is NaN is none.
///
/// # Errors
/// [`Unknown::TooFew`] below two rows, [`Unknown::NotFinite`] for a score that is no number.
pub fn nearest(scores: &[f64], distance: impl Fn(usize, usize) -> f64) -> Result<Vec<Neighbours>, Unknown> {
    let n = scores.len();
    if n < 2 {
        return Err(Unknown::TooFew { n: n as u64, needed: 2 });
    }
    if !scores.iter().all(|score| score.is_finite()) {
        return Err(Unknown::NotFinite);
    }
    let mut all = Vec::with_capacity(n);
    for (row, score) in scores.iter().enumerate() {
        let mut best: Option<Neighbours> = None;
        for (other, others) in scores.iter().enumerate().cycle().skip(row + 1).take(n - 1) {
            let distance = distance(row, other);
            if best.map_or(!distance.is_nan(), |best| distance < best.distance) {
                let difference = (score - others).abs();
                best = Some(Neighbours { rows: (row, other), distance, difference });
            }
        }
        all.extend(best);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Level;

    /// On a line at 0, 1, 3 and 7: the neighbours are 1, 0, 1 and 3's left one; scores by hand.
    #[test]
    fn everybody_stands_beside_who_is_most_like_them() {
        let (at, scores) = ([0.0_f64, 1.0, 3.0, 7.0], [0.1, 0.2, 0.9, 0.8]);
        let all = nearest(&scores, |a, b| (at[a] - at[b]).abs()).unwrap();
        let rows: Vec<_> = all.iter().map(|pair| pair.rows).collect();
        assert_eq!(rows, [(0, 1), (1, 0), (2, 1), (3, 2)]);
        // Differences of 0.1, 0.1, 0.7 and 0.1 over distances of 1, 1, 2 and 4.
        let beyond = |constant| all.iter().filter(|pair| pair.exceeds(constant)).count();
        assert_eq!((beyond(0.02), beyond(0.05), beyond(0.2), beyond(0.36)), (4, 3, 1, 0));
        assert_eq!(all[1].in_order(), (0, 1));
        // Equals with different scores exceed every constant; of equals the next one is taken.
        let equal = nearest(&[0.1, 0.2, 0.2], |_, _| 0.0).unwrap();
        assert_eq!(equal.iter().map(|pair| pair.rows).collect::<Vec<_>>(), [(0, 1), (1, 2), (2, 0)]);
        assert!(equal[0].exceeds(1e9) && !equal[1].exceeds(0.0));
        assert_eq!(nearest(&[0.5], |_, _| 0.0), Err(Unknown::TooFew { n: 1, needed: 2 }));
        assert_eq!(nearest(&[0.5, f64::NAN], |_, _| 0.0), Err(Unknown::NotFinite));
        assert_eq!(nearest(&[0.5, 0.6], |_, _| f64::NAN), Ok(Vec::new()));
    }

    #[test]
    fn flips_in_one_direction_are_told_from_noise() {
        let mut flips = Flips::default();
        assert_eq!((flips.direction(), flips.rate().value()), (None, None));
        for person in 0..1000 {
            flips.push(person % 2 == 0 && person % 40 != 0, person % 2 == 0);
        }
        assert_eq!((flips.rate().value(), flips.gained().value()), (Some(0.025), Some(1.0)));
        assert!(flips.direction().unwrap().at_most(1e-6));
        let mut noise = Flips::default();
        (0..40).for_each(|person| noise.push(person % 2 == 0, person % 2 == 1));
        noise.merge(&Flips::default());
        assert!(!noise.direction().unwrap().at_most(0.5));
    }

    #[test]
    fn equal_people_with_different_scores_are_found() {
        let values: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i), 0.0]).collect();
        let mut rows: Vec<&[f64]> = values.iter().map(|row| row.as_slice()).collect();
        let mut scores: Vec<f64> = (0..50).map(|i| 0.01 * f64::from(i)).collect();
        let fair = lipschitz(&rows, &scores, 0.011, 2000, 1).unwrap();
        assert_eq!(fair.violations.hits(), 0);
        assert!((fair.largest - 0.01).abs() < 1e-9);
        rows.push(&[7.0, 0.0]);
        scores.push(0.9);
        let unfair = lipschitz(&rows, &scores, 0.011, 20_000, 1).unwrap();
        assert_eq!((unfair.largest, unfair.worst.0.max(unfair.worst.1)), (f64::INFINITY, 50));
        assert!(unfair.violations.wilson(Level::P95).unwrap().low > 0.0);
        assert_eq!(unfair, lipschitz(&rows, &scores, 0.011, 20_000, 1).unwrap());
    }

    #[test]
    fn odd_rows_say_so() {
        assert_eq!(lipschitz(&[&[1.0]], &[1.0], 1.0, 9, 0), Err(Unknown::TooFew { n: 1, needed: 2 }));
        assert_eq!(lipschitz(&[&[1.0], &[1.0, 2.0]], &[1.0, 2.0], 1.0, 9, 0), Err(Unknown::NotFinite));
    }
}
