//! What callers may post, and what differs between one operation and another. Everything else is the same path.
//!
//! INVARIANT: no operation has a way of its own from its admission to its release; what it adds is how a request and an
//! answer are read, inspected and written.

use cordon_core::{
    Refusal,
    json::{Limits, Value},
    record,
    resource::OutputField,
};

use crate::{
    inspection::{Inspection, Verdict},
    limits::Shape,
    openai::{self, ResponseError, Said},
    redact::Tokens,
};

/// Largest answer, streamed or not.
pub(crate) const MAX_ANSWER_BYTES: usize = 16 << 20;
/// Largest answer that consists of vectors, and how many values it may have: 1,048,576 are 680 vectors of 1,536 numbers. In
/// base64 a vector is one value.
const MAX_VECTORS_BYTES: usize = 32 << 20;
const MAX_VECTORS_VALUES: usize = 1 << 20;

/// An operation that callers post a request to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    Chat,
    Embeddings,
}

/// A request of the right form, not inspected yet.
#[derive(Debug)]
pub(crate) enum Asked {
    Chat(openai::Request),
    Embeddings(openai::EmbeddingsRequest),
}

/// A request that was inspected and may go on.
#[derive(Debug)]
pub(crate) enum Inspected {
    Chat(openai::InspectedRequest),
    Embeddings(openai::InspectedEmbeddings),
}

/// A whole answer of the right form, not inspected yet.
#[derive(Debug)]
pub(crate) enum Answered {
    Chat(openai::Response),
    Embeddings(openai::EmbeddingsResponse),
}

impl Posted {
    const ALL: [Self; 2] = [Self::Chat, Self::Embeddings];

    /// The operation at a path of the gateway.
    pub(crate) fn at(path: &str) -> Option<Self> {
        let below = path.strip_prefix("/v1")?;
        Self::ALL.into_iter().find(|posted| posted.path() == below)
    }

    /// The path below `/v1` here, and below a service's base URL there.
    const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Embeddings => "/embeddings",
        }
    }

    /// What the record calls it.
    pub(crate) const fn operation(self) -> record::Operation {
        match self {
            Self::Chat => record::Operation::Chat,
            Self::Embeddings => record::Operation::Embeddings,
        }
    }

    /// Takes a tree that has the form of a request.
    pub(crate) fn read(self, tree: Value) -> Result<Asked, Refusal> {
        match self {
            Self::Chat => openai::Request::read(tree).map(Asked::Chat),
            Self::Embeddings => openai::EmbeddingsRequest::read(tree).map(Asked::Embeddings),
        }
    }
}

impl Asked {
    /// The name of the route.
    pub(crate) fn route(&self) -> &str {
        match self {
            Self::Chat(request) => request.route(),
            Self::Embeddings(request) => request.route(),
        }
    }

    /// Whether the answer is to be streamed.
    pub(crate) const fn stream(&self) -> bool {
        match self {
            Self::Chat(request) => request.stream(),
            Self::Embeddings(_) => false,
        }
    }

    /// What the caller says of the person behind it.
    pub(crate) fn subject(&self) -> Option<&str> {
        match self {
            Self::Chat(request) => request.subject(),
            Self::Embeddings(request) => request.subject(),
        }
    }

    /// What the caller calls the conversation.
    pub(crate) fn conversation(&self) -> Option<&str> {
        match self {
            Self::Chat(request) => request.conversation(),
            Self::Embeddings(_) => None,
        }
    }

    /// The names of the tools that the caller offers.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &str> {
        let chat = match self {
            Self::Chat(request) => Some(request),
            Self::Embeddings(_) => None,
        };
        chat.into_iter().flat_map(openai::Request::tools)
    }

    /// What can be counted of it: what limits bound and budgets reserve.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Chat(request) => request.shape(),
            Self::Embeddings(request) => request.shape(),
        }
    }

    /// Whether a refusal of content can pass for an answer. There is no vector that says so.
    pub(crate) const fn can_be_filtered(&self) -> bool {
        matches!(self, Self::Chat(_))
    }

    /// Inspects all of it, and rewrites what is to be redacted.
    pub(crate) fn inspect(
        self,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<Inspected, Refusal> {
        match self {
            Self::Chat(request) => request.inspect(inspection, verdict).map(Inspected::Chat),
            Self::Embeddings(request) => request.inspect(inspection, verdict).map(Inspected::Embeddings),
        }
    }
}

impl Inspected {
    const fn posted(&self) -> Posted {
        match self {
            Self::Chat(_) => Posted::Chat,
            Self::Embeddings(_) => Posted::Embeddings,
        }
    }

    /// Where it goes, below a service's base URL.
    pub(crate) const fn path(&self) -> &'static str {
        self.posted().path()
    }

    /// The body for an upstream that calls the model `upstream_model`.
    pub(crate) fn body(&mut self, upstream_model: &str) -> Vec<u8> {
        match self {
            Self::Chat(request) => request.body(upstream_model),
            Self::Embeddings(request) => request.body(upstream_model),
        }
    }

    /// What can be counted of it: what limits bound and budgets reserve.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Chat(request) => request.shape(),
            Self::Embeddings(request) => request.shape(),
        }
    }

    /// Bounds its answer, where its shape has an `output_field` and no `output`.
    pub(crate) fn bound_output(&mut self, most: u64, field: OutputField) {
        match self {
            Self::Chat(request) => request.bound_output(most, field),
            Self::Embeddings(_) => {}
        }
    }

    /// The request whose answer comes as a stream.
    pub(crate) fn streamed(&self) -> Option<&openai::InspectedRequest> {
        match self {
            Self::Chat(request) => Some(request).filter(|request| request.stream()),
            Self::Embeddings(_) => None,
        }
    }

    /// The tokens that stand for values.
    pub(crate) const fn tokens(&self) -> &Tokens {
        match self {
            Self::Chat(request) => request.tokens(),
            Self::Embeddings(request) => request.tokens(),
        }
    }

    /// How large an answer in one piece may be.
    pub(crate) fn answer_limits(&self) -> Limits {
        match self {
            Self::Chat(_) => Limits { bytes: MAX_ANSWER_BYTES, ..Limits::default() },
            Self::Embeddings(_) => {
                Limits { bytes: MAX_VECTORS_BYTES, values: MAX_VECTORS_VALUES, ..Limits::default() }
            }
        }
    }

    /// Takes a tree that has the form of an answer to it.
    pub(crate) fn answered(&self, tree: Value) -> Result<Answered, ResponseError> {
        match self {
            Self::Chat(_) => openai::Response::read(tree).map(Answered::Chat),
            Self::Embeddings(request) => {
                openai::EmbeddingsResponse::read(tree, request.inputs()).map(Answered::Embeddings)
            }
        }
    }
}

impl Answered {
    /// The tokens used, where the upstream says so.
    pub(crate) fn usage(&self) -> Option<record::Tokens> {
        match self {
            Self::Chat(answer) => answer.usage(),
            Self::Embeddings(answer) => answer.usage(),
        }
    }

    /// What it says of itself.
    pub(crate) fn said(&self) -> Said {
        match self {
            Self::Chat(answer) => answer.said(),
            Self::Embeddings(answer) => answer.said(),
        }
    }

    /// Inspects all of it and answers with the bytes that may go to the caller.
    pub(crate) fn inspect(
        self,
        inspection: &Inspection,
        tokens: &Tokens,
        route: &str,
        verdict: &mut Verdict,
    ) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Chat(answer) => answer.inspect(inspection, tokens, route, verdict),
            Self::Embeddings(answer) => answer.inspect(inspection, tokens, route, verdict),
        }
    }
}
