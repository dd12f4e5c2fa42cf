//! Lists the servers' tables that have no mapping, each with the mapping that would move it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::future::join_all;

use crate::domain::check::server::ServerFacts;
use crate::domain::config::{Config, ForAll};
use crate::domain::estate::{EstateAsk, Found, Ground, Known, Names, Top, propose};
use crate::domain::fault::Fault;
use crate::domain::ids::SourceName;
use crate::engine::ports::{Platform, Ports, TRIES_FOR_AN_ANSWER};
use crate::engine::protocol::{Failure, ListTables, Tables};
use crate::source::Diagnose;

/// Lists the tables of all servers; a server that does not answer does not hide the others' tables.
pub(in crate::engine) async fn list_tables<P: Platform>(
    ports: &Ports<P>,
    ListTables(ask): &ListTables,
) -> Result<Tables, Failure> {
    let ports = ports.impatient(TRIES_FOR_AN_ANSWER);
    let servers = ports.source.servers();
    let ground = Around { config: Some(&ports.config), has_mask_key: false, now: ports.clock.now() };
    let ask = &ground.ask(ask);
    let looks = join_all(servers.iter().map(|server| see(&*ports.source, server.as_ref(), ask))).await;
    let mut names = ground.names();
    let (mut listed, mut unread) = (None::<Tables>, Vec::new());
    for seen in looks {
        match seen {
            Ok(seen) => {
                let more = proposed(seen, ground, &mut names);
                listed = Some(match listed {
                    Some(listed) => listed.with(more),
                    None => more,
                });
            }
            Err(fault) => {
                tracing::error!(error = %fault, hint = fault.hint(), "reading the list of tables failed");
                unread.push(Failure::from(&fault));
            }
        }
    }
    match (listed, unread.first()) {
        (Some(listed), _) => Ok(Tables { unread, ..listed }),
        (None, Some(failure)) => Err(failure.clone()),
        (None, None) => Err(Failure { error: "No server is configured".to_owned(), hint: String::new() }),
    }
}

/// Reads a server's catalogue and proposes mappings for the tables that `config` has none for. Needs no engine, and so
/// no configuration.
///
/// # Errors
/// The errors of the source.
pub async fn propose_tables<S: Diagnose>(
    source: &S,
    server: Option<&SourceName>,
    ask: &EstateAsk,
    around: Around<'_>,
) -> Result<Tables, Fault> {
    Ok(proposed(see(source, server, &around.ask(ask)).await?, around, &mut around.names()))
}

/// What proposals must not collide with.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The configuration of the mappings that exist already.
    pub config: Option<&'a Config>,
    /// `MASK_KEY` is set, and long enough.
    pub has_mask_key: bool,
    pub now: DateTime<Utc>,
}

impl<'a> Around<'a> {
    /// The database of mappings that name none. `connected`: the connection's database.
    fn own(&self, connected: &'a str) -> &'a str {
        self.config.and_then(|config| config.for_all.database()).unwrap_or(connected)
    }

    /// The question with a database: if it names none, it is about the database of mappings that name none.
    fn ask(&self, ask: &EstateAsk) -> EstateAsk {
        let mut ask = ask.clone();
        if ask.databases.is_empty() {
            let of_all = self.config.and_then(|config| config.for_all.database());
            ask.databases.extend(of_all.map(str::to_owned));
        }
        ask
    }

    /// The names that are in use and not free for a new mapping.
    fn names(&self) -> Names {
        self.config.map(|config| Known::of(config, None, "").names()).unwrap_or_default()
    }
}

/// A server's answer.
struct Seen {
    name: Option<SourceName>,
    server: ServerFacts,
    found: Found,
}

async fn see<S: Diagnose>(source: &S, of: Option<&SourceName>, ask: &EstateAsk) -> Result<Seen, Fault> {
    let (server, found) = tokio::try_join!(source.survey(of), source.estate(of, ask))?;
    Ok(Seen { name: of.cloned(), server, found })
}

fn proposed(Seen { name, server, found }: Seen, around: Around<'_>, names: &mut Names) -> Tables {
    let Around { config, has_mask_key, now } = around;
    let seen = found.tables.len();
    let known = config.map(|config| Known::of(config, name.as_ref(), &server.database)).unwrap_or_default();
    let tables = known.without_mapping(found.tables);
    let own_zone = || Top { server: &server, others: &[], source: None }.timezone();
    let timezone = config.map(|config| config.timezone_of(name.as_ref())).or_else(own_zone).unwrap_or(Tz::UTC);
    let ground = Ground { server: &server, timezone, now: now.naive_utc(), has_mask_key, source: name.as_ref() };
    let nothing = ForAll::nothing(name.as_ref());
    let all = config.map_or(&nothing, |config| &config.for_all);
    let own = around.own(&server.database).to_owned();
    let proposals = propose(&tables, &own, names, ground, all);
    let of_server =
        |database: &str| name.as_ref().map_or_else(|| database.to_owned(), |name| format!("{name}:{database}"));
    let others = found.others.iter().map(|database| of_server(database)).collect();
    Tables { proposals, others, seen, places: vec![of_server(&own)], unread: Vec::new(), server }
}
