//! The terms of all dictionaries of a guard in one automaton: the time does not grow with their number.
//!
//! Small letters are read for capitals, and one space for up to three: names stand over line breaks too. Of occurrences of a type that lie inside
//! of another one only the outer is found; such as overlap are all found, so that no letter of a term is left when they are redacted.

use std::collections::{BTreeSet, VecDeque};

use aho_corasick::{
    Anchored,
    automaton::{Automaton, StateID},
    nfa::contiguous::NFA,
};
use cordon_core::resource::{Dictionary, Matching};

use crate::fold::{self, FoldedText};

/// The most spaces that are read as one.
const MAX_SPACES: usize = 3;

/// The automaton and what its terms are.
#[derive(Debug)]
pub(super) struct Words {
    automaton: NFA,
    start: StateID,
    /// By their number in the automaton.
    terms: Vec<Term>,
    /// The most bytes of the text that a term can stand for.
    longest: usize,
    /// The most steps of the automaton to a term, made a power of two.
    steps: usize,
}

#[derive(Clone, Copy, Debug)]
struct Term {
    /// The place of its type.
    of: u16,
    length: u16,
    /// Whether a letter may stand before it, and behind it.
    joins: (bool, bool),
}

/// A term as it is looked for: folded, in small letters, with single spaces.
pub(super) fn folded(term: &str) -> Vec<u8> {
    let small: String = term.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(small).collect();
    fold::word(&small).to_ascii_lowercase()
}

/// The small letter of a capital, where it has as many bytes.
fn small(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) if one.len_utf8() == c.len_utf8() => one,
        _ => c,
    }
}

impl Words {
    /// Compiles dictionaries, each with the place of its type; none where they are too large.
    pub(super) fn new<'d>(dictionaries: impl Iterator<Item = (usize, &'d Dictionary)>) -> Option<Self> {
        let (mut all, mut terms): (Vec<Vec<u8>>, Vec<Term>) = (Vec::new(), Vec::new());
        let (mut longest, mut steps) = (0, 0);
        for (of, dictionary) in dictionaries {
            let own: BTreeSet<Vec<u8>> =
                dictionary.terms.iter().map(|term| folded(term)).filter(|term| !term.is_empty()).collect();
            for term in own {
                let joins = |edge: Option<char>| {
                    dictionary.matching == Matching::Anywhere || edge.is_none_or(|c| !is_word(c))
                };
                let text = String::from_utf8_lossy(&term);
                let joins = (joins(text.chars().next()), joins(text.chars().next_back()));
                let spaces = term.iter().filter(|byte| **byte == b' ').count();
                longest = longest.max(term.len() + (MAX_SPACES - 1) * spaces);
                steps = steps.max(term.len());
                terms.push(Term {
                    of: u16::try_from(of).ok()?,
                    length: u16::try_from(term.len()).ok()?,
                    joins,
                });
                all.push(term);
            }
        }
        let automaton = NFA::builder().build(&all).ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        Some(Self { automaton, start, terms, longest, steps: steps.next_power_of_two() })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// An occurrence of a term that no longer one holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The place of its type.
    pub(super) of: usize,
}

/// Where the reading of a text has come to.
#[derive(Debug, Default)]
pub(super) struct Finder {
    state: Option<StateID>,
    /// Folded bytes before this one were read.
    at: usize,
    /// Where the bytes of the last steps stand.
    places: Vec<usize>,
    step: usize,
    spaces: usize,
    /// Occurrences that end here, the longest of each type, if no letter stands behind them.
    ending: Vec<(Occurrence, bool)>,
    /// Occurrences that a longer one may hold, in the order of their starts.
    open: VecDeque<Occurrence>,
}

impl Finder {
    /// Where what is not decided yet begins at the earliest.
    pub(super) fn live(&self, words: &Words) -> usize {
        let first = self.open.front().map(|first| first.start);
        let reading = self.at.saturating_sub(words.longest);
        first.map_or(reading, |first| first.min(reading))
    }

    /// From where on an occurrence that begins here is decided: what holds it has ended, and so has the letter behind that.
    pub(super) const fn decided(words: &Words, start: usize) -> usize {
        start + words.longest + 1
    }

