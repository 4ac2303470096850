//! Poland, Czechia, Slovakia, Hungary, Romania, Bulgaria, Croatia, Slovenia, Serbia and its neighbours, Ukraine, Russia and
//! Kazakhstan.

use super::{COMPANY_ID, NATIONAL_ID, SOCIAL_ID, TAX_ID};
use crate::pii::check::{
    begins_with, eleven, is_date, is_year_month_day, mod_11_10, modulo, number, one_of, repeats, value,
    weighted,
};
use crate::pii::row::Row;

const JMBG_WORDS: &str =
    "jmbg|emso|embg|maticni broj|maticna stevilka|jedinstveni maticni broj|ЈМБГ|ЕМБГ|матични број";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/national_id/pl_pesel",
        NATIONAL_ID,
        ("99999999999", ""),
        is_pesel,
        [0, 0, 97],
        "pesel|numer pesel|nr pesel|polish id",
    ),
    Row::new(
        "pii/tax_id/pl_nip",
        TAX_ID,
        ("999-999-99-99|999-99-99-999", "- "),
        is_nip,
        [0, 80, 96],
        "nip|numer nip|nr nip",
    ),
    Row::new(
        "pii/company_id/pl_regon",
        COMPANY_ID,
        ("999999999|99999999999999", ""),
        is_regon,
        [0, 0, 95],
        "regon",
    ),
    Row::new(
        "pii/national_id/pl_id_card",
        NATIONAL_ID,
        ("AAA-999999", " "),
        is_polish_card,
        [0, 0, 95],
        "dowod|dowod osobisty|dowodu|numer dowodu|nr dowodu|dowód|dowodu osobistego",
    ),
    Row::new(
        "pii/national_id/cz_sk_rodne_cislo",
        NATIONAL_ID,
        ("999999-9999", "/"),
        is_rodne_cislo,
        [0, 45, 97],
        "rodne cislo|r c|rc|rodne c|rodneho cisla|birth number",
    ),
    Row::new(
        "pii/national_id/cz_sk_rodne_cislo",
        NATIONAL_ID,
        ("999999-999", "/"),
        |text| is_czech_date(text) && number(text, 0..2) < 54 && number(text, 6..9) != 0,
        [0, 0, 92],
        "rodne cislo|r c|rc|rodne c|rodneho cisla|birth number",
    ),
    Row::new(
        "pii/company_id/cz_sk_ico",
        COMPANY_ID,
        ("99999999", ""),
        is_ico,
        [0, 0, 94],
        "ico|ic|identifikacni cislo|ičo|IČO",
    ),
    Row::new(
        "pii/social_id/hu_taj",
        SOCIAL_ID,
        ("999-999-999", " -"),
        |text| {
            let sum: u32 = (0..8).map(|at| value(text, at) * if at % 2 == 0 { 3 } else { 7 }).sum();
            !repeats(text) && sum % 10 == value(text, 8)
        },
        [0, 0, 95],
        "taj|taj szam|tajszam|tarsadalombiztositasi",
    ),
    Row::new(
        "pii/tax_id/hu_adoazonosito",
        TAX_ID,
        ("9999999999", ""),
        |text| {
            let sum: u32 = (0..9).zip(1..10).map(|(at, weight)| value(text, at) * weight).sum();
            one_of(text, 0, b"8") && sum % 11 == value(text, 9)
        },
        [0, 0, 95],
        "adoazonosito|adoazonosito jel|ado|adojel",
    ),
    Row::new(
        "pii/national_id/hu_szemelyi",
        NATIONAL_ID,
        ("9-999999-9999", "- "),
        is_hungarian,
        [0, 85, 96],
        "szemelyi szam|szemelyi azonosito|szemelyi azonosito jel",
    ),
    Row::new(
        "pii/company_id/hu_tax",
        COMPANY_ID,
        ("=99999999-9-99", "-"),
        |text| {
            let sum = weighted(text, &[9, 7, 3, 1, 9, 7, 3]);
            (10 - sum % 10) % 10 == value(text, 7) && one_of(text, 8, b"12345")
        },
        [0, 45, 95],
        "adoszam|adoszama|tax number",
    ),
    Row::new(
        "pii/national_id/ro_cnp",
        NATIONAL_ID,
        ("9999999999999", ""),
        is_cnp,
        [0, 0, 97],
        "cnp|cod numeric personal|c n p",
    ),
    Row::new(
        "pii/company_id/ro_cui",
        COMPANY_ID,
        ("9{4,10}|AA9{4,10}", " "),
        is_cui,
        [0, 0, 92],
        "cui|cif|cod fiscal|cod unic de inregistrare",
    ),
    Row::new(
        "pii/national_id/bg_egn",
        NATIONAL_ID,
        ("9999999999", ""),
        is_egn,
        [0, 0, 97],
        "egn|ЕГН|егн|единен граждански номер",
    ),
    Row::new(
        "pii/national_id/hr_oib",
        NATIONAL_ID,
        ("99999999999", ""),
        mod_11_10,
        [0, 0, 96],
        "oib|osobni identifikacijski broj",
    ),
    Row::new("pii/national_id/yu_jmbg", NATIONAL_ID, ("9999999999999", ""), is_jmbg, [0, 0, 97], JMBG_WORDS),
    Row::new(
        "pii/tax_id/si_davcna",
        TAX_ID,
        ("99999999|AA99999999", ""),
        |text| {
            let digits = text.strip_prefix(b"SI").unwrap_or(text);
            let digit = eleven(weighted(digits, &[8, 7, 6, 5, 4, 3, 2])).unwrap_or(0);
            digits.len() == 8 && !one_of(digits, 0, b"0") && digit == value(digits, 7)
        },
        [0, 0, 94],
        "davcna|davcna stevilka|id za ddv|ddv",
    ),
    Row::new(
        "pii/tax_id/ua_rnokpp",
        TAX_ID,
        ("9999999999", ""),
        is_ukrainian,
        [0, 0, 95],
        "rnokpp|ipn|РНОКПП|ІПН|ідентифікаційний|податковий номер|код платника",
    ),
    Row::new(
        "pii/tax_id/ru_inn",
        TAX_ID,
        ("9999999999|999999999999", ""),
        is_inn,
        [0, 0, 96],
        "inn|ИНН|инн|идентификационный номер налогоплательщика",
    ),
    Row::new(
        "pii/social_id/ru_snils",
        SOCIAL_ID,
        ("999-999-999-99", "- "),
        is_snils,
        [0, 85, 97],
        "snils|СНИЛС|снилс|страховой номер",
    ),
    Row::new(
        "pii/national_id/kz_iin",
        NATIONAL_ID,
        ("999999999999", ""),
        is_iin,
        [0, 0, 96],
        "iin|ИИН|иин|ЖСН|bin|БИН",
    ),
];

