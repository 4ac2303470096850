//! `bench gateway`: the same load on the mock itself, on the floor, and on Cordon with guards, both directions inspected and
//! records on.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::load::{self, Ask, Target, Until};
use crate::measure::{cpu, median, quantile, resident, syncs};
use crate::mock::{self, CHUNKS, Progress};
use crate::table::{Table, megabytes, milliseconds};

struct Options {
    /// The program that is measured.
    cordon: PathBuf,
    /// An empty folder for its data.
    folder: PathBuf,
    seconds: u64,
    rounds: usize,
    calls: u64,
    streams: usize,
    mock: String,
    /// Other gateways that are running already.
    also: Vec<Target>,
}

/// Measures and prints tables.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = read(arguments)?;
    let cores = std::thread::available_parallelism().context("counting cores")?;
    // The caller pins this process: one core for load and mock together, and the servers get another.
    let server_core = std::env::var("CORDON_BENCH_SERVER_CORE").ok();
    println!("load and mock on {cores} core(s); server on {}", server_core.as_deref().unwrap_or("any core"));
    let progress = Arc::new(Progress::default());
    let upstream = mock::serve(&options.mock, Arc::clone(&progress))?;
    let launch = Launch { core: server_core, folder: options.folder.clone() };

    let floor = launch.floor(&upstream)?;
    let cordon = launch.cordon(&options.cordon, &upstream)?;
    let direct = Target {
        name: "mock itself".into(),
        address: upstream.clone(),
        key: "none".into(),
        model: "mock".into(),
        process: None,
    };
    let mut targets = vec![direct.clone(), floor.target.clone()];
    let idle = resident(cordon.process())?;
    targets.extend(cordon.targets());
    targets.extend(options.also.iter().cloned());

    objects(&targets, &options)?;
    streams(&targets, &options)?;
    paced(&targets, &options, &progress)?;
    durability(&options)?;
    stages(&cordon, &options)?;
    memory(&cordon, idle, &options)?;
    drop(cordon);
    start(&launch, &options)?;
    drop(floor);
    Ok(())
}

fn read(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        cordon: PathBuf::new(),
        folder: PathBuf::new(),
        seconds: 5,
        rounds: 3,
        calls: 1_000_000,
        streams: 40,
        mock: "127.0.0.1:0".to_owned(),
        also: Vec::new(),
    };
    let mut words = arguments.iter();
    while let Some(option) = words.next() {
        let value = words.next().with_context(|| format!("`{option}` needs a value"))?;
        let number = || value.parse::<u64>().with_context(|| format!("`{option} {value}` is not a number"));
        match option.as_str() {
            "--cordon" => options.cordon = value.into(),
            "--folder" => options.folder = value.into(),
            "--seconds" => options.seconds = number()?,
            "--rounds" => options.rounds = usize::try_from(number()?).context("reading --rounds")?,
            "--calls" => options.calls = number()?,
            "--streams" => options.streams = usize::try_from(number()?).context("reading --streams")?,
            "--mock" => options.mock = value.clone(),
            "--also" => options.also.push(also(value)?),
            other => bail!("unknown option `{other}`"),
        }
    }
    Ok(options)
}

/// `NAME,HOST:PORT,MODEL,KEY,PID`.
fn also(text: &str) -> Result<Target> {
    let words: Vec<&str> = text.split(',').collect();
    let [name, address, model, key, process] = words.as_slice() else {
        bail!("`--also {text}` is not NAME,HOST:PORT,MODEL,KEY,PID");
    };
    Ok(Target {
        name: (*name).to_owned(),
        address: (*address).to_owned(),
        key: (*key).to_owned(),
        model: (*model).to_owned(),
        process: Some(process.parse().with_context(|| format!("`{process}` is not a process id"))?),
    })
}

/// Plain calls: throughput, latency, CPU time and memory, the median of the rounds.
fn objects(targets: &[Target], options: &Options) -> Result<()> {
    let mut table = Table::new(&[
        "target",
        "c",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "added p50 ms",
        "CPU µs/request",
        "MB",
        "errors",
    ]);
    for connections in [1, 16] {
        let mut base = None;
        for target in targets {
            // Caches, pools and the allocator settle before anything is counted.
            load::run(target, Ask::Object, connections, Until::Elapsed(Duration::from_secs(1)))?;
            let mut figures = Figures::default();
            for _ in 0..options.rounds {
                figures.add(target, Ask::Object, connections, Duration::from_secs(options.seconds))?;
            }
            let p50 = median(figures.p50);
            let added = p50 - *base.get_or_insert(p50);
            let memory = target.process.map(resident).transpose()?;
            table.row(&[
                target.name.clone(),
                connections.to_string(),
                format!("{:.0}", median(figures.rate)),
                format!("{:.3}", p50 / 1e6),
                format!("{:.3}", median(figures.p99) / 1e6),
                format!("{:.3}", added / 1e6),
                optional(&figures.cpu, |cpu| format!("{:.1}", cpu / 1e3)),
                memory.map_or_else(|| "-".to_owned(), megabytes),
                figures.errors.to_string(),
            ]);
        }
    }
    table.print(&format!("Chat calls of 1 KB, {} rounds of {} s", options.rounds, options.seconds));
    Ok(())
}

