//! The guided set-up: the first four moves, in their order, each with what is done and what is next.

use axum::response::IntoResponse as _;
use cordon_core::{
    State,
    resource::{Kind, Spec},
};
use maud::{Markup, html};

use super::{
    layout,
    view::{Page, View},
    widgets,
};

/// A step: what it is for, whether it is done, where to look, and how it is done.
struct Step {
    title: &'static str,
    why: &'static str,
    done: bool,
    look: Option<(&'static str, &'static str)>,
    how: &'static str,
}

pub(super) async fn page(view: View) -> Page {
    match view.shared.state.desk.state(view.as_of).await {
        Ok(state) => {
            let called = !view
                .shared
                .state
                .desk
                .calls()
                .page(&cordon_store::calls::CallQuery { limit: Some(1), ..Default::default() })
                .await
                .unwrap_or_default()
                .is_empty();
            let body = guide(&view, &state, called);
            Ok(layout::page(&view, "Set-up", &body).into_response())
        }
        Err(problem) => Err(view.fault(problem)),
    }
}

/// The order of "culture" in AI governance practice: classify and map access; take an inventory; version and be able to go
/// back; watch production.
pub(super) fn guide(view: &View, state: &State, called: bool) -> Markup {
    let has = |kind: Kind| state.resources_of(kind).next().is_some();
    let observed = state.resources_of(Kind::Guard).next().is_some();
    let enforced = state.resources_of(Kind::Guard).any(|(_, standing)| {
        matches!(&standing.spec, Spec::Guard(guard) if guard.mode == cordon_core::Mode::Enforce)
    });
    let steps = [
        Step {
            title: "Classify, and map access",
            why: "Who owns what, which systems there are, and how much may go wrong with each of them.",
            done: has(Kind::Team) && has(Kind::System),
            look: Some(("/systems", "Systems")),
            how: "apiVersion: cordon/v1\nkind: Team\nname: support\nspec: {}\n---\napiVersion: cordon/v1\nkind: System\nname: helpdesk\nspec: {team: support, purpose: answers customers, risk: limited}",
        },
        Step {
            title: "Take an inventory of models and callers",
            why: "Providers with their keys by reference, models under your names, routes, and who may use them.",
            done: has(Kind::Service) && has(Kind::Route) && has(Kind::Principal),
            look: Some(("/routes", "Routes")),
            how: "apiVersion: cordon/v1\nkind: Service\nname: provider\nspec: {protocol: openai, base_url: https://api.openai.com/v1, secret: env:OPENAI_API_KEY}\n---\napiVersion: cordon/v1\nkind: Model\nname: small\nspec: {service: provider, upstream_name: gpt-5-mini}\n---\napiVersion: cordon/v1\nkind: Route\nname: support-bot\nspec: {team: support, system: helpdesk, targets: [{model: small}]}\n---\napiVersion: cordon/v1\nkind: Principal\nname: support-app\nspec: {team: support, routes: [support-bot]}",
        },
        Step {
            title: "Version your policy, and be able to go back",
            why: "A guard that only observes shows what it would do. Every change is a fact; `as of` shows any time before.",
            done: observed,
            look: Some(("/guards", "Guards")),
            how: "apiVersion: cordon/v1\nkind: Guard\nname: no-cards\nspec:\n  scope: organisation\n  mode: observe\n  rules:\n    - {category: pii/card, action: block}",
        },
        Step {
            title: "Watch production",
            why: "Send calls through, look at what the guard would have done, then let it enforce.",
            done: called && enforced,
            look: Some(("/calls", "Calls")),
            how: "cordon key create --principal support-app --expires 30d\ncordon calls list --follow",
        },
    ];
    let next = steps.iter().position(|step| !step.done);
    html! {
        p.lead { "Four moves, in this order. Files are looked at with " code { "cordon plan -f FILE" } " and come true with " code { "cordon apply -f FILE" } "." }
        ol.steps {
            @for (place, step) in steps.iter().enumerate() {
                li .done[step.done] {
                    h2 { (step.title) " " @if step.done { (widgets::state("good", "done")) } @else if Some(place) == next { (widgets::state("warn", "next")) } }
                    p { (step.why) @if let Some((path, word)) = step.look { @if step.done { " " a href=(view.link(path)) { (word) } } } }
                    @if Some(place) == next { pre { code { (step.how) } } }
                }
            }
        }
        @if next.is_none() { p { "All four are done. " a href=(view.link("/")) { "The overview" } " shows how it is." } }
    }
}
