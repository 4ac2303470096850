//! Commands: pure functions of a state, an actor, a time and a wish that give facts or a rejection.
//!
//! Random bytes and sealed values are arguments too ([`Entropy`], [`Vault`]): the same inputs give the same facts.

mod containment;
mod people;
mod records;
mod reviews;
mod triggers;

pub use containment::{
    MAX_QUARANTINES, MAX_REASON, NewLift, NewQuarantine, may_quarantine, needs_two, quarantinable,
};
pub use people::MAX_USERS;
pub use reviews::{MAX_REVIEWS, NewReview};
pub use triggers::{Fires, MAX_FIRINGS, NewClear, NewFiring, may_fire};

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ApiKey, Digest, DurationMs, HmacKey, KeyId, Name, Sealed, Timestamp,
    containment::Contained,
    evidence::{Anchor, ContentScope, JournalEnd, JournalStart, LogKey, Retirement, SegmentSeal},
    fact::{Actor, Body},
    feedback::Label,
    identity::{BootstrapUse, Origin, Role, UserId},
    resource::{Kind, Problem, Resource},
    sealed::Seal,
    state::State,
};

/// What somebody wants.
#[derive(Clone, Debug)]
pub enum Wish {
    /// These resources say this from now on: all of them, or none.
    Apply(Vec<Resource>),
    /// A resource is to be gone.
    Delete(Kind, Name),
    /// A key is to exist.
    IssueKey(NewKey),
    /// A key is to be void at once.
    RevokeKey(KeyId, Option<String>),
    /// A key is to be followed by another one of the same rights.
    RotateKey(Rotation),
    /// A node begins a journal.
    StartJournal(JournalStart),
    /// Journals have grown this far.
    Anchor(Vec<Anchor>),
    /// A journal takes no more frames.
    EndJournal(JournalEnd),
    /// A segment lies in the object store, checked.
    SealSegment(SegmentSeal),
    /// These records are to go.
    RetireRecords(Retirement),
    /// Content is to be forgotten.
    EraseContent(NewErasure),
    /// Content is to be held.
    SetHold(NewHold),
    /// A legal hold is to end.
    ReleaseHold(Name, Option<String>),
    /// Checkpoints are to be signed with this key.
    SetLogKey(LogKey),
    /// A person is to be known.
    AddUser(NewUser),
    /// A person is to have this role, because somebody here or the identity provider says so.
    SetRole(UserId, Role, Origin),
    /// A person is not to sign in any more.
    DisableUser(UserId, Option<String>),
    /// A person is to sign in again.
    EnableUser(UserId),
    /// A person is to choose a new password; what was signed in is to end.
    ResetUser(UserId),
    /// All sessions and tokens of a person are to end.
    RevokeSessions(UserId),
    /// The first administrator's token was used.
    NoteBootstrap(BootstrapUse),
    /// A subject is to be out of every route.
    Quarantine(NewQuarantine),
    /// A subject is to be back.
    LiftQuarantine(NewLift),
    /// A trigger has fired.
    FireTrigger(NewFiring),
    /// A test call was answered as it should be.
    NoteContained(Contained),
    /// What a trigger did is to end.
    ClearTrigger(NewClear),
    /// Somebody says of a finding whether it is right.
    LabelFinding(Label),
    /// Held content is to pass, or to be refused.
    Review(NewReview),
}

/// A person that somebody wants to be known.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The id: random bytes, or a keyed digest of what the identity provider calls the person.
    pub id: UserId,
    /// Who vouches.
    pub origin: Origin,
    /// What the person may do.
    pub role: Role,
    /// The name to sign in with.
    pub login: String,
    /// The name to show.
    pub name: Option<String>,
}

/// An erasure that somebody wants.
#[derive(Clone, Debug)]
pub struct NewErasure {
    /// Whose content.
    pub scope: ContentScope,
    /// How many calls have content in this scope now.
    pub calls: u64,
    /// The legal holds that some of them are under by another scope than their own; the state knows only scopes.
    pub held_by: Vec<Name>,
    /// Until when a backup of the keys may still hold one of them.
    pub backups_until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// A legal hold that somebody wants.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// Its name.
    pub name: Name,
    /// What it is to hold.
    pub scope: ContentScope,
    /// Why.
    pub reason: String,
}

/// A key that somebody wants. The secret is made outside and only its digest comes here.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The id, of random bytes.
    pub id: KeyId,
    /// SHA-256 of the whole key.
    pub secret: Digest,
    /// Whom it is to authenticate.
    pub principal: Name,
    /// The routes it is to open; empty: all of the principal's.
    pub routes: Vec<Name>,
    /// How long it is to live.
    pub lifetime: DurationMs,
}

