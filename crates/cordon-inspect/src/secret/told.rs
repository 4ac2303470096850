//! Passwords that people tell each other: behind the word for one in other languages, behind `the password for X is`,
//! behind `login: name /`, and in the text of a QR code for a wireless network.
//!
//! What says less than `password = ` is a [`Key::Told`]: the value itself must look like a password.

use std::sync::LazyLock;

use super::names::{Key, key, last_name, trimmed};
use crate::fold;

/// Words for a password that are not one word of Latin letters, as the folding leaves them; in small letters.
static WORDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    [
        // Cyrillic: Russian, Ukrainian, Bulgarian, Serbian.
        "пароль",
        "пароля",
        "паролем",
        "парола",
        "лозинка",
        "шифра",
        // Greek.
        "κωδικός",
        "κωδικός πρόσβασης",
        "συνθηματικό",
        // Chinese, Japanese, Korean.
        "密码",
        "密碼",
        "口令",
        "パスワード",
        "パスコード",
        "暗証番号",
        "비밀번호",
        "암호",
        "패스워드",
        // Arabic, Persian, Urdu, Hebrew.
        "كلمة المرور",
        "كلمة السر",
        "كلمة مرور",
        "الرقم السري",
        "رمز المرور",
        "رمز عبور",
        "گذرواژه",
        "کلمه عبور",
        "پسورد",
        "پاس ورد",
        "پاس‌ورد",
        "סיסמה",
        "סיסמא",
        "ססמה",
        // Hindi, Bengali, Thai.
        "पासवर्ड",
        "कूटशब्द",
        "পাসওয়ার্ড",
        "รหัสผ่าน",
    ]
    .iter()
    .map(|word| fold::word(&word.to_lowercase()))
    .collect()
});
/// Bytes of the longest of them, and some for capitals that take more.
const LONGEST: usize = 64;

/// Words for a password of several words of Latin letters, without accents.
const PHRASES: [&str; 12] = [
    "mot de passe",
    "palavra passe",
    "palavra chave",
    "clave de acceso",
    "clave secreta",
    "codigo de acesso",
    "parola d'ordine",
    "parola chiave",
    "kata sandi",
    "mat khau",
    "kod dostepu",
    "code d'acces",
];
/// Words for a password that mean other things too.
const OTHERWISE: [&str; 8] = ["parola", "parole", "haslo", "heslo", "sifre", "sifresi", "geslo", "lozinka"];

/// `is` in languages that put it between a word and its value; and what Chinese, Japanese and Korean put there.
static IS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    folded(&[
        "is", "est", "ist", "es", "e", "é", "è", "jest", "lautet", "c'est", "c’est", "är", "er", "on", "to",
        "je", "este",
    ])
});
static IS_JOINED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    folded(&[
        "改成了",
        "改成",
        "改为",
        "改為",
        "换成",
        "換成",
        "设为",
        "設為",
        "是",
        "为",
        "為",
        "は",
        "는",
        "은",
        "هو",
        "هي",
    ])
});

/// What may stand behind `is`: the password is now this.
static NOW: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    folded(&[
        "now",
        "currently",
        "again",
        "jetzt",
        "nun",
        "maintenant",
        "ahora",
        "agora",
        "adesso",
        "ora",
        "nu",
        "teraz",
        "still",
        "also",
    ])
});
/// The same, right before `is`.
static NOW_JOINED: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| folded(&["现在", "現在", "已经", "已經", "已", "目前"]));
/// The last words before a value to which something was changed.
static TO: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| folded(&["to", "as", "auf", "a", "à", "en", "para", "na", "naar"]));
/// `the password of` in Turkish, behind what it is of.
static OF_IT: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| folded(&["şifresi", "parolası", "sifresi", "parolasi"]));
/// How a password became what it is.
static CHANGED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    folded(&[
        "changed",
        "change",
        "set",
        "reset",
        "updated",
        "rotated",
        "switched",
        "geändert",
        "gesetzt",
        "umgestellt",
        "changé",
        "modifié",
        "cambiado",
        "cambiada",
        "cambié",
        "alterada",
        "alterado",
        "mudei",
        "cambiata",
        "zmieniłem",
        "zmienione",
        "gewijzigd",
    ])
});

