//! The questions that the engine answers. Only the asker gets the answer, in the question's own type.

use std::fmt;

use serde::Serialize;
use tokio::sync::mpsc;

use super::command::{BackfillAsk, ColumnDecision, Selection};
use super::status::{BackfillPreview, MappingStatus};
use crate::domain::check::server::ServerFacts;
use crate::domain::estate::{EstateAsk, Proposal};
use crate::domain::fault::Fault;
use crate::domain::finding::Finding;
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{RunReport, RunSummary};
use crate::domain::schema::ColumnDiffView;
use crate::domain::verify::{Beside, Looking, Verification};

/// A question that moves no rows.
pub trait Query: fmt::Debug + Send + 'static {
    /// The whole answer; or, for a slow question about several mappings, the answer about one mapping.
    type Answer: Send + 'static;

    /// Wraps the question in the form that the engine takes.
    fn with(self, reply: Reply<Self::Answer>) -> Question;
}

/// Watermarks, lags, last runs and who works on what, in one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspect(pub Selection);

/// What the state alone knows of all mappings, without `newest` and `lag`; cheap enough to ask every few seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch;

/// Like `Inspect`, but gives each mapping as soon as it is known, for front ends that show two hundred of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    pub selection: Selection,
    /// Only what an index tells at once, for asking again and again; the other mappings answer
    /// [`Asked::Spared`](super::Asked::Spared).
    pub by_index_only: bool,
}

/// Check everything that a run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub selection: Selection,
    /// Also check by writing and removing again.
    pub probe: bool,
    /// Also estimate what each mode would cost.
    pub costs: bool,
}

/// What was checked, and the findings.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub mappings: Vec<MappingName>,
    pub findings: Vec<Finding>,
}

/// The latest runs, newest first, at most this many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadHistory(pub usize);

/// One run's report; `None`: it is not kept any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadReport(pub RunId);

/// Preview a backfill; nothing is moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewBackfill(pub BackfillAsk);

/// Compare rows up to the watermark; nothing is changed. Answers come mapping by mapping, in the order of the
/// configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    pub selection: Selection,
    /// Only say how much it would read in BigQuery.
    pub dry_run: bool,
    /// The most bytes that one mapping may read in BigQuery.
    pub most_bytes: u64,
    /// The most keys of one mapping that are named.
    pub most_named: usize,
}

/// The default for the most bytes that comparing one mapping may read in BigQuery.
pub const MOST_BYTES: u64 = 100_000_000_000;

/// Show the newest rows of both sides; nothing is changed, kept or logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBeside {
    pub mapping: MappingName,
    /// Only say how much it would read in BigQuery.
    pub price_only: bool,
    /// The bytes that the operator has agreed to read.
    pub most_bytes: u64,
}

/// An answer about rows that are compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Verified {
    /// How far the comparison is.
    Looking {
        mapping: MappingName,
        looking: Looking,
    },
    Ended(Box<Of<Verification>>),
}

/// Compare schemas; with `apply` also carry out the safe changes (of the named columns, or of all if none is named).
/// Answers come mapping by mapping. A new table that waits for a decision is taken only if it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    pub selection: Selection,
    pub apply: bool,
    pub columns: Vec<String>,
}

/// Remember the operator's decisions on a mapping's columns, and carry out the accepted ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decide {
    pub mapping: MappingName,
    pub decisions: Vec<ColumnDecision>,
}

/// The answer about one of several mappings.
#[derive(Debug, Clone, PartialEq)]
pub struct Of<T> {
    pub mapping: MappingName,
    pub answer: Result<T, Failure>,
}

/// List the server's tables that have no mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListTables(pub EstateAsk);

/// Tables without a mapping, each with a proposed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// In the order of the tables' names.
    pub proposals: Vec<Proposal>,
    /// Databases that the question did not ask about.
    pub others: Vec<String>,
    /// The number of tables in the databases that were asked about, including those with a mapping.
    pub seen: usize,
    /// The database of each server that answered, with the server's name if there are several.
    pub places: Vec<String>,
    /// The servers that did not answer.
    pub unread: Vec<Failure>,
    /// The first of the servers that answered.
    pub server: ServerFacts,
}

impl Tables {
    /// Adds another server's tables.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.proposals.extend(other.proposals);
        self.others.extend(other.others);
        self.places.extend(other.places);
        Self { seen: self.seen + other.seen, ..self }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub error: String,
    /// The operator's next step.
    pub hint: String,
}

impl From<&Fault> for Failure {
    fn from(fault: &Fault) -> Self {
        Self { error: fault.to_string(), hint: fault.hint().to_owned() }
    }
}

/// The difference between a mapping's two schemas, and the statements that resolve it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub mapping: MappingName,
    pub creates_table: bool,
    /// The table in MySQL is new and waits for a decision.
    pub new_table: bool,
    pub columns: Vec<ColumnDiffView>,
    pub statements: Vec<String>,
    /// The statements were carried out.
    pub applied: bool,
    pub conflicts: usize,
    /// Options of a new table that the mapping asks for and the existing table has otherwise; no statement changes
    /// them.
    pub options: Vec<String>,
}

