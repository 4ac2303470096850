//! Captured content: shown to somebody who is recorded first, erased, held.

use cordon_core::{
    CallId, Name, State, Timestamp,
    command::{NewHold, Vault},
    evidence::{ContentScope, Hold},
    fact::Actor,
    record::ContentObject,
};
use cordon_store::content::ReadError;

use super::{Desk, refused, unreachable, with_causes};
use crate::{
    api::{
        Certificate, ContentPiece, ContentView, Done, EraseContent, HoldView, Problem, ReleaseHold, SetHold,
    },
    content::{Contents, ForgetError, ReadFault},
};

impl Desk {
    /// With the captured content of the node that serves this desk's log.
    #[must_use]
    pub fn with_contents(self, contents: Contents) -> Self {
        Self { contents: Some(contents), ..self }
    }

    fn contents(&self) -> Result<&Contents, Problem> {
        self.contents.as_ref().ok_or_else(|| {
            let help = "nobody serves this folder, and content is read, held and erased only by a server, which records it; \
                        help: start `cordon up`";
            Problem::new(503, "not_served", "there is no server", help)
        })
    }

    /// What was kept of a call: both objects, or the one that is asked for. Who reads it is recorded, durably, before.
    ///
    /// # Errors
    /// When the call is not recorded here, nothing was kept, it is gone, or the read cannot be recorded.
    pub async fn content(
        &self,
        call: CallId,
        object: Option<ContentObject>,
        actor: Actor,
    ) -> Result<ContentView, Problem> {
        let contents = self.contents()?;
        let record = self.calls.find(call).await?.ok_or_else(|| {
            Problem::new(404, "not_found", "it does not exist", format!("call `{call}` is not recorded here"))
        })?;
        let said = record.closed.map(|closed| closed.content).unwrap_or_default();
        let digests = said.iter().map(|said| (said.object, said.digest)).collect();
        let none = format!(
            "nothing was kept of call `{call}`; help: a route's `content` says what is kept of its calls"
        );
        let read =
            contents.read(call, object, &digests, actor).await.map_err(|fault| unread(&none, &fault))?;
        let objects = read.into_iter().map(|(object, content)| {
            let truncated = said.iter().any(|said| said.object == object && said.truncated);
            ContentPiece::new(object, content, truncated)
        });
        Ok(ContentView { call_id: call, objects: objects.collect() })
    }

    /// Destroys the keys of captured content. They are gone when this returns.
    ///
    /// # Errors
    /// When a legal hold is in the way, or log or store cannot be written.
    pub async fn erase(&self, wish: EraseContent, actor: Actor) -> Result<Certificate, Problem> {
        let scope = scope(wish.call, wish.subject)?;
        let done = self.contents()?.erase(scope, wish.reason, actor).await.map_err(unforgotten)?;
        let (position, time, calls) = (done.position, done.time, done.calls);
        let backups_until = done.backups_until;
        Ok(Certificate { call: wish.call, subject: wish.subject, position, time, calls, backups_until })
    }

    /// The legal holds, by name.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn holds(&self, as_of: Option<Timestamp>) -> Result<Vec<HoldView>, Problem> {
        self.holds_of(&self.state(as_of).await?, None, usize::MAX).await
    }

    /// A part of the holds of a state: those after one of them, at most so many.
    ///
    /// # Errors
    /// When sealed values cannot be read.
    pub(crate) async fn holds_of(
        &self,
        state: &State,
        after: Option<Name>,
        most: usize,
    ) -> Result<Vec<HoldView>, Problem> {
        let holds: Vec<_> = state.holds_after(after).take(most).collect();
        let digests: Vec<_> = holds.iter().filter_map(|hold| hold.reason.digest()).collect();
        let vault = match self.loader() {
            Some(loader) if !digests.is_empty() => loader.log().seals(&digests).await.map_err(unreachable)?,
            _ => Vault::new(),
        };
        Ok(holds.into_iter().map(|hold| hold_view(hold, &vault)).collect())
    }

    /// Sets a legal hold: content in its scope is neither erased nor expires.
    ///
    /// # Errors
    /// When a hold of this name has another scope, or log or store cannot be written.
    pub async fn set_hold(&self, wish: SetHold, actor: Actor) -> Result<Done, Problem> {
        let scope = scope(wish.call, wish.subject)?;
        let new = NewHold { name: wish.name, scope, reason: wish.reason };
        self.contents()?.hold(new, actor).await.map(Done::from).map_err(unforgotten)
    }

    /// Ends a legal hold.
    ///
    /// # Errors
    /// When there is none of this name, or log or store cannot be written.
    pub async fn release_hold(&self, name: Name, wish: ReleaseHold, actor: Actor) -> Result<Done, Problem> {
        self.contents()?.release(name, wish.reason, actor).await.map(Done::from).map_err(unforgotten)
    }
}

fn scope(call: Option<CallId>, subject: Option<cordon_core::Digest>) -> Result<ContentScope, Problem> {
    match (call, subject) {
        (Some(call), None) => Ok(ContentScope::Call(call)),
        (None, Some(subject)) => Ok(ContentScope::Subject(subject)),
        _ => {
            let detail = "either `call` or `subject` is expected";
            Err(Problem::new(400, "malformed", "the request cannot be read", detail))
        }
    }
}

fn hold_view(hold: &Hold, vault: &Vault) -> HoldView {
    let reason = hold.reason.digest().and_then(|digest| vault.get(&digest)).and_then(|seal| seal.open());
    let (call, subject) = match hold.scope {
        ContentScope::Call(call) => (Some(call), None),
        ContentScope::Subject(subject) => (None, Some(subject)),
    };
    HoldView { name: hold.name.clone(), call, subject, reason }
}

pub(super) fn unread(none: &str, fault: &ReadFault) -> Problem {
    let detail = with_causes(fault);
    match fault {
        ReadFault::Store(ReadError::Missing) => Problem::new(404, "not_kept", "nothing was kept", none),
        ReadFault::Store(ReadError::Erased { .. } | ReadError::Expired { .. }) => {
            Problem::new(410, "gone", "it is gone", detail)
        }
        ReadFault::Locked | ReadFault::Store(ReadError::Locked) => {
            Problem::new(409, "locked", "there is no key", detail)
        }
        ReadFault::Unrecorded(_) => Problem::new(503, "unrecorded", "it cannot be recorded", detail),
        ReadFault::Foreign(_) => Problem::new(409, "altered", "it is not what was recorded", detail),
        ReadFault::Store(ReadError::Damaged(_) | ReadError::File(_)) => {
            Problem::new(503, "content_unavailable", "the content cannot be read", detail)
        }
    }
}

fn unforgotten(error: ForgetError) -> Problem {
    match error {
        ForgetError::Wish(error) => refused(error),
        ForgetError::Log(error) => unreachable(error),
        other => {
            Problem::new(503, "content_unavailable", "the content store cannot be used", with_causes(&other))
        }
    }
}
