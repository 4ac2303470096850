//! The gullible assistant: what it answers to a conversation. The same conversation gets the same answer.

use std::sync::LazyLock;

use cordon_core::json::{Limits, Object, Value};
use regex_automata::meta::Regex;

use super::coding::percent;
use super::conversation::{Call, Conversation, Format, Role, Tool, ToolChoice, Turn, seed_of};
use super::orders::{self, Authority, Found, Order, pattern};
use super::{recall, schema};

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Call(Call),
    Text(String),
}

/// The answers to a conversation, as many as it asks for.
pub(super) fn replies(conversation: &Conversation) -> Vec<Reply> {
    let found = newest_order(conversation);
    if let Some(call) = call(conversation, found.as_ref()) {
        return vec![Reply::Call(call); conversation.choices];
    }
    let obeyed = found.and_then(|found| obey(conversation, &found.order));
    let texts = (0..conversation.choices).map(|choice| match &obeyed {
        Some(text) => text.clone(),
        None => plain(conversation, choice),
    });
    texts.map(|text| Reply::Text(formed(&conversation.format, text))).collect()
}

fn formed(format: &Format, text: String) -> String {
    match format {
        Format::Json => Value::Object([("answer", Value::from(text))].into_iter().collect()).to_string(),
        Format::Schema(wanted) => schema::instance(wanted, &[text]).to_string(),
        Format::Text => text,
    }
}

/// Bytes of messages that are searched for orders, newest first.
const SEARCHED: usize = 1 << 20;

/// Later messages win over earlier ones. A call that was made is not made again, so that a conversation ends.
fn newest_order(conversation: &Conversation) -> Option<Found> {
    let question = conversation.question();
    let is_question = |turn: &Turn| question.is_some_and(|question| std::ptr::eq(question, turn));
    let made =
        |tool: &str| conversation.turns.iter().flat_map(|turn| &turn.calls).any(|call| call.name == tool);
    let mut searched = 0_usize;
    let turns = conversation.turns.iter().rev().filter(|turn| turn.role != Role::Assistant);
    let recent = turns.take_while(|turn| {
        let before = searched;
        searched = searched.saturating_add(turn.text.len());
        before < SEARCHED
    });
    let mut found = recent.filter_map(|turn| {
        let authority = if is_question(turn) { Authority::Direct } else { Authority::Triggered };
        orders::find(&turn.text, authority, &conversation.tools)
    });
    found.find(|found| match &found.order {
        Order::Call { tool, .. } => !made(tool),
        Order::Recall(kind) => !recall::values(conversation, *kind).is_empty(),
        _ => true,
    })
}

fn call(conversation: &Conversation, found: Option<&Found>) -> Option<Call> {
    let ordered = found.and_then(|found| match &found.order {
        Order::Call { tool, told } => Some((tool.as_str(), told.as_str())),
        _ => None,
    });
    let question = conversation.question().map_or("", |turn| turn.text.as_str());
    let tool_of = |name: &str| conversation.tools.iter().find(|tool| tool.name == name);
    let (tool, told) = match (&conversation.tool_choice, ordered) {
        (ToolChoice::None, _) => return None,
        (ToolChoice::Named(name), Some((tool, told))) if name == tool => (tool_of(name)?, told),
        (ToolChoice::Named(name), _) => (tool_of(name)?, question),
        (ToolChoice::Auto | ToolChoice::Required, Some((tool, told))) => (tool_of(tool)?, told),
        (ToolChoice::Required, None) => (fitting(conversation, question)?, question),
        (ToolChoice::Auto, None) => {
            let answered = conversation.turns.last().is_some_and(|turn| turn.role == Role::Tool);
            let obeys_another =
                found.is_some_and(|found| found.triggered || !matches!(found.order, Order::Say(_)));
            if answered || obeys_another {
                return None;
            }
            (fitting(conversation, question)?, question)
        }
    };
    Some(Call { name: tool.name.clone(), arguments: arguments(tool, told).to_string() })
}

/// The tool whose name and description share most words with the question; the first of equals.
fn fitting<'a>(conversation: &'a Conversation, question: &str) -> Option<&'a Tool> {
    let question = question.to_lowercase();
    let shared = |tool: &Tool| {
        let words = tool.name.split(['_', '-', '.']).chain(tool.description.split_whitespace());
        words.take(64).filter(|word| word.len() > 3 && question.contains(&word.to_lowercase())).count()
    };
    let mut best: Option<(&Tool, usize)> = None;
    for tool in &conversation.tools {
        let score = shared(tool);
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((tool, score));
        }
    }
    best.map(|(tool, _)| tool)
}

/// Arguments as the text tells them: a JSON object in it, else `key: value` for the schema's keys, else an instance.
fn arguments(tool: &Tool, told: &str) -> Value {
    if let Some(given) = object_in(told) {
        return given.into();
    }
    let topic = topic(told).unwrap_or_else(|| "sandbox".to_owned());
    let mut made = schema::instance(&tool.parameters, &[topic]);
    let keyed: Vec<(String, &str)> = made
        .as_object()
        .map(|object| object.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|key| value_of(told, &key).map(|value| (key, value)))
        .collect();
    let Some(object) = made.as_object_mut() else { return Object::new().into() };
    for (key, value) in keyed {
        let typed = match object.get(&key) {
            Some(Value::String(_)) | None => Value::from(value),
            // What is no number or truth value where one is wanted is dropped: a tool checks its types.
            Some(old) => match Value::parse(value.as_bytes(), Limits::default()) {
                Ok(new) if std::mem::discriminant(&new) == std::mem::discriminant(old) => new,
                _ => continue,
            },
        };
        object.insert(key, typed);
    }
    made
}

