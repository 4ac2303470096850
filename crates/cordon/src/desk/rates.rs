//! What became of calls, by where they came from: counts of the index, and the rates that they make.

use std::collections::BTreeMap;

use cordon_core::{
    Action, Channel, Name, Timestamp,
    record::{Measure, Operation},
};
use cordon_store::calls::{Counts, Source, SourceKind, Step};

use super::Desk;
use crate::api::{
    Problem,
    rates::{
        By, Categories, CategoriesQuery, CategoryRate, Rate, RateSource, RateStep, Rates, RatesQuery, Share,
    },
};

/// Sources or categories of an answer, those of the most calls.
const MOST: usize = 1_000;
/// Steps of an answer, about.
const STEPS: i64 = 62;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The whole steps that a time is counted in.
struct Window {
    step: Step,
    since: Timestamp,
    until: Timestamp,
    /// Finer steps that are still kept, to show how it went; a number of them for each step shown.
    fine: Step,
    shown: i64,
}

impl Window {
    fn new(since: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Result<Self, Problem> {
        let until = until.unwrap_or(now);
        let since = since.unwrap_or(Timestamp::from_millis(until.as_millis().saturating_sub(DAY)));
        let span = until.as_millis().saturating_sub(since.as_millis());
        if span <= 0 {
            let detail =
                "`since` is not before `until`; help: both are times, and the first is the earlier one";
            return Err(Problem::new(422, "invalid", "there is no such time", detail));
        }
        // Minutes are kept for a day and somewhat more, hours for forty days.
        const MINUTES: i64 = DAY + HOUR / 2;
        let age = now.as_millis().saturating_sub(since.as_millis());
        let (step, fine) = match (span, age) {
            (..=7_200_000, ..=MINUTES) => (Step::Minute, Step::Minute),
            (..=172_800_000, ..=MINUTES) => (Step::Hour, Step::Minute),
            (..=172_800_000, age) if age <= 39 * DAY => (Step::Hour, Step::Hour),
            (_, age) if age <= 38 * DAY => (Step::Day, Step::Hour),
            _ => (Step::Day, Step::Day),
        };
        let begin = since.as_millis().div_euclid(step.millis()).saturating_mul(step.millis());
        let span = until.as_millis().saturating_sub(begin);
        let shown = [MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 12 * HOUR, DAY]
            .into_iter()
            .find(|shown| shown % fine.millis() == 0 && span / shown <= STEPS)
            .unwrap_or(7 * DAY);
        Ok(Self { step, since: Timestamp::from_millis(begin), until, fine, shown })
    }

    const fn times(&self) -> (Timestamp, Timestamp) {
        (self.since, self.until)
    }
}

impl Desk {
    /// What became of the calls that ended in a time, and of those of each source.
    ///
    /// # Errors
    /// When the time ends before it begins, there is no such source, or the index cannot be read.
    pub async fn rates(&self, asked: RatesQuery) -> Result<Rates, Problem> {
        let RatesQuery { since, until, by, of } = asked;
        let by = by.unwrap_or_default();
        let window = Window::new(since, until, self.now())?;
        let one = of.map(|name| source(by, &name)).transpose()?;
        let calls = self.calls();
        let all = calls.rates(window.step, SourceKind::All, window.times()).await?;
        let all = all.get(&Source::All).copied().unwrap_or_default();
        // Of channels nobody knows how many calls had them.
        let judged = (by == By::Channel).then(|| all.of(Measure::Judged));
        let sums = calls.rates(window.step, kind(by), window.times()).await?;
        let mut sources: Vec<RateSource> = sums
            .into_iter()
            .filter(|(source, _)| one.as_ref().is_none_or(|one| one == source))
            .map(|(source, counts)| RateSource { source: word(&source), rate: rate(&counts, judged) })
            .collect();
        sources.sort_by_key(|source| {
            let Rate { judged, malformed, request_blocked, held, unread, .. } = source.rate;
            std::cmp::Reverse((judged, malformed.saturating_add(request_blocked), held, unread))
        });
        let more = u64::try_from(sources.len().saturating_sub(MOST)).unwrap_or(u64::MAX);
        sources.truncate(MOST);
        let steps = self.steps(&window, one.as_ref().unwrap_or(&Source::All)).await?;
        let (since, until) = window.times();
        let step_minutes = u64::try_from(window.shown / MINUTE).unwrap_or(0);
        Ok(Rates { since, until, by, all: rate(&all, None), step_minutes, steps, sources, more })
    }

