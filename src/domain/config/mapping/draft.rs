//! The keys of one mapping, and the rules between them.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::blank::{blank_mapping, unquoted};
use super::columns::Columns;
use super::shards::{Beside, Shards};
use super::tables::Tables;
use crate::domain::column::same_name;
use crate::domain::config::content::{Deletes, Mapping, Mode, Operator};
use crate::domain::config::key::{At, put};
use crate::domain::config::read::{Place, Reading, Value};
use crate::domain::config::yaml::{Kind, Node};
use crate::domain::config::{NamedSource, deletes, table_options, validate};
use crate::domain::ids::{MappingName, PART};
use crate::domain::lookback::Lookback;
use crate::domain::naming;
use crate::domain::target_type::TargetType;

/// Source: BigQuery reference, "Primary and foreign keys".
const MOST_KEYS: usize = 16;
/// Source: BigQuery documentation, "Table naming" (UTF-8 bytes).
const LONGEST_TABLE_NAME: usize = 1024;

/// A mapping while it is read. Independent values go directly into `mapping`; values that are checked against other
/// keys wait here with their place until all keys are read.
#[derive(Debug, Clone)]
pub(in crate::domain::config) struct Draft {
    pub mapping: Mapping,
    /// The mode is not valid, so it is unknown which keys go with it.
    mode_is_wrong: bool,
    /// The value of `mode`, in the entry or for all.
    pub said_mode: Option<Mode>,
    pub says_auto: bool,
    pub tables: Tables,
    /// The servers of `sources`.
    pub sources: Vec<NamedSource>,
    /// The zone of `default_timezone`.
    pub timezone: Tz,
    pub name: Option<Value>,
    pub table: Option<Value>,
    pub target: Option<Named>,
    pub keys: Keys,
    pub cursor: Cursor,
    pub backfill_start: Option<Place>,
    pub operator: Option<Place>,
    pub lookback: Option<Value>,
    pub columns: Vec<(String, Value)>,
    pub exclude: Vec<Value>,
    pub options: table_options::Draft,
    pub cluster_by: Vec<Value>,
    pub deletes: deletes::Draft,
    pub of_columns: Columns,
    pub shards: Shards,
}

/// A name that no other mapping may have, and where it was given.
#[derive(Debug, Clone)]
pub(in crate::domain::config) struct Named {
    pub name: String,
    pub line: usize,
}

/// The value of `primary_keys`.
#[derive(Debug, Clone, Default)]
pub(in crate::domain::config) struct Keys {
    values: Vec<Value>,
    place: Option<Place>,
    is_written: bool,
    /// A list was given; if it could not be read, the problem is recorded already.
    is_given: bool,
}

impl Keys {
    pub fn take(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.values, at.columns(MOST_KEYS, "name the columns of the shortest unique index"));
        self.is_given |= at.node().is_some_and(|node| !is_empty_list(node));
        self.is_written |= at.is_written();
        self.place = Some(at.place());
    }

    pub fn of(values: Vec<Value>) -> Self {
        Self { values, is_given: true, ..Self::default() }
    }

    pub const fn are_named(&self) -> bool {
        !self.values.is_empty()
    }

    fn names(&self, column: &str) -> bool {
        self.values.iter().any(|key| same_name(&key.text, column))
    }
}

/// The value of `incremental_column`.
#[derive(Debug, Clone, Default)]
pub(in crate::domain::config) struct Cursor {
    value: Option<Value>,
    place: Option<Place>,
    /// A value was given; if it could not be read, the problem is recorded already.
    is_given: bool,
}

impl Cursor {
    pub fn take(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.value, at.value().map(Some));
        self.is_given |= at.node().is_some();
        self.place = Some(at.place());
    }

    pub fn of(value: Option<Value>) -> Self {
        Self { value, place: None, is_given: true }
    }

    pub fn named(&self) -> Option<&str> {
        self.value.as_ref().map(|value| value.text.as_str())
    }
}

fn is_empty_list(node: &Node) -> bool {
    matches!(&node.kind, Kind::Sequence(nodes) if nodes.is_empty())
}

impl Draft {
    /// The state before anything is read. Reading adds the defaults that the keys declare.
    pub fn blank() -> Self {
        Self {
            mapping: blank_mapping(),
            mode_is_wrong: false,
            said_mode: None,
            says_auto: false,
            tables: Tables::default(),
            sources: Vec::new(),
            timezone: Tz::UTC,
            name: None,
            table: None,
            target: None,
            keys: Keys::default(),
            cursor: Cursor::default(),
            backfill_start: None,
            operator: None,
            lookback: None,
            columns: Vec::new(),
            exclude: Vec::new(),
            options: table_options::Draft::default(),
            cluster_by: Vec::new(),
            deletes: deletes::Draft::new(),
            of_columns: Columns::default(),
            shards: Shards::default(),
        }
    }