/// What the bytes before a value, `:` or `=` left out where `assigned`, say of it.
pub(super) fn named(head: &[u8], assigned: bool) -> Option<Key> {
    let head = trimmed(head);
    if assigned {
        return if ends_with_word(head) {
            Some(Key::Password)
        } else {
            ends_otherwise(head).or_else(|| (is_of_something(head) && !is_whose(head)).then_some(Key::Told))
        };
    }
    let last = head.iter().rev().take(12).position(|byte| *byte == b' ');
    let rest = last.and_then(|length| {
        let (rest, word) = head.split_at_checked(head.len() - length)?;
        let rest = trimmed(rest);
        if is_any(word, &NOW) {
            // `is now`
            let length = rest.iter().rev().take(8).position(|byte| *byte == b' ')?;
            let (rest, word) = rest.split_at_checked(rest.len() - length)?;
            return is(word).then(|| trimmed(rest));
        }
        is(word).then_some(rest)
    });
    let rest = match rest {
        Some(rest) => rest,
        None => match IS_JOINED.iter().find_map(|word| head.strip_suffix(word.as_slice())) {
            Some(rest) => {
                let rest = trimmed(rest);
                NOW_JOINED.iter().find_map(|word| rest.strip_suffix(word.as_slice())).map_or(rest, trimmed)
            }
            None => return (is_changed(head) || is_left_out(head)).then_some(Key::Told),
        },
    };
    let told = ends_with_word(rest)
        || ends_otherwise(rest).is_some()
        || key(last_name(rest)) == Some(Key::Password)
        || is_of_something(rest)
        || is_changed(head);
    told.then_some(Key::Told)
}

fn is(word: &[u8]) -> bool {
    is_any(word, &IS)
}

fn is_any(word: &[u8], known: &[Vec<u8>]) -> bool {
    known.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Words as they stand in a folded text.
fn folded(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| fold::word(word)).collect()
}

fn is_one_of(word: &[u8], known: &[&str]) -> bool {
    known.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether some bytes end with a word of other letters, or of several Latin ones, for a password.
fn ends_with_word(head: &[u8]) -> bool {
    match head.last() {
        Some(0x80..) => {
            let mut tail = head.get(head.len().saturating_sub(LONGEST)..).unwrap_or_default();
            while tail.first().is_some_and(|byte| (0x80..0xc0).contains(byte)) {
                tail = tail.get(1..).unwrap_or_default();
            }
            let lower = String::from_utf8_lossy(tail).to_lowercase();
            WORDS.iter().any(|word| lower.as_bytes().ends_with(word))
        }
        Some(_) => PHRASES.iter().any(|phrase| ends_with(head, phrase)),
        None => false,
    }
}

fn ends_otherwise(head: &[u8]) -> Option<Key> {
    OTHERWISE.iter().any(|word| ends_with(head, word)).then_some(Key::Told)
}

/// Whether some bytes end with a word, in capitals or not, that no letter stands before.
fn ends_with(bytes: &[u8], word: &str) -> bool {
    let Some(at) = bytes.len().checked_sub(word.len()) else { return false };
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    bytes.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
        && !before.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
}

/// What joins a password and what it is of.
static OF: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    folded(&[
        "for", "to", "of", "on", "in", "für", "fur", "im", "zum", "zur", "vom", "pour", "de", "du", "des",
        "para", "del", "do", "da", "per", "di", "voor", "van", "för", "till", "til", "od", "от", "для", "на",
        "к",
    ])
});

fn is_of(word: &[u8]) -> bool {
    is_any(word, &OF)
}

/// `password for the office`, `passcode to room 12`: a password, and of what, in a few words of one sentence.
fn is_of_something(head: &[u8]) -> bool {
    let words = last_words(head, 72);
    (1..words.len()).rev().take(6).any(|at| {
        words.get(at).is_some_and(|word| is_of(word))
            && words.get(..at).is_some_and(is_password)
            && !words.iter().any(|word| is_one_of(word, &ABOUT))
    })
}

