//! Clocks that jump, and work that does not come to its end.

use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::source::BatchLimits;

use crate::steps::{UPSERT, hundred, same_on_both_sides};

#[tokio::test]
async fn a_watermark_ahead_of_the_servers_clock_stops_the_mapping_and_names_the_way_out() {
    let sandbox = hundred("clock_back", "", UPSERT).await;
    sandbox.sync().await;
    let mut state = sandbox.read_json("state/state.json");
    state["last_sync"]["t"] = "2099-01-01 00:00:00".into();
    sandbox.write("state/state.json", &state.to_string());
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "conflict");
    let (error, hint) = (report["errors"][0].as_str().unwrap(), report["hint"].as_str().unwrap());
    assert!(error.contains("2099-01-01 00:00:00") && error.contains("MySQL's clock"), "{error}");
    assert!(hint.contains("backfill --mapping t --start") && hint.contains("last_sync"), "{hint}");
}

#[tokio::test]
async fn work_that_does_not_end_is_stopped_at_the_deadline_and_the_next_run_goes_on() {
    let sandbox = hundred("deadline", "deadline: 2s", UPSERT).await;
    let mut lock = sandbox.connection().await;
    sqlx::raw_sql("LOCK TABLES t WRITE").execute(&mut lock).await.unwrap();
    let (_, report) = sandbox.run_engine(BatchLimits::default()).await;
    let mapping = &report.mappings[0];
    assert_eq!(mapping.error_kind, Some(FaultKind::Transient));
    assert!(mapping.errors[0].contains("had not ended after 2.0s (`deadline`)"), "{:?}", mapping.errors);
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut lock).await.unwrap();
    sandbox.configure("", UPSERT);
    sandbox.sync().await;
    same_on_both_sides(&sandbox).await;
}
