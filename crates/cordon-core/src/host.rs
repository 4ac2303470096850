use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A host by its name (`cdn.example.org`), or all hosts below one (`*.example.org`, which is not `example.org` itself).
/// Names are ASCII in small letters; one with other letters is written in its ASCII form (`xn--…`, RFC 5890).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(String);

/// A text that is no host pattern.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no host; help: write a name such as `cdn.example.org`, or `*.example.org` for all below it: no scheme, port or \
     path, letters beyond ASCII as `xn--…`"
)]
pub struct HostPatternError(String);

/// Bytes of the longest name (RFC 1035).
const MAX_NAME: usize = 253;
/// Bytes of the longest label.
const MAX_LABEL: usize = 63;

impl HostPattern {
    /// Reads a host or `*.` and a host; capitals become small letters.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_prefix("*.").unwrap_or(&lower);
        let label_ok = |label: &str| {
            (1..=MAX_LABEL).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        };
        if name.len() <= MAX_NAME && name.split('.').all(label_ok) {
            Ok(Self(lower))
        } else {
            Err(HostPatternError(text.chars().take(80).collect()))
        }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names this host, which is in small letters. A name that ends with a dot is another one.
    pub fn matches(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(suffix) => host.strip_suffix(suffix).is_some_and(|below| !below.is_empty()),
            None => self.0 == host,
        }
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for HostPattern {
    fn schema_name() -> Cow<'static, str> {
        "HostPattern".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "maxLength": 255,
            "pattern": "^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$",
            "description": "a host such as `cdn.example.org`, or `*.example.org` for all hosts below it",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_itself_and_a_star_is_what_lies_below() {
        let exact = HostPattern::parse("CDN.example.org").unwrap();
        assert!(exact.matches("cdn.example.org"));
        for other in ["a.cdn.example.org", "example.org", "cdn.example.org.", "cdn.example.org.evil.test", ""]
        {
            assert!(!exact.matches(other), "{other}");
        }
        let below = HostPattern::parse("*.example.org").unwrap();
        assert!(below.matches("a.example.org") && below.matches("a.b.example.org"));
        for other in
            ["example.org", ".example.org", "aexample.org", "example.org.evil.test", "a.example.org."]
        {
            assert!(!below.matches(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long = format!("{}.org", "a".repeat(64));
        for bad in [
            "",
            "*",
            "*.",
            "*.*.org",
            "a*.org",
            "a..org",
            ".org",
            "org.",
            "-a.org",
            "a-.org",
            "https://a.org",
            "a.org:443",
            "a.org/x",
            "u@a.org",
            "exämple.org",
            "[::1]",
            "a b",
            long.as_str(),
        ] {
            assert!(HostPattern::parse(bad).is_err(), "{bad}");
        }
        let refused = HostPattern::parse("https://a.org").unwrap_err().to_string();
        assert!(refused.contains("help:"), "{refused}");
    }
}
