//! The search for rows that differ: sums by part on both sides, smaller parts where they differ, then rows.

use crate::domain::fault::Fault;
use crate::domain::verify::{
    Comparable, Comparison, Cut, Difference, Grain, Looking, PartSum, Parts, Question, Tally, Verification, batches,
    chunks, coarsest, differing, finer,
};
use crate::engine::ports::{Platform, Ports};
use crate::format;
use crate::warehouse::Estimates;

/// The most rows that are fetched for comparison. If more rows lie in parts that differ, it is another table, or one
/// that was written to a lot since the last run.
const MOST_FETCHED: u64 = 500_000;

/// A key's smallest and greatest value over both sides.
type Span = Option<(i64, i64)>;

/// How much a search may read, and name.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Limits {
    /// The most bytes that it may read in BigQuery.
    pub most_bytes: u64,
    /// The most keys that it names.
    pub most_named: usize,
    /// Rows that differ are mended as they are found, so the search goes to its end, however many there are.
    pub mends: bool,
}

/// What remains to be asked.
#[derive(Debug)]
enum Todo {
    /// Cut this many parts once more.
    Cut { cut: Cut, parts: u64 },
    /// Fetch the rows of this many parts.
    Fetch { parts: Parts, count: u64 },
    /// There is no key to cut by.
    Whole,
}

/// The next result of the search.
#[derive(Debug)]
pub(in crate::engine) enum Found {
    /// Keys that differ, and the parts that they lie in.
    Rows(Parts, Vec<Difference>),
    /// The search ends for this reason before everything was looked into.
    Left(String),
    End,
}

/// One mapping's search.
pub(in crate::engine) struct Survey<'a, P: Platform> {
    ports: &'a Ports<P>,
    comparison: &'a Comparison,
    limits: Limits,
    tell: &'a (dyn Fn(Looking) + Send + Sync),
    bytes: u64,
    /// Rows in MySQL and in BigQuery.
    rows: (u64, u64),
    fetched: u64,
    tally: Tally,
    todo: Vec<Todo>,
    /// Parts that differ: the number looked into, and the number known.
    parts: (u64, u64),
}

impl<'a, P: Platform> Survey<'a, P> {
    pub(in crate::engine) fn new(
        ports: &'a Ports<P>,
        comparison: &'a Comparison,
        limits: Limits,
        tell: &'a (dyn Fn(Looking) + Send + Sync),
    ) -> Self {
        let forms = comparison.plan.keys.iter().map(|&key| comparison.forms[key]).collect();
        let tally = Tally::naming(limits.most_named, forms);
        let none = (0, 0);
        Self { ports, comparison, limits, tell, bytes: 0, rows: none, fetched: 0, tally, todo: Vec::new(), parts: none }
    }

    /// Bytes that BigQuery has said its statements would read so far.
    pub(in crate::engine) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Rows of the window, in MySQL and in BigQuery.
    pub(in crate::engine) const fn rows(&self) -> (u64, u64) {
        self.rows
    }

    pub(in crate::engine) fn into_tally(self) -> Tally {
        self.tally
    }

    /// Asks how much the first pass will read; however the table is cut, it reads all compared columns.
    pub(in crate::engine) async fn price(&mut self) -> Result<(), Fault> {
        let whole = Question::Sums(Cut { grain: Grain::Whole, within: None });
        for question in [Question::Span, whole] {
            self.bytes += self.ports.warehouse.question_bytes(self.comparison, &question).await?;
        }
        Ok(())
    }

