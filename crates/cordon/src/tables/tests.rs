use cordon_stats::profile::Cell;

use super::{LeftOut, TableError, cell, read, read_lists, read_with_ids};

/// A table as text: a line of names, then one for each row.
fn shown(content: &[u8]) -> Result<(Vec<String>, LeftOut), TableError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let mut lines = Vec::new();
    let left_out = read(file.path(), None, &mut |names, cells| {
        if lines.is_empty() {
            lines.push(names.join("|"));
        }
        let cells: Vec<String> = cells.iter().map(word).collect();
        lines.push(cells.join("|"));
    })?;
    Ok((lines, left_out))
}

fn word(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Boolean(value) => format!("b:{value}"),
        Cell::Date(value) => format!("t:{value}"),
        Cell::Decimal(value) => format!("d:{value}"),
        Cell::Integer(value) => format!("i:{value}"),
        Cell::Missing => "-".to_owned(),
        Cell::Text(value) => (*value).to_owned(),
    }
}

#[test]
fn cells_are_what_they_look_like() {
    for (text, want) in [
        ("", "-"),
        ("NA", "-"),
        ("null", "-"),
        ("NaN", "d:NaN"),
        ("-inf", "d:-inf"),
        ("42", "i:42"),
        ("-7", "i:-7"),
        ("+7", "i:7"),
        (" 3 ", "i:3"),
        ("0", "i:0"),
        ("007", "007"),
        ("0.5", "d:0.5"),
        (".5", "d:0.5"),
        ("1e3", "d:1000"),
        ("9223372036854775808", "d:9223372036854776000"),
        ("1,5", "1,5"),
        ("12 apples", "12 apples"),
        ("-", "-\u{200b}"),
        ("true", "b:true"),
        ("FALSE", "b:false"),
        ("2026-11-21", "t:1795219200"),
        ("2026-11-21T10:00:00Z", "t:1795255200"),
        ("2026-11-21 10:00:00", "t:1795255200"),
        ("2026-11-21T10:00:00+01:00", "t:1795251600"),
        ("2026-13-41", "2026-13-41"),
        ("4111-1111-1111", "4111-1111-1111"),
        ("   ", "   "),
    ] {
        // A minus alone is a text; here it would look like a missing cell.
        let got =
            if text == "-" { word(&cell::of_text(text)) + "\u{200b}" } else { word(&cell::of_text(text)) };
        assert_eq!(got, want, "{text:?}");
    }
}

#[test]
fn csv_is_read_as_people_write_it() {
    let (lines, left_out) = shown("a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n2,\n".as_bytes()).unwrap();
    assert_eq!(lines, ["a|b", "i:1|x, \"y\"\nz", "i:2|-"]);
    assert_eq!(left_out, LeftOut::default());
    for content in ["a;b\n1;2\n", "a\tb\n1\t2\n", "a|b\n1|2\n", "\u{feff}a,b\n1,2\n"] {
        assert_eq!(shown(content.as_bytes()).unwrap().0, ["a|b", "i:1|i:2"], "{content:?}");
    }
    // Ragged rows, names that are not there or twice, bytes that are not UTF-8.
    let (lines, left_out) = shown(b"a,,a\n1\n1,2,3,4\n\xff,\xc3\xa9,x\n").unwrap();
    assert_eq!(lines, ["a|column 2|a (2)", "i:1|-|-", "i:1|i:2|i:3", "\u{fffd}|\u{e9}|x"]);
    assert_eq!((left_out.short_rows, left_out.long_rows, left_out.not_utf8), (1, 1, 1));
    assert_eq!(left_out.sentences().len(), 3);
}

#[test]
fn a_header_alone_has_columns() {
    assert_eq!(shown(b"a,b\n").unwrap().0, ["a|b", ""]);
    assert!(matches!(shown(b""), Err(TableError::Empty { .. })));
    assert!(matches!(shown(b"\xff\xfea\0"), Err(TableError::Utf16 { .. })));
}

#[test]
fn csv_rows_are_bounded() {
    let endless = [b"a,b\n1,\"".as_slice(), &vec![b'x'; 3 << 20]].concat();
    assert!(matches!(shown(&endless), Err(TableError::RowTooLong { row: 2, .. })));
    let wide = ",".repeat(5_000) + "\n";
    assert!(matches!(shown(wide.as_bytes()), Err(TableError::TooManyColumns { .. })));
}

