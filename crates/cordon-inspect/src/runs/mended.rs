//! Words with something in them that is not read: markup, a soft line break, a hyphen at the end of a line. They are read
//! once more without it. Likewise escapes that folding itself made (`%69` in full width, in HTML's references, in
//! `\u0025…`): they are read once more as what they stand for.
//!
//! What was put in is read where it stands, too: a view only adds what no one could find there.

use cordon_core::{Category, Span};

use super::MAX_RUN;
use super::cuts::{self, Cuts, Edit};
use super::rotated::rotate;
use crate::fold::{self, Escape};
use crate::scanner::{CONTEXT, Context};
use crate::seen::Encoding;
use crate::view::{View, Way};

/// Folded bytes between two cuts or escapes of one stretch, and of what is read behind the last one.
const GAP: usize = 160;
/// So much further a stretch goes to the end of a word.
const TO_SPACE: usize = 512;
/// Folded bytes at the end of a full stretch that the next one begins with.
const OVERLAP: usize = 256;

/// Bytes between the sign that begins an escape and the rest of it.
pub(crate) const MAX_SIGN: usize = 12;

/// What is held back before a byte is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// From this folded byte on, for values.
    pub(crate) start: usize,
    /// From this original byte on, for phrases.
    pub(crate) phrase: Option<usize>,
}

/// The stretch that is open.
#[derive(Debug, Default)]
pub(super) struct Mended {
    /// Where folding made what may be an escape, first and last place of each stretch that was not reached yet.
    marks: Vec<(usize, usize)>,
    cuts: Cuts,
    /// What was held when the open gap began.
    gap: Option<Held>,
    /// The last backslash, at which a candidate ends, and what was held before it.
    sign: Option<(usize, Held)>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    held: Held,
    /// The last cut or mark.
    last: usize,
    edits: Vec<Edit>,
}

impl Mended {
    pub(super) fn live(&self, at: usize) -> Option<usize> {
        let gap = self.gap.map(|held| held.start);
        let sign = self.sign.filter(|(sign, _)| at - sign <= MAX_SIGN).map(|(_, held)| held.start);
        [self.open.as_ref().map(|open| open.held.start), gap, sign].into_iter().flatten().min()
    }

    /// Where a phrase that is held begins in the original.
    pub(super) fn phrase(&self) -> Option<usize> {
        let gap = self.gap.and_then(|held| held.phrase);
        [self.open.as_ref().and_then(|open| open.held.phrase), gap].into_iter().flatten().min()
    }

    /// How many letters and digits from `i` on would change nothing here.
    pub(super) fn unchanged(&self, i: usize) -> usize {
        if self.cuts.is_open() {
            return 0;
        }
        let bound = self.open.as_ref().map(Open::bound);
        let mark = self.marks.first().map(|mark| mark.0);
        [bound, mark].into_iter().flatten().min().map_or(usize::MAX, |at| at.saturating_sub(i))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.open.is_none() && !self.cuts.is_open()
    }

    pub(super) fn memory(&self) -> usize {
        let edits = self.open.as_ref().map_or(0, |open| open.edits.capacity());
        self.marks.capacity() * size_of::<(usize, usize)>() + edits * size_of::<Edit>()
    }

    /// Folding made what may be an escape that begins at folded byte `at`.
    pub(super) fn mark(&mut self, at: usize) {
        match self.marks.last_mut() {
            Some(last) if at <= last.1 + GAP => last.1 = last.1.max(at),
            _ => self.marks.push((at, at)),
        }
    }

    /// Whether it matters what is held before the byte at `i` is taken.
    #[inline]
    pub(super) fn asks(&self, i: usize, byte: u8, context: &Context<'_>) -> bool {
        byte == b'\\'
            || self.marks.first().is_some_and(|mark| mark.0 <= i)
            || self.cuts.begins(i, byte, context.text)
    }

    #[inline]
    pub(super) fn byte(&mut self, i: usize, byte: u8, held: Option<Held>, context: &mut Context<'_>) {
        if self.open.is_some() {
            self.end(i, byte, context);
        }
        if let Some(held) = held {
            if self.marks.first().is_some_and(|mark| mark.0 <= i) {
                let (_, last) = self.marks.remove(0);
                let sign = self.sign.filter(|(sign, _)| i - sign <= MAX_SIGN).map(|(_, held)| held);
                let start = sign.map_or(held.start, |sign| sign.start.min(held.start));
                self.take(Held { start, ..held }, last, None);
            }
            if byte == b'\\' {
                self.sign = Some((i, held));
            }
            if self.cuts.begins(i, byte, context.text) {
                self.cuts.begin(i, byte);
                self.gap = Some(held);
                return;
            }
        }
        if self.cuts.is_open() {
            let edit = self.cuts.byte(i, byte, context.text);
            if let Some((edit, held)) = edit.zip(self.gap) {
                self.take(held, edit.end, Some(edit));
            }
            if !self.cuts.is_open() {
                self.gap = None;
            }
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(open) = self.open.take() {
            open.read(end, context);
        }
        *self = Self::default();
    }

    /// A cut or a mark belongs to the open stretch, or begins one.
    fn take(&mut self, held: Held, last: usize, edit: Option<Edit>) {
        let open = self.open.get_or_insert_with(|| Open { held, last, edits: Vec::new() });
        open.last = open.last.max(last);
        open.edits.extend(edit);
    }

    /// Ends the open stretch before the byte at `i` if it ends there.
    fn end(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        let Some(open) = &mut self.open else { return };
        let between = !matches!(byte, 0x80..=0xbf);
        let full = i >= open.held.start + MAX_RUN && between;
        let over = i > open.last + GAP && (byte.is_ascii_whitespace() || i >= open.bound() && between);
        if full && !over {
            open.read(i, context);
            let start = context.text.boundary(i.saturating_sub(OVERLAP));
            open.held = Held { start, phrase: None };
            open.last = open.last.max(i);
            open.edits.retain(|edit| edit.start >= start);
        } else if over && let Some(open) = self.open.take() {
            open.read(i, context);
        }
    }
}

impl Open {
    /// The byte before which it ends, whatever stands there.
    fn bound(&self) -> usize {
        (self.last + GAP + TO_SPACE).min(self.held.start + MAX_RUN)
    }

