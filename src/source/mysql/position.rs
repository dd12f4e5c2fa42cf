//! Where a page ended: the cursor and key of its last row, taken from the wire once per batch; and the order of pages.

use super::decode::{number, temporal};
use super::indexes::Indexes;
use super::sql::Bind;
use super::wire::Cells;
use crate::domain::column::same_name;
use crate::domain::plan::TablePlan;
use crate::domain::source_type::SourceType;

/// The order in which pages hand rows out: the cursor, then what is left of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOrder {
    /// The index to read by. Without being told, a server may sort the whole window for each page.
    pub index: Option<String>,
    /// Positions in the plan of the key's columns without the cursor.
    pub tail: Vec<usize>,
}

impl PageOrder {
    /// The configured keys' order, by whatever the server thinks best.
    pub fn planned(plan: &TablePlan) -> Self {
        Self { index: None, tail: plan.keys.iter().copied().filter(|&key| key != plan.cursor).collect() }
    }

    /// The first index that begins with the cursor and goes on with the key, and the key in that index's order.
    pub fn choose(plan: &TablePlan, indexes: &Indexes) -> Self {
        let planned = Self::planned(plan);
        let name = |position: usize| &plan.columns[position].source.name;
        let fits = |columns: &[String]| -> Option<Vec<usize>> {
            let (first, rest) = columns.split_first()?;
            let rest = rest.get(..planned.tail.len()).filter(|_| same_name(first, name(plan.cursor)))?;
            let position = |column: &String| planned.tail.iter().copied().find(|&key| same_name(name(key), column));
            rest.iter().map(position).collect()
        };
        let found = indexes
            .ordering
            .iter()
            .find_map(|order| fits(&order.columns).map(|tail| Self { index: Some(order.index.clone()), tail }));
        found.unwrap_or(planned)
    }
}

/// The last row handed over, as values to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub cursor: Bind,
    /// As [`PageOrder::tail`].
    pub tail: Vec<Bind>,
}

impl Position {
    /// `None` when a value cannot be compared with: a NULL, or text that is no UTF-8.
    pub fn of(plan: &TablePlan, order: &PageOrder, row: &impl Cells) -> Option<Self> {
        let bind = |index: usize| row.cell(index).and_then(|raw| bind(&plan.columns[index].source.source_type, raw));
        let tail = order.tail.iter().map(|&key| bind(key)).collect::<Option<_>>()?;
        Some(Self { cursor: bind(plan.cursor)?, tail })
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
    use crate::source::mysql::indexes::Ordering;
    use crate::source::mysql::samples::{column, plan};

    #[test]
    fn pages_follow_the_index_that_carries_cursor_and_key() {
        let id = || SourceType::Int { bits: 64, unsigned: true };
        let plan = plan(vec![column("a", id()), column("b", id()), column("at", id())], &[0, 1], 2);
        let order = |index: &str, columns: &[&str]| Ordering {
            index: index.into(),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        };
        let ordering =
            vec![order("PRIMARY", &["b", "a"]), order("at_x", &["at", "x", "b", "a"]), order("at", &["AT", "b", "a"])];
        let mut indexes = Indexes { unique_keys: vec![], ordering };
        let chosen = PageOrder { index: Some("at".into()), tail: vec![1, 0] };
        assert_eq!(PageOrder::choose(&plan, &indexes), chosen);
        indexes.ordering.pop();
        assert_eq!(PageOrder::choose(&plan, &indexes), PageOrder { index: None, tail: vec![0, 1] });
    }

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
        let position = Position::of(&plan, &PageOrder::planned(&plan), &row).unwrap();
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
