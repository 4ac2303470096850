//! The proof of one call: a file that anybody checks with the log's public key, without this log, this server or this
//! program's word.
//!
//! ```text
//! frame ──path──▶ root of the journal's tree ──stands in──▶ anchor fact ──path──▶ root of the log ──signed──▶ checkpoint
//! ```
//!
//! The file is JSON: the frames of the call, byte for byte, each with a proof in the form of `cordon_ledger::proof`. What is
//! said about the call is read out of the verified bytes, never out of anything beside them.

use std::path::{Path, PathBuf};

use cordon_core::{
    CallId, Digest, Fact, JournalId, State,
    evidence::Anchor,
    fact::Body,
    record::{Closed, Frame, Opened},
};
use cordon_ledger::{
    Checkpoint, Hash, Head, NestedProof, Note, Proof, Verifier, VerifierKey,
    tiles::TileNodes,
    tree::{self, Inclusion},
};
use cordon_store::{
    Log,
    calls::CallRow,
    frames::{Archive, FrameReader},
    ledger::{Levels, TileFolder},
};
use serde::{Deserialize, Serialize};

use crate::{desk::with_causes, ledger};

/// What the first member of the file says.
const FORMAT: &str = "cordon/call-proof/v1";

/// The longest file that is read: two frames of 1 MiB with their proofs, written as JSON.
pub const MAX_FILE: usize = 16 << 20;

/// The proof of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallProof {
    /// The form of this file.
    pub format: String,
    /// The call.
    pub call: CallId,
    /// The journal that holds its frames.
    pub journal: JournalId,
    /// The key of the log, for whoever wants to compare: it proves nothing, since it comes with the proof.
    pub key: String,
    /// Its frames: how it began, and how it ended once it has.
    pub frames: Vec<FrameProof>,
}

/// The proof of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameProof {
    /// The exact bytes that were recorded, which are canonical JSON.
    pub entry: String,
    /// That they are in the log: `cordon-ledger/nested-proof@v1`.
    pub proof: String,
}

/// What a verified proof says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProvedCall {
    /// How the call began.
    pub opened: Opened,
    /// How it ended; absent where the proof does not hold that frame: it was made while the call ran, or the frame was left
    /// out.
    pub closed: Option<Closed>,
    /// The journal.
    pub journal: JournalId,
    /// Facts that the checkpoint covers.
    pub log_size: u64,
    /// Who signed it.
    pub signer: String,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// It comes.
    #[error(
        "call {0} is recorded, and its proof is pending: its journal is anchored within 10 s while the server runs; help: ask again, or with --wait"
    )]
    Pending(CallId),
    /// Something that it needs cannot be read.
    #[error("call {call} cannot be proved: {why}; help: `cordon verify` says what is wrong with the record")]
    Broken {
        /// The call.
        call: CallId,
        /// What.
        why: String,
    },
}

/// Where proofs are made of.
pub struct Sources<'s> {
    /// The log.
    pub log: &'s dyn Log,
    /// Its present state.
    pub state: &'s State,
    /// The data folder.
    pub data: &'s Path,
    /// Where frames are that are not in the journals any more.
    pub archive: Option<&'s Archive>,
}

/// Makes the proof of a call.
///
/// # Errors
/// When it is too young, or something cannot be read.
pub async fn prove(sources: &Sources<'_>, row: &CallRow) -> Result<CallProof, ProveError> {
    let call = row.call;
    let broken = |why: String| ProveError::Broken { call, why };
    let id = JournalId::from_bytes(row.place.journal);
    let journal = sources.state.journal(id).ok_or(ProveError::Pending(call))?;
    let (anchor, position) = (journal.anchor.clone(), journal.anchored);
    // A call that is open is proved as far as it is; one that has ended, to its end.
    let sequences: Vec<u64> = std::iter::once(row.place.opened).chain(row.place.closed).collect();
    let tiles = TileFolder::new(ledger::log_folder(&sources.data.join("ledger")));
    let note = tiles.checkpoint().map_err(|error| broken(error.to_string()))?;
    let note = note.ok_or(ProveError::Pending(call))?;
    let keys = ledger::log_keys(sources.log).await.map_err(|error| broken(format!("{error:#}")))?;
    let keys: Vec<VerifierKey> = keys.into_iter().map(|(key, _)| key).collect();
    let note = Note::parse(&note).map_err(|error| broken(error.to_string()))?;
    let size = note
        .open(&keys)
        .map_err(|error| error.to_string())
        .and_then(|opened| Checkpoint::parse(opened.text()).map_err(|error| error.to_string()))
        .map_err(broken)?
        .head()
        .size;
    if size <= position || sequences.iter().any(|sequence| *sequence >= anchor.size) {
        return Err(ProveError::Pending(call));
    }
    let facts =
        sources.log.read(position, position + 1).await.map_err(|error| broken(with_causes(&error)))?;
    let fact = facts.into_iter().next().ok_or_else(|| broken(format!("fact {position} is missing")))?.leaf;
    let (data, archive) = (sources.data.to_owned(), sources.archive.cloned());
    let key = keys.last().map(ToString::to_string).unwrap_or_default();
    let work = move || -> Result<CallProof, String> {
        let outer =
            tree::inclusion(position, size, &TileNodes::new(&tiles, size)).map_err(|e| with_causes(&e))?;
        let archive = archive.as_ref();
        let parts = Parts { data: &data, archive, anchor: &anchor, fact: &fact, outer: &outer, note: &note };
        let frames = sequences.iter().map(|sequence| frame(&parts, *sequence)).collect::<Result<_, _>>()?;
        Ok(CallProof { format: FORMAT.to_owned(), call, journal: id, key, frames })
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| broken(error.to_string()))?.map_err(broken)
}