    async fn steps(&self, window: &Window, source: &Source) -> Result<Vec<RateStep>, Problem> {
        let calls = self.calls();
        let fold = |counted: BTreeMap<Timestamp, Counts>| {
            let mut steps: BTreeMap<i64, Counts> = BTreeMap::new();
            for (start, counts) in counted {
                let behind = start.as_millis().saturating_sub(window.since.as_millis());
                steps.entry(behind.div_euclid(window.shown)).or_default().join(&counts);
            }
            steps
        };
        let mut all = BTreeMap::new();
        if matches!(source, Source::Channel(_)) {
            all = fold(calls.rates_of(window.fine, &Source::All, window.times()).await?);
        }
        let steps = fold(calls.rates_of(window.fine, source, window.times()).await?);
        let told = |(number, counts): (&i64, &Counts)| {
            let start = window.since.as_millis().saturating_add(number.saturating_mul(window.shown));
            let judged = all.get(number).map(|all: &Counts| all.of(Measure::Judged));
            RateStep { start: Timestamp::from_millis(start), rate: rate(counts, judged) }
        };
        // In a channel there may be nothing while there were calls.
        if let Source::Channel(_) = source {
            let nothing = Counts::default();
            return Ok(all
                .keys()
                .map(|number| told((number, steps.get(number).unwrap_or(&nothing))))
                .collect());
        }
        Ok(steps.iter().map(told).collect())
    }

