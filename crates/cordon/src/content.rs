//! Captured content on a running node: from the gateway's hand-over to the sealed store, out of it for a reader who is
//! recorded first, and away: when its time is over, or when an erasure is a fact.
//!
//! **Behind the path.** The gateway puts what a call said into a bounded [`Queue`] and goes on; one task seals what is in
//! it, many calls in a commit. What finds no room is not kept, and counted.
//!
//! **An erasure is a fact first.** Then the keys are destroyed by [`Contents::apply_erasures`], which does all erasures
//! after a durable position that lies beside the keys: so one that a crash kept from being done is done at the next start,
//! and those that an older copy of the keys brings back are done again.

mod aside;
mod master;
mod queue;
mod reading;

use std::{sync::Arc, time::Duration};

use cordon_core::{
    Name, State, Timestamp,
    command::{NewErasure, NewHold, Wish},
    evidence::ContentScope,
    fact::{Actor, Body},
    resource::{ContentCapture, Kind, RiskClass, RouteSpec, Spec},
    state::Touched,
};
use cordon_guard::{
    Gateway,
    ports::{Clock, Recorder},
};
use cordon_store::{
    Sequencer,
    content::{ContentError, ContentStore, Erasure, Hold, Scope, Unlocked},
    log::{Log, LogError},
    sequencer::{Granted, WishError},
};
use tokio::sync::Mutex;

pub(crate) use aside::AsideError;
pub use master::master_key;
pub use queue::{Counts, Queue};
pub(crate) use queue::{Receiver, keep};
pub use reading::ReadFault;

/// The most facts of a history that are looked at together.
const PAGE: u32 = 256;
/// The most keys that one step of retention destroys: writers wait for no more than that.
const EXPIRED_AT_ONCE: u32 = 512;
/// The most erasures that are remembered for content that is still on its way.
const REMEMBERED: usize = 4096;
/// How long it is waited for readers of the file of keys, so that no trace of a destroyed key is left in its log.
const CLEAN_WITHIN: Duration = Duration::from_secs(5);
const CLEAN_PAUSE: Duration = Duration::from_millis(20);

/// The content of a node. Clones share everything.
#[derive(Clone)]
pub struct Contents(Arc<Inner>);

struct Inner {
    store: ContentStore,
    /// With the master key, if there is one.
    unlocked: Option<Unlocked>,
    sequencer: Sequencer,
    clock: Arc<dyn Clock>,
    recorder: Arc<dyn Recorder>,
    gateway: Gateway,
    counts: Arc<Counts>,
    /// Held while an erasure or a hold is decided: one does not overlook the other.
    deciding: Mutex<()>,
    /// Erasures done since the start. Whoever writes to the store holds this, so that no content comes after its erasure.
    erased: Mutex<Vec<Erasure>>,
}

/// What content is kept with.
pub(crate) struct Parts {
    pub(crate) store: ContentStore,
    pub(crate) unlocked: Option<Unlocked>,
    pub(crate) sequencer: Sequencer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) gateway: Gateway,
    pub(crate) counts: Arc<Counts>,
}

/// What an erasure did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Where its fact stands in the log.
    pub position: u64,
    /// When it was decided: all calls in its scope until then are meant.
    pub time: Timestamp,
    /// How many calls had content when it was decided.
    pub calls: u64,
    /// How many keys were destroyed just now.
    pub destroyed: u64,
    /// Until when a backup of the keys may still hold one of them.
    pub backups_until: Option<Timestamp>,
}

/// Why content was not erased or held.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// It was not granted.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// The log cannot be read.
    #[error("the erasures in the log cannot be read")]
    Log(#[from] LogError),
    /// A fact cannot be read.
    #[error("fact {position} cannot be read: {why}")]
    Fact {
        /// Where it stands.
        position: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] ContentError),
    /// The keys are destroyed, but the write-ahead log still holds pages as they were.
    #[error(
        "the keys are destroyed, but a reader keeps their former pages alive; help: do it again, it does no harm"
    )]
    Unclean,
}

impl Contents {
    /// Content on these parts: holds and erasures are as the log says when this returns.
    ///
    /// # Errors
    /// When the log cannot be read or the store cannot be written.
    pub(crate) async fn start(parts: Parts) -> Result<Self, ForgetError> {
        let Parts { store, unlocked, sequencer, clock, recorder, gateway, counts } = parts;
        let contents = Self(Arc::new(Inner {
            store,
            unlocked,
            sequencer,
            clock,
            recorder,
            gateway,
            counts,
            deciding: Mutex::default(),
            erased: Mutex::default(),
        }));
        contents.follow_holds().await?;
        contents.apply_erasures().await?;
        Ok(contents)
    }

