use std::borrow::Cow;

use cordon_core::{
    Channel,
    json::{Object, Value},
};

use super::{
    Writer, index, join,
    text::{CONTENT, Found, List, Piece, SUMMARY, Text, take, take_all},
    write_event,
};
use crate::{
    responses::response::{MAX_ITEMS, whole, whole_part},
    tree::{
        gate::{Halt, StreamError},
        rewrite::Rewrite,
        walk::{Kind, Path, Walker},
    },
};

/// What an event says of an item.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The item begins.
    Begin,
    /// A piece of a text.
    Delta(&'static Piece),
    /// The item ends.
    Done,
    /// A part begins.
    PartBegin(&'static List),
    /// A part ends.
    PartDone(&'static List),
    /// A text ends.
    TextDone(&'static Piece),
}

impl Step {
    /// What an event of this kind says, if it says anything that is known here.
    pub(super) fn of(kind: &str) -> Option<Self> {
        match kind {
            "response.output_item.added" => Some(Self::Begin),
            "response.output_item.done" => Some(Self::Done),
            "response.content_part.added" => Some(Self::PartBegin(&CONTENT)),
            "response.content_part.done" => Some(Self::PartDone(&CONTENT)),
            "response.reasoning_summary_part.added" => Some(Self::PartBegin(&SUMMARY)),
            "response.reasoning_summary_part.done" => Some(Self::PartDone(&SUMMARY)),
            kind => match (kind.strip_suffix(".delta"), kind.strip_suffix(".done")) {
                (Some(stem), _) => Piece::of_events(stem).map(Self::Delta),
                (None, Some(stem)) => Piece::of_events(stem).map(Self::TextDone),
                (None, None) => None,
            },
        }
    }
}

impl List {
    /// What the names of the events of its parts begin with.
    fn stem(&self) -> &'static str {
        if *self == SUMMARY { "response.reasoning_summary_part" } else { "response.content_part" }
    }
}

/// An item of output that comes in pieces.
#[derive(Debug)]
pub(super) struct Item {
    name: Name,
    /// As it began, with the parts that began since, and without its texts.
    begun: Value,
    texts: Vec<Text>,
    /// As it ended.
    done: Option<Value>,
}

/// The item's id, as it came and as callers are told.
#[derive(Debug)]
struct Name {
    came: Option<String>,
    told: Option<String>,
}

impl Name {
    /// The id that an event names. It is the item's, which was inspected; any other is inspected too.
    fn of(&self, event: &mut Object, path: &Path, rewrite: &mut Rewrite<'_>) -> Option<Cow<'_, str>> {
        match event.remove("item_id") {
            Some(Value::String(id)) if self.came.as_ref() == Some(&id) => {
                self.told.as_deref().map(Cow::Borrowed)
            }
            Some(mut id @ Value::String(_)) => {
                Walker::at(rewrite, path.clone()).value(&mut id, Channel::Model, Kind::Id);
                id.as_str().map(|id| Cow::Owned(id.to_owned()))
            }
            _ => None,
        }
    }
}

impl Item {
    /// Bytes that came and are not written yet.
    pub(super) fn held(&self) -> usize {
        self.texts.iter().map(Text::held).sum()
    }

    /// Begins with an item as it stands when it begins.
    pub(super) fn begin(
        mut event: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<Self, Halt> {
        let Some(mut item @ Value::Object(_)) = event.remove("item") else {
            return Err(StreamError::NotAChunk.into());
        };
        let id = |item: &Value| item.get("id").and_then(Value::as_str).map(str::to_owned);
        let came = id(&item);
        // A text that it begins with is the beginning of the text that follows in pieces.
        let first = take_all(&mut item);
        whole(&mut item, path, rewrite);
        rewrite.check()?;
        let name = Name { came, told: id(&item) };
        writer.value("response.output_item.added", "item", &item, Object::new(), event, path, rewrite);
        let mut begun = Self { name, begun: item, texts: Vec::new(), done: None };
        begun.begin_texts(first, path, rewrite, writer)?;
        Ok(begun)
    }

    /// Takes a piece of a text; gives what is beside it in its event, with the members by which an event of its own says what it
    /// belongs to.
    pub(super) fn delta(
        &mut self,
        piece: &'static Piece,
        mut event: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<Option<(Object, Object)>, Halt> {
        let at = place(piece.list, &mut event)?;
        let Some(Value::String(delta)) = event.remove("delta") else {
            return Err(StreamError::NotAChunk.into());
        };
        let entries = match event.remove("logprobs") {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        };
        let id = self.name.of(&mut event, path, rewrite);
        let text = text_at(&mut self.texts, piece, at, rewrite)?;
        text.push(&delta, entries, id.as_deref(), path, rewrite, writer)?;
        if event.is_empty() {
            return Ok(None);
        }
        let mut rest = Value::Object(event);
        Walker::at(rewrite, path.clone()).value(&mut rest, Channel::Model, Kind::Text);
        let mut beside = Object::new();
        join(&mut beside, rest);
        let mut places = writer.places(id.as_deref(), piece.list, at);
        // Readers expect the text of a piece; it went before.
        places.insert("delta", "");
        Ok(Some((places, beside)))
    }

    /// Takes an event by which something begins or ends, but for the item's begin.
    pub(super) fn step(
        &mut self,
        step: Step,
        mut event: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        match step {
            Step::Begin | Step::Delta(_) => Err(StreamError::NotAChunk.into()),
            Step::Done => {
                let Some(item @ Value::Object(_)) = event.remove("item") else {
                    return Err(StreamError::NotAChunk.into());
                };
                let item = self.copy(item, path, rewrite, writer)?;
                writer.value("response.output_item.done", "item", &item, Object::new(), event, path, rewrite);
                self.done = Some(item);
                Ok(())
            }
            Step::PartBegin(list) => self.part_begins(list, event, path, rewrite, writer),
            Step::PartDone(list) => self.part_ends(list, event, path, rewrite, writer),
            Step::TextDone(piece) => self.text_ends(piece, event, path, rewrite, writer),
        }
    }

    /// The item in the response that ends: as it ended, or else what the response has of it.
    pub(super) fn last(
        &mut self,
        copy: Option<Value>,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<Value, Halt> {
        match (self.done.take(), copy) {
            (Some(done), _) => Ok(done),
            (None, Some(copy @ Value::Object(_))) => self.copy(copy, path, rewrite, writer),
            (None, _) => {
                let begun = self.begun.clone();
                self.copy(begun, path, rewrite, writer)
            }
        }
    }

    /// Ends it where its content was stopped; gives it as far as it was let go.
    pub(super) fn cut(&mut self, writer: &mut Writer<'_>) -> Value {
        if let Some(done) = self.done.take() {
            return done;
        }
        let id = self.name.told.as_deref();
        let mut item = std::mem::replace(&mut self.begun, Value::Null);
        if let Some(item) = item.as_object_mut() {
            self.texts.iter().for_each(|text| text.put_into(item));
            item.insert("status", "incomplete");
        }
        for text in self.texts.iter().filter(|text| !text.ended()) {
            text.write_done(id, Object::new(), writer);
            if let Some(list) = text.piece.list {
                let mut members = writer.places(id, Some(list), text.at);
                let part = match item.get(list.name) {
                    Some(Value::Array(parts)) => parts.get(text.at).cloned(),
                    _ => None,
                };
                members.insert("part", part.unwrap_or(Value::Null));
                writer.event(&format!("{}.done", list.stem()), members);
            }
        }
        let mut members = writer.places(None, None, 0);
        members.insert("item", item.clone());
        writer.event("response.output_item.done", members);
        item
    }

    fn part_begins(
        &mut self,
        list: &'static List,
        mut event: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        let at = place(Some(list), &mut event)?;
        let mut part = part(&mut event)?;
        let first = part.as_object_mut().and_then(|part| take(part, Some(list), at));
        whole_part(&mut part, list.name, at, path, rewrite);
        rewrite.check()?;
        let id = self.name.of(&mut event, path, rewrite);
        let places = writer.places(id.as_deref(), Some(list), at);
        let kind = format!("{}.added", list.stem());
        writer.value(&kind, "part", &part, places, event, path, rewrite);
        if let Some(item) = self.begun.as_object_mut() {
            match item.get_mut(list.name) {
                Some(Value::Array(parts)) if parts.len() == at => parts.push(part),
                Some(Value::Array(parts)) => {
                    if let Some(known) = parts.get_mut(at) {
                        *known = part;
                    }
                }
                _ if at == 0 => item.insert(list.name, vec![part]),
                _ => {}
            }
        }
        self.begin_texts(first.into_iter().collect(), path, rewrite, writer)
    }

    fn part_ends(
        &mut self,
        list: &'static List,
        mut event: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        let at = place(Some(list), &mut event)?;
        let mut part = part(&mut event)?;
        let id = self.name.of(&mut event, path, rewrite).map(Cow::into_owned);
        for text in self.texts.iter_mut().filter(|text| text.is_at(Some(list), at)) {
            text.end(id.as_deref(), path, &mut rewrite.shared, writer)?;
        }
        if let Some(found) = part.as_object_mut().and_then(|part| take(part, Some(list), at)) {
            self.settle(found, path, rewrite)?;
        }
        whole_part(&mut part, list.name, at, path, rewrite);
        rewrite.check()?;
        if let Some(part) = part.as_object_mut() {
            let texts = self.texts.iter().filter(|text| text.is_at(Some(list), at));
            texts.for_each(|text| text.put(part));
        }
        let places = writer.places(id.as_deref(), Some(list), at);
        writer.value(&format!("{}.done", list.stem()), "part", &part, places, event, path, rewrite);
        Ok(())
    }

    fn text_ends(
        &mut self,
        piece: &'static Piece,
        mut event: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        let at = place(piece.list, &mut event)?;
        let Some(Value::String(text)) = event.remove(piece.member) else {
            return Err(StreamError::NotAChunk.into());
        };
        let probabilities = match event.remove("logprobs") {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        };
        let id = self.name.of(&mut event, path, rewrite).map(Cow::into_owned);
        if let Some(text) = find(&mut self.texts, piece, at) {
            text.end(id.as_deref(), path, &mut rewrite.shared, writer)?;
        }
        self.settle(Found { piece, at, text, probabilities }, path, rewrite)?;
        Walker::at(rewrite, path.clone()).but_for(&mut event, &[], Channel::Model, Kind::Text);
        if let Some(text) = find(&mut self.texts, piece, at) {
            text.write_done(id.as_deref(), event, writer);
        }
        Ok(())
    }

    /// A copy of the item, in which every text is what was let go of it.
    fn copy(
        &mut self,
        mut item: Value,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<Value, Halt> {
        let id = self.name.told.as_deref();
        for text in &mut self.texts {
            text.end(id, path, &mut rewrite.shared, writer)?;
        }
        for found in take_all(&mut item) {
            self.settle(found, path, rewrite)?;
        }
        whole(&mut item, path, rewrite);
        rewrite.check()?;
        if let Some(item) = item.as_object_mut() {
            self.texts.iter().for_each(|text| text.put_into(item));
        }
        Ok(item)
    }

    /// Takes a text that is said whole: one of which no piece came is what it is there.
    fn settle(&mut self, found: Found, path: &mut Path, rewrite: &mut Rewrite<'_>) -> Result<(), Halt> {
        let Found { piece, at, text: whole, probabilities } = found;
        if find(&mut self.texts, piece, at).is_none() {
            text_at(&mut self.texts, piece, at, rewrite)?.whole(&whole, path, rewrite)?;
        }
        if let Some(text) = find(&mut self.texts, piece, at) {
            text.spell(probabilities, path, rewrite)?;
        }
        Ok(())
    }

    fn begin_texts(
        &mut self,
        found: Vec<Found>,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        let id = self.name.told.as_deref();
        for Found { piece, at, text, probabilities } in
            found.into_iter().filter(|found| !found.text.is_empty())
        {
            let known = text_at(&mut self.texts, piece, at, rewrite)?;
            known.push(&text, probabilities, id, path, rewrite, writer)?;
        }
        Ok(())
    }
}

impl Writer<'_> {
    pub(super) fn event(&mut self, kind: &str, members: Object) {
        write_event(kind, members, self.sequence, self.out);
    }

    /// The members by which an event says what it belongs to.
    pub(super) fn places(&self, id: Option<&str>, list: Option<&List>, at: usize) -> Object {
        let number = |number: usize| Value::from(u64::try_from(number).unwrap_or(u64::MAX));
        let id = id.map(|id| ("item_id", Value::from(id)));
        let part = list.map(|list| (list.index, number(at)));
        id.into_iter().chain([("output_index", number(self.index))]).chain(part).collect()
    }

    /// An event about a value; `rest` are other members of the event, which mean nothing here.
    #[expect(
        clippy::too_many_arguments,
        reason = "an event is its name, its place and its content, read along its path"
    )]
    fn value(
        &mut self,
        kind: &str,
        member: &'static str,
        value: &Value,
        places: Object,
        mut rest: Object,
        path: &Path,
        rewrite: &mut Rewrite<'_>,
    ) {
        let mut members = if places.is_empty() { self.places(None, None, 0) } else { places };
        members.insert(member, value.clone());
        Walker::at(rewrite, path.clone()).but_for(&mut rest, &[], Channel::Model, Kind::Text);
        join(&mut members, rest.into());
        self.event(kind, members);
    }
}

/// The text of this kind at this place.
fn find<'a>(texts: &'a mut [Text], piece: &Piece, at: usize) -> Option<&'a mut Text> {
    texts.iter_mut().find(|text| text.is_at(piece.list, at) && text.piece.member == piece.member)
}

/// The same, from now on where it is new.
fn text_at<'a>(
    texts: &'a mut Vec<Text>,
    piece: &'static Piece,
    at: usize,
    rewrite: &Rewrite<'_>,
) -> Result<&'a mut Text, StreamError> {
    if find(texts, piece, at).is_none() {
        if texts.len() >= MAX_ITEMS {
            return Err(StreamError::TooMany);
        }
        texts.push(Text::new(piece, at, rewrite.shared.inspection));
    }
    find(texts, piece, at).ok_or(StreamError::TooMany)
}

/// The place in a list that an event names; an item itself has none.
fn place(list: Option<&List>, event: &mut Object) -> Result<usize, StreamError> {
    list.map_or(Ok(0), |list| index(event, list.index))
}

fn part(event: &mut Object) -> Result<Value, StreamError> {
    match event.remove("part") {
        Some(part @ Value::Object(_)) => Ok(part),
        _ => Err(StreamError::NotAChunk),
    }
}
