use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use cordon_core::Category;

use super::placeholder::write_label;

/// The tokens of one call: typed placeholders such as `[EMAIL_1]`, numbered by kind, equal values equal tokens. They
/// are restored only in the answer of the same call, and only those that were issued.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// The value of each token; sorted, because a stream asks what a piece of text can still become.
    issued: BTreeMap<String, String>,
    of_value: HashMap<(Category, String), String>,
    next: HashMap<String, u32>,
    taken: Taken,
}

/// Texts of the request that look like tokens: no token is issued that the request already holds, so that nobody's
/// imitation is ever restored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken(HashSet<String>);

/// Puts values back in place of their tokens in a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Restorer {
    /// A `[` and what followed, while it can become a token.
    open: String,
}

impl Tokens {
    /// Whether none was issued.
    pub fn is_empty(&self) -> bool {
        self.issued.is_empty()
    }

    /// The tokens that were issued, each with its value.
    pub(crate) fn issued(&self) -> impl Iterator<Item = (&str, &str)> {
        self.issued.iter().map(|(token, value)| (token.as_str(), value.as_str()))
    }

    /// Keeps imitations in mind. Must be called before anything is issued.
    pub(crate) fn avoid(&mut self, taken: Taken) {
        self.taken = taken;
    }

    pub(super) fn issue(&mut self, category: &Category, value: &str) -> &str {
        let Self { issued, of_value, next, taken } = self;
        of_value.entry((category.clone(), value.to_owned())).or_insert_with(|| {
            let mut label = String::new();
            write_label(category, &mut label);
            let next = next.entry(label.clone()).or_insert(0);
            let token = loop {
                *next = next.saturating_add(1);
                let token = format!("[{label}_{next}]");
                // The set is finite and the numbers go on: this ends after at most as many rounds as it has members.
                if !taken.0.contains(&token) {
                    break token;
                }
            };
            issued.insert(token.clone(), value.to_owned());
            token
        })
    }

    /// The token of a value that has one.
    pub(super) fn of(&self, category: &Category, value: &str) -> Option<&str> {
        if self.issued.is_empty() {
            return None;
        }
        self.of_value.get(&(category.clone(), value.to_owned())).map(String::as_str)
    }

    /// Whether a text is the beginning of a token.
    fn may_become(&self, text: &str) -> bool {
        let from = (Bound::Included(text), Bound::Unbounded);
        self.issued.range::<str, _>(from).next().is_some_and(|(token, _)| token.starts_with(text))
    }
}

impl Taken {
    /// Takes note of everything in a text that looks like a token: `[`, up to 64 of `A-Z`, `0-9` and `_`, `]`.
    pub(crate) fn note(&mut self, text: &str) {
        for (at, _) in text.match_indices('[') {
            let rest = text.get(at + 1..).unwrap_or_default();
            let length = rest.bytes().take(80).position(|b| !matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
            if let Some(length) = length.filter(|length| rest.as_bytes().get(*length) == Some(&b']')) {
                self.0.insert(super::slice(text, at, at + length + 2).to_owned());
            }
        }
    }
}

impl Restorer {
    /// Takes a piece of plain text and writes what is decided; returns whether a value was put back.
    pub(crate) fn push(&mut self, text: &str, tokens: &Tokens, out: &mut String) -> bool {
        if tokens.is_empty() {
            out.push_str(text);
            return false;
        }
        let mut restored = false;
        let mut rest = text;
        while !rest.is_empty() {
            if self.open.is_empty() {
                let (plain, from) =
                    rest.split_at_checked(rest.find('[').unwrap_or(rest.len())).unwrap_or((rest, ""));
                out.push_str(plain);
                rest = from;
                if !rest.is_empty() {
                    self.open.push('[');
                    rest = rest.get(1..).unwrap_or_default();
                }
                continue;
            }
            let Some(c) = rest.chars().next() else { break };
            if c == '[' {
                // A token holds no second bracket: what was open is plain, and this one may begin a token.
                out.push_str(&self.open);
                self.open.clear();
                continue;
            }
            self.open.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            if let Some(value) = tokens.issued.get(&self.open) {
                out.push_str(value);
                self.open.clear();
                restored = true;
            } else if !tokens.may_become(&self.open) {
                out.push_str(&self.open);
                self.open.clear();
            }
        }
        restored
    }

    /// Ends the plain text: what was open is no token.
    pub(crate) fn close(&mut self, out: &mut String) {
        out.push_str(&self.open);
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        let mut tokens = Tokens::default();
        let mut taken = Taken::default();
        taken.note("see [EMAIL_1] and [[EMAIL_3]], [email_2]");
        tokens.avoid(taken);
        tokens.issue(&Category::known("pii/email"), "a@example.com");
        tokens.issue(&Category::known("pii/email"), "b@example.com");
        tokens
    }

    #[test]
    fn imitations_are_never_issued_and_never_restored() {
        let tokens = tokens();
        let mut out = String::new();
        let mut restorer = Restorer::default();
        restorer.push("[EMAIL_1] [EMAIL_2] [EMAIL_3] [EMAIL_4] [EMAIL_5] [EMAIL_4", &tokens, &mut out);
        restorer.close(&mut out);
        assert_eq!(out, "[EMAIL_1] a@example.com [EMAIL_3] b@example.com [EMAIL_5] [EMAIL_4");
    }

    #[test]
    fn tokens_are_restored_however_the_text_is_cut() {
        let tokens = tokens();
        let text = "[[EMAIL_2][EMAIL_2x[EMAIL_4]] é[EMAIL_é";
        for chunks in cordon_testkit::chunking::chunkings(text, 5, 50) {
            let mut out = String::new();
            let mut restorer = Restorer::default();
            for chunk in &chunks {
                restorer.push(chunk, &tokens, &mut out);
            }
            restorer.close(&mut out);
            assert_eq!(out, "[a@example.com[EMAIL_2xb@example.com] é[EMAIL_é");
        }
    }
}
