//! What all screens share: the known state, and the ways to speak to the operator and to the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ask::Ask;
use super::dialog::Dialog;
use super::errand::Errand;
use super::model::{Book, Now};
use super::preferences::Preferences;
use super::runs::Runs;
use super::session::{Contexts, Facts, Trouble, Which};
use super::timers::Timers;
use crate::domain::config::{Mapping, NotMoved};
use crate::domain::estate::Proposal;
use crate::domain::ids::MappingName;
use crate::engine::{Command, Measure, Selection, SyncOrder};
use crate::logging::LogRing;

/// An effect that the loop carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Send(Command),
    Ask(Ask),
    /// Copy a text to the clipboard of the operator's terminal.
    Copy(String),
    /// Remember the preferences for the next session.
    Keep(Preferences),
    /// Add mappings to the configuration's file.
    Append(Vec<Proposal>),
    /// Look if one of the files has changed.
    LookAtFiles,
    /// Read the list of configurations; then switch to the named one, or ask which one.
    ReadContexts(Option<String>),
    /// Read the files again and connect anew.
    Reopen,
    /// The same, with other files.
    Switch(Which),
    /// Give the terminal to a command until it has ended.
    Run(Errand),
    Suspend,
    Redraw,
    Leave,
}

/// A sentence above the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub bad: bool,
    /// When it disappears; `None`: with the next key.
    pub until: Option<Instant>,
}

/// The message for a key that needs a mapping when there is none.
pub const NO_MAPPING: &str = "there is no mapping under the cursor";
/// How long a notice stays: long enough to read a sentence.
const NOTICE_STAYS: Duration = Duration::from_secs(8);

/// The operator is leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// Running work was stopped for this.
    pub interrupted: bool,
}

/// The configuration's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    Read,
    /// They are being read; until then there is no engine.
    Reading,
    /// They will be read once nothing runs any more.
    ToRead,
}

#[derive(Debug)]
pub struct Shared {
    pub facts: Option<Facts>,
    pub contexts: Contexts,
    /// The configuration whose files are open.
    pub which: Which,
    /// Why there is no engine.
    pub trouble: Option<Trouble>,
    pub files: Files,
    /// The message for after the files were read.
    pub news: Option<String>,
    /// The files have changed since, and cannot be used now.
    pub files_broken: bool,
    pub read_only: bool,
    pub now: Now,
    pub size: (u16, u16),
    pub book: Book,
    pub runs: Runs,
    pub timers: Timers,
    pub ring: Arc<LogRing>,
    pub dialog: Option<Dialog>,
    pub notice: Option<Notice>,
    pub leaving: Option<Leaving>,
    /// Something visible has changed.
    pub dirty: bool,
    /// The effects to carry out after the message.
    pub effects: Vec<Effect>,
}

impl Shared {
    /// What the configuration names but no run can move.
    #[must_use]
    pub fn not_moved(&self) -> &[NotMoved] {
        self.facts.as_ref().map_or(&[], |facts| &facts.config.not_moved)
    }

    #[must_use]
    pub fn new(read_only: bool, ring: Arc<LogRing>, now: Now) -> Self {
        Self {
            facts: None,
            contexts: Contexts::default(),
            which: Which::AsStarted,
            trouble: None,
            files: Files::Reading,
            news: None,
            files_broken: false,
            read_only,
            now,
            size: (80, 24),
            book: Book::default(),
            runs: Runs::default(),
            timers: Timers::default(),
            ring,
            dialog: None,
            notice: None,
            leaving: None,
            dirty: true,
            effects: Vec::new(),
        }
    }

    /// Tells if there is an engine.
    #[must_use]
    pub const fn has_engine(&self) -> bool {
        self.facts.is_some() && !matches!(self.files, Files::Reading)
    }

    /// If there is no engine, says why and gives `true`.
    pub fn lacks_engine(&mut self) -> bool {
        if self.has_engine() {
            return false;
        }
        self.say(if self.files == Files::Reading {
            "the configuration is being read: try again in a moment"
        } else {
            "nothing can be asked or started without a configuration; u reads the files again"
        });
        true
    }

    /// The number of lines of a page.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.size.1.saturating_sub(8).max(1))
    }

    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: false, until: Some(self.now.at + NOTICE_STAYS) });
        self.dirty = true;
    }

    /// A remark about the key; it disappears with the next one.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: false, until: None });
        self.dirty = true;
    }

    /// A complaint: it stays until a key confirms that it was read.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: true, until: None });
        self.dirty = true;
    }

    pub fn send(&mut self, command: Command) {
        self.effects.push(Effect::Send(command));
    }

    /// Sends a command for each mapping.
    pub fn send_each(&mut self, names: Vec<MappingName>, command: fn(MappingName) -> Command) {
        self.effects.extend(names.into_iter().map(|name| Effect::Send(command(name))));
    }

    pub fn ask(&mut self, ask: Ask) {
        self.effects.push(Effect::Ask(ask));
    }

    /// Asks for the standing of all mappings in MySQL, with scans if needed, because the operator wants it.
    pub fn measure_all(&mut self) {
        self.measure(false);
    }

    /// The same; with `by_index_only` cheap enough to repeat.
    pub fn measure(&mut self, by_index_only: bool) {
        self.timers.measures(self.now.at);
        self.ask(Ask::Measure(Measure { selection: Selection::All, by_index_only }));
    }

    /// Sends a command that begins a run; leaving waits for the run from here on.
    pub fn send_run(&mut self, command: Command) {
        self.runs.asked();
        self.send(command);
    }

    pub fn sync(&mut self, names: Vec<MappingName>) {
        self.send_run(Command::Sync(SyncOrder::manual(Selection::Named(names))));
    }

    /// The state has just changed, so it is read at once.
    pub fn watch_now(&mut self) {
        if !self.timers.watching {
            self.timers.watching = true;
            self.ask(Ask::Watch);
        }
    }

    /// Tells if there is an engine, and the mapping is in its configuration.
    #[must_use]
    pub fn can_ask_about(&self, mapping: Option<&MappingName>) -> bool {
        self.has_engine() && mapping.is_some_and(|name| self.book.get(name).is_some())
    }

    /// Tells if nobody works on the mapping; if somebody does, says so.
    pub fn is_free(&mut self, name: &MappingName) -> bool {
        let Some(row) = self.book.get(name) else { return false };
        if row.live.is_some() {
            self.say(format!("{name} is running already"));
            return false;
        }
        if let Some(holder) = row.status.as_ref().and_then(|status| status.held_by.clone()) {
            self.say(format!("{name} is being synced on {}, process {}", holder.host, holder.pid));
            return false;
        }
        true
    }

    #[must_use]
    pub fn configured(&self, name: &MappingName) -> Option<&Mapping> {
        self.facts.as_ref()?.config.mappings.iter().find(|mapping| mapping.name == *name)
    }
}
