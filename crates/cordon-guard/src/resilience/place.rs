//! Where a call stands among others: whether there is room for it, and what keeps it on one of several equal targets.

use std::time::Instant;

use cordon_core::{
    CallId, Refusal, RefusalCode,
    resource::{Priority, Sticky},
};
use cordon_policy::RouteEntry;

use crate::{
    call::{Admitted, Call, Known},
    operation::Asked,
    pipeline::Inner,
};

/// The highest priority that a call with a key may have, whichever of its routes it names.
pub(crate) fn highest(call: &Call<Known>) -> Priority {
    let identity = call.stage.identity();
    let routes = identity.key.routes.iter();
    let priorities = routes.filter_map(|name| call.snapshot.route(name.as_str())).map(|route| route.priority);
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

    /// Whether there is room for a call of this priority that comes. The same call gets the same answer while the load is the same.
    pub(crate) fn room(&self, call: CallId, priority: impl FnOnce() -> Priority) -> Result<(), Refusal> {
        self.room_if(|random, now| self.shedder.enters(priority(), random, now), call)
    }

    /// The same of one that was let in, when its route is known, by which alone it is an important one: a key may name several.
    pub(crate) fn room_on_route(&self, call: CallId, priority: Priority) -> Result<(), Refusal> {
        self.shedder.comes(priority, Instant::now());
        self.room_if(|random, now| self.shedder.admits(priority, random, now), call)
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
