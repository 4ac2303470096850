//! The first page: is it well, what changed, what must be done.

use axum::{extract::Path, response::IntoResponse as _};
use cordon_core::{Action, Money, Score, Timestamp};
use cordon_store::calls::{RollUp, Step, Sums as Grouping};
use maud::{Markup, html};

use super::{
    chart::{Chart, Mark, Series, Shape},
    format, held, layout, quarantine, stages,
    table::{self, Cell, Table},
    triggers,
    view::{Page, View, marks},
    widgets,
};
use crate::{api::Problem, identity::Verb};

/// The sums of the time that is shown, in about [`STEPS`] steps.
struct Sums {
    since: Timestamp,
    /// Milliseconds.
    step: i64,
    steps: Vec<[RollUp; VERDICTS.len()]>,
    whole: RollUp,
}

const VERDICTS: [Action; 5] = [Action::Allow, Action::Flag, Action::Redact, Action::Hold, Action::Block];

/// What is drawn, by the names of the tables behind.
const CHARTS: [&str; 5] = ["calls", "latency", "errors", "tokens", "cost"];

/// The most steps of a chart.
const STEPS: i64 = 60;

impl Sums {
    async fn of(view: &View) -> Result<Self, Problem> {
        const MINUTE: i64 = 60_000;
        let (since, until) = (view.since(), view.until());
        let span = until.as_millis().saturating_sub(since.as_millis()).max(1);
        // Round steps, each a whole number of those that are summed.
        const HOUR: i64 = 60 * MINUTE;
        const DAY: i64 = 24 * HOUR;
        let (step, grain) = [
            (MINUTE, Step::Minute),
            (5 * MINUTE, Step::Minute),
            (30 * MINUTE, Step::Minute),
            (HOUR, Step::Hour),
            (3 * HOUR, Step::Hour),
            (12 * HOUR, Step::Hour),
            (DAY, Step::Day),
        ]
        .into_iter()
        .find(|(step, _)| span / step <= STEPS)
        .unwrap_or((7 * DAY, Step::Day));
        let first = since.as_millis().div_euclid(step).saturating_mul(step);
        let count = usize::try_from((until.as_millis() - first).div_euclid(step) + 1).unwrap_or(0);
        let mut steps: Vec<[RollUp; VERDICTS.len()]> = Vec::new();
        steps.resize_with(count.min(400), Default::default);
        let mut whole = RollUp::default();
        let calls = view.shared.state.desk.calls();
        let sums = calls.roll_ups(grain, Grouping::All, Timestamp::from_millis(first), until).await?;
        for (start, _, verdict, sums) in sums {
            let at = usize::try_from((start.as_millis() - first).div_euclid(step)).unwrap_or(usize::MAX);
            let place = VERDICTS.iter().position(|known| *known == verdict).unwrap_or(0);
            if let Some(sum) = steps.get_mut(at).and_then(|verdicts| verdicts.get_mut(place)) {
                sum.join(&sums);
                whole.join(&sums);
            }
        }
        Ok(Self { since: Timestamp::from_millis(first), step, steps, whole })
    }

    fn joined(&self, at: usize) -> RollUp {
        let mut joined = RollUp::default();
        self.steps.get(at).into_iter().flatten().for_each(|sums| joined.join(sums));
        joined
    }

    fn each(&self, value: impl Fn(&RollUp) -> Option<u64>) -> Vec<Option<u64>> {
        (0..self.steps.len()).map(|at| value(&self.joined(at))).collect()
    }

    fn of_verdict(&self, verdict: Action) -> u64 {
        let place = VERDICTS.iter().position(|known| *known == verdict).unwrap_or(0);
        self.steps.iter().filter_map(|verdicts| verdicts.get(place)).map(|sums| sums.count).sum()
    }

    fn series(&self, chart: &str) -> Option<Vec<Series>> {
        let part =
            |per_cent| move |sums: &RollUp| (sums.count > 0).then(|| sums.quantile(Score::percent(per_cent)));
        Some(match chart {
            "calls" => VERDICTS
                .iter()
                .enumerate()
                .filter(|(_, verdict)| **verdict == Action::Allow || self.of_verdict(**verdict) > 0)
                .map(|(place, verdict)| Series {
                    label: verdict.as_str(),
                    class: verdict.as_str(),
                    values: self
                        .steps
                        .iter()
                        .map(|verdicts| verdicts.get(place).map(|sums| sums.count).filter(|count| *count > 0))
                        .collect(),
                })
                .collect(),
            "latency" => vec![
                Series { label: "p50", class: "s1", values: self.each(part(50)) },
                Series { label: "p95", class: "s2", values: self.each(part(95)) },
                Series { label: "p99", class: "s3", values: self.each(part(99)) },
            ],
            "errors" => vec![Series {
                label: "errors",
                class: "block",
                values: self.each(|sums| Some(sums.errors).filter(|errors| *errors > 0)),
            }],
            "tokens" => {
                let some = |count: u64| Some(count).filter(|count| *count > 0);
                vec![
                    Series { label: "in", class: "s1", values: self.each(|sums| some(sums.input_tokens)) },
                    Series { label: "out", class: "s2", values: self.each(|sums| some(sums.output_tokens)) },
                ]
            }
            "cost" => {
                let spent =
                    |sums: &RollUp| sums.cost.map(|cost| cost.amount.nanos()).filter(|nanos| *nanos > 0);
                vec![Series { label: "cost", class: "s1", values: self.each(spent) }]
            }
            _ => return None,
        })
    }

