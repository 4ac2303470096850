//! `cordon export`: what other programs watch Cordon with.

use clap::Subcommand;

use super::{Outcome, say, yaml};
use crate::export;

/// What is written.
#[derive(Clone, Copy, Subcommand)]
pub(super) enum ExportCommand {
    /// A dashboard for Grafana, as JSON to be imported or provisioned.
    Grafana,
    /// Alert rules for Prometheus, as YAML for its `rule_files`.
    Prometheus,
}

pub(super) const EXAMPLES: &str = "\
Examples:
  cordon export grafana > cordon.json          import it, or put it where dashboards are provisioned from
  cordon export prometheus > cordon.rules.yml  name it in rule_files";

pub(super) fn run(command: ExportCommand) -> Outcome {
    match command {
        ExportCommand::Grafana => say(&format!("{:#}\n", export::dashboard())),
        ExportCommand::Prometheus => say(&yaml::write(&export::rules())),
    }
}
