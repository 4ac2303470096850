//! The document of the API against a node: every example is sent, in an order that works, and every answer is what the
//! document says.
//!
//! An example is a request that a node answered. `CORDON_GOLDEN=write` sends the requests of the file of examples again
//! and writes down what is answered now; a new endpoint needs its parameters and body there, and its place in [`ORDER`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use cordon::control::openapi;
use cordon_core::{
    DurationMs, KeyId, KeySecret, Name, Timestamp,
    command::{NewFiring, Wish},
    containment::{Containment, Firing, InFlight},
    fact::Actor,
    resource::SecretRef,
};
use cordon_guard::upstream::Environment;
use cordon_testkit::{FakeUpstream, ManualClock, Script, TempDir};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};
use support::World;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/control/openapi/examples.json");
const CONTENT_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// A limit that counts the call, and a trigger, which has fired before anything is asked.
const MORE: &str = "---
{apiVersion: cordon/v1, kind: Limit, name: per-day, spec: {applies_to: {team: t}, tokens: {count: 10000, window: day}}}
---
apiVersion: cordon/v1
kind: Trigger
name: m-fails
spec:
  on: {model: m}
  signal: {error_rate: {above: 0.5}}
  window: 60s
  action: {quarantine: model/m}
---
apiVersion: cordon/v1
kind: Guard
name: files
spec:
  scope: organisation
  rules:
    - {channels: [user, document, tool_output], category: file, at: 0.5, action: hold}
";

/// A chat that brings a file of which nobody knows what it is.
const FILE_OF_NO_TYPE: &str = r#"{"model": "bot", "messages": [{"role": "user", "content": [
    {"type": "file", "file": {"filename": "a.bin", "file_data": "data:application/octet-stream;base64,EzcBb25lOiBub3RoaW5nIHRoYXQgYW55Ym9keSBrbm93cwABAgM="}}]}]}"#;

async fn fire(world: &World) {
    let own = Name::parse("m-fails").unwrap();
    let now = world.clock.now();
    let firing = Firing {
        trigger: own.clone(),
        of: None,
        // What the examples of quarantines lift is another thing.
        containment: Containment::FallBack { model: Name::parse("m").unwrap(), route: None },
        t0: now,
        t1: now,
        calls: 50,
        bad: 31,
        first: Vec::new(),
        hold: DurationMs::from_secs(300),
        node: None,
    };
    let wish = NewFiring { firing, in_flight: InFlight::Finish, reason: "m fails".to_owned() };
    world.node.handles.sequencer.wish(Wish::FireTrigger(wish), Actor::Trigger(own)).await.unwrap();
}

/// How a request shows who sends it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// With the administrator's token.
    Bootstrap,
    /// With nothing.
    Nobody,
    /// With the session that `logIn` began.
    Session,
}
use Who::{Bootstrap, Nobody, Session};

/// All operations, in an order in which each finds what it needs.
const ORDER: &[(&str, Who)] = &[
    ("readHealth", Nobody),
    ("readReadiness", Nobody),
    ("readMetrics", Nobody),
    ("addUser", Bootstrap),
    ("enrol", Nobody),
    ("logIn", Nobody),
    ("changePassword", Session),
    ("logInForToken", Nobody),
    ("createToken", Session),
    ("readMe", Session),
    ("listMySessions", Session),
    ("listSessions", Session),
    ("endMySession", Session),
    ("endSession", Session),
    ("readVersion", Session),
    ("diagnose", Session),
    ("readOpenApi", Session),
    ("readSchema", Session),
    ("inspect", Session),
    ("plan", Session),
    ("apply", Session),
    ("listResources", Session),
    ("listRoutes", Session),
    ("listDetectors", Session),
    ("listLimitUsage", Session),
    ("readResource", Session),
    ("readHistory", Session),
    ("deleteResource", Session),
    ("createKey", Session),
    ("rotateKey", Session),
    ("revokeKey", Session),
    ("listKeys", Session),
    ("listCalls", Session),
    ("followCalls", Session),
    ("watchCalls", Session),
    ("readCall", Session),
    ("proveCall", Session),
    ("readRates", Session),
    ("readCategories", Session),
    ("labelFinding", Session),
    ("readCurve", Session),
    ("readEffectiveness", Session),
    ("listFeedback", Session),
    ("readContent", Session),
    ("setHold", Session),
    ("listHolds", Session),
    ("releaseHold", Session),
    ("eraseContent", Session),
    ("quarantineEffect", Session),
    ("quarantine", Session),
    ("listQuarantines", Session),
    ("liftQuarantine", Session),
    ("listTriggers", Session),
    ("liftTrigger", Session),
    ("listHeld", Session),
    ("readHeld", Session),
    ("readHeldContent", Session),
    ("rejectHeld", Session),
    ("releaseHeld", Session),
    ("readCheckpoint", Session),
    ("readTile", Session),
    ("listUsers", Session),
    ("readUser", Session),
    ("logOut", Session),
    ("setRole", Bootstrap),
    ("disableUser", Bootstrap),
    ("enableUser", Bootstrap),
    ("revokeSessions", Bootstrap),
    ("resetUser", Bootstrap),
];

