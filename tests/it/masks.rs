//! `mask`: values that must not leave MySQL unmasked do not, whatever happens to the run, and equal values stay equal.

use std::process::Command as Process;

use serde_json::{Value, json};

use crate::support::{Gcs, Ran, Recorder, Rows, Sandbox, finish, rows, setting};

/// A part of every text that is masked.
const CANARY: &str = "c4n4ry";
/// Digits of every number, time and date that is masked.
const DIGITS: [&str; 4] = ["91827364", "9182736", "1931-03-09", "19:31:47"];
/// The key of the keyed masks.
const KEY: &str = "k3y-0f-th3-m4sks-0123456789abcdef";

/// Name, type and value of a column, for every type that has a text.
const TYPES: [(&str, &str, &str); 20] = [
    ("varchar", "VARCHAR(80) CHARACTER SET utf8mb4", "'c4n4ry-ä€🎂@example.com'"),
    ("latin", "VARCHAR(80) CHARACTER SET latin1", "'c4n4ry-größe'"),
    ("sjis", "VARCHAR(80) CHARACTER SET sjis", "'c4n4ry-テスト'"),
    ("char", "CHAR(30)", "'c4n4ry '"),
    ("text", "LONGTEXT", "CONCAT('c4n4ry', REPEAT('x', 5000))"),
    ("int", "INT", "-91827364"),
    ("filled", "INT UNSIGNED ZEROFILL", "91827364"),
    ("bigint", "BIGINT UNSIGNED", "18446744091827364"),
    ("decimal", "DECIMAL(20,4)", "91827364.5000"),
    ("day", "DATE", "'1931-03-09'"),
    ("wall", "DATETIME(3)", "'1931-03-09 19:31:47.123'"),
    ("instant", "TIMESTAMP(6) NULL", "'2026-03-09 19:31:47.123456'"),
    ("span", "TIME(2)", "'19:31:47.25'"),
    ("year", "YEAR", "1931"),
    ("word", "ENUM('c4n4ry', 'other')", "'c4n4ry'"),
    ("words", "SET('c4n4ry', 'other')", "'c4n4ry,other'"),
    ("bytes", "VARBINARY(80)", "CONCAT('c4n4ry', x'FF00')"),
    ("doc", "JSON", "'{\"c4n4ry\": 1}'"),
    ("single", "FLOAT", "9182736.5"),
    ("double_", "DOUBLE", "91827364.25"),
];

/// The servers' text of a value that is not text itself.
fn text_of(name: &str) -> String {
    match name {
        "bytes" => "CAST(`bytes_sha` AS BINARY)".to_owned(),
        "filled" => "CAST(CAST(`filled_sha` AS UNSIGNED) AS CHAR)".to_owned(),
        name => format!("CAST(`{name}_sha` AS CHAR CHARACTER SET utf8mb4)"),
    }
}

const MASKS: [(&str, &str); 4] =
    [("sha", "sha256"), ("hmac", "{hmac: \"${MASK_KEY}\"}"), ("last", "{last: 4}"), ("null", "null")];

/// Every type with every mask that it can have.
fn masked() -> Vec<(String, &'static str, &'static str, &'static str)> {
    let all = TYPES
        .iter()
        .flat_map(|(name, kind, value)| MASKS.map(|(mask, word)| (format!("{name}_{mask}"), *kind, *value, word)));
    all.filter(|(name, ..)| name != "bytes_last").collect()
}

fn mapping(rest: &str) -> String {
    let masks: Vec<_> = masked().into_iter().map(|(name, .., word)| format!("{name}: {word}")).collect();
    format!(
        "  - {{name: t, mysql_table: people, bigquery_table: t, incremental_column: at, {rest}, mask: {{{}}}}}\n",
        masks.join(", ")
    )
}

const UPSERT: &str = "primary_keys: [id], mode: upsert, deletes: hard, max_delete_fraction: 1";

