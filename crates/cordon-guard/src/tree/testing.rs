//! What the tests of the formats share.

use std::sync::{Arc, LazyLock};

use cordon_core::{
    Action, Category, Channel, Form, HmacKey, Mode, Name, Refusal, RefusalCode, Score, Timestamp,
    json::{Limits, Value},
    resource::{GuardScope, GuardSpec, Rule, Topics},
};
use cordon_inspect::Engine;
use cordon_policy::EffectiveGuard;
use cordon_testkit::chunking::{self, Random};
use proptest::prelude::*;

use super::gate::{Gate, Progress, StreamError};
use crate::{Inspection, Verdict, sse};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

/// A card number from the networks' test ranges.
pub(crate) const CARD: &str = "4111111111111111";

/// An address that is found wherever it stands.
pub(crate) const ADDRESS: &str = "jane.roe@example.com";

/// Inspection by these rules, on every channel.
pub(crate) fn inspection(rules: &[(&'static str, Action, Form)]) -> Inspection {
    inspection_of(rules, None, Mode::Enforce)
}

/// The same by a guard that says what texts may be about.
pub(crate) fn inspection_of(
    rules: &[(&'static str, Action, Form)],
    topics: Option<Topics>,
    mode: Mode,
) -> Inspection {
    let rules = rules
        .iter()
        .map(|(category, action, form)| Rule {
            channels: Channel::ALL.to_vec(),
            category: Category::known(category),
            at: Score::percent(50),
            action: *action,
            form: *form,
            throttle: None,
            new_only: false,
        })
        .collect();
    let spec = GuardSpec {
        scope: GuardScope::Organisation,
        mode,
        rules,
        exceptions: Vec::new(),
        hosts: None,
        types: Vec::new(),
        allow: None,
        topics,
    };
    let guard = EffectiveGuard::alone(&Name::parse("test").unwrap(), &spec);
    Inspection::new(ENGINE.clone(), Arc::new(guard), Timestamp::from_millis(0), HmacKey::from_bytes([7; 32]))
}

pub(crate) fn redacting(form: Form) -> Inspection {
    inspection(&[("pii", Action::Redact, form), ("secret", Action::Redact, form)])
}

pub(crate) fn tree(text: impl AsRef<[u8]>) -> Value {
    Value::parse(text.as_ref(), Limits::default()).unwrap()
}

/// Where content goes on unseen.
pub(crate) fn unseen(verdict: &Verdict) -> Vec<&str> {
    let of = |category: &Category| Category::known("uninspected").covers(category);
    let findings = verdict.recorded().findings.iter().filter(|finding| of(&finding.category));
    findings.map(|finding| finding.part.as_str()).collect()
}

/// An access key of a known form.
pub(crate) const KEY: &str = "AKIAQ3EGXWHZT5YJLKPM";

/// Every place in a tree: the value `at` (in the order of the walk below) is given to `change`.
pub(crate) fn places(value: &mut Value, at: &mut usize, target: usize, change: &mut dyn FnMut(&mut Value)) {
    let here = *at;
    *at += 1;
    if here == target {
        change(value);
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| places(item, at, target, change)),
        Value::Object(object) => object.iter_mut().for_each(|(_, value)| places(value, at, target, change)),
        _ => {}
    }
}

/// Puts a text in place of every string in turn, and of every number and key.
pub(crate) fn planted(maximal: &str, marker: &str) -> Vec<(String, Value)> {
    let original = tree(maximal);
    let mut count = 0;
    places(&mut original.clone(), &mut count, usize::MAX, &mut |_| {});
    let mut out = Vec::new();
    for target in 0..count {
        for way in ["whole", "inside", "key"] {
            let mut copy = original.clone();
            let mut what = None;
            places(&mut copy, &mut 0, target, &mut |value| {
                let text = value.to_string();
                match (way, &mut *value) {
                    ("whole", Value::String(s)) => *s = marker.to_owned(),
                    // In JSON inside a string, the marker goes inside one of its strings.
                    ("inside", Value::String(s)) if s.starts_with("{\"") => {
                        *s = s.replacen("\":", &format!(" {marker}\":"), 1);
                    }
                    ("inside", Value::String(s)) => *s = format!("{s} {marker} {s}"),
                    ("key", Value::Object(object)) => object.insert(marker, "x"),
                    _ => return,
                }
                what = Some(format!("{way} of {text}"));
            });
            if let Some(what) = what {
                out.push((what, copy));
            }
        }
    }
    out
}

/// What becomes of a request at the input gate: the bytes that go on, or why none do.
type Outcome = fn(Value, &Inspection) -> (Result<String, RefusalCode>, Verdict);

/// Checks that a marker in place of any string, number or key of a request is found in every form of redaction, and that no
/// copy of it goes on. The name of the route is what is left out: it does not go on.
pub(crate) fn leaves_no_copy(maximal: &str, outcome: Outcome) {
    for form in [Form::Mask, Form::Drop, Form::Hash, Form::Token] {
        let inspection = redacting(form);
        let requests = planted(maximal, ADDRESS);
        let (all, mut passed) = (requests.len(), 0);
        for (what, tree) in requests {
            let (body, verdict) = outcome(tree, &inspection);
            match body {
                // The form of the request itself was broken.
                Err(RefusalCode::InvalidRequest) => continue,
                Err(code) => assert_eq!(code, RefusalCode::ContentBlocked, "{what}"),
                Ok(body) => {
                    passed += 1;
                    assert!(!body.contains(ADDRESS), "{form:?}, {what}: {body}");
                    if !what.ends_with("of \"support-bot\"") {
                        assert_eq!(verdict.action(), Action::Redact, "{what}");
                    }
                }
            }
            for finding in &verdict.recorded().findings {
                assert!(!finding.part.contains(ADDRESS));
            }
        }
        assert!(passed > all / 3, "{form:?}: {passed} of {all} requests went on");
    }
}

/// Checks that a marker at any of these places stops the request where the guard says so.
pub(crate) fn is_blocked(maximal: &str, outcome: Outcome) {
    let inspection = inspection(&[("pii/email", Action::Block, Form::Mask)]);
    for (what, tree) in planted(maximal, ADDRESS) {
        let (body, _) = outcome(tree, &inspection);
        assert!(body.is_err() || what.ends_with("of \"support-bot\""), "{what}");
    }
}

/// On which channels an address is found that stands in place of a text of a request.
fn channels_of(maximal: &str, place: &str, verdict_of: &impl Fn(Value) -> Verdict) -> Vec<Channel> {
    let text = maximal.replacen(&format!("\"{place}\""), &format!("\"{ADDRESS}\""), 1);
    assert_ne!(text, maximal, "{place}");
    let verdict = verdict_of(tree(text));
    let findings = verdict.recorded().findings.iter();
    findings
        .filter(|found| found.category == Category::known("pii/email"))
        .map(|found| found.channel)
        .collect()
}

/// What a caller is told of an answer, and the verdict.
pub(crate) type Told = (String, Verdict);

/// Checks that an answer passes as it is but for its model, and that an address in place of any of its texts is found, and told
/// neither in the whole answer nor in the same as a stream.
pub(crate) fn every_field_is_inspected(
    maximal: &str,
    texts: usize,
    whole: impl Fn(&Value) -> Told,
    streamed: impl Fn(&Value) -> Told,
) {
    let original = tree(maximal);
    let (body, verdict) = whole(&original);
    let mut expected = original.clone();
    expected.as_object_mut().unwrap().insert("model", "support-bot");
    assert_eq!((tree(body), verdict.action()), (expected, Action::Allow));
    let paths = strings(&original, &mut Vec::new());
    assert!(paths.len() > texts);
    for path in paths {
        let mut copy = original.clone();
        *at(&mut copy, &path) = Value::from(format!("x {ADDRESS}"));
        for (text, verdict) in [whole(&copy), streamed(&copy)] {
            assert!(!text.contains(ADDRESS), "{path:?}: {text}");
            assert!(verdict.action() >= Action::Redact || path == ["model"], "{path:?}");
        }
    }
}

/// Checks that an address in place of each of these texts of a request is found on this channel, and on no other.
pub(crate) fn come_from(maximal: &str, places: &[(&str, Channel)], verdict_of: impl Fn(Value) -> Verdict) {
    for (place, channel) in places {
        let channels = channels_of(maximal, place, &verdict_of);
        assert!(
            !channels.is_empty() && channels.iter().all(|found| found == channel),
            "{place}: {channels:?}"
        );
    }
}

/// Texts with values to be found in them, whole and in disguise.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,6}",
        3 => Just(" ".to_owned()),
        1 => Just(", ".to_owned()),
        2 => Just(ADDRESS.to_owned()),
        1 => Just("b.c@example.org".to_owned()),
        2 => Just(CARD.to_owned()),
        1 => Just("4111 1111 1111 1111".to_owned()),
        2 => Just("[EMAIL_1]".to_owned()),
        1 => Just("[EMAIL_2] [".to_owned()),
        1 => Just(KEY.to_owned()),
        1 => Just("\u{e9}\u{1f600}\n\"\\".to_owned()),
        1 => Just("\u{ff14}\u{ff11}11111111111111".to_owned()),
        1 => Just("-----BEGIN RSA PRIVATE KEY-----\nMIIEow".to_owned()),
        1 => Just("%34".to_owned()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// JSON with these texts in it, its characters escaped at random, and sometimes broken.
pub(crate) fn arguments() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => text().prop_map(Value::String),
        1 => Just(tree(CARD)),
        1 => Just(tree("-1.5e3")),
        1 => Just(Value::Bool(true)),
        1 => Just(Value::Null),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (value, any::<u64>(), 0..8_usize).prop_map(|(value, seed, broken)| {
        let mut random = Random::new(seed);
        let mut out = String::new();
        let (mut in_string, mut escaped) = (false, false);
        for c in value.to_string().chars() {
            let special = matches!(c, '"' | '\\') || escaped;
            if c == '"' && !escaped {
                in_string = !in_string;
            }
            if in_string && !special && random.below(6) == 0 {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                out.push(c);
                if !in_string && matches!(c, ',' | ':') && random.below(3) == 0 {
                    out.push(' ');
                }
            }
            escaped = c == '\\' && !escaped;
        }
        if broken == 0 {
            let at = random.below(out.len() + 1);
            let at = (0..=at).rev().find(|at| out.is_char_boundary(*at)).unwrap();
            out.insert_str(at, ["}", "\"", "x", "\\u00", "\\"][random.below(5)]);
        }
        out
    })
}

/// Any JSON, with values to be found in it.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![3 => "[a-z \u{e9}\"\\\\]{0,12}", 1 => Just(format!("write to {ADDRESS}.")), 1 => Just(ADDRESS.to_owned())];
    let key = prop_oneof![3 => "[a-z]{1,8}", 1 => Just(ADDRESS.to_owned()), 1 => Just("content".to_owned())];
    let leaf = prop_oneof![
        text.prop_map(Value::String),
        Just(tree(CARD)),
        Just(Value::Null),
        (0_i64..100_000).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The way to every string of a tree.
pub(crate) fn strings(value: &Value, path: &mut Vec<String>) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    let children: Vec<(String, &Value)> = match value {
        Value::String(_) => return vec![path.clone()],
        Value::Array(items) => items.iter().enumerate().map(|(i, item)| (i.to_string(), item)).collect(),
        Value::Object(object) => object.iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        path.push(step);
        out.extend(strings(child, path));
        path.pop();
    }
    out
}

/// What is at the end of a way.
pub(crate) fn at<'a>(value: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(value, |value, step| match value {
        Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        Value::Object(object) => object.get_mut(step).unwrap(),
        _ => unreachable!(),
    })
}

