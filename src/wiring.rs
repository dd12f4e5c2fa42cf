//! Finds and reads the user's files, and builds the real adapters.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bigquery_syncer::bucket::{Access, Bucket};
use bigquery_syncer::cli::args::{Args, LogFormatArg};
use bigquery_syncer::domain::config::{
    self, BigQuerySettings, Config, MysqlSettings, NamedSource, StateLocation, StorageSettings, TablePattern,
};
use bigquery_syncer::domain::fault::Fault;
use bigquery_syncer::domain::ids::SourceName;
use bigquery_syncer::domain::quote;
use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::engine::{Platform, Ports, SystemClock};
use bigquery_syncer::google::{Login, Variables};
use bigquery_syncer::host::host_name;
use bigquery_syncer::logging::{self, LogFormat, LogSettings};
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::outlets::metrics::MetricsFile;
use bigquery_syncer::outlets::webhook::Webhook;
use bigquery_syncer::source::BatchLimits;
use bigquery_syncer::source::mysql::MysqlSource;
use bigquery_syncer::state::AnyState;
use bigquery_syncer::state::gcs::GcsState;
use bigquery_syncer::state::local::LocalState;
use bigquery_syncer::statements::Statements;
use bigquery_syncer::warehouse::bigquery::BigQuery;

use crate::environment::Environment;
use crate::refusal::Refusal;
use crate::user_files::{project_directories, read_text};

/// How long the end of the program waits while leases in Cloud Storage are given back, so that other processes need not
/// wait for them to expire.
pub const GIVING_BACK: Duration = Duration::from_secs(5);

/// The path: `--config`, otherwise `./config.yaml`, otherwise in the user's configuration directory.
pub fn config_path(named: Option<&Path>) -> PathBuf {
    if let Some(path) = named {
        return path.to_owned();
    }
    let here = PathBuf::from("config.yaml");
    if here.exists() {
        return here;
    }
    project_directories().map(|d| d.config_dir().join("config.yaml")).filter(|path| path.exists()).unwrap_or(here)
}

/// The content of the user's files and variables, once all of them are valid.
pub struct Setup {
    pub config: Config,
    mysql: Vec<MysqlSettings>,
    bigquery: BigQuerySettings,
    storage: StorageSettings,
    variables: Variables,
}

/// Servers, each with its connection's database.
pub type Servers = Vec<(Option<SourceName>, String)>;

impl Setup {
    /// The place for the console's title: `db.example.com/shop`; for several servers their names, or their number.
    pub fn mysql_place(&self) -> String {
        const LONGEST: usize = 30;
        let shown = |settings: &MysqlSettings| {
            settings.source.as_ref().map_or_else(|| place(settings), |source| source.name.to_string())
        };
        let used = self.config.used_sources();
        let is_used = |settings: &&MysqlSettings| used.contains(&settings.source.as_ref().map(|s| s.name.clone()));
        match &self.mysql[..] {
            [one] => one.source.as_ref().map_or_else(|| place(one), |source| format!("{} {}", source.name, place(one))),
            several => {
                let names: Vec<_> = several.iter().filter(is_used).map(shown).collect();
                let all = names.join(", ");
                if all.len() <= LONGEST { all } else { format!("{} servers", names.len()) }
            }
        }
    }

    /// Each server with its connection's database.
    pub fn servers(&self) -> Servers {
        let of = |settings: &MysqlSettings| {
            (settings.source.as_ref().map(|source| source.name.clone()), settings.database.clone())
        };
        self.mysql.iter().map(of).collect()
    }

    pub const fn uses_emulator(&self) -> bool {
        self.bigquery.emulator.is_some()
    }
}

fn place(MysqlSettings { host, port, socket, database, .. }: &MysqlSettings) -> String {
    let server = match socket {
        Some(path) => path.display().to_string(),
        None if *port == 3306 => host.clone(),
        None => format!("{host}:{port}"),
    };
    format!("{server}/{database}")
}

pub fn read_setup(named: Option<&Path>, environment: &Environment) -> Result<Setup, Refusal> {
    let path = config_path(named);
    let text = read_config_text(&path)?;
    let get = |name: &str| environment.get(name);
    let config = config::parse(&text, &path, &get);
    let own = environment.problems();
    let mysql = match &config {
        Ok(config) => config::mysql_servers(config, &get),
        // It is unknown which variables would be read.
        Err(_) if text.lines().any(|line| line.starts_with("sources:")) => Ok(Vec::new()),
        Err(_) => config::mysql_settings(&get).map(|plain| vec![plain]),
    };
    match (config, mysql, config::bigquery_settings(&get), config::storage_settings(&get)) {
        (Ok(config), Ok(mysql), Ok(bigquery), Ok(storage)) if own.is_empty() => {
            environment.warn_of_misspelt(&config);
            Ok(Setup { config, mysql, bigquery, storage, variables: Variables::read(&get) })
        }
        (config, mysql, bigquery, storage) => {
            let settings = [mysql.err(), bigquery.err(), storage.err()];
            let found = config.err().into_iter().chain(settings.into_iter().flatten()).flatten();
            Err(Refusal::Problems(found.chain(own).map(|problem| environment.located(problem)).collect()))
        }
    }
}

