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

/// The requests of a connection: how many are being answered, and how many came at all.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    begun: AtomicUsize,
}

/// One request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Requests);

impl Requests {
    pub(super) fn begin(&self) -> Answering {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        Answering(self.clone())
    }

    /// How many came, where none is being answered.
    fn at_rest(&self) -> Option<usize> {
        let begun = self.0.begun.load(Ordering::Acquire);
        (self.0.open.load(Ordering::Acquire) == 0).then_some(begun)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How long a connection may be without a request, where the protocol itself does not bound that: HTTP/2.
pub(super) struct Idle {
    most: Duration,
    requests: Requests,
    timer: Option<Pin<Box<Sleep>>>,
    /// What was so when the timer was set.
    rest: Option<usize>,
}

impl Idle {
    pub(super) const fn new(most: Duration, requests: Requests) -> Self {
        Self { most, requests, timer: None, rest: None }
    }

    /// Ready when there was no request from one end of the time to the other. What else the peer sends does not count.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let timer = self.timer.get_or_insert_with(|| {
                self.rest = self.requests.at_rest();
                Box::pin(sleep(self.most))
            });
            ready!(timer.as_mut().poll(cx));
            self.timer = None;
            if self.rest.is_some() && self.rest == self.requests.at_rest() {
                return Poll::Ready(());
            }
        }
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
    idle: Option<Idle>,
}

/// Everything was said; what still comes is thrown away.
struct End {
    over: Pin<Box<Sleep>>,
    left: usize,
}

impl Patient {
    pub(super) const fn new(socket: TcpStream, patience: Duration, unread: Unread, unsaid: Unsaid) -> Self {
        Self { socket, patience, timer: None, waiting: None, unsaid, unread, end: None, idle: None }
    }

    /// From now on the connection ends when it has no request for so long.
    pub(super) fn ends_when(&mut self, idle: Idle) {
        self.idle = Some(idle);
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
        if let Some(idle) = &mut self.idle
            && idle.poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request came for too long")));
        }
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
