//! Leaving, and what is asked before.

use super::App;
use crate::engine::Command;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::screen::Screen;
use crate::tui::shared::{Effect, Leaving};
use crate::tui::{deletes, shrink};

impl App {
    pub(super) fn carry_out(&mut self, intent: Intent) {
        let shared = &mut self.shared;
        if intent.needs_engine() && shared.lacks_engine() {
            return;
        }
        match intent {
            Intent::Nothing => {}
            Intent::Cancel(mapping) => {
                shared.say(format!("{mapping} stops at its next safe point"));
                shared.send(Command::Cancel(mapping));
            }
            Intent::CancelAll => {
                shared.say("everything stops at its next safe point");
                shared.send(Command::CancelAll);
            }
            Intent::WaitAndQuit => {
                shared.leaving = Some(Leaving { interrupted: false });
                shared.complain("leaving as soon as what runs has ended; q to think again");
            }
            Intent::CancelAndQuit => self.interrupt_and_leave(),
            Intent::Run(names) => shared.sync(names),
            Intent::StartBackfill { ask, restart } => self.screens.backfill.begin(ask, restart, shared),
            Intent::OpenBackfill(ask) => {
                self.screens.backfill.preview(ask, shared);
                self.screens.show(Screen::Backfill);
            }
            Intent::DeleteRows(mapping) => deletes::send(mapping, false, shared),
            Intent::ReplaceAnyway(mapping) => shrink::send(mapping, shared),
            Intent::Repair(mapping) => self.screens.verify.begin(mapping, shared),
            Intent::Decide { mapping, decisions } => self.screens.schema.decide(mapping, decisions, shared),
        }
    }

    /// `q`: asks while something runs. A run whose mappings have all ended is only being written down: that is waited for.
    pub(super) fn quit(&mut self) {
        if self.shared.leaving.take().is_some() {
            self.shared.say("staying");
            return;
        }
        if !self.busy() || self.only_records() {
            self.shared.leaving = Some(Leaving { interrupted: false });
            return;
        }
        let names: Vec<&str> =
            self.shared.book.rows.iter().filter(|row| row.live.is_some()).map(|row| row.name.0.as_str()).collect();
        let running = if names.is_empty() { "A run is about to begin or to end.".to_owned() } else { list(&names) };
        self.shared.dialog = Some(Dialog::new(
            "Something is running",
            vec![running, "Every step that was published stays; the next run goes on from there.".to_owned()],
            vec![
                choice('w', "wait for it and quit", Intent::WaitAndQuit),
                choice('c', "cancel at the next safe point and quit (Ctrl-C)", Intent::CancelAndQuit),
                choice('s', "stay", Intent::Nothing),
            ],
        ));
    }

    fn only_records(&self) -> bool {
        let works = self
            .shared
            .book
            .rows
            .iter()
            .filter_map(|row| row.log.as_ref())
            .any(|log| self.shared.runs.is_ours(&log.run) && log.report.is_none());
        !works && !self.shared.runs.is_asked() && !self.screens.busy()
    }

    /// What ran has ended: whether to wait for it is no question any more.
    pub(super) fn answered_by_itself(&mut self) {
        if !self.busy() && self.shared.dialog.as_ref().is_some_and(Dialog::asks_to_quit) {
            self.shared.dialog = None;
            self.shared.say("what ran has ended; q leaves");
        }
    }

    /// Ctrl-C: once asks, twice cancels and leaves, thrice leaves at once.
    pub(super) fn interrupt(&mut self) {
        if self.shared.leaving.is_some_and(|leaving| leaving.interrupted) {
            self.shared.effects.push(Effect::Leave);
        } else if self.shared.leaving.is_some() || self.shared.dialog.as_ref().is_some_and(Dialog::asks_to_quit) {
            self.interrupt_and_leave();
        } else {
            self.help = None;
            self.quit();
        }
    }

    /// A second signal leaves at once.
    pub(super) fn terminate(&mut self) {
        if self.shared.leaving.is_some_and(|leaving| leaving.interrupted) {
            self.shared.effects.push(Effect::Leave);
        } else {
            self.interrupt_and_leave();
        }
    }

    pub(super) fn interrupt_and_leave(&mut self) {
        self.shared.dialog = None;
        self.shared.leaving = Some(Leaving { interrupted: true });
        if self.busy() {
            self.shared.complain("stopping at the next safe point, then leaving; Ctrl-C leaves at once");
            self.shared.send(Command::CancelAll);
        }
    }
}

fn list(names: &[&str]) -> String {
    /// More would only fill the dialog.
    const NAMED: usize = 6;
    let listed = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED);
    let verb = if names.len() == 1 { "is running" } else { "are running" };
    if more == 0 { format!("{listed} {verb}.") } else { format!("{listed} and {more} more {verb}.") }
}
