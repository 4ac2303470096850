//! What people say of findings: each time a fact, found again by its call and among all of them.

use cordon_core::{
    CallId, Timestamp,
    command::Wish,
    fact::{Actor, Body},
    feedback::{Direction, Label},
    record::RecordedFinding,
    state::Touched,
};

use super::{Desk, not_found, unreachable};
use crate::api::{
    Done, Problem,
    feedback::{Feedback, LabelFinding},
};

/// What is said of one call is read up to here: more than it has findings, each said a few times.
const OF_A_CALL: u32 = 2_000;

impl Desk {
    /// Keeps what somebody says of a finding. Nothing is appended where the same stands.
    ///
    /// # Errors
    /// When there is no such call or finding, or the log takes no fact.
    pub async fn label(&self, wish: LabelFinding, actor: Actor) -> Result<Done, Problem> {
        let LabelFinding { call, direction, finding, judgement } = wish;
        let record = self.calls.find(call).await?;
        let record = record.ok_or_else(|| not_found(format!("call `{call}` is not recorded here")))?;
        let place = usize::try_from(finding).unwrap_or(usize::MAX);
        let mut findings = record.call.findings.iter().filter(|found| found.direction == direction);
        let found: &RecordedFinding = &findings
            .nth(place)
            .ok_or_else(|| not_found(format!("call `{call}` has no finding {finding} there; help: `cordon calls show {call}` lists them, from 0")))?
            .finding;
        let standing = self.feedback(Some(call), None, None, OF_A_CALL).await?;
        let standing = standing.into_iter().find(|said| said.is_about(call, direction, finding));
        if let Some(said) = standing.filter(|said| said.judgement == judgement) {
            return Ok(Done { position: said.position, time: said.time, changed: false });
        }
        self.wish(Wish::LabelFinding(Label::new(call, direction, finding, found, judgement)), actor).await
    }

    /// What people said of findings, of one call or of all, the latest first: what was said before a position of the log, or until
    /// a time.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn feedback(
        &self,
        call: Option<CallId>,
        before: Option<u64>,
        as_of: Option<Timestamp>,
        most: u32,
    ) -> Result<Vec<Feedback>, Problem> {
        let Some(log) = self.log() else { return Ok(Vec::new()) };
        let before = match (before, as_of) {
            (Some(position), _) => position,
            (None, Some(time)) => log.position_at(time).await.map_err(unreachable)?,
            (None, None) => log.head().await.map_err(unreachable)?,
        };
        let of = call.map_or(Touched::Labels, Touched::Labelled);
        let mut said = Vec::new();
        for stored in log.history(&of, before, most).await.map_err(unreachable)? {
            let fact = stored.decode().map_err(|error| {
                Problem::new(503, "unreadable", "the log cannot be read", error.to_string())
            })?;
            if let Body::FindingLabelled(label) = fact.body {
                said.push(Feedback::new(stored.position, fact.time, fact.actor, label));
            }
        }
        Ok(said)
    }

    /// What stands of a call: the latest that was said of each of its findings.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) async fn standing_feedback(
        &self,
        call: CallId,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<Feedback>, Problem> {
        Ok(standing(self.feedback(Some(call), None, as_of, OF_A_CALL).await?))
    }
}

/// Of what was said, the latest first, what stands: the latest of each finding.
pub(crate) fn standing(said: Vec<Feedback>) -> Vec<Feedback> {
    let mut known: std::collections::BTreeSet<(CallId, Direction, u64)> = std::collections::BTreeSet::new();
    said.into_iter().filter(|said| known.insert((said.call, said.direction, said.finding))).collect()
}
