//! Expands entries that are about many tables, before an engine begins: it knows plain mappings alone.

use chrono::{DateTime, Utc};

use crate::domain::check::server::ServerFacts;
use crate::domain::config::{Config, TablePattern};
use crate::domain::estate::{Ask, Expansion, Found, Ground, KnownTables, Seen, asked, expand};
use crate::domain::fault::Fault;
use crate::domain::finding::{Finding, Topic};
use crate::source::Diagnose;
use crate::state::StateStore;

/// Who expands, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Expanding<'a> {
    /// The database of the connection.
    pub own: &'a str,
    /// `user@host`.
    pub by: &'a str,
    pub at: DateTime<Utc>,
    /// What tables are taken as is remembered.
    pub remembers: bool,
    /// Tables that are known are held against the rules of today.
    pub compares: bool,
}

/// The configuration with a mapping for each table.
#[derive(Debug)]
pub struct Expanded {
    pub config: Config,
    /// Why tables of some entries are not known at all.
    pub fault: Option<Fault>,
}

/// Asks the source once for all entries. Where it does not answer, what the state remembers holds.
///
/// # Errors
/// The state cannot be read, or written.
pub async fn expand_tables<S: Diagnose, T: StateStore>(
    source: &S,
    state: &T,
    config: &Config,
    how: Expanding<'_>,
) -> Result<Expanded, Fault> {
    // What an earlier expansion has made.
    let mut config = config.clone();
    config.mappings.retain(|mapping| mapping.pattern.is_none());
    let known = state.load_tables().await?;
    let ask = asked(&config.patterns, how.own);
    let seen = tokio::try_join!(source.survey(), source.estate(&ask));
    let expansion = of(&config, &known, seen.as_ref().ok(), how);
    let mut fault = seen.err();
    if let Some(fault) = &fault {
        tracing::warn!(error = %fault, hint = fault.hint(), "the list of tables cannot be read; what the state knows of them holds");
    }
    let Expansion { mappings, remarks, news, unknown } = expansion;
    if how.remembers && !news.is_empty() {
        state.note_tables(&news).await?;
    }
    tracing::info!(tables = mappings.len(), taken_now = news.tables.len(), "the tables of the configuration are known");
    if unknown.is_empty() {
        fault = None;
    }
    config.mappings.extend(mappings);
    config.mappings.sort_by_key(|mapping| mapping.line);
    config.remarks = remarks;
    if let Some(fault) = &fault {
        config.remarks.push(Finding::fail(Topic::Tables, fault));
    }
    Ok(Expanded { config, fault })
}

fn of(config: &Config, known: &KnownTables, seen: Option<&(ServerFacts, Found)>, how: Expanding<'_>) -> Expansion {
    let seen = match seen {
        Some((server, found)) => {
            let (timezone, now) = (config.default_timezone, how.at.naive_utc());
            Seen::Tables(&found.tables, Ground { server, timezone, now, has_mask_key: false })
        }
        None => Seen::Away,
    };
    expand(&Ask { config, own: how.own, known, seen, compare: how.compares, by: how.by, at: how.at })
}

/// Is the name that of a table which an entry would take? Known without asking anybody.
#[must_use]
pub fn may_be_taken(patterns: &[TablePattern], name: &str, own: &str) -> bool {
    let names = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let mut names = names.filter(|(database, table)| !database.is_empty() && !table.is_empty());
    names.any(|(database, table)| patterns.iter().any(|p| !p.takers(database, table, own, false).is_empty()))
}
