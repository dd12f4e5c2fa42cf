//! A key's value from the wire: to compare with in a later statement, or to name its row in an error.

use sha2::{Digest as _, Sha256};

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

/// The condition that finds a row by one of its keys, for an error. Numbers, times and UUIDs are shown. Text and bytes may
/// say who somebody is: the server finds them by the beginning of their hash.
pub fn condition(name: &str, source_type: &SourceType, raw: Option<&[u8]>) -> String {
    let Some(raw) = raw else { return format!("{name} IS NULL") };
    let by_hash = |value: &str| {
        let hash = Sha256::digest(raw).iter().take(8).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        format!("LEFT(SHA2({value}, 256), 16) = '{hash}'")
    };
    let shown = match source_type {
        SourceType::Text { .. } | SourceType::Enum | SourceType::Set => {
            return by_hash(&format!("CONVERT({name} USING utf8mb4)"));
        }
        SourceType::Binary => return by_hash(name),
        _ => bind(source_type, raw),
    };
    match shown {
        Some(Bind::Int(value)) => format!("{name}={value}"),
        Some(Bind::UInt(value)) => format!("{name}={value}"),
        Some(Bind::Text(value)) => format!("{name}={value}"),
        Some(Bind::Bytes(_)) | None => format!("a {name} that is not shown here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_its_key_and_text_is_not_shown() {
        let text = SourceType::Text { chars: None };
        assert_eq!(condition("id", &SourceType::Int { bits: 32, unsigned: false }, Some(&[42, 0, 0, 0])), "id=42");
        // printf a-1 | sha256sum
        let hash = "LEFT(SHA2(CONVERT(k USING utf8mb4), 256), 16) = '2f8fe63a6224321d'";
        assert_eq!(condition("k", &text, Some(b"a-1")), hash);
        assert!(
            condition("k", &SourceType::Binary, Some(&[0xff]))
                .starts_with("LEFT(SHA2(k, 256), 16) = 'a8100ae6aa1940d0")
        );
        assert_eq!(condition("k", &text, None), "k IS NULL");
        assert_eq!(condition("k", &SourceType::Inet, Some(b"10.0.0.1")), "a k that is not shown here");
    }
}
