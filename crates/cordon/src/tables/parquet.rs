//! Parquet with flat columns, by row group and batch: rows are put together again as they were.

use std::{fs::File, path::Path};

use cordon_stats::profile::Cell;
use parquet::{
    basic::{Compression, ConvertedType, LogicalType, TimeUnit},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{ByteArray, DataType, FixedLenByteArray, Int96},
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{FileReader as _, SerializedFileReader},
    },
    schema::types::ColumnDescriptor,
};

use super::contained::contained;
use super::{LeftOut, MOST_COLUMNS, OnRow, TableError, distinct_names};

/// Rows that are decoded at once.
const BATCH: usize = 1_024;

pub(super) fn read(path: &Path, id: Option<&str>, on_row: OnRow<'_>) -> Result<LeftOut, TableError> {
    let file = File::open(path).map_err(|source| TableError::Io { path: path.to_owned(), source })?;
    let broken = |source| TableError::Parquet { path: path.to_owned(), source: Box::new(source) };
    let reader = contained(|| SerializedFileReader::new(file)).map_err(broken)?;
    readable(path, reader.metadata())?;
    let schema = reader.metadata().file_metadata().schema_descr();
    if schema.num_columns() > MOST_COLUMNS {
        return Err(TableError::TooManyColumns { path: path.to_owned() });
    }
    let mut left_out = LeftOut::default();
    let mut columns = Vec::new();
    for (at, column) in schema.columns().iter().enumerate() {
        if column.max_rep_level() > 0 {
            left_out.nested_columns.push(column.path().string());
        } else {
            columns.push((at, column.max_def_level(), Meaning::of(column)));
        }
    }
    let name =
        |at: &usize| schema.columns().get(*at).map(|column| column.path().string()).unwrap_or_default();
    let names = distinct_names(columns.iter().map(|(at, ..)| name(at)).collect());
    let id = id.and_then(|id| names.iter().position(|name| name == id));
    let mut any = false;
    for group in 0..reader.num_row_groups() {
        let group = contained(|| reader.get_row_group(group)).map_err(broken)?;
        let open = |(place, (at, defined, meaning)): (usize, &(usize, i16, Meaning))| {
            let reader = contained(|| group.get_column_reader(*at))?;
            Ok(Column {
                reader,
                defined: *defined,
                meaning: *meaning,
                is_id: id == Some(place),
                levels: Vec::new(),
                values: Values::None,
            })
        };
        let readers = columns.iter().enumerate().map(open).collect::<Result<Vec<_>, ParquetError>>();
        let mut readers = readers.map_err(broken)?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let rows = left.min(BATCH);
            left -= rows;
            for column in &mut readers {
                contained(|| column.decode(rows)).map_err(broken)?;
            }
            let mut has_bytes = false;
            let cells =
                readers.iter().map(|column| column.cells(rows, &mut has_bytes)).collect::<Option<Vec<_>>>();
            let short = || {
                broken(ParquetError::EOF("a column has fewer values than its row group has rows".to_owned()))
            };
            let mut cells: Vec<_> = cells.ok_or_else(short)?.into_iter().map(Vec::into_iter).collect();
            let mut row = Vec::with_capacity(names.len());
            for _ in 0..rows {
                row.clear();
                row.extend(cells.iter_mut().map(|column| column.next().unwrap_or(Cell::Missing)));
                left_out.not_utf8 += u64::from(has_bytes && row.contains(&NO_TEXT));
                on_row(&names, &row);
            }
            any = true;
        }
    }
    if !any {
        on_row(&names, &[]);
    }
    Ok(left_out)
}

/// What stands for bytes that are no text.
const NO_TEXT: Cell<'_> = Cell::Text("(bytes that are not UTF-8)");

