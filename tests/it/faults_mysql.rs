//! Errors of MySQL and of the network before it: connections that break at any byte, a server that is slow or away.

use std::time::Duration;

use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::domain::report::Outcome;
use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::source::BatchLimits;

use crate::support::{Announced, Told, Trial};

#[tokio::test]
async fn a_connection_may_break_at_any_byte_of_the_answer() {
    let trial = Trial::new("anybyte").await;
    // Several cuts in each run hit the greeting, TLS, the session's settings, the catalogue, the bounds, and the rows.
    for (added, cuts) in [
        (120, vec![0, 1, 90, 2_500, 4_500, 7_500, 12_000]),
        (60, vec![5_000, 3_500, 5_500, 4_000]),
        (60, vec![20_000, 700]),
    ] {
        trial.add(added).await;
        let all = cuts.len();
        trial.mysql.cut(cuts.clone());
        let told = trial.succeeds().await;
        assert_eq!(trial.mysql.cuts_left(), 0, "of {cuts:?}");
        // If the first look at all tables together breaks, it is not repeated: each table is then looked at by itself.
        let retries = told.retries();
        assert!((all - 1..=all).contains(&retries.len()), "{retries:?}");
        // It is chance which call meets which break; if one meets several in a row, the mapping's work begins again.
        for report in &told.report.mappings {
            assert_eq!(report.records_processed, added.unsigned_abs(), "{cuts:?}: {report:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_repeatedly_continues_at_the_last_page_each_time() {
    let mut trial = Trial::with("again", &["u"]).await;
    trial.add(2_000).await;
    trial.sandbox.sql("UPDATE t SET v = REPEAT(SHA2(id, 256), 5)").await;
    trial.through.limits = BatchLimits { rows: 50, bytes: 1 << 20, page_rows: 100 };
    trial.through.mysql_ssl_mode = Some("DISABLED");
    // More often than a call without progress would be repeated.
    trial.mysql.cut([70_000; 9]);
    let told = trial.succeeds().await;
    assert_eq!(trial.mysql.cuts_left(), 0);
    let reading: Vec<_> = told.retries().into_iter().filter(|retry| retry.operation.starts_with("reading t")).collect();
    assert!(reading.len() >= 8 && reading.iter().all(|retry| retry.attempt == 2), "{reading:?}");
    assert_eq!((told.mapping("u").attempts, told.mapping("u").records_processed), (1, 2_000));
    // The rows have 700 kB; starting over each time would send several times as much.
    assert!(trial.mysql.answered() < 1_300_000, "{}", trial.mysql.answered());
}

#[tokio::test]
async fn unordered_rows_are_read_again_from_the_start_and_none_arrives_twice() {
    let mut trial = Trial::with("stream", &["k", "u"]).await;
    trial.add(1_000).await;
    trial.sandbox.sql("UPDATE t SET v = REPEAT(SHA2(id, 256), 5)").await;
    trial.through.mysql_ssl_mode = Some("DISABLED");
    trial.mysql.cut([250_000; 2]);
    let told = trial.succeeds().await;
    assert_eq!(trial.mysql.cuts_left(), 0);
    assert_eq!(told.mapping("u").attempts, 1);
    // What the first attempt had staged was thrown away.
    let streamed = told.mapping("k");
    assert_eq!(streamed.records_processed, 1_000);
    assert_eq!(told.restarts("k").len(), usize::try_from(streamed.attempts).unwrap() - 1);
    assert!(told.restarts("k").iter().all(|restart| restart.because.contains("Reading t failed")));
}

#[tokio::test]
async fn a_restarting_server_is_waited_for_and_a_slow_one_is_not_given_up() {
    let mut trial = Trial::new("restart").await;
    trial.add(60).await;
    trial.through.patience = Patience::one_in(20);
    trial.mysql.delay(Duration::from_millis(10));
    trial.mysql.go_away(Duration::from_millis(300)).await;
    let told = trial.succeeds().await;
    let retries = told.retries();
    assert!(!retries.is_empty() && retries.iter().all(|retry| retry.because.contains("Connecting to MySQL")));
    assert!(told.report.mappings.iter().all(|report| report.attempts == 1), "{:?}", told.report);
}

#[tokio::test]
async fn a_server_that_stays_away_fails_its_mappings_and_the_next_run_catches_up() {
    let trial = Trial::new("away").await;
    trial.add(60).await;
    trial.mysql.go_away(Duration::from_secs(2)).await;
    let told = trial.run().await;
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Transient)), "{report:?}");
        assert_eq!(report.attempts, 4);
        assert!(report.errors[0].contains(&format!("127.0.0.1:{}", trial.mysql.port)), "{report:?}");
        assert!(report.hint.as_ref().unwrap().contains("server is up"), "{report:?}");
        // Four tries of the work, each with five tries of its first call.
        let retries = told.retries().into_iter().filter(|retry| retry.mapping == mapping).count();
        assert_eq!((told.restarts(mapping).len(), retries), (3, 3 + 4 * 4));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    trial.succeeds().await;
}

#[tokio::test]
async fn a_silently_broken_connection_is_noticed_and_its_rows_are_read_again() {
    let mut trial = Trial::with("held_up", &["r", "u"]).await;
    // More than the sockets in between can hold, so that the server still has something to send.
    trial.add(20_000).await;
    trial.sandbox.sql("UPDATE t SET v = REPEAT(SHA2(id, 256), 15)").await;
    trial.through.limits = BatchLimits::default();
    trial.through.silence = Duration::from_millis(300);
    trial.through.mysql_ssl_mode = Some("DISABLED");
    trial.mysql.hold_up(1_000_000);
    let told = trial.succeeds().await;
    assert_eq!(trial.mysql.cuts_left(), 0);
    // Whichever mapping it was, and whatever it asked: it asked again.
    assert_eq!(broken(&told).len(), 1, "{:?}", told.retries());
}

#[tokio::test]
async fn a_query_over_a_silently_broken_connection_is_repeated() {
    let mut trial = Trial::with("short", &["u"]).await;
    trial.through.silence = Duration::from_millis(300);
    trial.through.mysql_ssl_mode = Some("DISABLED");
    for (words, what) in [("innodb_trx", "who may still write"), ("(SELECT * FROM `t` LIMIT 0)", "description of t")] {
        trial.add(60).await;
        trial.mysql.hold_up_at(words);
        let told = trial.succeeds().await;
        assert!(!trial.mysql.is_waiting_for_words(), "nobody asked {words}");
        let retries = broken(&told);
        assert!(matches!(&retries[..], [retry] if retry.operation.contains(what)), "{:?}", told.retries());
    }
}

/// The calls that were repeated because nothing arrived any more.
fn broken(told: &Told) -> Vec<Announced> {
    told.retries().into_iter().filter(|retry| retry.because.contains("the way to MySQL is broken")).collect()
}
