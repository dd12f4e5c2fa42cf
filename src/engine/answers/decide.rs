//! The operator's decisions about a mapping's columns: remembered with who and when, and carried out if accepted.

use crate::domain::check::additions::Gap;
use crate::domain::column::same_name;
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::estate::KnownTables;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::Planned;
use crate::domain::quote;
use crate::domain::schema::{ColumnDiff, Decisions, SchemaDecision, Verdict};
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::{ColumnDecision, Decided, Failure, WHOLE_TABLE};
use crate::engine::work::conflicts::refuse_lost_target;
use crate::engine::work::ids::new_run_id;
use crate::engine::work::ledger::Ledger;
use crate::state::StateStore;
use crate::warehouse::Warehouse;

pub(in crate::engine) async fn decide<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    decisions: &[ColumnDecision],
) -> Result<Decided, Failure> {
    let name = &mapping.name;
    let decided = decide_one(ports, mapping, decisions).await.map_err(|fault| {
        tracing::error!(mapping = %name, error = %fault, hint = fault.hint(), "deciding on columns failed");
        Failure::from(&fault)
    })?;
    let (accepted, declined) = (decided.accepted.join(", "), decided.declined.join(", "));
    let statements = decided.statements.join("; ");
    tracing::info!(mapping = %name, accepted, declined, statements, "columns decided");
    Ok(decided)
}

async fn decide_one<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    decisions: &[ColumnDecision],
) -> Result<Decided, Fault> {
    let table = decisions.iter().find(|decision| decision.column == WHOLE_TABLE).map(|decision| decision.accept);
    match table {
        Some(false) if mapping.is_new_table => return decline_table(ports, mapping).await,
        Some(takes) if !mapping.is_new_table => return Err(is_moved_already(mapping, takes)),
        Some(_) | None => {}
    }
    let waits = table.is_none() && waits_for_word(ports, mapping).await?;
    if let Some(accepted) = decisions.iter().find(|decision| decision.accept).filter(|_| waits) {
        return Err(waits_as_a_whole(mapping, &accepted.column));
    }
    let decisions = decisions.iter().filter(|decision| decision.column != WHOLE_TABLE);
    // Changing a table while a run plans with it would fail that run, so deciding needs the lease.
    let run = new_run_id(ports.clock.now());
    let ports = &ports.billed(mapping, Some(&run));
    let mut ledger = Ledger::open(ports, &mapping.name, &run).await?;
    let planned =
        difference(ports, mapping, ledger.watermark_text().as_deref(), &Decisions::new(), ledger.decisions()).await?;
    let mut said = Vec::new();
    for decision in decisions {
        let column = planned.diff.columns.iter().find(|c| same_name(&c.name, &decision.column));
        let column = column.ok_or_else(|| unknown(mapping, &planned, decision))?;
        let is_taken_back = decision.accept && is_declined(ledger.decisions(), &column.name);
        if !(is_taken_back && matches!(column.verdict, Verdict::Same)) {
            refuse(mapping, &planned, column, decision.accept)?;
        }
        said.push((column, decision.accept));
    }
    let accepted = planned.diff.only(|c| said.iter().any(|(column, accept)| *accept && column.name == c.name));
    // The run that creates the table leaves the declined columns out.
    let statements = if !planned.diff.creates_table && accepted.changes().next().is_some() {
        ports.warehouse.ddl(&mapping.target, &planned.table, &accepted)
    } else {
        Vec::new()
    };
    ports.warehouse.apply(&statements).await?;
    ledger.forget_moment();
    for (column, accepted) in &said {
        let decision = SchemaDecision {
            accepted: *accepted,
            mysql: column.source.clone().unwrap_or_default(),
            by: ports.operator.to_string(),
            at: ports.clock.now(),
        };
        ledger.decisions_mut().insert(column.name.clone(), decision);
    }
    ledger.forget_undecided(|name| said.iter().any(|(column, _)| column.name == name));
    ledger.save().await?;
    // Last of all: a run that finds the table taken must also find the declined columns.
    if table == Some(true) {
        note_table(ports, mapping, true).await?;
    }
    let names = |accept| said.iter().filter(move |(_, a)| *a == accept).map(|(c, _)| c.name.clone());
    Ok(Decided {
        mapping: mapping.name.clone(),
        accepted: table.map(|_| WHOLE_TABLE.to_owned()).into_iter().chain(names(true)).collect(),
        declined: names(false).collect(),
        statements,
        notes: accepted.notes().collect(),
        waits,
    })
}

async fn decline_table<P: Platform>(ports: &Ports<P>, mapping: &Mapping) -> Result<Decided, Fault> {
    note_table(ports, mapping, false).await?;
    Ok(Decided {
        mapping: mapping.name.clone(),
        accepted: Vec::new(),
        declined: vec![WHOLE_TABLE.to_owned()],
        statements: Vec::new(),
        notes: Vec::new(),
        waits: false,
    })
}

/// Remembers the operator's decision about a table that waits, with who and when.
pub(in crate::engine) async fn note_table<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    takes: bool,
) -> Result<(), Fault> {
    let mut news = KnownTables::default();
    news.decide(mapping, takes, &ports.operator, ports.clock.now());
    ports.state.note_tables(&news).await?;
    tracing::info!(mapping = %mapping.name, takes, "the word on a new table is remembered");
    Ok(())
}

/// Whether the mapping's table is new and nobody has decided yet that it is to be moved.
pub(in crate::engine) async fn waits_for_word<P: Platform>(ports: &Ports<P>, mapping: &Mapping) -> Result<bool, Fault> {
    Ok(mapping.is_new_table && !ports.state.load_tables().await?.takes(&mapping.name))
}

