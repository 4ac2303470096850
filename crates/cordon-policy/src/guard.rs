use std::{
    cmp::Reverse,
    sync::{Arc, LazyLock},
};

use cordon_core::{
    Action, Category, Channel, Form, HostPattern, Listed, Mode, Name, Score, Timestamp,
    record::DecidingGuard,
    resource::{AllowList, Exception, ExceptionScope, GuardScope, GuardSpec, Rule, Throttle},
};
use smallvec::SmallVec;

use crate::types::{NamedTopics, NamedTypes};

/// A guard as the data plane knows it: its rules by channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CompiledGuard {
    pub(crate) name: Name,
    pub(crate) scope: GuardScope,
    mode: Mode,
    /// The rules of each channel, in the order of [`Channel::ALL`].
    rules: [Vec<CompiledRule>; 5],
    exceptions: Vec<Exception>,
    /// The values that its rules let pass.
    allow: Option<Arc<AllowList>>,
    hosts: Option<Vec<HostPattern>>,
    pub(crate) types: Option<NamedTypes>,
    pub(crate) topics: Option<NamedTopics>,
    /// Whether it is the built-in baseline.
    is_baseline: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct CompiledRule {
    category: Category,
    at: Score,
    action: Action,
    form: Form,
    throttle: Option<Throttle>,
    new_only: bool,
}

/// Who calls what: what exceptions are about.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The principal.
    pub principal: Option<&'a Name>,
    /// The route.
    pub route: Option<&'a Name>,
    /// The route's system.
    pub system: Option<&'a Name>,
}

/// The joined guards of one call. The strictest wins.
#[derive(Clone, Debug)]
pub struct EffectiveGuard {
    guards: SmallVec<[Arc<CompiledGuard>; 8]>,
    /// How many of them, the first ones, are of the organisation, or of the route, its team and its system: what these say takes the
    /// place of what the baseline says.
    own: usize,
    /// The rules of the baseline in whose place others stand, for each channel in the order of [`Channel::ALL`]: bit *n* is its rule *n*.
    replaced: [u32; 5],
    /// Whether guards that only observe enforce.
    strict: bool,
    principal: Option<Name>,
    route: Option<Name>,
    system: Option<Name>,
}

/// A rule of one of the joined guards.
#[derive(Clone, Copy, Debug)]
pub struct JoinedRule<'a> {
    /// The guard that it comes from.
    pub guard: &'a Name,
    /// Where it looks.
    pub channel: Channel,
    /// What it is about.
    pub category: &'a Category,
    /// From which score on.
    pub at: Score,
    /// What it asks for.
    pub action: Action,
    /// Whether the guard only observes.
    pub observes: bool,
    /// Whether an exception takes it away for this caller now.
    pub excepted: bool,
}

/// What is done about one finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// What is done.
    pub action: Action,
    /// What would be done if guards that only observe acted too. Never milder than `action`.
    pub would: Action,
    /// How the span looks, where `action` is [`Action::Redact`].
    pub form: Form,
    /// The guard that gave `action`, of several the first by name; nothing where none that acts asks for anything.
    pub by: Option<DecidingGuard>,
    /// The one that gave `would`, in the same way.
    pub would_by: Option<DecidingGuard>,
}