/// A table in which every column of every row contains a canary.
async fn people(name: &str, settings: &str, mappings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure(settings, mappings);
    let columns: Vec<_> = masked().into_iter().map(|(name, kind, ..)| format!("`{name}` {kind}")).collect();
    sandbox
        .sql(&format!(
            "CREATE TABLE people (id INT PRIMARY KEY, at DATETIME(3), plain VARCHAR(20), {}, KEY (at))",
            columns.join(", ")
        ))
        .await;
    add(&sandbox, 1..=5).await;
    sandbox.sql("INSERT INTO people (id, at, plain) VALUES (6, '2026-01-01 00:00:06', 'all NULL')").await;
    sandbox
}

async fn add(sandbox: &Sandbox, ids: std::ops::RangeInclusive<i64>) {
    let values: Vec<_> = masked().into_iter().map(|(_, _, value, _)| value).collect();
    let row = |id: i64| format!("({id}, '2026-01-01' + INTERVAL {id} SECOND, 'row {id}', {})", values.join(", "));
    let all: Vec<_> = ids.map(row).collect();
    sandbox.sql(&format!("SET NAMES utf8mb4; INSERT INTO people VALUES {}", all.join(", "))).await;
}

/// Runs the program through a recorder of all that it sends to BigQuery.
async fn run(sandbox: &Sandbox, through: &Recorder, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    command.env("BIGQUERY_EMULATOR_HOST", &through.address).env("MASK_KEY", KEY).env("LOG_LEVEL", "DEBUG");
    finish(command).await
}

#[track_caller]
fn assert_unseen(what: &str, text: &[u8]) {
    for word in DIGITS.into_iter().chain([CANARY, KEY]) {
        let at = text.windows(word.len()).position(|window| window == word.as_bytes());
        let around =
            at.map(|at| String::from_utf8_lossy(&text[at.saturating_sub(200)..(at + 60).min(text.len())]).into_owned());
        assert_eq!(around, None, "{word} in {what}");
    }
}

/// Checks all that the program has written, printed and sent, and all that BigQuery holds, including staging tables.
async fn assert_nothing_leaks(sandbox: &Sandbox, through: &Recorder, ran: &[Ran], when: &str) {
    let found = Process::new("grep").args(["-rha", "--exclude=config.yaml", ""]).arg(sandbox.dir()).output().unwrap();
    assert_unseen(&format!("a file, {when}"), &found.stdout);
    assert_unseen(&format!("what was sent to BigQuery, {when}"), &through.seen());
    for ran in ran {
        assert_unseen(&format!("what was said, {when}"), format!("{}\n{}", ran.stdout, ran.stderr).as_bytes());
    }
    for table in sandbox.bq_tables().await {
        let rows = sandbox.bq(&format!("SELECT TO_JSON_STRING(r) FROM `{{d}}.{table}` AS r")).await;
        assert_unseen(&format!("table {table}, {when}"), format!("{rows:?}").as_bytes());
    }
}

async fn arrived(sandbox: &Sandbox, column: &str) -> Rows {
    sandbox.bq(&format!("SELECT DISTINCT CAST({column} AS STRING) FROM `{{d}}.t` WHERE id <> 6")).await
}

