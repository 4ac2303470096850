use cordon_core::{DurationMs, resource::SecretRef};

use super::{Raw, text};
use crate::counting;

/// Counters of limits that nodes share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The store.
    pub store: String,
    /// Who asks it.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretRef>,
    /// How long a call waits for it.
    pub timeout: DurationMs,
}

impl Limits {
    /// The store, if one is set; `None` when something about it is wrong.
    pub(super) fn read(raw: &mut Raw) -> Option<Option<Self>> {
        let store = raw.take("limits.store", |value| {
            if value.is_empty() {
                return Ok(None);
            }
            counting::address(value).map(|()| Some(value.to_owned()))
        });
        let user = raw.take("limits.user", |value| Ok((!value.is_empty()).then(|| value.to_owned())));
        let password = raw.take("limits.password", text::reference);
        let timeout = raw.take("limits.timeout", text::time);
        let (store, user, password, timeout) = (store?, user?, password?, timeout?);
        Some(store.map(|store| Self { store, user, password, timeout }))
    }
}
