//! What statements cost in BigQuery, by its own figures.

/// Bytes of one or several statements; `None` where BigQuery has given no figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub billed: Option<u64>,
    /// What BigQuery estimated before it read anything.
    pub estimated: Option<u64>,
}

impl Cost {
    /// Adds another statement's cost.
    pub fn add(&mut self, more: Self) {
        let sum = |known: Option<u64>, more: Option<u64>| known.into_iter().chain(more).reduce(|a, b| a + b);
        self.billed = sum(self.billed, more.billed);
        self.estimated = sum(self.estimated, more.estimated);
    }
}
