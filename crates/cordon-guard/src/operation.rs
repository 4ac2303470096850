//! What callers may post, and what differs between one operation and another. Everything else is the same path.
//!
//! INVARIANT: no operation that a model answers has a way of its own from its admission to its release; what it adds is how a request
//! and an answer are read, inspected and written.

mod answered;
mod inspected;

use std::{borrow::Cow, sync::Arc};

use cordon_core::{
    CallId, Name, Refusal, RefusalCode, Timestamp,
    json::{Object, Value},
    record,
    resource::{Instructions, ModelSpec, Protocol},
    taint::Taint,
};
use cordon_inspect::{Engine, Prompt, Task};
use cordon_policy::{EffectiveGuard, RouteEntry, Snapshot};
use http::{HeaderMap, HeaderValue, Uri};

pub(crate) use self::{
    answered::Answered,
    inspected::{Inspected, MAX_ANSWER_BYTES},
};
use crate::{
    abuse::Turn,
    answer::Expected,
    anthropic, authority,
    dialect::Dialect,
    dispatch::RESPONSES,
    inspection::{Inspection, Verdict},
    limits::Shape,
    openai, predict, responses, told, topics,
    translate::{Translation, UNTRANSLATED},
    upstream::Accept,
};

/// An operation that callers post a request to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    Chat,
    CountTokens,
    Embeddings,
    Infer,
    Invocations,
    Messages,
    Responses,
}

/// Where a caller posts to.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) posted: Posted,
    /// Its path names the route of a prediction.
    uri: Uri,
}

/// A request of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Chat(openai::Request),
    CountTokens(anthropic::MessagesRequest),
    Embeddings(openai::EmbeddingsRequest),
    Messages(anthropic::MessagesRequest),
    Responses(responses::Request),
    Predict(predict::Request),
}

/// How an upstream's answer is read, and what the caller is told of the translation.
#[derive(Debug, Default)]
pub(crate) struct Back {
    translation: Option<Translation>,
    /// Seconds since 1970, for answers that say when they were made.
    created: u64,
    /// Hints of the request that were left out.
    untranslated: Option<HeaderValue>,
    /// The model that answers, whose signature says what a prediction must be.
    model: Option<(Name, Arc<ModelSpec>)>,
}

/// What goes to an upstream.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// Where it goes, below a service's base URL.
    pub(crate) path: Cow<'static, str>,
    pub(crate) body: Vec<u8>,
    pub(crate) accept: Accept,
    /// The version of Anthropic's API, where the caller named one.
    pub(crate) version: Option<&'static str>,
    /// What Anthropic's header for trying out asks for.
    pub(crate) beta: Option<String>,
}

impl Back {
    /// Says what was left out of the request.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        if let Some(names) = &self.untranslated {
            headers.insert(UNTRANSLATED, names.clone());
        }
    }
}

impl Endpoint {
    /// What is at a path of the gateway.
    pub(crate) fn at(uri: &Uri) -> Option<Self> {
        Posted::at(uri.path()).map(|posted| Self { posted, uri: uri.clone() })
    }

    /// Takes a tree that has the form of a request; the headers belong to it.
    pub(crate) fn read(&self, tree: Value, headers: &HeaderMap) -> Result<Asked, Refusal> {
        use anthropic::{MessagesRequest, Wanted};
        match self.posted {
            Posted::Chat => openai::Request::read(tree).map(Asked::Chat),
            Posted::CountTokens => {
                MessagesRequest::read(tree, headers, Wanted::Count).map(Asked::CountTokens)
            }
            Posted::Embeddings => openai::EmbeddingsRequest::read(tree).map(Asked::Embeddings),
            Posted::Messages => MessagesRequest::read(tree, headers, Wanted::Message).map(Asked::Messages),
            Posted::Responses => responses::Request::read(tree).map(Asked::Responses),
            Posted::Infer | Posted::Invocations => {
                let address = predict::Address::at(self.uri.path())
                    .ok_or_else(|| Refusal::new(RefusalCode::NotFound, "the path names no route"))?;
                predict::Request::read(tree, headers, address).map(Asked::Predict)
            }
        }
    }
}

