//! What the console is opened with, and how it is left.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use crate::domain::config::{Colour, Config, Context, Problem};
use crate::domain::estate::Proposal;
use crate::engine::{BackfillAsk, Handle, SyncOrder};
use crate::logging::LogRing;
use crate::statements::Statements;

/// What the console shows of the connections.
#[derive(Debug, Clone)]
pub struct Facts {
    pub config: Arc<Config>,
    /// `db.example.com:3306/shop`.
    pub mysql: String,
    pub emulator: bool,
    /// What was sent to BigQuery of late.
    pub statements: Arc<Statements>,
}

/// A started engine with what is known of it.
#[derive(Debug)]
pub struct Session {
    pub handle: Handle,
    pub facts: Facts,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub sentence: String,
    /// One for each thing that is wrong with a file.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

/// Which files the console works with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Which {
    #[default]
    AsStarted,
    /// By its name in the user's contexts file.
    Context(String),
}

/// The configurations that the console can be switched to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contexts {
    /// Where they are written.
    pub file: String,
    /// In the order of the file.
    pub known: Vec<Context>,
    /// The one that is open.
    pub present: Option<String>,
    /// Why they cannot be read.
    pub problem: Option<String>,
}

impl Contexts {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Context> {
        self.known.iter().find(|context| context.name == name)
    }

    #[must_use]
    pub fn colour(&self) -> Option<Colour> {
        self.get(self.present.as_deref()?)?.colour
    }
}

/// What came of opening.
#[derive(Debug)]
pub struct Opening {
    pub contexts: Contexts,
    pub session: Result<Session, Trouble>,
}

/// Reads the files and starts an engine; asked again whenever the operator wants it.
pub type Opener = Box<dyn Fn(Which) -> Pin<Box<dyn Future<Output = Opening> + Send>> + Send>;

/// Reads which configurations there are; the one that is open is given.
pub type ContextsReader = Arc<dyn Fn(&Which) -> Contexts + Send + Sync>;

/// What came of adding mappings to the file of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// So many are in it.
    Mappings(usize),
    /// Nothing is written: the file has changed since they were proposed, in these words.
    Meanwhile(String),
}

/// Adds mappings to the file of a configuration, or says why it cannot.
pub type Appender = Arc<dyn Fn(&[Proposal], &Which) -> Result<Added, String> + Send + Sync>;

/// What a look at the files of the open configuration has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesSeen {
    /// What is known already.
    Nothing,
    /// Something else, and it is sound where something works that it would take the place of.
    Changed,
    /// What cannot be used, and why, a line each: what works stays.
    Broken(Vec<String>),
    /// After something that could not be used again what works.
    Mended,
}

/// Looks at the files of the open configuration.
pub type Watcher = Arc<dyn Fn() -> FilesSeen + Send + Sync>;

/// What the command line asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    Sync(SyncOrder),
    Backfill {
        ask: BackfillAsk,
        restart: bool,
    },
    Preview(BackfillAsk),
    /// Follow the schedule as `bqsync schedule` does: what was missed is made up.
    Schedule,
}

/// How the console is opened.
#[expect(missing_debug_implementations, reason = "the opener is a function")]
pub struct Settings {
    pub opener: Opener,
    pub watcher: Watcher,
    pub contexts: ContextsReader,
    pub appender: Appender,
    pub start: Option<Start>,
    pub read_only: bool,
    pub ring: Arc<LogRing>,
    /// Where the console remembers what its operator likes; `None`: nowhere.
    pub memory: Option<PathBuf>,
}

/// How it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    pub interrupted: bool,
    /// Of what the command line asked for.
    pub failed: bool,
    pub waiting: bool,
}
