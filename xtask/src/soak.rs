//! `cargo xtask soak`: the soak of the tests, for long and in a release build. What it prints belongs into `docs/benchmarks.md`.

use anyhow::{Context, Result, bail};

use crate::{process, suite};

/// Minutes when nothing is said.
const MINUTES: u64 = 30;

/// Runs the command with its options.
pub(crate) fn command(options: &[String]) -> Result<bool> {
    let (mut minutes, mut rate) = (MINUTES, None);
    let mut words = options.iter();
    while let Some(option) = words.next() {
        let value = words.next().with_context(|| format!("`{option}` needs a value"))?;
        let number: u64 = value.parse().with_context(|| format!("`{option} {value}` is not a number"))?;
        match option.as_str() {
            "--minutes" => minutes = number,
            "--rate" => rate = Some(number),
            other => bail!("unknown option `{other}`\nhelp: `cargo xtask help`"),
        }
    }
    let mut command = process::cargo();
    command.args([
        "test",
        "--release",
        "--locked",
        "--package",
        "cordon",
        "--test",
        "soak",
        "--",
        "--nocapture",
    ]);
    command.env("CORDON_SOAK_SECONDS", (minutes * 60).to_string());
    if let Some(rate) = rate {
        command.env("CORDON_SOAK_RATE", rate.to_string());
    }
    suite::with_redis(&mut command)?;
    process::succeeds(&mut command)
}
