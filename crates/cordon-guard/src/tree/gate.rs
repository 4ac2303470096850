//! How an answer comes back, whatever its protocol: what a stream's gate is asked, and why an upstream's answer may be of no use.

use cordon_core::{
    CallId, Refusal,
    json::{self, Limits, Object, Value},
    record,
    resource::RefusalStyle,
};

use super::said::Said;
use crate::inspection::{Stop, Verdict};

/// Lets a stream through, event by event. For any way in which the upstream cuts the answer, what the caller reads in
/// each field is what it would have read from the whole answer; with something that stops the content, it is a
/// beginning of that which ends before what was found.
pub trait Gate: Send {
    /// Takes the data of one event of the upstream, and writes the events that may go to the caller.
    ///
    /// # Errors
    /// When the upstream sends what is no event of the protocol. Nothing is written then; [`Gate::refuse`] ends the stream.
    fn event(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, StreamError>;

    /// The upstream closed the connection.
    ///
    /// # Errors
    /// When the answer is not complete.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError>;

    /// Ends the stream with a refusal, well-formed: as an error or, where the route wants that and for content, as an answer
    /// that was filtered.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>);

    /// The verdict so far.
    fn verdict(&self) -> &Verdict;

    /// The verdict, for what is judged before events come here.
    fn verdict_mut(&mut self) -> &mut Verdict;

    /// The tokens used, once the upstream said so.
    fn usage(&self) -> Option<record::Tokens>;

    /// What the answer said of itself so far.
    fn said(&self) -> &Said;
}

/// What a stream's gate needs to know of its call.
#[derive(Clone, Debug)]
pub struct StreamOptions {
    /// The call, for errors inside the stream.
    pub call: CallId,
    /// The route's name: what `model` says to the caller.
    pub route: String,
    /// Whether the caller asked for the usage.
    pub include_usage: bool,
    /// How a refusal looks once the stream has begun.
    pub refusal: RefusalStyle,
    /// The most bytes of events that are read in all.
    pub max_bytes: usize,
}

/// Where a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More may come.
    Open,
    /// It ended as it should, and its last event is written.
    Done,
    /// Something was found that stops the content: [`Verdict::refusal`] says what it means, and
    /// [`Gate::refuse`] ends the stream.
    Stopped,
}

/// Why an upstream's stream is of no use from here on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The event is no JSON.
    #[error("an event is not strict JSON")]
    Json(#[source] json::Error),
    /// The event is JSON, and none of the protocol.
    #[error("an event is not one of the protocol")]
    NotAChunk,
    /// The upstream says that it failed.
    #[error("the upstream reported an error inside the stream")]
    Upstream,
    /// More choices, blocks, tool calls or unknown fields than are read.
    #[error("the stream has too many choices, blocks, tool calls or unknown fields")]
    TooMany,
    /// More bytes than allowed.
    #[error("the stream has more bytes than allowed")]
    TooLong,
    /// What cannot be said in the caller's protocol.
    #[error("the stream holds what the caller's protocol has no equal for")]
    NotTranslatable,
    /// Text for a choice or block that has ended.
    #[error("the stream goes on with a choice or block that has ended")]
    AfterFinish,
    /// Events after the last one.
    #[error("the stream goes on after its end")]
    AfterEnd,
    /// The upstream closed before the answer was complete.
    #[error("the stream ended before the answer did")]
    Unfinished,
}

/// Why an upstream's answer is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Not an object with `choices`.
    #[error("the answer is not a chat completion")]
    NotACompletion,
    /// More choices, blocks or tool calls than are read.
    #[error("the answer has too many choices, blocks or tool calls")]
    TooMany,
    /// Not a message.
    #[error("the answer is not a message")]
    NotAMessage,
    /// Not an object with `output`.
    #[error("the answer is not a response")]
    NotAResponse,
    /// The service says that it failed, and by its own fault.
    #[error("the service says that it failed")]
    Failed,
    /// What cannot be said in the caller's protocol.
    #[error("the answer holds what the caller's protocol has no equal for")]
    NotTranslatable,
    /// Not predictions.
    #[error("the answer is not a prediction in its service's protocol")]
    NotAPrediction,
    /// Not a vector for each input.
    #[error("the answer is not one embedding for each input, all of one length")]
    NotEmbeddings,
}

/// The events of one stream, counted.
#[derive(Debug)]
pub(crate) struct Events {
    bytes: usize,
    most: usize,
    ended: bool,
}

/// Why a stream does not go on.
pub(crate) enum Halt {
    /// The content is stopped; the verdict says by what.
    Stop,
    /// The upstream's stream is of no use.
    Error(StreamError),
}

impl From<Stop> for Halt {
    fn from(_: Stop) -> Self {
        Self::Stop
    }
}

impl From<StreamError> for Halt {
    fn from(error: StreamError) -> Self {
        Self::Error(error)
    }
}

impl Events {
    /// No event so far, of at most this many bytes in all.
    pub(crate) const fn new(most: usize) -> Self {
        Self { bytes: 0, most, ended: false }
    }

    /// Whether the last event was seen, or an error.
    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }

    /// No more events.
    pub(crate) const fn end(&mut self) {
        self.ended = true;
    }

    /// Counts an event.
    ///
    /// # Errors
    /// After the end, and when there are too many bytes.
    pub(crate) fn count(&mut self, data: &str) -> Result<(), StreamError> {
        if self.ended {
            return Err(StreamError::AfterEnd);
        }
        self.bytes = self.bytes.saturating_add(data.len());
        if self.bytes > self.most { Err(StreamError::TooLong) } else { Ok(()) }
    }

    /// The object that an event's data is.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn object(&self, data: &str) -> Result<Object, StreamError> {
        let limits = Limits { bytes: self.most, ..Limits::default() };
        match Value::parse(data.as_bytes(), limits) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(StreamError::NotAChunk),
            Err(error) => Err(StreamError::Json(error)),
        }
    }

    /// What became of an event whose own output is `fresh`: it goes on where nothing stopped it.
    pub(crate) fn settled(
        &mut self,
        mut result: Result<Progress, Halt>,
        verdict: &Verdict,
        mut fresh: Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Progress, StreamError> {
        // What was rewritten in place without stopping anything may still have been stopped: the verdict knows.
        if result.is_ok() && !verdict.action().passes() {
            result = Err(Halt::Stop);
        }
        if result.is_ok() {
            out.append(&mut fresh);
        }
        self.took(result)
    }

    /// What became of an event: an error or a stop is the end.
    pub(crate) fn took(&mut self, result: Result<Progress, Halt>) -> Result<Progress, StreamError> {
        match result {
            Ok(Progress::Open) => Ok(Progress::Open),
            Ok(end) => {
                self.ended = true;
                Ok(end)
            }
            Err(Halt::Stop) => {
                self.ended = true;
                Ok(Progress::Stopped)
            }
            Err(Halt::Error(error)) => {
                self.ended = true;
                Err(error)
            }
        }
    }
}
