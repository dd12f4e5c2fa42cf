//! What mappings and their tables in BigQuery are called, so that no two are called the same.

use std::collections::HashSet;

use super::facts::TableFacts;
use crate::domain::ids::{PART, SourceName};
use crate::domain::naming;

/// Names that are taken.
#[derive(Debug, Clone, Default)]
pub struct Names {
    mappings: HashSet<String>,
    /// In lower case: the configuration tells tables of BigQuery apart regardless of it.
    targets: HashSet<String>,
}

impl Names {
    pub fn of<'a>(taken: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut names = Self::default();
        for (mapping, target) in taken {
            names.mappings.insert(mapping.to_owned());
            names.targets.insert(target.to_lowercase());
        }
        names
    }

    /// A mapping's name, and that of its table in BigQuery: the table's own for tables of the connection's database, else with
    /// the database before it. Where somebody is called so already, `server` says whose it is.
    pub fn allot(&mut self, facts: &TableFacts, own: &str, server: Option<&SourceName>) -> (String, String) {
        let target = target_of(&facts.database, &facts.table, own);
        let mapping =
            if facts.database == own { facts.table.clone() } else { format!("{}.{}", facts.database, facts.table) };
        let mapping = free(&mapping.replace(PART, "-part-"), server, |name| self.mappings.contains(name));
        let target = free(&target, server, |name| self.targets.contains(&name.to_lowercase()));
        self.mappings.insert(mapping.clone());
        self.targets.insert(target.to_lowercase());
        (mapping, target)
    }
}

/// What a table is called in BigQuery where nobody else is called so: its own name in the connection's database, else with the
/// database before it.
pub fn target_of(database: &str, table: &str, own: &str) -> String {
    if database == own { plain(table) } else { plain(&format!("{database}_{table}")) }
}

/// A name that needs no quotes in BigQuery, in letters of any script. Tables of ours begin otherwise.
fn plain(name: &str) -> String {
    let name = naming::table_name(name).replace([' ', '-'], "_");
    if name.to_lowercase().starts_with(naming::STAGING_PREFIX) { format!("t_{name}") } else { name }
}

/// The name, with the server's before it or the first number behind it that makes it nobody else's.
fn free(name: &str, server: Option<&SourceName>, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let of_server = server.map(|server| plain(&format!("{server}_{name}"))).filter(|name| !is_taken(name));
    if let Some(name) = of_server {
        return name;
    }
    let mut number = 2_usize;
    loop {
        let with = format!("{name}_{number}");
        if !is_taken(&with) {
            return with;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;
    use super::*;

    #[test]
    fn a_table_that_another_server_has_too_is_called_after_its_own() {
        let mut names = Names::default();
        let (eu, us) = (SourceName("eu".to_owned()), SourceName("us".to_owned()));
        let mut allot = |server| names.allot(&table("store", &[]), "shop", Some(server));
        let same = |name: &str| (name.to_owned(), name.to_owned());
        assert_eq!(allot(&eu), same("store"));
        assert_eq!(allot(&us), same("us_store"));
        assert_eq!(allot(&us), same("store_2"));
    }
}
