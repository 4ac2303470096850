//! The store of captured content against a model that keeps everything in a map: whatever is done in whatever order, both
//! say the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cordon_core::{DurationMs, Timestamp};
use cordon_store::content::{Bounds, Captured, Erasure, Hold, Kept, ReadError, Scope, Unlocked};
use proptest::prelude::*;
use support::{
    at,
    content::{call, captured, master, open_bounded, read_at, said, subject},
    name,
};

/// Calls that the steps are about.
const CALLS: u64 = 24;

#[derive(Clone, Debug)]
enum Step {
    /// Puts calls of these numbers, which expire after so many seconds.
    Put(Vec<u64>, u32),
    Erase(Scope),
    Reapply(Scope, i64),
    Hold(Hold),
    Release(Hold),
    /// Lets time pass and retention run, so many calls a step.
    Expire(i64, u32),
    /// The same without removing what lies there: a crash in between.
    Interrupted(i64, u32),
    Restart,
    NewMaster,
}

fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![
        (0..CALLS).prop_map(|number| Scope::Call(call(number))),
        (0_u64..5).prop_map(|number| Scope::Subject(subject(number))),
        (0_u64..3).prop_map(|number| Scope::Route(name(&format!("route-{number}")))),
    ]
}

fn holds() -> impl Strategy<Value = Hold> {
    (scopes(), 0..2).prop_map(|(scope, case)| Hold { scope, case: name(&format!("case-{case}")) })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (proptest::collection::vec(0..CALLS, 1..8), 1_u32..400).prop_map(|(calls, kept)| Step::Put(calls, kept)),
        2 => scopes().prop_map(Step::Erase),
        1 => (scopes(), 0_i64..40).prop_map(|(scope, at)| Step::Reapply(scope, at)),
        1 => holds().prop_map(Step::Hold),
        1 => holds().prop_map(Step::Release),
        1 => (1_i64..120, 1_u32..6).prop_map(|(pass, limit)| Step::Expire(pass, limit)),
        1 => (1_i64..120, 1_u32..6).prop_map(|(pass, limit)| Step::Interrupted(pass, limit)),
        1 => Just(Step::Restart),
        1 => Just(Step::NewMaster),
    ]
}

/// What should be there of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept(Timestamp),
    Erased,
    Expired,
}

#[derive(Default)]
struct Model {
    now: i64,
    calls: BTreeMap<u64, Fate>,
    holds: BTreeSet<Hold>,
}

fn within(scope: &Scope, number: u64) -> bool {
    let Captured { call, subject, route, .. } = captured(number);
    match scope {
        Scope::Call(id) => *id == call,
        Scope::Subject(id) => subject.as_ref() == Some(id),
        Scope::Route(name) => route.as_ref() == Some(name),
    }
}

impl Model {
    fn held(&self, number: u64) -> bool {
        self.holds.iter().any(|hold| within(&hold.scope, number))
    }

    /// The calls that are kept and of which something holds.
    fn kept(&self, which: impl Fn(u64, Timestamp) -> bool) -> Vec<u64> {
        let kept = self.calls.iter().filter_map(|(number, fate)| match fate {
            Fate::Kept(expires) if which(*number, *expires) => Some(*number),
            _ => None,
        });
        kept.collect()
    }
}

/// One store with the model beside it.
struct Both<'a> {
    folder: &'a Path,
    store: Unlocked,
    key: u8,
    model: Model,
}

