//! Triggers beside the path: ended calls are looked at, and what was approved in advance is done.
//!
//! A call hands over what triggers look at of it ([`Feed`]) and never waits. A few times a second the engine
//! (`cordon_watch::Triggers`) is asked what has to be done; an action is in force first, then kept, then a fact, all that is done at a time
//! together. A test call says whether it holds. The engine forgets nothing that stands: it is told by the log, and by a file
//! what the log does not know of yet.

mod budgets;
mod containing;
mod feed;
mod levels;
mod reports;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use cordon_core::{
    DurationMs, Name, State, Timestamp,
    command::may_fire,
    containment::{Fired, FiringId, Subject},
    fact::Actor,
    resource::{Kind, Spec},
};
use cordon_guard::{Gateway, ports::Clock};
use cordon_store::sequencer::{Sequencer, WishError};
use cordon_watch::{Bounds, Decision, Ended, Phase, Seen, Status, Triggers};
use tokio::sync::{Mutex, mpsc};

pub use self::feed::Feed;
use self::{
    budgets::Budgets,
    containing::{Containing, Untested},
    reports::Reports,
};
use crate::{metrics::Metrics, quarantine::Order};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(200);
/// How often a store is asked how much of a budget is used.
const ASKED: Duration = Duration::from_secs(1);
/// When what could not be done, or not be ended, is tried again.
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
    /// The name of this node.
    pub node: Name,
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
    budgets: Budgets,
    gateway: Gateway,
    sequencer: Sequencer,
    node: Name,
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
    /// What stands and was not tested yet.
    untested: BTreeMap<FiringId, Untested>,
}

impl Watch {
    /// Takes up what triggers did before.
    ///
    /// # Errors
    /// When the file of what waits for the log cannot be read.
    pub fn open(parts: Parts<'_>) -> anyhow::Result<Self> {
        let Parts { data, feed, calls, gateway, sequencer, node, clock, metrics } = parts;
        let reports = Reports::open(data, gateway.clone())?;
        let (triggers, ending) = (Triggers::new(Bounds::default()), BTreeSet::new());
        let looking = Looking { triggers, calls, known: None, ending, untested: BTreeMap::new() };
        let looking = Mutex::new(looking);
        let budgets = Budgets::default();
        let shared = Shared { looking, feed, reports, budgets, gateway, sequencer, node, clock, metrics };
        Ok(Self(Arc::new(shared)))
    }

