//! What has entered a conversation, from the messages of one request: the same request always gives the same answer.
//!
//! The system's and the user's own words are theirs. Everything else is somebody else's until it is known not to be: results of tools
//! (but for those declared to bring nothing of others), documents, pictures, recordings, and every kind of part that is not known here.

use cordon_core::{
    Channel, Refusal,
    json::{Object, Value},
    taint::Taint,
};
use cordon_policy::Snapshot;

use super::{
    brought,
    calls::{Called, OF_CALLER, items, kind_of, trusted_name},
    marks,
};

/// Parts in which somebody writes: they are as trusted as the message that they are in. A recording (`input_audio`) is none: nobody here
/// hears whether its user speaks in it, or a voice message that somebody sent him.
const WRITTEN: [&str; 9] = [
    "input_text",
    "output_text",
    "reasoning",
    "reasoning_text",
    "redacted_thinking",
    "refusal",
    "summary_text",
    "text",
    "thinking",
];

/// Items of a request for a response that bring nothing of anybody: lists of tools, thoughts, and questions about tools.
const SILENT: [&str; 5] =
    ["additional_tools", "mcp_approval_request", "mcp_approval_response", "mcp_list_tools", "reasoning"];

/// Members of a call of the Responses API in which its result stands.
const GIVEN_BACK: [&str; 5] = ["error", "output", "outputs", "result", "results"];

/// Members of a request beside its messages by which services take documents, or search for some and put them before the model
/// without a word of it in the answer: `documents` of vLLM (the chat templates' own), `data_sources` of Azure, `search_parameters` of
/// xAI, `enable_search` of Qwen, `web_search_options` of OpenAI.
const BESIDE: [&str; 5] =
    ["data_sources", "documents", "enable_search", "search_parameters", "web_search_options"];

/// What has entered a chat.
///
/// # Errors
/// When a mark of the caller's is not one that is known here.
pub(crate) fn of_chat(request: &Object, snapshot: &Snapshot) -> Result<Taint, Refusal> {
    let mut taint = marks::entered(request, &["messages"])?;
    let mut called = Called::default();
    beside(request, &mut taint);
    if items(request.get("tools")).iter().any(is_of_service) {
        // An answer of this protocol says nothing of what its service ran before, so that it counts from where it is offered.
        taint.untrusted.insert(Channel::Document);
    }
    for message in items(request.get("messages")) {
        for call in items(message.get("tool_calls")) {
            for kind in ["function", "custom"] {
                called.note(call.get("id"), call.get(kind).and_then(|of| of.get("name")));
            }
        }
        match message.get("role").and_then(Value::as_str) {
            Some("tool") => {
                result(called.result(message.get("tool_call_id")), snapshot, &mut taint);
                parts(message.get("content"), &mut taint);
            }
            Some("function") => {
                let name = message.get("name").and_then(Value::as_str);
                brought(snapshot, &Vec::from_iter(name), &mut taint);
                parts(message.get("content"), &mut taint);
            }
            _ => parts(message.get("content"), &mut taint),
        }
    }
    Ok(taint)
}

/// What has entered a conversation with messages.
///
/// # Errors
/// As [`of_chat`].
pub(crate) fn of_messages(request: &Object, snapshot: &Snapshot) -> Result<Taint, Refusal> {
    let mut taint = marks::entered(request, &["system", "messages"])?;
    let mut called = Called::default();
    beside(request, &mut taint);
    parts(request.get("system"), &mut taint);
    for message in items(request.get("messages")) {
        for block in items(message.get("content")) {
            let kind = kind_of(block);
            if kind.ends_with("tool_use") {
                called.note_block(block);
            } else if kind.ends_with("tool_result") {
                result(called.result_block(block), snapshot, &mut taint);
                // Other kinds of results hold what their tool gives in a form of its own.
                if kind == "tool_result" {
                    parts(block.get("content"), &mut taint);
                }
            } else if !WRITTEN.contains(&kind) {
                taint.untrusted.insert(Channel::Document);
            }
        }
    }
    Ok(taint)
}

/// What has entered a conversation with items.
///
/// # Errors
/// As [`of_chat`].
pub(crate) fn of_responses(request: &Object, snapshot: &Snapshot) -> Result<Taint, Refusal> {
    let mut taint = marks::entered(request, &["instructions", "input"])?;
    let mut called = Called::default();
    beside(request, &mut taint);
    for member in ["instructions", "input"] {
        for item in items(request.get(member)) {
            let kind = kind_of(item);
            match kind {
                "" | "message" => parts(item.get("content"), &mut taint),
                _ if WRITTEN.contains(&kind) || SILENT.contains(&kind) => {}
                _ if kind.ends_with("_call") => {
                    let name = trusted_name(item);
                    called.note(item.get("call_id"), Some(&name.as_str().into()));
                    // What the service ran has brought something, also where its item does not say what.
                    let given = || GIVEN_BACK.iter().any(|member| is_given(item.get(member)));
                    if !OF_CALLER.contains(&kind) || given() {
                        result(Some(vec![name]), snapshot, &mut taint);
                    }
                }
                _ if kind.ends_with("_output") => {
                    result(called.result(item.get("call_id")), snapshot, &mut taint);
                    if matches!(kind, "function_call_output" | "custom_tool_call_output") {
                        parts(item.get("output"), &mut taint);
                    }
                }
                _ => drop(taint.untrusted.insert(Channel::Document)),
            }
        }
    }
    Ok(taint)
}

/// What these tools have brought has entered.
fn result(names: Option<Vec<String>>, snapshot: &Snapshot, taint: &mut Taint) {
    let Some(names) = names else { return };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    brought(snapshot, &names, taint);
}

/// What stands beside the messages: documents, and orders to search for some.
fn beside(request: &Object, taint: &mut Taint) {
    let counts = |value: &Value| {
        !matches!(value, Value::Null | Value::Bool(false))
            && value.as_array().is_none_or(|all| !all.is_empty())
    };
    if BESIDE.iter().any(|member| request.get(member).is_some_and(counts)) {
        taint.untrusted.insert(Channel::Document);
    }
}

/// Whether a tool of a chat is run by the service. One without a type is a function where it says which.
fn is_of_service(tool: &Value) -> bool {
    match kind_of(tool) {
        "function" | "custom" => false,
        "" => !is_given(tool.get("function")),
        _ => true,
    }
}

fn is_given(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null())
}

/// The parts of a message: those in which nobody speaks are documents.
fn parts(content: Option<&Value>, taint: &mut Taint) {
    if items(content).iter().any(|part| !WRITTEN.contains(&kind_of(part))) {
        taint.untrusted.insert(Channel::Document);
    }
}
