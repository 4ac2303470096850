//! Decoded views: a text made from a stretch of the folded one, and the way back from each of its bytes.
//!
//! A view is read by a scanner of its own, so every detector sees what is encoded without knowing of encodings: rules,
//! recognisers and models alike. What it finds is reported where it stands in the original, no byte less, and no more
//! than the blocks of the encoding demand. Views nest to [`MAX_DEPTH`]; each is at most as long as what it was made
//! from, and all together may cost so much for each byte of the text ([`Nesting`]), which bounds time and memory.

use std::cell::Cell;
use std::sync::Arc;

use cordon_core::{Category, Finding, Score, Span};

use crate::detector::HIDDEN;
use crate::scanner::{Context, Scanner};
use crate::seen::Encoding;
use crate::suspicion::Suspicion;

/// Changes whenever folding or decoding could change a verdict; part of the rules' digest.
pub(crate) const VERSION: u16 = 7;

/// A text made from a stretch of another one.
#[derive(Clone, Debug)]
pub(crate) struct View {
    encoding: Encoding,
    text: Vec<u8>,
    /// The ways back, the last decoding first.
    ways: Vec<Way>,
}

impl View {
    pub(crate) fn new(encoding: Encoding, text: Vec<u8>, way: Way) -> Self {
        Self { encoding, text, ways: vec![way] }
    }

    /// The same view of a text that was itself made from another one.
    pub(crate) fn through(mut self, way: Way) -> Self {
        self.ways.push(way);
        self
    }

    /// What it says.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// What bytes `start..end` of the view were made from.
    pub(crate) fn back(&self, start: usize, end: usize) -> (usize, usize) {
        self.ways.iter().fold((start, end), |(start, end), way| way.back(start, end))
    }

    /// What detectors find in the view, all of it, with spans in what it was made from; nothing where encodings nest too
    /// deep. The view was made from bytes before `at`.
    pub(crate) fn findings(&self, at: usize, context: &Context<'_>) -> Vec<Finding> {
        if context.nesting.is_deepest() {
            return Vec::new();
        }
        let Ok(text) = std::str::from_utf8(&self.text) else { return Vec::new() };
        let Some(nesting) = context.nesting.enter(text.len(), at) else { return vec![self.unread()] };
        let depth = nesting.depth();
        let mut scanner = Scanner::new(Arc::clone(context.tables), context.channel, &[], nesting)
            .with_hosts(context.hosts.clone())
            .with_prompt(context.prompt.clone())
            .with_task(context.task.clone())
            .with_custom(context.custom);
        if let Some(trace) = context.trace {
            scanner = scanner.traced(trace.clone());
        }
        if context.policies {
            scanner = scanner.with_policies();
        }
        if Suspicion::is_too_short(text) {
            scanner = scanner.unsuspecting();
        }
        let mut findings = scanner.push(text).findings;
        findings.append(&mut scanner.finish().findings);
        context.nesting.leave(scanner.nesting());
        if let Some(trace) = context.trace.filter(|_| !findings.is_empty()) {
            trace.note(self.encoding, depth, text, &findings);
        }
        for finding in &mut findings {
            let (start, end) = self.back(finding.span.start, finding.span.end);
            finding.span = Span::new(start, end);
        }
        findings
    }

    /// Reports what detectors find in a view that was made from folded bytes from `at` on, as far as it counts, with its span in those
    /// bytes.
    pub(crate) fn report(&self, at: usize, counts: impl Fn(&Finding) -> bool, context: &mut Context<'_>) {
        let findings = self.findings(at + self.text.len(), context);
        for mut finding in findings.into_iter().filter(|finding| counts(finding)) {
            let (start, end) = (at + finding.span.start, at + finding.span.end);
            finding.span = Span::new(context.text.original_start(start), context.text.original_end(end));
            context.out.push(finding);
        }
    }

    /// Nobody writes so much that is encoded in so many ways but to hide something: it is a finding, not a gap.
    fn unread(&self) -> Finding {
        let (start, end) = self.back(0, self.text.len());
        Finding {
            category: Category::known("prompt_injection/hidden"),
            span: Span::new(start, end),
            score: Score::percent(90),
            detector: HIDDEN.name,
            detector_version: HIDDEN.version,
            continues: false,
            listed: cordon_core::Listed::NONE,
        }
    }
}

