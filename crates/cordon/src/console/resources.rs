//! Resources: a list for each kind, and for each resource the same four views: now, history, related, raw.

mod kinds;

use std::collections::BTreeMap;

use axum::{extract::Path, response::IntoResponse as _};
use cordon_core::{
    Name, Score, State,
    resource::{Kind, Resource, Spec},
};
use cordon_policy::{Caller, EffectiveGuard, Snapshot};
use cordon_store::calls::CallQuery;
use maud::{Markup, html};
use serde_json::Value;

use self::kinds::{fields, taught};
use super::{
    format, inspect, layout, limits, quarantine, routes, stages,
    table::{self, Cell, Column, Table},
    triggers,
    view::{Page, View},
    widgets,
};
use crate::api::{ChangeKind, HistoryEntry, Problem, ResourceView};

/// Resources on a page.
const PAGE: usize = 100;

/// The word of a kind in addresses.
pub(super) fn plural(kind: Kind) -> String {
    format!("{}s", kind.as_str().to_ascii_lowercase())
}

fn kind_of(word: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| plural(*kind) == word)
}

pub(super) async fn list(view: View, Path(word): Path<String>) -> Page {
    let Some(kind) = kind_of(&word) else { return Err(view.not_found("there is no such page")) };
    match listed(&view, kind).await {
        Ok((table, body)) => Ok(match table.file(view.format) {
            Some(file) => file,
            None => layout::page(&view, &title(kind), &body).into_response(),
        }),
        Err(problem) => Err(view.fault(problem)),
    }
}

fn title(kind: Kind) -> String {
    format!("{kind}s")
}

async fn listed(view: &View, kind: Kind) -> Result<(Table, Markup), Problem> {
    let after = view.query.get("after").and_then(|text| Name::parse(text).ok());
    let mut resources = {
        let desk = &view.shared.state.desk;
        let after = after.clone().map(|after| (kind, after));
        desk.resources(&desk.state(view.as_of).await?, Some(kind), after, PAGE + 1).await?
    };
    let more = resources.len() > PAGE;
    resources.truncate(PAGE);
    let mut columns = vec![table::text("Name", "name")];
    columns.extend(fields(kind).iter().map(|(head, key)| Column { head, key, number: false }));
    let names: Vec<&Name> = resources.iter().map(|resource| &resource.name).collect();
    let mut live = live(view, kind, after.as_ref(), &names).await?;
    if live.is_some() {
        columns.push(table::text("State", "state"));
    }
    columns.extend([table::text("Changed", "changed"), table::text("By", "by")]);
    let rows = resources.iter().map(|resource| {
        let name = resource.name.as_str();
        let link = view.link(&format!("/{}/{name}", plural(kind)));
        let mut row = vec![Cell::new(html! { a href=(link) { strong { (name) } } }, name)];
        let (mut mode, state) =
            live.as_mut().and_then(|live| live.remove(&resource.name)).unwrap_or_default();
        row.extend(fields(kind).iter().map(|(_, key)| match mode.take_if(|_| *key == "mode") {
            Some(mode) => mode,
            None => Cell::plain(short(resource.spec.get(*key))),
        }));
        if live.is_some() {
            row.push(state.unwrap_or_else(|| Cell::plain("–")));
        }
        row.push(Cell::new(
            widgets::time(resource.meta.changed, view.now),
            resource.meta.changed.to_string(),
        ));
        row.push(Cell::plain(crate::cli::actor(&resource.meta.actor)));
        row
    });
    let table = Table::new(columns, rows.collect());
    let (what, example) = taught(kind);
    let in_use =
        if kind == Kind::Limit { limits::in_use(view, limits::Of::All).await? } else { Markup::default() };
    let body = html! {
        p.lead { (what) }
        (in_use)
        @if table.rows.is_empty() && after.is_none() {
            (widgets::empty("There is none yet.", "Write a file like this, look at what it would change, and apply it:", example))
            pre { code { "cordon plan -f FILE\ncordon apply -f FILE" } }
        } @else {
            div.above { (Table::links(&view.path, &view.query)) }
            (table.html(&title(kind)))
            nav.pager aria-label="More" {
                @if after.is_some() { a href=(view.query.with("after", "").link(&view.path)) { "First" } }
                @if more && let Some(last) = resources.last() {
                    a rel="next" href=(view.query.with("after", last.name.as_str()).link(&view.path)) { "Next" }
                }
            }
        }
    };
    Ok((table, body))
}

