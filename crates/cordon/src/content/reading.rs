//! Reading: recorded first, durably, and only then given.

use cordon_core::{
    CallId, Digest, Name,
    fact::Actor,
    record::{ContentObject, ContentRead, Frame},
};
use cordon_guard::ports::RecordError;
use cordon_store::content::{ContentError, ReadError, Status, Unlocked};

use super::Contents;

/// Why content was not given.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// There is no master key.
    #[error(
        "there is no key to open it with; help: set `content.master_key` to the key that it was kept under"
    )]
    Locked,
    /// It is not there any more, or never was.
    #[error(transparent)]
    Store(#[from] ReadError),
    /// That it is read could not be recorded, so it was not given.
    #[error("that it is read cannot be recorded, so it is not given: {0}")]
    Unrecorded(String),
    /// It is not what the call's record says.
    #[error("the {} is not the one of the call's record; help: `cordon verify` finds what was changed", .0.as_str())]
    Foreign(ContentObject),
}

/// What was kept of a call, with what its record says of it.
pub(crate) type Digests = Vec<(ContentObject, Digest)>;

impl Contents {
    /// Opens what was kept of a call: those objects that are asked for and there. `recorded` is what the call's record says
    /// of them. Who reads is in the journal, durably, before anything is opened.
    ///
    /// # Errors
    /// When there is nothing, it was erased or has expired, the read cannot be recorded, or it does not fit the record.
    pub(crate) async fn read(
        &self,
        call: CallId,
        wanted: Option<ContentObject>,
        recorded: &Digests,
        actor: Actor,
    ) -> Result<Vec<(ContentObject, Vec<u8>)>, ReadFault> {
        let store = &self.0.store;
        self.0.counts.settled().await;
        match store.status(call).await.map_err(ReadError::from)? {
            Status::Kept { .. } => {}
            Status::Erased { at } => return Err(ReadError::Erased { at }.into()),
            Status::Expired { at } => return Err(ReadError::Expired { at }.into()),
            Status::Missing => return Err(ReadError::Missing.into()),
        }
        let unlocked = self.0.unlocked.as_ref().ok_or(ReadFault::Locked)?;
        let stored = store.objects(call).await.map_err(ReadError::from)?;
        let objects: Vec<ContentObject> = ContentObject::ALL
            .iter()
            .copied()
            .filter(|object| wanted.is_none_or(|wanted| wanted == *object))
            .filter(|object| stored.iter().any(|stored| stored.name.as_str() == object.as_str()))
            .collect();
        if objects.is_empty() {
            return Err(ReadError::Missing.into());
        }
        self.record(call, &objects, actor).await?;
        let mut opened = Vec::with_capacity(objects.len());
        for object in objects {
            let content = self.open(unlocked, call, object).await?;
            let of_record = recorded.iter().find(|(recorded, _)| *recorded == object);
            if of_record.is_some_and(|(_, digest)| !self.0.gateway.is_content(call, &content, *digest)) {
                return Err(ReadFault::Foreign(object));
            }
            opened.push((object, content));
        }
        Ok(opened)
    }

    async fn open(
        &self,
        unlocked: &Unlocked,
        call: CallId,
        object: ContentObject,
    ) -> Result<Vec<u8>, ReadFault> {
        let name = Name::parse(object.as_str()).map_err(|_| ReadError::Missing)?;
        Ok(unlocked.read(call, &name, self.0.clock.now()).await?.to_vec())
    }

    async fn record(&self, call: CallId, objects: &[ContentObject], actor: Actor) -> Result<(), ReadFault> {
        let read =
            ContentRead { time: self.0.clock.now(), actor, call, objects: objects.to_vec(), held: None };
        let frame =
            Frame::Read(Box::new(read)).encode().map_err(|error| ReadFault::Unrecorded(error.to_string()))?;
        let durable = self.0.recorder.append(vec![frame]).await;
        durable.map_err(|error: RecordError| ReadFault::Unrecorded(error.to_string()))
    }
}

impl From<ContentError> for ReadFault {
    fn from(error: ContentError) -> Self {
        Self::Store(error.into())
    }
}
