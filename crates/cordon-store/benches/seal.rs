//! What it costs to seal a journal: processor time, memory, size.
//!
//! `cargo bench -p cordon-store --bench seal [-- FRAMES]` (1,000,000 unless said otherwise: two a call, with digests that
//! no compression helps) writes a journal, then seals it as one range and again segment by segment, and prints processor
//! time of this process, growth of its resident memory at the peak, and sizes. Sealing includes reading the journal and
//! reading the object back to verify it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use cordon_core::{
    Action, CallId, Category, Channel, Digest, KeyId, Name, Score, Timestamp,
    evidence::SegmentSeal,
    record::{Closed, Frame, Opened, Operation, Outcome, RecordedFinding, RecordedVerdict, Timings, Tokens},
};
use cordon_store::{
    journal::{Journal, JournalId, Kind, NewFrame, Options, Reader, segments},
    objects::{FolderObjects, Objects},
    seal::{SealedReader, seal_range, verify_object},
};

const START: i64 = 1_790_000_000_000;

/// xorshift64*: the same journal each time.
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.number() >> 33) % bound
    }

    fn digest(&mut self) -> Option<Digest> {
        Some(Digest::sha256(&self.number().to_be_bytes()))
    }
}

fn name(text: &str, number: u64) -> Name {
    Name::parse(&format!("{text}-{number}")).unwrap()
}

/// One call in five has a finding.
fn verdict(random: &mut Random, channel: Channel) -> RecordedVerdict {
    let mut verdict = RecordedVerdict::default();
    if random.below(5) == 0 {
        let start = random.below(4000);
        verdict.add(RecordedFinding {
            category: Category::parse("pii/email").unwrap(),
            score: Score::percent(90),
            start,
            end: start + 21,
            channel,
            part: format!("messages/{}/content", random.below(6)),
            detector: "email".into(),
            detector_version: 3,
            action: Action::Redact,
            would: Action::Redact,
            known: false,
            guard: None,
        });
    }
    verdict
}

fn call(number: u64, random: &mut Random) -> (CallId, [Frame; 2]) {
    let time = START + i64::try_from(number).unwrap();
    let mut bits = [0; 10];
    bits[..8].copy_from_slice(&random.number().to_be_bytes());
    let call = CallId::new(Timestamp::from_millis(time), bits);
    let opened = Opened {
        call,
        time: Timestamp::from_millis(time),
        operation: Operation::Chat,
        stream: random.below(2) == 0,
        principal: name("app", random.below(2000)),
        team: name("team", random.below(40)),
        key: KeyId::from_bytes(random.below(2000).to_be_bytes()),
        route: Some(name("route", random.below(200))),
        owner: Some(name("team", random.below(40))),
        system: Some(name("system", random.below(60))),
        model: Some(name("model", random.below(8))),
        service: Some(name("service", random.below(4))),
        region: Some(name("eu", random.below(2))),
        mode: cordon_core::resource::RouteMode::Normal,
        position: 40_000 + number / 1000,
        build: "0.1.0".into(),
        rules: Digest::sha256(b"rules"),
        input: verdict(random, Channel::User),
        request_digest: random.digest(),
        request_bytes: random.below(20_000),
        subject: random.digest(),
        conversation: random.digest(),
        prompt: None,
        taint: cordon_core::taint::Taint::default(),
        normalised: cordon_core::record::Normalised::default(),
        trace: Some(format!("{:016x}{:016x}", random.number(), random.number())),
        counted: None,
    };
    let total = 300_000 + random.below(3_000_000);
    let closed = Closed {
        call,
        time: Timestamp::from_millis(time + 900),
        outcome: Outcome::Released,
        status: if random.below(50) == 0 { 502 } else { 200 },
        code: None,
        reason: None,
        output: verdict(random, Channel::Model),
        response_digest: random.digest(),
        response_bytes: random.below(9000),
        tokens: Some(Tokens {
            input: random.below(6000),
            output: random.below(1000),
            cached: 0,
            cache_written: 0,
        }),
        cost: None,
        upstream_status: Some(200),
        attempts: Vec::new(),
        timings: Timings {
            receive: random.below(90),
            admit: random.below(9),
            inspect_input: random.below(200),
            upstream_first_byte: total / 3,
            upstream: total - 500,
            inspect_output: random.below(200),
            record: random.below(1000),
            total,
        },
        content: Vec::new(),
        charged: None,
    };
    (call, [Frame::Opened(Box::new(opened)), Frame::Closed(Box::new(closed))])
}

