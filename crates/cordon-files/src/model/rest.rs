//! What stands behind where a pickle could not be read any further: there may be loaders that read on. What is there is searched
//! for names by which code is run, whatever stands around them.

use super::{
    globals,
    opcode::{self, Op},
};
use crate::{
    bytes::{head, tail},
    context::{Context, Done},
};

/// Bytes of an opcode with a name in it.
const LONGEST: usize = 64;
/// Opcodes by which the names of a module and of what is in it may be remembered, one behind each.
const KEEPS: usize = 2;

/// Whether somewhere in the bytes an opcode names what is dangerous.
pub(crate) fn names_danger(context: &mut Context<'_>, rest: &[u8]) -> Done<bool> {
    context.spend(rest.len())?;
    for (at, code) in rest.iter().enumerate() {
        if !matches!(code, b'c' | b'i' | b'S' | b'U' | b'V' | b'X' | 0x8c) {
            continue;
        }
        // The number of bytes that are looked at, at least.
        context.spend(8)?;
        let window = head(tail(rest, at), 3 * LONGEST);
        let is_global = matches!(code, b'c' | b'i');
        let found = if is_global { lines(tail(window, 1)) } else { texts(window) };
        if let Some((module, name)) = found {
            context.spend(2 * LONGEST)?;
            if globals::is_dangerous(module, name) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Two lines that are names.
fn lines(bytes: &[u8]) -> Option<(&str, &str)> {
    let (module, rest) = line(bytes)?;
    Some((module, line(rest)?.0))
}

/// A name to the end of its line, and what is behind it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().take(LONGEST).position(|byte| !is_name(*byte))?;
    let name = bytes.get(..end).filter(|name| !name.is_empty() && bytes.get(end) == Some(&b'\n'))?;
    Some((std::str::from_utf8(name).ok()?, tail(bytes, end + 1)))
}

/// Two texts that are names, and the opcode that makes an object of them.
fn texts(bytes: &[u8]) -> Option<(&str, &str)> {
    let (module, at) = text(bytes, 0)?;
    let (name, at) = text(bytes, at)?;
    matches!(opcode::read(bytes, at), Some((Op::StackGlobal, _))).then_some((module, name))
}

/// A text that is a name, and where the next opcode stands but for those that remember it.
fn text(bytes: &[u8], at: usize) -> Option<(&str, usize)> {
    let Some((Op::Text(found, _), mut next)) = opcode::read(bytes, at) else { return None };
    if found.len() > LONGEST || !found.iter().all(|byte| is_name(*byte)) {
        return None;
    }
    for _ in 0..KEEPS {
        match opcode::read(bytes, next) {
            Some((Op::Memoize | Op::Put(_), after)) => next = after,
            _ => break,
        }
    }
    Some((std::str::from_utf8(found).ok()?, next))
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}
