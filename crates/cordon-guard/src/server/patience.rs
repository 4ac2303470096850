//! A socket whose peer must read: a write that makes no progress for too long is an error. And one whose end waits a
//! little for a peer that is still sending, so that it learns why nobody listens.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep, sleep_until},
};

/// How long, and for how many bytes, a caller whose body was refused may go on sending. A connection that is closed with
/// bytes unread is reset, and many callers give up on the failed write and never read the answer (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 << 20;

/// Says that the answer to a connection's last request was given before its body was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread(Arc<AtomicBool>);

impl Unread {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// How many connections have something to say that their callers do not take yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsaid(Arc<AtomicUsize>);

impl Unsaid {
    pub(super) fn is_none(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    fn wait(&self) -> Waiting {
        self.0.fetch_add(1, Ordering::AcqRel);
        Waiting(self.clone())
    }
}

/// One connection whose write has to wait.
struct Waiting(Unsaid);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A TCP connection with a bound on how long its peer may leave what was sent unread. Reading is bounded elsewhere.
pub(super) struct Patient {
    socket: TcpStream,
    patience: Duration,
    /// Made when the first write has to wait: most never do.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: Option<Waiting>,
    unsaid: Unsaid,
    unread: Unread,
    end: Option<End>,
}

/// Everything was said; what still comes is thrown away.
struct End {
    over: Pin<Box<Sleep>>,
    left: usize,
}

impl Patient {
    pub(super) const fn new(socket: TcpStream, patience: Duration, unread: Unread, unsaid: Unsaid) -> Self {
        Self { socket, patience, timer: None, waiting: None, unsaid, unread, end: None }
    }

    /// Ready when the peer has stopped sending, or went on for too long.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(end) = &mut self.end else { return Poll::Ready(()) };
        let mut space = [0; 8 << 10];
        while end.left > 0 && end.over.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    end.left = end.left.saturating_sub(buffer.filled().len());
                }
                _ => break,
            }
        }
        Poll::Ready(())
    }

    fn bounded(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.waiting = None;
            return wrote;
        }
        let due = Instant::now() + self.patience;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if self.waiting.is_none() {
            self.waiting = Some(self.unsaid.wait());
            timer.as_mut().reset(due);
        }
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the caller does not read its answer")))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.bounded(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.bounded(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.end.is_none() {
            ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
            if self.unread.0.load(Ordering::Acquire) {
                self.end = Some(End { over: Box::pin(sleep(LINGER)), left: LINGER_BYTES });
            }
        }
        self.poll_quiet(cx).map(Ok)
    }
}
