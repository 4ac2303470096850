//! The forms of the control API about triggers, as JSON.

use cordon_core::{
    CallId, DurationMs, Name, Score, Timestamp,
    containment::{Containment, Fired, Subject},
    resource::{LiftedBy, TriggerAction},
};
use serde::{Deserialize, Serialize};

/// A trigger at the moment, as this server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TriggerStatus {
    /// The trigger.
    pub trigger: Name,
    /// Where it is.
    pub state: TriggerState,
    /// What is measured, as the resource names it.
    pub signal: String,
    /// It fires above this share of the calls in its window.
    pub above: Score,
    /// It is clear again at this share or below.
    pub until: Score,
    /// What it does.
    pub action: TriggerAction,
    /// Who ends that.
    pub lift: LiftedBy,
    /// What each that it watches is at; one without `of` where it watches its calls together. Those that are quiet are absent.
    pub watched: Vec<WatchedStatus>,
    /// What it did last, and what it did that stands.
    pub firings: Vec<FiringView>,
}

/// One of those that a trigger watches one by one, or all of its calls together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WatchedStatus {
    /// Which of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Subject>,
    /// Where it is.
    pub state: TriggerState,
    /// Since when it is there; absent while it is armed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Calls in the window.
    pub calls: u64,
    /// The bad ones of them.
    pub bad: u64,
    /// The share of the bad ones; absent where there is no call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Score>,
}

/// Where a trigger is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TriggerState {
    /// It is not watched; what it did before stands.
    Disabled,
    /// It waits for its signal.
    Armed,
    /// Its signal is too high, and was not for long enough.
    Rising,
    /// It has fired, and what it did stands.
    Fired,
}

/// What a trigger did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FiringView {
    /// Which of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Subject>,
    /// What it did.
    pub containment: Containment,
    /// T0: when the first bad call of the window ended.
    pub t0: Timestamp,
    /// T1: when the trigger saw it.
    pub t1: Timestamp,
    /// T2: when a test call was answered as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t2: Option<Timestamp>,
    /// When it ended; absent while it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Timestamp>,
    /// T1 − T0.
    pub detected_after: DurationMs,
    /// T2 − T0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contained_after: Option<DurationMs>,
    /// How long it stands at least.
    pub hold: DurationMs,
    /// Calls in the window when it fired.
    pub calls: u64,
    /// The bad ones of them.
    pub bad: u64,
    /// The first bad ones.
    pub first: Vec<CallId>,
}

/// The end of what a trigger did, as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftTrigger {
    /// The trigger.
    pub trigger: Name,
    /// Which of those that it watches one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Subject>,
    /// Why (kept sealed).
    #[schemars(length(min = 1, max = 4096))]
    pub reason: String,
}

/// What came of the wish to end what a trigger did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TriggerLifted {
    /// The trigger.
    pub trigger: Name,
    /// Which of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Subject>,
    /// Whether it has ended; otherwise a second person has to lift it too.
    pub lifted: bool,
    /// Where the fact stands in the log.
    pub position: u64,
    /// When.
    pub time: Timestamp,
}

impl TriggerState {
    /// The word for tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Armed => "armed",
            Self::Rising => "rising",
            Self::Fired => "fired",
        }
    }
}

impl From<&Fired> for FiringView {
    fn from(fired: &Fired) -> Self {
        let firing = &fired.firing;
        Self {
            of: firing.of.clone(),
            containment: firing.containment.clone(),
            t0: firing.t0,
            t1: firing.t1,
            t2: fired.contained,
            cleared: fired.cleared,
            detected_after: fired.to_detect(),
            contained_after: fired.to_contain(),
            hold: firing.hold,
            calls: firing.calls,
            bad: firing.bad,
            first: firing.first.clone(),
        }
    }
}
