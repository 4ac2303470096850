//! What is captured can be read by who has the master key, for as long as it may, and then by nobody.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::os::unix::fs::PermissionsExt as _;

use cordon_core::{CallId, DurationMs};
use cordon_store::content::{
    BackupError, BackupMark, Backups, Bounds, ContentError, ContentStore, Erasure, Files, Hold, Kept,
    PutError, ReadError, Scope, Status, UnlockError, adopt_backup,
};
use support::{
    at,
    content::{
        batch, call, captured, files, master, open, open_bounded, read, read_at, said, subject, unlocked,
    },
    name,
};

fn hold(scope: Scope, case: &str) -> Hold {
    Hold { scope, case: name(case) }
}

async fn erase_all(store: &ContentStore, scope: &Scope) -> (Vec<CallId>, Vec<CallId>) {
    let (mut erased, mut held, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.erase(scope, after, at(100)).await.unwrap();
        assert!(page.clean);
        erased.extend(page.calls);
        held.extend(page.held);
        after = page.next;
        if after.is_none() {
            return (erased, held);
        }
    }
}

#[tokio::test]
async fn what_is_put_is_read_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    let kept = store.put(&batch(0..200)).await.unwrap();
    assert_eq!(kept, vec![Kept::Sealed; 200]);
    for path in [files(folder.path()).keys, files(folder.path()).content] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    store.store().close().await;
    let store = unlocked(folder.path()).await;
    for number in 0..200 {
        assert_eq!(read(&store, number, "request").await.unwrap(), said(number, "request"));
        assert_eq!(read(&store, number, "answer").await.unwrap(), said(number, "answer"));
        assert!(matches!(read(&store, number, "finding").await, Err(ReadError::Missing)));
    }
    assert!(matches!(read(&store, 200, "request").await, Err(ReadError::Missing)));
    let objects = store.store().objects(call(3)).await.unwrap();
    let seen: Vec<_> =
        objects.iter().map(|object| (object.name.as_str(), object.bytes, object.stored)).collect();
    let bytes = |object| said(3, object).len() as u64;
    assert_eq!(seen, [("answer", bytes("answer"), at(3)), ("request", bytes("request"), at(3))]);
    // What was said is in neither file.
    for path in [files(folder.path()).keys, files(folder.path()).content] {
        let bytes = std::fs::read(path).unwrap();
        assert!(!bytes.windows(14).any(|window| window == b"my card is 411"));
    }
}

#[tokio::test]
async fn a_call_may_come_again_with_more_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    let mut first = captured(1);
    first.objects.truncate(1);
    store.put(&[first]).await.unwrap();
    // With both objects, under other terms, twice in one batch.
    let mut again = captured(1);
    again.team = name("other");
    again.expires = at(1);
    again.objects[0].1 = b"something else".to_vec();
    again.objects.push((name("empty"), Vec::new()));
    assert_eq!(store.put(&[again.clone(), again]).await.unwrap(), [Kept::Sealed; 2]);
    assert_eq!(read(&store, 1, "request").await.unwrap(), said(1, "request"));
    assert_eq!(read(&store, 1, "answer").await.unwrap(), said(1, "answer"));
    assert_eq!(read(&store, 1, "empty").await.unwrap(), b"");
    assert_eq!(store.store().status(call(1)).await.unwrap(), Status::Kept { expires: captured(1).expires });
    let too_large = {
        let mut captured = captured(2);
        captured.objects[1].1 = vec![0; (64 << 20) + 1];
        captured
    };
    assert!(matches!(store.put(&[too_large]).await, Err(PutError::TooLarge { bytes: 67_108_865, .. })));
    assert_eq!(store.store().status(call(2)).await.unwrap(), Status::Missing);
}

#[tokio::test]
async fn only_the_master_key_of_the_store_unlocks_it() {
    let folder = tempfile::tempdir().unwrap();
    unlocked(folder.path()).await.put(&batch(0..3)).await.unwrap();
    let store = open(folder.path()).await;
    assert!(matches!(store.unlock(master(8)).await, Err(UnlockError::WrongMaster)));
    assert!(matches!(store.rewrap(&master(8), &master(9)).await, Err(UnlockError::WrongMaster)));
    let before = store.unlock(master(7)).await.unwrap();
    assert_eq!(store.rewrap(&master(7), &master(8)).await.unwrap().team_keys, 2);
    // Who has the old one is told, and does not do damage with it.
    assert!(matches!(read(&before, 1, "request").await, Err(ReadError::Locked)));
    assert!(matches!(before.put(&batch(3..4)).await, Err(PutError::Locked)));
    assert!(matches!(before.put(&batch(1..2)).await, Err(PutError::Locked)));
    assert!(matches!(store.unlock(master(7)).await, Err(UnlockError::WrongMaster)));
    let after = store.unlock(master(8)).await.unwrap();
    after.put(&batch(3..6)).await.unwrap();
    for number in 0..6 {
        assert_eq!(read(&after, number, "request").await.unwrap(), said(number, "request"));
    }
}

