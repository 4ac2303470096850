//! GIF (87a, 89a): blocks, each a list of pieces of at most 255 bytes.

use super::{about, appended, size};
use crate::{
    Reason,
    bytes::{le16, slice, tail},
    context::{Context, Done},
};

/// A GIF file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let (Some(width), Some(height), Some(flags)) = (le16(bytes, 6), le16(bytes, 8), bytes.get(10)) else {
        context.see(Reason::Malformed);
        return Ok(());
    };
    let mut at = 13 + palette(*flags);
    let mut frames = 0;
    loop {
        context.thing()?;
        match bytes.get(at) {
            Some(b';') => break,
            Some(b',') => {
                frames += 1;
                let Some(flags) = bytes.get(at + 9) else { break };
                at = at + 11 + palette(*flags);
                if pieces(context, bytes, &mut at, None)?.is_none() {
                    break;
                }
            }
            Some(b'!') => {
                let kind = bytes.get(at + 1).copied().unwrap_or_default();
                at += 2;
                let mut text = Vec::new();
                if pieces(context, bytes, &mut at, Some(&mut text))?.is_none() {
                    break;
                }
                match kind {
                    // A comment; a text that is drawn, behind its grid.
                    0xfe => about(context, &text)?,
                    0x01 => about(context, tail(&text, 12))?,
                    0xff => {
                        // Timings of animation are no text.
                        if let Some(data) = text.strip_prefix(b"XMP DataXMP") {
                            about(context, data)?;
                        }
                    }
                    _ => {}
                }
            }
            _ => break,
        }
    }
    if bytes.get(at) != Some(&b';') || frames == 0 {
        context.see(Reason::Malformed);
        return Ok(());
    }
    size(context, width.into(), height.into(), frames, Some(3));
    appended(context, tail(bytes, at + 1))
}

/// Bytes of the table of colours that flags speak of.
fn palette(flags: u8) -> usize {
    if flags & 0x80 != 0 { 3 << ((flags & 7) + 1) } else { 0 }
}

/// Goes over pieces up to the empty one, and keeps what is in them; none where the file ends before.
fn pieces(
    context: &mut Context<'_>,
    bytes: &[u8],
    at: &mut usize,
    mut keep: Option<&mut Vec<u8>>,
) -> Done<Option<()>> {
    loop {
        let Some(length) = bytes.get(*at).map(|length| usize::from(*length)) else { return Ok(None) };
        context.spend(length + 1)?;
        *at += 1;
        if length == 0 {
            return Ok(Some(()));
        }
        let Some(piece) = slice(bytes, *at, length) else { return Ok(None) };
        if let Some(keep) = &mut keep {
            context.decoded(length)?;
            keep.extend_from_slice(piece);
        }
        *at += length;
    }
}
