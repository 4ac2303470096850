use std::sync::atomic::AtomicU64;

use cordon_core::{
    Currency, DurationMs,
    resource::{Budget, LimitSpec, LimitSubject, LimitWindow, Requests, TokenQuota, WhenUnavailable},
};
use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 / HOUR * HOUR + millis)
}

fn limit(name: &str, change: impl FnOnce(&mut LimitSpec)) -> Arc<CompiledLimit> {
    let mut spec = LimitSpec::new(LimitSubject::default());
    change(&mut spec);
    Arc::new(CompiledLimit { name: Name::parse(name).unwrap(), spec })
}

fn requests(count: u32, seconds: u64) -> Option<Requests> {
    Some(Requests { count, window: DurationMs::from_secs(seconds), burst: None })
}

fn tokens(count: u64) -> Option<TokenQuota> {
    Some(TokenQuota { count, window: LimitWindow::Every(DurationMs::from_secs(3600)) })
}

fn money(nanos: u64) -> Option<Budget> {
    let amount = Money::from_nanos(nanos);
    Some(Budget { amount, currency: usd(), window: LimitWindow::Every(DurationMs::from_secs(3600)) })
}

fn usd() -> Currency {
    "USD".parse().unwrap()
}

fn spend(input: u64, output: u64, nanos: u64) -> Spend {
    let cost = Some(Cost { amount: Money::from_nanos(nanos), currency: usd() });
    Spend { input, output, cost }
}

/// Runs a future that has no reason to wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

fn process() -> Limits {
    Limits::new(Arc::new(ProcessCounters::default()))
}

#[test]
fn places_come_back_and_a_refusal_counts_nothing() {
    let limits = process();
    let one = [limit("narrow", |spec| spec.concurrency = Some(1))];
    let two = [
        limit("wide", |spec| spec.requests = requests(2, 60)),
        limit("none", |spec| {
            spec.requests = requests(1, 60);
        }),
    ];
    let mut held = Counting::default();
    now(limits.admit(&one, &mut held, at(0))).unwrap();
    let mut refused = Counting::default();
    let refusal = now(limits.admit(&one, &mut refused, at(0))).unwrap_err();
    assert_eq!((refusal.code, refusal.limit), (RefusalCode::ConcurrencyLimited, Some(one[0].name.clone())));
    drop(held);
    now(limits.admit(&one, &mut Counting::default(), at(0))).unwrap();

    now(limits.admit(&two, &mut Counting::default(), at(0))).unwrap();
    for _ in 0..5 {
        // The second one refuses; the first must not have counted these.
        let refusal = now(limits.admit(&two, &mut Counting::default(), at(0))).unwrap_err();
        assert_eq!((refusal.code, refusal.retry_after), (RefusalCode::RateLimited, Some(60)));
    }
    now(limits.admit(&two[..1], &mut Counting::default(), at(0))).unwrap();
    assert!(now(limits.admit(&two[..1], &mut Counting::default(), at(0))).is_err());
}

#[test]
fn what_was_used_takes_the_place_of_what_was_reserved() {
    let limits = process();
    let all = [limit("day", |spec| {
        spec.money = money(1_000);
        spec.tokens = tokens(100);
        spec.output_tokens = tokens(80);
    })];
    let reserve = |ask: Spend, time: i64| {
        let mut counting = Counting::default();
        now(limits.reserve(&all, &[], Some(ask), &mut counting, at(time))).map(|()| counting)
    };
    let code = |ask, time| reserve(ask, time).err().map(|refusal| refusal.code);
    assert_eq!(code(spend(0, 81, 1), 0), Some(RefusalCode::CallExceedsLimit));
    assert_eq!(code(spend(0, 0, 1_001), 0), Some(RefusalCode::CallExceedsLimit));

    let mut first = reserve(spend(10, 60, 900), 0).unwrap();
    assert!(first.holds_money());
    let counted = first.tell().unwrap();
    assert_eq!((counted.time, counted.reserved), (at(0), Some(spend(10, 60, 900))));
    assert_eq!(code(spend(0, 0, 101), 0), Some(RefusalCode::BudgetExceeded));
    assert_eq!(code(spend(31, 0, 1), 0), Some(RefusalCode::TokensLimited));
    let [standing] = first.standings() else { panic!("{:?}", first.standings()) };
    assert_eq!((standing.most, standing.remaining, standing.reset), (100, 30, Duration::from_secs(3600)));

    let charged = first.settle(Spent::Known(spend(12, 3, 50))).unwrap();
    assert_eq!((charged.spend, charged.as_reserved), (spend(12, 3, 50), false));
    assert_eq!(first.settle(Spent::Nothing), None, "once only");
    let mut second = reserve(spend(5, 77, 950), 0).unwrap();
    assert_eq!(code(spend(0, 0, 1), 0), Some(RefusalCode::BudgetExceeded));
    let stays = second.settle(Spent::Unknown).unwrap();
    assert_eq!((stays.spend, stays.as_reserved), (spend(5, 77, 950), true));
    assert_eq!(code(spend(0, 0, 1), 0), Some(RefusalCode::BudgetExceeded));

    let refusal = reserve(spend(0, 0, 1), HOUR - 1_500).err().unwrap();
    assert_eq!(refusal.retry_after, Some(2), "when the window ends");
    // The next hour begins anew, and a clock that goes back does not bring the last one back.
    let mut next = reserve(spend(0, 0, 600), HOUR).unwrap();
    assert_eq!(code(spend(0, 0, 401), HOUR - 1), Some(RefusalCode::BudgetExceeded));
    let none = next.settle(Spent::Nothing).unwrap();
    assert_eq!(none.spend, spend(0, 0, 0));
    assert!(reserve(spend(0, 0, 1_000), HOUR + 1).is_ok());
}