/// Streams whose events come at once: CPU time for each event with content.
fn streams(targets: &[Target], options: &Options) -> Result<()> {
    let mut table = Table::new(&["target", "c", "streams/s", "p50 ms", "CPU µs/stream", "CPU µs/chunk"]);
    for target in targets {
        load::run(target, Ask::Stream, 16, Until::Elapsed(Duration::from_secs(1)))?;
        let mut figures = Figures::default();
        for _ in 0..options.rounds {
            figures.add(target, Ask::Stream, 16, Duration::from_secs(options.seconds))?;
        }
        table.row(&[
            target.name.clone(),
            "16".to_owned(),
            format!("{:.0}", median(figures.rate)),
            format!("{:.3}", median(figures.p50) / 1e6),
            optional(&figures.cpu, |cpu| format!("{:.1}", cpu / 1e3)),
            optional(&figures.cpu, |cpu| format!("{:.2}", cpu / 1e3 / CHUNKS as f64)),
        ]);
    }
    table.print(&format!(
        "Streams of {CHUNKS} chunks at once, {} rounds of {} s",
        options.rounds, options.seconds
    ));
    Ok(())
}

/// Streams at the pace of a model: when the first content comes, and how much is held back.
fn paced(targets: &[Target], options: &Options, progress: &Progress) -> Result<()> {
    let mut table = Table::new(&[
        "target",
        "first content p50 ms",
        "p99 ms",
        "added p50 ms",
        "bytes held p50",
        "p99",
        "CPU µs/chunk",
    ]);
    let mut base = None;
    for target in targets {
        load::first_contents(target, 2, progress)?;
        progress.take_held();
        let before = target.process.map(cpu).transpose()?;
        let mut times = load::first_contents(target, options.streams, progress)?;
        let used = used(target, before)?;
        times.sort_unstable();
        let mut held = progress.take_held();
        held.sort_unstable();
        let p50 = quantile(&times, 0.5);
        let added = p50 as f64 - *base.get_or_insert(p50 as f64);
        let chunks = (options.streams * mock::PACED_CHUNKS) as f64;
        table.row(&[
            target.name.clone(),
            milliseconds(p50),
            milliseconds(quantile(&times, 0.99)),
            format!("{:.3}", added / 1e6),
            quantile(&held, 0.5).to_string(),
            quantile(&held, 0.99).to_string(),
            used.map_or_else(|| "-".to_owned(), |used| format!("{:.1}", used / chunks / 1e3)),
        ]);
    }
    table.print(&format!("{} streams at {} tokens/s", options.streams, mock::TOKENS_PER_SECOND));
    Ok(())
}

fn durability(options: &Options) -> Result<()> {
    let times = syncs(&options.folder, 300)?;
    let mut table = Table::new(&["what", "p50 ms", "p99 ms"]);
    table.row(&[
        "append of 512 bytes and fdatasync".to_owned(),
        milliseconds(quantile(&times, 0.5)),
        milliseconds(quantile(&times, 0.99)),
    ]);
    table.print("The disk under the records");
    Ok(())
}

/// Where the time of a call goes, as the gateway itself says in `Server-Timing`.
fn stages(cordon: &Cordon, options: &Options) -> Result<()> {
    let target = cordon.target("best-effort");
    let outcome = load::run(&target, Ask::Object, 1, Until::Elapsed(Duration::from_secs(options.seconds)))?;
    let mut table = Table::new(&["stage", "mean µs"]);
    for (stage, sum) in &outcome.stages {
        table.row(&[stage.clone(), format!("{:.1}", sum * 1e3 / outcome.timed as f64)]);
    }
    table.print("Stages of a call (Server-Timing, c=1)");
    Ok(())
}

fn memory(cordon: &Cordon, idle: u64, options: &Options) -> Result<()> {
    let target = cordon.target("best-effort");
    let mut table = Table::new(&["after", "resident MB"]);
    table.row(&["start".to_owned(), megabytes(idle)]);
    let mut done = 0;
    for part in [options.calls / 10, options.calls - options.calls / 10] {
        load::run(&target, Ask::Object, 16, Until::Calls(part))?;
        done += part;
        table.row(&[format!("{done} more calls"), megabytes(resident(cordon.process())?)]);
    }
    table.print("Memory");
    Ok(())
}

