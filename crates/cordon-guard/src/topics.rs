//! What requests and answers are about, as far as the guards of a call say what they may be about: compiled once for each guard, and judged
//! only where a guard has a rule for what would be found.
//!
//! A request is the last turn of its user, and what was said before it; what the application tells the model, results of tools and documents
//! are about anything.

use std::sync::Arc;

use cordon_core::{
    Category, Channel, Finding,
    json::{Object, Value},
    review::HeldKind,
};
use cordon_inspect::{Asked, Topics};
use cordon_policy::{EffectiveGuard, NamedTopics, Snapshot};

use crate::{
    alone::Ruled,
    answer::Text,
    authority::{Protocol, marked},
    held::Came,
    inspection::{Inspection, Verdict},
    tree::walk::Path,
};

/// What is found of topics.
pub(crate) const TOPIC: Category = Category::known("topic");

/// Turns of each side before the last one that are looked at.
const TURNS: usize = 4;

fn compiled(topics: &NamedTopics) -> Arc<Topics> {
    topics.made(Topics::new)
}

/// Compiles what the guards of a Snapshot say, before calls need it.
pub(crate) fn prepare(snapshot: &Snapshot) {
    snapshot.topics().for_each(|topics| {
        compiled(topics);
    });
}

/// The topics of each guard, and whether it acts; none where nobody has a rule for them on this channel.
fn wanted(guard: &EffectiveGuard, channel: Channel) -> impl Iterator<Item = (Arc<Topics>, bool)> {
    let asks = guard.looks_for(channel, [&TOPIC]);
    guard.topics().filter(move |_| asks).map(|(topics, acts)| (compiled(topics), acts))
}

/// Judges a request.
pub(crate) fn judge(request: &Object, protocol: Protocol, inspection: &Inspection, verdict: &mut Verdict) {
    let mut turns = None;
    for (topics, acts) in wanted(inspection.guard(), Channel::User) {
        let turns = turns.get_or_insert_with(|| Turns::of(request, protocol));
        let found = topics.request(turns.asked());
        let Some(first) = found.first() else { continue };
        // What the user said last is what somebody looks at: the same text in one part, or all of its parts.
        let came = Came::text(Channel::User, turns.said.as_str());
        let (at, _) = turns.said.place(first.span);
        inspection.reviewed(&came, &at, verdict, |by, verdict| {
            for finding in &found {
                add(finding, Channel::User, acts, &turns.said, by, verdict);
            }
            ((), HeldKind::Text.as_str())
        });
    }
}

/// What is found in a text by itself, and what is done about it.
pub(crate) fn alone(inspection: &Inspection, channel: Channel, text: &str) -> Vec<Ruled> {
    let is_meant = matches!(channel, Channel::User | Channel::Model);
    let topics = wanted(inspection.guard(), channel).filter(|_| is_meant);
    let found = topics.flat_map(|(topics, acts)| {
        let found = match channel {
            Channel::Model => topics.answer(text, false),
            _ => topics.request(Asked { said: text, ..Asked::default() }),
        };
        found.into_iter().map(move |finding| (finding, acts))
    });
    let ruled = found.filter_map(|(finding, acts)| {
        let ruling = inspection.ruling_about(channel, &finding, acts)?;
        Some(Ruled { finding, ruling })
    });
    ruled.collect()
}

/// What an answer may be about.
#[derive(Debug)]
pub(crate) struct AnswerTopics {
    /// By guard: its topics, whether it acts, and whether the request was about what it allows.
    guards: Vec<(Arc<Topics>, bool, bool)>,
}

impl AnswerTopics {
    /// What the answer to this request may be about; nothing where no guard says that and asks for it.
    pub(crate) fn of(request: &Object, protocol: Protocol, guard: &EffectiveGuard) -> Option<Self> {
        let mut turns = None;
        let guards = wanted(guard, Channel::Model).map(|(topics, acts)| {
            let turns = turns.get_or_insert_with(|| Turns::of(request, protocol));
            let is_inside = turns.is_inside(&topics);
            (topics, acts, is_inside)
        });
        let guards: Vec<_> = guards.collect();
        (!guards.is_empty()).then_some(Self { guards })
    }

