//! The messages for an operator at night when the configuration is wrong.

use crate::support::{Sandbox, finish};

#[tokio::test]
async fn every_problem_is_reported_at_once_with_its_line() {
    let sandbox = Sandbox::new("problems").await;
    sandbox.write(
        "config.yaml",
        "project: ${NOT_SET_ANYWHERE}\ndataset: shop\nlocaton: EU\ndefault_timezone: Europe/Berln\nmappings:\n\
         \x20 - name: users\n    mysql_table: users\n    bigquery_table: users\n    incremental_column: updated_at\n    mode: upsrt\n",
    );
    let mut command = sandbox.command(&["run-once"]);
    command.env_remove("MYSQL_DATABASE");
    let ran = finish(command).await.expect_code(2);
    for expected in [
        "MYSQL_DATABASE",
        "config.yaml:1",
        "NOT_SET_ANYWHERE",
        "config.yaml:3",
        "`location`",
        "config.yaml:4",
        "Europe/Berlin",
        "config.yaml:10",
    ] {
        assert!(ran.stderr.contains(expected), "{expected} is not in:\n{}", ran.stderr);
    }
    assert!(ran.stdout.is_empty());
}

#[tokio::test]
async fn missing_files_variables_and_mappings_are_usage_errors() {
    let sandbox = Sandbox::new("usage").await;
    let ran = sandbox.run(&["run-once"]).await.expect_code(2);
    assert!(ran.stderr.contains("config.yaml"), "{ran:?}");

    sandbox.configure("", "  - {name: users, mysql_table: u, bigquery_table: u, primary_keys: [id], incremental_column: id, mode: upsert}");
    let ran = sandbox.run(&["run-once", "--mapping", "user"]).await.expect_code(2);
    assert!(ran.stderr.contains("did you mean `users`"), "{ran:?}");

    let mut command = sandbox.command(&["run-once"]);
    command.env_remove("MYSQL_DATABASE").env_remove("MYSQL_USER");
    let ran = finish(command).await.expect_code(2);
    assert!(ran.stderr.contains("MYSQL_DATABASE") && ran.stderr.contains("MYSQL_USER"), "{ran:?}");

    sandbox.run(&["--read-only", "run-once"]).await.expect_code(2);
    sandbox.run(&[]).await.expect_code(2);
    sandbox.run(&["run-twice"]).await.expect_code(2);
}

#[tokio::test]
async fn a_broken_env_line_is_named_without_its_value() {
    let sandbox = Sandbox::new("dotenv").await;
    sandbox.write(".env", "MYSQL_USER=root\nMYSQL_PASSWORD='s3cret\n");
    let ran = sandbox.run(&["run-once"]).await.expect_code(2);
    assert!(ran.stderr.contains(".env:2") && !ran.stderr.contains("s3cret"), "{ran:?}");
    sandbox.write(".env", "# a comment\nMYSQL_USER=root\n\nMYSQL_PASSWORD: s3cret\n");
    let ran = sandbox.run(&["run-once"]).await.expect_code(2);
    assert!(ran.stderr.contains(".env:4") && !ran.stderr.contains("s3cret"), "{ran:?}");
}

#[tokio::test]
async fn lines_of_other_programs_in_the_env_file_are_ignored() {
    let sandbox = Sandbox::new("dotenv_others").await;
    sandbox.configure("", "  - {name: t, mysql_table: t, bigquery_table: t, incremental_column: id}");
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY)").await;
    let others = "my-app.mode=prod\nFEATURE_X\ns3cret\nthree words here\nMYSQL_DATABASE=\"Pa$word-1\"\n";
    sandbox.write(".env", &format!("\u{feff}{others}"));
    let ran = sandbox.run(&["status"]).await.expect_code(0);
    assert!(ran.stderr.contains(".env:4 sets no variable") && !ran.stderr.contains("three words"), "{ran:?}");

    let mut command = sandbox.command(&["check"]);
    command.env_remove("MYSQL_DATABASE");
    let ran = finish(command).await.expect_code(1);
    assert!(ran.stdout.contains("Pa$word-1"), "the whole value is asked for: {ran:?}");
}

#[tokio::test]
async fn a_problem_names_the_place_where_its_value_was_set() {
    let sandbox = Sandbox::new("places").await;
    sandbox.configure("location: ${WHERE}", "  - {name: t, mysql_table: t, bigquery_table: t, incremental_column: id}");
    sandbox.write(".env", "\nMYSQL_SSL_MODE=tls\nWHERE='some where'\n");
    let mut command = sandbox.command(&["run-once"]);
    command.env("MYSQL_PORT", "tcp://10.0.0.5:3306").env_remove("MYSQL_USER");
    let ran = finish(command).await.expect_code(2);
    let expected = [
        "environment: MYSQL_PORT is not a port's number but the address of a Kubernetes Service named `mysql`",
        "enableServiceLinks: false",
        ".env:2: MYSQL_SSL_MODE is not a mode",
        ".env: MYSQL_USER is not set",
        "config.yaml:3: `location` cannot be `${WHERE}`",
        "(WHERE is set in .env:3)",
    ];
    for expected in expected {
        assert!(ran.stderr.contains(expected), "{expected} is not in:\n{}", ran.stderr);
    }
}

#[tokio::test]
async fn an_invalid_state_file_is_named_and_left_alone() {
    let sandbox = Sandbox::new("badstate").await;
    sandbox.configure(
        "",
        "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}",
    );
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY)").await;
    sandbox.write("state/state.json", "{\"last_sync\": {\"t\": \"1");
    let ran = sandbox.run_once().await.expect_code(1);
    assert!(ran.mapping("t")["errors"].to_string().contains("state.json"), "{ran:?}");
    assert_eq!(sandbox.read("state/state.json"), "{\"last_sync\": {\"t\": \"1");
}
