//! What the console is opened with, and how the operator leaves it.

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

/// The connections as the console shows them.
#[derive(Debug, Clone)]
pub struct Facts {
    pub config: Arc<Config>,
    /// Server and database: `db.example.com:3306/shop`.
    pub mysql: String,
    pub emulator: bool,
    /// The statements that were recently sent to BigQuery.
    pub statements: Arc<Statements>,
}

/// A started engine with its configuration.
#[derive(Debug)]
pub struct Session {
    pub handle: Handle,
    pub facts: Facts,
}

/// Why there is no engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub sentence: String,
    /// The problems in the files, one by one.
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
    /// A context, by its name in the user's contexts file.
    Context(String),
}

/// The configurations that the console can be switched to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contexts {
    /// The path of the contexts file.
    pub file: String,
    /// The contexts, in the order of the file.
    pub known: Vec<Context>,
    /// The one that is open.
    pub present: Option<String>,
    /// Why the contexts cannot be read.
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

/// The result of opening.
#[derive(Debug)]
pub struct Opening {
    pub contexts: Contexts,
    pub session: Result<Session, Trouble>,
}

/// Reads the files and starts an engine; called again whenever the operator asks for it.
pub type Opener = Box<dyn Fn(Which) -> Pin<Box<dyn Future<Output = Opening> + Send>> + Send>;

/// Reads the list of configurations; the argument is the open one.
pub type ContextsReader = Arc<dyn Fn(&Which) -> Contexts + Send + Sync>;

/// The result of adding mappings to the file of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// The number of mappings that were added.
    Mappings(usize),
    /// Nothing was written, because the file has changed since the mappings were proposed; the reason in words.
    Meanwhile(String),
}

/// Adds mappings to the file of a configuration, or says why it cannot.
pub type Appender = Arc<dyn Fn(&[Proposal], &Which) -> Result<Added, String> + Send + Sync>;

/// The result of a look at the files of the open configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesSeen {
    /// Nothing has changed.
    Nothing,
    /// The files have changed. If an engine works, the new configuration was found valid to replace it.
    Changed,
    /// The files cannot be used, with the reasons, one per line; the present engine stays.
    Broken(Vec<String>),
    /// The files were broken, and again hold what the present engine uses.
    Mended,
}

/// Looks at the files of the open configuration.
pub type Watcher = Arc<dyn Fn() -> FilesSeen + Send + Sync>;

/// The order from the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    Sync(SyncOrder),
    Backfill {
        ask: BackfillAsk,
        restart: bool,
    },
    Preview(BackfillAsk),
    /// Follow the schedule as `bqsync schedule` does: missed runs are made up.
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
    /// The file for the operator's preferences; `None`: they are not remembered.
    pub memory: Option<PathBuf>,
}

/// How the operator left the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    pub interrupted: bool,
    /// The run that the command line ordered has failed.
    pub failed: bool,
    pub waiting: bool,
}
