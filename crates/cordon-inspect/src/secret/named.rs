//! Values that are called a password, a secret, a token or a key, in code, settings, headers and commands.

use super::Found;
use super::example::{changes, contains, entropy, is_example, is_placeholder, is_reference};
use super::names::{
    Key, is_name, key, key_before, last_name, loose_key, password_option, trimmed, user_option,
};
use super::{cookie, published, told};
use crate::decode;
use crate::segment::{Candidate, Shape};

const CATEGORY: &str = "secret/generic";
/// Names looked at in one candidate.
const MAX_NAMES: usize = 8;

/// Adds the values of a candidate.
pub(super) fn find(candidate: &Candidate<'_>, shape: Shape, out: &mut Vec<Found>) {
    let text = candidate.text;
    let found = |start: usize, length: usize, percent: u32| {
        Some(Found { start, end: start + length, category: CATEGORY, percent })
    };
    if let Some(password) = told::of_network(candidate.left, text) {
        if password.len() >= 5 && !is_stand_in(password) {
            out.extend(found(text.len() - password.len(), password.len(), 90));
        }
        return;
    }
    let stated = user_and_password(candidate).or_else(|| option_and_password(candidate));
    if let Some((start, length, percent)) = stated {
        out.extend(found(start, length, percent));
        return;
    }
    if let Some(key) = key_before(candidate.left) {
        // In quotation marks all of it is the value, if it is not a sentence.
        let quoted = matches!(candidate.left.last(), Some(b'"' | b'\'' | b'`'));
        let sentence = text.iter().filter(|b| **b == b' ').count() > 1 && changes(text) < 45;
        let firm =
            quoted || matches!(trimmed(candidate.left).last(), Some(b'=')) || password_option(candidate.left);
        let length = if quoted && !sentence { text.len() } else { value_length(text) };
        if is_cut(text, length) {
            return;
        }
        if let Some(percent) = judge(key, text.get(..length).unwrap_or_default(), firm) {
            out.extend(found(0, length, percent));
            return;
        }
    }
    let from = out.len();
    assigned(candidate, out);
    if out.len() > from || shape.digits < 3 || shape.len < 16 {
        return;
    }
    // `KEY value` and `my-key-value` say less: the value must look like nothing else.
    let spaced = matches!(candidate.left.last(), Some(b' ')) && loose_key(trimmed(candidate.left));
    let start = if spaced { Some(0) } else { glued(text) };
    if let Some(start) = start {
        let rest = text.get(start..).unwrap_or_default();
        let length = value_length(rest);
        if is_token(rest.get(..length).unwrap_or_default()) {
            out.extend(found(start, length, 60));
        }
    }
}

/// Adds what stands behind the names in the candidate itself: `?token=value&key=value`, `name:value`.
fn assigned(candidate: &Candidate<'_>, out: &mut Vec<Found>) {
    let text = candidate.text;
    let mut from = 0;
    for _ in 0..MAX_NAMES {
        let Some(at) = text.get(from..).and_then(|rest| rest.iter().position(|b| matches!(b, b'=' | b':')))
        else {
            return;
        };
        let at = from + at;
        let name = last_name(text.get(from..at).unwrap_or_default());
        let mut start = at + 1;
        while matches!(text.get(start), Some(b'=' | b':' | b' ')) {
            start += 1;
        }
        // A word of another script is no part of the candidate.
        let other = || told::named(candidate.left, true).filter(|_| at == 0);
        if let Some(key) = Some(name).filter(|name| name.len() >= 3).and_then(key).or_else(other) {
            let rest = text.get(start..).unwrap_or_default();
            let length = value_length(rest);
            let firm = text.get(at) == Some(&b'=');
            if is_cut(rest, length) {
                return;
            }
            if let Some(percent) = judge(key, rest.get(..length).unwrap_or_default(), firm) {
                out.push(Found { start, end: start + length, category: CATEGORY, percent });
                from = start + length;
                continue;
            }
        } else if let Some(found) = of_cookie(candidate, name, at, start) {
            from = found.end;
            out.push(found);
            continue;
        } else if loose_key(name) {
            let rest = text.get(start..).unwrap_or_default();
            let length = value_length(rest);
            if is_token(rest.get(..length).unwrap_or_default()) {
                out.push(Found { start, end: start + length, category: CATEGORY, percent: 60 });
                return;
            }
        }
        from = start;
    }
}