/// What a list says of each of its things beyond what is declared: of a route its mode, and of most how it is.
type Live = BTreeMap<Name, (Option<Cell>, Option<Cell>)>;

/// How the things of a list are. Of an earlier time only what was quarantined is known.
async fn live(
    view: &View,
    kind: Kind,
    after: Option<&Name>,
    names: &[&Name],
) -> Result<Option<Live>, Problem> {
    if kind == Kind::Route && view.as_of.is_none() {
        let desk = &view.shared.state.desk;
        let all = desk.routes_of(&desk.state(None).await?, after, names.len());
        let cells =
            routes::cells(&all).map(|(name, [mode, state])| (name.clone(), (Some(mode), Some(state))));
        return Ok(Some(cells.collect()));
    }
    let Some(cells) = quarantine::cells(view, kind, names).await? else { return Ok(None) };
    let cells = names.iter().zip(cells).map(|(name, state)| (Name::clone(name), (None, Some(state))));
    Ok(Some(cells.collect()))
}

/// A value in a few words.
fn short(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        Some(Value::Array(items)) => {
            match items.iter().map(|item| item.get("model")).collect::<Option<Vec<_>>>() {
                Some(models) => {
                    models.iter().filter_map(|model| model.as_str()).collect::<Vec<_>>().join(", ")
                }
                None => items.len().to_string(),
            }
        }
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| format!("{key}: {}", short(Some(value))))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string(),
    }
}

const TABS: [(&str, &str); 4] =
    [("", "Now"), ("/history", "History"), ("/related", "Related"), ("/raw", "Raw")];

/// A resource's page: its head, its tabs, and what the tab shows.
async fn object<F>(view: View, word: &str, text: &str, body: F) -> Page
where
    F: AsyncFnOnce(&View, Kind, &Name, &ResourceView) -> Result<Markup, Problem>,
{
    let Some(kind) = kind_of(word) else { return Err(view.not_found("there is no such page")) };
    let Ok(name) = Name::parse(text) else { return Err(view.not_found("this is no name")) };
    let shown = async {
        let resource = view.shared.state.desk.get(kind, &name, view.as_of).await?;
        let inner = body(&view, kind, &name, &resource).await?;
        let out = quarantine::banner(&view, kind, &name).await?;
        let base = format!("/{word}/{name}");
        Ok(html! {
            p.headline {
                span.kind { (kind) }
                span { @if let Some(team) = resource.spec.get("team").and_then(Value::as_str) {
                    "of team " a href=(view.link(&format!("/teams/{team}"))) { (team) } ", "
                }
                "changed " (widgets::time(resource.meta.changed, view.now)) " by " (crate::cli::actor(&resource.meta.actor))
                " (" a href=(view.link(&format!("/log/{}", resource.meta.position))) { "fact " (resource.meta.position) } ")" }
            }
            (out)
            (layout::tabs(&view, &base, &TABS))
            (inner)
        })
    };
    match shown.await {
        Ok(body) => Ok(layout::page(&view, name.as_str(), &body).into_response()),
        Err(problem) => Err(view.fault(problem)),
    }
}

pub(super) async fn now(view: View, Path((word, text)): Path<(String, String)>) -> Page {
    object(view, &word, &text, async |view, kind, name, resource| {
        let more = match kind {
            Kind::Route => route(view, name, resource).await?,
            Kind::Guard => inspect::by_guard(view, name),
            Kind::Service => service(view, name).await?,
            Kind::Limit => limits::in_use(view, limits::Of::Limit(name)).await?,
            Kind::Trigger => triggers::sections(view, name).await?,
            Kind::Principal => html! { p { a href=(view.query.only("as_of").with("principal", name.as_str()).link("/calls")) { "Its calls" } } },
            _ => Markup::default(),
        };
        Ok(html! { (spec(view, &resource.spec)) (more) })
    })
    .await
}

