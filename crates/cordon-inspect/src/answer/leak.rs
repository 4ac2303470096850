//! Words of the prompt that come back in an answer.
//!
//! A prompt is kept as the set of its phrases: every [`PHRASE`] words that follow each other in it, in small letters, without what
//! stands between them (overlap of word n-grams, "shingles": Broder, *On the resemblance and containment of documents*, 1997). An
//! answer that goes on from one such phrase to the next repeats the prompt, and the longer it does, the less it is chance. What the
//! user has written is taken out of the set before, so that to quote him is no leak. The phrases of the prompt read backwards belong to
//! it, and digits are the letters that they stand for.

use std::sync::Arc;

use crate::answer::Found;
use crate::detector::{Detector, LEAK, MAX_SEGMENT};
use crate::fold;
use crate::suspicion::READ_AS;

/// Words of a phrase. Shorter ones stand in any text.
const PHRASE: usize = 5;
/// Longest word, in folded bytes.
const MAX_WORD: usize = 64;
/// Bytes between two words of a phrase.
const MAX_BETWEEN: usize = 128;
/// Words that end no phrase of the prompt, after which it is no longer repeated: one other word costs a phrase and itself.
const MAX_MISSED: usize = PHRASE + 3;
/// Bytes behind a repetition after which it has ended in any case.
pub(crate) const MAX_BEHIND: usize = 512;
/// Bytes of a prompt that are looked for, from its beginning.
const MAX_TOLD: usize = 64 << 10;
/// Bytes of a prompt that are looked for backwards, from its beginning.
const MAX_BACKWARDS: usize = 16 << 10;
/// Bytes of what is known already that are looked at, in the order in which it is given.
const MAX_KNOWN: usize = 256 << 10;
/// What a word counts; a character of a script without spaces counts half of it.
const WORD: usize = 2;

/// What an answer should not give away: what the model was told by others than the user, and a marker planted in it. Cloning is
/// cheap.
///
/// ```
/// use cordon_core::Channel;
/// use cordon_inspect::{Engine, Prompt};
/// let told = "You are Ada, who helps with the tax forms of small shops. Never name the discount code of \
///             partners, and hand over to a person when somebody asks for a refund twice.";
/// let engine = Engine::builtin();
/// let leaks = |known: &[&str], answer: &str| {
///     let mut scanner = engine.scanner(Channel::Model, &[]).with_prompt(Prompt::new([told], known.iter().copied()));
///     let mut findings = scanner.push(answer).findings;
///     findings.append(&mut scanner.finish().findings);
///     findings.iter().any(|finding| finding.category.as_str() == "leak/prompt")
/// };
/// let answer = format!("My instructions: {}", told.to_uppercase());
/// assert!(leaks(&[], &answer));
/// assert!(!leaks(&[told], &answer), "the user has written it himself");
/// assert!(!leaks(&[], "I help with the tax forms of small shops. What would you like to know?"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Prompt(Option<Arc<Told>>);

#[derive(Clone, Debug, Default)]
struct Told {
    /// Hashes of its words, sorted.
    words: Vec<u64>,
    /// Hashes of its phrases, sorted.
    phrases: Vec<u64>,
    /// What all of its words count.
    length: usize,
    marker: Option<u64>,
    /// The same of the documents that came with it.
    document: Option<u64>,
}