    fn draw(&self, view: &View, name: &str, marks: &[Mark]) -> Markup {
        let Some(series) = self.series(name) else { return Markup::default() };
        let (title, shape) = match name {
            "latency" => ("Latency, whole calls", Shape::Lines),
            "errors" => ("Answers with a status of 400 or more", Shape::Stack),
            "tokens" => ("Tokens, as providers count them", Shape::Stack),
            "cost" => ("Cost, by the prices of models", Shape::Stack),
            _ => ("Calls by verdict", Shape::Stack),
        };
        let step = format::span(cordon_core::DurationMs::from_millis(self.step.unsigned_abs()));
        let unit = match (name, self.whole.cost) {
            ("latency", _) => format!("upper bounds, each {step}"),
            ("cost", Some(cost)) => format!("{}, each {step}", cost.currency),
            _ => format!("each {step}"),
        };
        let table = view.query.link(&format!("/charts/{name}"));
        let show = writer(name);
        Chart {
            title,
            unit: &unit,
            shape,
            since: self.since,
            step: self.step,
            series,
            band: Vec::new(),
            marks,
            show,
            table,
        }
        .draw()
    }
}

pub(super) async fn page(view: View) -> Page {
    match build(&view).await {
        Ok(body) => Ok(layout::page(&view, "Overview", &body).into_response()),
        Err(problem) => Err(view.fault(problem)),
    }
}

async fn build(view: &View) -> Result<Markup, Problem> {
    let desk = &view.shared.state.desk;
    let state = desk.state(view.as_of).await?;
    if state.is_empty() {
        return Ok(super::setup::guide(view, &state, false));
    }
    let sums = Sums::of(view).await?;
    let facts = match desk.log() {
        Some(log) => marks(view).of(log, view.since(), view.until(), 200).await?,
        None => Vec::new(),
    };
    let drawn: Vec<Mark> = facts.iter().map(|told| told.mark()).collect();
    let whole = &sums.whole;
    let stopped = sums.of_verdict(Action::Block) + sums.of_verdict(Action::Hold);
    let latency = |part| {
        if whole.count == 0 {
            "–".to_owned()
        } else {
            format!("≤ {}", format::micros(whole.quantile(Score::percent(part))))
        }
    };
    Ok(html! {
        (layout::ranges(view))
        (health(view, &state).await?)
        div.cards {
            (widgets::card("Calls", &format::number(whole.count), &html! { "in " (view.range.title) }))
            (widgets::card("Stopped", &format::number(stopped), &html! { (format::percent(stopped, whole.count)) " blocked or held" }))
            (widgets::card("Redacted", &format::number(sums.of_verdict(Action::Redact)), &html! { (format::percent(sums.of_verdict(Action::Redact), whole.count)) }))
            (widgets::card("Errors", &format::number(whole.errors), &html! { (format::percent(whole.errors, whole.count)) " of calls" }))
            (widgets::card("Latency p50", &latency(50), &html! { "p99 " (latency(99)) }))
            (widgets::card("Tokens", &format::number(whole.input_tokens.saturating_add(whole.output_tokens)), &html! { (format::number(whole.input_tokens)) " in, " (format::number(whole.output_tokens)) " out" }))
            (spent(whole))
        }
        @if whole.count == 0 {
            (widgets::empty(
                "No call has ended in this time.",
                "Send one: any OpenAI client works, with the gateway's address as its base URL and a key of a principal.",
                "cordon key create --principal NAME --expires 30d",
            ))
        }
        div.charts {
            @for name in CHARTS { (sums.draw(view, name, &drawn)) }
        }
        (stages::of_latest(view, None).await?)
        section {
            h2 { "What changed" }
            @if facts.is_empty() { p.quiet { "Nobody decided anything in this time." } }
            @else {
                ul.changes { @for told in facts.iter().take(12) {
                    li { (widgets::time(told.time, view.now)) " " a href=(view.link(&format!("/log/{}", told.position))) { (told.line) } " by " (crate::cli::actor(&told.actor)) }
                } }
                p { a href=(view.link("/log")) { "The whole log" } }
            }
        }
    })
}

