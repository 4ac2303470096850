//! Spain, Portugal, Italy, Greece, Cyprus, Malta and Turkey.

use super::{COMPANY_ID, HEALTH_ID, NATIONAL_ID, SOCIAL_ID, TAX_ID};
use crate::pii::check::{
    begins_with, eleven, is_day_month_year, luhn, modulo, number, one_of, repeats, value, weighted,
};
use crate::pii::row::{Row, any};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/national_id/es_dni",
        NATIONAL_ID,
        ("99999999-A|99-999-999-A", "- ."),
        is_dni,
        [0, 0, 97],
        "dni|nif|documento nacional|documento de identidad|d n i|n i f|identidad",
    ),
    Row::new(
        "pii/national_id/es_nie",
        NATIONAL_ID,
        ("A-9999999-A", "- "),
        is_nie,
        [0, 75, 97],
        "nie|nif|n i e|extranjero|numero de identidad",
    ),
    Row::new(
        "pii/company_id/es_cif",
        COMPANY_ID,
        ("A-99999999|A-9999999-A", "- "),
        is_cif,
        [0, 0, 95],
        "cif|nif|c i f",
    ),
    Row::new(
        "pii/social_id/es_nuss",
        SOCIAL_ID,
        ("99-99999999-99|99-9999999-99", " /-"),
        is_spanish_social,
        [0, 80, 96],
        "seguridad social|nuss|naf|afiliacion|numero de la seguridad social",
    ),
    Row::new(
        "pii/tax_id/it_codice_fiscale",
        TAX_ID,
        ("AAA-AAA-99A99-A999A|AAAAAA-99A99-A999A|AAAAAA**A**A***A", " "),
        is_codice_fiscale,
        [97, 97, 99],
        "codice fiscale|cf|c f|fiscal code",
    ),
    Row::new(
        "pii/company_id/it_partita_iva",
        COMPANY_ID,
        ("99999999999|AA-99999999999", " "),
        |text| {
            let digits = text.strip_prefix(b"IT").unwrap_or(text);
            digits.len() == 11 && luhn(digits)
        },
        [0, 0, 95],
        "partita iva|p iva|piva|iva|vat",
    ),
    Row::new(
        "pii/national_id/it_id_card",
        NATIONAL_ID,
        ("AA-99999-AA|AA-9999999", " "),
        any,
        [0, 0, 85],
        "carta d identita|carta identita|cie|documento d identita",
    ),
    Row::new(
        "pii/tax_id/pt_nif",
        TAX_ID,
        ("999-999-999", " "),
        is_nif,
        [0, 0, 95],
        "nif|contribuinte|numero de contribuinte|numero de identificacao fiscal|nipc",
    ),
    Row::new(
        "pii/national_id/pt_cartao_de_cidadao",
        NATIONAL_ID,
        ("99999999-9-**9|99999999-9**9", " "),
        is_cartao,
        [0, 88, 97],
        "cartao de cidadao|cc|cartao cidadao|numero de documento",
    ),
    Row::new(
        "pii/social_id/pt_niss",
        SOCIAL_ID,
        ("99999999999", ""),
        |text| {
            let sum = weighted(text, &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]);
            one_of(text, 0, b"12") && 9 - sum % 10 == value(text, 10)
        },
        [0, 0, 95],
        "niss|seguranca social|numero de seguranca social",
    ),
    Row::new(
        "pii/tax_id/gr_afm",
        TAX_ID,
        ("999999999|AA999999999", " "),
        is_afm,
        [0, 0, 95],
        "afm|tin|vat|ΑΦΜ|Α.Φ.Μ|αφμ",
    ),
    Row::new(
        "pii/social_id/gr_amka",
        SOCIAL_ID,
        ("999999-99999", " "),
        |text| is_day_month_year(text, 0) && luhn(text),
        [0, 80, 96],
        "amka|ΑΜΚΑ|αμκα|Α.Μ.Κ.Α",
    ),
    Row::new(
        "pii/tax_id/cy_tic",
        TAX_ID,
        ("99999999A", ""),
        is_cypriot,
        [0, 0, 93],
        "tic|tax identification|vat|cyprus|afm|ΑΦΤ",
    ),
    Row::new(
        "pii/national_id/mt_id",
        NATIONAL_ID,
        ("9{3,7}A", ""),
        |text| text.last().is_some_and(|b| b"MGAPLHBZ".contains(b)),
        [0, 0, 82],
        "maltese id|malta id|id card|identity card|karta tal identita",
    ),
    Row::new(
        "pii/national_id/tr_tckn",
        NATIONAL_ID,
        ("99999999999", ""),
        is_tckn,
        [0, 0, 97],
        "tckn|tc kimlik|kimlik|kimlik no|kimlik numarasi|t c|tc no|turkish id",
    ),
    Row::new(
        "pii/tax_id/tr_vkn",
        TAX_ID,
        ("9999999999", ""),
        is_vkn,
        [0, 0, 94],
        "vkn|vergi|vergi no|vergi kimlik|vergi numarasi",
    ),
    Row::new(
        "pii/health_id/it_tessera_sanitaria",
        HEALTH_ID,
        ("9{20}", ""),
        |text| text.starts_with(b"80380"),
        [80, 80, 96],
        "tessera sanitaria|team|ehic",
    ),
];

/// The control letter of Ministerio del Interior (Real Decreto 1553/2005): the number modulo 23.
fn dni_letter(number: u32) -> Option<u8> {
    let letters = b"TRWAGMYFPDXBNJZSQVHLCKE";
    usize::try_from(number % 23).ok().and_then(|at| letters.get(at)).copied()
}

