use std::ops::Range;

use cordon_core::Channel;
use cordon_inspect::{Scanner, Step};

use super::Shared;
use crate::{
    inspection::{Part, Place, Seat, Stop},
    redact::Cut,
};

/// A text in pieces that go on whole or not at all: its scanner and cuts, while the pieces wait elsewhere.
#[derive(Debug)]
pub(crate) struct Trail {
    channel: Channel,
    scanner: Scanner,
    end: usize,
    settled: usize,
    cuts: Vec<Cut>,
}

impl Trail {
    pub(crate) fn new(shared: &Shared<'_>, channel: Channel) -> Self {
        Self { channel, scanner: shared.inspection.scanner(channel), end: 0, settled: 0, cuts: Vec::new() }
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
        let step = self.scanner.push(piece);
        self.take(&step, part, shared)?;
        Ok(start..self.end)
    }

    /// Ends the text: everything is settled.
    pub(crate) fn finish(&mut self, part: &impl Part, shared: &mut Shared<'_>) -> Result<(), Stop> {
        let step = self.scanner.finish();
        self.take(&step, part, shared)
    }

    /// Whether a piece may go on.
    pub(crate) const fn is_settled(&self, piece: &Range<usize>) -> bool {
        piece.end <= self.settled
    }

    /// Whether something in the piece must not go on.
    pub(crate) fn is_cut(&self, piece: &Range<usize>) -> bool {
        self.cuts.iter().any(|cut| cut.span.start < piece.end && piece.start < cut.span.end)
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
