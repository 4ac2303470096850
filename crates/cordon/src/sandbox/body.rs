//! The bytes of an answer, one after another as the reader takes them: no task, no queue. A reader that goes away
//! drops the body, and with it all work.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

/// What happens next in an answer.
#[derive(Debug)]
pub(super) enum Step {
    /// The connection breaks.
    Abort,
    /// These bytes are one HTTP chunk.
    Bytes(Bytes),
    /// What was given so far is written to the socket before more is made.
    Flush,
    /// Nothing more, until the reader goes or the longest time is over.
    Stall,
    /// This long nothing.
    Wait(Duration),
}

/// The steps of an answer.
pub(super) type Steps = Box<dyn Iterator<Item = Step> + Send>;

/// An answer's body.
pub(super) struct Answering {
    steps: Steps,
    waiting: Option<Pin<Box<Sleep>>>,
    /// Ends what would never end.
    last: Pin<Box<Sleep>>,
    exact: Option<u64>,
    _running: Running,
}

/// The body was told to break, or ran for longer than is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox's answer was broken off, as it was told or because it took too long")]
pub(super) struct Broken;

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Answering {
    pub(super) fn whole(bytes: impl Into<Bytes>, running: Running) -> Self {
        let bytes = bytes.into();
        let exact = u64::try_from(bytes.len()).ok();
        let steps = Box::new(std::iter::once(Step::Bytes(bytes)));
        Self { exact, ..Self::steps(steps, Duration::from_secs(600), running) }
    }

    pub(super) fn steps(steps: Steps, longest: Duration, running: Running) -> Self {
        let last = Box::pin(tokio::time::sleep_until(Instant::now() + longest));
        Self { steps, waiting: None, last, exact: None, _running: running }
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.last.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(Broken)));
        }
        loop {
            if let Some(waiting) = &mut self.waiting {
                std::task::ready!(waiting.as_mut().poll(context));
                self.waiting = None;
            }
            match self.steps.next() {
                None => return Poll::Ready(None),
                Some(Step::Abort) => return Poll::Ready(Some(Err(Broken))),
                // An empty chunk would be the end of a chunked body.
                Some(Step::Bytes(bytes)) if bytes.is_empty() => {}
                Some(Step::Bytes(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Flush) => {
                    // The connection writes what it has whenever the body has nothing ready.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                // `last` wakes this up.
                Some(Step::Stall) => {
                    self.waiting = Some(Box::pin(tokio::time::sleep(Duration::from_secs(1 << 30))));
                }
                Some(Step::Wait(duration)) => self.waiting = Some(Box::pin(tokio::time::sleep(duration))),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Counts a request as running for as long as it lives.
#[derive(Debug)]
pub(super) struct Running(watch::Sender<usize>);

impl Running {
    pub(super) fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
