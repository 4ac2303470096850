//! What a value is called: the names of passwords, secrets and tokens, and where they stand before a value.

use super::told;
use crate::starts::Starts;

/// How much the name of a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Password,
    Secret,
    Token,
    /// `key` alone: of a door, of a map, of an account.
    Plain,
    /// A password, by words that may say something else.
    Told,
}

const PASSWORDS: [&str; 23] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "passwort",
    "contrasena",
    "motdepasse",
    "userpass",
    "dbpass",
    "passcode",
    "kennwort",
    "senha",
    "wachtwoord",
    "pswd",
    "losenord",
    "adgangskode",
    "passord",
    "salasana",
    "jelszo",
    "palavrapasse",
    "lykilord",
    "parool",
    "slaptazodis",
];
const SECRETS: [&str; 27] = [
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "clientsecret",
    "accountkey",
    "sharedkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "authkey",
    "credential",
    "accesstoken",
    "authtoken",
    "apitoken",
    "bearer",
    "sessiontoken",
    "refreshtoken",
    "bottoken",
    "appkey",
    "sharedaccesssignature",
    "licensekey",
    "sastoken",
    "privatetoken",
    "deploytoken",
    "webhookkey",
];
const TOKENS: [&str; 6] = ["token", "auth", "authorization", "key", "pass", "pat"];
/// Cookies that are a session.
const COOKIES: [&str; 8] = [
    "phpsessid",
    "jsessionid",
    "connectsid",
    "aspnetsessionid",
    "aspxauth",
    "laravelsession",
    "sessionid",
    "sessid",
];
/// `key_name`, `token_url`, `secret_id` name something else; `public_key` is public.
const OTHERS: [&str; 44] = [
    "id",
    "url",
    "uri",
    "name",
    "type",
    "file",
    "path",
    "hash",
    "count",
    "length",
    "size",
    "field",
    "label",
    "expires",
    "publickey",
    "limit",
    "tokens",
    "policy",
    "ids",
    "primarykey",
    "foreignkey",
    "uniquekey",
    "sortkey",
    "partitionkey",
    "hotkey",
    "reset",
    "location",
    "source",
    "changedat",
    "createdat",
    "updatedat",
    "provider",
    "hint",
    "cachekey",
    "sitekey",
    "storekey",
    "objectkey",
    "idempotencykey",
    "translationkey",
    "pagetoken",
    "authenticitytoken",
    "keying",
    "bucketkey",
    "secrets",
];
const SHOWN: [&str; 7] = ["csrf", "xsrf", "public", "anchor", "keyboard", "keyword", "pathkey"];
/// Names that only say that a value follows: what it is stands before them.
const VALUES: [&str; 6] = ["value", "val", "default", "content", "secretvalue", "defaultvalue"];

/// A part of every name in these tables, in small letters: most names have none.
const PARTS: [&[u8]; 26] = [
    b"auth",
    b"aspx",
    b"bearer",
    b"cred",
    b"contrasena",
    b"key",
    b"kennwort",
    b"mot",
    b"pass",
    b"pwd",
    b"pat",
    b"pswd",
    b"secret",
    b"sign",
    b"sess",
    b"senha",
    b"sid",
    b"token",
    b"wachtwoord",
    b"losenord",
    b"adgangskode",
    b"salasana",
    b"jelszo",
    b"lykilord",
    b"parool",
    b"slaptazodis",
];
const STARTS: Starts = Starts::of(&PARTS);

/// Whether a name has one of these parts.
fn may_be_key(name: &[u8]) -> bool {
    name.windows(2).enumerate().any(|(i, pair)| match pair {
        [first, second] => {
            STARTS.may_begin(*first, *second)
                && PARTS.iter().any(|part| {
                    name.get(i..i + part.len()).is_some_and(|letters| letters.eq_ignore_ascii_case(part))
                })
        }
        _ => false,
    })
}

