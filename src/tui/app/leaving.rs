//! Leaving the console, and the questions before it.

use super::App;
use crate::domain::ids::MappingName;
use crate::engine::Command;
use crate::format::numbered;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::naming::{asked_about, listed};
use crate::tui::screen::Screen;
use crate::tui::shared::{Effect, Leaving};
use crate::tui::{deletes, lost, shrink};

/// The width, in cells, of names in a sentence above the footer.
const SAID: usize = 120;

impl App {
    pub(super) fn carry_out(&mut self, intent: Intent) {
        let shared = &mut self.shared;
        if intent.needs_engine() && shared.lacks_engine() {
            return;
        }
        match intent {
            Intent::Nothing => {}
            Intent::Copy(text) => {
                shared.say(format!("copied: {text}"));
                shared.effects.push(Effect::Copy(text));
            }
            Intent::Cancel(names) => {
                shared.say(format!("stopping at the next safe point: {}", listed(&names, SAID)));
                shared.send_each(names, Command::Cancel);
            }
            Intent::CancelAll => {
                shared.say("every run stops at its next safe point");
                shared.send(Command::CancelAll);
            }
            Intent::WaitAndQuit => {
                shared.leaving = Some(Leaving { interrupted: false });
                shared.complain("leaving once the runs have ended; q stays");
            }
            Intent::CancelAndQuit => self.interrupt_and_leave(),
            Intent::Pause(names) => shared.send_each(names, Command::Pause),
            Intent::Resume(names) => shared.send_each(names, Command::Resume),
            Intent::Run(names) => shared.sync(names),
            Intent::RunMarked(names) => lost::run(names, shared),
            Intent::StartBackfill { ask, restart } => self.screens.backfill.begin(ask, restart, shared),
            Intent::OpenBackfill(ask) => {
                self.screens.backfill.preview(ask, shared);
                self.screens.show(Screen::Backfill);
            }
            Intent::DeleteRows(names) => deletes::send(names, false, shared),
            Intent::ReplaceAnyway(mapping) => shrink::send(mapping, shared),
            Intent::ShowRows(mapping) => self.screens.data.read(&mapping, shared),
            Intent::Compare(names) => self.screens.verify.compare(names, shared),
            Intent::StartBackfills(asks) => {
                shared.say(numbered(asks.len() as u64, "backfill started", "backfills started"));
                for ask in asks {
                    shared.send_run(Command::Backfill { ask, restart: true, shard: None });
                }
                self.screens.go_back();
            }
            Intent::Repair(mapping) => self.screens.verify.begin(mapping, shared),
            Intent::AddMappings(wanted) => shared.effects.push(Effect::Append(wanted)),
            Intent::Switch(which) => self.switch(which),
            Intent::Decide { mapping, decisions } => self.screens.schema.decide(mapping, decisions, shared),
        }
    }

    /// `q`: asks while something runs. If only the report of an ended run is being written, leaves once it is written.
    pub(super) fn quit(&mut self) {
        if self.shared.leaving.take().is_some() {
            self.shared.say("staying");
            return;
        }
        if !self.busy() || self.only_records() {
            self.shared.leaving = Some(Leaving { interrupted: false });
            return;
        }
        let rows = self.shared.book.rows.iter().filter(|row| row.live.is_some());
        let names: Vec<MappingName> = rows.map(|row| row.name.clone()).collect();
        let running = match names.len() {
            0 => "A run is about to begin or to end.".to_owned(),
            1 => format!("{} is running.", names[0]),
            _ => format!("{} are running.", asked_about(&names, self.shared.size)),
        };
        self.shared.dialog = Some(Dialog::new(
            "Something is running",
            vec![running, "Published steps stay; the next run goes on from there.".to_owned()],
            vec![
                choice('w', "wait for it and quit", Intent::WaitAndQuit),
                choice('c', "cancel at the next safe point and quit (Ctrl-C)", Intent::CancelAndQuit),
                choice('s', "stay", Intent::Nothing),
            ],
        ));
    }

    /// Tells if only reports are being written.
    pub(super) fn only_records(&self) -> bool {
        let works = self
            .shared
            .book
            .rows
            .iter()
            .filter_map(|row| row.log.as_ref())
            .any(|log| self.shared.runs.is_ours(&log.run) && log.report.is_none());
        !works && !self.shared.runs.is_asked() && !self.screens.busy()
    }

    /// Closes the question about leaving when nothing runs any more.
    pub(super) fn answered_by_itself(&mut self) {
        if !self.busy() && self.shared.dialog.as_ref().is_some_and(Dialog::asks_to_quit) {
            self.shared.dialog = None;
            self.shared.say("the run has ended; q leaves");
        }
    }

    /// Ctrl-C: the first asks, the second cancels and leaves, the third leaves at once.
    pub(super) fn interrupt(&mut self) {
        if self.shared.leaving.is_some_and(|leaving| leaving.interrupted) {
            self.shared.effects.push(Effect::Leave);
        } else if self.shared.leaving.is_some() || self.shared.dialog.as_ref().is_some_and(Dialog::asks_to_quit) {
            self.interrupt_and_leave();
        } else {
            (self.help, self.line, self.palette) = (None, None, None);
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