#[tokio::test]
async fn an_erasure_is_complete_idempotent_and_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..20)).await.unwrap();
    let inner = store.store();
    let (erased, held) = erase_all(inner, &Scope::Call(call(7))).await;
    assert_eq!((erased, held), (vec![call(7)], vec![]));
    let (erased, _) = erase_all(inner, &Scope::Subject(subject(2))).await;
    assert_eq!(erased, [2, 12, 17].map(call), "call 7 is gone already");
    let (erased, _) = erase_all(inner, &Scope::Route(name("route-0"))).await;
    assert_eq!(erased, [0, 3, 6, 9, 15, 18].map(call), "call 12 is gone already");
    for scope in [Scope::Call(call(7)), Scope::Subject(subject(2)), Scope::Route(name("route-0"))] {
        assert_eq!(erase_all(inner, &scope).await, (vec![], vec![]));
    }
    for number in 0..20 {
        let gone = [7, 2, 12, 17].contains(&number) || number % 3 == 0;
        match read(&store, number, "answer").await {
            Ok(content) => assert!(!gone && content == said(number, "answer")),
            Err(error) => assert!(gone && matches!(error, ReadError::Erased { at: time } if time == at(100))),
        }
        assert_eq!(inner.objects(call(number)).await.unwrap().is_empty(), gone);
    }
    // What comes late for an erased call is not kept.
    assert_eq!(store.put(&batch(7..9)).await.unwrap(), [Kept::Gone, Kept::Sealed]);
    assert!(matches!(read(&store, 7, "request").await, Err(ReadError::Erased { .. })));
}

#[tokio::test]
async fn a_long_erasure_goes_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    let calls: Vec<_> = (0..2500)
        .map(|number| {
            let mut captured = captured(number);
            captured.subject = Some(subject(1));
            captured.objects.truncate(1);
            captured
        })
        .collect();
    store.put(&calls).await.unwrap();
    for number in [5, 1030, 2400] {
        store.store().hold(&hold(Scope::Call(call(number)), "case"), at(0)).await.unwrap();
    }
    let (erased, held) = erase_all(store.store(), &Scope::Subject(subject(1))).await;
    assert_eq!((erased.len(), held), (2497, [5, 1030, 2400].map(call).to_vec()));
    let (erased, held) = erase_all(store.store(), &Scope::Subject(subject(1))).await;
    assert_eq!((erased.len(), held.len()), (0, 3));
}

#[tokio::test]
async fn a_hold_stops_erasure_and_expiry_until_every_case_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..12)).await.unwrap();
    let inner = store.store();
    let holds = [
        hold(Scope::Call(call(1)), "case-1"),
        hold(Scope::Call(call(1)), "case-2"),
        hold(Scope::Subject(subject(2)), "case-1"),
        hold(Scope::Route(name("route-0")), "case-1"),
    ];
    for hold in &holds {
        assert!(inner.hold(hold, at(50)).await.unwrap());
        assert!(!inner.hold(hold, at(60)).await.unwrap());
    }
    let listed = inner.holds(None, 100).await.unwrap();
    assert_eq!(listed, holds.clone().map(|hold| (hold, at(50))));
    let mut paged = Vec::new();
    while let Some(next) = inner.holds(paged.last(), 1).await.unwrap().pop() {
        paged.push(next.0);
    }
    assert_eq!(paged, holds);

    let held = [0, 1, 2, 3, 6, 7, 9];
    let (erased, kept) = erase_all(inner, &Scope::Call(call(1))).await;
    assert_eq!((erased, kept), (vec![], vec![call(1)]));
    let (erased, kept) = erase_all(inner, &Scope::Subject(subject(1))).await;
    assert_eq!((erased, kept), (vec![call(11)], [1, 6].map(call).to_vec()));
    let run = inner.expire(at(100_000), 100).await.unwrap();
    assert_eq!((run.calls.clone(), run.more), ([4, 5, 8, 10].map(call).to_vec(), false));
    inner.sweep(&run).await.unwrap();
    for number in held {
        // Their time is over, and the hold is there so that they can be read.
        assert_eq!(read_at(&store, number, "request", at(100_000)).await.unwrap(), said(number, "request"));
    }

    assert!(inner.release(&holds[0]).await.unwrap());
    assert!(!inner.release(&holds[0]).await.unwrap());
    assert_eq!(erase_all(inner, &Scope::Call(call(1))).await.1, [call(1)], "the other case holds it");
    for hold in &holds[1..] {
        assert!(inner.release(hold).await.unwrap());
    }
    assert!(matches!(read_at(&store, 1, "request", at(100_000)).await, Err(ReadError::Expired { .. })));
    let run = inner.expire(at(100_000), 100).await.unwrap();
    assert_eq!(run.calls, held.map(call));
    assert_eq!(run.range(), Some((call(0), call(9))));
}

