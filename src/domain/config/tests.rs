//! The original tool's file, and everything that can be wrong with one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

use super::*;
use crate::domain::ids::SourceTable;
use crate::domain::target_type::TargetType;

/// The original tool's config.yaml, word for word.
pub(super) const ORIGINAL: &str = r#"project: ${GCP_PROJECT_ID}
dataset: your_bq_dataset
location: US
allow_schema_additions: true
state_store: local  # local | gcs
state_local_path: state/state.json
state_gcs_bucket: ${GCS_STATE_BUCKET}
state_gcs_prefix: ${GCS_STATE_PREFIX}
temp_bucket: ${GCS_TEMP_BUCKET}
default_timezone: UTC
schedule:
  cron: "0 2 * * *"
mappings:
  - name: users
    mysql_table: users
    bigquery_table: users
    primary_keys: [id]
    incremental_column: updated_at
    mode: upsert  # append | upsert
    backfill_start: 2020-01-01T00:00:00Z
  - name: orders
    mysql_table: orders
    bigquery_table: orders
    primary_keys: [id]
    incremental_column: updated_at
    mode: append
    backfill_start: 2020-01-01T00:00:00Z
"#;

fn project_only(name: &str) -> Option<String> {
    (name == "GCP_PROJECT_ID").then(|| "acme-data".to_owned())
}

pub(super) fn read(text: &str) -> Result<Config, Vec<Problem>> {
    parse(text, Path::new("config.yaml"), &project_only)
}

/// Reads a whole file: `top`, then one mapping of `lines`. The mapping begins on the line after `top` and `mappings:`.
pub(super) fn with(top: &str, mapping: &str) -> Result<Config, Vec<Problem>> {
    read(&format!(
        "project: p\ndataset: d\n{top}\nmappings:\n  - name: users\n    mysql_table: users\n    incremental_column: id\n{mapping}\n"
    ))
}

/// The line of the only problem, after a check of its words.
#[track_caller]
pub(super) fn only(result: Result<Config, Vec<Problem>>, words: &str) -> Option<usize> {
    let problems = result.expect_err("a problem");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let text = problems[0].to_string();
    assert!(text.contains(words), "`{words}` is not in `{text}`");
    assert!(!problems[0].hint.is_empty(), "{text}");
    problems[0].line
}

#[test]
fn the_originals_file_loads_unchanged() {
    let config = read(ORIGINAL).expect("no problem");
    assert_eq!(config.project, "acme-data");
    assert_eq!(config.dataset, "your_bq_dataset");
    assert_eq!(config.location, "US");
    assert_eq!(config.schema_additions, SchemaAdditions::Allow);
    assert_eq!(config.state, StateLocation::Local(PathBuf::from("state/state.json")));
    assert_eq!(config.temp_bucket, None);
    assert_eq!(config.default_timezone, Tz::UTC);
    assert_eq!(config.report_dir, PathBuf::from("etl/reports"));
    assert_eq!(config.concurrency, 4);
    let users = &config.mappings[0];
    assert_eq!((users.line, users.name.0.as_str()), (14, "users"));
    assert_eq!(users.source, SourceTable::whole(None, "users".to_owned()));
    assert_eq!(users.target.to_string(), "acme-data.your_bq_dataset.users");
    assert_eq!((users.mode, users.operator), (Mode::Upsert, Operator::Greater));
    assert_eq!(users.primary_keys, ["id"]);
    assert_eq!(users.backfill_start.as_deref(), Some("2020-01-01T00:00:00Z"));
    assert_eq!((users.empty_string_as_null, users.invalid_values), (false, InvalidValues::Null));
    assert_eq!((config.mappings[1].line, config.mappings[1].mode), (21, Mode::Append));
}

#[test]
fn keys_that_the_original_lacks_have_defaults() {
    let config = with("", "").expect("no problem");
    assert_eq!(config.schema_additions, SchemaAdditions::Deny);
    assert_eq!(config.state, StateLocation::Local(PathBuf::from("state/state.json")));
    assert_eq!((config.location.as_str(), config.default_timezone), ("US", Tz::UTC));
    assert_eq!((config.metrics_file, config.notify), (None, None));
    let mapping = &config.mappings[0];
    assert_eq!((mapping.mode, mapping.target.table.as_str()), (Mode::Append, "users"));
    assert!(mapping.primary_keys.is_empty());
    assert_eq!(mapping.schedule, None);
}

