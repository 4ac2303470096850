//! Types of findings that an organisation names itself: what its numbers look like, and which words are its own.

use std::ops::Range;

use regex_automata::{
    Anchored, Input,
    meta::{Config, Regex},
    util::{primitives::PatternID, syntax},
};
use serde::{Deserialize, Serialize};

use crate::{Category, Channel, Score};

/// What a guard looks for beside what is built in: found by a pattern or by a dictionary, under a category below `custom`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomType {
    /// What its findings are called: `custom/employee_id`. No two types of a guard have the same.
    pub category: Category,
    /// A regular expression, read in linear time, for what it looks like. A group named `value` is the finding; without one, all that
    /// matches is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The words that it consists of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dictionary: Option<Dictionary>,
    /// The check digits that what a pattern found has: without them it is no finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<CheckDigits>,
    /// How sure a finding is.
    #[serde(default = "likely", skip_serializing_if = "is_likely")]
    pub score: Score,
    /// Words before a finding that make it surer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextWords>,
    /// How carefully content must be handled in which it is found. Absent: as any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<CustomSensitivity>,
    /// The channels that it is looked for in; absent: all.
    #[serde(default = "Channel::every", skip_serializing_if = "Channel::are_all")]
    pub channels: Vec<Channel>,
    /// A text in which it must be found, or the guard is refused. Made up: it is kept and shown as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// Words that are looked for as they are, in capitals or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dictionary {
    /// The words, or names of several words.
    pub terms: Vec<String>,
    /// Where they count.
    #[serde(default, skip_serializing_if = "Matching::is_words")]
    pub matching: Matching,
}

/// Where a term counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// Anywhere, inside of words too, as for languages that put no spaces between words.
    Anywhere,
    /// As whole words: where a term begins or ends with a letter, a digit or `_`, none of these stands beside it.
    #[default]
    Words,
}

/// Check digits by the name of their method. Letters count where the method has them; signs between characters do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckDigits {
    /// ISO 13616: modulo 97 over letters and digits, the first four characters moved to the end.
    Iban,
    /// ICAO Doc 9303: weights 7, 3, 1 over letters and digits, the last digit is their sum modulo 10.
    Icao,
    /// ISO/IEC 7812-1: Luhn's.
    Luhn,
    /// Weights 1, 2, 3 and so on from the last digit to the first, a sum that eleven divides; the last may be `X`, as of ISBN-10.
    Mod11,
    /// ISO/IEC 7064 MOD 11,10.
    #[serde(rename = "mod11_10")]
    Mod11And10,
    /// ISO/IEC 7064 MOD 97-10 over letters and digits as they stand.
    Mod97,
    /// Verhoeff's.
    Verhoeff,
}

/// Words before a finding that make it surer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextWords {
    /// The words, in capitals or not; one of them is enough.
    pub words: Vec<String>,
    /// How sure a finding is behind one of them.
    pub score: Score,
}

/// How carefully content must be handled in which a type is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomSensitivity {
    /// It leads to a person, or is not for everybody.
    Confidential,
    /// Who has it can act as somebody, pay, or do harm.
    Restricted,
}

const CUSTOM: Category = Category::known("custom");
/// The most types of a guard.
const MAX_TYPES: usize = 64;
/// The most terms of all dictionaries of a guard.
const MAX_TERMS: usize = 100_000;
/// The most bytes of a term.
pub const MAX_TERM: usize = 128;
/// The most words of context, and bytes of one.
const MAX_WORDS: usize = 64;
/// The most bytes of an example.
const MAX_EXAMPLE: usize = 1024;
/// The longest text of a pattern, the memory that it may take, and how deep its groups may be.
const MAX_PATTERN: usize = 1024;
const MAX_PATTERN_MEMORY: usize = 1 << 20;
const MAX_NESTING: u32 = 64;
/// The longest text that a pattern may match, in bytes: a stream waits for so much.
pub const MAX_MATCH: usize = 512;
/// The shortest: less is found everywhere.
const MIN_MATCH: usize = 3;
/// The group that is the finding.
const VALUE: &str = "value";

const fn likely() -> Score {
    Score::percent(80)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_likely(score: &Score) -> bool {
    *score == likely()
}

impl Matching {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
    fn is_words(&self) -> bool {
        *self == Self::Words
    }
}

impl CustomSensitivity {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }
}

impl CustomType {
    /// What is wrong with the types of a guard by themselves, each with its path below the spec.
    pub(super) fn problems_of(types: &[Self]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if types.len() > MAX_TYPES {
            found.push((
                "types".to_owned(),
                format!("at most {MAX_TYPES} types; help: another guard may name more"),
            ));
            return found;
        }
        let terms = types.iter().filter_map(|one| one.dictionary.as_ref()).map(|words| words.terms.len());
        if terms.sum::<usize>() > MAX_TERMS {
            let message =
                format!("at most {MAX_TERMS} terms in all dictionaries; help: another guard may have more");
            found.push(("types".to_owned(), message));
            return found;
        }
        for (i, one) in types.iter().enumerate() {
            let mut wrong = |path: &str, message: String| found.push((format!("types/{i}/{path}"), message));
            if types.iter().take(i).any(|other| other.category == one.category) {
                wrong("category", format!("another type is called `{}` too", one.category));
            }
            one.add_problems(&mut wrong);
        }
        found
    }