/// Gives these events to a gate, which must fail so; its refusal then says that the upstream failed.
pub(crate) fn fails_with(gate: &mut dyn Gate, events: &[&str], expected: &StreamError) {
    let mut out = Vec::new();
    let result = events.iter().try_for_each(|event| gate.event(event, &mut out).map(|_| ()));
    let result = result.and_then(|()| gate.end(&mut out).map(|_| ()));
    assert_eq!(result.as_ref(), Err(expected), "{events:?}");
    let mut out = Vec::new();
    gate.refuse(&Refusal::new(RefusalCode::UpstreamFailed, expected.to_string()), &mut out);
    assert!(String::from_utf8(out).unwrap().contains("upstream_failed"));
}

/// Gives these events to a gate, as bytes that are cut at random: what may leave, and how it ended.
pub(crate) fn feed(gate: &mut dyn Gate, events: &[String], longest: usize, seed: u64) -> (Vec<u8>, Progress) {
    let mut text = Vec::new();
    events.iter().for_each(|event| sse::write_data(&mut text, event));
    let mut parser = sse::Parser::default();
    let (mut out, mut progress) = (Vec::new(), Progress::Open);
    'all: for piece in chunking::bytes(&text, longest, seed) {
        parser.push(&piece);
        while let Some(event) = parser.next().unwrap() {
            progress = gate.event(event.data, &mut out).unwrap();
            if progress == Progress::Stopped {
                break 'all;
            }
        }
    }
    (out, progress)
}
