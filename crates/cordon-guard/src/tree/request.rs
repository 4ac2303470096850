//! The input gate of every protocol: a request's tree is inspected, and rewritten where something is to be redacted.

use std::collections::BTreeMap;

use cordon_core::{
    Category, Refusal, RefusalCode,
    json::{Object, Value},
    resource::Normalise,
    review::HeldKind,
};
use cordon_files::Claim;
use cordon_inspect::normalise;

use super::{
    border::{Borders, Inspected},
    forbidden, normal,
    turns::Turns,
    walk::{Kind, Spot, Visit, Walker},
};
use crate::{
    files::{self, Brought},
    held::Came,
    inspection::{Inspection, Place, Seat, Verdict},
    lane::JsonText,
    redact::{self, Cut, Placeholders, Taken, Tokens, fingerprint},
    sent,
};

/// A request whose tree can be walked: always in the same order, so that each round meets the same places.
pub(crate) trait Walked {
    /// Whether a model reads its texts as one.
    const IS_TALK: bool = false;
    /// Whether its texts are words for a model, and no values that it was trained on.
    const IS_TEXT: bool = true;

    /// Shows every text, number and key to the visitor.
    fn walk<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object);
}

/// Inspects every text, number and key of a request, and rewrites what is to be redacted. Answers with the tokens that stand
/// for values.
///
/// # Errors
/// When the request may not go on. The verdict says what was found in any case.
pub(crate) fn inspected<R: Walked>(
    tree: &mut Object,
    inspection: &Inspection,
    verdict: &mut Verdict,
) -> Result<Tokens, Refusal> {
    let comparing = sent::comparing::<R>(tree, inspection);
    let inspection = comparing.as_ref().unwrap_or(inspection);
    let files = files::Left::all(inspection.files.limits());
    let borders = R::IS_TALK.then(<(Borders, Turns)>::default);
    let mut look = Look { inspection, verdict, place: 0, edits: Vec::new(), fault: None, files, borders };
    R::walk(&mut Walker::new(&mut look), tree);
    let Look { mut edits, fault, borders, .. } = look;
    if let Some((borders, turns)) = borders {
        borders.finish(inspection, verdict, &mut edits);
        turns.finish(inspection, verdict, &mut edits);
        edits = united(edits);
    }
    if let Some(refusal) = fault {
        return Err(refusal);
    }
    if let Some(refusal) = verdict.refusal() {
        return Err(refusal);
    }
    let mut tokens = Tokens::default();
    if !edits.is_empty() {
        if edits.iter().any(|(_, cuts)| cuts.iter().any(|cut| cut.form == cordon_core::Form::Token)) {
            let rules = inspection.normalise().filter(|_| R::IS_TEXT);
            let mut note = Note { taken: Taken::default(), rules };
            R::walk(&mut Walker::new(&mut note), tree);
            tokens.avoid(note.taken);
        }
        let mut apply =
            Apply { inspection, tokens: &mut tokens, place: 0, edits: edits.into_iter().peekable() };
        R::walk(&mut Walker::new(&mut apply), tree);
    }
    normal::normalised::<R>(tree, inspection, verdict)?;
    Ok(tokens)
}

/// The bytes of an object. It is written through a value; taking it out and putting it back copies nothing.
pub(crate) fn written(object: &mut Object) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let tree = Value::Object(std::mem::take(object));
    tree.write(&mut out);
    if let Value::Object(tree) = tree {
        *object = tree;
    }
    out
}

/// The members of a request that names a route, and has no field that would choose a host, a credential or another model.
pub(crate) fn named(tree: Value) -> Result<Object, Refusal> {
    let Value::Object(tree) = tree else { return Err(invalid("", "the body is not an object")) };
    forbidden::check(&tree)?;
    match tree.get("model") {
        Some(Value::String(model)) if !model.is_empty() => Ok(tree),
        _ => Err(invalid("model", "model is not a name")),
    }
}

pub(crate) fn invalid(param: &str, private: &str) -> Refusal {
    let refusal = Refusal::new(RefusalCode::InvalidRequest, private);
    if param.is_empty() { refusal } else { refusal.param(param) }
}

