//! How the console follows the schedule.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::ids::RunId;
use crate::domain::report::{Outcome, Trigger};
use crate::engine::{Command, Event, Selection, SyncOrder};
use crate::tui::app::{App, Msg};
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::{Desk, named};
use crate::tui::model::samples;
use crate::tui::session::{Facts, Start};
use crate::tui::shared::Effect;

const DUE: &str = "20261123T120000Z-5cedu1";

fn scheduled() -> Facts {
    let mut facts = samples::facts(&["orders", "users", "carts"]);
    let text = "project: demo\ndataset: shop\nschedule: {}\nmappings: [{name: orders, mysql_table: o, incremental_column: id}]";
    facts.config = Arc::new(crate::domain::config::parse(text, std::path::Path::new("c"), &|_| None).unwrap());
    facts
}

fn follows(read_only: bool, start: Option<Start>, facts: Facts) -> Option<bool> {
    let now = samples::now();
    let mut app = App::new(start, read_only, Arc::default(), now);
    let effects = app.update(Msg::Opened(Ok(facts)), now);
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::FollowSchedule { make_up }) => Some(*make_up),
        _ => None,
    })
}

impl Desk {
    fn due(&mut self, hour: u32, minute: u32) {
        self.hear(Event::RunScheduled { at: samples::utc(hour, minute, 0), mappings: vec![named("orders")] });
    }

    fn reads(&self) -> Option<String> {
        self.app.schedule.countdown(self.app.shared.now).map(|(_, words)| words)
    }

    fn pass(&mut self, time: Duration) {
        self.now.at += time;
        self.now.utc += time;
        self.tell(Msg::Tick);
    }

    fn start_scheduled(&mut self, name: &str) -> Vec<Effect> {
        let (run, trigger) = (RunId(DUE.into()), Trigger::Schedule);
        self.hear(Event::RunStarted { run, trigger, mappings: vec![named(name)] })
    }
}

#[test]
fn a_console_follows_the_schedule_and_makes_up_missed_runs_only_on_request() {
    assert_eq!(follows(false, None, scheduled()), Some(false));
    assert_eq!(follows(false, Some(Start::Schedule), scheduled()), Some(true));
    assert_eq!(follows(true, None, scheduled()), None, "read-only consoles run nothing");
    assert_eq!(follows(false, None, samples::facts(&["orders"])), None, "there is no schedule");
}

#[test]
fn the_countdown_is_drawn_when_it_reads_differently() {
    let mut desk = Desk::open();
    // The time is 08:00:40.
    for (hour, minute, words) in [(8, 1, "20 s"), (8, 12, "11 min"), (11, 13, "3 h 12 min")] {
        desk.due(hour, minute);
        assert_eq!(desk.reads().as_deref(), Some(words));
    }
    desk.app.shared.dirty = false;
    desk.pass(Duration::from_secs(20));
    assert!(!desk.app.shared.dirty, "it still reads the same");
    assert_eq!(desk.reads().as_deref(), Some("3 h 12 min"));
    desk.pass(Duration::from_millis(200));
    assert!(desk.app.shared.dirty);
    assert_eq!(desk.reads().as_deref(), Some("3 h 11 min"));
}

#[test]
fn the_countdown_ends_at_the_due_time() {
    let mut desk = Desk::open();
    desk.answered(Answer::MeasureFinished { of_all: true });
    desk.due(8, 1);
    assert_eq!(desk.app.next_wake(), Some(desk.now.at + Duration::from_millis(1)));
    desk.pass(Duration::from_secs(21));
    assert_eq!(desk.reads(), None);
    assert_eq!(desk.app.shared.timers.countdown_at, None);
}

#[test]
fn a_scheduled_run_is_neither_the_operators_nor_the_exit_code() {
    let mut desk = Desk::open_with(false, Some(Start::Sync(SyncOrder::manual(Selection::All))));
    desk.start_scheduled("users");
    desk.start("orders");
    assert_eq!(desk.app.shared.book.get(&named("users")).unwrap().log.as_ref().unwrap().trigger, Trigger::Schedule);
    desk.finish("orders", Outcome::Failed);
    assert!(desk.app.left().failed, "the command line's run is the one it asked for");
    assert!(desk.app.busy(), "leaving asks: the scheduled run goes on");
}

#[test]
fn a_run_that_comes_due_while_leaving_does_not_delay_the_exit() {
    let mut desk = Desk::open();
    desk.start("orders");
    desk.press('q');
    desk.press('w');
    assert_eq!(desk.start_scheduled("users"), [Effect::Send(Command::Cancel(named("users")))]);
}

#[test]
fn a_mapping_that_another_process_runs_is_no_error() {
    let mut desk = Desk::open();
    desk.start_scheduled("orders");
    let (run, mapping, reason) = (RunId(DUE.into()), named("orders"), "held by jump2".to_owned());
    let effects = desk.hear(Event::MappingLeft { run, mapping, reason });
    assert_eq!(effects, [Effect::Ask(Ask::Watch)]);
    assert!(desk.app.shared.notice.is_none() && desk.app.shared.book.get(&named("orders")).unwrap().log.is_none());
}
