//! A whole answer: what it says of itself, whether it may go out, and what of it does.

use cordon_core::{Refusal, record};

use super::{Back, Inspected};
use crate::{
    anthropic,
    inspection::{Inspection, Verdict},
    openai, predict,
    redact::Tokens,
    responses,
    tree::said::Said,
};

/// A whole answer of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub(crate) enum Answered {
    Chat(openai::Response),
    CountTokens(anthropic::TokenCount),
    Embeddings(openai::EmbeddingsResponse),
    Messages(anthropic::Message),
    Responses(responses::Response),
    Predict(predict::Answer),
}

impl Answered {
    /// The tokens used, where the upstream says so.
    pub(super) fn usage(&self) -> Option<record::Tokens> {
        match self {
            Self::Chat(answer) => answer.usage(),
            // Counting uses none.
            Self::CountTokens(_) => None,
            Self::Embeddings(answer) => answer.usage(),
            Self::Messages(answer) => answer.usage(),
            Self::Responses(answer) => answer.usage(),
            // A call has a price, and no tokens.
            Self::Predict(_) => Some(record::Tokens::default()),
        }
    }

    /// What it says of itself.
    pub(crate) fn said(&self) -> Said {
        match self {
            Self::Chat(answer) => answer.said(),
            Self::CountTokens(_) | Self::Predict(_) => Said::default(),
            Self::Embeddings(answer) => answer.said(),
            Self::Messages(answer) => answer.said(),
            Self::Responses(answer) => answer.said(),
        }
    }

    /// Whether it may go out as far as its model and the other models of the route say: of a prediction, they say much.
    ///
    /// # Errors
    /// When it may not, or another model is to be asked first.
    pub(crate) fn judge(
        &self,
        request: &Inspected,
        back: &Back,
        ballots: &mut predict::Ballots,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<(), predict::Doubt> {
        match (self, request, &back.model) {
            (Self::Predict(answer), Inspected::Predict(request), Some((model, spec))) => {
                let signature = spec.signature.as_deref();
                answer.judge(signature, request.rows(), (model, ballots), inspection, verdict)
            }
            _ => Ok(()),
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
            Self::CountTokens(answer) => answer.inspect(inspection, tokens, verdict),
            Self::Embeddings(answer) => answer.inspect(inspection, tokens, route, verdict),
            Self::Messages(answer) => answer.inspect(inspection, tokens, route, verdict),
            Self::Responses(answer) => answer.inspect(inspection, tokens, route, verdict),
            Self::Predict(answer) => answer.inspect(inspection, tokens, route, verdict),
        }
    }
}
