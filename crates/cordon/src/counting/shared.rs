//! Counters that several nodes share, in a Redis or Valkey: one script counts a call under all of its limits, or under none.
//!
//! The store's clock decides which window it is, so that nodes need not agree on the time. All keys have one hash tag, so that a
//! cluster keeps them in one place.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use cordon_core::{
    Name, Timestamp,
    record::Spend,
    resource::{LimitWindow, SecretRef},
};
use cordon_guard::{
    limits::{
        Claim, Counters, Demand, Denied, Held, InUse, Measure, Pace, Reading, Standing, Taken, Taking,
        unavailable,
    },
    ports::Entropy,
    upstream::{Environment, SecretSource},
};
use cordon_policy::{CompiledLimit, Limits};
use redis::{
    Client, IntoConnectionInfo as _, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::away::Away;

/// Before every key.
const PREFIX: &str = "{cordon}:limit:";
/// How long the pauses are between tries to settle a call that could not be settled.
const AGAIN: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
];

/// The most counters that the store is asked for at once.
const MOST_READ: usize = 256;

/// Where shared counters are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The store, as `redis://HOST:PORT/DATABASE`.
    pub store: String,
    /// Who asks; nobody where the store has no users.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretRef>,
    /// How long a call waits for it.
    pub timeout: Duration,
}

impl Options {
    /// Where the password is, where one is named.
    pub(crate) fn secret(&self, environment: &Environment) -> Option<SecretSource> {
        self.password.clone().map(|password| SecretSource::new(password, environment.clone()))
    }
}

/// Counters in a store.
#[derive(Clone)]
pub struct SharedCounters(Arc<Inner>);

struct Inner {
    connection: ConnectionManager,
    timeout: Duration,
    away: Away,
    take: Script,
    settle: Script,
    usage: Script,
    /// What the settlements of this process are called.
    own: String,
    settled: AtomicU64,
}

/// Whether a text is the address of a store.
///
/// # Errors
/// When it is not.
pub fn address(text: &str) -> Result<(), String> {
    let rest =
        text.strip_prefix("redis://").ok_or("an address such as redis://127.0.0.1:6379 is expected")?;
    if rest.is_empty() || rest.contains(['@', '?', '#']) {
        return Err("neither credentials nor parameters in the address; help: name them in limits.user and limits.password"
            .to_owned());
    }
    text.into_connection_info().map(drop).map_err(|_| "not the address of a store".to_owned())
}

impl SharedCounters {
    /// Counters in the store that the options name. It need not answer now.
    ///
    /// # Errors
    /// When the address or the password cannot be used.
    pub fn new(options: &Options, environment: &Environment, entropy: &dyn Entropy) -> anyhow::Result<Self> {
        let info = options.store.as_str().into_connection_info().context("limits.store")?;
        let mut settings = info.redis_settings().clone();
        if let Some(user) = &options.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = options.secret(environment) {
            settings = settings.set_password(password.text().context("limits.password")?.trim());
        }
        let client = Client::open(info.set_redis_settings(settings)).context("limits.store")?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(options.timeout))
            .set_response_timeout(Some(options.timeout))
            .set_max_delay(Duration::from_secs(1))
            .set_number_of_retries(2);
        let mut own = [0; 8];
        entropy.fill(&mut own);
        Ok(Self(Arc::new(Inner {
            connection: ConnectionManager::new_lazy_with_config(client, config).context("limits.store")?,
            timeout: options.timeout,
            away: Away::new(Instant::now()),
            take: Script::new(include_str!("take.lua")),
            settle: Script::new(include_str!("settle.lua")),
            usage: Script::new(include_str!("usage.lua")),
            own: format!("{:016x}", u64::from_be_bytes(own)),
            settled: AtomicU64::new(0),
        })))
    }

    /// Asks the store whether it is there.
    ///
    /// # Errors
    /// When it does not answer in time, or refuses.
    pub async fn ask(&self) -> Result<(), String> {
        let mut connection = self.0.connection.clone();
        let asking = async { redis::cmd("PING").query_async::<String>(&mut connection).await };
        self.0.in_time(asking).await.map(drop)
    }
}

impl Inner {
    /// What a call or a page asks: nobody waits for a store that is known to be away.
    async fn at_once<T>(&self, asking: impl Future<Output = Result<T, RedisError>>) -> Result<T, String> {
        if !self.away.asks(Instant::now(), self.timeout) {
            return Err("the store of counters is away, and is asked again in a moment".to_owned());
        }
        self.in_time(asking).await
    }

