//! Compares the type table with its own rules and with docs/types.md.

use super::*;
use crate::domain::source_type::CatalogType;

fn decimal(precision: u8, scale: u8) -> SourceType {
    SourceType::Decimal { precision, scale }
}

#[test]
fn a_decimal_takes_the_smallest_type_that_holds_it() {
    assert_eq!(default_target(&decimal(38, 9)), Some(TargetType::Numeric(None)));
    assert_eq!(default_target(&decimal(38, 0)), Some(TargetType::BigNumeric(None)));
    assert_eq!(default_target(&decimal(65, 30)), Some(TargetType::BigNumeric(None)));
    assert_eq!(default_target(&decimal(65, 0)), Some(TargetType::String(None)));
}

#[test]
fn every_default_is_lossless() {
    let sources = [
        SourceType::Int { bits: 64, unsigned: true },
        SourceType::Int { bits: 8, unsigned: false },
        decimal(65, 30),
        decimal(65, 0),
        decimal(10, 2),
        SourceType::Float,
        SourceType::Bit { width: 1 },
        SourceType::Bit { width: 63 },
        SourceType::Bit { width: 64 },
        SourceType::Year,
        SourceType::Date,
        SourceType::DateTime { fsp: 6 },
        SourceType::Timestamp { fsp: 0 },
        SourceType::Time { fsp: 3 },
        SourceType::Text { chars: Some(20) },
        SourceType::Enum,
        SourceType::Set,
        SourceType::Binary,
        SourceType::Json,
        SourceType::Geometry,
        SourceType::Vector,
        SourceType::Uuid,
        SourceType::Inet,
    ];
    for source in sources {
        let target = default_target(&source).expect("a default");
        assert!(carriage(&source, &target).is_some_and(|c| c.lossless), "{source} -> {target}");
    }
}

#[test]
fn a_narrow_numeric_refuses_a_wide_decimal_and_widens() {
    let narrow = TargetType::Numeric(Some(DecimalShape { precision: 10, scale: 2 }));
    assert_eq!(carriage(&decimal(12, 2), &narrow), None);
    assert!(widens(&narrow, &TargetType::Numeric(None)));
    assert!(carriage(&decimal(10, 2), &narrow).is_some());
}

#[test]
fn text_never_goes_into_a_number_unless_asked() {
    let carried = carriage(&SourceType::Text { chars: None }, &TargetType::Int64).expect("by override");
    assert!(!carried.lossless);
    assert!(!widens(&TargetType::Int64, &TargetType::String(None)));
}

/// Every type that `columns:` accepts.
const CONFIGURABLE: [&str; 13] = [
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
];

/// The words between backticks, with `†` if it follows.
fn quoted(cell: &str) -> Vec<String> {
    let parts: Vec<_> = cell.split('`').collect();
    let words = parts.iter().enumerate().filter(|(i, _)| i % 2 == 1);
    words.map(|(i, word)| format!("{word}{}", if parts[i + 1].starts_with('†') { "†" } else { "" })).collect()
}

/// `DECIMAL(10,2)` as the catalogue would describe it.
fn source_type(spelled: &str) -> SourceType {
    let column_type = spelled.to_lowercase();
    let data_type = column_type.split(['(', ' ']).next().unwrap();
    let inner = column_type.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let mut numbers = inner.split(',').map(|n| n.parse().ok());
    let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
    SourceType::from_catalog(&CatalogType {
        data_type,
        column_type: &column_type,
        numeric_precision: first,
        numeric_scale: second,
        datetime_precision: first,
        character_maximum_length: None,
    })
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let page = include_str!("../../../docs/types.md");
    page.lines().filter(|line| line.starts_with("| `")).map(|line| line.trim_matches('|').split('|').collect())
}

#[test]
fn the_documented_type_table_matches_the_program() {
    for row in rows() {
        for spelled in quoted(row[0]) {
            let source = source_type(&spelled);
            let default = default_target(&source).unwrap_or_else(|| panic!("{spelled} is unknown"));
            assert_eq!(quoted(row[1]), [default.to_string()], "default of {spelled}");
            let documented = quoted(row[2]);
            for name in CONFIGURABLE {
                let target: TargetType = name.parse().unwrap();
                let expected = carriage(&source, &target)
                    .filter(|_| target != default)
                    .map(|way| format!("{name}{}", if way.lossless { "" } else { "†" }));
                let found = documented.iter().find(|word| word.trim_end_matches('†') == name);
                assert_eq!(found, expected.as_ref(), "{spelled} as {name}");
            }
            assert!(documented.iter().all(|d| CONFIGURABLE.contains(&d.trim_end_matches('†'))), "{documented:?}");
        }
    }
}

#[test]
fn every_type_the_catalogue_names_is_documented() {
    let documented: Vec<String> = rows().flat_map(|row| quoted(row[0])).collect();
    let names = "tinyint smallint mediumint int bigint decimal float double bit year date datetime timestamp time char \
                 varchar tinytext text mediumtext longtext enum set binary varbinary tinyblob blob mediumblob longblob \
                 json geometry point linestring polygon multipoint multilinestring multipolygon geometrycollection \
                 vector uuid inet4 inet6";
    for name in names.split_whitespace() {
        let listed = documented.iter().any(|d| d.to_lowercase().split(['(', ' ']).next() == Some(name));
        assert!(listed, "{name}");
    }
    assert_eq!(default_target(&source_type("XMLTYPE")), None);
}

#[test]
fn a_catalogue_without_numbers_does_not_panic_the_type_table() {
    let odd = decimal(0, 30);
    assert_eq!(default_target(&odd), Some(TargetType::BigNumeric(None)));
    assert!(carriage(&odd, &TargetType::BigNumeric(None)).is_some());
}
