//! One answer in the forms that people and programs read: a table, Markdown for a pull request, JUnit's XML for CI.

use clap::Args;

use super::super::{
    Outcome, say,
    table::{Align, plain, table},
};

/// How an answer looks.
#[derive(Args)]
#[group(multiple = false)]
pub(super) struct Look {
    /// JSON with every number instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// Markdown, for a pull request.
    #[arg(long)]
    md: bool,
    /// JUnit's XML, for CI: a test case for each row, failed where something was found.
    #[arg(long)]
    junit: bool,
}

/// What is said, before it has a form.
pub(super) struct Report {
    /// The command.
    pub(super) name: &'static str,
    pub(super) summary: String,
    pub(super) heads: Vec<(&'static str, Align)>,
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<String>,
}

/// A row of the table, which is also a test case.
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) case: String,
    /// What was found, where something was.
    pub(super) failure: Option<String>,
}

impl Report {
    pub(super) fn say(&self, look: &Look) -> Outcome {
        say(&if look.md {
            self.markdown()
        } else if look.junit {
            self.junit()
        } else {
            self.text()
        })
    }

    fn text(&self) -> String {
        let mut text = plain(&self.summary) + "\n";
        if !self.rows.is_empty() {
            let rows: Vec<Vec<String>> = self.rows.iter().map(|row| row.cells.clone()).collect();
            text = text + "\n" + &table(&self.heads, &rows);
        }
        if !self.notes.is_empty() {
            text = text + "\n" + &plain(&self.notes.join("\n")) + "\n";
        }
        text
    }

    fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut text = format!("**cordon {}**: {}\n", self.name, escaped(&self.summary));
        if !self.rows.is_empty() {
            text.push('\n');
            text.push_str(&line(&mut self.heads.iter().map(|(head, _)| head.to_lowercase())));
            let rule = |align: &Align| if *align == Align::Right { "---:" } else { "---" };
            text.push_str(&line(&mut self.heads.iter().map(|(_, align)| rule(align).to_owned())));
            for row in &self.rows {
                text.push_str(&line(&mut row.cells.iter().map(|cell| escaped(cell))));
            }
        }
        for note in &self.notes {
            text = text + "\n- " + &escaped(note);
        }
        if self.notes.is_empty() { text } else { text + "\n" }
    }

    fn junit(&self) -> String {
        let failures = self.rows.iter().filter(|row| row.failure.is_some()).count();
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"cordon {}\" tests=\"{}\" failures=\"{failures}\">\n",
            self.name,
            self.rows.len()
        );
        for row in &self.rows {
            let case = attribute(&row.case);
            let (suite, end) = (format!("cordon.{}", self.name), "</testcase>\n");
            match &row.failure {
                None => text.push_str(&format!("  <testcase classname=\"{suite}\" name=\"{case}\"/>\n")),
                Some(found) => {
                    let found = attribute(found);
                    text.push_str(&format!(
                        "  <testcase classname=\"{suite}\" name=\"{case}\"><failure message=\"{found}\"/>{end}"
                    ));
                }
            }
        }
        text + "</testsuite>\n"
    }
}

/// Text that Markdown shows as it is: names come from files of unknown origin.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in plain(text).replace('\n', " ").chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!') {
            shown.push('\\');
        }
        shown.push(c);
    }
    shown
}

/// Text as an attribute of XML 1.0, which knows no control characters.
fn attribute(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in plain(text).replace('\n', " ").chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => shown.push('\u{fffd}'),
            _ => shown.push(c),
        }
    }
    shown
}
