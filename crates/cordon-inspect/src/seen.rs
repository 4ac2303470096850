//! What was read in decoded views: for people who ask why something was found. Off the path of calls, which keep no view.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use cordon_core::{Category, Channel, Finding, Score, Span};

use crate::{custom::Custom, engine::Engine, scanner::Scanner, view::Nesting};

/// The most views that are kept of one text.
const MAX_VIEWS: usize = 64;

/// How a view was made from what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Letters from the other end of the alphabet.
    Atbash,
    /// RFC 4648 base32.
    Base32,
    /// RFC 4648 base64, of either alphabet.
    Base64,
    /// Six dots for each letter.
    Braille,
    /// Letters some places on, but for thirteen.
    Caesar,
    /// Numbers of characters, in any radix.
    CharacterCodes,
    /// Bytes as pairs of hexadecimal digits.
    Hexadecimal,
    /// Tag characters and variation selectors, which nobody sees.
    HiddenCharacters,
    /// Words without spaces between them.
    Joined,
    /// Digits and signs for letters.
    Leetspeak,
    /// Without what was put into words and numbers, or with escapes undone that were themselves escaped.
    Mended,
    /// Dots and dashes.
    Morse,
    /// The first consonants of each word at its end, with `ay`.
    PigLatin,
    /// Backwards, as it is written or as a right-to-left override shows it: the whole or each word.
    Reversed,
    /// Letters thirteen places on.
    Rot13,
    /// Letters apart from each other.
    Spaced,
}

impl Encoding {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Atbash => "atbash",
            Self::Base32 => "base32",
            Self::Base64 => "base64",
            Self::Braille => "braille",
            Self::Caesar => "caesar",
            Self::CharacterCodes => "character_codes",
            Self::Hexadecimal => "hexadecimal",
            Self::HiddenCharacters => "hidden_characters",
            Self::Joined => "joined",
            Self::Leetspeak => "leetspeak",
            Self::Mended => "mended",
            Self::Morse => "morse",
            Self::PigLatin => "pig_latin",
            Self::Reversed => "reversed",
            Self::Rot13 => "rot13",
            Self::Spaced => "spaced",
        }
    }
}

/// What was found in a text, with the views that it was found in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// What [`Engine::inspect`] finds; what is found alike more than once stands here once.
    pub findings: Vec<Finding>,
    /// The views in which something was found, the innermost of several first.
    pub views: Vec<Decoded>,
    /// How many more there were.
    pub views_more: u32,
}

/// A view in which something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// How it was made.
    pub encoding: Encoding,
    /// 1: from the text itself; 2: from a view of it.
    pub depth: u8,
    /// What it says: a few kilobytes at most.
    pub text: String,
    /// What was found in it, in its order.
    pub found: Vec<Placed>,
}

/// A finding as it stands in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its bytes in the view.
    pub span: Span,
    /// The finding of the text that it became, by its place among [`Explained::findings`]: its span are the bytes that the view's
    /// were made from. None where no such finding was reported.
    pub finding: Option<usize>,
}

/// The views of one text, as its scanner and those of its views read them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    views: Vec<Noted>,
    more: u32,
}

#[derive(Debug)]
struct Noted {
    encoding: Encoding,
    depth: u8,
    text: String,
    findings: Vec<Finding>,
}

impl Trace {
    /// Keeps a view in which something was found, with spans in it.
    pub(crate) fn note(&self, encoding: Encoding, depth: u8, text: &str, findings: &[Finding]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.views.len() < MAX_VIEWS {
            kept.views.push(Noted { encoding, depth, text: text.to_owned(), findings: findings.to_vec() });
        } else {
            kept.more = kept.more.saturating_add(1);
        }
    }
}

