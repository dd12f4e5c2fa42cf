//! What the engine says, and what follows from it.

use super::actions::compare;
use super::{App, Effect, Screen};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, Outcome, RunReport, Trigger};
use crate::engine::{Command, Event, MappingStatus, Selection};
use crate::format;
use crate::tui::model::RunLog;
use crate::tui::screens::Asked;

impl App {
    pub(super) fn engine_said(&mut self, event: Event, effects: &mut Vec<Effect>) {
        if let Some((run, mapping)) = run_and_mapping(&event) {
            self.runs.seen(run);
            if !self.is_look(run) {
                self.note(run, mapping, &event);
            }
        }
        // What is asked again and again mostly says what is known.
        self.dirty |= !matches!(event, Event::Watched { .. } | Event::Measured { .. } | Event::MeasureFinished);
        match event {
            Event::RunStarted { run, trigger, mappings } => self.run_started(&run, trigger, &mappings, effects),
            Event::MappingRefused { mapping, reason } => self.complain(format!("{mapping} was not started: {reason}")),
            Event::RunScheduled { at, .. } => self.run_scheduled(at),
            Event::MissedRunFound { mapping, .. } => self.say(format!("{mapping} missed a scheduled run: made up now")),
            Event::DueRunDelayed { mapping, reason, .. } => self.say(format!("{mapping} is due and waits: {reason}")),
            Event::MappingLeft { mapping, .. } => self.mapping_left(&mapping, effects),
            Event::OutletFailed { outlet, error, hint } => self.complain(format!("`{outlet}`: {error}. {hint}")),
            Event::WatermarkAdvanced { mapping, to, .. } => {
                if let Some(status) = self.book.get_mut(&mapping).and_then(|row| row.status.as_mut()) {
                    status.watermark = Some(to);
                }
            }
            Event::MappingFinished { report } => self.mapping_finished(&report, effects),
            Event::RunFinished { report } => self.run_finished(&report, effects),
            Event::Paused { mapping } => self.say(format!("{mapping} is held; p lets it go on")),
            Event::Resumed { mapping } => self.say(format!("{mapping} goes on")),
            Event::Watched { mappings } => self.watched(mappings),
            Event::Measured { status } => {
                let status = self.without_us(*status);
                self.dirty |= self.book.measured(status);
            }
            Event::MeasureFinished => {
                self.measure_finished();
                self.mappings.arrange(&self.book, self.now);
            }
            Event::HistoryRead { runs } => self.history.read(runs),
            Event::HistoryFailed { error, hint } => self.history.failed(error, hint),
            Event::ReportRead { run, report } => {
                self.run.report_read(&run, report.as_deref());
                self.report.read(&run, report);
            }
            Event::Checked { mappings, findings } => self.check.answered(&mappings, findings),
            Event::EngineFailed { error } => {
                self.runs.lost();
                self.look_lost();
                let now = self.now.at;
                self.book.rows.iter_mut().filter_map(|row| row.log.as_mut()).for_each(|log| log.lost(now));
                self.complain(format!(
                    "bqsync itself failed: {error}. The watermarks stand where the last publish left them; u opens anew"
                ));
            }
            Event::RecordFailed { error, .. } => {
                self.complain(format!("the run's report could not be written: {error}"));
            }
            event => self.answered(event, effects),
        }
    }

