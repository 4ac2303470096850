//! The sources that a request gives its model, each by where it stands and by what it may be called: documents beside the messages, results
//! of tools, files, and what the caller marks as a document or as a tool's.

use cordon_core::{
    Channel,
    json::{Object, Value},
};

use crate::{
    authority::{Protocol, marked, named},
    tree::walk::Path,
};

/// The most sources of a request, and the longest name of one, in bytes.
const MAX_SOURCES: usize = 256;
const MAX_NAME: usize = 512;

/// Members of a document in which its text stands, and those by which it may be called.
pub(crate) const TEXTS: [&str; 6] = ["text", "content", "snippet", "body", "data", "page_content"];
const NAMES: [&str; 9] = ["title", "name", "id", "doc_id", "source", "url", "uri", "filename", "file_id"];

/// A text that was given as a source.
#[derive(Debug)]
pub(super) struct Source<'r> {
    pub(super) path: Path,
    pub(super) text: &'r str,
    /// What it may be called.
    pub(super) names: Vec<&'r str>,
    /// Which of the sources it is, counted from one: several texts may belong to one.
    pub(super) number: usize,
    /// It is a file, whose text is known once it was inspected.
    pub(super) is_file: bool,
}

/// What a request says: its sources, in their order, and what its user asked, the latest first.
#[derive(Debug, Default)]
pub(super) struct Given<'r> {
    pub(super) sources: Vec<Source<'r>>,
    pub(super) asked: Vec<&'r str>,
    /// Bytes of further sources.
    pub(super) unread: usize,
    count: usize,
}

impl<'r> Given<'r> {
    pub(super) fn of(request: &'r Object, protocol: Protocol) -> Self {
        let mut given = Self::default();
        given.beside(request);
        match protocol {
            Protocol::Chat => given.turns(request, "messages"),
            Protocol::Messages => {
                given.parts(request.get("system"), &at("system"), Channel::System, &[]);
                given.turns(request, "messages");
            }
            Protocol::Responses => match request.get("input") {
                Some(Value::String(text)) => given.asked.push(text),
                _ => given.turns(request, "input"),
            },
        }
        given.asked.reverse();
        given
    }

