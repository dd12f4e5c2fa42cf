//! Word of a call that is tried again, from the adapter that waits to whoever watches the mapping.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A call failed and will be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryNote {
    /// What was tried, in words: `creating the staging table`.
    pub operation: String,
    /// The try to come, from 2.
    pub attempt: u32,
    pub wait: Duration,
    /// The failure, without values of rows.
    pub because: String,
}

/// Where such word goes. The default keeps it to the log.
#[derive(Clone, Default)]
pub struct RetryNotes(Option<Arc<dyn Fn(RetryNote) + Send + Sync>>);

impl RetryNotes {
    pub fn to(listener: impl Fn(RetryNote) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub fn tell(&self, note: RetryNote) {
        if let Some(listener) = &self.0 {
            listener(note);
        }
    }

    /// Does anybody listen?
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for RetryNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RetryNotes").field(&self.0.is_some()).finish()
    }
}
