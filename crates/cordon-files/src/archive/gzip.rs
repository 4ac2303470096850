//! Gzip (RFC 1952): members one behind the other, each with a checksum.

use flate2::Crc;

use crate::{
    Claim, Reason,
    bytes::{le16, le32, slice, tail},
    claim,
    context::{Context, Done},
    inflate::{End, Wrap},
};

/// Bits of the header's flags.
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// A gzip file: what is in it is one file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8], claim: &Claim<'_>) -> Done {
    let mut rest = bytes;
    let mut content = Vec::new();
    let mut members = 0;
    while rest.starts_with(b"\x1f\x8b") {
        context.thing()?;
        members += 1;
        let Some(start) = header(rest) else {
            context.see(Reason::Malformed);
            break;
        };
        let unpacked = context.inflate(tail(rest, start), Wrap::Bare)?;
        let end = start.saturating_add(unpacked.used);
        let mut crc = Crc::new();
        crc.update(&unpacked.bytes);
        let whole = unpacked.end == End::Whole;
        if !whole {
            context.see(Reason::Malformed);
        } else if le32(rest, end) != Some(crc.sum()) || le32(rest, end + 4) != Some(crc.amount()) {
            context.see(Reason::Checksum);
        }
        content.extend_from_slice(&unpacked.bytes);
        rest = if whole { tail(rest, end + 8) } else { &[] };
    }
    // Tapes are filled up with zeros.
    if members > 0 && rest.iter().any(|byte| *byte != 0) {
        context.see(Reason::Appended);
    }
    let inner = inner_name(claim);
    let claim = Claim { name: inner.as_deref(), media_type: None };
    context.at(0, |context| context.file(&content, &claim))?;
    Ok(())
}

/// The length of a member's header.
fn header(member: &[u8]) -> Option<usize> {
    let flags = *member.get(3)?;
    if member.get(2) != Some(&8) || flags & 0xe0 != 0 {
        return None;
    }
    let mut at = 10;
    if flags & EXTRA != 0 {
        at += 2 + usize::from(le16(member, at)?);
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            at += memchr::memchr(0, member.get(at..)?)? + 1;
        }
    }
    if flags & HEADER_CRC != 0 {
        at += 2;
    }
    slice(member, 0, at).map(<[u8]>::len)
}

/// What the file inside is called by the name outside: `a.tar` of `a.tar.gz` and of `a.tgz`.
fn inner_name(claim: &Claim<'_>) -> Option<String> {
    let name = claim.name?;
    let extension = claim::extension(name)?;
    let stem = name.get(..name.len() - extension.len() - 1)?;
    match extension.as_str() {
        "gz" => Some(stem.to_owned()),
        "tgz" => Some(format!("{stem}.tar")),
        "svgz" => Some(format!("{stem}.svg")),
        _ => None,
    }
}
