use crate::input::{self, InputError};

use super::Signal;

/// Which way a mean may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Either way.
    Both,
    /// Down.
    Down,
    /// Up.
    Up,
}

/// The Page–Hinkley test (Page, 1954) with forgetting: the sum of what exceeds the running mean by more than `delta`.
///
/// ```
/// use cordon_stats::streaming::{Direction, PageHinkley, Signal};
/// let mut detector = PageHinkley::new(30, 0.005, 10.0, 0.9999, Direction::Both).unwrap();
/// let at = (0..200).position(|i| detector.update(if i < 100 { 0.0 } else { 1.0 }) == Signal::Change);
/// assert_eq!(at, Some(110));
/// ```
#[derive(Debug, Clone)]
pub struct PageHinkley {
    least: u64,
    delta: f64,
    threshold: f64,
    alpha: f64,
    direction: Direction,
    count: u64,
    mean: f64,
    up: f64,
    down: f64,
    least_up: f64,
    most_down: f64,
}

impl PageHinkley {
    /// `least`: values before it may alarm. `delta`: a change that is tolerated. `threshold`: what the sum must exceed. `alpha`:
    /// how much of the sum is kept at each step, 1 to forget nothing.
    ///
    /// # Errors
    /// When `threshold` or `alpha` is not above zero, or `alpha` above one, or a number is not finite.
    pub fn new(
        least: u64,
        delta: f64,
        threshold: f64,
        alpha: f64,
        direction: Direction,
    ) -> Result<Self, InputError> {
        input::finite(&[delta, threshold], "the parameters")?;
        positive(threshold, "the threshold")?;
        if !(input::is_positive(alpha) && alpha <= 1.0) {
            return Err(InputError::OutOfRange { what: "alpha", must: "above 0 and at most 1" });
        }
        let (count, mean, up, down) = (0, 0.0, 0.0, 0.0);
        let (least_up, most_down) = (f64::INFINITY, f64::NEG_INFINITY);
        Ok(Self { least, delta, threshold, alpha, direction, count, mean, up, down, least_up, most_down })
    }

    /// Takes a value; what is not finite says nothing.
    pub fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Quiet;
        }
        self.count += 1;
        self.mean += (value - self.mean) / self.count as f64;
        let deviation = value - self.mean;
        self.up = self.alpha * self.up + deviation - self.delta;
        self.down = self.alpha * self.down + deviation + self.delta;
        self.least_up = self.least_up.min(self.up);
        self.most_down = self.most_down.max(self.down);
        if self.count < self.least {
            return Signal::Quiet;
        }
        let up = self.up - self.least_up > self.threshold && self.direction != Direction::Down;
        let down = self.most_down - self.down > self.threshold && self.direction != Direction::Up;
        if !(up || down) {
            return Signal::Quiet;
        }
        (self.count, self.mean, self.up, self.down) = (0, 0.0, 0.0, 0.0);
        (self.least_up, self.most_down) = (f64::INFINITY, f64::NEG_INFINITY);
        Signal::Change
    }
}

/// The tabular CUSUM (Page, 1954) about a target that is known, such as the mean of a reference.
#[derive(Debug, Clone)]
pub struct Cusum {
    target: f64,
    slack: f64,
    threshold: f64,
    direction: Direction,
    high: f64,
    low: f64,
}

impl Cusum {
    /// `slack`: half of the shift that should be found. `threshold`: what the sum must exceed; with a slack of ½ and a threshold of 5
    /// standard deviations a normal stream alarms falsely once in about 465 values, both ways together (Montgomery).
    ///
    /// # Errors
    /// When the slack is below zero, the threshold is not above zero, or a number is not finite.
    pub fn new(target: f64, slack: f64, threshold: f64, direction: Direction) -> Result<Self, InputError> {
        input::finite(&[target, slack, threshold], "the parameters")?;
        positive(threshold, "the threshold")?;
        if slack < 0.0 {
            return Err(InputError::OutOfRange { what: "the slack", must: "at least 0" });
        }
        Ok(Self { target, slack, threshold, direction, high: 0.0, low: 0.0 })
    }

    /// Takes a value; what is not finite says nothing.
    pub fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Quiet;
        }
        let deviation = value - self.target;
        self.high = (self.high + deviation - self.slack).max(0.0);
        self.low = (self.low - deviation - self.slack).max(0.0);
        let up = self.high > self.threshold && self.direction != Direction::Down;
        let down = self.low > self.threshold && self.direction != Direction::Up;
        if up || down {
            (self.high, self.low) = (0.0, 0.0);
            return Signal::Change;
        }
        Signal::Quiet
    }
}

pub(super) fn positive(value: f64, what: &'static str) -> Result<(), InputError> {
    if input::is_positive(value) { Ok(()) } else { Err(InputError::OutOfRange { what, must: "above 0" }) }
}
