//! The operator console: it shows the operator the engine's work, and sends the operator's commands.
//!
//! One loop owns the state. It waits for one thing at a time (a key, an event, a timer), lets `update` decide, carries
//! out the effects, and draws when something has changed and the pace allows it.

mod app;
mod ask;
mod away;
mod command;
mod deletes;
#[cfg(test)]
mod desk;
mod dialog;
mod errand;
mod filter;
mod help;
mod input;
mod keys;
mod links;
mod log_lines;
mod lost;
mod memory;
mod model;
mod naming;
mod own;
mod pacer;
mod palette;
mod panes;
mod preferences;
mod runs;
mod schedule;
mod screen;
mod screens;
mod scroll;
mod session;
mod shared;
mod shrink;
mod signals;
mod terminal;
mod text;
mod theme;
mod timers;
mod view;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use ratatui::crossterm::event::Event as TerminalEvent;
use tokio::sync::{mpsc, watch};

use self::app::{App, Drawn, Msg};
use self::ask::Answer;
use self::away::Away;
use self::errand::Errand;
use self::input::Input;
use self::memory::Memory;
use self::model::Now;
use self::pacer::Pacer;
use self::shared::Effect;
use self::signals::Signals;
use self::terminal::Screen;
use self::theme::Theme;
use crate::engine::{Event, Handle, Progress};
use crate::failpoint::reached;
use crate::logging::LogRing;

pub use self::own::is_taken;
pub use self::session::{
    Added, Appender, Contexts, ContextsReader, Facts, FilesSeen, Left, Opener, Opening, Session, Settings, Start,
    Trouble, Watcher, Which,
};
pub use self::terminal::{hook_panics, unsaid_panics};

/// Runs the console until the operator leaves.
///
/// # Errors
/// If the terminal cannot be taken over, or is lost.
pub async fn run(settings: Settings) -> io::Result<Left> {
    let theme = Theme::detect(|name| std::env::var(name).ok());
    let screen = Screen::take()?;
    let input = input::start();
    let (memory, kept) = Memory::open(settings.memory);
    let mut app = App::new(settings.start, settings.read_only, Arc::clone(&settings.ring), now());
    app.restore(kept);
    let mut console = Console {
        app,
        memory,
        screen,
        theme,
        pacer: Pacer::new(Instant::now()),
        opener: settings.opener,
        watcher: settings.watcher,
        contexts: settings.contexts,
        appender: settings.appender,
        which: Which::AsStarted,
        opening: None,
        away: None,
        engine: None,
        answers: mpsc::unbounded_channel(),
        progress: None,
        by_key: true,
        blind: false,
    };
    let left = match input {
        Ok(input) => console.run(input, &settings.ring).await,
        Err(error) => Err(error),
    };
    terminal::give_back();
    if console.away.take().is_some() {
        // A command had the terminal.
        terminal::give_modes_back();
    }
    console.memory.settle();
    left
}

/// How often a terminal that reports no size is asked again.
const SIZELESS: Duration = Duration::from_millis(500);

fn now() -> Now {
    Now { at: Instant::now(), utc: Utc::now() }
}

type Pending = tokio::task::JoinHandle<Opening>;

struct Console {
    app: App,
    memory: Memory,
    screen: Screen,
    theme: Theme,
    pacer: Pacer,
    opener: Opener,
    watcher: Watcher,
    contexts: ContextsReader,
    appender: Appender,
    which: Which,
    opening: Option<Pending>,
    /// The command that has the terminal.
    away: Option<Away>,
    engine: Option<Handle>,
    /// The channel for the engine's answers.
    answers: (mpsc::UnboundedSender<Answer>, mpsc::UnboundedReceiver<Answer>),
    progress: Option<watch::Receiver<Progress>>,
    /// A key caused the change that is to be drawn.
    by_key: bool,
    /// The terminal is lost: nothing is drawn any more.
    blind: bool,
}

