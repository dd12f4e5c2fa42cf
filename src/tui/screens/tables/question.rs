//! What is asked before config.yaml is written to.

use super::{INDENT, Tables};
use crate::domain::estate::lines_to_add;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::shared::Shared;

impl Tables {
    /// Shows the lines, and asks.
    pub(super) fn confirm(&self, shared: &mut Shared) {
        let wanted = self.wanted();
        if wanted.is_empty() {
            return shared.remark("no table is marked that could be moved");
        }
        let Some(facts) = &shared.facts else { return };
        let file = facts.config.path.display();
        let count = if wanted.len() == 1 { "1 mapping".to_owned() } else { format!("{} mappings", wanted.len()) };
        let mut lines = vec![format!("These lines go to the end of `mappings` in {file}; nothing else of it changes:")];
        lines.extend(lines_to_add(&wanted, INDENT).lines().map(str::to_owned));
        let choices = vec![
            choice('n', "go back, write nothing", Intent::Nothing),
            choice('y', "write them, and read the file again", Intent::AddMappings(wanted)),
        ];
        shared.dialog = Some(Dialog::new(format!("Add {count} to {file}?"), lines, choices));
    }
}