/// The operator's decisions on columns, remembered and carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub mapping: MappingName,
    pub accepted: Vec<String>,
    pub declined: Vec<String>,
    pub statements: Vec<String>,
    /// What remains to be done after the columns were added.
    pub notes: Vec<String>,
    /// True if the table itself is new and still waits for a decision.
    pub waits: bool,
}

/// A question under way, with the sender for its answer.
#[derive(Debug)]
pub enum Question {
    Inspect(Inspect, Reply<Vec<MappingStatus>>),
    Watch(Reply<Vec<MappingStatus>>),
    Measure(Measure, Reply<MappingStatus>),
    Check(Check, Reply<Checked>),
    ReadHistory(ReadHistory, Reply<Result<Vec<RunSummary>, Failure>>),
    ReadReport(ReadReport, Reply<Result<Option<RunReport>, Failure>>),
    PreviewBackfill(PreviewBackfill, Reply<Result<BackfillPreview, Failure>>),
    Verify(Verify, Reply<Verified>),
    ReadBeside(ReadBeside, Reply<Result<Beside, Failure>>),
    Compare(Compare, Reply<Of<Comparison>>),
    Decide(Decide, Reply<Result<Decided, Failure>>),
    ListTables(ListTables, Reply<Result<Tables, Failure>>),
}

impl Query for Inspect {
    type Answer = Vec<MappingStatus>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::Inspect(self, reply)
    }
}

impl Query for Watch {
    type Answer = Vec<MappingStatus>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::Watch(reply)
    }
}

impl Query for Measure {
    type Answer = MappingStatus;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::Measure(self, reply)
    }
}

impl Query for Check {
    type Answer = Checked;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::Check(self, reply)
    }
}

impl Query for ReadHistory {
    type Answer = Result<Vec<RunSummary>, Failure>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::ReadHistory(self, reply)
    }
}

impl Query for ReadReport {
    type Answer = Result<Option<RunReport>, Failure>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::ReadReport(self, reply)
    }
}

impl Query for PreviewBackfill {
    type Answer = Result<BackfillPreview, Failure>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::PreviewBackfill(self, reply)
    }
}

impl Query for Verify {
    type Answer = Verified;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::Verify(self, reply)
    }
}

impl Query for ReadBeside {
    type Answer = Result<Beside, Failure>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::ReadBeside(self, reply)
    }
}

impl Query for Compare {
    type Answer = Of<Comparison>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::Compare(self, reply)
    }
}

impl Query for Decide {
    type Answer = Result<Decided, Failure>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::Decide(self, reply)
    }
}

impl Query for ListTables {
    type Answer = Result<Tables, Failure>;

    fn with(self, reply: Reply<Self::Answer>) -> Question {
        Question::ListTables(self, reply)
    }
}

/// The engine's end of an answer. Dropping it ends the answers, unless the engine panics.
#[derive(Debug)]
pub struct Reply<A>(mpsc::UnboundedSender<Said<A>>);

#[derive(Debug)]
enum Said<A> {
    Answer(A),
    All,
}

impl<A> Reply<A> {
    /// Gives an answer; the asker may have left.
    pub(in crate::engine) fn give(&self, answer: A) {
        let _ = self.0.send(Said::Answer(answer));
    }
}

impl<A> Drop for Reply<A> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = self.0.send(Said::All);
        }
    }
}

/// The asker's end of an answer.
#[derive(Debug)]
pub struct Answers<A>(mpsc::UnboundedReceiver<Said<A>>);

impl<A> Answers<A> {
    pub(in crate::engine) fn expect() -> (Reply<A>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Reply(sender), Self(receiver))
    }

    /// The next answer; `None` once there are no more.
    pub async fn next(&mut self) -> Option<A> {
        match self.0.recv().await? {
            Said::Answer(answer) => Some(answer),
            Said::All => None,
        }
    }

    /// All answers; `None` if the engine broke before it had given them. An event says why.
    pub async fn all(mut self) -> Option<Vec<A>> {
        let mut answers = Vec::new();
        loop {
            match self.0.recv().await? {
                Said::Answer(answer) => answers.push(answer),
                Said::All => return Some(answers),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_incomplete_answer_is_distinguished_from_a_complete_one() {
        let (reply, answers) = Answers::expect();
        tokio::spawn(async move { reply.give(1) }).await.unwrap();
        assert_eq!(answers.all().await, Some(vec![1]));
        let (reply, answers) = Answers::expect();
        let broken = tokio::spawn(async move {
            reply.give(1);
            panic!("while it answers");
        });
        assert!(broken.await.unwrap_err().is_panic());
        assert_eq!(answers.all().await, None);
    }
}