impl Console {
    async fn run(&mut self, mut input: mpsc::UnboundedReceiver<Input>, ring: &LogRing) -> io::Result<Left> {
        // Signals are listened for first, so that a size that changes after it was read is reported.
        let mut signals = Signals::listen();
        let size = ratatui::crossterm::terminal::size()?;
        self.app.update(Msg::Resized(size.0, size.1), now());
        self.opening = Some(tokio::spawn((self.opener)(self.which.clone())));
        loop {
            let next = self.draw();
            let msg = self.next(&mut input, &mut signals, ring, next).await;
            let Some(msg) = msg.filter(|msg| self.away.is_none() || !away::is_the_commands(msg)) else { continue };
            self.by_key |= matches!(msg, Msg::Key(_) | Msg::Paste(_) | Msg::Resized(..) | Msg::Continued);
            if matches!(msg, Msg::Key(_)) {
                reached("key_pressed");
            }
            if matches!(msg, Msg::TerminalLost) {
                self.blind = true;
            }
            if self.update(msg) {
                return Ok(self.app.left());
            }
        }
    }

    /// Draws if something has changed and the pace allows it; otherwise gives the time at which it may.
    fn draw(&mut self) -> Option<Instant> {
        if !self.app.shared.dirty || self.blind || self.away.is_some() || !terminal::is_idle() {
            return None;
        }
        if let Err(then) = self.pacer.ask(Instant::now(), self.by_key) {
            return Some(then);
        }
        tui_logger::move_events();
        (self.app.shared.dirty, self.by_key) = (false, false);
        let (app, theme, mut drawn) = (&self.app, self.theme, Drawn::default());
        self.blind = self.screen.draw(|frame| drawn = view::draw(frame, app, theme)).is_err();
        if let Some(link) = &drawn.link {
            terminal::write_link(link);
        }
        self.app.drawn(&drawn);
        None
    }

    /// Waits for the next message; `None`: only the time to draw has come.
    async fn next(
        &mut self,
        input: &mut mpsc::UnboundedReceiver<Input>,
        signals: &mut Signals,
        ring: &LogRing,
        draw_at: Option<Instant>,
    ) -> Option<Msg> {
        let waits_to_draw = self.app.shared.dirty;
        let shows_logs = !waits_to_draw;
        tokio::select! {
            biased;
            msg = signals.next() => Some(msg),
            // After the terminal's end there is nothing to read.
            said = input.recv(), if !self.blind => match said {
                Some(Input::Event(TerminalEvent::Key(key))) => Some(Msg::Key(key)),
                Some(Input::Event(TerminalEvent::Paste(text))) => Some(Msg::Paste(text)),
                Some(Input::Event(TerminalEvent::Resize(width, height))) => Some(Msg::Resized(width, height)),
                Some(Input::Event(_)) => None,
                Some(Input::Lost) | None => Some(Msg::TerminalLost),
            },
            opened = opened(&mut self.opening) => Some(self.opened(opened)),
            (name, ended) = away::ended(&mut self.away) => Some(self.returned(name, ended)),
            event = next_event(&mut self.engine) => Some(event.map_or_else(
                || {
                    self.engine = None;
                    Msg::EngineEnded
                },
                Msg::Engine,
            )),
            Some(answer) = self.answers.1.recv() => Some(Msg::Answer(answer)),
            () = terminal::idle(), if waits_to_draw && !terminal::is_idle() => None,
            () = until(draw_at), if draw_at.is_some() => None,
            // Progress that would not be drawn yet is not read.
            progress = changed(&mut self.progress), if !waits_to_draw => progress.map(Msg::Progress),
            () = ring.written(), if shows_logs => Some(Msg::LogWritten),
            () = until(self.app.next_wake()) => Some(Msg::Tick),
            () = tokio::time::sleep(SIZELESS), if self.is_sizeless() => {
                let size = ratatui::crossterm::terminal::size().ok().filter(|size| *size != self.app.shared.size);
                size.map(|(width, height)| Msg::Resized(width, height))
            }
        }
    }

    /// Tells if the terminal reports no size: some learn it only after the program has begun, and not all of them send
    /// a signal.
    fn is_sizeless(&self) -> bool {
        let (width, height) = self.app.shared.size;
        !self.blind && (width == 0 || height == 0)
    }

