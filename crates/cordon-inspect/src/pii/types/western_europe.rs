//! Germany, France, the Netherlands, Belgium, Luxembourg, Austria and Switzerland.

use super::{COMPANY_ID, HEALTH_ID, NATIONAL_ID, PASSPORT, SOCIAL_ID, TAX_ID};
use crate::pii::check::{
    begins_with, is_day_month_year, luhn, mod_11_10, modulo, number, one_of, repeats, value, verhoeff,
    weighted,
};
use crate::pii::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/tax_id/de_steuer_id",
        TAX_ID,
        ("99-999-999-999", " /"),
        is_steuer_id,
        [0, 80, 97],
        "steuer|steuer id|steueridentifikationsnummer|steuernummer|idnr|id nr|identifikationsnummer|tin|tax id|tax|\
         steuer identifikationsnummer|steuerliche identifikationsnummer|finanzamt",
    ),
    Row::new(
        "pii/national_id/de_id_card",
        NATIONAL_ID,
        ("*********9|*********", " "),
        is_german_document,
        [0, 0, 95],
        "personalausweis|ausweis|ausweisnummer|personalausweisnummer|perso|identity card|id card",
    ),
    Row::new(
        "pii/passport/de",
        PASSPORT,
        ("*********9|*********", " "),
        is_german_document,
        [0, 0, 95],
        "reisepass|reisepassnummer|passnummer|german passport",
    ),
    Row::new(
        "pii/social_id/de_pension",
        SOCIAL_ID,
        ("99-999999-A-999", " "),
        is_german_pension,
        [45, 45, 98],
        "rentenversicherung|rentenversicherungsnummer|sozialversicherung|sozialversicherungsnummer|svnr|rvnr|sv nummer|\
         versicherungsnummer",
    ),
    Row::new(
        "pii/health_id/de_kvnr",
        HEALTH_ID,
        ("A999999999", " "),
        is_german_health,
        [0, 0, 96],
        "krankenkasse|krankenversicherung|krankenversichertennummer|versichertennummer|kvnr|gesundheitskarte|egk",
    ),
    Row::new(
        "pii/company_id/de_vat",
        COMPANY_ID,
        ("AA-999999999|999999999", " "),
        |text| match text {
            [b'D', b'E', digits @ ..] => mod_11_10(digits),
            _ => text.len() == 9 && mod_11_10(text),
        },
        [0, 0, 92],
        "ust|ust id|ustid|ust idnr|ustidnr|umsatzsteuer|umsatzsteuer id|mwst|vat|vat id|vat number",
    ),
    Row::new(
        "pii/social_id/fr_nir",
        SOCIAL_ID,
        ("9-99-99-9*-999-999-99", " -."),
        is_nir,
        [45, 95, 98],
        "nir|insee|securite sociale|numero de securite sociale|numero de secu|secu|vitale",
    ),
    Row::new(
        "pii/tax_id/fr_spi",
        TAX_ID,
        ("99-99-999-999-999", " "),
        |text| one_of(text, 0, b"0123") && modulo(text, 0..10, 511) == number(text, 10..13),
        [0, 80, 96],
        "numero fiscal|fiscal|spi|impots|impot|tax id|tin",
    ),
    Row::new(
        "pii/company_id/fr_siret",
        COMPANY_ID,
        ("999-999-999-99999", " "),
        luhn,
        [0, 0, 94],
        "siret|n siret|numero siret|etablissement",
    ),
    Row::new(
        "pii/company_id/fr_siren",
        COMPANY_ID,
        ("999-999-999", " "),
        luhn,
        [0, 0, 94],
        "siren|rcs|n siren",
    ),
    Row::new(
        "pii/national_id/fr_cni",
        NATIONAL_ID,
        ("9{12}|*********", ""),
        |text| text.iter().filter(|b| b.is_ascii_digit()).count() >= 2,
        [0, 0, 80],
        "carte d identite|carte nationale d identite|cni|carte identite",
    ),
    Row::new(
        "pii/national_id/nl_bsn",
        NATIONAL_ID,
        ("9999-99-999|999-999-999|99999999", " .-"),
        is_bsn,
        [0, 0, 97],
        "bsn|burgerservicenummer|sofinummer|sofi|burger service nummer|citizen service number",
    ),
    Row::new(
        "pii/tax_id/nl_vat",
        TAX_ID,
        ("AA-999999999-A99", " ."),
        is_dutch_vat,
        [80, 85, 97],
        "btw|btw id|btw nummer|vat|omzetbelasting",
    ),
    Row::new(
        "pii/national_id/be_national_number",
        NATIONAL_ID,
        ("99-99-99-999-99", " .-"),
        is_belgian,
        [0, 95, 98],
        "rijksregister|rijksregisternummer|registre national|numero national|national number|nationaal nummer|insz|niss|\
         nationalregister|numero de registre",
    ),
    Row::new(
        "pii/national_id/be_id_card",
        NATIONAL_ID,
        ("=999-9999999-99", "-"),
        |text| {
            let rest = modulo(text, 0..10, 97);
            number(text, 10..12) == if rest == 0 { 97 } else { rest }
        },
        [0, 85, 97],
        "eid|identiteitskaart|carte d identite|id card|kaartnummer|numero de carte",
    ),
    Row::new(
        "pii/company_id/be_vat",
        COMPANY_ID,
        ("9999-999-999|AA9999-999-999", " ."),
        |text| {
            let at = if text.starts_with(b"BE") { 2 } else { 0 };
            text.len() == at + 10
                && one_of(text, at, b"01")
                && 97 - modulo(text, at..at + 8, 97) == number(text, at + 8..at + 10)
        },
        [0, 80, 95],
        "btw|tva|ondernemingsnummer|kbo|bce|numero d entreprise|vat",
    ),
    Row::new(
        "pii/national_id/lu_matricule",
        NATIONAL_ID,
        ("9999-99-99-999-99", " -"),
        is_luxembourgish,
        [80, 92, 98],
        "matricule|numero national|matricule national|luxembourg",
    ),
    Row::new(
        "pii/social_id/at_svnr",
        SOCIAL_ID,
        ("9999-99-99-99", " -/"),
        is_austrian_social,
        [0, 0, 97],
        "svnr|sv nummer|sv nr|sozialversicherung|sozialversicherungsnummer|versicherungsnummer|svn|e card|ecard",
    ),
    Row::new(
        "pii/company_id/at_vat",
        COMPANY_ID,
        ("AAA-99999999", " "),
        is_austrian_vat,
        [75, 80, 96],
        "uid|uid nummer|ust|umsatzsteuer|vat",
    ),
    Row::new(
        "pii/social_id/ch_ahv",
        SOCIAL_ID,
        ("999-9999-9999-99", ". "),
        is_ahv,
        [88, 97, 99],
        "ahv|avs|ahv nummer|ahvn|sozialversicherungsnummer|numero avs|navs",
    ),
    Row::new(
        "pii/company_id/ch_uid",
        COMPANY_ID,
        ("AAA-999-999-999", "-."),
        is_swiss_company,
        [80, 92, 97],
        "uid|ide|mwst|tva|unternehmens identifikationsnummer",
    ),
];

