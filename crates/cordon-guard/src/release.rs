//! Release is a property of bytes: the body that is sent to a caller takes only [`Released`] frames, and only the modules
//! that decided can make one.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::registry::Cancel;

/// Bytes that may be sent to the caller.
#[derive(Clone, Debug)]
pub struct Released(Bytes);

impl Released {
    /// Only the output gate and the makers of refusals (this crate's `gate` and `respond`) call this.
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The body of an answer to a caller.
#[derive(Debug)]
pub struct ReleasedBody {
    source: Source,
    /// While this lives, somebody waits for the answer.
    presence: Option<Presence>,
}

/// Tells a call that its caller has gone, by being dropped.
#[derive(Debug)]
pub(crate) struct Presence(Cancel);

#[derive(Debug)]
enum Source {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Released>),
}

/// Sends the frames of a streamed body. It waits when the caller is slow.
#[derive(Clone, Debug)]
pub struct ReleasedSender(mpsc::Sender<Released>);

/// The caller has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// Frames between the gate and the connection: enough to keep both busy, few enough that a slow caller slows the
/// upstream instead of filling memory.
const STREAM_FRAMES: usize = 8;

impl ReleasedBody {
    /// A body of one piece.
    pub fn whole(released: Released) -> Self {
        Self { source: Source::Whole(Some(released.0)), presence: None }
    }

    /// A body that is sent piece by piece.
    pub fn stream() -> (ReleasedSender, Self) {
        let (sender, receiver) = mpsc::channel(STREAM_FRAMES);
        (ReleasedSender(sender), Self { source: Source::Stream(receiver), presence: None })
    }

    /// Ties the call's notice of its caller to this body.
    #[must_use]
    pub(crate) fn with(mut self, presence: Presence) -> Self {
        self.presence = Some(presence);
        self
    }
}

impl ReleasedSender {
    /// Sends a piece.
    ///
    /// # Errors
    /// When the caller has gone.
    pub async fn send(&self, released: Released) -> Result<(), Gone> {
        self.0.send(released).await.map_err(|_| Gone)
    }
}

impl Presence {
    pub(crate) fn new(gone: Cancel) -> Self {
        Self(gone)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Body for ReleasedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.source {
            Source::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Source::Stream(receiver) => receiver
                .poll_recv(context)
                .map(|released| released.map(|released| Ok(Frame::data(released.0)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.source, Source::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Source::Stream(_) => SizeHint::default(),
        }
    }
}
