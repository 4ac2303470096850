//! From the gateway to the store: a queue with a bound, and the task that empties it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use cordon_core::Name;
use cordon_guard::ports::{Capture, CapturedCall};
use cordon_store::content::{Captured, ContentError, Erasure, Kept, PutError, Scope};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::Contents;
use crate::desk::with_causes;

/// Bytes that may wait for the store: sixteen of the largest calls, tens of thousands of usual ones.
const MAX_WAITING_BYTES: usize = 32 << 20;
/// Calls that may wait for the store.
const MAX_WAITING: usize = 16_384;
/// Calls and bytes of one commit.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 8 << 20;
/// How often a commit is tried, and the pause before another try.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// How long a reader or an erasure waits for what is still on its way.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked for content whose time is over.
const RETENTION_EVERY: Duration = Duration::from_secs(3600);

/// The gateway's end: takes what is to be kept, and never waits.
pub struct Queue {
    /// None without a master key.
    sender: Option<mpsc::Sender<CapturedCall>>,
    waiting: Arc<AtomicUsize>,
    counts: Arc<Counts>,
}

/// The other end.
pub(crate) struct Receiver {
    receiver: mpsc::Receiver<CapturedCall>,
    waiting: Arc<AtomicUsize>,
}

/// What became of content, counted since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Calls that the queue took.
    taken: AtomicU64,
    /// Of these, calls that were kept, or lost, or erased before.
    settled: watch::Sender<u64>,
    kept: AtomicU64,
    lost: AtomicU64,
    expired: AtomicU64,
    /// Why the last commit failed, until one succeeds.
    failing: Mutex<Option<String>>,
}

impl Counts {
    /// Calls whose content was kept.
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// Calls whose content should have been kept and was not: there was no room, or the store could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Calls whose content was removed because its time was over.
    pub fn gone(&self) -> u64 {
        self.expired.load(Ordering::Relaxed)
    }

    /// Why content is not kept at present, though there is a key.
    pub fn failing(&self) -> Option<String> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves when all that was handed over before is settled, or after [`SETTLED_WITHIN`].
    pub(super) async fn settled(&self) {
        let taken = self.taken.load(Ordering::Acquire);
        let mut settled = self.settled.subscribe();
        let waiting = settled.wait_for(|settled| *settled >= taken);
        // A store that cannot be written must not keep anybody from what is there.
        let _in_time = tokio::time::timeout(SETTLED_WITHIN, waiting).await;
    }

    pub(super) fn expired(&self, calls: u64) {
        self.expired.fetch_add(calls, Ordering::Relaxed);
    }

    fn set_failing(&self, why: Option<String>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

impl Queue {
    /// A queue and its other end.
    pub(crate) fn new(counts: Arc<Counts>) -> (Self, Receiver) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        (Self { sender: Some(sender), waiting: Arc::clone(&waiting), counts }, Receiver { receiver, waiting })
    }

    /// A queue that takes nothing: there is no master key.
    pub(crate) fn closed(counts: Arc<Counts>) -> Self {
        Self { sender: None, waiting: Arc::default(), counts }
    }
}

impl Capture for Queue {
    fn is_ready(&self) -> bool {
        self.sender.is_some()
    }

