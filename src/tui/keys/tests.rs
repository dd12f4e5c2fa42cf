use std::collections::HashSet;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::commands::{COMMANDS, Command};
use super::table::KEYS;
use super::*;
use crate::tui::screen::Screen;
use crate::tui::text::width;

#[test]
fn no_key_means_two_things_in_one_place() {
    for scope in Scope::ALL {
        let mut seen = HashSet::new();
        for binding in bindings(scope, false) {
            for key in binding.keys {
                assert!(seen.insert(*key), "{} twice in {}", key.name(), scope.title());
            }
        }
    }
}

#[test]
fn every_key_is_explained() {
    for binding in KEYS {
        assert!(!binding.help.is_empty() && !binding.scopes.is_empty() && !binding.keys.is_empty(), "{binding:?}");
        assert!(width(binding.help) <= 62, "the list of actions would cut it off at 80 columns: {}", binding.help);
    }
}

#[test]
fn read_only_takes_away_all_that_writes() {
    let all = |read_only| -> Vec<Action> {
        Scope::ALL.iter().flat_map(|scope| bindings(*scope, read_only)).map(|binding| binding.action).collect()
    };
    let writing = [
        Action::RunSelected,
        Action::RunAll,
        Action::Show(Screen::Backfill),
        Action::AcceptSafe,
        Action::Cancel,
        Action::Deletes,
        Action::Repair,
    ];
    for action in writing {
        assert!(all(false).contains(&action) && !all(true).contains(&action), "{action:?}");
    }
    assert!(all(true).contains(&Action::Quit));
}

#[test]
fn alt_and_releases_are_no_keys() {
    let mut event = KeyEvent::new(KeyCode::Char('r'), KeyModifiers::ALT);
    assert_eq!(Key::pressed(&event), None);
    event.modifiers = KeyModifiers::NONE;
    event.kind = KeyEventKind::Release;
    assert_eq!(Key::pressed(&event), None);
    event.kind = KeyEventKind::Press;
    assert_eq!(
        Key::pressed(&event).and_then(|key| action(Scope::Screen(Screen::Mappings), key, false)),
        Some(Action::RunSelected)
    );
}

/// The table in the documentation equals this one: a line for each binding.
#[test]
fn the_documentation_lists_these_keys() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md")).unwrap();
    let table = table();
    assert!(page.contains(&table), "docs/console.md should hold:\n{table}");
}

fn table() -> String {
    let mut lines = vec!["| key | where | does |".to_owned(), "|---|---|---|".to_owned()];
    for binding in KEYS.iter().filter(|binding| !matches!(binding.scopes, [Scope::Help | Scope::Dialog])) {
        let everywhere = binding.scopes.len() >= SCREENS.len();
        let place = if everywhere {
            "everywhere".to_owned()
        } else {
            binding.scopes.iter().map(|scope| scope.title()).collect::<Vec<_>>().join(", ")
        };
        let keys = names(binding).replace(", ", "`, `");
        lines.push(format!("| `{keys}` | {place} | {} |", binding.help));
    }
    lines.join("\n")
}

#[test]
fn every_command_is_a_key_too_and_each_is_found_by_its_name() {
    for command in COMMANDS {
        assert!(command.binding().is_some(), "{} has no key", command.name);
        assert!(Command::find(command.name).is_some_and(|found| found.name == command.name));
    }
    assert_eq!(Command::find("back").map(|command| command.name), Some("backfill"));
    assert!(Command::find("c").is_none(), "check, cancel and copy begin so");
    assert!(Command::find("").is_none());
}

#[test]
fn the_documentation_lists_these_commands() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md")).unwrap();
    let mut lines = vec!["| command | does |".to_owned(), "|---|---|".to_owned()];
    lines.extend(COMMANDS.iter().map(|command| format!("| `:{}` | {} |", command.usage(), command.help())));
    let table = lines.join("\n");
    assert!(page.contains(&table), "docs/console.md should hold:\n{table}");
}
