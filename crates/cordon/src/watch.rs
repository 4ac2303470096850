//! Triggers beside the path: ended calls are looked at, and what was approved in advance is done.
//!
//! A call hands over what triggers look at of it ([`Feed`]) and never waits. A few times a second the engine
//! (`cordon_watch::Triggers`) is asked what has to be done; an action goes the way of the kill switch, in force first, then kept,
//! then a fact. A test call says whether it holds. The engine forgets nothing that stands: it is told by the log, and by a file
//! what the log does not know of yet.

mod containing;
mod feed;
mod levels;
mod reports;

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use cordon_core::{
    DurationMs, Name, State,
    containment::{Fired, Subject},
    fact::Actor,
    resource::{Kind, Spec},
};
use cordon_guard::{Gateway, ports::Clock};
use cordon_store::sequencer::{Sequencer, WishError};
use cordon_watch::{Bounds, Decision, Ended, Phase, Status, Triggers};
use tokio::sync::{Mutex, mpsc};

pub use self::feed::Feed;
use self::reports::Reports;
use crate::{metrics::Metrics, quarantine::Quarantines};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(200);
/// When what could not be ended is asked again.
const AGAIN: DurationMs = DurationMs::from_secs(5);
/// Calls that are looked at before others have their turn.
const BATCH: usize = 256;

/// What watching is made of.
pub struct Parts<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// Where calls come from.
    pub feed: Arc<Feed>,
    /// The calls.
    pub calls: mpsc::Receiver<Ended>,
    /// What is acted on.
    pub gateway: Gateway,
    /// The log.
    pub sequencer: Sequencer,
    /// The kill switch.
    pub quarantines: Quarantines,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// The triggers of this node. Clones share everything.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

struct Shared {
    looking: Mutex<Looking>,
    feed: Arc<Feed>,
    reports: Reports,
    gateway: Gateway,
    sequencer: Sequencer,
    quarantines: Quarantines,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

/// One of those that a trigger watches one by one, or all of its calls together.
type At = (Name, Option<Subject>);

struct Looking {
    triggers: Triggers,
    calls: mpsc::Receiver<Ended>,
    /// The position of the log up to which it knows the triggers.
    known: Option<u64>,
    /// What is just being ended.
    ending: BTreeSet<At>,
}

impl Watch {
    /// Takes up what triggers did before.
    ///
    /// # Errors
    /// When the file of what waits for the log cannot be read.
    pub fn open(parts: Parts<'_>) -> anyhow::Result<Self> {
        let Parts { data, feed, calls, gateway, sequencer, quarantines, clock, metrics } = parts;
        let reports = Reports::open(data, gateway.clone())?;
        let (triggers, ending) = (Triggers::new(Bounds::default()), BTreeSet::new());
        let looking = Mutex::new(Looking { triggers, calls, known: None, ending });
        let shared = Shared { looking, feed, reports, gateway, sequencer, quarantines, clock, metrics };
        Ok(Self(Arc::new(shared)))
    }

