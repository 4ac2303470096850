use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use cordon_core::{CallId, record::Closed};
use sqlx::SqliteConnection;
use tokio::sync::Notify;

use super::{CallQuery, CallRow, CallsError, JournalBytes, Progress, index};

/// A window on the calls of a journal as they end: the newest ones since the last look, and how many others there were.
///
/// It takes the same memory however slowly somebody looks, and nobody waits for it.
#[derive(Debug)]
pub struct LiveView {
    window: Arc<Window>,
    from: u64,
}

/// What ended since the last look. Nothing else did that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The newest ones, in the order in which they ended.
    pub calls: VecDeque<Arc<CallRow>>,
    /// How many ended before these.
    pub left_out: u64,
}

/// All windows on one index.
#[derive(Debug, Default)]
pub(super) struct Live(Mutex<Windows>);

/// Shows the windows what the index has taken. When it is dropped, nothing more will come.
#[derive(Debug)]
pub(super) struct Showing {
    live: Arc<Live>,
    /// Calls that have begun; of those that are not here the index knows the beginning.
    begun: HashMap<CallId, CallRow>,
    /// What the windows have not got yet.
    due: Option<Due>,
}

#[derive(Debug, Default)]
struct Windows {
    /// How far the windows have seen each journal.
    progress: Progress,
    open: Vec<Weak<Window>>,
    ended: bool,
}

#[derive(Debug)]
struct Window {
    journal: JournalBytes,
    query: CallQuery,
    most: usize,
    /// None when nothing more will come.
    seen: Mutex<(Seen, bool)>,
    news: Notify,
}

#[derive(Debug)]
struct Due {
    journal: JournalBytes,
    end: u64,
    calls: Vec<CallRow>,
    /// Calls that ended and that began before anybody looked.
    unknown: Vec<CallId>,
}

/// Calls in flight that are kept in mind: some ten megabytes.
const MAX_BEGUN: usize = 20_000;

impl LiveView {
    /// The sequence of the first frame whose call can be seen here: calls that ended before it are in the index.
    pub fn from(&self) -> u64 {
        self.from
    }

    /// What ended since the last look, as soon as it is something; none when nothing more will come.
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            {
                let mut seen = lock(&self.window.seen);
                let (now, ended) = &mut *seen;
                if !now.calls.is_empty() {
                    return Some(std::mem::take(now));
                }
                if *ended {
                    return None;
                }
            }
            // One who notifies between the look and this wait leaves a permit behind.
            self.window.news.notified().await;
        }
    }
}

impl Live {
    pub(super) fn new(progress: Progress) -> Self {
        Self(Mutex::new(Windows { progress, ..Windows::default() }))
    }

    pub(super) fn open(&self, journal: JournalBytes, query: CallQuery, most: usize) -> LiveView {
        let mut windows = lock(&self.0);
        let seen = Mutex::new((Seen::default(), windows.ended));
        let window = Arc::new(Window { journal, query, most: most.max(1), seen, news: Notify::new() });
        windows.open.retain(|window| window.strong_count() > 0);
        windows.open.push(Arc::downgrade(&window));
        LiveView { window, from: windows.progress.get(&journal).copied().unwrap_or(0) }
    }

    /// Whether anybody looks. If nobody does, a window that is opened later begins at this place.
    fn is_watched(&self, journal: JournalBytes, end: u64) -> bool {
        let mut windows = lock(&self.0);
        windows.open.retain(|window| window.strong_count() > 0);
        if windows.open.is_empty() {
            windows.progress.insert(journal, end);
        }
        !windows.open.is_empty()
    }

    fn show(&self, due: Due) {
        let mut windows = lock(&self.0);
        let open: Vec<Arc<Window>> = windows.open.iter().filter_map(Weak::upgrade).collect();
        for call in due.calls.into_iter().map(Arc::new) {
            for window in open.iter().filter(|window| window.journal == due.journal) {
                window.take(&call);
            }
        }
        windows.progress.insert(due.journal, due.end);
        drop(windows);
        for window in open {
            window.news.notify_one();
        }
    }
}

impl Window {
    fn take(&self, call: &Arc<CallRow>) {
        if self.query.matches(call) {
            let (seen, _) = &mut *lock(&self.seen);
            if seen.calls.len() >= self.most {
                seen.calls.pop_front();
                seen.left_out = seen.left_out.saturating_add(1);
            }
            seen.calls.push_back(Arc::clone(call));
        }
    }
}

impl Showing {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live, begun: HashMap::new(), due: None }
    }

    /// Takes what the index has taken: the calls that began up to this place of the journal, and the ends of those that
    /// began before. [`Showing::show`] comes next.
    pub(super) fn take(
        &mut self,
        journal: JournalBytes,
        end: u64,
        began: impl Iterator<Item = CallRow>,
        ended: Vec<(u64, Closed)>,
    ) {
        if !self.live.is_watched(journal, end) {
            self.begun = HashMap::new();
            return;
        }
        let mut due = Due { journal, end, calls: Vec::new(), unknown: Vec::new() };
        for row in began {
            if row.ending.is_some() {
                due.calls.push(row);
            } else if self.begun.len() < MAX_BEGUN {
                self.begun.insert(row.call, row);
            }
        }
        for (sequence, closed) in ended {
            match self.begun.remove(&closed.call) {
                Some(mut row) => {
                    row.close(sequence, closed);
                    due.calls.push(row);
                }
                None => due.unknown.push(closed.call),
            }
        }
        self.due = Some(due);
    }

    /// Shows what is due.
    ///
    /// # Errors
    /// When the index cannot be read; it is still due then.
    pub(super) async fn show(&mut self, connection: &mut SqliteConnection) -> Result<(), CallsError> {
        if let Some(due) = &mut self.due {
            while let Some(call) = due.unknown.last() {
                due.calls.extend(index::call(connection, *call).await?);
                due.unknown.pop();
            }
        }
        if let Some(mut due) = self.due.take() {
            due.calls.sort_unstable_by_key(|call| call.place.closed);
            self.live.show(due);
        }
        Ok(())
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        let mut windows = lock(&self.live.0);
        windows.ended = true;
        for window in windows.open.iter().filter_map(Weak::upgrade) {
            lock(&window.seen).1 = true;
            window.news.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
