//! The binary as people use it: on a folder that nobody serves, and against a server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

const EXAMPLE: &str = include_str!("data/example.yaml");

/// A folder for one test: its data, its files.
struct Desk {
    folder: TempDir,
}

/// What a command left behind.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// A server of a desk's data; ends with the test.
struct Server {
    child: Child,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
        command.args(arguments).arg("--data").arg(self.data()).current_dir(self.folder.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CORDON_")) {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).output().unwrap())
    }

    fn pipe(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        ran(child.wait_with_output().unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}\n{}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }

    fn apply(&self, text: &str) {
        let ran = self.pipe(&["apply", "-f", "-"], text);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }

    /// Starts a server on ports that the system chooses.
    fn serve(&self) -> Server {
        let mut command = self.command(&["up", "--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.as_mut().unwrap());
        let ready =
            out.lines().map_while(Result::ok).any(|line| line.contains("control") && line.contains("ready"));
        assert!(ready, "the server ended before its control listener was ready");
        Server { child }
    }

    fn url(&self) -> String {
        std::fs::read_to_string(self.data().join("control.url")).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn position(desk: &Desk) -> u64 {
    let all = desk.json(&["get", "all"]);
    all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["meta"]["position"].as_u64().unwrap())
        .max()
        .unwrap()
        + 1
}

/// The everyday verbs, the same whether a server runs or not.
fn everyday(desk: &Desk) {
    let file = desk.write("policies/all.yaml", EXAMPLE);
    let folder = file.parent().unwrap().to_str().unwrap();
    let plan = desk.run(&["plan", "-f", folder]);
    assert_eq!(plan.code, 2, "{}", plan.err);
    assert!(plan.out.contains("+ Route support-bot\n"), "{}", plan.out);
    assert!(plan.out.contains("8 to create, 0 to change, 0 to delete"), "{}", plan.out);
    assert!(!plan.out.contains("customers' questions"), "a sealed value was shown: {}", plan.out);

    let applied = desk.run(&["apply", "-f", folder]);
    let last = applied.out.lines().last().unwrap();
    let reached = last
        .strip_prefix("applied: 8 changed; the log holds ")
        .and_then(|rest| rest.strip_suffix(" facts"))
        .unwrap_or_else(|| panic!("{last}"));
    // A server has facts of its own: its key, its journal.
    let reached: u64 = reached.parse().unwrap();
    assert!(applied.code == 0 && reached >= 8, "{reached}");
    // What stands already appends nothing.
    let again = desk.run(&["apply", "-f", folder]);
    assert_eq!((again.code, again.out.as_str()), (0, "nothing to do: everything stands as it is declared\n"));
    assert_eq!(desk.run(&["plan", "-f", folder]).code, 0);
    assert_eq!(position(desk), reached);

    // What `get` prints is what `apply` takes, the sealed values among it.
    let documents = desk.run(&["get", "all", "--yaml"]).out;
    assert!(documents.contains("answers customers' questions"), "{documents}");
    let same = desk.pipe(&["plan", "-f", "-"], &documents);
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);

    let table = desk.run(&["get", "models"]).out;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("NAME   SERVICE  UPSTREAM NAME  SINCE"), "{table}");
    assert!(lines[1].starts_with("small  openai   gpt-4o-mini    20"), "{table}");

    let changed = EXAMPLE.replace("weight: 1", "weight: 3").replace("at: 0.8", "at: 0.7");
    let plan = desk.pipe(&["plan", "-f", "-"], &changed);
    assert_eq!(plan.code, 2);
    let expected = "~ Guard baseline\n    ~ rules[0].at: 0.8 → 0.7\n~ Route support-bot\n    + targets[0].weight: 3\n\n0 to create, 2 to change, 0 to delete\n";
    assert!(plan.out.starts_with(expected), "{}", plan.out);
    let before = desk.json(&["get", "route", "support-bot"])["meta"]["changed"].as_str().unwrap().to_owned();
    desk.apply(&changed);
    let then = desk.json(&["get", "route", "support-bot", "--as-of", &before]);
    assert_eq!(then["spec"]["targets"], json!([{"model": "small"}]));
    let now = desk.json(&["get", "route", "support-bot"]);
    assert_eq!(now["spec"]["targets"], json!([{"model": "small", "weight": 3}]));
    let history = desk.json(&["history", "route", "support-bot"]);
    let steps: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|step| step["change"].as_str().unwrap()).collect();
    assert_eq!(steps, ["change", "create"]);
    assert_eq!(history["items"][0]["fields"][0]["path"], "targets[0].weight");