    /// Adds a text of the newest source.
    fn text(&mut self, path: Path, text: &'r str, names: &[&'r str]) {
        if self.sources.len() >= MAX_SOURCES {
            self.unread = self.unread.saturating_add(text.len());
        } else if !text.trim().is_empty() {
            let (names, number) = (names.to_vec(), self.count);
            self.sources.push(Source { path, text, names, number, is_file: false });
        }
    }

    /// Adds the file that a part is, if it is one whose bytes the request brings, to the newest source.
    fn file(&mut self, part: &'r Value, path: &Path, names: &[&'r str]) {
        let Some((member, last)) = file_members(part) else { return };
        let holder = member.map_or(Some(part), |member| part.get(member));
        if self.sources.len() >= MAX_SOURCES || holder.and_then(|holder| holder.get(last)).is_none() {
            return;
        }
        let mut path = path.clone();
        member.into_iter().chain([last]).for_each(|word| {
            path.word(word);
        });
        let mut all: Vec<&str> = names_of(part);
        all.extend(holder.into_iter().filter(|_| member.is_some()).flat_map(names_of));
        all.extend_from_slice(names);
        self.sources.push(Source { path, text: "", names: all, number: self.count, is_file: true });
    }

    fn next(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// Documents that stand beside the messages.
    fn beside(&mut self, request: &'r Object) {
        for (place, document) in items(request.get("documents")).iter().enumerate() {
            self.next();
            let mut path = at("documents");
            path.item(place);
            match document {
                Value::String(text) => self.text(path, text, &[]),
                // Some services have one more level around it.
                document => match document.get("data").filter(|data| data.as_object().is_some()) {
                    Some(data) => {
                        path.word("data");
                        self.document(data, &path, &names_of(document));
                    }
                    None => self.document(document, &path, &[]),
                },
            }
        }
    }

    /// The texts of a document, with its names and those of what is around it.
    fn document(&mut self, document: &'r Value, path: &Path, around: &[&'r str]) {
        let mut names = names_of(document);
        names.extend_from_slice(around);
        for member in TEXTS {
            match document.get(member) {
                Some(Value::String(text)) => {
                    let mut path = path.clone();
                    path.word(member);
                    self.text(path, text, &names);
                }
                Some(content @ Value::Array(_)) => {
                    let mut path = path.clone();
                    path.word(member);
                    self.all(content, &path, &names);
                }
                _ => {}
            }
        }
    }

    /// Every text of the parts of a source.
    fn all(&mut self, content: &'r Value, path: &Path, names: &[&'r str]) {
        match content {
            Value::String(text) => self.text(path.clone(), text, names),
            Value::Array(parts) => {
                for (place, part) in parts.iter().enumerate() {
                    let mut path = path.clone();
                    path.item(place);
                    if let Some(text) = part.get("text").and_then(Value::as_str) {
                        path.word("text");
                        let own = names_of(part);
                        self.text(path, text, if own.is_empty() { names } else { &own });
                    } else if file_members(part).is_some() {
                        self.file(part, &path, names);
                    } else if let Some(content) = part.get("content") {
                        // Recursion is bounded by the depth of the request.
                        path.word("content");
                        let own = names_of(part);
                        self.all(content, &path, if own.is_empty() { names } else { &own });
                    }
                }
            }
            _ => {}
        }
    }

    /// The messages or items of a conversation.
    fn turns(&mut self, request: &'r Object, member: &'static str) {
        for (place, turn) in items(request.get(member)).iter().enumerate() {
            let mut path = at(member);
            path.item(place);
            let kind = turn.get("type").and_then(Value::as_str).unwrap_or_default();
            let role = turn.get("role").and_then(Value::as_str).unwrap_or_default();
            let member = |name: &'static str| {
                let mut path = path.clone();
                path.word(name);
                path
            };
            match (kind, role) {
                (_, "tool" | "function") => {
                    self.next();
                    if let Some(content) = turn.get("content") {
                        self.all(content, &member("content"), &names_of(turn));
                    }
                }
                (kind, _) if kind.ends_with("_output") => {
                    self.next();
                    if let Some(output) = turn.get("output") {
                        self.all(output, &member("output"), &[]);
                    }
                }
                (kind, _) if kind.ends_with("_call") => self.call(turn, &path),
                _ => {
                    let channel = match role {
                        "user" => Channel::User,
                        "system" | "developer" => Channel::System,
                        _ => Channel::Model,
                    };
                    let channel = turn.as_object().map_or(channel, |turn| marked(turn, channel));
                    let names: Vec<&str> = turn.as_object().and_then(named).into_iter().collect();
                    self.parts(turn.get("content"), &member("content"), channel, &names);
                }
            }
        }
    }

    /// A call that the service ran, which holds what it brought.
    fn call(&mut self, item: &'r Value, path: &Path) {
        let with = |name: &'static str| {
            let mut path = path.clone();
            path.word(name);
            path
        };
        if let Some(Value::String(output)) = item.get("output") {
            let path = with("output");
            self.next();
            self.text(path, output, &[]);
        }
        for (place, result) in items(item.get("results")).iter().enumerate() {
            let mut path = with("results");
            path.item(place);
            self.next();
            self.document(result, &path, &[]);
        }
    }

    /// The content of a message: parts that are somebody else's, and what the user says.
    fn parts(&mut self, content: Option<&'r Value>, path: &Path, channel: Channel, names: &[&'r str]) {
        let is_given = |channel: Channel| matches!(channel, Channel::Document | Channel::ToolOutput);
        match content {
            Some(Value::String(text)) if is_given(channel) => {
                self.next();
                self.text(path.clone(), text, names);
            }
            Some(Value::String(text)) if channel == Channel::User => self.asked.push(text),
            Some(Value::Array(parts)) => {
                for (place, part) in parts.iter().enumerate() {
                    let mut path = path.clone();
                    path.item(place);
                    let channel = part.as_object().map_or(channel, |part| marked(part, channel));
                    let own: Vec<&str> =
                        part.as_object().and_then(named).into_iter().chain(names.iter().copied()).collect();
                    self.part(part, path, channel, &own);
                }
            }
            _ => {}
        }
    }

    fn part(&mut self, part: &'r Value, mut path: Path, channel: Channel, names: &[&'r str]) {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "tool_result" | "mcp_tool_result" => {
                self.next();
                if let Some(content) = part.get("content") {
                    path.word("content");
                    self.all(content, &path, names);
                }
            }
            "file" | "input_file" => {
                self.next();
                self.file(part, &path, names);
            }
            "document" | "search_result" => {
                self.next();
                self.file(part, &path, names);
                let own = names_of(part);
                let holder = part.get("source").filter(|source| source.as_object().is_some());
                match holder {
                    Some(source) => {
                        path.word("source");
                        for member in ["data", "content"] {
                            if let Some(content) = source.get(member).filter(|_| is_plain(source)) {
                                path.word(member);
                                self.all(content, &path, &own);
                                path.pop();
                            }
                        }
                    }
                    None => {
                        path.word("content");
                        part.get("content").into_iter().for_each(|content| self.all(content, &path, &own));
                    }
                }
            }
            _ => {
                let Some(text) = part.get("text").and_then(Value::as_str) else { return };
                path.word("text");
                match channel {
                    Channel::Document | Channel::ToolOutput => {
                        self.next();
                        self.text(path, text, names);
                    }
                    Channel::User => self.asked.push(text),
                    _ => {}
                }
            }
        }
    }
}

/// Whether the source of a document is text, and not a file in base64.
fn is_plain(source: &Value) -> bool {
    matches!(source.get("type").and_then(Value::as_str), Some("text" | "content"))
}

/// Where in a part the bytes of its file stand: the member that holds them and its own; nothing where it is no file that a request brings.
fn file_members(part: &Value) -> Option<(Option<&'static str>, &'static str)> {
    match part.get("type").and_then(Value::as_str)? {
        "file" => Some((Some("file"), "file_data")),
        "input_file" => Some((None, "file_data")),
        "document" if part.get("source")?.get("type")?.as_str()? == "base64" => {
            Some((Some("source"), "data"))
        }
        _ => None,
    }
}

fn names_of(document: &Value) -> Vec<&str> {
    let names = NAMES.iter().filter_map(|member| document.get(member).and_then(Value::as_str));
    names.filter(|name| (1..=MAX_NAME).contains(&name.len())).collect()
}

fn at(member: &'static str) -> Path {
    let mut path = Path::default();
    path.word(member);
    path
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).unwrap_or_default()
}
