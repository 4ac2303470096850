//! The compiled rules of phrases, and how single signals add up.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use cordon_core::{Channel, Score, Span};

use crate::fold;
use crate::lexicon::{CLASSES, RULES, addressed, asks, plain};
use crate::setting::FLAGGED;
use crate::swapped::Swapped;

/// A set of classes, one bit each.
type Classes = u128;

/// A word of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Word(u32);

/// What a word tells about the phrase that follows it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kind {
    /// `please`, `now`, `must`: an order follows.
    pub(crate) lead: bool,
    /// `to`, `would`, `says`: talk about something follows.
    pub(crate) about: bool,
    /// `attack`, `example`: the text talks about attacks.
    pub(crate) meta: bool,
    pub(crate) you: bool,
    pub(crate) to: bool,
    pub(crate) not: bool,
    /// `or`, `why`: a `not` behind it denies nothing.
    pub(crate) doubt: bool,
    /// `and`, `but`: what was denied before it ends with it.
    pub(crate) joins: bool,
    /// `earlier`, `above`: something belongs to it.
    pub(crate) prior: bool,
    /// `warnings`, `drafts`: what may be ignored without harm.
    pub(crate) harmless: bool,
    /// `earlier`, an adjective of English, and `before`, which is none.
    pub(crate) adjective: bool,
    pub(crate) adverb: bool,
    pub(crate) article: bool,
    /// `instructions`, `text`, `and`: what an order may go on with behind `earlier`. Other words are things of everyday.
    pub(crate) belongs: bool,
    /// `know`: what somebody knows of may follow.
    pub(crate) knows: bool,
    /// `about`: of what.
    pub(crate) regarding: bool,
    /// `says`, `phrase`: what somebody says follows.
    pub(crate) report: bool,
    /// `contraseña`: its language writes it with marks, which hide nothing then.
    pub(crate) marked: bool,
}

/// How a phrase is said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// At the start of a sentence, or after a word that leads an order.
    pub(crate) opens: bool,
    /// After a word that talks about it.
    pub(crate) about: bool,
    /// In quotation marks.
    pub(crate) quoted: bool,
    /// Something hid it.
    pub(crate) hidden: bool,
    /// Right behind a `not`.
    pub(crate) negated: bool,
}

/// One place of a rule: the classes and words that fill it, after at most `gap` other words.
#[derive(Clone, Debug)]
struct Step {
    classes: Classes,
    /// Sorted.
    words: Vec<Word>,
    gap: u8,
}

/// A place of a rule that the next words may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    step: u32,
    /// Other words that may come before it.
    pub(crate) gap: u8,
}

#[derive(Clone, Debug)]
struct Rule {
    category: &'static str,
    /// Rules of one line share a group: they are one signal.
    group: u16,
    percent: u32,
    /// The first of its steps, and how many there are.
    first: usize,
    count: usize,
    /// Whether it is a request for a secret ([`asks`]), which says nothing of who could be meant to obey.
    asks: bool,
}

/// A rule that a word begins, and its second place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) rule: u16,
    pub(crate) place: Place,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    classes: Classes,
    kind: Kind,
    /// The rules of one word that it fills.
    alone: Vec<u16>,
    /// The others that it can begin, and those of them whose second word need not be the next one.
    starts: Vec<Start>,
    patient: Vec<Start>,
}

/// The rules, compiled from [`crate::lexicon`].
#[derive(Debug)]
pub(crate) struct Rules {
    /// By the hash of what is written; a test shows that no two have the same.
    words: HashMap<u64, Written, BuildHasherDefault<Hashed>>,
    entries: Vec<Entry>,
    rules: Vec<Rule>,
    /// The steps of all rules, one rule behind the other.
    steps: Vec<Step>,
    /// The classes whose words say little about what a phrase is of.
    glue: Classes,
    swapped: Swapped,
}

/// A word of the rules as it is written: in small letters, as it is or in ROT13.
#[derive(Debug)]
struct Written {
    text: Box<[u8]>,
    word: Word,
    rot13: bool,
}