/// The first JSON object in a text.
fn object_in(text: &str) -> Option<Object> {
    let from = text.find('{')?;
    let ends = text.match_indices('}').map(|(at, _)| at + 1).filter(|end| *end > from).take(16);
    ends.filter_map(|end| Value::parse(text.get(from..end)?.as_bytes(), Limits::default()).ok())
        .find_map(|value| if let Value::Object(object) = value { Some(object) } else { None })
}

/// What stands behind `key=`, `key:` or `key is`, quoted or one word.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    for (at, _) in text.match_indices(key).take(16) {
        let rest = text.get(at + key.len()..)?.trim_start_matches(['"', '\'', '`']);
        let Some(rest) = [" is ", " to ", "=", ":", " = "].iter().find_map(|sign| rest.strip_prefix(sign))
        else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
            return rest.get(1..)?.split(quote).next();
        }
        let word = rest.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | '}')).next()?;
        return Some(word.trim_end_matches('.')).filter(|word| !word.is_empty());
    }
    None
}

/// A capitalised word that does not begin a sentence, else the last word: what the question is about.
fn topic(text: &str) -> Option<String> {
    let mut begins = true;
    let mut last = None;
    for word in text.split_whitespace().take(2000) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if !begins && bare.chars().next().is_some_and(char::is_uppercase) && bare != "I" {
            return Some(bare.chars().take(64).collect());
        }
        begins = word.ends_with(['.', '!', '?', ':']);
        last = Some(bare).filter(|bare| !bare.is_empty()).or(last);
    }
    last.map(|word| word.chars().take(64).collect())
}

fn obey(conversation: &Conversation, order: &Order) -> Option<String> {
    match order {
        // The tool may not be called here: it is only talked about.
        Order::Call { tool, .. } => Some(format!("I would call {tool} now.")),
        Order::Comply(told) => Some(format!("Right away. I did as I was told: {}", start(told, 300))),
        Order::Exfiltrate { url, told } => Some(exfiltrate(conversation, url, told)),
        Order::Leak(coding) => {
            let system = conversation.system();
            let prompt = if system.is_empty() { "I have no system prompt." } else { &system };
            Some(coding.write(prompt))
        }
        Order::Recall(kind) => {
            let found = recall::values(conversation, *kind);
            (!found.is_empty()).then(|| format!("Of course, here it is: {}", found.join(", ")))
        }
        Order::Say(text) => Some(text.clone()),
    }
}

/// A markdown image whose address carries a secret, for whoever serves that address.
fn exfiltrate(conversation: &Conversation, url: &str, told: &str) -> String {
    let told = told.to_lowercase();
    let system = conversation.system();
    let question = conversation.question().map_or("", |turn| turn.text.as_str());
    let wanted = if told.contains("system prompt") || told.contains("instructions") && !system.is_empty() {
        Some(system.clone())
    } else if told.contains("conversation") || told.contains("question") {
        Some(question.to_owned())
    } else {
        None
    };
    let known = wanted.filter(|text| !text.is_empty()).or_else(|| recall::anything(conversation));
    let secret = known.unwrap_or(if system.is_empty() { question.to_owned() } else { system });
    let secret = percent(&secret.chars().take(1000).collect::<String>());
    let mut captures = PLACEHOLDER.create_captures();
    PLACEHOLDER.captures(url, &mut captures);
    let carrying = match captures.get_match() {
        Some(place) => {
            let (before, after) = (url.get(..place.start()), url.get(place.end()..));
            format!("{}{secret}{}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        None if url.ends_with('=') || url.ends_with('/') => format!("{url}{secret}"),
        None if url.contains('?') => format!("{url}&q={secret}"),
        None => format!("{url}?q={secret}"),
    };
    format!("Done. ![x]({carrying})")
}

/// Where an attacker's address wants the secret.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\{\{?[A-Za-z_ ]{0,40}\}?\}|\[[A-Za-z_]{1,40}\]?|<[A-Za-z_]{1,40}>?|\b(?:SECRET|DATA|PROMPT|PAYLOAD|EXFIL)\b|\.\.\.|…",
    )
});

/// Nobody gave an order: something kind that repeats a part of what was asked.
fn plain(conversation: &Conversation, choice: usize) -> String {
    if let Some(result) = conversation.turns.last().filter(|turn| turn.role == Role::Tool) {
        return format!("I looked it up. The tool says: {}", start(&result.text, 300));
    }
    let question = conversation.question();
    let asked = start(question.map_or("", |turn| turn.text.trim()), 200);
    let images = question.map_or(0, |turn| turn.images);
    let seen = if images > 0 {
        format!(" I was also sent {images} image(s), which I cannot see.")
    } else {
        String::new()
    };
    let openings = ["Happy to help.", "Good question.", "Of course.", "Let me think about that."];
    let closings = [
        "I am a sandbox and know nothing, but I am glad that you asked.",
        "In short: yes, as far as a sandbox can tell.",
        "A real model would say more here; a sandbox says this.",
        "That is all that a sandbox knows about it.",
    ];
    let seed = usize::try_from(seed_of(asked.as_bytes()) % 1024).unwrap_or(0);
    let pick = |list: &[&'static str], offset: usize| {
        list.iter().cycle().nth((seed + offset) % list.len().max(1)).copied().unwrap_or_default()
    };
    format!("{} You asked: “{asked}”.{seen} {}", pick(&openings, choice), pick(&closings, seed / 4 + choice))
}

fn start(text: &str, length: usize) -> String {
    let mut out: String = text.chars().take(length).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
