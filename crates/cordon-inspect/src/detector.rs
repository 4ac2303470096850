use cordon_core::Category;

use crate::answer::{MAX_WINDOW, leak::MAX_BEHIND};
use crate::canary::{self, Canary};
use crate::custom;
use crate::names::SEGMENT;
use crate::noise;
use crate::pii;
use crate::policy;
use crate::setting::MAX_WAIT;
use crate::suspicion::WINDOW;
use crate::template::MAX_TURN;
use crate::whole;

/// What a detector is and promises. The table is part of the rules' digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectorInfo {
    /// Stable name, as in findings.
    pub name: &'static str,
    /// Changes whenever a verdict could.
    pub version: u16,
    /// Every category it can report.
    pub categories: Vec<Category>,
    /// How much text one finding can need.
    pub reach: Reach,
    /// How expensive it is.
    pub cost: Cost,
    /// Milliseconds after which it would have failed; none where its time is linear in the text.
    pub deadline_ms: Option<u32>,
    /// What its own failure means.
    pub failure: FailureMode,
    /// What it must find whenever it is asked; [`crate::Engine::finds`] says whether it does.
    pub canary: Option<Canary>,
}

/// How much text one finding can need, in bytes of the folded text. What is encoded, spelled, written backwards, cut
/// or has something put into it needs [`Reach::ENCODED`], whoever finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A finding covers at most `max_span` bytes (longer ones are continued) and is decided at most `lookahead` bytes
    /// after its end.
    Local {
        /// Longest span reported at once.
        max_span: usize,
        /// Bytes after the end that the decision can need.
        lookahead: usize,
    },
    /// The whole content is needed.
    Whole,
}

impl Reach {
    /// The reach of what stands in an encoded text: pieces of it that belong together, the longest piece that may follow
    /// them, and what may lie between.
    pub const ENCODED: Self = Self::Local { max_span: MAX_PEM, lookahead: 2 * MAX_SEGMENT + 256 };
}

/// What a detector costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Microseconds per kilobyte, in this process.
    Inline,
    /// A model or a remote service.
    Remote,
}

/// What follows when a detector fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureMode {
    /// Its failure counts as the strictest finding.
    Closed,
    /// It cannot fail: total, linear and bounded.
    Infallible,
}

/// The detectors of this crate: name, version, and the bound of one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detector {
    pub(crate) name: &'static str,
    pub(crate) version: u16,
    pub(crate) max_span: usize,
    pub(crate) lookahead: usize,
    pub(crate) categories: &'static [&'static str],
}

/// Folded bytes of one candidate that are looked at together; longer spans are continued.
pub(crate) const MAX_SEGMENT: usize = 4096;
/// Bytes from the first to the last word of one phrase.
pub(crate) const MAX_PHRASE: usize = 512;
/// Folded bytes of one PEM block that are reported at once.
pub(crate) const MAX_PEM: usize = 8192;

/// Bytes behind a value after which its candidate is decided. The longest is a PEM block that turns out to be none.
const CANDIDATE: usize = MAX_PEM;
/// Bytes behind an identifier after which its run is decided, and the words behind that.
pub(crate) const GROUPS: usize = pii::MAX_RUN + pii::AFTER;
/// Bytes behind a phrase after which its last letters are decided, if they are spelled: 64 of them, and the word behind.
const SPELLED: usize = 192;

macro_rules! detectors {
    ($($constant:ident = $name:literal, $version:literal, $span:expr, $lookahead:expr, [$($category:literal),+];)+) => {
        $(pub(crate) const $constant: Detector = Detector {
            name: $name, version: $version, max_span: $span, lookahead: $lookahead, categories: &[$($category),+],
        };)+
        const ALL: &[Detector] = &[$($constant),+];
    };
}

