//! Sweden, Norway, Denmark, Finland, Iceland, Estonia, Latvia and Lithuania.

use super::{COMPANY_ID, NATIONAL_ID};
use crate::pii::check::{
    eleven, is_date, is_day_month_year, is_year_month_day, luhn, number, one_of, repeats, value, weighted,
};
use crate::pii::row::Row;

const HETU_WORDS: &str = "hetu|henkilotunnus|henkilotunnuksesi|personbeteckning|sotu";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/national_id/se_personnummer",
        NATIONAL_ID,
        ("999999-9999|99999999-9999", "-+"),
        is_personnummer,
        [0, 45, 97],
        "personnummer|samordningsnummer|pnr|personnr|swedish id|person nummer",
    ),
    Row::new(
        "pii/company_id/se_orgnr",
        COMPANY_ID,
        ("999999-9999", "-"),
        |text| number(text, 2..4) >= 20 && luhn(text),
        [0, 0, 94],
        "orgnr|organisationsnummer|org nr|org nummer",
    ),
    Row::new(
        "pii/national_id/no_fodselsnummer",
        NATIONAL_ID,
        ("999999-99999", " "),
        is_fodselsnummer,
        [0, 85, 98],
        "f dselsnummer|fodselsnummer|fnr|d nummer|personnummer|norwegian id|fødselsnummer|Fødselsnummer",
    ),
    Row::new(
        "pii/company_id/no_orgnr",
        COMPANY_ID,
        ("999-999-999", " "),
        |text| {
            one_of(text, 0, b"89")
                && eleven(weighted(text, &[3, 2, 7, 6, 5, 4, 3, 2]))
                    .is_some_and(|digit| digit == value(text, 8))
        },
        [0, 0, 94],
        "orgnr|organisasjonsnummer|org nr|org nummer",
    ),
    Row::new(
        "pii/national_id/dk_cpr",
        NATIONAL_ID,
        ("999999-9999", "- "),
        |text| is_day_month_year(text, 0),
        [0, 0, 95],
        "cpr|cpr nummer|cpr nr|personnummer|cprnr|danish id",
    ),
    Row::new(
        "pii/company_id/dk_cvr",
        COMPANY_ID,
        ("99-99-99-99", " "),
        |text| weighted(text, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && !repeats(text),
        [0, 0, 94],
        "cvr|cvr nr|cvr nummer|se nummer|moms",
    ),
    Row::new(
        "pii/national_id/fi_hetu",
        NATIONAL_ID,
        ("999999-999A|999999A999*", "-+"),
        is_hetu,
        [92, 92, 99],
        HETU_WORDS,
    ),
    Row::new("pii/national_id/fi_hetu", NATIONAL_ID, ("999999-9999", "-+"), is_hetu, [0, 0, 97], HETU_WORDS),
    Row::new(
        "pii/company_id/fi_y_tunnus",
        COMPANY_ID,
        ("9999999-9", "-"),
        |text| eleven(weighted(text, &[7, 9, 10, 5, 8, 4, 2])).is_some_and(|digit| digit == value(text, 7)),
        [0, 0, 94],
        "y tunnus|ytunnus|business id|fo nummer",
    ),
    Row::new(
        "pii/national_id/is_kennitala",
        NATIONAL_ID,
        ("999999-9999", "- "),
        |text| {
            is_day_month_year(text, 0)
                && one_of(text, 9, b"890")
                && eleven(weighted(text, &[3, 2, 7, 6, 5, 4, 3, 2]))
                    .is_some_and(|digit| digit == value(text, 8))
        },
        [0, 0, 97],
        "kennitala|kt|kennit lu|icelandic id",
    ),
    Row::new(
        "pii/national_id/ee_isikukood",
        NATIONAL_ID,
        ("99999999999", ""),
        is_baltic,
        [0, 0, 97],
        "isikukood|ik|estonian id",
    ),
    Row::new(
        "pii/national_id/lt_asmens_kodas",
        NATIONAL_ID,
        ("99999999999", ""),
        is_baltic,
        [0, 0, 97],
        "asmens kodas|a k|asmens kodo|lithuanian id",
    ),
    Row::new(
        "pii/national_id/lv_personas_kods",
        NATIONAL_ID,
        ("999999-99999", "-"),
        is_latvian,
        [0, 0, 97],
        "personas kods|p k|latvian id|personas kodu",
    ),
];

/// Skatteverket, SKV 704: a date, 60 added to the day of co-ordination numbers, and Luhn over the last ten digits.
fn is_personnummer(text: &[u8]) -> bool {
    let short = if text.len() == 12 { text.get(2..).unwrap_or_default() } else { text };
    let (year, month, day) = (number(short, 0..2), number(short, 2..4), number(short, 4..6));
    let century = text.len() == 10 || matches!(number(text, 0..2), 18..=20);
    let day = if day > 60 { day - 60 } else { day };
    century && (is_date(1900 + year, month, day) || is_date(2000 + year, month, day)) && luhn(short)
}

/// Skatteetaten: a date, 40 added to the day of D numbers, weights 3, 7, 6, 1, 8, 9, 4, 5, 2 and 5, 4, 3, 2, 7, 6, 5, 4, 3,
/// 2, eleven minus the sum modulo 11.
fn is_fodselsnummer(text: &[u8]) -> bool {
    let (day, month, year) = (number(text, 0..2), number(text, 2..4), number(text, 4..6));
    let (day, month) = (if day > 40 { day - 40 } else { day }, if month > 40 { month - 40 } else { month });
    let first = eleven(weighted(text, &[3, 7, 6, 1, 8, 9, 4, 5, 2]));
    let second = eleven(weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]));
    (is_date(1900 + year, month, day) || is_date(2000 + year, month, day))
        && first == Some(value(text, 9))
        && second == Some(value(text, 10))
}

/// Digital and Population Data Services Agency: the nine digits modulo 31 as a character, the sign says the century.
fn is_hetu(text: &[u8]) -> bool {
    let digits =
        [text.get(..6).unwrap_or_default(), text.get(text.len().saturating_sub(4)..).unwrap_or_default()]
            .concat();
    let rest = usize::try_from(number(&digits, 0..9) % 31).unwrap_or(0);
    let century = text.len() == 10 || one_of(text, 6, b"ABCDEFUVWXY");
    century
        && is_day_month_year(text, 0)
        && number(&digits, 6..9) >= 2
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(rest) == text.last()
}

/// Estonian standard EVS 585 and Lithuania's register of residents: weights 1 to 9 and 1, and if that is 10, 3 to 9 and 1
/// to 3, modulo 11.
fn is_baltic(text: &[u8]) -> bool {
    let first = weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(text, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10;
    let digit = if first == 10 { second } else { first };
    one_of(text, 0, b"12345678") && is_year_month_day(text, 1) && digit == value(text, 10)
}

/// Office of Citizenship and Migration Affairs: since 2017 numbers without a date that begin with 32; before, a date and
/// (1 + sum) modulo 11 with weights 10, 5, 8, 4, 2, 1, 6, 3, 7, 9.
fn is_latvian(text: &[u8]) -> bool {
    let sum = weighted(text, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    let dated =
        is_day_month_year(text, 0) && one_of(text, 6, b"012") && (1 + sum) % 11 % 10 == value(text, 10);
    dated || text.starts_with(b"32")
}