#[test]
fn json_lines_come_and_go() {
    let text = "{\"b\": 1.5, \"a\": \"2026-11-21\"}\n\n{\"c\": [1, 2], \"a\": null}\nnot json\n[1]\n{\"a\": true, \"b\": \"7\"}";
    let (lines, left_out) = shown(text.as_bytes()).unwrap();
    assert_eq!(lines, ["a|b", "t:1795219200|d:1.5", "-|-|[1,2]", "b:true|7|-"]);
    assert_eq!(left_out.broken_lines, 2);
    let long = format!("{{\"a\": 1}}\n{{\"a\": \"{}\"}}\n{{\"a\": 2}}\n", "x".repeat(2 << 20));
    let (lines, left_out) = shown(long.as_bytes()).unwrap();
    assert_eq!((lines, left_out.broken_lines), (vec!["a".to_owned(), "i:1".to_owned(), "i:2".to_owned()], 1));
    assert!(matches!(shown(b"{\"a\": 1"), Err(TableError::NoRow { .. })));
}

#[test]
fn arrays_are_read_an_object_at_a_time() {
    let text = "\u{feff} [ {\"a\": \"]}, \\\"[{\", \"b\": [1, {\"c\": 2}]} ,\n 7, {\"a\": 1}\n]\n";
    let (lines, left_out) = shown(text.as_bytes()).unwrap();
    assert_eq!(lines, ["a|b", "]}, \"[{|[1,{\"c\":2}]", "i:1|-"]);
    assert_eq!(left_out.broken_elements, 1);
    let long = format!("[{{\"a\": 1}}, {{\"a\": \"{}\"}}, {{\"a\": 2}}] behind", "x".repeat(2 << 20));
    let (lines, left_out) = shown(long.as_bytes()).unwrap();
    assert_eq!(
        (lines, left_out.broken_elements),
        (vec!["a".to_owned(), "i:1".to_owned(), "i:2".to_owned()], 2)
    );
    for cut in text.find('{').unwrap() + 1..text.len() - 2 {
        // Whatever is cut off, it ends; without its end it is no table.
        assert!(shown(text.as_bytes().get(..cut).unwrap()).is_err(), "{cut}");
    }
    // A header that begins like an array is one.
    assert_eq!(shown(b"[a],b\n1,2\n").unwrap().0, ["[a]|b", "i:1|i:2"]);
}

#[test]
fn a_quote_that_is_never_closed_is_an_error() {
    for (text, row) in [("a,b\n1,2\n\"2,3\n4,5\n", 3), ("a,b\n1,\"2\"\"", 2), ("\"a,b\n1,2\n", 1)] {
        let got = shown(text.as_bytes());
        assert!(matches!(got, Err(TableError::OpenQuote { row: at, .. }) if at == row), "{text:?}: {got:?}");
    }
    for text in
        ["a,b\n1,\"2\"", "a,b\n1,\"2\"\n", "a,b\n1,\"2\"\r\n\r\n", "a,b\n1,2\"", "a,b\n\"1\",", "a,b\r1,2\r"]
    {
        assert_eq!(shown(text.as_bytes()).map(|(lines, _)| lines.len()).ok(), Some(2), "{text:?}");
    }
}

#[test]
fn what_looks_like_another_form_is_said() {
    let said = |text: &str| shown(text.as_bytes()).unwrap().1.sentences();
    for (text, other) in [("x~z\n1~2\n", '~'), ("a:b\n1:2\n", ':')] {
        assert_eq!(
            said(text),
            [format!(
                "there is one column, whose name has a `{other}` in it: does `--delimiter '{other}'` part the cells?"
            )]
        );
    }
    let commas = said("a;b\n1,5;x\n-12,25;1.234,5\n2,x;,5\n");
    assert!(commas.len() == 1 && commas[0].starts_with("3 cells are digits with a comma"), "{commas:?}");
    assert!(said("one\n1\n").is_empty());
}

