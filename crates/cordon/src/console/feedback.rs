//! What people say of findings: buttons on the page of a call, and how often detectors are right by what was said.

use std::collections::BTreeMap;

use axum::{
    Form,
    extract::{Path, rejection::FormRejection},
    response::{IntoResponse as _, Redirect},
};
use cordon_core::{
    CallId, Category, Timestamp,
    feedback::{Direction, Judgement},
};
use cordon_stats::interval::{Level, Proportion};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    format,
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::{
    api::{
        Problem,
        feedback::{Feedback, LabelFinding},
    },
    desk::standing,
    identity::Verb,
};

/// What was said is read up to here, the latest first.
const LATEST: u32 = 5_000;
/// Rows of the table, those of which most was said.
const ROWS: usize = 200;

/// Where a finding is.
pub(super) struct Found {
    pub(super) call: CallId,
    pub(super) direction: Direction,
    /// Its place among the findings of the direction, from 0.
    pub(super) finding: u64,
}

/// What a button sends.
#[derive(Deserialize)]
pub(super) struct Said {
    direction: Direction,
    finding: u64,
    judgement: Judgement,
}

/// Keeps what somebody says, and leads back to the call.
pub(super) async fn label(
    view: View,
    Path(text): Path<String>,
    form: Result<Form<Said>, FormRejection>,
) -> Page {
    let done = async {
        view.caller.may(Verb::LabelFindings)?;
        let Form(Said { direction, finding, judgement }) = form.map_err(|_| {
            Problem::new(400, "malformed", "the form cannot be read", "a finding and what it is are expected")
        })?;
        let call = CallId::parse(&text)
            .map_err(|error| Problem::new(404, "not_found", "it does not exist", error.to_string()))?;
        let wish = LabelFinding { call, direction, finding, judgement };
        view.shared.state.desk.label(wish, view.caller.actor.clone()).await?;
        Ok::<_, Problem>(Redirect::to(&format!("/calls/{call}#findings")).into_response())
    };
    match done.await {
        Ok(back) => Ok(back),
        Err(problem) => Err(view.fault(problem)),
    }
}

/// What stands of a finding, and the buttons of those who may say something.
pub(super) fn cell(view: &View, at: &Found, category: &str, said: &[Feedback]) -> Cell {
    let Found { call, direction, finding } = at;
    let standing = said
        .iter()
        .find(|said| said.is_about(*call, *direction, *finding))
        .filter(|said| said.judgement != Judgement::Withdrawn);
    let offered: &[Judgement] = match standing {
        None => &[Judgement::Right, Judgement::FalseAlarm],
        Some(_) => &[Judgement::Withdrawn],
    };
    let shown = html! {
        @if let Some(said) = standing {
            (state(said.judgement)) " " span.quiet { (widgets::time(said.time, view.now)) " by " (crate::cli::actor(&said.by)) } " "
        }
        @if view.may(Verb::LabelFindings) && view.as_of.is_none() {
            form.inline method="post" action=(format!("/calls/{call}/label")) {
                (view.csrf())
                input type="hidden" name="direction" value=(match direction { Direction::Request => "request", Direction::Answer => "answer" });
                input type="hidden" name="finding" value=(finding);
                @for judgement in offered {
                    button name="judgement" value=(judgement.as_str()) aria-label=(format!("{category}: {}", button(*judgement))) { (button(*judgement)) } " "
                }
            }
        } @else if standing.is_none() { span.quiet { "–" } }
    };
    Cell::new(shown, standing.map_or("", |said| said.judgement.as_str()))
}

const fn button(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Right => "Right",
        Judgement::FalseAlarm => "False alarm",
        Judgement::Withdrawn => "Withdraw",
    }
}

fn state(judgement: Judgement) -> Markup {
    match judgement {
        Judgement::Right => widgets::state("good", "right"),
        Judgement::FalseAlarm => widgets::state("warn", "false alarm"),
        Judgement::Withdrawn => widgets::state("none", "withdrawn"),
    }
}

/// How often each detector was right, by what was said since a time.
pub(super) async fn by_detector(view: &View, since: Timestamp) -> Result<(Table, Markup), Problem> {
    let said = view.shared.state.desk.feedback(None, None, view.as_of, LATEST).await?;
    let cut = said.len() == LATEST as usize;
    // What was said last of a finding stands; what was said before the time that is shown does not matter here.
    let mut counts: BTreeMap<(String, u16, Category), (u64, u64)> = BTreeMap::new();
    for said in standing(said).into_iter().filter(|said| said.time >= since) {
        let count = counts.entry((said.detector, said.detector_version, said.category)).or_default();
        match said.judgement {
            Judgement::Right => count.0 = count.0.saturating_add(1),
            Judgement::FalseAlarm => count.1 = count.1.saturating_add(1),
            Judgement::Withdrawn => {}
        }
    }
    let mut counts: Vec<_> =
        counts.into_iter().filter(|(_, (right, wrong))| right.saturating_add(*wrong) > 0).collect();
    counts.sort_by_key(|(_, (right, wrong))| std::cmp::Reverse(right.saturating_add(*wrong)));
    let rows = counts.into_iter().take(ROWS).map(|((detector, version, category), (right, wrong))| {
        let (rate, interval) = rate(wrong, right);
        vec![
            Cell::plain(format!("{detector} {version}")),
            Cell::plain(category.to_string()),
            Cell::new(html! { (format::number(right)) }, right.to_string()),
            Cell::new(html! { (format::number(wrong)) }, wrong.to_string()),
            Cell::plain(rate),
            Cell::plain(interval),
        ]
    });
    let columns = [
        table::text("Detector and version", "detector"),
        table::text("Category", "category"),
        table::number("Right", "right"),
        table::number("False alarms", "false_alarms"),
        table::number("False alarms, %", "false_alarm_percent"),
        table::number("95 % interval, %", "interval_percent"),
    ];
    let table = Table::new(columns, rows.collect());
    let shown = html! {
        section #feedback {
            h2 { "False alarms, by what people said" }
            @if table.rows.is_empty() {
                p.quiet { "Nobody has said of a finding whether it is right. The page of a call has buttons for it." }
            } @else {
                p.quiet { "What was said since " (widgets::time(since, view.now)) @if cut { ", of the latest " (format::number(u64::from(LATEST))) " times" }
                    ". People look at some findings and not at others: this is a share of what they looked at." }
                div.above { (Table::links("/findings", &view.query.with("table", "feedback"))) " " a href="/api/v1/feedback" { "What was said, as JSON" } }
                p.quiet { code { "cordon calls labels" } " writes it as labelled texts, to measure and train detectors with." }
                (table.html("False alarms by detector, as people said"))
            }
        }
    };
    Ok((table, shown))
}

/// A rate in per cent with one decimal, and its interval by Wilson.
fn rate(hits: u64, misses: u64) -> (String, String) {
    match Proportion::of_parts(hits, misses).wilson(Level::P95) {
        Ok(known) => {
            let percent = |part: f64| format!("{:.1}", part * 100.0);
            (percent(known.value), format!("{} to {}", percent(known.low), percent(known.high)))
        }
        Err(_) => ("–".to_owned(), "–".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_its_interval() {
        // Wilson's interval of 1 of 10, by hand: 1.8 to 40.4 %.
        assert_eq!(rate(1, 9), ("10.0".to_owned(), "1.8 to 40.4".to_owned()));
        assert_eq!(rate(0, 0), ("–".to_owned(), "–".to_owned()));
    }
}
