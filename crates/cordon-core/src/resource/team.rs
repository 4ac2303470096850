use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Priority;
use crate::{Name, Sealed};

/// A team: it owns systems and routes, and its guards apply to them and to its callers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamSpec {
    /// Who answers for the team (a person: kept sealed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Sealed<String>>,
}

/// The risk class of a system (EU AI Act: Art. 5, Art. 6, Art. 50, and the rest).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskClass {
    /// No obligations beyond good practice.
    Minimal,
    /// Transparency obligations.
    Limited,
    /// High-risk.
    High,
    /// Not allowed to operate.
    Prohibited,
}

/// An AI system as a regulator means it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemSpec {
    /// The team that owns it.
    pub team: Name,
    /// What it is for (kept sealed).
    pub purpose: Sealed<String>,
    /// Who answers for it (a person: kept sealed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Sealed<String>>,
    /// Its risk class.
    pub risk: RiskClass,
    /// Where it operates, such as `eu` or `us-ca`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jurisdictions: Vec<Name>,
    /// What else is to be known of it, such as `data: health`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Name, Name>,
}

/// A caller: a workload of a team, which authenticates with keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalSpec {
    /// The team it belongs to.
    pub team: Name,
    /// The routes it may use; a key may name fewer, never more.
    pub routes: Vec<Name>,
    /// What goes first when there is more to do than can be done: its calls have the lower of this and their route's. Absent: their
    /// route's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
}

impl TeamSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        self.owner.iter_mut().map(|owner| ("owner".to_owned(), owner)).collect()
    }
}

impl SystemSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        std::iter::once(("purpose".to_owned(), &mut self.purpose))
            .chain(self.owner.iter_mut().map(|owner| ("owner".to_owned(), owner)))
            .collect()
    }
}

impl PrincipalSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        Vec::new()
    }
}
