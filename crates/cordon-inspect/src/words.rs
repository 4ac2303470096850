//! Reads the folded text as words, undoes what hides words (look-alikes, leetspeak, letter spacing, ROT13), and follows
//! the phrases of the rules through them.

mod gap;
mod reading;

use cordon_core::{Score, Span};
use gap::{Gap, is_quoted};
use reading::{Lower, is_hidden, read};

use crate::detector::MAX_PHRASE;
use crate::evidence::{Evidence, Kind, Manner, Place, Rules, Start, Word};
use crate::fold::FoldedText;
use crate::runs::Disguise;
use crate::scanner::Context;
use crate::setting::{Next, On, Said, Setting, Stand};

/// Longer words stand in no rule.
const MAX_WORD: usize = 48;
/// Letters of a spaced word that are kept.
const MAX_SPACED: usize = 64;
/// Phrases followed at once; more than the rules can need on text that means something.
const MAX_THREADS: usize = 64;

/// The state of reading words.
#[derive(Debug)]
pub(crate) struct Words {
    /// Where the open word began.
    start: Option<usize>,
    gap: Gap,
    spaced: Vec<Letter>,
    threads: Vec<Thread>,
    /// The phrases that the last word may have begun.
    opening: Option<Opening>,
    evidence: Evidence,
    previous: Previous,
    /// What disguised the last word, if it is one of the rules.
    disguise: Option<Disguise>,
    /// Words of the open quotation that are still taken to belong to it.
    quotation: u8,
    setting: Setting,
}

/// The most that a phrase says whose words are one name of a program, as of a test: `ignores_previous_instructions`.
const NAME: Score = Score::percent(55);

/// A quotation mark that nothing closes ends after so many words.
const MAX_QUOTATION: u8 = 60;

/// A single letter that may be part of a word spelt with spaces.
#[derive(Clone, Copy, Debug)]
struct Letter {
    byte: u8,
    start: usize,
    original: Span,
    gap: Gap,
}

/// What the last words were.
#[derive(Clone, Copy, Debug, Default)]
struct Previous {
    lead: bool,
    about: bool,
    you: bool,
    to: bool,
    not: bool,
    doubt: bool,
    report: bool,
    /// The word before the last one addressed the reader.
    before_you: bool,
}

/// A phrase in progress.
#[derive(Clone, Copy, Debug)]
struct Thread {
    rule: u16,
    /// What must come next.
    place: Place,
    skipped: u8,
    start: usize,
    manner: Manner,
    stand: Stand,
    rot13: bool,
    joins: Joins,
}

/// What stands between the words of a phrase.
#[derive(Clone, Copy, Debug, Default)]
struct Joins {
    /// Two words of it stand in one value of data, or in none.
    together: bool,
    /// Two words of it stand apart, or none of them beside an underscore: they are no name of a program.
    apart: bool,
    underscore: bool,
}

impl Joins {
    fn behind(&mut self, gap: Gap) {
        self.together |= !gap.field;
        self.apart |= gap.spaced;
        self.underscore |= gap.is_underscore();
    }

    /// Whether the words are one name of a program, or of a file of one.
    const fn is_name(self) -> bool {
        self.underscore && !self.apart
    }
}

/// A word that begins phrases, and how. Which of them go on the next word says, and most of them do not.
#[derive(Clone, Copy, Debug)]
struct Opening {
    word: Word,
    start: usize,
    manner: Manner,
    stand: Stand,
    rot13: bool,
}

/// A phrase whose last word has come.
#[derive(Clone, Copy, Debug)]
struct Done {
    rule: u16,
    start: usize,
    manner: Manner,
    stand: Stand,
    joins: Joins,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            start: None,
            gap: Gap { sentence: true, ..Gap::NONE },
            spaced: Vec::new(),
            threads: Vec::new(),
            opening: None,
            evidence: Evidence::default(),
            previous: Previous::default(),
            disguise: None,
            quotation: 0,
            setting: Setting::default(),
        }
    }
}

impl Words {
    /// Where the open word began, in the folded text, while it may still be a word of the rules.
    pub(crate) fn open_word(&self, text: &FoldedText) -> Option<usize> {
        let word = self.start.filter(|start| text.end() - start <= MAX_WORD);
        [word, self.spaced.first().map(|letter| letter.start)].into_iter().flatten().min()
    }

