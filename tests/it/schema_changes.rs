//! Two schemas that become different, with each policy.

use crate::support::{Sandbox, finish, plain_decimals, rows};

const USERS: &str = "  - {name: users, mysql_table: users, bigquery_table: users, primary_keys: [id], \
                     incremental_column: updated_at, mode: upsert}";

/// A synced table whose source has since gained a column.
async fn with_a_new_column(name: &str, policy: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure(&format!("allow_schema_additions: {policy}"), USERS);
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(50), updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO users VALUES (1, 'a', '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox
        .sql("ALTER TABLE users ADD COLUMN email VARCHAR(80); INSERT INTO users VALUES (2, 'b', '2026-01-02', 'b@x')")
        .await;
    sandbox
}

#[tokio::test]
async fn a_new_column_is_added_and_filled_if_that_is_allowed() {
    let sandbox = with_a_new_column("allow", "true").await;
    let report = sandbox.sync().await.mapping("users");
    assert!(report["schema_changes"][0].as_str().unwrap().contains("ADD COLUMN"), "{report}");
    let expected = vec![vec![Some("1".into()), None], vec![Some("2".into()), Some("b@x".into())]];
    assert_eq!(sandbox.bq("SELECT CAST(id AS STRING), email FROM `{d}.users` ORDER BY id").await, expected);
}

#[tokio::test]
async fn a_denied_new_column_is_reported_and_the_others_are_synced() {
    let sandbox = with_a_new_column("deny", "false").await;
    let report = sandbox.sync().await.mapping("users");
    assert!(report["warnings"].to_string().contains("email"), "{report}");
    assert_eq!(sandbox.bq("SELECT name FROM `{d}.users` ORDER BY id").await, rows(&[&["a"], &["b"]]));
    assert_eq!(sandbox.bq_columns("users").await.len(), 3);
}

#[tokio::test]
async fn a_mapping_under_review_waits_until_the_operator_has_decided() {
    let sandbox = with_a_new_column("review", "review").await;
    let waiting = sandbox.run_once().await.expect_code(3).mapping("users");
    assert_eq!(waiting["outcome"], "waiting");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.users`").await, 1);

    let shown = sandbox.run(&["schema-diff"]).await.expect_code(3);
    assert!(shown.stdout.contains("email") && shown.stdout.contains("ADD COLUMN"), "{}", shown.stdout);
    sandbox.run(&["schema-diff", "--apply"]).await.expect_code(0);
    sandbox.run(&["schema-diff"]).await.expect_code(0);
    sandbox.sync().await;
    assert_eq!(sandbox.bq("SELECT email FROM `{d}.users` WHERE id = 2").await, rows(&[&["b@x"]]));
}

/// A synced table whose column `score`, an INT holding 7, has since become another type.
async fn with_another_type(name: &str, score: &str, value: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("allow_schema_additions: true", USERS);
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, score INT, updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO users VALUES (1, 7, '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox
        .sql(&format!("ALTER TABLE users MODIFY score {score}; INSERT INTO users VALUES (2, {value}, '2026-01-02')"))
        .await;
    sandbox
}

#[tokio::test]
async fn a_type_that_bigquery_can_widen_is_widened() {
    let sandbox = with_another_type("widen", "DECIMAL(12,2)", "7.25").await;
    sandbox.sync().await;
    assert!(sandbox.bq_columns("users").await.contains(&"score NUMERIC".to_owned()));
    let query = "SELECT CAST(score AS STRING) FROM `{d}.users` ORDER BY id";
    assert_eq!(plain_decimals(sandbox.bq(query).await), rows(&[&["7"], &["7.25"]]));
}

#[tokio::test]
async fn a_type_conflict_fails_that_mapping_and_names_both_types() {
    let sandbox = with_another_type("conflict", "VARCHAR(20)", "'x'").await;
    let report = sandbox.run_once().await.expect_code(1).mapping("users");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains("`score`") && error.contains("TEXT") && error.contains("INT64"), "{error}");
    assert_eq!(report["error_kind"], "schema");
    assert_eq!(report["watermark_after"], "2026-01-01 00:00:00");
}

#[tokio::test]
async fn a_column_dropped_from_the_source_is_kept_and_reported() {
    let sandbox = Sandbox::new("gone").await;
    sandbox.configure("allow_schema_additions: true", USERS);
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, old INT, updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO users VALUES (1, 7, '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox.sql("ALTER TABLE users DROP COLUMN old; INSERT INTO users VALUES (2, '2026-01-02')").await;
    let report = sandbox.sync().await.mapping("users");
    assert!(report["warnings"].to_string().contains("`old`"), "{report}");
    let expected = vec![vec![Some("7".to_owned())], vec![None]];
    assert_eq!(sandbox.bq("SELECT CAST(old AS STRING) FROM `{d}.users` ORDER BY id").await, expected);
}

#[tokio::test]
async fn a_renamed_column_and_one_that_is_back_come_with_the_command_that_fills_them() {
    let sandbox = Sandbox::new("renamed").await;
    sandbox.configure("allow_schema_additions: true", USERS);
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, v INT, updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO users VALUES (1, 7, '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    let told = async |change: &str| {
        sandbox.sql(&format!("ALTER TABLE users {change}")).await;
        let report = sandbox.sync().await.mapping("users");
        let warnings = report["warnings"].as_array().unwrap().clone();
        warnings.into_iter().filter(|told| told.as_str().unwrap().contains("is new")).collect::<Vec<_>>()
    };
    let renamed = told("CHANGE v vv INT").await;
    assert_eq!(renamed.len(), 1, "{renamed:?}");
    let sentence = renamed[0].as_str().unwrap();
    assert!(
        sentence.starts_with("column `vv` is new in MySQL, and `v` is gone; if it was renamed: rows"),
        "{sentence}"
    );
    assert!(sentence.contains("keep NULL in it") && sentence.contains("bqsync backfill --mapping users"), "{sentence}");
    let dropped = told("DROP COLUMN vv").await;
    assert!(dropped.is_empty(), "{dropped:?}");
    let back = told("ADD COLUMN v INT").await;
    let sentence = back[0].as_str().unwrap();
    assert!(
        sentence.contains("BigQuery had it before: rows that BigQuery holds already keep what they hold"),
        "{sentence}"
    );
    let without = told("ADD COLUMN fresh INT").await;
    assert!(without.is_empty(), "MySQL holds NULL there as well: {without:?}");
}

#[tokio::test]
async fn a_column_that_is_declared_anew_comes_with_the_command_that_brings_what_mysql_rewrote() {
    let sandbox = Sandbox::new("modified").await;
    sandbox.configure("allow_schema_additions: true", USERS);
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2), state VARCHAR(9), n INT, \
             updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO users VALUES (1, 'abcdef', 1.25, NULL, 7, '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox
        .sql(
            "ALTER TABLE users MODIFY name VARCHAR(3), MODIFY price DECIMAL(10,1), \
             MODIFY state VARCHAR(9) NOT NULL DEFAULT 'open', MODIFY n BIGINT; \
             INSERT INTO users VALUES (2, 'b', 2.5, 'shut', 8, '2026-01-02')",
        )
        .await;
    let report = sandbox.sync().await.mapping("users");
    let warnings = report["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{report}");
    let sentence = warnings[0].as_str().unwrap();
    assert!(
        sentence.starts_with("the declaration of `name`, `price` and `state` in MySQL has changed since the last run"),
        "a wider whole number keeps every value: {sentence}"
    );
    let query = "SELECT name, CAST(price AS STRING) FROM `{d}.users` WHERE id = 1";
    assert_eq!(plain_decimals(sandbox.bq(query).await), rows(&[&["abcdef", "1.25"]]));
    assert!(sandbox.run(&["verify"]).await.stdout.contains("DIFFERENT"));

    let command = sentence.split('`').find(|part| part.starts_with("bqsync backfill")).unwrap().replace('\'', "");
    let words: Vec<_> = ["--no-tui"].into_iter().chain(command.split(' ').skip(1)).collect();
    sandbox.run(&words).await.expect_code(0);
    assert_eq!(plain_decimals(sandbox.bq(query).await), rows(&[&["abc", "1.3"]]));
    assert!(sandbox.run(&["verify"]).await.expect_code(0).stdout.contains("EQUAL"));
    assert_eq!(sandbox.sync().await.mapping("users")["warnings"], serde_json::json!([]), "it is told once");
}

