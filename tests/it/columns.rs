//! A mapping's keys about single columns: other names, the moment of a row's publish, descriptions, and future columns.

use serde_json::{Value, json};

use crate::support::{Ran, Sandbox, finish, rows};

const COLUMNS: &str = "rename: {id: customer_id, at: changed_at, `odd name`: odd}, loaded_at: _bqsync_loaded_at";

fn mapping(name: &str, rest: &str) -> String {
    let columns = COLUMNS.replace('`', "\"");
    format!("  - {{name: {name}, mysql_table: shop, bigquery_table: {name}, {columns}, {rest}}}\n")
}

async fn shop(name: &str, mappings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("allow_schema_additions: true\n", mappings);
    let create = "CREATE TABLE shop (id INT PRIMARY KEY COMMENT 'who''s who', `odd name` VARCHAR(20), at DATETIME, KEY (at)) \
                  COMMENT 'customers, \"all\" of them'";
    sandbox.sql(&format!("{create}; INSERT INTO shop VALUES (1, 'a', '2026-01-01'), (2, 'b', '2026-01-02')")).await;
    sandbox
}

/// `id`, `odd`, and whether the moment of the publish is set.
async fn held(sandbox: &Sandbox, table: &str) -> Vec<Vec<Option<String>>> {
    let sql = "SELECT CAST(customer_id AS STRING), odd, CAST(_bqsync_loaded_at > TIMESTAMP '2026-01-01' AS STRING)";
    sandbox.bq(&format!("{sql} FROM `{{d}}.{table}` ORDER BY customer_id")).await
}

async fn loaded_at(sandbox: &Sandbox, id: i64) -> i64 {
    sandbox.bq_number(&format!("SELECT UNIX_MICROS(_bqsync_loaded_at) FROM `{{d}}.u` WHERE customer_id = {id}")).await
}

#[tokio::test]
async fn renamed_columns_and_loaded_at_work_in_every_mode() {
    let mappings = [
        mapping("u", "primary_keys: [id], incremental_column: at, mode: upsert, deletes: soft, max_delete_fraction: 1"),
        mapping("a", "primary_keys: [id], incremental_column: id, mode: append"),
        mapping("k", "incremental_column: at, mode: append"),
        mapping("r", "mode: replace"),
        mapping("m", "primary_keys: [id], mode: mirror"),
    ];
    let sandbox = shop("columns", &mappings.concat()).await;
    for round in 1..=2 {
        sandbox.sync().await;
        for table in ["u", "a", "k", "r", "m"] {
            let expected: &[&[&str]] = &[&["1", "a", "true"], &["2", "b", "true"], &["3", "c", "true"]];
            assert_eq!(held(&sandbox, table).await, rows(&expected[..=round]), "{table}");
        }
        sandbox.sql("INSERT IGNORE INTO shop VALUES (3, 'c', '2026-01-03')").await;
    }
    sandbox.run(&["verify"]).await.expect_code(0);
    let first = loaded_at(&sandbox, 1).await;
    assert!(first < loaded_at(&sandbox, 3).await, "the third came later");
    sandbox.run(&["backfill", "--mapping", "u", "--start", "2026-01-01"]).await.expect_code(0);
    assert!(first < loaded_at(&sandbox, 1).await, "it was published again");
    sandbox.sql("DELETE FROM shop WHERE id = 2").await;
    let before = loaded_at(&sandbox, 2).await;
    sandbox.run(&["deletes", "--mapping", "u"]).await.expect_code(0);
    assert!(before < loaded_at(&sandbox, 2).await, "a mark is a change");
    sandbox.bq_run("UPDATE `{d}.u` SET odd = 'damaged' WHERE customer_id = 3").await;
    sandbox.run(&["verify", "--mapping", "u", "--repair"]).await.expect_code(0);
    sandbox.run(&["verify", "--mapping", "u"]).await.expect_code(0);
    sandbox.run(&["check"]).await.expect_code(0);
}

#[tokio::test]
async fn comments_become_descriptions_of_new_tables_and_columns() {
    let sandbox =
        shop("columns_described", &mapping("u", "primary_keys: [id], incremental_column: at, mode: upsert")).await;
    let shown = sandbox.run(&["schema-diff"]).await.expect_code(3);
    assert!(shown.stdout.contains("`customer_id` INT64 OPTIONS (description = 'who\\'s who')"), "{}", shown.stdout);
    assert!(shown.stdout.contains("OPTIONS (description = 'customers, \"all\" of them', "), "{}", shown.stdout);
    sandbox.sync().await;
    sandbox.sql("ALTER TABLE shop ADD COLUMN vip BOOL COMMENT 'pays more'").await;
    let shown = sandbox.run(&["schema-diff"]).await.expect_code(3);
    assert!(
        shown.stdout.contains("ADD COLUMN IF NOT EXISTS `vip` INT64 OPTIONS (description = 'pays more')"),
        "{}",
        shown.stdout
    );
    sandbox.sync().await;
    assert!(sandbox.bq_columns("u").await.contains(&"vip INTEGER".to_owned()));
}

