//! One run of one mapping, from lease to advance.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};

use super::Ports;
use super::announce::announce;
use super::conflicts::{refuse_conflicts, refuse_lost_target, still_required};
use super::emitter::Emitter;
use super::ledger::Ledger;
use super::progress::ProgressOf;
use super::protocol::{Event, Phase};
use super::publish::{self, Circumstances, Work};
use super::recover::recover;
use super::run_id::Try;
use super::transfer::transfer;
use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::RunId;
use crate::domain::plan::{PlanInput, TablePlan, plan};
use crate::domain::report::{MappingReport, Outcome};
use crate::domain::retry::RetryNote;
use crate::domain::schema::ColumnDiffView;
use crate::domain::window::Window;
use crate::retry::next_wait;
use crate::source::{Bounds, BoundsAsk, Source};
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// Rows of the current tick are always held back; beyond this they are dated in the future.
const AHEAD: TimeDelta = TimeDelta::minutes(1);

/// Why a step did not go on.
#[derive(Debug)]
pub(super) enum Halt {
    Fault(Fault),
    Cancelled,
    /// The operator has to decide about the schema first.
    Waiting,
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What one mapping's run works with.
pub(super) struct Scope<S, W, T> {
    pub ports: Ports<S, W, T>,
    pub run: RunId,
    pub mapping: Mapping,
    pub emitter: Emitter,
    pub progress: ProgressOf,
    pub cancel: CancellationToken,
}

impl<S: Source, W: Warehouse, T: StateStore> Scope<S, W, T> {
    pub(super) fn emit(&self, event: Event) {
        self.emitter.emit(event);
    }

    pub(super) fn warn(&self, message: String) {
        self.emit(Event::Warned { run: self.run.clone(), mapping: self.mapping.name.clone(), message });
    }

    /// Runs a step with its name in progress, events and every log line under it.
    pub(super) async fn in_phase<F: Future>(&self, phase: Phase, work: F) -> F::Output {
        // Of its own, not inside the mapping's: it says all that one does.
        let span =
            info_span!(parent: None, "sync", mapping = %self.mapping.name, run = %self.run, operation = phase.word());
        self.progress.update(|p| p.phase = phase);
        async {
            self.emit(Event::PhaseStarted { run: self.run.clone(), mapping: self.mapping.name.clone(), phase });
            work.await
        }
        .instrument(span)
        .await
    }

    /// Waits for something that may be dropped at any point, or for the operator's cancel.
    pub(super) async fn unless_cancelled<V>(&self, work: impl Future<Output = Result<V, Fault>>) -> Result<V, Halt> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(Halt::Cancelled),
            done = work => Ok(done?),
        }
    }
}

/// Runs the mapping to its end, whatever that is.
pub(super) async fn sync_mapping<S: Source, W: Warehouse, T: StateStore>(scope: &Scope<S, W, T>) -> MappingReport {
    let mapping = &scope.mapping;
    let mut report = MappingReport::begin(
        mapping.name.clone(),
        mapping.mode,
        scope.run.clone(),
        mapping.source.to_string(),
        mapping.target.to_string(),
        Utc::now(),
    );
    let lease = Ledger::open(&*scope.ports.state, &mapping.name, &scope.run);
    let mut ledger = match scope.in_phase(Phase::Lease, scope.unless_cancelled(lease)).await {
        Ok(ledger) => ledger,
        Err(halt) => {
            conclude(&mut report, Err(halt));
            return report;
        }
    };
    report.watermark_before = ledger.watermark_text();
    let ended = with_retries(scope, &mut ledger, &mut report).await;
    report.watermark_after = ledger.watermark_text();
    conclude(&mut report, ended);
    if let Err(fault) = ledger.close(&report).await {
        report.fail(&fault);
    }
    report
}

fn conclude(report: &mut MappingReport, ended: Result<(), Halt>) {
    match ended {
        Ok(()) => report.outcome = Outcome::Ok,
        Err(Halt::Cancelled) => report.outcome = Outcome::Cancelled,
        Err(Halt::Waiting) => report.outcome = Outcome::Waiting,
        Err(Halt::Fault(fault)) => report.fail(&fault),
    }
    report.finish(Utc::now());
}

