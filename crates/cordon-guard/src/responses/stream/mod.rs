//! A streamed response: events in, events out, and nothing in them that was not settled.
//!
//! A service says each text many times: in pieces, whole when it ends, in its part, in its item, and in the response. Pieces go
//! through one lane for each text, and every later copy is written anew from what that lane has let go.

mod item;
mod stray;
mod text;

use std::collections::BTreeMap;

use cordon_core::{
    Channel, Refusal,
    json::{Object, Value},
    record,
    resource::RefusalStyle,
};

use super::{
    failure::{ended, error},
    response::{MAX_ITEMS, has_failed, note, note_output, path_of, usage, whole},
    walk,
};
use crate::{
    inspection::{Inspection, Verdict},
    lane::Shared,
    redact::Tokens,
    sse,
    tree::{
        gate::{Events, Gate, Halt, Progress, StreamError, StreamOptions},
        rewrite::Rewrite,
        said::Said,
        walk::{Kind, MEDIA, Path, Walker},
        words,
    },
};
use item::{Item, Step};
use stray::Strays;

/// Members by which an event says what it belongs to.
const PLACES: [&str; 7] = [
    "item_id",
    "output_index",
    "content_index",
    "summary_index",
    "annotation_index",
    "command_index",
    "partial_image_index",
];

/// Events whose content stands for itself, and is no piece of a text.
const ALONE: [&str; 2] =
    ["response.image_generation_call.partial_image", "response.output_text.annotation.added"];

/// A response's stream.
#[derive(Debug)]
pub struct ResponseGate {
    inspection: Inspection,
    tokens: Tokens,
    options: StreamOptions,
    verdict: Verdict,
    /// The response without its output, once it was named.
    envelope: Option<Envelope>,
    items: BTreeMap<usize, Item>,
    strays: Strays,
    /// The number of the next event. Events are held back, put together and added here, so that they are counted anew.
    sequence: u64,
    used: Option<record::Tokens>,
    said: Said,
    events: Events,
}

/// What several events repeat: as it came, and as it goes on.
#[derive(Debug)]
struct Envelope {
    came: Object,
    told: Object,
}

/// Writes the events of one item of output.
struct Writer<'a> {
    index: usize,
    sequence: &'a mut u64,
    out: &'a mut Vec<u8>,
}

impl Gate for ResponseGate {
    fn event(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        let mut fresh = Vec::with_capacity(data.len() + 64);
        let sequence = self.sequence;
        let result = self.take(data, &mut fresh);
        let result = self.events.settled(result, &self.verdict, fresh, out);
        if !matches!(result, Ok(Progress::Open | Progress::Done)) {
            self.sequence = sequence;
        }
        result
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if self.events.ended() {
            return Ok(Progress::Done);
        }
        self.events.took(Err(StreamError::Unfinished.into()))
    }

    /// An error event or, in the other style and for content, the end of every open text and item, and of a response that is
    /// incomplete because of `content_filter`.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        self.events.end();
        let content = self.verdict.refusal().is_some();
        let sequence = &mut self.sequence;
        match &self.envelope {
            Some(envelope) if content && self.options.refusal == RefusalStyle::ContentFilter => {
                let items = self.items.iter_mut();
                let output = items
                    .map(|(index, item)| item.cut(&mut Writer { index: *index, sequence, out }))
                    .collect();
                let response = ended(envelope.told.clone(), output);
                let members = [("response", response.into())].into_iter().collect();
                write_event("response.incomplete", members, sequence, out);
            }
            _ => error(refusal, &self.options.call, sequence, out),
        }
    }

    fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    fn verdict_mut(&mut self) -> &mut Verdict {
        &mut self.verdict
    }

    fn usage(&self) -> Option<record::Tokens> {
        self.used
    }

    fn said(&self) -> &Said {
        &self.said
    }
}

impl ResponseGate {
    /// A gate for one answer. `tokens` are those of the call's request.
    pub fn new(inspection: Inspection, tokens: Tokens, options: StreamOptions) -> Self {
        let events = Events::new(options.max_bytes);
        Self {
            inspection,
            tokens,
            options,
            verdict: Verdict::default(),
            envelope: None,
            items: BTreeMap::new(),
            strays: Strays::default(),
            sequence: 0,
            used: None,
            said: Said::default(),
            events,
        }
    }

    /// Bytes of texts and arguments that came and wait until nothing can be found in them any more.
    pub fn held(&self) -> usize {
        self.items.values().map(Item::held).sum()
    }

