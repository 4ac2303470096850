use cordon_core::{
    Digest, KeyId, Name,
    containment::{Subject, ToolName},
};
use rpds::RedBlackTreeSetSync;

use crate::RouteEntry;

/// What is out of use. With nothing in it, which is how it nearly always is, a question costs one comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quarantined(RedBlackTreeSetSync<Subject>);

impl Quarantined {
    pub(crate) fn put(&mut self, subject: Subject) {
        self.0.insert_mut(subject);
    }

    pub(crate) fn take(&mut self, subject: &Subject) {
        self.0.remove_mut(subject);
    }

    /// Whether nothing is out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All subjects, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Subject> {
        self.0.iter()
    }

    /// Whether this subject itself is out.
    pub fn contains(&self, subject: &Subject) -> bool {
        !self.is_empty() && self.0.contains(subject)
    }

    /// Why a caller may not call: its key or all of it is out.
    pub fn caller(&self, key: KeyId, principal: &Name) -> Option<Subject> {
        self.first(|| [Subject::Key(key), Subject::Principal(principal.clone())])
    }

    /// Why a route is closed: it or its system is out.
    pub fn route(&self, route: &RouteEntry) -> Option<Subject> {
        self.first(|| {
            [Some(Subject::Route(route.name.clone())), route.system.clone().map(Subject::System)]
                .into_iter()
                .flatten()
        })
    }

    /// Why a target is not used: the model or its service is out.
    pub fn target(&self, model: &Name, service: &Name) -> Option<Subject> {
        self.first(|| [Subject::Model(model.clone()), Subject::Service(service.clone())])
    }

    /// Whether a tool of this name is out. A name that no tool can have is not.
    pub fn tool(&self, name: &str) -> bool {
        !self.is_empty() && ToolName::parse(name).is_some_and(|name| self.0.contains(&Subject::Tool(name)))
    }

    /// The detectors that are out.
    pub fn detectors(&self) -> impl Iterator<Item = &Name> {
        self.iter().filter_map(|subject| match subject {
            Subject::Detector(name) => Some(name),
            _ => None,
        })
    }

    /// The signatures of content that is out.
    pub fn signatures(&self) -> impl Iterator<Item = &Digest> {
        self.iter().filter_map(|subject| match subject {
            Subject::Signature(digest) => Some(digest),
            _ => None,
        })
    }

    /// The first of these subjects that is out; they are made only when anything is.
    fn first<I: IntoIterator<Item = Subject>>(&self, subjects: impl FnOnce() -> I) -> Option<Subject> {
        if self.is_empty() { None } else { subjects().into_iter().find(|subject| self.0.contains(subject)) }
    }
}
