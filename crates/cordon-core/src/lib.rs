//! The vocabulary and the laws of Cordon.
//!
//! Ids, content with its origin, findings, verdicts, resources, facts, the `State` that is their fold, and the
//! commands that turn a wish and a state into facts or a refusal.
//!
//! **Never here:** I/O, async, the clock, randomness, HTTP. Time and random bytes are arguments, so that a year of
//! incidents is a unit test and the same facts give the same state on every node, for ever.
//!
//! ```
//! use cordon_core::{Action, Category};
//! // The strictest action wins, and a category covers its children.
//! assert_eq!(Action::Redact.max(Action::Flag), Action::Redact);
//! assert!(Category::known("pii").covers(&Category::known("pii/card")));
//! ```

pub mod canonical;
pub mod command;
pub mod containment;
pub mod evidence;
pub mod fact;
pub mod feedback;
pub mod identity;
pub mod json;
pub mod record;
pub mod refusal;
pub mod resource;
pub mod review;
pub mod state;
pub mod taint;

mod action;
mod category;
mod channel;
mod decimal;
mod digest;
mod finding;
mod host;
mod id;
mod key;
mod language;
mod money;
mod score;
mod sealed;
mod time;

pub use action::{Action, Form, Mode};
pub use category::{Category, CategoryError};
pub use channel::{Channel, Trust};
pub use decimal::{Decimal, DecimalError};
pub use digest::{Digest, DigestError, Hasher, HmacKey, KeyedHasher};
pub use fact::Fact;
pub use finding::{Finding, Listed, Span};
pub use host::{HostPattern, HostPatternError};
pub use id::{CallId, IdError, JournalId, Name, NameError};
pub use identity::{Role, UserId};
pub use key::{ApiKey, KeyError, KeyId, KeySecret};
pub use language::{Language, LanguageError};
pub use money::{Cost, Currency, CurrencyError, Money, MoneyError};
pub use refusal::{Refusal, RefusalCode};
pub use score::{Score, ScoreError};
pub use sealed::{Seal, Sealed};
pub use state::State;
pub use time::{DURATION, DurationMs, TimeError, Timestamp};
