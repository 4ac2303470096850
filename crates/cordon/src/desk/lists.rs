//! Lists: whole ones, and the pages that they are cut into. All pages of one list show the state at one position of the log,
//! whatever is appended meanwhile; none costs more than what it shows.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use cordon_core::{
    ApiKey, Fact, KeyId, Name, Sealed, State, Timestamp,
    command::Vault,
    fact::Body,
    resource::{API_VERSION, Kind, Spec},
    state::{Standing, Touched},
};

use super::{Desk, Governed, diff, not_found, unreachable, unreadable};
use crate::api::{ChangeKind, HistoryEntry, KeyStatus, KeyView, Meta, Problem, ResourceView};

/// The states that lists are read from while somebody turns their pages. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Standpoints(Arc<Mutex<VecDeque<State>>>);

/// States that are held. They share what they have in common; one that is needed later is folded anew.
const HELD: usize = 8;

impl Standpoints {
    fn find(&self, position: u64) -> Option<State> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().find(|state| state.position() == position).cloned()
    }

    /// Holds a state as the one used last.
    fn hold(&self, state: &State) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|other| other.position() != state.position());
        held.truncate(HELD - 1);
        held.push_front(state.clone());
    }
}

impl Desk {
    /// The state that the pages of a list show: at the position that its first page was read at, or, where it begins, now or
    /// at a time.
    ///
    /// # Errors
    /// When the log cannot be read, or has no such position.
    pub(crate) async fn standpoint(
        &self,
        position: Option<u64>,
        as_of: Option<Timestamp>,
    ) -> Result<State, Problem> {
        let state = match position {
            None => self.state(as_of).await?,
            Some(position) => match self.standpoints.find(position) {
                Some(state) => state,
                None => self.state_at(position).await?,
            },
        };
        self.standpoints.hold(&state);
        Ok(state)
    }

    async fn state_at(&self, position: u64) -> Result<State, Problem> {
        let ahead = || Problem::cursor("it was given out by a log that is longer than this one");
        let Some(loader) = self.loader() else { return Err(ahead()) };
        let head = match &self.governed {
            Governed::Served(sequencer) => sequencer.committed().state.position(),
            Governed::Still(_) | Governed::Nothing => loader.log().head().await.map_err(unreachable)?,
        };
        if position > head {
            return Err(ahead());
        }
        Ok(loader.state_at(position).await.map_err(unreadable)?.state)
    }

    /// The resources of a kind, or all, by kind and name.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn list(
        &self,
        kind: Option<Kind>,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<ResourceView>, Problem> {
        self.resources(&self.state(as_of).await?, kind, None, usize::MAX).await
    }

    /// A part of the resources of a state: those of a kind, or all, after one of them, at most so many.
    ///
    /// # Errors
    /// When sealed values cannot be read.
    pub(crate) async fn resources(
        &self,
        state: &State,
        kind: Option<Kind>,
        after: Option<(Kind, Name)>,
        most: usize,
    ) -> Result<Vec<ResourceView>, Problem> {
        let standing: Vec<(Kind, &Name, &Arc<Standing>)> =
            state.resources_after(kind, after).take(most).collect();
        let vault = self.vault(standing.iter().map(|(.., standing)| &standing.spec)).await?;
        Ok(standing
            .into_iter()
            .map(|(kind, name, standing)| view(kind, name.clone(), Standing::clone(standing), &vault))
            .collect())
    }

