//! Brings a mirror's target up to date: publishes the changed parts of the table whole, or the whole table where too
//! many parts have changed.
//!
//! The state remembers a published part by the sums that came with its rows in the same statement. Before a publish is
//! sent, the state marks its parts as unknown: if the run is killed at any moment, the next run brings them again.

mod allowance;
mod job;
mod look;
mod step;

use std::collections::VecDeque;
use std::sync::Arc;

pub(in crate::engine) use self::allowance::Allowance;
pub(in crate::engine) use self::job::{Known, Mirror};
use self::look::Look;
pub(in crate::engine) use super::deletes::refuse_no_mark;
use super::repair::fills_every_column;
use super::transfer::Stretch;
use crate::domain::column::TargetSchema;
use crate::domain::config::{Deletes, Mapping};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::mirror::{ChangedPart, Mirrored, Sums, Way, least_gone, way};
use crate::domain::quote;
use crate::domain::replacement::Shrink;
use crate::domain::verify::{ByParts, Parts};
use crate::engine::ports::Platform;
use crate::engine::protocol::{Event, Phase};
use crate::engine::work::Work;
use crate::engine::work::scope::{Halt, Task};
use crate::failpoint::reached;
use crate::format;
use crate::state::{LeftTarget, Moves, Replaced};

impl<P: Platform> Work<'_, P> {
    /// Tells if the target is as this mapping left it, and notes if it is not.
    pub(in crate::engine) fn is_as_left(&mut self, target: Option<&TargetSchema>) -> bool {
        let Some(left) = self.ledger.left() else { return false };
        let is = target.is_some_and(|target| left.is(target));
        if !is {
            let (table, left) = (&self.scope.mapping.target, format::count(left.rows));
            let rows = target.map_or(Some(0), |target| target.rows);
            let now = rows.map_or_else(|| "an unknown number of rows".to_owned(), |rows| format::counted(rows, "row"));
            self.note(format!(
                "{table} is not as this mapping left it (it holds {now}, and was left with {left}): there is another \
                 writer, or \
                 an older state was restored; both sides are compared, which reads the table"
            ));
        }
        is
    }

    /// `seen`: MySQL's sums, if they were taken already.
    pub(in crate::engine) async fn bring_up_to_date(
        &mut self,
        mirror: &Mirror<'_>,
        known: Option<Known>,
        seen: Option<Sums>,
    ) -> Result<(), Halt> {
        let mapping = &self.scope.mapping;
        let target = mirror.schemas.target.as_ref();
        // However this run ends, the remembered sums do not describe the target from now on.
        if known.is_none() {
            self.ledger.forget_sums();
        }
        self.leave_as_described(target);
        // A table that several shards share is never replaced as a whole.
        let is_alone = mapping.shard.is_none();
        if is_alone && target.is_none_or(TargetSchema::is_empty) {
            return Box::pin(self.bring_whole(mirror, None, None)).await;
        }
        refuse_no_mark(mapping, &mirror.schemas.plan)?;
        let fills = fills_every_column(target, &mirror.schemas.plan);
        let may_replace = is_alone && mapping.deletes == Deletes::Hard && fills;
        let left_out = mirror.comparison.left_out();
        if known.is_none() && !left_out.is_empty() && may_replace {
            let names: Vec<_> = left_out.iter().map(|name| format!("`{name}`")).collect();
            let why = format!("the state has no checksums of it, and {} cannot be compared", names.join(", "));
            return Box::pin(self.bring_whole(mirror, Some(why), None)).await;
        }
        let look = match known {
            Some(known) => self.look_at_mysql(mirror, known, seen).await?,
            None => self.look_at_both(mirror).await?,
        };
        self.tally.mirrored = Some(Mirrored {
            parts: look.parts().max(look.changed.len()) as u64,
            changed: look.changed.len() as u64,
            compared: look.compared,
            ..Mirrored::default()
        });
        if look.changed.is_empty() {
            return self.all_is_brought(mirror, &look.now).await;
        }
        let allowance = self.allowance(&look, target)?;
        let window_rows = self.scope.ports.config.pace.window_rows;
        match way(look.grain, &look.changed, look.parts(), window_rows, may_replace) {
            Way::Whole => {
                let why = format!("{} of {} changed", look.changed.len(), format::counted(look.parts(), "part"));
                Box::pin(self.bring_whole(mirror, Some(why), Some(&look))).await
            }
            Way::Parts(steps) => Box::pin(self.bring_parts(mirror, look, steps, allowance)).await,
        }
    }

    /// How many rows may be deleted; refuses if more rows are certainly gone.
    fn allowance(&mut self, look: &Look, target: Option<&TargetSchema>) -> Result<Allowance, Fault> {
        let mapping = &self.scope.mapping;
        let held = target.and_then(|target| target.rows).unwrap_or_else(|| look.rows_before());
        let rows = look.now.rows();
        let is_free = mapping.deletes == Deletes::Ignore;
        if is_free || matches!(self.scope.task, Task::Sync { allow_shrink: true, .. }) {
            return Ok(Allowance { most: None, held, now: rows, gone: 0 });
        }
        let allowance = Allowance::of(mapping, held, rows);
        if let Err(fault) = allowance.admit(mapping, least_gone(&look.changed)) {
            self.tally.shrink = Some(Shrink { rows, held: Some(held) });
            return Err(fault);
        }
        Ok(allowance)
    }

    /// Brings the parts step by step; each step is remembered on its own.
    async fn bring_parts(
        &mut self,
        mirror: &Mirror<'_>,
        look: Look,
        steps: Vec<Parts>,
        mut allowance: Allowance,
    ) -> Result<(), Halt> {
        let Look { grain, mut now, changed, compared, .. } = look;
        let before = |parts: &Parts| rows_before(&changed, parts);
        let mut steps: VecDeque<Parts> = steps.into();
        let fine = now.grain;
        while let Some(parts) = steps.pop_front() {
            self.scope.unless_paused().await?;
            let unknown = Parts::of(grain, parts.numbers().chain(steps.iter().flat_map(Parts::numbers)));
            self.ledger.doubt_parts(&unknown.runs);
            let by_parts =
                ByParts { comparison: Arc::clone(&mirror.comparison), grain: fine, within: Some(parts.clone()) };
            let brought = self.bring(mirror, by_parts, &parts, before(&parts), &mut allowance);
            match Box::pin(brought).await {
                Err(Halt::Fault(fault)) if fault.is_too_much_at_once() => {
                    let Some((first, second)) = halves(&parts) else { return Err(Halt::Fault(fault)) };
                    // Also drops its staging table.
                    self.scope.in_phase(Phase::Recover, self.recover()).await?;
                    self.note(format!("a step was too large ({fault}); it is cut in two"));
                    steps.push_front(second);
                    steps.push_front(first);
                }
                brought => {
                    now.put(&parts, brought?);
                    let rest = Parts::of(grain, steps.iter().flat_map(Parts::numbers));
                    if compared {
                        // Nothing is remembered until all parts are known to be right; a later comparison finds the
                        // parts that were brought equal.
                        self.ledger.drop_pending().await?;
                    } else {
                        self.step_is_brought(mirror, &now, rest).await?;
                    }
                }
            }
        }
        if compared { Box::pin(self.hold_each_once(mirror, &now)).await } else { Ok(()) }
    }

    /// Checks that no key is doubled: a key that BigQuery holds twice is updated twice, which BigQuery's number of
    /// rows, free to ask, reveals. Replacing the whole table heals it.
    async fn hold_each_once(&mut self, mirror: &Mirror<'_>, now: &Sums) -> Result<(), Halt> {
        let mapping = &self.scope.mapping;
        let held = self.ledger.left().map(|left| left.rows).filter(|held| *held != now.rows());
        let Some(held) = held.filter(|_| mapping.deletes == Deletes::Hard) else {
            return self.all_is_brought(mirror, now).await;
        };
        let is_doubled = held > now.rows();
        let held = format!("BigQuery holds {}, and MySQL {}", format::counted(held, "row"), format::count(now.rows()));
        if mapping.shard.is_none() && fills_every_column(mirror.schemas.target.as_ref(), &mirror.schemas.plan) {
            let why = format!("publishing single parts was not enough: {held}");
            return Box::pin(self.bring_whole(mirror, Some(why), None)).await;
        }
        if is_doubled {
            return Err(doubled(mapping, &held).into());
        }
        self.note(format!(
            "{held}: `bqsync verify {}` names what differs",
            quote::shell_option("--mapping", &mapping.name.0)
        ));
        Ok(())
    }

    /// Remembers the parts that a step has brought; after the last step, by the smallest parts that were summed up.
    async fn step_is_brought(&mut self, mirror: &Mirror<'_>, now: &Sums, rest: Parts) -> Result<(), Halt> {
        if rest.runs.is_empty() {
            return self.all_is_brought(mirror, now).await;
        }
        let sums = now.by(rest.grain);
        let note = self.ledger.note_sums(&sums, mirror.plan.clone(), rest.runs);
        self.scope.in_phase(Phase::Advance, note).await?;
        reached("advanced");
        Ok(())
    }

    /// Remembers that BigQuery holds what MySQL held at the beginning of the run, or later.
    async fn all_is_brought(&mut self, mirror: &Mirror<'_>, now: &Sums) -> Result<(), Halt> {
        let scope = self.scope;
        let replaced = Replaced { rows: now.rows(), at: mirror.read_at };
        let (from, to) = (self.ledger.stands_at(Moves::Replace), replaced.to_string());
        self.ledger.set_replaced(replaced);
        let sums = now.clone().bounded();
        let note = self.ledger.note_sums(&sums, mirror.plan.clone(), Vec::new());
        scope.in_phase(Phase::Advance, note).await?;
        reached("advanced");
        let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
        scope.emit(Event::WatermarkAdvanced { run, mapping, from, to, whole: true });
        Ok(())
    }

    /// Replaces the whole table: one statement, one job. `why`: the reason; `None` for a table that is still empty.
    async fn bring_whole(&mut self, mirror: &Mirror<'_>, why: Option<String>, look: Option<&Look>) -> Result<(), Halt> {
        if let Some(why) = &why {
            self.note(format!("{} is read as a whole: {why}", self.scope.mapping.source));
        }
        let (grain, parts, changed) = match look {
            Some(look) => (look.now.grain, look.parts() as u64, look.changed.len() as u64),
            None => (self.grain_of(mirror).await?, 0, 0),
        };
        let by_parts = ByParts { comparison: Arc::clone(&mirror.comparison), grain, within: None };
        let stretch = Stretch { by_parts: Some(by_parts), ..Stretch::WHOLE };
        let placed = self.replace_with(mirror.schemas, stretch, mirror.read_at).await?;
        let left = LeftTarget { rows: placed.rows, modified: placed.ended, unsure: true, ..LeftTarget::default() };
        self.ledger.leave(Some(left));
        let sums = placed.sums.unwrap_or_else(|| Sums::new(grain)).bounded();
        let parts = parts.max(sums.len() as u64);
        let rows_read = sums.rows();
        self.tally.mirrored = Some(Mirrored { parts, changed, rows_read, whole: why, ..Mirrored::default() });
        let note = self.ledger.note_sums(&sums, mirror.plan.clone(), Vec::new());
        self.scope.in_phase(Phase::Advance, note).await?;
        Ok(())
    }

    /// Remembers the target as it was described, unless this run has changed it since. If the mapping changes to append
    /// one day, the target may hold any row beyond its watermark.
    fn leave_as_described(&mut self, target: Option<&TargetSchema>) {
        let modified = target.and_then(|target| target.modified).filter(|_| self.tally.schema_changes.is_empty());
        let rows = target.map_or(Some(0), |target| target.rows);
        self.ledger.leave(rows.map(|rows| LeftTarget { rows, modified, unsure: true, ..LeftTarget::default() }));
    }
}

