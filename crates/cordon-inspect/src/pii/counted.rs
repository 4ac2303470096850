//! Numbers that are written as telephone numbers are and are none: of orders, parts and cases, draws of a lottery, hours of a day.

use crate::scanner::Context;

/// Words right before a number that say it counts something else.
const COUNTED: &[&str] = &[
    // English.
    "account",
    "batch",
    "bit",
    "bits",
    "build",
    "bytes",
    "case",
    "claim",
    "contract",
    "draw",
    "hours",
    "invoice",
    "item",
    "job",
    "line",
    "lot",
    "material",
    "model",
    "order",
    "page",
    "part",
    "policy",
    "po",
    "range",
    "rate",
    "ref",
    "reference",
    "release",
    "rev",
    "revision",
    "row",
    "serial",
    "shipment",
    "sku",
    "sum",
    "ticket",
    "time",
    "times",
    "total",
    "totals",
    "tracking",
    "value",
    "values",
    "version",
    // Lotteries.
    "euromillions",
    "eurojackpot",
    "loto",
    "lotto",
    "powerball",
    // German.
    "aktenzeichen",
    "artikel",
    "artikelnummer",
    "auftrag",
    "auftragsnummer",
    "bestellnummer",
    "bestellung",
    "charge",
    "konto",
    "kontonummer",
    "kundennummer",
    "lieferschein",
    "rechnung",
    "rechnungsnummer",
    "referenz",
    "sendungsnummer",
    "seriennummer",
    "teilenummer",
    "vertragsnummer",
    "vorgang",
    "vorgangsnummer",
    "zeit",
    "zeiten",
    // French, Spanish, Italian, Portuguese, Dutch.
    "commande",
    "facture",
    "dossier",
    "piece",
    "caso",
    "cuenta",
    "factura",
    "lote",
    "pedido",
    "fattura",
    "ordine",
    "conto",
    "fatura",
    "encomenda",
    "bestelling",
    "bestelnummer",
    "factuur",
    "factuurnummer",
    "ordernummer",
];
/// Words between them.
const BETWEEN: &[&str] =
    &["no", "nos", "nr", "num", "number", "numbers", "nummer", "numero", "n", "id", "code", "is"];
/// Bytes before a number in which they are looked for, and words.
const BEFORE: usize = 40;
const WORDS: usize = 3;

/// Whether the word right before a number says that it counts something else.
pub(super) fn is_counted(start: usize, context: &Context<'_>) -> bool {
    let mut text = context.text.slice(start.saturating_sub(BEFORE), start);
    for _ in 0..WORDS {
        while let [rest @ .., b' ' | b':' | b'#' | b'.' | b'=' | b'-' | b'('] = text {
            text = rest;
        }
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        let length = text.iter().rev().take_while(|byte| is_letter(byte)).count();
        let Some((rest, word)) = text.split_at_checked(text.len() - length) else { return false };
        let is_one = |words: &[&str]| words.iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes()));
        if is_one(COUNTED) {
            return true;
        }
        if !is_one(BETWEEN) {
            return false;
        }
        text = rest;
    }
    false
}

/// Whether groups are a draw, a count or hours of a day: two digits that rise and are all below 60 or run from 0 to 9, or four
/// that are a time each.
pub(super) fn is_sequence(digits: &[u8], lengths: &[usize]) -> bool {
    let all = |length: usize| lengths.len() > 1 && lengths.iter().all(|own| *own == length);
    if all(2) {
        let pairs = || {
            digits
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0_u16, |sum, digit| sum * 10 + u16::from(*digit)))
        };
        let rises = pairs().zip(pairs().skip(1)).all(|(one, next)| one < next);
        let runs =
            digits.iter().zip(digits.iter().skip(1)).all(|(one, next)| one.checked_add(1) == Some(*next));
        return runs || rises && pairs().all(|pair| pair < 60);
    }
    let is_time = |four: &[u8]| match four {
        [a, b, c, _] => (*a < 2 || *a == 2 && *b <= 4) && *c < 6,
        _ => false,
    };
    all(4) && digits.chunks_exact(4).all(is_time)
}
