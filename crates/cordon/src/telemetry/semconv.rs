//! The names that telemetry uses, all of them here: those of the OpenTelemetry semantic conventions in one version, and
//! Cordon's own (`cordon.*`). None of them ever has content of a call, a value that was found, or a person's name as its
//! value. `docs/telemetry.md` lists them; a test compares it with [`ATTRIBUTES`] and [`INSTRUMENTS`].

use cordon_core::{record::Operation, resource::Protocol};

/// The version of the semantic conventions that names, units and buckets are from: the last one that held those for
/// generative AI before they moved to a repository of their own. Their status there is "development".
pub const VERSION: &str = "1.41.0";
/// The schema that says so to a receiver.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.41.0";
/// The instrumentation scope of all spans and metrics.
pub const SCOPE: &str = "cordon";

/// A name of an attribute, and what it holds.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: &'static str,
}

macro_rules! attributes {
    ($($constant:ident = $name:literal, $holds:literal;)*) => {
        $(#[doc = $holds] pub const $constant: &str = $name;)*
        /// Every attribute of spans, events and metrics.
        pub const ATTRIBUTES: &[Attribute] = &[$(Attribute { name: $name, holds: $holds }),*];
    };
}

attributes! {
    ERROR_TYPE = "error.type", "code of the refusal, or the status of an upstream that answered with an error";
    HTTP_METHOD = "http.request.method", "`GET`, `POST` or `DELETE`";
    HTTP_ROUTE = "http.route", "`/v1/chat/completions`, `/v1/messages`, `/v1/messages/count_tokens`, `/v1/responses`, `/v1/embeddings`, `/v1/models`, `/v2/models/{route}`, `/v2/models/{route}/infer`, `/routes/{route}/invocations`, `/v1/files`, `/v1/files/{file_id}` or `/v1/files/{file_id}/content`";
    HTTP_STATUS = "http.response.status_code", "status that the caller saw; on the upstream's span, that of the upstream";
    SERVER_ADDRESS = "server.address", "host of the service that the call went to";
    SERVER_PORT = "server.port", "its port";
    OPERATION = "gen_ai.operation.name", "`chat` or `embeddings`";
    PROVIDER = "gen_ai.provider.name", "whose API the service is, by its host; the name of its protocol for any other";
    CONVERSATION = "gen_ai.conversation.id", "keyed pseudonym of the conversation, where the caller named one";
    REQUEST_MODEL = "gen_ai.request.model", "name that the service knows the model by";
    RESPONSE_MODEL = "gen_ai.response.model", "model that answered, where that is the one asked for or a version of it";
    FINISH_REASONS = "gen_ai.response.finish_reasons", "why each choice ended: words of the format, any other is `other`";
    INPUT_TOKENS = "gen_ai.usage.input_tokens", "tokens of the prompt, as the upstream counted them";
    OUTPUT_TOKENS = "gen_ai.usage.output_tokens", "tokens of the answer, as the upstream counted them";
    TOKEN_TYPE = "gen_ai.token.type", "`input` or `output`";
    CALL_ID = "cordon.call.id", "id of the call: `cordon calls show ID`";
    PRINCIPAL = "cordon.principal", "name of the principal, a resource";
    KEY = "cordon.key.id", "id of the key";
    TEAM = "cordon.team", "principal's team";
    ROUTE = "cordon.route", "route";
    SYSTEM = "cordon.system", "the route's system";
    MODEL = "cordon.model", "model that was chosen, a resource";
    SERVICE = "cordon.service", "its service, a resource";
    REGION = "cordon.region", "where the service processes data";
    STREAM = "cordon.stream", "whether the answer was streamed";
    OUTCOME = "cordon.outcome", "`released`, `refused`, `upstream_failed`, `caller_gone` or `interrupted`";
    REFUSAL = "cordon.refusal.code", "code of the refusal";
    VERDICT = "cordon.verdict", "strictest action of a direction, or of both: `allow`, `flag`, `redact`, `hold`, `block`";
    WOULD = "cordon.verdict.observed", "what guards that only observe would have done";
    SNAPSHOT = "cordon.snapshot.position", "position in the log of the Snapshot that the call saw";
    BUSY = "cordon.inspection.duration", "seconds of inspecting, without waiting";
    BYTES = "cordon.bytes", "bytes of the request, or of the answer as released";
    FINDINGS = "cordon.findings", "how many findings there were";
    HELD = "cordon.held", "ids of what was held of a direction: `cordon held show ID`";
    RELEASED = "cordon.released", "ids of what a person's release let in";
    REJECTED = "cordon.rejected", "ids of what a person's rejection refused";
    GROUNDING_SENTENCES = "cordon.grounding.sentences", "how many sentences of the answer claim something, where it is compared with sources";
    GROUNDING_SUPPORTED = "cordon.grounding.supported", "how many of them the sources bear out";
    CATEGORY = "cordon.category", "category of a finding, such as `pii/card`";
    CHANNEL = "cordon.channel", "where the content came from";
    DETECTOR = "cordon.detector", "detector that found it";
    ACTION = "cordon.action", "what was done about it";
    GUARD = "cordon.guard", "guard that decided it, with its layer, such as `house (organisation)`; `built-in` is the baseline";
    DIRECTION = "cordon.direction", "`request` or `answer`";
    STATUS_CLASS = "cordon.status_class", "class of the status that the caller saw, such as `2xx`";
    ATTEMPT = "cordon.attempt", "what came of an attempt: `answered`, `failed`, `broken`, `unsent`, `timeout`, `cut_short`, `open`, `quarantined`, `passed_over`, `not_asked`, `unready`, `unsure`, `compared`";
    PHASE = "cordon.phase", "phase of a breaker: `closed`, `half_open`, `open`";
    PRIORITY = "cordon.priority", "priority of a route: `low`, `normal`, `high`";
    REASON = "cordon.reason", "why spans were lost: `queue_full`, `collector`, `rejected`";
}

/// The name of the span of an inspection of a request.
pub const SPAN_REQUEST: &str = "cordon.inspect.request";
/// The name of the span of an inspection of an answer.
pub const SPAN_ANSWER: &str = "cordon.inspect.answer";
/// The name of the span of the wait for the record.
pub const SPAN_RECORD: &str = "cordon.record";
/// The name of the event of a finding.
pub const EVENT_FINDING: &str = "cordon.finding";

/// An instrument of the conventions: its name in OTLP, in Prometheus, and its unit (UCUM).
#[derive(Clone, Copy, Debug)]
pub struct Instrument {
    /// Its name in OTLP.
    pub name: &'static str,
    /// Its name in Prometheus, made as the specification says
    /// (<https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>).
    pub prometheus: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it measures.
    pub measures: &'static str,
}

/// Tokens of a call.
pub const TOKEN_USAGE: Instrument = Instrument {
    name: "gen_ai.client.token.usage",
    prometheus: "gen_ai_client_token_usage",
    unit: "{token}",
    measures: "Tokens of each call",
};
/// The exchange with the upstream.
pub const OPERATION_DURATION: Instrument = Instrument {
    name: "gen_ai.client.operation.duration",
    prometheus: "gen_ai_client_operation_duration_seconds",
    unit: "s",
    measures: "Exchange with the upstream",
};
/// From the request to the first piece of a streamed answer.
pub const TIME_TO_FIRST_CHUNK: Instrument = Instrument {
    name: "gen_ai.client.operation.time_to_first_chunk",
    prometheus: "gen_ai_client_operation_time_to_first_chunk_seconds",
    unit: "s",
    measures: "From sending the request to the first byte of a streamed answer",
};

/// Every instrument of the conventions that is exported; the others are Cordon's own.
pub const INSTRUMENTS: &[Instrument] = &[TOKEN_USAGE, OPERATION_DURATION, TIME_TO_FIRST_CHUNK];

/// Buckets that the conventions ask for: tokens.
pub const TOKEN_BUCKETS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Buckets that the conventions ask for: durations, in seconds.
pub const DURATION_BUCKETS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// The conventions' name of an operation. The list of models is none of them; it goes to no upstream.
pub const fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat | Operation::ListModels | Operation::Messages | Operation::Responses => "chat",
        Operation::CountTokens => "count_tokens",
        Operation::Embeddings => "embeddings",
        // The conventions speak of generative models alone.
        Operation::Infer | Operation::Invocations | Operation::DescribeModel => "predict",
        Operation::Moderate => "moderate",
        // The conventions have no word for what a service keeps.
        Operation::UploadFile
        | Operation::ListFiles
        | Operation::DescribeFile
        | Operation::ReadFile
        | Operation::DeleteFile => "files",
    }
}

