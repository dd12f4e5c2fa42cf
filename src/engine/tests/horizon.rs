//! How far a run goes: only as far as rows are settled, and not from a watermark below which rows are stamped.

use std::sync::Arc;

use chrono::TimeDelta;

use super::works::{APPEND, NUMBERS, UPSERT};
use crate::domain::fault::FaultKind;
use crate::domain::fence::{Blind, Sight};
use crate::domain::report::{MappingReport, Outcome};
use crate::domain::source_type::SourceType;
use crate::engine::{Clock, Event};
use crate::testing::{Call, HERE, Shop, Trouble, row, sync};

/// One old row, one from a few seconds ago, and an open transaction that has stamped a row before that.
fn overtaken(mapping: &str, setting: &str) -> Shop {
    let shop = Shop::new(mapping).with(setting);
    shop.insert_at(1, "old", "2026-01-01 00:00:00");
    let since = crate::testing::at("2026-11-23 08:07:20").to_naive().unwrap();
    shop.database().begin(42, since, row(2, "late", "2026-11-23 08:07:20"));
    shop.insert_at(3, "early", "2026-11-23 08:07:25");
    shop
}

fn arrived(shop: &Shop) -> Vec<String> {
    shop.arrived().iter().map(|row| row[1].to_string()).collect()
}

#[test]
fn a_transaction_that_commits_during_the_wait_loses_no_row() {
    for mapping in [APPEND, NUMBERS] {
        let shop = overtaken(mapping, "fence_timeout: 60s");
        let world = Arc::clone(&shop.world);
        shop.trouble(Call::Writers, 3, Trouble::meanwhile(move || world.database().commit()));
        let mut process = shop.process_of(HERE);
        process.send(sync());
        let report = process.ends().unwrap();
        let awaited = process.events.iter().find_map(|event| match event {
            Event::FenceAwaited { open, oldest, patience_ms, .. } => Some((*open, oldest.clone(), *patience_ms)),
            _ => None,
        });
        assert_eq!(awaited, Some((1, "2026-11-23 08:07:20 UTC, connection 42".to_owned(), 60_000)));
        assert_eq!((report.outcome, report.held_back), (Outcome::Ok, None));
        shop.is_equal(mapping);
    }
}

#[test]
fn rows_that_an_open_transaction_may_join_wait_for_the_next_run() {
    let words = "rows of a transaction that is open since 2026-11-23 08:07:20 UTC (connection 42; `KILL 42` ends it)";
    let until = format!("{words} wait for the next run, from 2026-11-23 08:06:20 on");
    let all = format!("{words}: what values they have taken is unknown, so all rows from the watermark on wait");
    for (mapping, held, there) in [(APPEND, until, vec!["old"]), (NUMBERS, all, vec![])] {
        let shop = overtaken(mapping, "fence_timeout: 5s");
        let report = shop.succeeds(sync());
        assert_eq!(
            (report.held_back.as_deref(), arrived(&shop)),
            (Some(&*held), there.into_iter().map(str::to_owned).collect())
        );
        shop.database().commit();
        assert_eq!(shop.succeeds(sync()).held_back, None);
        shop.is_equal(mapping);
    }
}

#[test]
fn transactions_that_begin_after_the_look_are_not_waited_for() {
    let shop = Shop::new(APPEND).with("fence_timeout: 60s").rows(1..=9);
    let world = Arc::clone(&shop.world);
    let begins = move || {
        let mut database = world.database();
        database.commit();
        database.begin(43, world.clock.now().naive_utc(), row(50, "later", "2026-11-23 08:07:31"));
    };
    let since = crate::testing::at("2026-11-23 08:07:20").to_naive().unwrap();
    shop.database().begin(42, since, row(20, "waited for", "2026-01-01"));
    shop.trouble(Call::Writers, 2, Trouble::meanwhile(begins));
    assert_eq!(shop.succeeds(sync()).held_back, None);
    shop.is_equal("the first one's end");
}

#[test]
fn rows_of_the_last_seconds_wait_if_the_account_may_not_see_transactions() {
    let shop = overtaken(APPEND, "fence_timeout: 60s");
    shop.database().sight = Sight::Nothing;
    let report = shop.succeeds(sync());
    let expected = "the account may not see open transactions (GRANT PROCESS ON *.* shows them), so rows of the last 10 s wait \
                    for the next run, from 2026-11-23 08:07:20 on";
    assert_eq!((report.held_back.as_deref(), arrived(&shop)), (Some(expected), vec!["old".to_owned()]));
    shop.database().commit();
    shop.pass(TimeDelta::minutes(1));
    assert_eq!(shop.succeeds(sync()).held_back, None);
    shop.is_equal("a minute");
}

