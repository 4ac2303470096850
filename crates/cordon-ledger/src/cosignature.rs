//! Cosignatures of witnesses (`c2sp.org/tlog-cosignature`, cosignature/v1): a witness says when it saw a checkpoint that
//! continues all it saw before.

use crate::note::{Algorithm, Note, SignError, Signature, Signer, VerifierKey};

/// The latest time that a cosignature may state, in seconds since 1970: 2^63 − 1.
pub const MAX_TIME: u64 = u64::MAX >> 1;

/// Adds a witness's cosignature over the checkpoint in a note. `time` is in seconds since 1970 and not above [`MAX_TIME`].
/// The witness has checked before that the checkpoint continues the last one it signed ([`crate::Verifier::verify_consistency`]).
pub fn cosign(note: &mut Note, witness: &dyn Signer, time: u64) -> Result<(), SignError> {
    let key = witness.verifier_key();
    if key.algorithm() != Algorithm::CosignatureV1 {
        return Err(SignError::Algorithm { name: key.name().clone(), id: key.id() });
    }
    let signature = witness.sign(message(time, note.unverified_text()).as_bytes())?;
    let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
    note.add(key, bytes)
}

/// The message that a witness signs.
pub(crate) fn message(time: u64, checkpoint: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{checkpoint}")
}

/// Time and signature of a cosignature's bytes.
pub(crate) fn split(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = bytes.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (time <= MAX_TIME).then_some((time, signature))
}

/// The time of a verified cosignature of this key, if it is one.
pub(crate) fn time_of(signature: &Signature, key: &VerifierKey) -> Option<u64> {
    let cosigned = signature.is_by(key) && key.algorithm() == Algorithm::CosignatureV1;
    cosigned.then(|| split(signature.bytes())).flatten().map(|(time, _)| time)
}
