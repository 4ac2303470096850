//! Calls as people ask for them: from the journal of a folder, from a server, and what a plan would have meant for them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use cordon::{
    clock::Clock,
    control::{self, AdminToken, ControlState},
    desk::{CallLog, Desk},
};
use cordon_core::{
    Action, CallId, Category, Channel, Digest, KeyId, Name, Score, Timestamp,
    record::{Closed, Frame, Opened, Operation, Outcome, RecordedFinding, RecordedVerdict, Timings},
};
use cordon_inspect::Engine;
use cordon_store::{
    CallIndex,
    calls::Follower,
    journal::{Journal, Kind, NewFrame, Options},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

const TOKEN: &str = "ca_the_token_of_this_test";
const EXAMPLE: &str = include_str!("data/example.yaml");

fn cordon(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    command.args(arguments).arg("--data").arg(data).current_dir(data.parent().unwrap());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CORDON_")) {
        command.env_remove(name);
    }
    command
}

fn run(data: &Path, arguments: &[&str]) -> (i32, String) {
    let output = cordon(data, arguments).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), out)
}

fn apply(data: &Path, text: &str) {
    let mut command = cordon(data, &["apply", "-f", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn plan(data: &Path, text: &str, more: &[&str]) -> String {
    let mut command = cordon(data, &[&["plan", "-f", "-"], more].concat());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stdout).unwrap()
}

/// A call with one finding in its request.
struct Call {
    number: u8,
    principal: &'static str,
    category: &'static str,
    score: u32,
    action: Action,
    /// The detector's version that found it; none: the one of this program.
    version: Option<u16>,
}

fn id(number: u8) -> CallId {
    CallId::new(time(number), [number; 10])
}

fn time(number: u8) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + i64::from(number) * 1_000)
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

impl Call {
    fn frames(&self) -> [(Kind, Vec<u8>); 2] {
        let engine = Engine::builtin();
        let of = |detector: &&cordon_inspect::DetectorInfo| {
            detector.categories.iter().any(|category| category.as_str() == self.category)
        };
        let detector = engine.detectors().iter().find(of).expect("a detector of this category");
        let mut input = RecordedVerdict::default();
        input.add(RecordedFinding {
            category: Category::parse(self.category).unwrap(),
            score: Score::percent(self.score),
            start: 3,
            end: 22,
            channel: Channel::User,
            part: "messages/0/content".to_owned(),
            detector: detector.name.into(),
            detector_version: self.version.unwrap_or(detector.version),
            action: self.action,
            would: self.action,
            known: false,
            guard: None,
        });
        let opened = Opened {
            call: id(self.number),
            time: time(self.number),
            operation: Operation::Chat,
            stream: false,
            principal: name(self.principal),
            team: name("support"),
            key: KeyId::from_bytes([1; 8]),
            route: Some(name("support-bot")),
            owner: Some(name("support")),
            system: Some(name("support-assistant")),
            model: Some(name("small")),
            service: Some(name("openai")),
            region: None,
            mode: cordon_core::resource::RouteMode::Normal,
            position: 8,
            build: "test".into(),
            rules: Digest::sha256(b"rules"),
            input,
            request_digest: None,
            request_bytes: 100,
            subject: None,
            conversation: None,
            prompt: None,
            taint: cordon_core::taint::Taint::default(),
            normalised: cordon_core::record::Normalised::default(),
            trace: None,
            counted: None,
        };
        let closed = Closed {
            outcome: if self.action.passes() { Outcome::Released } else { Outcome::Refused },
            status: if self.action.passes() { 200 } else { 400 },
            response_bytes: 10,
            attempts: Vec::new(),
            timings: Timings { total: 12_345, ..Timings::default() },
            ..Closed::interrupted(opened.call, time(self.number))
        };
        [
            (Kind::OPENED, Frame::Opened(Box::new(opened)).encode().unwrap()),
            (Kind::CLOSED, Frame::Closed(Box::new(closed)).encode().unwrap()),
        ]
    }

    fn append(&self, journal: &Journal) {
        let frames = self.frames();
        let frames = frames.each_ref().map(|(kind, payload)| NewFrame { kind: *kind, payload });
        journal.append(&frames).unwrap().wait().unwrap();
    }
}

const CALLS: [Call; 4] = [
    Call {
        number: 1,
        principal: "support-app",
        category: "pii/card",
        score: 99,
        action: Action::Redact,
        version: None,
    },
    Call {
        number: 2,
        principal: "support-app",
        category: "pii/email",
        score: 60,
        action: Action::Redact,
        version: None,
    },
    Call {
        number: 3,
        principal: "other-app",
        category: "prompt_injection/override",
        score: 75,
        action: Action::Allow,
        version: None,
    },
    Call {
        number: 4,
        principal: "support-app",
        category: "prompt_injection/override",
        score: 95,
        action: Action::Block,
        version: Some(0),
    },
];

/// A folder with resources and four calls.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    apply(&data, EXAMPLE);
    let (journal, _) = Journal::open(&data.join("journal"), Options::default(), [7; 12]).unwrap();
    CALLS.iter().for_each(|call| call.append(&journal));
    journal.close();
    (folder, data)
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn calls_of_a_folder_are_listed_latest_first_and_filtered() {
    let (_folder, data) = folder();
    let numbers = |arguments: &[&str]| -> Vec<u8> {
        let (code, out) = run(&data, &[&["calls", "list", "--json"], arguments].concat());
        assert_eq!(code, 0);
        let known = |call: &Value| (1..=4).find(|number| call["call_id"] == id(*number).to_string()).unwrap();
        lines(&out).iter().map(known).collect()
    };
    assert_eq!(numbers(&[]), [4, 3, 2, 1]);
    assert_eq!(numbers(&["--limit", "1"]), [4]);
    assert_eq!(numbers(&["--verdict", "redact"]), [2, 1]);
    assert_eq!(numbers(&["--category", "pii"]), [2, 1]);
    assert_eq!(numbers(&["--category", "pii/card"]), [1]);
    assert_eq!(numbers(&["--principal", "other-app"]), [3]);
    assert_eq!(numbers(&["--route", "another"]), Vec::<u8>::new());
    assert_eq!(numbers(&["--since", &time(3).to_string()]), [4, 3]);
    assert_eq!(numbers(&["--until", &time(3).to_string()]), [2, 1]);

    let (_, out) = run(&data, &["calls", "list", "--json", "--limit", "1"]);
    let call = &lines(&out)[0];
    for (field, value) in [
        ("principal", json!("support-app")),
        ("route", json!("support-bot")),
        ("model", json!("small")),
        ("verdict", json!("block")),
        ("status", json!(400)),
        ("time", json!(time(4).to_string())),
    ] {
        assert_eq!(call[field], value, "{field}");
    }
    assert_eq!(call["timings"]["total"], 12_345);
    assert_eq!(call["findings"][0]["category"], "prompt_injection/override");
    assert_eq!(call["findings"][0]["score"], 0.95);

    let (_, table) = run(&data, &["calls", "list", "--category", "pii/card"]);
    assert!(table.lines().nth(1).unwrap().ends_with("redact             200  12.3  pii/card"), "{table}");
    let (code, told) = run(&data, &["calls", "show", &id(1).to_string()]);
    assert_eq!(code, 0);
    assert!(told.contains("verdict         redact\n") && told.contains("messages/0/content"), "{told}");
}

#[test]
fn a_plan_says_what_it_would_have_meant() {
    let (_folder, data) = folder();
    // Injection is blocked from 0.7 on, mail addresses pass, everything else as before.
    let strict = EXAMPLE
        .replace("at: 0.8", "at: 0.7")
        .replace("category: pii, action: redact }", "category: pii, action: flag }\n    - { channels: [user, model], category: pii/card, action: redact }");
    let text = plan(&data, &strict, &[]);
    let expected = format!(
        "
of the last 4 calls (since {}), judged again by what was found in them:
  ROUTE        CALLS  NEWLY BLOCKED  NEWLY REDACTED  NEWLY PASSED
  support-bot      4              1               0             1
  1 of them have findings of other versions of the detectors: what today's would find cannot be known
",
        time(1)
    );
    assert!(text.ends_with(&expected), "{text}");

    let loose = EXAMPLE.replace("at: 0.8", "at: 0.99");
    let plan: Value = serde_json::from_str(&plan(&data, &loose, &["--json"])).unwrap();
    let effect = &plan["effect"];
    assert_eq!(effect["routes"][0]["newly_passed"], 1);
    assert_eq!(effect["incomplete"], 1, "what a blocked call's answer would have held is not known");
}

/// A control listener on these calls.
struct Server {
    url: String,
    stop: watch::Sender<bool>,
    end: tokio::sync::oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(calls: CallLog) -> Self {
        let (stop, stopping) = watch::channel(false);
        let state = ControlState {
            tiles: cordon_store::ledger::TileFolder::new("no folder"),
            desk: Desk::empty(calls, Engine::builtin(), Clock::system()),
            identity: cordon::identity::Identity::of_token(AdminToken::of(TOKEN)),
            readiness: Arc::new(Vec::new),
            metrics: Arc::default(),
            doctor: Arc::new(|| Box::pin(async { Vec::new() })),
            stopping,
            provable: watch::channel(cordon::ledger::Progress::default()).1,
            max_body: 1 << 20,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(control::serve(listener, None, control::router(state), async {
            let _dropped = ended.await;
        }));
        Self { url, stop, end, serving }
    }

    /// A command that follows the calls, from another folder, and the lines that it writes.
    fn follow(&self, folder: &Path, more: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
        let arguments = [&["calls", "list", "--follow", "--server", &self.url], more].concat();
        let mut command = cordon(&folder.join("elsewhere"), &arguments);
        command.env("CORDON_TOKEN", TOKEN);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    }

    /// When the server goes down, the stream ends, and with it the command.
    async fn end(self, mut child: Child) {
        self.stop.send_replace(true);
        assert!(tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().success());
        drop(self.end);
        self.serving.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_tells_of_calls_when_they_end() {
    let (folder, data) = tokio::task::spawn_blocking(folder).await.unwrap();
    let (journal, recovered) = Journal::open(&data.join("journal"), Options::default(), [7; 12]).unwrap();
    let calls = CallLog::new(&data.join("journal"), None, Some((recovered.journal, journal.follow())));
    let server = Server::start(calls).await;
    let (child, mut out) = server.follow(folder.path(), &["--json", "--limit", "2"]);
    let following = tokio::task::spawn_blocking(move || {
        let mut next = || -> Value { serde_json::from_str(&out.next().unwrap().unwrap()).unwrap() };
        // Those that ended before, then the one that ends now, and none twice.
        assert_eq!(
            [next(), next()].map(|call| call["call_id"].clone()),
            [3, 4].map(|number| json!(id(number).to_string()))
        );
        Call { number: 5, principal: "late-app", ..CALLS[0] }.append(&journal);
        let late = next();
        assert_eq!((&late["principal"], &late["status"]), (&json!("late-app"), &json!(200)));
    });
    following.await.unwrap();
    server.end(child).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_the_newest_calls_and_how_many_others_ended() {
    let (folder, data) = tokio::task::spawn_blocking(folder).await.unwrap();
    let journals = data.join("journal");
    let (journal, recovered) = Journal::open(&journals, Options::default(), [7; 12]).unwrap();
    let (index, writer) = CallIndex::open(&folder.path().join("index.db")).await.unwrap();
    let (follower, _lag) = Follower::new(&journals, writer);
    let indexing = tokio::spawn(follower.run(recovered.journal, journal.follow(), std::future::pending()));
    let server =
        Server::start(CallLog::new(&journals, Some(index), Some((recovered.journal, journal.follow()))))
            .await;
    let (child, mut out) = server.follow(folder.path(), &["--limit", "2", "--principal", "late-app"]);
    let seen = tokio::task::spawn_blocking(move || {
        let mut next = || out.next().unwrap().unwrap();
        assert!(next().starts_with("TIME"), "whoever looks on is there");
        // All become durable at once: so many that they are not shown one by one.
        let all = (10..=250).map(|number| {
            Call { number, principal: if number % 6 == 0 { "other" } else { "late-app" }, ..CALLS[0] }
                .frames()
        });
        let frames: Vec<(Kind, Vec<u8>)> = all.flatten().collect();
        let frames: Vec<NewFrame<'_>> =
            frames.iter().map(|(kind, payload)| NewFrame { kind: *kind, payload }).collect();
        drop(journal.append(&frames).unwrap());
        let (mut shown, mut left_out) = (Vec::new(), 0);
        while shown.len() + left_out < 201 {
            let line = next();
            match line.strip_prefix("… ").and_then(|line| line.split_once(" more ended")) {
                Some((calls, _)) => left_out += calls.parse::<usize>().unwrap(),
                None => shown.push(line.split_whitespace().nth(1).unwrap().to_owned()),
            }
        }
        // The stream of the journal ends with its writer.
        (shown, left_out, journal)
    });
    let (shown, left_out, journal) = seen.await.unwrap();
    assert_eq!(shown.len() + left_out, 201);
    assert!(left_out >= 100, "{left_out}");
    assert!(shown.is_sorted(), "in the order in which they ended");
    assert_eq!(shown.last(), Some(&id(250).to_string()));
    server.end(child).await;
    journal.close();
    drop(journal);
    indexing.await.unwrap();
}
