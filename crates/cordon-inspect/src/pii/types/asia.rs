//! China, Hong Kong, Taiwan, Japan, Korea, India and its neighbours, and South-East Asia.

use super::{BANK, COMPANY_ID, NATIONAL_ID, SOCIAL_ID, TAX_ID};
use crate::pii::check::{
    begins_with, is_date, is_day_month_year, is_year_month_day, number, one_of, repeats, value, verhoeff,
    weighted,
};
use crate::pii::row::{Row, any};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/national_id/cn_resident",
        NATIONAL_ID,
        ("99999999999999999*|999999-99999999-999*", " "),
        is_chinese,
        [97, 97, 99],
        "resident id|resident identity|id card|shenfenzheng|身份证|身份證|公民身份号码|证件号",
    ),
    Row::new(
        "pii/company_id/cn_uscc",
        COMPANY_ID,
        ("99999999**********|A9999999**********", ""),
        is_uscc,
        [0, 0, 96],
        "uscc|unified social credit|统一社会信用代码|信用代码",
    ),
    Row::new(
        "pii/national_id/hk_hkid",
        NATIONAL_ID,
        ("A999999-*|AA999999-*", "("),
        is_hkid,
        [0, 45, 97],
        "hkid|hong kong id|hong kong identity|identity card|香港身份證|身份證|身份证",
    ),
    Row::new(
        "pii/national_id/tw_id",
        NATIONAL_ID,
        ("A999999999", ""),
        is_taiwanese,
        [0, 0, 97],
        "national id|taiwan id|身分證|身份證|統一編號|居留證",
    ),
    Row::new(
        "pii/company_id/tw_ubn",
        COMPANY_ID,
        ("99999999", ""),
        is_ubn,
        [0, 0, 93],
        "ubn|unified business number|統一編號|統編",
    ),
    Row::new(
        "pii/national_id/jp_my_number",
        NATIONAL_ID,
        ("9999-9999-9999", " -"),
        is_my_number,
        [0, 0, 97],
        "my number|mynumber|individual number|kojin bango|マイナンバー|個人番号",
    ),
    Row::new(
        "pii/company_id/jp_corporate",
        COMPANY_ID,
        ("9-9999-9999-9999", " -"),
        is_corporate_number,
        [0, 0, 94],
        "corporate number|houjin bangou|法人番号",
    ),
    Row::new(
        "pii/national_id/kr_rrn",
        NATIONAL_ID,
        ("=999999-9999999", "-"),
        |text| is_year_month_day(text, 0) && one_of(text, 6, b"12345678"),
        [0, 45, 97],
        "rrn|resident registration|jumin|주민등록번호|주민번호|외국인등록번호|등록번호",
    ),
    Row::new(
        "pii/national_id/kr_rrn",
        NATIONAL_ID,
        ("9999999999999", ""),
        |text| is_year_month_day(text, 0) && one_of(text, 6, b"12345678"),
        [0, 0, 92],
        "rrn|resident registration|jumin|주민등록번호|주민번호|외국인등록번호",
    ),
    Row::new(
        "pii/company_id/kr_brn",
        COMPANY_ID,
        ("999-99-99999", "-"),
        is_korean_business,
        [0, 45, 95],
        "brn|business registration|사업자등록번호|사업자번호",
    ),
    Row::new(
        "pii/national_id/in_aadhaar",
        NATIONAL_ID,
        ("9999-9999-9999", " -"),
        |text| one_of(text, 0, b"23456789") && !repeats(text) && verhoeff(text),
        [0, 0, 97],
        "aadhaar|aadhar|adhaar|uidai|uid|आधार|ஆதார்|ఆధార్|আধার",
    ),
    Row::new(
        "pii/tax_id/in_pan",
        TAX_ID,
        ("AAAAA9999A", ""),
        |text| one_of(text, 3, b"PCFHABTLJGEK"),
        [0, 0, 97],
        "pan|pan card|pan number|permanent account|permanent account number|income tax|पैन",
    ),
    Row::new(
        "pii/company_id/in_gstin",
        COMPANY_ID,
        ("99AAAAA9999A***", ""),
        is_gstin,
        [92, 92, 98],
        "gstin|gst|gst number",
    ),
    Row::new(
        "pii/national_id/in_voter",
        NATIONAL_ID,
        ("AAA9999999", ""),
        any,
        [0, 0, 92],
        "voter|voter id|epic|epic number|elector|election card",
    ),
    Row::new(
        "pii/bank/in_ifsc",
        BANK,
        ("AAAA9******", ""),
        |text| one_of(text, 4, b"0"),
        [0, 0, 92],
        "ifsc|ifsc code|branch code|neft|rtgs",
    ),
    Row::new(
        "pii/national_id/pk_cnic",
        NATIONAL_ID,
        ("99999-9999999-9", "-"),
        |text| one_of(text, 0, b"1234567"),
        [0, 45, 96],
        "cnic|nic|nadra|identity card",
    ),
    Row::new(
        "pii/national_id/lk_nic",
        NATIONAL_ID,
        ("999999999A|999999999999", ""),
        |text| text.len() == 12 && begins_with(text, "19 20") || one_of(text, 9, b"VX"),
        [0, 0, 92],
        "nic|national identity|identity card",
    ),
    Row::new(
        "pii/national_id/bd_nid",
        NATIONAL_ID,
        ("9999999999|9999999999999|99999999999999999", ""),
        any,
        [0, 0, 85],
        "nid|national id|জাতীয় পরিচয়পত্র|এনআইডি",
    ),
    Row::new(
        "pii/national_id/sg_nric",
        NATIONAL_ID,
        ("A9999999A", ""),
        is_nric,
        [45, 45, 97],
        "nric|fin|uin|singapore id|identity card",
    ),
    Row::new(
        "pii/national_id/my_mykad",
        NATIONAL_ID,
        ("999999-99-9999", "- "),
        |text| {
            is_year_month_day(text, 0)
                && !matches!(number(text, 6..8), 0 | 17..=20 | 69..=70 | 73 | 80 | 81 | 94..=97)
        },
        [0, 82, 97],
        "mykad|nric|ic|kad pengenalan|no kp|ic number",
    ),
    Row::new(
        "pii/national_id/th_id",
        NATIONAL_ID,
        ("9-9999-99999-99-9", "- "),
        |text| {
            let sum = weighted(text, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
            !one_of(text, 0, b"09") && (11 - sum % 11) % 10 == value(text, 12)
        },
        [0, 92, 97],
        "thai id|national id|citizen id|id card|บัตรประชาชน|เลขประจำตัวประชาชน|เลขบัตร",
    ),
    Row::new(
        "pii/national_id/id_nik",
        NATIONAL_ID,
        ("9999999999999999|999999-999999-9999", " ."),
        is_nik,
        [0, 0, 96],
        "nik|ktp|e ktp|nomor induk|nomor induk kependudukan",
    ),
    Row::new(
        "pii/tax_id/id_npwp",
        TAX_ID,
        ("99-999-999-9-999-999", ".-"),
        any,
        [0, 80, 96],
        "npwp|nomor pokok wajib pajak|pajak",
    ),
    Row::new(
        "pii/social_id/ph_sss",
        SOCIAL_ID,
        ("99-9999999-9", "-"),
        any,
        [0, 0, 92],
        "sss|sss number|social security system",
    ),
    Row::new(
        "pii/tax_id/ph_tin",
        TAX_ID,
        ("999-999-999-999|999-999-999", "-"),
        any,
        [0, 0, 85],
        "tin|bir|tin number",
    ),
    Row::new(
        "pii/national_id/vn_cccd",
        NATIONAL_ID,
        ("999999999999", ""),
        |text| matches!(number(text, 0..3), 1..=96) && one_of(text, 3, b"01239"),
        [0, 0, 93],
        "cccd|can cuoc|can cuoc cong dan|cmnd|căn cước|Căn cước|chứng minh nhân dân",
    ),
];

