//! E-mail addresses: RFC 5321 local parts as they are used, and `name [at] host [dot] com`.

use super::value;
use crate::detector::EMAIL;
use crate::segment::{Candidate, Value};

/// What names of files and services end with, and no host.
pub(super) const FILES: [&[u8]; 14] = [
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"css", b"js", b"ts", b"webp", b"html", b"service", b"json",
    b"md", b"py",
];

pub(super) fn find(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
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

/// How many letters a label begins with that is a top-level domain with something glued to it, a note's number, a hyphen or a word with a
/// digit: `com3`, `com-`, `comTel1`. Of those alone that no region is named with, as `eu-west-1` is.
fn glued(label: &[u8]) -> Option<usize> {
    const DOMAINS: [&[u8]; 6] = [b"com", b"org", b"net", b"edu", b"gov", b"info"];
    let letters = label.iter().position(|byte| !byte.is_ascii_alphabetic())?;
    let name = label.get(..letters)?;
    let begins =
        |domain: &&[u8]| name.get(..domain.len()).is_some_and(|head| head.eq_ignore_ascii_case(domain));
    DOMAINS.iter().any(begins).then_some(letters)
}

/// Where a host name with a top-level domain of letters ends.
fn host(text: &[u8], from: usize) -> Option<usize> {
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
        } else if label > from && !alphabetic {
            end = glued(name).map(|length| label + length).or(end);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_ends_with_its_top_level_domain() {
        let ends = |text: &str| host(text.as_bytes(), 0);
        let whole = ["example.com", "mail.example.org", "example.xn--p1ai", "example [dot] com"];
        assert!(whole.into_iter().all(|text| ends(text) == Some(text.len())));
        // What is glued to it by the number of a note, a hyphen or a dot is none of it.
        let glued = ["example.com3", "example.com-thanks", "example.com--", "example.com.", "example.ORG12"];
        assert!(glued.into_iter().all(|text| ends(text) == Some("example.com".len())));
        assert_eq!(ends("example.comTel1"), Some("example.comTel".len()));
        // Names of machines and files.
        let none = ["2x.png", "host", "rack.eu-west-1", "rack.n3", "example.-com", ""];
        assert!(none.into_iter().all(|text| ends(text).is_none()));
    }
}