    fn take(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        self.events.count(data)?;
        let mut event = self.events.object(data)?;
        let kind = match event.remove("type") {
            Some(Value::String(kind)) => kind,
            _ => return Err(StreamError::NotAChunk.into()),
        };
        event.remove("sequence_number");
        // Noise by which a service hides how long its pieces are; these are other pieces.
        event.remove("obfuscation");
        match kind.as_str() {
            "error" => Err(StreamError::Upstream.into()),
            "response.created" | "response.in_progress" | "response.queued" => {
                self.progress(&kind, event, out)
            }
            "response.completed" | "response.failed" | "response.incomplete" => self.last(&kind, event, out),
            _ if self.envelope.is_none() => Err(StreamError::NotAChunk.into()),
            kind => match Step::of(kind) {
                Some(step) => self.item(step, event, out),
                None => self.unknown(kind, event, out),
            },
        }
    }

    fn progress(&mut self, kind: &str, mut event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        let mut response = response(&mut event)?;
        // What comes of the output comes in events of its own.
        if response.get("output").is_some() {
            response.insert("output", Value::Array(Vec::new()));
        }
        note(&mut self.said, &response);
        self.enveloped(&mut response)?;
        self.write_response(kind, response, event, out);
        Ok(Progress::Open)
    }

    fn last(&mut self, kind: &str, mut event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        let mut response = response(&mut event)?;
        if has_failed(&response) {
            return Err(StreamError::Upstream.into());
        }
        let came = match response.get_mut("output").map(|output| std::mem::replace(output, Value::Null)) {
            Some(Value::Array(came)) => came,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => return Err(StreamError::NotAChunk.into()),
        };
        self.used = response.get("usage").and_then(usage).or(self.used);
        note(&mut self.said, &response);
        let output = self.output(came, out)?;
        note_output(&mut self.said, &output);
        let mut shared = rewrite(&self.inspection, &self.tokens, &mut self.verdict).shared;
        self.strays.finish(&mut shared, &mut self.sequence, out)?;
        self.enveloped(&mut response)?;
        response.insert("output", output);
        self.write_response(kind, response, event, out);
        Ok(Progress::Done)
    }

    /// The output of a response that ends: every item as it was let go, and what came in no event of its own.
    fn output(&mut self, came: Vec<Value>, out: &mut Vec<u8>) -> Result<Vec<Value>, Halt> {
        let most = came.len().max(self.items.last_key_value().map_or(0, |(last, _)| last.saturating_add(1)));
        if most > MAX_ITEMS {
            return Err(StreamError::TooMany.into());
        }
        let mut came = came.into_iter();
        let mut output = Vec::with_capacity(most);
        for index in 0..most {
            let mut path = path_of(index);
            let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
            match (self.items.get_mut(&index), came.next()) {
                (Some(item), copy) => {
                    let mut writer = Writer { index, sequence: &mut self.sequence, out };
                    output.push(item.last(copy, &mut path, &mut rewrite, &mut writer)?);
                }
                (None, Some(mut item @ Value::Object(_))) => {
                    whole(&mut item, &mut path, &mut rewrite);
                    output.push(item);
                }
                (None, Some(_)) => return Err(StreamError::NotAChunk.into()),
                (None, None) => {}
            }
        }
        Ok(output)
    }

    /// An event of an item.
    fn item(&mut self, step: Step, mut event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        let index = index(&mut event, "output_index")?;
        let mut path = path_of(index);
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        let mut writer = Writer { index, sequence: &mut self.sequence, out };
        match (step, self.items.get_mut(&index)) {
            (Step::Begin, None) => {
                let item = Item::begin(event, &mut path, &mut rewrite, &mut writer)?;
                self.items.insert(index, item);
            }
            (Step::Delta(piece), Some(item)) => {
                let beside = item.delta(piece, event, &mut path, &mut rewrite, &mut writer)?;
                if let Some((places, rest)) = beside {
                    let kind = format!("{}.delta", piece.stem);
                    self.strays.take(
                        &kind,
                        places,
                        rest,
                        &path,
                        &mut rewrite.shared,
                        &mut self.sequence,
                        out,
                    )?;
                }
            }
            (Step::Begin | Step::Delta(_), _) | (_, None) => return Err(StreamError::NotAChunk.into()),
            (step, Some(item)) => item.step(step, event, &mut path, &mut rewrite, &mut writer)?,
        }
        Ok(Progress::Open)
    }