    /// Handles a message; `true` when the operator leaves the console.
    fn update(&mut self, msg: Msg) -> bool {
        let effects = self.app.update(msg, now());
        for effect in effects {
            match effect {
                Effect::Send(command) => {
                    if let Some(engine) = &self.engine {
                        engine.send(command);
                    }
                }
                Effect::Ask(ask) => {
                    if let Some(engine) = &self.engine {
                        ask.of(engine, &self.answers.0);
                    }
                }
                Effect::Copy(text) => terminal::copy(&text),
                Effect::Append(proposals) => {
                    let (append, which) = (Arc::clone(&self.appender), self.which.clone());
                    self.off_thread(move || Answer::Appended(append(&proposals, &which)));
                }
                Effect::LookAtFiles => {
                    let look = Arc::clone(&self.watcher);
                    self.off_thread(move || Answer::FilesSeen(look()));
                }
                Effect::ReadContexts(wanted) => {
                    let (read, which) = (Arc::clone(&self.contexts), self.which.clone());
                    self.off_thread(move || Answer::ContextsRead { contexts: read(&which), wanted });
                }
                Effect::Keep(preferences) => self.memory.keep(preferences),
                Effect::Reopen => {
                    if self.opening.is_none() {
                        self.reopen();
                    }
                }
                Effect::Switch(which) => {
                    self.which = which;
                    self.reopen();
                }
                Effect::Suspend => {
                    match self.screen.suspend() {
                        Ok(true) => {}
                        Ok(false) => self
                            .app
                            .shared
                            .say("the console was not suspended: there is no shell that could continue it"),
                        Err(_) => self.blind = true,
                    }
                    self.app.shared.dirty = true;
                }
                Effect::Run(errand) => self.lend(errand),
                Effect::Redraw => {
                    self.blind |= self.screen.take_again().is_err();
                    self.app.shared.dirty = true;
                }
                Effect::Leave => return true,
            }
        }
        false
    }

    /// Runs blocking work; its answer comes in the same way as the engine's.
    fn off_thread(&self, work: impl FnOnce() -> Answer + Send + 'static) {
        let answers = self.answers.0.clone();
        tokio::task::spawn_blocking(move || {
            // The console may be gone.
            let _ = answers.send(work());
        });
    }

    /// Gives the terminal to a command until the command has ended.
    fn lend(&mut self, errand: Errand) {
        let name = errand.name.clone();
        let held = input::hold();
        terminal::give_back();
        match Away::begin(errand, held) {
            Ok(away) => self.away = Some(away),
            Err(error) => {
                self.blind |= self.screen.take_again().is_err();
                self.app.shared.complain(format!("{name} could not be started: {error}"));
            }
        }
    }

    /// Takes the terminal back.
    fn returned(&mut self, name: String, ended: Option<i32>) -> Msg {
        self.away = None;
        self.blind |= self.screen.take_again().is_err();
        Msg::Returned { name, ended }
    }

    fn reopen(&mut self) {
        (self.engine, self.progress) = (None, None);
        // Answers of the former engine are dropped.
        self.answers = mpsc::unbounded_channel();
        self.opening = Some(tokio::spawn((self.opener)(self.which.clone())));
    }

    fn opened(&mut self, opened: Result<Opening, tokio::task::JoinError>) -> Msg {
        self.opening = None;
        let session = opened.map(|Opening { contexts, session }| {
            self.app.update(Msg::Contexts(contexts), now());
            session
        });
        Msg::Opened(match session {
            Ok(Ok(Session { handle, facts })) => {
                self.progress = Some(handle.progress());
                self.engine = Some(handle);
                Ok(facts)
            }
            Ok(Err(trouble)) => Err(trouble),
            Err(error) => Err(Trouble { sentence: format!("bqsync itself failed: {error}"), problems: Vec::new() }),
        })
    }
}

async fn opened(opening: &mut Option<Pending>) -> Result<Opening, tokio::task::JoinError> {
    match opening {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

async fn next_event(engine: &mut Option<Handle>) -> Option<Event> {
    match engine {
        Some(engine) => engine.next_event().await,
        None => std::future::pending().await,
    }
}

async fn changed(progress: &mut Option<watch::Receiver<Progress>>) -> Option<Progress> {
    match progress {
        Some(progress) => match progress.changed().await {
            Ok(()) => Some(progress.borrow_and_update().clone()),
            // The engine's end is noticed as the end of its events.
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
