//! What the tests of this format share.

use std::sync::{Arc, LazyLock};

use cordon_core::{
    Action, Category, Channel, Form, HmacKey, Mode, Name, Score, Timestamp,
    json::{Limits, Value},
    resource::{GuardScope, GuardSpec, Rule},
};
use cordon_inspect::Engine;
use cordon_policy::EffectiveGuard;

use crate::Inspection;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

/// A card number from the networks' test ranges.
pub(super) const CARD: &str = "4111111111111111";

/// An address that is found wherever it stands.
pub(super) const ADDRESS: &str = "jane.roe@example.com";

/// Inspection by these rules, on every channel.
pub(super) fn inspection(rules: &[(&'static str, Action, Form)]) -> Inspection {
    let rules = rules
        .iter()
        .map(|(category, action, form)| Rule {
            channels: Channel::ALL.to_vec(),
            category: Category::known(category),
            at: Score::percent(50),
            action: *action,
            form: *form,
        })
        .collect();
    let spec =
        GuardSpec { scope: GuardScope::Organisation, mode: Mode::Enforce, rules, exceptions: Vec::new() };
    let guard = EffectiveGuard::alone(&Name::parse("test").unwrap(), &spec);
    Inspection::new(ENGINE.clone(), Arc::new(guard), Timestamp::from_millis(0), HmacKey::from_bytes([7; 32]))
}

pub(super) fn redacting(form: Form) -> Inspection {
    inspection(&[("pii", Action::Redact, form), ("secret", Action::Redact, form)])
}

pub(super) fn tree(text: impl AsRef<[u8]>) -> Value {
    Value::parse(text.as_ref(), Limits::default()).unwrap()
}
