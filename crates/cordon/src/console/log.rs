//! The log: every fact, latest first, each with its proof.

use axum::{extract::Path, response::IntoResponse as _};
use maud::{Markup, html};

use super::{
    format, layout,
    marks::{is_decided, line},
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::{api::Problem, identity::Verb};

/// Facts on a page.
const PAGE: usize = 50;
/// Facts that are looked at for one page: anchors are most of them.
const LOOKED_AT: u64 = 20_000;

pub(super) async fn page(view: View) -> Page {
    match build(&view).await {
        Ok((table, body)) => Ok(match table.file(view.format) {
            Some(file) => file,
            None => layout::page(&view, "Log", &body).into_response(),
        }),
        Err(problem) => Err(view.fault(problem)),
    }
}

async fn build(view: &View) -> Result<(Table, Markup), Problem> {
    let desk = &view.shared.state.desk;
    let all = view.query.get("all").is_some();
    let before = view.query.get("before").and_then(|text| text.parse::<u64>().ok());
    let (mut rows, mut next, mut head) = (Vec::new(), None, 0);
    if let Some(log) = desk.log() {
        head = match view.as_of {
            Some(time) => log.position_at(time).await.map_err(crate::desk::unreachable)?,
            None => log.head().await.map_err(crate::desk::unreachable)?,
        };
        let mut to = before.unwrap_or(head).min(head);
        let least = to.saturating_sub(LOOKED_AT);
        'looking: while to > least {
            let from = to.saturating_sub(256).max(least);
            for stored in log.read(from, to).await.map_err(crate::desk::unreachable)?.into_iter().rev() {
                let Ok(fact) = stored.decode() else { continue };
                if !all && !is_decided(&fact.body) {
                    continue;
                }
                if rows.len() == PAGE {
                    next = Some(stored.position.saturating_add(1));
                    break 'looking;
                }
                rows.push(vec![
                    Cell::new(html! { a href=(view.link(&format!("/log/{}", stored.position))) { (format::number(stored.position)) } }, stored.position.to_string()),
                    Cell::new(widgets::time(fact.time, view.now), fact.time.to_string()),
                    Cell::plain(line(&fact.body)),
                    Cell::plain(crate::cli::actor(&fact.actor)),
                ]);
            }
            to = from;
            next = (to > 0).then_some(to);
        }
    }
    let columns = [
        table::number("Fact", "position"),
        table::text("Time", "time"),
        table::text("What", "what"),
        table::text("By", "by"),
    ];
    let table = Table::new(columns, rows);
    let signed = view.shared.state.progress();
    let body = html! {
        p.lead { "Every decision is a fact in one log that only grows. Each fact is a leaf of a Merkle tree; a checkpoint signs the tree." }
        (widgets::facts(vec![
            ("Facts", html! { (format::number(head)) }),
            ("Signed", html! { (format::number(signed)) }),
            ("Checkpoint", if view.may(Verb::ReadProofs) { html! { a href="/ledger/checkpoint" { "as signed" } } } else { html! { "–" } }),
        ]))
        div.above {
            @if all { a href=(view.query.with("all", "").with("before", "").link("/log")) { "Only what people decided" } }
            @else { a href=(view.query.with("all", "1").with("before", "").link("/log")) { "Also what Cordon says of its own records" } }
            (Table::links("/log", &view.query))
        }
        @if table.rows.is_empty() { (widgets::empty("No fact here.", "", "")) } @else { (table.html("Facts, latest first")) }
        nav.pager aria-label="More" {
            @if before.is_some() { a href=(view.query.with("before", "").link("/log")) { "Latest" } }
            @if let Some(next) = next { a rel="next" href=(view.query.with("before", &next.to_string()).link("/log")) { "Older" } }
        }
    };
    Ok((table, body))
}

pub(super) async fn one(view: View, Path(text): Path<String>) -> Page {
    let Ok(position) = text.parse::<u64>() else {
        return Err(view.not_found("this is no position in the log; help: a whole number is expected"));
    };
    match fact(&view, position).await {
        Ok(Some(body)) => Ok(layout::page(&view, &format!("Fact {position}"), &body).into_response()),
        Ok(None) => Err(view.not_found("the log has no such fact yet")),
        Err(problem) => Err(view.fault(problem)),
    }
}

async fn fact(view: &View, position: u64) -> Result<Option<Markup>, Problem> {
    let Some(log) = view.shared.state.desk.log() else { return Ok(None) };
    let found = log.read(position, position.saturating_add(1)).await.map_err(crate::desk::unreachable)?;
    let Some(stored) = found.into_iter().find(|stored| stored.position == position) else { return Ok(None) };
    let leaf = cordon_ledger::leaf_hash(&stored.leaf);
    let text = String::from_utf8_lossy(&stored.leaf).into_owned();
    let told = stored.decode().ok();
    let signed = view.shared.state.progress() > position;
    let then =
        told.as_ref().map(|fact| widgets::Query::default().with("as_of", &fact.time.to_string()).link("/"));
    Ok(Some(html! {
        @if let Some(fact) = &told { p.headline { (line(&fact.body)) } }
        (widgets::facts(vec![
            ("Time", told.as_ref().map_or_else(|| html! { "–" }, |fact| widgets::time(fact.time, view.now))),
            ("By", told.as_ref().map_or_else(|| html! { "–" }, |fact| html! { (crate::cli::actor(&fact.actor)) })),
            ("Type", told.as_ref().map_or_else(|| html! { "unknown" }, |fact| html! { code { (fact.body.type_name()) } })),
            ("Leaf hash", widgets::id(&leaf.to_string(), None)),
            ("Proof", if signed { widgets::state("good", "covered by a signed checkpoint") } else { widgets::state("warn", "waits for a signature") }),
            ("Everything as of then", then.map_or_else(|| html! { "–" }, |link| html! { a href=(link) { "look" } })),
        ]))
        section { h2 { "The leaf, byte for byte" } p.quiet { "SHA-256 of a zero byte and these bytes is the leaf hash (RFC 6962, section 2.1). What identifies a person is sealed: its digest stands here." } pre.leaf { code { (text) } } }
        nav.pager aria-label="Neighbours" {
            @if position > 0 { a rel="prev" href=(view.link(&format!("/log/{}", position - 1))) { "Fact " (position - 1) } }
            a rel="next" href=(view.link(&format!("/log/{}", position.saturating_add(1)))) { "Fact " (position.saturating_add(1)) }
        }
    }))
}
