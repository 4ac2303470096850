//! Guessing is slow: failed attempts to sign in are counted by login and by address, and each further one waits longer.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use cordon_core::{Digest, DurationMs, Timestamp};

/// Whom an attempt counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Against {
    Login(Digest),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    failed: u32,
    last: Timestamp,
}

/// Counts attempts. Bounded: whoever was quiet longest is forgotten first.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<Against, Tries>>);

/// Failures of a login that cost nothing yet: people mistype.
const FREE_LOGIN: u32 = 5;
/// Failures from an address that cost nothing yet: an office has one.
const FREE_ADDRESS: u32 = 20;
/// The longest pause.
const MAX_PAUSE: DurationMs = DurationMs::from_secs(900);
/// Failures are forgotten when there was no other for so long.
const FORGET: DurationMs = DurationMs::from_secs(86_400);
/// Logins and addresses that are remembered.
const MAX_ENTRIES: usize = 20_000;

impl Attempts {
    /// Takes an attempt as failed, until [`Self::succeeded`] says otherwise: attempts at the same time count too.
    ///
    /// # Errors
    /// With how long to wait. The attempt is not made then, and does not count.
    pub(super) fn begin(&self, login: &str, from: Option<IpAddr>, now: Timestamp) -> Result<(), DurationMs> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<Against> = keys(login, from).collect();
        let wait = keys.iter().filter_map(|key| wait(*key, tries.get(key)?, now)).max();
        if let Some(wait) = wait {
            return Err(wait);
        }
        for key in keys {
            if tries.len() >= MAX_ENTRIES && !tries.contains_key(&key) {
                make_room(&mut tries, now);
            }
            let entry = tries.entry(key).or_insert(Tries { failed: 0, last: now });
            if now.since(entry.last) >= FORGET {
                entry.failed = 0;
            }
            *entry = Tries { failed: entry.failed.saturating_add(1), last: now };
        }
        Ok(())
    }

    /// The attempt was right: the login starts anew, the address has one failure less.
    pub(super) fn succeeded(&self, login: &str, from: Option<IpAddr>) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(login, from) {
            match (key, tries.get_mut(&key)) {
                (Against::Login(_), _) => drop(tries.remove(&key)),
                (Against::Address(_), Some(entry)) => entry.failed = entry.failed.saturating_sub(1),
                _ => {}
            }
        }
    }
}

/// How long until another attempt: a second after the last free failure, and twice as long after each further one.
fn wait(key: Against, tries: &Tries, now: Timestamp) -> Option<DurationMs> {
    let free = match key {
        Against::Login(_) => FREE_LOGIN,
        Against::Address(_) => FREE_ADDRESS,
    };
    let beyond = tries.failed.checked_sub(free)?;
    let pause = DurationMs::from_secs(1_u64 << beyond.min(20)).min(MAX_PAUSE);
    let passed = now.since(tries.last);
    (passed < pause).then(|| DurationMs::from_millis(pause.as_millis().saturating_sub(passed.as_millis())))
}

fn keys(login: &str, from: Option<IpAddr>) -> impl Iterator<Item = Against> {
    let login = Against::Login(Digest::sha256(login.as_bytes()));
    [Some(login), from.map(|from| Against::Address(network(from)))].into_iter().flatten()
}

/// An address as far as one household or host has it: IPv4 whole, of IPv6 the first 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn make_room(tries: &mut HashMap<Against, Tries>, now: Timestamp) {
    tries.retain(|_, entry| now.since(entry.last) < MAX_PAUSE);
    // Among many at once those with the fewest failures go: who tries one login again and again stays known.
    if tries.len() >= MAX_ENTRIES {
        let mut counts: Vec<u32> = tries.values().map(|entry| entry.failed).collect();
        let middle = counts.len() / 2;
        let (_, median, _) = counts.select_nth_unstable(middle);
        let median = *median;
        let mut left = MAX_ENTRIES / 2;
        tries.retain(|_, entry| {
            let gone = entry.failed <= median && left > 0;
            left -= usize::from(gone);
            !gone
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    const HOME: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

    #[test]
    fn each_failure_beyond_the_free_ones_waits_twice_as_long() {
        let attempts = Attempts::default();
        let mut now = 0;
        for _ in 0..FREE_LOGIN {
            attempts.begin("somebody", None, at(now)).unwrap();
        }
        for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
            assert_eq!(attempts.begin("somebody", None, at(now)), Err(DurationMs::from_secs(pause)));
            // Asking again does not make it longer.
            let almost = at(now).plus(DurationMs::from_millis(pause * 1000 - 1));
            assert_eq!(attempts.begin("somebody", HOME, almost), Err(DurationMs::from_millis(1)));
            assert_eq!(attempts.begin("else", None, at(now)), Ok(()));
            attempts.succeeded("else", None);
            now += i64::try_from(pause).unwrap();
            attempts.begin("somebody", None, at(now)).unwrap();
        }
        now += 900;
        attempts.begin("somebody", None, at(now)).unwrap();
        attempts.succeeded("somebody", None);
        for _ in 0..FREE_LOGIN {
            attempts.begin("somebody", None, at(now)).unwrap();
        }
        // A day later nobody remembers.
        now += 86_400;
        for _ in 0..FREE_LOGIN {
            attempts.begin("somebody", None, at(now)).unwrap();
        }
        assert!(attempts.begin("somebody", None, at(now)).is_err());
    }

    #[test]
    fn an_address_that_tries_many_logins_waits_too() {
        let attempts = Attempts::default();
        for number in 0..FREE_ADDRESS {
            attempts.begin(&format!("user {number}"), HOME, at(0)).unwrap();
        }
        assert_eq!(attempts.begin("another", HOME, at(0)), Err(DurationMs::from_secs(1)));
        attempts.begin("another", Some("192.0.2.2".parse().unwrap()), at(0)).unwrap();
        // Neighbours in one IPv6 network are one, and IPv4 in IPv6 is IPv4.
        let v6 = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert_eq!(network(v6("2001:db8:1:2:3::4").unwrap()), network(v6("2001:db8:1:2:ffff::").unwrap()));
        assert!(attempts.begin("another", v6("::ffff:192.0.2.1"), at(0)).is_err());
    }

    #[test]
    fn memory_is_bounded_and_who_is_guessed_at_stays_known() {
        let attempts = Attempts::default();
        for _ in 0..FREE_LOGIN {
            attempts.begin("victim", None, at(0)).unwrap();
        }
        for number in 0..3 * MAX_ENTRIES {
            let _ = attempts.begin(&format!("user {number}"), None, at(0));
        }
        assert!(attempts.0.lock().unwrap().len() <= MAX_ENTRIES);
        assert!(attempts.begin("victim", None, at(0)).is_err());
    }
}
