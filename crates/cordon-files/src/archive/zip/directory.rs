//! The central directory, and each entry's own header.

use crate::{
    Reason,
    bytes::{find, index, index64, le16, le32, le64, slice, tail},
    context::{Context, Done},
    text,
};

/// Signatures of APPNOTE 4.3.
const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// Bits of an entry's flags: encrypted, sizes behind the data, patched data, strong encryption, masked headers.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const DESCRIBED: u16 = 1 << 3;
const PATCH: u16 = 1 << 5;
const UTF_8: u16 = 1 << 11;

/// The archive's bytes, and its entries in the order of the directory.
pub(crate) struct Archive<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) entries: Vec<Entry>,
}

/// One entry, as directory and header agree.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    /// Bytes in the archive.
    pub(crate) packed: usize,
    /// Bytes unpacked, as the directory says.
    pub(crate) size: usize,
    /// Where its data begins.
    pub(crate) data: usize,
    pub(crate) is_encrypted: bool,
    pub(crate) is_link: bool,
    /// The bytes from its header to the end of its data, with what describes it behind.
    range: (usize, usize),
}

/// The end of an archive.
#[derive(Clone, Copy, Debug)]
struct Ending {
    /// Where the record begins that says it, that of ZIP64 where there is one.
    at: usize,
    entries: usize,
    /// Bytes of the directory.
    size: usize,
    /// Where the directory begins, by its own account.
    offset: usize,
}

/// Where records of an end lie whose comment fills the file.
pub(crate) fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    // A record of 22 bytes, and a comment of at most 65,535.
    let from = bytes.len().saturating_sub(22 + 0xffff);
    memchr::memmem::find_iter(tail(bytes, from), END).map(move |at| from + at).filter(|at| {
        le16(bytes, at + 20).is_some_and(|comment| at + 22 + usize::from(comment) == bytes.len())
    })
}

impl<'a> Archive<'a> {
    /// Reads the directory; none where there is none.
    pub(crate) fn read(context: &mut Context<'_>, bytes: &'a [u8]) -> Done<Option<Self>> {
        context.spend(bytes.len().min(0x1_0000))?;
        let mut candidates = ends(bytes);
        let Some(at) = candidates.next().or_else(|| cut_end(context, bytes)) else { return Ok(None) };
        // Readers that take the last sign of an end, whatever its comment, would take another.
        if candidates.next().is_some() || crate::bytes::rfind(tail(bytes, at + 4), END).is_some() {
            context.see(Reason::Ambiguous);
        }
        let Some(ending) = ending(bytes, at) else { return Ok(None) };
        // Offsets count from the beginning of the archive, which is not that of the file where something stands before it.
        let Some(begin) = ending.at.checked_sub(ending.size) else { return Ok(None) };
        let Some(base) = begin.checked_sub(ending.offset) else { return Ok(None) };
        if base > 0 {
            context.see(Reason::Prepended);
        }
        let mut archive = Self { bytes, entries: Vec::new() };
        let mut at = begin;
        while at < ending.at {
            context.thing()?;
            let number = archive.entries.len();
            let Some((entry, next)) = context.at(number, |context| archive.entry(context, at, base)) else {
                // A reader may take what comes behind a record that it cannot read.
                context.see(Reason::Malformed);
                context.spend(ending.at - at)?;
                at = find(bytes, at + 1, CENTRAL).unwrap_or(ending.at);
                continue;
            };
            // Several records may name one header.
            context.spend(next - at + entry.data.saturating_sub(entry.range.0))?;
            archive.entries.push(entry);
            at = next;
        }
        if archive.entries.len() != ending.entries {
            context.see(Reason::Ambiguous);
        }
        archive.check_ranges(context, base, begin)?;
        archive.check_sizes(context)?;
        Ok(Some(archive))
    }

