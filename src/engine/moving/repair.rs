//! Compares both sides and mends the differences, batch by batch, under the lease; the watermark stays where it is.
//!
//! Rows are read by their keys, within the compared window: a row that has moved beyond the watermark meanwhile is left
//! to the next run. Mended rows are compared once more at the end.

use std::sync::Arc;

use super::mend::{Batch, Mending};
use crate::domain::column::{TargetSchema, same_name};
use crate::domain::config::{Deletes, Mapping, Mode};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::TablePlan;
use crate::domain::quote;
use crate::domain::report::Deletion;
use crate::domain::table_shard::of_shard_and;
use crate::domain::verify::{Cure, Cures, DifferenceKind, Looking, Outcome, Parts, Repair, Tally, Verification};
use crate::engine::ports::{Described, Platform};
use crate::engine::protocol::{Event, Phase, RepairOrder};
use crate::engine::work::Work;
use crate::engine::work::comparing::{Ready, ready, too_dear};
use crate::engine::work::empty_pair::are_both_empty;
use crate::engine::work::prepared::Schemas;
use crate::engine::work::rules::{Renewed, rules_of};
use crate::engine::work::scope::{Halt, Scope};
use crate::engine::work::survey::{Found, Limits, Survey};
use crate::format;
use crate::warehouse::Estimates;

/// How a search ended.
enum Gathered {
    /// The batch is full; there may be more differences.
    Full,
    /// The search is complete, or gives the reason why some parts were not looked into.
    Ended(Option<String>),
}

