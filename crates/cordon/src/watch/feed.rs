use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use cordon_core::{Name, RefusalCode, record::Operation};
use cordon_guard::{
    ports::{EndedCall, Meter},
    resilience::breaker::Phase,
};
use cordon_watch::Ended;
use tokio::sync::mpsc;

/// The most calls that wait to be looked at.
const QUEUE: usize = 1 << 15;

/// Hands ended calls to the triggers, and to another meter first. It never waits: what there is no room for is counted, and not
/// looked at.
pub struct Feed {
    meter: Arc<dyn Meter>,
    calls: mpsc::Sender<Ended>,
    /// Whether any trigger watches.
    watches: AtomicBool,
    lost: AtomicU64,
}

impl Feed {
    /// A feed that nobody watches yet, and where its calls come out.
    pub fn new(meter: Arc<dyn Meter>) -> (Arc<Self>, mpsc::Receiver<Ended>) {
        let (calls, receiver) = mpsc::channel(QUEUE);
        let feed = Self { meter, calls, watches: AtomicBool::new(false), lost: AtomicU64::new(0) };
        (Arc::new(feed), receiver)
    }

    /// Calls that there was no room for.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Says whether any trigger watches.
    pub(super) fn watch(&self, watches: bool) {
        self.watches.store(watches, Ordering::Relaxed);
    }
}

impl Meter for Feed {
    fn call_ended(&self, call: &EndedCall<'_>) {
        self.meter.call_ended(call);
        let Some(opened) = call.opened.filter(|_| self.watches.load(Ordering::Relaxed)) else { return };
        if uses_a_model(opened.operation) && self.calls.try_send(Ended::of(opened, call.closed)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn breaker(&self, model: &Name, phase: Phase) {
        self.meter.breaker(model, phase);
    }

    fn unknown_refused(&self, code: RefusalCode) {
        self.meter.unknown_refused(code);
    }
}

/// Whether a call is one that signals are about. What is found in a text that an application lets be looked at is no leak and no
/// attack: an application that moderates what its users write would be taken out for it. Nor do free lists and descriptions make a
/// share of refused calls smaller.
const fn uses_a_model(operation: Operation) -> bool {
    match operation {
        Operation::ListModels
        | Operation::DescribeModel
        | Operation::Moderate
        | Operation::UploadFile
        | Operation::ListFiles
        | Operation::DescribeFile
        | Operation::ReadFile
        | Operation::DeleteFile => false,
        Operation::Chat
        | Operation::CountTokens
        | Operation::Embeddings
        | Operation::Infer
        | Operation::Invocations
        | Operation::Messages
        | Operation::Responses => true,
    }
}
