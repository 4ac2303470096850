//! A stream of zlib (RFC 1950) by itself: how joblib compresses a model.

use crate::{
    Claim, Reason,
    bytes::tail,
    claim,
    context::{Context, Done},
    inflate::{End, Wrap},
};

/// Whether bytes begin as a stream does: its method, a window that it may have, and the check digits of the two.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    matches!(bytes, [0x78, flags @ (0x01 | 0x5e | 0x9c | 0xda), ..] if (0x78 * 256 + u32::from(*flags)).is_multiple_of(31))
}

/// What is in it is one file, of the same name.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8], claim: &Claim<'_>) -> Done {
    let unpacked = context.inflate(bytes, Wrap::Zlib)?;
    if unpacked.end != End::Whole {
        context.see(Reason::Malformed);
    } else if !tail(bytes, unpacked.used).is_empty() {
        context.see(Reason::Appended);
    }
    // `a.pkl.z` holds `a.pkl`; joblib gives no second ending.
    let name = claim.name.map(|name| match claim::extension(name).as_deref() {
        Some("z" | "zlib") => name.rsplit_once('.').map_or(name, |(stem, _)| stem),
        _ => name,
    });
    let claim = Claim { name, media_type: None };
    context.at(0, |context| context.file(&unpacked.bytes, &claim))?;
    Ok(())
}
