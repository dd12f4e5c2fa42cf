//! Tables and jobs as in BigQuery: a job's id is taken once, and a job that fails has changed nothing.

mod publish;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use chrono::DateTime;

use super::columns::rows;
use super::compare::{digest, lies_in};
use super::value::{Row, Value};
use crate::domain::column::{TargetColumn, TargetSchema, same_name};
use crate::domain::cursor::{Cursor, Moment};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{JobId, TableId};
use crate::domain::partitioning::Partitioning;
use crate::domain::plan::TablePlan;
use crate::domain::publish::PublishKind;
use crate::domain::schema::Verdict;
use crate::domain::shard_change::Strays;
use crate::domain::table_shard::TableShard;
use crate::warehouse::{DeleteOrder, Inline, PublishCounts, PublishOrder, Sent, Taken, Vanished};

/// A dataset, and the project's jobs.
#[derive(Debug)]
pub struct Dataset {
    pub tables: BTreeMap<String, Table>,
    jobs: HashMap<JobId, Job>,
    /// Publishes under way whose senders have already seen a broken connection.
    pub late: Vec<PublishOrder>,
    /// The kind of each publish that was carried out or failed.
    pub published: Vec<PublishKind>,
    /// Load jobs: BigQuery takes each id once.
    pub loads: HashSet<JobId>,
    /// The next publishes find that others have taken their ids.
    pub taken: VecDeque<Taken>,
    /// Copy jobs end with an error.
    pub refuses_copies: bool,
    /// The most partitions that one job may write.
    pub most_partitions: usize,
    /// Bytes that each question of a comparison would read.
    pub question_bytes: u64,
    /// The meaning of the statements for schema changes.
    pub statements: BTreeMap<String, Change>,
}

