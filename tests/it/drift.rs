//! The source's table is altered while it is read.

use bigquery_syncer::domain::report::Outcome;
use bigquery_syncer::engine::{Command, Event, Phase, Selection, SyncOrder};
use bigquery_syncer::source::BatchLimits;

use crate::steps::{APPEND, UPSERT, hundred};
use crate::support::Sandbox;

/// Alters the table while it is being read, and gives how often the work was repeated.
async fn altered_while_reading(sandbox: &Sandbox, alter: &str) -> (Vec<String>, Outcome) {
    let mut handle = sandbox.engine(BatchLimits { rows: 5, bytes: 1 << 20, page_rows: 5 });
    handle.send(Command::Sync(SyncOrder::manual(Selection::All)));
    let (mut altered, mut again) = (false, Vec::new());
    loop {
        match handle.next_event().await.unwrap() {
            Event::PhaseStarted { phase: Phase::Extract, .. } if !altered => {
                altered = true;
                // The run is paused before the first batch is taken, so that pages remain to be read.
                handle.send(Command::Pause(Sandbox::mapping("t")));
                sandbox.sql(alter).await;
                handle.send(Command::Resume(Sandbox::mapping("t")));
            }
            Event::RetryScheduled { because, .. } => again.push(because),
            Event::RunFinished { report } => {
                assert!(altered);
                return (again, report.mappings[0].outcome);
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_column_added_during_the_read_arrives_with_all_rows() {
    for mapping in [UPSERT, APPEND] {
        let sandbox = hundred("drift_add", "allow_schema_additions: true", mapping).await;
        let alter = "ALTER TABLE t ADD COLUMN note VARCHAR(10); UPDATE t SET note = 'said' WHERE id > 50";
        let (again, outcome) = altered_while_reading(&sandbox, alter).await;
        assert_eq!(outcome, Outcome::Ok);
        assert!(again.iter().any(|because| because.contains("`note`")), "{again:?}");
        assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 100);
        assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE note = 'said'").await, 50);
    }
}

#[tokio::test]
async fn a_column_dropped_during_the_read_costs_a_second_attempt() {
    let sandbox = hundred("drift_drop", "", UPSERT).await;
    let (again, outcome) = altered_while_reading(&sandbox, "ALTER TABLE t DROP COLUMN v").await;
    assert_eq!(outcome, Outcome::Ok);
    assert!(again.iter().any(|because| because.contains("`v`")), "{again:?}");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 100);
}

#[tokio::test]
async fn a_column_retyped_during_the_read_arrives_with_its_new_type() {
    let sandbox = hundred("drift_retype", "allow_schema_additions: true", UPSERT).await;
    sandbox.sql("ALTER TABLE t ADD COLUMN n INT NOT NULL DEFAULT 3").await;
    let alter = "ALTER TABLE t MODIFY COLUMN n DECIMAL(30,2) NOT NULL; UPDATE t SET n = 3.5 WHERE id > 50";
    let (again, outcome) = altered_while_reading(&sandbox, alter).await;
    assert_eq!(outcome, Outcome::Ok);
    assert!(again.iter().any(|because| because.contains("`n`")), "{again:?}");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE n = 3.5").await, 50);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE n = 3").await, 50);
}
