//! Checks of single values that depend on more than their spelling.

use std::str::FromStr;

use chrono_tz::{TZ_VARIANTS, Tz};

use super::read::nearest;
use crate::domain::cursor::{Cursor, CursorKind};

/// The zone; an error names the nearest zones.
pub(super) fn timezone(name: &str) -> Result<Tz, String> {
    if let Ok(zone) = Tz::from_str(name) {
        return Ok(zone);
    }
    if let Some(zone) = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name)) {
        return Err(format!("did you mean `{zone}`?"));
    }
    // People write only the city, so each zone is compared by its whole name and by its last part.
    let lower = name.to_lowercase();
    let likeness = |zone: &Tz| {
        let whole = zone.name().to_lowercase();
        let city = whole.rsplit('/').next().unwrap_or_default();
        strsim::jaro_winkler(&lower, &whole).max(strsim::jaro_winkler(&lower, city))
    };
    let mut zones: Vec<_> = TZ_VARIANTS.iter().map(|zone| (likeness(zone), zone.name())).collect();
    zones.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let best: Vec<_> = zones.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    Err(format!("use a name of the tz database, such as {}", best.join(", ")))
}

/// Wider than Google's rule (emulators take any id), but nothing that would break out of a quoted name.
pub(super) fn project(id: &str) -> Result<(), String> {
    if id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':')) {
        return Ok(());
    }
    Err("write the project's id (letters, digits and dashes), not its display name".to_owned())
}

/// Source: BigQuery documentation, "Name datasets".
pub(super) fn dataset(name: &str) -> Result<(), String> {
    if name.contains('.') || name.contains(':') {
        return Err("write the dataset's name alone; the project stands in `project`".to_owned());
    }
    if name.len() <= 1024 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    Err("a dataset's name has letters, digits and `_`, at most 1024".to_owned())
}

pub(super) fn location(name: &str) -> Result<(), String> {
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(());
    }
    Err("write a location of BigQuery, such as `US`, `EU` or `europe-west3`".to_owned())
}

pub(super) fn bucket(name: &str) -> Result<(), String> {
    if name.starts_with("gs://") || name.contains('/') {
        return Err("write the bucket's name alone, without `gs://` and without a path".to_owned());
    }
    if name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.')) {
        return Ok(());
    }
    Err("a bucket's name has small letters, digits, `-`, `_` and `.`".to_owned())
}

/// Source: Cloud Storage documentation, "About objects": names in any script, without line breaks; `.` and `..` alone
/// are refused. BigQuery does not take two `/` in a row.
pub(super) fn object_prefix(prefix: &str) -> Result<(), String> {
    if prefix.starts_with("gs://") {
        return Err("write the folder alone; the bucket stands in `state_gcs_bucket`".to_owned());
    }
    let sound = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.chars().any(char::is_control);
    if prefix.len() <= 500 && (prefix.trim_matches('/').is_empty() || prefix.trim_matches('/').split('/').all(sound)) {
        return Ok(());
    }
    Err("write folders such as `etl/prod`, without `.`, `..` or `//`".to_owned())
}

/// The column's type is known only later; until then both a number and a date are possible.
///
/// # Errors
/// A sentence that says what to write instead.
pub fn cursor_value(text: &str) -> Result<(), String> {
    let kinds = [CursorKind::Int, CursorKind::DateTime { fsp: 6, zone: chrono_tz::Tz::UTC }];
    if kinds.into_iter().any(|kind| Cursor::parse(text, kind).is_ok()) {
        return Ok(());
    }
    Err("write a date such as `2020-01-01T00:00:00Z`, or a whole number".to_owned())
}

/// Tells if a window of these values ends before it begins, whatever the column's type and zone are. Only what is
/// certain counts: how a wall clock and an instant compare depends on the column's zone.
#[must_use]
pub fn ends_before_it_begins(start: &str, end: &str) -> bool {
    let zones = [chrono_tz::Tz::UTC, chrono_tz::Asia::Tokyo].map(|zone| CursorKind::DateTime { fsp: 6, zone });
    let kinds = [CursorKind::Int, zones[0], zones[1]];
    let orders = kinds.into_iter().filter_map(|kind| {
        let (start, first) = (Cursor::parse(start, kind).ok()?, Cursor::parse(end, kind).ok()?);
        start.compare(&first.day_end_of(end, kind))
    });
    let orders: Vec<_> = orders.collect();
    !orders.is_empty() && orders.iter().all(|order| order.is_gt())
}

/// A share of a table's rows. A larger share than the default is rarely gone between two runs; a table that was emptied
/// by mistake has lost all.
pub(super) fn fraction(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "write a share from 0 to 1, such as `0.1` for a tenth".to_owned())
}

/// The type that was probably meant.
pub(super) fn nearest_type(text: &str) -> String {
    nearest(
        text,
        &[
            "INT64",
            "FLOAT64",
            "BOOL",
            "NUMERIC",
            "BIGNUMERIC",
            "STRING",
            "BYTES",
            "DATE",
            "DATETIME",
            "TIME",
            "TIMESTAMP",
            "JSON",
            "GEOGRAPHY",
        ],
    )
}
