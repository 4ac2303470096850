//! What an answer is meant to be, and whether it is: its form, its length, its language, and what the sources of its request bear out. All of
//! it is known only at the end of an answer.
//!
//! What is expected stands in the request and in its route; what is done about an answer that is otherwise is what the guards say of the
//! category. Nothing is read of a request or kept of an answer where no guard has a rule for it. Of what is found, the place is kept and
//! never a word: members that the operator's own schema names are named, others are counted.

mod form;
mod gate;
mod gathered;
mod grounding;
mod repair;
mod sources;
mod text;
mod window;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cordon_core::{Category, Channel, Finding, Score, Span, json::Object};
use cordon_inspect::{declined, foreign};
use cordon_policy::{CompiledAnswers, EffectiveGuard};

use self::{
    form::Form,
    gathered::Gathered,
    grounding::{ANSWER, CITATION, GROUNDING, Known, Looks},
};
pub(crate) use self::{
    gate::AnswerGate,
    repair::repair,
    sources::TEXTS,
    text::{Text, of_chat, of_message, of_response},
};
use crate::{
    alone::Ruled,
    authority::Protocol,
    files::Attached,
    inspection::{Inspection, Place, Verdict},
    topics::{self, AnswerTopics},
};

/// What is wrong with the form of an answer, and what is below it.
const FORMAT: Category = Category::known("format");
const LENGTH: Category = Category::known("length");
const SHORT: Category = Category::known("length/short");
const LONG: Category = Category::known("length/long");
const LANGUAGE: Category = Category::known("language");
const OTHER: Category = Category::known("language/other");
/// What is found of an answer that declines what it was asked for.
const DECLINED: Category = Category::known("answer/declined");

/// What an answer is meant to be, as far as a guard asks for it.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// The forms that it must have, all of them.
    forms: Vec<Form>,
    /// The forms that a whole answer is mended to have, where its route asks for that.
    mends: Vec<Form>,
    /// What the request begins the answer with.
    begun: String,
    /// What its route says, where a guard asks for length or language.
    route: Option<Arc<CompiledAnswers>>,
    length: bool,
    language: bool,
    /// Whether a guard asks which answers decline.
    declined: bool,
    /// The sources of the request, where a guard asks what they bear out or whether they are named.
    known: Option<Box<Known>>,
    /// What it may be about, where a guard says that and asks for it.
    topics: Option<AnswerTopics>,
    /// Whether a stream waits for its end: what can be found there may stop it.
    holds: bool,
    /// Whether it leaves as it comes all the same, where its route wants that and a part of it is enough to find that.
    windows: bool,
    /// Whether a stream may be stopped where it becomes too long.
    cuts: bool,
}

impl Expected {
    /// What is expected of the answer to this request.
    pub(crate) fn of(
        request: &Object,
        protocol: Protocol,
        route: Option<&Arc<CompiledAnswers>>,
        guard: &EffectiveGuard,
    ) -> Option<Self> {
        let asks = |family: &Category| guard.looks_for(Channel::Model, [family]);
        let mut expected = Self::default();
        if asks(&FORMAT) {
            expected.forms.extend(Form::asked(request, protocol));
            expected.forms.extend(route.filter(|route| route.json).cloned().map(Form::Route));
        }
        if route.is_some_and(|route| route.repair) {
            expected.mends.extend(Form::asked(request, protocol));
            expected.mends.extend(route.filter(|route| route.json).cloned().map(Form::Route));
        }
        if !expected.forms.is_empty() || !expected.mends.is_empty() {
            expected.begun = text::begun(request, protocol);
        }
        let says = |said: fn(&CompiledAnswers) -> bool| route.is_some_and(|route| said(route));
        expected.length =
            says(|route| route.min_length.is_some() || route.max_length.is_some()) && asks(&LENGTH);
        expected.language = says(|route| !route.languages.is_empty()) && asks(&LANGUAGE);
        if expected.length || expected.language {
            expected.route = route.cloned();
        }
        let looks = Looks {
            grounding: asks(&GROUNDING),
            citations: asks(&CITATION),
            wanted: says(|route| route.citations),
        };
        if looks.grounding || looks.citations {
            expected.known = Known::of(request, protocol, looks).map(Box::new);
        }
        expected.declined = asks(&DECLINED);
        expected.topics = AnswerTopics::of(request, protocol, guard);
        expected.settled(route, guard)
    }

