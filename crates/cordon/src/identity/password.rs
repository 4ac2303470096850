//! Passwords of local users: what is accepted, and how it is kept.

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Characters of a password at least: it is the only factor (NIST SP 800-63B-4, section 3.1.1.2).
pub const MIN_CHARACTERS: usize = 15;
/// Bytes of a password at most; NIST SP 800-63B-4 asks for at least 64 characters.
pub(super) const MAX_BYTES: usize = 1024;

/// Memory in KiB, passes and lanes: the OWASP Password Storage Cheat Sheet's first choice for argon2id.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Words that a password must not mostly consist of, beside its owner's login.
const WORDS: [&str; 5] = ["cordon", "password", "passwort", "administrator", "qwertyuiop"];

/// What is wrong with a password that somebody chose.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// It is too short.
    #[error("the password has fewer than {MIN_CHARACTERS} characters; help: a sentence is easy to remember")]
    Short,
    /// It is too long.
    #[error("the password has more than {MAX_BYTES} bytes")]
    Long,
    /// It is among the first that somebody would try.
    #[error(
        "the password is easy to guess: it is mostly a login, a well-known word, or one pattern; help: a few words that \
         have nothing to do with each other are better"
    )]
    Guessable,
}

/// The text of a password in one form, whatever keyboard it came from (NFKC, as NIST SP 800-63B-4 asks).
fn normal(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.nfkc().collect())
}

/// Checks a password that somebody chose. No rules about kinds of characters (NIST SP 800-63B-4, section 3.1.1.2).
///
/// # Errors
/// With what is wrong.
pub(super) fn check(text: &str, login: &str) -> Result<(), PasswordProblem> {
    if text.len() > MAX_BYTES {
        return Err(PasswordProblem::Long);
    }
    let normal = normal(text);
    if normal.len() > MAX_BYTES {
        return Err(PasswordProblem::Long);
    }
    if normal.chars().count() < MIN_CHARACTERS {
        return Err(PasswordProblem::Short);
    }
    // What is left when all that anybody would try is taken out must still be something.
    let mut rest = Zeroizing::new(normal.to_lowercase());
    let local = login.split('@').next().unwrap_or_default();
    let context = [login, local].into_iter().chain(WORDS).filter(|word| word.chars().count() >= 4);
    for word in context {
        *rest = rest.replace(&word.to_lowercase(), "");
    }
    let mut runs = 0_usize;
    let mut before: Option<char> = None;
    let mut kinds = Vec::new();
    for c in rest.chars() {
        let step = before.map(|before| i64::from(u32::from(c)) - i64::from(u32::from(before)));
        // `aaaa`, `1234`, `dcba` count as their first character.
        if !matches!(step, Some(-1..=1)) {
            runs += 1;
        }
        before = Some(c);
        if !kinds.contains(&c) && kinds.len() < 8 {
            kinds.push(c);
        }
    }
    if runs < 6 || kinds.len() < 5 { Err(PasswordProblem::Guessable) } else { Ok(()) }
}

fn hasher() -> Option<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(32)).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash of a password in the PHC string format, which names its own parameters. Costs tens of milliseconds and 19 MiB.
pub(super) fn hash(text: &str, salt: [u8; 16]) -> Option<String> {
    hasher()?.hash_password_with_salt(normal(text).as_bytes(), &salt).ok().map(|hash| hash.to_string())
}

/// Whether this is the password. Costs the same whether it is right or wrong, and also where there is no hash at all.
pub(super) fn verify(text: &str, hash: Option<&str>) -> bool {
    // The hash of no password: a salt, and 32 zero bytes that nobody finds a text for.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                          AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    // A longer one was never accepted; hashing it would only cost.
    let text = if text.len() > MAX_BYTES { "" } else { text };
    let parsed = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let known = parsed.is_some();
    let Some(expected) = parsed.or_else(|| PasswordHash::new(NOBODY).ok()) else { return false };
    let right = Argon2::default().verify_password(normal(text).as_bytes(), &expected).is_ok();
    right && known && !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "korrekt pferd batterie heftklammer";

    #[test]
    fn a_hash_names_its_parameters_and_knows_its_password_only() {
        let made = hash(GOOD, [7; 16]).unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert!(verify(GOOD, Some(&made)));
        assert!(!verify("korrekt pferd batterie heftklammeR", Some(&made)));
        assert_ne!(made, hash(GOOD, [8; 16]).unwrap());
        // The same text from another keyboard: `é` in one character or two.
        let one = hash("caf\u{e9} au lait noisette", [7; 16]).unwrap();
        assert!(verify("cafe\u{301} au lait noisette", Some(&one)));
        for nothing in [None, Some(""), Some("no hash"), Some("$argon2id$v=19$m=19456,t=2,p=1$AAAA")] {
            assert!(!verify(GOOD, nothing) && !verify("", nothing));
        }
    }

    #[test]
    fn long_enough_and_not_the_first_that_somebody_tries() {
        for good in [GOOD, "xK9#mQ2$vL5@nR8", "the tide comes in at nine", "надёжный пароль для входа"]
        {
            assert_eq!(check(good, "alex.rivera@example.com"), Ok(()), "{good}");
        }
        assert_eq!(check("fourteen chars", "x"), Err(PasswordProblem::Short));
        assert_eq!(check(&"é".repeat(600), "x"), Err(PasswordProblem::Long));
        // NFKC makes one character of this into eighteen.
        assert_eq!(check(&"\u{fdfa}".repeat(340), "x"), Err(PasswordProblem::Long));
        for weak in [
            "aaaaaaaaaaaaaaaaaaaa",
            "1234567890123456789",
            "abcdefghijklmnopqrst",
            "passwordpassword1",
            "cordoncordoncordon!",
            "Alex.Rivera@Example.com1",
            "alex.riveraalex.rivera",
            "abababababababababab",
        ] {
            assert_eq!(check(weak, "alex.rivera@example.com"), Err(PasswordProblem::Guessable), "{weak}");
        }
    }
}
