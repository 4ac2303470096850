//! Whose a file is. Services keep the files of all callers under the gateway's one key: what a caller may see of them is what it
//! uploaded itself. Who that was goes with the file, in front of its name, so that every node with the same key knows it and none
//! has to remember.

use cordon_core::{HmacKey, Name};

/// What the key of marks is derived for. Callers bring about digests of texts under the key that it is derived of, and no text has such
/// a byte.
const PURPOSE: &[u8] = b"\xffkey of the owners of files";

/// What stands before the mark.
const BEFORE: &str = "cordon-";
/// Digits of the mark: 96 bits.
const DIGITS: usize = 24;

/// Who uploads, as the names of files say it.
#[derive(Debug)]
pub(super) struct Owner(String);

impl Owner {
    /// The mark of a principal, by a key of its own that is made of the one for pseudonyms: what callers have made a pseudonym of is no
    /// mark. It ends in a dash, so that it is no name before an extension.
    pub(super) fn new(key: &HmacKey, principal: &Name) -> Self {
        let key = HmacKey::from_bytes(*key.digest(PURPOSE).as_bytes());
        let digest = key.digest(principal.as_str().as_bytes()).to_string();
        let mark = digest.get(..DIGITS).unwrap_or(&digest);
        Self(format!("{BEFORE}{mark}-"))
    }

    /// The name of a file with who owns it. It is put in front of whatever is there: of two marks, the first is the gateway's.
    pub(super) fn mark(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }

    /// The name as its owner gave it; nothing where the file is another's, or nobody's that is known here.
    pub(super) fn own<'n>(&self, marked: &'n str) -> Option<&'n str> {
        marked.strip_prefix(self.0.as_str()).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_owners_alone() {
        let key = HmacKey::from_bytes([7; 32]);
        let owner = |name: &str| Owner::new(&key, &Name::parse(name).unwrap());
        let marked = owner("app").mark("a.pdf");
        assert!(marked.ends_with(".pdf") && !marked.contains("app"));
        assert_eq!(owner("app").own(&marked), Some("a.pdf"));
        assert!(
            !owner("app").mark("exe").contains('.'),
            "a name without an extension has none with the mark"
        );
        assert_eq!(owner("other").own(&marked), None);
        assert_eq!(owner("app").own("a.pdf"), None);
        // Who names a file by somebody else's mark gives it to nobody.
        let forged = owner("other").mark(&marked);
        assert_eq!((owner("app").own(&forged), owner("other").own(&forged)), (None, Some(marked.as_str())));
        let elsewhere = Owner::new(&HmacKey::from_bytes([8; 32]), &Name::parse("app").unwrap());
        assert_eq!(elsewhere.own(&marked), None);
        assert!(String::from_utf8(PURPOSE.to_vec()).is_err(), "no caller is named so");
    }
}
