//! Views that cannot be read.

use crate::getting_in::account;
use crate::support::{Sandbox, finish};

#[tokio::test]
async fn a_view_whose_definer_is_gone_is_named_at_once() {
    let sandbox = Sandbox::new("definer").await;
    let mapping = |name: &str| format!("  - {{name: {name}, mysql_table: {name}, incremental_column: id}}\n");
    sandbox.configure("", &(mapping("v") + &mapping("w") + &mapping("broken")));
    let user = account(&sandbox, "pw", "").await;
    let (gone, database) = (format!("gone{user}"), &sandbox.database);
    sandbox
        .sql(&format!(
            "CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE old (id INT); CREATE USER {gone}@'%'; \
             GRANT SELECT ON `{database}`.* TO {gone}@'%'; CREATE DEFINER = {gone}@'%' VIEW v AS SELECT id FROM t; \
             CREATE VIEW w AS SELECT id FROM v; CREATE VIEW broken AS SELECT id FROM old; DROP TABLE old; \
             DROP USER {gone}@'%'"
        ))
        .await;
    // To an administrator the server says what it is; to everybody else, that the password is wrong.
    for (user, password) in [("root", ""), (user.as_str(), "pw")] {
        let mut command = sandbox.command(&["--no-tui", "run-once", "--output", "json"]);
        command.env("MYSQL_USER", user).env("MYSQL_PASSWORD", password);
        let ran = finish(command).await.expect_code(1);
        for (name, words) in [
            ("v", &["view v", gone.as_str(), "SHOW CREATE VIEW"][..]),
            ("w", &["view w", "a view in it"]),
            ("broken", &["view broken", "SHOW CREATE VIEW"]),
        ] {
            let mapping = ran.mapping(name);
            assert_eq!((&mapping["error_kind"], &mapping["attempts"]), (&"schema".into(), &1.into()), "{mapping}");
            let text = mapping.to_string();
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        }
    }
}
