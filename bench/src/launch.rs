//! The servers that are measured: the floor and Cordon with its resources and keys.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::load::{self, Ask, Target, Until};

/// How servers are started: on a core of their own, with their output in files.
pub(crate) struct Launch {
    pub(crate) core: Option<String>,
    pub(crate) folder: PathBuf,
}

/// A server that ends with this value.
pub(crate) struct Running {
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is as good as ended now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Floor {
    pub(crate) target: Target,
    _running: Running,
}

pub(crate) struct Cordon {
    address: String,
    keys: Vec<(&'static str, String)>,
    running: Running,
}

/// The routes that are measured: what they do when a record cannot be made durable.
pub(crate) const AUDITS: [&str; 2] = ["best-effort", "required"];

impl Cordon {
    pub(crate) fn process(&self) -> u32 {
        self.running.child.id()
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        AUDITS.into_iter().map(|audit| self.target(audit))
    }

    pub(crate) fn target(&self, audit: &str) -> Target {
        self.target_of(audit, audit)
    }

    /// With the key of this name, on this route.
    pub(crate) fn target_of(&self, name: &str, route: &str) -> Target {
        let key = self.keys.iter().find(|(known, _)| *known == name).map(|(_, key)| key.clone());
        Target {
            name: format!("cordon, {name}"),
            address: self.address.clone(),
            key: key.unwrap_or_default(),
            model: route.to_owned(),
            process: Some(self.process()),
        }
    }
}

impl Launch {
    fn command(&self, program: &Path) -> Command {
        let mut command = match &self.core {
            None => Command::new(program),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", core]).arg(program);
                command
            }
        };
        command.stdin(Stdio::null()).env("CORDON_BENCH_PROVIDER_KEY", "provider-key-of-the-benchmark");
        command
    }

    fn start(&self, command: &mut Command, log: &str) -> Result<Running> {
        let file = |ending: &str| {
            let path = self.folder.join(format!("{log}.{ending}"));
            std::fs::File::create(&path).with_context(|| format!("making {}", path.display()))
        };
        let child = command.stdout(file("out")?).stderr(file("err")?).spawn().context("starting a server")?;
        Ok(Running { child })
    }

    pub(crate) fn floor(&self, upstream: &str) -> Result<Floor> {
        let address = free_address()?;
        let program = std::env::current_exe().context("finding this program")?;
        let running = self.start(self.command(&program).args(["floor", &address, upstream]), "floor")?;
        wait_for(&address)?;
        let target = Target {
            name: "floor".into(),
            address,
            key: "none".into(),
            model: "mock".into(),
            process: Some(running.child.id()),
        };
        Ok(Floor { target, _running: running })
    }

    fn up(&self, program: &Path, gateway: &str, control: &str) -> Result<Running> {
        let mut command = self.command(program);
        command
            .args(["up", "--gateway", gateway, "--control", control, "--data"])
            .arg(self.folder.join("data"))
            // As many as wait idle at the end.
            .env("CORDON_GATEWAY_MAX_CONNECTIONS", "16384");
        self.start(&mut command, "cordon")
    }

    pub(crate) fn cordon(&self, program: &Path, upstream: &str) -> Result<Cordon> {
        let (gateway, control) = (free_address()?, free_address()?);
        let running = self.up(program, &gateway, &control)?;
        wait_for(&gateway)?;
        wait_for(&control)?;
        let token =
            std::fs::read_to_string(self.folder.join("data/admin.token")).context("reading admin.token")?;
        let resources = self.folder.join("resources.yaml");
        std::fs::write(&resources, resources_of(upstream)).context("writing the resources")?;
        let tell = || {
            let mut command = Command::new(program);
            command.stdin(Stdio::null()).env("CORDON_SERVER", format!("http://{control}"));
            command.env("CORDON_TOKEN", token.trim());
            command
        };
        answer(tell().arg("apply").arg("-f").arg(&resources))?;
        let of_audit =
            |audit: &'static str| (audit, SUFFIXES.map(|suffix| format!("{audit}{suffix}")).to_vec());
        // A key of its own for each priority: one that may use both is let in as the higher one at first.
        let of_priority = |priority: &'static str| (priority, vec![format!("{priority}-priority")]);
        let mut keys = Vec::new();
        for (name, routes) in AUDITS.map(of_audit).into_iter().chain(PRIORITIES.map(of_priority)) {
            let mut command = tell();
            command.args(["key", "create", "--principal", "bench", "--expires", "1d", "--json"]);
            for route in routes {
                command.args(["--route", &route]);
            }
            let made: serde_json::Value =
                serde_json::from_str(&answer(&mut command)?).context("reading the answer of `key create`")?;
            let key = made.get("key").and_then(|key| key.as_str()).context("`key create` gave no `key`")?;
            std::fs::write(self.folder.join(format!("{name}.key")), key).context("keeping the key")?;
            keys.push((name, key.to_owned()));
        }
        Ok(Cordon { address: gateway, keys, running })
    }

