//! The files that the console works with: those that it was started with, or a context's; and how they are read.

use std::path::{Path, PathBuf};

use bigquery_syncer::domain::config::{Config, Context, OwnCommand, Problem};
use bigquery_syncer::domain::excerpt::of_error;
use bigquery_syncer::tui::{self, Contexts, Which};

use crate::contexts;
use crate::environment::{self, Environment};
use crate::refusal::Refusal;
use crate::watched_files;
use crate::wiring;

/// How the console was started.
pub struct Began {
    pub named: Option<PathBuf>,
    pub directory: Option<PathBuf>,
}

/// The files to read, and the directory of relative paths in them.
#[derive(Clone)]
pub struct Place {
    pub config: Option<PathBuf>,
    directory: Option<PathBuf>,
    pub context: Option<Context>,
}

impl Began {
    /// The present contexts.
    pub fn contexts(&self, which: &Which) -> Contexts {
        match which {
            Which::AsStarted => contexts::known(&wiring::config_path(self.named.as_deref())),
            Which::Context(name) => Contexts { present: Some(name.clone()), ..contexts::known(Path::new("")) },
        }
    }

    /// The present contexts, and the files of the wanted one.
    pub fn find(&self, which: &Which) -> (Contexts, Result<Place, Refusal>) {
        match which {
            Which::AsStarted => {
                let place = Place { config: self.named.clone(), directory: self.directory.clone(), context: None };
                let moved = place.enter();
                (self.contexts(which), moved.map(|()| place))
            }
            Which::Context(name) => {
                let contexts = self.contexts(which);
                let context = contexts.known.iter().find(|context| context.name == *name).cloned();
                let place = context.ok_or_else(|| {
                    let why = contexts.problem.clone().unwrap_or_else(|| format!("{} does not name it", contexts.file));
                    Refusal::Usage(format!("the context {name} is not known: {why}"))
                });
                let place = place.and_then(|context| {
                    let (config, directory) = (Some(context.config.clone()), Some(context.directory.clone()));
                    let place = Place { config, directory, context: Some(context) };
                    place.enter().map(|()| place)
                });
                (contexts, place)
            }
        }
    }
}

impl Place {
    /// Makes the directory of relative paths the process's. No former engine works any more.
    fn enter(&self) -> Result<(), Refusal> {
        let Some(directory) = &self.directory else { return Ok(()) };
        std::env::set_current_dir(directory).map_err(|error| {
            Refusal::Usage(format!(
                "the directory {} cannot be used: {}",
                directory.display(),
                of_error(&error.to_string())
            ))
        })
    }

    pub fn environment(&self) -> Result<Environment, Refusal> {
        match &self.context {
            Some(context) => Environment::of_context(context),
            None => Environment::read(),
        }
    }

    pub fn read(&self) -> Result<wiring::Setup, Refusal> {
        let env = self.context.as_ref().map_or_else(|| Path::new(environment::FILE), |context| &context.env);
        watched_files::refuse_pipes(&wiring::config_path(self.config.as_deref()), env)?;
        let setup = wiring::read_setup(self.config.as_deref(), &self.environment()?)?;
        refuse_taken(&setup.config)?;
        Ok(setup)
    }
}

/// Refuses letters of own commands that the console itself uses. This is checked only here: a run without a console has
/// no keys, and a newer version with more keys must not stop it.
fn refuse_taken(config: &Config) -> Result<(), Refusal> {
    let problem = |command: &OwnCommand| {
        let does = tui::is_taken(command.key)?;
        Some(Problem {
            file: config.path.display().to_string(),
            line: Some(command.line),
            message: format!("the console has the key `{}` itself: {does}", command.key),
            hint: "give `console.commands.key` another letter; ? lists those that are taken".to_owned(),
        })
    };
    let problems: Vec<Problem> = config.commands.iter().filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Refusal::Problems(problems)) }
}
