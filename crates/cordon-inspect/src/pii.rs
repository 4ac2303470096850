//! Personal data with a form that can be checked: cards, IBANs, e-mail, phones, SSNs, IP and crypto addresses.

use cordon_core::{Category, Score};

use crate::checksum;
use crate::detector::{CARD, CRYPTO, Detector, EMAIL, IBAN, IP, PHONE, SSN};
use crate::segment::{Candidate, Shape, Value};

/// Adds what a candidate holds.
pub(crate) fn find(candidate: &Candidate<'_>, shape: Shape, out: &mut Vec<Value>) {
    if shape.at || shape.brackets {
        emails(candidate, out);
    }
    if shape.digits >= 7 {
        ibans(candidate, out);
        numbers(candidate, out);
    }
    if shape.digits >= 4 && shape.dots >= 3 {
        addresses_v4(candidate, out);
    }
    if shape.colons >= 2 && shape.len >= 8 {
        addresses_v6(candidate, out);
    }
    if shape.digits >= 2 && shape.len >= 25 {
        crypto(candidate, out);
    }
}

fn value(start: usize, end: usize, detector: Detector, category: &'static str, percent: u32) -> Value {
    Value { start, end, detector, category: Category::known(category), score: Score::percent(percent) }
}

/// The byte before `at`, in the candidate or in its context.
pub(crate) fn before(candidate: &Candidate<'_>, at: usize) -> Option<u8> {
    match at.checked_sub(1) {
        Some(i) => candidate.text.get(i).copied(),
        None => candidate.left.last().copied(),
    }
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80)
}

/// Whether one of the words stands near before `at`, as a whole word or the end of one (`order_id`).
pub(crate) fn context_has(candidate: &Candidate<'_>, at: usize, reach: usize, words: &[&str]) -> bool {
    let own = candidate.text.get(at.saturating_sub(reach)..at).unwrap_or_default();
    let left_len = reach.saturating_sub(own.len()).min(candidate.left.len());
    let left = candidate.left.get(candidate.left.len() - left_len..).unwrap_or_default();
    [left, own].iter().any(|bytes| words.iter().any(|word| contains_word(bytes, word.as_bytes())))
}

fn contains_word(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).enumerate().any(|(i, window)| {
        window.eq_ignore_ascii_case(word)
            && !bytes.get(i + word.len()).is_some_and(u8::is_ascii_alphabetic)
            && !i.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphabetic)
    })
}

// ---- e-mail (RFC 5321 local parts as they are used, and `name [at] host [dot] com`) ----

fn emails(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut from = 0;
    while let Some(at) =
        text.get(from..).and_then(|rest| rest.iter().position(|b| matches!(b, b'@' | b'[' | b'(')))
    {
        let at = from + at;
        from = at + 1;
        let plain = text.get(at) == Some(&b'@');
        let (host_from, mut local_end) = if plain {
            (at + 1, at)
        } else {
            match bracketed(text, at, b"at") {
                Some(end) => (skip_spaces(text, end), at),
                None => continue,
            }
        };
        while local_end > 0 && text.get(local_end - 1) == Some(&b' ') {
            local_end -= 1;
        }
        let host_from = if plain { skip_spaces(text, host_from) } else { host_from };
        let mut start = local_end;
        while start > 0 && local_end - start < 64 && text.get(start - 1).copied().is_some_and(is_local) {
            start -= 1;
        }
        while start < local_end
            && text
                .get(start)
                .copied()
                .is_some_and(|b| matches!(b, b'.' | b'-' | b'+' | b'%' | b'=' | b'/' | b'*'))
        {
            start += 1;
        }
        let Some(end) = host(text, host_from) else { continue };
        if start == local_end || host_from - at > 8 {
            continue;
        }
        let local = text.get(start..local_end).unwrap_or_default();
        // `git@host` and the like are services; `icon@2x.png` is a file.
        let percent = if local == b"git" || local == b"hg" || local == b"svn" { 30 } else { 95 };
        out.push(value(start, end, EMAIL, "pii/email", percent));
        from = end;
    }
}

const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'*' | b'~' | b'!' | b'$' | b'^')
}

