//! What a scanner may be asked beside its channel, and what it notes for training.

use std::sync::Arc;

use cordon_core::resource::SentValues;

use super::{Lists, Scanner};
use crate::answer::hosts::Hosts;
use crate::answer::leak::Prompt;
use crate::custom::{self, Custom};
use crate::names::{self, Names};
use crate::noise;
use crate::policy::Policies;
use crate::seen::Trace;
use crate::task::Task;
use crate::training::Window;

impl Scanner {
    /// The same for a text whose links may lead to these hosts alone.
    #[must_use]
    pub fn with_hosts(self, hosts: Hosts) -> Self {
        Self { hosts, ..self }
    }

    /// The same for an answer that should not give this prompt away. Only texts of a channel that models write or repeat are looked
    /// at for it.
    #[must_use]
    pub fn with_prompt(self, prompt: Prompt) -> Self {
        Self { prompt, ..self }
    }

    /// The same for a text that came with this task: an order that its user asked about is flagged and no more. Only documents and
    /// what tools give are judged by it.
    #[must_use]
    pub fn with_task(self, task: Task) -> Self {
        Self { task, ..self }
    }

    /// The same for a text in which it is noted of values which of these lists name them. Of what is encoded in it, nothing is.
    #[must_use]
    pub fn with_lists(self, lists: Lists) -> Self {
        Self { lists, ..self }
    }

    /// The same for a text that was answered to who sent these values: it is noted which of them come back. Of what is encoded in it,
    /// nothing is.
    #[must_use]
    pub fn with_sent(self, sent: Arc<SentValues>) -> Self {
        Self { sent: Some(sent), ..self }
    }

    /// The same for a text of which [`crate::Engine::read_values`] gives the values too, but for those that are encoded in it.
    #[must_use]
    pub fn with_values(self) -> Self {
        Self { noted: Some(Box::default()), ..self }
    }

    /// The values so far.
    pub(crate) fn take_values(&mut self) -> SentValues {
        self.noted.as_deref_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The same for a text in which what these guards name themselves is looked for too.
    #[must_use]
    pub fn with_custom(mut self, custom: &[Custom]) -> Self {
        self.custom = custom.to_vec();
        self.own = custom.iter().filter_map(|custom| custom::Reader::new(custom, self.channel)).collect();
        let holds = |category| self.holds.iter().any(|hold| hold.covers(category));
        self.hold_custom = self.own.iter().any(|own| own.categories().any(holds));
        // It may be encoded, as anything.
        self.hold_values |= self.hold_custom;
        self
    }

    /// The same for a text in which people, organisations, places and addresses are wanted too, which cost more than all the
    /// rest. They are looked for in the text itself, not in what is encoded in it.
    #[must_use]
    pub fn with_names(self) -> Self {
        Self { names: Some(Box::new(Names::new())), ..self }
    }

    /// The same, noting what the tagger of names judges.
    pub(crate) fn noting_names(self) -> Self {
        Self { names: Some(Box::new(Names::noting())), ..self }
    }

    /// What it judged.
    pub(crate) fn noted_names(&mut self) -> Vec<Vec<names::training::Word>> {
        self.names.as_mut().map(|names| names.noted()).unwrap_or_default()
    }

    /// The same for a text that policies are asked about: what is forbidden to ask for or to say, in the text and in what is encoded in
    /// it.
    #[must_use]
    pub fn with_policies(self) -> Self {
        Self { policies: Some(Box::default()), ..self }
    }

    /// The same, noting what the model of policies judges.
    pub(crate) fn noting_policies(self) -> Self {
        Self { policies: Some(Box::new(Policies::noting())), ..self }
    }

    /// What it judged.
    pub(crate) fn noted_policies(&mut self) -> Vec<Vec<u32>> {
        self.policies.as_mut().map(|policies| policies.noted()).unwrap_or_default()
    }

    /// The same, noting the views in which it finds something.
    pub(crate) fn traced(self, trace: Trace) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// The same for a text that has too few words for the model of injection.
    pub(crate) fn unsuspecting(mut self) -> Self {
        self.suspicion.skip();
        self
    }

    /// The same, noting what the model of injection judges.
    pub(crate) fn noting(mut self) -> Self {
        self.suspicion.note();
        self
    }

    /// The same, noting what the model of noise judges, with these words known.
    pub(crate) fn noting_noise(mut self, known: noise::shape::Known) -> Self {
        self.noise.note(known);
        self
    }

    /// What it judged.
    pub(crate) fn noted_noise(&mut self) -> Vec<noise::Window> {
        self.noise.noted()
    }

    /// What it judged.
    pub(crate) fn noted(&mut self) -> Vec<Window> {
        self.suspicion.noted()
    }
}