/// What the calls of the time cost, and the next step where nothing says it.
fn spent(whole: &RollUp) -> Markup {
    match whole.cost {
        Some(cost) => {
            let rest = if whole.other_currencies {
                "and costs in other currencies"
            } else {
                "by the prices of models"
            };
            widgets::card("Cost", &format::money(cost.amount.nanos()), &html! { (cost.currency) ", " (rest) })
        }
        None => widgets::card("Cost", "–", &html! { "no price: give a model " code { "prices" } }),
    }
}

/// Is it well, and what must be done.
async fn health(view: &View, state: &cordon_core::State) -> Result<Markup, Problem> {
    let mut out = triggers::lines(view, state);
    out.extend(held::lines(view).await?);
    out.extend(quarantine::lines(view).await?);
    let obstacles = (view.shared.state.readiness)();
    let signed = view.shared.state.progress();
    let behind = state.position().saturating_sub(signed);
    let warnings: Vec<String> = crate::content::unkept(state)
        .iter()
        .map(|(route, system)| crate::content::unkept_warning(route, system))
        .collect();
    let soon = cordon_core::DurationMs::from_secs(7 * 86_400);
    let expiring: Vec<_> = state
        .keys()
        .filter(|key| key.revoked.is_none() && key.expires > view.now && key.expires.since(view.now) < soon)
        .collect();
    Ok(html! {
        div.health {
            @if view.as_of.is_none() {
                @if obstacles.is_empty() { (widgets::state("good", "serving")) }
                @else { (widgets::state("bad", "not ready")) }
                @if behind == 0 { (widgets::state("good", "every fact is signed")) }
                @else { (widgets::state("warn", &format!("{} facts wait for a signature", format::number(behind)))) }
            }
            @if !obstacles.is_empty() || !warnings.is_empty() || !expiring.is_empty() || !out.is_empty() {
                ul.todo {
                    @for obstacle in &obstacles { li.bad { (obstacle) } }
                    @for line in out.iter().take(10) { li.bad { (line) } }
                    @if out.len() > 10 { li.bad { "and " (out.len() - 10) " more: " a href=(view.link("/quarantine")) { "all" } } }
                    @for warning in warnings.iter().take(5) { li.warn { (warning) } }
                    @if warnings.len() > 5 { li.warn { "and " (warnings.len() - 5) " more: " code { "cordon doctor" } } }
                    @for key in expiring.iter().take(5) {
                        li.warn { "Key " a href=(view.link(&format!("/keys/{}", key.id))) { code { (key.id) } } " of " (key.principal) " ends " (widgets::time(key.expires, view.now))
                            @if view.may(Verb::ManageKeys) { ": " code { "cordon key rotate " (key.id) " --expires 30d" } }
                        }
                    }
                }
            }
        }
    })
}

/// How a value of a chart is written.
fn writer(chart: &str) -> fn(u64) -> String {
    match chart {
        "latency" => format::micros,
        "cost" => format::money,
        _ => format::number,
    }
}

/// The table behind a chart.
pub(super) async fn chart(view: View, Path(name): Path<String>) -> Page {
    let sums = match Sums::of(&view).await {
        Ok(sums) => sums,
        Err(problem) => return Err(view.fault(problem)),
    };
    let Some(series) = sums.series(&name) else {
        return Err(view.not_found("there is no such chart; help: calls, latency, errors, tokens or cost"));
    };
    let mut columns = vec![table::text("From (UTC)", "from")];
    columns.extend(series.iter().map(|series| table::number(series.label, series.label)));
    let rows = (0..sums.steps.len()).rev().map(|at| {
        let start =
            sums.since.as_millis().saturating_add(sums.step.saturating_mul(i64::try_from(at).unwrap_or(0)));
        let mut row = vec![Cell::plain(Timestamp::from_millis(start).to_string())];
        row.extend(series.iter().map(|series| {
            let value = series.values.get(at).copied().flatten();
            // In files latency is in microseconds, and money as it is written.
            let filed = |value: u64| match name.as_str() {
                "cost" => Money::from_nanos(value).to_string(),
                _ => value.to_string(),
            };
            let shown = value.map_or_else(|| "–".to_owned(), writer(&name));
            Cell::new(html! { (shown) }, value.map(filed).unwrap_or_default())
        }));
        row
    });
    let table = Table::new(columns, rows.collect());
    if let Some(file) = table.file(view.format) {
        return Ok(file);
    }
    let body = html! {
        p { a href=(view.query.link("/")) { "Back to the overview" } " · " (Table::links(&view.path, &view.query)) }
        (table.html(&format!("The values of the chart {name}")))
    };
    Ok(layout::page(&view, &format!("Values: {name}"), &body).into_response())
}
