//! A mapping's memory while it is worked on: the lease, and the state that only its holder may change.

mod forget;
mod schema;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::check::anew::forgetting;
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::mirror::Sums;
use crate::domain::report::{MappingReport, Outcome, Trigger};
use crate::domain::shard::Shard;
use crate::domain::tail::Tail;
use crate::domain::window::{Published, Watermark};
use crate::engine::ports::{Platform, Ports};
use crate::state::{
    BackfillState, Compared, EndedBackfill, LastRun, Lease, LeftTarget, MappingState, Moves, PendingPublish,
    RememberedSums, Replaced, StateStore, StoredWatermark, SumsPlace,
};
use crate::warehouse::PublishCounts;

/// State under lease. Every change is durable before the next step is taken.
pub(in crate::engine) struct Ledger<P: Platform> {
    store: Arc<P::State>,
    lease: <P::State as StateStore>::Lease,
    mapping: MappingName,
    state: MappingState,
    /// The target's version that the next publish builds on; `None`: it builds on none.
    version: Option<String>,
    /// How somebody else has changed the target, in words.
    change: Option<String>,
}

impl<P: Platform> Ledger<P> {
    /// Takes the lease and reads what is remembered.
    pub(in crate::engine) async fn open(ports: &Ports<P>, mapping: &MappingName, run: &RunId) -> Result<Self, Fault> {
        let store = Arc::clone(&ports.state);
        let lease = store.lease(mapping, run).await?;
        let state = store.load(mapping).await?;
        Ok(Self { store, lease, mapping: mapping.clone(), state, version: None, change: None })
    }

    /// Everything that the state remembers.
    pub(in crate::engine) const fn state(&self) -> &MappingState {
        &self.state
    }

    /// Tells if an earlier run that died, or did not end well, may have left something behind in BigQuery.
    pub(in crate::engine) fn follows_an_unclean_run(&self) -> bool {
        let ended_well = self.state.last_run.as_ref().is_some_and(|last| last.outcome == Outcome::Ok);
        self.lease.follows_a_dead_one() || !ended_well
    }

    /// Sets the last comparison, which is saved with whatever comes next.
    pub(in crate::engine) fn set_compared(&mut self, compared: Option<Compared>) {
        self.state.compared = compared;
    }

    pub(in crate::engine) const fn pending(&self) -> Option<&PendingPublish> {
        self.state.pending.as_ref()
    }

    /// The watermark as text, for reports.
    pub(in crate::engine) fn watermark_text(&self) -> Option<String> {
        self.state.watermark.as_ref().map(|mark| mark.value.clone())
    }

    /// The watermark as a value of the column's kind.
    pub(in crate::engine) fn watermark(&self, kind: CursorKind) -> Result<Option<Watermark>, Fault> {
        let Some(stored) = &self.state.watermark else { return Ok(None) };
        let cursor = Cursor::parse(&stored.value, kind).map_err(|fault| {
            let sentence = format!("The stored watermark of mapping `{}` does not suit its column", self.mapping);
            Fault::new(FaultKind::Config, sentence)
                .caused_by(fault)
                .with_hint(format!(
                    "write a value of the incremental column into `last_sync` of the state file, as MySQL shows it; if the column has \
                     changed its type, `{}` loads an upsert's table again",
                    forgetting(&self.mapping)
                ))
        })?;
        Ok(Some(Watermark { cursor, imported: stored.imported }))
    }

    /// The value in the state that a confirmed publish will move, as text.
    pub(in crate::engine) fn stands_at(&self, moves: Moves) -> Option<String> {
        match moves {
            Moves::Watermark => self.watermark_text(),
            Moves::Backfill => self.state.backfill.as_ref().and_then(|backfill| backfill.done.clone()),
            Moves::Replace => self.replaced().map(ToString::to_string),
            Moves::Mirror | Moves::Nothing => None,
        }
    }

    /// When and with how many rows the table was last published as a whole.
    pub(in crate::engine) const fn replaced(&self) -> Option<&Replaced> {
        self.state.replaced.as_ref()
    }

    /// Notes that a whole table was published, or found to be as empty as its target.
    pub(in crate::engine) async fn note_replaced(&mut self, replaced: Replaced) -> Result<(), Fault> {
        self.state.note_replaced(replaced);
        self.state.pending = None;
        self.save().await
    }

    /// What the state remembers of a mirror's sums.
    pub(in crate::engine) const fn sums(&self) -> Option<&RememberedSums> {
        self.state.sums.as_ref()
    }

    /// The mirror's sums; `None` if they are missing or are not the ones that the state names.
    pub(in crate::engine) async fn load_sums(&self) -> Result<Option<Sums>, Fault> {
        let Some(of) = self.sums() else { return Ok(None) };
        let text = self.store.load_sums(&self.mapping, of.place).await?;
        let text = text.filter(|text| RememberedSums::hash(text) == of.hash);
        Ok(text.as_deref().and_then(Sums::from_text))
    }

    /// Marks parts as unknown, because a publish of them may be sent from then on; saved with the next change.
    pub(in crate::engine) fn doubt_parts(&mut self, runs: &[(u64, u64)]) {
        if let Some(sums) = &mut self.state.sums {
            sums.unknown = runs.to_vec();
        }
    }

