//! The client scripts that lie beside the repository, which are not ours and know nothing of Cordon: official packages against
//! a provider of the scripts' own, through a gateway. What they meet has other answers than our sandbox has.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::{Folder, Node, READY_WITHIN, Server, without_proxies};
use crate::process;
use crate::suite::{self, Closing};

/// Where the scripts lie. What tells how each is called is the README there.
const SCRIPTS: &str = "../shared/bench/clients";

/// The scripts, but that of a protocol that the gateway does not speak, and the routes that each asks for.
const EACH: [(&str, &[(&str, &str)]); 3] = [
    ("smoke_openai.py", &[("MODEL", "mock-chat"), ("EMBED_MODEL", "mock-embed")]),
    ("smoke_anthropic.py", &[("MODEL", "mock-claude")]),
    ("smoke_langchain.py", &[("MODEL", "mock-chat"), ("EMBED_MODEL", "mock-embed")]),
];

/// Runs the scripts where they are; where they are not, whether that may be.
pub(super) fn run(closing: &mut Closing, python: &Path, node: &Node, folder: &Folder) -> Result<bool> {
    let scripts = Path::new(SCRIPTS);
    if !scripts.is_dir() {
        let required = suite::needs_data();
        println!(
            "{}: {SCRIPTS} is not there, so the client scripts of others do not run\nhelp: put the folder beside the repository{}",
            if required { "FAIL" } else { "skipped" },
            if required { ", or unset CORDON_REQUIRE_DATA to skip" } else { "" }
        );
        return Ok(!required);
    }
    let (provider, upstream) = provider(python, scripts, folder)?;
    node.apply("tests/clients/shared.yaml", &upstream, &folder.path.join("shared.yaml"))?;
    let key = node.key("shared-client-tests", None)?;
    let mut passed = true;
    for (script, routes) in EACH {
        let mut tests = process::quiet(python);
        tests
            .args(["-u", "-B"])
            .arg(scripts.join(script))
            .env("BASE_URL", format!("http://{}/v1", node.gateway))
            .env("ANTHROPIC_URL", format!("http://{}", node.gateway))
            .env("API_KEY", &key)
            // The provider's faults are met, too.
            .env_remove("SKIP_FAULTS")
            .envs(routes.iter().copied());
        passed &= script_passes(closing, without_proxies(&mut tests))?;
    }
    drop(provider);
    Ok(passed)
}

/// Runs one, and says at the end how many of its checks passed: it does not do so itself. One that checks nothing has failed.
fn script_passes(closing: &mut Closing, tests: &mut Command) -> Result<bool> {
    let (mut passed, mut failed) = (0_u64, 0_u64);
    let succeeded = process::watched(tests, &mut |line| match line.split_once(' ') {
        Some(("PASS", _)) => passed += 1,
        Some(("FAIL", _)) => failed += 1,
        _ => {}
    })?;
    closing.see(&format!("{passed} passed, {failed} failed"));
    Ok(succeeded && passed > 0 && failed == 0)
}

/// The scripts' own provider, at an address that is free now.
fn provider(python: &Path, scripts: &Path, folder: &Folder) -> Result<(Server, String)> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|free| free.local_addr())
        .context("looking for a free port")?
        .port();
    let script = scripts.join("mock_upstream.py");
    let provider = Server::start(
        Command::new(python).args(["-u", "-B"]).arg(script).args(["--port", &port.to_string()]),
        &folder.path.join("provider.log"),
    )?;
    let address = provider.addresses(1)?.remove(0);
    // It says where it is before it is there.
    let began = Instant::now();
    while TcpStream::connect(&address).is_err() {
        if began.elapsed() > READY_WITHIN {
            bail!("the provider of the client scripts does not listen at {address}");
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok((provider, address))
}
