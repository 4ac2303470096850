use super::{Direction, OutOfRange};
use crate::distribution::beta;
use crate::interval::{Estimate, Unknown};

/// An anytime-valid test of a rate: the beta-binomial mixture e-process.
///
/// The likelihood of the observations, averaged over the possible rates with a uniform prior (Ville 1939; Robbins 1970;
/// the prior only decides where the test is fastest, never whether it is valid), divided by their likelihood at the
/// null. For [`Direction::Up`] the prior is cut at the null and the null is "at most this rate"; so a harmless
/// tolerance belongs into the null. Assumes that each observation has the null's rate whatever came before; bursts of
/// dependent failures break that.
///
/// ```
/// use cordon_stats::sequential::{Direction, RateTest};
/// let mut test = RateTest::new(0.01, Direction::Up)?;
/// test.add(3, 100); // three failures in the first hundred calls: not yet
/// assert!(test.log_e() < (1.0_f64 / 0.05).ln());
/// test.add(9, 100);
/// assert!(test.alarms(0.05));
/// # Ok::<(), cordon_stats::sequential::OutOfRange>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateTest {
    null: f64,
    direction: Direction,
    hits: u64,
    misses: u64,
}

impl RateTest {
    /// A test against the rate `null`.
    ///
    /// # Errors
    /// [`OutOfRange`] unless the null lies strictly between 0 and 1.
    pub fn new(null: f64, direction: Direction) -> Result<Self, OutOfRange> {
        OutOfRange::open_unit("the rate of the null", null)?;
        Ok(Self { null, direction, hits: 0, misses: 0 })
    }

    /// One observation.
    pub fn push(&mut self, hit: bool) {
        self.add(u64::from(hit), 1);
    }

    /// `hits` of `of` observations at once; hits beyond `of` do not count.
    pub fn add(&mut self, hits: u64, of: u64) {
        let hits = hits.min(of);
        self.hits = self.hits.saturating_add(hits);
        self.misses = self.misses.saturating_add(of.saturating_sub(hits));
    }

    /// Natural logarithm of the e-value.
    #[must_use]
    pub fn log_e(&self) -> f64 {
        self.log_e_at(self.null, self.direction)
    }

    /// The evidence has reached `1 / alpha`: under the null this ever happens with probability at most `alpha`.
    #[must_use]
    pub fn alarms(&self, alpha: f64) -> bool {
        self.log_e() >= -alpha.ln()
    }

    /// The rate with its confidence sequence: at all times at once it contains the truth with probability at least
    /// `1 - alpha`, whatever the null of this test is.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without observations.
    pub fn interval(&self, alpha: f64) -> Result<Estimate, Unknown> {
        let n = self.hits.saturating_add(self.misses);
        if n == 0 {
            return Err(Unknown::Empty);
        }
        let value = self.hits as f64 / n as f64;
        let inside = |p: f64| self.log_e_at(p, Direction::Both) < -alpha.ln();
        // The e-value is convex in the rate with its least value at the estimate: one end on each side.
        let low = if self.hits == 0 { 0.0 } else { boundary(value, 0.0, inside) };
        let high = if self.misses == 0 { 1.0 } else { boundary(value, 1.0, inside) };
        Ok(Estimate { value, low, high, n })
    }

    fn log_e_at(&self, null: f64, direction: Direction) -> f64 {
        let (hits, misses) = (self.hits as f64, self.misses as f64);
        let (a, b) = (1.0 + hits, 1.0 + misses);
        // ln B(1 + s, 1 + f) - ln B(1, 1), and ln B(1, 1) = 0.
        let mixture = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
        let at_null = term(hits, null.ln()) + term(misses, (-null).ln_1p());
        let part = match direction {
            Direction::Both => 0.0,
            Direction::Down => beta::lower(a, b, null).ln() - null.ln(),
            Direction::Up => beta::upper(a, b, null).ln() - (-null).ln_1p(),
        };
        mixture - at_null + part
    }
}

/// `count * log`, where no observations of a kind count nothing, even at a rate of zero.
fn term(count: f64, log: f64) -> f64 {
    if count == 0.0 { 0.0 } else { count * log }
}

/// The last point outside, from `inside` (where the condition holds) towards `end`: the interval is never too narrow.
fn boundary(inside_at: f64, end: f64, inside: impl Fn(f64) -> bool) -> f64 {
    let (mut within, mut without) = (inside_at, end);
    for _ in 0..80 {
        let middle = f64::midpoint(within, without);
        if inside(middle) { within = middle } else { without = middle }
    }
    without
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::binomial;
    use proptest::prelude::*;

    #[test]
    fn no_observations_are_no_evidence() {
        for direction in [Direction::Both, Direction::Down, Direction::Up] {
            let test = RateTest::new(0.3, direction).unwrap();
            assert!(test.log_e().abs() < 1e-12);
            assert_eq!(test.interval(0.05), Err(Unknown::Empty));
        }
        assert!(RateTest::new(0.0, Direction::Up).is_err());
    }

    /// Under the null the expectation of the e-value is exactly 1 after any fixed number of observations: enumerated.
    #[test]
    fn expectation_under_the_null_is_one() {
        let (n, p): (u64, f64) = (12, 0.2);
        for (direction, null, expected) in [
            (Direction::Both, p, 1.0),
            (Direction::Up, p, 1.0),
            (Direction::Down, p, 1.0),
            (Direction::Up, 0.3, 0.999),
        ] {
            let expectation: f64 = (0..=n)
                .map(|k| {
                    let mut test = RateTest::new(null, direction).unwrap();
                    test.add(k, n);
                    binomial::mass(k, n, p) * test.log_e().exp()
                })
                .sum();
            let below_its_null = null > p;
            let fits =
                if below_its_null { expectation <= expected } else { (expectation - expected).abs() < 1e-9 };
            assert!(fits, "{direction:?} {null}: {expectation}");
        }
    }

    proptest! {
        #[test]
        fn counts_and_single_observations_agree(hits in prop::collection::vec(any::<bool>(), 1..60)) {
            let (mut one, mut all) = (RateTest::new(0.2, Direction::Up).unwrap(), RateTest::new(0.2, Direction::Up).unwrap());
            hits.iter().for_each(|hit| one.push(*hit));
            all.add(hits.iter().filter(|h| **h).count() as u64, hits.len() as u64);
            prop_assert_eq!(one, all);
            let e = all.interval(0.05).unwrap();
            prop_assert!(e.low <= e.value && e.value <= e.high && e.low >= 0.0 && e.high <= 1.0);
        }
    }
}
