//! `cargo xtask fuzz`: hostile input against every reader of content. The committed corpora are replayed and the property tests make
//! up their own; both are ordinary tests, so every run of the tests does some of it. Alone this command does more of that; with a target it
//! searches for inputs by what they reach (the package `cordon-fuzz`).

use anyhow::{Context, Result, bail};

use crate::process;

/// Inputs that each property makes up when nothing is said; the tests' own number is smaller.
const CASES: u32 = 4_096;

/// Runs the command with its options.
pub(crate) fn command(options: &[String]) -> Result<bool> {
    let cases = match options {
        [] => CASES,
        [option, count] if option == "--cases" => {
            count.parse().with_context(|| format!("`{count}` is not a number of inputs"))?
        }
        [option, ..] if option.starts_with("--") && option != "--list" => {
            bail!("unknown options {options:?}\nhelp: `cargo xtask help`")
        }
        _ => {
            return process::succeeds(
                process::cargo()
                    .args(["run", "--locked", "--package", "cordon-fuzz", "--bin", "cordon-fuzz", "--"])
                    .args(options),
            );
        }
    };
    // proptest writes what it finds beside the test, to be committed: the corpus grows by what went wrong.
    process::succeeds(
        process::cargo()
            .args(["test", "--workspace", "--locked", "--no-fail-fast"])
            .env("PROPTEST_CASES", cases.to_string()),
    )
}
