use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
};

use cordon_core::{Channel, json::Value};

use super::{
    gate::{Halt, StreamError},
    walk::Path,
};
use crate::{
    inspection::Stop,
    lane::{Shared, Trail},
    redact::Placeholders,
};

/// The most places inside an unknown field that are texts of their own.
const MAX_PLACES: usize = 64;

/// A text inside a value: of which trail, and where in it.
type Piece = (usize, Range<usize>);
/// Every text of a value.
type Pieces = Vec<Piece>;

/// A field of a delta that is not known here. Nobody can say whether callers read its values one by one or put them
/// together: each value was inspected alone before it comes here, and what stands at the same place in all of them is
/// inspected as one text. A value goes on when nothing can be found in it any more.
#[derive(Debug)]
pub(crate) struct Unknown {
    name: String,
    trails: Vec<Trail>,
    places: HashMap<String, usize>,
    waiting: VecDeque<(Value, Pieces)>,
}

impl Unknown {
    pub(crate) fn named(name: String) -> Self {
        Self { name, trails: Vec::new(), places: HashMap::new(), waiting: VecDeque::new() }
    }

    /// The key under which it goes on.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn push(
        &mut self,
        mut value: Value,
        path: &Path,
        shared: &mut Shared<'_>,
    ) -> Result<(), Halt> {
        let mut pieces = Vec::new();
        let mut place = String::new();
        self.collect(&mut value, &mut place, &mut pieces, path, shared)?;
        self.waiting.push_back((value, pieces));
        Ok(())
    }

    /// The values that may go on, put together where there are several: texts and lists one behind the other.
    pub(crate) fn released(&mut self, shared: &Shared<'_>) -> Option<Value> {
        let mut out: Option<Value> = None;
        while let Some((_, pieces)) = self.waiting.front() {
            let settled =
                |(at, piece): &Piece| self.trails.get(*at).is_none_or(|trail| trail.is_settled(piece));
            if !pieces.iter().all(settled) {
                break;
            }
            let Some((mut value, pieces)) = self.waiting.pop_front() else { break };
            let mut placeholders = Placeholders::of_answer(shared.inspection.key(), shared.tokens);
            rewrite(&mut value, &mut pieces.iter(), &self.trails, &mut placeholders);
            for (at, piece) in &pieces {
                if let Some(trail) = self.trails.get_mut(*at) {
                    trail.forget_before(piece);
                }
            }
            out = Some(match (out, value) {
                (Some(Value::String(mut text)), Value::String(more)) => {
                    text.push_str(&more);
                    Value::String(text)
                }
                (Some(Value::Array(mut items)), Value::Array(more)) => {
                    items.extend(more);
                    Value::Array(items)
                }
                // Two values that cannot be one: the second waits for the next chunk.
                (Some(first), second) => {
                    self.waiting.push_front((second, Vec::new()));
                    return Some(first);
                }
                (None, value) => value,
            });
        }
        out
    }

    /// Ends every text.
    pub(crate) fn finish(&mut self, path: &Path, shared: &mut Shared<'_>) -> Result<(), Stop> {
        self.trails.iter_mut().try_for_each(|trail| trail.finish(path, shared))
    }

    // Recursion is bounded by the depth of the tree.
    fn collect(
        &mut self,
        value: &mut Value,
        place: &mut String,
        pieces: &mut Pieces,
        path: &Path,
        shared: &mut Shared<'_>,
    ) -> Result<(), Halt> {
        let length = place.len();
        match value {
            Value::String(text) => {
                let at = match self.places.get(place.as_str()) {
                    Some(at) => *at,
                    None if self.trails.len() < MAX_PLACES => {
                        self.trails.push(Trail::new(shared, Channel::Model));
                        self.places.insert(place.clone(), self.trails.len() - 1);
                        self.trails.len() - 1
                    }
                    None => return Err(StreamError::TooMany.into()),
                };
                if let Some(trail) = self.trails.get_mut(at) {
                    pieces.push((at, trail.push(text, path, shared)?));
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    place.push_str(&format!("/{at}"));
                    self.collect(item, place, pieces, path, shared)?;
                    place.truncate(length);
                }
            }
            Value::Object(object) => {
                for (key, item) in object.iter_mut() {
                    place.push_str(&format!("/{}{key}", key.len()));
                    self.collect(item, place, pieces, path, shared)?;
                    place.truncate(length);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }
}

/// Gives every string, in the order in which they were collected, its text without what was cut.
fn rewrite<'a>(
    value: &mut Value,
    pieces: &mut impl Iterator<Item = &'a Piece>,
    trails: &[Trail],
    placeholders: &mut Placeholders<'_>,
) {
    match value {
        Value::String(text) => {
            if let Some((at, piece)) = pieces.next()
                && let Some(trail) = trails.get(*at).filter(|trail| trail.is_cut(piece))
            {
                *text = trail.rewrite(text, piece, placeholders);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, pieces, trails, placeholders)),
        Value::Object(object) => {
            object.iter_mut().for_each(|(_, item)| rewrite(item, pieces, trails, placeholders));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
