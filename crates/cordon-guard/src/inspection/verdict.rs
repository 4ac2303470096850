//! What came of inspecting one direction of a call: what is recorded, what stops it, and what waits for a person.

use std::collections::BTreeSet;

use cordon_core::{
    Action, Category, Channel, Finding, Refusal, RefusalCode, Score, Span,
    record::{Normalised, RecordedFinding, RecordedGrounding, RecordedVerdict},
    resource::SentValues,
    review::{self, HeldId},
};
use cordon_files::Report;
use cordon_policy::Ruling;

use super::Part;
use crate::{
    files::Attached,
    held::{MOST_WAITING, Waiting},
    remote::UNANSWERED,
};

/// The categories of sensitive data.
const SENSITIVE: [Category; 2] = [Category::known("pii"), Category::known("secret")];

/// From this score on a finding is more likely true than not.
const LIKELY: Score = Score::percent(50);

/// What callers read where there are more or longer texts than detectors are sent. The same call would end so again.
const TOO_MUCH: &str = "The call has more or longer texts than can be inspected in one call, and would have them again; \
    help: send fewer or shorter ones: a shorter conversation, fewer inputs, shorter answers.";

/// Whether a part is of the definition of a tool: an address in an example there is nobody's data, and whoever writes definitions
/// could otherwise close every tool that takes no such data.
fn defines(part: &str) -> bool {
    let mut words = part.split('/');
    match words.next() {
        Some("tools" | "functions") => true,
        Some("input") => words.nth(1) == Some("tools"),
        _ => false,
    }
}

/// What was found in one direction of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    recorded: RecordedVerdict,
    /// The sensitive data that was found, more likely than not, and goes on as it is.
    labels: BTreeSet<Category>,
    /// That of them which stands in definitions of tools: it enters nothing, and is sent all the same.
    defined: BTreeSet<Category>,
    /// Whether it stops since there is more of it than a detector is sent.
    too_much: bool,
    /// How many findings hold it.
    holds: u32,
    /// What holds it.
    held_for: BTreeSet<Category>,
    /// The files and texts that hold it, and nobody has decided about, with how many of the findings they have.
    waiting: Vec<Waiting>,
    waiting_holds: u32,
    /// The releases of what passes once, each with what waits where another call has used it.
    spent: Vec<(HeldId, Waiting)>,
    /// What was changed in the texts of the request.
    normalised: Normalised,
    /// The values that the caller sent in the request.
    pub(super) sent: SentValues,
    /// The texts of the files that the request brings, where its answer is compared with them.
    attached: Attached,
}

impl Verdict {
    /// The strictest action.
    pub const fn action(&self) -> Action {
        self.recorded.action
    }

    /// What the record keeps.
    pub const fn recorded(&self) -> &RecordedVerdict {
        &self.recorded
    }

    /// What the record keeps.
    pub fn into_recorded(self) -> RecordedVerdict {
        self.recorded
    }

    /// The sensitive data that was found, more likely than not, and goes on as it is: what is redacted enters nothing.
    pub(crate) const fn labels(&self) -> &BTreeSet<Category> {
        &self.labels
    }

    /// What of it stands in definitions of tools, which is no label of the call: whoever is sent the call is sent it.
    pub(crate) const fn defined(&self) -> &BTreeSet<Category> {
        &self.defined
    }

    /// The refusal that a verdict beyond [`Action::Redact`] means. What is held has no reviewer but where it was kept for one
    /// ([`crate::held`]).
    pub fn refusal(&self) -> Option<Refusal> {
        let strictest = self.recorded.findings.first();
        let what = || {
            strictest.map_or_else(String::new, |finding| {
                format!("{} at {} by {}", finding.category, finding.part, finding.detector)
            })
        };
        let code = match self.recorded.action {
            Action::Allow | Action::Flag | Action::Redact => return None,
            // Nothing is wrong with the content as far as is known. Of more than is sent nothing will ever be known.
            _ if self.too_much && strictest.is_some_and(|finding| finding.category == UNANSWERED) => {
                return Some(
                    Refusal::new(RefusalCode::PayloadLimited, what()).said(Some(TOO_MUCH.to_owned())),
                );
            }
            _ if strictest.is_some_and(|finding| finding.category == UNANSWERED) => {
                RefusalCode::DetectorUnavailable
            }
            Action::Hold => RefusalCode::HeldNoReviewer,
            Action::Block => RefusalCode::ContentBlocked,
        };
        let rejected = self.recorded.rejected.first().filter(|_| code == RefusalCode::ContentBlocked);
        Some(Refusal::new(code, what()).said(rejected.map(|held| {
            format!("A person has looked at a part of this call, which was held as {held}, and rejected it.")
        })))
    }

    /// Notes what was changed in its texts.
    pub(crate) const fn note_normalised(&mut self, done: Normalised) {
        self.normalised.add(done);
    }

