//! Passports, licences and postcodes: forms without a check, which count only where a word names them.

use super::{LICENCE, PASSPORT, POSTCODE};
use crate::pii::check::{one_of, repeats};
use crate::pii::row::Row;

const PASSPORT_WORDS: &str = "passport|passports|passport number|passport no|reisepass|passeport|pasaporte|passaporto|\
passaporte|paspoort|pas:|pas nr|pas no|numero de passeport|pass nr|passnummer|paszport|paszportu|pasport|pasaport|passi|pass number|cestovni pas|utlevel|\
pasaportul|паспорт|паспорта|护照|護照|旅券|パスポート|여권|جواز|דרכון|διαβατήριο|हवाई|पासपोर्ट|หนังสือเดินทาง|hộ chiếu";

const LICENCE_WORDS: &str = "driver license|drivers license|driver s license|driving license|driver licence|drivers licence|\
driver s licence|driving licence|license number~|licence number~|license no~|dl:|dl number|dl no|dln:|permis:|permis de conduire|\
fuhrerschein|fuhrerscheinnummer|permiso de conducir|licencia de conducir|carnet de conducir|patente:|patente di guida|numero patente|\
carta de conducao|rijbewijs|rijbewijsnummer|prawo jazdy|korkort|kjorekort|korekort|ajokortti|ridicsky prukaz|\
водительское удостоверение|驾驶证|駕駛執照|運転免許|운전면허|رخصة القيادة|רישיון נהיגה";

const POSTCODE_WORDS: &str = "zip~|zip code|zipcode|postal|postal code|postcode|post code|plz|postleitzahl|code postal|cp:|\
codigo postal|cap:|cep|postnummer|postnr|kod pocztowy|iranyitoszam|eircode|pincode|pin code|邮编|郵便番号|우편번호|индекс|\
postinumero";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/passport/number",
        PASSPORT,
        ("9{8,9}|A9{6,9}|AA9{6,8}|99AA99999|AAA9{5,7}|A99A99999|99-99-999999|99-9999999|A99999999", " "),
        |text| !repeats(text),
        [0, 0, 90],
        PASSPORT_WORDS,
    ),
    Row::new(
        "pii/licence/driving",
        LICENCE,
        ("~*{6,18}", "- "),
        |text| text.iter().filter(|b| b.is_ascii_digit()).count() >= 4 && !repeats(text),
        [0, 0, 80],
        LICENCE_WORDS,
    )
    .near(28),
    Row::new(
        "pii/postcode",
        POSTCODE,
        ("99999-9999|99999|9{4}|9{6}|99999-999|99-999|999-99|999-9999", "- "),
        |text| !repeats(text),
        [0, 0, 45],
        POSTCODE_WORDS,
    ),
    Row::new(
        "pii/postcode",
        POSTCODE,
        ("A9-9AA|A99-9AA|AA9-9AA|AA99-9AA|A9A-9AA|AA9A-9AA", " "),
        |text| {
            let inward = text.get(text.len().saturating_sub(2)..).unwrap_or_default();
            !one_of(text, 0, b"QVX") && !inward.iter().any(|b| b"CIKMOV".contains(b))
        },
        [0, 0, 45],
        POSTCODE_WORDS,
    ),
    Row::new(
        "pii/postcode",
        POSTCODE,
        ("A9A-9A9|9999-AA|A99-****|AAA-9999", " "),
        |text| !one_of(text, 0, b"DFIOQUWZ"),
        [0, 0, 45],
        POSTCODE_WORDS,
    ),
];
