//! Where limits are counted: in this process, which counts on from what the processes before it counted, out of the index of
//! calls; or in a store that several nodes share.

mod away;
mod shared;

use std::{sync::Arc, time::Duration};

use cordon_core::{JournalId, Timestamp, record::Spend};
use cordon_guard::{
    limits::{Measure, ProcessCounters},
    ports::Clock,
};
use cordon_policy::{CompiledLimit, Snapshot};
use cordon_store::calls::{CallIndex, CallsError, Lag};
use tokio::sync::watch;

pub use shared::{Options, SharedCounters, address};

/// How often it is looked whether the index has caught up.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a failed look waits for the next.
const RETRY: Duration = Duration::from_secs(1);

/// All that was in the journals at the start.
#[derive(Clone)]
pub(crate) struct Before {
    /// The index that has it sooner or later.
    pub(crate) index: CallIndex,
    /// The journal that this process writes, and how many frames it had.
    pub(crate) journal: JournalId,
    pub(crate) size: u64,
    /// How far the index is.
    pub(crate) lag: watch::Receiver<Lag>,
}

impl Before {
    /// Waits until the index has it.
    pub(crate) async fn indexed(&self) -> Result<(), CallsError> {
        // An error means that the follower is gone: then it has read what it could.
        let _ = self.lag.clone().wait_for(|lag| lag.earlier).await;
        while self.index.progress().await?.get(self.journal.as_bytes()).copied().unwrap_or(0) < self.size {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Counts on from where earlier processes ended. No call under a limit is let in before: so nothing is counted twice.
pub(crate) async fn rebuild(
    counters: ProcessCounters,
    before: Before,
    snapshot: Arc<Snapshot>,
    clock: Arc<dyn Clock>,
) {
    loop {
        let read = async {
            before.indexed().await?;
            let now = clock.now();
            let mut past = Vec::new();
            for limit in snapshot.all_limits().filter(|limit| limit.spec.counts()) {
                past.push((limit, Past::read(&before.index, limit, now).await?));
            }
            Ok::<_, CallsError>((now, past))
        };
        match read.await {
            Ok((now, past)) => {
                for (limit, past) in past {
                    counters.add_requests(limit, past.requests);
                    for (measure, used) in past.used {
                        counters.add_used(limit, measure, used, now);
                    }
                }
                return counters.rebuilt();
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "limits cannot be counted on from the index of calls; calls under them are refused until they can"
                );
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// What was counted of a limit before.
struct Past {
    requests: Vec<(Timestamp, u64)>,
    used: Vec<(Measure, u64)>,
}

impl Past {
    async fn read(index: &CallIndex, limit: &CompiledLimit, now: Timestamp) -> Result<Self, CallsError> {
        let mut past = Self { requests: Vec::new(), used: Vec::new() };
        if let Some(requests) = limit.spec.requests {
            let window = i64::try_from(requests.window.as_millis()).unwrap_or(i64::MAX);
            let since = Timestamp::from_millis(now.as_millis().saturating_sub(window));
            // Within its minute a request may have come at any time: it counts as late as can be.
            let counted = index.requests_under(&limit.name, since).await?;
            past.requests = counted.into_iter().map(|(end, count)| (end.min(now), count)).collect();
        }
        for measure in Measure::OF_USE {
            let Some((_, window)) = measure.quota(&limit.spec) else { continue };
            let since = Timestamp::from_millis(window.bounds(now).0);
            let spent = index.spent_under(&limit.name, since).await?;
            let currency = limit.spec.money.map(|budget| budget.currency);
            let counts = |spend: &&Spend| {
                measure != Measure::Money || spend.cost.map(|cost| cost.currency) == currency
            };
            let used =
                spent.iter().filter(counts).fold(0_u64, |sum, spend| sum.saturating_add(measure.of(spend)));
            past.used.push((measure, used));
        }
        Ok(past)
    }
}