/// A spec as pairs; names of other resources lead to them.
fn spec(view: &View, spec: &Value) -> Markup {
    let Some(map) = spec.as_object() else { return Markup::default() };
    html! {
        @if map.is_empty() { p.quiet { "It says nothing beyond that it exists." } }
        dl.facts {
            @for (key, value) in map { div { dt { (key.replace('_', " ")) } dd { (shown(view, key, value)) } } }
        }
    }
}

fn shown(view: &View, key: &str, value: &Value) -> Markup {
    let kind = match key {
        "team" => Some("teams"),
        "system" | "systems" => Some("systems"),
        "model" => Some("models"),
        "service" => Some("services"),
        "route" | "routes" => Some("routes"),
        "guards" => Some("guards"),
        "principal" => Some("principals"),
        _ => None,
    };
    match value {
        Value::String(text) => match kind.filter(|_| Name::parse(text).is_ok() && text != "none") {
            Some(kind) => html! { a href=(view.link(&format!("/{kind}/{text}"))) { (text) } },
            None => html! { (text) },
        },
        Value::Array(items) => html! { ul.plain { @for item in items { li { (shown(view, key, item)) } } } },
        Value::Object(map) => html! {
            span.pairs { @for (key, value) in map { span { span.quiet { (key.replace('_', " ")) " " } (shown(view, key, value)) } " " } }
        },
        other => html! { (other.to_string()) },
    }
}

async fn route(view: &View, name: &Name, resource: &ResourceView) -> Result<Markup, Problem> {
    let calls = view.shared.state.desk.calls();
    let query = CallQuery {
        since: Some(view.since()),
        until: view.as_of,
        route: Some(name.clone()),
        limit: Some(10),
        ..CallQuery::default()
    };
    let latest = calls.page(&query).await?;
    let targets = routes::targets(view, name).await?;
    let limits = limits::in_use(view, limits::Of::Route(name)).await?;
    let stages = stages::of_latest(view, Some(name)).await?;
    Ok(html! {
        (targets)
        (limits)
        @if resource.spec.get("content").is_none() { p.quiet { "Nothing is kept of what its calls say." } }
        p { a.button href=(view.link(&format!("/routes/{name}/guard"))) { "The guard that holds on it" } (inspect::by_route(view, name)) }
        section {
            h2 { "Latest calls" }
            @if latest.is_empty() { p.quiet { "None in " (view.range.title) "." } }
            @else {
                ul.changes { @for call in &latest {
                    li { (widgets::time(call.time, view.now)) " " (widgets::verdict(call.verdict)) " "
                        a href=(view.link(&format!("/calls/{}", call.call_id))) { "by " (call.principal) } }
                } }
                p { a href=(view.query.only("as_of").with("route", name.as_str()).link("/calls")) { "All of them" } }
            }
        }
        (stages)
    })
}

