//! What statements cost in BigQuery, by its own word.

/// Bytes of one statement, or of several; `None` where BigQuery has said nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub billed: Option<u64>,
    /// What BigQuery thought it would read before it began.
    pub estimated: Option<u64>,
}

impl Cost {
    /// Adds another statement's.
    pub fn add(&mut self, more: Self) {
        let sum = |known: Option<u64>, more: Option<u64>| known.into_iter().chain(more).reduce(|a, b| a + b);
        self.billed = sum(self.billed, more.billed);
        self.estimated = sum(self.estimated, more.estimated);
    }
}
