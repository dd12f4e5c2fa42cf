//! A key's value from the wire: to compare with in a later statement, or to name its row in an error.

use sha2::{Digest as _, Sha256};

use super::temporal::Span;
use super::{number, temporal};
use crate::domain::cursor::Moment;
use crate::domain::plan::ColumnPlan;
use crate::domain::quote;
use crate::domain::source_type::SourceType;
use crate::domain::type_map::Encoding;
use crate::source::mysql::sql::{self, Bind};

/// A text that the server cannot convert arrives as this byte and the beginning of what is stored.
pub const MARK: u8 = 0xff;

/// So many bytes of what is stored follow the mark.
pub const MOST_AFTER_MARK: usize = 1_000;

/// The value as the server compares it; `None` for bytes that cannot be compared: text that is not UTF-8, and types by
/// which no plan pages.
pub fn bind(source_type: &SourceType, raw: &[u8]) -> Option<Bind> {
    let text = |raw: &[u8]| std::str::from_utf8(raw).ok().map(|text| Bind::Text(text.to_owned()));
    match source_type {
        SourceType::Int { unsigned: false, .. } => number::signed(raw).map(Bind::Int),
        SourceType::Int { unsigned: true, .. } => number::unsigned(raw).map(Bind::UInt),
        // A year is bound as text of four digits: MySQL would read the number 0 as 2000.
        SourceType::Year => number::unsigned(raw).map(|year| Bind::Text(format!("{year:04}"))),
        SourceType::Date => temporal::moment(raw).map(|m| Bind::Text(temporal::date_text(m))),
        SourceType::DateTime { .. } | SourceType::Timestamp { .. } => {
            temporal::moment(raw).map(|m| Bind::Text(m.to_string()))
        }
        SourceType::Binary => Some(Bind::Bytes(raw.to_vec())),
        SourceType::Decimal { .. } | SourceType::Text { .. } | SourceType::Uuid => text(raw),
        // `plan` does not page by any of these.
        SourceType::Float
        | SourceType::Double
        | SourceType::Bit { .. }
        | SourceType::Time { .. }
        | SourceType::Enum
        | SourceType::Set
        | SourceType::Json
        | SourceType::Geometry
        | SourceType::Vector
        | SourceType::Inet
        | SourceType::Unknown(_) => None,
    }
}

/// The condition that finds a row by one of its keys, for an error: MySQL and MariaDB take it in a session of any time
/// zone and of the default `sql_mode`. Numbers, times and UUIDs are shown. Text, bytes and addresses may say who somebody
/// is: the server finds them by the beginning of their hash.
pub fn condition(column: &ColumnPlan, raw: Option<&[u8]>) -> String {
    let source_type = &column.source.source_type;
    let name = sql::identifier(&column.source.name);
    let Some(raw) = raw else { return format!("{name} IS NULL") };
    let found_by = match source_type {
        SourceType::Text { .. } | SourceType::Enum | SourceType::Set => Some(of_text(column, &name, raw)),
        // MySQL sends nothing in place of a value that is too long.
        SourceType::Json => (!raw.is_empty()).then(|| of_text(column, &name, raw)),
        SourceType::Binary => Some(by_hash(&name, raw)),
        SourceType::Inet => Some(by_hash(&format!("CAST({name} AS CHAR)"), raw)),
        SourceType::Date | SourceType::DateTime { .. } | SourceType::Timestamp { .. } => {
            temporal::moment(raw).map(|moment| of_moment(&name, source_type, moment))
        }
        SourceType::Time { fsp } => Span::read(raw).map(|span| of_span(&name, span, *fsp)),
        SourceType::Bit { .. } => number::bits(raw).ok().map(|value| format!("{name} = {value}")),
        SourceType::Float => number::float64(Encoding::Float, raw).ok().map(|value| of_float(&name, value)),
        SourceType::Double => number::float64(Encoding::Double, raw).ok().map(|value| of_float(&name, value)),
        SourceType::Int { .. } | SourceType::Decimal { .. } | SourceType::Year | SourceType::Uuid => {
            bind(source_type, raw).and_then(|value| of_bound(&name, source_type, value))
        }
        SourceType::Geometry | SourceType::Vector | SourceType::Unknown(_) => None,
    };
    found_by.unwrap_or_else(|| format!("a {name} that is not shown here"))
}

