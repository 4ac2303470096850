//! Addresses that carry a password: `scheme://user:password@host`, of databases, brokers, proxies and repositories.

use super::Found;
use super::example::is_placeholder;
use crate::segment::Candidate;

/// Adds the addresses of a candidate. Any scheme counts, because the password is what matters.
pub(super) fn find(candidate: &Candidate<'_>, out: &mut Vec<Found>) {
    let text = candidate.text;
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.windows(3).position(|w| w == b"://")) {
        let colon = from + at;
        from = colon + 3;
        let mut start = colon;
        while start > 0
            && colon - start < 32
            && text
                .get(start - 1)
                .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        {
            start -= 1;
        }
        let rest = text.get(from..).unwrap_or_default();
        let Some(at_sign) = at_sign(rest) else { continue };
        let Some(user) = rest.get(..at_sign) else { continue };
        let password = match user.iter().position(|b| *b == b':') {
            Some(split) => user.get(split + 1..).unwrap_or_default(),
            // `https://token@host`: a key without a name. A user's name is shorter and has no such mixture.
            None if is_token(user) => user,
            None => continue,
        };
        if start == colon || password.is_empty() || is_placeholder(password) || is_named(password) {
            continue;
        }
        let host = rest.get(at_sign..).unwrap_or_default();
        let end = from + at_sign + host.iter().position(|b| *b == b' ').unwrap_or(host.len());
        let name = user.get(..user.len() - password.len()).unwrap_or_default();
        let name = name.strip_suffix(b":").unwrap_or(name);
        let percent = match (is_stand_in(name), is_stand_in(password)) {
            // `user:password` says what stands there, and `mongodb:mongodb` is no secret where nobody else comes.
            (true, true) if is_nobodys(host) => 40,
            _ if name == password && is_nobodys(host) => 40,
            // At a host with a name it may be true.
            (true, true) => 60,
            (false, true) => 70,
            _ => 95,
        };
        out.push(Found { start, end, category: "secret/connection_string", percent });
        from = end;
    }
}

/// Where the part before the host ends.
fn at_sign(rest: &[u8]) -> Option<usize> {
    let authority = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#' | b' ')).unwrap_or(rest.len());
    if let Some(at) = rest.get(..authority)?.iter().rposition(|b| *b == b'@') {
        return Some(at);
    }
    // An unescaped `/` or `#` in a password is common: an `@` shortly after it still ends the user part.
    let window = rest.get(..rest.len().min(256))?;
    let at = window.iter().position(|b| matches!(b, b'@' | b' ' | b'?'))?;
    let user = window.get(..at)?;
    (window.get(at) == Some(&b'@') && user.contains(&b':') && !user.contains(&b'.')).then_some(at)
}

/// The word for a password instead of one.
fn is_named(password: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] =
        [b"PASSWORD", b"PASS", b"PASSWD", b"PWD", b"TOKEN", b"SECRET", b"[PASSWORD]", b"pw"];
    WORDS.contains(&password) || matches!(password.first(), Some(b'[' | b'%' | b'*'))
}

/// A word that documentation writes for a name or a password.
fn is_stand_in(word: &[u8]) -> bool {
    const WORDS: [&str; 16] = [
        "user",
        "username",
        "usr",
        "login",
        "name",
        "myuser",
        "pass",
        "password",
        "passwd",
        "pwd",
        "secret",
        "mypassword",
        "postgres",
        "root",
        "guest",
        "admin",
    ];
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether some bytes behind the user part name the machine itself, a domain for documents (RFC 2606), or no host.
fn is_nobodys(host: &[u8]) -> bool {
    const OWN: [&str; 5] = ["localhost", "127.0.0.1", "[::1]", "host", "hostname"];
    let host = host.strip_prefix(b"@").unwrap_or(host);
    let length = host.iter().position(|b| matches!(b, b'/' | b'?' | b'#' | b' ')).unwrap_or(host.len());
    let host = host.get(..length).unwrap_or_default();
    let name = match host.iter().rposition(|b| *b == b':') {
        Some(port) if host.get(port + 1..).is_some_and(|p| p.iter().all(u8::is_ascii_digit)) => {
            host.get(..port).unwrap_or_default()
        }
        _ => host,
    };
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    OWN.iter().any(|own| is(own))
        || name
            .rsplit(|b| *b == b'.')
            .take(2)
            .any(|label| label.eq_ignore_ascii_case(b"example") || label.eq_ignore_ascii_case(b"invalid"))
}

fn is_token(user: &[u8]) -> bool {
    let digits = user.iter().filter(|b| b.is_ascii_digit()).count();
    user.len() >= 20 && digits >= 3 && user.len() - digits >= 4 && user.iter().all(u8::is_ascii_alphanumeric)
}
