//! How large a picture in base64 is: its header is read where it lies, and nothing else is decoded.

/// What is known of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of the file.
    pub(super) bytes: u64,
}

/// Segments of a JPEG before its frame; cameras and editors write a few dozen.
const SEGMENTS: usize = 512;

/// The size of a picture in a data URL, or in base64 alone; nothing where its header is not one of a PNG, JPEG, GIF, WebP or BMP.
pub(super) fn size(text: &str) -> Option<Size> {
    let base64 = match text.split_once(',') {
        Some((head, payload)) if head.to_ascii_lowercase().ends_with(";base64") => payload,
        Some(_) => return None,
        None => text,
    };
    let coded = Coded(base64.trim_end_matches('=').as_bytes());
    let (width, height) = coded
        .png()
        .or_else(|| coded.jpeg())
        .or_else(|| coded.gif())
        .or_else(|| coded.webp())
        .or_else(|| coded.bmp())?;
    let bytes = (coded.0.len() as u64).saturating_mul(3) / 4;
    (width > 0 && height > 0).then_some(Size { width, height, bytes })
}

/// Text in base64, in one of its two alphabets.
struct Coded<'a>(&'a [u8]);

impl Coded<'_> {
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

    /// PNG (ISO/IEC 15948), 5.2 and 11.2.2: the signature, and the header as the first chunk.
    fn png(&self) -> Option<(u32, u32)> {
        if !self.is(0, b"\x89PNG\r\n\x1a\n") || !self.is(12, b"IHDR") {
            return None;
        }
        Some((u32::from_be_bytes(self.bytes(16)?), u32::from_be_bytes(self.bytes(20)?)))
    }

    /// GIF89a, 17 and 18: the logical screen, which no frame is larger than.
    fn gif(&self) -> Option<(u32, u32)> {
        if !self.is(0, b"GIF87a") && !self.is(0, b"GIF89a") {
            return None;
        }
        Some((u16::from_le_bytes(self.bytes(6)?).into(), u16::from_le_bytes(self.bytes(8)?).into()))
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

    /// JPEG (ITU-T T.81, annex B): segments up to the header of the frame.
    fn jpeg(&self) -> Option<(u32, u32)> {
        if !self.is(0, b"\xff\xd8") {
            return None;
        }
        let mut at = 2_usize;
        for _ in 0..SEGMENTS {
            let [0xff, marker] = self.bytes(at)? else { return None };
            match marker {
                // Fill, and markers without a segment.
                0xff => at = at.checked_add(1)?,
                0x01 | 0xd0..=0xd7 => at = at.checked_add(2)?,
                // A frame: all but the definitions of tables, and one that is reserved.
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    // What a lenient reader would skip would have moved all that was read here.
                    let passed = self.0.get(..at.checked_mul(4)?.div_ceil(3))?;
                    let plain = passed.iter().all(|byte| value(*byte).is_some());
                    let [high, low, across, wide] = self.bytes(at.checked_add(5)?)?;
                    let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                    return plain.then(|| (side(across, wide), side(high, low)));
                }
                // The end, or the data, before any frame.
                0xd8..=0xda => return None,
                _ => {
                    let length = u16::from_be_bytes(self.bytes(at.checked_add(2)?)?);
                    at = at.checked_add(2)?.checked_add(usize::from(length).max(2))?;
                }
            }
        }
        None
    }
}

/// What a letter of base64 stands for (RFC 4648, 4 and 5).
const fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
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
        // A reader that skips spaces would find another frame than the one that lies here.
        let comment = [&[0xff, 0xfe, 0, 12][..], &[0; 10]].concat();
        let mut spaced = base64(&jpeg(&[&comment], 9, 9));
        assert!(size(&spaced).is_some());
        spaced.replace_range(12..13, " ");
        assert_eq!(size(&spaced), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_fault(text in "[A-Za-z0-9+/=,; ]{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (size(&text), sides(&[b"\xff\xd8".as_slice(), &bytes].concat()), sides(&bytes));
        }
    }
}
