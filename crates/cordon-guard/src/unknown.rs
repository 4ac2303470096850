//! Calls without a known principal: counted, and one in a while kept as a sample, so that an attacker without a key cannot
//! fill the disk.

use std::sync::{Mutex, PoisonError};

use cordon_core::{
    CallId, DurationMs, RefusalCode, Timestamp,
    record::{Frame, Unknown},
};

/// Counts refused calls of unknown callers.
#[derive(Debug, Default)]
pub(crate) struct UnknownCalls(Mutex<Option<Unknown>>);

/// At most one frame in this time, whatever arrives.
const PERIOD: DurationMs = DurationMs::from_secs(10);

impl UnknownCalls {
    /// Counts a call, and gives a frame to record when the period is over.
    pub(crate) fn count(&self, call: CallId, code: RefusalCode, now: Timestamp) -> Option<Frame> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = take_if_due(&mut counted, now);
        let unknown = counted.get_or_insert(Unknown { since: now, time: now, count: 0, code, call });
        unknown.count = unknown.count.saturating_add(1);
        unknown.time = now;
        due
    }

    /// Gives what was counted when the period is over; called now and then, so that the last calls are not forgotten.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Frame> {
        take_if_due(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// Gives what was counted, whether or not the period is over: at the end of the process.
    pub(crate) fn drain(&self) -> Option<Frame> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.take().map(|unknown| Frame::Unknown(Box::new(unknown)))
    }
}

fn take_if_due(counted: &mut Option<Unknown>, now: Timestamp) -> Option<Frame> {
    let over = counted.as_ref().is_some_and(|unknown| now.since(unknown.since) >= PERIOD);
    over.then(|| counted.take()).flatten().map(|unknown| Frame::Unknown(Box::new(unknown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_frame_a_period() {
        let unknown = UnknownCalls::default();
        let call = |n: i64| CallId::new(Timestamp::from_millis(n), [0; 10]);
        let mut frames: Vec<Frame> = (0..25_000)
            .filter_map(|ms| unknown.count(call(ms), RefusalCode::InvalidApiKey, Timestamp::from_millis(ms)))
            .collect();
        frames.extend(unknown.drain());
        let counts: Vec<u64> = frames
            .iter()
            .map(|frame| match frame {
                Frame::Unknown(unknown) => unknown.count,
                _ => 0,
            })
            .collect();
        assert_eq!(counts, [10_000, 10_000, 5_000]);
        assert_eq!(unknown.due(Timestamp::from_millis(99_000)), None);
    }
}
