//! The people who operate Cordon, as the log knows them: an id, a role, and names that can be forgotten.
//!
//! Passwords, sessions and tokens are not here: they are credentials, not governed state, and never reach a fact.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Sealed, Timestamp};

/// The id of a person: 16 lower-case hexadecimal digits. It says nothing of who that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId([u8; 8]);

/// A text that is not a user's id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a user's id; help: 16 hexadecimal digits are expected, `cordon user list` shows them")]
pub struct UserIdError;

/// What a person may do; `cordon::identity::permit` has the table. Sorted by name: roles are no ladder.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages people and erasure, beside everything else.
    Admin,
    /// Reads everything, content and proofs included, and changes nothing.
    Auditor,
    /// Changes resources, keys and holds; reads no content.
    Operator,
    /// Reads what calls were, not what was said in them.
    Viewer,
}

/// Who vouches for a person.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Cordon itself, with a password.
    Local,
    /// The identity provider of the organisation: it also says the role.
    Provider,
}

/// A person begins to be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Who vouches.
    pub origin: Origin,
    /// What the person may do.
    pub role: Role,
    /// The name to sign in with, an e-mail address mostly.
    pub login: Sealed<String>,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Sealed<String>>,
}

/// A person as the log knows them now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownUser {
    /// Who, with the role as of now.
    pub user: User,
    /// Since when they are known.
    pub added: Timestamp,
    /// Since when they may not sign in. Absent: they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Timestamp>,
    /// Sessions and tokens from before this time, or of it, are void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// The first administrator's token was used: the uses since the fact before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootstrapUse {
    /// The earliest of them.
    pub first: Timestamp,
    /// The latest of them.
    pub last: Timestamp,
    /// How many.
    pub uses: u64,
}

impl UserId {
    /// An id of eight bytes: random ones, or of a keyed digest.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The eight bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// Reads 16 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, UserIdError> {
        if text.len() != 16 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(UserIdError);
        }
        u64::from_str_radix(text, 16).map(|value| Self(value.to_be_bytes())).map_err(|_| UserIdError)
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<'_, str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for UserId {
    fn schema_name() -> Cow<'static, str> {
        "UserId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" })
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Auditor, Self::Operator, Self::Viewer];

    /// The word for it, as stored, shown and configured.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl KnownUser {
    /// Whether something that began at this time, a session or a token, is void by now.
    pub fn ended(&self, began: Timestamp) -> bool {
        self.disabled.is_some() || self.revoked.is_some_and(|revoked| began <= revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_roles_read_back() {
        let id = UserId::from_bytes([0, 1, 2, 3, 4, 5, 6, 255]);
        assert_eq!(UserId::parse(&id.to_string()), Ok(id));
        for wrong in ["", "0", "000102030405060G", "00010203040506FF", "+00102030405060f"] {
            assert_eq!(UserId::parse(wrong), Err(UserIdError), "{wrong}");
        }
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert_eq!(crate::canonical::to_bytes(&role).unwrap(), format!("\"{role}\"").into_bytes());
        }
        assert_eq!(Role::parse("root"), None);
    }
}
