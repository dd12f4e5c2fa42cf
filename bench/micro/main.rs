//! Decoding and encoding alone, without servers: `cargo bench --bench micro`.
//!
//! sqlx makes its rows off a connection only, so decoding is measured one level below them: on the raw bytes of cells,
//! held as sqlx holds them. What sqlx itself takes is in `bench/pipeline.rs` and the profile of it.

mod shapes;

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use arrow_array::RecordBatch;
use bigquery_syncer::domain::fault::Fault;
use bigquery_syncer::domain::ids::SourceTable;
use bigquery_syncer::domain::plan::TablePlan;
use bigquery_syncer::source::BatchLimits;
use bigquery_syncer::source::mysql::Batcher;
use bigquery_syncer::warehouse::bigquery::ParquetEncoder;
use criterion::{Criterion, Throughput};

use self::shapes::{Row, Shape, shapes};

fn batcher(plan: TablePlan) -> Batcher {
    Batcher::new(SourceTable { database: None, table: "t".into() }, Arc::new(plan), BatchLimits::default())
}

/// Rows into batches, as the reader cuts them.
fn decode(batcher: &mut Batcher, rows: &[Row]) -> Result<Vec<RecordBatch>, Fault> {
    let mut batches = Vec::new();
    for row in rows {
        batcher.push(row)?;
        if batcher.is_full() {
            batches.push(batcher.finish()?.rows);
        }
    }
    batches.push(batcher.finish()?.rows);
    Ok(batches)
}

/// Batches into one file that is thrown away.
fn encode(plan: &TablePlan, batches: &[RecordBatch]) -> Result<u64, Fault> {
    let mut encoder = ParquetEncoder::new(plan, io::sink())?;
    for batch in batches {
        encoder.write(batch)?;
    }
    Ok(encoder.finish()?.1.bytes)
}

fn both(criterion: &mut Criterion, shape: &Shape) -> color_eyre::Result<()> {
    let (rows, plan) = (shape.filled(), shape.plan()?);
    let mut batcher = batcher(plan.clone());
    // A failure would be quick: it must not pass for a figure.
    let batches = decode(&mut batcher, &rows)?;
    encode(&plan, &batches)?;
    criterion
        .benchmark_group("decode")
        .throughput(Throughput::Elements(shape.rows))
        .bench_function(shape.name, |bencher| bencher.iter(|| decode(&mut batcher, black_box(&rows))));
    criterion
        .benchmark_group("encode")
        .throughput(Throughput::Elements(shape.rows))
        .bench_function(shape.name, |bencher| bencher.iter(|| encode(&plan, black_box(&batches))));
    Ok(())
}

/// What a column adds to a key and a cursor.
fn one_column(criterion: &mut Criterion, shape: &Shape) -> color_eyre::Result<()> {
    let (rows, mut batcher) = (shape.filled(), batcher(shape.plan()?));
    decode(&mut batcher, &rows)?;
    criterion
        .benchmark_group("decode id, updated_at and")
        .throughput(Throughput::Elements(shape.rows))
        .bench_function(shape.name, |bencher| bencher.iter(|| decode(&mut batcher, black_box(&rows))));
    Ok(())
}

fn main() -> color_eyre::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let [wide, narrow, text] = shapes();
    for shape in [&wide, &narrow, &text] {
        both(&mut criterion, shape)?;
    }
    for column in wide.columns() {
        one_column(&mut criterion, &wide.with_only(column))?;
    }
    criterion.final_summary();
    Ok(())
}
