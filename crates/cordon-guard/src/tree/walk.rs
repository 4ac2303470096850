//! The walk over requests and answers: every string, number and key, with where it came from and what may stand in
//! its place.
//!
//! One walk serves every visitor, so that what was inspected and what is rewritten are the same places in the same
//! order. A field that is not known here is content of what encloses it; it is never waved through.

use std::collections::BTreeSet;

use cordon_core::{
    Category, Channel, Refusal, RefusalCode,
    json::{Limits, Object, Value},
};
use cordon_files::Claim;
use smallvec::SmallVec;

use super::{
    url::{self, Reference},
    words,
};
use crate::{files::Brought, inspection::Part};

/// What may be done to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What a model says to the caller: placeholders in, and tokens of the request restored.
    Said,
    /// Any other text: placeholders in.
    Text,
    /// JSON inside a string: placeholders inside its strings.
    Json,
    /// An identifier that is only compared: replaced as a whole, equal ones by equal ones.
    Id,
    /// A participant's name: providers take few characters there.
    Name,
    /// A word of the protocol, or a name that both sides must agree on: nothing can stand in its place.
    Fixed,
}

/// Where a text stands.
#[derive(Debug)]
pub(crate) struct Spot<'a> {
    pub(crate) channel: Channel,
    pub(crate) kind: Kind,
    pub(crate) path: &'a Path,
}

