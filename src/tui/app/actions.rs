//! The actions that do the same on every screen. A screen's own actions are the screen's.

use super::App;
use crate::domain::ids::MappingName;
use crate::engine::{Command, MappingProgress};
use crate::format::numbered;
use crate::tui::ask::Ask;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::help::Help;
use crate::tui::keys::{Action, Scope};
use crate::tui::lost;
use crate::tui::model::Row;
use crate::tui::naming::asked_about;
use crate::tui::screen::Screen;
use crate::tui::screens::shown::{About, Next};
use crate::tui::session::Added;
use crate::tui::shared::{Effect, Files, NO_MAPPING};

impl App {
    /// Carries out the action of a key or a command.
    pub(super) fn dispatch(&mut self, scope: Scope, action: Action) {
        match action {
            Action::Interrupt => self.interrupt(),
            Action::Suspend => self.shared.effects.push(Effect::Suspend),
            Action::Redraw => self.shared.effects.push(Effect::Redraw),
            action => self.act(scope, action),
        }
    }

    fn act(&mut self, scope: Scope, action: Action) {
        match scope {
            Scope::Dialog => {
                if let Some(intent) = self.shared.dialog.as_mut().and_then(|dialog| dialog.act(action)) {
                    self.answer(intent);
                }
            }
            Scope::Help => {
                let page = usize::from(self.shared.size.1.saturating_sub(6));
                self.help.take_if(|help| help.act(action, page).is_break());
            }
            Scope::Command => self.act_on_line(action),
            Scope::Palette => self.act_on_palette(action),
            Scope::Screen(_) | Scope::Typing | Scope::Form => {
                if needs_engine(self.screens.front(), action) && self.shared.lacks_engine() {
                    return;
                }
                match self.screens.shown_mut().act(action, &mut self.shared) {
                    Next::Done => {}
                    Next::Show(screen, about) => self.screens.open(screen, about, &mut self.shared),
                    Next::Usual => self.act_as_usual(action),
                }
            }
        }
    }

    /// Closes the question and carries out its answer.
    pub(super) fn answer(&mut self, intent: Intent) {
        let unanswered = self.shared.dialog.take().and_then(|dialog| dialog.unanswered());
        match unanswered.filter(|_| intent == Intent::Nothing) {
            Some(said) => self.shared.remark(said),
            None => self.carry_out(intent),
        }
    }

    fn act_as_usual(&mut self, action: Action) {
        match action {
            Action::Back => self.screens.go_back(),
            Action::Show(screen) => self.show(screen),
            Action::RunSelected | Action::Deletes | Action::Cancel | Action::Pause => {
                self.act_on(action, self.subjects());
            }
            Action::RunAll => self.run_all(),
            Action::Copy => self.copy(),
            Action::Reload => self.reload(),
            Action::Context => self.shared.effects.push(Effect::ReadContexts(None)),
            Action::Help => self.help = Some(Help::default()),
            Action::Quit => self.quit(),
            Action::Command => self.open_line(),
            Action::Palette => self.open_palette(self.scope()),
            // Handled before.
            Action::Interrupt | Action::Suspend | Action::Redraw => {}
            // Screens handle these themselves, where they are bound.
            Action::Up
            | Action::Down
            | Action::Left
            | Action::Right
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Open
            | Action::NextPane
            | Action::PreviousPane
            | Action::Toggle
            | Action::Mark
            | Action::MarkRange
            | Action::MarkShown
            | Action::OnlyWrong
            | Action::AcceptSafe
            | Action::Repair
            | Action::NextOpen
            | Action::PreviousOpen
            | Action::Filter
            | Action::Sort => {}
        }
    }

    fn show(&mut self, screen: Screen) {
        self.show_of(screen, self.subjects());
    }