    async fn in_time<T>(&self, asking: impl Future<Output = Result<T, RedisError>>) -> Result<T, String> {
        let asked = Instant::now();
        match tokio::time::timeout(self.timeout, asking).await {
            Ok(done) => {
                match &done {
                    Err(error) if error.is_io_error() || error.is_timeout() => {
                        self.away.failed(asked, Instant::now());
                    }
                    // Also what it refuses is an answer.
                    _ => self.away.answered(),
                }
                done.map_err(|error| format!("the store of counters: {error}"))
            }
            Err(_) => {
                self.away.failed(asked, Instant::now());
                Err(format!("the store of counters did not answer within {:?}", self.timeout))
            }
        }
    }

    async fn take(&self, demand: &Demand) -> Result<Taken, Denied> {
        let asked: Vec<Asked<'_>> = demand.claims.iter().flat_map(|claim| of(claim, demand.spend)).collect();
        let too_much = asked
            .iter()
            .find(|asked| matches!(asked.count, Count::Window { most, wanted, .. } if wanted > most));
        if let Some(Asked { claim, measure, .. }) = too_much {
            return Err(Denied::TooMuch { limit: claim.limit.name.clone(), measure: *measure });
        }
        let mut script = self.take.prepare_invoke();
        for asked in &asked {
            script.key(key(&asked.claim.limit.name, asked.measure));
            match asked.count {
                Count::Rate(pace) => {
                    let micros = |nanos: i64| nanos as f64 / 1_000.0;
                    script.arg("rate").arg(micros(pace.step)).arg(micros(pace.tolerance)).arg(0);
                }
                Count::Window { window, most, wanted } => {
                    let length = match window {
                        LimitWindow::Every(length) => length.as_millis(),
                        LimitWindow::Month => 0,
                    };
                    script.arg("window").arg(length).arg(bounded(most)).arg(bounded(wanted));
                }
            }
        }
        let mut connection = self.connection.clone();
        let answer: Vec<i64> = match self.at_once(script.invoke_async(&mut connection)).await {
            Ok(answer) => answer,
            Err(why) => return unavailable(demand, &why),
        };
        let ([full, wait, time], states) = match answer.split_first_chunk::<3>() {
            Some((head, states)) if states.len() == asked.len().saturating_mul(2) => (*head, states),
            _ => return unavailable(demand, "the store of counters answered something else"),
        };
        let (states, _) = states.as_chunks::<2>();
        let standings =
            asked.iter().zip(states).filter_map(|(asked, state)| asked.standing(*state)).collect();
        match usize::try_from(full).ok().and_then(|full| full.checked_sub(1)).and_then(|full| asked.get(full))
        {
            None => Ok(Taken { time: Some(Timestamp::from_millis(time)), standings }),
            Some(Asked { claim, measure, .. }) => Err(Denied::Full {
                limit: claim.limit.name.clone(),
                measure: *measure,
                wait: Duration::from_micros(unsigned(wait)),
                standings,
            }),
        }
    }

    /// How much limits use. The store is asked for some at a time, so that calls do not wait for long.
    async fn usage(&self, limits: &Limits) -> Result<Vec<Vec<InUse>>, String> {
        let mut all = vec![Vec::new(); limits.len()];
        let asked: Vec<(usize, &CompiledLimit, Measure)> = limits
            .iter()
            .enumerate()
            .flat_map(|(at, limit)| {
                Measure::ALL.into_iter().map(move |measure| (at, limit.as_ref(), measure))
            })
            .filter(|(_, limit, measure)| measure.most(limit).is_some())
            .collect();
        for asked in asked.chunks(MOST_READ) {
            let mut script = self.usage.prepare_invoke();
            for (_, limit, measure) in asked {
                let kind = if *measure == Measure::Requests { "rate" } else { "window" };
                script.key(key(&limit.name, *measure)).arg(kind);
            }
            let mut connection = self.connection.clone();
            let answer: Vec<i64> = self.at_once(script.invoke_async(&mut connection)).await?;
            let (now, states) = match answer.split_first() {
                Some((now, states)) if states.len() == asked.len().saturating_mul(3) => (*now, states),
                _ => return Err("the store of counters answered something else".to_owned()),
            };
            let (states, _) = states.as_chunks::<3>();
            for ((at, limit, measure), state) in asked.iter().zip(states) {
                if let Some(found) = all.get_mut(*at) {
                    found.extend(in_use(limit, *measure, *state, Timestamp::from_millis(now)));
                }
            }
        }
        Ok(all)
    }

