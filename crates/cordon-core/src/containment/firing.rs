//! What triggers did: when it began, when it was seen, when it was contained.

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::{
    CallId, Digest, DurationMs, Name, RefusalCode, Timestamp,
    resource::{LimitSubject, Requests, RouteMode},
};

/// The most calls that a fact lists as the first bad ones.
pub const MAX_FIRST: usize = 16;

/// What a trigger does to contain what it saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Containment {
    /// A subject is quarantined.
    Quarantine(Subject),
    /// A route is at least in a mode.
    Mode {
        /// The route.
        route: Name,
        /// The mode.
        mode: RouteMode,
    },
    /// Calls are let in at a rate.
    Throttle {
        /// Whose.
        applies_to: LimitSubject,
        /// How many.
        requests: Requests,
    },
    /// A model is passed over where there is another one.
    FallBack {
        /// The model.
        model: Name,
        /// On this route; absent: on every route.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        route: Option<Name>,
    },
}

/// A trigger has fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firing {
    /// The trigger.
    pub trigger: Name,
    /// Which of those that it watches one by one; absent where it watches its calls together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Subject>,
    /// What it did.
    pub containment: Containment,
    /// T0: when the first bad call of the window ended.
    pub t0: Timestamp,
    /// T1: when the trigger saw it.
    pub t1: Timestamp,
    /// Calls in the window.
    pub calls: u64,
    /// The bad ones of them.
    pub bad: u64,
    /// The first bad ones, at most [`MAX_FIRST`].
    pub first: Vec<CallId>,
    /// How long it stands at least.
    pub hold: DurationMs,
    /// The node that saw it, and sees when it is over: others may have none of these calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Name>,
}

/// A test call was answered as the containment of a trigger wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contained {
    /// The trigger.
    pub trigger: Name,
    /// Which of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Subject>,
    /// T2: when the test call was answered.
    pub t2: Timestamp,
    /// What the test call found.
    pub tested: Tested,
}

/// What became of a test call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tested {
    /// The route that was called; absent where nothing calls what is out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Name>,
    /// With which code it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusalCode>,
    /// Which other model it would have gone to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Name>,
    /// The limit that would have counted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Name>,
}

/// What a trigger did has ended. The fact's actor says whether the trigger's rule or a person ended it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cleared {
    /// The trigger.
    pub trigger: Name,
    /// Which of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Subject>,
}

/// A trigger's last firing, of each that it watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fired {
    /// What it did.
    pub firing: Firing,
    /// T2, once a test call was answered as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contained: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Timestamp>,
    /// Whether the trigger ended it, by its rule, and not a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_rule: bool,
}

/// What stands for a trigger, or for one of those that it watches one by one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiringId {
    /// The trigger.
    pub trigger: Name,
    /// Which of several.
    pub of: Option<Subject>,
}

impl FiringId {
    /// The name of the limit that a throttle is. No resource of that name can be meant: it ends with a digest of what it is of.
    pub fn limit(&self) -> Option<Name> {
        let whole =
            self.of.as_ref().map_or_else(|| self.trigger.to_string(), |of| format!("{}/{of}", self.trigger));
        let digest = Digest::sha256(whole.as_bytes()).to_string();
        Name::parse(&format!("trigger.{:.32}.{digest:.16}", self.trigger.as_str())).ok()
    }
}

impl Firing {
    /// What it is known by.
    pub fn id(&self) -> FiringId {
        FiringId { trigger: self.trigger.clone(), of: self.of.clone() }
    }
}

impl std::fmt::Display for Containment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Quarantine(subject) => write!(f, "{subject} quarantined"),
            Self::Mode { route, mode } => write!(f, "route/{route} {}", mode.as_str()),
            Self::Throttle { requests, .. } => {
                write!(f, "throttled to {} requests in {}", requests.count, requests.window)
            }
            Self::FallBack { model, route: None } => write!(f, "model/{model} passed over"),
            Self::FallBack { model, route: Some(route) } => {
                write!(f, "model/{model} passed over on route/{route}")
            }
        }
    }
}

impl Fired {
    /// Whether what it did is in force.
    pub const fn stands(&self) -> bool {
        self.cleared.is_none()
    }

    /// From the first bad call to its detection, in milliseconds (MTTD is the mean of these).
    pub const fn to_detect(&self) -> DurationMs {
        self.firing.t1.since(self.firing.t0)
    }

    /// From the first bad call to the test call that was answered as it should be (MTTC is the mean of these).
    pub fn to_contain(&self) -> Option<DurationMs> {
        self.contained.map(|contained| contained.since(self.firing.t0))
    }
}

impl From<&Fired> for Cleared {
    fn from(fired: &Fired) -> Self {
        Self { trigger: fired.firing.trigger.clone(), of: fired.firing.of.clone() }
    }
}
