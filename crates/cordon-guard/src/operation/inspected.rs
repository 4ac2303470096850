//! A request that was inspected: what goes to an upstream, and how its answer is read.

use std::{borrow::Cow, sync::Arc};

use cordon_core::{
    Refusal, RefusalCode, Timestamp,
    json::{Limits, Value},
    record,
    resource::{OutputField, Protocol},
};
use http::HeaderValue;

use super::{Answered, Back, Outgoing, Posted};
use crate::{
    answer::AnswerGate,
    anthropic,
    authority::{self, AuthorityGate},
    dispatch::Target,
    inspection::Inspection,
    limits::Shape,
    openai, predict,
    redact::Tokens,
    responses,
    translate::{Dropped, TranslatedGate, Translation},
    tree::{
        gate::{Gate, ResponseError, StreamOptions},
        request::written,
    },
    upstream::Accept,
};

/// Largest answer, streamed or not.
pub(crate) const MAX_ANSWER_BYTES: usize = 16 << 20;
/// Largest answer that consists of vectors, and how many values it may have: 1,048,576 are 680 vectors of 1,536 numbers. In
/// base64 a vector is one value.
const MAX_VECTORS_BYTES: usize = 32 << 20;
const MAX_VECTORS_VALUES: usize = 1 << 20;

/// A request that was inspected and may go on.
#[derive(Debug)]
pub(crate) enum Inspected {
    Chat(openai::InspectedRequest),
    CountTokens(anthropic::InspectedMessages),
    Embeddings(openai::InspectedEmbeddings),
    Messages(anthropic::InspectedMessages),
    Responses(responses::Inspected),
    Predict(predict::Inspected),
}

impl Inspected {
    /// The operation.
    pub(crate) const fn posted(&self) -> Posted {
        match self {
            Self::Chat(_) => Posted::Chat,
            Self::CountTokens(_) => Posted::CountTokens,
            Self::Embeddings(_) => Posted::Embeddings,
            Self::Messages(_) => Posted::Messages,
            Self::Responses(_) => Posted::Responses,
            Self::Predict(request) => match request.format() {
                predict::Format::Mlflow => Posted::Invocations,
                predict::Format::OpenInference => Posted::Infer,
            },
        }
    }

    /// What goes to this target, and how its answer is read.
    ///
    /// # Errors
    /// When the request cannot be said in the protocol of the target's service.
    pub(crate) fn outgoing(&mut self, target: &Target, now: Timestamp) -> Result<(Outgoing, Back), Refusal> {
        let posted = self.posted();
        let accept = if self.streams() { Accept::EventStream } else { Accept::Json };
        let model = &target.spec.upstream_name;
        if posted.protocol() != target.service.spec.protocol {
            return self.translated(target, accept, now);
        }
        let (mut version, mut beta) = (None, None);
        let mut path = Cow::Borrowed(posted.path());
        let mut back = Back::default();
        let body = match self {
            Self::Chat(request) => request.body(model),
            Self::Embeddings(request) => request.body(model),
            Self::Responses(request) => request.body(model),
            Self::CountTokens(request) | Self::Messages(request) => {
                version = Some(request.version());
                beta = request.beta().map(str::to_owned);
                request.body(model)
            }
            Self::Predict(request) => {
                path = Cow::Owned(request.path(target)?);
                back.model = Some((target.model.clone(), Arc::clone(&target.spec)));
                request.body()
            }
        };
        Ok((Outgoing { path, body, accept, version, beta }, back))
    }

    /// The same for a target whose service speaks another protocol.
    fn translated(
        &self,
        target: &Target,
        accept: Accept,
        now: Timestamp,
    ) -> Result<(Outgoing, Back), Refusal> {
        let (translation, tree, to) = match (self, target.service.spec.protocol) {
            (Self::Chat(request), Protocol::Anthropic) => {
                (Translation::ChatToMessages, request.tree(), Posted::Messages)
            }
            (Self::Messages(request), Protocol::Openai) => {
                let output = target.spec.output_field;
                (Translation::MessagesToChat { output }, request.tree(), Posted::Chat)
            }
            _ => {
                let why = "the service of the route's model speaks another protocol";
                return Err(Refusal::new(RefusalCode::NotTranslatable, why).param("model"));
            }
        };
        let mut dropped = Dropped::default();
        if matches!(self, Self::Messages(request) if request.beta().is_some()) {
            dropped.note("anthropic-beta");
        }
        let mut request = translation.request(tree, &mut dropped)?;
        request.insert("model", target.spec.upstream_name.as_str());
        let untranslated = dropped.header().and_then(|names| HeaderValue::try_from(names).ok());
        let created = u64::try_from(now.as_millis() / 1000).unwrap_or(0);
        let outgoing = Outgoing {
            path: to.path().into(),
            body: written(&mut request),
            accept,
            version: None,
            beta: None,
        };
        Ok((outgoing, Back { translation: Some(translation), created, untranslated, model: None }))
    }