impl Rules {
    pub(crate) fn builtin() -> Self {
        let mut compiler = Compiler::default();
        let classes = [CLASSES, addressed::CLASSES, asks::CLASSES, plain::CLASSES];
        for line in classes.into_iter().flat_map(str::lines).filter(|line| !line.trim().is_empty()) {
            if let Some((name, words)) = line.split_once(':') {
                let class = compiler.class(name.trim());
                for word in words.split_whitespace() {
                    compiler.add(word, class);
                }
            }
        }
        let rules = [
            (RULES, false),
            (addressed::RULES, false),
            (plain::RULES, false),
            (asks::RULES, true),
            (plain::ASKS, true),
        ];
        let lines = rules.into_iter().flat_map(|(list, asks)| list.lines().map(move |line| (line, asks)));
        for (group, (line, asks)) in lines.filter(|(line, _)| !line.trim().is_empty()).enumerate() {
            compiler.rule(line, u16::try_from(group).unwrap_or(u16::MAX), asks);
        }
        compiler.finish()
    }

    /// The word in lower case, and that it was not read by ROT13.
    pub(crate) fn word(&self, lower: &[u8]) -> Option<(Word, bool)> {
        let written = self.words.get(&lower.iter().fold(SEED, |hash, byte| step(hash, *byte)))?;
        (!written.rot13 && *written.text == *lower).then_some((written.word, false))
    }

    /// The cue that some ASCII letters are in any case but for their order.
    #[inline]
    pub(crate) fn swapped(&self, letters: &[u8]) -> Option<(Word, bool)> {
        self.swapped.find(letters).map(|word| (word, false))
    }

    /// The word that some ASCII letters are in any case, and whether it was read by ROT13.
    pub(crate) fn letters(&self, letters: &[u8]) -> Option<(Word, bool)> {
        let written = self.words.get(&letters.iter().fold(SEED, |hash, byte| step(hash, byte | 0x20)))?;
        written.text.eq_ignore_ascii_case(letters).then_some((written.word, written.rot13))
    }

    /// All words as they are written, in small letters, and whether they are so in ROT13.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&[u8], (Word, bool))> {
        self.words.values().map(|written| (&*written.text, (written.word, written.rot13)))
    }

    fn entry(&self, word: Word) -> Option<&Entry> {
        usize::try_from(word.0).ok().and_then(|i| self.entries.get(i))
    }

    pub(crate) fn kind(&self, word: Word) -> Kind {
        self.entry(word).map(|entry| entry.kind).unwrap_or_default()
    }

    /// The rules that this word fills by itself.
    pub(crate) fn alone(&self, word: Word) -> &[u16] {
        self.entry(word).map_or(&[], |entry| &entry.alone)
    }

    /// The rules of more than one word that this one can begin.
    pub(crate) fn starts(&self, word: Word) -> &[Start] {
        self.entry(word).map_or(&[], |entry| &entry.starts)
    }

    /// Those of them whose second word need not be the next one.
    pub(crate) fn patient(&self, word: Word) -> &[Start] {
        self.entry(word).map_or(&[], |entry| &entry.patient)
    }

    /// The place of a rule behind this one; none behind the last one.
    pub(crate) fn next(&self, rule: u16, place: Place) -> Option<Place> {
        let rule = self.rules.get(usize::from(rule))?;
        let next = usize::try_from(place.step).ok()? + 1;
        if next < rule.first + rule.count { self.place(next) } else { None }
    }

    fn place(&self, step: usize) -> Option<Place> {
        let gap = self.steps.get(step)?.gap;
        u32::try_from(step).ok().map(|step| Place { step, gap })
    }

    /// Whether some words fill all places of a rule but those that say little, and more than one in all.
    pub(crate) fn named(&self, rule: u16, words: &[Word]) -> bool {
        let steps = self.steps_of(rule);
        let filled = |step: &&Step| words.iter().any(|word| self.fills_step(*word, step));
        let says_little = |step: &Step| step.classes != 0 && step.classes & !self.glue == 0;
        steps.iter().all(|step| filled(&step) || says_little(step)) && steps.iter().filter(filled).count() > 1
    }

    fn steps_of(&self, rule: u16) -> &[Step] {
        let rule = self.rules.get(usize::from(rule));
        rule.and_then(|rule| self.steps.get(rule.first..rule.first + rule.count)).unwrap_or_default()
    }

    fn fills_step(&self, word: Word, step: &Step) -> bool {
        let entry = self.entry(word);
        entry
            .is_some_and(|entry| entry.classes & step.classes != 0 || step.words.binary_search(&word).is_ok())
    }

    /// Whether a word fills a place.
    pub(crate) fn fills(&self, word: Word, place: Place) -> bool {
        let step = usize::try_from(place.step).ok().and_then(|at| self.steps.get(at));
        step.is_some_and(|step| self.fills_step(word, step))
    }
}

