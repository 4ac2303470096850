//! JPEG (ISO/IEC 10918-1): segments up to the pixels, and what stands behind them.

use super::{about, appended, exif, size};
use crate::{
    Reason,
    bytes::{be16, find, head, slice, tail},
    context::{Context, Done},
};

/// A JPEG file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let mut at = 2;
    let mut sized = false;
    // Telephones keep further pictures behind the first and say so.
    let mut more_pictures = false;
    loop {
        context.thing()?;
        let Some(marker) = next_marker(bytes, &mut at) else {
            context.see(Reason::Malformed);
            return Ok(());
        };
        match marker {
            0xd9 => break,
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let segment =
            be16(bytes, at).and_then(|length| slice(bytes, at + 2, usize::from(length).checked_sub(2)?));
        let Some(segment) = segment else {
            context.see(Reason::Malformed);
            return Ok(());
        };
        at += 2 + segment.len();
        context.spend(segment.len())?;
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                sized = true;
                frame(context, segment);
            }
            0xe1 => match segment.strip_prefix(b"Exif\0\0") {
                Some(block) => exif::inspect(context, block)?,
                None => {
                    let text = memchr::memchr(0, segment).map_or(segment, |end| tail(segment, end + 1));
                    about(context, text)?;
                }
            },
            0xe2 => more_pictures |= segment.starts_with(b"MPF\0"),
            0xed => press(context, segment)?,
            0xfe => about(context, segment)?,
            // Pixels: up to the next marker that is none of restart.
            0xda => match scan_end(bytes, at) {
                Some(end) => {
                    context.spend(end - at)?;
                    at = end;
                }
                None => {
                    context.see(Reason::Malformed);
                    return Ok(());
                }
            },
            _ => {}
        }
    }
    if !sized {
        context.see(Reason::Malformed);
    }
    let rest = tail(bytes, at);
    // Before the next picture there may be some filling.
    let another = more_pictures && find(head(rest, 1024), 0, b"\xff\xd8\xff").is_some();
    if another { Ok(()) } else { appended(context, rest) }
}

/// The marker at or behind a place, which moves behind it: fill bytes come before.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    if bytes.get(*at)? != &0xff {
        return None;
    }
    let fill = tail(bytes, *at).iter().take_while(|byte| **byte == 0xff).count();
    let marker = *bytes.get(*at + fill)?;
    *at += fill + 1;
    (marker != 0).then_some(marker)
}

/// Where the pixels from a place on end.
fn scan_end(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(0xff, tail(bytes, from))
        .map(|at| from + at)
        .find(|at| bytes.get(at + 1).is_some_and(|next| !matches!(next, 0 | 0xd0..=0xd7 | 0xff)))
}

/// Size and channels.
fn frame(context: &mut Context<'_>, segment: &[u8]) {
    let (Some(depth), Some(height), Some(width), Some(channels)) =
        (segment.first(), be16(segment, 1), be16(segment, 3), segment.get(5))
    else {
        context.see(Reason::Malformed);
        return;
    };
    if !matches!(channels, 1 | 3 | 4)
        || !matches!(depth, 8 | 12 | 16)
        || segment.len() != 6 + usize::from(*channels) * 3
    {
        context.see(Reason::Channels);
    }
    size(context, width.into(), height.into(), 1, Some(*channels));
}

/// Texts of the press (IPTC) in Photoshop's block.
fn press(context: &mut Context<'_>, segment: &[u8]) -> Done {
    let mut rest = segment;
    while let Some(at) = find(rest, 0, b"\x1c\x02") {
        context.thing()?;
        let Some(length) = be16(rest, at + 3).map(usize::from) else { break };
        match slice(rest, at + 5, length) {
            Some(text) => {
                about(context, text)?;
                rest = tail(rest, at + 5 + length);
            }
            None => rest = tail(rest, at + 2),
        }
    }
    Ok(())
}
