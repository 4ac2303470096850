//! EXIF (a TIFF inside of a picture): texts, and where it was taken.

use super::about;
use crate::{
    Reason,
    bytes::{be16, be32, index, le16, le32, slice, tail},
    context::{Context, Done},
    text,
};

/// Tags of the directories that are followed.
const EXIF: u16 = 0x8769;
const GPS: u16 = 0x8825;

/// Reads a block of EXIF: from its byte order on.
pub(super) fn inspect(context: &mut Context<'_>, block: &[u8]) -> Done {
    let little = match block.get(..4) {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return Ok(()),
    };
    let short = |at| if little { le16(block, at) } else { be16(block, at) };
    let long = |at| if little { le32(block, at) } else { be32(block, at) }.map(index);
    let mut waiting: Vec<usize> = long(4).into_iter().collect();
    // A picture has few directories; those that lead to one another in a circle end here.
    for _ in 0..8 {
        let Some(at) = waiting.pop() else { break };
        for field in 0..short(at).map_or(0, usize::from).min(512) {
            context.thing()?;
            let at = at + 2 + field * 12;
            let (Some(tag), Some(kind), Some(count)) = (short(at), short(at + 2), long(at + 4)) else {
                break;
            };
            match tag {
                EXIF => waiting.extend(long(at + 8)),
                GPS => context.see(Reason::Location),
                _ => {
                    // Texts (2), and bytes (1, 7) of tags that are texts all the same.
                    let is_text = kind == 2 || matches!(tag, 0x9286 | 0x9c9b..=0x9c9f);
                    if !is_text || count < 3 {
                        continue;
                    }
                    let place = if count <= 4 { Some(at + 8) } else { long(at + 8) };
                    if let Some(value) = place.and_then(|place| slice(block, place, count)) {
                        value_of(context, tag, value)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn value_of(context: &mut Context<'_>, tag: u16, value: &[u8]) -> Done {
    match tag {
        // A comment begins with eight bytes that name its encoding.
        0x9286 if value.starts_with(b"UNICODE") => about(context, text::utf16_be(tail(value, 8)).as_bytes()),
        0x9286 => about(context, tail(value, 8)),
        // Windows' fields are UTF-16.
        0x9c9b..=0x9c9f => about(context, text::utf16_le(value).as_bytes()),
        _ => about(context, value),
    }
}
