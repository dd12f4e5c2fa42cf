//! A table in memory as a MySQL server has it: rows, open transactions, a clock.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{NaiveDateTime, TimeDelta};

use super::value::{Row, Value};
use crate::domain::column::{SourceColumn, SourceSchema};
use crate::domain::cursor::{Cursor, CursorKind, Moment};
use crate::domain::fence::{Blind, OpenWrite, Sight, Writers};
use crate::domain::window::{Low, Window};
use crate::source::{Bounds, BoundsAsk, Looked, StretchAsk, TailAsk, TailStretch, TailSum};

/// The server, with a single table.
#[derive(Debug)]
pub struct Database {
    pub schema: SourceSchema,
    /// The committed rows.
    pub rows: Vec<Row>,
    pub open: Vec<Transaction>,
    pub sight: Sight,
    pub blind: Vec<Blind>,
    pub is_balanced: bool,
    /// How far the server's clock is ahead.
    pub ahead: TimeDelta,
    /// The number of the next row, if a column is AUTO_INCREMENT.
    pub next_number: Option<u64>,
}

/// A transaction that has not committed.
#[derive(Debug)]
pub struct Transaction {
    pub write: OpenWrite,
    pub rows: Vec<Row>,
}

impl Database {
    pub fn new(columns: Vec<SourceColumn>) -> Self {
        let schema = SourceSchema {
            columns,
            unique_keys: vec![vec!["id".to_owned()]],
            indexes: vec![vec!["id".to_owned()], vec!["at".to_owned()]],
            is_view: false,
            is_transactional: true,
            hides_columns: false,
            rows_estimate: None,
            comment: None,
        };
        Self {
            schema,
            rows: Vec::new(),
            open: Vec::new(),
            sight: Sight::Locks,
            blind: Vec::new(),
            is_balanced: false,
            ahead: TimeDelta::zero(),
            next_number: None,
        }
    }

    /// Begins a transaction that has stamped a row.
    pub fn begin(&mut self, thread: u64, since: NaiveDateTime, row: Row) {
        let write = OpenWrite { since: Some(since), thread: Some(thread), begun: Some(thread.to_string()) };
        self.open.push(Transaction { write, rows: vec![row] });
    }

    /// Commits all open transactions.
    pub fn commit(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.rows.extend(open.into_iter().flat_map(|transaction| transaction.rows));
    }

    pub fn position(&self, column: &str) -> usize {
        self.schema.columns.iter().position(|c| c.name == column).unwrap()
    }

    pub fn writers(&self, at: NaiveDateTime) -> Writers {
        let open = match self.sight {
            Sight::Nothing => Vec::new(),
            Sight::Transactions | Sight::Locks => self.open.iter().map(|t| t.write.clone()).collect(),
        };
        Writers { sight: self.sight, blind: self.blind.clone(), at, open }
    }

    /// The values of a column within a window, in order.
    fn values(&self, column: &str, window: &Window) -> Vec<Cursor> {
        let position = self.position(column);
        let mut values: Vec<Value> = self.rows.iter().map(|row| row[position].clone()).collect();
        values.sort();
        values.iter().filter_map(Value::cursor).filter(|value| holds(window, value)).collect()
    }

    pub fn step_end(&self, ask: &StretchAsk, rows: u64) -> Option<Cursor> {
        let values = self.values(&ask.column, &ask.window);
        let end = values.get(usize::try_from(rows.saturating_sub(1)).unwrap()).copied();
        end.filter(|end| *end != ask.window.high)
    }

    pub fn count(&self, ask: &StretchAsk) -> u64 {
        self.values(&ask.column, &ask.window).len() as u64
    }