impl Posted {
    /// Those whose path is always the same.
    const ALL: [Self; 5] = [Self::Chat, Self::CountTokens, Self::Embeddings, Self::Messages, Self::Responses];

    /// The operation at a path of the gateway.
    fn at(path: &str) -> Option<Self> {
        if let Some(address) = predict::Address::at(path) {
            return Some(match address.format {
                predict::Format::Mlflow => Self::Invocations,
                predict::Format::OpenInference => Self::Infer,
            });
        }
        let below = path.strip_prefix("/v1")?;
        Self::ALL.into_iter().find(|posted| posted.path() == below)
    }

    /// The path below `/v1` here, and below a service's base URL there.
    const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::CountTokens => "/messages/count_tokens",
            Self::Embeddings => "/embeddings",
            // Below the route's name here, and the model's there.
            Self::Infer => "/infer",
            Self::Invocations => "/invocations",
            Self::Messages => "/messages",
            Self::Responses => RESPONSES,
        }
    }

    /// What the record calls it.
    pub(crate) const fn operation(self) -> record::Operation {
        match self {
            Self::Chat => record::Operation::Chat,
            Self::CountTokens => record::Operation::CountTokens,
            Self::Embeddings => record::Operation::Embeddings,
            Self::Infer => record::Operation::Infer,
            Self::Invocations => record::Operation::Invocations,
            Self::Messages => record::Operation::Messages,
            Self::Responses => record::Operation::Responses,
        }
    }

    /// The form of refusals and errors.
    pub(crate) const fn dialect(self) -> Dialect {
        match self {
            Self::CountTokens | Self::Messages => Dialect::Anthropic,
            Self::Infer => Dialect::OpenInference,
            Self::Invocations => Dialect::Mlflow,
            Self::Chat | Self::Embeddings | Self::Responses => Dialect::Openai,
        }
    }

    /// The protocol that a service must speak to be asked as the caller asks.
    const fn protocol(self) -> Protocol {
        match self {
            Self::CountTokens | Self::Messages => Protocol::Anthropic,
            Self::Infer => Protocol::OpenInference,
            Self::Invocations => Protocol::Mlflow,
            Self::Chat | Self::Embeddings | Self::Responses => Protocol::Openai,
        }
    }

    /// Whether a refusal of content can pass for an answer. There is no vector and no count that says so.
    pub(crate) const fn can_be_filtered(self) -> bool {
        matches!(self, Self::Chat | Self::Messages | Self::Responses)
    }

    /// Whether it asks for predictions, which changes nothing anywhere.
    pub(crate) const fn is_prediction(self) -> bool {
        matches!(self, Self::Infer | Self::Invocations)
    }

    /// The answer that a refusal of content passes for.
    pub(crate) fn filtered(self, refusal: &Refusal, call: &CallId, route: &str, now: Timestamp) -> Vec<u8> {
        match self {
            Self::Messages => anthropic::refused_message(refusal, call, route).to_vec(),
            Self::Responses => responses::filtered_answer(refusal, call, route, now).to_vec(),
            _ => openai::content_filter_answer(refusal, call, route, now).to_vec(),
        }
    }

    /// The same as a stream.
    pub(crate) fn filtered_stream(
        self,
        refusal: &Refusal,
        call: &CallId,
        route: &str,
        now: Timestamp,
    ) -> Vec<u8> {
        match self {
            Self::Messages => anthropic::refused_stream(refusal, call, route),
            Self::Responses => responses::filtered_stream(refusal, call, route, now),
            _ => openai::content_filter_stream(refusal, call, route, now),
        }
    }

    /// What ends a stream that was cut off from outside: an error instead of looking whole.
    pub(crate) fn cut_off(self, refusal: &Refusal, call: &CallId) -> Vec<u8> {
        match self {
            Self::Responses => responses::cut_off(refusal, call),
            _ => self.dialect().cut_off(refusal, call),
        }
    }
}

impl Asked {
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

