//! Questions: what will be done, in full, before it is done.

use super::{App, Effect, Leaving};
use crate::domain::ids::MappingName;
use crate::engine::{BackfillAsk, ColumnDecision, Command};

/// A question with its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    pub title: String,
    pub lines: Vec<String>,
    pub choices: Vec<Choice>,
    pub selected: usize,
    /// Lines scrolled past, where they do not fit.
    pub scroll: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub letter: char,
    pub label: String,
    pub intent: Intent,
}

/// What an answer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    Nothing,
    Cancel(MappingName),
    CancelAll,
    WaitAndQuit,
    CancelAndQuit,
    StartBackfill { ask: BackfillAsk, restart: bool },
    OpenBackfill(BackfillAsk),
    DeleteRows(MappingName),
    Decide { mapping: MappingName, decisions: Vec<ColumnDecision> },
}

impl Dialog {
    #[must_use]
    pub fn new(title: impl Into<String>, lines: Vec<String>, choices: Vec<Choice>) -> Self {
        Self { title: title.into(), lines, choices, selected: 0, scroll: 0 }
    }

    /// The answer that a letter stands for.
    #[must_use]
    pub fn by_letter(&self, letter: char) -> Option<Intent> {
        self.choices.iter().find(|choice| choice.letter == letter).map(|choice| choice.intent.clone())
    }

    pub(super) fn move_by(&mut self, forward: bool) {
        let count = self.choices.len().max(1);
        self.selected = (self.selected + if forward { 1 } else { count - 1 }) % count;
    }

    pub(super) fn chosen(&self) -> Intent {
        self.choices.get(self.selected).map_or(Intent::Nothing, |choice| choice.intent.clone())
    }

    fn asks_to_quit(&self) -> bool {
        self.choices.iter().any(|choice| choice.intent == Intent::CancelAndQuit)
    }
}

pub fn choice(letter: char, label: impl Into<String>, intent: Intent) -> Choice {
    Choice { letter, label: label.into(), intent }
}

impl App {
    pub(super) fn carry_out(&mut self, intent: Intent, effects: &mut Vec<Effect>) {
        match intent {
            Intent::Nothing => {}
            Intent::Cancel(mapping) => {
                self.say(format!("{mapping} stops at its next safe point"));
                effects.push(Effect::Send(Command::Cancel(mapping)));
            }
            Intent::CancelAll => {
                self.say("everything stops at its next safe point");
                effects.push(Effect::Send(Command::CancelAll));
            }
            Intent::WaitAndQuit => {
                self.leaving = Some(Leaving { interrupted: false });
                self.complain("leaving as soon as what runs has ended; q to think again");
            }
            Intent::CancelAndQuit => self.interrupt_and_leave(effects),
            Intent::StartBackfill { ask, restart } => {
                self.backfill.started(&ask);
                self.send_run(Command::Backfill { ask, restart, shard: None }, effects);
            }
            Intent::OpenBackfill(ask) => {
                self.backfill.open_with(&ask);
                self.show(super::Screen::Backfill);
                self.backfill.asked(&ask);
                effects.push(Effect::Send(Command::PreviewBackfill(ask)));
            }
            Intent::DeleteRows(mapping) => self.send_deletes(mapping, false, effects),
            Intent::Decide { mapping, decisions } => {
                self.schema.sent();
                effects.push(Effect::Send(Command::Decide { mapping, decisions }));
            }
        }
    }

    /// `q`: asks while something runs. A run whose mappings have all ended is only being written down: that is waited for.
    pub(super) fn quit(&mut self) {
        if self.leaving.take().is_some() {
            self.say("staying");
            return;
        }
        if !self.busy() || self.only_records() {
            self.leaving = Some(Leaving { interrupted: false });
            return;
        }
        let names: Vec<&str> =
            self.book.rows.iter().filter(|row| row.live.is_some()).map(|row| row.name.0.as_str()).collect();
        let running = if names.is_empty() { "A run is about to begin or to end.".to_owned() } else { list(&names) };
        self.dialog = Some(Dialog::new(
            "Something is running",
            vec![running, "Every step that was published stays; the next run goes on from there.".to_owned()],
            vec![
                choice('w', "wait for it and quit", Intent::WaitAndQuit),
                choice('c', "cancel at the next safe point and quit (Ctrl-C)", Intent::CancelAndQuit),
                choice('s', "stay", Intent::Nothing),
            ],
        ));
    }

