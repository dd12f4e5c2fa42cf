//! The configuration's files, which may change while the console is open: a change is taken up between two runs.

use super::App;
use crate::tui::screen::Screen;
use crate::tui::session::FilesSeen;
use crate::tui::shared::{Effect, Files};

impl App {
    /// Tells if looking at the files is useful; no change is taken up while something runs.
    pub(super) fn watches_files(&self) -> bool {
        self.shared.files == Files::Read && !(self.told_of_change && self.is_engaged())
    }

    pub(super) fn look_at_files(&mut self) {
        self.shared.timers.files_at = None;
        self.shared.effects.push(Effect::LookAtFiles);
    }

    pub(super) fn files_seen(&mut self, seen: FilesSeen) {
        self.shared.timers.looked(self.shared.now.at);
        match seen {
            FilesSeen::Nothing => self.told_of_change = false,
            FilesSeen::Changed if !self.is_engaged() => {
                self.shared.news = Some("the configuration has changed, and was read again".to_owned());
                self.reopen();
            }
            FilesSeen::Changed => {
                let told = std::mem::replace(&mut self.told_of_change, true);
                if self.busy() && !told {
                    self.shared.say("the configuration has changed: it is read once the runs have ended");
                }
            }
            FilesSeen::Broken(problems) => {
                let first = problems.first().map_or("", String::as_str);
                let others = match problems.len() {
                    0 | 1 => String::new(),
                    many => format!(" (and {} more)", many - 1),
                };
                self.shared.files_broken = true;
                self.shared.complain(format!(
                    "the changed configuration is not used: {first}{others} (u shows every problem)"
                ));
            }
            FilesSeen::Mended => {
                self.shared.files_broken = false;
                self.shared.say("the configuration's files can be used again");
            }
        }
    }

    /// Tells if a new engine would disturb: something runs, or the operator is answering or typing.
    fn is_engaged(&self) -> bool {
        self.busy()
            || self.shared.dialog.is_some()
            || self.line.is_some()
            || self.palette.is_some()
            || self.shared.leaving.is_some()
            || (self.shared.has_engine() && asks_the_engine(self.screens.front()))
    }
}

/// Tells if the screen shows what only its present engine can tell.
const fn asks_the_engine(screen: Screen) -> bool {
    match screen {
        Screen::Mappings | Screen::Logs | Screen::Sent | Screen::Tables => false,
        Screen::Run
        | Screen::Schema
        | Screen::Backfill
        | Screen::History
        | Screen::Report
        | Screen::Check
        | Screen::Verify
        | Screen::Data => true,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::domain::report::Outcome;
    use crate::tui::app::Msg;
    use crate::tui::ask::Answer;
    use crate::tui::desk::{Desk, sync};
    use crate::tui::model::samples;
    use crate::tui::session::{FilesSeen, Trouble};
    use crate::tui::shared::Effect;

    /// The next look at the files, with the given result.
    fn look(desk: &mut Desk, seen: FilesSeen) -> Vec<Effect> {
        desk.now.at += Duration::from_secs(6);
        let effects = desk.tell(Msg::Tick);
        assert!(effects.contains(&Effect::LookAtFiles), "{effects:?}");
        desk.answered(Answer::FilesSeen(seen))
    }

    #[test]
    fn files_that_have_changed_are_read_without_a_key() {
        let mut desk = Desk::open();
        assert_eq!(look(&mut desk, FilesSeen::Nothing), []);
        assert_eq!(look(&mut desk, FilesSeen::Changed), [Effect::Reopen]);
        desk.tell(Msg::Opened(Ok(samples::facts(&["orders", "baskets"]))));
        assert!(desk.notice().contains("has changed"), "{}", desk.notice());
    }

    #[test]
    fn changed_files_wait_while_something_runs_or_is_asked() {
        let mut desk = Desk::open();
        desk.start("orders");
        assert_eq!(look(&mut desk, FilesSeen::Changed), []);
        assert!(desk.notice().contains("once the runs have ended"), "{}", desk.notice());
        desk.now.at += Duration::from_mins(1);
        assert!(!desk.tell(Msg::Tick).contains(&Effect::LookAtFiles), "it is known");
        desk.finish("orders", Outcome::Ok);
        desk.press(':');
        desk.now.at += Duration::from_mins(1);
        assert!(!desk.tell(Msg::Tick).contains(&Effect::LookAtFiles), "somebody is typing");
        desk.code(ratatui::crossterm::event::KeyCode::Esc);
        assert_eq!(look(&mut desk, FilesSeen::Changed), [Effect::Reopen]);
    }

    #[test]
    fn a_screen_that_has_asked_the_engine_is_left_first() {
        let mut desk = Desk::open();
        desk.press('h');
        assert_eq!(look(&mut desk, FilesSeen::Changed), []);
        desk.code(ratatui::crossterm::event::KeyCode::Esc);
        assert_eq!(look(&mut desk, FilesSeen::Changed), [Effect::Reopen]);
    }

    #[test]
    fn invalid_files_are_reported_and_the_old_configuration_stays() {
        let mut desk = Desk::open();
        let problems = vec!["config.yaml:3: unknown key `datset`".to_owned(), "another".to_owned()];
        assert_eq!(look(&mut desk, FilesSeen::Broken(problems)), []);
        assert!(desk.notice().contains("`datset`") && desk.notice().contains("1 more"), "{}", desk.notice());
        assert_eq!(desk.press('r'), [sync(&["orders"])], "the one before works on");
        assert!(desk.look().lines().next().unwrap().ends_with("OLD CONFIG"), "{}", desk.look());
        desk.start("orders");
        desk.finish("orders", Outcome::Ok);
        look(&mut desk, FilesSeen::Mended);
        assert!(!desk.look().contains("OLD CONFIG"));
    }

    #[test]
    fn unreadable_files_are_read_again_once_they_change() {
        let mut desk = Desk::closed(false, None);
        desk.tell(Msg::Opened(Err(Trouble { sentence: "1 problem".into(), problems: vec![] })));
        assert_eq!(look(&mut desk, FilesSeen::Changed), [Effect::Reopen]);
    }
}
