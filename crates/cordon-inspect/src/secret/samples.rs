//! For every format a few samples made from its own structure, in the places where such a value stands.

#![allow(clippy::string_slice, reason = "samples are ASCII")]

use cordon_core::Channel;

use super::formats::{Alphabet, Check, Format, Mark, Tokens, base62, crc32};
use super::shape;
use super::table::FORMATS;
use crate::Engine;
use crate::segment::{Candidate, Shape};

/// Numbers that look random, the same in every run (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % count as u64).unwrap()
    }

    fn of(&mut self, alphabet: &str, count: usize) -> String {
        (0..count).map(|_| char::from(alphabet.as_bytes()[self.below(alphabet.len())])).collect()
    }
}

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const LOWER: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALNUM: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters that a generator of the format would draw from; the signs of an alphabet are the rarer ones.
const fn letters(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Upper => UPPER,
        Alphabet::Lower => LOWER,
        Alphabet::Hex | Alphabet::Uuid => HEX,
        _ => ALNUM,
    }
}

/// What follows the prefix of a format, of so many characters.
fn body(format: &Format, length: usize, draw: &mut Draw) -> String {
    match format.check {
        Check::Shape(form) => of_shape(form, length, draw),
        Check::Base32 => draw.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length),
        Check::Ends(end) => draw.of(letters(format.alphabet), length - end.len()) + end,
        Check::Crc62 => {
            let text = draw.of(ALNUM, length - 6);
            let sum = base62(crc32(text.as_bytes()));
            text + std::str::from_utf8(&sum).unwrap()
        }
        Check::NotDer => draw.of(LOWER, 1) + &draw.of(letters(format.alphabet), length - 1),
        Check::None => draw.of(letters(format.alphabet), length),
    }
}

/// A text of a [`shape`]; parts that may be longer are as short as makes so many characters in all.
fn of_shape(form: &str, length: usize, draw: &mut Draw) -> String {
    let mut spare = length - shape_least(form);
    let (mut rest, mut text) = (form.as_bytes(), String::new());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\'' {
            let end = after.iter().position(|b| *b == b'\'').unwrap();
            text += std::str::from_utf8(&after[..end]).unwrap();
            rest = &after[end + 1..];
            continue;
        }
        let from = match first {
            b'a' | b'b' | b'w' => ALNUM,
            b'd' => DIGITS,
            b'h' => HEX,
            b'l' => LOWER,
            b'u' => UPPER,
            sign => {
                text.push(char::from(*sign));
                rest = after;
                continue;
            }
        };
        let (least, most, after) = count(after);
        let more = spare.min(most - least);
        spare -= more;
        text += &draw.of(from, least + more);
        rest = after;
    }
    text
}

/// The fewest and most of a part, and what follows.
fn count(after: &[u8]) -> (usize, usize, &[u8]) {
    let number = |bytes: &[u8]| {
        let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        (std::str::from_utf8(&bytes[..digits]).unwrap().parse().unwrap(), digits)
    };
    let (least, digits): (usize, usize) = number(after);
    let after = &after[digits..];
    match after.first() {
        Some(b',') => {
            let (most, digits) = number(&after[1..]);
            (least, most, &after[1 + digits..])
        }
        Some(b'+') => (least, usize::MAX, &after[1..]),
        _ => (least, least, after),
    }
}

fn shape_least(form: &str) -> usize {
    let (mut rest, mut least) = (form.as_bytes(), 0);
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\'' {
            let end = after.iter().position(|b| *b == b'\'').unwrap();
            least += end;
            rest = &after[end + 1..];
        } else if matches!(first, b'a' | b'b' | b'd' | b'h' | b'l' | b'u' | b'w') {
            let (fewest, _, after) = count(after);
            least += fewest;
            rest = after;
        } else {
            least += 1;
            rest = after;
        }
    }
    least
}

/// Tokens of a format with so many characters behind what marks it.
fn tokens(format: &Format, length: usize, draw: &mut Draw) -> Vec<String> {
    match format.mark {
        Mark::Prefix(heads) | Mark::Weak(heads) => {
            heads.iter().map(|head| format!("{head}{}", body(format, length, draw))).collect()
        }
        Mark::Inside(mark, least, _) => {
            let head = draw.of(if mark == ":AA" { DIGITS } else { letters(format.alphabet) }, least);
            vec![format!("{head}{mark}{}", body(format, length, draw))]
        }
        Mark::Near(_) => vec![body(format, length, draw)],
    }
}

/// The lengths that a format's own generator could write.
fn lengths(format: &Format) -> Vec<usize> {
    let least = match format.check {
        Check::Shape(form) => format.least.max(shape_least(form)),
        _ => format.least,
    };
    let most = match (format.check, format.most) {
        (Check::Shape(form), most) => most.min(of_shape_most(form)).min(least + 200),
        (_, most) => most.min(least + 200),
    };
    if least == most { vec![least] } else { vec![least, most] }
}

fn of_shape_most(form: &str) -> usize {
    let (mut rest, mut all) = (form.as_bytes(), 0_usize);
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\'' {
            let end = after.iter().position(|b| *b == b'\'').unwrap();
            all += end;
            rest = &after[end + 1..];
        } else if matches!(first, b'a' | b'b' | b'd' | b'h' | b'l' | b'u' | b'w') {
            let (least, most, after) = count(after);
            all = all.saturating_add(if most == usize::MAX { 1 << 20 } else { most }).max(least);
            rest = after;
        } else {
            all += 1;
            rest = after;
        }
    }
    all
}

