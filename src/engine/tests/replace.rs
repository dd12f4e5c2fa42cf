//! Replacing a whole table: what may replace what, and what is remembered.

use chrono::TimeDelta;

use super::works::{APPEND, REPLACE, UPSERT, add_filled_column, allowing_shrink, edited};
use crate::domain::fault::FaultKind::{self, Config, Conflict};
use crate::domain::ids::MappingName;
use crate::domain::publish::PublishKind;
use crate::domain::replacement::Shrink;
use crate::domain::report::{MappingReport, Outcome};
use crate::engine::{Command, RepairOrder, Selection};
use crate::testing::{Call, HERE, Shop, Trouble, backfill, deletes, repair, sync};

#[track_caller]
fn refused(shop: &Shop, command: Command, kind: FaultKind) -> MappingReport {
    let before = shop.arrived();
    let report = shop.run(command).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(kind)), "{report:#?}");
    assert_eq!(shop.arrived(), before, "nothing was published");
    shop.is_tidy("what was refused");
    report
}

#[test]
fn edits_deletes_and_new_rows_arrive_with_one_publish() {
    let shop = edited(REPLACE);
    shop.published();
    shop.world.script.clear();
    let report = shop.succeeds(sync());
    shop.is_equal("the second replace");
    shop.is_tidy("the second replace");
    assert_eq!(shop.published(), [PublishKind::Replace]);
    assert_eq!((report.records_processed, report.rows_inserted, report.steps), (61, 61, 1));
    assert_eq!((report.window.as_deref(), report.jobs.len()), (Some("the whole table"), 1));
    let replaced = report.replaced.expect("it says what was replaced");
    assert_eq!((replaced.rows, replaced.rows_before), (61, Some(60)));
    assert!(replaced.show_before.unwrap().contains("FOR SYSTEM_TIME AS OF TIMESTAMP '2026-11-23 08:"));
    // The table is described once, and its columns' values are not asked for: a replace cuts no window and waits at no
    // fence.
    let asked = [Call::Bounds, Call::Writers, Call::TailSums, Call::StepEnd, Call::CountBeyond];
    assert!(!shop.calls().iter().any(|call| asked.contains(call)), "{:?}", shop.calls());
}

#[test]
fn a_replace_remembers_when_it_read_and_no_watermark() {
    let shop = Shop::new(REPLACE).rows(1..=12);
    let report = shop.succeeds(sync());
    let state = shop.state();
    assert_eq!((state.replaced.unwrap().rows, state.watermark), (12, None));
    assert_eq!((report.watermark_before, report.watermark_after.as_deref()), (None, Some("2026-11-23 08:07:30Z")));
    shop.pass(TimeDelta::minutes(5));
    let report = shop.succeeds(sync());
    assert_eq!(report.watermark_before.as_deref(), Some("2026-11-23 08:07:30Z"));
    assert_eq!(report.watermark_after.as_deref(), Some("2026-11-23 08:12:30Z"));
}

#[test]
fn an_empty_source_creates_an_empty_target_that_is_filled_later() {
    let shop = Shop::new(REPLACE);
    let report = shop.succeeds(sync());
    assert_eq!((report.records_processed, shop.published().len()), (0, 0), "there is nothing to publish");
    assert!(shop.dataset().tables.contains_key("t"));
    assert_eq!(shop.state().replaced.unwrap().rows, 0);
    shop.insert(1..=5);
    shop.succeeds(sync());
    shop.is_equal("the first rows");
}

#[test]
fn an_empty_source_replaces_nothing_until_an_operator_allows_it() {
    let shop = Shop::new("mode: replace, max_shrink: 1").rows(1..=5);
    shop.succeeds(sync());
    shop.database().rows.clear();
    let report = refused(&shop, sync(), Conflict);
    assert!(report.errors[0].contains("MySQL shows no row of t, and p.d.t holds 5"), "{report:#?}");
    assert_eq!(report.shrink, Some(Shrink { rows: 0, held: Some(5) }));
    shop.succeeds(allowing_shrink());
    shop.is_equal("it was allowed");
    shop.is_tidy("it was allowed");
}