#[tokio::test]
async fn a_column_that_is_back_with_a_default_is_not_said_to_hold_null() {
    for (name, policy) in [("back_allowed", "true"), ("back_denied", "false")] {
        let sandbox = Sandbox::new(name).await;
        sandbox.configure(&format!("allow_schema_additions: {policy}"), USERS);
        sandbox
            .sql(
                "CREATE TABLE users (id INT PRIMARY KEY, dra VARCHAR(20), updated_at DATETIME NOT NULL, KEY (updated_at)); \
                 INSERT INTO users VALUES (1, 'da1', '2026-01-01')",
            )
            .await;
        sandbox.sync().await;
        sandbox.sql("ALTER TABLE users DROP COLUMN dra; INSERT INTO users VALUES (2, '2026-01-02')").await;
        sandbox.sync().await;
        sandbox
            .sql(
                "ALTER TABLE users ADD dra VARCHAR(20) DEFAULT 'back'; \
                 INSERT INTO users (id, updated_at) VALUES (3, '2026-01-03')",
            )
            .await;
        let warnings = sandbox.sync().await.mapping("users")["warnings"].to_string();
        assert!(
            warnings.contains("column `dra` is new in MySQL, and BigQuery had it before: rows that BigQuery holds")
                && warnings.contains("keep what they hold in it")
                && !warnings.contains("NULL"),
            "{policy}: {warnings}"
        );
        let expected = vec![vec![Some("da1".to_owned())], vec![None], vec![Some("back".to_owned())]];
        assert_eq!(sandbox.bq("SELECT dra FROM `{d}.users` ORDER BY id").await, expected, "{policy}");
    }
}