/// The texts in which a token of the format usually stands, with where the token is: settings, JSON, headers, URLs.
fn places(format: &Format, token: &str) -> Vec<String> {
    match format.mark {
        Mark::Near(words) => {
            let signs = |word: &str| {
                if word.starts_with(['?', '&']) {
                    vec![format!("GET https://store.example.net/box{word}{token}&se=2031")]
                } else if word.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                    vec![format!("{word}: {token}\n"), format!("{{\"{word}_key\": \"{token}\"}}")]
                } else if word.ends_with('}') {
                    vec![format!("userPassword: {word}{token}\n")]
                } else if word.ends_with('=') {
                    vec![format!("{word} {token}\n"), format!("{word} \"{token}\"\n")]
                } else {
                    vec![format!("{word}key: {token}\n"), format!("export {word}key=\"{token}\"\n")]
                }
            };
            words.iter().flat_map(|word| signs(word)).collect()
        }
        _ => vec![
            format!("value: {token}\n"),
            format!("{{\"value\": \"{token}\"}}"),
            format!("export VALUE={token}\n"),
            format!("use <{token}> there"),
        ],
    }
}

/// Whether the format alone finds all of the token in a candidate that holds nothing else.
fn alone(tokens: &Tokens, left: &str, token: &str) -> bool {
    let candidate = Candidate { left: left.as_bytes(), text: token.as_bytes() };
    let mut found = Vec::new();
    tokens.marked(&candidate, &mut found);
    tokens.near(&candidate, Shape::of(token.as_bytes()), &mut found);
    found.iter().any(|found| found.start == 0 && found.end == token.len())
}

const TRIES: usize = 6;

#[test]
fn every_format_finds_its_samples_where_they_usually_stand() {
    let engine = Engine::builtin();
    let mut draw = Draw(23);
    let mut missed = Vec::new();
    for format in FORMATS {
        for length in lengths(format) {
            // Chance may draw no digit, or what looks like an example: seldom, and never all of them.
            let mut seen: Vec<(String, usize)> = Vec::new();
            for _ in 0..TRIES {
                for token in tokens(format, length, &mut draw) {
                    for (at, text) in places(format, &token).into_iter().enumerate() {
                        let whole = text.find(&token).unwrap();
                        let found = engine.inspect(Channel::User, &text).iter().any(|f| {
                            f.category.as_str().starts_with("secret/")
                                && f.score >= cordon_core::Score::percent(50)
                                && f.span.start <= whole
                                && f.span.end >= whole + token.len()
                        });
                        if seen.len() <= at {
                            seen.push((text.clone(), 0));
                        }
                        if found {
                            seen[at].1 += 1;
                        } else {
                            seen[at].0 = text;
                        }
                    }
                }
            }
            for (text, count) in seen {
                if count < 2 {
                    missed.push(format!("{} {} ({count}): {text:?}", format.provider, format.name));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} are not found:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn every_format_is_found_by_itself_and_not_with_another_length_or_form() {
    let mut draw = Draw(24);
    let (mut blind, mut loose) = (Vec::new(), Vec::new());
    for format in FORMATS {
        let own = Tokens::of(std::slice::from_ref(format));
        let left = match format.mark {
            Mark::Near(words) => format!("{}: ", words[0]),
            _ => "value: ".to_owned(),
        };
        for length in lengths(format) {
            let drawn: Vec<String> = (0..40).flat_map(|_| tokens(format, length, &mut draw)).collect();
            let found = drawn.iter().filter(|token| alone(&own, &left, token)).count();
            if found * 3 < drawn.len() * 2 {
                blind.push(format!(
                    "{} {} of {length}: {found} of {}",
                    format.provider,
                    format.name,
                    drawn.len()
                ));
            }
        }
        for token in near_misses(format, &mut draw) {
            if alone(&own, &left, &token) {
                loose.push(format!("{} {}: {token}", format.provider, format.name));
            }
        }
    }
    assert!(blind.is_empty(), "{} cannot fire:\n{}", blind.len(), blind.join("\n"));
    assert!(loose.is_empty(), "{} near misses are found:\n{}", loose.len(), loose.join("\n"));
}

/// What is nearly a token: a character too few, one too many, and another sign where the form has one.
fn near_misses(format: &Format, draw: &mut Draw) -> Vec<String> {
    let mut misses = Vec::new();
    let lengths = lengths(format);
    let (least, most) = (lengths[0], *lengths.last().unwrap());
    for token in tokens(format, least, draw) {
        if least > 0 {
            misses.push(token[..token.len() - 1].to_owned());
        }
        if let Check::Shape(form) = format.check {
            let head = token.len() - least;
            if form.contains('-') && !matches!(form.as_bytes()[0], b'\'') {
                let at = head + token[head..].find('-').unwrap();
                misses.push(format!("{}0{}", &token[..at], &token[at + 1..]));
            }
        }
    }
    if most > 0 && (most == format.most || matches!(format.check, Check::Shape(form) if !form.contains('+')))
    {
        misses.extend(tokens(format, most, draw).into_iter().map(|token| token + "7"));
    }
    misses
}

#[test]
fn samples_have_their_shapes() {
    let mut draw = Draw(25);
    for format in FORMATS {
        if let Check::Shape(form) = format.check {
            for length in lengths(format) {
                let text = of_shape(form, length, &mut draw);
                assert!(shape::fits(form, text.as_bytes()), "{form} {text}");
                assert_eq!(text.len(), length, "{form} {text}");
            }
        }
    }
}
