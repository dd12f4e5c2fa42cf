//! Keys, events and timers go in; state and effects come out. No terminal, no engine.

use std::time::Duration;

use super::*;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::RunId;
use crate::domain::report::Outcome;
use crate::engine::{Asked, Holder, MappingProgress, MappingStatus, Measure, Phase, Selection, SyncOrder};
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::{Desk, RUN, named, sync};
use crate::tui::model::Word;
use crate::tui::model::samples;
use crate::tui::session::FilesSeen;

#[test]
fn the_mapping_under_the_cursor_runs_without_a_question() {
    let mut desk = Desk::open();
    desk.press('j');
    assert_eq!(desk.press('r'), [sync(&["users"])]);
    desk.start("users");
    assert_eq!(desk.word("users"), Word::Running);
    assert_eq!(desk.press('r'), []);
    assert!(desk.notice().contains("running already"), "{}", desk.notice());
    desk.finish("users", Outcome::Ok);
    assert_eq!(desk.word("users"), Word::Ok);
}

#[test]
fn a_mapping_that_runs_elsewhere_is_not_started_twice() {
    let mut desk = Desk::open();
    let mut orders = samples::status("orders", Some(Outcome::Ok));
    orders.held_by =
        Some(Holder { host: "jump2".into(), pid: 4711, run_id: RunId("other".into()), since: samples::utc(8, 0, 0) });
    desk.watched(vec![orders]);
    assert_eq!(desk.word("orders"), Word::Elsewhere);
    assert_eq!(desk.press('r'), []);
    assert!(desk.notice().contains("jump2"), "{}", desk.notice());
    assert_eq!(desk.press('R'), [sync(&["users", "carts"])]);
}

#[test]
fn our_own_lease_does_not_look_like_another_process() {
    let mut desk = Desk::open();
    desk.start("orders");
    let mut orders = samples::status("orders", Some(Outcome::Ok));
    orders.held_by =
        Some(Holder { host: "here".into(), pid: 1, run_id: RunId(RUN.into()), since: samples::utc(8, 0, 0) });
    desk.watched(vec![orders]);
    desk.finish("orders", Outcome::Ok);
    assert_eq!(desk.word("orders"), Word::Ok);
}

#[test]
fn a_failure_that_is_not_in_the_state_stays_until_a_later_run() {
    let mut desk = Desk::open();
    desk.start("carts");
    desk.finish("carts", Outcome::Failed);
    // The task panicked, and recorded nothing.
    desk.watched(vec![samples::status("carts", None)]);
    assert_eq!(desk.word("carts"), Word::Failed);
    let mut later = samples::status("carts", Some(Outcome::Ok));
    later.last_run.as_mut().unwrap().finished_at = samples::utc(8, 1, 0);
    desk.watched(vec![later]);
    assert_eq!(desk.word("carts"), Word::Ok);
}

#[test]
fn quitting_while_something_runs_asks_and_waits() {
    let mut desk = Desk::open();
    desk.press('r');
    // The run was ordered, but the engine has not begun it: leaving now would lose it.
    assert_eq!(desk.press('q'), []);
    assert!(desk.app.shared.dialog.is_some());
    desk.press('w');
    desk.start("orders");
    let effects = desk.finish("orders", Outcome::Ok);
    assert!(effects.contains(&Effect::Leave), "{effects:?}");
    assert_eq!(desk.app.left(), Left::default());
}

#[test]
fn the_quit_question_closes_when_the_run_has_ended() {
    let mut desk = Desk::open();
    desk.start("orders");
    desk.press('q');
    desk.hear(Event::MappingFinished { report: Box::new(samples::report("orders", RUN, Outcome::Ok)) });
    assert!(desk.app.shared.dialog.is_some());
    desk.end_run("orders", Outcome::Ok);
    assert!(desk.app.shared.dialog.is_none() && desk.app.shared.leaving.is_none(), "{:?}", desk.app.shared.dialog);
    assert!(desk.notice().contains("q leaves"), "{}", desk.notice());
}

#[test]
fn quitting_waits_for_a_report_to_be_written_without_a_question() {
    let mut desk = Desk::open();
    desk.start("orders");
    desk.hear(Event::MappingFinished { report: Box::new(samples::report("orders", RUN, Outcome::Ok)) });
    assert_eq!(desk.press('q'), []);
    assert!(desk.app.shared.dialog.is_none());
    assert!(desk.end_run("orders", Outcome::Ok).contains(&Effect::Leave));
}

#[test]
fn quitting_may_be_thought_over() {
    let mut desk = Desk::open();
    desk.start("orders");
    desk.press('q');
    desk.press('w');
    desk.press('q');
    let effects = desk.finish("orders", Outcome::Ok);
    assert!(!effects.contains(&Effect::Leave), "{effects:?}");
    assert_eq!(desk.press('q'), [Effect::Leave]);
}

