//! What the texts of a call may be about, and what not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The most topics of a guard, allowed and denied together.
pub const MAX_TOPICS: usize = 64;
/// The most terms and hints of all topics of a guard, and bytes and words of one.
const MAX_TERMS: usize = 5_000;
const MAX_TERM: usize = 96;
/// The most words of a term; of a script without spaces, the most characters.
pub const MAX_TERM_WORDS: usize = 12;
/// The most examples of all topics of a guard, and bytes of one.
const MAX_EXAMPLES: usize = 2_000;
const MAX_EXAMPLE: usize = 512;
/// The longest name of a topic.
const MAX_NAME: usize = 32;
/// The fewest letters before `*`.
pub const MIN_BEGINNING: usize = 3;

/// What texts may be about, and what not. What is found is `topic/denied/NAME` and `topic/outside`, for which rules are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// A request or answer that is about none of these is `topic/outside`. Empty: it may be about anything that is not denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Topic>,
    /// A request or answer that is about one of these is `topic/denied/` and its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<Topic>,
}

/// A topic, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Small letters, digits and `_`.
    pub name: String,
    /// Words and phrases one of which is enough to say what a text is about, in any language. Capitals, accents and usual endings make no
    /// difference; `invest*` is every word that begins so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
    /// Words and phrases that say it only together with others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// Sentences about it, of which further hints are learned: the words that those of other topics do not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

impl Topics {
    /// What is wrong with it, each with its path below the spec of its guard.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut wrong = |path: String, message: String| found.push((path, message));
        let count = |of: fn(&Topic) -> usize| self.all().map(|(_, _, topic)| of(topic)).sum::<usize>();
        if !(1..=MAX_TOPICS).contains(&self.all().count()) {
            wrong(
                "topics".to_owned(),
                format!(
                    "1 to {MAX_TOPICS} topics are expected; help: add to `allow` or `deny`, or leave it out"
                ),
            );
        }
        if count(|topic| topic.terms.len() + topic.hints.len()) > MAX_TERMS {
            wrong("topics".to_owned(), format!("at most {MAX_TERMS} terms and hints of all topics together"));
        }
        if count(|topic| topic.examples.len()) > MAX_EXAMPLES {
            wrong("topics".to_owned(), format!("at most {MAX_EXAMPLES} examples of all topics together"));
        }
        if !found.is_empty() {
            return found;
        }
        let mut wrong = |path: String, message: String| found.push((path, message));
        let mut names = BTreeSet::new();
        let mut allowed = BTreeMap::new();
        for (list, at, topic) in self.all() {
            let path = |member: &str| format!("topics/{list}/{at}/{member}");
            let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
            if !(1..=MAX_NAME).contains(&topic.name.len()) || !topic.name.bytes().all(is_plain) {
                wrong(path("name"), format!("1 to {MAX_NAME} small letters, digits and `_` are expected"));
            } else if !names.insert(topic.name.as_str()) {
                wrong(path("name"), format!("another topic is called `{}` too", topic.name));
            }
            if topic.terms.is_empty() && topic.hints.is_empty() && topic.examples.is_empty() {
                wrong(
                    path("terms"),
                    "nothing says what it is; help: name terms, hints or examples".to_owned(),
                );
            }
            for (member, terms) in [("terms", &topic.terms), ("hints", &topic.hints)] {
                for (i, term) in terms.iter().enumerate() {
                    if let Some(message) = problem_of(term) {
                        wrong(format!("{}/{i}", path(member)), message);
                    }
                }
            }
            for (i, term) in topic.terms.iter().enumerate() {
                if list == "allow" {
                    allowed.insert(term.to_lowercase(), topic.name.as_str());
                } else if let Some(other) = allowed.get(&term.to_lowercase()) {
                    let message =
                        format!("a term of `{other}` too, which is allowed; help: make one of them a hint");
                    wrong(format!("{}/{i}", path("terms")), message);
                }
            }
            for (i, example) in topic.examples.iter().enumerate() {
                if example.trim().is_empty() || example.len() > MAX_EXAMPLE {
                    wrong(
                        format!("{}/{i}", path("examples")),
                        format!("1 to {MAX_EXAMPLE} bytes are expected"),
                    );
                }
            }
        }
        found
    }

    /// Every topic, with its list and its place there; those that are allowed come first.
    fn all(&self) -> impl Iterator<Item = (&'static str, usize, &Topic)> {
        let allow = self.allow.iter().enumerate().map(|(at, topic)| ("allow", at, topic));
        allow.chain(self.deny.iter().enumerate().map(|(at, topic)| ("deny", at, topic)))
    }
}

