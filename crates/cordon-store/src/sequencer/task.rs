use std::{future::Future, pin::pin, sync::Arc};

use cordon_core::{
    Seal, State,
    command::{self, Decision, Rejection, Vault, Wish},
    fact::{Actor, Fact},
    state::Touched,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval},
};

use super::{Committed, Granted, HEARTBEAT, Health, Outside, QUEUE, Request, WishError};
use crate::log::{AppendError, Entry, LoadError, Loader, StateCaches};

/// The most facts of one commit. A wish is never split, so that one may have more.
const GROUP_FACTS: usize = 4096;

/// How often a group is decided again because another process was faster.
const ATTEMPTS: usize = 8;

pub(super) struct Task {
    loader: Loader,
    outside: Outside,
    committed: Committed,
    sender: watch::Sender<Committed>,
    /// Position of the latest cache written or tried.
    cached: u64,
    /// An append failed in a way that leaves open whether its facts are in the log: read before the next one.
    unsure: bool,
}

/// What one pass over the waiting wishes made.
struct Group {
    /// The state with all facts of the group.
    pending: State,
    entries: Vec<Entry>,
    seals: Vec<Seal>,
    touched: Vec<Touched>,
    answers: Vec<Result<Granted, Rejection>>,
}

impl Task {
    pub(super) fn new(
        loader: Loader,
        outside: Outside,
        committed: Committed,
        sender: watch::Sender<Committed>,
    ) -> Self {
        let cached = loader.caches().positions().into_iter().max().unwrap_or(0);
        Self { loader, outside, committed, sender, cached, unsure: false }
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Request>, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut requests = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = &mut stop => queue.close(),
                count = queue.recv_many(&mut requests, QUEUE) => {
                    if count == 0 {
                        break;
                    }
                    self.serve(&mut requests).await;
                    continue;
                }
                _ = heartbeat.tick() => {
                    // Why it failed is in the health.
                    let _ = self.follow().await;
                    continue;
                }
            }
            // Closed: what waits is still decided, then the loop ends.
            while queue.recv_many(&mut requests, QUEUE).await > 0 {
                self.serve(&mut requests).await;
            }
            break;
        }
        self.write_cache().await;
    }

    /// Decides these wishes in order, appends what they lead to, and answers.
    async fn serve(&mut self, requests: &mut Vec<Request>) {
        let mut waiting = std::mem::take(requests).into_iter().peekable();
        while waiting.peek().is_some() {
            let mut part = Vec::new();
            let mut facts = 0;
            // Wishes differ in weight: resources to apply are counted as facts.
            while let Some(request) = waiting.next_if(|_| facts < GROUP_FACTS) {
                facts += request.wish.weight();
                part.push(request);
            }
            self.serve_group(part).await;
        }
        if StateCaches::is_due(&self.committed.state, self.cached) {
            self.write_behind();
        }
    }

    async fn serve_group(&mut self, requests: Vec<Request>) {
        for _ in 0..ATTEMPTS {
            if (self.unsure || !self.committed.is_ready())
                && let Err(error) = self.follow().await
            {
                return answer_all(requests, || error.again());
            }
            let wishes: Vec<(&Wish, &Actor)> =
                requests.iter().map(|request| (&request.wish, &request.actor)).collect();
            let group = match self.decide(&wishes).await {
                Ok(group) => group,
                Err(error) => {
                    let error = self.unreachable(error);
                    return answer_all(requests, || error.again());
                }
            };
            match self.commit(&group).await {
                Ok(()) => {
                    for (request, answer) in requests.into_iter().zip(group.answers) {
                        answer_one(request.reply, answer.map_err(WishError::from));
                    }
                    return;
                }
                Err(AppendError::Conflict { .. }) => self.unsure = true,
                Err(error) => {
                    let error = self.refused(error);
                    return answer_all(requests, || error.again());
                }
            }
        }
        answer_all(requests, || WishError::Crowded);
    }

    /// Decides wishes one after the other, each against what the ones before it lead to.
    async fn decide(&mut self, wishes: &[(&Wish, &Actor)]) -> Result<Group, LoadError> {
        let state = &self.committed.state;
        let now = (self.outside.now)();
        // Facts are in the order of their times, whatever the clock does.
        let now = state.time().map_or(now, |latest| latest.max(now));
        let mut group = Group {
            pending: state.clone(),
            entries: Vec::new(),
            seals: Vec::new(),
            touched: Vec::new(),
            answers: Vec::with_capacity(wishes.len()),
        };
        for (wish, actor) in wishes {
            let mut digests = command::sealed_digests(&group.pending, wish);
            // Seals of this group are not in the log yet.
            let mut vault: Vault = Vault::new();
            vault.extend(
                group
                    .seals
                    .iter()
                    .filter(|seal| digests.contains(&seal.digest))
                    .map(|seal| (seal.digest, seal.clone())),
            );
            digests.retain(|digest| !vault.contains_key(digest));
            if !digests.is_empty() {
                vault.extend(self.loader.log().seals(&digests).await?);
            }
            let decision =
                command::decide(&group.pending, now, (*wish).clone(), &vault, self.outside.entropy.as_mut());
            let answer = decision.and_then(|decision| add(&mut group, &decision, now, actor));
            group.answers.push(answer);
        }
        Ok(group)
    }

    /// Appends a group and shows it. Nothing is visible before it is durable.
    async fn commit(&mut self, group: &Group) -> Result<(), AppendError> {
        let expected = self.committed.state.position();
        if group.entries.is_empty() {
            // A refusal, too, must not come from a state that another process has changed since.
            return match self.loader.log().head().await? {
                actual if actual == expected => Ok(()),
                actual => Err(AppendError::Conflict { expected, actual }),
            };
        }
        self.loader.log().append(expected, &group.entries, &group.seals).await?;
        let mut state = group.pending.clone();
        state.settle();
        self.show(state, &group.touched);
        Ok(())
    }

    /// Reads what others appended, and whether the log can be read at all.
    async fn follow(&mut self) -> Result<(), WishError> {
        match self.loader.catch_up(self.committed.state.clone()).await {
            Ok(loaded) => {
                self.unsure = false;
                let health = loaded.stalled.map_or(Health::Following, Health::Stalled);
                let stalled = match &health {
                    Health::Stalled(stalled) => Err(WishError::Stalled(stalled.clone())),
                    Health::Following | Health::Unreachable(_) => Ok(()),
                };
                self.committed.health = health;
                self.show(loaded.state, &loaded.touched);
                stalled
            }
            Err(error) => Err(self.unreachable(error)),
        }
    }

    fn show(&mut self, state: State, touched: &[Touched]) {
        if state.position() != self.committed.state.position() {
            self.outside.publish.publish(&state, touched);
            self.committed.state = state;
        }
        if self.committed.is_ready() {
            self.committed.confirmed = (self.outside.now)();
        }
        self.sender.send_replace(self.committed.clone());
    }

    fn unreachable(&mut self, error: LoadError) -> WishError {
        self.unwell(&error);
        error.into()
    }

    fn refused(&mut self, error: AppendError) -> WishError {
        self.unsure = true;
        // A full or read-only disk can still be read: the state is known, so that its age stays young.
        if !matches!(error, AppendError::Full(_) | AppendError::ReadOnly(_) | AppendError::TimeDecreases) {
            self.unwell(&error);
        }
        tracing::error!(error = &error as &dyn std::error::Error, "facts were not appended");
        WishError::Log(Arc::new(error))
    }

    fn unwell(&mut self, error: &dyn std::error::Error) {
        let mut why = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            why = format!("{why}: {error}");
            cause = error.source();
        }
        let health = Health::Unreachable(why);
        if self.committed.health != health {
            tracing::error!(?health, "the log cannot be followed");
            self.committed.health = health;
            self.sender.send_replace(self.committed.clone());
        }
    }

    fn write_behind(&mut self) {
        self.cached = self.committed.state.position();
        let (caches, state) = (self.loader.caches().clone(), self.committed.state.clone());
        tokio::task::spawn_blocking(move || write(&caches, &state));
    }

    /// The cache of the last state, so that the next start has nothing to fold.
    async fn write_cache(self) {
        let (caches, state) = (self.loader.caches().clone(), self.committed.state);
        if !state.is_empty() && !caches.positions().contains(&state.position()) {
            let _ = tokio::task::spawn_blocking(move || write(&caches, &state)).await;
        }
    }
}