/// What holds beside declared guards, but for what they have rules for themselves: injection blocked where it comes from outside, and
/// flagged where it is cited or only reads like one, personal data and secrets redacted everywhere, files that nobody sends with good intent blocked, and
/// the rest of what is found in files flagged.
pub fn baseline() -> GuardSpec {
    let rule = |channels: &[Channel], category, at, action| Rule {
        channels: channels.to_vec(),
        category: Category::known(category),
        at: Score::percent(at),
        action,
        form: Form::Mask,
        throttle: None,
        new_only: false,
    };
    let outside = [Channel::User, Channel::Document, Channel::ToolOutput];
    let flowing = [Channel::User, Channel::Document, Channel::ToolOutput, Channel::Model];
    GuardSpec {
        scope: GuardScope::Organisation,
        mode: Mode::Enforce,
        rules: vec![
            rule(&outside, "prompt_injection", 80, Action::Block),
            // What is cited, or only reads like an attack, is seen and stops nobody.
            rule(&outside, "prompt_injection", 50, Action::Flag),
            rule(&outside, "prompt_injection/likely", 30, Action::Flag),
            rule(&outside, "prompt_injection/suffix", 30, Action::Flag),
            rule(&flowing, "pii", 50, Action::Redact),
            rule(&flowing, "secret", 50, Action::Redact),
            // Scripts in a page, a picture with the wrong name, a cut-off one: models are shown such files every day.
            rule(&outside, "file", 50, Action::Flag),
            rule(&outside, "file/bomb", 90, Action::Block),
            rule(&outside, "file/executable", 90, Action::Block),
            rule(&outside, "file/model/code", 90, Action::Block),
            rule(&outside, "file/polyglot", 90, Action::Block),
        ],
        exceptions: Vec::new(),
        allow: None,
        hosts: None,
        types: Vec::new(),
        topics: None,
    }
}

static BASELINE: LazyLock<Option<Arc<CompiledGuard>>> = LazyLock::new(|| {
    let name = Name::parse("built-in").ok()?;
    Some(Arc::new(CompiledGuard { is_baseline: true, ..CompiledGuard::new(&name, &baseline()) }))
});

impl CompiledGuard {
    pub(crate) fn new(name: &Name, spec: &GuardSpec) -> Self {
        let rules = Channel::ALL.map(|channel| {
            spec.rules
                .iter()
                .filter(|rule| rule.channels.contains(&channel))
                .map(|rule| CompiledRule {
                    category: rule.category.clone(),
                    at: rule.at,
                    action: rule.action,
                    form: rule.form,
                    throttle: rule.throttle,
                    new_only: rule.new_only,
                })
                .collect()
        });
        Self {
            name: name.clone(),
            scope: spec.scope.clone(),
            mode: spec.mode,
            rules,
            exceptions: spec.exceptions.clone(),
            allow: spec.allow.as_ref().map(|allow| Arc::new(AllowList::new(allow))),
            hosts: spec.hosts.clone(),
            types: NamedTypes::of_types(&spec.types),
            topics: spec.topics.as_ref().map(NamedTopics::of_topics),
            is_baseline: false,
        }
    }

    /// How records name it.
    fn deciding(&self) -> DecidingGuard {
        let scope = (!self.is_baseline).then(|| self.scope.clone());
        DecidingGuard { name: self.name.clone(), scope }
    }

