//! What only looks like a credential: published examples, placeholders, references to where the value really is.

use super::published;

/// Words that stand where a value would.
const PLACEHOLDERS: [&str; 25] = [
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "your-",
    "your_",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "yourkey",
    "yourapi",
    "redacted",
    "dummy",
    "replace",
    "undefined",
    "required",
    "optional",
    "****",
    "....",
    "####",
    "process.env",
    "environ",
    "_here",
    "-here",
];
/// Words that stand there too, and by chance in random values or in names that people make up: only whole ones count.
const WHOLE: [&str; 5] = ["xxxx", "insert", "null", "none", "hidden"];

/// Whether a word stands where a secret would.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| contains(&lower, word.as_bytes()))
        || WHOLE.iter().any(|word| has_word(text, word.as_bytes()))
        || text.first().is_some_and(|first| text.iter().all(|b| b == first))
        || matches!(lower.first(), Some(b'<' | b'$' | b'{' | b'['))
        || lower
            .iter()
            .position(|b| *b == b'<')
            .is_some_and(|at| lower.get(at..).unwrap_or_default().contains(&b'>'))
}

/// Whether a word stands somewhere by itself: `NULL`, `insert_me`, `tokenNone` and `xxxxxxxx`, not `q7Null2` or `noneedle`.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    // One letter again and again may go on as it likes.
    let same = |byte: u8| word.iter().all(|letter| letter.eq_ignore_ascii_case(&byte));
    text.windows(word.len()).enumerate().any(|(at, window)| {
        let camel = window.first().is_some_and(u8::is_ascii_uppercase);
        let before = at.checked_sub(1).and_then(|at| text.get(at)).filter(|b| !same(**b));
        let after = text.get(at + word.len()).filter(|b| !same(**b));
        window.eq_ignore_ascii_case(word)
            && !before.is_some_and(|b| b.is_ascii_alphanumeric() && !(camel && b.is_ascii_lowercase()))
            && !after.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// Whether documentation prints this value, so that everybody knows it, or it was typed to look like one.
pub(super) fn is_example(text: &[u8]) -> bool {
    const TYPED: [&str; 11] = [
        "example",
        "xxxxx",
        "00000000000",
        "placeholder",
        "your_",
        "your-",
        "redacted",
        "changeme",
        "*****",
        "....",
        "#####",
    ];
    let lower = text.to_ascii_lowercase();
    published::holds(text)
        || TYPED.iter().any(|word| contains(&lower, word.as_bytes()))
        // Capitals are the base64 of zeros, as real tokens hold them.
        || contains(text, b"aaaaaaaa")
}

/// Variables, calls, paths and field accesses: the name of a secret, not the secret.
pub(super) fn is_reference(text: &[u8]) -> bool {
    // No name and no path is as random as this.
    if text.len() >= 20 && changes(text) >= 45 && entropy(text) >= 3.8 {
        return false;
    }
    let starts = matches!(
        text.first(),
        Some(b'$' | b'%' | b'*' | b'(' | b')' | b'[' | b']' | b'/' | b'-' | b'#' | b'.' | b',' | b':' | b'+')
    ) || text.starts_with(b"@{")
        || text.starts_with(b"./")
        || text.starts_with(b"~/");
    let dotted = text.contains(&b'.')
        && text.split(|b| *b == b'.').all(|part| {
            part.first().is_some_and(u8::is_ascii_alphabetic)
                && part.len() < 24
                && part.iter().filter(|b| b.is_ascii_digit()).count() < 3
                && part.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        });
    // Words joined by dashes are a description, not a value.
    let words = text.split(|b| matches!(b, b'-' | b'_')).filter(|part| part.len() >= 2);
    let described = words.clone().count() >= 4
        && words.clone().filter(|w| w.iter().all(u8::is_ascii_lowercase)).count() * 5 >= words.count() * 4;
    // `name-1.2.3`
    let version = text.rsplit(|b| matches!(b, b'-' | b'_')).next().is_some_and(|last| {
        last.len() < text.len()
            && last.contains(&b'.')
            && last.iter().all(|b| b.is_ascii_digit() || *b == b'.')
    });
    starts
        || described
        || dotted
        || version
        || [&b"::"[..], b"://", b"(", b"${", b"{{", b"=>", b"[\""].iter().any(|part| contains(text, part))
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Shannon entropy in bits per byte.
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)).max(1.0);
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|p| -p * p.log2())
        .sum()
}

/// How many of a hundred neighbours differ in kind (small, capital, digit, sign): about 60 in random base 62, 40 in
/// base 36, and under 40 in names made of words.
pub(super) fn changes(text: &[u8]) -> usize {
    let kind = |b: u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let pairs = text.windows(2).filter(|pair| matches!(pair, [a, b] if kind(*a) != kind(*b))).count();
    pairs * 100 / text.len().saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_references_and_values() {
        for text in
            ["<token>", "${TOKEN}", "YOUR_API_KEY", "xxxxxxxx", "changeme", "{{ secret }}", "********"]
        {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in
            ["os.environ", "config.auth.token", "getToken()", "%ENV%", "/run/secrets/db", "my-own-long-name"]
        {
            assert!(is_reference(text.as_bytes()), "{text}");
        }
        for text in ["9f8a7b6c5d4e3f2a1b0c", "Tr0ub4dor&3x", "q5Yt0vKp3rDHn2LZ8wXc"] {
            let bytes = text.as_bytes();
            assert!(!is_placeholder(bytes) && !is_reference(bytes) && !is_example(bytes), "{text}");
        }
    }

    #[test]
    fn random_text_changes_kind_more_often_than_names() {
        assert!(changes(b"q5Yt0vKp3rDHn2LZ8wXcJbF6") > 55);
        assert!(changes(b"SomeLongIdentifierNameOfAType") < 42);
        assert_eq!(entropy(b"aaaa"), 0.0);
    }
}
