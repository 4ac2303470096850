//! Where an answer names its sources.

use std::ops::Range;

/// The most citations of a text, and the longest one, in bytes.
const MOST: usize = 512;
const LONGEST: usize = 512;
/// Most digits of the number of a source.
const MAX_DIGITS: usize = 4;

/// Words after which the name of a source stands, in small letters.
const WORDS: [&str; 12] = [
    "source", "sources", "quelle", "quellen", "fuente", "fonte", "bron", "doc", "document", "dokument",
    "ref", "see",
];

/// A place at which an answer names a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// Where it stands in the answer.
    pub range: Range<usize>,
    /// What is named.
    pub cited: Cited,
}

/// What a citation names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cited {
    /// The source of this number, counted from one: `[3]`, `[^3]`, `[doc 3]`.
    Number(u32),
    /// A source by name: `(source: price list)`, `[price-list]`. Whether something in brackets is a name at all, the names decide.
    Name {
        /// The name.
        name: String,
        /// Whether a word says that it is one.
        said: bool,
    },
    /// A source by its address: `[the price list](https://…)`.
    Address(String),
}

/// The citations of an answer, in their order; at most 512. In code between backquotes there are none. The time is linear in the text.
///
/// ```
/// use cordon_inspect::{Cited, citations};
/// let text = "It costs 5 EUR [1]. It is red (source: catalogue). [More](https://example.com/a)";
/// let cited: Vec<Cited> = citations(text).into_iter().map(|citation| citation.cited).collect();
/// assert_eq!(cited[0], Cited::Number(1));
/// assert_eq!(cited[1], Cited::Name { name: "catalogue".to_owned(), said: true });
/// assert_eq!(cited[2], Cited::Address("https://example.com/a".to_owned()));
/// ```
pub fn citations(text: &str) -> Vec<Citation> {
    let mut found = Vec::new();
    let mut code = code(text).into_iter().peekable();
    let mut from = 0;
    while let Some(at) =
        text.get(from..).and_then(|rest| rest.find(['[', '(', '【'])).map(|at| from.saturating_add(at))
    {
        if found.len() >= MOST {
            break;
        }
        while code.next_if(|code| code.end <= at).is_some() {}
        if let Some(code) = code.next_if(|code| code.start <= at) {
            // `list[1]` names no source.
            from = code.end;
            continue;
        }
        from =
            at.saturating_add(text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        if let Some(end) = bracketed(text, at, &mut found) {
            from = end;
        }
    }
    found.truncate(MOST);
    found
}

/// Code between backquotes, as far as they close.
fn code(text: &str) -> Vec<Range<usize>> {
    let mut quotes = text.match_indices('`').map(|(at, _)| at);
    std::iter::from_fn(|| Some(quotes.next()?..quotes.next()?)).collect()
}

/// The same text with nothing but spaces where a citation or an address stands, so that everything else stays where it is. Of names that only
/// brackets say to be some, those that name a source.
pub(super) fn blanked(text: &str, is_source: impl Fn(&Cited) -> bool) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for citation in citations(text) {
        let keeps = match citation.cited {
            Cited::Number(_) | Cited::Name { said: true, .. } => 0..0,
            // The words in the brackets may be of the sentence.
            Cited::Name { said: false, .. } if !is_source(&citation.cited) => continue,
            Cited::Name { .. } => 0..0,
            Cited::Address(_) => {
                let words = text.get(citation.range.clone()).and_then(|piece| piece.find("](")).unwrap_or(0);
                citation.range.start..citation.range.start.saturating_add(words)
            }
        };
        for at in citation.range.filter(|at| !keeps.contains(at)) {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = b' ';
            }
        }
    }
    // Whole characters were replaced, by characters of one byte.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Reads what a bracket begins, where that is a citation. Gives where it ends.
fn bracketed(text: &str, at: usize, found: &mut Vec<Citation>) -> Option<usize> {
    let rest = text.get(at..)?;
    let window = rest.get(..rest.floor_char_boundary(LONGEST.min(rest.len())))?;
    let opening = window.chars().next()?;
    let closing = match opening {
        '[' => ']',
        '(' => ')',
        _ => '】',
    };
    let close = window.find(closing)?;
    let inner = window.get(opening.len_utf8()..close)?;
    if inner.contains(['\n', '[', '(']) {
        return None;
    }
    let inner = inner.trim();
    let end = at.saturating_add(close).saturating_add(closing.len_utf8());
    let mut add = |cited: Cited, end: usize| {
        found.push(Citation { range: at..end, cited });
        Some(end)
    };
    if opening == '(' {
        let name = after_word(inner).filter(|_| inner.contains(':'))?;
        return add(name_or_number(name), end);
    }
    let after = text.get(end..).unwrap_or_default();
    if opening == '[' && after.starts_with(':') {
        // A definition of what a number or label stands for.
        return None;
    }
    if opening == '[' && after.starts_with('(') {
        let window = after.get(1..after.floor_char_boundary(LONGEST.min(after.len())))?;
        let close = window.find(')')?;
        let address = window.get(..close)?.split_whitespace().next()?;
        let end = end.saturating_add(close).saturating_add(2);
        let is_address = address.starts_with("https://") || address.starts_with("http://");
        return if is_address { add(Cited::Address(address.to_owned()), end) } else { Some(end) };
    }
    if let Some(numbers) = numbers(inner) {
        let range = at..end;
        found.extend(
            numbers.into_iter().map(|number| Citation { range: range.clone(), cited: Cited::Number(number) }),
        );
        return Some(end);
    }
    if let Some(name) = after_word(inner) {
        return add(name_or_number(name), end);
    }
    if inner.is_empty() || opening != '[' {
        return None;
    }
    add(Cited::Name { name: inner.to_owned(), said: false }, end)
}

