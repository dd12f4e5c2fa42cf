//! One mapping: its table in MySQL, what the configuration says about the columns, and its table in BigQuery.

use std::collections::BTreeMap;

use super::costs;
use super::patience::within;
use crate::domain::check::mapping::{self as rules, CursorFacts, MappingFacts};
use crate::domain::check::options;
use crate::domain::check::server::{ServerFacts, grant_select};
use crate::domain::check::target as as_it_is;
use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::{Mapping, Mode, SchemaAdditions};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::MappingName;
use crate::domain::plan::{Planned, TablePlan, plan};
use crate::domain::publish::PublishKind;
use crate::domain::quote;
use crate::domain::window::{Low, Window};
use crate::engine::answers::together::{self, Columns};
use crate::engine::ports::{Platform, Ports};
use crate::engine::work::conflicts::{refuse_conflicts, refuse_lost_target, still_required, undecided_conflicts};
use crate::engine::work::lost_rows::refuse_lost_rows;
use crate::engine::work::rows_of::refuse_strays;
use crate::engine::work::rules::changed_rules;
use crate::format;
use crate::source::{Diagnose, Estimate, Filtered, Newest, Source};
use crate::state::MappingState;
use crate::warehouse::{Estimates, Warehouse};

/// What is known before any mapping is checked.
pub(in crate::engine) struct Ground<'a> {
    /// `None`: no connection to MySQL succeeded.
    pub server: Option<&'a ServerFacts>,
    pub states: &'a BTreeMap<MappingName, MappingState>,
    /// The newest values of all mappings' columns, asked for together.
    pub columns: &'a Columns,
    /// The credentials for BigQuery work, so tables can be asked for.
    pub may_read: bool,
    /// Also estimate the cost of each mode.
    pub costs: bool,
}

pub(in crate::engine) async fn look<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    ground: &Ground<'_>,
) -> Vec<Finding> {
    let ports = &ports.billed(mapping, None);
    let (source, target) =
        tokio::join!(describe_source(ports, mapping, ground), describe_target(ports, mapping, ground));
    let mut findings = Vec::new();
    match (source, ground.server) {
        (Ok(source), Some(server)) => {
            let at_hand = target.as_ref().ok().and_then(Option::as_ref);
            let decisions = ground.states.get(&mapping.name).map(|state| state.decisions.clone()).unwrap_or_default();
            let input = ports.plan_input(mapping, &source, at_hand, &decisions);
            let planned = plan(input);
            let values = match &planned {
                Ok(planned) => values(ports, mapping, ground, &source, planned).await,
                Err(_) => Ok(None),
            };
            let reading = format!("Reading the foreign keys of {}", mapping.source);
            let cascades = within(&reading, ports.source.cascades(&mapping.source)).await;
            findings.extend(cascades.as_ref().err().map(|fault| Finding::warn(Topic::Cursor, fault.to_string())));
            let told = values.as_ref().err().map(|fault| Finding::fail(Topic::Cursor, fault));
            let values = values.unwrap_or_default();
            findings.extend(told);
            findings.extend(rules::findings(&MappingFacts {
                input,
                planned: &planned,
                server,
                values,
                cascades: &cascades.unwrap_or_default(),
                now: ports.clock.now().naive_utc(),
            }));
            findings.extend(at_hand.into_iter().flat_map(|target| made_otherwise(mapping, target)));
            findings.extend(tags(ports, mapping, &planned, at_hand).await);
            findings.extend(filtered(ports, mapping).await);
            let state = ground.states.get(&mapping.name);
            let plan = planned.as_ref().ok().map(|planned| &planned.table);
            findings.extend(state.into_iter().flat_map(|state| changed_rules(mapping, state, &source, plan)));
            findings.extend(rows_there(ports, mapping, state, plan, at_hand).await);
            findings.extend(replacing(ports, mapping).await);
            if let (true, Ok(planned)) = (ground.costs, &planned) {
                findings.extend(costs::of_each_mode(ports, mapping, &planned.table, at_hand).await);
            }
            findings.extend(match target {
                Ok(target) => compared(ports, mapping, ground, &planned, target.as_ref()),
                Err(finding) => vec![finding],
            });
        }
        (source, _) => {
            findings.extend(source.err());
            // Without the source there is nothing to compare the target with.
            findings.extend(target.err());
        }
    }
    findings.into_iter().map(|finding| finding.of(&mapping.name)).collect()
}

