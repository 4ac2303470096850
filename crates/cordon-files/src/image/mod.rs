//! Pictures, by their headers and all that is not pixels. What pixels show is not read, and said to be so.

pub(crate) mod bare;
pub(crate) mod bmp;
mod exif;
pub(crate) mod gif;
pub(crate) mod jpeg;
pub(crate) mod png;
pub(crate) mod webp;

use crate::{
    Picture, Reason, Role,
    context::{Context, Done},
    file_type, text,
};

/// More frames are none of a picture's.
const MOST_FRAMES: u64 = 4096;

/// Sees the size of a picture with all its frames, and its channels.
fn size(context: &mut Context<'_>, width: u32, height: u32, frames: u64, channels: Option<u8>) {
    if let Some(structure) = context.structure() {
        structure.picture = Some(Picture { width, height, frames, channels });
    }
    let pixels = u64::from(width).saturating_mul(u64::from(height)).saturating_mul(frames.max(1));
    if width == 0 || height == 0 {
        context.see(Reason::Malformed);
    }
    if pixels > context.limits.pixels {
        context.see(Reason::Dimensions);
    }
    if frames > MOST_FRAMES {
        context.see(Reason::Frames);
    }
    context.see(Reason::Pixels);
}

/// Sees what stands behind the end of a picture: another file, a text, or what a camera left there.
fn appended(context: &mut Context<'_>, rest: &[u8]) -> Done {
    // Some writers fill up a sector, or end with a line.
    if rest.iter().all(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
        return Ok(());
    }
    if file_type::binary(rest).is_some() || acts(rest) {
        context.see(Reason::Appended);
        context.see(Reason::Polyglot);
        return Ok(());
    }
    context.see(Reason::Trailing);
    if file_type::of(rest).is_text() {
        context.decoded(rest.len())?;
        context.text(Role::Hidden, text::decode(rest).text)?;
    }
    Ok(())
}

/// Keeps a text that is about the picture.
fn about(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    if bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return Ok(());
    }
    context.see(Reason::Metadata);
    if acts(bytes) {
        context.see(Reason::Polyglot);
    }
    context.decoded(bytes.len())?;
    let text = text::decode(bytes).text;
    if text.contains("GPSLatitude") || text.contains("exif:GPS") {
        context.see(Reason::Location);
    }
    context.text(Role::Metadata, text.trim_matches('\0'))
}

/// Whether some bytes are code for who reads them as another type.
fn acts(bytes: &[u8]) -> bool {
    ["<?php", "<script", "<html", "<%@", "<!doctype"].iter().any(|word| {
        memchr::memchr_iter(b'<', bytes).any(|at| {
            bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
        })
    })
}
