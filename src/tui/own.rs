//! The operator's own commands: which letter runs which command, and on which mapping.

use crate::domain::config::OwnCommand;
use crate::domain::ids::MappingName;
use crate::domain::shell::PLACEHOLDERS;
use crate::tui::errand::Errand;
use crate::tui::keys::{Key, Scope, bindings};
use crate::tui::screen::Screen;
use crate::tui::shared::Shared;

/// The screens where they work, which show a single mapping or have a cursor on one.
const SCOPES: [Scope; 2] = [Scope::Screen(Screen::Mappings), Scope::Screen(Screen::Run)];

/// The console's own meaning of a letter, on the screens where own commands work.
#[must_use]
pub fn is_taken(letter: char) -> Option<&'static str> {
    let of = |scope| bindings(scope, false).find(|binding| binding.keys.iter().any(|key| key.letter() == Some(letter)));
    SCOPES.into_iter().find_map(of).map(|binding| binding.help)
}

/// The commands that work in a scope. None with `--read-only`, because nobody knows what they do.
#[must_use]
pub fn commands(scope: Scope, shared: &Shared) -> &[OwnCommand] {
    match &shared.facts {
        Some(facts) if SCOPES.contains(&scope) && !shared.read_only => &facts.config.commands,
        _ => &[],
    }
}

/// The command of a key.
#[must_use]
pub fn of_key(scope: Scope, key: Key, shared: &Shared) -> Option<&OwnCommand> {
    let letter = key.letter()?;
    commands(scope, shared).iter().find(|command| command.key == letter)
}

/// The command with the values of a mapping; `None` if the mapping is not configured.
#[must_use]
pub fn errand(command: &OwnCommand, mapping: &MappingName, shared: &Shared) -> Option<Errand> {
    let (mapping, config) = (shared.configured(mapping)?, &shared.facts.as_ref()?.config);
    let value = |name: &str| match name {
        "mapping" => mapping.name.0.clone(),
        "source" => mapping.source.to_string(),
        "target" => mapping.target.to_string(),
        "project" => mapping.target.project.clone(),
        "dataset" => mapping.target.dataset.clone(),
        "table" => mapping.target.table.clone(),
        "location" => mapping.location.clone(),
        "state" => config.state.to_string(),
        "config" => config.path.display().to_string(),
        // Every placeholder has a value; a test compares the two lists.
        _ => String::new(),
    };
    let values = PLACEHOLDERS.iter().map(|(name, variable)| (*variable, value(name))).collect();
    Some(Errand { name: command.name.clone(), script: command.script.clone(), values })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use ratatui::crossterm::event::KeyCode;

    use super::*;
    use crate::domain::config::parse;
    use crate::tui::app::Msg;
    use crate::tui::desk::Desk;
    use crate::tui::desk::looks::snapshots;
    use crate::tui::model::samples;
    use crate::tui::shared::Effect;

    fn desk(read_only: bool) -> Desk {
        let mut desk = Desk::open_with(read_only, None);
        let text = "project: demo\ndataset: shop\nconsole: {commands: [{key: B, run: 'bq show {target}', name: show the table}]}\n\
                    mappings: [{name: orders, mysql_table: 'a; rm -rf', incremental_column: id, bigquery_table: orders}]\n";
        let mut facts = samples::facts(&["orders"]);
        facts.config = Arc::new(parse(text, Path::new("config.yaml"), &|_| None).unwrap());
        desk.tell(Msg::Opened(Ok(facts)));
        desk
    }

    #[test]
    fn an_own_key_runs_its_command_for_the_mapping() {
        let mut desk = desk(false);
        let effects = desk.press('B');
        let [Effect::Run(errand)] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(errand.script, "bq show \"$BQSYNC_THIS_TARGET\"");
        assert!(errand.values.iter().all(|(_, value)| !value.is_empty()), "{errand:?}");
        assert!(errand.values.contains(&("BQSYNC_THIS_SOURCE", "a; rm -rf".to_owned())), "{errand:?}");
        desk.code(KeyCode::Enter);
        assert_eq!(desk.press('B').len(), 1, "on a run's screen too");
        desk.tell(Msg::Returned { name: "show the table".into(), ended: Some(2) });
        assert_eq!(desk.notice(), "show the table ended with exit code 2");
    }

    #[test]
    fn read_only_removes_all_own_commands() {
        let mut desk = desk(true);
        assert_eq!(desk.press('B'), []);
        desk.press('?');
        assert!(!desk.look().contains("show the table"));
    }

    #[test]
    fn own_commands_are_listed_in_help_and_in_the_list_of_actions() {
        let mut desk = desk(false);
        desk.ctrl('p');
        "show the table".chars().for_each(|c| {
            desk.press(c);
        });
        assert!(matches!(desk.code(KeyCode::Enter).as_slice(), [Effect::Run(_)]));
        desk.press('?');
        assert!(desk.look().contains("show the table"), "{}", desk.look());
        snapshots("own_commands", &mut desk);
    }

    #[test]
    fn letters_of_the_console_are_taken() {
        assert!(is_taken('r').is_some() && is_taken(':').is_some() && is_taken('C').is_some());
        assert!(is_taken('B').is_none() && is_taken('9').is_none());
    }
}
