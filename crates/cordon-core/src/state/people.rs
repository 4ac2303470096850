use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::{Entry, State, Touched, behind};
use crate::{
    Digest, canonical,
    fact::{Body, Fact},
    identity::{BootstrapUse, KnownUser, UserId},
    json::Value,
};

/// The part of the state that is about the people who operate Cordon.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct People {
    users: RedBlackTreeMapSync<UserId, Entry<KnownUser>>,
    bootstrap: Option<Entry<BootstrapUse>>,
}

/// A line of the cache, and what the digest of an entry is made of.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<B, U> {
    Bootstrap(B),
    User(U),
}

/// How the lines of people begin.
const STARTS: [&[u8]; 2] = [b"{\"bootstrap\"", b"{\"user\""];

impl State {
    pub(super) fn apply_to_people(&mut self, fact: &Fact) -> Vec<Touched> {
        match &fact.body {
            Body::UserAdded(user) => {
                if self.people.users.contains_key(&user.id) {
                    return Vec::new();
                }
                self.put_user(KnownUser {
                    user: user.clone(),
                    added: fact.time,
                    disabled: None,
                    revoked: None,
                })
            }
            Body::UserRoleSet(id, role) => self.change_user(*id, |known| known.user.role = *role),
            Body::UserDisabled(id, _) => self.change_user(*id, |known| {
                known.disabled.get_or_insert(fact.time);
                known.revoked = known.revoked.max(Some(fact.time));
            }),
            Body::UserEnabled(id) => self.change_user(*id, |known| known.disabled = None),
            Body::UserReset(id) | Body::UserSessionsRevoked(id) => {
                self.change_user(*id, |known| known.revoked = known.revoked.max(Some(fact.time)))
            }
            Body::BootstrapUsed(usage) => {
                let total = match self.bootstrap_uses() {
                    None => *usage,
                    Some(before) => BootstrapUse {
                        first: before.first.min(usage.first),
                        last: before.last.max(usage.last),
                        uses: before.uses.saturating_add(usage.uses),
                    },
                };
                self.unsettle(Touched::Bootstrap);
                self.people.bootstrap = Some(Entry::new(total));
                vec![Touched::Bootstrap]
            }
            // The fold hands only the bodies above to this.
            _ => Vec::new(),
        }
    }

    fn change_user(&mut self, id: UserId, change: impl FnOnce(&mut KnownUser)) -> Vec<Touched> {
        let Some(entry) = self.people.users.get(&id) else { return Vec::new() };
        let mut known = KnownUser::clone(&entry.value);
        change(&mut known);
        self.put_user(known)
    }

    fn put_user(&mut self, known: KnownUser) -> Vec<Touched> {
        let id = known.user.id;
        self.unsettle(Touched::User(id));
        self.people.users.insert_mut(id, Entry::new(known));
        vec![Touched::User(id)]
    }

    /// A person.
    pub fn user(&self, id: UserId) -> Option<&Arc<KnownUser>> {
        self.people.users.get(&id).map(|entry| &entry.value)
    }

    /// All people, by id.
    pub fn users(&self) -> impl Iterator<Item = &Arc<KnownUser>> {
        self.people.users.values().map(|entry| &entry.value)
    }

    /// The people after one, by id.
    pub fn users_after(&self, after: Option<UserId>) -> impl Iterator<Item = &Arc<KnownUser>> {
        self.people.users.range(behind(after)).map(|(_, entry)| &entry.value)
    }

    /// All uses of the first administrator's token that the log knows of.
    pub fn bootstrap_uses(&self) -> Option<&BootstrapUse> {
        self.people.bootstrap.as_ref().map(|entry| entry.value.as_ref())
    }
}

impl People {
    pub(super) fn len(&self) -> usize {
        self.users.size() + usize::from(self.bootstrap.is_some())
    }

    /// Whether a line of a cache is one of these.
    pub(super) fn is_line(line: &[u8]) -> bool {
        STARTS.iter().any(|start| line.starts_with(start))
    }

    pub(super) fn digest_of(&self, at: &Touched) -> Option<Digest> {
        match at {
            Touched::User(id) => {
                self.users.get(id).map(|entry| entry.digest(|user| digest(&Line::User(user))))
            }
            Touched::Bootstrap => {
                self.bootstrap.as_ref().map(|entry| entry.digest(|uses| digest(&Line::Bootstrap(uses))))
            }
            _ => None,
        }
    }

    /// Gives each entry as a line of the cache.
    pub(super) fn lines(&self, line: &mut dyn FnMut(&Value)) -> Result<(), canonical::Error> {
        let mut each =
            |entry: Line<&BootstrapUse, &KnownUser>| canonical::to_value(&entry).map(|value| line(&value));
        self.bootstrap.iter().try_for_each(|entry| each(Line::Bootstrap(&entry.value)))?;
        self.users.values().try_for_each(|entry| each(Line::User(&entry.value)))
    }

    pub(super) fn read_line(&mut self, line: &[u8], digest: Digest) -> Result<(), canonical::Error> {
        match canonical::from_bytes::<Line<BootstrapUse, KnownUser>>(line)? {
            Line::Bootstrap(uses) => self.bootstrap = Some(Entry::with_digest(uses, digest)),
            Line::User(known) => self.users.insert_mut(known.user.id, Entry::with_digest(known, digest)),
        }
        Ok(())
    }
}

fn digest(line: &Line<&BootstrapUse, &KnownUser>) -> Digest {
    Digest::sha256(&canonical::to_bytes(line).unwrap_or_default())
}
