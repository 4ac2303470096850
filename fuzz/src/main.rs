//! `cargo xtask fuzz TARGET…`: searches with coverage (libFuzzer) for inputs that break a law, and keeps what reaches something new,
//! minimised, in `fuzz/corpus/`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use cordon_fuzz::{TARGETS, Target, corpus, seeds as first};

/// How long a search lasts when nothing is said, in seconds of processor time.
const SECONDS: u32 = 900;
/// The unit of processor time in `/proc` (`USER_HZ`, proc(5)): a hundredth of a second on every machine that Linux runs on.
const TICKS: u32 = 100;
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
/// its replay fails until it is mended.
fn one(program: &Path, target: &Target, seconds: u32, seeds: Option<&Path>) -> Result<bool> {
    let place = Path::new("target/fuzz/search").join(target.name);
    drop(std::fs::remove_dir_all(&place));
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
    let run = |options: &[String]| {
        succeeds(Command::new(program).args(options).args(OPTIONS).env("CORDON_FUZZ_TARGET", target.name))
    };
    let mut options = vec![
        format!("-max_len={}", target.longest),
        format!("-artifact_prefix={}/", wrong.display()),
        found.display().to_string(),
    ];
    options.extend(seeds.map(|seeds| seeds.display().to_string()));
    // libFuzzer counts seconds of the clock: on a busy machine it goes on until the processor was had for as long.
    let (began, mut left, mut sound) = (processor_time(), seconds, true);
    while sound && left > 0 {
        let time = format!("-max_total_time={left}");
        sound = run(&[options.as_slice(), &[time]].concat())?;
        left = match (began, processor_time()) {
            (Some(began), Some(now)) => seconds.saturating_sub(now.saturating_sub(began) / TICKS),
            _ => 0,
        };
    }
    // A merge with inputs that break a law would begin again at each of them; they are kept anyway.
    run(&[
        "-merge=1".into(),
        format!("-max_len={}", target.longest),
        least.display().to_string(),
        found.display().to_string(),
    ])?;
    let mut inputs = inputs(&least)?;
    let broken = inputs_of_faults(&wrong)?;
    let had = began.zip(processor_time()).map_or(seconds, |(began, now)| now.saturating_sub(began) / TICKS);
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
    Ok(sound)
}

/// The processor time of the programs that this one has run, in [`TICKS`]: the fields `cutime` and `cstime` of proc(5). Nothing where
/// there is no `/proc`.
fn processor_time() -> Option<u32> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold spaces; the two fields are the 14th and 15th after it.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().skip(13).take(2).map(|field| field.parse::<u32>().ok()).sum()
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
