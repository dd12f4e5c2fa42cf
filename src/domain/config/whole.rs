//! What config.yaml says, once it is read, completed and checked.

use std::path::PathBuf;

use chrono_tz::Tz;

use super::access::NamedSource;
use super::content::{Mapping, Notify, OwnCommand, Pace, SchemaAdditions, StateLocation};
use super::for_all::ForAll;
use super::tables::{NotMoved, TablePattern};
use crate::domain::finding::Finding;
use crate::domain::ids::{SourceName, TableId};

/// Everything of config.yaml.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from, for messages.
    pub path: PathBuf,
    pub project: String,
    pub dataset: String,
    pub location: String,
    /// Runs the jobs and pays for them; `None`: `project`.
    pub billing_project: Option<String>,
    pub schema_additions: SchemaAdditions,
    pub state: StateLocation,
    /// Named for staging through Cloud Storage.
    pub temp_bucket: Option<String>,
    /// The servers that mappings name; empty: there is one.
    pub sources: Vec<NamedSource>,
    /// The zone that DATETIME columns are written in.
    pub default_timezone: Tz,
    /// Mappings that are moved at the same time; 1 to 64.
    pub concurrency: usize,
    /// Connections that read one large table side by side, 1 to 16; `None`: by the machine's processors.
    pub readers: Option<usize>,
    /// Where `report.json` and the reports of single runs are written.
    pub report_dir: PathBuf,
    /// Where Prometheus's node exporter finds the standing of every mapping.
    pub metrics_file: Option<PathBuf>,
    pub notify: Option<Notify>,
    pub pace: Pace,
    /// The operator's own, for the console.
    pub commands: Vec<OwnCommand>,
    /// What holds for a mapping that says nothing itself.
    pub for_all: ForAll,
    /// In file order; names are unique. With what `patterns` were expanded to, one at least.
    pub mappings: Vec<Mapping>,
    /// Entries of `mappings` that are about many tables.
    pub patterns: Vec<TablePattern>,
    /// What there is to say of their tables, once they are expanded.
    pub remarks: Vec<Finding>,
    /// What cannot be moved, and fails every run of all mappings.
    pub not_moved: Vec<NotMoved>,
}

impl Config {
    /// `dataset.table`, with its project where it is not that of the top level.
    #[must_use]
    pub fn shown(&self, table: &TableId) -> String {
        let TableId { project, dataset, table: name } = table;
        if *project == self.project { format!("{dataset}.{name}") } else { format!("{project}.{dataset}.{name}") }
    }

    /// The servers that mappings are about, in the order of the mappings, and those of entries for many tables.
    #[must_use]
    pub fn used_sources(&self) -> Vec<Option<SourceName>> {
        let mut used = Vec::new();
        let of_patterns = self.patterns.iter().map(TablePattern::server);
        for server in self.mappings.iter().map(|mapping| mapping.source.server.as_ref()).chain(of_patterns) {
            if !used.iter().any(|known: &Option<SourceName>| known.as_ref() == server) {
                used.push(server.cloned());
            }
        }
        used
    }

    /// What `sources` says of a server.
    #[must_use]
    pub fn source(&self, name: &SourceName) -> Option<&NamedSource> {
        self.sources.iter().find(|source| source.name == *name)
    }

    /// The project that runs the jobs.
    #[must_use]
    pub fn jobs_project(&self) -> &str {
        self.billing_project.as_deref().unwrap_or(&self.project)
    }
}