    /// All keys, by id.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn keys(&self, as_of: Option<Timestamp>) -> Result<Vec<KeyView>, Problem> {
        Ok(self.keys_of(&self.state(as_of).await?, as_of, None, usize::MAX))
    }

    /// A part of the keys of a state: those after one of them, at most so many.
    pub(crate) fn keys_of(
        &self,
        state: &State,
        as_of: Option<Timestamp>,
        after: Option<KeyId>,
        most: usize,
    ) -> Vec<KeyView> {
        let now = as_of.unwrap_or_else(|| self.clock.now());
        state.keys_after(after).take(most).map(|key| key_view(key, now)).collect()
    }

    /// What a resource went through, latest first. `before` is the position of the last step of
    /// the page before.
    ///
    /// # Errors
    /// When it never existed, or the log cannot be read.
    pub async fn history(
        &self,
        kind: Kind,
        name: &Name,
        as_of: Option<Timestamp>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, Problem> {
        let nothing = || {
            let help = format!("help: `cordon get {kind}` lists what exists");
            not_found(format!("{kind} `{name}` has no history; {help}"))
        };
        let log = self.loader().ok_or_else(nothing)?.log();
        let before = match (before, as_of) {
            (Some(position), _) => position,
            (None, Some(time)) => log.position_at(time).await.map_err(unreachable)?,
            (None, None) => log.head().await.map_err(unreachable)?,
        };
        let subject = Touched::Resource(kind, name.clone());
        // One more, to know what the earliest one changed.
        let stored = log.history(&subject, before, limit.saturating_add(1)).await.map_err(unreachable)?;
        let mut facts: Vec<(u64, Fact)> = Vec::new();
        for stored in stored {
            let fact = stored.decode().map_err(|error| {
                Problem::new(503, "unreadable", "the log cannot be read", error.to_string())
            })?;
            facts.push((stored.position, fact));
        }
        if facts.is_empty() {
            return Err(nothing());
        }
        let after = |fact: &Fact| match &fact.body {
            Body::ResourceSet(resource) => Some(resource.clone()),
            _ => None,
        };
        let entries = facts.iter().enumerate().map(|(index, (position, fact))| {
            let older = facts.get(index.saturating_add(1)).and_then(|(_, fact)| after(fact));
            let newer = after(fact);
            let change = match (&older, &newer) {
                (_, None) => ChangeKind::Delete,
                (None, _) => ChangeKind::Create,
                _ => ChangeKind::Change,
            };
            let meta = Meta { changed: fact.time, actor: fact.actor.clone(), position: *position };
            HistoryEntry { meta, change, fields: diff::fields(older.as_ref(), newer.as_ref()) }
        });
        Ok(entries.take(limit as usize).collect())
    }

    /// The values of the sealed fields of these specs, as far as they still exist.
    pub(super) async fn vault<'s>(
        &self,
        specs: impl IntoIterator<Item = &'s Spec>,
    ) -> Result<Vault, Problem> {
        let digests: Vec<_> = specs
            .into_iter()
            .flat_map(|spec| {
                let mut spec = spec.clone();
                spec.sealed_fields().into_iter().filter_map(|(_, field)| field.digest()).collect::<Vec<_>>()
            })
            .collect();
        match self.loader() {
            Some(loader) if !digests.is_empty() => loader.log().seals(&digests).await.map_err(unreachable),
            _ => Ok(Vault::new()),
        }
    }
}

pub(super) fn view(kind: Kind, name: Name, standing: Standing, vault: &Vault) -> ResourceView {
    let mut spec = standing.spec;
    for (_, field) in spec.sealed_fields() {
        let value = field.digest().and_then(|digest| vault.get(&digest)).and_then(|seal| seal.open());
        if let Some(value) = value {
            *field = Sealed::Open(value);
        }
    }
    ResourceView {
        api_version: API_VERSION.to_owned(),
        kind,
        name,
        spec: spec.write(serde_json::value::Serializer).unwrap_or_default(),
        meta: Meta { changed: standing.changed, actor: standing.actor, position: standing.position },
    }
}

pub(super) fn key_view(key: &ApiKey, now: Timestamp) -> KeyView {
    let status = match key.revoked {
        Some(revoked) if revoked <= now => KeyStatus::Revoked,
        _ if key.expires <= now => KeyStatus::Expired,
        _ => KeyStatus::Active,
    };
    KeyView {
        id: key.id,
        principal: key.principal.clone(),
        routes: key.routes.clone(),
        status,
        created: key.created,
        expires: key.expires,
        revoked: key.revoked,
        replaces: key.replaces,
    }
}
