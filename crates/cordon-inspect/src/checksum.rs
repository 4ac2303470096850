//! Checksums of identifiers: Luhn, IBAN's modulo 97, Base58Check and its relatives, Bech32, CashAddr, EIP-55.

use cordon_core::Digest;
use sha3::{Digest as _, Keccak256};

/// ISO/IEC 7812-1, annex B.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| {
            let digit = u32::from(*digit);
            match (i % 2 == 1, digit * 2) {
                (true, double) if double > 9 => double - 9,
                (true, double) => double,
                (false, _) => digit,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 13616: the length per country (SWIFT registry, release 99), in alphabetical order.
const IBAN_LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 \
DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 \
JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 \
PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 \
XK20 YE30";

/// How long the IBAN of a country is.
pub(crate) fn iban_length(country: &[u8]) -> Option<usize> {
    IBAN_LENGTHS
        .split(' ')
        .filter_map(|entry| entry.split_at_checked(2))
        .find(|(code, _)| code.as_bytes().eq_ignore_ascii_case(country))
        .and_then(|(_, length)| length.trim().parse().ok())
}

/// ISO 7064 MOD 97-10 over letters and digits, the first four moved to the end.
pub(crate) fn iban(characters: &[u8]) -> bool {
    let Some((head, body)) = characters.split_at_checked(4) else { return false };
    let mut rest = 0_u32;
    for byte in body.iter().chain(head) {
        match char::from(*byte).to_digit(36) {
            Some(value) if value < 10 => rest = (rest * 10 + value) % 97,
            Some(value) => rest = (rest * 100 + value) % 97,
            None => return false,
        }
    }
    rest == 1
}

/// The digits of Bitcoin's Base58, and those of the XRP Ledger's.
const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// What digits in Base58 say, if they are `SIZE` bytes or less.
fn base58_of<const SIZE: usize>(text: &[u8], alphabet: &[u8]) -> Option<[u8; SIZE]> {
    let mut bytes = [0_u8; SIZE];
    for character in text {
        let mut carry = alphabet.iter().position(|b| b == character)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xff).unwrap_or(0);
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(bytes)
}

/// Whether digits in Bitcoin's Base58 are `SIZE` bytes.
pub(crate) fn base58<const SIZE: usize>(text: &[u8]) -> Option<[u8; SIZE]> {
    base58_of(text, BITCOIN).filter(|bytes: &[u8; SIZE]| bytes.first().is_some_and(|first| *first != 0))
}

/// Base58Check of 25 bytes, as Bitcoin addresses are written: the version byte, if the checksum is right.
pub(crate) fn base58check(text: &[u8]) -> Option<u8> {
    base58checked::<25>(text)
}

/// The same of `SIZE` bytes, the checksum's four among them.
pub(crate) fn base58checked<const SIZE: usize>(text: &[u8]) -> Option<u8> {
    checked(&base58_of::<SIZE>(text, BITCOIN)?)
}

/// The same of the XRP Ledger's account addresses: other digits, and version 0.
pub(crate) fn ripple(text: &[u8]) -> bool {
    base58_of::<25>(text, RIPPLE).and_then(|bytes| checked(&bytes)) == Some(0)
}

/// The version byte of some bytes whose last four are the double SHA-256 of the others.
fn checked(bytes: &[u8]) -> Option<u8> {
    let (payload, check) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    let digest = Digest::sha256(Digest::sha256(payload).as_bytes());
    (digest.as_bytes().get(..4) == Some(check)).then(|| payload.first().copied()).flatten()
}

/// Monero's addresses: Base58 in blocks of eight bytes as eleven digits, the last block shorter, and the first four bytes of the
/// Keccak-256 of what stands before them; network 18, 19 and 42.
pub(crate) fn monero(text: &[u8]) -> bool {
    let mut bytes = Vec::with_capacity(80);
    for block in text.chunks(11) {
        let length = match block.len() {
            11 => 8,
            7 => 5,
            _ => return false,
        };
        let Some(plain) = base58_of::<8>(block, BITCOIN) else { return false };
        let (unused, plain) = plain.split_at_checked(8 - length).unwrap_or_default();
        if unused.iter().any(|byte| *byte != 0) {
            return false;
        }
        bytes.extend_from_slice(plain);
    }
    let Some((payload, check)) = bytes.len().checked_sub(4).and_then(|at| bytes.split_at_checked(at)) else {
        return false;
    };
    matches!(payload.first(), Some(18 | 19 | 42)) && Keccak256::digest(payload).get(..4) == Some(check)
}

/// Bitcoin Cash's addresses without their head, which the checksum covers: a code of five-bit digits (the CashAddr
/// specification of Bitcoin Cash).
pub(crate) fn cashaddr(text: &[u8]) -> bool {
    const GENERATOR: [u64; 5] =
        [0x98_f2bc_8e61, 0x79_b76d_99e2, 0xf3_3e5f_b3c4, 0xae_2eab_e2a8, 0x1e_4f43_e470];
    let mut check = 1_u64;
    let mut feed = |digit: u64| {
        let top = check >> 35;
        check = (check & 0x07_ffff_ffff) << 5 ^ digit;
        for (i, generator) in GENERATOR.iter().enumerate() {
            if top >> i & 1 == 1 {
                check ^= generator;
            }
        }
    };
    b"bitcoincash".iter().for_each(|b| feed(u64::from(b & 31)));
    feed(0);
    for byte in text {
        match BECH32.iter().position(|b| b == byte).and_then(|digit| u64::try_from(digit).ok()) {
            Some(digit) => feed(digit),
            None => return false,
        }
    }
    check == 1
}

/// The digits of Bech32 and of CashAddr.
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// BIP 173 and BIP 350: Bech32 or Bech32m.
pub(crate) fn bech32(text: &[u8]) -> bool {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let lower = text.to_ascii_lowercase();
    if lower != text && text.to_ascii_uppercase() != text {
        return false;
    }
    let Some(separator) = lower.iter().rposition(|b| *b == b'1') else { return false };
    let (Some(prefix), Some(data)) = (lower.get(..separator), lower.get(separator + 1..)) else {
        return false;
    };
    let mut check = 1_u32;
    let mut feed = |value: u32| {
        let top = check >> 25;
        check = (check & 0x01ff_ffff) << 5 ^ value;
        for (i, generator) in GENERATOR.iter().enumerate() {
            if top >> i & 1 == 1 {
                check ^= generator;
            }
        }
    };
    prefix.iter().for_each(|b| feed(u32::from(*b) >> 5));
    feed(0);
    prefix.iter().for_each(|b| feed(u32::from(*b) & 31));
    for byte in data {
        match BECH32.iter().position(|b| b == byte).and_then(|value| u32::try_from(value).ok()) {
            Some(value) => feed(value),
            None => return false,
        }
    }
    data.len() >= 6 && matches!(check, 1 | 0x2bc8_30a3)
}

/// CRC-16/XMODEM: the polynomial 0x1021, from nothing.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0_u16, |check, byte| {
        (0..8).fold(check ^ u16::from(*byte) << 8, |check, _| {
            let shifted = check << 1;
            if check & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

/// What characters of so many bits each say, the rest of the last byte left out; nothing where one is no digit.
fn unpacked(text: &[u8], bits: u32, digit: impl Fn(u8) -> Option<u8>) -> Option<Vec<u8>> {
    let (mut held, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(text.len()));
    for character in text {
        held = held << bits | u32::from(digit(*character)?);
        count += bits;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(held >> count & 0xff).unwrap_or(0));
        }
    }
    Some(bytes)
}

/// A key of Stellar (SEP-23, strkeys: Base32 with a CRC-16 behind): its version byte, 0x30 of accounts, 0x60 of multiplexed ones, 0x90 of
/// seeds.
pub(crate) fn stellar(text: &[u8]) -> Option<u8> {
    let bytes = unpacked(text, 5, |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    })?;
    let (payload, check) = bytes.split_at_checked(bytes.len().checked_sub(2)?)?;
    (check == crc16(payload).to_le_bytes()).then(|| payload.first().copied()).flatten()
}