/// The value from `start` on of a cookie whose name ends at `at`.
fn of_cookie(candidate: &Candidate<'_>, name: &[u8], at: usize, start: usize) -> Option<Found> {
    if candidate.text.get(at) != Some(&b'=') {
        return None;
    }
    let before = candidate.text.get(..at - name.len())?;
    // A wide line of base64 goes on in the next one; a header does not.
    let rest = candidate.text.get(start..)?.split(|b| matches!(b, b'\n' | b'\r')).next()?;
    let value = rest.get(..value_length(rest))?;
    let percent = cookie::judge(candidate.left, before, name, value)?;
    Some(Found { start, end: start + value.len(), category: CATEGORY, percent })
}

/// `-u user:password` of curl, and `Basic` credentials (RFC 7617), whose base64 must say `user:password`.
fn user_and_password(candidate: &Candidate<'_>) -> Option<(usize, usize, u32)> {
    let text = candidate.text;
    if user_option(candidate.left) {
        let split = text.iter().position(|b| *b == b':');
        let (user, password) = text.split_at_checked(split.map_or(0, |at| at + 1))?;
        // A key may stand where the user does, with nothing for a password.
        let password = if password.is_empty() { user } else { password };
        let variable = matches!(user.first(), Some(b'$' | b'<' | b'{' | b'(' | b'%'));
        let stated = password.len() >= 5 && !is_stand_in(password) && !is_word_for_one(password);
        return (stated && !variable && !is_reference(password)).then(|| (0, value_length(text), 85));
    }
    if let Some((start, password)) = of_oracle(candidate) {
        let stated = password.len() >= 4 && !is_stand_in(password) && !is_word_for_one(password);
        return (stated && !is_reference(password)).then_some((start, password.len(), 85));
    }
    let scheme = candidate.left.len().checked_sub(6).and_then(|at| candidate.left.get(at..))?;
    if text.len() < 8 || !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let length = value_length(text);
    is_pair(text.get(..length)?).then_some((0, length, 95))
}

/// The password of `user/password@database`, as the clients of Oracle take it, and where it begins.
fn of_oracle<'t>(candidate: &Candidate<'t>) -> Option<(usize, &'t [u8])> {
    const CLIENTS: [&[u8]; 5] = [b"sqlplus", b"sqlldr", b"expdp", b"impdp", b"rman"];
    let slash = candidate.text.iter().position(|b| *b == b'/')?;
    let rest = candidate.text.get(slash + 1..)?;
    let password = rest.get(..rest.iter().position(|b| *b == b'@')?)?;
    let mut words = candidate.left.rsplit(|b| *b == b' ').skip(1).skip_while(|w| matches!(w, [b'-', ..]));
    let client = words.next()?;
    let client = client.rsplit(|b| !b.is_ascii_alphanumeric()).next()?;
    // `scott/tiger` is printed in every manual.
    (slash > 0 && CLIENTS.contains(&client) && password != b"tiger").then_some((slash + 1, password))
}

/// Whether a word stands where the password would, or one that documentation prints.
fn is_stand_in(text: &[u8]) -> bool {
    is_placeholder(text) || published::holds(text)
}

/// Whether some base64 says `user:password`, and none that documentation prints.
fn is_pair(text: &[u8]) -> bool {
    !published::holds(text)
        && decode::base64(text).is_some_and(|plain| {
            let printed = plain.iter().all(|b| (b' '..=b'~').contains(b));
            plain.len() >= 6 && printed && plain.contains(&b':') && !is_placeholder(&plain)
        })
}

/// `-pPASSWORD`, as the clients of MySQL and MariaDB take it.
fn option_and_password(candidate: &Candidate<'_>) -> Option<(usize, usize, u32)> {
    let password = candidate.text.strip_prefix(b"-p")?;
    let client = [&b"mysql"[..], b"mariadb", b"sshpass"].iter().any(|name| contains(candidate.left, name));
    let stated = password.len() >= 4 && password.first() != Some(&b'-') && !is_stand_in(password);
    (client && stated && !is_reference(password)).then(|| (0, value_length(candidate.text), 80))
}

/// Where a token begins that is joined to the name of a key.
fn glued(text: &[u8]) -> Option<usize> {
    let places = text.iter().enumerate().filter(|(_, b)| matches!(b, b'-' | b'_' | b'.'));
    places.take(MAX_NAMES).map(|(at, _)| at).find_map(|at| {
        let digits = text.get(at + 1..)?.iter().take(12).filter(|b| b.is_ascii_digit()).count();
        (digits >= 1 && loose_key(text.get(..at)?)).then_some(at + 1)
    })
}

