//! Whether detectors find what they must find: a text for each, asked at the start, when something changes and now and then.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use cordon_core::{
    Category, Channel, Score, Timestamp,
    resource::{Adapter, WhenUnavailable},
};
use cordon_inspect::{DetectorInfo, Engine};
use cordon_policy::{EffectiveGuard, Quarantined};
use tokio::{task::JoinSet, time::timeout};

use super::{
    Counted, Failure, Unavailable,
    adapter::Found,
    asked::about,
    canaries, pictures,
    registry::{Detectors, Needed, Prepared},
};
use crate::{ports::Clock, resilience::breaker::Phase, upstream::Client};

/// How often is looked whose time has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Detectors that are tested at the same time.
const MOST_AT_ONCE: usize = 4;
/// From this score on something counts as found.
const FOUND: Score = Score::percent(50);

/// What a self-test said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tested {
    /// When it was.
    pub at: Timestamp,
    /// Since when it says so.
    pub since: Timestamp,
    /// Why it failed; nothing where the detector found what it must find.
    pub failed: Option<Failure>,
}

/// How a detector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectorState {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u16,
    /// How it is asked; nothing for one that is built in.
    pub adapter: Option<Adapter>,
    /// What it may report.
    pub categories: Vec<Category>,
    /// What its self-test said; nothing before the first.
    pub tested: Option<Tested>,
    /// What becomes of a content that it says nothing of.
    pub when_unavailable: WhenUnavailable,
    /// Its breaker, where it is not built in.
    pub phase: Option<Phase>,
    /// What was counted of it, where it is not built in.
    pub counted: Option<Counted>,
}

/// The self-test of a detector elsewhere.
#[derive(Debug, Default)]
pub(super) struct Test {
    said: Mutex<Said>,
    /// One at a time.
    running: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Said {
    tested: Option<Tested>,
    due: Option<Instant>,
}

impl Test {
    fn said(&self) -> Said {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was run.
    pub(super) fn was_asked(&self) -> bool {
        self.said().tested.is_some()
    }
}

/// The self-tests of what is built in.
#[derive(Debug)]
pub(super) struct Local {
    infos: Vec<(DetectorInfo, Tested)>,
    broken: Vec<DetectorInfo>,
}

impl Local {
    /// Tests every detector of an engine, and those beside it. What is compiled in does not change: once is enough.
    pub(super) fn of(engine: &Engine, now: Timestamp) -> Self {
        let fails = |info: &DetectorInfo| !canaries::finds(engine, info);
        Self::by(&[engine.detectors(), canaries::beside_engine()].concat(), fails, now)
    }

    pub(super) fn by(infos: &[DetectorInfo], fails: impl Fn(&DetectorInfo) -> bool, now: Timestamp) -> Self {
        let tested = |info: &DetectorInfo| {
            let failed = fails(info).then_some(Failure::SelfTest);
            (info.clone(), Tested { at: now, since: now, failed })
        };
        let infos: Vec<_> = infos.iter().map(tested).collect();
        let broken = infos.iter().filter(|(_, tested)| tested.failed.is_some()).map(|(info, _)| info.clone());
        let broken: Vec<_> = broken.collect();
        for info in &broken {
            tracing::error!(
                detector = info.name,
                "a detector that is built in does not find its self-test; calls whose guards need it are refused"
            );
        }
        Self { broken, infos }
    }

    /// Those that do not find what they must, as ones that said nothing, as far as a call needs them.
    pub(super) fn unavailable(
        &self,
        guard: &EffectiveGuard,
        needed: Needed,
        out: &Quarantined,
    ) -> Vec<Unavailable> {
        let broken = self.broken.iter();
        let broken = broken.filter(|info| !out.detectors().any(|name| name.as_str() == info.name));
        let unavailable = broken.filter_map(|info| {
            let looks = |channel: &Channel| guard.looks_for(*channel, &info.categories);
            let is_needed = || needed.includes(info.name).then_some(Channel::User);
            let channel = Channel::ALL.into_iter().find(looks).or_else(is_needed)?;
            let then = WhenUnavailable::Refuse;
            Some(Unavailable { detector: info.name, version: info.version, channel, then, too_much: false })
        });
        unavailable.collect()
    }

    pub(super) fn states(&self) -> impl Iterator<Item = DetectorState> {
        self.infos.iter().map(|(info, tested)| DetectorState {
            name: info.name.to_owned(),
            version: info.version,
            adapter: None,
            categories: info.categories.clone(),
            tested: Some(*tested),
            when_unavailable: WhenUnavailable::Refuse,
            phase: None,
            counted: None,
        })
    }
}

/// How the detectors are that are built in, tested here and now.
pub fn built_in(engine: &Engine, now: Timestamp) -> Vec<DetectorState> {
    Local::of(engine, now).states().collect()
}

impl Prepared {
    /// Has its next test be due at once.
    #[cfg(test)]
    pub(super) fn expire(&self) {
        self.test.said.lock().unwrap_or_else(PoisonError::into_inner).due = None;
    }

