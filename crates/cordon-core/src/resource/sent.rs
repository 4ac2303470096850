//! The values that a caller sent, for telling what an answer repeats from what it gives away.

use std::{collections::HashSet, fmt};

use super::allow::Form;
use crate::Category;

/// The most values of one call that are remembered.
const MOST: usize = 4_096;
/// The most bytes of them together.
const MOST_BYTES: usize = 256 << 10;
/// The longest value that is remembered.
const LONGEST: usize = 4_096;

/// What values are found as, and by what the first two are told from the third: a number can be found as a telephone here and as an
/// account there, a key is a key.
const PII: Category = Category::known("pii");
const SECRET: Category = Category::known("secret");
const CUSTOM: Category = Category::known("custom");

/// Values that were found in what a caller sent, in the form in which values are compared: numbers without spaces and separators and in
/// any case, names and addresses in any case, keys and what guards name themselves to the letter.
///
/// Bounded: what comes beyond 4,096 values or 256 KiB is not remembered, and so is new when it comes again. Kept for one call and in
/// memory alone; it does not show what it holds.
///
/// ```
/// use cordon_core::{Category, resource::SentValues};
/// let mut sent = SentValues::default();
/// sent.note(&Category::known("pii/card"), "4111 1111 1111 1111");
/// assert!(sent.has(&Category::known("pii/card"), "4111-1111-1111-1111"));
/// assert!(!sent.has(&Category::known("pii/card"), "4012 0000 3333 0026"));
/// assert!(!sent.has(&Category::known("secret/generic"), "4111 1111 1111 1111"), "another kind of thing");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SentValues {
    values: HashSet<Value>,
    bytes: usize,
}

/// A value: what family it is of, how it is compared, and how it is written then.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Value {
    family: Family,
    form: Form,
    written: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Family {
    Pii,
    Secret,
    /// Of one category of a guard's own.
    Custom,
}

impl Family {
    fn of(category: &Category) -> Option<Self> {
        let all = [(PII, Self::Pii), (SECRET, Self::Secret), (CUSTOM, Self::Custom)];
        all.into_iter().find(|(family, _)| family.covers(category)).map(|(_, family)| family)
    }
}

impl Value {
    fn of(category: &Category, text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (family, form) = (Family::of(category)?, Form::of(category));
        let mut written = form.write(text);
        if written.is_empty() {
            return None;
        }
        if family == Family::Custom {
            // Two types of a guard's own have nothing in common.
            written.insert(0, '\n');
            written.insert_str(0, category.as_str());
        }
        Some(Self { family, form, written })
    }
}

impl SentValues {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Remembers a value that was found as this. What is no personal data, no secret and of no type of a guard's own is no value.
    pub fn note(&mut self, category: &Category, text: &str) {
        if self.values.len() >= MOST {
            return;
        }
        let Some(value) = Value::of(category, text) else { return };
        let bytes = self.bytes.saturating_add(value.written.len());
        if bytes <= MOST_BYTES && self.values.insert(value) {
            self.bytes = bytes;
        }
    }

    /// Whether a value that is found as this was sent, as the same or as another kind of personal data or of secret.
    pub fn has(&self, category: &Category, text: &str) -> bool {
        !self.is_empty() && Value::of(category, text).is_some_and(|value| self.values.contains(&value))
    }

    /// Remembers all that another remembers, of personal data alone where `personal`.
    pub fn join(&mut self, other: Self, personal: bool) {
        for value in other.values {
            if personal && value.family != Family::Pii || self.values.len() >= MOST {
                continue;
            }
            let bytes = self.bytes.saturating_add(value.written.len());
            if bytes <= MOST_BYTES && self.values.insert(value) {
                self.bytes = bytes;
            }
        }
    }
}

/// How many there are, and none of them.
impl fmt::Debug for SentValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentValues").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[(&'static str, &str)]) -> SentValues {
        let mut sent = SentValues::default();
        for (category, value) in values {
            sent.note(&Category::known(category), value);
        }
        sent
    }

    #[test]
    fn how_a_value_is_written_makes_no_difference() {
        let known = sent(&[
            ("pii/card", "4111 1111 1111 1111"),
            ("pii/iban", "gb33 bukb 2020 1555 5555 55"),
            ("pii/email", "Ana@Example.org"),
            ("secret/generic", "aB-c"),
        ]);
        let has = |category, text| known.has(&Category::known(category), text);
        assert!(has("pii/card", "4111-1111-1111-1111") && has("pii/card", "4111111111111111"));
        assert!(has("pii/bank_account", "4111111111111111"), "the same number, taken for something else");
        assert!(has("pii/iban", "GB33BUKB20201555555555"));
        assert!(has("pii/email", "ana@example.org"));
        assert!(has("secret/password", "aB-c"));
        assert!(!has("secret/password", "ab-c"), "keys are what they are, to the letter");
        assert!(!has("pii/email", "bob@example.org") && !has("pii/email", "na@example.org"));
        assert!(!has("pii/card", "4111 1111 1111 111"), "a part is another value");
    }

    #[test]
    fn what_is_no_value_is_never_known() {
        let known =
            sent(&[("prompt_injection", "x1"), ("file/bomb", "x1"), ("custom/badge", "x1"), ("pii", " - ")]);
        for category in ["prompt_injection", "file/bomb", "pii", "secret", "custom/project"] {
            assert!(!known.has(&Category::known(category), "x1"), "{category}");
        }
        assert!(known.has(&Category::known("custom/badge"), "x1"));
    }

    #[test]
    fn it_is_bounded_and_shows_nothing() {
        let mut known = sent(&[("pii/email", "ana@example.org")]);
        for n in 0..2 * MOST {
            known.note(&Category::known("pii/email"), &format!("u{n}@example.org"));
        }
        assert_eq!(known.values.len(), MOST);
        let long: Vec<_> = (0..1_000).map(|n| format!("{n}{}", "x".repeat(1_000))).collect();
        let mut keys = SentValues::default();
        long.iter().for_each(|key| keys.note(&Category::known("secret/generic"), key));
        assert!(keys.bytes <= MOST_BYTES && !keys.is_empty());
        keys.note(&Category::known("secret/generic"), &"y".repeat(LONGEST + 1));
        assert!(!keys.has(&Category::known("secret/generic"), &"y".repeat(LONGEST + 1)));
        known.join(keys.clone(), false);
        assert_eq!(known.values.len(), MOST);
        assert!(!format!("{known:?}").contains("example"));
    }

    #[test]
    fn of_instructions_only_personal_data_is_joined() {
        let mut known = SentValues::default();
        known.join(sent(&[("pii/email", "help@example.org"), ("secret/generic", "aB-c")]), true);
        assert!(known.has(&Category::known("pii/email"), "help@example.org"));
        assert!(!known.has(&Category::known("secret/generic"), "aB-c"));
    }
}
