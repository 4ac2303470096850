//! Filters of streams (ISO 32000-1, 7.4).

use super::{
    file::File,
    object::{Dictionary, Object, is_space},
};
use crate::{
    Reason,
    bytes::{index, tail},
    context::{Context, Done, Halt},
    inflate::{End, Wrap},
};

/// Filters one behind the other.
const MOST: usize = 6;

/// The content of a stream with its filters undone; none where one of them is for pictures, or is not known.
pub(super) fn decode(
    context: &mut Context<'_>,
    file: &File<'_>,
    dictionary: &Dictionary,
    raw: &[u8],
) -> Done<Option<Vec<u8>>> {
    let names = list(file, dictionary.get("Filter").or_else(|| dictionary.get("F")));
    let parameters = list(file, dictionary.get("DecodeParms").or_else(|| dictionary.get("DP")));
    if names.len() > MOST {
        context.see(Reason::Bomb);
        return Ok(None);
    }
    if names.is_empty() {
        context.decoded(raw.len())?;
        return Ok(Some(raw.to_vec()));
    }
    let mut content: Option<Vec<u8>> = None;
    for (at, name) in names.iter().enumerate() {
        let input = content.as_deref().unwrap_or(raw);
        context.spend(input.len())?;
        let output = match name.name().unwrap_or_default() {
            "FlateDecode" | "Fl" => {
                let unpacked = context.inflate(input, Wrap::Zlib)?;
                // Readers take what came out before the damage.
                if unpacked.end == End::Broken && unpacked.bytes.is_empty() && !input.is_empty() {
                    context.see(Reason::Damaged);
                }
                let parameters = parameters.get(at).and_then(|object| file.resolve(object).dictionary());
                predicted(unpacked.bytes, parameters)
            }
            "LZWDecode" | "LZW" => {
                let parameters = parameters.get(at).and_then(|object| file.resolve(object).dictionary());
                let early =
                    parameters.and_then(|p| p.get("EarlyChange")).and_then(Object::number) != Some(0.0);
                let room = context.room().min(input.len().saturating_mul(context.limits.ratio).max(1 << 20));
                let Some(output) = lzw(input, early, room) else { return Err(Halt(Reason::Bomb)) };
                context.decoded(output.len())?;
                predicted(output, parameters)
            }
            "ASCIIHexDecode" | "AHx" => {
                let output = hexadecimal(input);
                context.decoded(output.len())?;
                output
            }
            "ASCII85Decode" | "A85" => {
                let Some(output) = ascii85(input, context.room()) else { return Err(Halt(Reason::Bomb)) };
                context.decoded(output.len())?;
                output
            }
            "RunLengthDecode" | "RL" => {
                // At most 128 bytes for each two.
                let Some(output) = run_length(input, context.room()) else { return Err(Halt(Reason::Bomb)) };
                context.decoded(output.len())?;
                output
            }
            "Crypt" => {
                context.see(Reason::Encrypted);
                return Ok(None);
            }
            _ => return Ok(None),
        };
        content = Some(output);
    }
    Ok(content)
}

/// One thing, or a list of them.
fn list<'f>(file: &'f File<'_>, object: Option<&'f Object>) -> Vec<&'f Object> {
    match object.map(|object| file.resolve(object)) {
        None | Some(Object::Null) => Vec::new(),
        Some(Object::Array(items)) => items.iter().map(|item| file.resolve(item)).collect(),
        Some(one) => vec![one],
    }
}

