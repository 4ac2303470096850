//! A file that was tried: what it is, what becomes of it and why, and what was found in its parts.

use maud::{Markup, html};

use super::{
    super::{
        format,
        table::{self, Cell, Table},
        widgets,
    },
    FINDINGS, WHOLE_TEXT,
    marked::{Spot, marked},
    spot,
};
use crate::api::inspect::{FileVerdict, InspectedFile, InspectedFinding};

/// What it is, and what becomes of it by that.
pub(super) fn facts(file: &InspectedFile) -> Markup {
    let claimed = match &file.claimed_type {
        Some(claimed) if *claimed == file.file_type => html! { (claimed) ", by its name too" },
        Some(claimed) => html! { (claimed) ", which is not what it is" },
        None => html! { "nothing that is known" },
    };
    html! {
        h2 { "The file" }
        (widgets::facts(vec![
            ("Type, by its content", html! { (file.file_type) }),
            ("Type, by its name", claimed),
            ("Verdict", html! { strong { (word(file.verdict)) } ": " (meaning(file.verdict)) }),
            ("Parts with text", html! { (format::number(file.parts.len() as u64 + u64::from(file.parts_more))) }),
        ]))
        @if file.unread { div.banner.warn { "A part of it could not be read, and may say anything." } }
        @if !file.reasons.is_empty() { (reasons(file).html("Why")) }
    }
}

fn reasons(file: &InspectedFile) -> Table {
    let rows = file.reasons.iter().map(|reason| {
        vec![
            Cell::plain(reason.category.to_string()),
            Cell::plain(word(reason.verdict).to_owned()),
            Cell::plain(if reason.places.is_empty() {
                "the file".to_owned()
            } else {
                reason.places.join(", ")
            }),
        ]
    });
    let columns =
        [table::text("Reason", "reason"), table::text("Asks for", "verdict"), table::text("Where", "places")];
    Table::new(columns, rows.collect())
}

/// The parts, and what was found in those of which the text is told.
pub(super) fn parts(file: &InspectedFile, findings: &[InspectedFinding]) -> Markup {
    let rows = file.parts.iter().map(|part| {
        vec![
            Cell::plain(part.place.clone()),
            Cell::plain(part.bytes.to_string()),
            Cell::plain(part.findings.to_string()),
            Cell::new(widgets::verdict(part.action), part.action.as_str()),
        ]
    });
    let columns = [
        table::text("Part", "part"),
        table::number("Bytes", "bytes"),
        table::number("Findings", "findings"),
        table::text("Action", "action"),
    ];
    html! {
        @if !file.parts.is_empty() {
            h2 { "Parts" }
            (Table::new(columns, rows.collect()).html("The texts of the file"))
            @if file.parts_more > 0 { p.quiet { "And " (format::number(u64::from(file.parts_more))) " more, in which nothing was found or which come later." } }
        }
        @for part in &file.parts {
            @if let Some(text) = &part.text {
                @let spots: Vec<Spot> = findings.iter().take(FINDINGS).enumerate().filter(|(_, found)| found.r#in.as_ref() == Some(&part.place)).map(|(at, found)| spot(at, found)).collect();
                h3 { (part.place) }
                (marked(text, &spots, WHOLE_TEXT, true))
            }
        }
    }
}

const fn word(verdict: FileVerdict) -> &'static str {
    match verdict {
        FileVerdict::Accept => "accept",
        FileVerdict::Quarantine => "quarantine",
        FileVerdict::Reject => "reject",
    }
}

const fn meaning(verdict: FileVerdict) -> &'static str {
    match verdict {
        FileVerdict::Accept => "it may go on, with its texts inspected like any other.",
        FileVerdict::Quarantine => {
            "it is kept apart until somebody has looked at it, where a guard holds it."
        }
        FileVerdict::Reject => "it does not go on, where a guard blocks it.",
    }
}
