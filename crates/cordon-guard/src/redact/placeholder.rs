use std::fmt::Write as _;

use cordon_core::{Category, Form, HmacKey};

use super::{Cut, Tokens};

/// Writes what stands in place of a redacted value.
pub(crate) struct Placeholders<'a> {
    key: &'a HmacKey,
    issue: Issue<'a>,
}

enum Issue<'a> {
    /// In a request: every value gets its token.
    Fresh(&'a mut Tokens),
    /// In an answer: values of the request keep their tokens. Others are masked, because nothing would ever restore
    /// their tokens, and because numbers given in the order of arrival would depend on how the stream was cut.
    Known(&'a Tokens),
}

impl<'a> Placeholders<'a> {
    pub(crate) const fn of_request(key: &'a HmacKey, tokens: &'a mut Tokens) -> Self {
        Self { key, issue: Issue::Fresh(tokens) }
    }

    pub(crate) const fn of_answer(key: &'a HmacKey, tokens: &'a Tokens) -> Self {
        Self { key, issue: Issue::Known(tokens) }
    }

    /// Writes the placeholder of a value. It never needs an escape inside a JSON string.
    pub(crate) fn write(&mut self, cut: &Cut, value: &str, out: &mut String) {
        if cut.continues {
            return;
        }
        match cut.form {
            Form::Drop => {}
            Form::Mask => write_mask(&cut.category, out),
            Form::Hash => {
                out.push('[');
                write_label(&cut.category, out);
                out.push(':');
                out.push_str(super::slice(&fingerprint(self.key, cut.category.as_str(), value), 0, 8));
                out.push(']');
            }
            Form::Token => {
                let token = match &mut self.issue {
                    Issue::Fresh(tokens) => Some(tokens.issue(&cut.category, value)),
                    Issue::Known(tokens) => tokens.of(&cut.category, value),
                };
                match token {
                    Some(token) => out.push_str(token),
                    None => write_mask(&cut.category, out),
                }
            }
        }
    }
}

fn write_mask(category: &Category, out: &mut String) {
    out.push('[');
    write_label(category, out);
    out.push(']');
}

/// `CARD` of `pii/card`.
pub(super) fn write_label(category: &Category, out: &mut String) {
    out.extend(category.leaf().chars().map(|c| c.to_ascii_uppercase()));
}

/// 16 hexadecimal digits that stand for a value under a key: equal values are recognisable as equal, and without the
/// key nothing can be tried out.
pub(crate) fn fingerprint(key: &HmacKey, purpose: &str, value: &str) -> String {
    let mut message = String::with_capacity(purpose.len() + 1 + value.len());
    // A purpose holds no null character, so no two pairs give the same message.
    let _ = write!(message, "{purpose}\0{value}");
    let digest = key.digest(message.as_bytes());
    let mut out = digest.to_string();
    out.truncate(16);
    out
}

#[cfg(test)]
mod tests {
    use cordon_core::{Finding, Score, Span};

    use super::*;

    #[test]
    fn every_form_looks_as_documented() {
        let key = HmacKey::from_bytes([7; 32]);
        let mut tokens = Tokens::default();
        let mut check = |form, value: &str| {
            let finding = Finding {
                category: Category::known("pii/card"),
                span: Span::new(0, 1),
                score: Score::ONE,
                detector: "card",
                detector_version: 1,
                continues: false,
                listed: cordon_core::Listed::NONE,
            };
            let mut out = String::new();
            Placeholders::of_request(&key, &mut tokens).write(&Cut::new(&finding, form), value, &mut out);
            out
        };
        assert_eq!(check(Form::Drop, "4111"), "");
        assert_eq!(check(Form::Mask, "4111"), "[CARD]");
        assert_eq!(check(Form::Token, "4111"), "[CARD_1]");
        assert_eq!(check(Form::Token, "4222"), "[CARD_2]");
        assert_eq!(check(Form::Token, "4111"), "[CARD_1]");
        let hash = check(Form::Hash, "4111");
        assert!(hash.len() == 15 && hash.starts_with("[CARD:"), "{hash}");
        assert_eq!(check(Form::Hash, "4111"), hash);
        assert_ne!(check(Form::Hash, "4112"), hash);
    }
}
