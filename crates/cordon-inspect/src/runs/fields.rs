//! An encoded text in several pieces: the fields of an object, the items of a list, the parts of a sum.

use super::MAX_RUN;
use crate::decode;
use crate::scanner::Context;
use crate::view::Way;

/// Characters of a piece.
const MIN_PIECE: usize = 8;
/// Folded bytes between two pieces of one text.
const MAX_GAP: usize = 64;
/// Folded bytes of all pieces together.
const MAX_TEXT: usize = 2 * MAX_RUN;

/// The pieces that may be one text.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Where the open stretch of encoded characters began.
    open: Option<usize>,
    pieces: Vec<(usize, usize)>,
}

impl Fields {
    pub(super) fn live(&self, at: usize) -> Option<usize> {
        let open = self.open.filter(|start| at - start <= MAX_TEXT);
        self.pieces.first().map(|piece| piece.0).or(open)
    }

    /// How many encoded characters from `i` on would change nothing here.
    pub(super) fn unchanged(&self, i: usize) -> Option<usize> {
        self.open.and_then(|start| (start + MAX_TEXT + 1).checked_sub(i))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.open.is_none() && self.pieces.is_empty()
    }

    pub(super) fn memory(&self) -> usize {
        self.pieces.capacity() * size_of::<(usize, usize)>()
    }

    #[inline]
    pub(super) fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if decode::is_base64(byte) {
            if i == *self.open.get_or_insert(i) + MAX_TEXT + 1 {
                // Too long for a piece: nothing follows those before it.
                self.read(context);
            }
            return;
        }
        if let Some(start) = self.open.take()
            && i - start >= MIN_PIECE
        {
            self.piece(start, i, context);
        }
        if self.pieces.last().is_some_and(|last| i - last.1 > MAX_GAP) {
            self.read(context);
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(start) = self.open.take()
            && end - start >= MIN_PIECE
        {
            self.piece(start, end, context);
        }
        self.read(context);
    }

    /// The stretch `start..end` ended.
    fn piece(&mut self, start: usize, end: usize, context: &mut Context<'_>) {
        let length = end - start;
        if length > MAX_TEXT || self.pieces.first().is_some_and(|first| end - first.0 > MAX_TEXT) {
            self.read(context);
        }
        if length <= MAX_TEXT && looks_encoded(context.text.slice(start, end), !self.pieces.is_empty()) {
            self.pieces.push((start, end));
        }
    }

    /// Reads the pieces as one text.
    fn read(&mut self, context: &mut Context<'_>) {
        let pieces = std::mem::take(&mut self.pieces);
        let ([(from, _), _, ..], Some(_)) = (pieces.as_slice(), pieces.last()) else { return };
        let (mut text, mut way) = (Vec::new(), Way::default());
        for (start, end) in &pieces {
            way.push(text.len(), (start - from, end - from), (1, 1));
            text.extend_from_slice(context.text.slice(*start, *end));
        }
        for view in decode::views(&text, false) {
            view.through(way.clone()).report(*from, |_| true, context);
        }
    }
}

/// Whether a stretch looks like base64 or hexadecimal and not like a name: letters change their case in the middle of
/// words, or digits stand between letters of both cases. Behind another piece, letters of both cases are enough.
fn looks_encoded(text: &[u8], behind: bool) -> bool {
    // Nearly every word.
    if text.iter().skip(1).all(u8::is_ascii_lowercase) {
        return false;
    }
    let count = |test: fn(&u8) -> bool| text.iter().filter(|byte| test(byte)).count();
    let (capitals, smalls, digits) =
        (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase), count(u8::is_ascii_digit));
    if digits > 0 && text.len() >= 16 && text.iter().all(u8::is_ascii_hexdigit) {
        return true;
    }
    let turns = text.windows(2).filter(|pair| match pair {
        [a, b] => {
            a.is_ascii_lowercase() && b.is_ascii_uppercase()
                || a.is_ascii_uppercase() && b.is_ascii_lowercase()
        }
        _ => false,
    });
    capitals > 0 && smalls > 0 && (digits > 0 || behind || turns.count() * 3 >= text.len())
}
