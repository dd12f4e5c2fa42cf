//! The console's questions to the engine, and the answers.

use tokio::sync::mpsc::UnboundedSender;

use super::screen::Screen;
use super::session::{Added, Contexts, FilesSeen};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{RunReport, RunSummary};
use crate::domain::verify::Beside;
use crate::engine::{
    BackfillPreview, Check, Checked, Compare, Comparison, Decide, Decided, Failure, Handle, ListTables, MappingStatus,
    Measure, Of, PreviewBackfill, Query, ReadBeside, ReadHistory, ReadReport, Selection, Tables, Verified, Verify,
    Watch,
};

/// A question to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Watch,
    Measure(Measure),
    Check(Check),
    History(ReadHistory),
    Report {
        run: RunId,
        /// The screen that wants the answer.
        by: Screen,
    },
    Preview(PreviewBackfill),
    Verify(Verify),
    Compare(Compare),
    Decide(Decide),
    Tables(ListTables),
    Beside(ReadBeside),
}

/// An answer to a question.
#[derive(Debug)]
pub enum Answer {
    Watched(Vec<MappingStatus>),
    Measured(Box<MappingStatus>),
    /// All statuses have come: those of all mappings (`of_all`), or that of one mapping after its run.
    MeasureFinished {
        of_all: bool,
    },
    Checked(Checked),
    HistoryRead {
        /// The number of runs that was asked for.
        most: usize,
        runs: Result<Vec<RunSummary>, Failure>,
    },
    ReportRead {
        run: RunId,
        by: Screen,
        report: Result<Option<Box<RunReport>>, Failure>,
    },
    Previewed {
        mapping: MappingName,
        preview: Result<Box<BackfillPreview>, Failure>,
    },
    Compared(Of<Comparison>),
    BesideRead {
        mapping: MappingName,
        price_only: bool,
        answer: Result<Box<Beside>, Failure>,
    },
    Verified(Verified),
    Decided {
        mapping: MappingName,
        decided: Result<Decided, Failure>,
    },
    Tables(Result<Box<Tables>, Failure>),
    /// The result of adding mappings to the configuration's file, or why that failed.
    Appended(Result<Added, String>),
    FilesSeen(FilesSeen),
    ContextsRead {
        contexts: Contexts,
        /// The context to switch to; `None`: the operator is asked which one.
        wanted: Option<String>,
    },
}

impl Ask {
    /// Asks the question, and passes on the answers as they come.
    pub fn of(self, engine: &Handle, answers: &UnboundedSender<Answer>) {
        match self {
            Self::Watch => forward(engine, Watch, answers, Answer::Watched),
            Self::Measure(query) => {
                let of_all = query.selection == Selection::All;
                let (mut measured, answers) = (engine.ask(query), answers.clone());
                tokio::spawn(async move {
                    while let Some(status) = measured.next().await {
                        let _ = answers.send(Answer::Measured(Box::new(status)));
                    }
                    let _ = answers.send(Answer::MeasureFinished { of_all });
                });
            }
            Self::Check(query) => forward(engine, query, answers, Answer::Checked),
            Self::History(query) => {
                let read = move |runs| Answer::HistoryRead { most: query.0, runs };
                forward(engine, query, answers, read);
            }
            Self::Report { run, by } => {
                let query = ReadReport(run.clone());
                let read = move |report: Result<Option<RunReport>, Failure>| {
                    let report = report.map(|report| report.map(Box::new));
                    Answer::ReportRead { run: run.clone(), by, report }
                };
                forward(engine, query, answers, read);
            }
            Self::Preview(query) => {
                let mapping = query.0.mapping.clone();
                let previewed = move |preview: Result<BackfillPreview, Failure>| Answer::Previewed {
                    mapping: mapping.clone(),
                    preview: preview.map(Box::new),
                };
                forward(engine, query, answers, previewed);
            }
            Self::Verify(query) => forward(engine, query, answers, Answer::Verified),
            Self::Compare(query) => forward(engine, query, answers, Answer::Compared),
            Self::Tables(query) => {
                forward(engine, query, answers, |listed| Answer::Tables(listed.map(Box::new)));
            }
            Self::Beside(query) => {
                let (mapping, price_only) = (query.mapping.clone(), query.price_only);
                let read = move |answer: Result<Beside, Failure>| Answer::BesideRead {
                    mapping: mapping.clone(),
                    price_only,
                    answer: answer.map(Box::new),
                };
                forward(engine, query, answers, read);
            }
            Self::Decide(query) => {
                let mapping = query.mapping.clone();
                let decided = move |decided| Answer::Decided { mapping: mapping.clone(), decided };
                forward(engine, query, answers, decided);
            }
        }
    }
}

fn forward<Q: Query>(
    engine: &Handle,
    query: Q,
    answers: &UnboundedSender<Answer>,
    answer: impl Fn(Q::Answer) -> Answer + Send + 'static,
) {
    let (mut given, answers) = (engine.ask(query), answers.clone());
    tokio::spawn(async move {
        while let Some(one) = given.next().await {
            // The console may be gone.
            let _ = answers.send(answer(one));
        }
    });
}
