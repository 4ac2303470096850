use serde::{Deserialize, Serialize};

use super::{Allow, CustomType, Requests, Topics};
use crate::{Action, Category, Channel, DurationMs, Form, HostPattern, Mode, Name, Score, Sealed, Timestamp};

/// Where a guard applies. Guards of all layers are joined, and the strictest wins.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GuardScope {
    /// Every call.
    Organisation,
    /// Calls to routes of this team, and calls of its principals.
    Team(Name),
    /// Calls to routes of this system.
    System(Name),
    /// Calls to routes that list it.
    #[default]
    Route,
}

/// From which score on a category leads to an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The channels it looks at; absent: all.
    #[serde(default = "Channel::every", skip_serializing_if = "Channel::are_all")]
    pub channels: Vec<Channel>,
    /// The category; it covers its children.
    pub category: Category,
    /// The lowest score that counts.
    #[serde(default = "half", skip_serializing_if = "is_half")]
    pub at: Score,
    /// What is done.
    pub action: Action,
    /// How a redacted span looks.
    #[serde(default, skip_serializing_if = "is_default_form")]
    pub form: Form,
    /// How callers are slowed down; only for `abuse` and what is below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// Whether it is about values alone that the caller did not send in the same call; only for `pii`, `secret`, `custom` and what is below
    /// them, on `channels: [model]`. What the caller wrote may then come back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_only: bool,
}

/// A caller that is slowed down for a while, wherever the guard holds that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// The requests that it may make.
    pub requests: Requests,
    /// For how long, after the last call that was a reason; at most 1d.
    #[serde(rename = "for")]
    pub lasts: DurationMs,
}

/// What a caller may have sent itself: values.
const VALUES: [Category; 3] = [Category::known("pii"), Category::known("secret"), Category::known("custom")];
/// The category of what a caller's calls look like together.
const ABUSE: Category = Category::known("abuse");
/// The longest time that a caller is slowed down.
const MAX_THROTTLE: DurationMs = DurationMs::from_secs(86_400);

/// Where an exception holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionScope {
    /// For calls to this route.
    Route(Name),
    /// For calls to routes of this system.
    System(Name),
    /// For calls of this principal.
    Principal(Name),
}

/// A dated exception that the layer that made a rule grants to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// What is let pass by the rules of this guard; other guards' rules still hold.
    pub category: Category,
    /// Where.
    pub scope: ExceptionScope,
    /// Why (kept sealed).
    pub reason: Sealed<String>,
    /// Who allowed it (a person: kept sealed).
    pub approver: Sealed<String>,
    /// When it ends.
    pub until: Timestamp,
}

/// A named policy for content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardSpec {
    /// Where it applies.
    #[serde(default, skip_serializing_if = "GuardScope::is_route")]
    pub scope: GuardScope,
    /// Whether it acts or only records what it would have done.
    #[serde(default, skip_serializing_if = "is_enforce")]
    pub mode: Mode,
    /// Its rules; all of them apply, and the strictest wins.
    pub rules: Vec<Rule>,
    /// What it looks for beside what is built in. Rules name it by its category, below `custom`, as they name any other; those of guards that
    /// are joined with this one count too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<CustomType>,
    /// What requests and answers may be about, and what not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Topics>,
    /// The exceptions that it grants to its own rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// The values that its rules let pass; other guards' rules still hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Allow>,
    /// The hosts that links and pictures in texts may lead to, such as `www.example.org` or `*.example.org`. Without it they may lead
    /// anywhere, with an empty list nowhere; what is said of others is `egress`, for which a rule is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostPattern>>,
}

fn half() -> Score {
    Score::percent(50)
}

fn is_half(score: &Score) -> bool {
    *score == half()
}

fn is_default_form(form: &Form) -> bool {
    *form == Form::default()
}

fn is_enforce(mode: &Mode) -> bool {
    *mode == Mode::Enforce
}

impl GuardScope {
    fn is_route(&self) -> bool {
        *self == Self::Route
    }
}

impl Rule {
    /// What is wrong with it by itself, each with its path below the rule.
    pub(super) fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.channels.is_empty() {
            found.push(("channels", "no channel; help: leave it out to mean all"));
        }
        if self.form != Form::default() && self.action != Action::Redact {
            found.push(("form", "a form is only expected beside `action: redact`"));
        }
        if self.new_only && self.channels != [Channel::Model] {
            found.push(("new_only", "what is new is so in answers; help: say `channels: [model]`"));
        }
        if self.new_only && !VALUES.iter().any(|family| family.covers(&self.category)) {
            let help =
                "only values are new or sent; help: `pii`, `secret`, `custom` or what is below one of them";
            found.push(("new_only", help));
        }
        let abuse = ABUSE.covers(&self.category);
        if abuse && self.action == Action::Redact {
            found.push(("action", "there is nothing to redact; help: `flag` or `block`"));
        }
        let Some(Throttle { requests, lasts }) = self.throttle else { return found };
        if !abuse {
            found.push(("throttle", "only beside `category: abuse` or one below it"));
        }
        if self.action == Action::Allow {
            found.push(("throttle", "only beside an action; help: say `action: flag`"));
        }
        found.extend(requests.problem("throttle/requests", "throttle/requests/burst"));
        if lasts.as_millis() == 0 || lasts > MAX_THROTTLE {
            found.push(("throttle/for", "more than nothing and at most 1d is expected"));
        }
        found
    }
}

impl GuardSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        self.exceptions
            .iter_mut()
            .enumerate()
            .flat_map(|(i, exception)| {
                [
                    (format!("exceptions/{i}/reason"), &mut exception.reason),
                    (format!("exceptions/{i}/approver"), &mut exception.approver),
                ]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_values_in_answers_are_new() {
        let problems = |rule: Value| {
            let rule: Rule = serde_json::from_value(rule).unwrap();
            rule.problems().into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        for category in ["pii", "pii/card", "secret", "custom/badge"] {
            let rule =
                json!({"channels": ["model"], "category": category, "action": "block", "new_only": true});
            assert!(problems(rule).is_empty(), "{category}");
        }
        for category in ["prompt_injection", "egress", "piii"] {
            let rule =
                json!({"channels": ["model"], "category": category, "action": "block", "new_only": true});
            assert_eq!(problems(rule), ["new_only"], "{category}");
        }
        for channels in [json!(["user"]), json!(["user", "model"])] {
            let rule = json!({"channels": channels, "category": "pii", "action": "block", "new_only": true});
            assert_eq!(problems(rule), ["new_only"], "{channels}");
        }
        assert_eq!(problems(json!({"category": "pii", "action": "block", "new_only": true})), ["new_only"]);
        // Written as it was read; a rule that says nothing of it has no such field.
        let rule: Rule = serde_json::from_value(json!({"category": "pii", "action": "block"})).unwrap();
        assert_eq!(serde_json::to_value(rule).unwrap(), json!({"category": "pii", "action": "block"}));
    }
}
