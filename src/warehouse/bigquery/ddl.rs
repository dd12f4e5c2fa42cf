//! The statements that change a target table to what a plan wants.

mod options;

use super::literal::{column, table, text};
use crate::domain::config::Mode;
use crate::domain::ids::TableId;
use crate::domain::partitioning::PartitionUnit;
use crate::domain::plan::{ColumnPlan, TablePlan};
use crate::domain::schema::{SchemaDiff, Verdict};
use crate::domain::target_type::TargetType;

/// Source: BigQuery guide, "Primary and foreign keys".
const MOST_KEY_COLUMNS: usize = 16;

/// Source: BigQuery guide, "Clustered tables".
const MOST_CLUSTER_COLUMNS: usize = 4;

/// The statements, in the order they must run. Each may be run again after it has succeeded, except `DROP NOT NULL`,
/// which the next comparison no longer asks for.
#[must_use]
pub fn statements(id: &TableId, plan: &TablePlan, diff: &SchemaDiff) -> Vec<String> {
    if diff.creates_table {
        return vec![create(id, plan), keep(id, plan)];
    }
    let mut added = Vec::new();
    let mut altered = Vec::new();
    for change in &diff.columns {
        let name = column(&change.name);
        match &change.verdict {
            Verdict::New(kind) => {
                let described = plan.columns.iter().find(|c| c.target_name == change.name).and_then(described);
                added.push(format!("ADD COLUMN IF NOT EXISTS {name} {kind}{}", described.unwrap_or_default()));
            }
            Verdict::Widen(kind) => altered.push(format!("ALTER COLUMN {name} SET DATA TYPE {kind}")),
            Verdict::Relax => altered.push(format!("ALTER COLUMN {name} DROP NOT NULL")),
            Verdict::Same | Verdict::MissingInSource | Verdict::Conflict(_) => {}
        }
    }
    // A table takes five changes in ten seconds, so one statement makes all additions.
    let added = (!added.is_empty()).then(|| added.join(",\n  "));
    added.into_iter().chain(altered).map(|change| format!("ALTER TABLE {}\n  {change}", table(id))).collect()
}

fn create(id: &TableId, plan: &TablePlan) -> String {
    let mut lines: Vec<String> = plan
        .columns
        .iter()
        .map(|c| format!("  {} {}{}", column(&c.target_name), c.target_type, described(c).unwrap_or_default()))
        .collect();
    let shard = plan.shard.as_ref().map(|shard| column(&shard.column));
    lines.extend(shard.iter().map(|name| format!("  {name} {} NOT NULL", TargetType::String(None))));
    let ours = plan.deleted_column.iter().chain(&plan.loaded_at);
    lines.extend(ours.map(|name| format!("  {} {}", column(name), TargetType::Timestamp)));
    lines.extend(primary_key(plan));
    // A dataset may have another default collation; a MERGE would then treat `a` and `A` as one key.
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {} (\n{}\n)\nDEFAULT COLLATE ''", table(id), lines.join(",\n"));
    if let Some(expression) = options::partition(plan) {
        sql.push_str("\nPARTITION BY ");
        sql.push_str(&expression);
    }
    // The rows of a shard lie together, so that a statement about one shard reads no other's rows.
    let by = plan.cluster.iter().map(|&c| column(&plan.columns[c].target_name));
    let clustered: Vec<String> = shard.into_iter().chain(by).take(MOST_CLUSTER_COLUMNS).collect();
    if !clustered.is_empty() {
        sql.push_str("\nCLUSTER BY ");
        sql.push_str(&clustered.join(", "));
    }
    sql + "\nOPTIONS (" + &options::of_a_new_table(plan) + ")"
}

/// The column's comment in MySQL, as an option.
fn described(of: &ColumnPlan) -> Option<String> {
    of.source.comment.as_ref().map(|comment| format!(" OPTIONS (description = {})", text(comment)))
}

/// Takes away the expiry that a dataset may give each new table or its partitions. CREATE TABLE cannot do that: it
/// ignores an option that is NULL.
fn keep(id: &TableId, plan: &TablePlan) -> String {
    let by_time = plan.partitioning.as_ref().filter(|by| !matches!(by.unit, PartitionUnit::Range(_)));
    let partitions = match by_time {
        Some(by) if by.life.is_none() => ", partition_expiration_days = NULL",
        Some(_) | None => "",
    };
    format!("ALTER TABLE {}\n  {KEEP} = NULL{partitions})", table(id))
}

/// The beginning of the statement that takes a table's expiry away.
pub const KEEP: &str = "SET OPTIONS (expiration_timestamp";