/// How far a value goes: to a space, the next URL parameter, or the punctuation that ends it.
fn value_length(text: &[u8]) -> usize {
    let ends = |(at, byte): (usize, &u8)| match byte {
        b' ' | b']' => true,
        b'&' => begins_other(text.get(at + 1..).unwrap_or_default()),
        _ => false,
    };
    let mut length = text.iter().enumerate().position(ends).unwrap_or(text.len());
    while length > 0 && matches!(text.get(length - 1), Some(b'.' | b')' | b'?' | b':' | b']')) {
        length -= 1;
    }
    length
}

/// Whether what stands behind a `&` is no more of the value: the next parameter of a URL, the next command, or the rest of
/// an entity.
fn begins_other(rest: &[u8]) -> bool {
    let entity = [&b"amp"[..], b"quot", b"lt", b"gt", b"nbsp"]
        .iter()
        .any(|name| rest.strip_prefix(*name).is_some_and(|rest| matches!(rest.first(), None | Some(b';'))));
    entity || matches!(rest.first(), None | Some(b'&')) || is_assignment(rest)
}

/// Whether some bytes begin with a name and its `=` or `:`.
fn is_assignment(bytes: &[u8]) -> bool {
    let name = bytes.iter().take_while(|b| is_name(**b)).count();
    name > 0 && matches!(bytes.get(name), Some(b'=' | b':'))
}

/// Whether a password is still open at the end of a candidate that a `;`, `,` or `<` would end: generators write such signs
/// into passwords.
pub(crate) fn is_open_password(left: &[u8], text: &[u8]) -> bool {
    // Nearly every candidate that ends at a comma is a word of prose.
    if text.len() < 3 || text.iter().all(|b| b.is_ascii_lowercase()) {
        return false;
    }
    let is_password = |key: Option<Key>| matches!(key, Some(Key::Password | Key::Told));
    let is_whole = |value: &[u8]| !value.is_empty() && value_length(value) == value.len();
    if is_whole(text) && is_password(key_before(left)) {
        return true;
    }
    let signs = text.iter().enumerate().filter(|(_, b)| matches!(b, b'=' | b':')).take(MAX_NAMES);
    signs.map(|(at, _)| text.split_at(at)).any(|(name, value)| {
        let value = value.get(1..).unwrap_or_default();
        is_whole(value) && is_password(key(last_name(name)))
    })
}

/// Where a password ends that `;`, `,` or `<` stand in, the first of them at `sign`: at the first behind which something else begins,
/// the next setting, a tag, a word or a number.
pub(crate) fn password_end(text: &[u8], sign: usize) -> usize {
    let mut end = sign;
    loop {
        let rest = text.get(end + 1..).unwrap_or_default();
        let length = rest.iter().position(|b| matches!(b, b';' | b',' | b'<')).unwrap_or(rest.len());
        let piece = rest.get(..length).unwrap_or_default();
        let bare = piece.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let (word, behind) = piece.split_at(bare);
        let (_, tail) = word.split_at(word.len().min(1));
        let is_word = word.iter().all(u8::is_ascii_alphabetic)
            && (tail.iter().all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase))
            || word.iter().all(u8::is_ascii_digit);
        let closed = behind.iter().all(|b| matches!(b, b'.' | b')' | b']' | b'?' | b'!' | b':'));
        if is_assignment(piece) || matches!(piece.first(), Some(b'/')) || is_word && closed {
            return end;
        }
        end += 1 + length;
        if end >= text.len() {
            return text.len();
        }
    }
}

/// Whether dots say that the rest of a value was left out.
fn is_cut(text: &[u8], length: usize) -> bool {
    text.get(length..).is_some_and(|rest| rest.starts_with(b"..")) || text.ends_with(b"...")
}

