//! Tables: one description, three forms. What a page shows is what its CSV and JSON hold.

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::widgets;

/// The form that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// A page.
    #[default]
    Html,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// A JSON list of objects.
    Json,
}

/// A column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    /// Its heading, with the unit.
    pub(super) head: &'static str,
    /// Its name in CSV and JSON.
    pub(super) key: &'static str,
    /// Whether it holds numbers.
    pub(super) number: bool,
}

pub(super) const fn text(head: &'static str, key: &'static str) -> Column {
    Column { head, key, number: false }
}

pub(super) const fn number(head: &'static str, key: &'static str) -> Column {
    Column { head, key, number: true }
}

/// A cell: how it looks, and what it says to a program.
pub(super) struct Cell {
    shown: Markup,
    value: String,
}

impl Cell {
    /// A cell that shows what it says.
    pub(super) fn plain(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { shown: html! { (value) }, value }
    }

    /// A cell that looks different from what it says.
    pub(super) fn new(shown: Markup, value: impl Into<String>) -> Self {
        Self { shown, value: value.into() }
    }
}

/// A table.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(columns: impl Into<Vec<Column>>, rows: Vec<Vec<Cell>>) -> Self {
        Self { columns: columns.into(), rows }
    }

    /// As part of a page. `caption` is for those who do not see where it stands.
    pub(super) fn html(&self, caption: &str) -> Markup {
        self.html_as(caption, None)
    }

    /// As part of a page, with an id for the script.
    pub(super) fn html_as(&self, caption: &str, id: Option<&str>) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label=(caption) {
                table id=[id] {
                    caption.unseen { (caption) }
                    thead { tr { @for column in &self.columns { th scope="col" .number[column.number] { (column.head) } } } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (column, cell) in self.columns.iter().zip(row) {
                                    td .number[column.number] { (cell.shown) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// As a file, when one is asked for.
    pub(super) fn file(&self, format: Format) -> Option<Response> {
        match format {
            Format::Html => None,
            Format::Csv => {
                let mut text = String::new();
                let heads: Vec<&str> = self.columns.iter().map(|column| column.key).collect();
                line(&mut text, heads.into_iter());
                for row in &self.rows {
                    line(&mut text, row.iter().map(|cell| cell.value.as_str()));
                }
                Some(
                    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")], text)
                        .into_response(),
                )
            }
            Format::Json => {
                let rows: Vec<serde_json::Map<String, serde_json::Value>> = self
                    .rows
                    .iter()
                    .map(|row| {
                        let cells = self.columns.iter().zip(row);
                        cells
                            .map(|(column, cell)| (column.key.to_owned(), cell.value.clone().into()))
                            .collect()
                    })
                    .collect();
                Some(axum::Json(rows).into_response())
            }
        }
    }

    /// Links to the other two forms of this table. `query` is the page's own.
    pub(super) fn links(path: &str, query: &widgets::Query) -> Markup {
        html! {
            span.forms {
                a href=(query.with("format", "csv").link(path)) { "CSV" } " "
                a href=(query.with("format", "json").link(path)) { "JSON" }
            }
        }
    }
}

/// One line of CSV. A cell that a spreadsheet would run as a formula is quoted with an apostrophe (OWASP, CSV injection).
fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            text.push(',');
        }
        let guarded = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err() {
            format!("'{cell}")
        } else {
            cell.to_owned()
        };
        if guarded.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&guarded.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&guarded);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_quoted_and_holds_no_formula() {
        let mut text = String::new();
        line(&mut text, ["a,b", "say \"x\"", "=cmd()", "-5", "-x", "plain"].into_iter());
        assert_eq!(text, "\"a,b\",\"say \"\"x\"\"\",'=cmd(),-5,'-x,plain\r\n");
    }
}
