//! What every log must do, said once for all implementations: [`suite`] runs against each. What only SQLite can get wrong
//! follows below.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    sync::Arc,
};

use cordon_core::{Digest, HmacKey, Seal, Timestamp, fact::Blob, resource::Kind};
use cordon_store::log::{AppendError, Entry, Log, LogError, PAGE, SqliteLog};
use proptest::prelude::*;
use support::{Folder, at, entry, set, team, teams, touched};

/// Runs every law against fresh logs. `open` gives one more handle on the log number so and so: each number is a log of
/// its own, and handles of one number are what two processes would hold.
async fn suite<L: Log, F: Future<Output = L>>(open: impl Fn(u32) -> F) {
    bytes_come_back_exactly(&open(0).await).await;
    nothing_is_appended_by_halves(&open(1).await).await;
    pages_are_bounded_and_join(&open(2).await).await;
    positions_of_times(&open(3).await).await;
    history_of_a_subject(&open(4).await).await;
    seals_are_kept_and_destroyed(&open(5).await).await;
    for number in 10..20 {
        two_writers_never_fork(open(number).await, open(number).await).await;
    }
}

async fn bytes_come_back_exactly(log: &impl Log) {
    assert_eq!(log.head().await.unwrap(), 0);
    assert_eq!(log.read(0, 10).await.unwrap(), []);
    let mut entries = teams(0, 3);
    // Bytes that nobody would write this way: the log keeps what it was given.
    entries[1].leaf.bytes = b"{ \"not\" : \"canonical\" }\xff\x00".to_vec();
    let bytes = vec![7; 100_000];
    entries[2].leaf.blob = Some(Blob { digest: Digest::sha256(&bytes), bytes: bytes.clone() });
    assert_eq!(log.append(0, &entries, &[]).await.unwrap(), 3);
    // The same blob again, and a fact without one.
    let more = [entries[2].clone(), entries[0].clone()];
    let more: Vec<Entry> = more.into_iter().map(|entry| Entry { time: at(100), ..entry }).collect();
    assert_eq!(log.append(3, &more, &[]).await.unwrap(), 5);
    let stored = log.read(0, 10).await.unwrap();
    let expected: Vec<&Entry> = entries.iter().chain(&more).collect();
    assert_eq!(stored.len(), 5);
    for ((stored, entry), position) in stored.iter().zip(expected).zip(0..) {
        assert_eq!((stored.position, &stored.leaf), (position, &entry.leaf.bytes));
        assert_eq!(stored.blob, entry.leaf.blob.as_ref().map(|blob| blob.bytes.clone()));
    }
}

async fn nothing_is_appended_by_halves(log: &impl Log) {
    log.append(0, &teams(0, 2), &[]).await.unwrap();
    let seal = Seal::new(b"\"text\"".to_vec(), HmacKey::from_bytes([3; 32]));
    let seals = [seal.clone()];
    for expected in [0, 1, 3, u64::MAX] {
        match log.append(expected, &teams(5, 1), &seals).await {
            Err(AppendError::Conflict { expected: told, actual: 2 }) => assert_eq!(told, expected),
            other => panic!("{other:?}"),
        }
    }
    let mut back = teams(5, 2);
    back[1].time = at(4);
    assert!(matches!(log.append(2, &back, &seals).await, Err(AppendError::TimeDecreases)));
    assert!(matches!(log.append(2, &teams(0, 1), &seals).await, Err(AppendError::TimeDecreases)));
    assert_eq!(log.head().await.unwrap(), 2);
    assert!(log.seals(&[seal.digest]).await.unwrap().is_empty());
    assert!(log.history(&touched(Kind::Team, "team-5"), u64::MAX, 9).await.unwrap().is_empty());
    // The same time as the fact before is no going back.
    log.append(2, &teams(1, 1), &seals).await.unwrap();
    assert_eq!(log.append(3, &[], &[]).await.unwrap(), 3);
}

async fn pages_are_bounded_and_join(log: &impl Log) {
    let count = PAGE + 100;
    log.append(0, &teams(0, count), &[]).await.unwrap();
    let mut position = 0;
    while position < count {
        let page = log.read(position, u64::MAX).await.unwrap();
        assert!(page.len() as u64 <= PAGE);
        for stored in page {
            assert_eq!(stored.position, position);
            assert_eq!(
                stored.decode().unwrap(),
                set(position.try_into().unwrap(), team(&format!("team-{position}")))
            );
            position += 1;
        }
    }
    assert_eq!(log.read(10, 13).await.unwrap().len(), 3);
    assert_eq!(log.read(13, 10).await.unwrap(), []);
    assert_eq!(log.read(count, u64::MAX).await.unwrap(), []);
}

