//! Every column type at its extremes: the arrived values are compared one by one with the server's own texts.

use crate::support::{Sandbox, finish, is_mysql, plain_decimals, rows};

/// A column, its values (as SQL), and the expressions that give the same text on both sides.
pub struct Case {
    pub ddl: &'static str,
    pub values: &'static [&'static str],
    /// `{c}` stands for the column.
    mysql: &'static str,
    bigquery: &'static str,
}

const AS_TEXT: (&str, &str) = ("CAST({c} AS CHAR)", "CAST({c} AS STRING)");
const FLOAT: (&str, &str) = ("{c} + 0e0", "REPLACE(CAST({c} AS STRING), 'e+', 'e')");
const MOMENT: (&str, &str) =
    ("DATE_FORMAT({c}, '%Y-%m-%d %H:%i:%s.%f')", "FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E6S', {c})");
const HEX: (&str, &str) = ("HEX({c})", "UPPER(TO_HEX({c}))");
const NUMBER: (&str, &str) = ("CAST({c} + 0 AS CHAR)", "CAST({c} AS STRING)");
const PLAIN: (&str, &str) = ("{c}", "{c}");

const fn case(
    ddl: &'static str,
    values: &'static [&'static str],
    (mysql, bigquery): (&'static str, &'static str),
) -> Case {
    Case { ddl, values, mysql, bigquery }
}

pub fn cases() -> Vec<Case> {
    vec![
        case("TINYINT", &["-128", "127", "0"], AS_TEXT),
        case("TINYINT(1)", &["0", "1", "2"], AS_TEXT),
        case("TINYINT UNSIGNED", &["0", "255"], AS_TEXT),
        case("SMALLINT", &["-32768", "32767"], AS_TEXT),
        case("SMALLINT UNSIGNED", &["65535"], AS_TEXT),
        case("MEDIUMINT", &["-8388608", "8388607"], AS_TEXT),
        case("MEDIUMINT UNSIGNED", &["16777215"], AS_TEXT),
        case("INT", &["-2147483648", "2147483647"], AS_TEXT),
        case("INT UNSIGNED ZEROFILL", &["4294967295", "7"], NUMBER),
        case("BIGINT", &["-9223372036854775808", "9223372036854775807", "0"], AS_TEXT),
        case("BIGINT UNSIGNED", &["18446744073709551615", "9223372036854775808", "0"], AS_TEXT),
        case("DECIMAL(10,2)", &["-99999999.99", "99999999.99", "0.01"], AS_TEXT),
        case("DECIMAL(38,9)", &["-12345678901234567890123456789.123456789", "0.000000001"], AS_TEXT),
        case("DECIMAL(30,12)", &["-123456789012345678.123456789012", "0.5"], AS_TEXT),
        case("DECIMAL(38,18)", &["-99999999999999999999.999999999999999999", "0.5"], AS_TEXT),
        case("DECIMAL(65,0)", &["-99999999999999999999999999999999999999999999999999999999999999999", "1"], AS_TEXT),
        case("FLOAT", &["16777216", "0.1", "-3.4e38", "1.17549e-38"], FLOAT),
        case("DOUBLE", &["1.7976931348623157e308", "-2.2250738585072014e-308", "0.1"], FLOAT),
        case("BIT(1)", &["b'0'", "b'1'"], ("CAST({c} + 0 AS CHAR)", "CAST(CAST({c} AS INT64) AS STRING)")),
        case("BIT(12)", &["b'101010101010'", "b'1'"], NUMBER),
        case("BIT(64)", &["0xFFFFFFFFFFFFFFFF", "b'1'"], NUMBER),
        case("YEAR", &["1901", "2155", "0"], NUMBER),
        case("DATE", &["'1000-01-01'", "'9999-12-31'", "'2024-02-29'"], AS_TEXT),
        case("DATETIME", &["'1000-01-01'", "'9999-12-31 23:59:59'"], MOMENT),
        case("DATETIME(6)", &["'1969-12-31 23:59:59.999999'", "'9999-12-31 23:59:59.999999'"], MOMENT),
        case("TIMESTAMP(3) NULL", &["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999'"], MOMENT),
        case("TIME", &["'-838:59:59'", "'838:59:59'", "'00:00:00'"], AS_TEXT),
        case("TIME(6)", &["'-00:00:00.000001'", "'23:59:59.999999'"], AS_TEXT),
        case("CHAR(10)", &["'x'", "''", "'né 中 🎂'"], PLAIN),
        case("VARCHAR(200)", &["'quote \\' tab\\t nul\\0 backslash \\\\'", "'NULL'"], PLAIN),
        case("VARCHAR(20) CHARACTER SET latin1", &["'Müller'"], PLAIN),
        // cp932 has the first character twice; the conversion back gives the other one.
        case("VARCHAR(20) CHARACTER SET cp932", &["x'8790'", "'どう?'", "''"], PLAIN),
        case("TEXT CHARACTER SET gbk", &["REPEAT('中?', 15000)"], PLAIN),
        case("ENUM('Ж?', 'b') CHARACTER SET cp1251", &["1", "2"], PLAIN),
        case("TINYTEXT", &["'tiny'"], PLAIN),
        case("TEXT", &["REPEAT('ä', 30000)"], PLAIN),
        case("MEDIUMTEXT", &["REPEAT('m', 70000)"], PLAIN),
        case("LONGTEXT", &["REPEAT('l', 300000)"], PLAIN),
        case("BINARY(4)", &["x'00FF'", "x'DEADBEEF'"], HEX),
        case("VARBINARY(300)", &["x''", "REPEAT(x'FF00', 150)"], HEX),
        case("TINYBLOB", &["x'00'"], HEX),
        case("BLOB", &["REPEAT(x'C3', 60000)"], HEX),
        case("MEDIUMBLOB", &["REPEAT(x'28', 70000)"], HEX),
        case("LONGBLOB", &["x'0102'"], HEX),
        case("ENUM('a','b','ü,\\'')", &["'ü,\\''", "2"], PLAIN),
        case("SET('x','y','z')", &["'x,z'", "''"], PLAIN),
        case("JSON", &["'{\"b\": [1, 2.5, null], \"a\": \"é\"}'", "'[]'"], ("CAST({c} AS CHAR)", "{c}")),
    ]
}

