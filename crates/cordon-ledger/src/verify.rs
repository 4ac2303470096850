//! The one verifier. There is no function that checks a path against a root that nobody signed: key, checkpoint, proof and
//! entry go in together, and what comes out can be made nowhere else.

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    cosignature,
    hash::leaf_hash,
    note::{Algorithm, KeyId, KeyName, Note, NoteError, OpenError, VerifierKey},
    proof::{NestedProof, Proof},
    rotation::KeyHistory,
    tree::{self, Consistency, ConsistencyError, Head, InclusionError},
};

/// What somebody trusts: one log, its keys, and perhaps witnesses.
#[derive(Clone, Debug)]
pub struct Verifier {
    origin: String,
    keys: Keys,
    witnesses: Vec<VerifierKey>,
    quorum: usize,
}

#[derive(Clone, Debug)]
enum Keys {
    /// Any of these, for any size.
    Fixed(Vec<VerifierKey>),
    /// The one whose turn it is.
    History(Box<KeyHistory>),
}

/// Why there can be no such verifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// A key of the wrong kind.
    #[error(
        "key `{name}` ({id}) has the wrong kind\nhelp: logs sign with algorithm 0x01, witnesses with 0x04"
    )]
    Algorithm {
        /// Name of the key.
        name: KeyName,
        /// Id of the key.
        id: KeyId,
    },
    /// No key at all.
    #[error("a verifier needs at least one key of the log")]
    NoKeys,
    /// More witnesses are asked for than there are, or none.
    #[error("a quorum of {quorum} cannot be had from {witnesses} witnesses")]
    Quorum {
        /// How many must have signed.
        quorum: usize,
        /// How many there are.
        witnesses: usize,
    },
    /// One public key stands twice: one witness would count as two.
    #[error("the public key of `{name}` ({id}) stands twice")]
    Twice {
        /// Name of the second.
        name: KeyName,
        /// Id of the second.
        id: KeyId,
    },
}

/// What is wrong with what was to be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The signed text is not a checkpoint.
    #[error("the note is not a checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// The newer tree does not continue the older one.
    #[error("the newer checkpoint does not continue the older one")]
    Consistency(#[from] ConsistencyError),
    /// The entry is not in the log.
    #[error("the entry is not where the proof says in the log")]
    Inclusion(#[source] InclusionError),
    /// The frame is not in the inner tree.
    #[error("the frame is not where the proof says in the tree that the entry holds")]
    Inner(#[source] InclusionError),
    /// Signed by a key whose turn it is not.
    #[error("key {key} may not sign a checkpoint of {size} entries: that is the turn of key {turn}")]
    NotItsTurn {
        /// The key that signed.
        key: KeyId,
        /// The key that must sign.
        turn: KeyId,
        /// Size of the checkpoint.
        size: u64,
    },
    /// The entry of a nested proof holds no head of the inner tree.
    #[error("the entry at {index} is in the log, but holds no head of the tree of the frame")]
    NoHead {
        /// Position of the entry.
        index: u64,
    },
    /// The checkpoint is not a note.
    #[error("the checkpoint is not a signed note")]
    Note(#[from] NoteError),
    /// Witnesses signed, the log did not.
    #[error("no key of the log `{origin}` signed its checkpoint, only witnesses did")]
    OnlyWitnesses {
        /// Which log.
        origin: String,
    },
    /// The signatures are not right.
    #[error("the checkpoint is not signed by a key that is trusted")]
    Open(#[from] OpenError),
    /// A checkpoint of another log.
    #[error("the checkpoint is of log `{found}`, not of `{expected}`")]
    Origin {
        /// The log that is trusted.
        expected: String,
        /// The log of the checkpoint.
        found: String,
    },
    /// Not enough witnesses signed.
    #[error("{found} known witnesses signed the checkpoint of {size} entries, {quorum} must")]
    Witnesses {
        /// How many did.
        found: usize,
        /// How many must.
        quorum: usize,
        /// Size of the checkpoint.
        size: u64,
    },
}

/// A checkpoint that a trusted key of the log signed. Only a [`Verifier`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct SignedHead {
    checkpoint: Checkpoint,
    signers: Vec<VerifierKey>,
    witnesses: Vec<(VerifierKey, u64)>,
}

impl SignedHead {
    /// Size and root.
    pub fn head(&self) -> Head {
        self.checkpoint.head()
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.head().size
    }

    /// All that the checkpoint says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The keys of the log that signed. At least one.
    pub fn signers(&self) -> &[VerifierKey] {
        &self.signers
    }

    /// The known witnesses that signed, with their times in seconds since 1970.
    pub fn witnesses(&self) -> &[(VerifierKey, u64)] {
        &self.witnesses
    }
}

/// An entry that is in a log. Only a [`Verifier`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verified<'e> {
    entry: &'e [u8],
    index: u64,
    head: SignedHead,
}

impl<'e> Verified<'e> {
    /// The entry.
    pub fn entry(&self) -> &'e [u8] {
        self.entry
    }

    /// Its position in the log.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The signed checkpoint that covers it.
    pub fn signed_head(&self) -> &SignedHead {
        &self.head
    }
}

/// A frame in a tree whose head is in an entry of a log. Only a [`Verifier`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct VerifiedNested<'e> {
    frame: &'e [u8],
    index: u64,
    inner: Head,
    entry: Verified<'e>,
}

