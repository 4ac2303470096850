//! What every text of a call is inspected with; [`verdict`] is what comes of it.

mod verdict;

use std::sync::Arc;

use cordon_core::{
    Action, Category, Channel, Digest, Finding, HmacKey, Listed, Name, Score, Span, Timestamp,
    resource::{Normalise, RouteFiles, RouteMode, SentValues},
};
use cordon_inspect::{Custom, Engine, Hosts, Lists, Prompt, Scanner, Task};
use cordon_policy::{EffectiveGuard, Quarantined, Ruling};

use crate::{
    abuse::{Signal, Slowing},
    alone::Ruled,
    answer::{Expected, Text},
    authority::{Authority, Seen},
    custom,
    files::FileMemory,
    held::{Decided, Reviewing},
    planted::Planted,
    predict::fault::{Check, Fault, Faults},
    quarantine::Signing,
    redact::Cut,
    remote::{Reading, Second},
    sent,
};

pub use self::verdict::Verdict;

/// The category of content that went on unseen: media, and content behind a URL. A guard may have rules for it.
pub const UNINSPECTED: Category = Category::known("uninspected");

/// The category of content whose signature is quarantined.
const QUARANTINED: Category = Category::known("quarantined");

/// The category of an action that is held because of the route's mode.
const ACTION: Category = Category::known("action");

/// The category of what leads to other hosts.
const EGRESS: Category = Category::known("egress");

/// One call's means of inspection: the engine, the joined guards, the time, and the key of hashes that stand for
/// redacted values. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Inspection {
    engine: Engine,
    guard: Arc<EffectiveGuard>,
    now: Timestamp,
    key: HmacKey,
    out: Arc<Out>,
    /// Whether actions that a model proposes are held.
    holds_actions: bool,
    /// Which tools may be called.
    authority: Option<Arc<Authority>>,
    /// What answers should not give away.
    prompt: Prompt,
    /// What its user asks about.
    task: Task,
    /// What is planted in the request, and how others' words are shown.
    planted: Option<Arc<Planted>>,
    /// The hosts that texts may lead to.
    hosts: Hosts,
    /// Whether what policies forbid is looked for in any case.
    policies: bool,
    /// What the guards name themselves.
    custom: Arc<[Custom]>,
    /// The values that guards let pass.
    lists: Lists,
    /// The values that the caller sent.
    sent: Option<Arc<SentValues>>,
    /// What answers are meant to be.
    expected: Option<Arc<Expected>>,
    /// Whether the texts of files are kept for them.
    keeps_files: bool,
    /// What detectors elsewhere have to do with its texts.
    pub(crate) second: Option<Arc<Second>>,
    /// What stands in its pictures, where somebody elsewhere reads them.
    pub(crate) reading: Option<Arc<Reading>>,
    /// The memory that files are read in.
    pub(crate) files: Arc<FileMemory>,
    /// What files must be.
    structure: Option<Arc<RouteFiles>>,
    /// What is changed in the texts of requests before they leave.
    normalise: Option<Normalise>,
    /// What people decided about what was held of the caller.
    reviewing: Option<Arc<Reviewing>>,
    /// What they decided about the file or the text that is looked at.
    review: Option<Arc<Decided>>,
}

/// What quarantines say of content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Out {
    /// Detectors whose findings do not count.
    detectors: Vec<Name>,
    /// Signatures of texts that do not pass.
    signatures: Vec<Digest>,
}

/// Whether something can stand in place of a part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Yes: what is to be redacted is cut out.
    Open,
    /// No, the protocol gives the text a meaning: what would have to be redacted stops the content.
    Fixed,
}

/// What a text is and where it stands.
pub(crate) struct Seat<'a, P> {
    pub(crate) channel: Channel,
    pub(crate) place: Place,
    pub(crate) part: &'a P,
}

/// A finding after which the content may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop;

/// The part of a request or answer that a text belongs to, written out only when something was found in it.
pub(crate) trait Part {
    /// A name without anything that the caller chose: `messages/2/content`.
    fn name(&self) -> String;
}

impl Part for &str {
    fn name(&self) -> String {
        (*self).to_owned()
    }
}

