//! The standing of every mapping: from the state, and from MySQL as far as it answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};

use super::each_server::{OfServer, by_server, each_server};
use super::together::{self, Column, Columns};
use crate::domain::config::{Config, Mapping};
use crate::domain::cursor::Cursor;
use crate::domain::estate::KnownTables;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::MappingName;
use crate::engine::answers::check::patience::within;
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::query::Reply;
use crate::engine::protocol::{Asked, Lag, MappingStatus};
use crate::source::{BoundsAsk, Source};
use crate::state::{Holder, MappingState, StateStore};

/// Gives every mapping's standing in one answer, in the order of the configuration. Somebody waits for it, so each call
/// is made once, and a server that is away is asked once.
pub(in crate::engine) async fn inspect<P: Platform>(
    ports: &Ports<P>,
    mappings: Vec<Mapping>,
    reply: &Reply<Vec<MappingStatus>>,
) {
    let ports = &ports.impatient(1);
    let remembered = &Remembered::read(ports).await;
    let ask = |OfServer { mappings, .. }: OfServer| async move {
        if let Some(fault) = away(ports, &mappings).await {
            return mappings.iter().map(|mapping| remembered.unanswered(mapping, &fault)).collect();
        }
        let (ports, columns) = together::look(ports, &mappings).await;
        let look = Look { remembered, columns: &columns, by_index_only: false };
        let asked: Vec<_> = mappings.iter().map(|mapping| look.at(&ports, mapping)).collect();
        stream::iter(asked).buffered(ports.config.concurrency).collect().await
    };
    reply.give(each_server(&mappings, ask).await);
}

/// Why the server of these mappings cannot be asked, if it cannot be reached; found with the first of them.
async fn away<P: Platform>(ports: &Ports<P>, mappings: &[Mapping]) -> Option<Fault> {
    let first = mappings.iter().find(|mapping| mapping.mode.has_windows())?;
    within("Asking MySQL", ports.source.describe(&first.source)).await.err().filter(|fault| fault.absent().is_some())
}

/// Gives what the state knows of every mapping, without asking a server.
pub(in crate::engine) async fn look<P: Platform>(
    ports: &Ports<P>,
    mappings: Vec<Mapping>,
    reply: &Reply<Vec<MappingStatus>>,
) {
    let remembered = Remembered::read(ports).await;
    reply.give(mappings.iter().map(|mapping| remembered.status(mapping)).collect());
}

/// Gives every mapping's standing as soon as it is known, a few at a time.
///
/// The caller asks again soon, so each call is made once. Even so, a server that is away costs each question some
/// seconds: after as many failures as questions run at once, its other mappings are not asked.
pub(in crate::engine) async fn measure<P: Platform>(
    ports: &Ports<P>,
    mappings: Vec<Mapping>,
    by_index_only: bool,
    reply: &Reply<MappingStatus>,
) {
    let ports = &ports.impatient(1);
    let remembered = &Remembered::read(ports).await;
    let servers = by_server(&mappings);
    let asked = servers.iter().map(|of| measure_server(ports, of, remembered, by_index_only, reply));
    join_all(asked).await;
}

async fn measure_server<P: Platform>(
    ports: &Ports<P>,
    OfServer { mappings, .. }: &OfServer,
    remembered: &Remembered,
    by_index_only: bool,
    reply: &Reply<MappingStatus>,
) {
    let (ports, columns) = together::look(ports, mappings).await;
    let ports = &ports;
    let look = Look { remembered, columns: &columns, by_index_only };
    let away = AtomicUsize::new(0);
    let patience = ports.config.concurrency;
    let asked: Vec<_> = mappings
        .iter()
        .map(|mapping| {
            let (look, away) = (&look, &away);
            async move {
                if away.load(Ordering::Relaxed) >= patience && mapping.mode.has_windows() {
                    let problem = "MySQL did not answer for other mappings, so it was not asked for this one";
                    let problem = Some(problem.to_owned());
                    return MappingStatus { problem, asked: Asked::Unanswered, ..remembered.status(mapping) };
                }
                let status = look.at(ports, mapping).await;
                if status.asked == Asked::Unanswered {
                    away.fetch_add(1, Ordering::Relaxed);
                }
                status
            }
        })
        .collect();
    let mut known = stream::iter(asked).buffer_unordered(patience);
    while let Some(status) = known.next().await {
        reply.give(status);
    }
}

/// The state's content, or the reason why it cannot be read.
struct Remembered {
    states: Result<BTreeMap<MappingName, MappingState>, Fault>,
    holders: BTreeMap<MappingName, Holder>,
    tables: KnownTables,
    config: Arc<Config>,
}