/// How sure one can be that what is called a secret is one, in hundredths. What stands in quotation marks or right
/// behind `=` was meant to be a value.
fn judge(key: Key, text: &[u8], firm: bool) -> Option<u32> {
    if text.len() < 4 || is_placeholder(text) || is_example(text) || is_reference(text) {
        return None;
    }
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    let upper = text.iter().any(u8::is_ascii_uppercase);
    let lower = text.iter().any(u8::is_ascii_lowercase);
    let symbols = text.iter().any(|b| !b.is_ascii_alphanumeric());
    let bits = entropy(text);
    let kinds = [digits > 0, upper, lower, symbols].iter().filter(|kind| **kind).count();
    let random = kinds >= 2 && changes(text) >= 45 && bits >= 3.5;
    match key {
        Key::Password if text.len() >= 6 && kinds >= 3 => Some(90),
        Key::Password if text.len() >= 6 && kinds == 2 && digits > 0 => Some(85),
        Key::Password if text.len() >= 8 && kinds == 2 && bits >= 2.5 => Some(60),
        Key::Password if firm && !is_word_for_one(text) => Some(55),
        Key::Password if text.len() >= 10 && bits >= 3.0 => Some(45),
        Key::Secret if text.len() >= 16 && bits >= 3.0 && digits > 0 => Some(90),
        Key::Secret if text.len() >= 10 && bits >= 2.8 && digits > 0 => Some(80),
        Key::Secret if text.len() >= 20 && bits >= 3.5 && kinds >= 2 => Some(70),
        Key::Secret | Key::Token if text.len() >= 8 && is_pair(text) => Some(90),
        Key::Secret if firm && text.len() >= 8 && kinds >= 2 && digits > 0 && !is_word_for_one(text) => {
            Some(55)
        }
        Key::Secret if firm && text.len() >= 12 && bits >= 2.8 && !is_word_for_one(text) => Some(55),
        Key::Token if text.len() >= 20 && bits >= 3.2 && digits >= 2 => Some(85),
        Key::Token if text.len() >= 16 && bits >= 3.0 && digits > 0 && kinds >= 2 => Some(70),
        Key::Token if text.len() >= 20 && random => Some(60),
        // Behind `the password for the office is` a word may stand too, also one of two: `AWS-managed`, `E-mailed`.
        Key::Told
            if text.len() >= 6 && (upper || lower) && !is_standard(text) && !is_address_or_date(text) =>
        {
            let other = text.iter().any(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'-' | b'\''));
            match kinds {
                _ if digits == 0 && !other => None,
                3.. => Some(80),
                2 if digits > 0 => Some(70),
                _ => None,
            }
        }
        // A UUID is a key of many things.
        Key::Plain if text.len() >= 24 && is_token(text) && !text.contains(&b'-') => Some(60),
        _ => None,
    }
}

/// A value that only says what stands there, or that everybody types into an example.
fn is_word_for_one(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 16] = [
        b"password",
        b"passwd",
        b"secret",
        b"string",
        b"passphrase",
        b"token",
        b"value",
        b"true",
        b"false",
        b"text",
        b"key",
        b"field",
        b"input",
        b"user",
        b"credential",
        b"prompt",
    ];
    const TYPED: [&str; 20] = [
        "pass", "test", "testing", "admin", "root", "guest", "demo", "sample", "foo", "bar", "baz", "foobar",
        "foo-bar", "abcd", "abcdef", "1234", "12345", "123456", "default", "basic",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| contains(&lower, word)) || TYPED.iter().any(|typed| lower == typed.as_bytes())
}

/// Whether a text is `name@host.example` or `12-Nov-2026`: what a sentence about a password names too.
fn is_address_or_date(text: &[u8]) -> bool {
    let host = text.iter().position(|b| *b == b'@').and_then(|at| text.get(at + 1..));
    let address = host.is_some_and(|host| {
        host.contains(&b'.') && host.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
    });
    let mut parts = text.split(|b| matches!(b, b'-' | b'/' | b'.'));
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    let digits = |part: Option<&[u8]>| {
        part.is_some_and(|part| (1..=4).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
    };
    let month = second.is_some_and(|month| month.len() >= 3 && month.iter().all(u8::is_ascii_alphabetic));
    address || digits(first) && month && digits(third)
}

/// Whether a text begins with the name of a standard or an algorithm: what a password is made with, not one.
fn is_standard(text: &[u8]) -> bool {
    const NAMES: [&str; 17] = [
        "wpa", "sha", "md5", "rfc", "iso", "aes", "utf", "pbkdf", "bcrypt", "argon", "oauth", "saml", "ldap",
        "base", "http", "nist", "ascii",
    ];
    NAMES
        .iter()
        .any(|name| text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes())))
}

/// A run that is neither word, number, date nor slug: letters and digits mixed in one piece, and much of them.
fn is_token(text: &[u8]) -> bool {
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = text.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let one = text
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/' | b'=' | b'.'));
    let mixed = |piece: &[u8]| {
        piece.len() >= 8 && piece.iter().any(u8::is_ascii_digit) && piece.iter().any(u8::is_ascii_alphabetic)
    };
    one && text.len() >= 16
        && digits >= 3
        && letters >= 2
        && entropy(text) >= 3.0
        && text.split(|b| !b.is_ascii_alphanumeric()).any(mixed)
        && !is_placeholder(text)
        && !is_example(text)
        && !is_reference(text)
}
