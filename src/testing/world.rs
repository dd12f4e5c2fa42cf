//! Everything that the processes of a test share: both servers, the states of all hosts, the clock, and the script.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::clock::FakeClock;
use super::dataset::Dataset;
use super::script::{Script, locked};
use super::state::Remembered;
use super::tables::Database;

#[derive(Debug)]
pub struct World {
    database: Mutex<Database>,
    dataset: Mutex<Dataset>,
    /// The states, by their identity.
    states: Mutex<BTreeMap<String, Remembered>>,
    pub clock: Arc<FakeClock>,
    pub script: Script,
}

impl World {
    pub fn new(database: Database, clock: FakeClock) -> Self {
        Self {
            database: Mutex::new(database),
            dataset: Mutex::default(),
            states: Mutex::default(),
            clock: Arc::new(clock),
            script: Script::default(),
        }
    }

    pub fn database(&self) -> MutexGuard<'_, Database> {
        locked(&self.database)
    }

    pub fn dataset(&self) -> MutexGuard<'_, Dataset> {
        locked(&self.dataset)
    }

    /// The content of a state.
    pub fn remembered<V>(&self, identity: &str, look: impl FnOnce(&mut Remembered) -> V) -> V {
        look(locked(&self.states).entry(identity.to_owned()).or_default())
    }
}
