//! Containments that are in force before the log knows of them. They can only make the Snapshot stricter.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cordon_core::{
    State,
    containment::{Containment, FiringId, InFlight, Subject},
    state::Touched,
};
use cordon_policy::Snapshot;

use crate::pipeline::Gateway;

/// What is ahead of the log.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<Contained>);

/// What is contained.
#[derive(Default)]
pub(crate) struct Contained {
    subjects: BTreeSet<Subject>,
    restrictions: BTreeMap<FiringId, Containment>,
}

impl Ahead {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Contained> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contained {
    /// A Snapshot with all of it.
    pub(crate) fn onto(&self, next: Snapshot) -> Snapshot {
        let next = self.subjects.iter().fold(next, |next, subject| next.without(subject.clone()));
        self.restrictions.iter().fold(next, |next, (at, containment)| next.with(at, containment))
    }
}

impl Gateway {
    /// Takes a subject out of use now, before the log knows of it. Gives how many running calls were ended.
    ///
    /// It stays out, whatever the log says, until [`Self::behind`].
    pub fn quarantine(&self, subject: &Subject, in_flight: InFlight) -> usize {
        self.0.ahead.lock().subjects.insert(subject.clone());
        self.change(Snapshot::clone);
        match in_flight {
            InFlight::Cancel => self.0.running.cancel(subject),
            InFlight::Finish => 0,
        }
    }

    /// Leaves a subject to the log, which knows of its quarantine now or has refused it.
    pub fn behind(&self, subject: &Subject, state: &State) {
        self.0.ahead.lock().subjects.remove(subject);
        self.settle(state, Touched::Quarantine(subject.clone()));
    }

    /// Makes stricter what a trigger contains, now, before the log knows of it. It stays so, whatever the log says, until
    /// [`Self::restricted`]. Calls that run go on as they began.
    pub fn restrict(&self, at: FiringId, containment: Containment) {
        self.0.ahead.lock().restrictions.insert(at, containment);
        self.change(Snapshot::clone);
    }

    /// Leaves what a trigger contains to the log, which knows of it now or has refused it.
    pub fn restricted(&self, at: &FiringId, state: &State) {
        self.0.ahead.lock().restrictions.remove(at);
        self.settle(state, Touched::Firing(at.trigger.clone(), at.of.clone()));
    }

    /// Takes over what the log says of one thing. A Snapshot of a later state has it already, and is not turned back.
    fn settle(&self, state: &State, touched: Touched) {
        self.change(|snapshot| {
            if state.position() < snapshot.position() {
                snapshot.clone()
            } else {
                snapshot.advance(state, &[touched])
            }
        });
    }
}
