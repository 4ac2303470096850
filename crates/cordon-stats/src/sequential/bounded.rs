use super::{Direction, OutOfRange, log_add};
use crate::interval::{Estimate, Unknown};

/// Part of the wealth that one bet may lose at most.
const STAKE: f64 = 0.5;

/// Running mean and variance of values in `[0, 1]`, both regularised by one observation of 1/2 (variance 1/4), so that
/// they exist before the first value: what the next bet may depend on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Past {
    n: u64,
    sum: f64,
    squares: f64,
}

impl Past {
    fn mean(&self) -> f64 {
        (0.5 + self.sum) / (self.n as f64 + 1.0)
    }

    fn variance(&self) -> f64 {
        (0.25 + self.squares) / (self.n as f64 + 1.0)
    }

    fn push(&mut self, value: f64) {
        self.n = self.n.saturating_add(1);
        self.sum += value;
        let off = value - self.mean();
        self.squares += off * off;
    }
}

/// An anytime-valid test of the mean of observations in `[0, 1]`: a gambler bets against the null, and his wealth is
/// the e-value (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 2024; the
/// bets are their approximate growth-rate-adaptive ones, fixed before each value).
///
/// No assumption but the bounds, and that each value has the null's mean whatever came before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundedTest {
    null: f64,
    direction: Direction,
    past: Past,
    log_up: f64,
    log_down: f64,
}

impl BoundedTest {
    /// A test of "the mean is at most `null`" for [`Direction::Up`], "at least" for [`Direction::Down`], "equal" for
    /// [`Direction::Both`].
    ///
    /// # Errors
    /// [`OutOfRange`] unless the null lies strictly between 0 and 1.
    pub fn new(null: f64, direction: Direction) -> Result<Self, OutOfRange> {
        OutOfRange::open_unit("the mean of the null", null)?;
        Ok(Self { null, direction, past: Past::default(), log_up: 0.0, log_down: 0.0 })
    }

    /// One observation.
    ///
    /// # Errors
    /// [`OutOfRange`] outside `[0, 1]`; the test is then unchanged.
    pub fn push(&mut self, value: f64) -> Result<(), OutOfRange> {
        OutOfRange::unit("an observation", value)?;
        let edge = self.past.mean() - self.null;
        let growth = edge / (self.past.variance() + edge * edge);
        let up = growth.clamp(0.0, STAKE / self.null);
        let down = (-growth).clamp(0.0, STAKE / (1.0 - self.null));
        self.log_up += (up * (value - self.null)).ln_1p();
        self.log_down += (-down * (value - self.null)).ln_1p();
        self.past.push(value);
        Ok(())
    }

    /// Observations so far.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.past.n
    }

    /// Natural logarithm of the e-value.
    #[must_use]
    pub fn log_e(&self) -> f64 {
        match self.direction {
            Direction::Both => log_add(self.log_up, self.log_down) - std::f64::consts::LN_2,
            Direction::Down => self.log_down,
            Direction::Up => self.log_up,
        }
    }

    /// The evidence has reached `1 / alpha`: under the null this ever happens with probability at most `alpha`.
    #[must_use]
    pub fn alarms(&self, alpha: f64) -> bool {
        self.log_e() >= -alpha.ln()
    }
}

/// Candidates for the mean: the interval is stated to one part in this many.
const CELLS: usize = 1000;

/// The confidence sequence for the mean of observations in `[0, 1]` by betting: the hedged capital process of
/// Waudby-Smith and Ramdas (2024, theorem 3) with predictable plug-in bets.
///
/// It learns the variance, so that a quality score near 0.98 has an interval several times narrower than
/// [`super::NormalMixture`] gives. Each candidate mean is a gambler; those who have not grown rich form the interval.
/// Once a candidate is out it stays out (the intersection over time is valid). Memory is fixed (16 KB) and the work
/// shrinks with the interval.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundedMean {
    alpha: f64,
    past: Past,
    /// Candidates below this one are out because the mean is higher, all from `end` on because it is lower. What is between
    /// is still in; where nothing is, the mean lies between two candidates, and where they have crossed there is none.
    first: usize,
    end: usize,
    /// Wealth of the bets on "the mean is higher", and on "lower", by candidate.
    up: Vec<f64>,
    down: Vec<f64>,
}

impl BoundedMean {
    /// A sequence that contains the mean at all times with probability at least `1 - alpha`.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `alpha` lies strictly between 0 and 1.
    pub fn new(alpha: f64) -> Result<Self, OutOfRange> {
        OutOfRange::open_unit("alpha", alpha)?;
        let candidates = CELLS + 1;
        let (up, down) = (vec![1.0; candidates], vec![1.0; candidates]);
        Ok(Self { alpha, past: Past::default(), first: 0, end: candidates, up, down })
    }

