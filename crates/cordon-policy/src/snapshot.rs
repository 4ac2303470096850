use std::{collections::BTreeSet, sync::Arc};

use cordon_core::{
    ApiKey, Digest, KeyId, Name, State, Timestamp,
    containment::{Containment, FiringId, Subject, ToolName},
    resource::{
        Agreement, Audit, ContentCapture, DEFAULT_CONTENT_RETENTION, DetectorSpec, GuardScope, Instructions,
        Kind, ModelSpec, Normalise, PrincipalSpec, Priority, RefusalStyle, Retry, RouteFiles, RouteGuards,
        RouteMode, RouteSpec, RouteTools, ServiceSpec, Spec, Spotlighting, Sticky, Target,
    },
    review::{Passage, Reviewed},
    state::Touched,
};
use rpds::RedBlackTreeMapSync;
use smallvec::SmallVec;

use crate::{
    answers::CompiledAnswers,
    guard::{Caller, CompiledGuard, EffectiveGuard},
    limit::{Anchor, CompiledLimit, LimitedCall},
    quarantine::Quarantined,
    restriction,
    retention::content_retention,
    tool::CompiledTool,
    types::{NamedTopics, NamedTypes},
};

/// Limits that hold for a call.
pub type Limits = SmallVec<[Arc<CompiledLimit>; 4]>;

type Map<K, V> = RedBlackTreeMapSync<K, Arc<V>>;

/// What the data plane knows: immutable, shared, swapped as a whole.
///
/// Entries refer to each other by name, and names are looked up when a call comes. So a fact changes the entry that it
/// touched and no other, whatever depends on it, and a Snapshot made step by step equals one made at once.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    position: u64,
    time: Option<Timestamp>,
    keys: Map<KeyId, ApiKey>,
    principals: Map<Name, PrincipalEntry>,
    routes: Map<Name, RouteEntry>,
    models: Map<Name, ModelSpec>,
    services: Map<Name, ServiceEntry>,
    detectors: Map<Name, DetectorEntry>,
    guards: Map<Name, CompiledGuard>,
    /// The guards of each scope but routes'.
    scopes: RedBlackTreeMapSync<GuardScope, Arc<Vec<Name>>>,
    limits: Map<Name, CompiledLimit>,
    /// The limits by what they are found by.
    anchors: RedBlackTreeMapSync<Anchor, Arc<Vec<Name>>>,
    tools: Map<Name, CompiledTool>,
    /// The tools by what models call them.
    called: RedBlackTreeMapSync<ToolName, Arc<Vec<Name>>>,
    quarantined: Quarantined,
    reviews: Map<Passage, Reviewed>,
    /// What triggers make stricter.
    restrictions: Map<FiringId, Containment>,
}

/// A caller as the data plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalEntry {
    /// Its name.
    pub name: Name,
    /// Its team.
    pub team: Name,
    /// The routes it may use.
    pub routes: Vec<Name>,
    /// What its calls are worth at most.
    priority: Option<Priority>,
}

impl PrincipalEntry {
    /// What a call is worth to a route of this priority: the lower of the two.
    pub fn priority(&self, route: Priority) -> Priority {
        self.priority.map_or(route, |own| own.min(route))
    }
}

/// A model behind a route, with its share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTarget {
    /// The model.
    pub model: Name,
    /// Its share, relative to the others'.
    pub weight: u32,
}

