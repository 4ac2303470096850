//! Models whose folder names a class of its own (`auto_map`). No code of a folder is ever run: what a class does is known here, or its
//! model is refused. That tensors have the names and shapes of another class's says nothing: one may leave out what the other computes.

use serde_json::Value;

use super::Keys;
use crate::error::Cause;

/// A class that is known although it comes with its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `PIGuard`, and `InjecGuard` as it was called before: `DeBERTa` v3, whose last layer is read at the first piece by a linear map.
    /// The pooler that its class inherits stands in the file and is not computed with.
    PiGuard,
}

/// The name of the class in `architectures`.
pub(super) const PIGUARD: &str = "PIGuard";
/// The files that it is published in.
const MODULES: [&str; 2] = ["modeling_piguard", "modeling_injecguard"];
/// What of the library it stands in for.
const STANDS_IN: &str = "AutoModelForSequenceClassification";
/// What else it may: how a configuration is read, which is as it is for `DeBERTa`.
const READ_BY: (&str, &str) = ("AutoConfig", "PIGuardConfig");

impl Class {
    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PiGuard => PIGUARD,
        }
    }

    /// Takes `auto_map`; nothing where there is none.
    ///
    /// # Errors
    /// When it names a class that is not known.
    pub(super) fn of(keys: &mut Keys) -> Result<Option<Self>, Cause> {
        let Some(map) = keys.take("auto_map") else { return Ok(None) };
        let refused = || {
            let known = format!(
                "code of its own is not run, and of such classes only `{}.{PIGUARD}` is known; none",
                MODULES[0]
            );
            Cause::value("auto_map", known)
        };
        let map = map.as_object().ok_or_else(refused)?;
        let is = |value: &Value, class: &str| {
            let name = value.as_str().unwrap_or_default();
            // The folder that code comes from may stand before it.
            let name = name.rsplit_once("--").map_or(name, |(_, name)| name);
            name.split_once('.').is_some_and(|(module, named)| MODULES.contains(&module) && named == class)
        };
        let all = map.iter().all(|(key, value)| {
            key == STANDS_IN && is(value, PIGUARD) || key == READ_BY.0 && is(value, READ_BY.1)
        });
        let named = map.contains_key(STANDS_IN);
        let class = keys.0.get("architectures") == Some(&serde_json::json!([PIGUARD]));
        if all && named && class { Ok(Some(Self::PiGuard)) } else { Err(refused()) }
    }
}
