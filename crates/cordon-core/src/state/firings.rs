use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::{Entry, State, Touched};
use crate::{
    Digest, Name, canonical,
    containment::{Cleared, Contained, Fired, Subject},
    fact::{Actor, Body, Fact},
    json::Value,
};

/// The part of the state that is about what triggers did: what stands, and the last of each trigger that has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Firings(RedBlackTreeMapSync<At, Entry<Fired>>);

type At = (Name, Option<Subject>);

/// A line of the cache, and what the digest of an entry is made of.
#[derive(Serialize, Deserialize)]
struct Line<F> {
    fired: F,
}

/// How the lines of firings begin.
const START: &[u8] = b"{\"fired\"";

impl State {
    pub(super) fn apply_to_firings(&mut self, fact: &Fact) -> Vec<Touched> {
        match &fact.body {
            Body::TriggerFired(firing) => {
                let mut touched = self.forget_firings(&firing.trigger);
                let at = (firing.trigger.clone(), firing.of.clone());
                let fired = Fired { firing: firing.clone(), contained: None, cleared: None, by_rule: false };
                self.put_firing(at, fired, &mut touched);
                touched
            }
            Body::TriggerContained(Contained { trigger, of, t2, .. }) => {
                let mut touched = Vec::new();
                self.change_firing((trigger, of), &mut touched, |fired| fired.contained = Some(*t2));
                touched
            }
            Body::TriggerCleared(Cleared { trigger, of }) => {
                let mut touched = self.forget_firings(trigger);
                self.change_firing((trigger, of), &mut touched, |fired| {
                    fired.cleared = Some(fact.time);
                    fired.by_rule = matches!(&fact.actor, Actor::Trigger(by) if by == trigger);
                });
                touched
            }
            // The fold hands only the bodies above to this.
            _ => Vec::new(),
        }
    }

    fn change_firing(
        &mut self,
        (trigger, of): (&Name, &Option<Subject>),
        touched: &mut Vec<Touched>,
        change: impl FnOnce(&mut Fired),
    ) {
        let at = (trigger.clone(), of.clone());
        let Some(entry) = self.firings.0.get(&at) else { return };
        let mut fired = Fired::clone(&entry.value);
        change(&mut fired);
        self.put_firing(at, fired, touched);
    }

    fn put_firing(&mut self, at: At, fired: Fired, touched: &mut Vec<Touched>) {
        let own = Touched::Firing(at.0.clone(), at.1.clone());
        self.unsettle(own.clone());
        self.firings.0.insert_mut(at, Entry::new(fired));
        if !touched.contains(&own) {
            touched.push(own);
        }
    }

    /// Forgets what has ended of a trigger.
    pub(super) fn forget_firings(&mut self, trigger: &Name) -> Vec<Touched> {
        let ended: Vec<At> = self
            .firings_of(trigger)
            .filter(|fired| !fired.stands())
            .map(|fired| (trigger.clone(), fired.firing.of.clone()))
            .collect();
        let forget = |at: At| {
            let touched = Touched::Firing(at.0.clone(), at.1.clone());
            self.unsettle(touched.clone());
            self.firings.0.remove_mut(&at);
            touched
        };
        ended.into_iter().map(forget).collect()
    }

    /// The last firing of a trigger, of one of those that it watches one by one or of its calls together.
    pub fn firing(&self, trigger: &Name, of: Option<&Subject>) -> Option<&Arc<Fired>> {
        self.firings.0.get(&(trigger.clone(), of.cloned())).map(|entry| &entry.value)
    }

    /// What stands of a trigger, and its last firing that has ended.
    pub fn firings_of(&self, trigger: &Name) -> impl Iterator<Item = &Arc<Fired>> {
        let first = (trigger.clone(), None);
        let own = trigger.clone();
        self.firings
            .0
            .range(first..)
            .take_while(move |((name, _), _)| *name == own)
            .map(|(_, entry)| &entry.value)
    }

    /// What stands of all triggers, and the last firing of each that has ended, by trigger.
    pub fn firings(&self) -> impl Iterator<Item = &Arc<Fired>> {
        self.firings.0.values().map(|entry| &entry.value)
    }
}

impl Firings {
    pub(super) fn len(&self) -> usize {
        self.0.size()
    }

    /// Whether a line of a cache is one of these.
    pub(super) fn is_line(line: &[u8]) -> bool {
        line.starts_with(START)
    }

    pub(super) fn digest_of(&self, trigger: &Name, of: Option<&Subject>) -> Option<Digest> {
        self.0.get(&(trigger.clone(), of.cloned())).map(|entry| {
            entry.digest(|fired| Digest::sha256(&canonical::to_bytes(&Line { fired }).unwrap_or_default()))
        })
    }

    /// Gives each entry as a line of the cache.
    pub(super) fn lines(&self, line: &mut dyn FnMut(&Value)) -> Result<(), canonical::Error> {
        self.0.values().try_for_each(|entry| {
            canonical::to_value(&Line { fired: entry.value.as_ref() }).map(|value| line(&value))
        })
    }

    pub(super) fn read_line(&mut self, line: &[u8], digest: Digest) -> Result<(), canonical::Error> {
        let Line { fired } = canonical::from_bytes::<Line<Fired>>(line)?;
        let at = (fired.firing.trigger.clone(), fired.firing.of.clone());
        self.0.insert_mut(at, Entry::with_digest(fired, digest));
        Ok(())
    }
}