/// Undoes the prediction of rows that PNG has; TIFF's is for pictures alone.
fn predicted(bytes: Vec<u8>, parameters: Option<&Dictionary>) -> Vec<u8> {
    let number = |key: &str, default| {
        parameters.and_then(|parameters| parameters.get(key)).and_then(Object::length).unwrap_or(default)
    };
    if number("Predictor", 1) < 10 {
        return bytes;
    }
    let bits = number("Colors", 1).min(32) * number("BitsPerComponent", 8).min(16);
    let pixel = bits.div_ceil(8).max(1);
    let row = number("Columns", 1).min(1 << 20).saturating_mul(bits).div_ceil(8).max(1);
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.chunks(row + 1) {
        let Some((kind, line)) = line.split_first() else { break };
        let begin = out.len();
        for (at, byte) in line.iter().enumerate() {
            let up_at = (begin + at).checked_sub(row);
            let get = |at: Option<usize>| at.and_then(|at| out.get(at)).copied().unwrap_or(0);
            let left = if at >= pixel { get((begin + at).checked_sub(pixel)) } else { 0 };
            let up = get(up_at);
            let corner = if at >= pixel { get(up_at.and_then(|up| up.checked_sub(pixel))) } else { 0 };
            let predicted = match kind {
                1 => left,
                2 => up,
                3 => left.midpoint(up),
                4 => paeth(left, up, corner),
                _ => 0,
            };
            out.push(byte.wrapping_add(predicted));
        }
    }
    out
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |value: u8| (guess - i16::from(value)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

/// LZW with codes of 9 to 12 bits; none where it is more than the room.
fn lzw(input: &[u8], early: bool, room: usize) -> Option<Vec<u8>> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let mut out: Vec<u8> = Vec::new();
    // Each entry is a piece of what came out: where it begins, and how long it is.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    let (mut bits, mut held, mut width) = (0_u32, 0_u32, 9_u32);
    for byte in input {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= width {
            held -= width;
            let code = index(bits >> held & ((1 << width) - 1));
            bits &= (1 << held) - 1;
            if code == END {
                return Some(out);
            }
            if code == CLEAR {
                table.clear();
                (last, width) = (None, 9);
                continue;
            }
            let begin = out.len();
            if code < CLEAR {
                out.push(u8::try_from(code).unwrap_or_default());
            } else if let Some((start, length)) = table.get(code - 258).copied() {
                let piece = out.get(start..start + length)?.to_vec();
                out.extend_from_slice(&piece);
            } else if let Some((start, length)) = last {
                // The code that is made by this one: the last piece and its first byte again.
                let mut piece = out.get(start..start + length)?.to_vec();
                piece.extend(piece.first().copied());
                out.extend_from_slice(&piece);
            } else {
                return Some(out);
            }
            if out.len() > room {
                return None;
            }
            if let Some((start, length)) = last
                && table.len() < 4096 - 258
            {
                table.push((start, length + 1));
            }
            last = Some((begin, out.len() - begin));
            let next = table.len() + 258 + usize::from(early);
            width = match next {
                0..=511 => 9,
                512..=1023 => 10,
                1024..=2047 => 11,
                _ => 12,
            };
        }
    }
    Some(out)
}

fn hexadecimal(input: &[u8]) -> Vec<u8> {
    let digits =
        input.iter().take_while(|byte| **byte != b'>').filter_map(|byte| char::from(*byte).to_digit(16));
    let mut digits = digits.filter_map(|digit| u8::try_from(digit).ok());
    std::iter::from_fn(|| Some(digits.next()? * 16 + digits.next().unwrap_or(0))).collect()
}

/// None where it is more than the room.
fn ascii85(input: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut value, mut count) = (0_u32, 0_usize);
    for byte in input.iter().copied().filter(|byte| !is_space(*byte)) {
        if out.len() > room {
            return None;
        }
        match byte {
            b'~' => break,
            b'z' if count == 0 => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                value = value.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                count += 1;
                if count == 5 {
                    out.extend_from_slice(&value.to_be_bytes());
                    (value, count) = (0, 0);
                }
            }
            _ => {}
        }
    }
    if count > 1 {
        for _ in count..5 {
            value = value.wrapping_mul(85).wrapping_add(84);
        }
        out.extend(value.to_be_bytes().into_iter().take(count - 1));
    }
    Some(out)
}

/// None where it is more than the room.
fn run_length(input: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = input;
    while let Some((length, behind)) = rest.split_first() {
        if out.len() > room {
            return None;
        }
        match length {
            128 => break,
            0..=127 => {
                let count = usize::from(*length) + 1;
                let (piece, behind) = behind.split_at_checked(count).unwrap_or((behind, &[]));
                out.extend_from_slice(piece);
                rest = behind;
            }
            129..=255 => {
                out.extend(
                    behind
                        .first()
                        .into_iter()
                        .flat_map(|byte| std::iter::repeat_n(*byte, 257 - usize::from(*length))),
                );
                rest = tail(behind, 1);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_undone() {
        assert_eq!(hexadecimal(b"48 65 6c6C 6f7>"), b"Hellop");
        assert_eq!(ascii85(b"87cURD]i,\"Ebo80~>", 12).unwrap(), b"Hello World!");
        assert_eq!(ascii85(&b"z".repeat(1000), 100), None);
        assert_eq!(run_length(&[129, b'x'].repeat(1000), 1000), None);
        assert_eq!(run_length(&[2, b'a', b'b', b'c', 254, b'x', 128, b'y'], 6).unwrap(), b"abcxxx");
        // The example of the standard (7.4.4.2).
        let packed = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        assert_eq!(lzw(&packed, true, 100).unwrap(), [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
        assert_eq!(lzw(&packed, true, 5), None);
    }
}