pub(crate) fn switch(object: &Object, key: &str) -> Result<bool, Refusal> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(invalid(key, "not true or false")),
    }
}

pub(crate) fn count(object: &Object, key: &str) -> Result<Option<u64>, Refusal> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| invalid(key, "not a count")),
    }
}

/// The messages of a conversation, of which there is one at least.
pub(crate) fn messages(tree: &Object) -> Result<&[Value], Refusal> {
    match tree.get("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => Ok(messages),
        Some(Value::Array(_)) => Err(invalid("messages", "there is no message")),
        _ => Err(invalid("messages", "not an array")),
    }
}

/// A list of objects, where there is one.
pub(crate) fn check_objects(tree: &Object, field: &str) -> Result<(), Refusal> {
    let items = match tree.get(field) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(invalid(field, "not an array")),
    };
    match items.iter().position(|item| item.as_object().is_none()) {
        Some(at) => Err(invalid(&format!("{field}[{at}]"), "not an object")),
        None => Ok(()),
    }
}

/// What is to be cut, a place at a time in the order of the walk: what goes over the borders of a text comes after what is in it.
fn united(edits: Vec<(usize, Vec<Cut>)>) -> Vec<(usize, Vec<Cut>)> {
    let mut places: BTreeMap<usize, Vec<Cut>> = BTreeMap::new();
    for (place, mut cuts) in edits {
        places.entry(place).or_default().append(&mut cuts);
    }
    places.values_mut().for_each(redact::unite);
    places.into_iter().collect()
}

/// First round: inspects, and remembers what is to be cut where. Nothing is changed.
struct Look<'a> {
    inspection: &'a Inspection,
    verdict: &'a mut Verdict,
    /// Places are counted in the order of the walk, which is the same in each round.
    place: usize,
    edits: Vec<(usize, Vec<Cut>)>,
    fault: Option<Refusal>,
    files: files::Left,
    /// What may go over the borders of its texts, where a model reads them as one, and over its user's turns.
    borders: Option<(Borders, Turns)>,
}

impl Look<'_> {
    fn see(&mut self, spot: &Spot<'_>, text: &str) {
        self.place += 1;
        let (findings, json) = if spot.kind == Kind::Json && text.contains('\\') {
            let mut json = JsonText::default();
            json.push(text);
            json.finish();
            (self.inspection.inspect_sent(spot.channel, json.view(), self.verdict), Some(json))
        } else {
            // Without an escape, the text that JSON means is the text that it is.
            (self.inspection.inspect_sent(spot.channel, text, self.verdict), None)
        };
        let place = if spot.kind == Kind::Fixed { Place::Fixed } else { Place::Open };
        let locate = |span| json.as_ref().map_or(span, |json| json.raw_span(span));
        // What stops the content is in the verdict, and the walk goes on: the record names all that was found.
        let seat = Seat { channel: spot.channel, place, part: spot.path };
        let _ = self.inspection.signed(&seat, text, self.verdict);
        let has_second = self.inspection.has_second(spot.channel)
            && matches!(spot.kind, Kind::Said | Kind::Text | Kind::Json);
        let mut cuts = Vec::new();
        if has_second || !findings.is_empty() {
            let came = Came::text(spot.channel, text);
            cuts = self.inspection.reviewed(&came, spot.path, self.verdict, |by, verdict| {
                let mut cuts = Vec::new();
                let _ = by.rule(&seat, &findings, locate, verdict, &mut cuts);
                if has_second {
                    let seen = json.as_ref().map_or(text, JsonText::view);
                    let more = by.second(&seat, seen, &cuts);
                    let _ = by.rule(&seat, more, locate, verdict, &mut cuts);
                }
                (cuts, HeldKind::Text.as_str())
            });
        }
        if !cuts.is_empty() {
            redact::unite(&mut cuts);
            self.edits.push((self.place, cuts));
        }
        if let Some((borders, turns)) = &mut self.borders {
            let next = Inspected { place: self.place, spot, text, found: &findings };
            borders.take(&next, self.inspection, self.verdict, &mut self.edits);
            turns.take(&next);
        }
    }
}