    async fn span(&self) -> Result<Span, Fault> {
        let theirs = self.ports.warehouse.key_span(self.comparison).await?;
        let ours = self.ports.source.key_span(self.comparison).await?;
        Ok([ours, theirs].into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
    }

    /// Compares the sums of a table of about `rows` rows.
    pub(in crate::engine) async fn begin(&mut self, rows: u64) -> Result<(), Fault> {
        (self.tell)(Looking::BigQuery);
        let span = self.span().await?;
        let grain = coarsest(span, !self.comparison.plan.keys.is_empty(), rows);
        let target = self.ports.warehouse.part_sums(self.comparison, &Cut { grain, within: None }).await?;
        let mut source = Vec::new();
        let chunks = chunks(grain, span, rows);
        let of = chunks.len() as u64;
        for (done, cut) in (0..).zip(chunks) {
            (self.tell)(Looking::Mysql { done, of });
            source.extend(self.ports.source.part_sums(self.comparison, &cut).await?);
        }
        self.rows = (total(&source), total(&target));
        self.plan(grain, &differing(&source, &target));
        Ok(())
    }

    /// Plans what to do about parts that differ.
    fn plan(&mut self, grain: Grain, parts: &[(u64, u64)]) {
        if parts.is_empty() {
            return;
        }
        tracing::info!(target = %self.comparison.target, parts = parts.len(), "parts differ");
        self.parts.1 += parts.len() as u64;
        if grain == Grain::Whole {
            self.todo.push(Todo::Whole);
            return;
        }
        let (large, small) = batches(grain, parts);
        for (parts, most) in large {
            // `batches` only cuts parts that can be cut.
            let Some(finer) = finer(grain, most) else { continue };
            let count = count(&parts);
            self.todo.push(Todo::Cut { cut: Cut { grain: finer, within: Some(parts) }, parts: count });
        }
        // Pushed in reverse, because the last one is asked first: rows come in the order of their parts.
        self.todo.extend(small.into_iter().rev().map(|parts| Todo::Fetch { count: count(&parts), parts }));
    }

    /// Searches on until the next rows that differ.
    pub(in crate::engine) async fn next(&mut self) -> Result<Found, Fault> {
        while let Some(todo) = self.todo.pop() {
            (self.tell)(Looking::Parts { done: self.parts.0, of: self.parts.1 });
            match todo {
                Todo::Whole => {
                    return Ok(Found::Left("without `primary_keys` it is unknown which rows differ".to_owned()));
                }
                Todo::Cut { cut, parts } => {
                    if let Some(reason) = self.afford(&Question::Sums(cut.clone())).await? {
                        return Ok(Found::Left(reason));
                    }
                    let differing = self.differing(&cut).await?;
                    self.parts.0 += parts;
                    self.plan(cut.grain, &differing);
                }
                Todo::Fetch { parts, count } => {
                    if let Some(reason) = self.afford(&Question::Rows(parts.clone())).await? {
                        return Ok(Found::Left(reason));
                    }
                    let found = self.fetch(&parts).await?;
                    self.parts.0 += count;
                    if !found.is_empty() {
                        return Ok(Found::Rows(parts, found));
                    }
                }
            }
        }
        Ok(Found::End)
    }

    /// Searches to the end; gives the reason if some parts were not looked into.
    async fn finish(&mut self) -> Result<Option<String>, Fault> {
        loop {
            match self.next().await? {
                Found::Rows(..) => {}
                Found::Left(reason) => return Ok(Some(reason)),
                Found::End => return Ok(None),
            }
        }
    }

    /// Compares all of about `rows` rows and writes down the result; true if all of them were looked into. `unread`:
    /// why equal rows do not prove that the tables are equal.
    pub(in crate::engine) async fn conclude(
        mut self,
        rows: u64,
        unread: Option<String>,
        verification: &mut Verification,
    ) -> Result<bool, Fault> {
        self.begin(rows).await?;
        let left = self.finish().await?;
        let is_whole = left.is_none();
        verification.bytes = self.bytes;
        (verification.rows_in_mysql, verification.rows_in_bigquery) = self.rows;
        verification.conclude(self.tally, left.or(unread));
        Ok(is_whole)
    }

    /// Compares the rows of some parts once more; gives the reason if it does not.
    pub(in crate::engine) async fn look_again(&mut self, parts: &Parts) -> Result<Option<String>, Fault> {
        if let Some(reason) = self.afford(&Question::Rows(parts.clone())).await? {
            return Ok(Some(reason));
        }
        self.fetch(parts).await?;
        Ok(None)
    }

    async fn differing(&self, cut: &Cut) -> Result<Vec<(u64, u64)>, Fault> {
        let target = self.ports.warehouse.part_sums(self.comparison, cut).await?;
        let source = self.ports.source.part_sums(self.comparison, cut).await?;
        Ok(differing(&source, &target))
    }

    async fn fetch(&mut self, parts: &Parts) -> Result<Vec<Difference>, Fault> {
        let target = self.ports.warehouse.row_digests(self.comparison, parts).await?;
        let source = self.ports.source.row_digests(self.comparison, parts).await?;
        self.fetched += source.len().max(target.len()) as u64;
        Ok(self.tally.add(source, target))
    }

    /// The reason not to ask a question, if there is one.
    async fn afford(&mut self, question: &Question) -> Result<Option<String>, Fault> {
        if self.fetched > MOST_FETCHED && !self.limits.mends {
            let fetched = format::count(self.fetched);
            return Ok(Some(format!(
                "more than {fetched} rows lie in parts that differ, and the others were not looked into: verify right \
                 after a run, when few rows have changed since"
            )));
        }
        let bytes = self.ports.warehouse.question_bytes(self.comparison, question).await?;
        let most = self.limits.most_bytes;
        if self.bytes.saturating_add(bytes) > most {
            let (needed, most) = (format::bytes(self.bytes.saturating_add(bytes)), format::bytes(most));
            return Ok(Some(format!(
                "some parts differ and were not looked into: {needed} would be read, and `--max-bytes` allows {most}"
            )));
        }
        self.bytes += bytes;
        Ok(None)
    }
}

fn total(sums: &[PartSum]) -> u64 {
    sums.iter().map(|sum| sum.rows).sum()
}

fn count(parts: &Parts) -> u64 {
    parts.runs.iter().map(|(first, last)| last - first + 1).sum()
}
