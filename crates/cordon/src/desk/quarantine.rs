//! Quarantines: ordered, lifted, listed, and what one would mean.

use std::collections::BTreeMap;

use cordon_core::{
    Name, State, Timestamp,
    command::{self, NewLift, NewQuarantine, Vault, Wish},
    containment::{Standing, Subject},
    fact::Actor,
    resource::{Kind, RouteSpec, Spec},
};
use cordon_store::calls::{CallQuery, Step, Sums};

use super::{
    Desk, refused, rejected,
    routes::{InForce, service},
    unreachable,
};
use crate::{
    api::{
        Problem,
        quarantine::{
            CallsOf, LiftQuarantine, Lifted, OrderQuarantine, Ordered, QuarantineEffect, QuarantineView,
            RouteEffect,
        },
    },
    quarantine::Quarantines,
    watch::Watch,
};

/// Over which time the effect of a quarantine is counted, in milliseconds.
const LOOK_BACK: i64 = 3_600_000;
/// The most calls of a caller, or of a prompt, that are counted.
const MAX_COUNTED: u32 = 1_000_000;

impl Desk {
    /// The same desk, which can order quarantines.
    #[must_use]
    pub fn with_quarantines(self, quarantines: Quarantines) -> Self {
        Self { quarantines: Some(quarantines), ..self }
    }

    /// Takes a subject out of use. It is in force when this returns, also while the log is away.
    ///
    /// # Errors
    /// When there is no such subject.
    pub async fn quarantine(&self, wish: OrderQuarantine, actor: Actor) -> Result<Ordered, Problem> {
        let OrderQuarantine { subject, in_flight, reason } = wish;
        let Some(quarantines) = &self.quarantines else {
            // Nobody serves the log: there is nothing to be in force before the fact.
            let since = self.now();
            let by = actor.clone();
            let new = NewQuarantine { subject: subject.clone(), since, in_flight, reason, by };
            let granted = self.sequencer()?.wish(Wish::Quarantine(new), actor).await.map_err(refused)?;
            return Ok(Ordered { subject, since, ended: 0, position: Some(granted.position), waiting: None });
        };
        let order = quarantines.order(subject.clone(), in_flight, reason, actor);
        let done = order.await.map_err(refused)?;
        let ended = u64::try_from(done.ended).unwrap_or(u64::MAX);
        let (position, waiting) = match done.logged {
            Ok(position) => (Some(position), None),
            Err(why) => (None, Some(why)),
        };
        Ok(Ordered { subject, since: done.since, ended, position, waiting })
    }

    /// Gives a subject back, or asks for it where two people are needed.
    ///
    /// # Errors
    /// When it is not quarantined, the same person asks twice, or the log takes no facts.
    pub async fn lift(&self, wish: LiftQuarantine, actor: Actor) -> Result<Lifted, Problem> {
        let LiftQuarantine { subject, reason } = wish;
        let sequencer = self.sequencer()?;
        let new = NewLift { subject: subject.clone(), reason, by: actor.clone() };
        let granted = sequencer.wish(Wish::LiftQuarantine(new), actor).await.map_err(refused)?;
        let lifted = sequencer.committed().state.quarantine(&subject).is_none();
        Ok(Lifted { subject, lifted, position: granted.position, time: granted.time })
    }

