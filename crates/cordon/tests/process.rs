//! The real binary under what an operating system does to it: signals, a full disk, a folder that cannot be written, and
//! under callers that try to fill its memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::{net::SocketAddr, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use bytes::Bytes;
use cordon_core::{CallId, DurationMs, KeySecret, RefusalCode, record::Outcome};
use cordon_testkit::{FakeUpstream, Gate, Script, TempDir, bomb};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use support::{
    Frames, World,
    binary::{Server, output},
    chat, real_time,
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

/// What should happen does so long before this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A data folder with a route `bot`, that requires its record, and a route `easy`, that does not, and nobody who serves it.
struct Place {
    _folder: TempDir,
    data: PathBuf,
    key: KeySecret,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Place {
    async fn new(base_url: &str) -> Self {
        let world = World::with(base_url, "", "", real_time).await;
        // The service has time: no test here is about an upstream that is slow.
        let more = format!(
            r#"{{apiVersion: cordon/v1, kind: Service, name: up, spec: {{protocol: openai, base_url: "{base_url}", private_network: true, secret: "env:UPSTREAM_KEY", timeouts: {{connect: 5s, first_byte: 2m, idle: 2m, total: 10m}}}}}}
---
{{apiVersion: cordon/v1, kind: Route, name: easy, spec: {{team: t, system: s, targets: [{{model: m}}], audit: best-effort}}}}
---
{{apiVersion: cordon/v1, kind: Principal, name: app, spec: {{team: t, routes: [bot, easy]}}}}"#
        );
        world.apply(&more).await;
        // A key has the routes that its principal had when it was made.
        let key = world.issue("app", DurationMs::from_secs(3_600)).await;
        let World { node, folder, .. } = world;
        let data = node.handles.settings.data.clone();
        node.stop().await.unwrap();
        Self { _folder: folder, data, key, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// A call of a route with this body; the answer's body is not read yet.
    async fn open(&self, at: SocketAddr, body: impl Into<Bytes>, coding: &str) -> http::Response<Incoming> {
        self.send(at, body, coding).await.unwrap()
    }

    /// The same, or why the connection ended: one that is closed while its body is still being sent may have no answer.
    async fn send(
        &self,
        at: SocketAddr,
        body: impl Into<Bytes>,
        coding: &str,
    ) -> Result<http::Response<Incoming>, hyper_util::client::legacy::Error> {
        let request = Request::post(format!("http://{at}/v1/chat/completions"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.key.expose()))
            .header("content-encoding", coding)
            .body(Full::new(body.into()))
            .unwrap();
        timeout(PATIENCE, self.client.request(request)).await.expect("it answers")
    }

    /// A whole call: its id, its status, its body.
    async fn call(&self, at: SocketAddr, route: &str) -> (CallId, u16, String) {
        let response = self.open(at, chat("hi", false).replace("bot", route), "identity").await;
        let call = call_of(&response);
        let status = response.status().as_u16();
        (call, status, text(response).await)
    }

    /// What `GET` gives at the control listener.
    async fn get(&self, at: SocketAddr, path: &str) -> (u16, String) {
        let request = Request::get(format!("http://{at}{path}")).body(Full::default()).unwrap();
        let response = timeout(PATIENCE, self.client.request(request)).await.expect("it answers").unwrap();
        (response.status().as_u16(), text(response).await)
    }
}

fn call_of(response: &http::Response<Incoming>) -> CallId {
    CallId::parse(response.headers()["cordon-call-id"].to_str().unwrap()).unwrap()
}

async fn text(response: http::Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_a_stream_in_flight_end_and_takes_no_new_call() {
    let gate = Gate::new();
    let event = |text: &str, finish: &str| {
        format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}"#
        )
    };
    let script = Script::sse_head()
        .event(&event("Before the signal. ", "null"))
        .wait(&gate)
        .event(&event("After it.", "\"stop\""))
        .event("[DONE]")
        .end();
    let upstream = FakeUpstream::start([script]).await;
    let place = Place::new(&upstream.base_url()).await;
    let (server, at) = Server::ready(&place.data).await;
    let mut stream = place.open(at.gateway, chat("hi", true), "identity").await;
    let call = call_of(&stream);
    let begun = timeout(PATIENCE, stream.frame()).await.expect("it begins").unwrap().unwrap();
    assert!(!begun.data_ref().unwrap().is_empty());

    server.terminate();
    let refuses = async { while TcpStream::connect(at.gateway).await.is_ok() {} };
    timeout(PATIENCE, refuses).await.expect("no new connection is taken");
    gate.open();
    let rest = timeout(PATIENCE, text(stream)).await.expect("the stream ends");
    assert!(rest.contains("After it.") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    let status = timeout(PATIENCE, server.ended()).await.expect("the process ends");
    assert_eq!(status.code(), Some(0));
    let closed = Frames::read(&place.data);
    assert_eq!(closed.closed_of(call).outcome, Outcome::Released);
}

/// What is said to a process whose drain is this long.
fn up_with_drain(place: &Place, drain: &str) -> Server {
    let mut command = support::binary::command(&place.data, &support::binary::UP);
    Server::of(command.env("CORDON_GATEWAY_DRAIN", drain).stderr(std::process::Stdio::null()), &place.data)
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_and_records_a_stream_that_outlasts_the_drain() {
    let event = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Before the signal. "},"finish_reason":null}]}"#;
    let upstream = FakeUpstream::start([Script::sse_head().event(event).then_hang()]).await;
    let place = Place::new(&upstream.base_url()).await;
    let mut server = up_with_drain(&place, "300ms");
    let at = server.addresses().await;
    let mut stream = place.open(at.gateway, chat("hi", true), "identity").await;
    let call = call_of(&stream);
    timeout(PATIENCE, stream.frame()).await.expect("it begins").unwrap().unwrap();

    server.terminate();
    let rest = timeout(PATIENCE, text(stream)).await.expect("the stream is ended");
    assert!(rest.contains("\"cancelled\"") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    let status = timeout(PATIENCE, server.ended()).await.expect("the process ends");
    assert_eq!(status.code(), Some(0));
    let frames = Frames::read(&place.data);
    assert_eq!(frames.closed_of(call).code, Some(RefusalCode::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_does_not_wait_for_a_request_that_was_only_begun() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let place = Place::new(&upstream.base_url()).await;
    let mut server = up_with_drain(&place, "10m");
    let at = server.addresses().await;
    let mut begun = TcpStream::connect(at.gateway).await.unwrap();
    begun.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    // Taken after the one before it, and answered: the listener has both.
    assert_eq!(place.call(at.gateway, "bot").await.1, 200);
    server.terminate();
    let status = timeout(PATIENCE, server.ended()).await.expect("nobody's call holds the process");
    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_a_folder_is_refused_and_told_who_holds_it() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let place = Place::new(&upstream.base_url()).await;
    let (server, at) = Server::ready(&place.data).await;
    let data = place.data.clone();
    let second = tokio::task::spawn_blocking(move || output(&data, &support::binary::UP));
    let second = timeout(PATIENCE, second).await.expect("it gives up").unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{said}");
    let holder = format!("in use by process {}", server.child.id());
    assert!(said.contains(&holder) && said.contains("help: "), "{said}");
    assert!(second.stdout.is_empty(), "it never said that it is ready");
    assert_eq!(place.call(at.gateway, "bot").await.1, 200, "the first serves on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_a_clear_error_at_the_start() {
    let folder = TempDir::new().unwrap();
    let mut data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(data.join("probe"), "").is_ok() {
        // Modes do not hold the system's administrator back. Here is a folder that does: of the kernel, mode 0500.
        data = PathBuf::from("/proc/self/map_files");
    }
    let shown = data.display().to_string();
    let run = tokio::task::spawn_blocking(move || output(&data, &support::binary::UP));
    let ran = timeout(PATIENCE, run).await.expect("it gives up").unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains(&shown) && said.contains("help: check that it is a folder of yours"), "{said}");
    assert!(!said.contains("panicked") && ran.stdout.is_empty(), "{said}");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        io::Read as _,
        process::{Command, Stdio},
    };

    use rustix::process::{Resource, Rlimit, prlimit};

    use super::*;

    /// From now on no file of the process can be written beyond this; `None` takes the bound away.
    fn writes_at_most(server: &Server, bytes: Option<u64>) {
        // Only the soft bound moves, so that it can be lifted again.
        let bound = Rlimit { current: bytes, maximum: None };
        prlimit(Some(server.pid()), Resource::Fsize, bound).unwrap();
    }

    /// A server to which a file that is full is an error of its write, as a full disk is, and no signal.
    async fn server(place: &Place, errors: Stdio) -> (Server, support::binary::Addresses) {
        let mut command = Command::new("sh");
        support::binary::at_home(&mut command, &place.data);
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_cordon")])
            .args(support::binary::UP)
            .arg("--data")
            .arg(&place.data)
            .stderr(errors);
        let mut server = Server::of(&mut command, &place.data);
        let at = server.addresses().await;
        (server, at)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_closes_the_routes_that_require_a_record_until_there_is_room_again() {
        let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
        let place = Place::new(&upstream.base_url()).await;
        let (server, at) = server(&place, Stdio::null()).await;
        let mut served = Vec::new();
        for route in ["bot", "easy"] {
            let (call, status, said) = place.call(at.gateway, route).await;
            assert_eq!(status, 200, "{said}");
            served.push(call);
        }

        writes_at_most(&server, Some(0));
        let (_, status, said) = place.call(at.gateway, "bot").await;
        assert!(status == 503 && said.contains("record_unavailable"), "{status} {said}");
        for _ in 0..3 {
            let (call, status, said) = place.call(at.gateway, "easy").await;
            assert_eq!(status, 200, "{said}");
            served.push(call);
        }
        let (status, said) = place.get(at.control, "/readyz").await;
        assert!(status == 503 && said.contains("journal"), "{status} {said}");
        let counted = async {
            loop {
                let (_, metrics) = place.get(at.control, "/metrics").await;
                if metrics.lines().any(|line| {
                    line.strip_prefix("cordon_journal_failures ").is_some_and(|number| number != "0")
                }) {
                    return;
                }
            }
        };
        timeout(PATIENCE, counted).await.expect("the failures are counted");

        writes_at_most(&server, None);
        let again = async { while place.call(at.gateway, "bot").await.1 != 200 {} };
        timeout(PATIENCE, again).await.expect("it records again");
        let ready = async { while place.get(at.control, "/readyz").await.0 != 200 {} };
        timeout(PATIENCE, ready).await.expect("it is ready again");
        server.terminate();
        assert_eq!(timeout(PATIENCE, server.ended()).await.expect("the process ends").code(), Some(0));
        let frames = Frames::read(&place.data);
        for call in served {
            assert_eq!(
                frames.closed_of(call).outcome,
                Outcome::Released,
                "what was served is recorded, later"
            );
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_refuses_changes_whole_until_there_is_room_again() {
        let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
        let place = Place::new(&upstream.base_url()).await;
        let (server, at) = server(&place, Stdio::null()).await;
        let (first, second) = ("kept", "{apiVersion: cordon/v1, kind: Team, name: lost, spec: {}}");
        let file = |name: &str, text: &str| {
            let path = place.data.with_file_name(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let kept = file("kept.yaml", &second.replace("lost", first));
        let lost = file("lost.yaml", second);
        let told = |arguments: Vec<String>| {
            let data = place.data.clone();
            async move {
                let run = tokio::task::spawn_blocking(move || {
                    output(&data, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
                });
                timeout(PATIENCE, run).await.expect("the command ends").unwrap()
            }
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let applied = told(words(&["apply", "-f", &kept])).await;
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));

        writes_at_most(&server, Some(0));
        let refused = told(words(&["apply", "-f", &lost])).await;
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && !said.is_empty() && !said.contains("panicked"), "{said}");
        let teams = told(words(&["get", "team", "--json"])).await;
        let teams = String::from_utf8(teams.stdout).unwrap();
        assert!(teams.contains("kept") && !teams.contains("lost"), "{teams}");
        assert_eq!(place.call(at.gateway, "easy").await.1, 200, "it serves on");

        writes_at_most(&server, None);
        let applies = async { while !told(words(&["apply", "-f", &lost])).await.status.success() {} };
        timeout(PATIENCE, applies).await.expect("changes are taken again");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn records_that_no_disk_took_until_the_end_are_an_error_of_the_process() {
        let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
        let place = Place::new(&upstream.base_url()).await;
        let (mut server, at) = server(&place, Stdio::piped()).await;
        let mut log = server.child.stderr.take().unwrap();
        let log = tokio::task::spawn_blocking(move || {
            let mut said = String::new();
            log.read_to_string(&mut said).unwrap();
            said
        });
        writes_at_most(&server, Some(0));
        assert_eq!(place.call(at.gateway, "easy").await.1, 200);
        server.terminate();
        let status = timeout(PATIENCE, server.ended()).await.expect("a full disk does not hold the process");
        let said = log.await.unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(
            said.contains("2 frames of calls that were served are lost") && said.contains("help: "),
            "{said}"
        );
        assert!(!said.contains("panicked"), "{said}");
        let (_again, at) = Server::ready(&place.data).await;
        assert_eq!(place.call(at.gateway, "bot").await.1, 200, "with room it starts and records again");
    }

    /// The most memory that the process has had resident, in bytes.
    fn peak(server: &Server) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn bodies_that_are_or_unfold_too_large_do_not_fill_memory() {
        let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
        let place = Place::new(&upstream.base_url()).await;
        let (server, at) = Server::ready(&place.data).await;
        for _ in 0..20 {
            assert_eq!(place.call(at.gateway, "bot").await.1, 200);
        }
        let before = peak(&server);
        let bomb = Bytes::from(bomb(1 << 30));
        for _ in 0..20 {
            let refused = place.open(at.gateway, bomb.clone(), "gzip").await;
            assert_eq!(refused.status(), 413);
            let said = text(refused).await;
            assert!(said.contains("body_too_large"), "{said}");
        }
        let huge = Bytes::from(vec![b' '; 100 << 20]);
        for _ in 0..5 {
            // The refusal comes long before the body has been sent.
            if let Ok(refused) = place.send(at.gateway, huge.clone(), "identity").await {
                assert_eq!(refused.status(), 413);
            }
        }
        let grown = peak(&server) - before;
        // The bound of one body, in and out, is 2 * 16 MiB; while a buffer grows, its old half may lie beside it, and the
        // allocator gives back what is free a moment later.
        assert!(grown < 96 << 20, "{grown} bytes more");
        assert_eq!(place.call(at.gateway, "bot").await.1, 200, "it serves on");
    }
}