    /// Whether it may be asked: its self-test did not fail. One that was never tested is, now.
    ///
    /// # Errors
    /// When it does not find what it must.
    pub(super) async fn passes(&self, client: &Client, clock: &dyn Clock) -> Result<(), Failure> {
        if !self.test.was_asked() {
            self.test_now(client, clock, Run::First).await;
        }
        match self.test.said().tested {
            Some(Tested { failed: Some(_), .. }) => Err(Failure::SelfTest),
            _ => Ok(()),
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.test.said().due.is_none_or(|due| due <= now)
    }

    async fn test_now(&self, client: &Client, clock: &dyn Clock, run: Run) {
        let _alone = self.test.running.lock().await;
        let is_done = match run {
            Run::First => self.test.was_asked(),
            Run::Again => !self.is_due(Instant::now()),
        };
        if is_done {
            return;
        }
        if let Some(model) = &self.model {
            // Reading a model takes longer than asking it: the deadline begins behind that.
            model.open(self.name, &self.entry.spec).await;
        }
        let (spec, deadline) = (&self.entry.spec, self.deadline());
        let channel = spec.channels.first().copied().unwrap_or(Channel::User);
        let fires = async {
            let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Failure::Unready)?;
            if spec.adapter == Adapter::Ocr {
                return pictures::test(self, client).await;
            }
            let found = about(self, client, channel, &spec.self_test.text, place).await?;
            let fires =
                |found: &Found| found.score >= FOUND && spec.self_test.category.covers(&found.category);
            if found.iter().any(fires) { Ok(()) } else { Err(Failure::SelfTest) }
        };
        let failed = timeout(deadline, fires).await.unwrap_or(Err(Failure::Deadline)).err();
        self.say(failed, clock.now());
    }

    fn say(&self, failed: Option<Failure>, now: Timestamp) {
        let every = Duration::from_millis(self.entry.spec.tested_every().as_millis());
        let mut said = self.test.said.lock().unwrap_or_else(PoisonError::into_inner);
        let before = said.tested;
        let same = before.filter(|before| before.failed.is_some() == failed.is_some());
        let since = same.map_or(now, |same| same.since);
        *said =
            Said { tested: Some(Tested { at: now, since, failed }), due: Instant::now().checked_add(every) };
        drop(said);
        let then = match self.entry.spec.when_unavailable {
            WhenUnavailable::Refuse => "calls whose guards need it are refused",
            WhenUnavailable::Allow => "calls go on without it, and their records say so",
        };
        match (failed, same.is_some()) {
            (Some(why), false) => {
                tracing::error!(detector = self.name, %why, then, "a detector does not pass its self-test");
            }
            (None, false) if before.is_some() => {
                tracing::warn!(detector = self.name, "a detector passes its self-test again");
            }
            _ => {}
        }
    }

    fn state(&self, now: Instant) -> DetectorState {
        let spec = &self.entry.spec;
        DetectorState {
            name: self.entry.name.to_string(),
            version: spec.version,
            adapter: Some(spec.adapter),
            categories: spec.categories.values().cloned().collect(),
            tested: self.test.said().tested,
            when_unavailable: spec.when_unavailable,
            phase: Some(self.phase(now)),
            counted: Some(self.counts.read()),
        }
    }
}

/// Why a test runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// There was none yet.
    First,
    /// Its time has come.
    Again,
}

impl Detectors {
    /// How every detector is, those that are built in first.
    pub fn states(&self) -> Vec<DetectorState> {
        let now = Instant::now();
        let all = self.all();
        self.local.states().chain(all.iter().map(|prepared| prepared.state(now))).collect()
    }

    /// How those elsewhere are, by name.
    pub fn remote_states(&self) -> Vec<DetectorState> {
        let now = Instant::now();
        self.all().iter().map(|prepared| prepared.state(now)).collect()
    }

    /// Tests those elsewhere until `stop`: each that is new at once, the others when their time has come.
    pub(crate) async fn test(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let due = self.test_due();
            tokio::select! {
                () = &mut stop => return,
                () = due => {}
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Tests all whose time has come, some at a time. Each takes its deadline at most.
    pub(crate) async fn test_due(&self) {
        let now = Instant::now();
        let mut testing = JoinSet::new();
        for prepared in self.all().iter().filter(|prepared| prepared.is_due(now)) {
            if testing.len() >= MOST_AT_ONCE {
                let _ = testing.join_next().await;
            }
            let (prepared, client, clock) =
                (Arc::clone(prepared), self.client.clone(), Arc::clone(&self.clock));
            testing.spawn(async move { prepared.test_now(&client, &*clock, Run::Again).await });
        }
        while testing.join_next().await.is_some() {}
    }
}
