//! The exact statements, so that a review sees what BigQuery is asked to do.

use super::super::fixture::{orders, staged, target};
use super::*;
use crate::domain::cursor::{Cursor, Moment};
use crate::domain::partitioning::Partitioning;
use crate::domain::window::{Low, Window};
use crate::warehouse::Staged;

#[test]
fn a_merge_uses_each_keys_newest_row_and_prunes_by_constants() {
    let expected = "MERGE INTO `my-project.shop.orders` AS __t
USING (
  SELECT
    __s.`id` AS `id`,
    __s.`updated_at` AS `updated_at`,
    __s.`c2` AS `größe`,
    CAST(__s.`total` AS BIGNUMERIC) AS `total`,
    PARSE_JSON(__s.`doc`, wide_number_mode=>'round') AS `doc`
  FROM `my-project.shop._bqsync_1` AS __s
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY __s.`id` ORDER BY __s.`updated_at` DESC) = 1
) AS __s
ON __t.`id` = __s.`id` AND __t.`id` BETWEEN 1 AND 9
WHEN MATCHED AND (__t.`updated_at` IS NULL OR __s.`updated_at` >= __t.`updated_at`) THEN UPDATE SET \
                    `updated_at` = __s.`updated_at`, `größe` = __s.`größe`, `total` = __s.`total`, `doc` = __s.`doc`
WHEN NOT MATCHED THEN INSERT (`id`, `updated_at`, `größe`, `total`, `doc`) VALUES (__s.`id`, __s.`updated_at`, \
                    __s.`größe`, __s.`total`, __s.`doc`)";
    assert_eq!(merge(&target(), &orders(), &Rows::of(&staged(), &orders()), true), expected);
}

#[test]
fn a_replace_reads_every_row_as_the_target_will_hold_it() {
    let expected = "SELECT
    __s.`id` AS `id`,
    __s.`updated_at` AS `updated_at`,
    __s.`c2` AS `größe`,
    CAST(__s.`total` AS BIGNUMERIC) AS `total`,
    PARSE_JSON(__s.`doc`, wide_number_mode=>'round') AS `doc`
  FROM `my-project.shop._bqsync_1` AS __s";
    assert_eq!(replacement(&orders(), &Rows::of(&staged(), &orders())), expected);
}

#[test]
fn a_plan_without_a_cursor_keeps_any_row_of_a_key_and_has_no_windows() {
    let plan = TablePlan { cursor: None, ..orders() };
    let sql = merge(&target(), &plan, &Rows::of(&staged(), &plan), true);
    assert!(sql.contains("OVER (PARTITION BY __s.`id`) = 1"), "{sql}");
    assert!(sql.contains("WHEN MATCHED THEN UPDATE SET"), "{sql}");
    let window = Window { low: Low::Beginning, high: Cursor::Int(9) };
    let count = crate::warehouse::bigquery::target_range::count(&target(), &plan, window);
    assert_eq!(count, "SELECT COUNT(*) FROM `my-project.shop.orders` WHERE FALSE");
}

#[test]
fn a_doubled_key_is_removed_and_inserted_by_one_statement() {
    let sql = merge_once(&target(), &orders(), &Rows::of(&staged(), &orders()));
    assert!(
        sql.starts_with("MERGE INTO `my-project.shop.orders` AS __t\nUSING (\nSELECT __n.*, __out FROM (\n  SELECT"),
        "{sql}"
    );
    let end = ") AS __n CROSS JOIN UNNEST([TRUE, FALSE]) AS __out\n) AS __s\nON __s.__out AND __t.`id` = __s.`id` AND __t.`id` BETWEEN \
               1 AND 9\nWHEN MATCHED THEN DELETE\nWHEN NOT MATCHED AND NOT __s.__out THEN INSERT (`id`, ";
    assert!(sql.contains(end), "{sql}");
}

#[test]
fn a_nullable_key_matches_null_with_null_and_is_not_pruned_by() {
    let mut plan = orders();
    plan.columns[0].source.nullable = true;
    let staged = Staged { key_ranges: vec![None], ..staged() };
    let sql = merge(&target(), &plan, &Rows::of(&staged, &plan), true);
    let condition = sql.lines().find(|line| line.starts_with("ON ")).unwrap();
    assert_eq!(condition, "ON (__t.`id` = __s.`id` OR (__t.`id` IS NULL AND __s.`id` IS NULL))");
}

