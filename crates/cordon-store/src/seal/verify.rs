//! Whether an object is what the log says: everything in it is derived again from its entries.

use std::sync::Arc;

use cordon_core::{Digest, evidence::SegmentSeal};
use cordon_ledger::{Frontier, Hash, leaf_hash};
use parquet::{
    column::reader::ColumnReader,
    data_type::ByteArray,
    file::{
        metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData},
        reader::{FileReader, RowGroupReader, SerializedFileReader},
        statistics::Statistics,
    },
};

use super::{
    columns::{self, Column, ENTRY, FRAME_KIND},
    group::{Group, MAX_ENTRY_BYTES, MAX_ROWS, Values},
    labels,
    object::{CheckedObject, Chunks, Flaw, SealedError, guarded, unreadable},
};
use crate::objects::Objects;

/// Rows whose entries are read at once.
const BATCH_ROWS: usize = 1024;

/// What lengths and page headers add to the entries of a row group, at most.
const OVERHEAD: usize = 4 * MAX_ROWS + (1 << 20);

/// Checks that an object is the one of a seal: length and digest, then form, metadata, every frame's sequence, every
/// projection, the statistics that readers skip by, and the root of the tree. Streams; memory as [the module](super) says.
///
/// # Errors
/// [`SealedError::Flawed`] with the first thing that is wrong; [`SealedError::Store`] where the store cannot be asked.
pub fn verify_object(objects: &Arc<dyn Objects>, seal: &SegmentSeal) -> Result<(), SealedError> {
    guarded(seal, || verify(objects, seal))
}

fn verify(objects: &Arc<dyn Objects>, seal: &SegmentSeal) -> Result<(), SealedError> {
    let file = open(objects, seal)?;
    let verifier = Verifier { seal, file: &file };
    let mut tree = Frontier::new();
    let mut first = seal.first;
    for group in 0..file.num_row_groups() {
        first = verifier.group(group, first, &mut tree)?;
    }
    if tree.size() != seal.count {
        return Err(verifier.flawed(Flaw::Count { found: tree.size() }));
    }
    let found = Digest::from_bytes(*tree.root().as_bytes());
    if found != seal.root {
        return Err(verifier.flawed(Flaw::Root { found }));
    }
    Ok(())
}

/// Opens the object of a seal whose digest, form and metadata are right.
pub(super) fn open(
    objects: &Arc<dyn Objects>,
    seal: &SegmentSeal,
) -> Result<SerializedFileReader<Chunks>, SealedError> {
    let checked = CheckedObject::open(objects, seal)?;
    let file = SerializedFileReader::new(Chunks(checked)).map_err(unreadable(seal))?;
    let flawed = |flaw| SealedError::Flawed { object: seal.object.clone(), flaw };
    let schema = columns::schema().map_err(unreadable(seal))?;
    if file.metadata().file_metadata().schema() != &*schema {
        return Err(flawed(Flaw::Label { label: "schema" }));
    }
    check_labels(file.metadata(), seal).map_err(flawed)?;
    let rows: i128 = file.metadata().row_groups().iter().map(|group| i128::from(group.num_rows())).sum();
    if rows != i128::from(seal.count) {
        return Err(flawed(Flaw::Count { found: u64::try_from(rows).unwrap_or(u64::MAX) }));
    }
    for (number, group) in file.metadata().row_groups().iter().enumerate() {
        check_size(group).ok_or_else(|| flawed(Flaw::Group { group: number }))?;
    }
    Ok(file)
}

fn check_labels(metadata: &ParquetMetaData, seal: &SegmentSeal) -> Result<(), Flaw> {
    let found = metadata.file_metadata().key_value_metadata().map(Vec::as_slice).unwrap_or_default();
    let expected = labels(seal.journal, seal.first, seal.count, seal.root);
    for (at, (label, value)) in expected.iter().enumerate() {
        let same = found.get(at).is_some_and(|f| f.key == *label && f.value.as_ref() == Some(value));
        if !same {
            return Err(Flaw::Label { label });
        }
    }
    if found.len() == expected.len() { Ok(()) } else { Err(Flaw::Label { label: "more" }) }
}

/// Whether a row group is small enough to be read.
fn check_size(group: &RowGroupMetaData) -> Option<()> {
    let rows = usize::try_from(group.num_rows()).ok()?;
    let entries = usize::try_from(group.columns().get(ENTRY)?.uncompressed_size()).ok()?;
    let sound = (1..=MAX_ROWS).contains(&rows) && entries <= MAX_ENTRY_BYTES + OVERHEAD;
    (sound && group.num_columns() == Column::ALL.len()).then_some(())
}

