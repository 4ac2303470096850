//! The output gate of every protocol for an answer in one piece: inspects and rewrites in one round.

use cordon_core::{
    Category, Refusal,
    json::{Object, Value},
};

use super::{
    request::{rewritten, written},
    walk::{Kind, Path, Spot, Visit},
};
use crate::{
    inspection::{Inspection, Place, Seat, Stop, Verdict},
    lane::{Lane, Shared},
    redact::{self, Placeholders, Tokens},
};

/// Inspects and rewrites in one round: what stops the content is in the verdict, and then nothing is written.
pub(crate) struct Rewrite<'a> {
    pub(crate) shared: Shared<'a>,
    /// Whether a text was changed.
    pub(crate) changed: bool,
}

/// Inspects an answer by its protocol's walk, and answers with the bytes that may go to the caller. Values of the request stand
/// where their tokens were.
///
/// # Errors
/// When the answer may not go on. The verdict says what was found in any case.
pub(crate) fn inspected(
    tree: &mut Object,
    inspection: &Inspection,
    tokens: &Tokens,
    verdict: &mut Verdict,
    walk: impl FnOnce(&mut Rewrite<'_>, &mut Object),
) -> Result<Vec<u8>, Refusal> {
    let mut rewrite = Rewrite { shared: Shared { inspection, tokens, verdict }, changed: false };
    walk(&mut rewrite, tree);
    match verdict.refusal() {
        Some(refusal) => Err(refusal),
        None => Ok(written(tree)),
    }
}

impl Rewrite<'_> {
    /// Whether what was inspected so far may go on. A walk leaves what stops it where it is: nothing of it may be kept for later.
    ///
    /// # Errors
    /// When something stops the content.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        if self.shared.verdict.action().passes() { Ok(()) } else { Err(Stop) }
    }

    pub(crate) fn lane(&mut self, mut lane: Lane, path: &Path, text: &mut String) {
        let mut out = String::with_capacity(text.len());
        if self.shared.inspection.is_answered() {
            lane.expect(text, path, &mut self.shared);
        }
        // A stop is in the verdict.
        if lane.push(text, path, &mut self.shared, &mut out).is_ok()
            && lane.finish(path, &mut self.shared, &mut out).is_ok()
        {
            self.changed |= lane.changed();
            *text = out;
        }
    }

    /// What stands in place of a text that is not a lane, if anything does.
    fn replaced(&mut self, spot: &Spot<'_>, text: &str) -> Option<String> {
        let Shared { inspection, tokens, verdict } = &mut self.shared;
        let findings = inspection.inspect(spot.channel, text);
        let place = if spot.kind == Kind::Fixed { Place::Fixed } else { Place::Open };
        let mut cuts = Vec::new();
        // A stop is in the verdict.
        let seat = Seat { channel: spot.channel, place, part: spot.path };
        let _ = inspection.rule(&seat, &findings, |span| span, verdict, &mut cuts);
        if cuts.is_empty() {
            return None;
        }
        redact::unite(&mut cuts);
        self.changed = true;
        let mut placeholders = Placeholders::of_answer(inspection.key(), tokens);
        Some(rewritten(spot.kind, text, &cuts, &mut placeholders, inspection))
    }
}

impl Visit for Rewrite<'_> {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        let inspection = self.shared.inspection;
        match spot.kind {
            Kind::Said => self.lane(Lane::restoring(inspection, spot.channel), spot.path, text),
            Kind::Text => self.lane(Lane::plain(inspection, spot.channel), spot.path, text),
            Kind::Json => self.lane(Lane::json(inspection, spot.channel), spot.path, text),
            Kind::Id | Kind::Name | Kind::Fixed => {
                if let Some(new) = self.replaced(spot, text) {
                    *text = new;
                }
            }
        }
    }

    fn number(&mut self, spot: &Spot<'_>, value: &mut Value) {
        let Value::Number(number) = &*value else { return };
        if let Some(new) = self.replaced(spot, number.as_str()) {
            *value = if new.is_empty() { Value::Null } else { Value::String(new) };
        }
    }

    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String> {
        self.replaced(spot, key)
    }

    fn unseen(&mut self, spot: &Spot<'_>, category: Category, length: usize) {
        let Shared { inspection, verdict, .. } = &mut self.shared;
        let _ = inspection.unseen(spot.channel, spot.path, category, length, verdict);
    }

    fn proposed(&mut self, path: &Path) {
        self.shared.inspection.proposed(path, self.shared.verdict);
    }

    // An answer's URL is not fetched by anybody on our behalf.
    fn fault(&mut self, _: Refusal) {}
}
