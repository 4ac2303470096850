//! Reads what people declare: YAML or JSON documents `{apiVersion, kind, name, spec}`, from files, folders or standard
//! input, with the line of everything in them.
//!
//! A reader who mends ten mistakes wants to hear of ten, so nothing here stops at the first: syntax, schema, types and
//! the resource's own rules are all checked for all documents, and every [`Diagnostic`] says file, line, column, path.

mod files;
mod schema;
mod suggest;
mod tree;
mod typed;

use std::collections::BTreeMap;

use cordon_core::{
    Name,
    resource::{API_VERSION, Kind, Problem, Resource, Spec},
};
use cordon_inspect::{Custom, Topics};

pub use files::{Source, sources};
pub use suggest::nearest;
pub use tree::Position;
use tree::{Node, Tree};

/// Bytes of one file or of standard input.
pub const MAX_FILE_BYTES: u64 = 8 << 20;
/// Bytes of all files together.
pub const MAX_TOTAL_BYTES: u64 = 64 << 20;
/// Problems that are listed; a file of another kind altogether would fill the screen.
pub const MAX_DIAGNOSTICS: usize = 200;

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named, `-` for standard input.
    pub file: String,
    /// Line and column; none where the document came without text.
    pub at: Option<Position>,
    /// JSON pointer (RFC 6901) from the document's root; empty for the document as a whole.
    pub path: String,
    /// What is wrong, and the way out.
    pub message: String,
}

/// A resource with the place that it was read from.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file as it was named.
    pub file: String,
    /// What it says.
    pub resource: Resource,
    node: Node,
}

/// Documents that are right by themselves. References between them are the business of
/// [`cordon_core::command::plan`], whose problems [`Declaration::locate`] brings back to their lines.
#[derive(Clone, Debug, Default)]
pub struct Declaration {
    /// The documents, in the order in which they were read.
    pub documents: Vec<Document>,
}

/// What reading gave: the documents that are right, and everything that is wrong with the others.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What is right.
    pub declaration: Declaration,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// Kinds and names that stand in documents with problems: references to them are not problems of their own.
    pub broken: Vec<(Kind, Name)>,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if let Some(at) = self.at {
            write!(f, ":{at}")?;
        }
        if self.path.is_empty() {
            write!(f, ": {}", self.message)
        } else {
            write!(f, " {}: {}", self.path, self.message)
        }
    }
}

impl Declaration {
    /// The resources.
    pub fn resources(&self) -> Vec<Resource> {
        self.documents.iter().map(|document| document.resource.clone()).collect()
    }

    /// The documents as JSON, as the control API takes them.
    pub fn to_json(&self) -> Vec<serde_json::Value> {
        self.documents.iter().map(|document| document.node.to_json()).collect()
    }

    /// The place that a problem is about; of several documents of one name, the last.
    pub fn locate(&self, problem: &Problem) -> Diagnostic {
        let document = self.documents.iter().rev().find(|document| {
            document.resource.name == problem.name && document.resource.spec.kind() == problem.kind
        });
        match document {
            Some(document) => Diagnostic {
                file: document.file.clone(),
                at: document.node.locate(&problem.path),
                path: problem.path.clone(),
                message: problem.message.clone(),
            },
            None => Diagnostic {
                file: format!("{} {}", problem.kind, problem.name),
                at: None,
                path: problem.path.clone(),
                message: problem.message.clone(),
            },
        }
    }
}

/// Reads sources. Never fails as a whole: what is right and what is wrong stand side by side.
pub fn read(sources: &[Source]) -> Reading {
    let mut reader = Reader::default();
    let mut budget = tree::Budget::default();
    for source in sources {
        let (nodes, faults) = tree::parse(&source.bytes, &mut budget);
        for fault in faults {
            reader.report(&source.name, Some(fault.at), "", fault.message);
        }
        for node in nodes {
            reader.document(&source.name, node);
        }
    }
    reader.finish()
}

/// Reads documents that came as JSON, without a text that has lines. `file` names where they came from.
pub fn read_json(file: &str, documents: Vec<serde_json::Value>) -> Reading {
    let mut reader = Reader::default();
    for document in documents {
        match Node::from_json(document, 0) {
            // In a file an empty document is a line too many; a list of values has none by accident.
            Some(node) if node.tree == tree::Tree::Null => {
                reader.report(file, None, "", "a document is expected, not nothing".to_owned());
            }
            Some(node) => reader.document(file, node),
            None => reader.report(file, None, "", "nested deeper than allowed".to_owned()),
        }
    }
    reader.finish()
}

/// The one value of a text, as JSON; for tests of what this program writes.
#[cfg(test)]
pub(crate) fn parse_value(bytes: &[u8]) -> Result<serde_json::Value, String> {
    let (nodes, faults) = tree::parse(bytes, &mut tree::Budget::default());
    match (nodes.as_slice(), faults.as_slice()) {
        ([node], []) => Ok(node.to_json()),
        (_, faults) => Err(format!("{faults:?}")),
    }
}

