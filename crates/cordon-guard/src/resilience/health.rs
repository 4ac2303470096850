//! How the targets of this process do: a breaker for each, and which of them are worse than their equals.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cordon_core::{Name, State, resource::Kind};

use super::{
    breaker::{Begun, Breaker, Outcome, Pass, Phase, Settings},
    budget::Budget,
    order::Order,
    window::Counts,
};

/// Calls below which targets are not compared.
const COMPARED: u32 = 20;
/// How much larger than the others' the share of a target's failures must be for it to go last, in percent of all.
const WORSE: u64 = 20;
/// The longest rest that an upstream can ask for.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// The targets of this process, and the retry budgets of its routes.
#[derive(Debug, Default)]
pub struct Health {
    targets: Mutex<HashMap<Name, Arc<Mutex<Target>>>>,
    budgets: Mutex<HashMap<Name, Arc<Budget>>>,
}

#[derive(Debug)]
struct Target {
    breaker: Breaker,
    /// Until when the upstream has asked for a rest.
    rests: Option<Instant>,
    /// The phase that was told last.
    told: Option<Phase>,
}

/// How a target is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The model.
    pub model: Name,
    /// Its breaker.
    pub phase: Phase,
    /// How long until it is tried again.
    pub wait: Option<Duration>,
    /// What calls came to in the window.
    pub counts: Counts,
    /// How often its breaker has opened since the start.
    pub opened: u64,
}

/// One call of a target. Dropped without a word, it says nothing of the target.
#[derive(Debug)]
pub(super) struct Trial {
    target: Arc<Mutex<Target>>,
    settings: Settings,
    pass: Option<Pass>,
    /// Its answer, once that has begun.
    begun: Option<Begun>,
}

impl Trial {
    /// The target answered. Gives the phase of its breaker where that is another one than before.
    pub(super) fn answered(&mut self, took: Duration) -> Option<Phase> {
        self.report(Outcome::Answered(took))
    }

    /// The target failed. Gives what [`Trial::answered`] gives.
    pub(super) fn failed(&mut self) -> Option<Phase> {
        self.report(Outcome::Failed)
    }

    /// The answer broke off after it had begun. Gives what [`Trial::answered`] gives.
    pub(super) fn broke(&mut self) -> Option<Phase> {
        let (begun, now) = (self.begun.take()?, Instant::now());
        let mut target = lock(&self.target);
        target.breaker.broke(&self.settings, begun, now);
        target.changed(now)
    }

    /// The upstream asks for a rest.
    pub(super) fn rest(&self, wait: Duration) {
        let until = Instant::now().checked_add(wait.min(LONGEST_REST));
        let mut target = lock(&self.target);
        target.rests = target.rests.max(until);
    }

    fn report(&mut self, outcome: Outcome) -> Option<Phase> {
        let (pass, now) = (self.pass.take()?, Instant::now());
        let mut target = lock(&self.target);
        self.begun = target.breaker.report(&self.settings, pass, outcome, now);
        target.changed(now)
    }
}