const CURTAINED: &str = "primary_keys: [id], incremental_column: at, mode: upsert, new_columns: {\"*secret*\": exclude, \"*email*\": \
                         {hmac: \"${MASK_KEY}\"}, \"*nick*\": mask}";

async fn with_key(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    command.env("MASK_KEY", "a key of sixteen characters or more");
    finish(command).await
}

fn column<'a>(compared: &'a Value, name: &str) -> &'a Value {
    let columns = compared["mappings"][0]["columns"].as_array().unwrap();
    columns.iter().find(|column| column["column"] == name).unwrap_or_else(|| panic!("{name}: {compared}"))
}

#[tokio::test]
async fn a_new_column_is_treated_by_its_name_and_the_review_shows_it() {
    let sandbox = shop("columns_new", &mapping("u", CURTAINED)).await;
    with_key(&sandbox, &["run-once"]).await.expect_code(0);
    sandbox.configure("allow_schema_additions: review\n", &mapping("u", CURTAINED));
    sandbox
        .sql(
            "ALTER TABLE shop ADD COLUMN email VARCHAR(80), ADD COLUMN nick INT, ADD COLUMN secret_word TEXT; \
             UPDATE shop SET email = 'a@b.c', nick = 5, secret_word = 'x', at = '2026-02-01'",
        )
        .await;
    with_key(&sandbox, &["run-once"]).await.expect_code(3);
    let shown = with_key(&sandbox, &["schema-diff"]).await.expect_code(3).stdout;
    assert!(shown.contains("STRING, masked: hmac") && shown.contains("STRING, masked: sha256"), "{shown}");
    assert!(!shown.contains("secret_word"), "{shown}");
    let compared = with_key(&sandbox, &["schema-diff", "--output", "json"]).await.expect_code(3).json();
    assert_eq!(
        (&column(&compared, "email")["mask"], &column(&compared, "nick")["mask"]),
        (&json!("hmac"), &json!("sha256"))
    );
    with_key(&sandbox, &["schema-diff", "--mapping", "u", "--apply"]).await.expect_code(0);
    let report = with_key(&sandbox, &["--no-tui", "run-once", "--output", "json"]).await.expect_code(0).mapping("u");
    assert_eq!(report["warnings"], json!([]), "no row was there in clear");
    let arrived = sandbox.bq("SELECT DISTINCT nick, CAST(LENGTH(email) AS STRING) FROM `{d}.u`").await;
    let five = "ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d";
    assert_eq!(arrived, rows(&[&[five, "64"]]));
    assert!(!sandbox.bq_columns("u").await.iter().any(|column| column.contains("secret")));
    with_key(&sandbox, &["verify"]).await.expect_code(0);
}

#[tokio::test]
async fn an_added_mask_is_reported_until_the_rows_are_masked() {
    let keyed = "primary_keys: [id], incremental_column: at, mode: upsert";
    let sandbox = shop("columns_masked", &mapping("u", keyed)).await;
    sandbox.sync().await;
    let masked =
        format!("{keyed}, mask: {{`odd name`: sha256}}, new_columns: {{\"*phone*\": null}}").replace('`', "\"");
    sandbox.configure("", &mapping("u", &masked));
    let warnings = async || sandbox.sync().await.mapping("u")["warnings"].clone();
    for _ in 0..2 {
        let told = warnings().await.to_string();
        assert!(told.contains("the mask of `odd name` has changed since") && !told.contains("phone"), "{told}");
    }
    assert!(sandbox.run(&["check"]).await.expect_code(0).stdout.contains("the mask of `odd name` has changed"));
    sandbox.run(&["verify"]).await.expect_code(1);
    sandbox.run(&["verify", "--repair"]).await.expect_code(0);
    assert_eq!(warnings().await, json!([]));
    let hash = "SELECT SHA2(`odd name`, 256) FROM shop ORDER BY id";
    assert_eq!(sandbox.bq("SELECT odd FROM `{d}.u` ORDER BY customer_id").await, sandbox.mysql(hash).await);
}
