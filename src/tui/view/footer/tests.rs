use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::*;
use crate::tui::app::Msg;
use crate::tui::model::samples;

fn offered(app: &App) -> Vec<String> {
    items(app).into_iter().map(|(_, key, label)| format!("{key} {label}")).collect()
}

#[test]
fn the_backfill_form_says_how_another_mapping_is_chosen() {
    let now = samples::now();
    let mut app = App::new(None, false, Arc::default(), now);
    app.update(Msg::Opened(Ok(samples::facts(&["orders", "users"]))), now);
    let mut press = |code| {
        app.update(Msg::Key(KeyEvent::from(code)), now);
        offered(&app)
    };
    let on_start = press(KeyCode::Char('b'));
    assert!(on_start.contains(&"Up mapping".to_owned()), "{on_start:?}");
    let on_mapping = press(KeyCode::Up);
    assert_eq!(on_mapping[1..3], ["Left previous", "Right next mapping"]);
    press(KeyCode::Down);
    let on_end = press(KeyCode::Down);
    assert!(!on_end.iter().any(|item| item.contains("mapping")), "{on_end:?}");
}
