//! Counts of what became of calls: the same however frames are cut into batches, and quick to ask for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use cordon_core::{
    Action, Category, Channel, Timestamp,
    record::{Ended, Frame, Measure, Operation},
};
use cordon_store::{
    CallIndex,
    calls::{CallRow, Counts, FoundSum, IndexWriter, Source, SourceFrame, SourceKind, Step},
};
use proptest::prelude::*;
use support::{
    at,
    frames::{CATEGORIES, JOURNAL, Shape, closed, opened, reference, source},
    name,
};

async fn index() -> (tempfile::TempDir, CallIndex, IndexWriter) {
    let folder = tempfile::tempdir().unwrap();
    let (index, writer) = CallIndex::open(&folder.path().join("index.db")).await.unwrap();
    (folder, index, writer)
}

fn shape() -> impl Strategy<Value = Shape> {
    let found = || proptest::option::of((0..CATEGORIES.len(), prop::sample::select(Action::ALL.to_vec())));
    let times = prop::sample::select(vec![0, 7, 70, 3_500, 4_000, 90_000]);
    (times, 0..3_usize, proptest::option::of(0..3_usize), found(), found()).prop_map(
        |(seconds, principal, route, input, output)| Shape {
            seconds,
            principal,
            route,
            input,
            output,
            status: 200,
        },
    )
}

/// Each call's frames, the second one so many places after the first.
fn frames(calls: &[(Shape, usize)]) -> Vec<SourceFrame> {
    let mut order: Vec<(usize, Frame)> = Vec::new();
    for (number, (shape, later)) in calls.iter().enumerate() {
        order.push((number * 4, opened(number as u64, shape)));
        order.push((number * 4 + 1 + later, closed(number as u64, shape)));
    }
    order.sort_by_key(|(place, _)| *place);
    order.iter().enumerate().map(|(sequence, (_, frame))| source(sequence as u64, frame)).collect()
}

/// What a row counts for, as whoever has the whole row says it.
fn ended(row: &CallRow) -> Option<(Timestamp, Ended<'_>)> {
    let ending = row.ending.as_ref()?;
    let (operation, outcome, code) = (row.operation, ending.outcome, ending.code);
    Some((ending.time, Ended { operation, outcome, code, input: &row.input, output: &row.output }))
}

fn sources(row: &CallRow, by: SourceKind) -> Option<Source> {
    Some(match by {
        SourceKind::All => Source::All,
        SourceKind::Operation => Source::Operation(Operation::Chat),
        SourceKind::Principal => Source::Principal(row.principal.clone()),
        SourceKind::Route => Source::Route(row.route.clone()),
        SourceKind::Channel => return None,
    })
}

type Counted = BTreeMap<(Source, Measure), u64>;

fn counted(sums: &BTreeMap<Source, Counts>) -> Counted {
    let each = |(source, counts): (&Source, &Counts)| {
        let (source, counts) = (source.clone(), *counts);
        Measure::ALL.into_iter().map(move |measure| ((source.clone(), measure), counts.of(measure)))
    };
    sums.iter().flat_map(each).filter(|(_, count)| *count > 0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn counts_are_those_of_the_calls_however_frames_are_cut(
        calls in proptest::collection::vec((shape(), 0..60_usize), 1..40),
        batch in 1..30_usize,
        (since, until) in prop::sample::select(vec![(0, 60), (0, 3_600), (3_600, 7_200), (0, 200_000)]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let frames = frames(&calls);
            let (_folder, index, mut writer) = index().await;
            for frames in frames.chunks(batch) {
                writer.write(JOURNAL, frames).await.unwrap();
                writer.write(JOURNAL, frames).await.unwrap();
            }
            let rows = reference(&frames);
            for step in [Step::Minute, Step::Hour, Step::Day] {
                // Whole steps.
                let inside = |time: Timestamp| {
                    let of = |time: Timestamp| time.as_millis().div_euclid(step.millis());
                    let end = (at(until).as_millis() + step.millis() - 1).div_euclid(step.millis());
                    (of(at(since))..end).contains(&of(time))
                };
                for by in SourceKind::ALL {
                    let mut expected = Counted::new();
                    for row in &rows {
                        let Some((time, ended)) = ended(row) else { continue };
                        if !inside(time) { continue }
                        match sources(row, by) {
                            Some(source) => for measure in ended.measures() {
                                *expected.entry((source.clone(), measure)).or_default() += 1;
                            },
                            None => for (channel, measure) in ended.channels() {
                                *expected.entry((Source::Channel(channel), measure)).or_default() += 1;
                            },
                        }
                    }
                    let sums = index.rates(step, by, (at(since), at(until))).await.unwrap();
                    prop_assert_eq!(counted(&sums), expected);
                    for (source, counts) in &sums {
                        let steps = index.rates_of(step, source, (at(since), at(until))).await.unwrap();
                        let mut together = Counts::default();
                        steps.values().for_each(|counts| together.join(counts));
                        prop_assert_eq!(&together, counts, "{:?}", source);
                    }
                }
                for by_route in [false, true] {
                    let mut expected: BTreeMap<(Option<cordon_core::Name>, Category, Action), u64> = BTreeMap::new();
                    for row in &rows {
                        let Some((time, ended)) = ended(row).filter(|(time, _)| inside(*time)) else { continue };
                        let _ = time;
                        for (category, action) in ended.categories() {
                            let route = if by_route { row.route.clone() } else { None };
                            *expected.entry((route, category, action)).or_default() += 1;
                        }
                    }
                    let sums = index.found(step, by_route, (at(since), at(until))).await.unwrap();
                    let sums: BTreeMap<_, _> = sums
                        .into_iter()
                        .map(|FoundSum { route, category, action, calls }| ((route, category, action), calls))
                        .collect();
                    prop_assert_eq!(sums, expected);
                }
            }
            Ok(())
        })?;
    }
}

