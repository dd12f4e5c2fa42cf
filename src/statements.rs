//! The latest statements and job ids that were sent to BigQuery, so that an operator can look one up or run it again.
//! Statements may contain row values (the newest rows of a small window are written into them), so they are shown on
//! the operator's screen and never logged.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// The last minutes of a busy run.
const KEPT: usize = 200;
/// Rows that are sent within a statement can make it long; its beginning shows what it does.
const LONGEST: usize = 32 << 10;

/// One job as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Counted from 1, in the order of sending.
    pub number: u64,
    pub at: DateTime<Utc>,
    pub project: String,
    pub location: String,
    /// `None` if BigQuery has no id for it.
    pub job: Option<String>,
    /// The purpose in a few words.
    pub what: String,
    /// `None` for loads and copies.
    pub sql: Option<String>,
}

impl Statement {
    /// The job in Google's console.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        let (project, location, job) = (&self.project, &self.location, self.job.as_ref()?);
        Some(format!(
            "https://console.cloud.google.com/bigquery?project={project}&j=bq:{location}:{job}&page=queryresults"
        ))
    }
}

/// The latest, oldest first; written by any task.
#[derive(Debug, Default)]
pub struct Statements {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    count: u64,
    statements: VecDeque<Statement>,
}

impl Statements {
    /// Adds a statement and gives it its number; removes the oldest if there are too many.
    pub fn push(&self, mut statement: Statement) {
        if let Some(sql) = statement.sql.as_mut().filter(|sql| sql.len() > LONGEST) {
            let end = (0..=LONGEST).rev().find(|end| sql.is_char_boundary(*end)).unwrap_or(0);
            sql.truncate(end);
            sql.push_str("\n-- and so on: what is longer is not kept");
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.count += 1;
        statement.number = kept.count;
        if kept.statements.len() == KEPT {
            kept.statements.pop_front();
        }
        kept.statements.push_back(statement);
    }

    /// The statements that `wanted` accepts, newest first.
    pub fn latest(&self, wanted: impl Fn(&Statement) -> bool) -> Vec<Statement> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.statements.iter().rev().filter(|statement| wanted(statement)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sql: &str) -> Statement {
        Statement {
            number: 0,
            at: DateTime::UNIX_EPOCH,
            project: "p".into(),
            location: "EU".into(),
            job: Some("bqsync_1".into()),
            what: "publishing orders".into(),
            sql: Some(sql.to_owned()),
        }
    }

    #[test]
    fn the_latest_statements_are_kept_and_long_ones_are_cut_between_characters() {
        let statements = Statements::default();
        for _ in 0..KEPT + 5 {
            statements.push(statement("SELECT 1"));
        }
        let all = statements.latest(|_| true);
        assert_eq!((all.len(), all[0].number, all[KEPT - 1].number), (KEPT, 205, 6));
        statements.push(statement(&"ä".repeat(LONGEST)));
        let sql = statements.latest(|_| true)[0].sql.clone().unwrap();
        assert!(sql.len() < LONGEST + 100 && sql.contains("and so on"));
    }

    #[test]
    fn a_statement_links_to_its_job_in_googles_console() {
        let link = "https://console.cloud.google.com/bigquery?project=p&j=bq:EU:bqsync_1&page=queryresults";
        assert_eq!(statement("SELECT 1").link().as_deref(), Some(link));
        assert_eq!(Statement { job: None, ..statement("SELECT 1") }.link(), None);
    }
}
