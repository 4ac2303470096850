//! What Cordon's tests share: scripted upstreams with faults, a clock that a test sets, test data, and chunkings.
//!
//! [`FakeUpstream`] is a provider on a loopback port whose every byte, pause and fault a test decides. [`Gate`] holds a
//! script until the test opens it, so that no test sleeps. [`corpus`] finds the labelled data that is not part of this
//! repository, [`server`] starts servers of others. [`chunking`] cuts texts at random places, for the law of streams.
//!
//! **Never here:** anything that the product uses, the wall clock, the network beyond loopback.
//!
//! ```
//! use cordon_core::{DurationMs, Timestamp};
//! let clock = cordon_testkit::ManualClock::at(Timestamp::from_millis(0));
//! clock.advance(DurationMs::from_secs(90));
//! assert_eq!(clock.now().to_string(), "1970-01-01T00:01:30.000Z");
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken expectation ends the test with its message"
)]

pub mod chunking;
pub mod corpus;
pub mod server;

mod bomb;
mod clock;
mod http;
mod script;
mod upstream;

pub use bomb::bomb;
pub use clock::ManualClock;
pub use http::Request;
pub use script::{Gate, Script};
pub use tempfile::TempDir;
pub use upstream::{Count, FakeUpstream, closed_port};