struct Parts<'p> {
    data: &'p Path,
    archive: Option<&'p Archive>,
    anchor: &'p Anchor,
    fact: &'p [u8],
    outer: &'p Inclusion,
    note: &'p Note,
}

fn frame(parts: &Parts<'_>, sequence: u64) -> Result<FrameProof, String> {
    let id = parts.anchor.journal;
    let entry = entry(&parts.data.join("journal"), parts.archive, id, sequence)?;
    let tree: PathBuf = ledger::journals_folder(&parts.data.join("ledger")).join(id.to_string());
    let levels = Levels::read(&tree).map_err(|error| format!("the tree of journal {id}: {error}"))?;
    let inner = tree::inclusion(sequence, parts.anchor.size, &levels).map_err(|error| with_causes(&error))?;
    let outer = Proof::new(parts.outer.clone(), parts.note);
    let proof = NestedProof::new(inner, parts.fact.to_vec(), outer).map_err(|error| error.to_string())?;
    Ok(FrameProof { entry, proof: proof.to_string() })
}

fn entry(journals: &Path, archive: Option<&Archive>, id: JournalId, sequence: u64) -> Result<String, String> {
    let mut reader =
        FrameReader::open(journals, id, archive, sequence).map_err(|error| with_causes(&error))?;
    let frame = reader.read().map_err(|error| with_causes(&error))?;
    let frame = frame.filter(|frame| frame.sequence == sequence);
    let frame = frame.ok_or_else(|| format!("frame {sequence} of journal {id} is not there"))?;
    String::from_utf8(frame.payload).map_err(|_| format!("frame {sequence} of journal {id} is no text"))
}

/// Checks a proof with the key that is trusted, and nothing else.
///
/// # Errors
/// With what is wrong with it.
pub fn check(file: &[u8], key: VerifierKey) -> Result<ProvedCall, String> {
    if file.len() > MAX_FILE {
        return Err(format!("the file has {} bytes; {MAX_FILE} are read", file.len()));
    }
    let proof: CallProof =
        serde_json::from_slice(file).map_err(|error| format!("the file is no proof: {error}"))?;
    if proof.format != FORMAT {
        return Err(format!("the file is no proof of the form `{FORMAT}`"));
    }
    let (signer, origin) = (key.to_string(), key.name().to_string());
    let verifier = Verifier::new(origin, vec![key]).map_err(|error| error.to_string())?;
    let (mut opened, mut closed, mut log_size) = (None, None, 0);
    for (number, frame) in proof.frames.iter().enumerate() {
        let wrong = |error: &dyn std::error::Error| format!("frame {number}: {}", with_causes(error));
        let nested = NestedProof::parse(frame.proof.as_bytes()).map_err(|error| wrong(&error))?;
        let verified = verifier
            .verify_nested(frame.entry.as_bytes(), &nested, |fact| head_of(fact, proof.journal))
            .map_err(|error| wrong(&error))?;
        log_size = verified.entry().signed_head().size();
        // From here on the bytes are those that were recorded: what they say counts, not the file.
        let recorded = Frame::decode(verified.frame())
            .map_err(|error| format!("frame {number} cannot be read by this program: {error}"))?;
        match recorded {
            Frame::Opened(frame) if frame.call == proof.call && opened.is_none() => opened = Some(*frame),
            Frame::Closed(frame) if frame.call == proof.call && closed.is_none() => closed = Some(*frame),
            _ => {
                return Err(format!(
                    "frame {number} is recorded, but not of call {}, or it stands twice",
                    proof.call
                ));
            }
        }
    }
    let opened = opened.ok_or("the proof does not hold the frame that opened the call")?;
    Ok(ProvedCall { opened, closed, journal: proof.journal, log_size, signer })
}

/// The head of this journal's tree in a fact, if the fact anchors it.
fn head_of(fact: &[u8], journal: JournalId) -> Option<Head> {
    let fact = Fact::decode(fact, &|_: &Digest| None).ok()?;
    let anchor = match fact.body {
        Body::JournalsAnchored(anchors) => anchors.into_iter().find(|anchor| anchor.journal == journal)?,
        Body::JournalEnded(end) if end.last.journal == journal => end.last,
        _ => return None,
    };
    Some(Head { size: anchor.size, root: Hash::new(*anchor.root.as_bytes()) })
}
