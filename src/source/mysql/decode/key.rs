//! A key's value from the wire: to compare with in a later statement, or to name its row in an error.

use super::{number, temporal};
use crate::domain::source_type::SourceType;
use crate::source::mysql::sql::Bind;

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

/// A key's value for an error that must name its row; anything but plain text is shown in hexadecimal.
pub fn text(source_type: &SourceType, raw: Option<&[u8]>) -> String {
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

    #[test]
    fn a_key_is_shown_as_text_or_in_hexadecimal() {
        assert_eq!(text(&SourceType::Int { bits: 32, unsigned: false }, Some(&[42, 0, 0, 0])), "42");
        assert_eq!(text(&SourceType::Text { chars: None }, Some(b"a-1")), "a-1");
        assert_eq!(text(&SourceType::Text { chars: None }, Some(&[0xff, 0x41])), "0xff41");
        assert_eq!(text(&SourceType::Binary, None), "NULL");
    }
}