impl<'e> VerifiedNested<'e> {
    /// The frame.
    pub fn frame(&self) -> &'e [u8] {
        self.frame
    }

    /// Its position in the inner tree.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The head of the inner tree, as the entry holds it.
    pub fn inner_head(&self) -> Head {
        self.inner
    }

    /// The entry of the log.
    pub fn entry(&self) -> &Verified<'e> {
        &self.entry
    }
}

/// Two checkpoints of which the newer continues the older. Only a [`Verifier`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Extended {
    old: SignedHead,
    new: SignedHead,
}

impl Extended {
    /// The older one.
    pub fn old(&self) -> &SignedHead {
        &self.old
    }

    /// The newer one.
    pub fn new_head(&self) -> &SignedHead {
        &self.new
    }
}

impl Verifier {
    /// Trusts each of `keys` for each checkpoint of the log `origin`.
    pub fn new(origin: impl Into<String>, keys: Vec<VerifierKey>) -> Result<Self, VerifierError> {
        if keys.is_empty() {
            return Err(VerifierError::NoKeys);
        }
        check_keys(&keys, Algorithm::Ed25519)?;
        Ok(Self { origin: origin.into(), keys: Keys::Fixed(keys), witnesses: Vec::new(), quorum: 0 })
    }

    /// Trusts for each checkpoint the key whose turn it was at its size.
    pub fn with_history(history: KeyHistory) -> Self {
        let origin = history.origin().to_owned();
        Self { origin, keys: Keys::History(Box::new(history)), witnesses: Vec::new(), quorum: 0 }
    }