    /// Whether there is a master key: otherwise nothing is kept and nothing can be read.
    pub fn is_unlocked(&self) -> bool {
        self.0.unlocked.is_some()
    }

    /// The store.
    pub fn store(&self) -> &ContentStore {
        &self.0.store
    }

    /// Removes content whose time is over, all of it. The node does so by itself once an hour.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn retain(&self) -> Result<(), ContentError> {
        while self.expire().await? {}
        Ok(())
    }

    /// What was counted.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Forgets content: a fact, then the keys are destroyed. They are gone when this returns.
    ///
    /// # Errors
    /// When a legal hold is in the way, or log or store cannot be used. With [`ForgetError::Unclean`], and where only the
    /// store failed, the fact stands and is done at the next erasure or start.
    pub async fn erase(
        &self,
        scope: ContentScope,
        reason: Option<String>,
        actor: Actor,
    ) -> Result<Certificate, ForgetError> {
        let _turn = self.0.deciding.lock().await;
        // What is still on its way is in the certificate's count, too.
        self.0.counts.settled().await;
        let extent = self.0.store.extent(&in_store(scope), self.0.clock.now()).await?;
        let (calls, backups_until) = (extent.calls, extent.backup_until);
        let wish = NewErasure { scope, calls, held_by: extent.held_by, backups_until, reason };
        let Granted { position, time, .. } = self.0.sequencer.wish(Wish::EraseContent(wish), actor).await?;
        let destroyed = self.apply_erasures().await?;
        tracing::info!(position, calls, destroyed, "content was erased");
        Ok(Certificate { position, time, calls, destroyed, backups_until })
    }

    /// Sets a legal hold: a fact, then the store keeps to it.
    ///
    /// # Errors
    /// When a hold of this name has another scope, or log or store cannot be used.
    pub async fn hold(&self, new: NewHold, actor: Actor) -> Result<Granted, ForgetError> {
        let _turn = self.0.deciding.lock().await;
        let hold = Hold { scope: in_store(new.scope), case: new.name.clone() };
        // The store first: content must not expire between the fact and its effect. Should the fact not come about, the
        // store is set right below.
        let fresh = self.0.store.hold(&hold, self.0.clock.now()).await?;
        let granted = self.0.sequencer.wish(Wish::SetHold(new), actor).await;
        if granted.is_err() && fresh {
            self.0.store.release(&hold).await?;
        }
        Ok(granted?)
    }

    /// Ends a legal hold.
    ///
    /// # Errors
    /// When there is none of this name, or log or store cannot be used.
    pub async fn release(
        &self,
        name: Name,
        reason: Option<String>,
        actor: Actor,
    ) -> Result<Granted, ForgetError> {
        let _turn = self.0.deciding.lock().await;
        let scope = self.0.sequencer.committed().state.hold(&name).map(|hold| in_store(hold.scope));
        let granted = self.0.sequencer.wish(Wish::ReleaseHold(name.clone(), reason), actor).await?;
        if let Some(scope) = scope {
            self.0.store.release(&Hold { scope, case: name }).await?;
        }
        Ok(granted)
    }

    /// Brings the store's holds to what the log says: a crash may have come between.
    async fn follow_holds(&self) -> Result<(), ForgetError> {
        let state = self.0.sequencer.committed().state;
        let mut after: Option<Hold> = None;
        loop {
            let page = self.0.store.holds(after.as_ref(), PAGE).await?;
            for (hold, _) in &page {
                let stands = state.hold(&hold.case).is_some_and(|fact| in_store(fact.scope) == hold.scope);
                if !stands {
                    self.0.store.release(hold).await?;
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE as usize => after = Some(last.clone()),
                _ => break,
            }
        }
        for fact in state.holds() {
            let hold = Hold { scope: in_store(fact.scope), case: fact.name.clone() };
            self.0.store.hold(&hold, self.0.clock.now()).await?;
        }
        Ok(())
    }

    /// Does every erasure of the log that was not done here yet; gives how many keys were destroyed. To do it again is
    /// harmless.
    ///
    /// # Errors
    /// When the log cannot be read, or the store not be written.
    pub async fn apply_erasures(&self) -> Result<u64, ForgetError> {
        let mut remembered = self.0.erased.lock().await;
        let log = self.0.sequencer.loader().log();
        let (from, head) = (self.0.store.erased_to().await?, log.head().await?);
        let found = erasures(log.as_ref(), from, head).await?;
        // Before any key is destroyed: what is still on its way to the store is stopped from now on.
        remembered.extend(found.iter().cloned());
        let excess = remembered.len().saturating_sub(REMEMBERED);
        remembered.drain(..excess);
        destroy(&self.0.store, &found, head).await
    }

    /// Destroys keys whose time is over, at most [`EXPIRED_AT_ONCE`]; gives whether there are more.
    async fn expire(&self) -> Result<bool, ContentError> {
        let run = self.0.store.expire(self.0.clock.now(), EXPIRED_AT_ONCE).await?;
        if !run.calls.is_empty() {
            let (calls, bytes) = (run.calls.len(), run.bytes());
            self.0.counts.expired(calls as u64);
            tracing::info!(calls, bytes, clean = run.clean, "the time of captured content is over");
        }
        self.0.store.sweep(&run).await?;
        Ok(run.more)
    }
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents").field("unlocked", &self.is_unlocked()).finish_non_exhaustive()
    }
}

