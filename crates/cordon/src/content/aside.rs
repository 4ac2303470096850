//! What is kept beside what calls say: under the key of a call like that, and forgotten with it.

use cordon_core::{CallId, Name};
use cordon_store::content::{Captured, ContentError, Kept, PutError, ReadError, Status};

use super::{Contents, ReadFault, queue::covers};

/// Why nothing was kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AsideError {
    /// There is no master key.
    #[error("there is no key to seal it under")]
    Locked,
    /// There is no room.
    #[error("there is no room in the content store")]
    Full,
    /// The call was erased, or its time is over.
    #[error("the call's content was erased")]
    Gone,
    /// The store failed.
    #[error(transparent)]
    Store(PutError),
}

impl Contents {
    /// Seals objects of a call; durable when it returns.
    ///
    /// # Errors
    /// When there is no key or no room, the call was erased, or the store cannot be written.
    pub(crate) async fn put_aside(&self, captured: Captured) -> Result<(), AsideError> {
        let unlocked = self.0.unlocked.as_ref().ok_or(AsideError::Locked)?;
        // Held until the commit: an erasure waits for it and finds its keys, or comes first and is seen here.
        let erased = self.0.erased.lock().await;
        if erased.iter().any(|erasure| covers(erasure, &captured)) {
            return Err(AsideError::Gone);
        }
        match unlocked.put(&[captured]).await {
            Ok(kept) if kept.contains(&Kept::Gone) => Err(AsideError::Gone),
            Ok(_) => Ok(()),
            Err(PutError::File(ContentError::Full(_))) => Err(AsideError::Full),
            Err(error) => Err(AsideError::Store(error)),
        }
    }

    /// Whether the content of a call can still be opened.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn has(&self, call: CallId) -> Result<bool, ContentError> {
        Ok(matches!(self.0.store.status(call).await?, Status::Kept { .. }))
    }

    /// The same, with the reason where it cannot.
    ///
    /// # Errors
    /// When it is gone, or the store cannot be read.
    pub(crate) async fn readable(&self, call: CallId) -> Result<(), ReadFault> {
        if self.0.unlocked.is_none() {
            return Err(ReadFault::Locked);
        }
        match self.0.store.status(call).await.map_err(ReadError::from)? {
            Status::Kept { .. } => Ok(()),
            Status::Erased { at } => Err(ReadError::Erased { at }.into()),
            Status::Expired { at } => Err(ReadError::Expired { at }.into()),
            Status::Missing => Err(ReadError::Missing.into()),
        }
    }

    /// Opens an object of a call. Whoever shows it to somebody has recorded that before.
    ///
    /// # Errors
    /// When it is gone, damaged, or there is no key.
    pub(crate) async fn open_aside(&self, call: CallId, object: &Name) -> Result<Vec<u8>, ReadFault> {
        let unlocked = self.0.unlocked.as_ref().ok_or(ReadFault::Locked)?;
        Ok(unlocked.read(call, object, self.0.clock.now()).await?.to_vec())
    }
}
