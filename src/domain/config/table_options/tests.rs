//! Table options and `defaults`, and everything that can be wrong with them.

use chrono::TimeDelta;

use super::super::tests::{only, read, with};
use crate::domain::config::{Config, Deletes, Mapping, Problem};
use crate::domain::partitioning::{PartitionUnit, Ranges};
use crate::domain::table_options::PartitionBy;

fn of(mapping: &str) -> Mapping {
    with("", mapping).expect("no problem").mappings.remove(0)
}

#[track_caller]
fn wrong(mapping: &str, words: &str) {
    assert_eq!(only(with("", mapping), words), Some(8));
}

#[test]
fn partition_by_takes_a_column_or_a_group() {
    let by = |text: &str| of(&format!("    partition_by: {text}")).partition_by;
    let column = |name: &str, unit| Some(PartitionBy { column: Some(name.to_owned()), unit });
    assert_eq!(by("created_at"), column("created_at", PartitionUnit::Day));
    assert_eq!(by("{column: created_at}"), column("created_at", PartitionUnit::Day));
    assert_eq!(by("{column: created_at, by: Hour}"), column("created_at", PartitionUnit::Hour));
    let ranges = PartitionUnit::Range(Ranges { start: 0, end: 100_000_000, size: 1_000_000 });
    assert_eq!(by("{column: id, range: [0, 100000000, 1000000]}"), column("id", ranges));
    assert_eq!(by("{ingestion: year}"), Some(PartitionBy { column: None, unit: PartitionUnit::Year }));
    assert_eq!((by("[]"), by("")), (None, None));
}

#[test]
fn an_invalid_partitioning_is_reported_with_its_line() {
    for (text, words) in [
        ("{column: at, by: week}", "`partition_by.by` of mapping `users` cannot be `week`"),
        ("{column: at, ingestion: day}", "`partition_by.column` of mapping `users` does not go with `ingestion`"),
        ("{by: day, ingestion: day}", "`partition_by.by` of mapping `users` does not go with `ingestion`"),
        ("{column: id, by: day, range: [0, 10, 1]}", "`partition_by.by` of mapping `users` does not go with `range`"),
        ("{by: day}", "`partition_by` of mapping `users` names no column"),
        ("{colum: at}", "did you mean `column`?"),
        ("[a, b]", "is a list, not a single value"),
        ("{column: id, range: [0, 10]}", "`partition_by.range` of mapping `users` is not a range"),
        ("{column: id, range: [0, ten, 1]}", "write the first number, the end and the size"),
        ("{column: id, range: [10, 0, 1]}", "the end must come after the start"),
        ("{column: id, range: [0, 10, 3]}", "a whole number of sizes"),
        ("{column: id, range: [0, 10001, 1]}", "it has 10001 partitions; BigQuery takes 10000"),
    ] {
        let problems = with("", &format!("    partition_by: {text}")).unwrap_err();
        let told = problems.iter().map(|p| format!("{}: {}", p.message, p.hint)).collect::<Vec<_>>().join("\n");
        assert!(told.contains(words), "{text}: {told}");
        assert!(problems.iter().all(|problem| problem.line == Some(8)), "{problems:?}");
    }
    let excluded = with("", "    partition_by: {column: at}\n    exclude: [at]");
    assert_eq!(only(excluded, "names `at`, which `partition_by` needs"), Some(9));
}

#[test]
fn options_are_read_and_checked() {
    let key = "projects/p/locations/eu/keyRings/r/cryptoKeys/k";
    let mapping = of(&format!(
        "    partition_by: at\n    partition_expiration: 90d\n    require_partition_filter: true\n    kms_key: {key}\n    labels: \
         {{team: sales, größe: '17'}}\n    description: \"What we sold: all of it\""
    ));
    let options = mapping.options;
    assert_eq!((options.partition_life, options.needs_filter), (Some(TimeDelta::days(90)), Some(true)));
    assert_eq!((options.kms_key.as_deref(), options.labels["größe"].as_str()), (Some(key), "17"));
    assert_eq!(options.description.as_deref(), Some("What we sold: all of it"));
    for (text, words) in [
        ("partition_expiration: 90d", "`partition_expiration` of mapping `users` needs `partition_by`"),
        ("require_partition_filter: true", "`require_partition_filter` of mapping `users` needs `partition_by`"),
        ("partition_expiration: 90", "cannot be `90`"),
        ("partition_expiration: 5m", "cannot be `5m`"),
        ("kms_key: my-key", "`kms_key` of mapping `users` cannot be `my-key`"),
        ("kms_key: projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", "cannot be"),
        ("labels: [a]", "`labels` of mapping `users` is a list, not a group of keys"),
        ("labels: {Team: a}", "`labels.Team` of mapping `users` is not a label's key"),
        ("labels: {1a: a}", "is not a label's key"),
        ("labels: {team: Sales Team}", "`labels.team` of mapping `users` cannot be `Sales Team`"),
    ] {
        wrong(&format!("    {text}"), words);
    }
    wrong(
        "    partition_expiration: 90d\n    partition_by: {column: id, range: [0, 10, 1]}",
        "`partition_expiration` of mapping `users` does not go with ranges",
    );
    let many: Vec<_> = (0..64).map(|n| format!("l{n}: a")).collect();
    wrong(&format!("    labels: {{{}}}", many.join(", ")), "`labels` of mapping `users` are 64; BigQuery takes 64");
}

