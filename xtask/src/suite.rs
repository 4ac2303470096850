//! `cargo xtask test`: the one command of CI. It installs what is missing, runs everything, and repeats at the end what
//! each runner said last.

use std::process::Command;

use anyhow::{Result, bail};

use crate::api;
use crate::check;
use crate::clients;
use crate::console;
use crate::process;
use crate::python;
use crate::report::Report;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Api,
    Clients,
    Console,
    Workspace,
}

/// Runs the command with its options.
pub(crate) fn command(options: &[String]) -> Result<bool> {
    let part = match options {
        [] => Part::All,
        [option] if option == "--quick" => Part::Workspace,
        [option] if option == "--api" => Part::Api,
        [option] if option == "--clients" => Part::Clients,
        [option] if option == "--console" => Part::Console,
        other => bail!("unknown options {other:?}\nhelp: `cargo xtask help`"),
    };
    let mut report = Report::default();
    let mut closing = Closing::default();
    if part == Part::All {
        check::all(&mut report);
    }
    if matches!(part, Part::All | Part::Workspace) {
        report.step("tests", || {
            let mut command = tests();
            if part == Part::All {
                with_servers(&mut command)?;
            }
            closing.run(&mut command)
        });
    }
    if part == Part::All {
        report.step("doctests", || {
            closing.run(with_data(process::cargo().args(["test", "--workspace", "--locked", "--doc"])))
        });
    }
    if matches!(part, Part::All | Part::Clients) {
        report.step("clients", || clients::run(&mut closing));
    }
    if matches!(part, Part::All | Part::Api) {
        report.step("api", || api::run(&mut closing));
    }
    if matches!(part, Part::All | Part::Console) {
        report.step("console", || console::run(&mut closing));
    }
    report.print();
    println!();
    for line in &closing.lines {
        println!("{line}");
    }
    println!("{}", closing.total());
    Ok(report.passed() && closing.failed == 0)
}

/// The workspace's own tests, by nextest where it is installed. Every failure is reported, not only the first.
fn tests() -> Command {
    let mut command = process::cargo();
    if process::answers(process::cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--no-tests", "fail"]);
        command.args(["--status-level", "slow", "--final-status-level", "fail", "--cargo-quiet"]);
    } else {
        command.args(["test", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    }
    with_data(&mut command);
    command
}

/// Servers of others that tests of ours talk to are installed here, and a test that skips for want of one fails.
fn with_servers(command: &mut Command) -> Result<()> {
    let python = python::environment()?;
    command
        .env("CORDON_OIDC_SERVER", python.with_file_name("oidc-provider-mock"))
        .env("CORDON_REQUIRE_OIDC", "1");
    command.env("CORDON_CLIENTS_PYTHON", &python).env("CORDON_REQUIRE_CLIENTS", "1");
    // What the pages of docs/ use beside the binary.
    for (tool, version) in [("curl", "--version"), ("openssl", "version")] {
        if !process::answers(process::quiet(tool).arg(version)) {
            process::packages(&[tool])?;
        }
    }
    command.env("CORDON_S3_SERVER", python.with_file_name("moto_server")).env("CORDON_REQUIRE_S3", "1");
    command.env("CORDON_OTLP_SERVER", &python).env("CORDON_REQUIRE_OTLP", "1");
    with_redis(command)?;
    if !process::answers(process::quiet("promtool").arg("--version")) {
        process::packages(&["prometheus"])?;
    }
    command.env("CORDON_REQUIRE_PROMTOOL", "1");
    Ok(())
}

/// The store of shared counters is installed, and a test that skips for want of it fails.
pub(crate) fn with_redis(command: &mut Command) -> Result<()> {
    if !process::answers(process::quiet("redis-server").arg("--version")) {
        process::packages(&["redis-server"])?;
    }
    command.env("CORDON_REQUIRE_REDIS", "1");
    Ok(())
}

/// On CI, labelled data that lies beside the repository must be used: a run meant to measure cannot pass idle.
fn with_data(command: &mut Command) -> &mut Command {
    if is_ci_with_data() {
        command.env("CORDON_REQUIRE_DATA", "1");
    }
    command
}

fn is_ci_with_data() -> bool {
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    is_ci && std::path::Path::new("../shared/data").is_dir()
}

/// Whether what lies beside the repository must be used: as it is for labelled data, here or by `CORDON_REQUIRE_DATA=1`.
pub(crate) fn needs_data() -> bool {
    is_ci_with_data() || std::env::var_os("CORDON_REQUIRE_DATA").is_some_and(|value| value == "1")
}

/// What the runners said last, and the sum of it.
#[derive(Default)]
pub(crate) struct Closing {
    lines: Vec<String>,
    passed: u64,
    failed: u64,
}

impl Closing {
    /// Runs a runner and keeps its closing lines; whether it succeeded.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<bool> {
        process::watched(command, &mut |line| self.see(line))
    }

    /// Takes what a runner said, and keeps it where it closes a run.
    pub(crate) fn see(&mut self, line: &str) {
        let plain = without_colours(line);
        if let Some((passed, failed)) = counts(&plain) {
            self.passed += passed;
            self.failed += failed;
            // cargo closes once for each of many binaries: an empty one says nothing.
            if passed + failed > 0 {
                self.lines.push(plain);
            }
        }
    }

    fn total(&self) -> String {
        format!("total: {} passed, {} failed", self.passed, self.failed)
    }
}

/// Passed and failed tests of a closing line of cargo test, nextest or the client tests; `None` for any other line.
fn counts(line: &str) -> Option<(u64, u64)> {
    let line = line.trim();
    let is_closing = line.starts_with("test result: ")
        || (line.starts_with("Summary [") && line.contains(" run: "))
        || (line.ends_with(" failed") && line.starts_with(|c: char| c.is_ascii_digit()));
    if !is_closing {
        return None;
    }
    let before = |word: &str| -> u64 {
        let words: Vec<&str> = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
        words
            .windows(2)
            .find_map(|pair| match pair {
                [number, name] if *name == word => number.parse().ok(),
                _ => None,
            })
            .unwrap_or(0)
    };
    Some((before("passed"), before("failed") + before("timed")))
}

/// Terminal colours (ECMA-48 `CSI … m`) taken out.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((text, coloured)) = rest.split_once("\u{1b}[") {
        plain.push_str(text);
        rest = coloured.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_each_runner_are_counted() {
        let mut closing = Closing::default();
        for line in [
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "\u{1b}[32;1m     Summary\u{1b}[0m [   1.2s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 0 skipped",
            "20 passed, 1 failed",
            "running 4 tests",
            "the test failed",
        ] {
            closing.see(line);
        }
        assert_eq!(closing.lines.len(), 3);
        assert_eq!(closing.total(), "total: 33 passed, 3 failed");
    }
}
