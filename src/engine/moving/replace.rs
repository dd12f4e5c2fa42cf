//! Replaces a table as a whole: one statement reads it, one job replaces BigQuery's rows by the ones read.
//!
//! The publish does not depend on the target's content, so it ignores what appends and upserts must know (what this
//! mapping left in the target, and what another host or an older state has done to it since). Of two hosts with states
//! of their own the last one wins, with a whole table; the next run reads a newer one.

use chrono::{DateTime, Utc};

use super::publish::Own;
use super::transfer::{Stretch, Transferred};
use crate::domain::config::{Mapping, Mode};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::mirror::Sums;
use crate::domain::publish::PublishKind;
use crate::domain::quote;
use crate::domain::replacement::{Replacement, Shrink};
use crate::domain::share;
use crate::domain::window::WHOLE;
use crate::engine::ports::Platform;
use crate::engine::protocol::{Event, Phase};
use crate::engine::work::Work;
use crate::engine::work::ids::Try;
use crate::engine::work::prepared::Schemas;
use crate::engine::work::scope::{Halt, Task};
use crate::failpoint::reached;
use crate::format;
use crate::state::{Moves, Replaced};
use crate::warehouse::{PublishCounts, Staged, Upload, Warehouse};

/// A whole table that has been published.
#[derive(Debug)]
pub(super) struct Placed {
    pub rows: u64,
    /// The sums of the rows, if they were read by parts.
    pub sums: Option<Sums>,
    /// When the publish ended, in milliseconds since 1970; `None` where there was nothing to publish.
    pub ended: Option<u64>,
}

