//! Reads a text for the types of one guard, in any chunks.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range};

use cordon_core::{Category, Channel, Score, resource::Pattern};

use super::{CONTEXT, Custom, DICTIONARY, PATTERN, digits, words::Finder};
use crate::fold::FoldedText;
use crate::scanner::Context;

/// Folded bytes after which patterns are looked for again: in small chunks each byte would else be read as often as the longest match is long.
const EVERY: usize = 64;

/// The state of reading.
#[derive(Debug)]
pub(crate) struct Reader {
    custom: Custom,
    /// By the place of their type: whether it is looked for on this channel.
    wanted: Vec<bool>,
    /// Folded bytes up to here were looked through.
    seen: usize,
    /// For each pattern: matches that begin before this folded byte are known.
    known: Vec<usize>,
    words: Finder,
    /// What was found and is not reported yet.
    found: BinaryHeap<Reverse<Found>>,
}

/// A finding, in the order in which findings are reported: by where it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    decided: usize,
    start: usize,
    end: usize,
    of: usize,
    score: Score,
    is_term: bool,
}

impl Reader {
    /// A reader for a text of this channel; none where nothing is looked for there.
    pub(crate) fn new(custom: &Custom, channel: Channel) -> Option<Self> {
        let wanted = custom.on(channel);
        wanted.contains(&true).then(|| Self {
            wanted,
            seen: 0,
            known: vec![0; custom.0.patterns.len()],
            words: Finder::default(),
            found: BinaryHeap::new(),
            custom: custom.clone(),
        })
    }

    /// The categories that it looks for.
    pub(crate) fn categories(&self) -> impl Iterator<Item = &Category> {
        let types = self.custom.0.types.iter().zip(&self.wanted);
        types.filter(|(_, wanted)| **wanted).map(|(one, _)| &one.category)
    }

    /// Where what is not decided or not reported begins at the earliest, in the folded text.
    pub(crate) fn live(&self) -> Option<usize> {
        let found = self.found.iter().map(|Reverse(found)| found.start);
        let patterns = self.custom.0.patterns.iter().zip(&self.known);
        let patterns = patterns.filter(|((of, _), _)| self.wants(*of)).map(|(_, known)| *known);
        let words = self.custom.0.words.iter().map(|words| self.words.live(words));
        found.chain(patterns).chain(words).min()
    }

    /// Bytes of memory beside its own size.
    pub(crate) fn memory(&self) -> usize {
        self.wanted.capacity()
            + self.known.capacity() * size_of::<usize>()
            + self.found.capacity() * size_of::<Reverse<Found>>()
            + self.words.memory()
    }

    /// Looks at the folded text up to `end`, before anything that is decided there is reported.
    pub(crate) fn look(&mut self, end: usize, is_last: bool, text: &FoldedText) {
        let Self { custom, wanted, words: finder, found, .. } = self;
        if let Some(words) = &custom.0.words {
            finder.read(words, wanted, (end, is_last), text, &mut |term| {
                let Some(one) = custom.0.types.get(term.of) else { return };
                let score = one.score_behind(text.slice(term.start.saturating_sub(CONTEXT), term.start));
                let decided = Finder::decided(words, term.start);
                let (start, end, of) = (term.start, term.end, term.of);
                found.push(Reverse(Found { decided, start, end, of, score, is_term: true }));
            });
        }
        if !is_last && end / EVERY == self.seen / EVERY {
            return;
        }
        self.seen = end;
        for at in 0..self.known.len() {
            self.search(at, end, is_last, text);
        }
    }

    /// Looks for a pattern in what is known of the text.
    fn search(&mut self, at: usize, end: usize, is_last: bool, text: &FoldedText) {
        let Some(((of, pattern), known)) = self.custom.0.patterns.get(at).zip(self.known.get_mut(at)) else {
            return;
        };
        let Some(one) =
            self.custom.0.types.get(*of).filter(|_| self.wanted.get(*of).is_some_and(|wanted| *wanted))
        else {
            return;
        };
        // What stands before a match says whether a word begins with it.
        let bytes = text.slice(known.saturating_sub(Pattern::BEHIND), end);
        let base = end - bytes.len();
        let needs = pattern.longest() + Pattern::BEHIND;
        // No match that begins here or behind it is surely the first and whole.
        let open = if is_last { end } else { (end + 1).saturating_sub(needs).max(*known) };
        while let Some(whole) = pattern.find(bytes, known.saturating_sub(base), bytes.len()) {
            if base + whole.start >= open {
                break;
            }
            let value = pattern.value(bytes, &whole);
            let digits = bytes.get(value.clone()).unwrap_or_default();
            let is_right = one.checksum.is_none_or(|method| digits::pass(method, digits));
            // A number that fails is none, and one that begins inside of it may be right.
            *known = base + if is_right { whole.end } else { whole.start + 1 };
            if is_right {
                let Range { start, end } = base + value.start..base + value.end;
                let score = one.score_behind(text.slice(start.saturating_sub(CONTEXT), start));
                let decided = (base + whole.start + needs).next_multiple_of(EVERY);
                self.found.push(Reverse(Found { decided, start, end, of: *of, score, is_term: false }));
            }
        }
        *known = (*known).max(open);
    }

    fn wants(&self, of: usize) -> bool {
        self.wanted.get(of).is_some_and(|wanted| *wanted)
    }

    /// The folded byte before which something is decided next that is not reported yet.
    fn due(&self) -> Option<usize> {
        self.found.peek().map(|Reverse(found)| found.decided)
    }

    /// Reports what is decided before folded byte `until`.
    pub(crate) fn report(&mut self, until: usize, context: &mut Context<'_>) {
        while self.due().is_some_and(|due| due <= until) {
            let Some(Reverse(found)) = self.found.pop() else { break };
            let Some(one) = self.custom.0.types.get(found.of) else { continue };
            let detector = if found.is_term { &DICTIONARY } else { &PATTERN };
            context.report(detector, one.category.clone(), found.score, (found.start, found.end), false);
        }
    }
}

/// How many of so many folded bytes from `at` on come before something is due.
pub(crate) fn undue(readers: &[Reader], at: usize, count: usize) -> usize {
    let due = readers.iter().filter_map(Reader::due).min();
    due.map_or(count, |due| count.min(due.saturating_sub(at).max(1)))
}
