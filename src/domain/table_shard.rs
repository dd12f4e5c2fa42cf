//! A shard of a table: one of several tables in MySQL whose rows share one table in BigQuery, where a column of ours
//! tells them apart. (A [`Shard`](super::shard::Shard) is one of several processes that share a run.)

use serde::{Deserialize, Serialize};

use super::column::same_name;
use super::ids::TableId;
use super::quote;

/// A shard's rows in the target: its mapping reads and changes only these.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableShard {
    /// The name of the column in the target.
    pub column: String,
    /// The value of the column in each row of the shard.
    pub value: String,
}

impl TableShard {
    /// The condition that a row of the target belongs to the shard. `alias`: the table's in the statement; empty if it
    /// has none.
    #[must_use]
    pub fn condition(&self, alias: &str) -> String {
        let name = quote::bigquery_name(&self.column);
        let name = if alias.is_empty() { name } else { format!("{alias}.{name}") };
        format!("{name} = {}", self.literal())
    }

    /// The condition that a row does not belong to the shard.
    #[must_use]
    pub fn exclusion(&self) -> String {
        let name = quote::bigquery_name(&self.column);
        format!("({name} IS NULL OR {name} <> {})", self.literal())
    }

    /// The value as a literal in a statement.
    #[must_use]
    pub fn literal(&self) -> String {
        quote::bigquery_text(&self.value)
    }

    /// Tells if both shards have the same rows.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.is_column(&other.column) && self.value == other.value
    }

    /// Tells if this is the shard's column; BigQuery's names ignore case.
    #[must_use]
    pub fn is_column(&self, name: &str) -> bool {
        same_name(&self.column, name)
    }
}

/// The statement that deletes all rows of a table, or only those of a shard.
#[must_use]
pub fn emptying(table: &TableId, shard: Option<&TableShard>) -> String {
    let table = quote::bigquery_table(table);
    match shard {
        Some(shard) => format!("DELETE FROM {table} WHERE {}", shard.condition("")),
        None => format!("TRUNCATE TABLE {table}"),
    }
}

/// The beginning of a condition on rows of a table, which lets only those of the shard match: empty without a shard.
#[must_use]
pub fn of_shard_and(shard: Option<&TableShard>) -> String {
    shard.map(|shard| format!("{} AND ", shard.condition(""))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let shard = TableShard { column: "_sh`ard".into(), value: "it's) OR (TRUE".into() };
        assert_eq!(shard.condition("__t"), "__t.`_sh\\`ard` = 'it\\'s) OR (TRUE'");
        assert_eq!(shard.condition(""), "`_sh\\`ard` = 'it\\'s) OR (TRUE'");
    }
}
