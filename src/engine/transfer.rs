//! Reads a window and stages it: rows flow from the reader through the encoder to the upload, a few batches at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::protocol::{Event, Phase};
use super::run_id::Try;
use super::sync::{Halt, Scope};
use crate::domain::plan::TablePlan;
use crate::domain::report::{Flaw, FlawCount};
use crate::domain::window::Window;
use crate::source::{Extract, Extraction, Source, Step};
use crate::state::StateStore;
use crate::warehouse::{StageOrder, Staged, Upload, Warehouse};

/// What a transfer moved.
pub(super) struct Transferred {
    /// `None`: the window turned out to be empty.
    pub staged: Option<Staged>,
    pub flaws: Vec<FlawCount>,
}

/// Reads and stages. A staging table that was begun is dropped again when this does not succeed.
pub(super) async fn transfer<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    plan: &Arc<TablePlan>,
    window: Window,
    attempt: Try<'_>,
) -> Result<Transferred, Halt> {
    let target = &scope.mapping.target;
    let order = StageOrder {
        mapping: scope.mapping.name.clone(),
        plan: Arc::clone(plan),
        staging: attempt.staging(target),
        job: attempt.job("load", target, &window),
    };
    let staging = order.staging.clone();
    let result = move_rows(scope, window, order).await;
    if result.is_err() {
        // It expires by itself too, so a failure here is only worth a line in the log.
        if let Err(fault) = scope.ports.warehouse.drop_staging(&staging).await {
            tracing::warn!(table = %staging, error = %fault, "the staging table was not dropped; it expires by itself");
        }
    }
    result
}

async fn move_rows<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    window: Window,
    order: StageOrder,
) -> Result<Transferred, Halt> {
    let plan = Arc::clone(&order.plan);
    let job = order.job.clone();
    let mut flaws = Flaws::default();
    let uploaded = scope.in_phase(Phase::Extract, pump(scope, window, order, &mut flaws)).await?;
    let flaws = flaws.named(&plan);
    let Some(upload) = uploaded else { return Ok(Transferred { staged: None, flaws }) };
    let load = async {
        let staged = scope.unless_cancelled(upload.finish()).await?;
        scope.progress.update(|p| p.bytes_uploaded = staged.bytes);
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
    Ok(Transferred { staged: Some(staged), flaws })
}

/// Pumps batches until the reader is done. The upload begins with the first batch, so that an empty window costs
/// BigQuery nothing.
async fn pump<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    window: Window,
    order: StageOrder,
    flaws: &mut Flaws,
) -> Result<Option<W::Upload>, Halt> {
    scope.progress.update(|p| {
        p.extract_began = Some(Instant::now());
        (p.rows_read, p.bytes_read, p.bytes_uploaded) = (0, 0, 0);
    });
    let mut extract: Extract = scope.ports.source.read(Extraction {
        table: scope.mapping.source.clone(),
        plan: Arc::clone(&order.plan),
        window,
        limits: scope.ports.limits,
        is_step: false,
        cancel: scope.cancel.clone(),
    });
    let mut order = Some(order);
    let mut upload: Option<W::Upload> = None;
    loop {
        let batch = match extract.next().await? {
            Step::Batch(batch) => batch,
            Step::End => return Ok(upload),
            Step::Stopped => return Err(Halt::Cancelled),
        };
        flaws.add(&batch.flaws);
        let rows = batch.rows.num_rows() as u64;
        if let Some(order) = order.take() {
            upload = Some(scope.unless_cancelled(scope.ports.warehouse.stage(order)).await?);
        }
        let Some(open) = upload.as_mut() else { continue };
        scope.unless_cancelled(open.write(batch.rows)).await?;
        let sent = open.bytes_sent();
        scope.progress.update(|p| {
            p.rows_read += rows;
            p.bytes_read += batch.bytes as u64;
            p.bytes_uploaded = sent;
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
