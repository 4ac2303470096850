//! A request of some protocol, the rules of its guards and route, and what comes of answers to it.

use std::sync::Arc;

use cordon_core::{
    Action, CallId, Form, Mode,
    json::Value as Tree,
    record::RecordedGrounding,
    resource::{Answers, RefusalStyle, Topics},
};
use cordon_policy::CompiledAnswers;
use cordon_testkit::chunking;
use serde_json::{Value, json};

use crate::{
    Inspection, Verdict,
    answer::{AnswerGate, Expected},
    anthropic::{Message, MessageGate, MessagesRequest, Wanted},
    authority::Protocol,
    openai::{self, StreamGate},
    responses::{self, ResponseGate},
    tree::{
        gate::{Gate, Progress, StreamOptions},
        testing::{inspection_of, tree},
    },
};

pub(super) const PROTOCOLS: [Protocol; 3] = [Protocol::Chat, Protocol::Messages, Protocol::Responses];

/// A request and what holds for its answer.
#[derive(Clone)]
pub(super) struct Scene {
    protocol: Protocol,
    request: Value,
    route: Option<Answers>,
    rules: Vec<(&'static str, Action)>,
    topics: Option<Topics>,
}

/// What came of an answer.
#[derive(Debug)]
pub(super) struct Released {
    /// What went on, as the protocol writes it.
    pub(super) text: String,
    pub(super) stopped: bool,
    /// Categories, what is done about them and where they stand, sorted.
    pub(super) found: Vec<String>,
}

impl Released {
    pub(super) fn passes(&self) -> bool {
        !self.stopped
    }
}

impl Scene {
    pub(super) fn new(protocol: Protocol) -> Self {
        let said = json!([{"role": "user", "content": "Where is my order?"}]);
        let request = match protocol {
            Protocol::Chat => json!({"model": "m", "messages": said}),
            Protocol::Messages => json!({"model": "m", "max_tokens": 9, "messages": said}),
            Protocol::Responses => json!({"model": "m", "input": said}),
        };
        Self { protocol, request, route: None, rules: Vec::new(), topics: None }
    }

    /// With further members of the request.
    pub(super) fn asks(mut self, members: Value) -> Self {
        let Value::Object(members) = members else { panic!("no object: {members}") };
        self.request.as_object_mut().unwrap().extend(members);
        self
    }

    pub(super) fn route(mut self, answers: Answers) -> Self {
        self.route = Some(answers);
        self
    }

    pub(super) fn topics(mut self, topics: Value) -> Self {
        self.topics = Some(serde_json::from_value(topics).unwrap());
        self
    }

    pub(super) fn rule(mut self, category: &'static str, action: Action) -> Self {
        self.rules.push((category, action));
        self
    }

    fn inspection(&self) -> Inspection {
        let rules: Vec<_> =
            self.rules.iter().map(|(category, action)| (*category, *action, Form::Mask)).collect();
        let plain = inspection_of(&rules, self.topics.clone(), Mode::Enforce);
        let request = match tree(self.request.to_string()) {
            Tree::Object(request) => request,
            other => panic!("no object: {other}"),
        };
        let route = self.route.as_ref().map(|answers| Arc::new(CompiledAnswers::new(answers)));
        let expected = Expected::of(&request, self.protocol, route.as_ref(), plain.guard());
        // Of files the texts are known once the request was inspected.
        let plain = plain.keeping_files(expected.as_ref().is_some_and(Expected::reads_files));
        let mut verdict = Verdict::default();
        if plain.keeps_files() {
            self.inspect_request(&plain, &mut verdict);
        }
        let files = verdict.take_attached();
        let expected =
            expected.and_then(|expected| expected.with_files(&files, route.as_ref(), plain.guard()));
        plain.expecting(expected)
    }

    fn inspect_request(&self, by: &Inspection, verdict: &mut Verdict) {
        let request = tree(self.request.to_string());
        match self.protocol {
            Protocol::Chat => {
                let _ = openai::Request::read(request).unwrap().inspect(by, verdict).unwrap();
            }
            Protocol::Messages => {
                let _ = MessagesRequest::read(request, &http::HeaderMap::new(), Wanted::Message)
                    .unwrap()
                    .inspect(by, verdict)
                    .unwrap();
            }
            Protocol::Responses => {
                let _ = responses::Request::read(request).unwrap().inspect(by, verdict).unwrap();
            }
        }
    }

