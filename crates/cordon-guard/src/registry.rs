//! The calls that are running, so that a quarantine or a revocation reaches them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use cordon_core::{CallId, containment::Subject};
use tokio::sync::Notify;

/// The running calls of this process: bounded, and each can be ended from outside.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    /// One lock for all of them, for their begin and their end; what a call says of itself has a lock of its own.
    running: Mutex<HashMap<CallId, Arc<Mutex<Entry>>>>,
    /// Calls that were ever entered.
    entered: AtomicU64,
    /// Told when the last running call has gone.
    empty: Notify,
}

#[derive(Debug, Default)]
struct Entry {
    /// Who calls, and what the call uses whatever becomes of it.
    subjects: Vec<Subject>,
    cancel: Cancel,
    /// The target that the call is at, and what makes it leave.
    target: Vec<Subject>,
    leave: Cancel,
}

/// Tells a call that it is ended.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<(AtomicBool, Notify)>);

/// A place in the registry; dropping it takes the call out.
#[derive(Debug)]
pub struct Place {
    registry: Registry,
    call: CallId,
    entry: Arc<Mutex<Entry>>,
    cancel: Cancel,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cancel {
    /// Ends the call.
    pub fn cancel(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.notify_waiters();
    }

    /// Whether it was ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }

    /// Waits until it is ended.
    pub async fn cancelled(&self) {
        let mut notified = std::pin::pin!(self.0.1.notified());
        // Registered before the flag is read, so that no end between the two is missed.
        notified.as_mut().enable();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}

impl Registry {
    /// A registry for at most this many calls at a time.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            running: Mutex::default(),
            entered: AtomicU64::new(0),
            empty: Notify::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CallId, Arc<Mutex<Entry>>>> {
        lock(&self.0.running)
    }

    /// Enters a call; `None` when there are too many.
    pub fn enter(&self, call: CallId) -> Option<Place> {
        let cancel = Cancel::default();
        let entry = Entry { cancel: cancel.clone(), ..Entry::default() };
        let entry = Arc::new(Mutex::new(entry));
        let mut running = self.lock();
        if running.len() >= self.0.most {
            return None;
        }
        running.insert(call, Arc::clone(&entry));
        self.0.entered.fetch_add(1, Ordering::Relaxed);
        drop(running);
        Some(Place { registry: self.clone(), call, entry, cancel })
    }

    /// Ends all running calls of a subject and says how many there were. A call whose target it is, and whose answer has not
    /// begun, goes to another target of its route if there is one.
    pub fn cancel(&self, subject: &Subject) -> usize {
        let running = self.lock();
        let meant = running.values().filter_map(|entry| {
            let entry = lock(entry);
            let whole = entry.subjects.contains(subject).then_some(&entry.cancel);
            let meant = whole.or_else(|| entry.target.contains(subject).then_some(&entry.leave));
            meant.map(Cancel::cancel)
        });
        meant.count()
    }

    /// Ends every running call and says how many there were.
    pub fn cancel_all(&self) -> usize {
        self.lock().values().map(|entry| lock(entry).cancel.cancel()).count()
    }

    /// Waits until no call is running.
    pub async fn emptied(&self) {
        loop {
            let mut told = std::pin::pin!(self.0.empty.notified());
            // Registered before the look, so that no end between the two is missed.
            told.as_mut().enable();
            if self.is_empty() {
                return;
            }
            told.await;
        }
    }

    /// Number of calls that were ever entered: the same twice, and no call began between the two.
    pub fn entered(&self) -> u64 {
        self.0.entered.load(Ordering::Relaxed)
    }

    /// Number of running calls.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no call is running.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Place {
    /// What ends this call.
    pub const fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Says which target the call is at from now on. Gives what makes it leave.
    pub fn at(&self, target: impl IntoIterator<Item = Subject>) -> Cancel {
        let (target, leave) = (target.into_iter().collect(), Cancel::default());
        let mut entry = lock(&self.entry);
        entry.target = target;
        entry.leave = leave.clone();
        leave
    }

    /// Says who calls, or what is used from now on.
    pub fn uses(&self, subjects: impl IntoIterator<Item = Subject>) {
        lock(&self.entry).subjects.extend(subjects);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.registry.lock();
        running.remove(&self.call);
        if running.is_empty() {
            self.registry.0.empty.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use cordon_core::{KeyId, Name, Timestamp};

    use super::*;

    #[tokio::test]
    async fn a_subject_ends_its_calls_and_no_others() {
        let registry = Registry::new(2);
        let call = |n: u8| CallId::new(Timestamp::from_millis(0), [n; 10]);
        let key = |n: u8| KeyId::from_bytes([n; 8]);
        let (one, two) = (registry.enter(call(1)).unwrap(), registry.enter(call(2)).unwrap());
        assert!(registry.enter(call(3)).is_none(), "bounded");
        let app = Name::parse("app").unwrap();
        one.uses([Subject::Key(key(1)), Subject::Principal(app.clone())]);
        two.uses([Subject::Key(key(2)), Subject::Principal(app.clone())]);
        assert_eq!(registry.cancel(&Subject::Key(key(1))), 1);
        one.cancel().cancelled().await;
        assert!(!two.cancel().is_cancelled());
        let model = |name: &str| Subject::Model(Name::parse(name).unwrap());
        let left = two.at([model("a")]);
        let here = two.at([model("b")]);
        assert_eq!((registry.cancel(&model("a")), registry.cancel(&model("b"))), (0, 1), "it has moved on");
        assert!(here.is_cancelled() && !left.is_cancelled() && !two.cancel().is_cancelled());
        assert_eq!(registry.cancel(&Subject::Principal(app)), 2);
        drop(one);
        assert_eq!(registry.len(), 1);
    }

    #[tokio::test]
    async fn the_end_of_all_calls_is_waited_for() {
        let registry = Registry::new(2);
        registry.emptied().await;
        let calls: Vec<_> = (1..=2)
            .map(|n| registry.enter(CallId::new(Timestamp::from_millis(0), [n; 10])).unwrap())
            .collect();
        assert_eq!((registry.entered(), registry.cancel_all()), (2, 2));
        let mut emptied = std::pin::pin!(registry.emptied());
        let mut poll = || emptied.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        for place in calls {
            assert!(poll().is_pending(), "a call is running");
            assert!(place.cancel().is_cancelled());
            drop(place);
        }
        assert!(poll().is_ready());
    }
}