/// `defaults` before two mappings, of which the second has these lines.
fn defaults(defaults: &str, second: &str) -> Result<Config, Vec<Problem>> {
    read(&format!(
        "project: p\ndataset: d\ndefaults: {defaults}\nmappings:\n  - name: a\n    mysql_table: a\n  - name: b\n    \
         mysql_table: b\n{second}"
    ))
}

#[test]
fn a_mappings_own_key_overrides_defaults() {
    let all = "{incremental_column: id, primary_keys: [id], mode: upsert, partition_by: {column: at, by: month}, \
               require_partition_filter: true, labels: {team: sales}, lookback: 1h, deletes: soft, schedule: never, project: \
               other, maximum_bytes_billed: 1GB}";
    let own = "    mode: append\n    partition_by: []\n    labels: {cost: '1'}\n    incremental_column: n\n    deletes: ignore";
    let config = defaults(all, own).expect("no problem");
    let [a, b] = config.mappings.as_slice() else { panic!("two mappings") };
    assert_eq!((a.mode.word(), a.partition_column()), ("upsert", Some("at")));
    assert_eq!((a.options.needs_filter, a.options.labels.len(), a.lookback.is_some()), (Some(true), 1, true));
    assert_eq!(a.deletes, Deletes::Soft { column: "_bqsync_deleted_at".into() });
    assert_eq!((a.target.project.as_str(), a.target.dataset.as_str(), a.target.table.as_str()), ("other", "d", "a"));
    assert_eq!((a.schedule.is_none(), a.maximum_bytes_billed), (true, Some(1_000_000_000)));
    assert_eq!((b.mode.word(), b.incremental_column.as_deref(), &b.deletes), ("append", Some("n"), &Deletes::Ignore));
    assert_eq!((&b.partition_by, b.options.needs_filter, b.lookback), (&None, None, None));
    assert_eq!(b.options.labels.keys().collect::<Vec<_>>(), ["cost"]);
}

#[test]
fn defaults_that_a_mode_cannot_use_are_ignored() {
    let all = "{incremental_column: id, lookback: 1h, operator: '>=', backfill_start: '2020-01-01', deletes: hard, \
               partition_expiration: 9d, primary_keys: [id]}";
    let config = defaults(all, "    mode: replace").expect("no problem");
    let b = &config.mappings[1];
    assert_eq!(
        (b.lookback, &b.backfill_start, &b.deletes, b.options.partition_life),
        (None, &None, &Deletes::Ignore, None)
    );
    assert_eq!(config.mappings[0].deletes, Deletes::Hard);
}

#[test]
fn an_error_in_defaults_is_reported_at_its_own_line() {
    assert_eq!(
        only(defaults("{name: x, incremental_column: id}", ""), "`name` of `defaults` would be that of every mapping"),
        Some(3)
    );
    let nothing = defaults("[a]", "").unwrap_err();
    assert!(nothing.iter().any(|p| p.message == "`defaults` is a list, not a group of keys"), "{nothing:?}");
    let unknown = defaults("{incremental_column: id, mod: upsert}", "");
    assert_eq!(only(unknown, "`mod` of `defaults` is not a key that bqsync knows"), Some(3));
    let location = defaults("{incremental_column: id, location: EU}", "    location: US");
    assert_eq!(only(location, "mapping `b` has p.d in US, and a mapping before it has it in EU"), Some(7));
}

#[test]
fn a_mapping_may_name_its_own_project_dataset_and_location() {
    let own = "    bigquery_table: a\n    project: other\n    dataset: e\n    location: EU";
    let config = defaults("{incremental_column: id}", own).expect("one table in each dataset");
    let [a, b] = config.mappings.as_slice() else { panic!("two mappings") };
    assert_eq!((a.target.to_string(), a.location.as_str()), ("p.d.a".to_owned(), "US"));
    assert_eq!((b.target.to_string(), b.location.as_str()), ("other.e.a".to_owned(), "EU"));
    assert_eq!(config.jobs_project(), "p");
    let same = defaults("{incremental_column: id}", "    bigquery_table: a");
    assert_eq!(only(same, "two mappings write to the table `a`"), Some(9));
    let billed = with("billing_project: payer", "").expect("no problem");
    assert_eq!(billed.jobs_project(), "payer");
}
