//! WebP (RFC 9649): chunks in a RIFF.

use super::{about, appended, exif, size};
use crate::{
    Reason,
    bytes::{index, le16, le32, slice, tail},
    context::{Context, Done},
};

/// A WebP file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let whole = le32(bytes, 4).map(index).and_then(|length| slice(bytes, 8, length));
    let Some(chunks) = whole else {
        context.see(Reason::Malformed);
        return Ok(());
    };
    let mut at = 4;
    let mut frames = 0;
    let mut dimensions = None;
    while let (Some(kind), Some(length)) = (slice(chunks, at, 4), le32(chunks, at + 4).map(index)) {
        context.thing()?;
        let Some(data) = slice(chunks, at + 8, length) else {
            context.see(Reason::Malformed);
            return Ok(());
        };
        // Chunks have an even length, or a byte that fills them up.
        at += 8 + length + length % 2;
        match kind {
            b"VP8X" => {
                dimensions = le24(data, 4).zip(le24(data, 7)).map(|(width, height)| (width + 1, height + 1));
            }
            b"VP8 " if dimensions.is_none() => {
                let both = le16(data, 6).zip(le16(data, 8));
                dimensions =
                    both.map(|(width, height)| (u32::from(width & 0x3fff), u32::from(height & 0x3fff)));
            }
            b"VP8L" if dimensions.is_none() => {
                dimensions = le32(data, 1).map(|bits| ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
            }
            b"ANMF" => frames += 1,
            b"EXIF" => exif::inspect(context, data.strip_prefix(b"Exif\0\0").unwrap_or(data))?,
            b"XMP " => about(context, data)?,
            _ => {}
        }
    }
    match dimensions {
        Some((width, height)) => size(context, width, height, frames, None),
        None => context.see(Reason::Malformed),
    }
    appended(context, tail(bytes, 8 + chunks.len()))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    match slice(bytes, at, 3)? {
        [a, b, c] => Some(u32::from_le_bytes([*a, *b, *c, 0])),
        _ => None,
    }
}
