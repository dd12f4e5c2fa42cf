//! Reads the list of tables repeatedly while `schedule` stays up, for entries with many tables.

use std::time::Duration;

use bigquery_syncer::engine::Ports;
use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::expansion::{self, For};
use crate::wiring::{Adapters, Servers};

/// How often the list is read: a new table is known before most runs begin.
const READ_TABLES: Duration = Duration::from_mins(1);

/// The expansion of the entries for many tables.
pub struct NewTables {
    ports: Ports<Adapters>,
    /// An engine already works with these ports.
    are_followed: bool,
    servers: Servers,
    /// When the list is read again.
    next: Instant,
    reading: Option<JoinHandle<Option<Ports<Adapters>>>>,
}

impl NewTables {
    /// For ports that an engine works with.
    pub fn of(ports: &Ports<Adapters>, servers: Servers) -> Self {
        Self { ports: ports.clone(), are_followed: true, servers, next: Instant::now() + READ_TABLES, reading: None }
    }

    /// For ports whose tables are not known yet.
    pub fn unknown(ports: &Ports<Adapters>, servers: Servers) -> Self {
        Self { are_followed: false, next: Instant::now(), ..Self::of(ports, servers) }
    }

    /// The ports with the present tables, if they differ from those that are followed. Reads in the background.
    pub fn look(&mut self) -> Option<Ports<Adapters>> {
        if self.ports.config.patterns.is_empty() {
            return None;
        }
        if self.reading.as_ref().is_some_and(JoinHandle::is_finished) {
            let read = self.reading.take().and_then(FutureExt::now_or_never);
            self.next = Instant::now() + READ_TABLES;
            let read = read.and_then(Result::ok).flatten()?;
            if self.are_followed && shape(&read) == shape(&self.ports) {
                return None;
            }
            expansion::say(&read.config);
            self.are_followed = true;
            self.ports = read.clone();
            return Some(read);
        }
        if self.reading.is_none() && Instant::now() >= self.next {
            let (ports, servers) = (self.ports.clone(), self.servers.clone());
            self.reading = Some(tokio::spawn(async move { read(ports, &servers).await }));
        }
        None
    }
}

async fn read(ports: Ports<Adapters>, servers: &Servers) -> Option<Ports<Adapters>> {
    let read = expansion::expand(ports, servers, For::Renewal).await;
    let read =
        read.inspect_err(|fault| tracing::warn!(error = %fault, "the list of tables cannot be brought up to date"));
    read.ok()
}

/// A text that changes whenever a run would do something else.
fn shape(ports: &Ports<Adapters>) -> String {
    format!("{:?}", ports.config.mappings)
}