fn problem_of(term: &str) -> Option<String> {
    let beginning = term.strip_suffix('*');
    let said = beginning.unwrap_or(term);
    let words = said.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count();
    // Characters of scripts without spaces are read one by one.
    let characters = said
        .chars()
        .filter(|c| ('\u{e01}'..='\u{17d3}').contains(c) || ('\u{3041}'..='\u{d7a3}').contains(c))
        .count();
    if term.len() > MAX_TERM {
        return Some(format!("at most {MAX_TERM} bytes are expected"));
    }
    if words == 0 || words.max(characters) > MAX_TERM_WORDS {
        return Some(format!(
            "1 to {MAX_TERM_WORDS} words are expected, or as many characters of a script without spaces"
        ));
    }
    if said.chars().filter(|c| c.is_alphanumeric()).nth(1).is_none() {
        return Some("two letters at least are expected".to_owned());
    }
    if said.contains('*') {
        return Some("`*` stands at the end alone".to_owned());
    }
    let is_word = words == 1 && characters == 0 && said.chars().all(char::is_alphanumeric);
    if beginning.is_some() && (!is_word || said.chars().count() < MIN_BEGINNING) {
        return Some(format!(
            "before `*` the {MIN_BEGINNING} letters or more that one word begins with are expected"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, terms: &[&str]) -> Topic {
        let terms = terms.iter().map(|term| (*term).to_owned()).collect();
        Topic { name: name.to_owned(), terms, hints: Vec::new(), examples: Vec::new() }
    }

    #[test]
    fn what_no_reader_could_use_is_a_problem() {
        let orders = || topic("orders", &["invoic*", "delivery time", "e-mail", "می‌خواهم", "信用卡", "TAN"]);
        let allow = |topics: Vec<Topic>| Topics { allow: topics, deny: Vec::new() };
        assert_eq!(allow(vec![orders()]).problems(), []);
        let with = |change: &dyn Fn(&mut Topic)| {
            let mut topic = orders();
            change(&mut topic);
            allow(vec![topic])
        };
        let deny = |terms: &[&str]| Topics { allow: vec![orders()], deny: vec![topic("other", terms)] };
        for (topics, path) in [
            (Topics::default(), "topics"),
            (allow((0..=MAX_TOPICS).map(|i| topic(&format!("t{i}"), &["word"])).collect()), "topics"),
            (allow(vec![topic("a", &vec!["word"; MAX_TERMS + 1])]), "topics"),
            (with(&|topic| topic.examples = vec!["word".to_owned(); MAX_EXAMPLES + 1]), "topics"),
            (with(&|topic| "Orders".clone_into(&mut topic.name)), "topics/allow/0/name"),
            (with(&|topic| topic.name.clear()), "topics/allow/0/name"),
            (allow(vec![orders(), orders()]), "topics/allow/1/name"),
            (allow(vec![topic("a", &[])]), "topics/allow/0/terms"),
            (allow(vec![topic("a", &["ab*"])]), "topics/allow/0/terms/0"),
            (allow(vec![topic("a", &["okay", "two words*"])]), "topics/allow/0/terms/1"),
            (allow(vec![topic("a", &["o*kay"])]), "topics/allow/0/terms/0"),
            (allow(vec![topic("a", &["!"])]), "topics/allow/0/terms/0"),
            (allow(vec![topic("a", &["x"])]), "topics/allow/0/terms/0"),
            (allow(vec![topic("a", &[&"a ".repeat(13)])]), "topics/allow/0/terms/0"),
            (allow(vec![topic("a", &[&"卡".repeat(13)])]), "topics/allow/0/terms/0"),
            (with(&|topic| topic.hints = vec!["*".to_owned()]), "topics/allow/0/hints/0"),
            (with(&|topic| topic.examples = vec![" ".to_owned()]), "topics/allow/0/examples/0"),
            (with(&|topic| topic.examples = vec!["x".repeat(MAX_EXAMPLE + 1)]), "topics/allow/0/examples/0"),
            (deny(&["word", "tan"]), "topics/deny/0/terms/1"),
        ] {
            let found = topics.problems();
            assert_eq!(found.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), [path], "{found:?}");
        }
    }
}
