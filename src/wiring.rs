//! Finds the files, reads what they say, and builds the real adapters.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigquery_syncer::bucket::{Access, Bucket};
use bigquery_syncer::cli::Printer;
use bigquery_syncer::domain::config::{
    self, BigQuerySettings, Config, MysqlSettings, Problem, StateLocation, StorageSettings,
};
use bigquery_syncer::domain::fault::Fault;
use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::engine::{Platform, Ports, SystemClock};
use bigquery_syncer::google::{Login, Variables};
use bigquery_syncer::host::host_name;
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::metrics::MetricsFile;
use bigquery_syncer::outlets::webhook::Webhook;
use bigquery_syncer::source::BatchLimits;
use bigquery_syncer::source::mysql::MysqlSource;
use bigquery_syncer::state::AnyState;
use bigquery_syncer::state::gcs::GcsState;
use bigquery_syncer::state::local::LocalState;
use bigquery_syncer::warehouse::bigquery::BigQuery;
use directories::ProjectDirs;

use crate::environment::Environment;

/// Why the program did not begin.
#[derive(Debug)]
pub enum Refusal {
    Usage(String),
    /// Everything wrong with the user's files.
    Problems(Vec<Problem>),
}

impl Refusal {
    /// To stderr.
    pub fn tell(&self, printer: Printer) {
        match self {
            Self::Usage(sentence) => printer.errors(&format!("bqsync: {sentence}")),
            Self::Problems(problems) => {
                printer.error(&format!("bqsync: {} in the configuration:", plural(problems.len())));
                for problem in problems {
                    printer.problem(problem);
                }
            }
        }
    }
}

pub fn plural(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

/// The text of a file that the user wrote.
pub fn read_text(file: &Path) -> Result<String, Refusal> {
    let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
    text_of(file, bytes)
}

pub fn text_of(file: &Path, bytes: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Refusal::Problems(vec![Problem {
            file: file.display().to_string(),
            line: Some(before.split(|byte| *byte == b'\n').count()),
            message: "not UTF-8 text".to_owned(),
            hint: "save the file as UTF-8; this line holds the first character that is not".to_owned(),
        }])
    })
}

fn unreadable(file: &Path, error: &dyn fmt::Display) -> Refusal {
    Refusal::Problems(vec![Problem {
        file: file.display().to_string(),
        line: None,
        message: format!("cannot be read: {error}"),
        hint: "check that the file exists and that this user may read it".to_owned(),
    }])
}

pub fn project_directories() -> Option<ProjectDirs> {
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

/// What the user's files and variables say, once nothing is wrong with any of them.
pub struct Setup {
    pub config: Config,
    mysql: MysqlSettings,
    bigquery: BigQuerySettings,
    storage: StorageSettings,
    variables: Variables,
}

impl Setup {
    /// `db.example.com/shop`, for the console's title.
    pub fn mysql_place(&self) -> String {
        let MysqlSettings { host, port, socket, database, .. } = &self.mysql;
        let server = match socket {
            Some(path) => path.display().to_string(),
            None if *port == 3306 => host.clone(),
            None => format!("{host}:{port}"),
        };
        format!("{server}/{database}")
    }

    pub const fn uses_emulator(&self) -> bool {
        self.bigquery.emulator.is_some()
    }
}

pub fn read_setup(named: Option<&Path>, environment: &Environment) -> Result<Setup, Refusal> {
    let path = config_path(named);
    let text = read_text(&path)?;
    let get = |name: &str| environment.get(name);
    let config = config::parse(&text, &path, &get);
    let own = environment.problems();
    match (config, config::mysql_settings(&get), config::bigquery_settings(&get), config::storage_settings(&get)) {
        (Ok(config), Ok(mysql), Ok(bigquery), Ok(storage)) if own.is_empty() => {
            Ok(Setup { config, mysql, bigquery, storage, variables: Variables::read(&get) })
        }
        (config, mysql, bigquery, storage) => {
            let settings = [mysql.err(), bigquery.err(), storage.err()];
            let found = config.err().into_iter().chain(settings.into_iter().flatten()).flatten();
            Err(Refusal::Problems(found.chain(own).map(|problem| environment.located(problem)).collect()))
        }
    }
}

/// MySQL or MariaDB, BigQuery, and the state on disk or in a bucket.
#[derive(Debug)]
pub enum Adapters {}

impl Platform for Adapters {
    type Source = MysqlSource;
    type Warehouse = BigQuery;
    type State = AnyState;
}

/// Builds the adapters; nothing is asked of a server yet.
pub fn connect(setup: Setup) -> Result<Ports<Adapters>, Refusal> {
    let Setup { config, mysql, bigquery, storage, variables } = setup;
    // One account for state, staging and jobs.
    let login = Login::new(bigquery.credentials.clone(), variables);
    let access = match storage.emulator {
        Some(root) => Access::Emulator(root),
        None => Access::Google(login.clone()),
    };
    let state = state(&config, &access)?;
    let warehouse = BigQuery::logged_in(bigquery, login, &config.project, &config.location);
    let warehouse = match &config.temp_bucket {
        Some(name) => warehouse.through(Bucket::new(&access, name, "temp_bucket").map_err(|fault| refusal(&fault))?),
        None => warehouse,
    };
    let outlets = outlets(&config)?;
    Ok(Ports {
        config: Arc::new(config),
        source: Arc::new(MysqlSource::new(mysql)),
        warehouse: Arc::new(warehouse),
        state: Arc::new(state),
        limits: BatchLimits::default(),
        patience: Patience::FULL,
        operator: operator(),
        clock: Arc::new(SystemClock),
        outlets: Arc::new(outlets),
    })
}

fn state(config: &Config, access: &Access) -> Result<AnyState, Refusal> {
    let reports = config.report_dir.clone();
    Ok(match &config.state {
        StateLocation::Local(path) => AnyState::Local(LocalState::new(path.clone(), reports)),
        StateLocation::Gcs { bucket, prefix, lease } => {
            let bucket = Bucket::new(access, bucket, "state_gcs_bucket").map_err(|fault| refusal(&fault))?;
            AnyState::Gcs(GcsState::new(bucket, prefix, *lease, reports))
        }
    })
}

fn outlets(config: &Config) -> Result<Outlets, Refusal> {
    Ok(Outlets {
        metrics: config.metrics_file.clone().map(MetricsFile::new),
        webhook: config.notify.as_ref().map(Webhook::new).transpose().map_err(|fault| refusal(&fault))?,
    })
}

fn refusal(fault: &Fault) -> Refusal {
    Refusal::Usage(format!("{fault} ({})", fault.hint()))
}

/// Who runs the program, as far as the system says.
fn operator() -> Arc<str> {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|user| !user.is_empty());
    let user = user.unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    format!("{user}@{}", host_name()).into()
}
