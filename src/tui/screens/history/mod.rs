//! Screen 5: past runs of all hosts.

mod glance;
#[cfg(test)]
mod tests;
mod view;

use super::shown::{About, Acts, Next};
use crate::domain::ids::MappingName;
use crate::domain::report::RunSummary;
use crate::engine::{Event, Failure, ReadHistory};
use crate::tui::ask::Ask;
use crate::tui::keys::Action;
use crate::tui::model::Glance;
use crate::tui::screen::Screen;
use crate::tui::scroll::travel;
use crate::tui::shared::Shared;

/// The first request: a screenful, and the runs in the bars. In a bucket each report is a request, so the first ones
/// are shown before the others are read.
const FIRST: usize = 30;
/// The most runs that are read: some weeks of a nightly run, or a day of one every ten minutes.
const ALL: usize = 200;

#[derive(Debug, Default)]
pub struct History {
    /// The runs, newest first; `None` until they were read.
    pub runs: Option<Vec<RunSummary>>,
    pub failure: Option<Failure>,
    /// The older runs are being read.
    reading_more: bool,
    pub place: usize,
    /// The mapping that the screen was opened on, and its last runs.
    about: Option<MappingName>,
    glance: Option<Glance>,
    /// Words that a run's line must hold, all of them.
    pub wanted: Vec<String>,
}

impl History {
    /// Asks for the newest runs; the older ones follow if they are not known.
    fn ask(shared: &mut Shared) {
        shared.ask(Ask::History(ReadHistory(FIRST)));
    }

    fn read(&mut self, most: usize, mut runs: Vec<RunSummary>, shared: &mut Shared) {
        let marked = self.selected().map(|run| run.run_id.clone());
        self.reading_more = false;
        if most < ALL && runs.len() >= most {
            let known = self.runs.take().unwrap_or_default();
            let is_new = |run: &RunSummary| runs.iter().any(|new| new.run_id == run.run_id);
            // Runs that were read earlier are kept if they overlap the new ones; otherwise runs between them are
            // missing.
            let older = known.iter().rposition(is_new).map(|last| known[last + 1..].to_vec()).filter(|o| !o.is_empty());
            self.reading_more = older.is_none();
            match older {
                Some(older) => runs.extend(older),
                None => shared.ask(Ask::History(ReadHistory(ALL))),
            }
        }
        self.runs = Some(runs);
        let again = marked.and_then(|id| self.listed().iter().position(|run| run.run_id == id));
        self.place = again.filter(|_| self.place > 0).unwrap_or(0);
        self.failure = None;
        self.look_back();
    }

    fn look_back(&mut self) {
        let runs = self.runs.as_deref().unwrap_or_default();
        self.glance = self.about.as_ref().and_then(|name| Glance::of(name, runs));
    }

    pub fn answered(&mut self, most: usize, answer: Result<Vec<RunSummary>, Failure>, shared: &mut Shared) {
        match answer {
            Ok(runs) => self.read(most, runs, shared),
            Err(failure) => self.failure = Some(failure),
        }
    }

    /// Sets the words that lines must contain.
    pub fn look_for(&mut self, words: &str) {
        self.wanted = words.split_whitespace().map(str::to_lowercase).collect();
        self.place = 0;
    }

    /// The runs that are listed.
    pub fn listed(&self) -> Vec<&RunSummary> {
        let all = self.runs.iter().flatten();
        all.filter(|run| self.wanted.iter().all(|word| holds(run, word))).collect()
    }

    #[must_use]
    pub fn selected(&self) -> Option<&RunSummary> {
        self.listed().get(self.place).copied()
    }
}

impl Acts for History {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        self.about = match about {
            About::Mapping(name) => Some(name),
            About::All | About::Several(_) | About::Run(_) => None,
        };
        self.look_back();
        Self::ask(shared);
        true
    }

    fn can_open(&self, _subject: Option<&MappingName>, shared: &Shared) -> bool {
        shared.has_engine()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.place = travel(self.place, self.listed().len(), shared.page(), action);
            }
            Action::Back if !self.wanted.is_empty() => self.look_for(""),
            Action::Open => {
                let run = self.selected().map(|run| run.run_id.clone());
                let Some(run) = run else {
                    let read = self.runs.is_some();
                    shared.remark(if read { "no run is marked" } else { "the history is still being read" });
                    return Next::Done;
                };
                return Next::Show(Screen::Report, About::Run(run));
            }
            Action::Reload if shared.has_engine() => Self::ask(shared),
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn heard(&mut self, event: &Event, is_shown: bool, shared: &mut Shared) {
        if is_shown && matches!(event, Event::RunFinished { .. }) {
            Self::ask(shared);
        }
    }

    fn copied(&self, _shared: &Shared) -> Option<String> {
        self.selected().map(|run| run.run_id.to_string())
    }
}

/// Tells if the run's line contains the word: an outcome, a trigger, an operator, or a mapping.
fn holds(run: &RunSummary, word: &str) -> bool {
    let of_run = [run.outcome.word(), run.trigger.word(), run.by.as_str()];
    let mappings = run.mappings.iter().map(|mapping| mapping.0.as_str());
    of_run.into_iter().chain(mappings).any(|text| text.to_lowercase().contains(word))
}
