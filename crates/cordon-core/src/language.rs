use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is no language that is known here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no language that is told from others here; help: write one of {known}", known = Language::words())]
pub struct LanguageError(String);

macro_rules! languages {
    ($($(#[$doc:meta])* $name:ident = $word:literal),* $(,)?) => {
        /// A language that is told from others, by its code of ISO 639-1.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Language { $($(#[$doc])* $name),* }

        impl Language {
            /// Every language.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }
        }
    };
}

languages! {
    /// Arabic.
    Ar = "ar",
    /// Bulgarian.
    Bg = "bg",
    /// Czech.
    Cs = "cs",
    /// Danish.
    Da = "da",
    /// German.
    De = "de",
    /// Greek.
    El = "el",
    /// English.
    En = "en",
    /// Spanish.
    Es = "es",
    /// Persian.
    Fa = "fa",
    /// Finnish.
    Fi = "fi",
    /// French.
    Fr = "fr",
    /// Hebrew.
    He = "he",
    /// Hindi.
    Hi = "hi",
    /// Hungarian.
    Hu = "hu",
    /// Indonesian.
    Id = "id",
    /// Italian.
    It = "it",
    /// Japanese.
    Ja = "ja",
    /// Korean.
    Ko = "ko",
    /// Dutch.
    Nl = "nl",
    /// Norwegian.
    No = "no",
    /// Polish.
    Pl = "pl",
    /// Portuguese.
    Pt = "pt",
    /// Romanian.
    Ro = "ro",
    /// Russian.
    Ru = "ru",
    /// Swedish.
    Sv = "sv",
    /// Thai.
    Th = "th",
    /// Turkish.
    Tr = "tr",
    /// Ukrainian.
    Uk = "uk",
    /// Vietnamese.
    Vi = "vi",
    /// Chinese.
    Zh = "zh",
}

impl Language {
    fn words() -> String {
        Self::ALL.iter().map(|language| language.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, LanguageError> {
        let known = Self::ALL.iter().find(|language| language.as_str() == text);
        known.copied().ok_or_else(|| LanguageError(text.chars().take(20).collect()))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Language {
    fn schema_name() -> Cow<'static, str> {
        "Language".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<&str> = Self::ALL.iter().map(|language| language.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": words })
    }
}