    /// Answers to what the schema and backfill screens asked.
    fn answered(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::SchemaCompared { mapping, creates_table, columns, statements, applied, .. } => {
                let read_only = self.read_only;
                match self.schema.compared(&mapping, creates_table, columns, statements, applied) {
                    Asked::Confirm(dialog) if !read_only => self.dialog = Some(dialog),
                    _ => {}
                }
            }
            Event::CompareFailed { mapping, error, hint } => self.schema.failed(&mapping, error, hint),
            Event::SchemaDecided { mapping, accepted, declined, statements, .. } => {
                let resumes = self.schema.decided(&mapping);
                self.say(format!(
                    "{mapping}: {} accepted, {} declined, {} statement(s) carried out",
                    accepted.len(),
                    declined.len(),
                    statements.len()
                ));
                self.watch_now(effects);
                if resumes && self.waits(&mapping) {
                    self.sync(vec![mapping.clone()], effects);
                }
                effects.push(Effect::Send(compare(mapping)));
            }
            Event::DecideFailed { mapping, error, hint } => {
                self.schema.not_decided(&mapping);
                self.complain(format!("{mapping}: {error}. {hint}"));
            }
            Event::BackfillPreviewed { preview } => self.backfill.previewed(*preview),
            Event::PreviewFailed { mapping, error, hint } => self.backfill.failed(&mapping, error, hint),
            _ => {}
        }
    }

    /// Did its last run end for want of a decision?
    fn waits(&self, mapping: &MappingName) -> bool {
        self.book.get(mapping).is_some_and(|row| {
            let last = row.last_run().is_some_and(|last| last.outcome == Outcome::Waiting);
            row.live.is_none() && (last || !row.undecided().is_empty())
        })
    }

    fn note(&mut self, run: &RunId, mapping: &MappingName, event: &Event) {
        let now = self.now;
        let Some(row) = self.book.get_mut(mapping) else { return };
        let log = match row.log.take() {
            Some(log) if log.run == *run => log,
            _ => RunLog::begin(run.clone(), Trigger::Manual),
        };
        row.log.insert(log).note(event, now);
    }

    fn mapping_finished(&mut self, report: &MappingReport, effects: &mut Vec<Effect>) {
        if self.is_look(&report.run_id) {
            if let Some(row) = self.book.get_mut(&report.mapping_name) {
                row.live = None;
            }
            return;
        }
        self.book.finished(report);
        self.mappings.arrange(&self.book, self.now);
        let name = &report.mapping_name;
        match report.outcome {
            Outcome::Failed => {
                let error = report.errors.first().map_or("", String::as_str);
                self.complain(format!("{name} failed: {error}"));
            }
            Outcome::Waiting => self.complain(format!("{name} waits: its columns need a decision; s on it")),
            Outcome::Ok => {
                if let Some(deletion) = &report.deletion {
                    self.say(format!("{name}: {} row(s) deleted or marked", format::count(deletion.deleted)));
                }
            }
            Outcome::Cancelled => {}
        }
        let lag = Selection::Named(vec![name.clone()]);
        effects.push(Effect::Send(Command::Measure(lag)));
        self.watch_now(effects);
    }

    fn run_finished(&mut self, report: &RunReport, effects: &mut Vec<Effect>) {
        self.runs.finished(report);
        if self.is_look(&report.run_id) {
            self.looked(report);
        }
        self.answered_by_itself();
        if self.screen() == Screen::History {
            effects.push(super::actions::read_history());
        }
    }

    fn watched(&mut self, mappings: Vec<MappingStatus>) {
        let first = self.book.rows.iter().all(|row| row.status.is_none());
        let mappings = mappings.into_iter().map(|status| self.without_us(status)).collect();
        self.dirty |= self.book.watched(mappings);
        self.watch_answered();
        self.mappings.arrange(&self.book, self.now);
        if first {
            self.offer_backfills();
        }
    }

    /// Our own runs are known better from the inside.
    fn without_us(&self, mut status: MappingStatus) -> MappingStatus {
        if status.held_by.as_ref().is_some_and(|holder| self.runs.is_ours(&holder.run_id)) {
            status.held_by = None;
        }
        status
    }

    pub(super) fn engine_ended(&mut self) {
        self.runs.lost();
        self.look_lost();
        self.facts = None;
        self.complain("the engine has ended, which is a fault of ours: see the logs (l); u starts it anew");
    }
}

/// The run and the mapping of an event that is about both.
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
        | Event::WatermarkAdvanced { run, .. }
        | Event::RetryScheduled { run, .. } => run,
        Event::MappingFinished { report } => &report.run_id,
        _ => return None,
    };
    Some((run, event.mapping()?))
}
