//! Reads a window and stages it: rows flow from the reader through the encoder to the upload, a few batches at a time.

use super::ports::Platform;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::attempt::Ground;
use super::protocol::{Event, Phase};
use super::run_id::Try;
use super::scope::{Halt, Scope};
use crate::domain::fault::FaultKind;
use crate::domain::ids::TableId;
use crate::domain::plan::TablePlan;
use crate::domain::report::{Flaw, FlawCount};
use crate::domain::window::Window;
use crate::failpoint::reached;
use crate::source::{Extract, Extraction, Source, Step, readers_by_processors};
use crate::warehouse::{StageOrder, Staged, Upload, Warehouse};

/// Tidying up must not keep an operator waiting who wants to leave; what stays expires by itself.
const TIDY: Duration = Duration::from_secs(3);

/// What a transfer moved.
pub(super) struct Transferred {
    /// `None`: the window turned out to be empty.
    pub staged: Option<Staged>,
    /// No two of the staged rows share their keys.
    pub each_key_once: bool,
    pub flaws: Vec<FlawCount>,
    /// Bytes of values read.
    pub bytes: u64,
}

/// What a run has moved before, for its progress.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moved {
    pub rows: u64,
    /// Of values read.
    pub bytes_read: u64,
    /// Of Parquet.
    pub bytes_uploaded: u64,
}

/// A stretch to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub window: Window,
    /// It is part of a larger window: reading it in the key's order would walk over the rows of the other steps.
    pub is_step: bool,
    pub already: Moved,
}

/// Reads and stages a stretch. A staging table that was begun is dropped again when
/// this does not succeed.
pub(super) async fn transfer<P: Platform>(
    scope: &Scope<P>,
    ground: &Ground,
    stretch: Stretch,
    attempt: Try<'_>,
) -> Result<Transferred, Halt> {
    let target = &scope.mapping.target;
    let order = StageOrder {
        mapping: scope.mapping.name.clone(),
        plan: Arc::clone(&ground.plan),
        staging: attempt.staging(target),
        job: attempt.job("load", target, &stretch.window),
    };
    let staging = order.staging.clone();
    let result = move_rows(scope, ground, stretch, order).await;
    if result.is_err() {
        scope.clean_up(&staging).await;
    }
    result
}

impl<P: Platform> Scope<P> {
    /// Drops a staging table that is no longer needed. The rows are safe either way.
    pub(super) async fn clean_up(&self, staging: &TableId) {
        let dropped = tokio::time::timeout(TIDY, self.ports.warehouse.drop_staging(staging)).await;
        match dropped {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => {
                tracing::warn!(table = %staging, error = %fault, "the staging table was not dropped; it expires by itself");
            }
            Err(_) => tracing::warn!(table = %staging, "dropping the staging table takes long; it expires by itself"),
        }
    }
}

async fn move_rows<P: Platform>(
    scope: &Scope<P>,
    ground: &Ground,
    stretch: Stretch,
    order: StageOrder,
) -> Result<Transferred, Halt> {
    let job = order.job.clone();
    let extraction = Extraction {
        table: scope.mapping.source.clone(),
        plan: Arc::clone(&order.plan),
        window: Some(stretch.window),
        limits: scope.ports.limits,
        is_step: stretch.is_step,
        readers: scope.ports.config.readers.unwrap_or_else(readers_by_processors),
        cancel: scope.cancel.clone(),
    };
    let pumped = scope.in_phase(Phase::Extract, pump(scope, extraction, stretch.already, order)).await;
    let Pumped { upload, each_key_once, flaws, bytes } = match pumped {
        Err(Halt::Fault(fault)) if fault.kind() == FaultKind::Schema => {
            // The table's own trouble, unless it is no longer the table that was described.
            unchanged(scope, ground).await?;
            return Err(Halt::Fault(fault));
        }
        pumped => pumped?,
    };
    let flaws = flaws.named(&ground.plan);
    let Some(upload) = upload else { return Ok(Transferred { staged: None, each_key_once, flaws, bytes }) };
    // A row written after a column was added, and read without it, would never be read again.
    unchanged(scope, ground).await?;
    let load = async {
        let staged = scope.unless_cancelled(upload.finish()).await?;
        reached("staged");
        scope.progress.update(|p| p.bytes_uploaded = stretch.already.bytes_uploaded + staged.bytes);
        scope.emit(Event::StagingLoaded {
            run: scope.run.clone(),
            mapping: scope.mapping.name.clone(),
            job,
            rows: staged.rows,
            bytes: staged.bytes,
        });
        Ok::<_, Halt>(staged)
    };
    let staged = scope.in_phase(Phase::Load, load).await?;
    Ok(Transferred { staged: Some(staged), each_key_once, flaws, bytes })
}

