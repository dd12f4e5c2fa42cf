//! State in one local file, beside the original tool's, with a lock file per mapping.
//!
//! Every save reads, changes and replaces the file under a short lock, so that processes working on different mappings
//! do not lose each other's changes. Readers need no lock because the file is only ever replaced as a whole.

mod lease;
mod shared_file;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use self::lease::FileLease;
use self::shared_file::SharedFile;
use super::{Holder, MappingState, StateStore, SumsPlace, reports};
use crate::domain::estate::KnownTables;
use crate::domain::fault::Fault;
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{RunReport, RunSummary};
use crate::domain::retry::RetryNotes;
use crate::files;
use crate::host::host_name;
use crate::state::Diagnose;

/// `state_store: local`.
#[derive(Debug, Clone)]
pub struct LocalState {
    file: Arc<SharedFile>,
    report_dir: PathBuf,
    identity: String,
}

impl LocalState {
    /// Touches no file yet: files and directories are made by the first save.
    #[must_use]
    pub fn new(path: PathBuf, report_dir: PathBuf) -> Self {
        let place = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let identity = format!("{} {}", host_name(), place.display());
        Self { file: Arc::new(SharedFile::new(path)), report_dir, identity }
    }

    /// The file with the checksums of a mirror.
    fn sums(&self, mapping: &MappingName, place: SumsPlace) -> PathBuf {
        let name = format!("{}.{}.json", lease::file_stem(mapping), place.word());
        files::with_suffix(self.file.path(), ".sums").join(name)
    }
}

impl StateStore for LocalState {
    type Lease = FileLease;

    fn identity(&self) -> &str {
        &self.identity
    }

    /// Nothing is repeated: a disk answers, or fails for good.
    fn watched(&self, _: &RetryNotes) -> Self {
        self.clone()
    }

    async fn lease(&self, mapping: &MappingName, run: &RunId) -> Result<FileLease, Fault> {
        let (path, mapping, run) = (self.file.path().to_owned(), mapping.clone(), run.clone());
        files::off_thread(move || {
            // Refused now, before rows are on their way and the state must be written.
            files::refuse_mounted(&path)?;
            FileLease::take(&files::with_suffix(&path, ".locks"), &mapping, &run)
        })
        .await
    }

    async fn load(&self, mapping: &MappingName) -> Result<MappingState, Fault> {
        let (file, mapping) = (Arc::clone(&self.file), mapping.clone());
        files::off_thread(move || file.load(&mapping)).await
    }

    async fn load_all(&self) -> Result<BTreeMap<MappingName, MappingState>, Fault> {
        let file = Arc::clone(&self.file);
        files::off_thread(move || file.load_all()).await
    }

    async fn load_tables(&self) -> Result<KnownTables, Fault> {
        let file = Arc::clone(&self.file);
        files::off_thread(move || file.load_tables()).await
    }

    async fn note_tables(&self, news: &KnownTables) -> Result<(), Fault> {
        let (file, news) = (Arc::clone(&self.file), news.clone());
        files::off_thread(move || {
            files::refuse_mounted(file.path())?;
            file.note_tables(&news)
        })
        .await
    }

    async fn save(&self, lease: &FileLease, state: &MappingState) -> Result<(), Fault> {
        let (file, lease, state) = (Arc::clone(&self.file), lease.clone(), state.clone());
        files::off_thread(move || file.save(lease, state)).await
    }

    async fn save_sums(&self, mapping: &MappingName, place: SumsPlace, text: Vec<u8>) -> Result<(), Fault> {
        let path = self.sums(mapping, place);
        files::off_thread(move || files::replace(&path, &text)).await
    }

    async fn load_sums(&self, mapping: &MappingName, place: SumsPlace) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.sums(mapping, place);
        files::off_thread(move || files::read(&path)).await
    }

    async fn holders(&self) -> Result<BTreeMap<MappingName, Holder>, Fault> {
        let directory = files::with_suffix(self.file.path(), ".locks");
        files::off_thread(move || lease::holders(&directory)).await
    }

    async fn history(&self, most: usize) -> Result<Vec<RunSummary>, Fault> {
        let directory = self.report_dir.clone();
        files::off_thread(move || reports::history(&directory, most)).await
    }

    async fn run_report(&self, run: &RunId) -> Result<Option<RunReport>, Fault> {
        let (directory, run) = (self.report_dir.clone(), run.clone());
        files::off_thread(move || Ok(reports::read(&directory, &run))).await
    }

    async fn record_run(&self, report: &RunReport) -> Result<(), Fault> {
        let (directory, report) = (self.report_dir.clone(), report.clone());
        files::off_thread(move || reports::write(&directory, &report)).await
    }
}

impl Diagnose for LocalState {
    async fn probe(&self) -> Result<String, Fault> {
        let (path, reports) = (self.file.path().to_owned(), self.report_dir.clone());
        files::off_thread(move || {
            let locks = files::with_suffix(&path, ".locks");
            // Beside each file that a run replaces, and where a run makes its lock files.
            for beside in [&path, &locks.join("check"), &reports.join("report.json"), &reports.join("runs/check")] {
                files::probe(beside)?;
            }
            Ok(format!("{} and reports in {} can be written", path.display(), reports.display()))
        })
        .await
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