    /// One observation.
    ///
    /// # Errors
    /// [`OutOfRange`] outside `[0, 1]`; the sequence is then unchanged.
    pub fn push(&mut self, value: f64) -> Result<(), OutOfRange> {
        OutOfRange::unit("an observation", value)?;
        let t = self.past.n as f64 + 1.0;
        let bet = (2.0 * (2.0 / self.alpha).ln() / (self.past.variance() * t * t.ln_1p())).sqrt();
        self.past.push(value);
        let rich = 2.0 / self.alpha;
        let candidates = self.up.iter_mut().zip(self.down.iter_mut()).enumerate();
        // The nearest candidates that are out go on: what they win against each other says that there is no one mean. A bet on
        // "higher" wins less the higher its candidate, so whatever is below one that is out is out as well.
        let (from, to) = (self.first.saturating_sub(1), self.end.saturating_add(1));
        for (at, (up, down)) in candidates.take(to).skip(from) {
            let mean = at as f64 / CELLS as f64;
            let off = value - mean;
            // A stake over zero is infinite, and the minimum with the bet is the bet.
            *up *= 1.0 + bet.min(STAKE / mean) * off;
            *down *= 1.0 - bet.min(STAKE / (1.0 - mean)) * off;
            if *up >= rich {
                self.first = self.first.max(at.saturating_add(1));
            }
            if *down >= rich {
                self.end = self.end.min(at);
            }
        }
        Ok(())
    }

    /// The mean so far with its interval, to a thousandth (rounded outwards). The value is moved into the interval
    /// where the intersection over time excludes the plain mean.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without observations; [`Unknown::Refuted`] where no mean is left: the values cannot have had
    /// one mean all the time.
    pub fn interval(&self) -> Result<Estimate, Unknown> {
        if self.past.n == 0 {
            return Err(Unknown::Empty);
        }
        if self.first > self.end {
            return Err(Unknown::Refuted);
        }
        let low = self.first.saturating_sub(1) as f64 / CELLS as f64;
        let high = self.end.min(CELLS) as f64 / CELLS as f64;
        let value = (self.past.sum / self.past.n as f64).clamp(low, high);
        Ok(Estimate { value, low, high, n: self.past.n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::sequential::NormalMixture;

    #[test]
    fn values_outside_are_refused_and_change_nothing() {
        let mut mean = BoundedMean::new(0.05).unwrap();
        let mut test = BoundedTest::new(0.5, Direction::Both).unwrap();
        let (before_mean, before_test) = (mean.clone(), test);
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(mean.push(bad).is_err() && test.push(bad).is_err());
        }
        assert_eq!((before_mean, before_test), (mean, test));
    }

    #[test]
    fn low_variance_is_learnt() {
        let mut random = Random::new(3);
        let mut mean = BoundedMean::new(0.05).unwrap();
        let normal = NormalMixture::tightest_at(2000, 0.5, 0.05).unwrap();
        for _ in 0..2000 {
            mean.push(0.95 + 0.05 * random.unit()).unwrap();
        }
        let e = mean.interval().unwrap();
        assert!(e.low <= 0.975 && 0.975 <= e.high);
        assert!((e.high - e.low) * 4.0 < 2.0 * normal.half_width(2000), "{e:?}");
    }

    #[test]
    fn a_stream_without_one_mean_has_no_interval() {
        let mut mean = BoundedMean::new(0.05).unwrap();
        for i in 0..6000 {
            mean.push(if i < 3000 { 0.1 } else { 0.9 }).unwrap();
        }
        assert_eq!(mean.interval(), Err(Unknown::Refuted));
    }

    /// The mean lies between two candidates, and the interval becomes narrower than their distance.
    #[test]
    fn steady_streams_are_never_refuted() {
        let mut random = Random::new(6);
        let (mut constant, mut rare) = (BoundedMean::new(0.05).unwrap(), BoundedMean::new(0.05).unwrap());
        for _ in 0..60_000 {
            constant.push(0.9505).unwrap();
            rare.push(f64::from(u8::from(random.chance(0.0005)))).unwrap();
        }
        let e = constant.interval().unwrap();
        assert!(e.low <= 0.9505 && 0.9505 <= e.high && e.high - e.low < 0.0021, "{e:?}");
        let e = rare.interval().unwrap();
        assert!(e.low <= 0.0005 && 0.0005 <= e.high, "{e:?}");
    }

    /// Over 300 streams looked at after every value, the share that ever excludes the truth is at most the stated one.
    #[test]
    fn error_is_held_at_all_times() {
        let (alpha, runs) = (0.1, 300_u32);
        let (mut random, mut misses, mut alarms) = (Random::new(17), 0_u32, 0_u32);
        for _ in 0..runs {
            let mut mean = BoundedMean::new(alpha).unwrap();
            let mut test = BoundedTest::new(0.25, Direction::Both).unwrap();
            let (mut missed, mut alarmed) = (false, false);
            for _ in 0..300 {
                let value = random.unit() * f64::from(u8::from(random.chance(0.5)));
                mean.push(value).unwrap();
                test.push(value).unwrap();
                missed |= !mean.interval().is_ok_and(|e| e.low <= 0.25 && 0.25 <= e.high);
                alarmed |= test.alarms(alpha);
            }
            misses += u32::from(missed);
            alarms += u32::from(alarmed);
        }
        assert!(misses <= runs / 10 && alarms <= runs / 10, "{misses} and {alarms} of {runs}");
    }

    #[test]
    fn a_shifted_mean_is_found() {
        let (mut random, mut test) = (Random::new(4), BoundedTest::new(0.4, Direction::Up).unwrap());
        for _ in 0..500 {
            test.push(random.unit()).unwrap();
        }
        assert!(test.alarms(0.01), "{}", test.log_e());
    }
}
