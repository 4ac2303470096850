//! Everything that Cordon keeps: the log of facts, the caches of the state, the index of calls,
//! content that can be forgotten.
//!
//! The only crate with SQL, journals and files of its own. The log is the truth; caches and indexes are derived from it
//! or from the journal and can be thrown away.
//!
//! **Never here:** business rules, HTTP, the clock, randomness. What a wish leads to is decided by `cordon-core`; time
//! and random bytes are arguments.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("data");
//! use cordon_store::{DataDir, data_dir::DataDirError};
//! // One process serves a folder; whoever comes second is told who is first.
//! let held = DataDir::open(&path)?;
//! assert!(matches!(DataDir::open(&path), Err(DataDirError::InUse { .. })));
//! # drop(held);
//! # Ok(())
//! # }
//! ```

pub mod backup;
pub mod calls;
pub mod content;
pub mod data_dir;
pub mod frames;
pub mod held;
pub mod identity;
pub mod journal;
pub mod ledger;
pub mod log;
pub mod objects;
pub mod seal;
pub mod sequencer;

pub use calls::CallIndex;
pub use content::ContentStore;
pub use data_dir::DataDir;
pub use identity::IdentityStore;
pub use log::{Log, SqliteLog};
pub use objects::{FolderObjects, Objects};
pub use sequencer::Sequencer;
