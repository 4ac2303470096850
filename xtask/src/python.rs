//! The Python environment of the client and console tests: made once under `target/`, from the pinned list beside the tests.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process;

/// Where the pinned list is.
const REQUIREMENTS: &str = "tests/clients/requirements.txt";

/// Makes the environment where it is missing or older than its list; the path of its interpreter.
pub(crate) fn environment() -> Result<PathBuf> {
    let wanted = std::fs::read_to_string(REQUIREMENTS).with_context(|| format!("reading {REQUIREMENTS}"))?;
    let folder = Path::new("target/clients/python");
    let interpreter = std::path::absolute(folder.join("bin/python")).context("naming the interpreter")?;
    let stamp = folder.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted)
        && process::answers(process::quiet(&interpreter).arg("--version"))
    {
        return Ok(interpreter);
    }
    let base = base_interpreter()?;
    process::must(process::quiet(base).args(["-m", "venv", "--clear"]).arg(folder))?;
    process::must(process::quiet(&interpreter).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--only-binary",
        ":all:",
        "--requirement",
        REQUIREMENTS,
    ]))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(interpreter)
}

/// A Python that is new enough and can make an environment; on Debian it is installed where it is missing.
fn base_interpreter() -> Result<&'static str> {
    if is_usable() {
        return Ok("python3");
    }
    process::packages(&["python3", "python3-venv"])?;
    if is_usable() {
        return Ok("python3");
    }
    bail!("the client tests need Python 3.10 or newer with `venv`\nhelp: install python3 and python3-venv")
}

/// 3.10 is the oldest that the pinned packages run on; `ensurepip` is what Debian leaves out of `venv`.
fn is_usable() -> bool {
    process::answers(
        process::quiet("python3")
            .args(["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"]),
    )
}
