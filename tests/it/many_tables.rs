//! One entry of `mappings` for every table of a database: what each table is taken as, what happens to one that comes
//! later, and what applies while the server is away.

use serde_json::Value;

use crate::support::Sandbox;

/// A dozen tables of every kind, some with names that are hard to write.
const TABLES: &str = "CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), \
     updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY (updated_at)); \
     INSERT INTO customers (name, updated_at) VALUES ('Ada', '2026-01-01'), ('Ben', '2026-01-02'); \
     CREATE TABLE visits (id BIGINT AUTO_INCREMENT PRIMARY KEY, url VARCHAR(80)); INSERT INTO visits VALUES (1, '/'), (2, '/a'); \
     CREATE TABLE orders (id INT PRIMARY KEY, total DECIMAL(10, 2)); INSERT INTO orders VALUES (1, 2.50), (2, 3); \
     CREATE TABLE rates (currency CHAR(3), rate INT); INSERT INTO rates VALUES ('EUR', 1), ('EUR', 1); \
     CREATE TABLE pairs (a INT, b INT, v INT, PRIMARY KEY (a, b)); INSERT INTO pairs VALUES (1, 1, 1), (1, 2, NULL); \
     CREATE TABLE `Film Title` (id INT PRIMARY KEY, t VARCHAR(9)); INSERT INTO `Film Title` VALUES (1, 'x'); \
     CREATE TABLE `a.b` (id INT PRIMARY KEY); INSERT INTO `a.b` VALUES (1); \
     CREATE TABLE `100%` (id INT PRIMARY KEY); INSERT INTO `100%` VALUES (7); \
     CREATE TABLE `größe` (id INT PRIMARY KEY); INSERT INTO `größe` VALUES (8); \
     CREATE TABLE `empty` (id INT PRIMARY KEY); \
     CREATE TABLE tmp_1 (id INT); INSERT INTO tmp_1 VALUES (1); \
     CREATE VIEW totals AS SELECT COUNT(*) FROM orders";

async fn shop(name: &str, rest: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", &format!("  - {{tables: '{}.*', except: ['tmp_*']{rest}}}\n", sandbox.database));
    sandbox.sql(TABLES).await;
    sandbox
}

