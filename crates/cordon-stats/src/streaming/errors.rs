use crate::input::{self, InputError};

use super::{Signal, means};

/// The drift detection method (Gama et al., 2004): the error rate rose above its best value by so many deviations.
///
/// The largest values are taken at the least p + s, as in the paper; an alarm needs `p + s > p_min + k s_min`.
#[derive(Debug, Clone)]
pub struct Ddm {
    least: u64,
    warning: f64,
    drift: f64,
    count: u64,
    rate: f64,
    best: Option<(f64, f64)>,
}

impl Ddm {
    /// `least`: values before it may say anything (30). `warning` and `drift`: deviations (2 and 3).
    ///
    /// # Errors
    /// When a number of deviations is not above zero.
    pub fn new(least: u64, warning: f64, drift: f64) -> Result<Self, InputError> {
        means::positive(warning, "the deviations of a warning")?;
        means::positive(drift, "the deviations of a change")?;
        Ok(Self { least, warning, drift, count: 0, rate: 0.0, best: None })
    }

    /// Takes whether a prediction was wrong.
    pub fn update(&mut self, error: bool) -> Signal {
        self.count += 1;
        self.rate += (f64::from(u8::from(error)) - self.rate) / self.count as f64;
        let deviation = (self.rate * (1.0 - self.rate) / self.count as f64).sqrt();
        if self.count <= self.least {
            return Signal::Quiet;
        }
        let here = self.rate + deviation;
        let (rate, spread) = match self.best {
            Some((rate, spread)) if here > rate + spread => (rate, spread),
            _ => (self.rate, deviation),
        };
        self.best = Some((rate, spread));
        if here > rate + self.drift * spread {
            (self.count, self.rate, self.best) = (0, 0.0, None);
            return Signal::Change;
        }
        if here > rate + self.warning * spread { Signal::Warning } else { Signal::Quiet }
    }
}

/// The early drift detection method (Baena-García et al., 2006): errors come closer together than at their best.
///
/// The spread of the distances has the divisor n − 1, and a warning stands until the next error, as in river.
#[derive(Debug, Clone)]
pub struct Eddm {
    least: u64,
    alpha: f64,
    beta: f64,
    count: u64,
    last_error: u64,
    errors: u64,
    mean: f64,
    squares: f64,
    best: f64,
    signal: Signal,
}

impl Eddm {
    /// `least`: errors before it may say anything (30). A share of the best distance below `alpha` (0.95) warns, below `beta` (0.9) is
    /// a change.
    ///
    /// # Errors
    /// When not 0 < `beta` ≤ `alpha` ≤ 1.
    pub fn new(least: u64, alpha: f64, beta: f64) -> Result<Self, InputError> {
        if !(input::is_positive(beta) && beta <= alpha && alpha <= 1.0) {
            return Err(InputError::OutOfRange {
                what: "alpha and beta",
                must: "above 0, at most 1, and beta at most alpha",
            });
        }
        let (count, last_error, errors, mean, squares, best) = (0, 0, 0, 0.0, 0.0, -1.0);
        Ok(Self { least, alpha, beta, count, last_error, errors, mean, squares, best, signal: Signal::Quiet })
    }

    /// Takes whether a prediction was wrong.
    pub fn update(&mut self, error: bool) -> Signal {
        self.count += 1;
        if !error {
            return self.signal;
        }
        self.errors += 1;
        let distance = (self.count - self.last_error) as f64;
        self.last_error = self.count;
        let before = distance - self.mean;
        self.mean += before / self.errors as f64;
        self.squares += before * (distance - self.mean);
        if self.count <= self.least {
            return self.signal;
        }
        let spread = if self.errors > 1 { (self.squares / (self.errors as f64 - 1.0)).sqrt() } else { 0.0 };
        let here = self.mean + 2.0 * spread;
        if here > self.best {
            self.best = here;
        } else if self.errors > self.least {
            let level = here / self.best;
            self.signal = if level < self.beta {
                Signal::Change
            } else if level < self.alpha {
                Signal::Warning
            } else {
                Signal::Quiet
            };
        }
        if self.signal == Signal::Change {
            (self.count, self.last_error, self.errors) = (0, 0, 0);
            (self.mean, self.squares, self.best, self.signal) = (0.0, 0.0, -1.0, Signal::Quiet);
            return Signal::Change;
        }
        self.signal
    }
}
