use std::{
    fs,
    io::Cursor,
    sync::atomic::{AtomicUsize, Ordering},
};

use cordon_core::{CallId, Name, Timestamp};
use cordon_ledger::leaf_hash;

use super::{columns::Column, group::Values, *};
use crate::{
    journal::{Journal, Kind, MAX_PAYLOAD, NewFrame, Options, sim::Random},
    objects::{Content, FolderObjects, Put},
};

/// A frame as it is appended.
type Appended = (u8, Vec<u8>);

/// A journal of these frames, an empty store, and an empty folder for unfinished objects.
struct Bench {
    folder: tempfile::TempDir,
    journal: Journal,
    objects: Arc<dyn Objects>,
    frames: Vec<Appended>,
}

impl Bench {
    fn new(frames: Vec<Appended>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes: 1 << 20, ..Options::default() };
        let (journal, _) = Journal::open(&folder.path().join("journal"), options, [5; 12]).unwrap();
        for group in frames.chunk_by(|_, next| next.1.len() < 1000) {
            for group in group.chunks(1000) {
                let new = |frame: &'_ Appended| Kind::new(frame.0).unwrap();
                let group: Vec<_> = group.iter().map(|f| NewFrame { kind: new(f), payload: &f.1 }).collect();
                journal.append(&group).unwrap().wait().unwrap();
            }
        }
        let objects = Arc::new(FolderObjects::open(&folder.path().join("objects")).unwrap());
        Self { folder, journal, objects, frames }
    }

    fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    fn seal_into(
        &self,
        objects: &Arc<dyn Objects>,
        first: usize,
        count: usize,
    ) -> Result<SegmentSeal, SealError> {
        let mut reader = self.journal.reader().unwrap();
        seal_range(&mut reader, first as u64, count as u64, objects, &self.scratch())
    }

    fn seal(&self, first: usize, count: usize) -> SegmentSeal {
        self.seal_into(&self.objects, first, count).unwrap()
    }

    fn object(&self, seal: &SegmentSeal) -> Vec<u8> {
        self.objects.get(&seal.object, usize::MAX).unwrap()
    }

    /// What a reader must give from a sequence on.
    fn expected(&self, seal: &SegmentSeal, from: u64) -> Vec<SealedFrame> {
        let sealed = seal.first..seal.first + seal.count;
        let frames = (0..).zip(&self.frames);
        frames
            .filter(|(sequence, _)| sealed.contains(sequence) && *sequence >= from)
            .map(|(sequence, (kind, payload))| SealedFrame {
                sequence,
                kind: Kind::new(*kind).unwrap(),
                payload: payload.clone(),
            })
            .collect()
    }
}

/// A store in memory, for bytes that are not what was put there.
#[derive(Default)]
struct Memory(std::sync::Mutex<std::collections::BTreeMap<String, Vec<u8>>>);

impl Objects for Memory {
    fn put_if_absent(&self, name: &str, content: &mut dyn Content) -> Result<Put, ObjectError> {
        let mut bytes = Vec::new();
        content.seek(io::SeekFrom::Start(0)).unwrap();
        content.read_to_end(&mut bytes).unwrap();
        self.0.lock().unwrap().entry(name.to_owned()).or_insert(bytes);
        Ok(Put::Stored)
    }

    fn get_range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, ObjectError> {
        let objects = self.0.lock().unwrap();
        let bytes = objects.get(name).ok_or_else(|| ObjectError::Absent(name.to_owned()))?;
        let rest = bytes.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        Ok(rest[..rest.len().min(length)].to_vec())
    }

    fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        Ok(self.0.lock().unwrap().get(name).map(|bytes| bytes.len() as u64))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        Ok(self.0.lock().unwrap().keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

/// These bytes in a store of their own, under the name and with the seal of their content.
fn resealed(bytes: &[u8], seal: &SegmentSeal) -> (Arc<dyn Objects>, SegmentSeal) {
    let digest = Digest::sha256(bytes);
    let object = object_name(seal.journal, digest);
    let seal = SegmentSeal { object, digest, bytes: bytes.len() as u64, ..seal.clone() };
    let memory = Memory::default();
    memory.put_if_absent(&seal.object, &mut Cursor::new(bytes)).unwrap();
    (Arc::new(memory), seal)
}

fn call(random: &mut Random) -> CallId {
    let time = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(random.below(1 << 20)).unwrap());
    CallId::new(time, std::array::from_fn(|_| u8::try_from(random.below(256)).unwrap()))
}

fn opened(call: CallId, random: &mut Random) -> Vec<u8> {
    let name = |text: &str, n: usize| Name::parse(&format!("{text}-{n}")).unwrap();
    let route = if random.below(3) == 0 {
        String::new()
    } else {
        format!(r#""route":"{}","#, name("route", random.below(9)))
    };
    let action = ["allow", "flag", "redact"][random.below(3)];
    let time = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(random.below(1 << 30)).unwrap());
    format!(
        r#"{{"opened":{{"call":"{call}","input":{{"action":"{action}"}},"model":"m","new":{{"a":[1,"x"]}},"principal":"{}",{route}"team":"team","time":"{time}"}}}}"#,
        name("app", random.below(500)),
    )
    .into_bytes()
}

fn closed(call: CallId, random: &mut Random) -> Vec<u8> {
    let tokens = if random.below(3) == 0 {
        String::new()
    } else {
        format!(r#","tokens":{{"input":{},"output":{}}}"#, random.below(9000), random.below(100))
    };
    format!(
        r#"{{"closed":{{"call":"{call}","output":{{"action":"block"}},"status":{},"time":"2023-11-14T22:13:20.123Z"{tokens}}}}}"#,
        200 + random.below(300),
    )
    .into_bytes()
}

/// Frames of every sort: calls, other kinds, canonical JSON of something else, and bytes of no form.
fn frames(seed: u64, count: usize) -> Vec<Appended> {
    let mut random = Random::new(seed);
    let mut frames = Vec::new();
    while frames.len() < count {
        let id = call(&mut random);
        match random.below(8) {
            0 => frames.push((
                3,
                format!(r#"{{"unknown":{{"call":"{id}","time":"2023-11-14T22:13:20.123Z"}}}}"#).into_bytes(),
            )),
            1 => frames.push((255, b"{\"read\":{\"by\":\"nobody\"}}".to_vec())),
            2 => {
                let length = 1 + random.below(300);
                frames.push((9, (0..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect()));
            }
            _ => {
                frames.push((1, opened(id, &mut random)));
                frames.push((2, closed(id, &mut random)));
            }
        }
    }
    frames.truncate(count);
    frames
}

fn read_all(reader: &mut SealedReader) -> Vec<SealedFrame> {
    std::iter::from_fn(|| reader.read().unwrap()).collect()
}

#[test]
fn frames_come_back_exactly_and_the_seal_says_what_they_are() {
    let mut all = frames(1, 3000);
    all.insert(1700, (7, vec![b'x'; MAX_PAYLOAD]));
    all.insert(1800, (7, (0..MAX_PAYLOAD).map(|n| u8::try_from(n % 249).unwrap()).collect()));
    let bench = Bench::new(all);
    for (first, count) in [(0, 1), (0, 3002), (5, 700), (1699, 3), (3001, 1)] {
        let seal = bench.seal(first, count);
        verify_object(&bench.objects, &seal).unwrap();
        let range = &bench.frames[first..first + count];
        let root: Frontier = range.iter().map(|frame| leaf_hash(&frame.1)).collect();
        assert_eq!(seal.root.as_bytes(), root.root().as_bytes());
        assert_eq!((seal.first, seal.count, seal.journal), (first as u64, count as u64, bench.journal.id()));
        assert_eq!(seal.digest, Digest::sha256(&bench.object(&seal)));
        let mut reader = SealedReader::open(&bench.objects, &seal).unwrap();
        assert!(read_all(&mut reader) == bench.expected(&seal, 0));
        let mut random = Random::new(first as u64);
        for _ in 0..20 {
            let from = (first + random.below(count + 3)) as u64;
            reader.seek(from).unwrap();
            assert_eq!(reader.read().unwrap(), bench.expected(&seal, from).first().cloned(), "from {from}");
        }
    }
    assert_eq!(bench.objects.list("segments/").unwrap().len(), 5);
    assert_eq!(fs::read_dir(bench.scratch()).unwrap().count(), 0);
}

#[test]
fn row_groups_are_bounded_and_a_call_is_found_in_any_of_them() {
    // Groups that end by their rows, and some that end by their bytes.
    let mut all = frames(2, MAX_ROWS + 1500);
    all.extend((0..40).map(|n| (7, vec![b'a' + n; MAX_PAYLOAD - usize::from(n)])));
    let mut random = Random::new(3);
    let wanted = CallId::new(Timestamp::from_millis(1_600_000_000_000), [1; 10]);
    all.insert(10, (1, opened(wanted, &mut random)));
    all.push((2, closed(wanted, &mut random)));
    let bench = Bench::new(all);
    let count = bench.frames.len();
    let seal = bench.seal(0, count);
    let mut reader = SealedReader::open(&bench.objects, &seal).unwrap();
    let found = reader.find(wanted).unwrap();
    assert_eq!(found.iter().map(|f| f.sequence).collect::<Vec<_>>(), [10, count as u64 - 1]);
    assert!(found.iter().all(|f| bench.frames[usize::try_from(f.sequence).unwrap()].1 == f.payload));
    let groups = reader.groups_to_search(wanted);
    assert!(groups.len() >= 2 && groups.len() < 5, "groups without the call are not read: {groups:?}");
    assert_eq!(reader.find(CallId::from_bytes([0xff; 16])).unwrap(), []);
    assert_eq!(reader.groups_to_search(CallId::from_bytes([0xff; 16])), Vec::<usize>::new());
    assert!(read_all(&mut reader) == bench.expected(&seal, 0));
    reader.seek(count as u64 - 1).unwrap();
    assert_eq!(read_all(&mut reader), bench.expected(&seal, count as u64 - 1));
}

/// The column of ids is written by hand: it says what the id itself says.
#[test]
fn ids_are_written_as_people_write_them() {
    let mut random = Random::new(13);
    let mut group = Group::new(0);
    let calls: Vec<CallId> = (0..300).map(|_| call(&mut random)).collect();
    for call in &calls {
        group.push(1, &opened(*call, &mut random));
    }
    group.close();
    let Values::Bytes(ids) = group.batch(Column::CallId, 0..300).values else { panic!("ids are bytes") };
    assert!(
        ids.iter().map(|id| id.data().to_vec()).eq(calls.iter().map(|call| call.to_string().into_bytes()))
    );
}

#[test]
fn the_same_frames_make_the_same_bytes() {
    let bench = Bench::new(frames(4, 4000));
    let seal = bench.seal(100, 3000);
    let bytes = bench.object(&seal);
    for _ in 0..3 {
        let again: Arc<dyn Objects> = Arc::new(Memory::default());
        assert_eq!(bench.seal_into(&again, 100, 3000).unwrap(), seal);
        assert!(again.get(&seal.object, usize::MAX).unwrap() == bytes);
    }
    assert_eq!(bench.seal(100, 3000), seal, "a second time meets its own object");
    assert_eq!(bench.objects.list("").unwrap(), [seal.object]);
}

/// A name changes only together with the version of the form: sealed objects of every release are found again.
#[test]
fn the_bytes_of_this_version_stay_as_they_are() {
    let bench = Bench::new(frames(5, 500));
    let seal = bench.seal(0, 500);
    assert_eq!(
        seal.object,
        "segments/00000000050505050505050505050505/sha256-c36ef64b65734679dca19f72abee5fa8dce2abe258deb73f5eb65dd1ff9eef5e.parquet"
    );
}

#[test]
fn every_changed_byte_is_found() {
    let bench = Bench::new(frames(6, 60));
    let seal = bench.seal(0, 60);
    let bytes = bench.object(&seal);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let memory = Memory::default();
        memory.put_if_absent(&seal.object, &mut Cursor::new(&changed)).unwrap();
        let memory: Arc<dyn Objects> = Arc::new(memory);
        let found = verify_object(&memory, &seal).unwrap_err();
        assert!(matches!(found, SealedError::Flawed { flaw: Flaw::Digest { .. }, .. }), "byte {at}: {found}");
        assert!(SealedReader::open(&memory, &seal).is_err());
    }
    for length in [0, 1, bytes.len() - 1] {
        let memory = Memory::default();
        memory.put_if_absent(&seal.object, &mut Cursor::new(&bytes[..length])).unwrap();
        let memory: Arc<dyn Objects> = Arc::new(memory);
        let found = verify_object(&memory, &seal).unwrap_err();
        assert!(matches!(found, SealedError::Flawed { flaw: Flaw::Length { .. }, .. }));
    }
    let nothing: Arc<dyn Objects> = Arc::new(Memory::default());
    assert!(matches!(verify_object(&nothing, &seal), Err(SealedError::Store(ObjectError::Absent(_)))));
    for wrong in [
        SegmentSeal { first: 1, ..seal.clone() },
        SegmentSeal { count: 59, ..seal.clone() },
        SegmentSeal { root: Digest::sha256(b""), ..seal.clone() },
        SegmentSeal { object: "segments/other.parquet".to_owned(), ..seal.clone() },
        SegmentSeal { journal: JournalId::new(8, [1; 12]), ..seal.clone() },
    ] {
        assert!(
            matches!(verify_object(&bench.objects, &wrong), Err(SealedError::Flawed { .. })),
            "{wrong:?}"
        );
    }
}

/// Whoever can write the log can vouch for anything: even then nothing but these frames passes.
#[test]
fn an_object_under_a_false_seal_is_refused_or_holds_the_same_frames() {
    let bench = Bench::new(frames(7, 60));
    let seal = bench.seal(0, 60);
    let bytes = bench.object(&seal);
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let (objects, seal) = resealed(&changed, &seal);
        match verify_object(&objects, &seal) {
            Err(SealedError::Flawed { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
            Ok(()) => {
                // A kind is in no entry and so in no tree: the digest alone vouches for it.
                let mut reader = SealedReader::open(&objects, &seal).unwrap();
                let read = read_all(&mut reader).into_iter().map(|frame| (frame.sequence, frame.payload));
                let expected =
                    bench.expected(&seal, 0).into_iter().map(|frame| (frame.sequence, frame.payload));
                assert!(read.eq(expected), "byte {at}");
            }
        }
    }
    // What is left is what no reader of frames, projections or statistics looks at.
    assert!(refused * 10 > bytes.len() * 8, "{refused} of {}", bytes.len());
}

/// Objects made by the same writer, but of columns that say something else than their entries.
#[test]
fn the_first_row_and_column_that_lie_are_named() {
    let bench = Bench::new(frames(8, 300));
    let honest = bench.seal(0, 300);
    for (column, name) in Column::ALL {
        for row in [0, 17, 299] {
            let mut group = Group::new(0);
            let mut tree = Frontier::new();
            for (kind, payload) in &bench.frames {
                group.push(*kind, payload);
                tree.push(leaf_hash(payload));
            }
            group.close();
            group.falsify(column, row);
            let mut bytes = Vec::new();
            let mut file =
                SerializedFileWriter::new(&mut bytes, columns::schema().unwrap(), columns::properties())
                    .unwrap();
            columns::write(&mut file, &group).unwrap();
            for (key, value) in labels(honest.journal, 0, 300, honest.root) {
                file.append_key_value_metadata(KeyValue { key: key.to_owned(), value: Some(value) });
            }
            file.close().unwrap();
            let (objects, seal) = resealed(&bytes, &honest);
            let verified = verify_object(&objects, &seal);
            if column == Column::FrameKind {
                // No entry contradicts a kind: it is what the seal's digest vouches for.
                verified.unwrap();
                continue;
            }
            let SealedError::Flawed { flaw, .. } = verified.unwrap_err() else {
                panic!("the store has no fault");
            };
            match (column, flaw) {
                (Column::Entry, Flaw::Root { .. } | Flaw::Value { .. }) => {}
                (Column::Sequence, Flaw::Value { sequence: 0, column }) => assert_eq!(column, "sequence"),
                (_, Flaw::Value { sequence, column }) => assert_eq!((sequence, column), (row as u64, name)),
                (_, other) => panic!("{name}: {other}"),
            }
        }
    }
}

/// A store whose `operation`-th put or read goes wrong.
struct Failing {
    inner: Arc<dyn Objects>,
    how: How,
    operation: usize,
    count: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Before,
    After,
    /// Half of the content, and an error: a store that keeps unfinished objects.
    Torn,
}

impl Failing {
    fn now(&self) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed) == self.operation
    }

    fn error(name: &str) -> ObjectError {
        ObjectError::Store { name: name.to_owned(), source: io::Error::other("planned") }
    }
}

impl Objects for Failing {
    fn put_if_absent(&self, name: &str, content: &mut dyn Content) -> Result<Put, ObjectError> {
        if !self.now() {
            return self.inner.put_if_absent(name, content);
        }
        match self.how {
            How::Before => {}
            How::After => drop(self.inner.put_if_absent(name, content)?),
            How::Torn => {
                let mut half = Vec::new();
                content.read_to_end(&mut half).unwrap();
            }
        }
        Err(Self::error(name))
    }

    fn get_range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, ObjectError> {
        let now = self.now();
        let mut bytes = self.inner.get_range(name, offset, length)?;
        match self.how {
            How::Torn if now => {
                bytes.truncate(bytes.len() / 2);
                Ok(bytes)
            }
            _ if now => Err(Self::error(name)),
            _ => Ok(bytes),
        }
    }

    fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        if self.now() { Err(Self::error(name)) } else { self.inner.size(name) }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        self.inner.list(prefix)
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.inner.delete(name)
    }
}

#[test]
fn whatever_fails_the_next_try_seals_the_same_object() {
    let bench = Bench::new(frames(9, 400));
    let expected = bench.seal(0, 400);
    for how in [How::Before, How::After, How::Torn] {
        for operation in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let inner: Arc<dyn Objects> = Arc::new(FolderObjects::open(folder.path()).unwrap());
            let failing =
                Arc::new(Failing { inner: Arc::clone(&inner), how, operation, count: AtomicUsize::new(0) });
            let objects: Arc<dyn Objects> = Arc::clone(&failing) as _;
            let result = bench.seal_into(&objects, 0, 400);
            if failing.count.load(Ordering::Relaxed) <= operation {
                assert_eq!(result.unwrap(), expected);
                assert!(operation > 2);
                break;
            }
            // A short answer of the store may do no harm; nothing else passes in silence.
            assert!(result.is_err() || how == How::Torn, "operation {operation}, {how:?}");
            assert_eq!(bench.seal_into(&inner, 0, 400).unwrap(), expected);
            assert_eq!(inner.list("").unwrap(), [expected.object.as_str()]);
            assert_eq!(fs::read_dir(folder.path().join(".new")).unwrap().count(), 0);
            assert_eq!(fs::read_dir(bench.scratch()).unwrap().count(), 0);
        }
    }
}

