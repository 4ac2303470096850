//! What lies in the files of captured content: nothing of what was destroyed, nothing that a crash leaves readable, and
//! nothing that can be changed unseen.
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
    collections::{BTreeMap, BTreeSet, HashMap},
    future::poll_fn,
    path::Path,
    pin::pin,
    task::Poll,
};

use cordon_core::{CallId, DurationMs};
use cordon_store::content::{Bounds, ContentStore, Damage, Kept, ReadError, Scope, Status, Unlocked};
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Row as _};
use support::{
    at,
    content::{
        batch, call, captured, files, master, open, open_bounded, raw, read, read_at, said, subject, unlocked,
    },
    name,
};

/// The wrapped keys that are in use, by call; team keys under nothing.
async fn wrapped(folder: &Path) -> Vec<(Option<CallId>, Vec<u8>)> {
    let mut connection = raw(&files(folder).keys).await;
    let rows = sqlx::query(
        "SELECT d.call, s.wrapped FROM slots s JOIN data_keys d ON d.slot = s.id
         UNION ALL SELECT NULL, s.wrapped FROM slots s JOIN team_keys t ON t.slot = s.id",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    rows.iter()
        .map(|row| {
            let call: Option<Vec<u8>> = row.get(0);
            (call.map(|bytes| CallId::from_bytes(bytes.try_into().unwrap())), row.get(1))
        })
        .collect()
}

/// How often the files of keys hold each of these, whole or the first 16 bytes of nonce, ciphertext and tag.
fn found(folder: &Path, wrapped: &[Vec<u8>]) -> Vec<usize> {
    let mut parts: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (index, wrapped) in wrapped.iter().enumerate() {
        for from in [0, 12, 28, 44] {
            parts.entry(&wrapped[from..from + 16]).or_default().push(index);
        }
    }
    let mut found = vec![0; wrapped.len()];
    let mut looked_at = 0;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut path = files(folder).keys.into_os_string();
        path.push(suffix);
        let Ok(bytes) = std::fs::read(path) else { continue };
        looked_at += bytes.len();
        for window in bytes.windows(16) {
            for index in parts.get(window).into_iter().flatten() {
                found[*index] += 1;
            }
        }
    }
    assert!(looked_at > 0);
    found
}

/// A wrapped key in four parts, each of them there once.
const ONCE: usize = 4;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

#[tokio::test]
async fn a_destroyed_key_is_in_no_file_and_no_free_page() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { wraps: 500, remember: DurationMs::from_secs(1), ..Bounds::default() };
    let store = open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap();
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut everything: BTreeMap<CallId, Vec<u8>> = BTreeMap::new();
    let mut number = 0;
    for round in 0..25_u64 {
        // Many keys, so that the tables have pages of several levels; calls do not come in order of their ids.
        let mut calls = Vec::new();
        for _ in 0..(100 + random.below(500)) {
            let mut captured = captured(number ^ 0x155);
            captured.subject = (random.below(3) > 0).then(|| subject(random.below(40)));
            captured.expires = at(i64::try_from(round * 10 + random.below(100)).unwrap());
            captured.objects.truncate(1);
            calls.push(captured);
            number += 1;
        }
        store.put(&calls).await.unwrap();
        let live = wrapped(folder.path()).await;
        everything.extend(live.into_iter().filter_map(|(call, wrapped)| Some((call?, wrapped))));
        let inner = store.store();
        for _ in 0..20 {
            inner.erase(&Scope::Call(call(random.below(number))), None, at(0)).await.unwrap();
        }
        inner.erase(&Scope::Subject(subject(random.below(40))), None, at(0)).await.unwrap();
        let now = at(i64::try_from(round * 10).unwrap());
        let run = inner.expire(now, 300).await.unwrap();
        inner.sweep(&run).await.unwrap();
        assert!(run.clean);
    }
    let live: BTreeSet<CallId> =
        wrapped(folder.path()).await.into_iter().filter_map(|(call, _)| call).collect();
    let (calls, keys): (Vec<CallId>, Vec<Vec<u8>>) = everything.into_iter().unzip();
    assert!(
        keys.len() > 5000 && live.len() > 300 && live.len() < keys.len() / 2,
        "{} of {}",
        live.len(),
        keys.len()
    );
    for (call, times) in calls.iter().zip(found(folder.path(), &keys)) {
        // Those in use are there exactly once: no copy of them was left behind that destroying them would miss.
        assert_eq!(times, if live.contains(call) { ONCE } else { 0 }, "{call}");
    }
}

