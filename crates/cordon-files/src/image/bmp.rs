//! Windows bitmaps.

use super::{appended, size};
use crate::{
    Reason,
    bytes::{index, le16, le32, tail},
    context::{Context, Done},
};

/// A BMP file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    context.thing()?;
    let (width, height, bits, coding) = if le32(bytes, 14) == Some(12) {
        let height = le16(bytes, 20).map(u32::from);
        (le16(bytes, 18).map(u32::from), height, le16(bytes, 24), Some(0))
    } else {
        // A height below zero says that the rows go down.
        let height = le32(bytes, 22).map(|height| height.cast_signed().unsigned_abs());
        (
            le32(bytes, 18).map(|width| width.cast_signed().unsigned_abs()),
            height,
            le16(bytes, 28),
            le32(bytes, 30),
        )
    };
    let (Some(width), Some(height), Some(bits), Some(coding)) = (width, height, bits, coding) else {
        context.see(Reason::Malformed);
        return Ok(());
    };
    if !matches!(bits, 0 | 1 | 2 | 4 | 8 | 16 | 24 | 32) || coding > 6 {
        context.see(Reason::Channels);
    }
    size(context, width, height, 1, Some(if bits == 32 { 4 } else { 3 }));
    let pixels = le32(bytes, 10).map_or(0, index);
    let row = u64::from(width).saturating_mul(bits.into()).div_ceil(32).saturating_mul(4);
    // What is not compressed has as many bytes as it says.
    let end = (pixels as u64).saturating_add(row.saturating_mul(height.into()));
    let end = match coding {
        0 | 3 | 6 => end,
        _ => le32(bytes, 2).map_or(u64::MAX, u64::from),
    };
    if end > bytes.len() as u64 {
        context.see(Reason::Malformed);
    }
    appended(context, tail(bytes, usize::try_from(end).unwrap_or(usize::MAX)))
}
