//! Calls for benchmarks: two hundred callers, twenty routes, a fifth of the calls with a finding.

use cordon_core::{
    Action, CallId, Category, Channel, KeyId, Name, Score, Timestamp,
    record::{Closed, Frame, Opened, Operation, Outcome, RecordedFinding, RecordedVerdict, Timings, Tokens},
};

pub(crate) const ROUTES: u64 = 20;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % bound
    }
}

pub(crate) fn name(prefix: &str, number: u64) -> Name {
    Name::parse(&format!("{prefix}-{number}")).unwrap()
}

fn verdict(random: &mut Random) -> RecordedVerdict {
    let mut verdict = RecordedVerdict::default();
    let (category, action) = match random.below(1000) {
        0..=149 => ("pii/email", Action::Redact),
        150..=189 => ("pii/card", Action::Redact),
        190..=199 => ("prompt_injection/override", Action::Block),
        _ => return verdict,
    };
    verdict.action = action;
    verdict.would = action;
    verdict.add(RecordedFinding {
        category: Category::parse(category).unwrap(),
        score: Score::percent(90),
        start: 10,
        end: 30,
        channel: Channel::User,
        part: "messages/0/content".to_owned(),
        detector: "bench".into(),
        detector_version: 1,
        action,
        would: action,
        known: false,
        guard: None,
    });
    verdict
}

/// The two frames of a call, as a journal holds them.
pub(crate) fn frames(number: u64, time: Timestamp, random: &mut Random) -> [Vec<u8>; 2] {
    let mut bits = [0; 10];
    bits[..8].copy_from_slice(&number.to_be_bytes());
    let call = CallId::new(time, bits);
    let input = verdict(random);
    let blocked = input.action == Action::Block;
    let opened = Opened {
        call,
        time,
        operation: Operation::Chat,
        stream: random.below(2) == 0,
        principal: name("app", random.below(200)),
        team: name("team", random.below(10)),
        key: KeyId::from_bytes(random.below(200).to_be_bytes()),
        route: Some(name("route", random.below(ROUTES))),
        owner: Some(name("team", random.below(10))),
        system: None,
        model: Some(name("model", random.below(5))),
        service: Some(name("service", 0)),
        region: None,
        mode: cordon_core::resource::RouteMode::Normal,
        position: 10,
        build: "bench".into(),
        rules: cordon_core::Digest::sha256(b"rules"),
        input,
        request_digest: None,
        request_bytes: random.below(20_000),
        subject: None,
        conversation: None,
        prompt: None,
        taint: cordon_core::taint::Taint::default(),
        normalised: cordon_core::record::Normalised::default(),
        trace: None,
        counted: None,
    };
    let total = 200_000 + random.below(2_000_000);
    let closed = Closed {
        call,
        time,
        outcome: if blocked { Outcome::Refused } else { Outcome::Released },
        status: if blocked { 400 } else { 200 },
        code: None,
        reason: None,
        output: RecordedVerdict::default(),
        response_digest: None,
        response_bytes: random.below(9000),
        tokens: Some(Tokens {
            input: random.below(6000),
            output: random.below(1000),
            cached: 0,
            cache_written: 0,
        }),
        cost: None,
        upstream_status: Some(200),
        attempts: Vec::new(),
        timings: Timings { upstream: total - 500, total, ..Timings::default() },
        content: Vec::new(),
        charged: None,
    };
    [Frame::Opened(Box::new(opened)), Frame::Closed(Box::new(closed))].map(|frame| frame.encode().unwrap())
}
