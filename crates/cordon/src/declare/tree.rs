//! YAML events as a tree in which everything knows its line.

use std::collections::BTreeSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};

/// Line and column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) at: Option<Position>,
    pub(super) tree: Tree,
}

/// A YAML value by the core schema of YAML 1.2 (<https://yaml.org/spec/1.2.2/#103-core-schema>).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A member of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Option<Position>,
    pub(super) value: Node,
}

/// Something that keeps a text from being read.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: Position,
    pub(super) message: String,
}

/// What may still be read: it bounds the memory of all trees together.
pub(super) struct Budget {
    nodes: usize,
}

/// Lists and mappings inside one another.
const MAX_DEPTH: usize = 48;

impl Default for Budget {
    fn default() -> Self {
        Self { nodes: 2_000_000 }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl From<Marker> for Position {
    fn from(marker: Marker) -> Self {
        Self { line: marker.line(), column: marker.col().saturating_add(1) }
    }
}

impl Node {
    /// A member of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        let Tree::Map(entries) = &self.tree else { return None };
        entries.iter().find(|entry| entry.key == key)
    }

    /// A member that is text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key).map(|node| &node.tree) {
            Some(Tree::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value at a JSON pointer.
    pub(super) fn pointer(&self, pointer: &str) -> Option<&Self> {
        segments(pointer).try_fold(self, |node, segment| node.step(&segment))
    }

    fn step(&self, segment: &str) -> Option<&Self> {
        match &self.tree {
            Tree::Map(_) => self.get(segment),
            Tree::List(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// Where a JSON pointer leads: the value, or, when that is missing, what would hold it.
    pub(super) fn locate(&self, pointer: &str) -> Option<Position> {
        let mut node = self;
        for segment in segments(pointer) {
            match node.step(&segment) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.at
    }

    /// Where the key of the member stands that a JSON pointer leads to.
    pub(super) fn locate_key(&self, pointer: &str, key: &str) -> Option<Position> {
        self.pointer(pointer).and_then(|node| node.entry(key)).and_then(|entry| entry.at)
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::Text(text) => Value::String(text.clone()),
            Tree::List(items) => items.iter().map(Self::to_json).collect(),
            Tree::Map(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect())
            }
        }
    }

    /// Of JSON; none when it is too deep.
    pub(super) fn from_json(value: serde_json::Value, depth: usize) -> Option<Self> {
        use serde_json::Value;
        if depth > MAX_DEPTH {
            return None;
        }
        let next = depth.saturating_add(1);
        let tree = match value {
            Value::Null => Tree::Null,
            Value::Bool(value) => Tree::Bool(value),
            Value::Number(number) => Tree::Number(number),
            Value::String(text) => Tree::Text(text),
            Value::Array(items) => {
                Tree::List(items.into_iter().map(|item| Self::from_json(item, next)).collect::<Option<_>>()?)
            }
            Value::Object(members) => Tree::Map(
                members
                    .into_iter()
                    .map(|(key, value)| Some(Entry { key, at: None, value: Self::from_json(value, next)? }))
                    .collect::<Option<_>>()?,
            ),
        };
        Some(Self { at: None, tree })
    }
}

/// The segments of a JSON pointer (RFC 6901).
fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// Reads the documents of a text; those in front of a fault are kept.
pub(super) fn parse(bytes: &[u8], budget: &mut Budget) -> (Vec<Node>, Vec<Fault>) {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|b| **b == b'\n').count().saturating_add(1);
            let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at.saturating_add(1));
            let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count();
            let at = Position { line, column: column.saturating_add(1) };
            return (
                Vec::new(),
                vec![Fault { at, message: "not UTF-8; help: save the file as UTF-8".into() }],
            );
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { budget, open: Vec::new(), documents: Vec::new(), faults: Vec::new() };
    if let Err(fault) = builder.run(Parser::new_from_str(text)) {
        builder.faults.push(fault);
    }
    (builder.documents, builder.faults)
}

struct Builder<'b> {
    budget: &'b mut Budget,
    open: Vec<Open>,
    documents: Vec<Node>,
    faults: Vec<Fault>,
}

enum Open {
    List { at: Position, items: Vec<Node> },
    Map { at: Position, entries: Vec<Entry>, seen: BTreeSet<String>, key: Option<(String, Position)> },
}

impl Builder<'_> {
    fn run(&mut self, mut parser: Parser<'_, StrInput<'_>>) -> Result<(), Fault> {
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| Fault {
                at: (*error.marker()).into(),
                message: format!("not YAML: {}", error.info()),
            })?;
            let at = Position::from(span.start);
            let refuse = |message: &str| Fault { at, message: message.to_owned() };
            if let Event::Scalar(_, _, anchor, tag) = &event {
                refuse_extras(*anchor, tag.is_some(), refuse)?;
            }
            if let Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) = &event {
                refuse_extras(*anchor, tag.is_some(), refuse)?;
                if self.open.len() >= MAX_DEPTH {
                    return Err(refuse("nested deeper than allowed"));
                }
            }
            match event {
                Event::Alias(_) => return Err(refuse(NO_ANCHORS)),
                Event::Scalar(text, style, ..) => {
                    self.spend(at)?;
                    self.scalar(&text, style, at);
                }
                Event::SequenceStart(..) => {
                    self.spend(at)?;
                    self.open_in(at)?;
                    self.open.push(Open::List { at, items: Vec::new() });
                }
                Event::MappingStart(..) => {
                    self.spend(at)?;
                    self.open_in(at)?;
                    let (entries, seen) = (Vec::new(), BTreeSet::new());
                    self.open.push(Open::Map { at, entries, seen, key: None });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let node = match self.open.pop() {
                        Some(Open::List { at, items }) => Node { at: Some(at), tree: Tree::List(items) },
                        Some(Open::Map { at, entries, .. }) => {
                            Node { at: Some(at), tree: Tree::Map(entries) }
                        }
                        None => continue,
                    };
                    self.put(node);
                }
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    fn spend(&mut self, at: Position) -> Result<(), Fault> {
        self.budget.nodes = self.budget.nodes.checked_sub(1).ok_or_else(|| Fault {
            at,
            message: "more values than allowed; help: apply the files in parts".to_owned(),
        })?;
        Ok(())
    }

    /// A list or mapping may be a value, never a key.
    fn open_in(&self, at: Position) -> Result<(), Fault> {
        match self.open.last() {
            Some(Open::Map { key: None, .. }) => {
                Err(Fault { at, message: "a key must be text, not a list or a mapping".to_owned() })
            }
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, at: Position) {
        if let Some(Open::Map { key: key @ None, seen, .. }) = self.open.last_mut() {
            if !seen.insert(text.to_owned()) {
                let message = format!("the key `{}` stands twice", super::clip(text));
                self.faults.push(Fault { at, message });
            }
            *key = Some((text.to_owned(), at));
            return;
        }
        let tree = if style == ScalarStyle::Plain { resolve(text) } else { Tree::Text(text.to_owned()) };
        self.put(Node { at: Some(at), tree });
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                if let Some((key, at)) = key.take() {
                    entries.push(Entry { key, at: Some(at), value: node });
                }
            }
        }
    }
}

