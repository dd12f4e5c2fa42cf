//! Where a page ended: the cursor and key of its last row, taken from the wire once per batch.

use super::decode::{number, temporal};
use super::sql::Bind;
use super::wire::Cells;
use crate::domain::plan::TablePlan;
use crate::domain::source_type::SourceType;

/// The last row handed over, as values to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub cursor: Bind,
    /// The key without the cursor column, in the plan's order.
    pub tail: Vec<Bind>,
}

impl Position {
    /// `None` when a value cannot be compared with: a NULL, or text that is no UTF-8.
    pub fn of(plan: &TablePlan, row: &impl Cells) -> Option<Self> {
        let bind = |index: usize| row.cell(index).and_then(|raw| bind(&plan.columns[index].source.source_type, raw));
        let tail = plan.keys.iter().filter(|&&key| key != plan.cursor).map(|&key| bind(key));
        Some(Self { cursor: bind(plan.cursor)?, tail: tail.collect::<Option<_>>()? })
    }
}

fn bind(source_type: &SourceType, raw: &[u8]) -> Option<Bind> {
    let text = |raw: &[u8]| std::str::from_utf8(raw).ok().map(|text| Bind::Text(text.to_owned()));
    match source_type {
        SourceType::Int { unsigned: false, .. } => number::signed(raw).map(Bind::Int),
        SourceType::Int { unsigned: true, .. } => number::unsigned(raw).map(Bind::UInt),
        // Four digits of text: the number 0 would be taken for 2000.
        SourceType::Year => number::unsigned(raw).map(|year| Bind::Text(format!("{year:04}"))),
        SourceType::Date => temporal::moment(raw).map(|m| Bind::Text(temporal::date_text(m))),
        SourceType::DateTime { .. } | SourceType::Timestamp { .. } => {
            temporal::moment(raw).map(|m| Bind::Text(m.to_string()))
        }
        SourceType::Binary => Some(Bind::Bytes(raw.to_vec())),
        SourceType::Decimal { .. } | SourceType::Text { .. } | SourceType::Uuid => text(raw),
        // `plan` pages by none of these.
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

/// A value of a key for an error that must name its row; what is not plain text is shown in hexadecimal.
pub fn key_text(source_type: &SourceType, raw: Option<&[u8]>) -> String {
    let Some(raw) = raw else { return "NULL".to_owned() };
    match bind(source_type, raw) {
        Some(Bind::Int(value)) => value.to_string(),
        Some(Bind::UInt(value)) => value.to_string(),
        Some(Bind::Text(value)) => value,
        Some(Bind::Bytes(_)) | None => match std::str::from_utf8(raw) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ => raw.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::samples::{column, plan};

    #[test]
    fn the_last_rows_cursor_and_key_are_read_from_the_wire() {
        let id = SourceType::Int { bits: 64, unsigned: true };
        let plan = plan(
            vec![column("id", id), column("day", SourceType::Date), column("at", SourceType::Timestamp { fsp: 6 })],
            &[0, 1],
            2,
        );
        let row = vec![
            Some(u64::MAX.to_le_bytes().to_vec()),
            Some(vec![4, 0xe8, 0x07, 2, 31]),
            Some(vec![11, 0xe8, 0x07, 1, 2, 3, 4, 5, 6, 0, 0, 0]),
        ];
        let position = Position::of(&plan, &row).unwrap();
        assert_eq!(position.cursor, Bind::Text("2024-01-02 03:04:05.000006".into()));
        assert_eq!(position.tail, [Bind::UInt(u64::MAX), Bind::Text("2024-02-31".into())]);
    }

    #[test]
    fn a_key_is_shown_as_it_reads_or_in_hexadecimal() {
        assert_eq!(key_text(&SourceType::Int { bits: 32, unsigned: false }, Some(&[42, 0, 0, 0])), "42");
        assert_eq!(key_text(&SourceType::Text { chars: None }, Some(b"a-1")), "a-1");
        assert_eq!(key_text(&SourceType::Text { chars: None }, Some(&[0xff, 0x41])), "0xff41");
        assert_eq!(key_text(&SourceType::Binary, None), "NULL");
    }
}