    /// Nanoseconds from the start of the process to its first 200.
    pub(crate) fn first_answer(&self, program: &Path) -> Result<u64> {
        let (gateway, control) = (free_address()?, free_address()?);
        let key = std::fs::read_to_string(self.folder.join("best-effort.key")).context("reading the key")?;
        let target = Target {
            name: "cordon".into(),
            address: gateway.clone(),
            key,
            model: "best-effort".into(),
            process: None,
        };
        let start = Instant::now();
        let _running = self.up(program, &gateway, &control)?;
        wait_for(&gateway)?;
        load::run(&target, Ask::Object, 1, Until::Calls(1))?;
        Ok(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A loopback address that nobody listens on.
fn free_address() -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
    Ok(listener.local_addr().context("reading a free port")?.to_string())
}

/// Connects again and again until somebody listens.
fn wait_for(address: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            bail!("nobody listens on {address}\nhelp: the servers' output is beside the data");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn answer(command: &mut Command) -> Result<String> {
    let output = command.output().context("starting cordon")?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    String::from_utf8(output.stdout).context("reading what cordon printed")
}

/// Routes whose calls are let in first, as of those who say nothing, and last.
pub(crate) const PRIORITIES: [&str; 3] = ["high", "normal", "low"];

/// What is appended to a route's name for the mock's three kinds of answers.
const SUFFIXES: [&str; 3] = ["", "-stream", "-paced"];

/// The set-up of the measurement: limits and a budget that are counted and never reached, PII and secrets redacted both
/// ways, injections blocked, every call recorded.
fn resources_of(upstream: &str) -> String {
    let mut text = format!(
        r#"apiVersion: cordon/v1
kind: Team
name: bench
spec: {{}}
---
apiVersion: cordon/v1
kind: System
name: bench
spec: {{ team: bench, purpose: "measures the gateway", risk: minimal }}
---
apiVersion: cordon/v1
kind: Service
name: mock
spec: {{ protocol: openai, base_url: "http://{upstream}/v1", secret: "env:CORDON_BENCH_PROVIDER_KEY", private_network: true }}
---
apiVersion: cordon/v1
kind: Guard
name: baseline
spec:
  scope: organisation
  rules:
    - {{ channels: [user, document, tool_output], category: prompt_injection, at: 0.8, action: block }}
    - {{ channels: [user, model, tool_output, document], category: pii, action: redact }}
    - {{ channels: [user, model, tool_output, document], category: secret, action: redact }}
---
apiVersion: cordon/v1
kind: Limit
name: rates
spec:
  applies_to: {{ principal: bench }}
  requests: {{ count: 1000000000, window: 1m, burst: 100000000 }}
  tokens: {{ count: 1000000000000, window: 1h }}
  concurrency: 10000
---
apiVersion: cordon/v1
kind: Limit
name: budget
spec:
  applies_to: {{ team: bench }}
  money: {{ amount: "1000000000", currency: USD, window: 30d }}
"#
    );
    for suffix in SUFFIXES {
        text.push_str(&format!(
            "---\napiVersion: cordon/v1\nkind: Model\nname: mock{suffix}\nspec:\n  service: mock\n  upstream_name: mock{suffix}\n  \
             prices: [{{ currency: USD, input: \"0.15\", output: \"0.60\" }}]\n"
        ));
    }
    let mut routes = Vec::new();
    for audit in AUDITS {
        for suffix in SUFFIXES {
            let name = format!("{audit}{suffix}");
            text.push_str(&format!(
                "---\napiVersion: cordon/v1\nkind: Route\nname: {name}\n\
                 spec: {{ team: bench, system: bench, targets: [{{ model: mock{suffix} }}], guards: [baseline], audit: {audit} }}\n"
            ));
            routes.push(name);
        }
    }
    for priority in PRIORITIES {
        let name = format!("{priority}-priority");
        text.push_str(&format!(
            "---\napiVersion: cordon/v1\nkind: Route\nname: {name}\nspec: {{ team: bench, system: bench, \
             targets: [{{ model: mock }}], guards: [baseline], audit: best-effort, priority: {priority} }}\n"
        ));
        routes.push(name);
    }
    text.push_str(&format!(
        "---\napiVersion: cordon/v1\nkind: Principal\nname: bench\nspec: {{ team: bench, routes: [{}] }}\n",
        routes.join(", ")
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measured_route_is_declared() {
        let text = resources_of("127.0.0.1:1");
        let routes = AUDITS.into_iter().flat_map(|audit| SUFFIXES.map(|suffix| format!("{audit}{suffix}")));
        for route in routes.chain(PRIORITIES.map(|priority| format!("{priority}-priority"))) {
            assert!(text.contains(&format!("kind: Route\nname: {route}\n")), "{route}");
        }
    }
}