impl Default for Dataset {
    fn default() -> Self {
        Self {
            tables: BTreeMap::new(),
            jobs: HashMap::new(),
            late: Vec::new(),
            published: Vec::new(),
            loads: HashSet::new(),
            taken: VecDeque::new(),
            refuses_copies: false,
            most_partitions: 4_000,
            question_bytes: 0,
            statements: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Table {
    pub columns: Vec<TargetColumn>,
    pub rows: Vec<Row>,
    /// In milliseconds since 1970.
    pub modified: u64,
    pub primary_key: Vec<String>,
    pub partitioning: Option<Partitioning>,
}

/// A change of a schema.
#[derive(Debug, Clone)]
pub enum Change {
    Create(Table),
    Alter(Vec<(String, Verdict)>),
}

#[derive(Debug, Clone)]
struct Job {
    mark: Option<String>,
    /// `None`: the job ended with an error.
    counts: Option<PublishCounts>,
    ended: u64,
}

/// The result of a look at a job.
pub enum Look {
    Unknown,
    Failed,
    Done(PublishCounts),
}

impl Table {
    pub fn position(&self, column: &str) -> usize {
        self.columns.iter().position(|c| same_name(&c.name, column)).unwrap()
    }

    /// The positions of a shard's rows in the table; without a shard, of all rows.
    pub fn of_shard(&self, shard: Option<&TableShard>) -> Vec<usize> {
        let own = shard.map(|shard| (self.position(&shard.column), Value::Text(shard.value.clone())));
        let is_own = |row: &Row| own.as_ref().is_none_or(|(place, value)| row[*place] == *value);
        self.rows.iter().enumerate().filter(|(_, row)| is_own(row)).map(|(at, _)| at).collect()
    }

    pub fn strays(&self, strays: &Strays) -> u64 {
        let holds =
            |row: &Row, shard: &TableShard| row[self.position(&shard.column)] == Value::Text(shard.value.clone());
        let is_one = |row: &&Row| match strays {
            Strays::Of(shard) => holds(row, shard),
            Strays::OnlyOf(shard, other) => holds(row, shard) && !holds(row, other),
            Strays::OfNone(column) => row[self.position(column)] == Value::Null,
            Strays::NotOf(shard) => !holds(row, shard),
        };
        self.rows.iter().filter(is_one).count() as u64
    }

    fn schema(&self) -> TargetSchema {
        TargetSchema {
            columns: self.columns.clone(),
            rows: Some(self.rows.len() as u64),
            modified: Some(self.modified),
            primary_key: self.primary_key.clone(),
            partitioning: self.partitioning.clone(),
            ..TargetSchema::default()
        }
    }

    /// Records a change; no two changes have the same time.
    fn touch(&mut self, now: u64) {
        self.modified = now.max(self.modified + 1);
    }
}

impl Dataset {
    pub fn describe(&self, table: &TableId) -> Option<TargetSchema> {
        self.tables.get(&table.table).map(Table::schema)
    }

    pub fn apply(&mut self, table: &str, change: Change, now: u64) {
        match change {
            Change::Create(made) => {
                let made = Table { modified: now, ..made };
                self.tables.entry(table.to_owned()).or_insert(made);
            }
            Change::Alter(columns) => {
                let table = self.tables.get_mut(table).unwrap();
                for (name, verdict) in columns {
                    table.alter(name, verdict);
                }
                table.touch(now);
            }
        }
    }

    /// The rows staged in this table; an error once it has been dropped.
    fn staged(&self, table: &TableId) -> Result<Vec<Row>, Fault> {
        let gone = || Fault::new(FaultKind::Schema, format!("Not found: Table {table}"));
        self.tables.get(&table.table).map(|table| table.rows.clone()).ok_or_else(gone)
    }

    /// Sends a publish, and waits for its end.
    pub fn publish(&mut self, order: &PublishOrder, now: u64) -> Result<Sent, Fault> {
        if let Some(known) = self.jobs.get(&order.job) {
            if known.mark.as_deref() != Some(&order.mark) {
                let changed = known.counts.is_some_and(|counts| counts.inserted + counts.updated + counts.deleted > 0);
                return Ok(Sent::Taken(Taken { changed, ended: Some(known.ended) }));
            }
            let failed = || Fault::new(FaultKind::Schema, format!("The job {} had failed", order.job));
            return known.counts.map(Sent::Done).ok_or_else(failed);
        }
        if let Some(taken) = self.taken.pop_front() {
            let counts = PublishCounts { inserted: u64::from(taken.changed), ..PublishCounts::default() };
            self.remember(&order.job, None, Some(counts), taken.ended.unwrap_or(now));
            return Ok(Sent::Taken(taken));
        }
        let done = self.carry_out(order, now);
        self.remember(&order.job, Some(&order.mark), done.as_ref().ok().copied(), now);
        done.map(Sent::Done)
    }

    /// Takes a job's id; false if it is taken already.
    pub fn take(&mut self, job: &JobId, now: u64) -> bool {
        let is_free = !self.jobs.contains_key(job);
        if is_free {
            self.remember(job, None, Some(PublishCounts::default()), now);
        }
        is_free
    }

    fn remember(&mut self, job: &JobId, mark: Option<&str>, counts: Option<PublishCounts>, ended: u64) {
        let job_ended = Job { mark: mark.map(str::to_owned), counts, ended };
        self.jobs.insert(job.clone(), job_ended);
    }

    fn carry_out(&mut self, order: &PublishOrder, now: u64) -> Result<PublishCounts, Fault> {
        self.published.push(order.kind);
        let rows = match &order.staged.inline {
            Some(Inline(batches)) => batches.iter().flat_map(rows).collect(),
            None => self.staged(&order.staged.table)?,
        };
        if order.kind == PublishKind::Copy && self.refuses_copies {
            return Err(Fault::new(FaultKind::Schema, "Provided Schema does not match"));
        }
        let gone = || Fault::new(FaultKind::Schema, format!("Not found: Table {}", order.target));
        let most = self.most_partitions;
        let target = self.tables.get_mut(&order.target.table).ok_or_else(gone)?;
        if days(target, &order.plan, &rows) > most {
            let fault = Fault::new(FaultKind::Data, "Too many partitions produced by query");
            return Err(fault.too_much_at_once(true));
        }
        let at = Moment::from_naive(DateTime::from_timestamp_millis(now.try_into().unwrap()).unwrap().naive_utc());
        let counts = publish::publish(target, order, &rows, at);
        if counts.inserted + counts.updated + counts.deleted > 0 || order.kind == PublishKind::Replace {
            target.touch(now);
        }
        Ok(PublishCounts { began: Some(now), ended: Some(now.max(target.modified)), ..counts })
    }

    /// Delivers the publishes under way.
    pub fn deliver(&mut self, now: u64) {
        for order in std::mem::take(&mut self.late) {
            // Nobody waits for its end.
            let _ = self.publish(&order, now);
        }
    }

    pub fn look(&self, job: &JobId, mark: Option<&str>) -> Look {
        match self.jobs.get(job) {
            Some(known) if mark.is_none() || known.mark.as_deref() == mark => {
                known.counts.map_or(Look::Failed, Look::Done)
            }
            Some(_) | None => Look::Unknown,
        }
    }

    pub fn count_beyond(&self, target: &TableId, plan: &TablePlan, mark: Cursor) -> u64 {
        let table = &self.tables[&target.table];
        let position = table.position(&plan.cursor_column().unwrap().target_name);
        let is_beyond = |value: Cursor| value.compare(&mark) == Some(std::cmp::Ordering::Greater);
        let own = table.of_shard(plan.shard.as_ref()).into_iter().map(|at| &table.rows[at]);
        own.filter(|row| row[position].cursor().is_some_and(is_beyond)).count() as u64
    }

    /// The number of rows, and of those whose keys are not staged.
    pub fn count_vanished(&self, vanished: &Vanished) -> Result<(u64, u64), Fault> {
        let (held, gone) = self.vanished(vanished)?;
        Ok((held, gone.len() as u64))
    }

    fn vanished(&self, vanished: &Vanished) -> Result<(u64, BTreeSet<usize>), Fault> {
        let Vanished { target, plan, staged, before, within, .. } = vanished;
        let staged = self.staged(staged)?;
        // For a mirror, whole rows are staged.
        let keys: BTreeSet<Row> = match within {
            Some(_) => staged.iter().map(|row| plan.keys.iter().map(|&key| row[key].clone()).collect()).collect(),
            None => staged.into_iter().collect(),
        };
        let table = &self.tables[&target.table];
        let position = |of: usize| table.position(&plan.columns[of].target_name);
        let mark = plan.deleted_column.as_ref().map(|mark| table.position(mark));
        let cursor = plan.cursor.map(|cursor| position(cursor.position));
        let is_held = |row: &Row| mark.is_none_or(|mark| row[mark] == Value::Null);
        let is_young = |row: &Row| {
            let value = cursor.and_then(|cursor| row[cursor].cursor());
            before.zip(value).is_some_and(|(before, value)| value.max_of(before) == value)
        };
        let key = |row: &Row| -> Row { plan.keys.iter().map(|&key| row[position(key)].clone()).collect() };
        let gone = |row: &Row| {
            let key = key(row);
            let is_asked_for = within.as_ref().is_none_or(|within| {
                let row = (0..plan.columns.len()).map(|column| row[position(column)].clone()).collect();
                lies_in(&digest(&within.comparison, &row), &within.parts)
            });
            is_held(row) && is_asked_for && !is_young(row) && !key.contains(&Value::Null) && !keys.contains(&key)
        };
        let own = table.of_shard(plan.shard.as_ref());
        let held = own.iter().filter(|at| is_held(&table.rows[**at])).count() as u64;
        Ok((held, own.into_iter().filter(|at| gone(&table.rows[*at])).collect()))
    }

    /// Sends a deletion, and waits for its end.
    pub fn delete(&mut self, order: &DeleteOrder, marked_at: Moment, now: u64) -> Result<PublishCounts, Fault> {
        if let Some(known) = self.jobs.get(&order.job) {
            return known.counts.ok_or_else(|| Fault::new(FaultKind::Schema, "The job had failed"));
        }
        let done = self.vanished(&order.vanished).map(|(_, gone)| {
            let table = self.tables.get_mut(&order.vanished.target.table).unwrap();
            table.touch(now);
            let count = gone.len() as u64;
            if let Some(mark) = &order.mark {
                let mark = table.position(mark);
                for &at in &gone {
                    table.rows[at][mark] = Value::At(marked_at);
                }
                PublishCounts { updated: count, ended: Some(now), ..PublishCounts::default() }
            } else {
                let mut at = 0..;
                table.rows.retain(|_| !gone.contains(&at.next().unwrap()));
                PublishCounts { deleted: count, ended: Some(now), ..PublishCounts::default() }
            }
        });
        self.remember(&order.job, None, done.as_ref().ok().copied(), now);
        done
    }
}

/// The number of partitions that the rows lie in.
fn days(table: &Table, plan: &TablePlan, rows: &[Row]) -> usize {
    let Some(by) = table.partitioning.as_ref().and_then(|partitioning| partitioning.column.as_ref()) else { return 0 };
    let position = plan.columns.iter().position(|c| same_name(&c.target_name, by)).unwrap();
    let day = |row: &Row| match row[position] {
        Value::At(moment) => Some(moment.midnight()),
        Value::Null | Value::Int(_) | Value::Text(_) => None,
    };
    rows.iter().map(day).collect::<BTreeSet<_>>().len()
}

impl Table {
    fn alter(&mut self, name: String, verdict: Verdict) {
        match verdict {
            Verdict::New(target_type) => {
                self.columns.push(TargetColumn::new(name, target_type, false));
                self.rows.iter_mut().for_each(|row| row.push(Value::Null));
            }
            Verdict::Widen(target_type) => {
                let position = self.position(&name);
                self.columns[position].target_type = target_type;
            }
            Verdict::Relax => {
                let position = self.position(&name);
                self.columns[position].required = false;
            }
            Verdict::Same | Verdict::MissingInSource | Verdict::Conflict(_) => {}
        }
    }
}