#[test]
fn numbers_with_more_digits_than_are_compared_are_counted() {
    let text = "id,a\n9007199254740993,9007199254740992\n9007199254740994,-9223372036854775807\n0,-9223372036854775808\n";
    let (_, left_out) = shown(text.as_bytes()).unwrap();
    assert_eq!(left_out.long_numbers, 2);
    assert!(left_out.sentences()[0].starts_with("2 whole numbers have more digits"), "{left_out:?}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    // Of a column of ids every digit counts.
    assert_eq!(read_with_ids(file.path(), None, "id", &mut |_, _| ()).unwrap().long_numbers, 1);
}

#[test]
fn nothing_that_is_cut_or_flipped_fails() {
    let parquet = parquet_file();
    assert_eq!(
        shown(&parquet).unwrap().0,
        ["n|x|s|d", "i:1|d:0.5|a|t:86400", "-|d:NaN|-|t:172800", "i:-3|d:2|\u{e9}|t:0"]
    );
    for length in 0..parquet.len() {
        let _any = shown(&parquet[..length]).map(|(lines, _)| lines.len());
    }
    for at in 0..parquet.len() {
        let mut flipped = parquet.clone();
        flipped[at] ^= 1 << (at % 8);
        let _any = shown(&flipped).map(|(lines, _)| lines.len());
    }
}

/// Three rows: a whole number that may be missing, a number, a text that may be missing, a day.
fn parquet_file() -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};

    let schema = "message m { optional int64 n; required double x; optional binary s (STRING); required int32 d (DATE); }";
    let file = parquet_of(schema, |group| {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[1, -3], Some(&[1, 0, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[0.5, f64::NAN, 2.0], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let texts = [ByteArray::from("a"), ByteArray::from("\u{e9}")];
        column.typed::<ByteArrayType>().write_batch(&texts, Some(&[1, 0, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[1, 2, 0], None, None).unwrap();
        column.close().unwrap();
    });
    std::fs::read(file.path()).unwrap()
}

/// A file of one row group; `write` writes its columns, one after the other.
fn parquet_of(
    schema: &str,
    write: impl FnOnce(&mut parquet::file::writer::SerializedRowGroupWriter<'_, &mut Vec<u8>>),
) -> tempfile::NamedTempFile {
    use std::sync::Arc;

    use parquet::{
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };

    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    write(&mut group);
    group.close().unwrap();
    writer.close().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

#[test]
fn lists_of_parquet_are_points() {
    use parquet::data_type::FloatType;
    let schema = "message m { optional group e (LIST) { repeated group list { optional float element; } } optional int64 n; }";
    let file = parquet_of(schema, |group| {
        let mut column = group.next_column().unwrap().unwrap();
        // Two numbers; none; an empty list; a hole; a number that is none; three.
        let values = [0.5_f32, 2.0, 1.0, f32::NAN, 1.0, 2.0, 3.0];
        let there = [3, 3, 0, 1, 3, 2, 3, 3, 3, 3];
        let repeated = [0, 1, 0, 0, 0, 1, 0, 0, 1, 1];
        column.typed::<FloatType>().write_batch(&values, Some(&there), Some(&repeated)).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<parquet::data_type::Int64Type>().write_batch(&[], Some(&[0; 6]), None).unwrap();
        column.close().unwrap();
    });
    let mut lists: Vec<Vec<f64>> = Vec::new();
    let found = read_lists(file.path(), "e", 3, &mut |list| lists.push(list.to_vec())).unwrap();
    assert!(found.is_some());
    assert_eq!(lists, [vec![0.5, 2.0], vec![], vec![], vec![], vec![], vec![1.0, 2.0, 3.0]]);
    lists.clear();
    read_lists(file.path(), "e", 2, &mut |list| lists.push(list.to_vec())).unwrap();
    assert_eq!(lists[5], Vec::<f64>::new());
    assert!(read_lists(file.path(), "n", 3, &mut |_| ()).unwrap().is_none());
    assert!(read_lists(file.path(), "nobody", 3, &mut |_| ()).unwrap().is_none());
    // Whatever is cut or flipped, it ends.
    let bytes = std::fs::read(file.path()).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(file.path(), &flipped).unwrap();
        let _any = read_lists(file.path(), "e", 3, &mut |_| ());
        std::fs::write(file.path(), &bytes[..at]).unwrap();
        let _any = read_lists(file.path(), "e", 3, &mut |_| ());
    }
}

/// Whole numbers without a sign name rows with every digit, also those beyond the ones with a sign.
#[test]
fn large_ids_of_parquet_keep_their_digits() {
    let schema =
        "message m { optional int64 id (INTEGER(64,false)); required int64 other (INTEGER(64,false)); }";
    let file = parquet_of(schema, |group| {
        for there in [Some([1_i16, 1, 0].as_slice()), None] {
            let mut column = group.next_column().unwrap().unwrap();
            let values = if there.is_some() { vec![-1, 7] } else { vec![-1, 7, 8] };
            column.typed::<parquet::data_type::Int64Type>().write_batch(&values, there, None).unwrap();
            column.close().unwrap();
        }
    });
    let mut rows = Vec::new();
    read_with_ids(file.path(), None, "id", &mut |_, cells| {
        rows.push(cells.iter().map(word).collect::<Vec<_>>().join("|"));
    })
    .unwrap();
    assert_eq!(rows, ["18446744073709551615|d:18446744073709552000", "i:7|i:7", "-|i:8"]);
}

#[test]
fn halves_are_numbers_and_bytes_are_counted_by_row() {
    use parquet::data_type::{FixedLenByteArray, FixedLenByteArrayType};
    let schema = "message m { required fixed_len_byte_array(2) h (FLOAT16); required fixed_len_byte_array(2) x; required fixed_len_byte_array(2) y; }";
    let halves: [u16; 6] = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x3555];
    let file = parquet_of(schema, |group| {
        let write = |group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, &mut Vec<u8>>,
                     values: Vec<[u8; 2]>| {
            let values: Vec<FixedLenByteArray> =
                values.into_iter().map(|two| FixedLenByteArray::from(two.to_vec())).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<FixedLenByteArrayType>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
        };
        write(group, halves.map(u16::to_le_bytes).to_vec());
        write(group, vec![*b"ok", [0xff, 0], *b"ok", [0xff, 0], *b"ok", *b"ok"]);
        write(group, vec![*b"ok", [0xff, 0], *b"ok", *b"ok", *b"ok", *b"ok"]);
    });
    let (lines, left_out) = shown(&std::fs::read(file.path()).unwrap()).unwrap();
    let first: Vec<&str> = lines[1..].iter().map(|line| line.split('|').next().unwrap()).collect();
    assert_eq!(first, ["d:1", "d:-2", "d:0.00000005960464477539063", "d:65504", "d:inf", "d:0.333251953125"]);
    assert_eq!(left_out.not_utf8, 2, "rows, not cells");
}

/// A packing that is not read here is named before anything is read, with the way out.
#[test]
fn packed_parquet_is_refused_by_name() {
    use std::sync::Arc;

    use parquet::{
        basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel},
        file::metadata::{ColumnChunkMetaData, FileMetaData, ParquetMetaData, RowGroupMetaData},
        schema::{parser::parse_message_type, types::SchemaDescriptor},
    };

    let schema = Arc::new(SchemaDescriptor::new(Arc::new(
        parse_message_type("message m { required int32 a; }").unwrap(),
    )));
    for (packing, said) in [
        (Compression::ZSTD(ZstdLevel::default()), Some("zstd")),
        (Compression::GZIP(GzipLevel::default()), Some("gzip")),
        (Compression::BROTLI(BrotliLevel::default()), Some("brotli")),
        (Compression::LZ4_RAW, Some("lz4")),
        (Compression::SNAPPY, None),
        (Compression::UNCOMPRESSED, None),
    ] {
        let column = ColumnChunkMetaData::builder(schema.column(0)).set_compression(packing).build().unwrap();
        let group = RowGroupMetaData::builder(Arc::clone(&schema)).set_column_metadata(vec![column]);
        let file = FileMetaData::new(1, 0, None, None, Arc::clone(&schema), None);
        let whole = ParquetMetaData::new(file, vec![group.build().unwrap()]);
        let told = super::parquet::readable(std::path::Path::new("t.parquet"), &whole);
        let told = told.map_err(|why| why.to_string());
        match said {
            None => assert_eq!(told, Ok(())),
            Some(said) => {
                let told = told.unwrap_err();
                assert!(told.contains(said) && told.contains("compression=\"snappy\""), "{told}");
            }
        }
    }
}
