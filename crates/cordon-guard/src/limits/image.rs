//! How large a picture in base64 is: its headers are read where they lie, and nothing else is decoded.
//!
//! INVARIANT: every reader that finds a picture in the text, however lenient, finds one of the size that is told here, or of less.
//! Where readers could differ there is no size.

use std::borrow::Cow;

/// What is known of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of the file.
    pub(super) bytes: u64,
}

/// Segments of a JPEG before its data, and chunks of a PNG before its own; cameras and editors write a few dozen.
const SEGMENTS: usize = 512;
/// Blocks of a GIF: frames, and the pieces of 255 bytes that their data is in.
const BLOCKS: usize = 1 << 20;

/// The size of a picture in a data URL, or in base64 alone; nothing where its header is not one of a PNG, JPEG, GIF, WebP or BMP.
pub(super) fn size(text: &str) -> Option<Size> {
    let base64 = match text.split_once(',') {
        Some((head, payload)) if head.to_ascii_lowercase().ends_with(";base64") => payload,
        Some(_) => return None,
        None => text,
    };
    let coded = Coded::new(base64)?;
    let (width, height) = coded
        .png()
        .or_else(|| coded.jpeg())
        .or_else(|| coded.gif())
        .or_else(|| coded.webp())
        .or_else(|| coded.bmp())?;
    let bytes = (coded.0.len() as u64).saturating_mul(3) / 4;
    (width > 0 && height > 0).then_some(Size { width, height, bytes })
}

/// Text in base64 (RFC 4648, 4), without padding and white space.
struct Coded<'a>(Cow<'a, [u8]>);