/// A rotation that somebody wants.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The key that ends.
    pub old: KeyId,
    /// The id of the new one.
    pub id: KeyId,
    /// SHA-256 of the new key.
    pub secret: Digest,
    /// How long the new one is to live.
    pub lifetime: DurationMs,
    /// How long the old one still works.
    pub overlap: DurationMs,
}

/// What a command decided: facts to append together, and what lies beside the log for them.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The facts, in order. None: the wish is already true.
    pub facts: Vec<Body>,
    /// New sealed values.
    pub seals: Vec<Seal>,
}

/// The command that lists things of a kind: resources have one together, what moves by commands has its own.
fn listing(kind: &str) -> String {
    match kind {
        "quarantine" | "key" | "hold" | "user" => format!("{kind} list"),
        "journal" => "verify".to_owned(),
        resource => format!("get {resource}"),
    }
}

/// Why a wish is not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Resources that are wrong, all of them at once.
    #[error("{} problem(s): {}", .0.len(), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// Something does not exist.
    #[error("{kind} `{name}` does not exist; help: `cordon {}` lists what does", listing(.kind))]
    NotFound {
        /// What kind of thing.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Something is still needed.
    #[error("{kind} `{name}` is still used by {users}; help: change or delete these first")]
    InUse {
        /// What kind of thing.
        kind: Kind,
        /// Its name.
        name: Name,
        /// Who uses it.
        users: String,
    },
    /// Anything else.
    #[error("{0}")]
    Refused(String),
}

/// The sealed values that a decision may look at: those of [`sealed_digests`].
pub type Vault = BTreeMap<Digest, Seal>;

/// Where new keys of sealed values come from.
pub trait Entropy {
    /// 32 fresh random bytes.
    fn next(&mut self) -> HmacKey;
}

impl<F: FnMut() -> HmacKey> Entropy for F {
    fn next(&mut self) -> HmacKey {
        self()
    }
}

/// The longest life of a key: a key without an end is a key that nobody rotates.
pub const MAX_KEY_LIFETIME: DurationMs = DurationMs::from_secs(366 * 86_400);

/// One difference between what stands and what is wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The resource as it stands.
    pub before: Option<Resource>,
    /// The resource as it is wished; its unchanged sealed fields are closed, new ones open.
    pub after: Option<Resource>,
}

/// The digests of the sealed values that a wish has to be compared with.
pub fn sealed_digests(state: &State, wish: &Wish) -> Vec<Digest> {
    let Wish::Apply(resources) = wish else { return Vec::new() };
    let mut found = Vec::new();
    for resource in resources {
        if let Some(standing) = state.resource(resource.spec.kind(), &resource.name) {
            let mut spec = standing.spec.clone();
            found.extend(spec.sealed_fields().into_iter().filter_map(|(_, field)| field.digest()));
        }
    }
    found
}

/// What applying these resources would change, in the order in which the facts come. Nothing for what already stands.
///
/// # Errors
/// With every problem of every resource.
pub fn plan(state: &State, resources: &[Resource], vault: &Vault) -> Result<Vec<Change>, Rejection> {
    let problems = problems(state, resources);
    if !problems.is_empty() {
        return Err(Rejection::Invalid(problems));
    }
    let mut changes = Vec::new();
    for resource in resources {
        let kind = resource.spec.kind();
        let mut after = resource.clone();
        let before = state
            .resource(kind, &resource.name)
            .map(|standing| Resource { name: resource.name.clone(), spec: standing.spec.clone() });
        if let Some(before) = &before {
            // A sealed field that says what the standing one says keeps its digest, so that nothing has changed.
            let mut standing = before.spec.clone();
            let closed: BTreeMap<String, Digest> = standing
                .sealed_fields()
                .into_iter()
                .filter_map(|(path, field)| field.digest().map(|digest| (path, digest)))
                .collect();
            for (path, field) in after.spec.sealed_fields() {
                let same =
                    closed.get(&path).filter(|digest| vault.get(digest).is_some_and(|seal| field.is(seal)));
                if let Some(digest) = same {
                    *field = Sealed::Closed(*digest);
                }
            }
        }
        if before.as_ref() != Some(&after) {
            changes.push(Change { before, after: Some(after) });
        }
    }
    // What others refer to comes first, so that every prefix of the facts is a valid state.
    changes.sort_by_key(|change| change.after.as_ref().map(|after| rank(after.spec.kind())));
    Ok(changes)
}

/// Kinds in an order in which each refers only to earlier ones, guards (which may name routes in exceptions) last but
/// for limits.
const fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Team => 0,
        Kind::System => 1,
        Kind::Service => 2,
        Kind::Model => 3,
        Kind::Guard => 4,
        Kind::Route => 5,
        Kind::Principal => 6,
        Kind::Limit => 7,
        Kind::Retention => 8,
        Kind::Trigger => 9,
        Kind::Tool => 10,
        Kind::Detector => 11,
    }
}

