//! Where a call stands among others: whether there is room for it, and what keeps it on one of several equal targets.

use std::time::Instant;

use cordon_core::{
    CallId, Refusal, RefusalCode,
    resource::{Priority, Sticky},
};
use cordon_policy::{RouteEntry, Snapshot};

use crate::{
    call::{Admitted, Call},
    identify::Identity,
    operation::Asked,
    pipeline::Inner,
};

/// The highest priority that a call with a key may have, whichever of its routes it names.
pub(crate) fn highest(identity: &Identity, snapshot: &Snapshot) -> Priority {
    let routes = identity.key.routes.iter();
    let priorities = routes.filter_map(|name| snapshot.route(name.as_str())).map(|route| route.priority);
    identity.principal.priority(priorities.max().unwrap_or(Priority::Low))
}

impl Inner {
    /// What decides among the equal targets of a route: the same number for whoever shall stay on one of them.
    pub(crate) fn seed(&self, route: &RouteEntry, call: &Call<Admitted>, request: &Asked) -> u64 {
        if route.targets.len().max(route.degraded.len()) < 2 {
            return 0;
        }
        let stays = match route.sticky {
            Some(Sticky::Principal) => Some(call.stage.identity().principal.name.as_str()),
            Some(Sticky::Conversation) => request.conversation(),
            None => None,
        };
        let mut seed = [0; 8];
        match stays {
            Some(text) => {
                for (to, from) in
                    seed.iter_mut().zip(self.options.pseudonym_key.digest(text.as_bytes()).as_bytes())
                {
                    *to = *from;
                }
            }
            None => self.entropy.fill(&mut seed),
        }
        u64::from_be_bytes(seed)
    }

    /// Whether there is room for a call of this priority that comes.
    pub(crate) fn room(&self, call: CallId, priority: impl FnOnce() -> Priority) -> Result<(), Refusal> {
        self.room_if(|random, now| self.shedder.enters(priority(), random, now), call)
    }

    /// The same of one that was let in as the highest that its key may be, when its route is known, by which alone it is an important one.
    pub(crate) fn room_on_route(&self, call: &Call<Admitted>) -> Result<(), Refusal> {
        let identity = call.stage.identity();
        let priority = identity.principal.priority(call.stage.route().priority);
        self.shedder.comes(priority, Instant::now());
        let admits = |random, now| match priority < highest(identity, &call.snapshot) {
            true => self.shedder.enters(priority, random, now),
            false => self.shedder.admits(priority, random, now),
        };
        self.room_if(admits, call.id)
    }

    fn room_if(&self, admits: impl FnOnce(u8, Instant) -> bool, call: CallId) -> Result<(), Refusal> {
        let [.., random] = *call.as_bytes();
        let now = Instant::now();
        if self.shedder.admits_all(now) || admits(random, now) {
            return Ok(());
        }
        Err(Refusal::new(RefusalCode::Overloaded, "shed: more to do than can be done").retry_after(1))
    }
}