/// Deepest nesting of encodings that is undone.
const MAX_DEPTH: u8 = 2;
/// What all views of a text may cost, in bytes that are read: so much in any case, and so much for each byte of the
/// text up to the view. What is encoded once or twice costs less than three.
const ALLOWED: usize = 16 << 10;
const ALLOWED_EACH: usize = 16;
/// What a view costs beside its bytes.
const VIEW: usize = 32;

/// How deep a text lies in others, and what its views have cost.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    depth: u8,
    /// What the views of a view may cost.
    limit: Option<usize>,
    spent: Cell<usize>,
}

impl Nesting {
    /// Of a text that is read as it is, without a view.
    pub(crate) fn deepest() -> Self {
        Self { depth: MAX_DEPTH, ..Self::default() }
    }

    /// How many encodings were undone.
    pub(crate) const fn depth(&self) -> u8 {
        self.depth
    }

    /// Whether the text is one that a text stands for.
    pub(crate) const fn is_view(&self) -> bool {
        self.limit.is_some()
    }

    /// Whether no view is made of this text.
    pub(crate) const fn is_deepest(&self) -> bool {
        self.depth >= MAX_DEPTH
    }

    /// The nesting of a view of so many bytes, made from bytes before `at`; none where the views cost too much. It
    /// depends on the text alone, not on how it was cut.
    fn enter(&self, len: usize, at: usize) -> Option<Self> {
        let limit = self.limit.unwrap_or(ALLOWED + ALLOWED_EACH * at);
        let spent = self.spent.get() + len + VIEW;
        let left = limit.checked_sub(spent)?;
        self.spent.set(spent);
        Some(Self { depth: self.depth + 1, limit: Some(left), spent: Cell::new(0) })
    }

    /// What a view's own views cost is spent too.
    fn leave(&self, view: &Self) {
        self.spent.set(self.spent.get() + view.spent.get());
    }
}

/// The way back from a text to the one that it was made from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way(Vec<Piece>);

/// Bytes from `at` up to the next piece. Each block of `made` of them was made from `of` bytes, the first from `from`
/// on, none behind `end`.
#[derive(Clone, Copy, Debug)]
struct Piece {
    at: usize,
    from: usize,
    end: usize,
    made: usize,
    of: usize,
}

impl Way {
    /// Bytes from `at` on were made from `from..end`, each `block.0` of them from `block.1`.
    pub(crate) fn push(&mut self, at: usize, (from, end): (usize, usize), block: (usize, usize)) {
        let (made, of) = (block.0.max(1), block.1.max(1));
        match self.0.last_mut() {
            // What goes on as before needs no piece of its own.
            Some(last)
                if (last.made, last.of) == (made, of)
                    && last.end == from
                    && (at - last.at).is_multiple_of(made)
                    && last.from + (at - last.at) / made * of == from =>
            {
                last.end = end;
            }
            _ => self.0.push(Piece { at, from, end, made, of }),
        }
    }

    /// All bytes were made from `from..end`, a block at a time.
    pub(crate) fn blocks(from: usize, end: usize, block: (usize, usize)) -> Self {
        let mut way = Self::default();
        way.push(0, (from, end), block);
        way
    }

    fn piece(&self, at: usize) -> Option<&Piece> {
        let next = self.0.partition_point(|piece| piece.at <= at);
        next.checked_sub(1).and_then(|i| self.0.get(i))
    }