impl Visit for Look<'_> {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        self.see(spot, text);
    }

    fn number(&mut self, spot: &Spot<'_>, value: &mut Value) {
        if let Value::Number(number) = value {
            self.see(spot, number.as_str());
        }
    }

    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String> {
        self.see(spot, key);
        None
    }

    fn unseen(&mut self, spot: &Spot<'_>, category: Category, length: usize) {
        let _ = self.inspection.unseen(spot.channel, spot.path, category, length, self.verdict);
    }

    fn file(&mut self, spot: &Spot<'_>, file: &Brought<'_>) -> bool {
        self.inspection.file(spot.channel, spot.path, file, &mut self.files, self.verdict)
    }

    fn written(&mut self, spot: &Spot<'_>, bytes: &[u8], claim: &Claim<'_>) {
        self.inspection.written(spot.channel, spot.path, (bytes, claim), &mut self.files, self.verdict);
    }

    fn fault(&mut self, refusal: Refusal) {
        self.fault.get_or_insert(refusal);
    }
}

/// Before tokens are issued: notes everything that looks like one.
struct Note {
    taken: Taken,
    rules: Option<Normalise>,
}

impl Note {
    fn note(&mut self, text: &str) {
        self.taken.note(text);
        // What looks like one only once it has changed, too.
        if let Some(rules) = &self.rules {
            self.taken.note(&normalise::normal(text, rules).text);
        }
    }
}

impl Visit for Note {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        self.note(text);
        if spot.kind == Kind::Json && text.contains('\\') {
            let mut json = JsonText::default();
            json.push(text);
            json.finish();
            self.note(json.view());
        }
    }

    fn number(&mut self, _: &Spot<'_>, _: &mut Value) {}

    fn key(&mut self, _: &Spot<'_>, key: &str) -> Option<String> {
        self.note(key);
        None
    }

    fn unseen(&mut self, _: &Spot<'_>, _: Category, _: usize) {}

    fn fault(&mut self, _: Refusal) {}
}

/// Last round: cuts.
struct Apply<'a> {
    inspection: &'a Inspection,
    tokens: &'a mut Tokens,
    place: usize,
    edits: std::iter::Peekable<std::vec::IntoIter<(usize, Vec<Cut>)>>,
}

impl Apply<'_> {
    fn rewritten(&mut self, kind: Kind, text: &str) -> Option<String> {
        self.place += 1;
        let (_, cuts) = self.edits.next_if(|(place, _)| *place == self.place)?;
        let mut placeholders = Placeholders::of_request(self.inspection.key(), self.tokens);
        Some(rewritten(kind, text, &cuts, &mut placeholders, self.inspection))
    }
}

impl Visit for Apply<'_> {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        if let Some(new) = self.rewritten(spot.kind, text) {
            *text = new;
        }
    }

    fn number(&mut self, spot: &Spot<'_>, value: &mut Value) {
        let Value::Number(number) = &*value else { return };
        if let Some(new) = self.rewritten(spot.kind, number.as_str()) {
            *value = if new.is_empty() { Value::Null } else { Value::String(new) };
        }
    }

    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String> {
        self.rewritten(spot.kind, key)
    }

    fn unseen(&mut self, _: &Spot<'_>, _: Category, _: usize) {}

    fn fault(&mut self, _: Refusal) {}
}

/// A text with its cuts, which must be united and not be empty, in the way of its kind.
pub(crate) fn rewritten(
    kind: Kind,
    text: &str,
    cuts: &[Cut],
    placeholders: &mut Placeholders<'_>,
    inspection: &Inspection,
) -> String {
    match kind {
        Kind::Json => {
            let mut json = JsonText::default();
            json.push(text);
            json.finish();
            let mut out = String::with_capacity(text.len());
            json.write(usize::MAX, cuts, placeholders, &mut out);
            out
        }
        Kind::Id => format!("id_{}", fingerprint(inspection.key(), "id", text)),
        Kind::Name => {
            let mut name = redact::rewrite(text, cuts, placeholders);
            name.retain(|c| !matches!(c, '[' | ']' | ':'));
            if name.is_empty() { "redacted".to_owned() } else { name }
        }
        Kind::Said | Kind::Text | Kind::Fixed => redact::rewrite(text, cuts, placeholders),
    }
}
