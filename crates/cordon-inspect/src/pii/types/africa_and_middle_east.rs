//! South Africa, Nigeria, Kenya, Ghana, Egypt, Morocco, Israel, Iran, Jordan and the countries of the Gulf.

use super::{NATIONAL_ID, TAX_ID};
use crate::pii::check::{is_date, is_year_month_day, luhn, number, one_of};
use crate::pii::row::{Row, any};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/national_id/za_id",
        NATIONAL_ID,
        ("999999-9999-99-9|999999-9999-999", " "),
        |text| is_year_month_day(text, 0) && one_of(text, 10, b"012") && luhn(text),
        [0, 45, 97],
        "south african id|sa id|rsa id|id number|id no|identity number|identity document|said",
    ),
    Row::new(
        "pii/national_id/ng_nin",
        NATIONAL_ID,
        ("99999999999", ""),
        any,
        [0, 0, 88],
        "nin|nimc|national identification number",
    ),
    Row::new(
        "pii/national_id/ng_bvn",
        NATIONAL_ID,
        ("99999999999", ""),
        |text| one_of(text, 0, b"2"),
        [0, 0, 90],
        "bvn|bank verification|bank verification number",
    ),
    Row::new(
        "pii/tax_id/ke_pin",
        TAX_ID,
        ("A999999999A", ""),
        |text| one_of(text, 0, b"AP"),
        [0, 0, 94],
        "kra|kra pin|pin",
    ),
    Row::new(
        "pii/national_id/gh_card",
        NATIONAL_ID,
        ("=AAA-999999999-9", "-"),
        |text| text.starts_with(b"GHA"),
        [0, 92, 98],
        "ghana card|ghana|nia",
    ),
    Row::new(
        "pii/national_id/eg_id",
        NATIONAL_ID,
        ("99999999999999", ""),
        |text| {
            let century = match text.first() {
                Some(b'2') => 1900,
                Some(b'3') => 2000,
                _ => return false,
            };
            is_date(century + number(text, 1..3), number(text, 3..5), number(text, 5..7))
                && matches!(number(text, 7..9), 1..=35 | 88)
        },
        [0, 0, 96],
        "national id|egyptian id|الرقم القومي|رقم البطاقة|بطاقة",
    ),
    Row::new(
        "pii/national_id/ma_cin",
        NATIONAL_ID,
        ("A99999|A999999|AA99999|AA999999", ""),
        any,
        [0, 0, 85],
        "cin|cnie|carte nationale|البطاقة الوطنية",
    ),
    Row::new(
        "pii/national_id/il_id",
        NATIONAL_ID,
        ("999999999|99999999-9", "-"),
        luhn,
        [0, 0, 95],
        "teudat zehut|israeli id|teudat|t z|ת.ז|תעודת זהות|מספר זהות",
    ),
    Row::new(
        "pii/national_id/ir_melli",
        NATIONAL_ID,
        ("9999999999|999-999999-9|999-9999999", "-"),
        is_iranian,
        [0, 45, 95],
        "melli|code melli|kode melli|national code|kart melli|iranian id|کد ملی|کدملی|شماره ملی|کارت ملی|شناسه ملی",
    ),
    Row::new(
        "pii/national_id/jo_id",
        NATIONAL_ID,
        ("9999999999", ""),
        |text| one_of(text, 0, b"29"),
        [0, 0, 88],
        "jordanian id|national number|الرقم الوطني",
    ),
    Row::new(
        "pii/national_id/sa_id",
        NATIONAL_ID,
        ("9999999999", ""),
        |text| one_of(text, 0, b"12") && luhn(text),
        [0, 0, 95],
        "iqama|saudi id|national id|absher|رقم الهوية|الهوية الوطنية|إقامة",
    ),
    Row::new(
        "pii/national_id/ae_emirates_id",
        NATIONAL_ID,
        ("999-9999-9999999-9", "- "),
        |text| text.starts_with(b"784") && (1900..2100).contains(&number(text, 3..7)) && luhn(text),
        [80, 95, 98],
        "emirates id|eid|uae id|الهوية الإماراتية|رقم الهوية",
    ),
    Row::new(
        "pii/national_id/kw_civil_id",
        NATIONAL_ID,
        ("999999999999", ""),
        |text| {
            let sum = crate::pii::check::weighted(text, &[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
            one_of(text, 0, b"23") && is_year_month_day(text, 1) && 11 - sum % 11 == number(text, 11..12)
        },
        [0, 0, 96],
        "civil id|kuwait id|الرقم المدني|البطاقة المدنية",
    ),
    Row::new(
        "pii/national_id/qa_qid",
        NATIONAL_ID,
        ("99999999999", ""),
        |text| one_of(text, 0, b"23"),
        [0, 0, 88],
        "qid|qatar id|qatari id|residency permit",
    ),
];

/// Iran's national code: the digits times 10 to 2, modulo 11; a rest of 0 or 1 is the check digit, others are taken from 11.
fn is_iranian(text: &[u8]) -> bool {
    let rest = crate::pii::check::weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { rest } else { 11 - rest };
    !crate::pii::check::repeats(text) && check == number(text, 9..10)
}
