//! The list: how it looks, and what is listed where.

use ratatui::crossterm::event::KeyCode;

use crate::domain::config::Problem;
use crate::domain::report::Outcome;
use crate::tui::app::Msg;
use crate::tui::desk::looks::{SIZES, plain, shown, snapshots};
use crate::tui::desk::scenes::{everything, running};
use crate::tui::desk::{Desk, named, sync};
use crate::tui::model::samples;
use crate::tui::session::{Facts, Trouble};

fn filtering() -> Desk {
    let mut desk = everything();
    desk.press('/');
    desk.press('s');
    desk.press('t');
    desk
}

fn trouble() -> Desk {
    let problem = |line, message: &str, hint: &str| Problem {
        file: "config.yaml".into(),
        line,
        message: message.into(),
        hint: hint.into(),
    };
    let mut desk = Desk::closed(false, None);
    desk.tell(Msg::Opened(Err(Trouble {
        sentence: "2 problems in the configuration".into(),
        problems: vec![
            problem(Some(7), "mapping `orders`: unknown key `primary_key`", "did you mean `primary_keys`?"),
            problem(None, "`project` needs ${GCP_PROJECT_ID}, which is not set", "set it in .env or the environment"),
        ],
    })));
    desk
}

/// Wide, combining and right-to-left characters.
fn any_script() -> Desk {
    let names = ["Bestellungen", "注文", "заказы", "e\u{301}tudes"];
    let mut desk = Desk::closed(false, None);
    let Facts { mysql, emulator, .. } = samples::facts(&["orders"]);
    desk.tell(Msg::Opened(Ok(Facts { config: samples::config(&names), mysql, emulator })));
    desk.watched(names.iter().map(|name| samples::status(name, Some(Outcome::Ok))).collect());
    desk
}

#[test]
fn mappings_at_rest() {
    snapshots("mappings", &mut everything());
}

#[test]
fn what_failed_in_an_earlier_run_is_told_with_the_next_step() {
    let mut desk = everything();
    desk.press('j');
    for size in SIZES {
        desk.tell(Msg::Resized(size.0, size.1));
        let shown = shown(&desk, size);
        assert!(shown.contains("access denied"), "{shown}");
        assert!(size.1 < 20 || shown.contains("GRANT SELECT ON `shop`.`users`"), "{shown}");
    }
}

#[test]
fn mappings_while_they_run() {
    let mut desk = running();
    plain(&desk);
    snapshots("running", &mut desk);
}

#[test]
fn mappings_filtered() {
    snapshots("filter", &mut filtering());
}

#[test]
fn a_configuration_that_cannot_be_read() {
    snapshots("trouble", &mut trouble());
}

#[test]
fn names_of_any_script_line_up() {
    insta::assert_snapshot!("any_script_80x24", shown(&any_script(), (80, 24)));
}

#[test]
fn the_filter_keeps_the_mark_on_what_is_listed() {
    let mut desk = Desk::open();
    desk.press('/');
    "user".chars().for_each(|c| {
        desk.press(c);
    });
    assert_eq!(desk.app.subject(), Some(&named("users")));
    desk.code(KeyCode::Enter);
    assert_eq!(desk.press('r'), [sync(&["users"])]);
    desk.code(KeyCode::Esc);
    assert_eq!(desk.app.screens.mappings.visible().len(), 3);
    assert_eq!(desk.app.subject(), Some(&named("users")), "the mark stays");
}

#[test]
fn what_needs_the_operator_can_be_put_first() {
    let mut desk = Desk::open();
    desk.press('o');
    let first = desk.app.screens.mappings.visible()[0];
    assert_eq!(desk.app.shared.book.rows[first].name, named("users"));
}

#[test]
fn what_is_pasted_is_no_command() {
    let mut desk = Desk::open();
    assert_eq!(desk.tell(Msg::Paste("rRq".to_owned())), []);
    desk.press('/');
    desk.tell(Msg::Paste("cart\x1b\n".to_owned()));
    assert_eq!((desk.app.screens.mappings.filter.value(), desk.app.screens.mappings.visible().len()), ("cart", 1));
}