    fn add_problems(&self, wrong: &mut impl FnMut(&str, String)) {
        if self.category == CUSTOM || !CUSTOM.covers(&self.category) {
            wrong("category", "one below `custom` is expected, such as `custom/employee_id`".to_owned());
        }
        match (&self.pattern, &self.dictionary) {
            (Some(pattern), None) => {
                if let Err(message) = Pattern::new(pattern) {
                    wrong("pattern", message);
                }
            }
            (None, Some(dictionary)) => {
                if let Some((path, message)) = dictionary.problem() {
                    wrong(&path, message);
                }
                if self.checksum.is_some() {
                    wrong("checksum", "only beside a pattern".to_owned());
                }
            }
            _ => wrong("pattern", "either a `pattern` or a `dictionary` is expected".to_owned()),
        }
        if let Some(context) = &self.context {
            let fits = |word: &String| (1..=MAX_WORDS).contains(&word.trim().len());
            if !(1..=MAX_WORDS).contains(&context.words.len()) || !context.words.iter().all(fits) {
                wrong(
                    "context/words",
                    format!("1 to {MAX_WORDS} words of 1 to {MAX_WORDS} bytes are expected"),
                );
            }
            if context.score <= self.score {
                wrong(
                    "context/score",
                    format!("more than the score without them, {}, is expected", self.score),
                );
            }
        }
        if self.channels.is_empty() {
            wrong("channels", "no channel; help: leave it out to mean all".to_owned());
        }
        let fits = |example: &String| (1..=MAX_EXAMPLE).contains(&example.len());
        if self.example.as_ref().is_some_and(|example| !fits(example)) {
            wrong("example", format!("1 to {MAX_EXAMPLE} bytes are expected"));
        }
    }
}

impl Dictionary {
    fn problem(&self) -> Option<(String, String)> {
        if self.terms.is_empty() {
            return Some(("dictionary/terms".to_owned(), "there is no term".to_owned()));
        }
        let fits = |term: &String| (2..=MAX_TERM).contains(&term.trim().len());
        let at = self.terms.iter().position(|term| !fits(term))?;
        Some((format!("dictionary/terms/{at}"), format!("2 to {MAX_TERM} bytes are expected")))
    }
}

/// A pattern of a custom type, ready to read: in linear time, with matches of bounded length.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    longest: usize,
    value: Option<usize>,
}

impl Pattern {
    /// Bytes behind a match that say whether it is one, at most: the character after it.
    pub const BEHIND: usize = 4;

