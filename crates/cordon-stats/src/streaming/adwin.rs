use std::collections::VecDeque;

use crate::input::InputError;

use super::Signal;

/// Buckets of one size before two of them are joined.
const MOST: usize = 5;

/// Adaptive windowing, ADWIN2 (Bifet and Gavaldà, 2007): keeps as long a window as has one mean, in memory that grows with the
/// logarithm of its length.
///
/// With [`AfterChange::Forget`] alarms, width and variance are those of river 0.26.1. Parity with river is a choice: the paper and
/// MOA keep the newer part of the window ([`AfterChange::Shrink`]), so that one change raises several alarms while the older
/// part goes. The bound of the false-alarm rate, `delta` at each look, is not one for the whole stream.
#[derive(Debug, Clone)]
pub struct Adwin {
    after: AfterChange,
    delta: f64,
    clock: u64,
    least_window: f64,
    grace: f64,
    /// By size: 1, 2, 4, …; in each row the oldest bucket first.
    rows: Vec<VecDeque<Bucket>>,
    width: f64,
    total: f64,
    /// The sum of squared deviations.
    variance: f64,
    ticks: u64,
}

/// What becomes of the window when a change was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterChange {
    /// It begins anew with the next value, as in river.
    Forget,
    /// Its newer part is kept, as in the paper.
    Shrink,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    total: f64,
    variance: f64,
}

impl Adwin {
    /// `delta`: confidence of one look (0.002). `clock`: values between looks (32). `least_window`: the shortest side of a cut (5).
    /// `grace`: values before the first look (10).
    ///
    /// # Errors
    /// When delta is not between 0 and 1, or the clock or the shortest side is zero.
    pub fn new(
        delta: f64,
        clock: u64,
        least_window: u32,
        grace: u32,
        after: AfterChange,
    ) -> Result<Self, InputError> {
        if !(delta > 0.0 && delta < 1.0) {
            return Err(InputError::OutOfRange { what: "delta", must: "above 0 and below 1" });
        }
        if clock == 0 || least_window == 0 {
            return Err(InputError::OutOfRange {
                what: "the clock and the shortest side",
                must: "at least 1",
            });
        }
        let (least_window, grace) = (f64::from(least_window), f64::from(grace));
        let rows = vec![VecDeque::with_capacity(MOST + 1)];
        Ok(Self {
            after,
            delta,
            clock,
            least_window,
            grace,
            rows,
            width: 0.0,
            total: 0.0,
            variance: 0.0,
            ticks: 0,
        })
    }

    /// Takes a value; what is not finite says nothing.
    pub fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Quiet;
        }
        self.insert(value);
        self.ticks += 1;
        if self.ticks.is_multiple_of(self.clock) && self.width > self.grace && self.shrink() {
            if self.after == AfterChange::Forget {
                self.rows.truncate(1);
                self.rows.iter_mut().for_each(VecDeque::clear);
                (self.width, self.total, self.variance, self.ticks) = (0.0, 0.0, 0.0, 0);
            }
            return Signal::Change;
        }
        Signal::Quiet
    }

    /// Values in the window.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// The mean of the window.
    pub fn mean(&self) -> f64 {
        if self.width > 0.0 { self.total / self.width } else { 0.0 }
    }

    /// The sum of the window.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// The sum of squared deviations from the mean of the window.
    pub fn squares(&self) -> f64 {
        self.variance
    }

    fn insert(&mut self, value: f64) {
        self.width += 1.0;
        if self.width > 1.0 {
            let before = self.width - 1.0;
            let deviation = value - self.total / before;
            self.variance += before * deviation * deviation / self.width;
        }
        self.total += value;
        let mut bucket = Bucket { total: value, variance: 0.0 };
        let mut size = 1.0;
        for row in &mut self.rows {
            row.push_back(bucket);
            if row.len() <= MOST {
                return;
            }
            let (Some(older), Some(newer)) = (row.pop_front(), row.pop_front()) else { return };
            bucket = joined(older, newer, size);
            size *= 2.0;
        }
        let mut row = VecDeque::with_capacity(MOST + 1);
        row.push_back(bucket);
        self.rows.push(row);
    }

    /// Drops the oldest buckets while two parts of the window differ; says whether they did.
    fn shrink(&mut self) -> bool {
        let mut changed = false;
        while self.differs() {
            changed = true;
            if !self.drop_oldest() {
                break;
            }
        }
        changed
    }

    /// Is there a cut of the window whose sides have different means?
    fn differs(&self) -> bool {
        let (mut n0, mut u0) = (0.0, 0.0);
        let log = (2.0 * self.width.ln() / self.delta).ln();
        // Rounding can leave a hair below zero.
        let variance = (self.variance / self.width).max(0.0);
        let mut size = row_size(self.rows.len());
        for row in self.rows.iter().rev() {
            for bucket in row {
                n0 += size;
                u0 += bucket.total;
                let n1 = self.width - n0;
                if n0 < self.least_window || n1 < self.least_window {
                    continue;
                }
                let difference = u0 / n0 - (self.total - u0) / n1;
                let inverse = 1.0 / (n0 - self.least_window + 1.0) + 1.0 / (n1 - self.least_window + 1.0);
                let epsilon = (2.0 * inverse * variance * log).sqrt() + 2.0 / 3.0 * log * inverse;
                if difference.abs() > epsilon {
                    return true;
                }
            }
            size /= 2.0;
        }
        false
    }

    fn drop_oldest(&mut self) -> bool {
        let size = row_size(self.rows.len());
        let Some(bucket) = self.rows.last_mut().and_then(VecDeque::pop_front) else { return false };
        self.width -= size;
        self.total -= bucket.total;
        let difference = bucket.total / size - self.total / self.width;
        self.variance -= bucket.variance + size * self.width * difference * difference / (size + self.width);
        // The row of single values stays.
        while self.rows.len() > 1 && self.rows.last().is_some_and(VecDeque::is_empty) {
            self.rows.pop();
        }
        true
    }
}

fn joined(older: Bucket, newer: Bucket, size: f64) -> Bucket {
    let difference = (older.total - newer.total) / size;
    let between = size * size * difference * difference / (2.0 * size);
    Bucket { total: older.total + newer.total, variance: older.variance + newer.variance + between }
}

/// The size of the buckets of the last of so many rows.
fn row_size(rows: usize) -> f64 {
    2.0_f64.powi(i32::try_from(rows).unwrap_or(i32::MAX) - 1)
}
