use std::ops::Range;

use cordon_core::Channel;
use cordon_inspect::{Scanner, Step};

use super::Shared;
use crate::{
    inspection::{Part, Place, Seat, Stop},
    quarantine::Signing,
    redact::{self, Cut, Placeholders, slice},
};

/// A text in pieces that go on whole or not at all: its scanner and cuts, while the pieces wait elsewhere.
#[derive(Debug)]
pub(crate) struct Trail {
    channel: Channel,
    scanner: Scanner,
    end: usize,
    settled: usize,
    cuts: Vec<Cut>,
    /// Its signature, where any is quarantined.
    signing: Option<Box<Signing>>,
    /// All of it, where detectors elsewhere look at it too.
    whole: Option<String>,
}

impl Trail {
    pub(crate) fn new(shared: &Shared<'_>, channel: Channel) -> Self {
        let scanner = shared.inspection.scanner(channel);
        let signing = shared.inspection.signing().map(Box::new);
        let whole = shared.inspection.has_second(channel).then(String::new);
        Self { channel, scanner, end: 0, settled: 0, cuts: Vec::new(), signing, whole }
    }

    /// Takes a piece; the answer is where it lies.
    pub(crate) fn push(
        &mut self,
        piece: &str,
        part: &impl Part,
        shared: &mut Shared<'_>,
    ) -> Result<Range<usize>, Stop> {
        let start = self.end;
        self.end += piece.len();
        if let Some(signing) = &mut self.signing {
            signing.push(piece);
        }
        if let Some(whole) = &mut self.whole {
            whole.push_str(piece);
        }
        let step = self.scanner.push(piece);
        self.take(&step, part, shared)?;
        Ok(start..self.end)
    }

    /// Ends the text: everything is settled.
    pub(crate) fn finish(&mut self, part: &impl Part, shared: &mut Shared<'_>) -> Result<(), Stop> {
        let step = self.scanner.finish();
        self.take(&step, part, shared)?;
        let seat = Seat { channel: self.channel, place: Place::Open, part };
        let signing = self.signing.take().map(|signing| *signing);
        shared.inspection.ended(&seat, signing, shared.verdict)?;
        let Some(whole) = self.whole.take() else { return Ok(()) };
        // Cuts before what was released are forgotten: of a stream nothing more is cut, and of a whole text nothing is released yet.
        let more = shared.inspection.second(&seat, &whole, &self.cuts);
        shared.inspection.rule(&seat, more, |span| span, shared.verdict, &mut self.cuts)
    }

    /// Whether a piece may go on.
    pub(crate) const fn is_settled(&self, piece: &Range<usize>) -> bool {
        piece.end <= self.settled
    }

    /// Whether something in the piece must not go on.
    pub(crate) fn is_cut(&self, piece: &Range<usize>) -> bool {
        self.cuts.iter().any(|cut| cut.span.start < piece.end && piece.start < cut.span.end)
    }

    /// The piece without what must not go on. A cut that reaches over several pieces is named in the first.
    pub(crate) fn rewrite(
        &self,
        text: &str,
        piece: &Range<usize>,
        placeholders: &mut Placeholders<'_>,
    ) -> String {
        let mut cuts = self.cuts.clone();
        redact::unite(&mut cuts);
        let mut out = String::with_capacity(text.len());
        let mut at = piece.start;
        for cut in &cuts {
            let (from, to) = (cut.span.start.clamp(at, piece.end), cut.span.end.clamp(at, piece.end));
            if from == to {
                continue;
            }
            out.push_str(slice(text, at - piece.start, from - piece.start));
            if cut.span.start >= piece.start {
                placeholders.write(cut, slice(text, from - piece.start, to - piece.start), &mut out);
            }
            at = to;
        }
        out.push_str(slice(text, at - piece.start, text.len()));
        out
    }

    /// Forgets cuts that lie before a piece.
    pub(crate) fn forget_before(&mut self, piece: &Range<usize>) {
        self.cuts.retain(|cut| cut.span.end > piece.start);
    }

    fn take(&mut self, step: &Step, part: &impl Part, shared: &mut Shared<'_>) -> Result<(), Stop> {
        self.settled = step.settled;
        let seat = Seat { channel: self.channel, place: Place::Open, part };
        shared.inspection.rule(&seat, &step.findings, |span| span, shared.verdict, &mut self.cuts)
    }
}
