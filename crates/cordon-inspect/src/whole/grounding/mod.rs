//! Whether the sentences of an answer are borne out by the sources that it was given.
//!
//! Lexical, without a model: a sentence is compared with the passages of the sources by the words that they share, each by how rare it is in
//! the sources (inverse document frequency: Sparck Jones, *A statistical interpretation of term specificity*, 1972), and numbers, dates, units
//! and denials are compared exactly. So it sees what was made up and what was changed; what was said in quite other words it takes for made
//! up, and a conclusion that does not follow from the same words it does not see.

mod about;
mod near;
mod polarity;
mod quantity;
mod steps;
mod token;
mod unit;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use cordon_core::{Score, Span};

use self::about::is_about_the_conversation;
use self::polarity::Polarity;
use self::quantity::{Quantity, quantities};
use self::steps::Steps;
use self::token::{Token, tokens, words};
use super::citation::{Citation, Cited, blanked, citations};
use super::language::told;
use super::sentence::{passages, sentences};

/// Bytes of all sources that are read, the first ones first, and of what the user asked, the last first.
const MAX_SOURCES: usize = 256 << 10;
const MAX_ASKED: usize = 16 << 10;
/// The most passages.
const MAX_PASSAGES: usize = 2_048;
/// The most numbers of the sources that are known beside those of the nearest passages. Where there are more, no number is unknown.
const MAX_NUMBERS: usize = 2_048;
/// The same of what the user asked.
const MAX_ASKED_NUMBERS: usize = 256;
/// The most sentences of an answer that are judged.
const MAX_SENTENCES: usize = 256;
/// Fewest words that say something in a sentence that claims something; a number counts as two.
const FEWEST: usize = 3;

/// Below this share of its words a sentence is not borne out.
const SUPPORTED: f64 = 0.6;
/// From this share on a passage is about the same as the sentence, so that numbers can be compared, and denials.
const SAME_MATTER: f64 = 0.5;
const SAME_STATEMENT: f64 = 0.6;
/// What a word of the sources counts that does not stand in the nearest passages.
const ELSEWHERE: f64 = 0.25;
/// How much more a name counts.
const NAME: f64 = 1.5;

/// What is known to a model: sources, cut into passages.
///
/// ```
/// use cordon_inspect::{Grounded, Sources};
/// let source = "Parcels are sent from Hamburg within three working days. Returns are free for 30 days.";
/// let sources = Sources::new([source], ["How long does it take?"]);
/// let judged = |answer: &str| sources.judge(answer).first().map(|sentence| sentence.verdict);
/// assert_eq!(judged("It is sent from Hamburg within 3 working days."), Some(Grounded::Supported));
/// assert_eq!(judged("It is sent from Hamburg within 5 working days."), Some(Grounded::Contradicted));
/// assert_eq!(judged("Every parcel is insured against theft and water."), Some(Grounded::Unsupported));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sources {
    passages: Vec<Passage>,
    /// The passages that have a word, by its key.
    leads: HashMap<u64, Vec<usize>>,
    /// With the source that says it.
    numbers: Vec<(usize, Quantity)>,
    /// Bytes that are read yet, and that were not read.
    room: usize,
    unread: usize,
    asked: HashSet<u64>,
    asked_numbers: Vec<Quantity>,
    language: Option<cordon_core::Language>,
}

/// A sentence of a source.
#[derive(Clone, Debug)]
struct Passage {
    source: usize,
    range: Range<usize>,
    keys: Vec<u64>,
    quantities: Vec<Quantity>,
    polarity: Polarity,
}

/// Whether a sentence is borne out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounded {
    /// It is.
    Supported,
    /// No passage says it.
    Unsupported,
    /// A passage says otherwise: another number, date or unit, or the opposite.
    Contradicted,
}

/// What was found of one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Where it stands in the answer.
    pub span: Span,
    /// Whether it is borne out.
    pub verdict: Grounded,
    /// How sure that is.
    pub score: Score,
    /// The passage that is nearest: which source, counted from nothing, and where in it.
    pub passage: Option<(usize, Span)>,
}

/// What was read of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its sentences, in their order; the first 256.
    pub sentences: Vec<Sentence>,
    /// How many further ones were not looked at.
    pub more: usize,
}