#[test]
fn a_table_that_would_shrink_too_much_waits_for_an_operator_and_only_once() {
    let shop = Shop::new(REPLACE).rows(1..=20);
    shop.succeeds(sync());
    (1..=11).for_each(|id| shop.delete(id));
    let report = refused(&shop, sync(), Conflict);
    assert!(report.errors[0].contains("MySQL shows 9 rows of t, and p.d.t holds 20"), "{report:#?}");
    assert_eq!(report.hint.as_deref().map(|hint| hint.contains("--allow-shrink")), Some(true));
    assert_eq!(shop.state().replaced.unwrap().rows, 20);
    assert_eq!(shop.succeeds(allowing_shrink()).shrink, None);
    shop.is_equal("it was allowed");
    // All nine rows are there: the next run needs no permission.
    shop.succeeds(sync());
}

#[test]
fn rows_are_counted_right_before_the_publish() {
    let shop = Shop::new(REPLACE).rows(1..=20);
    shop.succeeds(sync());
    (1..=5).for_each(|id| shop.delete(id));
    let world = std::sync::Arc::clone(&shop.world);
    // Somebody fills the table while our run reads.
    shop.trouble(
        Call::Finish,
        1,
        Trouble::meanwhile(move || {
            let mut dataset = world.dataset();
            let rows = &mut dataset.tables.get_mut("t").unwrap().rows;
            *rows = std::iter::repeat_n(rows.clone(), 3).flatten().collect();
        }),
    );
    let report = shop.run(sync()).unwrap();
    assert_eq!(report.shrink, Some(Shrink { rows: 15, held: Some(60) }), "{report:#?}");
}

#[test]
fn a_reader_that_dies_in_the_middle_publishes_nothing() {
    let shop = edited(REPLACE).in_batches_of(10);
    shop.published();
    for kind in [FaultKind::Auth, FaultKind::Data] {
        shop.trouble(Call::Read, 3, Trouble::refused(kind));
        refused(&shop, sync(), kind);
        assert!(shop.published().is_empty());
    }
    // An error that may be retried makes it read from the beginning.
    shop.trouble(Call::Read, 3, Trouble::refused(FaultKind::Transient));
    let report = shop.succeeds(sync());
    assert_eq!((report.attempts, report.records_processed), (2, 61));
    shop.is_equal("the second attempt");
}

#[test]
fn a_publish_whose_answer_is_lost_is_adopted_and_not_repeated() {
    let shop = edited(REPLACE);
    shop.published();
    shop.trouble(Call::Publish, 1, Trouble::AnswerLost);
    let report = shop.succeeds(sync());
    assert_eq!((report.attempts, report.records_processed), (2, 61), "{report:#?}");
    assert_eq!(shop.published(), [PublishKind::Replace]);
    assert!(report.replaced.unwrap().show_before.is_some());
    assert_eq!(shop.state().replaced.unwrap().rows, 61);
    shop.is_equal("the adopted publish");
    shop.is_tidy("the adopted publish");
}

#[test]
fn a_dead_runs_publish_is_adopted_and_the_table_is_read_again() {
    for answer_lost in [false, true] {
        let shop = edited(REPLACE);
        shop.trouble(Call::Publish, 1, Trouble::KilledAfter);
        shop.run(sync());
        shop.world.script.clear();
        shop.published();
        shop.insert(71..=75);
        if answer_lost {
            shop.trouble(Call::Fate, 1, Trouble::refused(FaultKind::Transient));
        }
        let report = shop.succeeds(sync());
        assert_eq!(report.attempts, if answer_lost { 2 } else { 1 });
        assert_eq!(shop.published(), [PublishKind::Replace]);
        shop.is_equal("what came since the run that died");
        shop.is_tidy("what came since the run that died");
    }
}

#[test]
fn a_publish_that_arrives_late_finds_nothing_to_publish() {
    // An emptied table is the worst that a late publish could bring.
    let shop = Shop::new(REPLACE).rows(1..=5);
    shop.succeeds(sync());
    shop.database().rows.clear();
    shop.trouble(Call::Publish, 1, Trouble::Late);
    shop.trouble(Call::Fate, 1, Trouble::KilledBefore);
    shop.run(allowing_shrink());
    shop.world.script.clear();
    shop.insert(1..=5);
    shop.succeeds(sync());
    let now = shop.world.clock.millis();
    shop.dataset().deliver(now);
    shop.is_equal("the late publish");
}

