//! One answer in every protocol, whole and as a stream, for the tests of what leaves with answers.

use cordon_core::{CallId, record::RecordedVerdict, resource::RefusalStyle};
use serde_json::{Value, json};

use crate::{
    Inspection, Tokens, Verdict,
    anthropic::{Message, MessageGate},
    openai::{self, StreamGate},
    responses::{self, ResponseGate},
    tree::{
        gate::{Gate, Progress, StreamOptions},
        testing::tree,
    },
};

pub(crate) const PROTOCOLS: [&str; 3] = ["chat", "messages", "responses"];

/// What a caller is told of an answer.
pub(crate) struct Answered {
    /// What left; of an answer that was stopped, before it was.
    pub(crate) text: String,
    pub(crate) stopped: bool,
    pub(crate) seen: RecordedVerdict,
}

impl Answered {
    /// What left of an answer that was not stopped.
    pub(crate) fn released(self) -> Option<String> {
        (!self.stopped).then_some(self.text)
    }
}

/// The answer that says this, whole.
pub(crate) fn answer(protocol: &str, said: &str) -> Value {
    match protocol {
        "chat" => json!({"id": "1", "object": "chat.completion", "created": 1, "model": "x",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}]}),
        "messages" => {
            json!({"id": "1", "type": "message", "role": "assistant", "model": "x", "stop_reason": "end_turn",
            "stop_sequence": null, "content": [{"type": "text", "text": said}], "usage": {"input_tokens": 1, "output_tokens": 1}})
        }
        _ => json!({"id": "1", "object": "response", "created_at": 1, "status": "completed", "model": "x",
            "output": [{"type": "message", "id": "a", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": said, "annotations": []}]}]}),
    }
}

/// The events of the same answer as a stream, a few letters each.
fn events(protocol: &str, said: &str) -> Vec<String> {
    let characters: Vec<char> = said.chars().collect();
    let pieces = characters.chunks(7).map(String::from_iter);
    match protocol {
        "chat" => {
            let chunk = |delta: Value, finish: Value| {
                json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "x",
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
                .to_string()
            };
            let said = pieces.map(|piece| chunk(json!({"content": piece}), json!(null)));
            said.chain([chunk(json!({}), json!("stop")), "[DONE]".to_owned()]).collect()
        }
        "messages" => {
            let mut message = answer(protocol, "");
            (message["content"], message["stop_reason"]) = (json!([]), json!(null));
            let start = [
                json!({"type": "message_start", "message": message}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            ];
            let said = pieces.map(|piece| {
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
            });
            let end = [
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 2}}),
                json!({"type": "message_stop"}),
            ];
            start.into_iter().chain(said).chain(end).map(|event| event.to_string()).collect()
        }
        _ => {
            let done = answer(protocol, said);
            let item = &done["output"][0];
            let (mut opened, mut begun) = (done.clone(), item.clone());
            (opened["status"], opened["output"]) = (json!("in_progress"), json!([]));
            (begun["status"], begun["content"]) = (json!("in_progress"), json!([]));
            let empty = json!({"type": "output_text", "text": "", "annotations": []});
            let start = [
                json!({"type": "response.created", "response": opened}),
                json!({"type": "response.output_item.added", "output_index": 0, "item": begun}),
                json!({"type": "response.content_part.added", "item_id": "a", "output_index": 0, "content_index": 0, "part": empty}),
            ];
            let said_all = pieces.map(|piece| {
                json!({"type": "response.output_text.delta", "item_id": "a", "output_index": 0, "content_index": 0, "delta": piece})
            });
            let end = [
                json!({"type": "response.output_text.done", "item_id": "a", "output_index": 0, "content_index": 0, "text": said}),
                json!({"type": "response.content_part.done", "item_id": "a", "output_index": 0, "content_index": 0, "part": item["content"][0]}),
                json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
                json!({"type": "response.completed", "response": done}),
            ];
            start.into_iter().chain(said_all).chain(end).map(|event| event.to_string()).collect()
        }
    }
}

/// What a caller is told of an answer that says this: whole, and as a stream.
pub(crate) fn answered(
    protocol: &str,
    inspection: &Inspection,
    tokens: &Tokens,
    said: &str,
) -> [Answered; 2] {
    let (mut verdict, whole) = (Verdict::default(), tree(answer(protocol, said).to_string()));
    let bytes = match protocol {
        "chat" => openai::Response::read(whole).unwrap().inspect(inspection, tokens, "m", &mut verdict),
        "messages" => Message::read(whole).unwrap().inspect(inspection, tokens, "m", &mut verdict),
        _ => responses::Response::read(whole).unwrap().inspect(inspection, tokens, "m", &mut verdict),
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let whole = Answered {
        stopped: bytes.is_err(),
        text: bytes.map(text).unwrap_or_default(),
        seen: verdict.recorded().clone(),
    };
    let options = StreamOptions {
        call: CallId::from_bytes([1; 16]),
        route: "m".to_owned(),
        include_usage: false,
        refusal: RefusalStyle::Error,
        max_bytes: 1 << 20,
    };
    let (rules, tokens) = (inspection.clone(), tokens.clone());
    let mut gate: Box<dyn Gate> = match protocol {
        "chat" => Box::new(StreamGate::new(rules, tokens, options)),
        "messages" => Box::new(MessageGate::new(rules, tokens, options)),
        _ => Box::new(ResponseGate::new(rules, tokens, options)),
    };
    let (mut out, mut progress) = (Vec::new(), Progress::Open);
    for event in events(protocol, said) {
        progress = gate.event(&event, &mut out).unwrap();
        if progress != Progress::Open {
            break;
        }
    }
    let stopped = progress == Progress::Stopped;
    [whole, Answered { text: text(out), stopped, seen: gate.verdict().recorded().clone() }]
}
