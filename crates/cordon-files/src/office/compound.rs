//! Compound files ([MS-CFB]): sectors in chains, a tree of names, streams.

use crate::{
    bytes::{index, le16, le32, slice},
    context::{Context, Done},
    text,
};

/// A sector's number from here on is none (free, end of chain, and the file's own tables).
const NO_SECTOR: u32 = 0xffff_fffa;

/// A compound file with its directory.
pub(crate) struct Compound<'a> {
    bytes: &'a [u8],
    /// Log2 of a sector's bytes.
    shift: u16,
    small_shift: u16,
    /// Streams below this length lie in small sectors.
    cutoff: usize,
    chains: Vec<u32>,
    small_chains: Vec<u32>,
    small: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
}

/// A stream, or a storage that holds others.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) is_stream: bool,
    start: u32,
    size: usize,
}

impl<'a> Compound<'a> {
    /// Reads tables and directory; none where they are broken.
    pub(crate) fn read(context: &mut Context<'_>, bytes: &'a [u8]) -> Done<Option<Self>> {
        let Some(mut compound) = Self::header(bytes) else { return Ok(None) };
        let Some(sectors) = compound.table_sectors(context)? else { return Ok(None) };
        for sector in sectors {
            let Some(content) = compound.sector(sector) else { return Ok(None) };
            context.decoded(content.len())?;
            let (numbers, _) = content.as_chunks::<4>();
            compound.chains.extend(numbers.iter().map(|number| u32::from_le_bytes(*number)));
        }
        let directory = le32(bytes, 48).unwrap_or(NO_SECTOR);
        let Some(directory) = compound.chain(context, directory)? else { return Ok(None) };
        for entry in directory.as_chunks::<128>().0 {
            context.thing()?;
            compound.entries.extend(Entry::read(entry));
        }
        let Some(root) = compound.entries.first().cloned() else { return Ok(None) };
        let small_table = le32(bytes, 60).unwrap_or(NO_SECTOR);
        let Some(table) = compound.chain(context, small_table)? else { return Ok(None) };
        compound.small_chains =
            table.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)).collect();
        let Some(small) = compound.chain(context, root.start)? else { return Ok(None) };
        compound.small = small;
        Ok(Some(compound))
    }

    fn header(bytes: &'a [u8]) -> Option<Self> {
        let (shift, small_shift) = (le16(bytes, 30)?, le16(bytes, 32)?);
        let cutoff = index(le32(bytes, 56)?);
        if !matches!(shift, 9 | 12) || small_shift != 6 {
            return None;
        }
        Some(Self {
            bytes,
            shift,
            small_shift,
            cutoff,
            chains: Vec::new(),
            small_chains: Vec::new(),
            small: Vec::new(),
            entries: Vec::new(),
        })
    }

    /// The sectors of the table of chains: 109 are named in the header, more in sectors of their own.
    fn table_sectors(&self, context: &mut Context<'_>) -> Done<Option<Vec<u32>>> {
        let mut sectors: Vec<u32> =
            (0..109).filter_map(|at| le32(self.bytes, 76 + at * 4)).filter(|s| *s < NO_SECTOR).collect();
        let mut next = le32(self.bytes, 68).unwrap_or(NO_SECTOR);
        let most = self.bytes.len() >> self.shift;
        while next < NO_SECTOR {
            context.thing()?;
            let Some(sector) = self.sector(next) else { return Ok(None) };
            let (numbers, _) = sector.as_chunks::<4>();
            let Some((last, numbers)) = numbers.split_last() else { return Ok(None) };
            sectors
                .extend(numbers.iter().map(|number| u32::from_le_bytes(*number)).filter(|s| *s < NO_SECTOR));
            next = u32::from_le_bytes(*last);
            // There are no more sectors of tables than sectors: else they go in a circle.
            if sectors.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(sectors))
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let length = 1_usize << self.shift;
        let start = index(number).checked_add(1)?.checked_mul(length)?;
        // The last one may be cut.
        let rest = self.bytes.get(start..)?;
        Some(rest.get(..length).unwrap_or(rest))
    }

    /// The content of a chain of sectors; none where it goes in a circle or out of the file.
    fn chain(&self, context: &mut Context<'_>, start: u32) -> Done<Option<Vec<u8>>> {
        let mut content = Vec::new();
        let mut next = start;
        let mut count = 0;
        while next < NO_SECTOR {
            let Some(sector) = self.sector(next) else { return Ok(None) };
            count += 1;
            if count > self.chains.len() {
                return Ok(None);
            }
            context.decoded(sector.len())?;
            content.extend_from_slice(sector);
            next = self.chains.get(index(next)).copied().unwrap_or(NO_SECTOR);
        }
        Ok(Some(content))
    }

    /// The content of a stream; none where its chain is broken.
    pub(crate) fn stream(&self, context: &mut Context<'_>, entry: &Entry) -> Done<Option<Vec<u8>>> {
        if entry.size >= self.cutoff {
            let content = self.chain(context, entry.start)?;
            return Ok(content.map(|mut content| {
                content.truncate(entry.size);
                content
            }));
        }
        let length = 1_usize << self.small_shift;
        let mut content = Vec::new();
        let mut next = entry.start;
        while next < NO_SECTOR && content.len() < entry.size {
            let sector = index(next).checked_mul(length).and_then(|at| slice(&self.small, at, length));
            let Some(sector) = sector else { return Ok(None) };
            context.decoded(length)?;
            content.extend_from_slice(sector);
            next = self.small_chains.get(index(next)).copied().unwrap_or(NO_SECTOR);
        }
        content.truncate(entry.size);
        Ok(Some(content))
    }

    /// The stream with this name, in letters of either case ([MS-CFB] 2.6.4), wherever it is.
    pub(crate) fn named(&self, context: &mut Context<'_>, name: &str) -> Done<Option<Vec<u8>>> {
        match self.entries.iter().find(|entry| entry.is_stream && entry.name.eq_ignore_ascii_case(name)) {
            Some(entry) => self.stream(context, entry),
            None => Ok(None),
        }
    }
}

impl Entry {
    fn read(entry: &[u8]) -> Option<Self> {
        let length = usize::from(le16(entry, 64)?);
        let kind = *entry.get(66)?;
        // Free entries are of kind 0.
        if !matches!(kind, 1 | 2 | 5) {
            return None;
        }
        let name = text::utf16_le(slice(entry, 0, length.checked_sub(2)?.min(62))?);
        Some(Self { name, is_stream: kind == 2, start: le32(entry, 116)?, size: index(le32(entry, 120)?) })
    }
}
