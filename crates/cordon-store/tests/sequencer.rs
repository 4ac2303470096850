//! The sequencer: order, groups, publication before the answer, other writers, clocks that go back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::sync::{Arc, Mutex};

use cordon_core::{
    State,
    command::{Rejection, Wish},
    fact::Actor,
    resource::Kind,
    state::Touched,
};
use cordon_store::{
    Log, Sequencer, SqliteLog,
    log::{AppendError, Cause, Entry, Loader, LogError, Pending, StoredFact},
    sequencer::{Granted, Health, WishError},
};
use support::{Clock, Folder, entry, name, set, system, team, teams, touched};

type Published = Arc<Mutex<Vec<(u64, Vec<Touched>)>>>;

async fn start(folder: &Folder, clock: &Clock) -> (Sequencer, Published, tokio::task::JoinHandle<()>) {
    let published = Published::default();
    let sink = Arc::clone(&published);
    let publish = move |state: &State, touched: &[Touched]| {
        sink.lock().unwrap().push((state.position(), touched.to_vec()));
    };
    let (sequencer, task) =
        Sequencer::start(folder.loader().await, clock.outside(publish), std::future::pending())
            .await
            .unwrap();
    (sequencer, published, tokio::spawn(task))
}

async fn apply(
    sequencer: &Sequencer,
    resources: Vec<cordon_core::resource::Resource>,
) -> Result<Granted, WishError> {
    sequencer.wish(Wish::Apply(resources), Actor::Bootstrap).await
}

#[tokio::test]
async fn a_granted_wish_is_durable_published_and_found_again() {
    let (folder, clock) = (Folder::new(), Clock::default());
    let (sequencer, published, task) = start(&folder, &clock).await;
    let granted =
        apply(&sequencer, vec![system("helper", "support", "answers"), team("support")]).await.unwrap();
    let keys = vec![touched(Kind::Team, "support"), touched(Kind::System, "helper")];
    assert_eq!((granted.position, &granted.touched), (0, &keys));
    assert_eq!(*published.lock().unwrap(), [(2, keys)]);
    let state = sequencer.committed().state;
    drop(sequencer);
    task.await.unwrap();
    // The last state was cached, and the facts alone give the same one.
    assert_eq!(folder.caches().positions(), [2]);
    std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
    let loaded = folder.loader().await.load().await.unwrap();
    assert_eq!((loaded.state.digest(), loaded.state), (state.digest(), state));
}

#[tokio::test]
async fn applying_unchanged_resources_appends_nothing() {
    let (folder, clock) = (Folder::new(), Clock::default());
    let (sequencer, ..) = start(&folder, &clock).await;
    let files = || vec![team("support"), system("helper", "support", "answers")];
    apply(&sequencer, files()).await.unwrap();
    assert_eq!(sequencer.plan(&files()).await.unwrap(), []);
    let again = apply(&sequencer, files()).await.unwrap();
    assert_eq!((again.position, again.touched.as_slice()), (2, [].as_slice()));
    // A sealed field that says something else is a change.
    let changed = vec![system("helper", "support", "answers and asks")];
    assert_eq!(sequencer.plan(&changed).await.unwrap().len(), 1);
    assert_eq!(apply(&sequencer, changed).await.unwrap().touched, [touched(Kind::System, "helper")]);
}

#[tokio::test]
async fn a_group_is_decided_in_order_and_a_refusal_changes_nothing() {
    let (folder, clock) = (Folder::new(), Clock::default());
    let (sequencer, published, _) = start(&folder, &clock).await;
    // All of these wait in the queue before the task runs: the second refers to what the first makes.
    let (a, b, c, d) = tokio::join!(
        apply(&sequencer, vec![team("support")]),
        apply(&sequencer, vec![system("helper", "support", "answers")]),
        apply(&sequencer, vec![system("other", "nobody", "answers")]),
        sequencer.wish(Wish::Delete(Kind::Team, name("support")), Actor::Local),
    );
    assert_eq!((a.unwrap().position, b.unwrap().position), (0, 1));
    assert!(matches!(c, Err(WishError::Rejected(Rejection::Invalid(_)))));
    assert!(matches!(d, Err(WishError::Rejected(Rejection::InUse { .. }))));
    // One commit for the group.
    assert_eq!(published.lock().unwrap().len(), 1);
    assert_eq!(sequencer.committed().state.position(), 2);
}

