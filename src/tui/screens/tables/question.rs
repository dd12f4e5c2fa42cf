//! The question before mappings are added to config.yaml.

use super::{INDENT, Tables};
use crate::domain::estate::lines_to_add;
use crate::format::numbered;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::shared::Shared;

impl Tables {
    /// Shows the lines, and asks.
    pub(super) fn confirm(&self, shared: &mut Shared) {
        let wanted = self.wanted();
        if wanted.is_empty() {
            return shared
                .remark("no table is marked, and the one under the cursor cannot be moved: mark one with Space");
        }
        let Some(facts) = &shared.facts else { return };
        let file = facts.config.path.display();
        let count = numbered(wanted.len() as u64, "mapping", "mappings");
        let mut lines =
            vec![format!("These lines are added to the end of `mappings` in {file}; the rest of the file stays:")];
        lines.extend(lines_to_add(&wanted, INDENT).lines().map(str::to_owned));
        let hidden = self.hidden();
        if hidden > 0 {
            let tables = numbered(hidden as u64, "of these tables is", "of these tables are");
            lines.insert(0, format!("{tables} marked and hidden by the filter `{}`.", self.filter.value().trim()));
        }
        let choices = vec![
            choice('n', "go back, write nothing", Intent::Nothing),
            choice('y', "write them, and read the file again", Intent::AddMappings(wanted)),
        ];
        shared.dialog = Some(Dialog::new(format!("Add {count} to {file}?"), lines, choices));
    }
}