/// That every column is packed in a way that is read here.
pub(super) fn readable(path: &Path, file: &ParquetMetaData) -> Result<(), TableError> {
    let mut columns = file.row_groups().iter().flat_map(|group| group.columns());
    let what = columns.find_map(|column| match column.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY => None,
        Compression::GZIP(_) => Some("is packed with gzip inside"),
        Compression::ZSTD(_) => Some("is packed with zstd inside"),
        Compression::LZ4 | Compression::LZ4_RAW => Some("is packed with lz4 inside"),
        Compression::BROTLI(_) => Some("is packed with brotli inside"),
        Compression::LZO => Some("is packed with lzo inside"),
    });
    let way = "write it with Snappy, such as by `df.write_parquet(FILE, compression=\"snappy\")` of polars or `COPY … (CODEC 'snappy')` of DuckDB";
    what.map_or(Ok(()), |what| Err(TableError::NoTable { path: path.to_owned(), what, way }))
}

/// What the stored number stands for.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// Days since 1970.
    Day,
    /// A whole number over this power of ten.
    Decimal(i32),
    /// A number of two bytes.
    Half,
    /// A moment, in so many a second.
    Moment(f64),
    Plain,
    /// A whole number without a sign.
    Unsigned,
}

impl Meaning {
    fn of(column: &ColumnDescriptor) -> Self {
        match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => Self::Day,
            (Some(LogicalType::Decimal(_)), _) | (None, ConvertedType::DECIMAL) => {
                Self::Decimal(column.type_scale())
            }
            (Some(LogicalType::Float16), _) => Self::Half,
            (Some(LogicalType::Timestamp(of)), _) => Self::Moment(match of.unit {
                TimeUnit::MILLIS => 1e3,
                TimeUnit::MICROS => 1e6,
                TimeUnit::NANOS => 1e9,
            }),
            (None, ConvertedType::TIMESTAMP_MILLIS) => Self::Moment(1e3),
            (None, ConvertedType::TIMESTAMP_MICROS) => Self::Moment(1e6),
            (Some(LogicalType::Integer(of)), _) if !of.is_signed => Self::Unsigned,
            (
                None,
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
            ) => Self::Unsigned,
            _ => Self::Plain,
        }
    }

    fn whole(self, value: i64) -> Cell<'static> {
        match self {
            Self::Day => Cell::Date(value as f64 * 86_400.0),
            Self::Moment(per_second) => Cell::Date(value as f64 / per_second),
            Self::Decimal(scale) => Cell::Decimal(value as f64 / 10_f64.powi(scale)),
            Self::Half | Self::Plain | Self::Unsigned => Cell::Integer(value),
        }
    }

    fn long(self, value: i64) -> Cell<'static> {
        match self {
            Self::Unsigned if value < 0 => Cell::Decimal(value.cast_unsigned() as f64),
            _ => self.whole(value),
        }
    }

    fn short(self, value: i32) -> Cell<'static> {
        match self {
            Self::Unsigned => Cell::Integer(value.cast_unsigned().into()),
            _ => self.whole(value.into()),
        }
    }

    /// Bytes: a decimal number, big-endian, half a float, or a text.
    fn bytes<'a>(self, bytes: &'a [u8], has_bytes: &mut bool) -> Cell<'a> {
        if let (Self::Half, Ok(bytes)) = (self, bytes.try_into()) {
            return Cell::Decimal(half(bytes));
        }
        if let Self::Decimal(scale) = self {
            let negative = bytes.first().is_some_and(|first| *first >= 0x80);
            let start = if negative { -1.0 } else { 0.0 };
            let number = bytes.iter().fold(start, |number: f64, byte| number * 256.0 + f64::from(*byte));
            return Cell::Decimal(number / 10_f64.powi(scale));
        }
        std::str::from_utf8(bytes).map(Cell::Text).unwrap_or_else(|_| {
            *has_bytes = true;
            NO_TEXT
        })
    }
}

/// A column of the row group that is being read, and its current batch.
struct Column {
    reader: ColumnReader,
    /// The level at which a value is there.
    defined: i16,
    meaning: Meaning,
    /// It names rows: every digit counts.
    is_id: bool,
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Boolean(Vec<bool>),
    Bytes(Vec<ByteArray>),
    Double(Vec<f64>),
    Fixed(Vec<FixedLenByteArray>),
    Float(Vec<f32>),
    /// Whole numbers without a sign, and the digits of those that no number holds.
    Ids(Vec<(i64, String)>),
    Long(Vec<i64>),
    Moment(Vec<Int96>),
    None,
    Short(Vec<i32>),
}

