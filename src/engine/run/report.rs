//! The report of a mapping's run, made once from its scope, its tally, and its end.

use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::report::{MappingReport, Outcome};
use crate::engine::ports::Platform;
use crate::engine::work::scope::{Halt, Scope};
use crate::engine::work::tally::Tally;

/// When a run began: by the wall clock, and by a clock that is never set back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Began {
    at: DateTime<Utc>,
    since: Instant,
}

impl Began {
    pub(super) fn now<P: Platform>(scope: &Scope<P>) -> Self {
        Self { at: scope.ports.clock.now(), since: Instant::now() }
    }
}

/// The watermark before and after the work, as text.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    pub before: Option<String>,
    pub after: Option<String>,
}

/// The report of work that has ended.
pub(super) fn report<P: Platform>(
    scope: &Scope<P>,
    began: Began,
    tally: Tally,
    marks: Marks,
    ended: &Result<(), Halt>,
) -> MappingReport {
    let mapping = &scope.mapping;
    let (source, target) = (mapping.source.to_string(), mapping.target.to_string());
    let empty = MappingReport::begin(mapping.name.clone(), mapping.mode, scope.run.clone(), source, target, began.at);
    let attempts = tally.attempt();
    let mut report = MappingReport {
        records_processed: tally.rows,
        outcome: outcome(ended),
        window: tally.window,
        held_back: tally.held_back,
        lag_seconds: tally.lag_seconds,
        rows_read_again: tally.read_again,
        rows_late: tally.late,
        steps: tally.steps,
        watermark_before: marks.before,
        watermark_after: marks.after,
        rows_inserted: tally.inserted,
        rows_updated: tally.updated,
        bytes_read: tally.bytes_read,
        deletion: tally.deletion,
        replaced: tally.replaced,
        mirrored: tally.mirrored,
        shrink: tally.shrink,
        repair: tally.repair,
        bytes_staged: tally.bytes_staged,
        bytes_billed: tally.cost.billed,
        bytes_estimated: tally.cost.estimated,
        attempts,
        warnings: tally.warnings,
        flaws: tally.flaws,
        schema_changes: tally.schema_changes,
        jobs: tally.jobs,
        ..empty
    };
    match ended {
        Ok(()) | Err(Halt::Cancelled) => {}
        Err(Halt::Waiting(what)) => report.waits_for = Some(*what),
        Err(Halt::Fault(fault)) => report.fail(fault),
        Err(Halt::Drifted(what)) => report.fail(
            &Fault::new(FaultKind::Schema, what.as_str())
                .with_hint("run again once the changes to the table have ended"),
        ),
    }
    report.finish(scope.ports.clock.now(), began.since.elapsed());
    report
}

const fn outcome(ended: &Result<(), Halt>) -> Outcome {
    match ended {
        Ok(()) => Outcome::Ok,
        Err(Halt::Cancelled) => Outcome::Cancelled,
        Err(Halt::Waiting(_)) => Outcome::Waiting,
        Err(Halt::Fault(_) | Halt::Drifted(_)) => Outcome::Failed,
    }
}
