//! Types that an organisation names itself: patterns, with check digits or without, and dictionaries.
//!
//! They read the folded text, and every view that is made of it but that of leetspeak, so an employee's number in full-width digits or in base64
//! is one. What is found depends on the text alone: a match of a pattern counts once so much stands behind it that no longer one could begin there
//! ([`Pattern::longest`] bytes), an occurrence of a term once no longer term could hold it. So much a stream waits for, and up to 64 bytes more
//! where there are patterns.

mod digits;
mod reader;
mod words;

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use cordon_core::{
    Category, Channel, Finding, Score,
    resource::{CheckDigits, CustomSensitivity, CustomType, MAX_MATCH, MAX_TERM, Pattern},
};

use crate::{
    Engine, Sensitivity,
    detector::Detector,
    fold::{self, Folded},
};

pub(crate) use self::reader::{Reader, undue};
use self::words::Words;

/// What finds patterns, and what finds terms: no part of the table of detectors, since what they report is said by guards.
const PATTERN: Detector = Detector {
    name: "custom.pattern",
    version: 1,
    max_span: MAX_MATCH,
    lookahead: MAX_MATCH + 68,
    categories: &[],
};
const DICTIONARY: Detector = Detector {
    name: "custom.dictionary",
    version: 1,
    max_span: 3 * MAX_TERM,
    lookahead: 3 * MAX_TERM + 1,
    categories: &[],
};
pub(crate) const DETECTORS: [Detector; 2] = [PATTERN, DICTIONARY];

/// Folded bytes before a finding in which a word can make it surer.
const CONTEXT: usize = 128;

/// The types of one guard, compiled. Cloning is cheap.
///
/// ```
/// use cordon_core::{Channel, resource::CustomType};
/// use cordon_inspect::{Custom, Engine};
/// let types: Vec<CustomType> =
///     serde_json::from_str(r#"[{"category": "custom/badge", "pattern": "EMP-[0-9]{6}"}]"#).unwrap();
/// let engine = Engine::builtin();
/// let scanner = engine.scanner(Channel::User, &[]).with_custom(&[Custom::new(&types)]);
/// let found = engine.read(scanner, "mine is EMP-１２３４５６, yours?");
/// assert_eq!((found[0].category.as_str(), found[0].span.range()), ("custom/badge", 8..30));
/// ```
#[derive(Clone, Debug)]
pub struct Custom(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    types: Vec<Type>,
    /// Each with the place of its type.
    patterns: Vec<(usize, Pattern)>,
    words: Option<Words>,
    broken: Vec<Category>,
}

#[derive(Debug)]
struct Type {
    category: Category,
    channels: Vec<Channel>,
    score: Score,
    context: Option<(AhoCorasick, Score)>,
    checksum: Option<CheckDigits>,
    sensitivity: Option<Sensitivity>,
    example: Option<String>,
}

impl Custom {
    /// The detector of patterns.
    pub const DETECTOR: &str = PATTERN.name;

    /// Compiles the types of a guard. One that cannot be compiled is [broken](Self::broken); an applied guard has none.
    pub fn new(types: &[CustomType]) -> Self {
        let mut broken = Vec::new();
        let mut patterns = Vec::new();
        let mut compiled = Vec::with_capacity(types.len());
        for (at, one) in types.iter().enumerate() {
            match one.pattern.as_deref().map(Pattern::new) {
                Some(Ok(pattern)) => patterns.push((at, pattern)),
                Some(Err(_)) => broken.push(one.category.clone()),
                None => {}
            }
            compiled.push(Type::new(one));
        }
        let dictionaries =
            || types.iter().enumerate().filter_map(|(at, one)| Some((at, one.dictionary.as_ref()?)));
        let words = dictionaries().next().and_then(|_| {
            let words = Words::new(dictionaries());
            if words.is_none() {
                broken.extend(dictionaries().filter_map(|(at, _)| Some(types.get(at)?.category.clone())));
            }
            words
        });
        Self(Arc::new(Compiled { types: compiled, patterns, words, broken }))
    }

    /// The categories of types that could not be compiled: nothing of them is found.
    pub fn broken(&self) -> &[Category] {
        &self.0.broken
    }

    /// Every category that is looked for.
    pub fn categories(&self) -> impl Iterator<Item = &Category> {
        self.0.types.iter().map(|one| &one.category)
    }

