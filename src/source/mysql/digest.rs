//! Rows as text in MySQL's and MariaDB's SQL, the same text that BigQuery writes, and the hashes of it.
//!
//! Everything is converted to bytes of UTF-8 before it is concatenated: a CONCAT of texts in two character sets is
//! refused.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::sql::identifier;
use crate::domain::plan::ColumnPlan;
use crate::domain::source_type::SourceType;
use crate::domain::type_map::Encoding;
use crate::domain::verify::{COMPARED_DIGITS, Comparison, Form, Grain, Parts, SUMMED_DIGITS, concatenated};

/// The hash of a whole row, in hexadecimal.
pub fn row_hash(comparison: &Comparison) -> String {
    format!("SHA2({}, 256)", joined(comparison, 0..comparison.forms.len()))
}

/// The part of a row's hash that is summed, as a number.
pub fn summed(hash: &str) -> String {
    format!("CAST(CONV(SUBSTR({hash}, 1, {SUMMED_DIGITS}), 16, 10) AS UNSIGNED)")
}

/// The part of a row's hash that is compared.
pub fn compared(hash: &str) -> String {
    format!("SUBSTR({hash}, 1, {COMPARED_DIGITS})")
}

/// The values of the keys.
pub fn keys(comparison: &Comparison) -> Vec<String> {
    let plan = &comparison.plan;
    let value =
        |&key: &usize| comparison.forms[key].map_or_else(|| "NULL".to_owned(), |f| value(&plan.columns[key], f));
    plan.keys.iter().map(value).collect()
}

/// The number of the part that a row belongs to.
pub fn part(comparison: &Comparison, grain: Grain) -> String {
    match (grain, comparison.number_key()) {
        (Grain::Range { base, bits }, Some(key)) => {
            let column = &comparison.plan.columns[key].source;
            let part = format!("(({} - ({base})) >> {bits})", identifier(&column.name));
            if column.nullable { format!("IFNULL({part}, {})", Parts::OF_NULL) } else { part }
        }
        (Grain::Hash { bits: bits @ 1.. }, _) => {
            let hash = format!("SHA2({}, 256)", joined(comparison, comparison.plan.keys.iter().copied()));
            format!("(CAST(CONV(SUBSTR({hash}, 1, 8), 16, 10) AS UNSIGNED) & {})", (1_u64 << bits) - 1)
        }
        (Grain::Range { .. } | Grain::Hash { .. } | Grain::Whole, _) => "0".to_owned(),
    }
}

/// The condition that a row lies in one of the parts.
pub fn within(comparison: &Comparison, parts: &Parts) -> String {
    let tested = match (parts.grain, comparison.number_key()) {
        (Grain::Range { .. }, Some(key)) => {
            let column = &comparison.plan.columns[key].source;
            let name = identifier(&column.name);
            let range = |(low, high): &(i64, i64)| format!("{name} BETWEEN {low} AND {high}");
            let null = (column.nullable && parts.hold_null()).then(|| format!("{name} IS NULL"));
            parts.key_ranges().iter().map(range).chain(null).collect::<Vec<_>>()
        }
        // The server computes the row's part once, then searches the list for it.
        (grain, _) => {
            let numbers: Vec<String> = parts.numbers().map(|number| number.to_string()).collect();
            vec![format!("{} IN ({})", part(comparison, grain), numbers.join(", "))]
        }
    };
    format!("({})", tested.join(" OR "))
}

/// Concatenates fields. Each contains its end, so that no two rows give the same text.
fn joined(comparison: &Comparison, positions: impl Iterator<Item = usize>) -> String {
    let field = |position: usize| {
        let form = comparison.forms[position]?;
        let value = value(&comparison.plan.columns[position], form);
        let ended = match form {
            Form::Text { .. } | Form::MaskedLast { .. } => format!("CONCAT(LENGTH({value}), ':', {value})"),
            _ => format!("CONCAT({value}, ';')"),
        };
        Some(format!("IFNULL({ended}, '-;')"))
    };
    concatenated(positions.filter_map(field).collect())
}

