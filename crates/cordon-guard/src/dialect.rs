//! How what the gateway says itself looks: refusals and errors in the form that the caller's library reads.

use cordon_core::{CallId, Refusal, json::Value};
use http::HeaderMap;

use crate::{
    anthropic,
    inspection::{Inspection, Verdict},
    openai,
    predict::{self, Format},
    sse,
};

/// The forms that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic's.
    Anthropic,
    /// MLflow's.
    Mlflow,
    /// The Open Inference Protocol's.
    OpenInference,
    /// OpenAI's.
    #[default]
    Openai,
}

impl Dialect {
    /// The form for who asks for this path with these headers.
    pub fn of(path: &str, headers: &HeaderMap) -> Self {
        let anthropic = path.starts_with("/v1/messages") || headers.contains_key("anthropic-version");
        match () {
            () if path.starts_with("/v2") => Self::OpenInference,
            () if path.starts_with("/routes/") => Self::Mlflow,
            () if anthropic => Self::Anthropic,
            () => Self::Openai,
        }
    }

    /// A refusal, with the call's id. It says nothing of rules or of what was found.
    pub fn error_object(self, refusal: &Refusal, call: &CallId) -> Value {
        match self {
            Self::Anthropic => anthropic::error_object(refusal, call),
            Self::Mlflow => predict::error_object(Format::Mlflow, refusal, call),
            Self::OpenInference => predict::error_object(Format::OpenInference, refusal, call),
            Self::Openai => openai::error_object(refusal, call),
        }
    }

    /// What ends a stream that was cut off from outside: an error instead of looking whole.
    pub(crate) fn cut_off(self, refusal: &Refusal, call: &CallId) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        match self {
            Self::Anthropic => anthropic::error_event(refusal, call, &mut out),
            // A prediction is no stream.
            Self::Mlflow | Self::OpenInference | Self::Openai => {
                sse::write_data(&mut out, &self.error_object(refusal, call).to_string());
                sse::write_data(&mut out, "[DONE]");
            }
        }
        out
    }

    /// The error for the caller of an error that a service answered with: its words, inspected and rewritten.
    ///
    /// # Errors
    /// When what the service says may not go on.
    pub(crate) fn upstream_error(
        self,
        answer: Option<&Value>,
        status: u16,
        call: &CallId,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<Value, Refusal> {
        match self {
            Self::Anthropic => anthropic::upstream_error(answer, status, call, inspection, verdict),
            Self::Mlflow => {
                predict::upstream_error(Format::Mlflow, answer, status, call, inspection, verdict)
            }
            Self::OpenInference => {
                predict::upstream_error(Format::OpenInference, answer, status, call, inspection, verdict)
            }
            Self::Openai => {
                let mut body = openai::upstream_error(answer, status, inspection, verdict)?;
                if let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) {
                    error.insert("call_id", call.to_string());
                }
                Ok(body.into())
            }
        }
    }
}