/// What a value of this name is.
pub(super) fn key(name: &[u8]) -> Option<Key> {
    if !may_be_key(name) {
        return None;
    }
    let mut normal = Vec::with_capacity(name.len());
    normal.extend(name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase));
    let ends = |words: &[&str]| words.iter().any(|word| normal.ends_with(word.as_bytes()));
    let has = |words: &[&str]| {
        words.iter().any(|word| normal.windows(word.len()).any(|window| window == word.as_bytes()))
    };
    if ends(&COOKIES) {
        Some(Key::Token)
    } else if ends(&OTHERS) || has(&SHOWN) || normal.ends_with(b"xkey") {
        None
    } else if normal == b"key" {
        Some(Key::Plain)
    } else if ends(&PASSWORDS) || has(&PASSWORDS) && normal.len() < 24 || name.ends_with(b"_PASS") {
        Some(Key::Password)
    } else if has(&SECRETS) {
        Some(Key::Secret)
    } else if ends(&TOKENS) {
        Some(Key::Token)
    } else {
        None
    }
}

/// The most spaces and marks between a name and its value.
const ALIGNED: usize = 32;

pub(super) const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The name at the end of some bytes.
pub(super) fn last_name(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().rev().take(48).take_while(|b| is_name(**b)).count();
    bytes.get(bytes.len() - length..).unwrap_or_default()
}

/// Some bytes without the spaces and marks of quotation at their end; none where there are more marks than a few, or more
/// spaces than settings are aligned by.
fn without_quotes(left: &[u8]) -> Option<&[u8]> {
    let (mut rest, mut marks) = (left, 0);
    while let [before @ .., last @ (b' ' | b'"' | b'\'' | b'`' | b'\\' | b'[' | b'\t')] = rest {
        marks += usize::from(!matches!(last, b' ' | b'\t'));
        rest = before;
        if marks > 6 || left.len() - rest.len() > ALIGNED {
            return None;
        }
    }
    Some(rest)
}

/// How a value was given its name before it: `key = `, `"key": "`, `key is `, `--key `, `Bearer `, `<key>`.
pub(super) fn key_before(left: &[u8]) -> Option<Key> {
    if matches!(left.last(), Some(b'\n')) {
        return told::in_a_line_of_its_own(left);
    }
    let rest = without_quotes(left)?;
    let spaced = rest.len() < left.len();
    let sign = rest.last().is_some_and(u8::is_ascii_punctuation);
    let assigned = match rest {
        // `set("api_key", "value")`
        [before @ .., b'"' | b'\'', b',']
        | [before @ .., b'=']
        | [before @ .., b':']
        | [before @ .., b'=', b'>']
        | [before @ .., b'-', b'>'] => Some(before),
        [before @ .., b' ', b'i', b's'] | [before @ .., b' ', b'I', b'S'] if spaced => Some(before),
        // `<password>value`
        [before @ .., b'>'] => {
            let name = last_name(before);
            let opens = before.len().checked_sub(name.len() + 1).and_then(|at| before.get(at));
            return if opens == Some(&b'<') { key(name) } else { None };
        }
        _ => None,
    };
    match assigned {
        Some(mut head) => {
            while let [before @ .., b' ' | b'"' | b'\'' | b'`' | b'\\' | b']' | b'=' | b':' | b'?' | b'|'] =
                head
            {
                head = before;
            }
            let name = last_name(head);
            if matches!(rest, [.., b'"' | b'\'', b',']) && key(name).is_none() {
                // `login("user", "value")`
                is_call(rest.get(rest.len().saturating_sub(96)..).unwrap_or_default())
                    .then_some(Key::Password)
            } else if name.len() < 3 {
                told::named(head, true)
            } else if VALUES.iter().any(|word| same(name, word)) {
                quoted_before(head.get(..head.len() - name.len())?)
            } else {
                key(name).or_else(|| told::named(if sign { head } else { rest }, sign))
            }
        }
        None if spaced || rest.last().is_some_and(|byte| *byte >= 0x80) => {
            spaced_key(rest, matches!(left.last(), Some(b'"' | b'\'')))
                .or_else(|| told::named(rest, false))
                .or_else(|| told::pair(rest))
        }
        None => None,
    }
}