/// Does again, on a store that nobody serves, every erasure of the log that was not done there yet; gives how many keys were
/// destroyed.
///
/// # Errors
/// When the log cannot be read, or the store not be written.
pub(crate) async fn erase_again(log: &dyn Log, store: &ContentStore) -> Result<u64, ForgetError> {
    let (from, head) = (store.erased_to().await?, log.head().await?);
    destroy(store, &erasures(log, from, head).await?, head).await
}

/// The erasures of the log between two positions, those first that were first.
async fn erasures(log: &dyn Log, from: u64, head: u64) -> Result<Vec<Erasure>, ForgetError> {
    let mut found = Vec::new();
    let mut before = head;
    loop {
        let page = log.history(&Touched::Erasures, before, PAGE).await?;
        for stored in &page {
            before = stored.position;
            if before < from {
                found.reverse();
                return Ok(found);
            }
            let fact = stored
                .decode()
                .map_err(|error| ForgetError::Fact { position: before, why: error.to_string() })?;
            if let Body::ContentErased(erasure) = fact.body {
                found.push(Erasure { scope: in_store(erasure.scope), at: fact.time });
            }
        }
        if page.len() < PAGE as usize {
            found.reverse();
            return Ok(found);
        }
    }
}

async fn destroy(store: &ContentStore, erasures: &[Erasure], head: u64) -> Result<u64, ForgetError> {
    let mut destroyed = 0_u64;
    let deadline = tokio::time::Instant::now() + CLEAN_WITHIN;
    loop {
        let (count, clean) = store.reapply(erasures).await?;
        destroyed = destroyed.saturating_add(count);
        if clean {
            break;
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(ForgetError::Unclean);
        }
        tokio::time::sleep(CLEAN_PAUSE).await;
    }
    store.set_erased_to(head).await?;
    Ok(destroyed)
}

fn in_store(scope: ContentScope) -> Scope {
    match scope {
        ContentScope::Call(call) => Scope::Call(call),
        ContentScope::Subject(subject) => Scope::Subject(subject),
    }
}

/// The routes that capture content: they are closed while there is no master key.
pub fn capturing(state: &State) -> Vec<Name> {
    routes(state)
        .filter(|(_, route)| route.content != ContentCapture::None)
        .map(|(name, _)| name.clone())
        .collect()
}

/// The routes of systems of high risk that keep nothing of what is said, with their systems: nobody could look into a
/// complaint later.
pub fn unkept(state: &State) -> Vec<(Name, Name)> {
    let is_high = |name: &Name| {
        state.resource(Kind::System, name).is_some_and(
            |standing| matches!(&standing.spec, Spec::System(system) if system.risk == RiskClass::High),
        )
    };
    routes(state)
        .filter(|(_, route)| route.content == ContentCapture::None)
        .filter_map(|(name, route)| Some((name.clone(), route.system.clone().filter(is_high)?)))
        .collect()
}

/// What is said of such a route.
pub(crate) fn unkept_warning(route: &Name, system: &Name) -> String {
    format!(
        "Route `{route}` keeps nothing of what is said, and its System `{system}` is of high risk; help: `content: redacted` \
         or `full` keeps it sealed, for as long as `content_retention` says"
    )
}

fn routes(state: &State) -> impl Iterator<Item = (&Name, &RouteSpec)> {
    state.resources_of(Kind::Route).filter_map(|(name, standing)| match &standing.spec {
        Spec::Route(route) => Some((name, route)),
        _ => None,
    })
}
