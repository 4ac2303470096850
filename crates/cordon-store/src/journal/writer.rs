//! The journal as its users see it: a bounded queue, one writing thread, tickets.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::disk::{Disk, FileSystem};
use super::format::{JournalId, Kind, MAX_PAYLOAD};
use super::reader::{Damage, Position, ReadError, Reader, Torn};
use super::recovery::{Check, Found, find};
use super::tail::{Batch, Leaves, MAX_LEAVES, Sync, Tail, TailOptions};

/// How long the journal is idle before it marks its end.
const MARK_AFTER: Duration = Duration::from_millis(100);
/// Waiting time after the first failed attempt to open a segment; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Frames, and bytes of them, that are written without gathering more.
const GATHERED_FRAMES: usize = 256;
const GATHERED_BYTES: usize = 128 * 1024;
/// Memory of a buffer that is kept when the journal is idle, in bytes.
const IDLE_BUFFER: usize = 256 * 1024;

/// Bounds and sizes of a journal.
#[derive(Debug, Clone)]
pub struct Options {
    /// A segment is left when it is this long, in bytes. One group of frames is never divided.
    pub segment_bytes: u64,
    /// Payload bytes that may wait to be written.
    pub queue_bytes: usize,
    /// Frames that may wait to be written.
    pub queue_frames: usize,
    /// Payload bytes of frames that nobody waits for and that are not durable yet, while the disk fails or the next
    /// sync is due. Beyond it such frames are dropped and counted.
    pub backlog_bytes: usize,
    /// The same as a number of frames.
    pub backlog_frames: usize,
    /// Frames that nobody waits for are gathered so long before they are written, unless somebody else's frames or
    /// many more come earlier: one write, and one turn of the writing thread, for all of them.
    pub gather: Duration,
    /// Frames that nobody waits for are synced after this time, if no group took them along earlier.
    pub sync_interval: Duration,
    /// How much is checked at the start.
    pub check: Check,
    /// A journal that does not go on, although nothing in its files is wrong: another one begins in its place.
    pub abandoned: Option<JournalId>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            queue_bytes: 4 << 20,
            queue_frames: 16_384,
            backlog_bytes: 4 << 20,
            backlog_frames: 16_384,
            gather: Duration::from_millis(2),
            sync_interval: Duration::from_millis(50),
            check: Check::All,
            abandoned: None,
        }
    }
}

/// A frame to be appended.
#[derive(Debug, Clone, Copy)]
pub struct NewFrame<'a> {
    /// What it holds.
    pub kind: Kind,
    /// 1 to [`MAX_PAYLOAD`] bytes, kept exactly.
    pub payload: &'a [u8],
}

/// The journal of this node, open to append. Dropping it closes it, which waits for what is queued.
pub struct Journal {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    root: PathBuf,
    id: JournalId,
    options: Options,
    durable: watch::Receiver<u64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What was found when a journal was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The journal that goes on or begins.
    pub journal: JournalId,
    /// How many whole frames it holds.
    pub size: u64,
    /// An unfinished end, left where it is.
    pub torn: Option<Torn>,
    /// Why an earlier journal does not go on; it is left as it is.
    pub damage: Option<Damage>,
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is there cannot be read.
    #[error("cannot open the journal")]
    Read(#[from] ReadError),
    /// The operating system gave no thread.
    #[error("cannot start the journal's thread")]
    Thread(#[source] io::Error),
}

/// Why frames were not appended, or are not known to be durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The queue is full.
    #[error("the journal is busy: {frames} frames are waiting; help: try again, or lower the load")]
    Busy {
        /// Frames in the queue.
        frames: usize,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// No frame, or a frame without a payload, or one that no queue could take.
    #[error(
        "a frame of {bytes} bytes was refused; help: 1 to {MAX_PAYLOAD} bytes, and never more than the queue holds"
    )]
    Size {
        /// Bytes of the payload or of all payloads together.
        bytes: usize,
    },
    /// The disk does not take frames. Some of them may be there after a restart.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

/// Why a journal cannot be written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unwritable {
    /// No space is left.
    #[error("the journal's disk is full; help: free space; the journal goes on by itself")]
    Full(#[source] Arc<io::Error>),
    /// The folder or the disk cannot be written.
    #[error(
        "the journal's folder is read-only; help: make it writable for this user; the journal goes on by itself"
    )]
    ReadOnly(#[source] Arc<io::Error>),
    /// A write or a sync failed otherwise.
    #[error("writing the journal failed; help: see the cause; the journal tries again by itself")]
    Failed(#[source] Arc<io::Error>),
}

impl From<io::Error> for Unwritable {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let kind = error.kind();
        let error = Arc::new(error);
        match kind {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full(error),
            ReadOnlyFilesystem | PermissionDenied => Self::ReadOnly(error),
            _ => Self::Failed(error),
        }
    }
}

