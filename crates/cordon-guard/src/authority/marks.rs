//! What callers say of their content, in a member `cordon` of a message, an item, a part or a block: where it comes from, and which
//! labels it has. A mark can only make content less trusted, so that nothing is won by writing one; none leaves the gateway.

use cordon_core::{
    Category, Channel, Refusal,
    json::{Object, Value},
    taint::Taint,
};

use super::calls::items;
use crate::tree::request::invalid;

/// The member that holds a mark.
pub(super) const MARK: &str = "cordon";
/// Members of a message, an item or a part in which further parts stand.
const INNER: [&str; 2] = ["content", "output"];
/// Members of a tool that is offered in which it is defined, or further tools are.
const OF_TOOL: [&str; 3] = ["custom", "function", "tools"];
/// The most labels of a mark, and of a request.
const MAX_LABELS: usize = 16;
const MAX_ALL_LABELS: usize = 64;
/// The longest name of a source, in bytes.
const MAX_NAME: usize = 256;

pub(super) const WORDS: &str = "A mark is not understood. help: write `cordon` as {\"origin\": \"document\" or \"tool_output\", \"labels\": \
                     [\"pii/email\"], \"source\": \"its name\"}, one or more of the three, with at most 16 labels in a mark and 64 in a request, \
                     and 1 to 256 bytes of a name.";

/// What the marks in these members of a request say.
///
/// # Errors
/// When a mark is not one that is known here.
pub(super) fn entered(request: &Object, members: &[&str]) -> Result<Taint, Refusal> {
    let mut taint = Taint::default();
    for member in members {
        for (at, item) in items(request.get(member)).iter().enumerate() {
            let of_mark =
                |()| invalid(&format!("{member}[{at}].{MARK}"), "a mark").said(Some(WORDS.to_owned()));
            enter(item, &mut taint).map_err(of_mark)?;
        }
    }
    Ok(taint)
}

/// The channel of content, as its place says and as its caller does.
pub(crate) fn marked(object: &Object, channel: Channel) -> Channel {
    match (channel, object.get(MARK).and_then(origin)) {
        (Channel::System | Channel::User, Some(origin)) => origin,
        _ => channel,
    }
}

/// What the source is called that a mark is about.
pub(crate) fn named(object: &Object) -> Option<&str> {
    object.get(MARK)?.get("source")?.as_str()
}

/// Takes the marks out of these members of a request. One in the definition of a tool says nothing to anybody, and goes as well; a
/// parameter may be called what it wants.
pub(crate) fn strip(request: &mut Object, members: &[&str]) {
    for member in members {
        if let Some(value) = request.get_mut(member) {
            strip_value(value);
        }
    }
}

// Recursion is bounded by the depth of the tree, here and below.
fn strip_value(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip_value),
        Value::Object(object) => {
            object.remove(MARK);
            for member in INNER.into_iter().chain(OF_TOOL) {
                if let Some(value) = object.get_mut(member) {
                    strip_value(value);
                }
            }
        }
        _ => {}
    }
}

fn enter(value: &Value, taint: &mut Taint) -> Result<(), ()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| enter(item, taint)),
        Value::Object(object) => {
            if let Some(mark) = object.get(MARK) {
                read(mark, taint)?;
            }
            let inner = INNER.iter().filter_map(|member| object.get(member));
            inner.into_iter().try_for_each(|value| enter(value, taint))
        }
        _ => Ok(()),
    }
}

/// What a mark says, added to what is known already; nothing where it is not one that is known here.
pub(super) fn read(mark: &Value, taint: &mut Taint) -> Result<(), ()> {
    let mark = mark.as_object().ok_or(())?;
    for (key, value) in mark.iter() {
        match (key, value) {
            ("origin", value) => drop(taint.untrusted.insert(word(value).ok_or(())?)),
            ("source", Value::String(name)) if (1..=MAX_NAME).contains(&name.len()) => {}
            ("labels", Value::Array(labels)) if labels.len() <= MAX_LABELS => {
                for label in labels {
                    let label = label.as_str().and_then(|label| Category::parse(label).ok()).ok_or(())?;
                    taint.labels.insert(label);
                }
            }
            _ => return Err(()),
        }
    }
    if taint.labels.len() <= MAX_ALL_LABELS { Ok(()) } else { Err(()) }
}

/// The origin that a mark names.
pub(super) fn origin(mark: &Value) -> Option<Channel> {
    mark.get("origin").and_then(word)
}

fn word(value: &Value) -> Option<Channel> {
    match value.as_str()? {
        "document" => Some(Channel::Document),
        "tool_output" => Some(Channel::ToolOutput),
        _ => None,
    }
}