/// How a service did in the latest calls.
async fn service(view: &View, name: &Name) -> Result<Markup, Problem> {
    let desk = &view.shared.state.desk;
    let state = desk.state(view.as_of).await?;
    let models: Vec<&Name> = state
        .resources_of(Kind::Model)
        .filter(|(_, standing)| matches!(&standing.spec, Spec::Model(model) if model.service == *name))
        .map(|(model, _)| model)
        .collect();
    let query = CallQuery {
        since: Some(view.since()),
        until: view.as_of,
        limit: Some(LATEST),
        ..CallQuery::default()
    };
    let rows = desk.calls().page(&query).await?;
    let ours: Vec<_> =
        rows.iter().filter(|call| call.model.as_ref().is_some_and(|model| models.contains(&model))).collect();
    let failed =
        ours.iter().filter(|call| call.outcome == Some(cordon_core::record::Outcome::UpstreamFailed)).count();
    let mut first: Vec<u64> = ours
        .iter()
        .filter_map(|call| call.timings)
        .map(|timings| timings.upstream_first_byte)
        .filter(|time| *time > 0)
        .collect();
    first.sort_unstable();
    let part = |part: usize| {
        first
            .get(first.len().saturating_sub(1) * part / 100)
            .copied()
            .map_or_else(|| "–".to_owned(), format::micros)
    };
    let state = match (ours.len(), failed) {
        (0, _) => widgets::state("none", "no calls"),
        (_, 0) => widgets::state("good", "answers"),
        (calls, failed) if failed * 2 > calls => widgets::state("bad", "fails"),
        _ => widgets::state("warn", "fails at times"),
    };
    Ok(html! {
        section {
            h2 { "Health" }
            (widgets::facts(vec![
                ("In the latest calls", html! { (state) }),
                ("Calls", html! { (ours.len()) " of the latest " (rows.len()) " in " (view.range.title) }),
                ("Failed", html! { (failed) " (" (format::percent(failed as u64, ours.len() as u64)) ")" }),
                ("First byte", html! { "p50 " (part(50)) ", p95 " (part(95)) }),
                ("Models", html! { @for model in &models { a href=(view.link(&format!("/models/{model}"))) { (model) } " " } }),
            ]))
        }
    })
}

/// Calls that a service's health is told from.
const LATEST: u32 = 1_000;

pub(super) async fn history(view: View, Path((word, text)): Path<(String, String)>) -> Page {
    object(view, &word, &text, async |view, kind, name, _| {
        let entries = view.shared.state.desk.history(kind, name, view.as_of, None, 100).await?;
        Ok(html! { ol.history { @for entry in &entries { (step(view, entry)) } } })
    })
    .await
}

fn step(view: &View, entry: &HistoryEntry) -> Markup {
    let word = match entry.change {
        ChangeKind::Create => "created",
        ChangeKind::Change => "changed",
        ChangeKind::Delete => "deleted",
    };
    let value = |value: Option<&Value>| {
        value.map_or_else(
            || "–".to_owned(),
            |value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        )
    };
    html! {
        li {
            p { strong { (word) } " " (widgets::time(entry.meta.changed, view.now)) " by " (crate::cli::actor(&entry.meta.actor))
                " · " a href=(view.link(&format!("/log/{}", entry.meta.position))) { "fact " (entry.meta.position) }
                " · " a href=(widgets::Query::default().with("as_of", &entry.meta.changed.to_string()).link(&view.path.replace("/history", ""))) { "as of then" } }
            @if !entry.fields.is_empty() && entry.change == ChangeKind::Change {
                table.diff {
                    caption.unseen { "What changed" }
                    thead { tr { th scope="col" { "Field" } th scope="col" { "Before" } th scope="col" { "After" } } }
                    tbody { @for field in &entry.fields {
                        tr { td { code { (field.path) } } td.before { (value(field.before.as_ref())) } td.after { (value(field.after.as_ref())) } }
                    } }
                }
            }
        }
    }
}

pub(super) async fn related(view: View, Path((word, text)): Path<(String, String)>) -> Page {
    object(view, &word, &text, async |view, kind, name, _| {
        let state = view.shared.state.desk.state(view.as_of).await?;
        let (needs, needed) = relations(&state, kind, name);
        let shown = |related: &[(Kind, Name)]| html! {
            @if related.is_empty() { p.quiet { "None." } }
            @else { ul { @for (kind, name) in related.iter().take(500) {
                li { span.kind { (kind) } " " a href=(view.link(&format!("/{}/{name}", plural(*kind)))) { (name) } }
            } } }
        };
        Ok(html! {
            section { h2 { "It needs" } (shown(&needs)) }
            section { h2 { "These need it" } (shown(&needed)) }
        })
    })
    .await
}

/// Resources by kind and name.
type Related = Vec<(Kind, Name)>;

