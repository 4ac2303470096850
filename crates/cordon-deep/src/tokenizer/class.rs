//! Which characters are punctuation, marks, controls or ideographs, as Unicode's general categories have it.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// Characters from one on to another, in order.
struct Ranges(Vec<(char, char)>);

static PUNCTUATION: LazyLock<Ranges> = LazyLock::new(|| Ranges::of(r"\p{P}"));
static NONSPACING: LazyLock<Ranges> = LazyLock::new(|| Ranges::of(r"\p{Mn}"));
/// Controls, formats and private use; characters that are not assigned are kept.
static OTHER: LazyLock<Ranges> = LazyLock::new(|| Ranges::of(r"[\p{Cc}\p{Cf}\p{Co}]"));

impl Ranges {
    fn of(class: &str) -> Self {
        // A class that is written here is one that can be read: the tests look at each.
        let ranges = match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(class))) => {
                class.ranges().iter().map(|range| (range.start(), range.end())).collect()
            }
            _ => Vec::new(),
        };
        Self(ranges)
    }

    fn has(&self, c: char) -> bool {
        let at = self.0.partition_point(|(_, end)| *end < c);
        self.0.get(at).is_some_and(|(start, _)| *start <= c)
    }
}

/// Punctuation, and every sign of ASCII that is no letter, digit or space.
pub(super) fn is_punctuation(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_punctuation() } else { PUNCTUATION.has(c) }
}

/// A mark that takes no room of its own, such as an accent.
pub(super) fn is_nonspacing(c: char) -> bool {
    !c.is_ascii() && NONSPACING.has(c)
}

/// What stands for nothing that is written; tabs and line ends are white space.
pub(super) fn is_other(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r') && OTHER.has(c)
}

/// An ideograph, each of which is a word by itself.
pub(super) const fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}' | '\u{2A700}'..='\u{2B73F}'
        | '\u{2B740}'..='\u{2B81F}' | '\u{2B920}'..='\u{2CEAF}' | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_characters() {
        assert!("!$+~^`«。—".chars().all(is_punctuation) && !"aé 1€漢".chars().any(is_punctuation));
        assert!(
            "\u{301}\u{941}\u{fe0f}".chars().all(is_nonspacing) && !"e\u{903}a".chars().any(is_nonspacing)
        );
        assert!("\0\u{7f}\u{ad}\u{200b}\u{e000}".chars().all(is_other) && !"\n\ta é".chars().any(is_other));
        assert!("漢㐀𠀀豈".chars().all(is_ideograph) && !"あa한".chars().any(is_ideograph));
    }
}
