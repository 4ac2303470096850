//! GGUF (`docs/gguf.md` of ggml): counts, what is said about the model, and where its tensors lie.

use super::template;
use crate::{
    Reason, Role,
    bytes::{index64, le32, le64, slice},
    context::{Context, Done},
    text,
};

/// Arrays inside one another.
const DEEPEST: usize = 4;
/// Dimensions of a tensor.
const DIMENSIONS: u32 = 4;

/// A model. What is cut off or lies about its counts is malformed; no number in it is believed before its bytes are there.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let mut reader = Reader { bytes, at: 4 };
    if read(context, &mut reader)?.is_none() {
        context.see(Reason::Malformed);
    }
    Ok(())
}

/// Reads the header.
fn read(context: &mut Context<'_>, reader: &mut Reader<'_>) -> Done<Option<()>> {
    let Some(version) = reader.four() else { return Ok(None) };
    if !(2..=3).contains(&version) {
        context.see(Reason::Unreadable);
        return Ok(Some(()));
    }
    let (Some(tensors), Some(pairs)) = (reader.eight(), reader.eight()) else { return Ok(None) };
    for _ in 0..pairs {
        context.thing()?;
        let Some((key, kind)) = reader.text().and_then(|key| Some((key, reader.four()?))) else {
            return Ok(None);
        };
        context.spend(key.len())?;
        let is_template = text::name(key).contains("chat_template");
        if value(context, reader, kind, is_template, DEEPEST)?.is_none() {
            return Ok(None);
        }
    }
    for _ in 0..tensors {
        context.thing()?;
        if tensor(reader).is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// One value of a kind.
// Recursion is bounded by `deepest`.
fn value(
    context: &mut Context<'_>,
    reader: &mut Reader<'_>,
    kind: u32,
    is_template: bool,
    deepest: usize,
) -> Done<Option<()>> {
    let fixed = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        8 => {
            let Some(found) = reader.text() else { return Ok(None) };
            let found = text::name(found);
            if is_template && template::reaches(context, &found)? {
                context.see(Reason::Template);
            }
            context.text(Role::Metadata, found)?;
            return Ok(Some(()));
        }
        9 => return array(context, reader, is_template, deepest),
        _ => return Ok(None),
    };
    Ok(reader.take(fixed).map(|_| ()))
}

/// Many values of one kind: of words of the vocabulary there are too many to be texts of their own.
fn array(
    context: &mut Context<'_>,
    reader: &mut Reader<'_>,
    is_template: bool,
    deepest: usize,
) -> Done<Option<()>> {
    let (Some(kind), Some(count)) = (reader.four(), reader.eight()) else { return Ok(None) };
    // Every value has a byte at least, so that a count beyond them is a lie.
    if deepest == 0 || count > reader.left() as u64 {
        return Ok(None);
    }
    for _ in 0..count {
        context.event()?;
        let whole = match kind {
            8 if !is_template => reader.text().map(|_| ()),
            _ => value(context, reader, kind, is_template, deepest - 1)?,
        };
        if whole.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// Name, dimensions, kind and place of a tensor.
fn tensor(reader: &mut Reader<'_>) -> Option<()> {
    reader.text()?;
    let dimensions = reader.four().filter(|dimensions| *dimensions <= DIMENSIONS)?;
    let mut values = 1_u64;
    for _ in 0..dimensions {
        values = values.checked_mul(reader.eight()?)?;
    }
    reader.four()?;
    let place = reader.eight()?;
    (place <= reader.bytes.len() as u64).then_some(())
}

/// Where in the file.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let found = slice(self.bytes, self.at, length)?;
        self.at += length;
        Some(found)
    }

    fn four(&mut self) -> Option<u32> {
        self.take(4).and_then(|found| le32(found, 0))
    }

    fn eight(&mut self) -> Option<u64> {
        self.take(8).and_then(|found| le64(found, 0))
    }

    fn text(&mut self) -> Option<&'b [u8]> {
        let length = self.eight()?;
        self.take(index64(length))
    }

    const fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }
}
