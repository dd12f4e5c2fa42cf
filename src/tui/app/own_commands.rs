//! Running the operator's own commands.

use super::App;
use crate::tui::own::{self, errand};
use crate::tui::shared::{Effect, NO_MAPPING};

impl App {
    /// Runs a command on the mapping under the cursor, whatever is marked: a command works on one mapping.
    pub(super) fn run_own(&mut self, letter: Option<char>) {
        let command = own::commands(self.scope(), &self.shared).iter().find(|command| Some(command.key) == letter);
        let Some(command) = command else { return };
        let errand = self.subject().and_then(|mapping| errand(command, mapping, &self.shared));
        match errand {
            Some(errand) => self.shared.effects.push(Effect::Run(errand)),
            None => self.shared.say(NO_MAPPING),
        }
    }

    pub(super) fn returned(&mut self, name: &str, ended: Option<i32>) {
        match ended {
            Some(0) => self.shared.say(format!("{name} ended with exit code 0")),
            Some(code) => self.shared.complain(format!("{name} ended with exit code {code}")),
            None => self.shared.complain(format!("{name} was ended by a signal")),
        }
    }
}