/// `value`: an expression that gives the same bytes on the server.
fn by_hash(value: &str, bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes).iter().take(8).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    format!("LEFT(SHA2({value}, 256), 16) = '{hash}'")
}

/// The condition that finds a text. The server sends a text in UTF-8, and one that it cannot convert as it is stored:
/// converted on the server, that one would have another hash, because it gets a `?` for each byte.
fn of_text(column: &ColumnPlan, name: &str, raw: &[u8]) -> String {
    let stored = format!("CAST({name} AS BINARY)");
    // The statement asks for the stored bytes.
    if column.encoding == Encoding::Bytes && column.source.charset.is_some() {
        return by_hash(&stored, raw);
    }
    // MySQL sends such text as it is stored, valid or not.
    let is_ascii = column.source.charset.as_deref() == Some("ascii");
    match (std::str::from_utf8(raw), raw.strip_prefix(&[MARK])) {
        (Ok(_), _) if !is_ascii => by_hash(&format!("CONVERT({name} USING utf8mb4)"), raw),
        (Err(_), Some(beginning)) if column.source.is_legacy_text() || is_ascii => {
            let is_whole = beginning.len() < MOST_AFTER_MARK;
            let sent = if is_whole { stored } else { format!("LEFT({stored}, {MOST_AFTER_MARK})") };
            by_hash(&sent, beginning)
        }
        _ => by_hash(&stored, raw),
    }
}

/// The condition that finds a number, or a text that the server prints in one way only.
fn of_bound(name: &str, source_type: &SourceType, value: Bind) -> Option<String> {
    match (value, source_type) {
        (Bind::Int(value), _) => Some(format!("{name} = {value}")),
        (Bind::UInt(value), _) => Some(format!("{name} = {value}")),
        // As a text it would be compared as a floating-point number, which holds 15 of its digits.
        (Bind::Text(value), SourceType::Decimal { .. }) => Some(format!("{name} = {value}")),
        (Bind::Text(value), _) => Some(format!("{name} = {}", quote::mysql_text(&value))),
        (Bind::Bytes(_), _) => None,
    }
}

/// The condition that finds a floating-point number. With an exponent, the server reads the digits as a DOUBLE and not as
/// a DECIMAL. It compares a FLOAT as the DOUBLE that it equals, so 0.1 needs more digits there.
fn of_float(name: &str, value: f64) -> String {
    format!("{name} = {value:e}")
}

/// The condition that finds a TIME.
fn of_span(name: &str, span: Span, fsp: u8) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = span.write(&mut text, fsp);
    format!("{name} = '{text}'")
}

