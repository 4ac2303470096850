//! The United Kingdom and Ireland.

use super::{COMPANY_ID, HEALTH_ID, LICENCE, SOCIAL_ID, TAX_ID};
use crate::pii::check::{begins_with, eleven, modulo, number, one_of, repeats, value, weighted};
use crate::pii::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/social_id/uk_nino",
        SOCIAL_ID,
        ("AA-99-99-99-A", " -"),
        is_nino,
        [0, 85, 98],
        "nino|national insurance|ni number|ni no|insurance number",
    ),
    Row::new(
        "pii/health_id/uk_nhs",
        HEALTH_ID,
        ("999-999-9999", " -"),
        is_nhs,
        [0, 0, 97],
        "nhs|national health|nhs number|nhs no|patient",
    ),
    Row::new(
        "pii/health_id/uk_chi",
        HEALTH_ID,
        ("999999-9999", " "),
        |text| is_nhs(text) && crate::pii::check::is_day_month_year(text, 0),
        [0, 0, 95],
        "chi|chi number|community health index",
    ),
    Row::new(
        "pii/tax_id/uk_utr",
        TAX_ID,
        ("99999-99999", " "),
        is_utr,
        [0, 0, 95],
        "utr|unique taxpayer|self assessment|tax reference|hmrc",
    ),
    Row::new(
        "pii/company_id/uk_vat",
        COMPANY_ID,
        ("999-9999-99|AA999-9999-99", " "),
        is_vat,
        [0, 0, 92],
        "vat|vat number|vat no|vat reg|vat registration",
    ),
    Row::new(
        "pii/licence/uk_driving",
        LICENCE,
        ("*****-999999-**9AA|*****-999999-***AA", " "),
        is_licence,
        [45, 45, 98],
        "driving licence|driver licence|driver s licence|licence number|dvla|license|licence",
    ),
    Row::new(
        "pii/social_id/ie_pps",
        SOCIAL_ID,
        ("9999999A|9999999AA", " "),
        is_pps,
        [0, 0, 97],
        "pps|ppsn|pps number|personal public service|uimhir",
    ),
];

/// HMRC, National Insurance Manual NIM39110: no D, F, I, Q, U, V in the prefix, no O behind it, eight prefixes never, and a
/// suffix from A to D.
fn is_nino(text: &[u8]) -> bool {
    let letter = |at: usize| !one_of(text, at, b"DFIQUV");
    letter(0)
        && letter(1)
        && !one_of(text, 1, b"O")
        && !begins_with(text, "BG GB KN NK NT TN ZZ")
        && one_of(text, 8, b"ABCD")
}

/// NHS Data Dictionary, NHS NUMBER: weights 10 to 2, eleven minus the sum modulo 11.
fn is_nhs(text: &[u8]) -> bool {
    !repeats(text)
        && eleven(weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2])).is_some_and(|digit| digit == value(text, 9))
}

/// HMRC, Unique Taxpayer Reference validation: the first digit checks the other nine, weights 6, 7, 8, 9, 10, 5, 4, 3, 2.
fn is_utr(text: &[u8]) -> bool {
    let sum = text.get(1..).map_or(0, |rest| weighted(rest, &[6, 7, 8, 9, 10, 5, 4, 3, 2]));
    let digits = [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1];
    let found = usize::try_from(sum % 11).ok().and_then(|rest| digits.get(rest));
    !repeats(text) && found == Some(&value(text, 0))
}

/// HMRC, VAT registration numbers: weights 8 to 2 and the last two digits add up to a multiple of 97, since 2010 also when
/// 55 or 42 is added.
fn is_vat(text: &[u8]) -> bool {
    let digits = match text {
        [b'G', b'B', digits @ ..] => digits,
        _ if text.len() == 9 => text,
        _ => return false,
    };
    let sum = weighted(digits, &[8, 7, 6, 5, 4, 3, 2]) + modulo(digits, 7..9, 100);
    !repeats(digits) && [0, 42, 55].iter().any(|more| (sum + more).is_multiple_of(97))
}

/// Driver and Vehicle Licensing Agency, driver number: five of the surname with 9 for what is missing, then the digits of
/// the birth date with 5 added to the month's first for women.
fn is_licence(text: &[u8]) -> bool {
    let (month, day) = (number(text, 6..8), number(text, 8..10));
    let name = text.get(..5).unwrap_or_default();
    let filled = name.iter().skip_while(|b| b.is_ascii_alphabetic()).all(|b| *b == b'9');
    filled
        && text.first().is_some_and(u8::is_ascii_alphabetic)
        && (1..=31).contains(&day)
        && matches!(month, 1..=12 | 51..=62)
        && text.get(11).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'9')
}

/// Department of Social Protection, PPS number: weights 8 to 2, plus 9 times the second letter, modulo 23, as a letter.
fn is_pps(text: &[u8]) -> bool {
    let second = text.get(8).map_or(0, |b| match b {
        b'A'..=b'V' => u32::from(b - b'A') + 1,
        _ => 0,
    });
    let sum = (weighted(text, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23;
    let letter = if sum == 0 { Some('W') } else { char::from_digit(sum + 9, 36) };
    letter.map(|c| c.to_ascii_uppercase()) == text.get(7).map(|b| char::from(*b))
}
