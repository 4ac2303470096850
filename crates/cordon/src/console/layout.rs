//! The frame of a page: where one is, where one can go, as of when.

use std::sync::LazyLock;

use cordon_core::Digest;
use maud::{DOCTYPE, Markup, html};

use super::{
    SCRIPT, STYLE,
    view::{RANGES, View},
};
use crate::identity::Verb;

/// A page of the menu: its address, its word, and the key that goes there.
type Entry = (&'static str, &'static str, &'static str);

/// The menu: the four verbs with the pages that exist.
const MENU: [(&str, &[Entry]); 4] = [
    (
        "Guard",
        &[
            ("/calls", "Calls", "c"),
            ("/inspect", "Inspector", "i"),
            ("/routes", "Routes", "r"),
            ("/guards", "Guards", "g"),
            ("/limits", "Limits", "l"),
            ("/keys", "Keys", "k"),
            ("/principals", "Principals", "p"),
        ],
    ),
    ("Watch", &[("/findings", "Findings", "f"), ("/services", "Services", "s"), ("/models", "Models", "m")]),
    (
        "Contain",
        &[("/held", "Held", "w"), ("/quarantine", "Quarantine", "q"), ("/triggers", "Triggers", "x")],
    ),
    (
        "Prove",
        &[
            ("/log", "Log", "o"),
            ("/systems", "Systems", "y"),
            ("/teams", "Teams", "t"),
            ("/retentions", "Retention", "n"),
        ],
    ),
];

/// The pages that somebody may see.
fn offered<'a>(view: &View, pages: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
    let plans = view.may(Verb::Plan);
    pages.iter().filter(move |(path, ..)| *path != "/inspect" || plans)
}

fn named(prefix: &str, text: &str, suffix: &str) -> String {
    let digest = Digest::sha256(text.as_bytes()).to_string();
    format!("/assets/{prefix}-{}.{suffix}", digest.get(..12).unwrap_or_default())
}

static STYLE_PATH: LazyLock<String> = LazyLock::new(|| named("console", STYLE, "css"));
static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| named("console", SCRIPT, "js"));

pub(super) fn style_path() -> String {
    STYLE_PATH.clone()
}

pub(super) fn script_path() -> String {
    SCRIPT_PATH.clone()
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Cordon" }
            link rel="icon" href="/assets/icon.svg";
            link rel="stylesheet" href=(*STYLE_PATH);
            script src=(*SCRIPT_PATH) defer {}
        }
    }
}

/// A page of its own, without menu: for those who are not signed in.
pub(crate) fn bare(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body.bare {
                main { div.brand { img src="/assets/icon.svg" alt="" width="28" height="28"; " Cordon" } h1 { (title) } (body) }
            }
        }
    }
}

/// A page within the console.
pub(super) fn page(view: &View, title: &str, body: &Markup) -> Markup {
    let here = |path: &str| view.path == path || view.path.starts_with(&format!("{path}/"));
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#main" { "Skip to the page" }
                header.top {
                    a.brand href=(view.link("/")) { img src="/assets/icon.svg" alt="" width="24" height="24"; span { "Cordon" } }
                    form.search action="/search" role="search" {
                        (hidden(view, &["as_of"]))
                        input type="search" name="q" value=[view.query.get("q")] placeholder="Search an id, a name, a hash  ( / )"
                            aria-label="Search an id, a name or a hash" data-key="/" autocomplete="off";
                    }
                    details.when {
                        summary { @if let Some(time) = view.as_of { "as of " (time) } @else { "now" } }
                        form action=(view.path) {
                            (hidden(view, &["range", "q"]))
                            label for="as-of" { "Show everything as of (UTC)" }
                            input #as-of type="datetime-local" name="as_of" step="1" value=[view.as_of.map(|time| time.to_string().get(..19).unwrap_or_default().to_owned())];
                            button { "Show" }
                        }
                    }
                    button.theme type="button" data-theme-switch hidden aria-label="Switch between light and dark" { "◐" }
                    (view.visitor())
                }
                nav.menu aria-label="Pages" {
                    ul { li { a href=(view.link("/")) aria-current=[(view.path == "/").then_some("page")] data-go="h" { "Overview" } }
                        li { a href=(view.link("/setup")) aria-current=[(view.path == "/setup").then_some("page")] { "Set-up" } } }
                    @for (verb, pages) in MENU {
                        h2 { (verb) }
                        ul {
                            @for (path, word, key) in offered(view, pages) {
                                li { a href=(view.link(path)) aria-current=[here(path).then_some("page")] data-go=(key) { (word) } }
                            }
                        }
                    }
                    @for (verb, pages) in view.more_pages() {
                        h2 { (verb) }
                        ul { @for (path, word) in pages { li { a href=(view.link(path)) aria-current=[here(path).then_some("page")] { (word) } } } }
                    }
                }
                main #main tabindex="-1" {
                    @if let Some(time) = view.as_of {
                        div.banner role="status" {
                            "This is how everything was at " strong { (time) } ". "
                            a href=(view.query.with("as_of", "").link(&view.path)) { "Back to now" }
                        }
                    }
                    (view.banners())
                    h1 { (title) }
                    (body)
                }
                dialog.keys id="keys" aria-label="Keys" {
                    h2 { "Keys" }
                    dl {
                        div { dt { kbd { "/" } } dd { "search" } }
                        div { dt { kbd { "g" } " " kbd { "h" } } dd { "overview" } }
                        @for (_, pages) in MENU { @for (_, word, key) in offered(view, pages) {
                            div { dt { kbd { "g" } " " kbd { (key) } } dd { (word.to_lowercase()) } }
                        } }
                        div { dt { kbd { "?" } } dd { "this list" } }
                    }
                    form method="dialog" { button { "Close" } }
                }
            }
        }
    }
}

/// Keeps parts of the query in a form.
pub(super) fn hidden(view: &View, keys: &[&str]) -> Markup {
    html! {
        @for (key, value) in view.query.pairs().iter().filter(|(key, _)| keys.contains(&key.as_str())) {
            input type="hidden" name=(key) value=(value);
        }
    }
}

/// The choice of a time range, as links.
pub(super) fn ranges(view: &View) -> Markup {
    html! {
        div.ranges role="group" aria-label="Time range" {
            @for range in RANGES {
                a href=(view.query.with("range", range.word).with("before", "").link(&view.path))
                    aria-current=[(range == view.range).then_some("true")] { (range.title) }
            }
        }
    }
}

/// The tabs of an object's page.
pub(super) fn tabs(view: &View, base: &str, tabs: &[(&str, &str)]) -> Markup {
    html! {
        nav.tabs aria-label="Views" {
            @for (path, word) in tabs {
                @let path = format!("{base}{path}");
                a href=(view.link(&path)) aria-current=[(view.path == path).then_some("page")] { (word) }
            }
        }
    }
}