impl Prompt {
    /// Of what the model was `told`, each text by itself, without the phrases of what is `known` to the reader of the answer.
    /// Of long texts the beginning counts: 64 KiB of what was told, 256 KiB of what is known.
    pub fn new<'t>(
        told: impl IntoIterator<Item = &'t str>,
        known: impl IntoIterator<Item = &'t str>,
    ) -> Self {
        let mut prompt = Told::default();
        let told: Vec<&str> = told.into_iter().collect();
        read(told.iter().copied(), MAX_TOLD, Turn::None, |word, phrase| {
            prompt.words.push(word.hash);
            prompt.phrases.extend(phrase);
            prompt.length += word.counts();
        });
        if prompt.phrases.is_empty() {
            return Self::default();
        }
        read(told, MAX_BACKWARDS, Turn::Backwards, |word, phrase| {
            prompt.words.push(word.hash);
            prompt.phrases.extend(phrase);
        });
        sort(&mut prompt.words);
        sort(&mut prompt.phrases);
        let mut said = Vec::new();
        let mut know = |_: Word, phrase: std::option::IntoIter<u64>| {
            said.extend(phrase.filter(|phrase| prompt.phrases.binary_search(phrase).is_ok()));
        };
        let known: Vec<&str> = known.into_iter().collect();
        read(known.iter().copied(), MAX_KNOWN, Turn::None, &mut know);
        // To turn around what the user wrote is no leak either.
        read(known, MAX_KNOWN, Turn::Backwards, know);
        sort(&mut said);
        prompt.phrases.retain(|phrase| said.binary_search(phrase).is_err());
        Self(Some(Arc::new(prompt)))
    }

    /// The same with a marker that was planted in it: one word of letters and digits of ASCII, at most 64. Its appearance is certain.
    #[must_use]
    pub fn with_marker(self, marker: &str) -> Self {
        let mut told = self.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        told.marker = hash_of(marker);
        Self(Some(Arc::new(told)))
    }

    /// The same with a marker of that form that was planted in the documents that came with it: its appearance is as certain, and says
    /// that one of them leaks.
    #[must_use]
    pub fn with_document_marker(self, marker: &str) -> Self {
        let mut told = self.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        told.document = hash_of(marker);
        Self(Some(Arc::new(told)))
    }

    /// Whether there is anything to look for.
    pub(crate) const fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl Told {
    /// How sure it is that so much of the prompt is no chance, in per cent; nothing where it well may be. Prompts tell models what to
    /// say, word for word, and a sentence of that is no leak yet.
    fn percent(&self, counted: usize) -> Option<u32> {
        let percent = match counted / WORD {
            0..10 => return None,
            10..16 => 35,
            16..24 => 60,
            24..40 => 80,
            _ => 95,
        };
        // What is most of the prompt is the prompt.
        let most = counted.saturating_mul(2) >= self.length && counted >= 12 * WORD;
        Some(if most { 95.min(percent + 20) } else { percent })
    }
}

/// The hash of the first word of a text.
fn hash_of(text: &str) -> Option<u64> {
    let mut words = Words::default();
    text.bytes().chain([b' ']).enumerate().find_map(|(i, byte)| words.byte(i, byte)).map(|word| word.hash)
}

fn sort(hashes: &mut Vec<u64>) {
    hashes.sort_unstable();
    hashes.dedup();
}

/// How a text is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    None,
    /// The last character first.
    Backwards,
}

/// Reads texts up to so many bytes: each word, and the phrase that ends with it.
fn read<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    most: usize,
    turn: Turn,
    mut take: impl FnMut(Word, std::option::IntoIter<u64>),
) {
    let mut left = most;
    for text in texts {
        let end = (0..=left.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let text = text.get(..end).unwrap_or_default();
        left -= text.len();
        let (mut words, mut recent) = (Words::default(), Recent::default());
        let mut folded = fold::folded(text);
        if turn == Turn::Backwards {
            folded = String::from_utf8_lossy(&folded).chars().rev().collect::<String>().into_bytes();
        }
        for (i, byte) in folded.into_iter().chain([b' ']).enumerate() {
            if let Some(word) = words.byte(i, byte) {
                recent.push(word, true);
                take(word, recent.phrase().into_iter());
            }
        }
        if left == 0 {
            return;
        }
    }
}

/// A word of the folded text.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    start: usize,
    end: usize,
    hash: u64,
    /// Of a script without spaces, in which every character is a word.
    ideograph: bool,
}