#[tokio::test]
async fn after_the_master_key_was_replaced_nothing_is_left_under_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { wraps: 8, ..Bounds::default() };
    let store = open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap();
    store.put(&batch(0..200)).await.unwrap();
    let before: Vec<Vec<u8>> = wrapped(folder.path())
        .await
        .into_iter()
        .filter(|(call, _)| call.is_none())
        .map(|(_, key)| key)
        .collect();
    assert_eq!(before.len(), 26, "a generation for every 8 wraps of two teams");
    let done = store.store().rewrap(&master(7), &master(8)).await.unwrap();
    assert_eq!((done.team_keys, done.clean), (26, true));
    assert_eq!(found(folder.path(), &before), vec![0; 26]);
    let store = store.store().unlock(master(8)).await.unwrap();
    for number in 0..200 {
        assert_eq!(read(&store, number, "answer").await.unwrap(), said(number, "answer"));
    }
}

#[tokio::test]
async fn a_reader_in_the_way_is_told_and_the_next_erasure_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..3)).await.unwrap();
    let keys: Vec<Vec<u8>> = wrapped(folder.path())
        .await
        .into_iter()
        .filter(|(id, _)| *id == Some(call(1)))
        .map(|(_, key)| key)
        .collect();
    let mut reader = raw(&files(folder.path()).keys).await;
    sqlx::raw_sql("BEGIN; SELECT * FROM slots").execute(&mut reader).await.unwrap();
    let page = store.store().erase(&Scope::Call(call(1)), None, at(0)).await.unwrap();
    assert_eq!((page.calls, page.clean), (vec![call(1)], false));
    assert_ne!(found(folder.path(), &keys), [0]);
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
    assert!(store.store().erase(&Scope::Call(call(1)), None, at(0)).await.unwrap().clean);
    assert_eq!(found(folder.path(), &keys), [0]);
}

/// Polls work so many times and drops it where it is then. Gives what it gave if it was done by then.
async fn interrupted<T>(work: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_put_that_stops_anywhere_leaves_all_or_nothing_of_an_object() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { wraps: 40, ..Bounds::default() };
    let mut polls = 1;
    loop {
        let numbers = u64::from(polls) * 10..u64::from(polls) * 10 + 10;
        let store = open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap();
        let done = interrupted(store.put(&batch(numbers.clone())), polls).await;
        // Half of the time by the store that was interrupted, half of the time by the next one.
        let store = if polls.is_multiple_of(2) {
            store
        } else {
            drop(store);
            open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap()
        };
        for number in numbers.clone() {
            match read(&store, number, "request").await {
                Ok(content) => assert_eq!(content, said(number, "request")),
                Err(error) => {
                    assert!(matches!(error, ReadError::Missing), "{error}");
                    assert!(done.is_none());
                }
            }
        }
        store.put(&batch(numbers.clone())).await.unwrap();
        for number in numbers {
            assert_eq!(read(&store, number, "answer").await.unwrap(), said(number, "answer"));
        }
        store.store().close().await;
        if done.is_some() {
            break;
        }
        polls += 1;
    }
    assert!(polls > 5, "{polls}");
    let store = open(folder.path()).await;
    let run = store.expire(at(1_000_000), 1024).await.unwrap();
    assert_eq!(run.calls.len(), polls as usize * 10);
}

#[tokio::test]
async fn an_erasure_that_stops_anywhere_is_finished_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..400)).await.unwrap();
    let mut polls = 1;
    loop {
        let number = u64::from(polls);
        let scope = Scope::Call(call(number));
        let done = interrupted(store.store().erase(&scope, None, at(5)), polls).await;
        let gone = match read(&store, number, "request").await {
            Ok(content) => {
                assert_eq!(content, said(number, "request"));
                false
            }
            Err(ReadError::Erased { .. } | ReadError::Missing) => true,
            Err(other) => panic!("{other}"),
        };
        assert!(gone || done.is_none());
        assert!(store.store().erase(&scope, None, at(5)).await.unwrap().clean);
        assert!(matches!(read(&store, number, "request").await, Err(ReadError::Erased { .. })));
        assert!(store.store().objects(call(number)).await.unwrap().is_empty());
        if done.is_some() {
            break;
        }
        polls += 1;
    }
    assert!(polls > 5, "{polls}");
}

