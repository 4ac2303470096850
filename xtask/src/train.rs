//! `cargo xtask train injection`: the weights of the model of injection, from labelled texts, with the figures of its card.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process;

/// Runs the command with its options.
pub(crate) fn command(options: &[String]) -> Result<bool> {
    let words: Vec<&str> = options.iter().map(String::as_str).collect();
    let data = match words.as_slice() {
        ["injection"] => {
            let shared = std::env::var_os("CORDON_SHARED_DATA").map(PathBuf::from);
            shared.unwrap_or_else(|| PathBuf::from("../shared/data")).join("guard")
        }
        ["injection", "--data", folder] => PathBuf::from(folder),
        _ => bail!("train what?\nhelp: `cargo xtask train injection [--data DIR]`"),
    };
    if !data.is_dir() {
        bail!(
            "{}: no such folder\nhelp: CORDON_SHARED_DATA or --data says where labelled texts are",
            data.display()
        );
    }
    let mut command = process::cargo();
    command.args([
        "run",
        "--release",
        "--locked",
        "--package",
        "cordon-inspect",
        "--example",
        "train_injection",
        "--",
    ]);
    command
        .arg(data)
        .args(["crates/cordon-inspect/models/injection.bin", "crates/cordon-inspect/models/injection.md"]);
    process::succeeds(&mut command)
}
