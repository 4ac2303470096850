//! The texts of an answer that comes as a stream.

use std::collections::BTreeMap;

use cordon_core::json::{Object, Value};

use super::text::{
    Text, declines, does_otherwise, ended, is_of_tools, is_refusal, path_of_block, path_of_choice,
    path_of_part, path_of_reason, path_of_refusal, path_of_refused_part, text_of_block,
};
use super::window::Place;
use crate::{authority::Protocol, tree::walk::Path};

/// What has come of the texts of one answer.
#[derive(Debug)]
pub(super) struct Gathered {
    protocol: Protocol,
    /// By choice, block, or item and part.
    pieces: BTreeMap<(u64, u64), Piece>,
    /// Parts that were said otherwise in whole than in pieces: a reader may take either.
    others: Vec<((u64, u64), String)>,
    /// Characters of each text so far, and of the longest.
    counts: BTreeMap<u64, usize>,
    longest: usize,
    /// The texts to which the last event added, and how long they are since.
    touched: Vec<(Place, usize)>,
    otherwise: bool,
    /// Where the model says that it declines: of responses by item, of messages by none.
    declined: BTreeMap<u64, Path>,
    ended: bool,
}

/// A text that comes in pieces.
#[derive(Debug, Default)]
struct Piece {
    text: String,
    otherwise: bool,
    declined: bool,
}

