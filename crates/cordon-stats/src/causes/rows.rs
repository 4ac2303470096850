use crate::copies;
use crate::linear::Design;
use crate::random::Random;
use std::hash::{DefaultHasher, Hasher as _};

/// A fair sample of the rows of one table, as codes of [`super::Columns`] with an outcome each: every row of the table is in it
/// with the same chance (Vitter's algorithm R, 1985, with a seed), and all are while there is room.
#[derive(Debug, Clone)]
pub struct Rows {
    columns: usize,
    codes: Vec<u8>,
    outcomes: Vec<f64>,
    /// What equal rows have in common.
    keys: Vec<u64>,
    seen: u64,
    random: Random,
    most: usize,
}

impl Rows {
    /// The most rows that are usually kept: 100,000 give intervals of a third of a percent of a standard deviation.
    pub const USUAL: usize = 100_000;

    /// A sample of at most `most` rows of so many columns.
    pub fn new(columns: usize, most: usize, seed: u64) -> Self {
        let random = Random::new(seed);
        let (codes, outcomes, keys) = (Vec::new(), Vec::new(), Vec::new());
        Self { columns, codes, outcomes, keys, seen: 0, random, most: most.max(1) }
    }

    /// A row: the codes that [`super::Columns::encode`] gave, and its outcome (any number where there is none). Rows of another length
    /// and outcomes that are not finite are not taken; then the answer is false. Rows of equal codes and outcomes are equal; where what was
    /// coded is at hand, [`Self::push_row`] knows better.
    pub fn push(&mut self, codes: &[u8], outcome: f64) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(codes);
        hasher.write_u64((outcome + 0.0).to_bits());
        self.push_row(codes, outcome, hasher.finish())
    }

    /// The same, with a hash of the row before it was coded: equal rows have equal ones.
    pub fn push_row(&mut self, codes: &[u8], outcome: f64, key: u64) -> bool {
        if codes.len() != self.columns || !outcome.is_finite() {
            return false;
        }
        self.seen += 1;
        if self.outcomes.len() < self.most {
            self.codes.extend_from_slice(codes);
            self.outcomes.push(outcome);
            self.keys.push(key);
            return true;
        }
        let place = self.random.below(usize::try_from(self.seen).unwrap_or(usize::MAX));
        if let Some(kept) = self.outcomes.get_mut(place) {
            *kept = outcome;
            self.keys.iter_mut().skip(place).take(1).for_each(|kept| *kept = key);
            let from = place * self.columns;
            if let Some(kept) = self.codes.get_mut(from..from + self.columns) {
                kept.copy_from_slice(codes);
            }
        }
        true
    }

    /// Leaves out copies: rows that are equal to earlier ones of their own side and to none of the other, where rows were copied. Equal rows
    /// are no copies where both sides have them, as few values make it. Says how many each side has lost. What is estimated from rows
    /// takes them as independent, and halves of a table that have the same rows know each other.
    pub fn leave_out_copies(reference: &mut Self, current: &mut Self) -> [usize; 2] {
        let Some([was, is]) = copies::without(&reference.keys, &current.keys) else { return [0, 0] };
        [reference.keep(&was), current.keep(&is)]
    }

    fn keep(&mut self, kept: &[bool]) -> usize {
        let before = self.len();
        let whole = std::mem::replace(self, Self::new(self.columns, self.most, 0));
        (self.seen, self.random) = (whole.seen, whole.random.clone());
        for (row, _) in kept.iter().enumerate().filter(|(_, is_kept)| **is_kept) {
            self.codes.extend_from_slice(whole.codes(row));
            self.outcomes.push(whole.outcome(row));
            self.keys.extend(whole.keys.get(row));
        }
        before - self.len()
    }

    /// Rows in the sample.
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Is there no row?
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Rows that were offered.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn codes(&self, row: usize) -> &[u8] {
        self.codes.get(row * self.columns..(row + 1) * self.columns).unwrap_or_default()
    }

    pub(super) fn outcome(&self, row: usize) -> f64 {
        self.outcomes.get(row).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn outcomes(&self) -> &[f64] {
        &self.outcomes
    }

    /// Every row, codes and outcome.
    pub(super) fn each(&self) -> impl Iterator<Item = (&[u8], f64)> {
        // Without columns there are no codes to cut.
        (0..self.len()).map(|row| (self.codes(row), self.outcome(row)))
    }
}

/// The rows of both tables, one after the other, as rows of zeros and ones.
pub(super) struct OneHot<'a> {
    pub(super) tables: [&'a Rows; 2],
    pub(super) starts: &'a [usize],
    pub(super) width: usize,
}

impl OneHot<'_> {
    /// The places that are one.
    fn places(&self, row: usize) -> impl Iterator<Item = usize> {
        let [first, second] = self.tables;
        let codes =
            if row < first.len() { first.codes(row) } else { second.codes(row.saturating_sub(first.len())) };
        let of_codes = self.starts.iter().zip(codes).map(|(start, code)| start + usize::from(*code));
        std::iter::once(0).chain(of_codes)
    }
}

impl Design for OneHot<'_> {
    fn width(&self) -> usize {
        self.width
    }

    fn dot(&self, row: usize, weights: &[f64]) -> f64 {
        self.places(row).filter_map(|place| weights.get(place)).sum()
    }

    fn add(&self, row: usize, times: f64, sum: &mut [f64]) {
        for place in self.places(row) {
            if let Some(cell) = sum.get_mut(place) {
                *cell += times;
            }
        }
    }

    fn add_square(&self, row: usize, times: f64, gram: &mut [f64]) {
        for (at, place) in self.places(row).enumerate() {
            let Some(line) = gram.get_mut(place * self.width..=place * self.width + place) else { continue };
            // Places ascend: the earlier ones are those of the lower triangle.
            for other in self.places(row).take(at + 1) {
                if let Some(cell) = line.get_mut(other) {
                    *cell += times;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of 100 rows is kept about as often as every other one.
    #[test]
    fn the_sample_is_fair_and_bounded() {
        let mut kept = [0_u32; 100];
        for seed in 0..2_000 {
            let mut rows = Rows::new(1, 10, seed);
            (0..100_u8).for_each(|row| assert!(rows.push(&[row], f64::from(row))));
            assert_eq!((rows.len(), rows.seen()), (10, 100));
            for (codes, outcome) in rows.each() {
                assert_eq!(f64::from(codes[0]), outcome);
                kept[usize::from(codes[0])] += 1;
            }
        }
        // Expected 200 each, standard deviation 13.4.
        assert!(kept.iter().all(|times| (140..260).contains(times)), "{kept:?}");
        let mut rows = Rows::new(1, 10, 0);
        assert!(!rows.push(&[1, 2], 0.0) && !rows.push(&[1], f64::NAN) && rows.is_empty());
    }
}
