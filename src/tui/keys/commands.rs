//! The commands that can be typed after `:`. The key of the same action says what a command does and whether it writes.

use super::kinds::{Action, Binding};
use super::table::KEYS;
use crate::tui::screen::Screen;

/// The arguments of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// Names, also with `*`; without names, the mappings that the keys apply to.
    Mappings,
    /// A name, a start and an end.
    Stretch,
    /// A filter as after `/`.
    Filter,
    /// A filter of the list of tables.
    Tables,
    /// Words that a listed line must contain.
    Words,
    Order,
    /// A context's name.
    Context,
}

impl Takes {
    /// The arguments as the documentation writes them.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Mappings => " [MAPPING ...]",
            Self::Stretch => " [MAPPING [START [END]]]",
            Self::Filter | Self::Tables => " [FILTER]",
            Self::Words => " [WORD ...]",
            Self::Order => " [ORDER]",
            Self::Context => " [NAME]",
        }
    }
}

#[derive(Debug)]
pub struct Command {
    pub name: &'static str,
    pub action: Action,
    pub takes: Takes,
}

const fn command(name: &'static str, action: Action, takes: Takes) -> Command {
    Command { name, action, takes }
}

/// Every command, the most important first.
pub const COMMANDS: &[Command] = &[
    command("run", Action::RunSelected, Takes::Mappings),
    command("run-all", Action::RunAll, Takes::Nothing),
    command("cancel", Action::Cancel, Takes::Mappings),
    command("pause", Action::Pause, Takes::Mappings),
    command("backfill", Action::Show(Screen::Backfill), Takes::Stretch),
    command("verify", Action::Show(Screen::Verify), Takes::Mappings),
    command("rows", Action::Show(Screen::Data), Takes::Mappings),
    command("deletes", Action::Deletes, Takes::Mappings),
    command("schema", Action::Show(Screen::Schema), Takes::Mappings),
    command("open", Action::Open, Takes::Mappings),
    command("history", Action::Show(Screen::History), Takes::Words),
    command("logs", Action::Show(Screen::Logs), Takes::Words),
    command("sent", Action::Show(Screen::Sent), Takes::Words),
    command("check", Action::Show(Screen::Check), Takes::Mappings),
    command("tables", Action::Show(Screen::Tables), Takes::Tables),
    command("filter", Action::Filter, Takes::Filter),
    command("wrong", Action::OnlyWrong, Takes::Nothing),
    command("mark", Action::MarkShown, Takes::Filter),
    command("order", Action::Sort, Takes::Order),
    command("copy", Action::Copy, Takes::Nothing),
    command("context", Action::Context, Takes::Context),
    command("reload", Action::Reload, Takes::Nothing),
    command("help", Action::Help, Takes::Nothing),
    command("quit", Action::Quit, Takes::Nothing),
];

impl Command {
    /// The command of this name, or the only one with this beginning.
    #[must_use]
    pub fn find(word: &str) -> Option<&'static Self> {
        let exact = COMMANDS.iter().find(|command| command.name == word);
        let mut begun = COMMANDS.iter().filter(|command| !word.is_empty() && command.name.starts_with(word));
        exact.or_else(|| begun.next().filter(|_| begun.next().is_none()))
    }

    /// The key that does the same.
    #[must_use]
    pub fn binding(&self) -> Option<&'static Binding> {
        KEYS.iter().find(|binding| binding.action == self.action)
    }

    #[must_use]
    pub fn writes(&self) -> bool {
        self.binding().is_some_and(|binding| binding.writes)
    }

    #[must_use]
    pub fn help(&self) -> &'static str {
        self.binding().map_or("", |binding| binding.help)
    }

    /// The usage: `run [MAPPING ...]`.
    #[must_use]
    pub fn usage(&self) -> String {
        format!("{}{}", self.name, self.takes.words())
    }
}