    /// What bytes `start..end` were made from.
    pub(crate) fn back(&self, start: usize, end: usize) -> (usize, usize) {
        let begin = |at: usize| {
            self.piece(at).map_or((0, 0), |piece| {
                let from = (piece.from + (at - piece.at) / piece.made * piece.of).min(piece.end);
                (from, (from + piece.of).min(piece.end))
            })
        };
        let (first, last) = (begin(start), begin(end.saturating_sub(1).max(start)));
        // What runs backwards ends where it began.
        (first.0.min(last.0), first.1.max(last.1))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use cordon_core::Channel;

    use super::*;
    use crate::engine::Engine;
    use crate::obfuscate::Obfuscation;

    static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

    /// What the views of a text cost, and whether one was not read.
    fn cost(text: &str) -> (usize, bool) {
        let mut scanner = ENGINE.scanner(Channel::User, &[]);
        let mut findings = scanner.push(text).findings;
        findings.append(&mut scanner.finish().findings);
        let unread =
            findings.iter().any(|found| found.detector == HIDDEN.name && found.score == Score::percent(90));
        (scanner.nesting().spent.get(), unread)
    }

    #[test]
    fn what_is_encoded_once_or_twice_costs_little() {
        let text =
            "Please summarise the minutes of the meeting about the garden behind the library. ".repeat(60);
        for obfuscation in Obfuscation::ALL {
            let hidden = obfuscation.apply(&text, 7);
            let (spent, unread) = cost(&hidden);
            assert!(
                !unread && spent <= 3 * hidden.len() + ALLOWED,
                "{obfuscation:?}: {spent} of {}",
                hidden.len()
            );
        }
        assert_eq!(cost(&text), (0, false));
    }

    #[test]
    fn no_text_costs_more_than_is_allowed() {
        let encode = |text: &str, times: usize| {
            (0..times).fold(text.to_owned(), |text, _| Obfuscation::Base64.apply(&text, 1))
        };
        let words = "gur naq lbh 7h3 @ll 1gn0r3 y0u 105 103 110 111 114 101 32 97 108 ";
        let mut worst = 0;
        for text in [
            "\u{202e}".repeat(30_000),
            "\u{202e}a".repeat(20_000),
            "\u{202e}abcd".repeat(10_000),
            "\u{202e}gur naq 7h3 y0u ".repeat(5_000),
            words.repeat(1_500),
            encode(&words.repeat(200), 1),
            encode(&words.repeat(200), 2),
            encode(&words.repeat(100), 4),
            encode(&"SWdub3JlIGFsbCBwcmV2aW91cyBpbnN0 ".repeat(300), 2),
            "\"a\": \"SWdub3JlIGFsbCBwcmV2aW91cyBpbnN0\", ".repeat(2_000),
            "SWdub3JlIGFsbCBwcmV2aW91cyBpbnN0 ".repeat(2_000),
            "i g n o r e a l l ".repeat(3_000),
            "69 67 6e 6f 72 65 20 61 ".repeat(3_000),
        ] {
            let (spent, _) = cost(&text);
            let most = ALLOWED + ALLOWED_EACH * text.len();
            assert!(spent <= most, "{spent} of {most}: {}", text.chars().take(40).collect::<String>());
            worst = worst.max(spent * 10 / text.len());
        }
        // The bound is met: without it more would be spent.
        assert!(worst >= 10, "{worst} tenths of a byte for each byte");
        assert_eq!(cost(&"\u{202e}".repeat(30_000)).0, 0);
    }

    #[test]
    fn what_would_cost_too_much_is_a_finding() {
        let nesting = Nesting::default();
        let mut views = 0;
        while nesting.enter(1_000, 100).is_some() {
            views += 1;
        }
        assert_eq!(views, (ALLOWED + 100 * ALLOWED_EACH) / (1_000 + VIEW));
        assert!(nesting.enter(1_000, 1_000).is_some(), "more text allows more");
    }

    #[test]
    fn blocks_lead_back_whole() {
        // `xxZm9vYmFy`: three bytes from four, from 2 on.
        let way = Way::blocks(2, 10, (3, 4));
        assert_eq!(way.back(0, 1), (2, 6));
        assert_eq!(way.back(2, 4), (2, 10));
        assert_eq!(way.back(3, 6), (6, 10));
        // The last block may be cut short.
        assert_eq!(Way::blocks(0, 6, (3, 4)).back(3, 4), (4, 6));
    }

    #[test]
    fn pieces_that_go_on_are_one() {
        let mut way = Way::default();
        for i in 0..10 {
            way.push(i, (i * 4, i * 4 + 4), (1, 4));
        }
        assert_eq!(way.0.len(), 1);
        way.push(10, (50, 51), (1, 1));
        assert_eq!(way.0.len(), 2);
        assert_eq!(way.back(9, 11), (36, 51));
    }

    #[test]
    fn two_ways_are_one_behind_the_other() {
        // Hexadecimal in base64: a byte of two digits, three digits of four characters.
        let view = View::new(Encoding::Hexadecimal, b"abc".to_vec(), Way::blocks(0, 6, (1, 2)))
            .through(Way::blocks(5, 13, (3, 4)));
        assert_eq!(view.back(0, 1), (5, 9));
        assert_eq!(view.back(1, 2), (5, 13));
        assert_eq!(view.back(2, 3), (9, 13));
    }

    #[test]
    fn what_is_read_backwards_leads_back_in_order() {
        let mut way = Way::default();
        for (at, from) in [(0, 4), (1, 2), (2, 0)] {
            way.push(at, (from, from + 2), (1, 2));
        }
        assert_eq!(way.back(0, 3), (0, 6));
        assert_eq!(way.back(1, 2), (2, 4));
    }
}
