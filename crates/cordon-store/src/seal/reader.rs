//! Frames from a sealed object: all in order, or those of one call.

use std::sync::Arc;

use cordon_core::{CallId, evidence::SegmentSeal};
use parquet::{
    column::reader::ColumnReader,
    file::{
        metadata::RowGroupMetaData,
        reader::{FileReader, SerializedFileReader},
        statistics::Statistics,
    },
};

use super::{
    columns::{CALL_ID, ENTRY, FRAME_KIND},
    group::Values,
    object::{Chunks, Flaw, SealedError, guarded, unreadable},
    verify::{open, read},
};
use crate::{journal::Kind, objects::Objects};

/// Rows that are read at once where all are wanted; they are parts of one page.
const BATCH_ROWS: usize = 64;

/// Call ids that are looked through at once.
const SEARCH_ROWS: usize = 2048;

/// One frame of a sealed range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFrame {
    /// Its number in the journal: the index of its leaf in the journal's tree.
    pub sequence: u64,
    /// What it holds.
    pub kind: Kind,
    /// The exact bytes that were appended.
    pub payload: Vec<u8>,
}

/// Reads a sealed range. Opening it digests the whole object and compares it with the seal, so that all that is read is
/// what was sealed; projections are checked by [`verify_object`](super::verify_object) alone.
pub struct SealedReader {
    file: SerializedFileReader<Chunks>,
    seal: Arc<SegmentSeal>,
    /// The row group that is read next, and the sequence of its first frame.
    group: usize,
    first: u64,
    rows: Option<Rows>,
}

impl SealedReader {
    /// Opens the object of a seal at its first frame.
    ///
    /// # Errors
    /// When the object is not there, or not what was sealed.
    pub fn open(objects: &Arc<dyn Objects>, seal: &SegmentSeal) -> Result<Self, SealedError> {
        let file = guarded(seal, || open(objects, seal))?;
        Ok(Self { file, seal: Arc::new(seal.clone()), group: 0, first: seal.first, rows: None })
    }

    /// The next frame; `None` behind the last one.
    ///
    /// # Errors
    /// When the store cannot be asked, or its bytes changed.
    pub fn read(&mut self) -> Result<Option<SealedFrame>, SealedError> {
        let seal = Arc::clone(&self.seal);
        guarded(&seal, || self.next())
    }

    fn next(&mut self) -> Result<Option<SealedFrame>, SealedError> {
        loop {
            if let Some(rows) = &mut self.rows
                && let Some(frame) = rows.next(&self.seal)?
            {
                return Ok(Some(frame));
            }
            if self.group >= self.file.num_row_groups() {
                return Ok(None);
            }
            self.rows = Some(self.rows_of(self.group, self.first)?);
            self.first = self.first.saturating_add(rows(self.file.metadata().row_groups().get(self.group)));
            self.group += 1;
        }
    }

    /// Goes to a frame: the next one read has this sequence, or is the first of the range where that comes later.
    ///
    /// # Errors
    /// As [`SealedReader::read`].
    pub fn seek(&mut self, sequence: u64) -> Result<(), SealedError> {
        let seal = Arc::clone(&self.seal);
        guarded(&seal, || self.go_to(sequence))
    }

    fn go_to(&mut self, sequence: u64) -> Result<(), SealedError> {
        (self.group, self.first, self.rows) = (0, self.seal.first, None);
        for (number, group) in self.file.metadata().row_groups().iter().enumerate() {
            let end = self.first.saturating_add(rows(Some(group)));
            self.group = number + 1;
            if sequence < end {
                let mut rows = self.rows_of(number, self.first)?;
                rows.skip(sequence.saturating_sub(self.first), &self.seal)?;
                self.rows = Some(rows);
                self.first = end;
                return Ok(());
            }
            self.first = end;
        }
        Ok(())
    }

    /// The frames of a call, in their order. Row groups whose statistics exclude the call are not read.
    ///
    /// # Errors
    /// As [`SealedReader::read`].
    pub fn find(&self, call: CallId) -> Result<Vec<SealedFrame>, SealedError> {
        guarded(&self.seal, || self.search(call))
    }

    fn search(&self, call: CallId) -> Result<Vec<SealedFrame>, SealedError> {
        let wanted = call.to_string();
        let mut found = Vec::new();
        let mut first = self.seal.first;
        for (number, group) in self.file.metadata().row_groups().iter().enumerate() {
            if may_hold(group, wanted.as_bytes()) {
                let mut rows = self.rows_of(number, first)?;
                let mut at = 0;
                for row in self.rows_of_call(number, wanted.as_bytes())? {
                    rows.skip(row.saturating_sub(at), &self.seal)?;
                    found.extend(rows.next(&self.seal)?);
                    at = row + 1;
                }
            }
            first = first.saturating_add(rows(Some(group)));
        }
        Ok(found)
    }