impl<P: Platform> Work<'_, P> {
    pub(in crate::engine) async fn repair(&mut self, order: &RepairOrder) -> Result<(), Halt> {
        let scope = self.scope;
        let mapping = &scope.mapping;
        let describe = scope.unless_cancelled(scope.ports.describe_both(mapping));
        let described = scope.in_phase(Phase::Describe, describe).await?;
        let begun = Verification::begin(mapping.name.clone(), mapping.source.to_string(), mapping.target.to_string());
        let mut verification = begun;
        let ready = ready(&scope.ports, mapping, self.ledger.state(), &described, &mut verification)?;
        let Some(Ready { comparison, rows, unread, .. }) = ready else {
            return self.conclude_without_rows(&described, verification).await;
        };
        // Two modes have no window: replace refuses a repair, and mirror has its own.
        let Some(window) = comparison.window else { return Ok(()) };
        self.tally.window = Some(window.to_string());
        self.recognise(described.target.as_ref());
        let cures = Cures::of(mapping, fills_every_column(described.target.as_ref(), &comparison.plan));
        let Described { source, target } = described;
        let plan = Arc::clone(&comparison.plan);
        let prepared = Schemas { table: mapping.source.clone(), source, target, plan }.by_cursor()?;
        let tell = |looking| scope.progress.update(|p| p.looking = Some(looking));
        let limits = Limits { most_bytes: order.most_bytes, most_named: order.most_named, mends: true };
        let mut survey = Survey::new(&scope.ports, &comparison, limits, &tell);
        scope.unless_cancelled(survey.price()).await?;
        if survey.bytes() > order.most_bytes {
            return Err(too_dear(mapping, survey.bytes(), order.most_bytes).into());
        }
        scope.in_phase(Phase::Plan, scope.unless_cancelled(survey.begin(rows))).await?;
        if !order.dry_run {
            self.mix_rules(&prepared.schemas);
        }
        let mut mending = Mending::new(&prepared, &comparison, window, cures, scope.ports.config.pace.window_rows);
        let left = loop {
            let mut batch = Batch::default();
            let gathered = self.gather(&mut survey, &mut mending, &mut batch, order.dry_run);
            let gathered = scope.in_phase(Phase::Plan, gathered).await?;
            self.mend(&mut mending, batch).await?;
            match gathered {
                Gathered::Full => {}
                Gathered::Ended(left) => break left,
            }
        };
        verification.bytes = survey.bytes();
        (verification.rows_in_mysql, verification.rows_in_bigquery) = survey.rows();
        let found = survey.into_tally();
        self.note_found(&found, cures, verification.bytes);
        let begun = verification.clone();
        verification.conclude(found, left.clone().or_else(|| unread.clone()));
        self.tell_compared(verification.clone(), false);
        if order.dry_run {
            return self.estimate(&mending, left).await;
        }
        let vanished = self.mend_vanished(&mut mending, &verification).await;
        if matches!(vanished, Err(Halt::Cancelled)) {
            return vanished;
        }
        self.compare_again(&mending, order, begun, unread).await?;
        vanished?;
        self.judge_repair(left)?;
        let counts = self.tally.repair.unwrap_or_default();
        let by = Renewed::Compared { comparison: &comparison, leaves_rows: counts.only_in_bigquery > counts.deleted };
        self.renew_rules(by, rules_of(mapping, &prepared.schemas));
        Ok(())
    }

    /// Searches until the batch has as many keys as one publish takes, or to the end.
    async fn gather(
        &mut self,
        survey: &mut Survey<'_, P>,
        mending: &mut Mending<'_>,
        batch: &mut Batch,
        dry_run: bool,
    ) -> Result<Gathered, Halt> {
        let scope = self.scope;
        while !mending.is_full(batch) {
            scope.unless_paused().await?;
            match scope.unless_cancelled(survey.next()).await? {
                Found::Rows(_, differences) if dry_run => mending.can_mend(&differences)?,
                Found::Rows(parts, differences) => mending.take(batch, parts, differences)?,
                Found::Left(reason) => return Ok(Gathered::Ended(Some(reason))),
                Found::End => return Ok(Gathered::Ended(None)),
            }
        }
        Ok(Gathered::Full)
    }

    pub(in crate::engine) fn tell_compared(&self, verification: Verification, again: bool) {
        let verification = Box::new(verification);
        self.scope.emit(Event::RowsCompared { run: self.scope.run.clone(), verification, again });
    }

    /// Rows that an earlier attempt of this run has mended are equal by now, and were counted then.
    fn note_found(&mut self, found: &Tally, cures: Cures, bytes: u64) {
        let counts = self.tally.repair.get_or_insert_default();
        let known = |known: &mut u64, kind| *known = (*known).max(found.count(kind));
        known(&mut counts.only_in_mysql, DifferenceKind::OnlyInMysql);
        known(&mut counts.differing, DifferenceKind::Differs);
        known(&mut counts.doubled, DifferenceKind::Doubled);
        known(&mut counts.only_in_bigquery, DifferenceKind::OnlyInBigquery);
        counts.bytes_compared += bytes;
        let left = |kind| if cures.cure(kind) == Cure::Leave { found.count(kind) } else { 0 };
        let (vanished, doubled) = (left(DifferenceKind::OnlyInBigquery), left(DifferenceKind::Doubled));
        counts.left = vanished + doubled;
        self.note_left(vanished, doubled);
    }

    fn note_left(&mut self, vanished: u64, doubled: u64) {
        let mapping = &self.scope.mapping;
        if vanished > 0 {
            let keys = format::counted(vanished, "key");
            self.note(if mapping.mode == Mode::Append {
                format!("BigQuery holds {keys} that MySQL does not have, kept as history (`mode: append`)")
            } else {
                format!(
                    "BigQuery holds {keys} that MySQL does not have, left there because the mapping says `deletes: ignore` \
                     (`soft` marks such rows, `hard` deletes them)"
                )
            });
        }
        if doubled > 0 {
            let keys = format::counted(doubled, "key");
            let why = if mapping.mode == Mode::Append {
                "an append's earlier versions are not touched"
            } else {
                "the table has columns that the mapping does not fill, which would be lost"
            };
            self.note(format!("BigQuery holds {keys} more than once, left unchanged: {why}; {}", deleting(mapping)));
        }
    }
}

/// The step that lets a repair bring a key's row again which it does not change itself.
fn deleting(mapping: &Mapping) -> String {
    let own = of_shard_and(mapping.shard.as_ref());
    let lost = if mapping.mode == Mode::Append { ", its earlier versions do not" } else { "" };
    format!(
        "delete all rows of such a key in BigQuery (`bqsync verify {}` names them; DELETE FROM {} WHERE {own}...), and repair \
         again: the newest row comes back{lost}",
        quote::shell_option("--mapping", &mapping.name.0),
        quote::bigquery_table(&mapping.target)
    )
}