impl<'a> Coded<'a> {
    /// Takes a text that all readers read alike: white space is passed over by those that take it at all. A letter of the other alphabet,
    /// padding in the middle or anything else is a bit of the picture to one of them and nothing to another.
    fn new(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut letters = if bytes.iter().any(u8::is_ascii_whitespace) {
            Cow::Owned(bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>())
        } else {
            Cow::Borrowed(bytes)
        };
        let end = letters.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last.saturating_add(1));
        match &mut letters {
            Cow::Owned(letters) => letters.truncate(end),
            Cow::Borrowed(letters) => *letters = letters.get(..end)?,
        }
        let whole = letters.len() % 4 != 1 && letters.iter().all(|letter| value(*letter).is_some());
        whole.then_some(Self(letters))
    }

    fn byte(&self, at: usize) -> Option<u8> {
        let place = at.checked_div(3)?.checked_mul(4)?.checked_add(at % 3)?;
        let (first, second) = (value(*self.0.get(place)?)?, value(*self.0.get(place + 1)?)?);
        let shift = 2 * (at % 3) + 2;
        Some(first << shift | second >> (6 - shift))
    }

    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        for (offset, byte) in bytes.iter_mut().enumerate() {
            *byte = self.byte(at.checked_add(offset)?)?;
        }
        Some(bytes)
    }

    fn is(&self, at: usize, magic: &[u8]) -> bool {
        magic.iter().zip(at..).all(|(magic, at)| self.byte(at) == Some(*magic))
    }

    /// PNG (ISO/IEC 15948), 5.2 and 11.2.2: the signature, and the header as the first chunk and the only one.
    fn png(&self) -> Option<(u32, u32)> {
        if !self.is(0, b"\x89PNG\r\n\x1a\n") || !self.is(12, b"IHDR") {
            return None;
        }
        let sides = (u32::from_be_bytes(self.bytes(16)?), u32::from_be_bytes(self.bytes(20)?));
        let mut at = 8_usize;
        for _ in 0..SEGMENTS {
            let length = usize::try_from(u32::from_be_bytes(self.bytes(at)?)).ok()?;
            at = at.checked_add(length)?.checked_add(12)?;
            match self.bytes::<4>(at.checked_add(4)?).as_ref() {
                Some(b"IHDR") => return None,
                Some(b"IDAT") | None => return Some(sides),
                Some(_) => {}
            }
        }
        None
    }

    /// GIF89a, 17 to 20: the logical screen, and the frames, which some readers make room for beyond it.
    fn gif(&self) -> Option<(u32, u32)> {
        if !self.is(0, b"GIF87a") && !self.is(0, b"GIF89a") {
            return None;
        }
        let short = |at: usize| self.bytes(at).map(|bytes| u32::from(u16::from_le_bytes(bytes)));
        // The bytes of a table of colours, by the flags that say whether there is one.
        let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3_usize << ((flags & 7) + 1) };
        let (mut width, mut height) = (short(6)?, short(8)?);
        let mut at = 13_usize.checked_add(table(self.byte(10)?))?;
        let mut blocks = 0;
        while let Some(kind) = self.byte(at) {
            match kind {
                // A frame.
                0x2c => {
                    let Some(flags) = self.byte(at.checked_add(9)?) else { break };
                    let side = |near: usize, far: usize| {
                        Some(short(at.checked_add(near)?)? + short(at.checked_add(far)?)?)
                    };
                    (width, height) = (width.max(side(1, 5)?), height.max(side(3, 7)?));
                    at = at.checked_add(11)?.checked_add(table(flags))?;
                }
                // An extension.
                0x21 => at = at.checked_add(2)?,
                // The end.
                0x3b => break,
                _ => return None,
            }
            // What it holds, in pieces.
            while let Some(length) = self.byte(at) {
                at = at.checked_add(usize::from(length))?.checked_add(1)?;
                blocks += 1;
                if blocks > BLOCKS {
                    return None;
                }
                if length == 0 {
                    break;
                }
            }
        }
        Some((width, height))
    }

    /// BMP: the core header of OS/2, or one of those that begin with the 40 bytes of Windows' (Microsoft, BITMAPINFOHEADER).
    fn bmp(&self) -> Option<(u32, u32)> {
        if !self.is(0, b"BM") {
            return None;
        }
        match u32::from_le_bytes(self.bytes(14)?) {
            12 => {
                Some((u16::from_le_bytes(self.bytes(18)?).into(), u16::from_le_bytes(self.bytes(20)?).into()))
            }
            40.. => {
                let side = |bytes| i32::from_le_bytes(bytes).unsigned_abs();
                Some((side(self.bytes(18)?), side(self.bytes(22)?)))
            }
            _ => None,
        }
    }

    /// WebP (RFC 9649, 2.5 to 2.7): the canvas of the extended form, or the frame of the others.
    fn webp(&self) -> Option<(u32, u32)> {
        if !self.is(0, b"RIFF") || !self.is(8, b"WEBP") {
            return None;
        }
        let short = |at| self.bytes(at).map(|bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff));
        match &self.bytes::<4>(12)? {
            b"VP8X" => {
                let side = |at| {
                    let [low, middle, high] = self.bytes(at)?;
                    Some(u32::from_le_bytes([low, middle, high, 0]) + 1)
                };
                Some((side(24)?, side(27)?))
            }
            b"VP8L" if self.is(20, &[0x2f]) => {
                let bits = u32::from_le_bytes(self.bytes(21)?);
                Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
            }
            b"VP8 " if self.is(23, &[0x9d, 0x01, 0x2a]) => Some((short(26)?, short(28)?)),
            _ => None,
        }
    }

    /// JPEG (ITU-T T.81, annex B): segments up to the data, and among them the header of the frame, which is the only one.
    fn jpeg(&self) -> Option<(u32, u32)> {
        if !self.is(0, b"\xff\xd8") {
            return None;
        }
        let mut frame = None;
        let mut at = 2_usize;
        for _ in 0..SEGMENTS {
            let marker = match self.bytes(at) {
                Some([0xff, marker]) => marker,
                Some(_) => return None,
                None => return frame,
            };
            match marker {
                // Fill, and markers without a segment.
                0xff => {
                    at = at.checked_add(1)?;
                    continue;
                }
                0x01 | 0xd0..=0xd7 => {
                    at = at.checked_add(2)?;
                    continue;
                }
                // A frame: all but the definitions of tables, and one that is reserved.
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    let [high, low, across, wide] = self.bytes(at.checked_add(5)?)?;
                    let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                    if frame.replace((side(across, wide), side(high, low))).is_some() {
                        return None;
                    }
                }
                // The end, or the data.
                0xd9 | 0xda => return frame,
                0xd8 => return None,
                _ => {}
            }
            let Some(length) = self.bytes(at.checked_add(2)?) else { return frame };
            at = at.checked_add(2)?.checked_add(usize::from(u16::from_be_bytes(length)).max(2))?;
        }
        None
    }
}

