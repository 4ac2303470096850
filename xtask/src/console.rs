//! The console tests: pages in a real browser, against a running `cordon up --demo`, as whoever tries it for the first time
//! meets it. The browser is Chromium, by the package of the operating system.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::clients::{Demo, Folder};
use crate::process;
use crate::python;
use crate::suite::Closing;

/// The step `console`.
pub(crate) fn run(closing: &mut Closing) -> Result<bool> {
    let python = python::environment()?;
    browser()?;
    let folder = Folder::new("target/console/run")?;
    let Demo { binary, server, gateway, control, token } = Demo::start(&folder)?;
    let answer = |arguments: &[&str], field: &str| -> Result<String> {
        let mut command = process::quiet(&binary);
        command.env("CORDON_SERVER", format!("http://{control}")).env("CORDON_TOKEN", &token);
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
        .env("CORDON", &binary)
        .env("CORDON_SERVER", format!("http://{control}"))
        .env("CORDON_TOKEN", &token)
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