/// What a resource needs, and what needs it.
fn relations(state: &State, kind: Kind, name: &Name) -> (Related, Related) {
    let of =
        |at: &Name, spec: &Spec| Resource { name: at.clone(), spec: spec.clone() }.references().resources;
    let needs = state.resource(kind, name).map(|standing| of(name, &standing.spec)).unwrap_or_default();
    let mut needs: Related = needs.into_iter().map(|(_, kind, name)| (kind, name)).collect();
    needs.sort();
    needs.dedup();
    let needed = state
        .resources()
        .filter(|(_, at, standing)| of(at, &standing.spec).iter().any(|(_, k, n)| *k == kind && n == name))
        .map(|(kind, at, _)| (kind, at.clone()))
        .collect();
    (needs, needed)
}

pub(super) async fn raw(view: View, Path((word, text)): Path<(String, String)>) -> Page {
    object(view, &word, &text, async |_, kind, name, resource| {
        Ok(html! {
            p { "As " code { "cordon apply" } " takes it; " a href=(format!("/api/v1/resources/{kind}/{name}")) { "as JSON" } "." }
            pre { code { (crate::cli::document(resource)) } }
        })
    })
    .await
}

/// The joined guard of a route: every rule, who contributed it, and what is done in the end.
pub(super) async fn effective(view: View, Path(text): Path<String>) -> Page {
    let Ok(name) = Name::parse(&text) else { return Err(view.not_found("this is no name")) };
    let state = match view.shared.state.desk.state(view.as_of).await {
        Ok(state) => state,
        Err(problem) => return Err(view.fault(problem)),
    };
    let snapshot = Snapshot::compile(&state);
    let Some(entry) = snapshot.route(name.as_str()) else {
        return Err(view.not_found("there is no such route; help: `cordon get routes` lists them"));
    };
    let caller = Caller { principal: None, route: Some(&name), system: entry.system.as_ref() };
    let joined = snapshot.guard(caller, Some(entry));
    let table = joined_table(&view, &joined);
    if let Some(file) = table.file(view.format) {
        return Ok(file);
    }
    let guards: Vec<&Name> = joined.names().collect();
    let body = html! {
        p.headline { span.kind { "Route" } " " a href=(view.link(&format!("/routes/{name}"))) { (name) } }
        p { "These guards hold on every call to it, joined; the strictest wins: "
            @for (at, guard) in guards.iter().enumerate() { @if at > 0 { ", " } (guard_link(&view, guard)) }
            ". A caller's own team may add to them." }
        div.above { (Table::links(&view.path, &view.query)) }
        (table.html("The rules that hold on this route"))
    };
    Ok(layout::page(&view, &format!("Guard on {name}"), &body).into_response())
}

fn guard_link(view: &View, guard: &Name) -> Markup {
    if guard.as_str() == "built-in" {
        html! { "the built-in baseline" }
    } else {
        html! { a href=(view.link(&format!("/guards/{guard}"))) { (guard) } }
    }
}

fn joined_table(view: &View, joined: &EffectiveGuard) -> Table {
    let rows = joined.rules(view.until()).map(|rule| {
        let done = joined.judge(rule.channel, rule.category, Score::ONE, view.until());
        let note = match (rule.excepted, rule.observes) {
            (true, _) => "excepted",
            (false, true) => "observes",
            (false, false) => "",
        };
        vec![
            Cell::plain(rule.category.to_string()),
            Cell::plain(rule.channel.as_str()),
            Cell::plain(rule.at.to_string()),
            Cell::new(
                html! { (widgets::verdict(rule.action)) @if !note.is_empty() { " " span.quiet { (note) } } },
                rule.action.as_str(),
            ),
            Cell::new(guard_link(view, rule.guard), rule.guard.as_str()),
            Cell::new(widgets::verdict(done.action), done.action.as_str()),
        ]
    });
    let columns = [
        table::text("Category", "category"),
        table::text("In", "channel"),
        table::number("From score", "from_score"),
        table::text("This rule", "rule"),
        table::text("Contributed by", "guard"),
        table::text("In the end", "action"),
    ];
    Table::new(columns, rows.collect())
}
