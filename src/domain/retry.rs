//! Notes about repeated calls, from the adapter that waits to the observer of the mapping.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A call failed and will be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryNote {
    /// What was tried, in words: `creating the staging table`.
    pub operation: String,
    /// The number of the coming try, from 2.
    pub attempt: u32,
    pub wait: Duration,
    /// The failure, without values of rows.
    pub because: String,
    /// The server that was not reached, if that is the failure.
    pub absent: Option<String>,
}

/// How much of an announced wait is waited out: all of it, except in tests, because no test can wait for a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience(u32);

impl Patience {
    pub const FULL: Self = Self(1);

    /// One part in `parts` of each wait.
    #[must_use]
    pub const fn one_in(parts: u32) -> Self {
        Self(if parts == 0 { 1 } else { parts })
    }

    /// How long to sleep for an announced wait.
    #[must_use]
    pub fn of(self, wait: Duration) -> Duration {
        wait / self.0
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::FULL
    }
}

/// The receiver of such notes, and how patiently their sender waits. The default only logs them.
#[derive(Clone, Default)]
pub struct RetryNotes {
    listener: Option<Arc<dyn Fn(RetryNote) + Send + Sync>>,
    patience: Patience,
    /// The most tries; `None`: as many as the kind of failure allows.
    most_tries: Option<usize>,
}

impl RetryNotes {
    pub fn to(listener: impl Fn(RetryNote) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Arc::new(listener)), ..Self::default() }
    }

    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// For a caller that waits for an answer: at most this many tries, whatever the kind of failure.
    #[must_use]
    pub fn with_most_tries(self, most: usize) -> Self {
        Self { most_tries: Some(most), ..self }
    }

    /// Tells if a call that has failed this often may be repeated.
    #[must_use]
    pub fn allows_after(&self, failures: usize) -> bool {
        self.most_tries.is_none_or(|most| failures < most)
    }

    #[must_use]
    pub const fn patience(&self) -> Patience {
        self.patience
    }

    pub fn tell(&self, note: RetryNote) {
        if let Some(listener) = &self.listener {
            listener(note);
        }
    }

    /// Tells if anybody receives the notes.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        self.listener.is_some()
    }
}

impl fmt::Debug for RetryNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryNotes")
            .field("is_heard", &self.is_heard())
            .field("patience", &self.patience)
            .field("most_tries", &self.most_tries)
            .finish_non_exhaustive()
    }
}
