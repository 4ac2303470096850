//! The labels of series. Names are those of resources, which the configuration bounds; the rest are enumerations.

use std::borrow::Cow;

use cordon_core::{Category, Name};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use super::bounded::Labels;

/// What stands for every name beyond the bound.
const OTHER: &str = "other";
/// What stands for a name that is not known.
const NONE: &str = "none";

/// The name of a resource.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) enum Named {
    Known(Name),
    Word(&'static str),
}

impl Named {
    pub(super) fn of(name: Option<&Name>) -> Self {
        name.map_or(Self::Word(NONE), |name| Self::Known(name.clone()))
    }
}

impl EncodeLabelValue for Named {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        match self {
            Self::Known(name) => name.as_str().encode(encoder),
            Self::Word(word) => word.encode(encoder),
        }
    }
}

/// The category of a finding.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct Categorised(pub(super) Category);

impl EncodeLabelValue for Categorised {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_str().encode(encoder)
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Call {
    pub(super) route: Named,
    pub(super) verdict: &'static str,
    pub(super) outcome: &'static str,
    pub(super) status_class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Route {
    pub(super) route: Named,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Tokens {
    pub(super) route: Named,
    pub(super) direction: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Refusal {
    pub(super) route: Named,
    pub(super) refusal_code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Attempt {
    pub(super) model: Named,
    pub(super) attempt: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Priority {
    pub(super) priority: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Breaker {
    pub(super) model: Named,
    pub(super) phase: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Finding {
    pub(super) direction: &'static str,
    pub(super) category: Categorised,
    pub(super) action: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Code {
    pub(super) refusal_code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Reason {
    pub(super) reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Trigger {
    pub(super) trigger: Named,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Detector {
    pub(super) detector: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct DetectorBreaker {
    pub(super) detector: String,
    pub(super) phase: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Asked {
    pub(super) detector: String,
    pub(super) answer: &'static str,
}

/// Labels of the conventions for generative AI, and the service.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct GenAi {
    pub(super) gen_ai_operation_name: &'static str,
    pub(super) gen_ai_provider_name: &'static str,
    pub(super) gen_ai_request_model: Cow<'static, str>,
    pub(super) service: Named,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct GenAiTokens {
    #[prometheus(flatten)]
    pub(super) exchange: GenAi,
    pub(super) gen_ai_token_type: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct GenAiDuration {
    #[prometheus(flatten)]
    pub(super) exchange: GenAi,
    /// Empty where there was no error: a label without a value is none.
    pub(super) error_type: Cow<'static, str>,
}

/// The label of an exemplar.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Trace {
    pub(super) trace_id: String,
}

impl Labels for Call {
    fn other(&self) -> Self {
        Self { route: Named::Word(OTHER), ..self.clone() }
    }
}

impl Labels for Route {
    fn other(&self) -> Self {
        Self { route: Named::Word(OTHER) }
    }
}

impl Labels for Tokens {
    fn other(&self) -> Self {
        Self { route: Named::Word(OTHER), ..self.clone() }
    }
}

impl Labels for Refusal {
    fn other(&self) -> Self {
        Self { route: Named::Word(OTHER), ..self.clone() }
    }
}

impl Labels for Attempt {
    fn other(&self) -> Self {
        Self { model: Named::Word(OTHER), ..self.clone() }
    }
}

impl Labels for Breaker {
    fn other(&self) -> Self {
        Self { model: Named::Word(OTHER), ..self.clone() }
    }
}

impl Labels for Trigger {
    fn other(&self) -> Self {
        Self { trigger: Named::Word(OTHER) }
    }
}

impl Labels for Finding {
    fn other(&self) -> Self {
        Self { category: Categorised(Category::known(OTHER)), ..self.clone() }
    }
}

impl Labels for GenAi {
    fn other(&self) -> Self {
        Self { gen_ai_request_model: OTHER.into(), service: Named::Word(OTHER), ..self.clone() }
    }
}

impl Labels for GenAiTokens {
    fn other(&self) -> Self {
        Self { exchange: self.exchange.other(), ..self.clone() }
    }
}

impl Labels for GenAiDuration {
    fn other(&self) -> Self {
        let error_type = if self.error_type.is_empty() { "".into() } else { OTHER.into() };
        Self { exchange: self.exchange.other(), error_type }
    }
}

/// The class of a status.
pub(super) const fn status_class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => NONE,
    }
}