/// The step for keys that differ although they were repaired.
fn ending(mapping: &Mapping) -> String {
    if mapping.mode == Mode::Append {
        return format!(
            "unless rows changed during the repair, BigQuery holds rows with the same key and incremental value but other values, and \
             a repair changes no row of an append: {}; if MySQL holds a key twice, name the columns that tell rows apart \
             (`primary_keys`)",
            deleting(mapping)
        );
    }
    format!(
        "rows that changed meanwhile are brought by another repair; if the same keys differ again (`bqsync verify {}` names them), \
         MySQL holds them twice: name the columns that tell rows apart (`primary_keys`)",
        quote::shell_option("--mapping", &mapping.name.0)
    )
}

/// Whether the plan fills every column of the target, so that rows which are inserted again lose no value.
pub(super) fn fills_every_column(target: Option<&TargetSchema>, plan: &TablePlan) -> bool {
    let fills = |name: &str| plan.columns.iter().any(|column| same_name(&column.target_name, name));
    let shard = plan.shard.as_ref().map(|shard| &shard.column);
    let ours = || plan.deleted_column.iter().chain(&plan.loaded_at).chain(shard);
    let is_ours = |name: &str| ours().any(|ours| same_name(ours, name));
    target.is_none_or(|target| target.columns.iter().all(|column| fills(&column.name) || is_ours(&column.name)))
}

