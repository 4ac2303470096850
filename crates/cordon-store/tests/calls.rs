//! The index of calls: however frames are cut into batches, and wherever the index stands, a list says the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::collections::VecDeque;

use cordon_core::{
    Action, Category, Cost, Money, Score,
    record::{Attempted, Charged, Counted, Frame, Share, Spend},
};
use cordon_store::{
    CallIndex,
    calls::{
        CallQuery, CallRow, CallsError, Follower, IndexWriter, Progress, Seen, SourceFrame, Step, Sums, Tail,
        Written,
    },
    journal::{Journal, Kind, NewFrame, Options},
};
use proptest::prelude::*;
use support::{
    at,
    frames::{CATEGORIES, JOURNAL, Shape, call_id, closed, opened, prompt, reference, source, unknown},
    name,
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn index() -> (tempfile::TempDir, CallIndex, IndexWriter) {
    let folder = tempfile::tempdir().unwrap();
    let (index, writer) = CallIndex::open(&folder.path().join("index.db")).await.unwrap();
    (folder, index, writer)
}

fn shape() -> impl Strategy<Value = Shape> {
    let found = || proptest::option::of((0..CATEGORIES.len(), prop::sample::select(Action::ALL.to_vec())));
    (
        0..20_i64,
        0..3_usize,
        proptest::option::of(0..3_usize),
        found(),
        found(),
        prop::sample::select(vec![200, 403]),
    )
        .prop_map(|(seconds, principal, route, input, output, status)| Shape {
            seconds,
            principal,
            route,
            input,
            output,
            status,
        })
}

fn query() -> impl Strategy<Value = CallQuery> {
    let maybe = |values: &[&'static str]| proptest::option::of(prop::sample::select(values.to_vec()));
    (
        proptest::option::of(-1..22_i64),
        proptest::option::of(-1..22_i64),
        maybe(&["app-0", "app-1", "nobody"]),
        maybe(&["route-0", "route-2", "nowhere"]),
        proptest::option::of(prop::sample::select(Action::ALL.to_vec())),
        maybe(&["pii", "pii/email", "secret", "never_seen"]),
        any::<bool>(),
        proptest::option::of((0..3_usize).prop_map(prompt)),
        proptest::option::of(0..30_u32),
    )
        .prop_map(|(since, until, principal, route, verdict, category, found, prompt, limit)| {
            CallQuery {
                since: since.map(at),
                until: until.map(at),
                principal: principal.map(name),
                route: route.map(name),
                verdict,
                category: category.map(|path| Category::parse(path).unwrap()),
                found,
                prompt,
                before: None,
                limit,
            }
        })
}

/// Frames of these calls: opened in order; each closed at once, later, or never.
fn frames(calls: &[(Shape, Option<prop::sample::Index>)]) -> Vec<SourceFrame> {
    let mut order: Vec<Frame> = Vec::new();
    for (number, (shape, end)) in (0..).zip(calls) {
        let start = order.len();
        order.push(opened(number, shape));
        if number % 7 == 0 {
            order.push(unknown(1000 + number));
        }
        if let Some(end) = end {
            // Somewhere among what came before, but after its own start: frames of calls lie mixed.
            let place = start + 1 + end.index(order.len() - start);
            order.insert(place.min(order.len()), closed(number, shape));
        }
    }
    // Ends of early calls come late.
    let late: Vec<usize> =
        (0..order.len()).filter(|i| i % 5 == 4 && matches!(order[*i], Frame::Closed(_))).collect();
    for i in late.into_iter().rev() {
        let frame = order.remove(i);
        order.push(frame);
    }
    (0..).zip(&order).map(|(sequence, frame)| source(sequence, frame)).collect()
}

fn expected(frames: &[SourceFrame], query: &CallQuery) -> Vec<CallRow> {
    let rows = reference(frames).into_iter().filter(|row| query.matches(row));
    rows.take(query.limit.unwrap_or(CallQuery::PAGE) as usize).collect()
}

/// Calls that ended from this frame on, in the order in which they did.
fn ends(frames: &[SourceFrame], query: &CallQuery, from: usize) -> Vec<CallRow> {
    let matches = |row: &CallRow| query.matches(row) && row.place.closed >= Some(from as u64);
    let mut rows: Vec<CallRow> = reference(frames).into_iter().filter(matches).collect();
    rows.sort_by_key(|row| row.place.closed);
    rows
}

async fn no_tail(_: Progress) -> Result<Tail, CallsError> {
    Ok(Tail::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_list_says_the_same_wherever_the_index_stands(
        calls in proptest::collection::vec((shape(), proptest::option::weighted(0.9, any::<prop::sample::Index>())), 1..60),
        batch in 1..40_usize,
        stand in any::<prop::sample::Index>(),
        queries in proptest::collection::vec(query(), 1..6),
    ) {
        runtime().block_on(async {
            let frames = frames(&calls);
            let (_folder, index, mut writer) = index().await;
            let stand = stand.index(frames.len() + 1);
            for frames in frames[..stand].chunks(batch) {
                writer.write(JOURNAL, frames).await.unwrap();
            }
            for query in &queries {
                let tail = async |progress: Progress| {
                    let next = progress.get(&JOURNAL).copied().unwrap_or(0);
                    prop_assert_eq!(next, stand as u64);
                    let mut tail = Tail::default();
                    tail.read(JOURNAL, frames[stand..].iter().cloned());
                    Ok(tail)
                };
                let tail = tail(index.progress().await.unwrap()).await?;
                let rows = index.list(query, |_| async { Ok(tail) }).await.unwrap();
                prop_assert_eq!(rows, expected(&frames, query));
                // Without a tail: what the index has read.
                let rows = index.list(query, no_tail).await.unwrap();
                prop_assert_eq!(rows, expected(&frames[..stand], query));
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_is_shown_live_and_what_is_left_out_are_all_that_ended(
        calls in proptest::collection::vec((shape(), proptest::option::weighted(0.9, any::<prop::sample::Index>())), 1..60),
        batch in 1..40_usize,
        opens in any::<prop::sample::Index>(),
        query in query(),
        most in 1..30_usize,
        looks in proptest::collection::vec(any::<bool>(), 60),
    ) {
        runtime().block_on(async {
            let frames = frames(&calls);
            let (_folder, index, mut writer) = index().await;
            let batches: Vec<&[SourceFrame]> = frames.chunks(batch).collect();
            let (before, after) = batches.split_at(opens.index(batches.len() + 1));
            for frames in before {
                writer.write(JOURNAL, frames).await.unwrap();
            }
            let mut live = index.live(JOURNAL, query.clone(), most).unwrap();
            let elsewhere = index.live([1; 16], query.clone(), most).unwrap();
            let from = before.concat().len();
            prop_assert_eq!(live.from(), from as u64);
            let mut expected: VecDeque<CallRow> = ends(&frames, &query, from).into();
            let check = |expected: &mut VecDeque<CallRow>, seen: Seen| {
                prop_assert!(seen.calls.len() <= most);
                prop_assert!(seen.left_out == 0 || seen.calls.len() == most);
                let left_out = expected.drain(..usize::try_from(seen.left_out).unwrap());
                drop(left_out);
                for call in seen.calls {
                    prop_assert_eq!(expected.pop_front(), Some(CallRow::clone(&call)));
                }
                Ok(())
            };
            for (frames, look) in after.iter().zip(looks.iter().cycle()) {
                writer.write(JOURNAL, frames).await.unwrap();
                // Given again after a doubtful transaction, they end no call twice.
                writer.write(JOURNAL, frames).await.unwrap();
                if *look {
                    let seen = tokio::select! {
                        biased;
                        seen = live.next() => seen,
                        () = std::future::ready(()) => None,
                    };
                    check(&mut expected, seen.unwrap_or_default())?;
                }
            }
            writer.close().await.unwrap();
            while let Some(seen) = live.next().await {
                check(&mut expected, seen)?;
            }
            prop_assert_eq!(expected, VecDeque::new());
            let mut elsewhere = elsewhere;
            prop_assert_eq!(elsewhere.next().await, None);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn frames_given_twice_count_once_and_others_are_passed_over() {
    let (_folder, index, mut writer) = index().await;
    let shape = Shape { seconds: 5, principal: 1, route: Some(2), input: None, output: None, status: 200 };
    let frames = [
        source(0, &opened(1, &shape)),
        SourceFrame { sequence: 1, payload: b"{\"anchor\":{}}".to_vec() },
        source(2, &closed(1, &shape)),
        source(3, &closed(99, &shape)),
    ];
    let written = writer.write(JOURNAL, &frames).await.unwrap();
    assert_eq!(written, Written { opened: 1, closed: 1, passed_over: 2 });
    assert_eq!(writer.write(JOURNAL, &frames).await.unwrap(), Written::default());
    let minutes = index.roll_ups(Step::Minute, Sums::Routes, at(0), at(60)).await.unwrap();
    let [(_, route, Action::Allow, sums)] = minutes.as_slice() else { panic!("{minutes:?}") };
    assert_eq!((route.as_ref().unwrap().as_str(), sums.count, sums.errors), ("route-2", 1, 0));
    assert_eq!((sums.input_tokens, sums.output_tokens), (200, 100));
    assert_eq!(sums.cost.unwrap().to_string(), "0.000000002 USD");
    // 901 ms lie between 2^19 and 2^20 microseconds.
    assert_eq!(sums.quantile(Score::percent(99)), 1 << 20);
    assert_eq!(index.progress().await.unwrap()[&JOURNAL], 4);
}

#[tokio::test]
async fn a_call_is_charged_under_the_limits_that_counted_its_attempts() {
    let spend = |input, nanos| {
        let cost = Cost { amount: Money::from_nanos(nanos), currency: "USD".parse().unwrap() };
        Spend { input, output: 0, cost: Some(cost) }
    };
    let limits = |names: &[&str]| names.iter().map(|text| name(text)).collect::<Vec<_>>();
    let share = |seconds, names: &[&str], spend| Share { time: at(seconds), limits: limits(names), spend };
    let charged = |spend, shares| Charged { spend, as_reserved: false, shares };
    let under =
        |names: &[&str]| Counted { time: at(0), limits: limits(names), reserved: Some(spend(100, 1_000)) };
    let second = share(3_600, &["all", "second"], spend(20, 200));
    let calls = [
        // All of its attempts under the same limits.
        (
            Some(under(&["all", "first"])),
            vec![charged(spend(200, 2_000), Vec::new())],
            Some(charged(spend(1, 1), Vec::new())),
        ),
        // The second attempt was of another model, an hour later.
        (
            Some(under(&["all", "first"])),
            vec![charged(
                spend(140, 1_400),
                vec![
                    share(0, &["all", "first"], spend(40, 400)),
                    share(3_600, &["all", "second"], spend(100, 1_000)),
                ],
            )],
            Some(charged(spend(30, 300), vec![share(0, &["all", "first"], spend(10, 100)), second.clone()])),
        ),
        // Nothing was counted before it began.
        (None, Vec::new(), Some(charged(spend(7, 70), vec![share(3_600, &["second"], spend(7, 70))]))),
        // It was cut off at its third attempt, of which the second one cost nothing.
        (
            Some(under(&["all", "first"])),
            vec![
                charged(spend(120, 1_200), vec![second.clone()]),
                charged(spend(5, 50), vec![share(7_200, &["all", "third"], spend(5, 50))]),
            ],
            None,
        ),
    ];
    let shape = Shape { seconds: 0, principal: 0, route: None, input: None, output: None, status: 200 };
    let mut frames = Vec::new();
    for (number, (counted, attempts, charged)) in (1..).zip(calls) {
        let (mut begin, mut end) = (opened(number, &shape), closed(number, &shape));
        let ends = charged.is_some();
        if let (Frame::Opened(opened), Frame::Closed(closed)) = (&mut begin, &mut end) {
            opened.counted = counted;
            closed.charged = charged;
        }
        let attempted = attempts.into_iter().map(|charged| {
            let call = call_id(number, shape.seconds);
            Frame::Attempted(Box::new(Attempted { call, time: at(3_600), model: name("other"), charged }))
        });
        frames.push(begin);
        frames.extend(attempted);
        frames.extend(ends.then_some(end));
    }
    let frames: Vec<_> = (0..).zip(&frames).map(|(sequence, frame)| source(sequence, frame)).collect();
    for at_once in [1, 3, frames.len()] {
        let (_folder, index, mut writer) = index().await;
        for batch in frames.chunks(at_once) {
            writer.write(JOURNAL, batch).await.unwrap();
        }
        for (limit, since, requests, used) in [
            ("all", 0, 3, spend(36, 351)),
            ("all", 3_600, 0, spend(25, 250)),
            ("first", 0, 3, spend(11, 101)),
            ("second", 0, 2, spend(27, 270)),
            ("third", 0, 1, spend(5, 50)),
        ] {
            let limit = name(limit);
            let counted = index.requests_under(&limit, at(since)).await.unwrap();
            assert_eq!(
                counted.iter().map(|(_, count)| count).sum::<u64>(),
                requests,
                "{limit} since {since}"
            );
            assert_eq!(index.spent_under(&limit, at(since)).await.unwrap(), [used], "{limit} since {since}");
        }
        let owed = index.owed(call_id(4, shape.seconds)).await.unwrap().unwrap();
        assert_eq!((owed.spend, owed.shares.len()), (spend(5, 50), 1), "what it said last");
    }
}

#[tokio::test]
async fn an_index_is_bounded_and_forgets_the_oldest_calls() {
    let (folder, index, writer) = index().await;
    let mut writer = writer.bounded(2 << 20);
    let shape = |number: u64| Shape {
        seconds: (number / 10).try_into().unwrap(),
        principal: 1,
        route: Some(1),
        input: Some((0, Action::Redact)),
        output: None,
        status: 200,
    };
    let calls = 40_000_u64;
    for first in (0..calls).step_by(500) {
        let frames = (first..first + 500).flat_map(|number| {
            let (shape, sequence) = (shape(number), number * 2);
            [source(sequence, &opened(number, &shape)), source(sequence + 1, &closed(number, &shape))]
        });
        writer.write(JOURNAL, &frames.collect::<Vec<_>>()).await.unwrap();
    }
    writer.close().await.unwrap();
    let all = index.query(&CallQuery { limit: Some(100_000), ..CallQuery::default() }).await.unwrap();
    let count = async |verdict, most| {
        index.count(&CallQuery { verdict, ..CallQuery::default() }, most).await.unwrap()
    };
    assert_eq!(count(None, 100_000).await as usize, all.len());
    assert_eq!(count(Some(Action::Redact), 100_000).await as usize, all.len());
    assert_eq!((count(Some(Action::Block), 10).await, count(None, 10).await), (0, 10));
    assert!((1000..=20_000).contains(&all.len()), "{}", all.len());
    // What is left is the latest, without a gap.
    let newest = (0..calls)
        .rev()
        .take(all.len())
        .map(|number| support::frames::call_id(number, (number / 10).try_into().unwrap()));
    assert!(all.iter().map(|row| row.call).eq(newest));
    let bytes = folder.path().join("index.db").metadata().unwrap().len();
    assert!(bytes < 8 << 20, "{bytes}");
    // Sums outlive the calls.
    for (step, of) in [Step::Minute, Step::Hour, Step::Day]
        .into_iter()
        .flat_map(|step| [(step, Sums::All), (step, Sums::Routes)])
    {
        let sums = index.roll_ups(step, of, at(0), at(10_000)).await.unwrap();
        assert_eq!(sums.iter().map(|(.., sums)| sums.count).sum::<u64>(), calls, "{step:?}");
    }
}

#[tokio::test]
async fn an_index_of_another_version_or_damaged_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("index.db");
    std::fs::write(&file, "no database at all, and long enough to be one".repeat(100)).unwrap();
    let (index, mut writer) = CallIndex::open(&file).await.unwrap();
    assert_eq!(index.progress().await.unwrap(), Progress::new());
    let shape = Shape {
        seconds: 5,
        principal: 1,
        route: None,
        input: Some((0, Action::Block)),
        output: None,
        status: 403,
    };
    writer.write(JOURNAL, &[source(0, &opened(1, &shape))]).await.unwrap();
    assert_eq!(index.running().await.unwrap().len(), 1);
    // Another reader of the same file, which is not made by reading.
    let reader = CallIndex::open_read_only(&file).await.unwrap();
    assert_eq!(reader.query(&CallQuery::default()).await.unwrap().len(), 1);
    assert!(CallIndex::open_read_only(&folder.path().join("none.db")).await.is_err());
    let mut seen = Vec::new();
    reader
        .recent(10, |row| seen.extend(row.findings().map(|finding| finding.category.to_string())))
        .await
        .unwrap();
    assert_eq!(seen, ["pii/card"]);
}

#[tokio::test]
async fn a_follower_brings_every_journal_into_the_index_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (journals, file) = (folder.path().join("journal"), folder.path().join("index.db"));
    let shape = Shape { seconds: 5, principal: 1, route: None, input: None, output: None, status: 200 };
    let append = async |journal: &Journal, numbers: std::ops::Range<u64>| {
        for number in numbers {
            let frames =
                [opened(number, &shape), closed(number, &shape)].map(|frame| frame.encode().unwrap());
            let frames = frames.each_ref().map(|payload| NewFrame { kind: Kind::OPENED, payload });
            journal.append(&frames).unwrap().await.unwrap();
        }
    };
    let open = || Journal::open(&journals, Options::default(), [7; 12]).unwrap().0;
    let count = async || {
        let reader = CallIndex::open_read_only(&file).await.unwrap();
        let all = CallQuery { limit: Some(10_000), ..CallQuery::default() };
        reader.query(&all).await.unwrap().iter().filter(|row| row.ending.is_some()).count()
    };

    // A journal at rest is read once, to its end.
    let journal = open();
    append(&journal, 0..40).await;
    journal.close();
    let (_, writer) = CallIndex::open(&file).await.unwrap();
    Follower::new(&journals, writer).0.catch_up().await.close().await.unwrap();
    assert_eq!(count().await, 40);

    // One that is written is followed, from where the index stands, until it is told to stop.
    let journal = open();
    append(&journal, 40..60).await;
    let (index, writer) = CallIndex::open(&file).await.unwrap();
    let (follower, mut lag) = Follower::new(&journals, writer);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(follower.run(journal.id(), journal.follow(), async {
        let _ = stopped.await;
    }));
    while index.progress().await.unwrap().values().sum::<u64>() < 120 {
        lag.changed().await.unwrap();
    }
    append(&journal, 60..100).await;
    // Told to stop: what is durable by then is still taken.
    stop.send(()).unwrap();
    task.await.unwrap();
    assert_eq!(count().await, 100);
    assert_eq!(lag.borrow().trouble, None);
}
