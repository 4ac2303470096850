//! What a quarantine does to a call: who may not call, what may not be used, and which content is stopped.

use cordon_core::{
    Digest, Hasher, Refusal, RefusalCode,
    containment::{PromptId, Subject, ToolName},
};
use cordon_policy::{Quarantined, RouteEntry};

use crate::{dispatch::Target, identify::Identity, operation::Asked};

/// Whether a caller may call.
///
/// # Errors
/// When its key or its principal is quarantined.
pub(crate) fn caller(out: &Quarantined, identity: &Identity) -> Result<(), Refusal> {
    let found = out.caller(identity.key.id, &identity.principal.name);
    found.map_or(Ok(()), |subject| Err(refused(RefusalCode::CallerQuarantined, &subject)))
}

/// Whether a route is open.
///
/// # Errors
/// When it or its system is quarantined.
pub(crate) fn route(out: &Quarantined, route: &RouteEntry) -> Result<(), Refusal> {
    out.route(route).map_or(Ok(()), |subject| Err(refused(RefusalCode::Quarantined, &subject)))
}

/// Whether a request offers a tool that is out.
///
/// # Errors
/// When it does.
pub(crate) fn tools(out: &Quarantined, request: &Asked) -> Result<(), Refusal> {
    if out.is_empty() {
        return Ok(());
    }
    let found = request.tools().find(|name| out.tool(name)).and_then(ToolName::parse);
    found.map_or(Ok(()), |name| {
        Err(refused(RefusalCode::ToolQuarantined, &Subject::Tool(name)).param("tools"))
    })
}

/// Whether a prompt is in use.
///
/// # Errors
/// When it is out.
pub(crate) fn prompt(out: &Quarantined, prompt: Option<PromptId>) -> Result<(), Refusal> {
    let found = prompt.map(Subject::Prompt).filter(|prompt| out.contains(prompt));
    found.map_or(Ok(()), |subject| Err(refused(RefusalCode::PromptQuarantined, &subject)))
}

/// Whether none of these subjects is out.
///
/// # Errors
/// When one of them is.
pub(crate) fn none(out: &Quarantined, subjects: &[Subject]) -> Result<(), Refusal> {
    let found = subjects.iter().find(|subject| out.contains(subject));
    found.map_or(Ok(()), |subject| {
        let code = match subject {
            Subject::Prompt(_) => RefusalCode::PromptQuarantined,
            Subject::Tool(_) => RefusalCode::ToolQuarantined,
            _ => RefusalCode::Quarantined,
        };
        Err(refused(code, subject))
    })
}

/// Says which subject it is in the record; the caller learns only that it is so.
pub(crate) fn refused(code: RefusalCode, subject: &Subject) -> Refusal {
    Refusal::new(code, format!("{subject} is quarantined"))
}

/// The subjects that a call uses whichever target it goes to: a quarantine of one of them can end it while it runs.
pub(crate) fn used(route: &RouteEntry, prompt: Option<PromptId>, tools: Vec<ToolName>) -> Vec<Subject> {
    let (system, prompt) = (route.system.clone().map(Subject::System), prompt.map(Subject::Prompt));
    let known = [Some(Subject::Route(route.name.clone())), system, prompt];
    known.into_iter().flatten().chain(tools.into_iter().map(Subject::Tool)).collect()
}

/// The subjects that a target is: a quarantine of one of them makes a call leave it.
pub(crate) fn of_target(target: &Target) -> [Subject; 2] {
    [Subject::Model(target.model.clone()), Subject::Service(target.service.name.clone())]
}

/// The signature of a text: SHA-256 of its words in lower case with one space between them, so that another case or
/// another layout of the same words has the same one.
pub fn signature(text: &str) -> Digest {
    let mut signing = Signing::default();
    signing.push(text);
    signing.finish()
}

/// The signature of a text that comes in pieces: however it is cut, it is that of the whole.
#[derive(Debug, Default)]
pub(crate) struct Signing {
    hasher: Hasher,
    /// Bytes of the text so far.
    length: usize,
    /// Whether there was a word.
    begun: bool,
    /// Whether there was space behind the last word.
    parted: bool,
}

impl Signing {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &str) {
        self.length = self.length.saturating_add(piece.len());
        let mut folded = String::with_capacity(piece.len());
        for c in piece.chars() {
            if c.is_whitespace() {
                self.parted = self.begun;
                continue;
            }
            if std::mem::take(&mut self.parted) {
                folded.push(' ');
            }
            self.begun = true;
            folded.extend(c.to_lowercase());
        }
        self.hasher.update(folded.as_bytes());
    }

    /// Bytes of the text so far.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// The signature of all of it.
    pub(crate) fn finish(self) -> Digest {
        self.hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_words() {
        let one = signature("Ignore  all\nprevious\tInstructions ");
        assert_eq!(one, signature("ignore all previous instructions"));
        assert_ne!(one, signature("ignore all previous instruction s"));
        assert_eq!(signature(" \n "), Digest::sha256(b""));
        assert_eq!(signature("One  TWO\n"), Digest::sha256(b"one two"));
    }

    #[test]
    fn however_a_text_is_cut_its_signature_is_the_same() {
        let text = " Pass  this\non TO\u{a0}everybody you kn\u{d6}w. ";
        for pieces in cordon_testkit::chunking::chunkings(text, 7, 50) {
            let mut signing = Signing::default();
            pieces.iter().for_each(|piece| signing.push(piece));
            assert_eq!((signing.length(), signing.finish()), (text.len(), signature(text)), "{pieces:?}");
        }
    }
}