    pub fn take_name(&mut self, at: &mut At<'_, '_>) {
        self.name = at.value();
        if let Some(name) = self.name.as_ref().filter(|name| name.text.contains(PART)) {
            let message = format!("{} holds `{PART}`", name.place.name);
            let hint = "choose another name: the state keeps parts of backfills under such names";
            at.r.problem(name.line, message, hint);
        }
    }

    /// A dot is part of a table's name in MySQL; in BigQuery it would name another dataset.
    pub fn take_target(&mut self, at: &mut At<'_, '_>) {
        let (name, line) = match at.value() {
            Some(value) if value.text.contains('.') => {
                at.r.refuse(&value, "write the table alone; project and dataset stand at the top");
                self.target = None;
                return;
            }
            Some(value) => (value.text, value.line),
            None => match &self.table {
                _ if self.shards.are_listed() => return Shards::refuse_no_target(at),
                Some(table) => (unquoted(&table.text), table.place.line),
                None => return,
            },
        };
        let table = naming::table_name(&name);
        if table.len() > LONGEST_TABLE_NAME {
            let message = format!("{} is longer than {LONGEST_TABLE_NAME} bytes", at.place().name);
            at.r.problem(line, message, "choose a shorter `bigquery_table`");
        }
        self.target = line.map(|line| Named { name: table, line });
    }

    /// Reads a table, or a list of tables that go into one.
    pub fn take_table(&mut self, at: &mut At<'_, '_>) {
        if at.node().is_some_and(|node| matches!(node.kind, Kind::Sequence(_))) {
            self.shards.take_tables(at);
        } else {
            put(&mut self.table, at.value().map(Some));
        }
    }

    pub fn take_mode(&mut self, at: &mut At<'_, '_>, words: &[(&str, Option<Mode>)]) {
        let mode = at.choice(words);
        self.mode_is_wrong = mode.is_none() && at.node().is_some();
        if at.node().is_some() {
            (self.said_mode, self.says_auto) = (mode.flatten(), mode == Some(None));
        }
        put(&mut self.mapping.mode, mode.flatten());
    }

    pub fn take_backfill_start(&mut self, at: &mut At<'_, '_>) {
        if let Some(start) = at.checked(validate::cursor_value) {
            self.mapping.backfill_start = Some(start);
            self.backfill_start = Some(at.place());
        }
    }

    pub fn take_operator(&mut self, at: &mut At<'_, '_>, words: &[(&str, Operator)]) {
        if let Some(operator) = at.choice(words) {
            self.mapping.operator = operator;
            self.operator = Some(Place { line: at.node().map(|node| node.line), ..at.place() });
        }
    }

    /// The mappings of an entry, one for each of its tables, and none if a value that it needs is missing. Problems are
    /// recorded.
    pub fn finish(mut self, r: &mut Reading<'_>) -> Vec<Mapping> {
        let shards = std::mem::take(&mut self.shards);
        let table = self.table.take();
        let beside = Beside {
            mode: self.mapping.mode,
            keys: &self.keys.values,
            deleted: self.deletes.column(),
            loaded_at: self.of_columns.loaded_at_name(),
        };
        shards.check(r, table.as_ref(), &beside);
        self.whole(r).map_or_else(Vec::new, |mapping| shards.mappings(r, table.as_ref(), &mapping))
    }

    /// The mapping without a table, for each of the tables.
    fn whole(self, r: &mut Reading<'_>) -> Option<Mapping> {
        self.check_keys(r);
        self.check_cursor(r);
        let lookback = self.lookback(r);
        let columns = self.overrides(r);
        self.check_exclude(r);
        let (mask, rename) =
            (self.of_columns.masks(r, &self.placing(), &self.exclude, &self.columns), self.of_columns.names(r));
        // A mirror without keys is refused because of the keys.
        let is_told = self.keys.is_written || self.mapping.mode == Mode::Mirror;
        let has_keys = !self.keys.values.is_empty() || is_told;
        let deletes = match self.mapping.mode {
            // `deletes` is refused for this mode, unless it comes from `defaults`.
            Mode::Replace => Deletes::Ignore,
            mode @ (Mode::Append | Mode::Upsert | Mode::Mirror) => self.deletes.finish(r, has_keys, mode),
        };
        let (partition_by, options) = self.options.finish(r);
        let mut mapping = Mapping { mask, rename, partition_by, options, deletes, ..self.mapping };
        mapping.loaded_at = self.of_columns.loaded_at(r, mapping.deleted_column());
        mapping.new_columns = self.of_columns.patterns;
        mapping.name = MappingName(self.name?.text);
        mapping.target.table = self.target?.name;
        // Keys that the mode ignores may stay in the file: the mode is one word, and may be changed back.
        if mapping.mode.has_windows() {
            mapping.incremental_column = Some(self.cursor.value?.text);
        } else {
            mapping.backfill_start = None;
        }
        mapping.primary_keys = texts(self.keys.values);
        mapping.exclude = texts(self.exclude);
        mapping.cluster_by = texts(self.cluster_by);
        Some(Mapping { lookback, columns, ..mapping })
    }

