//! HTTP/2: a caller that leaves an answer unread loses that one stream, and with it the answer is gone from memory.
//!
//! A peer of HTTP/2 closes a stream's window, or never opens it (RFC 9113, section 6.9): the socket has nothing to write
//! then, so how long writes take says nothing, and other streams of the connection may go on. So each stream is watched by
//! itself: what was handed out of its answer must be asked for again in time.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::patience::Answering;
use crate::release::ReleasedBody;

/// Bytes of an answer that are handed to a stream at once: what is handed over is out of reach, and is kept until the caller
/// takes it or its connection ends.
const PIECE: usize = 16 << 10;

tokio::task_local! {
    /// How the answer of the stream that this task serves is taken.
    static STREAM: Taken;
}

/// How an answer is taken by its caller.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken(Arc<Handed>);

#[derive(Debug, Default)]
struct Handed {
    /// Pieces so far.
    pieces: AtomicUsize,
    /// Whether the last one was not followed by a wish for more.
    waits: AtomicBool,
}

impl Taken {
    /// That of the stream that is served here; HTTP/1 has none.
    pub(super) fn here() -> Option<Self> {
        STREAM.try_with(Self::clone).ok()
    }

    fn hand(&self) {
        self.0.pieces.fetch_add(1, Ordering::AcqRel);
        self.0.waits.store(true, Ordering::Release);
    }

    /// Everything was taken, and the next piece is not there yet.
    fn wanted(&self) {
        self.0.waits.store(false, Ordering::Release);
    }

    /// The piece that the caller has not taken yet.
    fn unread(&self) -> Option<usize> {
        self.0.waits.load(Ordering::Acquire).then(|| self.0.pieces.load(Ordering::Acquire))
    }
}

/// Serves the streams of HTTP/2 connections, each in a task of its own.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    patience: Duration,
}

impl Streams {
    /// A stream whose caller takes nothing of its answer for so long is reset.
    pub(super) const fn new(patience: Duration) -> Self {
        Self { patience }
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::spawn(watched(stream, self.patience));
    }
}

/// A stream to its end, or until its caller was too long without a wish for more. Dropping it is what resets it.
async fn watched(stream: impl Future<Output = ()>, patience: Duration) {
    let taken = Taken::default();
    let mut stream = pin!(STREAM.scope(taken.clone(), stream));
    // Made when a caller has to be waited for: most never have.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    let mut watched_piece = None;
    poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let unread = taken.unread();
        if unread.is_none() {
            watched_piece = None;
            return Poll::Pending;
        }
        let due = Instant::now() + patience;
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if watched_piece != unread {
            watched_piece = unread;
            timer.as_mut().reset(due);
        }
        timer
            .as_mut()
            .poll(cx)
            .map(|()| tracing::debug!("a caller left its answer unread: its stream is reset"))
    })
    .await;
}

/// An answer, whose request counts as open until its last byte is taken.
pub(super) struct Answer {
    body: ReleasedBody,
    /// Of the body, and not handed over yet.
    rest: Bytes,
    taken: Option<Taken>,
    _answering: Answering,
}

impl Answer {
    /// An answer over HTTP/2 says how it is taken.
    pub(super) const fn new(body: ReleasedBody, taken: Option<Taken>, answering: Answering) -> Self {
        Self { body, rest: Bytes::new(), taken, _answering: answering }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = <ReleasedBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let Some(taken) = &this.taken else { return Pin::new(&mut this.body).poll_frame(cx) };
        if this.rest.is_empty() {
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => this.rest = bytes,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Poll::Pending => {
                    taken.wanted();
                    return Poll::Pending;
                }
                end => return end,
            }
        }
        taken.hand();
        let piece = this.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(this.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::{release::Released, server::patience::Requests};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn answer(body: ReleasedBody) -> Answer {
        Answer::new(body, Taken::here(), Requests::default().begin())
    }

    /// Takes so many pieces of an answer, and then no more.
    async fn takes(mut answer: Answer, pieces: usize) {
        for _ in 0..pieces {
            answer.frame().await.unwrap().unwrap();
        }
        std::future::pending::<()>().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_answer_is_handed_over_in_pieces_over_http2_alone() {
        let whole = || ReleasedBody::whole(Released::new(vec![7; 2 * PIECE + 5]));
        assert_eq!(answer(whole()).frame().await.unwrap().unwrap().into_data().unwrap().len(), 2 * PIECE + 5);
        let stream = async {
            let mut answer = answer(whole());
            let mut left = 2 * PIECE + 5;
            for piece in [PIECE, PIECE, 5] {
                assert_eq!(answer.size_hint().exact(), Some(left as u64));
                assert!(!answer.is_end_stream());
                assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap().len(), piece);
                left -= piece;
            }
            assert!(answer.is_end_stream() && answer.frame().await.is_none());
        };
        watched(stream, PATIENCE).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_its_answer_is_not_taken_and_not_while_there_is_none() {
        let began = Instant::now();
        let whole = ReleasedBody::whole(Released::new(vec![7; 3 * PIECE]));
        watched(async { takes(answer(whole), 2).await }, PATIENCE).await;
        assert_eq!(began.elapsed(), PATIENCE, "it is dropped with what is left of it");

        // A model that thinks for long, between words or before the first, is no caller that does not read.
        let (sender, body) = ReleasedBody::stream();
        let speaks = async {
            for _ in 0..3 {
                tokio::time::sleep(3 * PATIENCE).await;
                sender.send(Released::new("word")).await.unwrap();
            }
            drop(sender);
        };
        let began = Instant::now();
        let reads = watched(
            async {
                tokio::time::sleep(2 * PATIENCE).await;
                let read = answer(body).collect().await.unwrap().to_bytes();
                assert_eq!(read, "wordwordword");
            },
            PATIENCE,
        );
        tokio::join!(speaks, reads);
        assert_eq!(began.elapsed(), 9 * PATIENCE);

        // One that takes a little in time each time is not cut off.
        let began = Instant::now();
        let slow = async {
            let mut answer = answer(ReleasedBody::whole(Released::new(vec![7; 4 * PIECE])));
            while answer.frame().await.is_some() {
                tokio::time::sleep(PATIENCE / 2).await;
            }
        };
        watched(slow, PATIENCE).await;
        assert_eq!(began.elapsed(), 2 * PATIENCE);
    }
}
