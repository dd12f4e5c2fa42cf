//! The list: how it looks, and which mappings it lists.

use std::sync::Arc;

use ratatui::crossterm::event::KeyCode;

use crate::domain::config::{NotMoved, Problem};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::MappingName;
use crate::domain::report::Outcome;
use crate::engine::{Command, MappingStatus};
use crate::tui::app::Msg;
use crate::tui::ask::Answer;
use crate::tui::desk::looks::{SIZES, plain, shown, snapshots};
use crate::tui::desk::scenes::{everything, running};
use crate::tui::desk::{Desk, named, sync};
use crate::tui::model::{Word, samples};
use crate::tui::session::{Facts, Trouble};
use crate::tui::shared::Effect;

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
    desk.tell(Msg::Opened(Ok(Facts { config: samples::config(&names), ..samples::facts(&["orders"]) })));
    desk.watched(names.iter().map(|name| samples::status(name, Some(Outcome::Ok))).collect());
    desk
}

#[test]
fn mappings_at_rest() {
    snapshots("mappings", &mut everything());
}

#[test]
fn an_earlier_failure_is_shown_with_the_next_step() {
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
fn the_filter_moves_the_cursor_to_a_listed_mapping() {
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

/// Names that are listed, in their order.
fn listed(desk: &Desk) -> Vec<&str> {
    let app = &desk.app;
    app.screens.mappings.visible().iter().map(|place| app.shared.book.rows[*place].name.0.as_str()).collect()
}

fn type_text(desk: &mut Desk, text: &str) {
    text.chars().for_each(|c| {
        desk.press(c);
    });
}

/// The names listed from `everything` with a filter.
fn found(filter: &str) -> Vec<String> {
    let mut desk = everything();
    desk.press('/');
    type_text(&mut desk, filter);
    listed(&desk).into_iter().map(str::to_owned).collect()
}

#[test]
fn the_filter_understands_words_and_fields() {
    assert_eq!(found("s -e"), ["stock"]);
    assert_eq!(found("status:failed"), ["users"]);
    assert_eq!(found("status:review,failed"), ["users", "carts"]);
    assert_eq!(found("lag:>1h"), ["users"]);
    assert_eq!(found("lag:<1m -name:cart"), ["orders"]);
    assert_eq!(found("lag:?"), ["events", "stock", "prices", "returns"]);
    assert_eq!(found("status:late"), ["users"]);
    assert_eq!(found("mode:append"), [""; 0]);
    assert_eq!(found("mode:upsert -status:ok -status:new -status:running"), ["users", "carts", "prices"]);
}

#[test]
fn the_filter_finds_all_that_the_first_line_counts_as_failed_and_its_error_is_said_once() {
    let mut desk = Desk::open();
    let users = samples::status("users", Some(Outcome::Failed));
    let last = users.last_run.clone().unwrap();
    let problem = Some(format!("{} ({})", last.error.unwrap(), last.hint.unwrap()));
    desk.answered(Answer::Measured(Box::new(MappingStatus { problem, ..users })));
    assert_eq!(desk.word("users"), Word::Error);
    desk.press('/');
    type_text(&mut desk, "status:failed");
    desk.code(KeyCode::Enter);
    assert_eq!(listed(&desk), ["users"]);
    let look = desk.look();
    assert!(look.contains("1 failed"), "{look}");
    let below = look.split_once("─").unwrap().1;
    assert_eq!(below.matches("access denied").count(), 1, "{look}");
    assert_eq!(below.matches("GRANT SELECT").count(), 1, "{look}");
    assert!(below.contains("last run"), "{look}");
    desk.start("users");
    desk.finish("users", Outcome::Ok);
    assert_eq!(listed(&desk), [""; 0], "what ended well has no problem from before");
}

#[test]
fn a_wrong_filter_word_is_explained_while_it_is_typed() {
    let said = |filter: &str| {
        let mut desk = everything();
        desk.press('/');
        type_text(&mut desk, filter);
        let first = shown(&desk, (80, 24)).lines().nth(1).unwrap().to_owned();
        assert_eq!(listed(&desk).len(), 7, "a word that is not understood hides nothing");
        first
    };
    assert!(said("lagg:>1h").contains("there is no field `lagg:`; write status:, lag:, mode:, name:"));
    assert!(said("lag:soon").contains("write lag:>1h"));
    assert!(said("status:fine").contains("there is no status `fine`"));
    assert!(said("mode:best").contains("there is no mode `best`"));
}

#[test]
fn one_key_shows_only_what_is_wrong_and_says_so_when_nothing_is() {
    let mut desk = everything();
    desk.press('!');
    assert_eq!(listed(&desk), ["users", "carts", "prices"]);
    snapshots("wrong", &mut desk);
    desk.press('!');
    assert_eq!(listed(&desk).len(), 7);
    let mut desk = Desk::closed(false, None);
    desk.tell(Msg::Opened(Ok(samples::facts(&["orders"]))));
    desk.watched(vec![samples::status("orders", Some(Outcome::Ok))]);
    desk.press('!');
    assert!(shown(&desk, (80, 24)).contains("Nothing is wrong"));
    let mut facts = samples::facts(&["orders"]);
    let fault = Arc::new(Fault::new(FaultKind::Transient, "MySQL of `us` is away").with_hint("see that it is up"));
    let not_moved = NotMoved { name: named("us:shop.*"), target: "p.d.*".to_owned(), fault };
    Arc::make_mut(&mut facts.config).not_moved.push(not_moved);
    desk.tell(Msg::Opened(Ok(facts)));
    let screen = shown(&desk, (80, 24));
    assert!(screen.lines().next().unwrap().contains("1 NOT MOVED"), "{screen}");
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("us:shop.* cannot be moved: MySQL of `us` is away (see that it is up)."), "{screen}");
    desk.press('!');
    desk.press('/');
    desk.press('x');
    desk.code(KeyCode::Enter);
    assert!(shown(&desk, (80, 24)).contains("No mapping matches `x`; Esc clears the filter."));
}

#[test]
fn the_filter_is_kept_after_it_is_typed_and_restored_the_next_time() {
    let mut desk = everything();
    desk.press('/');
    assert_eq!(desk.press('u'), [], "not letter by letter");
    let kept = desk.code(KeyCode::Enter);
    let [Effect::Keep(kept)] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(kept.filter, "u");
    let mut next = Desk::closed(false, None);
    next.app.restore(kept.clone());
    next.tell(Msg::Opened(Ok(samples::facts(&["orders", "users"]))));
    assert_eq!(listed(&next), ["users"]);
}

fn marking() -> Desk {
    let mut desk = everything();
    desk.press(' ');
    desk.press('j');
    desk.press('V');
    desk.press('j');
    desk.press('j');
    desk
}

#[test]
fn marks_are_set_one_by_one_by_range_and_all_at_once() {
    let mut desk = marking();
    let names = |desk: &Desk| desk.app.subjects().into_iter().map(|name| name.0).collect::<Vec<_>>();
    assert_eq!(names(&desk), ["orders", "carts", "events", "stock"]);
    plain(&desk);
    snapshots("marks", &mut desk);
    desk.press('k');
    assert_eq!(names(&desk), ["orders", "carts", "events"], "the range follows the cursor");
    desk.press('V');
    desk.press('k');
    assert_eq!(names(&desk).len(), 3, "until it is kept");
    desk.press('/');
    type_text(&mut desk, "users");
    desk.code(KeyCode::Enter);
    desk.press('*');
    assert_eq!(names(&desk), ["orders", "users", "carts", "events"], "* marks what is shown");
    assert!(shown(&desk, (80, 24)).contains("4 marked, 3 not shown"));
    desk.code(KeyCode::Esc);
    assert_eq!(names(&desk), ["users"], "Esc clears the marks before the filter");
    assert_eq!(listed(&desk), ["users"]);
    desk.code(KeyCode::Esc);
    assert_eq!(listed(&desk).len(), 7);
}

#[test]
fn marked_mappings_are_named_in_the_question_and_run_together() {
    let mut desk = Desk::open();
    desk.press(' ');
    desk.press(' ');
    assert_eq!(desk.press('r'), []);
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert_eq!((dialog.title.as_str(), dialog.lines[0].as_str()), ("Run 2 mappings?", "orders, users"));
    assert_eq!(desk.press('y'), [sync(&["orders", "users"])]);
}

#[test]
fn a_single_mark_away_from_the_cursor_asks_too() {
    let mut desk = Desk::open();
    desk.press(' ');
    assert_eq!(desk.press('r'), [], "the cursor is on users by now");
    assert_eq!(desk.app.shared.dialog.as_ref().unwrap().title, "Run orders?");
    desk.press('n');
    desk.press('k');
    assert_eq!(desk.press('r'), [sync(&["orders"])], "on it there is no doubt");
    desk.tell(Msg::Opened(Ok(samples::facts(&["users", "carts"]))));
    assert!(desk.app.screens.mappings.marks.is_empty(), "a mapping that is gone is not marked");
}

#[test]
fn marked_running_mappings_are_paused_and_cancelled_together() {
    let mut desk = running();
    desk.press('*');
    assert_eq!(desk.press('p'), []);
    let command = |make: fn(MappingName) -> Command| {
        ["orders", "users", "carts"].map(|name| Effect::Send(make(named(name)))).to_vec()
    };
    assert_eq!(desk.press('y'), command(Command::Pause));
    desk.press('c');
    assert!(desk.app.shared.dialog.as_ref().unwrap().lines[0].contains("orders, users, carts"));
    assert_eq!(desk.press('y'), command(Command::Cancel));
}

#[test]
fn mappings_that_need_the_operator_can_be_put_first() {
    let mut desk = Desk::open();
    desk.press('o');
    let first = desk.app.screens.mappings.visible()[0];
    assert_eq!(desk.app.shared.book.rows[first].name, named("users"));
}

#[test]
fn pasted_text_is_no_command() {
    let mut desk = Desk::open();
    assert_eq!(desk.tell(Msg::Paste("rRq".to_owned())), []);
    desk.press('/');
    desk.tell(Msg::Paste("cart\x1b\n".to_owned()));
    assert_eq!((desk.app.screens.mappings.filter.value(), desk.app.screens.mappings.visible().len()), ("cart", 1));
}
