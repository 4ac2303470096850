use super::{Estimate, Level, Unknown};
use crate::distribution::student_t;

/// Count, mean and sum of squared deviations of a stream of numbers: merges, and answers with an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mean {
    n: u64,
    mean: f64,
    squares: f64,
}

impl Mean {
    /// Takes one number in (Welford, "Note on a method for calculating corrected sums of squares and products", 1962).
    pub fn push(&mut self, value: f64) {
        self.n = self.n.saturating_add(1);
        let before = value - self.mean;
        self.mean += before / self.n as f64;
        self.squares += before * (value - self.mean);
    }

    /// From a count, a mean and a variance (of the sample: divided by `n - 1`). Without numbers, mean and variance are nothing.
    pub fn of_moments(n: u64, mean: f64, variance: f64) -> Self {
        if n == 0 {
            return Self::default();
        }
        Self { n, mean, squares: if n > 1 { variance * (n as f64 - 1.0) } else { 0.0 } }
    }

    /// Of `hits` ones, and zeros else.
    pub fn of_rate(rate: super::Proportion) -> Self {
        let mean = rate.value().unwrap_or(0.0);
        let of = rate.of() as f64;
        Self { n: rate.of(), mean, squares: of * mean * (1.0 - mean) }
    }

    /// From a count, a sum and a sum of squares.
    pub(crate) fn of_sums(count: f64, sum: f64, squares: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, not negative")]
        let n = count as u64;
        let mean = if n > 0 { sum / count } else { 0.0 };
        Self { n, mean, squares: (squares - sum * mean).max(0.0) }
    }

    /// Both streams as one (Chan, Golub and LeVeque, 1979).
    pub fn merge(&mut self, other: &Self) {
        let (a, b) = (self.n as f64, other.n as f64);
        if other.n == 0 {
            return;
        }
        let distance = other.mean - self.mean;
        self.mean += distance * b / (a + b);
        self.squares += other.squares + distance * distance * a * b / (a + b);
        self.n = self.n.saturating_add(other.n);
    }

    /// Numbers taken in.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Their mean, unless there are none.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.n > 0).then_some(self.mean)
    }

    /// Their variance (of the sample: divided by `n - 1`), of two or more.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.n > 1).then(|| self.squares / (self.n as f64 - 1.0))
    }

    /// The mean with Student's interval ("The probable error of a mean", Biometrika 1908). Exact for normal values;
    /// for others right by the central limit, which heavy tails delay.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without numbers, [`Unknown::TooFew`] of one, [`Unknown::NotFinite`].
    pub fn student(&self, level: Level) -> Result<Estimate, Unknown> {
        let value = self.value().ok_or(Unknown::Empty)?;
        let variance = self.variance().ok_or(Unknown::TooFew { n: self.n, needed: 2 })?;
        if !(value.is_finite() && variance.is_finite()) {
            return Err(Unknown::NotFinite);
        }
        let half = -student_t::quantile(level.alpha() / 2.0, self.n as f64 - 1.0)
            * (variance / self.n as f64).sqrt();
        Ok(Estimate { value, low: value - half, high: value + half, n: self.n })
    }

    /// This mean less another one of other rows, with Welch's interval ("The generalization of Student's problem when
    /// several different population variances are involved", 1947): the variances may differ.
    ///
    /// # Errors
    /// [`Unknown::TooFew`] where a side has fewer than 2 numbers, [`Unknown::NotFinite`].
    pub fn minus(&self, other: &Self, level: Level) -> Result<Estimate, Unknown> {
        let n = self.n.min(other.n);
        let (Some(a), Some(b)) = (self.variance(), other.variance()) else {
            return Err(Unknown::TooFew { n, needed: 2 });
        };
        let (a, b) = (a / self.n as f64, b / other.n as f64);
        let value = self.mean - other.mean;
        let error = a + b;
        if !(value.is_finite() && error.is_finite()) {
            return Err(Unknown::NotFinite);
        }
        let freedom = error * error / (a * a / (self.n as f64 - 1.0) + b * b / (other.n as f64 - 1.0));
        let half =
            if error > 0.0 { -student_t::quantile(level.alpha() / 2.0, freedom) * error.sqrt() } else { 0.0 };
        Ok(Estimate { value, low: value - half, high: value + half, n: self.n.saturating_add(other.n) })
    }
}

impl FromIterator<f64> for Mean {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut mean = Self::default();
        values.into_iter().for_each(|value| mean.push(value));
        mean
    }
}

/// A correlation `r` of `n` pairs with the interval of Fisher's z, of standard error `sqrt(factor / (n - lost))`:
/// `(1, 3)` for Pearson (Fisher 1921), `(1 + r^2 / 2, 3)` for Spearman (Bonett and Wright 2000), `(0.437, 4)` for
/// Kendall (Fieller, Hartley and Pearson 1957).
///
/// # Errors
/// [`Unknown::TooFew`] unless `n > lost`; [`Unknown::Constant`] for a correlation of exactly one, which has no spread.
pub fn correlation(r: f64, n: u64, factor: f64, lost: u64, level: Level) -> Result<Estimate, Unknown> {
    if n <= lost {
        return Err(Unknown::TooFew { n, needed: lost.saturating_add(1) });
    }
    if r.abs() >= 1.0 || r.is_nan() {
        return Err(Unknown::Constant);
    }
    let half = level.z() * (factor / (n.saturating_sub(lost)) as f64).sqrt();
    let (low, high) = ((r.atanh() - half).tanh(), (r.atanh() + half).tanh());
    Ok(Estimate { value: r, low: low.min(r), high: high.max(r), n })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ten numbers worked by hand: mean 5.5, standard error 0.957427, t at 9 degrees 2.262157.
    #[test]
    fn student_by_hand() {
        let e = (1..=10).map(f64::from).collect::<Mean>().student(Level::P95).unwrap();
        assert!((e.value - 5.5).abs() < 1e-12 && (e.low - 3.334_149_410).abs() < 1e-8, "{e:?}");
    }

    #[test]
    fn one_number_has_no_interval() {
        let one: Mean = [3.0].into_iter().collect();
        assert_eq!(one.student(Level::P95), Err(Unknown::TooFew { n: 1, needed: 2 }));
        assert_eq!(Mean::default().student(Level::P95), Err(Unknown::Empty));
        assert_eq!(correlation(1.0, 10, 1.0, 3, Level::P95), Err(Unknown::Constant));
    }

    proptest! {
        #[test]
        fn merged_parts_are_the_whole(values in prop::collection::vec(-1e3f64..1e3, 2..60), cut in 0usize..60) {
            let cut = cut.min(values.len());
            let mut parts: Mean = values[..cut].iter().copied().collect();
            parts.merge(&values[cut..].iter().copied().collect());
            let whole: Mean = values.iter().copied().collect();
            prop_assert_eq!(parts.n(), whole.n());
            prop_assert!((parts.mean - whole.mean).abs() < 1e-9);
            prop_assert!((parts.squares - whole.squares).abs() < 1e-6 * (1.0 + whole.squares));
        }
    }
}
