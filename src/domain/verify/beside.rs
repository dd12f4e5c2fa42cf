//! Rows of both sides put side by side, for somebody who looks: the newest of the source, and what the target holds under
//! their keys.

use std::collections::BTreeMap;
use std::fmt;

use super::{Comparison, Key};
use crate::domain::column::{SourceSchema, same_name};
use crate::domain::plan::TablePlan;

/// Characters of a value that are fetched.
pub const MOST_CHARACTERS: usize = 4_000;

/// A value as a side tells of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// For people; a masked value is only said to be one. `None`: NULL.
    pub shown: Option<String>,
    /// The hash of the way in which both sides write it alike; `None`: NULL, or not compared.
    pub hash: Option<String>,
}

/// Row values reach no log.
impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").finish_non_exhaustive()
    }
}

/// A row with its key.
#[derive(Clone, PartialEq, Eq)]
pub struct SeenRow {
    pub key: Key,
    pub cells: Vec<Cell>,
    /// It lies in the window. Only the source tells of rows that do not.
    pub in_window: bool,
}

impl fmt::Debug for SeenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenRow").field("in_window", &self.in_window).finish_non_exhaustive()
    }
}

/// A column of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenColumn {
    pub name: String,
    pub is_key: bool,
    pub is_masked: bool,
    /// Both sides can write it alike.
    pub is_compared: bool,
}

/// A row of the source, and the target's under the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub source: Vec<Cell>,
    /// `None`: there is none.
    pub target: Option<Vec<Cell>>,
    /// How often the target holds the key.
    pub copies: usize,
    /// It lies beyond the watermark: another run brings it, or its newest version.
    pub is_newer: bool,
}

impl Pair {
    /// Is the value of a column another one on the other side?
    #[must_use]
    pub fn differs(&self, column: usize) -> bool {
        let target = self.target.as_ref().and_then(|cells| cells.get(column));
        target.is_some_and(|target| self.source.get(column).is_some_and(|source| source.hash != target.hash))
    }

    #[must_use]
    pub fn is_alike(&self) -> bool {
        self.copies == 1 && !(0..self.source.len()).any(|column| self.differs(column))
    }
}

/// The rows side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    pub columns: Vec<SeenColumn>,
    /// The newest first.
    pub pairs: Vec<Pair>,
    /// What asking BigQuery for them reads.
    pub bytes: u64,
    /// The columns that say which row is the newest.
    pub by: Vec<String>,
    /// No index of the source has their order: it reads about so many rows, all it has, to find the newest.
    pub scans: Option<u64>,
}

/// What says which rows are the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestBy {
    /// Positions of the columns whose greatest values are the newest rows'.
    pub columns: Vec<usize>,
    /// An index of the source has their order: no other row is read.
    pub is_indexed: bool,
}

impl Beside {
    /// Before anything is asked of the target.
    #[must_use]
    pub fn of(comparison: &Comparison, newest: &NewestBy, bytes: u64) -> Self {
        let plan = &comparison.plan;
        let column = |(position, column): (usize, &crate::domain::plan::ColumnPlan)| SeenColumn {
            name: column.source.name.clone(),
            is_key: plan.keys.contains(&position),
            is_masked: column.mask.is_some(),
            is_compared: comparison.forms[position].is_some_and(super::Form::tells_values_apart),
        };
        let by = newest.columns.iter().map(|&position| plan.columns[position].source.name.clone()).collect();
        let columns = plan.columns.iter().enumerate().map(column).collect();
        Self { columns, pairs: Vec::new(), bytes, by, scans: None }
    }

    /// Each row of the source with what the target holds.
    #[must_use]
    pub fn with(mut self, source: Vec<SeenRow>, target: Vec<SeenRow>) -> Self {
        let mut held: BTreeMap<Key, Vec<Vec<Cell>>> = BTreeMap::new();
        for row in target {
            held.entry(row.key).or_default().push(row.cells);
        }
        let pair = |row: SeenRow| {
            let of_key = held.get(&row.key).map_or(&[][..], Vec::as_slice);
            Pair { target: of_key.first().cloned(), copies: of_key.len(), is_newer: !row.in_window, source: row.cells }
        };
        self.pairs = source.into_iter().map(pair).collect();
        self
    }
}

