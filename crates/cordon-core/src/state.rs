//! The fold: all governed state is this function of the facts, and nothing else is a source of truth.

mod containment;
mod firings;
mod people;
mod records;
mod reviews;

use std::{
    ops::Bound,
    sync::{Arc, OnceLock},
};

use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    ApiKey, CallId, Digest, JournalId, KeyId, Name, Timestamp, canonical,
    containment::Subject,
    fact::{Actor, Body, Fact},
    identity::UserId,
    json::Value,
    resource::{Kind, Resource, Spec},
    review::Passage,
};

/// The state of everything governed, after a number of facts. Clones in constant time: maps are shared until changed.
#[derive(Clone, Debug, Default)]
pub struct State {
    position: u64,
    time: Option<Timestamp>,
    /// Sum of the digests of all entries but those in `unsettled`.
    settled: [u8; 32],
    /// Entries that changed since the sum was made: a fold over many facts sums each of them once, not once a fact.
    unsettled: RedBlackTreeSetSync<Touched>,
    resources: RedBlackTreeMapSync<(Kind, Name), Entry<Standing>>,
    keys: RedBlackTreeMapSync<KeyId, Entry<ApiKey>>,
    records: records::Records,
    people: people::People,
    containment: containment::Containment,
    firings: firings::Firings,
    reviews: reviews::Reviews,
}

/// An entry of the state, with its digest once somebody asked for it.
#[derive(Clone, Debug)]
struct Entry<T> {
    value: Arc<T>,
    digest: OnceLock<Digest>,
}

/// A resource as it stands: what it says, and the fact that made it say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it says.
    pub spec: Spec,
    /// When that became true.
    pub changed: Timestamp,
    /// Who decided it.
    pub actor: Actor,
    /// The position of the fact in the log, from 0.
    pub position: u64,
}

/// What a fact touched: the Snapshot rebuilds these and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touched {
    /// A resource.
    Resource(Kind, Name),
    /// A key.
    Key(KeyId),
    /// A journal: its start, its anchors, its end.
    Journal(JournalId),
    /// The sealed segment of a journal that begins with this frame.
    Segment(JournalId, u64),
    /// A legal hold.
    Hold(Name),
    /// The erasures of content: each is a fact, none is an entry of the state.
    Erasures,
    /// The key that signs checkpoints.
    LogKey,
    /// A person who operates Cordon.
    User(UserId),
    /// The uses of the first administrator's token.
    Bootstrap,
    /// A quarantine.
    Quarantine(Subject),
    /// The labels of findings: each is a fact, none is an entry of the state.
    Labels,
    /// The labels of the findings of a call.
    Labelled(CallId),
    /// What a trigger did, to which of those that it watches.
    Firing(Name, Option<Subject>),
    /// A review of held content.
    Review(Passage),
}

/// Why a cache cannot be used. It is thrown away and the facts are folded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the state cache cannot be used: {0}")]
pub struct CacheError(String);

impl State {
    /// The state before the first fact.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies one fact and says what it touched.
    ///
    /// Total and deterministic: a fact that does not fit the state (which no command makes) changes what it can, in the
    /// same way on every node.
    pub fn apply(&mut self, fact: &Fact) -> Vec<Touched> {
        let position = self.position;
        self.position = position.saturating_add(1);
        self.time = Some(self.time.map_or(fact.time, |time| time.max(fact.time)));
        match &fact.body {
            Body::ResourceSet(resource) => {
                let standing = Standing {
                    spec: resource.spec.clone(),
                    changed: fact.time,
                    actor: fact.actor.clone(),
                    position,
                };
                self.put_resource(resource.spec.kind(), resource.name.clone(), Some(standing));
                vec![Touched::Resource(resource.spec.kind(), resource.name.clone())]
            }
            Body::ResourceRemoved(kind, name) => {
                self.put_resource(*kind, name.clone(), None);
                let forgotten = if *kind == Kind::Trigger { self.forget_firings(name) } else { Vec::new() };
                std::iter::once(Touched::Resource(*kind, name.clone())).chain(forgotten).collect()
            }
            Body::KeyIssued(key) => self.put_key(key.clone()),
            Body::KeyRetired(id, expires) => {
                self.change_key(*id, |key| key.expires = key.expires.min(*expires))
            }
            Body::KeyRevoked(id, _) => self.change_key(*id, |key| {
                key.revoked = Some(key.revoked.map_or(fact.time, |t| t.min(fact.time)));
            }),
            Body::JournalStarted(_)
            | Body::JournalsAnchored(_)
            | Body::JournalEnded(_)
            | Body::SegmentSealed(_)
            | Body::RecordsRetired(_)
            | Body::ContentErased(_)
            | Body::HoldSet(_)
            | Body::HoldReleased(..)
            | Body::LogKeySet(_) => self.apply_to_records(position, fact),
            Body::UserAdded(_)
            | Body::UserRoleSet(..)
            | Body::UserDisabled(..)
            | Body::UserEnabled(_)
            | Body::UserReset(_)
            | Body::UserSessionsRevoked(_)
            | Body::BootstrapUsed(_) => self.apply_to_people(fact),
            Body::SubjectQuarantined(_) | Body::LiftAsked(_) | Body::QuarantineLifted(_) => {
                self.apply_to_containment(fact)
            }
            Body::TriggerFired(_) | Body::TriggerContained(_) | Body::TriggerCleared(_) => {
                self.apply_to_firings(fact)
            }
            Body::HeldReleased(_) | Body::HeldRejected(_) => self.apply_to_reviews(fact),
            Body::FindingLabelled(label) => vec![Touched::Labels, Touched::Labelled(label.call)],
        }
    }