#[test]
fn an_unset_variable_is_a_problem_only_if_its_value_is_needed() {
    let none = |_: &str| None;
    let problems = parse(ORIGINAL, Path::new("etc/config.yaml"), &none).expect_err("no project");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].line, Some(1));
    assert!(problems[0].to_string().starts_with("etc/config.yaml:1: `project` is `${GCP_PROJECT_ID}`, but"));
    assert!(problems[0].hint.contains("or write a default"), "{problems:?}");
    let gcs = ORIGINAL.replace("state_store: local", "state_store: gcs");
    assert_eq!(only(read(&gcs), "`state_gcs_bucket` is `${GCS_STATE_BUCKET}`"), Some(7));
    assert_eq!(only(with("location: ${REGION}", ""), "`location` is `${REGION}`"), Some(3));
    let set = |name: &str| Some(if name == "GCS_STATE_PREFIX" { "etl/" } else { "some-name" }.to_owned());
    let config = parse(&gcs, Path::new("c"), &set).expect("no problem");
    let lease = Duration::from_mins(1);
    assert_eq!(config.state, StateLocation::Gcs { bucket: "some-name".to_owned(), prefix: "etl".to_owned(), lease });
}

#[test]
fn an_invalid_lease_or_prefix_is_refused_only_if_the_state_is_in_a_bucket() {
    let gcs = "state_store: gcs\nstate_gcs_bucket: b\n";
    for (line, wrong) in [
        ("state_gcs_lease: 1s", "`state_gcs_lease`"),
        ("state_gcs_lease: 2h", "`state_gcs_lease`"),
        ("state_gcs_prefix: gs://b/etl", "`state_gcs_prefix`"),
        ("state_gcs_prefix: a//b", "`state_gcs_prefix`"),
        ("state_gcs_prefix: ../b", "`state_gcs_prefix`"),
    ] {
        only(with(&format!("{gcs}{line}"), ""), wrong);
        with(line, "").expect("local state needs neither");
    }
    let config = with(&format!("{gcs}state_gcs_lease: 5s\nstate_gcs_prefix: größe/名前"), "").expect("no problem");
    let lease = Duration::from_secs(5);
    assert_eq!(config.state, StateLocation::Gcs { bucket: "b".to_owned(), prefix: "größe/名前".to_owned(), lease });
}