/// GB 11643-1999: a province, a date, and ISO/IEC 7064 MOD 11-2, X for 10.
fn is_chinese(text: &[u8]) -> bool {
    let sum = weighted(text, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let rest = usize::try_from(sum % 11).unwrap_or(0);
    matches!(number(text, 0..2), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
        && (1850..2100).contains(&number(text, 6..10))
        && is_date(number(text, 6..10), number(text, 10..12), number(text, 12..14))
        && b"10X98765432".get(rest) == text.last()
}

/// GB 32100-2015: values without I, O, S, V, Z, weights 3 to a power modulo 31.
fn is_uscc(text: &[u8]) -> bool {
    let alphabet = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let (mut sum, mut weight) = (0, 1);
    for byte in text.iter().take(17) {
        match alphabet.iter().position(|b| b == byte) {
            Some(value) => sum += value * weight,
            None => return false,
        }
        weight = weight * 3 % 31;
    }
    alphabet.get((31 - sum % 31) % 31) == text.last() && text.iter().any(u8::is_ascii_alphabetic)
}

/// Immigration Department: one or two letters with values from 10 on, 36 for none, weights 9 to 2, modulo 11, A for 10.
fn is_hkid(text: &[u8]) -> bool {
    let padded = if text.len() == 8 { [b" ".as_slice(), text].concat() } else { text.to_vec() };
    let sum: u32 = (0..8)
        .zip((2..10).rev())
        .map(|(at, weight)| weight * if padded.get(at) == Some(&b' ') { 36 } else { value(&padded, at) })
        .sum();
    let check = if padded.last() == Some(&b'A') { 10 } else { value(&padded, 8) };
    (sum + check).is_multiple_of(11) && padded.last().is_some_and(|b| b.is_ascii_digit() || *b == b'A')
}

/// Ministry of the Interior: the letter as two digits, weights 1, 9, 8 to 1 and 1, modulo 10.
fn is_taiwanese(text: &[u8]) -> bool {
    let codes = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(code) = text.first().and_then(|letter| codes.iter().position(|b| b == letter)) else {
        return false;
    };
    let code = u32::try_from(code).unwrap_or(0) + 10;
    let rest = text.get(1..).unwrap_or_default();
    let sum = code / 10 + code % 10 * 9 + weighted(rest, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    one_of(text, 1, b"1289") && sum.is_multiple_of(10)
}

/// Ministry of Finance: weights 1, 2, 1, 2, 1, 2, 4, 1, sums of digits, a multiple of 5 since 2023; 7 at the seventh place
/// counts 0 or 1.
fn is_ubn(text: &[u8]) -> bool {
    let sum: u32 = [1, 2, 1, 2, 1, 2, 4, 1]
        .iter()
        .enumerate()
        .map(|(at, weight)| value(text, at) * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    !repeats(text) && (sum.is_multiple_of(5) || value(text, 6) == 7 && (sum + 1).is_multiple_of(5))
}

/// Ordinance 85 of 2014: weights 6 to 2 and 7 to 2, eleven minus the sum modulo 11, 0 for a remainder of 0 or 1.
fn is_my_number(text: &[u8]) -> bool {
    let rest = weighted(text, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    !repeats(text) && value(text, 11) == if rest <= 1 { 0 } else { 11 - rest }
}

/// National Tax Agency: the first digit is 9 minus the other twelve, weighted 1 and 2 from the right, modulo 9.
fn is_corporate_number(text: &[u8]) -> bool {
    let sum: u32 = (1..13).map(|at| value(text, at) * if at % 2 == 0 { 1 } else { 2 }).sum();
    !repeats(text) && 9 - sum % 9 == value(text, 0)
}

/// National Tax Service: weights 1, 3, 7, 1, 3, 7, 1, 3, 5 and the tens of the last product, modulo 10.
fn is_korean_business(text: &[u8]) -> bool {
    let sum = weighted(text, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + value(text, 8) * 5 / 10;
    !repeats(text) && (10 - sum % 10) % 10 == value(text, 9)
}

/// Goods and Services Tax Network: Luhn in base 36 over fourteen characters.
fn is_gstin(text: &[u8]) -> bool {
    let sum: u32 = (0..14)
        .map(|at| value(text, at) * if at % 2 == 0 { 1 } else { 2 })
        .map(|product| product / 36 + product % 36)
        .sum();
    matches!(number(text, 0..2), 1..=38 | 96..=99) && (36 - sum % 36) % 36 == value(text, 14)
}

/// Immigration and Checkpoints Authority: weights 2, 7, 6, 5, 4, 3, 2, 4 more for T and G, 3 more for M, modulo 11.
fn is_nric(text: &[u8]) -> bool {
    let digits = text.get(1..).unwrap_or_default();
    let sum = weighted(digits, &[2, 7, 6, 5, 4, 3, 2]);
    let (more, letters) = match text.first() {
        Some(b'S') => (0, b"JZIHGFEDCBA"),
        Some(b'T') => (4, b"JZIHGFEDCBA"),
        Some(b'F') => (0, b"XWUTRQPNMLK"),
        Some(b'G') => (4, b"XWUTRQPNMLK"),
        Some(b'M') => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let rest = usize::try_from((sum + more) % 11).unwrap_or(0);
    letters.get(rest) == text.last()
}

/// Ministry of Home Affairs, NIK: province, day with 40 added for women, month and year.
fn is_nik(text: &[u8]) -> bool {
    let day = number(text, 6..8);
    let day = if day > 40 { day - 40 } else { day };
    let digits = [format!("{day:02}").as_bytes(), text.get(8..12).unwrap_or_default()].concat();
    (11..=96).contains(&number(text, 0..2)) && is_day_month_year(&digits, 0) && number(text, 12..16) != 0
}
