//! Each write of sealing and retirement fails once, or is the last thing that the process does, in a whole node: what comes
//! of it is what comes of an undisturbed run, and every call is told meanwhile.
//!
//! A crash here ends the node at the write, as a killed process ends: nothing is stopped in order, and what was not written
//! by then is not written. That nothing is relied on that was not synced is shown below the node, on a simulated disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

#[path = "../src/s3/tests/server.rs"]
mod server;
mod support;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cordon::{
    desk::CallLog,
    node::{Node, Settings},
    s3::{S3Objects, S3Settings},
    verify::{self, Depth},
};
use cordon_core::{
    CallId, DurationMs, JournalId, State, Timestamp, evidence::SegmentSeal, fact::Body, resource::SecretRef,
};
use cordon_guard::upstream::{ClientConfig, Environment};
use cordon_store::{
    Log as _, SqliteLog,
    frames::Archive,
    journal::{self, Disk, DiskFile, FileSystem, Reader},
    objects::{FolderObjects, Objects},
};
use cordon_testkit::{FakeUpstream, ManualClock, Script, TempDir};
use server::{BUCKET, Between, Keys, Server};
use support::World;
use tokio::sync::watch;

/// What happens at a write, and whether it is done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It fails and is not done, or only in part.
    Fail,
    /// It is done, and said to have failed.
    FailDone,
    /// The process ends before it is done, or when it is done in part.
    Crash,
    /// The process ends after it.
    CrashDone,
}

impl Fate {
    const ALL: [Self; 4] = [Self::Fail, Self::FailDone, Self::Crash, Self::CrashDone];

    fn is_crash(self) -> bool {
        matches!(self, Self::Crash | Self::CrashDone)
    }

    fn is_done(self) -> bool {
        matches!(self, Self::FailDone | Self::CrashDone)
    }
}

/// Counts what is written, and lets one of it meet its fate. Until the next start nothing is written after a crash.
struct Faults {
    count: AtomicUsize,
    plan: Option<(usize, Fate)>,
    crashed: watch::Sender<bool>,
    /// What was written, for messages.
    done: Mutex<Vec<String>>,
}

impl Faults {
    fn new(plan: Option<(usize, Fate)>) -> Arc<Self> {
        Arc::new(Self {
            count: AtomicUsize::new(0),
            plan,
            crashed: watch::Sender::new(false),
            done: Mutex::new(Vec::new()),
        })
    }

    /// What becomes of the next write; `None`: nothing special.
    fn next(&self, what: &str) -> Result<Option<Fate>, io::Error> {
        if *self.crashed.borrow() {
            return Err(io::Error::other("the process has ended"));
        }
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        self.done.lock().unwrap().push(what.to_owned());
        Ok(self.plan.filter(|(at, _)| *at == number).map(|(_, fate)| fate))
    }

    fn ends(&self, fate: Fate) -> io::Error {
        if fate.is_crash() {
            self.crashed.send_replace(true);
        }
        io::Error::other("a fault that was planned")
    }

    /// A write that is done wholly or not at all.
    fn write<T>(&self, what: &str, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.next(what)? {
            None => work(),
            Some(fate) => {
                if fate.is_done() {
                    let _ = work();
                }
                Err(self.ends(fate))
            }
        }
    }
}

/// The machine's disk, with faults.
struct FaultyDisk(Arc<Faults>);

struct FaultyFile {
    file: Box<dyn DiskFile>,
    faults: Arc<Faults>,
}

fn name(what: &str, path: &Path) -> String {
    format!(
        "{what} {}",
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    )
}

