//! Stretches of time in the form that people read, the same everywhere.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `0.4 s`, `42 s`, `3 min 10 s`, `2 h 5 min`, `1 day 6 h`; of a smaller unit nothing is said where it is 0.
#[must_use]
pub fn duration(value: Duration) -> String {
    let seconds = value.as_secs();
    match seconds {
        0..10 if !matches!(value.subsec_millis(), 0..50) => {
            format!("{:.1} s", value.as_secs_f64()).replace(".0 s", " s")
        }
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => joined(format!("{} min", seconds / MINUTE), seconds % MINUTE, "s"),
        HOUR..DAY => joined(format!("{} h", seconds / HOUR), seconds % HOUR / MINUTE, "min"),
        DAY.. => {
            let days = seconds / DAY;
            joined(format!("{days} {}", if days == 1 { "day" } else { "days" }), seconds % DAY / HOUR, "h")
        }
    }
}

/// The same with the greatest unit alone: `42 s`, `3 min`, `2 h`, `1 day`.
#[must_use]
pub fn roughly(value: Duration) -> String {
    let seconds = value.as_secs();
    let unit = [DAY, HOUR, MINUTE, 1].into_iter().find(|unit| seconds >= *unit).unwrap_or(1);
    duration(Duration::from_secs(seconds / unit * unit))
}

/// The same for a cell of a list, where room is short: `0.4s`, `42s`, `3m10s`, `2h5m`, `1d6h`.
#[must_use]
pub fn in_cell(value: Duration) -> String {
    let units = [(" days", "d"), (" day", "d"), (" min", "m"), (" h", "h"), (" s", "s"), (" ", "")];
    units.iter().fold(duration(value), |text, (unit, short)| text.replace(unit, short))
}

fn joined(great: String, small: u64, unit: &str) -> String {
    if small == 0 { great } else { format!("{great} {small} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_two_units_at_most() {
        let of = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([of(0), of(42), of(60), of(190)], ["0 s", "42 s", "1 min", "3 min 10 s"]);
        assert_eq!([of(3_600), of(7_500), of(86_400), of(108_000)], ["1 h", "2 h 5 min", "1 day", "1 day 6 h"]);
        assert_eq!(of(40 * DAY + 59), "40 days");
        let millis = [20, 420, 2_000, 2_040, 9_980].map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(millis, ["0 s", "0.4 s", "2 s", "2 s", "10 s"]);
    }

    #[test]
    fn a_duration_in_a_cell_has_no_spaces() {
        let of = |seconds| in_cell(Duration::from_secs(seconds));
        assert_eq!([of(42), of(190), of(7_500), of(108_000), of(400_000)], ["42s", "3m10s", "2h5m", "1d6h", "4d15h"]);
    }

    #[test]
    fn a_rough_duration_has_one_unit() {
        let of = |seconds| roughly(Duration::from_secs(seconds));
        assert_eq!([of(0), of(42), of(190), of(7_500), of(200_000)], ["0 s", "42 s", "3 min", "2 h", "2 days"]);
    }
}
