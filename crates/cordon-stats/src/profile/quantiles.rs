//! A histogram of all numbers that chooses its own resolution and does not depend on the order in which it saw them.

use super::Resolution;
use crate::random::mixed;
use crate::sample::{key, value};

/// Exact counts in at most [`Quantiles::MOST`] intervals, or fewer where it is coarser ([`Resolution`]).
///
/// An interval is all doubles that share their leading bits, at first all 64: up to 2,048 distinct values it is exact. When
/// there are more, one bit fewer is kept, for all. How many bits that leaves follows from the set of values alone, whatever
/// the order and the way they were merged, so that merging is associative and commutative bit for bit. (Sketches that toss
/// coins or compact by arrival, such as KLL and t-digest, promise that only within their error.)
///
/// Counts are exact, only positions inside an interval are unknown: the error of a rank is at most the largest share of one
/// interval ([`Quantiles::rank_error`]), and every comparison of two of them on common intervals is exact.
#[derive(Debug, Clone)]
pub struct Quantiles {
    resolution: Resolution,
    /// Low bits that are not kept.
    dropped: u32,
    /// Open addressing; a count of zero is an empty place. A power of two, twice as long as there may be intervals when full.
    table: Vec<(u64, u64)>,
    used: usize,
    total: u64,
}

/// An interval of a [`Quantiles`] that counted something: `[low, high)`, or the one value `low` where it is exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The smallest number in it.
    pub low: f64,
    /// The smallest number above it.
    pub high: f64,
    /// How many values.
    pub count: u64,
}

impl Default for Quantiles {
    fn default() -> Self {
        Self::new(Resolution::default())
    }
}

impl PartialEq for Quantiles {
    fn eq(&self, other: &Self) -> bool {
        self.resolution == other.resolution
            && self.dropped == other.dropped
            && self.sorted() == other.sorted()
    }
}

impl Quantiles {
    /// The most intervals that are kept.
    pub const MOST: usize = 2_048;

    /// Of no number yet.
    pub fn new(resolution: Resolution) -> Self {
        Self { resolution, dropped: 0, table: vec![(0, 0); 64], used: 0, total: 0 }
    }

