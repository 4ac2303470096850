//! The forms of the control API about people, as JSON.

use cordon_core::{
    DurationMs, Role, Timestamp, UserId,
    fact::Actor,
    identity::{BootstrapUse, Origin},
};
use serde::{Deserialize, Serialize};

/// Who asks, as the server sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Me {
    /// As facts name them.
    pub actor: Actor,
    /// What they may do.
    pub role: Role,
    /// How they showed who they are.
    pub access: AccessKind,
    /// The name to sign in with; absent for the administrator's token, and where it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the session or token ends, used or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What requests of this session repeat in the header `Cordon-Csrf` or the field `csrf` when they change something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
    /// For the administrator's token: all of its uses that the log knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<BootstrapUse>,
}

/// An answer that says nothing more than that it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Nothing {}

/// How somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// With the first administrator's token.
    Bootstrap,
    /// With a session's cookie.
    Session,
    /// With a personal token.
    Token,
}

/// A password sign-in.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name to sign in with.
    pub login: String,
    /// The password.
    pub password: String,
}

/// A password sign-in of a program, for a personal token.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenLogin {
    /// The name to sign in with.
    pub login: String,
    /// The password.
    pub password: String,
    /// The token.
    #[serde(default)]
    pub token: NewToken,
}

/// A personal token that somebody wants.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How long it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<DurationMs>,
}

/// A personal token, shown once.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TokenMade {
    /// The token: `cu_…`.
    pub token: String,
    /// What it is called from now on.
    pub id: UserId,
    /// When it ends.
    pub expires: Timestamp,
}

/// A password that somebody chooses, with the secret that lets them.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// The secret: `ce_…`.
    pub secret: String,
    /// The password.
    pub password: String,
}

/// Another password for oneself.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The one until now.
    pub old: String,
    /// The one from now on.
    pub new: String,
}

/// Somebody to be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddUser {
    /// The name to sign in with, an e-mail address mostly.
    pub login: String,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
}

/// Another role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// The role.
    pub role: Role,
}

/// Why somebody may not sign in any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisableUser {
    /// The reason (kept sealed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What lets somebody choose a password, shown once.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Enrolment {
    /// Whom.
    pub user: UserView,
    /// The secret: `ce_…`.
    pub secret: String,
    /// Until when.
    pub expires: Timestamp,
}

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UserView {
    /// The id.
    pub id: UserId,
    /// The name to sign in with; absent where it was forgotten.
    pub login: Option<String>,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Who vouches.
    pub origin: Origin,
    /// Since when they are known.
    pub added: Timestamp,
    /// Since when they may not sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Timestamp>,
    /// Whether they have chosen a password.
    pub enrolled: bool,
    /// Sessions and tokens that are good now.
    pub signed_in: usize,
}

/// A session or a personal token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GrantView {
    /// What it is called.
    pub id: UserId,
    /// Which of the two.
    pub kind: AccessKind,
    /// Whose.
    pub user: UserId,
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub seen: Timestamp,
    /// When it ends, used or not.
    pub expires: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}