#[tokio::test]
async fn retention_goes_in_steps_and_reports_each_object_until_it_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..10)).await.unwrap();
    let inner = store.store();
    // Calls 0 to 6 are over at this time.
    let now = at(3606);
    assert!(
        matches!(read_at(&store, 6, "request", now).await, Err(ReadError::Expired { at: time }) if time == at(3606))
    );
    let first = inner.expire(now, 3).await.unwrap();
    assert_eq!(
        (first.calls.as_slice(), first.more, first.clean),
        ([0, 1, 2].map(call).as_slice(), true, true)
    );
    assert_eq!(first.objects.len(), 6);
    assert_eq!(
        first.bytes(),
        (0..3).map(|n| (said(n, "request").len() + said(n, "answer").len()) as u64).sum::<u64>()
    );
    assert!(matches!(read(&store, 1, "request").await, Err(ReadError::Expired { .. })));

    // Interrupted before the sweep: the next run brings them again, with the same digests.
    inner.close().await;
    let store = unlocked(folder.path()).await;
    let inner = store.store();
    let again = inner.expire(now, 100).await.unwrap();
    assert_eq!((again.calls.as_slice(), again.more), ([0, 1, 2, 3, 4, 5, 6].map(call).as_slice(), false));
    assert_eq!(again.objects[..6], first.objects);
    inner.sweep(&again).await.unwrap();
    inner.sweep(&again).await.unwrap();
    assert!(inner.objects(call(2)).await.unwrap().is_empty());
    let done = inner.expire(now, 100).await.unwrap();
    assert_eq!((done.calls.len(), done.objects.len(), done.more), (0, 0, false));
    assert_eq!(read_at(&store, 7, "request", now).await.unwrap(), said(7, "request"));

    // That it expired is remembered as long as it was said.
    assert_eq!(inner.status(call(2)).await.unwrap(), Status::Expired { at: now });
    let later = now.plus(DurationMs::from_secs(401 * 86_400));
    let run = inner.expire(later, 100).await.unwrap();
    inner.sweep(&run).await.unwrap();
    assert_eq!(inner.status(call(2)).await.unwrap(), Status::Missing);
    assert_eq!(inner.status(call(8)).await.unwrap(), Status::Expired { at: later });
}

#[tokio::test]
async fn a_full_store_refuses_and_takes_content_again_when_retention_made_room() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { content: 1 << 20, ..Bounds::default() };
    let store = open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap();
    let large = |number| {
        let mut captured = captured(number);
        captured.objects = vec![(name("request"), vec![b'x'; 100_000])];
        captured
    };
    let mut number = 0;
    let refused = loop {
        match store.put(&[large(number)]).await {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
        assert!(number < 20);
    };
    assert!(matches!(refused, PutError::File(ContentError::Full(_))), "{refused}");
    assert!(number >= 8, "{number}");
    assert_eq!(store.store().status(call(number)).await.unwrap(), Status::Missing);
    let run = store.store().expire(at(100_000), 1000).await.unwrap();
    assert_eq!(run.calls.len() as u64, number);
    store.store().sweep(&run).await.unwrap();
    let file = files(folder.path()).content;
    store.put(&[large(50)]).await.unwrap();
    store.store().close().await;
    assert!(file.metadata().unwrap().len() < 300_000, "{}", file.metadata().unwrap().len());

    let bounds = Bounds { keys: 100_000, ..Bounds::default() };
    let store = open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap();
    assert!(matches!(store.put(&batch(100..300)).await, Err(PutError::File(ContentError::Full(_)))));
}

