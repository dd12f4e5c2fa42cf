//! Finds the target's rows that the source no longer has, and deletes or marks them as the mapping says.
//!
//! The lease excludes every other run, so that no row can reach the target after its key was looked up. One statement
//! reads all keys of the source at one moment; they are staged, and one job compares and deletes.

use std::sync::Arc;

use super::transfer::Pumped;
use crate::domain::config::{Deletes, Mapping};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::TablePlan;
use crate::domain::quote;
use crate::domain::report::Deletion;
use crate::domain::share;
use crate::domain::table_shard::emptying;
use crate::domain::window::{Low, Window};
use crate::engine::ports::Platform;
use crate::engine::protocol::{Event, Phase};
use crate::engine::work::Work;
use crate::engine::work::prepared::{Prepared, newest};
use crate::engine::work::scope::Halt;
use crate::failpoint::reached;
use crate::format;
use crate::source::{BoundsAsk, Extraction, Source};
use crate::state::{Moves, PendingPublish};
use crate::warehouse::{DeleteOrder, Deletes as _, StageOrder, Staged, Upload, Vanished, VanishedCounts};

impl<P: Platform> Work<'_, P> {
    /// `step` is the number of this work among the attempt's steps.
    pub(in crate::engine) async fn deletes(
        &mut self,
        prepared: &Prepared,
        dry_run: bool,
        step: u64,
    ) -> Result<(), Halt> {
        let scope = self.scope;
        refuse(&scope.mapping, &prepared.schemas.plan, dry_run)?;
        let Some(mark) = self.ledger.watermark(prepared.kind())? else { return Ok(()) };
        let window = Window { low: Low::Beginning, high: mark.cursor };
        let attempt = scope.attempt(self.tally.attempt(), step);
        // The time is taken before the keys are read: any older row was visible then.
        let before = scope.in_phase(Phase::Plan, self.young(prepared)).await?;
        let order = StageOrder {
            mapping: scope.mapping.name.clone(),
            plan: Arc::new(prepared.schemas.plan.keys_only()),
            staging: attempt.staging(&scope.mapping.target),
            job: attempt.job("keys", &scope.mapping.target, &window.to_string()),
            // No rows travel inline, because two jobs read the keys.
            inline_rows: 0,
        };
        let staging = order.staging.clone();
        let judged = self.judge(prepared, order, before).await;
        let vanished = match judged {
            Ok(Some(vanished)) if !dry_run => vanished,
            judged => {
                scope.clean_up(&staging).await;
                return judged.map(|_| ());
            }
        };
        let delete = DeleteOrder {
            mapping: scope.mapping.name.clone(),
            job: attempt.job("deletes", &scope.mapping.target, &window.to_string()),
            mark: prepared.schemas.plan.deleted_column.clone(),
            vanished,
        };
        scope.in_phase(Phase::Publish, self.delete_vanished(delete)).await?;
        scope.clean_up(&staging).await;
        reached("cleaned_up");
        Ok(())
    }
}

/// Refuses what the configuration does not allow or the target is not ready for.
fn refuse(mapping: &Mapping, plan: &TablePlan, dry_run: bool) -> Result<(), Fault> {
    let name = &mapping.name;
    if plan.keys.is_empty() {
        let sentence = format!("Mapping `{name}` has no `primary_keys`, so deleted rows cannot be recognised");
        return Err(Fault::new(FaultKind::Config, sentence).with_hint("name the columns that tell rows apart"));
    }
    match &mapping.deletes {
        _ if dry_run => Ok(()),
        Deletes::Ignore => {
            let sentence = format!("Mapping `{name}` says `deletes: ignore`");
            Err(Fault::new(FaultKind::Config, sentence)
                .with_hint("write `deletes: soft` or `deletes: hard` in the mapping; `--dry-run` only counts"))
        }
        Deletes::Soft { .. } | Deletes::Hard => refuse_no_mark(mapping, plan),
    }
}

/// Refuses to mark rows in a column that the target lacks.
pub(in crate::engine) fn refuse_no_mark(mapping: &Mapping, plan: &TablePlan) -> Result<(), Fault> {
    let Deletes::Soft { column } = &mapping.deletes else { return Ok(()) };
    if plan.deleted_column.is_some() {
        return Ok(());
    }
    let sentence = format!("{} has no column `{column}` to mark deleted rows in", mapping.target);
    Err(Fault::new(FaultKind::Schema, sentence).with_hint(format!(
        "add it: `bqsync schema-diff {} --apply`",
        quote::shell_option("--mapping", &mapping.name.0)
    )))
}

