//! A run of a mirror: MySQL sums its rows up by part, and the parts that changed are brought over.
//!
//! MySQL is asked first. If its sums equal the remembered ones, BigQuery is not asked at all.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::config::Deletes;
use crate::domain::mirror::{Mirrored, Sums, fingerprint};
use crate::domain::verify::{Comparison, Verification};
use crate::engine::moving::mirror::{Allowance, Known, Mirror, refuse_no_mark};
use crate::engine::ports::Platform;
use crate::engine::protocol::{Phase, RepairOrder};
use crate::engine::work::Work;
use crate::engine::work::comparing::{Ready, ready, too_dear};
use crate::engine::work::conflicts::refuse_shared_keys;
use crate::engine::work::ids::short_hash;
use crate::engine::work::scope::Halt;
use crate::engine::work::survey::{Limits, Survey};
use crate::state::{Replaced, Rules};
use crate::warehouse::Warehouse;

impl<P: Platform> Work<'_, P> {
    pub(super) async fn mirror(&mut self) -> Result<(), Halt> {
        let scope = self.scope;
        scope.unless_paused().await?;
        // Taken before anything is summed up: the sums include all that was committed by now.
        let read_at = scope.ports.clock.now();
        let source = self.describe_source().await?;
        refuse_shared_keys(&scope.mapping, &source)?;
        self.say_what_is_read(source.rows_estimate);
        let known = self.known().await?;
        let mut seen = None;
        if self.may_be_as_compared()
            && let Some(known) = known.as_ref().filter(|known| known.unknown.is_empty())
            && let Some(schemas) = self.foreseen(&source)
        {
            let comparison = Comparison::new(&scope.mapping, schemas.plan, None);
            if known.plan == self.plan_word(&comparison) {
                let rows = known.sums.rows();
                let now = self.sum_up(&comparison, Some(known.sums.grain), rows).await?;
                if known.sums.changed(&now, &[]).is_empty() {
                    return self.stays(known, &now, read_at).await;
                }
                seen = Some(now);
            }
        }
        let Some(mut schemas) = self.prepare(Some(source)).await? else { return Ok(()) };
        // Warnings from here on concern this run only.
        let has_spoken = !self.tally.warnings.is_empty();
        if let Some(target) = &mut schemas.target {
            let count = scope.ports.warehouse.rows_held(&scope.mapping.target, target, scope.mapping.shard.as_ref());
            target.rows = scope.unless_cancelled(count).await?;
        }
        let comparison = Arc::new(Comparison::new(&scope.mapping, Arc::clone(&schemas.plan), None));
        let plan = self.plan_word(&comparison);
        let is_of_plan = known.as_ref().is_some_and(|known| known.plan == plan);
        if known.is_some() && !is_of_plan {
            self.note_kept_values();
        }
        let known = known.filter(|_| is_of_plan && self.is_as_left(schemas.target.as_ref()));
        let seen = seen.filter(|_| known.is_some());
        let mirror = Mirror { schemas: &schemas, comparison, plan, read_at };
        Box::pin(self.bring_up_to_date(&mirror, known, seen)).await?;
        self.note_compared(&schemas.source, has_spoken);
        Ok(())
    }

    /// Ignores what is remembered: compares both sides, brings over the differences, and compares once more.
    pub(super) async fn repair_mirror(&mut self, order: &RepairOrder) -> Result<(), Halt> {
        let before = (self.tally.inserted, self.tally.updated);
        if order.dry_run {
            return self.compare_rows(order, false).await;
        }
        self.ledger.forget_sums();
        Box::pin(self.mirror()).await?;
        let (inserted, updated) = (self.tally.inserted - before.0, self.tally.updated - before.1);
        let deleted = self.tally.mirrored.as_ref().map_or(0, |mirrored| mirrored.removed);
        let repair = self.tally.repair.get_or_insert_default();
        (repair.inserted, repair.updated, repair.deleted) = (inserted, updated, deleted);
        (repair.only_in_mysql, repair.differing, repair.only_in_bigquery) = (inserted, updated, deleted);
        self.compare_rows(order, true).await?;
        self.judge_repair(None)
    }

    /// `again`: differences were mended, and both sides should be equal.
    async fn compare_rows(&mut self, order: &RepairOrder, again: bool) -> Result<(), Halt> {
        let scope = self.scope;
        let mapping = &scope.mapping;
        let describe = scope.unless_cancelled(scope.ports.describe_both(mapping));
        let described = scope.in_phase(Phase::Describe, describe).await?;
        let (source, target) = (mapping.source.to_string(), mapping.target.to_string());
        let mut verification = Verification::begin(mapping.name.clone(), source, target);
        let ready = ready(&scope.ports, mapping, self.ledger.state(), &described, &mut verification)?;
        let Some(Ready { comparison, rows, unread, .. }) = ready else {
            self.note("nothing has been synced yet, so there is nothing to compare".to_owned());
            self.tell_compared(verification, again);
            return Ok(());
        };
        let tell = |looking| scope.progress.update(|p| p.looking = Some(looking));
        let limits = Limits { most_bytes: order.most_bytes, most_named: order.most_named, mends: false };
        let mut survey = Survey::new(&scope.ports, &comparison, limits, &tell);
        scope.unless_cancelled(survey.price()).await?;
        if survey.bytes() > order.most_bytes {
            return Err(too_dear(mapping, survey.bytes(), order.most_bytes).into());
        }
        let compare = scope.unless_cancelled(survey.conclude(rows, unread, &mut verification));
        let is_whole = scope.in_phase(Phase::Plan, compare).await?;
        let repair = self.tally.repair.get_or_insert_default();
        repair.bytes_compared += verification.bytes;
        if again {
            repair.different_still = is_whole.then(|| verification.found());
            self.tell_compared(verification, again);
            return Ok(());
        }
        repair.only_in_mysql = verification.only_in_mysql;
        repair.differing = verification.differing;
        repair.doubled = verification.doubled;
        repair.only_in_bigquery = verification.only_in_bigquery;
        // In a dry run: what would be done.
        (repair.inserted, repair.updated) = (verification.only_in_mysql, verification.differing);
        repair.undoubled = verification.doubled;
        let is_left = mapping.deletes == Deletes::Ignore;
        repair.deleted = if is_left { 0 } else { verification.only_in_bigquery };
        let gone = repair.deleted;
        let allowance = Allowance::of(mapping, verification.rows_in_bigquery, verification.rows_in_mysql);
        self.tell_compared(verification, again);
        refuse_no_mark(mapping, &comparison.plan)?;
        if !is_left {
            allowance.admit(mapping, gone)?;
        }
        Ok(())
    }

    /// Notes that rows which MySQL no longer has keep their unmasked values.
    fn note_kept_values(&mut self) {
        let mapping = &self.scope.mapping;
        let masks = Rules::of(mapping).masks;
        if mapping.deletes == Deletes::Hard || masks.is_empty() {
            return;
        }
        let columns: Vec<_> = masks.keys().map(|column| format!("`{column}`")).collect();
        self.note(format!(
            "the mapping has changed since the last run: rows of {} that MySQL no longer has keep the values that they came \
             with, in {} perhaps in clear; see to them in BigQuery (UPDATE .. SET .. = NULL)",
            mapping.target,
            columns.join(", ")
        ));
    }

    /// The plan's fingerprint, with the rules: a mask's key appears in no word of the plan, but the rules tell one key
    /// from another.
    fn plan_word(&self, comparison: &Comparison) -> String {
        let mapping = &self.scope.mapping;
        short_hash(&format!("{} {:?} {:?}", fingerprint(comparison), Rules::of(mapping), mapping.deletes))
    }

    /// What the state remembers of the target.
    async fn known(&self) -> Result<Option<Known>, Halt> {
        let Some(of) = self.ledger.sums().cloned() else { return Ok(None) };
        let sums = self.scope.unless_cancelled(self.ledger.load_sums()).await?;
        Ok(sums.map(|sums| Known { sums, plan: of.plan, unknown: of.unknown }))
    }

    /// Records that nothing has changed; saved when the run closes. If MySQL was summed up by smaller parts than those
    /// remembered, the smaller ones are remembered.
    async fn stays(&mut self, known: &Known, now: &Sums, read_at: DateTime<Utc>) -> Result<(), Halt> {
        self.tally.mirrored = Some(Mirrored { parts: now.len() as u64, ..Mirrored::default() });
        self.ledger.set_replaced(Replaced { rows: now.rows(), at: read_at });
        if known.sums.grain != now.grain {
            let note = self.ledger.note_sums(now, known.plan.clone(), Vec::new());
            self.scope.in_phase(Phase::Advance, note).await?;
        }
        Ok(())
    }
}