    /// The columns that tell rows apart, order them or partition them.
    fn placing(&self) -> Vec<&Value> {
        let cursor = self.cursor.value.iter().filter(|_| self.mapping.mode.has_windows());
        self.keys.values.iter().chain(cursor).chain(self.options.column()).collect()
    }

    fn check_keys(&self, r: &mut Reading<'_>) {
        if self.mode_is_wrong {
            return;
        }
        let Some(place) = self.keys.place.as_ref().filter(|_| self.keys.values.is_empty() && !self.keys.is_given)
        else {
            return;
        };
        let hint = "name the columns that tell rows apart: `primary_keys: [id]`";
        if let mode @ (Mode::Upsert | Mode::Mirror) = self.mapping.mode {
            r.problem(place.line, format!("{} is missing, but `mode: {}` needs it", place.name, mode.word()), hint);
        } else if let Some(operator) = &self.operator
            && self.mapping.operator == Operator::GreaterOrEqual
            && self.mapping.mode == Mode::Append
        {
            let message =
                format!("{} reads rows a second time, and without `primary_keys` they would be doubled", operator.name);
            r.problem(operator.line, message, hint);
        }
    }

    /// Checks the keys about windows: a mode with windows needs the incremental column, and a mode without takes none
    /// of these keys.
    fn check_cursor(&self, r: &mut Reading<'_>) {
        if self.mode_is_wrong {
            return;
        }
        if self.mapping.mode.has_windows() {
            let missing = self.cursor.place.as_ref().filter(|_| self.cursor.value.is_none() && !self.cursor.is_given);
            if let Some(place) = missing {
                let hint = "name the column that grows with every change, such as `updated_at`; a table without one takes \
                            `mode: mirror` or `mode: replace`";
                r.problem(place.line, format!("{} is missing", place.name), hint);
            }
            return;
        }
        // Values from `defaults` are for the mappings that have a use for them.
        let is_own = |place: &&Place| !place.is_shared();
        let lookback = self.lookback.as_ref().map(|value| &value.place);
        let operator = self.operator.as_ref().filter(|place| place.line.is_some());
        for place in lookback.into_iter().chain(&self.backfill_start).chain(operator).filter(is_own) {
            let message = format!("{} does not go with `mode: {}`", place.name, self.mapping.mode.word());
            r.problem(place.line, message, "take it out: every run looks at the whole table");
        }
        if self.mapping.mode == Mode::Replace {
            self.deletes.refuse(r);
        }
    }

    /// Rows that are read again replace existing ones, so only upserts take a lookback; an append would have to look up
    /// each row. In both modes 0 overrides the default.
    fn lookback(&self, r: &mut Reading<'_>) -> Option<Lookback> {
        let value = self.lookback.as_ref().filter(|_| self.mapping.mode.has_windows())?;
        match value.text.parse::<Lookback>() {
            Ok(lookback) if self.mapping.mode == Mode::Append && !lookback.is_none() => {
                if value.place.is_shared() {
                    return None;
                }
                r.refuse(value, "with `mode: append` it may be 0 alone; take it out");
                None
            }
            Ok(lookback) => Some(lookback),
            Err(hint) => {
                r.refuse(value, hint);
                None
            }
        }
    }

    fn overrides(&self, r: &mut Reading<'_>) -> BTreeMap<String, TargetType> {
        let mut columns = BTreeMap::new();
        for (column, value) in &self.columns {
            match value.text.parse::<TargetType>() {
                Err(_) => r.refuse(value, type_hint(&value.text)),
                Ok(target) if !target.can_be_key() && self.keys.names(column) => r.problem(
                    value.line,
                    format!("{} is {target}, which BigQuery does not take as a primary key", value.place.name),
                    "choose another type, or other `primary_keys`",
                ),
                Ok(target) => {
                    columns.insert(column.clone(), target);
                }
            }
        }
        columns
    }

    /// Refuses to exclude columns that other keys need.
    fn check_exclude(&self, r: &mut Reading<'_>) {
        let needed: Vec<_> = self.placing().into_iter().chain(&self.cluster_by).collect();
        for value in &self.exclude {
            if let Some(other) = needed.iter().find(|other| same_name(&other.text, &value.text)) {
                let message =
                    format!("{} names `{}`, which `{}` needs", value.place.name, value.written, other.place.key);
                r.problem(value.line, message, "take it out of `exclude`");
            }
        }
    }
}

fn texts(values: Vec<Value>) -> Vec<String> {
    values.into_iter().map(|value| value.text).collect()
}

fn type_hint(written: &str) -> String {
    match written.split_once('(') {
        Some((name, _)) if name.trim().parse::<TargetType>().is_ok() => {
            format!("write `{}` without parameters", name.trim())
        }
        _ => validate::nearest_type(written),
    }
}
