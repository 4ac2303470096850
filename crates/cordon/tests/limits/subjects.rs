//! Whom a limit holds for, and what it counts: each kind of subject with each of the things that are counted, from the caller's side.

use std::sync::{Arc, Mutex};

use cordon_core::{DurationMs, KeySecret, Name, command::Wish, fact::Actor, resource::Kind};
use cordon_testkit::{FakeUpstream, Gate, Script};
use serde_json::json;

use super::{Reply, World, refused, told, used, world};

/// Two teams, three callers, two models, and two routes to the first of them.
const WORLD: &str = r#"
---
{apiVersion: cordon/v1, kind: Team, name: u, spec: {}}
---
{apiVersion: cordon/v1, kind: Model, name: large, spec: {service: up, upstream_name: large-model, prices: [{currency: EUR, input: "0", output: "1"}]}}
---
{apiVersion: cordon/v1, kind: Route, name: also, spec: {team: t, targets: [{model: m}]}}
---
{apiVersion: cordon/v1, kind: Route, name: other, spec: {team: t, targets: [{model: large}]}}
---
{apiVersion: cordon/v1, kind: Principal, name: app, spec: {team: t, routes: [bot, also, other]}}
---
{apiVersion: cordon/v1, kind: Principal, name: second, spec: {team: t, routes: [bot, also, other]}}
---
{apiVersion: cordon/v1, kind: Principal, name: third, spec: {team: u, routes: [bot, also, other]}}
"#;

/// What is bounded, and what a caller is told who has no more of it. Of each, one call leaves no room for another.
const MEASURES: [(&str, &str); 6] = [
    ("requests: {count: 1, window: 400d}", "rate_limit_exceeded"),
    ("tokens: {count: 160, window: 400d}", "token_limit_exceeded"),
    ("input_tokens: {count: 100, window: 400d}", "token_limit_exceeded"),
    ("output_tokens: {count: 100, window: 400d}", "token_limit_exceeded"),
    ("money: {amount: \"0.0001\", currency: EUR, window: 400d}", "budget_exceeded"),
    ("concurrency: 1", "concurrency_limit_exceeded"),
];

/// The keys: two of one caller, one of another caller of its team, and one of another team.
struct Keys {
    own: KeySecret,
    again: KeySecret,
    colleague: KeySecret,
    stranger: KeySecret,
}

/// A call: with which key, to which route.
type Call<'a> = (&'a KeySecret, &'a str);

/// Some eighty letters, some twenty tokens.
const TEXT: &str = "word word word word word word word word word word word word word word word word";

fn request(
    world: &World,
    (key, route): Call<'_>,
    text: &str,
) -> http::Request<http_body_util::Full<bytes::Bytes>> {
    let messages = json!([{ "role": "user", "content": text }]);
    let body = json!({ "model": route, "max_completion_tokens": 60, "messages": messages });
    let mut request = world.request(body.to_string());
    request.headers_mut().insert("authorization", format!("Bearer {}", key.expose()).parse().unwrap());
    request
}

/// Calls, and waits until the call has given back what it held.
async fn call(world: &World, call: Call<'_>) -> Reply {
    let reply = world.send(request(world, call, TEXT)).await;
    world.node.handles.gateway.running().emptied().await;
    reply
}

fn passed() -> (u16, String, String) {
    refused(200, "", "")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_subject_is_held_to_each_measure_and_nobody_else_is() {
    let gate = Arc::new(Mutex::new(Gate::new()));
    let current = Arc::clone(&gate);
    let upstream = FakeUpstream::answering(move |request| {
        if request.json()["messages"][0]["content"] == "hang" {
            let gate = current.lock().unwrap().clone();
            return used(60).recut(&gate, |answer| vec![Vec::new(), answer.to_vec()]);
        }
        // As many tokens as were asked for, and more of input than are left for another call.
        let mut answer = json!({
            "id": "chatcmpl-test", "object": "chat.completion", "created": 1_767_225_600, "model": "test",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "ok" } }],
        });
        answer["usage"] = json!({ "prompt_tokens": 95, "completion_tokens": 60, "total_tokens": 155 });
        Script::json(200, &answer)
    })
    .await;
    let world = Arc::new(world(&upstream.base_url(), WORLD).await);
    let issue = async |principal: &str| world.issue(principal, DurationMs::from_secs(86_400)).await;
    let keys = Keys {
        own: issue("app").await,
        again: issue("app").await,
        colleague: issue("second").await,
        stranger: issue("third").await,
    };
    let id = KeySecret::parse(keys.own.expose()).unwrap().0;
    let Keys { own, again, colleague, stranger } = &keys;
    // Who uses it up, who has none left then, and whom it is not about.
    let subjects: [(String, Call<'_>, Call<'_>, Option<Call<'_>>); 6] = [
        (format!("{{key: \"{id}\"}}"), (own, "bot"), (own, "other"), Some((again, "bot"))),
        ("{principal: app}".into(), (own, "bot"), (again, "other"), Some((colleague, "bot"))),
        ("{team: t}".into(), (own, "bot"), (colleague, "other"), Some((stranger, "bot"))),
        ("{route: bot}".into(), (own, "bot"), (stranger, "bot"), Some((own, "also"))),
        ("{model: m}".into(), (own, "bot"), (stranger, "also"), Some((own, "other"))),
        ("organisation".into(), (own, "bot"), (stranger, "other"), None),
    ];
    for (measure, code) in MEASURES {
        for (number, (subject, first, second, third)) in subjects.iter().enumerate() {
            let case = format!("{subject}, {measure}");
            let (limit, _) = measure.split_once(':').unwrap();
            let limit = format!("{}-{number}", limit.replace('_', "-"));
            world
                .apply(&format!("{{apiVersion: cordon/v1, kind: Limit, name: {limit}, spec: {{applies_to: {subject}, {measure}}}}}"))
                .await;
            let full = refused(429, code, &limit);
            if measure.starts_with("concurrency") {
                *gate.lock().unwrap() = Gate::new();
                let before = upstream.count().requests;
                let hanging = world.send(request(&world, *first, "hang"));
                let meanwhile = async {
                    upstream.until(|count| count.requests > before).await;
                    let reply = world.send(request(&world, *second, TEXT)).await;
                    assert_eq!(told(&reply), full, "{case}");
                    assert_eq!(reply.header("retry-after"), "1", "{case}");
                    if let Some(third) = third {
                        assert_eq!(
                            told(&world.send(request(&world, *third, TEXT)).await),
                            passed(),
                            "{case}"
                        );
                    }
                    gate.lock().unwrap().open();
                };
                assert_eq!(told(&tokio::join!(hanging, meanwhile).0), passed(), "{case}");
                world.node.handles.gateway.running().emptied().await;
                assert_eq!(told(&call(&world, *second).await), passed(), "{case}: the place is there again");
            } else {
                assert_eq!(told(&call(&world, *first).await), passed(), "{case}");
                assert_eq!(told(&call(&world, *second).await), full, "{case}");
                if let Some(third) = third {
                    assert_eq!(told(&call(&world, *third).await), passed(), "{case}");
                }
            }
            let gone = Wish::Delete(Kind::Limit, Name::parse(&limit).unwrap());
            world.node.handles.sequencer.wish(gone, Actor::Local).await.unwrap();
            assert_eq!(told(&call(&world, *second).await), passed(), "{case}: the limit is no more");
        }
    }
}