/// Tries again as the fault's policy says.
async fn with_retries<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    ledger: &mut Ledger<'_, T>,
    report: &mut MappingReport,
) -> Result<(), Halt> {
    loop {
        let attempt = report.attempts;
        scope.progress.update(|p| p.attempt = attempt);
        // Without a name for its type, the compiler need not look through every step's future inside every other's.
        let work: Pin<Box<dyn Future<Output = Result<(), Halt>> + Send + '_>> =
            Box::pin(attempt_once(scope, ledger, report));
        let fault = match work.await {
            Err(Halt::Fault(fault)) => fault,
            ended => return ended,
        };
        let failures = usize::try_from(attempt).unwrap_or(usize::MAX);
        let tries = fault.kind().policy().mapping;
        let Some(wait) = tries.and_then(|tries| next_wait(tries, failures, fault.retry_after())) else {
            return Err(Halt::Fault(fault));
        };
        let operation = "the mapping's work".to_owned();
        let note = RetryNote { operation, attempt: attempt + 1, wait, because: fault.to_string() };
        announce(&scope.run, &scope.mapping.name, &scope.emitter, &scope.progress, note);
        tokio::select! {
            () = scope.cancel.cancelled() => return Err(Halt::Cancelled),
            () = tokio::time::sleep(scope.ports.patience.of(wait)) => {}
        }
        scope.progress.update(|p| p.retry = None);
        report.attempts += 1;
    }
}

async fn attempt_once<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    ledger: &mut Ledger<'_, T>,
    report: &mut MappingReport,
) -> Result<(), Halt> {
    report.warnings.clear();
    if ledger.pending().is_some() {
        scope.in_phase(Phase::Recover, recover(scope, ledger, report)).await?;
    }
    let (source, target) = scope.in_phase(Phase::Describe, describe(scope)).await?;
    let mark = ledger.watermark_text();
    // Before the plan makes the table anew.
    refuse_lost_target(&scope.mapping, mark.as_deref(), target.as_ref())?;
    if let (Some(mark), Some(0)) = (&mark, target.as_ref().map(|t| t.rows)) {
        note(scope, report, format!("{} holds no rows, although the watermark is {mark}", scope.mapping.target));
    }
    let plan = Arc::new(scope.in_phase(Phase::Plan, prepare(scope, &source, target.as_ref(), report)).await?);
    let watermark = ledger.watermark(plan.cursor_kind)?;
    let now = Circumstances { plan: &plan, target: target.as_ref(), watermark: watermark.as_ref() };
    let Some(window) = scope.in_phase(Phase::Plan, fix_window(scope, &now, &source, report)).await? else {
        return Ok(());
    };
    let kind = publish::kind(scope.mapping.mode, &window, &now);
    let attempt = Try { run: &scope.run, mapping: &scope.mapping.name, attempt: report.attempts };
    let moved = transfer(scope, &plan, window, attempt).await?;
    for flaw in &moved.flaws {
        let message =
            format!("{} value(s) of column `{}` arrived as NULL: {}", flaw.count, flaw.column, flaw.flaw.words());
        note(scope, report, message);
    }
    report.flaws = moved.flaws;
    let Some(staged) = moved.staged else { return Ok(()) };
    let work = Work { plan: &plan, window, kind, staged, attempt };
    settle(scope, ledger, report, work).await
}

/// Publishes, advances and cleans up.
async fn settle<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    ledger: &mut Ledger<'_, T>,
    report: &mut MappingReport,
    work: Work<'_>,
) -> Result<(), Halt> {
    let Work { plan, staged, .. } = work.clone();
    let (published, job) = scope.in_phase(Phase::Publish, publish::publish(scope, ledger, work)).await?;
    scope.progress.update(|p| p.rows_published = staged.rows);
    let advance = async {
        let from = ledger.watermark_text();
        let to = ledger.advance(plan.cursor_kind, &published).await?.cursor.to_string();
        scope.emit(Event::WatermarkAdvanced { run: scope.run.clone(), mapping: scope.mapping.name.clone(), from, to });
        Ok::<_, Halt>(())
    };
    scope.in_phase(Phase::Advance, advance).await?;
    report.records_processed += staged.rows;
    report.rows_inserted += published.inserted;
    report.rows_updated += published.updated;
    report.bytes_staged += staged.bytes;
    report.bytes_billed = published.bytes_billed;
    report.jobs.push(job);
    // The rows are safe; a staging table left behind expires by itself.
    if let Err(fault) = scope.ports.warehouse.drop_staging(&staged.table).await {
        tracing::warn!(table = %staged.table, error = %fault, "the staging table was not dropped; it expires by itself");
    }
    Ok(())
}

async fn describe<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
) -> Result<(SourceSchema, Option<TargetSchema>), Halt> {
    let Scope { ports, mapping, .. } = scope;
    let both =
        async { tokio::try_join!(ports.source.describe(&mapping.source), ports.warehouse.describe(&mapping.target)) };
    scope.unless_cancelled(both).await
}

