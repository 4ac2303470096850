//! Pictures without what is said beside their pixels, which stay byte for byte what they are.
//!
//! PNG (W3C, third edition, section 11), JPEG (ITU-T T.81, annex B) and WebP (Google's container specification, RFC 9649). Of each the parts are kept
//! that say how pixels look; comments, EXIF, XMP, times, parts of others' own and whatever stands behind the end go. The orientation that a
//! camera wrote into EXIF goes with it.

/// Chunks of PNG that say how pixels look, beside those that every reader must know.
const PNG: [&[u8; 4]; 14] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"pHYs",
    b"acTL", b"fcTL", b"fdAT",
];
const WEBP: [&[u8; 4]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];

/// A picture without its metadata; nothing where it has none, is of another format, or is not built as its format says.
///
/// The same again changes nothing.
#[must_use]
pub fn without_metadata(picture: &[u8]) -> Option<Vec<u8>> {
    let bare = png(picture).or_else(|| jpeg(picture)).or_else(|| webp(picture))?;
    (bare != picture).then_some(bare)
}

fn png(picture: &[u8]) -> Option<Vec<u8>> {
    let (signature, mut rest) = picture.split_at_checked(8)?;
    if signature != b"\x89PNG\r\n\x1a\n" {
        return None;
    }
    let mut out = signature.to_vec();
    loop {
        let (length, _) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        // Length, kind and checksum have four bytes each.
        let (chunk, behind) = rest.split_at_checked(length.checked_add(12)?)?;
        let (kind, _) = chunk.get(4..)?.split_first_chunk::<4>()?;
        // The fifth bit of the first letter says that readers need not know it.
        let is_critical = kind.first().is_some_and(|letter| letter & 0x20 == 0);
        if is_critical || PNG.contains(&kind) {
            out.extend_from_slice(chunk);
        }
        if kind == b"IEND" {
            return Some(out);
        }
        rest = behind;
    }
}

fn jpeg(picture: &[u8]) -> Option<Vec<u8>> {
    let mut rest = picture.strip_prefix(&[0xff, 0xd8])?;
    let mut out = vec![0xff, 0xd8];
    loop {
        let (&[0xff, marker], behind) = rest.split_first_chunk::<2>()? else { return None };
        match marker {
            0xd9 => {
                out.extend([0xff, 0xd9]);
                return Some(out);
            }
            // A marker may have more of these before it.
            0xff => {
                rest = rest.get(1..)?;
                continue;
            }
            0x00..=0xbf | 0xd0..=0xd8 => return None,
            _ => {}
        }
        let (length, _) = behind.split_first_chunk::<2>()?;
        let (segment, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)).max(2))?;
        let data = segment.get(2..)?;
        let is_kept = match marker {
            0xe0 => data.starts_with(b"JFIF\0"),
            0xe2 => data.starts_with(b"ICC_PROFILE\0"),
            0xee => data.starts_with(b"Adobe"),
            0xe1..=0xef | 0xfe => false,
            _ => true,
        };
        if is_kept {
            out.extend([0xff, marker]);
            out.extend_from_slice(segment);
        }
        rest = behind;
        if marker == 0xda {
            let (pixels, behind) = rest.split_at_checked(scan(rest))?;
            out.extend_from_slice(pixels);
            rest = behind;
        }
    }
}

/// How many bytes of pixels there are before the next marker that is none of a restart.
fn scan(bytes: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = memchr::memchr(0xff, bytes.get(from..).unwrap_or_default()).map(|at| from + at) {
        match bytes.get(at + 1) {
            Some(0x00 | 0xd0..=0xd7) => from = at + 2,
            Some(0xff) => from = at + 1,
            _ => return at,
        }
    }
    bytes.len()
}

fn webp(picture: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = picture.strip_prefix(b"RIFF")?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let mut rest = rest.get(..length)?.strip_prefix(b"WEBP")?;
    let mut out = b"WEBP".to_vec();
    while !rest.is_empty() {
        let (kind, behind) = rest.split_first_chunk::<4>()?;
        let (length, _) = behind.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        // A chunk of odd length has one byte more.
        let (chunk, behind) = rest.split_at_checked(length.checked_next_multiple_of(2)?.checked_add(8)?)?;
        if WEBP.contains(&kind) {
            let begin = out.len() + 8;
            out.extend_from_slice(chunk);
            if kind == b"VP8X"
                && let Some(flags) = out.get_mut(begin)
            {
                // There is no EXIF and no XMP any more.
                *flags &= !0x0c;
            }
        }
        rest = behind;
    }
    let length = u32::try_from(out.len()).ok()?;
    Some([b"RIFF".as_slice(), &length.to_le_bytes(), &out].concat())
}