    fn change_key(&mut self, id: KeyId, change: impl FnOnce(&mut ApiKey)) -> Vec<Touched> {
        let Some(key) = self.keys.get(&id) else { return Vec::new() };
        let mut key = ApiKey::clone(&key.value);
        change(&mut key);
        self.put_key(key)
    }

    fn put_key(&mut self, key: ApiKey) -> Vec<Touched> {
        let id = key.id;
        self.unsettle(Touched::Key(id));
        self.keys.insert_mut(id, Entry::new(key));
        vec![Touched::Key(id)]
    }

    fn put_resource(&mut self, kind: Kind, name: Name, standing: Option<Standing>) {
        self.unsettle(Touched::Resource(kind, name.clone()));
        match standing {
            Some(standing) => self.resources.insert_mut((kind, name), Entry::new(standing)),
            None => {
                self.resources.remove_mut(&(kind, name));
            }
        }
    }

    /// Takes an entry that is about to change out of the sum.
    fn unsettle(&mut self, at: Touched) {
        if !self.unsettled.contains(&at) {
            if let Some(digest) = self.digest_of(&at) {
                toggle(&mut self.settled, &digest);
            }
            self.unsettled.insert_mut(at);
        }
    }

    fn digest_of(&self, at: &Touched) -> Option<Digest> {
        match at {
            Touched::Resource(kind, name) => {
                let at = (*kind, name.clone());
                self.resources
                    .get(&at)
                    .map(|entry| entry.digest(|standing| digest_of_resource(&at, standing)))
            }
            Touched::Key(id) => self.keys.get(id).map(|entry| entry.digest(digest_of_key)),
            Touched::User(_) | Touched::Bootstrap => self.people.digest_of(at),
            Touched::Quarantine(subject) => self.containment.digest_of(subject),
            Touched::Firing(trigger, of) => self.firings.digest_of(trigger, of.as_ref()),
            Touched::Review(passage) => self.reviews.digest_of(passage),
            _ => self.records.digest_of(at),
        }
    }

    fn sum(&self) -> [u8; 32] {
        let mut sum = self.settled;
        for digest in self.unsettled.iter().filter_map(|at| self.digest_of(at)) {
            toggle(&mut sum, &digest);
        }
        sum
    }

    /// Makes [`Self::digest`] cheap: it costs what changed since this was last done.
    pub fn settle(&mut self) {
        self.settled = self.sum();
        self.unsettled = RedBlackTreeSetSync::new_sync();
    }

