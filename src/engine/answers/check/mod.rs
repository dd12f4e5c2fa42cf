//! Checks everything that a run will need before there is one, and reports the state of each item and what to do.
//!
//! MySQL, BigQuery and the state are asked side by side, then each mapping: one problem hides no other. Every question
//! is asked at most twice, and none waits longer than [`patience::LONGEST`].

mod bigquery;
mod costs;
mod mapping;
mod mysql;
pub(super) mod patience;
mod probe;
mod state;

use std::collections::HashMap;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};

use self::bigquery::Google;
use self::mapping::Ground;
use super::each_server::{OfServer, by_server, each_server};
use super::together::{self, Columns};
use crate::domain::config::Mapping;
use crate::domain::finding::{Finding, Tally, Topic};
use crate::engine::ports::{Platform, Ports, TRIES_FOR_AN_ANSWER};
use crate::engine::protocol::{Check, Checked};
use crate::format;

/// Gives all findings in one answer, in the order of their topics and of the configuration. Without `probe` nothing is
/// written.
pub(in crate::engine) async fn check<P: Platform>(ports: &Ports<P>, mappings: Vec<Mapping>, query: &Check) -> Checked {
    let probe = query.probe;
    let ports = ports.impatient(TRIES_FOR_AN_ANSWER);
    let named = by_server(&mappings).into_iter().map(|of| of.server);
    let servers = join_all(named.map(|server| mysql::look(&ports, server)));
    let (mysql, google, state) =
        tokio::join!(servers, bigquery::look(&ports, &mappings, probe), state::look(&ports, probe));
    let mut findings = vec![configuration(&ports, mappings.len())];
    let mut servers = HashMap::new();
    for (server, facts, said) in mysql {
        servers.insert(server, facts);
        findings.extend(said);
    }
    let Google { may_read, findings: said } = google;
    findings.extend(said);
    let (states, said) = state;
    findings.extend(said);
    let is_chosen = |finding: &&Finding| {
        finding.mapping.is_none() || mappings.iter().any(|mapping| finding.mapping.as_ref() == Some(&mapping.name))
    };
    let is_all = mappings.len() == ports.config.mappings.len();
    findings.extend(ports.config.remarks.iter().filter(|finding| is_all || is_chosen(finding)).cloned());
    let (ports, servers, states, costs) = (&ports, &servers, &states, query.costs);
    let ask = |OfServer { server, mappings, .. }: OfServer| async move {
        let server = servers.get(&server).and_then(Option::as_ref);
        let (ports, columns) = match server {
            Some(_) => {
                let (ports, columns) = together::look(ports, &mappings).await;
                (ports.knowing_cascades().await, columns)
            }
            None => (ports.clone(), Columns::new()),
        };
        let ground = Ground { server, states, columns: &columns, may_read, costs };
        let asked: Vec<_> = mappings.iter().map(|mapping| mapping::look(&ports, mapping, &ground)).collect();
        stream::iter(asked).buffered(ports.config.concurrency).collect().await
    };
    let of_mappings: Vec<Vec<Finding>> = each_server(&mappings, ask).await;
    findings.extend(of_mappings.into_iter().flatten());
    let Tally { ok, warn, fail, skip } = Tally::of(&findings);
    tracing::info!(ok, warn, fail, skip, "checked");
    Checked { mappings: mappings.into_iter().map(|mapping| mapping.name).collect(), findings }
}

/// The finding for a valid configuration; the command line reports an invalid one.
fn configuration<P: Platform>(ports: &Ports<P>, chosen: usize) -> Finding {
    let (path, all) = (ports.config.path.display(), ports.config.mappings.len());
    let of = if chosen == all { String::new() } else { format!("{chosen} of ") };
    Finding::ok(Topic::Config, format!("{path} and the environment are sound; {of}{}", format::counted(all, "mapping")))
}
