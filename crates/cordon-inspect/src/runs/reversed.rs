//! Text behind a right-to-left override is shown backwards: what is shown is read too.

use cordon_core::Finding;

use super::MAX_RUN;
use crate::scanner::Context;
use crate::seen::Encoding;
use crate::view::{View, Way};

/// Where the text that is turned around began.
#[derive(Debug, Default)]
pub(super) struct Reversed(Option<usize>);

impl Reversed {
    pub(super) const fn open(&mut self, at: usize) {
        self.0 = Some(at);
    }

    pub(super) const fn live(&self) -> Option<usize> {
        self.0
    }

    pub(super) fn unchanged(&self, i: usize) -> usize {
        self.0.map_or(usize::MAX, |start| (start + MAX_RUN).saturating_sub(i))
    }

    #[inline]
    pub(super) fn byte(&mut self, i: usize, context: &mut Context<'_>) {
        if let Some(start) = self.0
            && i - start >= MAX_RUN
            // Between two characters.
            && context.text.byte(i).is_none_or(|byte| !matches!(byte, 0x80..=0xbf))
        {
            read(start, i, |_| true, context);
            self.0 = Some(i);
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(start) = self.0.take() {
            read(start, end, |_| true, context);
        }
    }
}

/// Fewer folded bytes hold nothing that a detector looks for.
const MIN_STRETCH: usize = 4;

/// Reads each line backwards, and reports what counts.
pub(super) fn read(start: usize, end: usize, counts: impl Fn(&Finding) -> bool, context: &mut Context<'_>) {
    if end - start < MIN_STRETCH {
        return;
    }
    let Ok(text) = std::str::from_utf8(context.text.slice(start, end)) else { return };
    let (mut backwards, mut way, mut from) = (Vec::with_capacity(text.len()), Way::default(), 0);
    for line in text.split_inclusive('\n') {
        let shown = line.trim_end_matches('\n');
        for (i, c) in shown.char_indices().rev() {
            let (at, len) = (from + i, c.len_utf8());
            way.push(backwards.len(), (at, at + len), (len, len));
            backwards.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        from += line.len();
        way.push(backwards.len(), (from - 1, from), (1, 1));
        backwards.push(b'\n');
    }
    View::new(Encoding::Reversed, backwards, way).report(start, counts, context);
}