    /// What is quarantined, by subject; now also what the log does not know of yet.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn quarantined(&self, as_of: Option<Timestamp>) -> Result<Vec<QuarantineView>, Problem> {
        let state = self.state(as_of).await?;
        self.quarantined_of(&state, None, usize::MAX, as_of.is_none()).await
    }

    /// A part of what is quarantined in a state, by subject: those after one, at most so many. With `now` also what the log
    /// does not know of yet.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) async fn quarantined_of(
        &self,
        state: &State,
        after: Option<Subject>,
        most: usize,
        now: bool,
    ) -> Result<Vec<QuarantineView>, Problem> {
        let later = |subject: &Subject| after.as_ref().is_none_or(|after| subject > after);
        let standing: Vec<_> =
            state.quarantines().filter(|standing| later(&standing.quarantine.subject)).take(most).collect();
        let digests: Vec<_> =
            standing.iter().filter_map(|standing| standing.quarantine.reason.digest()).collect();
        let vault = match self.loader() {
            Some(loader) if !digests.is_empty() => loader.log().seals(&digests).await.map_err(unreachable)?,
            _ => Vault::new(),
        };
        let mut views: BTreeMap<Subject, QuarantineView> = standing
            .into_iter()
            .map(|standing| (standing.quarantine.subject.clone(), view(standing, &vault)))
            .collect();
        if let (Some(quarantines), true) = (&self.quarantines, now) {
            let of_triggers = self.watch.iter().flat_map(Watch::waiting);
            let waiting = quarantines.waiting().await.into_iter().chain(of_triggers);
            for order in waiting.filter(|order| later(&order.subject)) {
                views.entry(order.subject.clone()).or_insert(QuarantineView {
                    subject: order.subject,
                    since: order.since,
                    by: order.actor,
                    in_flight: order.in_flight,
                    reason: Some(order.reason),
                    asked: None,
                    logged: false,
                });
            }
        }
        Ok(views.into_values().take(most).collect())
    }

    /// What a quarantine would mean. Changes nothing.
    ///
    /// # Errors
    /// When there is no such subject, or log or index cannot be read.
    pub async fn quarantine_effect(&self, subject: Subject) -> Result<QuarantineEffect, Problem> {
        let state = self.state(None).await?;
        command::quarantinable(&state, &subject).map_err(rejected)?;
        let until = self.now();
        let since = Timestamp::from_millis(until.as_millis().saturating_sub(LOOK_BACK));
        let mut by_route: BTreeMap<Name, u64> = BTreeMap::new();
        let mut of_calls = 0_u64;
        for (_, route, _, sums) in self.calls().roll_ups(Step::Minute, Sums::Routes, since, until).await? {
            of_calls = of_calls.saturating_add(sums.count);
            if let Some(route) = route {
                let calls = by_route.entry(route).or_default();
                *calls = calls.saturating_add(sums.count);
            }
        }
        let now = self.now_in_force();
        let routes: Vec<RouteEffect> = state
            .resources_of(Kind::Route)
            .filter_map(|(name, standing)| {
                let Spec::Route(route) = &standing.spec else { return None };
                let fallback = left(&state, &now, name, route, &subject)?;
                Some(RouteEffect {
                    route: name.clone(),
                    fallback,
                    calls: by_route.get(name).copied().unwrap_or(0),
                })
            })
            .collect();
        let query = |principal, prompt| {
            Some(CallQuery { since: Some(since), principal, prompt, ..CallQuery::default() })
        };
        let (calls_of, query) = match &subject {
            Subject::Model(_) | Subject::Service(_) | Subject::Route(_) | Subject::System(_) => {
                (CallsOf::Routes, None)
            }
            Subject::Principal(name) => (CallsOf::Principal, query(Some(name.clone()), None)),
            // The index of calls knows no keys.
            Subject::Key(key) => match state.key(*key).map(|key| key.principal.clone()) {
                Some(principal) => (CallsOf::Principal, query(Some(principal), None)),
                None => (CallsOf::Unknown, None),
            },
            Subject::Prompt(prompt) => (CallsOf::Prompt, query(None, Some(*prompt))),
            Subject::Tool(_) | Subject::Detector(_) | Subject::Signature(_) => (CallsOf::Unknown, None),
        };
        let calls = match (calls_of, query) {
            (CallsOf::Unknown, _) => None,
            (_, Some(query)) => Some(u64::from(self.calls().count(&query, MAX_COUNTED).await?)),
            (_, None) => Some(routes.iter().map(|route| route.calls).sum()),
        };
        let two_people = command::needs_two(&state, &subject);
        Ok(QuarantineEffect { subject, routes, calls_of, calls, of_calls, two_people })
    }
}

/// The models that would still serve a route; nothing where the subject does not touch it.
fn left(
    state: &State,
    now: &InForce,
    name: &Name,
    route: &RouteSpec,
    subject: &Subject,
) -> Option<Vec<Name>> {
    let models = now.models(name, route);
    let touches = |model: &Name| match subject {
        Subject::Model(wanted) => model == wanted,
        Subject::Service(wanted) => service(state, model) == Some(wanted),
        _ => false,
    };
    let closes = match subject {
        Subject::Route(wanted) => wanted == name,
        Subject::System(wanted) => route.system.as_ref() == Some(wanted),
        _ => false,
    };
    let touched = closes || models.iter().any(touches);
    let is_closed = || closes || now.closed(state, name, route).is_some();
    touched.then(|| match is_closed() {
        true => Vec::new(),
        false => {
            let left = models.iter().filter(|model| !touches(model) && now.out_of(state, model).is_none());
            left.cloned().collect()
        }
    })
}

fn view(standing: &Standing, vault: &Vault) -> QuarantineView {
    let quarantine = &standing.quarantine;
    let reason =
        quarantine.reason.digest().and_then(|digest| vault.get(&digest)).and_then(|seal| seal.open());
    QuarantineView {
        subject: quarantine.subject.clone(),
        since: quarantine.since,
        by: standing.by.clone(),
        in_flight: quarantine.in_flight,
        reason,
        asked: standing.asked.clone(),
        logged: true,
    }
}
