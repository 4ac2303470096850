//! Marks of inputs that are bare texts, such as those of embeddings: nothing can stand in a text, so that the member `cordon` stands
//! beside them. It is one mark for all inputs, or a list with a mark, or null, for each.

use cordon_core::{
    Channel, Refusal,
    json::{Object, Value},
    taint::Taint,
};

use super::marks::{MARK, WORDS, entered, marked, origin, read};
use crate::tree::request::invalid;

const LENGTH: &str = "There are not as many marks as inputs. help: write one mark as `cordon`, which is then of all inputs, or a list with a mark or \
                      null for each input.";

/// Where each input comes from, as its caller says.
#[derive(Debug)]
pub(crate) enum Origins {
    /// All from there.
    All(Channel),
    /// Each from its own place.
    Each(Vec<Channel>),
}

impl Origins {
    /// Of the inputs of a request.
    pub(crate) fn of(request: &Object) -> Self {
        match request.get(MARK) {
            Some(Value::Array(marks)) => Self::Each(marks.iter().map(channel).collect()),
            Some(mark) => Self::All(channel(mark)),
            None => Self::All(Channel::User),
        }
    }

    /// The channel of a part in this place: its own mark says more than one that is of all.
    pub(crate) fn of_part(&self, at: usize, part: &Value) -> Channel {
        match part.as_object().map(|part| marked(part, Channel::User)) {
            None | Some(Channel::User) => self.at(at),
            Some(channel) => channel,
        }
    }

    /// The channel of the input in this place.
    pub(crate) fn at(&self, at: usize) -> Channel {
        match self {
            Self::All(channel) => *channel,
            Self::Each(channels) => channels.get(at).copied().unwrap_or(Channel::User),
        }
    }
}

fn channel(mark: &Value) -> Channel {
    origin(mark).unwrap_or(Channel::User)
}

/// What the marks beside so many inputs, and those of parts that are inputs, say.
///
/// # Errors
/// When a mark is not one that is known here, or there are not as many as inputs.
pub(crate) fn entered_inputs(request: &Object, inputs: usize) -> Result<Taint, Refusal> {
    let mut taint = entered(request, &["input"])?;
    let of_mark = |place: &str| invalid(place, "a mark").said(Some(WORDS.to_owned()));
    match request.get(MARK) {
        None => {}
        Some(Value::Array(marks)) if marks.len() != inputs => {
            return Err(invalid(MARK, "not as many marks as inputs").said(Some(LENGTH.to_owned())));
        }
        Some(Value::Array(marks)) => {
            for (at, mark) in marks.iter().enumerate().filter(|(_, mark)| **mark != Value::Null) {
                read(mark, &mut taint).map_err(|()| of_mark(&format!("{MARK}[{at}]")))?;
            }
        }
        Some(mark) => read(mark, &mut taint).map_err(|()| of_mark(MARK))?,
    }
    Ok(taint)
}

/// Takes the marks beside the inputs out of a request.
pub(crate) fn strip_beside(request: &mut Object) {
    drop(request.remove(MARK));
}