    /// Whether a word is open that began with an ASCII letter: letters and digits only make it longer.
    pub(crate) fn in_ascii_word(&self, text: &FoldedText) -> bool {
        self.start.is_some_and(|start| !is_ideograph(text.byte(start)))
    }

    /// Whether no word is open.
    pub(crate) const fn is_between(&self) -> bool {
        self.start.is_none()
    }

    /// As the letters `start..end` of a plain word one by one, and a byte behind them that ends it.
    #[inline]
    pub(crate) fn plain_word(
        &mut self,
        start: usize,
        end: usize,
        rule: Option<(Word, bool)>,
        context: &mut Context<'_>,
    ) {
        if end - start == 1 {
            self.end_word(start, end, context);
            return;
        }
        let gap = std::mem::replace(&mut self.gap, Gap::NONE);
        if !self.spaced.is_empty() {
            self.flush(context);
        }
        let original = context.text.original(start, end);
        let hidden = is_hidden(rule, start, end, original, context);
        self.word(rule, gap, start, original, hidden, context);
    }

    /// As a space behind a word.
    pub(crate) fn space(&mut self) {
        self.gap.take(b' ');
    }

    /// How many letters and digits from `i` on would change nothing here.
    pub(crate) fn unchanged(&self, i: usize) -> usize {
        let long = self.start.filter(|_| !self.spaced.is_empty());
        let long = long.map_or(usize::MAX, |start| (start + MAX_WORD).saturating_sub(i));
        // What waits for a word does not wait for one without an end.
        let waits = self.start.filter(|_| self.setting.is_open());
        let waits = waits.map_or(usize::MAX, |start| (start + MAX_WORD).saturating_sub(i));
        // What waits for the end of a fence waits for no word, and not for ever.
        let fenced = self.start.and(self.setting.due()).map_or(usize::MAX, |due| due.saturating_sub(i));
        long.min(waits).min(fenced)
    }

    /// What disguised the last word, if it is one of the rules.
    pub(crate) const fn disguise(&self) -> Option<Disguise> {
        self.disguise
    }

    /// Where what must be held back begins, in the original.
    pub(crate) fn live(&self, text: &FoldedText, consumed: usize) -> Option<usize> {
        let word =
            self.start.filter(|start| text.end() - start <= MAX_WORD).map(|start| text.original_start(start));
        let spaced = self.spaced.first().map(|letter| letter.original.start);
        let open = [word, spaced].into_iter().flatten().chain(self.begun());
        open.filter(|start| consumed - start <= MAX_PHRASE).chain(self.setting.live()).min()
    }

    /// Where an open phrase begins in the original that stands close before original byte `at`.
    pub(crate) fn phrase(&self, at: usize) -> Option<usize> {
        let near = |start: &usize| at.checked_sub(*start).is_some_and(|length| length <= MAX_PHRASE / 2);
        self.begun().filter(near).min()
    }

    /// Where the open phrases begin, in the original.
    fn begun(&self) -> impl Iterator<Item = usize> {
        self.threads.iter().map(|thread| thread.start).chain(self.opening.map(|opening| opening.start))
    }

    pub(crate) fn memory(&self) -> usize {
        self.threads.capacity() * size_of::<Thread>()
            + self.spaced.capacity() * size_of::<Letter>()
            + self.setting.memory()
    }

