//! Compiles the State to a [`Snapshot`], what the data plane knows, and answers "how strictly?".
//!
//! A Snapshot is immutable and made of shared parts: a fact rebuilds only the part that it touched, and a call sees one
//! consistent world. Nothing that a call needs is a text to be evaluated: rules are compiled, guards are joined by
//! looking up at most six lists, and the strictest wins.
//!
//! **Never here:** the network, SQL, the clock (time is an argument), content (a category and a score are enough).
//!
//! ```
//! use cordon_core::{Action, Category, Channel, Score, State, Timestamp};
//! use cordon_policy::{Caller, Snapshot};
//! let snapshot = Snapshot::compile(&State::new());
//! let guard = snapshot.guard(Caller::nobody(), None);
//! // Without any guard there is the built-in baseline.
//! let ruling = guard.judge(Channel::User, &Category::known("pii/card"), Score::ONE, Timestamp::from_millis(0));
//! assert_eq!(ruling.action, Action::Redact);
//! ```

mod answers;
mod guard;
mod limit;
mod quarantine;
mod restriction;
mod retention;
mod snapshot;
mod tool;
mod types;

pub use answers::CompiledAnswers;
pub use guard::{Caller, EffectiveGuard, JoinedRule, Ruling, baseline};
pub use limit::{CompiledLimit, LimitedCall};
pub use quarantine::Quarantined;
pub use retention::{content_retention, record_retention, says_of_records};
pub use snapshot::{DetectorEntry, Limits, PrincipalEntry, RouteEntry, RouteTarget, ServiceEntry, Snapshot};
pub use tool::CompiledTool;
pub use types::{Named, NamedTopics, NamedTypes};