impl Inspection {
    /// The means of inspection of one call. `key` makes the hashes of [`cordon_core::Form::Hash`]: one for the
    /// organisation, or one for the process.
    pub fn new(engine: Engine, guard: Arc<EffectiveGuard>, now: Timestamp, key: HmacKey) -> Self {
        let hosts = Hosts::new(guard.hosts().map(<[_]>::to_vec));
        let hosts = if guard.hosts_may_pass(&EGRESS) { hosts } else { hosts.only_raising() };
        let custom = custom::types(&guard, &engine);
        let lists = guard.lists().map(|(at, list)| (at, Arc::clone(list))).collect();
        Self {
            engine,
            custom,
            lists,
            sent: None,
            guard,
            now,
            key,
            hosts,
            policies: false,
            out: Arc::default(),
            holds_actions: false,
            authority: None,
            prompt: Prompt::default(),
            task: Task::default(),
            planted: None,
            expected: None,
            keeps_files: false,
            second: None,
            reading: None,
            files: FileMemory::usual(),
            structure: None,
            normalise: None,
            reviewing: None,
            review: None,
        }
    }

    /// Looking for what policies forbid, whether or not a rule names it.
    #[must_use]
    pub(crate) const fn with_policies(mut self) -> Self {
        self.policies = true;
        self
    }

    /// With what quarantines say.
    #[must_use]
    pub fn contained(mut self, quarantined: &Quarantined) -> Self {
        if !quarantined.is_empty() {
            self.out = Arc::new(Out {
                detectors: quarantined.detectors().cloned().collect(),
                signatures: quarantined.signatures().copied().collect(),
            });
        }
        self
    }

    /// Reading files in this memory.
    #[must_use]
    pub fn in_memory(mut self, files: Arc<FileMemory>) -> Self {
        self.files = files;
        self
    }

    /// With what the route says that files must be.
    #[must_use]
    pub(crate) fn structured(mut self, structure: Option<Arc<RouteFiles>>) -> Self {
        self.structure = structure;
        self
    }

    /// Whether the texts of files are kept for what their answer is compared with.
    #[must_use]
    pub(crate) const fn keeping_files(mut self, keeps: bool) -> Self {
        self.keeps_files = keeps;
        self
    }

    pub(crate) const fn keeps_files(&self) -> bool {
        self.keeps_files
    }

    /// What files must be.
    pub(crate) fn structure(&self) -> Option<&RouteFiles> {
        self.structure.as_deref()
    }

    /// With what is changed in the texts of requests before they leave.
    #[must_use]
    pub(crate) const fn normalising(mut self, rules: Option<Normalise>) -> Self {
        self.normalise = rules;
        self
    }

    /// What is changed in the texts of requests before they leave.
    pub(crate) const fn normalise(&self) -> Option<Normalise> {
        self.normalise
    }

    /// With what people decided about what was held.
    #[must_use]
    pub(crate) fn reviewing_by(mut self, reviewing: Arc<Reviewing>) -> Self {
        self.reviewing = Some(reviewing);
        self
    }

    /// What people decided about what was held.
    pub(crate) fn reviewing(&self) -> Option<&Reviewing> {
        self.reviewing.as_deref()
    }

    /// With what somebody decided about the file or the text that is looked at.
    #[must_use]
    pub(crate) fn deciding(mut self, decided: Arc<Decided>) -> Self {
        self.review = Some(decided);
        self
    }

    /// The time of the call.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// With what the mode of the route says.
    #[must_use]
    pub fn in_mode(mut self, mode: RouteMode) -> Self {
        self.holds_actions = mode == RouteMode::Safe;
        self
    }

    /// The model proposes an action: a call of a tool. In safe mode it is held.
    pub(crate) fn proposed(&self, part: &impl Part, verdict: &mut Verdict) {
        if self.holds_actions {
            let ruling = Ruling::without_guard(Action::Hold);
            verdict.add(&whole(ACTION, "mode", 0), Span::new(0, 0), Channel::Model, part, ruling);
        }
    }

    /// With what is declared of tools.
    #[must_use]
    pub(crate) fn under(mut self, authority: Option<Authority>) -> Self {
        self.authority = authority.map(Arc::new);
        self
    }

    /// With what answers should not give away, for what is inspected from now on.
    #[must_use]
    pub(crate) fn telling(mut self, prompt: Prompt) -> Self {
        self.prompt = prompt;
        self
    }

    /// With what the user of the request asks about, which documents and tools may speak of.
    #[must_use]
    pub(crate) fn for_task(mut self, task: Task) -> Self {
        self.task = task;
        self
    }

    /// With what is planted in the request once it was inspected.
    #[must_use]
    pub(crate) fn planting(mut self, planted: Option<Planted>) -> Self {
        self.planted = planted.map(Arc::new);
        self
    }

