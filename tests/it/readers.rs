//! Several connections that read one window side by side: every row is read once, wherever it is and whatever breaks.

use std::time::Duration;

use bigquery_syncer::source::BatchLimits;

use crate::support::Trial;

/// Pages of ten rows on a line that is slow enough for readers to meet.
async fn four(name: &str, mappings: &[&str]) -> Trial {
    let mut trial = Trial::configured(name, "readers: 4", mappings).await;
    trial.through.limits = BatchLimits { rows: 4, bytes: 1 << 20, page_rows: 10 };
    trial.through.mysql_ssl_mode = Some("DISABLED");
    trial.mysql.delay(Duration::from_millis(3));
    trial
}

/// This many rows arrive once each, read by more than one and at most four connections.
async fn arrive(trial: &Trial, rows: u64) {
    let told = trial.succeeds().await;
    for report in &told.report.mappings {
        assert_eq!((report.records_processed, report.rows_inserted), (rows, rows), "{report:?}");
    }
    let most = trial.mysql.most_open();
    assert!((2..=4).contains(&most), "{most} connections at one time");
}

#[tokio::test]
async fn a_first_load_is_divided_among_readers_by_the_keys_values() {
    let trial = four("by_key", &["u"]).await;
    trial.add(500).await;
    arrive(&trial, 500).await;
}

#[tokio::test]
async fn keys_clustered_at_one_end_are_divided_too() {
    let trial = four("skewed", &["u"]).await;
    trial.add(300).await;
    // One key is at the beginning, and the others are where halves of halves still hold none or all of them.
    trial.sandbox.sql("UPDATE t SET id = id + 2147400000 WHERE id > 1").await;
    arrive(&trial, 300).await;
}

#[tokio::test]
async fn a_window_is_divided_by_time_and_rows_of_the_same_time_stay_together() {
    let trial = four("by_cursor", &["a"]).await;
    trial.add(30).await;
    trial.succeeds().await;
    trial.add(400).await;
    // More rows of one moment than a page holds.
    trial.sandbox.sql("UPDATE t SET at = '2026-02-01' WHERE id BETWEEN 100 AND 180").await;
    trial.sandbox.sql("UPDATE t SET at = '2026-02-02' + INTERVAL id MICROSECOND WHERE id > 400").await;
    arrive(&trial, 400).await;
}

#[tokio::test]
async fn a_small_window_opens_no_second_connection() {
    let trial = four("small", &["u"]).await;
    trial.add(9).await;
    trial.succeeds().await;
    // One may still be closing when the next one opens; four readers would be as many at one time.
    let most = trial.mysql.most_open();
    assert!(most <= 2, "{most} connections at one time");
}

#[tokio::test]
async fn each_reader_continues_after_its_own_last_row_when_its_connection_breaks() {
    let trial = four("broken", &["u"]).await;
    trial.add(600).await;
    trial.mysql.cut([9_000; 6]);
    arrive(&trial, 600).await;
    assert_eq!(trial.mysql.cuts_left(), 0);
}

#[tokio::test]
async fn an_account_limited_to_two_connections_is_read_by_two_readers() {
    let mut trial = four("account", &["u"]).await;
    trial.add(600).await;
    let user = format!("two_{}", std::process::id());
    let database = &trial.sandbox.database;
    let create = format!(
        "CREATE USER {user}@'%' IDENTIFIED BY 'pw' WITH MAX_USER_CONNECTIONS 2; GRANT SELECT ON `{database}`.* TO {user}@'%'"
    );
    trial.sandbox.sql(&create).await;
    trial.through.mysql_user = Some(user.clone());
    trial.through.mysql_ssl_mode = Some("REQUIRED");
    let told = trial.succeeds().await;
    assert_eq!((told.mapping("u").attempts, told.mapping("u").rows_inserted), (1, 600), "{:?}", told.retries());
    assert!(trial.mysql.most_open() >= 2, "{} connections at one time", trial.mysql.most_open());
    // The others read a third reader's share; only the last reader may find a connection that is not closed yet.
    let waited = told.retries().into_iter().filter(|retry| retry.operation.starts_with("reading t")).count();
    assert!(waited <= 1, "{:?}", told.retries());
    trial.sandbox.sql(&format!("DROP USER {user}@'%'")).await;
}
