//! Whether a sentence says that something is, or that it is not.

use std::collections::HashSet;

use super::token::{Word, is_small, stem};

/// Words that deny, in small letters. A word with `n't` does too.
const NEGATORS: [&str; 55] = [
    "not", "no", "never", "without", "none", "neither", "nor", "cannot", "nothing", "nobody", "nicht",
    "kein", "keine", "keinen", "keinem", "keiner", "keines", "nie", "niemals", "nichts", "ohne", "weder",
    "pas", "jamais", "aucun", "aucune", "sans", "rien", "nunca", "ningún", "ninguna", "sin", "jamás", "nada",
    "non", "mai", "senza", "nessun", "nessuna", "não", "sem", "nenhum", "nenhuma", "niet", "geen", "nooit",
    "zonder", "inte", "ingen", "inget", "ikke", "ei", "не", "нет", "без",
];

/// Words that say the opposite of each other.
const OPPOSITES: [(&str, &str); 33] = [
    ("allowed", "forbidden"),
    ("allowed", "prohibited"),
    ("permitted", "prohibited"),
    ("permitted", "forbidden"),
    ("included", "excluded"),
    ("includes", "excludes"),
    ("increased", "decreased"),
    ("rose", "fell"),
    ("rises", "falls"),
    ("higher", "lower"),
    ("above", "below"),
    ("open", "closed"),
    ("before", "after"),
    ("minimum", "maximum"),
    ("accepted", "rejected"),
    ("accepted", "refused"),
    ("approved", "rejected"),
    ("enabled", "disabled"),
    ("mandatory", "optional"),
    ("required", "optional"),
    ("free", "paid"),
    ("first", "last"),
    ("erlaubt", "verboten"),
    ("gestattet", "untersagt"),
    ("enthalten", "ausgeschlossen"),
    ("geöffnet", "geschlossen"),
    ("offen", "geschlossen"),
    ("mindestens", "höchstens"),
    ("gestiegen", "gesunken"),
    ("vor", "nach"),
    ("pflichtig", "freiwillig"),
    ("obligatoire", "facultatif"),
    ("ouvert", "fermé"),
];

/// Beginnings that turn a word into its opposite.
const TURNING: [&str; 6] = ["un", "in", "im", "ir", "dis", "non"];
/// Words that say something, of those behind a denial, that it is about.
const SCOPE: usize = 2;

/// What a sentence denies.
#[derive(Clone, Debug, Default)]
pub(super) struct Polarity {
    /// Whether there is a denial in it.
    denies: bool,
    /// The stems of the words that a denial is about.
    denied: Vec<u64>,
    /// All of its words.
    words: HashSet<String>,
}

impl Polarity {
    pub(super) fn of(words: &[Word]) -> Self {
        let mut polarity = Self::default();
        for (at, word) in words.iter().enumerate() {
            polarity.words.insert(word.small.clone());
            if !is_negator(&word.small) {
                continue;
            }
            polarity.denies = true;
            let says = |word: &&Word| !is_small(&word.small) && !is_negator(&word.small);
            let mut about: Vec<u64> =
                words.iter().skip(at + 1).filter(says).take(SCOPE).map(|word| stem(&word.small)).collect();
            if about.is_empty() {
                about.extend(
                    words.iter().take(at).rev().filter(says).take(SCOPE).map(|word| stem(&word.small)),
                );
            }
            polarity.denied.extend(about);
        }
        polarity
    }

    /// Whether a sentence says the opposite of a passage, both of which are about the same. `knows` says which words both have.
    pub(super) fn opposes(&self, passage: &Self, both: &HashSet<u64>) -> bool {
        let only_here = self.denies && !passage.denies && self.denied.iter().any(|word| both.contains(word));
        let only_there =
            passage.denies && !self.denies && passage.denied.iter().any(|word| both.contains(word));
        let turned = self.is_turned(passage);
        // To deny the opposite is to say the same.
        let loosely = self.denies != passage.denies;
        if turned { !loosely } else { only_here || only_there }
    }

    /// Whether one of them has the opposite of a word of the other, in place of that word.
    fn is_turned(&self, other: &Self) -> bool {
        let has = |of: &Self, word: &str| of.words.contains(word);
        let swapped =
            |one: &str, two: &str| has(self, one) && !has(self, two) && has(other, two) && !has(other, one);
        let prefixed = |of: &Self, other: &Self| {
            let mut turned = of.words.iter().filter(|word| !has(other, word));
            turned.any(|word| {
                let bare = TURNING.iter().filter_map(|start| word.strip_prefix(start));
                bare.into_iter().any(|bare| bare.chars().count() >= 4 && has(other, bare) && !has(of, bare))
            })
        };
        OPPOSITES.iter().any(|(one, two)| swapped(one, two) || swapped(two, one))
            || prefixed(self, other)
            || prefixed(other, self)
    }
}

fn is_negator(word: &str) -> bool {
    NEGATORS.contains(&word) || word.ends_with("n't")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::grounding::token::{tokens, words};

    fn opposes(one: &str, other: &str) -> bool {
        let (one, other) = (words(one), words(other));
        let keys = |words: &[Word]| tokens(words).into_iter().map(|token| token.key).collect::<HashSet<_>>();
        let both = keys(&one).intersection(&keys(&other)).copied().collect();
        Polarity::of(&one).opposes(&Polarity::of(&other), &both)
    }

    #[test]
    fn what_is_denied_is_told_from_what_is_said() {
        for (one, other) in [
            ("The tickets are refundable.", "The tickets are not refundable."),
            ("Tickets can't be refunded.", "Tickets can be refunded."),
            ("Wir liefern am Sonntag.", "Am Sonntag liefern wir nicht."),
            ("Smoking is allowed in the garden.", "Smoking is forbidden in the garden."),
            ("The offer is valid.", "The offer is invalid."),
            ("Call before noon.", "Call after noon."),
            ("The shop never closes on Monday.", "The shop closes on Monday."),
            ("La livraison n'est pas gratuite.", "La livraison est gratuite."),
        ] {
            assert!(opposes(one, other) && opposes(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("The tickets are not refundable.", "Tickets cannot be refunded, they are not refundable."),
            ("Smoking is not allowed in the garden.", "Smoking is forbidden in the garden."),
            ("The offer is not valid.", "The offer is invalid."),
            ("The shop is open and closed at times.", "The shop is open."),
            ("Parcels arrive in three days.", "Parcels arrive in three days, but not on Sundays."),
        ] {
            assert!(!opposes(one, other) && !opposes(other, one), "{one} {other}");
        }
    }
}