    /// Asks in addition that at least `quorum` of these witnesses signed each checkpoint.
    pub fn with_witnesses(self, witnesses: Vec<VerifierKey>, quorum: usize) -> Result<Self, VerifierError> {
        if quorum == 0 || quorum > witnesses.len() {
            return Err(VerifierError::Quorum { quorum, witnesses: witnesses.len() });
        }
        check_keys(&witnesses, Algorithm::CosignatureV1)?;
        Ok(Self { witnesses, quorum, ..self })
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Verifies a signed checkpoint.
    pub fn checkpoint(&self, note: &[u8]) -> Result<SignedHead, VerifyError> {
        self.signed_head(&Note::parse(note)?)
    }

    /// Verifies that `entry` is in the log, where `proof` says.
    pub fn verify<'e>(&self, entry: &'e [u8], proof: &Proof) -> Result<Verified<'e>, VerifyError> {
        let head = self.signed_head(proof.checkpoint())?;
        tree::check_inclusion(leaf_hash(entry), proof.inclusion(), head.head())
            .map_err(VerifyError::Inclusion)?;
        Ok(Verified { entry, index: proof.index(), head })
    }

    /// Verifies that the log of the signed checkpoint `new` continues that of the signed checkpoint `old`.
    pub fn verify_consistency(
        &self,
        old: &[u8],
        new: &[u8],
        proof: &Consistency,
    ) -> Result<Extended, VerifyError> {
        let (old, new) = (self.checkpoint(old)?, self.checkpoint(new)?);
        tree::check_consistency(old.head(), new.head(), proof)?;
        Ok(Extended { old, new })
    }

    /// Verifies that `frame` is in the tree whose head stands in an entry of the log. `head_in` reads that head out of
    /// the entry: it is only called with an entry that is in the log, and must answer for the tree of this frame alone.
    pub fn verify_nested<'e>(
        &self,
        frame: &'e [u8],
        proof: &'e NestedProof,
        head_in: impl FnOnce(&[u8]) -> Option<Head>,
    ) -> Result<VerifiedNested<'e>, VerifyError> {
        let entry = self.verify(proof.entry(), proof.outer())?;
        let inner = head_in(entry.entry()).ok_or(VerifyError::NoHead { index: entry.index() })?;
        tree::check_inclusion(leaf_hash(frame), proof.inner(), inner).map_err(VerifyError::Inner)?;
        Ok(VerifiedNested { frame, index: proof.inner_index(), inner, entry })
    }

    fn signed_head(&self, note: &Note) -> Result<SignedHead, VerifyError> {
        // A claim until `open` below: it chooses the key, and is the same text that the key then must have signed.
        let checkpoint = Checkpoint::parse(note.unverified_text())?;
        if checkpoint.origin() != self.origin {
            let (expected, found) = (self.origin.clone(), checkpoint.origin().to_owned());
            return Err(VerifyError::Origin { expected, found });
        }
        let size = checkpoint.head().size;
        let log_keys = match &self.keys {
            Keys::Fixed(keys) => keys.as_slice(),
            Keys::History(history) => std::slice::from_ref(history.key_at(size)),
        };
        let keys = [log_keys, &self.witnesses].concat();
        let opened =
            note.open(&keys).map_err(|error| self.out_of_turn(note, size).unwrap_or(error.into()))?;
        let (signers, cosigners): (Vec<_>, Vec<_>) =
            opened.signers().iter().copied().cloned().partition(|key| log_keys.contains(key));
        if signers.is_empty() {
            let only_witnesses = VerifyError::OnlyWitnesses { origin: self.origin.clone() };
            return Err(self.out_of_turn(note, size).unwrap_or(only_witnesses));
        }
        let witnesses: Vec<_> = cosigners
            .into_iter()
            .filter_map(|key| {
                let time = note.signatures().iter().find_map(|line| cosignature::time_of(line, &key))?;
                Some((key, time))
            })
            .collect();
        let (found, quorum) = (witnesses.len(), self.quorum);
        if found < quorum {
            return Err(VerifyError::Witnesses { found, quorum, size });
        }
        Ok(SignedHead { checkpoint, signers, witnesses })
    }

    /// Once the key whose turn it is has not signed: whether another key of the log did, which is a better answer than
    /// that nobody known signed.
    fn out_of_turn(&self, note: &Note, size: u64) -> Option<VerifyError> {
        let Keys::History(history) = &self.keys else { return None };
        let turn = history.key_at(size);
        let claimed = |key: &VerifierKey| note.signatures().iter().any(|line| line.is_by(key));
        if claimed(turn) {
            return None;
        }
        let (_, key) = history.keys().find(|(_, key)| claimed(key))?;
        Some(VerifyError::NotItsTurn { key: key.id(), turn: turn.id(), size })
    }
}

/// All of one kind, and none twice.
fn check_keys(keys: &[VerifierKey], algorithm: Algorithm) -> Result<(), VerifierError> {
    let mut seen = Vec::new();
    for key in keys {
        let (name, id) = (key.name().clone(), key.id());
        if key.algorithm() != algorithm {
            return Err(VerifierError::Algorithm { name, id });
        }
        if seen.contains(&key.public_key()) {
            return Err(VerifierError::Twice { name, id });
        }
        seen.push(key.public_key());
    }
    Ok(())
}
