//! The real binary on a data folder, as an operating system's process.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// A command of the binary on this folder, with no setting of the surroundings.
pub fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    at_home(&mut command, data);
    command.args(arguments).arg("--data").arg(data);
    command
}

/// What `cordon up` is told: ports that the system chooses.
pub const UP: [&str; 5] = ["up", "--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0"];

/// Takes the surroundings away, but for the upstream's key.
pub fn at_home(command: &mut Command, data: &Path) {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CORDON_")) {
        command.env_remove(name);
    }
    command.env("UPSTREAM_KEY", "sk-upstream").current_dir(data.parent().unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
}

pub fn output(data: &Path, arguments: &[&str]) -> Output {
    command(data, arguments).output().unwrap()
}

/// A process that serves; killed with the test.
pub struct Server {
    pub child: Child,
    data: PathBuf,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub gateway: SocketAddr,
    pub control: SocketAddr,
}

impl Server {
    /// Starts it; it may not be ready yet. What it logs is lost.
    pub fn spawn(data: &Path) -> Self {
        Self::of(command(data, &UP).stderr(Stdio::null()), data)
    }

    pub fn of(command: &mut Command, data: &Path) -> Self {
        Self { child: command.spawn().unwrap(), data: data.to_owned() }
    }

    /// Starts it and waits until it is ready.
    pub async fn ready(data: &Path) -> (Self, Addresses) {
        let mut server = Self::spawn(data);
        let addresses = server.addresses().await;
        (server, addresses)
    }

    /// Waits until it says where it listens.
    pub async fn addresses(&mut self) -> Addresses {
        let out = self.child.stdout.take().expect("asked once");
        let reading = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(out).lines().map_while(Result::ok);
            let mut address = |name: &str| -> SocketAddr {
                let line = lines.find(|line| line.starts_with(name)).expect("the server started");
                let url = line.split_whitespace().find_map(|word| word.split_once("://")).unwrap();
                url.1.parse().unwrap()
            };
            Addresses { gateway: address("gateway"), control: address("control") }
        });
        reading.await.unwrap()
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> ExitStatus {
        tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}