/// What a letter of base64 stands for (RFC 4648, 4).
const fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base64(bytes: &[u8]) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
                << (8 * (3 - chunk.len()));
            for place in 0..=chunk.len() {
                text.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]));
            }
            text.extend(std::iter::repeat_n('=', 3 - chunk.len()));
        }
        text
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        [
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(),
            &width.to_be_bytes(),
            &height.to_be_bytes(),
            &[8, 2, 0, 0, 0],
        ]
        .concat()
    }

    fn jpeg(before: &[&[u8]], width: u16, height: u16) -> Vec<u8> {
        let frame = [&[0xff, 0xc2, 0, 17, 8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[3]].concat();
        [&[0xff, 0xd8][..], &before.concat(), &frame].concat()
    }

    fn sides(bytes: &[u8]) -> Option<(u32, u32)> {
        size(&base64(bytes)).map(|size| (size.width, size.height))
    }

    #[test]
    fn the_headers_of_five_formats_are_read() {
        assert_eq!(sides(&png(1_024, 70_000)), Some((1_024, 70_000)));
        assert_eq!(sides(b"GIF89a\x40\x01\xf0\0\0\0\0"), Some((320, 240)));
        assert_eq!(
            sides(
                &[
                    b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0",
                    &800_i32.to_le_bytes()[..],
                    &(-600_i32).to_le_bytes()
                ]
                .concat()
            ),
            Some((800, 600))
        );
        assert_eq!(sides(b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x0c\0\0\0\x05\0\x06\0"), Some((5, 6)));
        assert_eq!(sides(b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\xff\x0f\0\x07\0\0"), Some((4_096, 8)));
        let lossless = (1_999_u32 | 99 << 14).to_le_bytes();
        assert_eq!(sides(&[b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f", &lossless[..]].concat()), Some((2_000, 100)));
        assert_eq!(
            sides(b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x20\x03\x58\x02"),
            Some((800, 600))
        );
        // Behind a thumbnail, which has a frame of its own, a comment, fill and tables.
        let thumbnail = [&[0xff, 0xe1, 0, 24][..], &jpeg(&[], 9, 9), &[0; 10]].concat();
        let before = [&thumbnail[..], &[0xff, 0xfe, 0, 3, 7], &[0xff], &[0xff, 0xc4, 0, 2]];
        assert_eq!(sides(&jpeg(&before, 640, 480)), Some((640, 480)));
    }

    #[test]
    fn how_it_is_sent_makes_no_difference() {
        let text = base64(&png(7, 9));
        let expected = Some(Size { width: 7, height: 9, bytes: 29 });
        assert_eq!(size(&text), expected);
        assert_eq!(size(&format!("data:image/jpeg;charset=x;BASE64,{text}")), expected);
        assert_eq!(size(text.trim_end_matches('=')), expected);
        assert_eq!(size(&text.replace("AA", "AA\r\n")), expected);
    }

    #[test]
    fn what_cannot_be_read_has_no_size() {
        for text in [
            "",
            "https://example.com/a.png",
            "data:image/png,%89PNG",
            "data:image/svg+xml;base64,PHN2Zz4=",
            "file-123",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
        assert_eq!(sides(&png(0, 9)), None);
        assert_eq!(sides(&png(9, 9)[..22]), None);
        assert_eq!(sides(&[0xff, 0xd8, 0xff, 0xda, 0, 2]), None);
        assert_eq!(
            sides(&jpeg(&[&[0xff, 0xfe, 0, 2][..]; SEGMENTS], 9, 9)),
            None,
            "more segments than any picture has"
        );
    }

    #[test]
    fn where_readers_could_differ_there_is_no_size() {
        // What a lenient reader skips moves all that comes after it.
        for picture in [
            png(9, 9),
            jpeg(&[&[&[0xff, 0xfe, 0, 12][..], &[0; 10]].concat()], 9, 9),
            [&b"GIF89a\x09\0\x09\0\0\0\0"[..], &[0x3b; 20]].concat(),
            b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x08\0\0\x08\0\0".to_vec(),
            b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x08\0\x02\0\0\0\0\0".to_vec(),
            [&b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x0c\0\0\0\x09\0\x09\0"[..], &[0; 9]].concat(),
        ] {
            let text = base64(&picture);
            let sides = |text: &str| size(text).map(|size| (size.width, size.height));
            assert_eq!(sides(&text), Some((9, 9)));
            for at in 0..=text.len() {
                let (before, after) = text.split_at(at);
                for letter in ["-", "_", "=", "%", "\0", "é"] {
                    let with = [before, letter, after].concat();
                    let ends = letter == "=" && after.bytes().all(|byte| byte == b'=');
                    assert!(ends || sides(&with).is_none(), "{with}");
                }
                // White space is no letter to anybody.
                for letter in ["\r\n", " ", "\t"] {
                    assert_eq!(sides(&[before, letter, after].concat()), Some((9, 9)));
                }
            }
            assert_eq!(sides(&format!("{text}A")), None, "one letter too many");
        }
    }

    #[test]
    fn what_is_told_twice_is_not_believed() {
        let chunk = |kind: &[u8; 4], data: &[u8]| {
            [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], kind, data, &[0; 4]].concat()
        };
        let large = [&20_000_u32.to_be_bytes()[..], &20_000_u32.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        let first = [png(9, 9), vec![0; 4], chunk(b"tEXt", b"a")].concat();
        assert_eq!(sides(&[&first[..], &chunk(b"IDAT", b"")].concat()), Some((9, 9)));
        assert_eq!(sides(&[&first[..], &chunk(b"IHDR", &large), &chunk(b"IDAT", b"")].concat()), None);
        let frame = |side: u16| jpeg(&[], side, side)[2..].to_vec();
        let mut first = frame(9);
        first.extend([0; 9]);
        assert_eq!(sides(&jpeg(&[&first], 9_000, 9_000)), None);
        // A frame beyond the screen makes some readers make room for it.
        let block = |width: u8| [&[0x2c, 1, 0, 2, 0, 7, width, 7, 0, 0, 8, 1, 0, 0][..]].concat();
        let gif =
            [&b"GIF89a\x09\0\x09\0\0\0\0\x21\xf9\x04\0\0\0\0\0"[..], &block(0), &block(1), &[0x3b]].concat();
        assert_eq!(sides(&gif), Some((264, 9)));
        assert_eq!(sides(&[&gif[..gif.len() - 1], &[7]].concat()), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_fault(text in "[A-Za-z0-9+/=,; ]{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (size(&text), sides(&[b"\xff\xd8".as_slice(), &bytes].concat()), sides(&bytes));
        }
    }
}