pub fn geometries(mysql: bool) -> Vec<Case> {
    let said: (&str, &str) = if mysql {
        ("REPLACE(ST_AsText({c}, 'axis-order=long-lat'), ', ', ',')", "REPLACE({c}, ', ', ',')")
    } else {
        ("REPLACE(ST_AsText({c}), ', ', ',')", "REPLACE({c}, ', ', ',')")
    };
    let bare = (
        "REPLACE(REPLACE(REPLACE(ST_AsText({c}), ', ', ','), '(', ''), ')', '')",
        "REPLACE(REPLACE(REPLACE({c}, ', ', ','), '(', ''), ')', '')",
    );
    let point =
        if mysql { "ST_GeomFromText('POINT(48.2 16.37)', 4326)" } else { "ST_GeomFromText('POINT(16.37 48.2)', 4326)" };
    vec![
        case("POINT", Box::leak(vec![point, "ST_GeomFromText('POINT(-1.5 2)')"].into_boxed_slice()), said),
        case("LINESTRING", &["ST_GeomFromText('LINESTRING(0 0,1 1.25,2 2)')"], said),
        case("GEOMETRY", &["ST_GeomFromText('LINESTRING(0 0,1 1)')"], said),
        // Its points may or may not have their own parentheses: both are WKT.
        case("MULTIPOINT", &["ST_GeomFromText('MULTIPOINT(1 2,3 4)')"], bare),
        case("MULTILINESTRING", &["ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))')"], said),
        case("POLYGON", &["ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 2,1 1))')"], said),
        case("MULTIPOLYGON", &["ST_GeomFromText('MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((9 9,8 9,8 8,9 9)))')"], said),
        case("GEOMETRYCOLLECTION", &["ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')"], said),
    ]
}

pub const MAPPING: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}";

/// Creates `t` with a row for each value (NULL in the other columns) and a row of NULLs.
pub async fn filled(name: &str, cases: &[Case]) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", MAPPING);
    let columns: Vec<String> = cases.iter().enumerate().map(|(i, case)| format!("c{i} {}", case.ddl)).collect();
    sandbox.sql(&format!("CREATE TABLE t (id INT PRIMARY KEY, {}) ROW_FORMAT=DYNAMIC", columns.join(", "))).await;
    let height = cases.iter().map(|case| case.values.len()).max().unwrap() + 1;
    for row in 0..height {
        let values: Vec<&str> = cases.iter().map(|case| case.values.get(row).copied().unwrap_or("NULL")).collect();
        sandbox.sql(&format!("INSERT INTO t VALUES ({row}, {})", values.join(", "))).await;
    }
    sandbox
}

