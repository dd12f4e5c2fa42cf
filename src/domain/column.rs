//! Columns and tables as each side describes them.

use super::source_type::SourceType;
use super::target_type::TargetType;

/// A column of a MySQL table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceColumn {
    pub name: String,
    pub source_type: SourceType,
    pub nullable: bool,
}

/// What the catalogue says of a MySQL table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSchema {
    /// In the table's own order.
    pub columns: Vec<SourceColumn>,
    /// Columns of each unique index (the primary key first), in index order.
    pub unique_keys: Vec<Vec<String>>,
    /// Columns of every index that can order rows, unique ones included, in index order.
    pub indexes: Vec<Vec<String>>,
    pub is_view: bool,
    /// The server's estimate of the rows in the table; `None` for views.
    pub rows_estimate: Option<u64>,
}

impl SourceSchema {
    /// Finds a column as MySQL does: ignoring case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|c| same_name(&c.name, name))
    }
}

/// A column of a BigQuery table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetColumn {
    pub name: String,
    pub target_type: TargetType,
    pub required: bool,
}

/// What BigQuery says of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetSchema {
    pub columns: Vec<TargetColumn>,
    /// Rows outside the streaming buffer.
    pub rows: u64,
}

impl TargetSchema {
    /// Finds a column as BigQuery does: ignoring case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&TargetColumn> {
        self.columns.iter().find(|c| same_name(&c.name, name))
    }
}

/// Both servers hold column names unique regardless of case.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}