    /// Looks, until `stop`, and makes facts of what was done.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        // All are polled, always: one that has just been given the lock and is left alone while another waits for it would hold it
        // for ever.
        tokio::select! {
            () = stop => {}
            () = self.0.reports.follow(&self.0.sequencer) => {}
            () = self.ask_budgets() => {}
            () = self.look_again() => {}
        }
    }

    /// Looks again and again.
    async fn look_again(&self) {
        let mut interval = tokio::time::interval(EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.look().await;
        }
    }

    /// Asks again and again how much of the budgets is used that triggers watch.
    async fn ask_budgets(&self) {
        let mut interval = tokio::time::interval(ASKED);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let limits = levels::budgets(&self.0.looking.lock().await.triggers);
            self.0.budgets.ask(&self.0.gateway, limits, self.0.clock.now()).await;
        }
    }

    /// Looks at the calls that have ended since it last did, and begins what has to be done.
    pub async fn look(&self) {
        let mut looking = self.0.looking.lock().await;
        let now = self.0.clock.now();
        self.learn(&mut looking, now);
        for seen in 1..=looking.calls.len() {
            let Ok(ended) = looking.calls.try_recv() else { break };
            looking.triggers.see(&ended);
            if seen.is_multiple_of(BATCH) {
                tokio::task::yield_now().await;
            }
        }
        levels::read(&self.0.gateway, &self.0.budgets, &mut looking.triggers, now);
        let decisions = looking.triggers.decide(now);
        let state = self.0.sequencer.committed().state;
        let mut begun = Vec::new();
        for decision in decisions {
            match decision {
                Decision::Fire(firing) => {
                    let spec = looking.triggers.spec(&firing.trigger);
                    let Some(containing) =
                        spec.and_then(|spec| containing::firing(firing, spec, &self.0.node))
                    else {
                        continue;
                    };
                    let Containing { firing, reason, .. } = &containing;
                    match may_fire(&state, firing, reason) {
                        Ok(_) => begun.push(containing),
                        // Nothing comes in force that would not be a fact.
                        Err(why) => {
                            tracing::error!(trigger = %firing.trigger, %why, "a trigger may not do what it is told to");
                            looking.triggers.failed(&firing.trigger, firing.of.as_ref(), now.plus(AGAIN));
                        }
                    }
                }
                Decision::Clear { trigger, of, since, .. } => {
                    looking.ending.insert((trigger.clone(), of.clone()));
                    tokio::spawn(self.clone().end(trigger, of, since));
                }
            }
        }
        self.measure(&looking);
        if !begun.is_empty() {
            // All of them at once, and before anybody looks again, so that nobody takes them for lifted.
            self.0.reports.fired(&begun);
            let fired = begun.into_iter().map(|containing| containing.firing);
            tokio::spawn(self.clone().contain(fired.collect()));
        }
        let due = looking.due(now);
        if !due.is_empty() {
            tokio::spawn(self.clone().test(due));
        }
    }

    /// The quarantines that are in force and wait for the log.
    pub fn waiting(&self) -> Vec<Order> {
        self.0.reports.quarantines()
    }

    /// Where a trigger is, of each that it watches.
    pub async fn statuses(&self, trigger: &Name) -> Vec<Status> {
        self.0.looking.lock().await.triggers.statuses(trigger)
    }

    /// Takes over the triggers of the log, and what stands of them.
    fn learn(&self, looking: &mut Looking, now: Timestamp) {
        // Before the log is looked at: what is in neither was ended.
        let (waiting, rejected) = self.0.reports.pending();
        for FiringId { trigger, of } in rejected {
            looking.triggers.failed(&trigger, of.as_ref(), now.plus(AGAIN));
        }
        let state = self.0.sequencer.committed().state;
        let first = looking.known.is_none();
        if looking.known.replace(state.position()) == Some(state.position()) {
            return;
        }
        for (name, standing) in state.resources_of(Kind::Trigger) {
            if let Spec::Trigger(spec) = &standing.spec {
                looking.triggers.declare(name, spec);
            }
        }
        looking.triggers.retain(|name| state.resource(Kind::Trigger, name).is_some());
        self.0.feed.watch(!looking.triggers.is_empty());
        looking.lifted(&state, &waiting, now);
        let logged = state.firings().filter(|fired| fired.stands()).map(AsRef::as_ref);
        let unlogged = waiting.iter().filter(|fired| {
            state.firing(&fired.firing.trigger, fired.firing.of.as_ref()).is_none_or(|known| !known.stands())
        });
        for fired in logged.chain(unlogged) {
            let firing = &fired.firing;
            let at = (firing.trigger.clone(), firing.of.clone());
            let standing = matches!(looking.triggers.phase(&at.0, at.1.as_ref()), Phase::Fired { .. });
            if !standing && !looking.ending.contains(&at) {
                let is_own = firing.node.as_ref().is_none_or(|node| *node == self.0.node);
                let seen = if is_own { Seen::Here } else { Seen::Elsewhere };
                looking.triggers.stands(&at.0, at.1.as_ref(), firing.t1, firing.hold, seen);
                // The process before this one may have ended before it was tested.
                if first && fired.contained.is_none() {
                    looking.test_again(vec![Untested::new(firing.clone(), now)]);
                }
            }
        }
    }

    /// Ends what a trigger did, by its rule.
    async fn end(self, trigger: Name, of: Option<Subject>, since: Timestamp) {
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
    /// Learns what others have ended: it has fired here, and stands neither in the log nor among what waits for it.
    fn lifted(&mut self, state: &State, waiting: &[Fired], now: Timestamp) {
        let fired: Vec<At> = self.triggers.fired().map(|(name, of)| (name.clone(), of.cloned())).collect();
        for (name, of) in fired {
            let known = state.firing(&name, of.as_ref());
            let waits = || waiting.iter().any(|fired| fired.firing.trigger == name && fired.firing.of == of);
            if known.is_some_and(|fired| fired.stands()) || waits() {
                continue;
            }
            if known.is_some_and(|fired| fired.by_rule) {
                self.triggers.lifted_by_rule(&name, of.as_ref(), now);
            } else {
                self.triggers.lifted(&name, of.as_ref());
            }
        }
    }

    /// Takes up what is to be tested later.
    fn test_again(&mut self, untested: Vec<Untested>) {
        self.untested.extend(untested.into_iter().map(|untested| (untested.firing.id(), untested)));
    }

    /// What is to be tested now. What does not stand any more is forgotten.
    fn due(&mut self, now: Timestamp) -> Vec<Untested> {
        let Self { triggers, untested, .. } = self;
        untested.retain(|id, _| matches!(triggers.phase(&id.trigger, id.of.as_ref()), Phase::Fired { .. }));
        untested.extract_if(.., |_, untested| untested.next <= now).map(|(_, untested)| untested).collect()
    }
}