impl Remembered {
    async fn read<P: Platform>(ports: &Ports<P>) -> Self {
        let states = ports.state.load_all().await;
        let config = Arc::clone(&ports.config);
        if states.is_err() {
            // The other questions to the same store would fail as well.
            return Self { states, holders: BTreeMap::new(), tables: KnownTables::default(), config };
        }
        // Unknown holders must not hide where the mappings stand.
        let holders = ports.state.holders().await.unwrap_or_else(|fault| {
            tracing::warn!(error = %fault, "it is unknown which mappings other processes work on");
            BTreeMap::new()
        });
        let tables = known_tables(ports).await;
        Self { states, holders, tables, config }
    }

    fn status(&self, mapping: &Mapping) -> MappingStatus {
        let of = |name: &MappingName| self.states.as_ref().ok()?.get(name);
        let state = of(&mapping.name).cloned().unwrap_or_default();
        let part = |number| of(&mapping.name.part(number))?.backfill.as_ref();
        let backfill = state.backfill.clone().map(|backfill| backfill.with_parts(part));
        MappingStatus {
            mapping: mapping.name.clone(),
            source: mapping.source.to_string(),
            target: self.config.shown(&mapping.target),
            mode: mapping.mode.word().to_owned(),
            watermark: state.complete_to(mapping.mode),
            newest: None,
            lag: None,
            last_run: state.last_run,
            problem: self.states.as_ref().err().map(|fault| format!("{fault} ({})", fault.hint())),
            asked: self.states.as_ref().err().map_or(Asked::Answered, what_it_came_to),
            pending: state.pending.map(|pending| pending.job),
            held_by: self.holders.get(&mapping.name).cloned(),
            backfill,
            new_table: mapping.is_new_table && !self.tables.takes(&mapping.name),
            undecided: state.undecided,
            decisions: state.decisions,
        }
    }

    /// The standing of a mapping whose server cannot be asked.
    fn unanswered(&self, mapping: &Mapping, fault: &Fault) -> MappingStatus {
        let status = self.status(mapping);
        if !mapping.mode.has_windows() || status.problem.is_some() {
            return status;
        }
        MappingStatus { problem: Some(format!("{fault} ({})", fault.hint())), asked: Asked::Unanswered, ..status }
    }
}

/// Reads the known tables where a table waits for a decision, which may have been made since.
async fn known_tables<P: Platform>(ports: &Ports<P>) -> KnownTables {
    if !ports.config.mappings.iter().any(|mapping| mapping.is_new_table) {
        return KnownTables::default();
    }
    ports.state.load_tables().await.unwrap_or_else(|fault| {
        tracing::warn!(error = %fault, "it is unknown which tables are taken");
        KnownTables::default()
    })
}

/// Sorts the fault: a transient one says nothing about the mapping.
fn what_it_came_to(fault: &Fault) -> Asked {
    if fault.kind() == FaultKind::Transient { Asked::Unanswered } else { Asked::Answered }
}

/// What is known before the first mapping is looked at, and how far a look goes.
struct Look<'a> {
    remembered: &'a Remembered,
    columns: &'a Columns,
    by_index_only: bool,
}

impl Look<'_> {
    async fn at<P: Platform>(&self, ports: &Ports<P>, mapping: &Mapping) -> MappingStatus {
        let mut status = self.remembered.status(mapping);
        // A table that every run looks at as a whole lags by its changes since the last run, which nobody counts.
        if !mapping.mode.has_windows() {
            return status;
        }
        let newest = self.newest(ports, mapping, status.watermark.as_deref());
        // An index gives the answer at once, so a server that takes longer counts as away.
        let newest = if self.by_index_only { within("Asking MySQL", newest).await } else { newest.await };
        match newest {
            Ok(None) => status.asked = Asked::Spared,
            Ok(Some((newest, lag))) => {
                status.newest = newest.map(|cursor| cursor.to_string());
                status.lag = lag;
            }
            Err(fault) => {
                status.problem = Some(format!("{fault} ({})", fault.hint()));
                status.asked = what_it_came_to(&fault);
            }
        }
        status
    }

    /// The incremental column's greatest value, and the lag of the watermark behind it; `None` where only a scan could
    /// tell and the caller wants none.
    async fn newest<P: Platform>(
        &self,
        ports: &Ports<P>,
        mapping: &Mapping,
        watermark: Option<&str>,
    ) -> Result<Option<(Option<Cursor>, Option<Lag>)>, Fault> {
        let source = ports.source.describe(&mapping.source).await?;
        let Column { ask, is_indexed } = together::column(ports, mapping, &source)?;
        if self.by_index_only && !is_indexed {
            return Ok(None);
        }
        let mark = watermark.map(|text| Cursor::parse(text, ask.kind)).transpose()?;
        let newest = match self.columns.get(&mapping.name) {
            Some(known) => known.newest,
            // The status does not show if there are rows without a value.
            None => ports.source.bounds(&BoundsAsk { nullable: false, is_unique: true, ..ask }).await?.newest,
        };
        Ok(Some((newest, mark.zip(newest).and_then(|(mark, newest)| Lag::between(mark, newest)))))
    }
}
