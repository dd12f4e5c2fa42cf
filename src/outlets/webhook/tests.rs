//! What is sent, to whom, and what is never sent.

use chrono::Utc;
use serde_json::Value;

use super::*;
use crate::domain::config::Mode;
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::Trigger;

fn webhook(url: &str, on: NotifyOn) -> Webhook {
    // `main` does the same; another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Webhook::new(&Notify { url: Secret::new(url), on }).unwrap()
}

fn mapping(name: &str, fault: Option<Fault>) -> MappingReport {
    let (run, source) = (RunId("r1".to_owned()), name.to_owned());
    let mut report = MappingReport::begin(
        MappingName(name.to_owned()),
        Mode::Upsert,
        run,
        source,
        format!("p.d.{name}"),
        Utc::now(),
    );
    if let Some(fault) = fault {
        report.fail(&fault);
    }
    report
}

fn run(mappings: Vec<MappingReport>) -> RunReport {
    let (run_id, now) = (RunId("r1".to_owned()), Utc::now());
    RunReport {
        run_id,
        trigger: Trigger::Schedule,
        by: "etl@jump1".into(),
        started_at: now,
        finished_at: now,
        mappings,
    }
}

fn waiting(name: &str) -> MappingReport {
    MappingReport { outcome: Outcome::Waiting, ..mapping(name, None) }
}

#[test]
fn the_failed_mappings_are_named_with_sentence_and_hint() {
    let auth = Fault::new(FaultKind::Auth, "Connecting was refused").with_hint("check the account");
    let value = serde_json::to_value(word(&run(vec![mapping("orders", Some(auth)), mapping("users", None)]))).unwrap();
    assert_eq!(
        (&value["outcome"], &value["trigger"], &value["by"]),
        (&"failed".into(), &"schedule".into(), &"etl@jump1".into())
    );
    let troubles = value["mappings"].as_array().unwrap();
    assert_eq!(troubles.len(), 1);
    assert_eq!(troubles[0]["mapping"], "orders");
    assert_eq!(troubles[0]["sentence"], "Connecting was refused");
    assert_eq!((&troubles[0]["kind"], &troubles[0]["hint"]), (&"auth".into(), &"check the account".into()));
    let text = value["text"].as_str().unwrap();
    assert!(text.contains("1 of 2 mappings failed (run r1)") && text.contains("\norders: Connecting"), "{text}");
    assert_eq!(value["host"], Value::from(host_name()));
}

#[test]
fn a_waiting_mapping_is_named_with_the_commands_that_decide() {
    let table = MappingReport {
        waits_for: Some(Undecided::Table),
        source: "eu:shop.coupons".to_owned(),
        ..waiting("shop.coupons")
    };
    let columns = MappingReport { waits_for: Some(Undecided::Columns), ..waiting("my orders") };
    let value = serde_json::to_value(word(&run(vec![table, columns]))).unwrap();
    assert!(value["text"].as_str().unwrap().contains("2 of 2 mappings waiting for a decision"), "{value}");
    let troubles = &value["mappings"];
    assert_eq!(troubles[0]["source"], "eu:shop.coupons");
    assert_eq!(troubles[0]["sentence"], "Its table is new and waits for a decision");
    let hint = "see `bqsync schema-diff --mapping shop.coupons`, then add `--apply` or `--decline '*'`";
    assert_eq!(troubles[0]["hint"], hint);
    assert_eq!(troubles[1]["sentence"], "Its columns wait for a decision");
    let hint = "see `bqsync schema-diff --mapping 'my orders'`, then add `--apply` or `--decline COLUMN`";
    assert_eq!(troubles[1]["hint"], hint);
}

#[test]
fn an_error_about_a_rows_value_stays_in_the_report() {
    for (fault, words) in [
        (Fault::new(FaultKind::Data, "Row id=4711 of orders holds 0xFF"), "the run's report has the error"),
        (Fault::new(FaultKind::Schema, "Publishing orders failed: Bad int64 value: 4711"), "Publishing orders failed"),
    ] {
        let value = serde_json::to_string(&word(&run(vec![mapping("orders", Some(fault))]))).unwrap();
        assert!(!value.contains("4711") && value.contains(words), "{value}");
    }
}

#[test]
fn each_value_of_on_includes_the_kinds_before_it() {
    let failed = || mapping("a", Some(Fault::new(FaultKind::Bug, "x")));
    let runs =
        [run(vec![failed(), waiting("b")]), run(vec![waiting("b"), mapping("c", None)]), run(vec![mapping("c", None)])];
    for (on, expected) in [
        (NotifyOn::Failure, [true, false, false]),
        (NotifyOn::Waiting, [true, true, false]),
        (NotifyOn::Always, [true, true, true]),
    ] {
        let webhook = webhook("http://127.0.0.1:1/s3cret", on);
        assert_eq!(runs.each_ref().map(|run| webhook.wants(run)), expected, "{on:?}");
    }
}

#[tokio::test]
async fn an_unreachable_address_is_reported_without_showing_it() {
    let webhook = webhook("http://127.0.0.1:1/s3cret", NotifyOn::Always);
    let fault = webhook.tell(&run(vec![mapping("c", None)]), Patience::one_in(100_000)).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Transient);
    let said = format!("{fault} {fault:?} {webhook:?}");
    assert!(said.contains("cannot be reached (the connection is refused: nothing listens there)"), "{said}");
    assert!(!said.contains("s3cret") && !said.contains("127.0.0.1"), "{said}");
}
