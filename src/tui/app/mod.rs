//! The console's state, and the one function that changes it: a message in, effects out.
//!
//! No await, no clock, no environment here: what `update` needs of them comes with the message.

mod actions;
mod deletes;
mod dialog;
mod events;
mod runs;
mod schedule;
#[cfg(test)]
mod tests;
mod timers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ratatui::crossterm::event::KeyEvent;

use self::deletes::Look;
pub use self::dialog::{Choice, Dialog, Intent};
pub use self::runs::Runs;
use self::timers::Timers;
use super::keys::{Action, Key, Scope};
use super::model::{Book, Now};
use super::screens::{Backfill, Check, History, Logs, Mappings, Report, RunScreen, Schema};
use super::{Facts, Left, Start, Trouble};
use crate::domain::ids::MappingName;
use crate::engine::{Command, Event, Progress};
use crate::logging::LogRing;

/// What comes in.
#[derive(Debug)]
pub enum Msg {
    Key(KeyEvent),
    Paste(String),
    Resized(u16, u16),
    Engine(Event),
    /// The engine's task is gone, which it never should be.
    EngineEnded,
    Progress(Progress),
    /// A timer of [`App::next_wake`] is due.
    Tick,
    LogWritten,
    Opened(Result<Facts, Trouble>),
    /// SIGINT, SIGTERM.
    Terminate,
    /// SIGHUP, or the terminal does not answer any more.
    TerminalLost,
    /// Back from the shell.
    Continued,
}

/// What goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Send(Command),
    /// Into the clipboard of the operator's own terminal.
    Copy(String),
    /// Read the files and connect anew.
    Reopen,
    Suspend,
    Redraw,
    Leave,
}

/// The screens; what each remembers stays when it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Mappings,
    Run,
    Schema,
    Backfill,
    History,
    Report,
    Logs,
    Check,
}

/// A sentence above the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub bad: bool,
    /// `None`: until the next key.
    pub until: Option<Instant>,
}

/// Long enough to read a sentence.
const NOTICE_STAYS: Duration = Duration::from_secs(8);

/// Leaving has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// What ran was stopped for it.
    pub interrupted: bool,
}

/// Everything the console knows and shows.
#[derive(Debug)]
pub struct App {
    pub facts: Option<Facts>,
    /// Why there is no engine.
    pub trouble: Option<Trouble>,
    pub read_only: bool,
    pub now: Now,
    pub size: (u16, u16),
    pub book: Book,
    pub runs: Runs,
    /// Never empty; the last one is shown.
    screens: Vec<Screen>,
    pub help: Option<u16>,
    pub dialog: Option<Dialog>,
    pub notice: Option<Notice>,
    pub mappings: Mappings,
    pub run: RunScreen,
    pub schema: Schema,
    pub backfill: Backfill,
    pub history: History,
    pub report: Report,
    pub logs: Logs,
    pub check: Check,
    pub leaving: Option<Leaving>,
    /// Something that is seen has changed.
    pub dirty: bool,
    start: Option<Start>,
    /// Runs that were missed are made up.
    makes_up: bool,
    next_run: Option<DateTime<Utc>>,
    timers: Timers,
    look: Look,
}

impl App {
    #[must_use]
    pub fn new(start: Option<Start>, read_only: bool, ring: Arc<LogRing>, now: Now) -> Self {
        Self {
            facts: None,
            trouble: None,
            read_only,
            now,
            size: (80, 24),
            book: Book::default(),
            runs: Runs::default(),
            screens: vec![Screen::Mappings],
            help: None,
            dialog: None,
            notice: None,
            mappings: Mappings::default(),
            run: RunScreen::default(),
            schema: Schema::default(),
            backfill: Backfill::default(),
            history: History::default(),
            report: Report::default(),
            logs: Logs::new(ring),
            check: Check::default(),
            leaving: None,
            dirty: true,
            start,
            makes_up: false,
            next_run: None,
            timers: Timers::default(),
            look: Look::default(),
        }
    }

