//! The console tests: pages in a real browser, against a running `cordon up --demo`, as whoever tries it for the first time
//! meets it. The browser is Chromium, by the package of the operating system.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::clients::{Folder, Server, address};
use crate::process;
use crate::python;
use crate::suite::Closing;

/// The step `console`.
pub(crate) fn run(closing: &mut Closing) -> Result<bool> {
    let python = python::environment()?;
    browser()?;
    process::must(process::cargo().args(["build", "--locked", "--quiet", "--package", "cordon"]))?;
    let binary = std::path::absolute("target/debug/cordon").context("naming the binary")?;
    let folder = Folder::new("target/console/run")?;
    let data = folder.path.join("data");
    let server = Server::start(
        Command::new(&binary)
            .args(["up", "--demo", "--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data"])
            .arg(&data),
        &folder.path.join("cordon.log"),
    )?;
    let addresses = server.addresses(2)?;
    let (gateway, control) = (address(&addresses, "gateway")?, address(&addresses, "control")?);
    server.until("Serving")?;

    let token = std::fs::read_to_string(data.join("admin.token")).context("reading admin.token")?;
    let answer = |arguments: &[&str], field: &str| -> Result<String> {
        let mut command = process::quiet(&binary);
        command.env("CORDON_SERVER", format!("http://{control}")).env("CORDON_TOKEN", token.trim());
        let text = process::output(command.args(arguments).arg("--json"))?;
        let answer: serde_json::Value =
            serde_json::from_str(&text).context("reading an answer of `cordon`")?;
        let found = answer.get(field).and_then(serde_json::Value::as_str);
        found.map(str::to_owned).with_context(|| format!("the answer has no `{field}`"))
    };
    let key = answer(&["key", "create", "--principal", "demo-app", "--expires", "1d"], "key")?;
    let login = "ada@example.org";
    let secret = answer(&["user", "add", login, "--name", "Ada Byron", "--role", "admin"], "secret")?;

    let mut tests = process::quiet(python);
    tests
        .args(["-u", "-B", "tests/console/console.py"])
        .env("CONTROL", format!("http://{control}"))
        .env("GATEWAY", format!("http://{gateway}"))
        .env("API_KEY", key)
        .env("LOGIN", login)
        .env("ENROLMENT", secret)
        .env("SHOTS", folder.path.join("pictures"));
    let passed = closing.run(&mut tests)?;
    println!("pictures of the pages: target/console/run/pictures");
    let ended = server.stop()?;
    if !ended {
        println!("cordon did not end with 0 on SIGTERM");
    }
    Ok(passed && ended)
}

/// Installs Chromium and its driver where they are missing.
fn browser() -> Result<()> {
    if is_there() {
        return Ok(());
    }
    process::packages(&["chromium", "chromium-driver"])?;
    if is_there() {
        return Ok(());
    }
    bail!("the console tests need a browser\nhelp: install the packages chromium and chromium-driver")
}

fn is_there() -> bool {
    Path::new("/usr/bin/chromedriver").exists()
        && process::answers(process::quiet("chromium").arg("--version"))
}