    pub(super) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<usize>()
            + self.ending.capacity() * size_of::<(Occurrence, bool)>()
            + self.open.capacity() * size_of::<Occurrence>()
    }

    /// Reads the folded text up to `end`, of which nothing follows if it is the last. What is decided is given to `take`.
    pub(super) fn read(
        &mut self,
        words: &Words,
        wanted: &[bool],
        (end, is_last): (usize, bool),
        text: &FoldedText,
        take: &mut impl FnMut(Occurrence),
    ) {
        if self.places.is_empty() {
            self.places = vec![0; words.steps.max(1)];
        }
        let from = self.at;
        let bytes = text.slice(from, end);
        let mut i = 0;
        while let Some(byte) = bytes.get(i).copied() {
            let at = from + i;
            if byte < 0x80 {
                self.settle(at, || byte.is_ascii_alphanumeric() || byte == b'_');
                if byte.is_ascii_whitespace() {
                    self.spaces += 1;
                    // What is not the first of a few is passed over; more of them are no space.
                    if self.spaces == 1 {
                        self.feed(b' ', at, words, wanted, text);
                    } else if self.spaces > MAX_SPACES {
                        self.state = None;
                    }
                } else {
                    self.spaces = 0;
                    self.feed(byte.to_ascii_lowercase(), at, words, wanted, text);
                }
                i += 1;
                continue;
            }
            self.spaces = 0;
            let rest = bytes.get(i..i + 4.min(bytes.len() - i)).unwrap_or_default();
            let c = rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
            let Some(c) = c else {
                // Folded texts are UTF-8.
                self.settle(at, || true);
                self.state = None;
                i += 1;
                continue;
            };
            self.settle(at, || is_word(c));
            let mut buffer = [0; 4];
            for (offset, byte) in small(c).encode_utf8(&mut buffer).bytes().enumerate() {
                self.feed(byte, at + offset, words, wanted, text);
            }
            i += c.len_utf8();
        }
        self.at = end.max(from);
        if is_last {
            self.settle(end, || false);
        }
        let decided = |open: &Occurrence| is_last || Self::decided(words, open.start) <= end;
        while let Some(open) = self.open.pop_front_if(|open| decided(open)) {
            take(open);
        }
    }

    /// The next character begins here: which of the terms that end before it are whole is known.
    fn settle(&mut self, at: usize, is_letter: impl FnOnce() -> bool) {
        if self.ending.is_empty() {
            return;
        }
        let is_letter = is_letter();
        for (occurrence, joins) in std::mem::take(&mut self.ending) {
            if occurrence.end == at && (joins || !is_letter) {
                // None ends behind this one. Those of other types stand between.
                let is_own = |open: &Occurrence| open.of == occurrence.of;
                if self
                    .open
                    .iter()
                    .any(|open| is_own(open) && open.start <= occurrence.start && open.end == at)
                {
                    continue;
                }
                self.open.retain(|open| !(is_own(open) && open.start >= occurrence.start));
                let place = self.open.partition_point(|open| open.start <= occurrence.start);
                self.open.insert(place, occurrence);
            }
        }
    }

    #[inline]
    fn feed(&mut self, byte: u8, at: usize, words: &Words, wanted: &[bool], text: &FoldedText) {
        let mask = words.steps - 1;
        if let Some(place) = self.places.get_mut(self.step & mask) {
            *place = at;
        }
        self.step = self.step.wrapping_add(1);
        let state = words.automaton.next_state(Anchored::No, self.state.unwrap_or(words.start), byte);
        self.state = Some(state);
        if words.automaton.is_match(state) {
            self.ends(state, at + 1, words, wanted, text);
        }
    }

    #[cold]
    fn ends(&mut self, state: StateID, end: usize, words: &Words, wanted: &[bool], text: &FoldedText) {
        let mask = words.steps - 1;
        for number in 0..words.automaton.match_len(state) {
            let pattern = words.automaton.match_pattern(state, number);
            let Some(term) = words.terms.get(pattern.as_usize()) else { continue };
            let of = usize::from(term.of);
            if !wanted.get(of).is_some_and(|wanted| *wanted) {
                continue;
            }
            let first = self.step.wrapping_sub(usize::from(term.length)) & mask;
            let Some(start) = self.places.get(first).copied() else { continue };
            if !term.joins.0 && before(text, start).is_some_and(is_word) {
                continue;
            }
            let found = Occurrence { start, end, of };
            // Behind both stands the same: one that may stand before a letter counts where the other does not.
            match self.ending.iter_mut().find(|(other, joins)| other.of == of && *joins == term.joins.1) {
                Some((other, _)) => other.start = other.start.min(start),
                None => self.ending.push((found, term.joins.1)),
            }
        }
    }
}

/// The character before a place of the folded text.
fn before(text: &FoldedText, at: usize) -> Option<char> {
    let bytes = text.slice(at.saturating_sub(4), at);
    let last = bytes.last().copied()?;
    if last < 0x80 {
        return Some(char::from(last));
    }
    let begin = bytes.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
    std::str::from_utf8(bytes.get(begin..)?).ok()?.chars().next()
}
