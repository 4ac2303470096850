//! A stretch of words that show a sign of the same disguise, not too far from each other.

use cordon_core::Channel;

use super::MAX_RUN;
use crate::scanner::Context;

/// Words without the sign after which a stretch has ended.
pub(super) const APART: u8 = 16;
/// Words with the sign that make a stretch worth reading.
const ENOUGH: u16 = 2;

/// Folded bytes before the first word with the sign that are read with it: a sentence may begin with others. [`crate::scanner::CONTEXT`]
/// keeps them.
pub(crate) const BEFORE: usize = 128;

/// The stretch that is open.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    open: Option<Open>,
    /// Where what was read last ends.
    read: usize,
}

#[derive(Debug)]
struct Open {
    start: usize,
    signs: u16,
    /// Words since the last sign.
    since: u8,
}

/// A stretch that is worth reading, from its first word that showed the sign.
#[derive(Debug)]
pub(super) struct Ended {
    /// Where what is read with it begins: a word before it, none that was read.
    pub(super) from: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Stretch {
    /// Where it begins: with the first word that showed the sign.
    pub(super) fn start(&self) -> Option<usize> {
        self.open.as_ref().map(|open| open.start)
    }

    /// Takes the word `start..end`; the stretch that is worth reading and ends with it.
    #[inline]
    pub(super) fn word(
        &mut self,
        (start, end): (usize, usize),
        sign: bool,
        context: &Context<'_>,
    ) -> Option<Ended> {
        match &mut self.open {
            None => {
                self.open = sign.then_some(Open { start, signs: 1, since: 0 });
                None
            }
            Some(open) => {
                open.since = if sign { 0 } else { open.since + 1 };
                open.signs = open.signs.saturating_add(u16::from(sign));
                if open.since > APART || end - open.start >= MAX_RUN {
                    self.close(end, context)
                } else {
                    None
                }
            }
        }
    }

    /// The byte at `i` belongs to no word: no stretch waits for the next word without an end.
    #[inline]
    pub(super) fn gap(&mut self, i: usize, context: &Context<'_>) -> Option<Ended> {
        match &self.open {
            Some(open) if i - open.start >= MAX_RUN => self.close(i, context),
            _ => None,
        }
    }

    /// Ends the stretch before `end`; itself where it is worth reading.
    pub(super) fn close(&mut self, end: usize, context: &Context<'_>) -> Option<Ended> {
        let start = self.open.take().filter(|open| open.signs >= ENOUGH)?.start;
        let from = before(start, self.read, context);
        self.read = end;
        Some(Ended { from, start, end })
    }
}

/// Where what is read with a stretch begins. In what models say nothing is read before it, as there little is held back.
pub(super) fn before(start: usize, read: usize, context: &Context<'_>) -> usize {
    if matches!(context.channel, Channel::System | Channel::Model) {
        return start;
    }
    let from = start.saturating_sub(BEFORE);
    if from <= read {
        return read;
    }
    let space = context.text.slice(from, start).iter().position(|byte| *byte == b' ');
    space.map_or(start, |space| from + space + 1)
}