    /// The name of the route.
    pub(crate) fn route(&self) -> &str {
        match self {
            Self::Chat(request) => request.route(),
            Self::Embeddings(request) => request.route(),
            Self::CountTokens(request) | Self::Messages(request) => request.route(),
            Self::Responses(request) => request.route(),
            Self::Predict(request) => request.route(),
        }
    }

    /// Whether the answer is to be streamed.
    pub(crate) const fn stream(&self) -> bool {
        match self {
            Self::Chat(request) => request.stream(),
            Self::CountTokens(_) | Self::Embeddings(_) | Self::Predict(_) => false,
            Self::Messages(request) => request.stream(),
            Self::Responses(request) => request.stream(),
        }
    }

    /// What the caller says of the person behind it.
    pub(crate) fn subject(&self) -> Option<&str> {
        match self {
            Self::Chat(request) => request.subject(),
            Self::Embeddings(request) => request.subject(),
            Self::CountTokens(request) | Self::Messages(request) => request.subject(),
            Self::Responses(request) => request.subject(),
            Self::Predict(_) => None,
        }
    }

    /// What the caller calls the conversation.
    pub(crate) fn conversation(&self) -> Option<&str> {
        match self {
            Self::Chat(request) => request.conversation(),
            Self::CountTokens(_) | Self::Embeddings(_) | Self::Messages(_) | Self::Predict(_) => None,
            Self::Responses(request) => request.conversation(),
        }
    }

