//! A column of lists of numbers in Parquet, list by list: an embedding for each row.

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parquet::{
    basic::LogicalType,
    column::{
        page::{Page, PageMetadata, PageReader},
        reader::{ColumnReader, ColumnReaderImpl, get_column_reader},
    },
    data_type::DataType,
    errors::ParquetError,
    file::reader::{FileReader as _, SerializedFileReader},
    schema::types::SchemaDescriptor,
};

use super::{
    LeftOut, TableError,
    contained::contained,
    parquet::{half, readable},
};

/// Lists that are decoded at once.
const BATCH: usize = 64;
/// Numbers that one batch may be decoded from: a list without an end must not take the memory.
const MOST_VALUES: usize = 1 << 24;

/// Reads the lists of a column; `None` where the file has no column of that name with lists of numbers. A list that is not there, has
/// a hole in it, or is longer than `longest` is given as an empty one.
pub(super) fn read(
    path: &Path,
    name: &str,
    longest: usize,
    on_list: &mut dyn FnMut(&[f64]),
) -> Result<Option<LeftOut>, TableError> {
    let file = File::open(path).map_err(|source| TableError::Io { path: path.to_owned(), source })?;
    let broken = |source| TableError::Parquet { path: path.to_owned(), source: Box::new(source) };
    let reader = contained(|| SerializedFileReader::new(file)).map_err(broken)?;
    let Some(at) = place(reader.metadata().file_metadata().schema_descr(), name) else { return Ok(None) };
    readable(path, reader.metadata())?;
    let budget = Arc::new(AtomicUsize::new(0));
    for group in 0..reader.num_row_groups() {
        let group = contained(|| reader.get_row_group(group)).map_err(broken)?;
        let column = group.metadata().column(at).column_descr_ptr();
        let defined = column.max_def_level();
        let is_half = matches!(column.logical_type_ref(), Some(LogicalType::Float16));
        let pages = contained(|| group.get_column_page_reader(at)).map_err(broken)?;
        let pages = Bounded { pages, left: Arc::clone(&budget) };
        let mut lists = get_column_reader(column, Box::new(pages));
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let rows = left.min(BATCH);
            left -= rows;
            budget.store(MOST_VALUES, Ordering::Relaxed);
            let Some(batch) = contained(|| batch(&mut lists, rows, is_half)).map_err(broken)? else {
                return Ok(None);
            };
            if batch.each(defined, longest, on_list) != rows {
                let short = "a column has fewer values than its row group has rows";
                return Err(broken(ParquetError::EOF(short.to_owned())));
            }
        }
    }
    Ok(Some(LeftOut::default()))
}

/// The column that holds the lists: the only one below this name, and repeated once.
fn place(schema: &SchemaDescriptor, name: &str) -> Option<usize> {
    let columns = schema.columns().iter().enumerate();
    let mut below =
        columns.filter(|(_, column)| column.path().parts().first().is_some_and(|part| part == name));
    let (at, column) = below.next()?;
    (below.next().is_none() && column.max_rep_level() == 1).then_some(at)
}

/// Pages that are refused where a batch would take too many values of them.
struct Bounded {
    pages: Box<dyn PageReader>,
    left: Arc<AtomicUsize>,
}

impl Bounded {
    fn checked(&self, page: Option<Page>) -> Result<Option<Page>, ParquetError> {
        let values = page.as_ref().map_or(0, |page| page.num_values() as usize);
        let left = self.left.load(Ordering::Relaxed);
        let rest = left.checked_sub(values).ok_or_else(|| {
            ParquetError::General(format!(
                "a list has more than {MOST_VALUES} numbers, or a page of lists has"
            ))
        })?;
        self.left.store(rest, Ordering::Relaxed);
        Ok(page)
    }
}

impl Iterator for Bounded {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Bounded {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.pages.get_next_page()?;
        self.checked(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool, ParquetError> {
        self.pages.at_record_boundary()
    }
}

/// Lists as Parquet has them: numbers, and for each place whether it begins a list and whether a number is there.
struct Batch {
    values: Vec<f64>,
    repeated: Vec<i16>,
    there: Vec<i16>,
}

/// The next lists; `None` where they are of no numbers.
fn batch(reader: &mut ColumnReader, rows: usize, is_half: bool) -> Result<Option<Batch>, ParquetError> {
    Ok(Some(match reader {
        ColumnReader::DoubleColumnReader(reader) => numbers(reader, rows, |value| *value)?,
        ColumnReader::FloatColumnReader(reader) => numbers(reader, rows, |value| f64::from(*value))?,
        ColumnReader::Int32ColumnReader(reader) => numbers(reader, rows, |value| f64::from(*value))?,
        ColumnReader::Int64ColumnReader(reader) => numbers(reader, rows, |value| *value as f64)?,
        ColumnReader::FixedLenByteArrayColumnReader(reader) if is_half => {
            numbers(reader, rows, |value| value.data().try_into().map_or(f64::NAN, half))?
        }
        _ => return Ok(None),
    }))
}

fn numbers<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    number: impl Fn(&T::T) -> f64,
) -> Result<Batch, ParquetError> {
    let (mut values, mut repeated, mut there) = (Vec::new(), Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, ..) =
            reader.read_records(rows - read, Some(&mut there), Some(&mut repeated), &mut values)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    Ok(Batch { values: values.iter().map(number).collect(), repeated, there })
}

impl Batch {
    /// Gives each list; says how many there were.
    fn each(&self, defined: i16, longest: usize, on_list: &mut dyn FnMut(&[f64])) -> usize {
        let mut rest = self.values.as_slice();
        let mut lists = 0;
        let levels: Vec<(i16, i16)> = self.repeated.iter().copied().zip(self.there.iter().copied()).collect();
        for list in levels.chunk_by(|_, next| next.0 > 0) {
            let numbers = list.iter().filter(|(_, there)| *there == defined).count();
            let (point, after) = rest.split_at_checked(numbers).unwrap_or((rest, &[]));
            rest = after;
            lists += 1;
            let is_whole = numbers == list.len() && numbers <= longest && point.iter().all(|x| x.is_finite());
            on_list(if is_whole { point } else { &[] });
        }
        lists
    }
}
