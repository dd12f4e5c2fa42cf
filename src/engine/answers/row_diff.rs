//! The search for rows that differ: sums by part on both sides, smaller parts where they differ, then rows.

use crate::domain::fault::Fault;
use crate::domain::verify::{
    Comparable, Comparison, Cut, Grain, PartSum, Parts, Question, Tally, batches, chunks, coarsest, differing, finer,
};
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::Verify;
use crate::format;
use crate::warehouse::Estimates;

/// Rows that are fetched to be compared: a table of which more lies in parts that differ is another table, or has been
/// written to a lot since the last run.
const MOST_FETCHED: u64 = 500_000;

/// A key's least and greatest value, of both sides.
type Span = Option<(i64, i64)>;

/// Parts of a grain that differ, each with its rows.
type Differing = (Grain, Vec<(u64, u64)>);

/// One mapping's search.
pub(in crate::engine) struct Survey<'a, P: Platform> {
    ports: &'a Ports<P>,
    comparison: &'a Comparison,
    most_bytes: u64,
    bytes: u64,
    /// In MySQL and in BigQuery.
    rows: (u64, u64),
    fetched: u64,
    tally: Tally,
}

impl<'a, P: Platform> Survey<'a, P> {
    pub(in crate::engine) fn new(ports: &'a Ports<P>, comparison: &'a Comparison, order: &Verify) -> Self {
        let tally = Tally::naming(order.most_named);
        Self { ports, comparison, most_bytes: order.most_bytes, bytes: 0, rows: (0, 0), fetched: 0, tally }
    }

    /// What BigQuery said so far that its part would read.
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

    /// Asks what the first pass will read; whichever way the table is cut, it reads all that is compared.
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

    /// Compares a table of about `rows` rows; gives the reason when some of it was not looked into.
    pub(in crate::engine) async fn go(&mut self, rows: u64) -> Result<Option<String>, Fault> {
        let span = self.span().await?;
        let grain = coarsest(span, !self.comparison.plan.keys.is_empty(), rows);
        let target = self.ports.warehouse.part_sums(self.comparison, &Cut { grain, within: None }).await?;
        let mut source = Vec::new();
        for cut in chunks(grain, span, rows) {
            source.extend(self.ports.source.part_sums(self.comparison, &cut).await?);
        }
        self.rows = (total(&source), total(&target));
        let mut open: Vec<Differing> = vec![(grain, differing(&source, &target))];
        while let Some((grain, parts)) = open.pop() {
            if parts.is_empty() {
                continue;
            }
            tracing::info!(target = %self.comparison.target, parts = parts.len(), "parts differ");
            if grain == Grain::Whole {
                return Ok(Some("without `primary_keys` it cannot be told which rows differ".to_owned()));
            }
            let (large, small) = batches(grain, &parts);
            for (parts, most) in large {
                // `batches` cuts only what can be cut.
                let Some(finer) = finer(grain, most) else { continue };
                let cut = Cut { grain: finer, within: Some(parts) };
                if let Some(reason) = self.afford(&Question::Sums(cut.clone())).await? {
                    return Ok(Some(reason));
                }
                open.push((finer, self.differing(&cut).await?));
            }
            for parts in small {
                if let Some(reason) = self.afford(&Question::Rows(parts.clone())).await? {
                    return Ok(Some(reason));
                }
                self.fetch(&parts).await?;
            }
        }
        Ok(None)
    }

    async fn differing(&self, cut: &Cut) -> Result<Vec<(u64, u64)>, Fault> {
        let target = self.ports.warehouse.part_sums(self.comparison, cut).await?;
        let source = self.ports.source.part_sums(self.comparison, cut).await?;
        Ok(differing(&source, &target))
    }

    async fn fetch(&mut self, parts: &Parts) -> Result<(), Fault> {
        let target = self.ports.warehouse.row_digests(self.comparison, parts).await?;
        let source = self.ports.source.row_digests(self.comparison, parts).await?;
        self.fetched += source.len().max(target.len()) as u64;
        self.tally.add(source, target);
        Ok(())
    }

    /// The reason not to ask, where there is one.
    async fn afford(&mut self, question: &Question) -> Result<Option<String>, Fault> {
        if self.fetched > MOST_FETCHED {
            let fetched = format::count(self.fetched);
            return Ok(Some(format!(
                "more than {fetched} rows lie in parts that differ, and the others were not looked into: verify right \
                 after a run, when few rows have changed since"
            )));
        }
        let bytes = self.ports.warehouse.question_bytes(self.comparison, question).await?;
        if self.bytes.saturating_add(bytes) > self.most_bytes {
            let (needed, most) = (format::bytes(self.bytes.saturating_add(bytes)), format::bytes(self.most_bytes));
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