/// Writes the journal and returns the bytes of its payloads and the call in its middle.
fn build(folder: &Path, frames: u64) -> (JournalId, u64, CallId) {
    let options = Options { queue_bytes: 64 << 20, queue_frames: 1 << 20, ..Options::default() };
    let (journal, _) = Journal::open(folder, options, [1; 12]).unwrap();
    let mut random = Random(9);
    let (mut bytes, mut middle) = (0, None);
    let mut group: Vec<(Kind, Vec<u8>)> = Vec::new();
    for number in 0..frames / 2 {
        let (id, [opened, closed]) = call(number, &mut random);
        middle = middle.or((number == frames / 4).then_some(id));
        group.push((Kind::OPENED, opened.encode().unwrap()));
        group.push((Kind::CLOSED, closed.encode().unwrap()));
        if group.len() >= 4000 || number + 1 == frames / 2 {
            let frames: Vec<_> =
                group.iter().map(|(kind, payload)| NewFrame { kind: *kind, payload }).collect();
            bytes += frames.iter().map(|frame| frame.payload.len() as u64).sum::<u64>();
            journal.append(&frames).unwrap().wait().unwrap();
            group.clear();
        }
    }
    journal.close();
    (journal.id(), bytes, middle.unwrap())
}

/// Processor time of this process so far, its threads included (fields 14 and 15 of /proc/self/stat, in hundredths of a
/// second).
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    Duration::from_millis(10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()))
}

/// A line of /proc/self/status, in KiB.
fn memory(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
    found.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// Runs some work and prints what it cost.
fn measure<T>(what: &str, work: impl FnOnce() -> T) -> T {
    // Sets the peak back to the present (proc(5), clear_refs).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, cpu, start) = (memory("VmRSS"), processor_time(), Instant::now());
    let result = work();
    let peak = memory("VmHWM").saturating_sub(before);
    let (cpu, wall) = (processor_time().saturating_sub(cpu), start.elapsed());
    println!(
        "{what:<44} {:6.2} s CPU  {:6.2} s  memory +{:.1} MiB",
        cpu.as_secs_f64(),
        wall.as_secs_f64(),
        peak as f64 / 1024.0
    );
    result
}

fn main() {
    let frames = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (journals, scratch) = (folder.path().join("journal"), folder.path().join("scratch"));
    let (journal, bytes, middle) = build(&journals, frames);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!("{frames} frames, {} bytes a frame, {:.0} MiB", bytes / frames, mib(bytes));
    let objects: Arc<dyn Objects> = Arc::new(FolderObjects::open(&folder.path().join("objects")).unwrap());
    let open = || Reader::open(&journals, journal).unwrap();

    measure("reading the journal", || {
        let mut reader = open();
        while reader.read().unwrap().is_some() {}
    });
    let seal = measure("sealing all in one object", || {
        seal_range(&mut open(), 0, frames, &objects, &scratch).unwrap()
    });
    measure("of that, verifying the object", || verify_object(&objects, &seal).unwrap());
    let print = |seals: &[SegmentSeal]| {
        let sealed: u64 = seals.iter().map(|seal| seal.bytes).sum();
        println!(
            "  {} objects, {:.0} MiB, {:.1} bytes a frame, {:.2} of the entries",
            seals.len(),
            mib(sealed),
            sealed as f64 / frames as f64,
            sealed as f64 / bytes as f64
        );
    };
    print(std::slice::from_ref(&seal));
    let reader = measure("opening it", || SealedReader::open(&objects, &seal).unwrap());
    let found = measure("finding a call in it", || reader.find(middle).unwrap());
    assert_eq!(found.len(), 2);
    measure("reading all of it", || {
        let mut reader = SealedReader::open(&objects, &seal).unwrap();
        while reader.read().unwrap().is_some() {}
    });
    let seals = measure("sealing segment by segment", || {
        let ranges = segments(&journals, journal).unwrap();
        let mut reader = open();
        let sealed = ranges.iter().map(|range| {
            let end = range.end.unwrap_or(frames);
            seal_range(&mut reader, range.first, end - range.first, &objects, &scratch).unwrap()
        });
        sealed.collect::<Vec<_>>()
    });
    print(&seals);
}
