//! What became of made-up traffic, by the API and on the page: every number is known beforehand.

use std::time::Duration;

use cordon_core::DurationMs;
use cordon_testkit::{FakeUpstream, Script};
use http_body_util::Full;
use serde_json::{Value, json};

use super::{ask, support};
use support::World;

const RULES: &str = "
---
apiVersion: cordon/v1
kind: Guard
name: g
spec:
  scope: organisation
  rules:
    - {category: pii/card, action: block}
    - {category: pii/email, action: redact}
    - {category: file, action: hold}
---
{apiVersion: cordon/v1, kind: Principal, name: other, spec: {team: t, routes: [bot]}}
";

pub(crate) async fn get(world: &World, path: &str) -> Value {
    let reply = ask(world, path, None, &[]).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

/// A share, with Wilson's interval at 95 %, to six digits.
fn share(value: f64, low: f64, high: f64, of: u64) -> Value {
    json!({"value": value, "low": low, "high": high, "of": of})
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_of_made_up_traffic_are_what_was_sent() {
    let mut scripts: Vec<Script> = (0..5).map(|_| Script::says("ok")).collect();
    scripts.push(Script::says("Her card is 4111 1111 1111 1111."));
    let upstream = FakeUpstream::start(scripts).await;
    let world = World::with(&upstream.base_url(), "", RULES, |_| {}).await;
    for _ in 0..3 {
        assert_eq!(world.chat("The dog barks.").await.status, 200);
    }
    for _ in 0..2 {
        assert_eq!(world.chat("My card is 4111 1111 1111 1111.").await.code(), "content_blocked");
    }
    assert_eq!(world.chat("Write to ana@example.org.").await.status, 200);
    assert_eq!(world.send(world.request("{")).await.code(), "invalid_json");
    // A PDF without a page, a table or an end.
    let file = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjcKbm90aGluZwo="}});
    let call = json!({"model": "bot", "messages": [{"role": "user", "content": [file]}]});
    assert_eq!(world.send(world.request(call.to_string())).await.code(), "held_no_reviewer");
    let other = world.issue("other", DurationMs::from_secs(86_400)).await;
    let request = http::Request::post(format!("http://{}/v1/chat/completions", world.address()))
        .header("authorization", format!("Bearer {}", other.expose()))
        .header("content-type", "application/json")
        .body(Full::new(support::chat("The cat sleeps.", false).into()))
        .unwrap();
    assert_eq!(world.send(request).await.status, 200);
    assert_eq!(world.chat("Whose card is it?").await.code(), "content_blocked");
    // Lists are no content, and nobody's rate.
    let models = http::Request::get(format!("http://{}/v1/models", world.address()))
        .header("authorization", format!("Bearer {}", world.key.expose()));
    assert_eq!(world.send(models.body(Full::default()).unwrap()).await.status, 200);
    world.clock.advance(DurationMs::from_secs(90));

    let rates = async |query: &str| get(&world, &format!("/api/v1/findings/rates{query}")).await;
    let counted = async {
        while rates("").await["all"]["judged"] != 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), counted).await.expect("the index follows");
    let told = rates("").await;
    let all = json!({
        "judged": 10, "malformed": 1, "request_blocked": 2, "answer_blocked": 1, "held": 1, "redacted": 1, "flagged": 0, "unread": 1,
        "rejection_rate": share(0.3, 0.107_791, 0.603_222, 10),
        "hold_rate": share(0.1, 0.017_876, 0.404_15, 10),
        "unread_rate": share(0.1, 0.017_876, 0.404_15, 10),
    });
    assert_eq!((&told["all"], &told["by"], &told["more"]), (&all, &json!("route"), &json!(0)));
    assert_eq!((&told["since"], &told["step_minutes"]), (&json!("2026-11-20T09:00:00.000Z"), &json!(30)));
    // Minutes of the one half hour in which something ended.
    let mut step = all.clone();
    step["start"] = json!("2026-11-21T09:00:00.000Z");
    assert_eq!(told["steps"], json!([step]));
    let counts = |told: &Value, keys: &[&str]| -> Vec<Value> {
        let rows = told["sources"].as_array().unwrap();
        rows.iter().map(|row| keys.iter().map(|key| row[*key].clone()).collect()).collect()
    };
    // What is no JSON names no route.
    let keys = ["source", "judged", "malformed", "request_blocked", "held"];
    assert_eq!(counts(&told, &keys), [json!(["bot", 9, 0, 2, 1]), json!([null, 1, 1, 0, 0])]);
    assert_eq!(
        counts(&rates("?by=principal").await, &keys),
        [json!(["app", 9, 1, 2, 1]), json!(["other", 1, 0, 0, 0])]
    );
    assert_eq!(counts(&rates("?by=operation").await, &keys), [json!(["chat", 10, 1, 2, 1])]);
    let channels =
        counts(&rates("?by=channel").await, &["source", "request_blocked", "redacted", "answer_blocked"]);
    assert!(
        channels.contains(&json!(["user", 2, 1, 0])) && channels.contains(&json!(["model", 0, 0, 1])),
        "{channels:?}"
    );
    let one = rates("?by=principal&of=other").await;
    assert_eq!((one["steps"][0]["judged"].clone(), one["sources"].as_array().unwrap().len()), (json!(1), 1));
    // No rate where nothing was counted.
    let before = rates("?until=2026-11-20T00:00:00Z").await;
    assert!(before["all"].get("rejection_rate").is_none() && before["steps"] == json!([]), "{before}");

    let found = get(&world, "/api/v1/findings/categories?category=pii").await;
    let rows = json!([
        {"category": "pii", "calls": 4, "flagged": 0, "redacted": 1, "held": 0, "blocked": 3, "rate": share(0.4, 0.168_18, 0.687_326, 10)},
        {"category": "pii/card", "calls": 3, "flagged": 0, "redacted": 0, "held": 0, "blocked": 3, "rate": share(0.3, 0.107_791, 0.603_222, 10)},
        {"category": "pii/email", "calls": 1, "flagged": 0, "redacted": 1, "held": 0, "blocked": 0, "rate": share(0.1, 0.017_876, 0.404_15, 10)},
    ]);
    assert_eq!(found["categories"], rows);
    let found = get(&world, "/api/v1/findings/categories?category=pii/card&by_route=true").await;
    let [row] = found["categories"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!((&row["route"], &row["calls"], &row["rate"]["of"]), (&json!("bot"), &json!(3), &json!(9)));
    for (wrong, status) in [
        ("rates?by=colour", 400),
        ("rates?by=operation&of=sing", 422),
        ("rates?since=2026-11-22T00:00:00Z", 422),
        ("categories?since=x", 400),
    ] {
        let answer = ask(&world, &format!("/api/v1/findings/{wrong}"), None, &[]).await;
        assert_eq!(answer.status, status, "{wrong}");
    }

    // The page says the same, and its links lead to the calls behind a number.
    let page = ask(&world, "/findings/rates?range=24h", None, &[]).await.text();
    assert!(page.contains("30.0 %") && page.contains("3 of 10, 10.8 to 60.3 %"), "{page}");
    assert!(page.contains("class=\"band s1\"") && !page.contains("<script>"), "{page}");
    let rows = get(&world, "/findings/rates?range=24h&by=route&format=json").await;
    assert_eq!(
        (&rows[0]["source"], &rows[0]["rejected_percent"], &rows[0]["rejected_interval"]),
        (&json!("bot"), &json!("22.2"), &json!("6.3 to 54.7"))
    );
    let link = page
        .split("href=\"")
        .find(|link| link.starts_with("/calls?") && link.contains("verdict=hold"))
        .unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let calls = get(&world, &format!("{link}&format=json")).await;
    assert_eq!(calls.as_array().unwrap().len(), 1, "the call that was held: {link}");
    let steps = get(&world, "/findings/rates?range=1h&table=steps&format=json").await;
    assert_eq!((&steps[0]["judged"], &steps[0]["unread"]), (&json!("10"), &json!("1")));
    assert_eq!(ask(&world, "/findings/rates?by=colour", None, &[]).await.status, 400);
    assert_eq!(ask(&world, "/findings/rates?of=%3Cb%3E", None, &[]).await.status, 422);
    world.node.stop().await.unwrap();
}