/// A year of days, forty days of hours and a day of minutes, of many callers: a question reads its own steps and no others.
#[tokio::test]
async fn a_question_about_an_hour_does_not_read_a_year() {
    let (folder, index, mut writer) = index().await;
    let day = 86_400;
    let calls: Vec<(Shape, usize)> = (0..12_000_usize)
        .map(|number| {
            let shape = Shape {
                seconds: i64::try_from(number).unwrap() * (day / 30),
                principal: number % 400,
                route: Some(number % 20),
                input: Some((number % CATEGORIES.len(), Action::ALL[number % Action::ALL.len()])),
                output: None,
                status: 200,
            };
            (shape, 0)
        })
        .collect();
    let frames = frames(&calls);
    for frames in frames.chunks(2_000) {
        writer.write(JOURNAL, frames).await.unwrap();
    }
    let end = calls.last().unwrap().0.seconds + 1;
    let window = (at(end - 3_599), at(end + 1));
    let (mut quick, mut year) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let begin = Instant::now();
        let sums = index.rates(Step::Minute, SourceKind::Principal, window).await.unwrap();
        let found = index.found(Step::Minute, true, window).await.unwrap();
        let route = Source::Route(Some(name("route-19")));
        let of_one = index.rates_of(Step::Minute, &route, window).await.unwrap();
        quick = quick.min(begin.elapsed());
        assert_eq!((sums.len(), found.len(), of_one.len()), (2, 2, 1));
        let begin = Instant::now();
        let sums = index.rates(Step::Day, SourceKind::Principal, (at(0), at(end + day))).await.unwrap();
        year = year.min(begin.elapsed());
        assert_eq!(sums.values().map(|counts| counts.of(Measure::Judged)).sum::<u64>(), 12_000);
    }
    // An hour has a hundredth of the rows of the year, and is asked three things.
    assert!(quick < year, "an hour: {quick:?}, a year: {year:?}");
    // Old steps go as other sums do: 400 days of days, fewer of what is finer.
    for frames in (0..32_u64).map(|number| frames.len() as u64 + 2 * number) {
        let shape = Shape { seconds: end + 500 * day, ..calls[0].0.clone() };
        let number = 100_000 + frames;
        let two = [source(frames, &opened(number, &shape)), source(frames + 1, &closed(number, &shape))];
        writer.write(JOURNAL, &two).await.unwrap();
    }
    let days = (at(0), at(end + 501 * day));
    let left = index.rates(Step::Day, SourceKind::All, days).await.unwrap();
    assert_eq!(
        left.values().map(|counts| counts.of(Measure::Judged)).collect::<Vec<_>>(),
        [32],
        "days within the last 400"
    );
    let gone = index.rates(Step::Hour, SourceKind::All, (at(0), at(end + day))).await.unwrap();
    assert!(gone.is_empty(), "hours are not kept for so long: {gone:?}");
    writer.close().await.unwrap();
    drop(folder);
}

#[tokio::test]
async fn channels_count_what_was_found_in_them() {
    let (_folder, index, mut writer) = index().await;
    let shape = |input, output| Shape { seconds: 0, principal: 0, route: None, input, output, status: 200 };
    let calls = [
        (shape(Some((0, Action::Block)), None), 0),
        (shape(Some((2, Action::Redact)), Some((1, Action::Block))), 0),
        (shape(None, None), 0),
    ];
    writer.write(JOURNAL, &frames(&calls)).await.unwrap();
    let all = index.rates(Step::Day, SourceKind::All, (at(0), at(1))).await.unwrap();
    let of = |measure| all[&Source::All].of(measure);
    assert_eq!((of(Measure::Judged), of(Measure::RequestBlocked), of(Measure::AnswerBlocked)), (3, 1, 1));
    let channels = index.rates(Step::Day, SourceKind::Channel, (at(0), at(1))).await.unwrap();
    let user = channels[&Source::Channel(Channel::User)];
    assert_eq!((user.of(Measure::RequestBlocked), user.of(Measure::Redacted)), (1, 1));
    assert_eq!(channels[&Source::Channel(Channel::Model)].of(Measure::AnswerBlocked), 1);
    assert_eq!(user.of(Measure::Judged), 0, "nobody knows how many calls had such content");
}