    /// The entry whose record in the directory begins at `at`, and where the next begins.
    fn entry(&self, context: &mut Context<'_>, at: usize, base: usize) -> Option<(Entry, usize)> {
        let bytes = self.bytes;
        if slice(bytes, at, 4)? != CENTRAL {
            return None;
        }
        let made_by = le16(bytes, at + 4)? >> 8;
        let (flags, method) = (le16(bytes, at + 8)?, le16(bytes, at + 10)?);
        let crc = le32(bytes, at + 16)?;
        let (name_length, extra_length) =
            (usize::from(le16(bytes, at + 28)?), usize::from(le16(bytes, at + 30)?));
        let comment_length = usize::from(le16(bytes, at + 32)?);
        let attributes = le32(bytes, at + 38)?;
        let raw_name = slice(bytes, at + 46, name_length)?;
        let extra = slice(bytes, at + 46 + name_length, extra_length)?;
        let next = at + 46 + name_length + extra_length + comment_length;
        slice(bytes, at, next - at)?;
        let mut wide = Wide::of(extra);
        let size = wide.value(le32(bytes, at + 24)?);
        let packed = wide.value(le32(bytes, at + 20)?);
        let offset = wide.value(le32(bytes, at + 42)?);
        let start = base.checked_add(offset)?;
        let local = Local::read(bytes, start)?;
        // What a reader of the headers would do otherwise than a reader of the directory.
        let described = flags & DESCRIBED != 0;
        let sizes_differ = !(local.crc == crc && local.packed == packed && local.size == size);
        let unsaid = described && local.crc == 0 && local.packed == 0 && local.size == 0;
        if local.name != raw_name
            || local.method != method
            || (local.flags ^ flags) & (ENCRYPTED | DESCRIBED | PATCH | UTF_8) != 0
            || sizes_differ && !unsaid
            || has_other_name(extra, raw_name)
            || has_other_name(local.extra, raw_name)
        {
            context.see(Reason::Ambiguous);
        }
        let data = local.data;
        // What is not all there is read as far as it is.
        let room = bytes.len().saturating_sub(data);
        if packed > room {
            context.see(Reason::Malformed);
        }
        let packed = packed.min(room);
        let mut end = data.checked_add(packed)?;
        if described {
            match descriptor(bytes, end, crc, packed) {
                Some(length) => end = end.checked_add(length)?,
                None => context.see(Reason::Malformed),
            }
        }
        if flags & PATCH != 0 {
            context.see(Reason::Unreadable);
        }
        // The upper half of the attributes is a Unix mode where Unix or macOS made the entry.
        let is_link = matches!(made_by, 3 | 19) && attributes >> 28 == 0xa;
        let entry = Entry {
            name: text::name(raw_name),
            method,
            crc,
            packed,
            size,
            data,
            is_encrypted: flags & ENCRYPTED != 0 || method == 99,
            is_link,
            range: (start, end),
        };
        Some((entry, next))
    }

    /// Whether the entries fill the archive and share nothing.
    fn check_ranges(&self, context: &mut Context<'_>, base: usize, begin: usize) -> Done {
        let mut ranges: Vec<(usize, usize)> = self.entries.iter().map(|entry| entry.range).collect();
        context.spend(ranges.len().saturating_mul(16))?;
        ranges.sort_unstable();
        let mut at = base;
        for (start, end) in ranges.into_iter().chain([(begin, begin)]) {
            if start < at {
                context.see(Reason::Overlap);
            }
            // A hole may be there for alignment. A header in one is an entry that only some readers see.
            if let Some(hole) = self.bytes.get(at..start)
                && (find(hole, 0, LOCAL).is_some() || hole.iter().any(|byte| *byte != 0))
            {
                context.see(Reason::Ambiguous);
            }
            at = at.max(end);
        }
        Ok(())
    }

    /// Whether it says of itself that it unpacks to more than is allowed.
    fn check_sizes(&self, context: &mut Context<'_>) -> Done {
        let total = self.entries.iter().fold(0_usize, |total, entry| total.saturating_add(entry.size));
        if total > context.room() { Err(crate::context::Halt(Reason::Bomb)) } else { Ok(()) }
    }
}

/// The end of an archive behind which something stands.
fn cut_end(context: &mut Context<'_>, bytes: &[u8]) -> Option<usize> {
    context.see(Reason::Appended);
    crate::bytes::rfind(bytes, END)
}