#[test]
fn a_merge_unmarks_a_row_that_reappears() {
    let mut plan = orders();
    plan.deleted_column = Some("gone".into());
    let sql = merge(&target(), &plan, &Rows::of(&staged(), &plan), true);
    assert!(
        sql.contains("`doc` = __s.`doc`, `gone` = CAST(NULL AS TIMESTAMP)\nWHEN NOT MATCHED THEN INSERT (`id`, "),
        "{sql}"
    );
    assert_eq!(sql.matches("gone").count(), 1, "a new row has no mark: {sql}");
}

#[test]
fn a_table_with_only_key_columns_is_never_updated() {
    let mut plan = orders();
    plan.columns.truncate(2);
    plan.keys = vec![0, 1];
    let sql = merge(&target(), &plan, &Rows::of(&staged(), &plan), true);
    assert!(!sql.contains("UPDATE"), "{sql}");
    assert!(sql.contains("PARTITION BY __s.`id`, __s.`updated_at` ORDER BY"), "{sql}");
}

#[test]
fn an_insert_adds_every_row() {
    let mut plan = orders();
    plan.columns.truncate(2);
    let expected = "INSERT INTO `my-project.shop.orders` (`id`, `updated_at`)
  SELECT
    __s.`id` AS `id`,
    __s.`updated_at` AS `updated_at`
  FROM `my-project.shop._bqsync_1` AS __s";
    assert_eq!(insert(&target(), &plan, &Rows::of(&staged(), &plan)), expected);
}

#[test]
fn the_first_upsert_inserts_each_keys_newest_row_without_a_join() {
    let mut plan = orders();
    plan.columns.truncate(2);
    let expected = "INSERT INTO `my-project.shop.orders` (`id`, `updated_at`)
  SELECT
    __s.`id` AS `id`,
    __s.`updated_at` AS `updated_at`
  FROM `my-project.shop._bqsync_1` AS __s
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY __s.`id` ORDER BY __s.`updated_at` DESC) = 1";
    assert_eq!(insert_newest(&target(), &plan, &Rows::of(&staged(), &plan)), expected);
}

#[test]
fn an_append_that_may_overlap_looks_up_keys_and_cursor_within_the_staged_range() {
    let mut plan = orders();
    plan.columns.truncate(2);
    let expected = "INSERT INTO `my-project.shop.orders` (`id`, `updated_at`)
SELECT `id`, `updated_at`
FROM (
  SELECT
    __s.`id` AS `id`,
    __s.`updated_at` AS `updated_at`
  FROM `my-project.shop._bqsync_1` AS __s
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY __s.`id`, __s.`updated_at` ORDER BY __s.`updated_at` DESC) = 1
) AS __s
WHERE NOT EXISTS (
  SELECT 1 FROM `my-project.shop.orders` AS __t
  WHERE __t.`id` = __s.`id` AND (__t.`updated_at` = __s.`updated_at` OR (__t.`updated_at` IS NULL AND \
                    __s.`updated_at` IS NULL)) AND __t.`updated_at` BETWEEN TIMESTAMP '2026-01-01 00:00:00+00' AND \
                    TIMESTAMP '2026-01-02 00:00:00+00' AND __t.`id` BETWEEN 1 AND 9
)";
    assert_eq!(insert_missing(&target(), &plan, &Rows::of(&staged(), &plan)), expected);
}

#[test]
fn without_keys_equal_rows_are_counted() {
    let mut plan = orders();
    plan.columns.truncate(2);
    plan.keys.clear();
    let expected = "INSERT INTO `my-project.shop.orders` (`id`, `updated_at`)
SELECT `id`, `updated_at`
FROM (
  SELECT __s.*, TO_JSON_STRING(STRUCT(__s.`id` AS `id`, __s.`updated_at` AS `updated_at`)) AS __row, ROW_NUMBER() \
                    OVER (PARTITION BY TO_JSON_STRING(STRUCT(__s.`id` AS `id`, __s.`updated_at` AS `updated_at`))) AS \
                    __nth
  FROM (
  SELECT
    __s.`id` AS `id`,
    __s.`updated_at` AS `updated_at`
  FROM `my-project.shop._bqsync_1` AS __s
  ) AS __s
) AS __new
LEFT JOIN (
  SELECT TO_JSON_STRING(STRUCT(__t.`id` AS `id`, __t.`updated_at` AS `updated_at`)) AS __row, COUNT(*) AS __held
  FROM `my-project.shop.orders` AS __t
  WHERE __t.`updated_at` BETWEEN TIMESTAMP '2026-01-01 00:00:00+00' AND TIMESTAMP '2026-01-02 00:00:00+00'
  GROUP BY __row
) AS __old
ON __new.__row = __old.__row
WHERE __new.__nth > IFNULL(__old.__held, 0)";
    assert_eq!(insert_missing(&target(), &plan, &Rows::of(&staged(), &plan)), expected);
}