    fn rules(&self, channel: Channel) -> &[CompiledRule] {
        self.rules.get(place(channel)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Where a channel stands in [`Channel::ALL`].
const fn place(channel: Channel) -> usize {
    match channel {
        Channel::System => 0,
        Channel::User => 1,
        Channel::Document => 2,
        Channel::ToolOutput => 3,
        Channel::Model => 4,
    }
}

impl Ruling {
    /// Asked by nobody's guard: by a mode, a quarantine, a rule of a tool.
    pub const fn without_guard(action: Action) -> Self {
        Self { action, would: action, form: Form::Mask, by: None, would_by: None }
    }

    /// The same with what something else than a guard asks for. Where that is stricter, no guard decided.
    #[must_use]
    pub fn or_own(self, own: Action) -> Self {
        let (action, would) = (self.action.max(own), self.would.max(own));
        let (by, would_by) = if own > self.action { (None, None) } else { (self.by, self.would_by) };
        Self { action, would, by, would_by, ..self }
    }

    /// The guard that decided: which gave `action`, and where none did, which gave `would`.
    pub fn guard(self) -> Option<DecidingGuard> {
        self.by.or(self.would_by)
    }
}

/// The guard that is stricter than the one known, with what it asks for; of two that ask for the same the first by name, so that it does
/// not matter in which order they were joined.
fn stricter<'a>(
    known: Option<(Action, &'a CompiledGuard)>,
    other: (Action, &'a CompiledGuard),
) -> (Action, &'a CompiledGuard) {
    let rank = |of: &(Action, &'a CompiledGuard)| (of.0, Reverse(&of.1.name));
    known.filter(|known| rank(known) >= rank(&other)).unwrap_or(other)
}

impl Caller<'_> {
    /// Nobody in particular: no exception applies.
    pub const fn nobody() -> Self {
        Self { principal: None, route: None, system: None }
    }
}

impl EffectiveGuard {
    pub(crate) fn new(caller: Caller<'_>, guards: impl IntoIterator<Item = Arc<CompiledGuard>>) -> Self {
        let joined = Self {
            guards: SmallVec::new(),
            own: 0,
            replaced: [0; 5],
            strict: false,
            principal: caller.principal.cloned(),
            route: caller.route.cloned(),
            system: caller.system.cloned(),
        };
        let joined = joined.and(guards);
        Self { own: joined.guards.len(), ..joined }
    }

    /// The same with more guards, which take nothing of the baseline's place.
    pub(crate) fn and(mut self, guards: impl IntoIterator<Item = Arc<CompiledGuard>>) -> Self {
        for guard in guards {
            if !self.guards.iter().any(|known| known.name == guard.name) {
                self.guards.push(guard);
            }
        }
        self
    }

    /// The same with the baseline. A rule of it gives way where an own guard has one on the same channel for all that it is about, also one
    /// that only observes: who says what shall be observed wants to see what it would do. All that no rule is about stays as it is.
    pub(crate) fn with_baseline(self) -> Self {
        let Some(baseline) = BASELINE.clone() else { return self };
        let own = || self.guards.iter().take(self.own);
        let replaced = Channel::ALL.map(|channel| {
            let rules = baseline.rules(channel).iter().zip(0..u32::BITS);
            let replaced = rules.filter(|(rule, _)| {
                own().any(|guard| guard.rules(channel).iter().any(|own| own.category.covers(&rule.category)))
            });
            replaced.fold(0, |bits, (_, n)| bits | 1 << n)
        });
        let mut joined = Self { replaced, ..self };
        // Whatever others are called.
        joined.guards.push(baseline);
        joined
    }

    /// The rules of one of the joined guards that hold on a channel.
    fn rules_of<'a>(
        &'a self,
        guard: &'a CompiledGuard,
        channel: Channel,
    ) -> impl Iterator<Item = &'a CompiledRule> {
        let replaced = if guard.is_baseline { self.replaced.get(place(channel)) } else { None };
        let replaced = replaced.copied().unwrap_or_default();
        let rules = guard.rules(channel).iter().zip(0..=u32::MAX);
        rules
            .filter(move |(_, n)| replaced.checked_shr(*n).unwrap_or_default() & 1 == 0)
            .map(|(rule, _)| rule)
    }

    /// What one of the joined guards does about a finding.
    fn judged_by(
        &self,
        guard: &CompiledGuard,
        channel: Channel,
        (category, score, sent): (&Category, Score, bool),
    ) -> (Action, Form) {
        let mut strictest = (Action::Allow, Form::Token);
        for rule in self.rules_of(guard, channel) {
            if score >= rule.at && rule.category.covers(category) && !(sent && rule.new_only) {
                // Among rules that redact, the form that gives away least wins; it is compared after the action.
                strictest = strictest.max((rule.action, rule.form));
            }
        }
        strictest
    }

    /// The same with guards that only observe enforcing too, as a route in safe mode has it.
    #[must_use]
    pub(crate) fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    fn enforces(&self, guard: &CompiledGuard) -> bool {
        self.strict || guard.mode == Mode::Enforce
    }

    /// One guard by itself, without a Snapshot around it.
    pub fn alone(name: &Name, spec: &GuardSpec) -> Self {
        Self::new(Caller::nobody(), [Arc::new(CompiledGuard::new(name, spec))])
    }

    /// The names of the guards joined; `built-in` among them where the baseline says something.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let says = |guard: &&Arc<CompiledGuard>| {
            !guard.is_baseline
                || Channel::ALL.into_iter().any(|channel| self.rules_of(guard, channel).next().is_some())
        };
        self.guards.iter().filter(says).map(|guard| &guard.name)
    }

