use std::sync::Arc;

use cordon_core::{Category, Channel, Finding, Score, Span};

use crate::detector::Detector;
use crate::engine::Tables;
use crate::fold::{self, Escape, Folded, FoldedText, SYMBOL};
use crate::hidden::Hidden;
use crate::segment::Segment;
use crate::template::Template;
use crate::words::Words;

/// Folded bytes before a candidate that its detectors may look at.
pub(crate) const CONTEXT: usize = 160;
/// Bytes of a chunk that are taken at once: it bounds the memory of a scanner, not what it finds.
const PIECE: usize = 8 << 10;

/// Reads one text, in any chunks. Made by [`crate::Engine::scanner`]; owned, and `Send`.
#[derive(Debug)]
pub struct Scanner {
    tables: Arc<Tables>,
    channel: Channel,
    depth: u8,
    hold_values: bool,
    hold_phrases: bool,
    text: FoldedText,
    /// Folded bytes before this one were scanned.
    at: usize,
    /// Original bytes before this one were folded.
    consumed: usize,
    /// The start of an escape whose end has not come yet.
    carry: String,
    settled: usize,
    holds: Vec<Category>,
    /// Spans of held findings that end behind what is settled.
    open_spans: Vec<Span>,
    segment: Segment,
    words: Words,
    template: Template,
    hidden: Hidden,
    out: Vec<Finding>,
}

/// What a scanner has to say after a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// New findings. Spans are bytes from the first byte ever pushed.
    pub findings: Vec<Finding>,
    /// No held finding will ever begin before this byte, except for those already reported.
    pub settled: usize,
}

/// What the parts of a scanner share.
pub(crate) struct Context<'a> {
    pub(crate) text: &'a FoldedText,
    pub(crate) tables: &'a Arc<Tables>,
    pub(crate) channel: Channel,
    pub(crate) depth: u8,
    pub(crate) out: &'a mut Vec<Finding>,
}

impl Context<'_> {
    /// Reports folded bytes `start..end`.
    pub(crate) fn report(
        &mut self,
        detector: &Detector,
        category: Category,
        score: Score,
        (start, end): (usize, usize),
        continues: bool,
    ) {
        let span = Span::new(self.text.original_start(start), self.text.original_end(end));
        self.report_original(detector, category, score, span, continues);
    }

    /// Reports original bytes.
    pub(crate) fn report_original(
        &mut self,
        detector: &Detector,
        category: Category,
        score: Score,
        span: Span,
        continues: bool,
    ) {
        self.out.push(Finding {
            category,
            span,
            score,
            detector: detector.name,
            detector_version: detector.version,
            continues,
        });
    }
}

impl Scanner {
    pub(crate) fn new(tables: Arc<Tables>, channel: Channel, holds: &[Category], depth: u8) -> Self {
        let touches = |path| {
            let family = Category::known(path);
            holds.iter().any(|hold| hold.covers(&family) || family.covers(hold))
        };
        let hold_phrases = touches("prompt_injection");
        Self {
            tables,
            channel,
            depth,
            // Encoded runs hold phrases too, so phrases hold what values hold.
            hold_values: hold_phrases || touches("pii") || touches("secret"),
            hold_phrases,
            text: FoldedText::default(),
            at: 0,
            consumed: 0,
            carry: String::new(),
            settled: 0,
            holds: holds.to_vec(),
            open_spans: Vec::new(),
            segment: Segment::default(),
            words: Words::default(),
            template: Template::default(),
            hidden: Hidden::default(),
            out: Vec::new(),
        }
    }

    /// Takes the next piece of the text.
    pub fn push(&mut self, chunk: &str) -> Step {
        if self.carry.is_empty() {
            self.take(chunk, false);
        } else {
            let mut joined = std::mem::take(&mut self.carry);
            joined.push_str(chunk);
            self.take(&joined, false);
        }
        self.step()
    }

