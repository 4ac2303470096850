//! Small parts of pages.

use cordon_core::{Action, Timestamp, record::Outcome};
use maud::{Markup, html};

use super::format;

/// The query of a page's address, as pairs: what the page was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// The pairs of a raw query, `format` left out: it is not part of a page.
    pub(super) fn of(raw: Option<&str>) -> Self {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(raw.unwrap_or_default()).unwrap_or_default();
        Self(pairs.into_iter().filter(|(key, value)| key != "format" && !value.is_empty()).collect())
    }

    /// With this pair in the place of another one of its key; an empty value takes the pair away.
    #[must_use]
    pub(super) fn with(&self, key: &str, value: &str) -> Self {
        let mut pairs: Vec<_> = self.0.iter().filter(|(other, _)| other != key).cloned().collect();
        if !value.is_empty() {
            pairs.push((key.to_owned(), value.to_owned()));
        }
        Self(pairs)
    }

    /// Only this pair, if it is there: what goes along from page to page.
    #[must_use]
    pub(super) fn only(&self, key: &str) -> Self {
        Self(self.0.iter().filter(|(other, _)| other == key).cloned().collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// An address with this query.
    pub(super) fn link(&self, path: &str) -> String {
        match serde_urlencoded::to_string(&self.0) {
            Ok(query) if !query.is_empty() => format!("{path}?{query}"),
            _ => path.to_owned(),
        }
    }
}

/// A verdict: colour, sign and word.
pub(super) fn verdict(action: Action) -> Markup {
    let sign = match action {
        Action::Allow => "✓",
        Action::Flag => "⚑",
        Action::Redact => "▒",
        Action::Hold => "‖",
        Action::Block => "✕",
    };
    html! { span.badge.(action.as_str()) { span aria-hidden="true" { (sign) } " " (action.as_str()) } }
}

/// How a call ended, in a word.
pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Released => "released",
        Outcome::Refused => "refused",
        Outcome::UpstreamFailed => "upstream failed",
        Outcome::CallerGone => "caller gone",
        Outcome::Interrupted => "interrupted",
    }
}

/// A state: good, to be looked at, bad.
pub(super) fn state(class: &'static str, word: &str) -> Markup {
    let sign = match class {
        "good" => "●",
        "warn" => "▲",
        "bad" => "■",
        _ => "○",
    };
    html! { span.badge.(class) { span aria-hidden="true" { (sign) } " " (word) } }
}

/// A time: how long ago, and exactly on hover.
pub(super) fn time(time: Timestamp, now: Timestamp) -> Markup {
    let exact = time.to_string();
    html! { time datetime=(exact) title=(exact) { (format::relative(time, now)) } }
}

/// An id: its beginning, the whole on hover, and a button that copies it.
pub(super) fn id(whole: &str, link: Option<&str>) -> Markup {
    let short: String = if whole.len() > 18 {
        // Ids begin with their time: what tells them apart stands at the end.
        format!("…{}", whole.chars().skip(whole.chars().count().saturating_sub(12)).collect::<String>())
    } else {
        whole.to_owned()
    };
    html! {
        span.id {
            @if let Some(link) = link { a href=(link) title=(whole) { code { (short) } } }
            @else { code title=(whole) { (short) } }
            button.copy type="button" data-copy=(whole) aria-label=(format!("copy {whole}")) hidden { "copy" }
        }
    }
}

/// What stands where there is nothing yet: what it would be, and the one next step.
pub(super) fn empty(what: &str, step: &str, command: &str) -> Markup {
    html! {
        div.empty {
            p { (what) }
            @if !step.is_empty() { p { (step) } }
            @if !command.is_empty() { pre { code { (command) } } }
        }
    }
}

/// Pairs of a word and a value.
pub(super) fn facts(pairs: Vec<(&str, Markup)>) -> Markup {
    html! { dl.facts { @for (word, value) in pairs { div { dt { (word) } dd { (value) } } } } }
}

/// A number that is read first.
pub(super) fn card(title: &str, value: &str, note: &Markup) -> Markup {
    html! { div.card { div.title { (title) } div.value { (value) } div.note { (note) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_what_it_was_asked_for() {
        let query = Query::of(Some("range=24h&route=a%26b&format=csv&as_of="));
        assert_eq!(query.link("/calls"), "/calls?range=24h&route=a%26b");
        assert_eq!(query.with("range", "1h").link("/"), "/?route=a%26b&range=1h");
        assert_eq!(query.with("route", "").link("/"), "/?range=24h");
        assert_eq!(
            (query.get("route"), query.only("range").link("/x")),
            (Some("a&b"), "/x?range=24h".to_owned())
        );
    }
}
