//! Numbers and times in the form that people read, the same everywhere.

pub use crate::domain::counted::{count, counted, numbered};
pub use crate::domain::span::{duration, in_cell, roughly};

/// `1.5 MB`, in powers of 1000.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn bytes(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} B"),
        1_000..1_000_000 => format!("{:.1} kB", value as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value as f64 / 1e6),
        1_000_000_000..1_000_000_000_000 => format!("{:.1} GB", value as f64 / 1e9),
        _ => format!("{:.1} TB", value as f64 / 1e12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_for_people() {
        assert_eq!([count(0), count(999), count(1_000), count(88_120_332)], ["0", "999", "1,000", "88,120,332"]);
        assert_eq!([bytes(12), bytes(1_500), bytes(2_500_000)], ["12 B", "1.5 kB", "2.5 MB"]);
    }
}
