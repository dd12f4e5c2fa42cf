//! A finding: the standing of one thing that a sync depends on, a sentence about it, and the next step. A check lists
//! all findings; a run warns in the same words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::ids::{MappingName, SourceName};

/// The subject of a finding, in the order in which findings are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Config,
    MysqlLogin,
    MysqlTls,
    MysqlProcess,
    MysqlClock,
    BigqueryLogin,
    BigqueryJobs,
    BigqueryDataset,
    BigqueryWrite,
    TempBucket,
    State,
    /// Entries for many tables.
    Tables,
    Table,
    /// The filter of a mapping that moves only some of its table's rows.
    Where,
    Columns,
    /// Masks on values that must not leave MySQL unchanged.
    Mask,
    Keys,
    Cursor,
    CursorIndex,
    /// A table that is replaced as a whole: what a run costs, and what protects its rows.
    Replace,
    Target,
    /// The options that the mapping asks of a new table, compared with an existing one.
    TableOptions,
    /// What a run would read and cost, in each mode.
    Cost,
}

impl Topic {
    pub const ALL: [Self; 23] = [
        Self::Config,
        Self::MysqlLogin,
        Self::MysqlTls,
        Self::MysqlProcess,
        Self::MysqlClock,
        Self::BigqueryLogin,
        Self::BigqueryJobs,
        Self::BigqueryDataset,
        Self::BigqueryWrite,
        Self::TempBucket,
        Self::State,
        Self::Tables,
        Self::Table,
        Self::Where,
        Self::Columns,
        Self::Mask,
        Self::Keys,
        Self::Cursor,
        Self::CursorIndex,
        Self::Replace,
        Self::Target,
        Self::TableOptions,
        Self::Cost,
    ];

    /// The word for tables, JSON and documentation.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::MysqlLogin => "mysql_login",
            Self::MysqlTls => "mysql_tls",
            Self::MysqlProcess => "mysql_process",
            Self::MysqlClock => "mysql_clock",
            Self::BigqueryLogin => "bigquery_login",
            Self::BigqueryJobs => "bigquery_jobs",
            Self::BigqueryDataset => "bigquery_dataset",
            Self::BigqueryWrite => "bigquery_write",
            Self::TempBucket => "temp_bucket",
            Self::State => "state",
            Self::Tables => "tables",
            Self::Table => "table",
            Self::Where => "where",
            Self::Columns => "columns",
            Self::Mask => "mask",
            Self::Keys => "keys",
            Self::Cursor => "cursor",
            Self::CursorIndex => "cursor_index",
            Self::Replace => "replace",
            Self::Target => "target",
            Self::TableOptions => "table_options",
            Self::Cost => "cost",
        }
    }
}

/// The standing of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Ok,
    /// A run works, but worse than it could, or without some rows.
    Warn,
    /// A run would fail.
    Fail,
    /// Not checked, because something else has failed or the check may not try it.
    Skip,
}

impl Standing {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// One line of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    #[serde(rename = "check")]
    pub topic: Topic,
    /// `None`: it is about all mappings.
    pub mapping: Option<MappingName>,
    /// The server that it is about, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    #[serde(rename = "status")]
    pub standing: Standing,
    #[serde(rename = "message")]
    pub sentence: String,
    /// The operator's next step.
    pub remedy: Option<String>,
}

impl Finding {
    fn new(topic: Topic, standing: Standing, sentence: impl Into<String>) -> Self {
        Self { topic, mapping: None, source: None, standing, sentence: sentence.into(), remedy: None }
    }

    pub fn ok(topic: Topic, sentence: impl Into<String>) -> Self {
        Self::new(topic, Standing::Ok, sentence)
    }

    pub fn warn(topic: Topic, sentence: impl Into<String>) -> Self {
        Self::new(topic, Standing::Warn, sentence)
    }

    pub fn skip(topic: Topic, sentence: impl Into<String>) -> Self {
        Self::new(topic, Standing::Skip, sentence)
    }

    /// The finding for a fault with which a run would fail.
    #[must_use]
    pub fn fail(topic: Topic, fault: &Fault) -> Self {
        Self::new(topic, Standing::Fail, fault.to_string()).remedy(fault.hint_of_check())
    }

    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// The subject as written before the sentence.
    #[must_use]
    pub fn about(&self) -> String {
        let mapping = self.mapping.as_ref().map(ToString::to_string);
        let about = mapping.or_else(|| self.source.as_ref().map(|source| format!("source {source}")));
        about.map(|about| format!("{about}: ")).unwrap_or_default()
    }

    #[must_use]
    pub fn of(self, mapping: &MappingName) -> Self {
        Self { mapping: Some(mapping.clone()), ..self }
    }
}

impl fmt::Display for Finding {
    /// Writes it in one line, as a run's warning.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// How many findings have each standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub ok: usize,
    pub warn: usize,
    pub fail: usize,
    pub skip: usize,
}

impl Tally {
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let mut tally = Self::default();
        for finding in findings {
            match finding.standing {
                Standing::Ok => tally.ok += 1,
                Standing::Warn => tally.warn += 1,
                Standing::Fail => tally.fail += 1,
                Standing::Skip => tally.skip += 1,
            }
        }
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ok, {} warn, {} fail", self.ok, self.warn, self.fail)?;
        if self.skip == 0 { Ok(()) } else { write!(f, ", {} skip", self.skip) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_topics_match_json_and_the_documentation() {
        let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/check.md")).unwrap();
        for topic in Topic::ALL {
            assert_eq!(serde_json::to_value(topic).unwrap(), topic.word());
            assert!(docs.contains(&format!("| `{}` |", topic.word())), "docs/check.md lacks {}", topic.word());
        }
        for standing in [Standing::Ok, Standing::Warn, Standing::Fail, Standing::Skip] {
            assert_eq!(serde_json::to_value(standing).unwrap(), standing.word());
        }
    }

    #[test]
    fn topics_are_listed_in_their_order() {
        assert!(Topic::ALL.is_sorted());
    }
}
