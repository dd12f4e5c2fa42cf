//! Extraction into Parquet without an upload: MySQL, decoder, encoder, a sink that counts.
//!
//! Moves the first mapping of the configuration that BENCH_CONFIG names, and prints one JSON object; `bench/run` measures
//! the process from outside and compares it with others that read the same.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bigquery_syncer::domain::config;
use bigquery_syncer::domain::plan::{PlanInput, plan};
use bigquery_syncer::domain::schema::Decisions;
use bigquery_syncer::domain::window::{Low, Window};
use bigquery_syncer::source::mysql::MysqlSource;
use bigquery_syncer::source::{BatchLimits, BoundsAsk, Extraction, RowBatch, Source, Step, readers_by_processors};
use bigquery_syncer::warehouse::bigquery::ParquetEncoder;
use tokio::sync::mpsc;

/// Counts what a file would hold.
#[derive(Debug, Default)]
struct Counting(u64);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> color_eyre::Result<()> {
    bigquery_syncer::memory::keep_blocks();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let env = |name: &str| std::env::var(name).ok();
    let file = std::env::var("BENCH_CONFIG")?;
    let problems = |problems: Vec<config::Problem>| color_eyre::eyre::eyre!("{problems:?}");
    let config = config::parse(&std::fs::read_to_string(&file)?, Path::new(&file), &env).map_err(problems)?;
    let source = MysqlSource::new(config::mysql_settings(&env).map_err(problems)?);
    let mapping = &config.mappings[0];
    let began = Instant::now();

    let schema = source.describe(&mapping.source).await?;
    let input = PlanInput {
        mapping,
        timezone: config.default_timezone,
        additions: config.schema_additions,
        source: &schema,
        target: None,
        decisions: &Decisions::new(),
    };
    let table = Arc::new(plan(input)?.table);
    let cursor = table.cursor.ok_or_else(|| color_eyre::eyre::eyre!("the mapping has no incremental column"))?;
    let ask = BoundsAsk {
        table: mapping.source.clone(),
        column: table.columns[cursor.position].source.name.clone(),
        is_unique: true,
        nullable: false,
        wants_rows: false,
        kind: cursor.kind,
        timezone: table.timezone,
        low: Low::Beginning,
        before: None,
        settle: std::time::Duration::ZERO,
    };
    let high = source.bounds(&ask).await?.high.ok_or_else(|| color_eyre::eyre::eyre!("the table is empty"))?;
    let mut extract = source.read(Extraction {
        table: mapping.source.clone(),
        plan: Arc::clone(&table),
        only: None,
        by_parts: None,
        window: Some(Window { low: Low::Beginning, high }),
        limits: BatchLimits::default(),
        is_step: false,
        readers: config.readers.unwrap_or_else(readers_by_processors),
        cancel: tokio_util::sync::CancellationToken::new(),
    });

    // As the uploader does it: the encoder has a thread of its own and two batches of slack.
    let (batches, mut waiting) = mpsc::channel::<RowBatch>(2);
    let encoder = tokio::task::spawn_blocking(move || {
        let mut encoder = ParquetEncoder::new(&table, Counting::default())?;
        while let Some(batch) = waiting.blocking_recv() {
            encoder.write(&batch.rows)?;
        }
        encoder.finish()
    });
    let (mut rows, mut bytes) = (0_u64, 0_u64);
    loop {
        match extract.next().await? {
            Step::Batch(batch) => {
                rows += batch.rows.num_rows() as u64;
                bytes += batch.bytes as u64;
                batches.send(batch).await?;
            }
            Step::End { .. } => break,
            Step::Stopped => color_eyre::eyre::bail!("nobody cancelled"),
        }
    }
    drop(batches);
    let (sink, _) = encoder.await??;
    let seconds = began.elapsed().as_secs_f64();
    writeln!(
        io::stdout(),
        "{}",
        serde_json::json!({ "rows": rows, "bytes": bytes, "parquet_bytes": sink.0, "seconds": seconds })
    )?;
    Ok(())
}
