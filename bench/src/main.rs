//! The figures of `docs/benchmarks.md`. `cargo xtask bench` builds this in release mode and runs it.
//!
//! One process holds the mock upstream and the load generator, on one core; what is measured runs alone on another.
//! Every figure comes from this run and this machine; nothing is kept between runs.

mod floor;
mod gateway;
mod inspect;
mod launch;
mod load;
mod measure;
mod mock;
mod overload;
mod request;
mod table;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [command, listen, upstream] if command == "floor" => floor::serve(listen, upstream),
        [command, listen] if command == "mock" => mock::serve_for_ever(listen),
        [command] if command == "inspect" => inspect::run(),
        [command, options @ ..] if command == "gateway" => gateway::run(options),
        other => bail!("unknown arguments {other:?}\nhelp: `cargo xtask bench gateway`"),
    }
}