impl Gathered {
    pub(super) const fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            pieces: BTreeMap::new(),
            others: Vec::new(),
            counts: BTreeMap::new(),
            longest: 0,
            touched: Vec::new(),
            otherwise: false,
            declined: BTreeMap::new(),
            ended: false,
        }
    }

    /// Whether its last event has come.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) const fn end(&mut self) {
        self.ended = true;
    }

    /// Characters of the longest text so far.
    pub(super) const fn characters(&self) -> usize {
        self.longest
    }

    /// The texts to which the last event added, and how long they are since.
    pub(super) fn touched(&self) -> &[(Place, usize)] {
        &self.touched
    }

    /// What has come of a text.
    pub(super) fn said_at(&self, place: Place) -> &str {
        self.pieces.get(&place).map_or("", |piece| piece.text.as_str())
    }

    /// Where a text stands.
    pub(super) fn path(&self, place: Place) -> Path {
        match self.protocol {
            Protocol::Chat => path_of_choice(place.0),
            Protocol::Messages => path_of_block(place.0),
            Protocol::Responses => path_of_part(place),
        }
    }

    /// Whether a part was said otherwise in whole than in pieces.
    pub(super) const fn has_others(&self) -> bool {
        !self.others.is_empty()
    }

    /// Takes an event.
    pub(super) fn event(&mut self, event: &Object) {
        self.touched.clear();
        match self.protocol {
            Protocol::Chat => self.chunk(event),
            Protocol::Messages => self.of_message(event),
            Protocol::Responses => self.of_response(event),
        }
    }

    fn add(&mut self, place: (u64, u64), said: &str) {
        let text = &mut self.pieces.entry(place).or_default().text;
        text.push_str(said);
        self.touched.push((place, text.len()));
        // All blocks of a message are one text.
        let text = if self.protocol == Protocol::Messages { 0 } else { place.0 };
        let count = self.counts.entry(text).or_default();
        *count = count.saturating_add(said.chars().count());
        self.longest = self.longest.max(*count);
    }

    /// Takes a part as it is said in whole, after its pieces or in place of them.
    fn whole(&mut self, place: (u64, u64), part: &Value) {
        match (part.get("type").and_then(Value::as_str), part.get("text").and_then(Value::as_str)) {
            (Some("output_text"), Some(said)) => self.said(place, said),
            (Some("refusal"), _) => self.refuses(place),
            _ => {}
        }
    }

    fn said(&mut self, place: (u64, u64), said: &str) {
        match self.pieces.get(&place) {
            Some(piece) if piece.text == said => {}
            Some(piece) if !piece.text.is_empty() => self.others.push((place, said.to_owned())),
            _ => self.add(place, said),
        }
    }

    /// Notes that a part of a response is a refusal.
    fn refuses(&mut self, place: (u64, u64)) {
        self.otherwise = true;
        self.declined.entry(place.0).or_insert_with(|| path_of_refused_part(place));
    }

    /// Takes an item of a response as it is said in whole.
    fn item(&mut self, at: u64, item: &Value) {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        self.otherwise |= kind.ends_with("_call");
        if kind == "message" {
            let parts = item.get("content").and_then(Value::as_array).unwrap_or_default();
            for (part, content) in (0_u64..).zip(parts) {
                self.whole((at, part), content);
            }
        }
    }

    fn chunk(&mut self, chunk: &Object) {
        for choice in chunk.get("choices").and_then(Value::as_array).unwrap_or_default() {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            for said in ["delta", "message"].into_iter().filter_map(|member| choice.get(member)) {
                let content = said.get("content");
                self.add((index, 0), content.and_then(Value::as_str).unwrap_or_default());
                for part in content.and_then(Value::as_array).unwrap_or_default() {
                    self.add((index, 0), part.get("text").and_then(Value::as_str).unwrap_or_default());
                }
                if does_otherwise(said)
                    && let Some(piece) = self.pieces.get_mut(&(index, 0))
                {
                    piece.otherwise = true;
                    piece.declined |= is_refusal(said);
                }
            }
        }
    }

    fn of_message(&mut self, event: &Object) {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message_start" => {
                let content = event.get("message").and_then(|message| message.get("content"));
                for (at, block) in (0_u64..).zip(content.and_then(Value::as_array).unwrap_or_default()) {
                    self.block(at, block);
                }
            }
            "content_block_start" => {
                if let Some(block) = event.get("content_block") {
                    self.block(index, block);
                }
            }
            "content_block_delta" => {
                let delta = event.get("delta");
                let is_text = delta.and_then(|delta| delta.get("type")?.as_str()) == Some("text_delta");
                if let Some(said) = delta.and_then(|delta| delta.get("text")?.as_str()).filter(|_| is_text) {
                    self.add((index, 0), said);
                }
            }
            "message_delta" if declines(event.get("delta").and_then(|delta| delta.get("stop_reason"))) => {
                self.declined.entry(0).or_insert_with(path_of_reason);
            }
            "message_stop" => self.ended = true,
            _ => {}
        }
    }

    fn block(&mut self, at: u64, block: &Value) {
        if let Some(said) = text_of_block(block) {
            self.add((at, 0), said);
        } else if is_of_tools(block) {
            self.otherwise = true;
        }
    }

    fn of_response(&mut self, event: &Object) {
        let number = |member: &str| event.get(member).and_then(Value::as_u64).unwrap_or(0);
        let place = (number("output_index"), number("content_index"));
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "response.output_text.delta" => {
                self.add(place, event.get("delta").and_then(Value::as_str).unwrap_or_default());
            }
            "response.output_text.done" => {
                if let Some(said) = event.get("text").and_then(Value::as_str) {
                    self.said(place, said);
                }
            }
            "response.refusal.delta" | "response.refusal.done" => self.refuses(place),
            "response.content_part.done" => {
                if let Some(part) = event.get("part") {
                    self.whole(place, part);
                }
            }
            "response.output_item.done" => {
                if let Some(item) = event.get("item") {
                    self.item(place.0, item);
                }
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.ended = true;
                let output = event.get("response").and_then(|response| response.get("output")?.as_array());
                for (at, item) in (0_u64..).zip(output.unwrap_or_default()) {
                    self.item(at, item);
                }
            }
            _ => {}
        }
    }

    /// The texts as far as they have come.
    pub(super) fn texts(&self) -> Vec<Text> {
        let of_parts = |parts: &mut dyn Iterator<Item = (&(u64, u64), &str)>| {
            let mut texts: BTreeMap<u64, Text> = BTreeMap::new();
            for (item, place) in &self.declined {
                texts.entry(*item).or_default().declines(place.clone());
            }
            for (place, said) in parts {
                texts.entry(place.0).or_default().push(path_of_part(*place), said);
            }
            texts.into_values().collect::<Vec<_>>()
        };
        match self.protocol {
            Protocol::Chat => {
                let texts = self.pieces.iter().map(|((choice, _), piece)| {
                    let mut text = Text::default();
                    text.push(path_of_choice(*choice), &piece.text);
                    if piece.otherwise {
                        text.does_otherwise();
                    }
                    if piece.declined {
                        text.declines(path_of_refusal(*choice));
                    }
                    text.ends();
                    text
                });
                texts.collect()
            }
            Protocol::Messages => {
                let mut text = Text::default();
                for ((block, _), piece) in &self.pieces {
                    text.push(path_of_block(*block), &piece.text);
                }
                if let Some(place) = self.declined.get(&0) {
                    text.declines(place.clone());
                }
                ended(vec![text], self.otherwise)
            }
            Protocol::Responses => {
                let pieces =
                    of_parts(&mut self.pieces.iter().map(|(place, piece)| (place, piece.text.as_str())));
                let mut texts = ended(pieces, self.otherwise);
                if !self.others.is_empty() {
                    let others =
                        of_parts(&mut self.others.iter().map(|(place, said)| (place, said.as_str())));
                    texts.extend(ended(others, self.otherwise));
                }
                texts
            }
        }
    }
}
