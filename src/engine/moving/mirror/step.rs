//! One step of a mirror: reads the rows of some parts with their sums, and sends the job that makes BigQuery's parts
//! equal.

use std::sync::Arc;

use super::allowance::Allowance;
use super::job::Mirror;
use crate::domain::config::Deletes;
use crate::domain::mirror::Sums;
use crate::domain::publish::PublishKind;
use crate::domain::replacement::Shrink;
use crate::domain::verify::{ByParts, Parts};
use crate::engine::moving::publish::Own;
use crate::engine::moving::transfer::{Stretch, Transferred};
use crate::engine::ports::Platform;
use crate::engine::protocol::Phase;
use crate::engine::work::Work;
use crate::engine::work::ids::Try;
use crate::engine::work::scope::Halt;
use crate::failpoint::reached;
use crate::state::Moves;
use crate::warehouse::{Deletes as _, PublishCounts, Staged, Vanished, VanishedCounts, Within};

impl<P: Platform> Work<'_, P> {
    /// Gives the sums of the published rows. `before`: how many rows BigQuery may hold of the parts.
    pub(super) async fn bring(
        &mut self,
        mirror: &Mirror<'_>,
        by_parts: ByParts,
        parts: &Parts,
        before: Option<u64>,
        allowance: &mut Allowance,
    ) -> Result<Sums, Halt> {
        let scope = self.scope;
        let attempt = scope.attempt(self.tally.attempt(), self.tally.next_staging());
        let grain = by_parts.grain;
        // If even all these rows may be deleted, they need not be counted first.
        let is_counted = before.is_none_or(|before| !allowance.has_room_for(before));
        let stretch = Stretch { by_parts: Some(by_parts), is_part: true, may_be_inline: !is_counted, ..Stretch::WHOLE };
        let read = self.transfer(mirror.schemas, stretch, attempt).await?;
        let Transferred { staged, flaws, bytes, sums, .. } = read;
        self.tally.add_flaws(&flaws);
        let staged = match staged {
            Some(staged) => staged,
            None => scope.in_phase(Phase::Load, self.stage_nothing(mirror.schemas, attempt)).await?,
        };
        let deletes = scope.mapping.deletes != Deletes::Ignore;
        let within = Within { comparison: Arc::clone(&mirror.comparison), parts: parts.clone(), deletes };
        if is_counted && let Err(halt) = self.count_gone(mirror, &staged, within.clone(), allowance).await {
            self.drop_staged(&staged).await;
            return Err(halt);
        }
        let put = self.put_parts(mirror, attempt, &staged, within);
        let counts = scope.in_phase(Phase::Publish, put).await?;
        self.count_step(&staged, &counts, bytes);
        if !is_counted {
            // Marked rows count among the updated ones; nobody knows how many of these they are.
            let marks = mirror.schemas.plan.deleted_column.is_some();
            allowance.gone += if marks { before.unwrap_or(0) } else { counts.deleted };
        }
        self.drop_staged(&staged).await;
        reached("cleaned_up");
        Ok(sums.unwrap_or_else(|| Sums::new(grain)))
    }

    /// Counts the rows of the parts that MySQL no longer has; refuses if they are too many.
    async fn count_gone(
        &mut self,
        mirror: &Mirror<'_>,
        staged: &Staged,
        within: Within,
        allowance: &mut Allowance,
    ) -> Result<(), Halt> {
        let scope = self.scope;
        if !within.deletes {
            return Ok(());
        }
        let plan = Arc::clone(&mirror.schemas.plan);
        let vanished = Vanished {
            target: scope.mapping.target.clone(),
            keys: Arc::new(plan.keys_only()),
            plan,
            staged: staged.table.clone(),
            before: None,
            within: Some(within),
        };
        let count = scope.unless_cancelled(scope.ports.warehouse.count_vanished(&vanished));
        let VanishedCounts { vanished: gone, cost, .. } = scope.in_phase(Phase::Plan, count).await?;
        self.tally.cost.add(cost);
        if let Err(fault) = allowance.admit(&scope.mapping, gone) {
            self.tally.shrink = Some(Shrink { rows: allowance.now, held: Some(allowance.held) });
            return Err(fault.into());
        }
        allowance.gone += gone;
        Ok(())
    }

    async fn put_parts(
        &mut self,
        mirror: &Mirror<'_>,
        attempt: Try<'_>,
        staged: &Staged,
        within: Within,
    ) -> Result<PublishCounts, Halt> {
        let own = Own {
            operation: "mirror",
            kind: PublishKind::Mirror,
            moves: Moves::Mirror,
            moved: format!("{:?}", within.parts),
            high: mirror.read_at.to_rfc3339(),
            rows: 0,
            within: Some(within),
        };
        let counts = self.publish_own(mirror.schemas, attempt, staged, own).await?;
        self.ledger.note_published(&counts, None, 0);
        Ok(counts)
    }

    fn count_step(&mut self, staged: &Staged, counts: &PublishCounts, bytes: u64) {
        let PublishCounts { inserted, updated, deleted, cost, .. } = *counts;
        self.tally.rows += inserted + updated + deleted;
        self.tally.inserted += inserted;
        self.tally.updated += updated;
        self.tally.steps += 1;
        self.tally.bytes_read += bytes;
        self.tally.bytes_staged += staged.bytes;
        self.tally.cost.add(cost);
        let mirrored = self.tally.mirrored.get_or_insert_default();
        mirrored.rows_read += staged.rows;
        mirrored.removed += deleted;
        let done = self.tally.moved().rows;
        self.scope.progress.update(|p| p.rows_published = done);
    }
}