    /// Counts a finite number. Zero has no sign here.
    pub fn add(&mut self, number: f64) {
        self.total += 1;
        self.put(key(number + 0.0) >> self.dropped, 1);
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Is every distinct value an interval of its own?
    pub fn is_exact(&self) -> bool {
        self.dropped == 0
    }

    /// Low bits of a double's 64 that are not kept.
    pub(crate) fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Intervals that are kept.
    pub(super) fn kept(&self) -> usize {
        self.used
    }

    /// Distinct values while exact.
    pub fn distinct(&self) -> Option<u64> {
        self.is_exact().then_some(self.used as u64)
    }

    /// Adds what the other one counted.
    pub fn merge(&mut self, other: &Self) {
        self.limit(other.resolution);
        self.coarsen(other.dropped);
        for (key, count) in other.table.iter().filter(|(_, count)| *count > 0) {
            // Putting one may drop another bit.
            self.put(key >> (self.dropped - other.dropped), *count);
        }
        self.total += other.total;
    }

    /// The intervals, ascending.
    pub fn intervals(&self) -> Vec<Interval> {
        let from_key = |key: u64| if self.dropped == 0 { value(key) } else { value(key << self.dropped) };
        let next = |key: u64| {
            if self.dropped == 0 { value(key).next_up() } else { value((key + 1) << self.dropped) }
        };
        let interval = |(key, count): (u64, u64)| {
            // The last interval below zero ends at zero, whatever bits stand for it.
            let (low, high) = (from_key(key), next(key));
            Interval {
                low: low.max(-f64::MAX),
                high: if high.is_nan() { f64::INFINITY } else { high + 0.0 },
                count,
            }
        };
        self.sorted().into_iter().map(interval).collect()
    }

    /// The largest share of one interval: a rank or a value of the distribution function is off by no more. Zero while exact.
    pub fn rank_error(&self) -> f64 {
        if self.is_exact() || self.total == 0 {
            return 0.0;
        }
        let largest = self.table.iter().map(|(_, count)| *count).max().unwrap_or(0);
        largest as f64 / self.total as f64
    }

    /// A quantile: exactly the smallest value with at least the share `p` at or below it while exact, else by position in
    /// its interval. NaN when nothing was counted.
    pub fn quantile(&self, p: f64) -> f64 {
        let rank = (p.clamp(0.0, 1.0) * self.total as f64).max(1.0);
        let mut seen = 0.0;
        let mut last = f64::NAN;
        for interval in self.intervals() {
            let count = interval.count as f64;
            if seen + count >= rank {
                let share = if self.is_exact() { 0.0 } else { (rank - seen - 0.5) / count };
                let high = interval.high.min(f64::MAX);
                return interval.low + (high - interval.low) * share;
            }
            seen += count;
            last = interval.low;
        }
        last
    }

    /// The same counts with only as many bits as something with `dropped` keeps.
    pub(crate) fn coarsen(&mut self, dropped: u32) {
        if dropped > self.dropped {
            self.shift(dropped - self.dropped);
        }
    }

    /// No finer than this.
    pub(super) fn limit(&mut self, resolution: Resolution) {
        if resolution >= self.resolution {
            return;
        }
        self.resolution = resolution;
        while self.used > resolution.intervals() {
            self.shift(1);
        }
        let entries = std::mem::take(&mut self.table);
        let size = entries.len().min(2 * resolution.intervals());
        self.refill(size, entries.into_iter());
    }

    /// Keys with their counts, ascending.
    pub(crate) fn sorted(&self) -> Vec<(u64, u64)> {
        let mut entries: Vec<(u64, u64)> =
            self.table.iter().filter(|(_, count)| *count > 0).copied().collect();
        entries.sort_unstable();
        entries
    }

    /// From what [`Quantiles::sorted`] gave. `None` when there are too many or the bits do not fit.
    pub(super) fn of_sorted(resolution: Resolution, dropped: u32, entries: &[(u64, u64)]) -> Option<Self> {
        if entries.len() > resolution.intervals() || dropped > 63 {
            return None;
        }
        let mut made = Self { dropped, ..Self::new(resolution) };
        for (key, count) in entries {
            if *count == 0 || (dropped > 0 && key >> (64 - dropped) != 0) {
                return None;
            }
            made.total = made.total.checked_add(*count)?;
            made.put(*key, *count);
        }
        Some(made)
    }

    fn put(&mut self, key: u64, count: u64) {
        if self.find(key, count) && self.used > self.table.len() / 2 {
            if self.used > self.resolution.intervals() {
                self.shift(1);
            } else {
                let entries = std::mem::take(&mut self.table);
                self.refill(entries.len() * 2, entries.into_iter());
            }
        }
    }

    /// Adds to the place of a key; says whether it was a new one.
    fn find(&mut self, key: u64, count: u64) -> bool {
        let mask = self.table.len() - 1;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only as many low bits as the mask keeps are wanted"
        )]
        let mut at = mixed(key) as usize & mask;
        // Half of the table is empty, so the walk ends.
        while let Some(place) = self.table.get_mut(at) {
            if place.1 == 0 {
                *place = (key, count);
                self.used += 1;
                return true;
            }
            if place.0 == key {
                place.1 += count;
                return false;
            }
            at = (at + 1) & mask;
        }
        false
    }

    /// Drops bits, and more until the intervals are few enough.
    fn shift(&mut self, bits: u32) {
        self.dropped += bits;
        let entries = std::mem::take(&mut self.table);
        let size = entries.len();
        self.refill(size, entries.into_iter().map(|(key, count)| (key >> bits, count)));
        if self.used > self.resolution.intervals() {
            self.shift(1);
        }
    }

    fn refill(&mut self, size: usize, entries: impl Iterator<Item = (u64, u64)>) {
        self.table = vec![(0, 0); size];
        self.used = 0;
        for (key, count) in entries.filter(|(_, count)| *count > 0) {
            self.find(key, count);
        }
    }
}