/// What goes through a request or an answer.
pub(crate) trait Visit {
    /// A string.
    fn text(&mut self, spot: &Spot<'_>, text: &mut String);
    /// A number.
    fn number(&mut self, spot: &Spot<'_>, value: &mut Value);
    /// A key that is not a word of the protocol; the answer is another key to put in its place.
    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String>;
    /// Content that is not looked into.
    fn unseen(&mut self, spot: &Spot<'_>, category: Category, length: usize);
    /// A file that a request brings. The answer is whether all of it was looked into; else it goes on unseen.
    fn file(&mut self, _: &Spot<'_>, _: &Brought<'_>) -> bool {
        false
    }
    /// What is to stand in place of the payload of such a file, if anything is.
    fn packed_again(&mut self, _: &Spot<'_>, _: &Brought<'_>) -> Option<String> {
        None
    }
    /// A file that a request writes down as it is, not in base64. It is read as a text where it stands, too.
    fn written(&mut self, _: &Spot<'_>, _: &[u8], _: &Claim<'_>) {}
    /// The model proposes an action here.
    fn proposed(&mut self, _: &Path) {}
    /// A refusal for another reason than content.
    fn fault(&mut self, refusal: Refusal);
}

/// The way from the top of the tree to a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path(SmallVec<[Step; 12]>);

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A word of the protocol.
    Word(&'static str),
    /// An array's item.
    Item(usize),
    /// A member whose key the caller chose, by its position.
    Member(usize),
    /// The key of such a member.
    Key(usize),
}

/// Walks a tree with a visitor.
pub(crate) struct Walker<'v, V> {
    visit: &'v mut V,
    path: Path,
    said: Said,
}

/// What the object around a file says of it.
#[derive(Debug, Default)]
struct Said {
    name: Option<String>,
    media_type: Option<String>,
}

/// The category of media that are not looked into.
pub(crate) const MEDIA: Category = Category::known("uninspected/media");
/// The category of what only its maker can read.
pub(crate) const OPAQUE: Category = Category::known("uninspected/opaque");
/// The category of what lies elsewhere.
pub(crate) const REMOTE: Category = Category::known("uninspected/remote");

/// Shorter than this, what looks like base64 may be a word.
const SHORTEST_OPAQUE: usize = 40;

/// Numbers of parameters up to this length are settings and nothing else (times in seconds, 32-bit seeds).
pub(crate) const SHORT_NUMBER: usize = 10;

impl Path {
    pub(crate) fn word(&mut self, word: &'static str) -> &mut Self {
        self.0.push(Step::Word(word));
        self
    }

    pub(crate) fn item(&mut self, at: usize) -> &mut Self {
        self.0.push(Step::Item(at));
        self
    }

    /// The path of a member with this key, at this position.
    pub(crate) fn member(&mut self, at: usize, key: &str) -> &mut Self {
        self.0.push(words::known(key).map_or(Step::Member(at), Step::Word));
        self
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// The list and the message or item of it that a text is of, where a model reads the text with its neighbours. `said`: it is what
    /// somebody says, whatever it is called.
    pub(crate) fn message(&self, said: bool) -> Option<(&'static str, usize)> {
        match self.0.as_slice() {
            [
                Step::Word(list @ ("messages" | "input" | "system" | "instructions")),
                Step::Item(at),
                ..,
                last,
            ] => {
                let read = matches!(last, Step::Word("content" | "data" | "output" | "text") | Step::Item(_));
                (said || read).then_some((*list, *at))
            }
            _ => None,
        }
    }

    /// Whether it leads into what a model thought.
    pub(crate) fn is_thought(&self) -> bool {
        let of = |word| matches!(word, "thinking" | "reasoning" | "reasoning_content" | "summary");
        self.0.iter().any(|step| matches!(step, Step::Word(word) if of(*word)))
    }

    /// The path as error objects write it: `messages[2].content[0].image_url.url`.
    fn param(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            if !out.is_empty() && !matches!(step, Step::Item(_)) {
                out.push('.');
            }
            match step {
                Step::Word(word) => out.push_str(word),
                Step::Item(item) => out.push_str(&format!("[{item}]")),
                Step::Member(position) | Step::Key(position) => out.push_str(&format!("?{position}")),
            }
        }
        out
    }
}

impl Part for Path {
    fn name(&self) -> String {
        use std::fmt::Write as _;
        let mut out = String::with_capacity(self.0.len() * 9);
        for (at, step) in self.0.iter().enumerate() {
            if at > 0 {
                out.push('/');
            }
            // Writing to a `String` cannot fail.
            let _ = match step {
                Step::Word(word) => out.write_str(word),
                Step::Item(item) => write!(out, "{item}"),
                Step::Member(position) => write!(out, "?{position}"),
                Step::Key(position) => write!(out, "?{position}/key"),
            };
        }
        out
    }
}

impl<'v, V: Visit> Walker<'v, V> {
    pub(crate) fn new(visit: &'v mut V) -> Self {
        Self { visit, path: Path::default(), said: Said::default() }
    }

    /// The model proposes an action here.
    pub(crate) fn proposed(&mut self) {
        self.visit.proposed(&self.path);
    }

    /// A walker that begins inside the tree.
    pub(crate) const fn at(visit: &'v mut V, path: Path) -> Self {
        Self { visit, path, said: Said { name: None, media_type: None } }
    }

    /// What is to stand in place of a key that is not a word of the protocol, if anything is.
    pub(crate) fn new_key(&mut self, at: usize, key: &str) -> Option<String> {
        if words::known(key).is_some() {
            return None;
        }
        self.path.pop();
        self.path.0.push(Step::Key(at));
        self.visit.key(&Spot { channel: Channel::Model, kind: Kind::Text, path: &self.path }, key)
    }

    /// An object but for these members.
    pub(crate) fn but_for(&mut self, object: &mut Object, skip: &[&str], channel: Channel, kind: Kind) {
        self.members(object, channel, kind, |walker, key, value| {
            if !skip.contains(&key) {
                walker.value(value, channel, kind);
            }
        });
    }

    /// A definition: these members are words, or names that both sides must agree on; the others are text.
    pub(crate) fn definition(&mut self, value: &mut Value, agreed: &[&str], channel: Channel) {
        let Value::Object(object) = value else { return self.value(value, channel, Kind::Text) };
        self.members(object, channel, Kind::Text, |walker, key, value| {
            let kind = if agreed.contains(&key) { Kind::Fixed } else { Kind::Text };
            walker.value(value, channel, kind);
        });
    }

    /// A part of a message's content, and objects inside it: they may hold media and URLs.
    pub(crate) fn part(&mut self, part: &mut Value, channel: Channel) {
        match part {
            Value::Object(object) => {
                self.kept_file(object, channel);
                self.members(object, channel, Kind::Text, |walker, key, value| match (key, &mut *value) {
                    ("type" | "detail" | "format" | "media_type" | "file_id" | "expires_at", _) => {
                        walker.value(value, channel, Kind::Fixed);
                    }
                    ("id", _) => walker.value(value, channel, Kind::Id),
                    ("data" | "file_data", Value::String(text)) => walker.blob(text, channel),
                    (key, Value::String(text)) if is_url_key(key) => walker.url(text, channel),
                    (key, _) if words::is_said(key) => walker.value(value, channel, Kind::Said),
                    (_, Value::Object(_)) => walker.part(value, channel),
                    _ => walker.value(value, channel, Kind::Text),
                });
            }
            _ => self.value(part, channel, Kind::Said),
        }
    }

    /// What an object says of a file: one that the service keeps is no more than an id, and nobody here sees what is in it; one
    /// that comes along has a name and a type.
    pub(crate) fn kept_file(&mut self, object: &Object, channel: Channel) {
        let said = |key| object.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(id) = object.get("file_id").and_then(Value::as_str) {
            self.unseen(channel, REMOTE, id.len());
        }
        // The source inside of a part has the bytes, and what is around it the name.
        if !matches!(object.get("type").and_then(Value::as_str), Some("base64" | "text")) {
            self.said.name = said("filename").or_else(|| said("title"));
        }
        self.said.media_type = said("media_type");
    }

    /// A file in base64: what of it is not looked into goes on unseen.
    fn file(&mut self, payload: &str, media_type: Option<&str>, channel: Channel) -> Option<String> {
        self.brought(payload, media_type, channel, false)
    }

    /// The same of one whose text is read where it stands, if it is one.
    fn beside(&mut self, payload: &str, media_type: Option<&str>, channel: Channel) -> Option<String> {
        self.brought(payload, media_type, channel, true)
    }

    /// The answer is what is to stand in place of the payload, if anything is.
    fn brought(
        &mut self,
        payload: &str,
        media_type: Option<&str>,
        channel: Channel,
        is_text: bool,
    ) -> Option<String> {
        let Said { name, media_type: around } = std::mem::take(&mut self.said);
        let claim = Claim { name: name.as_deref(), media_type: media_type.or(around.as_deref()) };
        let spot = Spot { channel, kind: Kind::Fixed, path: &self.path };
        let file = Brought { payload, claim, is_text };
        let new = self.visit.packed_again(&spot, &file);
        if !self.visit.file(&spot, &file) {
            self.unseen(channel, MEDIA, payload.len());
        }
        new
    }

    /// A file that is written down as it is, and read as a text beside this.
    pub(crate) fn written(&mut self, bytes: &[u8], media_type: Option<&str>, channel: Channel) {
        let Said { name, media_type: around } = std::mem::take(&mut self.said);
        let claim = Claim { name: name.as_deref(), media_type: media_type.or(around.as_deref()) };
        self.visit.written(&Spot { channel, kind: Kind::Fixed, path: &self.path }, bytes, &claim);
    }

    /// Content at this place that is not looked into.
    pub(crate) fn unseen(&mut self, channel: Channel, category: Category, length: usize) {
        self.visit.unseen(&Spot { channel, kind: Kind::Fixed, path: &self.path }, category, length);
    }

    /// A value that goes on as JSON inside a text elsewhere, such as in the pieces of a stream: it is read as that text.
    pub(crate) fn json(&mut self, value: &mut Value, channel: Channel) {
        let original = value.to_string();
        let mut text = original.clone();
        self.visit.text(&Spot { channel, kind: Kind::Json, path: &self.path }, &mut text);
        if text != original {
            let limits = Limits { bytes: text.len(), ..Limits::default() };
            // What is cut out of JSON leaves JSON; were it otherwise, what is left is a text.
            *value = Value::parse(text.as_bytes(), limits).unwrap_or(Value::String(text));
        }
    }

    /// What only its maker can read, such as a signature. What does not look like that is a text.
    pub(crate) fn opaque(&mut self, value: &mut Value, channel: Channel) {
        match value {
            Value::String(text) if is_opaque(text) => self.unseen(channel, OPAQUE, text.len()),
            _ => self.value(value, channel, Kind::Fixed),
        }
    }

    pub(crate) fn url(&mut self, text: &mut String, channel: Channel) {
        match url::reference(text) {
            Err(error) => {
                let refusal = Refusal::new(RefusalCode::InvalidRequest, error.to_string());
                self.visit.fault(refusal.param(self.path.param()));
            }
            Ok(Reference::Other) => {
                // Its text is read where it stands; what it is is looked at beside.
                let packed = url::packed(text).map(|(media_type, payload)| {
                    (payload.len(), self.beside(payload, Some(media_type), channel))
                });
                match packed {
                    Some((length, Some(new))) => put_behind(text, length, &new),
                    Some((_, None)) => {}
                    None => {
                        if let Some((media_type, bytes)) = url::written(text) {
                            self.written(&bytes, media_type, channel);
                        }
                    }
                }
                self.leaf(text, channel, Kind::Text);
            }
            Ok(Reference::Remote) => {
                self.leaf(text, channel, Kind::Fixed);
                self.unseen(channel, REMOTE, text.len());
            }
            Ok(Reference::Media { head, payload }) => {
                let mut head = head.to_owned();
                self.leaf(&mut head, channel, Kind::Fixed);
                let length = payload.len();
                if let Some(new) = self.file(payload, url::media_type(&head), channel) {
                    put_behind(text, length, &new);
                }
            }
        }
    }

    pub(crate) fn blob(&mut self, text: &mut String, channel: Channel) {
        if url::is_media(text) {
            if let Some(new) = self.file(text, None, channel) {
                *text = new;
            }
            return;
        }
        if url::packed(text).is_none()
            && !text.is_empty()
            && let Some(new) = self.beside(text, None, channel)
        {
            *text = new;
        }
        self.url(text, channel);
    }

    /// Any value whose fields mean nothing to the walk.
    // Recursion is bounded by the depth of the tree.
    pub(crate) fn value(&mut self, value: &mut Value, channel: Channel, kind: Kind) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => self.leaf(text, channel, kind),
            Value::Number(number) => {
                // No detector sees anything in three characters.
                let skip = if kind == Kind::Fixed { SHORT_NUMBER } else { 3 };
                if number.as_str().len() > skip {
                    self.visit.number(&Spot { channel, kind, path: &self.path }, value);
                }
            }
            Value::Array(_) => self.items(value, channel, |walker, item| walker.value(item, channel, kind)),
            Value::Object(object) => {
                self.members(object, channel, kind, |walker, _, value| walker.value(value, channel, kind));
            }
        }
    }