/// An address of TON as people exchange it (TEP-2): 36 bytes in Base64 or in that of URLs, a tag, a workchain, 32 bytes and a CRC-16.
pub(crate) fn ton(text: &[u8]) -> bool {
    let bytes = unpacked(text, 6, |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    });
    let Some(bytes) = bytes.filter(|bytes| bytes.len() == 36) else { return false };
    let Some((payload, check)) = bytes.split_at_checked(34) else { return false };
    // Bounceable or not, and on a test network.
    matches!(payload, [0x11 | 0x51 | 0x91 | 0xd1, 0x00 | 0xff, ..]) && check == crc16(payload).to_be_bytes()
}

/// EIP-55: whether the letter case of 40 hexadecimal digits is right; one case alone carries no checksum.
pub(crate) fn eip55(hex: &[u8]) -> bool {
    let lower = hex.to_ascii_lowercase();
    if lower == hex || hex.to_ascii_uppercase() == hex {
        return true;
    }
    let hash = Keccak256::digest(&lower);
    hex.iter().enumerate().all(|(i, byte)| {
        let nibble = hash.get(i / 2).map_or(0, |b| if i % 2 == 0 { b >> 4 } else { b & 15 });
        !byte.is_ascii_alphabetic() || byte.is_ascii_uppercase() == (nibble >= 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_check_and_their_typos_do_not() {
        let digits = |text: &str| text.bytes().map(|b| b - b'0').collect::<Vec<_>>();
        assert!(luhn(&digits("4111111111111111")) && !luhn(&digits("4111111111111112")));
        assert!(iban(b"GB29NWBK60161331926819") && !iban(b"GB29NWBK60161331926818"));
        assert!(iban(b"de89370400440532013000"));
        assert_eq!(iban_length(b"de"), Some(22));
        // The first block's reward, BIP 173, BIP 350 and EIP-55 give these.
        assert_eq!(base58check(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"), Some(0));
        assert_eq!(base58check(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"), None);
        assert!(bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));
        assert!(bech32(b"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"));
        assert!(!bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"));
        // SEP-23 and the documents of TON.
        let account = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ";
        let muxed = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ";
        assert_eq!([account, muxed].map(|key| stellar(key.as_bytes())), [Some(0x30), Some(0x60)]);
        assert_eq!(stellar(account.replace("VSGZ", "VSGA").as_bytes()), None);
        assert!(ton(b"EQBvW8Z5huBkMJYdnfAEM5JqTNkuWX3diqYENkWsIL0XggGG"));
        assert!(!ton(b"EQBvW8Z5huBkMJYdnfAEM5JqTNkuWX3diqYENkWsIL0XggGH"));
        assert_eq!([stellar(b""), stellar(b"G"), stellar(b"GA7Q")], [None; 3]);
        assert!(eip55(b"5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(!eip55(b"5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"));
    }
}
