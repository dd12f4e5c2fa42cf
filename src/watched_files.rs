//! Notices changes of config.yaml or `.env` while the program stays up.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigquery_syncer::domain::config::Problem;
use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::webhook::FilesNews;
use sha2::{Digest, Sha256};

use crate::refusal::Refusal;

/// Hashes of both files, which hold secrets; `None` for a file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Contents([Option<[u8; 32]>; 2]);

/// The files, and their content when they were last used.
pub struct WatchedFiles {
    files: [PathBuf; 2],
    /// The content that is in use.
    used: Contents,
    seen: Contents,
    /// Content that cannot be used, and was reported.
    broken: Option<Contents>,
}

/// The result of a look.
pub enum Looked<T> {
    /// Nothing has changed.
    Nothing,
    /// The content has changed, and this was made of it.
    Changed { made: T, after_broken: bool },
    /// The content cannot be used.
    Broken(Refusal),
    /// The content was not usable, and is again the content in use.
    Mended,
}

impl WatchedFiles {
    /// Watches the files; their present content is in use.
    pub fn new(config: &Path, env: &Path) -> Self {
        let files = [config.to_owned(), env.to_owned()];
        let now = Contents::of(&files);
        Self { files, used: now.clone(), seen: now, broken: None }
    }

    /// Looks at the files, and reads new content. Content that differs between two looks is not read yet: its writer
    /// may not have finished.
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
        let [config, env] = &self.files;
        match refuse_pipes(config, env).and_then(|()| read()) {
            Ok(made) => Looked::Changed { made, after_broken: self.broken.take().is_some() },
            Err(refusal) => {
                self.broken = Some(now);
                Looked::Broken(refusal)
            }
        }
    }

    /// Marks the content of the last look as in use.
    pub fn used(&mut self) {
        self.used = self.seen.clone();
    }
}

impl Contents {
    /// A file that cannot be read counts as missing here; the reason is reported when it is read to be used.
    fn of(files: &[PathBuf; 2]) -> Self {
        let text = |file: &PathBuf| if may_block(file) { None } else { std::fs::read(file).ok() };
        Self(files.each_ref().map(|file| text(file).map(|text| Sha256::digest(text).into())))
    }
}

/// Refuses files that can be read only once, or that wait for a writer: what stays up reads its files again.
///
/// # Errors
/// A problem for each such file.
pub fn refuse_pipes(config: &Path, env: &Path) -> Result<(), Refusal> {
    let problem = |file: &Path| Problem {
        file: file.display().to_string(),
        line: None,
        message: "not a regular file: `schedule` and the console read it again while they are up".to_owned(),
        hint: "write it to a file; a single command, such as `bqsync --no-tui run-once`, reads a pipe as well"
            .to_owned(),
    };
    let problems: Vec<_> = [config, env].into_iter().filter(|file| may_block(file)).map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Refusal::Problems(problems)) }
}

/// Tells if the file is a pipe, a socket or a terminal. (`/dev/null` is an empty file.)
fn may_block(file: &Path) -> bool {
    let is_null = || std::fs::canonicalize(file).is_ok_and(|path| path == Path::new("/dev/null"));
    std::fs::metadata(file).is_ok_and(|found| !found.is_file() && !found.is_dir()) && !is_null()
}

/// The lines that a start of the program would print.
pub fn lines(refusal: &Refusal) -> Vec<String> {
    match refusal {
        Refusal::Usage(sentence) => vec![sentence.clone()],
        Refusal::Problems(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Sends the news without waiting; a failed delivery is only logged.
pub fn tell(outlets: &Arc<Outlets>, news: FilesNews) {
    let outlets = Arc::clone(outlets);
    tokio::spawn(async move {
        let Some(webhook) = &outlets.webhook else { return };
        if let Err(fault) = webhook.tell_of_files(&news, Patience::FULL).await {
            tracing::warn!(outlet = "notify", error = %fault, hint = fault.hint(), "the notification could not be sent");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_refused_and_never_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("config.yaml"), "a: 1").unwrap();
        std::os::unix::fs::symlink(file("config.yaml"), file("link")).unwrap();
        std::os::unix::fs::symlink("/dev/null", file("null")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(file("pipe")).status().unwrap();
        assert!(made.success());
        for usable in ["config.yaml", "link", "null", "missing"] {
            assert!(refuse_pipes(&file(usable), &file(usable)).is_ok(), "{usable}");
        }
        assert!(
            matches!(refuse_pipes(&file("config.yaml"), &file("pipe")), Err(Refusal::Problems(found)) if found.len() == 1)
        );
        // A file that becomes a pipe is told of, and the former content stays in use.
        let mut watched = WatchedFiles::new(&file("config.yaml"), &file(".env"));
        std::fs::rename(file("pipe"), file("config.yaml")).unwrap();
        let mut look = || watched.look(|| -> Result<(), Refusal> { panic!("a pipe is not read") });
        assert!(matches!((look(), look(), look()), (Looked::Nothing, Looked::Broken(_), Looked::Nothing)));
    }
}
