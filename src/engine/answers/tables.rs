//! Lists the tables of the server that no mapping is about, each with the mapping that would move it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::config::Config;
use crate::domain::estate::{EstateAsk, Ground, Known, Top, propose};
use crate::domain::fault::Fault;
use crate::engine::ports::{Platform, Ports, TRIES_FOR_AN_ANSWER};
use crate::engine::protocol::{Failure, ListTables, Tables};
use crate::source::Diagnose;

pub(in crate::engine) async fn list_tables<P: Platform>(
    ports: &Ports<P>,
    ListTables(ask): &ListTables,
) -> Result<Tables, Failure> {
    let ports = ports.impatient(TRIES_FOR_AN_ANSWER);
    let listed = propose_tables(&*ports.source, ask, Some(&ports.config), false, ports.clock.now()).await;
    listed.map_err(|fault| {
        tracing::error!(error = %fault, hint = fault.hint(), "reading the list of tables failed");
        Failure::from(&fault)
    })
}

/// Reads the catalogue and proposes; of tables that `config` has no mapping for. Needs no engine, and so no configuration.
///
/// # Errors
/// As the source's.
pub async fn propose_tables<S: Diagnose>(
    source: &S,
    ask: &EstateAsk,
    config: Option<&Config>,
    has_mask_key: bool,
    now: DateTime<Utc>,
) -> Result<Tables, Fault> {
    let (server, found) = tokio::try_join!(source.survey(), source.estate(ask))?;
    let seen = found.tables.len();
    let known = config.map(|config| Known::of(config, &server.database)).unwrap_or_default();
    let tables = known.without_mapping(found.tables);
    let own_zone = || Top { server: &server, others: &[] }.timezone();
    let timezone = config.map(|config| config.default_timezone).or_else(own_zone).unwrap_or(Tz::UTC);
    let ground = Ground { server: &server, timezone, now: now.naive_utc(), has_mask_key };
    let proposals = propose(&tables, &server.database, known.names(), ground);
    Ok(Tables { proposals, others: found.others, seen, server })
}
