//! One call, in full: what was asked under which rules, what was found, how long each step took, and whether it is proved.

use axum::{extract::Path, response::IntoResponse as _};
use cordon_core::{
    CallId,
    record::{Closed, DecidingGuard},
};
use maud::{Markup, html};

use super::{
    feedback::{self, Found},
    format, layout, quarantine, stages,
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::{
    api::{CallRecord, Direction, Problem, feedback::Feedback},
    identity::Verb,
    proof,
};

pub(super) async fn page(view: View, Path(text): Path<String>) -> Page {
    let Ok(id) = CallId::parse(&text) else {
        return Err(
            view.not_found("this is no id of a call; help: the header `cordon-call-id` of an answer says it")
        );
    };
    match build(&view, id).await {
        Ok((table, body)) => Ok(match table.file(view.format) {
            Some(file) => file,
            None => layout::page(&view, "Call", &body).into_response(),
        }),
        Err(problem) => Err(view.fault(problem)),
    }
}

async fn build(view: &View, id: CallId) -> Result<(Table, Markup), Problem> {
    let desk = &view.shared.state.desk;
    let record = desk.calls().find(id).await?.ok_or_else(|| {
        let detail = format!("call `{id}` is not recorded here; help: is it another node's, or retired?");
        Problem::new(404, "not_found", "it does not exist", detail)
    })?;
    let CallRecord { call, opened, closed } = &record;
    let then = |path: String| widgets::Query::default().with("as_of", &opened.time.to_string()).link(&path);
    let named = |kind: &str, name: Option<&cordon_core::Name>| match name {
        Some(name) => html! { a href=(then(format!("/{kind}/{name}"))) { (name) } },
        None => html! { "–" },
    };
    let said = desk.standing_feedback(id, view.as_of).await?;
    let people = people(view, &record).await;
    let findings = findings(view, &record, &said, people);
    let prompt = match opened.prompt {
        Some(prompt) => quarantine::prompt(view, prompt).await?,
        None => html! { "–" },
    };
    let status = match closed {
        Some(closed) => {
            html! { (closed.status) " " (widgets::outcome(closed.outcome)) @if let Some(code) = closed.code { ", " code { (code) } } }
        }
        None => html! { "running" },
    };
    let body = html! {
        p.headline { (widgets::verdict(call.verdict)) " " (widgets::id(&id.to_string(), None)) " " (widgets::time(call.time, view.now)) }
        @if call.would > call.verdict {
            div.banner { "Guards that only observe would have done more: " (widgets::verdict(call.would)) ". They enforce with " code { "mode: enforce" } "." }
        }
        @for (direction, word, held) in record.reviews() {
            p { "Content of its " (direction.as_str()) " was " (word) ": " (widgets::id(&held.to_string(), Some(&view.link(&format!("/held/{held}"))))) }
        }
        (widgets::facts(vec![
            ("Caller", html! { (named("principals", Some(&call.principal))) " of team " (named("teams", Some(&call.team))) ", key " a href=(then(format!("/keys/{}", opened.key))) { code { (opened.key) } } }),
            ("Route", named("routes", call.route.as_ref())),
            ("System", named("systems", opened.system.as_ref())),
            ("Model", html! { (named("models", call.model.as_ref())) @if let Some(service) = record.service() { " of service " (named("services", Some(service))) } @if let Some(region) = record.region() { ", region " (region) } }),
            ("Answer", status),
            ("Streamed", html! { (if call.stream { "yes" } else { "no" }) }),
            ("Cost", call.cost.map_or_else(|| html! { "–" }, |cost| html! { (cost) })),
            ("Tokens", call.tokens.map_or_else(|| html! { "–" }, |tokens| html! { (format::number(tokens.input)) " in, " (format::number(tokens.output)) " out" })),
            ("Borne out", closed.as_ref().and_then(|closed| closed.output.grounding.as_ref()).map_or_else(|| html! { "–" }, |grounding| html! { (grounding.to_string()) })),
            ("Prompt", prompt),
            ("Entered", if opened.taint.is_clean() { html! { "–" } } else { html! { (opened.taint.to_string()) } }),
            ("Normalised", if opened.normalised.is_nothing() { html! { "–" } } else { html! { (opened.normalised.to_string()) } }),
            ("Person", opened.subject.map_or_else(|| html! { "–" }, |subject| html! { (widgets::id(&subject.to_string(), None)) " (pseudonym)" })),
            ("Trace", opened.trace.as_ref().map_or_else(|| html! { "–" }, |trace| widgets::id(trace, None))),
            ("Attempts", attempts(closed.as_ref())),
            ("Reason", closed.as_ref().and_then(|closed| closed.reason.as_ref()).map_or_else(|| html! { "–" }, |reason| html! { (reason) })),
        ]))
        section #findings {
            h2 { "Findings" }
            @if findings.rows.is_empty() { p.quiet { "Nothing was found, in the request or in the answer." } }
            @else { (findings.html("What was found, and who decided")) (Table::links(&view.path, &view.query)) }
        }
        @if let Some(closed) = closed { (stages::of_call(&closed.timings)) }
        section {
            h2 { "Rules as of then" }
            (widgets::facts(vec![
                ("Log position", html! { a href=(view.link(&format!("/log/{}", opened.position.saturating_sub(1)))) { (format::number(opened.position)) } }),
                ("Everything as of then", html! { a href=(then("/".to_owned())) { (opened.time) } }),
                ("Guard that applied", match &call.route {
                    Some(route) => html! { a href=(then(format!("/routes/{route}/guard"))) { "joined guards of " (route) } },
                    None => html! { "–" },
                }),
                ("Rules", widgets::id(&opened.rules.to_string(), None)),
                ("Build", html! { code { (opened.build) } }),
            ]))
        }
        (content(view, &record))
        (proved(view, id).await)
    };
    Ok((findings, body))
}

