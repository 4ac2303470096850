//! The forms of the control API about routes as they are at the moment, as JSON.

use std::borrow::Cow;

use cordon_core::{Name, containment::Subject, resource::RouteMode};
use serde::{Deserialize, Serialize};

/// A route at the moment, as this server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RouteStatus {
    /// The route.
    pub route: Name,
    /// How it works.
    pub mode: RouteMode,
    /// What closes it, if it or its system is quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<Subject>,
    /// The models behind it, those that are tried first first.
    pub targets: Vec<TargetStatus>,
}

/// A model behind a route at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TargetStatus {
    /// The model.
    pub model: Name,
    /// Its service; absent where the model is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// What it is for the route.
    pub role: TargetRole,
    /// Its share among the route's targets; absent for a fallback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// How its breaker is; absent where no server is asked, or it was not called yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerState>,
    /// What keeps it out, if it is quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<Subject>,
    /// The trigger that has it passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<Name>,
}

/// What a model is for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetRole {
    /// It has a share of the calls.
    Target,
    /// It answers when no target can.
    Fallback,
    /// It is part of the simpler path.
    Degraded,
}

/// A breaker at the moment. Counts are of its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BreakerState {
    /// Whether calls go through.
    pub phase: BreakerPhase,
    /// Milliseconds until it is tried again: it is open, or its upstream has asked for a rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// Calls in the window.
    pub calls: u32,
    /// Those of them that failed.
    pub failed: u32,
    /// Those of them that were slow.
    pub slow: u32,
    /// How often it has opened since this server started.
    pub opened: u64,
}

/// How a breaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerPhase {
    /// Calls go through.
    Closed,
    /// A few calls try whether it works again.
    HalfOpen,
    /// Nothing goes through.
    Open,
}

impl TargetRole {
    /// The word for tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Fallback => "fallback",
            Self::Degraded => "degraded",
        }
    }
}

impl BreakerPhase {
    /// The word for tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }
}

impl RouteStatus {
    /// How it is, in a few words: what closes it, or what of it cannot be used now.
    pub fn state(&self) -> String {
        if let Some(subject) = &self.quarantined {
            return format!("{subject} is quarantined");
        }
        let (mut models, mut missing): (usize, Vec<&TargetStatus>) = (0, Vec::new());
        for target in self.targets.iter().filter(|target| self.has(target)) {
            models += 1;
            if target.is_missing() {
                missing.push(target);
            }
        }
        match missing.len() {
            _ if self.mode == RouteMode::Off => RouteMode::Off.as_str().to_owned(),
            0 => "in use".to_owned(),
            all if all == models => "no model left".to_owned(),
            _ => {
                let named = missing.iter().map(|target| format!("{} {}", target.model, target.state()));
                named.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Whether a call may go to a target in the route's mode.
    fn has(&self, target: &TargetStatus) -> bool {
        let in_mode = match target.role {
            TargetRole::Target | TargetRole::Fallback => self.mode != RouteMode::Degraded,
            TargetRole::Degraded => self.mode == RouteMode::Degraded,
        };
        in_mode && target.weight != Some(0)
    }

    /// Whether it takes no call now: it is closed, off, or none of its models can be used.
    pub fn is_closed(&self) -> bool {
        let mut models = self.targets.iter().filter(|target| self.has(target));
        self.quarantined.is_some() || self.mode == RouteMode::Off || models.all(TargetStatus::is_missing)
    }
}

impl TargetStatus {
    /// Whether no call goes to it now.
    pub fn is_missing(&self) -> bool {
        let open = |breaker: &BreakerState| breaker.phase == BreakerPhase::Open;
        self.quarantined.is_some() || self.passed_over.is_some() || self.breaker.as_ref().is_some_and(open)
    }

    /// How it is, in a few words.
    pub fn state(&self) -> Cow<'static, str> {
        match (&self.quarantined, &self.passed_over, &self.breaker) {
            (Some(_), ..) => "quarantined".into(),
            (None, Some(trigger), _) => format!("passed over by trigger/{trigger}").into(),
            (None, None, Some(BreakerState { phase: BreakerPhase::Closed, wait_ms: Some(_), .. })) => {
                "resting".into()
            }
            (None, None, Some(breaker)) => breaker.phase.as_str().into(),
            (None, None, None) => "–".into(),
        }
    }
}