    /// Judges a text of an answer.
    pub(crate) fn judge(&self, text: &Text, inspection: &Inspection, verdict: &mut Verdict) {
        let is_data = text.is_json();
        for (topics, acts, asked_inside) in &self.guards {
            for finding in topics.answer(text.as_str(), *asked_inside) {
                // The names of members are in the language of the application.
                if !is_data || finding.category != Topics::OUTSIDE {
                    add(&finding, Channel::Model, *acts, text, inspection, verdict);
                }
            }
        }
    }
}

/// Records a finding where it stands.
fn add(
    finding: &Finding,
    channel: Channel,
    acts: bool,
    text: &Text,
    inspection: &Inspection,
    verdict: &mut Verdict,
) {
    let (path, span) = text.place(finding.span);
    inspection.about(channel, &Finding { span, ..finding.clone() }, acts, &path, verdict);
}

/// The turns of a conversation, as far as they say what it is about.
#[derive(Debug, Default)]
struct Turns<'r> {
    /// What the user says in the last turn of his.
    said: Text,
    /// What he said before, and what was answered, the latest first.
    before: Vec<&'r str>,
    answered: Vec<&'r str>,
}

impl<'r> Turns<'r> {
    fn of(request: &'r Object, protocol: Protocol) -> Self {
        let list = match protocol {
            Protocol::Chat | Protocol::Messages => "messages",
            Protocol::Responses => "input",
        };
        let mut turns = Self::default();
        let items = match request.get(list) {
            Some(Value::String(text)) => {
                let mut path = Path::default();
                path.word(list);
                turns.said.push(path, text);
                return turns;
            }
            Some(Value::Array(items)) => items.as_slice(),
            _ => return turns,
        };
        let mut last: Vec<(Path, &str)> = Vec::new();
        // Whether an answer stands behind what comes next, so that it is of an earlier turn.
        let mut is_before = false;
        for (at, item) in items.iter().enumerate().rev() {
            let Some(message) = item.as_object() else { continue };
            let mut path = Path::default();
            path.word(list).item(at).word("content");
            match message.get("role").and_then(Value::as_str) {
                Some("user") => {
                    let mut texts = texts(message, &path);
                    if is_before && !last.is_empty() {
                        turns.before.extend(texts.iter().rev().map(|(_, text)| *text));
                    } else {
                        texts.append(&mut last);
                        last = texts;
                    }
                }
                Some("assistant") => {
                    let said = content(message, &path, Channel::Model);
                    turns.answered.extend(said.iter().rev().map(|(_, text)| *text));
                    // What the model says between calls of tools ends no turn of the user's.
                    is_before |= !last.is_empty();
                }
                _ => {}
            }
            if turns.before.len() >= TURNS && turns.answered.len() >= TURNS {
                break;
            }
        }
        for (at, (path, text)) in last.into_iter().enumerate() {
            if at > 0 {
                turns.said.push(path.clone(), "\n");
            }
            turns.said.push(path, text);
        }
        turns
    }

    fn asked(&self) -> Asked<'_> {
        Asked { said: self.said.as_str(), before: &self.before, answered: &self.answered }
    }

    /// Whether what is asked, or what was said before, is about something that is allowed.
    fn is_inside(&self, topics: &Topics) -> bool {
        let before = self.before.iter().take(TURNS).chain(self.answered.iter().take(TURNS));
        topics.is_inside(self.said.as_str()) || before.into_iter().any(|text| topics.is_inside(text))
    }
}

/// What a user says in a message: not what stands in it as a document, or as the result of a tool.
fn texts<'r>(message: &'r Object, path: &Path) -> Vec<(Path, &'r str)> {
    match marked(message, Channel::User) {
        Channel::User => content(message, path, Channel::User),
        _ => Vec::new(),
    }
}

/// The texts of the content of a message that belong to this channel.
fn content<'r>(message: &'r Object, path: &Path, channel: Channel) -> Vec<(Path, &'r str)> {
    match message.get("content") {
        Some(Value::String(text)) => vec![(path.clone(), text.as_str())],
        Some(Value::Array(parts)) => {
            let parts = parts.iter().enumerate().filter_map(|(at, part)| {
                let is_text = matches!(
                    part.get("type").and_then(Value::as_str),
                    None | Some("text" | "input_text" | "output_text")
                );
                let is_own = part.as_object().is_some_and(|part| marked(part, channel) == channel);
                let text = part.get("text").and_then(Value::as_str).filter(|_| is_text && is_own)?;
                let mut path = path.clone();
                path.item(at).word("text");
                Some((path, text))
            });
            parts.collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
