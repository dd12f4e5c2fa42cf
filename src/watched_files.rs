//! Notices that config.yaml or `.env` say something else than what was made of them, while the program stays up.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::webhook::FilesNews;
use sha2::{Digest, Sha256};

use crate::refusal::Refusal;

/// What both files hold, as a word for it: they hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Contents([Option<[u8; 32]>; 2]);

/// The files, and what was made of them last.
pub struct WatchedFiles {
    files: [PathBuf; 2],
    /// Of what is used.
    used: Contents,
    seen: Contents,
    /// That cannot be used, and has been told of.
    broken: Option<Contents>,
}

/// What a look has found.
pub enum Looked<T> {
    /// What is known already.
    Nothing,
    /// Something else, and what was made of it.
    Changed { made: T, after_broken: bool },
    /// What cannot be used.
    Broken(Refusal),
    /// After something that could not be used again what is used all the while.
    Mended,
}

impl WatchedFiles {
    /// As they are now, which is what is used.
    pub fn new(config: &Path, env: &Path) -> Self {
        let files = [config.to_owned(), env.to_owned()];
        let now = Contents::of(&files);
        Self { files, used: now.clone(), seen: now, broken: None }
    }

    /// Looks, and makes what it can of something new. What changes between two looks is not read: its writer may be in the
    /// middle of it.
    pub fn look<T>(&mut self, read: impl FnOnce() -> Result<T, Refusal>) -> Looked<T> {
        let now = Contents::of(&self.files);
        if self.seen != now {
            self.seen = now;
            return Looked::Nothing;
        }
        if now == self.used {
            return if self.broken.take().is_some() { Looked::Mended } else { Looked::Nothing };
        }
        if self.broken.as_ref() == Some(&now) {
            return Looked::Nothing;
        }
        match read() {
            Ok(made) => Looked::Changed { made, after_broken: self.broken.take().is_some() },
            Err(refusal) => {
                self.broken = Some(now);
                Looked::Broken(refusal)
            }
        }
    }

    /// What the last look has found is used from now on.
    pub fn used(&mut self) {
        self.used = self.seen.clone();
    }
}

impl Contents {
    /// A file that cannot be read is as good as none here; why is said when it is read to be used.
    fn of(files: &[PathBuf; 2]) -> Self {
        Self(files.each_ref().map(|file| std::fs::read(file).ok().map(|text| Sha256::digest(text).into())))
    }
}

/// As a start of the program would say it.
pub fn lines(refusal: &Refusal) -> Vec<String> {
    match refusal {
        Refusal::Usage(sentence) => vec![sentence.clone()],
        Refusal::Problems(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Nobody waits for it; what cannot be delivered is a line of the log.
pub fn tell(outlets: &Arc<Outlets>, news: FilesNews) {
    let outlets = Arc::clone(outlets);
    tokio::spawn(async move {
        let Some(webhook) = &outlets.webhook else { return };
        if let Err(fault) = webhook.tell_of_files(&news, Patience::FULL).await {
            tracing::warn!(outlet = "notify", error = %fault, hint = fault.hint(), "word could not be sent");
        }
    });
}