/// A route as the data plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteEntry {
    /// Its name.
    pub name: Name,
    /// Its owner.
    pub team: Name,
    /// Its system.
    pub system: Option<Name>,
    /// The models behind it.
    pub targets: Vec<RouteTarget>,
    /// Models that are tried one after the other when no target can answer.
    pub fallback: Vec<Name>,
    /// What keeps a caller on one of the targets.
    pub sticky: Option<Sticky>,
    /// When a call is tried again.
    pub retry: Retry,
    /// How it works at the moment.
    pub mode: RouteMode,
    /// The models of its simpler path.
    pub degraded: Vec<RouteTarget>,
    /// Those of the targets and of the fallback that triggers pass over, sorted. One that can answer is always left.
    pub passed_over: Vec<Name>,
    /// Those of the simpler path.
    pub degraded_passed_over: Vec<Name>,
    /// What callers read while it is off.
    pub off_message: Option<String>,
    /// How many of its models must give the same prediction.
    pub agreement: Option<Box<Agreement>>,
    /// What goes first when there is more to do than can be done.
    pub priority: Priority,
    /// Which tools models may propose to call.
    pub tools: RouteTools,
    /// Whether callers may instruct its models.
    pub instructions: Instructions,
    /// How models are shown what tools and documents say.
    pub spotlighting: Spotlighting,
    /// Whether a word is planted in system prompts.
    pub canary: bool,
    /// What its answers are meant to be.
    pub answers: Option<Arc<CompiledAnswers>>,
    /// What files must be that its calls bring.
    pub files: Option<Arc<RouteFiles>>,
    /// What is changed in the texts of its requests before they leave.
    pub normalise: Option<Normalise>,
    /// How a refusal for content looks.
    pub refusal: RefusalStyle,
    /// What happens when the record cannot be made durable.
    pub audit: Audit,
    /// How old the Snapshot may get before the route closes, in milliseconds.
    pub max_snapshot_age: cordon_core::DurationMs,
    /// What is kept of what its calls say.
    pub content: ContentCapture,
    /// How long that is kept.
    pub content_retention: cordon_core::DurationMs,
    /// Tokens of output that a call gets which asks for none.
    pub output_tokens: Option<u64>,
    guards: Vec<Name>,
    without_baseline: bool,
}

/// A service as the data plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub spec: ServiceSpec,
}

/// A detector elsewhere as the data plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectorEntry {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub spec: DetectorSpec,
}

/// A day: long enough for any mending of the log, short enough that a forgotten node closes.
const DEFAULT_MAX_SNAPSHOT_AGE: cordon_core::DurationMs = cordon_core::DurationMs::from_secs(86_400);

impl RouteEntry {
    /// What the data plane knows of a route.
    pub fn new(name: &Name, spec: &RouteSpec) -> Self {
        let entries = |targets: &[Target]| {
            let entry = |target: &Target| RouteTarget { model: target.model.clone(), weight: target.weight };
            targets.iter().map(entry).collect()
        };
        Self {
            name: name.clone(),
            team: spec.team.clone(),
            system: spec.system.clone(),
            targets: entries(&spec.targets),
            fallback: spec.fallback.clone(),
            sticky: spec.sticky,
            retry: Retry::clone(&spec.retry),
            mode: spec.mode,
            degraded: entries(&spec.degraded),
            passed_over: Vec::new(),
            degraded_passed_over: Vec::new(),
            off_message: spec.off_message.clone(),
            agreement: spec.agreement.clone(),
            priority: spec.priority,
            tools: spec.tools,
            instructions: spec.instructions,
            spotlighting: spec.spotlighting,
            canary: spec.canary,
            answers: spec.answers.as_deref().map(|answers| Arc::new(CompiledAnswers::new(answers))),
            files: spec.files.as_deref().cloned().map(Arc::new),
            normalise: spec.normalise,
            refusal: spec.refusal,
            audit: spec.audit,
            max_snapshot_age: spec.max_snapshot_age.unwrap_or(DEFAULT_MAX_SNAPSHOT_AGE),
            content: spec.content,
            content_retention: spec.content_retention.unwrap_or(DEFAULT_CONTENT_RETENTION),
            output_tokens: spec.output_tokens,
            guards: spec.guards.names().to_vec(),
            without_baseline: spec.guards == RouteGuards::None,
        }
    }

    /// The targets that share the calls in the route's mode.
    pub fn equals(&self) -> impl Iterator<Item = &RouteTarget> {
        self.meant_equals().filter(|target| !self.passes_over(&target.model))
    }