/// A node of which something can be asked: a call is recorded, and its content is kept.
struct Asked {
    world: World,
    bootstrap: String,
    /// Cookie and repeated token of the session.
    session: (String, String),
    /// What examples call something, and what it is called in this run.
    names: BTreeMap<String, String>,
}

impl Asked {
    async fn new(upstream: &FakeUpstream) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-11-21T09:00:00Z").unwrap());
        let mut settings = support::settings(&folder, &clock);
        settings.content_key = Some(SecretRef::Env("CONTENT_KEY".to_owned()));
        settings.environment = Environment::with(|name| match name {
            "CONTENT_KEY" => Some(CONTENT_KEY.to_owned()),
            "UPSTREAM_KEY" => Some("sk-upstream".to_owned()),
            _ => None,
        });
        let node = support::start(settings).await;
        let bootstrap = std::fs::read_to_string(folder.path().join("data/admin.token")).unwrap();
        let nothing = KeySecret::new(KeyId::from_bytes([0; 8]), [0; 32]);
        let mut world = World::of(node, clock, nothing, KeyId::from_bytes([0; 8]), folder);
        world.apply(&support::resources(&upstream.base_url(), ", content: full", MORE)).await;
        world.key = world.issue("app", DurationMs::from_secs(86_400)).await;
        let reply = world.chat("Is anybody at 10.0.0.1?").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let mut names = BTreeMap::from([("{call}".to_owned(), reply.call().to_string())]);
        let held = world.send(world.request(FILE_OF_NO_TYPE)).await;
        let said = held.json()["error"]["message"].as_str().unwrap().to_owned();
        let id = said.split("held as ").nth(1).unwrap_or_else(|| panic!("{said}")).split(' ').next().unwrap();
        names.insert("{held}".to_owned(), id.to_owned());
        fire(&world).await;
        Self { world, bootstrap: bootstrap.trim().to_owned(), session: Default::default(), names }
    }

    /// An example with the names of this run.
    fn live(&self, example: &Value) -> Value {
        match example {
            Value::String(text) => Value::from(self.names.get(text).unwrap_or(text).clone()),
            Value::Array(values) => values.iter().map(|value| self.live(value)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.live(value)))
                .collect::<Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    /// Remembers what is called otherwise in this run than in the example.
    fn learn(&mut self, example: &Value, answer: &Value) {
        match (example, answer) {
            (Value::String(example), Value::String(answer)) if example != answer => {
                // What makes a thing names it first; lists may have another order.
                self.names.entry(example.clone()).or_insert_with(|| answer.clone());
            }
            (Value::Array(examples), Value::Array(answers)) => {
                examples.iter().zip(answers).for_each(|(example, answer)| self.learn(example, answer));
            }
            (Value::Object(examples), Value::Object(answers)) => {
                for (name, example) in examples {
                    self.learn(example, answers.get(name).unwrap_or(&Value::Null));
                }
            }
            _ => {}
        }
    }

    async fn send(&self, operation: &Operation<'_>, who: Who, example: &Value) -> Response<Incoming> {
        let mut path = operation.path.to_owned();
        let mut query = Vec::new();
        for (name, value) in self.live(&example["parameters"]).as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if path.contains(&format!("{{{name}}}")) {
                path = path.replace(&format!("{{{name}}}"), &value);
            } else {
                query.push(format!("{name}={value}"));
            }
        }
        let url = format!("http://{}{path}?{}", self.world.node.control, query.join("&"));
        let mut request = Request::builder().method(operation.method.to_uppercase().as_str()).uri(url);
        request = match who {
            Bootstrap => request.header("authorization", format!("Bearer {}", self.bootstrap)),
            Nobody => request,
            Session => request
                .header("cookie", &self.session.0)
                .header("cordon-csrf", &self.session.1)
                .header("origin", format!("http://{}", self.world.node.control)),
        };
        let body = match example.get("body") {
            Some(body) => {
                request = request.header("content-type", "application/json");
                self.live(body).to_string()
            }
            None => String::new(),
        };
        self.world.open(request.body(Full::new(Bytes::from(body))).unwrap()).await
    }
}

