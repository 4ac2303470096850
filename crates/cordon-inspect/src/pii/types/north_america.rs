//! The United States and Canada.

use super::{COMPANY_ID, HEALTH_ID, NATIONAL_ID, SOCIAL_ID, TAX_ID};
use crate::detector::SSN;
use crate::pii::check::{begins_with, eleven, luhn, number, one_of, repeats};
use crate::pii::row::{Row, any};

const SSN_WORDS: &str = "ssn|ssns|social security|social|taxpayer|ss number|social sec";
const TAX_WORDS: &str = "itin|taxpayer|tax id|tax identification|individual taxpayer|tin";

pub(super) const ROWS: &[Row] = &[
    Row::new("pii/ssn", SSN, ("=999-99-9999", "-"), is_ssn, [0, 88, 98], SSN_WORDS),
    Row::new("pii/ssn", SSN, ("=999-99-9999", " "), is_ssn, [0, 70, 98], SSN_WORDS),
    Row::new("pii/ssn", SSN, ("=999-99-9999|999999999", "."), is_ssn, [0, 0, 92], SSN_WORDS),
    Row::new("pii/tax_id/us_itin", TAX_ID, ("=999-99-9999", "-"), is_itin, [0, 80, 97], TAX_WORDS),
    Row::new("pii/tax_id/us_itin", TAX_ID, ("=999-99-9999|999999999", " "), is_itin, [0, 0, 90], TAX_WORDS),
    Row::new(
        "pii/company_id/us_ein",
        COMPANY_ID,
        ("99-9999999", "- "),
        is_ein,
        [0, 0, 90],
        "ein|fein|employer identification|employer id|federal tax|tax id|tin",
    ),
    Row::new(
        "pii/health_id/us_medicare",
        HEALTH_ID,
        ("9A*9-A*9-AA99", "- "),
        is_medicare,
        [0, 85, 97],
        "medicare|mbi|beneficiary|cms|medicare number",
    ),
    Row::new(
        "pii/social_id/ca_sin",
        SOCIAL_ID,
        ("999-999-999", " -."),
        is_sin,
        [0, 0, 95],
        "sin|social insurance|nas|assurance sociale|s i n",
    ),
    Row::new(
        "pii/company_id/ca_bn",
        COMPANY_ID,
        ("999999999AA9999", " "),
        is_business_number,
        [0, 80, 95],
        "bn|business number|gst|hst|cra",
    ),
    Row::new(
        "pii/health_id/ca_ontario",
        HEALTH_ID,
        ("9999-999-999|9999-999-999-AA", " -"),
        |text| text.get(..10).is_some_and(luhn) && !text.starts_with(b"0"),
        [0, 0, 92],
        "ohip|health card|health insurance|carte sante",
    ),
    Row::new(
        "pii/health_id/ca_bc",
        HEALTH_ID,
        ("9999-999-999", " -"),
        is_bc_health,
        [0, 0, 92],
        "phn|bc services card|personal health number|msp|carecard",
    ),
    Row::new(
        "pii/health_id/ca_quebec",
        HEALTH_ID,
        ("AAAA-9999-9999", " -"),
        |text| {
            let month = number(text, 6..8);
            (1..=12).contains(&month) || (51..=62).contains(&month)
        },
        [0, 45, 95],
        "ramq|assurance maladie|nam|carte soleil|health insurance",
    ),
    Row::new(
        "pii/national_id/us_alien",
        NATIONAL_ID,
        ("A{1}9{8,9}", "- "),
        |text| text.starts_with(b"A"),
        [0, 0, 85],
        "alien|alien registration|uscis|a number|green card|permanent resident",
    ),
    Row::new(
        "pii/health_id/us_member",
        HEALTH_ID,
        ("~A{2,3}9{6,10}|~A9{7,11}|~9{8,12}", " -"),
        any,
        [0, 0, 70],
        "member id|member number|subscriber id|insurance id|health plan|health insurance number|group number",
    ),
];

/// Never issued (Social Security Administration, POMS RM 10201.035): areas 000, 666 and 900 to 999, group 00, serial 0000.
fn is_ssn(text: &[u8]) -> bool {
    !matches!(number(text, 0..3), 0 | 666 | 900..) && number(text, 3..5) != 0 && number(text, 5..9) != 0
}

/// Internal Revenue Service, IRM 3.21.263: area 900 to 999, groups 50 to 65, 70 to 88, 90 to 92 and 94 to 99.
fn is_itin(text: &[u8]) -> bool {
    text.starts_with(b"9") && matches!(number(text, 3..5), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// Internal Revenue Service, How EINs are assigned and valid EIN prefixes: these were never given out.
fn is_ein(text: &[u8]) -> bool {
    !matches!(number(text, 0..2), 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97)
        && !repeats(text)
}

/// Centers for Medicare and Medicaid Services, MBI format: no S, L, O, I, B or Z, and never 0 at the beginning.
fn is_medicare(text: &[u8]) -> bool {
    !text.starts_with(b"0")
        && !text.iter().any(|byte| b"SLOIBZ".contains(byte))
        && text.iter().filter(|b| b.is_ascii_alphabetic()).count() >= 4
}

/// Service Canada: Luhn, and no number begins with 0 or 8.
fn is_sin(text: &[u8]) -> bool {
    luhn(text) && !one_of(text, 0, b"08")
}

/// Canada Revenue Agency: nine digits with Luhn, a program (RC, RM, RP, RR, RT, RZ) and an account.
fn is_business_number(text: &[u8]) -> bool {
    text.get(..9).is_some_and(luhn)
        && text.get(9..11).is_some_and(|program| begins_with(program, "RC RM RP RR RT RZ"))
}

/// British Columbia's Personal Health Number (Ministry of Health, PHN check digit): begins with 9, weights 2, 4, 8, 5, 10,
/// 9, 7, 3 modulo 11.
fn is_bc_health(text: &[u8]) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    let sum: u32 = [2, 4, 8, 5, 10, 9, 7, 3]
        .iter()
        .enumerate()
        .map(|(i, weight)| number(rest, i..i + 1) * weight % 11)
        .sum();
    text.starts_with(b"9") && eleven(sum) == Some(number(text, 9..10))
}
