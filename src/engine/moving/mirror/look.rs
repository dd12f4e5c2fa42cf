//! Compares what MySQL holds now with what BigQuery holds, either by the remembered sums or by asking BigQuery.

use std::collections::BTreeMap;

use super::job::{Known, Mirror};
use crate::domain::column::SourceColumn;
use crate::domain::fault::FaultKind;
use crate::domain::mirror::{ChangedPart, Sums, grain};
use crate::domain::verify::{Comparable, Comparison, Cut, Grain, Looking, PartSum, chunks};
use crate::engine::ports::Platform;
use crate::engine::protocol::Phase;
use crate::engine::work::Work;
use crate::engine::work::scope::Halt;
use crate::source::{ContentSum, Source};

/// A key's smallest and greatest value; `None` without a key of whole numbers, or without rows.
type Span = Option<(i64, i64)>;

/// Both sides, part by part.
#[derive(Debug)]
pub(super) struct Look {
    /// The grain of the changed parts; the parts of `now` are the same or smaller.
    pub grain: Grain,
    /// MySQL's sums.
    pub now: Sums,
    pub changed: Vec<ChangedPart>,
    /// BigQuery's rows were summed up as well.
    pub compared: bool,
    before: u64,
}

impl Look {
    /// Rows that BigQuery holds, as far as they were counted.
    pub(super) const fn rows_before(&self) -> u64 {
        self.before
    }

    /// The number of MySQL's parts, counted in the grain of the changed ones.
    pub(super) fn parts(&self) -> usize {
        if self.grain == self.now.grain { self.now.len() } else { self.now.by(self.grain).len() }
    }
}

