//! ONNX (`onnx.proto`): a graph in the wire format of Protocol Buffers. A tensor may say that its numbers lie in another file;
//! where that is outside of the model's folder, a loader reads whatever the sender wants.

use crate::{
    Reason, Role,
    bytes::{index64, slice},
    context::{Context, Done},
    text,
};

/// Messages inside one another.
const DEEPEST: usize = 32;

/// What a message is; others are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    Function,
    Training,
    /// A key and a value that say where a tensor lies.
    External,
    /// A key and a value about the model.
    Property,
    /// Text for people.
    Text,
}

/// What a field of a message holds, by its number.
const fn field(of: Message, number: u64) -> Option<Message> {
    use Message as M;
    Some(match (of, number) {
        (M::Model, 7) | (M::Attribute, 6 | 11) | (M::Training, 1 | 2) => M::Graph,
        (M::Model, 20) => M::Training,
        (M::Model, 25) => M::Function,
        (M::Model, 14) | (M::Graph, 16) => M::Property,
        (M::Graph, 1) | (M::Function, 7) => M::Node,
        (M::Graph, 5) | (M::Attribute, 5 | 10) | (M::SparseTensor, 1 | 2) => M::Tensor,
        (M::Graph, 15) | (M::Attribute, 22 | 23) => M::SparseTensor,
        (M::Node, 5) | (M::Function, 11) => M::Attribute,
        (M::Tensor, 13) => M::External,
        (M::Model, 6) | (M::Graph, 10) | (M::Node, 6) | (M::Tensor, 12) | (M::Function, 8) => M::Text,
        _ => return None,
    })
}

/// A field: its number, and its bytes where it has a length.
struct Field<'b> {
    number: u64,
    bytes: Option<&'b [u8]>,
}

/// Whether a file is one: all of it is fields of a model, a graph among them. Writers put the version first; a text has to
/// begin with it, for a few letters in the right places are fields too.
pub(crate) fn is_one(context: &mut Context<'_>, bytes: &[u8], is_text: bool) -> Done<bool> {
    if is_text && bytes.first() != Some(&0x08) {
        return Ok(false);
    }
    let (mut at, mut has_graph) = (0, false);
    while at < bytes.len() {
        context.event()?;
        let Some(field) = next(bytes, &mut at) else { return Ok(false) };
        let is_known = matches!(field.number, 1 | 5) && field.bytes.is_none()
            || matches!(field.number, 2..=4 | 6..=8 | 14 | 20 | 25 | 26) && field.bytes.is_some();
        if !is_known {
            return Ok(false);
        }
        has_graph |= field.number == 7;
    }
    Ok(has_graph)
}

/// A model.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    message(context, bytes, Message::Model, DEEPEST)
}

/// One message with all that is in it.
// Recursion is bounded by `deepest`.
fn message(context: &mut Context<'_>, bytes: &[u8], of: Message, deepest: usize) -> Done {
    match of {
        Message::Text => return context.text(Role::Metadata, text::name(bytes)),
        Message::External | Message::Property => return pair(context, bytes, of),
        _ => {}
    }
    if deepest == 0 {
        context.see(Reason::TooDeep);
        return Ok(());
    }
    let mut at = 0;
    while at < bytes.len() {
        context.event()?;
        let Some(found) = next(bytes, &mut at) else {
            context.see(Reason::Malformed);
            return Ok(());
        };
        if let (Some(inner), Some(bytes)) = (field(of, found.number), found.bytes) {
            context.thing()?;
            message(context, bytes, inner, deepest - 1)?;
        }
    }
    Ok(())
}

/// A key and a value.
fn pair(context: &mut Context<'_>, bytes: &[u8], of: Message) -> Done {
    let (mut at, mut key, mut value) = (0, String::new(), String::new());
    context.spend(bytes.len())?;
    while at < bytes.len() {
        let Some(field) = next(bytes, &mut at) else {
            context.see(Reason::Malformed);
            return Ok(());
        };
        match (field.number, field.bytes) {
            (1, Some(found)) => key = text::name(found),
            (2, Some(found)) => value = text::name(found),
            _ => {}
        }
    }
    match of {
        Message::External if key == "location" => {
            context.see(if leaves(&value) { Reason::ExternalPath } else { Reason::ExternalLink });
            Ok(())
        }
        Message::External => Ok(()),
        _ => {
            context.text(Role::Metadata, key)?;
            context.text(Role::Metadata, value)
        }
    }
}

/// Whether a path leads out of the folder that the model is in.
fn leaves(path: &str) -> bool {
    let mut bytes = path.bytes();
    path.split(['/', '\\']).any(|part| part == "..")
        || path.starts_with(['/', '\\', '~'])
        || path.contains("://")
        || path.contains('\0')
        || bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic()) && bytes.next() == Some(b':')
}

/// The next field; none where the bytes are none.
fn next<'b>(bytes: &'b [u8], at: &mut usize) -> Option<Field<'b>> {
    let tag = varint(bytes, at)?;
    let number = tag >> 3;
    let length = match tag & 7 {
        0 => {
            varint(bytes, at)?;
            return Some(Field { number, bytes: None });
        }
        1 => 8,
        2 => index64(varint(bytes, at)?),
        5 => 4,
        _ => return None,
    };
    let found = slice(bytes, *at, length)?;
    *at += length;
    Some(Field { number, bytes: (tag & 7 == 2).then_some(found) })
}

/// A number of as many bytes as it needs.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
