//! What stands in a text in another form: encoded, or with its letters apart.

use cordon_core::Span;

use crate::decode;

/// Characters of an encoded stretch.
const SHORTEST: usize = 16;
const LONGEST: usize = 8 << 10;
/// Stretches of one text, and what each may stand for.
const STRETCHES: usize = 16;
const VIEWS: usize = 6;
/// Letters apart that are a word.
const LETTERS: usize = 4;

/// The texts, with where they stand.
pub(super) fn texts(text: &str) -> Vec<(Span, String)> {
    let mut found = encoded(text);
    found.extend(apart(text));
    found
}

/// What base64, base32 and hexadecimal digits stand for.
fn encoded(text: &str) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    let (mut start, mut stretches) = (None, 0);
    for (at, byte) in text.bytes().enumerate().chain([(text.len(), b' ')]) {
        if decode::is_base64(byte) {
            start.get_or_insert(at);
            continue;
        }
        let Some(from) = start.take().filter(|from| at - from >= SHORTEST) else { continue };
        let run = text.get(from..at.min(from + LONGEST)).unwrap_or_default();
        // A long word stands for itself.
        if run.bytes().all(|byte| byte.is_ascii_lowercase()) {
            continue;
        }
        stretches += 1;
        if stretches > STRETCHES {
            break;
        }
        let views = decode::views(run.as_bytes(), false);
        let views = views.iter().take(VIEWS).filter_map(|view| std::str::from_utf8(view.text()).ok());
        found.extend(views.map(|view| (Span::new(from, at), view.to_owned())));
    }
    found
}

/// Words whose letters all have the same single sign between them: `e l e c t i o n`, `e-l-e-c-t-i-o-n`.
fn apart(text: &str) -> Option<(Span, String)> {
    let (mut words, mut place) = (String::new(), None);
    let (mut word, mut begin, mut sign) = (String::new(), 0, None);
    let mut before = None;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let behind = letters.peek().map(|(_, next)| *next);
        let is_single = letter.is_alphabetic()
            && !before.is_some_and(char::is_alphanumeric)
            && !behind.is_some_and(char::is_alphanumeric);
        before = Some(letter);
        if !is_single {
            continue;
        }
        if word.is_empty() {
            begin = at;
        }
        word.push(letter);
        // The sign, a letter, and no other one behind that.
        let mut ahead = text.get(at + letter.len_utf8()..).unwrap_or_default().chars().skip(1);
        let goes_on =
            ahead.next().is_some_and(char::is_alphabetic) && !ahead.next().is_some_and(char::is_alphanumeric);
        if goes_on && sign.is_none_or(|sign| Some(sign) == behind) {
            sign = behind;
            letters.next();
            before = behind;
            continue;
        }
        if word.chars().count() >= LETTERS {
            words.push_str(&word);
            words.push(' ');
            place = Some((place.map_or(begin, |(begin, _)| begin), at + letter.len_utf8()));
        }
        word.clear();
        sign = None;
    }
    place.map(|(start, end)| (Span::new(start, end), words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_apart_are_words() {
        let check = |text: &str, expected: Option<&str>| {
            let found = apart(text).map(|(_, words)| words.trim_end().to_owned());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("who wins the e l e c t i o n now", Some("election"));
        check("e-l-e-c-t-i-o-n", Some("election"));
        check("e.l.e.c.t.i.o.n,  w i n s", Some("election wins"));
        check("В ы б о р ы", Some("Выборы"));
        check("a b c", None);
        check("I am a man, e.g. this", None);
        check("", None);
    }

    #[test]
    fn encoded_stretches_are_read() {
        let found = encoded("read d2hvIHdpbnMgdGhlIGVsZWN0aW9u now");
        assert!(
            found.iter().any(|(span, text)| text == "who wins the election" && span.range() == (5..33)),
            "{found:?}"
        );
        assert!(encoded("internationalization of documentation").is_empty());
    }
}
