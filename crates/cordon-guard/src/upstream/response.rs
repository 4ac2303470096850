//! What comes back: status, headers from a list, and a bounded body.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::endpoint::{AnswerLimits, Timeouts};
use super::error::{Stage, UpstreamError};
use super::pool::{Host, Sender};
use crate::body::{Coding, DecodeLimits, Decoder};

/// Headers that an answer keeps, beside those that begin with [`KEPT_PREFIX`].
const KEPT: [HeaderName; 7] = [
    CONTENT_TYPE,
    RETRY_AFTER,
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
    HeaderName::from_static("retry-after-ms"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-should-retry"),
];

const KEPT_PREFIX: &str = "x-ratelimit-";

/// The answer of a service.
#[derive(Debug)]
pub struct UpstreamResponse {
    /// Its status. A redirect is an answer like any other: it is never followed.
    pub status: StatusCode,
    /// The headers that are kept; none that speaks of hosts, cookies or framing.
    pub headers: HeaderMap,
    /// Its body.
    pub body: UpstreamBody,
    /// What the way there cost.
    pub timing: Timing,
}

/// What the way to an answer cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a new connection, the time that it took; `None` when a kept one was used.
    pub connect: Option<Duration>,
    /// From the request to the head of the answer, connecting not included.
    pub first_byte: Duration,
}

/// The body of an answer: plain bytes, bounded in size, gaps and time. An [`http_body::Body`] of [`Bytes`] without
/// trailers.
///
/// Read to its end, its connection is kept for the next call; dropped before, the connection is closed, and the service
/// sees that nobody listens. Content is never part of its `Debug` form.
pub struct UpstreamBody {
    incoming: Incoming,
    /// `None` when the end was seen or an error ended it.
    lease: Option<(Arc<Host>, Sender)>,
    decoder: Option<Decoder>,
    host: Arc<str>,
    received: u64,
    limits: AnswerLimits,
    clock: Clock,
    is_over: bool,
}

