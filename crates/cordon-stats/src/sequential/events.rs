use super::{Arm, Direction, OutOfRange, RateTest, Standing};
use crate::interval::{Estimate, Unknown};

/// Rare events of a canary against those of the live release, where the share of traffic is known.
///
/// If calls go to the canary with a fixed probability and both fail equally often, an event is of the canary with just
/// that probability, however rare events are: only events are counted, and the test is exact ([`RateTest`]). After
/// Lindon and Malek ("Anytime-valid inference for multinomial count data", NeurIPS 2022). The share must be the one that
/// the calls were really drawn with: with a share that changed, or sticky callers, take [`super::Arms`].
///
/// ```
/// use cordon_stats::sequential::{Arm, Events, Standing};
/// let mut events = Events::new(0.05, 1.0, 0.05)?; // five percent of the calls, no more failures than live
/// events.add(Arm::Live, 40);
/// events.add(Arm::Canary, 12);
/// assert_eq!(events.standing(), Standing::Worse);
/// let ratio = events.ratio().expect("there are events");
/// assert!(ratio.low > 1.5 && ratio.value > 5.0);
/// # Ok::<(), cordon_stats::sequential::OutOfRange>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Events {
    share: f64,
    alpha: f64,
    worse: RateTest,
    within: RateTest,
}

impl Events {
    /// A comparison in which a share `share` of the calls goes to the canary, whose rate of events may be up to
    /// `allowed` times the live one; each wrong answer has probability at most `alpha`.
    ///
    /// # Errors
    /// [`OutOfRange`] unless share and `alpha` lie strictly between 0 and 1 and `allowed` is finite and positive.
    pub fn new(share: f64, allowed: f64, alpha: f64) -> Result<Self, OutOfRange> {
        OutOfRange::open_unit("the share of the canary", share)?;
        OutOfRange::open_unit("alpha", alpha)?;
        OutOfRange::positive("the allowed ratio", allowed)?;
        let null = share * allowed / (share * allowed + 1.0 - share);
        let (worse, within) = (RateTest::new(null, Direction::Up)?, RateTest::new(null, Direction::Down)?);
        Ok(Self { share, alpha, worse, within })
    }

    /// One event.
    pub fn push(&mut self, arm: Arm) {
        self.add(arm, 1);
    }

    /// `count` events of one arm.
    pub fn add(&mut self, arm: Arm, count: u64) {
        let canary = if arm == Arm::Canary { count } else { 0 };
        self.worse.add(canary, count);
        self.within.add(canary, count);
    }

    /// What is shown so far.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(self.worse.alarms(self.alpha), self.within.alarms(self.alpha))
    }

    /// Rate of events of the canary divided by that of the live release, with its confidence sequence.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without events.
    pub fn ratio(&self) -> Result<Estimate, Unknown> {
        let odds = self.share / (1.0 - self.share);
        Ok(self.worse.interval(self.alpha)?.map(|share| share / (1.0 - share) / odds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn error_is_held_when_looked_at_after_each_event() {
        let (mut random, runs) = (Random::new(41), 1000_u32);
        let (mut alarms, mut missed) = (0_u32, 0_u32);
        for _ in 0..runs {
            let mut events = Events::new(0.1, 1.0, 0.05).unwrap();
            let (mut alarmed, mut excluded) = (false, false);
            for _ in 0..100 {
                events.push(if random.chance(0.1) { Arm::Canary } else { Arm::Live });
                alarmed |= events.standing() == Standing::Worse;
            }
            excluded |= !events.ratio().is_ok_and(|r| r.low <= 1.0 && 1.0 <= r.high);
            alarms += u32::from(alarmed);
            missed += u32::from(excluded);
        }
        assert!(alarms <= runs / 20 && missed <= runs / 20, "{alarms} {missed}");
    }

    #[test]
    fn few_events_prove_a_good_canary_within_its_factor() {
        let mut events = Events::new(0.5, 2.0, 0.05).unwrap();
        assert_eq!(events.ratio(), Err(Unknown::Empty));
        events.add(Arm::Live, 60);
        events.add(Arm::Canary, 40);
        assert_eq!(events.standing(), Standing::NotWorse);
        assert!(Events::new(0.0, 1.0, 0.05).is_err());
    }
}
