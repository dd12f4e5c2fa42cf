//! Other writers to the target: BigQuery's figures of the table reveal them, and the names of publishes keep them
//! apart.
//!
//! BigQuery takes a job's id once. A publish that relies on the target's content is named by the version of the target
//! that it builds on, not by its sender. If two processes build on the same version (two hosts with states of their own,
//! an older state put back), one comes first; the other finds the name taken and looks again.

use crate::domain::column::TargetSchema;
use crate::domain::config::Mode;
use crate::engine::ports::Platform;
use crate::engine::work::Work;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::Halt;
use crate::format;
use crate::state::LeftTarget;
use crate::warehouse::{Counted, Estimates};

/// The version of a table without rows, whether it exists or not.
const EMPTY: &str = "empty";

impl<P: Platform> Work<'_, P> {
    /// Tells if the mapping relies on the target being as it left it. The parts of a shared backfill do not: they are
    /// published side by side and look up their rows.
    fn counts_on_the_target(&self) -> bool {
        self.scope.mapping.mode == Mode::Append && self.scope.key == self.scope.mapping.name
    }

    /// The version that a publish builds on, if it builds on one. An upsert does so only on an empty target.
    fn version_of(&self, target: Option<&TargetSchema>) -> Option<String> {
        let version = match target {
            Some(target) if !target.is_empty() => {
                let rows = target.rows.filter(|_| self.counts_on_the_target())?;
                format!("{rows} {}", target.modified.unwrap_or_default())
            }
            _ => EMPTY.to_owned(),
        };
        // Shards of one table each build on their own rows.
        let shard = self.scope.mapping.shard.as_ref();
        Some(shard.map_or_else(|| version.clone(), |shard| format!("{version} of {}", shard.value)))
    }

    /// Compares the target with what the state says this mapping left; notes if somebody else has changed it.
    pub(in crate::engine) fn recognise(&mut self, target: Option<&TargetSchema>) {
        self.ledger.build_on(self.version_of(target));
        if !self.counts_on_the_target() {
            return;
        }
        let known = self.ledger.left().cloned();
        let (rows, modified) = target.map_or((Some(0), None), |target| (target.rows, target.modified));
        let is_known = target.zip(known.as_ref()).is_some_and(|(target, left)| left.is(target));
        let unsure = rows != Some(0) && !(is_known && known.as_ref().is_some_and(|left| !left.unsure));
        if let Some(left) = known.as_ref().filter(|_| unsure && !is_known) {
            self.ledger.note_change(self.changed_words(left, rows));
        }
        if let Some(change) = self.ledger.change().map(str::to_owned) {
            self.note(change);
        }
        // This run changed the schema after the look, so the moment of change that it saw is outdated.
        let modified = modified.filter(|_| self.tally.schema_changes.is_empty());
        let named = known.unwrap_or_default();
        self.ledger.leave(rows.map(|rows| LeftTarget { rows, modified, unsure, ..named }));
    }

    fn changed_words(&self, left: &LeftTarget, rows: Option<u64>) -> String {
        let (table, left) = (&self.scope.mapping.target, format::count(left.rows));
        let now = rows.map_or_else(|| "an unknown number of rows".to_owned(), |rows| format::counted(rows, "row"));
        format!(
            "{table} is not as this mapping left it (it holds {now}, and was left with {left}): there is another \
             writer, or an \
             older state was restored; from now on rows are looked up before they are added, which reads the table"
        )
    }

    /// Looks at the target again before a further publish of the same run.
    pub(in crate::engine) async fn look_at_target_again(&mut self) -> Result<(), Halt> {
        if !self.counts_on_the_target() {
            return Ok(());
        }
        let scope = self.scope;
        let target = scope.unless_cancelled(scope.ports.describe_target(&scope.mapping)).await?;
        self.recognise(target.as_ref());
        Ok(())
    }

    /// Tells if the target may hold rows beyond the watermark that this mapping did not bring.
    pub(in crate::engine) fn is_in_doubt(&self) -> bool {
        self.counts_on_the_target() && self.ledger.left().is_some_and(|left| left.unsure)
    }

    /// Asks BigQuery if there are such rows (another writer's, or those of a server that was ahead of the one read
    /// now). While there are any, rows are looked up before they are added.
    pub(in crate::engine) async fn settle_doubt(&mut self, prepared: &Prepared) -> Result<(), Halt> {
        let scope = self.scope;
        let Some(mark) = self.ledger.watermark(prepared.kind())? else { return Ok(()) };
        let count = scope.ports.warehouse.count_beyond(&scope.mapping.target, &prepared.schemas.plan, mark.cursor);
        let Counted { rows, cost } = match scope.unless_cancelled(count).await {
            Ok(counted) => counted,
            // The rows are safe: the next run looks them up too.
            Err(Halt::Fault(fault)) => {
                tracing::warn!(error = %fault, "rows beyond the watermark could not be counted; rows are still looked \
                                                up before they are added");
                return Ok(());
            }
            Err(halt) => return Err(halt),
        };
        self.tally.cost.add(cost);
        if rows == 0 {
            self.ledger.end_doubt();
        } else {
            self.note(format!(
                "{} holds {} beyond the watermark {}, not brought by this mapping: until the watermark has passed \
                 them, rows \
                 are looked up before they are added",
                scope.mapping.target,
                format::counted(rows, "row"),
                mark.cursor
            ));
        }
        Ok(())
    }
}
