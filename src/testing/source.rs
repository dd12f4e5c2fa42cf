//! The source in memory.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::columns::batch;
use super::compare::{digest, lies_in, summed};
use super::script::Call;
use super::tables::holds;
use super::value::{Row, Value};
use super::world::World;
use crate::domain::check::server::ServerFacts;
use crate::domain::column::{Cascade, SourceSchema};
use crate::domain::cursor::Cursor;
use crate::domain::estate::{EstateAsk, Found};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::fence::Writers;
use crate::domain::ids::{SourceName, SourceTable};
use crate::domain::plan::Paging;
use crate::domain::retry::RetryNotes;
use crate::domain::verify::{ByParts, Comparison, Cut};
use crate::domain::window::Low;
use crate::source::Diagnose;
use crate::source::{
    Bounds, BoundsAsk, ContentSum, Estimate, Extract, Extraction, Filtered, Newest, RowBatch, Source, Step, StretchAsk,
    TailAsk, TailSum,
};

#[derive(Debug, Clone)]
pub struct MemorySource(pub Arc<World>);

impl MemorySource {
    fn server_clock(&self) -> chrono::NaiveDateTime {
        use crate::engine::Clock;
        self.0.clock.now().naive_utc() + self.0.database().ahead
    }
}

pub fn not_in_memory<V>(what: &str) -> Result<V, Fault> {
    Err(Fault::new(FaultKind::Bug, format!("{what} is not to be had in memory")))
}

impl Source for MemorySource {
    async fn describe(&self, _: &SourceTable) -> Result<SourceSchema, Fault> {
        self.0.script.at(Call::Describe, || Ok(self.0.database().schema.clone())).await
    }

    async fn having_described(&self, _: &[SourceTable]) -> Self {
        self.clone()
    }

    fn at_hand(&self, _: &SourceTable) -> Option<&SourceSchema> {
        None
    }

    async fn newest(&self, asks: &[BoundsAsk]) -> Vec<Option<Newest>> {
        vec![None; asks.len()]
    }

    async fn bounds(&self, ask: &BoundsAsk) -> Result<Bounds, Fault> {
        self.0
            .script
            .at(Call::Bounds, || {
                let now = self.server_clock();
                Ok(self.0.database().bounds(ask, now))
            })
            .await
    }

    async fn writers(&self, _: Option<&SourceName>, _: Option<&SourceTable>) -> Result<Writers, Fault> {
        self.0
            .script
            .at(Call::Writers, || {
                let now = self.server_clock();
                Ok(self.0.database().writers(now))
            })
            .await
    }

    async fn tail_sums(&self, ask: &TailAsk) -> Result<Vec<Vec<TailSum>>, Fault> {
        self.0.script.at(Call::TailSums, || Ok(self.0.database().tail_sums(ask))).await
    }

    async fn content_sums(&self, comparison: &Comparison, cut: &Cut, compared: bool) -> Result<Vec<ContentSum>, Fault> {
        self.0.script.at(Call::ContentSums, || Ok(self.content(comparison, cut, compared))).await
    }

    fn is_balanced(&self, _: Option<&SourceName>) -> bool {
        self.0.database().is_balanced
    }

    async fn step_end(&self, ask: &StretchAsk, rows: u64) -> Result<Option<Cursor>, Fault> {
        self.0.script.at(Call::StepEnd, || Ok(self.0.database().step_end(ask, rows))).await
    }

    async fn estimate(&self, ask: &StretchAsk) -> Result<Estimate, Fault> {
        let count = || Estimate { rows: Some(self.0.database().count(ask)), row_bytes: None };
        self.0.script.at(Call::Estimate, || Ok(count())).await
    }

    fn watched(&self, _: RetryNotes) -> Self {
        self.clone()
    }

    fn read(&self, extraction: Extraction) -> Extract {
        let (steps, received) = mpsc::channel(1);
        let reader = Reader { world: Arc::clone(&self.0), extraction, after: None, snapshot: None };
        tokio::spawn(async move {
            let cancel = reader.extraction.cancel.clone();
            tokio::select! {
                () = steps.closed() => {}
                () = cancel.cancelled() => { steps.send(Ok(Step::Stopped)).await.ok(); }
                () = reader.read(&steps) => {}
            }
        });
        Extract::new(received)
    }
}

impl Diagnose for MemorySource {
    fn servers(&self) -> Vec<Option<SourceName>> {
        vec![None]
    }

    async fn having_cascades(&self) -> Self {
        self.clone()
    }

    async fn cascades(&self, _: &SourceTable) -> Result<Vec<Cascade>, Fault> {
        Ok(Vec::new())
    }

    async fn size(&self, _: &SourceTable) -> Result<Estimate, Fault> {
        Ok(Estimate::default())
    }

