//! The master key and the keys of teams: unlocking, generations, and the durable count of wraps.

use std::collections::HashMap;

use cordon_core::{Name, Timestamp};
use sqlx::SqliteConnection;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::{
    ContentError, ContentStore, Unlocked,
    envelope::{DataKey, EnvelopeError, KEY, MasterKey, NONCE, StoreId, TeamContext, TeamKey, Wrapped},
    file::{meta, meta_number, set_meta},
    keyring::{self, NewKey, latest_team_key, take_slots, write_slot, wrong},
    seal::{PutError, Randomness},
};

/// The most wraps under one team key: far below the 2^32 of NIST SP 800-38D, section 8.3, so that what a crash leaves
/// uncounted does not matter. See [`super::envelope`].
pub const WRAPS: u64 = 1 << 28;

/// Wraps are counted before they are made, in blocks of so many: after a crash the rest of a block counts as used. So the
/// count on disk is never too small, and a restart costs one block: 4096 of them begin the next generation early.
pub const RESERVED: u64 = 1 << 16;

/// Teams whose key is kept in memory; beyond it all are read again.
const TEAMS: usize = 4096;

/// Why a store was not unlocked, or its master key not replaced.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// It is another key.
    #[error(
        "the master key is not the one of this store; help: give the key that it was made with, or last rewrapped to"
    )]
    WrongMaster,
    /// A team key does not open under it.
    #[error(
        "the key of team `{team}`, generation {generation}, is damaged; help: restore `keys.db` from a backup"
    )]
    Damaged {
        /// Whose.
        team: Name,
        /// Which.
        generation: u64,
    },
    /// The cryptographic library refused.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] ContentError),
}

/// What replacing the master key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    /// Team keys that are now under the new one.
    pub team_keys: u64,
    /// Whether no file holds a key under the old one any more. Otherwise a reader was in the way: do it again.
    pub clean: bool,
}

/// The keys that wraps are made with.
#[derive(Debug, Default)]
pub(super) struct Teams(HashMap<Name, Active>);

#[derive(Debug)]
struct Active {
    id: i64,
    generation: u64,
    key: TeamKey,
    /// Wraps that were reserved and not made yet.
    left: u64,
}

/// What wraps are made for and with, during one batch.
pub(super) struct Wrapping<'a, 'r> {
    pub(super) store: &'a StoreId,
    pub(super) master: &'a MasterKey,
    pub(super) epoch: i64,
    pub(super) wraps: u64,
    pub(super) random: &'a mut Randomness<'r>,
}

impl ContentStore {
    /// Takes the master key: what can put and read. A new store takes whichever key comes first.
    ///
    /// # Errors
    /// When it is another key than the store's, or the file cannot be used.
    pub async fn unlock(&self, master: MasterKey) -> Result<Unlocked, UnlockError> {
        let epoch = self
            .keys
            .file
            .write(async |transaction| match meta(transaction, "master").await? {
                Some(check_value) => {
                    if !master.fits(&self.id, &check_value)? {
                        return Err(UnlockError::WrongMaster);
                    }
                    Ok(meta_number(transaction, "epoch").await?.ok_or_else(|| wrong("the master's epoch"))?)
                }
                None => {
                    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM team_keys")
                        .fetch_one(&mut **transaction)
                        .await
                        .map_err(ContentError::from)?;
                    if keys > 0 {
                        return Err(wrong("the check value of the master key").into());
                    }
                    set_meta(transaction, "master", master.check_value(&self.id)?.as_bytes()).await?;
                    set_meta(transaction, "epoch", &1_i64.to_be_bytes()).await?;
                    Ok(1)
                }
            })
            .await?;
        Ok(Unlocked { store: self.clone(), master, epoch, teams: Mutex::default() })
    }

    /// Replaces the master key: every team key is wrapped anew, all or none. Content and data keys stay as they are. Who
    /// unlocked with the old key must unlock again.
    ///
    /// # Errors
    /// When `old` is not the store's key, a team key is damaged, or the file cannot be used.
    pub async fn rewrap(&self, old: &MasterKey, new: &MasterKey) -> Result<Rewrapped, UnlockError> {
        let team_keys =
            self.keys
                .file
                .write(async |transaction| {
                    let check_value = meta(transaction, "master").await?.unwrap_or_default();
                    if !old.fits(&self.id, &check_value)? {
                        return Err(UnlockError::WrongMaster);
                    }
                    let keys = keyring::team_keys(transaction).await?;
                    for stored in &keys {
                        let context = stored.context(&self.id);
                        let key = old.unwrap(&stored.wrapped, &context).map_err(|_| {
                            UnlockError::Damaged { team: stored.team.clone(), generation: stored.generation }
                        })?;
                        let wrapped = new.wrap(&key, &context, self.random())?;
                        write_slot(transaction, stored.slot, &wrapped).await?;
                    }
                    let epoch = meta_number(transaction, "epoch").await?.unwrap_or(1).saturating_add(1);
                    set_meta(transaction, "epoch", &epoch.to_be_bytes()).await?;
                    set_meta(transaction, "master", new.check_value(&self.id)?.as_bytes()).await?;
                    Ok(keys.len() as u64)
                })
                .await?;
        Ok(Rewrapped { team_keys, clean: self.keys.file.truncate_log().await })
    }
}

