//! Takes up a changed config.yaml or `.env`, and tables that come and go, while `schedule` stays up.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bigquery_syncer::cli::{Found, Starter};
use bigquery_syncer::engine::{self, Ports};
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::webhook::FilesNews;
use bigquery_syncer::state::AnyState;

use crate::environment::{self, Environment};
use crate::new_tables::NewTables;
use crate::refusal::Refusal;
use crate::watched_files::{Looked, WatchedFiles, lines, tell};
use crate::wiring::{self, Adapters, Servers};

/// The files, and the outlets that are notified of problems in them.
pub struct Files {
    config: PathBuf,
    watched: WatchedFiles,
    outlets: Arc<Outlets>,
    state: Held,
    tables: NewTables,
}

/// The store of the latest engine: its leases are given back when the program ends.
pub type Held = Arc<Mutex<Arc<AnyState>>>;

impl Files {
    /// The files from which these ports were made.
    pub fn of(ports: &Ports<Adapters>, servers: Servers, state: Held) -> Self {
        let config = ports.config.path.clone();
        let watched = WatchedFiles::new(&config, Path::new(environment::FILE));
        let tables = NewTables::of(ports, servers);
        Self { config, watched, outlets: Arc::clone(&ports.outlets), state, tables }
    }

    /// Looks at the files; gives the new content if there is any.
    pub fn look(&mut self) -> Found {
        let config = &self.config;
        match self.watched.look(|| read(config)) {
            Looked::Nothing => match self.tables.look() {
                Some(ports) => Found::Changed(self.starter(ports)),
                None => Found::Nothing,
            },
            Looked::Mended => {
                tell(&self.outlets, FilesNews::mended());
                Found::Mended
            }
            Looked::Changed { made: (made, servers), after_broken } => {
                self.watched.used();
                self.outlets = Arc::clone(&made.outlets);
                if after_broken {
                    tell(&self.outlets, FilesNews::mended());
                }
                if !made.config.patterns.is_empty() {
                    // The configuration is followed once its tables are known.
                    self.tables = NewTables::unknown(&made, servers);
                    return Found::Nothing;
                }
                self.tables = NewTables::of(&made, servers);
                Found::Changed(self.starter(made))
            }
            Looked::Broken(refusal) => {
                let problems = lines(&refusal);
                tell(&self.outlets, FilesNews::broken(&problems));
                Found::Broken(problems)
            }
        }
    }

    fn starter(&self, ports: Ports<Adapters>) -> Starter {
        let held = Arc::clone(&self.state);
        Box::new(move || {
            *held.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ports.state);
            engine::start(ports)
        })
    }
}

fn read(config: &Path) -> Result<(Ports<Adapters>, Servers), Refusal> {
    let environment = Environment::read()?;
    let setup = wiring::read_setup(Some(config), &environment)?;
    wiring::refuse_no_schedule(&setup)?;
    let servers = setup.servers();
    let ports = wiring::connect(setup, None)?;
    Ok((ports, servers))
}
