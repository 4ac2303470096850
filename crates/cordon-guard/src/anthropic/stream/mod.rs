//! A streamed message: events in, events out, and nothing in them that was not settled.

mod block;

use std::collections::BTreeMap;

use cordon_core::{
    Channel, Refusal,
    json::{Object, Value},
    record,
    resource::RefusalStyle,
};

use super::{
    failure::{error_event, refused, write},
    response::{MAX_BLOCKS, Used},
    walk,
};
use crate::{
    inspection::{Inspection, Verdict},
    lane::Shared,
    redact::Tokens,
    tree::{
        gate::{Events, Gate, Halt, Progress, StreamError, StreamOptions},
        rewrite::Rewrite,
        said::Said,
        unknown::Unknown,
        walk::{Kind, Path, Walker},
    },
};
use block::{Block, PIECE};

/// The most kinds of events that are not known here.
const MAX_KINDS: usize = 16;

/// A message's stream.
#[derive(Debug)]
pub struct MessageGate {
    inspection: Inspection,
    tokens: Tokens,
    options: StreamOptions,
    verdict: Verdict,
    blocks: BTreeMap<u64, Block>,
    unknown: Vec<(String, Unknown)>,
    /// `message_start` was seen.
    begun: bool,
    /// Why the message ended was said.
    finished: bool,
    used: Used,
    said: Said,
    events: Events,
}

impl Gate for MessageGate {
    fn event(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        let mut fresh = Vec::with_capacity(data.len() + 64);
        let result = self.take(data, &mut fresh);
        self.events.settled(result, &self.verdict, fresh, out)
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if self.events.ended() {
            return Ok(Progress::Done);
        }
        // The message has said why it ended: only its last event is missing.
        let mut fresh = Vec::new();
        let result = if self.finished { self.close(&mut fresh) } else { Err(StreamError::Unfinished.into()) };
        self.events.settled(result, &self.verdict, fresh, out)
    }

    /// An error event or, in the other style and for content, the end of every open block and of the message, with
    /// `stop_reason: refusal`.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        self.events.end();
        let content = self.verdict.refusal().is_some();
        if !(self.begun && content && self.options.refusal == RefusalStyle::ContentFilter) {
            return error_event(refusal, &self.options.call, out);
        }
        for (index, block) in &self.blocks {
            if block.is_open() {
                write("content_block_stop", index_of(*index), out);
            }
        }
        write("message_delta", refused(self.usage().map_or(0, |tokens| tokens.output)), out);
        write("message_stop", Object::new(), out);
    }

    fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    fn verdict_mut(&mut self) -> &mut Verdict {
        &mut self.verdict
    }

    fn usage(&self) -> Option<record::Tokens> {
        self.used.tokens()
    }

    fn said(&self) -> &Said {
        &self.said
    }
}

impl MessageGate {
    /// A gate for one answer. `tokens` are those of the call's request.
    pub fn new(inspection: Inspection, tokens: Tokens, options: StreamOptions) -> Self {
        let events = Events::new(options.max_bytes);
        Self {
            inspection,
            tokens,
            options,
            verdict: Verdict::default(),
            blocks: BTreeMap::new(),
            unknown: Vec::new(),
            begun: false,
            finished: false,
            used: Used::default(),
            said: Said::default(),
            events,
        }
    }

    /// Bytes of texts and inputs that came and wait until nothing can be found in them any more.
    pub fn held(&self) -> usize {
        self.blocks.values().map(Block::held).sum()
    }

    fn take(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        self.events.count(data)?;
        let mut event = self.events.object(data)?;
        let kind = match event.remove("type") {
            Some(Value::String(kind)) => kind,
            _ => return Err(StreamError::NotAChunk.into()),
        };
        match kind.as_str() {
            "error" => return Err(StreamError::Upstream.into()),
            "ping" => {}
            "message_start" if self.begun => return Err(StreamError::NotAChunk.into()),
            "message_start" => return self.start(event, out),
            _ if !self.begun => return Err(StreamError::NotAChunk.into()),
            "content_block_start" | PIECE | "content_block_stop" => {
                return self.block(&kind, event, out);
            }
            "message_delta" => return self.delta(event, out),
            "message_stop" => return self.stop(event, out),
            _ => return self.unknown(&kind, event, out),
        }
        self.rest(&mut event, &[], &mut Path::default());
        write(&kind, event, out);
        Ok(Progress::Open)
    }

    fn start(&mut self, mut event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        self.begun = true;
        let Some(Value::Object(mut message)) = event.remove("message") else {
            return Err(StreamError::NotAChunk.into());
        };
        self.said.note_model(message.get("model"));
        if let Some(usage) = message.get("usage") {
            self.used.note(usage);
        }
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        walk::envelope(&mut Walker::new(&mut rewrite), &mut message);
        // A message begins empty; what one begins with all the same is inspected as it stands.
        if let Some(content) = message.get_mut("content") {
            let mut path = Path::default();
            path.word("content");
            walk::content(&mut Walker::at(&mut rewrite, path), content, walk::Origin::Answer);
        }
        message.insert("model", self.options.route.as_str());
        self.rest(&mut event, &[], &mut Path::default());
        event.insert("message", message);
        write("message_start", event, out);
        Ok(Progress::Open)
    }