    fn capture(&self, call: CapturedCall) -> bool {
        let bytes = size(&call);
        let room = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| {
            waiting.checked_add(bytes).filter(|waiting| *waiting <= MAX_WAITING_BYTES)
        });
        let taken = match (&self.sender, room) {
            (Some(sender), Ok(_)) => {
                let sent = sender.try_send(call).is_ok();
                if !sent {
                    self.waiting.fetch_sub(bytes, Ordering::AcqRel);
                }
                sent
            }
            (None, Ok(_)) => {
                self.waiting.fetch_sub(bytes, Ordering::AcqRel);
                false
            }
            (_, Err(_)) => false,
        };
        if taken {
            self.counts.taken.fetch_add(1, Ordering::Release);
        } else {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}

fn size(call: &CapturedCall) -> usize {
    call.objects.iter().map(|(_, bytes)| bytes.len()).sum()
}

/// Empties the queue into the store and lets content go whose time is over, until `stop` says so and the queue is empty.
pub(crate) async fn keep(contents: Contents, receiver: Option<Receiver>, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut next_retention = Instant::now();
    let Some(Receiver { mut receiver, waiting }) = receiver else {
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep_until(next_retention) => next_retention = retain(&contents).await,
            }
        }
    };
    let mut stopping = false;
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            () = &mut stop, if !stopping => {
                // What the gateway handed over is kept; more is not taken.
                stopping = true;
                receiver.close();
            }
            first = receiver.recv() => {
                let Some(first) = first else { return };
                let mut bytes = size(&first);
                batch.push(first);
                while batch.len() < BATCH && bytes < BATCH_BYTES {
                    let Ok(next) = receiver.try_recv() else { break };
                    bytes += size(&next);
                    batch.push(next);
                }
                let calls = batch.len() as u64;
                write(&contents, batch).await;
                contents.0.counts.settled.send_modify(|settled| *settled = settled.saturating_add(calls));
                waiting.fetch_sub(bytes, Ordering::AcqRel);
            }
            () = tokio::time::sleep_until(next_retention), if !stopping => {
                next_retention = retain(&contents).await;
            }
        }
    }
}

/// A step of retention; gives when the next one is due.
async fn retain(contents: &Contents) -> Instant {
    match contents.expire().await {
        Ok(true) => Instant::now(),
        Ok(false) => Instant::now() + RETENTION_EVERY,
        Err(error) => {
            tracing::error!(error = with_causes(&error), "content whose time is over could not be removed");
            Instant::now() + RETENTION_EVERY / 60
        }
    }
}

/// Seals a batch in one commit. What was erased meanwhile is left out.
async fn write(contents: &Contents, calls: Vec<CapturedCall>) {
    let counts = &contents.0.counts;
    let Some(unlocked) = &contents.0.unlocked else { return };
    // Held until the commit: an erasure waits for it and finds its keys, or comes first and is seen here.
    let erased = contents.0.erased.lock().await;
    let batch: Vec<Captured> = calls
        .into_iter()
        .filter_map(captured)
        .filter(|call| !erased.iter().any(|e| covers(e, call)))
        .collect();
    if batch.is_empty() {
        return;
    }
    for attempt in 1.. {
        match unlocked.put(&batch).await {
            Ok(kept) => {
                let kept = kept.iter().filter(|kept| **kept == Kept::Sealed).count() as u64;
                counts.kept.fetch_add(kept, Ordering::Relaxed);
                counts.set_failing(None);
                return;
            }
            // Of these it makes sense to try again at once.
            Err(PutError::File(ContentError::Unavailable(_))) if attempt < TRIES => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                counts.lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
                let why = with_causes(&error);
                tracing::error!(error = why, calls = batch.len(), "content was not kept");
                counts.set_failing(Some(why));
                return;
            }
        }
    }
}

pub(super) fn covers(erasure: &Erasure, call: &Captured) -> bool {
    call.time <= erasure.at
        && match &erasure.scope {
            Scope::Call(id) => *id == call.call,
            Scope::Subject(subject) => Some(*subject) == call.subject,
            Scope::Route(route) => Some(route) == call.route.as_ref(),
        }
}

fn captured(call: CapturedCall) -> Option<Captured> {
    let named = |(object, bytes): (cordon_core::record::ContentObject, Vec<u8>)| {
        Name::parse(object.as_str()).ok().map(|name| (name, bytes))
    };
    Some(Captured {
        call: call.call,
        team: call.team,
        subject: call.subject,
        route: Some(call.route),
        time: call.time,
        expires: call.expires,
        objects: call.objects.into_iter().map(named).collect::<Option<_>>()?,
    })
}
