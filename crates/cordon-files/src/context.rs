//! What all readers of formats share: the budget, where they are, and what they have seen.

use std::collections::BTreeSet;

use crate::{
    Claim, Disposition, FileType, Limits, Place, Reason, Report, Role, Seen, Segment, Structure, dispatch,
    inflate,
};

/// The inspection ends here, for this reason: a budget is spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Halt(pub(crate) Reason);

/// What a reader answers with. What is wrong with a file is no error: it is [`Context::see`]n.
pub(crate) type Done<T = ()> = Result<T, Halt>;

/// Work that even an empty file may cost.
const FLOOR: u64 = 4 << 20;

/// One inspection under way.
pub(crate) struct Context<'l> {
    pub(crate) limits: &'l Limits,
    place: Place,
    depth: usize,
    seen: Vec<Seen>,
    /// Reasons that were not seen yet.
    missing: BTreeSet<Reason>,
    unlisted: usize,
    disposition: Disposition,
    segments: Vec<Segment>,
    structure: Structure,
    text: usize,
    work: u64,
    /// Bytes of input: the file, and what was decoded.
    input: u64,
    decoded: usize,
    things: usize,
    pieces: usize,
}

/// Pieces for each thing.
const PIECES: usize = 8;

impl<'l> Context<'l> {
    pub(crate) fn new(limits: &'l Limits, length: usize) -> Self {
        Self {
            limits,
            place: Place::default(),
            depth: 0,
            seen: Vec::new(),
            missing: Reason::ALL.iter().copied().collect(),
            unlisted: 0,
            disposition: Disposition::default(),
            segments: Vec::new(),
            structure: Structure::default(),
            text: 0,
            work: 0,
            input: length as u64,
            decoded: 0,
            things: 0,
            pieces: 0,
        }
    }

    pub(crate) fn report(self, file_type: FileType) -> Report {
        let Self { seen, unlisted, segments, structure, work, disposition, .. } = self;
        Report { file_type, seen, unlisted, segments, structure, work, disposition }
    }

    /// Work about to be done, in bytes that are looked at.
    pub(crate) fn spend(&mut self, units: usize) -> Done {
        self.work = self.work.saturating_add(units as u64);
        let most = self.input.saturating_mul(self.limits.work).saturating_add(FLOOR);
        if self.work > most { Err(Halt(Reason::NotInspected)) } else { Ok(()) }
    }

    /// One more entry, object, cell, element.
    pub(crate) fn thing(&mut self) -> Done {
        self.things(1)
    }

    /// One more event of a reader that holds none of them: it costs time alone.
    pub(crate) fn event(&mut self) -> Done {
        self.spend(8)
    }

    /// More of them at once.
    pub(crate) fn things(&mut self, count: usize) -> Done {
        self.things = self.things.saturating_add(count);
        if self.things > self.limits.things { Err(Halt(Reason::TooMany)) } else { Ok(()) }
    }

    /// Pieces that things consist of and that are held: numbers, names and strings of an object.
    pub(crate) fn pieces(&mut self, count: usize) -> Done {
        self.pieces = self.pieces.saturating_add(count);
        if self.pieces > self.limits.things.saturating_mul(PIECES) {
            Err(Halt(Reason::TooMany))
        } else {
            Ok(())
        }
    }

    /// How many more there may be, and one: who meets it has met the bound.
    pub(crate) const fn pieces_left(&self) -> usize {
        self.limits.things.saturating_mul(PIECES).saturating_sub(self.pieces).saturating_add(1)
    }

    /// Room for decoded bytes that is left.
    pub(crate) const fn room(&self) -> usize {
        self.limits.decoded.saturating_sub(self.decoded)
    }

    /// Takes decoded bytes off the budget.
    pub(crate) fn decoded(&mut self, length: usize) -> Done {
        self.decoded = self.decoded.saturating_add(length);
        self.input = self.input.saturating_add(length as u64);
        if self.decoded > self.limits.decoded { Err(Halt(Reason::Bomb)) } else { self.spend(length) }
    }

    /// Notes a reason at this place, once.
    pub(crate) fn see(&mut self, reason: Reason) {
        self.disposition = self.disposition.max(reason.disposition());
        // Of one place there are few, and they are the last.
        let known =
            self.seen.iter().rev().take_while(|seen| seen.place == self.place).any(|s| s.reason == reason);
        if known {
            return;
        }
        // The first of each reason has its place kept for it, so that no number of others can hide it.
        let is_first = self.missing.remove(&reason);
        if is_first || self.seen.len() + self.missing.len() < Report::MOST_SEEN {
            self.seen.push(Seen { reason, place: self.place.clone() });
        } else {
            self.unlisted += 1;
        }
    }

    /// Keeps a text; what is blank is none.
    pub(crate) fn text(&mut self, role: Role, text: impl Into<String>) -> Done {
        let text = text.into();
        if text.trim().is_empty() {
            return Ok(());
        }
        let room = self.limits.text.saturating_sub(self.text);
        let whole = text.len() <= room;
        let mut text = text;
        // What there is room for is kept: a text that is one byte too long is none that nobody reads.
        text.truncate(text.floor_char_boundary(room));
        self.text = self.text.saturating_add(text.len());
        self.spend(text.len())?;
        if role == Role::Hidden {
            self.see(Reason::HiddenText);
        }
        self.segments.push(Segment { role, place: self.place.clone(), text });
        if whole { Ok(()) } else { Err(Halt(Reason::NotInspected)) }
    }

    /// How the file itself is built; nothing where a file inside of it is read.
    pub(crate) fn structure(&mut self) -> Option<&mut Structure> {
        (self.depth == 1 && self.place.steps().is_empty()).then_some(&mut self.structure)
    }

    /// Does something one step further in.
    pub(crate) fn at<T>(&mut self, step: usize, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.place.0.push(u32::try_from(step).unwrap_or(u32::MAX));
        let done = inside(self);
        self.place.0.pop();
        done
    }

    /// Inspects a file; its type by content.
    pub(crate) fn file(&mut self, bytes: &[u8], claim: &Claim<'_>) -> Done<FileType> {
        if self.depth >= self.limits.depth {
            return Err(Halt(Reason::NestedTooDeep));
        }
        self.thing()?;
        self.depth += 1;
        let file_type = dispatch::inspect(self, bytes, claim);
        self.depth -= 1;
        file_type
    }

    /// Unpacks a compressed stream within the budget.
    pub(crate) fn inflate(&mut self, packed: &[u8], wrap: inflate::Wrap) -> Done<inflate::Unpacked> {
        let by_ratio = packed.len().saturating_mul(self.limits.ratio).max(1 << 20);
        let room = self.room().min(by_ratio);
        self.spend(inflate::cost(packed.len()))?;
        let unpacked = inflate::unpack(packed, wrap, room);
        if unpacked.end == inflate::End::Full {
            return Err(Halt(Reason::Bomb));
        }
        self.decoded(unpacked.bytes.len())?;
        self.spend(unpacked.used)?;
        Ok(unpacked)
    }
}