/// The incremental column, or the keys where the mapping has none; the keys too where an index has their order and none has
/// the incremental column's: the greatest keys mostly are the newest, and the table need not be read for them.
#[must_use]
pub fn newest_by(plan: &TablePlan, source: &SourceSchema) -> NewestBy {
    let cursor = plan.cursor.map(|cursor| cursor.position);
    if let Some(cursor) = cursor.filter(|&cursor| source.has_index_on(&plan.columns[cursor].source.name)) {
        return NewestBy { columns: vec![cursor], is_indexed: true };
    }
    if let Some(columns) = source.indexes.iter().find_map(|index| in_order(plan, index)) {
        return NewestBy { columns, is_indexed: true };
    }
    NewestBy { columns: cursor.map_or_else(|| plan.keys.clone(), |cursor| vec![cursor]), is_indexed: false }
}

/// The keys as an index begins with them; `None` where it does not.
fn in_order(plan: &TablePlan, index: &[String]) -> Option<Vec<usize>> {
    let named = |name: &String| plan.keys.iter().copied().find(|&key| same_name(&plan.columns[key].source.name, name));
    let first: Vec<usize> = index.iter().take(plan.keys.len()).map_while(named).collect();
    (!first.is_empty() && first.len() == plan.keys.len()).then_some(first)
}

/// Can rows of both sides be told to be the same row? Else why not.
#[must_use]
pub fn unmatched(comparison: &Comparison) -> Option<String> {
    let plan = &comparison.plan;
    if plan.keys.is_empty() {
        return Some("the mapping has no `primary_keys`: nothing says which rows belong together".to_owned());
    }
    let dark = plan.keys.iter().find(|&&key| !comparison.forms[key].is_some_and(super::Form::tells_values_apart));
    dark.map(|&key| {
        let name = &plan.columns[key].source.name;
        format!("both sides cannot write the key `{name}` alike: nothing says which rows belong together")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::samples::{number, plan};

    #[test]
    fn the_newest_are_found_by_an_index_where_there_is_one() {
        let plan = plan(vec![number("shop"), number("id"), number("version")], &[0, 1], 2);
        let newest = |indexes: &[&[&str]]| {
            let indexes = indexes.iter().map(|index| index.iter().map(ToString::to_string).collect()).collect();
            let source = SourceSchema {
                columns: Vec::new(),
                unique_keys: Vec::new(),
                indexes,
                is_view: false,
                is_transactional: true,
                hides_columns: false,
                rows_estimate: None,
                comment: None,
            };
            let newest = newest_by(&plan, &source);
            (newest.columns, newest.is_indexed)
        };
        assert_eq!(newest(&[&["ID", "shop"], &["version"]]), (vec![2], true));
        assert_eq!(newest(&[&["ID", "shop", "city"], &["city"]]), (vec![1, 0], true), "in the order of the index");
        assert_eq!(newest(&[&["id"], &["id", "city", "shop"]]), (vec![2], false));
        assert_eq!(newest(&[]), (vec![2], false));
    }

    fn row(key: &str, hashes: [Option<&str>; 2], in_window: bool) -> SeenRow {
        let cell = |hash: Option<&str>| Cell { shown: hash.map(str::to_owned), hash: hash.map(str::to_owned) };
        SeenRow { key: vec![Some(key.into())], cells: hashes.map(cell).to_vec(), in_window }
    }

    #[test]
    fn rows_are_paired_by_key_in_the_order_of_the_source() {
        let empty = Beside { columns: Vec::new(), pairs: Vec::new(), bytes: 0, by: Vec::new(), scans: None };
        let source = vec![
            row("9", [Some("n"), None], false),
            row("3", [Some("c"), Some("x")], true),
            row("2", [Some("b"), None], true),
            row("1", [Some("a"), None], true),
        ];
        let target = vec![
            row("1", [Some("a"), None], true),
            row("3", [Some("c"), None], true),
            row("1", [Some("a"), None], true),
        ];
        let pairs = empty.with(source, target).pairs;
        let told: Vec<_> =
            pairs.iter().map(|pair| (pair.copies, pair.is_newer, pair.is_alike(), pair.differs(1))).collect();
        assert_eq!(
            told,
            [(0, true, false, false), (1, false, false, true), (0, false, false, false), (2, false, false, false)]
        );
        assert!(!format!("{pairs:?}").contains('x'), "values reach no log");
    }
}
