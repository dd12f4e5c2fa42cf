//! Reads a window and stages it: rows flow from the reader through the encoder to the upload, a few batches at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::column::SourceColumn;
use crate::domain::fault::FaultKind;
use crate::domain::mirror::Sums;
use crate::domain::plan::TablePlan;
use crate::domain::report::{Flaw, FlawCount};
use crate::domain::verify::{ByParts, Wanted};
use crate::domain::window::{WHOLE, Window};
use crate::engine::ports::Platform;
use crate::engine::protocol::{Event, Phase};
use crate::engine::work::Work;
use crate::engine::work::ids::Try;
use crate::engine::work::prepared::Schemas;
use crate::engine::work::scope::Halt;
use crate::failpoint::reached;
use crate::format;
use crate::source::{Extract, Extraction, Source, Step, readers_by_processors};
use crate::warehouse::{StageOrder, Staged, Upload, Warehouse};

/// A statement that is open this long is reported once.
const OLD_SNAPSHOT: Duration = Duration::from_mins(10);

/// What a transfer moved.
pub(in crate::engine) struct Transferred {
    /// `None`: the window turned out to be empty.
    pub staged: Option<Staged>,
    /// No two of the staged rows have the same keys.
    pub each_key_once: bool,
    pub flaws: Vec<FlawCount>,
    /// Bytes of the values read.
    pub bytes: u64,
    /// The sums of the staged rows, if they were read by parts.
    pub sums: Option<Sums>,
}

/// A stretch of rows to read.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Stretch {
    /// `None`: every row, in one statement.
    pub window: Option<Window>,
    /// Only the rows with these keys; `None`: all rows of the window.
    pub only: Option<Wanted>,
    /// Read by parts of the key, in one statement; the rows come with their sums.
    pub by_parts: Option<ByParts>,
    /// The stretch is part of a larger window: reading it in the key's order would walk over the other steps' rows.
    pub is_part: bool,
    /// Few rows may travel within their publish.
    pub may_be_inline: bool,
}

impl Stretch {
    /// A whole table. It is always staged: without its staging table a late publish replaces nothing.
    pub(super) const WHOLE: Self =
        Self { window: None, only: None, by_parts: None, is_part: false, may_be_inline: false };

    /// A window, or a part of one.
    pub(super) const fn of(window: Window, is_part: bool) -> Self {
        Self { window: Some(window), is_part, may_be_inline: true, ..Self::WHOLE }
    }
}

impl<P: Platform> Work<'_, P> {
    /// Reads and stages a stretch. If this fails, the staging table that was begun is dropped again.
    pub(in crate::engine) async fn transfer(
        &self,
        schemas: &Schemas,
        stretch: Stretch,
        attempt: Try<'_>,
    ) -> Result<Transferred, Halt> {
        let order = self.stage_order(schemas, &stretch, attempt);
        let staging = order.staging.clone();
        let result = self.move_rows(schemas, stretch, order).await;
        if result.is_err() {
            self.scope.clean_up(&staging).await;
        }
        result
    }

    /// The order by which a stretch is staged.
    pub(super) fn stage_order(&self, schemas: &Schemas, stretch: &Stretch, attempt: Try<'_>) -> StageOrder {
        let target = &self.scope.mapping.target;
        let what = stretch.window.map_or_else(|| WHOLE.to_owned(), |window| window.to_string());
        StageOrder {
            mapping: self.scope.mapping.name.clone(),
            plan: Arc::clone(&schemas.plan),
            staging: attempt.staging(target),
            job: attempt.job("load", target, &what),
            inline_rows: if stretch.may_be_inline { self.scope.ports.config.pace.inline_rows } else { 0 },
        }
    }

    async fn move_rows(&self, schemas: &Schemas, stretch: Stretch, order: StageOrder) -> Result<Transferred, Halt> {
        let scope = self.scope;
        let job = order.job.clone();
        let extraction = Extraction {
            table: scope.mapping.source.clone(),
            plan: Arc::clone(&order.plan),
            window: stretch.window,
            limits: scope.ports.limits,
            only: stretch.only,
            by_parts: stretch.by_parts,
            is_step: stretch.is_part,
            readers: scope.ports.config.readers.unwrap_or_else(readers_by_processors),
            cancel: scope.hold.cancel.clone(),
        };
        let is_one_statement = extraction.window.is_none();
        let pumping = scope.in_phase(Phase::Extract, self.pump(extraction, order));
        let pumped = if is_one_statement { self.as_one_snapshot(pumping).await } else { pumping.await };
        let Pumped { upload, each_key_once, flaws, bytes, sums } = match pumped {
            Err(Halt::Fault(fault)) if fault.kind() == FaultKind::Schema => {
                // The error is the table's own, unless the table was altered since it was described.
                self.unchanged(schemas).await?;
                return Err(Halt::Fault(fault));
            }
            pumped => pumped?,
        };
        let flaws = flaws.named(&schemas.plan);
        let Some(upload) = upload else { return Ok(Transferred { staged: None, each_key_once, flaws, bytes, sums }) };
        // A row that was written after a column was added, and read without it, would never be read again.
        self.unchanged(schemas).await?;
        let already = self.tally.moved();
        let load = async {
            let staged = scope.unless_cancelled(upload.finish()).await?;
            reached("staged");
            scope.progress.update(|p| p.bytes_uploaded = already.bytes_uploaded + staged.bytes);
            if staged.inline.is_none() {
                scope.emit(Event::StagingLoaded {
                    run: scope.run.clone(),
                    mapping: scope.mapping.name.clone(),
                    job,
                    rows: staged.rows,
                    bytes: staged.bytes,
                });
            }
            Ok::<_, Halt>(staged)
        };
        let staged = scope.in_phase(Phase::Load, load).await?;
        Ok(Transferred { staged: Some(staged), each_key_once, flaws, bytes, sums })
    }

    /// Reports how long one statement has been reading: until it ends, MySQL keeps the old version of every row that
    /// others change.
    async fn as_one_snapshot<T>(&self, reading: impl Future<Output = T>) -> T {
        let scope = self.scope;
        scope.progress.update(|p| p.snapshot_began = Some(Instant::now()));
        let tell = || {
            let message = format!(
                "the statement that reads {} is open for {}: until it ends, MySQL keeps what other statements replace (History \
                 list length in SHOW ENGINE INNODB STATUS)",
                scope.mapping.source,
                format::duration(OLD_SNAPSHOT)
            );
            scope.emit(Event::Warned { run: scope.run.clone(), mapping: scope.mapping.name.clone(), message });
        };
        let read = told_after(reading, OLD_SNAPSHOT, tell).await;
        scope.progress.update(|p| p.snapshot_began = None);
        read
    }

    /// Checks that the source's table is still as described.
    async fn unchanged(&self, schemas: &Schemas) -> Result<(), Halt> {
        let scope = self.scope;
        let table = &scope.mapping.source;
        let now = scope.unless_cancelled(scope.ports.source.describe(table)).await?;
        let was = &schemas.source;
        if now.columns == was.columns && now.unique_keys == was.unique_keys {
            return Ok(());
        }
        let named = |columns: &[SourceColumn]| {
            let changed = columns.iter().filter(|c| !was.columns.contains(c) || !now.columns.contains(c));
            changed.map(|c| format!("`{}` {}", c.name, c.source_type)).collect::<Vec<_>>().join(", ")
        };
        let what = match (named(&was.columns), named(&now.columns)) {
            (gone, new) if gone.is_empty() && new.is_empty() => "its unique keys have changed".to_owned(),
            (gone, new) if gone.is_empty() => format!("{new} was added"),
            (gone, new) if new.is_empty() => format!("{gone} was dropped"),
            (before, after) => format!("{before} became {after}"),
        };
        Err(Halt::Drifted(format!("{table} was altered while it was read: {what}")))
    }
}