#[test]
fn an_attempt_is_charged_under_the_limits_that_counted_it() {
    let limits = process();
    let route = [limit("route", |spec| {
        spec.money = money(10_000);
        spec.tokens = tokens(1_000);
    })];
    let first = [limit("first", |spec| spec.money = money(10_000))];
    let second = [limit("second", |spec| {
        spec.money = money(10_000);
        spec.requests = requests(10, 60);
    })];
    let ask = spend(10, 90, 100);
    let reserve = |of_model: &[Arc<CompiledLimit>], counting: &mut Counting, time| {
        now(limits.reserve(&route, of_model, Some(ask), counting, at(time))).unwrap();
    };
    let mut counting = Counting::default();
    reserve(&first, &mut counting, 0);
    let opened = counting.tell().unwrap();
    assert_eq!(opened.limits, [&route[0], &first[0]].map(|limit| limit.name.clone()));
    counting.again(Spent::Unknown);
    reserve(&second, &mut counting, HOUR);
    let [of_tokens, of_requests] = counting.standings() else { panic!("{:?}", counting.standings()) };
    assert_eq!((of_tokens.measure, of_tokens.remaining), (Measure::Tokens, 900), "of now, and once");
    assert_eq!((of_requests.measure, of_requests.remaining), (Measure::Requests, 9));
    let charged = counting.settle(Spent::Known(spend(5, 5, 7))).unwrap();
    assert_eq!((charged.spend, charged.as_reserved), (spend(15, 95, 107), true), "a part is as reserved");
    let shares: Vec<_> = charged.shares.iter().map(|share| (share.time, share.spend)).collect();
    assert_eq!(shares, [(at(0), ask), (at(HOUR), spend(5, 5, 7))]);
    assert_eq!(charged.shares[0].limits, opened.limits);
    assert_eq!(charged.shares[1].limits, [&route[0], &second[0]].map(|limit| limit.name.clone()));

    // All attempts under the same limits in the same minute: their sum says it all.
    let mut counting = Counting::default();
    reserve(&[], &mut counting, 2 * HOUR);
    counting.tell();
    counting.again(Spent::Nothing);
    reserve(&[], &mut counting, 2 * HOUR + 59_999);
    let charged = counting.settle(Spent::Known(spend(5, 5, 7))).unwrap();
    assert_eq!((charged.spend, charged.as_reserved, charged.shares), (spend(5, 5, 7), false, Vec::new()));

    // Of the first nothing was counted, and of the second requests alone.
    let rate = [limit("rate", |spec| spec.requests = requests(10, 60))];
    let mut counting = Counting::default();
    now(limits.reserve(&[], &[], None, &mut counting, at(0))).unwrap();
    assert_eq!(counting.tell(), None);
    counting.again(Spent::Nothing);
    now(limits.reserve(&[], &rate, None, &mut counting, at(0))).unwrap();
    let charged = counting.settle(Spent::Nothing).unwrap();
    assert_eq!(
        (charged.spend, charged.shares[0].limits.as_slice()),
        (Spend::default(), [rate[0].name.clone()].as_slice())
    );
}

#[test]
fn the_shape_of_a_request_matters_to_what_bounds_it() {
    let needs = |change: fn(&mut LimitSpec)| need_shape([limit("a", change).as_ref()].into_iter());
    assert!(!needs(|spec| {
        spec.requests = requests(1, 1);
        spec.concurrency = Some(1);
        spec.call.duration = Some(DurationMs::from_secs(1));
    }));
    assert!(needs(|spec| spec.tokens = tokens(1)) && needs(|spec| spec.call.tools = Some(1)));
}

#[test]
fn one_that_is_declared_again_does_not_begin_anew() {
    let limits = process();
    let all = [limit("day", |spec| spec.money = money(10))];
    let ask =
        |time| now(limits.reserve(&all, &[], Some(spend(0, 0, 10)), &mut Counting::default(), at(time)));
    ask(0).unwrap();
    limits.retain(|_| false, at(10));
    assert!(ask(20).is_err());
    limits.retain(|_| false, at(HOUR));
    ask(HOUR).unwrap();
}

