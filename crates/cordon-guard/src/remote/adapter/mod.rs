//! What a detector elsewhere is sent, and how its answer is read. Pure: bytes in, findings out.

mod cordon;
mod lakera;
mod openai;
mod presidio;

use cordon_core::{
    Category, Channel, Score, Span,
    json::{Limits, Value},
    resource::{Adapter, DetectorSpec},
};

use super::Failure;

/// The largest answer to one text.
pub(super) const MAX_ANSWER: usize = 256 << 10;
/// The most findings in one text.
const MAX_FINDINGS: usize = 256;
/// How deep an answer may be, and how many values it may have.
const LIMITS: Limits = Limits { bytes: MAX_ANSWER, depth: 16, values: 20_000 };

/// What is sent about one text.
#[derive(Debug)]
pub(super) struct Question {
    /// Below the base URL.
    pub(super) path: &'static str,
    pub(super) body: Vec<u8>,
}

/// What was found in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) category: Category,
    /// In bytes of the text that was sent.
    pub(super) span: Span,
    pub(super) score: Score,
}

/// What to ask about a text.
pub(super) fn question(spec: &DetectorSpec, channel: Channel, text: &str) -> Question {
    match spec.adapter {
        Adapter::Cordon => cordon::question(channel, text),
        Adapter::Lakera => lakera::question(spec, channel, text),
        // It is sent pictures, and no text.
        Adapter::Ocr => Question { path: "", body: Vec::new() },
        Adapter::OpenaiModeration => openai::question(spec, text),
        Adapter::Presidio => presidio::question(spec, text),
        // Nobody is asked: its model runs here (`model`).
        Adapter::Model => Question { path: "", body: Vec::new() },
    }
}

/// What an answer says of the text that was sent.
///
/// # Errors
/// When it is not an answer in the adapter's form, or not one to this text: a span beyond it, empty or through a character, a score
/// outside 0 to 1, a category that has no line in the resource, too many findings.
pub(super) fn read(spec: &DetectorSpec, bytes: &[u8], text: &str) -> Result<Vec<Found>, Failure> {
    let tree = Value::parse(bytes, LIMITS).map_err(|_| Failure::Malformed)?;
    let found = match spec.adapter {
        Adapter::Cordon => cordon::read(&tree, spec, text),
        Adapter::Lakera => lakera::read(&tree, spec, text),
        Adapter::Ocr => None,
        Adapter::OpenaiModeration => openai::read(&tree, spec, text),
        Adapter::Presidio => presidio::read(&tree, spec, text),
        Adapter::Model => None,
    };
    found.filter(|found| found.len() <= MAX_FINDINGS).ok_or(Failure::Malformed)
}

/// Our category for a word of the detector's.
fn category(spec: &DetectorSpec, word: &Value) -> Option<Category> {
    spec.categories.get(word.as_str()?).cloned()
}

/// A score between 0 and 1. Infinity is no number of JSON, and is refused here all the same.
fn score(value: &Value) -> Option<Score> {
    let Value::Number(number) = value else { return None };
    Score::from_f64(number.as_str().parse().ok()?).ok()
}

/// A span of a text: some of it, and whole characters.
fn span(text: &str, start: u64, end: u64) -> Option<Span> {
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    text.get(start..end).filter(|part| !part.is_empty()).map(|_| Span::new(start, end))
}

/// Where the characters of a text begin, for answers that count them and not bytes.
struct Characters<'t> {
    text: &'t str,
    /// Where each begins, and the end; nothing where each is one byte.
    starts: Option<Vec<usize>>,
}

impl<'t> Characters<'t> {
    fn of(text: &'t str) -> Self {
        let starts = || text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        Self { text, starts: (!text.is_ascii()).then(starts) }
    }

    /// The bytes of some characters.
    fn span(&self, start: u64, end: u64) -> Option<Span> {
        let byte = |at: u64| match &self.starts {
            None => Some(at),
            Some(starts) => starts.get(usize::try_from(at).ok()?).map(|start| *start as u64),
        };
        span(self.text, byte(start)?, byte(end)?)
    }
}

#[cfg(test)]
mod tests;