    /// Whether the answer comes as a stream.
    pub(crate) const fn streams(&self) -> bool {
        match self {
            Self::Chat(request) => request.stream(),
            Self::CountTokens(_) | Self::Embeddings(_) | Self::Predict(_) => false,
            Self::Messages(request) => request.stream(),
            Self::Responses(request) => request.stream(),
        }
    }

    /// What can be counted of it: what limits bound and budgets reserve.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Chat(request) => request.shape(),
            Self::CountTokens(request) | Self::Messages(request) => request.shape(),
            Self::Responses(request) => request.shape(),
            Self::Embeddings(request) => request.shape(),
            Self::Predict(request) => request.shape(),
        }
    }

    /// Whether a model is paid for it. No provider charges for counting.
    pub(crate) const fn is_paid(&self) -> bool {
        !matches!(self, Self::CountTokens(_))
    }

    /// Bounds its answer, where its shape has an `output_field` and no `output`.
    pub(crate) fn bound_output(&mut self, most: u64, field: OutputField) {
        match self {
            Self::Chat(request) => request.bound_output(most, field),
            Self::Responses(request) => request.bound_output(most),
            // A message always says how long it may be, and nothing else has a length.
            Self::CountTokens(_) | Self::Embeddings(_) | Self::Messages(_) | Self::Predict(_) => {}
        }
    }

    /// The gate of an answer that comes as a stream.
    pub(crate) fn gate(&self, inspection: Inspection, options: StreamOptions, back: &Back) -> Box<dyn Gate> {
        let most = options.max_bytes;
        let rules = inspection.clone();
        let gate = AuthorityGate::before(self.plain_gate(inspection, options), self.of_calls(), &rules, most);
        let gate = AnswerGate::before(gate, self.of_calls(), &rules, most);
        match back.translation {
            Some(translation) => Box::new(TranslatedGate::new(translation, gate, back.created, most)),
            None => gate,
        }
    }

    /// How calls of tools stand in its answer, in the caller's protocol.
    const fn of_calls(&self) -> authority::Protocol {
        match self {
            Self::CountTokens(_) | Self::Messages(_) => authority::Protocol::Messages,
            Self::Responses(_) => authority::Protocol::Responses,
            Self::Chat(_) | Self::Embeddings(_) | Self::Predict(_) => authority::Protocol::Chat,
        }
    }

    fn plain_gate(&self, inspection: Inspection, options: StreamOptions) -> Box<dyn Gate> {
        let tokens = self.tokens().clone();
        match self {
            Self::CountTokens(_) | Self::Messages(_) => {
                Box::new(anthropic::MessageGate::new(inspection, tokens, options))
            }
            Self::Chat(request) => {
                let options = StreamOptions { include_usage: request.include_usage(), ..options };
                Box::new(openai::StreamGate::new(inspection, tokens, options))
            }
            Self::Responses(_) => Box::new(responses::ResponseGate::new(inspection, tokens, options)),
            Self::Embeddings(_) | Self::Predict(_) => {
                Box::new(openai::StreamGate::new(inspection, tokens, options))
            }
        }
    }

    /// The tokens that stand for values.
    pub(crate) const fn tokens(&self) -> &Tokens {
        match self {
            Self::Chat(request) => request.tokens(),
            Self::Embeddings(request) => request.tokens(),
            Self::Predict(request) => request.tokens(),
            Self::CountTokens(request) | Self::Messages(request) => request.tokens(),
            Self::Responses(request) => request.tokens(),
        }
    }

    /// How large an answer in one piece may be.
    pub(crate) fn answer_limits(&self) -> Limits {
        match self {
            Self::Chat(_) | Self::CountTokens(_) | Self::Messages(_) | Self::Responses(_) => {
                Limits { bytes: MAX_ANSWER_BYTES, ..Limits::default() }
            }
            Self::Embeddings(_) | Self::Predict(_) => {
                Limits { bytes: MAX_VECTORS_BYTES, values: MAX_VECTORS_VALUES, ..Limits::default() }
            }
        }
    }

    /// Takes a tree that has the form of an answer to it; with the tokens used, where the upstream says so.
    pub(crate) fn answered(
        &self,
        tree: Value,
        back: &Back,
    ) -> Result<(Answered, Option<record::Tokens>), ResponseError> {
        let Some(translation) = back.translation else {
            let answered = self.read(tree)?;
            let usage = answered.usage();
            return Ok((answered, usage));
        };
        let (tree, usage) = translation.answer(&tree, back.created)?;
        Ok((self.read(tree)?, usage))
    }

    fn read(&self, tree: Value) -> Result<Answered, ResponseError> {
        match self {
            Self::Chat(_) => openai::Response::read(tree).map(Answered::Chat),
            Self::CountTokens(_) => anthropic::TokenCount::read(tree).map(Answered::CountTokens),
            Self::Embeddings(request) => {
                openai::EmbeddingsResponse::read(tree, request.inputs()).map(Answered::Embeddings)
            }
            Self::Messages(_) => anthropic::Message::read(tree).map(Answered::Messages),
            Self::Responses(_) => responses::Response::read(tree).map(Answered::Responses),
            Self::Predict(request) => predict::Answer::read(tree, request.format()).map(Answered::Predict),
        }
    }
}
