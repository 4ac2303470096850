//! Opening everything, to know that it can be opened: part of `cordon verify` and of a restore.

use std::collections::{BTreeMap, btree_map::Entry};

use cordon_core::{CallId, Name};
use sqlx::Row as _;

use super::{
    ContentError, ReadError, Unlocked,
    envelope::{ObjectContext, TeamKey},
    keyring::{self, read_call},
};

/// What one step of a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Calls whose key was opened, or should have been.
    pub calls: u64,
    /// Objects that opened.
    pub objects: u64,
    /// What did not open.
    pub damaged: Vec<Damage>,
    /// Go on after this call; nothing when it is done.
    pub next: Option<CallId>,
}

/// Something that is not what was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The call.
    pub call: CallId,
    /// Which of its objects; nothing where it is the key.
    pub object: Option<Name>,
}

impl Unlocked {
    /// Opens the keys and objects of at most so many calls, and says which do not open. Nothing of what they say is given.
    ///
    /// # Errors
    /// When a file cannot be read, or the master key was replaced.
    pub async fn check(&self, after: Option<CallId>, limit: u32) -> Result<Checked, ReadError> {
        let calls = self.calls(after, limit).await?;
        let mut checked = Checked {
            next: calls.last().copied().filter(|_| calls.len() == limit as usize),
            ..Checked::default()
        };
        let mut teams = BTreeMap::new();
        for call in calls {
            checked.calls += 1;
            if !self.check_call(call, &mut teams, &mut checked).await? {
                checked.damaged.push(Damage { call, object: None });
            }
        }
        Ok(checked)
    }

    /// Whether the key of a call opens; what does not open under it goes to `checked`.
    async fn check_call(
        &self,
        call: CallId,
        teams: &mut BTreeMap<i64, TeamKey>,
        checked: &mut Checked,
    ) -> Result<bool, ReadError> {
        let found = {
            let mut connection =
                self.store.keys.file.readers().acquire().await.map_err(ContentError::from)?;
            keyring::find(&mut connection, call).await
        };
        let stored = match found {
            Ok(Some(stored)) => stored,
            // Forgotten since the list was made.
            Ok(None) => return Ok(true),
            Err(ContentError::Damaged(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if !self.is_current(&stored) {
            return Err(ReadError::Locked);
        }
        let store = &self.store.id;
        let team = match teams.entry(stored.team.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                match self.master.unwrap(&stored.team.wrapped, &stored.team.context(store)) {
                    Ok(key) => place.insert(key),
                    Err(_) => return Ok(false),
                }
            }
        };
        let Ok(key) = team.unwrap(&stored.wrapped, &stored.context(store)) else { return Ok(false) };
        for object in self.store.objects.list(call).await? {
            // Removed since.
            let Some(sealed) = self.store.objects.read(call, &object.name).await? else { continue };
            let context = ObjectContext {
                store,
                call,
                team: &stored.team.team,
                generation: stored.team.generation,
                object: &object.name,
                stored: sealed.stored,
            };
            match key.open(&sealed.bytes, &context) {
                Ok(_) => checked.objects += 1,
                Err(_) => checked.damaged.push(Damage { call, object: Some(object.name) }),
            }
        }
        Ok(true)
    }

    async fn calls(&self, after: Option<CallId>, limit: u32) -> Result<Vec<CallId>, ContentError> {
        let rows = sqlx::query("SELECT call FROM data_keys WHERE call > $1 ORDER BY call LIMIT $2")
            .bind(after.as_ref().map_or([].as_slice(), |call| call.as_bytes()))
            .bind(i64::from(limit))
            .fetch_all(self.store.keys.file.readers())
            .await?;
        rows.iter().map(|row| read_call(row.try_get(0)?)).collect()
    }
}
