use cordon_core::{
    Channel,
    json::{self, Object, Value},
};

use super::Writer;
use crate::{
    inspection::Inspection,
    lane::{Lane, Shared},
    tree::{
        gate::{Halt, StreamError},
        logprobs::{self, Entries},
        rewrite::Rewrite,
        walk::Path,
    },
};

/// A list of parts of an item: its name, and how events call a place in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) name: &'static str,
    pub(super) index: &'static str,
}

pub(super) const CONTENT: List = List { name: "content", index: "content_index" };
pub(super) const SUMMARY: List = List { name: "summary", index: "summary_index" };

/// A kind of text that comes in pieces.
#[derive(Debug)]
pub(super) struct Piece {
    /// What the names of its events begin with.
    pub(super) stem: &'static str,
    /// The `type` of the part, or of the item, that holds it, and the member that it is there.
    pub(super) holder: &'static str,
    pub(super) member: &'static str,
    /// The list in which the part stands; none for a text of the item itself.
    pub(super) list: Option<&'static List>,
    lane: fn(&Inspection, Channel) -> Lane,
}

/// Every kind of text.
static PIECES: [Piece; 8] = [
    Piece::of_part("response.output_text", "output_text", "text", &CONTENT),
    Piece::of_part("response.refusal", "refusal", "refusal", &CONTENT),
    Piece::of_part("response.reasoning_text", "reasoning_text", "text", &CONTENT),
    Piece::of_part("response.reasoning_summary_text", "summary_text", "text", &SUMMARY),
    Piece::of_item("response.function_call_arguments", "function_call", "arguments", Lane::json),
    Piece::of_item("response.mcp_call_arguments", "mcp_call", "arguments", Lane::json),
    Piece::of_item("response.custom_tool_call_input", "custom_tool_call", "input", Lane::plain),
    Piece::of_item("response.code_interpreter_call_code", "code_interpreter_call", "code", Lane::plain),
];

impl Piece {
    const fn of_part(
        stem: &'static str,
        holder: &'static str,
        member: &'static str,
        list: &'static List,
    ) -> Self {
        Self { stem, holder, member, list: Some(list), lane: Lane::restoring }
    }

    const fn of_item(
        stem: &'static str,
        holder: &'static str,
        member: &'static str,
        lane: fn(&Inspection, Channel) -> Lane,
    ) -> Self {
        Self { stem, holder, member, list: None, lane }
    }

    /// The kind of text whose events have names that begin like this.
    pub(super) fn of_events(stem: &str) -> Option<&'static Self> {
        PIECES.iter().find(|piece| piece.stem == stem)
    }

    /// The kinds of text of the parts of a list, or of items.
    fn of_holder(list: Option<&List>, holder: &str) -> Option<&'static Self> {
        PIECES.iter().find(|piece| piece.list == list && piece.holder == holder)
    }
}

/// A text as it stands in an object: what it is of and where, and the log probabilities beside it.
pub(super) struct Found {
    pub(super) piece: &'static Piece,
    pub(super) at: usize,
    pub(super) text: String,
    pub(super) probabilities: Vec<Value>,
}

/// Takes the text out of a part, or out of an item, and leaves an empty one.
pub(super) fn take(object: &mut Object, list: Option<&List>, at: usize) -> Option<Found> {
    let holder = object.get("type").and_then(Value::as_str)?;
    let piece = Piece::of_holder(list, holder)?;
    let text = match object.get_mut(piece.member) {
        Some(Value::String(text)) => std::mem::take(text),
        _ => return None,
    };
    let probabilities = match object.get_mut("logprobs") {
        Some(Value::Array(entries)) => std::mem::take(entries),
        _ => Vec::new(),
    };
    Some(Found { piece, at, text, probabilities })
}

/// Takes every text out of an item.
pub(super) fn take_all(item: &mut Value) -> Vec<Found> {
    let mut out = Vec::new();
    let Value::Object(item) = item else { return out };
    out.extend(take(item, None, 0));
    for list in [&CONTENT, &SUMMARY] {
        let Some(Value::Array(parts)) = item.get_mut(list.name) else { continue };
        let parts = parts.iter_mut().enumerate();
        out.extend(parts.filter_map(|(at, part)| take(part.as_object_mut()?, Some(list), at)));
    }
    out
}

/// A text of an item: what of it was let go.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) piece: &'static Piece,
    pub(super) at: usize,
    lane: Lane,
    told: String,
    ended: bool,
    entries: Entries,
    /// The log probabilities that were let go, where there are any.
    probabilities: Option<Vec<Value>>,
}

impl Text {
    pub(super) fn new(piece: &'static Piece, at: usize, inspection: &Inspection) -> Self {
        Self {
            piece,
            at,
            lane: (piece.lane)(inspection, Channel::Model),
            told: String::new(),
            ended: false,
            entries: Entries::default(),
            probabilities: None,
        }
    }

    /// Whether it stands there.
    pub(super) fn is_at(&self, list: Option<&List>, at: usize) -> bool {
        self.piece.list == list && self.at == at
    }

    pub(super) const fn ended(&self) -> bool {
        self.ended
    }

    /// Bytes that came and are not written yet.
    pub(super) fn held(&self) -> usize {
        if self.ended { 0 } else { self.lane.held() }
    }

