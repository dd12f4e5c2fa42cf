//! Who else writes to the target: told by BigQuery's figures of it, and kept apart by the names of the publishes.
//!
//! BigQuery takes a job's id once. A publish that takes for granted what the target holds is named by the version of the
//! target that it builds on, whoever sends it: of two processes that build on the same version (two hosts with states of
//! their own, an older state put back) one comes first, and the other finds the name taken and looks again.

use super::ports::Platform;
use std::time::Duration;

use chrono::Utc;

use super::ledger::Ledger;
use super::publish::Work;
use super::run_id::turn;
use super::scope::{Halt, Scope};
use crate::domain::column::TargetSchema;
use crate::domain::config::Mode;
use crate::domain::ids::JobId;
use crate::domain::report::MappingReport;
use crate::format;
use crate::state::LeftTarget;
use crate::warehouse::{PublishKind, Taken, Warehouse};

/// What a table that holds nothing is called, whether it is there or not.
const EMPTY: &str = "empty";

/// After so many names that were taken before, a publish goes under its run's own, and looks for its rows.
const MOST_TURNS: u32 = 16;

/// A publish that has ended so long ago is in the figures that were looked at since.
const LONG_AGO: Duration = Duration::from_hours(1);

/// Does the mapping take for granted that the target is as it left it? The parts of a shared backfill are published
/// side by side, and look for their rows.
fn counts_on_the_target<P: Platform>(scope: &Scope<P>) -> bool {
    scope.mapping.mode == Mode::Append && scope.key == scope.mapping.name
}

/// The version that a publish builds on, where it builds on one. An upsert only does on an empty target.
fn version<P: Platform>(scope: &Scope<P>, target: Option<&TargetSchema>) -> Option<String> {
    match target {
        Some(target) if !target.is_empty() => {
            let rows = target.rows.filter(|_| counts_on_the_target(scope))?;
            Some(format!("{rows} {}", target.modified.unwrap_or_default()))
        }
        _ => Some(EMPTY.to_owned()),
    }
}

/// Holds the target against what the state says this mapping left; says so where somebody else has changed it.
pub(super) fn recognise<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    target: Option<&TargetSchema>,
) {
    ledger.build_on(version(scope, target));
    if !counts_on_the_target(scope) {
        return;
    }
    let known = ledger.left().cloned();
    let (rows, modified) = target.map_or((Some(0), None), |target| (target.rows, target.modified));
    let is_known = target.zip(known.as_ref()).is_some_and(|(target, left)| left.is(target));
    let unsure = rows != Some(0) && !(is_known && known.as_ref().is_some_and(|left| !left.unsure));
    if let Some(left) = known.as_ref().filter(|_| unsure && !is_known) {
        ledger.note_change(changed(scope, left, rows));
    }
    if let Some(change) = ledger.change() {
        scope.note(report, change.to_owned());
    }
    // What this run has changed of the schema came after the look.
    let modified = modified.filter(|_| report.schema_changes.is_empty());
    let named = known.unwrap_or_default();
    ledger.leave(rows.map(|rows| LeftTarget { rows, modified, unsure, ..named }));
}

fn changed<P: Platform>(scope: &Scope<P>, left: &LeftTarget, rows: Option<u64>) -> String {
    let (table, left) = (&scope.mapping.target, format::count(left.rows));
    let now = rows.map_or_else(|| "an unknown number of".to_owned(), format::count);
    format!(
        "{table} is not as this mapping left it (it holds {now} rows, {left} were left): another writer, or an older state \
         that was put back; rows are added only after looking whether they are there, which reads the table"
    )
}

/// Looks at the target again before a further publish of the same run.
pub(super) async fn look_again<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
) -> Result<(), Halt> {
    if !counts_on_the_target(scope) {
        return Ok(());
    }
    let target = scope.unless_cancelled(scope.ports.warehouse.describe(&scope.mapping.target)).await?;
    recognise(scope, ledger, report, target.as_ref());
    Ok(())
}

/// How a publish is sent, and under which name.
pub(super) struct Turn<'a> {
    pub kind: PublishKind,
    work: &'a Work<'a>,
    version: Option<String>,
    number: u32,
    taken: u32,
}

impl<'a> Turn<'a> {
    pub(super) fn first<P: Platform>(ledger: &Ledger<P>, work: &'a Work<'a>) -> Self {
        let version = ledger.version().map(str::to_owned);
        let ours = ledger.left().filter(|left| left.version.is_some() && left.version == version);
        Self { kind: work.kind, work, version, number: ours.map_or(0, |left| left.turns), taken: 0 }
    }

    pub(super) fn job(&self) -> JobId {
        let Work { attempt, target, window, .. } = self.work;
        match &self.version {
            Some(version) => turn(target, version, self.number),
            None if self.number == 0 => attempt.job("publish", target, window),
            None => attempt.job("insert", target, window),
        }
    }

    /// What tells this publish from whatever else may go by its name.
    pub(super) fn mark(&self) -> String {
        self.work.attempt.mark(&self.work.staged.table, self.number)
    }

    /// The version that it builds on, and the number under which the next one that does may be sent.
    pub(super) fn used(&self) -> (Option<String>, u32) {
        (self.version.clone(), self.number + 1)
    }

    /// The same rows in another way, once the publish is known not to have happened.
    pub(super) fn instead(&mut self, kind: PublishKind) {
        self.kind = kind;
        self.number += 1;
    }

    /// Another publish had the name. Where it changed the target, the target is looked at again, and rows are looked for.
    pub(super) async fn give_way<P: Platform>(
        &mut self,
        scope: &Scope<P>,
        ledger: &mut Ledger<P>,
        report: &mut MappingReport,
        other: Taken,
    ) -> Result<(), Halt> {
        self.number += 1;
        self.taken += 1;
        if other.changed {
            let target = scope.unless_cancelled(scope.ports.warehouse.describe(&scope.mapping.target)).await?;
            recognise(scope, ledger, report, target.as_ref());
            let is_as_it_was = ledger.version() == self.version.as_deref();
            if !is_as_it_was {
                self.version = ledger.version().map(str::to_owned);
                self.number = 0;
            }
            if !(is_as_it_was && ended_long_ago(other.ended)) {
                self.look_for_rows(scope);
            }
        }
        if self.taken >= MOST_TURNS {
            self.version = None;
            self.look_for_rows(scope);
        }
        Ok(())
    }

    fn look_for_rows<P: Platform>(&mut self, scope: &Scope<P>) {
        self.kind = match scope.mapping.mode {
            Mode::Upsert => PublishKind::Merge,
            Mode::Append => PublishKind::InsertMissing,
        };
    }
}

/// `ended`: in milliseconds since 1970.
fn ended_long_ago(ended: Option<u64>) -> bool {
    let now = u64::try_from(Utc::now().timestamp_millis()).unwrap_or_default();
    let long = u64::try_from(LONG_AGO.as_millis()).unwrap_or(u64::MAX);
    ended.is_some_and(|ended| ended.saturating_add(long) < now)
}