#[tokio::test]
async fn a_table_made_by_hand_keeps_types_that_hold_the_values() {
    let sandbox = Sandbox::new("byhand").await;
    sandbox.configure("allow_schema_additions: true", USERS);
    sandbox.bq_create_dataset().await;
    sandbox.bq_run("CREATE TABLE `{d}.users` (updated_at DATETIME, note STRING, id NUMERIC, meta JSON)").await;
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, meta JSON, note DATETIME, updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO users VALUES (1, '{\"a\": 1}', '2026-01-01 01:02:03', '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    let query =
        "SELECT CAST(id AS STRING), JSON_VALUE(meta, '$.a'), note, FORMAT_DATETIME('%F', updated_at) FROM `{d}.users`";
    assert_eq!(plain_decimals(sandbox.bq(query).await), rows(&[&["1", "1", "2026-01-01 01:02:03", "2026-01-01"]]));
}

#[tokio::test]
async fn names_that_collide_in_bigquery_are_a_configuration_error() {
    let sandbox = Sandbox::new("collide").await;
    sandbox.configure("", USERS);
    sandbox.sql("CREATE TABLE users (id INT PRIMARY KEY, `a b` INT, `a.b` INT, updated_at DATETIME NOT NULL)").await;
    let report = sandbox.run_once().await.expect_code(1).mapping("users");
    assert_eq!(report["error_kind"], "config");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains("`a b`") && error.contains("`a.b`"), "{error}");
    assert!(report["hint"].as_str().unwrap().contains("exclude"));
}

#[tokio::test]
async fn a_new_table_has_its_key_clusters_and_partitions() {
    let sandbox = Sandbox::new("ddl").await;
    sandbox.configure("", &USERS.replace("mode: upsert", "mode: upsert, partition_by: created"));
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, created DATE, updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO users VALUES (1, '2026-01-01', '2026-01-01')",
        )
        .await;
    let report = sandbox.sync().await.mapping("users");
    let ddl = report["schema_changes"][0].as_str().unwrap();
    for part in ["PRIMARY KEY (`id`) NOT ENFORCED", "PARTITION BY `created`", "CLUSTER BY `id`"] {
        assert!(ddl.contains(part), "{ddl}");
    }
}

