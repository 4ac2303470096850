//! `cargo xtask check`: what can be said about the repository without running it.

use anyhow::{Result, bail};

use crate::hygiene;
use crate::picture;
use crate::process;
use crate::report::Report;
use crate::supply;

const STEPS: [&str; 6] = ["fmt", "hygiene", "arrows", "supply", "clippy", "doc"];

/// Runs the command with its options.
pub(crate) fn command(options: &[String]) -> Result<bool> {
    let mut deny = false;
    let mut only: Vec<&str> = STEPS.to_vec();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match (option.as_str(), option.as_str()) {
            ("--deny", _) => deny = true,
            ("--only", _) => match options.next() {
                Some(names) => only = names.split(',').collect(),
                None => bail!("`--only` needs a list of steps: {STEPS:?}"),
            },
            (_, other) => bail!("unknown option `{other}`\nhelp: `cargo xtask help`"),
        }
    }
    if let Some(unknown) = only.iter().find(|name| !STEPS.contains(name)) {
        bail!("unknown step `{unknown}`\nhelp: one of {STEPS:?}");
    }
    let mut report = Report::default();
    run(&mut report, deny, &only);
    report.print();
    Ok(report.passed())
}

/// Every step, for a command that has others too.
pub(crate) fn all(report: &mut Report) {
    run(report, false, &STEPS);
}

/// The cheap steps first: a person who forgot to format should not wait for the lints.
fn run(report: &mut Report, deny: bool, only: &[&str]) {
    for name in STEPS.into_iter().filter(|name| only.contains(name)) {
        report.step(name, || match name {
            "fmt" => process::succeeds(process::cargo().args(["fmt", "--all", "--check"])),
            "hygiene" => hygiene::step(),
            "arrows" => picture::step(),
            "supply" => supply::step(deny),
            "clippy" => process::succeeds(process::cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ])),
            _ => process::succeeds(
                process::cargo()
                    .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
        });
    }
}
