//! `bench gateway`: the same load on the mock itself, on the floor, and on Cordon with guards, both directions inspected and
//! records on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::launch::{Cordon, Launch, PRIORITIES};
use crate::load::{self, Ask, Target, Until};
use crate::measure::{cpu, median, quantile, resident, syncs};
use crate::mock::{self, CHUNKS, Progress};
use crate::overload::{self, Answers};
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
    /// Connections that are kept without a call.
    idle: usize,
    mock: String,
    /// Other gateways that are running already.
    also: Vec<Target>,
    /// The tables that are wanted; all, when none is named.
    only: Vec<String>,
}

impl Options {
    fn wants(&self, table: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == table)
    }
}

/// The tables, in their order, by the words of `--only`.
const TABLES: [&str; 10] =
    ["calls", "steady", "streams", "paced", "disk", "stages", "memory", "overload", "idle", "start"];

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

    for table in TABLES.into_iter().filter(|table| options.wants(table)) {
        match table {
            "calls" => objects(&targets, &options)?,
            "steady" => steady(&targets, &cordon, &options)?,
            "streams" => streams(&targets, &options)?,
            "paced" => paced(&targets, &options, &progress)?,
            "disk" => durability(&options)?,
            "stages" => stages(&cordon, &options)?,
            "memory" => memory(&cordon, idle, &options)?,
            "overload" => overload(&cordon, &options)?,
            "idle" => idle_connections(&cordon, &options)?,
            // What follows starts the program anew, on the same data.
            _ => break,
        }
    }
    drop(cordon);
    if options.wants("start") {
        start(&launch, &options)?;
    }
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
        idle: 10_000,
        mock: "127.0.0.1:0".to_owned(),
        also: Vec::new(),
        only: Vec::new(),
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
            "--idle" => options.idle = usize::try_from(number()?).context("reading --idle")?,
            "--mock" => options.mock = value.clone(),
            "--also" => options.also.push(also(value)?),
            "--only" => {
                options.only = value.split(',').map(str::to_owned).collect();
                if let Some(unknown) = options.only.iter().find(|only| !TABLES.contains(&only.as_str())) {
                    bail!("`--only {unknown}` is not a table\nhelp: {}", TABLES.join(", "));
                }
            }
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
    for connections in [1, 16, 64] {
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

/// Connections at 70 % of the capacity.
const STEADY: usize = 64;

/// Calls that come at 70 % of what the program serves, over 64 connections: what a caller waits longer than without it.
fn steady(targets: &[Target], cordon: &Cordon, options: &Options) -> Result<()> {
    let time = Duration::from_secs(options.seconds);
    let capacity =
        load::run(&cordon.target("best-effort"), Ask::Object, STEADY, Until::Elapsed(time))?.rate();
    let mut table = Table::new(&["target", "offered/s", "p50 ms", "p99 ms", "added p99 ms"]);
    let mut base = None;
    for target in targets {
        overload::offer([target], capacity * 0.7, Duration::from_secs(1), STEADY)?;
        let mut p50s = Vec::new();
        let mut p99s = Vec::new();
        for _ in 0..options.rounds {
            let [times] = overload::offer([target], capacity * 0.7, time, STEADY)?;
            p50s.push(quantile(&times.answered, 0.5) as f64);
            p99s.push(quantile(&times.answered, 0.99) as f64);
        }
        let p99 = median(p99s);
        let added = p99 - *base.get_or_insert(p99);
        table.row(&[
            target.name.clone(),
            format!("{:.0}", capacity * 0.7),
            format!("{:.3}", median(p50s) / 1e6),
            format!("{:.3}", p99 / 1e6),
            format!("{:.3}", added / 1e6),
        ]);
    }
    table.print(&format!(
        "70 % of the calls that {STEADY} callers get ({capacity:.0}/s), over {STEADY} connections"
    ));
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

/// Callers that send what is due. More than are needed to offer twice what one core serves, each call taking 20 ms.
const CALLERS: usize = 384;

/// A figure of the calls of one priority in one round; none where there was no such call.
type Figure = fn(&Answers, f64) -> Option<f64>;

/// The columns of the table of overload behind what was offered and to whom: how many digits each has.
const OVERLOAD: [(&str, usize, Figure); 6] = [
    ("offered/s", 0, |answers, seconds| Some(answers.offered() as f64 / seconds)),
    ("answered/s", 0, |answers, seconds| Some(answers.answered.len() as f64 / seconds)),
    ("answered p50 ms", 3, |answers, _| at(&answers.answered, 0.5)),
    ("p99 ms", 3, |answers, _| at(&answers.answered, 0.99)),
    ("refused %", 1, |answers, _| Some(100.0 * answers.shed.len() as f64 / answers.offered().max(1) as f64)),
    ("refused p99 ms", 3, |answers, _| at(&answers.shed, 0.99)),
];

/// Milliseconds of a quantile, where there is one.
fn at(times: &[u64], q: f64) -> Option<f64> {
    (!times.is_empty()).then(|| quantile(times, q) as f64 / 1e6)
}

/// Calls that come whether or not earlier ones are answered, up to twice as many as are served: who is answered, and how late. A
/// fifth is of high priority, and as much is normal as is low.
fn overload(cordon: &Cordon, options: &Options) -> Result<()> {
    let targets = PRIORITIES.map(|priority| cordon.target_of(priority, &format!("{priority}-priority")));
    let [high, normal, low] = targets.each_ref();
    let turns = [high, normal, low, normal, low];
    let time = Duration::from_secs(options.seconds);
    // By those who are let in first: on a busy machine the others are refused even here.
    let capacity = load::run(high, Ask::Object, 16, Until::Elapsed(time))?.rate();
    let heads: Vec<&str> =
        ["offered", "priority"].into_iter().chain(OVERLOAD.map(|(head, ..)| head)).collect();
    let mut table = Table::new(&heads);
    for share in [0.5, 0.7, 0.9, 1.2, 1.5, 2.0] {
        // What is shed follows what was seen before: that is not counted.
        overload::offer(turns, capacity * share, Duration::from_secs(1), CALLERS)?;
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            rounds.push(by_priority(overload::offer(turns, capacity * share, time, CALLERS)?));
        }
        for (at, priority) in PRIORITIES.iter().enumerate() {
            let mut row = vec![format!("{share} ×"), (*priority).to_owned()];
            row.extend(OVERLOAD.map(|(_, digits, figure)| {
                let rounds = rounds.iter().filter_map(|answers| answers.get(at));
                let figures: Vec<f64> =
                    rounds.filter_map(|answers| figure(answers, time.as_secs_f64())).collect();
                if figures.is_empty() { "-".to_owned() } else { format!("{:.digits$}", median(figures)) }
            }));
            table.row(&row);
        }
    }
    table.print(&format!(
        "Offered, of what 16 callers get ({capacity:.0}/s), the median of {} rounds of {} s",
        options.rounds, options.seconds
    ));
    Ok(())
}

/// The calls of the five turns, in the order of the priorities.
fn by_priority([high, mut normal, mut low, also_normal, also_low]: [Answers; 5]) -> [Answers; 3] {
    for (all, part) in [(&mut normal, also_normal), (&mut low, also_low)] {
        all.join(part);
        all.sort();
    }
    [high, normal, low]
}

/// Memory of connections that were used once and are kept.
fn idle_connections(cordon: &Cordon, options: &Options) -> Result<()> {
    let target = cordon.target("best-effort");
    let mut table = Table::new(&["idle connections", "resident MB"]);
    table.row(&["0".to_owned(), megabytes(resident(cordon.process())?)]);
    let kept = overload::idle(&target, options.idle)?;
    table.row(&[kept.len().to_string(), megabytes(resident(cordon.process())?)]);
    table.print("Idle connections");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_gateway_is_named_in_one_word() {
        let target = also("peer,127.0.0.1:4000,gpt,sk,42").unwrap();
        assert_eq!((target.name.as_str(), target.process), ("peer", Some(42)));
        assert!(also("peer,127.0.0.1:4000").is_err());
    }
}
