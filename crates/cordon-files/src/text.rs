//! Bytes of text as text: UTF-8, UTF-16 with its mark, and what of other encodings can be read.

use crate::{
    Reason, Role,
    context::{Context, Done},
};

/// A text, and how it was written.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    /// Whether some bytes were none of the encoding: U+FFFD stands for each, or the letter that Latin-1 has.
    pub(crate) mixed: bool,
}

/// Reads bytes as text. Bytes that are not UTF-8 are read as Windows' Latin-1 where nothing else of the text is UTF-8 beyond
/// ASCII, and as U+FFFD otherwise.
pub(crate) fn decode(bytes: &[u8]) -> Decoded {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: text.to_owned(), mixed: false };
    }
    let has_utf8 = bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if has_utf8 {
            if !chunk.invalid().is_empty() {
                text.push('\u{fffd}');
            }
        } else {
            text.extend(chunk.invalid().iter().map(|byte| windows1252(*byte)));
        }
    }
    Decoded { text, mixed: has_utf8 }
}

/// A name of an entry: UTF-8, or Windows' Latin-1. No mark of an encoding is looked for, as no reader of archives does.
pub(crate) fn name(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(name) => name.to_owned(),
        Err(_) => bytes.iter().map(|byte| windows1252(*byte)).collect(),
    }
}

fn utf16(bytes: &[u8], join: fn([u8; 2]) -> u16) -> Decoded {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut mixed = !rest.is_empty();
    let text = char::decode_utf16(pairs.iter().map(|pair| join(*pair)))
        .map(|c| {
            c.unwrap_or_else(|_| {
                mixed = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    Decoded { text, mixed }
}

/// UTF-16 without a mark, little end first, as Windows keeps it; U+FFFD for what is none.
pub(crate) fn utf16_le(bytes: &[u8]) -> String {
    utf16(bytes, u16::from_le_bytes).text
}

/// UTF-16 without a mark, big end first.
pub(crate) fn utf16_be(bytes: &[u8]) -> String {
    utf16(bytes, u16::from_be_bytes).text
}

/// The character of a byte in Windows' code page 1252; Latin-1 where it has none.
pub(crate) fn windows1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}

/// Whether a text that begins with a bracket goes on as JSON does.
pub(crate) fn looks_like_json(text: &[u8]) -> bool {
    let Some((open, rest)) = text.split_first() else { return false };
    let next = rest.trim_ascii_start().first().copied();
    match (open, next) {
        (b'{', Some(b'"' | b'}')) | (b'[', Some(b'"' | b'{' | b']' | b'-' | b'0'..=b'9')) => true,
        (b'[', _) => {
            let rest = rest.trim_ascii_start();
            rest.starts_with(b"[[")
                || rest.starts_with(b"[{")
                || [&b"true"[..], b"false", b"null"].into_iter().any(|word| {
                    rest.strip_prefix(word).is_some_and(|rest| {
                        rest.trim_ascii_start().starts_with(b",") || rest.trim_ascii_start().starts_with(b"]")
                    })
                })
        }
        _ => false,
    }
}

/// A file of text: all of it is its body. The answer is the text, for the reader of its form.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done<String> {
    context.spend(bytes.len())?;
    let Decoded { text, mixed } = decode(bytes);
    context.decoded(text.len())?;
    if mixed || text.contains('\0') {
        context.see(Reason::MixedEncoding);
    }
    Ok(text)
}

/// A file of text without further form.
pub(crate) fn plain(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let text = inspect(context, bytes)?;
    context.text(Role::Body, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_read() {
        for (bytes, text, mixed) in [
            (&b"\xef\xbb\xbfabc"[..], "abc", false),
            (b"\xff\xfea\0\xac\x20", "a€", false),
            (b"\xfe\xff\0a\xd8\x00", "a\u{fffd}", true),
            (b"Gr\xfc\xdfe \x80", "Grüße €", false),
            ("ü\u{0}".as_bytes(), "ü\0", false),
            (b"\xc3\xbc\xff", "ü\u{fffd}", true),
        ] {
            let decoded = decode(bytes);
            assert_eq!((decoded.text.as_str(), decoded.mixed), (text, mixed));
        }
    }
}
