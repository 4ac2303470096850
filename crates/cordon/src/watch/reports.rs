use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cordon_core::{
    command::Wish,
    containment::{Contained, Containment, Fired, Firing},
    fact::Actor,
};
use cordon_guard::Gateway;
use cordon_store::sequencer::{Sequencer, WishError};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::kept::Kept;

/// The file in the data folder.
const FILE: &str = "triggers.json";
/// Between two tries of what waits.
const AGAIN: Duration = Duration::from_secs(1);

/// What triggers did and the log does not know of yet, in its order.
pub(super) struct Reports {
    gateway: Gateway,
    file: Kept,
    waiting: Mutex<Vec<Report>>,
    more: Notify,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Report {
    Fired(Firing),
    Contained(Contained),
}

impl Reports {
    /// Takes up what waited when the process ended.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn open(data: &Path, gateway: Gateway) -> anyhow::Result<Self> {
        let file = Kept::new(data.join(FILE), "says what triggers did", "order its quarantines anew");
        let waiting: Vec<Report> = file.read()?;
        for report in &waiting {
            if let Report::Fired(firing) = report {
                restrict(&gateway, firing);
            }
        }
        let waiting = Mutex::new(waiting);
        let more = Notify::new();
        more.notify_one();
        Ok(Self { gateway, file, waiting, more })
    }

    /// A trigger has fired. What it restricts is in force when this returns.
    pub(super) fn fired(&self, firing: &Firing) {
        restrict(&self.gateway, firing);
        self.add(Report::Fired(firing.clone()));
    }

    /// A test call was answered as it should be.
    pub(super) fn contained(&self, contained: Contained) {
        self.add(Report::Contained(contained));
    }

    /// What has fired and waits for the log.
    pub(super) fn fired_and_waiting(&self) -> Vec<Fired> {
        let waiting = self.waiting();
        let fired = waiting.iter().filter_map(|report| match report {
            Report::Fired(firing) => Some(firing),
            Report::Contained(_) => None,
        });
        let contained = |firing: &Firing| {
            waiting.iter().find_map(|report| match report {
                Report::Contained(contained)
                    if (&contained.trigger, &contained.of) == (&firing.trigger, &firing.of) =>
                {
                    Some(contained.t2)
                }
                _ => None,
            })
        };
        let fired =
            fired.map(|firing| Fired { firing: firing.clone(), contained: contained(firing), cleared: None });
        fired.collect()
    }

    /// Makes facts of what waits, one after the other, for ever.
    pub(super) async fn follow(&self, sequencer: &Sequencer) {
        loop {
            self.more.notified().await;
            loop {
                let Some(report) = self.waiting().first().cloned() else { break };
                match sequencer.wish(report.wish(), report.actor()).await {
                    Ok(_) => self.done(&report, sequencer),
                    Err(WishError::Rejected(why)) => {
                        tracing::error!(?report, %why, "the log does not take what a trigger did");
                        self.done(&report, sequencer);
                    }
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            }
        }
    }

    fn add(&self, report: Report) {
        let mut waiting = self.waiting();
        if !waiting.contains(&report) {
            waiting.push(report);
            self.keep(&waiting);
        }
        self.more.notify_one();
    }

    fn done(&self, report: &Report, sequencer: &Sequencer) {
        let mut waiting = self.waiting();
        waiting.retain(|known| known != report);
        self.keep(&waiting);
        if let Report::Fired(firing) = report {
            self.gateway.restricted(&firing.id(), &sequencer.committed().state);
        }
    }

    fn keep(&self, waiting: &[Report]) {
        if let Err(error) = self.file.keep(waiting) {
            tracing::warn!(%error, "what triggers did cannot be kept here, and would not survive a restart");
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Report>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts what a trigger restricts in force; a quarantine goes its own way.
fn restrict(gateway: &Gateway, firing: &Firing) {
    if !matches!(firing.containment, Containment::Quarantine(_)) {
        gateway.restrict(firing.id(), firing.containment.clone());
    }
}

impl Report {
    fn wish(&self) -> Wish {
        match self.clone() {
            Self::Fired(firing) => Wish::FireTrigger(firing),
            Self::Contained(contained) => Wish::NoteContained(contained),
        }
    }

    fn actor(&self) -> Actor {
        Actor::Trigger(match self {
            Self::Fired(firing) => firing.trigger.clone(),
            Self::Contained(contained) => contained.trigger.clone(),
        })
    }
}
