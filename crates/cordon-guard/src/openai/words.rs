//! The words of the protocol. They may stand in records, and there is nothing in them to be found; any other key or
//! value is the caller's or the model's.

/// Keys and fixed values of chat completions and embeddings, as the official description has them, and of its common
/// dialects. Sorted.
const WORDS: &[&str] = &[
    "allowed_tools",
    "annotations",
    "approximate",
    "arguments",
    "array",
    "assistant",
    "audio",
    "auto",
    "b64_json",
    "base64",
    "boolean",
    "bytes",
    "call",
    "chat.completion",
    "chat.completion.chunk",
    "choices",
    "city",
    "completion_tokens",
    "completion_tokens_details",
    "content",
    "content_filter",
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
    "document",
    "effort",
    "embedding",
    "encoding_format",
    "end_index",
    "enum",
    "error",
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
    "image_url",
    "include_obfuscation",
    "include_usage",
    "index",
    "input",
    "input_audio",
    "integer",
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
    "parallel_tool_calls",
    "parameters",
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
    "refusal",
    "region",
    "required",
    "response_format",
    "role",
    "safety_identifier",
    "schema",
    "search_context_size",
    "search_result",
    "seed",
    "service_tier",
    "source",
    "start_index",
    "stop",
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
    "thinking",
    "timezone",
    "title",
    "token",
    "tool",
    "tool_call_id",
    "tool_calls",
    "tool_choice",
    "tool_result",
    "tools",
    "top_logprobs",
    "top_p",
    "total_tokens",
    "transcript",
    "type",
    "url",
    "url_citation",
    "usage",
    "user",
    "user_location",
    "verbosity",
    "voice",
    "wav",
    "web_search_options",
];

/// The word, when it is one of the protocol's.
pub(super) fn known(text: &str) -> Option<&'static str> {
    WORDS.binary_search(&text).ok().and_then(|at| WORDS.get(at)).copied()
}

/// Whether a field of a message is text that a model says to the caller.
pub(super) fn is_said(key: &str) -> bool {
    matches!(key, "text" | "refusal" | "reasoning" | "reasoning_content" | "thinking" | "transcript")
}

/// Whether a field of a request is a setting: a number, a switch, or one of a few words.
pub(super) fn is_setting(key: &str) -> bool {
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
