//! What a model is told by those who build with it, and what its user has written: an answer that gives the first away is a leak, and one
//! that quotes the second is none. Of what the user asks about, documents and tools may speak.

use cordon_core::{
    Channel,
    json::{Object, Value},
};
use cordon_inspect::{Engine, Prompt, Task};

use crate::authority::marked;

/// Texts of one request, by who speaks.
#[derive(Default)]
struct Spoken<'r> {
    told: Vec<&'r str>,
    user: Vec<&'r str>,
    /// What stands in the last of the user's messages and is his own: not what a mark calls somebody else's, who could ask about his own order there.
    asked: Vec<&'r str>,
}

impl<'r> Spoken<'r> {
    /// The messages of a list, or a text that stands for one of the user.
    fn messages(&mut self, list: Option<&'r Value>) {
        if let Some(Value::String(text)) = list {
            self.user.push(text);
            self.asked.push(text);
        }
        for message in list.and_then(Value::as_array).unwrap_or_default() {
            let content = message.get("content");
            match message.get("role").and_then(Value::as_str) {
                Some("system" | "developer") => texts(content, &mut self.told),
                Some("user") => {
                    texts(content, &mut self.user);
                    if message.as_object().is_some_and(is_own) {
                        let mut asked = Vec::new();
                        own(content, &mut asked);
                        // What he wrote before was about something else; a message that has the results of tools alone asks nothing.
                        if !asked.is_empty() {
                            self.asked = asked;
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn prompt(self) -> Prompt {
        // What was written last is likelier to be quoted.
        Prompt::new(self.told, self.user.into_iter().rev())
    }

    fn task(self, engine: &Engine) -> Task {
        Task::new(engine, self.asked)
    }
}

/// The texts of a message: one, or those of its parts that are text.
fn texts<'r>(content: Option<&'r Value>, into: &mut Vec<&'r str>) {
    texts_of(content, |_| true, into);
}

/// Those of them that nobody marks as somebody else's.
fn own<'r>(content: Option<&'r Value>, into: &mut Vec<&'r str>) {
    texts_of(content, |part| part.as_object().is_some_and(is_own), into);
}

fn is_own(message_or_part: &Object) -> bool {
    marked(message_or_part, Channel::User) == Channel::User
}

fn texts_of<'r>(content: Option<&'r Value>, wanted: impl Fn(&Value) -> bool, into: &mut Vec<&'r str>) {
    match content {
        Some(Value::String(text)) => into.push(text),
        Some(Value::Array(parts)) => {
            let is_text = |part: &&Value| {
                matches!(part.get("type").and_then(Value::as_str), Some("text" | "input_text"))
            };
            let texts = parts.iter().filter(is_text).filter(|part| wanted(part));
            into.extend(texts.filter_map(|part| part.get("text")).filter_map(Value::as_str));
        }
        _ => {}
    }
}

fn in_messages(request: &Object) -> Spoken<'_> {
    let mut spoken = Spoken::default();
    texts(request.get("system"), &mut spoken.told);
    spoken.messages(request.get("messages"));
    spoken
}

fn in_items(request: &Object) -> Spoken<'_> {
    let mut spoken = Spoken::default();
    texts(request.get("instructions"), &mut spoken.told);
    spoken.messages(request.get("input"));
    spoken
}

/// What the user of a conversation with messages asks about.
pub(crate) fn task_of_messages(request: &Object, engine: &Engine) -> Task {
    in_messages(request).task(engine)
}

/// What the user of a conversation with items asks about.
pub(crate) fn task_of_responses(request: &Object, engine: &Engine) -> Task {
    in_items(request).task(engine)
}

/// Of a chat.
pub(crate) fn of_chat(request: &Object) -> Prompt {
    let mut spoken = Spoken::default();
    spoken.messages(request.get("messages"));
    spoken.prompt()
}

/// Of a conversation with messages.
pub(crate) fn of_messages(request: &Object) -> Prompt {
    in_messages(request).prompt()
}

/// Of a conversation with items.
pub(crate) fn of_responses(request: &Object) -> Prompt {
    in_items(request).prompt()
}

#[cfg(test)]
pub(crate) mod tests;
