//! Secrets that people and programs show: of sessions, of personal tokens, of enrolments. 256 random bits each, kept only as
//! their SHA-256, shown once.

use cordon_core::Digest;
use zeroize::Zeroizing;

/// What a secret opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// `ce_…`: chooses a password, once.
    Enrolment,
    /// A session: only ever in a cookie, so without a mark.
    Session,
    /// `cu_…`: a personal token.
    Token,
}

/// A secret in the hands of its owner.
///
/// Marked ones are `cu_` or `ce_`, 64 digits, and the first four bytes of the SHA-256 of all that stands before, so that
/// scanners for leaked secrets can tell one from noise; all in lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl SecretKind {
    const fn mark(self) -> &'static str {
        match self {
            Self::Enrolment => "ce_",
            Self::Session => "",
            Self::Token => "cu_",
        }
    }
}

impl Secret {
    /// A secret of 32 random bytes.
    pub fn new(kind: SecretKind, random: [u8; 32]) -> Self {
        let body = format!("{}{}", kind.mark(), Digest::from_bytes(random));
        let sum = if kind == SecretKind::Session { String::new() } else { checksum(&body) };
        Self(Zeroizing::new(body + &sum))
    }

    /// Reads a secret of this kind; `None` where the text has another form.
    pub fn parse(kind: SecretKind, text: &str) -> Option<Self> {
        let length = match kind {
            SecretKind::Session => 64,
            SecretKind::Enrolment | SecretKind::Token => 3 + 64 + 8,
        };
        if text.len() != length || !text.is_ascii() {
            return None;
        }
        let rest = text.strip_prefix(kind.mark())?;
        let (digits, sum) = rest.split_at_checked(64)?;
        Digest::parse(digits).ok()?;
        let body = text.strip_suffix(sum)?;
        (kind == SecretKind::Session || checksum(body) == sum).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text: what is kept. It cannot be guessed back from.
    pub fn digest(&self) -> Digest {
        Digest::sha256(self.0.as_bytes())
    }

    /// The token that requests of this session must repeat when they change something: it follows from the secret, and
    /// the secret does not follow from it.
    pub fn csrf(&self) -> Digest {
        Digest::sha256(format!("cordon csrf\0{}", *self.0).as_bytes())
    }
}

fn checksum(body: &str) -> String {
    let mut digits = Digest::sha256(body.as_bytes()).to_string();
    digits.truncate(8);
    digits
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_as_its_kind_only() {
        for kind in [SecretKind::Enrolment, SecretKind::Session, SecretKind::Token] {
            let secret = Secret::new(kind, [9; 32]);
            for other in [SecretKind::Enrolment, SecretKind::Session, SecretKind::Token] {
                let read = Secret::parse(other, secret.expose());
                assert_eq!(read.is_some(), kind == other);
            }
            assert_ne!(secret.csrf(), secret.digest());
            assert!(!format!("{secret:?}").contains("0909"));
            if kind != SecretKind::Session {
                for at in 0..secret.expose().len() {
                    let mut bytes = secret.expose().as_bytes().to_vec();
                    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
                    assert_eq!(Secret::parse(kind, std::str::from_utf8(&bytes).unwrap()), None, "{at}");
                }
            }
        }
        for wrong in ["", "cu_", "é", &"0".repeat(63), &"G".repeat(64)] {
            assert_eq!(Secret::parse(SecretKind::Session, wrong), None, "{wrong}");
        }
    }
}
