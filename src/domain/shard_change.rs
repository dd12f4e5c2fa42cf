//! A mapping whose target rows came as one shard's and are to be another's: which rows are still the former shard's,
//! and the statement that makes them the new one's.

use super::column::TargetSchema;
use super::ids::TableId;
use super::quote;
use super::table_shard::TableShard;

/// The shard that a mapping's rows came as, and the one that they are to be. `None`: all rows of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardChange {
    pub from: Option<TableShard>,
    pub to: Option<TableShard>,
}

/// Target rows that would be counted to the wrong shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strays {
    Of(TableShard),
    /// The first shard's rows, without those of the second, which another column marks.
    OnlyOf(TableShard, TableShard),
    /// Rows whose column of this name is NULL.
    OfNone(String),
    NotOf(TableShard),
}

impl ShardChange {
    /// The strays that this target may hold; `None` if it cannot hold any.
    #[must_use]
    pub fn strays(&self, target: &TargetSchema) -> Option<Strays> {
        let is_there = |shard: &TableShard| target.has_texts(&shard.column);
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if from.is_column(&to.column) => {
                (is_there(from) && from.value != to.value).then(|| Strays::Of(from.clone()))
            }
            // The column has been renamed and has kept its values.
            (Some(from), Some(to)) if !is_there(from) => {
                let renamed = TableShard { column: to.column.clone(), value: from.value.clone() };
                (is_there(to) && from.value != to.value).then_some(Strays::Of(renamed))
            }
            (Some(from), Some(to)) if is_there(to) => Some(Strays::OnlyOf(from.clone(), to.clone())),
            (Some(from), Some(_)) => Some(Strays::Of(from.clone())),
            (None, Some(to)) => is_there(to).then(|| Strays::OfNone(to.column.clone())),
            (Some(from), None) => is_there(from).then(|| Strays::NotOf(from.clone())),
            (None, None) => None,
        }
    }

    /// The statement that makes the strays rows of the new shard; `None` if the mapping has no shard now.
    #[must_use]
    pub fn statement(&self, table: &TableId, target: &TargetSchema, strays: &Strays) -> Option<String> {
        let to = self.to.as_ref()?;
        let (table, column) = (quote::bigquery_table(table), quote::bigquery_name(&to.column));
        let adding = if target.column(&to.column).is_none() {
            format!("ALTER TABLE {table} ADD COLUMN {column} STRING; ")
        } else {
            String::new()
        };
        let which = match strays {
            Strays::Of(shard) | Strays::OnlyOf(shard, _) => shard.condition(""),
            Strays::OfNone(_) | Strays::NotOf(_) => strays.condition(),
        };
        let filter = target.partitioning.as_ref().and_then(|by| by.condition(""));
        let filter = filter.map(|filter| format!(" AND {filter}")).unwrap_or_default();
        Some(format!("{adding}UPDATE {table} SET {column} = {} WHERE {which}{filter}", to.literal()))
    }
}

impl Strays {
    /// The condition that a row is one of the strays.
    #[must_use]
    pub fn condition(&self) -> String {
        match self {
            Self::Of(shard) => shard.condition(""),
            Self::OnlyOf(shard, other) => format!("{} AND {}", shard.condition(""), other.exclusion()),
            Self::OfNone(column) => format!("{} IS NULL", quote::bigquery_name(column)),
            Self::NotOf(shard) => shard.exclusion(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::column::TargetColumn;
    use crate::domain::target_type::TargetType;

    fn shard(text: &str) -> Option<TableShard> {
        let (column, value) = text.split_once('=')?;
        Some(TableShard { column: column.into(), value: value.into() })
    }

    /// The condition of the strays, and the statement, for a change in a table with these columns; empty if there is
    /// none.
    fn of(from: &str, to: &str, columns: &[&str]) -> (String, String) {
        let columns = columns.iter().map(|name| TargetColumn::new(*name, TargetType::String(None), false)).collect();
        let target = TargetSchema { columns, ..TargetSchema::default() };
        let table = TableId { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let change = ShardChange { from: shard(from), to: shard(to) };
        let strays = change.strays(&target);
        let statement = strays.as_ref().and_then(|strays| change.statement(&table, &target, strays));
        (strays.map(|strays| strays.condition()).unwrap_or_default(), statement.unwrap_or_default())
    }

    #[test]
    fn a_changed_shard_value_affects_the_rows_with_the_former_value() {
        let (strays, statement) = of("_shard=it's", "_shard=new", &["_SHARD"]);
        assert_eq!(strays, r"`_shard` = 'it\'s'");
        assert_eq!(statement, r"UPDATE `p.d.t` SET `_shard` = 'new' WHERE `_shard` = 'it\'s'");
        assert_eq!(of("_shard=a", "_SHARD=a", &["_shard"]).0, "");
        assert_eq!(of("_shard=a", "_shard=b", &["id"]).0, "", "a table without the column holds none");
    }

    #[test]
    fn a_changed_shard_column_affects_the_rows_that_only_the_former_column_marks() {
        let (strays, statement) = of("a=eu", "b=eu", &["a"]);
        assert_eq!(strays, "`a` = 'eu'");
        assert_eq!(
            statement,
            "ALTER TABLE `p.d.t` ADD COLUMN `b` STRING; UPDATE `p.d.t` SET `b` = 'eu' WHERE `a` = 'eu'"
        );
        let (strays, statement) = of("a=eu", "b=eu", &["a", "b"]);
        assert_eq!(strays, "`a` = 'eu' AND (`b` IS NULL OR `b` <> 'eu')");
        assert_eq!(statement, "UPDATE `p.d.t` SET `b` = 'eu' WHERE `a` = 'eu'");
        assert_eq!(of("a=eu", "b=eu", &["b"]).0, "", "it was renamed in BigQuery");
        assert_eq!(of("a=eu", "b=us", &["b"]).0, "`b` = 'eu'");
    }

    #[test]
    fn adding_a_shard_affects_unmarked_rows_and_removing_one_affects_all_other_rows() {
        let (strays, statement) = of("", "a=eu", &["a"]);
        assert_eq!(strays, "`a` IS NULL");
        assert_eq!(statement, "UPDATE `p.d.t` SET `a` = 'eu' WHERE `a` IS NULL");
        assert_eq!(of("", "a=eu", &["id"]).0, "", "the plan refuses such a table");
        assert_eq!(of("a=eu", "", &["a"]), ("(`a` IS NULL OR `a` <> 'eu')".to_owned(), String::new()));
    }
}
