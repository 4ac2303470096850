//! The token of the first administrator: every use of it comes into the log, and a program that uses it in a loop does not
//! fill the log.

use std::sync::{Arc, Mutex, PoisonError};

use cordon_core::{DurationMs, Timestamp, command::Wish, fact::Actor, identity::BootstrapUse};
use cordon_store::Sequencer;

use crate::control::AdminToken;

/// Between two facts about uses.
const BETWEEN_FACTS: DurationMs = DurationMs::from_secs(60);

/// The token, and what the log does not know yet of its uses. Clones share it.
#[derive(Clone)]
pub(super) struct Bootstrap {
    token: AdminToken,
    uses: Arc<Mutex<Uses>>,
}

#[derive(Default)]
struct Uses {
    /// When the log last learned of some.
    told: Option<Timestamp>,
    /// Those since then.
    pending: Option<BootstrapUse>,
    /// Whether somebody waits to tell them.
    scheduled: bool,
}

/// What is to be done about a use.
enum Next {
    /// Tell these now.
    Tell(BootstrapUse),
    /// Tell them later.
    Schedule,
    /// Somebody will.
    Nothing,
}

impl Bootstrap {
    pub(super) fn new(token: AdminToken) -> Self {
        Self { token, uses: Arc::default() }
    }

    pub(super) fn is(&self, shown: &[u8]) -> bool {
        self.token.is(shown)
    }

    /// Notes a use: the first one is in the log when this returns, later ones within a minute. A log that takes nothing
    /// does not keep the administrator out who is to mend it.
    pub(super) async fn used(&self, sequencer: &Sequencer, now: Timestamp) {
        match self.note(now) {
            Next::Tell(usage) => self.tell(sequencer, usage).await,
            Next::Schedule => {
                let (uses, sequencer) = (self.clone(), sequencer.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(BETWEEN_FACTS.as_std()).await;
                    uses.flush(&sequencer, now.plus(BETWEEN_FACTS)).await;
                });
            }
            Next::Nothing => {}
        }
    }

    /// Tells the log of all uses that it does not know.
    pub(super) async fn flush(&self, sequencer: &Sequencer, now: Timestamp) {
        let pending = {
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.scheduled = false;
            let pending = uses.pending.take();
            if pending.is_some() {
                uses.told = Some(now);
            }
            pending
        };
        if let Some(usage) = pending {
            self.tell(sequencer, usage).await;
        }
    }

    fn note(&self, now: Timestamp) -> Next {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = add(uses.pending.take(), BootstrapUse { first: now, last: now, uses: 1 });
        if uses.told.is_none_or(|told| now.since(told) >= BETWEEN_FACTS) {
            uses.told = Some(now);
            return Next::Tell(usage);
        }
        uses.pending = Some(usage);
        if std::mem::replace(&mut uses.scheduled, true) { Next::Nothing } else { Next::Schedule }
    }

    async fn tell(&self, sequencer: &Sequencer, usage: BootstrapUse) {
        if let Err(error) = sequencer.wish(Wish::NoteBootstrap(usage), Actor::Cordon).await {
            tracing::error!(
                error = crate::desk::with_causes(&error),
                uses = usage.uses,
                "uses of the administrator's token are not in the log yet"
            );
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.pending = Some(add(uses.pending.take(), usage));
        }
    }
}

fn add(before: Option<BootstrapUse>, more: BootstrapUse) -> BootstrapUse {
    match before {
        None => more,
        Some(before) => BootstrapUse {
            first: before.first.min(more.first),
            last: before.last.max(more.last),
            uses: before.uses.saturating_add(more.uses),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_makes_one_fact_a_minute_and_loses_no_use() {
        let bootstrap = Bootstrap::new(AdminToken::of("ca_a_token_of_a_test"));
        let mut told = Vec::new();
        let mut scheduled = 0;
        for tick in 0..6_000_i64 {
            let now = Timestamp::from_millis(tick * 30);
            match bootstrap.note(now) {
                Next::Tell(usage) => told.push(usage),
                Next::Schedule => scheduled += 1,
                Next::Nothing => {}
            }
        }
        // Three minutes: the first use, and one a minute.
        assert_eq!((told.len(), scheduled), (3, 1));
        assert_eq!(told[0].uses, 1);
        let pending = bootstrap.uses.lock().unwrap().pending.unwrap();
        assert_eq!(told.iter().map(|usage| usage.uses).sum::<u64>() + pending.uses, 6_000);
        assert!(told.array_windows().all(|[one, next]| one.last < next.first));
    }
}