    /// What is planted in the request.
    pub(crate) fn planted(&self) -> Option<&Planted> {
        self.planted.as_deref()
    }

    /// With what answers are meant to be.
    #[must_use]
    pub(crate) fn expecting(mut self, expected: Option<Expected>) -> Self {
        self.expected = expected.map(Arc::new);
        self
    }

    /// For whole answers that are to be one JSON object, and are mended where they are not, as on a route with `repair`.
    #[must_use]
    pub fn mending_json(self) -> Self {
        self.expecting(Some(Expected::mending_json()))
    }

    /// What answers are meant to be; nothing where nobody has a rule for it.
    pub(crate) const fn expected(&self) -> Option<&Arc<Expected>> {
        self.expected.as_ref()
    }

    /// Judges the texts of a whole answer, which are looked for only where something is expected of them.
    pub(crate) fn texts(&self, texts: impl FnOnce() -> Vec<Text>, verdict: &mut Verdict) {
        if let Some(expected) = &self.expected {
            expected.judge(&texts(), self, verdict);
        }
    }

    /// Records what a whole answer is not, or should not be, and asks the guards what is done about it. Nothing can stand in the
    /// place of it.
    pub(crate) fn unexpected(&self, finding: &Finding, part: &impl Part, verdict: &mut Verdict) {
        if let Some(ruling) = self.ruling(Channel::Model, Place::Fixed, finding) {
            verdict.add(finding, finding.span, Channel::Model, part, ruling);
        }
    }

    /// Records what a request or an answer is about, and asks the guards what is done about it, where the guard acts that says what it may
    /// be about. Nothing can stand in the place of it.
    pub(crate) fn about(
        &self,
        channel: Channel,
        finding: &Finding,
        acts: bool,
        part: &impl Part,
        verdict: &mut Verdict,
    ) {
        if let Some(ruling) = self.ruling_about(channel, finding, acts) {
            verdict.add(finding, finding.span, channel, part, ruling);
        }
    }

    /// What is done about it.
    pub(crate) fn ruling_about(&self, channel: Channel, finding: &Finding, acts: bool) -> Option<Ruling> {
        let ruling = self.ruling(channel, Place::Fixed, finding)?;
        Some(if acts { ruling } else { Ruling { action: Action::Allow, by: None, ..ruling } })
    }

    /// Which tools may be called; nothing where none is declared and none has to be.
    pub(crate) const fn authority(&self) -> Option<&Arc<Authority>> {
        self.authority.as_ref()
    }

    /// Judges the calls that a whole answer proposes, which are looked for only where there are rules for them.
    pub(crate) fn calls(&self, seen: impl FnOnce() -> Vec<Seen>, verdict: &mut Verdict) {
        if let Some(authority) = &self.authority {
            let mut answer = authority.answer();
            seen().iter().for_each(|seen| answer.see(seen, self, verdict));
        }
    }

    /// Records that a rule on tools is broken. What is done about it is what the rule says, or a guard where that is stricter.
    pub(crate) fn ruled(&self, category: Category, own: Action, part: &impl Part, verdict: &mut Verdict) {
        let finding = whole(category, "tool", 0);
        let ruling = self.judge(Channel::Model, &finding.category, finding.score, Place::Fixed).or_own(own);
        let ruling = self.decided(&finding.category, ruling);
        verdict.add(&finding, finding.span, Channel::Model, part, ruling);
    }

    /// Records that a rule of its own is broken: what is done about it is what that says, or a guard where it is stricter. A rule holds
    /// whichever detector is quarantined; where it does nothing by itself, this is a finding like any other.
    pub(crate) fn by_rule(
        &self,
        channel: Channel,
        finding: &Finding,
        own: Action,
        part: &impl Part,
        verdict: &mut Verdict,
    ) {
        let ruling = match own {
            Action::Allow => self.ruling(channel, Place::Fixed, finding),
            _ => Some(self.judge(channel, &finding.category, finding.score, Place::Fixed)),
        };
        if let Some(ruling) = ruling {
            verdict.add(finding, finding.span, channel, part, ruling.or_own(own));
        }
    }

    /// The joined guards.
    pub fn guard(&self) -> &EffectiveGuard {
        &self.guard
    }

    /// What the guards name themselves, compiled.
    pub fn custom(&self) -> &[Custom] {
        &self.custom
    }