#[derive(Default)]
struct Compiler {
    classes: Vec<String>,
    words: BTreeMap<Box<[u8]>, Word>,
    entries: Vec<Entry>,
    rules: Vec<Rule>,
    steps: Vec<Step>,
}

impl Compiler {
    fn class(&mut self, name: &str) -> usize {
        match self.classes.iter().position(|known| known == name) {
            Some(class) => class,
            None => {
                self.classes.push(name.to_owned());
                self.classes.len() - 1
            }
        }
    }

    fn word(&mut self, word: &str) -> Word {
        let next = Word(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        let folded = fold::word(word);
        let marked = folded.is_ascii() && !word.is_ascii();
        let id = *self.words.entry(folded.into()).or_insert(next);
        if id == next {
            self.entries.push(Entry::default());
        }
        if let Some(entry) = usize::try_from(id.0).ok().and_then(|i| self.entries.get_mut(i)) {
            entry.kind.marked |= marked;
        }
        id
    }

    fn add(&mut self, word: &str, class: usize) {
        let id = self.word(word);
        if let Some(entry) = usize::try_from(id.0).ok().and_then(|i| self.entries.get_mut(i)) {
            entry.classes |= bit(class);
            let name = self.classes.get(class).map(String::as_str);
            entry.kind.belongs |= matches!(
                name,
                Some("lead" | "orders" | "context" | "prior" | "all" | "my" | "prompt" | "system" | "joins")
            );
            match name {
                Some("lead") => entry.kind.lead = true,
                Some("about") => entry.kind.about = true,
                Some("meta") => entry.kind.meta = true,
                Some("you") => entry.kind.you = true,
                Some("to") => entry.kind.to = true,
                Some("not") => entry.kind.not = true,
                Some("doubt") => entry.kind.doubt = true,
                Some("joins") => entry.kind.joins = true,
                Some("prior") => entry.kind.prior = true,
                Some("harmless") => entry.kind.harmless = true,
                Some("adjective") => entry.kind.adjective = true,
                Some("adverb") => entry.kind.adverb = true,
                Some("article") => entry.kind.article = true,
                Some("knows") => entry.kind.knows = true,
                Some("regarding") => entry.kind.regarding = true,
                Some("report") => entry.kind.report = true,
                _ => {}
            }
        }
    }

    /// `category percent place place …`: a place is words or classes joined by `|`, `~3` allows up to three other
    /// words before the next place, and a `?` after a place makes it optional. `system-prompt` is two words, one right
    /// behind the other, and may stand in a rule, in no class.
    fn rule(&mut self, line: &'static str, group: u16, asks: bool) {
        let mut parts = line.split_whitespace();
        let (Some(category), Some(percent)) = (parts.next(), parts.next().and_then(|p| p.parse().ok()))
        else {
            return;
        };
        let mut variants: Vec<Vec<Step>> = vec![Vec::new()];
        let mut gap = 0;
        for part in parts {
            if let Some(count) = part.strip_prefix('~') {
                gap = count.parse().unwrap_or(0);
                continue;
            }
            let (names, optional) = match part.strip_suffix('?') {
                Some(names) => (names, true),
                None => (part, false),
            };
            let (mut classes, mut words, mut joined) = (0, Vec::new(), Vec::new());
            for name in names.split('|') {
                match name.strip_prefix('@') {
                    Some(class) => classes |= bit(self.class(class)),
                    None if name.contains(JOINTS) => {
                        let one = |word| Step { classes: 0, words: vec![self.word(word)], gap: 0 };
                        joined.push(name.split(JOINTS).map(one).collect::<Vec<Step>>());
                    }
                    None => words.push(self.word(name)),
                }
            }
            words.sort_unstable();
            let mut ways = joined;
            if classes != 0 || !words.is_empty() {
                ways.push(vec![Step { classes, words, gap: 0 }]);
            }
            for way in &mut ways {
                if let Some(first) = way.first_mut() {
                    first.gap = gap;
                }
            }
            let so_far = std::mem::take(&mut variants);
            for way in ways {
                variants.extend(so_far.iter().map(|steps| [&steps[..], &way[..]].concat()));
            }
            if optional {
                variants.extend(so_far);
            }
            gap = 0;
        }
        for steps in variants {
            if !steps.is_empty() {
                let (first, count) = (self.steps.len(), steps.len());
                self.rules.push(Rule {
                    category: category_path(category),
                    group,
                    percent,
                    first,
                    count,
                    asks,
                });
                self.steps.extend(steps);
            }
        }
    }

    fn finish(mut self) -> Rules {
        for (i, rule) in self.rules.iter().enumerate() {
            let (Some(first), Ok(i)) = (self.steps.get(rule.first), u16::try_from(i)) else { continue };
            let second = self.steps.get(rule.first + 1).filter(|_| rule.count > 1);
            let place = second.zip(u32::try_from(rule.first + 1).ok());
            let start = place.map(|(second, step)| Start { rule: i, place: Place { step, gap: second.gap } });
            for (id, entry) in (0..).zip(&mut self.entries) {
                if entry.classes & first.classes != 0 || first.words.binary_search(&Word(id)).is_ok() {
                    match start {
                        Some(start) => {
                            entry.starts.push(start);
                            entry.patient.extend(Some(start).filter(|start| start.place.gap > 0));
                        }
                        None => entry.alone.push(i),
                    }
                }
            }
        }
        let rotate = |byte: &u8| match byte {
            b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
            other => *other,
        };
        // Short words read by ROT13 are other words too often.
        let rot13 = self.words.iter().filter(|(text, _)| text.is_ascii());
        let rot13 = rot13.map(|(text, word)| (text.iter().map(rotate).collect::<Box<[u8]>>(), *word));
        let rot13: Vec<(Box<[u8]>, Word)> =
            rot13.filter(|(text, _)| !self.words.contains_key(text)).collect();
        let plain = self.words.into_iter().map(|(text, word)| Written { text, word, rot13: false });
        let turned = rot13.into_iter().map(|(text, word)| Written { text, word, rot13: true });
        let hash = |text: &[u8]| text.iter().fold(SEED, |hash, byte| step(hash, *byte));
        let words = plain.chain(turned).map(|written| (hash(&written.text), written)).collect();
        let class = |name: &str| self.classes.iter().position(|known| known == name).map_or(0, bit);
        let glue = class("all") | class("my");
        let mut rules = Rules {
            words,
            entries: self.entries,
            rules: self.rules,
            steps: self.steps,
            glue,
            swapped: Swapped::default(),
        };
        rules.swapped = Swapped::new(|word| rules.word(word).map(|(word, _)| word));
        rules
    }
}

/// What joins two words to one that is read as two: `system-prompt`, `d'analyse`.
const JOINTS: [char; 2] = ['-', '\''];

/// The bit of a class; there are far fewer than 128, as a test shows.
const fn bit(class: usize) -> Classes {
    1 << (class % 128)
}

fn category_path(short: &'static str) -> &'static str {
    match short {
        "override" => "prompt_injection/override",
        "jailbreak" => "prompt_injection/jailbreak",
        "exfiltration" => "prompt_injection/exfiltration",
        _ => "prompt_injection/action",
    }
}

/// Bytes of text in which signals add up.
const WINDOW: usize = 3000;
/// Signals remembered.
const MEMORY: usize = 12;
/// Words for which a text about attacks is taken to go on.
const TALK: u16 = 40;
/// Hundredths below which a signal is only remembered.
const REPORTED: u32 = 40;

/// The signals seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    signals: [Option<Signal>; MEMORY],
    next: usize,
    talk: u16,
}

#[derive(Clone, Copy, Debug)]
struct Signal {
    group: u16,
    end: usize,
    percent: u32,
}

impl Evidence {
    pub(crate) fn next_word(&mut self) {
        self.talk = self.talk.saturating_sub(1);
    }

