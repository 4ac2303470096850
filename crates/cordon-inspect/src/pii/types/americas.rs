//! Latin America.

use super::{BANK, COMPANY_ID, LICENCE, NATIONAL_ID, SOCIAL_ID, TAX_ID};
use crate::pii::check::{
    begins_with, eleven, is_year_month_day, luhn, number, one_of, repeats, value, weighted,
};
use crate::pii::row::{Row, any};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/tax_id/br_cpf",
        TAX_ID,
        ("999-999-999-99", ".-"),
        is_cpf,
        [0, 95, 98],
        "cpf|cadastro de pessoa|cadastro de pessoas fisicas|contribuinte",
    ),
    Row::new(
        "pii/company_id/br_cnpj",
        COMPANY_ID,
        ("99-999-999-9999-99", "./-"),
        is_cnpj,
        [0, 95, 98],
        "cnpj|cadastro nacional da pessoa juridica",
    ),
    Row::new(
        "pii/social_id/br_pis",
        SOCIAL_ID,
        ("999-99999-99-9", ".-"),
        |text| {
            let sum = weighted(text, &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
            !repeats(text) && eleven(sum).unwrap_or(0) == value(text, 10)
        },
        [0, 45, 96],
        "pis|pasep|nis|nit|pis pasep",
    ),
    Row::new(
        "pii/national_id/br_rg",
        NATIONAL_ID,
        ("99-999-999-*", ".-"),
        any,
        [0, 0, 88],
        "rg|registro geral|identidade|carteira de identidade",
    ),
    Row::new(
        "pii/national_id/br_titulo_eleitor",
        NATIONAL_ID,
        ("9999-9999-9999", " "),
        is_voter,
        [0, 0, 95],
        "titulo de eleitor|titulo eleitoral|titulo eleitor",
    ),
    Row::new(
        "pii/licence/br_cnh",
        LICENCE,
        ("99999999999", ""),
        is_cnh,
        [0, 0, 95],
        "cnh|carteira de habilitacao|habilitacao|registro cnh",
    ),
    Row::new(
        "pii/tax_id/ar_cuit",
        TAX_ID,
        ("99-99999999-9", "- "),
        |text| {
            begins_with(text, "20 23 24 25 26 27 30 33 34")
                && eleven(weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2])).unwrap_or(9) == value(text, 10)
        },
        [0, 90, 97],
        "cuit|cuil|cdi",
    ),
    Row::new(
        "pii/national_id/dni",
        NATIONAL_ID,
        ("99-999-999|9-999-999|99999999-9", ".-"),
        any,
        [0, 0, 85],
        "dni|documento|documento nacional|documento nacional de identidad",
    ),
    Row::new(
        "pii/bank/ar_cbu",
        BANK,
        ("99999999-99999999999999", " -"),
        is_cbu,
        [0, 0, 97],
        "cbu|cvu|clave bancaria",
    ),
    Row::new(
        "pii/national_id/cl_rut",
        NATIONAL_ID,
        ("99-999-999-*|9-999-999-*", ".-"),
        is_rut,
        [0, 88, 98],
        "rut|rol unico tributario|rol unico nacional",
    ),
    Row::new(
        "pii/national_id/mx_curp",
        NATIONAL_ID,
        ("AAAA999999AAAAAA*9", ""),
        is_curp,
        [96, 96, 99],
        "curp|clave unica de registro de poblacion",
    ),
    Row::new(
        "pii/tax_id/mx_rfc",
        TAX_ID,
        ("AAAA-999999-***|AAA-999999-***", "- "),
        is_rfc,
        [45, 45, 97],
        "rfc|registro federal|registro federal de contribuyentes",
    ),
    Row::new(
        "pii/bank/mx_clabe",
        BANK,
        ("999999999999999999", ""),
        is_clabe,
        [0, 0, 97],
        "clabe|clabe interbancaria|cuenta clabe",
    ),
    Row::new(
        "pii/social_id/mx_nss",
        SOCIAL_ID,
        ("99-99-99-9999-9", " -"),
        luhn,
        [0, 0, 94],
        "nss|imss|seguro social|numero de seguridad social",
    ),
    Row::new(
        "pii/tax_id/co_nit",
        TAX_ID,
        ("999-999-999-9", ".-"),
        is_nit,
        [0, 78, 96],
        "nit|rut|numero de identificacion tributaria",
    ),
    Row::new(
        "pii/national_id/co_cedula",
        NATIONAL_ID,
        ("9{7,10}|9-999-999-999|99-999-999", "."),
        any,
        [0, 0, 85],
        "cedula|cedula de ciudadania|c c:|cc:|numero de cedula",
    ),
    Row::new(
        "pii/national_id/sv_dui",
        NATIONAL_ID,
        ("99999999-9", "-"),
        |text| {
            let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]);
            !repeats(text) && (10 - sum % 10) % 10 == number(text, 8..9)
        },
        [0, 45, 94],
        "dui|documento unico de identidad|documento unico",
    ),
    Row::new(
        "pii/national_id/pa_cedula",
        NATIONAL_ID,
        ("9{1,2}-9{2,4}-9{3,6}", "-"),
        any,
        [0, 0, 82],
        "cedula|cedula panamena|numero de cedula",
    ),
    Row::new(
        "pii/national_id/hn_dni",
        NATIONAL_ID,
        ("9999-9999-99999", "-"),
        |text| matches!(number(text, 0..2), 1..=18) && (1900..2100).contains(&number(text, 4..8)),
        [0, 45, 92],
        "dni|identidad|numero de identidad|tarjeta de identidad",
    ),
    Row::new(
        "pii/tax_id/pe_ruc",
        TAX_ID,
        ("99999999999", ""),
        |text| {
            begins_with(text, "10 15 16 17 20")
                && (11 - weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10 == value(text, 10)
        },
        [0, 0, 96],
        "ruc|registro unico de contribuyentes",
    ),
    Row::new(
        "pii/national_id/ec_cedula",
        NATIONAL_ID,
        ("9999999999|999999999-9", "-"),
        |text| matches!(number(text, 0..2), 1..=24 | 30) && number(text, 2..3) < 7 && luhn(text),
        [0, 0, 96],
        "cedula|ci|cedula de identidad|cedula de ciudadania",
    ),
    Row::new(
        "pii/national_id/uy_ci",
        NATIONAL_ID,
        ("9-999-999-9", ".-"),
        |text| (10 - weighted(text, &[2, 9, 8, 7, 6, 3, 4]) % 10) % 10 == value(text, 7),
        [0, 0, 95],
        "ci|cedula|cedula de identidad",
    ),
    Row::new(
        "pii/tax_id/ve_rif",
        TAX_ID,
        ("A-99999999-9", "-"),
        is_rif,
        [0, 45, 96],
        "rif|registro de informacion fiscal",
    ),
    Row::new(
        "pii/national_id/do_cedula",
        NATIONAL_ID,
        ("999-9999999-9", "-"),
        luhn,
        [0, 45, 96],
        "cedula|cedula de identidad",
    ),
    Row::new(
        "pii/national_id/cr_cedula",
        NATIONAL_ID,
        ("9-9999-9999", "-"),
        |text| one_of(text, 0, b"123456789"),
        [0, 0, 88],
        "cedula|cedula de identidad|cedula juridica",
    ),
    Row::new(
        "pii/tax_id/gt_nit",
        TAX_ID,
        ("9{5,8}-*", "-"),
        |text| {
            let Some((last, body)) = text.split_last() else { return false };
            let sum: u32 =
                body.iter().rev().zip(2..).map(|(b, w)| u32::from(b.saturating_sub(b'0')) * w).sum();
            let check = (11 - sum % 11) % 11;
            char::from(*last).to_digit(10) == Some(check) || *last == b'K' && check == 10
        },
        [0, 0, 92],
        "nit|numero de identificacion tributaria",
    ),
];

