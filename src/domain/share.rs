//! Shares of a number of rows.

/// The number of rows that a share from 0 to 1 of `whole` rows allows.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to 1 of a number of rows, and tables of 2^53 rows are none"
)]
pub fn of(whole: u64, share: f64) -> u64 {
    (whole as f64 * share) as u64
}
