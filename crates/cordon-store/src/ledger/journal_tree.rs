use std::{io, path::Path};

use cordon_core::{Digest, JournalId, evidence::Anchor};
use cordon_ledger::{Hash, tree::Nodes};

use super::Levels;
use crate::{
    frames::{FrameReader, FramesError},
    journal::Journal,
};

/// Leaf hashes that are written together; 128 KiB of them.
const BATCH: usize = 4096;

/// The RFC 6962 tree over the frames of one journal.
///
/// Its leaves are the frames' payloads, byte for byte. The hashes are kept when the frames are sealed or retired: proofs
/// outlive what they prove.
#[derive(Debug)]
pub struct JournalTree {
    id: JournalId,
    levels: Levels,
}

/// Why a journal's tree is not at hand.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The frames are not those that were anchored.
    #[error(
        "journal {journal} has root {found} after {size} frames, but {anchored} was anchored; help: its files were changed or put back from an older copy; restore them, or start with `--abandon-journal {journal}` to leave it as evidence and begin another one"
    )]
    Differs {
        /// The journal.
        journal: JournalId,
        /// Number of frames that were anchored.
        size: u64,
        /// The root of what is there.
        found: Digest,
        /// The root that was anchored.
        anchored: Digest,
    },
    /// The last frame that was anchored is another one.
    #[error(
        "frame {sequence} of journal {journal} is not the one that was anchored; help: its files were changed or put back from an older copy; restore them, or start with `--abandon-journal {journal}` to leave it as evidence and begin another one"
    )]
    Changed {
        /// The journal.
        journal: JournalId,
        /// Which frame.
        sequence: u64,
    },
    /// There are fewer frames than were anchored.
    #[error(
        "journal {journal} has {found} frames, but {size} were anchored; help: its files are missing or were put back from an older copy; restore them, or start with `--abandon-journal {journal}` to leave it as evidence and begin another one"
    )]
    Short {
        /// The journal.
        journal: JournalId,
        /// Number of frames that were anchored.
        size: u64,
        /// How many are there.
        found: u64,
    },
    /// The frames cannot be read.
    #[error("the frames of the tree cannot be read")]
    Read(#[from] FramesError),
    /// The files of the tree cannot be read or written.
    #[error("the files of the tree of journal {journal} cannot be used")]
    Io {
        /// The journal.
        journal: JournalId,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl TreeError {
    /// Whether the object store could not be asked, which says nothing about the frames: asking again may help.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Read(error) if error.is_unavailable())
    }
}

impl JournalTree {
    /// Opens the tree of a journal in `folder/<journal>` and goes back to the anchor, which it must agree with. Where its
    /// files are lost or damaged they are made again from the frames that `reader` gives. Frames before `sealed` need not
    /// be there any more.
    ///
    /// # Errors
    /// When the frames are not those that were anchored, or cannot be read.
    pub fn open(
        folder: &Path,
        anchor: &Anchor,
        sealed: u64,
        reader: &mut FrameReader,
    ) -> Result<Self, TreeError> {
        let id = anchor.journal;
        let mut tree = Self { id, levels: Levels::open(&folder.join(id.to_string())).map_err(io(id))? };
        tree.levels.cut(anchor.size).map_err(io(id))?;
        if tree.levels.size() == anchor.size && tree.root(anchor.size)? == anchor.root {
            if sealed < anchor.size {
                tree.compare_last(anchor, reader)?;
            }
            return Ok(tree);
        }
        tree.levels.cut(0).map_err(io(id))?;
        tree.read(reader, anchor.size)?;
        let (size, found) = (tree.levels.size(), tree.root(tree.levels.size())?);
        if size < anchor.size {
            return Err(TreeError::Short { journal: id, size: anchor.size, found: size });
        }
        if found != anchor.root {
            let anchored = anchor.root;
            return Err(TreeError::Differs { journal: id, size, found, anchored });
        }
        Ok(tree)
    }

    /// Takes in the frames of the open journal that became durable since, and gives the anchor of all of them.
    ///
    /// # Errors
    /// When frames cannot be read or the files not be written; asking again goes on from there.
    pub fn grow(&mut self, journal: &Journal) -> Result<Anchor, TreeError> {
        let durable = *journal.follow().borrow();
        let new = journal.take_leaves();
        if self.levels.size() < new.first.min(durable) {
            // More came together than are kept in memory, or the process before this one wrote them.
            self.read(&mut open_journal(journal, self.levels.size())?, new.first.min(durable))?;
        }
        let known = usize::try_from(self.levels.size().saturating_sub(new.first)).unwrap_or(usize::MAX);
        for hashes in new.hashes.get(known..).unwrap_or_default().chunks(BATCH) {
            self.append(hashes.iter().map(hash))?;
        }
        if self.levels.size() < durable {
            self.read(&mut open_journal(journal, self.levels.size())?, durable)?;
        }
        self.anchor()
    }

    /// Takes in the frames of a journal that nobody writes, up to its end.
    ///
    /// # Errors
    /// When frames cannot be read or the files not be written.
    pub fn finish(&mut self, reader: &mut FrameReader) -> Result<Anchor, TreeError> {
        self.read(reader, u64::MAX)?;
        self.anchor()
    }

    /// Number of frames in the tree.
    pub fn size(&self) -> u64 {
        self.levels.size()
    }

    /// The root over the first `size` frames.
    ///
    /// # Errors
    /// When the files cannot be read, or the tree is smaller.
    pub fn root(&self, size: u64) -> Result<Digest, TreeError> {
        self.levels.root(size).map(|root| Digest::from_bytes(*root.as_bytes())).map_err(io(self.id))
    }

    /// The nodes, for proofs.
    pub fn nodes(&self) -> &(impl Nodes<Error = io::Error> + use<>) {
        &self.levels
    }

    /// Leaf hashes from a number on: as many as there are, and no more than asked for.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn leaves(&self, first: u64, count: u64) -> Result<Vec<Digest>, TreeError> {
        let leaves = self.levels.leaves(first, count).map_err(io(self.id))?;
        Ok(leaves.iter().map(|leaf| Digest::from_bytes(*leaf.as_bytes())).collect())
    }

    /// Makes the files durable: from then on the tree does not need the frames any more.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn sync(&self) -> Result<(), TreeError> {
        self.levels.sync().map_err(io(self.id))
    }

    fn anchor(&self) -> Result<Anchor, TreeError> {
        let size = self.levels.size();
        Ok(Anchor { journal: self.id, size, root: self.root(size)? })
    }

    /// The journal must hold the last frame that was anchored. The chain in it stands for all frames before.
    fn compare_last(&self, anchor: &Anchor, reader: &mut FrameReader) -> Result<(), TreeError> {
        let (journal, size) = (self.id, anchor.size);
        let last = size.saturating_sub(1);
        reader.seek(last)?;
        let Some(frame) = reader.read()?.filter(|frame| frame.sequence == last) else {
            return Err(TreeError::Short { journal, size, found: reader.end().min(last) });
        };
        if self.leaves(last, 1)?.first() == Some(&frame.leaf) {
            return Ok(());
        }
        Err(TreeError::Changed { journal, sequence: last })
    }

    /// Reads frames up to a size, or up to the end where that comes first.
    fn read(&mut self, reader: &mut FrameReader, size: u64) -> Result<(), TreeError> {
        reader.seek(self.levels.size())?;
        let mut hashes = Vec::with_capacity(BATCH);
        let mut end = self.levels.size();
        while end < size {
            let Some(frame) = reader.read()? else { break };
            if frame.sequence != end {
                // Frames before it are sealed: what is missing of the tree cannot be made again from here.
                break;
            }
            hashes.push(hash(&frame.leaf));
            end += 1;
            if hashes.len() == BATCH {
                self.append(hashes.drain(..))?;
            }
        }
        self.append(hashes.into_iter())
    }

    fn append(&mut self, hashes: impl Iterator<Item = Hash>) -> Result<(), TreeError> {
        let (before, hashes) = (self.levels.size(), hashes.collect::<Vec<_>>());
        self.levels.append(&hashes).map_err(|source| {
            // What was half written does not count.
            let _ = self.levels.cut(before);
            TreeError::Io { journal: self.id, source }
        })
    }
}

fn open_journal(journal: &Journal, at: u64) -> Result<FrameReader, TreeError> {
    let reader = journal.reader().map_err(FramesError::from)?;
    // What is not in the tree yet is not anchored, hence not sealed.
    Ok(FrameReader::of(reader, None, at)?)
}

fn hash(digest: &Digest) -> Hash {
    Hash::new(*digest.as_bytes())
}

fn io(journal: JournalId) -> impl FnOnce(io::Error) -> TreeError {
    move |source| TreeError::Io { journal, source }
}
