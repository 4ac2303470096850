//! Where sentences of a text begin and end, as far as that can be told without knowing its language.

use std::ops::Range;

/// Longest sentence, in bytes; a longer one is cut.
const LONGEST: usize = 1_024;

/// Words before a full stop that end no sentence, in small letters.
const SHORT: [&str; 36] = [
    "abb", "abs", "al", "approx", "art", "bspw", "bzgl", "bzw", "ca", "cf", "dr", "eq", "etc", "fig", "ggf",
    "inc", "inkl", "jr", "ltd", "max", "min", "mr", "mrs", "ms", "no", "nr", "op", "p", "pp", "prof", "sec",
    "sr", "st", "usw", "vgl", "vs",
];

/// Where a text without full stops may be cut: at a space behind so many bytes of Thai.
const LONGEST_PHRASE: usize = 192;

/// The sentences of a text, in their order, without the white space and the signs of lists around them. Headings and code between
/// fences are none. A line ends a sentence.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start: usize = 0;
    // Behind which fence what is read now stands.
    let mut code = None;
    for line in text.split_inclusive('\n') {
        let range = start..start.saturating_add(line.len());
        start = range.end;
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            code = if code.is_some() { None } else { Some(range.end) };
        } else if code.is_none() && !is_heading(trimmed) {
            of_line(text, range, &mut found);
        }
    }
    // A fence that is never closed hides nothing.
    if let Some(mut start) = code {
        for line in text.get(start..).unwrap_or_default().split_inclusive('\n') {
            let range = start..start.saturating_add(line.len());
            start = range.end;
            of_line(text, range, &mut found);
        }
    }
    found
}

/// The same with headings and code: all that a source says.
pub(super) fn passages(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start: usize = 0;
    for line in text.split_inclusive('\n') {
        let range = start..start.saturating_add(line.len());
        start = range.end;
        of_line(text, range, &mut found);
    }
    found
}

/// The sentences of one line.
fn of_line(text: &str, line: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(content) = text.get(line.clone()) else { return };
    let mut start = line.start.saturating_add(bullet(content));
    let mut previous = ' ';
    let mut word_start = start;
    let mut characters = content.char_indices().map(|(at, c)| (line.start.saturating_add(at), c)).peekable();
    while let Some((at, c)) = characters.next() {
        let end = at.saturating_add(c.len_utf8());
        let next = characters.peek().map(|(_, next)| *next);
        let is_end = match c {
            '。' | '！' | '？' | '؟' | '।' => true,
            '!' | '?' | '…' => {
                next.is_none_or(|next| next.is_whitespace() || is_closing(next) || next == '[')
            }
            '.' => {
                next.is_none_or(|next| next.is_whitespace() || is_closing(next) || next == '[')
                    && !is_abbreviation(text.get(word_start..at).unwrap_or_default(), previous)
            }
            _ => false,
        };
        if !c.is_alphanumeric() && !matches!(c, '\'' | '’') {
            word_start = end;
        }
        let is_thai = matches!(previous, '\u{e01}'..='\u{e5b}');
        previous = c;
        let longest = if is_thai { LONGEST_PHRASE } else { LONGEST };
        let is_long =
            at.saturating_sub(start) >= longest && c == ' ' || end.saturating_sub(start) >= 2 * LONGEST;
        if is_end || is_long {
            // What closes a quotation belongs to it.
            let mut end = end;
            while let Some((at, _)) = characters.next_if(|(_, next)| is_end && is_closing(*next)) {
                end = text
                    .get(at..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(end, |c| at.saturating_add(c.len_utf8()));
            }
            add(text, start..end, found);
            start = end;
        }
    }
    add(text, start..line.end, found);
}

fn is_heading(line: &str) -> bool {
    // What ends like a sentence is one, whatever signs stand before it.
    let is_sentence = line.trim_end().ends_with(['.', '!', '。', '！', '।']);
    line.starts_with('#') && line.trim_start_matches('#').starts_with(char::is_whitespace) && !is_sentence
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | '”' | '’' | '“' | '»' | '«' | '*' | '_')
}