impl Both<'_> {
    async fn step(&mut self, step: Step) {
        let now = at(self.model.now);
        match step {
            Step::Put(numbers, kept) => self.put(&numbers, DurationMs::from_secs(u64::from(kept))).await,
            Step::Erase(scope) => {
                let page = self.store.store().erase(&scope, None, now).await.unwrap();
                let (held, erased): (Vec<u64>, Vec<u64>) = self
                    .model
                    .kept(|number, _| within(&scope, number))
                    .into_iter()
                    .partition(|n| self.model.held(*n));
                assert_eq!(page.calls, erased.iter().copied().map(call).collect::<Vec<_>>());
                assert_eq!(page.held, held.into_iter().map(call).collect::<Vec<_>>());
                assert!(page.clean && page.next.is_none());
                self.model.calls.extend(erased.into_iter().map(|number| (number, Fate::Erased)));
            }
            Step::Reapply(scope, until) => {
                let erasure = Erasure { scope: scope.clone(), at: at(until) };
                let (count, clean) = self.store.store().reapply(&[erasure]).await.unwrap();
                let erased =
                    self.model.kept(|number, _| within(&scope, number) && captured(number).time <= at(until));
                assert_eq!((count, clean), (erased.len() as u64, true));
                self.model.calls.extend(erased.into_iter().map(|number| (number, Fate::Erased)));
            }
            Step::Hold(hold) => {
                let new = self.store.store().hold(&hold, now).await.unwrap();
                assert_eq!(new, self.model.holds.insert(hold));
            }
            Step::Release(hold) => {
                let was = self.store.store().release(&hold).await.unwrap();
                assert_eq!(was, self.model.holds.remove(&hold));
            }
            Step::Expire(pass, limit) => {
                self.model.now += pass;
                while self.expire(limit, true).await {}
            }
            Step::Interrupted(pass, limit) => {
                self.model.now += pass;
                self.expire(limit, false).await;
            }
            Step::Restart => self.restart().await,
            Step::NewMaster => {
                let (old, new) = (self.key, self.key + 1);
                self.store.store().rewrap(&master(old), &master(new)).await.unwrap();
                self.key = new;
                self.restart().await;
            }
        }
    }

    async fn put(&mut self, numbers: &[u64], kept: DurationMs) {
        let expires = at(self.model.now).plus(kept);
        let batch: Vec<Captured> =
            numbers.iter().map(|number| Captured { expires, ..captured(*number) }).collect();
        let done = self.store.put(&batch).await.unwrap();
        for (number, done) in numbers.iter().zip(done) {
            let fate = *self.model.calls.entry(*number).or_insert(Fate::Kept(expires));
            assert_eq!(done, if matches!(fate, Fate::Kept(_)) { Kept::Sealed } else { Kept::Gone });
        }
    }

    async fn expire(&mut self, limit: u32, sweep: bool) -> bool {
        let now = at(self.model.now);
        let run = self.store.store().expire(now, limit).await.unwrap();
        let due = self.model.kept(|number, expires| expires <= now && !self.model.held(number));
        let taken: Vec<u64> =
            due.iter().copied().filter(|number| run.calls.contains(&call(*number))).collect();
        assert!(run.calls.len() <= limit as usize && run.clean);
        assert!(run.more || taken.len() == due.len());
        // Others in the step are those that an interrupted one left.
        for gone in &run.calls {
            let number = (0..CALLS).find(|number| call(*number) == *gone).unwrap();
            assert!(taken.contains(&number) || self.model.calls[&number] == Fate::Expired);
        }
        self.model.calls.extend(taken.into_iter().map(|number| (number, Fate::Expired)));
        if sweep {
            self.store.store().sweep(&run).await.unwrap();
        }
        run.more
    }

    async fn restart(&mut self) {
        self.store.store().close().await;
        self.store = opened(self.folder, self.key).await;
    }

    /// Every call is what the model says.
    async fn compare(&self) {
        let now = at(self.model.now);
        for number in 0..CALLS {
            let read = read_at(&self.store, number, "answer", now).await;
            match self.model.calls.get(&number) {
                None => assert!(matches!(read, Err(ReadError::Missing))),
                Some(Fate::Erased) => assert!(matches!(read, Err(ReadError::Erased { .. }))),
                Some(Fate::Expired) => assert!(matches!(read, Err(ReadError::Expired { .. }))),
                Some(Fate::Kept(expires)) if *expires <= now && !self.model.held(number) => {
                    assert!(matches!(read, Err(ReadError::Expired { .. })));
                }
                Some(Fate::Kept(_)) => assert_eq!(read.unwrap(), said(number, "answer")),
            }
        }
    }
}

async fn opened(folder: &Path, key: u8) -> Unlocked {
    let bounds = Bounds { wraps: 20, ..Bounds::default() };
    open_bounded(folder, bounds).await.unlock(master(key)).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_store_and_the_model_agree(steps in proptest::collection::vec(steps(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            let store = opened(folder.path(), 1).await;
            let mut both = Both { folder: folder.path(), store, key: 1, model: Model::default() };
            for step in steps {
                both.step(step).await;
                both.compare().await;
            }
            // When all is over and nothing is held, nothing is left.
            for (hold, _) in both.store.store().holds(None, 1000).await.unwrap() {
                both.step(Step::Release(hold)).await;
            }
            both.step(Step::Expire(10_000, 5)).await;
            both.compare().await;
            for number in 0..CALLS {
                assert!(both.store.store().objects(call(number)).await.unwrap().is_empty());
            }
        });
    }
}