    /// In how many calls that ended in a time each category was found.
    ///
    /// # Errors
    /// When the time ends before it begins, or the index cannot be read.
    pub async fn categories(&self, asked: CategoriesQuery) -> Result<Categories, Problem> {
        let CategoriesQuery { since, until, category, route, by_route } = asked;
        let window = Window::new(since, until, self.now())?;
        let by_route = by_route || route.is_some();
        let by = if by_route { SourceKind::Route } else { SourceKind::All };
        let calls = self.calls();
        let judged = calls.rates(window.step, by, window.times()).await?;
        let judged = |route: &Option<Name>| {
            let source = if by_route { Source::Route(route.clone()) } else { Source::All };
            judged.get(&source).map_or(0, |counts| counts.of(Measure::Judged))
        };
        let mut sums: BTreeMap<_, CategoryRate> = BTreeMap::new();
        for sum in calls.found(window.step, by_route, window.times()).await? {
            let wanted = category.as_ref().is_none_or(|category| category.covers(&sum.category))
                && route.as_ref().is_none_or(|route| sum.route.as_ref() == Some(route));
            if !wanted {
                continue;
            }
            let at = (sum.route.clone(), sum.category.clone());
            let rate = sums.entry(at).or_insert_with(|| CategoryRate {
                route: sum.route,
                category: sum.category,
                calls: 0,
                flagged: 0,
                redacted: 0,
                held: 0,
                blocked: 0,
                rate: None,
            });
            rate.calls = rate.calls.saturating_add(sum.calls);
            let done = match sum.action {
                Action::Allow => continue,
                Action::Flag => &mut rate.flagged,
                Action::Redact => &mut rate.redacted,
                Action::Hold => &mut rate.held,
                Action::Block => &mut rate.blocked,
            };
            *done = done.saturating_add(sum.calls);
        }
        let mut categories: Vec<CategoryRate> = sums.into_values().collect();
        for found in &mut categories {
            let acted = [found.flagged, found.redacted, found.held, found.blocked];
            found.rate = Share::of(acted.into_iter().fold(0, u64::saturating_add), judged(&found.route));
        }
        categories.sort_by_key(|found| std::cmp::Reverse(found.calls));
        let more = u64::try_from(categories.len().saturating_sub(MOST)).unwrap_or(u64::MAX);
        categories.truncate(MOST);
        Ok(Categories { since: window.since, until: window.until, categories, more })
    }
}

const fn kind(by: By) -> SourceKind {
    match by {
        By::Route => SourceKind::Route,
        By::Principal => SourceKind::Principal,
        By::Operation => SourceKind::Operation,
        By::Channel => SourceKind::Channel,
    }
}

fn source(by: By, text: &str) -> Result<Source, Problem> {
    let unknown = |help: &str| {
        Problem::new(
            422,
            "invalid",
            "there is no such source",
            format!("`of` names no {}; help: {help}", by.as_str()),
        )
    };
    let name = || Name::parse(text).map_err(|error| unknown(&error.to_string()));
    Ok(match by {
        By::Route => Source::Route(Some(name()?)),
        By::Principal => Source::Principal(name()?),
        By::Operation => Source::Operation(
            Operation::parse(text).ok_or_else(|| unknown("such as `chat` or `upload_file`"))?,
        ),
        By::Channel => Source::Channel(
            Channel::parse(text).ok_or_else(|| unknown("system, user, document, tool_output or model"))?,
        ),
    })
}

fn word(source: &Source) -> Option<String> {
    match source {
        Source::All | Source::Route(None) => None,
        Source::Channel(channel) => Some(channel.as_str().to_owned()),
        Source::Operation(operation) => Some(operation.as_str().to_owned()),
        Source::Principal(name) | Source::Route(Some(name)) => Some(name.to_string()),
    }
}

/// Rates of counts, of so many judged calls where the counts do not say it.
fn rate(counts: &Counts, judged: Option<u64>) -> Rate {
    let judged = judged.unwrap_or_else(|| counts.of(Measure::Judged));
    let (malformed, blocked) = (counts.of(Measure::Malformed), counts.of(Measure::RequestBlocked));
    let (held, unread) = (counts.of(Measure::Held), counts.of(Measure::Unread));
    Rate {
        judged,
        malformed,
        request_blocked: blocked,
        answer_blocked: counts.of(Measure::AnswerBlocked),
        held,
        redacted: counts.of(Measure::Redacted),
        flagged: counts.of(Measure::Flagged),
        unread,
        rejection_rate: Share::of(malformed.saturating_add(blocked), judged),
        hold_rate: Share::of(held, judged),
        unread_rate: Share::of(unread, judged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_whole_steps_that_are_still_kept() {
        let now = Timestamp::parse("2026-11-22T17:31:30Z").unwrap();
        let ago = |millis: i64| Some(Timestamp::from_millis(now.as_millis() - millis));
        let window = |since, until| {
            let window = Window::new(since, until, now).unwrap();
            (window.since.to_string(), window.step, window.fine, window.shown / MINUTE)
        };
        let told = |since: &str, step, fine, shown| (format!("{since}.000Z"), step, fine, shown);
        assert_eq!(window(ago(HOUR), None), told("2026-11-22T16:31:00", Step::Minute, Step::Minute, 1));
        assert_eq!(window(None, None), told("2026-11-21T17:00:00", Step::Hour, Step::Minute, 30));
        assert_eq!(window(ago(7 * DAY), None), told("2026-11-15T00:00:00", Step::Day, Step::Hour, 180));
        assert_eq!(window(ago(30 * DAY), None), told("2026-10-23T00:00:00", Step::Day, Step::Hour, 720));
        assert_eq!(
            window(ago(365 * DAY), None),
            told("2025-11-22T00:00:00", Step::Day, Step::Day, 7 * 1_440)
        );
        // What was asked for a moment ago is a day still.
        assert_eq!(
            window(ago(DAY + 500), ago(500)),
            told("2026-11-21T17:00:00", Step::Hour, Step::Minute, 30)
        );
        // An hour of last week has no minutes any more, one of last year no hours.
        assert_eq!(
            window(ago(7 * DAY), ago(7 * DAY - HOUR)),
            told("2026-11-15T17:00:00", Step::Hour, Step::Hour, 60)
        );
        assert_eq!(
            window(ago(300 * DAY), ago(299 * DAY)),
            told("2026-01-26T00:00:00", Step::Day, Step::Day, 1_440)
        );
        assert!(Window::new(ago(0), ago(DAY), now).is_err());
    }
}
