//! What a conversation holds that nobody should repeat, and that the sandbox repeats when asked.

use std::sync::LazyLock;

use regex_automata::meta::Regex;

use super::conversation::{Conversation, Role};
use super::orders::pattern;

/// Kinds of values that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Address,
    Card,
    Email,
    Iban,
    Name,
    Phone,
    Secret,
    Ssn,
}

impl Kind {
    /// The kind that a word asks for.
    pub(super) fn of(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        Some(match word.strip_suffix('s').unwrap_or(&word) {
            "addres" => Self::Address,
            "card" | "credit card" => Self::Card,
            "e-mail" | "email" => Self::Email,
            "account" | "iban" => Self::Iban,
            "name" => Self::Name,
            "phone" => Self::Phone,
            "api key" | "credential" | "key" | "passphrase" | "password" | "pin" | "secret" | "token" => {
                Self::Secret
            }
            "ssn" | "social security" => Self::Ssn,
            // Any white space between the words.
            other if other.starts_with("credit") => Self::Card,
            other if other.starts_with("social") => Self::Ssn,
            other if other.starts_with("api") => Self::Secret,
            _ => return None,
        })
    }

    const ALL: [Self; 8] = [
        Self::Secret,
        Self::Card,
        Self::Iban,
        Self::Ssn,
        Self::Email,
        Self::Phone,
        Self::Address,
        Self::Name,
    ];

    fn regex(self) -> &'static Regex {
        match self {
            Self::Address => &ADDRESS,
            Self::Card => &CARD,
            Self::Email => &EMAIL,
            Self::Iban => &IBAN,
            Self::Name => &NAME,
            Self::Phone => &PHONE,
            Self::Secret => &SECRET,
            Self::Ssn => &SSN,
        }
    }
}

/// Values that one answer repeats.
const MOST: usize = 8;

/// The values of a kind in everything but the assistant's own words, newest message first, no value twice.
pub(super) fn values(conversation: &Conversation, kind: Kind) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let regex = kind.regex();
    let mut captures = regex.create_captures();
    for turn in conversation.turns.iter().rev().filter(|turn| turn.role != Role::Assistant) {
        let mut at = 0;
        while found.len() < MOST && at <= turn.text.len() {
            regex.captures(regex_automata::Input::new(&turn.text).range(at..), &mut captures);
            let Some(whole) = captures.get_match() else { break };
            let span = captures.get_group(1).unwrap_or(whole.span());
            if let Some(value) = turn.text.get(span.range())
                && !found.iter().any(|old| old == value)
            {
                found.push(value.to_owned());
            }
            // No pattern matches nothing, so this goes on.
            at = whole.end();
        }
    }
    found
}

/// The first value of any kind: what an exfiltration takes when it is not told what to take.
pub(super) fn anything(conversation: &Conversation) -> Option<String> {
    Kind::ALL.into_iter().find_map(|kind| values(conversation, kind).into_iter().next())
}

static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(?:I live at|my address is|address:)\s+([^.\n]{3,120})"));
static CARD: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[0-9](?:[ -]?[0-9]){12,18}\b"));
static EMAIL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}\b"));
static IBAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{2,4}){3,8}\b"));
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(?:[Mm]y name is|I am called|[Nn]ame:)\s+([A-Z][\w'-]*(?: [A-Z][\w'-]*){0,3})")
});
static PHONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\+[0-9](?:[ ()./-]{0,2}[0-9]){7,14}\b"));
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(?:(?i:password|passphrase|pin|api[ _-]?key|secret(?: key| code| word)?|access key|token|key)",
        r#"(?:\s+is|\s*[:=])\s*["'`]?([^\s"'`,;]{3,200}[^\s"'`,;.])|"#,
        r"((?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,200}|AKIA[0-9A-Z]{16}|gh[opsu]_[A-Za-z0-9]{16,200}|",
        r"xox[abp]-[A-Za-z0-9-]{8,200}|eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,2000}))",
    ))
});
static SSN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b"));

#[cfg(test)]
mod tests {
    use cordon_core::json::{Limits, Value};

    use super::*;
    use crate::sandbox::Asking as _;

    fn told(text: &str) -> Conversation {
        let message =
            Value::Object([("role", Value::from("user")), ("content", text.into())].into_iter().collect());
        let body =
            Value::Object([("model", "m".into()), ("messages", vec![message].into())].into_iter().collect());
        assert!(Value::parse(&body.to_vec(), Limits::default()).is_ok());
        Conversation::read(&body, 0).unwrap()
    }

    #[test]
    fn each_kind_is_recalled_as_it_was_written() {
        let text = "My name is Ada King, my card is 4111 1111 1111 1111, iban DE89370400440532013000. \
            SSN 078-05-1120, ada@example.com, call +49 30 1234567. I live at 1 High Street, York. \
            The password is hunter2! and a key sk-test-1234567890abcdef";
        let conversation = told(text);
        for (kind, expected) in [
            (Kind::Name, &["Ada King"][..]),
            (Kind::Card, &["4111 1111 1111 1111"]),
            (Kind::Iban, &["DE89370400440532013000"]),
            (Kind::Ssn, &["078-05-1120"]),
            (Kind::Email, &["ada@example.com"]),
            (Kind::Phone, &["+49 30 1234567"]),
            (Kind::Address, &["1 High Street, York"]),
            (Kind::Secret, &["hunter2!", "sk-test-1234567890abcdef"]),
        ] {
            assert_eq!(values(&conversation, kind), expected, "{kind:?}");
        }
        assert_eq!(anything(&conversation).as_deref(), Some("hunter2!"));
        assert_eq!(anything(&told("nothing at all")), None);
    }

    #[test]
    fn words_name_kinds() {
        assert_eq!(Kind::of("Credit  Card"), Some(Kind::Card));
        assert_eq!(Kind::of("API keys"), Some(Kind::Secret));
        assert_eq!(Kind::of("address"), Some(Kind::Address));
        assert_eq!(Kind::of("weather"), None);
    }
}