#[test]
fn ctrl_c_twice_cancels_and_leaves_at_the_safe_point() {
    let mut desk = Desk::open();
    desk.start("orders");
    assert_eq!(desk.ctrl('c'), []);
    assert_eq!(desk.ctrl('c'), [Effect::Send(Command::CancelAll)]);
    let effects = desk.finish("orders", Outcome::Cancelled);
    assert!(effects.contains(&Effect::Leave), "{effects:?}");
    assert!(desk.app.left().interrupted);
}

#[test]
fn ctrl_c_while_nothing_runs_leaves() {
    let mut desk = Desk::open();
    assert_eq!(desk.ctrl('c'), [Effect::Leave]);
    assert!(!desk.app.left().interrupted);
}

#[test]
fn a_lost_terminal_cancels_and_keeps_what_is_committed() {
    let mut desk = Desk::open();
    desk.start("orders");
    assert_eq!(desk.tell(Msg::TerminalLost), [Effect::Send(Command::CancelAll)]);
    assert!(desk.finish("orders", Outcome::Cancelled).contains(&Effect::Leave));
}

#[test]
fn a_second_sigterm_leaves_at_once() {
    let mut desk = Desk::open();
    desk.start("orders");
    assert_eq!(desk.tell(Msg::Terminate), [Effect::Send(Command::CancelAll)]);
    assert_eq!(desk.tell(Msg::Terminate), [Effect::Leave]);
}

#[test]
fn signals_that_would_stop_or_end_the_process_give_the_terminal_back_first() {
    let mut desk = Desk::open();
    desk.start("orders");
    assert_eq!(desk.tell(Msg::Stop), [Effect::Suspend]);
    assert_eq!(desk.tell(Msg::LeaveAtOnce), [Effect::Leave], "whatever runs");
    assert!(desk.app.left().interrupted);
}

#[test]
fn read_only_leaves_nothing_that_writes() {
    let mut desk = Desk::open_with(true, None);
    for key in ['r', 'R', 'b', 'c', 'p', 'a', ' '] {
        assert_eq!(desk.press(key), [], "{key}");
        assert_eq!((desk.app.screens.front(), desk.app.shared.dialog.is_none()), (Screen::Mappings, true));
    }
    desk.press('s');
    assert_eq!(desk.app.screens.front(), Screen::Schema, "looking is allowed");
}

#[test]
fn a_key_that_does_nothing_here_says_so_and_where_it_does_something() {
    let mut desk = Desk::open();
    let mut said = |key: char| {
        desk.press(key);
        desk.notice().to_owned()
    };
    assert_eq!(said('z'), "z does nothing here; ? lists the keys");
    assert_eq!(said('a'), "a does nothing here; it works on Schema review");
    said('h');
    assert_eq!(said('R'), "R does nothing here; it works on Mappings");
    desk.code(KeyCode::Enter);
    assert_eq!(desk.notice(), "the history is still being read");
    desk.code(KeyCode::Esc);
    desk.code(KeyCode::Esc);
    assert!(desk.notice().contains("no filter"), "{}", desk.notice());
    desk.tell(Msg::Paste("R".into()));
    assert!(desk.notice().contains("only a field"), "{}", desk.notice());
    desk.start("orders");
    desk.press('q');
    desk.press('x');
    assert_eq!(desk.notice(), "x is not one of the answers");
    let mut desk = Desk::open_with(true, None);
    desk.press('x');
    assert_eq!(desk.notice(), "x writes, and this console was opened with --read-only");
}

#[test]
fn a_problem_can_be_read_in_full_and_copied() {
    let mut desk = Desk::open();
    desk.tell(Msg::Resized(60, 15));
    let problem = format!("There is no table {} in the database", "no_such_table_".repeat(12));
    let carts = MappingStatus { problem: Some(problem), ..samples::status("carts", None) };
    desk.answered(Answer::Measured(Box::new(carts)));
    desk.press('G');
    assert!(!desk.look().contains("the database"), "there is no room: {}", desk.look());
    desk.code(KeyCode::Enter);
    assert!(desk.look().contains("the database"), "{}", desk.look());
    desk.code(KeyCode::Esc);
    desk.tell(Msg::Opened(Err(Trouble { sentence: "1 problem".into(), problems: vec![] })));
    assert_eq!(desk.press('y'), [Effect::Copy("1 problem".into())]);
}

