//! The types a MySQL or MariaDB column can have, parsed from `information_schema.columns`.

use std::fmt;

/// A column type of MySQL 9 or MariaDB 11, as far as it decides how a value is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceType {
    /// TINYINT to BIGINT; `bits` is 8, 16, 24, 32 or 64.
    Int {
        bits: u8,
        unsigned: bool,
    },
    /// `precision` up to 65, `scale` up to 30.
    Decimal {
        precision: u8,
        scale: u8,
    },
    Float,
    Double,
    /// `width` 1 to 64.
    Bit {
        width: u8,
    },
    Year,
    Date,
    /// A wall-clock time without a zone; `fsp` is its digits below the second, 0 to 6.
    DateTime {
        fsp: u8,
    },
    /// An instant; the session reads it in UTC.
    Timestamp {
        fsp: u8,
    },
    /// A span of -838:59:59 to 838:59:59.
    Time {
        fsp: u8,
    },
    /// CHAR, VARCHAR and the TEXTs; `chars` is the longest value in characters where the catalogue states it.
    Text {
        chars: Option<u64>,
    },
    Enum,
    Set,
    /// BINARY, VARBINARY and the BLOBs.
    Binary,
    Json,
    /// POINT to GEOMETRYCOLLECTION.
    Geometry,
    Vector,
    /// MariaDB's UUID.
    Uuid,
    /// MariaDB's INET4 and INET6.
    Inet,
    /// A type that this version does not know; it is named but never read.
    Unknown(String),
}

/// One row of `information_schema.columns`, as far as the type depends on it.
#[derive(Debug, Clone, Default)]
pub struct CatalogType<'a> {
    /// DATA_TYPE in any case: `bigint`.
    pub data_type: &'a str,
    /// COLUMN_TYPE in any case: `bigint(20) unsigned`.
    pub column_type: &'a str,
    pub numeric_precision: Option<u64>,
    pub numeric_scale: Option<u64>,
    pub datetime_precision: Option<u64>,
    pub character_maximum_length: Option<u64>,
}

impl SourceType {
    /// Reads the type from the catalogue's words.
    #[must_use]
    pub fn from_catalog(entry: &CatalogType<'_>) -> Self {
        let data_type = entry.data_type.to_ascii_lowercase();
        let unsigned = entry.column_type.to_ascii_lowercase().contains("unsigned");
        let fsp = small(entry.datetime_precision);
        match data_type.as_str() {
            "tinyint" => Self::Int { bits: 8, unsigned },
            "smallint" => Self::Int { bits: 16, unsigned },
            "mediumint" => Self::Int { bits: 24, unsigned },
            "int" | "integer" => Self::Int { bits: 32, unsigned },
            "bigint" => Self::Int { bits: 64, unsigned },
            "decimal" | "numeric" => {
                Self::Decimal { precision: small(entry.numeric_precision), scale: small(entry.numeric_scale) }
            }
            "float" => Self::Float,
            "double" | "real" => Self::Double,
            "bit" => Self::Bit { width: small(entry.numeric_precision).max(1) },
            "year" => Self::Year,
            "date" => Self::Date,
            "datetime" => Self::DateTime { fsp },
            "timestamp" => Self::Timestamp { fsp },
            "time" => Self::Time { fsp },
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => {
                Self::Text { chars: entry.character_maximum_length }
            }
            "enum" => Self::Enum,
            "set" => Self::Set,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Self::Binary,
            "json" => Self::Json,
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
            | "geometrycollection" | "geomcollection" => Self::Geometry,
            "vector" => Self::Vector,
            "uuid" => Self::Uuid,
            "inet4" | "inet6" => Self::Inet,
            _ => Self::Unknown(data_type),
        }
    }

    /// The digits below the second of a temporal type.
    #[must_use]
    pub const fn fractional_digits(&self) -> u8 {
        match self {
            Self::DateTime { fsp } | Self::Timestamp { fsp } | Self::Time { fsp } => *fsp,
            _ => 0,
        }
    }
}

/// Which characters the values of a type consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Characters {
    /// No text: numbers, times, bytes, and types with a form of their own.
    No,
    /// Any text: CHAR, VARCHAR and the TEXTs.
    Free,
    /// Only texts that the column's definition lists: a few values that repeat.
    Listed,
}

impl SourceType {
    #[must_use]
    pub const fn characters(&self) -> Characters {
        match self {
            Self::Text { .. } => Characters::Free,
            Self::Enum | Self::Set => Characters::Listed,
            Self::Int { .. }
            | Self::Decimal { .. }
            | Self::Float
            | Self::Double
            | Self::Bit { .. }
            | Self::Year
            | Self::Date
            | Self::DateTime { .. }
            | Self::Timestamp { .. }
            | Self::Time { .. }
            | Self::Binary
            | Self::Json
            | Self::Geometry
            | Self::Vector
            | Self::Uuid
            | Self::Inet
            | Self::Unknown(_) => Characters::No,
        }
    }
}

/// Catalogue numbers are 64 bits wide, but none of these exceeds 65.
fn small(value: Option<u64>) -> u8 {
    value.and_then(|v| u8::try_from(v).ok()).unwrap_or(0)
}

impl fmt::Display for SourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_fsp = |f: &mut fmt::Formatter<'_>, name: &str, fsp: u8| match fsp {
            0 => f.write_str(name),
            n => write!(f, "{name}({n})"),
        };
        match self {
            Self::Int { bits, unsigned } => {
                let name = match bits {
                    8 => "TINYINT",
                    16 => "SMALLINT",
                    24 => "MEDIUMINT",
                    32 => "INT",
                    _ => "BIGINT",
                };
                write!(f, "{name}{}", if *unsigned { " UNSIGNED" } else { "" })
            }
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision},{scale})"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Bit { width } => write!(f, "BIT({width})"),
            Self::Year => f.write_str("YEAR"),
            Self::Date => f.write_str("DATE"),
            Self::DateTime { fsp } => with_fsp(f, "DATETIME", *fsp),
            Self::Timestamp { fsp } => with_fsp(f, "TIMESTAMP", *fsp),
            Self::Time { fsp } => with_fsp(f, "TIME", *fsp),
            Self::Text { .. } => f.write_str("TEXT"),
            Self::Enum => f.write_str("ENUM"),
            Self::Set => f.write_str("SET"),
            Self::Binary => f.write_str("BINARY"),
            Self::Json => f.write_str("JSON"),
            Self::Geometry => f.write_str("GEOMETRY"),
            Self::Vector => f.write_str("VECTOR"),
            Self::Uuid => f.write_str("UUID"),
            Self::Inet => f.write_str("INET"),
            Self::Unknown(name) => f.write_str(&name.to_ascii_uppercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_servers_type_names_give_the_same_type() {
        let maria = CatalogType { data_type: "int", column_type: "int(10) unsigned", ..Default::default() };
        let mysql = CatalogType { data_type: "INT", column_type: "int unsigned", ..Default::default() };
        let expected = SourceType::Int { bits: 32, unsigned: true };
        assert_eq!(SourceType::from_catalog(&maria), expected);
        assert_eq!(SourceType::from_catalog(&mysql), expected);
    }

    #[test]
    fn an_unknown_type_keeps_its_name() {
        let entry = CatalogType { data_type: "xmltype", column_type: "xmltype", ..Default::default() };
        assert_eq!(SourceType::from_catalog(&entry).to_string(), "XMLTYPE");
    }
}
