//! Expands entries of `mappings` for many tables, before an engine begins.

use std::sync::Arc;

use bigquery_syncer::cli::args::CommandArg;
use bigquery_syncer::domain::config::{Config, NotMoved};
use bigquery_syncer::domain::fault::Fault;
use bigquery_syncer::domain::finding::Standing;
use bigquery_syncer::domain::retry::RetryNotes;
use bigquery_syncer::engine::{self, Expanding, Ports};
use bigquery_syncer::source::Source;

use crate::wiring::{Adapters, Servers};

/// Somebody waits for the answer; a second try tells a short disturbance from a lasting error.
const TRIES: usize = 2;

/// The purpose of an expansion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// A run: the mapping that each table is taken as is written to the state.
    Work,
    /// A look, which writes nothing.
    Look,
    /// A status, which compares known tables with today's rules.
    Status,
    /// A check, which reports the remarks itself.
    Check,
    /// A console, which may write or not.
    Console { writes: bool },
    /// A look for changes since the last expansion.
    Renewal,
}

impl For {
    pub fn command(command: &CommandArg) -> Self {
        match command {
            CommandArg::Check { .. } => Self::Check,
            CommandArg::Status { .. } => Self::Status,
            command if command.writes() => Self::Work,
            _ => Self::Look,
        }
    }

    const fn remembers(self) -> bool {
        matches!(self, Self::Work | Self::Renewal | Self::Console { writes: true })
    }

    const fn compares(self) -> bool {
        matches!(self, Self::Status | Self::Check | Self::Console { .. })
    }
}

/// The ports with one mapping for each table.
///
/// # Errors
/// The state's error when it cannot be read or written.
pub async fn expand(ports: Ports<Adapters>, servers: &Servers, what_for: For) -> Result<Ports<Adapters>, Fault> {
    if ports.config.patterns.is_empty() {
        return Ok(ports);
    }
    let source = ports.source.watched(RetryNotes::default().with_most_tries(TRIES));
    let how = Expanding {
        servers,
        by: &ports.operator,
        at: ports.clock.now(),
        remembers: what_for.remembers(),
        compares: what_for.compares(),
    };
    let config = engine::expand_tables(&source, &*ports.state, &ports.config, how).await?;
    if what_for != For::Check && what_for != For::Renewal {
        say(&config);
    }
    Ok(Ports { config: Arc::new(config), ..ports })
}

/// Logs the remarks, and which mappings cannot be moved.
pub fn say(config: &Config) {
    for NotMoved { name, fault, .. } in &config.not_moved {
        tracing::error!(hint = fault.hint(), "`{name}` cannot be moved: {fault}");
    }
    for remark in config.remarks.iter().filter(|remark| remark.standing != Standing::Fail) {
        let mapping = remark.mapping.as_ref().map(|name| name.0.as_str());
        tracing::warn!(mapping, hint = remark.remedy, "{}", remark.sentence);
    }
}

/// Tells if the name may be that of a table which cannot be moved.
pub fn may_not_be_moved(ports: &Ports<Adapters>, servers: &Servers, name: &str) -> bool {
    !ports.config.not_moved.is_empty() && engine::may_be_taken(&ports.config.patterns, name, servers)
}
