//! Addresses of cryptographic currencies: what their checksums say, and by a word those that have none.

use super::{before, context_has, value};
use crate::checksum;
use crate::detector::{CRYPTO, PRIVATE_KEY};
use crate::segment::{Candidate, Value};

/// Version bytes of addresses in Base58Check: Bitcoin (0, 5), Litecoin (48, 50), Dogecoin (30, 22), Tron (65), Dash (76, 16).
const VERSIONS: [u8; 9] = [0, 5, 48, 50, 30, 22, 65, 76, 16];
/// What addresses in Bech32 begin with (SLIP-173, and the chains' own documents).
const HEADS: [&str; 17] = [
    "bc",
    "tb",
    "ltc",
    "addr",
    "stake",
    "addr_test",
    "cosmos",
    "osmo",
    "celestia",
    "inj",
    "terra",
    "juno",
    "bnb",
    "zs",
    "vtc",
    "grs",
    "dgb",
];

pub(super) fn find(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while i < text.len() {
        let rest = text.get(i..).unwrap_or_default();
        let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let run = rest.get(..length).unwrap_or_default();
        let is_free = before(candidate, i) != Some(b'_');
        if let Some(end) = ton(rest).filter(|_| is_free).map(|length| i + length) {
            out.push(value(i, end, CRYPTO, "pii/crypto", 97));
            i = end;
            continue;
        }
        if let Some(percent) = address(candidate, i, run).filter(|_| is_free) {
            // `bitcoincash:` is part of what its checksum covers, and optional in writing.
            out.push(value(i, i + length, CRYPTO, "pii/crypto", percent));
        }
        if let ([b'S', ..], 56, Some(0x90)) = (run, length, checksum::stellar(run)) {
            // Who knows the seed has the account.
            out.push(value(i, i + length, PRIVATE_KEY, "secret/private_key", 97));
        }
        i += length.max(1);
    }
}

/// Bytes of the address of TON that some bytes begin with: its letters may be signs.
fn ton(bytes: &[u8]) -> Option<usize> {
    const BYTES: usize = 48;
    let head =
        bytes.get(..BYTES).filter(|_| matches!(bytes, [b'E' | b'U' | b'k' | b'0', b'Q' | b'f', ..]))?;
    let goes_on = bytes
        .get(BYTES)
        .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'='));
    (!goes_on && checksum::ton(head)).then_some(BYTES)
}

/// How sure a run of letters and digits is an address, in hundredths.
fn address(candidate: &Candidate<'_>, at: usize, run: &[u8]) -> Option<u32> {
    let one = |versions: &[u8]| checksum::base58check(run).is_some_and(|version| versions.contains(&version));
    match (run, run.len()) {
        ([b'0', b'x' | b'X', hex @ ..], 42) if hex.iter().all(u8::is_ascii_hexdigit) => {
            let mixed = hex.iter().any(u8::is_ascii_uppercase) && hex.iter().any(u8::is_ascii_lowercase);
            checksum::eip55(hex).then_some(if mixed { 95 } else { 80 })
        }
        ([b'r', ..], 25..=35) if checksum::ripple(run) => Some(97),
        ([b'q' | b'p', ..], 42) if checksum::cashaddr(run) => Some(97),
        // Zcash and Tezos have longer versions, by which what people see begins so.
        ([b't', b'1' | b'3', ..], 35) if checksum::base58checked::<26>(run) == Some(0x1c) => Some(97),
        ([b't', b'z', b'1'..=b'4', ..] | [b'K', b'T', b'1', ..], 36)
            if matches!(checksum::base58checked::<27>(run), Some(6 | 2)) =>
        {
            Some(97)
        }
        ([b'G', ..], 56) if checksum::stellar(run) == Some(0x30) => Some(97),
        ([b'M', ..], 69) if checksum::stellar(run) == Some(0x60) => Some(97),
        (_, 26..=35) if one(&VERSIONS) => Some(97),
        ([b'4' | b'8', ..], 95 | 106) => checksum::monero(run).then_some(97),
        // Solana's are 32 bytes of Base58 and nothing more: only a word tells them from other keys.
        (_, 32..=44)
            if checksum::base58::<32>(run).is_some()
                && run.iter().any(u8::is_ascii_digit)
                && context_has(candidate, at, 40, &["solana", "sol", "phantom", "spl"]) =>
        {
            Some(85)
        }
        (_, 14..=128) => {
            let one = run.iter().rposition(|b| *b == b'1')?;
            let head = run.get(..one)?;
            let known = HEADS.iter().any(|known| head.eq_ignore_ascii_case(known.as_bytes()));
            (known && checksum::bech32(run)).then_some(97)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::Channel;

    use crate::Engine;

    /// Addresses that standards, documents of the projects and their explorers print.
    #[test]
    fn addresses_of_many_currencies_are_found_and_their_typos_are_not() {
        let engine = Engine::builtin();
        let found = |text: &str| {
            engine.inspect(Channel::User, text).iter().any(|f| f.category.as_str() == "pii/crypto")
        };
        for text in [
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
            "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
            "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",
            "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
            "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
            "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ",
            "t1Hsc1LR8yKnbbe3twRp88p6vFfC5t7DLbs",
            "t3Vz22vK5z2LcKEdg16Yv4FFneEL1zg9ojd",
            "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb",
            "KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn",
            "EQBvW8Z5huBkMJYdnfAEM5JqTNkuWX3diqYENkWsIL0XggGG",
            "addr1r23clxd5mzfsh79vn6pg0kaytjeq8w4ur23clxd5mzfsh79vn6pg0kaytjeq8w4ur23clxd5mzfsh79vn6pg0kaytjeqdjk903",
        ] {
            assert!(found(&format!("send it to {text} please")), "{text}");
            let mut typo = text.to_owned();
            let last = typo.pop().unwrap();
            typo.push(if last == 'a' { 'c' } else { 'a' });
            assert!(!found(&format!("send it to {typo} please")), "{typo}");
        }
        let seed = "SDJHRQF4GCMIIKAAAQ6IHY42X73FQFLHUULAPSKKD4DFDM7UXWWCRHBE";
        let is_key = |text: &str| {
            engine.inspect(Channel::User, text).iter().any(|f| f.category.as_str() == "secret/private_key")
        };
        assert!(is_key(&format!("my seed is {seed}")) && !found(&format!("my seed is {seed}")));
        assert!(!is_key(&format!("my seed is {}", seed.replace("RHBE", "RHBA"))));
        assert!(found("Solana wallet: 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"));
        assert!(!found("key 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"));
    }
}
