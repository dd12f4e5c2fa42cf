//! MySQL and MariaDB: questions go through sqlx, table rows through connections of our own.

mod away;
mod bounds;
mod cascades;
mod catalog;
mod clock;
mod connect;
mod content;
mod cursor_column;
mod decode;
mod digest;
mod estate;
mod fault;
mod fence;
mod filter;
mod foreign;
mod found;
mod gate;
mod harmless;
mod indexes;
mod limits;
mod login;
mod password;
mod peers;
mod read;
mod refusal;
mod roles;
#[cfg(test)]
mod samples;
mod seen;
mod server;
mod servers;
mod session;
mod silence;
mod sql;
mod stretch;
mod survey;
mod tail;
mod texts;
mod tls;
mod together;
mod tunnel;
mod unreadable;
mod verify;
mod views;
mod wire;
mod words;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

// For bench/micro, which decodes without a server.
pub use self::decode::Batcher;
use self::server::Server;
use self::servers::{Reached, Servers};
pub use self::wire::Cells;
use super::{
    Bounds, BoundsAsk, ContentSum, Estimate, Extract, Extraction, Filtered, Newest, Source, StretchAsk, TailAsk,
    TailSum,
};
use crate::domain::check::server::ServerFacts;
use crate::domain::column::{Cascade, SourceSchema};
use crate::domain::config::MysqlSettings;
use crate::domain::cursor::Cursor;
use crate::domain::estate::{EstateAsk, Found};
use crate::domain::fault::Fault;
use crate::domain::fence::{Blind, Writers};
use crate::domain::ids::{SourceName, SourceTable};
use crate::domain::retry::RetryNotes;
use crate::domain::verify::{Comparable, Comparison, Cut, NewestBy, NewestRows, PartSum, Parts, RowDigest, SeenRow};
use crate::retry::repeated;
use crate::source::Diagnose;

/// The MySQL or MariaDB servers that mappings use. It holds no connection (each call opens its own), only the tunnels
/// that they share. Every call goes to the server of its table.
#[derive(Debug, Clone)]
pub struct MysqlSource {
    servers: Servers,
    notes: RetryNotes,
}

impl MysqlSource {
    /// A source with a single server.
    #[must_use]
    pub fn new(settings: MysqlSettings) -> Self {
        Self::several([settings])
    }

    /// A source with several servers, each with the name in its settings.
    pub fn several(settings: impl IntoIterator<Item = MysqlSettings>) -> Self {
        Self { servers: Servers::new(settings), notes: RetryNotes::default() }
    }

    /// Where a server listens, for messages; `None` if no server has that name.
    #[must_use]
    pub fn place(&self, of: Option<&SourceName>) -> Option<String> {
        Some(self.servers.called(of).ok()?.server.place())
    }

    /// Sets how long an answer may take until the server is asked what the connection is doing; a minute by default.
    #[must_use]
    pub fn asking_after(self, silence: Duration) -> Self {
        let patient = |reached: &Reached| {
            let server = Server { silence, ..Server::clone(&reached.server) };
            Reached { server: Arc::new(server), ..reached.clone() }
        };
        Self { servers: self.servers.with(patient), ..self }
    }

    /// Repeats a call until the server answers, or fails with an error that does not pass.
    async fn ask<T, F>(
        &self,
        server: &Server,
        operation: impl Into<String>,
        call: impl FnMut() -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        repeated(&self.notes, operation, call).await.map_err(|fault| server.worded(fault))
    }
}

impl Source for MysqlSource {
    async fn describe(&self, table: &SourceTable) -> Result<SourceSchema, Fault> {
        if let Some(schema) = self.at_hand(table) {
            return Ok(schema.clone());
        }
        let server = &self.servers.of(table)?.server;
        let describing = format!("reading the description of {table}");
        self.ask(server, describing, || catalog::describe(server, table)).await
    }

    async fn having_described(&self, tables: &[SourceTable]) -> Self {
        Self { servers: self.servers.having_described(tables).await, ..self.clone() }
    }

    fn at_hand(&self, table: &SourceTable) -> Option<&SourceSchema> {
        let Reached { server, known, .. } = self.servers.of(table).ok()?;
        known.schema(server, table)
    }

    async fn newest(&self, asks: &[BoundsAsk]) -> Vec<Option<Newest>> {
        self.servers.newest(asks).await
    }

    async fn bounds(&self, ask: &BoundsAsk) -> Result<Bounds, Fault> {
        let server = &self.servers.of(&ask.table)?.server;
        let asking = format!("reading the bounds of {}", ask.table);
        self.ask(server, asking, || bounds::bounds(server, ask)).await
    }

    async fn writers(&self, of: Option<&SourceName>, table: Option<&SourceTable>) -> Result<Writers, Fault> {
        let Reached { server, watch, .. } = self.servers.called(of)?;
        let asked = Instant::now();
        let look = || watch.writers(server, table, asked);
        let mut writers = self.ask(server, "reading who may still write", look).await?;
        writers.blind.extend(self.is_balanced(of).then_some(Blind::Balancer));
        Ok(writers)
    }