/// Everything wrong with these resources, alone and together with what stands.
fn problems(state: &State, resources: &[Resource]) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut wished: BTreeSet<(Kind, &Name)> = BTreeSet::new();
    for resource in resources {
        if !wished.insert((resource.spec.kind(), &resource.name)) {
            found.push(Problem {
                kind: resource.spec.kind(),
                name: resource.name.clone(),
                path: "/name".to_owned(),
                message: "stands twice in what is applied".to_owned(),
            });
        }
    }
    for resource in resources {
        found.extend(resource.problems());
        let references = resource.references();
        let mut missing = |path: String, what: String| {
            found.push(Problem {
                kind: resource.spec.kind(),
                name: resource.name.clone(),
                path,
                message: format!(
                    "{what} does not exist; help: declare it in the same files, or mend the name"
                ),
            });
        };
        for (path, kind, name) in references.resources {
            if !wished.contains(&(kind, &name)) && state.resource(kind, &name).is_none() {
                missing(path, format!("{kind} `{name}`"));
            }
        }
        for (path, key) in references.keys {
            if state.key(key).is_none() {
                missing(path, format!("key `{key}`"));
            }
        }
    }
    found
}

/// Decides a wish.
///
/// # Errors
/// With the reason why it is not granted.
pub fn decide(
    state: &State,
    now: Timestamp,
    wish: Wish,
    vault: &Vault,
    entropy: &mut dyn Entropy,
) -> Result<Decision, Rejection> {
    match wish {
        Wish::Apply(resources) => {
            let mut decision = Decision::default();
            for change in plan(state, &resources, vault)? {
                if let Some(mut resource) = change.after {
                    for (path, field) in resource.spec.sealed_fields() {
                        let seal = field.close(entropy.next()).map_err(|error| {
                            Rejection::Refused(format!("{path} cannot be sealed: {error}"))
                        })?;
                        decision.seals.extend(seal);
                    }
                    decision.facts.push(Body::ResourceSet(resource));
                }
            }
            containment::keeps_two(state, now, &decision)?;
            Ok(decision)
        }
        Wish::Delete(kind, name) => {
            let decision = delete(state, kind, name)?;
            containment::keeps_two(state, now, &decision)?;
            Ok(decision)
        }
        Wish::IssueKey(new) => issue(state, now, new, None),
        Wish::RevokeKey(id, reason) => {
            let key = find_key(state, id)?;
            if key.revoked.is_some() {
                return Ok(Decision::default());
            }
            let mut decision = Decision::default();
            let reason = decision.seal(reason, entropy)?;
            decision.facts.push(Body::KeyRevoked(id, reason));
            Ok(decision)
        }
        Wish::RotateKey(rotation) => {
            let old = find_key(state, rotation.old)?.clone();
            if old.revoked.is_some() || old.expires <= now {
                return Err(Rejection::Refused(format!(
                    "key `{}` has ended; help: `cordon key create` makes a new one",
                    old.id
                )));
            }
            let new = NewKey {
                id: rotation.id,
                secret: rotation.secret,
                principal: old.principal.clone(),
                routes: old.routes.clone(),
                lifetime: rotation.lifetime,
            };
            let mut decision = issue(state, now, new, Some(old.id))?;
            decision.facts.push(Body::KeyRetired(old.id, now.plus(rotation.overlap).min(old.expires)));
            Ok(decision)
        }
        Wish::StartJournal(start) => records::start(state, start),
        Wish::Anchor(anchors) => records::anchor(state, anchors),
        Wish::EndJournal(end) => records::end(state, end),
        Wish::SealSegment(seal) => records::seal(state, seal),
        Wish::RetireRecords(retirement) => records::retire(state, retirement),
        Wish::EraseContent(new) => records::erase(state, new, entropy),
        Wish::SetHold(new) => records::set_hold(state, new, entropy),
        Wish::ReleaseHold(name, reason) => records::release_hold(state, &name, reason, entropy),
        Wish::SetLogKey(key) => records::set_log_key(state, key),
        Wish::AddUser(new) => people::add(state, new, entropy),
        Wish::SetRole(id, role, by) => people::set_role(state, id, role, by),
        Wish::DisableUser(id, reason) => people::disable(state, id, reason, entropy),
        Wish::EnableUser(id) => people::enable(state, id),
        Wish::ResetUser(id) => people::reset(state, id),
        Wish::RevokeSessions(id) => people::revoke_sessions(state, id),
        Wish::NoteBootstrap(usage) => Ok(people::note_bootstrap(now, usage)),
        Wish::Quarantine(new) => containment::quarantine(state, new, entropy),
        Wish::LiftQuarantine(new) => containment::lift(state, new, entropy),
        Wish::FireTrigger(new) => triggers::fire(state, new, entropy),
        Wish::NoteContained(contained) => triggers::contained(state, contained),
        Wish::ClearTrigger(new) => triggers::clear(state, new, entropy),
        // What was found is in the record: whoever wishes has read it there.
        Wish::LabelFinding(label) => Ok(Decision::fact(Body::FindingLabelled(label))),
        Wish::Review(new) => reviews::review(state, now, new, entropy),
    }
}