impl<P: Platform> Work<'_, P> {
    /// The value from which on rows are too young to judge: they may have come from a replica that is ahead of the one
    /// that is read now. `settle` must exceed the distance between replicas.
    async fn young(&self, prepared: &Prepared) -> Result<Option<Cursor>, Halt> {
        let scope = self.scope;
        let Some(settle) = scope.ports.config.pace.settle else { return Ok(None) };
        let ask = BoundsAsk {
            settle,
            ..newest(&prepared.schemas.table, &prepared.schemas.plan, prepared.cursor, Low::Beginning)
        };
        Ok(scope.unless_cancelled(scope.ports.source.bounds(&ask)).await?.limit)
    }

    /// Stages the keys and counts; `None` when there is nothing to delete.
    async fn judge(
        &mut self,
        prepared: &Prepared,
        order: StageOrder,
        before: Option<Cursor>,
    ) -> Result<Option<Vanished>, Halt> {
        let scope = self.scope;
        let keys = Arc::clone(&order.plan);
        let staged = self.stage_keys(order).await?;
        self.tally.bytes_staged += staged.bytes;
        let vanished = Vanished {
            target: scope.mapping.target.clone(),
            plan: Arc::clone(&prepared.schemas.plan),
            keys,
            staged: staged.table,
            before,
            within: None,
        };
        let count = scope.unless_cancelled(scope.ports.warehouse.count_vanished(&vanished));
        let VanishedCounts { held, vanished: gone, cost } = scope.in_phase(Phase::Plan, count).await?;
        self.tally.cost.add(cost);
        self.tally.deletion = Some(Deletion { keys: staged.rows, held, vanished: gone, deleted: 0 });
        guard(&scope.mapping, held, gone)?;
        Ok((gone > 0).then_some(vanished))
    }

    /// Stages all keys of the source, whatever the incremental column of their rows holds.
    async fn stage_keys(&self, order: StageOrder) -> Result<Staged, Halt> {
        let scope = self.scope;
        let extraction = Extraction {
            table: scope.mapping.source.clone(),
            plan: Arc::clone(&order.plan),
            window: None,
            limits: scope.ports.limits,
            only: None,
            by_parts: None,
            is_step: false,
            // One statement sees one moment; between two statements a moved key would look vanished.
            readers: 1,
            cancel: scope.hold.cancel.clone(),
        };
        let pumped = scope.in_phase(Phase::Extract, self.pump(extraction, order)).await?;
        let Pumped { upload: Some(upload), .. } = pumped else { return Err(emptied(&scope.mapping).into()) };
        let staged = scope.in_phase(Phase::Load, scope.unless_cancelled(upload.finish())).await?;
        reached("staged");
        Ok(staged)
    }
}

fn emptied(mapping: &Mapping) -> Fault {
    let (source, target) = (&mapping.source, &mapping.target);
    Fault::new(FaultKind::Conflict, format!("MySQL shows no row of {source}, so nothing was deleted from {target}"))
        .with_hint(format!(
            "if the table was emptied on purpose, delete its rows in BigQuery: {}",
            emptying(target, mapping.shard.as_ref())
        ))
}

fn guard(mapping: &Mapping, held: u64, vanished: u64) -> Result<(), Fault> {
    let most = mapping.most_deleted;
    if vanished <= share::of(held, most) {
        return Ok(());
    }
    let (name, target) = (&mapping.name, &mapping.target);
    let enough = share::that_allows(vanished, held);
    let (vanished, held) = (format::count(vanished), format::counted(held, "row"));
    let sentence = format!(
        "MySQL no longer has {vanished} of {held} of {target}, more than `max_delete_fraction` ({most}) of mapping `{name}` \
         allows; none was deleted"
    );
    Err(Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
        "`bqsync verify {}` names the first of them; if they were removed on purpose, `max_delete_fraction: {enough}` in the mapping \
         lets them go",
        quote::shell_option("--mapping", &name.0)
    )))
}

impl<P: Platform> Work<'_, P> {
    /// Deletes in the way of a publish: the state notes the job before it is sent, so that the next run asks how the
    /// job ended before it brings back a row that exists again.
    async fn delete_vanished(&mut self, order: DeleteOrder) -> Result<(), Halt> {
        let scope = self.scope;
        self.ledger
            .note_pending(PendingPublish {
                job: order.job.clone(),
                place: scope.place(),
                staging: order.vanished.staged.clone(),
                mark: None,
                moves: Moves::Nothing,
                since: None,
                high: self.ledger.watermark_text().unwrap_or_default(),
                rows: 0,
                inline: false,
            })
            .await?;
        reached("pending_noted");
        let counts = scope.in_patience(&order.job, scope.ports.warehouse.delete(&order)).await?;
        reached("published");
        self.ledger.adopt_pending(&counts).await?;
        let deleted = counts.deleted + counts.updated;
        if let Some(deletion) = &mut self.tally.deletion {
            deletion.deleted = deleted;
        }
        self.tally.cost.add(counts.cost);
        self.tally.jobs.push(order.job.clone());
        let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
        scope.emit(Event::RowsDeleted { run, mapping, job: order.job, deleted, marked: order.mark.is_some() });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn mapping(rest: &str) -> Mapping {
        let text = format!(
            "project: p\ndataset: d\nmappings: [{{name: t, mysql_table: t, primary_keys: [id], incremental_column: id, {rest}}}]"
        );
        let config = crate::domain::config::parse(&text, Path::new("config.yaml"), &|_| None).expect("no problem");
        config.mappings[0].clone()
    }

    #[test]
    fn more_than_the_allowed_share_is_refused() {
        let tenth = mapping("deletes: hard");
        assert!(guard(&tenth, 100, 10).is_ok() && guard(&tenth, 0, 0).is_ok());
        let fault = guard(&tenth, 100, 11).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Conflict);
        assert!(fault.to_string().contains("11 of 100 rows"), "{fault}");
        assert!(guard(&mapping("deletes: hard, max_delete_fraction: 1"), 100, 100).is_ok());
        assert!(guard(&mapping("deletes: hard, max_delete_fraction: 0"), 100, 1).is_err());
    }
}