    /// Takes a piece with its log probabilities, and writes what is settled as an event of the item with this id.
    pub(super) fn push(
        &mut self,
        text: &str,
        entries: Vec<Value>,
        id: Option<&str>,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        if self.ended {
            return if text.is_empty() { Ok(()) } else { Err(StreamError::AfterFinish.into()) };
        }
        let before = self.told.len();
        let depth = self.enter(path);
        let pushed = self.lane.push(text, &*path, &mut rewrite.shared, &mut self.told);
        let spelt = match pushed {
            Ok(()) if !entries.is_empty() => self.entries.take(entries, path, rewrite),
            pushed => pushed,
        };
        leave(path, depth);
        spelt.and_then(|()| rewrite.check())?;
        let released = self.entries.released();
        self.write(before, released, text.is_empty(), id, writer);
        Ok(())
    }

    /// Ends it: what was held back goes before whatever says that it has ended.
    pub(super) fn end(
        &mut self,
        id: Option<&str>,
        path: &mut Path,
        shared: &mut Shared<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        let before = self.told.len();
        let depth = self.enter(path);
        let ended = self.lane.finish(&*path, shared, &mut self.told);
        let ended = ended.and_then(|()| self.entries.finish(path, shared));
        leave(path, depth);
        self.write(before, ended?, false, id, writer);
        Ok(())
    }

    /// Takes the whole text as it stands in an object, of which no piece came, and says nothing of it.
    pub(super) fn whole(
        &mut self,
        text: &str,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<(), Halt> {
        self.ended = true;
        let depth = self.enter(path);
        let pushed = self.lane.push(text, &*path, &mut rewrite.shared, &mut self.told);
        let ended = pushed.and_then(|()| self.lane.finish(&*path, &mut rewrite.shared, &mut self.told));
        leave(path, depth);
        Ok(ended?)
    }

    /// Takes the log probabilities as they stand in an object, where none came with the pieces.
    pub(super) fn spell(
        &mut self,
        entries: Vec<Value>,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<(), Halt> {
        if entries.is_empty() || self.probabilities.is_some() {
            return Ok(());
        }
        let mut list = Value::Array(entries);
        let depth = self.enter(path);
        logprobs::list(&mut list, path, rewrite);
        leave(path, depth);
        rewrite.check()?;
        if let Value::Array(list) = list {
            self.probabilities = Some(list);
        }
        Ok(())
    }

    /// Puts what was let go into a copy of the part, or the item, that holds it.
    pub(super) fn put(&self, holder: &mut Object) {
        let member = self.piece.member;
        if holder.get(member).is_some_and(|value| value.as_str().is_some()) {
            holder.insert(member, self.told.as_str());
        }
        if let (Some(list), Some(probabilities)) = (holder.get_mut("logprobs"), &self.probabilities) {
            *list = probabilities.clone().into();
        }
    }

    /// Puts what was let go into a copy of the item.
    pub(super) fn put_into(&self, item: &mut Object) {
        match self.piece.list {
            None => self.put(item),
            Some(list) => {
                let part = match item.get_mut(list.name) {
                    Some(Value::Array(parts)) => parts.get_mut(self.at),
                    _ => None,
                };
                if let Some(part) = part.and_then(Value::as_object_mut) {
                    self.put(part);
                }
            }
        }
    }

    /// The event that says the text whole.
    pub(super) fn write_done(&self, id: Option<&str>, rest: Object, writer: &mut Writer<'_>) {
        let mut members = writer.places(id, self.piece.list, self.at);
        members.insert(self.piece.member, self.told.as_str());
        if self.spells() {
            members.insert("logprobs", self.probabilities.clone().unwrap_or_default());
        }
        super::join(&mut members, rest.into());
        writer.event(&format!("{}.done", self.piece.stem), members);
    }

    /// The event of what is behind `before`. It is most of a stream, and so written without a tree.
    fn write(
        &mut self,
        before: usize,
        entries: Vec<Value>,
        even_empty: bool,
        id: Option<&str>,
        writer: &mut Writer<'_>,
    ) {
        let text = self.told.get(before..).unwrap_or_default();
        if text.is_empty() && entries.is_empty() && !even_empty {
            return;
        }
        let Writer { index, sequence, out } = writer;
        let stem = self.piece.stem;
        for part in ["event: ", stem, ".delta\ndata: {\"type\":\"", stem, ".delta\",\"sequence_number\":"] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(sequence.to_string().as_bytes());
        **sequence = sequence.saturating_add(1);
        if let Some(id) = id {
            out.extend_from_slice(b",\"item_id\":");
            json::write_string(id, out);
        }
        out.extend_from_slice(b",\"output_index\":");
        out.extend_from_slice(index.to_string().as_bytes());
        if let Some(list) = self.piece.list {
            for part in [",\"", list.index, "\":", &self.at.to_string()] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        out.extend_from_slice(b",\"delta\":");
        json::write_string(text, out);
        if self.spells() {
            out.extend_from_slice(b",\"logprobs\":[");
            for (at, entry) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                entry.write(out);
            }
            out.push(b']');
        }
        out.extend_from_slice(b"}\n\n");
        if !entries.is_empty() {
            self.probabilities.get_or_insert_default().extend(entries);
        }
    }

    /// Whether its events have log probabilities.
    fn spells(&self) -> bool {
        self.piece.holder == "output_text"
    }

    /// Goes down to it from its item; the answer is how many steps that were.
    fn enter(&self, path: &mut Path) -> usize {
        if let Some(list) = self.piece.list {
            path.word(list.name).item(self.at);
        }
        path.word(self.piece.member);
        if self.piece.list.is_some() { 3 } else { 1 }
    }
}

fn leave(path: &mut Path, steps: usize) {
    (0..steps).for_each(|_| path.pop());
}
