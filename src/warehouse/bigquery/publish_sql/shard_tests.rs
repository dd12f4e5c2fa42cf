//! Statements about a table that several shards share: each affects only its own shard's rows.

use std::sync::Arc;

use super::super::fixture::{orders, staged, target};
use super::super::{delete_sql, own_rows, seen, target_range};
use super::*;
use crate::domain::cursor::{Cursor, Moment};
use crate::domain::ids::{JobId, MappingName, SourceTable};
use crate::domain::schema::SchemaDiff;
use crate::domain::table_shard::TableShard;
use crate::domain::verify::{Comparison, Grain, Parts, form};
use crate::domain::window::{Low, Window};
use crate::warehouse::bigquery::{ddl, verify};
use crate::warehouse::{DeleteOrder, Vanished};

const OWN: &str = "__t.`_shard` = 'orders_0'";

fn plan() -> TablePlan {
    let shard = Some(TableShard { column: "_shard".into(), value: "orders_0".into() });
    TablePlan { shard, ..orders() }
}

fn rows(plan: &TablePlan) -> Rows {
    Rows::of(&staged(), plan)
}

fn comparison(plan: &TablePlan) -> Comparison {
    Comparison {
        source: SourceTable::whole(None, "orders_0".into()),
        target: target(),
        forms: (0..plan.columns.len()).map(|position| form(plan, position)).collect(),
        plan: Arc::new(plan.clone()),
        window: None,
        newest_only: true,
    }
}

#[test]
fn a_shards_merge_matches_only_its_own_rows_and_marks_inserted_ones() {
    let plan = TablePlan { loaded_at: Some("loaded".into()), ..plan() };
    for sql in [merge(&target(), &plan, &rows(&plan), true), merge_once(&target(), &plan, &rows(&plan))] {
        let condition = sql.lines().find(|line| line.starts_with("ON ")).unwrap();
        assert!(condition.contains("__t.`id` = __s.`id`") && condition.ends_with(&format!(" AND {OWN}")), "{sql}");
        assert!(
            sql.contains("AS `doc`,\n    'orders_0' AS `_shard`,\n    CURRENT_TIMESTAMP() AS `loaded`\n  FROM"),
            "{sql}"
        );
        assert!(
            sql.contains("`doc`, `_shard`, `loaded`) VALUES (") && sql.ends_with("__s.`_shard`, __s.`loaded`)"),
            "{sql}"
        );
        assert!(!sql.contains("`_shard` = __s"), "a row stays in its shard: {sql}");
    }
}

#[test]
fn inserted_rows_are_marked_and_looked_up_among_the_shards_own() {
    let plan = plan();
    let all = [insert(&target(), &plan, &rows(&plan)), insert_newest(&target(), &plan, &rows(&plan))];
    let looked = [
        insert_missing(&target(), &plan, &rows(&plan)),
        insert_missing(&target(), &TablePlan { keys: Vec::new(), ..plan.clone() }, &rows(&plan)),
    ];
    for sql in all.iter().chain(&looked) {
        assert!(sql.starts_with(
            "INSERT INTO `my-project.shop.orders` (`id`, `updated_at`, `größe`, `total`, `doc`, `_shard`)"
        ));
        assert!(sql.contains("    'orders_0' AS `_shard`\n  FROM `my-project.shop._bqsync_1`"), "{sql}");
    }
    for sql in &looked {
        assert!(sql.contains(&format!(" AND {OWN}\n")), "{sql}");
        assert!(!sql.contains("`_shard` AS `_shard`)"), "it is not compared: {sql}");
    }
    assert!(!plan.is_verbatim(), "a copy gives no row its shard");
}

#[test]
fn a_mirrored_shard_removes_only_its_own_rows() {
    let plan = TablePlan { cursor: None, ..plan() };
    let comparison = Arc::new(comparison(&plan));
    let within = Within { comparison, parts: Parts::of(Grain::Range { base: 0, bits: 8 }, [0]), deletes: true };
    for mark in [None, Some("gone".to_owned())] {
        let plan = TablePlan { deleted_column: mark, ..plan.clone() };
        let sql = mirror(&target(), &plan, &rows(&plan), Some(&within));
        assert!(sql.lines().any(|line| line.starts_with("ON ") && line.ends_with(OWN)), "{sql}");
        let gone = sql.lines().find(|line| line.starts_with("WHEN NOT MATCHED BY SOURCE")).unwrap();
        assert!(gone.contains(&format!(" AND {OWN} THEN ")), "{gone}");
    }
}

#[test]
fn vanished_rows_are_counted_and_deleted_among_the_shards_own() {
    for mark in [None, Some("gone".to_owned())] {
        let plan = Arc::new(TablePlan { deleted_column: mark.clone(), ..plan() });
        let keys = Arc::new(plan.keys_only());
        let vanished = Vanished { target: target(), plan, keys, staged: staged().table, before: None, within: None };
        let count = delete_sql::count(&vanished);
        assert_eq!((count.matches("`_shard` = 'orders_0'").count(), count.matches(OWN).count()), (2, 1), "{count}");
        let (mapping, job) = (MappingName("orders".into()), JobId("job".into()));
        let sql = delete_sql::delete(&DeleteOrder { mapping, job, vanished, mark });
        assert!(sql.contains(&format!(" AND {OWN} AND NOT EXISTS (")), "{sql}");
        assert!(!sql.contains("__s.`_shard`"), "the staged keys are all of one shard: {sql}");
    }
}

#[test]
fn only_the_shards_rows_are_counted_and_compared() {
    let plan = plan();
    let at = Cursor::Moment(Moment::parse("2026-11-23 08:00:00").unwrap());
    let parts = Parts::of(Grain::Hash { bits: 2 }, [3]);
    let comparison = comparison(&plan);
    let mut asked = verify::statements_of(&comparison, &parts);
    asked.push(seen::statement(&comparison, &[vec![Some("7".into())]]));
    asked.push(target_range::count(&target(), &plan, Window { low: Low::Beginning, high: at }));
    asked.push(target_range::count_beyond(&target(), &plan, &at));
    asked.push(target_range::count_all(&target(), None, plan.shard.as_ref().map(|shard| shard.condition(""))));
    assert_eq!(asked.len(), 7);
    for sql in asked {
        let (_, condition) = sql.split_once(" WHERE ").unwrap();
        assert!(condition.contains("`_shard` = 'orders_0'"), "{sql}");
    }
    assert_eq!(own_rows::condition(&orders(), ""), None);
    assert_eq!(target_range::count_all(&target(), None, None), "SELECT COUNT(*) FROM `my-project.shop.orders`");
}

#[test]
fn a_new_shared_table_has_the_shard_column_in_its_key_and_clusters() {
    let mut plan = plan();
    plan.cluster = vec![0, 1, 2, 3];
    let diff = SchemaDiff { creates_table: true, columns: vec![] };
    let sql = ddl::statements(&target(), &plan, &diff).remove(0);
    assert!(
        sql.contains("  `doc` JSON,\n  `_shard` STRING NOT NULL,\n  PRIMARY KEY (`_shard`, `id`) NOT ENFORCED\n"),
        "{sql}"
    );
    assert!(sql.contains("\nCLUSTER BY `_shard`, `id`, `updated_at`, `größe`\n"), "no more than four: {sql}");
}
