//! Every developer and CI command of Cordon: `cargo xtask help` lists them.
//!
//! CI runs `cargo xtask test` and nothing else. No command reads standard input, needs a terminal, or reaches further than
//! the package registries, and those only to install what is missing.

mod api;
mod bench;
mod check;
mod clients;
mod console;
mod dist;
mod fuzz;
mod hygiene;
mod metadata;
mod picture;
mod process;
mod python;
mod report;
mod soak;
mod suite;
mod supply;
mod train;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
usage: cargo xtask COMMAND [OPTIONS]

  check [--deny] [--only STEP,…]     format, lints, documentation, arrows, supply chain, hygiene
                                     --deny: install cargo-deny first when it is missing
                                     STEP: fmt clippy doc arrows supply hygiene
  test [--quick | --api | --clients | --console]   everything CI runs: check, tests, documentation tests, client and console tests
                                     --quick: the tests of the workspace alone; --api (the control API fuzzed from its document), --clients, --console: those alone
  fuzz [--cases N]                   corpora and properties with N made-up inputs each (4096)
  fuzz TARGET… | all | --list        a search by coverage for hostile inputs, kept in `fuzz/corpus/`
      --seconds N --seeds DIR        time of each target (900), files to begin with beside the corpus
  bench gateway [OPTIONS]            throughput, latency, CPU and memory beside a bare proxy
      --seconds N --rounds N         length and number of rounds (5, 3)
      --calls N --streams N          calls of the memory test, paced streams (1000000, 40)
      --mock HOST:PORT               where the mock upstream listens, for other gateways
      --also NAME,HOST:PORT,MODEL,KEY,PID   a gateway that runs already, measured beside
  dist                               binary, image layout, bill of materials and checksums, in `dist/`
  bench inspect                      inspection of ordinary text, by size
  soak [--minutes N] [--rate N]      a server at 70 % of what this machine serves, while everything beside it fails (30)
                                     --rate: so many calls a second instead
  train fingerprints [--data DIR]    which texts the models were trained on, from labelled texts, and their card; with each model that is trained, too
  train injection [--data DIR]       the weights of the model of injection, from labelled texts, and the figures of its card
  train names [--data DIR]           the model of the tagger of names, from labelled texts, and the figures of its card
  train policy [--data DIR]          the model of policy categories, from labelled texts, and the figures of its card
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command; `false` when it ran to its end and found something wrong.
fn run(arguments: &[String]) -> Result<bool> {
    let Some((command, options)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(true);
    };
    process::enter_repository()?;
    match command.as_str() {
        "check" => check::command(options),
        "test" => suite::command(options),
        "fuzz" => fuzz::command(options),
        "bench" => bench::command(options),
        "dist" => dist::command(options),
        "soak" => soak::command(options),
        "train" => train::command(options),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(true)
        }
        other => bail!("unknown command `{other}`\nhelp: `cargo xtask help` lists the commands"),
    }
}