#[tokio::test]
async fn no_masked_value_leaves_the_program() {
    for inline_rows in [1_000, 0] {
        let settings = format!("inline_rows: {inline_rows}\nallow_schema_additions: true\n");
        let sandbox = people(&format!("masks_{inline_rows}"), &settings, &mapping(UPSERT)).await;
        let through = Recorder::start(&sandbox.emulator).await;
        let mut ran = Vec::new();
        for arguments in [&["check"][..], &["run-once", "--output", "json"], &["schema-diff"], &["verify"]] {
            ran.push(run(&sandbox, &through, arguments).await.expect_code(0));
        }
        assert_nothing_leaks(&sandbox, &through, &ran, "after a run").await;
        add(&sandbox, 7..=9).await;
        for step in ["staged", "job_sent"] {
            let mut command = sandbox.command(&["run-once"]);
            command.env("BIGQUERY_EMULATOR_HOST", &through.address).env("MASK_KEY", KEY).env("BQSYNC_KILL_AT", step);
            finish(command).await;
            assert_nothing_leaks(&sandbox, &through, &[], &format!("killed when {step}")).await;
        }
        sandbox.sql("DELETE FROM people WHERE id = 2").await;
        for arguments in [
            &["run-once"][..],
            &["backfill", "--mapping", "t", "--start", "2026-01-01", "--dry-run"],
            &["backfill", "--mapping", "t", "--start", "2026-01-01"],
            &["deletes"],
            &["status", "--output", "json"],
        ] {
            ran.push(run(&sandbox, &through, arguments).await.expect_code(0));
        }
        sandbox.bq_run("UPDATE `{d}.t` SET varchar_sha = 'damaged', varchar_hmac = 'damaged' WHERE id = 3").await;
        ran.push(run(&sandbox, &through, &["verify", "--output", "json"]).await.expect_code(1));
        ran.push(run(&sandbox, &through, &["verify", "--repair"]).await.expect_code(0));
        assert_nothing_leaks(&sandbox, &through, &ran, "at the end").await;
        // Values without a mask are found there.
        assert!(through.seen().windows(5).any(|window| window == b"row 7"));
    }
}

#[tokio::test]
async fn a_mirror_masks_as_every_mode_does() {
    let mirror = mapping("primary_keys: [id], mode: mirror, deletes: hard, max_delete_fraction: 1");
    let sandbox = people("masks_mirror", "inline_rows: 0\n", &mirror).await;
    let through = Recorder::start(&sandbox.emulator).await;
    let mut ran = vec![run(&sandbox, &through, &["run-once"]).await.expect_code(0)];
    add(&sandbox, 7..=9).await;
    sandbox.sql("DELETE FROM people WHERE id = 2; UPDATE people SET char_hmac = 'other' WHERE id = 3").await;
    for arguments in [&["run-once"][..], &["verify"], &["status", "--output", "json"]] {
        ran.push(run(&sandbox, &through, arguments).await.expect_code(0));
    }
    assert_eq!(arrived(&sandbox, "char_hmac").await.len(), 2, "a keyed column that changes alone is seen to change");
    assert_nothing_leaks(&sandbox, &through, &ran, "of a mirror").await;
}

#[tokio::test]
async fn an_object_left_by_a_killed_run_contains_only_masked_values() {
    let gcs = Gcs::start().await;
    let settings = format!("inline_rows: 0\ntemp_bucket: {}\n", gcs.bucket);
    let sandbox = people("masks_bucket", &settings, &mapping(UPSERT)).await;
    let mut command = gcs.command(&sandbox, &["run-once"]);
    command.env("MASK_KEY", KEY).env("BQSYNC_KILL_AT", "staged");
    let killed = finish(command).await;
    assert!(!gcs.names("").is_empty(), "{killed:?}");
    let root = std::path::PathBuf::from(setting("BQSYNC_DEV_GCS_ROOT")).join(&gcs.bucket);
    let objects = Process::new("grep").args(["-rha", ""]).arg(&root).output().unwrap().stdout;
    // Even compressed, the file contains a text at its first occurrence.
    assert!(objects.windows(5).any(|window| window == b"row 1"), "{} holds no staged rows", root.display());
    assert_unseen("the bucket", &objects);
}

#[tokio::test]
async fn an_error_about_a_row_quotes_no_value() {
    let keyed = mapping("primary_keys: [id], mode: upsert, invalid_values: fail, columns: {raw: STRING}");
    let sandbox = people("masks_error", "", &keyed).await;
    let through = Recorder::start(&sandbox.emulator).await;
    sandbox.sql("ALTER TABLE people ADD COLUMN raw VARBINARY(20), ADD COLUMN born DATE").await;
    sandbox.sql("UPDATE people SET raw = x'FFFE' WHERE id = 3").await;
    let ran = run(&sandbox, &through, &["run-once"]).await.expect_code(1);
    assert!(ran.stderr.contains("`raw` of people is not valid UTF-8 in the row with `id` = 3"), "{ran:?}");
    let mut all = vec![ran];
    sandbox
        .sql("SET sql_mode = ''; UPDATE people SET raw = NULL; UPDATE people SET born = '0000-00-00' WHERE id = 3")
        .await;
    let ran = run(&sandbox, &through, &["run-once"]).await.expect_code(1);
    assert!(ran.stderr.contains("holds a zero or impossible date in the row with `id` = 3"), "{ran:?}");
    all.push(ran);
    assert_nothing_leaks(&sandbox, &through, &all, "in a run that fails").await;
}