    pub fn bounds(&self, ask: &BoundsAsk, now: NaiveDateTime) -> Bounds {
        let position = self.position(&ask.column);
        let values: Vec<&Value> = self.rows.iter().map(|row| &row[position]).collect();
        let newest = values.iter().filter_map(|value| value.cursor()).reduce(Cursor::max_of);
        let settle = now - TimeDelta::from_std(ask.settle).unwrap();
        let limit = shown(ask.before.map_or(settle, |before| before.min(settle)), ask.kind);
        let settled = values.iter().filter_map(|value| value.cursor()).filter(|value| {
            begins_below(&ask.low, value) && limit.is_none_or(|limit| value.max_of(limit) == limit && *value != limit)
        });
        let high = settled.reduce(Cursor::max_of);
        let is_beyond = newest.is_some_and(|newest| begins_below(&ask.low, &newest));
        let at = std::time::Instant::now();
        Bounds {
            looked: Looked { asked: at, answered: at },
            high,
            rows: high.filter(|_| ask.wants_rows).map(|high| {
                let window = Window { low: ask.low, high };
                self.values(&ask.column, &window).len() as u64
            }),
            newest,
            now,
            tick: shown(now, ask.kind),
            limit,
            next_number: self.next_number.filter(|_| ask.kind == CursorKind::Int && !is_beyond),
            has_nulls: ask.nullable && values.contains(&&Value::Null),
        }
    }

    pub fn tail_sums(&self, ask: &TailAsk) -> Vec<Vec<TailSum>> {
        ask.stretches.iter().map(|stretch| self.sums(ask, stretch)).collect()
    }

    fn sums(&self, ask: &TailAsk, stretch: &TailStretch) -> Vec<TailSum> {
        let cursor = self.position(&ask.column);
        let told: Vec<usize> = ask.keys.iter().map(|key| self.position(key)).chain([cursor]).collect();
        let window = Window { low: Low::After(stretch.above), high: stretch.high };
        let mut sums: Vec<TailSum> = Vec::new();
        if !stretch.by_hour {
            sums.push(TailSum { hour: String::new(), rows: 0, sum: "0".to_owned() });
        }
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| row[cursor].clone());
        for row in rows {
            let Some(value) = row[cursor].cursor().filter(|value| holds(&window, value)) else { continue };
            if stretch.unless_now.is_some_and(|now| another_zone_shows(&value, &now)) {
                continue;
            }
            let hour = if stretch.by_hour { value.to_string()[..13].to_owned() } else { String::new() };
            if sums.last().is_none_or(|sum| sum.hour != hour) {
                sums.push(TailSum { hour, rows: 0, sum: "0".to_owned() });
            }
            let sum = sums.last_mut().unwrap();
            sum.rows += 1;
            sum.sum = (sum.sum.parse::<u128>().unwrap() + u128::from(hash(row, &told))).to_string();
        }
        sums
    }
}

/// An instant as a value of the column; `None` for a column of numbers.
fn shown(instant: NaiveDateTime, kind: CursorKind) -> Option<Cursor> {
    let moment = Moment::from_naive(instant);
    match kind {
        CursorKind::Int => None,
        CursorKind::DateTime { fsp, .. } => Some(Cursor::Moment(moment.truncated(fsp))),
        CursorKind::Date => Some(Cursor::Moment(moment.midnight())),
    }
}

fn hash(row: &Row, of: &[usize]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for &position in of {
        row[position].hash(&mut hasher);
    }
    hasher.finish() >> 32
}

/// The same condition as MySQL's: a whole number of quarters of an hour ago, within two seconds.
fn another_zone_shows(value: &Cursor, now: &Cursor) -> bool {
    let instant = |cursor: &Cursor| match cursor {
        Cursor::Moment(moment) => moment.to_naive(),
        Cursor::Int(_) => None,
    };
    let Some((value, now)) = instant(value).zip(instant(now)) else { return false };
    let age = (now - value).num_seconds();
    (898..=93_602).contains(&age) && (age + 2) % 900 <= 4
}

fn begins_below(low: &Low, value: &Cursor) -> bool {
    match low {
        Low::Beginning => true,
        Low::After(low) => value != low && value.max_of(*low) == *value,
        Low::From(low) => value.max_of(*low) == *value,
    }
}

/// Tells if the window holds the value.
pub fn holds(window: &Window, value: &Cursor) -> bool {
    begins_below(&window.low, value) && window.high.max_of(*value) == window.high
}