    fn block(&mut self, kind: &str, mut event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        let index = event.remove("index").as_ref().and_then(Value::as_u64).ok_or(StreamError::NotAChunk)?;
        let mut path = path_of(index);
        let member = if kind == "content_block_start" { "content_block" } else { "delta" };
        let value = event.remove(member);
        self.rest(&mut event, &[], &mut path);
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        let mut writer = block::Writer { index, out };
        match (kind, value, self.blocks.get_mut(&index)) {
            ("content_block_start", Some(Value::Object(value)), None) => {
                if self.blocks.len() >= MAX_BLOCKS {
                    return Err(StreamError::TooMany.into());
                }
                let block = Block::start(value, event, &mut path, &mut rewrite, &mut writer)?;
                self.blocks.insert(index, block);
            }
            (PIECE, Some(Value::Object(value)), Some(block)) => {
                let piece = block.delta(value, &mut path, &mut rewrite, &mut writer)?;
                if !event.is_empty() {
                    block.beside(event, piece, &path, &mut rewrite.shared, &mut writer)?;
                }
            }
            ("content_block_stop", None, Some(block)) => {
                block.finish(&mut path, &mut rewrite.shared, &mut writer)?;
                event.insert("index", index);
                write("content_block_stop", event, out);
            }
            _ => return Err(StreamError::NotAChunk.into()),
        }
        Ok(Progress::Open)
    }

    fn delta(&mut self, mut event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        if let Some(usage) = event.get("usage") {
            self.used.note(usage);
        }
        if let Some(reason) = event.get("delta").and_then(|delta| delta.get("stop_reason")) {
            self.finished |= !reason.is_null();
            self.said.note_finish(Some(reason));
        }
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        if let Some(Value::Object(delta)) = event.get_mut("delta") {
            walk::envelope(&mut Walker::new(&mut rewrite), delta);
            if delta.get("content").is_some() || delta.get("model").is_some() {
                return Err(StreamError::NotAChunk.into());
            }
        }
        let mut walker = Walker::new(&mut rewrite);
        walker.members(&mut event, Channel::Model, Kind::Text, |walker, key, value| match (key, &*value) {
            ("delta", Value::Object(_)) => {}
            ("usage", _) => walker.value(value, Channel::Model, Kind::Fixed),
            _ => walker.value(value, Channel::Model, Kind::Text),
        });
        write("message_delta", event, out);
        Ok(Progress::Open)
    }

    fn stop(&mut self, mut event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        self.rest(&mut event, &[], &mut Path::default());
        if !event.is_empty() {
            self.flush(out)?;
            write("message_stop", event, out);
            return Ok(Progress::Done);
        }
        self.close(out)
    }

    /// An event that is not known here: as an unknown field of a choice.
    fn unknown(&mut self, kind: &str, event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        let mut value = Value::Object(event);
        let mut path = Path::default();
        path.member(0, kind);
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        let mut name = Value::from(kind);
        Walker::at(&mut rewrite, path.clone()).value(&mut name, Channel::Model, Kind::Fixed);
        Walker::at(&mut rewrite, path.clone()).value(&mut value, Channel::Model, Kind::Text);
        let unknown = block::known_kind(&mut self.unknown, kind, MAX_KINDS)?;
        unknown.push(value, &path, &mut rewrite.shared)?;
        while let Some(Value::Object(members)) = unknown.released(&rewrite.shared) {
            write(kind, members, out);
        }
        Ok(Progress::Open)
    }

    fn close(&mut self, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        self.flush(out)?;
        write("message_stop", Object::new(), out);
        Ok(Progress::Done)
    }

    /// What is still held back when the message ends.
    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), Halt> {
        let mut shared = rewrite(&self.inspection, &self.tokens, &mut self.verdict).shared;
        for (index, block) in self.blocks.iter_mut().filter(|(_, block)| block.is_open()) {
            block.finish(&mut path_of(*index), &mut shared, &mut block::Writer { index: *index, out })?;
            write("content_block_stop", index_of(*index), out);
        }
        for (kind, unknown) in &mut self.unknown {
            let mut path = Path::default();
            path.member(0, kind);
            unknown.finish(&path, &mut shared)?;
            while let Some(Value::Object(members)) = unknown.released(&shared) {
                write(kind, members, out);
            }
        }
        Ok(())
    }

    /// Members of an event that mean nothing here.
    fn rest(&mut self, event: &mut Object, known: &[&str], path: &mut Path) {
        if event.is_empty() {
            return;
        }
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        Walker::at(&mut rewrite, path.clone()).but_for(event, known, Channel::Model, Kind::Text);
    }
}

fn rewrite<'a>(inspection: &'a Inspection, tokens: &'a Tokens, verdict: &'a mut Verdict) -> Rewrite<'a> {
    Rewrite { shared: Shared { inspection, tokens, verdict }, changed: false }
}

fn path_of(index: u64) -> Path {
    let mut path = Path::default();
    path.word("content").item(usize::try_from(index).unwrap_or(usize::MAX));
    path
}

fn index_of(index: u64) -> Object {
    [("index", Value::from(index))].into_iter().collect()
}
