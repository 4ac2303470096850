//! What a page is asked for: by whom, as of when, over which time.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use cordon_core::{DurationMs, Timestamp, fact::Actor, identity::BootstrapUse};
use maud::{Markup, html};

use super::{
    layout,
    table::Format,
    widgets::{self, Query},
};
use crate::{
    api::{Problem, people::Me},
    control::Shared,
    identity::{CSRF_FIELD, Caller, Verb},
};

/// A question to the console.
pub(super) struct View {
    pub(super) shared: Shared,
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) format: Format,
    /// The whole page is as of this time.
    pub(super) as_of: Option<Timestamp>,
    /// The time now.
    pub(super) now: Timestamp,
    /// Over how long lists and charts go, and its word in the address.
    pub(super) range: Range,
    /// Who asks.
    pub(super) caller: Caller,
    pub(super) me: Me,
    /// What the log says of the administrator's token.
    pub(super) bootstrap: Option<BootstrapUse>,
}

/// Over how long lists and charts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) word: &'static str,
    pub(super) title: &'static str,
    pub(super) length: DurationMs,
}

const fn range(word: &'static str, title: &'static str, seconds: u64) -> Range {
    Range { word, title, length: DurationMs::from_secs(seconds) }
}

/// What can be chosen; the second one is what nobody has to choose.
pub(super) const RANGES: [Range; 5] = [
    range("1h", "1 hour", 3600),
    range("24h", "24 hours", 86_400),
    range("7d", "7 days", 7 * 86_400),
    range("30d", "30 days", 30 * 86_400),
    range("365d", "1 year", 365 * 86_400),
];

/// Why there is no page, as a page.
pub(super) struct Fault(Box<(Problem, Option<View>)>);

pub(super) type Page = Result<Response, Fault>;

impl View {
    /// The end of what is shown: now, or the time that the page is as of.
    pub(super) fn until(&self) -> Timestamp {
        self.as_of.unwrap_or(self.now)
    }

    /// The beginning of what is shown.
    pub(super) fn since(&self) -> Timestamp {
        let length = i64::try_from(self.range.length.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.until().as_millis().saturating_sub(length))
    }

    /// An address of another page that keeps the time which this one is as of.
    pub(super) fn link(&self, path: &str) -> String {
        self.query.only("as_of").link(path)
    }

    pub(super) fn fault(self, problem: Problem) -> Fault {
        Fault(Box::new((problem, Some(self))))
    }

    /// Whether the caller may do this.
    pub(super) fn may(&self, verb: Verb) -> bool {
        self.caller.may(verb).is_ok()
    }

    /// What a form of this session repeats.
    pub(super) fn csrf(&self) -> Markup {
        html! { @if let Some(csrf) = self.caller.csrf() { input type="hidden" name=(CSRF_FIELD) value=(csrf); } }
    }

    /// Who is signed in, and the way out.
    pub(super) fn visitor(&self) -> Markup {
        let who = match (&self.me.name, &self.me.login, &self.me.actor) {
            (Some(name), ..) => name.clone(),
            (None, Some(login), _) => login.clone(),
            (None, None, Actor::User(id)) => id.to_string(),
            _ => "administrator's token".to_owned(),
        };
        html! {
            details.visitor {
                summary { (who) }
                div {
                    p { "Role: " strong { (self.me.role) } }
                    form method="post" action="/signout" { (self.csrf()) button { "Sign out" } }
                }
            }
        }
    }

    /// What everybody should see who may do something about it.
    pub(super) fn banners(&self) -> Markup {
        let day = DurationMs::from_secs(86_400);
        let used =
            self.bootstrap.filter(|used| self.may(Verb::ManagePeople) && self.now.since(used.last) < day);
        html! {
            @if let Some(used) = used {
                div.banner.warn role="status" {
                    "The administrator's token, which names nobody, was used " (widgets::time(used.last, self.now)) ", "
                    @if used.uses == 1 { "once" } @else { (super::format::number(used.uses)) " times" } " in all. "
                    code { "cordon login" } " gets a token for a person."
                }
            }
        }
    }

    /// Pages for some roles only.
    pub(super) fn more_pages(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        if self.may(Verb::ReadPeople) {
            vec![("Access", vec![("/users", "Users"), ("/sessions", "Sessions")])]
        } else {
            Vec::new()
        }
    }

    /// A name, a number or an id of a call that is in the address, or a page that says what is wrong with it.
    pub(super) fn not_found(self, what: &str) -> Fault {
        self.fault(Problem::new(404, "not_found", "it does not exist", what))
    }
}

impl Fault {
    fn bare(problem: Problem) -> Self {
        Self(Box::new((problem, None)))
    }
}

impl FromRequestParts<Shared> for View {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Fault> {
        let query = Query::of(parts.uri.query());
        let raw: Vec<(String, String)> =
            serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default();
        let format = match raw.iter().find(|(key, _)| key == "format").map(|(_, value)| value.as_str()) {
            Some("csv") => Format::Csv,
            Some("json") => Format::Json,
            _ => Format::Html,
        };
        let now = shared.state.desk.now();
        let as_of = match query.get("as_of").map(moment) {
            None => None,
            Some(Some(time)) => Some(time),
            Some(None) => {
                let detail = "`as_of` is no time; help: a time such as 2026-11-21T09:30:00Z is expected";
                return Err(Fault::bare(Problem::new(
                    400,
                    "malformed",
                    "the address cannot be read",
                    detail,
                )));
            }
        };
        let [_, usual, ..] = RANGES;
        let range = query
            .get("range")
            .and_then(|word| RANGES.into_iter().find(|range| range.word == word))
            .unwrap_or(usual);
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(|| {
            Fault::bare(Problem::new(401, "unauthenticated", "a sign-in is needed", "nobody is signed in"))
        })?;
        let me = shared.state.identity.me(&caller).await.map_err(Fault::bare)?;
        let bootstrap = shared.state.desk.state(None).await.map_err(Fault::bare)?.bootstrap_uses().copied();
        Ok(Self {
            shared: shared.clone(),
            caller,
            me,
            bootstrap,
            path: parts.uri.path().to_owned(),
            query,
            format,
            as_of,
            now,
            range,
        })
    }
}

/// A time as an address or a form says it: RFC 3339, or what a browser's field for times gives, which is taken as UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let with_zone = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    with_zone.iter().find_map(|text| Timestamp::parse(text).ok())
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (problem, view) = *self.0;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let Some(view) = view else {
            return (status, layout::bare(&problem.title, &html! { p { (problem.detail) } })).into_response();
        };
        if view.format != Format::Html {
            return problem.into_response();
        }
        let (what, help) = problem.detail.split_once("; help: ").unwrap_or((&problem.detail, ""));
        let body = html! {
            (widgets::empty(what, help, ""))
            p { a href=(view.link("/")) { "Go to the overview" } }
        };
        (status, layout::page(&view, &problem.title, &body)).into_response()
    }
}

/// What is shared between pages and computed once.
pub(super) fn marks(view: &View) -> Arc<super::Marks> {
    Arc::clone(&view.shared.marks)
}