fn is_moved_already(mapping: &Mapping, takes: bool) -> Fault {
    let option = if takes { "--column" } else { "--decline" };
    let sentence =
        format!("`{option} {WHOLE_TABLE}`: that is for a new table, and {} is moved already", mapping.source);
    let hint = match &mapping.pattern {
        Some(pattern) => format!(
            "to leave it out, write `except: [{}]` beside `tables: {pattern}`",
            quote::yaml_word(&format!(
                "{}.{}",
                mapping.source.database.as_deref().unwrap_or_default(),
                mapping.source.table
            ))
        ),
        None => format!("to leave it out, take mapping `{}` out of the configuration", mapping.name),
    };
    Fault::new(FaultKind::Config, sentence).with_hint(hint)
}

fn waits_as_a_whole(mapping: &Mapping, column: &str) -> Fault {
    let sentence =
        format!("`--column {column}`: {} is a new table, which waits for a decision as a whole", mapping.source);
    let command = format!("bqsync schema-diff {}", quote::shell_option("--mapping", &mapping.name.0));
    Fault::new(FaultKind::Config, sentence).with_hint(format!(
        "`{command} --apply` takes it with all of its columns, `{command} --apply --decline COLUMN` without that one"
    ))
}

/// Both sides as they are, with the whole difference, whatever a run would be allowed to do about it. `said`: the
/// operators' decisions so far, which may be more than the plan is to follow.
pub(in crate::engine) async fn difference<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    watermark: Option<&str>,
    decisions: &Decisions,
    said: &Decisions,
) -> Result<Planned, Fault> {
    let described = ports.describe_both(mapping).await?;
    refuse_lost_target(mapping, watermark, described.target.as_ref())?;
    let mut planned = described.plan(ports, mapping, SchemaAdditions::Allow, decisions)?;
    if described.target.is_some_and(|target| !target.is_empty()) {
        let denied = ports.config.schema_additions == SchemaAdditions::Deny;
        note_left_out(mapping, &mut planned, |column| {
            denied || said.get(&column.name).is_some_and(|decision| !decision.accepted)
        });
    }
    Ok(planned)
}

/// Warns that the existing rows lack the values of columns which runs have left out until now.
fn note_left_out(mapping: &Mapping, planned: &mut Planned, was_left_out: impl Fn(&ColumnDiff) -> bool) {
    let Some(cursor) = planned.table.cursor_column() else { return };
    let cursor = cursor.source.source_type.clone();
    let new = |column: &&mut ColumnDiff| column.source.is_some() && matches!(column.verdict, Verdict::New(_));
    for column in planned.diff.columns.iter_mut().filter(new) {
        if column.note.is_none() && was_left_out(column) {
            column.note = Some(Gap::LeftOut.note(mapping, &column.name, &cursor));
        }
    }
}

fn unknown(mapping: &Mapping, planned: &Planned, decision: &ColumnDecision) -> Fault {
    let open = planned.diff.changes().chain(planned.diff.conflicts());
    let names: Vec<_> = open.map(|c| c.name.as_str()).collect();
    let hint = if names.is_empty() {
        "there is nothing to decide: both sides are the same".to_owned()
    } else {
        format!("columns that differ: {}", names.join(", "))
    };
    let option = if decision.accept { "--column" } else { "--decline" };
    let sentence = format!("`{option} {}`: mapping `{}` has no such column", decision.column, mapping.name);
    Fault::new(FaultKind::Config, sentence).with_hint(hint)
}

fn refuse(mapping: &Mapping, planned: &Planned, column: &ColumnDiff, accept: bool) -> Result<(), Fault> {
    let name = &column.name;
    match (&column.verdict, accept) {
        (Verdict::Conflict(_), true) => Err(Fault::new(
            FaultKind::Schema,
            format!(
                "Column `{name}` of `{}` cannot be accepted: BigQuery cannot turn its type into the other",
                mapping.name
            ),
        )
        .with_hint_if_any(column.remedy.as_deref())),
        (Verdict::Same | Verdict::MissingInSource, _) => Err(Fault::new(
            FaultKind::Config,
            format!("There is nothing to decide about column `{name}` of `{}`", mapping.name),
        )
        .with_hint("`bqsync schema-diff` shows what differs")),
        (_, false) if is_needed(mapping, planned, name) => Err(Fault::new(
            FaultKind::Config,
            format!(
                "Column `{name}` of `{}` cannot be declined: it is a key, the incremental column, the shards' column, or what the \
                 table is partitioned or clustered by",
                mapping.name
            ),
        )
        .with_hint("accept it, or choose other keys in the configuration")),
        (Verdict::New(_) | Verdict::Widen(_) | Verdict::Relax | Verdict::Conflict(_), _) => Ok(()),
    }
}

fn is_declined(decisions: &Decisions, column: &str) -> bool {
    decisions.iter().any(|(name, decision)| same_name(name, column) && !decision.accepted)
}

fn is_needed(mapping: &Mapping, planned: &Planned, name: &str) -> bool {
    let table = &planned.table;
    let cursor = table.cursor.map(|cursor| cursor.position);
    let needed = table.keys.iter().chain(&table.cluster).copied().chain(cursor);
    let partition = mapping.partition_column().map(|column| mapping.target_column(column));
    needed.into_iter().any(|position| same_name(&table.columns[position].target_name, name))
        || partition.is_some_and(|column: String| same_name(&column, name))
        || table.shard.as_ref().is_some_and(|shard| shard.is_column(name))
}