/// From the start of the process to the first answer, with the data of an earlier run.
fn start(launch: &Launch, options: &Options) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..options.rounds.max(5) {
        times.push(launch.first_answer(&options.cordon)?);
    }
    times.sort_unstable();
    let mut table = Table::new(&["what", "least ms", "median ms", "most ms"]);
    table.row(&[
        "start to first 200".to_owned(),
        milliseconds(quantile(&times, 0.0)),
        milliseconds(quantile(&times, 0.5)),
        milliseconds(quantile(&times, 1.0)),
    ]);
    table.print("Start");
    Ok(())
}

/// One figure a round.
#[derive(Default)]
struct Figures {
    rate: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
    errors: u64,
}

impl Figures {
    fn add(&mut self, target: &Target, ask: Ask, connections: usize, time: Duration) -> Result<()> {
        let before = target.process.map(cpu).transpose()?;
        let outcome = load::run(target, ask, connections, Until::Elapsed(time))?;
        let used = used(target, before)?;
        let answered = outcome.latencies.len() as f64;
        self.rate.push(outcome.rate());
        self.p50.push(quantile(&outcome.latencies, 0.5) as f64);
        self.p99.push(quantile(&outcome.latencies, 0.99) as f64);
        self.cpu.extend(used.map(|used| used / answered));
        self.errors += outcome.errors;
        Ok(())
    }
}

fn used(target: &Target, before: Option<u64>) -> Result<Option<f64>> {
    let after = target.process.map(cpu).transpose()?;
    Ok(before.zip(after).map(|(before, after)| after.saturating_sub(before) as f64))
}

fn optional(values: &[f64], show: impl Fn(f64) -> String) -> String {
    if values.is_empty() { "-".to_owned() } else { show(median(values.to_vec())) }
}

/// How servers are started: on a core of their own, with their output in files.
struct Launch {
    core: Option<String>,
    folder: PathBuf,
}

/// A server that ends with this value.
struct Running {
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is as good as ended now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Floor {
    target: Target,
    _running: Running,
}

struct Cordon {
    address: String,
    keys: Vec<(&'static str, String)>,
    running: Running,
}

/// The routes that are measured: what they do when a record cannot be made durable.
const AUDITS: [&str; 2] = ["best-effort", "required"];

impl Cordon {
    fn process(&self) -> u32 {
        self.running.child.id()
    }

    fn targets(&self) -> impl Iterator<Item = Target> {
        AUDITS.into_iter().map(|audit| self.target(audit))
    }

    fn target(&self, audit: &str) -> Target {
        let key = self.keys.iter().find(|(name, _)| *name == audit).map(|(_, key)| key.clone());
        Target {
            name: format!("cordon, {audit}"),
            address: self.address.clone(),
            key: key.unwrap_or_default(),
            model: audit.to_owned(),
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

    fn floor(&self, upstream: &str) -> Result<Floor> {
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
            .arg(self.folder.join("data"));
        self.start(&mut command, "cordon")
    }

    fn cordon(&self, program: &Path, upstream: &str) -> Result<Cordon> {
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
        let mut keys = Vec::new();
        for audit in AUDITS {
            let mut command = tell();
            command.args(["key", "create", "--principal", "bench", "--expires", "1d", "--json"]);
            for suffix in SUFFIXES {
                command.args(["--route", &format!("{audit}{suffix}")]);
            }
            let made: serde_json::Value =
                serde_json::from_str(&answer(&mut command)?).context("reading the answer of `key create`")?;
            let key = made.get("key").and_then(|key| key.as_str()).context("`key create` gave no `key`")?;
            std::fs::write(self.folder.join(format!("{audit}.key")), key).context("keeping the key")?;
            keys.push((audit, key.to_owned()));
        }
        Ok(Cordon { address: gateway, keys, running })
    }

    /// Nanoseconds from the start of the process to its first 200.
    fn first_answer(&self, program: &Path) -> Result<u64> {
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

/// What is appended to a route's name for the mock's three kinds of answers.
const SUFFIXES: [&str; 3] = ["", "-stream", "-paced"];

/// The set-up of the measurement: PII and secrets redacted both ways, injections blocked, every call recorded.
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
"#
    );
    for suffix in SUFFIXES {
        text.push_str(&format!(
            "---\napiVersion: cordon/v1\nkind: Model\nname: mock{suffix}\nspec: {{ service: mock, upstream_name: mock{suffix} }}\n"
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
    fn another_gateway_is_named_in_one_word() {
        let target = also("peer,127.0.0.1:4000,gpt,sk,42").unwrap();
        assert_eq!((target.name.as_str(), target.process), ("peer", Some(42)));
        assert!(also("peer,127.0.0.1:4000").is_err());
    }

    #[test]
    fn every_measured_route_is_declared() {
        let text = resources_of("127.0.0.1:1");
        for audit in AUDITS {
            for suffix in SUFFIXES {
                assert!(text.contains(&format!("kind: Route\nname: {audit}{suffix}\n")));
            }
        }
    }
}
