//! The two forms: to take something out, which says first what that means, and to give it back.

use axum::{
    Form,
    extract::rejection::FormRejection,
    response::{IntoResponse as _, Redirect},
};
use cordon_core::containment::{InFlight, Subject};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        layout,
        view::{Page, View},
        widgets,
    },
    named,
};
use crate::{
    api::{
        Problem,
        quarantine::{CallsOf, LiftQuarantine, OrderQuarantine, QuarantineEffect},
    },
    identity::Verb,
};

/// What somebody wants to take out.
#[derive(Deserialize)]
pub(in crate::console) struct OrderForm {
    subject: String,
    reason: String,
    #[serde(default)]
    in_flight: InFlight,
}

/// What somebody wants to give back.
#[derive(Deserialize)]
pub(in crate::console) struct LiftForm {
    subject: String,
    reason: String,
}

/// Asks for the reason, and says what it would mean.
pub(in crate::console) async fn order_page(view: View) -> Page {
    let text = wanted(&view);
    let shown = async {
        let subject = allowed(&view, &text)?;
        let effect = view.shared.state.desk.quarantine_effect(subject.clone()).await?;
        Ok(html! {
            p.lead { "Takes " (named(&view, &subject)) " out at once. The rest goes on." }
            (meaning(&view, &effect))
            form.try method="post" action="/quarantine/order" {
                (view.csrf())
                input type="hidden" name="subject" value=(subject);
                label { "Calls that use it now" select name="in_flight" {
                    option value="cancel" selected { "end" }
                    option value="finish" { "may finish" }
                } }
                label { "Why (kept sealed beside the log)" textarea name="reason" rows="3" maxlength="4096" required {} }
                button.danger { "Quarantine " (subject) }
            }
        })
    };
    match shown.await {
        Ok(body) => Ok(layout::page(&view, "Quarantine", &body).into_response()),
        Err(problem) => Err(view.fault(problem)),
    }
}

/// Takes it out. It is out when the answer comes.
pub(in crate::console) async fn order(view: View, form: Result<Form<OrderForm>, FormRejection>) -> Page {
    let done = async {
        let Form(OrderForm { subject, reason, in_flight }) = form.map_err(|_| unreadable())?;
        let subject = allowed(&view, &subject)?;
        let wish = OrderQuarantine { subject, in_flight, reason };
        view.shared.state.desk.quarantine(wish, view.caller.actor.clone()).await
    };
    answered(done.await.map(drop), view)
}

/// Asks for the reason to give it back.
pub(in crate::console) async fn lift_page(view: View) -> Page {
    let text = view.query.get("subject").unwrap_or_default().to_owned();
    let shown = async {
        let subject = allowed(&view, &text)?;
        let effect = view.shared.state.desk.quarantine_effect(subject.clone()).await?;
        Ok(html! {
            p.lead { "Gives " (named(&view, &subject)) " back." }
            @if effect.two_people { (two_people()) }
            form.try method="post" action="/quarantine/lift" {
                (view.csrf())
                input type="hidden" name="subject" value=(subject);
                label { "Why (kept sealed beside the log)" textarea name="reason" rows="3" maxlength="4096" required {} }
                button { "Lift the quarantine of " (subject) }
            }
        })
    };
    match shown.await {
        Ok(body) => Ok(layout::page(&view, "Lift a quarantine", &body).into_response()),
        Err(problem) => Err(view.fault(problem)),
    }
}

/// Gives it back, or asks for it where two people are needed.
pub(in crate::console) async fn lift(view: View, form: Result<Form<LiftForm>, FormRejection>) -> Page {
    let done = async {
        let Form(LiftForm { subject, reason }) = form.map_err(|_| unreadable())?;
        let subject = allowed(&view, &subject)?;
        let wish = LiftQuarantine { subject, reason };
        view.shared.state.desk.lift(wish, view.caller.actor.clone()).await
    };
    answered(done.await.map(drop), view)
}

/// The way to the form, for those who may, on the page of something that is not quarantined.
pub(super) fn button(view: &View, subject: &Subject) -> Markup {
    html! { @if let Some(form) = form(view, subject, "order") { p { a.button.danger href=(form) { "Quarantine…" } } } }
}