fn is_dni(text: &[u8]) -> bool {
    dni_letter(number(text, 0..8)) == text.last().copied() && !text.get(..8).is_some_and(repeats)
}

/// The same with X, Y and Z in front for 0, 1 and 2.
fn is_nie(text: &[u8]) -> bool {
    let head = match text.first() {
        Some(b'X') => 0,
        Some(b'Y') => 1,
        Some(b'Z') => 2,
        _ => return false,
    };
    dni_letter(head * 10_000_000 + number(text, 1..8)) == text.last().copied()
}

/// Orden EHA/451/2008: odd places doubled, sums of digits, ten minus the last digit, as a digit or a letter from J on.
fn is_cif(text: &[u8]) -> bool {
    let sum: u32 = (1..8)
        .map(|at| if at % 2 == 1 { value(text, at) * 2 } else { value(text, at) })
        .map(|product| product / 10 + product % 10)
        .sum();
    let control = (10 - sum % 10) % 10;
    let letter = usize::try_from(control).ok().and_then(|at| b"JABCDEFGHI".get(at));
    let last = text.get(8);
    one_of(text, 0, b"ABCDEFGHJNPQRSUVW")
        && (last == letter || last.is_some_and(u8::is_ascii_digit) && value(text, 8) == control)
}

/// Tesoreria General de la Seguridad Social: province and number modulo 97; a number below ten million without its zero.
fn is_spanish_social(text: &[u8]) -> bool {
    let body = text.len().saturating_sub(2);
    let province = number(text, 0..2);
    (1..=66).contains(&province) && modulo(text, 0..body, 97) == number(text, body..body + 2)
}

/// Decreto ministeriale 23 December 1976: odd places by a table, even places by value, modulo 26; L to V stand for digits
/// where two people would have the same code.
fn is_codice_fiscale(text: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let digits = [6, 7, 9, 10, 12, 13, 14];
    let number_like = |b: &u8| b.is_ascii_digit() || b"LMNPQRSTUV".contains(b);
    let ordinal = |b: u8| if b.is_ascii_digit() { b - b'0' } else { b.saturating_sub(b'A') };
    let sum: u32 = text
        .iter()
        .take(15)
        .enumerate()
        .map(|(i, b)| match i % 2 {
            0 => ODD.get(usize::from(ordinal(*b))).copied().unwrap_or(0),
            _ => u32::from(ordinal(*b)),
        })
        .sum();
    one_of(text, 8, b"ABCDEHLMPRST")
        && digits.iter().all(|at| text.get(*at).is_some_and(number_like))
        && text.get(15).is_some_and(|b| u32::from(b.saturating_sub(b'A')) == sum % 26)
}

/// Autoridade Tributaria: weights 9 to 2, eleven minus the sum modulo 11, 10 and 11 as 0.
fn is_nif(text: &[u8]) -> bool {
    let digit = eleven(weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2])).unwrap_or(0);
    !repeats(text) && !one_of(text, 0, b"0") && digit == value(text, 8)
}

/// Instituto dos Registos e do Notariado, Cartao de Cidadao: Luhn with the values of letters, from 10 on.
fn is_cartao(text: &[u8]) -> bool {
    let sum: u32 = (0..12)
        .map(|at| (at, value(text, at)))
        .map(|(at, digit)| match at % 2 {
            0 if digit * 2 > 9 => digit * 2 - 9,
            0 => digit * 2,
            _ => digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Independent Authority for Public Revenue: powers of two, modulo 11, modulo 10.
fn is_afm(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"EL").unwrap_or(text);
    let sum = weighted(digits, &[256, 128, 64, 32, 16, 8, 4, 2]);
    digits.len() == 9 && !repeats(digits) && sum % 11 % 10 == value(digits, 8)
}

/// Tax Department of Cyprus: odd places by a table, even places by value, modulo 26.
fn is_cypriot(text: &[u8]) -> bool {
    let odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let sum: u32 = (0..8)
        .map(|at| match at % 2 {
            0 => usize::try_from(value(text, at)).ok().and_then(|digit| odd.get(digit)).copied().unwrap_or(0),
            _ => value(text, at),
        })
        .sum();
    !begins_with(text, "12") && text.last().is_some_and(|b| u32::from(b.saturating_sub(b'A')) == sum % 26)
}

/// Nufus ve Vatandaslik Isleri: the tenth digit from odd and even places, the eleventh from the first ten.
fn is_tckn(text: &[u8]) -> bool {
    let odd: u32 = [0, 2, 4, 6, 8].iter().map(|at| value(text, *at)).sum();
    let even: u32 = [1, 3, 5, 7].iter().map(|at| value(text, *at)).sum();
    let tenth = (odd * 7 + 100 - even) % 10;
    !one_of(text, 0, b"0") && tenth == value(text, 9) && (odd + even + tenth) % 10 == value(text, 10)
}

/// Gelir Idaresi Baskanligi: each digit plus its place from the right, times a power of two modulo 9.
fn is_vkn(text: &[u8]) -> bool {
    let sum: u32 = (0..9)
        .zip((1..10).rev())
        .map(|(at, place)| {
            let moved = (value(text, at) + place) % 10;
            let product = moved * (1 << place) % 9;
            if moved != 0 && product == 0 { 9 } else { product }
        })
        .sum();
    !repeats(text) && (10 - sum % 10) % 10 == value(text, 9)
}