impl Target {
    /// The phase of its breaker, where that is another one than was told last.
    fn changed(&mut self, now: Instant) -> Option<Phase> {
        let phase = self.breaker.phase(now);
        (self.told.replace(phase) != Some(phase)).then_some(phase)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.report(Outcome::Unknown);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Health {
    fn target(&self, model: &Name, settings: &Settings, now: Instant) -> Arc<Mutex<Target>> {
        let mut targets = lock(&self.targets);
        if let Some(known) = targets.get(model) {
            return Arc::clone(known);
        }
        let target = Target { breaker: Breaker::new(settings, now), rests: None, told: None };
        let target = Arc::new(Mutex::new(target));
        targets.insert(model.clone(), Arc::clone(&target));
        target
    }

    /// Lets a call go to a target. `rests` says whether a rest that the target asked for counts: it does where there is
    /// another one.
    ///
    /// # Errors
    /// With how long to wait when it does not.
    pub(super) fn allow(
        &self,
        model: &Name,
        settings: Settings,
        rests: Rests,
        now: Instant,
    ) -> Result<Trial, Duration> {
        let target = self.target(model, &settings, now);
        let pass = {
            let mut target = lock(&target);
            if let (Rests::Count, Some(until)) = (rests, target.rests)
                && settings.enabled
                && now < until
            {
                return Err(until.saturating_duration_since(now));
            }
            target.breaker.allow(&settings, now)?
        };
        Ok(Trial { target, settings, pass: Some(pass), begun: None })
    }

    /// The retry budget of a route.
    pub(super) fn budget(&self, route: &Name) -> Arc<Budget> {
        let mut budgets = lock(&self.budgets);
        if let Some(known) = budgets.get(route) {
            return Arc::clone(known);
        }
        Arc::clone(budgets.entry(route.clone()).or_default())
    }

    /// Puts those of the first `equals` models last among themselves that fail clearly more often than the others do: by 20
    /// percentage points, with 20 calls on both sides; at most half of them. They come back by themselves when their failures
    /// have left the window.
    pub(super) fn rank(&self, order: &mut Order, equals: usize, now: Instant) {
        if equals < 2 {
            return;
        }
        let Some(equal) = order.get_mut(..equals) else { return };
        let counts: Vec<Counts> = {
            let targets = lock(&self.targets);
            let counts = |model: &Name| targets.get(model).map(|target| lock(target).breaker.counts(now));
            equal.iter().map(|model| counts(model).unwrap_or_default()).collect()
        };
        let worse = outliers(&counts);
        if worse.iter().any(|worse| *worse) {
            let (good, bad): (Vec<_>, Vec<_>) =
                equal.iter().cloned().zip(worse).partition(|(_, worse)| !*worse);
            for (place, (model, _)) in equal.iter_mut().zip(good.into_iter().chain(bad)) {
                *place = model;
            }
        }
    }

    /// How every target is that was called, by name.
    pub fn conditions(&self) -> Vec<Condition> {
        let now = Instant::now();
        let targets: Vec<(Name, Arc<Mutex<Target>>)> =
            lock(&self.targets).iter().map(|(model, target)| (model.clone(), Arc::clone(target))).collect();
        let mut conditions: Vec<Condition> = targets
            .into_iter()
            .map(|(model, target)| {
                let target = lock(&target);
                let until = target.breaker.until().max(target.rests).filter(|until| *until > now);
                Condition {
                    model,
                    phase: target.breaker.phase(now),
                    wait: until.map(|until| until.saturating_duration_since(now)),
                    counts: target.breaker.counts(now),
                    opened: target.breaker.opened(),
                }
            })
            .collect();
        conditions.sort_by(|one, other| one.model.cmp(&other.model));
        conditions
    }

    /// Forgets models and routes that are no more.
    pub fn retain(&self, state: &State) {
        lock(&self.targets).retain(|name, _| state.resource(Kind::Model, name).is_some());
        lock(&self.budgets).retain(|name, _| state.resource(Kind::Route, name).is_some());
    }
}

/// Whether a rest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rests {
    Count,
    DoNot,
}

/// Which of several targets fail clearly more often than the others.
fn outliers(counts: &[Counts]) -> Vec<bool> {
    let all = counts.iter().fold((0_u64, 0_u64), |(calls, failed), counts| {
        (calls.saturating_add(counts.calls.into()), failed.saturating_add(counts.failed.into()))
    });
    let mut worse: Vec<(u64, usize)> = Vec::new();
    for (at, own) in counts.iter().enumerate() {
        let (calls, failed) = (u64::from(own.calls), u64::from(own.failed));
        let (others, their) = (all.0.saturating_sub(calls), all.1.saturating_sub(failed));
        let percent = |part: u64, of: u64| part.saturating_mul(100).checked_div(of).unwrap_or(0);
        let compared = calls >= u64::from(COMPARED) && others >= u64::from(COMPARED);
        if compared && percent(failed, calls) >= percent(their, others).saturating_add(WORSE) {
            worse.push((percent(failed, calls), at));
        }
    }
    worse.sort_unstable_by(|one, other| other.cmp(one));
    worse.truncate(counts.len() / 2);
    (0..counts.len()).map(|at| worse.iter().any(|(_, worst)| *worst == at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_clearly_more_often_goes_last_and_never_more_than_half() {
        let counts = |calls, failed| Counts { calls, failed, slow: 0 };
        for (of, expected) in [
            (&[counts(100, 30), counts(100, 1), counts(100, 2)][..], &[true, false, false][..]),
            (&[counts(100, 20), counts(100, 1)][..], &[false, false][..]),
            (&[counts(19, 19), counts(100, 0)][..], &[false, false][..]),
            (&[counts(100, 100), counts(19, 0)][..], &[false, false][..]),
            (&[counts(50, 40), counts(50, 45), counts(500, 0)][..], &[false, true, false][..]),
            (&[counts(100, 60), counts(100, 60)][..], &[false, false][..]),
            (&[][..], &[][..]),
        ] {
            assert_eq!(outliers(of), expected, "{of:?}");
        }
    }

    #[test]
    fn a_trial_that_says_nothing_gives_its_place_back() {
        let health = Health::default();
        let model = Name::parse("m").unwrap();
        let settings = Settings { failures: 1, probes: 1, open_for: Duration::ZERO, ..Settings::default() };
        let allow = || health.allow(&model, settings.clone(), Rests::Count, Instant::now());
        assert_eq!(allow().unwrap().failed(), Some(Phase::HalfOpen), "its wait is over at once");
        assert_eq!(health.conditions()[0].opened, 1);
        let probe = allow().unwrap();
        assert!(allow().is_err(), "one at a time");
        drop(probe);
        let mut probe = allow().unwrap();
        assert_eq!(probe.answered(Duration::ZERO), Some(Phase::Closed));
        assert_eq!(health.conditions()[0].phase, Phase::Closed);
        allow().unwrap().rest(Duration::from_secs(3_600));
        let wait = allow().unwrap_err();
        assert!(wait <= LONGEST_REST + Duration::from_secs(1), "{wait:?}");
        assert!(health.allow(&model, settings.clone(), Rests::DoNot, Instant::now()).is_ok());
    }
}
