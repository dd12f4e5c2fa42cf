//! Commands: a line typed after `:`, or an entry of the list, is turned into a key's action.

use super::App;
use super::actions::needs_engine;
use crate::domain::ids::MappingName;
use crate::engine::BackfillAsk;
use crate::tui::command::{self, CommandLine};
use crate::tui::keys::commands::{Command, Takes};
use crate::tui::keys::{Action, Scope};
use crate::tui::palette::{self, Choice, Palette};
use crate::tui::preferences::COMMANDS_KEPT;
use crate::tui::screen::Screen;
use crate::tui::screens::mappings::ORDERS;
use crate::tui::screens::shown::About;

impl App {
    /// Handles a key of the command line or of the list.
    pub(super) fn act_on_line(&mut self, action: Action) {
        if let Some(line) = &mut self.line {
            match line.act(action, &self.commands, &self.shared) {
                command::After::Stay => {}
                command::After::Close => self.line = None,
                command::After::Do(line) => {
                    self.line = None;
                    self.obey(&line);
                }
            }
        }
    }

    pub(super) fn act_on_palette(&mut self, action: Action) {
        let page = self.shared.page();
        let Some(palette) = &mut self.palette else { return };
        match palette.act(action, page) {
            palette::After::Stay => {}
            palette::After::Close => self.palette = None,
            palette::After::Chosen(choice) => {
                self.palette = None;
                match choice {
                    Choice::Act(action) => self.dispatch(self.scope(), action),
                    Choice::Own(letter) => self.run_own(Some(letter)),
                    Choice::Do(line) => self.obey(&line),
                    Choice::Write(line) => self.line = Some(CommandLine::with(&line)),
                }
            }
        }
    }

    pub(super) fn open_line(&mut self) {
        self.line = Some(CommandLine::default());
    }

    pub(super) fn open_palette(&mut self, scope: Scope) {
        self.palette = Some(Palette::of(scope, &self.shared));
    }

    /// Carries out a command line, and remembers it.
    fn obey(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { return };
        let arguments: Vec<&str> = words.collect();
        self.commands.retain(|known| known != line);
        self.commands.push(line.to_owned());
        let surplus = self.commands.len().saturating_sub(COMMANDS_KEPT);
        self.commands.drain(..surplus);
        let Some(command) = Command::find(name) else {
            return self.shared.complain(format!("no command is called `{name}`; : and Tab list them"));
        };
        if self.shared.read_only && command.writes() {
            return self
                .shared
                .complain(format!("`{}` writes, and this console was opened with --read-only", command.name));
        }
        let asks = needs_engine(self.screens.front(), command.action) || command.takes == Takes::Stretch;
        if asks && self.shared.lacks_engine() {
            return;
        }
        if let Err(complaint) = self.carry(command, &arguments) {
            self.shared.complain(complaint);
        }
    }

    /// # Errors
    /// Which argument is not valid, in words for the operator.
    fn carry(&mut self, command: &Command, arguments: &[&str]) -> Result<(), String> {
        match command.takes {
            Takes::Nothing if !arguments.is_empty() => {
                return Err(format!("`{}` takes no arguments", command.name));
            }
            Takes::Nothing => self.act_anywhere(command.action),
            Takes::Mappings => {
                let names = if arguments.is_empty() { self.subjects() } else { self.named(arguments)? };
                let is_about_one = matches!(command.action, Action::Open | Action::Show(Screen::Schema | Screen::Data));
                if is_about_one && names.len() > 1 && !arguments.is_empty() {
                    return Err(format!("`{}` takes one mapping, but {} match", command.name, names.len()));
                }
                self.carry_on(command.action, names);
            }
            Takes::Stretch => return self.backfill(arguments),
            Takes::Filter => self.filter(command.action, arguments),
            Takes::Tables => return self.tables(&arguments.join(" ")),
            Takes::Words => self.look_for(command.action, &arguments.join(" ")),
            Takes::Order => return self.order(arguments),
            Takes::Context => return self.context(arguments),
        }
        Ok(())
    }

    /// Carries out a key of the mappings list from any screen, if it was written as a command.
    fn act_anywhere(&mut self, action: Action) {
        if matches!(action, Action::OnlyWrong | Action::RunAll) {
            self.screens.show(Screen::Mappings);
        }
        self.dispatch(Scope::Screen(self.screens.front()), action);
    }