    /// Opens a screen about mappings.
    pub(super) fn show_of(&mut self, screen: Screen, mut names: Vec<MappingName>) {
        if screen == Screen::Backfill {
            let replaced =
                |name: &MappingName| self.shared.configured(name).is_some_and(|mapping| !mapping.mode.has_windows());
            let (whole, others): (Vec<_>, Vec<_>) = names.into_iter().partition(replaced);
            if let (Some(name), true) = (whole.first(), others.is_empty()) {
                let said = format!("{name} has no backfill: every run (r) reads its whole table");
                return self.shared.say(said);
            }
            names = others;
        }
        let about = match names.len() {
            0 => About::All,
            1 => About::Mapping(names.remove(0)),
            _ if matches!(screen, Screen::Verify | Screen::Backfill) => About::Several(names),
            // The other screens show one mapping: the one under the cursor.
            _ => self.subject().cloned().map_or(About::All, About::Mapping),
        };
        self.screens.open(screen, about, &mut self.shared);
    }

    /// Carries out a key's or command's action on mappings; if there are none, says so.
    pub(super) fn act_on(&mut self, action: Action, names: Vec<MappingName>) {
        if action == Action::Cancel {
            return self.ask_cancel(names);
        }
        if names.is_empty() {
            return self.shared.say(NO_MAPPING);
        }
        match action {
            Action::RunSelected => self.run(names),
            Action::Deletes => self.deletes.look(names, &mut self.shared),
            Action::Pause => self.pause(&names),
            _ => {}
        }
    }

    fn run(&mut self, mut names: Vec<MappingName>) {
        if names.len() == 1 && !self.shared.is_free(&names[0]) {
            return;
        }
        if !self.asks_first(&names) {
            return lost::run(names, &mut self.shared);
        }
        let count = names.len();
        names.retain(|name| self.shared.book.get(name).is_some_and(Row::is_free));
        if names.is_empty() {
            return self.shared.say("every marked mapping is running already");
        }
        let mut lines = vec![asked_about(&names, self.shared.size)];
        if names.len() < count {
            let left_out = (count - names.len()) as u64;
            lines.push(numbered(
                left_out,
                "marked mapping is running and is left out.",
                "marked mappings are running and are left out.",
            ));
        }
        let (title, label) = match names.as_slice() {
            [name] => (format!("Run {name}?"), "run it".to_owned()),
            several => (format!("Run {} mappings?", several.len()), format!("run these {}", several.len())),
        };
        let choices = vec![choice('n', "run nothing", Intent::Nothing), choice('y', label, Intent::RunMarked(names))];
        self.shared.dialog = Some(Dialog::new(title, lines, choices));
    }

    /// Tells if the action needs a question: it is about several mappings, or about one that is marked but not under
    /// the cursor, which the operator may not have meant.
    fn asks_first(&self, names: &[MappingName]) -> bool {
        let is_marked = self.screens.front() == Screen::Mappings && !self.screens.mappings.marks.is_empty();
        names.len() > 1 || (is_marked && names.first() != self.subject())
    }

    fn run_all(&mut self) {
        let shared = &mut self.shared;
        let free = shared.book.rows.iter().filter(|row| row.is_free());
        let free: Vec<MappingName> = free.map(|row| row.name.clone()).collect();
        if free.is_empty() {
            shared.say("every mapping is running already");
        } else {
            let count = free.len();
            lost::run(free, shared);
            if shared.dialog.is_none() {
                shared.say(numbered(count as u64, "mapping started", "mappings started"));
            }
        }
    }

    fn ask_cancel(&mut self, names: Vec<MappingName>) {
        let running = self.shared.book.running();
        let ours: Vec<MappingName> = names.into_iter().filter(|name| self.live(name).is_some()).collect();
        if running == 0 {
            self.shared.say("this console runs nothing: there is nothing to cancel");
            return;
        }
        let mut lines = vec![
            "A run stops at its next safe point. Published rows stay; the next run goes on from there.".to_owned(),
        ];
        let mut choices = Vec::new();
        if ours.len() > 1 {
            lines.insert(0, format!("Marked and running: {}", asked_about(&ours, self.shared.size)));
            choices.push(choice('y', format!("cancel these {}", ours.len()), Intent::Cancel(ours)));
        } else if let Some(name) = ours.first() {
            choices.push(choice('y', format!("cancel {name}"), Intent::Cancel(ours.clone())));
        }
        let all = if choices.is_empty() { 'y' } else { 'a' };
        choices.push(choice(all, format!("cancel everything ({running} running)"), Intent::CancelAll));
        choices.push(choice('n', "cancel nothing", Intent::Nothing));
        self.shared.dialog = Some(Dialog::new("Cancel?", lines, choices));
    }

