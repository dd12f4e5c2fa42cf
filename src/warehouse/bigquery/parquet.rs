//! Encodes Arrow batches into one Parquet file, in bounded memory.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::ranges::RangeTracker;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::TablePlan;
use crate::domain::staging::arrow_schema;
use crate::warehouse::Range;

/// Fewer rows in a group slow the reader; more need memory here.
const ROW_GROUP_ROWS: usize = 131_072;

/// How many bytes a row group may hold in memory before it is written, whatever its rows. BigQuery advises at least 16
/// MiB; more only needs memory.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// Files with more columns than this should have pages under 1 MiB. Source: BigQuery guide, "Loading Parquet data".
const MANY_COLUMNS: usize = 100;
const SMALL_PAGE: usize = 512 * 1024;

/// Encodes the batches of one plan into `W` and records the ranges that the publish needs.
pub struct ParquetEncoder<W: Write + Send> {
    writer: ArrowWriter<Counted<W>>,
    rows: u64,
    keys: Vec<RangeTracker>,
    cursor: Option<RangeTracker>,
}

/// What a finished file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub rows: u64,
    pub bytes: u64,
    /// Smallest and greatest value of each key of the plan.
    pub key_ranges: Vec<Option<Range>>,
    pub cursor_range: Option<Range>,
}

impl<W: Write + Send> std::fmt::Debug for ParquetEncoder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetEncoder").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<W: Write + Send> ParquetEncoder<W> {
    /// # Errors
    /// `Bug` when the plan has no Parquet shape.
    pub fn new(plan: &TablePlan, sink: W) -> Result<Self, Fault> {
        // The writer would store the Arrow schema beside the Parquet one; BigQuery reads only the latter.
        let options = ArrowWriterOptions::new().with_properties(properties(plan)?).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Counted { inner: sink, count: 0 }, arrow_schema(plan), options)
            .map_err(failed)?;
        let tracker = |column: usize| RangeTracker::new(column, plan.columns[column].staged);
        Ok(Self {
            writer,
            rows: 0,
            keys: plan.keys.iter().map(|&key| tracker(key)).collect(),
            cursor: plan.cursor.map(|cursor| tracker(cursor.position)),
        })
    }

    /// # Errors
    /// `Bug` for a batch of another schema; `Transient` when the sink refuses bytes.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), Fault> {
        self.writer.write(rows).map_err(failed)?;
        // The writer's own bound counts encoded bytes; the buffers of wide rows are larger.
        if self.writer.memory_size() > ROW_GROUP_BYTES {
            self.writer.flush().map_err(failed)?;
        }
        self.rows += rows.num_rows() as u64;
        self.keys.iter_mut().for_each(|key| key.follow(rows));
        self.cursor.iter_mut().for_each(|cursor| cursor.follow(rows));
        Ok(())
    }

    /// Writes the footer and gives the sink back.
    ///
    /// # Errors
    /// The errors of `write`.
    pub fn finish(self) -> Result<(W, Encoded), Fault> {
        let sink = self.writer.into_inner().map_err(failed)?;
        let encoded = Encoded {
            rows: self.rows,
            bytes: sink.count,
            key_ranges: self.keys.iter().map(RangeTracker::literals).collect(),
            cursor_range: self.cursor.as_ref().and_then(RangeTracker::literals),
        };
        Ok((sink.inner, encoded))
    }
}

/// Counts the bytes written: the Parquet writer's own count leaves out the footer, which it writes last.
struct Counted<W> {
    inner: W,
    count: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.count += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn properties(plan: &TablePlan) -> Result<WriterProperties, Fault> {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(failed)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_created_by("bqsync".to_owned());
    if plan.columns.len() > MANY_COLUMNS {
        builder = builder.set_data_page_size_limit(SMALL_PAGE);
    }
    for column in &plan.columns {
        if column.repeats_values() {
            builder = builder.set_column_dictionary_enabled(ColumnPath::from(column.staged_name.as_str()), true);
        }
    }
    Ok(builder.build())
}

fn failed(error: ParquetError) -> Fault {
    let kind = if matches!(error, ParquetError::External(_)) { FaultKind::Transient } else { FaultKind::Bug };
    Fault::new(kind, "Writing rows as Parquet failed").caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray, TimestampMicrosecondArray};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::super::fixture::orders;
    use super::*;

    #[test]
    fn a_file_reads_back_and_its_ranges_are_known() {
        let plan = orders();
        let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![Some(value), None])) };
        let rows = RecordBatch::try_new(
            arrow_schema(&plan),
            vec![
                Arc::new(arrow_array::Int64Array::from(vec![4, 2])),
                Arc::new(TimestampMicrosecondArray::from(vec![0, 1]).with_timezone("UTC")),
                text("größe"),
                text("1.5"),
                text("{}"),
            ],
        )
        .unwrap();
        let mut encoder = ParquetEncoder::new(&plan, Vec::new()).unwrap();
        encoder.write(&rows).unwrap();
        let (file, told) = encoder.finish().unwrap();
        assert_eq!(told.bytes, file.len() as u64);
        assert_eq!(told.key_ranges, [Some(("2".into(), "4".into()))]);
        assert!(told.cursor_range.is_some());
        let read: Vec<_> =
            ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap().build().unwrap().collect();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].as_ref().unwrap().columns(), rows.columns());
    }
}
