//! What the log of a run tells once: an outage, or an error that is tried again, and not with every mapping and try that
//! meets it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::RunId;

/// The most that is remembered as told. Errors name jobs and times, so a long run may meet any number of texts.
const MOST: usize = 1_000;

/// What is told of a server, or of an error, once in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::engine) enum News {
    /// It does not answer, and is tried again.
    Away,
    /// A mapping has failed because of it.
    Failed,
    /// Something failed with this error, and is tried again.
    Again,
}

/// What was told, by run and server or error; the clones share it.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Outages(Arc<Mutex<HashSet<(RunId, String, News)>>>);

impl Outages {
    /// Whether this was not told yet; from now on it counts as told. What no longer fits is told each time. `what`: the
    /// server, or the error's text.
    pub(in crate::engine) fn is_news(&self, run: &RunId, what: &str, news: News) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (run.clone(), what.to_owned(), news);
        if told.len() >= MOST { !told.contains(&key) } else { told.insert(key) }
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

    #[test]
    fn an_error_that_comes_again_and_again_is_news_once_and_memory_stays_bounded() {
        let (outages, run) = (Outages::default(), RunId("1".into()));
        let told = (0..40).filter(|_| outages.is_news(&run, "Too many connections", News::Again)).count();
        assert_eq!(told, 1);
        for number in 0..3 * MOST {
            assert!(outages.is_news(&run, &format!("job {number} failed"), News::Again), "another text is news");
        }
        assert_eq!(outages.0.lock().unwrap().len(), MOST);
        assert!(!outages.is_news(&run, "Too many connections", News::Again));
        outages.forget(&run);
        assert!(outages.0.lock().unwrap().is_empty());
    }
}