    /// Settles a call; what is tried again is done once.
    async fn settle(&self, id: &str, held: &Held, spent: &Spend) -> Result<(), String> {
        let mut script = self.settle.prepare_invoke();
        script.key(format!("{PREFIX}settled:{id}")).arg(held.time.as_millis());
        for limit in &held.limits {
            for measure in Measure::OF_USE {
                if measure.quota(&limit.spec).is_some() {
                    let (reserved, spent) = (measure.of(&held.reserved), measure.of(spent));
                    script.key(key(&limit.name, measure));
                    script.arg(bounded(spent).saturating_sub(bounded(reserved)));
                }
            }
        }
        let mut connection = self.connection.clone();
        self.in_time(script.invoke_async::<i64>(&mut connection)).await.map(drop)
    }
}

impl Counters for SharedCounters {
    fn take(&self, demand: Demand, _: Timestamp) -> Taking {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.take(&demand).await })
    }

    fn settle(&self, held: Held, spent: Spend) {
        let inner = Arc::clone(&self.0);
        let id = format!("{}:{}", inner.own, inner.settled.fetch_add(1, Ordering::Relaxed));
        let settling = async move {
            for pause in AGAIN {
                let Err(why) = inner.settle(&id, &held, &spent).await else { return };
                tracing::debug!(why, "a call is not settled yet");
                tokio::time::sleep(pause).await;
            }
            if let Err(why) = inner.settle(&id, &held, &spent).await {
                tracing::warn!(
                    why,
                    "a call could not be settled: it stays counted as what was reserved for it"
                );
            }
        };
        // Without a runtime the process ends: the reservation stays.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(settling);
        }
    }

    fn usage(&self, limits: Limits, _: Timestamp) -> Reading {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.usage(&limits).await })
    }

    fn retain(&self, _: &dyn Fn(&Name) -> bool, _: Timestamp) {
        // Keys end by themselves.
    }
}

/// What three numbers of the store mean at a time.
fn in_use(limit: &CompiledLimit, measure: Measure, state: [i64; 3], now: Timestamp) -> Option<InUse> {
    let [used, start, end] = state;
    if let (Measure::Requests, Some(requests)) = (measure, limit.spec.requests) {
        return Some(InUse::of_rate(Pace::of(requests), Duration::from_micros(unsigned(used)), now));
    }
    let (most, window) = measure.quota(&limit.spec)?;
    // The window that was counted in last may be over.
    let (start, end) = if end > now.as_millis() { (start, end) } else { window.bounds(now) };
    let bounds = (Timestamp::from_millis(start), Timestamp::from_millis(end));
    Some(InUse::of_window(measure, most, unsigned(used), bounds))
}

/// What is counted of one limit.
struct Asked<'a> {
    claim: &'a Claim,
    measure: Measure,
    count: Count,
}

#[derive(Clone, Copy)]
enum Count {
    Rate(Pace),
    Window { window: LimitWindow, most: u64, wanted: u64 },
}

fn of(claim: &Claim, spend: Option<Spend>) -> impl Iterator<Item = Asked<'_>> {
    let requests = claim.limit.spec.requests.filter(|_| claim.request);
    let rate = requests.map(|requests| (Measure::Requests, Count::Rate(Pace::of(requests))));
    let windows = spend.into_iter().flat_map(move |spend| {
        Measure::OF_USE.into_iter().filter_map(move |measure| {
            let (most, window) = measure.quota(&claim.limit.spec)?;
            Some((measure, Count::Window { window, most, wanted: measure.of(&spend) }))
        })
    });
    rate.into_iter().chain(windows).map(move |(measure, count)| Asked { claim, measure, count })
}

impl Asked<'_> {
    /// What its two numbers mean for callers, where they are shown.
    fn standing(&self, [first, second]: [i64; 2]) -> Option<Standing> {
        let (most, remaining, reset) = match self.count {
            Count::Rate(pace) => {
                let left = pace.left(first.saturating_mul(1_000));
                let most = self.claim.limit.spec.requests.map_or(0, |requests| requests.count);
                (most.into(), left, Duration::from_micros(unsigned(first)))
            }
            Count::Window { most, .. } if self.measure == Measure::Tokens => {
                (most, most.saturating_sub(unsigned(first)), Duration::from_millis(unsigned(second)))
            }
            Count::Window { .. } => return None,
        };
        Some(Standing { limit: self.claim.limit.name.clone(), measure: self.measure, most, remaining, reset })
    }
}

fn key(limit: &Name, measure: Measure) -> String {
    format!("{PREFIX}{limit}:{}", measure.as_str())
}

fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
