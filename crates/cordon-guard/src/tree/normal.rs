//! What a route says is changed in the texts and pictures of a request before it leaves: after it was inspected and what is to be redacted was cut, so that
//! whatever was hidden has been found first, and what leaves is written from what was inspected.
//!
//! INVARIANT: no text leaves that was not inspected. Without its hidden characters a text reads as its folded view did; where it does not,
//! because taking one out has made an escape whole, it is inspected again as it will leave, and nothing can be cut in it.
//!
//! Names, ids, words of the protocol and what only their maker reads stay as they are, and so does what a model thought: services sign it.

use cordon_core::{
    Channel, Refusal,
    json::{Limits, Object, Value},
    record::Normalised,
    resource::{Formulas, Normalise, PictureMetadata},
    review::HeldKind,
};
use cordon_inspect::normalise::{normal, reads_alike};

use super::{
    request::Walked,
    walk::{Kind, Spot, Visit, Walker},
};
use crate::{
    files::{self, Brought},
    held::Came,
    inspection::{Inspection, Place, Seat, Verdict},
};

/// Changes the texts of a request as its route says, and notes in the verdict how often.
///
/// # Errors
/// When a text that reads otherwise now may not go on.
pub(super) fn normalised<R: Walked>(
    tree: &mut Object,
    inspection: &Inspection,
    verdict: &mut Verdict,
) -> Result<(), Refusal> {
    let Some(rules) = inspection.normalise().filter(|_| R::IS_TEXT) else { return Ok(()) };
    let mut change = Change { inspection, rules, verdict, done: Normalised::default() };
    R::walk(&mut Walker::new(&mut change), tree);
    let done = change.done;
    verdict.note_normalised(done);
    verdict.refusal().map_or(Ok(()), Err)
}

struct Change<'a> {
    inspection: &'a Inspection,
    rules: Normalise,
    verdict: &'a mut Verdict,
    done: Normalised,
}

impl Change<'_> {
    /// The text as it leaves, where that is another.
    fn changed(&mut self, spot: &Spot<'_>, text: &str) -> Option<String> {
        let normal = normal(text, &self.rules);
        if normal.hidden == 0 && !normal.composed {
            return None;
        }
        let new = normal.text.into_owned();
        self.done.add(Normalised {
            hidden: normal.hidden,
            unicode: u64::from(normal.composed),
            ..Normalised::default()
        });
        if !reads_alike(text, &new) {
            let findings = self.inspection.inspect(spot.channel, &new);
            let seat = Seat { channel: spot.channel, place: Place::Fixed, part: spot.path };
            // What stops the content is in the verdict; in such a place nothing is cut.
            let came = Came::text(spot.channel, text);
            self.inspection.reviewed(&came, spot.path, self.verdict, |by, verdict| {
                let _ = by.rule(&seat, &findings, |span| span, verdict, &mut Vec::new());
                ((), HeldKind::Text.as_str())
            });
        }
        Some(new)
    }

    /// Changes the texts of a value and its keys. Says whether there was anything.
    // Recursion is bounded by the depth of the tree.
    fn inside(&mut self, spot: &Spot<'_>, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.changed(spot, text) {
                Some(new) => {
                    *text = new;
                    true
                }
                None => false,
            },
            Value::Array(items) => {
                items.iter_mut().map(|item| self.inside(spot, item)).filter(|changed| *changed).count() > 0
            }
            Value::Object(object) => {
                let mut changed = false;
                for (_, value) in object.iter_mut() {
                    changed |= self.inside(spot, value);
                }
                object.rename_keys(|key| {
                    let new = self.changed(spot, key);
                    changed |= new.is_some();
                    new
                });
                changed
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The same of JSON in a text. What is none is a text.
    fn json(&mut self, spot: &Spot<'_>, text: &str) -> Option<String> {
        let limits = Limits { bytes: text.len(), ..Limits::default() };
        match Value::parse(text.as_bytes(), limits) {
            Ok(mut value) => self.inside(spot, &mut value).then(|| value.to_string()),
            Err(_) => self.changed(spot, text),
        }
    }

    fn neutralises(&self, channel: Channel) -> bool {
        self.rules.formulas == Formulas::Neutralise
            && matches!(channel, Channel::Document | Channel::ToolOutput)
    }

    fn neutralised(&mut self, table: &str) -> Option<String> {
        // A sign put before a cell makes nothing that was not there: it is not inspected again.
        let (text, count) = cordon_files::neutralised(table)?;
        self.done.add(Normalised { formulas: count, ..Normalised::default() });
        Some(text)
    }
}

impl Visit for Change<'_> {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        if is_kept(spot) {
            return;
        }
        let new = match spot.kind {
            Kind::Said | Kind::Text => self.changed(spot, text),
            Kind::Json => self.json(spot, text),
            Kind::Id | Kind::Name | Kind::Fixed => None,
        };
        if let Some(new) = new {
            *text = new;
        }
        if matches!(spot.kind, Kind::Said | Kind::Text)
            && self.neutralises(spot.channel)
            && cordon_files::is_table(text)
            && let Some(new) = self.neutralised(text)
        {
            *text = new;
        }
    }

    fn number(&mut self, _: &Spot<'_>, _: &mut Value) {}

    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String> {
        if spot.kind != Kind::Text || is_kept(spot) {
            return None;
        }
        self.changed(spot, key)
    }

    fn unseen(&mut self, _: &Spot<'_>, _: cordon_core::Category, _: usize) {}

    fn file(&mut self, _: &Spot<'_>, _: &Brought<'_>) -> bool {
        true
    }

    fn packed_again(&mut self, spot: &Spot<'_>, file: &Brought<'_>) -> Option<String> {
        if self.neutralises(spot.channel) && files::is_said_to_be_table(&file.claim) {
            let table = String::from_utf8(files::decoded(file.payload)?).ok()?;
            let new = self.neutralised(&table)?;
            return Some(files::encoded_like(file.payload, new.as_bytes()));
        }
        if self.rules.metadata == PictureMetadata::Keep || !files::is_picture(file.payload) {
            return None;
        }
        let bare = cordon_files::without_metadata(&files::decoded(file.payload)?)?;
        self.done.add(Normalised { metadata: 1, ..Normalised::default() });
        Some(files::encoded_like(file.payload, &bare))
    }

    fn fault(&mut self, _: Refusal) {}
}

/// Whether a text is what a model thought, which its service has signed.
fn is_kept(spot: &Spot<'_>) -> bool {
    spot.channel == Channel::Model && spot.path.is_thought()
}

#[cfg(test)]
mod tests;