    fn leaf(&mut self, text: &mut String, channel: Channel, kind: Kind) {
        // Words of the protocol hold nothing to be found.
        if !text.is_empty() && words::known(text).is_none() {
            self.visit.text(&Spot { channel, kind, path: &self.path }, text);
        }
    }

    /// Each item of an array.
    pub(crate) fn items(
        &mut self,
        value: &mut Value,
        channel: Channel,
        mut each: impl FnMut(&mut Self, &mut Value),
    ) {
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.path.item(at);
                    each(self, item);
                    self.path.pop();
                }
            }
            // Not of the form that the protocol has: still content.
            _ => self.value(value, channel, Kind::Text),
        }
    }

    /// Each member of an object whose keys name columns: nothing can stand in the place of a name, and one that was `seen` is not
    /// shown again.
    pub(crate) fn columns(
        &mut self,
        object: &mut Object,
        channel: Channel,
        seen: &mut BTreeSet<String>,
        mut each: impl FnMut(&mut Self, &mut Value),
    ) {
        for (at, (key, value)) in object.iter_mut().enumerate() {
            if words::known(key).is_none() && !seen.contains(key) {
                seen.insert(key.to_owned());
                self.path.0.push(Step::Key(at));
                self.visit.key(&Spot { channel, kind: Kind::Fixed, path: &self.path }, key);
                self.path.pop();
            }
            self.path.member(at, key);
            each(self, value);
            self.path.pop();
        }
    }

    /// Each member of an object, its key first.
    pub(crate) fn members(
        &mut self,
        object: &mut Object,
        channel: Channel,
        kind: Kind,
        mut each: impl FnMut(&mut Self, &str, &mut Value),
    ) {
        let mut renamed = Vec::new();
        for (at, (key, value)) in object.iter_mut().enumerate() {
            match words::known(key) {
                Some(word) => self.path.word(word),
                None => {
                    self.path.0.push(Step::Key(at));
                    // Where values cannot be replaced, keys cannot either; anywhere else a key is text.
                    let kind = if kind == Kind::Fixed { kind } else { Kind::Text };
                    if let Some(new) = self.visit.key(&Spot { channel, kind, path: &self.path }, key) {
                        renamed.push((at, new));
                    }
                    self.path.pop();
                    self.path.0.push(Step::Member(at));
                    &mut self.path
                }
            };
            each(self, key, value);
            self.path.pop();
        }
        if !renamed.is_empty() {
            let mut renamed = renamed.into_iter().peekable();
            let mut at = 0;
            object.rename_keys(|_| {
                let new = renamed.next_if(|(position, _)| *position == at).map(|(_, new)| new);
                at += 1;
                new
            });
        }
    }
}

/// Puts a payload in place of the one of this length that a URL ends with.
fn put_behind(url: &mut String, length: usize, payload: &str) {
    url.truncate(url.len().saturating_sub(length));
    url.push_str(payload);
}

/// Whether a text is bytes in base64 and no words: of both cases, and long.
pub(crate) fn is_opaque(text: &str) -> bool {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_');
    text.len() >= SHORTEST_OPAQUE
        && text.bytes().all(base64)
        && text.bytes().any(|b| b.is_ascii_uppercase())
        && text.bytes().any(|b| b.is_ascii_lowercase())
}

/// Whether a member of this name is a URL.
pub(crate) fn is_url_key(key: &str) -> bool {
    matches!(key, "url" | "uri" | "href") || key.ends_with("_url") || key.ends_with("_uri")
}