#[test]
fn never_more_than_allowed_from_many_threads() {
    let limits = process();
    let rate = [limit("a", |spec| spec.requests = requests(100, 3600))];
    let admitted: usize = std::thread::scope(|scope| {
        let worker =
            || (0..100).filter(|_| now(limits.admit(&rate, &mut Counting::default(), at(0))).is_ok());
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(move || worker().count())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(admitted, 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A thousand callers, each with a cost of its own and its own end, under a budget for some of them, shared by eight threads:
    /// what is charged is never above the budget, and what is left can be spent to the last billionth.
    #[test]
    fn a_budget_is_never_overspent(
        budget in 1_000..200_000_u64,
        calls in prop::collection::vec((1..2_000_u64, 0..=100_u64, 0..4_u8), 1_000),
    ) {
        let limits = process();
        let wide = limit("wide", |spec| spec.money = money(budget));
        let odd = limit("odd", |spec| spec.money = money(budget / 3));
        let (charged, of_odd) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for part in calls.chunks(125) {
                let (limits, wide, odd, charged, of_odd) = (&limits, &wide, &odd, &charged, &of_odd);
                scope.spawn(move || {
                    for (most, percent, end) in part {
                        let is_odd = most % 2 == 1;
                        let both = [Arc::clone(wide), Arc::clone(odd)];
                        let under = if is_odd { &both[..] } else { &both[..1] };
                        let mut counting = Counting::default();
                        let ask = Some(spend(1, 1, *most));
                        if now(limits.reserve(under, &[], ask, &mut counting, at(0))).is_err() {
                            continue;
                        }
                        let spent = match end {
                            0 => Spent::Unknown,
                            1 => Spent::Nothing,
                            _ => Spent::Known(spend(1, 1, most * percent / 100)),
                        };
                        let charge = counting.settle(spent).unwrap().spend.cost.unwrap().amount.nanos();
                        charged.fetch_add(charge, Ordering::Relaxed);
                        of_odd.fetch_add(if is_odd { charge } else { 0 }, Ordering::Relaxed);
                    }
                });
            }
        });
        let (charged, of_odd) = (charged.into_inner(), of_odd.into_inner());
        prop_assert!(charged <= budget && of_odd <= budget / 3, "{charged} of {budget}");
        let left = |limit: &Arc<CompiledLimit>, amount| {
            let one = [Arc::clone(limit)];
            now(limits.reserve(&one, &[], Some(spend(0, 0, amount)), &mut Counting::default(), at(0))).is_ok()
        };
        prop_assert!(!left(&wide, budget - charged + 1) && left(&wide, budget - charged));
        prop_assert!(!left(&odd, budget / 3 - of_odd + 1) && left(&odd, budget / 3 - of_odd));
    }
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_counters_that_are_rebuilt_and_not_for_ever() {
    let counters = ProcessCounters::to_be_rebuilt();
    let limits = Limits::new(Arc::new(counters.clone()));
    let strict = limit("strict", |spec| {
        spec.money = money(1_000);
        spec.requests = requests(10, 60);
    });
    let lenient = limit("lenient", |spec| {
        spec.tokens = tokens(5);
        spec.when_unavailable = WhenUnavailable::Allow;
    });
    let mut counting = Counting::default();
    let one = [Arc::clone(&strict)];
    let refusal = limits.admit(&one, &mut counting, at(0)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.limit), (RefusalCode::LimitsUnavailable, Some(strict.name.clone())));
    let two = [lenient];
    limits.reserve(&two, &[], Some(spend(9, 9, 9)), &mut counting, at(0)).await.unwrap();
    assert_eq!(
        (counting.tell(), counting.settle(Spent::Nothing)),
        (None, None),
        "it was let through uncounted"
    );

    let waiting =
        async { limits.reserve(&one, &[], Some(spend(0, 0, 301)), &mut counting, at(0)).await.unwrap_err() };
    let rebuilding = async {
        tokio::task::yield_now().await;
        counters.add_used(&strict, Measure::Money, 700, at(0));
        counters.add_requests(&strict, [(at(-30_000), 4), (at(-1_000), 5)]);
        counters.rebuilt();
    };
    let (refusal, ()) = tokio::join!(waiting, rebuilding);
    assert_eq!(refusal.code, RefusalCode::BudgetExceeded);
    limits.reserve(&one, &[], Some(spend(0, 0, 300)), &mut counting, at(0)).await.unwrap();
    // Four of nine have run off in half a minute.
    for left in (0..5).rev() {
        let mut counting = Counting::default();
        limits.admit(&one, &mut counting, at(0)).await.unwrap();
        assert_eq!(counting.standings()[0].remaining, left);
    }
    assert!(limits.admit(&one, &mut counting, at(0)).await.is_err());
}