    /// Compiles a pattern.
    ///
    /// # Errors
    /// With what is wrong with it and the way out: it is no regular expression that is read in linear time, too large when it is compiled,
    /// matches less than three bytes or more than [`MAX_MATCH`], or speaks of the begin or the end of the text.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if !(1..=MAX_PATTERN).contains(&pattern.len()) {
            return Err(format!("1 to {MAX_PATTERN} bytes are expected"));
        }
        let syntax = syntax::Config::new().nest_limit(MAX_NESTING);
        let parsed = syntax::parse_with(pattern, &syntax).map_err(|error| {
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("no regular expression that is read in linear time: {why}; help: without look-around and back references")
        })?;
        let properties = parsed.properties();
        if properties.look_set().contains_anchor_haystack() {
            return Err(
                "it speaks of the begin or end of the text; help: `(?m)` makes `^` and `$` those of lines"
                    .to_owned(),
            );
        }
        if properties.minimum_len().is_none_or(|least| least < MIN_MATCH) {
            return Err(format!(
                "it matches less than {MIN_MATCH} bytes; help: say more of what it looks like"
            ));
        }
        let Some(longest) = properties.maximum_len().filter(|longest| *longest <= MAX_MATCH) else {
            return Err(format!(
                "it matches more than {MAX_MATCH} bytes, so much a stream would wait for; help: bound what repeats, `{{1,20}}` in place of `+`"
            ));
        };
        let memory = Config::new()
            .nfa_size_limit(Some(MAX_PATTERN_MEMORY))
            .onepass_size_limit(Some(MAX_PATTERN_MEMORY))
            .hybrid_cache_capacity(MAX_PATTERN_MEMORY);
        let regex = Regex::builder().configure(memory).syntax(syntax).build(pattern).map_err(|_| {
            "it is too large when it is compiled; help: `[0-9]` in place of `\\d`, `[A-Za-z]` in place of `\\w`".to_owned()
        })?;
        let value = regex.group_info().to_index(PatternID::ZERO, VALUE);
        Ok(Self { regex, longest, value })
    }

    /// The most bytes that it matches.
    pub const fn longest(&self) -> usize {
        self.longest
    }

    /// The first match that begins in `from..to` of some bytes, as far as they are there: what stands before `from` and ends a word or a
    /// line counts, what stands behind `to` does not.
    pub fn find(&self, bytes: &[u8], from: usize, to: usize) -> Option<Range<usize>> {
        let bytes = bytes.get(..to)?;
        if from > to {
            return None;
        }
        self.regex.search(&Input::new(bytes).range(from..to)).map(|found| found.range())
    }

    /// The finding in a match.
    pub fn value(&self, bytes: &[u8], whole: &Range<usize>) -> Range<usize> {
        let Some(value) = self.value else { return whole.clone() };
        if whole.end > bytes.len() || whole.start > whole.end {
            return whole.clone();
        }
        let mut captures = self.regex.create_captures();
        let input = Input::new(bytes).range(whole.clone()).anchored(Anchored::Yes);
        self.regex.search_captures(&input, &mut captures);
        let group = captures.get_group(value).filter(|group| !group.is_empty());
        group.map_or_else(|| whole.clone(), |group| group.range())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        Name,
        resource::{Kind, Resource},
    };

    fn problems(types: &Value) -> Vec<(String, String)> {
        let spec = Kind::Guard.read(json!({"rules": [], "types": types})).unwrap();
        let resource = Resource { name: Name::parse("g").unwrap(), spec };
        resource.problems().into_iter().map(|problem| (problem.path, problem.message)).collect()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let good =
            json!({"category": "custom/badge", "pattern": "EMP-(?<value>[0-9]{6})", "checksum": "luhn"});
        assert_eq!(problems(&json!([good])), []);
        let path = |change: &[(&str, Value)]| {
            let mut one = good.clone();
            for (member, value) in change {
                one[*member] = value.clone();
            }
            problems(&json!([one])).into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        for (member, value, place) in [
            ("category", json!("custom"), "category"),
            ("category", json!("pii/badge"), "category"),
            ("pattern", json!("(a"), "pattern"),
            ("pattern", json!(""), "pattern"),
            ("dictionary", json!({"terms": ["Heron"]}), "pattern"),
            ("context", json!({"words": [], "score": 0.9}), "context/words"),
            ("context", json!({"words": ["badge"], "score": 0.8}), "context/score"),
            ("channels", json!([]), "channels"),
            ("example", json!(""), "example"),
        ] {
            assert_eq!(
                path(&[(member, value.clone())]),
                [format!("/spec/types/0/{place}")],
                "{member}: {value}"
            );
        }
        assert_eq!(problems(&json!([good, good])).len(), 1);
        let words =
            |terms: Value| problems(&json!([{"category": "custom/a", "dictionary": {"terms": terms}}]));
        assert_eq!(words(json!(["Heron", "Project Bluebird"])), []);
        assert_eq!(words(json!([])).len(), 1);
        assert_eq!(words(json!(["Heron", "x"]))[0].0, "/spec/types/0/dictionary/terms/1");
        assert_eq!(words(json!(vec!["ab"; MAX_TERMS + 1]))[0].0, "/spec/types");
    }

    #[test]
    fn patterns_that_could_hold_a_stream_or_the_processor_are_refused() {
        let of = |pattern: &str| Pattern::new(pattern).map(|pattern| pattern.longest());
        assert_eq!(of("EMP-[0-9]{6}"), Ok(10));
        assert_eq!(of(r"\bEMP-[0-9]{6}\b"), Ok(10));
        assert_eq!(of("(?m)^ref: [a-z]{3}$"), Ok(8));
        for (pattern, why) in [
            ("EMP-[0-9]+", "more than 512"),
            ("a{513}", "more than 512"),
            ("[0-9]*", "less than 3"),
            ("ab", "less than 3"),
            ("^abc", "begin or end"),
            ("abc$", "begin or end"),
            (r"abc\z", "begin or end"),
            (r"(abc)\1", "linear time"),
            ("(?=abc)abc", "linear time"),
            ("[a-z", "linear time"),
            (r"\w{120}", "too large"),
        ] {
            let said = of(pattern).unwrap_err();
            assert!(said.contains(why), "{pattern}: {said}");
        }
    }

    #[test]
    fn a_group_is_the_finding() {
        let pattern = Pattern::new("EMP-(?<value>[0-9]{6})|STAFF[0-9]{3}").unwrap();
        let text = b"x EMP-123456, STAFF007";
        let first = pattern.find(text, 0, text.len()).unwrap();
        assert_eq!((first.clone(), pattern.value(text, &first)), (2..12, 6..12));
        let second = pattern.find(text, first.end, text.len()).unwrap();
        assert_eq!((second.clone(), pattern.value(text, &second)), (14..22, 14..22));
        assert_eq!(pattern.find(text, second.end, text.len()), None);
    }
}
