//! What each action does where.

use super::dialog::{Dialog, Intent, choice};
use super::{App, Effect, Screen};
use crate::domain::ids::MappingName;
use crate::domain::report::Trigger;
use crate::engine::{Command, Selection, SyncOrder};
use crate::tui::keys::{Action, Scope};
use crate::tui::screens::Asked;

/// Runs asked of the history: some weeks of a nightly run, a day of one every ten minutes.
const HISTORY: usize = 200;

impl App {
    pub(super) fn act(&mut self, scope: Scope, action: Action, effects: &mut Vec<Effect>) {
        match scope {
            Scope::Dialog => return self.act_in_dialog(action, effects),
            Scope::Help => return self.act_in_help(action),
            Scope::Typing => return self.act_while_typing(action),
            _ => {}
        }
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.travel(action);
            }
            Action::Left | Action::Right | Action::NextPane | Action::PreviousPane => self.sideways(action),
            Action::Toggle => match self.screen() {
                Screen::Logs => self.logs.toggle_targets(),
                _ => self.schema.toggle(),
            },
            Action::AcceptSafe => self.schema.accept_safe(),
            Action::Open => self.open(effects),
            Action::Back => self.back(),
            Action::RunSelected => self.run_selected(effects),
            Action::RunAll => self.run_all(effects),
            Action::Backfill => self.open_backfill(),
            Action::Schema => self.open_schema(effects),
            Action::Cancel => self.ask_cancel(),
            Action::Pause => self.pause(effects),
            Action::History => {
                self.show(Screen::History);
                effects.push(read_history());
            }
            Action::Logs => self.show(Screen::Logs),
            Action::Filter => match self.screen() {
                Screen::Logs => self.logs.typing = true,
                _ => self.mappings.typing = true,
            },
            Action::Sort => {
                let order = self.mappings.next_order(&self.book, self.now);
                self.say(format!("ordered by {order}"));
            }
            Action::Copy => self.copy(effects),
            Action::Reload => self.reload(effects),
            Action::Check => self.open_check(effects),
            Action::Help => self.help = Some(0),
            Action::Quit => self.quit(),
            // Dispatched before.
            Action::Interrupt | Action::Suspend | Action::Redraw => {}
        }
    }

    fn act_in_dialog(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let Some(dialog) = self.dialog.as_mut() else { return };
        match action {
            Action::Open => {
                let intent = dialog.chosen();
                self.dialog = None;
                self.carry_out(intent, effects);
            }
            Action::Back => self.dialog = None,
            Action::Down | Action::Right | Action::NextPane => dialog.move_by(true),
            Action::Up | Action::Left | Action::PreviousPane => dialog.move_by(false),
            Action::PageDown => dialog.scroll = dialog.scroll.saturating_add(5),
            Action::PageUp => dialog.scroll = dialog.scroll.saturating_sub(5),
            _ => {}
        }
    }

    fn act_in_help(&mut self, action: Action) {
        let scroll = self.help.unwrap_or(0);
        let page = self.size.1.saturating_sub(6);
        self.help = match action {
            Action::Up => Some(scroll.saturating_sub(1)),
            Action::Down => Some(scroll.saturating_add(1)),
            Action::PageUp => Some(scroll.saturating_sub(page)),
            Action::PageDown => Some(scroll.saturating_add(page)),
            Action::Top => Some(0),
            Action::Bottom => Some(u16::MAX),
            Action::Back | Action::Help | Action::Quit => None,
            _ => Some(scroll),
        };
        let most = crate::tui::view::help::lines(self).saturating_sub(usize::from(page));
        self.help = self.help.map(|scroll| scroll.min(u16::try_from(most).unwrap_or(u16::MAX)));
    }

    fn act_while_typing(&mut self, action: Action) {
        let logs = self.screen() == Screen::Logs;
        match (action, logs) {
            (Action::Open, true) => self.logs.typing = false,
            (Action::Open, false) => self.mappings.typing = false,
            (Action::Back, true) => self.logs.clear_filter(),
            (Action::Back, false) => self.mappings.clear_filter(&self.book, self.now),
            _ => {}
        }
    }

    fn travel(&mut self, action: Action) {
        let page = usize::from(self.size.1.saturating_sub(8).max(1));
        match self.screen() {
            Screen::Mappings => self.mappings.travel(action, page, &self.book),
            Screen::Run => self.run.travel(action, page, &self.book),
            Screen::Schema => self.schema.travel(action, page),
            Screen::Backfill => self.backfill.travel(action, page),
            Screen::History => self.history.travel(action, page),
            Screen::Report => self.report.travel(action, page),
            Screen::Logs => self.logs.travel(action),
            Screen::Check => self.check.travel(action, page, self.size.0),
        }
    }

    fn sideways(&mut self, action: Action) {
        match (self.screen(), action) {
            (Screen::Run, Action::NextPane) => self.run.next_pane(true),
            (Screen::Run, Action::PreviousPane) => self.run.next_pane(false),
            (Screen::Backfill, Action::NextPane) => self.backfill.next_field(true),
            (Screen::Backfill, Action::PreviousPane) => self.backfill.next_field(false),
            (Screen::Backfill, Action::Right) => self.backfill.other_mapping(&self.book, true),
            (Screen::Backfill, Action::Left) => self.backfill.other_mapping(&self.book, false),
            (Screen::Logs, Action::Right) => self.logs.level(true),
            (Screen::Logs, Action::Left) => self.logs.level(false),
            (Screen::Logs, Action::NextPane) => self.logs.focus_target(),
            _ => {}
        }
    }

    fn back(&mut self) {
        if self.screen() == Screen::Mappings {
            self.mappings.clear_filter(&self.book, self.now);
        } else if self.screen() == Screen::Logs && self.logs.has_filter() {
            self.logs.clear_filter();
        } else {
            self.go_back();
        }
    }

    fn open(&mut self, effects: &mut Vec<Effect>) {
        match self.screen() {
            Screen::Mappings => {
                let Some(name) = self.mappings.selected(&self.book).cloned() else { return };
                self.run.open(name.clone());
                self.show(Screen::Run);
                // What this console has not seen, the report tells.
                let row = self.book.get(&name).filter(|row| row.log.is_none());
                if let Some(last) = row.and_then(|row| row.last_run()) {
                    effects.push(Effect::Send(Command::ReadReport(last.run_id.clone())));
                }
            }
            Screen::History => {
                if let Some(run) = self.history.selected().map(|run| run.run_id.clone()) {
                    self.report.open(run.clone());
                    self.show(Screen::Report);
                    effects.push(Effect::Send(Command::ReadReport(run)));
                }
            }
            Screen::Schema => match self.schema.ask() {
                Asked::Compare(command) => effects.push(Effect::Send(command)),
                Asked::Confirm(dialog) => self.dialog = Some(dialog),
                Asked::Nothing(why) => self.say(why),
            },
            Screen::Backfill => self.preview_or_start(effects),
            Screen::Run | Screen::Report | Screen::Logs | Screen::Check => {}
        }
    }

    fn preview_or_start(&mut self, effects: &mut Vec<Effect>) {
        if let Some(dialog) = self.backfill.confirm() {
            self.dialog = Some(dialog);
        } else if let Some(ask) = self.backfill.ask() {
            self.backfill.asked(&ask);
            effects.push(Effect::Send(Command::PreviewBackfill(ask)));
        } else {
            self.say("give a start that can be read first");
        }
    }

    fn open_backfill(&mut self) {
        let Some(name) = self.subject().cloned() else { return };
        let unfinished = self.book.get(&name).and_then(|row| row.status.as_ref()?.backfill.clone());
        self.backfill.open(&name, unfinished.as_ref());
        self.show(Screen::Backfill);
    }

    fn open_schema(&mut self, effects: &mut Vec<Effect>) {
        let Some(name) = self.subject().cloned() else { return };
        self.schema.open(name.clone());
        self.show(Screen::Schema);
        effects.push(Effect::Send(compare(name)));
    }

    fn run_selected(&mut self, effects: &mut Vec<Effect>) {
        let Some(name) = self.subject().cloned() else { return };
        let Some(row) = self.book.get(&name) else { return };
        if row.live.is_some() {
            self.say(format!("{name} is running already"));
        } else if let Some(holder) = row.status.as_ref().and_then(|status| status.held_by.clone()) {
            self.say(format!("{name} is being synced on {}, process {}", holder.host, holder.pid));
        } else {
            self.sync(vec![name], effects);
        }
    }

    pub(super) fn sync(&mut self, names: Vec<MappingName>, effects: &mut Vec<Effect>) {
        let order = SyncOrder { selection: Selection::Named(names), trigger: Trigger::Manual, lookback: None };
        self.send_run(Command::Sync(order), effects);
    }

    fn run_all(&mut self, effects: &mut Vec<Effect>) {
        let free = self
            .book
            .rows
            .iter()
            .filter(|row| row.live.is_none() && row.status.as_ref().is_none_or(|status| status.held_by.is_none()));
        let free: Vec<MappingName> = free.map(|row| row.name.clone()).collect();
        if free.is_empty() {
            self.say("every mapping is running already");
        } else {
            self.say(format!("{} mapping(s) started", free.len()));
            self.sync(free, effects);
        }
    }

    fn ask_cancel(&mut self) {
        let running = self.book.running();
        let subject = self.subject().cloned();
        let ours = subject.filter(|name| self.book.get(name).is_some_and(|row| row.live.is_some()));
        if running == 0 {
            self.say("nothing of this console is running");
            return;
        }
        let mut choices = Vec::new();
        if let Some(name) = ours {
            choices.push(choice('c', format!("cancel {name}"), Intent::Cancel(name)));
        }
        choices.push(choice('a', format!("cancel everything ({running} running)"), Intent::CancelAll));
        choices.push(choice('n', "let it go on", Intent::Nothing));
        let line = "It stops at the next safe point. What is published stays; the next run goes on from there.";
        self.dialog = Some(Dialog::new("Cancel?", vec![line.to_owned()], choices));
    }

    fn pause(&mut self, effects: &mut Vec<Effect>) {
        let Some(name) = self.subject().cloned() else { return };
        let Some(live) = self.book.get(&name).and_then(|row| row.live.as_ref()) else {
            self.say(format!("{name} is not running"));
            return;
        };
        effects.push(Effect::Send(if live.paused { Command::Resume(name) } else { Command::Pause(name) }));
    }

    fn copy(&mut self, effects: &mut Vec<Effect>) {
        let text = match self.screen() {
            Screen::Mappings => self.mappings.selected(&self.book).and_then(|name| self.book.get(name)).map(|row| {
                let problem = row.problem().map(str::to_owned);
                let error = row.last_error().map(|(error, hint)| match hint {
                    Some(hint) => format!("{error}\n{hint}"),
                    None => error.to_owned(),
                });
                problem.or(error).unwrap_or_else(|| row.full_target.clone())
            }),
            Screen::Run => self.run.job(&self.book).map(|job| job.id.to_string()),
            Screen::Schema => self.schema.ddl(),
            Screen::History => self.history.selected().map(|run| run.run_id.to_string()),
            Screen::Report => self.report.text(),
            Screen::Check => self.check.text(),
            Screen::Backfill | Screen::Logs => None,
        };
        match text {
            Some(text) => {
                let first = text.lines().next().unwrap_or_default().to_owned();
                self.say(format!("copied: {first}"));
                effects.push(Effect::Copy(text));
            }
            None => self.say("there is nothing to copy here"),
        }
    }

    /// Of all mappings, or of the one whose run is shown.
    fn open_check(&mut self, effects: &mut Vec<Effect>) {
        if self.facts.is_none() {
            self.say("there is no engine to ask; u reads the configuration again");
            return;
        }
        let about = if self.screen() == Screen::Run { self.run.mapping.clone() } else { None };
        self.check.open(about);
        self.show(Screen::Check);
        self.send_check(effects);
    }

    fn send_check(&self, effects: &mut Vec<Effect>) {
        let about = self.check.about.clone();
        let selection = about.map_or(Selection::All, |name| Selection::Named(vec![name]));
        effects.push(Effect::Send(Command::Check { selection, probe: !self.read_only }));
    }

    fn reload(&mut self, effects: &mut Vec<Effect>) {
        match self.screen() {
            Screen::Check if self.facts.is_some() => {
                self.check.open(self.check.about.clone());
                self.send_check(effects);
            }
            Screen::History if self.facts.is_some() => effects.push(read_history()),
            Screen::Schema if self.facts.is_some() => {
                if let Some(name) = self.schema.mapping.clone() {
                    self.schema.open(name.clone());
                    effects.push(Effect::Send(compare(name)));
                }
            }
            // A new engine would take the place of the one that works.
            _ if self.busy() => {
                self.say("something is running: asking both sides again, the files are read once it has ended");
                effects.push(Effect::Send(Command::Watch));
                effects.push(Effect::Send(Command::Measure(Selection::All)));
            }
            _ => {
                self.say("reading the configuration and asking again");
                effects.push(Effect::Reopen);
            }
        }
    }
}

pub(super) fn compare(mapping: MappingName) -> Command {
    Command::Compare { selection: Selection::Named(vec![mapping]), apply: false, columns: Vec::new() }
}

/// Asks for the latest runs.
pub(super) const fn read_history() -> Effect {
    Effect::Send(Command::ReadHistory { most: HISTORY })
}