#[tokio::test]
async fn masks_equal_those_that_the_servers_compute() {
    let sandbox = people("masks_values", "", &mapping(UPSERT)).await;
    let through = Recorder::start(&sandbox.emulator).await;
    run(&sandbox, &through, &["run-once"]).await.expect_code(0);
    for (name, ..) in TYPES {
        let text = text_of(name);
        let hash = format!("SELECT SHA2({text}, 256) FROM people WHERE id = 1");
        // No server writes the digits of a floating-point number like this program.
        if !["single", "double_"].contains(&name) {
            assert_eq!(arrived(&sandbox, &format!("{name}_sha")).await, sandbox.mysql(&hash).await, "{name}");
        }
        assert_eq!(arrived(&sandbox, &format!("{name}_null")).await, [vec![None]], "{name}");
        let keyed = arrived(&sandbox, &format!("{name}_hmac")).await;
        assert!(keyed.len() == 1 && keyed[0][0].as_ref().is_some_and(|hmac| hmac.len() == 64), "{name}: {keyed:?}");
    }
    let ends =
        [("varchar", ".com"), ("latin", "röße"), ("int", "7364"), ("day", "3-09"), ("year", "31"), ("single", "736")];
    for (name, end) in ends {
        assert_eq!(arrived(&sandbox, &format!("{name}_last")).await, rows(&[&[end]]), "{name}");
    }
    // `python3 -c "import hmac; print(hmac.new(KEY, b'c4n4ry', 'sha256').hexdigest())"`
    let hmac = "85cb64b8a181094af2204c270232f1cbcfd6ac91f187dcb5c072a3179ad681f0";
    let char_hmac = arrived(&sandbox, "char_hmac").await;
    assert_eq!(char_hmac, arrived(&sandbox, "word_hmac").await, "the same text gives the same mask in every column");
    assert_eq!(char_hmac, rows(&[&[hmac]]));
    let types = sandbox.bq_columns("t").await;
    assert!(
        types.contains(&"int_sha STRING".to_owned()) && types.contains(&"int_null INTEGER".to_owned()),
        "{types:?}"
    );
    let nulls = "SELECT COUNT(*) FROM `{d}.t` AS r WHERE id = 6 AND REGEXP_CONTAINS(TO_JSON_STRING(r), '_(sha|hmac|last)\":\"')";
    assert_eq!(sandbox.bq_number(nulls).await, 0, "a NULL stays NULL");

    let verified = run(&sandbox, &through, &["verify", "--output", "json"]).await.expect_code(0).json();
    let left_out = verified["mappings"][0]["not_compared"].as_array().unwrap().clone();
    assert!(left_out.contains(&json!("int_hmac")) && left_out.contains(&json!("double__sha")), "{left_out:?}");
    let compared = |name: &str| !left_out.contains(&Value::from(name));
    for (name, ..) in masked().iter().filter(|(name, ..)| !name.ends_with("_hmac")) {
        let by_ours = name.starts_with("single_") || name.starts_with("double_");
        assert_eq!(compared(name), !by_ours || name.ends_with("_null"), "{name}");
    }
    for (column, value) in [("varchar_hmac", "'c4n4ry'"), ("day_null", "DATE '2026-01-01'"), ("int_last", "'0000'")] {
        sandbox.bq_run(&format!("UPDATE `{{d}}.t` SET {column} = {value} WHERE id = 4")).await;
        run(&sandbox, &through, &["verify"]).await.expect_code(1);
        run(&sandbox, &through, &["verify", "--repair"]).await.expect_code(0);
    }
}
