//! The console's state, and the one function that changes it: messages go in, effects come out.
//!
//! `update` does not await, and reads neither clock nor environment: the message brings what it needs.

mod actions;
mod commands;
mod contexts;
mod events;
mod files;
mod leaving;
mod own_commands;
#[cfg(test)]
mod tests;
mod timers;

use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::ask::{Answer, Ask};
use super::command::{After, CommandLine};
use super::deletes::Deletes;
use super::help::Help;
use super::keys::{Key, Scope};
use super::links::Link;
use super::model::{Book, Now};
use super::own;
use super::palette::Palette;
use super::preferences::Preferences;
use super::schedule::Schedule;
use super::screen::Screen;
use super::screens::Screens;
use super::scroll::Extent;
use super::session::{Contexts, Facts, Left, Start, Trouble, Which};
use super::shared::{Effect, Files, Leaving, Shared};
use crate::domain::ids::MappingName;
use crate::engine::{Command, Event, Progress};
use crate::logging::LogRing;

/// A message to the console.
#[derive(Debug)]
pub enum Msg {
    Key(KeyEvent),
    Paste(String),
    Resized(u16, u16),
    Engine(Event),
    /// An answer of the engine.
    Answer(Answer),
    /// The engine's task has ended, which should never happen.
    EngineEnded,
    Progress(Progress),
    /// A timer of [`App::next_wake`] is due.
    Tick,
    LogWritten,
    /// The contexts to switch to; comes before `Opened`.
    Contexts(Contexts),
    Opened(Result<Facts, Trouble>),
    /// The operator's own command has ended, with its exit code; `None`: a signal ended it.
    Returned {
        name: String,
        ended: Option<i32>,
    },
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, or the terminal does not answer.
    TerminalLost,
    /// SIGQUIT.
    LeaveAtOnce,
    /// SIGTSTP.
    Stop,
    /// The shell has continued the process.
    Continued,
}

/// The drawn extent of each text that keys scroll; `None` if it was not drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawn {
    pub screen: Option<Extent>,
    pub help: Option<Extent>,
    pub dialog: Option<Extent>,
    pub link: Option<Link>,
}

/// Everything the console knows and shows.
#[derive(Debug)]
pub struct App {
    pub shared: Shared,
    pub screens: Screens,
    pub help: Option<Help>,
    pub line: Option<CommandLine>,
    pub palette: Option<Palette>,
    /// Earlier command lines, oldest first.
    commands: Vec<String>,
    pub deletes: Deletes,
    pub schedule: Schedule,
    start: Option<Start>,
    /// The context to switch to once the report of the last run is written.
    next_context: Option<Which>,
    /// The files have changed, and are read once nothing runs.
    told_of_change: bool,
    /// The preferences that were saved last.
    kept: Preferences,
}

impl App {
    #[must_use]
    pub fn new(start: Option<Start>, read_only: bool, ring: Arc<LogRing>, now: Now) -> Self {
        Self {
            shared: Shared::new(read_only, ring, now),
            screens: Screens::default(),
            help: None,
            line: None,
            palette: None,
            commands: Vec::new(),
            deletes: Deletes::default(),
            schedule: Schedule::default(),
            start,
            next_context: None,
            told_of_change: false,
            kept: Preferences::default(),
        }
    }

    /// Restores what the operator's last session left.
    pub fn restore(&mut self, kept: Preferences) {
        self.screens.mappings.restore(&kept.filter, kept.only_wrong, kept.order);
        self.commands.clone_from(&kept.commands);
        self.kept = kept;
    }

    fn preferences(&self) -> Preferences {
        let mappings = &self.screens.mappings;
        Preferences {
            filter: mappings.filter.value().trim().to_owned(),
            only_wrong: mappings.only_wrong,
            order: mappings.order,
            commands: self.commands.clone(),
        }
    }

    /// Saves what a key has changed; a filter only after it is typed to its end.
    fn keep(&mut self) {
        let now = self.preferences();
        if now != self.kept && !self.screens.mappings.filter.typing {
            self.shared.effects.push(Effect::Keep(now.clone()));
            self.kept = now;
        }
    }