    /// Whether anything is looked for.
    pub(super) fn expects(&self) -> bool {
        self.inspection().expected().is_some()
    }

    /// What is found in an answer, which is the same whole and as a stream.
    pub(super) fn found(&self, said: &str) -> Vec<String> {
        let whole = self.whole(said);
        for longest in [1, 5, 1_000] {
            let streamed = self.streamed(said, longest);
            assert_eq!(streamed.stopped, whole.stopped, "{said}");
            assert_eq!(streamed.found, whole.found, "{said}");
        }
        whole.found
    }

    /// What is found in a whole answer.
    pub(super) fn judged(&self, answer: &Value) -> Vec<String> {
        let mut verdict = Verdict::default();
        let _ = self.inspected(answer, &mut verdict);
        found(&verdict)
    }

    fn inspected(&self, answer: &Value, verdict: &mut Verdict) -> Result<Vec<u8>, cordon_core::Refusal> {
        let (tokens, rules) = (crate::Tokens::default(), self.inspection());
        let whole = tree(answer.to_string());
        match self.protocol {
            Protocol::Chat => openai::Response::read(whole).unwrap().inspect(&rules, &tokens, "m", verdict),
            Protocol::Messages => Message::read(whole).unwrap().inspect(&rules, &tokens, "m", verdict),
            Protocol::Responses => {
                responses::Response::read(whole).unwrap().inspect(&rules, &tokens, "m", verdict)
            }
        }
    }

    fn answer(&self, said: &str) -> Value {
        match self.protocol {
            Protocol::Chat => chat_answer(said),
            Protocol::Messages => message(said),
            Protocol::Responses => response(said),
        }
    }

    pub(super) fn whole(&self, said: &str) -> Released {
        let answer = self.answer(said);
        let mut verdict = Verdict::default();
        let bytes = self.inspected(&answer, &mut verdict);
        let text = bytes.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        Released { text, stopped: bytes.is_err(), found: found(&verdict) }
    }

    /// The same as a stream in pieces of at most so many characters.
    pub(super) fn streamed(&self, said: &str, longest: usize) -> Released {
        self.stream(&self.events(said, longest))
    }

    pub(super) fn stream(&self, events: &[String]) -> Released {
        let (released, has_ended) = self.stream_of(events);
        assert!(has_ended, "it ends");
        released
    }

    /// What has come of the first events of a stream.
    pub(super) fn stream_so_far(&self, events: &[String]) -> Released {
        self.stream_of(events).0
    }

    fn stream_of(&self, events: &[String]) -> (Released, bool) {
        let mut gate = self.gate();
        let (mut out, mut progress) = (Vec::new(), Progress::Open);
        for event in events {
            progress = gate.event(event, &mut out).unwrap();
            if progress != Progress::Open {
                break;
            }
        }
        let stopped = progress == Progress::Stopped;
        assert_eq!(stopped, gate.verdict().refusal().is_some());
        let released =
            Released { text: String::from_utf8(out).unwrap(), stopped, found: found(gate.verdict()) };
        (released, progress != Progress::Open)
    }

    /// How far an answer is borne out, whole or as a stream in pieces of at most so many characters.
    pub(super) fn grounding(&self, said: &str, longest: Option<usize>) -> Option<RecordedGrounding> {
        let mut verdict = Verdict::default();
        if let Some(longest) = longest {
            let (mut gate, mut out) = (self.gate(), Vec::new());
            for event in self.events(said, longest) {
                gate.event(&event, &mut out).unwrap();
            }
            verdict = gate.verdict().clone();
        } else {
            let _ = self.inspected(&self.answer(said), &mut verdict);
        }
        verdict.recorded().grounding.as_deref().cloned()
    }

    /// How much of the answer has left after each event of a stream, in bytes, where it ends without being stopped.
    pub(super) fn leaves(&self, said: &str, longest: usize) -> Vec<usize> {
        let (mut gate, mut out) = (self.gate(), Vec::new());
        let mut left = Vec::new();
        for event in self.events(said, longest) {
            gate.event(&event, &mut out).unwrap();
            left.push(self.read(&String::from_utf8(out.clone()).unwrap()).len());
        }
        left
    }

    /// What leaves of a stream that breaks off, and whether that is said.
    pub(super) fn broken(&self, events: &[String]) -> (String, bool) {
        let mut gate = self.gate();
        let mut out = Vec::new();
        let failed = events.iter().any(|event| gate.event(event, &mut out).is_err());
        (String::from_utf8(out).unwrap(), failed)
    }