    /// Takes the folded byte at `i`.
    pub(crate) fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        let ideograph = matches!(byte, 0xe3..=0xe9);
        if byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'@' || byte == b'$' {
            match self.start {
                None => self.start = Some(i),
                // Scripts without spaces: every character is a word.
                Some(start) if ideograph || i - start == 3 && is_ideograph(context.text.byte(start)) => {
                    self.end_word(start, i, context);
                    self.start = Some(i);
                }
                // Letters before a word without an end do not wait for it, and nothing else does.
                Some(start) if i - start >= MAX_WORD => {
                    self.flush(context);
                    self.setting.word(Next::default(), context);
                    self.setting.broken(context);
                    self.setting.passed(i, context);
                }
                Some(_) => {}
            }
        } else {
            if let Some(start) = self.start.take() {
                self.end_word(start, i, context);
            }
            self.gap.take(byte);
            // Letters that are spelled stand one byte apart.
            if self.gap.width == 2 && !self.spaced.is_empty() {
                self.flush(context);
            }
            // A space behind a word is no sign.
            if self.gap.width > 1 || byte != b' ' {
                self.setting.word(Next::default(), context);
                self.setting.byte(i, byte, self.previous.report && self.gap.width <= 3, context);
            }
        }
    }

    /// The text ends.
    pub(crate) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(start) = self.start.take() {
            self.end_word(start, end, context);
        }
        self.flush(context);
        self.setting.close(context);
        self.threads.clear();
        self.opening = None;
    }

    fn end_word(&mut self, start: usize, end: usize, context: &mut Context<'_>) {
        let gap = std::mem::replace(&mut self.gap, Gap::NONE);
        let long = end - start > MAX_WORD;
        // The start of a long word may be forgotten; nothing asks for it.
        let original = if long {
            let end = context.text.original_end(end);
            Span::new(end, end)
        } else {
            context.text.original(start, end)
        };
        let bytes = if long { &[] } else { context.text.slice(start, end) };
        if let [byte] = bytes
            && byte.is_ascii_alphabetic()
        {
            let goes_on = gap.width == 1
                && gap.only.is_some_and(|b| matches!(b, b' ' | b'-' | b'.' | b'_' | b'*' | b'\n' | b'/'));
            if !goes_on || self.spaced.len() >= MAX_SPACED {
                self.flush(context);
            }
            self.spaced.push(Letter { byte: byte.to_ascii_lowercase(), start, original, gap });
            // What the word before was says nothing of this one.
            self.disguise = None;
            return;
        }
        self.flush(context);
        let mut buffer = Lower::default();
        let (word, plain) =
            if bytes.len() <= MAX_WORD { read(bytes, &mut buffer, context) } else { (None, true) };
        let hidden = word.is_some() && !plain
            || bytes.is_ascii() && !long && is_hidden(word, start, end, original, context);
        self.word(word, gap, start, original, hidden, context);
    }

    /// The letters spelt with spaces so far are words: one each, or together.
    fn flush(&mut self, context: &mut Context<'_>) {
        if self.spaced.is_empty() {
            return;
        }
        if let [letter] = self.spaced.as_slice() {
            let letter = *letter;
            self.spaced.clear();
            let word = context.tables.rules.word(&[letter.byte]);
            self.word(word, letter.gap, letter.start, letter.original, false, context);
            return;
        }
        let letters = std::mem::take(&mut self.spaced);
        let bytes: Vec<u8> = letters.iter().map(|letter| letter.byte).collect();
        let mut at = 0;
        while let Some(letter) = letters.get(at).copied() {
            // The longest word of the rules that begins here, if the letters were spelt out at all.
            let longest = (4..=16.min(bytes.len() - at)).rev().find_map(|length| {
                let word = context.tables.rules.word(bytes.get(at..at + length)?)?;
                Some((word, length))
            });
            let (word, length) = match longest {
                Some((word, length)) => (Some(word), length),
                None => (context.tables.rules.word(&[letter.byte]), 1),
            };
            let last = letters.get(at + length - 1).copied().unwrap_or(letter);
            let original = Span::new(letter.original.start, last.original.end);
            self.word(word, letter.gap, letter.start, original, length > 1, context);
            at += length;
        }
    }

    /// One word, read: phrases go on, end or begin.
    fn word(
        &mut self,
        word: Option<(Word, bool)>,
        gap: Gap,
        start: usize,
        original: Span,
        hidden: bool,
        context: &mut Context<'_>,
    ) {
        let rules = &context.tables.rules;
        self.disguise = match word {
            Some((_, true)) => Some(Disguise::Rot13),
            Some(_) if hidden => Some(Disguise::Leet),
            _ => None,
        };
        self.evidence.next_word();
        self.setting.settle(context);
        self.setting.passed(start, context);
        let kind = word.map(|(word, _)| rules.kind(word)).unwrap_or_default();
        let Kind { harmless, belongs, regarding, article, .. } = kind;
        let next = Next { harmless, other: harmless || !belongs, topic: regarding, article };
        self.setting.word(next, context);
        let apostrophe = gap.width == 1 && gap.only == Some(b'\'');
        self.quotation = match self.quotation {
            _ if gap.quote && !apostrophe => {
                if is_quoted(context.text, start) {
                    MAX_QUOTATION
                } else {
                    0
                }
            }
            words => words.saturating_sub(1),
        };
        if let Some(opening) = self.opening.take() {
            self.open(opening, word, rules);
        }
        self.threads.iter_mut().for_each(|thread| thread.joins.behind(gap));
        // Most words stand in no phrase and begin none.
        let begins =
            word.filter(|(word, _)| !rules.starts(*word).is_empty() || !rules.alone(*word).is_empty());
        if begins.is_none() && self.threads.is_empty() {
            self.remember(kind, gap);
            return;
        }
        let stand = self.setting.stand(start);
        let cost = if gap.sentence && gap.stop || gap.newlines > 1 { 3 } else { 1 };
        let mut done: Vec<Done> = Vec::new();
        self.threads.retain_mut(|thread| {
            if original.end - thread.start > MAX_PHRASE {
                return false;
            }
            let fills =
                word.is_some_and(|(word, rot13)| rot13 == thread.rot13 && rules.fills(word, thread.place));
            if !fills {
                thread.skipped += cost;
                return thread.skipped <= thread.place.gap;
            }
            thread.manner.hidden |= hidden;
            match rules.next(thread.rule, thread.place) {
                Some(place) => {
                    (thread.place, thread.skipped) = (place, 0);
                    true
                }
                None => {
                    let Thread { rule, start, manner, stand, joins, .. } = *thread;
                    done.push(Done { rule, start, manner, stand, joins });
                    false
                }
            }
        });

        if let Some((word, rot13)) = begins {
            let manner = self.manner(gap, hidden || rot13);
            let start = original.start;
            let joins = Joins { together: true, ..Joins::default() };
            done.extend(rules.alone(word).iter().map(|rule| Done {
                rule: *rule,
                start,
                manner,
                stand,
                joins,
            }));
            if !rules.starts(word).is_empty() {
                self.opening = Some(Opening { word, start, manner, stand, rot13 });
            }
        }

        done.sort_by_key(|thread| (thread.start, thread.rule));
        for thread in done {
            let span = Span::new(thread.start, original.end);
            let Done { rule, manner, stand: began, joins, .. } = thread;
            // Words of which each is a value by itself are no phrase.
            if !joins.together {
                continue;
            }
            if let Some((category, score)) = self.evidence.weigh(rules, rule, span, manner, context.channel) {
                let score = if joins.is_name() && !manner.hidden { score.min(NAME) } else { score };
                let waits = On::behind(kind);
                let said = Said { rule, category, score, span, began, hidden: manner.hidden, waits };
                self.setting.said(said, stand, start, context);
            }
        }
        self.remember(kind, gap);
    }

    /// The phrases that a word has begun are open where the next one fills their second place, or may stand before it.
    fn open(&mut self, opening: Opening, next: Option<(Word, bool)>, rules: &Rules) {
        let Opening { word, start, manner, stand, rot13 } = opening;
        let next = next.filter(|(_, turned)| *turned == rot13).map(|(next, _)| next);
        let begun = if next.is_some() { rules.starts(word) } else { rules.patient(word) };
        for Start { rule, place } in begun.iter().copied() {
            let goes_on = place.gap > 0 || next.is_some_and(|next| rules.fills(next, place));
            if goes_on && self.threads.len() < MAX_THREADS {
                let joins = Joins::default();
                self.threads.push(Thread { rule, place, skipped: 0, start, manner, stand, rot13, joins });
            }
        }
    }

    /// How the phrase that begins with this word is said: as an order, as a quotation, or in talk about it.
    fn manner(&self, gap: Gap, hidden: bool) -> Manner {
        let quoted = self.quotation > 0;
        let opens = gap.sentence
            || gap.bullet
            || self.previous.lead
            || (self.previous.to && self.previous.before_you);
        let about = !opens && self.previous.about;
        Manner { opens: opens && !quoted, about, quoted, hidden, negated: self.previous.not && !gap.parts }
    }

    fn remember(&mut self, kind: Kind, gap: Gap) {
        if kind.meta {
            self.evidence.saw_talk();
        }
        self.previous = Previous {
            lead: kind.lead,
            about: kind.about,
            before_you: self.previous.you,
            you: kind.you,
            to: kind.to,
            // `or not` and `why not` deny nothing, and what is denied ends with `and`, `but` or `then`.
            not: kind.not && !self.previous.doubt
                || self.previous.not && kind.lead && !kind.joins && !gap.parts,
            doubt: kind.doubt,
            report: kind.report,
        };
    }
}

fn is_ideograph(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| matches!(b, 0xe3..=0xe9))
}