/// A value in a form.
pub fn value(column: &ColumnPlan, form: Form) -> String {
    let name = identifier(&column.source.name);
    match form {
        Form::Integer if matches!(column.source.source_type, SourceType::Int { unsigned: false, .. }) => {
            format!("CAST(CAST({name} AS SIGNED) AS CHAR)")
        }
        Form::Integer | Form::Bits => unsigned(&name),
        Form::IntegerWithin64 => format!("IF({name} <= 9223372036854775807, {}, NULL)", unsigned(&name)),
        Form::Boolean => format!("IF({name} IN (0, 1), {}, NULL)", unsigned(&name)),
        Form::Decimal { precision, scale } => decimal(&name, precision, scale),
        Form::Float => float(&format!("({name} + 0e0)")),
        Form::Date => format!("IF({}, CAST({name} AS CHAR), NULL)", is_date(&name)),
        Form::Wall => format!("IF({}, CAST({} AS CHAR), NULL)", is_date(&name), micros(&name)),
        Form::LocalWall(zone) => {
            let (micros, (low, high)) = (micros(&name), span(zone));
            let fits = format!("{} AND {micros} BETWEEN {low} AND {high}", is_date(&name));
            format!("IF({fits}, CAST({micros} AS CHAR), NULL)")
        }
        Form::TimeOfDay => format!(
            "IF({name} >= TIME '00:00:00' AND {name} < TIME '24:00:00', CAST(HOUR({name}) * 3600000000 + \
             MINUTE({name}) * 60000000 + SECOND({name}) * 1000000 + MICROSECOND({name}) AS CHAR), NULL)"
        ),
        Form::Text { empty_is_null } => text(column, &name, empty_is_null),
        Form::TextHash { empty_is_null } => format!("SHA2({}, 256)", text(column, &name, empty_is_null)),
        Form::Bytes => format!("LOWER(HEX(CAST({name} AS BINARY)))"),
        Form::BytesHash => format!("SHA2(CAST({name} AS BINARY), 256)"),
        Form::MaskedNull => "NULL".to_owned(),
        Form::MaskedSha256 { empty_is_null } => format!("SHA2({}, 256)", under_mask(column, &name, empty_is_null)),
        Form::MaskedLast { most, empty_is_null } => {
            let text = characters(column, &name);
            let end = format!("CAST(RIGHT({text}, LEAST({most}, CHAR_LENGTH({text}) DIV 2)) AS BINARY)");
            if empty_is_null { format!("IF(LENGTH({name}) = 0, NULL, {end})") } else { end }
        }
        Form::MaskedHmac { empty_is_null } => {
            let no_value = if empty_is_null { format!("NULLIF(LENGTH({name}), 0)") } else { name };
            format!("IF({no_value} IS NULL, NULL, 'hmac')")
        }
    }
}

/// The text that a mask works on, as bytes.
fn under_mask(column: &ColumnPlan, name: &str, empty_is_null: bool) -> String {
    match column.encoding {
        Encoding::IntAsText { .. } => characters(column, name),
        _ => text(column, name, empty_is_null),
    }
}

/// The same text, as characters.
fn characters(column: &ColumnPlan, name: &str) -> String {
    match (column.encoding, &column.source.source_type) {
        (Encoding::IntAsText { .. }, SourceType::Int { unsigned: false, .. }) => {
            format!("CAST(CAST({name} AS SIGNED) AS CHAR)")
        }
        (Encoding::IntAsText { .. }, _) => unsigned(name),
        _ => format!("CAST({name} AS CHAR CHARACTER SET utf8mb4)"),
    }
}

fn unsigned(name: &str) -> String {
    // Through a number: ZEROFILL and YEAR are printed with leading zeros.
    format!("CAST(CAST({name} AS UNSIGNED) AS CHAR)")
}

fn decimal(name: &str, precision: u8, scale: u8) -> String {
    let digits = format!("CAST(CAST({name} AS DECIMAL({precision},{scale})) AS CHAR)");
    if scale == 0 {
        return digits;
    }
    format!("TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {digits}))")
}