/// Syncs, and compares column by column.
async fn round_trip(name: &str, cases: &[Case]) {
    let sandbox = filled(name, cases).await;
    arrives(&sandbox, cases).await;
}

/// The same for a sandbox that is filled.
pub async fn arrives(sandbox: &Sandbox, cases: &[Case]) {
    let report = sandbox.sync().await.mapping("t");
    assert_eq!(report["flaws"], serde_json::json!([]), "nothing was bent");
    same_values(sandbox, cases, "").await;
}

/// Both sides give the same values for the rows that meet a condition.
pub async fn same_values(sandbox: &Sandbox, cases: &[Case], condition: &str) {
    for (i, case) in cases.iter().enumerate() {
        let column = format!("c{i}");
        let theirs = sandbox
            .mysql(&format!("SELECT {} FROM t {condition} ORDER BY id", case.mysql.replace("{c}", &column)))
            .await;
        let ours = sandbox
            .bq(&format!("SELECT {} FROM `{{d}}.t` {condition} ORDER BY id", case.bigquery.replace("{c}", &column)))
            .await;
        assert_eq!(plain_decimals(theirs), plain_decimals(ours), "{}", case.ddl);
    }
}

#[tokio::test]
async fn every_type_arrives_as_the_server_says_it() {
    round_trip("types", &cases()).await;
}

#[tokio::test]
async fn geometries_arrive_with_x_before_y() {
    round_trip("geometry", &geometries(is_mysql().await)).await;
}

#[tokio::test]
async fn types_that_only_one_server_has_arrive_too() {
    if is_mysql().await {
        let sandbox = Sandbox::new("vector").await;
        sandbox.configure("", MAPPING);
        sandbox
            .sql("CREATE TABLE t (id INT PRIMARY KEY, v VECTOR(3)); INSERT INTO t VALUES (1, STRING_TO_VECTOR('[1,0.1,-2.5]')), (2, NULL)")
            .await;
        sandbox.sync().await;
        let expected = vec![vec![Some("[1,0.1,-2.5]".to_owned())], vec![None]];
        assert_eq!(sandbox.bq("SELECT v FROM `{d}.t` ORDER BY id").await, expected);
    } else {
        round_trip(
            "mariadb",
            &[
                case("UUID", &["'123e4567-e89b-12d3-a456-426655440000'"], AS_TEXT),
                case("INET4", &["'10.0.0.255'"], AS_TEXT),
                case("INET6", &["'2001:db8::ff00:42:8329'", "'::'"], AS_TEXT),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn zero_and_impossible_dates_become_null_and_are_counted_or_fail() {
    let sandbox = Sandbox::new("zero").await;
    sandbox.configure("", MAPPING);
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE, dt DATETIME, ts TIMESTAMP NULL); \
             INSERT INTO t VALUES (1, '0000-00-00', '2024-02-31 10:00:00', '0000-00-00 00:00:00'), \
             (2, '2024-00-10', '0000-00-00', '2024-01-01'), (3, '2024-02-29', '2024-02-29', NULL)",
        )
        .await;
    let report = sandbox.sync().await.mapping("t");
    let flaws = report["flaws"].as_array().unwrap();
    let count = |column: &str| flaws.iter().find(|f| f["column"] == column).map(|f| f["count"].clone());
    assert_eq!((count("d"), count("dt"), count("ts")), (Some(2.into()), Some(2.into()), Some(1.into())), "{report}");
    let query = "SELECT CAST(COUNT(d) AS STRING), CAST(COUNT(dt) AS STRING), CAST(COUNT(ts) AS STRING) FROM `{d}.t`";
    assert_eq!(sandbox.bq(query).await, rows(&[&["1", "1", "1"]]));

    let sandbox2 = Sandbox::new("zerofail").await;
    sandbox2.configure("invalid_values: fail", MAPPING);
    sandbox2.sql("CREATE TABLE t (id INT PRIMARY KEY, d DATE); INSERT INTO t VALUES (1, '0000-00-00')").await;
    let report = sandbox2.run_once().await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "data");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains("`d`") && error.ends_with("in the row with `id` = 1"), "{report}");
}