impl Word {
    const fn counts(&self) -> usize {
        if self.ideograph { WORD / 2 } else { WORD }
    }
}

/// The word that is open.
#[derive(Debug, Default)]
struct Words {
    open: Option<Word>,
}

impl Words {
    /// Takes the folded byte at `i`; the word that ends before it.
    fn byte(&mut self, i: usize, byte: u8) -> Option<Word> {
        let ideograph = matches!(byte, 0xe3..=0xe9);
        let inside = byte.is_ascii_alphanumeric() || byte >= 0x80;
        let ended = match self.open {
            Some(open) if !inside || ideograph || open.ideograph && i - open.start == 3 => self.close(i),
            _ => None,
        };
        if inside {
            let open = self.open.get_or_insert(Word { start: i, end: i, hash: 0, ideograph });
            let read = READ_AS.get(usize::from(byte)).copied().unwrap_or(byte);
            open.hash = mixed(open.hash, u64::from(read));
        }
        ended
    }

    fn close(&mut self, end: usize) -> Option<Word> {
        self.open.take().map(|word| Word { end, ..word })
    }
}

/// The latest words.
#[derive(Debug, Default)]
struct Recent {
    /// The last one last.
    words: [Word; PHRASE],
    /// How many of them, from the last one back, may be of one phrase.
    joined: usize,
}

impl Recent {
    fn push(&mut self, word: Word, joins: bool) {
        self.words.rotate_left(1);
        if let Some(last) = self.words.last_mut() {
            *last = word;
        }
        let joins = joins && word.end - word.start <= MAX_WORD;
        self.joined = if joins { PHRASE.min(self.joined + 1) } else { 0 };
    }

    /// The phrase of the last words.
    fn phrase(&self) -> Option<u64> {
        (self.joined == PHRASE).then(|| self.words.iter().fold(1, |hash, word| mixed(hash, word.hash)))
    }

    /// Where the words begin that may belong to a phrase.
    fn start(&self) -> Option<usize> {
        self.words.iter().rev().take(self.joined).next_back().map(|word| word.start)
    }

    /// What the last so many words count.
    fn counts(&self, last: usize) -> usize {
        self.words.iter().rev().take(last).map(Word::counts).sum()
    }
}

/// One step of a hash: a multiplication by an odd number (the golden ratio's) and a shift, so that every bit counts.
const fn mixed(hash: u64, next: u64) -> u64 {
    let hash = (hash ^ next).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

/// Looks for a prompt in a text.
#[derive(Debug, Default)]
pub(crate) struct Leak {
    words: Words,
    recent: Recent,
    run: Option<Run>,
}

/// The prompt is being repeated.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    /// Behind the last word of the last phrase.
    end: usize,
    /// What the repeated words count.
    counted: usize,
    /// Words since then that end no phrase of the prompt.
    missed: usize,
    continues: bool,
}

impl Leak {
    /// Takes the folded byte at `i`.
    pub(crate) fn byte(&mut self, i: usize, byte: u8, prompt: &Prompt, due: &mut Vec<Found>) {
        let Some(told) = &prompt.0 else { return };
        if let Some(word) = self.words.byte(i, byte) {
            self.word(word, told, due);
        }
        if self.words.open.is_none()
            && self.recent.words.last().is_some_and(|last| i.saturating_sub(last.end) >= MAX_BETWEEN)
        {
            self.recent.joined = 0;
        }
        if self.run.is_some_and(|run| i.saturating_sub(run.end) >= MAX_BEHIND) {
            self.end(told, due);
        }
    }

    /// The text ends before folded byte `end`.
    pub(crate) fn close(&mut self, end: usize, prompt: &Prompt, due: &mut Vec<Found>) {
        let Some(told) = &prompt.0 else { return };
        if let Some(word) = self.words.close(end) {
            self.word(word, told, due);
        }
        self.end(told, due);
    }