    pub(crate) const fn key(&self) -> &HmacKey {
        &self.key
    }

    /// The lists are of answers: web pages that a tool brings lead anywhere.
    fn hosts_on(&self, channel: Channel) -> Hosts {
        if channel == Channel::Model { self.hosts.clone() } else { Hosts::default() }
    }

    pub(crate) fn scanner(&self, channel: Channel) -> Scanner {
        self.scanner_for(channel, &self.guard.holds(channel))
    }

    /// A scanner with all that this call wants looked for.
    fn scanner_for(&self, channel: Channel, holds: &[Category]) -> Scanner {
        let scanner = self.engine.scanner(channel, holds);
        let scanner = scanner.with_prompt(self.prompt.clone()).with_hosts(self.hosts_on(channel));
        let scanner = scanner.with_task(self.task.clone());
        let scanner = if self.custom.is_empty() { scanner } else { scanner.with_custom(&self.custom) };
        let scanner = scanner.with_lists(Arc::clone(&self.lists));
        let scanner = match &self.sent {
            Some(sent) if channel == Channel::Model => scanner.with_sent(Arc::clone(sent)),
            _ => scanner,
        };
        let wanted = |categories: &[Category]| {
            categories.iter().any(|category| self.guard.names_category(channel, category))
        };
        let scanner = if self.wants_names(channel) { scanner.with_names() } else { scanner };
        if self.policies || wanted(&Engine::POLICIES) { scanner.with_policies() } else { scanner }
    }

    pub(crate) fn inspect(&self, channel: Channel, text: &str) -> Vec<Finding> {
        if text.is_empty() {
            return Vec::new();
        }
        self.engine.read(self.scanner_for(channel, &[]), text)
    }

    /// What stands in a text of a request, of which the verdict remembers the values that are its caller's own words.
    pub(crate) fn inspect_sent(&self, channel: Channel, text: &str, verdict: &mut Verdict) -> Vec<Finding> {
        let Some(own) = sent::Own::of(channel).filter(|_| !text.is_empty()) else {
            return self.inspect(channel, text);
        };
        let scanner = self.scanner_for(channel, &[]).with_values();
        let (findings, values) = self.engine.read_values(scanner, text);
        own.note(values, &mut verdict.sent);
        if self.guard.compares(&Engine::NAMES) && !self.wants_names(channel) {
            // Nobody's rule is about the names in it, so that nothing is recorded of them.
            let scanner = self.engine.scanner(channel, &[]).with_names().with_values();
            own.note(self.engine.read_values(scanner, text).1, &mut verdict.sent);
        }
        findings
    }

    /// With the values that the caller sent, for what is inspected from now on.
    #[must_use]
    pub(crate) fn answering(mut self, sent: SentValues) -> Self {
        self.sent = (!sent.is_empty()).then(|| Arc::new(sent));
        self
    }

    /// Whether a rule names people, organisations, places or addresses on this channel.
    fn wants_names(&self, channel: Channel) -> bool {
        Engine::NAMES.iter().any(|category| self.guard.names_category(channel, category))
    }

    /// What stands in texts that are read as one, but for what takes the judgement of a whole text.
    pub(crate) fn across(&self, channel: Channel, joined: &str) -> Vec<Finding> {
        self.engine.inspect(channel, joined)
    }

    /// What is done about a finding; nothing where its detector is quarantined, so that it does not count.
    pub(crate) fn ruling(&self, channel: Channel, place: Place, finding: &Finding) -> Option<Ruling> {
        let out = self.out.detectors.iter().any(|name| name.as_str() == finding.detector);
        (!out).then(|| self.judge_value(channel, (&finding.category, finding.score, finding.listed), place))
    }

    fn judge(&self, channel: Channel, category: &Category, score: Score, place: Place) -> Ruling {
        self.judge_value(channel, (category, score, Listed::NONE), place)
    }

    fn judge_value(
        &self,
        channel: Channel,
        (category, score, listed): (&Category, Score, Listed),
        place: Place,
    ) -> Ruling {
        let mut ruling = self.guard.judge_value(channel, category, score, listed, self.now);
        if place == Place::Fixed {
            let fixed = |action| if action == Action::Redact { Action::Block } else { action };
            ruling.action = fixed(ruling.action);
            ruling.would = fixed(ruling.would);
        }
        self.decided(category, ruling)
    }