    let used = desk.run(&["delete", "route", "support-bot"]);
    assert_eq!(used.code, 1);
    assert!(used.err.contains("is still used by"), "{}", used.err);
    assert_eq!(desk.run(&["delete", "limit", "support-minute"]).code, 0);
    assert_eq!(desk.run(&["get", "limit", "support-minute"]).code, 1);
    let history = desk.json(&["history", "limit", "support-minute"]);
    assert_eq!(history["items"][0]["change"], "delete");

    keys(desk);
}

fn keys(desk: &Desk) {
    let made = desk.run(&[
        "key",
        "create",
        "--principal",
        "support-app",
        "--route",
        "support-bot",
        "--expires",
        "30d",
    ]);
    assert_eq!(made.code, 0, "{}", made.err);
    let secret = made.out.trim();
    let (id, _) = cordon_core::KeySecret::parse(secret).unwrap();
    let id = id.to_string();
    let listed = desk.json(&["key", "list"]);
    assert_eq!(listed["items"][0]["id"], id.as_str());
    assert_eq!(listed["items"][0]["status"], "active");
    let log = std::fs::read(desk.data().join("log.db")).unwrap();
    let body = &secret.as_bytes()[20..84];
    assert!(!log.windows(body.len()).any(|window| window == body), "the log holds a key's secret");

    let rotated = desk.json(&["key", "rotate", &id, "--expires", "60d", "--overlap", "1h"]);
    assert_eq!(rotated["replaces"], id.as_str());
    assert!(rotated["key"].as_str().unwrap().starts_with("ck_"));
    let revoked = desk.json(&["key", "revoke", &id, "--reason", "left on a train"]);
    assert_eq!(revoked["status"], "revoked");
    let other =
        desk.run(&["key", "create", "--principal", "support-app", "--route", "other", "--expires", "30d"]);
    assert_eq!(other.code, 1);
    assert!(other.err.contains("may not use route `other`"), "{}", other.err);
    assert_eq!(desk.run(&["key", "revoke", secret]).code, 1);
}

#[test]
fn everyday_on_a_folder() {
    let desk = Desk::new();
    everyday(&desk);
    assert!(desk.json(&["get", "team", "support"])["meta"]["actor"] == "local");
}

#[test]
fn everyday_through_a_server() {
    let desk = Desk::new();
    let server = desk.serve();
    everyday(&desk);
    assert!(desk.json(&["get", "team", "support"])["meta"]["actor"] == "bootstrap");
    // By its address, with a token in the environment.
    let token = std::fs::read_to_string(desk.data().join("admin.token")).unwrap();
    let with = |token: &str| {
        let mut command = desk.command(&["get", "teams", "--server", &desk.url()]);
        ran(command.env("CORDON_TOKEN", token).output().unwrap())
    };
    assert_eq!(with(token.trim()).code, 0);
    let wrong = with("ca_0000000000000000000000");
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("the token is not one of this server"), "{}", wrong.err);
    drop(server);
    // What was granted is there without the server.
    assert!(desk.run(&["get", "team", "support"]).out.contains(" position "));
}