struct Verifier<'a> {
    seal: &'a SegmentSeal,
    file: &'a SerializedFileReader<Chunks>,
}

impl Verifier<'_> {
    fn flawed(&self, flaw: Flaw) -> SealedError {
        SealedError::Flawed { object: self.seal.object.clone(), flaw }
    }

    /// Checks one row group and returns the sequence after it.
    fn group(&self, number: usize, first: u64, tree: &mut Frontier) -> Result<u64, SealedError> {
        let unreadable = unreadable(self.seal);
        let reader = self.file.get_row_group(number).map_err(&unreadable)?;
        let group = self.entries(number, first, &*reader, tree)?;
        for (index, (column, name)) in Column::ALL.into_iter().enumerate().skip(1) {
            let mut chunk = reader.get_column_reader(index).map_err(&unreadable)?;
            let mut bounds = Bounds::default();
            let mut row = 0;
            for rows in group.parts(column) {
                let derived = group.batch(column, rows.clone());
                let (levels, values) = read(&mut chunk, rows.len()).map_err(&unreadable)?;
                if let Some(at) = derived.difference(&levels, &values, rows.len()) {
                    let sequence = first.saturating_add((row + at) as u64);
                    return Err(self.flawed(Flaw::Value { sequence, column: name }));
                }
                bounds.add(rows.len(), &derived.values);
                row = rows.end;
            }
            let (levels, values) = read(&mut chunk, 1).map_err(&unreadable)?;
            if !levels.is_empty() || !values.is_empty() {
                return Err(self.flawed(Flaw::Group { group: number }));
            }
            let holds = reader.metadata().columns().get(index).is_some_and(|chunk| bounds.hold_in(chunk));
            if !holds {
                return Err(self.flawed(Flaw::Statistics { group: number, column: name }));
            }
        }
        Ok(group.end())
    }

    /// Reads entries and kinds of a row group, from which all else follows, and grows the tree.
    fn entries(
        &self,
        number: usize,
        first: u64,
        reader: &dyn RowGroupReader,
        tree: &mut Frontier,
    ) -> Result<Group, SealedError> {
        let unreadable = unreadable(self.seal);
        let mut entries = reader.get_column_reader(ENTRY).map_err(&unreadable)?;
        let mut kinds = reader.get_column_reader(FRAME_KIND).map_err(&unreadable)?;
        let mut group = Group::new(first);
        loop {
            let (_, values) = read(&mut entries, BATCH_ROWS).map_err(&unreadable)?;
            let Values::Bytes(batch) = values else { return Err(self.flawed(Flaw::Group { group: number })) };
            if batch.is_empty() {
                break;
            }
            let (_, Values::Int32(batch_kinds)) = read(&mut kinds, batch.len()).map_err(&unreadable)? else {
                return Err(self.flawed(Flaw::Group { group: number }));
            };
            for (row, entry) in batch.iter().enumerate() {
                let kind = batch_kinds.get(row).and_then(|kind| u8::try_from(*kind).ok()).filter(|k| *k > 0);
                let Some(kind) = kind else {
                    let sequence = group.end();
                    return Err(self.flawed(Flaw::Value { sequence, column: "frame_kind" }));
                };
                if !group.takes(entry.len()) {
                    return Err(self.flawed(Flaw::Group { group: number }));
                }
                group.push(kind, entry.data());
                tree.push(leaf(entry));
            }
        }
        if i64::try_from(group.rows()).ok() != Some(reader.metadata().num_rows()) {
            return Err(self.flawed(Flaw::Count { found: tree.size() }));
        }
        group.close();
        Ok(group)
    }
}

fn leaf(entry: &ByteArray) -> Hash {
    leaf_hash(entry.data())
}

/// The next rows of a column: their levels, where the column has them, and the values.
pub(super) fn read(
    column: &mut ColumnReader,
    rows: usize,
) -> Result<(Vec<i16>, Values), parquet::errors::ParquetError> {
    let mut levels = Vec::new();
    let values = match column {
        ColumnReader::ByteArrayColumnReader(reader) => {
            let mut values = Vec::new();
            reader.read_records(rows, Some(&mut levels), None, &mut values)?;
            Values::Bytes(values)
        }
        ColumnReader::Int32ColumnReader(reader) => {
            let mut values = Vec::new();
            reader.read_records(rows, Some(&mut levels), None, &mut values)?;
            Values::Int32(values)
        }
        ColumnReader::Int64ColumnReader(reader) => {
            let mut values = Vec::new();
            reader.read_records(rows, Some(&mut levels), None, &mut values)?;
            Values::Int64(values)
        }
        _ => return Err(parquet::errors::ParquetError::General("a column of another type".to_owned())),
    };
    Ok((levels, values))
}