    /// The models that are tried when none of those can answer, one after the other.
    pub fn then(&self) -> impl Iterator<Item = &Name> {
        self.meant_then().iter().filter(|model| !self.passes_over(model))
    }

    /// The targets that would share the calls if no trigger had any passed over.
    pub fn meant_equals(&self) -> impl Iterator<Item = &RouteTarget> {
        let targets = if self.mode == RouteMode::Degraded { &self.degraded } else { &self.targets };
        targets.iter().filter(|target| target.weight > 0)
    }

    /// The models that would be tried then.
    pub fn meant_then(&self) -> &[Name] {
        if self.mode == RouteMode::Degraded { &[] } else { &self.fallback }
    }

    /// Whether a trigger has a model passed over in the route's mode.
    pub fn passes_over(&self, model: &Name) -> bool {
        self.passed_over_here().binary_search(model).is_ok()
    }

    /// Whether a trigger has any model passed over in the route's mode.
    pub fn passes_any_over(&self) -> bool {
        !self.passed_over_here().is_empty()
    }

    fn passed_over_here(&self) -> &[Name] {
        if self.mode == RouteMode::Degraded { &self.degraded_passed_over } else { &self.passed_over }
    }

    /// The models that a call may go to in the route's mode.
    pub fn models(&self) -> impl Iterator<Item = &Name> {
        self.equals().map(|target| &target.model).chain(self.then())
    }
}

impl Snapshot {
    /// Compiles a whole state.
    pub fn compile(state: &State) -> Self {
        let touched: Vec<Touched> = state
            .resources()
            .map(|(kind, name, _)| Touched::Resource(kind, name.clone()))
            .chain(state.keys().map(|key| Touched::Key(key.id)))
            .chain(
                state
                    .firings()
                    .map(|fired| Touched::Firing(fired.firing.trigger.clone(), fired.firing.of.clone())),
            )
            .chain(
                state.quarantines().map(|standing| Touched::Quarantine(standing.quarantine.subject.clone())),
            )
            .chain(state.reviews().map(|reviewed| Touched::Review(reviewed.review.passage())))
            .collect();
        Self::default().advance(state, &touched)
    }

    /// The next Snapshot: this one with the touched entries compiled again from `state`.
    #[must_use]
    pub fn advance(&self, state: &State, touched: &[Touched]) -> Self {
        let mut next = self.clone();
        next.position = state.position();
        next.time = state.time();
        // What is kept of a route's calls is said by others, too.
        let mut kept = touched.iter().any(|at| matches!(at, Touched::Resource(Kind::Retention, _)));
        // Routes that triggers have to do with: each is learnt once, however many of them there are.
        let mut restricted = BTreeSet::new();
        for at in touched {
            match at {
                Touched::Key(id) => match state.key(*id) {
                    Some(key) => next.keys.insert_mut(*id, Arc::clone(key)),
                    None => {
                        next.keys.remove_mut(id);
                    }
                },
                Touched::Resource(kind, name) => {
                    next.forget(*kind, name);
                    if let Some(standing) = state.resource(*kind, name) {
                        next.learn(state, name, &standing.spec);
                    }
                    kept |= *kind == Kind::System && state.resources_of(Kind::Retention).next().is_some();
                }
                Touched::Quarantine(subject) => match state.quarantine(subject) {
                    Some(_) => next.quarantined.put(subject.clone()),
                    None => next.quarantined.take(subject),
                },
                Touched::Review(passage) => match state.review(passage) {
                    Some(reviewed) => next.reviews.insert_mut(passage.clone(), Arc::clone(reviewed)),
                    None => drop(next.reviews.remove_mut(passage)),
                },
                Touched::Firing(trigger, of) => {
                    let at = FiringId { trigger: trigger.clone(), of: of.clone() };
                    let standing = state.firing(trigger, of.as_ref()).filter(|fired| fired.stands());
                    next.restrict_by(at, standing.map(|fired| &fired.firing.containment), &mut restricted);
                }
                // Records and their keys decide nothing about a call.
                Touched::Journal(_)
                | Touched::Segment(..)
                | Touched::Hold(_)
                | Touched::Erasures
                | Touched::LogKey
                | Touched::Labels
                | Touched::Labelled(_)
                | Touched::User(_)
                | Touched::Bootstrap => {}
            }
        }
        for name in restricted {
            if let Some(standing) = state.resource(Kind::Route, &name) {
                next.learn(state, &name, &standing.spec);
            }
        }
        if kept {
            next.keep(state);
        }
        next
    }

