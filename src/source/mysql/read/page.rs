//! The order of pages, and the position where a page ended: the values of its last row, taken from the wire once per
//! batch.

use crate::domain::column::same_name;
use crate::domain::fault::Fault;
use crate::domain::ids::SourceTable;
use crate::domain::plan::TablePlan;
use crate::source::mysql::catalog;
use crate::source::mysql::decode::key;
use crate::source::mysql::indexes::Indexes;
use crate::source::mysql::session::{Session, Speaks};
use crate::source::mysql::sql::Bind;
use crate::source::mysql::wire::Cells;

/// Both servers give the primary key's index this name; rows are stored in its order.
const PRIMARY: &str = "PRIMARY";

/// The order in which pages hand rows out. Its columns tell rows apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOrder {
    /// The index to read by. Without this hint, a server may sort the whole window for each page.
    pub index: Option<String>,
    /// Positions in the plan.
    pub columns: Vec<usize>,
}

impl PageOrder {
    /// The cursor, then the keys as configured; the server chooses the index.
    pub fn planned(plan: &TablePlan) -> Self {
        let keys = plan.keys.iter().copied().filter(|&key| !plan.is_cursor(key));
        Self { index: None, columns: plan.cursor.map(|cursor| cursor.position).into_iter().chain(keys).collect() }
    }

    /// The order in which a plan's pages are read; by the plan alone if the catalogue does not list the table.
    pub async fn of(
        session: &mut Session<impl Speaks>,
        table: &SourceTable,
        plan: &TablePlan,
        whole: bool,
    ) -> Result<Self, Fault> {
        let indexes = catalog::indexes(session, table).await?;
        Ok(indexes.map_or_else(|| Self::planned(plan), |indexes| Self::choose(plan, &indexes, whole)))
    }

    /// The primary key's order for a `whole` table: rows fetched through another index cost the server twice as much.
    /// Otherwise the first index that begins with the cursor and continues with the key.
    pub fn choose(plan: &TablePlan, indexes: &Indexes, whole: bool) -> Self {
        let planned = Self::planned(plan);
        let positions = |wanted: &[usize], columns: &[String]| -> Option<Vec<usize>> {
            let named = |column: &String| {
                wanted.iter().copied().find(|&position| same_name(&plan.columns[position].source.name, column))
            };
            columns.get(..wanted.len())?.iter().map(named).collect()
        };
        let by_primary = || {
            let order = indexes.ordering.iter().find(|order| order.index == PRIMARY)?;
            let all = order.columns.len() == plan.keys.len();
            positions(&plan.keys, &order.columns).filter(|_| all).map(|columns| (order, columns))
        };
        let by_cursor = || {
            indexes.ordering.iter().find_map(|order| {
                let columns = positions(&planned.columns, &order.columns)?;
                columns.first().is_some_and(|&first| plan.is_cursor(first)).then_some((order, columns))
            })
        };
        let found = if whole { by_primary().or_else(by_cursor) } else { by_cursor() };
        found.map_or(planned.clone(), |(order, columns)| Self { index: Some(order.index.clone()), columns })
    }

    /// Whether each page begins beyond every key of earlier pages, so that no key comes twice whatever is written
    /// meanwhile. This does not hold if the cursor comes first: a row whose cursor grows while it is read comes again.
    pub fn brings_each_key_once(&self, plan: &TablePlan) -> bool {
        let same = self.columns.len() == plan.keys.len() && self.columns.iter().all(|place| plan.keys.contains(place));
        same && plan.keys_unique && plan.keys_stay_apart()
    }
}

/// The last row handed over, as values to compare with; one for each of [`PageOrder::columns`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position(pub Vec<Bind>);