#[test]
fn everything_wrong_in_all_files_is_told_at_once_and_nothing_is_applied() {
    let desk = Desk::new();
    desk.apply("apiVersion: cordon/v1\nkind: Team\nname: support\nspec: {}\n");
    desk.write("p/a.yaml", "apiVersion: cordon/v1\nkind: Team\nname: fine\nspec: {}\n---\napiVersion: cordon/v1\nkind: Model\nname: m\nspec:\n  service: nowhere\n  upstream_name: x\n");
    desk.write(
        "p/sub/b.yml",
        "apiVersion: cordon/v1\nkind: Route\nname: r\nspec:\n  team: support\n  target: []\n",
    );
    desk.write("p/c.json", "{\"apiVersion\": \"cordon/v1\", \"kind\": \"Guard\", \"name\": \"g\",\n \"spec\": {\"rules\": [{\"category\": \"pii\", \"action\": \"blok\"}]}}");
    desk.write("p/.hidden.yaml", "not: read");
    desk.write("p/readme.txt", "not: read");
    let folder = desk.folder.path().join("p");
    for verb in ["apply", "plan"] {
        let ran = desk.run(&[verb, "-f", folder.to_str().unwrap()]);
        assert_eq!(ran.code, 1, "{}", ran.out);
        let shown = folder.display();
        for expected in [
            format!("{shown}/a.yaml:10:12 /spec/service: Service `nowhere` does not exist; help: declare it"),
            format!(
                "{shown}/c.json:2:51 /spec/rules/0/action: `blok` is not known here; help: did you mean `block`?"
            ),
            format!(
                "{shown}/sub/b.yml:6:3 /spec/target: unknown field `target`; help: did you mean `targets`?"
            ),
            format!("{shown}/sub/b.yml:5:3 /spec: `targets` is missing"),
            "4 problem(s); nothing was changed".to_owned(),
        ] {
            assert!(ran.err.contains(&expected), "{expected}\n{}", ran.err);
        }
    }
    assert_eq!(position(&desk), 1);
}

#[test]
fn references_are_checked_against_what_stands() {
    let desk = Desk::new();
    let text = "apiVersion: cordon/v1\nkind: Model\nname: m\nspec: { service: nowhere, upstream_name: x }\n---\napiVersion: cordon/v1\nkind: Team\nname: fine\nspec: {}\n";
    let ran = desk.pipe(&["apply", "-f", "-"], text);
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("-:4:18 /spec/service: Service `nowhere` does not exist"), "{}", ran.err);
    // All or nothing.
    assert_eq!(desk.json(&["get", "all"]), json!({"items": []}));
}

#[test]
fn a_command_that_cannot_be_understood_says_how() {
    let desk = Desk::new();
    for (arguments, expected) in [
        (&["get", "rout"][..], "`rout` is no kind of resource; help: did you mean `route`?"),
        (&["get", "route", "A B"], "is not a name"),
        (&["get", "route", "none"], "Route `none` does not exist"),
        (&["apply", "-f", "nowhere"], "nowhere: cannot be read"),
        (&["calls", "list", "--since", "yesterday"], "how long ago"),
        (&["calls", "show", "x"], "is not a call id"),
        (&["calls", "list", "--verdict", "maybe"], "one of allow, flag, redact, hold, block"),
        (&["get", "teams", "--server", "http://127.0.0.1:1"], "there is no token"),
        (&["key", "create", "--principal", "p", "--expires", "soon"], "is not a duration"),
    ] {
        let ran = desk.run(arguments);
        assert_eq!(ran.code, 1, "{arguments:?} {}", ran.out);
        assert!(ran.err.contains(expected), "{arguments:?}\n{}", ran.err);
    }
    for arguments in [&["--help"][..], &["up", "--help"], &["key", "create", "--help"], &["version"]] {
        assert_eq!(desk.run(arguments).code, 0);
    }
    assert!(desk.run(&["up", "--help"]).out.contains("CORDON_GATEWAY_LISTEN"));
    let bad = desk.run(&["up", "--gateway", "here", "--log-format", "xml"]);
    assert_eq!(bad.code, 1);
    assert!(bad.err.contains("--gateway: gateway.listen: an IP address"), "{}", bad.err);
    assert!(bad.err.contains("--log-format: log.format: `json` or `text`"), "{}", bad.err);
}