impl super::group::Batch {
    /// The first row where this is not what was read.
    fn difference(&self, levels: &[i16], values: &Values, rows: usize) -> Option<usize> {
        if self.levels == levels && self.values == *values {
            return None;
        }
        let has = |levels: &[i16], row: usize| levels.is_empty() || levels.get(row) == Some(&1);
        let (mut ours, mut theirs) = (0, 0);
        for row in 0..rows {
            let both = (has(&self.levels, row), has(levels, row));
            let read = self.levels.is_empty() || row < levels.len();
            if both.0 != both.1 || !read || (both.0 && !self.values.same(ours, values, theirs)) {
                return Some(row);
            }
            ours += usize::from(both.0);
            theirs += usize::from(both.1);
        }
        // More than these rows were read: behind the last one.
        Some(rows)
    }
}

impl Values {
    fn is_empty(&self) -> bool {
        match self {
            Self::Bytes(values) => values.is_empty(),
            Self::Int32(values) => values.is_empty(),
            Self::Int64(values) => values.is_empty(),
        }
    }

    fn same(&self, at: usize, other: &Self, there: usize) -> bool {
        fn same<T: PartialEq>(ours: &[T], at: usize, theirs: &[T], there: usize) -> bool {
            matches!((ours.get(at), theirs.get(there)), (Some(a), Some(b)) if a == b)
        }
        match (self, other) {
            (Self::Bytes(ours), Self::Bytes(theirs)) => same(ours, at, theirs, there),
            (Self::Int32(ours), Self::Int32(theirs)) => same(ours, at, theirs, there),
            (Self::Int64(ours), Self::Int64(theirs)) => same(ours, at, theirs, there),
            _ => false,
        }
    }
}

/// The smallest and largest value of a column chunk, and how many rows have none.
#[derive(Default)]
struct Bounds {
    nulls: u64,
    bytes: Option<(ByteArray, ByteArray)>,
    integers: Option<(i64, i64)>,
}

impl Bounds {
    fn add(&mut self, rows: usize, values: &Values) {
        let present = match values {
            Values::Bytes(values) => {
                for value in values {
                    let (low, high) = self.bytes.get_or_insert_with(|| (value.clone(), value.clone()));
                    if value.data() < low.data() {
                        *low = value.clone();
                    } else if value.data() > high.data() {
                        *high = value.clone();
                    }
                }
                values.len()
            }
            Values::Int32(values) => {
                let wide = |value: Option<&i32>| value.map(|value| i64::from(*value));
                self.widen_integers(wide(values.iter().min()), wide(values.iter().max()));
                values.len()
            }
            Values::Int64(values) => {
                self.widen_integers(values.iter().min().copied(), values.iter().max().copied());
                values.len()
            }
        };
        self.nulls += rows.saturating_sub(present) as u64;
    }

    fn widen_integers(&mut self, least: Option<i64>, most: Option<i64>) {
        if let (Some(least), Some(most)) = (least, most) {
            let (low, high) = self.integers.unwrap_or((least, most));
            self.integers = Some((low.min(least), high.max(most)));
        }
    }

    /// Whether the statistics of a chunk are these.
    fn hold_in(&self, chunk: &ColumnChunkMetaData) -> bool {
        let integers = self.integers;
        match chunk.statistics() {
            Some(Statistics::ByteArray(statistics)) => {
                let found = statistics.min_opt().zip(statistics.max_opt());
                let bounds = self.bytes.as_ref().map(|(low, high)| (low.data(), high.data()));
                statistics.null_count_opt() == Some(self.nulls)
                    && found.map(|(low, high)| (low.data(), high.data())) == bounds
            }
            Some(Statistics::Int32(statistics)) => {
                let found = statistics.min_opt().zip(statistics.max_opt());
                statistics.null_count_opt() == Some(self.nulls)
                    && found.map(|(low, high)| (i64::from(*low), i64::from(*high))) == integers
            }
            Some(Statistics::Int64(statistics)) => {
                let found = statistics.min_opt().zip(statistics.max_opt());
                statistics.null_count_opt() == Some(self.nulls)
                    && found.map(|(low, high)| (*low, *high)) == integers
            }
            _ => false,
        }
    }
}