/// Lets work come as far as a condition holds, and drops it there.
async fn until<T>(work: impl Future<Output = T>, mut reached: impl AsyncFnMut() -> bool) {
    tokio::select! {
        () = async { while !reached().await {} } => {}
        _ = work => panic!("it ended before"),
    }
}

#[tokio::test]
async fn a_stop_between_the_two_files_leaves_a_key_without_content_or_noise_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..3)).await.unwrap();
    let mut blocker = raw(&files(folder.path()).content).await;

    // Keys are written, content cannot be.
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut blocker).await.unwrap();
    let inner = store.store();
    let kept = async || matches!(inner.status(call(5)).await.unwrap(), Status::Kept { .. });
    until(store.put(&batch(4..6)), kept).await;
    sqlx::raw_sql("COMMIT").execute(&mut blocker).await.unwrap();
    for number in [4, 5] {
        assert!(matches!(read(&store, number, "request").await, Err(ReadError::Missing)));
        assert!(inner.objects(call(number)).await.unwrap().is_empty());
    }
    // It may come again, and then it is there.
    store.put(&batch(4..5)).await.unwrap();
    assert_eq!(read(&store, 4, "request").await.unwrap(), said(4, "request"));

    // Keys are destroyed, content cannot be removed.
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut blocker).await.unwrap();
    let erased = async || matches!(inner.status(call(1)).await.unwrap(), Status::Erased { .. });
    until(inner.erase(&Scope::Call(call(1)), None, at(9)), erased).await;
    sqlx::raw_sql("COMMIT").execute(&mut blocker).await.unwrap();
    assert_eq!(inner.objects(call(1)).await.unwrap().len(), 2);
    let store = unlocked(folder.path()).await;
    assert!(matches!(read(&store, 1, "request").await, Err(ReadError::Erased { .. })));
    // The next run removes the noise, and keys without content expire like others.
    let run = store.store().expire(at(10_000), 100).await.unwrap();
    assert!(store.store().objects(call(1)).await.unwrap().is_empty());
    assert_eq!((run.calls, run.objects.len()), ([0, 2, 4, 5].map(call).to_vec(), 6));
}

#[tokio::test]
async fn content_whose_key_is_lost_is_nobodys_and_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..5)).await.unwrap();
    store.store().close().await;
    // As an older copy of the keys would be.
    let mut connection = raw(&files(folder.path()).keys).await;
    sqlx::raw_sql("DELETE FROM data_keys").execute(&mut connection).await.unwrap();
    let store = unlocked(folder.path()).await;
    assert!(matches!(read(&store, 3, "request").await, Err(ReadError::Missing)));
    assert_eq!(store.store().objects(call(3)).await.unwrap().len(), 2);
    // The same call again has another key; what lies there does not open under it.
    assert_eq!(store.put(&batch(3..4)).await.unwrap(), [Kept::Sealed]);
    assert!(matches!(read(&store, 3, "request").await, Err(ReadError::Damaged(_))));
    store.store().erase(&Scope::Call(call(3)), None, at(0)).await.unwrap();
    assert!(store.store().objects(call(3)).await.unwrap().is_empty());
}

