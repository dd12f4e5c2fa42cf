//! One reader: one connection that reads the pages of one slice of the window and decodes rows directly into batches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::sync::mpsc;

use super::by_parts;
use super::page::{PageOrder, Position};
use super::select::Reading;
use super::slice::Slice;
use super::wanted::{KEYS_OF_A_STATEMENT, condition};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::Paging;
use crate::domain::retry::RetryNotes;
use crate::domain::source_type::SourceType;
use crate::domain::verify::{PartSum, Wanted};
use crate::domain::window::Low;
use crate::retry::Waits;
use crate::source::mysql::connect;
use crate::source::mysql::content;
use crate::source::mysql::decode::{Batcher, key};
use crate::source::mysql::fault::{from_sqlx, is_full};
use crate::source::mysql::filter;
use crate::source::mysql::server::Server;
use crate::source::mysql::session::Session;
use crate::source::mysql::silence;
use crate::source::mysql::sql::{Bind, Query};
use crate::source::mysql::wire::{self, Cells, Connection};
use crate::source::{Extraction, RowBatch, Step};

/// Where readers hand their batches over.
pub type Steps = mpsc::Sender<Result<Step, Fault>>;

/// What the readers of one window have in common.
#[derive(Debug)]
pub struct Team {
    pub server: Arc<Server>,
    pub notes: RetryNotes,
    pub job: Extraction,
    pub steps: Steps,
    /// Slices that a reader gives away.
    pub given: mpsc::UnboundedSender<(Slice, PageOrder)>,
    /// Readers at work, including those that a slice was given away to and that have not begun.
    pub at_work: AtomicUsize,
    /// The greatest number of readers.
    pub most: AtomicUsize,
}

/// How a reader's work ended.
pub enum Read {
    /// Every row of the slice has been handed over; true when no key can have come twice.
    Whole(bool),
    /// There was no connection for it: another reader takes the slice over when its own has ended.
    Left(Slice, PageOrder),
}

