//! The words of the protocols. They may stand in records, and there is nothing in them to be found; any other key or
//! value is the caller's or the model's.

/// Keys and fixed values of chat completions, embeddings and messages, as the official descriptions have them, and of their
/// common dialects. Sorted.
const WORDS: &[&str] = &[
    "allowed_callers",
    "allowed_tools",
    "annotations",
    "anthropic_beta",
    "any",
    "application/pdf",
    "approximate",
    "arguments",
    "array",
    "assistant",
    "audio",
    "auto",
    "b64_json",
    "base64",
    "boolean",
    "budget_tokens",
    "bytes",
    "cache_control",
    "cache_creation",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "call",
    "char_location",
    "chat.completion",
    "chat.completion.chunk",
    "choices",
    "citation",
    "citations",
    "citations_delta",
    "cited_text",
    "city",
    "completion_tokens",
    "completion_tokens_details",
    "content",
    "content_block",
    "content_block_location",
    "content_filter",
    "context",
    "country",
    "created",
    "custom",
    "data",
    "default",
    "definition",
    "delta",
    "description",
    "detail",
    "developer",
    "dimensions",
    "disable_parallel_tool_use",
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
    "file",
    "file_data",
    "file_id",
    "filename",
    "finish_reason",
    "flex",
    "float",
    "format",
    "frequency_penalty",
    "function",
    "function_call",
    "functions",
    "grammar",
    "high",
    "id",
    "image",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image_url",
    "include_obfuscation",
    "include_usage",
    "index",
    "input",
    "input_audio",
    "input_examples",
    "input_json_delta",
    "input_schema",
    "input_tokens",
    "integer",
    "is_error",
    "items",
    "json_object",
    "json_schema",
    "length",
    "list",
    "location",
    "logit_bias",
    "logprob",
    "logprobs",
    "low",
    "max_completion_tokens",
    "max_tokens",
    "media_type",
    "medium",
    "message",
    "messages",
    "metadata",
    "minimal",
    "modalities",
    "mode",
    "model",
    "mp3",
    "n",
    "name",
    "none",
    "number",
    "object",
    "output_config",
    "output_tokens",
    "page_age",
    "page_location",
    "page_number",
    "parallel_tool_calls",
    "parameters",
    "partial_json",
    "pause_turn",
    "prediction",
    "presence_penalty",
    "priority",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_tokens",
    "prompt_tokens_details",
    "properties",
    "reasoning",
    "reasoning_content",
    "reasoning_effort",
    "redacted_thinking",
    "refusal",
    "region",
    "required",
    "response_format",
    "role",
    "safety_identifier",
    "schema",
    "search_context_size",
    "search_result",
    "search_result_index",
    "search_result_location",
    "seed",
    "server_tool_use",
    "service_tier",
    "signature",
    "signature_delta",
    "source",
    "start_block_index",
    "start_char_index",
    "start_index",
    "start_page_number",
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
    "tool_use",
    "tool_use_id",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "total_tokens",
    "transcript",
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
    "web_search_options",
    "web_search_result",
    "web_search_result_location",
    "web_search_tool_result",
];

/// The word, when it is one of a protocol's.
pub(crate) fn known(text: &str) -> Option<&'static str> {
    WORDS.binary_search(&text).ok().and_then(|at| WORDS.get(at)).copied()
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
        assert_eq!(known("messages"), Some("messages"));
        assert_eq!(known("message_s"), None);
    }
}