#[test]
fn cancelling_asks_and_names_the_mapping() {
    let mut desk = Desk::open();
    assert_eq!(desk.press('c'), []);
    assert!(desk.notice().contains("nothing"), "{}", desk.notice());
    desk.start("orders");
    assert_eq!(desk.press('c'), []);
    assert!(desk.app.shared.dialog.as_ref().unwrap().choices[0].label.contains("orders"));
    assert_eq!(desk.press('y'), [Effect::Send(Command::Cancel(named("orders")))]);
}

#[test]
fn pause_becomes_resume_once_the_mapping_is_held() {
    let mut desk = Desk::open();
    desk.start("orders");
    assert_eq!(desk.press('p'), [Effect::Send(Command::Pause(named("orders")))]);
    desk.progress("orders", MappingProgress { paused: true, phase: Phase::Extract, ..MappingProgress::default() });
    assert_eq!(desk.word("orders"), Word::Paused);
    assert_eq!(desk.press('p'), [Effect::Send(Command::Resume(named("orders")))]);
}

#[test]
fn a_broken_configuration_is_read_again_with_one_key() {
    let mut desk = Desk::closed(false, None);
    desk.tell(Msg::Opened(Err(Trouble { sentence: "2 problems".into(), problems: vec![] })));
    assert_eq!(desk.press('r'), []);
    assert_eq!(desk.press('u'), [Effect::Reopen]);
    let effects = desk.tell(Msg::Opened(Ok(samples::facts(&["orders"]))));
    assert!(effects.contains(&Effect::Ask(Ask::Watch)), "{effects:?}");
    assert_eq!(desk.app.shared.trouble, None);
}

#[test]
fn orders_without_an_engine_are_refused_at_once() {
    let mut desk = Desk::open();
    assert_eq!(desk.press('u'), [Effect::Reopen]);
    assert_eq!(desk.press('r'), [], "the old engine is gone, the new one is not there");
    assert!(desk.notice().contains("being read"), "{}", desk.notice());
    desk.tell(Msg::Opened(Err(Trouble { sentence: "1 problem".into(), problems: vec![] })));
    for key in ['r', 'R', 'x', 's', 'b', 'h', 'v'] {
        assert_eq!(desk.press(key), [], "{key}");
        assert!(desk.notice().contains("u reads the files again"), "{key}: {}", desk.notice());
        assert_eq!((desk.app.screens.front(), desk.app.busy()), (Screen::Mappings, false), "{key}");
    }
    assert_eq!(desk.press('u'), [Effect::Reopen]);
    desk.tell(Msg::Opened(Ok(samples::facts(&["orders"]))));
    assert!(desk.notice().contains("was read"), "{}", desk.notice());
    assert_eq!(desk.press('r'), [sync(&["orders"])]);
}

#[test]
fn an_answer_that_comes_after_the_engine_has_ended_starts_nothing() {
    let mut desk = Desk::open();
    desk.start("orders");
    desk.press('c');
    desk.tell(Msg::EngineEnded);
    assert_eq!(desk.press('y'), []);
    assert_eq!(desk.press('q'), [Effect::Leave], "nothing runs");
}

#[test]
fn files_that_could_not_be_read_during_a_run_are_read_after_it() {
    let mut desk = Desk::open();
    desk.start("orders");
    assert!(!desk.press('u').contains(&Effect::Reopen));
    assert!(desk.finish("orders", Outcome::Ok).contains(&Effect::Reopen));
    assert_eq!(desk.press('r'), []);
}

#[test]
fn the_command_lines_run_is_the_exit_code() {
    let order = SyncOrder::manual(Selection::All);
    let mut desk = Desk::open_with(false, Some(Start::Sync(order)));
    desk.start("users");
    desk.finish("users", Outcome::Failed);
    assert_eq!(desk.press('q'), [Effect::Leave]);
    assert!(desk.app.left().failed);
}

#[test]
fn a_run_by_hand_is_not_the_exit_code() {
    let mut desk = Desk::open();
    desk.press('r');
    desk.start("orders");
    desk.finish("orders", Outcome::Failed);
    desk.press('q');
    assert_eq!(desk.app.left(), Left::default());
}

#[test]
fn a_broken_engine_does_not_keep_the_console_waiting() {
    let mut desk = Desk::open();
    desk.start("orders");
    desk.hear(Event::EngineFailed { error: "panicked".into() });
    assert!(!desk.app.busy());
    assert!(desk.notice().contains("panicked"), "{}", desk.notice());
    // Another run lives on, as its event shows.
    desk.hear(Event::Warned { run: RunId("other".into()), mapping: named("users"), message: "slow".into() });
    assert!(desk.app.busy());
}

