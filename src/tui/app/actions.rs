//! What each action does, whatever screen is shown. What is a screen's own, the screen does.

use super::App;
use crate::domain::ids::MappingName;
use crate::engine::Command;
use crate::tui::ask::Ask;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::help::Help;
use crate::tui::keys::{Action, Scope};
use crate::tui::lost;
use crate::tui::screen::Screen;
use crate::tui::screens::shown::{About, Next};
use crate::tui::shared::{Effect, Files, NO_MAPPING};

impl App {
    pub(super) fn act(&mut self, scope: Scope, action: Action) {
        match scope {
            Scope::Dialog => {
                if let Some(intent) = self.shared.dialog.as_mut().and_then(|dialog| dialog.act(action)) {
                    self.answer(intent);
                }
            }
            Scope::Help => {
                let page = usize::from(self.shared.size.1.saturating_sub(6));
                self.help.take_if(|help| help.act(action, page).is_break());
            }
            Scope::Screen(_) | Scope::Typing | Scope::Form => {
                if needs_engine(self.screens.front(), action) && self.shared.lacks_engine() {
                    return;
                }
                match self.screens.shown_mut().act(action, &mut self.shared) {
                    Next::Done => {}
                    Next::Show(screen, about) => self.screens.open(screen, about, &mut self.shared),
                    Next::Usual => self.act_as_usual(action),
                }
            }
        }
    }

    /// Closes the question.
    pub(super) fn answer(&mut self, intent: Intent) {
        let unanswered = self.shared.dialog.take().and_then(|dialog| dialog.unanswered());
        match unanswered.filter(|_| intent == Intent::Nothing) {
            Some(said) => self.shared.say(said),
            None => self.carry_out(intent),
        }
    }

    fn act_as_usual(&mut self, action: Action) {
        match action {
            Action::Back => self.screens.go_back(),
            Action::Show(screen) => self.show(screen),
            Action::RunSelected => self.run_selected(),
            Action::RunAll => self.run_all(),
            Action::Deletes => {
                if let Some(name) = self.marked() {
                    self.deletes.look(name, &mut self.shared);
                }
            }
            Action::Cancel => self.ask_cancel(),
            Action::Pause => self.pause(),
            Action::Copy => self.copy(),
            Action::Reload => self.reload(),
            Action::Help => self.help = Some(Help::default()),
            Action::Quit => self.quit(),
            // Dispatched before.
            Action::Interrupt | Action::Suspend | Action::Redraw => {}
            // A screen's own, where it is bound at all.
            Action::Up
            | Action::Down
            | Action::Left
            | Action::Right
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Open
            | Action::NextPane
            | Action::PreviousPane
            | Action::Toggle
            | Action::AcceptSafe
            | Action::Repair
            | Action::NextOpen
            | Action::PreviousOpen
            | Action::Filter
            | Action::Sort => {}
        }
    }

    fn show(&mut self, screen: Screen) {
        let subject = self.subject().cloned();
        let replaced = subject.as_ref().filter(|name| {
            let mapping = self.shared.configured(name);
            screen == Screen::Backfill && mapping.is_some_and(|mapping| !mapping.mode.has_windows())
        });
        if let Some(name) = replaced {
            self.shared
                .say(format!("{name} is looked at as a whole by every run (r): there is no stretch to move again"));
            return;
        }
        let about = subject.map_or(About::All, About::Mapping);
        self.screens.open(screen, about, &mut self.shared);
    }

    /// The mapping that the keys are about; says so where there is none.
    fn marked(&mut self) -> Option<MappingName> {
        let marked = self.subject().cloned();
        if marked.is_none() {
            self.shared.say(NO_MAPPING);
        }
        marked
    }

    fn run_selected(&mut self) {
        let Some(name) = self.marked() else { return };
        if self.shared.is_free(&name) {
            lost::run(vec![name], &mut self.shared);
        }
    }

    fn run_all(&mut self) {
        let shared = &mut self.shared;
        let free = shared
            .book
            .rows
            .iter()
            .filter(|row| row.live.is_none() && row.status.as_ref().is_none_or(|status| status.held_by.is_none()));
        let free: Vec<MappingName> = free.map(|row| row.name.clone()).collect();
        if free.is_empty() {
            shared.say("every mapping is running already");
        } else {
            let count = free.len();
            lost::run(free, shared);
            if shared.dialog.is_none() {
                shared.say(format!("{count} mapping(s) started"));
            }
        }
    }

    fn ask_cancel(&mut self) {
        let running = self.shared.book.running();
        let subject = self.subject().cloned();
        let ours = subject.filter(|name| self.shared.book.get(name).is_some_and(|row| row.live.is_some()));
        if running == 0 {
            self.shared.say("nothing of this console is running");
            return;
        }
        let mut choices = Vec::new();
        if let Some(name) = ours {
            choices.push(choice('c', format!("cancel {name}"), Intent::Cancel(name)));
        }
        choices.push(choice('a', format!("cancel everything ({running} running)"), Intent::CancelAll));
        choices.push(choice('n', "let it go on", Intent::Nothing));
        let line = "It stops at the next safe point. What is published stays; the next run goes on from there.";
        self.shared.dialog = Some(Dialog::new("Cancel?", vec![line.to_owned()], choices));
    }

    fn pause(&mut self) {
        let Some(name) = self.marked() else { return };
        let Some(live) = self.shared.book.get(&name).and_then(|row| row.live.as_ref()) else {
            self.shared.say(format!("{name} is not running"));
            return;
        };
        let command = if live.paused { Command::Resume(name) } else { Command::Pause(name) };
        self.shared.send(command);
    }

    fn copy(&mut self) {
        match self.screens.shown().copied(&self.shared) {
            Some(text) => {
                let first = text.lines().next().unwrap_or_default().to_owned();
                self.shared.say(format!("copied: {first}"));
                self.shared.effects.push(Effect::Copy(text));
            }
            None => self.shared.say("there is nothing to copy here"),
        }
    }

    /// Reads the files again, unless a new engine would take the place of the one that works.
    fn reload(&mut self) {
        if self.busy() {
            self.shared.say("something is running: asking both sides again, the files are read once it has ended");
            self.shared.files = Files::ToRead;
            self.shared.ask(Ask::Watch);
            self.shared.measure_all();
        } else {
            self.reopen();
        }
    }

    pub(super) fn reopen(&mut self) {
        self.shared.files = Files::Reading;
        self.shared.say("reading the configuration");
        self.shared.effects.push(Effect::Reopen);
    }
}

/// Would the key ask the engine something, or send it something?
const fn needs_engine(shown: Screen, action: Action) -> bool {
    match action {
        Action::RunSelected | Action::RunAll | Action::Deletes => true,
        Action::Show(screen) => !matches!(screen, Screen::Mappings | Screen::Logs),
        Action::Open => matches!(shown, Screen::Schema | Screen::Backfill | Screen::History),
        _ => false,
    }
}