impl<P: Platform> Work<'_, P> {
    /// Compares MySQL's sums with the remembered ones.
    pub(super) async fn look_at_mysql(
        &mut self,
        mirror: &Mirror<'_>,
        known: Known,
        seen: Option<Sums>,
    ) -> Result<Look, Halt> {
        let before = known.sums.rows();
        let now = match seen {
            Some(now) => now,
            None => self.sum_up(&mirror.comparison, Some(known.sums.grain), before).await?,
        };
        // There are new keys that the remembered parts do not reach.
        if !known.sums.grain.is_made_of(now.grain) {
            self.ledger.forget_sums();
            return self.look_at_both(mirror).await;
        }
        let changed = known.sums.changed(&now, &known.unknown);
        Ok(Look { grain: known.sums.grain, now, changed, compared: false, before })
    }

    /// Compares both sides when nothing is remembered: sums up the columns that both sides write alike, and in MySQL
    /// also the whole content of the rows.
    pub(super) async fn look_at_both(&mut self, mirror: &Mirror<'_>) -> Result<Look, Halt> {
        let scope = self.scope;
        let comparison = &mirror.comparison;
        let tell = |looking| scope.progress.update(|p| p.looking = Some(looking));
        tell(Looking::BigQuery);
        let theirs = async {
            let warehouse = &scope.ports.warehouse;
            let span = warehouse.key_span(comparison).await?;
            let ours = scope.ports.source.key_span(comparison).await?;
            let both: Span = [ours, span].into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            let rows = mirror.schemas.source.rows_estimate.unwrap_or(0);
            let rows = rows.max(mirror.schemas.target.as_ref().and_then(|target| target.rows).unwrap_or(0));
            let grain = grain(None, both, has_ranges(comparison), rows);
            let sums = warehouse.part_sums(comparison, &Cut { grain, within: None }).await?;
            Ok((grain, both, rows, sums))
        };
        let (grain, span, rows, theirs) = scope.in_phase(Phase::Plan, scope.unless_cancelled(theirs)).await?;
        let ours = self.content(comparison, grain, span, rows, true).await?;
        let mut now = Sums::new(grain);
        for sum in &ours {
            now.add(sum.content);
        }
        // The content of columns that cannot be compared is unknown.
        let is_whole = comparison.left_out().is_empty();
        let changed = differing(&ours, &theirs, is_whole);
        let before = theirs.iter().map(|sum| sum.rows).sum();
        Ok(Look { grain, now, changed, compared: true, before })
    }

    /// MySQL's sums, by the remembered parts, or by smaller ones if needed.
    pub(in crate::engine) async fn sum_up(
        &mut self,
        comparison: &Comparison,
        known: Option<Grain>,
        rows: u64,
    ) -> Result<Sums, Halt> {
        let scope = self.scope;
        let span = scope.unless_cancelled(scope.ports.source.key_span(comparison)).await?;
        let grain = grain(known, span, has_ranges(comparison), rows);
        let found = self.content(comparison, grain, span, rows, false).await?;
        let mut sums = Sums::new(grain);
        for sum in &found {
            sums.add(sum.content);
        }
        Ok(sums)
    }

    /// Checks that MySQL still has the columns that are summed up.
    async fn as_planned(&self, comparison: &Comparison) -> Result<(), Halt> {
        let scope = self.scope;
        let now = scope.unless_cancelled(scope.ports.source.describe(&comparison.source)).await?;
        let is_there = |column: &SourceColumn| now.columns.iter().any(|other| other == column);
        match comparison.plan.columns.iter().map(|column| &column.source).find(|column| !is_there(column)) {
            None => Ok(()),
            Some(gone) => {
                let (table, name) = (&comparison.source, &gone.name);
                Err(Halt::Drifted(format!(
                    "{table} was altered while it was summed up: `{name}` was dropped or has another type"
                )))
            }
        }
    }

    /// The grain for a table of which nothing is remembered.
    pub(super) async fn grain_of(&self, mirror: &Mirror<'_>) -> Result<Grain, Halt> {
        let scope = self.scope;
        let span = scope.unless_cancelled(scope.ports.source.key_span(&mirror.comparison)).await?;
        let rows = mirror.schemas.source.rows_estimate.unwrap_or(0);
        Ok(grain(None, span, has_ranges(&mirror.comparison), rows))
    }

    async fn content(
        &self,
        comparison: &Comparison,
        grain: Grain,
        span: Span,
        rows: u64,
        compared: bool,
    ) -> Result<Vec<ContentSum>, Halt> {
        let scope = self.scope;
        let sums = async {
            let chunks = chunks(grain, span, rows);
            let of = chunks.len() as u64;
            let mut sums = Vec::new();
            for (done, cut) in (0..).zip(chunks) {
                scope.unless_paused().await?;
                scope.progress.update(|p| p.looking = Some(Looking::Mysql { done, of }));
                let ask = scope.ports.source.content_sums(comparison, &cut, compared);
                match scope.unless_cancelled(ask).await {
                    // The error is the table's own, unless the table was altered since it was described.
                    Err(Halt::Fault(fault)) if fault.kind() == FaultKind::Schema => {
                        self.as_planned(comparison).await?;
                        return Err(fault.into());
                    }
                    found => sums.extend(found?),
                }
            }
            Ok::<_, Halt>(sums)
        };
        let sums = scope.in_phase(Phase::Plan, sums).await?;
        scope.progress.update(|p| p.looking = None);
        Ok(sums)
    }
}

/// Tells if parts are ranges of the key. A NULL lies in no range.
fn has_ranges(comparison: &Comparison) -> bool {
    comparison.number_key().is_some_and(|key| !comparison.plan.may_be_null(key))
}

/// The parts that differ; all parts if equal sums do not prove that they are the same.
fn differing(ours: &[ContentSum], theirs: &[PartSum], is_whole: bool) -> Vec<ChangedPart> {
    let mut theirs: BTreeMap<u64, PartSum> = theirs.iter().map(|sum| (sum.part, *sum)).collect();
    let mut changed = Vec::new();
    for ContentSum { content, compared } in ours {
        let other = theirs.remove(&content.part);
        if !is_whole || other != *compared {
            let before = Some(other.map_or(0, |other| other.rows));
            changed.push(ChangedPart { part: content.part, before, now: content.rows });
        }
    }
    let gone = theirs.into_values().map(|sum| ChangedPart { part: sum.part, before: Some(sum.rows), now: 0 });
    changed.extend(gone);
    changed.sort_unstable_by_key(|changed| changed.part);
    changed
}