async fn positions_of_times(log: &impl Log) {
    assert_eq!(log.position_at(at(0)).await.unwrap(), 0);
    let times = [5, 5, 7, 9, 9, 9, 30];
    let entries: Vec<Entry> = times.map(|second| entry(&set(second, team("a")))).into();
    log.append(0, &entries, &[]).await.unwrap();
    for second in 0..40 {
        let expected = times.iter().filter(|time| **time <= second).count() as u64;
        assert_eq!(log.position_at(at(second)).await.unwrap(), expected, "{second}");
    }
    assert_eq!(log.position_at(Timestamp::from_millis(i64::MIN)).await.unwrap(), 0);
    assert_eq!(log.position_at(Timestamp::from_millis(i64::MAX)).await.unwrap(), 7);
}

async fn history_of_a_subject(log: &impl Log) {
    let names = ["a", "b", "a", "c", "a", "b"];
    let entries: Vec<Entry> =
        (0..).zip(names).map(|(second, name)| entry(&set(second, team(name)))).collect();
    log.append(0, &entries, &[]).await.unwrap();
    let positions = async |name: &str, before, limit| -> Vec<u64> {
        let found = log.history(&touched(Kind::Team, name), before, limit).await.unwrap();
        found.iter().map(|stored| stored.position).collect()
    };
    assert_eq!(positions("a", u64::MAX, 10).await, [4, 2, 0]);
    assert_eq!(positions("a", 4, 10).await, [2, 0]);
    assert_eq!(positions("a", u64::MAX, 2).await, [4, 2]);
    assert_eq!(positions("b", u64::MAX, 10).await, [5, 1]);
    assert_eq!(positions("d", u64::MAX, 10).await, [0; 0]);
    let other = log.history(&touched(Kind::System, "a"), u64::MAX, 10).await.unwrap();
    assert_eq!(other, []);
}

async fn seals_are_kept_and_destroyed(log: &impl Log) {
    let seal =
        |number: u8| Seal::new(format!("\"{number}\"").into_bytes(), HmacKey::from_bytes([number; 32]));
    let seals: Vec<Seal> = (0..100).map(seal).collect();
    log.append(0, &teams(0, 1), &seals).await.unwrap();
    let digests: Vec<Digest> = seals.iter().map(|seal| seal.digest).collect();
    let vault = log.seals(&digests).await.unwrap();
    assert_eq!(vault.len(), 100);
    assert!(seals.iter().all(|seal| vault[&seal.digest].value == seal.value && vault[&seal.digest].holds()));
    assert!(log.destroy(digests[7]).await.unwrap());
    assert!(!log.destroy(digests[7]).await.unwrap(), "there is nothing left to destroy");
    assert!(!log.destroy(Digest::sha256(b"never sealed")).await.unwrap());
    let vault = log.seals(&digests).await.unwrap();
    assert_eq!((vault.len(), vault.contains_key(&digests[7])), (99, false));
    // What is destroyed does not come back by sealing it under the same key again.
    log.append(1, &teams(1, 1), &seals[7..8]).await.unwrap();
    assert!(log.seals(&digests[7..8]).await.unwrap().is_empty());
}

