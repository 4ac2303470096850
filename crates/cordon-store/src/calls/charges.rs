//! What limits counted, by limit and minute: enough to count on after a restart, exactly, without reading records again.
//!
//! INVARIANT: the sum of a minute is what calls of it are charged that have ended, and what was reserved for those that run or
//! were interrupted.

use std::collections::{BTreeMap, HashMap};

use cordon_core::{
    CallId, Cost, Money, Name, Timestamp, canonical,
    record::{Charged, Counted, Share, Spend},
    resource::MAX_LIMIT_WINDOW,
};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, SqliteConnection};

use super::{
    index::{CallIndex, CallsError},
    sums::{packed, unpacked},
};

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;
/// No sum is larger, so that none overflows.
const MOST: i64 = 1 << 62;

/// What a batch brings, by limit, minute and currency: requests, tokens of input, tokens of output, money.
#[derive(Debug, Default)]
pub(super) struct Charges {
    sums: BTreeMap<(Name, i64, i64), [i64; 4]>,
    /// Calls that began in this batch.
    accounts: HashMap<CallId, Account>,
}

/// What a call is charged so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Account {
    /// What `opened` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted: Option<Counted>,
    /// What was said later, in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charged: Option<Charged>,
}

impl Charges {
    /// A call was counted, and what it asks for reserved.
    pub(super) fn open(&mut self, call: CallId, counted: Counted) {
        self.add(counted.time, &counted.limits, 1, &counted.reserved.unwrap_or_default(), 1);
        self.accounts.insert(call, Account { counted: Some(counted), charged: None });
    }

    /// A call that began in this batch is charged so much.
    pub(super) fn charge(&mut self, call: CallId, charged: Charged) {
        let mut account = self.accounts.remove(&call).unwrap_or_default();
        self.settle(&mut account, charged);
        self.accounts.insert(call, account);
    }

    /// A call is charged so much in place of what it was charged so far.
    pub(super) fn settle(&mut self, account: &mut Account, charged: Charged) {
        self.apply(account, -1);
        account.charged = Some(charged);
        self.apply(account, 1);
    }

    /// Adds what a call is charged, so many times.
    fn apply(&mut self, account: &Account, times: i64) {
        let counted = account.counted.as_ref();
        let held = counted.and_then(|counted| Some((counted, counted.reserved.as_ref()?)));
        let shares = account.charged.as_ref().map(|charged| charged.shares.as_slice()).unwrap_or_default();
        if let (Some((Counted { time, limits, .. }, reserved)), []) = (held, shares) {
            let spend = account.charged.as_ref().map_or(reserved, |charged| &charged.spend);
            self.add(*time, limits, 0, spend, times);
        }
        for Share { time, limits, spend } in shares {
            let known = |limit: &&Name| counted.is_some_and(|counted| counted.limits.contains(limit));
            self.add(*time, limits.iter().filter(known), 0, spend, times);
            self.add(*time, limits.iter().filter(|limit| !known(limit)), 1, spend, times);
        }
    }

