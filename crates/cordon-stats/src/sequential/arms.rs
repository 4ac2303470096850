use super::{BoundedMean, BoundedTest, Direction, OutOfRange};
use crate::interval::{Estimate, Unknown};

/// Which of two an observation is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// The new one, that has to prove itself.
    Canary,
    /// The one that is compared with.
    Live,
}

/// What a comparison has shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The canary is shown to be within its margin.
    NotWorse,
    /// Neither is shown.
    Open,
    /// The canary is shown to be worse than its margin allows.
    Worse,
}

impl Standing {
    /// Of the two tests; where a canary that changed has been shown both, the bad news counts.
    pub(super) const fn of(worse: bool, within: bool) -> Self {
        match (worse, within) {
            (true, _) => Self::Worse,
            (false, true) => Self::NotWorse,
            (false, false) => Self::Open,
        }
    }
}

/// Two models that answered the same rows, looked at after every row, at one stated error rate.
///
/// Each has a *loss* in `[0, 1]` on each row: 1 for a failure and 0 for a success, or one minus a quality score, or an error divided
/// by the largest one and cut at 1. The first is worse if its mean loss exceeds the second's by more than the margin. The
/// differences are tested by betting ([`BoundedTest`]); no distribution is assumed, and what makes a row hard for both does not
/// count.
///
/// ```
/// use cordon_stats::sequential::{Pairs, Standing};
/// let mut pairs = Pairs::new(0.0, 0.05)?;
/// for row in 0..400 {
///     pairs.push(f64::from(row % 4 == 0), f64::from(row % 20 == 0))?;
/// }
/// assert_eq!(pairs.standing(), Standing::Worse);
/// # Ok::<(), cordon_stats::sequential::OutOfRange>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    alpha: f64,
    worse: BoundedTest,
    within: BoundedTest,
    difference: BoundedMean,
}

impl Pairs {
    /// A comparison that calls the first within `margin` worse, or beyond it not worse, wrongly with probability at most `alpha`
    /// each, however often it is looked at.
    ///
    /// # Errors
    /// [`OutOfRange`] unless the margin lies in `[0, 1)` and `alpha` strictly between 0 and 1.
    pub fn new(margin: f64, alpha: f64) -> Result<Self, OutOfRange> {
        if !(0.0..1.0).contains(&margin) {
            return Err(OutOfRange { what: "the margin", must: "between 0 and 1, 1 excluded" });
        }
        let null = f64::midpoint(1.0, margin);
        Ok(Self {
            alpha,
            worse: BoundedTest::new(null, Direction::Up)?,
            within: BoundedTest::new(null, Direction::Down)?,
            difference: BoundedMean::new(alpha)?,
        })
    }

    /// The losses of both on one row.
    ///
    /// # Errors
    /// [`OutOfRange`] outside `[0, 1]`; nothing changes then.
    pub fn push(&mut self, first: f64, second: f64) -> Result<(), OutOfRange> {
        OutOfRange::unit("a loss", first)?;
        OutOfRange::unit("a loss", second)?;
        // From [-1, 1] to [0, 1]; rounding may leave it by one unit in the last place.
        let half = f64::midpoint(1.0, first - second).clamp(0.0, 1.0);
        self.worse.push(half)?;
        self.within.push(half)?;
        self.difference.push(half)
    }

    /// What is shown so far. An alarm stays one: look after each row, or use the evidence of the moment.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(self.worse.alarms(self.alpha), self.within.alarms(self.alpha))
    }

    /// Mean loss of the first minus that of the second, with its confidence sequence, to two thousandths.
    ///
    /// # Errors
    /// [`Unknown::Empty`] before a row; [`Unknown::Refuted`] where the difference has changed over time, so that there is no one
    /// difference.
    pub fn difference(&self) -> Result<Estimate, Unknown> {
        Ok(self.difference.interval()?.map(|half| 2.0 * half - 1.0))
    }
}

/// A canary against the live release, looked at after every call, at one stated error rate.
///
/// Each outcome is a *loss* in `[0, 1]`: 1 for a failure and 0 for a success, or one minus a quality score, or a latency
/// divided by its limit and cut at 1. The canary is worse if its mean loss exceeds the live one's by more than the
/// margin. Values of both arms that wait are averaged into one difference as soon as each arm has one; the differences
/// are tested by betting ([`BoundedTest`]). No distribution is assumed, arms may have any share of the traffic, and
/// which calls went where must not depend on their outcome. Both arms share what happens to both (a slow upstream), so
/// that it does not count.
///
/// ```
/// use cordon_stats::sequential::{Arm, Arms, Standing};
/// let mut arms = Arms::new(0.02, 0.05)?;
/// for call in 0..4000 {
///     // Ten percent of the calls; the canary fails in one of four.
///     let (arm, failed) = if call % 10 == 0 { (Arm::Canary, call % 40 == 0) } else { (Arm::Live, false) };
///     arms.push(arm, f64::from(u8::from(failed)))?;
/// }
/// assert_eq!(arms.standing(), Standing::Worse);
/// # Ok::<(), cordon_stats::sequential::OutOfRange>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Arms {
    canary: Waiting,
    live: Waiting,
    pairs: Pairs,
}

