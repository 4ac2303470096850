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

    /// Leaves a subject to the log, which knows of its quarantine now or has refused it. Gives whether this state is as late as the
    /// Snapshot; where it is not, the same has to be said with a later one, and until then nothing is looser.
    #[must_use]
    pub fn behind(&self, subject: &Subject, state: &State) -> bool {
        self.0.ahead.lock().subjects.remove(subject);
        self.settle(state, &[Touched::Quarantine(subject.clone())])
    }

    /// Makes stricter what triggers contain, all at once and now, before the log knows of it. It stays so, whatever the log says,
    /// until [`Self::restricted`]. Calls that run on what is quarantined are ended where that is asked; others go on as they began.
    pub fn restrict(&self, contained: Vec<(FiringId, Containment, InFlight)>) {
        let cancelled: Vec<Subject> = contained
            .iter()
            .filter_map(|(_, containment, in_flight)| match (containment, in_flight) {
                (Containment::Quarantine(subject), InFlight::Cancel) => Some(subject.clone()),
                _ => None,
            })
            .collect();
        let restrictions = contained.into_iter().map(|(at, containment, _)| (at, containment));
        self.0.ahead.lock().restrictions.extend(restrictions);
        self.change(Snapshot::clone);
        for subject in cancelled {
            self.0.running.cancel(&subject);
        }
    }

    /// Leaves what triggers contain to the log, which knows of it now or has refused it. Gives the same as [`Self::behind`].
    #[must_use]
    pub fn restricted(&self, contained: &[(FiringId, Containment)], state: &State) -> bool {
        let mut ahead = self.0.ahead.lock();
        contained.iter().for_each(|(at, _)| drop(ahead.restrictions.remove(at)));
        drop(ahead);
        let touched: Vec<Touched> = contained
            .iter()
            .flat_map(|(at, containment)| {
                let of_subject = match containment {
                    Containment::Quarantine(subject) => Some(Touched::Quarantine(subject.clone())),
                    _ => None,
                };
                [Touched::Firing(at.trigger.clone(), at.of.clone())].into_iter().chain(of_subject)
            })
            .collect();
        self.settle(state, &touched)
    }

    /// Takes over what the log says of some things. A Snapshot of a later state is not turned back.
    fn settle(&self, state: &State, touched: &[Touched]) -> bool {
        let mut settled = true;
        self.change(|snapshot| {
            settled = state.position() >= snapshot.position();
            if settled { snapshot.advance(state, touched) } else { snapshot.clone() }
        });
        settled
    }
}