    fn add<'a>(
        &mut self,
        time: Timestamp,
        limits: impl IntoIterator<Item = &'a Name>,
        requests: i64,
        spend: &Spend,
        times: i64,
    ) {
        let minute = time.as_millis().div_euclid(MINUTE);
        let currency = spend.cost.map_or(0, |cost| i64::try_from(packed(cost.currency)).unwrap_or(0));
        let money = spend.cost.map_or(0, |cost| cost.amount.nanos());
        let more = [requests, bounded(spend.input), bounded(spend.output), bounded(money)];
        for limit in limits {
            let sums = self.sums.entry((limit.clone(), minute, currency)).or_default();
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum = sum.saturating_add(more.saturating_mul(times)).clamp(-MOST, MOST);
            }
        }
    }

    /// The names that must be known by a number.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.sums.keys().map(|(limit, ..)| limit.as_str())
    }

    /// What is kept with a call until it ends.
    pub(super) fn of_call(&self, call: CallId) -> Result<Option<Vec<u8>>, CallsError> {
        self.accounts.get(&call).map(Account::to_bytes).transpose()
    }

    /// Adds all of it to the file. `number` is the number of a name.
    pub(super) async fn store(
        &self,
        connection: &mut SqliteConnection,
        number: impl Fn(&str) -> Option<i64>,
    ) -> Result<(), CallsError> {
        for ((limit, minute, currency), [requests, input, output, money]) in &self.sums {
            let Some(limit) = number(limit.as_str()) else { continue };
            sqlx::query(
                "INSERT INTO charges VALUES ($1, $2, $3, max(0, $4), max(0, $5), max(0, $6), max(0, $7))
                 ON CONFLICT DO UPDATE SET requests = max(0, min($8, requests + $4)),
                 input = max(0, min($8, input + $5)), output = max(0, min($8, output + $6)),
                 money = max(0, min($8, money + $7))",
            )
            .bind(limit)
            .bind(minute)
            .bind(currency)
            .bind(requests)
            .bind(input)
            .bind(output)
            .bind(money)
            .bind(MOST)
            .execute(&mut *connection)
            .await?;
            // No window reaches further back.
            let kept = i64::try_from(MAX_LIMIT_WINDOW.as_millis()).unwrap_or(i64::MAX) / MINUTE + 1;
            sqlx::query("DELETE FROM charges WHERE name = $1 AND minute < $2")
                .bind(limit)
                .bind(minute.saturating_sub(kept))
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}

impl Account {
    /// What the file has of a call.
    pub(super) fn read(bytes: Option<&[u8]>) -> Result<Self, CallsError> {
        Ok(bytes.map(canonical::from_bytes).transpose()?.unwrap_or_default())
    }

    /// What the file keeps of a call.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, CallsError> {
        Ok(canonical::to_bytes(self)?)
    }

    /// What the call is charged, should nothing more be heard of it.
    fn owed(self) -> Option<Charged> {
        let reserved = self.counted.and_then(|counted| counted.reserved);
        let as_opened = reserved.map(|spend| Charged { spend, as_reserved: true, shares: Vec::new() });
        self.charged.or(as_opened)
    }
}

fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(MOST).min(MOST)
}

impl CallIndex {
    /// What a call that has not ended is charged should nothing more be heard of it, if anything was reserved.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn owed(&self, call: CallId) -> Result<Option<Charged>, CallsError> {
        let row = sqlx::query("SELECT counted FROM calls WHERE call = $1")
            .bind(call.as_bytes().as_slice())
            .fetch_optional(self.readers())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Account::read(row.try_get(0)?)?.owed())
    }

    /// The requests that a limit counted since a time, each with the end of the minute that it was counted in.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn requests_under(
        &self,
        limit: &Name,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, u64)>, CallsError> {
        let rows = sqlx::query(
            "SELECT minute, sum(requests) FROM charges WHERE name = (SELECT id FROM names WHERE text = $1) AND minute >= $2
             GROUP BY minute ORDER BY minute",
        )
        .bind(limit.as_str())
        .bind(since.as_millis().div_euclid(MINUTE))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let end = row.try_get::<i64, _>(0)?.saturating_add(1).saturating_mul(MINUTE);
                Ok((Timestamp::from_millis(end), number(row.try_get(1)?)?))
            })
            .collect()
    }

    /// What a limit counted of tokens and money since a time, which must begin a minute: one sum for each currency, and one
    /// without.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn spent_under(&self, limit: &Name, since: Timestamp) -> Result<Vec<Spend>, CallsError> {
        let rows = sqlx::query(
            "SELECT currency, sum(input), sum(output), sum(money) FROM charges
             WHERE name = (SELECT id FROM names WHERE text = $1) AND minute >= $2 GROUP BY currency",
        )
        .bind(limit.as_str())
        .bind(since.as_millis().div_euclid(MINUTE))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let amount = Money::from_nanos(number(row.try_get(3)?)?);
                let currency = unpacked(number(row.try_get(0)?)?);
                let cost = currency.map(|currency| Cost { amount, currency });
                Ok(Spend { input: number(row.try_get(1)?)?, output: number(row.try_get(2)?)?, cost })
            })
            .collect()
    }
}

fn number(value: i64) -> Result<u64, CallsError> {
    u64::try_from(value).map_err(|_| CallsError::Damaged)
}