fn skip_spaces(text: &[u8], mut at: usize) -> usize {
    while text.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// Where `[word]` or `(word)` that opens at `at` ends.
fn bracketed(text: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    let inner = skip_spaces(text, at + 1);
    let after = skip_spaces(text, inner + word.len());
    let same = text.get(inner..inner + word.len())?.eq_ignore_ascii_case(word);
    let closes = matches!((text.get(at)?, text.get(after)?), (b'[', b']') | (b'(', b')'));
    (same && closes).then_some(after + 1)
}

/// Where a host name with a top-level domain of letters ends.
fn host(text: &[u8], from: usize) -> Option<usize> {
    const FILES: [&[u8]; 14] = [
        b"png", b"jpg", b"jpeg", b"gif", b"svg", b"css", b"js", b"ts", b"webp", b"html", b"service", b"json",
        b"md", b"py",
    ];
    let (mut at, mut label, mut end) = (from, from, None);
    loop {
        while text.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'-') && at - from < 255 {
            at += 1;
        }
        let name = text.get(label..at)?;
        if name.is_empty() || name.first() == Some(&b'-') {
            return end;
        }
        let alphabetic = name.iter().all(u8::is_ascii_alphabetic) || name.starts_with(b"xn--");
        let file = FILES.iter().any(|file| name.eq_ignore_ascii_case(file));
        if label > from && alphabetic && (2..=24).contains(&name.len()) && !file {
            end = Some(at);
        }
        let dot = skip_spaces(text, at);
        label = match text.get(at) {
            Some(b'.') => at + 1,
            _ => match bracketed(text, dot, b"dot") {
                Some(after) => skip_spaces(text, after),
                None => return end,
            },
        };
        at = label;
    }
}

// ---- numbers ----

/// A group of digits in a number.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: usize,
    end: usize,
    /// The separators before it, as one byte; 0 for several different ones.
    separator: u8,
}

/// A number as it is written: groups of digits with separators between them.
struct Number<'a> {
    text: &'a [u8],
    groups: &'a [Group],
}

impl Number<'_> {
    fn digits(&self) -> usize {
        self.groups.iter().map(|group| group.end - group.start).sum()
    }
    fn values(&self) -> Vec<u8> {
        let groups = self.groups.iter().filter_map(|group| self.text.get(group.start..group.end));
        groups.flatten().map(|b| b - b'0').collect()
    }
    fn start(&self) -> usize {
        self.groups.first().map_or(0, |group| group.start)
    }
    fn end(&self) -> usize {
        self.groups.last().map_or(0, |group| group.end)
    }
    /// The one separator used between all groups.
    fn separator(&self) -> Option<u8> {
        let first = self.groups.get(1)?.separator;
        self.groups.iter().skip(1).all(|group| group.separator == first).then_some(first)
    }
    fn lengths(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.end - group.start).collect()
    }
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
}

fn numbers(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while i < text.len() {
        if !text.get(i).is_some_and(u8::is_ascii_digit) || is_word(before(candidate, i)) {
            i += 1;
            continue;
        }
        let mut groups = Vec::new();
        let mut separator = 0;
        loop {
            let start = i;
            while text.get(i).is_some_and(u8::is_ascii_digit) {
                i += 1;
            }
            groups.push(Group { start, end: i, separator });
            let mut next = i;
            while next - i < 3 && text.get(next).copied().is_some_and(is_separator) {
                next += 1;
            }
            if next == i || !text.get(next).is_some_and(u8::is_ascii_digit) {
                break;
            }
            let between = text.get(i..next).unwrap_or_default();
            separator = if between.len() == 1 { between.first().copied().unwrap_or(0) } else { 0 };
            i = next;
        }
        if is_word(text.get(i).copied()) && text.get(i) != Some(&b'x') && text.get(i) != Some(&b'e') {
            groups.pop();
        }
        number(candidate, &groups, out);
        i += 1;
    }
}