#[tokio::test]
async fn another_writer_is_seen_and_never_overwritten() {
    let (folder, clock) = (Folder::new(), Clock::default());
    let (sequencer, published, _) = start(&folder, &clock).await;
    apply(&sequencer, vec![team("support")]).await.unwrap();
    let other = folder.log().await;
    other.append(1, &[entry(&set(5, team("sales")))], &[]).await.unwrap();
    let granted = apply(&sequencer, vec![system("helper", "sales", "sells")]).await.unwrap();
    assert_eq!(granted.position, 2);
    // Not before the other's fact, though this clock stands at zero.
    assert_eq!(granted.time, support::at(5));
    let touched =
        published.lock().unwrap().iter().flat_map(|(_, touched)| touched.clone()).collect::<Vec<_>>();
    assert_eq!(touched.len(), 3);
    assert_eq!(other.head().await.unwrap(), 3);
}

#[tokio::test]
async fn a_clock_set_back_does_not_set_facts_back() {
    let (folder, clock) = (Folder::new(), Clock::default());
    let (sequencer, ..) = start(&folder, &clock).await;
    clock.set(100);
    assert_eq!(apply(&sequencer, vec![team("a")]).await.unwrap().time, support::at(100));
    clock.set(10);
    assert_eq!(apply(&sequencer, vec![team("b")]).await.unwrap().time, support::at(100));
    clock.set(200);
    assert_eq!(apply(&sequencer, vec![team("c")]).await.unwrap().time, support::at(200));
}

#[tokio::test]
async fn a_fact_of_a_newer_version_stalls_and_leaves_the_state_in_force() {
    let (folder, clock) = (Folder::new(), Clock::default());
    let log = folder.log().await;
    log.append(0, &teams(0, 2), &[]).await.unwrap();
    let mut newer = teams(2, 1);
    let text = String::from_utf8(newer[0].leaf.bytes.clone()).unwrap();
    newer[0].leaf.bytes = text.replace("\"v\":1", "\"v\":2").into_bytes();
    log.append(2, &newer, &[]).await.unwrap();
    let (sequencer, ..) = start(&folder, &clock).await;
    let committed = sequencer.committed();
    assert_eq!((committed.state.position(), committed.is_ready()), (2, false));
    let Health::Stalled(stalled) = committed.health else { panic!("{:?}", committed.health) };
    assert_eq!((stalled.position, stalled.kind.as_str(), stalled.version), (2, "resource.set", 2));
    assert!(matches!(apply(&sequencer, vec![team("x")]).await, Err(WishError::Stalled(_))));
    assert_eq!(log.head().await.unwrap(), 3);
}

/// What a log that fails does with the next append.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// It is refused.
    Before,
    /// It is done, and the answer is lost.
    After,
    /// Nothing answers at all.
    Away,
}

/// A log that fails when it is told to.
struct Faulty {
    log: Arc<SqliteLog>,
    fault: Mutex<Option<Fault>>,
}

impl Faulty {
    fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    fn is(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == Some(fault)
    }

    fn cause() -> Cause {
        Cause::from(std::io::Error::other("the test took the log away"))
    }
}

impl Log for Faulty {
    fn append<'a>(
        &'a self,
        expected: u64,
        entries: &'a [Entry],
        seals: &'a [cordon_core::Seal],
    ) -> Pending<'a, Result<u64, AppendError>> {
        Box::pin(async move {
            if self.is(Fault::Before) || self.is(Fault::Away) {
                return Err(AppendError::Unavailable(Self::cause()));
            }
            let head = self.log.as_ref().append(expected, entries, seals).await?;
            if self.is(Fault::After) { Err(AppendError::Unavailable(Self::cause())) } else { Ok(head) }
        })
    }

    fn head(&self) -> Pending<'_, Result<u64, LogError>> {
        Box::pin(async {
            if self.is(Fault::Away) {
                Err(LogError::Unavailable(Self::cause()))
            } else {
                self.log.head().await
            }
        })
    }

    fn read(&self, from: u64, to: u64) -> Pending<'_, Result<Vec<StoredFact>, LogError>> {
        Log::read(self.log.as_ref(), from, to)
    }

    fn history<'a>(
        &'a self,
        subject: &'a Touched,
        before: u64,
        limit: u32,
    ) -> Pending<'a, Result<Vec<StoredFact>, LogError>> {
        Log::history(self.log.as_ref(), subject, before, limit)
    }

    fn position_at(&self, time: cordon_core::Timestamp) -> Pending<'_, Result<u64, LogError>> {
        Log::position_at(self.log.as_ref(), time)
    }

    fn seals<'a>(
        &'a self,
        digests: &'a [cordon_core::Digest],
    ) -> Pending<'a, Result<cordon_core::command::Vault, LogError>> {
        Log::seals(self.log.as_ref(), digests)
    }

    fn destroy(&self, digest: cordon_core::Digest) -> Pending<'_, Result<bool, AppendError>> {
        Log::destroy(self.log.as_ref(), digest)
    }
}

