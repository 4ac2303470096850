use super::{Estimate, Level, Unknown};
use crate::PValue;
use crate::distribution::{beta, binomial};

/// `hits` of `of` observations: the count behind a rate.
///
/// Assumes independent observations with one probability. It misleads when they come in clusters (ten calls of one
/// user count as ten here), where the interval is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proportion {
    hits: u64,
    of: u64,
}

impl Proportion {
    /// `None` where there are more hits than observations.
    #[must_use]
    pub const fn new(hits: u64, of: u64) -> Option<Self> {
        if hits <= of { Some(Self { hits, of }) } else { None }
    }

    /// `hits` of the sum of both: never refused.
    #[must_use]
    pub const fn of_parts(hits: u64, misses: u64) -> Self {
        Self { hits, of: hits.saturating_add(misses) }
    }

    /// Observations that count.
    #[must_use]
    pub const fn hits(self) -> u64 {
        self.hits
    }

    /// All observations.
    #[must_use]
    pub const fn of(self) -> u64 {
        self.of
    }

    /// The rate, unless there are no observations.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Score interval of Wilson ("Probable inference", JASA 1927): right on average over the possible rates, also for
    /// few observations. The interval to take by default.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without observations.
    pub fn wilson(self, level: Level) -> Result<Estimate, Unknown> {
        let value = self.value().ok_or(Unknown::Empty)?;
        let (n, z) = (self.of as f64, level.z());
        let shrink = 1.0 + z * z / n;
        let centre = (value + z * z / (2.0 * n)) / shrink;
        let half = z * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt() / shrink;
        // At the ends the exact bound is 0 or 1; the formula misses it by rounding.
        let low = if self.hits == 0 { 0.0 } else { (centre - half).max(0.0).min(value) };
        let high = if self.hits == self.of { 1.0 } else { (centre + half).min(1.0).max(value) };
        Ok(Estimate { value, low, high, n: self.of })
    }

    /// Exact interval of Clopper and Pearson (Biometrika 1934): contains the truth in at least the stated share for
    /// every rate, and is therefore wider than needed for most. To take where a guarantee counts more than width.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without observations.
    pub fn clopper_pearson(self, level: Level) -> Result<Estimate, Unknown> {
        let value = self.value().ok_or(Unknown::Empty)?;
        let (k, n, tail) = (self.hits as f64, self.of as f64, level.alpha() / 2.0);
        let low = if self.hits == 0 { 0.0 } else { beta::quantile(k, n - k + 1.0, tail) };
        let high = if self.hits == self.of { 1.0 } else { beta::quantile(k + 1.0, n - k, 1.0 - tail) };
        Ok(Estimate { value, low: low.min(value), high: high.max(value), n: self.of })
    }

    /// Exact two-sided p-value of "the rate is one half" (the sign test). `None` without observations.
    #[must_use]
    pub fn against_half(self) -> Option<PValue> {
        let fewer = self.hits.min(self.of.saturating_sub(self.hits));
        (self.of > 0).then(|| PValue::of((2.0 * binomial::lower(fewer, self.of, 0.5)).min(1.0)))
    }

    /// `self - other` with the hybrid score interval of Newcombe (method 10 of "Interval estimation for the difference
    /// between independent proportions", Statistics in Medicine 1998): the squared distances to the two Wilson
    /// intervals are added.
    ///
    /// # Errors
    /// [`Unknown::Empty`] if one side has no observations.
    pub fn minus(self, other: Self, level: Level) -> Result<Estimate, Unknown> {
        let (a, b) = (self.wilson(level)?, other.wilson(level)?);
        let value = a.value - b.value;
        let low = value - (a.value - a.low).hypot(b.high - b.value);
        let high = value + (a.high - a.value).hypot(b.value - b.low);
        Ok(Estimate { value, low: low.max(-1.0), high: high.min(1.0), n: a.n.saturating_add(b.n) })
    }

    /// `self / other` with the MOVER interval of Donner and Zou ("Closed-form confidence intervals for functions of
    /// the normal mean and standard deviation", 2012) on the two Wilson intervals. The upper end is infinite where the
    /// other rate may be zero.
    ///
    /// # Errors
    /// [`Unknown::Empty`] if one side has no observations, or if the other has no hits: the ratio is then undefined.
    pub fn over(self, other: Self, level: Level) -> Result<Estimate, Unknown> {
        let (a, b) = (self.wilson(level)?, other.wilson(level)?);
        if other.hits == 0 {
            return Err(Unknown::Empty);
        }
        let value = a.value / b.value;
        let product = a.value * b.value;
        let spread = |end_a: f64, end_b: f64| {
            let (a_part, b_part) = (end_a * (2.0 * a.value - end_a), end_b * (2.0 * b.value - end_b));
            (a_part, b_part, (product * product - a_part * b_part).max(0.0).sqrt())
        };
        // The lower end in the form without cancellation, so that the denominator of the textbook form may be zero.
        let (a_part, _, root) = spread(a.low, b.high);
        let low = if self.hits == 0 { 0.0 } else { a_part / (product + root) };
        let (_, b_part, root) = spread(a.high, b.low);
        let high = if b_part > 0.0 { (product + root) / b_part } else { f64::INFINITY };
        Ok(Estimate { value, low: low.clamp(0.0, value), high: high.max(value), n: a.n.saturating_add(b.n) })
    }

