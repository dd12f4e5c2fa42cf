//! The statement that reads a table's rows together with the fields for their checksums by part.

use super::select::selected;
use crate::domain::ids::SourceTable;
use crate::domain::plan::TablePlan;
use crate::domain::verify::ByParts;
use crate::source::mysql::session::Flavour;
use crate::source::mysql::sql::{Query, rows};
use crate::source::mysql::{content, digest};

/// One statement, so that all rows are those of one moment.
pub fn statement(source: &SourceTable, plan: &TablePlan, by: &ByParts, flavour: Flavour) -> Query {
    let columns = plan.columns.iter().map(|column| selected(column, flavour));
    let columns: Vec<_> = columns.chain([content::field(&by.comparison, by.grain)]).collect();
    let within = by.within.as_ref().map(|parts| digest::within(&by.comparison, parts));
    Query::plain(format!("SELECT {} {}", columns.join(", "), rows(source, within.as_deref())))
}
