use serde::{Deserialize, Serialize};

/// What was changed in the texts and pictures of a request after it was inspected and before it left, as its route says: how often, and never what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalised {
    /// Characters that nobody sees, taken out.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub hidden: u64,
    /// Texts brought to the form of Unicode that the route has.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub unicode: u64,
    /// Cells of tables that are no formulas any more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub formulas: u64,
    /// Pictures of which nothing but the pixels is left.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub metadata: u64,
}

impl Normalised {
    /// Whether the request left as it was inspected.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Counts other changes with these.
    pub const fn add(&mut self, other: Self) {
        self.hidden = self.hidden.saturating_add(other.hidden);
        self.unicode = self.unicode.saturating_add(other.unicode);
        self.formulas = self.formulas.saturating_add(other.formulas);
        self.metadata = self.metadata.saturating_add(other.metadata);
    }
}

impl std::fmt::Display for Normalised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [
            (self.hidden, "hidden characters taken out"),
            (self.unicode, "texts composed"),
            (self.formulas, "formulas neutralised"),
            (self.metadata, "pictures without metadata"),
        ];
        let said = kinds.iter().filter(|(count, _)| *count > 0);
        let said: Vec<String> = said.map(|(count, kind)| format!("{count} {kind}")).collect();
        f.write_str(if said.is_empty() { "nothing" } else { "" })?;
        f.write_str(&said.join(", "))
    }
}
