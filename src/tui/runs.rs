//! The runs of this console under way, and the end of the run that the command line ordered.

use std::collections::BTreeSet;

use crate::domain::ids::RunId;
use crate::domain::report::{Outcome, RunReport, Trigger};
use crate::tui::session::Left;

/// The runs from the order to their end.
#[derive(Debug, Default)]
pub struct Runs {
    /// Runs that were ordered and have not begun.
    asked: usize,
    active: BTreeSet<String>,
    /// The command line's run: its end decides the process's exit code.
    tells: Tells,
    failed: bool,
    waiting: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Tells {
    #[default]
    Nothing,
    Next,
    Of(RunId),
}

impl Runs {
    pub fn asked(&mut self) {
        self.asked += 1;
    }

    /// The outcome of the next run becomes the process's.
    pub fn tell_of_next(&mut self) {
        self.tells = Tells::Next;
    }

    pub fn started(&mut self, run: &RunId, trigger: Trigger) {
        self.active.insert(run.0.clone());
        if trigger == Trigger::Schedule {
            return;
        }
        self.asked = self.asked.saturating_sub(1);
        if self.tells == Tells::Next {
            self.tells = Tells::Of(run.clone());
        }
    }

    pub fn finished(&mut self, report: &RunReport) {
        self.active.remove(&report.run_id.0);
        if self.tells == Tells::Of(report.run_id.clone()) {
            self.failed = report.any(Outcome::Failed);
            self.waiting = report.any(Outcome::Waiting);
        }
    }

    /// The engine broke; events of runs that live on bring them back.
    pub fn lost(&mut self) {
        self.asked = 0;
        self.active.clear();
        self.failed |= self.tells != Tells::Nothing;
    }

    /// An event of a run that was given up shows that it lives.
    pub fn seen(&mut self, run: &RunId) {
        if !self.active.contains(&run.0) {
            self.active.insert(run.0.clone());
        }
    }

    #[must_use]
    pub fn is_ours(&self, run: &RunId) -> bool {
        self.active.contains(&run.0)
    }

    /// Tells if a run was ordered and has not begun.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.asked > 0
    }

    #[must_use]
    pub fn busy(&self) -> bool {
        self.is_asked() || !self.active.is_empty()
    }

    #[must_use]
    pub fn told(&self) -> Left {
        Left { interrupted: false, failed: self.failed, waiting: self.waiting }
    }
}