#[test]
fn a_table_that_is_partitioned_on_a_key_is_pruned_by_it() {
    let mut plan = orders();
    plan.keys = vec![0, 1];
    plan.partitioning = Some(Partitioning::by_day("updated_at".into()));
    let staged = staged();
    let staged = Staged { key_ranges: vec![staged.key_ranges[0].clone(), staged.cursor_range.clone()], ..staged };
    let sql = merge(&target(), &plan, &Rows::of(&staged, &plan), true);
    let condition = sql.lines().find(|line| line.starts_with("ON ")).unwrap();
    assert_eq!(
        condition,
        "ON __t.`id` = __s.`id` AND (__t.`updated_at` = __s.`updated_at` OR (__t.`updated_at` IS NULL AND \
         __s.`updated_at` IS NULL)) AND __t.`id` BETWEEN 1 AND 9 AND __t.`updated_at` BETWEEN TIMESTAMP '2026-01-01 \
         00:00:00+00' AND TIMESTAMP '2026-01-02 00:00:00+00'"
    );
}

#[test]
fn partitions_that_a_row_may_leave_are_not_pruned() {
    let mut plan = orders();
    plan.partitioning = Some(Partitioning::by_day("updated_at".into()));
    let sql = merge(&target(), &plan, &Rows::of(&staged(), &plan), true);
    assert!(!sql.contains("__t.`updated_at` BETWEEN"), "{sql}");
}

#[test]
fn a_publish_is_estimated_without_any_row() {
    let mut plan = orders();
    plan.columns.truncate(2);
    let at = |text| Cursor::Moment(Moment::parse(text).unwrap());
    let window = Window { low: Low::From(at("2026-10-01 00:00:00")), high: at("2026-10-31 23:59:59") };
    let rows = Rows::none(&plan, Some(window));
    let relation = "(SELECT CAST(NULL AS INT64) AS `id`, CAST(NULL AS TIMESTAMP) AS `updated_at` LIMIT 0) AS __s";
    let merged = merge(&target(), &plan, &rows, true);
    assert!(merged.contains(&format!("FROM {relation}")) && !merged.contains("BETWEEN"), "{merged}");
    let inserted = insert_missing(&target(), &plan, &rows);
    let bounds =
        "__t.`updated_at` BETWEEN TIMESTAMP '2026-10-01 00:00:00+00:00' AND TIMESTAMP '2026-10-31 23:59:59+00:00'";
    assert!(inserted.contains(relation) && inserted.contains(bounds), "{inserted}");
}

#[test]
fn each_kind_of_publish_sets_loaded_at() {
    let plan = TablePlan { loaded_at: Some("loaded".into()), ..orders() };
    let rows = Rows::of(&staged(), &plan);
    let merged = merge(&target(), &plan, &rows, true);
    assert!(merged.contains("AS `doc`,\n    CURRENT_TIMESTAMP() AS `loaded`\n  FROM"), "{merged}");
    assert!(merged.contains("`doc` = __s.`doc`, `loaded` = __s.`loaded`\nWHEN NOT"), "{merged}");
    assert!(merged.contains("`doc`, `loaded`) VALUES (") && merged.ends_with("__s.`loaded`)"), "{merged}");
    for sql in [
        merge_once(&target(), &plan, &rows),
        insert(&target(), &plan, &rows),
        insert_newest(&target(), &plan, &rows),
        insert_missing(&target(), &plan, &rows),
        insert_missing_by_content(&target(), &plan, &rows),
    ] {
        assert!(sql.contains("`doc`, `loaded`)") && sql.contains("CURRENT_TIMESTAMP() AS `loaded`"), "{sql}");
    }
    assert!(!insert_missing_by_content(&target(), &plan, &rows).contains("`loaded` AS `loaded`"), "it is not compared");
    assert!(replacement(&plan, &rows).contains("CURRENT_TIMESTAMP() AS `loaded`"));
    assert!(!plan.is_verbatim(), "a copy gives no row a moment");
}
