//! Names for mappings and their tables in BigQuery, each of which is unique.

use std::collections::HashSet;

use super::facts::TableFacts;
use crate::domain::ids::{PART, SourceName};
use crate::domain::naming;

/// The names in use.
#[derive(Debug, Clone, Default)]
pub struct Names {
    mappings: HashSet<String>,
    /// In lower case, because the configuration ignores case when it compares tables of BigQuery.
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

    /// A name for the mapping and one for its table in BigQuery: the table's own name in the connection's database,
    /// otherwise with the database before it. If the name is in use, `server` is put before it.
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

/// The preferred name of a table in BigQuery: its own name in the connection's database, otherwise with the database
/// before it.
pub fn target_of(database: &str, table: &str, own: &str) -> String {
    if database == own { plain(table) } else { plain(&format!("{database}_{table}")) }
}

/// A name that needs no quotes in BigQuery, in letters of any script. It must not look like one of our staging tables.
fn plain(name: &str) -> String {
    let name = naming::table_name(name).replace([' ', '-'], "_");
    if name.to_lowercase().starts_with(naming::STAGING_PREFIX) { format!("t_{name}") } else { name }
}

/// The name, if it is free; otherwise with the server's name before it, or with the first free number after it.
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
    fn a_table_that_two_servers_have_is_named_with_its_server() {
        let mut names = Names::default();
        let (eu, us) = (SourceName("eu".to_owned()), SourceName("us".to_owned()));
        let mut allot = |server| names.allot(&table("store", &[]), "shop", Some(server));
        let same = |name: &str| (name.to_owned(), name.to_owned());
        assert_eq!(allot(&eu), same("store"));
        assert_eq!(allot(&us), same("us_store"));
        assert_eq!(allot(&us), same("store_2"));
    }
}