impl<P: Platform> Work<'_, P> {
    pub(in crate::engine) async fn replace(&mut self, schemas: &Schemas) -> Result<(), Halt> {
        let scope = self.scope;
        scope.unless_paused().await?;
        self.say_what_is_read(schemas.source.rows_estimate);
        // Taken before the statement is sent: its snapshot contains all that was committed by now.
        let read_at = scope.ports.clock.now();
        self.replace_with(schemas, Stretch::WHOLE, read_at).await.map(drop)
    }

    pub(super) async fn replace_with(
        &mut self,
        schemas: &Schemas,
        stretch: Stretch,
        read_at: DateTime<Utc>,
    ) -> Result<Placed, Halt> {
        let scope = self.scope;
        let attempt = scope.attempt(self.tally.attempt(), self.tally.next_staging());
        // Gives rows only after the reader has said that it reached the table's end.
        let read = self.transfer(schemas, stretch, attempt).await?;
        let Transferred { staged, flaws, bytes, sums, .. } = read;
        self.tally.add_flaws(&flaws);
        let rows = staged.as_ref().map_or(0, |staged| staged.rows);
        let before = match scope.in_phase(Phase::Plan, self.rows_before(rows)).await {
            Ok(before) => before,
            Err(halt) => {
                if let Some(staged) = &staged {
                    self.drop_staged(staged).await;
                }
                return Err(halt);
            }
        };
        let staged = match staged {
            Some(staged) => Some(staged),
            None if before == Some(0) => None,
            None => Some(scope.in_phase(Phase::Load, self.stage_nothing(schemas, attempt)).await?),
        };
        let mut ended = None;
        if let Some(staged) = &staged {
            let put = self.put_in_place(schemas, attempt, staged, read_at);
            let counts = scope.in_phase(Phase::Publish, put).await?;
            self.count(schemas, staged, before, &counts);
            ended = counts.ended;
        }
        scope.in_phase(Phase::Advance, self.remember(Replaced { rows, at: read_at })).await?;
        reached("advanced");
        self.tally.steps += 1;
        self.tally.bytes_read += bytes;
        if let Some(staged) = &staged {
            self.drop_staged(staged).await;
            reached("cleaned_up");
        }
        Ok(Placed { rows, sums, ended })
    }

    pub(in crate::engine) fn say_what_is_read(&mut self, rows_estimate: Option<u64>) {
        let scope = self.scope;
        self.tally.window = Some(WHOLE.to_owned());
        scope.progress.update(|p| {
            p.window = Some(WHOLE.to_owned());
            p.rows_estimate = rows_estimate;
        });
        let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
        scope.emit(Event::WindowFixed { run, mapping, window: WHOLE.to_owned(), rows_estimate });
    }

    /// The number of rows that the target holds now, after checking that `rows` may replace them; `None` where BigQuery
    /// does not say.
    async fn rows_before(&mut self, rows: u64) -> Result<Option<u64>, Halt> {
        let scope = self.scope;
        let target = scope.unless_cancelled(scope.ports.describe_target(&scope.mapping)).await?;
        // If the target is gone by now, the publish meets the error.
        let held = match &target {
            Some(described) => {
                let count = scope.ports.warehouse.rows_held(&scope.mapping.target, described, None);
                scope.unless_cancelled(count).await?
            }
            None => Some(0),
        };
        if !matches!(scope.task, Task::Sync { allow_shrink: true, .. }) {
            let known = held.or_else(|| self.ledger.replaced().map(|replaced| replaced.rows));
            if let Err(fault) = guard(&scope.mapping, rows, known) {
                self.tally.shrink = Some(Shrink { rows, held: known });
                return Err(fault.into());
            }
        }
        Ok(held)
    }

    /// Stages an empty table, for a source without rows. A statement that names no staging table would empty the target
    /// whenever it arrived; this one fails once its staging table has been dropped.
    pub(super) async fn stage_nothing(&self, schemas: &Schemas, attempt: Try<'_>) -> Result<Staged, Halt> {
        let scope = self.scope;
        let order = self.stage_order(schemas, &Stretch::WHOLE, attempt);
        let staging = order.staging.clone();
        let stage = async { scope.ports.warehouse.stage(order).await?.finish().await };
        let staged = scope.unless_cancelled(stage).await;
        if staged.is_err() {
            scope.clean_up(&staging).await;
        }
        reached("staged");
        staged
    }

    async fn put_in_place(
        &mut self,
        schemas: &Schemas,
        attempt: Try<'_>,
        staged: &Staged,
        read_at: DateTime<Utc>,
    ) -> Result<PublishCounts, Halt> {
        let own = Own {
            operation: "replace",
            kind: PublishKind::Replace,
            moves: Moves::Replace,
            moved: WHOLE.to_owned(),
            high: read_at.to_rfc3339(),
            rows: staged.rows,
            within: None,
        };
        self.publish_own(schemas, attempt, staged, own).await.map_err(in_one_piece)
    }

    fn count(&mut self, schemas: &Schemas, staged: &Staged, before: Option<u64>, counts: &PublishCounts) {
        let target = &self.scope.mapping.target;
        self.tally.rows += staged.rows;
        self.tally.inserted += counts.inserted;
        self.tally.bytes_staged += staged.bytes;
        self.tally.cost.add(counts.cost);
        let condition = schemas.plan.partitioning.as_ref().and_then(|by| by.condition(""));
        self.tally.replaced =
            Some(Replacement::of(target, staged.rows, before, counts.began_at(), condition.as_deref()));
        let done = self.tally.moved().rows;
        self.scope.progress.update(|p| p.rows_published = done);
    }

    async fn remember(&mut self, replaced: Replaced) -> Result<(), Halt> {
        let scope = self.scope;
        let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
        let (from, to) = (self.ledger.stands_at(Moves::Replace), replaced.to_string());
        self.ledger.note_replaced(replaced).await?;
        scope.emit(Event::WatermarkAdvanced { run, mapping, from, to, whole: true });
        Ok(())
    }
}

/// Turns the error about too much at once into a final one: a window could move in smaller steps, a replace cannot.
fn in_one_piece(halt: Halt) -> Halt {
    match halt {
        Halt::Fault(fault) if fault.is_too_much_at_once() => Halt::Fault(fault.with_hint(
            "a replace is one statement: let the table have fewer partitions (a table that you make yourself, PARTITION BY \
             TIMESTAMP_TRUNC(column, MONTH), before the first run), or take `mode: upsert`",
        )),
        halt => halt,
    }
}

