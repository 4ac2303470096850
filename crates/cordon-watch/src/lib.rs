//! Watches what calls do, and says when something approved in advance has to be done about it.
//!
//! The crate is fed calls that have ended ([`Ended`]) and the time ([`Triggers::decide`]), and answers with decisions: a trigger
//! fires, or what it did may end. The same calls and times give the same decisions, in whatever order calls of a moment come.
//! What is kept is bounded: windows are slices of counts, and what is beyond a bound is counted.
//!
//! **Never here:** a clock, I/O, an async runtime, the gateway's HTTP; and nothing is done here: who carries a decision out,
//! tests it and writes its facts is the binary.
//!
//! ```
//! use cordon_core::{Name, Timestamp, resource::{Kind, Spec}};
//! use cordon_watch::{Bounds, Triggers};
//!
//! let spec = serde_json::json!({
//!     "signal": {"error_rate": {"above": 0.5}}, "window": "60s", "action": {"quarantine": "model/small"},
//! });
//! let Spec::Trigger(spec) = Kind::Trigger.read(spec)? else { unreachable!() };
//! let mut triggers = Triggers::new(Bounds::default());
//! triggers.declare(&Name::parse("small-fails")?, &spec);
//! assert!(triggers.decide(Timestamp::from_millis(0)).is_empty(), "no call, no signal");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ended;
mod series;
mod signal;
mod triggers;
mod window;

pub use ended::{End, Ended, Found, Try};
pub use series::{Decision, Firing, Phase, Seen};
pub use triggers::{Bounds, Status, Triggers};
pub use window::Sum;
