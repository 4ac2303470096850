//! What is kept of a call's content while the call goes on: bounded copies, handed over when the call closes.
//!
//! Nothing here decides what may leave; it only copies what came in (`full`) or what left (`redacted`).

use aho_corasick::{AhoCorasick, MatchKind};
use cordon_core::{
    CallId, Digest, HmacKey, Timestamp, json,
    record::{CapturedContent, ContentObject, Outcome},
    resource::ContentCapture,
};
use cordon_policy::RouteEntry;

use crate::{
    ports::{CapturedCall, MAX_CAPTURED},
    redact::Tokens,
};

/// What is kept of one call so far.
pub(crate) struct Capturing {
    mode: ContentCapture,
    call: CapturedCall,
    retention: cordon_core::DurationMs,
    /// The key of the call's content digests.
    key: HmacKey,
    request: Kept,
    answer: Kept,
    hider: Hider,
}

/// The beginning of something that was said.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Whether anything was said at all; an empty answer is one.
    said: bool,
    truncated: bool,
}

/// Puts tokens back in the place of the values that an answer has in theirs.
#[derive(Default)]
enum Hider {
    /// The request held no token.
    #[default]
    Nothing,
    Values {
        finder: Box<AhoCorasick>,
        tokens: Vec<String>,
    },
    /// The values cannot be looked for: then nothing that may hold them is kept.
    Blind,
}

impl Capturing {
    /// Nothing so far, of a call to this route. `key` is the one of the call's content digests.
    pub(crate) fn new(route: &RouteEntry, key: HmacKey) -> Self {
        Self {
            mode: route.content,
            call: CapturedCall {
                call: CallId::from_bytes([0; 16]),
                team: route.team.clone(),
                route: route.name.clone(),
                subject: None,
                time: Timestamp::from_millis(0),
                expires: Timestamp::from_millis(0),
                objects: Vec::new(),
            },
            retention: route.content_retention,
            key,
            request: Kept::default(),
            answer: Kept::default(),
            hider: Hider::default(),
        }
    }

    /// Says which call it is.
    pub(crate) fn of(&mut self, call: CallId, time: Timestamp, subject: Option<Digest>) {
        self.call.call = call;
        self.call.time = time;
        self.call.expires = time.plus(self.retention);
        self.call.subject = subject;
    }

    /// The request as it was received.
    pub(crate) fn received(&mut self, bytes: &[u8]) {
        if self.mode == ContentCapture::Full {
            self.request.add(bytes);
        }
    }

    /// The request as it goes upstream, with the tokens that stand for values in it.
    pub(crate) fn sent(&mut self, bytes: &[u8], tokens: &Tokens) {
        if self.mode == ContentCapture::Redacted {
            self.request.add(bytes);
            self.hider = Hider::new(tokens);
        }
    }

    /// A piece of the answer as the upstream gave it.
    pub(crate) fn answered(&mut self, bytes: &[u8]) {
        if self.mode == ContentCapture::Full {
            self.answer.add(bytes);
        }
    }

    /// A piece of the answer as it is released. A value that was put back for a token lies in one piece.
    pub(crate) fn released(&mut self, bytes: &[u8]) {
        if self.mode != ContentCapture::Redacted {
            return;
        }
        match &self.hider {
            Hider::Nothing => self.answer.add(bytes),
            // Beyond the bound nothing is kept, so nothing has to be hidden.
            _ if self.answer.truncated => {}
            Hider::Values { finder, tokens } => {
                let mut hidden = Vec::with_capacity(bytes.len());
                finder.replace_all_with_bytes(bytes, &mut hidden, |found, _, out| {
                    out.extend(tokens.get(found.pattern().as_usize()).map_or(&[][..], String::as_bytes));
                    true
                });
                self.answer.add(&hidden);
            }
            Hider::Blind => self.answer.leave_out(),
        }
    }

    /// Forgets what was sent and what came back: the call goes to another target.
    pub(crate) fn again(&mut self) {
        if self.mode == ContentCapture::Redacted {
            self.request = Kept::default();
        }
        self.answer = Kept::default();
    }

    /// What the record says of it, and what is to be kept; nothing where nothing is.
    pub(crate) fn finish(self, outcome: Outcome) -> Option<(Vec<CapturedContent>, CapturedCall)> {
        if outcome == Outcome::Refused && self.mode != ContentCapture::Full {
            return None;
        }
        let Self { mut call, key, request, answer, .. } = self;
        let mut content = Vec::with_capacity(2);
        for (object, mut kept) in [(ContentObject::Request, request), (ContentObject::Answer, answer)] {
            if !kept.said {
                continue;
            }
            kept.end();
            content.push(CapturedContent {
                object,
                bytes: kept.bytes.len() as u64,
                truncated: kept.truncated,
                digest: key.digest(&kept.bytes),
            });
            call.objects.push((object, kept.bytes));
        }
        (!content.is_empty()).then_some((content, call))
    }
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        self.said = true;
        if self.truncated {
            return;
        }
        let room = MAX_CAPTURED.saturating_sub(self.bytes.len());
        match bytes.get(..room) {
            Some(fits) => {
                self.bytes.extend_from_slice(fits);
                self.truncated = bytes.len() > room;
            }
            None => self.bytes.extend_from_slice(bytes),
        }
    }

    fn leave_out(&mut self) {
        self.said = true;
        self.truncated = true;
    }

    /// Takes away the beginning of a character that the bound has cut, so that text stays text.
    fn end(&mut self) {
        if self.truncated
            && let Err(error) = std::str::from_utf8(&self.bytes)
            && error.error_len().is_none()
        {
            self.bytes.truncate(error.valid_up_to());
        }
    }
}

