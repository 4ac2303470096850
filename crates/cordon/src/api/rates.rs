//! The forms of the control API about what became of calls: rates with what they are of, and their intervals.

use cordon_core::{Category, Name, Timestamp};
use cordon_stats::interval::{Level, Proportion};
use serde::{Deserialize, Serialize};

/// By what calls are told apart.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// By the route that they went to.
    #[default]
    Route,
    /// By who calls.
    Principal,
    /// By what they do: chats, uploads, predictions.
    Operation,
    /// By where what was found came from: the user, a document, a tool.
    Channel,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Route, Self::Principal, Self::Operation, Self::Channel];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Principal => "principal",
            Self::Operation => "operation",
            Self::Channel => "channel",
        }
    }

    /// That of a word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

/// Which rates are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatesQuery {
    /// Not before; a day before the end where it is absent. The answer says which whole steps that makes.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Before; now where it is absent.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// By what calls are told apart: routes where it is absent.
    #[serde(default)]
    pub by: Option<By>,
    /// Only this one of them, by name: the steps are of it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// What became of calls that ended in a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rates {
    /// The beginning of the first step.
    pub since: Timestamp,
    /// The end that was asked for.
    pub until: Timestamp,
    /// By what calls are told apart.
    pub by: By,
    /// All of them.
    pub all: Rate,
    /// How long a step is, in minutes.
    pub step_minutes: u64,
    /// Step by step, earliest first; those in which nothing was judged are not there.
    pub steps: Vec<RateStep>,
    /// Each of them, that of the most calls first.
    pub sources: Vec<RateSource>,
    /// How many more there are than are told.
    pub more: u64,
}

/// What became of the calls of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RateStep {
    /// Its beginning.
    pub start: Timestamp,
    /// What became of them.
    #[serde(flatten)]
    pub rate: Rate,
}

/// What became of the calls of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RateSource {
    /// Its name; absent for calls to no route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What became of them.
    #[serde(flatten)]
    pub rate: Rate,
}

/// What became of calls: counts, and shares of those whose content was judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rate {
    /// Calls whose content was judged; of channels, all such calls, because no record says which of them had content in the channel.
    pub judged: u64,
    /// Requests that were refused for their form.
    pub malformed: u64,
    /// Requests that were refused for what they say or bring.
    pub request_blocked: u64,
    /// Answers that the caller did not get.
    pub answer_blocked: u64,
    /// Calls that were held for a person.
    pub held: u64,
    /// Calls out of which something was taken.
    pub redacted: u64,
    /// Calls in which something was found that was only noted.
    pub flagged: u64,
    /// Calls that brought something that was not read to its end, whatever else became of them.
    pub unread: u64,
    /// The share of requests that were refused, for form or content. Absent where nothing was judged, as the others are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection_rate: Option<Share>,
    /// The share that was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_rate: Option<Share>,
    /// The share that brought something that was not read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_rate: Option<Share>,
}

/// A share, with Wilson's interval at 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Share {
    /// The share, from 0 to 1.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// So many of so many; nothing where there are none, or fewer than are meant.
    pub fn of(hits: u64, of: u64) -> Option<Self> {
        let known = Proportion::new(hits, of)?.wilson(Level::P95).ok()?;
        let round = |part: f64| (part * 1e6).round() / 1e6;
        Some(Self { value: round(known.value), low: round(known.low), high: round(known.high), of })
    }
}

/// In which calls something was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoriesQuery {
    /// Not before; a day before the end where it is absent. The answer says which whole steps that makes.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Before; now where it is absent.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Only this category, and those below it.
    #[serde(default)]
    pub category: Option<Category>,
    /// Only this route.
    #[serde(default)]
    pub route: Option<Name>,
    /// Each route by itself.
    #[serde(default)]
    pub by_route: bool,
}

/// In how many calls each category was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Categories {
    /// The beginning of the first step.
    pub since: Timestamp,
    /// The end that was asked for.
    pub until: Timestamp,
    /// Each category, and each root above some, by route where that was asked for; that of the most calls first.
    pub categories: Vec<CategoryRate>,
    /// How many more there are than are told.
    pub more: u64,
}

/// In how many calls a category was found. A call counts once for a category, by the strictest that was done because of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CategoryRate {
    /// The route, where each is told by itself; absent for calls to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Name>,
    /// The category.
    pub category: Category,
    /// Calls in which it was found, scores below the thresholds of all rules too.
    pub calls: u64,
    /// Those of them in which it was only noted.
    pub flagged: u64,
    /// Those of them out of which something was taken because of it.
    pub redacted: u64,
    /// Those of them that were held because of it.
    pub held: u64,
    /// Those of them that were blocked because of it.
    pub blocked: u64,
    /// The share of judged calls in which a rule acted on it; absent where nothing was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Share>,
}
