//! Credentials: tokens with a provider's form, JWTs, connection strings, and values that are called a password or key.

mod connection;
mod cookie;
mod example;
mod formats;
mod jwt;
mod keys;
mod named;
mod names;
mod published;
#[cfg(test)]
mod samples;
mod shape;
mod table;
mod told;

use cordon_core::{Category, Score};

pub(crate) use self::formats::Tokens;
pub(crate) use self::named::{is_open_password, password_end};
pub(crate) use self::names::{NAMING, follows_key};
use crate::detector::{CONNECTION, GENERIC, JWT, PRIVATE_KEY, TOKEN};
use crate::segment::{Candidate, Shape, Value};

/// How sure it is that a value is a credential whose own check sum says that nobody was given it.
const DOUBTFUL: u32 = 45;

/// A credential in a candidate: bytes `start..end` of it.
struct Found {
    start: usize,
    end: usize,
    category: &'static str,
    percent: u32,
}

/// Adds what a candidate holds.
pub(crate) fn find(candidate: &Candidate<'_>, shape: Shape, tokens: &Tokens, out: &mut Vec<Value>) {
    let mut found = formed(candidate, shape, tokens);
    if found.is_empty() {
        found.extend(keys::of_json(candidate));
    }
    // What says less is only asked where nothing was found that is sure.
    if found.iter().all(|found| found.percent == DOUBTFUL) {
        let mut named = Vec::new();
        named::find(candidate, shape, &mut named);
        for named in named {
            // What is called a key is one, whatever its sum says, and it is of the kind that it looks like.
            match found.iter_mut().find(|found| named.start < found.end && found.start < named.end) {
                Some(found) => {
                    (found.start, found.end) = (found.start.min(named.start), found.end.max(named.end));
                    found.percent = found.percent.max(named.percent);
                }
                None => found.push(named),
            }
        }
    }
    add(found, out);
}

/// Adds what shows its form in a candidate, whatever it is called.
pub(crate) fn find_formed(candidate: &Candidate<'_>, shape: Shape, tokens: &Tokens, out: &mut Vec<Value>) {
    add(formed(candidate, shape, tokens), out);
}

fn formed(candidate: &Candidate<'_>, shape: Shape, tokens: &Tokens) -> Vec<Found> {
    let mut found = Vec::new();
    if shape.len >= 16 && (shape.digits > 0 || shape.other > 0) {
        tokens.marked(candidate, &mut found);
        jwt::find(candidate, &mut found);
    }
    if shape.colons > 0 && shape.at {
        connection::find(candidate, &mut found);
    }
    if shape.len >= 51 && shape.digits > 0 {
        keys::of_wallets(candidate, &mut found);
    }
    if found.is_empty() {
        tokens.near(candidate, shape, &mut found);
    }
    found
}

fn add(found: Vec<Found>, out: &mut Vec<Value>) {
    out.extend(found.into_iter().map(|found| Value {
        start: found.start,
        end: found.end,
        detector: match found.category {
            "secret/private_key" => PRIVATE_KEY,
            "secret/jwt" => JWT,
            "secret/connection_string" => CONNECTION,
            "secret/generic" => GENERIC,
            _ => TOKEN,
        },
        category: Category::known(found.category),
        score: Score::percent(found.percent),
    }));
}

/// A length without the punctuation of a sentence at the end.
fn trim(bytes: &[u8], mut length: usize) -> usize {
    while length > 0 && matches!(bytes.get(length - 1), Some(b'.' | b'-' | b'/')) {
        length -= 1;
    }
    length
}