    /// Every rule of every guard joined, by channel, then in the guards' order.
    pub fn rules(&self, now: Timestamp) -> impl Iterator<Item = JoinedRule<'_>> {
        Channel::ALL.into_iter().flat_map(move |channel| {
            self.guards.iter().flat_map(move |guard| {
                self.rules_of(guard, channel).map(move |rule| JoinedRule {
                    guard: &guard.name,
                    channel,
                    category: &rule.category,
                    at: rule.at,
                    action: rule.action,
                    observes: !self.enforces(guard),
                    excepted: self.excepted(guard, &rule.category, now),
                })
            })
        })
    }

    /// What the guards name themselves, for those that name anything. Of guards that only observe too: what is found is recorded, and rules of
    /// others may be about it.
    pub fn types(&self) -> impl Iterator<Item = &NamedTypes> {
        self.guards.iter().filter_map(|guard| guard.types.as_ref())
    }

    /// What the guards say that texts may be about, for those that say anything, and whether the guard acts: what is found by the topics of
    /// one that only observes is recorded, and nobody's rules act on it.
    pub fn topics(&self) -> impl Iterator<Item = (&NamedTopics, bool)> {
        self.guards.iter().filter_map(|guard| Some((guard.topics.as_ref()?, self.enforces(guard))))
    }

    /// The hosts that texts may lead to: one list for each guard that has one. A guard that only observes has no say, because what is
    /// found by its list would be acted on by the rules of others.
    pub fn hosts(&self) -> impl Iterator<Item = &[HostPattern]> {
        self.guards.iter().filter(|guard| self.enforces(guard)).filter_map(|guard| guard.hosts.as_deref())
    }

    /// Whether what leads to a host on every list may pass for that: not where a guard that enforces has a rule for it and no list, since
    /// one layer never loosens another.
    pub fn hosts_may_pass(&self, family: &Category) -> bool {
        let asks = |rule: &CompiledRule| rule.category.covers(family) || family.covers(&rule.category);
        self.guards
            .iter()
            .filter(|guard| self.enforces(guard) && guard.hosts.is_none())
            .all(|guard| !Channel::ALL.into_iter().any(|channel| self.rules_of(guard, channel).any(asks)))
    }

    fn excepted(&self, guard: &CompiledGuard, category: &Category, now: Timestamp) -> bool {
        if guard.is_baseline {
            // It has none of its own: what the own guards let through, it does.
            return self
                .guards
                .iter()
                .take(self.own)
                .any(|own| own.mode == Mode::Enforce && self.excepts(own, category, now));
        }
        self.excepts(guard, category, now)
    }

    /// The lists of values that the guards let pass, by which [`EffectiveGuard::judge_value`] knows them.
    pub fn lists(&self) -> impl Iterator<Item = (usize, &Arc<AllowList>)> {
        let guards = self.guards.iter().enumerate();
        guards.filter_map(|(at, guard)| Some((at, guard.allow.as_ref()?)))
    }

    /// Whether the rules of guard `at` let a value pass that these lists name. What an own guard that acts lets pass, the baseline does:
    /// nobody else could say so of it.
    fn lets_pass(&self, at: usize, guard: &CompiledGuard, listed: Listed) -> bool {
        if listed == Listed::NONE.with_sent(listed.is_sent()) {
            return false;
        }
        if guard.is_baseline {
            let mut own = self.guards.iter().take(self.own).enumerate();
            return own.any(|(at, own)| own.mode == Mode::Enforce && listed.has(at));
        }
        listed.has(at)
    }

    fn excepts(&self, guard: &CompiledGuard, category: &Category, now: Timestamp) -> bool {
        guard.exceptions.iter().any(|exception| {
            now < exception.until
                && exception.category.covers(category)
                && match &exception.scope {
                    ExceptionScope::Route(name) => self.route.as_ref() == Some(name),
                    ExceptionScope::System(name) => self.system.as_ref() == Some(name),
                    ExceptionScope::Principal(name) => self.principal.as_ref() == Some(name),
                }
        })
    }

    /// What is done about a finding of this category and score on this channel.
    pub fn judge(&self, channel: Channel, category: &Category, score: Score, now: Timestamp) -> Ruling {
        self.judge_value(channel, category, score, Listed::NONE, now)
    }

    /// The same for a value that some of [`EffectiveGuard::lists`] name: the rules of those guards let it pass, and of no others. One that
    /// the caller sent is let pass by rules that are about new values alone.
    pub fn judge_value(
        &self,
        channel: Channel,
        category: &Category,
        score: Score,
        listed: Listed,
        now: Timestamp,
    ) -> Ruling {
        let mut enforced = (Action::Allow, Form::Token);
        let (mut by, mut would) = (None, None);
        for (at, guard) in self.guards.iter().enumerate() {
            let (action, form) = self.judged_by(guard, channel, (category, score, listed.is_sent()));
            if action == Action::Allow
                || self.lets_pass(at, guard, listed)
                || self.excepted(guard, category, now)
            {
                continue;
            }
            would = Some(stricter(would, (action, guard)));
            if self.enforces(guard) {
                enforced = enforced.max((action, form));
                by = Some(stricter(by, (action, guard)));
            }
        }
        Ruling {
            action: enforced.0,
            would: would.map_or(Action::Allow, |(action, _)| action),
            form: enforced.1,
            by: by.map(|(_, guard)| guard.deciding()),
            would_by: would.map(|(_, guard)| guard.deciding()),
        }
    }

    /// How a caller is slowed down because of a finding, by the name of the guard that says so. All of them hold.
    pub fn throttles(
        &self,
        channel: Channel,
        category: &Category,
        score: Score,
        now: Timestamp,
    ) -> impl Iterator<Item = (&Name, Throttle)> {
        let guards = self.guards.iter();
        let acting = guards.filter(move |guard| self.enforces(guard) && !self.excepted(guard, category, now));
        acting.flat_map(move |guard| {
            let rules = self.rules_of(guard, channel);
            let met = rules.filter(move |rule| score >= rule.at && rule.category.covers(category));
            met.filter_map(|rule| Some((&guard.name, rule.throttle?)))
        })
    }

    /// Whether any rule looks on this channel for something that a detector of these categories may find. Guards that only observe
    /// count: they say what they would have done.
    pub fn looks_for<'c>(
        &self,
        channel: Channel,
        categories: impl IntoIterator<Item = &'c Category>,
    ) -> bool {
        let rules = || self.guards.iter().flat_map(|guard| self.rules_of(guard, channel));
        let meant = |category: &Category| {
            rules().any(|rule| {
                rule.action > Action::Allow
                    && (rule.category.covers(category) || category.covers(&rule.category))
            })
        };
        categories.into_iter().any(meant)
    }

    /// Whether a rule of this channel names the category itself, or a part of it: one for what it belongs to does not count. What costs
    /// much to look for is looked for only then.
    pub fn names_category(&self, channel: Channel, category: &Category) -> bool {
        let rules = self.guards.iter().flat_map(|guard| self.rules_of(guard, channel));
        rules.filter(|rule| rule.action > Action::Allow).any(|rule| category.covers(&rule.category))
    }

    /// Whether a rule is about new values alone.
    pub fn compares_any(&self) -> bool {
        let mut rules = self.guards.iter().flat_map(|guard| self.rules_of(guard, Channel::Model));
        rules.any(|rule| rule.new_only)
    }

    /// Whether a rule about new values alone names one of these categories, or a part of it: then it must be known which of them the caller
    /// sent, also where no rule looks for them there.
    pub fn compares(&self, categories: &[Category]) -> bool {
        let rules = self.guards.iter().flat_map(|guard| self.rules_of(guard, Channel::Model));
        let mut rules = rules.filter(|rule| rule.new_only && rule.action > Action::Allow);
        rules.any(|rule| categories.iter().any(|category| category.covers(&rule.category)))
    }

    /// The categories whose findings may change what leaves on this channel: a stream waits for these and for nothing
    /// else.
    pub fn holds(&self, channel: Channel) -> Vec<Category> {
        let mut found: Vec<Category> = Vec::new();
        for guard in self.guards.iter().filter(|guard| self.enforces(guard)) {
            for rule in self.rules_of(guard, channel).filter(|rule| rule.action >= Action::Redact) {
                if !found.iter().any(|known| known.covers(&rule.category)) {
                    found.retain(|known| !rule.category.covers(known));
                    found.push(rule.category.clone());
                }
            }
        }
        found
    }
}