#[test]
fn rows_of_the_last_seconds_wait_if_the_account_loses_the_right_during_the_wait() {
    let shop = overtaken(APPEND, "fence_timeout: 60s");
    let world = Arc::clone(&shop.world);
    shop.trouble(Call::Writers, 2, Trouble::meanwhile(move || world.database().sight = Sight::Nothing));
    assert!(shop.succeeds(sync()).held_back.unwrap().contains("GRANT PROCESS"));
    assert_eq!(arrived(&shop), ["old"]);
}

#[test]
fn the_remembered_tail_is_longer_if_the_fence_is_not_exact() {
    for (blind, from) in [(vec![], "2025-12-31 23:59:00"), (vec![Blind::Replica], "2025-12-31 23:50:00")] {
        let shop = Shop::new(UPSERT);
        shop.insert_at(1, "old", "2026-01-01 00:00:00");
        shop.database().blind = blind;
        shop.succeeds(sync());
        assert_eq!(shop.state().tail.unwrap().from, from);
    }
}

#[test]
fn rows_younger_than_settle_and_rows_of_the_current_tick_wait() {
    let shop = Shop::new(UPSERT).with("settle: 1h");
    shop.insert_at(1, "settled", "2026-11-23 07:06:00");
    shop.insert_at(2, "young", "2026-11-23 07:08:00");
    shop.succeeds(sync());
    assert_eq!(arrived(&shop), ["settled"]);
    let shop = Shop::new(UPSERT);
    shop.insert_at(1, "before", "2026-11-23 08:07:29");
    shop.insert_at(2, "now", "2026-11-23 08:07:30");
    shop.succeeds(sync());
    assert_eq!(arrived(&shop), ["before"]);
    shop.pass(TimeDelta::seconds(1));
    shop.succeeds(sync());
    shop.is_equal("the tick");
}

#[test]
fn rows_of_today_wait_if_the_column_is_a_date() {
    let shop = Shop::stamped(UPSERT, SourceType::Date);
    shop.insert_at(1, "old", "2026-11-20");
    shop.insert_at(2, "today", "2026-11-23");
    let held = shop.succeeds(sync()).held_back.unwrap();
    assert_eq!(held, "rows of 2026-11-23 00:00:00 wait until that day has ended in UTC: more may join them");
    assert_eq!(arrived(&shop), ["old"]);
    shop.pass(TimeDelta::days(1));
    assert_eq!(shop.succeeds(sync()).held_back, None);
    shop.is_equal("the day");
}

fn refused(shop: &Shop) -> MappingReport {
    let report = shop.run(sync()).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Conflict)), "{report:#?}");
    report
}

#[test]
fn a_clock_behind_the_watermark_is_refused_and_its_lowest_value_is_remembered() {
    let shop = Shop::new(UPSERT);
    shop.insert_at(1, "new", "2026-11-23 08:07:00");
    shop.succeeds(sync());
    for (behind, remembered) in [(10, "2026-11-23 07:57:30"), (20, "2026-11-23 07:47:30"), (5, "2026-11-23 07:47:30")] {
        shop.database().ahead = -TimeDelta::minutes(behind);
        assert!(refused(&shop).errors[0].contains("The watermark of `t` is 2026-11-23 08:07:00"));
        assert_eq!(shop.state().again_from.as_deref(), Some(remembered));
    }
}

#[test]
fn restarted_numbers_are_refused_and_deleted_rows_are_only_reported() {
    let shop = Shop::new(NUMBERS).rows(1..=9);
    shop.database().next_number = Some(10);
    shop.succeeds(sync());
    shop.database().rows.truncate(3);
    let report = shop.succeeds(sync());
    assert!(
        report.warnings[0].contains("t holds 3 as the greatest `id`, but the watermark is 9: rows were deleted"),
        "{report:#?}"
    );
    shop.database().rows.truncate(1);
    shop.database().next_number = Some(2);
    let report = refused(&shop);
    assert!(report.errors[0].contains("numbers its next row 2, but the watermark of `t` is 9"), "{report:#?}");
    shop.database().rows.clear();
    assert!(refused(&shop).errors[0].contains("t holds no row and numbers its next row 2"));
    shop.database().next_number = None;
    assert!(shop.succeeds(sync()).warnings[0].contains("t holds no row, but the watermark is 9"));
}

#[test]
fn a_dropped_target_is_refused_and_an_emptied_one_is_reported() {
    let shop = Shop::new(APPEND).rows(1..=9);
    shop.succeeds(sync());
    let table = shop.dataset().tables.remove("t").unwrap();
    shop.insert(12..=15);
    assert!(refused(&shop).errors[0].contains("are in p.d.t, which does not exist"));
    assert!(shop.dataset().tables.is_empty(), "nothing has made it anew");
    let emptied = crate::testing::Table { rows: Vec::new(), ..table };
    shop.dataset().tables.insert("t".to_owned(), emptied);
    let report = shop.succeeds(sync());
    assert!(
        report.warnings.iter().any(|w| w.contains("p.d.t holds no rows, although the watermark is")),
        "{report:#?}"
    );
    assert_eq!(shop.arrived().len(), 4);
}
