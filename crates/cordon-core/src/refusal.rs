//! Refusals: what a caller is told when a call ends early, and what only the record says.

use crate::Name;

/// A call that ends early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .code.as_str())]
pub struct Refusal {
    /// The stable code.
    pub code: RefusalCode,
    /// For the record and the log: what happened. Never content, never shown to the caller.
    pub private: String,
    /// What the caller reads in place of the code's sentence, where an operator wrote something.
    pub public: Option<Box<str>>,
    /// Seconds after which another try makes sense.
    pub retry_after: Option<u32>,
    /// The field or header of the request that is meant, where saying so helps an honest caller.
    pub param: Option<String>,
    /// The limit that refused: callers are told its name.
    pub limit: Option<Name>,
    /// The places of a prediction's input that are wrong, by row and field: where, never what.
    pub places: Box<[Box<str>]>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $word:literal, $status:literal, $kind:literal, $sentence:literal;)*) => {
        /// The stable codes. Callers' programs branch on them, so none is ever renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RefusalCode { $($(#[$doc])* $code),* }

        impl RefusalCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The code as callers see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $word),* }
            }

            /// The HTTP status (RFC 9110).
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status),* }
            }

            /// The `type` of OpenAI's error object.
            pub const fn kind(self) -> &'static str {
                match self { $(Self::$code => $kind),* }
            }

            /// A sentence that a person understands. It says nothing of rules, names or other callers.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$code => $sentence),* }
            }

            /// The code of a word.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$code),)* _ => None }
            }
        }
    };
}

codes! {
    /// The body is not strict JSON.
    InvalidJson = "invalid_json", 400, "invalid_request_error",
        "The body is not valid JSON; keys must not repeat, and numbers and nesting must stay within bounds.";
    /// The body is JSON, and not a request of this kind.
    InvalidRequest = "invalid_request", 400, "invalid_request_error",
        "The request does not have the form that this endpoint expects.";
    /// A field that would choose a host, a credential or another model.
    ForbiddenField = "forbidden_field", 400, "invalid_request_error",
        "The request has a field that callers may not set.";
    /// The rows of a prediction are not what the model takes.
    InvalidPredictionInput = "invalid_prediction_input", 422, "invalid_request_error",
        "The input is not what the model takes.";
    /// A field that cannot be said in the protocol of the model's service.
    NotTranslatable = "not_translatable", 400, "invalid_request_error",
        "The model's service speaks another protocol, which has no equal for a field of the request.";
    /// The caller's content may not go on.
    ContentBlocked = "content_blocked", 400, "content_policy_error",
        "The content was blocked by this organisation's policy.";
    /// It waits for a person who looks at it.
    Held = "held", 403, "content_policy_error",
        "The content is held until a person has looked at it; send it again when it was released.";
    /// A person would have to look at it, and there is none.
    HeldNoReviewer = "held_no_reviewer", 403, "content_policy_error",
        "The content needs a person's review, and no reviewer is available.";
    /// There is no key.
    MissingApiKey = "missing_api_key", 401, "authentication_error",
        "No API key was given; send `Authorization: Bearer ck_…`.";
    /// The caller was quarantined.
    CallerQuarantined = "caller_quarantined", 403, "permission_error",
        "This caller was suspended by an operator or a policy.";
    /// The request offers tools, and the route is in safe mode.
    ToolsRefused = "tools_refused", 403, "permission_error",
        "This route takes no tools at the moment.";
    /// The request offers a tool that was quarantined.
    ToolQuarantined = "tool_quarantined", 403, "permission_error",
        "The request offers a tool that was taken out of service.";
    /// The request brings a prompt that was quarantined.
    PromptQuarantined = "prompt_quarantined", 403, "permission_error",
        "The request brings a prompt that was taken out of service.";
    /// The content is of a stricter class than any service of the route is sent.
    SensitivityExceeded = "sensitivity_exceeded", 403, "permission_error",
        "The content is more sensitive than the models of this route may be sent.";
    /// The key is unknown, or its form or secret is wrong.
    InvalidApiKey = "invalid_api_key", 401, "authentication_error", "The API key is not valid.";
    /// The key has ended.
    ApiKeyExpired = "api_key_expired", 401, "authentication_error", "The API key has expired.";
    /// The key was revoked.
    ApiKeyRevoked = "api_key_revoked", 401, "authentication_error", "The API key was revoked.";
    /// There is no such route, or not for this caller.
    ModelNotFound = "model_not_found", 404, "invalid_request_error",
        "The model does not exist or this key may not use it.";
    /// There is no such file, or not of this caller.
    FileNotFound = "file_not_found", 404, "invalid_request_error",
        "The file does not exist, or this caller did not upload it.";
    /// There is no such endpoint.
    NotFound = "not_found", 404, "invalid_request_error", "There is no such endpoint.";
    /// The endpoint does not know this method.
    MethodNotAllowed = "method_not_allowed", 405, "invalid_request_error",
        "The endpoint does not support this method.";
    /// The body came too slowly.
    BodyTimeout = "body_timeout", 408, "invalid_request_error", "The body was not received in time.";
    /// The body is too large.
    BodyTooLarge = "body_too_large", 413, "invalid_request_error", "The body is larger than allowed.";
    /// The body has a content coding that is not decoded here.
    UnsupportedEncoding = "unsupported_encoding", 415, "invalid_request_error",
        "The body's content type or coding is not supported; send JSON, plain or with gzip.";
    /// Too many requests in a window.
    RateLimited = "rate_limit_exceeded", 429, "rate_limit_error", "Too many requests; try again later.";
    /// The caller is slowed down for a while, because of what its calls look like together.
    Throttled = "throttled", 429, "rate_limit_error",
        "This caller is slowed down for a while; try again later.";
    /// Too many calls at the same time.
    ConcurrencyLimited = "concurrency_limit_exceeded", 429, "rate_limit_error",
        "Too many calls at the same time; try again when one has ended.";
    /// Too many tokens in a window.
    TokensLimited = "token_limit_exceeded", 429, "rate_limit_error",
        "Too many tokens in this time; try again later, or ask for fewer.";
    /// No money is left in a window.
    BudgetExceeded = "budget_exceeded", 429, "insufficient_quota", "The budget for this time is used up.";
    /// The call alone is more than a limit has in its whole window.
    CallExceedsLimit = "call_exceeds_limit", 400, "invalid_request_error",
        "The call asks for more tokens or money than a limit has in its whole window; ask for fewer tokens.";
    /// The call has more of something than one call may have.
    PayloadLimited = "payload_limit_exceeded", 400, "invalid_request_error",
        "The request has more of this than one call may have.";
    /// The call took longer than one call may take.
    CallTimeout = "call_time_exceeded", 504, "rate_limit_error", "The call took longer than a limit allows.";
    /// Limits of the call cannot be checked.
    LimitsUnavailable = "limits_unavailable", 503, "server_error",
        "A limit of this call cannot be checked now; try again later.";
    /// Something inside failed.
    Internal = "internal_error", 500, "server_error", "The gateway failed; the call was not completed.";
    /// The upstream gave no usable answer.
    UpstreamFailed = "upstream_failed", 502, "server_error", "The model's service gave no usable answer.";
    /// A prediction did not pass the checks of its model or its route.
    PredictionRefused = "prediction_refused", 502, "server_error",
        "The prediction did not pass its checks and was not released.";
    /// The upstream cannot be reached.
    UpstreamUnavailable = "upstream_unavailable", 502, "server_error",
        "The model's service cannot be reached.";
    /// The record cannot be made durable.
    RecordUnavailable = "record_unavailable", 503, "server_error",
        "The call cannot be recorded, and this route requires a record.";
    /// What the route says must be kept cannot be kept.
    ContentUnavailable = "content_unavailable", 503, "server_error",
        "The call's content cannot be kept, and this route requires it.";
    /// A detector that the call's guards need says nothing.
    DetectorUnavailable = "detector_unavailable", 503, "server_error",
        "The content cannot be inspected now; try again later.";
    /// The Snapshot is too old.
    SnapshotStale = "snapshot_stale", 503, "server_error", "The gateway's policy is out of date.";
    /// What the call needs was quarantined.
    Quarantined = "quarantined", 503, "server_error",
        "What this call needs was taken out of service by an operator or a policy.";
    /// The route is switched off.
    RouteOff = "route_off", 503, "server_error", "This service is switched off at the moment; please try again later.";
    /// More calls than the gateway takes.
    Overloaded = "overloaded", 503, "server_error", "The gateway is overloaded; try again later.";
    /// The gateway is going down.
    ShuttingDown = "shutting_down", 503, "server_error", "The gateway is shutting down; try again.";
    /// A running call was ended from within.
    Cancelled = "cancelled", 503, "server_error", "The call was ended by an operator or a policy.";
    /// The caller went away.
    CallerGone = "caller_gone", 499, "invalid_request_error", "The caller closed the connection.";
    /// The upstream took too long.
    UpstreamTimeout = "upstream_timeout", 504, "server_error", "The model's service did not answer in time.";
}

