use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a finding is about: a path such as `pii/card` or `prompt_injection`. A category covers its children.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Category(Cow<'static, str>);

/// A text that is not a category path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a category; help: write lower-case words joined by `/`, such as `pii/card`, at most 64 bytes"
)]
pub struct CategoryError(String);

impl Category {
    /// A category that is part of the program's text. Its form is checked by a test of the detector's table.
    pub const fn known(path: &'static str) -> Self {
        Self(Cow::Borrowed(path))
    }

    /// Checks and takes a category path: one or more segments of `a-z`, `0-9`, `_`, joined by `/`, at most 64 bytes.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(path: &str) -> Result<Self, CategoryError> {
        let segment_ok = |segment: &str| {
            !segment.is_empty() && segment.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        if path.len() <= 64 && path.split('/').all(segment_ok) {
            Ok(Self(Cow::Owned(path.to_owned())))
        } else {
            Err(CategoryError(path.chars().take(80).collect()))
        }
    }

    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a rule for this category applies to a finding of `other`: the same path or a child of it.
    pub fn covers(&self, other: &Self) -> bool {
        match other.0.strip_prefix(self.as_str()) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// The category of the first segment alone: `pii` of `pii/card`.
    #[must_use]
    pub fn root(&self) -> Self {
        match self.0.split_once('/') {
            Some((root, _)) => Self(Cow::Owned(root.to_owned())),
            None => self.clone(),
        }
    }

    /// The last segment: `card` of `pii/card`.
    pub fn leaf(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Category {
    fn schema_name() -> Cow<'static, str> {
        "Category".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "maxLength": 64, "pattern": "^[a-z0-9_]+(/[a-z0-9_]+)*$",
            "description": "a category path such as `pii/card`; a category covers its children",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_covers_itself_and_its_children_only() {
        let pii = Category::known("pii");
        assert!(pii.covers(&Category::known("pii")));
        assert!(pii.covers(&Category::known("pii/card")));
        assert!(!pii.covers(&Category::known("piiz")));
        assert!(!Category::known("pii/card").covers(&pii));
        assert_eq!((Category::known("pii/card/x").root(), pii.root()), (pii.clone(), pii));
    }

    #[test]
    fn bad_paths_are_refused() {
        for bad in ["", "/", "pii/", "/pii", "PII", "pii card", "pii//card", &"a".repeat(65)] {
            assert!(Category::parse(bad).is_err(), "{bad}");
        }
    }
}
