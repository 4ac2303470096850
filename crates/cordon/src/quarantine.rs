//! The kill switch: a quarantine is in force in memory first, then kept in a file, then a fact.
//!
//! So it works while the log is away, and survives a restart until the log is back. It can only tighten: what waits here is
//! out whatever the log says, and nothing is lifted here.

use std::{path::Path, sync::Arc, time::Duration};

use cordon_core::{
    Timestamp,
    command::{self, NewQuarantine, Wish},
    containment::{InFlight, Subject},
    fact::Actor,
};
use cordon_guard::{Gateway, ports::Clock};
use cordon_store::sequencer::{Granted, Sequencer, WishError};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

use crate::kept::Kept;

/// The file in the data folder.
const FILE: &str = "quarantine.json";
/// How long an order waits for the log before it says that the fact comes later.
const LOG_WITHIN: Duration = Duration::from_secs(2);
/// Between two tries of what waits.
const AGAIN: Duration = Duration::from_secs(1);

/// Orders quarantines. Clones share everything.
#[derive(Clone)]
pub struct Quarantines(Arc<Shared>);

struct Shared {
    gateway: Gateway,
    sequencer: Sequencer,
    clock: Arc<dyn Clock>,
    file: Kept,
    /// What the log does not know of yet.
    waiting: Mutex<Vec<Order>>,
    /// Told when something waits.
    more: Notify,
}

/// An order that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What is out.
    pub subject: Subject,
    /// Since when.
    pub since: Timestamp,
    /// What became of running calls.
    pub in_flight: InFlight,
    /// Why.
    pub reason: String,
    /// Who ordered it.
    pub actor: Actor,
}

/// What came of an order.
#[derive(Debug)]
pub struct InForce {
    /// Since when.
    pub since: Timestamp,
    /// How many running calls were ended.
    pub ended: usize,
    /// Where the fact stands; or why it comes later.
    pub logged: Result<u64, String>,
}

impl Quarantines {
    /// Takes up what waited when the process ended: it is out again before anything is served.
    ///
    /// # Errors
    /// When the file is there and cannot be read: what it says must not be forgotten silently.
    pub fn open(
        data: &Path,
        gateway: Gateway,
        sequencer: Sequencer,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let file = Kept::new(data.join(FILE), "says what is quarantined", "order its quarantines anew");
        let orders: Vec<Order> = file.read()?;
        for order in &orders {
            tracing::warn!(subject = %order.subject, "a quarantine that the log does not know of yet is in force");
            gateway.quarantine(&order.subject, order.in_flight);
        }
        let more = Notify::new();
        more.notify_one();
        Ok(Self(Arc::new(Shared { gateway, sequencer, clock, file, waiting: Mutex::new(orders), more })))
    }

    /// Takes a subject out of use. It is in force when this returns, whatever becomes of the log.
    ///
    /// # Errors
    /// When there is no such subject, or the log knows better; nothing is in force then.
    pub async fn order(
        &self,
        subject: Subject,
        in_flight: InFlight,
        reason: String,
        actor: Actor,
    ) -> Result<InForce, WishError> {
        let state = self.0.sequencer.committed().state;
        command::may_quarantine(&state, &subject, &reason)?;
        // In force first. What comes below may take its time.
        let ended = self.0.gateway.quarantine(&subject, in_flight);
        let since = self.0.clock.now();
        let order = Order { subject, since, in_flight, reason, actor };
        let kept = {
            let mut waiting = self.0.waiting.lock().await;
            waiting.retain(|known| known.subject != order.subject);
            waiting.push(order.clone());
            self.0.file.keep(&waiting)
        };
        let logged = match tokio::time::timeout(LOG_WITHIN, self.log(&order)).await {
            Ok(Ok(granted)) => Ok(granted.position),
            Ok(Err(error @ WishError::Rejected(_))) => return Err(error),
            Ok(Err(error)) => Err(crate::desk::with_causes(&error)),
            Err(_) => Err("the log did not answer in time".to_owned()),
        };
        if let Err(why) = &logged {
            tracing::warn!(subject = %order.subject, %why, "a quarantine is in force, and becomes a fact later");
            self.0.more.notify_one();
        }
        match (logged, kept) {
            (Err(why), Err(error)) => Ok(InForce {
                since,
                ended,
                logged: Err(format!(
                    "{why}; it would not survive a restart, since it cannot be kept here: {error}"
                )),
            }),
            (logged, _) => Ok(InForce { since, ended, logged }),
        }
    }

    /// What is in force and not in the log yet.
    pub async fn waiting(&self) -> Vec<Order> {
        self.0.waiting.lock().await.clone()
    }

    /// Makes facts of what waits, until `stop`.
    pub async fn follow(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.0.more.notified() => {}
            }
            loop {
                let mut left = false;
                for order in self.waiting().await {
                    match self.log(&order).await {
                        Ok(_) => tracing::info!(subject = %order.subject, "a quarantine is a fact now"),
                        Err(WishError::Rejected(why)) => {
                            tracing::error!(subject = %order.subject, %why, "the log does not take a quarantine");
                        }
                        Err(_) => left = true,
                    }
                }
                if !left {
                    break;
                }
                tokio::select! {
                    () = &mut stop => return,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
        }
    }

    /// Makes a fact of an order. Once the log has it, or has refused it, it does not wait any more.
    async fn log(&self, order: &Order) -> Result<Granted, WishError> {
        let Order { subject, since, in_flight, reason, actor } = order.clone();
        let by = actor.clone();
        let wish = Wish::Quarantine(NewQuarantine { subject, since, in_flight, reason, by });
        let granted = self.0.sequencer.wish(wish, actor).await;
        if matches!(granted, Ok(_) | Err(WishError::Rejected(_))) {
            let mut waiting = self.0.waiting.lock().await;
            waiting.retain(|known| known != order);
            if let Err(error) = self.0.file.keep(&waiting) {
                tracing::warn!(%error, "what is quarantined cannot be kept; an order may be made a fact twice");
            }
            if !waiting.iter().any(|known| known.subject == order.subject) {
                // What is published is told right after it.
                while !self.0.gateway.behind(&order.subject, &self.0.sequencer.committed().state) {
                    tokio::task::yield_now().await;
                }
            }
        }
        granted
    }
}