#[test]
fn variables_give_numbers_and_booleans_and_never_change_the_yaml() {
    let env = |name: &str| {
        let value = match name {
            "N" => "8",
            "YES" => "true",
            "ODD" => "x: [y] # {z}",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let text = "project: p\ndataset: d\nconcurrency: ${N}\nempty_string_as_null: ${YES}\nreport_dir: ${ODD}\n\
                mappings: [{name: '$${N}', mysql_table: '${T:-t}', incremental_column: on}]";
    let config = parse(text, Path::new("c"), &env).expect("no problem");
    assert_eq!(config.concurrency, 8);
    assert_eq!(config.report_dir, PathBuf::from("x: [y] # {z}"));
    let mapping = &config.mappings[0];
    assert!(mapping.empty_string_as_null);
    assert_eq!((mapping.name.0.as_str(), mapping.source.table.as_str()), ("${N}", "t"));
    assert_eq!(mapping.incremental_column.as_deref(), Some("on"));
}

#[test]
fn every_problem_is_reported_at_once_in_the_files_order() {
    let text = "projct: p\ndataset: my data\nconcurrency: 0\nmappings:\n  - name: a\n    mysql_table: t\n    mode: upsertt\n  - nam: b\n";
    let found: Vec<_> = read(text).expect_err("many").iter().map(|p| (p.line, p.to_string())).collect();
    let expected = [
        (None, "`project` is missing"),
        (Some(1), "`projct` is not a key that bqsync knows\n    hint: did you mean `project`?"),
        (Some(2), "`dataset` cannot be `my data`"),
        (Some(3), "`concurrency` cannot be `0`\n    hint: write a whole number from 1 to 64"),
        (Some(7), "`mode` of mapping `a` cannot be `upsertt`\n    hint: did you mean `upsert`?"),
        (Some(8), "`nam` of mapping 2 is not a key that bqsync knows\n    hint: did you mean `name`?"),
        (Some(8), "`name` of mapping 2 is missing"),
        (Some(8), "`mysql_table` of mapping 2 is missing"),
        (Some(8), "`incremental_column` of mapping 2 is missing"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((line, text), (expected_line, words)) in found.iter().zip(expected) {
        assert_eq!(*line, expected_line, "{text}");
        assert!(text.contains(words), "`{words}` is not in `{text}`");
    }
}

#[test]
fn each_wrong_value_of_the_top_level_is_named_with_its_line() {
    for (top, words) in [
        ("location: the moon", "`location` cannot be `the moon`"),
        ("allow_schema_additions: maybe", "`allow_schema_additions` cannot be `maybe`"),
        ("state_store: s3", "`state_store` cannot be `s3`"),
        ("temp_bucket: gs://bucket/x", "without `gs://`"),
        ("default_timezone: Bishkek", "`Asia/Bishkek`"),
        ("default_timezone: utc+6", "tz database"),
        ("default_timezone: europe/berlin", "did you mean `Europe/Berlin`?"),
        ("concurrency: 65", "from 1 to 64"),
        ("concurrency: four", "from 1 to 64"),
        ("concurrency: [4]", "`concurrency` is a list, not a single value"),
        ("invalid_values: drop", "`invalid_values` cannot be `drop`"),
        ("empty_string_as_null: 2", "`empty_string_as_null` cannot be `2`"),
        ("report_dir: ${A-B}", "`${A...`, which is not a variable"),
        ("dataset: twice", "`dataset` is already given on line 2"),
        ("location: !ENV x", "has no meaning here"),
        ("<<: 5", "`<<` merges keys"),
    ] {
        assert_eq!(only(with(top, ""), words), Some(3), "{top}");
    }
}

#[test]
fn each_wrong_value_of_a_mapping_is_named_with_its_line() {
    for (line, words) in [
        ("mode: upsert", "`primary_keys` of mapping `users` is missing, but `mode: upsert` needs it"),
        ("operator: '<'", "`operator` of mapping `users` cannot be `<`"),
        ("operator: '>='", "they would be doubled"),
        ("primary_keys: id", "`primary_keys` of mapping `users` is a single value, not a list"),
        ("primary_keys: [id, ID]", "names `ID` twice"),
        ("primary_keys: [[id]]", "holds a list where a single value should be"),
        ("primary_keys: [id, '']", "holds an empty value"),
        ("primary_keys: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]", "has 17 columns; BigQuery takes 16"),
        ("primary_keys: ['${KEY}']", "but the variable is not set"),
        ("columns: {a: NUMBER}", "`columns.a` of mapping `users` cannot be `NUMBER`"),
        ("columns: {a: NUMERIC(10,2)}", "`columns` of mapping"),
        ("columns: {a: 'NUMERIC(10,2)'}", "write `NUMERIC` without parameters"),
        ("columns: [a]", "`columns` of mapping `users` is a list, not a group of keys"),
        ("exclude: [Id]", "names `Id`, which `incremental_column` needs"),
        ("bigquery_table: d.users", "write the table alone"),
        ("backfill_start: yesterday", "`backfill_start` of mapping `users` cannot be `yesterday`"),
        ("allow_schema_additions: true", "move it to the top level"),
        ("where: ' '", "`where` of mapping `users` is empty"),
        ("invalid_dates: null", "did you mean `invalid_values`?"),
    ] {
        let result = with("location: EU", &format!("    {line}"));
        if line == "columns: {a: NUMERIC(10,2)}" {
            // A comma inside braces ends the value; the two halves are two problems on that line.
            assert!(result.expect_err("problems").iter().all(|p| p.line == Some(8)));
            continue;
        }
        // A missing key is reported at the mapping's first line.
        let expected = if line == "mode: upsert" { 5 } else { 8 };
        assert_eq!(only(result, words), Some(expected), "{line}");
    }
    let key = "    primary_keys: [id]\n    exclude: [id2, ID]\n";
    assert_eq!(only(with("", key), "which `primary_keys` needs"), Some(9));
    let partition = "    partition_by: day\n    exclude: [day]\n";
    assert_eq!(only(with("", partition), "which `partition_by` needs"), Some(9));
    let float = "    primary_keys: [k]\n    columns: {K: float64}\n";
    assert_eq!(only(with("", float), "FLOAT64, which BigQuery does not take as a primary key"), Some(9));
}

/// A mapping `t` with `mode: replace`.
fn replace(rest: &str) -> Result<Config, Vec<Problem>> {
    read(&format!("project: p\ndataset: d\nmappings:\n  - name: t\n    mysql_table: t\n    mode: replace\n{rest}"))
}

#[test]
fn a_replace_needs_neither_keys_nor_incremental_column_and_has_a_guard() {
    let config = replace("").expect("no problem");
    let mapping = &config.mappings[0];
    assert_eq!((mapping.mode, mapping.most_shrunk), (Mode::Replace, 0.5));
    assert!(mapping.primary_keys.is_empty() && mapping.incremental_column.is_none());
    let of_all = read(
        "project: p\ndataset: d\nmax_shrink: 0.2\nmappings:\n  - {name: a, mysql_table: a, mode: replace}\n  \
                       - {name: b, mysql_table: b, mode: replace, max_shrink: 1}",
    );
    let shares: Vec<f64> = of_all.expect("no problem").mappings.iter().map(|mapping| mapping.most_shrunk).collect();
    assert_eq!(shares, [0.2, 1.0]);
    assert_eq!(only(replace("    max_shrink: 1.5\n"), "share from 0 to 1"), Some(7));
    // The mode is one word: keys that it ignores may stay, and their columns may be excluded.
    let kept = replace("    incremental_column: at\n    exclude: [at]\n").expect("no problem");
    assert_eq!(kept.mappings[0].incremental_column, None);
}

#[test]
fn keys_about_windows_are_refused_for_a_replace() {
    for line in ["operator: '>='", "operator: '>'", "lookback: 2h", "lookback: 0", "backfill_start: 17"] {
        let told = format!("`{}` of mapping `t` does not go with `mode: replace`", line.split(':').next().unwrap());
        assert_eq!(only(replace(&format!("    {line}\n")), &told), Some(7), "{line}");
    }
    assert_eq!(only(replace("    deletes: hard\n"), "`deletes` of mapping `t` does not go with"), Some(7));
    replace("    deletes: ignore\n").expect("that is what it does");
}

#[test]
fn two_mappings_may_share_neither_name_nor_target() {
    let second = "  - name: users\n    mysql_table: other\n    incremental_column: id";
    assert_eq!(only(with("", second), "two mappings are named `users`, on lines 5 and 8"), Some(8));
    let second = "  - name: users#part-1\n    mysql_table: other\n    incremental_column: id";
    assert_eq!(only(with("", second), "the state keeps parts of backfills under such names"), Some(8));
    let second = "  - name: b\n    mysql_table: Users\n    mysql_database: db2\n    incremental_column: id";
    assert_eq!(only(with("", second), "write to the table `Users`, on lines 6 and 9"), Some(9));
    let refused = "    bigquery_table: a/b\n  - name: b\n    mysql_table: a_b\n    incremental_column: id";
    assert_eq!(only(with("", refused), "write to the table `a_b`, on lines 8 and 10"), Some(10));
}

#[test]
fn a_dot_in_bigquery_table_is_part_of_the_name() {
    let config = with("", "  - name: b\n    mysql_table: shop.users\n    incremental_column: id").expect("no problem");
    let mapping = &config.mappings[1];
    assert_eq!(mapping.source, SourceTable::whole(None, "shop.users".to_owned()));
    assert_eq!(mapping.target.table, "shop_users");
}

#[test]
fn new_keys_are_read() {
    let top = "allow_schema_additions: review\ninvalid_values: fail\nempty_string_as_null: yes\nreport_dir: out";
    let mapping = "    mysql_database: shop\n    operator: '>='\n    primary_keys: [id, no]\n    columns: {flag: bool, n: NUMERIC}\n\
                   \x20   exclude: [secret]\n    partition_by: id\n    invalid_values: null\n    empty_string_as_null: off\n    backfill_start: 17";
    let config = with(top, mapping).expect("no problem");
    assert_eq!(config.schema_additions, SchemaAdditions::Review);
    let mapping = &config.mappings[0];
    assert_eq!(mapping.source.to_string(), "shop.users");
    assert_eq!(mapping.operator, Operator::GreaterOrEqual);
    assert_eq!(mapping.primary_keys, ["id", "no"]);
    assert_eq!(mapping.columns.get("flag"), Some(&TargetType::Bool));
    assert_eq!(mapping.exclude, ["secret"]);
    assert_eq!(mapping.partition_column(), Some("id"));
    assert_eq!((mapping.invalid_values, mapping.empty_string_as_null), (InvalidValues::Null, false));
    assert_eq!(mapping.backfill_start.as_deref(), Some("17"));
    // An empty value is no choice, although YAML reads it as null, too.
    let inherited = with(top, "    invalid_values:").expect("no problem");
    assert_eq!(inherited.mappings[0].invalid_values, InvalidValues::Fail);
    assert!(inherited.mappings[0].empty_string_as_null);
}

#[test]
fn mappings_can_share_lines_through_anchors() {
    let text = "project: p\ndataset: d\nx-common: &common\n  incremental_column: updated_at\n  mode: upsert\n  primary_keys: [id]\n\
                mappings:\n  - <<: *common\n    name: a\n    mysql_table: a\n    mode: append\n  - {<<: [*common], name: b, mysql_table: b}\n";
    let config = read(text).expect("no problem");
    assert_eq!((config.mappings[0].mode, config.mappings[1].mode), (Mode::Append, Mode::Upsert));
    assert_eq!(config.mappings[1].incremental_column.as_deref(), Some("updated_at"));
    // A mistake in a shared value is reported at its own line, for each mapping that uses it.
    let problems = read(&text.replace("[id]", "id")).expect_err("two");
    assert_eq!(problems.iter().map(|p| p.line).collect::<Vec<_>>(), [Some(6), Some(6)]);
}

#[test]
fn invalid_yaml_is_refused_with_its_line() {
    for (text, line) in [
        ("project: p\n\tdataset: d\n", 2),
        ("project: p\ndataset: [a, b\nmappings: []\n", 3),
        ("project: a: b\n", 1),
        ("project: 'p\n", 1),
        ("project: p\n---\ndataset: d\n", 2),
        ("project: p\nmappings: *nothing\n", 2),
        ("project: p\n? [a]\n: b\n", 2),
        ("project: &a [*a]\n", 1),
        ("- a\n", 1),
        ("only words\n", 1),
    ] {
        let problems = read(text).expect_err(text);
        assert_eq!(problems[0].line, Some(line), "{problems:#?}");
    }
    for text in ["", "# nothing\n", "---\n", "~"] {
        assert_eq!(only(read(text), "is empty"), None, "{text}");
    }
    assert_eq!(only(read("project: p\ndataset: d\nmappings: []"), "`mappings` is empty"), Some(3));
    assert_eq!(only(read("project: p\ndataset: d\nmappings:\n"), "`mappings` is missing"), Some(3));
    assert_eq!(only(read("project: p\ndataset: d\nmappings: {a: b}"), "not a list"), Some(3));
}

#[test]
fn the_example_files_have_no_problems() {
    let variables: std::collections::HashMap<&str, &str> = include_str!("../../../env.example")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .collect();
    let env = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let text = include_str!("../../../config.yaml");
    let config = parse(text, Path::new("config.yaml"), &env).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(config.mappings.len() >= 2);
    assert_eq!(config.state, StateLocation::Local(PathBuf::from("state/state.json")));
    mysql_settings(&env).unwrap_or_else(|problems| panic!("{problems:#?}"));
    bigquery_settings(&env).unwrap_or_else(|problems| panic!("{problems:#?}"));
    for variable in [
        "MYSQL_HOST",
        "MYSQL_PORT",
        "MYSQL_USER",
        "MYSQL_PASSWORD",
        "MYSQL_DATABASE",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GCP_PROJECT_ID",
        "GCS_STATE_BUCKET",
        "GCS_STATE_PREFIX",
        "GCS_TEMP_BUCKET",
        "LOG_LEVEL",
    ] {
        assert!(variables.contains_key(variable), "{variable}");
    }
}

#[test]
fn a_variables_value_is_not_shown() {
    let config = parse("project: ${MYSQL_PASSWORD}\ndataset: ${MYSQL_PASSWORD}", Path::new("c"), &|_| {
        Some("hunter 2".to_owned())
    });
    assert!(!format!("{:?}", config.expect_err("refused")).contains("hunter"));
}
