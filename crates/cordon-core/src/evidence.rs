//! What the log says of the records: journals and their anchors, sealed segments, retention, erasure, legal hold, and the
//! key that signs the log. These are bodies of facts and entries of the state, in their stored form.

use serde::{Deserialize, Serialize};

use crate::{CallId, Digest, JournalId, Name, Sealed, Timestamp};

/// The most anchors of one fact: they stay well below the largest fact.
pub const MAX_ANCHORS: usize = 256;

/// The most ranges that one fact of a retention run names.
pub const MAX_RANGES: usize = 256;

/// A journal begins: the first thing that the log says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalStart {
    /// The journal.
    pub journal: JournalId,
    /// The node that writes it.
    pub node: Name,
    /// The journal of the same node that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<JournalId>,
}

/// How far a journal was at the time of the fact: the root of the RFC 6962 tree over its first `size` frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The journal.
    pub journal: JournalId,
    /// Number of frames.
    pub size: u64,
    /// Root of the tree of these frames.
    pub root: Digest,
}

/// A journal takes no more frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEnd {
    /// Where it ended.
    pub last: Anchor,
    /// Why.
    pub why: EndReason,
}

/// Why a journal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its node ended it in order.
    Closed,
    /// Its files are damaged, or shorter than what was anchored; they are left as they are.
    Damaged,
    /// It is not there any more.
    Missing,
}

/// A segment of a journal lies in the object store from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentSeal {
    /// The journal.
    pub journal: JournalId,
    /// Sequence of its first frame.
    pub first: u64,
    /// Number of frames.
    pub count: u64,
    /// Root of the RFC 6962 tree over exactly these frames.
    pub root: Digest,
    /// The object's name in the store.
    pub object: String,
    /// SHA-256 of the object.
    pub digest: Digest,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Consecutive frames of a journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameRange {
    /// The journal.
    pub journal: JournalId,
    /// Sequence of the first frame.
    pub first: u64,
    /// Number of frames.
    pub count: u64,
}

/// A retention run: records that are gone because their time was over. Their leaf hashes and anchors stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retirement {
    /// What was removed.
    pub ranges: Vec<FrameRange>,
    /// Merkle root (RFC 6962) over the roots of the removed ranges, in this order.
    pub root: Digest,
    /// Records older than this were due.
    pub before: Timestamp,
}

/// Whose content is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentScope {
    /// That of one call.
    Call(CallId),
    /// That of all calls of a person until now, by the keyed pseudonym that the records hold.
    Subject(Digest),
}

/// The keys of captured content are destroyed: the certificate of an erasure.
///
/// It covers all calls in its scope up to the time of the fact. A node that finds such a fact destroys the keys that it
/// holds, also after a backup was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Whose.
    pub scope: ContentScope,
    /// How many calls had content in this scope when it was decided.
    pub calls: u64,
    /// Until when a backup of the keys may still hold one of them. Absent: there is no backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups_until: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed<String>>,
}

/// A legal hold: content in its scope is neither erased nor expires until it is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its name.
    pub name: Name,
    /// What it holds.
    pub scope: ContentScope,
    /// Why.
    pub reason: Sealed<String>,
}

/// The key that signs checkpoints from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKey {
    /// The verifier key in the form of C2SP signed-note: `<origin>+<key id>+<base64>`.
    pub key: String,
    /// The statement that the former key and this one signed together; absent for the first key of a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// What the log knows of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// Its latest anchor.
    pub anchor: Anchor,
    /// Position of the fact with this anchor (or of the one that started it) in the log.
    pub anchored: u64,
    /// The node that writes it.
    pub node: Name,
    /// The journal before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<JournalId>,
    /// When it was started.
    pub started: Timestamp,
    /// Frames before this one are sealed.
    pub sealed: u64,
    /// Frames before this one were removed by retention.
    pub retired: u64,
    /// Its end, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// The end of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Why.
    pub why: EndReason,
    /// When.
    pub at: Timestamp,
}

/// The root of a tree without leaves: SHA-256 of nothing (RFC 6962, section 2.1).
pub fn empty_root() -> Digest {
    Digest::sha256(b"")
}