#[derive(Default)]
struct Reader {
    reading: Reading,
    schemas: schema::Schemas,
    /// Where each resource was declared first.
    first: BTreeMap<(Kind, Name), (String, Option<Position>)>,
}

impl Reader {
    fn report(&mut self, file: &str, at: Option<Position>, path: &str, message: String) {
        let diagnostic = Diagnostic { file: file.to_owned(), at, path: path.to_owned(), message };
        self.reading.diagnostics.push(diagnostic);
    }

    fn document(&mut self, file: &str, node: Node) {
        let before = self.reading.diagnostics.len();
        let Tree::Map(_) = &node.tree else {
            // Files made by templates often end in an empty document.
            if node.tree != Tree::Null {
                let message = "a document with `apiVersion`, `kind`, `name` and `spec` is expected";
                self.report(file, node.at, "", message.to_owned());
            }
            return;
        };
        let Some(kind) = self.kind(file, &node) else { return };
        for problem in self.schemas.check(kind, &node) {
            self.report(file, problem.at, &problem.path, problem.message);
        }
        let resource = self.typed(file, kind, &node, before);
        let name = node.text("name").and_then(|name| Name::parse(name).ok());
        if let (Some(name), false) = (&name, self.reading.diagnostics.len() == before) {
            self.reading.broken.push((kind, name.clone()));
        }
        if let Some(name) = name {
            let at = node.locate("/name");
            let known = self.first.get(&(kind, name.clone())).cloned();
            match known {
                Some((first, line)) => {
                    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
                    let message = format!("{kind} `{name}` stands twice; it was declared at {first}{line}");
                    self.report(file, at, "/name", message);
                }
                None => {
                    self.first.insert((kind, name), (file.to_owned(), at));
                }
            }
        }
        if let (Some(resource), true) = (resource, self.reading.diagnostics.len() == before) {
            self.reading.declaration.documents.push(Document { file: file.to_owned(), resource, node });
        }
    }

    /// The kind of a document. Without it nothing more can be said about the document.
    fn kind(&mut self, file: &str, node: &Node) -> Option<Kind> {
        let word = node.text("kind");
        let kind = word.and_then(|word| Kind::ALL.iter().copied().find(|kind| kind.as_str() == word));
        if kind.is_none() {
            let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            let message = match word {
                Some(word) => format!("unknown kind `{}`; {}", clip(word), suggest::help(word, &kinds)),
                None => format!("`kind` is missing or not text; help: one of {}", kinds.join(", ")),
            };
            self.report(file, node.locate("/kind"), "/kind", message);
        }
        if kind.is_none() && node.text("apiVersion") != Some(API_VERSION) {
            self.report(file, node.locate("/apiVersion"), "/apiVersion", schema::wrong_version(node));
        }
        kind
    }

    /// Reads the spec as its type, which knows more than a schema can say, and asks it for its own problems.
    fn typed(&mut self, file: &str, kind: Kind, node: &Node, before: usize) -> Option<Resource> {
        let spec: Spec = match kind.read(typed::Reader::new(node.get("spec")?)) {
            Ok(spec) => spec,
            Err(error) => {
                // What the schema saw at or around the same place is said already, and better.
                let path = format!("/spec{}", error.path());
                let said = self
                    .reading
                    .diagnostics
                    .iter()
                    .skip(before)
                    .any(|known| known.path.starts_with(&path) || path.starts_with(&known.path));
                if !said {
                    let at = error.at.or_else(|| node.locate(&path));
                    self.report(file, at, &path, error.message);
                }
                return None;
            }
        };
        let name = Name::parse(node.text("name")?).ok()?;
        let resource = Resource { name, spec };
        for problem in resource.problems() {
            self.report(file, node.locate(&problem.path), &problem.path, problem.message);
        }
        if let Spec::Guard(guard) = &resource.spec {
            let topics = guard.topics.iter().flat_map(Topics::problems);
            for (path, message) in Custom::problems(&guard.types).into_iter().chain(topics) {
                let path = format!("/spec/{path}");
                self.report(file, node.locate(&path), &path, message);
            }
        }
        Some(resource)
    }

    fn finish(mut self) -> Reading {
        let more = self.reading.diagnostics.len().saturating_sub(MAX_DIAGNOSTICS);
        if more > 0 {
            self.reading.diagnostics.truncate(MAX_DIAGNOSTICS);
            let file = self.reading.diagnostics.last().map(|last| last.file.clone()).unwrap_or_default();
            self.report(&file, None, "", format!("{more} more problems"));
        }
        self.reading
    }
}

/// The start of a text, for messages.
fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
