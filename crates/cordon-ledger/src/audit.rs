//! Recomputing a whole log from its entries: the root against the signed head, and on the way every tile.

use std::convert::Infallible;

use crate::{
    hash::{Hash, leaf_hash},
    tiles::{File, Row, Tile, TileError, TileNodes, TileWriter, Tiles},
    tree::{self, Head, InclusionError, ProveError},
    verify::SignedHead,
};

/// Reads the entries of a log in their order and says what is wrong first. One pass, a few KiB of memory.
#[derive(Debug)]
pub struct Auditor<'h, T = NoTiles> {
    signed: &'h SignedHead,
    writer: TileWriter,
    tiles: Option<T>,
    /// Entries of which a signed head was right.
    good: u64,
}

/// For logs whose tiles are not at hand.
#[derive(Clone, Copy, Debug)]
pub enum NoTiles {}

impl Tiles for NoTiles {
    type Error = Infallible;

    fn read(&self, _: Tile) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(None)
    }
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError<E: std::error::Error + 'static = Infallible> {
    /// This entry is not the one that was logged: the tiles lead from the hash that it should have to the signed root.
    #[error("entry {index} has hash {found}, but the log signed {expected}: it was changed, moved or put in")]
    Entry {
        /// Position of the first wrong entry.
        index: u64,
        /// The hash that is in the signed tree.
        expected: Hash,
        /// The hash of the entry.
        found: Hash,
    },
    /// There are fewer entries than the checkpoint covers.
    #[error(
        "there are {found} entries, the checkpoint covers {expected}: the first missing one is entry {found}"
    )]
    Missing {
        /// Entries that the checkpoint covers.
        expected: u64,
        /// Entries that there are.
        found: u64,
    },
    /// A checkpoint of another log, or of another size than the entries so far.
    #[error("the checkpoint of `{origin}` at {size} entries does not belong to entry {at} of `{expected}`")]
    OtherHead {
        /// Log of the checkpoint.
        origin: String,
        /// Its size.
        size: u64,
        /// The log that is read.
        expected: String,
        /// Entries so far.
        at: u64,
    },
    /// The entries make another root than the one that was signed.
    #[error(
        "entries {good} to {size} (the last not included) make root {computed}, the log signed {stated}: one of them is wrong"
    )]
    Root {
        /// Entries up to here are right: an earlier head was.
        good: u64,
        /// Entries that the head covers.
        size: u64,
        /// The root of the entries.
        computed: Hash,
        /// The root of the head.
        stated: Hash,
    },
    /// A tile is not what the entries make it, and it does not lead to the signed root either.
    #[error("`{tile}` is wrong in its hash {position}: neither the entries nor the signed root lead to it")]
    Tile {
        /// Which tile.
        tile: Tile,
        /// Which hash in it, from 0.
        position: u64,
        /// What the tiles make of it, when they can be read.
        source: Option<Box<InclusionError>>,
    },
    /// A tile cannot be read.
    #[error("cannot read a tile")]
    Read(#[from] TileError<E>),
    /// There are more entries than the checkpoint covers.
    #[error("the checkpoint covers {0} entries, but there are more\nhelp: take a later checkpoint")]
    TooMany(u64),
}

impl<'h> Auditor<'h> {
    /// For the log as far as this head covers it.
    pub fn new(signed: &'h SignedHead) -> Self {
        Self { signed, writer: TileWriter::new(), tiles: None, good: 0 }
    }

    /// Compares every tile, too, and so can name the first wrong entry.
    pub fn with_tiles<T: Tiles>(self, tiles: T) -> Auditor<'h, T> {
        Auditor { signed: self.signed, writer: self.writer, tiles: Some(tiles), good: self.good }
    }
}

impl<T: Tiles> Auditor<'_, T> {
    /// Entries so far.
    pub fn size(&self) -> u64 {
        self.writer.frontier().size()
    }

    /// The next entry. An error is the end of the audit.
    pub fn push(&mut self, entry: &[u8]) -> Result<(), AuditError<T::Error>> {
        let size = self.signed.size();
        if self.size() >= size {
            return Err(AuditError::TooMany(size));
        }
        self.writer.push(leaf_hash(entry));
        for file in self.writer.take_full() {
            self.compare(&file)?;
        }
        Ok(())
    }

    /// An earlier signed head, at its place between the entries: narrows down where the first wrong entry is.
    pub fn check(&mut self, earlier: &SignedHead) -> Result<(), AuditError<T::Error>> {
        let (checkpoint, expected) = (earlier.checkpoint(), self.signed.checkpoint().origin());
        let (origin, size) = (checkpoint.origin(), earlier.size());
        if origin != expected || size != self.size() {
            let (origin, expected) = (origin.to_owned(), expected.to_owned());
            return Err(AuditError::OtherHead { origin, size, expected, at: self.size() });
        }
        self.compare_root(earlier.head())
    }

    /// The end of the entries: all are there, the partial tiles are right, the root is the signed one.
    pub fn finish(mut self) -> Result<(), AuditError<T::Error>> {
        let (expected, found) = (self.signed.size(), self.size());
        if found < expected {
            return Err(AuditError::Missing { expected, found });
        }
        for file in self.writer.cut() {
            self.compare(&file)?;
        }
        self.compare_root(self.signed.head())
    }

    fn compare_root(&mut self, head: Head) -> Result<(), AuditError<T::Error>> {
        let Head { size, root: stated } = head;
        let computed = self.writer.head().root;
        if computed != stated {
            return Err(AuditError::Root { good: self.good, size, computed, stated });
        }
        self.good = size;
        Ok(())
    }

    /// The tile that the entries make, against the one that is kept.
    fn compare(&self, file: &File) -> Result<(), AuditError<T::Error>> {
        let Some(tiles) = &self.tiles else { return Ok(()) };
        let kept = crate::tiles::read_tile(tiles, file.tile)?;
        let hashes = |bytes: &[u8]| -> Vec<Hash> {
            bytes.as_chunks::<{ Hash::SIZE }>().0.iter().copied().map(Hash::new).collect()
        };
        let pairs = hashes(&kept).into_iter().zip(hashes(&file.bytes)).zip(0_u64..);
        let Some(((expected, found), position)) = pairs.into_iter().find(|((kept, made), _)| kept != made)
        else {
            return Ok(());
        };
        let tile = file.tile;
        if tile.row() != Row::Hashes(0) {
            // The tiles below are as the entries make them, and this one is not as they make it.
            return Err(AuditError::Tile { tile, position, source: None });
        }
        let index = tile.index() * u64::from(crate::tiles::WIDTH) + position;
        let size = self.signed.size();
        match tree::inclusion(index, size, &TileNodes::new(tiles, size)) {
            Ok(proof) => match tree::check_inclusion(expected, &proof, self.signed.head()) {
                Ok(()) => Err(AuditError::Entry { index, expected, found }),
                Err(source) => Err(AuditError::Tile { tile, position, source: Some(Box::new(source)) }),
            },
            Err(ProveError::Node { source, .. }) => Err(source.into()),
            Err(_) => Err(AuditError::Tile { tile, position, source: None }),
        }
    }
}

/// Reads all entries of a log and says what is wrong first: see [`Auditor`], which also takes entries that come one by one.
pub fn check_tree<T: Tiles>(
    signed: &SignedHead,
    tiles: T,
    entries: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<(), AuditError<T::Error>> {
    let mut auditor = Auditor::new(signed).with_tiles(tiles);
    entries.into_iter().try_for_each(|entry| auditor.push(entry.as_ref()))?;
    auditor.finish()
}

#[cfg(test)]
mod tests;
