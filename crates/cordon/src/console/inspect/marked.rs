//! A text as a page shows it when it matters byte by byte: what was found is marked and numbered, what nobody would see is
//! named, and of a long text only what stands around the marks is there.

use std::collections::BTreeSet;

use cordon_core::Action;
use maud::{Markup, html};

use super::super::format;

/// The most bytes of a piece between two edges of marks, once a text is too long to be shown whole.
const PIECE: usize = 400;

/// Something found in a text.
pub(super) struct Spot {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its number in the table of findings, where it is there.
    pub(super) number: Option<usize>,
    pub(super) action: Action,
    /// What it is, in words.
    pub(super) what: String,
}

/// A text with its spots marked; pieces of one with more than `whole` bytes are shown by their beginning and end.
pub(super) fn marked(text: &str, spots: &[Spot], whole: usize, anchors: bool) -> Markup {
    let cuts = text.len() > whole;
    let at = |place: usize| text.floor_char_boundary(place.min(text.len()));
    let mut edges = BTreeSet::from([0, text.len()]);
    edges.extend(spots.iter().flat_map(|spot| [at(spot.start), at(spot.end)]));
    let edges: Vec<usize> = edges.into_iter().collect();
    html! {
        pre.marked dir="auto" { code {
            @for pair in edges.windows(2) {
                @if let [start, end] = *pair {
                    @let over: Vec<&Spot> = spots.iter().filter(|spot| at(spot.start) <= start && at(spot.end) >= end).collect();
                    @let piece = text.get(start..end).unwrap_or_default();
                    @for spot in spots.iter().filter(|spot| at(spot.start) == start) { (number(spot, anchors)) }
                    @match over.iter().map(|spot| spot.action).max() {
                        Some(action) => mark.(action.as_str()) title=(told(&over)) { (shown(piece, cuts)) },
                        None => (shown(piece, cuts)),
                    }
                }
            }
        } }
    }
}

/// A text without marks, or its beginning.
pub(super) fn plain(text: &str, whole: usize) -> Markup {
    let head = text.get(..text.floor_char_boundary(whole)).unwrap_or(text);
    html! {
        pre.marked dir="auto" { code { (visible(head)) } }
        @if head.len() < text.len() {
            p.quiet { "These are its first " (format::bytes(head.len() as u64)) " of " (format::bytes(text.len() as u64)) "." }
        }
    }
}

/// The number of a spot, which leads to its row.
fn number(spot: &Spot, anchors: bool) -> Markup {
    let id = |number: usize| anchors.then(|| format!("mark-{number}"));
    html! {
        @if let Some(number) = spot.number {
            a.no id=[id(number)] href=(format!("#finding-{number}")) aria-label=(format!("finding {number}: {}", spot.what)) { "[" (number) "]" }
        }
    }
}

fn told(spots: &[&Spot]) -> String {
    let words: Vec<&str> = spots.iter().map(|spot| spot.what.as_str()).collect();
    words.join("; ")
}

fn shown(piece: &str, cuts: bool) -> Markup {
    if !cuts || piece.len() <= PIECE {
        return visible(piece);
    }
    let head = piece.floor_char_boundary(PIECE / 2);
    let tail = piece.ceil_char_boundary(piece.len().saturating_sub(PIECE / 2));
    let left = tail.saturating_sub(head);
    html! {
        (visible(piece.get(..head).unwrap_or_default()))
        span.gap { " … " (format::number(left as u64)) " bytes … " }
        (visible(piece.get(tail..).unwrap_or_default()))
    }
}

/// A run of a text: as it is, or a character that nobody sees with how often it comes.
#[derive(Debug, PartialEq, Eq)]
enum Run<'a> {
    Plain(&'a str),
    Unseen(char, usize),
}

fn runs(text: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| if is_unseen(first) { c != first } else { is_unseen(c) };
        let Some((run, behind)) = rest.split_at_checked(rest.find(same).unwrap_or(rest.len())) else { break };
        runs.push(if is_unseen(first) { Run::Unseen(first, run.chars().count()) } else { Run::Plain(run) });
        rest = behind;
    }
    runs
}

fn visible(text: &str) -> Markup {
    html! {
        @for run in runs(text) {
            @match run {
                Run::Plain(text) => (text),
                Run::Unseen(c, count) => span.codepoint {
                    (format!("U+{:04X}", u32::from(c))) @if count > 1 { "×" (count) }
                },
            }
        }
    }
}

/// Whether a page would not show a character, or would show the others in another order because of it: controls, and what
/// Unicode calls default ignorable or line separators (UAX #44, `Default_Ignorable_Code_Point`, `Zl`, `Zp`).
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}'
            | '\u{b}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(start: usize, end: usize, number: usize, action: Action) -> Spot {
        Spot { start, end, number: Some(number), action, what: format!("w{number}") }
    }

    /// What is left of markup when its tags are taken away.
    fn words(markup: &Markup) -> String {
        let mut text = String::new();
        for piece in markup.0.split('<') {
            text.push_str(piece.split_once('>').map_or(piece, |(_, behind)| behind));
        }
        text
    }

    #[test]
    fn spots_are_marked_over_each_other_and_numbered() {
        let spots = [spot(0, 4, 1, Action::Flag), spot(2, 8, 2, Action::Block), spot(8, 8, 3, Action::Flag)];
        let shown = marked("abcdefgh<i>", &spots, 100, true);
        assert_eq!(words(&shown), "[1]ab[2]cdefgh[3]&lt;i&gt;");
        let html = shown.into_string();
        for part in [
            r##"id="mark-1" href="#finding-1""##,
            r#"<mark class="flag" title="w1">ab</mark>"#,
            r#"<mark class="block" title="w1; w2">cd</mark>"#,
            r#"<mark class="block" title="w2">efgh</mark>"#,
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!marked("abcd", &spots, 100, false).into_string().contains("id="));
    }

    #[test]
    fn spots_that_end_within_a_character_or_behind_the_text_do_no_harm() {
        let spots =
            [spot(1, 3, 1, Action::Redact), spot(4, 900, 2, Action::Hold), spot(900, 901, 3, Action::Hold)];
        assert_eq!(words(&marked("éöü", &spots, 100, true)), "[1]éö[2]ü");
        assert_eq!(words(&marked("", &spots, 100, true)), "");
    }

    #[test]
    fn of_a_long_text_what_stands_around_the_spots_is_shown() {
        let text = format!("{}ana{}", "é".repeat(5_000), "x".repeat(90_000));
        let shown = marked(&text, &[spot(10_000, 10_003, 1, Action::Redact)], 1_000, true);
        let words = words(&shown);
        assert!(words.contains("é[1]anax") && words.len() < 1_200, "{words}");
        assert!(words.contains("9\u{202f}600 bytes") && words.contains("89\u{202f}600 bytes"), "{words}");
        assert!(plain(&text, 9).into_string().contains("8 B of"));
    }

    #[test]
    fn what_nobody_sees_is_named() {
        assert_eq!(
            runs("a\u{200b}\u{200b}\u{202e}b\n"),
            [Run::Plain("a"), Run::Unseen('\u{200b}', 2), Run::Unseen('\u{202e}', 1), Run::Plain("b\n")]
        );
        assert_eq!(words(&plain("\u{e0041}\u{e0041}\0\tü", 99)), "U+E0041×2U+0000\tü");
    }
}
