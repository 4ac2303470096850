use cordon_core::{
    Action, ApiKey, CallId, Category, Channel, Fact, JournalId, KeyId, Name, RefusalCode, Score, Sealed,
    evidence::{Anchor, EndReason, JournalEnd},
    fact::{Actor, Body},
    record::{
        Closed, DecidingGuard, Frame, Opened, Operation, Outcome, RecordedFinding, RecordedVerdict, Timings,
        Tokens, Unknown,
    },
    resource::GuardScope,
};

use super::*;
use crate::siem::Records;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn call() -> CallId {
    CallId::new(at(1), [3; 10])
}

fn place(sequence: u64) -> Place {
    Place { journal: JournalId::new(1, [2; 12]), sequence, leaf: Digest::from_bytes([9; 32]) }
}

fn opened(input: RecordedVerdict) -> Opened {
    Opened {
        call: call(),
        time: at(1),
        operation: Operation::Chat,
        stream: false,
        principal: name("app"),
        team: name("t"),
        key: KeyId::from_bytes([1; 8]),
        route: Some(name("bot")),
        owner: None,
        system: None,
        model: Some(name("m")),
        service: None,
        region: None,
        mode: cordon_core::resource::RouteMode::Normal,
        position: 3,
        build: "b".into(),
        rules: Digest::from_bytes([4; 32]),
        input,
        request_digest: Some(Digest::from_bytes([5; 32])),
        request_bytes: 10,
        subject: Some(Digest::from_bytes([6; 32])),
        conversation: None,
        prompt: None,
        taint: cordon_core::taint::Taint::default(),
        normalised: cordon_core::record::Normalised::default(),
        trace: None,
        counted: None,
    }
}

fn closed(outcome: Outcome, code: Option<RefusalCode>) -> Closed {
    Closed {
        call: call(),
        time: at(9),
        outcome,
        status: code.map_or(200, RefusalCode::status),
        code,
        reason: code.map(|_| "limit per-minute".to_owned()),
        output: RecordedVerdict::default(),
        response_digest: None,
        response_bytes: 12,
        tokens: Some(Tokens { input: 1, output: 2, cached: 0, cache_written: 0 }),
        cost: None,
        upstream_status: None,
        attempts: Vec::new(),
        timings: Timings { total: 8_500, ..Timings::default() },
        content: Vec::new(),
        charged: None,
    }
}

fn verdict(action: Action) -> RecordedVerdict {
    let mut verdict = RecordedVerdict::default();
    verdict.add(RecordedFinding {
        category: Category::known("pii/card"),
        score: Score::percent(90),
        start: 3,
        end: 19,
        channel: Channel::User,
        part: "messages/0/content".to_owned(),
        detector: "card".into(),
        detector_version: 1,
        action,
        would: action,
        known: true,
        guard: Some(DecidingGuard { name: name("risk"), scope: Some(GuardScope::Team(name("lending"))) }),
    });
    verdict
}

fn said(event: &Event) -> Value {
    let json: Value = serde_json::from_str(&event.json).unwrap();
    // What each event must have, by the schema's base event.
    let number = |key: &str| json[key].as_u64().unwrap();
    assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
    assert_eq!(number("category_uid"), number("class_uid") / 1000);
    assert_eq!(number("severity_id"), event.severity as u64);
    assert_eq!(json["time"], event.time.as_millis());
    assert_eq!(json["metadata"]["uid"], event.uid);
    assert_eq!(json["metadata"]["version"], SCHEMA);
    json
}

fn on(sequence: u64, what: &Frame, context: Option<&Opened>) -> Option<Value> {
    let context = context.map(CallContext::of);
    frame(place(sequence), what, context.as_ref(), Records::Security, "b").map(|event| said(&event))
}