/// Is the source's table still the one that was described?
async fn unchanged<P: Platform>(scope: &Scope<P>, ground: &Ground) -> Result<(), Halt> {
    let table = &scope.mapping.source;
    let now = scope.unless_cancelled(scope.ports.source.describe(table)).await?;
    let was = &ground.source;
    if now.columns == was.columns && now.unique_keys == was.unique_keys {
        return Ok(());
    }
    let named = |columns: &[crate::domain::column::SourceColumn]| {
        let changed = columns.iter().filter(|c| !was.columns.contains(c) || !now.columns.contains(c));
        changed.map(|c| format!("`{}` {}", c.name, c.source_type)).collect::<Vec<_>>().join(", ")
    };
    let or_none = |text: String| if text.is_empty() { "nothing".to_owned() } else { text };
    let (before, after) = (or_none(named(&was.columns)), or_none(named(&now.columns)));
    Err(Halt::Drifted(format!("{table} was altered while it was read: {before} became {after}")))
}

/// What a reader handed over until it was done.
pub(super) struct Pumped<U> {
    /// `None`: there was no row.
    pub upload: Option<U>,
    each_key_once: bool,
    flaws: Flaws,
    /// Bytes of values read.
    bytes: u64,
}

/// Pumps batches until the reader is done. The upload begins with the first batch, so that an empty window costs
/// BigQuery nothing.
pub(super) async fn pump<P: Platform>(
    scope: &Scope<P>,
    extraction: Extraction,
    already: Moved,
    order: StageOrder,
) -> Result<Pumped<<P::Warehouse as Warehouse>::Upload>, Halt> {
    scope.progress.update(|p| {
        p.extract_began = Some(Instant::now());
        (p.rows_read, p.bytes_read, p.bytes_uploaded) = (already.rows, already.bytes_read, already.bytes_uploaded);
    });
    let mut extract: Extract = scope.ports.source.read(extraction);
    let mut order = Some(order);
    let mut upload: Option<<P::Warehouse as Warehouse>::Upload> = None;
    let (mut flaws, mut bytes) = (Flaws::default(), 0);
    loop {
        scope.unless_paused().await?;
        let batch = match extract.next().await? {
            Step::Batch(batch) => batch,
            Step::End { each_key_once } => return Ok(Pumped { upload, each_key_once, flaws, bytes }),
            Step::Stopped => return Err(Halt::Cancelled),
        };
        flaws.add(&batch.flaws);
        bytes += batch.bytes as u64;
        let rows = batch.rows.num_rows() as u64;
        if let Some(order) = order.take() {
            upload = Some(scope.unless_cancelled(scope.ports.warehouse.stage(order)).await?);
        }
        let Some(open) = upload.as_mut() else { continue };
        scope.unless_cancelled(open.write(batch.rows)).await?;
        reached("batch_handed_over");
        let sent = open.bytes_sent();
        scope.progress.update(|p| {
            p.rows_read += rows;
            p.bytes_read += batch.bytes as u64;
            p.bytes_uploaded = already.bytes_uploaded + sent;
            p.retry = None;
        });
    }
}

/// Values that became NULL, summed over the batches.
#[derive(Default)]
struct Flaws(BTreeMap<(usize, Flaw), u64>);

impl Flaws {
    fn add(&mut self, batch: &[(usize, Flaw, u64)]) {
        for (column, flaw, count) in batch {
            *self.0.entry((*column, *flaw)).or_default() += count;
        }
    }

    fn named(&self, plan: &TablePlan) -> Vec<FlawCount> {
        let name = |column: usize| plan.columns.get(column).map_or_else(String::new, |c| c.source.name.clone());
        self.0.iter().map(|(&(column, flaw), &count)| FlawCount { column: name(column), flaw, count }).collect()
    }
}