async fn describe_source<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    ground: &Ground<'_>,
) -> Result<SourceSchema, Finding> {
    let table = &mapping.source;
    let Some(server) = ground.server else {
        return Err(Finding::skip(Topic::Table, format!("{table} was not checked: the login to MySQL failed")));
    };
    within(&format!("Reading the description of {table}"), ports.source.describe(table)).await.map_err(|fault| {
        let finding = Finding::fail(Topic::Table, &fault);
        let grant = || format!("{}; {}", grant_select(server, table), fault.hint());
        if fault.kind() == FaultKind::Auth { finding.remedy(grant()) } else { finding }
    })
}

async fn describe_target<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    ground: &Ground<'_>,
) -> Result<Option<TargetSchema>, Finding> {
    let table = &mapping.target;
    if !ground.may_read {
        return Err(Finding::skip(Topic::Target, format!("{table} was not checked: there are no credentials")));
    }
    let described = within(&format!("Reading the columns of {table}"), ports.warehouse.describe(table)).await;
    described.map_err(|fault| Finding::fail(Topic::Target, &fault))
}

/// Options of a new table that the mapping asks for and the existing table has otherwise.
fn made_otherwise(mapping: &Mapping, target: &TargetSchema) -> Vec<Finding> {
    let found = options::differences(mapping, target);
    if !found.is_empty() || !options::are_asked_for(mapping) {
        return found;
    }
    let sentence = format!("{} is partitioned, encrypted, labelled and described as the mapping asks", mapping.target);
    vec![Finding::ok(Topic::TableOptions, sentence)]
}

/// Whether the target still has the rows that were moved, marked as the shard that the mapping says.
async fn rows_there<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    state: Option<&MappingState>,
    plan: Option<&TablePlan>,
    target: Option<&TargetSchema>,
) -> Option<Finding> {
    let (state, target) = (state?, target?);
    let mark = state.watermark.as_ref().map(|mark| mark.value.as_str());
    let look = async {
        refuse_strays(ports, mapping, state).await?;
        match plan.filter(|plan| plan.shard.as_ref().is_some_and(|shard| target.column(&shard.column).is_some())) {
            Some(plan) => refuse_lost_rows(ports, mapping, plan, mark).await,
            None => Ok(()),
        }
    };
    let looked = within(&format!("Counting the rows of {}", mapping.target), look).await;
    looked.err().map(|fault| Finding::fail(Topic::Target, &fault))
}

/// What MySQL plans for the mapping's filter.
async fn filtered<P: Platform>(ports: &Ports<P>, mapping: &Mapping) -> Option<Finding> {
    mapping.source.filter.as_ref()?;
    let trying = format!("Trying the filter of {}", mapping.source);
    Some(match within(&trying, ports.source.try_filter(&mapping.source)).await {
        Ok(Filtered { is_impossible: true, .. }) => {
            Finding::warn(Topic::Where, format!("no row of {} can match `where`", mapping.source))
                .remedy("correct the condition: with it, `bqsync deletes` would delete or mark every row")
        }
        Ok(Filtered { rows, .. }) => {
            let rows = rows.map(|rows| format!("; to find them MySQL looks at about {}", format::counted(rows, "row")));
            Finding::ok(Topic::Where, format!("MySQL accepts `where`{}", rows.unwrap_or_default()))
        }
        Err(fault) => Finding::fail(Topic::Where, &fault),
    })
}

/// The cost of a run that replaces the whole table, and what protects the present rows.
async fn replacing<P: Platform>(ports: &Ports<P>, mapping: &Mapping) -> Option<Finding> {
    if mapping.mode != Mode::Replace {
        return None;
    }
    let reading = format!("Estimating the rows of {}", mapping.source);
    let Estimate { rows, row_bytes } = match within(&reading, ports.source.size(&mapping.source)).await {
        Ok(size) => size,
        Err(fault) => return Some(Finding::warn(Topic::Replace, fault.to_string())),
    };
    let rows_of = rows.map_or_else(|| "all rows".to_owned(), |rows| format!("about {}", format::counted(rows, "row")));
    let rows_of = rows_of + mapping.source.filter.as_ref().map_or("", |_| " (of which `where` takes its own)");
    let bytes = rows.zip(row_bytes).map(|(rows, bytes)| rows.saturating_mul(bytes));
    let bytes = bytes.map_or_else(|| "as many bytes as they have".to_owned(), format::bytes);
    Some(Finding::ok(
        Topic::Replace,
        format!(
            "every run reads the whole table: {rows_of}, {bytes} in MySQL, and about as much is billed in BigQuery (10 MB at \
             least); it publishes nothing where MySQL has no row, or where BigQuery's table would shrink by more than \
             `max_shrink` ({})",
            mapping.most_shrunk
        ),
    ))
}

