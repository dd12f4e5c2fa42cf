//! MySQL and MariaDB through sqlx.

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
mod found;
mod gate;
mod indexes;
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

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

// For bench/micro, which decodes without a server.
pub use self::decode::Batcher;
use self::fence::Watch;
use self::server::Server;
use self::together::Known;
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
use crate::domain::ids::SourceTable;
use crate::domain::retry::RetryNotes;
use crate::domain::verify::{Comparable, Comparison, Cut, NewestBy, NewestRows, PartSum, Parts, RowDigest, SeenRow};
use crate::retry::repeated;
use crate::source::Diagnose;

/// A MySQL or MariaDB server. Holds no connection (each call opens its own), but the tunnel that they share.
#[derive(Debug, Clone)]
pub struct MysqlSource {
    server: Arc<Server>,
    notes: RetryNotes,
    watch: Arc<Watch>,
    /// What a look at many tables has told.
    known: Arc<Known>,
    /// Tables of these that have no foreign key.
    unbound: Arc<HashSet<(String, String)>>,
}

impl MysqlSource {
    #[must_use]
    pub fn new(settings: MysqlSettings) -> Self {
        let (server, notes) = (Arc::new(Server::new(settings)), RetryNotes::default());
        Self { server, notes, watch: Arc::default(), known: Arc::default(), unbound: Arc::default() }
    }

    /// How long an answer may not come until the server is asked what has become of it; a minute where nobody says so.
    #[must_use]
    pub fn asking_after(self, silence: Duration) -> Self {
        Self { server: Arc::new(Server { silence, ..Server::clone(&self.server) }), ..self }
    }
}

impl Source for MysqlSource {
    async fn describe(&self, table: &SourceTable) -> Result<SourceSchema, Fault> {
        if let Some(schema) = self.at_hand(table) {
            return Ok(schema.clone());
        }
        let describing = format!("reading the description of {table}");
        repeated(&self.notes, describing, || catalog::describe(&self.server, table)).await
    }

    async fn having_described(&self, tables: &[SourceTable]) -> Self {
        Self { known: Arc::new(together::described(&self.server, tables).await), ..self.clone() }
    }

    fn at_hand(&self, table: &SourceTable) -> Option<&SourceSchema> {
        self.known.schema(&self.server, table)
    }

    async fn newest(&self, asks: &[BoundsAsk]) -> Vec<Option<Newest>> {
        together::newest(&self.server, asks).await
    }

    async fn bounds(&self, ask: &BoundsAsk) -> Result<Bounds, Fault> {
        let asking = format!("reading the bounds of {}", ask.table);
        repeated(&self.notes, asking, || bounds::bounds(&self.server, ask)).await
    }

    async fn writers(&self, table: Option<&SourceTable>) -> Result<Writers, Fault> {
        let asked = Instant::now();
        let look = || self.watch.writers(&self.server, table, asked);
        let mut writers = repeated(&self.notes, "reading who may still write", look).await?;
        writers.blind.extend(self.is_balanced().then_some(Blind::Balancer));
        Ok(writers)
    }

    async fn tail_sums(&self, ask: &TailAsk) -> Result<Vec<Vec<TailSum>>, Fault> {
        let summing = format!("looking below the watermark of {}", ask.table);
        repeated(&self.notes, summing, || tail::sums(&self.server, ask)).await
    }

    async fn content_sums(&self, comparison: &Comparison, cut: &Cut, compared: bool) -> Result<Vec<ContentSum>, Fault> {
        let summing = format!("summing up {}", comparison.source);
        repeated(&self.notes, summing, || content::sums(&self.server, comparison, cut, compared)).await
    }

    fn is_balanced(&self) -> bool {
        connect::reached_several(&self.server)
    }

    async fn step_end(&self, ask: &StretchAsk, rows: u64) -> Result<Option<Cursor>, Fault> {
        let looking = format!("looking for a step's end in {}", ask.table);
        repeated(&self.notes, looking, || stretch::step_end(&self.server, ask, rows)).await
    }

    async fn estimate(&self, ask: &StretchAsk) -> Result<Estimate, Fault> {
        let estimating = format!("estimating the rows of {}", ask.table);
        repeated(&self.notes, estimating, || stretch::estimate(&self.server, ask)).await
    }

    fn watched(&self, notes: RetryNotes) -> Self {
        Self { notes, ..self.clone() }
    }

    fn read(&self, extraction: Extraction) -> Extract {
        read::start(Arc::clone(&self.server), self.notes.clone(), extraction)
    }
}

impl Diagnose for MysqlSource {
    async fn having_cascades(&self) -> Self {
        let unbound = together::unbound(&self.server, &self.known).await;
        Self { unbound: Arc::new(unbound), ..self.clone() }
    }

    async fn cascades(&self, table: &SourceTable) -> Result<Vec<Cascade>, Fault> {
        if self.unbound.contains(&together::place(&self.server, table)) {
            return Ok(Vec::new());
        }
        let reading = format!("reading the foreign keys of {table}");
        repeated(&self.notes, reading, || cascades::cascades(&self.server, table)).await
    }

    async fn size(&self, table: &SourceTable) -> Result<Estimate, Fault> {
        repeated(&self.notes, format!("estimating the rows of {table}"), || stretch::size(&self.server, table)).await
    }

    async fn try_filter(&self, table: &SourceTable) -> Result<Filtered, Fault> {
        repeated(&self.notes, format!("trying the filter of {table}"), || filter::planned(&self.server, table)).await
    }

    async fn estate(&self, ask: &EstateAsk) -> Result<Found, Fault> {
        repeated(&self.notes, "reading the list of tables", || estate::estate(&self.server, ask)).await
    }

    async fn survey(&self) -> Result<ServerFacts, Fault> {
        repeated(&self.notes, "asking MySQL about itself", || survey::survey(&self.server)).await
    }
}

impl NewestRows for MysqlSource {
    async fn newest_rows(
        &self,
        comparison: &Comparison,
        newest: &NewestBy,
        most: usize,
    ) -> Result<Vec<SeenRow>, Fault> {
        let reading = format!("reading the newest rows of {}", comparison.source);
        repeated(&self.notes, reading, || seen::newest_rows(&self.server, comparison, newest, most)).await
    }
}

impl Comparable for MysqlSource {
    async fn key_span(&self, comparison: &Comparison) -> Result<Option<(i64, i64)>, Fault> {
        let looking = format!("looking for the ends of {}", comparison.source);
        repeated(&self.notes, looking, || verify::key_span(&self.server, comparison)).await
    }

    async fn part_sums(&self, comparison: &Comparison, cut: &Cut) -> Result<Vec<PartSum>, Fault> {
        let summing = format!("summing the hashes of {}", comparison.source);
        repeated(&self.notes, summing, || verify::part_sums(&self.server, comparison, cut)).await
    }

    async fn row_digests(&self, comparison: &Comparison, parts: &Parts) -> Result<Vec<RowDigest>, Fault> {
        let reading = format!("reading the hashes of {}", comparison.source);
        repeated(&self.notes, reading, || verify::row_digests(&self.server, comparison, parts)).await
    }
}
