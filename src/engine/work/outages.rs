//! Servers that were not reached in a run: each outage is told once, not with every mapping and try that meets it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::RunId;

/// What is told of a server once in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::engine) enum News {
    /// It does not answer, and is tried again.
    Away,
    /// A mapping has failed because of it.
    Failed,
}

/// What was told, by run and server; the clones share it.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Outages(Arc<Mutex<HashSet<(RunId, String, News)>>>);

impl Outages {
    /// Whether this was not told yet; from now on it counts as told.
    pub(in crate::engine) fn is_news(&self, run: &RunId, server: &str, news: News) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((run.clone(), server.to_owned(), news))
    }

    /// The run has ended.
    pub(in crate::engine) fn forget(&self, run: &RunId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, ..)| of != run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_news_once_for_each_run_and_server() {
        let (outages, first, second) = (Outages::default(), RunId("1".into()), RunId("2".into()));
        assert!(outages.is_news(&first, "db:3306", News::Away));
        assert!(!outages.clone().is_news(&first, "db:3306", News::Away));
        assert!(outages.is_news(&first, "db:3306", News::Failed) && outages.is_news(&first, "other:3306", News::Away));
        assert!(outages.is_news(&second, "db:3306", News::Away));
        outages.forget(&first);
        assert!(outages.is_news(&first, "db:3306", News::Away) && !outages.is_news(&second, "db:3306", News::Away));
    }
}
