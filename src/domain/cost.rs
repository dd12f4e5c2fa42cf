//! What statements cost in BigQuery, by its own word.

/// Bytes of one statement, or of several; `None` where BigQuery has said nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub billed: Option<u64>,
    /// What BigQuery thought it would read before it began.
    pub estimated: Option<u64>,
}