    /// Forgets a mirror's sums; the next look compares both sides.
    pub(in crate::engine) fn forget_sums(&mut self) {
        self.state.sums = None;
    }

    /// Notes what BigQuery holds of a mirror, except the parts in `unknown`.
    pub(in crate::engine) async fn note_sums(
        &mut self,
        sums: &Sums,
        plan: String,
        unknown: Vec<(u64, u64)>,
    ) -> Result<(), Fault> {
        let text = sums.to_text().into_bytes();
        let place = self.sums().map_or(SumsPlace::A, |sums| sums.place.other());
        let hash = RememberedSums::hash(&text);
        self.store.save_sums(&self.mapping, place, text).await?;
        self.state.sums = Some(RememberedSums { place, hash, plan, unknown });
        self.state.pending = None;
        self.save().await
    }

    /// Sets that the whole table is as MySQL held it then; saved with the next change.
    pub(in crate::engine) fn set_replaced(&mut self, replaced: Replaced) {
        (self.state.replaced, self.state.tail) = (Some(replaced), None);
    }

    /// Notes a publish before it is sent. One that is not a mirror's may change the target: the sums are forgotten.
    pub(in crate::engine) async fn note_pending(&mut self, pending: PendingPublish) -> Result<(), Fault> {
        if pending.moves != Moves::Mirror {
            self.state.sums = None;
        }
        self.state.pending = Some(pending);
        self.save().await
    }

    /// Moves the watermark to a confirmed publish's end.
    pub(in crate::engine) async fn advance(
        &mut self,
        kind: CursorKind,
        published: &Published,
    ) -> Result<Watermark, Fault> {
        let advanced = Watermark::advance(self.watermark(kind)?.as_ref(), published)?;
        if self.overlap(kind)?.is_some_and(|to| to.max_of(advanced.cursor) == advanced.cursor) {
            self.state.overlap_to = None;
        }
        self.state.watermark = Some(StoredWatermark { value: advanced.cursor.to_string(), imported: false });
        self.state.pending = None;
        self.save().await?;
        Ok(advanced)
    }

    /// The target as this mapping last left it.
    pub(in crate::engine) const fn left(&self) -> Option<&LeftTarget> {
        self.state.target.as_ref()
    }

    /// Sets how this mapping leaves the target; saved with the next change.
    pub(in crate::engine) fn leave(&mut self, target: Option<LeftTarget>) {
        self.state.target = target;
    }

    /// Sets that the target holds no rows beyond the watermark; saved with the next change.
    pub(in crate::engine) const fn end_doubt(&mut self) {
        if let Some(left) = &mut self.state.target {
            left.unsure = false;
        }
    }

    /// Forgets when the target was modified, because this mapping's own statements changed its schema.
    pub(in crate::engine) const fn forget_moment(&mut self) {
        if let Some(left) = &mut self.state.target {
            left.modified = None;
        }
    }

    pub(in crate::engine) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    pub(in crate::engine) fn build_on(&mut self, version: Option<String>) {
        self.version = version;
    }

    pub(in crate::engine) fn change(&self) -> Option<&str> {
        self.change.as_deref()
    }

    pub(in crate::engine) fn note_change(&mut self, change: String) {
        self.change = Some(change);
    }

    /// Notes a publish that ended well; saved with what it moves. `version`: the target's version that it built on;
    /// `turns`: the number under which the next publish that builds on it may be sent.
    pub(in crate::engine) fn note_published(&mut self, counts: &PublishCounts, version: Option<String>, turns: u32) {
        self.version = None;
        self.count(counts);
        if let Some(left) = &mut self.state.target {
            (left.version, left.turns) = (version, turns);
        }
    }

    fn count(&mut self, counts: &PublishCounts) {
        if let Some(left) = &mut self.state.target {
            left.rows = left.rows.saturating_add(counts.inserted).saturating_sub(counts.deleted);
            left.modified = counts.ended;
        }
    }

    /// Adopts a publish that is known to have happened. A watermark that was set by hand since it was sent stays, and
    /// so does the checkpoint of a backfill that was begun anew.
    pub(in crate::engine) async fn adopt_pending(&mut self, counts: &PublishCounts) -> Result<(), Fault> {
        let now = self.watermark_text();
        let Some(pending) = self.state.pending.take() else { return Ok(()) };
        self.count(counts);
        match (pending.moves, &mut self.state.backfill) {
            (Moves::Watermark, _) if now == pending.since => {
                self.state.watermark = Some(StoredWatermark { value: pending.high, imported: false });
            }
            (Moves::Backfill, Some(backfill)) if backfill.done == pending.since => {
                backfill.done = Some(pending.high);
                backfill.slices += 1;
                backfill.rows += pending.rows;
            }
            (Moves::Replace, _) => {
                if let Ok(at) = pending.high.parse() {
                    self.state.note_replaced(Replaced { rows: pending.rows, at });
                }
            }
            (Moves::Watermark | Moves::Backfill | Moves::Mirror | Moves::Nothing, _) => {}
        }
        self.save().await
    }