    fn live(&self, name: &MappingName) -> Option<&MappingProgress> {
        self.shared.book.get(name)?.live.as_ref()
    }

    /// Pauses the running mappings; if all of them are paused, resumes them.
    fn pause(&mut self, names: &[MappingName]) {
        let running: Vec<MappingName> = names.iter().filter(|name| self.live(name).is_some()).cloned().collect();
        let (held, moving): (Vec<_>, Vec<_>) =
            running.into_iter().partition(|name| self.live(name).is_some_and(|live| live.paused));
        let is_one = !self.asks_first(names);
        match (moving.as_slice(), held.as_slice()) {
            ([], []) if is_one => self.shared.say(format!("{} is not running", names[0])),
            ([], []) => self.shared.say("no marked mapping is running"),
            ([], _) if is_one => self.shared.send_each(held, Command::Resume),
            (_, []) if is_one => self.shared.send_each(moving, Command::Pause),
            ([], _) => self.ask_pause("Resume?", "resume", held, Intent::Resume),
            (..) => self.ask_pause("Pause between two batches?", "pause", moving, Intent::Pause),
        }
    }

    fn ask_pause(&mut self, title: &str, verb: &str, names: Vec<MappingName>, intent: fn(Vec<MappingName>) -> Intent) {
        let lines = vec![asked_about(&names, self.shared.size)];
        let label = if names.len() == 1 { format!("{verb} it") } else { format!("{verb} these {}", names.len()) };
        let choices = vec![choice('n', format!("{verb} nothing"), Intent::Nothing), choice('y', label, intent(names))];
        self.shared.dialog = Some(Dialog::new(title, lines, choices));
    }

    fn copy(&mut self) {
        match self.screens.shown().copied(&self.shared) {
            Some(text) => {
                let first = text.lines().next().unwrap_or_default().to_owned();
                self.shared.say(format!("copied: {first}"));
                self.shared.effects.push(Effect::Copy(text));
            }
            None => self.shared.say("there is nothing to copy here"),
        }
    }

    /// Shows what came of adding mappings to the configuration's file; if the file has changed, reads it again.
    pub(super) fn appended(&mut self, appended: Result<Added, String>) {
        match appended {
            Ok(Added::Mappings(count)) => {
                self.screens.tables.added();
                let added = numbered(count as u64, "mapping was added", "mappings were added");
                self.shared.news = Some(format!("{added} to the configuration; the list shows NEW for it"));
                self.reload();
            }
            Ok(Added::Meanwhile(why)) => {
                self.shared.news = Some(why);
                self.reload();
            }
            Err(why) => self.shared.complain(why),
        }
    }

    /// Reads the files again, unless that would replace an engine that works.
    fn reload(&mut self) {
        if self.busy() {
            self.shared
                .say("something is running: MySQL and the state are asked again, the files are read once it has ended");
            self.shared.files = Files::ToRead;
            self.shared.ask(Ask::Watch);
            self.shared.measure_all();
        } else {
            self.reopen();
        }
    }

    pub(super) fn reopen(&mut self) {
        self.shared.files = Files::Reading;
        self.shared.say("reading the configuration");
        self.shared.effects.push(Effect::Reopen);
    }
}

/// Tells if the key would ask or order something from the engine.
pub(super) const fn needs_engine(shown: Screen, action: Action) -> bool {
    match action {
        Action::RunSelected | Action::RunAll | Action::Deletes => true,
        Action::Show(screen) => !matches!(screen, Screen::Mappings | Screen::Logs),
        Action::Open => {
            matches!(shown, Screen::Schema | Screen::Backfill | Screen::History | Screen::Run | Screen::Data)
        }
        _ => false,
    }
}
