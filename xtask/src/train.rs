//! `cargo xtask train MODEL`: a model from labelled texts, with the figures of its card, and the fingerprints of those texts.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::process;

/// What can be trained: its file and its card are called like it, the example that trains it `train_` and that.
const MODELS: [&str; 5] = [FINGERPRINTS, "injection", "names", "noise", "policy"];
/// Which texts the models were trained on: written anew with each of them.
const FINGERPRINTS: &str = "fingerprints";

/// Runs the command with its options.
pub(crate) fn command(options: &[String]) -> Result<bool> {
    let words: Vec<&str> = options.iter().map(String::as_str).collect();
    let (model, data) = match words.as_slice() {
        [model] if MODELS.contains(model) => {
            let shared = std::env::var_os("CORDON_SHARED_DATA").map(PathBuf::from);
            (*model, shared.unwrap_or_else(|| PathBuf::from("../shared/data")).join("guard"))
        }
        [model, "--data", folder] if MODELS.contains(model) => (*model, PathBuf::from(folder)),
        _ => bail!(
            "train what?\nhelp: `cargo xtask train fingerprints|injection|names|noise|policy [--data DIR]`"
        ),
    };
    if !data.is_dir() {
        bail!(
            "{}: no such folder\nhelp: CORDON_SHARED_DATA or --data says where labelled texts are",
            data.display()
        );
    }
    let trained = model == FINGERPRINTS || write(model, &data)?;
    Ok(trained && write(FINGERPRINTS, &data)?)
}

/// Writes a file and its card.
fn write(model: &str, data: &Path) -> Result<bool> {
    let example = format!("train_{model}");
    let mut command = process::cargo();
    command.args([
        "run",
        "--release",
        "--locked",
        "--package",
        "cordon-inspect",
        "--example",
        &example,
        "--",
    ]);
    let file = |extension: &str| format!("crates/cordon-inspect/models/{model}.{extension}");
    command.arg(data).args([file("bin"), file("md")]);
    process::succeeds(&mut command)
}