impl Team {
    /// Counts one more reader, unless there are enough.
    fn take_place(&self) -> bool {
        let most = self.most.load(Ordering::SeqCst);
        let more = |count| (count < most).then_some(count + 1);
        self.at_work.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// Allows no more readers than are at work now without this one: the server has no connection for it.
    fn be_content(&self) {
        self.most.fetch_min(self.at_work.load(Ordering::SeqCst).saturating_sub(1).max(1), Ordering::SeqCst);
    }

    /// Counts one reader less.
    pub fn leave_place(&self) {
        self.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Reads one slice.
pub struct Reader {
    team: Arc<Team>,
    slice: Slice,
    batcher: Batcher,
    /// Found with the first connection and kept, because the last row is a position only in this order. `None` for a
    /// stream.
    order: Option<PageOrder>,
    /// The greatest value of the pages' first column; asked for when a slice without an end is shared.
    greatest: Option<Bind>,
    /// The last row of the last batch handed over.
    last: Option<Position>,
    batches: u64,
    /// For rows that are asked for by their keys: the number of keys whose rows have all been handed over.
    keys_done: usize,
    /// The number of batches when these were done.
    batches_by_then: u64,
    /// For rows that are read by parts: the checksums of the rows collected for the next batch.
    sums: BTreeMap<u64, PartSum>,
}

impl Reader {
    pub fn new(team: Arc<Team>, slice: Slice, order: Option<PageOrder>) -> Self {
        let Extraction { table, plan, limits, .. } = &team.job;
        let batcher = Batcher::new(table.clone(), Arc::clone(plan), *limits);
        Self {
            team,
            slice,
            batcher,
            order,
            greatest: None,
            last: None,
            batches: 0,
            keys_done: 0,
            batches_by_then: 0,
            sums: BTreeMap::new(),
        }
    }

    /// Reads the slice; after a broken connection it continues behind the last batch.
    pub async fn read(mut self) -> Result<Read, Fault> {
        let team = Arc::clone(&self.team);
        let mut waits = Waits::new(&team.notes, format!("reading {}", team.job.table));
        loop {
            let before = self.batches;
            let Err(fault) = self.attempt().await else {
                let each_key_once = self.order.is_some_and(|order| order.brings_each_key_once(&team.job.plan));
                return Ok(Read::Whole(each_key_once));
            };
            if self.batches == 0
                && is_full(&fault)
                && team.at_work.load(Ordering::SeqCst) > 1
                && let Some(order) = self.order.take()
            {
                team.be_content();
                return Ok(Read::Left(self.slice, order));
            }
            // The rows of a stream come in no order, so after a broken connection it is unknown which rows are missing.
            let is_stream = team.job.plan.paging == Paging::Stream || team.job.by_parts.is_some();
            let in_no_order = team.job.only.is_some() || is_stream;
            if in_no_order && self.batches > self.batches_by_then {
                return Err(fault);
            }
            if self.batches > before {
                waits.progressed();
            }
            waits.after(fault).await?;
            self.batcher.clear();
            self.sums.clear();
        }
    }

    /// Reads with one connection until the slice's end.
    async fn attempt(&mut self) -> Result<(), Fault> {
        let team = Arc::clone(&self.team);
        let Extraction { table, plan, window, limits, is_step, .. } = &team.job;
        let mut session = connect::open_for_rows(&team.server).await?;
        if let Some(only) = &team.job.only {
            self.by_keys(&mut session, only).await?;
            session.connection.close().await.ok();
            return Ok(());
        }
        if let Some(by_parts) = &team.job.by_parts {
            let statement = by_parts::statement(table, plan, by_parts, session.flavour);
            self.rows_of(&mut session, statement).await?;
            session.connection.close().await.ok();
            return Ok(());
        }
        if self.order.is_none() && plan.paging == Paging::Keyset {
            let whole = window.is_none_or(|window| window.low == Low::Beginning) && !is_step;
            self.order = Some(PageOrder::of(&mut session, table, plan, whole).await?);
        }
        let order = self.order.clone().unwrap_or_else(|| PageOrder::planned(plan));
        let reading = Reading::new(table, plan, *window, &order, session.flavour);
        match plan.paging {
            Paging::Stream => {
                self.rows_of(&mut session, reading.stream()).await?;
            }
            Paging::Keyset => {
                let most = limits.page_rows.max(1);
                while self.rows_of(&mut session, reading.page(self.last.as_ref(), &self.slice, most)).await? >= most {
                    self.share(&mut session, &reading, &order).await?;
                }
            }
        }
        // All rows are here; a failure to say goodbye changes nothing.
        session.connection.close().await.ok();
        Ok(())
    }

    /// Asks for some keys at a time; after a connection that breaks between two statements, the next continues.
    async fn by_keys(&mut self, session: &mut Session<Connection>, only: &Wanted) -> Result<(), Fault> {
        let team = Arc::clone(&self.team);
        let Extraction { table, plan, window, .. } = &team.job;
        let reading = Reading::new(table, plan, *window, &PageOrder::planned(plan), session.flavour);
        while self.keys_done < only.keys.len() {
            let end = only.keys.len().min(self.keys_done + KEYS_OF_A_STATEMENT);
            let keys = &only.keys[self.keys_done..end];
            self.rows_of(session, reading.rows_where(condition(plan, &only.forms, keys))).await?;
            (self.keys_done, self.batches_by_then) = (end, self.batches);
        }
        Ok(())
    }

    /// A full page shows that there is more: half of the rest goes to another reader, if there may be one.
    async fn share(
        &mut self,
        session: &mut Session<Connection>,
        reading: &Reading,
        order: &PageOrder,
    ) -> Result<(), Fault> {
        if !self.team.take_place() {
            return Ok(());
        }
        let given = self.half(session, reading, order).await;
        match given {
            // The coordinator lives longer than any reader.
            Ok(Some(slice)) => {
                self.team.given.send((slice, order.clone())).ok();
                Ok(())
            }
            Ok(None) => {
                self.team.leave_place();
                Ok(())
            }
            Err(fault) => {
                self.team.leave_place();
                Err(fault)
            }
        }
    }

    async fn half(
        &mut self,
        session: &mut Session<Connection>,
        reading: &Reading,
        order: &PageOrder,
    ) -> Result<Option<Slice>, Fault> {
        let plan = &self.team.job.plan;
        let Some(&first) = order.columns.first() else { return Ok(None) };
        let halves = matches!(
            plan.columns[first].source.source_type,
            SourceType::Int { .. } | SourceType::DateTime { .. } | SourceType::Timestamp { .. }
        );
        let Some(at) = self.last.as_ref().and_then(|last| last.0.first()).filter(|_| halves).cloned() else {
            return Ok(None);
        };
        if self.slice.to.is_none() && self.greatest.is_none() {
            self.greatest = match self.team.job.window {
                Some(window) if plan.is_cursor(first) => Some(Bind::from(&window.high)),
                _ => {
                    let asked = session.rows(reading.greatest()).await;
                    let failed = |error| from_sqlx(error, format!("Reading {} failed", self.team.job.table));
                    let source_type = &plan.columns[first].source.source_type;
                    asked.map_err(failed)?.first().and_then(|row| key::bind(source_type, row.cell(0)?))
                }
            };
        }
        Ok(self.slice.give_half(&at, self.greatest.as_ref()))
    }

    /// Hands over every row of one query; returns their number.
    async fn rows_of(&mut self, session: &mut Session<Connection>, query: Query) -> Result<usize, Fault> {
        let team = Arc::clone(&self.team);
        let Extraction { table, plan, by_parts, .. } = &team.job;
        let failed = |error| filter::failed(error, table, format!("Reading {table} failed"));
        let Session { connection, line, .. } = session;
        silence::listen(connection.ask(&query), line.as_ref()).await.map_err(failed)?;
        let mut count = 0;
        // Rows of a batch that is not yet handed over.
        let mut waiting = 0;
        loop {
            match connection.advance().map_err(failed)? {
                Some(true) => {}
                Some(false) => break,
                None => {
                    // Usually more rows have already arrived; a timer for each piece would cost more than taking it.
                    match connection.more().now_or_never() {
                        Some(more) => more,
                        None => silence::listen(connection.more(), line.as_ref()).await,
                    }
                    .map_err(failed)?;
                    continue;
                }
            }
            if count == 0 {
                wire::check(connection.columns(), plan, usize::from(by_parts.is_some()), table)?;
            }
            (count, waiting) = (count + 1, waiting + 1);
            let row = connection.row();
            self.batcher.push(&row)?;
            self.sum_up(&row)?;
            if self.batcher.is_full() {
                self.hand_over(&row).await?;
                waiting = 0;
            }
        }
        if waiting > 0 {
            self.hand_over(&connection.row()).await?;
        }
        Ok(count)
    }

    fn sum_up(&mut self, row: &impl Cells) -> Result<(), Fault> {
        let Extraction { table, plan, by_parts, .. } = &self.team.job;
        if by_parts.is_none() {
            return Ok(());
        }
        let PartSum { part, rows, hashes } =
            row.cell(plan.columns.len()).and_then(content::sum_of).ok_or_else(|| {
                Fault::new(FaultKind::Bug, format!("What MySQL sums the rows of {table} up by cannot be read"))
            })?;
        let sum = self.sums.entry(part).or_insert(PartSum { part, rows: 0, hashes: 0 });
        sum.rows += rows;
        sum.hashes += hashes;
        Ok(())
    }

    /// Sends the batch that ends with this row.
    async fn hand_over(&mut self, row: &wire::Row<'_>) -> Result<(), Fault> {
        let Extraction { table, plan, .. } = &self.team.job;
        let position = match &self.order {
            None => None,
            Some(order) => Some(Position::of(plan, order, row).ok_or_else(|| {
                let sentence = format!("A key of {table} cannot be compared with, so pages cannot go on after it");
                Fault::new(FaultKind::Data, sentence).with_hint("its text is no valid UTF-8; correct it at the source")
            })?),
        };
        let sums = std::mem::take(&mut self.sums).into_values().collect();
        let batch = RowBatch { sums, ..self.batcher.finish()? };
        // If the receiver is gone, `steps.closed()` ends the whole task.
        self.team.steps.send(Ok(Step::Batch(batch))).await.ok();
        self.last = position;
        self.batches += 1;
        Ok(())
    }
}
