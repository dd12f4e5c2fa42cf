//! The content of config.yaml, once it is read, completed and checked.

use std::path::PathBuf;

use chrono_tz::Tz;

use super::access::NamedSource;
use super::content::{Mapping, Notify, OwnCommand, Pace, SchemaAdditions, StateLocation};
use super::for_all::ForAll;
use super::tables::{NotMoved, TablePattern};
use crate::domain::finding::Finding;
use crate::domain::ids::{MappingName, SourceName, TableId};

/// Everything of config.yaml.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from, for messages.
    pub path: PathBuf,
    pub project: String,
    pub dataset: String,
    pub location: String,
    /// The project that runs the jobs and pays for them; `None`: `project`.
    pub billing_project: Option<String>,
    pub schema_additions: SchemaAdditions,
    pub state: StateLocation,
    /// The bucket for staging through Cloud Storage.
    pub temp_bucket: Option<String>,
    /// The servers that mappings may name; empty: there is only one.
    pub sources: Vec<NamedSource>,
    /// The zone of the wall clocks in DATETIME columns of servers that name no other.
    pub default_timezone: Tz,
    /// Mappings that are moved at the same time; 1 to 64.
    pub concurrency: usize,
    /// Connections that read one large table side by side, 1 to 16; `None`: depends on the machine's processors.
    pub readers: Option<usize>,
    /// The directory for `report.json` and the reports of single runs.
    pub report_dir: PathBuf,
    /// The file in which Prometheus's node exporter finds the standing of every mapping.
    pub metrics_file: Option<PathBuf>,
    pub notify: Option<Notify>,
    pub pace: Pace,
    /// The operator's own commands, for the console.
    pub commands: Vec<OwnCommand>,
    /// The settings of a mapping that says nothing itself.
    pub for_all: ForAll,
    /// The mappings in file order, with unique names. Including those that `patterns` were expanded to, there is at
    /// least one.
    pub mappings: Vec<Mapping>,
    /// Entries of `mappings` for many tables.
    pub patterns: Vec<TablePattern>,
    /// Findings about the patterns' tables, once they are expanded.
    pub remarks: Vec<Finding>,
    /// What no run can move; each of these fails every run of all mappings.
    pub not_moved: Vec<NotMoved>,
}

impl Config {
    /// The mapping of that name; if no mapping has it, all tables of the entry of that name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Mapping> {
        let is_exact = self.mappings.iter().any(|mapping| mapping.name.0 == name);
        let is_meant =
            move |mapping: &MappingName| if is_exact { mapping.0 == name } else { mapping.is_table_of(name) };
        self.mappings.iter().filter(move |mapping| is_meant(&mapping.name))
    }

    /// The table as `dataset.table`, or as `project.dataset.table` if its project is not that of the top level.
    #[must_use]
    pub fn shown(&self, table: &TableId) -> String {
        let TableId { project, dataset, table: name } = table;
        if *project == self.project { format!("{dataset}.{name}") } else { format!("{project}.{dataset}.{name}") }
    }

    /// The servers that mappings and entries for many tables use, in the order of the mappings.
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

    /// The entry of a server in `sources`.
    #[must_use]
    pub fn source(&self, name: &SourceName) -> Option<&NamedSource> {
        self.sources.iter().find(|source| source.name == *name)
    }

    /// The zone of the wall clocks in a server's DATETIME columns.
    #[must_use]
    pub fn timezone_of(&self, server: Option<&SourceName>) -> Tz {
        server.and_then(|name| self.source(name)?.timezone).unwrap_or(self.default_timezone)
    }

    /// The project that runs the jobs.
    #[must_use]
    pub fn jobs_project(&self) -> &str {
        self.billing_project.as_deref().unwrap_or(&self.project)
    }
}