/// The provider whose API a host is, by the conventions' list of well-known names; any other is named by its protocol.
pub fn provider(host: &str, protocol: Protocol) -> &'static str {
    const HOSTS: &[(&str, &str)] = &[
        ("openai.azure.com", "azure.ai.openai"),
        ("services.ai.azure.com", "azure.ai.inference"),
        ("models.ai.azure.com", "azure.ai.inference"),
        ("api.anthropic.com", "anthropic"),
        ("amazonaws.com", "aws.bedrock"),
        ("api.cohere.com", "cohere"),
        ("api.cohere.ai", "cohere"),
        ("api.deepseek.com", "deepseek"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("api.groq.com", "groq"),
        ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
        ("api.mistral.ai", "mistral_ai"),
        ("api.perplexity.ai", "perplexity"),
        ("api.x.ai", "x_ai"),
    ];
    let is_at = |suffix: &str| {
        host.len().checked_sub(suffix.len()).is_some_and(|at| {
            host.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
                && (at == 0 || matches!(host.as_bytes().get(at.wrapping_sub(1)), Some(b'.' | b'-')))
        })
    };
    let spoken = match protocol {
        Protocol::Openai => "openai",
        Protocol::Anthropic => "anthropic",
        Protocol::OpenInference => "open_inference",
        Protocol::Mlflow => "mlflow",
    };
    HOSTS.iter().find(|(suffix, _)| is_at(suffix)).map_or(spoken, |(_, name)| name)
}