/// How many wraps each team key did, how many were reserved, and under which generation of whom.
async fn counts(folder: &Path) -> Vec<(String, i64, i64, i64)> {
    let mut connection = raw(&files(folder).keys).await;
    sqlx::query(
        "SELECT t.team, t.generation, t.reserved, (SELECT count(*) FROM data_keys d WHERE d.team_key = t.id)
         FROM team_keys t ORDER BY t.team, t.generation",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
    .iter()
    .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
    .collect()
}

#[tokio::test]
async fn a_team_key_is_rotated_before_its_bound_and_old_ones_still_open() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { wraps: 32, ..Bounds::default() };
    let store = open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap();
    // Team 0 only: 100 calls in one batch cross the bound three times.
    store.put(&batch((0..100).map(|number| number * 2))).await.unwrap();
    let team = || "team-0".to_owned();
    assert_eq!(
        counts(folder.path()).await,
        [(team(), 1, 32, 32), (team(), 2, 32, 32), (team(), 3, 32, 32), (team(), 4, 4, 4)]
    );
    for number in 0..100 {
        assert_eq!(read(&store, number * 2, "request").await.unwrap(), said(number * 2, "request"));
    }
    // A restart counts the rest of a block of two as used.
    store.put(&batch([300])).await.unwrap();
    assert_eq!(counts(folder.path()).await[3], (team(), 4, 6, 5));
    let store = open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap();
    store.put(&batch([302])).await.unwrap();
    assert_eq!(counts(folder.path()).await[3], (team(), 4, 8, 6));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is put, interrupted and restarted: no key wraps more than was reserved, none is reserved beyond its bound.
    #[test]
    fn no_restart_makes_a_count_too_small(
        wraps in 1_u64..80,
        steps in proptest::collection::vec((1_u64..40, 0_u32..3, 1_u32..30), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let bounds = Bounds { wraps, ..Bounds::default() };
            let opened = async || open_bounded(folder.path(), bounds).await.unlock(master(7)).await.unwrap();
            let mut store = opened().await;
            let mut number = 0;
            for (calls, what, polls) in steps {
                let put = batch(number..number + calls);
                number += calls;
                match what {
                    0 => {
                        store.put(&put).await.unwrap();
                    }
                    1 => {
                        let _ = interrupted(store.put(&put), polls).await;
                    }
                    _ => {
                        store.put(&put).await.unwrap();
                        store = opened().await;
                    }
                }
                for (team, generation, reserved, used) in counts(folder.path()).await {
                    assert!(used <= reserved && reserved <= i64::try_from(wraps).unwrap(),
                        "{team} {generation}: {used} of {reserved} of {wraps}");
                }
            }
            store.put(&batch(0..number)).await.unwrap();
            for number in 0..number {
                assert_eq!(read(&store, number, "request").await.unwrap(), said(number, "request"));
            }
        });
    }
}

/// Opens the store as it is and reads a call: what a caller would meet.
async fn attempt(folder: &Path) -> Result<Vec<u8>, String> {
    let entropy = |bytes: &mut [u8]| bytes.fill(0x5a);
    let store =
        ContentStore::open(&files(folder), Bounds::default(), entropy).await.map_err(|e| e.to_string())?;
    let read = async {
        let store: Unlocked = store.unlock(master(7)).await.map_err(|error| error.to_string())?;
        read_at(&store, 4, "request", at(10)).await.map_err(|error| error.to_string())
    };
    let read = read.await;
    store.close().await;
    read
}

#[tokio::test]
async fn a_bit_changed_in_any_field_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..6)).await.unwrap();
    store.store().close().await;
    let files = files(folder.path());
    let of_call = |table: &str| {
        format!(
            "rowid IN (SELECT {table} FROM data_keys WHERE call = (SELECT call FROM data_keys ORDER BY call LIMIT 1 OFFSET 4))"
        )
    };
    // Found by what does not change: the fifth call.
    let data_key = "slot = (SELECT slot FROM data_keys ORDER BY created LIMIT 1 OFFSET 4)";
    let team_key = of_call("team_key");
    let object = "id = 9";
    let cases: Vec<(&Path, &str, &str, String)> = vec![
        (&files.keys, "data_keys", "call", data_key.to_owned()),
        (
            &files.keys,
            "data_keys",
            "slot",
            "created = (SELECT created FROM data_keys ORDER BY created LIMIT 1 OFFSET 4)".to_owned(),
        ),
        (&files.keys, "data_keys", "team_key", data_key.to_owned()),
        (&files.keys, "data_keys", "subject", data_key.to_owned()),
        (&files.keys, "data_keys", "route", data_key.to_owned()),
        (&files.keys, "data_keys", "created", data_key.to_owned()),
        (&files.keys, "data_keys", "expires", data_key.to_owned()),
        (&files.keys, "slots", "wrapped", of_call("slot")),
        (
            &files.keys,
            "slots",
            "wrapped",
            "id IN (SELECT slot FROM team_keys WHERE team = 'team-0')".to_owned(),
        ),
        (&files.keys, "team_keys", "team", team_key.clone()),
        (&files.keys, "team_keys", "generation", team_key.clone()),
        (&files.keys, "team_keys", "created", team_key.clone()),
        (&files.keys, "team_keys", "reserved", team_key.clone()),
        (&files.keys, "team_keys", "slot", team_key.clone()),
        (&files.keys, "meta", "value", "name = 'store'".to_owned()),
        (&files.keys, "meta", "value", "name = 'master'".to_owned()),
        (&files.content, "objects", "call", object.to_owned()),
        (&files.content, "objects", "name", object.to_owned()),
        (&files.content, "objects", "stored", object.to_owned()),
        (&files.content, "objects", "sealed", object.to_owned()),
        (&files.content, "meta", "value", "name = 'store'".to_owned()),
    ];
    let mut random = Random(77);
    for (file, table, column, which) in cases {
        let mut tried = 0;
        for _ in 0..8 {
            let untouched = std::fs::read(file).unwrap();
            let mut connection = raw(file).await;
            let kind: String = sqlx::query_scalar(AssertSqlSafe(format!(
                "SELECT typeof({column}) FROM {table} WHERE {which}"
            )))
            .fetch_one(&mut connection)
            .await
            .unwrap();
            let update = format!("UPDATE {table} SET {column} = $1 WHERE {which}");
            let select = format!("SELECT {column} FROM {table} WHERE {which}");
            let done = if kind == "integer" {
                let value: i64 =
                    sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(&mut connection).await.unwrap();
                let changed = value ^ (1 << random.below(20));
                sqlx::query(AssertSqlSafe(update)).bind(changed).execute(&mut connection).await
            } else {
                let select = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {which}");
                let mut value: Vec<u8> =
                    sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(&mut connection).await.unwrap();
                let bit = usize::try_from(random.below(value.len() as u64 * 8)).unwrap();
                // In a text the highest bit would make no text at all, which SQLite is asked to store below.
                value[bit / 8] ^= 1 << (bit % 8);
                let update = if kind == "text" { update.replace("$1", "CAST($1 AS TEXT)") } else { update };
                sqlx::query(AssertSqlSafe(update)).bind(value).execute(&mut connection).await
            };
            sqlx::Connection::close(connection).await.unwrap();
            // A change that meets another row is none.
            if done.is_ok_and(|done| done.rows_affected() == 1) {
                tried += 1;
                let met = attempt(folder.path()).await;
                assert!(met.is_err(), "{table}.{column}");
            }
            std::fs::write(file, untouched).unwrap();
            for suffix in ["-wal", "-shm"] {
                let mut beside = file.as_os_str().to_owned();
                beside.push(suffix);
                let _ = std::fs::remove_file(beside);
            }
        }
        assert!(tried > 0, "{table}.{column}");
    }
    assert_eq!(attempt(folder.path()).await.unwrap(), said(4, "request"));
}