    /// The names of the tools that the caller offers.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &str> {
        let (chat, messages, response) = match self {
            Self::Chat(request) => (Some(request), None, None),
            Self::CountTokens(request) | Self::Messages(request) => (None, Some(request), None),
            Self::Responses(request) => (None, None, Some(request)),
            Self::Embeddings(_) | Self::Predict(_) => (None, None, None),
        };
        let chat = chat.into_iter().flat_map(openai::Request::tools);
        let messages = messages.into_iter().flat_map(anthropic::MessagesRequest::tools);
        chat.chain(messages).chain(response.into_iter().flat_map(responses::Request::tools))
    }

    /// Whether it offers tools, named or not.
    pub(crate) fn offers_tools(&self) -> bool {
        match self {
            Self::Chat(request) => request.offers_tools(),
            Self::CountTokens(request) | Self::Messages(request) => request.offers_tools(),
            Self::Responses(request) => request.offers_tools(),
            Self::Embeddings(_) | Self::Predict(_) => false,
        }
    }

    /// What is new in it; nothing where a request is no turn of a conversation.
    pub(crate) fn turn(&self) -> Turn<'_> {
        match self {
            Self::Chat(request) => Turn::of(request.tree()),
            Self::Messages(request) => Turn::of(request.tree()),
            Self::Responses(request) => Turn::of(request.tree()),
            Self::CountTokens(_) | Self::Embeddings(_) | Self::Predict(_) => Turn::default(),
        }
    }

    /// What has entered the conversation that it continues; nothing where it is none.
    ///
    /// # Errors
    /// When a mark of the caller's is not one that is known here.
    pub(crate) fn entered(&self, snapshot: &Snapshot) -> Result<Taint, Refusal> {
        match self {
            Self::Chat(request) => authority::entered_chat(request.tree(), snapshot),
            Self::CountTokens(request) | Self::Messages(request) => {
                authority::entered_messages(request.tree(), snapshot)
            }
            Self::Responses(request) => authority::entered_response(request.tree(), snapshot),
            Self::Embeddings(request) => Ok(request.entered().clone()),
            Self::Predict(_) => Ok(Taint::default()),
        }
    }

    /// What an answer should not give away of it; nothing where nobody tells a model anything.
    pub(crate) fn told(&self) -> Prompt {
        match self {
            Self::Chat(request) => told::of_chat(request.tree()),
            Self::Messages(request) => told::of_messages(request.tree()),
            Self::Responses(request) => told::of_responses(request.tree()),
            Self::CountTokens(_) | Self::Embeddings(_) | Self::Predict(_) => Prompt::default(),
        }
    }

    /// What its user asks about; nothing where nobody speaks.
    pub(crate) fn task(&self, engine: &Engine) -> Task {
        match self {
            Self::Chat(request) => told::task_of_messages(request.tree(), engine),
            Self::Messages(request) | Self::CountTokens(request) => {
                told::task_of_messages(request.tree(), engine)
            }
            Self::Responses(request) => told::task_of_responses(request.tree(), engine),
            Self::Embeddings(_) | Self::Predict(_) => Task::default(),
        }
    }

    /// What an answer to it is meant to be, as far as the guards ask for that; nothing where they do not.
    pub(crate) fn expected(&self, route: &RouteEntry, guard: &EffectiveGuard) -> Option<Expected> {
        let (tree, protocol) = match self {
            Self::Chat(request) => (request.tree(), authority::Protocol::Chat),
            Self::Messages(request) => (request.tree(), authority::Protocol::Messages),
            Self::Responses(request) => (request.tree(), authority::Protocol::Responses),
            Self::CountTokens(_) | Self::Embeddings(_) | Self::Predict(_) => return None,
        };
        Expected::of(tree, protocol, route.answers.as_ref(), guard)
    }

    /// Judges what it is about, as far as the guards say what it may be about.
    pub(crate) fn topics(&self, inspection: &Inspection, verdict: &mut Verdict) {
        let (tree, protocol) = match self {
            Self::Chat(request) => (request.tree(), authority::Protocol::Chat),
            Self::Messages(request) => (request.tree(), authority::Protocol::Messages),
            Self::Responses(request) => (request.tree(), authority::Protocol::Responses),
            Self::CountTokens(_) | Self::Embeddings(_) | Self::Predict(_) => return,
        };
        topics::judge(tree, protocol, inspection, verdict);
    }

    /// What it says to a model, and in which protocol; nothing where there is no conversation.
    fn spoken(&self) -> Option<(&Object, authority::Protocol)> {
        match self {
            Self::Chat(request) => Some((request.tree(), authority::Protocol::Chat)),
            Self::CountTokens(request) | Self::Messages(request) => {
                Some((request.tree(), authority::Protocol::Messages))
            }
            Self::Responses(request) => Some((request.tree(), authority::Protocol::Responses)),
            Self::Embeddings(_) | Self::Predict(_) => None,
        }
    }

    /// Judges the tools that it offers.
    pub(crate) fn offered(
        &self,
        snapshot: &Snapshot,
        route: &RouteEntry,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) {
        if let Some(spoken) = self.spoken() {
            authority::judge_offered(spoken, snapshot, route.tools, inspection, verdict);
        }
    }

    /// Refuses instructions where the route takes none of its callers.
    ///
    /// # Errors
    /// When it gives some.
    pub(crate) fn may_instruct(&self, route: &RouteEntry) -> Result<(), Refusal> {
        match self.spoken() {
            Some((tree, _)) if route.instructions == Instructions::Refused => {
                authority::refuse_instructions(tree)
            }
            _ => Ok(()),
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

    /// Says which models it may go to: what a prediction is asked of must be what each of them takes.
    pub(crate) fn may_go_to(&mut self, route: &RouteEntry, snapshot: &Snapshot) {
        if let Self::Predict(request) = self {
            request.may_go_to(route, snapshot);
        }
    }

    /// Inspects all of it, and rewrites what is to be redacted.
    pub(crate) fn inspect(
        self,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<Inspected, Refusal> {
        match self {
            Self::Chat(request) => request.inspect(inspection, verdict).map(Inspected::Chat),
            Self::CountTokens(request) => request.inspect(inspection, verdict).map(Inspected::CountTokens),
            Self::Embeddings(request) => request.inspect(inspection, verdict).map(Inspected::Embeddings),
            Self::Messages(request) => request.inspect(inspection, verdict).map(Inspected::Messages),
            Self::Responses(request) => request.inspect(inspection, verdict).map(Inspected::Responses),
            Self::Predict(request) => request.inspect(inspection, verdict).map(Inspected::Predict),
        }
    }
}