    /// Reads the stretch, which ends before folded byte `end`.
    fn read(&self, end: usize, context: &mut Context<'_>) {
        let held = |edit: &&Edit| edit.end > self.held.start && cuts::holds(**edit, end, context.text);
        let mut edits: Vec<Edit> = self.edits.iter().filter(held).copied().collect();
        let (escapes, turned) = escapes(self.held.start, end, context);
        edits.extend(turned);
        edits.sort_by_key(|edit| edit.start);
        let cuts = edits.iter().map(|edit| (edit.start, edit.end));
        let places: Vec<(usize, usize)> = cuts.chain(escapes).collect();
        if places.is_empty() {
            return;
        }
        let from = context.text.boundary(self.held.start.saturating_sub(CONTEXT));
        let (mut text, mut way, mut at) = (Vec::with_capacity(end - from), Way::default(), from);
        for edit in edits.iter().filter(|edit| edit.end <= end) {
            if edit.start < at {
                continue;
            }
            if edit.start > at {
                way.push(text.len(), (at - from, edit.start - from), (1, 1));
                text.extend_from_slice(context.text.slice(at, edit.start));
            }
            if let Some(put) = edit.put {
                way.push(text.len(), (edit.start - from, edit.end - from), (1, edit.end - edit.start));
                text.push(put);
            }
            at = at.max(edit.end);
        }
        way.push(text.len(), (at - from, end - from), (1, 1));
        text.extend_from_slice(context.text.slice(at, end));
        let view = View::new(Encoding::Mended, text, way);
        let family = Category::known("prompt_injection");
        let first = context.text.original_start(self.held.start);
        for mut finding in view.findings(end, context) {
            let (start, stop) = (from + finding.span.start, from + finding.span.end);
            // What touches nothing that was mended was found already.
            if !places.iter().any(|(place, last)| start < *last && *place < stop) {
                continue;
            }
            let phrase = self.held.phrase.filter(|_| family.covers(&finding.category));
            let start =
                context.text.original_start(start).max(phrase.map_or(first, |phrase| phrase.min(first)));
            let stop = context.text.original_end(stop);
            if start < stop {
                finding.span = Span::new(start, stop);
                context.out.push(finding);
            }
        }
    }
}

/// Where escapes stand in folded bytes `start..end`, and hexadecimal digits of escapes of URLs whose letters are thirteen
/// places on. What was an escape in the original is none any more: those that are left were made by folding.
fn escapes(start: usize, end: usize, context: &Context<'_>) -> (Vec<(usize, usize)>, Vec<Edit>) {
    let bytes = context.text.slice(start, end);
    let (mut found, mut turned, mut quoted, mut i) = (Vec::new(), Vec::new(), None, 0);
    while let Some(rest) = bytes.get(i..).filter(|rest| !rest.is_empty()) {
        let Some(next) = rest.iter().position(|byte| fold::begins_escape(*byte)) else { break };
        i += next;
        let rest = rest.get(next..).unwrap_or_default();
        let taken = match fold::escape(rest, quoted == Some(i)) {
            Escape::Of(taken, _) | Escape::Break(taken) => {
                found.push((start + i, start + i + taken));
                if rest.first() == Some(&b'=') {
                    quoted = Some(i + taken);
                }
                taken
            }
            Escape::None | Escape::Open => {
                turned.extend(turned_escape(rest).into_iter().map(|edit| Edit {
                    start: start + i + edit.start,
                    end: start + i + edit.end,
                    ..edit
                }));
                1
            }
        };
        i += taken;
    }
    (found, turned)
}

/// The letters at the start of some bytes that make an escape where they are put thirteen places on, by their place.
fn turned_escape(bytes: &[u8]) -> Vec<Edit> {
    if !may_be_turned(bytes) {
        return Vec::new();
    }
    let turned: Vec<u8> = bytes.iter().take(MAX_SIGN).map(|byte| rotate(*byte)).collect();
    // An escape of quoted-printable stands beside another one, which may need no turning.
    let Escape::Of(length, _) = fold::escape(&turned, true) else { return Vec::new() };
    let differs =
        bytes.iter().zip(turned).enumerate().take(length).filter(|(_, (byte, turned))| *byte != turned);
    differs.map(|(at, (_, turned))| Edit { start: at, end: at + 1, put: Some(turned) }).collect()
}

/// Whether what begins with the sign of an escape, and is none, may be one whose letters are thirteen places on: `%6r`,
/// `\\k6r`, `\\h006r`, `&#k6r;`, `=4R`.
pub(crate) fn may_be_turned(bytes: &[u8]) -> bool {
    let digit = |byte: &u8| matches!(*byte, b'n'..=b's' | b'N'..=b'S');
    match bytes {
        [b'%', b'2'..=b'7', second, ..] => digit(second),
        [b'\\', b'k' | b'h', ..] => true,
        [b'&', b'#', b'k', ..] => true,
        [b'=', b'2'..=b'7', second, ..] => digit(second) && second.is_ascii_uppercase(),
        _ => false,
    }
}
