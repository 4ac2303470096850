use std::collections::BTreeMap;

use cordon_core::{
    Channel,
    json::{Object, Value},
};

use super::call::Call;
use crate::{
    inspection::Stop,
    lane::{Lane, Shared, Trail},
    openai::response::MAX_INDEX,
    tree::{
        gate::{Halt, StreamError},
        logprobs::Entries,
        rewrite::Rewrite,
        unknown::Unknown,
        walk::{Kind, MEDIA, Path, Visit, Walker},
        words,
    },
};

/// The most fields of a delta that are lanes of their own.
const MAX_FIELDS: usize = 64;

/// Entries of log probabilities that may go on, by their list.
type Lists = Vec<(&'static str, Vec<Value>)>;

/// One choice of a stream.
#[derive(Debug, Default)]
pub(super) struct Choice {
    finished: bool,
    /// Text that a model says, by its field.
    said: Vec<(String, Lane)>,
    calls: BTreeMap<u64, Call>,
    function_call: Option<Call>,
    transcript: Option<Lane>,
    /// Sound that waits for its transcript, and its encoding read as a text: sound says nothing there.
    sound: Vec<String>,
    encoding: Option<Trail>,
    logprobs: Vec<(&'static str, Entries)>,
    unknown: Vec<(String, Unknown)>,
}

/// The choice of a chunk that ends a stopped stream.
pub(super) fn filtered(index: u64) -> Value {
    part(index, Object::new(), None, Value::from("content_filter"))
}

impl Choice {
    pub(super) const fn finished(&self) -> bool {
        self.finished
    }

    /// Bytes of text that came and are not written yet.
    pub(super) fn held(&self) -> usize {
        let said: usize = self.said.iter().map(|(_, lane)| lane.held()).sum();
        let calls: usize = self.calls.values().chain(&self.function_call).map(Call::held).sum();
        said + calls + self.transcript.as_ref().map_or(0, Lane::held)
    }

    /// Takes a choice of a chunk. What is returned goes into a chunk of its own before, and into this one.
    pub(super) fn take(
        &mut self,
        index: u64,
        mut choice: Object,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<(Vec<Value>, Option<Value>), Halt> {
        let mut path = path_of(index);
        Walker::at(rewrite, path.clone()).choice(&mut choice, "delta");
        let mut delta = match choice.get_mut("delta") {
            Some(Value::Object(delta)) => std::mem::take(delta),
            None | Some(Value::Null) => Object::new(),
            Some(_) => return Err(StreamError::NotAChunk.into()),
        };
        let came_empty = delta.is_empty();
        path.word("message");
        let mut released = self.delta(&mut delta, &mut path, rewrite)?;
        path.pop();
        let entries = self.entries(choice.get_mut("logprobs"), &mut path, rewrite)?;
        let finishes = choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
        if !finishes {
            let more = choice.iter().any(|(key, value)| {
                !matches!(key, "index" | "delta" | "logprobs" | "finish_reason") && !value.is_null()
            });
            if released.is_empty() && entries.is_empty() && !came_empty && !more {
                return Ok((Vec::new(), None));
            }
            choice.insert("delta", released);
            put_entries(&mut choice, entries);
            return Ok((Vec::new(), Some(choice.into())));
        }
        let ended_before = std::mem::replace(&mut self.finished, true);
        let (tail, last) = self.rest(&mut path, &mut rewrite.shared)?;
        if ended_before && !(released.is_empty() && tail.is_empty()) {
            return Err(StreamError::AfterFinish.into());
        }
        if tail.is_empty() && last.is_empty() {
            // Nothing was held back: the chunk stays one.
            choice.insert("delta", released);
            put_entries(&mut choice, entries);
            return Ok((Vec::new(), Some(choice.into())));
        }
        merge(&mut released, tail);
        let mut all = entries;
        for (list, mut more) in last {
            match all.iter_mut().find(|(name, _)| *name == list) {
                Some((_, entries)) => entries.append(&mut more),
                None => all.push((list, more)),
            }
        }
        let mut before = vec![part(index, released, Some(all), Value::Null)];
        self.leftover(index, &rewrite.shared, &mut before);
        choice.insert("delta", Object::new());
        if choice.get("logprobs").is_some() {
            choice.insert("logprobs", Value::Null);
        }
        Ok((before, Some(choice.into())))
    }

    /// What is still held back when the stream ends without a word about this choice.
    pub(super) fn flush(&mut self, index: u64, shared: &mut Shared<'_>) -> Result<Vec<Value>, Stop> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(Vec::new());
        }
        let (tail, last) = self.rest(&mut path_of(index), shared)?;
        let mut out = Vec::new();
        if !(tail.is_empty() && last.is_empty()) {
            out.push(part(index, tail, Some(last), Value::Null));
            self.leftover(index, shared, &mut out);
        }
        Ok(out)
    }

    /// Values of unknown fields that did not fit into one chunk.
    fn leftover(&mut self, index: u64, shared: &Shared<'_>, out: &mut Vec<Value>) {
        for (_, unknown) in &mut self.unknown {
            while let Some(value) = unknown.released(shared) {
                let delta = [(unknown.name(), value)].into_iter().collect();
                out.push(part(index, delta, None, Value::Null));
            }
        }
    }

    fn delta(
        &mut self,
        delta: &mut Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<Object, Halt> {
        let mut out = Object::new();
        for (at, (key, value)) in delta.iter_mut().enumerate() {
            let mut value = std::mem::replace(value, Value::Null);
            if self.finished && !matches!(&value, Value::Null) && key != "role" {
                let empty = value.as_str().is_some_and(str::is_empty);
                if !empty {
                    return Err(StreamError::AfterFinish.into());
                }
            }
            match (key, &mut value) {
                (_, Value::Null) => out.insert(key, value),
                ("role", _) => {
                    path.word("role");
                    Walker::at(rewrite, path.clone()).value(&mut value, Channel::Model, Kind::Fixed);
                    path.pop();
                    out.insert(key, value);
                }
                ("content", Value::String(text)) => self.say("content", text, path, rewrite, &mut out)?,
                (said, Value::String(text)) if words::is_said(said) => {
                    if let Some(word) = words::known(said) {
                        self.say(word, text, path, rewrite, &mut out)?;
                    }
                }
                ("tool_calls", Value::Array(items)) => {
                    path.word("tool_calls");
                    if !items.is_empty() {
                        rewrite.proposed(path);
                    }
                    let calls = self.tool_calls(std::mem::take(items), path, rewrite)?;
                    path.pop();
                    if !calls.is_empty() {
                        out.insert(key, calls);
                    }
                }
                ("function_call", Value::Object(function)) => {
                    path.word("function_call");
                    rewrite.proposed(path);
                    let call = self.function_call.get_or_insert_with(Call::default);
                    let function = call.function(std::mem::take(function), path, rewrite)?;
                    path.pop();
                    if let Some(function) = function {
                        out.insert(key, function);
                    }
                }
                ("audio", Value::Object(audio)) => {
                    path.word("audio");
                    let audio = self.audio(std::mem::take(audio), path, rewrite)?;
                    path.pop();
                    if !audio.is_empty() {
                        out.insert(key, audio);
                    }
                }
                _ => self.unknown(at, key, value, path, rewrite, &mut out)?,
            }
        }
        Ok(out)
    }

    fn say(
        &mut self,
        field: &'static str,
        text: &str,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        out: &mut Object,
    ) -> Result<(), Stop> {
        let at = match self.said.iter().position(|(known, _)| known == field) {
            Some(at) => at,
            None => {
                self.said
                    .push((field.to_owned(), Lane::restoring(rewrite.shared.inspection, Channel::Model)));
                self.said.len() - 1
            }
        };
        let Some((_, lane)) = self.said.get_mut(at) else { return Ok(()) };
        let mut released = String::with_capacity(text.len());
        path.word(field);
        let result = lane.push(text, &*path, &mut rewrite.shared, &mut released);
        path.pop();
        result?;
        if !released.is_empty() || text.is_empty() {
            out.insert(field, released);
        }
        Ok(())
    }

    fn tool_calls(
        &mut self,
        items: Vec<Value>,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<Vec<Value>, Halt> {
        let mut out = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let Value::Object(item) = item else { return Err(StreamError::NotAChunk.into()) };
            let index =
                item.get("index").map_or(Some(at as u64), Value::as_u64).ok_or(StreamError::NotAChunk)?;
            if index >= MAX_INDEX as u64 {
                return Err(StreamError::TooMany.into());
            }
            path.item(usize::try_from(index).unwrap_or(usize::MAX));
            out.extend(self.calls.entry(index).or_default().item(index, item, path, rewrite)?);
            path.pop();
        }
        Ok(out)
    }

    /// Sound cannot be inspected, and it speaks the text: where guards could change the text, it waits until the text
    /// is known to be unchanged.
    fn audio(
        &mut self,
        mut audio: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<Object, Halt> {
        let transcript = audio.remove("transcript");
        let data = audio.remove("data");
        let mut rest = Value::Object(audio);
        Walker::at(rewrite, path.clone()).audio(&mut rest);
        let mut out = match rest {
            Value::Object(rest) => rest,
            _ => Object::new(),
        };
        if let Some(Value::String(text)) = transcript {
            let lane = self
                .transcript
                .get_or_insert_with(|| Lane::restoring(rewrite.shared.inspection, Channel::Model));
            let mut released = String::new();
            path.word("transcript");
            lane.push(&text, &*path, &mut rewrite.shared, &mut released)?;
            path.pop();
            if !released.is_empty() || text.is_empty() {
                out.insert("transcript", released);
            }
        }
        match data {
            None | Some(Value::Null) => {}
            Some(Value::String(data)) => {
                path.word("data");
                let encoding = match &mut self.encoding {
                    Some(encoding) => encoding,
                    None => {
                        let Shared { inspection, verdict, .. } = &mut rewrite.shared;
                        inspection.unseen(Channel::Model, path, MEDIA, data.len(), verdict)?;
                        self.encoding.insert(Trail::new(&rewrite.shared, Channel::Model))
                    }
                };
                encoding.push(&data, path, &mut rewrite.shared)?;
                path.pop();
                if rewrite.shared.inspection.guard().holds(Channel::Model).is_empty() {
                    out.insert("data", data);
                } else {
                    self.sound.push(data);
                }
            }
            Some(_) => return Err(StreamError::NotAChunk.into()),
        }
        Ok(out)
    }

    fn unknown(
        &mut self,
        at: usize,
        key: &str,
        mut value: Value,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        out: &mut Object,
    ) -> Result<(), Halt> {
        path.member(at, key);
        Walker::at(rewrite, path.clone()).value(&mut value, Channel::Model, Kind::Text);
        let position = match self.unknown.iter().position(|(known, _)| known == key) {
            Some(position) => position,
            None if self.unknown.len() < MAX_FIELDS => {
                let new = Walker::at(rewrite, path.clone()).new_key(at, key);
                self.unknown.push((key.to_owned(), Unknown::named(new.unwrap_or_else(|| key.to_owned()))));
                self.unknown.len() - 1
            }
            None => return Err(StreamError::TooMany.into()),
        };
        if let Some((_, unknown)) = self.unknown.get_mut(position) {
            unknown.push(value, path, &mut rewrite.shared)?;
            if let Some(value) = unknown.released(&rewrite.shared) {
                out.insert(unknown.name(), value);
            }
        }
        path.pop();
        Ok(())
    }

    fn entries(
        &mut self,
        value: Option<&mut Value>,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<Lists, Halt> {
        let mut out = Vec::new();
        let Some(value) = value else { return Ok(out) };
        path.word("logprobs");
        match value {
            Value::Object(object) => {
                Walker::at(rewrite, path.clone()).but_for(
                    object,
                    &["content", "refusal"],
                    Channel::Model,
                    Kind::Text,
                );
                for list in ["content", "refusal"] {
                    let Some(Value::Array(items)) = object.get_mut(list) else { continue };
                    let at = match self.logprobs.iter().position(|(known, _)| *known == list) {
                        Some(at) => at,
                        None => {
                            self.logprobs.push((list, Entries::default()));
                            self.logprobs.len() - 1
                        }
                    };
                    let Some((_, entries)) = self.logprobs.get_mut(at) else { continue };
                    path.word(list);
                    entries.take(std::mem::take(items), path, rewrite)?;
                    path.pop();
                    let released = entries.released();
                    if !released.is_empty() {
                        out.push((list, released));
                    }
                }
            }
            other => Walker::at(rewrite, path.clone()).value(other, Channel::Model, Kind::Text),
        }
        path.pop();
        Ok(out)
    }

    /// Ends every lane: what was held back, as a delta and as entries.
    fn rest(&mut self, path: &mut Path, shared: &mut Shared<'_>) -> Result<(Object, Lists), Stop> {
        let mut out = Object::new();
        path.word("message");
        for (field, lane) in &mut self.said {
            let mut text = String::new();
            path.member(0, field);
            lane.finish(&*path, shared, &mut text)?;
            path.pop();
            if !text.is_empty() {
                out.insert(field.as_str(), text);
            }
        }
        path.word("tool_calls");
        let mut calls = Vec::new();
        for (index, call) in &mut self.calls {
            path.item(usize::try_from(*index).unwrap_or(usize::MAX));
            calls.extend(call.finish_item(*index, path, shared)?);
            path.pop();
        }
        path.pop();
        if !calls.is_empty() {
            out.insert("tool_calls", calls);
        }
        if let Some(call) = &mut self.function_call {
            path.word("function_call");
            if let Some(function) = call.finish_function(path, shared)? {
                out.insert("function_call", function);
            }
            path.pop();
        }
        let mut audio = Object::new();
        let mut changed = false;
        if let Some(lane) = &mut self.transcript {
            let mut text = String::new();
            path.word("audio").word("transcript");
            lane.finish(&*path, shared, &mut text)?;
            path.pop();
            path.pop();
            changed = lane.changed();
            if !text.is_empty() {
                audio.insert("transcript", text);
            }
        }
        changed |= self.said.iter().any(|(_, lane)| lane.changed());
        if let Some(encoding) = &mut self.encoding {
            path.word("audio").word("data");
            encoding.finish(path, shared)?;
            path.pop();
            path.pop();
            changed |= encoding.is_cut(&(0..usize::MAX));
        }
        let sound = std::mem::take(&mut self.sound);
        if !changed && !sound.is_empty() {
            // Pieces of one base64 text; joined in order they stay what they were.
            audio.insert("data", sound.concat());
        }
        if !audio.is_empty() {
            out.insert("audio", audio);
        }
        for (_, unknown) in &mut self.unknown {
            unknown.finish(path, shared)?;
            if let Some(value) = unknown.released(shared) {
                out.insert(unknown.name(), value);
            }
        }
        path.pop();
        let mut entries = Vec::new();
        path.word("logprobs");
        for (list, held) in &mut self.logprobs {
            path.word(list);
            let last = held.finish(path, shared)?;
            path.pop();
            if !last.is_empty() {
                entries.push((*list, last));
            }
        }
        path.pop();
        Ok((out, entries))
    }
}

fn path_of(index: u64) -> Path {
    let mut path = Path::default();
    path.word("choices").item(usize::try_from(index).unwrap_or(usize::MAX));
    path
}

fn part(index: u64, delta: Object, entries: Option<Lists>, finish_reason: Value) -> Value {
    let mut choice: Object = [("index", Value::from(index)), ("delta", delta.into())].into_iter().collect();
    if let Some(entries) = entries.filter(|entries| !entries.is_empty()) {
        let lists: Object = entries.into_iter().map(|(list, entries)| (list, Value::from(entries))).collect();
        choice.insert("logprobs", lists);
    }
    choice.insert("finish_reason", finish_reason);
    choice.into()
}

fn put_entries(choice: &mut Object, lists: Lists) {
    if let Some(Value::Object(object)) = choice.get_mut("logprobs") {
        for (list, entries) in lists {
            object.insert(list, entries);
        }
    }
}

/// Puts the end of every text behind its beginning.
fn merge(into: &mut Object, from: Object) {
    let Value::Object(mut from) = Value::Object(from) else { return };
    for (key, value) in from.iter_mut() {
        let value = std::mem::replace(value, Value::Null);
        match (into.get_mut(key), value) {
            (Some(Value::String(text)), Value::String(more)) => text.push_str(&more),
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (Some(Value::Object(object)), Value::Object(more)) => merge(object, more),
            (_, value) => into.insert(key, value),
        }
    }
}
