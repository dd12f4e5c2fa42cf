//! Mends keys in batches: reads their rows in MySQL, stages them, and publishes each batch with one job.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::transfer::{Stretch, Transferred};
use super::turn::StagedStep;
use crate::domain::config::Mode;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::publish::PublishKind;
use crate::domain::quote;
use crate::domain::verify::{Comparison, Cure, Cures, Difference, DifferenceKind, Form, Key, Parts, Repair, Wanted};
use crate::domain::window::Window;
use crate::engine::ports::Platform;
use crate::engine::protocol::Phase;
use crate::engine::work::Work;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::Halt;
use crate::state::Moves;

/// The most keys of one publish, which reads the target once; this many keys, or their bytes, are held in memory.
const MOST_KEYS: usize = 100_000;
const MOST_BYTES: usize = 8 << 20;

/// A batch of this many rows writes no more partitions than one job may.
const LEAST_KEYS: usize = 4_000;

/// Keys that differ and have not been mended yet, by how they are published.
#[derive(Debug, Default)]
pub(super) struct Batch {
    waiting: BTreeMap<Order, Waiting>,
    count: usize,
    bytes: usize,
}

/// Keys, and how each of them differs.
#[derive(Debug, Default)]
struct Waiting {
    keys: Vec<Key>,
    kinds: Vec<DifferenceKind>,
}

/// The kinds of publish in the order in which they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    /// The way in which the mapping's mode publishes rows.
    Usual,
    Once,
}

/// The repair of one mapping under way.
pub(super) struct Mending<'a> {
    pub prepared: &'a Prepared,
    pub comparison: &'a Comparison,
    pub window: Window,
    pub cures: Cures,
    forms: Option<Vec<Form>>,
    /// Rows come from more than one server.
    pub is_balanced: bool,
    /// The parts in which differences were found.
    pub parts: Vec<Parts>,
    most_keys: usize,
    /// The number of publishes of this attempt so far.
    steps: u64,
}

impl<'a> Mending<'a> {
    /// `window`: what was compared; `window_rows`: how many rows the configuration allows in a step.
    pub(super) fn new(
        prepared: &'a Prepared,
        comparison: &'a Comparison,
        window: Window,
        cures: Cures,
        window_rows: u64,
    ) -> Self {
        let forms = comparison.key_forms();
        let most_keys = usize::try_from(window_rows).unwrap_or(MOST_KEYS).clamp(1, MOST_KEYS);
        Self { prepared, comparison, window, cures, forms, is_balanced: false, parts: Vec::new(), most_keys, steps: 0 }
    }

    pub(super) const fn is_full(&self, batch: &Batch) -> bool {
        batch.count >= self.most_keys || batch.bytes >= MOST_BYTES
    }

    pub(super) const fn next_step(&mut self) -> u64 {
        self.steps += 1;
        self.steps
    }

    /// The kinds of publish of which such a repair sends at least one.
    pub(super) fn kinds(&self, planned: &Repair) -> Vec<PublishKind> {
        let usual = (planned.inserted + planned.updated > 0).then(|| self.kind(Order::Usual));
        usual.into_iter().chain((planned.undoubled > 0).then_some(PublishKind::MergeOnce)).collect()
    }

    const fn kind(&self, order: Order) -> PublishKind {
        match (order, self.cures.mode) {
            (Order::Once, _) => PublishKind::MergeOnce,
            // Servers that take turns may show an older row than another one did.
            (Order::Usual, Mode::Upsert) if self.is_balanced => PublishKind::Merge,
            (Order::Usual, Mode::Upsert) => PublishKind::MergeAsRead,
            // A table that is replaced as a whole is not mended by keys.
            (Order::Usual, Mode::Append | Mode::Replace | Mode::Mirror) => PublishKind::InsertMissing,
        }
    }

    /// Adds the differences that can be mended by key to the batch.
    ///
    /// # Errors
    /// `Config` where the written form of the keys does not suffice to find the rows again.
    pub(super) fn take(&mut self, batch: &mut Batch, parts: Parts, found: Vec<Difference>) -> Result<(), Fault> {
        self.can_mend(&found)?;
        self.parts.push(parts);
        for Difference { key, kind } in found {
            let order = match self.cures.cure(kind) {
                Cure::Publish(PublishKind::MergeOnce) => Order::Once,
                Cure::Publish(_) => Order::Usual,
                Cure::Delete | Cure::Leave => continue,
            };
            batch.count += 1;
            batch.bytes += size_of::<Key>();
            batch.bytes +=
                key.iter().map(|value| size_of_val(value) + value.as_ref().map_or(0, String::len)).sum::<usize>();
            let waiting = batch.waiting.entry(order).or_default();
            waiting.keys.push(key);
            waiting.kinds.push(kind);
        }
        Ok(())
    }

