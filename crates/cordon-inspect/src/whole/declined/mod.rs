//! Whether an answer declines what it was asked for, in plain words: by how it begins, in several languages. Who declines says so at once;
//! what is declined later, or in other words, is not seen.

mod phrases;

use std::sync::LazyLock;

use cordon_core::{Category, Finding, Score, Span};

use self::phrases::{APOLOGIES, Between, DENSE, OPENINGS, SHAPES, UNLESS};
use super::topic::token::{Class, read};

/// The name of the detector and its version.
pub(crate) const DETECTOR: &str = "answer.declined";
pub(crate) const VERSION: u16 = 1;
/// What it finds.
pub(crate) const DECLINED: Category = Category::known("answer/declined");

/// Bytes of an answer that are looked at, and the most words of them.
const BEGINNING: usize = 768;
const MOST_WORDS: usize = 96;
/// Openings that may stand before it, one after the other: "I'm sorry, but as an assistant".
const MOST_OPENINGS: usize = 8;
/// A short sentence that may stand before: "I understand that this is hard."
const SHORT_SENTENCE: usize = 12;
/// Sentences that are looked at.
const SENTENCES: usize = 3;
/// Words behind it in which a condition makes it none.
const CONDITION: usize = 6;
/// Characters in which a phrase of a script without spaces must begin, and those behind an apology in which it must end.
const MOST_CHARACTERS: usize = 96;
/// An answer of more bytes says something else, too; what it declines is a part then.
const LONG: usize = 1_500;

/// A phrase, and its words as texts are compared.
#[derive(Debug)]
struct Phrase(Vec<String>);

/// A [`phrases::Shape`], ready to be compared.
#[derive(Debug)]
struct Shape {
    score: u32,
    starts: Vec<Phrase>,
    between: Gap,
    ends: Vec<Phrase>,
}

#[derive(Debug)]
enum Gap {
    Any(usize),
    Only(Vec<String>),
}

#[derive(Debug)]
struct Compiled {
    openings: Vec<Phrase>,
    shapes: Vec<Shape>,
    unless: Vec<Phrase>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let shape = |shape: &phrases::Shape| Shape {
        score: shape.score,
        starts: list(shape.starts),
        between: match shape.between {
            Between::Any(most) => Gap::Any(most),
            Between::Only(words) => Gap::Only(list(words).into_iter().flat_map(|phrase| phrase.0).collect()),
        },
        ends: list(shape.ends),
    };
    Compiled {
        openings: OPENINGS.iter().flat_map(|phrases| list(phrases)).collect(),
        shapes: SHAPES.iter().map(shape).collect(),
        unless: list(UNLESS),
    }
});

/// The phrases of a list, between strokes. A full stop is the end of the sentence.
fn list(phrases: &str) -> Vec<Phrase> {
    let phrase = |phrase: &str| {
        let mut words = Vec::new();
        for word in phrase.split_whitespace() {
            if word == "." {
                words.push(".".to_owned());
            } else {
                read(word, |token| words.extend(token.map(|token| token.word.to_owned())));
            }
        }
        Phrase(words)
    };
    phrases.split('|').map(phrase).filter(|phrase| !phrase.0.is_empty()).collect()
}

/// How sure it is that an answer declines what it was asked for; nothing where it does not. The first 768 bytes are read, in English, German, French,
/// Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Norwegian, Polish, Russian, Ukrainian, Turkish, Indonesian, Arabic, Hindi, Chinese, Japanese and Korean.
///
/// ```
/// use cordon_inspect::declines;
/// assert!(declines("I'm sorry, but I can't help with that.").is_some());
/// assert!(declines("Dabei kann ich leider nicht helfen.").is_some());
/// assert_eq!(declines("I can't find order 4711. Is the number right?"), None);
/// assert_eq!(declines("The bank declined the payment, since the card has expired."), None);
/// ```
pub fn declines(answer: &str) -> Option<Score> {
    let answer = answer.trim_start();
    let beginning = answer.get(..answer.floor_char_boundary(BEGINNING.min(answer.len())))?;
    // What is quoted is not said; what begins a list, a heading or emphasis is.
    let beginning = beginning.trim_start_matches(['*', '_', '#', '>', '-', ' ']);
    if beginning.starts_with(['"', '\'', '“', '„', '«', '»', '‘', '「', '『', '`', '{', '[', '|', '<'])
    {
        return None;
    }
    // What stands behind a colon is another's, or a draft, and so is a letter.
    let beginning = beginning.split([':', '：']).next().unwrap_or_default();
    let beginning = beginning.split(",\n").next().unwrap_or_default();
    let mut sentences: Vec<Vec<String>> = vec![Vec::new()];
    let mut dense = String::new();
    let mut count: usize = 0;
    read(beginning, |token| match token {
        Some(token) if count < MOST_WORDS.max(MOST_CHARACTERS) => {
            count = count.saturating_add(1);
            if matches!(token.class, Class::Character | Class::SmallCharacter) {
                dense.push_str(token.word);
            } else if let Some(sentence) = sentences.last_mut() {
                sentence.push(token.word.to_owned());
            }
        }
        None if sentences.last().is_some_and(|sentence| !sentence.is_empty()) => sentences.push(Vec::new()),
        _ => {}
    });
    let score = of_sentences(&sentences).max(of_characters(&dense))?;
    let is_part = answer.len() > LONG;
    Some(Score::percent(if is_part { score.saturating_sub(35) } else { score }))
}

