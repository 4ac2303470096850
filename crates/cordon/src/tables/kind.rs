//! What a file is, by its first bytes.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use super::{Format, TableError};

/// Files that are no table, by the bytes that they begin with: what they are, and how a table is made of them.
const NO_TABLES: [(&[u8], &str, &str); 19] = [
    (b"\x1f\x8b", "is packed with gzip", "unpack it, such as by `gunzip -c FILE > table.csv`"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd", "unpack it, such as by `zstd -dc FILE > table.csv`"),
    (b"\xfd7zXZ\0", "is packed with xz", "unpack it, such as by `xz -dc FILE > table.csv`"),
    (b"\x04\x22\x4d\x18", "is packed with lz4", "unpack it, such as by `lz4 -dc FILE > table.csv`"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive", "unpack it"),
    (b"PK\x03\x04", "is a zip archive or a workbook (xlsx, ods, npz)", "unpack it, or save the sheet as CSV"),
    (b"PK\x05\x06", "is an empty zip archive", "name the table itself"),
    (b"\xd0\xcf\x11\xe0", "is a workbook or document of old Office (xls)", "save the sheet as CSV"),
    (
        b"SQLite format 3\0",
        "is an SQLite database",
        "`sqlite3 -header -csv FILE 'SELECT * FROM …' > table.csv`",
    ),
    (b"\x93NUMPY", "is a NumPy array", "write it as Parquet or CSV, such as by `DataFrame.to_parquet`"),
    (b"\x89HDF\r\n", "is an HDF5 file", "write it as Parquet or CSV, such as by `DataFrame.to_parquet`"),
    (b"\x80\x04\x95", "is a Python pickle", "write it as Parquet or CSV, such as by `DataFrame.to_parquet`"),
    (b"\x80\x05\x95", "is a Python pickle", "write it as Parquet or CSV, such as by `DataFrame.to_parquet`"),
    (b"ARROW1\0\0", "is an Arrow (Feather) file", "write it as Parquet, such as by `DataFrame.to_parquet`"),
    (b"FEA1", "is a Feather file", "write it as Parquet, such as by `DataFrame.to_parquet`"),
    (b"PARE", "is an encrypted Parquet file", "write it without encryption"),
    (b"Obj\x01", "is an Avro file", "write it as Parquet or JSON lines"),
    (b"%PDF-", "is a PDF document", "name the table itself"),
    (b"\x89PNG\r\n", "is a picture", "name the table itself"),
];

/// Beginnings of pages, in small letters: what a server says in place of the table that was asked for.
const PAGES: [&[u8]; 3] = [b"<!doctype html", b"<html", b"<?xml"];

/// Opens a file and says what it is.
pub(crate) fn format(path: &Path) -> Result<Format, TableError> {
    let failed = |source| TableError::Io { path: path.to_owned(), source };
    let no_table =
        |what: &'static str, way: &'static str| TableError::NoTable { path: path.to_owned(), what, way };
    let file = File::open(path).map_err(failed)?;
    let kind = file.metadata().map_err(failed)?;
    if !kind.is_file() && !kind.is_dir() {
        return Err(TableError::Pipe { path: path.to_owned() });
    }
    let mut reader = BufReader::new(file);
    let start = reader.fill_buf().map_err(failed)?;
    if start.is_empty() {
        return Err(TableError::Empty { path: path.to_owned() });
    }
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(TableError::Utf16 { path: path.to_owned() });
    }
    if start.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if start.starts_with(b"cordon profile\n") {
        return Ok(Format::Profile);
    }
    if let Some((_, what, way)) = NO_TABLES.into_iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Err(no_table(what, way));
    }
    // `BZh` alone could begin a header.
    if start.starts_with(b"BZh") && start.get(4..10) == Some(b"1AY&SY") {
        return Err(no_table("is packed with bzip2", "unpack it, such as by `bzip2 -dc FILE > table.csv`"));
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let is_page = |page: &[u8]| text.get(..page.len()).is_some_and(|start| start.eq_ignore_ascii_case(page));
    if PAGES.into_iter().any(is_page) {
        return Err(no_table(
            "is a page (HTML or XML)",
            "did the server answer with a page in place of the table?",
        ));
    }
    if start.contains(&0) {
        return Err(no_table(
            "holds bytes of zero, which no table of text does",
            "write it as CSV, JSON lines or Parquet; zeros alone go away by `tr -d '\\000' < FILE > table.csv`",
        ));
    }
    let next = |after: &[u8]| after.trim_ascii_start().first().copied();
    Ok(match text {
        [b'{', ..] => Format::JsonLines,
        [b'[', after @ ..] if matches!(next(after), Some(b'{' | b']')) => Format::JsonArray,
        _ => Format::Csv,
    })
}