    /// What a finding of this category makes of the content that it is in, where a type says so.
    pub fn sensitivity(&self, category: &Category) -> Option<Sensitivity> {
        self.0.types.iter().find(|one| one.category == *category)?.sensitivity
    }

    /// The types whose example they do not find, by their place.
    pub fn blind(&self, engine: &Engine) -> Vec<usize> {
        let mut blind = Vec::new();
        for (at, one) in self.0.types.iter().enumerate() {
            let (Some(example), Some(channel)) = (&one.example, one.channels.first()) else { continue };
            let scanner = engine.scanner(*channel, &[]).with_custom(std::slice::from_ref(self));
            let is_own = |finding: &Finding| finding.category == one.category && is_custom(finding.detector);
            if !engine.read(scanner, example).iter().any(is_own) {
                blind.push(at);
            }
        }
        blind
    }

    /// What is wrong with the types of a guard beside what they say of themselves, each with its path below the spec: characters that no text
    /// has once it is folded, terms of which nothing is left, examples in which nothing is found.
    pub fn problems(types: &[CustomType]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (i, one) in types.iter().enumerate() {
            let changed = |c: &char| !c.is_ascii() && fold::classify(*c) != Folded::Same;
            if let Some(c) = one.pattern.iter().flat_map(|pattern| pattern.chars()).find(changed) {
                let read = String::from_utf8(fold::word(&c.to_string())).unwrap_or_default();
                let message = format!("`{c}` is read as `{read}` in every text; help: write what is read");
                found.push((format!("types/{i}/pattern"), message));
            }
            let terms = one.dictionary.iter().flat_map(|dictionary| &dictionary.terms).enumerate();
            for (at, _) in terms.filter(|(_, term)| words::folded(term).len() < 2).take(1) {
                let message = "nothing is left of it once it is read; help: letters or digits".to_owned();
                found.push((format!("types/{i}/dictionary/terms/{at}"), message));
            }
        }
        if types.iter().any(|one| one.example.is_some()) {
            let custom = Self::new(types);
            let said: Vec<String> = found.iter().map(|(path, _)| path.clone()).collect();
            let is_read = |at: &usize| {
                let is_broken = types.get(*at).is_some_and(|one| custom.broken().contains(&one.category));
                !is_broken && !said.iter().any(|path| path.starts_with(&format!("types/{at}/")))
            };
            for at in custom.blind(&Engine::builtin()).into_iter().filter(is_read) {
                let message = "it is not found in its example; help: mend one of them".to_owned();
                found.push((format!("types/{at}/example"), message));
            }
        }
        found
    }

    /// The places of the types that are looked for on a channel.
    fn on(&self, channel: Channel) -> Vec<bool> {
        self.0.types.iter().map(|one| one.channels.contains(&channel)).collect()
    }
}

/// Whether a detector finds what an organisation named itself.
fn is_custom(detector: &str) -> bool {
    detector == PATTERN.name || detector == DICTIONARY.name
}

impl Type {
    fn new(one: &CustomType) -> Self {
        let context = one.context.as_ref().and_then(|context| {
            let words = context.words.iter().map(|word| words::folded(word));
            let found = AhoCorasickBuilder::new()
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(true)
                .build(words);
            Some((found.ok()?, context.score))
        });
        Self {
            category: one.category.clone(),
            channels: one.channels.clone(),
            score: one.score,
            context,
            checksum: one.checksum,
            sensitivity: one.sensitivity.map(|sensitivity| match sensitivity {
                CustomSensitivity::Confidential => Sensitivity::Confidential,
                CustomSensitivity::Restricted => Sensitivity::Restricted,
            }),
            example: one.example.clone(),
        }
    }

    /// How sure a finding is behind this text.
    fn score_behind(&self, before: &[u8]) -> Score {
        let Some((words, raised)) = &self.context else { return self.score };
        let is_word = |(start, end): (usize, usize)| {
            let inside =
                |at: Option<usize>| at.and_then(|at| before.get(at)).is_some_and(|byte| is_word(*byte));
            !inside(start.checked_sub(1)) && !inside(Some(end))
        };
        let mut met = words.find_overlapping_iter(before).map(|word| (word.start(), word.end()));
        if met.any(is_word) { *raised } else { self.score }
    }
}

/// Whether a byte is part of a word.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
