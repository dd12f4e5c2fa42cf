//! Reads a typed start or end, and shows its meaning.

use chrono::TimeZone;
use chrono_tz::Tz;

use crate::domain::cursor::Moment;

const EXAMPLE: &str = "e.g. 2026-10-01 08:00:00Z, or a number";

/// The meaning of the typed text: a whole number, or a moment in UTC.
///
/// A time without an offset is the wall clock of `zone`.
///
/// # Errors
/// A sentence that says what to write instead.
pub fn read_value(text: &str, zone: Tz) -> Result<String, &'static str> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i128>() {
        return Ok(format!("{number} (a whole number)"));
    }
    let moment = Moment::parse(text).ok_or(EXAMPLE)?;
    let naive = moment.to_naive().ok_or("no such day; e.g. 2026-10-31")?;
    let has_offset = text.len() > 10 && text[10..].contains(['Z', 'z', '+', '-']);
    if has_offset {
        return Ok(format!("{} UTC", naive.format("%Y-%m-%d %H:%M:%S")));
    }
    let utc = zone.from_local_datetime(&naive).earliest().map_or(naive, |local| local.naive_utc());
    Ok(format!("{} UTC", utc.format("%Y-%m-%d %H:%M:%S")))
}

/// Like `read_value`, for the end: a day alone means the whole day.
///
/// # Errors
/// The errors of `read_value`.
pub fn read_end(text: &str, zone: Tz) -> Result<String, &'static str> {
    let text = text.trim();
    match (text.is_empty(), text.len() == 10 && Moment::parse(text).is_some()) {
        (true, _) => Ok("up to the watermark".to_owned()),
        (false, true) => read_value(&format!("{text} 23:59:59"), zone),
        (false, false) => read_value(text, zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_value_is_echoed_in_utc() {
        let read = |text| read_value(text, chrono_tz::Europe::Berlin);
        assert_eq!(read("2026-10-01T08:00:00+02:00").unwrap(), "2026-10-01 06:00:00 UTC");
        assert_eq!(read("2026-10-01 08:00:00").unwrap(), "2026-10-01 06:00:00 UTC");
        assert_eq!(read("2026-10-01").unwrap(), "2026-09-30 22:00:00 UTC");
        assert_eq!(read_end("2026-10-01", Tz::UTC).unwrap(), "2026-10-01 23:59:59 UTC");
        assert_eq!(read("4711").unwrap(), "4711 (a whole number)");
        assert!(read("last monday").unwrap_err().contains("2026-10-01"));
        assert_eq!(read("2026-02-31").unwrap_err(), "no such day; e.g. 2026-10-31");
        assert_eq!(read("").unwrap_err(), EXAMPLE);
    }
}