detectors! {
    CARD = "pii.card", 2, 96, CANDIDATE, ["pii/card"];
    IBAN = "pii.iban", 2, 96, CANDIDATE, ["pii/iban"];
    EMAIL = "pii.email", 3, MAX_SEGMENT, CANDIDATE, ["pii/email"];
    PHONE = "pii.phone", 5, 128, GROUPS, ["pii/phone"];
    SSN = "pii.ssn", 3, 96, GROUPS, ["pii/ssn"];
    IP = "pii.ip", 3, 96, CANDIDATE, ["pii/ip"];
    CRYPTO = "pii.crypto", 3, 128, CANDIDATE, ["pii/crypto"];
    MRZ = "pii.mrz", 2, 96, CANDIDATE, ["pii/passport/mrz"];
    NAMES = "pii.names", 1, SEGMENT, SEGMENT, ["pii/person", "pii/organisation", "pii/place", "pii/address"];
    TOKEN = "secret.token", 3, MAX_SEGMENT, CANDIDATE, [
        "secret/aws_key", "secret/azure_key", "secret/gcp_key", "secret/github_token", "secret/gitlab_token",
        "secret/slack_token", "secret/stripe_key", "secret/openai_key", "secret/anthropic_key",
        "secret/package_token", "secret/mail_key", "secret/twilio_key", "secret/huggingface_token",
        "secret/cordon_key", "secret/password_hash", "secret/provider_token"
    ];
    PRIVATE_KEY = "secret.private_key", 4, MAX_PEM, 48, ["secret/private_key"];
    JWT = "secret.jwt", 1, MAX_SEGMENT, CANDIDATE, ["secret/jwt"];
    CONNECTION = "secret.connection_string", 2, MAX_SEGMENT, CANDIDATE, ["secret/connection_string"];
    GENERIC = "secret.generic", 5, MAX_SEGMENT, CANDIDATE, ["secret/generic"];
    PHRASE = "injection.phrase", 4, MAX_PHRASE, MAX_WAIT, [
        "prompt_injection/override", "prompt_injection/jailbreak", "prompt_injection/exfiltration",
        "prompt_injection/action"
    ];
    TEMPLATE = "injection.template", 3, MAX_SEGMENT, MAX_TURN + 1, ["prompt_injection/template"];
    MODEL = "injection.model", 8, WINDOW, SPELLED, ["prompt_injection/likely"];
    NOISE = "injection.noise", 2, noise::WINDOW, 8, ["prompt_injection/suffix"];
    HIDDEN = "injection.hidden", 1, MAX_SEGMENT, 4, ["prompt_injection/hidden"];
    POLICY_WORDS = "policy.words", 3, policy::SPAN, policy::BEHIND, [
        "toxic/insult", "toxic/threat", "toxic/profanity", "toxic/slur", "harm/self_harm", "harm/minors",
        "harm/weapons", "harm/drugs", "harm/violence", "harm/fraud", "harm/malware", "harm/crime"
    ];
    POLICY_MODEL = "policy.model", 1, policy::SPAN, policy::BEHIND, [
        "harm/violence", "harm/self_harm", "harm/sexual", "harm/minors", "harm/hate", "harm/harassment",
        "harm/weapons", "harm/drugs", "harm/fraud", "harm/malware", "harm/privacy", "harm/crime",
        "toxic/insult", "toxic/threat", "toxic/profanity", "toxic/slur"
    ];
    EGRESS = "answer.egress", 2, MAX_SEGMENT, MAX_SEGMENT, [
        "egress/loaded", "egress/link", "egress/data_url", "egress/script"
    ];
    TERMINAL = "answer.terminal", 1, MAX_SEGMENT, 8, [
        "terminal/cursor", "terminal/screen", "terminal/title", "terminal/clipboard", "terminal/link",
        "terminal/device", "terminal/hidden", "terminal/other"
    ];
    COMMAND = "answer.command", 1, MAX_WINDOW, MAX_WINDOW, [
        "command/remote_code", "command/decoded", "command/destruction", "command/exhaustion",
        "command/reverse_shell", "command/persistence", "command/exfiltration"
    ];
    STATEMENT = "answer.statement", 1, MAX_WINDOW, MAX_WINDOW, [
        "statement/destruction", "statement/injection", "statement/escape", "statement/grant"
    ];
    LEAK = "answer.leak", 2, MAX_SEGMENT, MAX_BEHIND, ["leak/prompt", "leak/marker", "leak/marker/document"];
}

/// The detector of this name, also one that the table does not have.
pub(crate) fn named(name: &str) -> Option<Detector> {
    ALL.iter().copied().chain(custom::DETECTORS).find(|detector| detector.name == name)
}

/// The public table.
pub(crate) fn table() -> Vec<DetectorInfo> {
    let own = ALL.iter().map(|detector| (*detector, detector.categories.to_vec()));
    own.chain(pii::detectors())
        .map(|(detector, categories)| DetectorInfo {
            name: detector.name,
            version: detector.version,
            categories: categories.into_iter().map(Category::known).collect(),
            reach: Reach::Local { max_span: detector.max_span, lookahead: detector.lookahead },
            cost: Cost::Inline,
            deadline_ms: None,
            failure: FailureMode::Infallible,
            canary: canary::of(detector.name),
        })
        .chain(whole::DETECTORS.iter().map(|(name, version, categories)| DetectorInfo {
            name,
            version: *version,
            categories: categories.to_vec(),
            reach: Reach::Whole,
            cost: Cost::Inline,
            deadline_ms: None,
            failure: FailureMode::Infallible,
            canary: canary::of(name),
        }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_is_a_category_and_every_name_is_used_once() {
        let mut names = std::collections::BTreeSet::new();
        for detector in table() {
            assert!(names.insert(detector.name));
            assert!(!detector.categories.is_empty(), "{}", detector.name);
            for category in detector.categories {
                assert!(Category::parse(category.as_str()).is_ok(), "{category}");
            }
        }
    }
}