#[tokio::test]
async fn what_was_swapped_between_calls_teams_or_names_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = unlocked(folder.path()).await;
    store.put(&batch(0..6)).await.unwrap();
    let (keys, content) = (files(folder.path()).keys, files(folder.path()).content);
    let swap = async |file: &Path, sql: &str| {
        let mut connection = raw(file).await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
    };
    // Objects 1 and 2 are request and answer of call 0, 3 is the request of call 1.
    swap(&content, "UPDATE objects SET sealed = (SELECT sealed FROM objects WHERE id = 2) WHERE id = 1")
        .await;
    swap(&content, "UPDATE objects SET sealed = (SELECT sealed FROM objects WHERE id = 5) WHERE id = 3")
        .await;
    for number in [0, 1] {
        assert!(matches!(read(&store, number, "request").await, Err(ReadError::Damaged("the object"))));
    }
    // The key of call 2 in the place of that of call 4, of the same team.
    let slot = |number: u64| {
        format!(
            "(SELECT slot FROM data_keys WHERE created = {})",
            at(i64::try_from(number).unwrap()).as_millis()
        )
    };
    swap(&keys, &format!("UPDATE data_keys SET slot = {} WHERE slot = {}", slot(2), slot(4))).await;
    assert!(matches!(read(&store, 4, "request").await, Err(ReadError::Damaged("its key"))));
    // Team 1's calls under team 0's key.
    swap(&keys, "UPDATE data_keys SET team_key = 1").await;
    assert!(matches!(read(&store, 5, "request").await, Err(ReadError::Damaged("its key"))));
    assert_eq!(read(&store, 2, "request").await.unwrap(), said(2, "request"));
    // A check finds the same, page by page.
    let (mut damaged, mut after) = (Vec::new(), None);
    loop {
        let page = store.check(after, 2).await.unwrap();
        damaged.extend(page.damaged.into_iter().map(|Damage { call, object }| (call, object)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let request = Some(name("request"));
    assert_eq!(
        damaged,
        [(call(0), request), (call(1), None), (call(3), None), (call(4), None), (call(5), None)]
    );
    // Not named by accident: what is shown of a store and of what is put says nothing.
    let shown = format!("{store:?} {:?}", captured(0));
    assert!(!shown.contains("card") && !shown.contains("[7, 7") && name("x").as_str() == "x", "{shown}");
}
