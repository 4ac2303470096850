use serde::{Deserialize, Serialize};

/// What is done about characters that nobody sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HiddenCharacters {
    /// They go on.
    #[default]
    Keep,
    /// They are taken out, but where writing needs them: joiners of Persian and Indic scripts, families of emoji.
    Strip,
}

/// The form of Unicode that texts are brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnicodeForm {
    /// As they came.
    #[default]
    Keep,
    /// Composed (NFC, Unicode Standard Annex 15): one spelling for each letter with its marks.
    Nfc,
}

/// What is done about cells of tables that a spreadsheet would calculate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Formulas {
    /// They go on.
    #[default]
    Keep,
    /// A `'` is put before them, so that they are text (OWASP, *CSV Injection*).
    Neutralise,
}

/// What is done about what pictures say beside their pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PictureMetadata {
    /// It goes on.
    #[default]
    Keep,
    /// Comments, EXIF, XMP and what stands behind the end are taken out of PNG, JPEG and WebP; no pixel changes.
    Strip,
}

/// What is changed in the texts and pictures of a route's requests after they were inspected and before they leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    /// Characters that nobody sees: `keep` or `strip`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hidden: HiddenCharacters,
    /// The form of Unicode: `keep` (as it came) or `nfc`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unicode: UnicodeForm,
    /// Formulas in tables of comma-separated values that documents and tools bring: `keep` or `neutralise`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub formulas: Formulas,
    /// What pictures say beside their pixels: `keep` or `strip`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub metadata: PictureMetadata,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Normalise {
    /// What is wrong with it: its path below the spec, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        (*self == Self::default()).then_some((
            "normalise",
            "nothing is changed; help: say `hidden: strip`, `unicode: nfc`, `formulas: neutralise` or `metadata: strip`, or leave it out",
        ))
    }
}
