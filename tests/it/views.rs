//! Views: the types in which their columns arrive, and views that cannot be read.

use crate::getting_in::account;
use crate::support::{Rows, Sandbox, finish, plain_decimals};

const BASE: &str = "CREATE TABLE b (id INT PRIMARY KEY, d DATE, dt DATETIME(3), ts TIMESTAMP(6) NULL, tm TIME(2), y YEAR, \
     bt BIT(5), e ENUM('a','b'), s SET('x','y'), de DECIMAL(10,2), f FLOAT, ti TINYINT(1), u INT UNSIGNED, bg BIGINT, \
     vc VARCHAR(20), tx TEXT, bl BLOB, js JSON); \
     INSERT INTO b VALUES (1, '2024-02-03', '2024-02-03 04:05:06.789', '2024-02-03 04:05:06.789012', '12:13:14.15', 2024, \
     b'10101', 'b', 'x,y', 12.34, 1.5, 1, 7, 8, 'vc', 'text', 'blob', '{\"a\": 1}'), \
     (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);";

/// A view, and the text of each of its columns, in MySQL's SQL and in BigQuery's.
const VIEWS: [(&str, &str, &str); 6] = [
    (
        "SELECT DISTINCT id, YEAR(d) yr, y, IF(id > 0, y, NULL) yi, IFNULL(y, 0) yn, MONTH(d) mo FROM b",
        "CONCAT_WS('|', yr, y, yi, yn, mo)",
        "ARRAY_TO_STRING([CAST(yr AS STRING), CAST(y AS STRING), CAST(yi AS STRING), CAST(yn AS STRING), CAST(mo AS STRING)], '|')",
    ),
    (
        "SELECT id, YEAR(d) yr, COUNT(*) c, MAX(y) y FROM b GROUP BY id, YEAR(d)",
        "CONCAT_WS('|', yr, c, y)",
        "ARRAY_TO_STRING([CAST(yr AS STRING), CAST(c AS STRING), CAST(y AS STRING)], '|')",
    ),
    (
        "SELECT DISTINCT id, CASE WHEN id = 1 THEN bt END bc, bt, IFNULL(bt, 0) bn, bt + 0 bp FROM b",
        "CONCAT_WS('|', bc + 0, bt + 0, bn + 0, bp)",
        "ARRAY_TO_STRING([CAST(bc AS STRING), CAST(bt AS STRING), CAST(bn AS STRING), CAST(bp AS STRING)], '|')",
    ),
    (
        "SELECT id, MAX(e) e, MAX(s) s, CONCAT(MAX(e), '!') ec, MAX(vc) vc, MAX(tx) tx FROM b GROUP BY id",
        "CONCAT_WS('|', e, s, ec, vc, tx)",
        "ARRAY_TO_STRING([e, s, ec, vc, tx], '|')",
    ),
    (
        "SELECT id, de * 2 d2, f + 0 f0, ti + 0 t0, u + 1 u1, ts + INTERVAL 1 DAY tsi, TIME(dt) tt, JSON_EXTRACT(js, '$.a') je \
         FROM b",
        "CONCAT_WS('|', d2 + 0e0, f0, t0, u1, DATE_FORMAT(tsi, '%Y-%m-%d %H:%i:%s.%f'), tt, je)",
        "ARRAY_TO_STRING([FORMAT('%g', CAST(d2 AS FLOAT64)), FORMAT('%g', f0), CAST(t0 AS STRING), CAST(u1 AS STRING), \
         FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E6S', tsi), CAST(tt AS STRING), je], '|')",
    ),
    (
        "SELECT id, y x1, e x2, de x3, u x4, dt x5, d x6, vc x7 FROM b \
         UNION SELECT id + 10, 2000, 'zzz', 1.234, -1, ts, dt, tx FROM b WHERE id = 1",
        "CONCAT_WS('|', x1 + 0, x2, x3 + 0e0, x4 + 0, DATE_FORMAT(x5, '%Y-%m-%d %H:%i:%s.%f'), \
         DATE_FORMAT(x6, '%Y-%m-%d %H:%i:%s.%f'), x7)",
        "ARRAY_TO_STRING([CAST(x1 AS STRING), x2, FORMAT('%g', CAST(x3 AS FLOAT64)), CAST(x4 AS STRING), \
         FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E6S', x5), FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E6S', x6), x7], '|')",
    ),
];

/// Writes `2024.000000000` as `2024`, in each of the texts that were joined.
fn texts(rows: Rows) -> Rows {
    let joined = |row: Vec<Option<String>>| {
        let cells = row[1].clone().unwrap_or_default();
        let cells = cells.split('|').map(|cell| Some(cell.to_owned())).collect();
        [vec![row[0].clone()], plain_decimals(vec![cells]).remove(0)].concat()
    };
    rows.into_iter().map(joined).collect()
}

#[tokio::test]
async fn a_views_columns_arrive_whatever_type_the_catalogue_names() {
    let sandbox = Sandbox::new("views").await;
    let numbered = |text: &dyn Fn(usize, &str) -> String| -> String {
        VIEWS.iter().enumerate().map(|(number, (view, ..))| text(number, view)).collect()
    };
    let views = numbered(&|number, view| format!("CREATE VIEW v{number} AS {view};"));
    let mappings = numbered(&|n, _| {
        format!("  - {{name: v{n}, mysql_table: v{n}, primary_keys: [id], incremental_column: id, mode: upsert}}\n")
    });
    sandbox.configure("", &mappings);
    sandbox.sql(&format!("{BASE}{views}")).await;
    sandbox.sync().await;
    for (number, (view, mysql, bigquery)) in VIEWS.iter().enumerate() {
        let expected = sandbox.mysql(&format!("SELECT CAST(id AS CHAR), {mysql} FROM v{number} ORDER BY id")).await;
        let arrived =
            sandbox.bq(&format!("SELECT CAST(id AS STRING), {bigquery} FROM `{{d}}.v{number}` ORDER BY id")).await;
        assert_eq!(texts(arrived), texts(expected), "{view}");
    }
    // Both sides compute the digests with the same types.
    sandbox.run(&["verify"]).await.expect_code(0);
}

#[tokio::test]
async fn a_view_whose_definer_is_missing_is_named_at_once() {
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
    // The server tells an administrator the reason; everybody else is told that the password is wrong.
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
