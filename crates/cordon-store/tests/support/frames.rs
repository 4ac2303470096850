//! Frames of made-up calls.

use std::collections::HashMap;

use cordon_core::{
    Action, CallId, Category, Channel, Cost, Digest, KeyId, Money, Name, RefusalCode, Score, Timestamp,
    containment::PromptId,
    record::{
        Closed, Frame, Opened, Operation, Outcome, RecordedFinding, RecordedVerdict, Timings, Tokens, Unknown,
    },
};
use cordon_store::calls::{CallRow, JournalBytes, SourceFrame};

pub const JOURNAL: JournalBytes = [7; 16];

pub const CATEGORIES: [&str; 4] = ["pii/card", "pii/email", "prompt_injection", "secret"];

pub fn finding(category: &str, channel: Channel, action: Action) -> RecordedFinding {
    RecordedFinding {
        category: Category::parse(category).unwrap(),
        score: Score::percent(87),
        start: 12,
        end: 28,
        channel,
        part: "messages/0/content".to_owned(),
        detector: "test".into(),
        detector_version: 1,
        action,
        would: action,
        known: false,
        guard: None,
    }
}

/// What one call is like.
#[derive(Clone, Debug)]
pub struct Shape {
    pub seconds: i64,
    pub principal: usize,
    pub route: Option<usize>,
    pub input: Option<(usize, Action)>,
    pub output: Option<(usize, Action)>,
    pub status: u16,
}

fn verdict(found: Option<(usize, Action)>, channel: Channel) -> RecordedVerdict {
    let mut verdict = RecordedVerdict::default();
    if let Some((category, action)) = found {
        verdict.add(finding(CATEGORIES[category % CATEGORIES.len()], channel, action));
    }
    verdict
}

pub fn call_id(number: u64, seconds: i64) -> CallId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    CallId::new(super::at(seconds), random)
}

/// The prompt of a principal.
pub fn prompt(principal: usize) -> PromptId {
    PromptId::from_bytes([0xf0 | u8::try_from(principal % 16).unwrap(); 8])
}

pub fn opened(number: u64, shape: &Shape) -> Frame {
    let name = |text: String| Name::parse(&text).unwrap();
    Frame::Opened(Box::new(Opened {
        call: call_id(number, shape.seconds),
        time: super::at(shape.seconds),
        operation: Operation::Chat,
        stream: number.is_multiple_of(2),
        principal: name(format!("app-{}", shape.principal)),
        team: name("support".to_owned()),
        key: KeyId::from_bytes([1; 8]),
        route: shape.route.map(|route| name(format!("route-{route}"))),
        owner: Some(name("support".to_owned())),
        system: None,
        model: Some(name("small".to_owned())),
        service: Some(name("openai".to_owned())),
        region: None,
        mode: cordon_core::resource::RouteMode::Normal,
        position: 12,
        build: "0.1.0".into(),
        rules: Digest::sha256(b"rules"),
        input: verdict(shape.input, Channel::User),
        request_digest: Some(Digest::sha256(&number.to_be_bytes())),
        request_bytes: 1024,
        subject: None,
        conversation: None,
        taint: cordon_core::taint::Taint::default(),
        normalised: cordon_core::record::Normalised::default(),
        prompt: (shape.principal != 1).then(|| prompt(shape.principal)),
        trace: None,
        counted: None,
    }))
}

pub fn closed(number: u64, shape: &Shape) -> Frame {
    Frame::Closed(Box::new(Closed {
        call: call_id(number, shape.seconds),
        time: super::at(shape.seconds + 1),
        outcome: if shape.status >= 400 { Outcome::Refused } else { Outcome::Released },
        status: shape.status,
        code: (shape.status >= 400).then_some(RefusalCode::ContentBlocked),
        reason: None,
        output: verdict(shape.output, Channel::Model),
        response_digest: Some(Digest::sha256(b"answer")),
        response_bytes: 900,
        tokens: (shape.status < 400).then_some(Tokens {
            input: 200,
            output: 100,
            cached: 50,
            cache_written: 0,
        }),
        cost: (shape.status < 400).then(|| Cost {
            amount: Money::from_nanos(shape.principal as u64 + 1),
            currency: "USD".parse().unwrap(),
        }),
        upstream_status: Some(200),
        attempts: Vec::new(),
        timings: Timings {
            receive: 10,
            admit: 3,
            inspect_input: 25,
            upstream_first_byte: 300_000,
            upstream: 900_000,
            inspect_output: 30,
            record: 800,
            total: 901_000,
        },
        content: Vec::new(),
        charged: None,
    }))
}

pub fn unknown(number: u64) -> Frame {
    let time = Timestamp::from_millis(super::START);
    Frame::Unknown(Box::new(Unknown {
        since: time,
        time,
        count: 3,
        code: RefusalCode::InvalidJson,
        call: call_id(number, 0),
    }))
}

pub fn source(sequence: u64, frame: &Frame) -> SourceFrame {
    SourceFrame { sequence, payload: frame.encode().unwrap() }
}

/// The calls of these frames, as a reader who has all of them sees them: newest first.
pub fn reference(frames: &[SourceFrame]) -> Vec<CallRow> {
    let mut calls: HashMap<CallId, CallRow> = HashMap::new();
    for frame in frames {
        match Frame::decode(&frame.payload) {
            Ok(Frame::Opened(opened)) => {
                let row = CallRow::opened(JOURNAL, frame.sequence, *opened);
                calls.insert(row.call, row);
            }
            Ok(Frame::Closed(closed)) => {
                calls.get_mut(&closed.call).unwrap().close(frame.sequence, *closed);
            }
            Ok(Frame::Attempted(_) | Frame::Unknown(_) | Frame::Read(_)) | Err(_) => {}
        }
    }
    let mut rows: Vec<CallRow> = calls.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(*row.call.as_bytes()));
    rows
}