impl Column {
    fn decode(&mut self, rows: usize) -> Result<(), ParquetError> {
        let levels = &mut self.levels;
        self.values = match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => Values::Boolean(batch(reader, rows, levels)?),
            ColumnReader::Int32ColumnReader(reader) => Values::Short(batch(reader, rows, levels)?),
            ColumnReader::Int64ColumnReader(reader) => {
                let values = batch(reader, rows, levels)?;
                if self.is_id && matches!(self.meaning, Meaning::Unsigned) {
                    Values::Ids(values.into_iter().map(digits).collect())
                } else {
                    Values::Long(values)
                }
            }
            ColumnReader::Int96ColumnReader(reader) => Values::Moment(batch(reader, rows, levels)?),
            ColumnReader::FloatColumnReader(reader) => Values::Float(batch(reader, rows, levels)?),
            ColumnReader::DoubleColumnReader(reader) => Values::Double(batch(reader, rows, levels)?),
            ColumnReader::ByteArrayColumnReader(reader) => Values::Bytes(batch(reader, rows, levels)?),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                Values::Fixed(batch(reader, rows, levels)?)
            }
        };
        Ok(())
    }

    /// The cells of the batch. `None` when it has fewer than `rows`.
    fn cells(&self, rows: usize, has_bytes: &mut bool) -> Option<Vec<Cell<'_>>> {
        let meaning = self.meaning;
        match &self.values {
            Values::Boolean(values) => self.spread(values, rows, |value| Cell::Boolean(*value)),
            Values::Bytes(values) => {
                self.spread(values, rows, |value| meaning.bytes(value.data(), has_bytes))
            }
            Values::Double(values) => self.spread(values, rows, |value| Cell::Decimal(*value)),
            Values::Fixed(values) => {
                self.spread(values, rows, |value| meaning.bytes(value.data(), has_bytes))
            }
            Values::Float(values) => self.spread(values, rows, |value| Cell::Decimal(f64::from(*value))),
            Values::Ids(values) => self.spread(values, rows, |(value, digits)| {
                if digits.is_empty() { Cell::Integer(*value) } else { Cell::Text(digits) }
            }),
            Values::Long(values) => self.spread(values, rows, |value| meaning.long(*value)),
            Values::Moment(values) => {
                self.spread(values, rows, |value| Cell::Date(value.to_millis() as f64 / 1e3))
            }
            Values::None => None,
            Values::Short(values) => self.spread(values, rows, |value| meaning.short(*value)),
        }
    }

    fn spread<'a, T>(
        &'a self,
        values: &'a [T],
        rows: usize,
        mut cell: impl FnMut(&'a T) -> Cell<'a>,
    ) -> Option<Vec<Cell<'a>>> {
        if self.defined == 0 {
            return (values.len() == rows).then(|| values.iter().map(cell).collect());
        }
        let mut values = values.iter();
        let there = |level: &i16| {
            if *level == self.defined { values.next().map(&mut cell) } else { Some(Cell::Missing) }
        };
        let cells: Vec<Cell<'a>> = self.levels.iter().map(there).collect::<Option<_>>()?;
        (cells.len() == rows).then_some(cells)
    }
}

/// A number of two bytes, the lower one first (IEEE 754 binary16): a sign, five bits of exponent, ten of fraction.
pub(super) fn half(bytes: [u8; 2]) -> f64 {
    let bits = u16::from_le_bytes(bytes);
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// A whole number that is stored with a sign and has none, with its digits where it is beyond those with one.
fn digits(value: i64) -> (i64, String) {
    (value, if value < 0 { value.cast_unsigned().to_string() } else { String::new() })
}

fn batch<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: &mut Vec<i16>,
) -> Result<Vec<T::T>, ParquetError> {
    let mut values = Vec::with_capacity(rows);
    levels.clear();
    let mut read = 0;
    while read < rows {
        let (records, ..) = reader.read_records(rows - read, Some(levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    Ok(values)
}
