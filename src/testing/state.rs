//! The state in memory: kept as a file's text, so that only what is written down is remembered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::script::Call;
use super::world::World;
use crate::domain::estate::KnownTables;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{RunReport, RunSummary};
use crate::domain::retry::RetryNotes;
use crate::state::{self, Diagnose, Holder, MappingState, StateStore, SumsPlace};

/// The content of a store.
#[derive(Debug, Default)]
pub struct Remembered {
    texts: BTreeMap<MappingName, String>,
    /// The number of each mapping's latest lease, and whether it is held.
    leases: BTreeMap<MappingName, Lease>,
    pub reports: Vec<RunReport>,
    pub tables: KnownTables,
    pub sums: BTreeMap<(MappingName, &'static str), Vec<u8>>,
}

#[derive(Debug, Default, Clone)]
struct Lease {
    number: u64,
    holder: Option<RunId>,
    /// The last holder has not given it back.
    is_left_behind: bool,
}

impl Remembered {
    pub fn of(&self, mapping: &MappingName) -> MappingState {
        self.texts.get(mapping).map_or_else(MappingState::default, |text| serde_json::from_str(text).unwrap())
    }

    pub fn all(&self) -> BTreeMap<MappingName, MappingState> {
        self.texts.keys().map(|mapping| (mapping.clone(), self.of(mapping))).collect()
    }

    pub fn set(&mut self, mapping: &MappingName, state: &MappingState) {
        self.texts.insert(mapping.clone(), serde_json::to_string(state).unwrap());
    }

    /// Makes the holders seem dead.
    pub fn expire_leases(&mut self) {
        for lease in self.leases.values_mut() {
            lease.number += 1;
            lease.is_left_behind |= lease.holder.take().is_some();
        }
    }

    /// The lease's number, and whether its former holder died.
    fn take(&mut self, mapping: &MappingName, run: &RunId) -> Result<(u64, bool), Fault> {
        let lease = self.leases.entry(mapping.clone()).or_default();
        if let Some(holder) = &lease.holder {
            let sentence = format!("Mapping `{mapping}` is held by run {holder}");
            return Err(Fault::new(FaultKind::Conflict, sentence));
        }
        lease.number += 1;
        lease.holder = Some(run.clone());
        Ok((lease.number, std::mem::take(&mut lease.is_left_behind)))
    }

    fn has(&self, lease: &MemoryLease) -> bool {
        self.leases.get(&lease.mapping).is_some_and(|known| known.number == lease.number)
    }
}

#[derive(Debug)]
pub struct MemoryState {
    pub world: Arc<World>,
    pub identity: String,
}

#[derive(Debug)]
pub struct MemoryLease {
    world: Arc<World>,
    identity: String,
    mapping: MappingName,
    number: u64,
    follows_a_dead_one: bool,
}

impl state::Lease for MemoryLease {
    fn follows_a_dead_one(&self) -> bool {
        self.follows_a_dead_one
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        self.world.remembered(&self.identity, |state| {
            if state.has(self) {
                let lease = state.leases.entry(self.mapping.clone()).or_default();
                lease.holder = None;
                lease.is_left_behind = self.world.script.is_killed();
            }
        });
    }
}

impl MemoryState {
    fn look<V>(&self, look: impl FnOnce(&mut Remembered) -> V) -> V {
        self.world.remembered(&self.identity, look)
    }
}

impl StateStore for MemoryState {
    type Lease = MemoryLease;

    fn identity(&self) -> &str {
        &self.identity
    }

    fn watched(&self, _: &RetryNotes) -> Self {
        Self { world: Arc::clone(&self.world), identity: self.identity.clone() }
    }

    async fn lease(&self, mapping: &MappingName, run: &RunId) -> Result<MemoryLease, Fault> {
        let (world, identity) = (Arc::clone(&self.world), self.identity.clone());
        let take = || {
            let (number, follows_a_dead_one) = self.look(|state| state.take(mapping, run))?;
            Ok(MemoryLease { world, identity, mapping: mapping.clone(), number, follows_a_dead_one })
        };
        self.world.script.at(Call::Lease, take).await
    }

    async fn load(&self, mapping: &MappingName) -> Result<MappingState, Fault> {
        self.world.script.at(Call::Load, || Ok(self.look(|state| state.of(mapping)))).await
    }

    async fn load_all(&self) -> Result<BTreeMap<MappingName, MappingState>, Fault> {
        Ok(self.look(|state| state.all()))
    }

    async fn save(&self, lease: &MemoryLease, state: &MappingState) -> Result<(), Fault> {
        let save = || {
            self.look(|known| {
                if !known.has(lease) {
                    let sentence = format!("The lease of `{}` is another process's by now", lease.mapping);
                    return Err(Fault::new(FaultKind::Conflict, sentence));
                }
                known.set(&lease.mapping, state);
                Ok(())
            })
        };
        self.world.script.at(Call::Save, save).await
    }

    async fn save_sums(&self, mapping: &MappingName, place: SumsPlace, text: Vec<u8>) -> Result<(), Fault> {
        let save = || {
            self.look(|state| state.sums.insert((mapping.clone(), place.word()), text));
            Ok(())
        };
        self.world.script.at(Call::SaveSums, save).await
    }

    async fn load_sums(&self, mapping: &MappingName, place: SumsPlace) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.look(|state| state.sums.get(&(mapping.clone(), place.word())).cloned()))
    }

    async fn load_tables(&self) -> Result<KnownTables, Fault> {
        Ok(self.look(|state| state.tables.clone()))
    }

    async fn note_tables(&self, news: &KnownTables) -> Result<(), Fault> {
        self.look(|state| state.tables.take_in(news));
        Ok(())
    }

    async fn holders(&self) -> Result<BTreeMap<MappingName, Holder>, Fault> {
        Ok(BTreeMap::new())
    }

    async fn record_run(&self, report: &RunReport) -> Result<(), Fault> {
        let record = || {
            self.look(|state| state.reports.push(report.clone()));
            Ok(())
        };
        self.world.script.at(Call::RecordRun, record).await
    }

    async fn history(&self, _: usize) -> Result<Vec<RunSummary>, Fault> {
        Ok(Vec::new())
    }

    async fn run_report(&self, run: &RunId) -> Result<Option<RunReport>, Fault> {
        Ok(self.look(|state| state.reports.iter().find(|report| report.run_id == *run).cloned()))
    }
}

impl Diagnose for MemoryState {
    async fn probe(&self) -> Result<String, Fault> {
        Ok("memory".to_owned())
    }
}
