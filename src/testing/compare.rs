//! Both sides of a comparison in memory: rows as text, hashed by this process.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::script::Call;
use super::source::MemorySource;
use super::tables::holds;
use super::value::{Row, Value};
use super::warehouse::MemoryWarehouse;
use crate::domain::fault::Fault;
use crate::domain::verify::{
    Cell, Comparable, Comparison, Cut, Grain, Key, Keyed, NewestBy, NewestRows, PartSum, Parts, RowDigest, SeenRow,
};
use crate::source::ContentSum;

/// A row of the plan's columns, as one side gives it.
pub fn digest(comparison: &Comparison, row: &Row) -> RowDigest {
    let text = |&key: &usize| Some(&row[key]).filter(|value| **value != Value::Null).map(ToString::to_string);
    let key = comparison.plan.keys.iter().map(text).collect();
    let cursor = comparison.plan.cursor.and_then(|cursor| row[cursor.position].cursor());
    let in_window = comparison.window.is_none_or(|window| cursor.is_some_and(|value| holds(&window, &value)));
    RowDigest { key, hash: format!("{:016x}", hash(row)), in_window }
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn part(key: &Key, grain: Grain) -> u64 {
    match grain {
        Grain::Range { base, bits } => {
            let number: i64 = key[0].as_ref().unwrap().parse().unwrap();
            u64::try_from(number - base).unwrap() >> bits
        }
        Grain::Hash { bits } => hash(key) & ((1 << bits) - 1),
        Grain::Whole => 0,
    }
}

pub fn lies_in(row: &RowDigest, parts: &Parts) -> bool {
    let part = part(&row.key, parts.grain);
    parts.runs.iter().any(|(first, last)| (*first..=*last).contains(&part))
}

/// Rows and sums of a comparison's columns, by part.
pub fn summed(comparison: &Comparison, rows: &[Row], grain: Grain) -> Vec<PartSum> {
    let digests: Vec<_> = rows.iter().map(|row| digest(comparison, row)).collect();
    sums(&digests, &Cut { grain, within: None })
}

fn span(comparison: &Comparison, rows: &[RowDigest]) -> Option<(i64, i64)> {
    comparison.number_key()?;
    let number = |row: &RowDigest| row.key[0].as_ref().unwrap().parse::<i64>().unwrap();
    Some((rows.iter().map(number).min()?, rows.iter().map(number).max()?))
}

fn sums(rows: &[RowDigest], cut: &Cut) -> Vec<PartSum> {
    let mut sums: BTreeMap<u64, PartSum> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.in_window && cut.within.as_ref().is_none_or(|parts| lies_in(row, parts))) {
        let part = part(&row.key, cut.grain);
        let sum = sums.entry(part).or_insert(PartSum { part, rows: 0, hashes: 0 });
        sum.rows += 1;
        sum.hashes += u128::from_str_radix(&row.hash, 16).unwrap();
    }
    sums.into_values().collect()
}

/// A row as the operator sees it.
fn seen(comparison: &Comparison, row: &Row) -> SeenRow {
    let RowDigest { key, in_window, .. } = digest(comparison, row);
    let cell = |value: &Value| {
        let text = Some(value).filter(|value| **value != Value::Null).map(ToString::to_string);
        Cell { shown: text.clone(), hash: text }
    };
    SeenRow { key, cells: row.iter().map(cell).collect(), in_window }
}

impl NewestRows for MemorySource {
    async fn newest_rows(
        &self,
        comparison: &Comparison,
        newest: &NewestBy,
        most: usize,
    ) -> Result<Vec<SeenRow>, Fault> {
        let mut rows = self.held(comparison);
        rows.sort_by_cached_key(|row| {
            std::cmp::Reverse(newest.columns.iter().map(|&at| row[at].clone()).collect::<Vec<_>>())
        });
        self.0
            .script
            .at(Call::RowDigests, || Ok(rows.iter().take(most).map(|row| seen(comparison, row)).collect()))
            .await
    }
}

impl Keyed for MemoryWarehouse {
    async fn rows_of(&self, comparison: &Comparison, keys: &[Key]) -> Result<Vec<SeenRow>, Fault> {
        let rows: Vec<SeenRow> = self.held(comparison).iter().map(|row| seen(comparison, row)).collect();
        let wanted = || rows.iter().filter(|row| keys.contains(&row.key)).cloned().collect();
        self.0.script.at(Call::RowDigests, || Ok(wanted())).await
    }
}

