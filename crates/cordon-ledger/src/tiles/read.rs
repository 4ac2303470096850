//! Reading tiles, and the nodes of a tree out of them.

use std::{cell::RefCell, collections::BTreeMap};

use super::{HEIGHT, LEVELS, Row, Tile, WIDTH};
use crate::{
    hash::Hash,
    tree::{Frontier, Nodes},
};

/// Where tiles are kept: a folder, a database, an HTTP client.
pub trait Tiles {
    /// Why a tile could not be read.
    type Error: std::error::Error + 'static;

    /// The bytes at the path of this tile ([`Tile::path`]); nothing when there is no such file.
    fn read(&self, tile: Tile) -> Result<Option<Vec<u8>>, Self::Error>;
}

impl<T: Tiles> Tiles for &T {
    type Error = T::Error;

    fn read(&self, tile: Tile) -> Result<Option<Vec<u8>>, T::Error> {
        (**self).read(tile)
    }
}

/// Why a hash could not be had from tiles.
#[derive(Debug, thiserror::Error)]
pub enum TileError<E: std::error::Error + 'static> {
    /// A file has not the length of its tile.
    #[error("`{tile}` has {found} bytes, not {expected}")]
    Length {
        /// Which tile.
        tile: Tile,
        /// Bytes that it must have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
    /// A file is not there, and neither is the full one in its place.
    #[error("`{0}` is missing")]
    Missing(Tile),
    /// Asked for a subtree that is not complete in this tree.
    #[error("subtree {index} of level {level} is not complete in a tree of {size} leaves")]
    Outside {
        /// Level of the subtree.
        level: u8,
        /// Index within the level.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The reader failed.
    #[error("cannot read `{tile}`")]
    Read {
        /// Which tile.
        tile: Tile,
        /// Why.
        source: E,
    },
}

/// How many tiles [`TileNodes`] remembers: 512 KiB. A proof touches at most two of each of eight levels.
const REMEMBERED: usize = 64;

/// The nodes of the tree of the first `size` leaves, out of its tiles. Remembers up to 64 tiles. The tiles are believed:
/// what is made of them is checked against a signed checkpoint by whoever verifies. A subtree that is complete stays so:
/// the nodes of the tree as it is now serve for proofs of every smaller one, whose partial tiles need not be kept.
#[derive(Debug)]
pub struct TileNodes<T> {
    tiles: T,
    size: u64,
    remembered: RefCell<BTreeMap<(u8, u64), Vec<u8>>>,
}

impl<T: Tiles> TileNodes<T> {
    /// The nodes of the tree of `size` leaves.
    pub fn new(tiles: T, size: u64) -> Self {
        Self { tiles, size, remembered: RefCell::default() }
    }

    /// Leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// `count` hashes of a tile, from the one at `first`.
    fn hashes(
        &self,
        level: u8,
        tile: Tile,
        first: usize,
        count: usize,
    ) -> Result<Vec<Hash>, TileError<T::Error>> {
        let mut remembered = self.remembered.borrow_mut();
        let key = (level, tile.index());
        if !remembered.contains_key(&key) {
            let bytes = read(&self.tiles, tile)?;
            if remembered.len() >= REMEMBERED {
                remembered.pop_first();
            }
            remembered.insert(key, bytes);
        }
        let bytes = remembered.get(&key).map(Vec::as_slice).unwrap_or_default();
        let hashes = bytes.as_chunks::<{ Hash::SIZE }>().0.iter().skip(first).take(count);
        Ok(hashes.copied().map(Hash::new).collect())
    }
}

impl<T: Tiles> Nodes for TileNodes<T> {
    type Error = TileError<T::Error>;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let outside = || TileError::Outside { level, index, size: self.size };
        let (tile_level, inner) = (level / HEIGHT, level % HEIGHT);
        // The hashes of the tile row under this node: 2^inner of them, all in one tile.
        let count = 1_u64 << inner;
        let first = index.checked_mul(count).ok_or_else(outside)?;
        if tile_level >= LEVELS {
            return Err(outside());
        }
        let row = Row::Hashes(tile_level);
        let tile = Tile::of_tree(row, first / u64::from(WIDTH), self.size).ok_or_else(outside)?;
        let first = first % u64::from(WIDTH);
        if first + count > tile.width().into() {
            return Err(outside());
        }
        // Both are at most 256.
        let (first, count) =
            (usize::try_from(first).unwrap_or_default(), usize::try_from(count).unwrap_or_default());
        Ok(self.hashes(tile_level, tile, first, count)?.into_iter().collect::<Frontier>().root())
    }
}

/// The bytes of a tile of hashes, exactly as many as its width demands. In place of a partial tile the full one serves,
/// of which it is the beginning: a log may delete partial tiles once they are full.
pub(crate) fn read<T: Tiles>(tiles: &T, tile: Tile) -> Result<Vec<u8>, TileError<T::Error>> {
    let (found, mut bytes) = read_either(tiles, tile)?;
    let expected = usize::from(found.width()) * Hash::SIZE;
    if bytes.len() != expected {
        return Err(TileError::Length { tile: found, expected, found: bytes.len() });
    }
    bytes.truncate(usize::from(tile.width()) * Hash::SIZE);
    Ok(bytes)
}

/// The file of a tile, or the full one in its place; with the tile that was found.
pub(super) fn read_either<T: Tiles>(tiles: &T, tile: Tile) -> Result<(Tile, Vec<u8>), TileError<T::Error>> {
    for candidate in [tile, tile.full()] {
        let bytes = tiles.read(candidate).map_err(|source| TileError::Read { tile: candidate, source })?;
        if let Some(bytes) = bytes {
            return Ok((candidate, bytes));
        }
    }
    Err(TileError::Missing(tile))
}