/// The condition that finds a date or time.
fn of_moment(name: &str, source_type: &SourceType, moment: Moment) -> String {
    let day = temporal::days(moment);
    let text = match source_type {
        SourceType::Date => temporal::date_text(moment),
        SourceType::DateTime { fsp } if day.is_err() => {
            let mut all_digits = String::new();
            // Writing to a string cannot fail.
            let _ = temporal::write_wall(&mut all_digits, moment, *fsp);
            all_digits
        }
        _ => moment.to_string(),
    };
    match (day, source_type) {
        // Every session shows a TIMESTAMP in its own time zone, and we read it in UTC.
        (Ok(day), SourceType::Timestamp { .. }) => {
            let micros = i64::from(day) * temporal::MICROS_OF_DAY + temporal::micros_of_day(moment);
            let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
            let fraction = if micros > 0 { format!(".{micros:06}") } else { String::new() };
            format!("UNIX_TIMESTAMP({name}) = {seconds}{fraction} /* {text} UTC */")
        }
        (Err(_), SourceType::Timestamp { .. }) => format!("UNIX_TIMESTAMP({name}) = 0"),
        (Ok(_), _) => format!("{name} = '{text}'"),
        // MySQL's default `sql_mode` refuses such a date as a literal.
        (Err(_), _) => format!("CAST({name} AS CHAR) = '{text}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::samples::column;

    const TEXT: SourceType = SourceType::Text { chars: None };

    fn found_by(name: &str, source_type: SourceType, raw: Option<&[u8]>) -> String {
        condition(&column(name, source_type), raw)
    }

    #[test]
    fn a_row_is_found_by_its_key_and_text_is_not_shown() {
        let order = SourceType::Int { bits: 32, unsigned: false };
        assert_eq!(found_by("order", order, Some(&[42, 0, 0, 0])), "`order` = 42");
        // printf a-1 | sha256sum
        let hash = "LEFT(SHA2(CONVERT(`k` USING utf8mb4), 256), 16) = '2f8fe63a6224321d'";
        assert_eq!(found_by("k", TEXT, Some(b"a-1")), hash);
        assert_eq!(found_by("k", SourceType::Json, Some(b"a-1")), hash);
        assert_eq!(found_by("k", SourceType::Json, Some(b"")), "a `k` that is not shown here");
        assert_eq!(found_by("k", SourceType::Binary, Some(&[0xff])), "LEFT(SHA2(`k`, 256), 16) = 'a8100ae6aa1940d0'");
        assert_eq!(found_by("a`b", TEXT, None), "`a``b` IS NULL");
        // printf 10.0.0.1 | sha256sum
        let hash = "LEFT(SHA2(CAST(`k` AS CHAR), 256), 16) = 'f5047344122f0dee'";
        assert_eq!(found_by("k", SourceType::Inet, Some(b"10.0.0.1")), hash);
        assert_eq!(found_by("k", SourceType::Uuid, Some(b"0f1e-2d")), "`k` = '0f1e-2d'");
        assert_eq!(found_by("k", SourceType::Year, Some(&[0, 0])), "`k` = '0000'");
        let decimal = SourceType::Decimal { precision: 30, scale: 10 };
        assert_eq!(found_by("k", decimal, Some(b"-12345678901234567890.5")), "`k` = -12345678901234567890.5");
    }

    /// MariaDB 10.11 finds the row by the stored bytes, and not by the text to which it converts them.
    #[test]
    fn a_text_that_the_server_sends_as_it_is_stored_is_found_by_its_bytes() {
        let of = |charset: &str, encoding, raw: &[u8]| {
            let mut column = column("k", TEXT);
            column.source.charset = Some(charset.into());
            column.encoding = encoding;
            condition(&column, Some(raw))
        };
        // printf 'secret\x98z' | sha256sum
        let stored = "LEFT(SHA2(CAST(`k` AS BINARY), 256), 16) = '52c8209b376f08c6'";
        assert_eq!(of("cp1251", Encoding::Text, b"\xffsecret\x98z"), stored);
        assert_eq!(of("ascii", Encoding::Text, b"\xffsecret\x98z"), stored, "MariaDB");
        assert_eq!(of("ascii", Encoding::Text, b"secret\x98z"), stored, "MySQL");
        assert_eq!(of("utf8mb4", Encoding::Text, b"secret\x98z"), stored);
        assert_eq!(of("latin1", Encoding::Bytes, b"secret\x98z"), stored);
        // printf a-1 | sha256sum
        let valid = "LEFT(SHA2(CAST(`k` AS BINARY), 256), 16) = '2f8fe63a6224321d'";
        assert_eq!(of("latin1", Encoding::Bytes, b"a-1"), valid, "UTF-8 by accident");
        assert_eq!(of("ascii", Encoding::Text, b"a-1"), valid);
        assert!(of("cp1251", Encoding::Text, b"a-1").contains("CONVERT"));
        // printf '\xff\x98' | sha256sum
        let no_mark = "LEFT(SHA2(CAST(`k` AS BINARY), 256), 16) = '6064ac3c2f2ada27'";
        assert_eq!(of("utf8mb4", Encoding::Text, b"\xff\x98"), no_mark, "such text arrives without a mark");
        let long = [&[MARK][..], &[0x98; MOST_AFTER_MARK]].concat();
        assert!(of("cp1251", Encoding::Text, &long).contains("SHA2(LEFT(CAST(`k` AS BINARY), 1000), 256)"));
    }

    /// MariaDB 10.11 finds the row by each of these.
    #[test]
    fn a_row_is_found_by_a_number_or_span_of_any_type() {
        let double = |value: f64| found_by("k", SourceType::Double, Some(&value.to_le_bytes()));
        let bit = |raw: &[u8]| found_by("k", SourceType::Bit { width: 64 }, Some(raw));
        let time = |fsp, raw: &[u8]| found_by("k", SourceType::Time { fsp }, Some(raw));
        assert_eq!(double(0.1), "`k` = 1e-1");
        assert_eq!(double(0.1 + 0.2), "`k` = 3.0000000000000004e-1");
        assert_eq!(double(-f64::MAX), "`k` = -1.7976931348623157e308");
        assert_eq!(double(5e-324), "`k` = 5e-324");
        let single = found_by("k", SourceType::Float, Some(&0.1_f32.to_le_bytes()));
        assert_eq!(single, "`k` = 1.0000000149011612e-1");
        assert_eq!((bit(&[1, 0]), bit(&[0xff; 8])), ("`k` = 256".into(), "`k` = 18446744073709551615".into()));
        assert_eq!(time(0, &[8, 1, 34, 0, 0, 0, 22, 59, 59]), "`k` = '-838:59:59'");
        assert_eq!(time(3, &[12, 1, 0, 0, 0, 0, 0, 0, 0, 0x20, 0xa1, 7, 0]), "`k` = '-00:00:00.500'");
        assert_eq!(time(3, &[0]), "`k` = '00:00:00.000'");
        for source_type in [SourceType::Double, SourceType::Bit { width: 9 }, SourceType::Time { fsp: 0 }] {
            assert_eq!(found_by("k", source_type, Some(&[])), "a `k` that is not shown here");
        }
    }

    /// MySQL 9.7 and MariaDB 10.11 find the row by each of these, in sessions of any time zone.
    #[test]
    fn a_row_is_found_by_a_date_or_time_in_any_session() {
        let (date, wall, stamp) = (SourceType::Date, SourceType::DateTime { fsp: 3 }, SourceType::Timestamp { fsp: 6 });
        let at = [11, 0xea, 0x07, 11, 23, 8, 0, 0, 0x20, 0xa1, 0x07, 0];
        let no_day = [4, 0xea, 0x07, 2, 0];
        for (source_type, raw, expected) in [
            (&date, &[4, 0xea, 0x07, 11, 23][..], "`k` = '2026-11-23'"),
            (&wall, &at, "`k` = '2026-11-23 08:00:00.500000'"),
            (&stamp, &at, "UNIX_TIMESTAMP(`k`) = 1795420800.500000 /* 2026-11-23 08:00:00.500000 UTC */"),
            (&stamp, &at[..0], "a `k` that is not shown here"),
            (&date, &no_day, "CAST(`k` AS CHAR) = '2026-02-00'"),
            (&date, &[0], "CAST(`k` AS CHAR) = '0000-00-00'"),
            (&wall, &[0], "CAST(`k` AS CHAR) = '0000-00-00 00:00:00.000'"),
            (&stamp, &[0], "UNIX_TIMESTAMP(`k`) = 0"),
        ] {
            assert_eq!(condition(&column("k", source_type.clone()), Some(raw)), expected);
        }
    }
}
