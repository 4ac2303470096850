//! What makes the log and the journals tamper-evident on disk: the trees over journals, the tiles and checkpoints of the log.
//!
//! ```text
//! DIR/ledger/journal/<id>/level-NN     hashes of the tree over one journal's frames
//! DIR/ledger/log/checkpoint            the newest signed checkpoint of the log (C2SP tlog-checkpoint)
//! DIR/ledger/log/tile/…                its tiles and entry bundles (C2SP tlog-tiles)
//! ```

mod journal_tree;
mod levels;
mod publisher;

pub use journal_tree::{JournalTree, TreeError};
pub use levels::Levels;
pub use publisher::{PublishError, Publisher, TileFolder};
