//! Reads the list of tables again and again while `schedule` stays up, for entries that are about many tables.

use std::time::Duration;

use bigquery_syncer::engine::Ports;
use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::expansion::{self, For};
use crate::wiring::{Adapters, Servers};

/// How often: a new one is known by then before most runs begin.
const READ_TABLES: Duration = Duration::from_mins(1);

/// What entries for many tables were expanded to.
pub struct NewTables {
    ports: Ports<Adapters>,
    /// An engine works with these ports.
    are_followed: bool,
    servers: Servers,
    /// When the list is read again.
    next: Instant,
    reading: Option<JoinHandle<Option<Ports<Adapters>>>>,
}

impl NewTables {
    /// Of ports that an engine works with.
    pub fn of(ports: &Ports<Adapters>, servers: Servers) -> Self {
        Self { ports: ports.clone(), are_followed: true, servers, next: Instant::now() + READ_TABLES, reading: None }
    }

    /// Of ports whose tables are not known yet.
    pub fn unknown(ports: &Ports<Adapters>, servers: Servers) -> Self {
        Self { are_followed: false, next: Instant::now(), ..Self::of(ports, servers) }
    }

    /// The ports with the tables that are there now, where they are not what is followed. Reads in the background.
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

/// What a run would do otherwise.
fn shape(ports: &Ports<Adapters>) -> String {
    format!("{:?}", ports.config.mappings)
}