impl Disk for FaultyDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.0.write(&name("folder", path), || FileSystem.create_folder(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        FileSystem.list(folder)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        FileSystem.open(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.write(&name("create", path), || FileSystem.create(path))?;
        Ok(Box::new(FaultyFile { file, faults: Arc::clone(&self.0) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.write(&name("rename to", to), || FileSystem.rename(from, to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.write(&name("link to", to), || FileSystem.link(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.write(&name("remove", path), || FileSystem.remove(path))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.write(&name("sync folder", folder), || FileSystem.sync_folder(folder))
    }
}

impl DiskFile for FaultyFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.faults.next("write")? {
            None => self.file.write_at(bytes, offset),
            Some(fate) => {
                let done = if fate.is_done() { bytes.len() } else { bytes.len() / 2 };
                self.file.write_at(&bytes[..done], offset)?;
                Err(self.faults.ends(fate))
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.write("sync", || self.file.sync())
    }
}

const BEGIN: &str = "2026-11-21T09:00:00Z";
/// Sealed frames are older than their retention then.
const LATER: DurationMs = DurationMs::from_secs(400 * 86_400);

/// A folder that nobody serves, with calls of which none is sealed.
struct Template {
    folder: TempDir,
    calls: Vec<CallId>,
    /// Where each object will end: after so many frames.
    ends: Vec<u64>,
}

/// Bytes of a segment, and how many of them are one object, and how many are kept.
const SEGMENT: u64 = 1 << 13;
const OBJECT: u64 = 4 * SEGMENT;
const KEEP: u64 = 2 * SEGMENT;

impl Template {
    async fn new() -> Self {
        let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
        let small = |settings: &mut Settings| settings.journal.segment_bytes = SEGMENT;
        let world = World::with(&upstream.base_url(), "", "", small).await;
        let (data, id) = (world.node.handles.settings.data.join("journal"), world.node.handles.journal.id());
        let (mut calls, mut ends) = (Vec::new(), Vec::new());
        while ends.len() < 2 {
            calls.push(world.chat("hi").await.call());
            ends = objects(&data, id);
        }
        let World { node, folder, .. } = world;
        node.stop().await.unwrap();
        assert_eq!(objects(&data, id), ends);
        Self { folder, calls, ends }
    }
}

/// Where the objects of a journal end that are due, oldest first.
fn objects(journals: &Path, id: JournalId) -> Vec<u64> {
    let segments = journal::segments(journals, id).unwrap();
    let bytes = |number: u64| journals.join(format!("{id}/{number:010}.seg")).metadata().unwrap().len();
    let whole: Vec<(u64, u64)> =
        segments.iter().filter_map(|segment| Some((segment.end?, bytes(segment.number)))).collect();
    let mut more = whole.iter().map(|(_, bytes)| bytes).sum::<u64>().saturating_sub(KEEP);
    let (mut ends, mut taken) = (Vec::new(), 0);
    for (end, bytes) in whole {
        if bytes > more {
            break;
        }
        more -= bytes;
        taken += bytes;
        if taken >= OBJECT {
            ends.push(end);
            taken = 0;
        }
    }
    ends
}

/// What a run comes to: compared with that of an undisturbed one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    /// How much was sealed, and the names of the objects then.
    sealed: u64,
    objects: Vec<String>,
    /// What the facts of sealing and retirement say, without their times.
    facts: Vec<Body>,
    /// The objects and the journal's first frame at the end.
    left: Vec<String>,
    first: u64,
}

/// Where a run may be cut off besides at a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// As soon as so many frames are sealed, as the log says.
    Sealed(u64),
    /// As soon as something is retired.
    Retired,
}

/// One run: a copy of the template is served until all of it that may is sealed, then until that is retired.
struct Run<'t> {
    template: &'t Template,
    folder: TempDir,
    clock: ManualClock,
    faults: Arc<Faults>,
    moment: Option<Moment>,
    bucket: Option<Bucket>,
    /// The objects, past all faults.
    objects: Arc<dyn Objects>,
}

/// A bucket, and the way to it that requests meet their fates on.
struct Bucket {
    settings: S3Settings,
    environment: Environment,
    faults: Arc<Mutex<Arc<Faults>>>,
    _way: Between,
}

impl Bucket {
    fn new(server: &Server, prefix: String) -> Self {
        let faults = Arc::new(Mutex::new(Faults::new(None)));
        let (address, present) = (server.address, Arc::clone(&faults));
        let way = Between::answering(move |request| {
            let faults = Arc::clone(&present.lock().unwrap());
            let line = String::from_utf8_lossy(request.split(|byte| *byte == b' ').next().unwrap());
            // An answer that does not come is a failure, whatever was done.
            let asked = faults.write(&line, || Ok(server::forward(address, request)));
            asked.unwrap_or_default()
        });
        let settings = S3Settings {
            bucket: BUCKET.to_owned(),
            endpoint: Some(format!("http://{}", way.address)),
            region: "us-east-1".to_owned(),
            prefix,
            access_key: SecretRef::Env("ID".to_owned()),
            secret_key: SecretRef::Env("SECRET".to_owned()),
        };
        let (id, secret) = (server.id.clone(), server.secret.clone());
        let environment = Environment::with(move |name| match name {
            "ID" => Some(id.clone()),
            "SECRET" => Some(secret.clone()),
            _ => None,
        });
        Self { settings, environment, faults, _way: way }
    }

    fn direct(&self, address: SocketAddr) -> S3Objects {
        let settings = S3Settings { endpoint: Some(format!("http://{address}")), ..self.settings.clone() };
        S3Objects::new(&settings, &ClientConfig::default(), &self.environment).unwrap()
    }
}

/// What a node is served for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Sealed,
    Retired,
}

impl<'t> Run<'t> {
    fn new(template: &'t Template, plan: Option<(usize, Fate)>, moment: Option<Moment>) -> Self {
        let folder = TempDir::new().unwrap();
        copy_folder(&template.folder.path().join("data"), &folder.path().join("data"));
        Self {
            template,
            clock: ManualClock::at(Timestamp::parse(BEGIN).unwrap()),
            faults: Faults::new(plan),
            moment,
            bucket: None,
            objects: Arc::new(FolderObjects::read_only(&folder.path().join("data/objects"))),
            folder,
        }
    }

    /// The same in a bucket, where requests are what is counted.
    fn in_bucket(template: &'t Template, server: &Server, plan: Option<(usize, Fate)>) -> Self {
        let mut run = Self::new(template, plan, None);
        let name = run.folder.path().file_name().unwrap().to_string_lossy().to_ascii_lowercase();
        let bucket = Bucket::new(server, format!("run{name}"));
        *bucket.faults.lock().unwrap() = Arc::clone(&run.faults);
        run.objects = Arc::new(bucket.direct(server.address));
        run.bucket = Some(bucket);
        run
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn settings(&self, goal: Goal) -> Settings {
        let mut settings = support::settings(&self.folder, &self.clock);
        (settings.journal.segment_bytes, settings.keep_bytes) = (SEGMENT, KEEP);
        settings.seal_every = Duration::from_millis(2);
        settings.retention = (goal == Goal::Retired).then_some(DurationMs::from_secs(365 * 86_400));
        match &self.bucket {
            Some(bucket) => {
                settings.objects = Some(bucket.settings.clone());
                settings.environment = bucket.environment.clone();
            }
            None => settings.disk = Arc::new(FaultyDisk(Arc::clone(&self.faults))),
        }
        settings
    }

    /// Serves until the goal is reached, through crashes: each ends the process, and the next start goes on.
    fn until(&mut self, goal: Goal) {
        for _ in 0..3 {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let reached = runtime.block_on(self.serve(goal));
            // What still runs ends where it is.
            runtime.shutdown_timeout(Duration::from_secs(30));
            if !reached || *self.faults.crashed.borrow() {
                // The process is started again, and no more is planned.
                self.faults = Faults::new(None);
                self.moment = None;
                if let Some(bucket) = &self.bucket {
                    *bucket.faults.lock().unwrap() = Arc::clone(&self.faults);
                }
            }
            if reached {
                return;
            }
        }
        panic!("a run that was cut off once goes on");
    }

    /// Whether the goal was reached before a crash.
    async fn serve(&self, goal: Goal) -> bool {
        let mut crashed = self.faults.crashed.subscribe();
        let node = match Node::start(self.settings(goal), |_| axum::Router::new()).await {
            Ok(node) => node,
            // Opening the objects is a write, too: as with a real disk, an operator starts it again.
            Err(error) => {
                assert!(format!("{error:#}").contains("planned"), "{error:#}");
                return false;
            }
        };
        let id = node.handles.journal.id();
        let mut committed = node.handles.sequencer.watch();
        let moment = self.moment;
        let cut = async {
            let Some(moment) = moment else { return std::future::pending().await };
            let is_there = |state: &State| match (moment, state.journal(id)) {
                (Moment::Sealed(frames), Some(journal)) => journal.sealed >= frames,
                (Moment::Retired, Some(journal)) => journal.retired > 0,
                (_, None) => false,
            };
            committed.wait_for(|now| is_there(&now.state)).await.unwrap();
        };
        let work = async {
            loop {
                let state = node.handles.sequencer.committed().state;
                let journal = state.journal(id).cloned();
                let first = Reader::open(&self.data().join("journal"), id).unwrap().first().unwrap();
                let done = journal.is_some_and(|journal| match goal {
                    // No segment is left that could be sealed, and the space of those that were is free.
                    Goal::Sealed => journal.sealed == self.template.ends[1] && first == journal.sealed,
                    Goal::Retired => journal.retired == journal.sealed && self.list().is_empty(),
                });
                if done {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let served = async {
            tokio::select! {
                () = work => true,
                () = cut => false,
                _ = crashed.wait_for(|crashed| *crashed) => false,
            }
        };
        let served = tokio::time::timeout(Duration::from_secs(60), served).await;
        let reached =
            served.unwrap_or_else(|_| panic!("it does not go on: {:?}", self.faults.done.lock().unwrap()));
        if reached {
            self.told(&node, goal).await;
            node.stop().await.unwrap();
        }
        reached
    }

    /// Every call is told with both its frames, as long as it is kept.
    async fn told(&self, node: &Node, goal: Goal) {
        let handles = &node.handles;
        while handles.index.progress().await.unwrap().values().sum::<u64>()
            < 2 * self.template.calls.len() as u64
        {
            tokio::task::yield_now().await;
        }
        // Past the faults: these are about what is written, and what is read for it.
        let state = handles.sequencer.committed().state;
        let archive = Archive::new(Arc::clone(&self.objects), move |id| {
            state.segments(id).map(|seal| SegmentSeal::clone(seal)).collect()
        });
        let current = Some((handles.journal.id(), handles.journal.follow()));
        let log = CallLog::new(&self.data().join("journal"), Some(handles.index.clone()), current)
            .with_archive(archive);
        let kept = match goal {
            Goal::Sealed => 0,
            // A call that began in what is retired is gone with it.
            Goal::Retired => usize::try_from(self.template.ends[1]).unwrap().div_ceil(2),
        };
        for call in &self.template.calls[kept..] {
            let record = log.find(*call).await.unwrap().expect("a call is told");
            assert_eq!((record.opened.call, record.closed.is_some()), (*call, true));
        }
    }

    fn list(&self) -> Vec<String> {
        self.objects.list("segments/").unwrap()
    }

    fn outcome(mut self) -> (Outcome, Vec<String>) {
        let faults = Arc::clone(&self.faults);
        self.until(Goal::Sealed);
        let objects = self.list();
        self.holds();
        self.clock.advance(LATER);
        self.until(Goal::Retired);
        self.holds();
        let (state, facts) = block_on(facts(&self.data()));
        let journal = state.journals().next().unwrap().clone();
        let id = journal.anchor.journal;
        let first = Reader::open(&self.data().join("journal"), id).unwrap().first().unwrap();
        let done = faults.done.lock().unwrap().clone();
        (Outcome { sealed: journal.sealed, objects, facts, left: self.list(), first }, done)
    }

    fn holds(&self) {
        let options = verify::Options {
            data: self.data(),
            key: None,
            since: None,
            at_rest: true,
            bucket: self.bucket.is_some().then(|| Arc::clone(&self.objects)),
            depth: Depth::Read,
        };
        let report = block_on(async { verify::folder(options).await.unwrap() });
        assert!(report.holds, "{report:?}");
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

/// What the log says of sealing and retirement.
async fn facts(data: &Path) -> (State, Vec<Body>) {
    let log = SqliteLog::open_read_only(&data.join("log.db")).await.unwrap();
    let (mut state, mut bodies) = (State::new(), Vec::new());
    for stored in log.read(0, 10_000).await.unwrap() {
        let fact = stored.decode().unwrap();
        state.apply(&fact);
        if matches!(fact.body, Body::SegmentSealed(_) | Body::RecordsRetired(_)) {
            bodies.push(fact.body);
        }
    }
    log.close().await;
    (state, bodies)
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// How many runs go on at the same time.
const RUNS: usize = 2;

/// Makes all of these runs, some at a time, and compares each with the undisturbed one.
fn all_come_to(expected: &Outcome, cases: &[String], run: impl Fn(usize) -> Outcome + Sync) {
    println!("{} runs", cases.len());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..RUNS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(case) = cases.get(number) else { return };
                    let outcome = run(number);
                    assert_eq!(outcome, *expected, "{case}");
                }
            });
        }
    });
}

#[test]
fn a_fault_or_a_crash_at_any_write_comes_to_the_same() {
    let template = block_on(Template::new());
    let (undisturbed, writes) = Run::new(&template, None, None).outcome();
    assert_eq!((undisturbed.objects.len(), undisturbed.facts.len()), (2, 3), "{undisturbed:?}");
    assert!(undisturbed.left.is_empty() && undisturbed.first == template.ends[1], "{undisturbed:?}");
    // Objects, the mark of what is freed, segments, and objects again.
    for what in ["link to sha256-", "rename to sealed", "remove 0000000001.seg", "remove sha256-"] {
        assert!(writes.iter().any(|write| write.starts_with(what)), "{what}: {writes:#?}");
    }
    let plans: Vec<(usize, Fate)> =
        (1..=writes.len()).flat_map(|number| Fate::ALL.map(|fate| (number, fate))).collect();
    let cases: Vec<String> =
        plans.iter().map(|(at, fate)| format!("{fate:?} at write {at}, {}", writes[at - 1])).collect();
    all_come_to(&undisturbed, &cases, |number| Run::new(&template, Some(plans[number]), None).outcome().0);
}

#[test]
fn a_crash_between_a_fact_and_what_follows_from_it_comes_to_the_same() {
    let template = block_on(Template::new());
    let (undisturbed, _) = Run::new(&template, None, None).outcome();
    let moments = [Moment::Sealed(template.ends[0]), Moment::Sealed(template.ends[1]), Moment::Retired];
    let cases: Vec<String> = moments.iter().map(|moment| format!("{moment:?}")).collect();
    all_come_to(&undisturbed, &cases, |number| Run::new(&template, None, Some(moments[number])).outcome().0);
}

#[test]
fn a_fault_or_a_crash_at_any_request_to_a_bucket_comes_to_the_same() {
    let Some(server) = Server::start(Keys::Any) else { return };
    let template = block_on(Template::new());
    let (undisturbed, _) = Run::new(&template, None, None).outcome();
    let (in_bucket, requests) = Run::in_bucket(&template, &server, None).outcome();
    assert_eq!(in_bucket, undisturbed, "where the objects lie makes no difference");
    for what in ["PUT", "HEAD", "GET", "DELETE"] {
        assert!(requests.iter().any(|request| request == what), "{what}: {requests:?}");
    }
    let plans: Vec<(usize, Fate)> =
        (1..=requests.len()).flat_map(|number| Fate::ALL.map(|fate| (number, fate))).collect();
    let case = |(at, fate): &(usize, Fate)| format!("{fate:?} at request {at}, {}", requests[at - 1]);
    let cases: Vec<String> = plans.iter().map(case).collect();
    all_come_to(&undisturbed, &cases, |number| {
        Run::in_bucket(&template, &server, Some(plans[number])).outcome().0
    });
}
