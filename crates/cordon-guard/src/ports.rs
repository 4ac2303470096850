//! What the data plane needs from outside, as small traits: the binary wires the real ones, tests wire others.

use std::{future::Future, pin::Pin};

use cordon_core::{
    CallId, Digest, Name, Timestamp,
    record::{Closed, ContentObject, Opened},
};

use crate::{
    dispatch::Target,
    openai::Said,
    resilience::breaker::Phase,
    trace::{CallTrace, TraceId},
};

/// The wall clock. It never goes back.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Random bytes from the operating system, or from a seed in tests.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

/// Why frames were not made durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The journal takes no more just now.
    #[error("the journal is busy")]
    Busy,
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Unwritable(String),
}

/// Resolves when frames are durable, or are known not to be.
pub type Durable = Pin<Box<dyn Future<Output = Result<(), RecordError>> + Send>>;

/// Where a call's frames go (invariant 7).
pub trait Recorder: Send + Sync + 'static {
    /// Appends frames, in order, after all appended before; the future resolves when they are durable. The frames are on
    /// their way when this returns, whether or not the future is awaited.
    fn append(&self, frames: Vec<Vec<u8>>) -> Durable;

    /// Appends frames of a call that goes on without them (`audit: best-effort`): kept and written as soon as it can be
    /// done, counted where it cannot.
    fn offer(&self, frames: Vec<Vec<u8>>);
}

/// What is kept of a call's content.
#[derive(Clone, PartialEq, Eq)]
pub struct CapturedCall {
    /// The call.
    pub call: CallId,
    /// The route's owner, under whose key it is kept.
    pub team: Name,
    /// The route.
    pub route: Name,
    /// Keyed pseudonym of the person behind the caller.
    pub subject: Option<Digest>,
    /// When the call was.
    pub time: Timestamp,
    /// When its content must be gone.
    pub expires: Timestamp,
    /// What was said, at most [`MAX_CAPTURED`] bytes each.
    pub objects: Vec<(ContentObject, Vec<u8>)>,
}

/// The most bytes of each object that are captured; what comes after them is not kept, and the record says so.
pub const MAX_CAPTURED: usize = 1 << 20;

/// Where captured content goes.
pub trait Capture: Send + Sync + 'static {
    /// Whether content can be kept at all. Routes that capture are closed while it cannot.
    fn is_ready(&self) -> bool;

    /// Takes what is to be kept of a call, and never waits. Gives false when there is no room: then it is not kept, which
    /// is counted, and the call's record names no content.
    fn capture(&self, call: CapturedCall) -> bool;
}

/// Keeps nothing: routes that capture are closed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCapture;

impl Capture for NoCapture {
    fn is_ready(&self) -> bool {
        false
    }

    fn capture(&self, _: CapturedCall) -> bool {
        false
    }
}

impl std::fmt::Debug for CapturedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What was said stays out of logs.
        f.debug_struct("CapturedCall")
            .field("call", &self.call)
            .field("route", &self.route)
            .field("objects", &self.objects.len())
            .finish_non_exhaustive()
    }
}

/// Counts of what a stage saw. Names and labels are the exporter's business.
pub trait Meter: Send + Sync + 'static {
    /// A call has ended.
    fn call_ended(&self, call: &EndedCall<'_>);
    /// The breaker of a target is in this phase now.
    fn breaker(&self, _model: &Name, _phase: Phase) {}
    /// A call without a known principal was refused.
    fn unknown_refused(&self, code: cordon_core::RefusalCode);
}

/// What is counted of a call.
#[derive(Clone, Copy, Debug)]
pub struct EndedCall<'a> {
    /// The route, once it was known.
    pub route: Option<&'a Name>,
    /// The strictest action of both directions.
    pub verdict: cordon_core::Action,
    /// What was asked for; nothing where that could not be written.
    pub opened: Option<&'a Opened>,
    /// How it ended.
    pub closed: &'a Closed,
    /// Where it went.
    pub target: Option<&'a Target>,
    /// The trace that it belongs to.
    pub trace: &'a CallTrace,
}

/// What is done with a call's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Nothing is traced here: the caller's context is passed on as it came.
    Off,
    /// This one is not.
    Dropped,
    /// Its spans are exported.
    Sampled,
}

/// Where ended calls of sampled traces go.
pub trait Tracer: Send + Sync + 'static {
    /// What is done with a trace; `parent` says whether the caller's span is sampled, where there is one.
    fn sample(&self, trace: TraceId, parent: Option<bool>) -> Sampling;

    /// A call of a sampled trace has ended. Never waits: where there is no room, the call is not exported, which is
    /// counted.
    fn ended(&self, call: TracedCall);
}

/// Traces nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTracer;

impl Tracer for NoTracer {
    fn sample(&self, _: TraceId, _: Option<bool>) -> Sampling {
        Sampling::Off
    }

    fn ended(&self, _: TracedCall) {}
}

/// What spans are made of: the frames of the call's record, and when its parts were.
#[derive(Debug)]
pub struct TracedCall {
    /// The trace.
    pub trace: CallTrace,
    /// Its first frame.
    pub opened: Box<Opened>,
    /// Its last frame.
    pub closed: Box<Closed>,
    /// Where it went.
    pub target: Option<Target>,
    /// When its parts were.
    pub marks: Marks,
    /// What the answer said of itself.
    pub said: Said,
}

/// Microseconds from the begin of a call to what happened in it, as far as it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Its request was read.
    pub received: Option<u64>,
    /// The request went to the upstream.
    pub sent: Option<u64>,
    /// The upstream's answer had come to its end.
    pub answered: Option<u64>,
}