/// Outcomes of one arm that have no counterpart yet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Waiting {
    count: u64,
    sum: f64,
}

impl Arms {
    /// A comparison that calls a canary within `margin` worse, or one beyond it not worse, with probability at most
    /// `alpha` each, however often it is looked at.
    ///
    /// # Errors
    /// [`OutOfRange`] unless the margin lies in `[0, 1)` and `alpha` strictly between 0 and 1.
    pub fn new(margin: f64, alpha: f64) -> Result<Self, OutOfRange> {
        let pairs = Pairs::new(margin, alpha)?;
        Ok(Self { canary: Waiting::default(), live: Waiting::default(), pairs })
    }

    /// The loss of one call.
    ///
    /// # Errors
    /// [`OutOfRange`] outside `[0, 1]`; nothing changes then.
    pub fn push(&mut self, arm: Arm, loss: f64) -> Result<(), OutOfRange> {
        OutOfRange::unit("a loss", loss)?;
        let waiting = match arm {
            Arm::Canary => &mut self.canary,
            Arm::Live => &mut self.live,
        };
        waiting.count = waiting.count.saturating_add(1);
        waiting.sum += loss;
        if self.canary.count > 0 && self.live.count > 0 {
            let mean = |waiting: &Waiting| waiting.sum / waiting.count as f64;
            let (canary, live) = (mean(&self.canary), mean(&self.live));
            (self.canary, self.live) = (Waiting::default(), Waiting::default());
            // A mean of losses may leave [0, 1] by one unit in the last place.
            self.pairs.push(canary.clamp(0.0, 1.0), live.clamp(0.0, 1.0))?;
        }
        Ok(())
    }

    /// What is shown so far. An alarm stays one: look after each call, or use the evidence of the moment.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.pairs.standing()
    }

    /// Mean loss of the canary minus that of the live release, with its confidence sequence, to two thousandths.
    ///
    /// # Errors
    /// [`Unknown::Empty`] before both arms have an outcome; [`Unknown::Refuted`] where the difference has changed over
    /// time, so that there is no one difference.
    pub fn difference(&self) -> Result<Estimate, Unknown> {
        self.pairs.difference()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Equal arms, a twentieth of the calls to the canary, looked at after each of 2,000 calls: the share of runs that
    /// ever call the canary worse is at most the stated one. A canary that fails three times as often is found.
    #[test]
    fn false_rollbacks_are_rarer_than_stated_and_bad_canaries_are_found() {
        let (mut random, runs, alpha) = (Random::new(31), 300_u32, 0.05);
        let (mut false_alarms, mut found) = (0_u32, 0_u32);
        for _ in 0..runs {
            let (mut same, mut bad) = (Arms::new(0.0, alpha).unwrap(), Arms::new(0.0, alpha).unwrap());
            let (mut same_worse, mut bad_worse) = (false, false);
            for _ in 0..2000 {
                let arm = if random.chance(0.05) { Arm::Canary } else { Arm::Live };
                let rate = if arm == Arm::Canary { 0.6 } else { 0.2 };
                same.push(arm, f64::from(u8::from(random.chance(0.2)))).unwrap();
                bad.push(arm, f64::from(u8::from(random.chance(rate)))).unwrap();
                same_worse |= same.standing() == Standing::Worse;
                bad_worse |= bad.standing() == Standing::Worse;
            }
            false_alarms += u32::from(same_worse);
            found += u32::from(bad_worse);
        }
        assert!(f64::from(false_alarms) <= alpha * f64::from(runs), "{false_alarms} of {runs}");
        assert!(found > runs * 95 / 100, "{found} of {runs}");
    }

    #[test]
    fn a_margin_is_a_tolerance() {
        let mut random = Random::new(2);
        let mut arms = Arms::new(0.1, 0.05).unwrap();
        assert_eq!(arms.difference(), Err(Unknown::Empty));
        for call in 0..4000 {
            let arm = if call % 2 == 0 { Arm::Canary } else { Arm::Live };
            arms.push(arm, f64::from(u8::from(random.chance(0.2)))).unwrap();
        }
        assert_eq!(arms.standing(), Standing::NotWorse);
        let d = arms.difference().unwrap();
        assert!(d.low < 0.0 && 0.0 < d.high && d.high < 0.1, "{d:?}");
        assert!(arms.push(Arm::Live, 2.0).is_err());
        assert!(Arms::new(1.0, 0.05).is_err() && Arms::new(0.0, 0.0).is_err());
    }
}