    fn gate(&self) -> Box<dyn Gate> {
        let options = StreamOptions {
            call: CallId::from_bytes([1; 16]),
            route: "m".to_owned(),
            include_usage: false,
            refusal: RefusalStyle::Error,
            max_bytes: 1 << 20,
        };
        let (rules, tokens) = (self.inspection(), crate::Tokens::default());
        let plain: Box<dyn Gate> = match self.protocol {
            Protocol::Chat => Box::new(StreamGate::new(rules.clone(), tokens, options)),
            Protocol::Messages => Box::new(MessageGate::new(rules.clone(), tokens, options)),
            Protocol::Responses => Box::new(ResponseGate::new(rules.clone(), tokens, options)),
        };
        AnswerGate::before(plain, self.protocol, &rules, 1 << 20)
    }

    pub(super) fn events(&self, said: &str, longest: usize) -> Vec<String> {
        let pieces = chunking::chars(said, longest, 7);
        let events = match self.protocol {
            Protocol::Chat => return chunks(&pieces),
            Protocol::Messages => of_message(&pieces),
            Protocol::Responses => of_response(&pieces, said),
        };
        events.iter().map(Value::to_string).collect()
    }

    /// What a caller reads of a stream.
    pub(super) fn read(&self, stream: &str) -> String {
        let data =
            stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        let events = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
        let said = events.map(|event| match self.protocol {
            Protocol::Chat => event["choices"][0]["delta"]["content"].clone(),
            Protocol::Messages => event["delta"]["text"].clone(),
            Protocol::Responses => event["delta"].clone(),
        });
        said.filter_map(|said| said.as_str().map(str::to_owned)).collect()
    }
}

pub(super) fn chat_answer(said: &str) -> Value {
    json!({"id": "1", "object": "chat.completion", "created": 1, "model": "x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}]})
}

fn message(said: &str) -> Value {
    json!({"id": "1", "type": "message", "role": "assistant", "model": "x", "stop_reason": "end_turn",
        "stop_sequence": null, "content": [{"type": "text", "text": said}], "usage": {"input_tokens": 1, "output_tokens": 1}})
}

fn response(said: &str) -> Value {
    json!({"id": "1", "object": "response", "created_at": 1, "status": "completed", "model": "x",
        "output": [{"type": "message", "id": "a", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": said, "annotations": []}]}]})
}

fn chunks(pieces: &[String]) -> Vec<String> {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "x",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        .to_string()
    };
    let mut all = vec![chunk(json!({"role": "assistant", "content": ""}), json!(null))];
    all.extend(pieces.iter().map(|piece| chunk(json!({"content": piece}), json!(null))));
    all.extend([chunk(json!({}), json!("stop")), "[DONE]".to_owned()]);
    all
}

fn of_message(pieces: &[String]) -> Vec<Value> {
    let mut begun = message("");
    (begun["content"], begun["stop_reason"]) = (json!([]), json!(null));
    let mut all = vec![
        json!({"type": "message_start", "message": begun}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    all.extend(pieces.iter().map(|piece| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
    }));
    all.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ]);
    all
}

fn of_response(pieces: &[String], said: &str) -> Vec<Value> {
    let done = response(said);
    let item = &done["output"][0];
    let (mut opened, mut begun) = (done.clone(), item.clone());
    (opened["status"], opened["output"]) = (json!("in_progress"), json!([]));
    (begun["status"], begun["content"]) = (json!("in_progress"), json!([]));
    let at = |kind: &str, member: &str, value: Value| json!({"type": format!("response.{kind}"), "item_id": "a", "output_index": 0, "content_index": 0, member: value});
    let empty = json!({"type": "output_text", "text": "", "annotations": []});
    let mut all = vec![
        json!({"type": "response.created", "response": opened}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": begun}),
        at("content_part.added", "part", empty),
    ];
    all.extend(pieces.iter().map(|piece| at("output_text.delta", "delta", json!(piece))));
    all.extend([
        at("output_text.done", "text", json!(said)),
        at("content_part.done", "part", item["content"][0].clone()),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": done}),
    ]);
    all
}

/// What was found of an answer as such.
pub(super) fn found(verdict: &Verdict) -> Vec<String> {
    let mut found: Vec<String> = verdict
        .recorded()
        .findings
        .iter()
        .map(|found| format!("{} {} {}", found.category, found.action, found.part))
        .collect();
    found.sort();
    found
}
