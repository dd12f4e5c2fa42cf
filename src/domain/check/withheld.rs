//! Columns of BigQuery that MySQL does not show to an account which may read only some columns: they are gone, or only
//! withheld.

use super::server::ServerFacts;
use crate::domain::config::Mapping;
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::SourceTable;
use crate::domain::quote;

/// The most column names that a finding lists; the rest is a number.
const MOST_NAMED: usize = 5;

/// One finding for all such columns of a table. `server`: `None` if nobody knows who the account is.
#[must_use]
pub fn withheld(mapping: &Mapping, columns: &[String], server: Option<&ServerFacts>) -> Option<Finding> {
    if columns.is_empty() {
        return None;
    }
    let source = of_database(&mapping.source, server);
    let named: Vec<_> = columns.iter().take(MOST_NAMED).map(|name| format!("`{name}`")).collect();
    let more = match columns.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let [column, dropped, them] = match columns.len() {
        1 => ["column", "it was dropped", "it"],
        _ => ["columns", "they were dropped", "them"],
    };
    let sentence = format!(
        "{column} {}{more}: BigQuery's {} has {them}, MySQL's {source} does not show {them}, and the account may not read every \
         column there: {dropped}, or SELECT on {them} was taken away; the values of {them} in BigQuery are no longer updated",
        named.join(", "),
        mapping.target,
    );
    let granted: Vec<_> = columns.iter().map(|name| quote::mysql_name(name)).collect();
    let account = server.map_or_else(|| "<account>".to_owned(), |server| server.account.to_string());
    let remedy = format!(
        "if MySQL still has {them}: GRANT SELECT ({}) ON {} TO {account}, then move the rows again",
        granted.join(", "),
        quote::mysql_table(&source)
    );
    Some(Finding::warn(Topic::Target, sentence).remedy(remedy))
}

/// The table with its database, as far as that is known.
fn of_database(table: &SourceTable, server: Option<&ServerFacts>) -> SourceTable {
    let database = table.database.clone().or_else(|| server.map(|server| server.database.clone()));
    SourceTable { filter: None, database, ..table.clone() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::server::tests::facts;
    use super::*;
    use crate::domain::config;

    fn mapping() -> Mapping {
        let text = "project: p\ndataset: d\nmappings: [{name: film, mysql_table: film, mode: replace}]";
        config::parse(text, Path::new("config.yaml"), &|_| None).unwrap().mappings.remove(0)
    }

    #[test]
    fn many_columns_are_one_finding_with_a_statement_that_can_be_typed() {
        let columns: Vec<_> = (1..=7).map(|number| format!("c{number}")).collect();
        let told = withheld(&mapping(), &columns, Some(&facts())).unwrap().to_string();
        assert!(
            told.starts_with("columns `c1`, `c2`, `c3`, `c4`, `c5` and 2 more: BigQuery's p.d.film has them"),
            "{told}"
        );
        assert!(told.contains("MySQL's shop.film does not show them"), "{told}");
        let grant = "GRANT SELECT (`c1`, `c2`, `c3`, `c4`, `c5`, `c6`, `c7`) ON `shop`.`film` TO 'o''brien'@'%'";
        assert!(told.contains(grant), "{told}");
        assert_eq!(withheld(&mapping(), &[], None), None);
    }

    #[test]
    fn a_run_does_not_know_the_account() {
        let told = withheld(&mapping(), &["email".to_owned()], None).unwrap().to_string();
        assert!(told.contains("it was dropped, or SELECT on it was taken away"), "{told}");
        assert!(told.contains("GRANT SELECT (`email`) ON `film` TO <account>"), "{told}");
    }
}