    /// Looks, until `stop`, and makes facts of what was done.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut interval = tokio::time::interval(EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut logging = std::pin::pin!(self.0.reports.follow(&self.0.sequencer));
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = &mut logging => return,
                _ = interval.tick() => self.look().await,
            }
        }
    }

    /// Looks at the calls that have ended since it last did, and begins what has to be done.
    pub async fn look(&self) {
        let mut looking = self.0.looking.lock().await;
        let unfinished = self.learn(&mut looking);
        let now = self.0.clock.now();
        for seen in 1..=looking.calls.len() {
            let Ok(ended) = looking.calls.try_recv() else { break };
            looking.triggers.see(&ended);
            if seen.is_multiple_of(BATCH) {
                tokio::task::yield_now().await;
            }
        }
        levels::read(&self.0.gateway, &mut looking.triggers, now);
        let decisions = looking.triggers.decide(now);
        let mut begun = unfinished;
        for decision in decisions {
            match decision {
                Decision::Fire(firing) => {
                    if let Some(spec) = looking.triggers.spec(&firing.trigger) {
                        begun.extend(containing::firing(firing, spec));
                    }
                }
                Decision::Clear { trigger, of, since, .. } => {
                    looking.ending.insert((trigger.clone(), of.clone()));
                    tokio::spawn(self.clone().end(trigger, of, since));
                }
            }
        }
        self.measure(&looking);
        for containing in begun {
            // Known before anything is done, so that a restart in between takes it up again, and before anybody looks again, so
            // that nobody takes it for lifted.
            self.0.reports.fired(&containing.firing);
            tokio::spawn(self.clone().contain(containing));
        }
    }

    /// Where a trigger is, of each that it watches.
    pub async fn statuses(&self, trigger: &Name) -> Vec<Status> {
        self.0.looking.lock().await.triggers.statuses(trigger)
    }

    /// Takes over the triggers of the log, and what stands of them. Gives what stands without having been tested.
    fn learn(&self, looking: &mut Looking) -> Vec<containing::Containing> {
        // Before the log is looked at: what is in neither was ended.
        let waiting = self.0.reports.fired_and_waiting();
        let state = self.0.sequencer.committed().state;
        let first = looking.known.is_none();
        if looking.known.replace(state.position()) == Some(state.position()) {
            return Vec::new();
        }
        for (name, standing) in state.resources_of(Kind::Trigger) {
            if let Spec::Trigger(spec) = &standing.spec {
                looking.triggers.declare(name, spec);
            }
        }
        looking.triggers.retain(|name| state.resource(Kind::Trigger, name).is_some());
        self.0.feed.watch(!looking.triggers.is_empty());
        looking.lifted(&state, &waiting);
        let mut unfinished = Vec::new();
        let logged = state.firings().filter(|fired| fired.stands()).map(AsRef::as_ref);
        let unlogged = waiting.iter().filter(|fired| {
            state.firing(&fired.firing.trigger, fired.firing.of.as_ref()).is_none_or(|known| !known.stands())
        });
        for fired in logged.chain(unlogged) {
            let firing = &fired.firing;
            let at = (firing.trigger.clone(), firing.of.clone());
            let standing = matches!(looking.triggers.phase(&at.0, at.1.as_ref()), Phase::Fired { .. });
            if !standing && !looking.ending.contains(&at) {
                looking.triggers.stands(&at.0, at.1.as_ref(), firing.t1, firing.hold);
                // The process before this one may have ended before it was in force.
                let spec =
                    looking.triggers.spec(&firing.trigger).filter(|_| first && fired.contained.is_none());
                unfinished.extend(spec.map(|spec| containing::again(firing, spec)));
            }
        }
        unfinished
    }

    /// Ends what a trigger did, by its rule.
    async fn end(self, trigger: Name, of: Option<Subject>, since: cordon_core::Timestamp) {
        let by = Actor::Trigger(trigger.clone());
        let ended = containing::end(&self.0.sequencer, trigger.clone(), of.clone(), by).await;
        let mut looking = self.0.looking.lock().await;
        looking.ending.remove(&(trigger.clone(), of.clone()));
        match ended {
            Ok(()) => tracing::info!(%trigger, "the signal is clear, and what the trigger did has ended"),
            Err(error) => {
                // A person may be needed, or the log away.
                let again = match &error {
                    WishError::Rejected(_) => {
                        looking.triggers.spec(&trigger).map_or(AGAIN, |spec| spec.cool_down)
                    }
                    _ => AGAIN,
                };
                let until = self.0.clock.now().plus(again);
                looking.triggers.stays(&trigger, of.as_ref(), since, until);
                tracing::warn!(%trigger, %error, "what the trigger did cannot be ended yet");
            }
        }
    }

    fn measure(&self, looking: &Looking) {
        let lost = self.0.feed.lost().saturating_add(looking.triggers.unwatched());
        self.0.metrics.triggers.unwatched(lost);
        for (name, standing) in looking.triggers.standing() {
            self.0.metrics.triggers.standing(name, standing);
        }
    }
}

impl Looking {
    /// Learns what people have ended: it has fired here, and stands neither in the log nor among what waits for it.
    fn lifted(&mut self, state: &State, waiting: &[Fired]) {
        let fired: Vec<At> = self.triggers.fired().map(|(name, of)| (name.clone(), of.cloned())).collect();
        for (name, of) in fired {
            let stands = state.firing(&name, of.as_ref()).is_some_and(|fired| fired.stands());
            let waits = waiting.iter().any(|fired| fired.firing.trigger == name && fired.firing.of == of);
            if !stands && !waits {
                self.triggers.lifted(&name, of.as_ref());
            }
        }
    }
}