    async fn try_filter(&self, _: &SourceTable) -> Result<Filtered, Fault> {
        not_in_memory("a filter")
    }

    async fn estate(&self, _: Option<&SourceName>, _: &EstateAsk) -> Result<Found, Fault> {
        not_in_memory("a list of tables")
    }

    async fn survey(&self, _: Option<&SourceName>) -> Result<ServerFacts, Fault> {
        not_in_memory("a survey")
    }
}

type Steps = mpsc::Sender<Result<Step, Fault>>;

/// Reads a window page by page; between two pages, rows may change.
struct Reader {
    world: Arc<World>,
    extraction: Extraction,
    /// The position of the last row that was handed over.
    after: Option<Vec<Value>>,
    /// The rest of a stream, which is read at one moment.
    snapshot: Option<Vec<Row>>,
}

impl Reader {
    async fn read(mut self, steps: &Steps) {
        loop {
            let world = Arc::clone(&self.world);
            let page = world.script.at(Call::Read, || Ok(self.page())).await;
            let rows = match page {
                Ok(rows) => rows,
                Err(fault) => {
                    steps.send(Err(fault)).await.ok();
                    return;
                }
            };
            if rows.is_empty() {
                steps.send(Ok(Step::End { each_key_once: self.brings_each_key_once() })).await.ok();
                return;
            }
            let bytes = rows.iter().flatten().map(Value::bytes).sum();
            let by_parts = self.extraction.by_parts.as_ref();
            let sums = by_parts.map(|by| summed(&by.comparison, &rows, by.grain)).unwrap_or_default();
            let rows = batch(&self.extraction.plan, &rows);
            steps.send(Ok(Step::Batch(RowBatch { rows, bytes, flaws: Vec::new(), sums }))).await.ok();
        }
    }

    fn is_keyset(&self) -> bool {
        self.extraction.plan.paging == Paging::Keyset && self.extraction.by_parts.is_none()
    }

    /// Tells if the rows come in the key's order, as those of a whole table do.
    fn is_in_key_order(&self) -> bool {
        let whole = self.extraction.window.is_none_or(|window| window.low == Low::Beginning);
        whole && !self.extraction.is_step
    }

    fn brings_each_key_once(&self) -> bool {
        let plan = &self.extraction.plan;
        self.is_keyset()
            && (self.is_in_key_order() || plan.cursor.is_some_and(|cursor| plan.keys.contains(&cursor.position)))
    }

    /// The columns of the order, as positions in the plan.
    fn order(&self) -> Vec<usize> {
        let plan = &self.extraction.plan;
        let cursor = plan.cursor.map(|cursor| cursor.position).filter(|_| !self.is_in_key_order());
        cursor.into_iter().chain(plan.keys.iter().copied()).collect()
    }

    fn page(&mut self) -> Vec<Row> {
        let most = self.extraction.limits.rows;
        if !self.is_keyset() {
            let mut rows = self.snapshot.take().unwrap_or_else(|| self.rows());
            let rest = rows.split_off(most.min(rows.len()));
            self.snapshot = Some(rest);
            return rows;
        }
        let order = self.order();
        let place = |row: &Row| -> Vec<Value> { order.iter().map(|&position| row[position].clone()).collect() };
        let mut rows = self.rows();
        rows.retain(|row| self.after.as_ref().is_none_or(|after| place(row) > *after));
        rows.sort_by_key(place);
        rows.truncate(most);
        self.after = rows.last().map(place).or(self.after.take());
        rows
    }

    /// All rows of the window as they are now, in the plan's columns.
    fn rows(&self) -> Vec<Row> {
        let Extraction { plan, window, only, by_parts, .. } = &self.extraction;
        let database = self.world.database();
        let columns: Vec<usize> = plan.columns.iter().map(|c| database.position(&c.source.name)).collect();
        let rows = database.rows.iter().map(|row| columns.iter().map(|&column| row[column].clone()).collect());
        let within = |row: &Row| match window {
            None => true,
            Some(window) => {
                let value = plan.cursor.and_then(|cursor| row[cursor.position].cursor());
                value.is_some_and(|value| holds(window, &value))
            }
        };
        let wanted = |row: &Row| {
            let Some(only) = only else { return true };
            let key: Vec<_> = plan.keys.iter().map(|&key| Some(row[key].to_string())).collect();
            only.keys.contains(&key)
        };
        let in_parts = |row: &Row| match by_parts {
            Some(ByParts { comparison, within: Some(parts), .. }) => lies_in(&digest(comparison, row), parts),
            _ => true,
        };
        rows.filter(|row| within(row) && wanted(row) && in_parts(row)).collect()
    }
}
