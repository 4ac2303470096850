//! Triggers as they are at the moment: what the log says they did, and what they see in this process.

use cordon_core::{
    Name, Score, State,
    command::{NewClear, Wish},
    fact::Actor,
    resource::{Kind, Spec, TriggerSpec},
};
use cordon_watch::{Phase, Status};

use super::{Desk, refused};
use crate::{
    api::{
        Problem,
        triggers::{FiringView, LiftTrigger, TriggerLifted, TriggerState, TriggerStatus, WatchedStatus},
    },
    watch::Watch,
};

impl Desk {
    /// The same desk, which knows what the triggers of a running node see.
    #[must_use]
    pub fn with_watch(self, watch: Watch) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Every trigger, by name.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn triggers(&self) -> Result<Vec<TriggerStatus>, Problem> {
        let state = self.state(None).await?;
        Ok(self.triggers_of(&state, None, usize::MAX).await)
    }

    /// A part of the triggers of a state, by name: those after one, at most so many.
    pub(crate) async fn triggers_of(
        &self,
        state: &State,
        after: Option<&Name>,
        most: usize,
    ) -> Vec<TriggerStatus> {
        let triggers =
            state.resources_of(Kind::Trigger).filter_map(|(name, standing)| match &standing.spec {
                Spec::Trigger(spec) if after.is_none_or(|after| name > after) => Some((name, spec)),
                _ => None,
            });
        let mut statuses = Vec::new();
        for (name, spec) in triggers.take(most) {
            let seen = match &self.watch {
                Some(watch) => watch.statuses(name).await,
                None => Vec::new(),
            };
            statuses.push(status(state, name, spec, seen));
        }
        statuses
    }

    /// Ends what a trigger did, or asks for it where two people are needed.
    ///
    /// # Errors
    /// When nothing of it stands, the same person asks twice, or the log takes no facts.
    pub async fn lift_trigger(&self, wish: LiftTrigger, actor: Actor) -> Result<TriggerLifted, Problem> {
        let LiftTrigger { trigger, of, reason } = wish;
        let sequencer = self.sequencer()?;
        let new = NewClear { trigger: trigger.clone(), of: of.clone(), reason, by: actor.clone() };
        let granted = sequencer.wish(Wish::ClearTrigger(new), actor).await.map_err(refused)?;
        let state = sequencer.committed().state;
        let lifted = !state.firing(&trigger, of.as_ref()).is_some_and(|fired| fired.stands());
        Ok(TriggerLifted { trigger, of, lifted, position: granted.position, time: granted.time })
    }
}

fn status(state: &State, name: &Name, spec: &TriggerSpec, seen: Vec<Status>) -> TriggerStatus {
    let firings: Vec<FiringView> =
        state.firings_of(name).map(|fired| FiringView::from(fired.as_ref())).collect();
    let watched: Vec<WatchedStatus> = seen.into_iter().map(watched).collect();
    let fired = firings.iter().any(|firing| firing.cleared.is_none());
    let own = if fired { TriggerState::Fired } else { TriggerState::Armed };
    let most = watched.iter().map(|watched| watched.state).fold(own, TriggerState::max);
    let (above, until) = spec.signal.thresholds();
    TriggerStatus {
        trigger: name.clone(),
        state: if spec.enabled || fired { most } else { TriggerState::Disabled },
        signal: spec.signal.as_str().to_owned(),
        above,
        until,
        action: spec.action.clone(),
        lift: spec.lift,
        watched,
        firings,
    }
}

fn watched(status: Status) -> WatchedStatus {
    let Status { of, phase, sum } = status;
    let (state, since) = match phase {
        Phase::Armed => (TriggerState::Armed, None),
        Phase::Rising { since } => (TriggerState::Rising, Some(since)),
        Phase::Fired { since, .. } => (TriggerState::Fired, Some(since)),
    };
    let millionths = sum.bad.saturating_mul(Score::ONE.millionths().into()).checked_div(sum.calls);
    let value = millionths.map(|share| Score::from_millionths(u32::try_from(share).unwrap_or(u32::MAX)));
    WatchedStatus { of, state, since, calls: sum.calls, bad: sum.bad, value }
}