const NO_ANCHORS: &str = "anchors and aliases are not read; help: write the value out";

fn refuse_extras(anchor: usize, tagged: bool, refuse: impl Fn(&str) -> Fault) -> Result<(), Fault> {
    match (anchor, tagged) {
        (0, false) => Ok(()),
        (0, true) => Err(refuse("tags are not read; help: leave `!…` out, and quote what is text")),
        _ => Err(refuse(NO_ANCHORS)),
    }
}

/// A plain scalar by the core schema.
fn resolve(text: &str) -> Tree {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Tree::Null,
        "true" | "True" | "TRUE" => Tree::Bool(true),
        "false" | "False" | "FALSE" => Tree::Bool(false),
        _ => number(text).map_or_else(|| Tree::Text(text.to_owned()), Tree::Number),
    }
}

fn number(text: &str) -> Option<serde_json::Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+')).map(Into::into);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().filter(|_| !digits.starts_with('+')).map(Into::into);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !unsigned.bytes().any(|b| b.is_ascii_digit())
        || !unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
    {
        return None;
    }
    let plain = text.strip_prefix('+').unwrap_or(text);
    if let Ok(value) = plain.parse::<i64>() {
        return Some(value.into());
    }
    if let Ok(value) = plain.parse::<u64>() {
        return Some(value.into());
    }
    plain.parse::<f64>().ok().and_then(serde_json::Number::from_f64)
}
