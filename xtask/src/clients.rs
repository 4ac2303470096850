//! The client tests: official client packages of providers against a running `cordon` with the sandbox behind it.
//! Where scripts of others lie beside the repository, they run against it, too, with a provider of theirs behind it.
//!
//! The set-up is the one that users see: a file of resources, `cordon apply`, `cordon key create`. Nothing of the product is
//! linked in here; what the clients meet is the binary.

mod shared;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::python;
use crate::suite::Closing;

/// How long the server may take to say that it is ready: far more than it needs on a loaded machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The routes of `tests/clients/resources.yaml` beside the usual one, and what the tests call them.
const ROUTES: [(&str, &str); 9] = [
    ("CLAUDE", "claude"),
    ("CUT", "cut"),
    ("ENDLESS", "endless"),
    ("FAULTY", "faulty"),
    ("LIMITED", "limited"),
    ("LOANS", "loans"),
    ("MANNERLY", "mannerly"),
    ("REFUSAL", "polite"),
    ("SEVERED", "severed"),
];

/// The packages, each with its file of checks.
const PACKAGES: [&str; 4] = ["anthropic", "langchain", "openai", "openinference"];

/// The step `clients`.
pub(crate) fn run(closing: &mut Closing) -> Result<bool> {
    let python = python::environment()?;
    process::must(process::cargo().args(["build", "--locked", "--quiet", "--package", "cordon"]))?;
    let binary = process::binary()?;
    let folder = Folder::new("target/clients/run")?;

    let sandbox = Server::start(
        Command::new(&binary).args(["sandbox", "--listen", "127.0.0.1:0"]),
        &folder.path.join("sandbox.log"),
    )?;
    let upstream = sandbox.addresses(1)?.remove(0);

    let receiver = Server::start(
        Command::new(&python).args(["-u", "-B", "tests/clients/otlp_receiver.py"]),
        &folder.path.join("receiver.log"),
    )?;
    let collector = format!("http://{}", receiver.addresses(1)?.remove(0));

    let data = folder.path.join("data");
    let server = Server::start(
        Command::new(&binary)
            .args(["up", "--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data"])
            .arg(&data)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector)
            .env("CORDON_TEST_PROVIDER_KEY", "provider-key-of-the-client-tests"),
        &folder.path.join("cordon.log"),
    )?;
    let addresses = server.addresses(2)?;
    let (gateway, control) = (address(&addresses, "gateway")?, address(&addresses, "control")?);

    let token = std::fs::read_to_string(data.join("admin.token")).context("reading admin.token")?;
    let node = Node { binary, gateway, control, token: token.trim().to_owned() };
    node.apply("tests/clients/resources.yaml", &upstream, &folder.path.join("resources.yaml"))?;
    let key = |route| node.key("client-tests", Some(route));
    let usual = key("assistant")?;
    let keys = ROUTES.iter().map(|(_, route)| key(route)).collect::<Result<Vec<_>>>()?;
    let mut passed = true;
    for package in PACKAGES {
        let mut tests = process::quiet(&python);
        tests
            .args(["-u", "-B", &format!("tests/clients/{package}_client.py")])
            .env("BASE_URL", format!("http://{}/v1", node.gateway))
            .env("ANTHROPIC_URL", format!("http://{}", node.gateway))
            .env("API_KEY", &usual)
            .env("MODEL", "assistant")
            .env("OTLP_RECEIVER", &collector);
        for ((suffix, route), key) in ROUTES.iter().zip(&keys) {
            tests.env(format!("API_KEY_{suffix}"), key).env(format!("MODEL_{suffix}"), route);
        }
        passed &= closing.run(without_proxies(&mut tests))?;
    }
    passed &= shared::run(closing, &python, &node, &folder)?;
    let ended = server.stop()?;
    if !ended {
        println!(
            "cordon did not end with 0 on SIGTERM\nhelp: its log is {}",
            folder.path.join("cordon.log").display()
        );
    }
    sandbox.stop()?;
    receiver.stop()?;
    Ok(passed && ended)
}

/// The tests reach a loopback address: a proxy of the machine has no part in it.
fn without_proxies(tests: &mut Command) -> &mut Command {
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        tests.env_remove(name);
    }
    tests
}

/// A node that serves, and how its administrator speaks to it.
struct Node {
    binary: PathBuf,
    gateway: String,
    control: String,
    token: String,
}

impl Node {
    fn cordon(&self) -> Command {
        let mut command = process::quiet(&self.binary);
        command.env("CORDON_SERVER", format!("http://{}", self.control)).env("CORDON_TOKEN", &self.token);
        command
    }

    /// Applies a file in which `UPSTREAM` stands for an address; what is applied is left at `written`.
    fn apply(&self, file: &str, upstream: &str, written: &Path) -> Result<()> {
        let resources = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
        std::fs::write(written, resources.replace("UPSTREAM", upstream))
            .with_context(|| format!("writing {}", written.display()))?;
        process::must(self.cordon().arg("apply").arg("-f").arg(written))
    }