    /// The one way in.
    pub fn update(&mut self, msg: Msg, now: Now) -> Vec<Effect> {
        self.now = now;
        let mut effects = Vec::new();
        match msg {
            Msg::Key(event) => self.key(&event, &mut effects),
            Msg::Paste(text) => self.paste(&text),
            Msg::Resized(width, height) => {
                self.size = (width, height);
                self.dirty = true;
            }
            Msg::Engine(event) => self.engine_said(event, &mut effects),
            Msg::EngineEnded => self.engine_ended(),
            Msg::Progress(progress) => {
                self.book.progressed(&progress);
                self.dirty = true;
            }
            Msg::Tick => self.tick(&mut effects),
            Msg::LogWritten => self.dirty |= matches!(self.screen(), Screen::Logs | Screen::Run),
            Msg::Opened(opened) => self.opened(opened, &mut effects),
            Msg::Terminate => self.terminate(&mut effects),
            Msg::TerminalLost => self.interrupt_and_leave(&mut effects),
            Msg::Continued => {
                self.dirty = true;
                effects.push(Effect::Redraw);
            }
        }
        if self.leaving.is_some() && !self.busy() {
            effects.push(Effect::Leave);
        }
        effects
    }

    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screens.last().copied().unwrap_or(Screen::Mappings)
    }

    /// Who gets the keys.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if self.dialog.is_some() {
            return Scope::Dialog;
        }
        if self.help.is_some() {
            return Scope::Help;
        }
        match self.screen() {
            Screen::Mappings if self.mappings.typing => Scope::Typing,
            Screen::Logs if self.logs.typing => Scope::Typing,
            Screen::Backfill if self.backfill.types() => Scope::Form,
            Screen::Mappings => Scope::Mappings,
            Screen::Run => Scope::Run,
            Screen::Schema => Scope::Schema,
            Screen::Backfill => Scope::Backfill,
            Screen::History => Scope::History,
            Screen::Report => Scope::Report,
            Screen::Logs => Scope::Logs,
            Screen::Check => Scope::Check,
        }
    }

    /// The mapping that the keys are about.
    #[must_use]
    pub fn subject(&self) -> Option<&MappingName> {
        match self.screen() {
            Screen::Run => self.run.mapping.as_ref(),
            Screen::Schema => self.schema.mapping.as_ref(),
            Screen::Backfill => self.backfill.mapping.as_ref(),
            Screen::Mappings => self.mappings.selected(&self.book),
            Screen::Check => self.check.about.as_ref(),
            Screen::History | Screen::Report | Screen::Logs => None,
        }
    }

    /// Is something on its way that leaving would stop?
    #[must_use]
    pub fn busy(&self) -> bool {
        self.runs.busy() || self.schema.deciding()
    }

    /// What the process should tell whoever started it.
    #[must_use]
    pub fn left(&self) -> Left {
        let mut left = self.runs.told();
        left.interrupted = self.leaving.is_some_and(|leaving| leaving.interrupted);
        left
    }

    pub(super) fn show(&mut self, screen: Screen) {
        // A screen that was on the way is returned to, not stacked a second time.
        if let Some(place) = self.screens.iter().position(|open| *open == screen) {
            self.screens.truncate(place);
        }
        self.screens.push(screen);
    }

    pub(super) fn go_back(&mut self) {
        if self.screens.len() > 1 {
            self.screens.pop();
        }
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: false, until: Some(self.now.at + NOTICE_STAYS) });
        self.dirty = true;
    }

    /// Something went wrong: it stays until a key says that it was read.
    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: true, until: None });
        self.dirty = true;
    }

    fn key(&mut self, event: &KeyEvent, effects: &mut Vec<Effect>) {
        let Some(key) = Key::pressed(event) else { return };
        self.dirty = true;
        if self.notice.as_ref().is_some_and(|notice| notice.until.is_none()) {
            self.notice = None;
        }
        let scope = self.scope();
        if let (Scope::Dialog, Some(letter)) = (scope, key.letter())
            && let Some(intent) = self.dialog.as_ref().and_then(|dialog| dialog.by_letter(letter))
        {
            self.dialog = None;
            self.carry_out(intent, effects);
            return;
        }
        match super::keys::action(scope, key, self.read_only) {
            Some(Action::Interrupt) => self.interrupt(effects),
            Some(Action::Suspend) => effects.push(Effect::Suspend),
            Some(Action::Redraw) => effects.push(Effect::Redraw),
            Some(action) => self.act(scope, action, effects),
            None => self.type_in(scope, event),
        }
    }

    fn paste(&mut self, text: &str) {
        // Only a field takes what is pasted: elsewhere its letters would be commands.
        for c in text.chars().filter(|c| !c.is_control()) {
            let event = KeyEvent::from(ratatui::crossterm::event::KeyCode::Char(c));
            self.type_in(self.scope(), &event);
        }
        self.dirty = true;
    }

    fn type_in(&mut self, scope: Scope, event: &KeyEvent) {
        match (scope, self.screen()) {
            (Scope::Typing, Screen::Logs) => self.logs.type_in(event),
            (Scope::Typing, _) => self.mappings.type_in(event, &self.book, self.now),
            (Scope::Form, _) => self.backfill.type_in(event),
            _ => {}
        }
    }

    fn opened(&mut self, opened: Result<Facts, Trouble>, effects: &mut Vec<Effect>) {
        self.dirty = true;
        match opened {
            Ok(facts) => {
                let old = std::mem::replace(&mut self.book, Book::new(&facts.config));
                self.book.take_over(old);
                self.mappings.arrange(&self.book, self.now);
                self.trouble = None;
                self.timers.opened(&facts.config, self.now.at);
                self.facts = Some(facts);
                effects.push(Effect::Send(Command::Watch));
                effects.push(Effect::Send(Command::Measure(crate::engine::Selection::All)));
                self.timers.measuring = true;
                if let Some(start) = self.start.take() {
                    self.start_with(start, effects);
                }
                self.next_run = None;
                self.follow_schedule(effects);
            }
            Err(trouble) => {
                self.facts = None;
                self.trouble = Some(trouble);
                // The schedule is followed once the configuration can be read.
                if self.start.take_if(|start| *start != Start::Schedule).is_some() {
                    self.complain("what was asked for on the command line was not started");
                }
            }
        }
    }

    fn start_with(&mut self, start: Start, effects: &mut Vec<Effect>) {
        match start {
            Start::Sync(order) => {
                self.runs.tell_of_next();
                self.send_run(Command::Sync(order), effects);
            }
            Start::Backfill { ask, restart } => {
                self.runs.tell_of_next();
                self.backfill.open_with(&ask);
                self.show(Screen::Backfill);
                self.backfill.started(&ask);
                self.send_run(Command::Backfill { ask, restart, shard: None }, effects);
            }
            Start::Preview(ask) => {
                self.backfill.open_with(&ask);
                self.show(Screen::Backfill);
                self.backfill.asked(&ask);
                effects.push(Effect::Send(Command::PreviewBackfill(ask)));
            }
            Start::Schedule => self.makes_up = true,
        }
    }

    /// A command that begins a run: leaving waits for it from here on.
    pub(super) fn send_run(&mut self, command: Command, effects: &mut Vec<Effect>) {
        self.runs.asked();
        effects.push(Effect::Send(command));
    }
}