/// Asks only where an index has the answer: a check never scans a table.
async fn values<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    ground: &Ground<'_>,
    source: &SourceSchema,
    planned: &Planned,
) -> Result<Option<CursorFacts>, Fault> {
    let plan = &planned.table;
    let Some(cursor) = plan.cursor.filter(|cursor| cursor.indexed) else { return Ok(None) };
    let known = if let Some(known) = ground.columns.get(&mapping.name) {
        *known
    } else {
        let ask = together::ask(mapping, source, plan, cursor);
        let reading = format!("Reading the bounds of {}", mapping.source);
        within(&reading, ports.source.bounds(&ask)).await?.into()
    };
    let Newest { has_nulls, newest, tick, limit } = known;
    Ok(Some(CursorFacts { has_nulls, newest, tick, limit }))
}

/// Has BigQuery check the exact statement that a run would send, if the table has columns under access control.
async fn tags<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    planned: &Result<Planned, Fault>,
    target: Option<&TargetSchema>,
) -> Option<Finding> {
    let (Ok(planned), Some(target)) = (planned, target) else { return None };
    let columns = as_it_is::tagged(target, &planned.table)?;
    let table = &mapping.target;
    // The whole table: the end of the window does not matter.
    let window = Some(Window { low: Low::Beginning, high: Cursor::Int(0) });
    let asked =
        ports.warehouse.publish_bytes(table, &planned.table, PublishKind::that_looks_for_rows(mapping.mode), window);
    let tried = within(&format!("Asking what a publish to {table} would do"), asked).await;
    Some(as_it_is::policy_tags(table, &columns, tried.map(|_| ())))
}

/// What a run would do about the differences between both tables.
fn compared<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    ground: &Ground<'_>,
    planned: &Result<Planned, Fault>,
    target: Option<&TargetSchema>,
) -> Vec<Finding> {
    let (table, additions) = (&mapping.target, ports.config.schema_additions);
    let watermark = ground.states.get(&mapping.name).and_then(|state| state.watermark.as_ref());
    if let Err(fault) = refuse_lost_target(mapping, watermark.map(|mark| mark.value.as_str()), target) {
        return vec![Finding::fail(Topic::Target, &fault)];
    }
    // What is wrong with the plan was reported before.
    let Ok(planned) = planned else { return Vec::new() };
    let waiting = planned.diff.changes().filter(|column| column.accepted.is_none());
    let names: Vec<_> = waiting.map(|column| format!("`{}`", column.name)).collect();
    let reviews = additions == SchemaAdditions::Review && !planned.diff.creates_table;
    let mut waits = if reviews { undecided_conflicts(mapping, planned) } else { Vec::new() };
    if reviews && !names.is_empty() {
        let wait = if names.len() == 1 { "waits" } else { "wait" };
        let sentence = format!("{} of {table} {wait} for a decision, and so does the mapping", names.join(", "));
        let option = quote::shell_option("--mapping", &mapping.name.0);
        let remedy = format!("bqsync schema-diff {option} shows them, --apply and --decline decide");
        waits.push(Finding::warn(Topic::Target, sentence).remedy(remedy));
    }
    if !waits.is_empty() {
        return waits;
    }
    if let Err(fault) = refuse_conflicts(mapping, planned, additions) {
        return vec![Finding::fail(Topic::Target, &fault)];
    }
    let warned = still_required(mapping, planned, additions);
    let told = !planned.withheld.is_empty() || planned.warnings.iter().any(|warning| warning.topic == Topic::Target);
    if told || !warned.is_empty() {
        return warned;
    }
    let sentence = match (planned.diff.creates_table, names.len()) {
        (true, _) if ground.states.get(&mapping.name).is_some_and(|state| state.replaced.is_some()) => {
            format!("{table} no longer exists; the next run creates it again")
        }
        (true, _) => format!("{table} does not exist yet; the first run creates it"),
        (false, 0) if planned.table.partitioning.as_ref().is_some_and(|by| by.needs_filter) => {
            format!(
                "{table} has every column; it requires a partition filter, and every statement has one that is always true"
            )
        }
        (false, 0) => format!("{table} has every column"),
        (false, changes) => {
            format!("{table} exists; the next run adds, widens or relaxes {}", format::counted(changes, "column"))
        }
    };
    vec![Finding::ok(Topic::Target, sentence)]
}