impl<P: Platform> Work<'_, P> {
    /// A mapping without a watermark: both of its tables may be empty, which is equal, or it has not run yet.
    async fn conclude_without_rows(&mut self, described: &Described, mut told: Verification) -> Result<(), Halt> {
        let Scope { ports, mapping, .. } = self.scope;
        let are_empty = are_both_empty(ports, mapping, self.ledger.state(), described);
        if self.scope.unless_cancelled(are_empty).await? {
            told.outcome = Outcome::Equal;
            self.tally.repair = Some(Repair { different_still: Some(0), ..Repair::default() });
        } else {
            self.note("nothing has been synced yet, so there is nothing to compare".to_owned());
        }
        self.tell_compared(told, false);
        Ok(())
    }

    /// For a dry run: what would be done, and what BigQuery would bill for it.
    async fn estimate(&mut self, mending: &Mending<'_>, left: Option<String>) -> Result<(), Halt> {
        let Scope { ports, mapping, .. } = self.scope;
        let Mending { prepared, window, cures, .. } = mending;
        let counts = self.tally.repair.get_or_insert_default();
        let undoubles = cures.mode == Mode::Upsert && cures.undoubles;
        // An append changes no row: it adds the newest version.
        let (inserted, updated) = match cures.mode {
            Mode::Append => (counts.only_in_mysql + counts.differing, 0),
            Mode::Upsert | Mode::Replace | Mode::Mirror => (counts.only_in_mysql, counts.differing),
        };
        let versions = if cures.mode == Mode::Append { counts.differing } else { 0 };
        let mut planned = Repair { inserted, updated, ..*counts };
        planned.undoubled = if undoubles { counts.doubled } else { 0 };
        planned.deleted = if cures.deletes { counts.only_in_bigquery } else { 0 };
        let mut bytes = 0;
        for kind in mending.kinds(&planned) {
            let ask = ports.warehouse.publish_bytes(&mapping.target, &prepared.schemas.plan, kind, Some(*window));
            bytes += self.scope.unless_cancelled(ask).await?;
        }
        planned.bytes_to_mend = Some(bytes);
        self.tally.repair = Some(planned);
        // The comparison reads hashes, so it does not know which versions BigQuery holds.
        if versions > 0 {
            self.note(format!(
                "no row of an append is changed: MySQL's version of {} is added only where BigQuery holds none with the same key \
                 and incremental value, and INSERTED counts them all; where it holds one, the key differs after the repair too: {}",
                format::counted(versions, "differing key"),
                deleting(mapping)
            ));
        }
        if planned.deleted > 0 {
            let option = quote::shell_option("--mapping", &mapping.name.0);
            self.note(format!(
                "what the deletion reads is not in this estimate: `bqsync deletes {option} --dry-run` counts it"
            ));
        }
        left.map_or(Ok(()), |reason| Err(unfinished(mapping, &reason).into()))
    }

    /// Deletes rows that only BigQuery has. All keys of MySQL are read again for this, so a row that has come back is
    /// not deleted.
    async fn mend_vanished(&mut self, mending: &mut Mending<'_>, found: &Verification) -> Result<(), Halt> {
        if self.scope.mapping.deletes == Deletes::Ignore || found.only_in_bigquery == 0 {
            return Ok(());
        }
        let step = mending.next_step();
        let done = self.deletes(mending.prepared, false, step).await;
        let deleted = self.tally.deletion.map_or(0, |Deletion { deleted, .. }| deleted);
        self.tally.repair.get_or_insert_default().deleted = deleted;
        done
    }

    /// Compares the mended parts once more, with what BigQuery holds and not with what was sent to it.
    async fn compare_again(
        &mut self,
        mending: &Mending<'_>,
        order: &RepairOrder,
        before: Verification,
        unread: Option<String>,
    ) -> Result<(), Halt> {
        let scope = self.scope;
        let tell = |looking| scope.progress.update(|p| p.looking = Some(looking));
        let most_bytes = order.most_bytes.saturating_sub(before.bytes);
        let limits = Limits { most_bytes, most_named: order.most_named, mends: true };
        let mut survey = Survey::new(&scope.ports, mending.comparison, limits, &tell);
        let of = mending.parts.len() as u64;
        let again = async {
            for (done, parts) in (0..).zip(&mending.parts) {
                let parts: &Parts = parts;
                tell(Looking::Again { done, of });
                if scope.unless_cancelled(survey.look_again(parts)).await?.is_some() {
                    return Ok(false);
                }
            }
            Ok::<_, Halt>(true)
        };
        let whole = scope.in_phase(Phase::Plan, again).await?;
        let bytes = survey.bytes();
        let still = survey.into_tally();
        let counts = self.tally.repair.get_or_insert_default();
        counts.bytes_compared += bytes;
        counts.different_still = whole.then(|| still.counts.values().sum());
        if !whole {
            self.note("not all repaired rows were compared again: `--max-bytes` allows no more".to_owned());
        }
        let mut verification = Verification { bytes: before.bytes + bytes, ..before };
        verification.conclude(still, unread);
        self.tell_compared(verification, true);
        Ok(())
    }

    /// Differences that the configuration leaves are not a failure; differences that should have been mended are.
    pub(in crate::engine) fn judge_repair(&self, left: Option<String>) -> Result<(), Halt> {
        let Scope { mapping, .. } = self.scope;
        if let Some(reason) = left {
            return Err(unfinished(mapping, &reason).into());
        }
        let counts = self.tally.repair.unwrap_or_default();
        let still = counts.different_still.unwrap_or(0);
        if still <= counts.left {
            return Ok(());
        }
        let sentence = format!(
            "after the repair {} still differs from MySQL in {}",
            mapping.target,
            format::counted(still - counts.left, "key")
        );
        Err(Fault::new(FaultKind::Data, sentence).with_hint(ending(mapping)).into())
    }
}

/// The fault of a search that stopped early; what it had found until then has been mended.
fn unfinished(mapping: &Mapping, reason: &str) -> Fault {
    let name = &mapping.name;
    let option = quote::shell_option("--mapping", &name.0);
    let hint = if mapping.primary_keys.is_empty() {
        format!(
            "name the columns that tell rows apart (`primary_keys`), or move the rows again: `bqsync backfill {option} --start ...`"
        )
    } else {
        format!("allow more: `bqsync verify {option} --repair --max-bytes ...`; the rows found so far are repaired")
    };
    Fault::new(FaultKind::Config, format!("`{name}` was repaired only in part: {reason}")).with_hint(hint)
}