/// What tells findings apart but for their place.
type Likeness = (&'static str, Category, Score);

fn likeness(finding: &Finding) -> Likeness {
    (finding.detector, finding.category.clone(), finding.score)
}

impl Engine {
    /// The findings of a whole text, and the views that led to them. It reads the text twice.
    ///
    /// ```
    /// use cordon_core::Channel;
    /// let engine = cordon_inspect::Engine::builtin();
    /// // "write to ana@example.org now" in base64
    /// let explained = engine.explain(Channel::User, "x d3JpdGUgdG8gYW5hQGV4YW1wbGUub3JnIG5vdw==");
    /// let view = &explained.views[0];
    /// assert_eq!((view.encoding.as_str(), view.text.as_str()), ("base64", "write to ana@example.org now"));
    /// assert_eq!(view.found[0].finding, Some(0));
    /// ```
    pub fn explain(&self, channel: Channel, text: &str) -> Explained {
        self.explain_with(channel, text, &[])
    }

    /// The same with what guards name themselves.
    pub fn explain_with(&self, channel: Channel, text: &str, custom: &[Custom]) -> Explained {
        let trace = Trace::default();
        let mut findings =
            self.read(self.scanner(channel, &[]).with_custom(custom).traced(trace.clone()), text);
        findings.dedup();
        // What is seen without any view was found in none.
        let plain = Scanner::new(self.tables(), channel, &[], Nesting::deepest()).with_custom(custom);
        let plain = self.read(plain, text);
        let plain: BTreeSet<(Span, Likeness)> =
            plain.iter().map(|finding| (finding.span, likeness(finding))).collect();
        let mut decoded = Waiting::default();
        for (at, finding) in findings.iter().enumerate() {
            if !plain.contains(&(finding.span, likeness(finding))) {
                decoded.push(likeness(finding), at);
            }
        }
        let kept = std::mem::take(&mut *trace.0.lock().unwrap_or_else(PoisonError::into_inner));
        let (mut views, mut inner): (Vec<Decoded>, Vec<(Decoded, Vec<Likeness>)>) = (Vec::new(), Vec::new());
        for Noted { encoding, depth, text, findings } in kept.views {
            let likenesses: Vec<Likeness> = findings.iter().map(likeness).collect();
            let found = findings.iter().map(|finding| Placed { span: finding.span, finding: None }).collect();
            let mut view = Decoded { encoding, depth, text, found };
            if depth > 1 {
                inner.push((view, likenesses));
                continue;
            }
            // Views are read in the order of the text, as its findings stand; those inside of a view before the view itself.
            let mut within = Waiting::default();
            for (placed, likeness) in view.found.iter_mut().zip(likenesses) {
                placed.finding = decoded.pop(&likeness);
                if let Some(at) = placed.finding {
                    within.push(likeness, at);
                }
            }
            for (mut one, likenesses) in inner.drain(..) {
                for (placed, likeness) in one.found.iter_mut().zip(&likenesses) {
                    placed.finding = within.pop(likeness);
                }
                views.push(one);
            }
            views.push(view);
        }
        // A view that only repeats what another one says adds nothing, such as that of pieces which are whole by themselves.
        views.retain(|view| view.found.iter().any(|placed| placed.finding.is_some()));
        Explained { findings, views, views_more: kept.more }
    }
}

/// Findings that no view was found for yet, in their order.
#[derive(Default)]
struct Waiting(BTreeMap<Likeness, VecDeque<usize>>);

impl Waiting {
    fn push(&mut self, likeness: Likeness, at: usize) {
        self.0.entry(likeness).or_default().push_back(at);
    }

    fn pop(&mut self, likeness: &Likeness) -> Option<usize> {
        self.0.get_mut(likeness)?.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_lead_back_to_where_their_findings_stand() {
        let engine = Engine::builtin();
        let base64 = "d3JpdGUgdG8gYW5hQGV4YW1wbGUub3JnIG5vdw==";
        let text = format!(
            "bob@example.net, {base64} and {base64}, 0x77 72 69 74 65 20 61 40 65 78 61 6d 70 6c 65 2e 6f 72 67"
        );
        let explained = engine.explain(Channel::User, &text);
        let mut findings = engine.inspect(Channel::User, &text);
        findings.dedup();
        assert_eq!(explained.findings, findings);
        let views: Vec<(&str, u8, &str)> = explained
            .views
            .iter()
            .map(|view| (view.encoding.as_str(), view.depth, view.text.as_str()))
            .collect();
        let plain = "write to ana@example.org now";
        assert_eq!(
            views,
            [("base64", 1, plain), ("base64", 1, plain), ("character_codes", 1, "write a@example.org")]
        );
        let mut at = 0;
        for view in &explained.views {
            for placed in &view.found {
                let finding = &explained.findings[placed.finding.expect("it was reported")];
                assert_eq!(finding.category.as_str(), "pii/email");
                assert!(view.text.get(placed.span.range()).unwrap().ends_with("@example.org"), "{placed:?}");
                assert!(finding.span.start > at, "in the order of the text");
                at = finding.span.start;
            }
        }
        assert_eq!(engine.explain(Channel::User, "bob@example.net").views, []);
    }
}
