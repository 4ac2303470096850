//! JSON, read by the strict reader that requests are read by.

use cordon_core::json::{ErrorKind, Limits, Value};

use crate::{
    Reason, Role,
    context::{Context, Done},
    model, text,
};

/// Arrays and objects inside one another.
const DEEPEST: usize = 128;

/// A JSON file, or one with a value on each line.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let text = text::inspect(context, bytes)?;
    if let Some(value) = read(context, &text, |context, reason| context.see(reason))? {
        model::settings::inspect(context, &value)?;
    }
    context.text(Role::Body, text)
}

/// Whether bytes that begin as JSON does go on so, well or badly; lines of a log do not.
pub(crate) fn is_one(context: &mut Context<'_>, bytes: &[u8]) -> Done<bool> {
    context.spend(bytes.len())?;
    let mut is_one = true;
    read(context, &text::decode(bytes).text, |_, reason| is_one &= reason != Reason::Malformed)?;
    Ok(is_one)
}

/// Reads one value, or one on each line, and hands over what is wrong; the value, where it is one.
fn read(
    context: &mut Context<'_>,
    text: &str,
    mut see: impl FnMut(&mut Context<'_>, Reason),
) -> Done<Option<Value>> {
    let limits = Limits { bytes: text.len(), depth: DEEPEST, values: context.limits.things };
    context.spend(text.len())?;
    match Value::parse(text.trim().as_bytes(), limits) {
        Ok(value) => return Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::Trailing => {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                context.thing()?;
                if let Err(error) = Value::parse(line.trim().as_bytes(), limits) {
                    see(context, reason(error.kind()));
                }
            }
        }
        Err(error) => see(context, reason(error.kind())),
    }
    Ok(None)
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