/// What the end says, that of ZIP64 where it must.
fn ending(bytes: &[u8], at: usize) -> Option<Ending> {
    let entries = usize::from(le16(bytes, at + 10)?);
    let (size, offset) = (le32(bytes, at + 12)?, le32(bytes, at + 16)?);
    // Archives over several disks are none of today.
    if le16(bytes, at + 4)? != le16(bytes, at + 6)? || le16(bytes, at + 8)? != le16(bytes, at + 10)? {
        return None;
    }
    let locator = at.checked_sub(20).filter(|at| slice(bytes, *at, 4) == Some(LOCATOR_64));
    if let Some(locator) = locator {
        let record = index64(le64(bytes, locator + 8)?);
        if slice(bytes, record, 4)? != END_64 || record.checked_add(56)? > locator {
            return None;
        }
        let (wide_entries, wide_size) =
            (index64(le64(bytes, record + 32)?), index64(le64(bytes, record + 40)?));
        let wide_offset = index64(le64(bytes, record + 48)?);
        let same = |narrow: usize, wide: usize, most: usize| narrow == most || narrow == wide;
        let agrees = same(entries, wide_entries, 0xffff)
            && same(index(size), wide_size, 0xffff_ffff)
            && same(index(offset), wide_offset, 0xffff_ffff);
        return agrees.then_some(Ending {
            at: record,
            entries: wide_entries,
            size: wide_size,
            offset: wide_offset,
        });
    }
    Some(Ending { at, entries, size: index(size), offset: index(offset) })
}

/// The values of 64 bits that stand in an extra field, in the order in which they are asked for.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    fn of(extra: &'a [u8]) -> Self {
        Self(extras(extra).find(|(id, _)| *id == 1).map_or(&[], |(_, data)| data))
    }

    /// The value of a field that may say that it stands in the extra field.
    fn value(&mut self, narrow: u32) -> usize {
        if narrow != u32::MAX {
            return index(narrow);
        }
        // Where it does not stand there, readers take the number as it is.
        let value = le64(self.0, 0).map_or_else(|| index(narrow), index64);
        self.0 = tail(self.0, 8);
        value
    }
}

/// Ids and data of an extra field.
fn extras(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (id, length) = (le16(extra, 0)?, usize::from(le16(extra, 2)?));
        let data = slice(extra, 4, length)?;
        extra = tail(extra, 4 + length);
        Some((id, data))
    })
}

/// Whether an extra field gives the entry another name (Info-ZIP's Unicode path: a version, a checksum, the name). One that
/// writes out letters that ASCII has not is the same, as far as the ending goes.
fn has_other_name(extra: &[u8], name: &[u8]) -> bool {
    extras(extra).filter(|(id, _)| *id == 0x7075).any(|(_, data)| {
        let other = tail(data, 5);
        let ending = |name: &[u8]| name.rsplit(|byte| *byte == b'.').next().map(<[u8]>::to_ascii_lowercase);
        if name.is_ascii() { other != name } else { ending(other) != ending(name) }
    })
}

/// What stands before an entry's data.
struct Local<'a> {
    flags: u16,
    method: u16,
    crc: u32,
    packed: usize,
    size: usize,
    name: &'a [u8],
    extra: &'a [u8],
    data: usize,
}

impl<'a> Local<'a> {
    fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        if slice(bytes, at, 30)?.get(..4)? != LOCAL {
            return None;
        }
        let name_length = usize::from(le16(bytes, at + 26)?);
        let extra_length = usize::from(le16(bytes, at + 28)?);
        let name = slice(bytes, at + 30, name_length)?;
        let extra = slice(bytes, at + 30 + name_length, extra_length)?;
        let mut wide = Wide::of(extra);
        let size = wide.value(le32(bytes, at + 22)?);
        let packed = wide.value(le32(bytes, at + 18)?);
        Some(Self {
            flags: le16(bytes, at + 6)?,
            method: le16(bytes, at + 8)?,
            crc: le32(bytes, at + 14)?,
            packed,
            size,
            name,
            extra,
            data: at + 30 + name_length + extra_length,
        })
    }
}

/// The length of what describes an entry behind its data, with or without a signature, in 32 or 64 bits.
fn descriptor(bytes: &[u8], at: usize, crc: u32, packed: usize) -> Option<usize> {
    let signed = slice(bytes, at, 4) == Some(DESCRIPTOR);
    let start = if signed { at + 4 } else { at };
    let narrow = le32(bytes, start)? == crc && le32(bytes, start + 4).map(index) == Some(packed);
    let wide = le32(bytes, start)? == crc && le64(bytes, start + 4).map(index64) == Some(packed);
    // A size below 4 GiB is narrow but for the zeros behind it: then the next record tells.
    let next = |length: usize| matches!(slice(bytes, start + length, 4), Some(LOCAL | CENTRAL));
    let length = match (narrow, wide) {
        (true, true) if !next(12) && next(20) => 20,
        (true, _) => 12,
        (_, true) => 20,
        _ => return None,
    };
    Some(start - at + length)
}
