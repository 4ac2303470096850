//! The fuzzing of the control API: a node with the demo's traffic in it, and requests made from its own document.

use anyhow::Result;

use crate::clients::{Demo, Folder};
use crate::process;
use crate::python;
use crate::suite::Closing;

/// The step `api`.
pub(crate) fn run(closing: &mut Closing) -> Result<bool> {
    let python = python::environment()?;
    let folder = Folder::new("target/api/run")?;
    let demo = Demo::start(&folder)?;
    let mut fuzz = process::quiet(python);
    fuzz.args(["-u", "-B", "tests/api/fuzz.py"])
        .env("CONTROL", format!("http://{}", demo.control))
        .env("TOKEN", demo.token)
        .env("FOLDER", &folder.path);
    let passed = closing.run(&mut fuzz)?;
    Ok(demo.server.stop()? && passed)
}
