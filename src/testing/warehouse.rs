//! The warehouse in memory.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::columns::rows;
use super::dataset::{Change, Look, Table};
use super::script::Call;
use super::source::not_in_memory;
use super::value::Row;
use super::world::World;
use crate::domain::check::access::Identity;
use crate::domain::column::{TargetColumn, TargetSchema};
use crate::domain::config::Mode;
use crate::domain::cost::Cost;
use crate::domain::cursor::Cursor;
use crate::domain::cursor::Moment;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{JobId, JobPlace, TableId};
use crate::domain::naming::STAGING_PREFIX;
use crate::domain::plan::TablePlan;
use crate::domain::publish::PublishKind;
use crate::domain::retry::RetryNotes;
use crate::domain::schema::SchemaDiff;
use crate::domain::shard_change::Strays;
use crate::domain::table_shard::TableShard;
use crate::domain::target_type::TargetType;
use crate::domain::verify::{Comparison, Question};
use crate::domain::window::Window;
use crate::engine::Clock;
use crate::warehouse::{
    Billing, Counted, DeleteOrder, Inline, JobFate, PublishCounts, PublishOrder, Sent, StageOrder, Staged, Upload,
    Vanished, VanishedCounts, Warehouse,
};
use crate::warehouse::{Deletes, Diagnose, Estimates};

#[derive(Debug, Clone)]
pub struct MemoryWarehouse(pub Arc<World>);

impl MemoryWarehouse {
    fn now(&self) -> u64 {
        self.0.clock.millis()
    }
}

impl Warehouse for MemoryWarehouse {
    type Upload = MemoryUpload;

    async fn ensure_dataset(&self, _: &TableId) -> Result<bool, Fault> {
        self.0.script.at(Call::EnsureDataset, || Ok(false)).await
    }

    async fn describe(&self, table: &TableId) -> Result<Option<TargetSchema>, Fault> {
        self.0.script.at(Call::DescribeTarget, || Ok(self.0.dataset().describe(table))).await
    }

    async fn rows_held(
        &self,
        table: &TableId,
        described: &TargetSchema,
        shard: Option<&TableShard>,
    ) -> Result<Option<u64>, Fault> {
        let Some(shard) = shard else { return Ok(described.rows) };
        Ok(self.0.dataset().tables.get(&table.table).map(|table| table.of_shard(Some(shard)).len() as u64))
    }

    fn ddl(&self, table: &TableId, plan: &TablePlan, diff: &SchemaDiff) -> Vec<String> {
        let changes: Vec<_> = diff.changes().map(|c| (c.name.clone(), c.verdict.clone())).collect();
        let change = if diff.creates_table { Change::Create(made(plan)) } else { Change::Alter(changes) };
        let verb = if diff.creates_table { "CREATE" } else { "ALTER" };
        let columns: Vec<String> =
            diff.columns.iter().map(|c| format!("{} {}", c.name, c.verdict.kind().word())).collect();
        let statement = format!("{verb} {}: {}", table.table, columns.join(", "));
        self.0.dataset().statements.insert(statement.clone(), change);
        vec![statement]
    }

    async fn apply(&self, statements: &[String]) -> Result<(), Fault> {
        let apply = || {
            let mut dataset = self.0.dataset();
            for statement in statements {
                let change = dataset.statements[statement].clone();
                let table = statement.split([' ', ':']).nth(1).unwrap();
                dataset.apply(table, change, self.now());
            }
            Ok(())
        };
        self.0.script.at(Call::Apply, apply).await
    }

    async fn stage(&self, order: StageOrder) -> Result<MemoryUpload, Fault> {
        let world = Arc::clone(&self.0);
        let stage = || {
            if order.inline_rows == 0 {
                self.0.dataset().tables.insert(order.staging.table.clone(), Table::default());
            }
            Ok(MemoryUpload { world, order, batches: Vec::new(), rows: Vec::new(), bytes: 0 })
        };
        self.0.script.at(Call::Stage, stage).await
    }

    async fn publish(&self, order: &PublishOrder) -> Result<Sent, Fault> {
        let publish = || self.0.dataset().publish(order, self.now());
        let late = || self.0.dataset().late.push(order.clone());
        self.0.script.around(Call::Publish, publish, late).await
    }

    async fn fate(&self, job: &JobId, _: &JobPlace, mark: Option<&str>) -> Result<JobFate, Fault> {
        let look = || {
            Ok(match self.0.dataset().look(job, mark) {
                Look::Unknown => JobFate::Unknown,
                Look::Failed => JobFate::Failed(Fault::new(FaultKind::Schema, format!("The job {job} had failed"))),
                Look::Done(counts) => JobFate::Done(counts),
            })
        };
        self.0.script.at(Call::Fate, look).await
    }

    async fn forestall(&self, job: &JobId, place: &JobPlace, mark: Option<&str>) -> Result<JobFate, Fault> {
        let now = self.now();
        if self.0.script.at(Call::Forestall, || Ok(self.0.dataset().take(job, now))).await? {
            return Ok(JobFate::Unknown);
        }
        self.fate(job, place, mark).await
    }

    async fn drop_staging(&self, table: &TableId) -> Result<(), Fault> {
        let drop = || {
            self.0.dataset().tables.remove(&table.table);
            Ok(())
        };
        self.0.script.at(Call::DropStaging, drop).await
    }

