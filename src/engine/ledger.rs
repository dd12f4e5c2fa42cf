//! A mapping's memory while it is worked on: the lease, and the state that only its holder may change.

use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, Trigger};
use crate::domain::window::{Published, Watermark};
use crate::state::{LastRun, MappingState, PendingPublish, StateStore, StoredWatermark};

/// State under lease. Every change is durable before the next step is taken.
pub(super) struct Ledger<'a, T: StateStore> {
    store: &'a T,
    lease: T::Lease,
    mapping: &'a MappingName,
    state: MappingState,
}

impl<'a, T: StateStore> Ledger<'a, T> {
    /// Takes the lease and reads what is remembered.
    pub(super) async fn open(store: &'a T, mapping: &'a MappingName, run: &RunId) -> Result<Self, Fault> {
        let lease = store.lease(mapping, run).await?;
        let state = store.load(mapping).await?;
        Ok(Self { store, lease, mapping, state })
    }

    pub(super) const fn pending(&self) -> Option<&PendingPublish> {
        self.state.pending.as_ref()
    }

    /// The watermark as text, for reports.
    pub(super) fn watermark_text(&self) -> Option<String> {
        self.state.watermark.as_ref().map(|mark| mark.value.clone())
    }

    /// The watermark as the column's kind reads it.
    pub(super) fn watermark(&self, kind: CursorKind) -> Result<Option<Watermark>, Fault> {
        let Some(stored) = &self.state.watermark else { return Ok(None) };
        let cursor = Cursor::parse(&stored.value, kind).map_err(|fault| {
            let sentence = format!("The remembered watermark of mapping `{}` does not suit its column", self.mapping);
            Fault::new(FaultKind::Config, sentence)
                .caused_by(fault)
                .with_hint("the incremental column has changed its type: set `last_sync` in the state file by hand")
        })?;
        Ok(Some(Watermark { cursor, imported: stored.imported }))
    }

    /// Remembers a publish before it is sent.
    pub(super) async fn note_pending(&mut self, pending: PendingPublish) -> Result<(), Fault> {
        self.state.pending = Some(pending);
        self.save().await
    }

    /// Moves the watermark to a confirmed publish's end.
    pub(super) async fn advance(&mut self, kind: CursorKind, published: &Published) -> Result<Watermark, Fault> {
        let advanced = Watermark::advance(self.watermark(kind)?.as_ref(), published)?;
        self.state.watermark = Some(StoredWatermark { value: advanced.cursor.to_string(), imported: false });
        self.state.pending = None;
        self.save().await?;
        Ok(advanced)
    }

    /// Adopts a publish that is known to have happened. A watermark set by hand since it was sent stays as it was set.
    pub(super) async fn adopt_pending(&mut self) -> Result<(), Fault> {
        let now = self.watermark_text();
        if let Some(pending) = self.state.pending.take() {
            if now == pending.since {
                self.state.watermark = Some(StoredWatermark { value: pending.high, imported: false });
            }
            self.save().await?;
        }
        Ok(())
    }

    /// Forgets a publish that is known not to have happened.
    pub(super) async fn drop_pending(&mut self) -> Result<(), Fault> {
        self.state.pending = None;
        self.save().await
    }

    /// Remembers how the run ended.
    pub(super) async fn close(mut self, report: &MappingReport) -> Result<(), Fault> {
        let duration = (report.finished_at - report.started_at).num_milliseconds();
        self.state.last_run = Some(LastRun {
            run_id: report.run_id.clone(),
            trigger: Trigger::Manual,
            finished_at: report.finished_at,
            outcome: report.outcome,
            rows: report.records_processed,
            duration_ms: u64::try_from(duration).unwrap_or(0),
            error: report.errors.first().cloned(),
        });
        self.save().await
    }

    async fn save(&self) -> Result<(), Fault> {
        self.store.save(&self.lease, &self.state).await
    }
}
