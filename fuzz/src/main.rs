//! `cargo xtask fuzz TARGET…`: searches with coverage (libFuzzer) for inputs that break a law, and keeps what reaches something new,
//! minimised, in `fuzz/corpus/`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cordon_fuzz::{TARGETS, Target, corpus, seeds as first};

/// How long a search lasts when nothing is said, in seconds of processor time.
const SECONDS: u32 = 900;
/// The unit of processor time in `/proc` (`USER_HZ`, proc(5)): a hundredth of a second on every machine that Linux runs on.
const TICKS: u32 = 100;
/// How often a search is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// The most that a committed corpus may be, in bytes.
const MOST: usize = 96 << 10;
/// The longest that one input may take, in seconds of the clock, which a busy machine counts too; the most memory, in MiB.
const OPTIONS: [&str; 4] = ["-timeout=60", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"];
/// Coverage of edges and comparisons, as libFuzzer reads it; arithmetic that overflows is a fault.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=4 -Cdebug-assertions -Coverflow-checks";
const HELP: &str = "cargo xtask fuzz --list | TARGET… | all [--seconds N] [--seeds DIR]";

fn main() -> ExitCode {
    let options: Vec<String> = std::env::args().skip(1).collect();
    match command(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cordon-fuzz: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command with its options; `false` when a law was broken.
fn command(options: &[String]) -> Result<bool> {
    let (mut names, mut seconds, mut seeds) = (Vec::new(), SECONDS, None);
    let mut words = options.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} what?\nhelp: {HELP}"));
        match word {
            "--list" => {
                TARGETS.iter().for_each(|target| println!("{}", target.name));
                return Ok(true);
            }
            "--seconds" => seconds = value()?.parse().context("--seconds: not a number")?,
            "--seeds" => seeds = Some(PathBuf::from(value()?)),
            "all" => names.extend(TARGETS),
            name => match cordon_fuzz::target(name) {
                Some(target) => names.push(target),
                None => bail!("no target `{name}`\nhelp: {HELP}"),
            },
        }
    }
    if names.is_empty() {
        bail!("no target\nhelp: {HELP}");
    }
    search(&names, seconds, seeds.as_deref())
}

/// Runs a program with its output on ours; whether it succeeded.
fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.stdin(Stdio::null()).status();
    Ok(status.with_context(|| format!("starting {}", command.get_program().display()))?.success())
}

/// Searches with each target in turn. `seeds` is a folder of files to begin with beside the corpus.
fn search(targets: &[&Target], seconds: u32, seeds: Option<&Path>) -> Result<bool> {
    let program = build()?;
    let mut sound = true;
    for target in targets {
        sound &= one(&program, target, seconds, seeds)
            .with_context(|| format!("searching with `{}`", target.name))?;
    }
    Ok(sound)
}

/// Builds the program with coverage. A machine is named, so that build scripts and macros are built without it.
fn build() -> Result<PathBuf> {
    let machine = Command::new("rustc").args(["--print", "host-tuple"]).output().context("starting rustc")?;
    let machine = String::from_utf8(machine.stdout)?;
    let folder = Path::new("target/fuzz");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--locked", "--package", "cordon-fuzz", "--bin", "cordon-fuzz-target"])
        .args(["--features", "search", "--target", machine.trim(), "--target-dir"])
        .arg(folder)
        .envs([
            ("CARGO_PROFILE_RELEASE_LTO", "off"),
            ("CARGO_PROFILE_RELEASE_STRIP", "none"),
            ("RUSTFLAGS", FLAGS),
        ]);
    if !succeeds(&mut cargo)? {
        bail!("the program of the targets cannot be built");
    }
    Ok(folder.join(machine.trim()).join("release/cordon-fuzz-target"))
}

