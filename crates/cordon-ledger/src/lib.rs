//! Makes history tamper-evident: bytes in, proofs out.
//!
//! The Merkle tree of RFC 6962 (the same as in RFC 9162) and the C2SP formats around it: tiles (`c2sp.org/tlog-tiles`),
//! signed notes (`c2sp.org/signed-note`), checkpoints (`c2sp.org/tlog-checkpoint`), cosignatures of witnesses
//! (`c2sp.org/tlog-cosignature`), proofs (`c2sp.org/tlog-proof`). Any client of these formats reads what this crate writes.
//!
//! **Never here:** an async runtime, SQL, the network, the clock, randomness, what an entry means. An auditor can build
//! and read only this. Nothing can be checked half: [`Verifier`] takes key, checkpoint, proof and entry together.
//!
//! ```
//! use cordon_ledger::{Checkpoint, Frontier, Proof, SigningKey, Verifier, leaf_hash, tree};
//! let entries = ["first", "second", "third"];
//! let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry.as_bytes())).collect();
//! let frontier: Frontier = leaves.iter().copied().collect();
//! let key = SigningKey::from_seed("example.com/log", [7; 32])?; // a real seed is 32 random bytes
//! let note = Checkpoint::new("example.com/log", frontier.head())?.sign(&[&key])?;
//! let proof = Proof::new(tree::inclusion(1, 3, &tree::Leaves(&leaves))?, &note);
//!
//! let verifier = Verifier::new("example.com/log", vec![key.verifier_key().clone()])?;
//! assert_eq!(verifier.verify(b"second", &proof)?.index(), 1);
//! assert!(verifier.verify(b"changed", &proof).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod audit;
pub mod checkpoint;
pub mod cosignature;
pub mod note;
pub mod proof;
pub mod rotation;
pub mod tiles;
pub mod tree;
pub mod verify;

mod hash;
mod text;

pub use audit::Auditor;
pub use checkpoint::Checkpoint;
pub use hash::{Hash, HashError, leaf_hash, node_hash};
pub use note::{Note, Signer, SigningKey, VerifierKey};
pub use proof::{NestedProof, Proof};
pub use rotation::{KeyHistory, Rotation};
pub use tree::{Frontier, Head};
pub use verify::Verifier;
