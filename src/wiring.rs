//! Finds the files, reads the environment, and builds the real adapters.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigquery_syncer::cli::ExitStatus;
use bigquery_syncer::domain::config::{self, Config, Problem, StateLocation};
use bigquery_syncer::domain::fault::Fault;
use bigquery_syncer::engine::Ports;
use bigquery_syncer::source::BatchLimits;
use bigquery_syncer::source::mysql::MysqlSource;
use bigquery_syncer::state::local::LocalState;
use bigquery_syncer::warehouse::bigquery::BigQuery;
use directories::ProjectDirs;

/// Why the program did not begin.
#[derive(Debug)]
pub enum Refusal {
    Usage(String),
    /// Everything wrong with the user's files.
    Problems(Vec<Problem>),
    Fault(Fault),
}

impl Refusal {
    pub const fn status(&self) -> ExitStatus {
        match self {
            Self::Usage(_) | Self::Problems(_) => ExitStatus::Usage,
            Self::Fault(_) => ExitStatus::Failed,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(sentence) => write!(f, "bqsync: {sentence}"),
            Self::Problems(problems) => {
                writeln!(f, "bqsync: {} in the configuration:", plural(problems.len()))?;
                problems.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
            }
            Self::Fault(fault) => write!(f, "bqsync: {fault}\nnext: {}", fault.hint()),
        }
    }
}

fn plural(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

/// The process's variables over those of `.env` in the working directory.
pub struct Environment {
    dotenv: HashMap<String, String>,
}

impl Environment {
    pub fn read() -> Result<Self, Refusal> {
        let file = Path::new(".env");
        if !file.exists() {
            return Ok(Self { dotenv: HashMap::new() });
        }
        let variables = dotenvy::from_path_iter(file).map_err(|error| unreadable(file, &error))?;
        let dotenv = variables.collect::<Result<_, _>>().map_err(|error| broken_line(&error))?;
        Ok(Self { dotenv })
    }

    /// A variable; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = std::env::var(name).ok().or_else(|| self.dotenv.get(name).cloned());
        value.filter(|v| !v.is_empty())
    }

    /// Where log files go: `BQSYNC_LOG_DIR`, else the user's state directory.
    pub fn log_directory(&self) -> Option<PathBuf> {
        if let Some(directory) = self.get("BQSYNC_LOG_DIR") {
            return Some(PathBuf::from(directory));
        }
        let directories = project_directories()?;
        Some(directories.state_dir().unwrap_or_else(|| directories.data_local_dir()).to_owned())
    }
}

fn unreadable(file: &Path, error: &dyn fmt::Display) -> Refusal {
    Refusal::Problems(vec![Problem {
        file: file.display().to_string(),
        line: None,
        message: format!("cannot be read: {error}"),
        hint: "check that the file exists and that this user may read it".to_owned(),
    }])
}

/// Never shows the line itself: it may hold a password.
fn broken_line(error: &dotenvy::Error) -> Refusal {
    let message = match error {
        dotenvy::Error::LineParse(line, _) => {
            let name = line.split('=').next().unwrap_or_default().trim();
            format!("the line that sets `{name}` cannot be parsed")
        }
        other => format!("cannot be read: {other}"),
    };
    Refusal::Problems(vec![Problem {
        file: ".env".to_owned(),
        line: None,
        message,
        hint: "write NAME=value, with a value that holds spaces, quotes or # in single quotes".to_owned(),
    }])
}

fn project_directories() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "bqsync")
}

/// `--config`, else `./config.yaml`, else the user's configuration directory.
fn config_path(named: Option<&Path>) -> PathBuf {
    if let Some(path) = named {
        return path.to_owned();
    }
    let here = PathBuf::from("config.yaml");
    if here.exists() {
        return here;
    }
    project_directories().map(|d| d.config_dir().join("config.yaml")).filter(|path| path.exists()).unwrap_or(here)
}

pub fn read_config(named: Option<&Path>, environment: &Environment) -> Result<Config, Refusal> {
    let path = config_path(named);
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    config::parse(&text, &path, &|name| environment.get(name)).map_err(Refusal::Problems)
}

/// Builds the adapters; nothing is asked of a server yet.
pub async fn connect(
    config: Config,
    environment: &Environment,
) -> Result<Ports<MysqlSource, BigQuery, LocalState>, Refusal> {
    let get = |name: &str| environment.get(name);
    let (mysql, bigquery) = match (config::mysql_settings(&get), config::bigquery_settings(&get)) {
        (Ok(mysql), Ok(bigquery)) => (mysql, bigquery),
        (mysql, bigquery) => {
            let problems = mysql.err().into_iter().chain(bigquery.err()).flatten().collect();
            return Err(Refusal::Problems(problems));
        }
    };
    let state = match &config.state {
        StateLocation::Local(path) => LocalState::new(path.clone(), config.report_dir.clone()),
        StateLocation::Gcs { .. } => {
            let sentence = "`state_store: gcs` is not part of this version yet; use `state_store: local`";
            return Err(Refusal::Usage(sentence.to_owned()));
        }
    };
    if config.temp_bucket.is_some() {
        tracing::info!("temp_bucket is not used by this version: rows are uploaded straight to BigQuery");
    }
    let warehouse = BigQuery::connect(&bigquery, &config.project, &config.location).await.map_err(Refusal::Fault)?;
    Ok(Ports {
        config: Arc::new(config),
        source: Arc::new(MysqlSource::new(mysql)),
        warehouse: Arc::new(warehouse),
        state: Arc::new(state),
        limits: BatchLimits::default(),
    })
}