/// The most reviews of one call that are looked up.
const MAX_REVIEWS: usize = 32;

/// What people decided before it came about content of the request, and of the answer: the last of the layers that it passed.
async fn people(view: &View, record: &CallRecord) -> Vec<Vec<Cell>> {
    let decided = record.reviews().filter(|(_, word, _)| *word != "held");
    let decided: Vec<_> = decided.take(MAX_REVIEWS).collect();
    let mut rows = Vec::new();
    for (_, word, id) in decided {
        let held = view.shared.state.desk.held_file(id).await.ok();
        // A later review of the same bytes is not the one that held for this call.
        let review = held.as_ref().and_then(|held| held.review.as_ref());
        let review =
            review.filter(|review| review.verdict.as_str() == word && review.at <= record.opened.time);
        let who = review.map_or_else(
            || "a person".to_owned(),
            |review| format!("a person: {}", crate::cli::actor(&review.by)),
        );
        let part = held.map(|held| held.part).unwrap_or_default();
        let link = view.link(&format!("/held/{id}"));
        rows.push(vec![
            Cell::plain("review"),
            Cell::new(html! { code { (part) } }, part),
            Cell::plain(""),
            Cell::plain(""),
            Cell::plain(word),
            Cell::new(html! { a href=(link) { (who) } }, who),
            Cell::plain(""),
            Cell::plain(""),
            Cell::plain(""),
        ]);
    }
    rows
}

/// The guard that decided, as of then.
fn decided_by(record: &CallRecord, guard: Option<&DecidingGuard>) -> Cell {
    let Some(guard) = guard else { return Cell::plain("") };
    let text = guard.to_string();
    if guard.scope.is_none() {
        return Cell::plain(text);
    }
    let then = widgets::Query::default().with("as_of", &record.opened.time.to_string());
    Cell::new(html! { a href=(then.link(&format!("/guards/{}", guard.name))) { (text) } }, text)
}