    /// Whether it depends on texts of files that the request brings.
    pub(crate) fn reads_files(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.has_files())
    }

    /// The same once the files of the request were inspected.
    pub(crate) fn with_files(
        mut self,
        files: &Attached,
        route: Option<&Arc<CompiledAnswers>>,
        guard: &EffectiveGuard,
    ) -> Option<Self> {
        if !self.reads_files() {
            return Some(self);
        }
        self.known = self.known.and_then(|known| known.with_files(files));
        self.settled(route, guard)
    }

    /// With what follows from what is looked for: whether a stream waits, and whether it may be cut. Nothing where nothing is looked for.
    fn settled(mut self, route: Option<&Arc<CompiledAnswers>>, guard: &EffectiveGuard) -> Option<Self> {
        let says = |said: fn(&CompiledAnswers) -> bool| route.is_some_and(|route| said(route));
        let stopping = guard.holds(Channel::Model);
        let may_stop =
            |family: &Category| stopping.iter().any(|one| one.covers(family) || family.covers(one));
        // An answer that is too long is seen where it becomes too long.
        let waits_for_length = says(|route| route.min_length.is_some()) && may_stop(&SHORT);
        let known = self.known.is_some();
        let at_the_end = !self.forms.is_empty() && may_stop(&FORMAT)
            || self.length && waits_for_length
            || known && may_stop(&ANSWER)
            || self.declined && may_stop(&DECLINED);
        self.holds = at_the_end
            || self.language && may_stop(&LANGUAGE)
            || known && (may_stop(&GROUNDING) || may_stop(&CITATION))
            || self.topics.is_some() && may_stop(&topics::TOPIC);
        self.windows = self.holds && !at_the_end && says(|route| route.window);
        self.cuts = self.length && may_stop(&LONG);
        let is_any = !self.forms.is_empty()
            || !self.mends.is_empty()
            || self.route.is_some()
            || self.known.is_some()
            || self.declined
            || self.topics.is_some();
        is_any.then_some(self)
    }

    /// One JSON object, to which a whole answer is mended.
    pub(crate) fn mending_json() -> Self {
        Self { mends: vec![Form::Asked(None)], ..Self::default() }
    }

    /// Judges the texts of an answer, all of which are there.
    pub(crate) fn judge(&self, texts: &[Text], inspection: &Inspection, verdict: &mut Verdict) {
        for text in texts {
            self.declined_in(text, inspection, verdict);
            // A turn that calls tools may say nothing.
            if text.is_silent() {
                continue;
            }
            if text.is_last() {
                self.forms.iter().for_each(|form| form.judge(text, &self.begun, inspection, verdict));
            }
            if !self.too_long(text, inspection, verdict) {
                self.too_short(text, inspection, verdict);
            }
            self.judge_window(text, inspection, verdict);
        }
    }

    /// Judges what a part of an answer is enough for: its language, its topics, and what its sources say of its sentences.
    fn judge_window(&self, text: &Text, inspection: &Inspection, verdict: &mut Verdict) {
        self.language_of(text, inspection, verdict);
        if let Some(topics) = &self.topics {
            topics.judge(text, inspection, verdict);
        }
        // Data has no sentences.
        if let Some(known) = self.known.as_ref().filter(|_| self.forms.is_empty() && !text.is_json()) {
            known.judge(text, inspection, verdict);
        }
    }

    /// Whether texts that go on may be stopped, and one of them has become too long: that is recorded then.
    fn cuts(&self, gathered: &Gathered, inspection: &Inspection, verdict: &mut Verdict) -> bool {
        let bound = self.route.as_ref().and_then(|route| route.max_length).filter(|_| self.cuts);
        let is_over = bound.is_some_and(|most| gathered.characters() > count(most));
        if is_over {
            for text in gathered.texts() {
                self.too_long(&text, inspection, verdict);
            }
        }
        is_over
    }

    /// Records that a text is too long. The finding stands where that begins, so that it is the same however long the text becomes.
    fn too_long(&self, text: &Text, inspection: &Inspection, verdict: &mut Verdict) -> bool {
        let bound = self.route.as_ref().and_then(|route| route.max_length).filter(|_| self.length);
        let over = bound.and_then(|most| text.as_str().char_indices().nth(count(most)));
        if let Some((start, character)) = over {
            let span = Span::new(start, start.saturating_add(character.len_utf8()));
            let finding = Finding { span, ..about(text, LONG, "length", Score::ONE) };
            inspection.unexpected(&finding, &text.part(0), verdict);
        }
        over.is_some()
    }

    fn too_short(&self, text: &Text, inspection: &Inspection, verdict: &mut Verdict) {
        let bound = self.route.as_ref().and_then(|route| route.min_length).filter(|_| self.length);
        if bound.is_some_and(|least| text.as_str().chars().count() < count(least)) {
            inspection.unexpected(&about(text, SHORT, "length", Score::ONE), &text.part(0), verdict);
        }
    }

    /// Records that a text declines, in words or in a place of its own. An answer of several texts says so in each that does.
    fn declined_in(&self, text: &Text, inspection: &Inspection, verdict: &mut Verdict) {
        if !self.declined {
            return;
        }
        let said = text.declined();
        let Some(found) = declined(text.as_str(), said.is_some()) else { return };
        match said {
            Some(place) => {
                let nothing = Finding { span: Span::new(0, 0), ..found };
                inspection.unexpected(&nothing, place, verdict);
            }
            None if !text.is_silent() => {
                let (path, span) = text.place(found.span);
                inspection.unexpected(&Finding { span, ..found }, &path, verdict);
            }
            None => {}
        }
    }

    fn language_of(&self, text: &Text, inspection: &Inspection, verdict: &mut Verdict) {
        let Some(route) = self.route.as_ref().filter(|_| self.language) else { return };
        // The names of members are in the language of the application.
        if !self.forms.is_empty() || text.is_json() {
            return;
        }
        if let Some(score) = foreign(text.as_str(), &route.languages) {
            inspection.unexpected(&about(text, OTHER, "language", score), &text.part(0), verdict);
        }
    }
}

/// What is found in an answer by itself, and what is done about it.
pub(crate) fn alone(inspection: &Inspection, channel: Channel, text: &str) -> Option<Ruled> {
    let asks = channel == Channel::Model && inspection.guard().looks_for(channel, [&DECLINED]);
    let finding = declined(text, false).filter(|_| asks)?;
    let ruling = inspection.ruling(channel, Place::Fixed, &finding)?;
    Some(Ruled { finding, ruling })
}

fn count(characters: u32) -> usize {
    usize::try_from(characters).unwrap_or(usize::MAX)
}

/// A finding about all of a text.
fn about(text: &Text, category: Category, detector: &'static str, score: Score) -> Finding {
    Finding {
        category,
        span: Span::new(0, text.as_str().len()),
        score,
        detector,
        detector_version: 1,
        continues: false,
        listed: cordon_core::Listed::NONE,
    }
}
