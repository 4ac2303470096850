//! The words of the protocols. They may stand in records, and there is nothing in them to be found; any other key or
//! value is the caller's or the model's.

/// Keys and fixed values of chat completions, embeddings, responses and messages, as the official descriptions have them, and of their
/// common dialects. Sorted.
const WORDS: &[&str] = &[
    "action",
    "additional_tools",
    "allowed_callers",
    "allowed_tools",
    "annotation",
    "annotation_index",
    "annotations",
    "anthropic_beta",
    "any",
    "application/pdf",
    "apply_patch",
    "apply_patch_call",
    "apply_patch_call_output",
    "approval_request_id",
    "approximate",
    "arguments",
    "array",
    "assistant",
    "audio",
    "auto",
    "b64_json",
    "background",
    "base64",
    "boolean",
    "budget_tokens",
    "bytes",
    "cache_control",
    "cache_creation",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "cache_write_tokens",
    "cached_tokens",
    "call",
    "call_id",
    "char_location",
    "chat.completion",
    "chat.completion.chunk",
    "choices",
    "citation",
    "citations",
    "citations_delta",
    "cited_text",
    "city",
    "code",
    "code_interpreter_call",
    "columns",
    "commentary",
    "compaction",
    "completed",
    "completed_at",
    "completion_tokens",
    "completion_tokens_details",
    "computer_call",
    "computer_call_output",
    "concise",
    "container_file_citation",
    "container_id",
    "content",
    "content_block",
    "content_block_location",
    "content_filter",
    "content_index",
    "context",
    "context_management",
    "conversation",
    "country",
    "created",
    "created_at",
    "custom",
    "custom_tool_call",
    "custom_tool_call_output",
    "data",
    "dataframe_records",
    "dataframe_split",
    "datatype",
    "default",
    "definition",
    "delta",
    "description",
    "detail",
    "detailed",
    "developer",
    "dimensions",
    "disable_parallel_tool_use",
    "disabled",
    "document",
    "document_index",
    "document_title",
    "eager_input_streaming",
    "effort",
    "embedding",
    "enabled",
    "encoding_format",
    "encrypted_content",
    "encrypted_index",
    "end_block_index",
    "end_char_index",
    "end_index",
    "end_page_number",
    "end_turn",
    "enum",
    "ephemeral",
    "error",
    "error_code",
    "expires_at",
    "failed",
    "file",
    "file_citation",
    "file_data",
    "file_id",
    "file_path",
    "file_search_call",
    "file_url",
    "filename",
    "final_answer",
    "finish_reason",
    "flex",
    "float",
    "format",
    "frequency_penalty",
    "function",
    "function_call",
    "function_call_output",
    "functions",
    "grammar",
    "high",
    "id",
    "image",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image_generation_call",
    "image_url",
    "in_progress",
    "include",
    "include_obfuscation",
    "include_usage",
    "incomplete",
    "incomplete_details",
    "index",
    "input",
    "input_audio",
    "input_examples",
    "input_file",
    "input_image",
    "input_json_delta",
    "input_schema",
    "input_text",
    "input_tokens",
    "input_tokens_details",
    "inputs",
    "instances",
    "instructions",
    "integer",
    "is_error",
    "item",
    "item_id",
    "item_reference",
    "items",
    "json_object",
    "json_schema",
    "length",
    "list",
    "local_shell",
    "local_shell_call",
    "local_shell_call_output",
    "location",
    "logit_bias",
    "logprob",
    "logprobs",
    "low",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "max_tool_calls",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "media_type",
    "medium",
    "message",
    "message.output_text.logprobs",
    "messages",
    "metadata",
    "minimal",
    "modalities",
    "mode",
    "model",
    "model_name",
    "model_version",
    "mp3",
    "n",
    "name",
    "namespace",
    "none",
    "number",
    "object",
    "original",
    "output",
    "output_config",
    "output_index",
    "output_text",
    "output_tokens",
    "output_tokens_details",
    "outputs",
    "page_age",
    "page_location",
    "page_number",
    "parallel_tool_calls",
    "parameters",
    "params",
    "part",
    "partial_image_b64",
    "partial_image_index",
    "partial_json",
    "pause_turn",
    "phase",
    "prediction",
    "predictions",
    "presence_penalty",
    "previous_response_id",
    "priority",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "prompt_tokens",
    "prompt_tokens_details",
    "properties",
    "queries",
    "query",
    "queued",
    "reasoning",
    "reasoning.encrypted_content",
    "reasoning_content",
    "reasoning_effort",
    "reasoning_text",
    "reasoning_tokens",
    "redacted_thinking",
    "refusal",
    "region",
    "required",
    "response",
    "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call_code.done",
    "response.completed",
    "response.content_part.added",
    "response.content_part.done",
    "response.created",
    "response.custom_tool_call_input.delta",
    "response.custom_tool_call_input.done",
    "response.failed",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.in_progress",
    "response.incomplete",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.annotation.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.queued",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    "response.refusal.delta",
    "response.refusal.done",
    "response_format",
    "result",
    "results",
    "role",
    "safety_identifier",
    "schema",
    "search_context_size",
    "search_result",
    "search_result_index",
    "search_result_location",
    "searching",
    "seed",
    "sequence_number",
    "server_label",
    "server_tool_use",
    "service_tier",
    "shape",
    "shell_call",
    "shell_call_output",
    "signature",
    "signature_delta",
    "signature_name",
    "source",
    "start_block_index",
    "start_char_index",
    "start_index",
    "start_page_number",
    "status",
    "stop",
    "stop_details",
    "stop_reason",
    "stop_sequence",
    "stop_sequences",
    "store",
    "stream",
    "stream_options",
    "strict",
    "string",
    "summary",
    "summary_index",
    "summary_text",
    "syntax",
    "system",
    "system_fingerprint",
    "temperature",
    "text",
    "text/plain",
    "text_delta",
    "thinking",
    "thinking_delta",
    "timezone",
    "title",
    "token",
    "tool",
    "tool_call_id",
    "tool_calls",
    "tool_choice",
    "tool_reference",
    "tool_result",
    "tool_search_output",
    "tool_use",
    "tool_use_id",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "total_tokens",
    "transcript",
    "truncation",
    "ttl",
    "type",
    "url",
    "url_citation",
    "usage",
    "user",
    "user_id",
    "user_location",
    "verbosity",
    "voice",
    "wav",
    "web_search",
    "web_search_call",
    "web_search_options",
    "web_search_result",
    "web_search_result_location",
    "web_search_tool_result",
    "xhigh",
];