impl RefusalCode {
    /// Whether a containment refused: something is out of use, or switched off, until somebody ends that.
    pub const fn is_containment(self) -> bool {
        matches!(
            self,
            Self::CallerQuarantined
                | Self::Cancelled
                | Self::PromptQuarantined
                | Self::Quarantined
                | Self::RouteOff
                | Self::ToolQuarantined
                | Self::ToolsRefused
        )
    }

    /// Whether a limit refused for now, and will let the same call in later: whoever calls too much gets these.
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::BudgetExceeded
                | Self::ConcurrencyLimited
                | Self::RateLimited
                | Self::Throttled
                | Self::TokensLimited
        )
    }
}

impl Refusal {
    /// A refusal with its private reason.
    pub fn new(code: RefusalCode, private: impl Into<String>) -> Self {
        Self {
            code,
            private: private.into(),
            public: None,
            retry_after: None,
            param: None,
            limit: None,
            places: Box::default(),
        }
    }

    /// Says it to the caller in these words.
    #[must_use]
    pub fn said(mut self, words: Option<String>) -> Self {
        self.public = words.map(String::into_boxed_str);
        self
    }

    /// The sentence that the caller reads.
    pub fn sentence(&self) -> &str {
        self.public.as_deref().unwrap_or_else(|| self.code.sentence())
    }

    /// Names the field that is meant.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Names the limit that refused.
    #[must_use]
    pub fn by(mut self, limit: &Name) -> Self {
        self.limit = Some(limit.clone());
        self
    }

    /// Names the places of a prediction's input that are wrong.
    #[must_use]
    pub fn at(mut self, places: Vec<Box<str>>) -> Self {
        self.places = places.into();
        self
    }

    /// Says when another try makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl std::fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for RefusalCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for RefusalCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom("an unknown refusal code"))
    }
}

impl schemars::JsonSchema for RefusalCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RefusalCode".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let codes: Vec<&str> = Self::ALL.iter().map(|code| code.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": codes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for code in RefusalCode::ALL {
            assert_eq!(RefusalCode::parse(code.as_str()), Some(*code));
            assert!((400..600).contains(&code.status()));
            assert_eq!(code.is_limit(), code.status() == 429, "{code}");
            assert!(!(code.is_limit() && code.is_containment()), "{code}");
        }
    }
}
