//! An operator at a console without terminal or engine, for tests of its behaviour and its look.

pub mod looks;
pub mod scenes;

use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{Deletion, MappingReport, Outcome, RunReport, Trigger};
use crate::engine::{Command, Event, MappingProgress, MappingStatus, Phase, Progress, Selection, SyncOrder};
use crate::tui::app::{App, Msg};
use crate::tui::ask::Answer;
use crate::tui::model::{Now, Word, samples};
use crate::tui::session::{Facts, Start};
use crate::tui::shared::Effect;

/// The run that [`Desk::start`] starts.
pub const RUN: &str = "20261123T080000Z-00ff00";

/// A count of deleted rows of orders with this result.
pub fn vanished(vanished: u64) -> MappingReport {
    let mut report = samples::report("orders", "20261123T080030Z-de1e7e", Outcome::Ok);
    report.deletion = Some(Deletion { keys: 18_201, held: 18_204, vanished, deleted: 0 });
    report
}

pub fn named(name: &str) -> MappingName {
    MappingName(name.to_owned())
}

pub fn sync(names: &[&str]) -> Effect {
    let selection = Selection::Named(names.iter().map(|name| named(name)).collect());
    Effect::Send(Command::Sync(SyncOrder::manual(selection)))
}

pub struct Desk {
    pub app: App,
    pub now: Now,
}

impl Desk {
    /// A console before any file was read.
    pub fn closed(read_only: bool, start: Option<Start>) -> Self {
        let now = samples::now();
        Self { app: App::new(start, read_only, Arc::default(), now), now }
    }

    /// Orders is fine, users has failed, carts has never run.
    pub fn open() -> Self {
        Self::open_with(false, None)
    }

    pub fn open_with(read_only: bool, start: Option<Start>) -> Self {
        let mut desk = Self::closed(read_only, start);
        desk.tell(Msg::Opened(Ok(samples::facts(&["orders", "users", "carts"]))));
        desk.watched(vec![
            samples::status("orders", Some(Outcome::Ok)),
            samples::status("users", Some(Outcome::Failed)),
            samples::status("carts", None),
        ]);
        desk
    }

    /// Like `open`, with the given `deletes` in each mapping: `soft`.
    pub fn deleting(word: &str) -> Self {
        let mut desk = Self::open();
        let config = samples::config_with(&["orders", "users", "carts"], &format!(", deletes: {word}"));
        desk.tell(Msg::Opened(Ok(Facts { config, ..samples::facts(&["orders"]) })));
        desk
    }

    /// Ends the count of deleted rows of orders with `report`.
    pub fn looked(&mut self, report: MappingReport) -> Vec<Effect> {
        self.looked_at(vec![report])
    }

    /// Like `looked`, for several mappings.
    pub fn looked_at(&mut self, mappings: Vec<MappingReport>) -> Vec<Effect> {
        let (run, trigger) = (mappings[0].run_id.clone(), Trigger::Deletes);
        let names = mappings.iter().map(|report| report.mapping_name.clone()).collect();
        self.hear(Event::RunStarted { run: run.clone(), trigger, mappings: names });
        for report in &mappings {
            self.hear(Event::MappingFinished { report: Box::new(report.clone()) });
        }
        let (started_at, finished_at) = (mappings[0].started_at, mappings[0].finished_at);
        let by = "ops@jump".to_owned();
        let report = RunReport { run_id: run, trigger, by, started_at, finished_at, mappings };
        self.hear(Event::RunFinished { report })
    }

    pub fn watched(&mut self, mappings: Vec<MappingStatus>) {
        self.answered(Answer::Watched(mappings));
    }

    pub fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        self.app.update(msg, self.now)
    }

    pub fn hear(&mut self, event: Event) -> Vec<Effect> {
        self.tell(Msg::Engine(event))
    }

    pub fn answered(&mut self, answer: Answer) -> Vec<Effect> {
        self.tell(Msg::Answer(answer))
    }

    pub fn press(&mut self, c: char) -> Vec<Effect> {
        self.tell(Msg::Key(KeyEvent::from(KeyCode::Char(c))))
    }

    pub fn code(&mut self, code: KeyCode) -> Vec<Effect> {
        self.tell(Msg::Key(KeyEvent::from(code)))
    }

    pub fn ctrl(&mut self, c: char) -> Vec<Effect> {
        self.tell(Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)))
    }

    pub fn start(&mut self, name: &str) {
        self.hear(Event::RunStarted { run: RunId(RUN.into()), trigger: Trigger::Manual, mappings: vec![named(name)] });
        self.progress(name, MappingProgress { phase: Phase::Extract, ..MappingProgress::default() });
    }

    pub fn progress(&mut self, name: &str, progress: MappingProgress) {
        self.tell(Msg::Progress(Progress { mappings: [(named(name), progress)].into() }));
    }

    pub fn finish(&mut self, name: &str, outcome: Outcome) -> Vec<Effect> {
        let report = Box::new(samples::report(name, RUN, outcome));
        let mut effects = self.hear(Event::MappingFinished { report });
        effects.extend(self.end_run(name, outcome));
        effects
    }

    /// Ends the run, with its report written.
    pub fn end_run(&mut self, name: &str, outcome: Outcome) -> Vec<Effect> {
        self.hear(Event::RunFinished {
            report: RunReport {
                run_id: RunId(RUN.into()),
                trigger: Trigger::Manual,
                by: "ops@jump".into(),
                started_at: samples::utc(8, 0, 0),
                finished_at: samples::utc(8, 0, 12),
                mappings: vec![samples::report(name, RUN, outcome)],
            },
        })
    }

    pub fn notice(&self) -> &str {
        self.app.shared.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }

    pub fn word(&self, name: &str) -> Word {
        self.app.shared.book.get(&named(name)).unwrap().word()
    }
}