/// Checks that `rows` may replace `held` rows. `held`: `None` where neither BigQuery nor the state says.
fn guard(mapping: &Mapping, rows: u64, held: Option<u64>) -> Result<(), Fault> {
    let Mapping { name, source, target, .. } = mapping;
    let (most, key) = match mapping.mode {
        Mode::Mirror => (mapping.most_deleted, "max_delete_fraction"),
        Mode::Append | Mode::Upsert | Mode::Replace => (mapping.most_shrunk, "max_shrink"),
    };
    let command = format!("`bqsync run-once {} --allow-shrink`", quote::shell_option("--mapping", &name.0));
    let (sentence, hint) = match held {
        Some(held) if rows == 0 && held > 0 => (
            format!("MySQL shows no row of {source}, and {target} holds {}: nothing was replaced", format::count(held)),
            format!("if the table was emptied on purpose, {command} empties the one in BigQuery, once"),
        ),
        Some(held) if held.saturating_sub(rows) > share::of(held, most) => (
            format!(
                "MySQL shows {} of {source}, and {target} holds {}: mapping `{name}` allows no run to remove more \
                 than a share of \
                 {most} (`{key}`); nothing was replaced",
                format::counted(rows, "row"),
                format::count(held)
            ),
            format!(
                "if so many rows were removed on purpose, {command} replaces the table, once; for every run, `{key}: {}` is enough \
                 for these",
                share::that_allows(held - rows, held)
            ),
        ),
        Some(_) => return Ok(()),
        None => (
            format!(
                "BigQuery does not say how many rows {target} holds, so they were not replaced by {}",
                format::counted(rows, "row")
            ),
            format!("look at the table; {command} replaces it once, and later runs compare with that"),
        ),
    };
    Err(Fault::new(FaultKind::Conflict, sentence).with_hint(hint))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn mapping(rest: &str) -> Mapping {
        let text = format!("project: p\ndataset: d\nmappings: [{{name: t, mysql_table: t, mode: replace{rest}}}]");
        let config = crate::domain::config::parse(&text, Path::new("config.yaml"), &|_| None).expect("no problem");
        config.mappings[0].clone()
    }

    #[track_caller]
    fn refused(mapping: &Mapping, rows: u64, held: Option<u64>) -> String {
        let fault = guard(mapping, rows, held).expect_err("refused");
        assert_eq!(fault.kind(), FaultKind::Conflict);
        assert!(fault.hint().contains("`bqsync run-once --mapping t --allow-shrink`"), "{}", fault.hint());
        fault.to_string()
    }

    #[test]
    fn a_table_may_grow_and_may_shrink_by_the_allowed_share() {
        let half = mapping("");
        for (rows, held) in [(50, 100), (1, 2), (100, 0), (0, 0), (7_000_000, 1)] {
            assert!(guard(&half, rows, Some(held)).is_ok(), "{rows} for {held}");
        }
        let told = refused(&half, 49, Some(100));
        assert!(told.contains("MySQL shows 49 rows of t, and p.d.t holds 100"), "{told}");
        assert!(guard(&mapping(", max_shrink: 1"), 1, Some(100)).is_ok());
        assert!(guard(&mapping(", max_shrink: 0"), 99, Some(100)).is_err());
        assert!(guard(&mapping(", max_shrink: 0"), 100, Some(100)).is_ok());
        let (seven_tenths, nine_tenths) = (mapping(", max_shrink: 0.7"), mapping(", max_shrink: 0.9"));
        assert!(guard(&seven_tenths, 3, Some(10)).is_ok() && guard(&seven_tenths, 2, Some(10)).is_err());
        assert!(guard(&nine_tenths, 1, Some(10)).is_ok());
    }

    #[test]
    fn an_empty_source_replaces_nothing_whatever_the_share_is() {
        assert!(
            refused(&mapping(", max_shrink: 1"), 0, Some(3)).contains("MySQL shows no row of t, and p.d.t holds 3")
        );
    }

    #[test]
    fn an_unknown_number_of_rows_is_not_treated_as_zero() {
        assert!(refused(&mapping(""), 10, None).contains("does not say how many rows p.d.t holds"));
    }
}