impl Teams {
    /// Wraps a data key under the present key of a team, which is rotated where its wraps are used up. `context` says the
    /// generation zero; the key that comes back says the right one.
    pub(super) async fn wrap<'c>(
        &mut self,
        connection: &mut SqliteConnection,
        with: &mut Wrapping<'_, '_>,
        key: &DataKey,
        context: super::envelope::CallContext<'c>,
    ) -> Result<NewKey<'c>, PutError> {
        if self.0.len() >= TEAMS && !self.0.contains_key(context.team) {
            // The rest of their blocks counts as used, as after a crash.
            self.0.clear();
        }
        let used_up = self.0.get(context.team).is_none_or(|active| active.left == 0);
        if used_up {
            let active = reserve(connection, with, context.team, context.created).await?;
            self.0.insert(context.team.clone(), active);
        }
        let Some(active) = self.0.get_mut(context.team) else { return Err(EnvelopeError::Refused.into()) };
        active.left = active.left.saturating_sub(1);
        let context = super::envelope::CallContext { generation: active.generation, ..context };
        let wrapped = active.key.wrap(key, &context, with.random.take()?)?;
        Ok(NewKey { context, team_key: active.id, wrapped })
    }
}

/// Reserves a block of wraps, under a new generation where the present one has no room for it. It counts with the
/// transaction that `connection` is in.
async fn reserve(
    connection: &mut SqliteConnection,
    with: &mut Wrapping<'_, '_>,
    team: &Name,
    now: Timestamp,
) -> Result<Active, PutError> {
    if meta_number(connection, "epoch").await? != Some(with.epoch) {
        return Err(PutError::Locked);
    }
    // A generation takes at least sixteen blocks, so that a few restarts do not use it up.
    let block = (with.wraps / 16).clamp(1, RESERVED);
    let latest = latest_team_key(connection, team).await?;
    let generation = match latest {
        Some(mut stored) if stored.reserved.saturating_add(block) <= with.wraps => {
            let key = with.master.unwrap(&stored.wrapped, &stored.context(with.store)).map_err(|_| {
                ContentError::Damaged(format!("keys.db: the key of team `{team}` does not open"))
            })?;
            stored.reserved = stored.reserved.saturating_add(block);
            // The count is part of what the seal is bound to: it cannot be set back on its own.
            let wrapped = with.master.wrap(&key, &stored.context(with.store), with.random.take()?)?;
            write_slot(connection, stored.slot, &wrapped).await?;
            sqlx::query("UPDATE team_keys SET reserved = $2 WHERE id = $1")
                .bind(stored.id)
                .bind(i64::try_from(stored.reserved).unwrap_or(i64::MAX))
                .execute(connection)
                .await
                .map_err(ContentError::from)?;
            return Ok(Active { id: stored.id, generation: stored.generation, key, left: block });
        }
        Some(stored) => stored.generation.saturating_add(1),
        None => 1,
    };
    let key = TeamKey::new(Zeroizing::new(with.random.take::<KEY>()?))?;
    let context = TeamContext { store: with.store, team, generation, created: now, reserved: block };
    let wrapped = with.master.wrap(&key, &context, with.random.take::<NONCE>()?)?;
    let id = insert(connection, &context, &wrapped).await?;
    Ok(Active { id, generation, key, left: block })
}

async fn insert(
    connection: &mut SqliteConnection,
    context: &TeamContext<'_>,
    wrapped: &Wrapped,
) -> Result<i64, ContentError> {
    let slots = take_slots(connection, std::slice::from_ref(wrapped)).await?;
    Ok(sqlx::query_scalar(
        "INSERT INTO team_keys (team, generation, created, reserved, slot) VALUES ($1, $2, $3, $4, $5) RETURNING id",
    )
    .bind(context.team.as_str())
    .bind(i64::try_from(context.generation).unwrap_or(i64::MAX))
    .bind(context.created.as_millis())
    .bind(i64::try_from(context.reserved).unwrap_or(i64::MAX))
    .bind(slots.first())
    .fetch_one(connection)
    .await?)
}
