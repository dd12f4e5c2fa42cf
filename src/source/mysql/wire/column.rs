//! The columns that a server announces for its rows.

use sqlx::Error;

use super::fields::{Fields, malformed};

const UNSIGNED: u16 = 0x0020;
const BINARY: u16 = 0x0080;
const ENUM: u16 = 0x0100;
const SET: u16 = 0x0800;

/// How the length of a cell is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Fixed(u8),
    /// One byte with the length, which is kept as part of the cell.
    Short,
    /// A length-encoded integer before the cell.
    Counted,
    /// The cell is always NULL.
    Null,
}

/// A column of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The type as `DESCRIBE` would write it, without its length.
    pub name: &'static str,
    pub width: Width,
}

impl Column {
    /// Reads the packet that defines a column.
    ///
    /// # Errors
    /// For a malformed packet, or an unknown type.
    pub fn read(packet: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::of(packet);
        // Catalog, schema, two names of the table, two of the column.
        for _ in 0..6 {
            fields.counted()?;
        }
        if fields.number()? != 12 {
            return Err(malformed("a column's definition is none"));
        }
        let (_collation, length, kind, flags) = (fields.u16()?, fields.u32()?, fields.u8()?, fields.u16()?);
        Ok(Self { name: name(kind, flags, length)?, width: width(kind) })
    }
}

/// The types and their codes: "Protocol::ColumnType" of MySQL. A TINYINT of one digit is `BOOLEAN`, whatever its sign.
fn name(kind: u8, flags: u16, length: u32) -> Result<&'static str, Error> {
    let either = |flag: u16, yes: &'static str, no: &'static str| if flags & flag == 0 { no } else { yes };
    Ok(match kind {
        0x01 if length == 1 => "BOOLEAN",
        0x01 => either(UNSIGNED, "TINYINT UNSIGNED", "TINYINT"),
        0x02 => either(UNSIGNED, "SMALLINT UNSIGNED", "SMALLINT"),
        0x03 => either(UNSIGNED, "INT UNSIGNED", "INT"),
        0x09 => either(UNSIGNED, "MEDIUMINT UNSIGNED", "MEDIUMINT"),
        0x08 => either(UNSIGNED, "BIGINT UNSIGNED", "BIGINT"),
        0x04 => "FLOAT",
        0x05 => "DOUBLE",
        0x06 => "NULL",
        0x07 => "TIMESTAMP",
        0x0a => "DATE",
        0x0b => "TIME",
        0x0c => "DATETIME",
        0x0d => "YEAR",
        0x10 => "BIT",
        0xf5 => "JSON",
        0x00 | 0xf6 => "DECIMAL",
        0xf7 => "ENUM",
        0xf8 => "SET",
        0xf9 => either(BINARY, "TINYBLOB", "TINYTEXT"),
        0xfa => either(BINARY, "MEDIUMBLOB", "MEDIUMTEXT"),
        0xfb => either(BINARY, "LONGBLOB", "LONGTEXT"),
        0xfc => either(BINARY, "BLOB", "TEXT"),
        0x0f | 0xfd => either(BINARY, "VARBINARY", "VARCHAR"),
        0xfe if flags & BINARY != 0 => "BINARY",
        0xfe if flags & ENUM != 0 => "ENUM",
        0xfe if flags & SET != 0 => "SET",
        0xfe => "CHAR",
        0xff => "GEOMETRY",
        other => return Err(Error::Protocol(format!("unknown column type 0x{other:02x}"))),
    })
}

/// "Binary Protocol Value" of MySQL.
const fn width(kind: u8) -> Width {
    match kind {
        0x01 => Width::Fixed(1),
        0x02 | 0x0d => Width::Fixed(2),
        0x03 | 0x04 | 0x09 => Width::Fixed(4),
        0x05 | 0x08 => Width::Fixed(8),
        0x06 => Width::Null,
        0x07 | 0x0a | 0x0b | 0x0c => Width::Short,
        _ => Width::Counted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::wire::crafted::definition;

    #[test]
    fn a_column_is_named_by_its_type_and_flags() {
        let of = |kind, flags, length| Column::read(&definition(kind, flags, length)).unwrap();
        assert_eq!(of(0x01, 0, 1), Column { name: "BOOLEAN", width: Width::Fixed(1) });
        assert_eq!(of(0x01, UNSIGNED, 3).name, "TINYINT UNSIGNED");
        assert_eq!(of(0x08, UNSIGNED, 20), Column { name: "BIGINT UNSIGNED", width: Width::Fixed(8) });
        assert_eq!(of(0x0c, 0, 26), Column { name: "DATETIME", width: Width::Short });
        assert_eq!(of(0xfe, ENUM, 8), Column { name: "ENUM", width: Width::Counted });
        assert_eq!(of(0xfd, BINARY, 64).name, "VARBINARY");
        assert_eq!(of(0x06, BINARY, 0), Column { name: "NULL", width: Width::Null });
    }

    #[test]
    fn an_unknown_type_and_a_truncated_definition_are_errors() {
        let said = Column::read(&definition(0xf2, 0, 4)).unwrap_err().to_string();
        assert!(said.contains("unknown column type 0xf2"), "{said}");
        let whole = definition(0x03, 0, 11);
        for end in 0..whole.len() - 3 {
            assert!(Column::read(&whole[..end]).is_err(), "{end}");
        }
    }
}