    pub(crate) fn saw_talk(&mut self) {
        self.talk = TALK;
    }

    /// The score of a phrase, from its own weight, how it is said, and the other signals near it.
    pub(crate) fn weigh(
        &mut self,
        rules: &Rules,
        rule: u16,
        span: Span,
        manner: Manner,
        channel: Channel,
    ) -> Option<(&'static str, Score)> {
        let rule = rules.rules.get(usize::from(rule))?;
        let untrusted = matches!(channel, Channel::Document | Channel::ToolOutput);
        let mut percent = rule.percent;
        if untrusted && matches!(rule.category, "prompt_injection/action" | "prompt_injection/exfiltration") {
            percent += percent / 5;
        }
        // Who speaks for himself may say what is to be done, and in which order.
        let own = matches!(channel, Channel::System | Channel::User);
        if own && rule.category == "prompt_injection/action" {
            percent = percent * 40 / 100;
        }
        // What a place or a negation takes away from it, they take down to a flag and no further. Pages say often enough never to give a
        // password away, and that alone is not told.
        let least = if untrusted && !(manner.negated && rule.asks) { percent.min(FLAGGED) } else { 0 };
        if manner.negated && rule.category != "prompt_injection/jailbreak" {
            percent = percent * 45 / 100;
        } else if manner.quoted {
            percent = percent * 60 / 100;
        } else if manner.about {
            percent = percent * 75 / 100;
        }
        if self.talk > 0 && !manner.opens {
            percent = percent * 80 / 100;
        }
        // Pages ask their readers for a password in many alphabets and ways to write them: odd letters say little of them.
        if manner.hidden && !rule.asks {
            percent = (percent + 15).max(60);
        }
        let percent = percent.min(97);
        // Independent signals: 1 − Π(1 − p), one per group and place, in hundredths.
        let mut against = 100 - percent;
        for signal in self.signals.iter().flatten() {
            if signal.group != rule.group && signal.end <= span.start && span.end - signal.end <= WINDOW {
                against = against * (100 - signal.percent) / 100;
            }
        }
        // What is quoted or denied says little about what follows.
        let weight = if manner.quoted || manner.negated { percent / 2 } else { percent };
        self.remember(Signal { group: rule.group, end: span.end, percent: weight }, span.start);
        let most = if rule.asks { MOST_ASKED } else { 99 };
        let total = (100 - against).min(most).max(least);
        (total >= REPORTED).then(|| (rule.category, Score::percent(total)))
    }