/// The values in one number: cards first, then SSNs, then phones in what is left.
fn number(candidate: &Candidate<'_>, groups: &[Group], out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut at = 0;
    while at < groups.len() {
        let rest = groups.get(at..).unwrap_or_default();
        let longest = rest.len().min(8);
        let found = (1..=longest).rev().find_map(|count| {
            let number = Number { text, groups: rest.get(..count)? };
            let whole = rest.get(count).is_none();
            card(candidate, &number, whole).map(|found| (count, found))
        });
        let found = found.or_else(|| {
            (1..=longest).rev().find_map(|count| {
                let number = Number { text, groups: rest.get(..count)? };
                let whole = at == 0 && count == rest.len();
                ssn(candidate, &number, whole)
                    .or_else(|| phone(candidate, &number, whole))
                    .map(|found| (count, found))
            })
        });
        match found {
            Some((count, value)) => {
                out.push(value);
                at += count;
            }
            None => at += 1,
        }
    }
}

const NOT_CARD: [&str; 12] = [
    "tracking",
    "order",
    "invoice",
    "id",
    "serial",
    "reference",
    "ref",
    "imei",
    "isbn",
    "timestamp",
    "parcel",
    "shipment",
];
const CARD_WORDS: [&str; 13] = [
    "card",
    "credit",
    "debit",
    "visa",
    "mastercard",
    "amex",
    "pan",
    "cc",
    "payment",
    "maestro",
    "karte",
    "carte",
    "tarjeta",
];

fn card(candidate: &Candidate<'_>, number: &Number<'_>, whole: bool) -> Option<Value> {
    let count = number.digits();
    if !(12..=19).contains(&count) {
        return None;
    }
    let digits = number.values();
    let lengths = number.lengths();
    let grouped = match number.groups.len() {
        1 => false,
        2 => return None,
        _ => {
            let form = matches!(
                lengths.as_slice(),
                [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 1..=3] | [4, 4, 4, 1..=3]
            );
            if !form || !matches!(number.separator(), Some(b' ' | b'-' | b'.')) {
                return None;
            }
            true
        }
    };
    if !grouped && !whole || !checksum::luhn(&digits) {
        return None;
    }
    let named = || context_has(candidate, number.start(), 60, &CARD_WORDS);
    let percent = match issuer(&digits) {
        Issuer::Known if named() => 99,
        Issuer::Known if grouped => 95,
        Issuer::Known if context_has(candidate, number.start(), 40, &NOT_CARD) => 40,
        Issuer::Known => 85,
        Issuer::Possible if named() => 90,
        Issuer::Possible if grouped => 60,
        _ => return None,
    };
    Some(value(number.start(), number.end(), CARD, "pii/card", percent))
}

enum Issuer {
    Known,
    Possible,
    None,
}

/// Issuer identification numbers with their lengths (ISO/IEC 7812 ranges as the schemes publish them).
fn issuer(digits: &[u8]) -> Issuer {
    let prefix = |n: usize| digits.iter().take(n).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    let length = digits.len();
    match (prefix(4), length) {
        (4000..=4999, 13 | 16 | 19)
        | (5100..=5599 | 2221..=2720, 16)
        | (3400..=3499 | 3700..=3799, 15)
        | (6011 | 6440..=6599, 16..=19)
        | (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14)
        | (3528..=3589, 16..=19)
        | (2200..=2204, 16..=19) => Issuer::Known,
        (6200..=6299, 16..=19) => Issuer::Known,
        (5000..=5099 | 5600..=5899 | 6000..=6999 | 8100..=8299, 12..=19)
        | (2014 | 2149, 15)
        | (1800 | 2131, 15) => Issuer::Possible,
        _ => Issuer::None,
    }
}

fn ssn(candidate: &Candidate<'_>, number: &Number<'_>, whole: bool) -> Option<Value> {
    const WORDS: [&str; 5] = ["ssn", "ssns", "social security", "social", "taxpayer"];
    if number.digits() != 9 || !whole {
        return None;
    }
    let digits = number.values();
    let of = |from: usize, count: usize| {
        digits.iter().skip(from).take(count).fold(0_u32, |sum, d| sum * 10 + u32::from(*d))
    };
    // Never issued (SSA): area 000, 666, 900 to 999; group 00; serial 0000.
    if matches!(of(0, 3), 0 | 666 | 900..) || of(3, 2) == 0 || of(5, 4) == 0 {
        return None;
    }
    let named = context_has(candidate, number.start(), 60, &WORDS);
    let percent = match (number.lengths().as_slice(), number.separator()) {
        ([3, 2, 4], Some(b'-' | b' ' | b'.')) if named => 98,
        ([3, 2, 4], Some(b'-')) => 88,
        ([3, 2, 4], Some(b' ')) => 70,
        ([9], _) if named => 90,
        _ => return None,
    };
    Some(value(number.start(), number.end(), SSN, "pii/ssn", percent))
}

