use std::{
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use cordon_core::Cost;
use cordon_core::{
    Currency, Digest, DurationMs, Fact, KeyId, Money, State, Timestamp,
    fact::{Actor, Body},
    record::Operation,
    resource::{Budget, Kind, LimitSpec, LimitSubject, LimitWindow, Resource},
};
use cordon_policy::{CompiledLimit, Snapshot};
use tokio::sync::oneshot;

use super::*;
use crate::{
    dispatch,
    limits::{Limits, ProcessCounters},
    ports::{NoCapture, NoTracer},
    trace::Parent,
};

/// A recorder whose frames are durable when it is told so.
#[derive(Default)]
struct Stalled(Mutex<Vec<oneshot::Sender<Result<(), RecordError>>>>);

impl Recorder for Stalled {
    fn append(&self, _: Vec<Vec<u8>>) -> Durable {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap().push(sender);
        Box::pin(async { receiver.await.unwrap() })
    }

    fn offer(&self, _: Vec<Vec<u8>>) {}
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000)
    }
}

impl Meter for Still {
    fn call_ended(&self, _: &EndedCall<'_>) {}

    fn unknown_refused(&self, _: RefusalCode) {}
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn record(recorder: &Arc<Stalled>) -> CallRecord {
    let ports = Ports {
        recorder: Arc::<Stalled>::clone(recorder),
        capture: Arc::new(NoCapture),
        holding: Arc::new(crate::held::NoHolding),
        clock: Arc::new(Still),
        meter: Arc::new(Still),
        tracer: Arc::new(NoTracer),
    };
    let call = CallId::new(Still.now(), [1; 10]);
    let opened = Opened {
        call,
        time: Still.now(),
        operation: Operation::Chat,
        stream: false,
        principal: name("app"),
        team: name("t"),
        key: KeyId::from_bytes([1; 8]),
        route: None,
        owner: None,
        system: None,
        model: None,
        service: None,
        region: None,
        mode: RouteMode::Normal,
        position: 0,
        build: "test".into(),
        rules: Digest::sha256(b""),
        input: RecordedVerdict::default(),
        request_digest: None,
        request_bytes: 0,
        subject: None,
        conversation: None,
        prompt: None,
        taint: cordon_core::taint::Taint::default(),
        normalised: cordon_core::record::Normalised::default(),
        trace: None,
        counted: None,
    };
    let trace = CallTrace::new(call, Parent::of(&http::HeaderMap::new()), |_, _| crate::ports::Sampling::Off);
    CallRecord::new(ports, Instant::now(), opened, trace)
}

fn permit(model: &str) -> Permit {
    let mut state = State::new();
    let mut set = |kind: Kind, text: &str, spec: serde_json::Value| {
        let body = Body::ResourceSet(Resource { name: name(text), spec: kind.read(spec).unwrap() });
        state.apply(&Fact { time: Still.now(), actor: Actor::Local, body });
    };
    set(Kind::Service, "s", serde_json::json!({"protocol": "openai", "base_url": "https://a.example/v1"}));
    set(Kind::Model, model, serde_json::json!({"service": "s", "upstream_name": "m"}));
    dispatch::permit(&name(model), &Snapshot::compile(&state)).ok().unwrap()
}

fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn attempt(outcome: AttemptOutcome, began: u64) -> Attempt {
    let (model, service) = (name("a"), name("s"));
    Attempt { model, service, region: None, outcome, status: None, began, took: 5 }
}

#[test]
fn whoever_comes_after_a_wait_that_was_given_up_waits_as_well() {
    let recorder = Arc::new(Stalled::default());
    let mut record = record(&recorder);
    record.open();
    for _ in 0..2 {
        // The call leaves its target while it waits for the journal; the next one's answer must not go out before.
        assert!(poll(record.opened_is_durable()).is_pending());
    }
    let stalled = recorder.0.lock().unwrap().pop().unwrap();
    stalled.send(Err(RecordError::Busy)).unwrap();
    for _ in 0..2 {
        let Poll::Ready(Err(refusal)) = poll(record.opened_is_durable()) else { panic!("it is not durable") };
        assert_eq!(refusal.code, RefusalCode::RecordUnavailable);
    }
}

/// A budget of 100 billionths, of which the call has reserved all for its first target; and whether another call finds
/// room when this one has gone to its second.
fn room_after(leaves: impl FnOnce(&mut CallRecord)) -> bool {
    let limits = Limits::new(Arc::new(ProcessCounters::default()));
    let currency: Currency = "EUR".parse().unwrap();
    let amount = Money::from_nanos(100);
    let mut spec = LimitSpec::new(LimitSubject::default());
    spec.money = Some(Budget { amount, currency, window: LimitWindow::Every(DurationMs::from_secs(3_600)) });
    let all = [Arc::new(CompiledLimit { name: name("day"), spec })];
    let ask = Some(Spend { input: 1, output: 1, cost: Some(Cost { amount, currency }) });
    let mut record = record(&Arc::default());
    record.goes_to(&permit("a"));
    let reserve = |counting: &mut Counting| match poll(limits.reserve(&all, &[], ask, counting, Still.now()))
    {
        Poll::Ready(reserved) => reserved.is_ok(),
        Poll::Pending => panic!("it waits"),
    };
    assert!(reserve(&mut record.counting));
    record.open();
    leaves(&mut record);
    record.goes_to(&permit("b"));
    reserve(&mut Counting::default())
}

#[test]
fn what_a_target_used_is_what_its_own_attempt_says_and_no_other() {
    let failed = |record: &mut CallRecord| {
        record.tried(attempt(AttemptOutcome::Failed, 1));
        record.leaves(Spent::Nothing);
    };
    assert!(room_after(failed));
    assert!(room_after(|record| {
        failed(record);
        // One that was left before anything was sent there.
        record.left(attempt(AttemptOutcome::Quarantined, 2));
    }));
    assert!(!room_after(|record| {
        for began in 0..20 {
            record.tried(attempt(AttemptOutcome::Open, began));
        }
        // More than a record lists.
        record.tried(attempt(AttemptOutcome::Timeout, 20));
        record.leaves(Spent::Unknown);
    }));
}

#[test]
fn the_digest_is_of_the_answer_that_was_given_and_of_no_stream_before_it() {
    let mut record = record(&Arc::default());
    record.goes_to(&permit("a"));
    // Its answer was to be a stream, and the call left it before a word of that was released.
    record.streams(HmacKey::from_bytes([7; 32]).hasher());
    record.goes_to(&permit("b"));
    let whole = HmacKey::from_bytes([7; 32]).digest(b"whole");
    (record.end.response_digest, record.end.response_bytes) = (Some(whole), 5);
    record.seal(Outcome::UpstreamFailed, 400).unwrap();
    assert_eq!(record.end.response_digest, Some(whole));
}