/// A store that answers with other bytes from some reading on.
struct TwoFaced {
    honest: Arc<dyn Objects>,
    other: Vec<u8>,
    reads: AtomicUsize,
    from: usize,
}

impl Objects for TwoFaced {
    fn put_if_absent(&self, name: &str, content: &mut dyn Content) -> Result<Put, ObjectError> {
        self.honest.put_if_absent(name, content)
    }

    fn get_range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, ObjectError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) < self.from {
            return self.honest.get_range(name, offset, length);
        }
        let rest = &self.other[usize::try_from(offset).unwrap()..];
        Ok(rest[..rest.len().min(length)].to_vec())
    }

    fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        self.honest.size(name)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        self.honest.list(prefix)
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.honest.delete(name)
    }
}

#[test]
fn a_store_that_changes_its_answer_is_found_out() {
    let bench = Bench::new(frames(10, 12_000));
    let seal = bench.seal(0, 12_000);
    let mut other = bench.object(&seal);
    for byte in &mut other {
        *byte ^= 1;
    }
    for from in 0.. {
        let objects = Arc::new(TwoFaced {
            honest: Arc::clone(&bench.objects),
            other: other.clone(),
            reads: AtomicUsize::new(0),
            from,
        });
        let result = verify_object(&(Arc::clone(&objects) as Arc<dyn Objects>), &seal);
        if objects.reads.load(Ordering::Relaxed) <= from {
            result.unwrap();
            assert!(from > 2);
            break;
        }
        let found = result.unwrap_err();
        let expected = matches!(found, SealedError::Flawed { flaw: Flaw::Changed | Flaw::Digest { .. }, .. });
        assert!(expected, "reading {from}: {found:?}");
    }
}

