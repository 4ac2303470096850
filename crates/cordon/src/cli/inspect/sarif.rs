//! Findings as SARIF 2.1.0 (OASIS Standard, 27 March 2020), written result by result: rules come behind them, and nothing of a
//! text is kept.

use std::io::{self, Write};

use cordon_core::{Action, Category, Score};
use cordon_guard::{Examined, ExaminedFile, Ruled};
use serde::Serialize;
use serde_json::json;

use super::super::texts::{Text, Unread, Whole};

/// Where the schema lies, for tools that look for it.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What was written so far.
#[derive(Default)]
pub(super) struct Sarif {
    begun: bool,
    /// The rules, by their index.
    rules: Vec<Category>,
    /// What could not be read.
    notifications: Vec<Notification>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a Category,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Location<'a>; 1],
    properties: Properties,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: PhysicalLocation<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation<'a> {
    artifact_location: ArtifactLocation<'a>,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation<'a> {
    uri: &'a str,
}

/// Lines and columns count from 1, columns in characters; an end is the place behind the last.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    #[serde(flatten)]
    lines: Option<Lines>,
    byte_offset: usize,
    byte_length: usize,
}

/// Of a file of bytes there are none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Lines {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Properties {
    score: Score,
    action: Action,
    detector: &'static str,
    detector_version: u16,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
}

impl Sarif {
    /// Writes what was found in a text.
    pub(super) fn text(
        &mut self,
        text: &Text<'_>,
        examined: &Examined,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let uri = uri(text.path.as_os_str().as_encoded_bytes());
        let places = Places::of(text.text, &examined.findings);
        for ruled in &examined.findings {
            self.result(&uri, ruled, None, places.region(ruled), out)?;
        }
        Ok(())
    }

    /// Writes what was found in a file that was taken apart: of its texts only the file has a place.
    pub(super) fn file(
        &mut self,
        file: &Whole<'_>,
        examined: &ExaminedFile,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let uri = uri(file.path.as_os_str().as_encoded_bytes());
        let region = || Region { lines: None, byte_offset: 0, byte_length: file.bytes.len() };
        for ruled in &examined.file.findings {
            self.result(&uri, ruled, None, region(), out)?;
        }
        for text in &examined.texts {
            for ruled in &text.examined.findings {
                self.result(&uri, ruled, Some(text.place.as_str()), region(), out)?;
            }
        }
        Ok(())
    }

    fn result(
        &mut self,
        uri: &str,
        ruled: &Ruled,
        within: Option<&str>,
        region: Region,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let Ruled { finding, ruling } = ruled;
        let rule_index = self.rule(&finding.category);
        let separator = if self.begun { ",\n" } else { "" };
        self.begin(out)?;
        out.write_all(separator.as_bytes())?;
        let within = within.map(|place| format!(", in {place}")).unwrap_or_default();
        let words = format!("{}: {} (score {}){within}", finding.category, ruling.action, finding.score);
        let physical_location = PhysicalLocation { artifact_location: ArtifactLocation { uri }, region };
        let result = SarifResult {
            rule_id: &finding.category,
            rule_index,
            level: level(ruling.action),
            message: Message { text: words },
            locations: [Location { physical_location }],
            properties: Properties {
                score: finding.score,
                action: ruling.action,
                detector: finding.detector,
                detector_version: finding.detector_version,
            },
        };
        serde_json::to_writer(&mut *out, &result)?;
        Ok(())
    }

    /// Keeps that a text could not be read.
    pub(super) fn unread(&mut self, unread: &Unread<'_>) {
        let message = Message { text: unread.error.clone() };
        self.notifications.push(Notification { level: "error", message });
    }

    /// Writes the rest.
    pub(super) fn end(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        let rules: Vec<_> = self
            .rules
            .iter()
            .map(|category| json!({"id": category, "shortDescription": {"text": format!("Something of the category {category}.")}}))
            .collect();
        let driver = json!({
            "name": "cordon",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        });
        let invocation = json!({
            "executionSuccessful": self.notifications.is_empty(),
            "toolExecutionNotifications": self.notifications,
        });
        writeln!(out, "],\"tool\":{},\"invocations\":[{invocation}]}}]}}", json!({ "driver": driver }))
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let head = r#""version":"2.1.0","runs":[{"columnKind":"unicodeCodePoints","results":["#;
        write!(out, "{{\"$schema\":\"{SCHEMA}\",{head}")
    }

    /// The index of a category's rule.
    fn rule(&mut self, category: &Category) -> usize {
        self.rules.iter().position(|known| known == category).unwrap_or_else(|| {
            self.rules.push(category.clone());
            self.rules.len() - 1
        })
    }
}

const fn level(action: Action) -> &'static str {
    match action {
        Action::Block | Action::Hold => "error",
        Action::Redact => "warning",
        Action::Allow | Action::Flag => "note",
    }
}

/// The line and column of some bytes of a text, found in one walk over it.
struct Places(Vec<(usize, (usize, usize))>);

impl Places {
    fn of(text: &str, findings: &[Ruled]) -> Self {
        let spans = findings.iter().map(|ruled| ruled.finding.span);
        let mut offsets: Vec<usize> = spans.flat_map(|span| [span.start, span.end]).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let (mut wanted, mut places) = (offsets.into_iter().peekable(), Vec::new());
        let (mut line, mut column) = (1, 1);
        for (at, c) in text.char_indices() {
            while let Some(offset) = wanted.next_if(|offset| *offset <= at) {
                places.push((offset, (line, column)));
            }
            if wanted.peek().is_none() {
                break;
            }
            (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        places.extend(wanted.map(|offset| (offset, (line, column))));
        Self(places)
    }

    fn at(&self, offset: usize) -> (usize, usize) {
        let found = self.0.binary_search_by_key(&offset, |(offset, _)| *offset).ok();
        found.and_then(|at| self.0.get(at)).map_or((1, 1), |(_, place)| *place)
    }

    fn region(&self, ruled: &Ruled) -> Region {
        let span = ruled.finding.span;
        let ((start_line, start_column), (end_line, end_column)) = (self.at(span.start), self.at(span.end));
        Region {
            lines: Some(Lines { start_line, start_column, end_line, end_column }),
            byte_offset: span.start,
            byte_length: span.len(),
        }
    }
}

/// A path as a relative reference or a `file:` URI (RFC 3986).
fn uri(path: &[u8]) -> String {
    let mut uri = String::with_capacity(path.len() + 8);
    match path {
        b"-" => return "stdin".to_owned(),
        [b'/', ..] => uri.push_str("file://"),
        _ => {}
    }
    // A colon too is written as digits: in front it would end a scheme.
    for byte in path {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        for (path, reference) in [
            ("-", "stdin"),
            ("src/a b.py", "src/a%20b.py"),
            ("/tmp/ä", "file:///tmp/%C3%A4"),
            ("c:d", "c%3Ad"),
        ] {
            assert_eq!(uri(path.as_bytes()), reference);
        }
    }
}
