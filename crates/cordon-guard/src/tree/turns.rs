//! Orders that are given over the turns of a conversation, while others speak in between: cut into pieces that the user hands out one by
//! one and has put together, or prepared in one turn and set off by a word in a later one.
//!
//! All messages of a conversation come with each call, so nothing is kept between calls: the last turns of the user are read as one.

mod quoted;
mod trap;

use std::collections::VecDeque;

use cordon_core::{Category, Channel, Finding, Score, Span};

use super::{
    border::{Inspected, Late, Over, Piece, read},
    walk::Kind,
};
use crate::{
    inspection::{Inspection, Place, Seat, Verdict, whole},
    redact::Cut,
};

/// Turns that are read together.
const MOST: usize = 16;
/// Bytes of the beginning and of the end of a text of one.
const SIDE: usize = 1024;
/// Texts of all of them together.
const PIECES: usize = 64;

/// What was prepared in one turn and is set off in another one.
const TRAP: Category = Category::known("prompt_injection/turns");

/// What the user has written last.
#[derive(Debug, Default)]
pub(super) struct Turns(VecDeque<Piece>);

impl Turns {
    /// Takes the next text of the walk.
    pub(super) fn take(&mut self, next: &Inspected<'_>) {
        let spot = next.spot;
        let Some(message) = spot.path.message(spot.kind == Kind::Said) else { return };
        let of_talk = matches!(message.0, "messages" | "input");
        if spot.channel != Channel::User || !of_talk || !matches!(spot.kind, Kind::Said | Kind::Text) {
            return;
        }
        let length = next.text.len();
        if length <= 2 * SIDE {
            self.0.push_back(Piece::of(next, message, 0, length));
        } else {
            let (head, tail) =
                (next.text.floor_char_boundary(SIDE), next.text.ceil_char_boundary(length - SIDE));
            self.0.push_back(Piece::of(next, message, 0, head));
            self.0.push_back(Piece::of(next, message, tail, length));
        }
        // At most two came.
        while self.0.len() > PIECES || self.count() > MOST {
            self.0.pop_front();
        }
    }

    /// How many turns there are.
    fn count(&self) -> usize {
        let next = self.0.iter().skip(1);
        let others = self.0.iter().zip(next).filter(|(one, next)| one.message != next.message).count();
        usize::from(!self.0.is_empty()) + others
    }

    /// There are no more texts: rules on what goes over several turns.
    pub(super) fn finish(self, inspection: &Inspection, verdict: &mut Verdict, late: &mut Vec<Late>) {
        if self.count() < 2 {
            return;
        }
        let mut pieces: Vec<Piece> = self.0.into();
        read(&mut pieces, Over::Turns, inspection, verdict, late);
        let mut handed = quoted::pieces(&pieces);
        read(&mut handed, Over::Handed, inspection, verdict, late);
        for (prepared, set_off) in trap::sprung(&pieces) {
            for (at, span, score) in [prepared, set_off] {
                if let Some(piece) = pieces.get(at) {
                    rule(piece, span, score, inspection, verdict, late);
                }
            }
        }
    }
}

/// Rules on a part in what was prepared and set off.
fn rule(
    piece: &Piece,
    span: Span,
    score: Score,
    inspection: &Inspection,
    verdict: &mut Verdict,
    late: &mut Vec<Late>,
) {
    let span = Span::new(piece.offset + span.start, piece.offset + span.end);
    let finding = Finding { span, score, ..whole(TRAP, "turns", 0) };
    let seat = Seat { channel: piece.channel, place: Place::Open, part: &piece.path };
    let mut cuts: Vec<Cut> = Vec::new();
    let _ = inspection.rule(&seat, &[finding], |span| span, verdict, &mut cuts);
    if !cuts.is_empty() {
        late.push((piece.place, cuts));
    }
}

#[cfg(test)]
mod tests;