    /// The only way to change the state.
    pub fn update(&mut self, msg: Msg, now: Now) -> Vec<Effect> {
        self.shared.now = now;
        match msg {
            Msg::Key(event) => {
                self.key(&event);
                self.keep();
            }
            Msg::Paste(text) => self.paste(&text),
            Msg::Resized(width, height) => {
                self.shared.size = (width, height);
                self.shared.dirty = true;
            }
            Msg::Engine(event) => self.engine_said(&event),
            Msg::Answer(answer) => self.answered(answer),
            Msg::EngineEnded => self.engine_ended(),
            Msg::Progress(progress) => {
                self.shared.book.progressed(&progress);
                self.shared.dirty = true;
            }
            Msg::Tick => self.tick(),
            Msg::LogWritten => self.shared.dirty |= self.screens.shown().shows_logs(),
            Msg::Contexts(contexts) => self.shared.contexts = contexts,
            Msg::Opened(Ok(facts)) => self.opened(facts),
            Msg::Opened(Err(trouble)) => self.not_opened(trouble),
            Msg::Returned { name, ended } => self.returned(&name, ended),
            Msg::Interrupted | Msg::Terminate => self.terminate(),
            Msg::TerminalLost => self.interrupt_and_leave(),
            Msg::LeaveAtOnce => {
                self.shared.leaving = Some(Leaving { interrupted: true });
                self.shared.effects.push(Effect::Leave);
            }
            Msg::Stop => self.shared.effects.push(Effect::Suspend),
            Msg::Continued => {
                self.shared.dirty = true;
                self.shared.effects.push(Effect::Redraw);
            }
        }
        if self.shared.leaving.is_some() && !self.busy() {
            self.shared.effects.push(Effect::Leave);
        } else if let Some(which) = self.due_context() {
            self.switch(which);
        } else if self.shared.files == Files::ToRead && !self.busy() {
            self.reopen();
        }
        std::mem::take(&mut self.shared.effects)
    }

    /// Remembers what was drawn, so that the next key scrolls from there.
    pub fn drawn(&mut self, drawn: &Drawn) {
        if let Some(extent) = drawn.screen {
            self.screens.shown_mut().drawn(extent);
        }
        if let (Some(help), Some(extent)) = (&mut self.help, drawn.help) {
            help.drawn(extent);
        }
        if let (Some(dialog), Some(extent)) = (&mut self.shared.dialog, drawn.dialog) {
            dialog.drawn(extent);
        }
    }

