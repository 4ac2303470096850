//! Vehicles, telephones and network cards.

use super::{DEVICE, VEHICLE};
use crate::pii::check::{luhn, number, repeats, value};
use crate::pii::row::{Row, any};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/device/mac",
        DEVICE,
        ("=**-**-**-**-**-**", ":-"),
        |text| text.iter().all(u8::is_ascii_hexdigit) && !repeats(text),
        [0, 85, 97],
        "mac|mac address|hwaddr|ether|ethernet|bssid|bluetooth|hardware address|physical address",
    ),
    Row::new(
        "pii/device/mac",
        DEVICE,
        ("=****-****-****", "."),
        |text| is_hardware(text) && text.iter().any(u8::is_ascii_alphabetic),
        [0, 75, 97],
        MAC_WORDS,
    ),
    Row::new("pii/device/mac", DEVICE, ("************", ""), is_hardware, [0, 0, 95], MAC_WORDS),
    Row::new(
        "pii/device/imei",
        DEVICE,
        ("99-999999-999999-9", " -/"),
        |text| luhn(text) && number(text, 0..2) > 0,
        [0, 80, 98],
        "imei|imei number|device id",
    ),
    Row::new(
        "pii/device/iccid",
        DEVICE,
        ("99999999999999999999|9999999999999999999|9999-9999-9999-9999-999", " "),
        |text| text.starts_with(b"89") && luhn(text),
        [0, 0, 97],
        "iccid|sim|sim card|sim number",
    ),
    Row::new(
        "pii/device/imsi",
        DEVICE,
        ("999999999999999", ""),
        |text| (200..=750).contains(&number(text, 0..3)),
        [0, 0, 92],
        "imsi",
    ),
    Row::new(
        "pii/vehicle/vin",
        VEHICLE,
        ("*************9999", ""),
        is_vin,
        [0, 0, 96],
        "vin|vehicle identification|chassis|frame number|vehicle|fahrgestell|fahrgestellnummer|fin|numero de chassis|\
         numero de bastidor|bastidor|telaio|车架号|車台番号",
    ),
    Row::new(
        "pii/vehicle/plate",
        VEHICLE,
        (
            "AA99-AAA|A{1,3}-AA-9{1,4}|A{1,3}-A-9{1,4}|AA-999-AA|9999-AAA|AAA-9999|AAA-999|AAA9A99|AA-99-AA-9999|AA-99-A-9999|\
             AA-99-99|99-AA-99|99-AAA-9|9-AAA-999|A-999-AA|9AAA999|AAA-99A",
            " -.",
        ),
        any,
        [0, 0, 85],
        "plate~|plates~|plate number|license plate|licence plate|number plate|registration plate|vehicle registration|reg number|tag number|\
         kennzeichen|nummernschild|immatriculation|plaque~|matricula|placa~|placas~|targa~|kenteken|rejestracyjny|\
         numer rejestracyjny|registreringsnummer|nummerplaat|车牌|車牌|ナンバープレート|номерной знак|госномер",
    ),
];

const MAC_WORDS: &str = "mac address|mac addr|mac~|hwaddr|bssid|hardware address|physical address|mac adresse|adresse mac|\
direccion mac|endereco mac|indirizzo mac";

/// Six bytes in hexadecimal digits, with some digits and not one again and again.
fn is_hardware(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_hexdigit) && text.iter().any(u8::is_ascii_digit) && !repeats(text)
}

/// ISO 3779 without I, O and Q, and the check digit of 49 CFR 565.15 at the ninth place: letters as 1 to 9, weights 8 to 2,
/// 10, 0, 9 to 2, modulo 11. Elsewhere than in North America it is optional, but then nothing tells a typo.
fn is_vin(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let known = !text.iter().any(|b| b"IOQ".contains(b)) && text.iter().any(u8::is_ascii_alphabetic);
    let ordinal = |at: usize| match text.get(at) {
        Some(b @ b'A'..=b'H') => u32::from(b - b'A') + 1,
        Some(b @ b'J'..=b'R') => u32::from(b - b'J') + 1,
        Some(b @ b'S'..=b'Z') => u32::from(b - b'S') + 2,
        _ => value(text, at),
    };
    let sum: u32 = WEIGHTS.iter().enumerate().map(|(at, weight)| ordinal(at) * weight).sum();
    let check = if text.get(8) == Some(&b'X') { 10 } else { ordinal(8) };
    known && (sum % 11 == check || !begins_in_north_america(text))
}

/// The first character of the world manufacturer identifier (ISO 3780): 1 to 5.
fn begins_in_north_america(text: &[u8]) -> bool {
    text.first().is_some_and(|b| (b'1'..=b'5').contains(b))
}
