//! The door: who calls, whether there is room, and a place among the running calls. In the task of the connection, so that what is
//! refused here costs no task of its own and waits for one turn alone.

use std::sync::Arc;

use cordon_core::{Refusal, RefusalCode, containment::Subject};

use crate::{
    call::{Call, Received},
    identify::{Known, known},
    pipeline::Inner,
    registry::Place,
    resilience,
};

impl Inner {
    /// Lets in a call whose caller is known. Nothing of its body is read yet, which names the route: what counts is the most important
    /// one that its key may name.
    ///
    /// # Errors
    /// When the caller is not known, or there is no room.
    pub(crate) fn enter(&self, received: Call<Received>) -> Result<(Place, Call<Known>), Refusal> {
        let call = known(received)?;
        self.room(call.id, || resilience::highest(call.stage.identity(), &call.snapshot))?;
        let full = || Refusal::new(RefusalCode::Overloaded, "the bound of running calls").retry_after(1);
        let place = self.running.enter(call.id).ok_or_else(full)?;
        let call = self.taken(call, &place)?;
        Ok((place, call))
    }

    /// Says of a running call who calls: from here on it ends when its key or its principal is taken out.
    ///
    /// # Errors
    /// When the caller is not known any more.
    fn taken(&self, call: Call<Known>, place: &Place) -> Result<Call<Known>, Refusal> {
        let identity = call.stage.identity();
        place.uses([Subject::Key(identity.key.id), Subject::Principal(identity.principal.name.clone())]);
        // A revocation that came between the look-up and the line above has not found this call: look again.
        let current = self.snapshot.load_full();
        if Arc::ptr_eq(&current, &call.snapshot) {
            return Ok(call);
        }
        let headers = call.stage.headers().clone();
        known(Call { id: call.id, time: call.time, snapshot: current, stage: Received { headers } })
    }
}