fn is_whose(head: &[u8]) -> bool {
    last_words(head, 24).last().is_some_and(|word| is_one_of(word, &WHOSE))
}

/// Whether some words end with one for a password.
fn is_password(words: &[&[u8]]) -> bool {
    let Some(name) = words.last() else { return false };
    let phrase = || {
        let from = words.len().saturating_sub(3);
        ends_with_word(&words.get(from..).unwrap_or_default().join(&b' '))
    };
    key(last_name(name)) == Some(Key::Password) || ends_otherwise(name).is_some() || phrase()
}

/// `I changed the password of the router to `.
fn is_changed(head: &[u8]) -> bool {
    let words = last_words(head, 72);
    let Some((last, words)) = words.split_last() else { return false };
    is_any(last, &TO)
        && words.iter().any(|word| is_any(word, &CHANGED))
        && (1..=words.len()).any(|end| words.get(..end).is_some_and(is_password))
        && !words.iter().any(|word| is_one_of(word, &ABOUT))
}

/// `пароль от роутера `, `modem şifresi `: Russian has no `is`, and Turkish has it behind the value.
fn is_left_out(head: &[u8]) -> bool {
    let words = last_words(head, 64);
    if let [.., _, name] = words.as_slice()
        && is_any(name, &OF_IT)
    {
        return true;
    }
    let [.., name, of, _] = words.as_slice() else { return false };
    of.first().is_some_and(|byte| *byte >= 0x80) && is_of(of) && ends_with_word(name)
}

/// What is told of these is a rule, no password.
const ABOUT: [&str; 26] = [
    "rule",
    "rules",
    "policy",
    "requirement",
    "requirements",
    "criteria",
    "format",
    "formats",
    "settings",
    "command",
    "steps",
    "options",
    "pattern",
    "hash",
    "if",
    "length",
    "minimum",
    "must",
    "should",
    "expire",
    "expires",
    "expired",
    "manager",
    "field",
    "link",
    "question",
];
/// What is told behind these, of `password for the user: `, is whose it is.
const WHOSE: [&str; 13] = [
    "user",
    "username",
    "login",
    "email",
    "e-mail",
    "mail",
    "url",
    "on",
    "at",
    "by",
    "benutzer",
    "utilisateur",
    "usuario",
];

/// `Your temporary password is:` and `use the following password to proceed:`, where the value stands in a line of its own below.
pub(super) fn in_a_line_of_its_own(left: &[u8]) -> Option<Key> {
    const WHICH: [&str; 9] =
        ["following", "temporary", "initial", "generated", "new", "one-time", "admin", "your", "this"];
    let breaks = left.iter().rev().take(4).take_while(|byte| **byte == b'\n').count();
    let head = trimmed(left.get(..left.len() - breaks)?).strip_suffix(b":")?;
    let words = last_words(head, 72);
    let told = words.windows(2).any(|pair| match pair {
        [which, name] => is_one_of(which, &WHICH) && key(name) == Some(Key::Password),
        _ => false,
    }) && !words.iter().any(|word| is_one_of(word, &ABOUT));
    told.then_some(Key::Told)
}

/// The words of the sentence with which some bytes end, as far as they stand in the last so many bytes.
fn last_words(bytes: &[u8], most: usize) -> Vec<&[u8]> {
    let tail = bytes.get(bytes.len().saturating_sub(most)..).unwrap_or_default();
    let from =
        tail.iter().rposition(|b| matches!(b, b'.' | b'\n' | b';' | b'?' | b'!')).map_or(0, |at| at + 1);
    tail.get(from..).unwrap_or_default().split(|b| *b == b' ').collect()
}

