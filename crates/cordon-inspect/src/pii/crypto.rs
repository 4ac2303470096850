//! Addresses of cryptographic currencies with their checksums.

use super::{before, value};
use crate::checksum;
use crate::detector::CRYPTO;
use crate::segment::{Candidate, Value};

pub(super) fn find(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while i < text.len() {
        let length =
            text.get(i..).unwrap_or_default().iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let run = text.get(i..i + length).unwrap_or_default();
        let bounded = before(candidate, i) != Some(b'_') && text.get(i + length) != Some(&b'_');
        let found = match run {
            [b'1' | b'3', ..] if (26..=35).contains(&length) => {
                matches!(checksum::base58check(run), Some(0 | 5)).then_some(97)
            }
            [b'b' | b'B', b'c' | b'C', b'1', ..] if (14..=90).contains(&length) => {
                checksum::bech32(run).then_some(97)
            }
            [b'0', b'x' | b'X', hex @ ..] if hex.len() == 40 && hex.iter().all(u8::is_ascii_hexdigit) => {
                let mixed = hex.iter().any(u8::is_ascii_uppercase) && hex.iter().any(u8::is_ascii_lowercase);
                checksum::eip55(hex).then_some(if mixed { 95 } else { 80 })
            }
            _ => None,
        };
        if let Some(percent) = found.filter(|_| bounded) {
            out.push(value(i, i + length, CRYPTO, "pii/crypto", percent));
        }
        i += length.max(1);
    }
}