/// Bundeszentralamt fuer Steuern: no 0 in front, one digit twice or three times among the first ten, ISO/IEC 7064 MOD 11,10.
fn is_steuer_id(text: &[u8]) -> bool {
    let head = text.get(..10).unwrap_or_default();
    let count = |digit: u8| head.iter().filter(|b| **b == digit).count();
    let most = (b'0'..=b'9').map(count).max().unwrap_or(0);
    let twice = (b'0'..=b'9').filter(|digit| count(*digit) > 1).count();
    !text.starts_with(b"0") && matches!(most, 2 | 3) && twice == 1 && mod_11_10(text)
}

/// Serial numbers of identity cards and passports (PAuswV, annex; ICAO Doc 9303): letters that cannot be taken for others,
/// then, where it is written, the check digit with weights 7, 3, 1.
fn is_german_document(text: &[u8]) -> bool {
    let serial = text.get(..9).unwrap_or_default();
    serial.iter().all(|b| b.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(b))
        && one_of(text, 0, b"CFGHJKLMNPRTVWXYZ")
        // One in seven has at most one digit before its check digit.
        && (text.len() > 9 || serial.iter().filter(|b| b.is_ascii_digit()).count() >= 2)
        && (text.len() == 9 || crate::pii::check::icao(serial) == value(text, 9))
}

/// Deutsche Rentenversicherung (VKVV, section 2): the letter as two digits, weights 2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1, sums
/// of digits, modulo 10.
fn is_german_pension(text: &[u8]) -> bool {
    let letter = text.get(8).map_or(0, |b| u32::from(b.saturating_sub(b'A')) + 1);
    let mut digits: Vec<u32> = (0..8).map(|at| value(text, at)).collect();
    digits.extend([letter / 10, letter % 10, value(text, 9), value(text, 10)]);
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 =
        digits.iter().zip(weights).map(|(digit, weight)| digit * weight / 10 + digit * weight % 10).sum();
    is_day_month_year(text, 2) && sum % 10 == value(text, 11)
}

/// GKV-Spitzenverband, Krankenversichertennummer (section 290 SGB V): the letter as two digits, weights 1 and 2 in turn,
/// sums of digits, modulo 10.
fn is_german_health(text: &[u8]) -> bool {
    let letter = text.first().map_or(0, |b| u32::from(b.saturating_sub(b'A')) + 1);
    let mut digits = vec![letter / 10, letter % 10];
    digits.extend((1..9).map(|at| value(text, at)));
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(i, digit)| digit * (1 + u32::from(i % 2 == 1)))
        .map(|product| product / 10 + product % 10)
        .sum();
    sum % 10 == value(text, 9)
}

