//! The condition that a row has one of the given keys, in a form that uses an index.
//!
//! Each key is compared with the column's own comparison (for text, its collation), so that an index on it is used.
//! This may match a few more rows than were asked for, but never fewer.

use chrono::DateTime;

use crate::domain::cursor::Moment;
use crate::domain::plan::{ColumnPlan, TablePlan};
use crate::domain::source_type::SourceType;
use crate::domain::verify::{Form, Key};
use crate::source::mysql::digest;
use crate::source::mysql::sql::{Bind, identifier};

/// Keys in one statement: enough that the round trip does not matter, and few enough that the server still looks each
/// key up in an index (its memory for that holds some ten thousand comparisons).
pub const KEYS_OF_A_STATEMENT: usize = 500;

/// A condition with its values. `forms`: the forms of the plan's keys.
pub fn condition(plan: &TablePlan, forms: &[Form], keys: &[Key]) -> (String, Vec<Bind>) {
    let columns: Vec<(&ColumnPlan, Form)> =
        plan.keys.iter().map(|&key| &plan.columns[key]).zip(forms.iter().copied()).collect();
    if let [(column, form)] = columns.as_slice()
        && let Some(binds) = keys.iter().map(|key| value(column, *form, key.first()?.as_deref()?)).collect()
    {
        let slots = vec![slot(column); keys.len()];
        return (format!("{} IN ({})", identifier(&column.source.name), slots.join(", ")), binds);
    }
    let mut all = Vec::new();
    let mut binds = Vec::new();
    for key in keys {
        if let Some((test, mut values)) = one(&columns, key) {
            all.push(format!("({test})"));
            binds.append(&mut values);
        }
    }
    let condition = if all.is_empty() { "FALSE".to_owned() } else { format!("({})", all.join(" OR ")) };
    (condition, binds)
}

/// The condition for one key; `None` if no value of a column can have such a text.
fn one(columns: &[(&ColumnPlan, Form)], key: &Key) -> Option<(String, Vec<Bind>)> {
    let (mut tests, mut binds) = (Vec::new(), Vec::new());
    for ((column, form), text) in columns.iter().zip(key) {
        let Some(text) = text else {
            // Also matches values that arrive as NULL.
            tests.push(format!("{} IS NULL", digest::value(column, *form)));
            continue;
        };
        binds.push(value(column, *form, text)?);
        tests.push(format!("{} = {}", identifier(&column.source.name), slot(column)));
    }
    Some((tests.join(" AND "), binds))
}

/// A decimal bound as text would be compared as a double.
pub fn slot(column: &ColumnPlan) -> String {
    match column.source.source_type {
        SourceType::Decimal { precision, scale } => format!("CAST(? AS DECIMAL({precision},{scale}))"),
        _ => "?".to_owned(),
    }
}

/// The value of a text that a form has written, as the server compares it.
fn value(column: &ColumnPlan, form: Form, text: &str) -> Option<Bind> {
    let source = &column.source.source_type;
    match form {
        // Four digits as text: the server would read the number 0 as 2000.
        Form::Integer if *source == SourceType::Year => Some(Bind::Text(format!("{text:0>4}"))),
        Form::Integer if matches!(source, SourceType::Int { unsigned: false, .. }) => text.parse().ok().map(Bind::Int),
        Form::Integer | Form::IntegerWithin64 | Form::Bits | Form::Boolean => text.parse().ok().map(Bind::UInt),
        Form::Decimal { .. } | Form::Date => Some(Bind::Text(text.to_owned())),
        Form::Text { .. } if *source == SourceType::Binary => Some(Bind::Bytes(text.as_bytes().to_vec())),
        Form::Text { .. } => Some(Bind::Text(text.to_owned())),
        Form::Wall | Form::LocalWall(_) => {
            let at = DateTime::from_timestamp_micros(text.parse().ok()?)?.naive_utc();
            Some(Bind::Text(Moment::from_naive(at).to_string()))
        }
        Form::TimeOfDay => {
            let at = DateTime::from_timestamp_micros(text.parse().ok()?)?.naive_utc();
            Some(Bind::Text(at.format("%H:%M:%S%.6f").to_string()))
        }
        Form::Bytes => hex(text).map(Bind::Bytes),
        // Rows are not looked up by these forms.
        Form::Float
        | Form::TextHash { .. }
        | Form::BytesHash
        | Form::MaskedNull
        | Form::MaskedSha256 { .. }
        | Form::MaskedLast { .. }
        | Form::MaskedHmac { .. } => None,
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::samples::{column, plan};

    fn key(values: &[Option<&str>]) -> Key {
        values.iter().map(|value| value.map(str::to_owned)).collect()
    }

    #[test]
    fn keys_of_one_column_are_a_list_and_of_several_are_spelled_out() {
        let id = SourceType::Int { bits: 64, unsigned: false };
        let single = plan(vec![column("id", id.clone())], &[0], 0);
        let (sql, binds) = condition(&single, &[Form::Integer], &[key(&[Some("-7")]), key(&[Some("8")])]);
        assert_eq!((sql.as_str(), binds), ("`id` IN (?, ?)", vec![Bind::Int(-7), Bind::Int(8)]));
        let both = plan(vec![column("raw", SourceType::Binary), column("id", id)], &[0, 1], 1);
        let forms = [Form::Bytes, Form::Integer];
        let (sql, binds) = condition(&both, &forms, &[key(&[Some("00ff"), Some("1")]), key(&[None, Some("2")])]);
        let expected = "((`raw` = ? AND `id` = ?) OR (LOWER(HEX(CAST(`raw` AS BINARY))) IS NULL AND `id` = ?))";
        assert_eq!((sql.as_str(), binds), (expected, vec![Bind::Bytes(vec![0, 255]), Bind::Int(1), Bind::Int(2)]));
    }

    #[test]
    fn a_key_written_by_a_form_is_read_back() {
        let of = |source: SourceType, form, text| value(&column("c", source), form, text);
        let text = |text: &str| Some(Bind::Text(text.to_owned()));
        assert_eq!(of(SourceType::Year, Form::Integer, "0"), text("0000"));
        let unsigned = SourceType::Int { bits: 64, unsigned: true };
        assert_eq!(of(unsigned, Form::IntegerWithin64, "9223372036854775807"), Some(Bind::UInt(i64::MAX as u64)));
        let wall = of(SourceType::DateTime { fsp: 6 }, Form::Wall, "-500000");
        assert_eq!(wall, text("1969-12-31 23:59:59.500000"));
        assert_eq!(of(SourceType::Time { fsp: 3 }, Form::TimeOfDay, "86399999000"), text("23:59:59.999000"));
        assert_eq!(of(SourceType::Binary, Form::Bytes, "zz"), None);
        assert_eq!(slot(&column("d", SourceType::Decimal { precision: 9, scale: 2 })), "CAST(? AS DECIMAL(9,2))");
    }

    #[test]
    fn impossible_keys_select_no_row() {
        let plan = plan(vec![column("id", SourceType::Int { bits: 64, unsigned: true })], &[0], 0);
        assert_eq!(condition(&plan, &[Form::Integer], &[key(&[Some("-1")])]), ("FALSE".to_owned(), Vec::new()));
    }
}
