use super::NotEvidence;
use std::collections::VecDeque;

/// Alarms remembered for the levels of later tests. Leaving an older one out makes the levels smaller, which is the safe side:
/// for LORD by less than 1e-4 of the level, for SAFFRON by more where thousands of alarms come without an idle test between.
const REMEMBERED: usize = 4096;

/// What an online procedure did with one test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// The level that the test was held against; fixed before its result was seen.
    pub level: f64,
    /// The test is an alarm.
    pub alarm: bool,
}

/// LORD++ (Ramdas, Yang, Wainwright and Jordan, "Online control of the false discovery rate with decaying memory",
/// NeurIPS 2017): p-values that arrive one by one for ever; each alarm earns level for later tests.
///
/// Holds the false discovery rate at `alpha` for independent p-values. Under unknown dependence take [`ELond`].
#[derive(Debug, Clone)]
pub struct Lord {
    alpha: f64,
    tests: u64,
    first: Option<u64>,
    later: VecDeque<u64>,
}

impl Lord {
    /// A procedure at false discovery rate `alpha`, whose first half is there before the first alarm.
    #[must_use]
    pub const fn new(alpha: f64) -> Self {
        Self { alpha, tests: 0, first: None, later: VecDeque::new() }
    }

    /// Decides the next test.
    ///
    /// # Errors
    /// [`NotEvidence`]; the procedure is then unchanged.
    pub fn decide(&mut self, p_value: f64) -> Result<Decision, NotEvidence> {
        check(p_value, self.tests)?;
        self.tests = self.tests.saturating_add(1);
        let t = self.tests;
        let since = |then: u64| lord_share(t.saturating_sub(then));
        let mut level = self.alpha / 2.0 * lord_share(t);
        level += self.first.map_or(0.0, |first| self.alpha / 2.0 * since(first));
        level += self.later.iter().map(|then| self.alpha * since(*then)).sum::<f64>();
        let alarm = p_value <= level;
        if alarm {
            match self.first {
                None => self.first = Some(t),
                Some(_) => remember(&mut self.later, t),
            }
        }
        Ok(Decision { level, alarm })
    }
}

/// SAFFRON (Ramdas, Zrnic, Wainwright and Jordan, ICML 2018): as [`Lord`], but tests with a p-value above `candidate`
/// cost nothing, so that it finds more where many columns drift.
///
/// Holds the false discovery rate at `alpha` for independent p-values.
#[derive(Debug, Clone)]
pub struct Saffron {
    alpha: f64,
    candidate: f64,
    /// Tests so far that were no candidates: the clock of the procedure.
    idle: u64,
    tests: u64,
    first: Option<u64>,
    later: VecDeque<u64>,
}

impl Saffron {
    /// A procedure at false discovery rate `alpha`; p-values up to `candidate` (one half in the paper) spend level.
    /// The candidate bound is clamped to `[alpha, 0.99]`.
    #[must_use]
    pub fn new(alpha: f64, candidate: f64) -> Self {
        let candidate = candidate.max(alpha).min(0.99);
        Self { alpha, candidate, idle: 0, tests: 0, first: None, later: VecDeque::new() }
    }

    /// Decides the next test.
    ///
    /// # Errors
    /// [`NotEvidence`]; the procedure is then unchanged.
    pub fn decide(&mut self, p_value: f64) -> Result<Decision, NotEvidence> {
        check(p_value, self.tests)?;
        self.tests = self.tests.saturating_add(1);
        // t - tau - C(tau): tests since the alarm that were no candidates, this one included. Kept as differences of
        // one clock of idle tests, so that no count has to be kept for each alarm.
        let since = |then: u64| saffron_share(self.idle.saturating_sub(then).saturating_add(1));
        let budget = (1.0 - self.candidate) * self.alpha;
        let mut level = budget / 2.0 * since(0);
        level += self.first.map_or(0.0, |first| budget / 2.0 * since(first));
        level += self.later.iter().map(|then| budget * since(*then)).sum::<f64>();
        let level = level.min(self.candidate);
        let alarm = p_value <= level;
        if p_value > self.candidate {
            self.idle = self.idle.saturating_add(1);
        }
        if alarm {
            match self.first {
                None => self.first = Some(self.idle),
                Some(_) => remember(&mut self.later, self.idle),
            }
        }
        Ok(Decision { level, alarm })
    }
}

/// e-LOND (Xu and Ramdas, "Online multiple testing with e-values", AISTATS 2024): e-values that arrive one by one;
/// holds the false discovery rate at `alpha` under any dependence among them.
#[derive(Debug, Clone)]
pub struct ELond {
    alpha: f64,
    tests: u64,
    alarms: u64,
}

impl ELond {
    /// A procedure at false discovery rate `alpha`.
    #[must_use]
    pub const fn new(alpha: f64) -> Self {
        Self { alpha, tests: 0, alarms: 0 }
    }

