//! The engine's events and answers, and what follows from them.

use super::App;
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, Outcome, RunReport, Trigger};
use crate::domain::undecided::Undecided;
use crate::engine::{Command, Event, MappingStatus, Measure, Progress, Selection};
use crate::format::numbered;
use crate::tui::ask::{Answer, Ask};
use crate::tui::keys::Scope;
use crate::tui::lost;
use crate::tui::model::RunLog;
use crate::tui::screen::Screen;
use crate::tui::screens::backfill::questions::offer_unfinished;
use crate::tui::shrink;

impl App {
    pub(super) fn engine_said(&mut self, event: &Event) {
        if let Some((run, mapping)) = run_and_mapping(event) {
            self.shared.runs.seen(run);
            if !self.deletes.is_look(run) {
                self.note(run, mapping, event);
            }
        }
        self.shared.dirty = true;
        self.note_for_all(event);
        self.screens.heard(event, &mut self.shared);
    }

    /// Passes an answer to the screen that asked.
    pub(super) fn answered(&mut self, answer: Answer) {
        let (screens, shared) = (&mut self.screens, &mut self.shared);
        match answer {
            // Repeated answers mostly say what is known already: only a change is drawn.
            Answer::Watched(mappings) => {
                let nothing_known = shared.book.rows.iter().all(|row| row.status.is_none());
                self.watched(mappings);
                self.shared.dirty |= self.shared.book.judge(self.shared.now);
                self.screens.mappings.arrange(&self.shared.book);
                if nothing_known {
                    offer_unfinished(&mut self.shared);
                }
                return;
            }
            Answer::Measured(status) => {
                let status = self.without_us(*status);
                self.shared.dirty |= self.shared.book.measured(status, self.shared.now);
                return;
            }
            Answer::MeasureFinished { of_all } => {
                if of_all {
                    self.measure_finished();
                }
                self.shared.dirty |= self.shared.book.judge(self.shared.now);
                self.screens.mappings.arrange(&self.shared.book);
                return;
            }
            Answer::ContextsRead { contexts, wanted } => return self.contexts_read(contexts, wanted),
            Answer::FilesSeen(seen) => return self.files_seen(seen),
            Answer::Checked(checked) => screens.check.answered(checked),
            Answer::HistoryRead { most, runs } => screens.history.answered(most, runs, shared),
            Answer::ReportRead { run, by: Screen::Run, report } => screens.run.answered(&run, report),
            Answer::ReportRead { run, report, .. } => screens.report.answered(&run, report),
            Answer::Previewed { mapping, preview } => screens.backfill.answered(&mapping, preview),
            Answer::Tables(listed) => screens.tables.answered(listed),
            Answer::Appended(appended) => return self.appended(appended),
            Answer::Verified(said) => screens.verify.answered(said),
            Answer::BesideRead { mapping, price_only, answer } => {
                let is_shown = screens.front() == Screen::Data;
                screens.data.answered(&mapping, price_only, answer, is_shown, shared);
            }
            Answer::Compared(compared) => screens.schema.answered(compared, shared),
            Answer::Decided { mapping, decided } => screens.schema.decided(&mapping, decided, shared),
        }
        self.shared.dirty = true;
    }

    fn note_for_all(&mut self, event: &Event) {
        let shared = &mut self.shared;
        match event {
            Event::RunStarted { run, trigger, mappings } => self.run_started(run, *trigger, mappings),
            Event::MappingRefused { mapping, reason } => {
                shared.complain(format!("{mapping} was not started: {reason}"));
            }
            Event::RunScheduled { at, .. } => self.schedule.run_scheduled(*at, shared),
            Event::ScheduleLeft => self.schedule.left(),
            Event::MissedRunFound { mapping, .. } => {
                shared.say(format!("{mapping} missed a scheduled run; it runs now"));
            }
            Event::DueRunDelayed { mapping, reason, .. } => shared.say(format!("{mapping} is due but waits: {reason}")),
            Event::MappingLeft { mapping, .. } => self.mapping_left(mapping),
            Event::OutletFailed { outlet, error, hint } => shared.complain(format!("`{outlet}`: {error}. {hint}")),
            Event::WatermarkAdvanced { mapping, to, .. } => {
                if let Some(status) = shared.book.get_mut(mapping).and_then(|row| row.status.as_mut()) {
                    status.watermark = Some(to.clone());
                }
            }
            Event::MappingFinished { report } => self.mapping_finished(report),
            Event::RunFinished { report } => self.run_finished(report),
            Event::Paused { mapping } => shared.say(format!("{mapping} is paused; p resumes it")),
            Event::Resumed { mapping } => shared.say(format!("{mapping} is resumed")),
            Event::EngineFailed { error } => self.engine_failed(error),
            Event::RecordFailed { error, .. } => {
                shared.complain(format!("the run's report could not be written: {error}"));
            }
            // Only the run's own log shows these events.
            _ => {}
        }
    }

    fn note(&mut self, run: &RunId, mapping: &MappingName, event: &Event) {
        let now = self.shared.now;
        let Some(row) = self.shared.book.get_mut(mapping) else { return };
        let log = match row.log.take() {
            Some(log) if log.run == *run => log,
            _ => RunLog::begin(run.clone(), Trigger::Manual),
        };
        row.log.insert(log).note(event, now);
    }

