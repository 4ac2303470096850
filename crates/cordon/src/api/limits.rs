//! The forms of the control API about how much of limits is used, as JSON.

use cordon_core::{
    Money, Name, Score, Timestamp,
    resource::{LimitSubject, LimitWindow},
};
use serde::{Deserialize, Serialize};

/// Of which limits it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageQuery {
    /// Only this limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
}

/// How much of what a limit bounds is used at the moment, as this server sees it. A limit that bounds several things has one of
/// these for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LimitUsage {
    /// The limit.
    pub limit: Name,
    /// What it counts for.
    pub applies_to: LimitSubject,
    /// What of it this is about.
    pub measure: LimitMeasure,
    /// What is counted: `requests`, `calls`, `tokens`, or a currency.
    pub unit: String,
    /// How much is used; absent while that cannot be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Amount>,
    /// How much there is; of requests, how many may come at once.
    pub most: Amount,
    /// Which part of it is used: 1, too, where more is used than there is. Absent while that cannot be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Score>,
    /// The window; absent for calls at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<LimitWindow>,
    /// Requests in the window, of which `most` may come at once; absent for anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// When the window began; absent for requests, which come at an even rate, and for calls at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When all of it is there again; absent where it is, and for calls at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
    /// When it is used up, at the pace of its window so far; absent where that is after `resets_at`, where it is used up, and while
    /// the window is so young that its pace says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_at: Option<Timestamp>,
    /// Why it cannot be known how much is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
}

/// What a limit bounds over calls.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LimitMeasure {
    /// Calls at the same time, on the server that is asked.
    Concurrency,
    /// Tokens of input.
    InputTokens,
    /// Money.
    Money,
    /// Tokens of output.
    OutputTokens,
    /// Requests.
    Requests,
    /// Tokens of input and output together.
    Tokens,
}

/// How much: a whole number, or money as text such as `"0.15"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Amount {
    /// So many.
    Count(u64),
    /// So much.
    Money(Money),
}

impl LimitMeasure {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Concurrency, Self::InputTokens, Self::Money, Self::OutputTokens, Self::Requests, Self::Tokens];

    /// The word for tables and cursors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency",
            Self::InputTokens => "input_tokens",
            Self::Money => "money",
            Self::OutputTokens => "output_tokens",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Money(money) => money.fmt(f),
        }
    }
}

impl LimitUsage {
    /// What it counts for, in words.
    pub fn of(&self) -> String {
        let LimitSubject { key, principal, team, route, model } = &self.applies_to;
        let named = [
            ("key", key.as_ref().map(ToString::to_string)),
            ("principal", principal.as_ref().map(ToString::to_string)),
            ("team", team.as_ref().map(ToString::to_string)),
            ("route", route.as_ref().map(ToString::to_string)),
            ("model", model.as_ref().map(ToString::to_string)),
        ];
        let words = named.into_iter().filter_map(|(word, name)| Some(format!("{word} {}", name?)));
        let words = words.collect::<Vec<_>>().join(", ");
        if words.is_empty() { "organisation".to_owned() } else { words }
    }

    /// Its window, in words.
    pub fn window(&self) -> String {
        let Some(window) = self.window else { return "at once".to_owned() };
        match (self.count, self.most) {
            (Some(count), Amount::Count(most)) if most < count => {
                format!("{count} in {window}, {most} at once")
            }
            _ => window.to_string(),
        }
    }

    /// Whether it is nearly used up, or is.
    pub fn is_near(&self) -> bool {
        self.share.is_some_and(|share| share >= Score::percent(80)) || self.full_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_reads_what_it_writes() {
        for (amount, written) in
            [(Amount::Count(1_250), "1250"), (Amount::Money("5".parse().unwrap()), "\"5\"")]
        {
            assert_eq!(serde_json::to_string(&amount).unwrap(), written);
            assert_eq!(serde_json::from_str::<Amount>(written).unwrap(), amount);
        }
    }
}