/// A sentence of an answer, with what it names as its sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Where it stands in the answer.
    pub span: Span,
    /// What is found of it by all sources; nothing where it claims nothing.
    pub judged: Option<Judged>,
    /// Its citations: where each stands, and the sources that it names. None of them where it names no source that was given.
    pub citations: Vec<(Span, Vec<usize>)>,
    /// What is found of it by the sources that it names, where it names some and claims something.
    pub cited: Option<Judged>,
}

impl Sources {
    /// Of these sources, and of what was `asked`: an answer may say again what stands in the question. 256 KiB of sources are read
    /// and 2,048 passages kept, and 16 KiB of the question.
    pub fn new<'t>(
        sources: impl IntoIterator<Item = &'t str>,
        asked: impl IntoIterator<Item = &'t str>,
    ) -> Self {
        let mut read = Self { room: MAX_SOURCES, ..Self::default() };
        let mut sample = String::new();
        for (at, source) in sources.into_iter().enumerate() {
            sample.push_str(start(source, read.room.min(4 << 10)));
            sample.push('\n');
            read.take(at, source, 0);
        }
        read.language = told(&sample);
        let mut room = MAX_ASKED;
        for text in asked {
            let text = start(text, room);
            room = room.saturating_sub(text.len());
            for sentence in passages(text).into_iter().filter_map(|range| text.get(range)) {
                let free = MAX_ASKED_NUMBERS.saturating_sub(read.asked_numbers.len());
                read.asked_numbers.extend(quantities(sentence).into_iter().take(free));
                read.asked.extend(tokens(&words(sentence)).into_iter().map(|token| token.key));
            }
        }
        read
    }

    /// Reads a text that belongs to a source, counted from nothing, and begins at this byte of it: what becomes known of one later, within the
    /// same bounds. Languages that differ are no language.
    pub fn extend(&mut self, source: usize, text: &str, from: usize) {
        let told = told(start(text, self.room.min(4 << 10)));
        self.language = match (self.language, told) {
            (Some(one), Some(other)) if one != other => None,
            (one, other) => one.or(other),
        };
        self.take(source, text, from);
    }

    fn take(&mut self, source: usize, text: &str, from: usize) {
        let all = text.len();
        let text = start(text, self.room);
        self.room = self.room.saturating_sub(text.len());
        let mut read_to = text.len();
        for range in passages(text) {
            if self.passages.len() >= MAX_PASSAGES {
                read_to = range.start;
                break;
            }
            self.add(source, range, text, from);
        }
        self.unread = self.unread.saturating_add(all.saturating_sub(read_to));
    }

    fn add(&mut self, source: usize, range: Range<usize>, text: &str, from: usize) {
        let Some(sentence) = text.get(range.clone()) else { return };
        let range = from.saturating_add(range.start)..from.saturating_add(range.end);
        let words = words(sentence);
        let keys: Vec<u64> = tokens(&words).into_iter().map(|token| token.key).collect();
        let at = self.passages.len();
        for key in &keys {
            self.leads.entry(*key).or_default().push(at);
        }
        let quantities = quantities(sentence);
        let room = MAX_NUMBERS.saturating_sub(self.numbers.len());
        self.numbers.extend(quantities.iter().take(room).map(|number| (source, number.clone())));
        self.passages.push(Passage { source, range, keys, quantities, polarity: Polarity::of(&words) });
    }

    /// Whether there is no source.
    pub const fn is_empty(&self) -> bool {
        self.passages.is_empty()
    }

    /// Bytes of the sources that were not read, because there are too many.
    pub const fn unread(&self) -> usize {
        self.unread
    }

    /// What is found of each sentence that claims something, of the first 256. Questions, and sentences about the conversation or about what
    /// the sources do not say, claim nothing. Nothing where sources and answer are in different languages: words say nothing then.
    pub fn judge(&self, answer: &str) -> Vec<Judged> {
        let sentences = self.read(answer, |_| None).sentences.into_iter();
        sentences.filter_map(|sentence| sentence.judged).collect()
    }

    /// The same with the citations of the answer. `resolve` says which sources a citation names, counted from nothing: none of them
    /// where it names no source that was given, and nothing at all where it is no citation.
    pub fn read(&self, answer: &str, resolve: impl Fn(&Cited) -> Option<Vec<usize>>) -> Reading {
        self.counted(answer, resolve, &Steps::default())
    }

    fn counted(
        &self,
        answer: &str,
        resolve: impl Fn(&Cited) -> Option<Vec<usize>>,
        steps: &Steps,
    ) -> Reading {
        let differs = self.language.zip(told(answer)).is_some_and(|(one, other)| one != other);
        let blank = blanked(answer, |cited| resolve(cited).is_some_and(|sources| !sources.is_empty()));
        let all = sentences(&blank);
        let more = all.len().saturating_sub(MAX_SENTENCES);
        let mut found: Vec<Sentence> = all
            .into_iter()
            .take(MAX_SENTENCES)
            .map(|range| Span::new(range.start, range.end))
            .map(|span| Sentence { span, judged: None, citations: Vec::new(), cited: None })
            .collect();
        for Citation { range, cited } in citations(answer) {
            let Some(sources) = resolve(&cited) else { continue };
            // A citation belongs to the sentence that it stands in or follows, and at the beginning of a line to the one behind it.
            let before = found.partition_point(|sentence| sentence.span.start <= range.start);
            let last = before.checked_sub(1);
            let line = last.and_then(|last| answer.get(found.get(last)?.span.end..range.start));
            let is_new = last.is_none() || line.is_some_and(|between| between.contains('\n'));
            let at = if is_new { before } else { before.saturating_sub(1) };
            // Those behind the last sentence that is looked at belong to others.
            if more > 0
                && at.saturating_add(1) >= found.len()
                && found.last().is_some_and(|last| last.span.end <= range.start)
            {
                break;
            }
            if let Some(sentence) = found.get_mut(at) {
                sentence.citations.push((Span::new(range.start, range.end), sources));
            }
        }
        if self.is_empty() || differs {
            return Reading { sentences: found, more };
        }
        for sentence in &mut found {
            sentence.judged = self.sentence(&blank, sentence.span.range(), None, steps);
            let mut named: Vec<usize> =
                sentence.citations.iter().flat_map(|(_, sources)| sources.iter().copied()).collect();
            named.sort_unstable();
            named.dedup();
            if sentence.judged.is_some() && !named.is_empty() {
                sentence.cited = self.sentence(&blank, sentence.span.range(), Some(&named), steps);
            }
        }
        Reading { sentences: found, more }
    }

    /// What is found of one sentence, by all of the sources or by some only, in their order; nothing where it claims nothing.
    fn sentence(
        &self,
        answer: &str,
        range: Range<usize>,
        only: Option<&[usize]>,
        steps: &Steps,
    ) -> Option<Judged> {
        let said = answer.get(range.clone())?;
        let words = words(said);
        let tokens = tokens(&words);
        let numbers = quantities(said);
        let measured = numbers.iter().filter(|number| !number.is_slight()).count();
        let claims = tokens.len().saturating_add(2 * measured) >= FEWEST && !tokens.is_empty();
        if !claims || is_about_the_conversation(said, &words) {
            return None;
        }
        // Where all of it stands in the question, and nothing of it in a source, it says nothing new.
        let is_asked = |number: &Quantity| self.asked_numbers.iter().any(|asked| number.is_same(asked));
        let says_more = tokens.iter().any(|token| self.weight(token) > 0.0)
            || numbers.iter().any(|number| !number.is_slight() && !is_asked(number));
        if !says_more {
            return None;
        }
        let near = self.near(&tokens, only, steps);
        let polarity = Polarity::of(&words);
        let support = self.support(&tokens, &near);
        let best = near.first().and_then(|at| self.passages.get(*at));
        let single = best.map_or(0.0, |best| self.share(&tokens, |key| best.keys.contains(&key)));
        let (wrong, unknown) = self.compare(&numbers, best, &near, single, only, steps);
        let opposes = best.is_some_and(|best| {
            let keys = tokens.iter().map(|token| token.key);
            let both: HashSet<u64> = keys.filter(|key| best.keys.contains(key)).collect();
            single >= SAME_STATEMENT && polarity.opposes(&best.polarity, &both)
        });
        let denied = if opposes { 0.5 + 0.4 * single } else { 0.0 };
        let contradicted = wrong.max(denied);
        // A number that nobody has given is made up, whatever the words around it.
        let support = if unknown { support.min(0.3) } else { support };
        let (verdict, score) = match () {
            () if contradicted > 0.0 && contradicted >= 1.0 - support => {
                (Grounded::Contradicted, contradicted)
            }
            () if support < SUPPORTED => (Grounded::Unsupported, 1.0 - support),
            () => (Grounded::Supported, support),
        };
        let passage = best.map(|best| (best.source, Span::new(best.range.start, best.range.end)));
        Some(Judged { span: Span::new(range.start, range.end), verdict, score: percent(score), passage })
    }

    /// How rare a word is. One of no source counts like the rarest, and nothing where it is of the question.
    fn weight(&self, token: &Token) -> f64 {
        let all = as_f64(self.passages.len());
        let rarity = match self.leads.get(&token.key) {
            Some(passages) => (1.0 + all / as_f64(passages.len())).ln(),
            None if self.asked.contains(&token.key) || token.refers => return 0.0,
            None => (1.0 + all).ln(),
        };
        if token.name { rarity * NAME } else { rarity }
    }

    /// The share of the words, by weight, for which something holds.
    fn share(&self, tokens: &[Token], holds: impl Fn(u64) -> bool) -> f64 {
        let (mut all, mut held) = (0.0, 0.0);
        for token in tokens {
            let weight = self.weight(token);
            all += weight;
            if holds(token.key) {
                held += weight;
            }
        }
        if all > 0.0 { held / all } else { 1.0 }
    }

    fn support(&self, tokens: &[Token], near: &[usize]) -> f64 {
        let keys: HashSet<u64> = near
            .iter()
            .filter_map(|at| self.passages.get(*at))
            .flat_map(|passage| passage.keys.iter().copied())
            .collect();
        let close = self.share(tokens, |key| keys.contains(&key));
        let any = self.share(tokens, |key| self.leads.contains_key(&key));
        close + ELSEWHERE * (any - close)
    }

    /// How sure it is that a number of the sentence is another one in the nearest passage, and whether one is in no source.
    fn compare(
        &self,
        numbers: &[Quantity],
        best: Option<&Passage>,
        near: &[usize],
        single: f64,
        only: Option<&[usize]>,
        steps: &Steps,
    ) -> (f64, bool) {
        let (mut wrong, mut unknown) = (0.0_f64, false);
        let around =
            || near.iter().filter_map(|at| self.passages.get(*at)).flat_map(|passage| &passage.quantities);
        let is_meant = |source: &usize| only.is_none_or(|only| only.binary_search(source).is_ok());
        let is_full = self.numbers.len() >= MAX_NUMBERS;
        for number in numbers {
            let is_known = |known: &Quantity| {
                steps.one();
                number.is_same(known)
            };
            if around().any(is_known) || self.asked_numbers.iter().any(is_known) {
                continue;
            }
            // A number that the sentence says elsewhere is not the one that this one stands for.
            let stands_for = |known: &&Quantity| {
                (number.is_like(known) || number.differs_in_unit(known))
                    && !numbers.iter().any(|said| {
                        steps.one();
                        said.is_same(known)
                    })
            };
            let of_sources = self.numbers.iter().filter(|(source, _)| is_meant(source));
            let is_elsewhere = of_sources.map(|(_, known)| known).any(is_known);
            let stands = best.is_some_and(|best| best.quantities.iter().any(|known| stands_for(&known)));
            if stands && single >= SAME_MATTER {
                wrong = wrong.max(if is_elsewhere { 0.4 + 0.4 * single } else { 0.6 + 0.35 * single });
            } else if !is_elsewhere && !is_full && !number.is_slight() {
                unknown = true;
            }
        }
        (wrong, unknown)
    }
}

/// The beginning of a text, up to so many bytes.
fn start(text: &str, most: usize) -> &str {
    let end = text.floor_char_boundary(most.min(text.len()));
    text.get(..end).unwrap_or_default()
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
fn percent(share: f64) -> Score {
    Score::percent((share.clamp(0.0, 0.99) * 100.0).round() as u32)
}

#[cfg(test)]
mod tests;
