//! Arrays of NumPy (`numpy.lib.format`): a header that is a dictionary of Python as text, and numbers, or a pickle.

use super::pickle::{self, Trust};
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
    let Some(header) = length.and_then(|length| slice(bytes, start, length)) else {
        context.see(Reason::Malformed);
        return Ok(());
    };
    context.spend(header.len())?;
    let text = header.trim_ascii();
    // A loader that is allowed to build objects reads longer ones too.
    if header.len() > LONGEST || !text.starts_with(b"{") || !text.ends_with(b"}") {
        context.see(Reason::Malformed);
    }
    let behind = tail(bytes, start + header.len());
    let is_pickle = if is_unclear(text) {
        pickle::is_signed(behind) || pickle::is_one(context, behind, Trust::NameAndSign)?
    } else {
        pickle::is_one(context, behind, Trust::Content)?
    };
    if has_objects(text) || is_pickle {
        context.see(Reason::EmbeddedFile);
        context.at(0, |context| pickle::inspect(context, behind))?;
    }
    Ok(())
}

/// Words of a header between its quotes, and between the parts of a type that is written as a list.
fn words(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header.split(|byte| matches!(byte, b'\'' | b'"' | b',' | b')' | b' '))
}

/// A word without the order of bytes and the number before a type.
fn bare(word: &[u8]) -> &[u8] {
    let start = word.iter().take_while(|b| matches!(b, b'|' | b'<' | b'>' | b'=' | b'0'..=b'9')).count();
    tail(word, start)
}

/// Whether a type in the header is that of objects: `O` behind the order of bytes, alone or as a part.
fn has_objects(header: &[u8]) -> bool {
    words(header).any(|word| match bare(word) {
        [b'O', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        other => matches!(other, b"object" | b"object_" | b"object0"),
    })
}

/// Whether a text in the header is neither a type of numbers or letters nor what every header has: the name of a field, or a
/// type that is written as only Python reads it. What NumPy writes has none but simple quotes.
fn is_unclear(header: &[u8]) -> bool {
    let texts = header.split(|byte| *byte == b'\'').skip(1).step_by(2);
    header.iter().any(|byte| matches!(byte, b'\\' | b'"'))
        || texts.flat_map(words).any(|word| match bare(word) {
            b"" | b"descr" | b"fortran_order" | b"shape" => false,
            [b'b' | b'i' | b'u' | b'f' | b'c' | b'm' | b'M' | b'S' | b'U' | b'V' | b'?', rest @ ..] => {
                !rest.iter().all(u8::is_ascii_digit)
            }
            _ => true,
        })
}