impl MemorySource {
    /// This process uses the same hash for both sums.
    pub fn content(&self, comparison: &Comparison, cut: &Cut, compared: bool) -> Vec<ContentSum> {
        let sums = sums(&self.digests(comparison), cut).into_iter();
        sums.map(|sum| ContentSum { content: sum, compared: compared.then_some(sum) }).collect()
    }

    fn held(&self, comparison: &Comparison) -> Vec<Row> {
        let database = self.0.database();
        let places: Vec<usize> =
            comparison.plan.columns.iter().map(|column| database.position(&column.source.name)).collect();
        let row = |row: &Row| places.iter().map(|&place| row[place].clone()).collect();
        database.rows.iter().map(row).collect()
    }

    fn digests(&self, comparison: &Comparison) -> Vec<RowDigest> {
        self.held(comparison).iter().map(|row| digest(comparison, row)).collect()
    }
}

impl Comparable for MemorySource {
    async fn key_span(&self, comparison: &Comparison) -> Result<Option<(i64, i64)>, Fault> {
        self.0.script.at(Call::KeySpan, || Ok(span(comparison, &self.digests(comparison)))).await
    }

    async fn part_sums(&self, comparison: &Comparison, cut: &Cut) -> Result<Vec<PartSum>, Fault> {
        self.0.script.at(Call::PartSums, || Ok(sums(&self.digests(comparison), cut))).await
    }

    async fn row_digests(&self, comparison: &Comparison, parts: &Parts) -> Result<Vec<RowDigest>, Fault> {
        let rows = || self.digests(comparison).into_iter().filter(|row| lies_in(row, parts)).collect();
        self.0.script.at(Call::RowDigests, || Ok(rows())).await
    }
}

impl MemoryWarehouse {
    /// The rows of the window without those marked as deleted; in an append only the newest versions.
    fn held(&self, comparison: &Comparison) -> Vec<Row> {
        let dataset = self.0.dataset();
        let table = &dataset.tables[&comparison.target.table];
        let plan = &comparison.plan;
        let mark = plan.deleted_column.as_ref().map(|mark| table.position(mark));
        let places: Vec<usize> = plan.columns.iter().map(|column| table.position(&column.target_name)).collect();
        let own = table.of_shard(plan.shard.as_ref()).into_iter().map(|at| &table.rows[at]);
        let held = own.filter(|row| mark.is_none_or(|mark| row[mark] == Value::Null));
        let held: Vec<Row> = held.map(|row| places.iter().map(|&place| row[place].clone()).collect()).collect();
        let key = |row: &Row| -> Row { plan.keys.iter().map(|&key| row[key].clone()).collect() };
        let mut newest: BTreeMap<Row, Value> = BTreeMap::new();
        let version = |row: &Row| plan.cursor.map_or(Value::Null, |cursor| row[cursor.position].clone());
        for row in &held {
            let known = newest.entry(key(row)).or_insert(Value::Null);
            *known = known.clone().max(version(row));
        }
        let is_newest = |row: &&Row| !comparison.newest_only || newest[&key(row)] == version(row);
        held.iter().filter(is_newest).cloned().collect()
    }

    fn digests(&self, comparison: &Comparison) -> Vec<RowDigest> {
        let held = self.held(comparison);
        held.iter().map(|row| digest(comparison, row)).filter(|row| row.in_window).collect()
    }
}

impl Comparable for MemoryWarehouse {
    async fn key_span(&self, comparison: &Comparison) -> Result<Option<(i64, i64)>, Fault> {
        self.0.script.at(Call::KeySpan, || Ok(span(comparison, &self.digests(comparison)))).await
    }

    async fn part_sums(&self, comparison: &Comparison, cut: &Cut) -> Result<Vec<PartSum>, Fault> {
        self.0.script.at(Call::PartSums, || Ok(sums(&self.digests(comparison), cut))).await
    }

    async fn row_digests(&self, comparison: &Comparison, parts: &Parts) -> Result<Vec<RowDigest>, Fault> {
        let rows = || self.digests(comparison).into_iter().filter(|row| lies_in(row, parts)).collect();
        self.0.script.at(Call::RowDigests, || Ok(rows())).await
    }
}
