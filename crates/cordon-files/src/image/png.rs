//! PNG (ISO/IEC 15948) with the frames of APNG: chunks, each with a checksum.

use flate2::Crc;

use super::{about, appended, exif, size};
use crate::{
    Reason,
    bytes::{be32, index, slice, tail},
    context::{Context, Done},
    inflate::{self, Wrap},
};

/// What the header says.
struct Header {
    width: u32,
    height: u32,
    /// Bits of a pixel.
    bits: u64,
    channels: u8,
    interlaced: bool,
}

/// Pixels are counted by unpacking them up to this many bytes.
const COUNTED: u64 = 32 << 20;

/// A PNG file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let mut at = 8;
    let mut header: Option<Header> = None;
    let mut frames = 1_u64;
    let mut pixels: Vec<u8> = Vec::new();
    let mut ended = false;
    while let (Some(length), Some(kind)) = (be32(bytes, at).map(index), slice(bytes, at + 4, 4)) {
        context.thing()?;
        let (Some(data), Some(checked)) =
            (slice(bytes, at + 8, length), slice(bytes, at + 4, length.saturating_add(4)))
        else {
            context.see(Reason::Malformed);
            return Ok(());
        };
        context.spend(length)?;
        let mut crc = Crc::new();
        crc.update(checked);
        match be32(bytes, at + 8 + length) {
            Some(said) if said == crc.sum() => {}
            Some(_) => context.see(Reason::Checksum),
            None => context.see(Reason::Malformed),
        }
        at = at.saturating_add(12).saturating_add(length);
        match kind {
            b"IHDR" if header.is_none() => match Header::read(data) {
                Some(read) => header = Some(read),
                None => context.see(Reason::Channels),
            },
            b"acTL" => frames = be32(data, 0).map_or(1, u64::from),
            b"IDAT" => {
                context.decoded(length)?;
                pixels.extend_from_slice(data);
            }
            b"tEXt" => {
                about(context, data)?;
                if let Some(end) = memchr::memchr(0, data) {
                    profile(context, data, tail(data, end + 1))?;
                }
            }
            b"zTXt" => packed(context, data, 1)?,
            b"iTXt" => international(context, data)?,
            b"eXIf" => exif::inspect(context, data)?,
            b"IEND" => {
                ended = true;
                break;
            }
            _ => {}
        }
    }
    let Some(header) = header else {
        context.see(Reason::Malformed);
        return Ok(());
    };
    if !ended || pixels.is_empty() {
        context.see(Reason::Malformed);
    }
    size(context, header.width, header.height, frames, Some(header.channels));
    count(context, &header, &pixels)?;
    appended(context, tail(bytes, at))
}

/// Whether the pixels are as many as the header says, where counting them is cheap.
fn count(context: &mut Context<'_>, header: &Header, pixels: &[u8]) -> Done {
    let row = header.bits.saturating_mul(u64::from(header.width)).div_ceil(8).saturating_add(1);
    let expected = row.saturating_mul(u64::from(header.height));
    // Seven passes have more rows, each with its byte of filter.
    let most = if header.interlaced { expected.saturating_mul(2).saturating_add(64) } else { expected };
    let Ok(most) = usize::try_from(most.min(COUNTED + 1)) else { return Ok(()) };
    if expected > COUNTED {
        return Ok(());
    }
    let (length, used, end) = inflate::measure(pixels, Wrap::Zlib, most);
    // Nothing of it was kept: it is work, not memory.
    context.spend(length / 8 + used)?;
    let short = (length as u64) < expected && !header.interlaced;
    if end != inflate::End::Whole || short || used != pixels.len() {
        context.see(Reason::CompressionAnomaly);
    }
    Ok(())
}

impl Header {
    fn read(data: &[u8]) -> Option<Self> {
        let (width, height) = (be32(data, 0)?, be32(data, 4)?);
        let (depth, kind) = (*data.get(8)?, *data.get(9)?);
        // Table 11.1 of the standard: which depths a type of colour may have, and its samples.
        let (samples, channels) = match (kind, depth) {
            (0, 1 | 2 | 4 | 8 | 16) => (1_u64, 1),
            (3, 1 | 2 | 4 | 8) => (1, 3),
            (2, 8 | 16) => (3, 3),
            (4, 8 | 16) => (2, 2),
            (6, 8 | 16) => (4, 4),
            _ => return None,
        };
        let interlaced = match data.get(10..13)? {
            [0, 0, 0] => false,
            [0, 0, 1] => true,
            _ => return None,
        };
        Some(Self { width, height, bits: samples * u64::from(depth), channels, interlaced })
    }
}

/// Text that is packed, behind a keyword of `skip` NULs and a byte of its method.
fn packed(context: &mut Context<'_>, data: &[u8], skip: usize) -> Done {
    let Some(end) = memchr::memchr(0, data) else { return Ok(()) };
    let unpacked = context.inflate(tail(data, end + 1 + skip), Wrap::Zlib)?;
    about(context, &unpacked.bytes)?;
    profile(context, data, &unpacked.bytes)
}

/// What a text holds whose keyword says that it is a block of another format: ImageMagick and what is made with it write EXIF and XMP so, as
/// the name of the format, its bytes in decimal, and their hexadecimal digits in lines.
fn profile(context: &mut Context<'_>, keyed: &[u8], text: &[u8]) -> Done {
    const KEYWORD: &[u8] = b"Raw profile type ";
    let Some(name) = keyed.strip_prefix(KEYWORD).and_then(|rest| rest.split(|byte| *byte == 0).next()) else {
        return Ok(());
    };
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    if !["exif", "app1", "xmp"].iter().any(|other| is(other)) {
        return Ok(());
    }
    let mut lines = text.splitn(4, |byte| *byte == b'\n');
    // An empty line, the name, the length; the digits are read to the first that is none.
    let Some(digits) = lines.by_ref().nth(3) else { return Ok(()) };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = digits.iter().filter(|byte| !byte.is_ascii_whitespace()).map_while(digit).collect();
    let bytes: Vec<u8> =
        digits.chunks_exact(2).filter_map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect();
    context.decoded(bytes.len())?;
    if let Some(block) = bytes.strip_prefix(b"Exif\0\0") {
        exif::inspect(context, block)
    } else if let Some(packet) = bytes.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
        about(context, packet)
    } else if is("xmp") {
        about(context, &bytes)
    } else {
        exif::inspect(context, &bytes)
    }
}

/// Keyword, whether it is packed, language, translated keyword, text.
fn international(context: &mut Context<'_>, data: &[u8]) -> Done {
    let Some(end) = memchr::memchr(0, data) else { return Ok(()) };
    let (is_packed, rest) = (data.get(end + 1) == Some(&1), tail(data, end + 3));
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let (Some(_language), Some(keyword), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(());
    };
    about(context, keyword)?;
    if is_packed {
        let unpacked = context.inflate(text, Wrap::Zlib)?;
        about(context, &unpacked.bytes)?;
        profile(context, data, &unpacked.bytes)
    } else {
        about(context, text)?;
        profile(context, data, text)
    }
}