    fn carry_on(&mut self, action: Action, names: Vec<MappingName>) {
        match action {
            Action::Open => self.show_of(Screen::Run, names),
            Action::Show(Screen::Check) if names.len() != 1 => {
                self.screens.open(Screen::Check, About::All, &mut self.shared);
            }
            Action::Show(screen) => self.show_of(screen, names),
            _ => self.act_on(action, names),
        }
    }

    fn backfill(&mut self, arguments: &[&str]) -> Result<(), String> {
        let Some((name, stretch)) = arguments.split_first() else {
            self.show_of(Screen::Backfill, self.subjects());
            return Ok(());
        };
        let names = self.named(&[name])?;
        let (mapping, start, end) = match (names.as_slice(), stretch) {
            ([mapping], [start]) => (mapping, start, None),
            ([mapping], [start, end]) => (mapping, start, Some((*end).to_owned())),
            (_, []) => {
                self.show_of(Screen::Backfill, names);
                return Ok(());
            }
            (_, [_, _, _, ..]) => return Err("a backfill has a start and an end: 2026-10-01T08:00:00Z".to_owned()),
            _ => return Err("name one mapping, or mark several and press b".to_owned()),
        };
        let ask = BackfillAsk { mapping: mapping.clone(), start: (*start).to_owned(), end };
        self.screens.backfill.preview(ask, &mut self.shared);
        self.screens.show(Screen::Backfill);
        Ok(())
    }

    fn filter(&mut self, action: Action, arguments: &[&str]) {
        self.screens.show(Screen::Mappings);
        let (text, mappings, book) = (arguments.join(" "), &mut self.screens.mappings, &self.shared.book);
        if action == Action::Filter {
            mappings.look_for(&text, book);
        } else {
            mappings.mark_all(&text, book);
        }
        if let Some(complaint) = self.screens.mappings.filter.complaint().map(str::to_owned) {
            self.shared.complain(complaint);
        }
    }

    /// Opens a screen with a list, filtered by words.
    fn look_for(&mut self, action: Action, words: &str) {
        let Action::Show(screen) = action else { return };
        let about = self.subject().cloned().map_or(About::All, About::Mapping);
        self.screens.open(screen, about, &mut self.shared);
        match screen {
            Screen::Logs => self.screens.logs.look_for(words),
            Screen::Sent => self.screens.sent.look_for(words),
            _ => self.screens.history.look_for(words),
        }
    }

    /// Opens the list of tables without a mapping, filtered.
    fn tables(&mut self, filter: &str) -> Result<(), String> {
        self.screens.open(Screen::Tables, About::All, &mut self.shared);
        self.screens.tables.look_for(filter)
    }

    fn order(&mut self, arguments: &[&str]) -> Result<(), String> {
        let wanted = arguments.join(" ").replace('-', " ");
        if wanted.is_empty() {
            self.act_anywhere(Action::Sort);
            return Ok(());
        }
        let order = ORDERS.into_iter().find(|order| order.word() == wanted);
        let order = order.ok_or_else(|| "order by file, status, lag, last-run or name".to_owned())?;
        self.screens.show(Screen::Mappings);
        self.screens.mappings.order_by(order, &self.shared.book);
        Ok(())
    }

    /// The mappings with these names; `*` stands for any letters.
    ///
    /// # Errors
    /// A name that matches no mapping.
    fn named(&self, words: &[&str]) -> Result<Vec<MappingName>, String> {
        let rows = &self.shared.book.rows;
        for word in words {
            if !rows.iter().any(|row| fits(word, &row.name.0)) {
                let near = rows
                    .iter()
                    .map(|row| row.name.0.as_str())
                    .max_by(|a, b| strsim::jaro_winkler(word, a).total_cmp(&strsim::jaro_winkler(word, b)));
                let near = near.filter(|near| strsim::jaro_winkler(word, near) > 0.8);
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(format!("no mapping is called `{word}`{near}"));
            }
        }
        let meant = rows.iter().filter(|row| words.iter().any(|word| fits(word, &row.name.0)));
        Ok(meant.map(|row| row.name.clone()).collect())
    }
}

/// Tells if the name equals or matches the pattern.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    let Some((middle, tail)) = rest.rsplit_once('*') else { return name.ends_with(rest) };
    for part in middle.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(tail)
}
