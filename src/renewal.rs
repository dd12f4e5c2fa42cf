//! Takes up a changed config.yaml or `.env` while `schedule` stays up.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bigquery_syncer::cli::{Found, Starter};
use bigquery_syncer::engine::{self, Ports};
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::webhook::FilesNews;
use bigquery_syncer::state::AnyState;

use crate::environment::{self, Environment};
use crate::refusal::Refusal;
use crate::watched_files::{Looked, WatchedFiles, lines, tell};
use crate::wiring::{self, Adapters};

/// The files, and whoever is told of them.
pub struct Files {
    config: PathBuf,
    watched: WatchedFiles,
    outlets: Arc<Outlets>,
    state: Held,
}

/// The store of the latest engine: what it holds is given back when the program is left.
pub type Held = Arc<Mutex<Arc<AnyState>>>;

impl Files {
    /// Those that these ports were made by.
    pub fn of(ports: &Ports<Adapters>, state: Held) -> Self {
        let config = ports.config.path.clone();
        let watched = WatchedFiles::new(&config, Path::new(environment::FILE));
        Self { config, watched, outlets: Arc::clone(&ports.outlets), state }
    }

    /// Reads the files, and what they say where that is news.
    pub fn look(&mut self) -> Found {
        let config = &self.config;
        match self.watched.look(|| read(config)) {
            Looked::Nothing => Found::Nothing,
            Looked::Mended => {
                tell(&self.outlets, FilesNews::mended());
                Found::Mended
            }
            Looked::Changed { made, after_broken } => {
                self.watched.used();
                self.outlets = Arc::clone(&made.outlets);
                if after_broken {
                    tell(&self.outlets, FilesNews::mended());
                }
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

fn read(config: &Path) -> Result<Ports<Adapters>, Refusal> {
    let environment = Environment::read()?;
    let setup = wiring::read_setup(Some(config), &environment)?;
    wiring::refuse_no_schedule(&setup)?;
    wiring::connect(setup, None)
}