    fn forget(&mut self, kind: Kind, name: &Name) {
        match kind {
            Kind::Detector => drop(self.detectors.remove_mut(name)),
            Kind::Guard => {
                if let Some(guard) = self.guards.get(name).cloned() {
                    unlist(&mut self.scopes, &guard.scope, name);
                    self.guards.remove_mut(name);
                }
            }
            Kind::Limit => {
                if let Some(limit) = self.limits.get(name).cloned() {
                    unlist(&mut self.anchors, &Anchor::of(&limit.spec.applies_to), name);
                    self.limits.remove_mut(name);
                }
            }
            Kind::Model => drop(self.models.remove_mut(name)),
            Kind::Principal => drop(self.principals.remove_mut(name)),
            Kind::Route => drop(self.routes.remove_mut(name)),
            Kind::Service => drop(self.services.remove_mut(name)),
            Kind::Tool => {
                if let Some(tool) = self.tools.get(name).cloned() {
                    unlist(&mut self.called, &tool.called, name);
                    self.tools.remove_mut(name);
                }
            }
            // What a call needs of these stands in the routes and principals that name them.
            Kind::Retention | Kind::System | Kind::Team | Kind::Trigger => {}
        }
    }

    /// Makes stricter what a trigger contains, or takes that back; what a person says of a route or in a limit holds all the same.
    /// Its routes are to be learnt anew from what the log says, so that the order in which triggers fired makes no difference.
    fn restrict_by(&mut self, at: FiringId, wanted: Option<&Containment>, routes: &mut BTreeSet<Name>) {
        let wanted = wanted.filter(|containment| restriction::restricts(containment));
        let before = self.restrictions.get(&at).cloned();
        if let Some(limit) = before.as_ref().and_then(|before| restriction::limit(&at, before)) {
            unlist(&mut self.anchors, &Anchor::of(&limit.spec.applies_to), &limit.name);
            self.limits.remove_mut(&limit.name);
        }
        if let Some(limit) = wanted.and_then(|wanted| restriction::limit(&at, wanted)) {
            self.learn_limit(limit);
        }
        match wanted {
            Some(wanted) => self.restrictions.insert_mut(at, Arc::new(wanted.clone())),
            None => drop(self.restrictions.remove_mut(&at)),
        }
        let of_it = |entry: &&Arc<RouteEntry>| {
            before
                .as_deref()
                .into_iter()
                .chain(wanted)
                .any(|containment| restriction::concerns(containment, entry))
        };
        routes.extend(self.routes.values().filter(of_it).map(|entry| entry.name.clone()));
    }

    fn learn_limit(&mut self, limit: CompiledLimit) {
        list(&mut self.anchors, &Anchor::of(&limit.spec.applies_to), &limit.name);
        self.limits.insert_mut(limit.name.clone(), Arc::new(limit));
    }

    /// Says anew how long content of each route is kept.
    fn keep(&mut self, state: &State) {
        let changed: Vec<Arc<RouteEntry>> = state
            .resources_of(Kind::Route)
            .filter_map(|(name, standing)| match (&standing.spec, self.routes.get(name)) {
                (Spec::Route(spec), Some(entry)) => {
                    let time = content_retention(state, name, spec);
                    (time != entry.content_retention)
                        .then(|| Arc::new(RouteEntry { content_retention: time, ..RouteEntry::clone(entry) }))
                }
                _ => None,
            })
            .collect();
        for entry in changed {
            self.routes.insert_mut(entry.name.clone(), entry);
        }
    }

