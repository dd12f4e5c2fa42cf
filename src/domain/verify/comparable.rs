//! The port that both sides of a comparison implement.

use std::future::Future;

use super::{Comparison, Cut, Key, NewestBy, PartSum, Parts, RowDigest, SeenRow};
use crate::domain::fault::Fault;

/// A table whose rows can be compared with another's by sums of parts, and then row by row.
pub trait Comparable: Send + Sync {
    /// The smallest and greatest value of a key of whole numbers ([`Comparison::number_key`]); `None` without such a
    /// key, or without rows.
    ///
    /// # Errors
    /// `Schema`, `Auth` or `Transient`, naming the table.
    fn key_span(&self, comparison: &Comparison) -> impl Future<Output = Result<Option<(i64, i64)>, Fault>> + Send;

    /// Rows of the comparison's window and the sum of their hashes, by part of the key.
    ///
    /// # Errors
    /// `Schema`, `Auth` or `Transient`, naming the table.
    fn part_sums(&self, comparison: &Comparison, cut: &Cut)
    -> impl Future<Output = Result<Vec<PartSum>, Fault>> + Send;

    /// Every row of some parts. They are held in memory, so they must be few. A source also gives rows beyond the
    /// window.
    ///
    /// # Errors
    /// `Schema`, `Auth` or `Transient`, naming the table.
    fn row_digests(
        &self,
        comparison: &Comparison,
        parts: &Parts,
    ) -> impl Future<Output = Result<Vec<RowDigest>, Fault>> + Send;
}

/// A source that can show a few rows with every value; masked values stay masked.
pub trait NewestRows: Send + Sync {
    /// The newest rows, whatever the window, newest first, at most `most`.
    ///
    /// # Errors
    /// `Schema`, `Auth` or `Transient`, naming the table.
    fn newest_rows(
        &self,
        comparison: &Comparison,
        newest: &NewestBy,
        most: usize,
    ) -> impl Future<Output = Result<Vec<SeenRow>, Fault>> + Send;
}

/// A target that can show the rows with the same keys.
pub trait Keyed: Send + Sync {
    /// The rows with these keys, whatever the window.
    ///
    /// # Errors
    /// `Schema`, `Auth` or `Transient`, naming the table.
    fn rows_of(
        &self,
        comparison: &Comparison,
        keys: &[Key],
    ) -> impl Future<Output = Result<Vec<SeenRow>, Fault>> + Send;
}