/// BigQuery does not enforce the key, but its optimiser trusts it: declared only where the table holds each key once,
/// and with all key columns or none.
fn primary_key(plan: &TablePlan) -> Option<String> {
    let keys: Vec<&ColumnPlan> = plan.keys.iter().map(|&k| &plan.columns[k]).collect();
    let shard = plan.shard.as_ref().map(|shard| column(&shard.column));
    let allowed = plan.mode == Mode::Upsert
        && !keys.is_empty()
        && keys.len() + usize::from(shard.is_some()) <= MOST_KEY_COLUMNS
        && keys.iter().all(|c| c.target_type.can_be_key() && !c.source.nullable);
    allowed.then(|| {
        let names: Vec<String> = shard.into_iter().chain(keys.iter().map(|c| column(&c.target_name))).collect();
        format!("  PRIMARY KEY ({}) NOT ENFORCED", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{orders, target};
    use super::*;
    use crate::domain::partitioning::Partitioning;
    use crate::domain::schema::ColumnDiff;

    #[test]
    fn a_new_table_declares_its_keys_partitions_and_clusters() {
        let mut plan = orders();
        plan.partitioning = Some(Partitioning::by_day("updated_at".into()));
        let diff = SchemaDiff { creates_table: true, columns: vec![] };
        let expected = "CREATE TABLE IF NOT EXISTS `my-project.shop.orders` (
  `id` INT64,
  `updated_at` TIMESTAMP,
  `größe` STRING,
  `total` BIGNUMERIC,
  `doc` JSON,
  PRIMARY KEY (`id`) NOT ENFORCED
)
DEFAULT COLLATE ''
PARTITION BY TIMESTAMP_TRUNC(`updated_at`, DAY)
CLUSTER BY `id`
OPTIONS (labels = [('tool', 'bqsync')])";
        let keep = "ALTER TABLE `my-project.shop.orders`\n  SET OPTIONS (expiration_timestamp = NULL, \
                    partition_expiration_days = NULL)";
        assert_eq!(statements(&target(), &plan, &diff), [expected, keep]);
    }

    #[test]
    fn a_new_table_is_clustered_as_the_plan_says() {
        let mut plan = orders();
        plan.cluster = vec![2, 0];
        let statements = statements(&target(), &plan, &SchemaDiff { creates_table: true, columns: vec![] });
        assert!(
            statements[1].ends_with("(expiration_timestamp = NULL)"),
            "no partitions, no end of theirs: {statements:?}"
        );
        let sql = &statements[0];
        assert!(sql.contains("\nCLUSTER BY `größe`, `id`\n"), "{sql}");
    }

    #[test]
    fn the_column_that_marks_deleted_rows_is_made_with_the_table() {
        let mut plan = orders();
        plan.deleted_column = Some("gone".into());
        let sql = statements(&target(), &plan, &SchemaDiff { creates_table: true, columns: vec![] }).remove(0);
        assert!(sql.contains("  `gone` TIMESTAMP,\n  PRIMARY KEY"), "{sql}");
    }

    #[test]
    fn a_table_that_may_hold_several_versions_of_a_key_declares_none() {
        let plan = TablePlan { mode: Mode::Append, ..orders() };
        let sql = statements(&target(), &plan, &SchemaDiff { creates_table: true, columns: vec![] }).remove(0);
        assert!(!sql.contains("PRIMARY KEY") && sql.contains("CLUSTER BY `id`"), "{sql}");
    }

    #[test]
    fn a_key_that_bigquery_refuses_is_left_out() {
        let mut plan = orders();
        plan.columns[0].target_type = TargetType::Float64;
        plan.cluster.clear();
        let sql = statements(&target(), &plan, &SchemaDiff { creates_table: true, columns: vec![] }).remove(0);
        assert!(!sql.contains("PRIMARY KEY") && !sql.contains("CLUSTER BY"), "{sql}");
    }

    #[test]
    fn added_columns_share_one_statement_and_every_other_change_has_its_own() {
        let change = |name: &str, verdict| ColumnDiff {
            name: name.into(),
            source: None,
            target: None,
            verdict,
            note: None,
            remedy: None,
            accepted: None,
            mask: None,
        };
        let diff = SchemaDiff {
            creates_table: false,
            columns: vec![
                change("id", Verdict::Same),
                change("a", Verdict::New(TargetType::String(None))),
                change("b", Verdict::Widen(TargetType::Numeric(None))),
                change("c", Verdict::New(TargetType::Date)),
                change("d", Verdict::Relax),
                change("e", Verdict::Conflict(TargetType::Json)),
            ],
        };
        assert_eq!(
            statements(&target(), &orders(), &diff),
            [
                "ALTER TABLE `my-project.shop.orders`\n  ADD COLUMN IF NOT EXISTS `a` STRING,\n  ADD COLUMN IF NOT EXISTS `c` DATE",
                "ALTER TABLE `my-project.shop.orders`\n  ALTER COLUMN `b` SET DATA TYPE NUMERIC",
                "ALTER TABLE `my-project.shop.orders`\n  ALTER COLUMN `d` DROP NOT NULL",
            ]
        );
    }
}