    /// # Errors
    /// The errors of `take`.
    pub(super) fn can_mend(&self, found: &[Difference]) -> Result<(), Fault> {
        let publishes = |difference: &Difference| matches!(self.cures.cure(difference.kind), Cure::Publish(_));
        if self.forms.is_none() && found.iter().any(publishes) { Err(self.not_by_key()) } else { Ok(()) }
    }

    fn not_by_key(&self) -> Fault {
        let Comparison { source, target, .. } = self.comparison;
        let sentence = format!(
            "Rows of {source} that differ cannot be found by their keys: both servers write a key's column in ways of their own"
        );
        let target = quote::bigquery_table(target);
        Fault::new(FaultKind::Config, sentence).with_hint(format!(
            "move the rows again (`bqsync backfill --mapping ... --start ...`), or give the key's column its usual type in {target}"
        ))
    }
}

impl<P: Platform> Work<'_, P> {
    pub(super) async fn mend(&mut self, mending: &mut Mending<'_>, batch: Batch) -> Result<(), Halt> {
        for (order, waiting) in batch.waiting {
            self.mend_keys(mending, order, waiting).await?;
        }
        self.tally.repair.get_or_insert_default();
        Ok(())
    }

    /// Mends some keys at a time, and fewer where BigQuery says that they were too many.
    async fn mend_keys(&mut self, mending: &mut Mending<'_>, order: Order, waiting: Waiting) -> Result<(), Halt> {
        let Waiting { mut keys, mut kinds } = waiting;
        while !keys.is_empty() {
            let rest = keys.len().saturating_sub(mending.most_keys);
            let some: Arc<[Key]> = keys.split_off(rest).into();
            match self.mend_some(mending, order, Arc::clone(&some)).await {
                Err(Halt::Fault(fault)) if fault.is_too_much_at_once() && mending.most_keys > LEAST_KEYS => {
                    mending.most_keys = (some.len() / 2).max(LEAST_KEYS);
                    // Also drops its staging table.
                    self.scope.in_phase(Phase::Recover, self.recover()).await?;
                    self.note(format!("a batch was too large ({fault}); from here on batches have fewer rows"));
                    keys.extend_from_slice(&some);
                }
                mended => {
                    mended?;
                    self.count_found(&kinds.split_off(rest));
                }
            }
        }
        Ok(())
    }

    /// Counts keys as found only once they are mended: a further attempt of this run finds them equal.
    fn count_found(&mut self, kinds: &[DifferenceKind]) {
        let counts = self.tally.repair.get_or_insert_default();
        for kind in kinds {
            match kind {
                DifferenceKind::OnlyInMysql => counts.only_in_mysql += 1,
                DifferenceKind::Differs => counts.differing += 1,
                DifferenceKind::Doubled => counts.doubled += 1,
                // The deletion counts these keys.
                DifferenceKind::OnlyInBigquery => {}
            }
        }
    }

    async fn mend_some(&mut self, mending: &mut Mending<'_>, order: Order, keys: Arc<[Key]>) -> Result<(), Halt> {
        let scope = self.scope;
        let number = mending.next_step();
        scope.progress.update(|p| p.looking = None);
        if number > 1 {
            self.look_at_target_again().await?;
        }
        let Mending { prepared, window, .. } = *mending;
        let forms = mending.forms.clone().unwrap_or_default();
        let only = Some(Wanted { forms, keys });
        let attempt = scope.attempt(self.tally.attempt(), number);
        let stretch = Stretch { only, ..Stretch::of(window, true) };
        let Transferred { staged, flaws, bytes, .. } = self.transfer(&prepared.schemas, stretch, attempt).await?;
        self.tally.add_flaws(&flaws);
        // All these rows have gone or changed since they were compared.
        let Some(staged) = staged else { return Ok(()) };
        mending.is_balanced = scope.is_balanced();
        let kind = mending.kind(order);
        let (target, moves) = (&scope.mapping.target, Moves::Nothing);
        let (inserted, updated) = (self.tally.inserted, self.tally.updated);
        self.settle(prepared, &StagedStep { target, window, moves, kind, staged, attempt }).await?;
        self.tally.bytes_read += bytes;
        let (inserted, updated) = (self.tally.inserted - inserted, self.tally.updated - updated);
        let counts = self.tally.repair.get_or_insert_default();
        if order == Order::Once {
            counts.undoubled += inserted;
        } else {
            counts.inserted += inserted;
            counts.updated += updated;
        }
        Ok(())
    }
}
