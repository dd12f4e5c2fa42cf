//! Expands entries for many tables before an engine begins; the engine knows only plain mappings.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use crate::domain::check::server::ServerFacts;
use crate::domain::config::{Config, NotMoved, TablePattern};
use crate::domain::estate::{Ask, Expansion, Found, Ground, KnownTables, Seen, View, asked, expand};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::{MappingName, SourceName};
use crate::source::Diagnose;
use crate::state::StateStore;

/// Who expands the entries, and for what purpose.
#[derive(Debug, Clone, Copy)]
pub struct Expanding<'a> {
    /// Each server, with the database of its connection.
    pub servers: &'a [(Option<SourceName>, String)],
    /// `user@host`.
    pub by: &'a str,
    pub at: DateTime<Utc>,
    /// The mapping that a table was taken as is written to the state.
    pub remembers: bool,
    /// Known tables are compared with today's rules.
    pub compares: bool,
}

/// A server's answer about its tables.
struct Looked<'a> {
    server: Option<&'a SourceName>,
    own: &'a str,
    said: Result<(ServerFacts, Found), Fault>,
}

/// The configuration with one mapping for each table. Each server is asked once for all entries; if one does not
/// answer, its tables are those that the state remembers.
///
/// # Errors
/// The error of reading or writing the state.
pub async fn expand_tables<S: Diagnose, T: StateStore>(
    source: &S,
    state: &T,
    config: &Config,
    how: Expanding<'_>,
) -> Result<Config, Fault> {
    // Mappings that an earlier expansion made are dropped first.
    let mut config = config.clone();
    config.mappings.retain(|mapping| mapping.pattern.is_none());
    config.not_moved.clear();
    let known = state.load_tables().await?;
    let used = |server: Option<&SourceName>| config.patterns.iter().any(|pattern| pattern.server() == server);
    let servers = how.servers.iter().filter(|(server, _)| used(server.as_ref()));
    let looks = servers.map(|(server, own)| look(source, &config, server.as_ref(), own));
    let looked = join_all(looks).await;
    let expansion = of(&config, &known, &looked, how);
    let news = &expansion.news;
    if how.remembers && !news.is_empty() {
        state.note_tables(news).await?;
    }
    let tables = expansion.mappings.len();
    tracing::info!(tables, taken_now = news.tables.len(), "the tables of the configuration are known");
    config.mappings.extend(expansion.mappings);
    config.mappings.sort_by_key(|mapping| mapping.line);
    config.remarks = expansion.remarks;
    for refused in expansion.refused {
        let fault = Fault::new(FaultKind::Config, refused.sentence).with_hint(refused.remedy);
        config.remarks.push(Finding::fail(Topic::Tables, &fault).of(&refused.name));
        config.not_moved.push(NotMoved { name: refused.name, target: refused.target, fault: Arc::new(fault) });
    }
    for Looked { server, said, .. } in looked {
        let Err(fault) = said else { continue };
        let entries: Vec<_> = expansion.unknown.iter().filter(|entry| entry.server.as_ref() == server).collect();
        if entries.is_empty() {
            let kept = "the list of tables cannot be read; what the state knows of them holds";
            tracing::warn!(error = %fault, hint = fault.hint(), "{kept}");
        } else {
            config.remarks.push(Finding::fail(Topic::Tables, &fault));
        }
        let fault = Arc::new(fault);
        config.not_moved.extend(entries.into_iter().map(|entry| NotMoved {
            name: MappingName(server.map_or_else(|| entry.text.clone(), |of| format!("{of}:{}", entry.text))),
            target: entry.place.clone(),
            fault: Arc::clone(&fault),
        }));
    }
    Ok(config)
}

async fn look<'a, S: Diagnose>(
    source: &S,
    config: &Config,
    server: Option<&'a SourceName>,
    own: &'a str,
) -> Looked<'a> {
    let ask = asked(config.patterns.iter().filter(|pattern| pattern.server() == server), own);
    let said = tokio::try_join!(source.survey(server), source.estate(server, &ask));
    Looked { server, own, said }
}

fn of(config: &Config, known: &KnownTables, looked: &[Looked<'_>], how: Expanding<'_>) -> Expansion {
    let now = how.at.naive_utc();
    let mut views = Vec::new();
    for Looked { server, own, said } in looked {
        let (server, own) = (*server, *own);
        let seen = said.as_ref().map_or(Seen::Away, |(facts, found)| {
            let timezone = config.timezone_of(server);
            let ground = Ground { server: facts, timezone, now, has_mask_key: false, source: server };
            Seen::Tables(&found.tables, ground)
        });
        views.push(View { server, own, seen });
    }
    expand(&Ask { config, views: &views, known, compare: how.compares, by: how.by, at: how.at })
}

/// Tells if the name is that of a table which an entry would take, without asking a server.
#[must_use]
pub fn may_be_taken(patterns: &[TablePattern], name: &str, servers: &[(Option<SourceName>, String)]) -> bool {
    let takes = |pattern: &TablePattern| {
        let own = servers.iter().find(|(server, _)| server.as_ref() == pattern.server());
        let own = own.map_or("", |(_, own)| own.as_str());
        // Tables that were taken before their server had a name do not carry its prefix.
        let name = pattern.server().and_then(|server| name.strip_prefix(&format!("{server}:"))).unwrap_or(name);
        let mut parts = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
        parts.any(|(database, table)| !pattern.takers(database, table, own, false, &|_, _| false).is_empty())
    };
    patterns.iter().any(takes)
}