const PHONE_WORDS: [&str; 26] = [
    "phone",
    "tel",
    "telephone",
    "call",
    "mobile",
    "cell",
    "whatsapp",
    "fax",
    "text",
    "sms",
    "reach",
    "dial",
    "number",
    "contact",
    "telefon",
    "handy",
    "mobil",
    "telefono",
    "portable",
    "ring",
    "signal",
    "at",
    "calling",
    "hotline",
    "office",
    "ext",
];

fn phone(candidate: &Candidate<'_>, number: &Number<'_>, whole: bool) -> Option<Value> {
    let count = number.digits();
    if !(7..=15).contains(&count) || !whole {
        return None;
    }
    let mut start = number.start();
    let opened = start > 0 && candidate.text.get(start - 1) == Some(&b'(');
    if opened {
        start -= 1;
    }
    let plus = start > 0 && candidate.text.get(start - 1) == Some(&b'+');
    if plus {
        start -= 1;
    }
    let digits = number.values();
    let digit = |i: usize| digits.get(i).copied().unwrap_or(0);
    let lengths = number.lengths();
    let slashed = number.separator() == Some(b'/');
    let dotted = number.separator() == Some(b'.');
    let nanp = |at: usize| digit(at) >= 2 && digit(at + 3) >= 2;
    let named = || context_has(candidate, start, 40, &PHONE_WORDS);
    let percent = match lengths.as_slice() {
        _ if plus && count >= 8 && digit(0) != 0 => {
            if named() {
                97
            } else {
                92
            }
        }
        [3, 3, 4] if nanp(0) => {
            if named() {
                95
            } else {
                80
            }
        }
        [1, 3, 3, 4] if digit(0) == 1 && nanp(1) => {
            if named() {
                95
            } else {
                85
            }
        }
        [3, 1, 3, 3, 4] | [3, 3, 3, 4] | [2, 3, 3, 4] if digit(0) == 0 => 85,
        [10] if nanp(0) && named() => 80,
        [11] if digit(0) == 1 && nanp(1) && named() => 80,
        [3, 4] if !dotted && !slashed && digit(0) >= 2 && named() => 60,
        [10..=14] if digit(0) == 0 && digit(1) == 0 && named() => 75,
        [10 | 11] if digit(0) == 0 && named() => 75,
        // National forms elsewhere: a trunk prefix and at least two groups.
        [first, _, ..]
            if digit(0) == 0 && (9..=14).contains(&count) && !dotted && (2..=6).contains(first) =>
        {
            if named() { 85 } else { 60 }
        }
        [_, _, ..] if !dotted && (8..=12).contains(&count) && !date_like(&lengths) && named() => 65,
        _ => return None,
    };
    let mut end = number.end();
    // An extension belongs to the number: `x123`.
    if candidate.text.get(end) == Some(&b'x') {
        let digits = candidate
            .text
            .get(end + 1..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        if (1..=6).contains(&digits) {
            end += 1 + digits;
        }
    }
    Some(value(start, end, PHONE, "pii/phone", percent))
}

fn date_like(lengths: &[usize]) -> bool {
    matches!(lengths, [4, 1..=2, 1..=2, ..] | [1..=2, 1..=2, 2 | 4, ..] | [4, 4])
}

// ---- IBAN ----

fn ibans(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while let Some([a, b, c, d]) = text.get(i..i + 4).and_then(|four| <[u8; 4]>::try_from(four).ok()) {
        let head =
            a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit();
        if !head || is_word(before(candidate, i)) {
            i += 1;
            continue;
        }
        match checksum::iban_length(&[a, b]).and_then(|length| iban_at(text, i, length)) {
            Some(end) => {
                out.push(value(i, end, IBAN, "pii/iban", 98));
                i = end;
            }
            None => i += 4,
        }
    }
}

/// Where the IBAN of this length that begins at `from` ends.
fn iban_at(text: &[u8], from: usize, length: usize) -> Option<usize> {
    let mut characters = Vec::with_capacity(length);
    let mut at = from;
    while characters.len() < length {
        match text.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => characters.push(*byte),
            Some(b' ' | b'-' | b'.') if text.get(at - 1).is_some_and(u8::is_ascii_alphanumeric) => {}
            _ => return None,
        }
        at += 1;
    }
    (!is_word(text.get(at).copied()) && checksum::iban(&characters)).then_some(at)
}

