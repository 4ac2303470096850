//! Writing a growing tree as tiles. What is written is a function of the entries alone, so that a crash between two
//! writes is mended by writing again.

use super::{
    HEIGHT, LEVELS, Row, Tile, WIDTH,
    bundle::{self, BundleError, EntryTooLong},
    read::{self, TileError, TileNodes, Tiles},
};
use crate::{
    hash::Hash,
    tree::{Frontier, Head},
};

/// A file to write: its tile, hence its path, and its bytes. The bytes of a path never change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Which tile; its path is [`Tile::path`].
    pub tile: Tile,
    /// What to write there.
    pub bytes: Vec<u8>,
}

/// Why a writer could not go on where the last one ended.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError<E: std::error::Error + 'static> {
    /// The last bundle is not one.
    #[error("the last entry bundle is damaged")]
    Bundle(#[from] BundleError),
    /// The tiles are not those of the head.
    #[error(
        "the tiles make root {computed} of {size} leaves, the head says {stated}\nhelp: write the tiles again from the entries"
    )]
    Root {
        /// Leaves.
        size: u64,
        /// The root that the tiles make.
        computed: Hash,
        /// The root of the head.
        stated: Hash,
    },
    /// A tile cannot be read.
    #[error("cannot read the tiles at the right edge of the tree")]
    Tile(#[from] TileError<E>),
    /// No tree has so many leaves.
    #[error("a tree of {0} leaves does not exist")]
    TooLarge(u64),
}

/// Makes the tiles of hashes of a growing tree. Holds the partial tiles of the right edge (at most 64 KiB) and what was
/// not taken yet.
#[derive(Clone, Debug, Default)]
pub struct TileWriter {
    frontier: Frontier,
    edge: [Edge; LEVELS as usize],
    full: Vec<File>,
}

/// The partial tile at the right edge of one level.
#[derive(Clone, Debug, Default)]
struct Edge {
    bytes: Vec<u8>,
    /// Whether these bytes were handed out.
    written: bool,
}

impl TileWriter {
    /// For the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on after `head`, of which the tiles are written. Reads at most eight of them, and checks that they make its root.
    pub fn resume<T: Tiles>(head: Head, tiles: &T) -> Result<Self, ResumeError<T::Error>> {
        let Head { size, root: stated } = head;
        if size > Frontier::MAX_SIZE {
            return Err(ResumeError::TooLarge(size));
        }
        let frontier = Frontier::from_nodes(size, &TileNodes::new(tiles, size))?;
        let computed = frontier.root();
        if computed != stated {
            return Err(ResumeError::Root { size, computed, stated });
        }
        let mut edge: [Edge; LEVELS as usize] = Default::default();
        for (level, edge) in (0..LEVELS).zip(&mut edge) {
            let index = (size >> (HEIGHT * level)) / u64::from(WIDTH);
            if let Some(tile) = Tile::of_tree(Row::Hashes(level), index, size) {
                *edge = Edge { bytes: read::read(tiles, tile)?, written: true };
            }
        }
        Ok(Self { frontier, edge, full: Vec::new() })
    }

    /// Size and root of the tree so far.
    pub fn head(&self) -> Head {
        self.frontier.head()
    }

    /// What is needed to append without tiles.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let Self { frontier, edge, full } = self;
        frontier.push_with(leaf, |level, index, hash| {
            // Only every eighth level is written; those between are hashed again by who reads.
            if level % HEIGHT != 0 {
                return;
            }
            let level = level / HEIGHT;
            let Some(Edge { bytes, written }) = edge.get_mut(usize::from(level)) else { return };
            bytes.extend_from_slice(hash.as_bytes());
            *written = false;
            if bytes.len() == usize::from(WIDTH) * Hash::SIZE
                && let Some(tile) = Tile::new(Row::Hashes(level), index / u64::from(WIDTH), WIDTH)
            {
                full.push(File { tile, bytes: std::mem::take(bytes) });
            }
        });
    }

    /// The full tiles since they were last taken, in the order in which they became full. For long runs between two
    /// checkpoints, so that they need not wait in memory.
    pub fn take_full(&mut self) -> Vec<File> {
        std::mem::take(&mut self.full)
    }

    /// All files that the tree as it is now needs and that were not taken yet: the full tiles, then the partial ones.
    /// Once they are written a checkpoint of [`TileWriter::head`] may be published.
    pub fn cut(&mut self) -> Vec<File> {
        let mut files = self.take_full();
        let size = self.frontier.size();
        for (level, edge) in (0..LEVELS).zip(&mut self.edge) {
            let index = (size >> (HEIGHT * level)) / u64::from(WIDTH);
            if let Some(tile) = Tile::of_tree(Row::Hashes(level), index, size)
                && !edge.written
            {
                edge.written = true;
                files.push(File { tile, bytes: edge.bytes.clone() });
            }
        }
        files
    }
}

/// Makes the entry bundles of a growing log. Holds the partial bundle (at most 255 entries) and what was not taken yet.
#[derive(Clone, Debug, Default)]
pub struct EntryWriter {
    size: u64,
    bundle: Vec<u8>,
    written: bool,
    full: Vec<File>,
}

impl EntryWriter {
    /// For the log without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on after `size` entries, of which the bundles are written. Reads at most one. That its entries are the right
    /// ones is not checked here: their hashes are in the tiles.
    pub fn resume<T: Tiles>(size: u64, tiles: &T) -> Result<Self, ResumeError<T::Error>> {
        let mut bundle = Vec::new();
        if let Some(tile) = Tile::of_tree(Row::Entries, size / u64::from(WIDTH), size) {
            let (found, bytes) = read::read_either(tiles, tile)?;
            for entry in bundle::entries(found, &bytes)?.into_iter().take(tile.width().into()) {
                // Read from a bundle, hence not too long for one.
                let _ = bundle::push_entry(&mut bundle, entry);
            }
        }
        Ok(Self { size, bundle, written: true, full: Vec::new() })
    }

    /// Entries so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one entry.
    pub fn push(&mut self, entry: &[u8]) -> Result<(), EntryTooLong> {
        bundle::push_entry(&mut self.bundle, entry)?;
        self.written = false;
        self.size += 1;
        if self.size.is_multiple_of(WIDTH.into())
            && let Some(tile) = Tile::new(Row::Entries, self.size / u64::from(WIDTH) - 1, WIDTH)
        {
            self.full.push(File { tile, bytes: std::mem::take(&mut self.bundle) });
        }
        Ok(())
    }

    /// The full bundles since they were last taken.
    pub fn take_full(&mut self) -> Vec<File> {
        std::mem::take(&mut self.full)
    }

    /// All bundles that the log as it is now needs and that were not taken yet. Written before the tiles of hashes.
    pub fn cut(&mut self) -> Vec<File> {
        let mut files = self.take_full();
        if let Some(tile) = Tile::of_tree(Row::Entries, self.size / u64::from(WIDTH), self.size)
            && !self.written
        {
            self.written = true;
            files.push(File { tile, bytes: self.bundle.clone() });
        }
        files
    }
}