/// Receita Federal, CPF: weights 10 to 2 and 11 to 2, eleven minus the sum modulo 11, 10 as 0.
fn is_cpf(text: &[u8]) -> bool {
    !repeats(text)
        && eleven(weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2])).unwrap_or(0) == value(text, 9)
        && eleven(weighted(text, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])).unwrap_or(0) == value(text, 10)
}

/// Receita Federal, CNPJ: weights 5 to 2 and 9 to 2, then 6 to 2 and 9 to 2, as above.
fn is_cnpj(text: &[u8]) -> bool {
    !repeats(text)
        && eleven(weighted(text, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])).unwrap_or(0) == value(text, 12)
        && eleven(weighted(text, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])).unwrap_or(0) == value(text, 13)
}

/// Tribunal Superior Eleitoral, resolution 21.538: eight digits weighted 2 to 9, then the state and that digit 7 to 9, modulo
/// 11.
fn is_voter(text: &[u8]) -> bool {
    let state = number(text, 8..10);
    let digit = |sum: u32| match (sum % 11, state) {
        (10, _) => 0,
        (0, 1 | 2) => 1,
        (rest, _) => rest,
    };
    let first = digit(weighted(text, &[2, 3, 4, 5, 6, 7, 8, 9]));
    let second = digit(value(text, 8) * 7 + value(text, 9) * 8 + first * 9);
    (1..=28).contains(&state) && first == value(text, 10) && second == value(text, 11)
}

