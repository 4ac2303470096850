//! `cargo xtask bench`: builds what is measured in release mode, gives load and servers a core each, and prints tables for
//! `docs/benchmarks.md`.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process;

/// Runs the command with its options.
pub(crate) fn command(options: &[String]) -> Result<bool> {
    let Some((what, options)) = options.split_first() else {
        bail!("`bench` needs a word\nhelp: `cargo xtask bench gateway` or `cargo xtask bench inspect`");
    };
    if !["gateway", "inspect"].contains(&what.as_str()) {
        bail!("unknown benchmark `{what}`\nhelp: `gateway` or `inspect`");
    }
    process::must(process::cargo().args([
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "cordon-bench",
    ]))?;
    if what == "gateway" {
        process::must(process::cargo().args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--package",
            "cordon",
        ]))?;
    }
    describe()?;
    let bench = std::path::absolute("target/release/cordon-bench").context("naming the benchmark")?;
    let mut command = pinned(&bench, what == "gateway")?;
    command.arg(what);
    if what == "gateway" {
        let folder = Path::new("target/bench");
        if folder.exists() {
            std::fs::remove_dir_all(folder).context("emptying target/bench")?;
        }
        std::fs::create_dir_all(folder).context("making target/bench")?;
        let cordon = std::path::absolute("target/release/cordon").context("naming the binary")?;
        command
            .arg("--cordon")
            .arg(cordon)
            .arg("--folder")
            .arg(std::path::absolute(folder).context("naming the folder")?);
    }
    process::succeeds(command.args(options))
}

/// The first core for load and mock, the second for what is measured; on one core, or without `taskset`, no pinning.
fn pinned(bench: &Path, has_servers: bool) -> Result<std::process::Command> {
    let cores = std::thread::available_parallelism().context("counting cores")?.get();
    if cores < 2 || !process::answers(process::quiet("taskset").args(["--cpu-list", "0", "true"])) {
        println!("nothing is pinned: {cores} core(s), or no `taskset`");
        return Ok(process::quiet(bench));
    }
    let mut command = process::quiet("taskset");
    command.args(["--cpu-list", if has_servers { "0" } else { "1" }]).arg(bench);
    command.env("CORDON_BENCH_SERVER_CORE", "1");
    Ok(command)
}

/// What a reader of the figures must know: the machine, how busy it is, and what was built.
fn describe() -> Result<()> {
    let first = |path: &str, key: &str| -> String {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.rsplit(':').next().unwrap_or_default().trim().to_owned()
    };
    let revision =
        process::output(process::quiet("git").args(["rev-parse", "--short", "HEAD"])).unwrap_or_default();
    println!("revision {}", revision.trim());
    println!("compiler {}", process::output(process::quiet("rustc").arg("--version"))?.trim());
    println!("processor {}", first("/proc/cpuinfo", "model name"));
    println!("load average {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    Ok(())
}
