//! `cordon prove`.

use std::{io::Write as _, path::PathBuf, time::Duration};

use clap::Args;

use super::{Failure, Outcome, Place, calls::WhichCall, client::Need, complain, json};
use crate::api::Problem;

pub(super) const EXAMPLES: &str = "\
Examples:
  cordon prove --call 01932c07-209e-7e3a-8b1c-1f0a5c3d9e77 -o proof.json
  cordon verify proof.json --key log.pub

Exit code: 0 written, 3 the proof is pending (its journal is anchored within 10 s), 1 there is none.";

/// How often it is asked again with --wait.
const PAUSE: Duration = Duration::from_millis(500);

/// The exit code for a proof that is still to come.
const PENDING: u8 = 3;

#[derive(Args)]
pub(super) struct ProveArgs {
    /// The call's id, as the header `cordon-call-id` says it, or `latest`.
    #[arg(long, value_name = "ID", value_parser = WhichCall::parse)]
    call: WhichCall,
    /// Where the proof goes; otherwise to standard output. An existing file is not overwritten.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Wait until the call can be proved, at most a minute.
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(place: &Place, args: ProveArgs) -> Outcome {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let mut wanted = args.call;
    let proof = loop {
        let client = place.client(Need::Read).await?;
        let proof = match wanted.find(&client).await {
            Ok(call) => {
                // The latest one is looked for once, however long its proof takes.
                wanted = WhichCall::Named(call);
                client.prove(call).await
            }
            Err(problem) => Err(problem),
        };
        client.close().await;
        match proof {
            Err(problem) if problem.status == 409 && args.wait && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(problem) if problem.status == 409 => {
                complain(&problem.detail);
                return Err(Failure::Code(PENDING));
            }
            other => break other?,
        }
    };
    let Some(path) = &args.output else { return json(&proof) };
    let wrong = |error: &dyn std::fmt::Display| {
        Problem::new(
            500,
            "unwritable",
            "the file cannot be written",
            format!("`{}`: {error}", path.display()),
        )
    };
    let text = serde_json::to_string_pretty(&proof).map_err(|error| wrong(&error))?;
    let mut file = std::fs::File::create_new(path).map_err(|error| wrong(&error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .map_err(|error| wrong(&error))?;
    super::say(&format!(
        "{}: {} frames of call {}, provable with the key {}\n",
        path.display(),
        proof.frames.len(),
        proof.call,
        proof.key
    ))
}