impl Position {
    /// `None` if a value cannot be compared with: a NULL, or text that is not UTF-8.
    pub fn of(plan: &TablePlan, order: &PageOrder, row: &impl Cells) -> Option<Self> {
        let value = |&index: &usize| key::bind(&plan.columns[index].source.source_type, row.cell(index)?);
        order.columns.iter().map(value).collect::<Option<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source_type::SourceType;
    use crate::domain::type_map::Cast;
    use crate::source::mysql::indexes::Ordering;
    use crate::source::mysql::samples::{column, plan};

    #[test]
    fn pages_follow_the_index_on_cursor_and_key() {
        let id = || SourceType::Int { bits: 64, unsigned: true };
        let plan = plan(vec![column("a", id()), column("b", id()), column("at", id())], &[0, 1], 2);
        let order = |index: &str, columns: &[&str]| Ordering {
            index: index.into(),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        };
        let ordering =
            vec![order("PRIMARY", &["b", "a"]), order("at_x", &["at", "x", "b", "a"]), order("at", &["AT", "b", "a"])];
        let mut indexes = Indexes { unique_keys: vec![], ordering };
        let chosen = PageOrder { index: Some("at".into()), columns: vec![2, 1, 0] };
        assert_eq!(PageOrder::choose(&plan, &indexes, false), chosen);
        let whole = PageOrder { index: Some(PRIMARY.into()), columns: vec![1, 0] };
        assert_eq!(PageOrder::choose(&plan, &indexes, true), whole);
        indexes.ordering.pop();
        let planned = PageOrder { index: None, columns: vec![2, 0, 1] };
        assert_eq!(PageOrder::choose(&plan, &indexes, false), planned);
    }

    #[test]
    fn only_pages_by_a_unique_key_bring_each_key_once() {
        let id = || SourceType::Int { bits: 64, unsigned: true };
        let mut plan = plan(vec![column("a", id()), column("b", id()), column("at", id())], &[0, 1], 2);
        let by = |columns: &[usize]| PageOrder { index: None, columns: columns.to_vec() };
        assert!(by(&[1, 0]).brings_each_key_once(&plan));
        assert!(!by(&[2, 0, 1]).brings_each_key_once(&plan), "a cursor may grow past the page it was on");
        assert!(!by(&[0]).brings_each_key_once(&plan), "keys that share their first part share a page's end");
        plan.keys_unique = false;
        assert!(!by(&[0, 1]).brings_each_key_once(&plan));
        plan.keys_unique = true;
        plan.columns[0].cast = Cast::To;
        assert!(!by(&[0, 1]).brings_each_key_once(&plan), "two staged texts may be one number");
    }

    #[test]
    fn a_primary_key_that_is_more_than_the_configured_keys_gives_no_order() {
        let id = || SourceType::Int { bits: 64, unsigned: true };
        let plan = plan(vec![column("a", id()), column("at", id())], &[0], 1);
        let ordering = vec![Ordering { index: PRIMARY.into(), columns: vec!["a".into(), "b".into()] }];
        let indexes = Indexes { unique_keys: vec![], ordering };
        assert_eq!(PageOrder::choose(&plan, &indexes, true), PageOrder::planned(&plan));
    }

    #[test]
    fn the_last_rows_cursor_and_key_are_read_from_the_wire() {
        let id = SourceType::Int { bits: 64, unsigned: true };
        let plan = plan(
            vec![column("id", id), column("day", SourceType::Date), column("at", SourceType::Timestamp { fsp: 6 })],
            &[0, 1],
            2,
        );
        let row = vec![
            Some(u64::MAX.to_le_bytes().to_vec()),
            Some(vec![4, 0xe8, 0x07, 2, 31]),
            Some(vec![11, 0xe8, 0x07, 1, 2, 3, 4, 5, 6, 0, 0, 0]),
        ];
        let position = Position::of(&plan, &PageOrder::planned(&plan), &row).unwrap();
        let text = |text: &str| Bind::Text(text.into());
        assert_eq!(position.0, [text("2024-01-02 03:04:05.000006"), Bind::UInt(u64::MAX), text("2024-02-31")]);
    }
}
