//! The types in which a view's columns really arrive. The catalogue gives the declared types, but a query may send
//! others: MySQL 9 describes `YEAR(d)` as YEAR and sends an INT UNSIGNED; it describes a BIT from a CASE as INT
//! UNSIGNED and sends a BIT.

use sqlx::{Column, Statement, TypeInfo};

use super::session::Session;
use super::{sql, wire};
use crate::domain::column::SourceColumn;
use crate::domain::ids::SourceTable;
use crate::domain::source_type::SourceType;

/// Gives columns whose description is unreliable the type that the server announces for a query.
pub async fn retyped(
    session: &mut Session,
    table: &SourceTable,
    mut columns: Vec<SourceColumn>,
) -> Result<Vec<SourceColumn>, sqlx::Error> {
    // Read through a cast, because sqlx does not know the type.
    let is_read =
        |column: &&mut SourceColumn| !matches!(column.source_type, SourceType::Vector | SourceType::Unknown(_));
    let names: Vec<_> = columns.iter_mut().filter(is_read).map(|column| sql::identifier(&column.name)).collect();
    if names.is_empty() {
        return Ok(columns);
    }
    let select = format!("SELECT {} FROM {}", names.join(", "), sql::table_name(table));
    let announced = session.announced(select).await?;
    for (column, announced) in columns.iter_mut().filter(is_read).zip(announced.columns()) {
        let name = announced.type_info().name();
        if !wire::sends(&column.source_type, name) {
            column.source_type = arriving(name, &column.source_type);
        }
    }
    Ok(columns)
}

/// The type by sqlx's name, which has no precision: the widest is taken.
fn arriving(name: &str, described: &SourceType) -> SourceType {
    let int = |bits| SourceType::Int { bits, unsigned: name.ends_with(" UNSIGNED") };
    match name.trim_end_matches(" UNSIGNED") {
        "BOOLEAN" | "TINYINT" => int(8),
        "SMALLINT" => int(16),
        "MEDIUMINT" => int(24),
        "INT" => int(32),
        "BIGINT" => int(64),
        "YEAR" => SourceType::Year,
        "BIT" => match described {
            SourceType::Int { bits, .. } => SourceType::Bit { width: *bits },
            _ => SourceType::Bit { width: 64 },
        },
        "DECIMAL" => SourceType::Decimal { precision: 65, scale: 30 },
        "FLOAT" => SourceType::Float,
        "DOUBLE" => SourceType::Double,
        "DATE" => SourceType::Date,
        "DATETIME" => SourceType::DateTime { fsp: 6 },
        "TIMESTAMP" => SourceType::Timestamp { fsp: 6 },
        "TIME" => SourceType::Time { fsp: 6 },
        "JSON" => SourceType::Json,
        "GEOMETRY" => SourceType::Geometry,
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => SourceType::Binary,
        _ => SourceType::Text { chars: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arriving_type_decides_and_keeps_described_details() {
        let unsigned = |bits| SourceType::Int { bits, unsigned: true };
        assert_eq!(arriving("BIT", &unsigned(32)), SourceType::Bit { width: 32 });
        assert_eq!(arriving("INT UNSIGNED", &SourceType::Bit { width: 5 }), unsigned(32));
        assert_eq!(arriving("BIGINT", &SourceType::Date), SourceType::Int { bits: 64, unsigned: false });
        assert_eq!(arriving("VARCHAR", &SourceType::Date), SourceType::Text { chars: None });
        // Whatever it becomes, the check of the rows accepts it.
        for name in [
            "BOOLEAN",
            "TINYINT",
            "INT",
            "INT UNSIGNED",
            "BIGINT UNSIGNED",
            "YEAR",
            "BIT",
            "DECIMAL",
            "FLOAT",
            "DOUBLE",
            "DATE",
            "DATETIME",
            "TIMESTAMP",
            "TIME",
            "JSON",
            "GEOMETRY",
            "BLOB",
            "VARBINARY",
            "ENUM",
            "TEXT",
            "CHAR",
        ] {
            assert!(wire::sends(&arriving(name, &SourceType::Date), name), "{name}");
        }
    }
}
