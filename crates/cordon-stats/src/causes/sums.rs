use crate::distribution::student_t;
use crate::interval::{Estimate, Level, Mean, Proportion, Unknown};

/// Count, sum and sum of squares of an outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) count: f64,
    pub(super) sum: f64,
    pub(super) squares: f64,
}

impl Sums {
    pub(super) fn push(&mut self, outcome: f64) {
        self.count += 1.0;
        self.sum += outcome;
        self.squares += outcome * outcome;
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.count
    }

    pub(super) fn variance(&self) -> f64 {
        ((self.squares - self.sum * self.sum / self.count) / (self.count - 1.0)).max(0.0)
    }

    /// Squared distances from a number, summed up.
    pub(super) fn squares_around(&self, centre: f64) -> f64 {
        (self.squares - 2.0 * centre * self.sum + centre * centre * self.count).max(0.0)
    }

    pub(super) fn less(&self, part: &Self) -> Self {
        Self {
            count: self.count - part.count,
            sum: self.sum - part.sum,
            squares: self.squares - part.squares,
        }
    }

    fn rate(&self) -> Proportion {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of rows, not negative"
        )]
        let (hits, misses) = (self.sum as u64, (self.count - self.sum) as u64);
        Proportion::of_parts(hits, misses)
    }

    fn as_mean(&self) -> Mean {
        Mean::of_sums(self.count, self.sum, self.squares)
    }

    pub(super) fn minus(&self, other: &Self, is_rate: bool, level: Level) -> Result<Estimate, Unknown> {
        if is_rate {
            self.rate().minus(other.rate(), level)
        } else {
            self.as_mean().minus(&other.as_mean(), level)
        }
    }

    /// The p-value of equal means (Welch).
    pub(super) fn against(&self, other: &Self) -> f64 {
        let (a, b) = (self.variance() / self.count, other.variance() / other.count);
        let error = a + b;
        if !(error > 0.0 && error.is_finite()) {
            return 1.0;
        }
        let freedom = error * error / (a * a / (self.count - 1.0) + b * b / (other.count - 1.0));
        student_t::two_sided((self.mean() - other.mean()) / error.sqrt(), freedom)
    }

    /// How large a part of all rows this is.
    pub(super) fn share_of(&self, all: &Self, level: Level) -> Result<Estimate, Unknown> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of rows, not negative"
        )]
        let (hits, misses) = (self.count as u64, (all.count - self.count) as u64);
        Proportion::of_parts(hits, misses).wilson(level)
    }
}
