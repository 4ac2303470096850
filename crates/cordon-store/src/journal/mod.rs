//! The journal of a node: every frame that a call wrote, in order, durable before anybody relies on it.
//!
//! # What is kept
//! `DIR/journal/<journal id>/<segment>.seg`: segments of frames, each filled with zeros ahead of its end so that an
//! append changes no file length. A frame is a sequence number, a kind, a payload of 1 to [`MAX_PAYLOAD`] opaque
//! bytes, a CRC32C and the chain before it. A segment is never written again once its writer has left it: not after
//! a crash, not after a failed write, not after damage.
//!
//! **The exact frame bytes are the payload.** The leaf of a frame in the journal's RFC 6962 tree is
//! `SHA-256(0x00 ‖ payload)` ([`leaf`]), its index is the sequence, so anyone checks a record with ordinary tools:
//! `(printf '\0'; cat payload) | sha256sum`. The chain `SHA-256(previous ‖ leaf ‖ sequence ‖ kind)` starts at
//! `SHA-256("cordon/journal/v1" ‖ journal id)` and covers order, kind and every payload before it.
//!
//! # What is promised
//! - A [`Ticket`] is good only after a successful sync. A failed sync acknowledges nothing, ever: the segment is given
//!   up, all frames in it that were not durable fail (or, if nobody waits for them, are kept and written again),
//!   and the journal goes on in a fresh file whose header says from which sequence on the old one does not count.
//! - Group commit: what is queued while a sync runs is written and synced together.
//! - After a crash all acknowledged frames are there, in order, then perhaps some that were appended and not yet
//!   acknowledged. These are written again, durably, before the journal goes on: what is read after a crash may
//!   exist only in the memory of the operating system, above all after a failed sync.
//! - Every frame says how many frames were durable when it was written. So a place where the chain ends is a torn
//!   tail exactly when nothing valid behind it was written after a sync that covered that place; one write's
//!   sectors may land in any order, so whole frames of the same lost write may lie there. Everything else is
//!   [`Damage`]: reported, never truncated, never overwritten. When the journal has been idle for a moment, or is
//!   closed, a mark says that everything before it is durable, so that even its last frame cannot be taken for torn.
//! - A frame of another journal, or of an earlier use of the same disk blocks, never passes: its checksum starts with
//!   another journal id, and its sequence and chain do not fit.
//!
//! Frames that are sealed in the object store and anchored give their space back segment by segment
//! ([`remove_sealed`]): the journal then begins with its first kept segment, whose header holds the chain before it. Only
//! a mark of the removal lets it; the loss of segments stays damage.
//!
//! A journal whose end is sound goes on after a restart under the same id, because a node restarts often and every
//! journal costs facts (start, end, successor, anchors) for ever. After damage a new journal begins beside the old one.
//!
//! ```
//! use cordon_store::journal::{Journal, Kind, NewFrame, Options};
//! let folder = tempfile::tempdir()?;
//! let random = [7; 12]; // from the operating system, at the edge
//! let (journal, recovered) = Journal::open(&folder.path().join("journal"), Options::default(), random)?;
//! assert_eq!(recovered.size, 0);
//! let ticket = journal.append(&[NewFrame { kind: Kind::OPENED, payload: br#"{"call":1}"# }])?;
//! assert_eq!(ticket.wait()?.first, 0); // durable now; async code awaits the ticket
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the files alone cannot show is the loss of a whole suffix of segments, or of the last frames together with every
//! mark of them: that is what the anchors of the log are for.

mod disk;
mod format;
mod reader;
mod recovery;
mod sealed;
mod segment;
mod tail;
mod writer;

#[cfg(any(test, feature = "testkit"))]
pub mod sim;
#[cfg(test)]
mod tests;

pub use disk::{Disk, DiskFile, FileSystem};
pub use format::{JournalId, Kind, MAX_PAYLOAD, leaf};
pub use reader::{Damage, Fault, Frame, Position, ReadError, Reader, Torn, Verified, list, verify};
pub use recovery::Check;
pub use sealed::{RemoveError, SegmentRange, remove_sealed, remove_sealed_on, segments, segments_on};
pub(crate) use segment::read_full;
pub use tail::Leaves;
pub use writer::{
    AppendError, Health, Journal, NewFrame, OpenError, Options, Receipt, Recovered, Ticket, Unwritable,
};