    fn remember(&mut self, new: Signal, start: usize) {
        // The same words seen by several rules, or the same rule again, are one signal.
        let same = self.signals.iter_mut().flatten().find(|old| old.group == new.group || old.end > start);
        match same {
            Some(old) if old.percent < new.percent => *old = new,
            Some(old) => old.end = new.end,
            None => {
                if let Some(slot) = self.signals.get_mut(self.next % MEMORY) {
                    *slot = Some(new);
                }
                self.next += 1;
            }
        }
    }
}

/// The most that a request for a secret says, whatever stands near it: pages warn of such requests, and forms make them.
const MOST_ASKED: u32 = 79;

/// FNV-1a with 64 bits: its offset basis, and one step. The keys are ours, the lookups are of short words.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// Hashes what is a hash already.
#[derive(Clone, Copy, Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| step(hash, *byte));
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_compiles() {
        let rules = Rules::builtin();
        let lists = [RULES, addressed::RULES, plain::RULES, asks::RULES, plain::ASKS];
        let all = || lists.into_iter().flat_map(str::lines).filter(|line| !line.trim().is_empty());
        let classes =
            || [CLASSES, addressed::CLASSES, asks::CLASSES, plain::CLASSES].into_iter().flat_map(str::lines);
        let lines = all().count();
        let groups: std::collections::BTreeSet<u16> = rules.rules.iter().map(|rule| rule.group).collect();
        assert_eq!(groups.len(), lines);
        for line in all() {
            let category = line.split_whitespace().next().unwrap();
            assert!(["override", "jailbreak", "exfiltration", "action"].contains(&category), "{line}");
        }
        for class in all()
            .flat_map(str::split_whitespace)
            .flat_map(|part| part.split('|'))
            .filter_map(|name| name.strip_prefix('@'))
        {
            let class = class.trim_end_matches('?');
            assert!(classes().any(|line| line.starts_with(&format!("{class}:"))), "{class}");
        }
        // Such a word would never come.
        for word in classes().flat_map(str::split_whitespace) {
            let name = word.strip_suffix(':').unwrap_or(word);
            assert!(name.chars().all(|c| c == '_' || !c.is_ascii_punctuation()), "{word}");
        }
        assert!(classes().count() < 128);
        assert!(rules.rules.iter().all(|rule| rule.count > 0));
    }
}
