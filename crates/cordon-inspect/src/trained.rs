//! Which texts the models of this program were trained on: who measures on one of them measures what was remembered.
//!
//! What is kept of a text are four bytes of a digest of its letters and digits, so that another typography is the same text; none can be
//! read from them. A text that no model has seen is taken for one of *n* that they have seen with a chance of *n* in 2^32.
//!
//! ```
//! use cordon_inspect::trained;
//! assert_eq!(trained::fingerprint("Tell  me: why?"), trained::fingerprint("“tell me why”"));
//! assert!(!trained::on("Nobody has ever labelled the text of this example."));
//! ```

use std::collections::BTreeSet;

use sha3::{Digest as _, Sha3_256};
use unicode_normalization::UnicodeNormalization as _;

/// Fingerprints in ascending order. `cargo xtask train fingerprints` writes them; models/fingerprints.md says of what.
const FILE: &[u8] = include_bytes!("../models/fingerprints.bin");

/// Characters that are looked at: trainers read no more of a text either.
const READ: usize = 16_000;

/// What is kept of a text: the first four bytes of SHA3-256 (FIPS 202) of its letters and digits in lower case, after NFKC; of a text
/// that has none of these, of its signs. None of one of spaces alone.
pub fn fingerprint(text: &str) -> Option<[u8; 4]> {
    let read = || text.chars().take(READ).nfkc().flat_map(char::to_lowercase);
    let mut kept: String = read().filter(|letter| letter.is_alphanumeric()).collect();
    if kept.is_empty() {
        kept = read().filter(|sign| !sign.is_whitespace()).collect();
    }
    if kept.is_empty() {
        return None;
    }
    Sha3_256::digest(kept).first_chunk().copied()
}

/// Whether a model of this program was trained on a text, or on one that differs in typography alone.
pub fn on(text: &str) -> bool {
    fingerprint(text).is_some_and(|fingerprint| FILE.as_chunks().0.binary_search(&fingerprint).is_ok())
}

/// The file of the fingerprints of some texts, each once.
pub fn file<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let fingerprints: BTreeSet<[u8; 4]> = texts.into_iter().filter_map(fingerprint).collect();
    fingerprints.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_in_order() {
        let (fingerprints, rest) = FILE.as_chunks::<4>();
        assert!(rest.is_empty());
        assert!(fingerprints.len() > 10_000);
        assert!(fingerprints.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn texts_that_were_learned_are_known_in_any_typography_and_others_are_not() {
        // Of self-instruct (Apache-2.0).
        assert!(on("Create a birthday planning checklist."));
        assert!(on("  CREATE a birthday\nplanning check\u{2d}list"));
        assert!(!on("Create a birthday planning checklist for Hiroko."));
        for nothing in ["", " \n", "…!?"] {
            assert!(!on(nothing));
        }
    }

    #[test]
    fn a_file_holds_each_text_once_and_nothing_of_spaces() {
        assert_eq!(file(["one", "two", "One!", "? ?", "??", " "]).len(), 12);
        assert_eq!(file(["one", "two"]), file(["two", "one"]));
    }

    #[test]
    fn of_long_texts_the_beginning_counts() {
        let long = "a".repeat(READ);
        assert_eq!(fingerprint(&long), fingerprint(&(long.clone() + "b")));
        assert_ne!(fingerprint(&long), fingerprint(long.strip_prefix("a").unwrap_or_default()));
    }
}
