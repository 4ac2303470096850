//! The frames of one row group in memory, and what each column holds of them: writing and verifying ask the same question.

use std::{collections::HashMap, ops::Range};

use cordon_core::CallId;
use parquet::data_type::ByteArray;

use super::{
    columns::Column,
    projection::{NAMES, Projection},
};

/// The most frames of one row group.
pub const MAX_ROWS: usize = 65_536;

/// The most bytes of entries of one row group: sixteen of the largest frames.
pub const MAX_ENTRY_BYTES: usize = 16 << 20;

/// Rows that are written or compared at once.
const BATCH_ROWS: usize = 2048;

/// Bytes of entries that are written at once: a page ends only between two batches.
const BATCH_BYTES: usize = 256 * 1024;

/// Characters of a call id (RFC 9562, section 4).
const UUID: usize = 36;

/// The digits of every byte, behind each other.
const HEX: [u8; 512] = {
    let (digits, mut pairs, mut byte) = (*b"0123456789abcdef", [0; 512], 0);
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated by the compiler: outside of its bounds it does not build"
    )]
    while byte < 256 {
        pairs[2 * byte] = digits[byte >> 4];
        pairs[2 * byte + 1] = digits[byte & 15];
        byte += 1;
    }
    pairs
};

/// A name that a frame does not say.
const NONE: u32 = u32::MAX;

/// Consecutive frames.
pub(super) struct Group {
    first: u64,
    entries: Vec<u8>,
    /// The entries when all are there, so that each can be handed on without a copy.
    closed: ByteArray,
    /// Where each entry ends.
    ends: Vec<usize>,
    kinds: Vec<u8>,
    calls: Vec<Option<CallId>>,
    times: Vec<Option<i64>>,
    names: [Vec<u32>; NAMES],
    distinct: Vec<ByteArray>,
    known: HashMap<Box<str>, u32>,
    statuses: Vec<Option<i32>>,
    tokens_in: Vec<Option<i64>>,
    tokens_out: Vec<Option<i64>>,
}

/// A part of one column.
pub(super) struct Batch {
    /// For each row 1 where it has a value, else 0; empty for a column that has one in every row.
    pub(super) levels: Vec<i16>,
    /// The values of the rows that have one.
    pub(super) values: Values,
}

/// Values of one physical type.
#[derive(Debug, PartialEq)]
pub(super) enum Values {
    Bytes(Vec<ByteArray>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
}

impl Group {
    pub(super) fn new(first: u64) -> Self {
        Self {
            first,
            entries: Vec::new(),
            closed: ByteArray::from(Vec::new()),
            ends: Vec::new(),
            kinds: Vec::new(),
            calls: Vec::new(),
            times: Vec::new(),
            names: Default::default(),
            distinct: Vec::new(),
            known: HashMap::new(),
            statuses: Vec::new(),
            tokens_in: Vec::new(),
            tokens_out: Vec::new(),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.ends.len()
    }

    /// The sequence after the last frame.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.rows() as u64)
    }

    /// Whether one more entry of this length fits.
    pub(super) fn takes(&self, length: usize) -> bool {
        self.rows() < MAX_ROWS && self.entries.len().saturating_add(length) <= MAX_ENTRY_BYTES
    }

    pub(super) fn push(&mut self, kind: u8, entry: &[u8]) {
        if self.entries.is_empty() {
            // Memory that is not touched costs nothing; growing by halves would cost twice.
            self.entries.reserve_exact(MAX_ENTRY_BYTES);
        }
        self.entries.extend_from_slice(entry);
        self.ends.push(self.entries.len());
        self.kinds.push(kind);
        let projection = Projection::of(entry);
        self.calls.push(projection.call);
        self.times.push(projection.time);
        for (column, name) in projection.names.iter().enumerate() {
            let number = name.as_ref().map_or(NONE, |name| self.number(&name.0));
            self.names.get_mut(column).into_iter().for_each(|numbers| numbers.push(number));
        }
        self.statuses.push(projection.status);
        self.tokens_in.push(projection.tokens_in);
        self.tokens_out.push(projection.tokens_out);
    }

    /// All frames are there.
    pub(super) fn close(&mut self) {
        self.closed = ByteArray::from(std::mem::take(&mut self.entries));
        self.known = HashMap::new();
    }

    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.known.get(name) {
            return *number;
        }
        // INVARIANT: a group holds less than 2^32 bytes of entries, and each name at least its quotes.
        let number = u32::try_from(self.distinct.len()).unwrap_or(NONE);
        self.distinct.push(ByteArray::from(name));
        self.known.insert(name.into(), number);
        number
    }

