//! `run-once --forget-watermark`: nothing is lost, nothing is doubled.

use super::works::{APPEND, KEYLESS, MIRROR, REPLACE, UPSERT, forgetting};
use crate::domain::fault::FaultKind;
use crate::domain::publish::PublishKind;
use crate::testing::{Call, Shop, Trouble, backfill, row, sync};

/// A table that was brought over, and then dropped in BigQuery.
fn dropped(mapping: &str) -> Shop {
    let shop = Shop::new(mapping).rows(1..=30);
    shop.succeeds(sync());
    shop.dataset().tables.remove("t").unwrap();
    shop.insert(31..=35);
    shop
}

#[test]
fn a_dropped_table_is_loaded_again_from_the_beginning() {
    for mapping in [UPSERT, APPEND, KEYLESS] {
        let shop = dropped(mapping);
        let hint = shop.run(sync()).unwrap().hint.unwrap();
        assert!(hint.contains("`bqsync run-once --forget-watermark --mapping t`"), "{hint}");
        let report = shop.succeeds(forgetting());
        let told = report.warnings.iter().find(|warning| warning.contains("is forgotten")).expect("what it did");
        assert!(told.contains("p.d.t does not exist, and the run reads from the beginning on"), "{told}");
        shop.is_equal(mapping);
        shop.insert(36..=39);
        shop.succeeds(sync());
        shop.is_equal(mapping);
    }
}

#[test]
fn an_emptied_table_is_loaded_again_and_other_shards_rows_stay() {
    for mapping in [UPSERT, APPEND] {
        let shop = Shop::shared(mapping).rows(1..=20);
        shop.succeeds(sync());
        let refused = shop.run(forgetting());
        assert_eq!(refused.unwrap().error_kind.is_some(), mapping == APPEND, "{mapping}");
        shop.damage(Vec::clear);
        shop.succeeds(forgetting());
        shop.is_equal(mapping);
    }
}

#[test]
fn an_append_that_still_holds_rows_is_refused_with_the_way_there() {
    for mapping in [APPEND, KEYLESS] {
        let shop = Shop::new(mapping).rows(1..=20);
        shop.succeeds(sync());
        let (before, held) = (shop.state().watermark, shop.arrived());
        let report = shop.run(forgetting()).unwrap();
        assert_eq!(report.error_kind, Some(FaultKind::Conflict), "{report:#?}");
        assert!(report.errors[0].contains("an append would bring them a second time"), "{report:#?}");
        let hint = report.hint.unwrap();
        assert!(
            hint.contains("TRUNCATE TABLE `p.d.t`; then `bqsync run-once --forget-watermark --mapping t`"),
            "{hint}"
        );
        assert_eq!((shop.state().watermark, shop.arrived()), (before, held));
    }
}

#[test]
fn an_upsert_replaces_the_rows_that_are_there_by_their_key() {
    let shop = Shop::new(UPSERT).rows(1..=20);
    shop.succeeds(sync());
    shop.damage(|rows| rows.truncate(12));
    let report = shop.succeeds(forgetting());
    assert!(report.warnings[0].contains("those of MySQL replace them by key"), "{report:#?}");
    shop.is_equal("the second load");
}

/// An upsert whose target holds rows with stamps that were corrected in MySQL later.
fn stamped_wrongly() -> Shop {
    let shop = Shop::new(UPSERT).with("window_rows: 5").rows(1..=20);
    shop.succeeds(sync());
    shop.damage(|rows| *rows = (1..=20).map(|id| row(id, "wrong", "2099-01-01")).collect());
    // One of them by a statement that moves it beyond the watermark.
    shop.update(7, "right", "2026-01-02");
    shop
}

#[test]
fn rows_whose_stamps_were_corrected_are_replaced_too() {
    let shop = stamped_wrongly();
    shop.succeeds(forgetting());
    shop.is_equal("the second load");
    shop.update(7, "later", "2026-01-03");
    shop.succeeds(sync());
    shop.is_equal("a change");
    assert_eq!((shop.published().last(), shop.state().overlap_to), (Some(&PublishKind::Merge), None));

    for nth in 1..=4 {
        let shop = stamped_wrongly();
        shop.trouble(Call::Publish, nth, Trouble::KilledAfter);
        assert!(shop.run(forgetting()).is_none());
        shop.world.script.clear();
        shop.succeeds(sync());
        shop.is_equal(&format!("a kill after publish {nth}"));
    }
}

#[test]
fn numbers_that_began_again_replace_greater_ones() {
    let shop = Shop::new("primary_keys: [v], incremental_column: id, mode: upsert").rows(101..=120);
    shop.succeeds(sync());
    let again = |id: i64| shop.insert_at(id, &format!("row {}", id + 100), "2026-02-01");
    shop.database().rows.clear();
    (1..=9).for_each(again);
    shop.succeeds(forgetting());
    (10..=20).for_each(again);
    shop.succeeds(sync());
    shop.is_equal("all came again, in two runs");
}

#[test]
fn a_retry_continues_from_where_the_first_attempt_came() {
    for nth in 1..=3 {
        let shop = dropped(APPEND).with("window_rows: 10");
        shop.trouble(Call::Publish, nth, Trouble::AnswerLost);
        shop.succeeds(forgetting());
        shop.is_equal(&format!("publish {nth}"));
    }
}

#[test]
fn a_kill_at_any_call_loses_and_doubles_nothing() {
    for nth in 1..=40 {
        let shop = dropped(APPEND);
        shop.trouble_at(nth, Trouble::KilledAfter);
        if shop.run(forgetting()).is_some() {
            break;
        }
        shop.world.script.clear();
        // The operator types the command again, and then the plain one where rows have arrived.
        if shop.run(forgetting()).unwrap().error_kind.is_some() {
            shop.succeeds(sync());
        }
        shop.is_equal(&format!("a kill after call {nth}"));
    }
}

#[test]
fn an_unfinished_backfill_of_the_lost_table_is_forgotten() {
    let shop = Shop::new(UPSERT).with("window_rows: 5").rows(1..=30);
    shop.succeeds(sync());
    shop.trouble(Call::Publish, 3, Trouble::KilledAfter);
    assert!(shop.run(backfill("2026-01-01")).is_none());
    shop.world.script.clear();
    assert!(shop.state().backfill.is_some());
    shop.dataset().tables.remove("t").unwrap();
    shop.succeeds(forgetting());
    assert!(shop.state().backfill.is_none(), "what it had done is gone");
    shop.is_equal("the load");
}

#[test]
fn modes_without_a_watermark_have_none_to_forget() {
    for mapping in [REPLACE, MIRROR] {
        let shop = Shop::new(mapping).rows(1..=5);
        shop.succeeds(sync());
        let report = shop.run(forgetting()).unwrap();
        assert_eq!(report.error_kind, Some(FaultKind::Config), "{report:#?}");
    }
    let shop = Shop::new(APPEND).rows(1..=5);
    assert!(shop.succeeds(forgetting()).warnings[0].contains("has no watermark to forget"));
    shop.is_equal("the first load");
}
