//! What topics are known by, compiled: their terms and hints, and what was learned from their examples.

use std::collections::{HashMap, HashSet};

use cordon_core::resource::{MAX_TERM_WORDS, MIN_BEGINNING, Topic};

use super::token::{Class, Token, hash, is_dense, join, read, stem, then};

/// What a term is worth that is one word, and one of several words; the same of a hint.
const TERM: u32 = 100;
const PHRASE: u32 = 130;
const HINT: u32 = 40;
const LONG_HINT: u32 = 60;

/// The most that what was learned from one, two or more examples is worth, and the least that counts.
const LEARNED: [u32; 3] = [30, 45, 60];
const LEAST: f64 = 20.0;
/// What a natural logarithm of odds is worth.
const WORTH: f64 = 20.0;
/// Examples about anything else that are taken to be there and to have no word of a topic: without them any word of a guard with one topic
/// would be of it.
const OTHERS: u32 = 20;

/// The most letters before `*`.
const LONGEST_BEGINNING: usize = 32;

/// How much a token, or several that follow each other, speaks for a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worth {
    pub(super) topic: u8,
    pub(super) hundredths: u32,
}

/// All topics of a guard.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By the first token of a term, the tokens of the longest that begins with it.
    first: HashMap<u64, usize>,
    /// By all tokens of a term.
    terms: HashMap<u64, Vec<Worth>>,
    /// By the beginning of a word.
    beginnings: HashMap<u64, Vec<Worth>>,
    /// By a word, or by two characters of a script without spaces.
    learned: HashMap<u64, Vec<Worth>>,
}

impl Known {
    pub(super) fn of(topics: &[&Topic]) -> Self {
        let mut known = Self::default();
        for (of, topic) in (0_u8..).zip(topics) {
            for (terms, one, several) in [(&topic.terms, TERM, PHRASE), (&topic.hints, HINT, LONG_HINT)] {
                terms.iter().for_each(|term| known.term(term, of, [one, several]));
            }
        }
        known.learn(topics);
        known
    }

    fn term(&mut self, term: &str, topic: u8, [one, several]: [u32; 2]) {
        let mut keys = Vec::new();
        let mut word = String::new();
        let mut words: usize = 0;
        let mut dense: usize = 0;
        read(term, |token| {
            if let Some(token) = token {
                keys.push(key(&token));
                match token.word.chars().next().is_some_and(is_dense) {
                    true => dense = dense.saturating_add(1),
                    false => words = words.saturating_add(1),
                }
                word = token.word.to_owned();
            }
        });
        keys.truncate(MAX_TERM_WORDS);
        let Some(first) = keys.first().copied() else { return };
        if term.ends_with('*') && keys.len() == 1 {
            let beginning = hash(word.chars().take(LONGEST_BEGINNING));
            put(&mut self.beginnings, beginning, Worth { topic, hundredths: one });
            return;
        }
        let longest = self.first.entry(first).or_default();
        *longest = keys.len().max(*longest);
        // Two characters of a script without spaces are a word, four are several.
        let is_phrase = words.saturating_add(dense / 2) > 1;
        let worth = Worth { topic, hundredths: if is_phrase { several } else { one } };
        put(&mut self.terms, keys.iter().fold(0, |all, key| then(all, *key)), worth);
    }

    /// Learns which words speak for which topic: the logarithm of the odds that a sentence about it has a word, against a sentence about
    /// anything else.
    fn learn(&mut self, topics: &[&Topic]) {
        // By word: in how many examples of each topic it stands.
        let mut counts: HashMap<u64, HashMap<u8, u32>> = HashMap::new();
        for (of, topic) in (0_u8..).zip(topics) {
            for example in &topic.examples {
                for word in content(example) {
                    let count = counts.entry(word).or_default().entry(of).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
        let examples = |topic: &Topic| u32::try_from(topic.examples.len()).unwrap_or(u32::MAX);
        let all = topics.iter().map(|topic| examples(topic)).fold(0, u32::saturating_add);
        for (word, counts) in counts {
            let everywhere = counts.values().copied().fold(0, u32::saturating_add);
            for (topic, count) in counts {
                let own = topics.get(usize::from(topic)).map_or(0, |topic| examples(topic));
                let share = |count: u32, of: u32| (f64::from(count) + 0.5) / (f64::from(of) + 1.0);
                let elsewhere =
                    share(everywhere.saturating_sub(count), all.saturating_sub(own).saturating_add(OTHERS));
                let worth = WORTH * (share(count, own).ln() - elsewhere.ln());
                let most = LEARNED
                    .get(usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1).min(2))
                    .copied();
                if worth >= LEAST {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "at least 20, and cut at 60 below"
                    )]
                    let hundredths = (worth.min(100.0) as u32).min(most.unwrap_or(0));
                    put(&mut self.learned, word, Worth { topic, hundredths });
                }
            }
        }
        for worths in self.learned.values_mut() {
            worths.sort_unstable_by_key(|worth| worth.topic);
        }
    }

    /// Tokens of the longest term that begins with this one; none where none does.
    pub(super) fn longest(&self, first: u64) -> usize {
        self.first.get(&first).copied().unwrap_or(0)
    }

    /// What these tokens are a term of.
    pub(super) fn term_of(&self, tokens: u64) -> &[Worth] {
        self.terms.get(&tokens).map(Vec::as_slice).unwrap_or_default()
    }

    /// What was learned of a word or of two characters.
    pub(super) fn learned(&self, word: u64) -> &[Worth] {
        self.learned.get(&word).map(Vec::as_slice).unwrap_or_default()
    }

    /// What a word begins like, the longest beginning of each topic.
    pub(super) fn beginnings(&self, word: &str, mut take: impl FnMut(Worth)) {
        if self.beginnings.is_empty() {
            return;
        }
        let mut all = hash(std::iter::empty());
        for (count, c) in (1..=LONGEST_BEGINNING).zip(word.chars()) {
            all = join(all, c);
            if count >= MIN_BEGINNING {
                self.beginnings.get(&all).into_iter().flatten().for_each(|worth| take(*worth));
            }
        }
    }
}

fn put(map: &mut HashMap<u64, Vec<Worth>>, key: u64, worth: Worth) {
    let worths = map.entry(key).or_default();
    match worths.iter_mut().find(|known| known.topic == worth.topic) {
        Some(known) => known.hundredths = known.hundredths.max(worth.hundredths),
        None => worths.push(worth),
    }
}

/// What a token is compared by.
pub(super) fn key(token: &Token<'_>) -> u64 {
    match token.class {
        Class::Character | Class::SmallCharacter => hash(token.word.chars()),
        Class::Word | Class::Small => stem(token.word),
    }
}

/// What two characters are compared by.
pub(super) fn pair(one: u64, other: u64) -> u64 {
    then(then(1, one), other)
}

/// The words of an example, each once, and for scripts without spaces each two characters.
fn content(example: &str) -> HashSet<u64> {
    let mut found = HashSet::new();
    let mut before = None;
    read(example, |token| {
        before =
            match token.filter(|token| token.class != Class::Small && token.class != Class::SmallCharacter) {
                Some(token) if token.class == Class::Character => {
                    let key = key(&token);
                    if let Some(before) = before {
                        found.insert(pair(before, key));
                    }
                    Some(key)
                }
                Some(token) => {
                    found.insert(key(&token));
                    None
                }
                None => None,
            };
    });
    found
}
