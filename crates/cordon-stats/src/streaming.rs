//! Detectors of change that see one value at a time: bounded memory, bounded time, the same answer for the same stream.
//!
//! None of them states a false-alarm rate that holds for ever: ADWIN's bound is loose and the others are tuned by their
//! thresholds. Where a stated rate is needed, take [`crate::sequential`].
//!
//! ADWIN, Page–Hinkley, DDM and EDDM give the alarms of river 0.26.1 at the same places. That is a choice where river differs from
//! MOA or from the papers; each says where.

mod adwin;
mod errors;
mod means;
mod windows;

pub use adwin::{Adwin, AfterChange};
pub use errors::{Ddm, Eddm};
pub use means::{Cusum, Direction, PageHinkley};
pub use windows::Kswin;

/// What a detector says after a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Nothing to say.
    Quiet,
    /// Errors become more frequent: watch.
    Warning,
    /// The stream changed. The detector begins anew with the next value.
    Change,
}
