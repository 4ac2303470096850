//! Connections that are kept: by scheme, host, port and reach, the youngest first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep, timeout};

use super::connect::{Connector, Stream};
use super::endpoint::HostKey;
use super::error::UpstreamError;
use super::proxy::{Proxies, Way};

/// Bytes read at once from an upstream, and so the largest head and the largest piece of a body.
const MAX_READ: usize = 64 << 10;

/// Header lines of an answer.
const MAX_HEADERS: usize = 100;

/// Hosts kept in the table before those without connections are dropped.
const MANY_HOSTS: usize = 256;

/// How many connections are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Time after which an unused connection is closed.
    pub idle: Duration,
    /// Unused connections kept for each host.
    pub max_idle: usize,
    /// Connections to each host, used or not.
    pub max_open: usize,
}

impl Default for PoolLimits {
    /// 50 s (below the 60 s of common load balancers), 256 unused and 4,096 open for each host.
    fn default() -> Self {
        Self { idle: Duration::from_secs(50), max_idle: 256, max_open: 4096 }
    }
}

pub(super) type Sender = SendRequest<Full<Bytes>>;

#[derive(Debug)]
pub(super) struct Pool {
    hosts: Mutex<HashMap<HostKey, Arc<Host>>>,
    limits: PoolLimits,
}

/// The connections to one host.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) key: HostKey,
    pub(super) way: Way,
    idle: Mutex<Vec<Idle>>,
    open: AtomicUsize,
    sweeping: AtomicBool,
    limits: PoolLimits,
}

#[derive(Debug)]
struct Idle {
    sender: Sender,
    since: Instant,
}

impl Pool {
    pub(super) fn new(limits: PoolLimits) -> Self {
        Self { hosts: Mutex::default(), limits }
    }

    pub(super) fn host(&self, key: &HostKey, proxies: &Proxies) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.get(key) {
            return Arc::clone(host);
        }
        if hosts.len() >= MANY_HOSTS {
            hosts.retain(|_, host| Arc::strong_count(host) > 1 || host.open.load(Ordering::Relaxed) > 0);
        }
        let host = Arc::new(Host {
            key: key.clone(),
            way: proxies.way(key),
            idle: Mutex::default(),
            open: AtomicUsize::new(0),
            sweeping: AtomicBool::new(false),
            limits: self.limits,
        });
        hosts.insert(key.clone(), Arc::clone(&host));
        host
    }

    /// Connections that are open, and those of them that are unused.
    pub(super) fn census(&self) -> (usize, usize) {
        lock(&self.hosts).values().fold((0, 0), |(open, idle), host| {
            (open + host.open.load(Ordering::Relaxed), idle + lock(&host.idle).len())
        })
    }
}

impl Host {
    /// The unused connection that was used last.
    pub(super) fn checkout(&self) -> Option<Sender> {
        let now = Instant::now();
        let mut idle = lock(&self.idle);
        while let Some(Idle { sender, since }) = idle.pop() {
            if sender.is_ready() && now.saturating_duration_since(since) < self.limits.idle {
                return Some(sender);
            }
        }
        None
    }

    /// A new connection, with the task that drives it.
    pub(super) async fn open(self: &Arc<Self>, connector: &Connector) -> Result<Sender, UpstreamError> {
        let slot = Slot::of(self)?;
        let stream: Stream = connector.connect(&self.key, &self.way).await?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_READ)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| UpstreamError::of_hyper(&self.key.host, source, true))?;
        tokio::spawn(async move {
            // Whatever ends it, the call that used it hears of it through its sender or its body.
            let _ = connection.await;
            drop(slot);
        });
        Ok(sender)
    }

    /// Takes back a connection whose answer was read to its end.
    pub(super) fn give_back(self: &Arc<Self>, mut sender: Sender) {
        if sender.is_closed() {
            return;
        }
        if sender.is_ready() {
            self.keep(sender);
            return;
        }
        // The connection's task has not yet seen the end itself; or the upstream answered before it took the whole
        // request, and then it never will.
        let host = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(Ok(())) = timeout(host.limits.idle, sender.ready()).await {
                host.keep(sender);
            }
        });
    }

    fn keep(self: &Arc<Self>, sender: Sender) {
        let mut idle = lock(&self.idle);
        if idle.len() >= self.limits.max_idle {
            return;
        }
        idle.push(Idle { sender, since: Instant::now() });
        drop(idle);
        if !self.sweeping.swap(true, Ordering::AcqRel) {
            let host = Arc::downgrade(self);
            let period = self.limits.idle;
            tokio::spawn(async move {
                loop {
                    sleep(period).await;
                    let Some(host) = host.upgrade() else { return };
                    if host.sweep() {
                        return;
                    }
                }
            });
        }
    }

    /// Closes what was unused for too long. `true` when nothing is left, and so nobody has to come again.
    fn sweep(&self) -> bool {
        let now = Instant::now();
        let mut idle = lock(&self.idle);
        idle.retain(|idle| {
            !idle.sender.is_closed() && now.saturating_duration_since(idle.since) < self.limits.idle
        });
        let is_empty = idle.is_empty();
        if is_empty {
            // Still under the lock: whoever adds the next one sees this and starts anew.
            self.sweeping.store(false, Ordering::Release);
        }
        is_empty
    }
}

/// The place of one open connection.
struct Slot(Arc<Host>);

impl Slot {
    fn of(host: &Arc<Host>) -> Result<Self, UpstreamError> {
        let slot = Self(Arc::clone(host));
        let before = host.open.fetch_add(1, Ordering::Relaxed);
        if before >= host.limits.max_open {
            return Err(UpstreamError::Busy {
                host: Arc::clone(&host.key.host),
                limit: host.limits.max_open,
            });
        }
        Ok(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A lock is only held for a few steps that cannot panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