fn write(caches: &StateCaches, state: &State) {
    if let Err(error) = caches.write(state) {
        tracing::warn!(%error, position = state.position(), "a state cache was not written");
    }
}

/// Adds the facts of one decision to a group: all of them, or none.
fn add(
    group: &mut Group,
    decision: &Decision,
    now: cordon_core::Timestamp,
    actor: &Actor,
) -> Result<Granted, Rejection> {
    let position = group.pending.position();
    let facts = command::facts(decision, now, actor);
    let leaves: Result<Vec<_>, _> = facts.iter().map(Fact::encode).collect();
    let leaves = leaves.map_err(|error| Rejection::Refused(error.to_string()))?;
    let mut granted = Granted { position, touched: Vec::with_capacity(facts.len()), time: now };
    for (fact, leaf) in facts.iter().zip(leaves) {
        let touched = group.pending.apply(fact);
        granted.touched.extend(touched.iter().cloned());
        group.touched.extend(touched.iter().cloned());
        group.entries.push(Entry { time: fact.time, touched, leaf });
    }
    group.seals.extend(decision.seals.iter().cloned());
    Ok(granted)
}

fn answer_one(reply: oneshot::Sender<Result<Granted, WishError>>, answer: Result<Granted, WishError>) {
    // Whoever asked may be gone; the facts stand all the same.
    let _ = reply.send(answer);
}

fn answer_all(requests: Vec<Request>, error: impl Fn() -> WishError) {
    for request in requests {
        answer_one(request.reply, Err(error()));
    }
}

impl WishError {
    /// The same error for one more of those who waited.
    fn again(&self) -> Self {
        match self {
            Self::Rejected(rejection) => Self::Rejected(rejection.clone()),
            Self::Log(error) => Self::Log(Arc::clone(error)),
            Self::Load(error) => Self::Load(Arc::clone(error)),
            Self::Stalled(stalled) => Self::Stalled(stalled.clone()),
            Self::Crowded => Self::Crowded,
            Self::Stopping => Self::Stopping,
        }
    }
}