    /// `self / other` with the log interval of Katz et al. ("Obtaining confidence intervals for the risk ratio in
    /// cohort studies", Biometrics 1978): what epidemiology prints. Too narrow for few hits; [`Self::over`] is the
    /// one to take.
    ///
    /// # Errors
    /// [`Unknown::Empty`] if one side has no observations or no hits: the logarithm says nothing there.
    pub fn over_log(self, other: Self, level: Level) -> Result<Estimate, Unknown> {
        if self.hits == 0 || other.hits == 0 {
            return Err(Unknown::Empty);
        }
        let inverse = |count: u64| 1.0 / count as f64;
        let value = (self.hits as f64 * other.of as f64) / (self.of as f64 * other.hits as f64);
        let variance = inverse(self.hits) - inverse(self.of) + inverse(other.hits) - inverse(other.of);
        let factor = (level.z() * variance.max(0.0).sqrt()).exp();
        let n = self.of.saturating_add(other.of);
        Ok(Estimate { value, low: value / factor, high: value * factor, n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    fn proportion(hits: u64, of: u64) -> Proportion {
        Proportion::new(hits, of).unwrap()
    }

    #[test]
    fn counts_that_contradict_are_refused() {
        assert_eq!(Proportion::new(2, 1), None);
        assert_eq!(proportion(0, 0).wilson(Level::P95), Err(Unknown::Empty));
        assert_eq!(proportion(1, 2).over(proportion(0, 5), Level::P95), Err(Unknown::Empty));
    }

    /// Example (a) of Newcombe's paper: 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    #[test]
    fn newcombe_agrees_with_the_paper() {
        let d = proportion(56, 70).minus(proportion(48, 80), Level::P95).unwrap();
        assert!((d.low - 0.0524).abs() < 5e-5 && (d.high - 0.3339).abs() < 5e-5, "{d:?}");
    }

    /// The stated share of intervals contains the truth: exact enumeration of all counts, not a simulation.
    #[test]
    fn clopper_pearson_holds_its_level_and_wilson_on_average() {
        let (n, mut wilson_sum) = (20, 0.0);
        let rates = (1..100).map(|i| f64::from(i) / 100.0);
        for p in rates.clone() {
            let (mut exact, mut wilson) = (0.0, 0.0);
            for k in 0..=n {
                let weight = binomial::mass(k, n, p);
                let contains = |e: Estimate| e.low <= p && p <= e.high;
                let counted = proportion(k, n);
                exact += f64::from(u8::from(contains(counted.clopper_pearson(Level::P95).unwrap()))) * weight;
                wilson += f64::from(u8::from(contains(counted.wilson(Level::P95).unwrap()))) * weight;
            }
            assert!(exact >= 0.95 - 1e-12, "{p}: {exact}");
            wilson_sum += wilson;
        }
        let mean = wilson_sum / 99.0;
        assert!((0.94..0.97).contains(&mean), "{mean}");
    }

    /// Coverage of the two comparisons at sizes where the normal interval fails (30 observations, rare hits).
    #[test]
    fn differences_and_ratios_contain_the_truth_as_often_as_stated() {
        let mut random = Random::new(11);
        let (p, q, runs) = (0.1, 0.3, 4000);
        let (mut difference, mut ratio) = (0, 0);
        for _ in 0..runs {
            let mut draw = |p: f64, n: u64| proportion((0..n).filter(|_| random.chance(p)).count() as u64, n);
            let (a, b) = (draw(p, 30), draw(q, 40));
            let d = a.minus(b, Level::P95).unwrap();
            difference += u32::from(d.low <= p - q && p - q <= d.high);
            ratio += u32::from(a.over(b, Level::P95).map_or(true, |r| r.low <= p / q && p / q <= r.high));
        }
        let share = |count: u32| f64::from(count) / f64::from(runs);
        assert!(share(difference) > 0.935, "{}", share(difference));
        assert!(share(ratio) > 0.935, "{}", share(ratio));
    }

    proptest! {
        #[test]
        fn intervals_contain_their_estimate_and_grow_with_the_level(
            of in 1u64..5000, hits in 0u64..5000, other_of in 1u64..5000, other_hits in 0u64..5000,
        ) {
            let a = proportion(hits.min(of), of);
            let b = proportion(other_hits.min(other_of), other_of);
            let wide = Level::new(0.99).unwrap();
            let of = |level| {
                [a.wilson(level), a.clopper_pearson(level), a.minus(b, level), a.over(b, level), a.over_log(b, level)]
            };
            for (narrow, wide) in of(Level::P95).into_iter().zip(of(wide)) {
                let (Ok(narrow), Ok(wide)) = (narrow, wide) else { continue };
                prop_assert!(narrow.low <= narrow.value && narrow.value <= narrow.high, "{narrow:?}");
                prop_assert!(wide.low <= narrow.low + 1e-12 && narrow.high <= wide.high + 1e-12, "{narrow:?} {wide:?}");
            }
        }

        #[test]
        fn a_difference_turned_round_is_the_negative(a in 0u64..50, b in 0u64..50) {
            let (x, y) = (proportion(a, 50), proportion(b, 50));
            let (d, e) = (x.minus(y, Level::P95).unwrap(), y.minus(x, Level::P95).unwrap());
            prop_assert!((d.low + e.high).abs() < 1e-12 && (d.high + e.low).abs() < 1e-12);
        }
    }
}