    async fn leftovers(&self, beside: &TableId) -> Result<Vec<TableId>, Fault> {
        let look = || {
            let dataset = self.0.dataset();
            let staging = dataset.tables.keys().filter(|table| table.starts_with(STAGING_PREFIX));
            Ok(staging.map(|table| beside.sibling(table)).collect())
        };
        self.0.script.at(Call::Leftovers, look).await
    }

    fn watched(&self, _: RetryNotes) -> Self {
        self.clone()
    }

    fn billed(&self, _: Billing) -> Self {
        self.clone()
    }
}

impl Diagnose for MemoryWarehouse {
    async fn identify(&self) -> Result<Identity, Fault> {
        not_in_memory("an identity")
    }

    async fn try_job(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn try_bucket(&self, _: &TableId) -> Result<Option<String>, Fault> {
        Ok(None)
    }

    async fn has_dataset(&self, _: &TableId) -> Result<bool, Fault> {
        Ok(true)
    }
}

impl Estimates for MemoryWarehouse {
    async fn publish_bytes(&self, _: &TableId, _: &TablePlan, _: PublishKind, _: Option<Window>) -> Result<u64, Fault> {
        Ok(0)
    }

    async fn count(&self, _: &TableId, _: &TablePlan, _: Window) -> Result<u64, Fault> {
        not_in_memory("a count")
    }

    async fn count_beyond(&self, target: &TableId, plan: &TablePlan, mark: Cursor) -> Result<Counted, Fault> {
        let count = || Ok(Counted { rows: self.0.dataset().count_beyond(target, plan, mark), cost: Cost::default() });
        self.0.script.at(Call::CountBeyond, count).await
    }

    async fn count_strays(&self, target: &TableId, _: &TargetSchema, strays: &Strays) -> Result<u64, Fault> {
        let count = || Ok(self.0.dataset().tables[&target.table].strays(strays));
        self.0.script.at(Call::CountStrays, count).await
    }

    async fn question_bytes(&self, _: &Comparison, _: &Question) -> Result<u64, Fault> {
        Ok(self.0.dataset().question_bytes)
    }
}

impl Deletes for MemoryWarehouse {
    async fn count_vanished(&self, vanished: &Vanished) -> Result<VanishedCounts, Fault> {
        let count = || {
            let (held, vanished) = self.0.dataset().count_vanished(vanished)?;
            Ok(VanishedCounts { held, vanished, cost: Cost::default() })
        };
        self.0.script.at(Call::CountVanished, count).await
    }

    async fn delete(&self, order: &DeleteOrder) -> Result<PublishCounts, Fault> {
        let marked_at = Moment::from_naive(self.0.clock.now().naive_utc());
        let delete = || self.0.dataset().delete(order, marked_at, self.now());
        self.0.script.at(Call::Delete, delete).await
    }
}

/// The table that is created for a plan.
fn made(plan: &TablePlan) -> Table {
    let mut columns: Vec<TargetColumn> =
        plan.columns.iter().map(|c| TargetColumn::new(&*c.target_name, c.target_type.clone(), false)).collect();
    let text = TargetType::String(None);
    columns.extend(plan.shard.as_ref().map(|shard| TargetColumn::new(&*shard.column, text, true)));
    columns.extend(plan.deleted_column.as_ref().map(|name| TargetColumn::new(name, TargetType::Timestamp, false)));
    let name = |&position: &usize| plan.columns[position].target_name.clone();
    Table {
        columns,
        primary_key: if plan.mode == Mode::Upsert { plan.keys.iter().map(name).collect() } else { Vec::new() },
        partitioning: plan.partitioning.clone(),
        ..Table::default()
    }
}

/// Rows under way to a staging table.
#[derive(Debug)]
pub struct MemoryUpload {
    world: Arc<World>,
    order: StageOrder,
    batches: Vec<RecordBatch>,
    rows: Vec<Row>,
    bytes: u64,
}

impl Upload for MemoryUpload {
    async fn write(&mut self, batch: RecordBatch) -> Result<(), Fault> {
        let world = Arc::clone(&self.world);
        let write = || {
            let rows = rows(&batch);
            self.bytes += rows.iter().flatten().map(|value| value.bytes() as u64).sum::<u64>();
            self.rows.extend(rows);
            self.batches.push(batch);
            if self.rows.len() as u64 > self.order.inline_rows {
                self.world.dataset().tables.entry(self.order.staging.table.clone()).or_default();
            }
            Ok(())
        };
        world.script.at(Call::Write, write).await
    }

    fn bytes_sent(&self) -> u64 {
        self.bytes
    }

    async fn finish(self) -> Result<Staged, Fault> {
        let world = Arc::clone(&self.world);
        let load = || {
            let Self { world, order, batches, rows, bytes } = self;
            let mut staged = Staged {
                table: order.staging.clone(),
                inline: None,
                rows: rows.len() as u64,
                bytes,
                key_ranges: vec![None; order.plan.keys.len()],
                cursor_range: None,
            };
            if order.inline_rows > 0 && staged.rows <= order.inline_rows {
                staged.inline = Some(Inline(batches.into()));
                return Ok(staged);
            }
            let mut dataset = world.dataset();
            // Another process that took this one for dead has dropped the table.
            let gone = || Fault::new(FaultKind::Schema, format!("Not found: Table {}", order.staging));
            let is_new = dataset.loads.insert(order.job.clone());
            let table = dataset.tables.get_mut(&order.staging.table).ok_or_else(gone)?;
            // A job that exists already is not run again: its rows are where it brought them.
            if is_new {
                table.rows = rows;
            }
            Ok(staged)
        };
        world.script.at(Call::Finish, load).await
    }
}