/// Each step is exact in binary, or rounded in the one way of all floating-point units.
fn float(x: &str) -> String {
    format!(
        "CASE WHEN ABS({x}) < 4e18 THEN CONCAT(CAST(FLOOR({x}) AS SIGNED), '/', CAST(FLOOR(({x} - FLOOR({x})) * \
         4294967296e0) AS SIGNED)) WHEN {x} > 0 THEN '+' WHEN {x} < 0 THEN '-' END"
    )
}

/// The condition that a date is in the calendar and in a year that BigQuery has.
fn is_date(name: &str) -> String {
    format!("YEAR({name}) > 0 AND DAY({name}) BETWEEN 1 AND DAY(LAST_DAY({name}))")
}

fn micros(name: &str) -> String {
    format!("TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', {name})")
}

/// The first and last wall clock of a zone that BigQuery's TIMESTAMP holds.
fn span(zone: Tz) -> (i64, i64) {
    const ENDS: [i64; 2] = [-62_135_596_800_000_000, 253_402_300_799_999_999];
    let [low, high] = ENDS.map(|instant| {
        let utc = DateTime::from_timestamp_micros(instant).unwrap_or_default().naive_utc();
        instant + i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000
    });
    (low, high)
}

fn text(column: &ColumnPlan, name: &str, empty_is_null: bool) -> String {
    let bytes = if column.source.source_type == SourceType::Binary {
        format!("CAST({name} AS BINARY)")
    } else {
        format!("CAST(CAST({name} AS CHAR CHARACTER SET utf8mb4) AS BINARY)")
    };
    // Compares bytes, because many collations treat a blank as nothing.
    if empty_is_null { format!("NULLIF({bytes}, '')") } else { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::samples::column;

    #[test]
    fn a_zone_moves_the_limits_of_a_timestamp() {
        let (low, high) = span(Tz::UTC);
        assert_eq!((low, high), (-62_135_596_800_000_000, 253_402_300_799_999_999));
        assert!(span(chrono_tz::America::New_York).1 < high && span(chrono_tz::Asia::Tokyo).0 > low);
    }

    #[test]
    fn a_text_is_compared_as_utf8_bytes_in_any_character_set() {
        let of = |empty_is_null| value(&column("s", SourceType::Text { chars: None }), Form::Text { empty_is_null });
        assert_eq!(of(false), "CAST(CAST(`s` AS CHAR CHARACTER SET utf8mb4) AS BINARY)");
        assert_eq!(of(true), "NULLIF(CAST(CAST(`s` AS CHAR CHARACTER SET utf8mb4) AS BINARY), '')");
    }

    #[test]
    fn the_server_computes_masks_and_no_statement_contains_a_key() {
        let text = column("s", SourceType::Text { chars: None });
        let utf8 = "CAST(`s` AS CHAR CHARACTER SET utf8mb4)";
        let sha = |empty_is_null| value(&text, Form::MaskedSha256 { empty_is_null });
        assert_eq!(sha(false), format!("SHA2(CAST({utf8} AS BINARY), 256)"));
        assert_eq!(sha(true), format!("SHA2(NULLIF(CAST({utf8} AS BINARY), ''), 256)"));
        let last = value(&text, Form::MaskedLast { most: 4, empty_is_null: false });
        assert_eq!(last, format!("CAST(RIGHT({utf8}, LEAST(4, CHAR_LENGTH({utf8}) DIV 2)) AS BINARY)"));
        assert_eq!(value(&text, Form::MaskedHmac { empty_is_null: false }), "IF(`s` IS NULL, NULL, 'hmac')");
        assert_eq!(value(&text, Form::MaskedNull), "NULL");
    }

    #[test]
    fn leading_and_trailing_zeros_of_a_number_do_not_matter() {
        let year = value(&column("y", SourceType::Year), Form::Integer);
        assert_eq!(year, "CAST(CAST(`y` AS UNSIGNED) AS CHAR)");
        let decimal = SourceType::Decimal { precision: 10, scale: 2 };
        assert_eq!(
            value(&column("d", decimal), Form::Decimal { precision: 10, scale: 2 }),
            "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(CAST(`d` AS DECIMAL(10,2)) AS CHAR)))"
        );
    }
}
