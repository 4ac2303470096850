//! A tree and its entries as static files (`c2sp.org/tlog-tiles`): any such client can read them from a folder, an object
//! store or an HTTP server.

mod bundle;
mod path;
mod read;
mod write;

pub(crate) use read::read as read_tile;

pub use bundle::{BundleError, EntryTooLong, MAX_ENTRY, entries, push_entry};
pub use path::{PathError, Row, Tile};
pub use read::{TileError, TileNodes, Tiles};
pub use write::{EntryWriter, File, ResumeError, TileWriter};

/// Where the signed checkpoint lies, beside the folder `tile`. It is written last.
pub const CHECKPOINT: &str = "checkpoint";

/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH: u16 = 256;

/// Levels of the tree between the hashes of a tile and those of the tile above: 2^8 is [`WIDTH`].
const HEIGHT: u8 = 8;

/// Levels of tiles that a tree of less than 2^64 leaves can have.
const LEVELS: u8 = 8;

#[cfg(test)]
mod tests;