/// Durable frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The journal.
    pub journal: JournalId,
    /// The sequence of the first frame; the others follow it.
    pub first: u64,
}

/// A promise that resolves when the frames are durable, or have failed. Dropping it changes nothing for the frames.
#[derive(Debug)]
#[must_use = "the frames are durable only when the ticket says so"]
pub struct Ticket(oneshot::Receiver<Result<Receipt, AppendError>>);

/// The state of a journal.
#[derive(Debug, Clone)]
pub struct Health {
    /// The journal.
    pub journal: JournalId,
    /// Why it cannot be written at the moment; `None` when it can.
    pub unwritable: Option<Unwritable>,
    /// How many frames are durable.
    pub durable: u64,
    /// Where the next frame goes.
    pub position: Option<Position>,
    /// Frames in the queue.
    pub queued: usize,
    /// Frames that nobody waits for and that are not durable yet.
    pub backlog: usize,
    /// Frames that nobody waited for and that were dropped, since the start.
    pub lost: u64,
    /// Failed writes, syncs and attempts to open a segment, since the start.
    pub failures: u64,
}

impl Journal {
    /// Opens the journal of a folder (`DIR/journal`) and goes on with it, or begins one.
    ///
    /// A folder that cannot be written is no error here: the journal opens, says so in [`Journal::health`], and tries
    /// again by itself. `random` goes into the id of a journal that begins. The caller holds the lock on `DIR`: two processes never write one folder.
    ///
    /// # Errors
    /// When what is there cannot be read, or no thread can be started. Damage is no error: see [`Recovered`].
    pub fn open(folder: &Path, options: Options, random: [u8; 12]) -> Result<(Self, Recovered), OpenError> {
        Self::open_on(Arc::new(FileSystem), folder, options, random)
    }

