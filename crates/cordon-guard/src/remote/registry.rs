//! The detectors that a Snapshot names, prepared once, and which of them look at a call.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use cordon_core::{
    Channel,
    resource::{Adapter, RouteTools},
};
use cordon_files::Report;
use cordon_inspect::Engine;
use cordon_policy::{DetectorEntry, EffectiveGuard, Quarantined, RouteEntry, Snapshot};
use smallvec::SmallVec;
use tokio::sync::{Notify, Semaphore};

use super::{
    Failure, Unavailable,
    adapter::MAX_ANSWER,
    asked,
    counts::{Counts, Outcome},
    kept_name,
    model::{self, Model, Models},
    second::{Answers, Asked, Wanted},
    self_test::{Local, Test},
};
use crate::{
    inspection::Inspection,
    ports::Clock,
    resilience::breaker::{self, Breaker, Phase},
    upstream::{AnswerLimits, Client, Endpoint, Environment, Reach, Scheme, SecretSource, Timeouts},
};

/// Texts that one detector is sent at the same time, of all calls.
pub(super) const MOST_AT_ONCE: usize = 32;

/// The detectors: those elsewhere, and whether those that are built in work.
pub struct Detectors {
    pub(super) client: Client,
    environment: Environment,
    models: Arc<dyn Models>,
    pub(super) clock: Arc<dyn Clock>,
    /// Those elsewhere, by name.
    all: ArcSwap<Vec<Arc<Prepared>>>,
    pub(super) local: Local,
    engine: Engine,
    /// Tells who tests that something is new.
    pub(super) changed: Notify,
}

/// A detector elsewhere: what its spec means, read once, and how it does.
pub(super) struct Prepared {
    pub(super) entry: Arc<DetectorEntry>,
    pub(super) name: &'static str,
    pub(super) endpoint: Result<Endpoint, String>,
    pub(super) secret: Option<SecretSource>,
    pub(super) settings: breaker::Settings,
    pub(super) breaker: Mutex<Breaker>,
    pub(super) counts: Arc<Counts>,
    pub(super) test: Test,
    pub(super) places: Arc<Semaphore>,
    /// The model, where it runs here.
    pub(super) model: Option<Model>,
}

/// Those that look at a content, each with the channels whose texts it is sent.
pub(crate) struct Used(SmallVec<[(Arc<Prepared>, Channels); 2]>);

type Channels = SmallVec<[Channel; 5]>;

impl std::fmt::Debug for Used {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(prepared, channels)| (prepared.name, channels))).finish()
    }
}

impl Used {
    pub(super) fn channels(&self) -> Vec<Channel> {
        let of_any = |channel: &Channel| self.0.iter().any(|(_, channels)| channels.contains(channel));
        Channel::ALL.into_iter().filter(of_any).collect()
    }
}

impl std::fmt::Debug for Detectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.load().iter().map(|prepared| prepared.name)).finish()
    }
}

impl Detectors {
    /// No detector elsewhere yet. Those of the engine are tested here, once.
    pub(crate) fn new(
        client: Client,
        environment: Environment,
        models: Arc<dyn Models>,
        clock: Arc<dyn Clock>,
        engine: &Engine,
    ) -> Self {
        let (local, engine) = (Local::of(engine, clock.now()), engine.clone());
        Self {
            client,
            environment,
            models,
            clock,
            all: ArcSwap::default(),
            local,
            engine,
            changed: Notify::new(),
        }
    }

    /// Takes over those of a Snapshot. One that is as it was keeps its breaker and what its self-test said; what was counted stays
    /// with the name.
    pub(crate) fn keep(&self, snapshot: &Snapshot) {
        let before = self.all.load_full();
        let same = |entry: &Arc<DetectorEntry>| {
            before.iter().find(|known| Arc::ptr_eq(&known.entry, entry) || known.entry == *entry).cloned()
        };
        let next: Vec<Arc<Prepared>> = snapshot
            .detectors()
            .map(|entry| {
                same(entry).unwrap_or_else(|| {
                    let counts = before.iter().find(|known| known.entry.name == entry.name);
                    let counts = counts.map(|known| Arc::clone(&known.counts)).unwrap_or_default();
                    Arc::new(Prepared::new(Arc::clone(entry), &self.environment, &self.models, counts))
                })
            })
            .collect();
        let is_new = next.iter().any(|prepared| !prepared.test.was_asked());
        self.all.store(Arc::new(next));
        if is_new {
            self.changed.notify_one();
        }
    }

