//! The engine within the test's own process, where batches and pages can be small and events can be watched.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bigquery_syncer::domain::config;
use bigquery_syncer::domain::report::RunReport;
use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::engine::{
    self, Clock, Command, Event, Handle, Platform, Ports, Selection, SyncOrder, SystemClock,
};
use bigquery_syncer::outlets::Outlets;
use bigquery_syncer::source::BatchLimits;
use bigquery_syncer::source::mysql::MysqlSource;
use bigquery_syncer::state::local::LocalState;
use bigquery_syncer::warehouse::bigquery::BigQuery;

use super::{Sandbox, setting};

/// Batches of 3 rows in pages of 5: a few rows meet every boundary.
pub const TINY: BatchLimits = BatchLimits { rows: 3, bytes: 1 << 20, page_rows: 5 };

/// The adapters of a test's engine.
enum Servers {}

impl Platform for Servers {
    type Source = MysqlSource;
    type Warehouse = BigQuery;
    type State = LocalState;
}

/// How an engine reaches its servers, and how it waits.
#[derive(Debug, Clone)]
pub struct Through {
    pub limits: BatchLimits,
    /// A proxy's port in place of the server's.
    pub mysql_port: Option<u16>,
    pub mysql_ssl_mode: Option<&'static str>,
    /// An account with the password `pw` in place of the tests' own.
    pub mysql_user: Option<String>,
    /// A proxy's `host:port` in place of the emulator's.
    pub bigquery: Option<String>,
    pub patience: Patience,
    /// Variables that take precedence over all others.
    pub variables: HashMap<String, String>,
    /// How long MySQL's answer may take until the server is asked why.
    pub silence: Duration,
    pub clock: Arc<dyn Clock>,
}

impl Default for Through {
    fn default() -> Self {
        let (mysql_port, mysql_ssl_mode, mysql_user, bigquery) = (None, None, None, None);
        let (limits, patience, clock) = (BatchLimits::default(), Patience::FULL, Arc::new(SystemClock));
        let (silence, variables) = (Duration::from_mins(1), HashMap::new());
        Self { limits, mysql_port, mysql_ssl_mode, mysql_user, bigquery, patience, variables, silence, clock }
    }
}

impl Sandbox {
    /// An engine with this sandbox's config.yaml.
    pub fn engine(&self, limits: BatchLimits) -> Handle {
        self.engine_through(&Through { limits, ..Through::default() })
    }

    pub fn engine_through(&self, through: &Through) -> Handle {
        let env = |name: &str| match name {
            _ if through.variables.contains_key(name) => through.variables.get(name).cloned(),
            "MYSQL_DATABASE" => Some(self.database.clone()),
            "BIGQUERY_EMULATOR_HOST" => Some(through.bigquery.clone().unwrap_or_else(|| self.emulator.clone())),
            "MYSQL_USER" if through.mysql_user.is_some() => through.mysql_user.clone(),
            "MYSQL_PASSWORD" if through.mysql_user.is_some() => Some("pw".to_owned()),
            "MYSQL_PASSWORD" => std::env::var(name).ok(),
            "MYSQL_PORT" => Some(through.mysql_port.map_or_else(|| setting(name), |port| port.to_string())),
            "MYSQL_SSL_MODE" => through.mysql_ssl_mode.map(str::to_owned),
            "MYSQL_HOST" | "MYSQL_USER" => Some(setting(name)),
            _ => None,
        };
        let config = config::parse(&self.read("config.yaml"), Path::new("config.yaml"), &env).unwrap();
        let settings = config::bigquery_settings(&env).unwrap();
        let warehouse =
            BigQuery::new(settings, &config.project, &config.location).paid_by(config.billing_project.as_deref());
        let source = MysqlSource::several(config::mysql_servers(&config, &env).unwrap());
        engine::start(Ports::<Servers> {
            source: Arc::new(source.asking_after(through.silence)),
            warehouse: Arc::new(warehouse),
            state: Arc::new(LocalState::new(self.path("state/state.json"), self.path("etl/reports"))),
            config: Arc::new(config),
            limits: through.limits,
            patience: through.patience,
            operator: "tester@here".into(),
            clock: Arc::clone(&through.clock),
            outlets: Arc::new(Outlets::default()),
        })
    }

    /// One run of all mappings; gives its events and its report.
    pub async fn run_engine(&self, limits: BatchLimits) -> (Vec<Event>, RunReport) {
        self.run_through(&Through { limits, ..Through::default() }).await
    }

    pub async fn run_through(&self, through: &Through) -> (Vec<Event>, RunReport) {
        let mut handle = self.engine_through(through);
        handle.send(Command::Sync(SyncOrder::manual(Selection::All)));
        let mut events = Vec::new();
        loop {
            match handle.next_event().await.expect("the engine to say how the run ended") {
                Event::RunFinished { report } => return (events, report),
                event => events.push(event),
            }
        }
    }
}
