//! What happens to rows that BigQuery already holds when a column is added: no run reads them again, because their
//! incremental column has not changed.

use crate::domain::column::OldRows;
use crate::domain::config::{Mapping, Mode};
use crate::domain::quote;
use crate::domain::source_type::SourceType;
use crate::domain::table_shard::of_shard_and;

/// Why such rows may have a value in MySQL that BigQuery lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// MySQL filled in the column's default.
    Default,
    /// MySQL computes the column.
    Computed,
    /// Earlier runs have left the column out.
    LeftOut,
}

impl Gap {
    /// The gap of a new column; `None`: MySQL holds NULL in these rows as well.
    #[must_use]
    pub const fn of(old_rows: OldRows) -> Option<Self> {
        match old_rows {
            OldRows::Null => None,
            OldRows::Filled => Some(Self::Default),
            OldRows::Computed => Some(Self::Computed),
        }
    }

    /// The gap in a sentence, with its remedy, for a column that a run adds in BigQuery, or that a decision has it add.
    /// `cursor`: the incremental column's type.
    #[must_use]
    pub fn note(self, mapping: &Mapping, column: &str, cursor: &SourceType) -> String {
        self.note_of("NULL", mapping, column, cursor)
    }

    /// The same for a column that BigQuery had before: nobody can tell what it holds there.
    #[must_use]
    pub fn note_of_kept(self, mapping: &Mapping, column: &str, cursor: &SourceType) -> String {
        self.note_of("what they hold", mapping, column, cursor)
    }

    fn note_of(self, held: &str, mapping: &Mapping, column: &str, cursor: &SourceType) -> String {
        let why = match self {
            Self::Default => "while MySQL has filled in its default",
            Self::Computed => "while MySQL computes it",
            Self::LeftOut => "whatever MySQL holds there",
        };
        let heal = filling(mapping, &[column], cursor);
        format!("rows that BigQuery holds already keep {held} in it, {why}; {heal}")
    }
}

/// What fills columns in the rows that BigQuery holds already. `columns`: their names in BigQuery; `cursor`: the
/// incremental column's type.
#[must_use]
pub fn filling(mapping: &Mapping, columns: &[&str], cursor: &SourceType) -> String {
    match mapping.mode {
        Mode::Upsert => format!("`{}` fills them", backfill(mapping, cursor)),
        Mode::Replace => "the next run fills them".to_owned(),
        Mode::Mirror => "the run that adds it compares both sides, and fills them".to_owned(),
        // An append leaves alone a row whose key and cursor are there. A warning about such rows stays until a comparison
        // has found them equal.
        Mode::Append => {
            let values: Vec<_> = columns.iter().map(|name| format!("{} = ..", quote::bigquery_name(name))).collect();
            let own = of_shard_and(mapping.shard.as_ref());
            format!(
                "a backfill does not change rows of an append, so fill them in BigQuery (UPDATE {} SET {} WHERE {own}..), then \
                 run `bqsync verify {} --repair`, which compares them",
                quote::bigquery_table(&mapping.target),
                values.join(", "),
                quote::shell_option("--mapping", &mapping.name.0)
            )
        }
    }
}

/// The command that moves all rows of a mapping again, up to its watermark.
#[must_use]
pub fn backfill(mapping: &Mapping, cursor: &SourceType) -> String {
    let beginning = if matches!(cursor, SourceType::Int { .. }) { "0" } else { "1970-01-01" };
    let start = mapping.backfill_start.as_deref().unwrap_or(beginning);
    format!("bqsync backfill {} --start '{start}'", quote::shell_option("--mapping", &mapping.name.0))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::config::parse;

    #[test]
    fn a_name_that_a_shell_would_read_otherwise_is_quoted_in_the_command() {
        let told = |name: &str| {
            let text = format!(
                "project: p\ndataset: d\nmappings: [{{name: {name:?}, mysql_table: t, primary_keys: [id], incremental_column: at, \
                 mode: upsert}}]"
            );
            let config = parse(&text, Path::new("config.yaml"), &|_| None).expect("no problem");
            backfill(&config.mappings[0], &SourceType::Date)
        };
        assert_eq!(told("order items"), "bqsync backfill --mapping 'order items' --start '1970-01-01'");
        assert_eq!(
            told("o'brien $HOME `id` x"),
            r"bqsync backfill --mapping 'o'\''brien $HOME `id` x' --start '1970-01-01'"
        );
        assert_eq!(told("orders"), "bqsync backfill --mapping orders --start '1970-01-01'");
    }

    #[test]
    fn rows_of_an_append_are_filled_in_bigquery_and_then_compared() {
        let told = |more: &str| {
            let text = format!(
                "project: p\ndataset: d\nmappings: [{{name: t, mysql_table: t, incremental_column: at, mode: append{more}}}]"
            );
            let config = parse(&text, Path::new("config.yaml"), &|_| None).expect("no problem");
            filling(&config.mappings[0], &["a", "b"], &SourceType::Date)
        };
        let own = told("");
        assert!(own.contains(
            "(UPDATE `p.d.t` SET `a` = .., `b` = .. WHERE ..), then run `bqsync verify --mapping t --repair`"
        ));
        let shared = told(", shard_column: _shard, shard: eu");
        assert!(shared.contains("WHERE `_shard` = 'eu' AND ..)"), "{shared}");
    }
}