    /// The ruling as somebody decided, where a decision is looked up.
    fn decided(&self, category: &Category, mut ruling: Ruling) -> Ruling {
        if let Some(decided) = &self.review {
            // Where it stops nothing, what guards that only observe would do is no more than that.
            ruling.would = if ruling.would == ruling.action {
                decided.action(category, ruling.would)
            } else {
                ruling.would
            };
            ruling.action = decided.action(category, ruling.action);
        }
        ruling
    }

    /// Judges and records findings; what is to be redacted is added to `cuts`. `locate` says where a span lies in the
    /// content as it came, for the record.
    ///
    /// # Errors
    /// When one of them stops the content. All are recorded in any case.
    pub(crate) fn rule(
        &self,
        seat: &Seat<'_, impl Part>,
        findings: &[Finding],
        locate: impl Fn(Span) -> Span,
        verdict: &mut Verdict,
        cuts: &mut Vec<Cut>,
    ) -> Result<(), Stop> {
        let Seat { channel, place, part } = *seat;
        let mut stop = Ok(());
        for finding in findings {
            let Some(ruling) = self.ruling(channel, place, finding) else { continue };
            let (action, form) = (ruling.action, ruling.form);
            verdict.add(finding, locate(finding.span), channel, part, ruling);
            if self.custom.iter().any(|custom| custom.sensitivity(&finding.category).is_some()) {
                verdict.label(finding, &part.name(), action);
            }
            if action == Action::Redact {
                cuts.push(Cut::new(finding, form));
            } else if !action.passes() {
                stop = Err(Stop);
            }
        }
        stop
    }

    /// Whether a text may pass, whatever guards say: one whose signature is quarantined may not.
    ///
    /// # Errors
    /// When it may not; the verdict says so then.
    pub(crate) fn signed(
        &self,
        seat: &Seat<'_, impl Part>,
        text: &str,
        verdict: &mut Verdict,
    ) -> Result<(), Stop> {
        let Some((finding, ruling)) = self.quarantined(text) else { return Ok(()) };
        verdict.add(&finding, finding.span, seat.channel, seat.part, ruling);
        Err(Stop)
    }

    /// What is found in a text whose signature is quarantined, and that it does not pass.
    pub(crate) fn quarantined(&self, text: &str) -> Option<(Finding, Ruling)> {
        let mut signing = self.signing()?;
        signing.push(text);
        self.named(signing)
    }

    /// The signature of a text that is about to come, where any is quarantined.
    pub(crate) fn signing(&self) -> Option<Signing> {
        (!self.out.signatures.is_empty()).then(Signing::default)
    }

    /// What is found in a text of this signature, and that it does not pass.
    fn named(&self, signing: Signing) -> Option<(Finding, Ruling)> {
        let length = signing.length();
        self.out.signatures.contains(&signing.finish()).then(|| {
            let ruling = Ruling::without_guard(Action::Block);
            (whole(QUARANTINED, "signature", length), ruling)
        })
    }

    /// Whether a text of an answer that has come to its end may go on, whatever guards say.
    ///
    /// # Errors
    /// When its signature is quarantined; the verdict says so then.
    pub(crate) fn ended(
        &self,
        seat: &Seat<'_, impl Part>,
        signing: Option<Signing>,
        verdict: &mut Verdict,
    ) -> Result<(), Stop> {
        let Some((finding, ruling)) = signing.and_then(|signing| self.named(signing)) else { return Ok(()) };
        verdict.add(&finding, finding.span, seat.channel, seat.part, ruling);
        Err(Stop)
    }