/// The words that begin with a byte: from where to where they stand, and which lengths they have, a bit for each.
#[derive(Clone, Copy)]
struct Initial {
    from: usize,
    to: usize,
    lengths: u64,
}

/// Those of each first byte. Each key and each string of a call is looked up, and few of them are words.
static INITIALS: [Initial; 256] = initials();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, which an index out of bounds ends")]
const fn initials() -> [Initial; 256] {
    let mut initials = [Initial { from: 0, to: 0, lengths: 0 }; 256];
    let mut at = 0;
    while at < WORDS.len() {
        let word = WORDS[at].as_bytes();
        assert!(word.len() < 64, "a length is a bit");
        let initial = &mut initials[word[0] as usize];
        if initial.lengths == 0 {
            initial.from = at;
        }
        initial.to = at + 1;
        initial.lengths |= 1 << word.len();
        at += 1;
    }
    initials
}

/// The word, when it is one of a protocol's.
pub(crate) fn known(text: &str) -> Option<&'static str> {
    let initial = INITIALS.get(usize::from(*text.as_bytes().first()?))?;
    let length = u32::try_from(text.len()).ok()?;
    if initial.lengths.checked_shr(length)? & 1 == 0 {
        return None;
    }
    WORDS.get(initial.from..initial.to)?.iter().find(|word| **word == text).copied()
}

/// Whether a field of a message is text that a model says to the caller.
pub(crate) fn is_said(key: &str) -> bool {
    matches!(key, "text" | "refusal" | "reasoning" | "reasoning_content" | "thinking" | "transcript")
}

/// Whether a field of a request is a setting: a number, a switch, or one of a few words.
pub(crate) fn is_setting(key: &str) -> bool {
    matches!(
        key,
        "audio"
            | "frequency_penalty"
            | "logit_bias"
            | "logprobs"
            | "max_completion_tokens"
            | "max_tokens"
            | "modalities"
            | "n"
            | "parallel_tool_calls"
            | "presence_penalty"
            | "prompt_cache_retention"
            | "reasoning_effort"
            | "seed"
            | "service_tier"
            | "store"
            | "stream"
            | "stream_options"
            | "temperature"
            | "top_logprobs"
            | "top_p"
            | "verbosity"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_found() {
        assert!(WORDS.is_sorted());
        for word in WORDS {
            assert_eq!(known(word), Some(*word));
            for other in [format!("{word}_"), format!("_{word}"), word.to_uppercase()] {
                assert_eq!(known(&other), WORDS.iter().find(|word| **word == other).copied());
            }
        }
        assert_eq!(known("message_s"), None);
        assert_eq!(known(""), None);
        assert_eq!(known(&"a".repeat(1 << 20)), None);
    }
}