fn modes(report: &Value, database: &str) -> Vec<String> {
    let line = |mapping: &Value| {
        let name = mapping["mapping_name"].as_str().unwrap();
        format!("{} {}", name.strip_prefix(&format!("{database}.")).unwrap(), mapping["mode"].as_str().unwrap())
    };
    report["mappings"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn one_entry_moves_every_table_of_a_database_and_each_stays_as_it_was_taken() {
    let sandbox = shop("many_all", "").await;
    let database = &sandbox.database;
    let report = sandbox.sync().await.json();
    let all = [
        "100% mirror",
        "Film Title mirror",
        "a.b mirror",
        "customers upsert",
        "empty mirror",
        "größe mirror",
        "orders mirror",
        "pairs mirror",
        "rates replace",
        "visits append",
    ];
    assert_eq!(modes(&report, database), all);
    let told = sandbox.run(&["verify", "--output", "json"]).await.expect_code(0).json();
    assert!(told["mappings"].as_array().unwrap().iter().all(|one| one["outcome"] == "equal"), "{told}");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.Film_Title`").await, 1);
    assert_eq!(sandbox.bq_number("SELECT SUM(rate) FROM `{d}.rates`").await, 2);
    assert!(!sandbox.bq_tables().await.iter().any(|table| table == "tmp_1" || table == "totals"));

    // An index and a stamp appear: today's rules would decide differently, but nothing changes by itself.
    sandbox
        .sql(
            "ALTER TABLE orders ADD updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, \
             ADD KEY (updated_at)",
        )
        .await;
    assert_eq!(modes(&sandbox.sync().await.json(), database), all);
    let name = format!("{database}.orders");
    let checked = sandbox.run(&["check", "--mapping", &name, "--output", "json"]).await.expect_code(0).json();
    let said = checked["checks"].as_array().unwrap().iter().find(|line| line["check"] == "tables").unwrap();
    assert!(said["message"].as_str().unwrap().contains("was taken as mirror"), "{said}");
}

#[tokio::test]
async fn a_table_that_appears_later_waits_for_a_decision_and_is_then_moved() {
    let sandbox = shop("many_new", "").await;
    sandbox.sync().await;
    sandbox
        .sql(
            "CREATE TABLE coupons (id INT PRIMARY KEY, code VARCHAR(9), owner VARCHAR(9)); \
             INSERT INTO coupons VALUES (1, 'x', 'secret')",
        )
        .await;
    sandbox.sql("CREATE TABLE junk (id INT PRIMARY KEY)").await;
    let (coupons, junk) = (format!("{}.coupons", sandbox.database), format!("{}.junk", sandbox.database));
    let waiting = sandbox.run_once().await.expect_code(3);
    assert_eq!(waiting.mapping(&coupons)["outcome"], "waiting");
    assert!(!sandbox.bq_tables().await.contains(&"coupons".to_owned()));
    let status = sandbox.run(&["status"]).await.expect_code(0).stdout;
    assert!(status.contains(&format!("{coupons}: a new table")), "{status}");

    sandbox.run(&["schema-diff", "--mapping", &coupons]).await.expect_code(3);
    // A new table is taken by its name alone; what waits in other mappings is carried out.
    sandbox.sql("ALTER TABLE rates ADD note VARCHAR(9)").await;
    let all = sandbox.run(&["schema-diff", "--apply"]).await.expect_code(3).stdout;
    for command in
        [format!("`bqsync schema-diff --mapping {coupons} --apply`"), format!("--mapping {junk} --decline '*'`")]
    {
        assert!(all.contains(&command), "{all}");
    }
    assert!(sandbox.bq_columns("rates").await.contains(&"note STRING".to_owned()), "{all}");
    assert_eq!(sandbox.run_once().await.expect_code(3).mapping(&coupons)["outcome"], "waiting");
    // A decision on one column is none on the table, and a key column cannot be declined.
    let alone =
        sandbox.run(&["schema-diff", "--mapping", &coupons, "--apply", "--column", "code"]).await.expect_code(2);
    assert!(alone.stdout.contains("--apply --decline COLUMN"), "{}", alone.stdout);
    let key = sandbox.run(&["schema-diff", "--mapping", &coupons, "--apply", "--decline", "id"]).await.expect_code(1);
    assert!(key.stdout.contains("cannot be declined: it is a key"), "{}", key.stdout);
    let owner = ["schema-diff", "--mapping", &coupons, "--decline", "owner"];
    let waits = sandbox.run(&owner).await.expect_code(0).stdout;
    assert!(waits.contains("the table still waits for a decision"), "{waits}");
    assert!(!sandbox.bq_tables().await.contains(&"coupons".to_owned()));
    let repaired = sandbox.run(&["verify", "--repair", "--mapping", &coupons]).await.expect_code(3).stdout;
    assert!(repaired.contains("REVIEW") && !repaired.contains("FAILED"), "{repaired}");

    sandbox.run(&[&owner[..], &["--apply"]].concat()).await.expect_code(0);
    sandbox.run(&["schema-diff", "--mapping", &junk, "--decline", "*"]).await.expect_code(0);
    let moved = sandbox.sync().await;
    assert_eq!(sandbox.bq_columns("coupons").await, ["id INTEGER", "code STRING"]);
    let late = sandbox.run(&["schema-diff", "--mapping", &coupons, "--decline", "*"]).await.expect_code(2).stdout;
    assert!(late.contains("is moved already") && late.contains("`except: ["), "{late}");
    assert_eq!(moved.mapping(&coupons)["outcome"], "ok");
    assert!(!moved.stdout.contains(&junk), "{}", moved.stdout);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.coupons`").await, 1);

    // The table is gone again; only its own mapping fails.
    sandbox.sql("DROP TABLE coupons").await;
    let gone = sandbox.run_once().await.expect_code(1);
    assert_eq!(gone.mapping(&coupons)["outcome"], "failed");
    assert_eq!(gone.mapping(&format!("{}.orders", sandbox.database))["outcome"], "ok");
    assert!(gone.stderr.contains("is gone from MySQL"), "{}", gone.stderr);
}

#[tokio::test]
async fn a_taken_table_keeps_its_rows_and_its_shard_value_beside_new_tables() {
    let sandbox = Sandbox::new("many_twins").await;
    let database = sandbox.database.clone();
    let entries = format!(
        "  - {{tables: '{database}.*', except: 'part_*', allow_table_additions: true}}\n  \
         - {{tables: '{database}.part_*', bigquery_table: parts, shard_column: _shard, mode: mirror}}\n"
    );
    sandbox.configure("", &entries);
    sandbox
        .sql(
            "CREATE TABLE up_x (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO up_x VALUES (1, 'first'); \
             CREATE TABLE part_1 (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO part_1 VALUES (1, 'a'); \
             CREATE TABLE part_2 (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO part_2 VALUES (1, 'b')",
        )
        .await;
    sandbox.sync().await;
    // It would have the same name in BigQuery, and its name comes first.
    sandbox.sql("CREATE TABLE `up x` (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO `up x` VALUES (1, 'other')").await;
    sandbox.sql("INSERT INTO up_x VALUES (2, 'second')").await;
    let beside = sandbox.sync().await;
    assert!(beside.stderr.contains(&format!("`{database}.up x` is not moved")), "{}", beside.stderr);
    let rows = sandbox.bq("SELECT v FROM `{d}.up_x` ORDER BY id").await.concat();
    assert_eq!(rows, [Some("first".to_owned()), Some("second".to_owned())]);
    // The same server now gets a name.
    sandbox.configure("sources: {main: {env: MYSQL_}}\ndefaults: {source: main}", &entries);
    sandbox.sql("INSERT INTO part_1 VALUES (2, 'c'); INSERT INTO up_x VALUES (3, 'third')").await;
    sandbox.sync().await;
    let parts = sandbox.bq("SELECT CONCAT(_shard, ' ', v) FROM `{d}.parts` ORDER BY 1").await.concat();
    let expected = ["part_1 a", "part_1 c", "part_2 b"].map(|row| Some(format!("{database}.{row}")));
    assert_eq!(parts, expected);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.up_x`").await, 3);
    assert!(!sandbox.bq_tables().await.iter().any(|table| table.starts_with("main_part")));
}

#[tokio::test]
async fn an_unreachable_server_removes_no_mapping_and_a_typo_moves_nothing() {
    let sandbox = shop("many_away", ", mode: mirror").await;
    let away = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("MYSQL_PORT", "1");
        crate::support::finish(command)
    };
    // Nothing is known yet, which is not a success.
    let first = away(&["--no-tui", "run-once", "--output", "json"]).await.expect_code(1);
    let entry = format!("{}.*", sandbox.database);
    assert!(first.stderr.contains(&format!("`{entry}` cannot be moved: Connecting to MySQL as")), "{}", first.stderr);
    let failed = first.mapping(&entry);
    assert_eq!((&failed["outcome"], &failed["error_kind"]), (&"failed".into(), &"transient".into()), "{failed}");
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.path("etl/reports/report.json")).unwrap()).unwrap();
    assert_eq!(kept[0]["mapping_name"], Value::from(entry.as_str()), "whoever is told of failures is told: {kept}");
    let one = format!("{}.orders", sandbox.database);
    let named = away(&["run-once", "--mapping", &one]).await.expect_code(1);
    assert!(!named.stderr.contains("there is no mapping"), "{}", named.stderr);
    let report = sandbox.sync().await.json();
    let moved = report["mappings"].as_array().unwrap().len();
    // The table without a key cannot be mirrored; the others can.
    assert_eq!((moved, modes(&report, &sandbox.database).iter().all(|line| line.ends_with(" mirror"))), (9, true));
    let status = away(&["status", "--output", "json"]).await.json();
    assert_eq!(status.as_array().unwrap().len(), moved, "{status}");

    sandbox.configure("", "  - tables: 'shpo.*'\n");
    let typo = sandbox.run_once().await.expect_code(1);
    assert!(typo.stderr.contains("no table is like `shpo.*`"), "{}", typo.stderr);
}
