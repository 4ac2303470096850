//! What each adapter sends and reads, as the documentation of each says.

use cordon_core::resource::{Kind, Spec};
use serde_json::json;

use super::*;

fn spec(adapter: &str, categories: &serde_json::Value, more: &serde_json::Value) -> DetectorSpec {
    let mut spec = json!({
        "adapter": adapter, "base_url": "https://detector.example.com", "categories": categories,
        "self_test": {"text": "x", "category": "pii"},
    });
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let Spec::Detector(spec) = Kind::Detector.read(spec).unwrap() else { panic!("not a detector") };
    spec
}

fn asked(spec: &DetectorSpec, channel: Channel, text: &str) -> (&'static str, serde_json::Value) {
    let Question { path, body } = question(spec, channel, text);
    (path, serde_json::from_slice(&body).unwrap())
}

fn answered(
    spec: &DetectorSpec,
    answer: &serde_json::Value,
    text: &str,
) -> Option<Vec<(String, usize, usize, u32)>> {
    let found = read(spec, answer.to_string().as_bytes(), text).ok()?;
    let line = |found: Found| {
        (found.category.to_string(), found.span.start, found.span.end, found.score.millionths() / 10_000)
    };
    Some(found.into_iter().map(line).collect())
}

fn one(category: &str, start: usize, end: usize, percent: u32) -> Option<Vec<(String, usize, usize, u32)>> {
    Some(vec![(category.to_owned(), start, end, percent)])
}

#[test]
fn cordons_own() {
    let spec = spec("cordon", &json!({"card": "pii/card"}), &json!({}));
    let expected = json!({"channel": "tool_output", "text": "a\n\"b\""});
    assert_eq!(asked(&spec, Channel::ToolOutput, "a\n\"b\""), ("/detect", expected));
    let finding = |finding: serde_json::Value| json!({"findings": [finding]});
    let card = json!({"category": "card", "score": 0.25, "start": 2, "end": 5, "more": "is passed over"});
    assert_eq!(answered(&spec, &finding(card), "é漢x"), one("pii/card", 2, 5, 25));
    assert_eq!(
        answered(&spec, &finding(json!({"category": "card", "score": 1})), "é"),
        one("pii/card", 0, 2, 100)
    );
    assert_eq!(answered(&spec, &json!({"findings": []}), "é"), Some(Vec::new()));
}

#[test]
fn openais_moderation() {
    let categories = json!({"harassment": "toxicity/harassment", "self-harm/intent": "toxicity/self_harm"});
    let of = spec("openai_moderation", &categories, &json!({"model": "omni-moderation-latest"}));
    let expected = json!({"input": "hi", "model": "omni-moderation-latest"});
    assert_eq!(asked(&of, Channel::User, "hi"), ("/moderations", expected));
    let answer = |flag: bool, harassment: serde_json::Value| {
        json!({
            "id": "modr-1", "model": "omni-moderation-latest", "results": [{
                "flagged": flag,
                "categories": {"harassment": flag, "self-harm/intent": false, "violence": true},
                "category_scores": {"harassment": harassment, "self-harm/intent": 0.0003, "violence": 0.97},
                "category_applied_input_types": {"harassment": ["text"]},
            }],
        })
    };
    assert_eq!(answered(&of, &answer(false, json!(0.2)), "hi"), one("toxicity/harassment", 0, 2, 20));
    assert_eq!(
        answered(&of, &answer(true, json!(0.2)), "hi"),
        one("toxicity/harassment", 0, 2, 50),
        "it is flagged"
    );
    assert_eq!(answered(&of, &answer(false, json!(0.05)), "hi"), Some(Vec::new()));
    for wrong in [json!(1.2), json!("NaN"), json!(null)] {
        assert_eq!(answered(&of, &answer(false, wrong), "hi"), None);
    }
    assert_eq!(answered(&of, &json!({"results": []}), "hi"), None, "nothing is said of the text");
    let unknown = spec("openai_moderation", &json!({"no-such-word": "toxicity"}), &json!({}));
    assert_eq!(asked(&unknown, Channel::User, "hi").1, json!({"input": "hi"}));
    assert_eq!(answered(&unknown, &answer(false, json!(0.2)), "hi"), None, "nobody looks for it there");
}