// ---- IP ----

fn addresses_v4(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while i < text.len() {
        let starts = text.get(i).is_some_and(u8::is_ascii_digit)
            && !is_word(before(candidate, i))
            && !matches!(before(candidate, i), Some(b'.' | b'-'));
        if !starts {
            i += 1;
            continue;
        }
        let end = i + text
            .get(i..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        let run = text.get(i..end).unwrap_or_default();
        let trimmed = run.strip_suffix(b".").unwrap_or(run);
        let parsed = std::str::from_utf8(trimmed).ok().and_then(|s| s.parse::<std::net::Ipv4Addr>().ok());
        if let Some(address) = parsed.filter(|_| !is_word(text.get(end).copied())) {
            let version =
                context_has(candidate, i, 16, &["version", "v", "release", "section", "chapter", "build"]);
            let percent = match address {
                _ if version => 20,
                _ if address.is_loopback() || address.is_unspecified() || address.is_broadcast() => 20,
                _ if address.is_private() || address.is_link_local() || address.is_multicast() => 45,
                _ if address.octets().iter().all(|octet| *octet < 10) => 55,
                _ => 85,
            };
            out.push(value(i, i + trimmed.len(), IP, "pii/ip", percent));
        }
        i = end.max(i + 1);
    }
}

fn addresses_v6(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let part = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    let mut i = 0;
    while i < text.len() {
        let length = text.get(i..).unwrap_or_default().iter().take_while(|b| part(b)).count();
        let run = text.get(i..i + length).unwrap_or_default();
        if (8..=46).contains(&length)
            && !is_word(before(candidate, i))
            && !is_word(text.get(i + length).copied())
        {
            let trimmed = run
                .strip_suffix(b".")
                .or_else(|| run.strip_suffix(b":").filter(|r| !r.ends_with(b":")))
                .unwrap_or(run);
            let parsed = std::str::from_utf8(trimmed).ok().and_then(|s| s.parse::<std::net::Ipv6Addr>().ok());
            let groups = trimmed.iter().filter(|b| **b == b':').count();
            if let Some(address) = parsed.filter(|_| groups >= 3 && trimmed.iter().any(u8::is_ascii_digit)) {
                let local = address.is_loopback() || address.is_unspecified() || address.is_multicast();
                out.push(value(i, i + trimmed.len(), IP, "pii/ip", if local { 30 } else { 85 }));
            }
        }
        i += length.max(1);
    }
}

// ---- crypto addresses ----

fn crypto(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while i < text.len() {
        let length =
            text.get(i..).unwrap_or_default().iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let run = text.get(i..i + length).unwrap_or_default();
        let bounded = before(candidate, i) != Some(b'_') && text.get(i + length) != Some(&b'_');
        let found = match run {
            [b'1' | b'3', ..] if (26..=35).contains(&length) => {
                matches!(checksum::base58check(run), Some(0 | 5)).then_some(97)
            }
            [b'b' | b'B', b'c' | b'C', b'1', ..] if (14..=90).contains(&length) => {
                checksum::bech32(run).then_some(97)
            }
            [b'0', b'x' | b'X', hex @ ..] if hex.len() == 40 && hex.iter().all(u8::is_ascii_hexdigit) => {
                let mixed = hex.iter().any(u8::is_ascii_uppercase) && hex.iter().any(u8::is_ascii_lowercase);
                checksum::eip55(hex).then_some(if mixed { 95 } else { 80 })
            }
            _ => None,
        };
        if let Some(percent) = found.filter(|_| bounded) {
            out.push(value(i, i + length, CRYPTO, "pii/crypto", percent));
        }
        i += length.max(1);
    }
}
