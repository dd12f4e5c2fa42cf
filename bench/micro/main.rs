//! Decoding and encoding alone, without servers: `cargo bench --bench micro`.
//!
//! sqlx makes its rows only from a connection, so decoding is measured one level below them: on the raw bytes of cells,
//! held as sqlx holds them. The cost of sqlx itself is in `bench/pipeline.rs` and the profile of it.

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
    Batcher::new(SourceTable::whole(None, "t".into()), Arc::new(plan), BatchLimits::default())
}

/// Rows into batches, as the reader cuts them and hands them over.
fn decode(batcher: &mut Batcher, rows: &[Row], mut hand_over: impl FnMut(RecordBatch)) -> Result<(), Fault> {
    for row in rows {
        batcher.push(row)?;
        if batcher.is_full() {
            hand_over(batcher.finish()?.rows);
        }
    }
    hand_over(batcher.finish()?.rows);
    Ok(())
}

/// Batches into one file that is thrown away.
fn encode(plan: &TablePlan, batches: &[RecordBatch]) -> Result<u64, Fault> {
    let mut encoder = ParquetEncoder::new(plan, io::sink())?;
    for batch in batches {
        encoder.write(batch)?;
    }
    Ok(encoder.finish()?.1.bytes)
}

/// A run takes from 10 ms to 300 ms: the default of 100 would measure a shape for half a minute.
const SAMPLES: usize = 30;

fn decoding(criterion: &mut Criterion, group: &str, shape: &Shape) -> color_eyre::Result<()> {
    let (rows, mut batcher) = (shape.filled(), batcher(shape.plan()?));
    // A failure would be fast, and must not count as a figure.
    decode(&mut batcher, &rows, drop)?;
    let mut group = criterion.benchmark_group(group);
    group.sample_size(SAMPLES).throughput(Throughput::Elements(shape.rows));
    group.bench_function(shape.name, |bencher| {
        bencher.iter(|| decode(&mut batcher, black_box(&rows), |batch| drop(black_box(batch))));
    });
    group.finish();
    Ok(())
}

fn encoding(criterion: &mut Criterion, group: &str, shape: &Shape) -> color_eyre::Result<()> {
    let plan = shape.plan()?;
    let mut batches = Vec::new();
    decode(&mut batcher(plan.clone()), &shape.filled(), |batch| batches.push(batch))?;
    encode(&plan, &batches)?;
    let mut group = criterion.benchmark_group(group);
    group.sample_size(SAMPLES).throughput(Throughput::Elements(shape.rows));
    group.bench_function(shape.name, |bencher| bencher.iter(|| encode(&plan, black_box(&batches))));
    group.finish();
    Ok(())
}

fn main() -> color_eyre::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let [wide, narrow, text] = shapes();
    for shape in [&wide, &narrow, &text] {
        decoding(&mut criterion, "decode", shape)?;
        encoding(&mut criterion, "encode", shape)?;
    }
    for column in wide.columns().filter(|column| !["id", "updated_at"].contains(column)) {
        decoding(&mut criterion, "decode id, updated_at and", &wide.with_only(column))?;
    }
    criterion.final_summary();
    Ok(())
}
