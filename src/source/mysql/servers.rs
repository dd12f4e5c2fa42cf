//! The servers of one program, each with its own settings, password, tunnel, look at open writes, and knowledge of its
//! tables. They share nothing.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;

use super::fence::Watch;
use super::server::Server;
use super::together::{self, Known};
use crate::domain::config::MysqlSettings;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{SourceName, SourceTable};
use crate::source::{BoundsAsk, Newest};

/// A server, and what is known of it.
#[derive(Debug, Clone)]
pub struct Reached {
    pub server: Arc<Server>,
    pub watch: Arc<Watch>,
    /// The result of a look at many tables.
    pub known: Arc<Known>,
    /// The tables, by database and name, that are known to have no foreign key.
    pub unbound: Arc<HashSet<(String, String)>>,
}

impl Reached {
    fn of(server: Server) -> Self {
        Self { server: Arc::new(server), watch: Arc::default(), known: Arc::default(), unbound: Arc::default() }
    }
}

/// Servers by name; `None` is the one without a name.
#[derive(Debug, Clone)]
pub struct Servers(Arc<BTreeMap<Option<SourceName>, Reached>>);

impl Servers {
    pub fn new(settings: impl IntoIterator<Item = MysqlSettings>) -> Self {
        let named = |settings: MysqlSettings| {
            (settings.source.as_ref().map(|source| source.name.clone()), Reached::of(Server::new(settings)))
        };
        Self(Arc::new(settings.into_iter().map(named).collect()))
    }

    pub fn names(&self) -> impl Iterator<Item = &Option<SourceName>> {
        self.0.keys()
    }

    /// # Errors
    /// There is no such server: the configuration differs from the one that was checked.
    pub fn called(&self, name: Option<&SourceName>) -> Result<&Reached, Fault> {
        self.0.get(&name.cloned()).ok_or_else(|| {
            let name = name.map_or_else(|| "without a name".to_owned(), |name| format!("called `{name}`"));
            Fault::new(FaultKind::Bug, format!("No server {name} is known"))
        })
    }

    /// The server that a table is in.
    ///
    /// # Errors
    /// The errors of [`Self::called`].
    pub fn of(&self, table: &SourceTable) -> Result<&Reached, Fault> {
        self.called(table.server.as_ref())
    }

    /// The same servers, each changed by `other`.
    pub fn with(&self, other: impl Fn(&Reached) -> Reached) -> Self {
        Self(Arc::new(self.0.iter().map(|(name, reached)| (name.clone(), other(reached))).collect()))
    }

    /// The same servers, which have looked at these tables.
    pub async fn having_described(&self, tables: &[SourceTable]) -> Self {
        let looks = self.0.iter().map(|(name, reached)| async move {
            let tables: Vec<_> = tables.iter().filter(|table| table.server == *name).cloned().collect();
            let known =
                if tables.is_empty() { Known::default() } else { together::described(&reached.server, &tables).await };
            (name.clone(), Reached { known: Arc::new(known), ..reached.clone() })
        });
        Self(Arc::new(join_all(looks).await.into_iter().collect()))
    }

    /// The same servers, which know which of the tables that they described have no foreign keys.
    pub async fn having_cascades(&self) -> Self {
        let looks = self.0.iter().map(|(name, reached)| async move {
            let unbound = Arc::new(together::unbound(&reached.server, &reached.known).await);
            (name.clone(), Reached { unbound, ..reached.clone() })
        });
        Self(Arc::new(join_all(looks).await.into_iter().collect()))
    }

    /// The newest values of the columns, in the order of the questions.
    pub async fn newest(&self, asks: &[BoundsAsk]) -> Vec<Option<Newest>> {
        let answers = self.0.iter().map(|(name, reached)| async move {
            let (places, asks): (Vec<_>, Vec<_>) =
                asks.iter().cloned().enumerate().filter(|(_, ask)| ask.table.server == *name).unzip();
            let found = if asks.is_empty() { Vec::new() } else { together::newest(&reached.server, &asks).await };
            places.into_iter().zip(found)
        });
        let mut found = vec![None; asks.len()];
        for (place, newest) in join_all(answers).await.into_iter().flatten() {
            found[place] = newest;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::{mysql_settings, source_settings, wanted_source};

    fn eu_and_plain() -> Servers {
        let settings = |host: &str| {
            let host = host.to_owned();
            move |name: &str| match name {
                "MYSQL_HOST" | "MYSQL_EU_HOST" => Some(host.clone()),
                "MYSQL_USER" | "MYSQL_EU_USER" | "MYSQL_DATABASE" | "MYSQL_EU_DATABASE" => Some("x".to_owned()),
                _ => None,
            }
        };
        let eu = source_settings(&wanted_source(None, "eu").unwrap(), &settings("db.eu")).unwrap();
        Servers::new([mysql_settings(&settings("db")).unwrap(), eu])
    }

    #[test]
    fn each_table_is_described_by_its_own_server() {
        let (servers, eu) = (eu_and_plain(), SourceName("eu".into()));
        let plain = SourceTable::whole(None, "t".into());
        let there = SourceTable { server: Some(eu.clone()), ..plain.clone() };
        assert_eq!(servers.of(&plain).unwrap().server.settings.host, "db");
        assert_eq!(servers.of(&there).unwrap().server.settings.host, "db.eu");
        assert_eq!(servers.names().cloned().collect::<Vec<_>>(), [None, Some(eu)]);
        let us = SourceTable { server: Some(SourceName("us".into())), ..plain };
        assert_eq!(servers.of(&us).unwrap_err().to_string(), "No server called `us` is known");
    }

    #[test]
    fn messages_name_the_variables_of_their_own_server() {
        let servers = eu_and_plain();
        let fault = || Fault::new(FaultKind::Auth, "MYSQL_SSH failed").with_hint("check MYSQL_USER and MYSQL_PASSWORD");
        let said = |name: Option<&SourceName>| {
            let fault = servers.called(name).unwrap().server.worded(fault());
            format!("{fault}: {}", fault.hint())
        };
        assert_eq!(said(None), "MYSQL_SSH failed: check MYSQL_USER and MYSQL_PASSWORD");
        assert_eq!(
            said(Some(&SourceName("eu".into()))),
            "MYSQL_EU_SSH failed: check MYSQL_EU_USER and MYSQL_EU_PASSWORD"
        );
    }

    #[test]
    fn looks_at_one_server_are_not_shared_with_another() {
        let servers = eu_and_plain();
        let (plain, eu) = (servers.called(None).unwrap(), servers.called(Some(&SourceName("eu".into()))).unwrap());
        assert!(!Arc::ptr_eq(&plain.watch, &eu.watch) && !Arc::ptr_eq(&plain.known, &eu.known));
        assert!(Arc::ptr_eq(&plain.watch, &servers.with(Reached::clone).called(None).unwrap().watch));
    }
}