    fn only_records(&self) -> bool {
        let works = self
            .book
            .rows
            .iter()
            .filter_map(|row| row.log.as_ref())
            .any(|log| self.runs.is_ours(&log.run) && log.report.is_none());
        !works && !self.runs.is_asked() && !self.schema.deciding()
    }

    /// What ran has ended: whether to wait for it is no question any more.
    pub(super) fn answered_by_itself(&mut self) {
        if !self.busy() && self.dialog.as_ref().is_some_and(Dialog::asks_to_quit) {
            self.dialog = None;
            self.say("what ran has ended; q leaves");
        }
    }

    /// Ctrl-C: once asks, twice cancels and leaves, thrice leaves at once.
    pub(super) fn interrupt(&mut self, effects: &mut Vec<Effect>) {
        if self.leaving.is_some_and(|leaving| leaving.interrupted) {
            effects.push(Effect::Leave);
        } else if self.leaving.is_some() || self.dialog.as_ref().is_some_and(Dialog::asks_to_quit) {
            self.interrupt_and_leave(effects);
        } else {
            self.help = None;
            self.quit();
        }
    }

    /// A second signal leaves at once.
    pub(super) fn terminate(&mut self, effects: &mut Vec<Effect>) {
        if self.leaving.is_some_and(|leaving| leaving.interrupted) {
            effects.push(Effect::Leave);
        } else {
            self.interrupt_and_leave(effects);
        }
    }

    pub(super) fn interrupt_and_leave(&mut self, effects: &mut Vec<Effect>) {
        self.dialog = None;
        self.leaving = Some(Leaving { interrupted: true });
        if self.busy() {
            self.complain("stopping at the next safe point, then leaving; Ctrl-C leaves at once");
            effects.push(Effect::Send(Command::CancelAll));
        }
    }

    /// Unfinished backfills are offered when the console opens.
    pub(super) fn offer_backfills(&mut self) {
        let unfinished: Vec<(MappingName, crate::engine::BackfillState)> = self
            .book
            .rows
            .iter()
            .filter_map(|row| {
                let status = row.status.as_ref().filter(|status| status.held_by.is_none())?;
                Some((row.name.clone(), status.backfill.clone()?))
            })
            .collect();
        if unfinished.is_empty() || self.read_only || self.dialog.is_some() || self.runs.busy() {
            return;
        }
        let lines = unfinished.iter().map(|(mapping, state)| {
            let done = state.done.as_deref().unwrap_or("nothing yet");
            let (to, by) = (&state.to, &state.by);
            format!(
                "{mapping}: {} to {to}; done up to {done} ({} slices, {} rows), begun by {by}",
                state.start,
                state.slices,
                crate::format::count(state.rows)
            )
        });
        let lines = lines.collect();
        // Letters of the answers must not repeat; nobody has more unfinished backfills than there are letters here.
        let mut choices: Vec<Choice> = unfinished
            .into_iter()
            .zip('1'..='9')
            .map(|((mapping, state), letter)| {
                let label = format!("look at {mapping}'s and go on with it");
                let ask = BackfillAsk { mapping, start: state.start, end: state.end };
                choice(letter, label, Intent::OpenBackfill(ask))
            })
            .collect();
        choices.push(choice('n', "not now", Intent::Nothing));
        self.dialog = Some(Dialog::new("Unfinished backfills", lines, choices));
    }
}

fn list(names: &[&str]) -> String {
    /// More would only fill the dialog.
    const NAMED: usize = 6;
    let listed = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED);
    let verb = if names.len() == 1 { "is running" } else { "are running" };
    if more == 0 { format!("{listed} {verb}.") } else { format!("{listed} and {more} more {verb}.") }
}
