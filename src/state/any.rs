//! The state store that the configuration names, local or GCS, chosen when the program starts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::gcs::{GcsLease, GcsState};
use super::local::{FileLease, LocalState};
use super::{Holder, Lease, MappingState, StateStore, SumsPlace};
use crate::domain::estate::KnownTables;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{RunReport, RunSummary};
use crate::domain::retry::RetryNotes;
use crate::state::Diagnose;

/// `state_store`.
#[derive(Debug)]
pub enum AnyState {
    Local(LocalState),
    Gcs(GcsState),
}

/// A lease of either store.
#[derive(Debug)]
pub enum AnyLease {
    Local(FileLease),
    Gcs(GcsLease),
}

impl Lease for AnyLease {
    fn follows_a_dead_one(&self) -> bool {
        match self {
            Self::Local(lease) => lease.follows_a_dead_one(),
            Self::Gcs(lease) => lease.follows_a_dead_one(),
        }
    }
}

impl AnyState {
    /// Waits for released leases to be given back, but no longer than `most`: the rest expire by themselves.
    pub async fn settle(&self, most: Duration) {
        match self {
            // The kernel released the locks when their files were closed.
            Self::Local(_) => {}
            Self::Gcs(store) => store.settle(most).await,
        }
    }
}

impl StateStore for AnyState {
    type Lease = AnyLease;

    fn identity(&self) -> &str {
        match self {
            Self::Local(store) => store.identity(),
            Self::Gcs(store) => store.identity(),
        }
    }

    fn watched(&self, notes: &RetryNotes) -> Self {
        match self {
            Self::Local(store) => Self::Local(store.watched(notes)),
            Self::Gcs(store) => Self::Gcs(store.watched(notes)),
        }
    }

    async fn lease(&self, mapping: &MappingName, run: &RunId) -> Result<AnyLease, Fault> {
        match self {
            Self::Local(store) => store.lease(mapping, run).await.map(AnyLease::Local),
            Self::Gcs(store) => store.lease(mapping, run).await.map(AnyLease::Gcs),
        }
    }

    async fn load(&self, mapping: &MappingName) -> Result<MappingState, Fault> {
        match self {
            Self::Local(store) => store.load(mapping).await,
            Self::Gcs(store) => store.load(mapping).await,
        }
    }

    async fn load_all(&self) -> Result<BTreeMap<MappingName, MappingState>, Fault> {
        match self {
            Self::Local(store) => store.load_all().await,
            Self::Gcs(store) => store.load_all().await,
        }
    }

    async fn load_tables(&self) -> Result<KnownTables, Fault> {
        match self {
            Self::Local(store) => store.load_tables().await,
            Self::Gcs(store) => store.load_tables().await,
        }
    }

    async fn note_tables(&self, news: &KnownTables) -> Result<(), Fault> {
        match self {
            Self::Local(store) => store.note_tables(news).await,
            Self::Gcs(store) => store.note_tables(news).await,
        }
    }

    async fn save(&self, lease: &AnyLease, state: &MappingState) -> Result<(), Fault> {
        match (self, lease) {
            (Self::Local(store), AnyLease::Local(lease)) => store.save(lease, state).await,
            (Self::Gcs(store), AnyLease::Gcs(lease)) => store.save(lease, state).await,
            (Self::Local(_), AnyLease::Gcs(_)) | (Self::Gcs(_), AnyLease::Local(_)) => {
                Err(Fault::new(FaultKind::Bug, "A lease of one state store was used with another"))
            }
        }
    }

    async fn save_sums(&self, mapping: &MappingName, place: SumsPlace, text: Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Local(store) => store.save_sums(mapping, place, text).await,
            Self::Gcs(store) => store.save_sums(mapping, place, text).await,
        }
    }

    async fn load_sums(&self, mapping: &MappingName, place: SumsPlace) -> Result<Option<Vec<u8>>, Fault> {
        match self {
            Self::Local(store) => store.load_sums(mapping, place).await,
            Self::Gcs(store) => store.load_sums(mapping, place).await,
        }
    }

    async fn holders(&self) -> Result<BTreeMap<MappingName, Holder>, Fault> {
        match self {
            Self::Local(store) => store.holders().await,
            Self::Gcs(store) => store.holders().await,
        }
    }

    async fn record_run(&self, report: &RunReport) -> Result<(), Fault> {
        match self {
            Self::Local(store) => store.record_run(report).await,
            Self::Gcs(store) => store.record_run(report).await,
        }
    }

    async fn history(&self, most: usize) -> Result<Vec<RunSummary>, Fault> {
        match self {
            Self::Local(store) => store.history(most).await,
            Self::Gcs(store) => store.history(most).await,
        }
    }

    async fn run_report(&self, run: &RunId) -> Result<Option<RunReport>, Fault> {
        match self {
            Self::Local(store) => store.run_report(run).await,
            Self::Gcs(store) => store.run_report(run).await,
        }
    }
}

impl Diagnose for AnyState {
    async fn probe(&self) -> Result<String, Fault> {
        match self {
            Self::Local(store) => store.probe().await,
            Self::Gcs(store) => store.probe().await,
        }
    }
}