/// Host and port of a base URL.
pub fn host(base_url: &str) -> (&str, u16) {
    let (scheme, rest) = base_url.split_once("://").unwrap_or(("https", base_url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let default = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
    let bracketed = authority.strip_prefix('[').and_then(|inner| inner.split_once(']'));
    match bracketed {
        Some((host, port)) => (host, port.strip_prefix(':').and_then(|p| p.parse().ok()).unwrap_or(default)),
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(default)),
            None => (authority, default),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_by_its_host() {
        for (url, name, at, port) in [
            ("https://api.openai.com/v1", "openai", "api.openai.com", 443),
            ("https://x.openai.azure.com:8443/v1", "azure.ai.openai", "x.openai.azure.com", 8443),
            ("https://notapi.x.ai/v1", "openai", "notapi.x.ai", 443),
            ("https://API.X.AI", "x_ai", "API.X.AI", 443),
            ("https://eu-aiplatform.googleapis.com/v1", "gcp.vertex_ai", "eu-aiplatform.googleapis.com", 443),
            ("http://127.0.0.1:11434/v1", "openai", "127.0.0.1", 11434),
            ("http://[::1]:8000/v1", "openai", "::1", 8000),
            ("http://vllm/v1", "openai", "vllm", 80),
        ] {
            let (host, found) = host(url);
            assert_eq!((provider(host, Protocol::Openai), host, found), (name, at, port), "{url}");
        }
    }

    #[test]
    fn every_name_is_documented() {
        let page = include_str!("../../../../docs/telemetry.md");
        let attributes =
            ATTRIBUTES.iter().map(|Attribute { name, holds }| format!("| `{name}` | {holds} |\n"));
        let instruments = INSTRUMENTS.iter().map(|Instrument { name, prometheus, unit, measures }| {
            format!("| `{name}` | `{prometheus}` | `{unit}` | {measures} |\n")
        });
        for row in attributes.chain(instruments) {
            assert!(page.contains(&row), "docs/telemetry.md lacks this row:\n{row}");
        }
        for name in [VERSION, SPAN_REQUEST, SPAN_ANSWER, SPAN_RECORD, EVENT_FINDING] {
            assert!(page.contains(name), "docs/telemetry.md does not name {name}");
        }
    }

    #[test]
    fn names_are_named_once() {
        let names: std::collections::HashSet<&str> =
            ATTRIBUTES.iter().map(|attribute| attribute.name).collect();
        assert_eq!(names.len(), ATTRIBUTES.len());
        assert!(SCHEMA_URL.ends_with(VERSION));
    }
}