/// # Errors
/// No mapping has a schedule.
pub fn refuse_no_schedule(setup: &Setup) -> Result<(), Refusal> {
    let config = &setup.config;
    let is_scheduled = config.mappings.iter().any(|mapping| mapping.schedule.is_some());
    if is_scheduled || config.patterns.iter().any(TablePattern::has_schedule) {
        return Ok(());
    }
    Err(Refusal::Usage("no mapping has a schedule: write one, `schedule: {cron: \"0 2 * * *\"}`".to_owned()))
}

/// The text of the configuration. A file that does not exist can be proposed by `init`.
fn read_config_text(path: &Path) -> Result<String, Refusal> {
    read_text(path).map_err(|refusal| match refusal {
        Refusal::Problems(mut problems) if !path.exists() => {
            for problem in &mut problems {
                "does not exist".clone_into(&mut problem.message);
                let option = quote::shell_option("--out", &path.display().to_string());
                problem.hint = format!("`bqsync init {option}` writes one for the tables of MySQL");
            }
            Refusal::Problems(problems)
        }
        refusal => refusal,
    })
}

/// Only the configuration; `None` if none is named and none exists.
pub fn read_config(named: Option<&Path>, environment: &Environment) -> Result<Option<Config>, Refusal> {
    let path = config_path(named);
    if named.is_none() && !path.exists() {
        return Ok(None);
    }
    let config = config::parse(&read_config_text(&path)?, &path, &|name: &str| environment.get(name));
    config.map(Some).map_err(|found| located(found, environment))
}

/// The database of a connection, if not only its variable decides it.
#[derive(Debug, Clone, Copy)]
pub struct Database<'a> {
    /// The database if the variable is not set.
    pub unset: Option<&'a str>,
    /// The database in place of the variable.
    pub always: Option<&'a str>,
}

/// Only the source: the server without a name, or a named one. `database`: the connection's database, beside the
/// variable.
pub fn mysql(
    environment: &Environment,
    named: Option<&NamedSource>,
    database: Database<'_>,
) -> Result<MysqlSource, Refusal> {
    let get = |name: &str| {
        let is_database = name.ends_with("_DATABASE");
        let always = database.always.filter(|_| is_database).map(str::to_owned);
        let set = || environment.get(name).filter(|value| !value.trim().is_empty());
        always.or_else(set).or_else(|| database.unset.filter(|_| is_database).map(str::to_owned))
    };
    let settings = named.map_or_else(|| config::mysql_settings(&get), |named| config::source_settings(named, &get));
    settings.map(MysqlSource::new).map_err(|found| located(found, environment))
}

fn located(found: Vec<config::Problem>, environment: &Environment) -> Refusal {
    Refusal::Problems(found.into_iter().map(|problem| environment.located(problem)).collect())
}

/// The log settings from the command line and the variables.
pub fn log_settings(args: &Args, environment: &Environment) -> LogSettings {
    LogSettings {
        format: match args.log_format {
            LogFormatArg::Text if logging::journal::is_stderr(environment.get("JOURNAL_STREAM").as_deref()) => {
                LogFormat::Journal
            }
            LogFormatArg::Text => LogFormat::Text,
            LogFormatArg::Json => LogFormat::Json,
        },
        level: environment.get("LOG_LEVEL"),
        directory: environment.log_directory(),
        terminal: std::io::stderr().is_terminal(),
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

/// Builds the adapters without asking any server yet. `statements`: where statements sent to BigQuery are remembered.
pub fn connect(setup: Setup, statements: Option<Arc<Statements>>) -> Result<Ports<Adapters>, Refusal> {
    let Setup { config, mysql, bigquery, storage, variables } = setup;
    // One login serves state, staging and jobs.
    let login = Login::new(bigquery.credentials.clone(), variables);
    let access = match storage.emulator {
        Some(root) => Access::Emulator(root),
        None => Access::Google(login.clone()),
    };
    let state = state(&config, &access)?;
    let warehouse = BigQuery::logged_in(bigquery, login, &config.project, &config.location)
        .paid_by(config.billing_project.as_deref())
        .remembering(statements);
    let warehouse = match &config.temp_bucket {
        Some(name) => warehouse.through(Bucket::new(&access, name, "temp_bucket").map_err(|fault| refusal(&fault))?),
        None => warehouse,
    };
    let outlets = outlets(&config)?;
    Ok(Ports {
        config: Arc::new(config),
        source: Arc::new(MysqlSource::several(mysql)),
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

/// The user who runs the program, as far as the system tells.
fn operator() -> Arc<str> {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|user| !user.is_empty());
    let user = user.unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    format!("{user}@{}", host_name()).into()
}
