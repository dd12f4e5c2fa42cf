//! `bqsync init`: from a database to a configuration that works, and the entries that an existing one lacks.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Ran, Sandbox, finish};

/// Tables of a film shop as found in practice: with and without keys, stamps and meaningful names.
const SHOP: &str = "
    CREATE TABLE actor (actor_id SMALLINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, first_name VARCHAR(45) NOT NULL,
      last_name VARCHAR(45) NOT NULL, last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
    INSERT INTO actor (first_name, last_name) VALUES ('Penelope', 'Guiness'), ('Nick', 'Wahlberg');
    CREATE TABLE customer (customer_id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(50), active TINYINT(1) NOT NULL DEFAULT 1,
      password_hash CHAR(40), phone VARCHAR(20) NOT NULL DEFAULT '', create_date DATETIME NOT NULL DEFAULT '2026-01-02',
      last_update TIMESTAMP(6) NOT NULL DEFAULT '2026-01-02' ON UPDATE CURRENT_TIMESTAMP(6), KEY (last_update));
    INSERT INTO customer (email, password_hash) VALUES ('mary@example.com', 'x'), (NULL, NULL);
    CREATE TABLE film_actor (actor_id SMALLINT UNSIGNED, film_id SMALLINT UNSIGNED, PRIMARY KEY (actor_id, film_id))
      PARTITION BY HASH (film_id) PARTITIONS 3;
    INSERT INTO film_actor VALUES (1, 1), (2, 1);
    CREATE TABLE film_text (film_id INT NOT NULL, title VARCHAR(255) NOT NULL, note TEXT, UNIQUE KEY (film_id));
    INSERT INTO film_text VALUES (1, 'Academy Dinosaur', 'x');
    CREATE TABLE payment (payment_id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, amount DECIMAL(5,2), paid DATETIME);
    INSERT INTO payment (amount, paid) VALUES (2.99, '2026-01-02 03:04:05'), (0.99, NULL);
    CREATE TABLE rates (currency CHAR(3), rate DOUBLE);
    INSERT INTO rates VALUES ('EUR', 1), ('USD', 1.25);
    CREATE TABLE `Größe & co.` (`order` INT PRIMARY KEY, `unit price ($)` DECIMAL(8,2));
    INSERT INTO `Größe & co.` VALUES (1, 9.99);
    CREATE TABLE `rates.` (`a b` INT, `a_b` INT);
    CREATE VIEW actor_info AS SELECT first_name FROM actor;
    CREATE VIEW broken AS SELECT 1 AS a FROM film_text;
    ";

/// A command with the variables that the proposed file names.
fn with_project(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command.env("GCP_PROJECT_ID", "demo");
    command
}

async fn ran(sandbox: &Sandbox, arguments: &[&str], code: i32) -> Ran {
    finish(with_project(sandbox, arguments)).await.expect_code(code)
}

#[tokio::test]
async fn the_proposed_configuration_passes_its_check_and_its_run_makes_both_sides_equal() {
    let sandbox = Sandbox::new("init").await;
    sandbox.sql(SHOP).await;
    let printed = ran(&sandbox, &["init"], 0).await.stdout;
    ran(&sandbox, &["init", "--out", "config.yaml"], 0).await;
    // Databases of other tests come and go, so this line may differ.
    let own =
        |text: &str| text.lines().filter(|line| !line.starts_with("# Not looked at")).collect::<Vec<_>>().join("\n");
    assert_eq!(own(&sandbox.read("config.yaml")), own(&printed));
    let refused = ran(&sandbox, &["init", "--out", "config.yaml"], 2).await;
    assert!(refused.stderr.contains("config.yaml is there already"), "{}", refused.stderr);
    let modes: Vec<_> = ["actor", "customer", "film_actor", "film_text", "payment", "rates", "Größe & co."]
        .map(|name| mode_of(&printed, name))
        .into();
    assert_eq!(modes, ["mirror", "upsert", "mirror", "mirror", "append", "replace", "mirror"], "{printed}");
    assert!(printed.contains("# Left out: ") && printed.contains("`a b` and `a_b`"), "{printed}");
    assert!(printed.contains("exclude: [password_hash]") && printed.contains("mask: {email: sha256, phone: null}"));

    let findings = ran(&sandbox, &["check", "--output", "json"], 0).await.json();
    assert_eq!(findings["summary"]["fail"], 0, "{findings}");
    ran(&sandbox, &["--no-tui", "run-once"], 0).await;
    let verified = ran(&sandbox, &["verify", "--output", "json"], 0).await.json();
    let told = verified["mappings"].as_array().unwrap();
    assert_eq!(told.len(), 7, "{verified}");
    assert!(told.iter().all(|mapping| mapping["outcome"] == "equal"), "{verified:#}");

    let lacking = ran(&sandbox, &["init"], 0).await.stdout;
    assert!(lacking.starts_with("# Tables without a mapping in config.yaml: 0 tables, and 3 left out"), "{lacking}");
    sandbox.sql("CREATE TABLE tags (id INT PRIMARY KEY)").await;
    let lacking = ran(&sandbox, &["init", "--table", "TAG*", "--output", "json"], 0).await.json();
    let expected = json!({"table": "tags", "mode": "mirror", "primary_keys": ["id"], "left_out": null, "name": "tags"});
    let told = &lacking["tables"][0];
    assert!(expected.as_object().unwrap().iter().all(|(key, value)| told[key] == *value), "{lacking}");
    let nothing = ran(&sandbox, &["init", "--database", "no_such_*"], 2).await;
    assert!(nothing.stderr.contains(&sandbox.database), "{}", nothing.stderr);
    let empty = Sandbox::new("init_empty").await;
    let nothing = ran(&empty, &["init"], 2).await.stderr;
    assert!(nothing.contains(&format!("`{}` has no tables that this account can see", empty.database)), "{nothing}");
}

/// The mode of the mapping with this name.
fn mode_of(yaml: &str, name: &str) -> String {
    let config: Value = serde_yaml::from_str(yaml).unwrap();
    let mappings = config["mappings"].as_array().unwrap();
    let found = mappings.iter().find(|mapping| mapping["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {yaml}"))["mode"].as_str().unwrap().to_owned()
}

/// The server itself counts: an account that has used up its allowed statements is refused the next one.
#[tokio::test]
async fn hundreds_of_tables_take_a_few_statements() {
    const TABLES: usize = 300;
    const MOST_STATEMENTS: usize = 60;
    let sandbox = Sandbox::new("estate").await;
    let columns = "id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(20), updated_at TIMESTAMP NOT NULL DEFAULT \
                   CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY (updated_at)";
    // Tables of this engine are created quickly.
    let table = |number| format!("CREATE TABLE table_{number} ({columns}) ENGINE = MyISAM");
    let create: Vec<_> = (0..TABLES).map(table).collect();
    sandbox.sql(&create.join(";")).await;
    let (database, user) = (&sandbox.database, format!("i{}", std::process::id()));
    let limit = format!("MAX_QUERIES_PER_HOUR {MOST_STATEMENTS}");
    sandbox.sql(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'pw' WITH {limit}")).await;
    sandbox.sql(&format!("GRANT SELECT ON `{database}`.* TO {user}@'%'")).await;
    let mut command = with_project(&sandbox, &["init"]);
    command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pw");
    let printed = finish(command).await.expect_code(0).stdout;
    assert_eq!(printed.matches("mode: upsert").count(), TABLES);
    sandbox.sql(&format!("DROP DATABASE `{database}`; DROP USER {user}@'%'")).await;
}

/// The catalogue hides what the account may not read, and MariaDB hides the rest of a key too.
#[tokio::test]
async fn a_table_with_unreadable_columns_is_proposed_without_a_possibly_incomplete_key() {
    let sandbox = Sandbox::new("partly").await;
    let stamp = "updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP";
    let create = format!("CREATE TABLE pairs (a INT, b INT, {stamp}, PRIMARY KEY (a, b), KEY (updated_at))");
    sandbox.sql(&format!("{create}; CREATE TABLE plain (id INT PRIMARY KEY, {stamp}, KEY (updated_at))")).await;
    let (database, user) = (&sandbox.database, format!("p{}", std::process::id()));
    sandbox.sql(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'pw'")).await;
    sandbox.sql(&format!("GRANT SELECT (a, updated_at) ON `{database}`.pairs TO {user}@'%'")).await;
    sandbox.sql(&format!("GRANT SELECT ON `{database}`.plain TO {user}@'%'")).await;
    // Nothing looks at the variable's database.
    let mut command = with_project(&sandbox, &["init", "--database", database]);
    command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pw").env("MYSQL_DATABASE", "nosuch");
    command.env("MASK_KEY", "short");
    let ran = finish(command).await.expect_code(0);
    assert!(ran.stderr.contains("MASK_KEY is shorter than"), "{}", ran.stderr);
    let printed = ran.stdout;
    let (pairs, plain) = printed.split_once("mysql_table: plain").unwrap_or_else(|| panic!("{printed}"));
    assert!(plain.contains("mode: upsert"), "{printed}");
    assert!(!pairs.contains("primary_keys:") && pairs.contains("mode: replace"), "{printed}");
    assert!(pairs.contains("may not read every column") && pairs.contains(&format!("TO '{user}'@'%'")), "{printed}");
    sandbox.sql(&format!("DROP DATABASE `{database}`; DROP USER {user}@'%'")).await;
}
