//! Where the time of calls goes: of one, and of the latest ones of a route or of all.

use cordon_core::{Name, record::Timings};
use cordon_store::calls::CallQuery;
use maud::{Markup, html};

use super::{format, view::View};
use crate::api::Problem;

/// Calls that a breakdown is told from: each has its own timings, which no roll-up keeps.
const LATEST: u32 = 500;

/// A stage, and how long it took in a call.
type Stage = (&'static str, fn(&Timings) -> u64);

/// The stages of a call, in order.
const STAGES: [Stage; 6] = [
    ("receive", |timings| timings.receive),
    ("admit", |timings| timings.admit),
    ("inspect input", |timings| timings.inspect_input),
    ("upstream", |timings| timings.upstream),
    ("inspect output", |timings| timings.inspect_output),
    ("record", |timings| timings.record),
];

/// Of one call.
pub(super) fn of_call(timings: &Timings) -> Markup {
    let rows = STAGES.map(|(name, of)| (name, of(timings), vec![of(timings)]));
    html! {
        section {
            h2 { "Stages" }
            p { "Total " strong { (format::micros(timings.total)) } ", of it Cordon " strong { (format::micros(timings.total.saturating_sub(timings.upstream))) }
                @if timings.upstream_first_byte > 0 { ", first byte of the upstream after " (format::micros(timings.upstream_first_byte)) } "." }
            (table("How long each stage took", &["Time"], &rows, timings.total))
        }
    }
}

/// Of the latest calls in the time that is shown, of a route or of all.
pub(super) async fn of_latest(view: &View, route: Option<&Name>) -> Result<Markup, Problem> {
    let query = CallQuery {
        since: Some(view.since()),
        until: view.as_of,
        route: route.cloned(),
        limit: Some(LATEST),
        ..CallQuery::default()
    };
    let calls = view.shared.state.desk.calls().page(&query).await?;
    let timings: Vec<Timings> = calls.iter().filter_map(|call| call.timings).collect();
    let Some(broken_down) = broken_down(&timings) else { return Ok(Markup::default()) };
    let rows = broken_down.stages.map(|(name, [mean, p50, p95, p99])| (name, mean, vec![p50, p95, p99]));
    Ok(html! {
        section {
            h2 { "Latency by stage" }
            p.quiet { "The latest " (format::number(timings.len() as u64)) " ended calls in " (view.range.title) ": of a mean of "
                (format::micros(broken_down.total)) " Cordon took " (format::micros(broken_down.own)) "." }
            (table("How long each stage took", &["p50", "p95", "p99"], &rows, broken_down.total))
        }
    })
}

/// What many calls took.
struct BrokenDown {
    /// Mean, p50, p95 and p99 of each stage, in microseconds.
    stages: [(&'static str, [u64; 4]); STAGES.len()],
    /// The mean of the whole, and of what was not the upstream.
    total: u64,
    own: u64,
}

fn broken_down(timings: &[Timings]) -> Option<BrokenDown> {
    let count = timings.len() as u64;
    let mean = |of: &dyn Fn(&Timings) -> u64| {
        timings.iter().map(of).fold(0_u64, u64::saturating_add).checked_div(count)
    };
    let total = mean(&|timings| timings.total)?;
    let own = mean(&|timings| timings.total.saturating_sub(timings.upstream))?;
    let stages = STAGES.map(|(name, of)| {
        let mut times: Vec<u64> = timings.iter().map(of).collect();
        times.sort_unstable();
        // The nearest rank: a time that a call took.
        let part = |part: usize| {
            let rank = (times.len() * part).div_ceil(100).saturating_sub(1);
            times.get(rank).copied().unwrap_or_default()
        };
        (name, [mean(&of).unwrap_or_default(), part(50), part(95), part(99)])
    });
    Some(BrokenDown { stages, total, own })
}

/// A row for each stage: its part of the whole as a bar, and its times.
fn table(caption: &str, heads: &[&str], rows: &[(&str, u64, Vec<u64>)], whole: u64) -> Markup {
    let part = |time: u64| (u128::from(time) * 100 / u128::from(whole.max(1))).min(100);
    html! {
        div.scroll.stages tabindex="0" role="region" aria-label=(caption) {
            table {
                caption.unseen { (caption) }
                thead { tr { th scope="col" { "Stage" } th scope="col" { "Part of the whole" } @for head in heads { th scope="col" .number { (head) } } } }
                tbody { @for (name, mean, times) in rows {
                    tr {
                        td { (name) }
                        td { svg.bar viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" { rect width=(part(*mean)) height="4" {} } }
                        @for time in times { td.number { (format::micros(*time)) } }
                    }
                } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakdown_has_means_and_ranks() {
        let call =
            |upstream: u64| Timings { upstream, admit: 10, total: upstream + 30, ..Timings::default() };
        assert!(broken_down(&[]).is_none());
        let timings: Vec<Timings> = (1..=100).map(|at| call(at * 1_000)).collect();
        let found = broken_down(&timings).unwrap();
        assert_eq!((found.total, found.own), (50_530, 30));
        assert_eq!(found.stages[3], ("upstream", [50_500, 50_000, 95_000, 99_000]));
        assert_eq!(found.stages[1], ("admit", [10; 4]));
        assert_eq!(broken_down(&[call(7)]).unwrap().stages[3].1, [7; 4]);
    }
}