#[test]
fn presidios_analyzer() {
    let spec =
        spec("presidio", &json!({"PERSON": "pii/name", "US_SSN": "pii/ssn"}), &json!({"language": "de"}));
    let expected = json!({"text": "hi", "language": "de", "entities": ["PERSON", "US_SSN"]});
    assert_eq!(asked(&spec, Channel::User, "hi"), ("/analyze", expected));
    let answer = |entity: &str, start: u64, end: u64| {
        json!([{
            "analysis_explanation": null, "entity_type": entity, "start": start, "end": end, "score": 0.85,
            "recognition_metadata": {"recognizer_name": "SpacyRecognizer"},
        }])
    };
    // Characters: `é` and the emoji are one each.
    let text = "é 🙂 Ana";
    assert_eq!(answered(&spec, &answer("PERSON", 4, 7), text), one("pii/name", 8, 11, 85));
    assert_eq!(answered(&spec, &answer("PERSON", 0, 1), text), one("pii/name", 0, 2, 85));
    assert_eq!(answered(&spec, &answer("PERSON", 0, 1), "Ana"), one("pii/name", 0, 1, 85));
    for (entity, start, end) in
        [("PERSON", 4, 8), ("PERSON", 7, 7), ("PERSON", 5, 4), ("PERSON", 0, u64::MAX), ("LOCATION", 4, 7)]
    {
        assert_eq!(answered(&spec, &answer(entity, start, end), text), None, "{entity} {start}..{end}");
    }
    assert_eq!(answered(&spec, &json!([]), text), Some(Vec::new()));
    assert_eq!(answered(&spec, &json!({"error": "No text provided"}), text), None);
}

#[test]
fn lakera_guard() {
    let categories = json!({"prompt_attack": "prompt_injection/attack", "pii": "pii"});
    let spec = spec("lakera", &categories, &json!({"project": "project-1"}));
    let expected = |role: &str| {
        json!({
            "messages": [{"role": role, "content": "hi"}], "breakdown": true, "payload": true, "project_id": "project-1",
        })
    };
    for (channel, role) in [
        (Channel::System, "system"),
        (Channel::User, "user"),
        (Channel::Document, "user"),
        (Channel::ToolOutput, "tool"),
        (Channel::Model, "assistant"),
    ] {
        assert_eq!(asked(&spec, channel, "hi"), ("/guard", expected(role)));
    }
    let line = |word: &str, detected: bool| json!({"project_id": "project-1", "policy_id": "p", "detector_id": "d", "detector_type": word, "detected": detected, "message_id": 0});
    let answer = |payload: serde_json::Value, breakdown: serde_json::Value| {
        let flagged = breakdown.as_array().unwrap().iter().any(|line| line["detected"] == true);
        json!({"flagged": flagged, "payload": payload, "breakdown": breakdown, "metadata": {"request_uuid": "u"}})
    };
    let attack = json!([line("prompt_attack", true), line("pii/email", false)]);
    assert_eq!(answered(&spec, &answer(json!([]), attack), "hi"), one("prompt_injection/attack", 0, 2, 100));
    let email = || json!([line("prompt_attack", false), line("pii/email", true)]);
    let place = |start: u64, end: u64, said: &str| json!([{"start": start, "end": end, "text": said, "detector_type": "pii/email", "labels": [], "message_id": 0}]);
    let text = "é: a@example.org";
    assert_eq!(
        answered(&spec, &answer(place(3, 16, "a@example.org"), email()), text),
        one("pii", 4, 17, 100)
    );
    assert_eq!(
        answered(&spec, &answer(place(2, 15, "a@example.org"), email()), text),
        None,
        "it is elsewhere"
    );
    assert_eq!(answered(&spec, &answer(json!([]), email()), text), one("pii", 0, 17, 100));
    let foreign = json!([line("unknown_links", true)]);
    assert_eq!(answered(&spec, &answer(json!([]), foreign), text), None);
    let quiet = json!([line("prompt_attack", false)]);
    assert_eq!(answered(&spec, &answer(json!([]), quiet.clone()), text), Some(Vec::new()));
    let mut torn = answer(json!([]), quiet);
    torn["flagged"] = json!(true);
    assert_eq!(answered(&spec, &torn, text), None, "it does not say why");
    assert_eq!(answered(&spec, &json!({"flagged": false}), text), None, "no breakdown, though asked for");
}
