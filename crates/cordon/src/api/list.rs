use serde::{Deserialize, Serialize};

use super::Problem;

/// A list, or a page of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct List<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// The `cursor` of the next page; absent where nothing comes after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A list that is all on one page.
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

impl Problem {
    /// A cursor that leads nowhere.
    pub(crate) fn cursor(why: &str) -> Self {
        let detail = format!("the cursor cannot be gone on from: {why}; help: begin again without one");
        Self::new(422, "cursor", "the cursor leads nowhere", detail)
    }
}