    /// Ends the text: what was only alive is decided now. A scanner reads one text; pushing more starts no new one.
    pub fn finish(&mut self) -> Step {
        let carry = std::mem::take(&mut self.carry);
        self.take(&carry, true);
        let mut context = context(&self.text, &self.tables, self.channel, self.depth, &mut self.out);
        self.hidden.close(&mut context);
        self.words.close(self.at, &mut context);
        self.segment.close(self.at, &mut context);
        self.settled = self.consumed;
        Step { findings: std::mem::take(&mut self.out), settled: self.settled }
    }

    /// Bytes of memory that this scanner holds on to, its own size included.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.text.memory()
            + self.carry.capacity()
            + self.open_spans.capacity() * size_of::<Span>()
            + self.words.memory()
            + self.hidden.memory()
    }

    fn step(&mut self) -> Step {
        let mut settled = self.consumed;
        if self.hold_values {
            // Invisible runs and encoded ones can hold anything, so whoever holds anything waits for them.
            let values = self.segment.live().map(|start| self.text.original_start(start));
            settled = [values, self.hidden.live()].into_iter().flatten().fold(settled, usize::min);
        }
        if self.hold_phrases {
            let template = self.template.live().map(|start| self.text.original_start(start));
            let words = self.words.live(&self.text, self.consumed);
            settled = [template, words].into_iter().flatten().fold(settled, usize::min);
        }
        // What is settled ends before or behind a reported span, never inside of it.
        let held = self.out.iter().filter(|f| self.holds.iter().any(|hold| hold.covers(&f.category)));
        self.open_spans.extend(held.map(|f| f.span));
        self.open_spans.sort_unstable_by_key(|span| std::cmp::Reverse(span.start));
        for span in &self.open_spans {
            if span.start < settled && settled < span.end {
                settled = span.start;
            }
        }
        self.settled = self.settled.max(settled);
        self.open_spans.retain(|span| span.end > self.settled);
        Step { findings: std::mem::take(&mut self.out), settled: self.settled }
    }

    fn take(&mut self, chunk: &str, last: bool) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let cut =
                (1..=PIECE.min(rest.len())).rev().find(|i| rest.is_char_boundary(*i)).unwrap_or(rest.len());
            let (piece, after) = rest.split_at_checked(cut).unwrap_or((rest, ""));
            let folded = self.fold(piece, last && after.is_empty());
            self.scan();
            rest = match piece.get(folded..) {
                Some("") | None => after,
                // An escape is open at the end of the piece: the next piece starts with it.
                Some(open) if after.is_empty() => {
                    self.carry.push_str(open);
                    ""
                }
                Some(open) => rest.get(piece.len() - open.len()..).unwrap_or_default(),
            };
        }
        let live = [self.segment.live(), self.words.open_word(&self.text), self.template.live()];
        let keep = live.into_iter().flatten().fold(self.at, usize::min);
        self.text.forget_before(keep.saturating_sub(CONTEXT));
    }

    /// Folds a piece, and says how many of its bytes were folded: an open escape is left.
    fn fold(&mut self, piece: &str, last: bool) -> usize {
        let bytes = piece.as_bytes();
        let mut i = 0;
        while let Some(rest) = bytes.get(i..).filter(|rest| !rest.is_empty()) {
            let plain = rest.iter().position(|b| !is_plain(*b)).unwrap_or(rest.len());
            if let Some(run) = rest.get(..plain).filter(|run| !run.is_empty()) {
                self.visible();
                self.text.push_same(run, self.consumed);
                self.consumed += plain;
                i += plain;
                continue;
            }
            let Some(c) = piece.get(i..).and_then(|s| s.chars().next()) else { break };
            if c.is_ascii() {
                match fold::escape(rest) {
                    Escape::Of(len, c) => {
                        self.fold_char(c, len);
                        i += len;
                    }
                    Escape::Open if !last => break,
                    Escape::None | Escape::Open => {
                        self.fold_char(c, 1);
                        i += 1;
                    }
                }
            } else if fold::classify(c) == Folded::Same {
                // Letters of one script come in runs.
                let run: usize = piece
                    .get(i..)
                    .unwrap_or_default()
                    .chars()
                    .take_while(|c| !c.is_ascii() && fold::classify(*c) == Folded::Same)
                    .map(char::len_utf8)
                    .sum();
                self.visible();
                self.text.push_same(rest.get(..run).unwrap_or_default(), self.consumed);
                self.consumed += run;
                i += run;
            } else {
                self.fold_char(c, c.len_utf8());
                i += c.len_utf8();
            }
        }
        i
    }

    /// Folds one character that took `len` original bytes.
    fn fold_char(&mut self, c: char, len: usize) {
        let original = self.consumed;
        self.consumed += len;
        let mut buffer = [0; 4];
        let folding = if c.is_ascii() { Folded::Same } else { fold::classify(c) };
        match folding {
            Folded::Same => {
                self.visible();
                let utf8 = c.encode_utf8(&mut buffer).as_bytes();
                if utf8.len() == len {
                    self.text.push_same(utf8, original);
                } else {
                    self.text.push_folded(utf8, original, len);
                }
            }
            Folded::Ascii(byte) => {
                self.visible();
                self.text.push_folded(&[byte], original, len);
            }
            Folded::Decompose => {
                self.visible();
                let mut folded = Vec::new();
                fold::decompose(c, &mut folded);
                if folded.is_empty() {
                    folded.push(SYMBOL);
                }
                self.text.push_folded(&folded, original, len);
            }
            Folded::Invisible | Folded::Mark | Folded::Variation(_) | Folded::Tag(_) | Folded::Bidi(_) => {
                // Scanning first keeps findings in the order of the text, however it was cut.
                self.scan();
                let before = self.at.checked_sub(1).and_then(|at| self.text.byte(at));
                let mut context = context(&self.text, &self.tables, self.channel, self.depth, &mut self.out);
                self.hidden.see(folding, c, Span::new(original, original + len), before, &mut context);
                self.text.push_folded(&[], original, len);
            }
        }
    }

    /// A visible character comes: a run of invisible ones ends.
    fn visible(&mut self) {
        if self.hidden.is_open() {
            self.scan();
            let mut context = context(&self.text, &self.tables, self.channel, self.depth, &mut self.out);
            self.hidden.close(&mut context);
        }
    }

    /// Scans what was folded and not scanned yet.
    fn scan(&mut self) {
        let end = self.text.end();
        if self.at == end {
            return;
        }
        let mut context = context(&self.text, &self.tables, self.channel, self.depth, &mut self.out);
        let bytes = self.text.slice(self.at, end);
        let mut next = 0;
        while let Some(byte) = bytes.get(next) {
            let i = self.at + next;
            self.words.byte(i, *byte, &mut context);
            self.segment.byte(i, *byte, &mut context);
            self.template.byte(i, *byte, &mut context);
            next += 1;
            // Inside of a word nothing can change before it ends.
            if byte.is_ascii_alphanumeric()
                && self.template.live().is_none()
                && self.words.in_ascii_word(&self.text)
            {
                let rest = bytes.get(next..).unwrap_or_default();
                let rest = rest.get(..self.segment.unchanged(i + 1).min(rest.len())).unwrap_or_default();
                next += rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
            }
        }
        self.at = end;
    }
}

fn context<'a>(
    text: &'a FoldedText,
    tables: &'a Arc<Tables>,
    channel: Channel,
    depth: u8,
    out: &'a mut Vec<Finding>,
) -> Context<'a> {
    Context { text, tables, channel, depth, out }
}

/// ASCII that can begin no escape.
fn is_plain(byte: u8) -> bool {
    byte < 0x80 && !matches!(byte, b'&' | b'%' | b'\\')
}
