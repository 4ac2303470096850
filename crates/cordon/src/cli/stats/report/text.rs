//! For a terminal.

use super::{
    super::super::table::{plain, table},
    Report,
};

pub(super) fn of(report: &Report) -> String {
    let mut text = plain(&report.summary) + "\n";
    for section in &report.sections {
        if !section.line.is_empty() {
            text = text + "\n" + &plain(&section.line) + "\n";
        }
        if !section.table.rows.is_empty() {
            let (heads, rows) = section.table.narrow();
            text = text + "\n" + &table(&heads, &rows);
        }
        paragraph(&mut text, &section.notes);
    }
    paragraph(&mut text, &report.notes);
    text
}

fn paragraph(text: &mut String, lines: &[String]) {
    if !lines.is_empty() {
        text.push('\n');
        text.push_str(&plain(&lines.join("\n")));
        text.push('\n');
    }
}
