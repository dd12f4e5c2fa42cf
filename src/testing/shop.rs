//! One table that moves: the world of a test, set up so that a test reads like the incident that it describes.

use std::path::Path;
use std::sync::{Arc, MutexGuard};

use chrono::{DateTime, TimeDelta};

use super::clock::FakeClock;
use super::dataset::{Dataset, Table};
use super::process::{Memory, Process};
use super::script::{Call, Trouble};
use super::source::MemorySource;
use super::state::MemoryState;
use super::tables::Database;
use super::value::{Row, Value, at};
use super::warehouse::MemoryWarehouse;
use super::world::World;
use crate::domain::column::{SourceColumn, TargetColumn};
use crate::domain::config;
use crate::domain::ids::MappingName;
use crate::domain::naming::STAGING_PREFIX;
use crate::domain::publish::PublishKind;
use crate::domain::report::{MappingReport, Outcome};
use crate::domain::retry::Patience;
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::engine::{BackfillAsk, Clock, Command, Ports, RepairOrder, Selection, SyncOrder};
use crate::outlets::Outlets;
use crate::source::BatchLimits;
use crate::state::MappingState;

/// The state that a test's own processes share.
pub const HERE: &str = "here";

/// When a test begins, by every clock. (No row is a whole number of quarters of an hour earlier, because rows that
/// could be just now in another zone are not remembered.)
const BEGINS: &str = "2026-11-23T08:07:30Z";

/// A table `t` of `id`, `v` and `at`, and a mapping `t` that moves it to a table `t`.
#[derive(Debug)]
pub struct Shop {
    pub world: Arc<World>,
    mapping: String,
    settings: String,
    /// How many rows may travel within their publish.
    inline_rows: u32,
    /// The rows of a batch and of a page.
    batch: usize,
    /// Rows of the target that belong to another shard.
    neighbours: Vec<Row>,
}

/// The mapping's shard in a shared table.
const SHARD: &str = "us";

/// The other shard in the table.
const NEIGHBOUR: &str = "eu";

pub fn sync() -> Command {
    Command::Sync(SyncOrder::manual(Selection::All))
}

pub fn backfill(start: &str) -> Command {
    Command::Backfill { ask: ask(start), restart: false, shard: None }
}

fn ask(start: &str) -> BackfillAsk {
    BackfillAsk { mapping: MappingName("t".to_owned()), start: start.to_owned(), end: None }
}

pub fn deletes(dry_run: bool) -> Command {
    Command::Deletes { selection: Selection::Named(vec![MappingName("t".to_owned())]), dry_run }
}

pub fn repair(dry_run: bool) -> Command {
    Command::Repair(RepairOrder { selection: Selection::All, dry_run, most_bytes: u64::MAX, most_named: 20 })
}

impl Shop {
    /// `mapping`: the keys of its configuration, without its names.
    pub fn new(mapping: &str) -> Self {
        Self::stamped(mapping, SourceType::DateTime { fsp: 0 })
    }

    /// The same, with another type of `at`.
    pub fn stamped(mapping: &str, at: SourceType) -> Self {
        let id = SourceColumn::new("id", SourceType::Int { bits: 32, unsigned: false }, false);
        let v = SourceColumn::new("v", SourceType::Text { chars: None }, true);
        let database = Database::new(vec![id, v, SourceColumn::new("at", at, false)]);
        let clock = FakeClock::at(DateTime::parse_from_rfc3339(BEGINS).unwrap().to_utc());
        let world = Arc::new(World::new(database, clock));
        Self {
            world,
            mapping: mapping.to_owned(),
            settings: String::new(),
            inline_rows: 0,
            batch: 32,
            neighbours: Vec::new(),
        }
    }

    /// The same world with another configuration of the mapping.
    #[must_use]
    pub fn mapped(&self, mapping: &str) -> Self {
        let (world, settings) = (Arc::clone(&self.world), self.settings.clone());
        let (inline_rows, batch, neighbours) = (self.inline_rows, self.batch, self.neighbours.clone());
        Self { world, mapping: mapping.to_owned(), settings, inline_rows, batch, neighbours }
    }

    /// The same as one shard of the target, which also holds another shard's rows: with the same ids, newer, and more
    /// of them.
    pub fn shared(mapping: &str) -> Self {
        let shop = Self::new(&format!("{mapping}, shard_column: _shard, shard: {SHARD}"));
        let neighbours = (1..=12).map(|id| {
            let mut row = row(id, "another's", "2026-03-01");
            row.push(Value::Text(NEIGHBOUR.to_owned()));
            row
        });
        let neighbours: Vec<Row> = neighbours.collect();
        let text = || TargetType::String(None);
        let columns = [("id", TargetType::Int64), ("v", text()), ("at", TargetType::Timestamp), ("_shard", text())];
        let columns = columns.map(|(name, kind)| TargetColumn::new(name, kind, name == "_shard")).into();
        let table = Table { columns, rows: neighbours.clone(), ..Table::default() };
        shop.dataset().tables.insert("t".to_owned(), table);
        Self { neighbours, ..shop }
    }