#[tokio::test]
async fn a_new_column_with_a_default_is_reported_with_the_command_that_brings_its_values() {
    let sandbox = with_a_new_column("filled", "true").await;
    sandbox.sync().await;
    sandbox.sql("ALTER TABLE users ADD COLUMN state VARCHAR(9) DEFAULT 'open', ADD COLUMN twice INT AS (id * 2)").await;
    let command = "bqsync backfill --mapping users --start '1970-01-01'";
    let shown = sandbox.run(&["schema-diff"]).await.expect_code(3).stdout;
    assert_eq!(shown.matches(command).count(), 2, "{shown}");
    let report = sandbox.sync().await.mapping("users");
    let warnings: Vec<_> = report["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    let told =
        |column: &str| warnings.iter().any(|w| w.contains(&format!("column `{column}` is new")) && w.contains(command));
    assert!(told("state") && told("twice") && warnings.len() == 2, "{warnings:?}");
    let expected = vec![vec![None, None]; 2];
    let query = "SELECT state, CAST(twice AS STRING) FROM `{d}.users` ORDER BY id";
    assert_eq!(sandbox.bq(query).await, expected);
    sandbox.run(&["--no-tui", "backfill", "--mapping", "users", "--start", "1970-01-01"]).await.expect_code(0);
    assert_eq!(sandbox.bq(query).await, rows(&[&["open", "2"], &["open", "4"]]));
}

#[tokio::test]
async fn a_formerly_denied_column_is_added_with_a_note_about_earlier_rows() {
    let sandbox = with_a_new_column("passed_over", "false").await;
    sandbox.sync().await;
    let applied = sandbox.run(&["schema-diff", "--apply"]).await.expect_code(0).stdout;
    assert!(
        applied.contains("column `email` is new: rows that BigQuery holds already keep NULL in it, whatever"),
        "{applied}"
    );
    sandbox.run(&["--no-tui", "backfill", "--mapping", "users", "--start", "1970-01-01"]).await.expect_code(0);
    assert_eq!(sandbox.bq("SELECT email FROM `{d}.users` WHERE id = 2").await, rows(&[&["b@x"]]));
}

#[tokio::test]
async fn an_unreadable_column_is_not_taken_for_a_dropped_one() {
    let sandbox = with_a_new_column("withheld", "true").await;
    sandbox.sync().await;
    let (user, database) = (format!("withheld_{}", std::process::id()), &sandbox.database);
    sandbox
        .sql(&format!(
            "CREATE USER {user}@'%' IDENTIFIED BY 'pw'; \
             GRANT SELECT (id, name, updated_at) ON `{database}`.users TO {user}@'%'; UPDATE users SET email = 'c@x'"
        ))
        .await;
    let as_user = |words: &[&str]| {
        let mut command = sandbox.command(words);
        command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pw");
        finish(command)
    };
    let report = as_user(&["--no-tui", "run-once", "--output", "json"]).await.expect_code(0).mapping("users");
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("SELECT on it was taken away") && warnings.contains("GRANT SELECT (`email`)"),
        "{warnings}"
    );
    let verified = as_user(&["verify", "--output", "json"]).await.expect_code(1).json();
    let told = &verified["mappings"][0];
    assert_eq!(
        (&told["outcome"], &told["not_compared"]),
        (&"inconclusive".into(), &serde_json::json!(["email"])),
        "{told}"
    );
    let checked = as_user(&["check"]).await.stdout;
    assert!(
        checked.contains("may not read every column of users")
            && checked.contains(&format!("ON `{database}`.`users` TO '{user}'@'%'")),
        "{checked}"
    );
    sandbox.sql(&format!("DROP USER {user}@'%'")).await;
    // An account that may read everything is told that the column is gone.
    sandbox.sql("ALTER TABLE users DROP COLUMN email").await;
    assert!(sandbox.sync().await.mapping("users")["warnings"].to_string().contains("but no longer in MySQL's users"));
    let verified = sandbox.run(&["verify"]).await.expect_code(0).stdout;
    assert!(verified.contains("EQUAL, 1 NOT COMPARED") && verified.contains("not compared: email"), "{verified}");
}