    async fn tail_sums(&self, ask: &TailAsk) -> Result<Vec<Vec<TailSum>>, Fault> {
        let server = &self.servers.of(&ask.table)?.server;
        let summing = format!("looking below the watermark of {}", ask.table);
        self.ask(server, summing, || tail::sums(server, ask)).await
    }

    async fn content_sums(&self, comparison: &Comparison, cut: &Cut, compared: bool) -> Result<Vec<ContentSum>, Fault> {
        let server = &self.servers.of(&comparison.source)?.server;
        let summing = format!("summing up {}", comparison.source);
        self.ask(server, summing, || content::sums(server, comparison, cut, compared)).await
    }

    fn is_balanced(&self, of: Option<&SourceName>) -> bool {
        self.servers.called(of).is_ok_and(|reached| connect::reached_several(&reached.server))
    }

    async fn step_end(&self, ask: &StretchAsk, rows: u64) -> Result<Option<Cursor>, Fault> {
        let server = &self.servers.of(&ask.table)?.server;
        let looking = format!("looking for a step's end in {}", ask.table);
        self.ask(server, looking, || stretch::step_end(server, ask, rows)).await
    }

    async fn estimate(&self, ask: &StretchAsk) -> Result<Estimate, Fault> {
        let server = &self.servers.of(&ask.table)?.server;
        let estimating = format!("estimating the rows of {}", ask.table);
        self.ask(server, estimating, || stretch::estimate(server, ask)).await
    }

    fn watched(&self, notes: RetryNotes) -> Self {
        Self { notes, ..self.clone() }
    }

    fn read(&self, extraction: Extraction) -> Extract {
        match self.servers.of(&extraction.table) {
            Ok(reached) => read::start(Arc::clone(&reached.server), self.notes.clone(), extraction),
            Err(fault) => Extract::failed(fault),
        }
    }
}

impl Diagnose for MysqlSource {
    fn servers(&self) -> Vec<Option<SourceName>> {
        self.servers.names().cloned().collect()
    }

    async fn having_cascades(&self) -> Self {
        Self { servers: self.servers.having_cascades().await, ..self.clone() }
    }

    async fn cascades(&self, table: &SourceTable) -> Result<Vec<Cascade>, Fault> {
        let Reached { server, unbound, .. } = self.servers.of(table)?;
        if unbound.contains(&together::place(server, table)) {
            return Ok(Vec::new());
        }
        let reading = format!("reading the foreign keys of {table}");
        self.ask(server, reading, || cascades::cascades(server, table)).await
    }

    async fn size(&self, table: &SourceTable) -> Result<Estimate, Fault> {
        let server = &self.servers.of(table)?.server;
        self.ask(server, format!("estimating the rows of {table}"), || stretch::size(server, table)).await
    }

    async fn try_filter(&self, table: &SourceTable) -> Result<Filtered, Fault> {
        let server = &self.servers.of(table)?.server;
        self.ask(server, format!("trying the filter of {table}"), || filter::planned(server, table)).await
    }

    async fn estate(&self, of: Option<&SourceName>, ask: &EstateAsk) -> Result<Found, Fault> {
        let server = &self.servers.called(of)?.server;
        self.ask(server, "reading the list of tables", || estate::estate(server, ask)).await
    }

    async fn survey(&self, of: Option<&SourceName>) -> Result<ServerFacts, Fault> {
        let server = &self.servers.called(of)?.server;
        self.ask(server, "asking MySQL about itself", || survey::survey(server)).await
    }
}

impl NewestRows for MysqlSource {
    async fn newest_rows(
        &self,
        comparison: &Comparison,
        newest: &NewestBy,
        most: usize,
    ) -> Result<Vec<SeenRow>, Fault> {
        let server = &self.servers.of(&comparison.source)?.server;
        let reading = format!("reading the newest rows of {}", comparison.source);
        self.ask(server, reading, || seen::newest_rows(server, comparison, newest, most)).await
    }
}

impl Comparable for MysqlSource {
    async fn key_span(&self, comparison: &Comparison) -> Result<Option<(i64, i64)>, Fault> {
        let server = &self.servers.of(&comparison.source)?.server;
        let looking = format!("looking for the ends of {}", comparison.source);
        self.ask(server, looking, || verify::key_span(server, comparison)).await
    }

    async fn part_sums(&self, comparison: &Comparison, cut: &Cut) -> Result<Vec<PartSum>, Fault> {
        let server = &self.servers.of(&comparison.source)?.server;
        let summing = format!("summing the hashes of {}", comparison.source);
        self.ask(server, summing, || verify::part_sums(server, comparison, cut)).await
    }

    async fn row_digests(&self, comparison: &Comparison, parts: &Parts) -> Result<Vec<RowDigest>, Fault> {
        let server = &self.servers.of(&comparison.source)?.server;
        let reading = format!("reading the hashes of {}", comparison.source);
        self.ask(server, reading, || verify::row_digests(server, comparison, parts)).await
    }
}