#[test]
fn frames_that_are_not_there_are_not_sealed() {
    let bench = Bench::new(frames(11, 20));
    let missing = bench.seal_into(&bench.objects, 10, 11).unwrap_err();
    assert!(matches!(missing, SealError::Missing { sequence: 20, .. }));
    for (first, count) in [(0, 0), (u64::MAX, 1), (1, u64::MAX)] {
        let mut reader = bench.journal.reader().unwrap();
        let refused = seal_range(&mut reader, first, count, &bench.objects, &bench.scratch());
        assert!(matches!(refused, Err(SealError::Range { .. })));
    }
    assert_eq!(bench.objects.list("").unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_sealed_can_leave_the_journal() {
    let bench = Bench::new(frames(12, 20_000));
    let folder = bench.folder.path().join("journal");
    let id = bench.journal.id();
    let ranges = crate::journal::segments(&folder, id).unwrap();
    assert!(ranges.len() > 2);
    let mut seals = Vec::new();
    for range in &ranges {
        let Some(end) = range.end else { continue };
        let count = usize::try_from(end - range.first).unwrap();
        seals.push(bench.seal(usize::try_from(range.first).unwrap(), count));
    }
    let end = seals.last().map(|seal| seal.first + seal.count).unwrap();
    assert_eq!(crate::journal::remove_sealed(&folder, id, end).unwrap(), seals.len());
    let mut kept = bench.journal.reader().unwrap();
    assert_eq!(kept.first().unwrap(), end);
    let mut all = Vec::new();
    for seal in &seals {
        all.extend(
            read_all(&mut SealedReader::open(&bench.objects, seal).unwrap()).into_iter().map(|f| f.payload),
        );
    }
    all.extend(std::iter::from_fn(|| kept.read().unwrap()).map(|frame| frame.payload));
    assert!(all.iter().eq(bench.frames.iter().map(|frame| &frame.1)));
    let first = usize::try_from(seals[0].first).unwrap();
    assert!(matches!(bench.seal_into(&bench.objects, first, 1), Err(SealError::Missing { sequence: 0, .. })));
    bench.journal.append(&[NewFrame { kind: Kind::OPENED, payload: b"more" }]).unwrap().wait().unwrap();
    bench.journal.close();
    let verified = crate::journal::verify(&folder, id).unwrap();
    assert_eq!((verified.first, verified.size), (end, 20_001));
    let (again, recovered) = Journal::open(&folder, Options::default(), [5; 12]).unwrap();
    assert_eq!((again.id(), recovered.size, recovered.damage), (id, 20_001, None));
}
