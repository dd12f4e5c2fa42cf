//! Checks that rows have the planned columns.

use super::column::Column;
use crate::domain::counted::counted;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::SourceTable;
use crate::domain::plan::TablePlan;
use crate::domain::source_type::SourceType;

/// Compares the columns that the server announces with the plan: integers of another width or sign would decode as
/// nonsense. `more`: the number of columns that were selected in addition to the plan's.
///
/// # Errors
/// `Schema` if a column has changed its type since it was described, `Bug` if the number of columns differs.
pub fn check(columns: &[Column], plan: &TablePlan, more: usize, table: &SourceTable) -> Result<(), Fault> {
    let sent: Vec<_> = columns.iter().map(|column| column.name).collect();
    compare(&sent, plan, more, table)
}

fn compare(sent: &[&str], plan: &TablePlan, more: usize, table: &SourceTable) -> Result<(), Fault> {
    // A missing cell would read as NULL.
    let (asked, came) = (plan.columns.len() + more, sent.len());
    if came != asked {
        return Err(Fault::new(
            FaultKind::Bug,
            format!("{} of {table} were selected, but {came} arrived", counted(asked, "column")),
        ));
    }
    let mut both = plan.columns.iter().zip(sent);
    let Some((column, wire)) = both.find(|(column, wire)| !sends(&column.source.source_type, wire)) else {
        return Ok(());
    };
    let sentence = format!(
        "Column `{}` of {table} was described as {}, but arrives as {wire}",
        column.source.name, column.source.source_type
    );
    Err(Fault::new(FaultKind::Schema, sentence).with_hint(
        "if the table was altered during the run, run again; if it is a view, give the column a type there: CAST(... AS ...)",
    ))
}

/// Whether a column of that type may arrive with that type name of sqlx. A TINYINT(1), signed or not, is sqlx's
/// `BOOLEAN`.
pub fn sends(source_type: &SourceType, wire: &str) -> bool {
    const SIGNED: [&str; 6] = ["BOOLEAN", "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"];
    let is_unsigned = wire.ends_with(" UNSIGNED") || wire == "BOOLEAN";
    match source_type {
        // An expression of a view that is always NULL.
        _ if wire == "NULL" => true,
        SourceType::Int { unsigned: false, .. } => SIGNED.contains(&wire),
        SourceType::Int { unsigned: true, .. } => is_unsigned,
        // A view's `YEAR(d)`, although described as YEAR, may arrive as an integer.
        SourceType::Year => wire == "YEAR" || SIGNED.contains(&wire) || is_unsigned,
        SourceType::Decimal { .. } => wire == "DECIMAL",
        SourceType::Float => wire == "FLOAT",
        SourceType::Double => wire == "DOUBLE",
        SourceType::Bit { .. } => wire == "BIT",
        SourceType::Date => wire == "DATE",
        SourceType::DateTime { .. } => wire == "DATETIME",
        SourceType::Timestamp { .. } => wire == "TIMESTAMP",
        SourceType::Time { .. } => wire == "TIME",
        SourceType::Text { .. }
        | SourceType::Enum
        | SourceType::Set
        | SourceType::Binary
        | SourceType::Json
        | SourceType::Geometry
        | SourceType::Vector
        | SourceType::Uuid
        | SourceType::Inet => {
            const OTHERS: [&str; 9] =
                ["YEAR", "DECIMAL", "FLOAT", "DOUBLE", "BIT", "DATE", "DATETIME", "TIMESTAMP", "TIME"];
            !(OTHERS.contains(&wire) || SIGNED.contains(&wire) || is_unsigned)
        }
        SourceType::Unknown(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::samples::{column, plan};

    #[test]
    fn a_row_must_have_the_number_of_selected_columns() {
        let int = || SourceType::Int { bits: 32, unsigned: false };
        let plan = plan(vec![column("a", int()), column("b", int())], &[0], 0);
        let table = SourceTable::whole(None, "t".into());
        let said = |sent: &[&str]| compare(sent, &plan, 0, &table).map_err(|fault| (fault.kind(), fault.to_string()));
        assert_eq!(said(&["INT", "INT"]), Ok(()));
        for sent in [&["INT"][..], &["INT", "INT", "INT"]] {
            let words = format!("2 columns of t were selected, but {} arrived", sent.len());
            assert_eq!(said(sent), Err((FaultKind::Bug, words)));
        }
        assert_eq!(said(&["INT", "VARCHAR"]).unwrap_err().0, FaultKind::Schema);
    }

    #[test]
    fn a_column_whose_type_changed_is_noticed() {
        let int = |unsigned| SourceType::Int { bits: 32, unsigned };
        assert!(sends(&int(false), "BIGINT") && sends(&int(true), "INT UNSIGNED"));
        assert!(!sends(&int(false), "INT UNSIGNED") && !sends(&int(false), "VARCHAR"));
        assert!(sends(&SourceType::Int { bits: 8, unsigned: true }, "BOOLEAN"));
        assert!(sends(&SourceType::Year, "INT UNSIGNED") && sends(&SourceType::Year, "INT"));
        assert!(!sends(&SourceType::Year, "VARCHAR") && !sends(&SourceType::Year, "BIT"));
        assert!(!sends(&SourceType::DateTime { fsp: 0 }, "TIMESTAMP"));
        assert!(sends(&SourceType::Json, "LONGTEXT") && !sends(&SourceType::Json, "INT"));
        // The types in which `CAST(x AS BINARY)` arrives.
        for wire in ["BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"] {
            assert!(sends(&SourceType::Text { chars: None }, wire) && sends(&SourceType::Enum, wire), "{wire}");
        }
    }
}
