use super::{OutOfRange, log_add};

/// How a detector forgets what lies before a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// `M = L max(M, 1)`: the likeliest moment of change.
    Cusum,
    /// `M = L (M + 1)`: all moments of change together.
    ShiryaevRoberts,
}

/// A change detector that runs for ever: an e-detector (Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric
/// framework for sequential change detection", 2023).
///
/// No detector that runs for ever can bound the *probability* of a false alarm: it would come some day. What is stated
/// is the mean number of observations between false alarms, at least `run_length`. Each observation comes as the
/// logarithm of an e-value `L` of its own, whose expectation before the change is at most 1: a likelihood ratio
/// ([`log_likelihood_ratio`]), or a bet `1 + b (x - m)` on the mean of a bounded number.
///
/// Shiryaev–Roberts reacts a little earlier to a change that comes late, CUSUM is what operators know.
///
/// ```
/// use cordon_stats::sequential::{Detector, log_likelihood_ratio};
/// let mut detector = Detector::cusum(1000.0)?;
/// let failures = std::iter::repeat_n(false, 50).chain(std::iter::repeat_n(true, 12));
/// let alarm = failures.map(|failed| log_likelihood_ratio(failed, 0.1, 0.2)).position(|log_e| detector.push(log_e));
/// assert_eq!(alarm, Some(59)); // the tenth failure in a row
/// # Ok::<(), cordon_stats::sequential::OutOfRange>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detector {
    memory: Memory,
    log_value: f64,
    log_limit: f64,
}

/// The largest logarithm of evidence, either way: sums stay finite.
const MOST: f64 = 1e300;

impl Detector {
    /// e-CUSUM with at least `run_length` observations between false alarms, on average.
    ///
    /// # Errors
    /// [`OutOfRange`] unless the run length is finite and positive.
    pub fn cusum(run_length: f64) -> Result<Self, OutOfRange> {
        Self::new(Memory::Cusum, run_length)
    }

    /// e-Shiryaev–Roberts with at least `run_length` observations between false alarms, on average.
    ///
    /// # Errors
    /// [`OutOfRange`] unless the run length is finite and positive.
    pub fn shiryaev_roberts(run_length: f64) -> Result<Self, OutOfRange> {
        Self::new(Memory::ShiryaevRoberts, run_length)
    }

    fn new(memory: Memory, run_length: f64) -> Result<Self, OutOfRange> {
        OutOfRange::positive("the run length", run_length)?;
        Ok(Self { memory, log_value: f64::NEG_INFINITY, log_limit: run_length.ln() })
    }

    /// Takes the logarithm of one e-value in and says whether the detector alarms. It goes on after an alarm; who
    /// wants it to start again calls [`Self::restart`]. What is not a number counts as no evidence (0), an infinite one as
    /// 1e300, so that whatever comes later still counts.
    pub fn push(&mut self, log_e: f64) -> bool {
        let before = match self.memory {
            Memory::Cusum => self.log_value.max(0.0),
            Memory::ShiryaevRoberts => log_add(self.log_value, 0.0),
        };
        let log_e = if log_e.is_nan() { 0.0 } else { log_e.clamp(-MOST, MOST) };
        self.log_value = (before + log_e).clamp(-MOST, MOST);
        self.alarms()
    }

    /// The evidence has reached the limit.
    #[must_use]
    pub fn alarms(&self) -> bool {
        self.log_value >= self.log_limit
    }

    /// Natural logarithm of the evidence; minus infinity before the first observation.
    #[must_use]
    pub const fn log_value(&self) -> f64 {
        self.log_value
    }

    /// Forgets everything but the limit.
    pub const fn restart(&mut self) {
        self.log_value = f64::NEG_INFINITY;
    }
}

/// Logarithm of the likelihood ratio of one yes-or-no observation: rate `after` the change against `before` it.
///
/// Rates of 0 or 1 make impossible observations infinite evidence; keep both strictly between.
#[must_use]
pub fn log_likelihood_ratio(hit: bool, before: f64, after: f64) -> f64 {
    if hit { (after / before).ln() } else { (-after).ln_1p() - (-before).ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn mean_time_between_false_alarms_is_at_least_the_stated_one() {
        for make in [Detector::cusum, Detector::shiryaev_roberts] {
            let (mut random, mut detector, mut alarms, observations) =
                (Random::new(8), make(200.0).unwrap(), 0_u32, 400_000_u32);
            for _ in 0..observations {
                if detector.push(log_likelihood_ratio(random.chance(0.1), 0.1, 0.2)) {
                    alarms += 1;
                    detector.restart();
                }
            }
            let mean = f64::from(observations) / f64::from(alarms.max(1));
            assert!((200.0..20_000.0).contains(&mean), "{mean}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_no_evidence() {
        let mut detector = Detector::shiryaev_roberts(10.0).unwrap();
        assert!(!detector.push(f64::NAN));
        assert_eq!(detector.log_value(), 0.0);
        assert!(Detector::cusum(0.0).is_err());
    }

    /// Rates of 0 and 1 make infinite evidence; a detector that saw it still alarms later.
    #[test]
    fn infinite_evidence_is_not_the_end() {
        for make in [Detector::cusum, Detector::shiryaev_roberts] {
            let mut detector = make(10.0).unwrap();
            assert!(detector.push(log_likelihood_ratio(true, 0.0, 0.5)));
            assert!(!detector.push(log_likelihood_ratio(true, 0.5, 0.0)));
            assert!((0..10).any(|_| detector.push(1.0)), "{detector:?}");
        }
    }
}