#[tokio::test]
async fn datetimes_are_read_in_the_default_timezone_with_gaps_and_overlaps_by_rule() {
    let sandbox = Sandbox::new("zone").await;
    sandbox.configure("default_timezone: Europe/Berlin", MAPPING);
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, d DATETIME(3)); INSERT INTO t VALUES (1, '2026-07-01 12:00:00.125'), \
             (2, '2026-03-29 02:30:00'), (3, '2026-10-25 02:30:00'), (4, '2026-01-01 00:00:00')",
        )
        .await;
    sandbox.sync().await;
    let query = "SELECT FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E3S', d) FROM `{d}.t` ORDER BY id";
    let expected = rows(&[
        &["2026-07-01 10:00:00.125"],
        &["2026-03-29 01:30:00.000"],
        &["2026-10-25 00:30:00.000"],
        &["2025-12-31 23:00:00.000"],
    ]);
    assert_eq!(sandbox.bq(query).await, expected);
}

#[tokio::test]
async fn overrides_choose_other_types_and_exclude_leaves_columns_out() {
    let sandbox = Sandbox::new("override").await;
    let mapping = MAPPING.replace(
        "mode: upsert",
        "mode: upsert, exclude: [secret], columns: {meta: JSON, d: DATETIME, flag: BOOL, t: TIME, n: INT64, b: STRING, big: STRING}",
    );
    sandbox.configure("", &mapping);
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, meta JSON, d DATETIME(6), flag TINYINT(1), t TIME(3), n VARCHAR(10), \
             b VARBINARY(10), big BIGINT UNSIGNED, secret TEXT); \
             INSERT INTO t VALUES (1, '{\"a\": {\"b\": 1.5}}', '2026-01-02 03:04:05.678901', 1, '23:59:59.999', '42', \
             'ok', 18446744073709551615, 'hidden')",
        )
        .await;
    sandbox.sync().await;
    let query = "SELECT JSON_VALUE(meta, '$.a.b'), FORMAT_DATETIME('%Y-%m-%d %H:%M:%E6S', d), CAST(flag AS STRING), \
                 CAST(t AS STRING), CAST(n + 1 AS STRING), b, big FROM `{d}.t`";
    let expected =
        rows(&[&["1.5", "2026-01-02 03:04:05.678901", "true", "23:59:59.999", "43", "ok", "18446744073709551615"]]);
    let ours = sandbox.bq(query).await;
    assert_eq!(ours[0][3].as_deref().map(|t| t.trim_end_matches('0')), Some("23:59:59.999"));
    let without_time = |rows: &Vec<Vec<Option<String>>>| {
        let mut row = rows[0].clone();
        row.remove(3);
        row
    };
    assert_eq!(without_time(&ours), without_time(&expected));
    assert!(!sandbox.bq_columns("t").await.iter().any(|c| c.starts_with("secret")));
}

#[tokio::test]
async fn values_beyond_an_overridden_type_are_counted() {
    let sandbox = Sandbox::new("range").await;
    sandbox.configure("", &MAPPING.replace("mode: upsert", "mode: upsert, columns: {t: TIME, flag: BOOL}"));
    sandbox
        .sql("CREATE TABLE t (id INT PRIMARY KEY, t TIME, flag TINYINT(1)); INSERT INTO t VALUES (1, '25:00:00', 2), (2, '-01:00:00', 0)")
        .await;
    let report = sandbox.sync().await.mapping("t");
    let flaws = report["flaws"].as_array().unwrap();
    assert_eq!(flaws.len(), 2, "{report}");
    assert!(flaws.iter().all(|f| f["flaw"] == "out_of_range"));

    let sandbox2 = Sandbox::new("rangefail").await;
    sandbox2.configure("invalid_values: fail", &MAPPING.replace("mode: upsert", "mode: upsert, columns: {flag: BOOL}"));
    sandbox2.sql("CREATE TABLE t (id INT PRIMARY KEY, flag TINYINT(1)); INSERT INTO t VALUES (1, 0), (2, 77)").await;
    let report = sandbox2.run_once().await.expect_code(1).mapping("t");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.ends_with("out of the target type's range in the row with `id` = 2"), "{error}");
}