/// Rows that BigQuery may hold of the parts; `None` if the number is unknown for one of them.
fn rows_before(changed: &[ChangedPart], parts: &Parts) -> Option<u64> {
    let is_in = |part: u64| parts.runs.iter().any(|&(first, last)| (first..=last).contains(&part));
    changed.iter().filter(|changed| is_in(changed.part)).map(|changed| changed.before).sum()
}

/// Cuts parts in two halves; `None` for a single part.
fn halves(parts: &Parts) -> Option<(Parts, Parts)> {
    let all: Vec<u64> = parts.numbers().collect();
    let (first, second) = all.split_at(all.len() / 2);
    let of = |some: &[u64]| Parts::of(parts.grain, some.iter().copied());
    (!first.is_empty()).then(|| (of(first), of(second)))
}

/// The fault for keys that BigQuery holds more than once and that no publish can merge into one.
fn doubled(mapping: &Mapping, held: &str) -> Fault {
    let table = quote::bigquery_table(&mapping.target);
    let hint = match &mapping.shard {
        Some(shard) => format!(
            "take the rows of this shard out in BigQuery, and the next run brings them anew: DELETE FROM {table} WHERE {}",
            shard.condition("")
        ),
        None => format!(
            "delete all rows of such a key in BigQuery (`bqsync verify {}` names them), and repair again: the newest comes back",
            quote::shell_option("--mapping", &mapping.name.0)
        ),
    };
    let sentence = format!("{held}: {} holds keys more than once", mapping.target);
    Fault::new(FaultKind::Conflict, sentence).with_hint(hint)
}
