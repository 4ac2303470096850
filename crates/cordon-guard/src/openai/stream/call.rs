use cordon_core::{
    Channel,
    json::{Object, Value},
};

use crate::{
    inspection::{Place, Seat, Stop},
    lane::{Lane, Shared},
    tree::{
        gate::{Halt, StreamError},
        rewrite::Rewrite,
        walk::{Kind, Path, Walker},
    },
};

/// A tool call that comes in pieces. Its head (id, type, name) goes on in one chunk, once the name is complete: callers
/// expect the name where the call begins.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// The members of the call, while the name is not complete.
    head: Object,
    name: String,
    named: bool,
    /// Whether it is a custom tool's, whose input is a text.
    custom: bool,
    lane: Option<Lane>,
}

impl Call {
    /// Bytes of the arguments that came and are not written yet.
    pub(super) fn held(&self) -> usize {
        self.lane.as_ref().map_or(0, Lane::held)
    }

    /// An item of `tool_calls`.
    pub(super) fn item(
        &mut self,
        index: u64,
        mut item: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<Option<Value>, Halt> {
        let function = item.remove("function").map(|function| (false, function));
        let called = function.or_else(|| item.remove("custom").map(|custom| (true, custom)));
        let mut rest = Value::Object(item);
        Walker::at(rewrite, path.clone()).tool_call(&mut rest);
        let mut item = match rest {
            Value::Object(item) => item,
            _ => Object::new(),
        };
        let called = match called {
            Some((custom, Value::Object(called))) => {
                self.custom = custom;
                path.word(self.field());
                let called = self.pieces(called, path, rewrite)?;
                path.pop();
                Some(called)
            }
            Some((_, Value::Null)) | None => None,
            Some(_) => return Err(StreamError::NotAChunk.into()),
        };
        if !self.named {
            for (key, value) in item.iter_mut() {
                self.head.insert(key, std::mem::replace(value, Value::Null));
            }
            return Ok(None);
        }
        let mut out = std::mem::take(&mut self.head);
        let mut says = !out.is_empty();
        for (key, value) in item.iter_mut() {
            says |= key != "index";
            out.insert(key, std::mem::replace(value, Value::Null));
        }
        out.insert("index", index);
        if let Some(called) = called.filter(|called| !called.is_empty()) {
            says = true;
            out.insert(self.field(), called);
        }
        Ok(says.then(|| out.into()))
    }

    /// The value of `function_call`.
    pub(super) fn function(
        &mut self,
        function: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<Option<Value>, Halt> {
        let called = self.pieces(function, path, rewrite)?;
        Ok((self.named && !called.is_empty()).then(|| called.into()))
    }

    /// What is left of an item when the answer ends.
    pub(super) fn finish_item(
        &mut self,
        index: u64,
        path: &mut Path,
        shared: &mut Shared<'_>,
    ) -> Result<Option<Value>, Stop> {
        path.word(self.field());
        let called = self.rest(path, shared)?;
        path.pop();
        let mut out = std::mem::take(&mut self.head);
        if out.is_empty() && called.is_empty() {
            return Ok(None);
        }
        out.insert("index", index);
        if !called.is_empty() {
            out.insert(self.field(), called);
        }
        Ok(Some(out.into()))
    }

    /// What is left of a `function_call` when the answer ends.
    pub(super) fn finish_function(
        &mut self,
        path: &mut Path,
        shared: &mut Shared<'_>,
    ) -> Result<Option<Value>, Stop> {
        let called = self.rest(path, shared)?;
        Ok((!called.is_empty()).then(|| called.into()))
    }

    const fn field(&self) -> &'static str {
        if self.custom { "custom" } else { "function" }
    }

    const fn text_field(&self) -> &'static str {
        if self.custom { "input" } else { "arguments" }
    }

    /// Takes the members of a function: what may go on of them, with the name where it is complete now.
    fn pieces(
        &mut self,
        mut function: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<Object, Halt> {
        let name = function.remove("name");
        let text = function.remove(self.text_field());
        let mut rest = Value::Object(function);
        Walker::at(rewrite, path.clone()).value(&mut rest, Channel::Model, Kind::Text);
        let mut out = match rest {
            Value::Object(rest) => rest,
            _ => Object::new(),
        };
        let piece = match &text {
            Some(Value::String(text)) => text.as_str(),
            None | Some(Value::Null) => "",
            Some(_) => return Err(StreamError::NotAChunk.into()),
        };
        match name {
            Some(Value::String(more)) if self.named => {
                // A repeated name was inspected; a longer one is inspected as a whole.
                if more != self.name && !more.is_empty() {
                    self.name.push_str(&more);
                    self.check_name(path, &mut rewrite.shared)?;
                }
                out.insert("name", more);
            }
            Some(Value::String(more)) => self.name.push_str(&more),
            _ => {}
        }
        if !self.named {
            for (key, value) in out.iter_mut() {
                let value = std::mem::replace(value, Value::Null);
                match self.head.get_mut(self.field()) {
                    Some(Value::Object(head)) => head.insert(key, value),
                    _ => {
                        let head: Object = [(key, value)].into_iter().collect();
                        self.head.insert(self.field(), head);
                    }
                }
            }
            if piece.is_empty() {
                return Ok(Object::new());
            }
            out = self.complete(path, &mut rewrite.shared)?;
        }
        let mut released = String::with_capacity(piece.len());
        if !piece.is_empty() {
            let custom = self.custom;
            let lane = self.lane.get_or_insert_with(|| {
                let inspection = rewrite.shared.inspection;
                if custom {
                    Lane::plain(inspection, Channel::Model)
                } else {
                    Lane::json(inspection, Channel::Model)
                }
            });
            path.word(if custom { "input" } else { "arguments" });
            lane.push(piece, &*path, &mut rewrite.shared, &mut released)?;
            path.pop();
        }
        if !released.is_empty() || out.get("name").is_some() || text.is_some() && piece.is_empty() {
            out.insert(self.text_field(), released);
        }
        Ok(out)
    }

    /// The name is complete: it is inspected, and goes on with what waited for it.
    fn complete(&mut self, path: &mut Path, shared: &mut Shared<'_>) -> Result<Object, Stop> {
        self.named = true;
        self.check_name(path, shared)?;
        let mut out = match self.head.remove(self.field()) {
            Some(Value::Object(waiting)) => waiting,
            _ => Object::new(),
        };
        out.insert("name", self.name.as_str());
        Ok(out)
    }

    fn check_name(&self, path: &mut Path, shared: &mut Shared<'_>) -> Result<(), Stop> {
        let findings = shared.inspection.inspect(Channel::Model, &self.name);
        path.word("name");
        let seat = Seat { channel: Channel::Model, place: Place::Fixed, part: &*path };
        let result = shared.inspection.rule(&seat, &findings, |span| span, shared.verdict, &mut Vec::new());
        path.pop();
        result
    }

    fn rest(&mut self, path: &mut Path, shared: &mut Shared<'_>) -> Result<Object, Stop> {
        let mut out = Object::new();
        let waits = !(self.name.is_empty() && self.head.is_empty());
        if waits && !self.named {
            out = self.complete(path, shared)?;
            out.insert(self.text_field(), "");
        }
        if let Some(lane) = &mut self.lane {
            let mut released = String::new();
            path.word(if self.custom { "input" } else { "arguments" });
            lane.finish(&*path, shared, &mut released)?;
            path.pop();
            if !released.is_empty() {
                out.insert(self.text_field(), released);
            }
        }
        Ok(out)
    }
}
