//! A credential in several quoted pieces: the fields of an object, the items of a list, the parts of a sum.
//!
//! Its first piece begins with its provider's mark and is no credential by itself, and the pieces together have the form that the mark
//! promises: of pieces that show nothing, nothing is made.

use super::Held;
use crate::scanner::Context;
use crate::secret::{self, Tokens};
use crate::segment::{Candidate, Shape, Value};

/// Folded bytes of one piece.
const MAX_PIECE: usize = 256;
/// Folded bytes between two pieces, a name of the second one included.
const MAX_GAP: usize = 64;
/// Pieces of one credential.
const MAX_PIECES: usize = 8;
/// Folded bytes from the first to the last one.
const MAX_SPAN: usize = 1024;
/// Fewer characters mark nothing.
const MIN_MARK: usize = 3;
/// What may go on behind a credential that could end is a piece of so many letters and digits.
const MIN_REST: usize = 6;

/// The pieces that are open.
#[derive(Debug, Default)]
pub(super) struct Quoted(Option<Open>);

#[derive(Debug)]
struct Open {
    /// Bytes before this one were let go.
    held: usize,
    pieces: Vec<(usize, usize)>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Outside of quotation marks since this byte.
    Between(usize),
    /// Inside of them since this byte.
    Inside(usize),
    /// Behind what was inside of them, which may be the name of what comes next.
    Behind(usize, usize),
}

impl Quoted {
    pub(super) fn live(&self) -> Option<usize> {
        self.0.as_ref().and_then(|open| open.pieces.first().map(|piece| piece.0.max(open.held)))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many letters and digits from `i` on would change nothing here.
    pub(super) fn unchanged(&self, i: usize) -> usize {
        let Some(open) = &self.0 else { return usize::MAX };
        let until = match open.state {
            State::Between(from) => from + MAX_GAP,
            State::Inside(start) => start + MAX_PIECE,
            State::Behind(..) => i,
        };
        let first = open.pieces.first().map_or(i, |piece| piece.0);
        until.min(first + MAX_SPAN).saturating_sub(i)
    }

    pub(super) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |open| open.pieces.capacity() * size_of::<(usize, usize)>())
    }

    /// Whether the byte at `i` ends a first piece.
    #[inline]
    pub(super) fn asks(i: usize, byte: u8, context: &Context<'_>) -> bool {
        is_quote(byte) && first(i, context).is_some()
    }

    #[inline]
    pub(super) fn byte(&mut self, i: usize, byte: u8, held: Option<Held>, context: &mut Context<'_>) {
        let starts = held.filter(|_| is_quote(byte)).and_then(|held| Some((held, first(i, context)?)));
        if let Some(open) = &mut self.0
            && (open.ends(i, byte) || starts.is_some())
            && let Some(open) = self.0.take()
        {
            open.read(context);
        }
        if let Some((held, start)) = starts {
            let pieces = vec![(start, i)];
            self.0 = Some(Open { held: held.start, pieces, state: State::Between(i + 1) });
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        let Some(mut open) = self.0.take() else { return };
        match open.state {
            State::Inside(start) if start < end => open.pieces.push((start, end)),
            State::Behind(start, end) => open.pieces.push((start, end)),
            _ => {}
        }
        open.read(context);
    }
}

impl Open {
    /// Takes the byte at `i`, and says whether nothing follows any more.
    fn ends(&mut self, i: usize, byte: u8) -> bool {
        if self.pieces.first().is_some_and(|first| i - first.0 > MAX_SPAN) {
            return true;
        }
        if let State::Behind(start, end) = self.state {
            if byte == b':' {
                self.state = State::Between(end + 1);
                return false;
            }
            if byte.is_ascii_whitespace() && i - end <= MAX_GAP {
                return false;
            }
            self.pieces.push((start, end));
            if self.pieces.len() >= MAX_PIECES {
                return true;
            }
            self.state = State::Between(end + 1);
        }
        match self.state {
            State::Between(_) if is_quote(byte) => {
                self.state = State::Inside(i + 1);
                false
            }
            State::Between(from) => i - from > MAX_GAP,
            State::Inside(start) if is_quote(byte) => {
                self.state = if i > start { State::Behind(start, i) } else { State::Between(i + 1) };
                false
            }
            State::Inside(start) if !is_token(byte) => {
                if i > start {
                    self.pieces.push((start, i));
                }
                true
            }
            State::Inside(start) => i - start >= MAX_PIECE,
            State::Behind(..) => false,
        }
    }

    /// Reads the pieces as one text: as few of them as are a credential, and what goes on with it.
    fn read(self, context: &mut Context<'_>) {
        let mut found: Option<(Value, usize, usize)> = None;
        let mut joined = Vec::new();
        for (at, (start, end)) in self.pieces.iter().enumerate() {
            let before = joined.len();
            let piece = context.text.slice(*start, *end);
            if found.is_some() && !is_rest(piece) {
                break;
            }
            joined.extend_from_slice(piece);
            if at == 0 {
                continue;
            }
            match formed(&joined, &context.tables.tokens).filter(|value| value.end > before) {
                Some(value) => {
                    let length = value.end - before;
                    found = Some((value, at, length));
                }
                None if found.is_some() => break,
                None => {}
            }
        }
        let Some((value, last, length)) = found else { return };
        for (at, (start, end)) in self.pieces.iter().enumerate().take(last + 1) {
            let end = if at == last { start + length } else { *end };
            let start = (*start).max(self.held);
            if start < end {
                context.report(&value.detector, value.category.clone(), value.score, (start, end), false);
            }
        }
    }
}

/// Where the piece begins that ends before the quotation mark at `i`, from its provider's mark on.
fn first(i: usize, context: &Context<'_>) -> Option<usize> {
    let text = context.text.slice(i.saturating_sub(MAX_PIECE), i);
    let length = text.iter().rev().take_while(|byte| is_token(**byte)).count();
    let run = text.get(text.len() - length..).filter(|run| (MIN_MARK..MAX_PIECE).contains(&run.len()))?;
    let from = context.tables.tokens.marked_from(run)?;
    let own = run.get(from..)?;
    let whole = formed(own, &context.tables.tokens).is_some_and(|value| value.end == own.len());
    (!whole).then_some(i - own.len())
}

/// The credential that a text begins with.
fn formed(text: &[u8], tokens: &Tokens) -> Option<Value> {
    let mut values = Vec::new();
    secret::find_formed(&Candidate { left: &[], text }, Shape::of(text), tokens, &mut values);
    values.into_iter().find(|value| value.start == 0)
}

const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Whether a byte may be part of a credential.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+' | b'=' | b'~')
}

/// Whether a piece looks like more of a credential and not like a word.
fn is_rest(piece: &[u8]) -> bool {
    piece.len() >= MIN_REST
        && piece.iter().any(u8::is_ascii_digit)
        && piece.iter().any(u8::is_ascii_alphabetic)
}
