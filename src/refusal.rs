//! Why the program does not begin, in words for the user.

use bigquery_syncer::cli::Printer;
use bigquery_syncer::domain::config::Problem;
use bigquery_syncer::domain::counted::counted;

#[derive(Debug)]
pub enum Refusal {
    Usage(String),
    /// All problems in the user's files.
    Problems(Vec<Problem>),
}

impl Refusal {
    /// Prints it to stderr.
    pub fn tell(&self, printer: Printer) {
        match self {
            Self::Usage(sentence) => printer.errors(&format!("bqsync: {sentence}")),
            Self::Problems(problems) => {
                printer.error(&format!("bqsync: {} in the configuration:", counted(problems.len(), "problem")));
                for problem in problems {
                    printer.problem(problem);
                }
            }
        }
    }
}
