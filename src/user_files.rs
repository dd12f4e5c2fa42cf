//! The places of the user's files, and how their text is read.

use std::fmt;
use std::path::{Path, PathBuf};

use bigquery_syncer::domain::config::Problem;
use bigquery_syncer::domain::excerpt::of_error;
use directories::ProjectDirs;

use crate::refusal::Refusal;

/// The text of a file that the user wrote.
pub fn read_text(file: &Path) -> Result<String, Refusal> {
    let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
    text_of(file, bytes)
}

pub fn text_of(file: &Path, bytes: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Refusal::Problems(vec![Problem {
            file: file.display().to_string(),
            line: Some(before.split(|byte| *byte == b'\n').count()),
            message: "not UTF-8 text".to_owned(),
            hint: "save the file as UTF-8; this line holds the first character that is not".to_owned(),
        }])
    })
}

fn unreadable(file: &Path, error: &dyn fmt::Display) -> Refusal {
    Refusal::Problems(vec![Problem {
        file: file.display().to_string(),
        line: None,
        message: format!("cannot be read: {}", of_error(&error.to_string())),
        hint: "check that the file exists and that this user may read it".to_owned(),
    }])
}

/// The user's directories for configuration, state and data, as the system defines them.
pub fn project_directories() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "bqsync")
}

/// The directory for files that the program may lose.
pub fn state_directory() -> Option<PathBuf> {
    let directories = project_directories()?;
    Some(directories.state_dir().unwrap_or_else(|| directories.data_local_dir()).to_owned())
}