/// One search. What it finds reaching something new is merged with the corpus that is there; what went wrong is kept in it, too, so that
/// its replay fails until it is mended. A search that was broken off goes on with what it had found and the time that it had had.
fn one(program: &Path, target: &Target, seconds: u32, seeds: Option<&Path>) -> Result<bool> {
    let place = Path::new("target/fuzz/search").join(target.name);
    let clock = place.join("had");
    let had = match std::fs::read_to_string(&clock) {
        Ok(text) => text.trim().parse().with_context(|| clock.display().to_string())?,
        Err(_) => {
            drop(std::fs::remove_dir_all(&place));
            0
        }
    };
    let [found, least, wrong] = ["found", "least", "wrong"].map(|folder| place.join(folder));
    for folder in [&found, &least, &wrong] {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let kept = corpus::file(target.name);
    let kept_text = if kept.exists() { std::fs::read_to_string(&kept)? } else { String::new() };
    let mut begun = corpus::read(&kept_text).map_err(anyhow::Error::msg)?;
    begun.extend(first::of(target.name));
    for (number, input) in begun.iter().enumerate() {
        std::fs::write(found.join(number.to_string()), input)?;
    }
    let program_of = |options: &[String]| {
        let mut command = Command::new(program);
        command.args(options).args(OPTIONS).env("CORDON_FUZZ_TARGET", target.name);
        command
    };
    let mut options = vec![
        format!("-max_len={}", target.longest),
        format!("-artifact_prefix={}/", wrong.display()),
        found.display().to_string(),
    ];
    options.extend(seeds.map(|seeds| seeds.display().to_string()));
    // libFuzzer counts seconds of the clock: on a busy machine it goes on until the processor was had for as long.
    let (mut had, mut sound): (u32, bool) = (had, true);
    while sound && had < seconds {
        let time = format!("-max_total_time={}", seconds - had);
        let slice;
        (sound, slice) = timed(&mut program_of(&[options.as_slice(), &[time]].concat()), |slice| {
            std::fs::write(&clock, had.saturating_add(slice).to_string())
                .with_context(|| clock.display().to_string())
        })?;
        had = slice.map_or(seconds, |slice| had.saturating_add(slice));
    }
    // A merge with inputs that break a law would begin again at each of them; they are kept anyway.
    succeeds(&mut program_of(&[
        "-merge=1".into(),
        format!("-max_len={}", target.longest),
        least.display().to_string(),
        found.display().to_string(),
    ]))?;
    let mut inputs = inputs(&least)?;
    let broken = inputs_of_faults(&wrong)?;
    println!(
        "{}: {} inputs reach something of their own, {} went wrong, {had} s of processor time",
        target.name,
        inputs.len(),
        broken.len()
    );
    for (path, _) in &broken {
        println!(
            "  {}\n  help: CORDON_FUZZ_TARGET={} {} {}",
            path.display(),
            target.name,
            program.display(),
            path.display()
        );
    }
    inputs.extend(broken.into_iter().map(|(_, input)| input));
    std::fs::create_dir_all(corpus::folder())?;
    std::fs::write(&kept, corpus::write(inputs, MOST)).with_context(|| kept.display().to_string())?;
    std::fs::remove_file(&clock).with_context(|| clock.display().to_string())?;
    Ok(sound)
}

/// Runs a search to its end, telling every few seconds how much processor time it has had; whether it succeeded and the last such time,
/// in seconds, nothing where that is not to be known.
fn timed(command: &mut Command, told: impl Fn(u32) -> Result<()>) -> Result<(bool, Option<u32>)> {
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let mut last = None;
    loop {
        // A process that has ended keeps its times until it is waited for, so the last look is at all of them.
        last = processor_time(child.id()).or(last);
        told(last.unwrap_or_default())?;
        if let Some(status) = child.try_wait()? {
            return Ok((status.success(), last));
        }
        std::thread::sleep(LOOK);
    }
}

/// The processor time that a process has had, in whole seconds: the fields `utime` and `stime` of proc(5). Nothing where there is no
/// `/proc`.
fn processor_time(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in brackets, may hold spaces; the two fields are the 12th and 13th after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: Option<u32> =
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u32>().ok()).sum();
    ticks.map(|ticks| ticks / TICKS)
}

fn inputs(folder: &Path) -> Result<Vec<Vec<u8>>> {
    Ok(inputs_of_faults(folder)?.into_iter().map(|(_, input)| input).collect())
}

fn inputs_of_faults(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries
        .map(|entry| {
            let path = entry?.path();
            let input = std::fs::read(&path)?;
            Ok((path, input))
        })
        .collect()
}
