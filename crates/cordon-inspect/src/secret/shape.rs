//! The shape of a token in parts: a class and a count for each part, and what stands between them.
//!
//! `h8-h4` is eight hexadecimal digits, a dash, and four; `d10,13` is ten to thirteen digits; `w20+` at least twenty.
//! Classes: `a` letters and digits, `b` base64, `d` digits, `h` hexadecimal digits, `l` small letters and digits, `u`
//! capital letters and digits, `w` letters, digits, `-` and `_`. In `'AA'` the letters stand for themselves, as every
//! other byte does. Each part takes as much as it may: there is no way back, so the time is linear.

/// Whether all of a text has the shape.
pub(super) fn fits(shape: &str, text: &[u8]) -> bool {
    let (mut shape, mut text) = (shape.as_bytes(), text);
    while let Some((first, rest)) = shape.split_first() {
        if *first == b'\'' {
            let Some(end) = rest.iter().position(|b| *b == b'\'') else { return false };
            let (literal, after) = rest.split_at_checked(end).unwrap_or_default();
            let Some(left) = text.strip_prefix(literal) else { return false };
            (shape, text) = (after.get(1..).unwrap_or_default(), left);
            continue;
        }
        let Some(class) = class(*first) else {
            let Some(left) = text.strip_prefix(&[*first]) else { return false };
            (shape, text) = (rest, left);
            continue;
        };
        let (least, rest) = number(rest);
        let (most, rest) = match rest.split_first() {
            Some((b',', rest)) => number(rest),
            Some((b'+', rest)) => (usize::MAX, rest),
            _ => (least, rest),
        };
        let count = text.iter().take(most).take_while(|b| class(**b)).count();
        if count < least {
            return false;
        }
        (shape, text) = (rest, text.get(count..).unwrap_or_default());
    }
    text.is_empty()
}

fn class(letter: u8) -> Option<fn(u8) -> bool> {
    Some(match letter {
        b'a' => |b| b.is_ascii_alphanumeric(),
        b'b' => |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'),
        b'd' => |b| b.is_ascii_digit(),
        b'h' => |b| b.is_ascii_hexdigit(),
        b'l' => |b| b.is_ascii_lowercase() || b.is_ascii_digit(),
        b'u' => |b| b.is_ascii_uppercase() || b.is_ascii_digit(),
        b'w' => |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'),
        _ => return None,
    })
}

/// The number at the start of a shape, and what follows it.
fn number(shape: &[u8]) -> (usize, &[u8]) {
    let digits = shape.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = shape.split_at_checked(digits).unwrap_or_default();
    (digits.iter().fold(0, |sum, b| sum * 10 + usize::from(b - b'0')), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let uuid = "h8-h4-h4-h4-h12";
        for (shape, text, want) in [
            (uuid, "550e8400-e29b-41d4-a716-446655440000", true),
            (uuid, "550e8400-e29b-41d4-a716-44665544000", false),
            (uuid, "550e8400-e29b-41d4-a716-4466554400000", false),
            (uuid, "550e8400-e29b-41d4-a716_446655440000", false),
            ("d2,4-a3", "123-ab9", true),
            ("d2,4-a3", "12345-ab9", false),
            ("w3+'AA'", "ab_AA", false),
            ("l3'AA'", "ab9AA", true),
            ("l3'AA'", "ab9AB", false),
            ("a2.d1+", "x9.123", true),
            ("a2.d1+", "x9.", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(shape, text.as_bytes()), want, "{shape} {text}");
        }
    }
}
