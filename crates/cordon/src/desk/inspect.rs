//! A text that somebody tries: what is found in it, in which views, and what a guard does about it. Nothing of it is kept.

use std::sync::Arc;

use cordon_core::{
    HmacKey, Name,
    resource::{Kind, Spec},
};
use cordon_guard::{Inspection, Ruled};
use cordon_inspect::{Decoded, Placed};
use cordon_policy::{Caller, EffectiveGuard, Snapshot};

use super::{Desk, not_found};
use crate::{
    api::{
        Problem,
        inspect::{Inspect, Inspected, InspectedFinding, InspectedPlace, InspectedView, MAX_TEXT},
    },
    clock,
};

impl Desk {
    /// Inspects a text as a call would, with what detectors elsewhere say of it. Where no gateway runs here, nobody can ask those, and
    /// each is a finding.
    ///
    /// # Errors
    /// When the text is too long, there is no such guard or route, or the log cannot be read.
    pub async fn inspect(&self, wish: Inspect) -> Result<Inspected, Problem> {
        let wrong = |why: &str| Problem::new(422, "invalid", "the text cannot be inspected", why);
        if wish.text.len() > MAX_TEXT {
            return Err(wrong(
                "the text is longer than 262,144 bytes; help: `cordon inspect` reads larger ones",
            ));
        }
        let state = self.state(None).await?;
        let snapshot = match &self.gateway {
            Some(gateway) => gateway.snapshot(),
            None => Arc::new(Snapshot::compile(&state)),
        };
        let guard = match (&wish.guard, &wish.route) {
            (Some(_), Some(_)) => return Err(wrong("a guard or a route judges, not both")),
            (Some(name), None) => match state.resource(Kind::Guard, name).map(|standing| &standing.spec) {
                Some(Spec::Guard(spec)) => EffectiveGuard::alone(name, spec),
                _ => return Err(not_found(format!("there is no guard `{name}`"))),
            },
            (None, Some(name)) => {
                let route = snapshot.route(name.as_str());
                let route = route.ok_or_else(|| not_found(format!("there is no route `{name}`")))?;
                let caller = Caller { principal: None, route: Some(name), system: route.system.as_ref() };
                snapshot.guard(caller, Some(route))
            }
            (None, None) => snapshot.guard(Caller::nobody(), None),
        };
        let guards: Vec<Name> = guard.names().cloned().collect();
        // Hashes that stand for values are of this answer.
        let key = HmacKey::from_bytes(clock::random());
        let inspection = Inspection::new(self.engine().clone(), Arc::new(guard), self.now(), key)
            .contained(snapshot.quarantined());
        let (channel, failed) = (wish.channel, || {
            Problem::new(500, "internal", "something failed", "the text was not inspected")
        });
        let inspection = match &self.gateway {
            Some(gateway) => {
                gateway.asked_about(inspection, channel, &wish.text).await.map_err(|_| failed())?
            }
            None => inspection.asking_nobody(&snapshot, channel, &wish.text),
        };
        let engine = self.engine().clone();
        // Some milliseconds for the longest texts: not where others wait.
        let inspected = tokio::task::spawn_blocking(move || {
            let (mut examined, redacted) = inspection.redact(wish.channel, &wish.text);
            for (_, ruled) in inspection.unheard() {
                examined.action = examined.action.max(ruled.ruling.action);
                examined.would = examined.would.max(ruled.ruling.would);
                examined.findings.push(ruled);
            }
            let explained = engine.explain_with(wish.channel, &wish.text, inspection.custom());
            let counted = |at: usize| {
                let found = explained.findings.get(at)?;
                examined.findings.iter().position(|ruled| ruled.finding == *found)
            };
            Inspected {
                action: examined.action,
                would: examined.would,
                guards,
                redacted,
                views: explained.views.iter().map(|view| shown(view, counted)).collect(),
                views_more: explained.views_more,
                findings: examined.findings.iter().map(found).collect(),
            }
        });
        inspected.await.map_err(|_| failed())
    }
}

fn found(Ruled { finding, ruling }: &Ruled) -> InspectedFinding {
    InspectedFinding {
        category: finding.category.clone(),
        score: finding.score,
        start: finding.span.start,
        end: finding.span.end,
        detector: finding.detector.to_owned(),
        detector_version: finding.detector_version,
        action: ruling.action,
        would: ruling.would,
    }
}

fn shown(view: &Decoded, counted: impl Fn(usize) -> Option<usize>) -> InspectedView {
    let place = |Placed { span, finding }: &Placed| InspectedPlace {
        start: span.start,
        end: span.end,
        finding: finding.and_then(&counted),
    };
    InspectedView {
        encoding: view.encoding.as_str().to_owned(),
        depth: view.depth,
        text: view.text.clone(),
        found: view.found.iter().map(place).collect(),
    }
}