#[test]
fn nothing_wakes_an_idle_console_but_looking_at_the_state_and_the_files() {
    let mut desk = Desk::open();
    desk.answered(Answer::MeasureFinished { of_all: true });
    let wake = desk.app.next_wake().unwrap();
    assert!(wake >= desk.now.at + Duration::from_secs(5));
    desk.now.at = wake;
    assert_eq!(desk.tell(Msg::Tick), [Effect::LookAtFiles, Effect::Ask(Ask::Watch)]);
    desk.app.shared.dirty = false;
    // It does not ask again before the answer has come.
    assert!(desk.app.next_wake().is_none_or(|next| next > desk.now.at));
    desk.watched(vec![samples::status("orders", Some(Outcome::Ok))]);
    desk.answered(Answer::FilesSeen(FilesSeen::Nothing));
    assert!(!desk.app.shared.dirty, "nothing has changed, so nothing is drawn");
}

#[test]
fn a_server_that_is_away_hides_no_failed_run_and_its_refusal_is_an_error() {
    let mut desk = Desk::open();
    let away = |name, outcome, asked| {
        let problem = Some("Connecting to MySQL failed".to_owned());
        let status = MappingStatus { problem, asked, ..samples::status(name, outcome) };
        Answer::Measured(Box::new(status))
    };
    desk.answered(away("orders", Some(Outcome::Ok), Asked::Unanswered));
    desk.answered(away("users", Some(Outcome::Failed), Asked::Unanswered));
    desk.answered(away("carts", None, Asked::Unanswered));
    let words = |desk: &Desk| ["orders", "users", "carts"].map(|name| desk.word(name));
    assert_eq!(words(&desk), [Word::Unknown, Word::Failed, Word::Unknown]);
    let head = desk.look().lines().nth(1).unwrap_or_default().to_owned();
    assert!(head.contains("1 failed  2 unknown"), "{head}");
    desk.answered(away("users", Some(Outcome::Failed), Asked::Answered));
    assert_eq!(words(&desk), [Word::Unknown, Word::Error, Word::Unknown]);
    desk.answered(away("carts", None, Asked::Answered));
    let head = desk.look().lines().nth(1).unwrap_or_default().to_owned();
    assert!(head.contains("1 failed  1 in error  1 unknown"), "no run of carts has failed: {head}");
}

#[test]
fn a_figure_that_is_not_refreshed_shows_its_age_and_a_costly_figure_stays() {
    let mut desk = Desk::open();
    let orders = || samples::status("orders", Some(Outcome::Ok));
    desk.answered(Answer::Measured(Box::new(samples::measured(orders(), 42))));
    assert!(!desk.look().contains("ago"), "{}", desk.look());
    desk.now.at += Duration::from_mins(3);
    desk.answered(Answer::Measured(Box::new(MappingStatus { asked: Asked::Spared, ..orders() })));
    assert!(desk.look().contains("42s, 3m ago") && desk.look().contains("asked 3m ago"), "{}", desk.look());
    let problem = Some("Connecting to MySQL failed".to_owned());
    desk.answered(Answer::Measured(Box::new(MappingStatus { asked: Asked::Unanswered, problem, ..orders() })));
    assert!(desk.look().contains("42s, 3m ago") && desk.word("orders") == Word::Unknown, "{}", desk.look());
    desk.answered(Answer::Measured(Box::new(MappingStatus { asked: Asked::Spared, ..orders() })));
    assert_eq!(desk.word("orders"), Word::Ok, "it answers again");
    desk.answered(Answer::Measured(Box::new(samples::measured(orders(), 3))));
    assert!(!desk.look().contains("ago"), "{}", desk.look());
}

#[test]
fn a_server_that_is_away_is_asked_again_soon() {
    let mut desk = Desk::open();
    let problem = Fault::new(FaultKind::Transient, "Connecting to MySQL failed").to_string();
    let mut orders = samples::status("orders", Some(Outcome::Ok));
    orders.problem = Some(problem);
    orders.asked = Asked::Unanswered;
    desk.answered(Answer::Measured(Box::new(orders)));
    assert_eq!(desk.word("orders"), Word::Unknown, "nothing is known to be wrong with it");
    desk.answered(Answer::MeasureFinished { of_all: true });
    desk.watched(vec![samples::status("orders", Some(Outcome::Ok))]);
    assert_eq!(desk.word("orders"), Word::Unknown, "the state does not know better");
    desk.now.at += Duration::from_secs(16);
    let effects = desk.tell(Msg::Tick);
    assert!(
        effects.contains(&Effect::Ask(Ask::Measure(Measure { selection: Selection::All, by_index_only: true }))),
        "{effects:?}"
    );
    desk.answered(Answer::Measured(Box::new(samples::measured(samples::status("orders", Some(Outcome::Ok)), 3))));
    assert_eq!(desk.word("orders"), Word::Ok);
}
