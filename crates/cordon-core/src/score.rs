use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A score between 0 and 1, kept in millionths so that facts hold no floating-point number.
///
/// People write and read `0.8`; facts and frames hold `800000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(u32);

/// A number outside `0..=1`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a score lies between 0 and 1")]
pub struct ScoreError;

impl Score {
    /// Never.
    pub const ZERO: Self = Self(0);
    /// Certain.
    pub const ONE: Self = Self(1_000_000);

    /// A score in millionths; more than a million is one.
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(if millionths > 1_000_000 { 1_000_000 } else { millionths })
    }

    /// A score in hundredths, for the tables of detectors; more than a hundred is one.
    pub const fn percent(hundredths: u32) -> Self {
        Self::from_millionths(hundredths.saturating_mul(10_000))
    }

    /// A score of a number, rounded to the nearest millionth.
    ///
    /// # Errors
    /// When the number is not in `0..=1`.
    pub fn from_f64(value: f64) -> Result<Self, ScoreError> {
        if (0.0..=1.0).contains(&value) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0..=1e6 after the check"
            )]
            Ok(Self((value * 1e6).round() as u32))
        } else {
            Err(ScoreError)
        }
    }

    /// The score in millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// The score as a number in `0..=1`.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.as_f64())
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::from_f64(f64::deserialize(deserializer)?).map_err(D::Error::custom)
        } else {
            match u32::deserialize(deserializer)? {
                millionths @ 0..=1_000_000 => Ok(Self(millionths)),
                _ => Err(D::Error::custom(ScoreError)),
            }
        }
    }
}

impl schemars::JsonSchema for Score {
    fn schema_name() -> Cow<'static, str> {
        "Score".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}
