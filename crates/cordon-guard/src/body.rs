//! The caller's body: framing checked, collected with bounds on size and time, content codings decoded with bounds.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cordon_core::RefusalCode;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http_body::Body;
use tokio::time::{Instant, Sleep, sleep_until};

mod coding;

pub use coding::{Coding, CodingError, DecodeLimits, Decoder};

/// Memory set aside before the first byte came, at most: a length that is only announced costs nothing.
const FIRST_RESERVE: usize = 64 << 10;

/// No body takes longer than this, whatever the configuration says.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What a body may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes, both as received and as decoded.
    pub max_bytes: usize,
    /// Bytes of output for each byte of a coded body; outputs below 1 MiB are exempt.
    pub max_ratio: u32,
    /// Time for the whole body.
    pub total: Duration,
    /// Time that a caller has before its pace counts.
    pub grace: Duration,
    /// Bytes per second that must arrive on average after the grace; each byte buys its share of time.
    pub min_pace: u32,
}

impl Default for BodyLimits {
    /// 1 MiB, 30 s in all, and 1 KiB/s after 5 s.
    fn default() -> Self {
        Self {
            max_bytes: 1 << 20,
            max_ratio: 100,
            total: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            min_pace: 1 << 10,
        }
    }
}

/// A body that is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection ended before the body did.
    #[error("the caller closed the connection before its body ended")]
    Closed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its content coding.
    #[error(transparent)]
    Coding(#[from] CodingError),
    /// Its framing is ambiguous or wrong.
    #[error("the request's framing is refused: {0}")]
    Framing(&'static str),
    /// It came too slowly.
    #[error("the body came too slowly: {received} bytes in {after:?}")]
    Slow {
        /// Bytes that came.
        received: usize,
        /// The time that they took.
        after: Duration,
    },
    /// It is too large.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
    },
}

impl BodyError {
    /// What the caller is told.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Closed(_) => RefusalCode::CallerGone,
            Self::Coding(CodingError::Unsupported) => RefusalCode::UnsupportedEncoding,
            Self::Coding(CodingError::Ratio { .. } | CodingError::TooLarge { .. })
            | Self::TooLarge { .. } => RefusalCode::BodyTooLarge,
            Self::Coding(CodingError::Corrupt) | Self::Framing(_) => RefusalCode::InvalidRequest,
            Self::Slow { .. } => RefusalCode::BodyTimeout,
        }
    }
}

/// Refuses a request whose end two parsers could see at different places (RFC 9112, sections 6.1 and 6.3).
///
/// hyper has refused before: differing or malformed lengths, a transfer coding that does not end in `chunked` or comes
/// with HTTP/1.0, folded header lines, white space before a colon. Of a request with both `Transfer-Encoding` and
/// `Content-Length` it removes the length and closes the connection after it, so that no second request can hide in it.
///
/// # Errors
/// [`BodyError::Framing`].
pub fn check_framing(headers: &HeaderMap) -> Result<(), BodyError> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let coding = codings.next();
    if codings.next().is_some() || lengths.next().is_some() && (coding.is_some() || lengths.next().is_some())
    {
        return Err(BodyError::Framing("more than one header says where the body ends"));
    }
    if coding.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(BodyError::Framing("a transfer coding other than `chunked`"));
    }
    Ok(())
}

/// Collects a caller's body: framing checked, bounded, decoded.
///
/// # Errors
/// [`BodyError`]; what was read is dropped, and the connection should be closed after the refusal.
pub async fn collect<B>(headers: &HeaderMap, body: B, limits: &BodyLimits) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    check_framing(headers)?;
    let coding = Coding::of(headers)?;
    let raw = receive(body, limits).await?;
    let Some(coding) = coding else { return Ok(raw) };
    let bounds = DecodeLimits { max_bytes: limits.max_bytes as u64, max_ratio: limits.max_ratio };
    let mut decoder = Decoder::new(coding, bounds);
    let decoded = decoder.push(&raw)?;
    let rest = decoder.finish()?;
    Ok(if rest.is_empty() { decoded } else { [decoded, rest].concat().into() })
}

/// Receives the bytes as they are. A body of one piece is not copied.
async fn receive<B>(mut body: B, limits: &BodyLimits) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_large = || BodyError::TooLarge { limit: limits.max_bytes };
    let announced = body.size_hint().lower();
    if announced > limits.max_bytes as u64 {
        return Err(too_large());
    }
    let mut pace = Pace::new(limits);
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut received = 0_usize;
    while let Some(frame) = poll_fn(|cx| match Pin::new(&mut body).poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(Ok(frame)),
        Poll::Pending => pace.poll_slow(cx, received).map(Err),
    })
    .await?
    {
        // Trailers say nothing that is used here.
        let Ok(chunk) = frame.map_err(|error| broken(error.into()))?.into_data() else { continue };
        received = received.saturating_add(chunk.len());
        if received > limits.max_bytes {
            return Err(too_large());
        }
        if all.is_empty() && first.is_empty() {
            first = chunk;
            continue;
        }
        if all.is_empty() {
            let expected = usize::try_from(announced).unwrap_or(usize::MAX).min(limits.max_bytes);
            all.reserve(expected.min(FIRST_RESERVE).max(received));
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// A body that hyper cannot read: wrong chunks are the caller's fault, anything else is a lost connection.
fn broken(error: Box<dyn std::error::Error + Send + Sync>) -> BodyError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && matches!(io.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData)
        {
            return BodyError::Framing("a malformed chunk");
        }
        cause = inner.source();
    }
    BodyError::Closed(error)
}

/// The time that a caller has left. The timer is made when the first wait happens, so that a body that is there
/// already costs none.
struct Pace<'a> {
    limits: &'a BodyLimits,
    began: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<'a> Pace<'a> {
    fn new(limits: &'a BodyLimits) -> Self {
        Self { limits, began: Instant::now(), timer: None }
    }

    /// The moment at which a caller that has sent so much and sends nothing more is too slow.
    fn due(&self, received: usize) -> Instant {
        let bought = Duration::try_from_secs_f64(received as f64 / f64::from(self.limits.min_pace.max(1)));
        let bought = self.limits.grace.saturating_add(bought.unwrap_or(LONGEST));
        self.began + self.limits.total.min(bought).min(LONGEST)
    }

    fn poll_slow(&mut self, cx: &mut std::task::Context<'_>, received: usize) -> Poll<BodyError> {
        let due = self.due(received);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        loop {
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            if now >= due {
                return Poll::Ready(BodyError::Slow { received, after: now - self.began });
            }
            timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