    pub(super) fn all(&self) -> Arc<Vec<Arc<Prepared>>> {
        self.all.load_full()
    }

    /// Those elsewhere that look at what these guards have rules for, but for those that are out of use. Nothing where there are
    /// none.
    pub(crate) fn beside(&self, guard: &EffectiveGuard, out: &Quarantined) -> Option<Used> {
        let all = self.all.load();
        if all.is_empty() {
            return None;
        }
        let mut used = Used(SmallVec::new());
        for prepared in all.iter() {
            let spec = &prepared.entry.spec;
            // Who reads pictures is asked about no text.
            if spec.adapter == Adapter::Ocr || out.detectors().any(|name| *name == prepared.entry.name) {
                continue;
            }
            let looks = |channel: &Channel| guard.looks_for(*channel, spec.categories.values());
            let channels: Channels = spec.channels.iter().copied().filter(looks).collect();
            if !channels.is_empty() {
                used.0.push((Arc::clone(prepared), channels));
            }
        }
        (!used.0.is_empty()).then_some(used)
    }

    /// The means to inspect a content with what detectors elsewhere say of it. `first` inspects it by what is built in, which notes
    /// its texts, and says whether that lets it pass: otherwise nobody else is asked. `broken` gave no answer already.
    pub(crate) async fn after(
        &self,
        used: &Used,
        broken: Vec<Unavailable>,
        inspection: Inspection,
        first: impl FnOnce(&Inspection) -> bool,
    ) -> Inspection {
        let asking = inspection.clone().asking(used);
        let answers = match first(&asking) {
            true => self.ask(used, asking.wanted()).await,
            false => Answers::default(),
        };
        inspection.answered(answers.and(broken))
    }

    /// Asks all of them about the texts that were noted, at the same time. Dropping the future ends it.
    pub(crate) async fn ask(&self, used: &Used, wanted: Wanted) -> Answers {
        let mut unavailable = Vec::new();
        let mut found = Vec::new();
        let texts: Arc<[_]> = wanted.asked().collect();
        let too_many = wanted.overflowed();
        let mut asking = tokio::task::JoinSet::new();
        let about: Vec<Vec<usize>> = used
            .0
            .iter()
            .map(|(prepared, channels)| self.about(prepared, channels, &texts, too_many))
            .collect();
        for (at, ((prepared, _), about)) in used.0.iter().zip(&about).enumerate() {
            if about.is_empty() {
                continue;
            }
            let (prepared, about) = (Arc::clone(prepared), about.clone());
            let (client, clock) = (self.client.clone(), Arc::clone(&self.clock));
            let texts = Arc::clone(&texts);
            asking.spawn(async move {
                let answer = match too_many {
                    true => Err(Failure::TooMany),
                    false => asked::ask(&prepared, &client, &*clock, &texts, &about).await,
                };
                (at, answer)
            });
        }
        let mut answered = Vec::with_capacity(used.0.len());
        while let Some(joined) = asking.join_next().await {
            // A task that panicked gave no answer; it is found below.
            answered.extend(joined.ok());
        }
        for (at, ((prepared, channels), about)) in used.0.iter().zip(&about).enumerate() {
            if about.is_empty() {
                continue;
            }
            let position = answered.iter().position(|(of, _)| *of == at);
            let answer =
                position.map_or(Err(Failure::Unreachable), |position| answered.swap_remove(position).1);
            match answer {
                Ok(findings) => {
                    prepared.counts.count(Outcome::Answered, findings.len());
                    found.extend(findings);
                }
                Err(why) => {
                    prepared.counts.count(Outcome::Failed(why), 0);
                    tracing::debug!(detector = prepared.name, %why, "a detector gave no answer");
                    let channel = channels.first().copied().unwrap_or(Channel::User);
                    unavailable.push(prepared.unavailable(channel, why));
                }
            }
        }
        wanted.answered(found, unavailable)
    }

