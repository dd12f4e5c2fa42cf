//! The engine inside the test's own process, where batches and pages can be made small and events be watched.

use std::path::Path;
use std::sync::Arc;

use bigquery_syncer::domain::config;
use bigquery_syncer::domain::report::RunReport;
use bigquery_syncer::engine::{self, Command, Event, Handle, Ports, Selection, SyncOrder};
use bigquery_syncer::source::BatchLimits;
use bigquery_syncer::source::mysql::MysqlSource;
use bigquery_syncer::state::local::LocalState;
use bigquery_syncer::warehouse::bigquery::BigQuery;

use super::{Sandbox, setting};

/// Batches of 3 rows in pages of 5: every boundary is met with a handful of rows.
pub const TINY: BatchLimits = BatchLimits { rows: 3, bytes: 1 << 20, page_rows: 5 };

impl Sandbox {
    /// An engine on this sandbox's config.yaml.
    pub fn engine(&self, limits: BatchLimits) -> Handle {
        let env = |name: &str| match name {
            "MYSQL_DATABASE" => Some(self.database.clone()),
            "BIGQUERY_EMULATOR_HOST" => Some(self.emulator.clone()),
            "MYSQL_PASSWORD" => std::env::var(name).ok(),
            "MYSQL_HOST" | "MYSQL_PORT" | "MYSQL_USER" => Some(setting(name)),
            _ => None,
        };
        let config = config::parse(&self.read("config.yaml"), Path::new("config.yaml"), &env).unwrap();
        let settings = config::bigquery_settings(&env).unwrap();
        let warehouse = BigQuery::new(settings, &config.project, &config.location);
        engine::start(Ports {
            source: Arc::new(MysqlSource::new(config::mysql_settings(&env).unwrap())),
            warehouse: Arc::new(warehouse),
            state: Arc::new(LocalState::new(self.path("state/state.json"), self.path("etl/reports"))),
            config: Arc::new(config),
            limits,
            operator: "tester@here".into(),
        })
    }

    /// One run of all mappings; gives its events and its report.
    pub async fn run_engine(&self, limits: BatchLimits) -> (Vec<Event>, RunReport) {
        let mut handle = self.engine(limits);
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
