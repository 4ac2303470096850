//! The columns of an object: their names and types, and how they are written.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, Encoding},
    column::writer::ColumnWriter,
    errors::{ParquetError, Result},
    file::{
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion},
        writer::SerializedFileWriter,
    },
    schema::{
        parser::parse_message_type,
        types::{ColumnPath, TypePtr},
    },
};

use super::group::{Batch, Group, Values};

/// The names are public: queries of other engines use them. Types that every engine reads; ids as people write them.
const SCHEMA: &str = "message cordon_frames {
    required binary entry;
    required int64 sequence;
    required int32 frame_kind;
    optional binary call_id (STRING);
    optional int64 time (TIMESTAMP(MILLIS,true));
    optional binary principal (STRING);
    optional binary team (STRING);
    optional binary system (STRING);
    optional binary route (STRING);
    optional binary model (STRING);
    optional binary verdict (STRING);
    optional int32 status;
    optional int64 tokens_in;
    optional int64 tokens_out;
}";

/// A column, in the order of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Entry,
    Sequence,
    FrameKind,
    CallId,
    Time,
    /// Principal, team, system, route, model, verdict.
    Name(usize),
    Status,
    TokensIn,
    TokensOut,
}

impl Column {
    pub(super) const ALL: [(Self, &'static str); 14] = [
        (Self::Entry, "entry"),
        (Self::Sequence, "sequence"),
        (Self::FrameKind, "frame_kind"),
        (Self::CallId, "call_id"),
        (Self::Time, "time"),
        (Self::Name(0), "principal"),
        (Self::Name(1), "team"),
        (Self::Name(2), "system"),
        (Self::Name(3), "route"),
        (Self::Name(4), "model"),
        (Self::Name(5), "verdict"),
        (Self::Status, "status"),
        (Self::TokensIn, "tokens_in"),
        (Self::TokensOut, "tokens_out"),
    ];
}

/// Where the columns lie that are read alone.
pub(super) const ENTRY: usize = 0;
pub(super) const FRAME_KIND: usize = 2;
pub(super) const CALL_ID: usize = 3;

pub(super) fn schema() -> Result<TypePtr> {
    parse_message_type(SCHEMA).map(Arc::new)
}

/// How objects are written. Any change here changes their bytes: only with another version of the form.
pub(super) fn properties() -> WriterPropertiesPtr {
    let column = |name: &str| ColumnPath::from(name);
    let mut properties = WriterProperties::builder()
        .set_created_by("cordon".to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        // Exact bounds: verification compares them with the values.
        .set_statistics_truncate_length(None)
        .set_offset_index_disabled(true)
        .set_write_batch_size(1024)
        .set_data_page_size_limit(1 << 20)
        .set_data_page_row_count_limit(20_000)
        .set_dictionary_page_size_limit(1 << 20)
        .set_column_statistics_enabled(column("entry"), EnabledStatistics::None)
        // These grow steadily: their differences are next to nothing.
        .set_column_encoding(column("sequence"), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(column("time"), Encoding::DELTA_BINARY_PACKED);
    for name in ["frame_kind", "principal", "team", "system", "route", "model", "verdict", "status"] {
        properties = properties.set_column_dictionary_enabled(column(name), true);
    }
    Arc::new(properties.build())
}

/// Writes a row group.
pub(super) fn write<W: Write + Send>(file: &mut SerializedFileWriter<W>, group: &Group) -> Result<()> {
    let mut row_group = file.next_row_group()?;
    for (column, name) in Column::ALL {
        let unexpected = || ParquetError::General(format!("no column `{name}` to write"));
        let mut writer = row_group.next_column()?.ok_or_else(unexpected)?;
        for rows in group.parts(column) {
            let Batch { levels, values } = group.batch(column, rows);
            let levels = (!levels.is_empty()).then_some(levels.as_slice());
            match (writer.untyped(), &values) {
                (ColumnWriter::ByteArrayColumnWriter(w), Values::Bytes(v)) => {
                    w.write_batch(v, levels, None)?
                }
                (ColumnWriter::Int32ColumnWriter(w), Values::Int32(v)) => w.write_batch(v, levels, None)?,
                (ColumnWriter::Int64ColumnWriter(w), Values::Int64(v)) => w.write_batch(v, levels, None)?,
                _ => return Err(unexpected()),
            };
        }
        writer.close()?;
    }
    row_group.close()?;
    Ok(())
}