    /// The rows of a column, in the parts in which it is written.
    pub(super) fn parts(&self, column: Column) -> impl Iterator<Item = Range<usize>> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let rows = self.rows();
            let mut end = rows.min(start + BATCH_ROWS);
            if column == Column::Entry {
                let begin = self.entry_start(start);
                let ends = self.ends.get(start..end).unwrap_or_default();
                end = start + ends.partition_point(|end| end - begin <= BATCH_BYTES).max(1);
                end = end.min(rows);
            }
            let part = start..end;
            start = end;
            (!part.is_empty()).then_some(part)
        })
    }

    /// What a column holds in some rows.
    pub(super) fn batch(&self, column: Column, rows: Range<usize>) -> Batch {
        match column {
            Column::Entry => all(Values::Bytes(rows.map(|row| self.entry(row)).collect())),
            Column::Sequence => all(Values::Int64(rows.map(|row| self.sequence(row)).collect())),
            Column::FrameKind => {
                all(Values::Int32(part(&self.kinds, rows).iter().map(|k| (*k).into()).collect()))
            }
            Column::CallId => texts_of_calls(part(&self.calls, rows)),
            Column::Time => some(part(&self.times, rows), Values::Int64),
            Column::Name(name) => self.names(name, rows),
            Column::Status => some(part(&self.statuses, rows), Values::Int32),
            Column::TokensIn => some(part(&self.tokens_in, rows), Values::Int64),
            Column::TokensOut => some(part(&self.tokens_out, rows), Values::Int64),
        }
    }

    fn entry_start(&self, row: usize) -> usize {
        row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }

    fn entry(&self, row: usize) -> ByteArray {
        let start = self.entry_start(row);
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.closed.slice(start, end - start)
    }

    fn sequence(&self, row: usize) -> i64 {
        // INVARIANT: whoever makes a group checks that its end is below 2^63.
        i64::try_from(self.first.saturating_add(row as u64)).unwrap_or(i64::MAX)
    }

    fn names(&self, name: usize, rows: Range<usize>) -> Batch {
        let numbers = self.names.get(name).map(|numbers| part(numbers, rows)).unwrap_or_default();
        let value = |number: &u32| self.distinct.get(*number as usize).cloned();
        Batch {
            levels: numbers.iter().map(|number| i16::from(*number != NONE)).collect(),
            values: Values::Bytes(numbers.iter().filter_map(value).collect()),
        }
    }
}

fn part<T>(all: &[T], rows: Range<usize>) -> &[T] {
    all.get(rows).unwrap_or_default()
}

fn all(values: Values) -> Batch {
    Batch { levels: Vec::new(), values }
}

fn some<T: Copy>(rows: &[Option<T>], values: fn(Vec<T>) -> Values) -> Batch {
    Batch {
        levels: rows.iter().map(|row| row.is_some().into()).collect(),
        values: values(rows.iter().copied().flatten().collect()),
    }
}

/// Call ids in their text form, one allocation for all.
fn texts_of_calls(rows: &[Option<CallId>]) -> Batch {
    let calls = rows.iter().flatten().count();
    let mut text = Vec::with_capacity(calls * UUID);
    for call in rows.iter().flatten() {
        let (digits, _) = HEX.as_chunks::<2>();
        for (number, byte) in call.as_bytes().iter().enumerate() {
            if matches!(number, 4 | 6 | 8 | 10) {
                text.push(b'-');
            }
            text.extend_from_slice(digits.get(usize::from(*byte)).unwrap_or(&[b'0'; 2]));
        }
    }
    let text = ByteArray::from(text);
    Batch {
        levels: rows.iter().map(|row| row.is_some().into()).collect(),
        values: Values::Bytes((0..calls).map(|call| text.slice(call * UUID, UUID)).collect()),
    }
}

#[cfg(test)]
impl Group {
    /// Makes a column of a row say something else than its entry.
    pub(super) fn falsify(&mut self, column: Column, row: usize) {
        let flip = |value: &mut Option<i64>| *value = Some(value.map_or(1, |value| value ^ 1));
        match column {
            Column::Entry => {
                let at = self.entry_start(row);
                let mut bytes = self.closed.data().to_vec();
                bytes[at] ^= 1;
                self.closed = ByteArray::from(bytes);
            }
            Column::Sequence => self.first += 1,
            Column::FrameKind => self.kinds[row] ^= 4,
            Column::CallId => self.calls[row] = Some(CallId::from_bytes([3; 16])),
            Column::Time => flip(&mut self.times[row]),
            Column::Name(name) => {
                let number = self.number("somebody else");
                self.names[name][row] = number;
            }
            Column::Status => self.statuses[row] = self.statuses[row].xor(Some(1)),
            Column::TokensIn => flip(&mut self.tokens_in[row]),
            Column::TokensOut => flip(&mut self.tokens_out[row]),
        }
    }
}
