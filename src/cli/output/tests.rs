use chrono::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::domain::ids::{JobId, MappingName, RunId};
use crate::engine::{self, Asked, BackfillAsk};

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 8, 0, 0).unwrap()
}

fn backfill() -> BackfillState {
    BackfillState {
        start: "2026-10-01".into(),
        end: None,
        from: "2026-10-01 00:00:00".into(),
        to: "2026-10-31 00:00:00".into(),
        done: Some("2026-10-02 00:00:00".into()),
        slices: 1,
        rows: 7,
        began_at: at(),
        by: "ann@jump".into(),
        parts: Some(engine::Parts { shards: 2, ends: vec!["2026-10-31 00:00:00".into()] }),
        rules: None,
    }
}

fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn a_status_is_printed_with_all_its_keys() {
    let run_id = RunId("20261123T080000Z-00ff00".into());
    let status = MappingStatus {
        mapping: MappingName("orders".into()),
        source: "shop.orders".into(),
        target: "d.orders".into(),
        mode: "upsert".into(),
        watermark: Some("5".into()),
        newest: None,
        lag: Some(Lag::Steps(3)),
        last_run: Some(LastRun {
            run_id: run_id.clone(),
            trigger: Trigger::Manual,
            finished_at: at(),
            outcome: Outcome::Ok,
            rows: 4,
            duration_ms: 1200,
            error: None,
            hint: None,
            lag_seconds: None,
        }),
        problem: None,
        asked: Asked::Answered,
        pending: Some(JobId("bqsync_publish_1".into())),
        held_by: Some(Holder { host: "jump".into(), pid: 7, run_id, since: at() }),
        backfill: Some(backfill()),
        new_table: false,
        undecided: vec!["note".into()],
        decisions: [(
            "old".to_owned(),
            SchemaDecision { accepted: false, mysql: "int".into(), by: "ann".into(), at: at() },
        )]
        .into(),
    };
    let printed = json!({
        "mapping": "orders", "source": "shop.orders", "target": "d.orders", "mode": "upsert", "watermark": "5",
        "newest": null, "lag": {"steps": 3},
        "last_run": {
            "run_id": "20261123T080000Z-00ff00", "trigger": "manual", "finished_at": "2026-11-23T08:00:00Z",
            "outcome": "ok", "rows": 4, "duration_ms": 1200
        },
        "problem": null, "pending": "bqsync_publish_1",
        "held_by": {"host": "jump", "pid": 7, "run_id": "20261123T080000Z-00ff00", "since": "2026-11-23T08:00:00Z"},
        "backfill": {
            "start": "2026-10-01", "from": "2026-10-01 00:00:00", "to": "2026-10-31 00:00:00",
            "done": "2026-10-02 00:00:00", "slices": 1, "rows": 7, "began_at": "2026-11-23T08:00:00Z", "by": "ann@jump",
            "parts": {"shards": 2, "ends": ["2026-10-31 00:00:00"]}
        },
        "undecided": ["note"],
        "decisions": {"old": {"accepted": false, "mysql": "int", "by": "ann", "at": "2026-11-23T08:00:00Z"}}
    });
    assert_eq!(json_of(&Status::from(&status)), printed);
}

#[test]
fn a_preview_is_printed_with_all_its_keys() {
    let preview = BackfillPreview {
        ask: BackfillAsk { mapping: MappingName("orders".into()), start: "1".into(), end: Some("9".into()) },
        window: "[1, 9]".into(),
        notes: Vec::new(),
        slices: vec![SlicePreview { window: "[1, 9]".into(), rows: None }],
        more_slices: false,
        rows_estimate: Some(9),
        bytes_estimate: None,
        rows_in_target: Some(0),
        publish: "merge".into(),
        publish_bytes: Some(PublishBytes { of_table: 10, publishes: 1, in_all: 12 }),
        unfinished: None,
    };
    let printed = json!({
        "ask": {"mapping": "orders", "start": "1", "end": "9"}, "window": "[1, 9]", "notes": [],
        "slices": [{"window": "[1, 9]", "rows": null}], "more_slices": false, "rows_estimate": 9,
        "bytes_estimate": null, "rows_in_target": 0, "publish": "merge",
        "publish_bytes": {"of_table": 10, "publishes": 1, "in_all": 12}, "unfinished": null
    });
    assert_eq!(json_of(&Preview::from(&preview)), printed);
}

#[test]
fn every_schema_diff_answer_names_its_kind() {
    let failed = Err(Failure { error: "no table".into(), hint: "make one".into() });
    let printed = json!({"event": "compare_failed", "mapping": "orders", "error": "no table", "hint": "make one"});
    assert_eq!(json_of(&SchemaDiff::compared("orders", &failed)), printed);
    let compared = Ok(Comparison {
        mapping: MappingName("orders".into()),
        creates_table: false,
        new_table: false,
        columns: Vec::new(),
        statements: vec!["ALTER".into()],
        applied: true,
        conflicts: 0,
        options: vec!["other labels".into()],
    });
    let printed = json!({
        "event": "schema_compared", "mapping": "orders", "creates_table": false, "columns": [], "statements": ["ALTER"],
        "applied": true, "conflicts": 0, "options": ["other labels"]
    });
    assert_eq!(json_of(&SchemaDiff::compared("orders", &compared)), printed);
    let decided = Ok(Decided {
        mapping: MappingName("orders".into()),
        accepted: vec!["a".into()],
        declined: Vec::new(),
        statements: Vec::new(),
        notes: Vec::new(),
        waits: false,
    });
    let printed = json!({
        "event": "schema_decided", "mapping": "orders", "accepted": ["a"], "declined": [], "statements": [], "notes": []
    });
    assert_eq!(json_of(&SchemaDiff::decided("orders", &decided)), printed);
}
