//! Sent statements: listed, read in full, copied.

use ratatui::crossterm::event::KeyCode;

use crate::statements::Statement;
use crate::tui::desk::Desk;
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::model::samples::utc;
use crate::tui::shared::Effect;

const MERGE: &str = "MERGE `demo.shop.orders` T\nUSING `demo.shop._bqsync_orders_3f2a99c01d` S\nON T.`id` = S.`id`\n\
                     WHEN MATCHED THEN UPDATE SET `total` = S.`total`\nWHEN NOT MATCHED THEN INSERT ROW";

fn sent() -> Desk {
    let mut desk = Desk::open();
    let statements = &desk.app.shared.facts.as_ref().unwrap().statements;
    for (second, job, what, sql) in [
        (1, Some("bqsync_load_orders_1"), "Loading rows of orders into demo.shop._bqsync_orders_1", None),
        (3, Some("bqsync_publish_orders_1"), "Publishing rows of orders", Some(MERGE)),
        (5, None, "Counting rows of users", Some("SELECT COUNT(*) FROM `demo.shop.users`")),
    ] {
        statements.push(Statement {
            number: 0,
            at: utc(8, 0, second),
            project: "demo".into(),
            location: "US".into(),
            job: job.map(str::to_owned),
            what: what.into(),
            sql: sql.map(str::to_owned),
        });
    }
    desk.press('w');
    desk
}

#[test]
fn a_sent_statement_is_read_in_full_and_copied_with_its_job() {
    let mut desk = sent();
    assert!(desk.look().contains("SELECT COUNT(*) FROM `demo.shop.users`"), "the newest first");
    desk.press('j');
    plain(&desk);
    snapshots("sent", &mut desk);
    let copied = desk.press('y');
    let [Effect::Copy(text)] = copied.as_slice() else { panic!("{copied:?}") };
    let link =
        "https://console.cloud.google.com/bigquery?project=demo&j=bq:US:bqsync_publish_orders_1&page=queryresults";
    assert_eq!(*text, format!("-- job bqsync_publish_orders_1\n-- {link}\n{MERGE}"));
}

#[test]
fn the_newest_is_followed_until_another_is_marked() {
    let mut desk = sent();
    let more = |desk: &Desk, what: &str| {
        let statements = &desk.app.shared.facts.as_ref().unwrap().statements;
        let newest = statements.latest(|_| true).remove(0);
        statements.push(Statement { what: what.into(), sql: Some(what.into()), ..newest });
    };
    more(&desk, "SELECT 1");
    assert_eq!(desk.press('y'), [Effect::Copy("SELECT 1".into())]);
    desk.press('j');
    more(&desk, "SELECT 2");
    assert_eq!(desk.press('y'), [Effect::Copy("SELECT COUNT(*) FROM `demo.shop.users`".into())]);
}

#[test]
fn words_list_only_statements_that_contain_them() {
    let mut desk = sent();
    ":sent merge orders".chars().for_each(|c| {
        desk.press(c);
    });
    desk.code(KeyCode::Enter);
    let seen = desk.look();
    assert!(seen.contains("Publishing rows") && !seen.contains("Counting rows"), "{seen}");
    desk.code(KeyCode::Esc);
    assert!(desk.look().contains("Counting rows"), "Esc shows all");
}