/// Ministerstwo Cyfryzacji, PESEL: weights 1, 3, 7, 9; the month is 20, 40, 60 or 80 higher for other centuries.
fn is_pesel(text: &[u8]) -> bool {
    let sum = weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    let month = number(text, 2..4) % 20;
    let (year, day) = (number(text, 0..2), number(text, 4..6));
    (is_date(1900 + year, month, day) || is_date(2000 + year, month, day))
        && (10 - sum % 10) % 10 == value(text, 10)
}

/// Ministerstwo Finansow, NIP: weights 6, 5, 7, 2, 3, 4, 5, 6, 7 modulo 11.
fn is_nip(text: &[u8]) -> bool {
    !repeats(text) && weighted(text, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == value(text, 9)
}

/// Glowny Urzad Statystyczny, REGON: weights 8, 9, 2, 3, 4, 5, 6, 7, and for fourteen digits 2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2,
/// 4, 8 as well, modulo 11, modulo 10.
fn is_regon(text: &[u8]) -> bool {
    let short = weighted(text, &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == value(text, 8);
    let long = || weighted(text, &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 11 % 10 == value(text, 13);
    !repeats(text) && short && (text.len() == 9 || long())
}

/// Ministerstwo Spraw Wewnetrznych, dowod osobisty: the first digit checks the rest, weights 7, 3, 1, 7, 3, 1, 7, 3.
fn is_polish_card(text: &[u8]) -> bool {
    let sum = weighted(text, &[7, 3, 1, 0, 7, 3, 1, 7, 3]);
    sum % 10 == value(text, 3)
}

/// Act 133/2000 Coll.: a date with 50 added to the month of women (and 20 where numbers ran out), ten digits that 11 divides.
fn is_rodne_cislo(text: &[u8]) -> bool {
    let rest = modulo(text, 0..9, 11) % 10;
    is_czech_date(text) && rest == value(text, 9)
}

fn is_czech_date(text: &[u8]) -> bool {
    let (year, month, day) = (number(text, 0..2), number(text, 2..4), number(text, 4..6));
    let month = match month {
        51..=62 => month - 50,
        71..=82 => month - 70,
        21..=32 => month - 20,
        _ => month,
    };
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// Cesky statisticky urad, ICO: weights 8 to 2, (11 - sum % 11) % 10.
fn is_ico(text: &[u8]) -> bool {
    !repeats(text) && (11 - weighted(text, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == value(text, 7)
}

/// Act XX of 1996: sex and century, a date, and weights 1 to 10, since 1997 10 to 1, modulo 11.
fn is_hungarian(text: &[u8]) -> bool {
    let sum = if number(text, 1..3) > 96 || number(text, 1..3) < 30 && one_of(text, 0, b"34") {
        weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    } else {
        weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    };
    one_of(text, 0, b"12345678") && is_year_month_day(text, 1) && sum % 11 == value(text, 10)
}

/// Directia pentru Evidenta Persoanelor: sex and century, a date, a county, weights 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9
/// modulo 11, 10 as 1.
fn is_cnp(text: &[u8]) -> bool {
    let rest = weighted(text, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    one_of(text, 0, b"123456789")
        && is_year_month_day(text, 1)
        && matches!(number(text, 7..9), 1..=52 | 70 | 80..=83)
        && value(text, 12) == if rest == 10 { 1 } else { rest }
}

/// Agentia Nationala de Administrare Fiscala: weights 7, 5, 3, 2, 1, 7, 5, 3, 2 for nine places, times 10, modulo 11,
/// modulo 10.
fn is_cui(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"RO").unwrap_or(text);
    let Some((last, body)) = digits.split_last() else { return false };
    let sum: u32 = body
        .iter()
        .rev()
        .zip([2, 3, 5, 7, 1, 2, 3, 5, 7])
        .map(|(b, w)| u32::from(b.saturating_sub(b'0')) * w)
        .sum();
    digits.iter().all(u8::is_ascii_digit) && sum * 10 % 11 % 10 == u32::from(last.saturating_sub(b'0'))
}

/// GRAO: a date with 20 or 40 added to the month, weights 2, 4, 8, 5, 10, 9, 7, 3, 6 modulo 11, modulo 10.
fn is_egn(text: &[u8]) -> bool {
    let (year, month, day) = (number(text, 0..2), number(text, 2..4), number(text, 4..6));
    let date = match month {
        1..=12 => is_date(1900 + year, month, day),
        21..=32 => is_date(1800 + year, month - 20, day),
        41..=52 => is_date(2000 + year, month - 40, day),
        _ => false,
    };
    date && weighted(text, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == value(text, 9)
}

/// Law on the unique master citizen number (1976): a date with three digits of the year, weights 7 to 2 twice.
fn is_jmbg(text: &[u8]) -> bool {
    let year = number(text, 4..7);
    let year = if year > 800 { 1000 + year } else { 2000 + year };
    let digit = eleven(weighted(text, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]));
    is_date(year, number(text, 2..4), number(text, 0..2)) && digit == Some(value(text, 12))
}

/// State Tax Service: weights -1, 5, 7, 9, 4, 6, 10, 5, 7 modulo 11, modulo 10.
fn is_ukrainian(text: &[u8]) -> bool {
    let sum = weighted(text, &[10, 5, 7, 9, 4, 6, 10, 5, 7]);
    !repeats(text) && sum % 11 % 10 == value(text, 9)
}

/// Federal Tax Service, order MMV-7-6/435: weights 2, 4, 10, 3, 5, 9, 4, 6, 8 for companies; two digits for people.
fn is_inn(text: &[u8]) -> bool {
    let digit = |weights: &[u32]| weighted(text, weights) % 11 % 10;
    let valid = match text.len() {
        10 => digit(&[2, 4, 10, 3, 5, 9, 4, 6, 8]) == value(text, 9),
        _ => {
            digit(&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == value(text, 10)
                && digit(&[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == value(text, 11)
        }
    };
    valid && !repeats(text)
}

/// Social Fund: weights 9 to 1, modulo 101, 100 as 00.
fn is_snils(text: &[u8]) -> bool {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    !repeats(text) && sum % 101 % 100 == number(text, 9..11)
}

/// Ministry of Digital Development: a date, weights 1 to 11, and if that is 10, 3 to 11, 1 and 2, modulo 11.
fn is_iin(text: &[u8]) -> bool {
    let first = weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    let second = weighted(text, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
    let digit = if first == 10 { second } else { first };
    let company = begins_with(text.get(4..5).unwrap_or_default(), "4 5 6");
    (company || is_year_month_day(text, 0)) && digit == value(text, 11)
}
