//! A line of labelled data.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cordon_core::{Channel, Score};
use cordon_inspect::trained;
use serde::Deserialize;

/// What a text is labelled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Attack,
    Benign,
    /// It holds values that are to be found.
    Positive,
    /// It holds what looks like a value and is none.
    Negative,
}

/// Whether the models of this program know a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// None was trained on it.
    New,
    /// The model of injection, trained without its source, gives it this score.
    LeftOut(Score),
    /// One was trained on it, and none has judged it without its source.
    Learned,
}

impl Known {
    fn of(text: &str, channel: Channel) -> Self {
        match trained::left_out(text, channel) {
            Some(score) => Self::LeftOut(score),
            None if trained::on(text) => Self::Learned,
            None => Self::New,
        }
    }
}

/// A labelled text.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) label: Label,
    pub(crate) channel: Channel,
    pub(crate) language: Option<String>,
    pub(crate) text: String,
    pub(crate) spans: Vec<Marked>,
    pub(crate) known: Known,
}

/// A labelled value: bytes `start..end` of the text.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Marked {
    pub(crate) start: usize,
    pub(crate) end: usize,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text_b64: Option<Cow<'a, str>>,
    #[serde(borrow)]
    label: Cow<'a, str>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lang: Option<Cow<'a, str>>,
    #[serde(default)]
    spans: Vec<Marked>,
}

impl Row {
    /// Reads one. `source` is whose it is where it does not say so.
    ///
    /// # Errors
    /// What is wrong with it, without any content.
    pub(crate) fn read(line: &[u8], source: &str) -> Result<Self, &'static str> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(
            |_| "not an object with `label`, `text` or `text_b64`, and `spans` of start, end and type",
        )?;
        let label = match &*line.label {
            "attack" => Label::Attack,
            "benign" => Label::Benign,
            "positive" => Label::Positive,
            "negative" => Label::Negative,
            _ => return Err("a label other than attack, benign, positive and negative"),
        };
        let channel = match line.channel.as_deref() {
            Some(word) => Channel::parse(word).ok_or("a channel that is none")?,
            None => Channel::User,
        };
        let kind = match (line.kind.as_deref(), label) {
            (Some(kind), _) => kind,
            (None, Label::Attack) => "attack",
            (None, Label::Benign) => super::ORDINARY,
            (None, Label::Positive | Label::Negative) => {
                return Err("a value without `kind`, which says pii or secret");
            }
        };
        let text = match (line.text, line.text_b64) {
            (Some(text), _) => text.into_owned(),
            (None, Some(encoded)) => BASE64_STANDARD
                .decode(&*encoded)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or("a `text_b64` that is no base64 of UTF-8")?,
            (None, None) => return Err("neither `text` nor `text_b64`"),
        };
        let outside = |span: &Marked| span.start >= span.end || span.end > text.len();
        if line.spans.iter().any(outside) {
            return Err("a span that does not lie in its text");
        }
        Ok(Self {
            source: line.source.as_deref().unwrap_or(source).to_owned(),
            kind: kind.to_owned(),
            label,
            channel,
            language: line.lang.map(Cow::into_owned),
            known: Known::of(&text, channel),
            text,
            spans: line.spans,
        })
    }
}