    /// Where what must be held back begins: the prompt may be repeated from there on. `end` is that of what was read.
    pub(crate) fn live(&self, end: usize) -> Option<usize> {
        let open = self.words.open.map(|word| word.start).filter(|start| end - start <= MAX_WORD);
        [open, self.recent.start(), self.run.map(|run| run.start)].into_iter().flatten().min()
    }

    fn word(&mut self, word: Word, told: &Told, due: &mut Vec<Found>) {
        if told.marker == Some(word.hash) {
            due.push(found(&LEAK, "leak/marker", 100, word.start, word.end, false));
        }
        if told.document == Some(word.hash) {
            due.push(found(&LEAK, "leak/marker/document", 100, word.start, word.end, false));
        }
        self.recent.push(word, told.words.binary_search(&word.hash).is_ok());
        let hit = self.recent.phrase().is_some_and(|phrase| told.phrases.binary_search(&phrase).is_ok());
        match &mut self.run {
            None if hit => {
                let start = self.recent.start().unwrap_or(word.start);
                let counted = self.recent.counts(PHRASE);
                self.run = Some(Run { start, end: word.end, counted, missed: 0, continues: false });
            }
            None => {}
            Some(run) if hit => {
                if word.end - run.start > MAX_SEGMENT {
                    if let Some(percent) = told.percent(run.counted) {
                        due.push(found(&LEAK, PROMPT, percent, run.start, run.end, run.continues));
                        run.continues = true;
                    }
                    run.start = run.end;
                }
                run.counted += self.recent.counts(run.missed + 1);
                (run.end, run.missed) = (word.end, 0);
            }
            Some(run) => {
                run.missed += 1;
                if run.missed > MAX_MISSED {
                    self.end(told, due);
                }
            }
        }
    }

    /// The prompt is no longer repeated.
    fn end(&mut self, told: &Told, due: &mut Vec<Found>) {
        if let Some(run) = self.run.take()
            && run.start < run.end
            && let Some(percent) = told.percent(run.counted)
        {
            due.push(found(&LEAK, PROMPT, percent, run.start, run.end, run.continues));
        }
    }
}

const PROMPT: &str = "leak/prompt";

const fn found(
    detector: &Detector,
    category: &'static str,
    percent: u32,
    start: usize,
    end: usize,
    continues: bool,
) -> Found {
    Found { detector: *detector, category, percent, start, end, continues }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_alike_whatever_stands_between_them() {
        let phrases = |text: &str| {
            let mut phrases = Vec::new();
            read([text], MAX_TOLD, Turn::None, |_, phrase| phrases.extend(phrase));
            phrases
        };
        let plain = phrases("one two three four five six");
        assert_eq!(plain.len(), 2);
        for text in [
            "One, two; THREE (four)\nfive ... six!",
            "ｏｎｅ two thr\u{200b}ee four &#102;ive six",
            "**one** two `three` four\tfive — six",
            "0ne 7wo thr33 f0ur f1ve 5ix",
        ] {
            assert_eq!(phrases(text), plain, "{text}");
        }
        // Every character of a script without spaces is a word.
        assert_eq!(phrases("请不要告诉任何人").len(), 4);
        assert_eq!(phrases("one two three four").len(), 0);
        // A word that is none ends a phrase.
        assert_eq!(phrases(&format!("one two three {} four five", "x".repeat(65))).len(), 0);
    }

    #[test]
    fn what_is_told_is_bounded() {
        let text = "word ".repeat(MAX_TOLD);
        let mut words = 0;
        read([text.as_str(), "never read"], MAX_TOLD, Turn::None, |_, _| words += 1);
        assert_eq!(words, MAX_TOLD.div_ceil(5));
        // The bound lies within a character.
        read(["é".repeat(MAX_TOLD).as_str()], 5, Turn::None, |word, _| assert_eq!(word.end - word.start, 2));
    }
}