#[tokio::test]
async fn a_restored_backup_forgets_again_what_was_erased_since() {
    let folder = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..20)).await.unwrap();
    let inner = store.store();
    let to = Backups { keys: copies.path().join("keys.db"), content: copies.path().join("content.db") };
    let mark = BackupMark { made: at(20), expires: at(5000) };
    inner.backup(&to, mark).await.unwrap();
    assert!(
        matches!(inner.backup(&to, mark).await, Err(BackupError::Io { .. })),
        "a copy is not written over"
    );
    for path in [&to.keys, &to.content] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    // The same subject again, after its erasure: not meant by it.
    let page = inner.erase(&Scope::Subject(subject(2)), None, at(30)).await.unwrap();
    assert_eq!((page.calls.len(), page.backup_until), (4, Some(at(5000))));
    assert_eq!(inner.erase(&Scope::Call(call(2)), None, at(5000)).await.unwrap().backup_until, None);
    store.put(&batch([42])).await.unwrap();
    let copies_later = tempfile::tempdir().unwrap();
    let later = Backups { keys: copies_later.path().join("k"), content: copies_later.path().join("c") };
    inner.backup(&later, BackupMark { made: at(50), expires: at(4000) }).await.unwrap();
    assert_eq!(inner.erase(&Scope::Call(call(0)), None, at(60)).await.unwrap().backup_until, Some(at(5000)));
    inner.close().await;

    let restored = Files { keys: to.keys.clone(), content: to.content.clone() };
    let reopen = async |files: &Files| {
        ContentStore::open(files, Bounds::default(), |bytes: &mut [u8]| bytes.fill(3)).await
    };
    assert!(
        matches!(reopen(&restored).await, Err(ContentError::Backup { file: "keys.db", made }) if made == at(20))
    );
    let not_one = adopt_backup(&files(folder.path()).keys, at(100)).await;
    assert!(matches!(not_one, Err(BackupError::NotABackup { .. })), "{not_one:?}");
    let late = adopt_backup(&to.keys, at(5000)).await;
    assert!(
        matches!(late, Err(BackupError::Expired { made, expires }) if (made, expires) == (at(20), at(5000)))
    );
    assert_eq!(adopt_backup(&to.keys, at(100)).await.unwrap(), mark);
    assert!(matches!(reopen(&restored).await, Err(ContentError::Backup { file: "content.db", .. })));
    assert_eq!(adopt_backup(&to.content, at(100)).await.unwrap(), mark);

    let inner = reopen(&restored).await.unwrap();
    // A hold that was not there then does not bring back what was erased.
    inner.hold(&hold(Scope::Subject(subject(2)), "case"), at(90)).await.unwrap();
    let store = inner.unlock(master(7)).await.unwrap();
    assert_eq!(read(&store, 2, "request").await.unwrap(), said(2, "request"));
    let erasures = [
        Erasure { scope: Scope::Subject(subject(2)), at: at(30) },
        Erasure { scope: Scope::Call(call(0)), at: at(60) },
    ];
    assert_eq!(inner.reapply(&erasures).await.unwrap(), (5, true));
    assert_eq!(inner.reapply(&erasures).await.unwrap(), (0, true));
    for number in [0, 2, 7, 12, 17] {
        assert!(matches!(read(&store, number, "request").await, Err(ReadError::Erased { .. })));
    }
    assert_eq!(read(&store, 1, "request").await.unwrap(), said(1, "request"));
    inner.close().await;

    // The younger copy has the call that came after the erasure: it stays.
    adopt_backup(&later.keys, at(100)).await.unwrap();
    adopt_backup(&later.content, at(100)).await.unwrap();
    let inner = reopen(&Files { keys: later.keys, content: later.content }).await.unwrap();
    assert_eq!(inner.reapply(&erasures).await.unwrap(), (1, true));
    let store = inner.unlock(master(7)).await.unwrap();
    assert_eq!(read(&store, 42, "request").await.unwrap(), said(42, "request"));
}

#[tokio::test]
async fn files_that_are_others_or_do_not_belong_together_are_refused() {
    let one = tempfile::tempdir().unwrap();
    let two = tempfile::tempdir().unwrap();
    open(one.path()).await.close().await;
    open(two.path()).await.close().await;
    let entropy = || |bytes: &mut [u8]| bytes.fill(9);
    let mixed = Files { keys: files(one.path()).keys, content: files(two.path()).content };
    assert!(matches!(
        ContentStore::open(&mixed, Bounds::default(), entropy()).await,
        Err(ContentError::Mismatch)
    ));
    let swapped = Files { keys: files(one.path()).content, content: files(one.path()).keys };
    assert!(matches!(
        ContentStore::open(&swapped, Bounds::default(), entropy()).await,
        Err(ContentError::Damaged(_))
    ));
    let lost = Files { keys: one.path().join("none"), content: files(one.path()).content };
    assert!(matches!(
        ContentStore::open(&lost, Bounds::default(), entropy()).await,
        Err(ContentError::Mismatch)
    ));
    std::fs::write(one.path().join("text"), vec![b'x'; 5000]).unwrap();
    let text = Files { keys: one.path().join("text"), content: files(one.path()).content };
    assert!(matches!(
        ContentStore::open(&text, Bounds::default(), entropy()).await,
        Err(ContentError::Damaged(_))
    ));
}
