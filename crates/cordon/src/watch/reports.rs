use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cordon_core::{
    command::{NewFiring, Wish},
    containment::{Contained, Containment, Fired, FiringId, InFlight},
    fact::Actor,
};
use cordon_guard::Gateway;
use cordon_store::sequencer::{Sequencer, WishError};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::containing::Containing;
use crate::{kept::Kept, quarantine::Order};

/// The file in the data folder.
const FILE: &str = "triggers.json";
/// Between two tries of what waits.
const AGAIN: Duration = Duration::from_secs(1);

/// What triggers did and the log does not know of yet, in its order. What is done many times at once is in force, kept and made facts of
/// at once.
pub(super) struct Reports {
    gateway: Gateway,
    /// Held while it is written: who writes last writes what waits then.
    file: Mutex<Kept>,
    pending: Mutex<Pending>,
    more: Notify,
}

#[derive(Default)]
struct Pending {
    waiting: Vec<Report>,
    /// What the log did not take, and the triggers do not know yet.
    rejected: Vec<FiringId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Report {
    Fired(Containing),
    Contained(Contained),
}

impl Reports {
    /// Takes up what waited when the process ended: it is in force when this returns.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn open(data: &Path, gateway: Gateway) -> anyhow::Result<Self> {
        let file = Kept::new(data.join(FILE), "says what triggers did", "order its quarantines anew");
        let waiting: Vec<Report> = file.read()?;
        restrict(&gateway, waiting.iter().filter_map(Report::fired));
        let pending = Mutex::new(Pending { waiting, rejected: Vec::new() });
        let more = Notify::new();
        more.notify_one();
        Ok(Self { gateway, file: Mutex::new(file), pending, more })
    }

    /// Triggers have fired. What they do is in force when this returns; [`Self::keep`] makes it survive a restart.
    pub(super) fn fired(&self, containing: &[Containing]) {
        restrict(&self.gateway, containing.iter());
        self.add(containing.iter().cloned().map(Report::Fired));
    }

    /// Test calls were answered as they should be.
    pub(super) fn contained(&self, contained: Vec<Contained>) {
        self.add(contained.into_iter().map(Report::Contained));
    }

    /// What has fired and waits for the log; and what the log has not taken, which is told once.
    pub(super) fn pending(&self) -> (Vec<Fired>, Vec<FiringId>) {
        let mut pending = self.lock();
        let rejected = std::mem::take(&mut pending.rejected);
        let contained = |id: &FiringId| {
            pending.waiting.iter().find_map(|report| match report {
                Report::Contained(contained)
                    if (&contained.trigger, &contained.of) == (&id.trigger, &id.of) =>
                {
                    Some(contained.t2)
                }
                _ => None,
            })
        };
        let fired = pending.waiting.iter().filter_map(Report::fired).map(|Containing { firing, .. }| Fired {
            contained: contained(&firing.id()),
            firing: firing.clone(),
            cleared: None,
            by_rule: false,
        });
        (fired.collect(), rejected)
    }

    /// The quarantines that wait for the log.
    pub(super) fn quarantines(&self) -> Vec<Order> {
        let pending = self.lock();
        let orders = pending.waiting.iter().filter_map(Report::fired).filter_map(|containing| {
            let Containing { firing, in_flight, reason } = containing;
            let Containment::Quarantine(subject) = &firing.containment else { return None };
            Some(Order {
                subject: subject.clone(),
                since: firing.t1,
                in_flight: *in_flight,
                reason: reason.clone(),
                actor: Actor::Trigger(firing.trigger.clone()),
            })
        });
        orders.collect()
    }

    /// Makes facts of what waits, for ever.
    pub(super) async fn follow(&self, sequencer: &Sequencer) {
        loop {
            self.more.notified().await;
            loop {
                let waiting = self.lock().waiting.clone();
                if waiting.is_empty() {
                    break;
                }
                let wishes = waiting.iter().map(|report| (report.wish(), report.actor())).collect();
                let came = sequencer.wish_all(wishes).await;
                let mut settled = Vec::with_capacity(waiting.len());
                let mut rejected = Vec::new();
                let mut is_away = false;
                for (report, came) in waiting.into_iter().zip(came) {
                    match came {
                        Ok(_) => settled.push(report),
                        // What came before it is not a fact yet, so that this is not rejected for good.
                        Err(_) if is_away => {}
                        Err(WishError::Rejected(why)) => {
                            tracing::error!(?report, %why, "the log does not take what a trigger did");
                            rejected.extend(report.fired().map(|containing| containing.firing.id()));
                            settled.push(report);
                        }
                        Err(_) => is_away = true,
                    }
                }
                self.done(&settled, rejected, sequencer).await;
                if is_away {
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    fn add(&self, reports: impl Iterator<Item = Report>) {
        let mut pending = self.lock();
        let known: BTreeSet<FiringId> = pending
            .waiting
            .iter()
            .filter_map(Report::fired)
            .map(|containing| containing.firing.id())
            .collect();
        let new = |report: &Report| {
            report.fired().is_none_or(|containing| !known.contains(&containing.firing.id()))
        };
        pending.waiting.extend(reports.filter(new));
        drop(pending);
        self.more.notify_one();
    }

    /// Leaves to the log what it has taken, or not.
    async fn done(&self, settled: &[Report], rejected: Vec<FiringId>, sequencer: &Sequencer) {
        if settled.is_empty() {
            return;
        }
        self.forget(settled, rejected);
        self.keep();
        let contained: Vec<(FiringId, Containment)> = settled
            .iter()
            .filter_map(Report::fired)
            .map(|containing| (containing.firing.id(), containing.firing.containment.clone()))
            .collect();
        // What is published is told right after it.
        while !contained.is_empty() && !self.gateway.restricted(&contained, &sequencer.committed().state) {
            tokio::task::yield_now().await;
        }
    }

    /// These do not wait any more.
    fn forget(&self, settled: &[Report], rejected: Vec<FiringId>) {
        let mut pending = self.lock();
        // They stand in the same order there, and whatever came since stands behind them.
        let mut settled = settled.iter().peekable();
        pending.waiting.retain(|known| settled.next_if(|settled| *settled == known).is_none());
        pending.rejected.extend(rejected);
    }

    /// Writes down what waits, so that it survives a restart. It blocks for as long as a disk takes.
    pub(super) fn keep(&self) {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.lock().waiting.clone();
        if let Err(error) = file.keep(&waiting) {
            tracing::warn!(%error, "what triggers did cannot be kept here, and would not survive a restart");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts what triggers do in force.
fn restrict<'a>(gateway: &Gateway, containing: impl Iterator<Item = &'a Containing>) {
    let contained: Vec<(FiringId, Containment, InFlight)> = containing
        .map(|Containing { firing, in_flight, .. }| (firing.id(), firing.containment.clone(), *in_flight))
        .collect();
    if !contained.is_empty() {
        gateway.restrict(contained);
    }
}

impl Report {
    /// What a trigger did, where this says that.
    const fn fired(&self) -> Option<&Containing> {
        match self {
            Self::Fired(containing) => Some(containing),
            Self::Contained(_) => None,
        }
    }

    fn wish(&self) -> Wish {
        match self.clone() {
            Self::Fired(Containing { firing, in_flight, reason }) => {
                Wish::FireTrigger(NewFiring { firing, in_flight, reason })
            }
            Self::Contained(contained) => Wish::NoteContained(contained),
        }
    }

    fn actor(&self) -> Actor {
        Actor::Trigger(match self {
            Self::Fired(containing) => containing.firing.trigger.clone(),
            Self::Contained(contained) => contained.trigger.clone(),
        })
    }
}