    /// The same on any disk.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Path,
        options: Options,
        random: [u8; 12],
    ) -> Result<(Self, Recovered), OpenError> {
        let Found { recovery, damage } = find(&disk, folder, options.check, options.abandoned, random)?;
        let id = recovery.journal;
        let size = recovery.durable.size + recovery.unproven.frames() as u64;
        let recovered = Recovered { journal: id, size, torn: recovery.torn, damage };
        let tail_options = TailOptions {
            segment_bytes: options.segment_bytes,
            backlog_bytes: options.backlog_bytes,
            backlog_frames: options.backlog_frames,
        };
        let tail = Tail::new(Arc::clone(&disk), folder, tail_options, recovery);
        let (sender, durable) = watch::channel(tail.durable().size);
        let health = Health {
            journal: id,
            unwritable: None,
            durable: tail.durable().size,
            position: None,
            queued: 0,
            backlog: tail.kept(),
            lost: 0,
            failures: 0,
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::default()),
            wake: Condvar::new(),
            health: Mutex::new(health),
            leaves: Mutex::new(Leaves { first: tail.durable().size, hashes: Vec::new() }),
        });
        let mut writer = Writer::new(Arc::clone(&shared), tail, options.clone(), sender, id);
        writer.open_if_due();
        writer.publish();
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || writer.run());
        let thread = Mutex::new(Some(thread.map_err(OpenError::Thread)?));
        Ok((Self { shared, disk, root: folder.to_owned(), id, options, durable, thread }, recovered))
    }

    /// This journal's id.
    pub fn id(&self) -> JournalId {
        self.id
    }

    /// Queues frames that become durable together. The ticket resolves when they are, or have failed.
    ///
    /// The payloads are copied, so the caller's buffers are free at once. It never waits.
    ///
    /// # Errors
    /// When the queue is full, the journal is closed, or a frame has a size that it does not take.
    pub fn append(&self, frames: &[NewFrame<'_>]) -> Result<Ticket, AppendError> {
        let (sender, receiver) = oneshot::channel();
        self.enqueue(frames, Some(sender))?;
        Ok(Ticket(receiver))
    }

    /// Queues frames that nobody waits for: they are written with the next group or within [`Options::gather`], and
    /// synced with the next group or within [`Options::sync_interval`]. While the disk fails they are kept and written
    /// later; those beyond the bound are counted in [`Health::lost`].
    ///
    /// # Errors
    /// As [`Journal::append`]; frames refused here are not counted as lost.
    pub fn append_unawaited(&self, frames: &[NewFrame<'_>]) -> Result<(), AppendError> {
        self.enqueue(frames, None)
    }

    /// How many frames are durable, and a wait for more: `changed().await`, then read with [`Reader::read_below`].
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.durable.clone()
    }

    /// Takes the leaf hashes of frames that became durable since the last time. Where they do not follow what was taken
    /// before, more came together than are kept, or nobody hashed them in this process: read these frames.
    pub fn take_leaves(&self) -> Leaves {
        let mut leaves = lock(&self.shared.leaves);
        let first = leaves.end();
        std::mem::replace(&mut *leaves, Leaves { first, hashes: Vec::new() })
    }

    /// A reader of this journal at its first frame.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, ReadError> {
        Reader::open_on(Arc::clone(&self.disk), &self.root, self.id)
    }

    /// The state of the journal.
    pub fn health(&self) -> Health {
        let queued = lock(&self.shared.queue).batch.frames();
        Health { queued, ..lock(&self.shared.health).clone() }
    }

    /// Writes and syncs what is queued, marks the end and stops. Later appends are refused. Waits for the disk.
    pub fn close(&self) {
        lock(&self.shared.queue).closing = true;
        self.shared.wake.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            // A thread that ended otherwise has closed the queue too (see `CloseOnExit`).
            let _ = thread.join();
        }
    }

    fn enqueue(
        &self,
        frames: &[NewFrame<'_>],
        sender: Option<oneshot::Sender<Result<Receipt, AppendError>>>,
    ) -> Result<(), AppendError> {
        let bytes = frames.iter().map(|frame| frame.payload.len()).sum::<usize>();
        let refused = frames.iter().find(|f| f.payload.is_empty() || f.payload.len() > MAX_PAYLOAD);
        if let Some(frame) = refused {
            return Err(AppendError::Size { bytes: frame.payload.len() });
        }
        if frames.is_empty() || bytes > self.options.queue_bytes || frames.len() > self.options.queue_frames {
            return Err(AppendError::Size { bytes });
        }
        let mut queue = lock(&self.shared.queue);
        if queue.closing {
            return Err(AppendError::Closed);
        }
        let waiting = queue.batch.frames();
        if waiting + frames.len() > self.options.queue_frames
            || queue.batch.payload_bytes() + bytes > self.options.queue_bytes
        {
            return Err(AppendError::Busy { frames: waiting });
        }
        for frame in frames {
            queue.batch.push(frame.kind.number(), frame.payload, sender.is_none());
        }
        queue.tickets.extend(sender.map(|sender| Waiting { index: waiting, sender }));
        let wakes = match queue.writer {
            Doing::Work => false,
            Doing::Sleep => true,
            Doing::Gather => queue.is_due(&self.options),
        };
        if wakes {
            queue.writer = Doing::Work;
        }
        drop(queue);
        if wakes {
            self.shared.wake.notify_one();
        }
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Ticket {
    /// Blocks this thread until the frames are durable or have failed. Not for async code: await the ticket there.
    ///
    /// # Errors
    /// Why the frames are not known to be durable.
    pub fn wait(self) -> Result<Receipt, AppendError> {
        self.0.blocking_recv().unwrap_or(Err(AppendError::Closed))
    }
}

impl Future for Ticket {
    type Output = Result<Receipt, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = Pin::new(&mut self.0).poll(context);
        result.map(|received| received.unwrap_or(Err(AppendError::Closed)))
    }
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    health: Mutex<Health>,
    leaves: Mutex<Leaves>,
}

#[derive(Default)]
struct Queue {
    batch: Batch,
    tickets: Vec<Waiting>,
    closing: bool,
    writer: Doing,
}

/// What the writing thread does.
#[derive(Clone, Copy, Default)]
enum Doing {
    /// It will look into the queue by itself.
    #[default]
    Work,
    /// It waits for a frame.
    Sleep,
    /// It waits for the time to be over in which it gathers, or for frames that are due at once.
    Gather,
}

impl Queue {
    /// Whether what is queued is written now: somebody waits for it, or there is much of it.
    fn is_due(&self, options: &Options) -> bool {
        !self.tickets.is_empty()
            || self.batch.frames() >= GATHERED_FRAMES.min(options.queue_frames / 2).max(1)
            || self.batch.payload_bytes() >= GATHERED_BYTES.min(options.queue_bytes / 2).max(1)
    }
}

struct Waiting {
    /// Where the ticket's first frame lies in its batch.
    index: usize,
    sender: oneshot::Sender<Result<Receipt, AppendError>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is whole after each statement, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writing thread.
struct Writer {
    shared: Arc<Shared>,
    tail: Tail,
    options: Options,
    durable: watch::Sender<u64>,
    id: JournalId,
    batch: Batch,
    tickets: Vec<Waiting>,
    /// When kept frames are due to be synced.
    sync_due: Option<Instant>,
    /// When the end is due to be marked.
    mark_due: Option<Instant>,
    /// While no segment is open: why, when the next attempt is due, and the pause after it.
    broken: Option<Broken>,
    failures: u64,
}

struct Broken {
    why: Unwritable,
    retry_at: Instant,
    pause: Duration,
}

/// Closes the queue however the thread ends, so that no ticket waits for ever.
struct CloseOnExit(Arc<Shared>);

impl Drop for CloseOnExit {
    fn drop(&mut self) {
        let mut queue = lock(&self.0.queue);
        queue.closing = true;
        queue.tickets.clear();
    }
}

impl Writer {
    fn new(
        shared: Arc<Shared>,
        tail: Tail,
        options: Options,
        durable: watch::Sender<u64>,
        id: JournalId,
    ) -> Self {
        Self {
            shared,
            tail,
            options,
            durable,
            id,
            batch: Batch::default(),
            tickets: Vec::new(),
            sync_due: None,
            mark_due: None,
            broken: None,
            failures: 0,
        }
    }

    fn run(mut self) {
        let _close = CloseOnExit(Arc::clone(&self.shared));
        loop {
            let closing = self.take();
            self.open_if_due();
            if self.batch.is_empty() {
                self.settle();
                self.publish();
            } else {
                self.commit();
            }
            let stop = closing && self.batch.is_empty();
            if stop && let Err(error) = self.tail.close() {
                self.fail(error);
            }
            self.batch.clear();
            if stop {
                self.publish();
                return;
            }
        }
    }

    /// Takes what is queued, and waits until there is something, or something is due, or the journal closes.
    fn take(&mut self) -> bool {
        let due = match &self.broken {
            Some(broken) => Some(broken.retry_at),
            None => self.sync_due.or(self.mark_due),
        };
        let mut gathered = None;
        let mut queue = lock(&self.shared.queue);
        while !queue.closing && !queue.is_due(&self.options) {
            let until = if queue.batch.is_empty() {
                queue.writer = Doing::Sleep;
                due
            } else {
                queue.writer = Doing::Gather;
                Some(*gathered.get_or_insert_with(|| Instant::now() + self.options.gather))
            };
            queue = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(pause) => {
                    let woken = self.shared.wake.wait_timeout(queue, pause);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        queue.writer = Doing::Work;
        std::mem::swap(&mut queue.batch, &mut self.batch);
        std::mem::swap(&mut queue.tickets, &mut self.tickets);
        queue.closing
    }

    /// Opens a segment where none is open and an attempt is due.
    fn open_if_due(&mut self) {
        let due = self.broken.as_ref().is_none_or(|broken| broken.retry_at <= Instant::now());
        if self.tail.is_open() || !due {
            return;
        }
        match self.tail.open_segment() {
            Ok(()) => {
                self.broken = None;
                self.sync_due = None;
                self.mark_due = Some(Instant::now() + MARK_AFTER);
            }
            Err(error) => {
                let pause = self.broken.take().map_or(FIRST_PAUSE, |b| (b.pause * 2).min(LONGEST_PAUSE));
                self.failures += 1;
                self.broken = Some(Broken { why: error.into(), retry_at: Instant::now() + pause, pause });
            }
        }
    }

    /// Notes a failed write or sync. The next attempt is due at once: the next file may well be fine.
    fn fail(&mut self, error: io::Error) -> Unwritable {
        self.failures += 1;
        let why = Unwritable::from(error);
        self.broken = Some(Broken { why: why.clone(), retry_at: Instant::now(), pause: FIRST_PAUSE / 2 });
        why
    }

    /// Writes the batch and answers its tickets.
    fn commit(&mut self) {
        let is_due = self.sync_due.is_some_and(|due| due <= Instant::now());
        let sync = if self.tickets.is_empty() && !is_due { Sync::Later } else { Sync::Now };
        let written = match &self.broken {
            Some(broken) => {
                self.tail.keep(&self.batch);
                Err(broken.why.clone())
            }
            None => self.tail.append(&self.batch, sync).map_err(|error| self.fail(error)),
        };
        // Who waits for a ticket may look at the durable size or the state next.
        self.publish();
        for Waiting { index, sender } in self.tickets.drain(..) {
            let receipt = match &written {
                Ok(first) => Ok(Receipt { journal: self.id, first: first + index as u64 }),
                Err(why) => Err(AppendError::Unwritable(why.clone())),
            };
            // Who dropped the ticket does not want to know.
            let _ = sender.send(receipt);
        }
        if written.is_ok() {
            let now = Instant::now();
            self.mark_due = Some(now + MARK_AFTER);
            self.sync_due = match sync {
                Sync::Now => None,
                Sync::Later => self.sync_due.or(Some(now + self.options.sync_interval)),
            };
        }
    }

    /// Does what is due while nothing is queued.
    fn settle(&mut self) {
        let now = Instant::now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.sync_due) {
            self.sync_due = None;
            if let Err(error) = self.tail.sync() {
                self.fail(error);
            }
        }
        if self.sync_due.is_none() && due(self.mark_due) {
            self.mark_due = None;
            if let Err(error) = self.tail.mark() {
                self.fail(error);
            }
            self.batch.shrink_to(IDLE_BUFFER);
            self.tail.shrink_to(IDLE_BUFFER);
            lock(&self.shared.queue).batch.shrink_to(IDLE_BUFFER);
        }
    }

    fn publish(&mut self) {
        let durable = self.tail.durable().size;
        let mut new = self.tail.take_leaves();
        if !new.hashes.is_empty() {
            let mut leaves = lock(&self.shared.leaves);
            if leaves.end() == new.first && leaves.hashes.len() + new.hashes.len() <= MAX_LEAVES {
                leaves.hashes.append(&mut new.hashes);
            } else {
                *leaves = new;
            }
        }
        self.durable.send_if_modified(|size| std::mem::replace(size, durable) != durable);
        let mut health = lock(&self.shared.health);
        health.durable = durable;
        health.position = self.tail.position();
        health.backlog = self.tail.kept();
        health.lost = self.tail.lost();
        health.failures = self.failures;
        health.unwritable = self.broken.as_ref().map(|broken| broken.why.clone());
    }
}