/// What stands behind a word for a source: `source: price list`, `doc-2`, `document 2`.
fn after_word(inner: &str) -> Option<&str> {
    let small = inner.to_lowercase();
    let word = WORDS.iter().filter(|word| small.starts_with(**word)).max_by_key(|word| word.len())?;
    // A letter that is longer in small would shift the place: such a text is no such word.
    let rest = inner.get(word.len()..).filter(|_| small.len() == inner.len())?;
    let name = rest.trim_start_matches([':', ' ', '-', '_', '#']);
    let is_number = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    ((rest.starts_with([':', ' ']) && rest.contains(':') || is_number) && !name.is_empty())
        .then(|| name.trim())
}

fn name_or_number(name: &str) -> Cited {
    let numbers = numbers(name).filter(|numbers| numbers.len() == 1);
    match numbers.and_then(|numbers| numbers.first().copied()) {
        Some(number) => Cited::Number(number),
        None => Cited::Name { name: name.to_owned(), said: true },
    }
}

/// Numbers and nothing else: `1`, `1, 2`, `^1`, `1†source`.
fn numbers(inner: &str) -> Option<Vec<u32>> {
    let inner = inner.split('†').next().unwrap_or(inner).trim_start_matches('^');
    let number = |text: &str| {
        let text = text.trim();
        let is_one = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        // A year in brackets is none.
        text.parse::<u32>().ok().filter(|number| is_one && !(1900..2100).contains(number))
    };
    inner.split([',', ';']).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cited(text: &str) -> Vec<(&str, String)> {
        let of = citations(text).into_iter();
        of.map(|citation| {
            let what = match citation.cited {
                Cited::Number(number) => number.to_string(),
                Cited::Name { name, said: true } => format!("name {name}"),
                Cited::Name { name, said: false } => format!("perhaps {name}"),
                Cited::Address(address) => address,
            };
            (text.get(citation.range).unwrap(), what)
        })
        .collect()
    }

    fn what(text: &str) -> Vec<String> {
        cited(text).into_iter().map(|(_, what)| what).collect()
    }

    #[test]
    fn citations_are_read_in_their_forms() {
        assert_eq!(
            cited("Paid [1]. Sent [2, 3]."),
            [("[1]", "1".into()), ("[2, 3]", "2".into()), ("[2, 3]", "3".into())]
        );
        assert_eq!(
            what("a [1][2] b [^3] c 【4†source】 d [doc-5] e [Document 6] f (Source: 7)"),
            ["1", "2", "3", "4", "5", "6", "7"]
        );
        assert_eq!(
            what("a (source: Price list 2024) b [Quelle: Preise]"),
            ["name Price list 2024", "name Preise"]
        );
        assert_eq!(
            what("see [the list](https://example.com/a?b=1) and [note](#x)"),
            ["https://example.com/a?b=1"]
        );
        assert_eq!(what("[price-list.pdf]"), ["perhaps price-list.pdf"]);
        let none = [
            "(2 of 3)",
            "(1)",
            "in (2024)",
            "[",
            "[]",
            "a [\n1]",
            "[1]: https://example.com",
            "(see below)",
            "x[ [ [",
            "take `list[1]` of it",
            "```\nlist[1] = list[2]\n```",
        ];
        for text in none {
            assert_eq!(what(text), [""; 0], "{text}");
        }
        assert_eq!(what("it's ` open [1]"), ["1"], "a backquote alone begins no code");
        assert_eq!(what("`a` [1] `b[2]` [3]"), ["1", "3"]);
        assert_eq!(what("[2024]"), ["perhaps 2024"], "a year is no number of a source");
    }

    #[test]
    fn what_is_blanked_leaves_all_else_in_its_place() {
        for text in [
            "Paid ä [1]. 【4†source】 Sent [the list](https://example.com/5) (source: Ünal) now.",
            "[",
            "[1",
            "ß[12]ß",
        ] {
            let blank = blanked(text, |_| false);
            assert_eq!(blank.len(), text.len());
            assert!(!blank.contains("example") && !blank.contains("Ünal") && !blank.contains("【"));
        }
        assert_eq!(blanked("ß[12]ß", |_| false), "ß    ß");
        assert_eq!(
            blanked("paid [a.txt] [b]", |cited| matches!(cited, Cited::Name { name, .. } if name == "a.txt")),
            "paid         [b]"
        );
    }

    #[test]
    fn many_brackets_are_read_in_linear_time() {
        for text in
            ["[1]".repeat(100_000), "[".repeat(200_000), "(source: ".repeat(20_000), "[a](".repeat(50_000)]
        {
            assert!(citations(&text).len() <= MOST);
        }
    }
}
