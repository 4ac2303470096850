//! Threshold curves and the effect of guards, by made-up traffic and made-up labels.

use std::time::Duration;

use cordon_core::DurationMs;
use cordon_testkit::{FakeUpstream, Script};
use serde_json::{Value, json};

use super::{api, ask, rates::get, support};
use support::World;

/// A guard that only notes addresses, and takes cards out from 0.6 on.
const RULES: &str = "
---
apiVersion: cordon/v1
kind: Guard
name: g
spec:
  scope: organisation
  rules:
    - {category: pii/card, action: redact, at: 0.6}
    - {category: pii, action: flag}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_curve_is_made_of_scores_and_of_what_people_said() {
    let upstream = FakeUpstream::start((0..6).map(|_| Script::says("ok"))).await;
    let world = World::with(&upstream.base_url(), "", RULES, |_| {}).await;
    let mut calls = Vec::new();
    for text in
        ["My card is 4111 1111 1111 1111.", "My card is 5500 0000 0000 0004.", "Again: 4111 1111 1111 1111"]
    {
        calls.push(world.chat(text).await.call().to_string());
    }
    for text in ["Write to ana@example.org.", "Write to bo@example.org.", "The dog barks."] {
        calls.push(world.chat(text).await.call().to_string());
    }
    let label = async |call: usize, judgement: &str| {
        let wish = json!({"call": calls[call], "direction": "request", "finding": 0, "judgement": judgement});
        assert_eq!(api(&world, "/feedback", wish, &[]).await.status, 200);
    };
    label(0, "right").await;
    label(1, "false_alarm").await;
    label(1, "right").await;
    label(2, "false_alarm").await;
    label(3, "right").await;
    label(4, "right").await;
    label(4, "withdrawn").await;
    world.clock.advance(DurationMs::from_secs(90));
    let curve = async |query: &str| get(&world, &format!("/api/v1/findings/curve?{query}")).await;
    let counted = async {
        while curve("category=pii").await["calls"] != 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), counted).await.expect("the index follows");

    let told = curve("category=pii/card").await;
    assert_eq!(
        [&told["calls"], &told["findings"], &told["right"], &told["false_alarms"]],
        [&json!(3), &json!(3), &json!(2), &json!(1)]
    );
    assert_eq!((&told["whole"], &told["cut"]), (&json!(true), &json!(false)));
    let threshold =
        json!({"guard": "g", "mode": "enforce", "category": "pii/card", "at": 0.6, "action": "redact"});
    assert_eq!(told["thresholds"][1], threshold, "{}", told["thresholds"]);
    let points = told["points"].as_array().unwrap();
    let (first, last) = (&points[0], points.last().unwrap());
    assert_eq!(
        (&first["fires"], &first["right"], &first["false_alarms"], &first["missed"]),
        (&json!(3), &json!(2), &json!(1), &json!(0))
    );
    // Wilson's interval of 2 of 3: 20.8 to 93.9 %.
    assert_eq!(first["precision"], json!({"value": 0.666_667, "low": 0.207_66, "high": 0.938_508, "of": 3}));
    assert!(last["fires"].as_u64() <= first["fires"].as_u64(), "{points:?}");
    let fires: Vec<u64> = points.iter().map(|point| point["fires"].as_u64().unwrap()).collect();
    assert!(fires.is_sorted_by(|one, other| one >= other), "{fires:?}");
    // By detector and by channel, and of what nobody knows.
    assert_eq!(curve("category=pii/card&channel=document").await["points"], json!([]));
    assert_eq!(curve("category=pii/card&detector=pii.card&channel=user").await["right"], 2);
    assert_eq!(curve("category=pii/card&detector=other").await["findings"], 0);
    assert_eq!(curve("category=never_seen").await["points"], json!([]));
    let none = curve("category=pii/card&until=2026-11-20T00:00:00Z").await;
    assert_eq!((&none["right"], &none["thresholds"]), (&json!(0), &none["thresholds"]));
    for (wrong, status) in [
        ("", 400),
        ("category=PII", 400),
        ("category=pii&channel=nose", 400),
        ("category=pii&since=2026-11-22T00:00:00Z", 422),
    ] {
        let answer = ask(&world, &format!("/api/v1/findings/curve?{wrong}"), None, &[]).await;
        assert_eq!(answer.status, status, "{wrong}");
    }

    let effect = get(&world, "/api/v1/findings/effectiveness").await;
    let parts: Vec<Vec<Value>> = effect["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            ["direction", "category", "unsafe_findings", "redacted", "passed"]
                .map(|key| part[key].clone())
                .to_vec()
        })
        .collect();
    let part = |part: Value| part.as_array().unwrap().clone();
    assert_eq!(
        parts,
        [
            part(json!(["request", null, 3, 2, 1])),
            part(json!(["request", "pii/card", 2, 2, 0])),
            part(json!(["request", "pii/email", 1, 0, 1])),
        ]
    );
    assert_eq!(effect["parts"][0]["stopped"], first["precision"]);
    assert_eq!(
        get(&world, "/api/v1/findings/effectiveness?until=2026-11-20T00:00:00Z").await["parts"],
        json!([])
    );

    let page = ask(&world, "/findings/curve?range=24h&category=pii%2Fcard", None, &[]).await.text();
    assert!(page.contains("2 right, 1 false alarms") && page.contains("class=\"band s1\""), "{page}");
    assert!(page.contains("g: redact at 0.6") && page.contains("href=\"/guards/g\""), "{page}");
    let rows = get(&world, "/findings/curve?range=24h&category=pii%2Fcard&format=json").await;
    assert_eq!((&rows[0]["fires"], &rows[0]["precision_interval"]), (&json!("3"), &json!("20.8 to 93.9")));
    let rows = get(&world, "/findings/curve?range=24h&table=effect&format=json").await;
    assert_eq!((&rows[0]["stopped_percent"], &rows[0]["passed"]), (&json!("66.7"), &json!("1")));
    assert_eq!(ask(&world, "/findings/curve?category=%3Cb%3E", None, &[]).await.status, 400);
    assert_eq!(ask(&world, "/findings/curve?channel=nose", None, &[]).await.status, 400);
    world.node.stop().await.unwrap();
}

