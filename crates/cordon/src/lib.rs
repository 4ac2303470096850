//! The composition root: command line, configuration, wiring, control listener, sandbox upstream.
//!
//! The binary is [`cli::main`]; tests start the same parts in-process. [`desk::Desk`] answers whatever people ask of the
//! governed state and of the calls, [`control::router`] serves it to operators, [`declare`] reads their files.
//!
//! **Never here:** rules that a plane should own. What a resource means, what is allowed and what is recorded is decided
//! below; this crate reads the clock and the randomness of the machine for all of them ([`clock`]).
//!
//! ```
//! use cordon::declare;
//! let text = "apiVersion: cordon/v1\nkind: Team\nname: support\nspec: { ownr: me }\n";
//! let source = declare::Source { name: "team.yaml".to_owned(), bytes: text.into() };
//! let found = declare::read(&[source]).diagnostics;
//! assert_eq!(
//!     found[0].to_string(),
//!     "team.yaml:4:9 /spec/ownr: unknown field `ownr`; help: did you mean `owner`?",
//! );
//! ```

pub mod api;
mod background;
pub mod cli;
pub mod clock;
pub mod config;
mod console;
pub mod content;
pub mod control;
pub mod counting;
pub mod declare;
pub mod demo;
pub mod desk;
pub mod doctor;
mod evaluation;
pub mod export;
mod files;
pub mod held;
pub mod identity;
mod kept;
pub mod ledger;
pub mod logging;
pub mod metrics;
#[cfg(feature = "deep")]
mod models;
mod named;
pub mod node;
pub mod objects;
pub mod proof;
pub mod quarantine;
pub mod recorder;
pub mod s3;
pub mod sandbox;
mod sealing;
pub mod siem;
mod tables;
pub mod telemetry;
pub mod tls;
pub mod up;
pub mod verify;
pub mod watch;

/// Which program this is.
pub fn version() -> api::Version {
    api::Version { version: env!("CARGO_PKG_VERSION").to_owned(), build: build().to_owned() }
}

/// The version and build of the program, as records name it.
pub const fn build() -> &'static str {
    match option_env!("CORDON_BUILD") {
        Some(build) => build,
        None => concat!(env!("CARGO_PKG_VERSION"), "+dev"),
    }
}