    /// Number of facts applied: the position of the next one.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The time of the latest fact.
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// A digest of the whole state: nodes that hold the same state have the same digest, whatever way they came to it.
    ///
    /// Each entry's SHA-256 is added by exclusive or, so that a change costs one entry, not all. It compares honest nodes;
    /// it is no proof against somebody who chooses the entries, for whom there is the log itself.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(self.position.to_be_bytes());
        hash.update(self.sum());
        Digest::from_bytes(hash.finalize().into())
    }

    /// A resource as it stands.
    pub fn resource(&self, kind: Kind, name: &Name) -> Option<&Arc<Standing>> {
        self.resources.get(&(kind, name.clone())).map(|entry| &entry.value)
    }

    /// All resources, by kind and name.
    pub fn resources(&self) -> impl Iterator<Item = (Kind, &Name, &Arc<Standing>)> {
        self.resources.iter().map(|((kind, name), entry)| (*kind, name, &entry.value))
    }

    /// The resources of a kind, by name.
    pub fn resources_of(&self, kind: Kind) -> impl Iterator<Item = (&Name, &Arc<Standing>)> {
        self.resources_after(Some(kind), None).map(|(_, name, standing)| (name, standing))
    }

    /// The resources of a kind, or all, that come after one, by kind and name. The walk begins there.
    pub fn resources_after(
        &self,
        kind: Option<Kind>,
        after: Option<(Kind, Name)>,
    ) -> impl Iterator<Item = (Kind, &Name, &Arc<Standing>)> {
        let first = match (after, kind) {
            (Some(after), _) => Bound::Excluded(after),
            // No name is before this one, so that the walk begins at the kind.
            (None, Some(kind)) => {
                Name::parse("0").map_or(Bound::Unbounded, |first| Bound::Included((kind, first)))
            }
            (None, None) => Bound::Unbounded,
        };
        self.resources
            .range((first, Bound::Unbounded))
            .skip_while(move |((at, _), _)| kind.is_some_and(|kind| *at < kind))
            .take_while(move |((at, _), _)| kind.is_none_or(|kind| *at == kind))
            .map(|((kind, name), entry)| (*kind, name, &entry.value))
    }

    /// A key.
    pub fn key(&self, id: KeyId) -> Option<&Arc<ApiKey>> {
        self.keys.get(&id).map(|entry| &entry.value)
    }

    /// All keys, by id.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<ApiKey>> {
        self.keys.values().map(|entry| &entry.value)
    }

    /// The keys after one, by id.
    pub fn keys_after(&self, after: Option<KeyId>) -> impl Iterator<Item = &Arc<ApiKey>> {
        self.keys.range(behind(after)).map(|(_, entry)| &entry.value)
    }

    /// Number of entries: what a cache of this state costs.
    pub fn len(&self) -> usize {
        self.resources.size()
            + self.keys.size()
            + self.records.len()
            + self.people.len()
            + self.containment.len()
            + self.firings.len()
            + self.reviews.len()
    }

    /// Whether nothing stands.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes a cache of the state: one canonical line per entry.
    ///
    /// # Errors
    /// When an entry has no canonical form, which a folded state never has.
    pub fn to_cache(&self) -> Result<Vec<u8>, canonical::Error> {
        let mut out = Vec::with_capacity(self.len().saturating_mul(300));
        let mut line = |value: &Value| {
            value.write(&mut out);
            out.push(b'\n');
        };
        line(&canonical::to_value(&CacheHead {
            cache: CACHE_VERSION,
            position: self.position,
            time: self.time,
            digest: self.digest(),
        })?);
        for (kind, name, standing) in self.resources() {
            line(&entry_of_resource(kind, name, standing)?);
        }
        for key in self.keys() {
            line(&canonical::to_value(key.as_ref())?);
        }
        self.records.lines(&mut line)?;
        self.people.lines(&mut line)?;
        self.containment.lines(&mut line)?;
        self.firings.lines(&mut line)?;
        self.reviews.lines(&mut line)?;
        Ok(out)
    }

    /// Reads a cache.
    ///
    /// # Errors
    /// When it is damaged, of another version, or does not add up to its digest.
    pub fn from_cache(bytes: &[u8]) -> Result<Self, CacheError> {
        let wrong = |what: &dyn std::fmt::Display| CacheError(what.to_string());
        let mut lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let head: CacheHead =
            canonical::from_bytes(lines.next().unwrap_or_default()).map_err(|e| wrong(&e))?;
        if head.cache != CACHE_VERSION {
            return Err(wrong(&"written by another version"));
        }
        let (mut state, mut count) = (Self::new(), 0);
        for line in lines {
            // The line is what the digest of its entry is made of: nothing is written again to be compared.
            let digest = Digest::sha256(line);
            if line.starts_with(b"{\"actor\"") {
                let (at, standing) = read_resource(line).map_err(|e| wrong(&e))?;
                state.resources.insert_mut(at, Entry::with_digest(standing, digest));
            } else if line.starts_with(b"{\"created\"") {
                let key: ApiKey = canonical::from_bytes(line).map_err(|e| wrong(&e))?;
                state.keys.insert_mut(key.id, Entry::with_digest(key, digest));
            } else if people::People::is_line(line) {
                state.people.read_line(line, digest).map_err(|e| wrong(&e))?;
            } else if containment::Containment::is_line(line) {
                state.containment.read_line(line, digest).map_err(|e| wrong(&e))?;
            } else if firings::Firings::is_line(line) {
                state.firings.read_line(line, digest).map_err(|e| wrong(&e))?;
            } else if reviews::Reviews::is_line(line) {
                state.reviews.read_line(line, digest).map_err(|e| wrong(&e))?;
            } else {
                state.records.read_line(line, digest).map_err(|e| wrong(&e))?;
            }
            toggle(&mut state.settled, &digest);
            count += 1;
        }
        if state.len() != count {
            return Err(wrong(&"an entry stands in it twice"));
        }
        (state.position, state.time) = (head.position, head.time);
        if state.digest() == head.digest {
            Ok(state)
        } else {
            Err(wrong(&"it does not add up to its digest"))
        }
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.position == other.position
            && self.time == other.time
            && self.resources == other.resources
            && self.keys == other.keys
            && self.records == other.records
            && self.people == other.people
            && self.containment == other.containment
            && self.firings == other.firings
            && self.reviews == other.reviews
    }
}