/// Plans, and brings the target's schema to what the plan needs.
async fn prepare<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    source: &SourceSchema,
    target: Option<&TargetSchema>,
    report: &mut MappingReport,
) -> Result<TablePlan, Halt> {
    let Scope { ports, mapping, .. } = scope;
    let additions = ports.config.schema_additions;
    let input = PlanInput { mapping, timezone: ports.config.default_timezone, additions, source, target };
    let planned = plan(input)?;
    for warning in planned.warnings.iter().cloned().chain(still_required(mapping, &planned, additions)) {
        note(scope, report, warning);
    }
    refuse_conflicts(mapping, &planned, additions)?;
    let creates = planned.diff.creates_table;
    let wants_change = creates || planned.diff.changes().next().is_some();
    if !wants_change || (additions == SchemaAdditions::Deny && !creates) {
        return Ok(planned.table);
    }
    let statements = ports.warehouse.ddl(&mapping.target, &planned.table, &planned.diff);
    let waits = additions == SchemaAdditions::Review && !creates;
    if !waits {
        if creates {
            scope.unless_cancelled(ports.warehouse.ensure_dataset(&mapping.target)).await?;
        }
        scope.unless_cancelled(ports.warehouse.apply(&statements)).await?;
        report.schema_changes.clone_from(&statements);
    }
    scope.emit(Event::SchemaCompared {
        mapping: mapping.name.clone(),
        creates_table: creates,
        columns: planned.diff.columns.iter().map(ColumnDiffView::from).collect(),
        statements,
        applied: !waits,
        conflicts: 0,
    });
    if waits { Err(Halt::Waiting) } else { Ok(planned.table) }
}

/// Fixes the window; `None` when there is nothing new.
async fn fix_window<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    now: &Circumstances<'_>,
    source: &SourceSchema,
    report: &mut MappingReport,
) -> Result<Option<Window>, Halt> {
    let mapping = &scope.mapping;
    let kind = now.plan.cursor_kind;
    let first =
        mapping.backfill_start.as_deref().map(|text| Cursor::parse(text, kind)).transpose().map_err(|fault| {
            Fault::new(FaultKind::Config, format!("`backfill_start` of mapping `{}`", mapping.name)).caused_by(fault)
        })?;
    let low = publish::low(mapping.operator, now.watermark, first);
    let column = &now.plan.cursor_column().source;
    let ask = BoundsAsk {
        table: mapping.source.clone(),
        column: column.name.clone(),
        nullable: column.nullable,
        kind,
        timezone: now.plan.timezone,
        low,
        before: None,
        settle: Duration::ZERO,
    };
    let bounds = scope.unless_cancelled(scope.ports.source.bounds(&ask)).await?;
    warn_about(&bounds, column.name.as_str(), scope, report);
    let Some(high) = bounds.high else { return Ok(None) };
    let window = Window { low, high };
    let rows_estimate = if now.watermark.is_none() { source.rows_estimate } else { None };
    report.window = Some(window.to_string());
    scope.progress.update(|p| {
        p.window = Some(window.to_string());
        p.rows_estimate = rows_estimate;
    });
    scope.emit(Event::WindowFixed {
        run: scope.run.clone(),
        mapping: mapping.name.clone(),
        window: window.to_string(),
        rows_estimate,
    });
    Ok(Some(window))
}

/// Tells the operator of rows that no window holds, or not yet.
fn warn_about<S: Source, W: Warehouse, T: StateStore>(
    bounds: &Bounds,
    column: &str,
    scope: &Scope<S, W, T>,
    report: &mut MappingReport,
) {
    if bounds.has_nulls {
        let message = format!("rows whose `{column}` is NULL exist; no window ever holds them, so they are not synced");
        note(scope, report, message);
    }
    if let (Some(Cursor::Moment(newest)), Some(Cursor::Moment(tick))) = (bounds.newest, bounds.tick) {
        let ahead = newest.to_naive().zip(tick.to_naive()).map(|(newest, tick)| newest - tick);
        if ahead.is_some_and(|ahead| ahead > AHEAD) {
            note(
                scope,
                report,
                format!(
                    "the newest `{column}` is {newest}, beyond the server's clock ({tick} in that column's zone): rows from \
                     {tick} on wait until the clock has passed them; is `default_timezone` the zone they are written in?"
                ),
            );
        }
    }
}

fn note<S: Source, W: Warehouse, T: StateStore>(scope: &Scope<S, W, T>, report: &mut MappingReport, message: String) {
    scope.warn(message.clone());
    report.warnings.push(message);
}