    /// An event that is not known here: as an unknown field of a choice.
    fn unknown(&mut self, kind: &str, mut event: Object, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        let mut path = Path::default();
        path.member(0, kind);
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        let mut name = Value::from(kind);
        Walker::at(&mut rewrite, path.clone()).value(&mut name, Channel::Model, Kind::Fixed);
        let mut places = Object::new();
        for place in PLACES {
            let Some(mut value) = event.remove(place) else { continue };
            let kind = if place == "item_id" { Kind::Id } else { Kind::Fixed };
            Walker::at(&mut rewrite, path.clone()).value(&mut value, Channel::Model, kind);
            places.insert(place, value);
        }
        if ALONE.contains(&kind) {
            let mut value = Value::Object(event);
            walk::item(&mut Walker::at(&mut rewrite, path), &mut value, Channel::Model);
            join(&mut places, value);
            write_event(kind, places, &mut self.sequence, out);
        } else if event.is_empty() {
            write_event(kind, places, &mut self.sequence, out);
        } else {
            if kind == "response.audio.delta" {
                let length = event.get("delta").and_then(Value::as_str).map_or(0, str::len);
                Walker::at(&mut rewrite, path.clone()).unseen(Channel::Model, MEDIA, length);
            }
            let mut value = Value::Object(event);
            Walker::at(&mut rewrite, path.clone()).value(&mut value, Channel::Model, Kind::Text);
            let mut rest = Object::new();
            join(&mut rest, value);
            self.strays.take(kind, places, rest, &path, &mut rewrite.shared, &mut self.sequence, out)?;
        }
        Ok(Progress::Open)
    }

    /// Inspects a response but for its output. What events repeat is inspected once.
    fn enveloped(&mut self, response: &mut Object) -> Result<(), Halt> {
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        match &self.envelope {
            None => {
                let came = response.clone();
                walk::envelope(&mut Walker::new(&mut rewrite), response, |_| false);
                rewrite.check()?;
                response.insert("model", self.options.route.as_str());
                self.envelope = Some(Envelope { came, told: response.clone() });
            }
            Some(Envelope { came, told }) => {
                let repeated = response.iter().filter(|(key, value)| came.get(key) == Some(value));
                let repeated: Vec<&str> = repeated.filter_map(|(key, _)| words::known(key)).collect();
                walk::envelope(&mut Walker::new(&mut rewrite), response, |key| repeated.contains(&key));
                for key in repeated {
                    if let Some(value) = told.get(key) {
                        response.insert(key, value.clone());
                    }
                }
                response.insert("model", self.options.route.as_str());
            }
        }
        Ok(())
    }

    fn write_response(&mut self, kind: &str, response: Object, mut event: Object, out: &mut Vec<u8>) {
        let mut rewrite = rewrite(&self.inspection, &self.tokens, &mut self.verdict);
        Walker::new(&mut rewrite).but_for(&mut event, &[], Channel::Model, Kind::Text);
        event.insert("response", response);
        write_event(kind, event, &mut self.sequence, out);
    }
}

fn rewrite<'a>(inspection: &'a Inspection, tokens: &'a Tokens, verdict: &'a mut Verdict) -> Rewrite<'a> {
    Rewrite { shared: Shared { inspection, tokens, verdict }, changed: false }
}

fn response(event: &mut Object) -> Result<Object, StreamError> {
    match event.remove("response") {
        Some(Value::Object(response)) => Ok(response),
        _ => Err(StreamError::NotAChunk),
    }
}

/// The place that an event names.
fn index(event: &mut Object, member: &str) -> Result<usize, StreamError> {
    let index = event.remove(member).as_ref().and_then(Value::as_u64).ok_or(StreamError::NotAChunk)?;
    usize::try_from(index).ok().filter(|index| *index < MAX_ITEMS).ok_or(StreamError::TooMany)
}

/// Adds the members of a value that is an object.
fn join(object: &mut Object, mut value: Value) {
    let members = value.as_object_mut().into_iter().flat_map(Object::iter_mut);
    for (key, value) in members {
        object.insert(key, std::mem::replace(value, Value::Null));
    }
}

/// Writes an event, whose name is also its `type`, with the next number.
pub(super) fn write_event(kind: &str, members: Object, sequence: &mut u64, out: &mut Vec<u8>) {
    let mut data: Object =
        [("type", Value::from(kind)), ("sequence_number", Value::from(*sequence))].into_iter().collect();
    *sequence = sequence.saturating_add(1);
    join(&mut data, members.into());
    sse::write_event(out, kind, &Value::Object(data).to_string());
}
