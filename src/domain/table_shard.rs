//! A shard of a table: one of several tables in MySQL whose rows share one table in BigQuery, where a column of ours
//! tells them apart. (A [`Shard`](super::shard::Shard) is one of several processes that share a run.)

use super::column::same_name;
use super::quote;

/// Which rows of the target belong to a mapping; the mapping reads and changes only these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

    /// The value as a SQL literal.
    #[must_use]
    pub fn literal(&self) -> String {
        quote::bigquery_text(&self.value)
    }

    /// Tells if this is the shard's column. BigQuery's names ignore case.
    #[must_use]
    pub fn is_column(&self, name: &str) -> bool {
        same_name(&self.column, name)
    }
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
