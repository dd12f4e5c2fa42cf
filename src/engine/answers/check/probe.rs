//! Does everything in BigQuery that a run does, with test tables: creates, loads, merges, reads and drops.
//!
//! The test tables are staging tables: they expire by themselves, and the next run drops what a check left behind.

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch};

use super::patience::within;
use crate::domain::column::{SourceColumn, SourceSchema};
use crate::domain::config::{Deletes, Mapping, Mode, SchemaAdditions};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{JobId, MappingName, RunId, TableId};
use crate::domain::plan::{PlanInput, TablePlan, plan};
use crate::domain::publish::PublishKind;
use crate::domain::schema::Decisions;
use crate::domain::source_type::SourceType;
use crate::domain::staging::arrow_schema;
use crate::domain::window::{Low, Window};
use crate::engine::ports::{Platform, Ports};
use crate::engine::work::ids::{self, new_run_id};
use crate::warehouse::{Estimates, PublishOrder, StageOrder, Staged, Upload, Warehouse};

/// Runs the test beside a target of the mapping.
///
/// # Errors
/// The error of the step that failed, which it names.
pub(in crate::engine) async fn write<P: Platform>(ports: &Ports<P>, mapping: &Mapping) -> Result<(), Fault> {
    let run = new_run_id(ports.clock.now());
    let [into, from] = [1, 2].map(|number| ids::probe(&run, &mapping.target, number));
    let tried = within("Trying to load and merge rows", merge(&*ports.warehouse, mapping, &run, &into, &from)).await;
    let dropping = async { tokio::try_join!(ports.warehouse.drop_staging(&into), ports.warehouse.drop_staging(&from)) };
    let dropped = within("Dropping the tables of the check", dropping).await;
    tried.and(dropped.map(|_| ()))
}

/// Merges `2, 3` into `1, 2` and expects `1, 2, 3`.
async fn merge<W: Warehouse + Estimates>(
    warehouse: &W,
    mapping: &Mapping,
    run: &RunId,
    into: &TableId,
    from: &TableId,
) -> Result<(), Fault> {
    let plan = Arc::new(two_columns(mapping)?);
    load(warehouse, run, &plan, into, [1, 2]).await?;
    let staged = load(warehouse, run, &plan, from, [2, 3]).await?;
    let order = PublishOrder {
        mapping: name(),
        job: job(run, "merge"),
        mark: "check".to_owned(),
        kind: PublishKind::Merge,
        target: into.clone(),
        plan: Arc::clone(&plan),
        staged,
        within: None,
    };
    warehouse.publish(&order).await?;
    let all = Window { low: Low::Beginning, high: Cursor::Int(i128::from(i64::MAX)) };
    match warehouse.count(into, &plan, all).await? {
        3 => Ok(()),
        rows => Err(Fault::new(FaultKind::Bug, format!("{into} should hold 3 rows after a merge, and holds {rows}"))),
    }
}

async fn load<W: Warehouse>(
    warehouse: &W,
    run: &RunId,
    plan: &Arc<TablePlan>,
    staging: &TableId,
    rows: [i64; 2],
) -> Result<Staged, Fault> {
    let job = job(run, &format!("load_{}", rows[0]));
    let order = StageOrder { mapping: name(), plan: Arc::clone(plan), staging: staging.clone(), job, inline_rows: 0 };
    let column = || Arc::new(Int64Array::from(rows.to_vec())) as _;
    let batch = RecordBatch::try_new(arrow_schema(plan), vec![column(), column()])
        .map_err(|error| Fault::new(FaultKind::Bug, "Rows for a check cannot be built").caused_by(error))?;
    let mut upload = warehouse.stage(order).await?;
    upload.write(batch).await?;
    upload.finish().await
}

/// The smallest table that can be merged: a key, and a number that grows.
fn two_columns(mapping: &Mapping) -> Result<TablePlan, Fault> {
    let number = SourceType::Int { bits: 64, unsigned: false };
    let (key, cursor) = ("id".to_owned(), "n".to_owned());
    let source = SourceSchema {
        columns: [&key, &cursor].map(|name| SourceColumn::new(name, number.clone(), false)).into(),
        unique_keys: vec![vec![key.clone()]],
        indexes: vec![vec![cursor.clone()]],
        is_view: false,
        is_transactional: true,
        hides_columns: false,
        rows_estimate: None,
        comment: None,
    };
    let mapping = Mapping {
        name: name(),
        primary_keys: vec![key],
        incremental_column: Some(cursor),
        mode: Mode::Upsert,
        columns: [].into(),
        exclude: Vec::new(),
        mask: [].into(),
        new_columns: Vec::new(),
        rename: [].into(),
        loaded_at: None,
        shard: None,
        partition_by: None,
        cluster_by: Vec::new(),
        deletes: Deletes::Ignore,
        ..mapping.clone()
    };
    let planned = plan(PlanInput {
        mapping: &mapping,
        timezone: chrono_tz::Tz::UTC,
        additions: SchemaAdditions::Allow,
        source: &source,
        target: None,
        decisions: &Decisions::new(),
    })?;
    Ok(planned.table)
}

/// The mapping's name in messages and labels.
fn name() -> MappingName {
    MappingName("check".to_owned())
}

fn job(run: &RunId, what: &str) -> JobId {
    JobId(format!("bqsync_check_{what}_{run}"))
}
