//! Patients, prescribers and diagnoses.

use super::{HEALTH_ID, MEDICAL};
use crate::pii::check::{luhn, number, one_of, value};
use crate::pii::row::{Row, any};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/health_id/mrn",
        HEALTH_ID,
        ("9{5,12}|A9{5,10}|AA9{5,10}|99-99-99|999-999-999", "-"),
        any,
        [0, 0, 88],
        "mrn|medical record|medical record number|record number|patient id|patient number|patient no|hospital number|\
         chart number|patientennummer|numero de dossier|historia clinica|fallnummer",
    ),
    Row::new(
        "pii/health_id/us_npi",
        HEALTH_ID,
        ("9999999999", ""),
        is_npi,
        [0, 0, 97],
        "npi|national provider|provider identifier|provider id|provider number",
    ),
    Row::new(
        "pii/health_id/us_dea",
        HEALTH_ID,
        ("A*9999999", ""),
        is_dea,
        [0, 0, 97],
        "dea|dea number|dea no|prescriber|drug enforcement",
    ),
    Row::new(
        "pii/medical/icd",
        MEDICAL,
        ("A9*|A9*-*|A9*-**|A9*-***|A9*-****", "."),
        |text| text.iter().skip(4).all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()),
        [0, 0, 80],
        "icd~|icd cm~|diagnosis|diagnosed|diagnoses|dx:|diagnose|diagnostic~|diagnostico|diagnosi|icd code|icd codes|diagnosis codes|codes~",
    ),
];

/// Centers for Medicare and Medicaid Services, NPI: Luhn with 80840 in front, which adds 24.
fn is_npi(text: &[u8]) -> bool {
    let with_issuer = [b"80840".as_slice(), text].concat();
    one_of(text, 0, b"12") && luhn(&with_issuer)
}

/// Drug Enforcement Administration: a letter for the kind of registrant, and the last digit of (1st + 3rd + 5th) + 2 x (2nd
/// + 4th + 6th).
fn is_dea(text: &[u8]) -> bool {
    let digits = text.get(2..).unwrap_or_default();
    let odd = value(digits, 0) + value(digits, 2) + value(digits, 4);
    let even = value(digits, 1) + value(digits, 3) + value(digits, 5);
    one_of(text, 0, b"ABCDEFGHJKLMPRSTUX")
        && (text.get(1) == Some(&b'9') || text.get(1).is_some_and(u8::is_ascii_alphabetic))
        && (odd + 2 * even) % 10 == value(digits, 6)
        && number(digits, 0..7) != 0
}