    /// Which texts a detector is asked about: those of its channels, and of these only where what is built in finds what its resource
    /// says. Where there are more texts than are kept, nobody knows what stands in the others, and all count.
    pub(super) fn about(
        &self,
        prepared: &Prepared,
        channels: &[Channel],
        texts: &[Asked],
        too_many: bool,
    ) -> Vec<usize> {
        let only = prepared.entry.spec.only_where.as_ref().filter(|_| !too_many);
        let is_wanted = |asked: &Asked| {
            only.is_none_or(|only| {
                let found = self.engine.inspect(asked.channel, &asked.text);
                found.iter().any(|found| found.score >= only.at && only.category.covers(&found.category))
            })
        };
        let wanted = texts.iter().enumerate().filter(|(_, asked)| channels.contains(&asked.channel));
        wanted.filter(|(_, asked)| is_wanted(asked)).map(|(of, _)| of).collect()
    }

    /// The detectors that are built in and do not find what they must, as ones that said nothing: those that are of use to these guards, or
    /// `needed` whatever the guards say, but for those that are out of use.
    pub(crate) fn broken(
        &self,
        guard: &EffectiveGuard,
        needed: Needed,
        out: &Quarantined,
    ) -> Vec<Unavailable> {
        self.local.unavailable(guard, needed, out)
    }
}

/// What is judged by the rules of others than guards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needed {
    files: bool,
    tools: bool,
}

impl Needed {
    /// What a route, and the tools that are declared, have rules for.
    pub(crate) fn on(route: &RouteEntry, snapshot: &Snapshot) -> Self {
        let tools = route.tools == RouteTools::Declared || snapshot.has_tools();
        Self { files: route.files.is_some(), tools }
    }

    /// Whether the detector of this name is.
    pub(super) fn includes(self, name: &str) -> bool {
        self.files && name == Report::DETECTOR || self.tools && name == "tool"
    }

    #[cfg(test)]
    pub(super) const fn for_files() -> Self {
        Self { files: true, tools: false }
    }

    #[cfg(test)]
    pub(super) const fn for_tools() -> Self {
        Self { files: false, tools: true }
    }
}

impl Prepared {
    fn new(
        entry: Arc<DetectorEntry>,
        environment: &Environment,
        models: &Arc<dyn Models>,
        counts: Arc<Counts>,
    ) -> Self {
        let spec = &entry.spec;
        let deadline = Duration::from_millis(spec.deadline().as_millis());
        let timeouts = Timeouts { connect: deadline, first_byte: deadline, idle: deadline, total: deadline };
        let reach = if spec.private_network { Reach::PrivateToo } else { Reach::Public };
        let limits = AnswerLimits { max_bytes: MAX_ANSWER as u64, ..AnswerLimits::default() };
        let endpoint =
            Endpoint::new(&spec.base_url, reach, timeouts, limits).map_err(|error| error.to_string());
        let secret = spec.secret.clone();
        let secret =
            secret.map(|reference| SecretSource::new(reference, environment.clone()).with(Scheme::Bearer));
        let settings = breaker::Settings::from(&spec.breaker);
        let model = spec.folder.clone().map(|folder| Model::new(folder, Arc::clone(models)));
        let places = if model.is_some() { model::places() } else { MOST_AT_ONCE };
        Self {
            name: kept_name(&entry.name),
            endpoint,
            secret,
            breaker: Mutex::new(Breaker::new(&settings, Instant::now())),
            settings,
            counts,
            test: Test::default(),
            places: Arc::new(Semaphore::new(places)),
            model,
            entry,
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        Duration::from_millis(self.entry.spec.deadline().as_millis())
    }

    pub(super) fn unavailable(&self, channel: Channel, why: Failure) -> Unavailable {
        let spec = &self.entry.spec;
        Unavailable {
            detector: self.name,
            version: spec.version,
            channel,
            then: spec.when_unavailable,
            too_much: why.is_of_the_content(),
        }
    }

    pub(super) fn phase(&self, now: Instant) -> Phase {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).phase(now)
    }
}
