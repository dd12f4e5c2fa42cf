//! Watches the files of an open console; their new content is tried before it replaces the working one.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::webhook::FilesNews;
use bigquery_syncer::tui::{FilesSeen, Watcher};

use super::place::Place;
use crate::environment;
use crate::refusal::Refusal;
use crate::watched_files::{Looked, WatchedFiles, lines, tell};
use crate::wiring;

/// The files of the open configuration.
pub struct Watched {
    files: WatchedFiles,
    place: Place,
    /// The outlets of the working engine; `None`: there is no engine.
    outlets: Option<Arc<Outlets>>,
}

/// Locked while files are read: relative paths begin at the process's directory, which changes with the configuration.
pub type Watching = Arc<Mutex<Option<Watched>>>;

pub fn lock(watching: &Watching) -> MutexGuard<'_, Option<Watched>> {
    watching.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at the files of the configuration that is open.
pub fn watcher(watching: Watching) -> Watcher {
    Arc::new(move || lock(&watching).as_mut().map_or(FilesSeen::Nothing, Watched::look))
}

impl Watched {
    /// Watches files that are about to be read, so that later changes are seen.
    pub fn begin(place: &Place) -> Self {
        let config = wiring::config_path(place.config.as_deref());
        let env = place.context.as_ref().map_or_else(|| Path::new(environment::FILE), |context| &context.env);
        Self { files: WatchedFiles::new(&config, env), place: place.clone(), outlets: None }
    }

    /// An engine works with them now.
    pub fn works(&mut self, outlets: &Arc<Outlets>) {
        self.outlets = Some(Arc::clone(outlets));
    }

    fn look(&mut self) -> FilesSeen {
        let Some(outlets) = &self.outlets else {
            // There is no engine to lose: any new content is read, and problems are shown.
            return match self.files.look(|| Ok(())) {
                Looked::Changed { .. } => FilesSeen::Changed,
                Looked::Nothing | Looked::Mended | Looked::Broken(_) => FilesSeen::Nothing,
            };
        };
        match self.files.look(|| tried(&self.place)) {
            Looked::Nothing => FilesSeen::Nothing,
            Looked::Mended => {
                tracing::info!("the configuration can be used again: it is the one that is open");
                tell(outlets, FilesNews::mended());
                FilesSeen::Mended
            }
            // Files that are read again are watched anew.
            Looked::Changed { after_broken, .. } => {
                if after_broken {
                    tell(outlets, FilesNews::mended());
                }
                FilesSeen::Changed
            }
            Looked::Broken(refusal) => {
                let problems = lines(&refusal);
                for problem in &problems {
                    tracing::error!(problem, "the changed configuration is invalid; the former one stays in use");
                }
                tell(outlets, FilesNews::broken(&problems));
                FilesSeen::Broken(problems)
            }
        }
    }
}

fn tried(place: &Place) -> Result<(), Refusal> {
    wiring::connect(place.read()?, None).map(drop)
}