/// The share of unsafe answers that were stopped, by what reviewers said of them.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_unsafe_in_answers_is_counted_beside_requests() {
    let says =
        ["Your card is 4111 1111 1111 1111.", "Write to ana@example.org.", "Your PIN is in the letter."];
    let upstream = FakeUpstream::start(says.map(Script::says)).await;
    let world = World::with(&upstream.base_url(), "", RULES, |_| {}).await;
    let mut calls = Vec::new();
    for _ in says {
        calls.push(world.chat("Where does it stand?").await.call().to_string());
    }
    let label = async |call: usize| {
        let wish = json!({"call": calls[call], "direction": "answer", "finding": 0, "judgement": "right"});
        api(&world, "/feedback", wish, &[]).await.status
    };
    assert_eq!((label(0).await, label(1).await), (200.try_into().unwrap(), 200.try_into().unwrap()));
    assert!(label(2).await.is_client_error(), "nothing was found in it, so nothing can be said of a finding");
    world.clock.advance(DurationMs::from_secs(90));
    let effect = get(&world, "/api/v1/findings/effectiveness").await;
    let parts: Vec<Value> = effect["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            json!([
                part["direction"],
                part["category"],
                part["unsafe_findings"],
                part["redacted"],
                part["passed"],
                part["stopped"]["value"]
            ])
        })
        .collect();
    assert_eq!(
        parts,
        [
            json!(["answer", null, 2, 1, 1, 0.5]),
            json!(["answer", "pii/card", 1, 1, 0, 1.0]),
            json!(["answer", "pii/email", 1, 0, 1, 0.0]),
        ]
    );
}
