//! What a replace did to its table, and how to undo it: BigQuery's time travel keeps the earlier rows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::counted::counted;
use super::ids::TableId;
use super::quote;

/// A table whose rows were replaced as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// Rows that the table holds since.
    pub rows: u64,
    /// Rows that the table held before; `None` where the number is unknown.
    pub rows_before: Option<u64>,
    /// The statement that shows the earlier rows, for as long as BigQuery keeps them: seven days, unless the dataset
    /// says otherwise. `None` if there were none.
    pub show_before: Option<String>,
    /// The statements that restore the earlier rows.
    pub put_back: Option<String>,
}

impl Replacement {
    /// `before`: a moment at which the table held the earlier rows; `None` if none is known. `condition`: the filter
    /// that the table demands of its readers.
    #[must_use]
    pub fn of(
        target: &TableId,
        rows: u64,
        rows_before: Option<u64>,
        before: Option<DateTime<Utc>>,
        condition: Option<&str>,
    ) -> Self {
        let before = before.filter(|_| rows_before != Some(0));
        let filter = condition.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
        Self {
            rows,
            rows_before,
            show_before: before.map(|at| format!("SELECT * FROM {}{filter}", as_it_was(target, at))),
            put_back: before.map(|at| put_back(target, at, &filter)),
        }
    }
}

/// A replace that was refused because the table would have lost too many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shrink {
    /// Rows in MySQL.
    pub rows: u64,
    /// Rows in BigQuery; `None` where it does not say.
    pub held: Option<u64>,
}

impl Replacement {
    /// What was done, how to see the earlier rows, and how to restore them: a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let before =
            self.rows_before.map_or_else(|| "an unknown number of rows".to_owned(), |rows| counted(rows, "row"));
        // If the table was empty before, nothing was replaced.
        let replaced = format!("replaced: {before} by {}", counted(self.rows, "row"));
        let mut lines: Vec<String> = (self.rows_before != Some(0)).then_some(replaced).into_iter().collect();
        lines.extend(self.show_before.as_ref().map(|sql| format!("earlier rows: {sql}")));
        lines.extend(self.put_back.as_ref().map(|sql| format!("restore them: {sql}")));
        lines
    }
}

fn as_it_was(target: &TableId, at: DateTime<Utc>) -> String {
    let at = at.format("%Y-%m-%d %H:%M:%S%.3f");
    format!("{} FOR SYSTEM_TIME AS OF TIMESTAMP '{at}+00:00'", quote::bigquery_table(target))
}

/// Restores through a clone, because one statement may not read a table at two moments. The table itself stays, with
/// its settings. The clone's name contains the moment, so that statements that were cut short can be sent again.
fn put_back(target: &TableId, at: DateTime<Utc>, filter: &str) -> String {
    let moment = at.format("%Y%m%d_%H%M%S_%3f");
    let clone = quote::bigquery_table(&target.sibling(format!("{}_before_{moment}", target.table)));
    let (was, now) = (as_it_was(target, at), quote::bigquery_table(target));
    // TRUNCATE takes no filter.
    let empty = if filter.is_empty() { format!("TRUNCATE TABLE {now}") } else { format!("DELETE FROM {now}{filter}") };
    format!(
        "CREATE TABLE IF NOT EXISTS {clone} CLONE {was}; BEGIN TRANSACTION; {empty}; INSERT INTO {now} SELECT * FROM \
         {clone}{filter}; COMMIT TRANSACTION; DROP TABLE {clone}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> TableId {
        TableId { project: "my-project".into(), dataset: "shop".into(), table: "rates".into() }
    }

    #[test]
    fn the_statements_that_show_and_restore_earlier_rows_can_be_pasted() {
        let at = DateTime::parse_from_rfc3339("2026-11-23T08:00:00.1234Z").unwrap().to_utc();
        let replaced = Replacement::of(&target(), 7, Some(9), Some(at), None);
        let was = "`my-project.shop.rates` FOR SYSTEM_TIME AS OF TIMESTAMP '2026-11-23 08:00:00.123+00:00'";
        assert_eq!(replaced.show_before, Some(format!("SELECT * FROM {was}")));
        assert_eq!(
            replaced.put_back,
            Some(format!(
                "CREATE TABLE IF NOT EXISTS `my-project.shop.rates_before_20261123_080000_123` CLONE {was}; BEGIN \
                 TRANSACTION; TRUNCATE TABLE `my-project.shop.rates`; INSERT INTO `my-project.shop.rates` SELECT * FROM \
                 `my-project.shop.rates_before_20261123_080000_123`; COMMIT TRANSACTION; DROP TABLE \
                 `my-project.shop.rates_before_20261123_080000_123`"
            ))
        );
    }

    #[test]
    fn statements_about_a_table_that_requires_a_filter_contain_one() {
        let at = DateTime::parse_from_rfc3339("2026-11-23T08:00:00Z").unwrap().to_utc();
        let replaced = Replacement::of(&target(), 7, Some(9), Some(at), Some("(d IS NULL OR d IS NOT NULL)"));
        let filter = "WHERE (d IS NULL OR d IS NOT NULL)";
        assert!(replaced.show_before.unwrap().ends_with(filter));
        let put_back = replaced.put_back.unwrap();
        assert!(put_back.contains(&format!("DELETE FROM `my-project.shop.rates` {filter}; INSERT")), "{put_back}");
        assert!(put_back.contains(&format!("{filter}; COMMIT")) && !put_back.contains("TRUNCATE"), "{put_back}");
    }

    #[test]
    fn a_table_that_was_empty_before_gets_no_restore_statement() {
        let replaced = Replacement::of(&target(), 7, Some(0), Some(DateTime::UNIX_EPOCH), None);
        assert_eq!(replaced.lines(), Vec::<String>::new());
        assert_eq!((replaced.show_before, replaced.put_back), (None, None));
        assert!(Replacement::of(&target(), 7, None, Some(DateTime::UNIX_EPOCH), None).show_before.is_some());
    }
}