    /// Decides the next test.
    ///
    /// # Errors
    /// [`NotEvidence`]; the procedure is then unchanged.
    pub fn decide(&mut self, e_value: f64) -> Result<Decision, NotEvidence> {
        if e_value.is_nan() || e_value < 0.0 {
            return Err(NotEvidence { index: usize::try_from(self.tests).unwrap_or(usize::MAX) });
        }
        self.tests = self.tests.saturating_add(1);
        let level = self.alpha * saffron_share(self.tests) * (self.alarms.saturating_add(1)) as f64;
        let alarm = e_value * level >= 1.0;
        self.alarms = self.alarms.saturating_add(u64::from(alarm));
        Ok(Decision { level, alarm })
    }
}

fn remember(alarms: &mut VecDeque<u64>, at: u64) {
    if alarms.len() >= REMEMBERED {
        alarms.pop_front();
    }
    alarms.push_back(at);
}

fn check(p_value: f64, tests: u64) -> Result<(), NotEvidence> {
    if (0.0..=1.0).contains(&p_value) {
        Ok(())
    } else {
        Err(NotEvidence { index: usize::try_from(tests).unwrap_or(usize::MAX) })
    }
}

/// Share of the level for the `t`-th test of LORD: proportional to `ln max(t, 2) / (t exp sqrt ln t)`, whose sum over
/// all `t` is 1 with this constant (Javanmard and Montanari, 2018).
fn lord_share(t: u64) -> f64 {
    let t = t.max(1) as f64;
    0.077_208_38 * t.max(2.0).ln() / (t * t.ln().sqrt().exp())
}

/// Share of the level for the `t`-th test of SAFFRON: `t^-1.6 / zeta(1.6)`.
fn saffron_share(t: u64) -> f64 {
    0.437_490_165_8 * (t.max(1) as f64).powf(-1.6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::normal;
    use crate::random::Random;

    #[test]
    fn shares_spend_no_more_than_the_level() {
        for share in [lord_share, saffron_share] {
            let sum: f64 = (1..200_000).map(share).sum();
            assert!((0.4..=1.0).contains(&sum), "{sum}");
        }
    }

    #[test]
    fn what_is_no_p_value_changes_nothing() {
        let mut lord = Lord::new(0.1);
        assert_eq!(lord.decide(2.0), Err(NotEvidence { index: 0 }));
        assert_eq!(lord.decide(1e-9).map(|d| d.alarm), Ok(true));
        assert!(Saffron::new(0.1, 0.5).decide(-0.1).is_err());
        assert!(ELond::new(0.1).decide(f64::NAN).is_err());
    }

    #[test]
    fn alarms_earn_level() {
        let (mut quiet, mut busy) = (Lord::new(0.1), Lord::new(0.1));
        for _ in 0..20 {
            quiet.decide(0.9).unwrap();
            busy.decide(1e-12).unwrap();
        }
        assert!(busy.decide(0.5).unwrap().level > 10.0 * quiet.decide(0.5).unwrap().level);
    }

    #[test]
    fn memory_is_bounded() {
        let mut lord = Lord::new(0.1);
        for _ in 0..REMEMBERED + 10 {
            lord.decide(0.0).unwrap();
        }
        assert_eq!(lord.later.len(), REMEMBERED);
    }

    /// One test in five is a real shift of three standard deviations: the mean share of false ones among the alarms
    /// stays at or under the level, and most shifts are found by the two for p-values.
    #[test]
    fn false_discovery_rate_is_held() {
        let (alpha, runs, tests) = (0.1, 200, 300);
        let mut random = Random::new(21);
        let (mut rates, mut found, mut shifts) = ([0.0; 3], [0_u32; 3], 0_u32);
        for _ in 0..runs {
            let (mut lord, mut saffron, mut lond) =
                (Lord::new(alpha), Saffron::new(alpha, 0.5), ELond::new(alpha));
            let (mut alarms, mut wrong) = ([0_u32; 3], [0_u32; 3]);
            for _ in 0..tests {
                let shift = random.chance(0.2);
                shifts += u32::from(shift);
                let z = random.normal() + if shift { 3.0 } else { 0.0 };
                let p = normal::upper(z);
                let e = (3.0 * z - 4.5_f64).exp();
                let decisions = [lord.decide(p), saffron.decide(p), lond.decide(e)];
                for (i, decision) in decisions.into_iter().enumerate() {
                    let alarm = decision.unwrap().alarm;
                    alarms[i] += u32::from(alarm);
                    wrong[i] += u32::from(alarm && !shift);
                    found[i] += u32::from(alarm && shift);
                }
            }
            for i in 0..3 {
                rates[i] += f64::from(wrong[i]) / f64::from(alarms[i].max(1)) / f64::from(runs);
            }
        }
        for rate in rates {
            assert!(rate <= alpha, "{rates:?}");
        }
        assert!(f64::from(found[0]) > 0.3 * f64::from(shifts), "{found:?} of {shifts}");
        assert!(found[1] > found[0], "{found:?}");
    }
}
