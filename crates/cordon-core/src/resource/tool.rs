mod check;
mod lenient;
mod schema;

use serde::{Deserialize, Serialize};

pub use self::{
    check::{CheckedSchema, FaultKind, FaultStep, SchemaFault},
    schema::{Additional, Scalar, Schema, SchemaTypes, ValueKind},
};
use super::{Kind, References};
use crate::{
    Action, Category, Digest, Name, Sealed,
    containment::ToolName,
    taint::{Taint, TaintLevel},
};

/// Who may have a tool called: these principals, and the principals of these teams. Where both are empty, whoever may call the route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Callers {
    /// Principals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<Name>,
    /// Teams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<Name>,
}

/// What a tool does to a conversation and to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Effects {
    /// Whether it reads private data: what it brings has the label `private`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads_private: bool,
    /// Whether what it brings is somebody else's content. Default true: say `false` only of a tool whose results nobody else can
    /// write into.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub untrusted_content: bool,
    /// Whether it acts outside: sends, pays, writes, deletes. Such a tool is called only in a conversation that is `clean`, unless
    /// `max_taint` says otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acts_outside: bool,
}

/// What is done about a call that comes after too much has entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenTainted {
    /// It does not go on.
    #[default]
    Block,
    /// It goes on and is marked.
    Flag,
    /// It waits for a person.
    Hold,
}

impl WhenTainted {
    /// The action.
    pub const fn action(self) -> Action {
        match self {
            Self::Block => Action::Block,
            Self::Flag => Action::Flag,
            Self::Hold => Action::Hold,
        }
    }

    fn is_block(&self) -> bool {
        *self == Self::Block
    }
}

/// The most that may have entered a conversation in which a tool is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxTaint {
    /// Whose content: `clean` or `untrusted`. Absent: `clean` for a tool that acts outside, else `untrusted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<TaintLevel>,
    /// Which sensitive data: categories such as `pii/email`, each with its children, and `private`. Absent: any; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<Category>>,
    /// What is done about a call when more has entered. Default `block`.
    #[serde(default, skip_serializing_if = "WhenTainted::is_block")]
    pub action: WhenTainted,
}

impl MaxTaint {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A tool that models may propose to call: who may have it called, with what, and after what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolSpec {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name that models call it by, where that is not the resource's. Of several resources with one such name, all hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<ToolName>,
    /// Who may have it called. Absent: whoever may call the route.
    #[serde(default, skip_serializing_if = "Callers::is_everybody")]
    pub callers: Callers,
    /// What its arguments must be, as a JSON Schema of the keywords that are known here. Absent: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Box<Schema>>,
    /// The SHA-256 of its definition as it was looked at: JSON without white space, members in the order of their names. A request that
    /// offers another by this name is refused. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Digest>,
    /// What it does.
    #[serde(default, skip_serializing_if = "Effects::is_default")]
    pub effects: Effects,
    /// The most that may have entered a conversation in which it is called.
    #[serde(default, skip_serializing_if = "MaxTaint::is_default")]
    pub max_taint: MaxTaint,
}

/// The longest description, in bytes.
const MAX_DESCRIPTION: usize = 500;

/// The most entries of a list.
const MAX_ENTRIES: usize = 256;

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

impl Default for Effects {
    fn default() -> Self {
        Self { reads_private: false, untrusted_content: true, acts_outside: false }
    }
}

impl Effects {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Callers {
    /// Whether a principal of a team is among them.
    pub fn include(&self, principal: &Name, team: &Name) -> bool {
        self.is_everybody() || self.principals.contains(principal) || self.teams.contains(team)
    }

    fn is_everybody(&self) -> bool {
        self.principals.is_empty() && self.teams.is_empty()
    }
}

impl ToolSpec {
    /// The highest trust in content that its calls may lack.
    pub fn max_level(&self) -> TaintLevel {
        let usual = if self.effects.acts_outside { TaintLevel::Clean } else { TaintLevel::Untrusted };
        self.max_taint.content.unwrap_or(usual)
    }

    /// What is done about a call of it in a conversation into which this has entered; nothing where that is not too much.
    pub fn exceeded(&self, taint: &Taint) -> Option<Action> {
        let is_allowed = |label: &Category| {
            self.max_taint.labels.as_ref().is_none_or(|allowed| allowed.iter().any(|one| one.covers(label)))
        };
        let exceeds = taint.level() > self.max_level() || !taint.labels.iter().all(is_allowed);
        exceeds.then(|| self.max_taint.action.action())
    }

    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        Vec::new()
    }

    /// Adds the names that it needs.
    pub(super) fn need(&self, found: &mut References) {
        let lists = [
            ("principals", Kind::Principal, &self.callers.principals),
            ("teams", Kind::Team, &self.callers.teams),
        ];
        for (word, kind, names) in lists {
            let named = names.iter().enumerate();
            found
                .resources
                .extend(named.map(|(at, name)| (format!("/spec/callers/{word}/{at}"), kind, name.clone())));
        }
    }

    /// What is wrong with it, each with its path.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut wrong = |is_wrong: bool, path: &str, message: &str| {
            if is_wrong {
                found.push((path.to_owned(), message.to_owned()));
            }
        };
        let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_DESCRIPTION);
        wrong(long(&self.description), "description", "at most 500 bytes are expected");
        let lists = [
            ("callers/principals", self.callers.principals.len()),
            ("callers/teams", self.callers.teams.len()),
            ("max_taint/labels", self.max_taint.labels.as_ref().map_or(0, Vec::len)),
        ];
        for (path, length) in lists {
            wrong(length > MAX_ENTRIES, path, "at most 256 entries are expected");
        }
        if let Some(schema) = &self.arguments {
            found.extend(schema.problems("arguments"));
        }
        found
    }
}
