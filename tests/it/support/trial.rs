//! A sandbox whose servers are behind the proxies, and the conditions that must hold after any trouble.

use bigquery_syncer::domain::ids::MappingName;
use bigquery_syncer::domain::report::{MappingReport, Outcome, RunReport};
use bigquery_syncer::domain::retry::Patience;
use bigquery_syncer::engine::Event;
use bigquery_syncer::source::BatchLimits;

use super::Sandbox;
use super::bigquery_proxy::BigQueryProxy;
use super::engine::Through;
use super::mysql_proxy::MysqlProxy;

/// One table, synced by two mappings at once: `u` upserts, `a` appends.
pub struct Trial {
    pub sandbox: Sandbox,
    pub mysql: MysqlProxy,
    pub bigquery: BigQueryProxy,
    pub through: Through,
}

/// The events and the report of a run.
pub struct Told {
    pub events: Vec<Event>,
    pub report: RunReport,
}

/// A retry that was announced.
#[derive(Debug)]
pub struct Announced {
    pub mapping: String,
    pub operation: String,
    pub attempt: u32,
    pub seconds: f64,
    pub because: String,
}

impl Trial {
    pub async fn new(name: &str) -> Self {
        Self::with(name, &["u", "a"]).await
    }

    /// A trial of these mappings: `u` upserts, `a` appends, `k` appends without keys, `r` replaces, `m` mirrors.
    pub async fn with(name: &str, mappings: &[&str]) -> Self {
        // Only one connection reads, so that a test's bytes and breaks come in one order.
        Self::configured(name, "readers: 1\ninline_rows: 0", mappings).await
    }

    /// The same, but few rows travel within their publish.
    pub async fn inline(name: &str) -> Self {
        Self::configured(name, "readers: 1", &["u", "a"]).await
    }

    /// One mapping `m` that mirrors, with few rows within their publish.
    pub async fn mirror(name: &str) -> Self {
        Self::configured(name, "readers: 1", &["m"]).await
    }

    /// The same with further top-level lines in config.yaml.
    pub async fn configured(name: &str, settings: &str, mappings: &[&str]) -> Self {
        let sandbox = Sandbox::new(name).await;
        let mapping = |name: &&str| {
            let rest = match *name {
                "u" => "primary_keys: [id], mode: upsert",
                "a" => "primary_keys: [id], mode: append",
                "r" => "mode: replace",
                "m" => "mode: mirror, primary_keys: [id]",
                _ => "mode: append",
            };
            format!("  - {{name: {name}, mysql_table: t, bigquery_table: {name}, incremental_column: at, {rest}}}\n")
        };
        sandbox.configure(settings, &mappings.iter().map(mapping).collect::<String>());
        sandbox
            .sql(
                "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(1100) CHARACTER SET ascii NOT NULL, \
                 at DATETIME(6) NOT NULL, KEY by_at (at, id))",
            )
            .await;
        let (mysql, bigquery) = (MysqlProxy::start().await, BigQueryProxy::start(&sandbox.emulator).await);
        let through = Through {
            // A first load of the tests' 300 rows takes six pages, each of several batches.
            limits: BatchLimits { rows: 20, bytes: 1 << 20, page_rows: 50 },
            mysql_port: Some(mysql.port),
            mysql_ssl_mode: None,
            bigquery: Some(bigquery.address.clone()),
            // A quota's ten minutes become less than a tenth of a second.
            patience: Patience::one_in(10_000),
            ..Through::default()
        };
        Self { sandbox, mysql, bigquery, through }
    }

    /// Adds this many rows, newer than all others; some of them have the same moment.
    pub async fn add(&self, rows: i64) {
        let last = self.sandbox.mysql_number("SELECT COALESCE(MAX(id), 0) FROM t").await;
        let row = |id: i64| format!("({id}, 'row {id}', '2026-01-01' + INTERVAL {} SECOND)", id / 3 * 3 + last);
        let rows: Vec<_> = (last + 1..=last + rows).map(row).collect();
        self.sandbox.sql(&format!("INSERT INTO t VALUES {}", rows.join(","))).await;
    }

    /// A run of all mappings through the proxies.
    pub async fn run(&self) -> Told {
        let (events, report) = self.sandbox.run_through(&self.through).await;
        Told { events, report }
    }

    /// A run that succeeds, and after which both sides hold the same rows.
    pub async fn succeeds(&self) -> Told {
        let told = self.run().await;
        for mapping in &told.report.mappings {
            assert_eq!(mapping.outcome, Outcome::Ok, "{mapping:?}");
            assert!(mapping.errors.is_empty() && mapping.error_kind.is_none(), "{mapping:?}");
        }
        let targets: Vec<_> = told.report.mappings.iter().map(|mapping| mapping.mapping_name.0.as_str()).collect();
        self.equal(&targets).await;
        assert!(self.bigquery.unused().is_empty(), "nobody made these calls: {:?}", self.bigquery.unused());
        assert!(self.bigquery.violations().is_empty(), "{:?}", self.bigquery.violations());
        let mut tables = self.sandbox.bq_tables().await;
        tables.retain(|table| table.contains("staging"));
        assert!(tables.is_empty(), "left behind: {tables:?}");
        told
    }

    /// Asserts that the rows are equal, for all targets in one query.
    pub async fn equal(&self, targets: &[&str]) {
        let source = self.sandbox.mysql("SELECT CAST(id AS CHAR), v, CAST(at AS CHAR) FROM t ORDER BY id").await;
        let rows = |target: &&str| {
            format!(
                "SELECT '{target}' AS target, id, v, FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E6S', at) AS at FROM `{{d}}.{target}`"
            )
        };
        let rows: Vec<_> = targets.iter().map(rows).collect();
        let query = format!(
            "SELECT target, CAST(id AS STRING), v, at FROM ({}) AS arrived ORDER BY target, id",
            rows.join(" UNION ALL ")
        );
        let arrived = self.sandbox.bq(&query).await;
        for target in targets {
            let arrived: Vec<_> = arrived.iter().filter(|row| row[0].as_deref() == Some(target)).collect();
            assert_eq!(arrived.len(), source.len(), "rows of {target}");
            for (arrived, source) in arrived.iter().zip(&source) {
                assert_eq!(arrived[1..], source[..], "in {target}");
            }
        }
    }
}

impl Told {
    pub fn mapping(&self, name: &str) -> &MappingReport {
        let named = |report: &&MappingReport| report.mapping_name == MappingName(name.to_owned());
        self.report.mappings.iter().find(named).expect("the mapping's report")
    }

    pub fn retries(&self) -> Vec<Announced> {
        let retry = |event: &Event| match event.clone() {
            Event::RetryScheduled { mapping, operation, attempt, wait_ms, because, .. } => {
                let seconds = std::time::Duration::from_millis(wait_ms).as_secs_f64();
                Some(Announced { mapping: mapping.0, operation, attempt, seconds, because })
            }
            _ => None,
        };
        self.events.iter().filter_map(retry).collect()
    }

    /// Retries of the mapping's whole work.
    pub fn restarts(&self, mapping: &str) -> Vec<Announced> {
        let whole = |retry: &Announced| retry.mapping == mapping && retry.operation == "the mapping's work";
        self.retries().into_iter().filter(whole).collect()
    }

    /// How publishes with an unknown end were found to have ended: true if they were done.
    pub fn recovered(&self) -> Vec<bool> {
        let done = |event: &Event| match event {
            Event::PublishRecovered { done, .. } => Some(*done),
            _ => None,
        };
        self.events.iter().filter_map(done).collect()
    }
}