/// Denatran, registro da CNH: weights 9 to 1 and 1 to 9 modulo 11; a first remainder of 10 takes 2 from the second.
fn is_cnh(text: &[u8]) -> bool {
    let (first, less) = match weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 {
        10 => (0, 2),
        rest => (rest, 0),
    };
    let second = match (weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 + 11 - less) % 11 {
        10 => 0,
        rest => rest,
    };
    !repeats(text) && first == value(text, 9) && second == value(text, 10)
}

/// Banco Central de la Republica Argentina, communication A 2622: two blocks with weights 7, 1, 3, 9, 7, 1, 3 and 3, 9, 7, 1
/// repeated.
fn is_cbu(text: &[u8]) -> bool {
    let account = text.get(8..).unwrap_or_default();
    let digit = |sum: u32| (10 - sum % 10) % 10;
    !repeats(text)
        && digit(weighted(text, &[7, 1, 3, 9, 7, 1, 3])) == value(text, 7)
        && digit(weighted(account, &[3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3])) == value(account, 13)
}

/// Servicio de Registro Civil: weights 2 to 7 from the right, eleven minus the sum modulo 11, K for 10.
fn is_rut(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let weights = [2, 3, 4, 5, 6, 7].iter().cycle();
    let sum: u32 = body.iter().rev().zip(weights).map(|(b, w)| u32::from(b.saturating_sub(b'0')) * w).sum();
    !repeats(body)
        && match eleven(sum) {
            None => *last == b'K',
            Some(digit) => char::from(*last).to_digit(10) == Some(digit),
        }
}

/// RENAPO, CURP: a date, sex, one of 33 states, and values in `0-9A-NÑO-Z` weighted 18 to 2, modulo 10.
fn is_curp(text: &[u8]) -> bool {
    let states =
        "AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE";
    let ordinal = |at: usize| {
        let value = value(text, at);
        if value >= 24 { value + 1 } else { value }
    };
    let sum: u32 = (0..17).zip((2..19).rev()).map(|(at, weight)| ordinal(at) * weight).sum();
    is_year_month_day(text, 4)
        && one_of(text, 10, b"HMX")
        && text.get(11..13).is_some_and(|state| begins_with(state, states))
        && (10 - sum % 10) % 10 == value(text, 17)
}

/// Servicio de Administracion Tributaria, RFC: a date and a check character, values in `0-9A-N&O-ZÑ` weighted 13 to 2,
/// modulo 11, A for 10.
fn is_rfc(text: &[u8]) -> bool {
    let padded = if text.len() == 12 { [b" ".as_slice(), text].concat() } else { text.to_vec() };
    let ordinal = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        b'O'..=b'Z' => u32::from(byte - b'O') + 25,
        _ => 37,
    };
    let sum: u32 =
        padded.iter().take(12).zip((2..14).rev()).map(|(byte, weight)| ordinal(*byte) * weight).sum();
    let check = match 11 - sum % 11 {
        11 => b'0',
        10 => b'A',
        digit => u8::try_from(digit).unwrap_or(0) + b'0',
    };
    is_year_month_day(&padded, 4) && padded.last() == Some(&check)
}

/// Banco de Mexico, CLABE: weights 3, 7, 1, each product modulo 10, the sum modulo 10.
fn is_clabe(text: &[u8]) -> bool {
    let sum: u32 =
        (0..17).zip([3, 7, 1].iter().cycle()).map(|(at, weight)| value(text, at) * weight % 10).sum();
    !repeats(text) && (10 - sum % 10) % 10 == value(text, 17)
}

/// DIAN, NIT (Orden Administrativa 4 of 1989): weights 3, 7, 13, 17, 19, 23, 29, 37, 41 from the right modulo 11.
fn is_nit(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let weights = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47];
    let sum: u32 = body.iter().rev().zip(weights).map(|(b, w)| u32::from(b.saturating_sub(b'0')) * w).sum();
    let rest = sum % 11;
    !repeats(body) && u32::from(last.saturating_sub(b'0')) == if rest > 1 { 11 - rest } else { rest }
}

/// SENIAT, RIF: V, E, J, P, G as 1 to 5 times 4, then weights 3, 2, 7, 6, 5, 4, 3, 2, eleven minus the sum modulo 11.
fn is_rif(text: &[u8]) -> bool {
    let kind = match text.first() {
        Some(b'V') => 4,
        Some(b'E') => 8,
        Some(b'J' | b'C') => 12,
        Some(b'P') => 16,
        Some(b'G') => 20,
        _ => return false,
    };
    let digits = text.get(1..).unwrap_or_default();
    eleven(kind + weighted(digits, &[3, 2, 7, 6, 5, 4, 3, 2])).unwrap_or(0) == value(digits, 8)
}