impl Hider {
    fn new(tokens: &Tokens) -> Self {
        if tokens.is_empty() {
            return Self::Nothing;
        }
        let (values, tokens): (Vec<Vec<u8>>, Vec<String>) = tokens
            .issued()
            .filter(|(_, value)| !value.is_empty())
            .map(|(token, value)| (within_json(value), token.to_owned()))
            .unzip();
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values);
        built.map_or(Self::Blind, |finder| Self::Values { finder: Box::new(finder), tokens })
    }
}

/// A text as it stands between the quotes of a JSON string.
fn within_json(text: &str) -> Vec<u8> {
    let mut written = json::Value::from(text).to_vec();
    written.pop();
    if !written.is_empty() {
        written.remove(0);
    }
    written
}

#[cfg(test)]
mod tests {
    use cordon_core::{Category, Form, Name, Score};

    use super::*;
    use crate::redact::{Cut, Placeholders};

    fn route(content: ContentCapture) -> RouteEntry {
        let team = Name::parse("t").unwrap();
        let spec = cordon_core::resource::RouteSpec {
            content,
            ..cordon_core::resource::RouteSpec::new(team, Vec::new())
        };
        RouteEntry::new(&Name::parse("bot").unwrap(), &spec)
    }

    fn capturing(content: ContentCapture) -> Capturing {
        Capturing::new(&route(content), HmacKey::from_bytes([1; 32]))
    }

    fn tokens(values: &[&str]) -> Tokens {
        let key = HmacKey::from_bytes([7; 32]);
        let mut tokens = Tokens::default();
        for value in values {
            let finding = cordon_core::Finding {
                category: Category::known("pii/email"),
                span: cordon_core::Span::new(0, 1),
                score: Score::ONE,
                detector: "email",
                detector_version: 1,
                continues: false,
                listed: cordon_core::Listed::NONE,
            };
            Placeholders::of_request(&key, &mut tokens).write(
                &Cut::new(&finding, Form::Token),
                value,
                &mut String::new(),
            );
        }
        tokens
    }

    #[test]
    fn values_that_were_put_back_are_hidden_again() {
        let mut capturing = capturing(ContentCapture::Redacted);
        capturing.received(b"a@example.com");
        capturing.sent(b"[EMAIL_1]", &tokens(&["a@example.com", "a@example.com.org", "say \"x\""]));
        capturing.answered(b"never kept");
        capturing.released(br#"{"c":"a@example.com, a@example.com.org"#);
        capturing.released(br#" and say \"x\""}"#);
        let (said, call) = capturing.finish(Outcome::Released).unwrap();
        let text = |at: usize| String::from_utf8(call.objects[at].1.clone()).unwrap();
        assert_eq!(text(0), "[EMAIL_1]");
        assert_eq!(text(1), r#"{"c":"[EMAIL_1], [EMAIL_2] and [EMAIL_3]"}"#);
        assert_eq!(said[1].bytes, call.objects[1].1.len() as u64);
    }

    #[test]
    fn a_bound_is_a_bound_and_cuts_no_character() {
        let mut capturing = capturing(ContentCapture::Full);
        capturing.received("x".repeat(MAX_CAPTURED).as_bytes());
        let long = format!("x{}", "é".repeat(MAX_CAPTURED));
        for piece in long.as_bytes().chunks(1000) {
            capturing.answered(piece);
        }
        let (said, call) = capturing.finish(Outcome::Refused).unwrap();
        assert_eq!(said.iter().map(|said| said.truncated).collect::<Vec<_>>(), [false, true]);
        assert_eq!(call.objects[0].1.len(), MAX_CAPTURED);
        assert_eq!(call.objects[1].1.len(), MAX_CAPTURED - 1);
        assert!(std::str::from_utf8(&call.objects[1].1).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_a_refused_call_but_by_full() {
        for (mode, kept) in [(ContentCapture::Redacted, false), (ContentCapture::Full, true)] {
            let mut capturing = capturing(mode);
            capturing.received(b"in");
            assert_eq!(capturing.finish(Outcome::Refused).is_some(), kept);
        }
    }
}
