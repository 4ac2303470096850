//! The facts that charts carry as marks: what people decided, not what Cordon says about its own records.

use std::sync::Arc;

use cordon_core::{
    Fact, Timestamp,
    fact::{Actor, Body},
};
use cordon_store::log::Log;
use tokio::sync::Mutex;

use super::chart::Mark;
use crate::api::Problem;

/// The latest facts that people decided, read once and kept up to date.
#[derive(Default)]
pub(crate) struct Marks(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The position up to which the log was read.
    to: u64,
    facts: Vec<Arc<Told>>,
}

/// A fact in a line.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) position: u64,
    pub(super) time: Timestamp,
    pub(super) actor: Actor,
    pub(super) line: String,
}

/// How far back the log is read at first, in facts: anchors are most of them.
const BACK: u64 = 50_000;
/// How many facts are kept.
const KEPT: usize = 5_000;

impl Marks {
    /// The facts of a time, latest first, at most so many.
    pub(super) async fn of(
        &self,
        log: &dyn Log,
        since: Timestamp,
        until: Timestamp,
        most: usize,
    ) -> Result<Vec<Arc<Told>>, Problem> {
        let mut known = self.0.lock().await;
        let head = log.head().await.map_err(crate::desk::unreachable)?;
        if known.to == 0 {
            known.to = head.saturating_sub(BACK);
        }
        while known.to < head {
            let page = log.read(known.to, head).await.map_err(crate::desk::unreachable)?;
            if page.is_empty() {
                break;
            }
            for stored in page {
                known.to = stored.position.saturating_add(1);
                if let Ok(fact) = stored.decode()
                    && is_decided(&fact.body)
                {
                    let Fact { time, ref actor, ref body } = fact;
                    let told =
                        Told { position: stored.position, time, actor: actor.clone(), line: line(body) };
                    known.facts.push(Arc::new(told));
                }
            }
            let excess = known.facts.len().saturating_sub(KEPT);
            known.facts.drain(..excess);
        }
        let inside = known.facts.iter().rev().filter(|told| told.time >= since && told.time <= until);
        Ok(inside.take(most).cloned().collect())
    }
}

impl Told {
    pub(super) fn mark(&self) -> Mark {
        Mark {
            time: self.time,
            label: format!("{} · {}", self.line, self.time),
            link: format!("/log/{}", self.position),
        }
    }
}

/// Whether somebody decided it; otherwise it is what Cordon says about its own records.
pub(super) const fn is_decided(body: &Body) -> bool {
    !matches!(
        body,
        Body::JournalStarted(_)
            | Body::JournalsAnchored(_)
            | Body::JournalEnded(_)
            | Body::SegmentSealed(_)
            | Body::BootstrapUsed(_)
            // Many of them stand beside each other, and none changes anything.
            | Body::FindingLabelled(_)
    )
}

/// What a fact says, in a line and without anything sealed.
pub(super) fn line(body: &Body) -> String {
    match body {
        Body::ResourceSet(resource) => format!("{} {} set", resource.spec.kind(), resource.name),
        Body::ResourceRemoved(kind, name) => format!("{kind} {name} deleted"),
        Body::KeyIssued(key) => format!("key {} of {} issued", key.id, key.principal),
        Body::KeyRetired(id, until) => format!("key {id} ends at {until}"),
        Body::KeyRevoked(id, _) => format!("key {id} revoked"),
        Body::JournalStarted(start) => format!("journal {} started on {}", start.journal, start.node),
        Body::JournalsAnchored(anchors) => match anchors.as_slice() {
            [anchor] => format!("journal {} anchored at {} frames", anchor.journal, anchor.size),
            anchors => format!("{} journals anchored", anchors.len()),
        },
        Body::JournalEnded(end) => format!("journal {} ended at {} frames", end.last.journal, end.last.size),
        Body::SegmentSealed(seal) => {
            format!("{} frames of journal {} sealed from {}", seal.count, seal.journal, seal.first)
        }
        Body::RecordsRetired(retirement) => format!("{} ranges of records retired", retirement.ranges.len()),
        Body::ContentErased(erasure) => format!("content of {} calls erased", erasure.calls),
        Body::HoldSet(hold) => format!("legal hold {} set", hold.name),
        Body::HoldReleased(name, _) => format!("legal hold {name} released"),
        Body::LogKeySet(_) => "key of checkpoints set".to_owned(),
        Body::UserAdded(user) => format!("user {} added as {}", user.id, user.role),
        Body::UserRoleSet(id, role) => format!("user {id} is {role}"),
        Body::UserDisabled(id, _) => format!("user {id} disabled"),
        Body::UserEnabled(id) => format!("user {id} enabled"),
        Body::UserReset(id) => format!("password of user {id} reset"),
        Body::UserSessionsRevoked(id) => format!("sessions of user {id} revoked"),
        Body::SubjectQuarantined(quarantine) => format!("{} quarantined", quarantine.subject),
        Body::LiftAsked(lift) => format!("lift of {} asked", lift.subject),
        Body::QuarantineLifted(lift) => format!("{} is back from quarantine", lift.subject),
        Body::TriggerFired(firing) => {
            format!("trigger {} fired: {} of {} calls", firing.trigger, firing.bad, firing.calls)
        }
        Body::TriggerContained(contained) => format!("what trigger {} did was tested", contained.trigger),
        Body::TriggerCleared(cleared) => format!("what trigger {} did has ended", cleared.trigger),
        Body::FindingLabelled(label) => {
            let said = label.judgement.as_str().replace('_', " ");
            format!("finding {} of call {}: {said}", label.category, label.call)
        }
        Body::HeldReleased(review) => {
            format!("held {} of {} on {} released", review.kind.as_str(), review.principal, review.route)
        }
        Body::HeldRejected(review) => {
            format!("held {} of {} on {} rejected", review.kind.as_str(), review.principal, review.route)
        }
        Body::BootstrapUsed(used) => format!("administrator's token used {} times", used.uses),
    }
}