#[test]
fn commands_on_one_folder_wait_for_each_other() {
    let desk = Desk::new();
    desk.apply(EXAMPLE);
    let start = |arguments: &[&str]| desk.command(arguments).spawn().unwrap();
    let key = ["key", "create", "--principal", "support-app", "--expires", "1d"];
    let children: Vec<Child> = (0..4).flat_map(|_| [start(&key), start(&["get", "all"])]).collect();
    for child in children {
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    assert_eq!(desk.json(&["key", "list"])["items"].as_array().unwrap().len(), 4);
}

#[test]
fn schemas_are_json() {
    let desk = Desk::new();
    let schema: Value = serde_json::from_str(&desk.run(&["schema", "guard"]).out).unwrap();
    assert_eq!(schema["properties"]["kind"]["const"], "Guard");
    let all: Value = serde_json::from_str(&desk.run(&["schema", "all"]).out).unwrap();
    let all = jsonschema::validator_for(&all).unwrap();
    let team = |spec: Value| json!({"apiVersion": "cordon/v1", "kind": "Team", "name": "a", "spec": spec});
    assert!(all.is_valid(&team(json!({}))) && !all.is_valid(&team(json!({"routes": []}))));
}

#[test]
fn the_doctor_says_what_is_broken_and_how_to_mend_it() {
    let desk = Desk::new();
    desk.apply(EXAMPLE);
    let config =
        desk.write("c.toml", "[gateway]\nlisten = \"127.0.0.1:0\"\n[control]\nlisten = \"127.0.0.1:0\"\n");
    let doctor =
        |desk: &Desk| desk.run(&["doctor", "--offline", "--json", "--config", config.to_str().unwrap()]);
    let well = doctor(&desk);
    assert_eq!(well.code, 0, "{}", well.out);
    set_mode(&desk.data(), 0o755);
    std::fs::write(&config, "[gateway]\nlisten = \"here\"\n").unwrap();
    let ill = doctor(&desk);
    assert_eq!(ill.code, 1);
    let checks: Value = serde_json::from_str(&ill.out).unwrap();
    let broken: Vec<(&str, &str)> = checks["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["health"] == "broken")
        .map(|check| (check["check"].as_str().unwrap(), check["help"].as_str().unwrap_or_default()))
        .collect();
    assert!(broken.iter().any(|(check, _)| *check == "configuration"), "{broken:?}");
    assert!(
        broken.iter().any(|(check, help)| *check == "data folder" && help.contains("chmod 700")),
        "{broken:?}"
    );
    set_mode(&desk.data(), 0o700);
    // A fact whose bytes have changed is found.
    let file = desk.data().join("log.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(11).position(|window| window == b"gpt-4o-mini").unwrap();
    bytes[at] = b'"';
    std::fs::write(&file, bytes).unwrap();
    let ill = doctor(&desk);
    assert!(ill.out.contains("\"check\":\"log\",\"health\":\"broken\""), "{}", ill.out);
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Sends a request as it stands and reads the answer to its end.
fn raw(url: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_control_listener_lets_nobody_in_without_the_token() {
    let desk = Desk::new();
    let _server = desk.serve();
    let url = desk.url();
    let ask = |line: &str, headers: &str, body: &str| {
        let length = body.len();
        raw(
            &url,
            &format!(
                "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            ),
        )
    };
    for line in
        ["GET /api/v1/resources", "POST /api/v1/apply", "GET /api/v1/nothing", "GET /api/v1/calls/live"]
    {
        let answer = ask(line, "", "");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{line}\n{answer}");
        assert!(
            answer.contains("application/problem+json") && answer.contains("www-authenticate: Bearer"),
            "{answer}"
        );
        let answer = ask(line, "authorization: Bearer ca_wrong\r\n", "");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{line}\n{answer}");
    }
    assert!(ask("GET /healthz", "", "").starts_with("HTTP/1.1 200 "));
    assert!(ask("GET /readyz", "", "").starts_with("HTTP/1.1 200 "));
    assert!(ask("GET /metrics", "", "").contains("# EOF"));
    let token = std::fs::read_to_string(desk.data().join("admin.token")).unwrap();
    let token = format!("authorization: bearer {}\r\n", token.trim());
    let authorized = |line: &str, body: &str| ask(line, &token, body);
    assert!(authorized("GET /api/v1/resources", "").ends_with("{\"items\":[]}"));
    for (line, body, status, word) in [
        ("GET /api/v1/nothing", "", "404", "not_found"),
        ("PUT /api/v1/apply", "", "405", "method_not_allowed"),
        ("POST /api/v1/apply", "{", "400", "malformed"),
        ("POST /api/v1/apply", "{\"documents\": [], \"more\": 1}", "400", "malformed"),
        ("POST /api/v1/apply", "{\"documents\": [{\"kind\": \"Rout\"}]}", "422", "invalid"),
        ("GET /api/v1/resources/rout/a", "", "400", "malformed"),
        ("GET /api/v1/resources/route/a", "", "404", "not_found"),
        ("GET /api/v1/resources?kin=route", "", "400", "malformed"),
        ("GET /api/v1/calls/01932c07-209e-7e3a-8b1c-1f0a5c3d9e77", "", "404", "not_found"),
    ] {
        let answer = authorized(line, body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line} {body}\n{answer}");
        assert!(
            answer.contains(&format!("\"type\":\"urn:cordon:problem:{word}\"")),
            "{line} {body}\n{answer}"
        );
        assert!(answer.contains("cache-control: no-store"), "{answer}");
    }
    let mut deep = "[".repeat(5_000);
    deep.push_str(&"]".repeat(5_000));
    let answer = authorized("POST /api/v1/apply", &format!("{{\"documents\": {deep}}}"));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[test]
fn people_sign_in_and_what_they_do_names_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new();
    let password = "seven quiet herons by the weir";
    // Before anybody serves: somebody with the rights of the operating system.
    let added = desk.json(&["user", "add", "alex@example.com", "--name", "Alex", "--role", "operator"]);
    let (id, secret) = (added["user"]["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
    let shown = desk.run(&["user", "add", "sam", "--role", "admin"]);
    assert!(shown.out.contains("secret ce_") && shown.out.contains("cordon login --enrol"), "{}", shown.out);
    assert!(
        desk.run(&["user", "add", "sam", "--role", "viewer"]).err.contains("somebody has this login already")
    );
    assert_eq!(desk.run(&["user", "add", "kim", "--role", "root"]).code, 1);
    let listed = desk.run(&["user", "list"]).out;
    assert!(listed.contains("no password yet") && listed.contains("Alex"), "{listed}");

    let server = desk.serve();
    let kept = desk.folder.path().join("config/cordon/tokens.json");
    assert!(desk.pipe(&["login", "--enrol"], &format!("{secret}\nshort\n")).err.contains("fewer than 15"));
    let ran = desk.pipe(&["login", "--enrol", "--expires", "1h"], &format!("{secret}\n{password}\n"));
    assert!(ran.out.contains("as alex@example.com, role operator until "), "{} {}", ran.out, ran.err);
    assert!(!ran.out.contains("cu_") && !ran.err.contains("cu_"));
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // From now on commands go out in this name, although the administrator's token is at hand.
    desk.apply(EXAMPLE);
    assert_eq!(desk.json(&["get", "team", "support"])["meta"]["actor"], json!({"user": id}));
    let denied = desk.run(&["user", "list"]);
    assert!(
        denied.code == 1 && denied.err.contains("`operator` does not include `read people`"),
        "{}",
        denied.err
    );
    let admin = desk.data().join("admin.token");
    let with_admin = |arguments: &[&str]| {
        let ran = desk.run(&[arguments, &["--token-file", admin.to_str().unwrap()]].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
    };
    assert!(with_admin(&["user", "list"]).contains("alex@example.com"));
    // The services of the example are nowhere, which the doctor says too.
    let doctor = desk.run(&["doctor", "--token-file", admin.to_str().unwrap()]).out;
    assert!(doctor.contains("administrator's token: admin.token was used"), "{doctor}");

    // A role counts at once, and so does the end of it.
    with_admin(&["user", "role", "ALEX@example.com", "auditor"]);
    assert_eq!(desk.run(&["user", "list"]).code, 0);
    with_admin(&["user", "disable", id, "--reason", "on leave"]);
    assert!(desk.run(&["get", "teams"]).err.contains("has ended"), "who signed in is not the administrator");
    with_admin(&["user", "enable", "alex@example.com"]);
    let ran = desk.pipe(&["login", "--login", "alex@example.com"], "wrong\n");
    assert!(ran.code == 1 && ran.err.contains("login or password are wrong"), "{}", ran.err);
    let ran = desk.pipe(&["login"], &format!("alex@example.com\n{password}\n"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    // Another sign-in takes the place of the first, on the server too.
    let before = std::fs::read_to_string(&kept).unwrap();
    assert_eq!(desk.pipe(&["login", "--login", "alex@example.com"], &format!("{password}\n")).code, 0);
    let token = before.split('"').find(|word| word.starts_with("cu_")).unwrap();
    let mut command = desk.command(&["get", "teams"]);
    assert_eq!(ran_code(command.env("CORDON_TOKEN", token)), 1);

    // What others may read is not used.
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(desk.run(&["logout"]).err.contains("can be read by other users"));
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
    let token = std::fs::read_to_string(&kept).unwrap();
    let token = token.split('"').find(|word| word.starts_with("cu_")).unwrap().to_owned();
    assert!(desk.run(&["logout"]).out.contains("signed out"));
    let mut command = desk.command(&["get", "teams"]);
    assert_eq!(ran_code(command.env("CORDON_TOKEN", &token)), 1, "the server knows it no more");
    assert_eq!(desk.run(&["get", "teams"]).code, 0, "the administrator's token is at hand");
    // A password never goes to another machine in clear.
    let far = desk.pipe(&["login", "--url", "http://192.0.2.1:4181"], "alex\nx\n");
    assert!(far.err.contains("not sent without TLS"), "{}", far.err);
    drop(server);
    // Without the server the folder itself.
    assert!(desk.run(&["user", "reset", "alex@example.com"]).out.contains("secret ce_"));
}

fn ran_code(command: &mut Command) -> i32 {
    ran(command.output().unwrap()).code
}

#[test]
fn commands_that_only_read_make_no_folder_and_say_where_one_comes_from() {
    let desk = Desk::new();
    let missing: [&[&str]; 4] =
        [&["verify"], &["ledger", "key"], &["ledger", "checkpoint"], &["backup", "copy"]];
    for arguments in missing {
        let Ran { code, err, .. } = desk.run(arguments);
        assert_eq!(code, 1, "{arguments:?}: {err}");
        assert!(err.contains("there is no data folder") && err.contains("help: "), "{arguments:?}: {err}");
    }
    let empty: [&[&str]; 2] = [&["calls", "list"], &["get", "all"]];
    for arguments in empty {
        assert_eq!(desk.run(arguments).code, 0, "{arguments:?}");
    }
    assert!(desk.run(&["calls", "show", "latest"]).err.contains("no call is recorded here yet"));
    assert!(!desk.data().exists() && !desk.folder.path().join("copy").exists());
}
