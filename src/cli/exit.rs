//! What the process tells whoever started it.

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