/// The kinds that have no page with a button, and what each is called.
const WITHOUT_PAGE: [(&str, &str); 3] = [
    ("tool", "a tool, by its name"),
    ("detector", "a detector that is built in, by its name"),
    ("signature", "a text, by its signature"),
];

/// The way to the form for what has no page of its own, for those who may.
pub(super) fn by_name(view: &View) -> Markup {
    if !view.may(Verb::Quarantine) || view.as_of.is_some() {
        return Markup::default();
    }
    // Those elsewhere have pages of their own.
    let detectors = view.shared.state.desk.engine().detectors();
    html! {
        section {
            h2 { "Take something out that has no page" }
            form.filters method="get" action="/quarantine/order" {
                label { "What" select name="kind" {
                    @for (kind, words) in WITHOUT_PAGE { option value=(kind) { (words) } }
                } }
                label { "Which" input type="text" name="name" required maxlength="128" list="detectors"; }
                datalist id="detectors" { @for detector in detectors { option value=(detector.name) {} } }
                button { "Say what it would mean" }
            }
            p.quiet { "The signature of a text: " code { "cordon quarantine --text TEXT --effect" } " prints it, and needs no reason." }
        }
    }
}

/// What the form was asked for: a subject, or a kind and a name.
fn wanted(view: &View) -> String {
    match (view.query.get("subject"), view.query.get("kind"), view.query.get("name")) {
        (Some(subject), ..) => subject.to_owned(),
        (None, Some(kind), Some(name)) => format!("{kind}/{}", name.trim()),
        _ => String::new(),
    }
}

/// The same in the middle of other words.
pub(super) fn order_link(view: &View, subject: &Subject) -> Markup {
    html! { @if let Some(form) = form(view, subject, "order") { a href=(form) { "Quarantine…" } } }
}

/// The way to the form that ends a quarantine.
pub(super) fn lift_link(view: &View, subject: &Subject) -> Markup {
    html! { @if let Some(form) = form(view, subject, "lift") { a href=(form) { "Lift…" } } }
}

/// Where a form is, for those who may, now.
fn form(view: &View, subject: &Subject, word: &str) -> Option<String> {
    let may = view.may(Verb::Quarantine) && view.as_of.is_none();
    let query = view.query.only("as_of").with("subject", &subject.to_string());
    may.then(|| query.link(&format!("/quarantine/{word}")))
}

fn meaning(view: &View, effect: &QuarantineEffect) -> Markup {
    html! {
        section {
            h2 { "What it means" }
            ul {
                @for route in &effect.routes {
                    li {
                        "Route " a href=(view.link(&format!("/routes/{}", route.route))) { (route.route) } " "
                        @if route.fallback.is_empty() { strong { "is closed" } }
                        @else {
                            "goes on with "
                            @for (at, model) in route.fallback.iter().enumerate() { @if at > 0 { ", " } (model) }
                        }
                        " (" (super::super::format::number(route.calls)) " calls in the last hour)"
                    }
                }
                @if effect.routes.is_empty() && effect.calls_of == CallsOf::Routes { li { "No route is closed or moved by it." } }
                li { (effect.told()) "." }
            }
            @if effect.two_people { (two_people()) }
        }
    }
}

fn two_people() -> Markup {
    html! { p { (widgets::state("warn", "two people")) " It belongs to a system of high risk: two people are needed to lift it." } }
}

/// The subject, where this page is of now and the caller may.
fn allowed(view: &View, text: &str) -> Result<Subject, Problem> {
    view.caller.may(Verb::Quarantine)?;
    if view.as_of.is_some() {
        let detail = "the past cannot be changed; help: go back to now";
        return Err(Problem::new(409, "refused", "it cannot be done now", detail));
    }
    Subject::parse(text)
        .map_err(|error| Problem::new(400, "malformed", "this is no subject", error.to_string()))
}

fn unreadable() -> Problem {
    Problem::new(400, "malformed", "the form cannot be read", "a subject and a reason are expected")
}

fn answered(done: Result<(), Problem>, view: View) -> Page {
    match done {
        Ok(()) => Ok(Redirect::to("/quarantine").into_response()),
        Err(problem) => Err(view.fault(problem)),
    }
}
