//! Rows of both sides side by side, for the operator: the source's newest rows, and the target's rows with the same
//! keys.

use std::collections::BTreeMap;
use std::fmt;

use super::{Comparison, Key};
use crate::domain::column::{SourceSchema, same_name};
use crate::domain::plan::TablePlan;

/// How many characters of a value are fetched.
pub const MOST_CHARACTERS: usize = 4_000;

/// A value as one side gives it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// The value for people; for a masked value only a note that it is masked. `None`: NULL.
    pub shown: Option<String>,
    /// The hash of the value in the form that both sides write alike; `None`: NULL, or not compared.
    pub hash: Option<String>,
}

/// Row values must not reach a log.
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
    /// The row lies in the window. Only the source gives rows that do not.
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
    /// Both sides can write the column alike.
    pub is_compared: bool,
}

/// A row of the source, and the target's row with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub source: Vec<Cell>,
    /// `None`: the target has no such row.
    pub target: Option<Vec<Cell>>,
    /// How often the target holds the key.
    pub copies: usize,
    /// The row lies beyond the watermark: another run brings it, or its newest version.
    pub is_newer: bool,
}

impl Pair {
    /// Tells if a column's value differs between the sides.
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
    /// The pairs, newest first.
    pub pairs: Vec<Pair>,
    /// Bytes that the question reads in BigQuery.
    pub bytes: u64,
    /// The columns that decide which row is the newest.
    pub by: Vec<String>,
    /// No index of the source has their order: finding the newest rows reads about this many rows, which is all of
    /// them.
    pub scans: Option<u64>,
}

/// The columns that decide which rows are the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestBy {
    /// Positions of the columns whose greatest values belong to the newest rows.
    pub columns: Vec<usize>,
    /// An index of the source has their order: no other rows are read.
    pub is_indexed: bool,
}

impl Beside {
    /// The rows before the target is asked.
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

    /// Adds the rows: each row of the source with the target's.
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

/// The columns of the newest rows: the incremental column, or the keys if the mapping has none. Also the keys if an
/// index has their order and none has the incremental column's: the greatest keys mostly are the newest, and the table
/// need not be read to find them.
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

/// The positions of the keys if the index begins with them, in its order; otherwise `None`.
fn in_order(plan: &TablePlan, index: &[String]) -> Option<Vec<usize>> {
    let named = |name: &String| plan.keys.iter().copied().find(|&key| same_name(&plan.columns[key].source.name, name));
    let first: Vec<usize> = index.iter().take(plan.keys.len()).map_while(named).collect();
    (!first.is_empty() && first.len() == plan.keys.len()).then_some(first)
}

/// Why rows of both sides cannot be matched; `None` if they can.
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
    fn the_newest_rows_are_found_by_an_index_if_there_is_one() {
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
