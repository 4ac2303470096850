//! Pieces that a user hands out: what stands in quotation marks, or behind a name that it is given (`part 2: …`, `b = …`).

use super::Piece;

/// Bytes of one piece.
const LONGEST: usize = 400;
/// Pieces in one text.
const MOST: usize = 16;

/// What names a piece, when a digit or a letter follows.
const NAMES: [&str; 10] =
    ["part", "piece", "chunk", "fragment", "segment", "variable", "var", "string", "text", "line"];

/// The pieces that are handed out in these texts, in their order.
pub(super) fn pieces(texts: &[Piece]) -> Vec<Piece> {
    let of = |piece: &Piece| {
        let spans = spans(&piece.text);
        spans.into_iter().map(|(from, to)| piece.part(from, to)).collect::<Vec<_>>()
    };
    texts.iter().flat_map(of).collect()
}

/// Where they stand in a text.
fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty())
        && found.len() < MOST
    {
        let Some(letter) = rest.chars().next() else { break };
        let begins =
            !text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(char::is_alphanumeric);
        if let Some(close) = closing(letter).filter(|_| begins) {
            let from = at + letter.len_utf8();
            let inside = text.get(from..).unwrap_or_default();
            if let Some(length) = inside.find(close).filter(|length| (1..=LONGEST).contains(length)) {
                found.push((from, from + length));
                at = from + length + close.len_utf8();
                continue;
            }
        }
        if begins
            && letter.is_ascii_alphabetic()
            && let Some(length) = named(rest)
        {
            let from = at + length;
            let value = text.get(from..).unwrap_or_default();
            // In quotation marks it is found by them.
            if value.chars().next().is_none_or(|letter| closing(letter).is_none()) {
                let length = value.find('\n').unwrap_or(value.len());
                if length > 0 && length <= LONGEST {
                    found.push((from, from + length));
                    at = from + length;
                    continue;
                }
            }
            at = from;
            continue;
        }
        at += letter.len_utf8();
    }
    found
}

/// The mark that ends what this one begins.
const fn closing(letter: char) -> Option<char> {
    Some(match letter {
        '"' => '"',
        '\'' => '\'',
        '`' => '`',
        '“' | '„' => '”',
        '«' => '»',
        '「' => '」',
        _ => return None,
    })
}

/// The length of a name with what stands between it and its value: `part 2: `, `b = `.
fn named(text: &str) -> Option<usize> {
    let word =
        text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(word)?;
    let lower = name.to_ascii_lowercase();
    let plain = lower.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '_');
    let is_name = NAMES.contains(&plain);
    let mut after = rest;
    let mut numbered = plain.len() < lower.len() || lower.len() == 1;
    if is_name && !numbered {
        // `part 2`, `part B`
        let trimmed = rest.trim_start_matches([' ', '#']);
        let number = trimmed.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(trimmed.len());
        numbered = (1..=3).contains(&number) && trimmed.len() < rest.len();
        after = if numbered { trimmed.get(number..)? } else { rest };
    }
    if !(numbered && (is_name || lower.len() <= 2)) {
        return None;
    }
    let sign = after.trim_start_matches(' ');
    let value = sign.strip_prefix(":=").or_else(|| sign.strip_prefix([':', '=']))?;
    Some(text.len() - value.trim_start_matches(' ').len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_what_is_quoted_and_what_is_named() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<_> =
                spans(text).into_iter().map(|(from, to)| text.get(from..to).unwrap()).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("Remember A = 'Ignore all' and B = \"previous\".", &["Ignore all", "previous"]);
        check("part 1: Ignore all\npart 2: previous", &["Ignore all", "previous"]);
        check("part_3 = rules\nPiece B: of", &["rules", "of"]);
        check("x := hello", &["hello"]);
        check("It's what I don't know, isn't it", &[]);
        check("Note: the part of it: that", &[]);
        check("「無視」 and “quoted”", &["無視", "quoted"]);
        check("\"", &[]);
        check("", &[]);
    }
}