    /// Where keys go.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if self.shared.dialog.is_some() {
            return Scope::Dialog;
        }
        if self.palette.is_some() {
            return Scope::Palette;
        }
        if self.line.is_some() {
            return Scope::Command;
        }
        if self.help.is_some() {
            return Scope::Help;
        }
        self.screens.shown().field().unwrap_or(Scope::Screen(self.screens.front()))
    }

    /// The mapping that the keys apply to.
    #[must_use]
    pub fn subject(&self) -> Option<&MappingName> {
        self.screens.shown().subject(&self.shared)
    }

    /// All mappings that the keys apply to.
    #[must_use]
    pub fn subjects(&self) -> Vec<MappingName> {
        self.screens.shown().subjects(&self.shared)
    }

    /// Tells if leaving would stop something.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.shared.runs.busy() || self.screens.busy()
    }

    /// The results that the process reports to its caller.
    #[must_use]
    pub fn left(&self) -> Left {
        let mut left = self.shared.runs.told();
        left.interrupted = self.shared.leaving.is_some_and(|leaving| leaving.interrupted);
        left
    }

    fn key(&mut self, event: &KeyEvent) {
        let Some(key) = Key::pressed(event) else { return };
        self.shared.dirty = true;
        if self.shared.notice.as_ref().is_some_and(|notice| notice.until.is_none()) {
            self.shared.notice = None;
        }
        let scope = self.scope();
        if let (Scope::Dialog, Some(letter)) = (scope, key.letter())
            && let Some(intent) = self.shared.dialog.as_ref().and_then(|dialog| dialog.by_letter(letter))
        {
            self.answer(intent);
            return;
        }
        match super::keys::action(scope, key, self.shared.read_only) {
            Some(action) => self.dispatch(scope, action),
            None if takes_text(scope) => self.type_in(event),
            None if own::of_key(scope, key, &self.shared).is_some() => self.run_own(key.letter()),
            None => self.shared.remark(super::keys::nothing(scope, key, self.shared.read_only)),
        }
    }

    fn paste(&mut self, text: &str) {
        if !takes_text(self.scope()) {
            return self.shared.remark("pasted text is ignored: only a field takes it");
        }
        for c in text.chars().filter(|c| !c.is_control()) {
            self.type_in(&KeyEvent::from(KeyCode::Char(c)));
        }
        self.shared.dirty = true;
    }

    /// Only a field accepts typed or pasted letters: elsewhere they would be commands.
    fn type_in(&mut self, event: &KeyEvent) {
        if let Some(palette) = &mut self.palette {
            palette.type_in(event);
        } else if let Some(line) = &mut self.line {
            if line.type_in(event) == After::Close {
                self.line = None;
            }
        } else {
            self.screens.shown_mut().type_in(event, &mut self.shared);
        }
    }

    fn opened(&mut self, facts: Facts) {
        let shared = &mut self.shared;
        shared.dirty = true;
        if let Some(news) = shared.news.take() {
            shared.say(news);
        } else if shared.facts.is_some() || shared.trouble.is_some() {
            shared.say("the configuration was read; asking MySQL");
        }
        let old = std::mem::replace(&mut shared.book, Book::new(&facts.config));
        shared.book.take_over(old);
        self.screens.mappings.marks.forget_unknown(&shared.book);
        self.screens.mappings.arrange(&shared.book);
        (shared.trouble, shared.files) = (None, Files::Read);
        (shared.files_broken, self.told_of_change) = (false, false);
        shared.timers.looked(shared.now.at);
        shared.timers.opened(&facts.config, shared.now.at);
        shared.facts = Some(facts);
        self.screens.verify.lost();
        if self.screens.front() == Screen::Tables {
            self.screens.tables.ask(shared);
        }
        self.screens.data.lost();
        shared.ask(Ask::Watch);
        shared.measure_all();
        if let Some(start) = self.start.take() {
            self.start_with(start);
        }
        self.schedule.follow(&mut self.shared);
    }

    fn not_opened(&mut self, trouble: Trouble) {
        let shared = &mut self.shared;
        shared.dirty = true;
        if self.screens.front() == Screen::Mappings {
            shared.notice = None;
        } else {
            shared.complain(trouble.sentence.clone());
        }
        (shared.facts, shared.news) = (None, None);
        (shared.trouble, shared.files) = (Some(trouble), Files::Read);
        (shared.files_broken, self.told_of_change) = (false, false);
        shared.timers.looked(shared.now.at);
        // The schedule is followed even if the configuration can be read only later.
        if self.start.take_if(|start| *start != Start::Schedule).is_some() {
            shared.complain("the run that the command line asked for was not started");
        }
    }

    fn start_with(&mut self, start: Start) {
        let shared = &mut self.shared;
        match start {
            Start::Sync(order) => {
                shared.runs.tell_of_next();
                shared.send_run(Command::Sync(order));
            }
            Start::Backfill { ask, restart } => {
                shared.runs.tell_of_next();
                self.screens.backfill.start_with(ask, restart, shared);
                self.screens.show(Screen::Backfill);
            }
            Start::Preview(ask) => {
                self.screens.backfill.preview(ask, shared);
                self.screens.show(Screen::Backfill);
            }
            Start::Schedule => self.schedule.makes_up = true,
        }
    }
}

/// Tells if letters are plain text there.
const fn takes_text(scope: Scope) -> bool {
    matches!(scope, Scope::Typing | Scope::Form | Scope::Command | Scope::Palette)
}