    fn run_started(&mut self, run: &RunId, trigger: Trigger, mappings: &[MappingName]) {
        self.shared.runs.started(run, trigger);
        if self.deletes.began(run, trigger) {
            return;
        }
        for mapping in mappings {
            if let Some(row) = self.shared.book.get_mut(mapping) {
                row.log = Some(RunLog::begin(run.clone(), trigger));
            }
            // Leaving waits for runs that were ordered, not for those that come due meanwhile.
            if trigger == Trigger::Schedule && self.shared.leaving.is_some() {
                self.shared.send(Command::Cancel(mapping.clone()));
            }
        }
    }

    /// Another process has begun the mapping first; the state shows its work.
    fn mapping_left(&mut self, mapping: &MappingName) {
        if let Some(row) = self.shared.book.get_mut(mapping) {
            row.log = None;
        }
        self.shared.watch_now();
    }

    fn mapping_finished(&mut self, report: &MappingReport) {
        let (shared, name) = (&mut self.shared, &report.mapping_name);
        if self.deletes.is_look(&report.run_id) {
            if let Some(row) = shared.book.get_mut(name) {
                row.live = None;
            }
            return;
        }
        shared.book.finished(report);
        shared.book.judge(shared.now);
        match report.outcome {
            Outcome::Failed => {
                let error = report.errors.first().map_or("", String::as_str);
                shared.complain(format!("{name} failed: {error}"));
            }
            Outcome::Waiting => {
                let what = report.waits_for.unwrap_or(Undecided::Columns).sentence();
                shared.complain(format!("{name}: {what}; press s on it to decide"));
            }
            Outcome::Ok => {
                if let Some(repair) = &report.repair {
                    shared.say(format!("{name}: {}", repair.words()));
                } else if let Some(deletion) = &report.deletion {
                    shared.say(format!(
                        "{name}: {}",
                        numbered(deletion.deleted, "row deleted or marked", "rows deleted or marked")
                    ));
                }
            }
            Outcome::Cancelled => {}
        }
        let selection = Selection::Named(vec![name.clone()]);
        shared.ask(Ask::Measure(Measure { selection, by_index_only: false }));
        shared.watch_now();
    }

    fn run_finished(&mut self, report: &RunReport) {
        self.shared.runs.finished(report);
        let is_marked = matches!(self.scope(), Scope::Screen(Screen::Mappings | Screen::Run));
        let asks = is_marked && self.shared.leaving.is_none();
        let marked = self.subject().filter(|_| asks).cloned();
        if self.deletes.is_look(&report.run_id) {
            let meant = if asks { self.subjects() } else { Vec::new() };
            self.deletes.looked(report, &meant, &mut self.shared);
        } else {
            shrink::ask(report, marked.as_ref(), &mut self.shared);
        }
        self.answered_by_itself();
    }

    fn watched(&mut self, mappings: Vec<MappingStatus>) {
        let mappings = mappings.into_iter().map(|status| self.without_us(status)).collect();
        self.shared.dirty |= self.shared.book.watched(mappings);
        lost::tell(&mut self.shared);
        self.shared.dirty |= self.shared.book.ages(self.shared.now.at);
        self.shared.timers.watched(self.shared.now.at);
    }

    /// For our own runs, this console knows more than the state.
    fn without_us(&self, mut status: MappingStatus) -> MappingStatus {
        if status.held_by.as_ref().is_some_and(|holder| self.shared.runs.is_ours(&holder.run_id)) {
            status.held_by = None;
        }
        status
    }

    fn engine_failed(&mut self, error: &str) {
        let shared = &mut self.shared;
        shared.runs.lost();
        self.deletes.lost();
        let now = shared.now.at;
        shared.book.rows.iter_mut().filter_map(|row| row.log.as_mut()).for_each(|log| log.lost(now));
        shared.complain(format!(
            "bqsync itself failed: {error}. The watermarks stand where the last publish left them; u starts it again"
        ));
    }

    pub(super) fn engine_ended(&mut self) {
        let shared = &mut self.shared;
        shared.runs.lost();
        self.deletes.lost();
        self.screens.schema.lost();
        shared.book.progressed(&Progress::default());
        shared.facts = None;
        shared.complain("bqsync itself failed: its engine has ended; l shows the logs, u starts it again");
    }
}

/// The run and the mapping of an event that has both.
fn run_and_mapping(event: &Event) -> Option<(&RunId, &MappingName)> {
    let run = match event {
        Event::PhaseStarted { run, .. }
        | Event::PublishRecovered { run, .. }
        | Event::FenceAwaited { run, .. }
        | Event::HeldBack { run, .. }
        | Event::WindowFixed { run, .. }
        | Event::StepStarted { run, .. }
        | Event::BackfillAdvanced { run, .. }
        | Event::Warned { run, .. }
        | Event::StagingLoaded { run, .. }
        | Event::Published { run, .. }
        | Event::RowsDeleted { run, .. }
        | Event::RowsCompared { run, .. }
        | Event::WatermarkAdvanced { run, .. }
        | Event::RetryScheduled { run, .. } => run,
        Event::MappingFinished { report } => &report.run_id,
        _ => return None,
    };
    Some((run, event.mapping()?))
}
