//! Detectors that are asked over HTTP, models that run in this process, and whether detectors work at all.
//!
//! They run beside those that are built in: those first, and where they do not stop a content already, all that are elsewhere at
//! the same time, each within its deadline. One is asked only where a rule of the call's guards names what it may find. It needs
//! whole texts: answers that are streamed are held to their end for it.
//!
//! INVARIANT: a detector that is asked and gives no answer that can be used leaves `Unavailable` behind, and so a finding in
//! the record; unless its resource says otherwise, that stops the content.

mod adapter;
mod asked;
mod canaries;
mod counts;
mod drawn;
mod model;
mod pictures;
mod registry;
mod second;
mod self_test;
mod windows;

#[cfg(test)]
mod canaries_tests;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use cordon_core::{Category, Channel, Name, resource::WhenUnavailable};
use cordon_policy::DetectorEntry;

pub use self::{
    canaries::beside_engine,
    counts::{Counted, Outcome},
    model::{Judge, Judged, Models, NoModels, Part},
    registry::Detectors,
    self_test::{DetectorState, Tested, built_in},
};
pub(crate) use self::{
    pictures::Reading,
    registry::{Needed, Used},
    second::{Answers, Second},
};

/// The category of content that a detector said nothing of. A guard may have rules for it.
pub const UNANSWERED: Category = Category::known("uninspected/detector");

/// Why a detector gave no answer that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Failure {
    /// Its breaker lets nothing through.
    #[error("its breaker is open")]
    Breaker,
    /// The deadline passed before all texts had their turn; it answered those that had.
    #[error("the deadline passed before it was asked about all texts")]
    Busy,
    /// It took too long.
    #[error("it did not answer before its deadline")]
    Deadline,
    /// What it said is no answer in its adapter's form, or not one to this text.
    #[error("its answer is not one to what it was asked")]
    Malformed,
    /// It does not find what it must find.
    #[error("it does not find what its self-test says")]
    SelfTest,
    /// It answered with another status than 200.
    #[error("it answered with a status other than 200")]
    Status,
    /// A text is longer than it takes, and is not to be cut.
    #[error("a text is longer than it takes")]
    TooLong,
    /// More texts than are sent for one call.
    #[error("the call has more texts than are sent for one")]
    TooMany,
    /// It cannot be connected to, or broke off.
    #[error("it cannot be reached, or broke off")]
    Unreachable,
    /// Its address, its secret or its model cannot be used.
    #[error("its address, its secret or its model cannot be used")]
    Unready,
}

impl Failure {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Breaker,
        Self::Busy,
        Self::Deadline,
        Self::Malformed,
        Self::SelfTest,
        Self::Status,
        Self::TooLong,
        Self::TooMany,
        Self::Unreachable,
        Self::Unready,
    ];

    /// The word for metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Busy => "busy",
            Self::Deadline => "deadline",
            Self::Malformed => "malformed",
            Self::SelfTest => "self_test",
            Self::Status => "status",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Unreachable => "unreachable",
            Self::Unready => "unready",
        }
    }

    /// Whether the same content will never get an answer: there is more of it than is sent.
    const fn is_of_the_content(self) -> bool {
        matches!(self, Self::TooLong | Self::TooMany)
    }

    /// Whether it speaks of what is behind the address.
    const fn is_its_own(self) -> bool {
        matches!(self, Self::Deadline | Self::Malformed | Self::Status | Self::Unreachable)
    }
}

/// A detector that said nothing of a content that it should have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unavailable {
    pub(crate) detector: &'static str,
    pub(crate) version: u16,
    pub(crate) channel: Channel,
    pub(crate) then: WhenUnavailable,
    /// Whether there was more of the content than it is sent, so that another try makes no sense.
    pub(crate) too_much: bool,
}

/// A detector that nobody could ask about a text of this channel.
pub(crate) fn unasked(entry: &DetectorEntry, channel: Channel) -> Unavailable {
    let (version, then) = (entry.spec.version, entry.spec.when_unavailable);
    Unavailable { detector: kept_name(&entry.name), version, channel, then, too_much: false }
}

/// Names that are kept for ever, since findings carry no copy of theirs.
static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
/// The most of them. Each is one that an operator chose, of at most 63 bytes.
const MAX_NAMES: usize = 10_000;
/// What findings name where there were more.
const ONE_OF_MANY: &str = "remote";

/// The same name for as long as the process runs. It is kept once, however often a detector is declared anew.
fn kept_name(name: &Name) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    if names.len() >= MAX_NAMES {
        return ONE_OF_MANY;
    }
    let kept: &'static str = Box::leak(name.as_str().into());
    names.insert(kept);
    kept
}