struct Operation<'d> {
    method: &'d str,
    path: &'d str,
    told: &'d Value,
}

fn operations(document: &Value) -> BTreeMap<&str, Operation<'_>> {
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, told)| (path, method, told))
    });
    methods
        .map(|(path, method, told)| (told["operationId"].as_str().unwrap(), Operation { method, path, told }))
        .collect()
}

/// What a schema of the document finds wrong with a value.
fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let schema = json!({"allOf": [schema], "components": document["components"]});
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

async fn first_event(mut body: Incoming) -> String {
    let mut text = String::new();
    while !text.contains("\n\n") {
        text.push_str(
            &String::from_utf8(body.frame().await.unwrap().unwrap().into_data().unwrap().into()).unwrap(),
        );
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_answered_as_the_document_says() {
    let document = openapi();
    let operations = operations(document);
    let writes = std::env::var("CORDON_GOLDEN").is_ok_and(|word| word == "write");
    let mut examples: Map<String, Value> =
        serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let ordered: BTreeSet<&str> = ORDER.iter().map(|(id, _)| *id).collect();
    assert_eq!(ordered, operations.keys().copied().collect(), "an operation has no place in the order");

    let upstream = FakeUpstream::start([Script::says("Yes.")]).await;
    let mut asked = Asked::new(&upstream).await;
    for (id, who) in ORDER {
        let operation = &operations[id];
        let mut example = examples.get(*id).cloned().unwrap_or_else(|| json!({}));
        if *id == "proveCall" {
            // Until the journal is anchored, the document's 409 says so.
            while asked.send(operation, *who, &example).await.status() == 409 {
                tokio::task::yield_now().await;
            }
        }
        let response = asked.send(operation, *who, &example).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let told = &operation.told["responses"][status.as_str()];
        let kind = headers["content-type"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let content = &told["content"][&kind];
        if ["followCalls", "watchCalls"].contains(id) {
            let event = first_event(response.into_body()).await;
            let data = event.strip_prefix("event: call\ndata: ").unwrap_or_else(|| panic!("{event}"));
            let data: Value = serde_json::from_str(data.trim()).unwrap();
            assert_eq!(faults(document, &content["schema"]["x-event-data"]["call"], &data), [""; 0]);
            continue;
        }
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(status, 200, "{id}: {body:?}");
        assert!(content.is_object(), "{id}: {kind} is not in the document");
        if kind != "application/json" {
            if *id == "readCheckpoint" {
                let size = std::str::from_utf8(&body).unwrap().lines().nth(1).unwrap().to_owned();
                asked.names.insert("0/000.p/9".to_owned(), format!("0/000.p/{size}"));
            }
            continue;
        }
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(faults(document, &content["schema"], &answer), [""; 0], "{id}: {answer}");
        if *id == "logIn" {
            let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
            asked.session = (cookie.to_owned(), answer["csrf"].as_str().unwrap().to_owned());
        }
        if let Some(shown) = example.get("answer").cloned() {
            let wrong = faults(document, &content["schema"], &shown);
            assert!(writes || wrong.is_empty(), "{id}: the example: {wrong:?}");
            asked.learn(&shown, &answer);
        }
        // What a new example may be written with, before the file holds the names of a run.
        for (of, placeholder, pointer) in [
            ("addUser", "{user}", "/user/id"),
            ("addUser", "{secret}", "/secret"),
            ("logInForToken", "{laptop}", "/id"),
            ("createToken", "{report}", "/id"),
        ] {
            if let Some(live) = answer.pointer(pointer).and_then(Value::as_str).filter(|_| of == *id) {
                asked.names.insert(placeholder.to_owned(), live.to_owned());
            }
        }
        if writes {
            let live = asked.live(&example);
            example = json!({});
            for field in ["parameters", "body"] {
                if let Some(value) = live.get(field) {
                    example[field] = value.clone();
                }
            }
            if *id != "readOpenApi" {
                example["answer"] = answer;
            }
            examples.insert((*id).to_owned(), example);
        }
    }
    if writes {
        std::fs::write(FILE, serde_json::to_string_pretty(&examples).unwrap() + "\n").unwrap();
    }
}