/// Two handles append as fast as they can, each where it last saw the head. Every acknowledged fact is there exactly where
/// it was acknowledged, and nothing else is.
async fn two_writers_never_fork<L: Log>(one: L, two: L) {
    async fn write(log: Arc<impl Log>, writer: u64) -> (Vec<(u64, Vec<u8>)>, u64) {
        let (mut acknowledged, mut conflicts) = (Vec::new(), 0);
        let mut expected = 0;
        for number in 0..25 {
            let mut entries = teams(0, 1 + number % 3);
            for (part, entry) in entries.iter_mut().enumerate() {
                entry.time = at(0);
                entry.leaf.bytes = format!("writer {writer} number {number} part {part}").into_bytes();
            }
            loop {
                match log.append(expected, &entries, &[]).await {
                    Ok(head) => {
                        let leaves = entries.iter().map(|entry| entry.leaf.bytes.clone());
                        acknowledged.extend((expected..).zip(leaves));
                        assert_eq!(head, expected + entries.len() as u64);
                        expected = head;
                        break;
                    }
                    Err(AppendError::Conflict { actual, .. }) => {
                        conflicts += 1;
                        expected = actual;
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
        (acknowledged, conflicts)
    }
    let (one, two) = (Arc::new(one), Arc::new(two));
    let tasks = [tokio::spawn(write(Arc::clone(&one), 1)), tokio::spawn(write(Arc::clone(&two), 2))];
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap().0);
    }
    all.sort();
    let stored = two.read(0, u64::MAX).await.unwrap();
    let stored: Vec<(u64, Vec<u8>)> =
        stored.into_iter().map(|stored| (stored.position, stored.leaf)).collect();
    assert_eq!(stored, all);
    assert_eq!(one.head().await.unwrap(), all.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_is_a_log() {
    let folder = Folder::new();
    suite(async |number| SqliteLog::open(&folder.path().join(format!("{number}.db"))).await.unwrap()).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two handles, appends interleaved in any way, each writer's idea of the head as old as it happens to be: exactly
    /// those at the head win.
    #[test]
    fn of_two_appends_at_one_position_one_wins(steps in proptest::collection::vec((any::<bool>(), any::<bool>(), 1..4_u64), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            let handles = [folder.log().await, folder.log().await];
            let (mut known, mut head) = ([0, 0], 0);
            for (second, look, count) in steps {
                let writer = usize::from(second);
                if look {
                    known[writer] = handles[writer].head().await.unwrap();
                    prop_assert_eq!(known[writer], head);
                }
                match handles[writer].append(known[writer], &teams(head, count), &[]).await {
                    Ok(new) => {
                        prop_assert_eq!(known[writer], head);
                        head += count;
                        prop_assert_eq!(new, head);
                        known[writer] = head;
                    }
                    Err(AppendError::Conflict { actual, .. }) => {
                        prop_assert!(known[writer] != head);
                        prop_assert_eq!(actual, head);
                    }
                    Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
                }
            }
            prop_assert_eq!(handles[0].read(0, u64::MAX).await.unwrap().len() as u64, head);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_destroyed_value_leaves_no_bytes_behind() {
    let folder = Folder::new();
    let log = folder.log().await;
    let secret = "a sentence that must be gone for good";
    let seal = Seal::new(format!("\"{secret}\"").into_bytes(), HmacKey::from_bytes([9; 32]));
    log.append(0, &teams(0, 1), std::slice::from_ref(&seal)).await.unwrap();
    let found = || {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.filter(|bytes| bytes.windows(secret.len()).any(|part| part == secret.as_bytes())).count()
    };
    assert!(found() > 0);
    assert!(log.destroy(seal.digest).await.unwrap());
    assert_eq!(found(), 0);
}

#[tokio::test]
async fn a_full_disk_appends_nothing_and_is_told_apart() {
    let folder = Folder::new();
    // SQLite meets its own bound of pages as it would meet the end of the disk.
    let log = SqliteLog::open_bounded(&folder.file(), 100).await.unwrap();
    log.append(0, &teams(0, 10), &[]).await.unwrap();
    let bytes = vec![7; 1 << 20];
    let mut entries = teams(10, 1);
    entries[0].leaf.blob = Some(Blob { digest: Digest::sha256(&bytes), bytes });
    for head in 10..13 {
        entries[0].time = at(100);
        let full = log.append(head, &entries, &[]).await;
        assert!(matches!(full, Err(AppendError::Full(_))), "{full:?}");
        assert_eq!(log.head().await.unwrap(), head);
        // What fits is still taken: the log goes on by itself as soon as there is room.
        let mut small = teams(head, 1);
        small[0].time = at(100);
        assert_eq!(log.append(head, &small, &[]).await.unwrap(), head + 1);
    }
    assert_eq!(folder.log().await.append(13, &entries, &[]).await.unwrap(), 14);
}

#[tokio::test]
async fn a_log_opened_to_read_is_not_written() {
    let folder = Folder::new();
    let log = folder.log().await;
    log.append(0, &teams(0, 3), &[]).await.unwrap();
    log.close().await;
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["log.db"], "closing writes all back into one file");
    let reader = SqliteLog::open_read_only(&folder.file()).await.unwrap();
    assert_eq!(reader.read(0, 9).await.unwrap().len(), 3);
    assert!(matches!(reader.append(3, &teams(3, 1), &[]).await, Err(AppendError::ReadOnly(_))));
    assert!(matches!(reader.destroy(Digest::sha256(b"x")).await, Err(AppendError::ReadOnly(_))));
    assert_eq!(names(), ["log.db"], "nothing is made beside a log that is only read");
}

#[tokio::test]
async fn what_is_no_log_is_said_to_be_none() {
    let folder = Folder::new();
    assert!(matches!(SqliteLog::open_read_only(&folder.file()).await, Err(LogError::Unavailable(_))));
    std::fs::write(folder.file(), "certainly no database".repeat(500)).unwrap();
    assert!(matches!(SqliteLog::open(&folder.file()).await, Err(LogError::Damaged(_))));
    // A database of somebody else.
    let other = folder.path().join("index.db");
    let (index, writer) = cordon_store::CallIndex::open(&other).await.unwrap();
    writer.close().await.unwrap();
    index.close().await;
    assert!(matches!(SqliteLog::open(&other).await, Err(LogError::Damaged(_))));
}

#[tokio::test]
async fn a_log_whose_file_is_gone_takes_nothing_and_goes_on_when_it_is_back() {
    let folder = Folder::new();
    let log = SqliteLog::open(&folder.file()).await.unwrap();
    log.append(0, &teams(0, 3), &[]).await.unwrap();
    let aside = folder.path().join("aside.db");
    std::fs::rename(folder.file(), &aside).unwrap();
    assert!(matches!(log.head().await, Err(LogError::Unavailable(_))));
    assert!(matches!(log.append(3, &teams(3, 1), &[]).await, Err(AppendError::Unavailable(_))));
    std::fs::write(folder.file(), "").unwrap();
    assert!(matches!(log.append(3, &teams(3, 1), &[]).await, Err(AppendError::Unavailable(_))));
    std::fs::rename(&aside, folder.file()).unwrap();
    assert_eq!(log.append(3, &teams(3, 1), &[]).await.unwrap(), 4);
    assert_eq!(log.read(0, 9).await.unwrap().len(), 4);
}

/// What the process that is killed says after each append.
const ACKNOWLEDGED: &str = "acknowledged";

/// The name that makes this test program the process that is killed.
const CHILD: &str = "CORDON_TEST_APPEND_TO";

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    if let Some(file) = std::env::var_os(CHILD) {
        append_for_ever(std::path::Path::new(&file));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = Folder::new();
    let mut acknowledged = 0;
    for round in 0..8_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_killed_process_loses_nothing_that_it_acknowledged", "--nocapture"])
            .env(CHILD, folder.file())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Killed after some appends, in the middle of whatever comes next.
        let mut left = 3 + round * 5;
        while left > 0 {
            let line = lines.next().unwrap().unwrap();
            if let Some(head) = line.strip_prefix(ACKNOWLEDGED) {
                acknowledged = head.trim().parse().unwrap();
                left -= 1;
            }
        }
        child.kill().unwrap();
        // What it said before it died counts too.
        for line in lines.map_while(Result::ok) {
            if let Some(head) = line.strip_prefix(ACKNOWLEDGED) {
                acknowledged = head.trim().parse().unwrap_or(acknowledged);
            }
        }
        child.wait().unwrap();
        runtime.block_on(async {
            let log = folder.log().await;
            let head = log.head().await.unwrap();
            assert!(head >= acknowledged, "{head} of {acknowledged}");
            // Groups of three are there whole.
            assert_eq!(head % 3, 0);
            let mut position = 0;
            while position < head {
                for stored in log.read(position, head).await.unwrap() {
                    stored.decode().unwrap();
                    position += 1;
                }
            }
            log.close().await;
        });
    }
}

fn append_for_ever(file: &std::path::Path) -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let log = SqliteLog::open(file).await.unwrap();
        let mut head = log.head().await.unwrap();
        loop {
            head = log.append(head, &teams(head, 3), &[]).await.unwrap();
            let mut out = std::io::stdout().lock();
            writeln!(out, "\n{ACKNOWLEDGED} {head}").unwrap();
            out.flush().unwrap();
        }
    })
}