/// Everything after a key of a map, or all of it.
fn behind<K>(after: Option<K>) -> (Bound<K>, Bound<K>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

/// Raised whenever a cache of an older form must be thrown away.
const CACHE_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheHead {
    cache: u32,
    position: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    digest: Digest,
}

/// The members beside `spec`.
#[derive(Serialize)]
struct EntryHead<'a> {
    kind: Kind,
    name: &'a Name,
    changed: Timestamp,
    actor: &'a Actor,
    position: u64,
}

impl<T> Entry<T> {
    fn new(value: T) -> Self {
        Self { value: Arc::new(value), digest: OnceLock::new() }
    }

    fn with_digest(value: T, digest: Digest) -> Self {
        Self { value: Arc::new(value), digest: digest.into() }
    }

    fn digest(&self, make: impl FnOnce(&T) -> Digest) -> Digest {
        *self.digest.get_or_init(|| make(&self.value))
    }
}

impl<T: PartialEq> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

fn read_resource(line: &[u8]) -> Result<((Kind, Name), Standing), canonical::Error> {
    let members = canonical::members(line)?;
    let members: Vec<(&str, &[u8])> = members.iter().map(|(key, value)| (key.as_ref(), *value)).collect();
    let [
        ("actor", actor),
        ("changed", changed),
        ("kind", kind),
        ("name", name),
        ("position", position),
        ("spec", spec),
    ] = members.as_slice()
    else {
        return Err(serde::de::Error::custom("actor, changed, kind, name, position and spec are expected"));
    };
    let kind = canonical::from_bytes(kind)?;
    let standing = Standing {
        spec: Spec::from_canonical(kind, spec)?,
        changed: canonical::from_bytes(changed)?,
        actor: canonical::from_bytes(actor)?,
        position: canonical::from_bytes(position)?,
    };
    Ok(((kind, canonical::from_bytes(name)?), standing))
}

fn entry_of_resource(kind: Kind, name: &Name, standing: &Standing) -> Result<Value, canonical::Error> {
    let head = EntryHead {
        kind,
        name,
        changed: standing.changed,
        actor: &standing.actor,
        position: standing.position,
    };
    let mut value = canonical::to_value(&head)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("spec", standing.spec.to_canonical()?);
    }
    Ok(value)
}

fn digest_of_resource((kind, name): &(Kind, Name), standing: &Standing) -> Digest {
    // A folded spec has no open field, so it has a canonical form; without one the entry still counts by its name.
    let value = entry_of_resource(*kind, name, standing).unwrap_or_else(|_| name.as_str().into());
    Digest::sha256(&value.to_vec())
}

fn digest_of_key(key: &ApiKey) -> Digest {
    Digest::sha256(&canonical::to_bytes(key).unwrap_or_default())
}

fn toggle(sum: &mut [u8; 32], digest: &Digest) {
    for (to, from) in sum.iter_mut().zip(digest.as_bytes()) {
        *to ^= from;
    }
}

impl From<(&Name, &Arc<Standing>)> for Resource {
    fn from((name, standing): (&Name, &Arc<Standing>)) -> Self {
        Self { name: name.clone(), spec: standing.spec.clone() }
    }
}
