//! How good detectors and guards are, by recorded scores and by what people said of findings.

use std::collections::BTreeMap;

use cordon_core::{
    Action, Category, Name, Score, Timestamp,
    feedback::{Direction, Judgement},
    resource::{GuardScope, GuardSpec, Kind, Rule, Spec},
};
use cordon_store::calls::CallQuery;

use super::{Desk, standing};
use crate::api::{
    Problem,
    curve::{Curve, CurvePoint, CurveQuery, Effect, Effectiveness, EffectivenessQuery, Threshold},
    feedback::Feedback,
    rates::Share,
};

/// Calls whose findings are looked at, the latest ones: reading them takes some 20 µs each.
const CALLS: u32 = 4_000;
/// What was said is looked at up to here, the latest first.
const SAID: u32 = 5_000;
/// Where nobody says a time: 30 days, in milliseconds.
const USUAL: i64 = 30 * 86_400_000;
/// Rules that are told.
const THRESHOLDS: usize = 50;

impl Desk {
    /// What each threshold of a category would have meant.
    ///
    /// # Errors
    /// When the time ends before it begins, or log or index cannot be read.
    pub async fn curve(&self, asked: CurveQuery) -> Result<Curve, Problem> {
        let CurveQuery { category, detector, channel, since, until } = asked;
        let (since, until) = self.time(since, until)?;
        let query = CallQuery {
            since: Some(since),
            until: Some(until),
            category: Some(category.clone()),
            limit: Some(CALLS),
            ..CallQuery::default()
        };
        let of = |found: &Category, by: &str, at| {
            category.covers(found)
                && detector.as_ref().is_none_or(|detector| detector == by)
                && channel.is_none_or(|channel| channel == at)
        };
        let rows = self.calls.rows(&query).await?;
        let (mut scores, mut calls) = (Vec::new(), 0_u64);
        for row in &rows {
            let before = scores.len();
            let found = row.findings().filter(|found| of(&found.category, &found.detector, found.channel));
            scores.extend(found.map(|found| found.score));
            calls = calls.saturating_add(u64::from(scores.len() > before));
        }
        let (said, cut) = self.said(since, until).await?;
        let said: Vec<(Score, bool)> = said
            .iter()
            .filter(|said| of(&said.category, &said.detector, said.channel))
            .filter_map(|said| Some((said.score, is_right(said)?)))
            .collect();
        let (right, false_alarms) = judged(said.iter());
        let points = points(&scores, &said);
        let findings = count(scores.len());
        let whole = rows.len() < CALLS as usize;
        let thresholds = self.thresholds(&category, until).await?;
        Ok(Curve {
            category,
            detector,
            channel,
            since,
            until,
            calls,
            whole,
            findings,
            right,
            false_alarms,
            cut,
            thresholds,
            points,
        })
    }

    /// How much of what people said is right was stopped.
    ///
    /// # Errors
    /// When the time ends before it begins, or the log cannot be read.
    pub async fn effectiveness(&self, asked: EffectivenessQuery) -> Result<Effectiveness, Problem> {
        let (since, until) = self.time(asked.since, asked.until)?;
        let (said, cut) = self.said(since, until).await?;
        Ok(Effectiveness { since, until, cut, parts: effects(&said) })
    }