    /// Which row groups a search for this call reads.
    #[cfg(test)]
    pub(super) fn groups_to_search(&self, call: CallId) -> Vec<usize> {
        let wanted = call.to_string();
        let groups = self.file.metadata().row_groups().iter().enumerate();
        groups.filter(|(_, group)| may_hold(group, wanted.as_bytes())).map(|(number, _)| number).collect()
    }

    fn rows_of(&self, group: usize, first: u64) -> Result<Rows, SealedError> {
        let group = self.file.get_row_group(group).map_err(unreadable(&self.seal))?;
        let column = |index| group.get_column_reader(index).map_err(unreadable(&self.seal));
        Ok(Rows { entries: column(ENTRY)?, kinds: column(FRAME_KIND)?, next: first, held: Vec::new() })
    }

    /// The rows of a row group that hold this call id, ascending.
    fn rows_of_call(&self, group: usize, wanted: &[u8]) -> Result<Vec<u64>, SealedError> {
        let group = self.file.get_row_group(group).map_err(unreadable(&self.seal))?;
        let mut column = group.get_column_reader(CALL_ID).map_err(unreadable(&self.seal))?;
        let (mut found, mut row) = (Vec::new(), 0);
        loop {
            let (levels, values) = read(&mut column, SEARCH_ROWS).map_err(unreadable(&self.seal))?;
            if levels.is_empty() {
                return Ok(found);
            }
            let Values::Bytes(values) = values else { return Ok(found) };
            let mut values = values.iter();
            for level in levels {
                let value = if level > 0 { values.next() } else { None };
                if value.is_some_and(|value| value.data() == wanted) {
                    found.push(row);
                }
                row += 1;
            }
        }
    }
}

impl std::fmt::Debug for SealedReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedReader").field("object", &self.seal.object).finish_non_exhaustive()
    }
}

/// The rows of one row group that are still to be read.
struct Rows {
    entries: ColumnReader,
    kinds: ColumnReader,
    next: u64,
    /// Frames that were read and not yet handed on, the last one first.
    held: Vec<SealedFrame>,
}

impl Rows {
    fn next(&mut self, seal: &SegmentSeal) -> Result<Option<SealedFrame>, SealedError> {
        if self.held.is_empty() {
            self.fill(seal)?;
        }
        Ok(self.held.pop())
    }

    fn fill(&mut self, seal: &SegmentSeal) -> Result<(), SealedError> {
        let (_, entries) = read(&mut self.entries, BATCH_ROWS).map_err(unreadable(seal))?;
        let (_, kinds) = read(&mut self.kinds, BATCH_ROWS).map_err(unreadable(seal))?;
        if let (Values::Bytes(entries), Values::Int32(kinds)) = (entries, kinds) {
            for (entry, kind) in entries.iter().zip(kinds) {
                let sequence = self.next;
                let flaw = Flaw::Value { sequence, column: "frame_kind" };
                let kind = u8::try_from(kind).ok().and_then(Kind::new);
                let kind = kind.ok_or_else(|| SealedError::Flawed { object: seal.object.clone(), flaw })?;
                self.held.push(SealedFrame { sequence, kind, payload: entry.data().to_vec() });
                self.next += 1;
            }
        }
        self.held.reverse();
        Ok(())
    }

    /// Passes over frames.
    fn skip(&mut self, frames: u64, seal: &SegmentSeal) -> Result<(), SealedError> {
        let held = usize::try_from(frames).unwrap_or(usize::MAX).min(self.held.len());
        self.held.truncate(self.held.len() - held);
        let left = usize::try_from(frames.saturating_sub(held as u64)).unwrap_or(usize::MAX);
        if left > 0 {
            if let ColumnReader::ByteArrayColumnReader(reader) = &mut self.entries {
                reader.skip_records(left).map_err(unreadable(seal))?;
            }
            if let ColumnReader::Int32ColumnReader(reader) = &mut self.kinds {
                reader.skip_records(left).map_err(unreadable(seal))?;
            }
            self.next = self.next.saturating_add(left as u64);
        }
        Ok(())
    }
}

fn rows(group: Option<&RowGroupMetaData>) -> u64 {
    group.and_then(|group| u64::try_from(group.num_rows()).ok()).unwrap_or(0)
}

/// Whether the statistics of a row group leave room for this call id.
fn may_hold(group: &RowGroupMetaData, wanted: &[u8]) -> bool {
    let statistics = group.columns().get(CALL_ID).and_then(|chunk| chunk.statistics());
    let Some(Statistics::ByteArray(statistics)) = statistics else { return true };
    match (statistics.min_opt(), statistics.max_opt()) {
        (Some(low), Some(high)) => (low.data()..=high.data()).contains(&wanted),
        // Without bounds there is no value, where there are as many nulls as rows.
        _ => statistics.null_count_opt() != Some(rows(Some(group))),
    }
}
