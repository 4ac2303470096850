//! Servers of others that tests talk to, as processes of their own on loopback.

use std::{
    env,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The program of a server: what `CORDON_<NAME>_SERVER` says, what the test command installed, or what is on the path.
/// `None`, with a message, where there is none.
///
/// # Panics
/// When there is none while `CORDON_REQUIRE_<NAME>=1`.
pub fn find(name: &str, program: &str) -> Option<PathBuf> {
    let named = format!("CORDON_{name}_SERVER");
    if let Some(named) = env::var_os(&named) {
        return Some(named.into());
    }
    let installed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/clients/python/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(PathBuf::from(installed)).chain(env::split_paths(&path));
    let found = folders.map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        let required = format!("CORDON_REQUIRE_{name}");
        assert!(
            env::var_os(&required).is_none_or(|value| value != "1"),
            "{required}=1, and there is no `{program}`"
        );
        eprintln!("skipped: there is no `{program}` (`cargo xtask test` installs it; {named} names another)");
    }
    found
}

impl Server {
    /// Starts a Python server, and waits until it says on its standard error where it listens, as `http://ADDRESS`.
    ///
    /// # Panics
    /// When it does not start or ends without saying so.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .env("PYTHONUNBUFFERED", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| said(&line));
        // Read on, so that it never waits for its reader.
        thread::spawn(move || lines.for_each(drop));
        Self { address: address.expect("the server says where it listens"), child }
    }
}

impl Server {
    /// Starts a Redis or Valkey that keeps nothing, and waits until it is ready. It chooses no port itself: a free one is tried,
    /// and another one where somebody else was faster.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn redis(program: &Path) -> Self {
        loop {
            let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
            let server = Self::redis_at(program, free.unwrap());
            if let Some(server) = server {
                return server;
            }
        }
    }

    /// The same at an address that one had before; nothing where the address is taken.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn redis_at(program: &Path, address: SocketAddr) -> Option<Self> {
        let port = address.port().to_string();
        let mut child = Command::new(program)
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--save",
                "",
                "--appendonly",
                "no",
                "--logfile",
                "",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready =
            lines.by_ref().map_while(Result::ok).any(|line| line.contains("Ready to accept connections"));
        thread::spawn(move || lines.for_each(drop));
        let server = Self { child, address };
        ready.then_some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    rest.split(|c: char| c != ':' && c != '.' && !c.is_ascii_digit()).next()?.parse().ok()
}
