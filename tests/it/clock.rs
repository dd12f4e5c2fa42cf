//! Clocks that jump, and work that does not end.

use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::source::BatchLimits;

use crate::steps::{UPSERT, hundred, same_on_both_sides};

#[tokio::test]
async fn a_watermark_ahead_of_the_servers_clock_stops_the_mapping_and_names_the_remedy() {
    let sandbox = hundred("clock_back", "", UPSERT).await;
    sandbox.sync().await;
    let mut state = sandbox.read_json("state/state.json");
    state["last_sync"]["t"] = "2099-01-01 00:00:00".into();
    sandbox.write("state/state.json", &state.to_string());
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "conflict");
    let (error, hint) = (report["errors"][0].as_str().unwrap(), report["hint"].as_str().unwrap());
    assert!(error.contains("2099-01-01 00:00:00") && error.contains("MySQL's clock"), "{error}");
    assert!(hint.contains("the next run reads from") && hint.contains("last_sync"), "{hint}");
}

#[tokio::test]
async fn rows_stamped_while_the_clock_was_behind_arrive_once_it_has_passed_the_watermark() {
    let sandbox = hundred("clock_behind", "", UPSERT).await;
    sandbox.sync().await;
    let ahead = "SELECT CAST(UTC_TIMESTAMP(6) + INTERVAL 3 SECOND AS CHAR)";
    let ahead = sandbox.mysql(ahead).await.remove(0).remove(0).unwrap();
    let mut state = sandbox.read_json("state/state.json");
    state["last_sync"]["t"] = ahead.clone().into();
    sandbox.write("state/state.json", &state.to_string());
    sandbox.run_once().await.expect_code(1);
    sandbox.sql("INSERT INTO t VALUES (200, 'meanwhile', UTC_TIMESTAMP())").await;
    while sandbox.mysql_number(&format!("SELECT UTC_TIMESTAMP(6) <= '{ahead}'")).await == 1 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    sandbox.sql("INSERT INTO t VALUES (201, 'after', UTC_TIMESTAMP())").await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    sandbox.sync().await;
    same_on_both_sides(&sandbox).await;
}

#[tokio::test]
async fn endless_work_is_stopped_at_the_deadline_and_the_next_run_continues() {
    let sandbox = hundred("deadline", "deadline: 2s", UPSERT).await;
    let mut lock = sandbox.connection().await;
    sqlx::raw_sql("LOCK TABLES t WRITE").execute(&mut lock).await.unwrap();
    let (_, report) = sandbox.run_engine(BatchLimits::default()).await;
    let mapping = &report.mappings[0];
    assert_eq!(mapping.error_kind, Some(FaultKind::Transient));
    assert!(mapping.errors[0].contains("had not ended after 2 s (`deadline`)"), "{:?}", mapping.errors);
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut lock).await.unwrap();
    sandbox.configure("", UPSERT);
    sandbox.sync().await;
    same_on_both_sides(&sandbox).await;
}