    /// A new key of a principal, for one route or for all of its routes.
    fn key(&self, principal: &str, route: Option<&str>) -> Result<String> {
        let mut command = self.cordon();
        command.args(["key", "create", "--principal", principal, "--expires", "1d", "--json"]);
        if let Some(route) = route {
            command.args(["--route", route]);
        }
        let answer: serde_json::Value = serde_json::from_str(&process::output(&mut command)?)
            .context("reading the answer of `key create`")?;
        let key = answer.get("key").and_then(serde_json::Value::as_str);
        key.map(str::to_owned).context("the answer of `key create` has no `key`")
    }
}

/// A node with the demo's traffic in it.
pub(crate) struct Demo {
    pub(crate) binary: PathBuf,
    pub(crate) server: Server,
    pub(crate) gateway: String,
    pub(crate) control: String,
    /// The administrator's token.
    pub(crate) token: String,
}

impl Demo {
    /// Builds the binary, starts it on a folder of its own, and waits until the traffic is through.
    pub(crate) fn start(folder: &Folder) -> Result<Self> {
        process::must(process::cargo().args(["build", "--locked", "--quiet", "--package", "cordon"]))?;
        let binary = process::binary()?;
        let data = folder.path.join("data");
        let server = Server::start(
            Command::new(&binary)
                .args(["up", "--demo", "--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data"])
                .arg(&data),
            &folder.path.join("cordon.log"),
        )?;
        let addresses = server.addresses(2)?;
        let (gateway, control) = (address(&addresses, "gateway")?, address(&addresses, "control")?);
        server.until("Serving")?;
        let token = std::fs::read_to_string(data.join("admin.token")).context("reading admin.token")?;
        Ok(Self { binary, server, gateway, control, token: token.trim().to_owned() })
    }
}

/// An empty folder under `target/`.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
}

impl Folder {
    pub(crate) fn new(path: &str) -> Result<Self> {
        let path = std::path::absolute(path).with_context(|| format!("naming {path}"))?;
        if path.exists() {
            std::fs::remove_dir_all(&path).with_context(|| format!("emptying {}", path.display()))?;
        }
        std::fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path })
    }
}

/// A server of ours, ended with the test run whatever happens. What it prints goes to a log, line by line.
pub(crate) struct Server {
    child: Child,
    lines: mpsc::Receiver<String>,
    log: PathBuf,
}

impl Server {
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        println!("$ {} &", process::shown(command));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(log.with_extension("err")).context("making the log of errors")?)
            .spawn()
            .with_context(|| format!("starting `{}`", process::shown(command)))?;
        let stdout = child.stdout.take().context("the server has no output")?;
        let mut file = std::fs::File::create(log).with_context(|| format!("making {}", log.display()))?;
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                use std::io::Write;
                // The log is for people, and the receiver is gone once the server is ready: neither may stop the reading,
                // or the server would wait on a full pipe.
                let _ = writeln!(file, "{line}");
                let _ = send.send(line);
            }
        });
        Ok(Self { child, lines, log: log.to_path_buf() })
    }

    /// The addresses of the first `count` lines that name one: `host:port` anywhere in a ready line.
    pub(crate) fn addresses(&self, count: usize) -> Result<Vec<String>> {
        let mut found = Vec::new();
        while found.len() < count {
            let Ok(line) = self.lines.recv_timeout(READY_WITHIN) else {
                bail!(
                    "the server did not get ready\nhelp: what it said is in {} and {}",
                    self.log.display(),
                    self.log.with_extension("err").display()
                );
            };
            if let Some(address) = loopback(&line) {
                found.push(if count == 1 { address } else { format!("{line} {address}") });
            }
        }
        Ok(found)
    }

    /// Waits for a line that holds this.
    pub(crate) fn until(&self, text: &str) -> Result<()> {
        while let Ok(line) = self.lines.recv_timeout(READY_WITHIN) {
            if line.contains(text) {
                return Ok(());
            }
        }
        bail!("the server did not say `{text}`\nhelp: what it said is in {}", self.log.display())
    }

    /// Asks it to end; whether it did so with success.
    pub(crate) fn stop(mut self) -> Result<bool> {
        process::must(process::quiet("kill").args(["-TERM", &self.child.id().to_string()]))?;
        Ok(self.child.wait().context("waiting for the server")?.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended is as good as ended now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address of the ready line that names a listener.
pub(crate) fn address(ready: &[String], listener: &str) -> Result<String> {
    ready
        .iter()
        .find(|line| line.contains(listener))
        .and_then(|line| line.rsplit(' ').next())
        .map(str::to_owned)
        .with_context(|| format!("no ready line names the {listener} listener: {ready:?}"))
}

/// The first `127.0.0.1:PORT` of a line.
fn loopback(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty() && port != "0").then(|| format!("127.0.0.1:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_any_ready_line() {
        assert_eq!(loopback("gateway  http://127.0.0.1:4180 ready").as_deref(), Some("127.0.0.1:4180"));
        assert_eq!(loopback("listening on 127.0.0.1:0"), None);
        assert_eq!(loopback("starting"), None);
        let ready = [
            "gateway on 127.0.0.1:1 127.0.0.1:1".to_owned(),
            "control on 127.0.0.1:2 127.0.0.1:2".to_owned(),
        ];
        assert_eq!(address(&ready, "control").unwrap(), "127.0.0.1:2");
        assert!(address(&ready, "console").is_err());
    }
}