/// The words of letters that may say that what follows them behind a space is a value: those of [`spaced_key`], and `is`.
pub(crate) const NAMING: [&str; 7] = ["is", "by", "token", "basic", "bearer", "apikey", "password"];

/// The key that stands before a value with a space alone.
fn spaced_key(rest: &[u8], quoted: bool) -> Option<Key> {
    let name = last_name(rest);
    // Most words begin none of the names below.
    if !quoted && !name.first().is_some_and(|b| matches!(b | 0x20, b'-' | b'a' | b'b' | b'c' | b'p' | b't')) {
        return None;
    }
    let scheme = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
    let header = || rest.windows(14).rev().take(32).any(|w| w.eq_ignore_ascii_case(b"authorization:"));
    if scheme("bearer")
        || (scheme("token") || scheme("apikey") || scheme("api-token") || scheme("basic")) && header()
    {
        return Some(Key::Secret);
    }
    if name.starts_with(b"-") {
        return match name {
            [b'-', b'-', ..] => key(name),
            b"-a" if has_any(rest, &["redis-cli"]) => Some(Key::Password),
            b"-p" if has_any(rest, &PASSWORD_OPTION) || has_any(rest, &["mysql"]) => Some(Key::Password),
            [b'-', option @ ..] if option.len() >= 6 => key(option).filter(|key| *key == Key::Password),
            _ => None,
        };
    }
    // `machine host login user password value` of .netrc; `PASSWORD 'value'` and `IDENTIFIED BY 'value'` of SQL;
    // `ConvertTo-SecureString 'value'`.
    let login = || has_any(rest, &["login ", "machine "]);
    let identified =
        || has_any(rest.get(rest.len().saturating_sub(13)..).unwrap_or_default(), &["identified by"]);
    let password = || key(name) == Some(Key::Password);
    let stated = quoted && password() || scheme("password") && login() || scheme("by") && identified();
    (stated || scheme("convertto-securestring")).then_some(Key::Password)
}

/// Whether something that takes a password is called.
fn is_call(bytes: &[u8]) -> bool {
    const NAMES: [&str; 5] = ["login", "auth", "authenticate", "credential", "credentials"];
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == b'(')) {
        let before = bytes.get(..from + at).unwrap_or_default();
        let ends = |name: &str| {
            let start = before.len().checked_sub(name.len()).and_then(|start| before.get(start..));
            start.is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes()))
        };
        if NAMES.iter().any(|name| ends(name)) {
            return true;
        }
        from += at + 1;
    }
    false
}

fn has_any(bytes: &[u8], parts: &[&str]) -> bool {
    parts
        .iter()
        .any(|part| bytes.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes())))
}

/// Whether a name is this word, whatever joins its parts.
fn same(name: &[u8], word: &str) -> bool {
    let letters = name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
    letters.eq(word.bytes())
}

/// The key in the quotation marks that stand last: `name="API_KEY" value=`.
fn quoted_before(bytes: &[u8]) -> Option<Key> {
    let end = bytes.iter().rposition(|b| matches!(b, b'"' | b'\''))?;
    let inner = bytes.get(..end)?;
    let start = inner.iter().rposition(|b| matches!(b, b'"' | b'\''))?;
    key(inner.get(start + 1..)?)
}

/// The word of a key that stands before a value without any sign between: `KEY value`, `my-token-value`.
pub(super) fn loose_key(head: &[u8]) -> bool {
    let name = last_name(head);
    let word = name.rsplit(|b| matches!(b, b'-' | b'_' | b'.')).next().unwrap_or(name);
    if word.ends_with(b"ACCESS") || word.ends_with(b"PRIVATE") {
        return true;
    }
    ["key", "token", "secret", "password"].iter().any(|end| {
        let Some((before, tail)) = word.len().checked_sub(end.len()).and_then(|at| word.split_at_checked(at))
        else {
            return false;
        };
        // `bitlyKey` and `bitlyKEY` say key; `monkey` does not.
        let starts = match (before.last(), tail.first()) {
            (None, _) => true,
            (Some(last), Some(first)) => {
                !last.is_ascii_uppercase() && first.is_ascii_uppercase() || last.is_ascii_digit()
            }
            _ => false,
        };
        let joined = ["api", "access", "secret", "auth", "private"]
            .iter()
            .any(|part| before.to_ascii_lowercase().ends_with(part.as_bytes()));
        tail.eq_ignore_ascii_case(end.as_bytes()) && (starts || joined)
    }) && key(name).is_some()
}

