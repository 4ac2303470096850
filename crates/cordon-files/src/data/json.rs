//! JSON, read by the strict reader that requests are read by.

use cordon_core::json::{ErrorKind, Limits, Value};

use crate::{
    Reason, Role,
    context::{Context, Done},
    text,
};

/// Arrays and objects inside one another.
const DEEPEST: usize = 128;

/// A JSON file, or one with a value on each line.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let text = text::inspect(context, bytes)?;
    let limits = Limits { bytes: text.len(), depth: DEEPEST, values: context.limits.things };
    context.spend(text.len())?;
    match Value::parse(text.trim().as_bytes(), limits) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::Trailing => {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                context.thing()?;
                if let Err(error) = Value::parse(line.trim().as_bytes(), limits) {
                    context.see(reason(error.kind()));
                }
            }
        }
        Err(error) => context.see(reason(error.kind())),
    }
    context.text(Role::Body, text)
}

fn reason(kind: ErrorKind) -> Reason {
    match kind {
        ErrorKind::TooLong => Reason::TooLarge,
        ErrorKind::TooDeep => Reason::TooDeep,
        ErrorKind::TooMany => Reason::TooMany,
        ErrorKind::DuplicateKey => Reason::DuplicateKey,
        ErrorKind::NumberRange => Reason::NumberRange,
        _ => Reason::Malformed,
    }
}