#[tokio::test]
async fn a_log_that_fails_leaves_the_state_in_force_and_nothing_is_lost_or_done_twice() {
    let (folder, clock) = (Folder::new(), Clock::default());
    let log = Arc::new(Faulty { log: folder.log().await, fault: Mutex::default() });
    let loader = Loader::new(Arc::clone(&log) as Arc<dyn Log>, folder.caches());
    let published = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&published);
    let publish = move |state: &State, _: &[Touched]| sink.lock().unwrap().push(state.position());
    let (sequencer, task) =
        Sequencer::start(loader, clock.outside(publish), std::future::pending()).await.unwrap();
    let task = tokio::spawn(task);
    apply(&sequencer, vec![team("a")]).await.unwrap();

    log.set(Some(Fault::Before));
    assert!(matches!(apply(&sequencer, vec![team("b")]).await, Err(WishError::Log(_))));
    // It can be read, so a heartbeat may have found it well again already: readiness is looked at where nothing answers.
    assert_eq!(sequencer.committed().state.position(), 1);

    // The facts are in the log, though nobody was told: the next wish finds them there.
    log.set(Some(Fault::After));
    assert!(matches!(apply(&sequencer, vec![team("c")]).await, Err(WishError::Log(_))));
    // Where a heartbeat came in between, it found them first.
    assert!(matches!(published.lock().unwrap().as_slice(), [1] | [1, 2]));
    log.set(None);
    let again = apply(&sequencer, vec![team("c")]).await.unwrap();
    assert_eq!((again.position, again.touched.len()), (2, 0));
    assert_eq!(*published.lock().unwrap(), [1, 2]);
    assert!(sequencer.committed().is_ready());

    // Away altogether: the last state stays, its age grows, and the first wish after it is back is decided.
    log.set(Some(Fault::Away));
    clock.set(50);
    assert!(apply(&sequencer, vec![team("d")]).await.is_err());
    let committed = sequencer.committed();
    assert!(matches!(&committed.health, Health::Unreachable(why) if why.contains("took the log away")));
    assert_eq!((committed.state.position(), committed.age(support::at(50)).as_millis()), (2, 50_000));
    log.set(None);
    apply(&sequencer, vec![team("d")]).await.unwrap();
    let committed = sequencer.committed();
    assert_eq!((committed.state.position(), committed.age(support::at(50)).as_millis()), (3, 0));
    drop(sequencer);
    task.await.unwrap();
    assert_eq!(log.head().await.unwrap(), 3);
}

#[tokio::test]
async fn what_waits_when_it_is_told_to_stop_is_still_decided() {
    let (folder, clock) = (Folder::new(), Clock::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (sequencer, task) =
        Sequencer::start(folder.loader().await, clock.outside(|_: &State, _: &[Touched]| {}), async {
            let _ = stopped.await;
        })
        .await
        .unwrap();
    stop.send(()).unwrap();
    // The wish is in the queue before the task first runs, and the task is told to stop before it.
    let wish = apply(&sequencer, vec![team("a")]);
    let (granted, ()) = tokio::join!(wish, task);
    assert_eq!(granted.unwrap().position, 0);
    assert!(matches!(apply(&sequencer, vec![team("b")]).await, Err(WishError::Stopping)));
    assert_eq!(folder.caches().positions(), [1]);
}
