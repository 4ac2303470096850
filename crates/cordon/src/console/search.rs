//! One field that finds any id, name or hash.

use axum::response::{IntoResponse as _, Redirect};
use cordon_core::{CallId, Digest, KeyId, Name, resource::Kind};
use cordon_store::calls::CallQuery;
use maud::html;

use super::{
    layout,
    resources::plural,
    view::{Page, View},
    widgets,
};

/// Names that are shown at most.
const SHOWN: usize = 100;

pub(super) async fn page(view: View) -> Page {
    let text = view.query.get("q").unwrap_or_default().trim().to_owned();
    let exact = text.strip_prefix("ck_").map_or(text.as_str(), |rest| rest.split('_').next().unwrap_or(rest));
    let desk = view.shared.state.desk.clone();
    let state = match desk.state(view.as_of).await {
        Ok(state) => state,
        Err(problem) => return Err(view.fault(problem)),
    };
    // What can only be one thing is gone to at once.
    if let Ok(call) = CallId::parse(exact)
        && let Ok(Some(_)) = desk.calls().find(call).await
    {
        return Ok(Redirect::to(&view.link(&format!("/calls/{call}"))).into_response());
    }
    if let Ok(key) = KeyId::parse(exact)
        && state.key(key).is_some()
    {
        return Ok(Redirect::to(&view.link(&format!("/keys/{key}"))).into_response());
    }
    if let Ok(position) = exact.parse::<u64>()
        && position < state.position()
    {
        return Ok(Redirect::to(&view.link(&format!("/log/{position}"))).into_response());
    }
    let lower = exact.to_ascii_lowercase();
    let mut found: Vec<(Kind, &Name)> = if lower.is_empty() {
        Vec::new()
    } else {
        let fits = state.resources().filter(|(_, name, _)| name.as_str().contains(&lower));
        fits.map(|(kind, name, _)| (kind, name)).take(SHOWN * 4).collect()
    };
    // Those that begin with it come first, and of them the shortest.
    found.sort_by_key(|(_, name)| (!name.as_str().starts_with(&lower), name.as_str().len()));
    if let [(kind, name)] = found.as_slice()
        && name.as_str() == lower
    {
        return Ok(Redirect::to(&view.link(&format!("/{}/{name}", plural(*kind)))).into_response());
    }
    found.truncate(SHOWN);
    // A digest may be the pseudonym of a person, or a hash in a record.
    let people = match Digest::parse(exact) {
        Ok(digest) => {
            let query = CallQuery { since: Some(view.since()), limit: Some(1_000), ..CallQuery::default() };
            match desk.calls().of_subject(&query, digest).await {
                Ok(calls) => calls,
                Err(problem) => return Err(view.fault(problem.into())),
            }
        }
        Err(_) => Vec::new(),
    };
    let body = html! {
        form.filters action="/search" role="search" {
            (layout::hidden(&view, &["as_of"]))
            label { "An id, a name, a hash" input type="search" name="q" value=(text) autofocus; }
            button { "Search" }
        }
        @if found.is_empty() && people.is_empty() {
            (widgets::empty(
                if text.is_empty() { "What are you looking for?" } else { "Nothing was found." },
                "An id of a call (header `cordon-call-id`), a key's id (16 digits after `ck_`), a position in the log, a part of a \
                 resource's name, or the pseudonym of a person is found.",
                "",
            ))
        }
        @if !found.is_empty() {
            ul.found { @for (kind, name) in &found {
                li { span.kind { (kind) } " " a href=(view.link(&format!("/{}/{name}", plural(*kind)))) { (name) } }
            } }
        }
        @if !people.is_empty() {
            section { h2 { "Calls of this person in " (view.range.title) }
                ul.found { @for call in &people { li { a href=(view.link(&format!("/calls/{call}"))) { code { (call) } } } } }
            }
        }
    };
    Ok(layout::page(&view, "Search", &body).into_response())
}