#[test]
fn a_key_that_is_revoked() {
    let reason = Sealed::Closed(Digest::from_bytes([7; 32]));
    let body = Body::KeyRevoked(KeyId::from_bytes([1; 8]), Some(reason));
    let revoked = Fact { time: at(1_700_000_000_123), actor: Actor::Bootstrap, body };
    let event = fact(42, Digest::from_bytes([9; 32]), &revoked, "1.0+x");
    let expected = json!({
        "activity_id": 4,
        "activity_name": "Delete",
        "actor": {"user": {"name": "bootstrap", "type_id": 2}},
        "category_name": "Identity & Access Management",
        "category_uid": 3,
        "class_name": "Entity Management",
        "class_uid": 3004,
        "entity": {"type": "ApiKey", "uid": "0101010101010101"},
        "message": "key.revoked 0101010101010101",
        "metadata": {
            "event_code": "key.revoked",
            "log_name": "facts",
            "product": {"name": "Cordon", "vendor_name": "Cordon", "version": "1.0+x"},
            "sequence": 42,
            "uid": "fact:42",
            "version": "1.2.0",
        },
        "severity": "Low",
        "severity_id": 2,
        "status": "Success",
        "status_id": 1,
        "time": 1_700_000_000_123_u64,
        "type_uid": 300_404,
        "unmapped": {"leaf": "09".repeat(32)},
    });
    assert_eq!(said(&event), expected);
    assert!(!event.json.contains("0707"), "the digest of a sealed value");
}

#[test]
fn a_key_that_is_issued_and_a_journal_that_is_missing() {
    let key = ApiKey {
        id: KeyId::from_bytes([1; 8]),
        principal: name("app"),
        routes: vec![name("bot")],
        secret: Digest::from_bytes([8; 32]),
        created: at(0),
        expires: at(1_000),
        revoked: None,
        replaces: None,
    };
    let issued = Fact { time: at(0), actor: Actor::Local, body: Body::KeyIssued(key) };
    let event = fact(1, Digest::from_bytes([9; 32]), &issued, "b");
    let json = said(&event);
    let unmapped = json!({
        "expires": "1970-01-01T00:00:01.000Z", "leaf": "09".repeat(32), "principal": "app", "routes": ["bot"],
    });
    assert_eq!((&json["unmapped"], &json["type_uid"]), (&unmapped, &json!(300_401)));
    assert!(!event.json.contains("0808"), "the digest of a key");

    let last = Anchor { journal: JournalId::new(1, [2; 12]), size: 4, root: Digest::from_bytes([3; 32]) };
    let body = Body::JournalEnded(JournalEnd { last, why: EndReason::Missing });
    let json =
        said(&fact(2, Digest::from_bytes([9; 32]), &Fact { time: at(0), actor: Actor::Cordon, body }, "b"));
    assert_eq!((&json["severity"], &json["unmapped"]["why"]), (&json!("High"), &json!("missing")));
}

#[test]
fn a_request_with_a_finding() {
    let event = on(7, &Frame::Opened(Box::new(opened(verdict(Action::Block)))), None).unwrap();
    let finding = json!({
        "action": "block", "category": "pii/card", "channel": "user", "detector": "card", "detector_version": 1,
        "end": 19, "part": "messages/0/content", "score": 0.9, "start": 3, "would": "block", "known": true,
        "guard": {"name": "risk", "scope": {"team": "lending"}},
    });
    let expected = json!({
        "action_id": 2,
        "activity_id": 1,
        "activity_name": "Create",
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Detection Finding",
        "class_uid": 2004,
        "disposition": "Blocked",
        "disposition_id": 2,
        "evidences": [{
            "actor": {"user": {
                "credential_uid": "0101010101010101", "groups": [{"name": "t"}], "name": "app", "type_id": 3,
            }},
            "api": {"operation": "chat", "request": {"uid": call().to_string()}, "service": {"name": "cordon"}},
            "data": {"findings": [finding]},
        }],
        "finding_info": {
            "analytic": {"name": "card", "type_id": 1, "version": "1"},
            "created_time": 1,
            "title": "content found in a request",
            "types": ["pii/card"],
            "uid": "frame:00000001020202020202020202020202:7",
        },
        "message": "content found in a request: block: pii/card",
        "metadata": {
            "correlation_uid": call().to_string(),
            "event_code": "call.opened",
            "log_name": "calls",
            "product": {"name": "Cordon", "vendor_name": "Cordon", "version": "b"},
            "profiles": ["security_control"],
            "sequence": 7,
            "uid": "frame:00000001020202020202020202020202:7",
            "version": "1.2.0",
        },
        "resources": [{"name": "bot", "type": "Route"}, {"name": "m", "type": "Model"}],
        "severity": "High",
        "severity_id": 4,
        "status_id": 1,
        "time": 1,
        "type_uid": 200_401,
        "unmapped": {"call": call().to_string(), "leaf": "09".repeat(32), "subject": "06".repeat(32)},
    });
    assert_eq!(event, expected);
}