/// Whether a full stop after this word ends no sentence: initials, usual abbreviations, and numbers, after which a month or a
/// further part of a number may come.
fn is_abbreviation(word: &str, previous: char) -> bool {
    if word.is_empty() || !previous.is_alphanumeric() {
        return false;
    }
    let is_number = word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit());
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    is_number || is_initial || SHORT.binary_search(&word.to_lowercase().as_str()).is_ok()
}

/// Bytes of the signs that begin a line of a list, a quotation or a table.
fn bullet(line: &str) -> usize {
    let rest = line.trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, '-' | '*' | '+' | '•' | '>' | '|' | '–' | '#')
    });
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = digits.len() < rest.len() && rest.len() - digits.len() <= 3;
    let rest = match digits.strip_prefix(['.', ')']).filter(|after| is_numbered && after.starts_with(' ')) {
        Some(after) => after.trim_start(),
        None => rest,
    };
    line.len() - rest.len()
}

fn add(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(piece) = text.get(range.clone()) else { return };
    let start = range.start.saturating_add(piece.len() - piece.trim_start().len());
    let end = start.saturating_add(piece.trim().len());
    if piece.chars().any(char::is_alphanumeric) {
        found.push(start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| text.get(range).unwrap()).collect()
    }

    #[test]
    fn what_looks_like_code_or_a_heading_hides_no_sentence() {
        assert_eq!(cut("A b.\n```\nlet x = 1;\n```\nC d."), ["A b.", "C d."]);
        assert_eq!(cut("A b.\n```\nThe fee is 5.\nSo it is."), ["A b.", "The fee is 5.", "So it is."]);
        assert_eq!(
            cut("# Fees\n# The fee is 5.\n"),
            ["# The fee is 5."].map(|text| text.trim_start_matches("# "))
        );
    }

    #[test]
    fn sentences_end_where_a_reader_sees_it() {
        for (text, expected) in [
            ("One. Two! Three? Four", vec!["One.", "Two!", "Three?", "Four"]),
            (
                "It costs 3.50 EUR, e.g. at Dr. Weber's. Then no. 7.",
                vec!["It costs 3.50 EUR, e.g. at Dr. Weber's.", "Then no. 7."],
            ),
            (
                "Am 5. März 2024 um ca. 9 Uhr. Danach nicht.",
                vec!["Am 5. März 2024 um ca. 9 Uhr.", "Danach nicht."],
            ),
            (
                "# Title\n- first\n2) second one. And more.\n\n> third",
                vec!["first", "second one.", "And more.", "third"],
            ),
            ("Before.\n```\ncode. More code.\n```\nAfter.", vec!["Before.", "After."]),
            ("He said \"yes.\" She left.", vec!["He said \"yes.\"", "She left."]),
            ("商品已发出。三天内送达！", vec!["商品已发出。", "三天内送达！"]),
            ("Paid [1]. Sent.[2] Done.", vec!["Paid [1].", "Sent.", "[2] Done."]),
            ("", vec![]),
            (" - \n ... \n", vec![]),
        ] {
            assert_eq!(cut(text), expected, "{text}");
        }
        assert!(SHORT.is_sorted());
        let text = "# Title\n```\ncode. More code.\n```\nAfter.";
        let all: Vec<&str> = passages(text).into_iter().map(|range| text.get(range).unwrap()).collect();
        assert_eq!(all, ["Title", "code.", "More code.", "After."], "a source says these, too");
    }

    #[test]
    fn a_text_without_an_end_is_cut() {
        let endless = "ä ".repeat(10_000);
        assert!(sentences(&endless).iter().all(|range| range.len() <= 2 * LONGEST));
        let phrase = "ก".repeat(70);
        assert_eq!(sentences(&format!("{phrase} {phrase} กข")).len(), 3);
        let solid = "ß".repeat(10_000);
        let total: usize = sentences(&solid).iter().map(ExactSizeIterator::len).sum();
        assert_eq!(total, solid.len());
    }
}