#[test]
fn a_mapping_may_change_its_mode_and_change_it_back() {
    for windowed in [APPEND, UPSERT] {
        let shop = Shop::new(windowed).rows(1..=30);
        shop.succeeds(sync());
        let replacing = shop.mapped(REPLACE);
        (1..=5).for_each(|id| replacing.delete(id));
        replacing.insert(31..=40);
        replacing.pass(TimeDelta::minutes(5));
        replacing.succeeds(sync());
        replacing.is_equal("the replace");
        let mark = replacing.state().watermark;
        assert!(mark.is_some(), "it is what the other mode goes on from");
        let again = replacing.mapped(windowed);
        again.insert(41..=50);
        again.pass(TimeDelta::minutes(5));
        again.succeeds(sync());
        again.is_equal(windowed);
    }
}

#[test]
fn a_dropped_target_is_created_again() {
    let shop = edited(REPLACE);
    shop.dataset().tables.remove("t");
    shop.succeeds(sync());
    shop.is_equal("the table that was made anew");
}

#[test]
fn work_that_a_replace_does_not_support_is_refused_with_the_alternative() {
    let shop = edited(REPLACE);
    let report = refused(&shop, backfill("2026-01-01"), Config);
    assert!(report.hint.unwrap().contains("`bqsync run-once --mapping t` looks at the whole table again"));
    let upsert = Shop::new(UPSERT).rows(1..=5);
    let report = refused(&upsert, allowing_shrink(), Config);
    assert!(report.errors[0].starts_with("`--allow-shrink` is for replaced and mirrored tables"), "{report:#?}");
    for dry_run in [true, false] {
        let report = refused(&shop, deletes(dry_run), Config);
        assert!(report.errors[0].contains("which needs no `deletes`"), "{report:#?}");
    }
}

#[test]
fn a_repair_of_all_mappings_leaves_a_replaced_table_to_its_next_run() {
    let shop = edited(REPLACE);
    let mut process = shop.process_of(HERE);
    process.send(repair(false));
    assert!(process.run_ends().unwrap().mappings.is_empty(), "the run is about no mapping");
    let selection = Selection::Named(vec![MappingName("t".to_owned())]);
    let named = RepairOrder { selection, dry_run: false, most_bytes: u64::MAX, most_named: 20 };
    let report = refused(&shop, Command::Repair(named), Config);
    assert!(report.hint.unwrap().contains("`bqsync run-once --mapping t` brings the table as it is"));
}

#[test]
fn a_new_column_comes_with_every_row_and_leaves_no_gap() {
    let shop = edited(REPLACE).with("allow_schema_additions: true");
    add_filled_column(&shop);
    let report = shop.succeeds(sync());
    assert_eq!(report.schema_changes.len(), 1, "{report:#?}");
    assert!(report.warnings.is_empty(), "no backfill is asked for: {report:#?}");
    shop.is_equal("the new column");
}

#[test]
fn a_replace_that_is_too_large_is_not_split_and_names_the_remedy() {
    let shop = Shop::new("mode: replace, partition_by: at").rows(1..=5);
    shop.dataset().most_partitions = 0;
    let report = shop.run(sync()).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Data)), "{report:#?}");
    assert!(report.hint.unwrap().contains("fewer partitions"));
    shop.dataset().most_partitions = 4_000;
    shop.succeeds(sync());
    shop.is_equal("a limit that is no longer met");
    shop.is_tidy("a limit that is no longer met");
}

#[test]
fn two_processes_never_replace_the_same_table_at_once() {
    let shop = edited(REPLACE);
    shop.trouble(Call::Publish, 1, Trouble::HeldBefore);
    let mut first = shop.process_of(HERE);
    first.send(sync());
    first.until_held();
    let report = shop.run(sync()).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(Conflict)), "{report:#?}");
    shop.world.script.let_go();
    assert_eq!(first.ends().unwrap().outcome, Outcome::Ok);
    shop.is_equal("the first process");
}
