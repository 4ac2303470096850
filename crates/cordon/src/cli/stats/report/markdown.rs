//! For a pull request.

use super::{
    super::super::table::{Align, plain},
    Report, Table,
};

pub(super) fn of(report: &Report) -> String {
    let mut text = format!("**cordon {}**: {}\n", report.name, escaped(&report.summary));
    for section in &report.sections {
        if !section.line.is_empty() {
            text = text + "\n" + &escaped(&section.line) + "\n";
        }
        if !section.table.rows.is_empty() {
            table(&mut text, &section.table);
        }
        list(&mut text, &section.notes);
    }
    list(&mut text, &report.notes);
    text
}

fn table(text: &mut String, table: &Table) {
    let line =
        |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let (heads, rows) = table.narrow();
    text.push('\n');
    text.push_str(&line(&mut heads.iter().map(|(head, _)| head.to_lowercase())));
    let rule = |align: &Align| if *align == Align::Right { "---:" } else { "---" };
    text.push_str(&line(&mut heads.iter().map(|(_, align)| rule(align).to_owned())));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(|cell| escaped(cell))));
    }
}

fn list(text: &mut String, notes: &[String]) {
    for note in notes {
        *text = std::mem::take(text) + "\n- " + &escaped(note);
    }
    if !notes.is_empty() {
        text.push('\n');
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
