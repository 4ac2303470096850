//! The picture of the self-test of who reads pictures: a few letters, black on white, drawn here so that it is nobody's data.

use std::io::Write as _;

use flate2::{Compression, Crc, write::ZlibEncoder};

/// What stands in the picture: letters of straight lines, which are mistaken for no others.
const WORDS: [&str; 2] = ["LITTLE", "HOTEL"];

/// Letters of 5 by 7 dots, drawn for this: a row is five bits.
const LETTERS: [(char, [u8; 7]); 6] = [
    ('E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]),
    ('H', [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('I', [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('L', [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
    ('O', [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]),
];

/// Pixels of a dot.
const SCALE: usize = 6;
/// White around the letters, in dots.
const MARGIN: usize = 4;

/// Whether this is what the picture says. One of both is enough: who reads `L1TTLE HOTEL` reads.
pub(super) fn says(text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_uppercase();
    WORDS.iter().any(|word| plain.contains(word))
}

/// The picture, as PNG (W3C PNG, third edition): grey, 8 bits, no filters.
pub(super) fn picture() -> Vec<u8> {
    let text: Vec<char> = WORDS.join(" ").chars().collect();
    let (width, height) = (6 * text.len() + 2 * MARGIN, 7 + 2 * MARGIN);
    let mut rows = Vec::with_capacity(height * SCALE * (width * SCALE + 1));
    for y in 0..height * SCALE {
        rows.push(0);
        rows.extend((0..width * SCALE).map(|x| if is_black(&text, x / SCALE, y / SCALE) { 0 } else { 255 }));
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to a vector does not fail; a picture that is none would fail the test.
    let _ = packed.write_all(&rows);
    let packed = packed.finish().unwrap_or_default();
    let side = |dots: usize| u32::try_from(dots * SCALE).unwrap_or(u32::MAX).to_be_bytes();
    let header = [side(width).as_slice(), &side(height), &[8, 0, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", packed), (b"IEND", Vec::new())] {
        png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(&data);
        png.extend(kind);
        png.extend(data);
        png.extend(sum.sum().to_be_bytes());
    }
    png
}

/// Whether a dot of the line is black.
fn is_black(text: &[char], x: usize, y: usize) -> bool {
    let (Some(x), Some(y)) = (x.checked_sub(MARGIN), y.checked_sub(MARGIN)) else { return false };
    let letter = text.get(x / 6).and_then(|c| LETTERS.iter().find(|(letter, _)| letter == c));
    let row = letter.and_then(|(_, rows)| rows.get(y)).copied().unwrap_or_default();
    // The sixth dot parts two letters.
    x % 6 < 5 && row >> (4 - x % 6) & 1 == 1
}

#[cfg(test)]
mod tests {
    use cordon_files::{Claim, FileType, Limits, Reason};

    use super::*;

    #[test]
    fn the_picture_is_a_sound_one() {
        let claim = Claim { name: Some("a.png"), media_type: Some("image/png") };
        let report = cordon_files::inspect(&picture(), &claim, &Limits::default());
        assert_eq!(report.file_type, FileType::Png);
        assert!(report.seen.iter().all(|seen| seen.reason == Reason::Pixels), "{:?}", report.seen);
        assert!(
            says(
                "Little H0TEL
"
            ) && says(
                "L1TTLE
HO TEL"
            ) && !says("")
                && !says("a titled hostel")
        );
    }
}