    /// The other shard publishes to the table.
    pub fn neighbour_writes(&mut self) {
        let mut row = row(999, "another's new row", "2026-04-01");
        row.push(Value::Text(NEIGHBOUR.to_owned()));
        self.neighbours.push(row.clone());
        let mut dataset = self.world.dataset();
        let table = dataset.tables.get_mut("t").unwrap();
        row.resize(table.columns.len(), Value::Null);
        table.rows.push(row);
        table.modified += 3_600_000;
    }

    /// Adds a line to the configuration's top level.
    #[must_use]
    pub fn with(mut self, setting: &str) -> Self {
        self.settings += setting;
        self.settings.push('\n');
        self
    }

    /// Lets few rows travel within their publish. (Otherwise all rows are staged.)
    #[must_use]
    pub fn inline(mut self) -> Self {
        self.inline_rows = 1_000;
        self
    }

    /// Reads in batches of this many rows.
    #[must_use]
    pub fn in_batches_of(mut self, rows: usize) -> Self {
        self.batch = rows;
        self
    }

    /// Adds rows in groups of three with the same moment, in the order of their ids.
    #[must_use]
    pub fn rows(self, ids: std::ops::RangeInclusive<i64>) -> Self {
        self.insert(ids);
        self
    }

    pub fn insert(&self, ids: std::ops::RangeInclusive<i64>) {
        for id in ids {
            let at = at("2026-01-01").to_naive().unwrap() + TimeDelta::seconds(id / 3);
            self.insert_at(id, &format!("row {id}"), &at.to_string());
        }
    }

    pub fn insert_at(&self, id: i64, v: &str, stamp: &str) {
        self.database().rows.push(row(id, v, stamp));
    }

    /// Replaces the row with this key.
    pub fn update(&self, id: i64, v: &str, stamp: &str) {
        self.delete(id);
        self.insert_at(id, v, stamp);
    }

    pub fn delete(&self, id: i64) {
        self.database().rows.retain(|row| row[0] != Value::Int(id));
    }