impl Decision {
    /// One fact, and nothing beside it.
    fn fact(body: Body) -> Self {
        Self { facts: vec![body], seals: Vec::new() }
    }

    /// Closes a text that identifies somebody or is free: the value lies beside the log.
    fn seal(
        &mut self,
        text: Option<String>,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Sealed<String>>, Rejection> {
        let Some(mut text) = text.map(Sealed::Open) else { return Ok(None) };
        let seal = text.close(entropy.next()).map_err(|error| Rejection::Refused(error.to_string()))?;
        self.seals.extend(seal);
        Ok(Some(text))
    }
}

impl Wish {
    /// About how many facts it may lead to.
    pub fn weight(&self) -> usize {
        match self {
            Self::Apply(resources) => resources.len(),
            Self::RotateKey(_) | Self::ClearTrigger(_) => 2,
            _ => 1,
        }
    }
}

/// The facts of a decision, in the log's form.
pub fn facts(decision: &Decision, now: Timestamp, actor: &Actor) -> Vec<crate::fact::Fact> {
    decision
        .facts
        .iter()
        .map(|body| crate::fact::Fact { time: now, actor: actor.clone(), body: body.clone() })
        .collect()
}

fn find_key(state: &State, id: KeyId) -> Result<&ApiKey, Rejection> {
    state
        .key(id)
        .map(AsRef::as_ref)
        .ok_or_else(|| Rejection::NotFound { kind: "key".to_owned(), name: id.to_string() })
}

fn delete(state: &State, kind: Kind, name: Name) -> Result<Decision, Rejection> {
    if state.resource(kind, &name).is_none() {
        return Err(Rejection::NotFound { kind: kind.to_string(), name: name.to_string() });
    }
    let mut users: Vec<String> = state
        .resources()
        .filter(|(other_kind, other, standing)| {
            (*other_kind, *other) != (kind, &name)
                && Resource::from((*other, *standing))
                    .references()
                    .resources
                    .iter()
                    .any(|(_, k, n)| (*k, n) == (kind, &name))
        })
        .map(|(other_kind, other, _)| format!("{other_kind} `{other}`"))
        .collect();
    if kind == Kind::Principal {
        let live = state.keys().filter(|key| key.principal == name && key.revoked.is_none());
        users.extend(live.map(|key| format!("key `{}`", key.id)));
    }
    if kind == Kind::Trigger {
        triggers::deletable(state, &name)?;
    }
    if users.is_empty() {
        Ok(Decision::fact(Body::ResourceRemoved(kind, name)))
    } else {
        let more = users.len().saturating_sub(5);
        users.truncate(5);
        if more > 0 {
            users.push(format!("{more} more"));
        }
        Err(Rejection::InUse { kind, name, users: users.join(", ") })
    }
}

fn issue(state: &State, now: Timestamp, new: NewKey, replaces: Option<KeyId>) -> Result<Decision, Rejection> {
    let refused = |message: String| Err(Rejection::Refused(message));
    let standing = state.resource(Kind::Principal, &new.principal).ok_or_else(|| Rejection::NotFound {
        kind: Kind::Principal.to_string(),
        name: new.principal.to_string(),
    })?;
    let crate::resource::Spec::Principal(principal) = &standing.spec else {
        return refused(format!("`{}` is not a principal", new.principal));
    };
    if state.key(new.id).is_some() {
        return refused(format!("key `{}` exists already; help: try again", new.id));
    }
    if new.lifetime.as_millis() == 0 || new.lifetime > MAX_KEY_LIFETIME {
        return refused(format!(
            "a key lives for at least 1ms and at most {MAX_KEY_LIFETIME}; help: rotate it later"
        ));
    }
    let routes = if new.routes.is_empty() { principal.routes.clone() } else { new.routes };
    if let Some(route) = routes.iter().find(|route| !principal.routes.contains(route)) {
        return refused(format!(
            "principal `{}` may not use route `{route}`; help: add it to the principal's routes first",
            new.principal
        ));
    }
    let key = ApiKey {
        id: new.id,
        principal: new.principal,
        routes,
        secret: new.secret,
        created: now,
        expires: now.plus(new.lifetime),
        revoked: None,
        replaces,
    };
    Ok(Decision::fact(Body::KeyIssued(key)))
}