    /// The backfill that has not ended.
    pub(in crate::engine) const fn backfill(&self) -> Option<&BackfillState> {
        self.state.backfill.as_ref()
    }

    /// Forgets the backfill's rules, because it does not end by those that it began with; saved with the next change.
    pub(in crate::engine) fn forget_rules_of_backfill(&mut self) {
        self.state.backfill.iter_mut().for_each(|backfill| backfill.rules = None);
    }

    /// Remembers a backfill that begins, or, with `None`, that it has ended.
    pub(in crate::engine) async fn set_backfill(&mut self, backfill: Option<BackfillState>) -> Result<(), Fault> {
        if backfill.as_ref().is_some_and(|backfill| backfill.parts.is_some()) {
            self.state.target = None;
        }
        self.state.backfill = backfill;
        self.save().await
    }

    /// Notes that everything of the backfill up to here is in the target.
    pub(in crate::engine) async fn checkpoint(&mut self, done: Cursor, rows: u64) -> Result<BackfillState, Fault> {
        self.state.pending = None;
        let Some(backfill) = &mut self.state.backfill else {
            return Err(Fault::new(FaultKind::Bug, "A checkpoint was set although no backfill is under way"));
        };
        backfill.done = Some(done.to_string());
        backfill.slices += 1;
        backfill.rows += rows;
        let reached = backfill.clone();
        self.save().await?;
        Ok(reached)
    }

    /// Notes the end of a shared backfill: all its parts are in the target, or it was found to have ended.
    pub(in crate::engine) async fn end_shared(&mut self, shard: Shard) -> Result<(), Fault> {
        // No single part's state counts all parts' rows.
        self.state.target = None;
        match (self.state.backfill.take(), &mut self.state.ended_backfill) {
            (Some(backfill), ended) => *ended = Some(EndedBackfill::of(backfill, shard)),
            (None, Some(ended)) => ended.tell(shard),
            (None, None) => {}
        }
        self.save().await
    }

    /// Up to where the target may hold rows beyond the watermark.
    pub(in crate::engine) fn overlap(&self, kind: CursorKind) -> Result<Option<Cursor>, Fault> {
        self.state.overlap_to.as_deref().map(|text| Cursor::parse(text, kind)).transpose()
    }

    /// Notes that the target may hold rows up to here; forgotten once the watermark has passed it.
    pub(in crate::engine) async fn note_overlap(&mut self, kind: CursorKind, to: Cursor) -> Result<(), Fault> {
        let to = self.overlap(kind)?.map_or(to, |known| known.max_of(to));
        self.state.overlap_to = Some(to.to_string());
        self.save().await
    }

    /// What is remembered of the tail below the watermark; `None` if it belongs to another watermark.
    pub(in crate::engine) fn tail(&self) -> Option<&Tail> {
        let tail = self.state.tail.as_ref()?;
        self.state.watermark.as_ref().filter(|mark| mark.value == tail.to).map(|_| tail)
    }

    /// Sets the tail; saved with the next change, and valid once the watermark is the tail's.
    pub(in crate::engine) fn set_tail(&mut self, tail: Option<Tail>) {
        self.state.tail = tail;
    }

    /// The value from which on the server's clock was seen behind the watermark.
    pub(in crate::engine) fn again_from(&self) -> Option<&str> {
        self.state.again_from.as_deref()
    }

    /// Sets the value of `again_from`; saved with the next change.
    pub(in crate::engine) fn set_again_from(&mut self, from: Option<String>) {
        self.state.again_from = from;
    }

    /// Forgets a publish that is known not to have happened, or whose end moves nothing.
    pub(in crate::engine) async fn drop_pending(&mut self) -> Result<(), Fault> {
        self.state.pending = None;
        self.save().await
    }

    /// Tells if a run has ended for this due time of the schedule.
    pub(in crate::engine) fn has_run_for(&self, due: DateTime<Utc>) -> bool {
        self.state.scheduled_for.is_some_and(|latest| latest >= due)
    }

    /// Remembers how the run ended, and, for a scheduled run, its due time. A run that was stopped may be made up.
    pub(in crate::engine) async fn close(
        mut self,
        report: &MappingReport,
        trigger: Trigger,
        due: Option<DateTime<Utc>>,
    ) -> Result<(), Fault> {
        let ended_well = report.outcome == Outcome::Ok;
        if report.outcome != Outcome::Cancelled {
            self.state.scheduled_for = self.state.scheduled_for.max(due);
        }
        let totals = &mut self.state.totals;
        totals.runs += 1;
        totals.failures += u64::from(report.outcome == Outcome::Failed);
        totals.rows += report.records_processed;
        if ended_well && trigger.is_incremental() {
            totals.last_success = Some(report.finished_at);
        }
        self.state.last_run = Some(LastRun::of(report, trigger));
        self.save().await
    }

    pub(in crate::engine) async fn save(&self) -> Result<(), Fault> {
        // On the heap, because it is part of every step that remembers something.
        Box::pin(self.store.save(&self.lease, &self.state)).await
    }
}
