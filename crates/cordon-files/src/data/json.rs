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
    let mut is_whole = true;
    read(context, &text, |context, found| match found {
        Ok(value) => model::settings::inspect(context, &value),
        Err(reason) => {
            is_whole = false;
            context.see(reason);
            Ok(())
        }
    })?;
    if !is_whole {
        model::settings::search(context, &text)?;
    }
    context.text(Role::Body, text)
}

/// Whether bytes that begin as JSON does go on so, well or badly; lines of a log do not.
pub(crate) fn is_one(context: &mut Context<'_>, bytes: &[u8]) -> Done<bool> {
    context.spend(bytes.len())?;
    let mut is_one = true;
    read(context, &text::decode(bytes).text, |_, found| {
        is_one &= !matches!(found, Err(Reason::Malformed));
        Ok(())
    })?;
    Ok(is_one)
}

/// Reads one value, or one on each line, and hands over each, or what is wrong with it.
fn read(
    context: &mut Context<'_>,
    text: &str,
    mut hand: impl FnMut(&mut Context<'_>, Result<Value, Reason>) -> Done,
) -> Done {
    let limits = Limits { bytes: text.len(), depth: DEEPEST, values: context.limits.things };
    context.spend(text.len())?;
    match Value::parse(text.trim().as_bytes(), limits) {
        Err(error) if error.kind() == ErrorKind::Trailing => {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                context.thing()?;
                let value = Value::parse(line.trim().as_bytes(), limits);
                hand(context, value.map_err(|error| reason(error.kind())))?;
            }
            Ok(())
        }
        value => hand(context, value.map_err(|error| reason(error.kind()))),
    }
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