/// What a reader handed over until it was done.
pub(in crate::engine) struct Pumped<U> {
    /// `None`: there were no rows.
    pub upload: Option<U>,
    each_key_once: bool,
    flaws: Flaws,
    /// Bytes of the values read.
    bytes: u64,
    sums: Option<Sums>,
}

impl<P: Platform> Work<'_, P> {
    /// Pumps batches until the reader is done. The upload begins with the first batch, so that an empty window costs
    /// nothing in BigQuery.
    pub(in crate::engine) async fn pump(
        &self,
        extraction: Extraction,
        order: StageOrder,
    ) -> Result<Pumped<<P::Warehouse as Warehouse>::Upload>, Halt> {
        let scope = self.scope;
        let already = self.tally.moved();
        scope.progress.update(|p| {
            p.extract_began = Some(Instant::now());
            (p.rows_read, p.bytes_read, p.bytes_uploaded) = (already.rows, already.bytes_read, already.bytes_uploaded);
        });
        let mut sums = extraction.by_parts.as_ref().map(|by_parts| Sums::new(by_parts.grain));
        let mut extract: Extract = scope.ports.source.read(extraction);
        let mut order = Some(order);
        let mut upload: Option<<P::Warehouse as Warehouse>::Upload> = None;
        let (mut flaws, mut bytes) = (Flaws::default(), 0);
        loop {
            scope.unless_paused().await?;
            let batch = match extract.next().await? {
                Step::Batch(batch) => batch,
                Step::End { each_key_once } => return Ok(Pumped { upload, each_key_once, flaws, bytes, sums }),
                Step::Stopped => return Err(Halt::Cancelled),
            };
            flaws.add(&batch.flaws);
            if let Some(sums) = &mut sums {
                for sum in &batch.sums {
                    sums.add(*sum);
                }
            }
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
}

/// Calls `tell` once if the work lasts longer than `longest`.
async fn told_after<T>(work: impl Future<Output = T>, longest: Duration, tell: impl FnOnce()) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(longest, &mut work).await {
        return done;
    }
    tell();
    work.await
}

/// The number of values that became NULL, by column position and flaw, summed over the batches.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn long_work_is_reported_once_and_continues() {
        for (minutes, told) in [(9, 0), (45, 1)] {
            let mut times = 0;
            let work = async {
                tokio::time::sleep(Duration::from_mins(minutes)).await;
                minutes
            };
            assert_eq!(told_after(work, OLD_SNAPSHOT, || times += 1).await, minutes);
            assert_eq!(times, told, "after {minutes} minutes");
        }
    }
}
