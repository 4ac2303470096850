//! Running other programs: every command is shown before it runs, and none gets a standard input.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The repository's root, from this crate's own place.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Makes the repository's root the current folder, so that every command sees the same paths.
pub(crate) fn enter_repository() -> Result<()> {
    let root = root();
    std::env::set_current_dir(&root).with_context(|| format!("entering {}", root.display()))
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    quiet(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program without standard input.
pub(crate) fn quiet(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// What a person would type for this command.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut line = String::new();
    for word in words.map(|word| word.to_string_lossy()) {
        if !line.is_empty() {
            line.push(' ');
        }
        let short = word.rsplit('/').next().filter(|_| line.is_empty()).unwrap_or(&word);
        line.push_str(short);
    }
    line
}

/// Runs a command with its output on ours; whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("starting `{}`", shown(command)))?;
    Ok(status.success())
}

/// Runs a command and ends with its failure.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    if !succeeds(command)? {
        bail!("`{}` failed", shown(command));
    }
    Ok(())
}

/// Runs a command silently and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("starting `{}`", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", shown(command), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading what `{}` printed", shown(command)))
}

/// Whether a program is there and answers.
pub(crate) fn answers(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Installs packages of the operating system where that is Debian and we may; whoever asks looks whether they are there.
pub(crate) fn packages(names: &[&str]) -> Result<()> {
    if !answers(quiet("apt-get").arg("--version")) || !is_root()? {
        return Ok(());
    }
    must(quiet("apt-get").args(["update", "-qq"]))?;
    let mut command = quiet("apt-get");
    command.args(["install", "-y", "-qq", "--no-install-recommends"]).args(names);
    must(command.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Whether this is root.
pub(crate) fn is_root() -> Result<bool> {
    Ok(output(quiet("id").arg("-u"))?.trim() == "0")
}

/// Runs a command, passes both of its streams on, and gives each line to `seen` as well; whether it succeeded.
pub(crate) fn watched(command: &mut Command, seen: &mut (dyn FnMut(&str) + Send)) -> Result<bool> {
    println!("$ {}", shown(command));
    let name = shown(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting `{name}`"))?;
    let streams = (child.stdout.take(), child.stderr.take());
    let seen = std::sync::Mutex::new(seen);
    std::thread::scope(|scope| {
        if let Some(stream) = streams.0 {
            scope.spawn(|| pass_on(stream, &seen));
        }
        if let Some(stream) = streams.1 {
            scope.spawn(|| pass_on(stream, &seen));
        }
    });
    let status = child.wait().with_context(|| format!("waiting for `{name}`"))?;
    Ok(status.success())
}

fn pass_on(stream: impl Read, seen: &std::sync::Mutex<&mut (dyn FnMut(&str) + Send)>) {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        // A reader that went away must not stop the tests: what is written here is only for people.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
        if let Ok(mut seen) = seen.lock() {
            (**seen)(text);
        }
        line.clear();
    }
}

/// The program that a build without options makes, where that goes.
pub(crate) fn binary() -> Result<PathBuf> {
    let folder = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    std::path::absolute(Path::new(&folder).join("debug/cordon")).context("naming the binary")
}