    fn learn(&mut self, state: &State, name: &Name, spec: &Spec) {
        let key = name.clone();
        match spec {
            Spec::Guard(spec) => {
                let guard = CompiledGuard::new(name, spec);
                if guard.scope != GuardScope::Route {
                    list(&mut self.scopes, &guard.scope, name);
                }
                self.guards.insert_mut(key, Arc::new(guard));
            }
            Spec::Limit(spec) => {
                self.learn_limit(CompiledLimit::new(name, spec));
            }
            Spec::Model(spec) => self.models.insert_mut(key, Arc::new(spec.clone())),
            Spec::Principal(PrincipalSpec { team, routes, priority }) => {
                let (name, team, routes) = (name.clone(), team.clone(), routes.clone());
                let entry = PrincipalEntry { name, team, routes, priority: *priority };
                self.principals.insert_mut(key, Arc::new(entry));
            }
            Spec::Route(spec) => {
                let retention = content_retention(state, name, spec);
                let mut entry = RouteEntry { content_retention: retention, ..RouteEntry::new(name, spec) };
                for containment in self.restrictions.values() {
                    if restriction::concerns(containment, &entry) {
                        restriction::tighten(&mut entry, containment);
                    }
                }
                self.routes.insert_mut(key, Arc::new(entry));
            }
            Spec::Detector(spec) => {
                self.detectors
                    .insert_mut(key, Arc::new(DetectorEntry { name: name.clone(), spec: spec.clone() }));
            }
            Spec::Service(spec) => {
                self.services
                    .insert_mut(key, Arc::new(ServiceEntry { name: name.clone(), spec: spec.clone() }));
            }
            Spec::Tool(spec) => {
                if let Some(tool) = CompiledTool::new(name, spec) {
                    list(&mut self.called, &tool.called, name);
                    self.tools.insert_mut(key, Arc::new(tool));
                }
            }
            Spec::Retention(_) | Spec::System(_) | Spec::Team(_) | Spec::Trigger(_) => {}
        }
    }

    /// Number of facts behind this Snapshot.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The time of the latest fact behind it.
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// What is out of use.
    pub const fn quarantined(&self) -> &Quarantined {
        &self.quarantined
    }

    /// Whether anything was ever decided of held content of this caller on this route: a question that costs no digest.
    pub fn has_reviews(&self, route: &Name, principal: &Name) -> bool {
        let content = Digest::from_bytes([0; 32]);
        let first = Passage { route: route.clone(), principal: principal.clone(), content };
        self.reviews
            .range(first..)
            .next()
            .is_some_and(|(passage, _)| passage.route == *route && passage.principal == *principal)
    }

    /// What was decided of held content, where that is in force at this time.
    pub fn review(&self, passage: &Passage, now: Timestamp) -> Option<&Arc<Reviewed>> {
        self.reviews.get(passage).filter(|reviewed| reviewed.stands(now))
    }

    /// This Snapshot with what a trigger did that the log may not know of yet. It can only make it stricter.
    #[must_use]
    pub fn with(&self, at: &FiringId, containment: &Containment) -> Self {
        let mut next = self.clone();
        if let Containment::Quarantine(subject) = containment {
            next.quarantined.put(subject.clone());
            return next;
        }
        if let Some(limit) = restriction::limit(at, containment) {
            next.learn_limit(limit);
        }
        let of_it = |entry: &&Arc<RouteEntry>| restriction::concerns(containment, entry);
        let routes: Vec<Arc<RouteEntry>> = next.routes.values().filter(of_it).cloned().collect();
        for entry in routes {
            let mut entry = RouteEntry::clone(&entry);
            restriction::tighten(&mut entry, containment);
            next.routes.insert_mut(entry.name.clone(), Arc::new(entry));
        }
        next.restrictions.insert_mut(at.clone(), Arc::new(containment.clone()));
        next
    }