    fn time(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<(Timestamp, Timestamp), Problem> {
        let until = until.unwrap_or_else(|| self.now());
        let since = since.unwrap_or(Timestamp::from_millis(until.as_millis().saturating_sub(USUAL)));
        if since >= until {
            let detail =
                "`since` is not before `until`; help: both are times, and the first is the earlier one";
            return Err(Problem::new(422, "invalid", "there is no such time", detail));
        }
        Ok((since, until))
    }

    /// What stood at the end of a time of what was said in it, and whether there is more than that.
    async fn said(&self, since: Timestamp, until: Timestamp) -> Result<(Vec<Feedback>, bool), Problem> {
        let as_of = (until < self.now()).then_some(until);
        let said = self.feedback(None, None, as_of, SAID).await?;
        let cut = said.len() == SAID as usize && said.last().is_some_and(|said| said.time >= since);
        Ok((standing(said).into_iter().filter(|said| said.time >= since).collect(), cut))
    }

    async fn thresholds(&self, category: &Category, as_of: Timestamp) -> Result<Vec<Threshold>, Problem> {
        let state = self.state((as_of < self.now()).then_some(as_of)).await?;
        let guards = state.resources_of(Kind::Guard).filter_map(|(name, standing)| match &standing.spec {
            Spec::Guard(guard) => Some((name.clone(), guard.clone())),
            _ => None,
        });
        let mut guards: Vec<(Name, GuardSpec)> = guards.collect();
        // Of the baseline what no guard for all has a rule for.
        if let Ok(name) = Name::parse("built-in") {
            let for_all = || guards.iter().filter(|(_, guard)| guard.scope == GuardScope::Organisation);
            let replaces = |own: &Rule, rule: &Rule| {
                own.category.covers(&rule.category)
                    && rule.channels.iter().all(|channel| own.channels.contains(channel))
            };
            let mut baseline = cordon_policy::baseline();
            baseline.rules.retain(|rule| {
                !for_all().any(|(_, guard)| guard.rules.iter().any(|own| replaces(own, rule)))
            });
            guards.push((name, baseline));
        }
        let about = |named: &Category| named.covers(category) || category.covers(named);
        let mut thresholds: Vec<Threshold> = guards
            .into_iter()
            .flat_map(|(guard, GuardSpec { mode, rules, .. })| {
                let told =
                    rules.into_iter().filter(|rule| about(&rule.category) && rule.action > Action::Allow);
                let threshold = move |category, at, action| Threshold {
                    guard: guard.clone(),
                    mode,
                    category,
                    at,
                    action,
                };
                told.map(move |rule| threshold(rule.category, rule.at, rule.action))
            })
            .collect();
        thresholds.sort_by(|one, other| {
            (one.at, &one.guard, &one.category).cmp(&(other.at, &other.guard, &other.category))
        });
        thresholds.dedup();
        thresholds.truncate(THRESHOLDS);
        Ok(thresholds)
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Whether a finding is said to be right; nothing where what was said is withdrawn.
fn is_right(said: &Feedback) -> Option<bool> {
    match said.judgement {
        Judgement::Right => Some(true),
        Judgement::FalseAlarm => Some(false),
        Judgement::Withdrawn => None,
    }
}

fn judged<'a>(said: impl Iterator<Item = &'a (Score, bool)>) -> (u64, u64) {
    said.fold(
        (0, 0),
        |(right, wrong), (_, is_right)| {
            if *is_right { (right + 1, wrong) } else { (right, wrong + 1) }
        },
    )
}

/// The curve at each hundredth at or below a score that was recorded or spoken of: between two of them nothing changes but by less
/// than a hundredth.
fn points(scores: &[Score], said: &[(Score, bool)]) -> Vec<CurvePoint> {
    let floor = |score: &Score| score.millionths() / 10_000;
    let mut at: Vec<u32> =
        scores.iter().map(floor).chain(said.iter().map(|(score, _)| floor(score))).collect();
    at.sort_unstable();
    at.dedup();
    let all = judged(said.iter()).0;
    at.into_iter()
        .map(|hundredths| {
            let at = Score::percent(hundredths);
            let fires = count(scores.iter().filter(|score| **score >= at).count());
            let (right, false_alarms) = judged(said.iter().filter(|(score, _)| *score >= at));
            CurvePoint {
                at,
                fires,
                right,
                false_alarms,
                missed: all.saturating_sub(right),
                precision: Share::of(right, right.saturating_add(false_alarms)),
                kept: Share::of(right, all),
            }
        })
        .collect()
}

/// What was done about what is right: by direction, and by direction and category.
fn effects(said: &[Feedback]) -> Vec<Effect> {
    let mut counts: BTreeMap<(Direction, Option<Category>), [u64; Action::ALL.len()]> = BTreeMap::new();
    for said in said.iter().filter(|said| is_right(said) == Some(true)) {
        for category in [None, Some(said.category.clone())] {
            let counts = counts.entry((said.direction, category)).or_default();
            let at = Action::ALL.iter().position(|action| *action == said.action);
            if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
                *count = count.saturating_add(1);
            }
        }
    }
    let mut effects: Vec<Effect> = counts
        .into_iter()
        .map(|((direction, category), counts)| {
            let of = |action: Action| {
                let counts = Action::ALL.iter().zip(counts);
                counts.filter(|(known, _)| **known == action).map(|(_, count)| count).sum::<u64>()
            };
            let (blocked, held, redacted) = (of(Action::Block), of(Action::Hold), of(Action::Redact));
            let passed = of(Action::Allow).saturating_add(of(Action::Flag));
            let stopped = blocked.saturating_add(held).saturating_add(redacted);
            let unsafe_findings = stopped.saturating_add(passed);
            let stopped = Share::of(stopped, unsafe_findings);
            Effect { direction, category, unsafe_findings, blocked, held, redacted, passed, stopped }
        })
        .collect();
    effects.sort_by_key(|effect| {
        (effect.category.is_some(), std::cmp::Reverse(effect.unsafe_findings), effect.direction)
    });
    effects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_says_what_each_threshold_would_have_meant() {
        let scores: Vec<Score> = [30, 30, 62, 80, 80, 95].map(Score::percent).to_vec();
        let said = [(30, false), (62, true), (80, true), (80, false), (95, true)]
            .map(|(score, right)| (Score::percent(score), right));
        let points = points(&scores, &said);
        let told: Vec<_> = points
            .iter()
            .map(|point| (point.at, point.fires, point.right, point.false_alarms, point.missed))
            .collect();
        let at = Score::percent;
        assert_eq!(
            told,
            [(at(30), 6, 3, 2, 0), (at(62), 4, 3, 1, 0), (at(80), 3, 2, 1, 1), (at(95), 1, 1, 0, 2)]
        );
        assert_eq!(points[0].precision, Share::of(3, 5));
        assert_eq!((points[2].kept, points[3].precision), (Share::of(2, 3), Share::of(1, 1)));
        // A score between two hundredths counts at the lower one.
        let odd = super::points(&[Score::from_millionths(305_000)], &[]);
        assert_eq!((odd.len(), odd[0].at, odd[0].fires, odd[0].precision), (1, at(30), 1, None));
        assert!(super::points(&[], &[]).is_empty());
    }

    #[test]
    fn only_hundredths_are_points_however_many_scores_there_are() {
        let scores: Vec<Score> = (0..1_000_000_u32).step_by(37).map(Score::from_millionths).collect();
        assert_eq!(points(&scores, &[]).len(), 100);
    }
}
