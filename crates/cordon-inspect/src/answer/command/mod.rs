//! Commands of shells that do harm: what is run from elsewhere, what destroys, opens, stays or sends away.

mod code;
mod harm;
mod lex;
mod remote;

use lex::{Line, Word};

/// What is said of a line: bytes of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) category: &'static str,
    pub(crate) percent: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What one rule says of a line: a category, how bad it is in hundredths, and the words that say so, the first and the last.
type Said = Option<(&'static str, u32, usize, usize)>;

/// Judges a window that begins with a word of the list of cues; `left` stands before it in its line.
pub(crate) fn judge(left: &[u8], window: &[u8]) -> Option<Hit> {
    let line = Line::read(left, window);
    let said = (0..line.words.len()).flat_map(|at| {
        [
            remote::piped(&line, at),
            remote::substituted(&line, at),
            remote::windows(&line, at),
            remote::decoded(&line, at),
        ]
        .into_iter()
        .chain([
            harm::removed(&line, at),
            harm::overwritten(&line, at),
            harm::opened(&line, at),
            harm::kept(&line, at),
        ])
        .chain([harm::sent(&line, at), harm::multiplied(&line, at)])
        .chain([
            code::removed(&line, at),
            code::fetched(&line, at),
            code::obeyed(&line, at),
            code::told(&line, at),
            code::taken_down(&line, at),
        ])
        .flatten()
    });
    // Of equals the first counts.
    let (category, percent, first, last) = said.reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    let percent = if warns(left) { percent * 6 / 10 } else { percent };
    let place = |word: &Word| (word.start.saturating_sub(left.len()), word.end.saturating_sub(left.len()));
    let start = line.words.get(first).map(place)?.0;
    let end = line.words.get(last).map(place)?.1;
    (start < end).then_some(Hit { category, percent, start, end })
}

/// Whether a line warns of what it says.
fn warns(left: &[u8]) -> bool {
    let left = left.to_ascii_lowercase();
    let warnings = [
        "never",
        "do not",
        "don't",
        "avoid",
        "dangerous",
        "must not",
        "warning",
        "instead of",
        "e.g.",
        "such as",
    ];
    warnings.iter().any(|warning| left.windows(warning.len()).any(|window| window == warning.as_bytes()))
}

#[cfg(test)]
mod tests;