fn findings(view: &View, record: &CallRecord, said: &[Feedback], people: Vec<Vec<Cell>>) -> Table {
    let (mut of_request, mut of_answer) = (0_u64.., 0_u64..);
    let rows = record.call.findings.iter().map(|found| {
        let finding = &found.finding;
        let place = match found.direction {
            Direction::Request => of_request.next(),
            Direction::Answer => of_answer.next(),
        };
        let at = Found {
            call: record.call.call_id,
            direction: found.direction,
            finding: place.unwrap_or(u64::MAX),
        };
        let bytes = format!("{}..{}", finding.start, finding.end);
        vec![
            Cell::plain(found.direction.as_str()),
            Cell::new(html! { code { (finding.part) } }, finding.part.clone()),
            Cell::plain(finding.shown()),
            Cell::plain(finding.score.to_string()),
            Cell::new(widgets::verdict(finding.action), finding.action.as_str()),
            decided_by(record, finding.guard.as_ref()),
            Cell::plain(bytes),
            Cell::plain(format!("{} {}", finding.detector, finding.detector_version)),
            feedback::cell(view, &at, finding.category.as_str(), said),
        ]
    });
    let columns = [
        table::text("In", "direction"),
        table::text("Part", "part"),
        table::text("Category", "category"),
        table::number("Score", "score"),
        table::text("Action", "action"),
        table::text("Decided by", "guard"),
        table::number("Bytes", "bytes"),
        table::text("Detector", "detector"),
        table::text("Is it right?", "label"),
    ];
    Table::new(columns, rows.chain(people).collect())
}

/// How long each step took, as bars of the whole.
/// The targets that were tried or passed over, where there was more than one.
fn attempts(closed: Option<&Closed>) -> Markup {
    let attempts = closed.map(|closed| closed.attempts.as_slice()).unwrap_or_default();
    html! {
        @if attempts.is_empty() { "–" }
        @else { ul.plain { @for attempt in attempts { li { (attempt) } } } }
    }
}

/// What was kept of what was said. It is not shown here: to read it is recorded, and done by a person with that right.
fn content(view: &View, record: &CallRecord) -> Markup {
    let kept = record.closed.as_ref().map(|closed| closed.content.as_slice()).unwrap_or_default();
    html! {
        section {
            h2 { "Content" }
            @if kept.is_empty() { p.quiet { "Nothing was kept of what was said: the route captures no content." } }
            @else {
                ul { @for piece in kept {
                    li { (piece.object.as_str()) ", " (format::bytes(piece.bytes)) @if piece.truncated { " (the beginning)" } }
                } }
                @if view.may(Verb::ReadContent) {
                    p { "To read it is recorded with your name: " code { "cordon content show " (record.call.call_id) } }
                } @else { p.quiet { "Your role does not include to read it." } }
            }
        }
    }
}

/// Whether the call is proved, and with `verify` whether the proof holds, checked from the beginning.
async fn proved(view: &View, id: CallId) -> Markup {
    if !view.may(Verb::ReadProofs) {
        return html! { section { h2 { "Proof" } p.quiet { "Your role does not include proofs." } } };
    }
    let desk = &view.shared.state.desk;
    let link = view.query.with("verify", "now").link(&view.path);
    let shown = match desk.prove(id).await {
        Err(problem) if problem.status == 409 => {
            html! { p { (widgets::state("warn", "pending")) " Its journal is anchored within 10 s; load the page again then." } }
        }
        Err(problem) => html! { p { (widgets::state("bad", "no proof")) " " (problem.detail) } },
        Ok(proof) if view.query.get("verify").is_none() => html! {
            p { (widgets::state("good", "provable")) " " (proof.frames.len()) " frames, signed with " code { (proof.key) } }
            p { a.button href=(link) { "Verify now" } " " a href=(format!("/api/v1/calls/{id}/proof")) { "Proof as a file" } }
        },
        Ok(proof) => {
            let key = cordon_ledger::VerifierKey::parse(&proof.key).map_err(|error| error.to_string());
            let checked =
                key.and_then(|key| proof::check(&serde_json::to_vec(&proof).unwrap_or_default(), key));
            match checked {
                Ok(proved) => html! {
                    p { (widgets::state("good", "verified")) " The frames are in journal " code { (proved.journal) } ", whose anchor is in the log of "
                        (format::number(proved.log_size)) " facts that " code { (proved.signer) } " signed." }
                    p.quiet { "This was checked by the server that made it. Somebody who does not trust it runs " code { "cordon verify proof.json --key KEY" } " with the public key they keep." }
                },
                Err(why) => html! { p { (widgets::state("bad", "the proof does not hold")) " " (why) } },
            }
        }
    };
    html! { section { h2 { "Proof" } (shown) } }
}