/// Some bytes without the spaces at their end.
pub(super) fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [before @ .., b' '] = bytes {
        bytes = before;
    }
    bytes
}

/// Whether some bytes end with the name of a secret and its `=`, `:` or the like.
pub(crate) fn follows_key(left: &[u8]) -> bool {
    match left.last() {
        Some(b' ' | b'"' | b'\'' | b'`' | b'=' | b':' | b'>') => {
            key_before(left).is_some_and(|key| key != Key::Plain)
        }
        Some(b';') => told::network(left),
        Some(0x80..) => told::named(left, false).is_some(),
        _ => false,
    }
}

/// Commands whose `-p` takes a password and nothing else: behind that of `mysql` a database may stand.
const PASSWORD_OPTION: [&str; 3] = ["sshpass", "docker login", "psexec"];

/// `-p password`, as these commands take it.
pub(super) fn password_option(left: &[u8]) -> bool {
    let rest = trimmed(left);
    rest.len() < left.len() && rest.ends_with(b" -p") && has_any(rest, &PASSWORD_OPTION)
}

/// `-u user:password`, as curl takes it.
pub(super) fn user_option(left: &[u8]) -> bool {
    let mut rest = left;
    while let [before @ .., b'"' | b'\'' | b' '] = rest {
        rest = before;
    }
    // `-u name:'password'`
    let rest = match rest {
        [name @ .., b':'] => trimmed(name.get(..name.len() - last_name(name).len()).unwrap_or_default()),
        _ => rest,
    };
    rest.len() < left.len()
        && (rest.ends_with(b" -u") || rest.ends_with(b" --user"))
        && has_any(rest, &["curl"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_secret_is_overlooked_by_the_first_look() {
        let names = [&PASSWORDS[..], &SECRETS, &TOKENS, &COOKIES].concat();
        for name in names.iter().filter(|name| **name != "key") {
            assert!(key(name.as_bytes()).is_some(), "{name}");
        }
        for name in ["DB_PASSWD", "mot-de-passe", "apiKey", "SharedAccessSignature", "x-auth", "connect.sid"]
        {
            assert!(key(name.as_bytes()).is_some(), "{name}");
        }
        for name in ["id", "name", "public_key", "token_url", "csrf-token", "keyboard", "price", "client_id"]
        {
            assert!(key(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn names_stand_before_values_in_many_ways() {
        for left in [
            "password = ",
            "\"api_key\": \"",
            "set('db_password', '",
            "--password ",
            "-Password \"",
            "<password>",
            "Authorization: Bearer ",
            "Authorization: token ",
            "name=\"API_KEY\" value=\"",
            "token := \"",
            "'secret' => '",
            "the password is ",
            "machine h login u password ",
            "sshpass -p ",
            "auth_token=",
            "CREATE USER a PASSWORD '",
            "IDENTIFIED BY '",
            "smtp.login(\"a@b.de\", \"",
        ] {
            assert!(key_before(left.as_bytes()).is_some(), "{left}");
        }
        for left in ["the ", "password ", "by ", "</b>", "name = \"", "a token ", "-p ", "key>", "value=\""] {
            assert!(key_before(left.as_bytes()).is_none(), "{left}");
        }
        for head in ["bannerbear SECRET", "my-api-key", "collect2TOKEN", "audd ACCESS"] {
            assert!(loose_key(head.as_bytes()), "{head}");
        }
        for head in ["monkey", "public_key", "access", "no", "the keys"] {
            assert!(!loose_key(head.as_bytes()), "{head}");
        }
    }
}
