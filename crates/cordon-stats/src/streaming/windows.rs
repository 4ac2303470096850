use std::collections::VecDeque;

use crate::Sample;
use crate::drift::{Method, kolmogorov_smirnov};
use crate::input::InputError;
use crate::random::Random;

use super::Signal;

/// Kolmogorov–Smirnov windowing (Raab et al., 2020): the newest values against a random sample of those before them.
///
/// It looks at every step, so `level` is that of one look: take it small. The sample is drawn by a generator of our own from
/// the seed; river draws another one, so alarms are not at the same places.
#[derive(Debug, Clone)]
pub struct Kswin {
    level: f64,
    window: usize,
    newest: usize,
    values: VecDeque<f64>,
    random: Random,
}

impl Kswin {
    /// `level` of one look (0.005), values in the `window` (100), of them the `newest` (30) that are compared.
    ///
    /// # Errors
    /// When the newest are fewer than two or more than half of the window, or the level is not between 0 and 1.
    pub fn new(level: f64, window: usize, newest: usize, seed: u64) -> Result<Self, InputError> {
        if newest < 2 || newest > window / 2 {
            return Err(InputError::OutOfRange {
                what: "the newest values",
                must: "at least 2 and at most half of the window",
            });
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(InputError::OutOfRange { what: "the level", must: "above 0 and below 1" });
        }
        Ok(Self { level, window, newest, values: VecDeque::with_capacity(window), random: Random::new(seed) })
    }

    /// Takes a value; what is not finite says nothing.
    pub fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Quiet;
        }
        if self.values.len() == self.window {
            self.values.pop_front();
        }
        self.values.push_back(value);
        if self.values.len() < self.window {
            return Signal::Quiet;
        }
        let older = self.window - self.newest;
        let mut places: Vec<usize> = (0..older).collect();
        for i in 0..self.newest {
            let other = i + self.random.below(older - i);
            places.swap(i, other);
        }
        let drawn = places.iter().take(self.newest).filter_map(|at| self.values.get(*at).copied()).collect();
        let recent: Vec<f64> = self.values.iter().skip(older).copied().collect();
        let (Ok(drawn), Ok(newest)) = (Sample::new(drawn), Sample::new(recent.clone())) else {
            return Signal::Quiet;
        };
        let tested = kolmogorov_smirnov(&drawn, &newest, Method::Exact);
        // A tenth as the paper's implementation has it: smaller differences are none.
        if tested.p_value.at_most(self.level) && tested.statistic > 0.1 {
            self.values = recent.into();
            return Signal::Change;
        }
        Signal::Quiet
    }
}
