//! Australia and New Zealand.

use super::{BANK, COMPANY_ID, HEALTH_ID, LICENCE, TAX_ID};
use crate::pii::check::{modulo, number, one_of, repeats, value, weighted};
use crate::pii::row::{Row, any};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/tax_id/au_tfn",
        TAX_ID,
        ("999-999-999|99-999-999", " -"),
        |text| {
            let padded = [b"0".as_slice(), text].concat();
            let digits = if text.len() == 8 { &padded } else { text };
            !repeats(text) && weighted(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
        },
        [0, 0, 96],
        "tfn|tax file|tax file number",
    ),
    Row::new(
        "pii/company_id/au_abn",
        COMPANY_ID,
        ("99-999-999-999", " "),
        is_abn,
        [0, 0, 97],
        "abn|australian business number|business number",
    ),
    Row::new(
        "pii/company_id/au_acn",
        COMPANY_ID,
        ("999-999-999", " "),
        |text| !repeats(text) && (10 - weighted(text, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == value(text, 8),
        [0, 0, 94],
        "acn|australian company number|company number",
    ),
    Row::new(
        "pii/health_id/au_medicare",
        HEALTH_ID,
        ("9999-99999-9|9999-99999-9-9", " -/"),
        |text| one_of(text, 0, b"23456") && weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == value(text, 8),
        [0, 0, 96],
        "medicare|medicare number|medicare card",
    ),
    Row::new("pii/bank/au_bsb", BANK, ("999-999", "-"), any, [0, 0, 85], "bsb"),
    Row::new(
        "pii/licence/au_driver",
        LICENCE,
        ("9{6,10}", ""),
        any,
        [0, 0, 75],
        "driver licence|drivers licence|driver s licence|licence number~|licence no~",
    ),
    Row::new(
        "pii/tax_id/nz_ird",
        TAX_ID,
        ("99-999-999|999-999-999", "- "),
        is_ird,
        [0, 0, 96],
        "ird|ird number|inland revenue",
    ),
    Row::new(
        "pii/health_id/nz_nhi",
        HEALTH_ID,
        ("AAA9999|AAA99**", ""),
        is_nhi,
        [0, 0, 95],
        "nhi|nhi number|national health index|health index",
    ),
];

/// Australian Business Register: 1 taken from the first digit, weights 10, 1, 3, 5 to 19, a multiple of 89.
fn is_abn(text: &[u8]) -> bool {
    let sum = weighted(text, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    !one_of(text, 0, b"0") && sum % 89 == 10
}

/// Inland Revenue, number validation: weights 3, 2, 7, 6, 5, 4, 3, 2, and if that gives 10, 7, 4, 3, 2, 5, 2, 7, 6.
fn is_ird(text: &[u8]) -> bool {
    let padded = [b"0".as_slice(), text].concat();
    let digits = if text.len() == 8 { &padded } else { text };
    let check = |weights: &[u32]| (11 - weighted(digits, weights) % 11) % 11;
    let found = match check(&[3, 2, 7, 6, 5, 4, 3, 2]) {
        10 => check(&[7, 4, 3, 2, 5, 2, 7, 6]),
        digit => digit,
    };
    (10_000_000..150_000_000).contains(&number(digits, 0..9)) && found == value(digits, 8)
}

/// Health New Zealand, HISO 10046: letters without I and O as 1 to 24, weights 7 to 2; eleven minus the sum modulo 11 as a
/// digit, or 23 minus it modulo 23 as a letter.
fn is_nhi(text: &[u8]) -> bool {
    let alphabet = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let ordinal = |at: usize| {
        let byte = text.get(at).copied().unwrap_or(0);
        match alphabet.iter().position(|b| *b == byte) {
            Some(place) => u32::try_from(place).unwrap_or(0) + 1,
            None => value(text, at),
        }
    };
    let known = text.iter().all(|b| b.is_ascii_digit() || alphabet.contains(b));
    let sum: u32 = (0..6).zip((2..8).rev()).map(|(at, weight)| ordinal(at) * weight).sum();
    let last = text.last().is_some_and(u8::is_ascii_digit);
    known
        && if last {
            modulo(text, 6..7, 10) == (11 - sum % 11) % 10 && !sum.is_multiple_of(11)
        } else {
            ordinal(6) == 23 - sum % 23 || ordinal(6) == 24 - sum % 24
        }
}