    /// Records what a caller's calls look like together, and asks the guards what is done about it. Gives what they slow down,
    /// and how.
    pub(crate) fn abuse(&self, signals: &[(Signal, Score)], verdict: &mut Verdict) -> Vec<Slowing<'_>> {
        let mut throttles = Vec::new();
        for (signal, score) in signals {
            let finding = Finding { score: *score, ..whole(signal.category(), "abuse", 0) };
            let ruling = self.judge(Channel::User, &finding.category, *score, Place::Fixed);
            verdict.add(&finding, finding.span, Channel::User, &"messages", ruling);
            let of_guards = self.guard.throttles(Channel::User, &finding.category, *score, self.now);
            throttles.extend(of_guards.map(|(guard, throttle)| Slowing { signal: *signal, guard, throttle }));
        }
        throttles
    }

    /// Records what the checks of a prediction's rows found. What is done about it is what its model says, or a guard where that is
    /// stricter. Answers with the strictest action, and with those that stop the content.
    pub(crate) fn faulty<'f>(
        &self,
        channel: Channel,
        faults: &'f Faults,
        wanted: impl Fn(Check) -> Action,
        verdict: &mut Verdict,
    ) -> (Action, Vec<&'f Fault>) {
        let mut strictest = Action::Allow;
        let mut stopping = Vec::new();
        for fault in faults.kept() {
            let finding = Finding { score: fault.score, ..whole(fault.check.category(), "signature", 0) };
            let ruling = self.judge(channel, &finding.category, finding.score, Place::Fixed);
            let ruling = ruling.or_own(wanted(fault.check));
            let action = ruling.action;
            verdict.add(&finding, finding.span, channel, fault, ruling);
            strictest = strictest.max(action);
            if !action.passes() {
                stopping.push(fault);
            }
        }
        verdict.more(faults.unlisted());
        (strictest, stopping)
    }

    /// Records that a detector said nothing of a content. What is done about it is what its resource says, or a guard where that is
    /// stricter.
    pub(crate) fn failed(
        &self,
        category: Category,
        (detector, version): (&'static str, u16),
        channel: Channel,
        own: Action,
        verdict: &mut Verdict,
    ) -> Action {
        let Ruled { finding, ruling } = self.failure(category, (detector, version), channel, own);
        let action = ruling.action;
        verdict.add(&finding, finding.span, channel, &"detector", ruling);
        action
    }

    /// That a detector said nothing, and what is done about it.
    pub(crate) fn failure(
        &self,
        category: Category,
        (detector, version): (&'static str, u16),
        channel: Channel,
        own: Action,
    ) -> Ruled {
        let finding = Finding { detector_version: version, ..whole(category, detector, 0) };
        let ruling = self.judge(channel, &finding.category, finding.score, Place::Fixed).or_own(own);
        Ruled { finding, ruling }
    }

    /// Records content that goes on unseen, and asks the guards whether it may.
    pub(crate) fn unseen(
        &self,
        channel: Channel,
        part: &impl Part,
        category: Category,
        length: usize,
        verdict: &mut Verdict,
    ) -> Result<(), Stop> {
        let finding = whole(category, "unseen", length);
        // There is nothing to put in its place.
        let ruling = self.judge(channel, &finding.category, finding.score, Place::Fixed);
        let passes = ruling.action.passes();
        verdict.add(&finding, finding.span, channel, part, ruling);
        if passes { Ok(()) } else { Err(Stop) }
    }
}

/// A finding that is about all of a content, and certain.
pub(crate) const fn whole(category: Category, detector: &'static str, length: usize) -> Finding {
    Finding {
        category,
        span: Span::new(0, length),
        score: Score::ONE,
        detector,
        detector_version: 1,
        continues: false,
        listed: cordon_core::Listed::NONE,
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::{HostPattern, Mode, resource::GuardSpec};

    use super::*;

    /// The worst that is found about a picture in an answer, under a guard in this mode with this list.
    fn worst(mode: Mode, hosts: Option<&[&str]>, url: &str) -> f64 {
        let hosts = hosts.map(|hosts| hosts.iter().map(|host| HostPattern::parse(host).unwrap()).collect());
        let spec = GuardSpec { mode, hosts, ..cordon_policy::baseline() };
        let guard = EffectiveGuard::alone(&Name::parse("g").unwrap(), &spec);
        let (now, key) = (Timestamp::from_millis(0), HmacKey::from_bytes([1; 32]));
        let inspection = Inspection::new(Engine::builtin(), Arc::new(guard), now, key);
        let found = inspection.inspect(Channel::Model, &format!("![chart]({url})"));
        found.iter().map(|finding| finding.score.as_f64()).fold(0.0, f64::max)
    }

    #[test]
    fn a_picture_comes_from_a_listed_host_or_is_found() {
        let (ours, other) = ("https://www.example.org/a.png", "https://evil.example/a.png");
        let list: &[&str] = &["*.example.org"];
        assert!(worst(Mode::Enforce, Some(list), ours) < 0.1);
        assert!(worst(Mode::Enforce, Some(list), other) >= 0.9);
        assert!(worst(Mode::Enforce, Some(&[]), ours) >= 0.9, "an empty list allows none");
        assert!(worst(Mode::Enforce, None, other) < 0.9);
        assert!(worst(Mode::Observe, Some(list), other) < 0.9, "who only observes has no say");
    }
}