    /// What triggers make stricter, by trigger.
    pub fn restrictions(&self) -> impl Iterator<Item = (&FiringId, &Arc<Containment>)> {
        self.restrictions.iter()
    }

    /// This Snapshot with a subject taken out that the log may not know of yet.
    #[must_use]
    pub fn without(&self, subject: Subject) -> Self {
        let mut next = self.clone();
        next.quarantined.put(subject);
        next
    }

    /// A key.
    pub fn key(&self, id: KeyId) -> Option<&Arc<ApiKey>> {
        self.keys.get(&id)
    }

    /// All keys, by id.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<ApiKey>> {
        self.keys.values()
    }

    /// A caller.
    pub fn principal(&self, name: &Name) -> Option<&Arc<PrincipalEntry>> {
        self.principals.get(name)
    }

    /// A route.
    pub fn route(&self, name: &str) -> Option<&Arc<RouteEntry>> {
        self.routes.get(name)
    }

    /// All routes, by name.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<RouteEntry>> {
        self.routes.values()
    }

    /// A model.
    pub fn model(&self, name: &Name) -> Option<&Arc<ModelSpec>> {
        self.models.get(name)
    }

    /// What all guards name themselves.
    pub fn types(&self) -> impl Iterator<Item = &NamedTypes> {
        self.guards.values().filter_map(|guard| guard.types.as_ref())
    }

    /// What all guards say that texts may be about.
    pub fn topics(&self) -> impl Iterator<Item = &NamedTopics> {
        self.guards.values().filter_map(|guard| guard.topics.as_ref())
    }

    /// All detectors that are asked over HTTP, by name.
    pub fn detectors(&self) -> impl Iterator<Item = &Arc<DetectorEntry>> {
        self.detectors.values()
    }

    /// A service.
    pub fn service(&self, name: &Name) -> Option<&Arc<ServiceEntry>> {
        self.services.get(name)
    }

    /// All services, by name.
    pub fn services(&self) -> impl Iterator<Item = &Arc<ServiceEntry>> {
        self.services.values()
    }

    /// The joined guards of organisation, the route's owner, system, route and the caller's team, and of the built-in baseline what they
    /// have no rules for, unless the route declines it. The guard of a caller's team adds to what holds, and takes nothing of its place.
    pub fn guard(&self, caller: Caller<'_>, route: Option<&RouteEntry>) -> EffectiveGuard {
        let mut names: SmallVec<[&Name; 16]> = SmallVec::new();
        let scope = |names: &mut SmallVec<[_; 16]>, scope: GuardScope| {
            if let Some(listed) = self.scopes.get(&scope) {
                names.extend(listed.iter());
            }
        };
        scope(&mut names, GuardScope::Organisation);
        if let Some(route) = route {
            scope(&mut names, GuardScope::Team(route.team.clone()));
            if let Some(system) = &route.system {
                scope(&mut names, GuardScope::System(system.clone()));
            }
        }
        names.extend(route.iter().flat_map(|route| &route.guards));
        let mut callers: SmallVec<[&Name; 16]> = SmallVec::new();
        if let Some(principal) = caller.principal.and_then(|name| self.principal(name))
            && route.is_none_or(|route| route.team != principal.team)
        {
            scope(&mut callers, GuardScope::Team(principal.team.clone()));
        }
        let guard = EffectiveGuard::new(caller, self.compiled(&names)).and(self.compiled(&callers));
        // No command leaves a name without its guard; should one be lost all the same, the baseline stands in.
        let is_lost = |name: &&Name| !self.guards.contains_key(*name);
        let lost = names.iter().chain(&callers).any(is_lost);
        let declined = route.is_some_and(|route| route.without_baseline);
        let guard = if lost || !declined { guard.with_baseline() } else { guard };
        if route.is_some_and(|route| route.mode == RouteMode::Safe) { guard.strict() } else { guard }
    }

    fn compiled(&self, names: &[&Name]) -> impl Iterator<Item = Arc<CompiledGuard>> {
        names.iter().filter_map(|name| self.guards.get(*name).cloned())
    }

    /// The limits that name nothing but the caller, or nothing at all.
    pub fn caller_limits(&self, call: &LimitedCall<'_>) -> Limits {
        let anchors = [
            Anchor::Key(call.key),
            Anchor::Principal(call.principal.clone()),
            Anchor::Team(call.team.clone()),
            Anchor::Organisation,
        ];
        self.limits(&anchors, call, None, None)
    }

    /// The limits that name the route, and no model.
    pub fn route_limits(&self, call: &LimitedCall<'_>, route: &Name) -> Limits {
        self.limits(&[Anchor::Route(route.clone())], call, Some(route), None)
    }

    /// The limits that name the model.
    pub fn model_limits(&self, call: &LimitedCall<'_>, route: &Name, model: &Name) -> Limits {
        self.limits(&[Anchor::Model(model.clone())], call, Some(route), Some(model))
    }

    fn limits(
        &self,
        anchors: &[Anchor],
        call: &LimitedCall<'_>,
        route: Option<&Name>,
        model: Option<&Name>,
    ) -> Limits {
        if self.anchors.is_empty() {
            return Limits::new();
        }
        anchors
            .iter()
            .filter_map(|anchor| self.anchors.get(anchor))
            .flat_map(|names| names.iter())
            .filter_map(|name| self.limits.get(name))
            .filter(|limit| limit.covers(call, route, model))
            .cloned()
            .collect()
    }

    /// Whether any tool is declared.
    pub fn has_tools(&self) -> bool {
        !self.tools.is_empty()
    }

    /// What is declared of a tool that models call so, by the resources' names; all of it holds.
    pub fn tools(&self, called: &str) -> impl Iterator<Item = &Arc<CompiledTool>> {
        let names = if self.called.is_empty() { None } else { ToolName::parse(called) };
        let names = names.and_then(|name| self.called.get(&name));
        names.into_iter().flat_map(|names| names.iter()).filter_map(|name| self.tools.get(name))
    }

    /// What models call the tools that are declared.
    pub fn called(&self) -> impl Iterator<Item = &ToolName> {
        self.called.keys()
    }

    /// A limit.
    pub fn limit(&self, name: &Name) -> Option<&Arc<CompiledLimit>> {
        self.limits.get(name)
    }

    /// Every limit, by name.
    pub fn all_limits(&self) -> impl Iterator<Item = &Arc<CompiledLimit>> {
        self.limits.values()
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.position == other.position
            && self.time == other.time
            && self.keys == other.keys
            && self.principals == other.principals
            && self.routes == other.routes
            && self.models == other.models
            && self.services == other.services
            && self.detectors == other.detectors
            && self.guards == other.guards
            && self.scopes == other.scopes
            && self.limits == other.limits
            && self.anchors == other.anchors
            && self.tools == other.tools
            && self.called == other.called
            && self.quarantined == other.quarantined
            && self.reviews == other.reviews
            && self.restrictions == other.restrictions
    }
}

fn list<K: Ord + Clone>(lists: &mut RedBlackTreeMapSync<K, Arc<Vec<Name>>>, at: &K, name: &Name) {
    let mut names = lists.get(at).map(|names| names.as_ref().clone()).unwrap_or_default();
    if let Err(place) = names.binary_search(name) {
        names.insert(place, name.clone());
        lists.insert_mut(at.clone(), Arc::new(names));
    }
}

fn unlist<K: Ord + Clone>(lists: &mut RedBlackTreeMapSync<K, Arc<Vec<Name>>>, at: &K, name: &Name) {
    let Some(names) = lists.get(at) else { return };
    let names: Vec<Name> = names.iter().filter(|known| *known != name).cloned().collect();
    if names.is_empty() {
        lists.remove_mut(at);
    } else {
        lists.insert_mut(at.clone(), Arc::new(names));
    }
}
