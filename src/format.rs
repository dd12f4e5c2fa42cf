//! Numbers and times in the form that people read, the same everywhere.

use std::time::Duration;

pub use crate::domain::counted::{count, counted, numbered};

/// `1.5 MB`, in powers of 1000.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn bytes(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} B"),
        1_000..1_000_000 => format!("{:.1} kB", value as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value as f64 / 1e6),
        _ => format!("{:.1} GB", value as f64 / 1e9),
    }
}

/// `0.4s`, `42s`, `3m10s`, `2h05m`, `1d6h`.
#[must_use]
pub fn duration(value: Duration) -> String {
    let seconds = value.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", value.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_for_people() {
        assert_eq!([count(0), count(999), count(1_000), count(88_120_332)], ["0", "999", "1,000", "88,120,332"]);
        assert_eq!([bytes(12), bytes(1_500), bytes(2_500_000)], ["12 B", "1.5 kB", "2.5 MB"]);
        let of = |s| duration(Duration::from_secs(s));
        assert_eq!([of(42), of(190), of(7_500), of(108_000)], ["42s", "3m10s", "2h05m", "1d6h"]);
        assert_eq!(duration(Duration::from_millis(420)), "0.4s");
    }
}