/// The gaps and the end of one answer's time. A timer is only made when the body makes its reader wait, and only moved
/// when it rings: a busy stream never touches it.
struct Clock {
    idle: Duration,
    total: Duration,
    ends: Instant,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl UpstreamBody {
    pub(super) fn new(
        incoming: Incoming,
        host: Arc<Host>,
        sender: Sender,
        headers: &HeaderMap,
        limits: AnswerLimits,
        (timeouts, began): (Timeouts, Instant),
    ) -> Result<Self, UpstreamError> {
        let name = Arc::clone(&host.key.host);
        let coding = Coding::of(headers)
            .map_err(|source| UpstreamError::Coding { host: Arc::clone(&name), source })?;
        let announced = incoming.size_hint().lower();
        if announced > limits.max_bytes {
            return Err(UpstreamError::TooLarge { host: name, limit: limits.max_bytes });
        }
        let bounds = DecodeLimits { max_bytes: limits.max_bytes, max_ratio: limits.max_ratio };
        let mut body = Self {
            incoming,
            lease: Some((host, sender)),
            decoder: coding.map(|coding| Decoder::new(coding, bounds)),
            host: name,
            received: 0,
            limits,
            clock: Clock {
                idle: timeouts.idle,
                total: timeouts.total,
                ends: began + timeouts.total,
                waiting_since: None,
                timer: None,
            },
            is_over: false,
        };
        body.release_at_end();
        Ok(body)
    }

    /// The next piece, `None` at the end. Errors end it.
    ///
    /// # Errors
    /// [`UpstreamError`]; the connection is closed then.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The whole body, of at most `max_bytes`. A body of one piece is not copied.
    ///
    /// # Errors
    /// [`UpstreamError`], [`UpstreamError::TooLarge`] beyond the bound.
    pub async fn collect(mut self, max_bytes: usize) -> Result<Bytes, UpstreamError> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let mut all = Collected::One(first);
        loop {
            if all.len() > max_bytes {
                return Err(UpstreamError::TooLarge { host: self.host.clone(), limit: max_bytes as u64 });
            }
            match self.chunk().await? {
                Some(chunk) => all = all.and(&chunk),
                None => return Ok(all.into_bytes()),
            }
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, UpstreamError>> {
        let outcome = match ready!(self.poll_open(cx)) {
            Ok(Some(bytes)) => return Poll::Ready(Ok(Some(bytes))),
            outcome => outcome,
        };
        self.is_over = true;
        if outcome.is_err() {
            // Nothing of a broken answer is used again.
            self.lease = None;
        }
        Poll::Ready(outcome)
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, UpstreamError>> {
        loop {
            if self.is_over {
                return Poll::Ready(Ok(None));
            }
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    let (stage, limit) = ready!(self.clock.poll_late(cx));
                    return Poll::Ready(Err(self.timeout(stage, limit)));
                }
            };
            self.clock.waiting_since = None;
            let Some(frame) = frame else {
                let rest = match &mut self.decoder {
                    Some(decoder) => decoder.finish().map_err(|source| self.coding(source))?,
                    None => Bytes::new(),
                };
                self.release();
                self.is_over = true;
                return Poll::Ready(Ok((!rest.is_empty()).then_some(rest)));
            };
            let frame = frame.map_err(|source| UpstreamError::of_hyper(&self.host, source, false))?;
            // Trailers are dropped: nothing that we use is in them.
            let Ok(data) = frame.into_data() else { continue };
            self.received = self.received.saturating_add(data.len() as u64);
            if self.received > self.limits.max_bytes {
                let limit = self.limits.max_bytes;
                return Poll::Ready(Err(UpstreamError::TooLarge { host: self.host.clone(), limit }));
            }
            // An upstream that never pauses never makes its reader wait: its time is checked here.
            if Instant::now() >= self.clock.ends {
                return Poll::Ready(Err(self.timeout(Stage::Total, self.clock.total)));
            }
            self.release_at_end();
            let Some(decoder) = &mut self.decoder else { return Poll::Ready(Ok(Some(data))) };
            let decoded = decoder.push(&data).map_err(|source| self.coding(source))?;
            if !decoded.is_empty() {
                return Poll::Ready(Ok(Some(decoded)));
            }
        }
    }

    fn timeout(&self, stage: Stage, limit: Duration) -> UpstreamError {
        UpstreamError::Timeout { host: Arc::clone(&self.host), stage, limit }
    }

    fn coding(&self, source: crate::body::CodingError) -> UpstreamError {
        UpstreamError::Coding { host: Arc::clone(&self.host), source }
    }

    /// A body whose length is known ends without another frame. A coded one ends when it was decoded well.
    fn release_at_end(&mut self) {
        if self.decoder.is_none() && self.incoming.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some((host, sender)) = self.lease.take() {
            host.give_back(sender);
        }
    }
}

impl Drop for UpstreamBody {
    /// A reader that stops at the last event of a stream has often the end in front of it: then the connection lives on.
    fn drop(&mut self) {
        if self.lease.is_none() || self.is_over || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(None) = Pin::new(&mut self.incoming).poll_frame(&mut cx) {
            self.release();
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        self.get_mut().poll_chunk(cx).map(|outcome| outcome.transpose().map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || (self.decoder.is_none() && self.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        if self.decoder.is_some() { SizeHint::default() } else { self.incoming.size_hint() }
    }
}

impl std::fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamBody").field("host", &self.host).field("received", &self.received).finish()
    }
}

impl Clock {
    /// Ready when the reader waited too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<(Stage, Duration)> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let due = (since + self.idle).min(self.ends);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            if now >= self.ends {
                return Poll::Ready((Stage::Total, self.total));
            }
            if now >= due {
                return Poll::Ready((Stage::Idle, self.idle));
            }
            timer.as_mut().reset(due);
        }
    }
}

enum Collected {
    One(Bytes),
    Many(BytesMut),
}

impl Collected {
    fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    fn and(self, chunk: &[u8]) -> Self {
        let mut all = match self {
            Self::One(first) => {
                let mut all = BytesMut::with_capacity(2 * (first.len() + chunk.len()));
                all.extend_from_slice(&first);
                all
            }
            Self::Many(all) => all,
        };
        all.extend_from_slice(chunk);
        Self::Many(all)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}

/// The headers that are kept.
pub(super) fn kept_headers(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| KEPT.contains(name) || name.as_str().starts_with(KEPT_PREFIX))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