#[tokio::test]
async fn bytes_that_are_not_utf8_fail_with_table_column_and_key() {
    let sandbox = Sandbox::new("utf8").await;
    sandbox.configure("", &MAPPING.replace("mode: upsert", "mode: upsert, columns: {b: STRING}"));
    sandbox
        .sql("CREATE TABLE t (id INT PRIMARY KEY, b VARBINARY(10)); INSERT INTO t VALUES (41, 'fine'), (42, x'66FF')")
        .await;
    let mut command = sandbox.command(&["run-once", "--output", "json"]);
    command.env("LOG_LEVEL", "DEBUG");
    let report = finish(command).await.expect_code(1).mapping("t");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains('t') && error.contains("`b`") && error.contains("`id` = 42"), "{error}");
    assert!(report["hint"].as_str().unwrap().contains("BYTES"), "{report}");
}

#[tokio::test]
async fn a_time_that_clocks_skipped_is_refused_as_a_key() {
    let sandbox = Sandbox::new("gapkey").await;
    let mapping = MAPPING.replace("primary_keys: [id]", "primary_keys: [id, at]");
    sandbox.configure("default_timezone: Europe/Berlin", &mapping);
    sandbox
        .sql(
            "CREATE TABLE t (id INT, at DATETIME, PRIMARY KEY (id, at)); \
             INSERT INTO t VALUES (1, '2026-03-29 02:30'), (1, '2026-03-29 03:30')",
        )
        .await;
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "data");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.ends_with("in the row with `id` = 1 AND `at` = '2026-03-29 02:30:00'"), "{error}");
    assert!(report["hint"].as_str().unwrap().contains("DATETIME"), "{report}");
    sandbox.configure(
        "default_timezone: Europe/Berlin",
        &mapping
            .replace("mode: upsert", "mode: upsert, columns: {at: DATETIME}")
            .replace("bigquery_table: t", "bigquery_table: t2"),
    );
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t2`").await, 2);
}

#[tokio::test]
async fn text_that_unicode_lacks_fails_and_arrives_as_bytes_on_request() {
    let sandbox = Sandbox::new("sjis").await;
    sandbox.configure("", MAPPING);
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(9) CHARACTER SET sjis, l CHAR(9) CHARACTER SET latin1); \
             INSERT INTO t VALUES (40, NULL, NULL), (41, 'ソ?', 'é'), (42, x'EAA5', 'x')",
        )
        .await;
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "data", "{report}");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains("`s` of t ") && error.contains("`id` = 42"), "{error}");
    assert!(report["hint"].as_str().unwrap().contains("BYTES"), "{report}");

    let as_bytes = MAPPING.replace("mode: upsert", "mode: upsert, columns: {s: BYTES, l: BYTES}");
    sandbox.sql("DROP TABLE IF EXISTS u; CREATE TABLE u LIKE t; INSERT INTO u SELECT * FROM t").await;
    sandbox.configure("", &as_bytes.replace("_table: t", "_table: u"));
    sandbox.sync().await;
    let query = "SELECT TO_HEX(s), TO_HEX(l) FROM `{d}.u` ORDER BY id";
    let mut expected = rows(&[&["835c3f", "e9"], &["eaa5", "78"]]);
    expected.insert(0, vec![None, None]);
    assert_eq!(sandbox.bq(query).await, expected);
}

#[tokio::test]
async fn bytes_above_127_in_an_ascii_column_fail_and_no_question_mark_arrives() {
    let sandbox = Sandbox::new("ascii").await;
    sandbox.configure("", MAPPING);
    sandbox
        .sql(
            "SET SESSION sql_mode = ''; CREATE TABLE b (id INT PRIMARY KEY, s VARBINARY(9)); \
             INSERT INTO b VALUES (41, 'a?'), (42, x'41FF42'); \
             CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(9) CHARACTER SET ascii); \
             INSERT INTO t SELECT id, s FROM b WHERE id = 41",
        )
        .await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq("SELECT s FROM `{d}.t`").await, rows(&[&["a?"]]));
    sandbox.sql("SET SESSION sql_mode = ''; INSERT IGNORE INTO t SELECT id, s FROM b WHERE id = 42").await;
    if sandbox.mysql("SELECT HEX(s) FROM t WHERE id = 42").await != rows(&[&["41FF42"]]) {
        // This server stores no such byte.
        return;
    }
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains("`s` of t ") && error.contains("`id` = 42"), "{error}");
}