#[test]
fn a_call_that_is_refused() {
    let limited = closed(Outcome::Refused, Some(RefusalCode::RateLimited));
    let context = opened(RecordedVerdict::default());
    let event = on(8, &Frame::Closed(Box::new(limited)), Some(&context)).unwrap();
    let expected = json!({
        "action_id": 2,
        "activity_id": 1,
        "activity_name": "Create",
        "actor": {"user": {
            "credential_uid": "0101010101010101", "groups": [{"name": "t"}], "name": "app", "type_id": 3,
        }},
        "api": {
            "operation": "chat", "request": {"uid": call().to_string()}, "response": {"code": 429},
            "service": {"name": "cordon"},
        },
        "category_name": "Application Activity",
        "category_uid": 6,
        "class_name": "API Activity",
        "class_uid": 6003,
        "disposition": "Rejected",
        "disposition_id": 25,
        "duration": 8,
        "message": "call refused rate_limit_exceeded",
        "metadata": {
            "correlation_uid": call().to_string(),
            "event_code": "call.closed",
            "log_name": "calls",
            "product": {"name": "Cordon", "vendor_name": "Cordon", "version": "b"},
            "profiles": ["security_control"],
            "sequence": 8,
            "uid": "frame:00000001020202020202020202020202:8",
            "version": "1.2.0",
        },
        "resources": [{"name": "bot", "type": "Route"}, {"name": "m", "type": "Model"}],
        "severity": "Low",
        "severity_id": 2,
        "src_endpoint": {"svc_name": "app"},
        "status": "Failure",
        "status_code": "rate_limit_exceeded",
        "status_detail": "limit per-minute",
        "status_id": 2,
        "time": 9,
        "type_uid": 600_301,
        "unmapped": {
            "call": call().to_string(), "leaf": "09".repeat(32), "outcome": "refused", "subject": "06".repeat(32),
            "tokens": {"input": 1, "output": 2}, "verdict_input": "allow",
        },
    });
    assert_eq!(event, expected);
}

#[test]
fn unknown_callers() {
    let mut unknown =
        Unknown { since: at(1), time: at(5), count: 12, code: RefusalCode::InvalidApiKey, call: call() };
    let event = on(0, &Frame::Unknown(Box::new(unknown.clone())), None).unwrap();
    assert_eq!((&event["type_uid"], &event["count"]), (&json!(300_201), &json!(12)));
    assert_eq!((&event["start_time"], &event["end_time"]), (&json!(1), &json!(5)));
    assert_eq!(
        (&event["status_code"], &event["user"]["name"]),
        (&json!("invalid_api_key"), &json!("unknown"))
    );
    unknown.code = RefusalCode::NotFound;
    assert_eq!(on(0, &Frame::Unknown(Box::new(unknown)), None).unwrap()["type_uid"], 600_300);
}

#[test]
fn what_matters_is_sent_and_the_rest_where_all_is_wished() {
    let quiet = opened(RecordedVerdict::default());
    let flagged = opened(verdict(Action::Flag));
    let close = |closed: Closed| Frame::Closed(Box::new(closed));
    let class = |event: Option<Value>| event.map(|event| event["class_uid"].as_u64().unwrap());
    assert_eq!(class(on(0, &Frame::Opened(Box::new(quiet.clone())), None)), None);
    for (outcome, context, sent) in [
        (Outcome::Released, &quiet, None),
        (Outcome::Released, &flagged, Some(6003)),
        (Outcome::Interrupted, &quiet, Some(6003)),
        (Outcome::UpstreamFailed, &quiet, None),
        (Outcome::CallerGone, &quiet, None),
    ] {
        assert_eq!(class(on(1, &close(closed(outcome, None)), Some(context))), sent, "{outcome:?}");
        let all = CallContext::of(context);
        let all = frame(place(1), &close(closed(outcome, None)), Some(&all), Records::All, "b");
        assert_eq!(class(all.map(|event| said(&event))), Some(6003));
    }
    let redacted = Closed { output: verdict(Action::Redact), ..closed(Outcome::Released, None) };
    let event = on(1, &close(redacted), Some(&quiet)).unwrap();
    assert_eq!((&event["class_uid"], &event["disposition"]), (&json!(2004), &json!("Corrected")));
    // The first frame is not found any more: the event is there, and names nobody.
    let event = on(1, &close(closed(Outcome::Interrupted, None)), None).unwrap();
    assert_eq!((&event["actor"]["user"]["name"], &event["activity_id"]), (&json!("unknown"), &json!(0)));
    assert_eq!(said(&unreadable(place(3), at(4), "b"))["type_uid"], 0);
}