    pub fn database(&self) -> MutexGuard<'_, Database> {
        self.world.database()
    }

    pub fn dataset(&self) -> MutexGuard<'_, Dataset> {
        self.world.dataset()
    }

    /// Somebody changes the mapping's rows in the target.
    pub fn damage(&self, damage: impl FnOnce(&mut Vec<Row>)) {
        let mut dataset = self.dataset();
        let table = dataset.tables.get_mut("t").unwrap();
        let (mut own, others) = std::mem::take(&mut table.rows).into_iter().partition(|row| !self.is_neighbour(row));
        table.rows = others;
        damage(&mut own);
        for row in &mut own {
            if !self.neighbours.is_empty() && row.len() == 3 {
                row.push(Value::Text(SHARD.to_owned()));
            }
            row.resize(table.columns.len(), Value::Null);
        }
        table.rows.extend(own);
    }

    fn is_neighbour(&self, row: &Row) -> bool {
        !self.neighbours.is_empty() && row[3] == Value::Text(NEIGHBOUR.to_owned())
    }

    /// The kinds of publish to the target since the last call of this.
    pub fn published(&self) -> Vec<PublishKind> {
        std::mem::take(&mut self.dataset().published)
    }

    /// The calls since the script was cleared.
    pub fn calls(&self) -> Vec<Call> {
        self.world.script.calls()
    }

    pub fn pass(&self, by: TimeDelta) {
        self.world.clock.pass(by);
    }

    /// The `nth` call of a kind from now on meets this trouble.
    pub fn trouble(&self, call: Call, nth: usize, trouble: Trouble) {
        self.world.script.add(Some(call), nth, trouble);
    }

    /// The `nth` call of any kind from now on meets this trouble.
    pub fn trouble_at(&self, nth: usize, trouble: Trouble) {
        self.world.script.add(None, nth, trouble);
    }

    /// A process with a host's state.
    pub fn process_of(&self, host: &str) -> Process {
        Process::start(Arc::clone(&self.world), self.ports(host))
    }

    fn ports(&self, host: &str) -> Ports<Memory> {
        let Self { world, mapping, settings, inline_rows, .. } = self;
        let text = format!(
            "project: p\ndataset: d\ninline_rows: {inline_rows}\n{settings}mappings:\n  - {{name: t, mysql_table: t, bigquery_table: t, {mapping}}}"
        );
        let config = config::parse(&text, Path::new("config.yaml"), &|_| None).unwrap_or_else(|problems| {
            panic!("{text}\n{problems:?}");
        });
        Ports {
            config: Arc::new(config),
            source: Arc::new(MemorySource(Arc::clone(world))),
            warehouse: Arc::new(MemoryWarehouse(Arc::clone(world))),
            state: Arc::new(MemoryState { world: Arc::clone(world), identity: host.to_owned() }),
            limits: BatchLimits { rows: self.batch, ..BatchLimits::default() },
            patience: Patience::FULL,
            operator: "tester@here".into(),
            clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
            outlets: Arc::new(Outlets::default()),
        }
    }

    /// Runs a process with one command; `None` if it is killed before its end.
    pub fn run(&self, command: Command) -> Option<MappingReport> {
        let mut process = self.process_of(HERE);
        process.send(command);
        process.ends()
    }

    /// Runs a process with one command, which must succeed.
    pub fn succeeds(&self, command: Command) -> MappingReport {
        let report = self.run(command).expect("nobody kills it");
        assert_eq!(report.outcome, Outcome::Ok, "{report:#?}");
        report
    }

    pub fn state(&self) -> MappingState {
        self.state_of("t")
    }

    /// The state of the mapping, or of a part of its backfill.
    pub fn state_of(&self, key: &str) -> MappingState {
        self.world.remembered(HERE, |state| state.of(&MappingName(key.to_owned())))
    }

    /// An operator edits the state.
    pub fn edit(&self, edit: impl FnOnce(&mut MappingState)) {
        let mapping = MappingName("t".to_owned());
        self.world.remembered(HERE, |known| {
            let mut state = known.of(&mapping);
            edit(&mut state);
            known.set(&mapping, &state);
        });
    }

    /// The rows of the target in the order of the source's columns, without those marked as deleted.
    pub fn arrived(&self) -> Vec<Row> {
        let (database, dataset) = (self.world.database(), self.world.dataset());
        let Some(table) = dataset.tables.get("t") else { return Vec::new() };
        let mark = table.columns.iter().position(|c| c.name == "gone");
        let places: Vec<usize> = database.schema.columns.iter().map(|c| table.position(&c.name)).collect();
        let own = table.rows.iter().filter(|row| !self.is_neighbour(row));
        let held = own.filter(|row| mark.is_none_or(|mark| row[mark] == Value::Null));
        let mut rows: Vec<Row> = held.map(|row| places.iter().map(|&place| row[place].clone()).collect()).collect();
        rows.sort();
        rows
    }

    /// Asserts that the other shard's rows are unchanged and none is marked.
    #[track_caller]
    fn leaves_neighbours(&self, after: &str) {
        let dataset = self.dataset();
        let Some(table) = dataset.tables.get("t") else { return };
        let of_others = table.rows.iter().filter(|row| self.is_neighbour(row));
        let (of_others, added): (Vec<Row>, Vec<Row>) =
            of_others.map(|row| (row[..4].to_vec(), row[4..].to_vec())).unzip();
        assert!(of_others == self.neighbours, "after {after}: rows of another shard");
        assert!(added.iter().flatten().all(|value| *value == Value::Null), "after {after}: marks of another shard");
    }

    /// Asserts that the rows are equal: none is missing, none is doubled.
    #[track_caller]
    pub fn is_equal(&self, after: &str) {
        self.leaves_neighbours(after);
        let mut expected = self.world.database().rows.clone();
        expected.sort();
        let arrived = self.arrived();
        let only = |rows: &[Row], others: &[Row]| -> Vec<String> {
            rows.iter().filter(|row| !others.contains(row)).map(words).collect()
        };
        assert!(
            arrived == expected,
            "after {after}: {} rows arrived of {}; missing: {:?}; too many: {:?}",
            arrived.len(),
            expected.len(),
            only(&expected, &arrived),
            only(&arrived, &expected)
        );
    }

    /// Asserts that runs left nothing behind.
    #[track_caller]
    pub fn is_tidy(&self, after: &str) {
        let left: Vec<String> =
            self.dataset().tables.keys().filter(|table| table.starts_with(STAGING_PREFIX)).cloned().collect();
        assert!(left.is_empty(), "after {after}: left behind: {left:?}");
        let states = self.world.remembered(HERE, |state| state.all());
        for (mapping, state) in states {
            assert_eq!(state.pending, None, "after {after}: of {mapping}");
        }
    }
}

pub fn row(id: i64, v: &str, stamp: &str) -> Row {
    vec![Value::Int(id), Value::Text(v.to_owned()), Value::At(at(stamp))]
}

fn words(row: &Row) -> String {
    row.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