    /// The values that its caller sent, which it then remembers no more.
    pub(crate) fn take_sent(&mut self) -> SentValues {
        std::mem::take(&mut self.sent)
    }

    /// Keeps the texts of a file.
    pub(crate) fn attach(&mut self, part: &impl Part, report: &Report, bytes: &[u8]) {
        self.attached.add(part.name(), report, bytes);
    }

    /// The texts of its files, which it then remembers no more.
    pub(crate) fn take_attached(&mut self) -> Attached {
        std::mem::take(&mut self.attached)
    }

    /// What was changed in its texts.
    pub(crate) const fn normalised(&self) -> Normalised {
        self.normalised
    }

    /// How many findings hold it.
    pub(crate) const fn holds(&self) -> u32 {
        self.holds
    }

    /// What holds it, for a part that is looked at by itself: it begins with nothing.
    pub(crate) fn begin_part(&mut self) -> BTreeSet<Category> {
        std::mem::take(&mut self.held_for)
    }

    /// What holds the part that began, which then is part of what was before.
    pub(crate) fn end_part(&mut self, mut before: BTreeSet<Category>) -> BTreeSet<Category> {
        let own = std::mem::take(&mut self.held_for);
        before.extend(own.iter().cloned());
        self.held_for = before;
        own
    }

    /// Whether anything more of a call may wait.
    pub(crate) const fn has_room(&self) -> bool {
        self.waiting.len() < MOST_WAITING
    }

    /// Notes a file or a text that so many findings hold, and that nobody has decided about.
    pub(crate) fn waits(&mut self, item: Waiting, holds: u32) {
        self.waiting_holds = self.waiting_holds.saturating_add(holds);
        // The same twice is one to look at, for all that either is held for.
        match self.waiting.iter_mut().find(|known| known.content == item.content) {
            Some(known) => known.join(item),
            None => self.waiting.push(item),
        }
    }

    /// Notes that a review decided about a file or a text.
    pub(crate) fn decided(&mut self, verdict: review::Verdict, held: HeldId) {
        let list = match verdict {
            review::Verdict::Released => &mut self.recorded.released,
            review::Verdict::Rejected => &mut self.recorded.rejected,
        };
        if !list.contains(&held) {
            list.push(held);
        }
    }

    /// Notes that this release lets something in that passes once.
    pub(crate) fn spends(&mut self, held: HeldId, item: Waiting) {
        self.spent.push((held, item));
    }

    /// Whether this release has let something in that passes once.
    pub(crate) fn has_spent(&self, held: HeldId) -> bool {
        self.spent.iter().any(|(spent, _)| *spent == held)
    }

    /// The releases to use up, with what waits where that fails.
    pub(crate) fn take_spent(&mut self) -> Vec<(HeldId, Waiting)> {
        std::mem::take(&mut self.spent)
    }

    /// Notes that a release let nothing in after all.
    pub(crate) fn was_not_released(&mut self, held: HeldId) {
        self.recorded.released.retain(|released| *released != held);
    }

    /// What is to be looked at, where nothing else holds it.
    pub(crate) fn take_waiting(&mut self) -> Vec<Waiting> {
        let waiting = std::mem::take(&mut self.waiting);
        if self.waiting_holds == self.holds { waiting } else { Vec::new() }
    }

    /// Notes that it stops since there is more of the content than a detector is sent.
    pub(crate) const fn finds_too_much(&mut self) {
        self.too_much = true;
    }

    /// Counts findings that are not listed.
    pub(super) const fn more(&mut self, unlisted: u64) {
        self.recorded.findings_more = self.recorded.findings_more.saturating_add(unlisted);
    }

    /// Adds how far a text of an answer is borne out by its sources.
    pub(crate) fn grounded(&mut self, counts: RecordedGrounding) {
        self.recorded.grounding.get_or_insert_default().join(counts);
    }

    pub(crate) fn add(
        &mut self,
        finding: &Finding,
        span: Span,
        channel: Channel,
        part: &impl Part,
        ruling: Ruling,
    ) {
        let part = part.name();
        if ruling.action == Action::Hold {
            self.holds = self.holds.saturating_add(1);
            self.held_for.insert(finding.category.clone());
        }
        if SENSITIVE.iter().any(|family| family.covers(&finding.category)) {
            self.label(finding, &part, ruling.action);
        }
        let mut recorded = RecordedFinding::new(finding, channel, part, ruling.action, ruling.would);
        (recorded.start, recorded.end) = (span.start as u64, span.end as u64);
        recorded.guard = ruling.guard();
        self.recorded.add(recorded);
    }

    /// Notes that sensitive data goes on as it is, where it is more likely there than not.
    pub(super) fn label(&mut self, finding: &Finding, part: &str, action: Action) {
        if finding.score >= LIKELY && action < Action::Redact {
            let entered = if defines(part) { &mut self.defined } else { &mut self.labels };
            entered.insert(finding.category.clone());
        }
    }
}
