//! Which runs of ours are under way, and how the one that the command line asked for has ended.

use std::collections::BTreeSet;

use crate::domain::ids::RunId;
use crate::domain::report::{Outcome, RunReport, Trigger};
use crate::tui::session::Left;

/// Runs between the asking and the end.
#[derive(Debug, Default)]
pub struct Runs {
    /// Asked for, not begun.
    asked: usize,
    active: BTreeSet<String>,
    /// The command line's run: its end is the process's exit code.
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

    /// The next run's outcome is the process's.
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

    /// The engine broke: whatever still runs says so again.
    pub fn lost(&mut self) {
        self.asked = 0;
        self.active.clear();
        self.failed |= self.tells != Tells::Nothing;
    }

    /// An event of a run that was given up: it lives.
    pub fn seen(&mut self, run: &RunId) {
        if !self.active.contains(&run.0) {
            self.active.insert(run.0.clone());
        }
    }

    #[must_use]
    pub fn is_ours(&self, run: &RunId) -> bool {
        self.active.contains(&run.0)
    }

    /// Asked for, and not begun.
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