/// `login: name / `, `credentials are name / `: what stands before the password of a pair. Other signs are those of tables.
pub(super) fn pair(left: &[u8]) -> Option<Key> {
    let head = trimmed(trimmed(left).strip_suffix(b"/")?);
    let name = head.iter().rev().take(48).take_while(|b| b.is_ascii_graphic()).count();
    let before = trimmed(head.get(..head.len() - name)?);
    let before = match before {
        [before @ .., b':' | b'='] => trimmed(before),
        _ => {
            let word = last_name(before);
            let joins =
                ["is", "are", "with", "as", "use"].iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes()));
            trimmed(before.get(..before.len() - if joins { word.len() } else { return None })?)
        }
    };
    let naming = [
        "login",
        "log in",
        "logins",
        "credentials",
        "creds",
        "credential",
        "zugang",
        "zugangsdaten",
        "user",
        "account",
    ];
    (name > 0 && naming.iter().any(|word| ends_with(before, word))).then_some(Key::Told)
}

/// Whether the text of a QR code for a wireless network (`WIFI:T:WPA;S:name;P:`) goes on with its password's field.
pub(super) fn network(left: &[u8]) -> bool {
    left.ends_with(b";")
        && left.windows(5).rev().take(120).any(|window| window.eq_ignore_ascii_case(b"wifi:"))
}

/// The password in the text of such a code, which may have it first or behind other fields.
pub(super) fn of_network<'t>(left: &[u8], text: &'t [u8]) -> Option<&'t [u8]> {
    let field = match text.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"wifi:") => Some(rest),
        _ => Some(text).filter(|_| network(left) || is_begin(left)),
    };
    field?.strip_prefix(b"P:")
}

/// Whether what is left of a place ends with the beginning of such a code.
fn is_begin(left: &[u8]) -> bool {
    left.len().checked_sub(5).and_then(|at| left.get(at..)).is_some_and(|w| w.eq_ignore_ascii_case(b"wifi:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_languages_name_a_password() {
        for word in WORDS.iter() {
            assert!(!word.is_empty() && word.len() < LONGEST);
            assert_eq!(named(word, true), Some(Key::Password), "{}", String::from_utf8_lossy(word));
        }
        for text in ["Le mot de passe", "Ваш Пароль ", "PALAVRA PASSE"] {
            assert_eq!(named(text.as_bytes(), true), Some(Key::Password), "{text}");
        }
        for text in ["the password for the office is", "le mot de passe est", "das Passwort ist", "密码是"]
        {
            let folded: Vec<u8> = fold::word(text);
            assert_eq!(named(&folded, false), Some(Key::Told), "{text}");
        }
        for text in [
            "das WLAN-Passwort im Büro ist jetzt",
            "le mot de passe du compte partagé c'est",
            "пароль от роутера",
            "modem şifresi",
            "a senha do wifi da casa é",
            "服务器root密码改成了",
            "I changed the wifi password to",
            "The password of the router was set to",
            "ich habe das Passwort geändert auf",
            "the admin password is currently",
        ] {
            assert_eq!(named(&fold::word(text), false), Some(Key::Told), "{text}");
        }
        for text in ["la contraseña de la VPN cambió", "hasło do panelu hostingu", "Password for the router"]
        {
            assert_eq!(named(&fold::word(text), true), Some(Key::Told), "{text}");
        }
        for text in
            ["Reset password for user", "password policy of the office", "it changed on", "to the password"]
        {
            assert_eq!(named(&fold::word(text), true), None, "{text}");
        }
        for text in [
            "the password was changed on",
            "set the password field to",
            "the office is now",
            "we set it to",
            "the password must be set to",
            "письмо от роутера",
        ] {
            assert_eq!(named(&fold::word(text), false), None, "{text}");
        }
        for text in ["the office is", "my passe", "the password. For the office it is", "est"] {
            assert_eq!(named(text.as_bytes(), false), None, "{text}");
        }
    }

    #[test]
    fn pairs_need_a_word_before_them() {
        for left in ["login: bob / ", "Credentials are bob@example.org / ", "log in as bob / "] {
            assert_eq!(pair(left.as_bytes()), Some(Key::Told), "{left}");
        }
        for left in
            ["bob / ", "and / ", "login bob / ", "input: bob / ", "see the login page / ", "user: bob | "]
        {
            assert_eq!(pair(left.as_bytes()), None, "{left}");
        }
        assert!(network(b"WIFI:T:WPA;S:home;") && !network(b"T:WPA;S:home;"));
    }
}
