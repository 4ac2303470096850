//! Arrays of NumPy (`numpy.lib.format`): a header that is a dictionary of Python as text, and numbers, or a pickle.

use super::pickle;
use crate::{
    Reason,
    bytes::{index, le16, le32, slice, tail},
    context::{Context, Done},
};

/// Bytes of a header that NumPy reads without being asked twice.
const LONGEST: usize = 10_000;

/// An array.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let (start, length) = match bytes.get(6) {
        Some(1) => (10, le16(bytes, 8).map(usize::from)),
        Some(2 | 3) => (12, le32(bytes, 8).map(index)),
        _ => (0, None),
    };
    let header = length.and_then(|length| slice(bytes, start, length));
    let Some(header) = header.filter(|header| header.len() <= LONGEST) else {
        context.see(Reason::Malformed);
        return Ok(());
    };
    context.spend(header.len())?;
    let text = header.trim_ascii();
    if !text.starts_with(b"{") || !text.ends_with(b"}") {
        context.see(Reason::Malformed);
    }
    if has_objects(text) {
        context.see(Reason::EmbeddedFile);
        context.at(0, |context| pickle::inspect(context, tail(bytes, start + header.len())))?;
    }
    Ok(())
}

/// Whether a type in the header is that of objects: `O` behind the order of bytes, in quotes.
fn has_objects(header: &[u8]) -> bool {
    header.split(|byte| matches!(byte, b'\'' | b'"')).any(|word| {
        let word = match word {
            [b'|' | b'<' | b'>' | b'=', rest @ ..] => rest,
            other => other,
        };
        matches!(word, [b'O', rest @ ..] if rest.iter().all(u8::is_ascii_digit)) || word == b"object"
    })
}
