//! The exit codes of the process.

use std::process::ExitCode;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    Ok,
    /// Some mapping failed.
    Failed,
    /// The command line or the configuration.
    Usage,
    /// A mapping waits for a schema decision.
    Waiting,
    Interrupted,
}

impl ExitStatus {
    /// The status after an error that ended the work before it began. An error about an option begins with it:
    /// `--start` in backticks.
    #[must_use]
    pub fn of_failure(error: &str) -> Self {
        if error.starts_with("`--") { Self::Usage } else { Self::Failed }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Ok => 0,
            ExitStatus::Failed => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Waiting => 3,
            ExitStatus::Interrupted => 130,
        })
    }
}
