//! What was refused, whoever asked for it: the fingerprints of such prompts, so that asking for the same under other names is seen, and
//! slowed down whatever name it comes under.

use std::collections::VecDeque;

use cordon_core::{Name, Refusal, Timestamp, resource::Throttle};
use cordon_policy::EffectiveGuard;
use smallvec::SmallVec;

use super::{
    sketch::{Change, Sketch},
    throttle::{self, Throttled},
    window::{MEMORY, SHORTEST, SHORTEST_DUPLICATE, asks_again},
};

/// Fingerprints that are remembered; the one that nobody asked for longest is forgotten for another.
pub(super) const KEPT: usize = 128;
/// Principals that are remembered of one: that there were two is what counts.
const ASKERS: usize = 4;

/// What was refused lately.
#[derive(Debug, Default)]
pub(super) struct Probes {
    probes: VecDeque<Probe>,
    /// The number of the next one.
    next: u64,
}

#[derive(Debug)]
struct Probe {
    number: u64,
    sketch: Sketch,
    /// When it was asked for or refused last.
    time: Timestamp,
    /// Whose prompts were refused.
    askers: SmallVec<[Name; ASKERS]>,
    /// How often it was asked for by somebody after somebody else had been refused it.
    asked: usize,
    throttled: SmallVec<[Throttled; 1]>,
}

/// What is known of a prompt that was refused to somebody else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) probe: u64,
    pub(super) times: usize,
}

impl Probes {
    /// Looks whether a prompt asks for what was refused to another principal.
    ///
    /// # Errors
    /// When that is slowed down by one of the guards of the call, and it is not its turn.
    pub(super) fn see(
        &mut self,
        sketch: &Sketch,
        principal: &Name,
        guard: &EffectiveGuard,
        now: Timestamp,
    ) -> Result<Option<Asked>, Refusal> {
        self.probes.retain(|probe| probe.is_kept(now));
        if sketch.words() < SHORTEST {
            return Ok(None);
        }
        let Some(probe) = self.like(sketch) else { return Ok(None) };
        throttle::pass(&mut probe.throttled, "this prompt", guard, now)?;
        if probe.askers.iter().all(|asker| asker == principal) {
            return Ok(None);
        }
        probe.time = probe.time.max(now);
        probe.asked = probe.asked.saturating_add(1);
        Ok(Some(Asked { probe: probe.number, times: probe.asked }))
    }

    /// Notes that a prompt of this principal, of this time, was refused.
    pub(super) fn refused(&mut self, sketch: Sketch, principal: &Name, time: Timestamp) {
        if let Some(probe) = self.like(&sketch) {
            probe.time = probe.time.max(time);
            if probe.askers.len() < ASKERS && !probe.askers.contains(principal) {
                probe.askers.push(principal.clone());
            }
            return;
        }
        if self.probes.len() >= KEPT {
            let quiet = self
                .probes
                .iter()
                .enumerate()
                .min_by_key(|(_, probe)| (probe.is_throttled(time), probe.time));
            if let Some(at) = quiet.map(|(at, _)| at) {
                self.probes.remove(at);
            }
        }
        let (number, askers) = (self.next, SmallVec::from_iter([principal.clone()]));
        self.next = self.next.wrapping_add(1);
        self.probes.push_back(Probe { number, sketch, time, askers, asked: 0, throttled: SmallVec::new() });
    }

    /// Slows a prompt down for a while, whoever asks, wherever this guard holds.
    pub(super) fn throttle(&mut self, number: u64, guard: &Name, throttle: Throttle, now: Timestamp) {
        if let Some(probe) = self.probes.iter_mut().find(|probe| probe.number == number) {
            throttle::put(&mut probe.throttled, guard, throttle, now);
        }
    }

    /// How many are slowed down now.
    pub(super) fn throttled(&self, now: Timestamp) -> usize {
        self.probes.iter().filter(|probe| probe.is_throttled(now)).count()
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.probes.len()
    }

    /// The latest that a prompt asks again for.
    fn like(&mut self, sketch: &Sketch) -> Option<&mut Probe> {
        // Many people say much the same in few words.
        let long = sketch.words() >= SHORTEST_DUPLICATE;
        let like = |known: &Sketch| match long {
            true => asks_again(sketch, known),
            false => sketch.change(known) == Change::Nothing,
        };
        self.probes.iter_mut().rev().find(|probe| like(&probe.sketch))
    }
}

impl Probe {
    fn is_throttled(&self, now: Timestamp) -> bool {
        self.throttled.iter().any(|throttled| throttled.holds(now))
    }

    fn is_kept(&self, now: Timestamp) -> bool {
        now.since(self.time).as_millis() <= MEMORY || self.is_throttled(now)
    }
}
