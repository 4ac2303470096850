//! Redaction: from findings to what stands in their place.

mod placeholder;
mod tokens;

use cordon_core::{Category, Finding, Form, Score, Span};

pub(crate) use placeholder::{Placeholders, fingerprint};
pub use tokens::Tokens;
pub(crate) use tokens::{Restorer, Taken};

/// A span that must not go on, and how it is to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) span: Span,
    pub(crate) form: Form,
    pub(crate) category: Category,
    score: Score,
    /// Whether it continues a longer value whose placeholder stands already.
    pub(crate) continues: bool,
}

impl Cut {
    pub(crate) fn new(finding: &Finding, form: Form) -> Self {
        Self {
            span: finding.span,
            form,
            category: finding.category.clone(),
            score: finding.score,
            continues: finding.continues,
        }
    }

    /// Makes one cut of two that overlap: all bytes of both, the strictest form, the name of the surest.
    fn unite(&mut self, other: &Self) {
        self.span = Span::new(self.span.start.min(other.span.start), self.span.end.max(other.span.end));
        self.form = self.form.max(other.form);
        // A piece that continues a value names nothing; where another value begins in it, that one is named.
        let rank = |cut: &Self| (!cut.continues, cut.score);
        if rank(other) > rank(self) {
            self.category = other.category.clone();
            self.score = other.score;
            self.continues = other.continues;
        }
    }
}

/// Sorts the cuts and unites those that overlap. Cuts that only touch stay apart: they are two values.
pub(crate) fn unite(cuts: &mut Vec<Cut>) {
    cuts.retain(|cut| !cut.span.is_empty());
    cuts.sort_by(|a, b| (a.span, &a.category, a.form).cmp(&(b.span, &b.category, b.form)));
    cuts.dedup_by(|next, kept| {
        let overlaps = kept.span.overlaps(next.span);
        if overlaps {
            kept.unite(next);
        }
        overlaps
    });
}

/// The text with its cuts, which must be united, replaced.
pub(crate) fn rewrite(text: &str, cuts: &[Cut], placeholders: &mut Placeholders<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for cut in cuts {
        out.push_str(slice(text, at, cut.span.start));
        let value = slice(text, cut.span.start.max(at), cut.span.end);
        placeholders.write(cut, value, &mut out);
        at = cut.span.end.max(at);
    }
    out.push_str(slice(text, at, text.len()));
    out
}

/// `start..end` of a text, and nothing where there is no such range. Spans come from detectors, which report
/// boundaries of characters; where one did not, whole characters are left out rather than let through.
pub(crate) fn slice(text: &str, start: usize, end: usize) -> &str {
    let (mut start, mut end) = (start.min(text.len()), end.min(text.len()));
    while !text.is_char_boundary(start) {
        start += 1;
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use cordon_core::HmacKey;

    use super::*;

    fn cut(start: usize, end: usize, category: &'static str, form: Form, score: u32) -> Cut {
        Cut {
            span: Span::new(start, end),
            form,
            category: Category::known(category),
            score: Score::percent(score),
            continues: false,
        }
    }

    #[test]
    fn overlapping_spans_become_one_and_touching_ones_stay_two() {
        let key = HmacKey::from_bytes([1; 32]);
        let text = "0123456789";
        let check = |mut cuts: Vec<Cut>, expected: &str| {
            unite(&mut cuts);
            let mut tokens = Tokens::default();
            let mut placeholders = Placeholders::of_request(&key, &mut tokens);
            assert_eq!(rewrite(text, &cuts, &mut placeholders), expected);
        };
        check(
            vec![cut(0, 4, "pii/card", Form::Mask, 90), cut(2, 6, "pii/phone", Form::Mask, 50)],
            "[CARD]6789",
        );
        check(vec![cut(0, 4, "pii/card", Form::Mask, 50), cut(2, 6, "pii/phone", Form::Drop, 90)], "6789");
        check(
            vec![cut(0, 4, "pii/card", Form::Mask, 50), cut(4, 6, "pii/phone", Form::Mask, 90)],
            "[CARD][PHONE]6789",
        );
        check(
            vec![cut(0, 9, "pii/card", Form::Token, 50), cut(4, 6, "pii/phone", Form::Mask, 90)],
            "[PHONE]9",
        );
        let mut tail = cut(4, 8, "pii/card", Form::Mask, 50);
        tail.continues = true;
        check(vec![cut(0, 4, "pii/card", Form::Mask, 50), tail], "[CARD]89");
    }
}