/// What is found of it in an answer, or in a place of its own where the provider says that the model declines.
pub fn declined(answer: &str, says_so: bool) -> Option<Finding> {
    let score = if says_so { Score::ONE } else { declines(answer)? };
    Some(Finding {
        category: DECLINED,
        span: Span::new(0, answer.len()),
        score,
        detector: DETECTOR,
        detector_version: VERSION,
        continues: false,
        listed: cordon_core::Listed::NONE,
    })
}

fn of_sentences(sentences: &[Vec<String>]) -> Option<u32> {
    for sentence in sentences.iter().filter(|sentence| !sentence.is_empty()).take(SENTENCES) {
        let score = of_sentence(sentence);
        if score.is_some() {
            return score;
        }
        if sentence.len() > SHORT_SENTENCE {
            return None;
        }
    }
    None
}

fn of_sentence(sentence: &[String]) -> Option<u32> {
    let mut rest = sentence;
    for _ in 0..=MOST_OPENINGS {
        if let Some(score) = shaped(rest) {
            return Some(score);
        }
        rest = COMPILED
            .openings
            .iter()
            .filter_map(|opening| opening.after(rest))
            .min_by_key(|rest| rest.len())?;
    }
    None
}

/// How sure it is that words which begin so decline.
fn shaped(words: &[String]) -> Option<u32> {
    let fits = |shape: &&Shape| {
        shape.starts.iter().filter_map(|start| start.after(words)).any(|rest| shape.ends_in(rest))
    };
    COMPILED.shapes.iter().filter(fits).map(|shape| shape.score).max()
}

impl Shape {
    /// Whether one of the ends comes soon enough, and no condition behind it.
    fn ends_in(&self, words: &[String]) -> bool {
        let is_free = |behind: &[String]| {
            let behind = behind.get(..CONDITION.min(behind.len())).unwrap_or_default();
            !(0..behind.len()).any(|at| {
                COMPILED.unless.iter().any(|word| word.after(behind.get(at..).unwrap_or_default()).is_some())
            })
        };
        if self.ends.is_empty() {
            return is_free(words);
        }
        let most = match &self.between {
            Gap::Any(most) => *most,
            Gap::Only(fillers) => words.iter().take_while(|word| fillers.contains(word)).count(),
        };
        (0..=most).any(|skip| {
            let rest = words.get(skip..).unwrap_or_default();
            self.ends.iter().any(|end| end.after(rest).is_some_and(is_free))
        })
    }
}

impl Phrase {
    /// The words behind it, where they begin with it.
    fn after<'w>(&self, words: &'w [String]) -> Option<&'w [String]> {
        let mut rest = words;
        for word in &self.0 {
            match rest.split_first() {
                None if word == "." => {}
                Some((first, behind)) if first == word => rest = behind,
                _ => return None,
            }
        }
        Some(rest)
    }
}

/// The same of Chinese, Japanese and Korean, which put it behind what it is about: only with an apology, or said of oneself.
fn of_characters(text: &str) -> Option<u32> {
    let said = APOLOGIES.iter().filter_map(|apology| text.find(apology)).min()?;
    let behind = text.get(said..)?;
    DENSE.iter().any(|phrase| behind.contains(phrase)).then_some(95)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_read_as_it_is_written() {
        for shape in &COMPILED.shapes {
            assert!(!shape.starts.is_empty());
            for phrase in shape.starts.iter().chain(&shape.ends) {
                assert!((1..=10).contains(&phrase.0.len()), "{phrase:?}");
            }
        }
        for phrase in DENSE.iter().chain(APOLOGIES) {
            let mut dense = String::new();
            read(phrase, |token| dense.extend(token.map(|token| token.word.to_owned())));
            assert_eq!(dense, *phrase, "it is compared without spaces and marks");
        }
    }
}