/// INSEE, numero d'inscription au repertoire: sex, year, month, place with 2A and 2B for Corsica, and 97 minus the number
/// modulo 97.
fn is_nir(text: &[u8]) -> bool {
    let corsica = match text.get(6) {
        None => return false,
        Some(b'A') => 1,
        Some(b'B') => 2,
        Some(b) if b.is_ascii_digit() => 0,
        Some(_) => return false,
    };
    if corsica > 0 && text.get(5) != Some(&b'2') {
        return false;
    }
    // 2A counts as 19 and 2B as 18.
    let mut digits = text.to_vec();
    if let Some(place) = digits.get_mut(5..7).filter(|_| corsica > 0) {
        place.copy_from_slice(if corsica == 1 { b"19" } else { b"18" });
    }
    let month = number(&digits, 3..5);
    one_of(text, 0, b"123478")
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && 97 - modulo(&digits, 0..13, 97) == number(&digits, 13..15)
}

/// Rijksdienst voor Identiteitsgegevens, eleven-test: weights 9 to 2 and -1.
fn is_bsn(text: &[u8]) -> bool {
    let padded = [b"0".as_slice(), text].concat();
    let digits = if text.len() == 8 { &padded } else { text };
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    !repeats(text) && sum > 0 && sum % 11 == value(digits, 8)
}

/// Belastingdienst: the eleven-test of the old numbers, or ISO/IEC 7064 MOD 97-10 over letters and digits of those since
/// 2020.
fn is_dutch_vat(text: &[u8]) -> bool {
    let rest = text.iter().enumerate().fold(0, |rest, (i, _)| {
        let value = value(text, i);
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    text.starts_with(b"NL")
        && !text.ends_with(b"00")
        && text.get(11) == Some(&b'B')
        && (rest == 1 || text.get(2..11).is_some_and(is_bsn))
}

/// Rijksregister (royal decree of 3 April 1984): 97 minus the number modulo 97, with a 2 in front for births since 2000.
fn is_belgian(text: &[u8]) -> bool {
    let (month, day) = (number(text, 2..4), number(text, 4..6));
    let check = number(text, 9..11);
    let since = [b"2".as_slice(), text].concat();
    // Months are 20 or 40 higher in numbers for those who are in no register.
    month % 20 <= 12
        && day <= 31
        && !repeats(text)
        && (97 - modulo(text, 0..9, 97) == check || 97 - modulo(&since, 0..10, 97) == check)
}

/// Registre national (law of 19 June 2013): a date, Luhn over twelve digits and Verhoeff over the first eleven and the last.
fn is_luxembourgish(text: &[u8]) -> bool {
    let Some((last, head)) = text.split_last() else { return false };
    let body = [head.get(..11).unwrap_or_default(), &[*last]].concat();
    (1850..2100).contains(&number(text, 0..4))
        && crate::pii::check::is_date(number(text, 0..4), number(text, 4..6), number(text, 6..8))
        && luhn(head)
        && verhoeff(&body)
}

/// Dachverband der Sozialversicherungstraeger: the fourth digit is the others weighted 3, 7, 9, 5, 8, 4, 2, 1, 6 modulo 11.
fn is_austrian_social(text: &[u8]) -> bool {
    let sum = weighted(text, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    let month = number(text, 6..8);
    !text.starts_with(b"0")
        && (1..=31).contains(&number(text, 4..6))
        && (1..=13).contains(&month)
        && sum % 11 == value(text, 3)
}

/// Bundesministerium fuer Finanzen, UID: weights 1 and 2 in turn, sums of digits, (10 - (sum + 4) % 10) % 10.
fn is_austrian_vat(text: &[u8]) -> bool {
    let sum: u32 = (0..7)
        .map(|i| value(text, i + 3) * (1 + u32::from(i % 2 == 1)))
        .map(|product| product / 10 + product % 10)
        .sum();
    text.starts_with(b"ATU") && (10 - (sum + 4) % 10) % 10 == value(text, 10)
}

/// Zentrale Ausgleichsstelle: 756 and the check digit of EAN-13.
fn is_ahv(text: &[u8]) -> bool {
    text.starts_with(b"756") && ean(text)
}

/// GS1's check digit: weights 1 and 3 in turn.
fn ean(text: &[u8]) -> bool {
    let sum: u32 = (0..text.len())
        .rev()
        .enumerate()
        .map(|(i, at)| value(text, at) * [1, 3].get(i % 2).unwrap_or(&1))
        .sum();
    sum.is_multiple_of(10)
}

/// Bundesamt fuer Statistik, eCH-0097: weights 5, 4, 3, 2, 7, 6, 5, 4, eleven minus the sum modulo 11.
fn is_swiss_company(text: &[u8]) -> bool {
    let digits = text.get(3..).unwrap_or_default();
    begins_with(text, "CHE")
        && crate::pii::check::eleven(weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4])) == Some(value(digits, 8))
}
